"""A daemon's station in memory, on a clock that the test pushes forward."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

from broadcaster.alarms import Alarms
from broadcaster.daemon import Daemon, World
from broadcaster.edges.content import Loaded
from broadcaster.edges.control import Asked
from broadcaster.edges.sink import Played, Reel, Source
from broadcaster.model.airing import Airing
from broadcaster.model.content import Content
from broadcaster.model.errors import Fault, say
from broadcaster.model.occurrence import Reason
from broadcaster.model.programme import Programme
from broadcaster.model.station import Cluster
from broadcaster.playout import Output, Stream
from tests import factories as make
from tests.fakes import FakeCrew, FakeSink, FakeStore, FakeSwitch, SteppedClock, make_output
from tests.programmes import ReadyAssembly

FRIDAY = "2026-11-20"
DUE = make.at(FRIDAY, "17:30")
PATIENCE = 10.0  # real seconds until a test gives up on a thread
SECONDS = 10.0  # of every script, unless a test says otherwise


class MeddlingSink(FakeSink):
    """A sink that may be told to raise, as one with an error of ours would."""

    def __init__(self, clock: SteppedClock) -> None:
        super().__init__(clock)
        self.raises: BaseException | None = None

    def play(self, source: Source, at: datetime, stop: Event, on_progress: Callable[[float], None]) -> Played:
        def tell(seconds: float) -> None:
            on_progress(seconds)
            if self.raises is not None:
                raise self.raises

        return super().play(source, at, stop, tell)


class FakeStream(Reel):
    """A stream that never fails, or one of which nothing ever comes."""

    def __init__(self, programme: Programme, flows: bool) -> None:
        super().__init__(programme.pieces)
        self.silence, self.replaced = (0.0 if flows else programme.seconds), 0.0
        self.trouble = None if flows else Fault("relay", say("It was told to fail."), say("Tell it not to."))


class Station:
    """A station from the moment it is switched on; `restart` switches it off and on again."""

    def __init__(self, folder: Path) -> None:
        self.clock = SteppedClock(DUE - timedelta(minutes=1))
        self.store: FakeStore = FakeStore()
        self.assembly = ReadyAssembly(folder)
        self.sinks: dict[str, MeddlingSink] = {}
        self.opened: list[tuple[str, str]] = []  # cluster, sink
        self.loaded: Callable[[], Loaded]
        self.edits = 0
        self.fingerprint: Callable[[], int] = lambda: self.edits
        self.prepared: list[datetime] = []
        self.flows = True  # do streams bring anything?
        self.streams: list[tuple[str, float]] = []  # that were opened: address, seconds
        self.crew = FakeCrew()
        self.switch = FakeSwitch()
        self.preparing: Event | None = None  # if given, assembly is at work until it is set
        self.daemon: Daemon | None = None
        self.content = self.write(make.make_schedule())

    def write(self, *schedules: Any, **given: Any) -> Content:
        """Write the content anew, as an officer does."""
        given.setdefault("scripts", [make.make_script(seconds=SECONDS)])
        content = self.content = make.make_content(*schedules, **given)
        self.save(lambda: Loaded(content, ()))
        return content

    def save(self, loaded: Callable[[], Loaded]) -> None:
        self.loaded = loaded
        self.edits += 1

    # On and off

    def start(self) -> None:
        self.daemon = Daemon(self.world)
        self.daemon.start()

    @property
    def world(self) -> World:
        return World(
            clock=self.clock,
            crew=self.crew,
            store=self.store,
            alarms=Alarms(self.clock),
            assembly=self.assembly,
            open_output=self._open_output,
            fingerprint=self.fingerprint,
            load=self._load,
            prepare=self._prepare,
            switch=lambda _amplifier: self.switch,
            made_in=lambda _folder, _digest: None,
        )

    @property
    def alarms(self) -> list[str]:
        assert self.daemon
        return [alarm.key for alarm in self.daemon.world.alarms.present]

    def ask(self, verb: str, **values: Any) -> Mapping[str, Any]:
        """Ask the daemon, as a command does."""
        assert self.daemon
        return self.daemon.answer(Asked(verb, values, "nguoi-truc", trusted=True))

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.stopping.set()
            for halt in list(self.daemon._halts.values()):
                halt.because(Reason.SHUTDOWN)
            self.daemon._alerts.close()
            self.crew.close()
            self.crew = FakeCrew()
            self.daemon = None

    def restart(self, at: datetime) -> None:
        """Switch off now and on again at *at*."""
        self.stop()
        self.clock.set(at)
        self.start()

    def _load(self) -> Loaded:
        return self.loaded()

    def _open_output(self, cluster: Cluster) -> Output:
        self.opened.append((cluster.id, cluster.sink))
        return replace(make_output(self.sink(cluster.id)), relay=self._open_stream)

    def _open_stream(self, url: str, seconds: float, _instead: Callable[[float], Source | None]) -> Stream:
        self.streams.append((url, seconds))
        return FakeStream(self.assembly.make(f"stream-{len(self.streams)}", seconds), self.flows)

    def sink(self, cluster: str = "nam-po") -> MeddlingSink:
        return self.sinks.setdefault(cluster, MeddlingSink(self.clock))

    def _prepare(self, stopping: Event) -> None:
        self.prepared.append(self.clock.now())
        while self.preparing is not None and not self.preparing.is_set() and not stopping.is_set():
            time.sleep(0.001)

    # Time

    def run_until(self, when: datetime, every: float = 1.0) -> None:
        """Let time pass, with a look at the plan at least *every* seconds."""
        if self.daemon is None:
            self.start()
        while (left := (when - self.clock.now()).total_seconds()) > 0:
            self.tick()
            self.clock.step(min(left, every))
            self.settle()
        self.tick()

    def run(self, seconds: float, every: float = 1.0) -> None:
        self.run_until(self.clock.now() + timedelta(seconds=seconds), every)

    def tick(self) -> None:
        assert self.daemon
        self.daemon.tick()
        self.settle()

    def settle(self) -> None:
        """Wait until each cluster that has something to play waits on the clock, and nothing else moves."""
        daemon = self.daemon
        assert daemon
        for _ in range(round(PATIENCE / 0.0005)):
            busy = {name.rpartition("/")[2] for name in list(daemon._halts)}
            if self.clock.settled(len(busy) + len(daemon._alerts._attended)) and not (
                daemon._preparing and self.preparing is None
            ):
                return
            time.sleep(0.0005)
        raise AssertionError(f"{list(daemon._halts)} do not come to rest")

    # What came of it

    @property
    def log(self) -> list[Airing]:
        return list(self.store.airings())

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """The play log in short: occurrence, outcome, reason."""
        return [(one.occurrence, str(one.outcome), one.reason) for one in self.log]

    def plays(self, cluster: str = "nam-po") -> list[tuple[datetime, list[str]]]:
        """When the sink of *cluster* began, and with what."""
        return [(play.at, [path.stem for path in play.sounds]) for play in self.sink(cluster).plays]
