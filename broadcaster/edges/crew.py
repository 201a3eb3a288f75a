"""SEAM: who does the work, and when it is looked at again. APScheduler's threads."""

from collections.abc import Callable
from datetime import UTC
from threading import Event, Lock
from typing import Any, Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

JUMP = 2.0  # seconds by which wall time may drift from monotonic time between two looks


class Crew(Protocol):
    """Workers, each with a name."""

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        """Do *job* again and again from now on, never twice at once."""

    def work(self, name: str, job: Callable[[], None]) -> None:
        """Have the worker of this *name* do *job* after what it was given before."""

    def wait(self, stopping: Event) -> None:
        """Until *stopping* is set."""

    def close(self) -> None:
        """Begin nothing more, and wait for what is at work."""


class Clock(Protocol):
    """What a crew needs of the clock."""

    def now(self) -> Any: ...
    def monotonic(self) -> float: ...


class Scheduled:
    """Workers that APScheduler keeps."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._names: set[str] = set()
        self._giving = Lock()
        self._closed = False
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
        self._every = 1.0

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        self._every = seconds
        self._scheduler.add_job(job, **self._often, id="every")
        if not self._scheduler.running:
            self._scheduler.start()

    @property
    def _often(self) -> dict[str, Any]:
        trigger = IntervalTrigger(seconds=self._every, timezone=UTC)
        return {"trigger": trigger, "coalesce": True, "max_instances": 1, "misfire_grace_time": None}

    def work(self, name: str, job: Callable[[], None]) -> None:
        with self._giving:
            if self._closed:
                return
            if name not in self._names:
                self._names.add(name)
                self._scheduler.add_executor(ThreadPoolExecutor(1), f"worker/{name}")
            self._scheduler.add_job(job, executor=f"worker/{name}", misfire_grace_time=None)
        if not self._scheduler.running:
            self._scheduler.start()

    def wait(self, stopping: Event) -> None:
        clock, offset = self._clock, None
        while not stopping.wait(self._every):
            # APScheduler waits by wall time: a clock that is set back would stall it until it came round.
            now = clock.now().timestamp() - clock.monotonic()
            if offset is not None and abs(now - offset) > JUMP:
                self._scheduler.reschedule_job("every", trigger=self._often["trigger"])
            offset = now

    def close(self) -> None:
        with self._giving:
            self._closed = True
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()
            self._scheduler.shutdown(wait=True)
