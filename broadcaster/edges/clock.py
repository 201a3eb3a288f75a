"""SEAM: time. The only place that reads the machine's clocks or sleeps; tests push a fake one forward."""

import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Protocol

EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)  # this program is no older: a clock that says less is not set


@dataclass(frozen=True)
class ClockState:
    """What speaks for the clock; whether it is to be trusted says `model/trust.py`."""

    synchronised: bool  # a time server has it in hand
    rtc: bool  # a clock in the machine went on while the power was off
    boot: str  # which run of the machine this is, from power to power


class Clock(Protocol):
    """Wall time, monotonic time, and waiting for either."""

    def now(self) -> datetime:
        """Wall time, aware, in UTC. It may jump."""

    def monotonic(self) -> float:
        """Seconds that only go forward, for lengths, never for dates; in suspend they stand still."""

    def sleep(self, seconds: float, stop: Event) -> bool:
        """Wait *seconds* or until *stop* is set, whichever is first; tell whether *stop* is set."""

    def wait_until(self, when: datetime, stop: Event) -> bool:
        """Wait until wall time *when* or until *stop* is set; tell whether *stop* is set."""

    def idle_until(self, when: datetime) -> None:
        """Nothing happens before *when*: a clock that may skip goes there, a real one does nothing."""

    def state(self) -> ClockState:
        """What speaks for wall time at this moment."""


class SystemClock:
    """The machine's own clocks. A wait ends less than 1 ms late on a machine that is not busy."""

    LONGEST_WAIT = 0.5  # seconds; wall time may be set while we wait, so look again at least this often
    UNSYNCHRONISED = 5  # adjtimex(2): TIME_ERROR, the clock is in nobody's hand
    RTCS = Path("/sys/class/rtc")
    BOOT = Path("/proc/sys/kernel/random/boot_id")

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()  # CLOCK_MONOTONIC, not CLOCK_BOOTTIME: what was slept through shows as a step

    def sleep(self, seconds: float, stop: Event) -> bool:
        return stop.wait(max(0.0, seconds))

    def wait_until(self, when: datetime, stop: Event) -> bool:
        while (left := (when - self.now()).total_seconds()) > 0:
            if stop.wait(min(left, self.LONGEST_WAIT)):
                return True
        return stop.is_set()

    def idle_until(self, when: datetime) -> None:
        pass

    def state(self) -> ClockState:
        boot = ""
        with suppress(OSError):
            boot = self.BOOT.read_text("ascii").strip()
        return ClockState(self._synchronised(), any(map(self._went_on, self.RTCS.glob("rtc*"))), boot)

    def _synchronised(self) -> bool:
        import ctypes

        nothing_to_set = ctypes.create_string_buffer(1024)  # more than a struct timex has
        state = int(ctypes.CDLL(None).adjtimex(nothing_to_set))
        return 0 <= state < self.UNSYNCHRONISED

    @staticmethod
    def _went_on(rtc: Path) -> bool:
        """
        Does *rtc* say a time that may be right?

        Asked for itself: with an empty battery it begins in 1970 or 2000, and the system then takes the
        time of its own last shutdown, which looks right.
        """
        with suppress(OSError, ValueError):
            return int((rtc / "since_epoch").read_text("ascii")) >= EARLIEST.timestamp()
        return False


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

    def state(self) -> ClockState:
        return ClockState(synchronised=True, rtc=False, boot="")  # its time is its own: never wrong
