"""One occurrence on air: in time? fit to air? -> sink -> play log."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import Any, Protocol

from broadcaster import clip
from broadcaster.alarms import Alarms
from broadcaster.edges.clock import Clock
from broadcaster.edges.sink import Meter, Played, Sink, Source
from broadcaster.edges.store import AlreadyLoggedError
from broadcaster.journal import PATIENCE, Journal
from broadcaster.model.airing import Airing, Outcome, Sounded, outcome_of, shared_out
from broadcaster.model.errors import Fault, say
from broadcaster.model.occurrence import Kind, Occurrence, Reason
from broadcaster.model.programme import Programme
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.station import Station

GRACE = timedelta(seconds=60)  # a start this late still plays, from its beginning; later it is missed
AHEAD = timedelta(seconds=3)  # the programme is chosen and the sink opened this long before the first sample
RELAY_AHEAD = timedelta(seconds=8)  # a stream needs longer until it flows
RETRY = 2.0  # seconds before a sink that failed is tried again
OUTAGE = GRACE.total_seconds()  # so long in all a programme waits for its sink; then it is cut
SILENCE = 7.0  # seconds on air of which nothing is heard, until that is an alarm
HALF = timedelta(milliseconds=0.5)
STALE = 30.0  # seconds without progress: what sounds has hung
GIVE_WAY = 2.0  # seconds that an emergency waits for what it cut off to let go of the sink

logger = logging.getLogger("broadcaster")

Programmes = Sequence[tuple[str, Programme]]  # language, its programme; in the order in which they sound


class Hearing(Protocol):
    """What listens while something sounds."""

    @property
    def fault(self) -> Fault | None: ...
    @property
    def silent_for(self) -> float: ...
    def tap(self, source: Source) -> Source: ...
    def follow(self, seconds: float) -> None: ...
    def heard_of(self, most: float) -> float | None: ...
    def close(self) -> None: ...


class Stream(Source, Protocol):
    """What is passed on; a local programme replaces it while it fails."""

    silence: float  # seconds handed out of neither the stream nor the local programme
    replaced: float  # seconds handed out of the local programme
    trouble: Fault | None  # why nothing comes of the stream


@dataclass(frozen=True)
class Output:
    """Where a cluster's sound goes, and what makes it."""

    sink: Sink
    listen: Callable[[], Hearing | None]
    reel: Callable[[Sequence[Path], float], Source]
    relay: Callable[[str, float, Callable[[float], Source | None]], Stream]


class Halt(Event):
    """Ends what sounds, and remembers why."""

    def __init__(self, occurrence: Occurrence, *, by_hand: bool = False) -> None:
        super().__init__()
        self.occurrence = occurrence
        self.by_hand = by_hand  # what a person put on air, a person takes away, though it still waits
        self.reason = Reason.STOPPED
        self.doubtful = False  # the last run may have let it sound: only a row tells that it did not
        self.on_air = False  # its occurrence has begun
        self.silent = False  # it has let go of the sink, and will not take it again
        self.sounding: dict[str, Any] | None = None  # what, and how far it got
        self.last_sign: float | None = None  # of life, monotonic; None while there need not be any
        self.meter: tuple[Meter, float] | None = None  # of what a sink plays, and seconds that came before it

    def because(self, reason: Reason) -> None:
        if not self.is_set():
            self.reason = reason
            self.set()

    def level(self, now: float) -> float | None:
        """How loud it sounds *now* (monotonic), in dBFS: of the samples that the sink was given."""
        if self.meter is None or self.sounding is None or self.last_sign is None:
            return None
        meter, before = self.meter
        return round(meter.level(self.sounding["seconds"] - before + now - self.last_sign), 1)


@dataclass
class _Broadcast:
    """What `_sound` needs to know of an occurrence that is to sound."""

    occurrence: Occurrence
    station: Station
    content: Callable[[], tuple[Programmes, float]]  # with the seconds of all, but for the closing chime
    open: Callable[[float], Source]  # what sounds from this second on
    streams: Sequence[Stream] = ()  # those that were opened, if it is a relay
    began: datetime | None = None


class Playout:
    """Airs occurrences, one at a time on each cluster, and writes what became of them."""

    def __init__(self, clock: Clock, journal: Journal, alarms: Alarms, mark_every: float = 2.0) -> None:
        """*mark_every*: programme seconds between marks of how far it got, which a crash is counted by."""
        self._clock, self._journal, self._alarms, self._mark_every = clock, journal, alarms, mark_every
        self._free: dict[str, tuple[datetime, datetime]] = {}  # time of the last one, and when it fell silent
        self._begun: set[str] = set()  # by the last run, which died before their time came
        self._on_air: dict[str, Halt] = {}  # by cluster
        self._taking = Lock()
        self.held: Callable[[str, float], bool] = lambda _cluster, _seconds: False
        """Does an emergency sound on this cluster within so many seconds?"""

    def air(
        self,
        occurrence: Occurrence,
        station: Station,
        output: Output,
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
        clock, relay = self._clock, occurrence.relay
        last, free = self._free.get(occurrence.cluster, (occurrence.at, occurrence.at))
        due = (
            max(occurrence.at, free) if last <= occurrence.at else occurrence.at
        )  # it waited behind that one
        if clock.wait_until(occurrence.at - (RELAY_AHEAD if relay else AHEAD), halt):
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
        if not programmes and not relay:
            return self.log(occurrence, station, Outcome.FAILED, Reason.NOT_READY)
        at = max(occurrence.at, clock.now())
        sounds = [piece for _, programme in programmes for piece in programme.pieces]
        if relay:
            end = occurrence.at + timedelta(seconds=relay.seconds)
            length = (min(end, _edge(station, at) or end) - at).total_seconds()
        else:
            length = sum(programme.seconds for _, programme in programmes)
        if not allowed(occurrence, station, at, length):
            return self.log(occurrence, station, Outcome.DISPLACED, Reason.OUTSIDE_HOURS)
        if self.held(occurrence.cluster, (at - clock.now()).total_seconds() + length):
            return self.log(occurrence, station, Outcome.MISSED, Reason.ALERT)
        if relay:
            streams: list[Stream] = []

            def opened(skip: float) -> Stream:
                local = partial(output.reel, sounds) if sounds else lambda _skip: None
                streams.append(output.relay(relay.url, length - skip, local))
                return streams[-1]

            broadcast = _Broadcast(occurrence, station, lambda: ((), length), opened, streams)
        else:
            if closing and not allowed(occurrence, station, at, length + (clip.seconds(closing) or 0.0)):
                closing = None  # the words had their time, the chime has none left
            sounds += [closing] if closing else []
            content = programmes, length
            broadcast = _Broadcast(
                occurrence, station, lambda: content, lambda skip: output.reel(sounds, skip)
            )
        return self._on(broadcast, output, halt)

    def break_in(
        self,
        occurrence: Occurrence,
        station: Station,
        output: Output,
        call: Callable[[], Source],
        content: Callable[[], tuple[Programmes, float]],
        halt: Halt,
    ) -> Airing:
        """
        Let an emergency sound now, over whatever sounds on its cluster, and log how it ended.

        *call* opens what sounds, from its beginning; *content* tells its programmes and the seconds of all,
        as far as they are known by then.
        """
        with self._taking:
            other = self._on_air.get(occurrence.cluster)
        if other is not None:
            other.because(Reason.ALERT)
            until = self._clock.monotonic() + GIVE_WAY
            while self._on_air.get(occurrence.cluster) is other and not other.silent:
                if self._clock.monotonic() >= until:
                    break
                if self._clock.sleep(0.01, halt):
                    break
        return self._on(_Broadcast(occurrence, station, content, lambda _skip: call()), output, halt)

    def _on(self, broadcast: _Broadcast, output: Output, halt: Halt) -> Airing:
        occurrence, cluster = broadcast.occurrence, broadcast.occurrence.cluster
        with self._taking:
            if occurrence.kind is not Kind.ALERT and self.held(cluster, 0.0):
                return self.log(occurrence, broadcast.station, Outcome.MISSED, Reason.ALERT)
            self._on_air[cluster] = halt
        hearing: Hearing | None = None
        try:
            hearing = output.listen()
            return self._sound(broadcast, output.sink, hearing, halt)
        finally:
            if hearing:
                self._tell_hearing(cluster, hearing)
                hearing.close()
            halt.last_sign = None
            with self._taking:
                if self._on_air.get(cluster) is halt:
                    del self._on_air[cluster]
                    self._journal.mark(f"on-air/{cluster}", None)

    def _tell_hearing(self, cluster: str, hearing: Hearing) -> None:
        """What keeps the station from hearing itself."""
        if hearing.fault:
            self._alarms.raise_alarm(f"verify/{cluster}", hearing.fault)
        else:
            self._alarms.clear(f"verify/{cluster}")

    def _sound(self, broadcast: _Broadcast, sink: Sink, hearing: Hearing | None, halt: Halt) -> Airing:
        clock, occurrence = self._clock, broadcast.occurrence
        row = airing(occurrence, broadcast.station, clock.now())
        halt.on_air = True
        if occurrence.id in self._begun:
            self._begun.discard(occurrence.id)
        else:
            written = self._journal.begin(row, self._patience(occurrence))
            if written is False:
                raise AlreadyLoggedError(
                    Fault(
                        occurrence.id,
                        say("This broadcast has begun before; it does not sound twice."),
                        say("Nothing needs doing."),
                    )
                )
            if written is None and halt.doubtful:
                return self.log(occurrence, broadcast.station, Outcome.MISSED, Reason.OFF)
        played = self._play(broadcast, sink, hearing, halt)
        self._free[occurrence.cluster] = occurrence.at, clock.now()
        programmes, length = broadcast.content()
        seconds = min(played.seconds, length)
        if broadcast.streams:
            seconds = max(0.0, seconds - sum(one.silence for one in broadcast.streams))
        outcome, reason = outcome_of(length, seconds), None
        detail = occurrence.detail if occurrence.kind is Kind.ALERT else ""
        if played.fault is not None and halt.reason is not Reason.ALERT:
            reason, detail = Reason.SINK, str(played.fault)
        elif played.stopped or halt.is_set():
            reason = halt.reason
            outcome = outcome if seconds else Outcome.MISSED
        elif occurrence.relay:
            reason, detail = _passed_on(broadcast.streams, seconds)
        elif occurrence.missing or len(programmes) < len(occurrence.whole):
            reason, detail = Reason.INCOMPLETE, occurrence.missing
        heard = hearing.heard_of(length) if hearing else None
        ended = replace(
            row,
            logged=clock.now(),
            started=played.started if seconds else None,
            ended=played.started + timedelta(seconds=seconds) if played.started and seconds else None,
            seconds=round(seconds, 3),
            heard=None if heard is None else round(heard, 1),
            outcome=outcome,
            reason=reason or "",
            detail=detail,
            languages=() if occurrence.relay else _languages(occurrence, programmes, seconds, outcome),
        )
        self._journal.end(ended)
        return ended

    def _tell_stream(self, broadcast: _Broadcast) -> None:
        """Whether anything comes of what is passed on."""
        if broadcast.streams:
            key, trouble = f"relay/{broadcast.occurrence.cluster}", broadcast.streams[-1].trouble
            if trouble:
                where = f"{broadcast.occurrence.cluster_name}, {trouble.where}"
                self._alarms.raise_alarm(key, replace(trouble, where=where))
            else:
                self._alarms.clear(key)

    def _patience(self, occurrence: Occurrence) -> float:
        """How long its row may take to the disk: until its time, but an emergency waits for no disk."""
        if occurrence.kind is Kind.ALERT:
            return 0.0
        return max(PATIENCE, (occurrence.at - self._clock.now()).total_seconds())

    def _play(self, broadcast: _Broadcast, sink: Sink, hearing: Hearing | None, halt: Halt) -> Played:
        """
        Play it to its end. A sink that fails is tried again and goes on where it was, as long as all
        its outages together are no longer than a late start may be.
        """
        clock, occurrence = self._clock, broadcast.occurrence
        zone, key = occurrence.at.tzinfo, f"sound/{occurrence.cluster}"
        at = max(occurrence.at, clock.now().astimezone(zone))
        expected = clock.monotonic() + (at - clock.now()).total_seconds()  # but for outages
        started: datetime | None = None
        before, fault, kept = 0.0, None, None  # a fault that cost nothing but a try is none
        while True:
            source = Meter(broadcast.open(before))
            halt.meter = source, before
            tapped = hearing.tap(source) if hearing else source
            try:
                played = sink.play(tapped, at, halt, self._follower(broadcast, before, hearing, halt))
            finally:
                halt.silent = halt.is_set()
                source.close()
            started = started or played.started
            before += played.seconds
            if hearing:
                hearing.follow(before)
            if played.fault is None:
                if before or not halt.is_set():
                    self._alarms.clear(key)
                return Played(started, before, played.stopped, fault or (None if before else kept))
            halt.last_sign, kept = None, played.fault
            self._alarms.raise_alarm(key, replace(played.fault, where=occurrence.cluster_name))
            if before or source.fault is not None:
                fault = played.fault
            if source.fault is not None or halt.is_set():
                break
            if clock.monotonic() - expected - before > OUTAGE or clock.sleep(RETRY, halt):
                break
            at = clock.now().astimezone(zone)
            if not allowed(occurrence, broadcast.station, at, max(0.0, broadcast.content()[1] - before)):
                break
            logger.warning(say("{what}: the sound output is tried again.", what=occurrence.id))
        return Played(started, before, played.stopped, played.fault)

    def _follower(
        self, broadcast: _Broadcast, before: float, hearing: Hearing | None, halt: Halt
    ) -> Callable[[float], None]:
        occurrence, marked = broadcast.occurrence, 0.0

        def on_progress(since: float) -> None:
            nonlocal marked
            seconds = before + since
            halt.last_sign = self._clock.monotonic()
            self._alarms.clear(f"sound/{occurrence.cluster}")
            broadcast.began = broadcast.began or self._clock.now() - timedelta(seconds=since)
            halt.sounding = _on_air(broadcast, seconds)
            if marked == 0.0 or seconds - marked >= self._mark_every:
                marked = seconds
                self._journal.mark(f"on-air/{occurrence.cluster}", halt.sounding)
            self._tell_stream(broadcast)
            if hearing is not None:
                hearing.follow(seconds)
                self._tell_hearing(occurrence.cluster, hearing)
                key = f"silence/{occurrence.cluster}"
                if hearing.silent_for > SILENCE:
                    self._alarms.raise_alarm(key, _not_heard(occurrence))
                else:
                    self._alarms.clear(key)

        return on_progress

    @property
    def on_air(self) -> Sequence[Halt]:
        """What sounds now, or has been given to a sink."""
        return list(self._on_air.values())

    @property
    def lives(self) -> bool:
        """Does all that sounds give signs of life?"""
        now = self._clock.monotonic()
        return all(one.last_sign is None or now - one.last_sign < STALE for one in self.on_air)

    def _not_begun(self, occurrence: Occurrence, station: Station, halt: Halt) -> Airing | None:
        if halt.reason is Reason.STOPPED:
            return self.log(occurrence, station, Outcome.MISSED, Reason.STOPPED)
        return None  # it is still to come when the daemon is back

    # The play log

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
        self._journal.end(row)
        return row

    def recover(self, *, trusted: bool) -> list[Airing]:
        """
        Log what the last run began and did not end: the machine died while it sounded.

        The seconds are those of the last mark. What had not come to its time when it died, and still has
        not by a clock that is *trusted*, is as if it never began.
        """
        left, now = self._journal.look_back(), self._clock.now()
        recovered: list[Airing] = []
        while left and left.unfinished:
            row = left.unfinished.pop(0)
            mark: Mapping[str, Any] = left.marks.get(f"on-air/{row.cluster}") or {}
            known = mark.get("occurrence") == row.occurrence
            if trusted and not known and row.logged <= now < row.planned:
                self._begun.add(row.occurrence)
                continue
            seconds = float(mark["seconds"]) if known else 0.0
            if known and mark.get("began"):  # the first mark is made when the first sample has just left
                seconds = max(0.1, seconds)
            shares = shared_out(mark["programmes"], seconds) if known else ()
            length = mark.get("length", sum(share.length for share in shares))
            began = datetime.fromisoformat(mark["began"]) if mark.get("began") else row.planned
            ended = replace(
                row,
                logged=now,
                started=began if seconds else None,
                ended=began + timedelta(seconds=seconds) if seconds else None,
                seconds=seconds,
                outcome=outcome_of(length, seconds) if seconds else Outcome.MISSED,
                reason=Reason.POWER,
                languages=shares,
            )
            self._journal.end(ended)
            self._journal.mark(f"on-air/{row.cluster}", None)
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
        script="" if occurrence.relay else occurrence.script,
        script_title=occurrence.script_title,
        group=occurrence.group,
        cluster=occurrence.cluster,
        cluster_name=occurrence.cluster_name,
        area=occurrence.area,
        area_name=occurrence.area_name,
        bulletin_class=occurrence.bulletin_class.word,
        kind=occurrence.kind,
        languages=(),
        campaign=occurrence.campaign,
        station_area=station.area,
        day=occurrence.at.astimezone(station.timezone).date(),
    )


def allowed(occurrence: Occurrence, station: Station, at: datetime, length: float) -> bool:
    """May it sound from *at* on for *length* seconds?"""
    if occurrence.bulletin_class is BulletinClass.EMERGENCY:
        return True
    start = at.astimezone(station.timezone)
    end = start + timedelta(seconds=length)
    return start.date() == end.date() and station.hours.hold(start.time(), end.time())


def _passed_on(streams: Sequence[Stream], seconds: float) -> tuple[Reason | None, str]:
    """What went wrong with a relay of which *seconds* sounded, the local programme in them."""
    replaced = sum(one.replaced for one in streams)
    trouble = next((one.trouble for one in reversed(streams) if one.trouble), None)
    if not replaced and not trouble and seconds:
        return None, ""
    return Reason.RELAY, f"{replaced:.0f} s replaced; {trouble or ''}".rstrip("; ")


def _edge(station: Station, at: datetime) -> datetime | None:
    """When the allowed hours that hold *at* end."""
    local = at.astimezone(station.timezone)
    ends = [span.end for span in station.hours.allowed if span.start <= local.time() < span.end]
    return datetime.combine(local, max(ends), local.tzinfo) if ends else None


def _on_air(broadcast: _Broadcast, seconds: float) -> dict[str, Any]:
    occurrence, (programmes, length) = broadcast.occurrence, broadcast.content()
    return {
        "occurrence": occurrence.id,
        "title": occurrence.script_title,
        "cluster": occurrence.cluster,
        "cluster_name": occurrence.cluster_name,
        "began": broadcast.began and (broadcast.began + HALF).isoformat(timespec="milliseconds"),
        "seconds": round(min(seconds, length), 1),
        "length": length,
        "programmes": [(language, one.digest, one.seconds) for language, one in programmes],
    }


def _not_heard(occurrence: Occurrence) -> Fault:
    return Fault(
        occurrence.cluster,
        say("Something is on air, and nothing of it is heard at {name}.", name=occurrence.cluster_name),
        say("Look at the amplifier, its cables and its volume."),
    )


def _languages(
    occurrence: Occurrence, programmes: Programmes, seconds: float, outcome: Outcome
) -> tuple[Sounded, ...]:
    """How each of the occurrence's languages fared; those that had no programme were withheld."""
    shares = shared_out([(name, one.digest, one.seconds) for name, one in programmes], seconds, outcome)
    there = {share.language for share in shares}
    withheld = [one.language for one in occurrence.recipes if one.language not in there]
    return (*shares, *(Sounded(language, "", 0.0, 0.0, Outcome.WITHHELD) for language in withheld))
