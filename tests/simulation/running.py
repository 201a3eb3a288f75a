"""The real daemon on the simulated machine: what is put in the place of the world, and how it is started."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from threading import Event
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from broadcaster import alarms, alerts, clip, daemon, journal, playout
from broadcaster.alarms import Alarms
from broadcaster.daemon import Daemon, World
from broadcaster.edges import store
from broadcaster.edges.content import Loaded
from broadcaster.edges.control import Asked
from broadcaster.edges.sink import BYTE_RATE, Source
from broadcaster.edges.store import database
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.station import Amplifier, Cluster
from broadcaster.playout import Output, Playout

from .judge import Ordered
from .kernel import SimClock, SimCrew, locks_of
from .world import SimReel, SimStore, sound

if TYPE_CHECKING:
    from .life import Life

logger = logging.getLogger("broadcaster")


class SimRelay:
    """A stream: as long as it flows it gives sound, else what replaces it, else nothing."""

    fault: Fault | None = None
    trouble: Fault | None = None

    def __init__(self, life: "Life", seconds: float, instead: Callable[[float], Source | None]) -> None:
        self._life, self._left, self._instead = life, round(seconds * BYTE_RATE), instead
        self._other: Source | None = None
        self.silence = self.replaced = 0.0

    def read(self) -> bytes | None:
        if self._left <= 0:
            return None
        block = sound(BYTE_RATE) if self._life.streams else self._replacement()
        block = block[: self._left]
        self._left -= len(block) or BYTE_RATE // 2  # the sink asks again after half a second
        if not self._life.streams:
            self.replaced += len(block) / BYTE_RATE
        return block

    def _replacement(self) -> bytes:
        for _ in range(2):  # the local programme is repeated
            self._other = self._other or self._instead(0.0)
            block = self._other.read() if self._other else b""
            if block is not None:
                return block
            self._other = None
        return b""

    def close(self) -> None:
        """Nothing is open."""


class SimSwitch:
    def __init__(self, life: "Life") -> None:
        self._life = life

    def on(self) -> Fault | None:
        self._life.kernel.seam()
        self._life.judge.amplified(on=True)
        return None

    def off(self) -> Fault | None:
        self._life.kernel.seam()
        self._life.judge.amplified(on=False)
        return None


class _Ours(logging.Handler):
    """Errors of ours that the daemon caught and went on after."""

    def __init__(self, life: "Life") -> None:
        super().__init__(logging.ERROR)
        self._life = life

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._life.kernel.errors.append(logging.Formatter().format(record))


@contextmanager
def simulated(life: "Life") -> Iterator[None]:
    """Let what the daemon reaches without being given it be of the simulation."""
    files = life.machine.files

    def about(method: Callable[..., Any]) -> Callable[..., Any]:
        def told(self: Playout, occurrence: Any, *rest: Any, **named: Any) -> Any:
            if (me := life.kernel.me) is not None:
                me.about = occurrence.id
            return method(self, occurrence, *rest, **named)

        return told

    handler = _Ours(life)
    with ExitStack() as stack:
        stack.enter_context(locks_of(life.kernel, [alarms, alerts, daemon, journal, playout, store]))
        for name in ("air", "break_in"):
            stack.enter_context(patch.object(Playout, name, about(getattr(Playout, name))))
        stack.enter_context(patch.object(clip, "seconds", files.lengths.get))
        stack.enter_context(patch.object(alerts, "_tone", _tone))
        stack.enter_context(patch.object(SimReel, "files", files, create=True))
        stack.enter_context(patch.object(SimStore, "machine", life.machine, create=True))
        before = logger.level, logger.propagate
        logger.setLevel(logging.DEBUG if life.trace else logging.ERROR)
        logger.propagate = False
        logger.addHandler(handler)
        if life.trace:
            logger.addHandler(_Tracing(life))
        try:
            yield
        finally:
            for each in list(logger.handlers):
                if isinstance(each, _Ours | _Tracing):
                    logger.removeHandler(each)
            logger.setLevel(before[0])
            logger.propagate = before[1]


class _Tracing(logging.Handler):
    def __init__(self, life: "Life") -> None:
        super().__init__(logging.DEBUG)
        self._life = life

    def emit(self, record: logging.LogRecord) -> None:
        self._life.tell(f"    {record.levelname.lower()}: {record.getMessage()}")


@cache
def _tone() -> bytes:
    return bytes(BYTE_RATE)


def start(life: "Life") -> None:
    """The program, from its start to its end."""
    kernel, machine = life.kernel, life.machine
    clock = SimClock(kernel)

    def output(cluster: Cluster) -> Output:
        return Output(
            machine.sink(cluster.id, cluster.sink),
            lambda: None,
            SimReel,
            lambda _url, seconds, instead: SimRelay(life, seconds, instead),
        )

    def load() -> Loaded:
        if life.broken and life.daemon is not None:  # at its start it takes what was good last
            raise BroadcasterError(Fault("schedules", say("It cannot be read."), say("Mend it.")))
        return Loaded(life.content, ())

    def prepare(stopping: Event) -> None:
        clock.sleep(3.0, stopping)

    def switch(_amplifier: Amplifier) -> SimSwitch:
        return SimSwitch(life)

    def main() -> None:
        try:
            life.store = SimStore(database(life.folder), in_any_case=True)
            world = World(
                clock=clock,
                crew=SimCrew(kernel),
                store=life.store,
                alarms=Alarms(clock),
                assembly=machine.assembly,  # type: ignore[arg-type]
                open_output=output,
                fingerprint=lambda: life.edition,
                load=load,
                prepare=prepare,
                switch=switch,
                made_in=lambda _folder, digest: machine.assembly.programme(digest),
            )
            life.daemon = Daemon(world)
            life.daemon.run()
        except BroadcasterError as error:
            life.tell(f"it ends: {error}")
        finally:
            if not kernel.dead:
                kernel.kill()

    kernel.start("main", main)


def command(
    life: "Life", verb: str, values: Mapping[str, Any], done: Callable[[], None] = lambda: None
) -> None:
    """A command that somebody gives at the station; *done* is called if the daemon lives to answer it."""

    def give() -> None:
        try:
            if life.daemon is not None:
                life.daemon.answer(Asked(verb, values, "thu", trusted=True))
                done()
        except BroadcasterError as error:
            life.tell(f"{verb} is refused: {error}")

    life.kernel.start(f"command {verb}", give)


def words(life: "Life", order: Ordered) -> None:
    """What an emergency says is made, some seconds after it was ordered."""
    programme = life.machine.assembly.make(f"khan-{order.id}", 15.0)
    programmes = {one: [("vi", programme.digest)] for one in order.clusters}
    values = {"id": order.id, "script": "", "folder": "", "programmes": programmes}

    def there() -> None:
        order.worded = life.kernel.true

    command(life, "words", values, there)
