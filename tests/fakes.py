"""What stands in for the world in tests. It lives here once, and passes the same tests as the real thing."""

import math
import wave
from array import array
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import Condition, Event, Lock
from typing import Any

from broadcaster.edges.clock import ClockState
from broadcaster.edges.sink import FIRST, SAMPLE_BYTES, Meter, Played, Reel, Sink, Source
from broadcaster.edges.store import AlreadyLoggedError
from broadcaster.edges.voice import VoiceError, admit, save
from broadcaster.model.airing import Airing
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.programme import SAMPLE_RATE
from broadcaster.model.recording import Measured
from broadcaster.model.spoken import spoken
from broadcaster.playout import Output, Stream


class FakeVoice:
    """A voice that hums: one tone, a twentieth of a second for each character."""

    RATE = 16_000  # samples per second

    def __init__(
        self, name: str = "fake", *, fails: bool = False, languages: tuple[str, ...] = ("vi",)
    ) -> None:
        self.name = name
        self.languages = frozenset(languages)
        self.fails = fails
        self.asked: list[tuple[str, str, Path]] = []

    def speak(self, text: str, language: str, to: Path) -> str:
        self.asked.append((text, language, to))
        admit(self, text, language)
        if self.fails:
            raise VoiceError(Fault(self.name, say("The voice was told to fail."), say("Tell it not to.")))
        save(to, self._tone(len(spoken(text)) / 20))
        return self.name

    def _tone(self, seconds: float) -> bytes:
        step = 2 * math.pi * 440 / self.RATE
        samples = array("h", (round(8_000 * math.sin(step * i)) for i in range(round(seconds * self.RATE))))
        audio = BytesIO()
        with wave.open(audio, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.RATE)
            file.writeframes(samples.tobytes())
        return audio.getvalue()


class FakeClock:
    """
    A clock that stands still until somebody waits or pushes it forward, and then is there at once.

    A time server has it in hand, unless `its_state` is changed.
    """

    def __init__(self, now: datetime = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)) -> None:
        self._now = now.astimezone(UTC)
        self._monotonic = 1000.0
        self.its_state = ClockState(synchronised=True, rtc=True, boot="first")
        self._then: list[tuple[datetime, Callable[[], object]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float, stop: Event) -> bool:
        if not stop.is_set():
            self.advance(seconds)
        return stop.is_set()

    def wait_until(self, when: datetime, stop: Event) -> bool:
        return self.sleep((when - self._now).total_seconds(), stop)

    def idle_until(self, when: datetime) -> None:
        self.advance((when - self._now).total_seconds())

    def advance(self, seconds: float) -> None:
        """Let time pass; it does not go back."""
        self._now += timedelta(seconds=max(0.0, seconds))
        self._monotonic += max(0.0, seconds)
        for when, what in self._then:
            if when <= self._now:
                what()

    def at(self, when: datetime, what: Callable[[], object]) -> None:
        """From *when* on, have *what* done whenever time passes."""
        self._then.append((when, what))

    def set(self, now: datetime) -> None:
        """Set wall time, forward or back, as a person or a time server does."""
        self._now = now.astimezone(UTC)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: wall time goes on, monotonic time does not."""
        self.set(self._now + timedelta(seconds=seconds))

    def state(self) -> ClockState:
        return self.its_state


@dataclass(frozen=True)
class FakePlay:
    """One play that a FakeSink was asked for, and what it answered."""

    source: Source
    at: datetime
    played: Played

    @property
    def sounds(self) -> tuple[Path, ...]:
        source = self.source.source if isinstance(self.source, Meter) else self.source
        assert isinstance(source, Reel)
        return source.sounds


class FakeSink:
    """
    A sink that makes no sound and remembers every play.

    Tell it with `fail_after` and `stop_after` (seconds of a play) to fail, or to be stopped by somebody.
    """

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.plays: list[FakePlay] = []
        self.fail_after: float | None = None
        self.stop_after: float | None = None
        self.closed = False

    def play(self, source: Source, at: datetime, stop: Event, on_progress: Callable[[float], None]) -> Played:
        played = self._play(source, at, stop, on_progress)
        self.plays.append(FakePlay(source, at, played))
        return played

    def close(self) -> None:
        self.closed = True

    def _play(
        self, source: Source, at: datetime, stop: Event, on_progress: Callable[[float], None]
    ) -> Played:
        if self.clock.wait_until(at, stop):
            return Played(None, 0.0, stopped=True, fault=None)
        started, seconds, told, waiting = None, 0.0, 0.0, 0
        while True:
            block: bytes | None = b""
            while waiting < SAMPLE_RATE and (block := source.read()):
                waiting += len(block) // SAMPLE_BYTES
            if block is None and not waiting:
                return Played(started, seconds, stopped=False, fault=source.fault)
            if self.fail_after is not None and seconds >= self.fail_after:
                self.fail_after = 0.0
                fault = Fault("fake", say("The sink was told to fail."), say("Tell it not to."))
                return Played(started, seconds, stopped=False, fault=fault)
            if stop.is_set():
                return Played(started, seconds, stopped=True, fault=None)
            if not waiting:
                self.clock.sleep(0.05, stop)
                continue
            if started is None:
                started = self.clock.now()
                on_progress(FIRST)
            ends = [end for end in (self.fail_after, self.stop_after) if end is not None]
            step = min([1.0, waiting / SAMPLE_RATE, *(end - seconds for end in ends)])
            self.clock.sleep(step, stop)
            seconds, waiting = seconds + step, waiting - round(step * SAMPLE_RATE)
            if seconds - told >= 1.0:
                told = seconds
                on_progress(seconds)
            if self.stop_after is not None and seconds >= self.stop_after:
                stop.set()


class SteppedClock(FakeClock):
    """
    A clock for several threads: it stands still for all of them until the test takes a step.

    A step goes no further than to the first moment that somebody waits for, so that who waits wakes on
    the dot. Before the next one, wait until it is `settled`.
    """

    EXACT = 1e-6  # seconds; what is less is rounding

    def __init__(self, now: datetime = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)) -> None:
        super().__init__(now)
        self._changed = Condition()
        self._waiting: dict[object, tuple[Callable[[], float], Event]] = {}

    def sleep(self, seconds: float, stop: Event) -> bool:
        end = self._monotonic + seconds
        return self._wait(lambda: end - self._monotonic, stop)

    def wait_until(self, when: datetime, stop: Event) -> bool:
        def left() -> float:
            return (when - self._now).total_seconds()

        return self._wait(left, stop)

    def idle_until(self, when: datetime) -> None:
        """Like a real clock it skips nothing: the test does."""

    def settled(self, threads: int) -> bool:
        """Do so many threads wait, and none that was told to stop?"""
        with self._changed:
            return len(self._waiting) == threads and not any(
                stop.is_set() for _, stop in self._waiting.values()
            )

    def step(self, longest: float = math.inf) -> None:
        """Go to the first moment that somebody waits for, but no more than *longest* seconds."""
        with self._changed:
            seconds = min([longest, *(left() for left, _ in self._waiting.values())])
            if seconds < math.inf:
                self.advance(seconds)
            self._release()

    def set(self, now: datetime) -> None:
        with self._changed:
            super().set(now)
            self._release()

    def _wait(self, left: Callable[[], float], stop: Event) -> bool:
        me = object()
        with self._changed:
            if left() > self.EXACT:
                self._waiting[me] = (left, stop)
            while me in self._waiting and not stop.is_set():
                self._changed.wait(0.002)  # nobody tells us that *stop* was set
            self._waiting.pop(me, None)
        return stop.is_set()

    def _release(self) -> None:
        self._waiting = {me: one for me, one in self._waiting.items() if one[0]() > self.EXACT}
        self._changed.notify_all()


class FakeCrew:
    """Workers in threads of their own, as the real ones; but what is logged is logged at once."""

    def __init__(self) -> None:
        self._workers: dict[str, ThreadPoolExecutor] = {}
        self._closed = False

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        """Nobody looks again but the test."""

    def work(self, name: str, job: Callable[[], None]) -> None:
        if name in ("log", "amplifier"):  # what a test looks at right after it
            job()
        elif not self._closed:
            self._workers.setdefault(name, ThreadPoolExecutor(1)).submit(job)

    def wait(self, stopping: Event) -> None:
        stopping.wait()

    def close(self) -> None:
        self._closed = True
        for worker in self._workers.values():
            worker.shutdown(wait=True)


def refused(*_: object, **__: object) -> Any:
    """What a method of a store does on a disk that takes and tells nothing."""
    raise BroadcasterError(Fault("play log", say("The disk is full."), say("Make room.")))


class FakeStore:
    """A station's memory that is forgotten with the test."""

    def __init__(self) -> None:
        self._began: dict[str, Airing] = {}
        self._ended: dict[str, Airing] = {}
        self._marks: dict[str, Any] = {}
        self._measured: dict[str, Measured] = {}
        self._lock = Lock()

    def close(self) -> None:
        """Nothing is open."""

    def begin(self, airing: Airing) -> None:
        self._add(self._began, airing)

    def end(self, airing: Airing) -> None:
        self._add(self._ended, airing)

    def _add(self, rows: dict[str, Airing], airing: Airing) -> None:
        with self._lock:
            if airing.occurrence in rows:
                raise AlreadyLoggedError(Fault("play log", say("It stands there."), say("Write another.")))
            rows[airing.occurrence] = airing

    def airings(self, start: datetime | None = None, end: datetime | None = None) -> Iterator[Airing]:
        for one in sorted(self._ended.values(), key=lambda one: one.planned):
            if (start is None or start <= one.planned) and (end is None or one.planned < end):
                yield one

    def unfinished(self) -> list[Airing]:
        found = [one for one in self._began.values() if one.occurrence not in self._ended]
        return sorted(found, key=lambda one: one.planned)

    def mark(self, name: str, value: Any) -> None:
        self._marks[name] = value

    def marks(self) -> dict[str, Any]:
        return dict(self._marks)

    def measured(self) -> dict[str, Measured]:
        return dict(self._measured)

    def keep_measured(self, found: Mapping[str, Measured]) -> None:
        self._measured |= found


class FakeSwitch:
    """An amplifier's switch that remembers how it was turned; it fails with `fault`."""

    def __init__(self) -> None:
        self.turned: list[bool] = []
        self.fault: Fault | None = None

    def on(self) -> Fault | None:
        self.turned.append(True)
        return self.fault

    def off(self) -> Fault | None:
        self.turned.append(False)
        return self.fault


def make_output(sink: Sink) -> Output:
    """An output to which nobody listens, and which is given no stream."""

    def no_stream(url: str, _seconds: float, _instead: Callable[[float], Source | None]) -> Stream:
        raise AssertionError(url)

    return Output(sink, lambda: None, Reel, no_stream)
