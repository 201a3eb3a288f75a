"""A station's life: what it broadcasts, what befalls it, and what must hold whatever befalls it."""

import json
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from broadcaster.edges.clock import EARLIEST, ClockState
from broadcaster.edges.store import Store, database
from broadcaster.model.airing import Outcome
from broadcaster.model.content import Content
from broadcaster.model.occurrence import Kind, Reason, State
from broadcaster.model.plan import plan
from broadcaster.model.schedule import BulletinClass, Quota, Relay, Rule, Schedule
from broadcaster.model.station import Amplifier
from tests import factories as make

from .kernel import EPOCH, SECOND, Kernel, StuckError, micros
from .world import Machine, Play, Segment

DAY = 24 * 3600 * SECOND
TOLERANCE = 2.0  # seconds
EDGE = 6.0  # seconds past the hours: 2, and 4 for the simulation, which looks less often where nothing happens
NOTICE = 3.0  # seconds in which a change of clock, power or hours must have been noticed
CALM_BEFORE, CALM_AFTER = 660.0, 90.0  # seconds around an occurrence without anything that could harm it
LATEST = timedelta(seconds=62)  # the grace, and the tolerance: a start after it is none
LATEST_START = 1.0  # seconds after its time that a broadcast begins where nothing is wrong

LONGEST_CALL = 90.0  # seconds: the tone until the words are there, and the words
WARM_UP = 4.0  # seconds of the amplifier

HOURS = (
    (("05:00", "06:30"), ("16:30", "18:30")),
    (("05:00", "07:00"), ("11:00", "12:00"), ("16:00", "19:00")),
    (("04:45", "06:00"), ("17:00", "18:00")),
)


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
    worded: bool = False  # its words are made
    lost: bool = False  # the program died before it could be written down


class Station:
    """What officers write, and how they change it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        names = ["nam-po", "na-pan", "trung-tam"][: random.choice([1, 1, 2, 3])]
        shared = random.random() < 0.3
        areas = {"nam-po": "03160/nam-po", "na-pan": "03160/na-pan", "trung-tam": "03160"}
        sides = {"nam-po": "card:both#left", "na-pan": "card:both#right"}
        self.clusters = [
            make.make_cluster(
                name,
                area=areas[name],
                sink=sides.get(name, f"card:{name}") if shared else f"card:{name}",
                languages=("vi", "hmn-Latn-VN") if random.random() < 0.2 else ("vi",),
            )
            for name in names
        ]
        self.hours = make.make_hours(
            *(make.span(*one) for one in random.choice(HOURS)), sessions_per_day=random.choice([2, 4, 5, 6])
        )
        lengths = [20, 30, 40, 60, 60, 90, 120, 240, 600]
        self.scripts = [make.make_script(f"tin-{one}", seconds=random.choice(lengths)) for one in range(5)]
        self.revoked: set[str] = set()
        self.schedules = {one.id: one for one in self._first()}
        self.closing = random.choice([None, "ket.flac"])
        self.amplifier = random.choice([None, Amplifier("on", "off", WARM_UP)])

    def time(self) -> Any:
        """A moment of the day within the hours."""
        span = self.random.choice(list(self.hours.allowed))
        start, end = (one.hour * 60 + one.minute for one in (span.start, span.end))
        minute = self.random.randrange(start, end - 4, 5)
        return make.at("2026-11-02", f"{minute // 60:02}:{minute % 60:02}").time()

    def _first(self) -> Iterator[Schedule]:
        random, scripts = self.random, [one.id for one in self.scripts]
        first, second = self.time(), self.time()
        yield make.make_schedule(
            "cao-diem",
            Rule(times=(first, second), months=frozenset({5, 11})),
            Rule(
                times=(second,),
                months=frozenset({1, 2, 3, 4, 6, 7, 8, 9, 10, 12}),
                weekdays=frozenset({1, 4}),
                at_least=Quota(2),
            ),
            scripts=scripts[:2],
        )
        yield make.make_schedule(
            "tuan",
            Rule(
                times=(self.time(),),
                weekdays=frozenset(random.sample(range(7), 3)),
                at_least=Quota(random.choice([2, 3])),
            ),
            scripts=[scripts[2]],
        )
        yield make.make_schedule(
            "ngay",
            Rule(times=(self.time(),), weekdays=frozenset({0, 2, 5})),
            scripts=[scripts[3]],
            bulletin_class=BulletinClass.PRIORITY,
        )
        if random.random() < 0.7:
            yield make.make_schedule(
                "tiep-am",
                Rule(times=(self.time(),), weekdays=frozenset({6})),
                scripts=[scripts[4]] if random.random() < 0.5 else [],
                relay=Relay("http://dai-tinh.example/vov1", random.choice([300, 900])),
            )
        if random.random() < 0.2:
            yield make.make_schedule(
                "bao-dong",
                Rule(times=(make.at("2026-11-02", "12:30").time(),), days=frozenset({1})),
                scripts=[scripts[0]],
                bulletin_class=BulletinClass.EMERGENCY,
            )

    def content(self) -> Content:
        content = make.make_content(
            *self.schedules.values(), scripts=self.scripts, clusters=self.clusters, hours=self.hours
        )
        approvals = {name: one for name, one in content.approvals.items() if name not in self.revoked}
        station = replace(content.station, closing=self.closing, amplifier=self.amplifier)
        return replace(content, approvals=approvals, station=station)

    def edit(self) -> str:
        """Change something, as officers do; tell what."""
        one = self.random.choice(list(self.schedules.values()))
        what = self.random.choice(["times", "times", "enabled", "approval"])
        if what == "times":
            rules = [replace(rule, times=(self.time(),)) for rule in one.rules]
            self.schedules[one.id] = replace(one, rules=rules)
        elif what == "enabled":
            self.schedules[one.id] = replace(one, enabled=not one.enabled)
        else:
            script = self.random.choice(self.scripts).id
            self.revoked ^= {script}
        return what


@dataclass(frozen=True)
class Result:
    """What came of a life."""

    injected: Counter[str]
    outcomes: Counter[str]
    excused: Counter[str]
    violations: list[str]


class Life:
    """One station from its first day on."""

    def __init__(
        self,
        seed: str,
        days: float,
        faults: Mapping[str, float] | None = None,
        *,
        trace: bool = False,
        most: int = 20,
    ) -> None:
        """*faults*: what befalls it, and how often a month. It ends with the day on which violations are *most*."""
        self.seed, self.days, self.trace, self.most = seed, days, trace, most
        self.story: list[str] = []
        self.store: Any = None
        self._reader: Store | None = None
        self.random = Random(f"life {seed}")
        self.kernel = kernel = Kernel(Random(f"kernel {seed}"))
        self.station = Station(Random(f"station {seed}"))
        self.content = self.station.content()
        self.edition = 1
        self.broken = False  # the content cannot be read at all
        self.folder = Path(tempfile.mkdtemp(prefix="simulated-", dir="/dev/shm"))
        self.machine = Machine(kernel, self.folder)
        for one in self.station.clusters:
            self.machine.sink(one.id, one.sink)
        self.judge = Judge(self)
        self.injected: Counter[str] = Counter()
        self.running = False
        self.off_until: int | None = None
        self.boots = 0
        self.has_rtc = self.random.random() < 0.7
        self.daemon: Any = None
        self.fates = FATES if faults is None else faults
        kernel.on_death = self._died
        self.orders = 0
        self.streams = True  # relays flow

    # Through its days

    def run(self) -> "Life":
        from .running import simulated

        kernel, machine = self.kernel, self.machine
        with ExitStack() as stack:
            stack.enter_context(simulated(self))
            stack.enter_context(self._closing())
            kernel.true = self.judge.checked
            machine.on_segment, machine.on_begin, machine.on_end = (
                self.judge.segment,
                self.judge.begins,
                self.judge.ended,
            )
            self.boot()
            for name, per_month in self.fates.items():
                self._next(name, per_month)
            day = 0
            try:
                while day < self.days and len(self.judge.violations) < self.most:
                    day += 1
                    kernel.run(round(day * DAY))
                    self.judge.look()
            except StuckError as error:
                self.judge.violate("stuck", str(error))
        return self

    @property
    def result(self) -> Result:
        judge = self.judge
        return Result(self.injected, judge.outcomes, judge.excused, judge.violations)

    @contextmanager
    def _closing(self) -> Iterator[None]:
        try:
            yield
        finally:
            self.kernel.kill()
            self.kernel.on_death = lambda: None
            try:
                if self.kernel.alive:
                    self.kernel._bury()
            finally:
                self.judge.close()
                if self._reader is not None:
                    self._reader.close()
                for path in self.folder.iterdir():
                    path.unlink()
                self.folder.rmdir()

    def tell(self, what: str) -> None:
        """For whoever follows one life: what happens, with the true time."""
        if self.trace:
            self.story.append(f"{self.kernel.now.astimezone(make.ZONE):%Y-%m-%d %H:%M:%S.%f} {what}")

    def store_reader(self) -> Store:
        if self._reader is None:
            self._reader = Store(database(self.folder), read_only=True)
        return self._reader

    def boot(self) -> None:
        """Start the program."""
        from .running import start

        self.boots += 1
        self.running = True
        self.kernel.poke()
        self.judge.over("off")
        self.judge.happened("boot", 1.0)
        self.judge.trust()
        start(self)

    def _died(self) -> None:
        """The program ended, by whatever; it is started again, after the power is back."""
        self.running, self.daemon = False, None
        self.tell("it is dead")
        if self.store is not None:
            self.store.close()
            self.store = None
        self.judge.died()
        self.judge.amplified(on=False)
        if self.off_until is None:
            self.kernel.at(self.kernel.true + micros(2.0), self._again)

    def _again(self) -> None:
        if not self.running and self.off_until is None:
            self.boot()

    # What befalls it

    def _next(self, name: str, per_month: float) -> None:
        random, kernel = self.random, self.kernel
        when = kernel.true + round(random.expovariate(per_month / 30.0) * DAY)
        if random.random() < 0.7:  # most of what befalls it does so around a broadcast
            when = self._near_broadcast(when)

        def happen() -> None:
            self.machine.flush_all()
            kernel.poke()
            self.injected[name] += 1
            self.tell(f"*** {name}")
            getattr(self, f"_{name}")()
            self._next(name, per_month)

        kernel.at(max(when, kernel.true + micros(60)), happen)

    def _near_broadcast(self, when: int) -> int:
        random = self.random
        schedule = random.choice(list(self.station.schedules.values()))
        at = random.choice([one for rule in schedule.rules for one in rule.times])
        local = at.hour * 3600 + at.minute * 60 - 7 * 3600
        around = random.choice([(0, 40), (-30, 120), (-300, 600)])
        return when // DAY * DAY + micros(local % 86400 + random.uniform(*around))

    def _seconds(self, low: float, high: float) -> float:
        """Between 10**low and 10**high seconds."""
        return float(10 ** self.random.uniform(low, high))

    def _kill(self) -> None:
        if not self.running:
            return
        if self.random.random() < 0.7:
            self.kernel.die_in = self.random.randrange(1, 60)
        else:
            self.kernel.kill()

    def _power(self) -> None:
        kernel, random = self.kernel, self.random
        if self.off_until is not None:
            return  # it is off already
        seconds = self._seconds(*random.choice([(0.8, 2.5), (1.8, 4.0), (4.0, 6.2)]))
        self.judge.power_off()
        self.off_until = kernel.true + micros(seconds)
        if self.running:
            kernel.kill()
        boots = self.boots
        down = kernel.true

        def back() -> None:
            self.off_until = None
            self._clock_after_power(down, boots)
            self._again()

        kernel.at(self.off_until, back)

    def _clock_after_power(self, down: int, boots: int) -> None:
        kernel, random = self.kernel, self.random
        boot = f"boot-{boots}-{kernel.true}"
        if random.random() < 0.05:
            self.has_rtc = not self.has_rtc  # its battery is empty, or was changed
        if self.has_rtc:
            kernel.offset += micros(random.uniform(-0.5, 0.5))
            quick = random.random() < 0.7
            kernel.state = ClockState(synchronised=False, rtc=True, boot=boot)
            self._sets_clock(random.uniform(1, 30) if quick else self._seconds(2, 5.5), 0)
        else:
            start = random.choice(
                [datetime(1970, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC), None]
            )
            if start is None:  # the system keeps the time of its last shutdown
                kernel.offset -= kernel.true - down
            else:
                kernel.offset = (start - EPOCH) // timedelta(microseconds=1) - kernel.true
            kernel.state = ClockState(synchronised=False, rtc=False, boot=boot)
            self._sets_clock(self._seconds(0.7, 5.6), 0)
        self._clock_changed()

    def _clock_changed(self) -> None:
        self.kernel.poke()
        self.judge.clock_changed()

    def _sets_clock(self, after: float, offset: int, *, then: str = "ntp") -> None:
        """A time server sets the clock, unless the machine was off meanwhile."""
        kernel, boot = self.kernel, self.kernel.state.boot

        def setting() -> None:
            if kernel.state.boot == boot:
                self.machine.flush_all()
                kernel.offset = offset
                kernel.state = replace(kernel.state, synchronised=True)
                self._clock_changed()

        kernel.at(kernel.true + micros(after), setting)

    def _step(self) -> None:
        """Somebody sets the clock wrong, or a time server does; later it is right again."""
        kernel, random = self.kernel, self.random
        kernel.offset += random.choice([-1, 1]) * micros(self._seconds(0.0, random.choice([4.0, 7.6])))
        kernel.state = replace(kernel.state, synchronised=random.random() < 0.2)
        self._clock_changed()
        self._sets_clock(self._seconds(0.5, 5.0), 0)

    def _leap(self) -> None:
        self.kernel.offset += random_sign(self.random) * SECOND
        self._clock_changed()
        self._sets_clock(self._seconds(1.0, 4.0), 0)

    def _suspend(self) -> None:
        seconds = self._seconds(0.5, self.random.choice([3.0, 5.0]))
        for play in self.machine.sounding.values():
            self.machine.flush(play, sounds=False)
        sounded = [play for play in self.machine.sounding.values() if play.segments]
        self.judge.happened("suspend", seconds)
        self.kernel.suspend(seconds)
        for play in sounded:
            play.since = self.kernel.true
        self.kernel.poke()
        self.judge.clock_changed(slept=True)

    def _unsynchronised(self) -> None:
        """The time server is gone for long; the clock goes on, right."""
        kernel = self.kernel
        kernel.state = replace(kernel.state, synchronised=False, rtc=self.has_rtc)
        self._clock_changed()
        self._sets_clock(self._seconds(1.0, 5.5), kernel.offset)

    def _vouch(self) -> None:
        """Somebody looks at the clock, sets it, and says that it is right."""
        kernel = self.kernel
        if not self.running or kernel.state.synchronised:
            return
        kernel.offset = micros(self.random.uniform(-1, 1))
        self._clock_changed()
        self._command("clock", {})
        self.judge.vouched = kernel.state.boot
        self.judge.trust()

    def _card(self) -> None:
        random = self.random
        name = random.choice(sorted(self.machine.cards))
        card = self.machine.cards[name]
        if card.state != "ok":
            return
        clusters = [one.id for one in self.station.clusters if one.sink.partition("#")[0] == name]
        for one in clusters:
            self.judge.begun("card", one)
        card.become(random.choice(["absent", "dead", "frozen"]))

        def back() -> None:
            self.machine.flush_all()
            card.become("ok")
            for one in clusters:
                self.judge.over("card", one)

        self.kernel.at(self.kernel.true + micros(self._seconds(-0.5, random.choice([1.5, 2.5, 5.0]))), back)

    def _disk(self) -> None:
        machine = self.machine
        if machine.disk != "ok":
            return
        machine.disk = self.random.choice(["full", "read-only", "gone"])
        self.judge.begun("disk")

        def back() -> None:
            machine.disk = "ok"
            self.judge.over("disk")

        self.kernel.at(self.kernel.true + micros(self._seconds(0.5, self.random.choice([2.5, 5.0]))), back)

    def _missing(self) -> None:
        """A programme is not there, or its file is spoilt."""
        random, machine = self.random, self.machine
        script = random.choice(self.station.scripts).id
        self.judge.begun("missing")
        if random.random() < 0.5:
            machine.assembly.missing.add(script)
        else:
            machine.files.spoilt |= {one for one in machine.files.lengths if one.name.startswith(script)}

        def back() -> None:
            machine.assembly.missing.discard(script)
            machine.files.spoilt.clear()
            self.judge.over("missing")

        self.kernel.at(self.kernel.true + micros(self._seconds(1.0, 5.0)), back)

    def _edit(self) -> None:
        self.judge.edited()
        self.station.edit()
        self.content = self.station.content()
        self.edition += 1
        self.judge.happened("edit", 1.0)

    def _unreadable(self) -> None:
        """A file is saved with a fault in it, and mended."""
        self.broken = True
        self.edition += 1

        def mended() -> None:
            self.broken = False
            self.edition += 1

        self.kernel.at(self.kernel.true + micros(self._seconds(0.5, 4.5)), mended)

    def _alert(self) -> None:
        if not self.running:
            return
        random = self.random
        some = random.sample(self.station.clusters, random.randint(1, len(self.station.clusters)))
        self.orders += 1
        one = Ordered(
            id=f"bao-{self.orders}",
            at=self.kernel.true,
            clusters=tuple(each.id for each in some),
            seconds=round(self._seconds(1.5, 4.0)),
            every=random.choice([30.0, 60.0, 300.0]),
            suspended=self.kernel.suspended,
        )
        self.judge.ordered(one)
        self._command(
            "alert",
            {
                "id": one.id,
                "title": one.id,
                "clusters": list(one.clusters),
                "every": one.every,
                "left": one.seconds,
            },
        )
        made = self.kernel.true + micros(random.choice([0.2, 2.0, 8.0, 30.0]))
        self.kernel.at(made, lambda: self._words(one))
        if random.random() < 0.5:
            self.kernel.at(
                self.kernel.true + micros(random.uniform(1, one.seconds)), lambda: self._all_clear(one)
            )

    def _words(self, one: Ordered) -> None:
        from .running import words

        if self.running:
            words(self, one.id, one.clusters)
            one.worded = True

    def _all_clear(self, one: Ordered) -> None:
        if self.running:
            self.machine.flush_all()
            self.kernel.poke()
            one.cleared = self.kernel.true
            self._command("clear", {"id": one.id})

    def _stop(self) -> None:
        if self.running:
            self.judge.happened("stop", 1.0)
            self._command("stop", {})
            self.judge.stopped()

    def _play(self) -> None:
        if not self.running:
            return
        script = self.random.choice(self.station.scripts).id
        clusters = [one.id for one in self.station.clusters]
        self.judge.happened("play", 700.0)
        self._command("play", {"script": script, "clusters": clusters})

    def _shutdown(self) -> None:
        """Told to end, and started again."""
        if self.running and self.daemon is not None:
            self.daemon.stopping.set()

    def _stream(self) -> None:
        self.streams = False
        self.judge.begun("stream")

        def back() -> None:
            self.streams = True
            self.judge.over("stream")

        self.kernel.at(self.kernel.true + micros(self._seconds(0.5, 3.0)), back)

    def _command(self, verb: str, values: Mapping[str, Any]) -> None:
        from .running import command

        command(self, verb, values)


FATES = {  # a month
    "kill": 4.0,
    "power": 3.0,
    "step": 2.0,
    "leap": 1.0,
    "suspend": 1.0,
    "unsynchronised": 1.0,
    "vouch": 1.0,
    "card": 4.0,
    "disk": 3.0,
    "missing": 2.0,
    "edit": 2.0,
    "unreadable": 1.0,
    "alert": 2.0,
    "stop": 2.0,
    "play": 2.0,
    "shutdown": 2.0,
    "stream": 1.0,
}


def random_sign(random: Random) -> int:
    return random.choice([-1, 1])


class Judge:
    """Holds what happened against what must hold."""

    def __init__(self, life: Life) -> None:
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
        self.looked = 0
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
        """Was there one of these *kinds* (else of any) between *start* and *end* on *cluster* (else anywhere)?"""
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
            if any(play.start - other.end < 180 * SECOND for other in self.unsettled.get(play.occurrence, ())):
                first, last = last, last
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
        sounding = [one for one in self.life.machine.sounding.values() if not one.occurrence.startswith("alert-")]

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
            if not one.worded or self.met(lately, self.kernel.true, None, DISK_AND_TIME):
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
        last = order.at + micros(order.seconds) + asleep + off
        # A call that began before goes on to its end: half a sentence helps nobody.
        if play.start > last + micros(TOLERANCE) or segment.end > last + micros(LONGEST_CALL):
            self.violate("alert too long", f"{play.occurrence} sounds {(segment.end - last) / SECOND:.0f} s on")
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
        before, self.looked = self.looked, self.kernel.true
        self.wrong_since_look = self.met(before, self.looked, None, {"wrong clock"})
        rows = self.connection().execute(
            "select * from events where event = 'end' and seq > ? order by seq", [self.seen]
        ).fetchall()
        for row in rows:
            self.seen = row["seq"]
            self._row(row)
        self._unlogged()
        self._all_there()
        now = self.kernel.true
        quiet = now - micros(600)
        if self.amplifier_since is not None and self.amplifier_since < quiet and not self.met(quiet, now):
            if not any(one.end > quiet for one in self.life.machine.plays) and not self.life.machine.sounding:
                self.violate("amplifier", "it is on, and nothing sounds")
        before = self.kernel.true - 3 * DAY
        self.disturbances = [one for one in self.disturbances if one.end > before]
        plays = self.life.machine.plays
        plays[:] = [one for one in plays if one.end > before]

    def _row(self, row: sqlite3.Row) -> None:
        self.outcomes[f"{row['outcome']} {row['reason']}".strip()] += 1
        name = row["occurrence"]
        plays = self.unsettled.pop(name, [])
        self._logged_seconds(row, plays)
        planned = (datetime.fromisoformat(row["planned"]) - EPOCH) // timedelta(microseconds=1)
        if row["kind"] in (Kind.ALERT, Kind.ON_DEMAND):
            return
        if plays and row["reason"] != Reason.POWER and row["started"]:
            late = datetime.fromisoformat(row["started"]) - datetime.fromisoformat(row["planned"])
            held = self.met(planned - micros(5.0), planned + SECOND, None, {"clock", "suspend"})
            if late > LATEST and held:
                self.excused["late: it slept, or its clock was set, in the seconds before the start"] += 1
            elif late > LATEST and not self._waited(plays[0]):
                self.violate("after the grace", f"{name} began {late} after its time")
        length = sum(one["length"] for one in json.loads(row["languages"])) or 900.0
        start, end = planned - micros(CALM_BEFORE), planned + micros(length + CALM_AFTER)
        harmful = HARMFUL | {"stream"} if row["schedule"] == "tiep-am" else HARMFUL
        if self.met(start, end, row["cluster"], harmful):
            return
        if row["outcome"] in (Outcome.AIRED,):
            late = (plays[0].start - planned) / SECOND if plays else 0.0
            if late > LATEST_START and not self._waited(plays[0]):
                self.violate("late", f"{name} began {late:.1f} s after its time; nothing was wrong")
        elif self.wrong_since_look and row["reason"] in ("late", "clock", "off"):
            self.excused["lost to a clock that was believed and wrong"] += 1
        elif self._rows_lost(plays):
            self.excused["rows that an unwritable disk lost with a crash"] += 1
        elif row["outcome"] not in (Outcome.DISPLACED, Outcome.WITHHELD):
            self.violate(
                "lost", f"{name} {row['outcome']} {row['reason']} {row['seconds']:.0f} s; nothing was wrong"
            )

    def _waited(self, play: Play) -> bool:
        """Did something else sound on its cluster until it began?"""
        return any(
            other.cluster == play.cluster and 0 <= play.start - other.end < 10 * SECOND
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
        if not plays:
            return False
        first = plays[0].asked - micros(300)
        return any(
            disk.kind == "disk"
            and disk.end > first
            and any(off.kind == "off" and disk.start < off.start + micros(60) and off.start < disk.end + micros(60)
                    and off.start > first for off in self.disturbances)
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
                else:
                    self.violate("sound without a row", f"{name} at {plays[0].start}")

    # The plan

    def edited(self) -> None:
        """Before the content changes: what it asked for up to now must be in the log."""
        self._all_there()
        off = self.present.get(("off", None))
        self.edition_from = self.checked = off.start if off else self.kernel.true

    def _all_there(self) -> None:
        """Each occurrence whose time is over has its row."""
        kernel, life = self.kernel, self.life
        unsettled = self.met(kernel.true - micros(900), kernel.true, None, HARMFUL - {"card", "missing"} | {"disk"})
        if not life.running or unsettled or abs(kernel.offset) > SECOND:
            return
        margin = micros(3600)
        start, end = max(self.checked, self.edition_from + margin), kernel.true - margin
        if end <= start:
            return
        first, last = (EPOCH + timedelta(microseconds=one) for one in (start, end))
        log = {one.occurrence: one for one in self._airings(first - timedelta(days=10))}
        for one in plan(life.content, log, first, last):
            if one.state is State.EXCEPTED or one.id in log:
                continue
            if self._rows_lost(self.unsettled.get(one.id) or self.lost.get(one.id, [])):
                self.excused["rows that an unwritable disk lost with a crash"] += 1
            else:
                self.violate("no outcome", f"{one.id} {one.kind} {one.state} at {one.at:%m-%d %H:%M:%S}")
        self.checked = end

    def _airings(self, start: datetime) -> Any:
        return self.life.store_reader().airings(start=start)



def _of_day(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


# Kinds of disturbances: what keeps a broadcast from sounding as planned (a bad disk does not), and an emergency;
# what can make an order be forgotten, or end early, with a restart
HARMFUL = frozenset(
    {"off", "power", "boot", "clock", "wrong clock", "distrust", "suspend", "card", "missing", "edit", "alert"}
    | {"stop", "play"}
)
SILENCING = frozenset({"off", "power", "boot", "card"})
DISK_AND_TIME = frozenset({"disk", "clock", "wrong clock", "distrust", "suspend"})
