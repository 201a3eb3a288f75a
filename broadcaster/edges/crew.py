"""SEAM: who does the work, and when it is looked at again. APScheduler's threads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Event, Lock
from typing import Any, Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Crew(Protocol):
    """Workers, each with a name."""

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        """Do *job* again and again from `wait` on, never twice at once."""

    def work(self, name: str, job: Callable[[], None]) -> None:
        """Have the worker of this *name* do *job* after what it was given before."""

    def wait(self, stopping: Event) -> None:
        """Until *stopping* is set."""

    def close(self) -> None:
        """Begin nothing more, and wait for what is at work."""


class Scheduled:
    """
    Workers that APScheduler keeps.

    It goes by wall time, which may be set: back, and what is due later stalls until it comes round; forward
    by years, and it counts every second of them before it goes on. So all that it is given is long due.
    """

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._giving = Lock()
        self._given = count()
        self._closed = False
        self._scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
        self._seconds, self._job = 1.0, lambda: None

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        self._seconds, self._job = seconds, job

    def work(self, name: str, job: Callable[[], None]) -> None:
        worker = f"worker/{name}"
        with self._giving:
            if name not in self._names and not self._closed:
                self._names.add(name)
                self._scheduler.add_executor(ThreadPoolExecutor(1), worker)
            self._give(job, executor=worker)

    def wait(self, stopping: Event) -> None:
        while not stopping.is_set():
            with self._giving:
                self._give(self._job, id="every", replace_existing=True)
            stopping.wait(self._seconds)

    def _give(self, job: Callable[[], None], **how: Any) -> None:
        if self._closed:
            return
        in_turn = LONG_AGO + timedelta(microseconds=next(self._given))
        self._scheduler.add_job(job, "date", run_date=in_turn, misfire_grace_time=None, **how)
        if not self._scheduler.running:
            self._scheduler.start()

    def close(self) -> None:
        with self._giving:
            self._closed = True
        if self._scheduler.running:
            self._scheduler.remove_all_jobs()
            self._scheduler.shutdown(wait=True)
