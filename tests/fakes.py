"""What stands in for the world in tests. It lives here once, and passes the same tests as the real thing."""

import math
import wave
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from threading import Condition, Event, Lock
from typing import Any

from broadcaster.edges.sink import Played
from broadcaster.edges.store import AlreadyLoggedError, Request
from broadcaster.edges.voice import VoiceError, admit, save
from broadcaster.model.airing import Airing
from broadcaster.model.errors import Fault, say
from broadcaster.model.programme import SAMPLE_RATE
from broadcaster.model.recording import Measured
from broadcaster.model.spoken import spoken


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
    """A clock that stands still until somebody waits or pushes it forward, and then is there at once."""

    def __init__(self, now: datetime = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)) -> None:
        self._now = now.astimezone(UTC)
        self._monotonic = 1000.0

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

    def set(self, now: datetime) -> None:
        """Set wall time, forward or back, as a person or a time server does."""
        self._now = now.astimezone(UTC)


@dataclass(frozen=True)
class FakePlay:
    """One play that a FakeSink was asked for, and what it answered."""

    sounds: tuple[Path, ...]
    at: datetime
    played: Played


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

    def play(
        self, sounds: Sequence[Path], at: datetime, stop: Event, on_progress: Callable[[float], None]
    ) -> Played:
        played = self._play(sounds, at, stop, on_progress)
        self.plays.append(FakePlay(tuple(sounds), at, played))
        return played

    def close(self) -> None:
        self.closed = True

    def _play(
        self, sounds: Sequence[Path], at: datetime, stop: Event, on_progress: Callable[[float], None]
    ) -> Played:
        if self.clock.wait_until(at, stop):
            return Played(None, 0.0, stopped=True, fault=None)
        started, seconds = self.clock.now(), 0.0
        length, fault = self._measure(sounds)
        if self.fail_after is not None and self.fail_after < length:
            length, fault = (
                self.fail_after,
                Fault("fake", say("The sink was told to fail."), say("Tell it not to.")),
            )
        while seconds < length and not stop.is_set():
            step = min(
                1.0, length - seconds, math.inf if self.stop_after is None else self.stop_after - seconds
            )
            self.clock.sleep(step, stop)
            seconds += step
            if step == 1.0:
                on_progress(seconds)
            if self.stop_after is not None and seconds >= self.stop_after:
                stop.set()
        stopped = seconds < length
        return Played(started if seconds else None, seconds, stopped, None if stopped else fault)

    def _measure(self, sounds: Sequence[Path]) -> tuple[float, Fault | None]:
        """Seconds that can be played, and the first sound that is not fit."""
        seconds = 0.0
        for sound in sounds:
            fit = False
            with suppress(OSError, EOFError, wave.Error), wave.open(str(sound)) as file:
                if (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE):
                    samples = len(file.readframes(file.getnframes())) // 2
                    seconds += samples / SAMPLE_RATE
                    fit = 0 < samples == file.getnframes()
            if not fit:
                return seconds, Fault(str(sound), say("The sound is not fit to play."), say("Make it again."))
        return seconds, None


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


class FakeStore:
    """A station's memory that is forgotten with the test."""

    def __init__(self) -> None:
        self._began: dict[str, Airing] = {}
        self._ended: dict[str, Airing] = {}
        self._requests: list[Request] = []
        self._taken: set[int] = set()
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

    def ask(self, verb: str, values: Mapping[str, Any], now: datetime) -> int:
        assert now.tzinfo is not None
        with self._lock:
            request = Request(len(self._requests) + 1, verb, dict(values))
            self._requests.append(request)
        return request.id

    def requests(self) -> list[Request]:
        return [one for one in self._requests if one.id not in self._taken]

    def take(self, request: Request) -> None:
        self._taken.add(request.id)

    def mark(self, name: str, value: Any) -> None:
        self._marks[name] = value

    def marks(self) -> dict[str, Any]:
        return dict(self._marks)

    def measured(self) -> dict[str, Measured]:
        return dict(self._measured)

    def keep_measured(self, found: Mapping[str, Measured]) -> None:
        self._measured |= found
