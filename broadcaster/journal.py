"""
What is written down while something is on air, without waiting for the disk.

Rows and marks are written by a worker of their own, in their order: a disk that is slow, full or read-only
delays no sound. What it does not take is kept in memory and tried again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from broadcaster.alarms import Alarms
from broadcaster.edges.clock import Clock
from broadcaster.edges.store import AlreadyLoggedError, Store
from broadcaster.model.airing import Airing
from broadcaster.model.errors import BroadcasterError, Fault, say

PATIENCE = 1.5  # seconds that a late start waits for its row to be on the disk


@dataclass
class _Row:
    airing: Airing
    begins: bool
    settled: Event = field(default_factory=Event)
    written: bool | None = None  # False: it was there before


@dataclass(frozen=True)
class Left:
    """What the last run left behind."""

    marks: Mapping[str, Any]
    unfinished: list[Airing]  # whoever takes one up takes it out


class Journal:
    """
    The way into the play log for what is on air; may be used from several threads.

    Nothing is written before it is known what the last run left: the first word of this one replaces it.
    """

    def __init__(
        self, clock: Clock, store: Store, alarms: Alarms, work: Callable[[Callable[[], None]], None]
    ) -> None:
        """*work* has a job done by the one worker that writes."""
        self.store, self._clock, self._alarms, self._work = store, clock, alarms, work
        self._rows: list[_Row] = []
        self._marks: dict[str, Any] = {}
        self._left: Left | None = None
        self._adding, self._writing = Lock(), Lock()

    def look_back(self) -> Left | None:
        """What the last run left; None as long as the disk does not tell of it."""
        with self._writing:
            try:
                return self._looked_back()
            except BroadcasterError as error:
                self._refused(error)
                return None

    def _looked_back(self) -> Left:
        if self._left is None:
            self._left = Left(self.store.marks(), self.store.unfinished())
        return self._left

    def begin(self, row: Airing, patience: float = PATIENCE) -> bool | None:
        """
        The row before the first sample. False if this occurrence began before: then it must not sound.

        A disk that does not answer within *patience* seconds is not waited for; then the answer is None.
        """
        added = self._add(row, begins=True)
        self._clock.sleep(patience, added.settled)
        return added.written

    def end(self, row: Airing) -> None:
        """The row after the last sample."""
        self._add(row, begins=False)

    def mark(self, name: str, value: Any) -> None:
        """Note how something stands, such as how far it got; of each only the last word is kept."""
        with self._adding:
            self._marks[name] = value
        self._work(self.flush)

    def _add(self, row: Airing, *, begins: bool) -> _Row:
        added = _Row(row, begins)
        with self._adding:
            self._rows.append(added)
        self._work(self.flush)
        return added

    def _next(self) -> "_Row | tuple[str, Any] | None":
        """Rows go first: a mark is taken back only when the end that made it needless is on the disk."""
        with self._adding:
            return self._rows[0] if self._rows else next(iter(self._marks.items()), None)

    @property
    def unwritten(self) -> Mapping[str, Airing]:
        """How occurrences ended of which the disk does not know yet."""
        with self._adding:
            return {one.airing.occurrence: one.airing for one in self._rows if not one.begins}

    @property
    def is_empty(self) -> bool:
        """Is all on the disk?"""
        return not (self._rows or self._marks)

    @property
    def waiting(self) -> int:
        """Rows that the disk did not take yet."""
        return len(self._rows)

    def flush(self) -> None:
        """Write what waits, as far as the disk takes it."""
        with self._writing:
            try:
                self._looked_back()
                while waiting := self._next():
                    if not isinstance(waiting, _Row):
                        self.store.mark(*waiting)
                        with self._adding:
                            if self._marks[waiting[0]] is waiting[1]:  # else there is a newer word
                                del self._marks[waiting[0]]
                        continue
                    try:
                        write = self.store.begin if waiting.begins else self.store.end
                        write(waiting.airing)
                        waiting.written = True
                    except AlreadyLoggedError:
                        waiting.written = False
                    waiting.settled.set()
                    del self._rows[0]
            except BroadcasterError as error:
                self._refused(error)
            else:
                self._alarms.clear("log")

    def _refused(self, error: BroadcasterError) -> None:
        for one in list(self._rows):
            one.settled.set()  # nobody waits for a disk that refuses
        fault = error.faults[0]
        what = say("The disk takes nothing: {reason} Broadcasts go on.", reason=fault.what)
        self._alarms.raise_alarm("log", Fault(fault.where, what, fault.next))
