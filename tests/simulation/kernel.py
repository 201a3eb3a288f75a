"""
Time and threads of a simulated machine.

What would be threads are actors here, of which one runs until it waits; when all of them wait, time goes on
to the first moment that one waits for. So a year passes in seconds, and the same seed gives the same year.
"""

import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from threading import Event, Lock, RLock
from types import ModuleType
from typing import Protocol
from unittest.mock import patch

from greenlet import getcurrent, greenlet

from broadcaster.edges.clock import ClockState

SECOND = 1_000_000  # all times are whole microseconds
EPOCH = datetime(2026, 11, 2, tzinfo=UTC)
MOST_STEPS = 20_000  # of all actors in one instant


def micros(seconds: float) -> int:
    return round(seconds * SECOND)


class Killed(BaseException):
    """The process died here."""


class StuckError(Exception):
    """All run, and no time passes."""


class Told(Protocol):
    """What can end a wait."""

    def is_set(self) -> bool: ...


@dataclass
class _Actor:
    name: str
    strand: greenlet
    ends: int | None = None  # when its wait ends, by the monotonic or by the wall clock
    by_wall: bool = False
    stop: Told | None = None
    waits: bool = False
    done: bool = False
    about: str = ""  # the occurrence that it is at work on


class Kernel:
    """A machine: its clocks, its threads, and what happens to it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.true = 0  # since EPOCH
        self.suspended = 0  # of it, with the machine asleep
        self.offset = 0  # of the wall clock
        self.state = ClockState(synchronised=True, rtc=True, boot="boot-0")
        self.dead = False
        self.die_in: int | None = None  # calls of seams until it is killed
        self.idle: int | None = None  # wall time before which the daemon has nothing to do
        self.poked = Event()  # something happened: nobody is idle any more
        self.busy_until = 0  # what happened just now: look closely until then
        self.stuck = False  # all is over
        self.errors: list[str] = []
        self.on_death: Callable[[], None] = lambda: None
        self.me: _Actor | None = None  # who runs
        self._actors: list[_Actor] = []
        self._main = getcurrent()
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._count = 0
        self._steps = 0

    # Time

    @property
    def mono(self) -> int:
        return self.true - self.suspended

    @property
    def wall(self) -> int:
        return self.true + self.offset

    @property
    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.true)

    def at(self, when: int, event: Callable[[], None]) -> None:
        """Let *event* happen at true time *when*."""
        self._count += 1
        heappush(self._events, (when, self._count, event))

    @property
    def next_event(self) -> int:
        return self._events[0][0] if self._events else sys.maxsize

    def close_to(self, before: float) -> bool:
        """Is something about to happen, or did it happen just now?"""
        return self.next_event - self.true <= micros(before) or self.true < self.busy_until

    def suspend(self, seconds: float) -> None:
        self.true += micros(seconds)
        self.suspended += micros(seconds)

    def poke(self, seconds: float = 12.0) -> None:
        """Something happens: for so long everybody looks closely."""
        self.busy_until = max(self.busy_until, self.true + micros(seconds))
        self.poked.set()

    # Actors

    def start(self, name: str, job: Callable[[], None]) -> _Actor:
        def live() -> None:
            try:
                if not self.dead:
                    job()
            except Killed:
                pass
            except BaseException:  # noqa: BLE001 - told as what it is: a thread that died
                self.errors.append(f"{name} died: {traceback.format_exc()}")
            actor.done = True

        actor = _Actor(name, greenlet(live, parent=self._main))
        self._actors.append(actor)
        return actor

    def seam(self) -> None:
        """Whoever calls the world goes through here: the process may die at any of these calls."""
        if self.die_in is not None and self.me is not None:
            self.die_in -= 1
            if self.die_in <= 0:
                self.die_in, self.dead = None, True
        if self.dead and self.me is not None:
            raise Killed

    def wait(self, ends: int | None, stop: Told | None = None, *, by_wall: bool = False) -> bool:
        """Wait until a time by one of the clocks, or until *stop* is set; tell whether it is."""
        self.seam()
        actor = self.me
        if actor is None:
            raise StuckError("only an actor can wait")
        actor.ends, actor.by_wall, actor.stop, actor.waits = ends, by_wall, stop, True
        if not self._ready(actor):
            self._main.switch()
        else:
            self._step(actor)
        actor.waits = False
        self.seam()
        return stop is not None and stop.is_set()

    def _ready(self, actor: _Actor) -> bool:
        if not actor.waits or (actor.stop is not None and actor.stop.is_set()):
            return True
        if actor.ends is None:
            return False
        return actor.ends <= (self.wall if actor.by_wall else self.mono)

    def run(self, until: int) -> None:
        """Let all of it go on until true time *until*."""
        while True:
            if self.dead:
                self._bury()
            then, mono, wall = min(self.next_event, until), self.mono, self.wall
            for actor in self._actors:
                if not actor.waits or (actor.stop is not None and actor.stop.is_set()):
                    break
                if actor.ends is not None:
                    left = actor.ends - (wall if actor.by_wall else mono)
                    if left <= 0:
                        break
                    then = min(then, self.true + left)
            else:
                if then > self.true:
                    self.true, self._steps = then, 0
                if self._events and self._events[0][0] <= self.true:
                    heappop(self._events)[2]()
                elif self.true >= until:
                    return
                continue
            self._resume(actor)

    def _step(self, actor: _Actor) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            self.stuck = True
            raise StuckError(f"{actor.name} runs, and no time passes\n{self._stack(actor)}")

    def _resume(self, actor: _Actor) -> None:
        self._step(actor)
        # Whoever ran goes to the end, so that of those who could run now none is passed over.
        self._actors.remove(actor)
        self._actors.append(actor)
        actor.waits = True
        self.me = actor
        actor.strand.switch()
        self.me = None
        if actor.done:
            self._actors.remove(actor)

    def kill(self) -> None:
        """End all actors where they stand; to be called by what happens, not by them."""
        self.dead, self.die_in = True, None

    def _bury(self) -> None:
        while self._actors and not self.stuck:
            self._resume(self._actors[0])
        self.dead, self.idle = False, None
        self.on_death()

    @property
    def alive(self) -> bool:
        return bool(self._actors)

    @staticmethod
    def _stack(actor: _Actor) -> str:
        frame = actor.strand.gr_frame or sys._getframe()
        return "".join(traceback.format_list(traceback.extract_stack(frame)[-6:]))


class SimLock:
    """A lock whose holder may wait: who wants it waits in the kernel."""

    def __init__(self, kernel: Kernel, *, again: bool) -> None:
        self._kernel, self._again = kernel, again
        self._holder: object = None
        self._held = 0

    def is_set(self) -> bool:
        return not self._held

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        me = self._kernel.me or self._kernel
        if self._again and self._held and self._holder is me:
            self._held += 1
            return True
        while self._held:
            if not blocking:
                return False
            ends = None if timeout < 0 else self._kernel.mono + micros(timeout)
            if not self._kernel.wait(ends, self) and ends is not None:
                return False
        self._holder, self._held = me, 1
        return True

    def release(self) -> None:
        self._held -= 1

    __enter__ = acquire

    def __exit__(self, *_: object) -> None:
        self.release()


@contextmanager
def locks_of(kernel: Kernel, modules: list[ModuleType]) -> Iterator[None]:
    """Let the locks of *modules* be the kernel's."""
    patches = []
    for module in modules:
        for name, real, again in (("Lock", Lock, False), ("RLock", RLock, True)):
            if getattr(module, name, None) is real:
                patches.append(patch.object(module, name, lambda again=again: SimLock(kernel, again=again)))
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


class SimClock:
    """The machine's clocks, as a program sees them."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def now(self) -> datetime:
        self._kernel.seam()
        return EPOCH + timedelta(microseconds=self._kernel.wall)

    def monotonic(self) -> float:
        return self._kernel.mono / SECOND

    def state(self) -> ClockState:
        return self._kernel.state

    def sleep(self, seconds: float, stop: Event) -> bool:
        passing = max(1, micros(seconds)) if seconds > 0 else 0  # however short, some time passes
        return self._kernel.wait(self._kernel.mono + passing, stop)

    def wait_until(self, when: datetime, stop: Event) -> bool:
        ends = (when - EPOCH) // timedelta(microseconds=1)
        return self._kernel.wait(ends, stop, by_wall=True)

    def idle_until(self, when: datetime) -> None:
        self._kernel.idle = (when - EPOCH) // timedelta(microseconds=1)


class SimCrew:
    """
    The daemon's workers, as actors.

    It is looked at every second around anything that happens; else only as often as the daemon, by its own
    word, has something to do.
    """

    CLOSE = 12.0  # seconds before and after what happens
    SELDOM = 4.0  # seconds between looks where nothing happens, less than the daemon looks ahead
    ALIVE = 61.0  # seconds: one look so long before, since the daemon notes once a minute that it lives

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._closed = Event()
        self._jobs: dict[str, _Jobs] = {}
        self._crew: list[_Actor] = []

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        def again() -> None:
            kernel = self._kernel
            while not self._closed.is_set():
                kernel.idle = None
                kernel.poked.clear()
                self._safely(job)
                self._pause(seconds)

        self._crew.append(self._kernel.start("every", again))

    def _pause(self, seconds: float) -> None:
        kernel = self._kernel
        left = (kernel.next_event - kernel.true) / SECOND
        if kernel.close_to(self.CLOSE):
            kernel.wait(kernel.mono + micros(seconds), self._closed)
        elif kernel.idle is None or kernel.idle <= kernel.wall:
            kernel.wait(kernel.mono + micros(max(0.01, min(self.SELDOM, left - self.CLOSE))), self._closed)
        else:
            before = self.ALIVE if left > self.ALIVE else self.CLOSE
            pause = min((kernel.idle - kernel.wall) / SECOND, left - before)
            late = kernel.random.random() * seconds  # its seconds are not those of the plan
            kernel.wait(kernel.mono + micros(max(0.01, pause) + late), Either(self._closed, kernel.poked))

    def work(self, name: str, job: Callable[[], None]) -> None:
        self._kernel.seam()
        if self._closed.is_set():
            return
        jobs = self._jobs.get(name)
        if jobs is not None:
            jobs.append(job)
            return
        self._jobs[name] = jobs = _Jobs(self._closed)
        jobs.append(job)

        def through() -> None:
            while jobs or not self._closed.is_set():
                while jobs:
                    self._safely(jobs.pop(0))
                    if name != "log":
                        self._kernel.poke(2.0)  # there may be something new to look at
                self._kernel.wait(None, jobs)

        self._crew.append(self._kernel.start(name, through))

    def _safely(self, job: Callable[[], None]) -> None:
        try:
            job()
        except Exception:  # noqa: BLE001 - as APScheduler has it
            self._kernel.errors.append(traceback.format_exc())

    def wait(self, stopping: Event) -> None:
        self._kernel.wait(None, stopping)

    def close(self) -> None:
        self._closed.set()
        self._kernel.wait(None, _All(self._crew))


class _Jobs(list[Callable[[], None]]):
    """What a worker is given; it wakes for it, and when no more will come."""

    def __init__(self, closed: Event) -> None:
        super().__init__()
        self._closed = closed

    def is_set(self) -> bool:
        return len(self) > 0 or self._closed.is_set()


class Either:
    """The one or the other is set."""

    def __init__(self, one: Told, other: Told) -> None:
        self._one, self._other = one, other

    def is_set(self) -> bool:
        return self._one.is_set() or self._other.is_set()


class _All:
    """All these are done."""

    def __init__(self, actors: list[_Actor]) -> None:
        self._actors = actors

    def is_set(self) -> bool:
        return all(one.done for one in self._actors)
