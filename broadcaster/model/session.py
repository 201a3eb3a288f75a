"""How what is asked of one cluster on one day falls into sessions. Times are seconds since its midnight."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from math import ceil
from typing import NamedTuple

from .occurrence import Reason
from .schedule import BulletinClass
from .station import Hours

GAP = 2  # seconds between two occurrences of a session
GRID = 5 * 60  # seconds
MIDNIGHT = 24 * 3600  # the end of the day


Wanted = tuple[int, int, int, float]  # when, its class (BulletinClass), the order of its file, seconds


class Place(NamedTuple):
    """Where a wanted occurrence starts; with a reason, it is displaced."""

    start: float
    reason: Reason | None = None
    opens: bool = False  # first of its session
    closes: bool = False  # last of its session


@dataclass(frozen=True)
class Session:
    """From its first second up to its last; `counts` unless all in it are emergencies."""

    start: float
    end: float
    counts: bool


def _seconds(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


class Day:
    """
    One cluster's day, laid out.

    Occurrences that meet follow one another: emergency, priority, normal, then file order. What would
    pass the session's minutes is displaced with all that stands behind it; so is what the allowed hours
    cannot hold. Emergencies pass both. Nothing starts before *busy*, when the day before ends.
    """

    def __init__(self, wanted: Sequence[Wanted], hours: Hours, busy: float = 0) -> None:
        self.wanted, self.busy = wanted, busy
        self.sessions: list[Session] = []
        self._hours = hours
        self._spans = [(_seconds(span.start), _seconds(span.end)) for span in hours.allowed]
        places: list[Place | None] = [None] * len(wanted)
        waiting = sorted(range(len(wanted)), key=lambda index: wanted[index][0])
        earliest = ceil(busy + GAP) if busy else 0
        while waiting:
            start = max(earliest, wanted[waiting[0]][0])
            laid = self._lay_session(start, waiting, places)
            if laid:
                places[laid[0]] = places[laid[0]]._replace(opens=True)  # type: ignore[union-attr]
                places[laid[-1]] = places[laid[-1]]._replace(closes=True)  # type: ignore[union-attr]
        self.places: Sequence[Place] = [place for place in places if place is not None]

    def _lay_session(self, start: float, waiting: list[int], places: list[Place | None]) -> list[int]:
        """Take what meets at *start* out of *waiting* and place it; what sounds is returned, in its order."""
        hours, wanted = self._hours, self.wanted
        room = sum(session.counts for session in self.sessions) < hours.sessions_per_day
        laid: list[int] = []
        free, full = start, False
        while ready := [index for index in waiting if wanted[index][0] <= free]:
            index = min(ready, key=lambda one: (wanted[one][1], wanted[one][0], wanted[one][2]))
            at, bulletin_class, _, seconds = wanted[index]
            waiting.remove(index)
            begin = ceil(free + GAP) if laid else free
            end = begin + seconds
            reason = None
            if bulletin_class != BulletinClass.EMERGENCY:
                if not any(first <= begin and end <= last for first, last in self._spans):
                    reason = Reason.OUTSIDE_HOURS
                elif not room:
                    reason = Reason.TOO_MANY_SESSIONS
                elif full or end - start > hours.session_minutes * 60:
                    reason, full = Reason.SESSION_FULL, True
            places[index] = Place(at if reason else begin, reason)
            if reason is None:
                laid.append(index)
                free = end
        if laid:
            counts = any(wanted[index][1] != BulletinClass.EMERGENCY for index in laid)
            self.sessions.append(Session(start, free, counts))
        return laid

    @property
    def end(self) -> float:
        """When its last session ends; may pass midnight."""
        return self.sessions[-1].end if self.sessions else 0

    def may_hold(self, seconds: float) -> bool:
        """Could one more of this length find room, beside a session or in one? (It may still not.)"""
        counted = [session for session in self.sessions if session.counts]
        longest = self._hours.session_minutes * 60
        return len(counted) < self._hours.sessions_per_day or any(
            session.end - session.start + GAP + seconds <= longest for session in self.sessions
        )

    def openings(self, seconds: float, after: float) -> list[float]:
        """Where one more could join a session, or begin one on a full five minutes after *after*."""
        now = ceil((after + 1) / GRID) * GRID
        beginning = {now, *(session.start for session in self.sessions)}
        for first, last in self._spans:
            beginning.update(range(max(now, ceil(first / GRID) * GRID), int(last - seconds) + 1, GRID))
        return sorted(second for second in beginning if max(after, -1) < second < MIDNIGHT)
