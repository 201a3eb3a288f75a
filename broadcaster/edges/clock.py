"""SEAM: time. The only place that reads the machine's clocks or sleeps; tests push a fake one forward."""

import time
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Protocol

EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)  # this program is no older: a clock that says less is not set


class Clock(Protocol):
    """Wall time, monotonic time, and waiting for either."""

    def now(self) -> datetime:
        """Wall time, aware, in UTC. It may jump."""

    def monotonic(self) -> float:
        """Seconds that only go forward, from an arbitrary start; for lengths, never for dates."""

    def sleep(self, seconds: float, stop: Event) -> bool:
        """Wait *seconds* or until *stop* is set, whichever is first; tell whether *stop* is set."""

    def wait_until(self, when: datetime, stop: Event) -> bool:
        """Wait until wall time *when* or until *stop* is set; tell whether *stop* is set."""

    def idle_until(self, when: datetime) -> None:
        """Nothing happens before *when*: a clock that may skip goes there, a real one does nothing."""


class SystemClock:
    """The machine's own clocks."""

    LONGEST_WAIT = 0.5  # seconds; wall time may be set while we wait, so look again at least this often

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float, stop: Event) -> bool:
        return stop.wait(max(0.0, seconds))

    def wait_until(self, when: datetime, stop: Event) -> bool:
        while (left := (when - self.now()).total_seconds()) > 0:
            if stop.wait(min(left, self.LONGEST_WAIT)):
                return True
        return stop.is_set()

    def idle_until(self, when: datetime) -> None:
        pass


class FastClock:
    """
    A day in a minute: runs *speed* times as fast as the machine's clock and skips what is idle.

    For `broadcaster demo`, which runs the real daemon on it. At *end* it skips no further, and sets `ended`.
    """

    def __init__(self, start: datetime, end: datetime, speed: float) -> None:
        self.speed = speed
        self.end = end
        self.ended = Event()
        self._base = start.astimezone(UTC)
        self._zero = time.monotonic()

    def now(self) -> datetime:
        return self._base + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._zero) * self.speed

    def sleep(self, seconds: float, stop: Event) -> bool:
        return stop.wait(max(0.0, seconds) / self.speed)

    def wait_until(self, when: datetime, stop: Event) -> bool:
        while (left := (when - self.now()).total_seconds()) > 0:
            if self.sleep(left, stop):
                return True
        return stop.is_set()

    def idle_until(self, when: datetime) -> None:
        self._base += max(timedelta(), min(when, self.end) - self.now())
        if self.now() >= self.end:
            self.ended.set()
