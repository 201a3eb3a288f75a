"""A station's life: what befalls it, one thing after another, from a seed."""

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from broadcaster.edges.clock import ClockState
from broadcaster.edges.store import Store, database
from tests import factories as make

from .judge import DAY, Judge, Ordered
from .kernel import EPOCH, SECOND, Kernel, StuckError, micros
from .running import command, simulated, start, words
from .station import Station
from .world import Machine

MEMORY = Path("/dev/shm")  # a disk of memory: the real one would take the time


@dataclass(frozen=True)
class Result:
    """What came of a life."""

    injected: Counter[str]
    outcomes: Counter[str]
    excused: Counter[str]
    violations: list[str]


class Life:
    """One station from its first day on."""

    def __init__(
        self,
        seed: str,
        days: float,
        faults: Mapping[str, float] | None = None,
        *,
        trace: bool = False,
        most: int = 20,
    ) -> None:
        """*faults*: what befalls it, and how often a month. It ends when there are *most* violations."""
        self.seed, self.days, self.trace, self.most = seed, days, trace, most
        self.story: list[str] = []
        self.store: Any = None
        self._reader: Store | None = None
        self.random = Random(f"life {seed}")
        self.kernel = kernel = Kernel(Random(f"kernel {seed}"))
        self.station = Station(Random(f"station {seed}"))
        self.content = self.station.content()
        self.edition = 1
        self.broken = False  # the content cannot be read at all
        self.folder = Path(tempfile.mkdtemp(prefix="simulated-", dir=MEMORY if MEMORY.is_dir() else None))
        self.machine = Machine(kernel, self.folder)
        for one in self.station.clusters:
            self.machine.sink(one.id, one.sink)
        self.judge = Judge(self)
        self.injected: Counter[str] = Counter()
        self.running = False
        self.off_until: int | None = None
        self.boots = 0
        self.has_rtc = self.random.random() < 0.7
        self.daemon: Any = None
        self.fates = FATES if faults is None else faults
        kernel.on_death = self._died
        self.orders = 0
        self.streams = True  # relays flow

    # Through its days

    def run(self) -> "Life":
        kernel, machine = self.kernel, self.machine
        with ExitStack() as stack:
            stack.enter_context(simulated(self))
            stack.enter_context(self._closing())
            kernel.true = self.judge.checked
            machine.on_segment, machine.on_begin, machine.on_end = (
                self.judge.segment,
                self.judge.begins,
                self.judge.ended,
            )
            self.boot()
            for name, per_month in self.fates.items():
                self._next(name, per_month)
            day = 0
            try:
                while day < self.days and len(self.judge.violations) < self.most:
                    day += 1
                    kernel.run(round(day * DAY))
                    self.judge.look()
            except StuckError as error:
                self.judge.violate("stuck", str(error))
        return self

    @property
    def result(self) -> Result:
        judge = self.judge
        return Result(self.injected, judge.outcomes, judge.excused, judge.violations)

    @contextmanager
    def _closing(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.kernel.kill()
            self.kernel.on_death = lambda: None
            try:
                if self.kernel.alive:
                    self.kernel._bury()
            finally:
                self.judge.close()
                if self._reader is not None:
                    self._reader.close()
                for path in self.folder.iterdir():
                    path.unlink()
                self.folder.rmdir()

    def tell(self, what: str) -> None:
        """For whoever follows one life: what happens, with the true time."""
        if self.trace:
            self.story.append(f"{self.kernel.now.astimezone(make.ZONE):%Y-%m-%d %H:%M:%S.%f} {what}")

    def store_reader(self) -> Store:
        if self._reader is None:
            self._reader = Store(database(self.folder), read_only=True)
        return self._reader

    def boot(self) -> None:
        """Start the program."""
        self.boots += 1
        self.running = True
        self.kernel.poke()
        self.judge.over("off")
        self.judge.happened("boot", 1.0)
        self.judge.trust()
        start(self)

    def _died(self) -> None:
        """The program ended, by whatever; it is started again, after the power is back."""
        self.running, self.daemon = False, None
        self.tell("it is dead")
        if self.store is not None:
            self.store.close()
            self.store = None
        self.judge.died()
        self.judge.amplified(on=False)
        if self.off_until is None:
            self.kernel.at(self.kernel.true + micros(2.0), self._again)

    def _again(self) -> None:
        if not self.running and self.off_until is None:
            self.boot()

    # What befalls it

    def _next(self, name: str, per_month: float) -> None:
        random, kernel = self.random, self.kernel
        when = kernel.true + round(random.expovariate(per_month / 30.0) * DAY)
        if random.random() < 0.7:  # most of what befalls it does so around a broadcast
            when = self._near_broadcast(when)

        def happen() -> None:
            self.machine.flush_all()
            kernel.poke()
            self.injected[name] += 1
            self.tell(f"*** {name}")
            getattr(self, f"_{name}")()
            self._next(name, per_month)

        kernel.at(max(when, kernel.true + micros(60)), happen)

    def _near_broadcast(self, when: int) -> int:
        random = self.random
        schedule = random.choice(list(self.station.schedules.values()))
        at = random.choice([one for rule in schedule.rules for one in rule.times])
        local = at.hour * 3600 + at.minute * 60 - 7 * 3600
        around = random.choice([(0, 40), (-30, 120), (-300, 600)])
        return when // DAY * DAY + micros(local % 86400 + random.uniform(*around))

    def _seconds(self, low: float, high: float) -> float:
        """Between 10**low and 10**high seconds."""
        return float(10 ** self.random.uniform(low, high))

    def _kill(self) -> None:
        if not self.running:
            return
        if self.random.random() < 0.7:
            self.kernel.die_in = self.random.randrange(1, 60)
        else:
            self.kernel.kill()

    def _power(self) -> None:
        kernel, random = self.kernel, self.random
        if self.off_until is not None:
            return  # it is off already
        seconds = self._seconds(*random.choice([(0.8, 2.5), (1.8, 4.0), (4.0, 6.2)]))
        self.judge.power_off()
        self.off_until = kernel.true + micros(seconds)
        if self.running:
            kernel.kill()
        boots = self.boots
        down = kernel.true

        def back() -> None:
            self.off_until = None
            self._clock_after_power(down, boots)
            self._again()

        kernel.at(self.off_until, back)

    def _clock_after_power(self, down: int, boots: int) -> None:
        kernel, random = self.kernel, self.random
        boot = f"boot-{boots}-{kernel.true}"
        if random.random() < 0.05:
            self.has_rtc = not self.has_rtc  # its battery is empty, or was changed
        if self.has_rtc:
            kernel.offset += micros(random.uniform(-0.5, 0.5))
            quick = random.random() < 0.7
            kernel.state = ClockState(synchronised=False, rtc=True, boot=boot)
            self._sets_clock(random.uniform(1, 30) if quick else self._seconds(2, 5.5), 0)
        else:
            start = random.choice([datetime(1970, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), None])
            if start is None:  # the system keeps the time of its last shutdown
                kernel.offset -= kernel.true - down
            else:
                kernel.offset = (start - EPOCH) // timedelta(microseconds=1) - kernel.true
            kernel.state = ClockState(synchronised=False, rtc=False, boot=boot)
            self._sets_clock(self._seconds(0.7, 5.6), 0)
        self._clock_changed()

    def _clock_changed(self) -> None:
        self.kernel.poke()
        self.judge.clock_changed()

    def _sets_clock(self, after: float, offset: int) -> None:
        """A time server sets the clock, unless the machine was off meanwhile."""
        kernel, boot = self.kernel, self.kernel.state.boot

        def setting() -> None:
            if kernel.state.boot == boot:
                self.machine.flush_all()
                kernel.offset = offset
                kernel.state = replace(kernel.state, synchronised=True)
                self._clock_changed()

        kernel.at(kernel.true + micros(after), setting)

    def _step(self) -> None:
        """Somebody sets the clock wrong, or a time server does; later it is right again."""
        kernel, random = self.kernel, self.random
        kernel.offset += random.choice([-1, 1]) * micros(self._seconds(0.0, random.choice([4.0, 7.6])))
        kernel.state = replace(kernel.state, synchronised=random.random() < 0.2)
        self._clock_changed()
        self._sets_clock(self._seconds(0.5, 5.0), 0)

    def _leap(self) -> None:
        self.kernel.offset += self.random.choice([-1, 1]) * SECOND
        self._clock_changed()
        self._sets_clock(self._seconds(1.0, 4.0), 0)

    def _suspend(self) -> None:
        seconds = self._seconds(0.5, self.random.choice([3.0, 5.0]))
        for play in self.machine.sounding.values():
            self.machine.flush(play, sounds=False)
        sounded = [play for play in self.machine.sounding.values() if play.segments]
        self.judge.happened("suspend", seconds)
        self.kernel.suspend(seconds)
        for play in sounded:
            play.since = self.kernel.true
        self.kernel.poke()
        self.judge.clock_changed(slept=True)

    def _unsynchronised(self) -> None:
        """The time server is gone for long; the clock goes on, right."""
        kernel = self.kernel
        kernel.state = replace(kernel.state, synchronised=False, rtc=self.has_rtc)
        self._clock_changed()
        self._sets_clock(self._seconds(1.0, 5.5), kernel.offset)

    def _vouch(self) -> None:
        """Somebody looks at the clock, sets it, and says that it is right."""
        kernel = self.kernel
        if not self.running or kernel.state.synchronised:
            return
        kernel.offset = micros(self.random.uniform(-1, 1))
        self._clock_changed()
        command(self, "clock", {})
        self.judge.vouched = kernel.state.boot
        self.judge.trust()

    def _card(self) -> None:
        random = self.random
        name = random.choice(sorted(self.machine.cards))
        card = self.machine.cards[name]
        if card.state != "ok":
            return
        clusters = [one.id for one in self.station.clusters if one.sink.partition("#")[0] == name]
        for one in clusters:
            self.judge.begun("card", one)
        card.become(random.choice(["absent", "dead", "frozen"]))

        def back() -> None:
            self.machine.flush_all()
            card.become("ok")
            for one in clusters:
                self.judge.over("card", one)

        self.kernel.at(self.kernel.true + micros(self._seconds(-0.5, random.choice([1.5, 2.5, 5.0]))), back)

    def _disk(self) -> None:
        machine = self.machine
        if machine.disk != "ok":
            return
        machine.disk = self.random.choice(["full", "read-only", "gone"])
        self.judge.begun("disk")

        def back() -> None:
            machine.disk = "ok"
            self.judge.over("disk")

        self.kernel.at(self.kernel.true + micros(self._seconds(0.5, self.random.choice([2.5, 5.0]))), back)

    def _missing(self) -> None:
        """A programme is not there, or its file is spoilt."""
        random, machine = self.random, self.machine
        script = random.choice(self.station.scripts).id
        absent, seconds = random.random() < 0.5, self._seconds(1.0, 5.0)
        if machine.assembly.missing or machine.files.spoilt:
            return  # another one is
        self.judge.begun("missing")
        if absent:
            machine.assembly.missing.add(script)
        else:
            machine.files.spoilt |= {one for one in machine.files.lengths if one.name.startswith(script)}

        def back() -> None:
            machine.assembly.missing.clear()
            machine.files.spoilt.clear()
            self.judge.over("missing")

        self.kernel.at(self.kernel.true + micros(seconds), back)

    def _edit(self) -> None:
        if self.broken:
            return  # what is saved now is not followed before it can be read
        self.judge.edited()
        self.station.edit()
        self.content = self.station.content()
        self.edition += 1
        self.judge.happened("edit", 1.0)

    def _unreadable(self) -> None:
        """A file is saved with a fault in it, and mended."""
        self.broken = True
        self.edition += 1

        def mended() -> None:
            self.broken = False
            self.edition += 1

        self.kernel.at(self.kernel.true + micros(self._seconds(0.5, 4.5)), mended)

    def _alert(self) -> None:
        if not self.running:
            return
        random = self.random
        some = random.sample(self.station.clusters, random.randint(1, len(self.station.clusters)))
        self.orders += 1
        one = Ordered(
            id=f"bao-{self.orders}",
            at=self.kernel.true,
            clusters=tuple(each.id for each in some),
            seconds=round(self._seconds(1.5, 4.0)),
            every=random.choice([30.0, 60.0, 300.0]),
            suspended=self.kernel.suspended,
        )
        self.judge.ordered(one)
        command(
            self,
            "alert",
            {
                "id": one.id,
                "title": one.id,
                "clusters": list(one.clusters),
                "every": one.every,
                "left": one.seconds,
            },
        )
        made = self.kernel.true + micros(random.choice([0.2, 2.0, 8.0, 30.0]))
        self.kernel.at(made, lambda: self._words(one))
        if random.random() < 0.5:
            self.kernel.at(
                self.kernel.true + micros(random.uniform(1, one.seconds)), lambda: self._all_clear(one)
            )

    def _words(self, one: Ordered) -> None:
        if self.running:
            words(self, one)

    def _all_clear(self, one: Ordered) -> None:
        if self.running:
            self.machine.flush_all()
            self.kernel.poke()
            at = self.kernel.true

            def answered() -> None:
                one.cleared = at

            command(self, "clear", {"id": one.id}, answered)

    def _stop(self) -> None:
        if self.running:
            self.judge.happened("stop", 1.0)
            command(self, "stop", {})
            self.judge.stopped()

    def _play(self) -> None:
        if not self.running:
            return
        script = self.random.choice(self.station.scripts).id
        clusters = [one.id for one in self.station.clusters]
        self.judge.happened("play", 700.0)
        command(self, "play", {"script": script, "clusters": clusters})

    def _shutdown(self) -> None:
        """Told to end, and started again."""
        if self.running and self.daemon is not None:
            self.daemon.stopping.set()

    def _stream(self) -> None:
        self.streams = False
        self.judge.begun("stream")

        def back() -> None:
            self.streams = True
            self.judge.over("stream")

        self.kernel.at(self.kernel.true + micros(self._seconds(0.5, 3.0)), back)


FATES = {  # a month
    "kill": 4.0,
    "power": 3.0,
    "step": 2.0,
    "leap": 1.0,
    "suspend": 1.0,
    "unsynchronised": 1.0,
    "vouch": 1.0,
    "card": 4.0,
    "disk": 3.0,
    "missing": 2.0,
    "edit": 2.0,
    "unreadable": 1.0,
    "alert": 2.0,
    "stop": 2.0,
    "play": 2.0,
    "shutdown": 2.0,
    "stream": 1.0,
}
