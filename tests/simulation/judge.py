"""
What must hold, whatever befalls a station.

It is judged by true time, by what the sound cards sounded and by the log; never by what the daemon believes.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from broadcaster.edges.clock import EARLIEST
from broadcaster.model.airing import Outcome
from broadcaster.model.occurrence import Kind, Reason, State
from broadcaster.model.plan import plan
from tests import factories as make

from .kernel import EPOCH, SECOND, micros
from .station import WARM_UP
from .world import Play, Segment

if TYPE_CHECKING:
    from .life import Life

DAY = 24 * 3600 * SECOND
TOLERANCE = 2.0  # seconds
EDGE = (
    6.0  # seconds past the hours: 2, and 4 for the simulation, which looks less often where nothing happens
)
NOTICE = 3.0  # seconds in which a change of clock, power or hours must have been noticed
MEMORY = 40 * DAY  # a row may be written so long after what befell it: the station was off meanwhile
CALM_BEFORE, CALM_AFTER = 660.0, 90.0  # seconds around an occurrence without anything that could harm it
LATEST = timedelta(seconds=62)  # the grace, and the tolerance: a start after it is none
LATEST_START = 1.0  # seconds after its time that a broadcast begins where nothing is wrong
LONGEST_CALL = 150.0  # seconds: the tone until the words are there, the words, and an outage of the card

# Kinds of disturbances: what keeps a broadcast from sounding as planned (a bad disk does not), what keeps an
# emergency, and what may make the next run of the program forget one
HARMFUL = frozenset(
    {
        "off",
        "power",
        "boot",
        "clock",
        "wrong clock",
        "distrust",
        "suspend",
        "card",
        "missing",
        "edit",
        "alert",
    }
    | {"stop", "play"}
)
SILENCING = frozenset({"off", "power", "boot", "card"})
BY_A_WRONG_CLOCK = frozenset({Reason.LATE, Reason.CLOCK, Reason.OFF, Reason.OUTSIDE_HOURS, Reason.NOT_READY})
DISK_AND_TIME = frozenset({"disk", "clock", "wrong clock", "distrust", "suspend"})


@dataclass
class Disturbance:
    """Something that may keep a broadcast from sounding as planned."""

    kind: str
    start: int
    end: int
    cluster: str | None = None  # None: all


@dataclass
class Ordered:
    """An emergency that somebody ordered."""

    id: str
    at: int
    clusters: tuple[str, ...]
    seconds: float
    every: float
    suspended: int  # of the machine, when it was ordered
    cleared: int | None = None
    heard: dict[str, int] = field(default_factory=dict)  # by cluster: when it first sounded
    last: dict[str, int] = field(default_factory=dict)  # by cluster: when it last sounded
    worded: int | None = None  # when its words were there
    lost: bool = False  # the program died before it could be written down


class Judge:
    """Holds what happened against what must hold."""

    def __init__(self, life: "Life") -> None:
        self.life, self.kernel = life, life.kernel
        self.violations: list[str] = []
        self._told: set[str] = set()
        self.excused: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        self.disturbances: list[Disturbance] = []
        self.present: dict[tuple[str, str | None], Disturbance] = {}
        self.clock_at = 0  # when anything about the clock last changed
        self.distrusted_at: int | None = None  # since when it is not to be trusted
        self.vouched = ""  # the run of the machine in which its clock was known to be right
        self.offset = 0
        self.amplifier_since: int | None = None
        self.known_until = 0  # wall time of the last thing in the log
        self.orders: dict[str, Ordered] = {}
        self.covered: dict[str, list[tuple[float, float]]] = {}
        self.unsettled: dict[str, list[Play]] = {}
        self.lost: dict[str, list[Play]] = {}  # they sounded, and no row says so
        self.looked = self.looked_before = 0
        self.wrong_since_look = False
        self.seen = 0  # rows of the log
        self._db: sqlite3.Connection | None = None
        self.edition_from = self.checked = micros(8 * 3600)  # where its life begins

    def violate(self, kind: str, story: str) -> None:
        told = f"{kind} {story.partition(' ')[0]}"  # each once
        if told in self._told:
            return
        self._told.add(told)
        self.violations.append(f"{self.kernel.now:%Y-%m-%d %H:%M:%S} {kind}: {story}")

    # What happened

    def begun(self, kind: str, cluster: str | None = None) -> None:
        one = self.present.get((kind, cluster))
        if one is None:
            one = Disturbance(kind, self.kernel.true, 1 << 62, cluster)
            self.present[kind, cluster] = one
            self.disturbances.append(one)

    def over(self, kind: str, cluster: str | None = None) -> None:
        one = self.present.pop((kind, cluster), None)
        if one is not None:
            one.end = self.kernel.true

    def happened(self, kind: str, seconds: float) -> None:
        now = self.kernel.true
        self.disturbances.append(Disturbance(kind, now, now + micros(seconds)))

    def amplified(self, *, on: bool) -> None:
        self.amplifier_since = self.kernel.true if on else None

    def power_off(self) -> None:
        self.happened("power", 1.0)

    def clock_changed(self, *, slept: bool = False) -> None:
        kernel = self.kernel
        self.clock_at = kernel.true
        self.happened("clock", 1.0)
        self.life.tell(f"the clock is off by {kernel.offset / SECOND:g} s, {kernel.state}")
        if slept or abs(kernel.offset - self.offset) > micros(TOLERANCE):
            self.vouched = ""  # that was for another time
        self.offset = kernel.offset
        if abs(kernel.offset) > micros(0.6):
            self.begun("wrong clock")
        else:
            self.over("wrong clock")
        self.trust()

    def trust(self) -> None:
        """What must be known of the clock, without the daemon's own judgement."""
        state, wall = self.kernel.state, EPOCH + timedelta(microseconds=self.kernel.wall)
        if state.synchronised and self.life.running:
            self.vouched = state.boot
        distrusted = wall < EARLIEST or not (state.synchronised or state.rtc or self.vouched == state.boot)
        if not distrusted:
            self.distrusted_at = None
            self.over("distrust")
        elif self.distrusted_at is None:
            self.distrusted_at = self.kernel.true
            self.begun("distrust")

    def met(self, start: int, end: int, cluster: str | None = None, kinds: Collection[str] = ()) -> bool:
        """Was there one of *kinds* (else any) between *start* and *end*, on *cluster* (else anywhere)?"""
        return any(
            one.start < end
            and one.end > start
            and (cluster is None or one.cluster in (None, cluster))
            and (not kinds or one.kind in kinds)
            for one in self.disturbances
        )

    # What sounds

    def _emergency(self, play: Play) -> bool:
        return play.occurrence.startswith(("alert-", "bao-dong/"))

    def begins(self, play: Play) -> None:
        now = self.kernel.true
        for other in self.life.machine.sounding.values():
            if other is not play and other.cluster == play.cluster and other.since is not None:
                self.violate("two at once", f"{play.occurrence} began over {other.occurrence}")
        if play.occurrence.startswith("alert-"):
            order = self.orders.get(play.occurrence.removeprefix("alert-").partition("/")[0])
            if order is not None:
                order.heard.setdefault(play.cluster, now)
            return
        self._amplified_for(play)
        if (
            self.distrusted_at is not None
            and now - self.distrusted_at > micros(NOTICE)
            and not self._emergency(play)
        ):
            self.violate(
                "untrusted", f"{play.occurrence} sounds, the clock is {self.kernel.state} {self.kernel.wall}"
            )

    def _amplified_for(self, play: Play) -> None:
        now = self.kernel.true
        warm = self.amplifier_since is not None and now - self.amplifier_since >= micros(WARM_UP - 0.5)
        by_hand = play.occurrence.startswith("play-")
        if self.life.station.amplifier and not (warm or by_hand or self.met(now - micros(CALM_BEFORE), now)):
            self.violate("amplifier", f"{play.occurrence} sounds into an amplifier that is cold")

    def segment(self, play: Play, segment: Segment) -> None:
        """A stretch of sound: is it within the allowed hours, and not longer than ordered?"""
        if play.occurrence.startswith("alert-"):
            self._alert_sounded(play, segment)
        if self._emergency(play):
            return
        start = max(segment.start, min(segment.end, self.clock_at + micros(NOTICE)))
        if start >= segment.end or self._in_hours(start, segment.end):
            return
        if abs(segment.offset) > micros(TOLERANCE) and self._in_hours(
            start + segment.offset, segment.end + segment.offset
        ):
            self.excused["outside the hours by a clock that was believed and wrong"] += 1
            return
        self.violate(
            "hours",
            f"{play.occurrence} on {play.cluster} until {self.kernel.now:%H:%M:%S} UTC, "
            f"clock off by {segment.offset / SECOND:g} s",
        )

    def _in_hours(self, start: int, end: int) -> bool:
        first = (EPOCH + timedelta(microseconds=start)).astimezone(make.ZONE)
        midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
        begin = (first - midnight).total_seconds()
        stop = begin + (end - start) / SECOND
        return any(
            _of_day(span.start) - EDGE <= begin and stop <= _of_day(span.end) + EDGE
            for span in self.life.content.station.hours.allowed
        )

    def ended(self, play: Play) -> None:
        """A play is over: did it sound before?"""
        if play.occurrence.startswith("alert-"):
            self.unsettled.setdefault(play.occurrence, []).append(play)
            return
        if play.occurrence.startswith("tiep-am/"):  # what is live is never the same twice, unless later
            first, last = 0.0, play.seconds
            if any(
                play.start - other.end < 180 * SECOND for other in self.unsettled.get(play.occurrence, ())
            ):
                first = last
        else:
            first, last = play.skipped, play.skipped + play.seconds
        for begin, end in self.covered.get(play.occurrence, ()):
            if min(last, end) - max(first, begin) > 3.0:
                self.violate(
                    "twice",
                    f"{play.occurrence} sounded {begin:.0f}-{end:.0f} s and again {first:.0f}-{last:.0f} s",
                )
        self.covered.setdefault(play.occurrence, []).append((first, last))
        self.unsettled.setdefault(play.occurrence, []).append(play)

    def stopped(self) -> None:
        """Somebody said stop: what sounds now is over in a second."""
        sounding = [
            one for one in self.life.machine.sounding.values() if not one.occurrence.startswith("alert-")
        ]

        def over() -> None:
            for one in sounding:
                if one.since is not None and not one.over:
                    self.violate("not stopped", f"{one.occurrence} sounds a second after it was stopped")

        self.kernel.at(self.kernel.true + SECOND, over)

    # Emergencies

    def ordered(self, order: Ordered) -> None:
        self.orders[order.id] = order
        self.happened("alert", order.seconds + 1200.0)
        kernel, powered = self.kernel, self.life.boots

        def begun() -> None:
            for cluster in order.clusters:
                kept = self.met(order.at - micros(1.0), kernel.true, cluster, SILENCING)
                if cluster not in order.heard and not kept and self.life.boots == powered:
                    self.violate("alert late", f"{order.id} does not sound on {cluster} after 1 s")

        kernel.at(order.at + micros(1.05), begun)
        kernel.at(order.at + micros(order.every), lambda: self._repeats(order))

    def died(self) -> None:
        """With the program goes what it could not write down."""
        self.begun("off")
        for one in self.orders.values():
            lately = max(one.at, self.kernel.true - DAY)
            worded = one.worded is not None and self.kernel.true - one.worded > SECOND
            if not worded or self.met(lately, self.kernel.true, None, DISK_AND_TIME):
                one.lost = True

    def _repeats(self, order: Ordered) -> None:
        """Does it sound again and again, as long as nothing keeps it?"""
        now, silent = self.kernel.true, micros(order.every + 65.0)
        others = [one for one in self.orders.values() if one is not order and one.at + 2 * DAY > order.at]
        if order.lost or order.cleared is not None or now > order.at + micros(order.seconds) or others:
            return
        if self.met(order.at, now, None, DISK_AND_TIME):
            return
        for cluster in order.clusters:
            heard = order.last.get(cluster, order.at)
            if now - heard > silent and not self.met(now - silent, now, cluster, SILENCING):
                self.violate("alert silent", f"{order.id} is in force, and not heard on {cluster}")
        self.kernel.at(now + micros(30), lambda: self._repeats(order))

    def _alert_sounded(self, play: Play, segment: Segment) -> None:
        order = self.orders.get(play.occurrence.removeprefix("alert-").partition("/")[0])
        if order is None:
            return
        order.last[play.cluster] = segment.end
        asleep = self.kernel.suspended - order.suspended
        off = sum(
            min(one.end, segment.end) - one.start
            for one in self.disturbances
            if one.kind == "off" and one.start >= order.at
        )
        if off and self.distrusted_at is not None and self.met(order.at, segment.end, None, {"disk"}):
            return  # what it knows of it is what the disk last took, and no clock says how long ago that was
        last = order.at + micros(order.seconds) + asleep + off
        if off:  # how long it was in force before is known no better than by its last mark
            last += micros(order.seconds)
        # A call that began before goes on to its end: half a sentence helps nobody.
        began = min([play.start, *(one.start for one in self.unsettled.get(play.occurrence, ()))])
        if began > last + micros(TOLERANCE) or segment.end > last + micros(LONGEST_CALL):
            self.violate(
                "alert too long", f"{play.occurrence} sounds {(segment.end - last) / SECOND:.0f} s on"
            )
        if order.cleared is not None and segment.end > order.cleared + micros(TOLERANCE):
            self.violate("alert not cleared", f"{play.occurrence} sounds after the all-clear")

    # The log

    def connection(self) -> sqlite3.Connection:
        if self._db is None:
            path = next(self.life.folder.glob("*.db"))
            self._db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
            self._db.row_factory = sqlite3.Row
        return self._db

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    def look(self) -> None:
        """Once a day: is the log as what sounded, and is each loss one that had to be?"""
        for error in self.kernel.errors:
            self.violate("died", error)
        self.kernel.errors.clear()
        self.looked_before, self.looked = self.looked, self.kernel.true
        self.wrong_since_look = self.met(self.looked_before, self.looked, None, {"wrong clock"})
        rows = (
            self.connection()
            .execute("select * from events where event = 'end' and seq > ? order by seq", [self.seen])
            .fetchall()
        )
        for row in rows:
            self.seen = row["seq"]
            self._row(row)
        self._unlogged()
        self._all_there()
        self._amplifier_off()
        before = self.kernel.true - MEMORY
        self.disturbances = [one for one in self.disturbances if one.end > before]
        plays = self.life.machine.plays
        plays[:] = [one for one in plays if one.end > before]

    def _amplifier_off(self) -> None:
        """It is off, minutes after the last sound."""
        now, machine = self.kernel.true, self.life.machine
        quiet = now - micros(600)
        on = self.amplifier_since is not None and self.amplifier_since < quiet
        sounded = machine.sounding or any(one.end > quiet for one in machine.plays)
        if on and not sounded and not self.met(quiet, now):
            self.violate("amplifier", "it is on, and nothing sounds")

    def _row(self, row: sqlite3.Row) -> None:
        self.outcomes[f"{row['outcome']} {row['reason']}".strip()] += 1
        name = row["occurrence"]
        plays = self.unsettled.pop(name, [])
        self._logged_seconds(row, plays)
        planned = (datetime.fromisoformat(row["planned"]) - EPOCH) // timedelta(microseconds=1)
        if row["kind"] in (Kind.ALERT, Kind.ON_DEMAND):
            return
        if plays and row["reason"] != Reason.POWER and row["started"]:
            behind = datetime.fromisoformat(row["started"]) - datetime.fromisoformat(row["planned"])
            held = self.met(planned - micros(5.0), planned + SECOND, None, {"clock", "suspend"})
            if row["schedule"] == "tiep-am":  # where nothing replaces it there is nothing until it flows
                held = held or self.met(planned - micros(60.0), plays[0].start, None, {"stream"})
            # One that held the cluster with a card that failed had a grace of its own.
            held = held or (
                behind <= 2 * LATEST and self.met(planned, plays[0].start, row["cluster"], {"card"})
            )
            if behind > LATEST and held:
                self.excused["late: it slept, or its clock was set, in the seconds before the start"] += 1
            elif behind > LATEST and not self._waited(plays[0], LATEST.total_seconds()):
                self.violate("after the grace", f"{name} began {behind} after its time")
        length = sum(one["length"] for one in json.loads(row["languages"])) or 900.0
        start, end = planned - micros(CALM_BEFORE), planned + micros(length + CALM_AFTER)
        if planned > self.kernel.true:  # by a clock that was ahead: it was some time since the last look
            start, end = self.looked_before, self.kernel.true
        harmful = HARMFUL | {"stream"} if row["schedule"] == "tiep-am" else HARMFUL
        if self.met(start, end, row["cluster"], harmful):
            return
        if row["outcome"] == Outcome.AIRED:
            right = plays and abs(plays[0].segments[0].offset) <= micros(TOLERANCE)
            late = (plays[0].start - planned) / SECOND if right else 0.0
            if late > LATEST_START and not self._waited(plays[0]):
                self.violate("late", f"{name} began {late:.1f} s after its time; nothing was wrong")
        elif row["reason"] == Reason.ALERT and any(
            one.last.get(row["cluster"], 0) > start for one in self.orders.values()
        ):
            self.excused["an emergency that was in force"] += 1
        elif self.wrong_since_look and row["reason"] in BY_A_WRONG_CLOCK:
            self.excused["lost to a clock that was believed and wrong"] += 1
        elif (
            row["reason"] == Reason.OFF
            and planned < self.edition_from
            and self.met(planned, self.kernel.true, None, {"wrong clock"})
        ):
            self.excused["not asked for at its time, which a clock that was behind lived once more"] += 1
        elif self._rows_lost(plays):
            self.excused["rows that an unwritable disk lost with a crash"] += 1
        elif row["kind"] == Kind.MAKE_GOOD and self._lost_since(planned - micros(3600)):
            self.excused["what it makes good, the disk did not tell after a crash"] += 1
        elif row["outcome"] not in (Outcome.DISPLACED, Outcome.WITHHELD):
            self.violate(
                "lost", f"{name} {row['outcome']} {row['reason']} {row['seconds']:.0f} s; nothing was wrong"
            )

    def _waited(self, play: Play, lately: float = 10.0) -> bool:
        """Did something else sound on its cluster until *lately* before it began?"""
        return any(
            other.cluster == play.cluster and 0 <= play.start - other.end < micros(lately)
            for other in self.life.machine.plays
        )

    def _logged_seconds(self, row: sqlite3.Row, plays: list[Play]) -> None:
        sounded = sum(one.seconds for one in plays)
        languages = json.loads(row["languages"])
        length = sum(one["length"] for one in languages)
        if length and row["kind"] != Kind.ALERT:
            sounded = min(sounded, length)
        if abs(row["seconds"] - sounded) <= 5.0 or (length and sounded > length and row["seconds"] >= length):
            return
        if self._rows_lost(plays):
            self.excused["seconds that an unwritable disk lost with a crash"] += 1
            return
        self.violate(
            "log is not sound",
            f"{row['occurrence']} {row['outcome']} {row['reason']}: {row['seconds']:.1f} s logged, "
            f"{sounded:.1f} s sounded",
        )

    def _rows_lost(self, plays: list[Play]) -> bool:
        """Did the program die while the disk took nothing, before it could write down what sounded?"""
        return bool(plays) and self._lost_since(plays[0].asked)

    def _lost_since(self, first: int) -> bool:
        first -= micros(300)
        return any(
            disk.kind == "disk"
            and disk.end > first
            and any(
                off.kind == "off"
                and disk.start < off.start + micros(60)
                and off.start < disk.end + micros(60)
                and off.start > first
                for off in self.disturbances
            )
            for disk in self.disturbances
        )

    def _unlogged(self) -> None:
        """What sounded and has no row, hours later."""
        if not self.life.running or self.met(self.kernel.true - micros(300), self.kernel.true):
            return
        for name, plays in list(self.unsettled.items()):
            if plays[-1].end < self.kernel.true - micros(3600):
                self.lost[name] = self.unsettled.pop(name)
                if self._rows_lost(plays):
                    self.excused["rows that an unwritable disk lost with a crash"] += 1
                elif self._hidden(name, plays[0].asked):
                    self.excused["missed by a clock that was believed and wrong, which the disk hid"] += 1
                else:
                    self.violate("sound without a row", f"{name} at {plays[0].start}")

    def _hidden(self, name: str, asked: int) -> bool:
        """Had it a row already, from another time, that the disk did not tell of?"""
        ended = "select count(*) from events where event = 'end' and occurrence = ?"
        (rows,) = self.connection().execute(ended, [name]).fetchone()
        return bool(rows) and self.met(asked - SECOND, asked, None, {"disk"})

    # The plan

    def edited(self) -> None:
        """Before the content changes: what it asked for up to now must be in the log."""
        self._all_there()
        off = self.present.get(("off", None))
        self.edition_from = self.checked = off.start if off else self.kernel.true

    def _all_there(self) -> None:
        """Each occurrence whose time is over has its row."""
        kernel, life = self.kernel, self.life
        unsettled = self.met(
            kernel.true - micros(900), kernel.true, None, HARMFUL - {"card", "missing"} | {"disk"}
        )
        if not life.running or unsettled or abs(kernel.offset) > SECOND:
            return
        margin = micros(3600)
        start, end = max(self.checked, self.edition_from + margin), kernel.true - margin
        if end <= start:
            return
        first, last = (EPOCH + timedelta(microseconds=one) for one in (start, end))
        log = {one.occurrence: one for one in life.store_reader().airings(start=first - timedelta(days=10))}
        for one in plan(life.content, log, first, last):
            if one.state is State.EXCEPTED or one.id in log:
                continue
            if self._lost_since((one.at - EPOCH) // timedelta(microseconds=1)):
                self.excused["rows that an unwritable disk lost with a crash"] += 1
            else:
                self.violate("no outcome", f"{one.id} {one.kind} {one.state} at {one.at:%m-%d %H:%M:%S}")
        self.checked = end


def _of_day(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second
