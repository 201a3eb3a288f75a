"""
Emergencies that somebody ordered: on air at once, over everything, again and again until they end.

An order breaks in with a signal tone, and its words follow as soon as they are made. It goes by monotonic
time, so that a clock that is wrong neither ends nor prolongs it, and outlives a restart.
"""

import logging
import math
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from threading import Event, Lock
from typing import Any

from broadcaster.edges.clock import Clock
from broadcaster.edges.crew import Crew
from broadcaster.edges.sink import Source
from broadcaster.journal import Journal
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.occurrence import Kind, Occurrence, Reason
from broadcaster.model.programme import SAMPLE_RATE, Programme
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.station import Cluster, Station
from broadcaster.playout import Halt, Output, Playout, Programmes

TONES = (853.0, 960.0)  # Hz, both at once: the attention signal that alert receivers know
TONE_SECONDS = 3.0
TONE_LEVEL = 0.12  # of full scale, each: -16 LUFS together
WAIT_FOR_WORDS = 60.0  # seconds of tone, at most, until the words must be there
BLOCK = SAMPLE_RATE // 4  # samples
SOON = 10.0  # seconds after a call that failed
LATEST = 30  # orders that ended and are still known: none of them is taken twice

logger = logging.getLogger("broadcaster")


@dataclass(frozen=True)
class Order:
    """What somebody ordered. Seconds are of monotonic time."""

    id: str
    title: str
    by: str
    clusters: Sequence[str]
    every: float  # seconds from one beginning to the next
    left: float  # seconds until it expires
    expires: str | None = None  # wall time in ISO 8601, where the clock was to be trusted
    script: str = ""
    folder: str = ""  # where its programmes lie, if not in the station's own var/
    programmes: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """By cluster: language and digest of its programme, in their order; none yet while they are made."""


class _InForce:
    """An order, and how it stands."""

    def __init__(self, order: Order, now: float) -> None:
        self.order = order
        self.until = now + order.left
        self.next = dict.fromkeys(order.clusters, now)
        self.count = 0  # calls so far
        self.ready = Event()
        if order.programmes:
            self.ready.set()


class Alerts:
    """The orders in force, and what has them sound."""

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        playout: Playout,
        crew: Crew,
        find: Callable[[str, str], Programme | None],
        output: Callable[[Cluster], Output],
        station: Callable[[], Station],
        logged: Callable[[Airing], None],
        cold_for: Callable[[], float],
    ) -> None:
        """
        *find* gives the programme in a folder of a digest, *output* a cluster's, *station* the station as
        it is now; *logged* is told of each call that ended. *cold_for*: seconds until words can be heard.
        """
        self._cold_for = cold_for
        self._logged = logged
        self._clock, self._journal, self._playout, self._crew = clock, journal, playout, crew
        self._find, self._output, self._station = find, output, station
        self._orders: dict[str, _InForce] = {}
        self._past: list[str] = []
        self._changed: dict[str, Event] = {}
        self._attended: set[str] = set()
        self._halts: dict[str, tuple[str, Halt]] = {}  # by cluster: the order that sounds
        self._lock = Lock()
        self._closed = False
        self._tone = _tone()
        playout.held = self.sounds_within

    # What is ordered

    def order(self, order: Order) -> None:
        """Have it sound from now on. One that is known already is not taken again."""
        with self._lock:
            if order.id in self._orders or order.id in self._past:
                raise BroadcasterError(
                    Fault(
                        order.id,
                        say("This emergency was ordered before."),
                        say("See what is in force: broadcaster status."),
                    )
                )
            self._orders[order.id] = _InForce(order, self._clock.monotonic())
        logger.warning(
            say("EMERGENCY {id}, ordered by {by}: {title}", id=order.id, by=order.by, title=order.title)
        )
        self._keep()
        for cluster in order.clusters:
            self._wake(cluster)

    def words(
        self, name: str, script: str, folder: str, programmes: Mapping[str, Sequence[tuple[str, str]]]
    ) -> None:
        """What it says on each cluster, now that it is made."""
        with self._lock:
            if (one := self._orders.get(name)) is None:
                raise _unknown(name)
            one.order = replace(one.order, script=script, folder=folder, programmes=dict(programmes))
        one.ready.set()
        self._keep()

    def clear(self, by: str, names: Sequence[str] | None = None) -> list[str]:
        """End those, or all; gives the names of those that were in force. The others never will be."""
        with self._lock:
            ended = [name for name in self._orders if names is None or name in names]
            self._past = [*self._past, *(name for name in names or () if name not in ended)][-LATEST:]
        for one in ended:
            logger.warning(say("EMERGENCY {id}: the all-clear, by {by}.", id=one, by=by))
            self._end(one)
        return ended

    def _end(self, name: str) -> None:
        with self._lock:
            one = self._orders.pop(name, None)
            self._past = [*self._past, name][-LATEST:]
            sounding = [halt for order, halt in self._halts.values() if order == name]
        for halt in sounding:
            halt.because(Reason.STOPPED)
        if one is not None:
            one.ready.set()
            for cluster in one.order.clusters:
                self._wake(cluster)
        self._keep()

    @property
    def past(self) -> Sequence[str]:
        """Those that ended, the latest last."""
        return self._past

    @property
    def in_force(self) -> list[Order]:
        now = self._clock.monotonic()
        with self._lock:
            return [
                replace(one.order, left=max(0.0, round(one.until - now, 1))) for one in self._orders.values()
            ]

    def sounds_within(self, cluster: str, seconds: float) -> bool:
        """Is it to sound on *cluster* within so many seconds, or does it now?"""
        now = self._clock.monotonic()
        with self._lock:
            return cluster in self._halts or any(
                cluster in one.next and one.next[cluster] < min(now + seconds, one.until)
                for one in self._orders.values()
            )

    # Through restarts

    def resume(self, *, trusted: bool) -> None:
        """Take up what was in force when the daemon ended. A *trusted* clock says what expired since."""
        before = self._journal.look_back()
        kept: Mapping[str, Any] = (before and before.marks.get("alerts")) or {}
        self._past = [*kept.get("past", ()), *self._past]
        now = self._clock.now()
        for told in kept.get("orders", ()):
            order = Order(**told)
            if trusted and order.expires:
                left = (datetime.fromisoformat(order.expires) - now).total_seconds()
                order = replace(order, left=min(order.left, left))
            if order.left > 0 and order.programmes:
                with suppress(BroadcasterError):
                    self.order(order)
            else:
                self._past.append(order.id)
        if kept:
            self._keep()  # what is over by a clock that is right must not come back by one that is wrong

    def expire(self, now: datetime) -> None:
        """By a clock that is right again: what lasts no longer than until *now*, or less than was thought."""
        for one in list(self._orders.values()):
            if one.order.expires:
                left = (datetime.fromisoformat(one.order.expires) - now).total_seconds()
                one.until = min(one.until, self._clock.monotonic() + left)
        for changed in list(self._changed.values()):
            changed.set()

    def _keep(self) -> None:
        orders = [asdict(one) for one in self.in_force]
        self._journal.mark("alerts", {"orders": orders, "past": self._past})

    def close(self) -> None:
        """The daemon ends; what is in force is taken up by the next."""
        self._closed = True
        self._keep()
        for _, halt in list(self._halts.values()):
            halt.because(Reason.SHUTDOWN)
        for one in list(self._orders.values()):
            one.ready.set()
        for changed in list(self._changed.values()):
            changed.set()

    # On air

    def _wake(self, cluster: str) -> None:
        """Have somebody attend to *cluster*; a new order ends the one that sounds there."""
        with self._lock:
            self._changed.setdefault(cluster, Event()).set()
            attended = cluster in self._attended
            self._attended.add(cluster)
            newest = next(reversed(self._orders), None)
            sounding = self._halts.get(cluster)
        if sounding and sounding[0] != newest:
            sounding[1].because(Reason.ALERT)
        if not attended:
            self._crew.work(f"alert/{cluster}", lambda: self._attend(cluster))

    def _attend(self, cluster: str) -> None:
        """Sound what is in force on *cluster*, one after the other, until nothing is."""
        changed = self._changed[cluster]
        while not self._closed:
            changed.clear()
            now = self._clock.monotonic()
            for name in [name for name, one in self._orders.items() if one.until <= now]:
                logger.warning(say("EMERGENCY {id} has expired.", id=name))
                self._end(name)
            with self._lock:
                here = [one for one in reversed(self._orders.values()) if cluster in one.next]
                if not here:
                    self._attended.discard(cluster)
                    return
            one = min(here, key=lambda each: each.next[cluster])  # of two at once the newer
            wait = one.next[cluster] - now
            if wait > 0:
                ends = min(each.until for each in here) - now
                self._clock.sleep(min(wait, max(ends, 0.0)), changed)
                continue
            one.next[cluster] = now + one.order.every
            self._sound(one, cluster)
            one.next[cluster] = max(one.next[cluster], self._clock.monotonic() + 1.0)

    def _sound(self, one: _InForce, name: str) -> None:
        station = self._station()
        cluster = next((each for each in station.clusters if each.id == name), None)
        if cluster is None:
            one.next.pop(name)  # it was taken out of station.toml
            return
        output, occurrence = self._output(cluster), self._occurrence(one, cluster, station)
        halt = Halt(occurrence, by_hand=True)
        with self._lock:
            self._halts[name] = (one.order.id, halt)
        calls: list[_Call] = []

        def call() -> Source:
            least = TONE_SECONDS + self._cold_for()

            def speech() -> Source | None:
                return self._speech(one.order, name, output)  # its words may have come only now

            calls.append(_Call(self._tone, least, one.ready, speech))
            return calls[-1]

        try:
            row = self._playout.break_in(
                occurrence, station, output, call, lambda: self._said(one.order, name, calls), halt
            )
            self._logged(row)
            if row.outcome is Outcome.FAILED or row.reason == Reason.ALERT:  # not heard, or cut by another
                one.next[name] = min(one.next.get(name, math.inf), self._clock.monotonic() + SOON)
        except BroadcasterError as error:
            logger.error("%s: %s", one.order.id, error)  # noqa: TRY400 - told in words
        finally:
            with self._lock:
                self._halts.pop(name, None)

    def _programmes(self, order: Order, cluster: str) -> Programmes:
        listed = order.programmes.get(cluster, ())
        found = [(language, self._find(order.folder, digest)) for language, digest in listed]
        return [(language, programme) for language, programme in found if programme is not None]

    def _speech(self, order: Order, cluster: str, output: Output) -> Source | None:
        pieces = [piece for _, programme in self._programmes(order, cluster) for piece in programme.pieces]
        return output.reel(pieces, 0.0) if pieces else None

    def _said(self, order: Order, cluster: str, calls: Sequence["_Call"]) -> tuple[Programmes, float]:
        """Its words, and the length of the whole call."""
        programmes = self._programmes(order, cluster)
        words = sum(programme.seconds for _, programme in programmes)
        tone = calls[-1].tone_seconds if calls else 0.0
        return programmes, tone + words if programmes else WAIT_FOR_WORDS

    def _occurrence(self, one: _InForce, cluster: Cluster, station: Station) -> Occurrence:
        one.count += 1
        now, order = self._clock.now().astimezone(station.timezone), one.order
        return Occurrence(
            id=f"alert-{order.id}/{now:%Y-%m-%dT%H:%M:%S}.{one.count}/{cluster.id}",
            schedule="",
            schedule_title="",
            script=order.script or order.id,
            script_title=order.title,
            group="everyone",
            cluster=cluster.id,
            cluster_name=cluster.name,
            area=cluster.area,
            area_name=cluster.name,
            bulletin_class=BulletinClass.EMERGENCY,
            nominal=now,
            at=now,
            recipes=(),
            kind=Kind.ALERT,
            detail=order.by,
        )


class _Call:
    """The signal tone for a few seconds, and on until the words are there; then the words."""

    def __init__(self, tone: bytes, least: float, ready: Event, speech: Callable[[], Source | None]) -> None:
        """*least*: seconds of tone."""
        self._tone, self._least, self._ready, self._open = tone, least, ready, speech
        self._speech: Source | None = None
        self._fault: Fault | None = None
        self.tone_seconds = 0.0

    @property
    def fault(self) -> Fault | None:
        return self._fault or (self._speech.fault if self._speech else None)

    def read(self) -> bytes | None:
        if self._speech is None:
            sounded = self.tone_seconds >= self._least
            if not (sounded and self._ready.is_set()) and self.tone_seconds < WAIT_FOR_WORDS:
                return self._next_tone()
            self._speech = self._open()
            if self._speech is None:
                self._fault = Fault(
                    "",
                    say("Only the signal tone sounded: the words of the emergency could not be made."),
                    say("Order it again, with a file or with other words."),
                )
                return None
        return self._speech.read()

    def _next_tone(self) -> bytes:
        at = 2 * round(self.tone_seconds * SAMPLE_RATE) % len(self._tone)
        block = self._tone[at : at + 2 * BLOCK]
        self.tone_seconds += len(block) / (2 * SAMPLE_RATE)
        return block

    def close(self) -> None:
        if self._speech is not None:
            self._speech.close()


def _tone() -> bytes:
    """A second of the signal; both tones come round in it, so that it can be repeated without a click."""
    steps = [2 * math.pi * hertz / SAMPLE_RATE for hertz in TONES]
    level = TONE_LEVEL * 32767
    wave = (round(level * sum(math.sin(step * at) for step in steps)) for at in range(SAMPLE_RATE))
    return array("h", wave).tobytes()


def _unknown(name: str) -> BroadcasterError:
    return BroadcasterError(
        Fault(
            name,
            say("No such emergency is in force."),
            say("See what is in force: broadcaster status."),
        )
    )
