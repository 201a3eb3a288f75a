"""One occurrence on air: in time? fit to air? -> sink -> play log."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Lock
from typing import Any

from broadcaster import clip
from broadcaster.edges.clock import Clock
from broadcaster.edges.sink import Sink
from broadcaster.edges.store import AlreadyLoggedError, Store
from broadcaster.model.airing import Airing, Outcome, Sounded, outcome_of, shared_out
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.occurrence import Occurrence, Reason
from broadcaster.model.programme import Programme
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.station import Station

logger = logging.getLogger("broadcaster")

GRACE = timedelta(seconds=60)  # a start this late still plays, from its beginning; later it is missed
AHEAD = timedelta(seconds=3)  # the programme is chosen and the sink opened this long before the first sample
RETRY = 2.0  # seconds before a sink that would not start is tried again, within the grace

Programmes = Sequence[tuple[str, Programme]]  # language, its programme; in the order in which they sound


class Halt(Event):
    """Ends what sounds, and remembers why."""

    reason = Reason.STOPPED
    on_air = False  # its occurrence has begun

    def __init__(self, *, by_hand: bool = False) -> None:
        super().__init__()
        self.by_hand = by_hand  # what a person put on air, a person takes away, though it still waits

    def because(self, reason: Reason) -> None:
        self.reason = reason
        self.set()


class Playout:
    """Airs occurrences, one at a time on each cluster, and writes what became of them."""

    def __init__(self, clock: Clock, store: Store, mark_every: float = 2.0) -> None:
        """*mark_every*: programme seconds between marks of how far it got, which a crash is counted by."""
        self._clock, self._store, self._mark_every = clock, store, mark_every
        self._free: dict[str, datetime] = {}  # when each cluster last fell silent
        self._unlogged: dict[str, Airing] = {}  # by occurrence: rows that the disk did not take yet
        self._writing = Lock()

    def air(
        self,
        occurrence: Occurrence,
        station: Station,
        sink: Sink,
        ready: Callable[[], tuple[Programmes | None, bool]],
        closing: Path | None,
        halt: Halt,
    ) -> Airing | None:
        """
        Wait for the occurrence's time, let it sound, and log how it ended.

        *ready* gives the programmes that are there, and whether more may come soon; None where it may not
        sound any more. *closing* is the chime after it. Returns None, with nothing logged, if the daemon's
        end came before its time.
        """
        clock = self._clock
        due = max(occurrence.at, self._free.get(occurrence.cluster, occurrence.at))
        if clock.wait_until(occurrence.at - AHEAD, halt):
            return self._not_begun(occurrence, station, halt)
        if clock.now() > due + GRACE:
            return self.log(occurrence, station, Outcome.MISSED, Reason.LATE)
        programmes, hope = ready()
        while hope and len(programmes or ()) < len(occurrence.whole) and clock.now() < due + GRACE:
            if clock.sleep(0.5, halt):
                return self._not_begun(occurrence, station, halt)
            programmes, hope = ready()
        if programmes is None:
            return self.log(occurrence, station, Outcome.WITHHELD, Reason.INCOMPLETE)
        if not programmes:
            return self.log(occurrence, station, Outcome.FAILED, Reason.NOT_READY)
        at = max(occurrence.at, clock.now())
        length = sum(programme.seconds for _, programme in programmes)
        if not _allowed(occurrence, station, at, length):
            return self.log(occurrence, station, Outcome.DISPLACED, Reason.OUTSIDE_HOURS)
        try:
            if closing and not _allowed(occurrence, station, at, length + (clip.seconds(closing) or 0.0)):
                closing = None  # the words had their time, the chime has none left
            return self._sound(occurrence, station, sink, programmes, closing, due, halt)
        finally:
            self._mark(occurrence.cluster, None)

    def _sound(
        self,
        occurrence: Occurrence,
        station: Station,
        sink: Sink,
        programmes: Programmes,
        closing: Path | None,
        due: datetime,
        halt: Halt,
    ) -> Airing:
        clock = self._clock
        length = sum(programme.seconds for _, programme in programmes)
        row = airing(occurrence, station, clock.now())
        halt.on_air = True
        self._store.begin(row)
        marked = 0.0

        def on_progress(seconds: float) -> None:
            nonlocal marked
            if marked == 0.0 or seconds - marked >= self._mark_every:
                marked = seconds
                self._mark(occurrence.cluster, _on_air(occurrence, programmes, min(seconds, length)))

        sounds = [piece for _, programme in programmes for piece in programme.pieces]
        sounds += [closing] if closing else []
        zone = occurrence.at.tzinfo
        played = sink.play(sounds, max(occurrence.at, clock.now().astimezone(zone)), halt, on_progress)
        while played.fault and not played.seconds and clock.now() < due + GRACE:
            if clock.sleep(RETRY, halt):
                break
            played = sink.play(sounds, clock.now().astimezone(zone), halt, on_progress)
        self._free[occurrence.cluster] = clock.now()

        seconds = min(played.seconds, length)
        outcome, reason, detail = outcome_of(length, seconds), None, ""
        if played.fault is not None:
            reason, detail = Reason.SINK, str(played.fault)
        elif played.stopped or halt.is_set():
            reason = halt.reason
            outcome = outcome if seconds else Outcome.MISSED
        elif occurrence.missing or len(programmes) < len(occurrence.whole):
            reason, detail = Reason.INCOMPLETE, occurrence.missing
        ended = replace(
            row,
            logged=clock.now(),
            started=played.started,
            ended=played.started + timedelta(seconds=seconds) if played.started else None,
            seconds=round(seconds, 3),
            outcome=outcome,
            reason=reason or "",
            detail=detail,
            languages=_languages(occurrence, programmes, seconds, outcome),
        )
        self._end(ended)
        return ended

    def _not_begun(self, occurrence: Occurrence, station: Station, halt: Halt) -> Airing | None:
        if halt.reason is Reason.STOPPED:
            return self.log(occurrence, station, Outcome.MISSED, Reason.STOPPED)
        return None  # it is still to come when the daemon is back

    def _mark(self, cluster: str, value: Any) -> None:
        """Note what is on air; a disk that does not take it silences nothing."""
        with suppress(BroadcasterError):
            self._store.mark(f"on-air/{cluster}", value)

    def _end(self, row: Airing) -> None:
        """Log how an occurrence ended, now or, if the disk does not take it, with `catch_up`."""
        with self._writing:
            self._unlogged.setdefault(row.occurrence, row)
        self.catch_up()

    def catch_up(self) -> None:
        """Log what the disk did not take before."""
        with self._writing:
            for row in list(self._unlogged.values()):
                try:
                    self._store.end(row)
                except AlreadyLoggedError:
                    pass
                except BroadcasterError as error:
                    logger.error("%s cannot be logged yet: %s", row.occurrence, error)  # noqa: TRY400
                    continue
                del self._unlogged[row.occurrence]

    def log(
        self, occurrence: Occurrence, station: Station, outcome: Outcome, reason: Reason, detail: str = ""
    ) -> Airing:
        """The row of an occurrence that did not sound."""
        row = replace(
            airing(occurrence, station, self._clock.now()),
            outcome=outcome,
            reason=reason,
            detail=detail or occurrence.detail,
            languages=tuple(
                Sounded(one.language, "", 0.0, 0.0, Outcome.WITHHELD if one.lacks else outcome)
                for one in occurrence.recipes
            ),
        )
        self._end(row)
        return row

    def recover(self) -> list[Airing]:
        """
        Log what the last run began and did not end: the machine died while it sounded.

        The seconds are those of the last mark.
        """
        marks = self._store.marks()
        recovered = []
        for row in self._store.unfinished():
            mark: Mapping[str, Any] = marks.get(f"on-air/{row.cluster}") or {}
            known = mark.get("occurrence") == row.occurrence
            seconds = float(mark["seconds"]) if known else 0.0
            shares = shared_out(mark["programmes"], seconds) if known else ()
            length = sum(share.length for share in shares)
            ended = replace(
                row,
                logged=self._clock.now(),
                started=row.planned if seconds else None,
                ended=row.planned + timedelta(seconds=seconds) if seconds else None,
                seconds=seconds,
                outcome=outcome_of(length, seconds) if seconds else Outcome.MISSED,
                reason=Reason.POWER,
                languages=shares,
            )
            self._end(ended)
            self._mark(row.cluster, None)
            recovered.append(ended)
        return recovered


def airing(occurrence: Occurrence, station: Station, now: datetime) -> Airing:
    """The row of *occurrence* as far as it is known before it sounds; names are copied in."""
    return Airing(
        occurrence=occurrence.id,
        planned=occurrence.at,
        logged=now,
        started=None,
        ended=None,
        seconds=0.0,
        outcome=None,
        reason="",
        detail="",
        station=station.name,
        schedule=occurrence.schedule,
        schedule_title=occurrence.schedule_title,
        script=occurrence.script,
        script_title=occurrence.script_title,
        group=occurrence.group,
        cluster=occurrence.cluster,
        cluster_name=occurrence.cluster_name,
        area=occurrence.area,
        area_name=occurrence.area_name,
        bulletin_class=occurrence.bulletin_class.word,
        kind=occurrence.kind,
        languages=(),
    )


def _on_air(occurrence: Occurrence, programmes: Programmes, seconds: float) -> dict[str, Any]:
    return {
        "occurrence": occurrence.id,
        "title": occurrence.script_title,
        "cluster_name": occurrence.cluster_name,
        "seconds": round(seconds, 1),
        "programmes": [(language, one.digest, one.seconds) for language, one in programmes],
    }


def _languages(
    occurrence: Occurrence, programmes: Programmes, seconds: float, outcome: Outcome
) -> tuple[Sounded, ...]:
    """How each of the occurrence's languages fared; those that had no programme were withheld."""
    shares = shared_out([(name, one.digest, one.seconds) for name, one in programmes], seconds, outcome)
    there = {share.language for share in shares}
    withheld = [one.language for one in occurrence.recipes if one.language not in there]
    return (*shares, *(Sounded(language, "", 0.0, 0.0, Outcome.WITHHELD) for language in withheld))


def _allowed(occurrence: Occurrence, station: Station, at: datetime, length: float) -> bool:
    if occurrence.bulletin_class is BulletinClass.EMERGENCY:
        return True
    start = at.astimezone(station.timezone)
    end = start + timedelta(seconds=length)
    return start.date() == end.date() and station.hours.hold(start.time(), end.time())
