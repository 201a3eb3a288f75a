"""What officers of a simulated station write, and how they change it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import time
from random import Random

from broadcaster.model.content import Content
from broadcaster.model.schedule import BulletinClass, Quota, Relay, Rule, Schedule
from broadcaster.model.station import Amplifier
from tests import factories as make

WARM_UP = 4.0  # seconds of the amplifier

HOURS = (
    (("05:00", "06:30"), ("16:30", "18:30")),
    (("05:00", "07:00"), ("11:00", "12:00"), ("16:00", "19:00")),
    (("04:45", "06:00"), ("17:00", "18:00")),
)


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

    def moment(self) -> time:
        """A moment of the day within the hours."""
        span = self.random.choice(list(self.hours.allowed))
        start, end = (one.hour * 60 + one.minute for one in (span.start, span.end))
        minute = self.random.randrange(start, end - 4, 5)
        return make.at("2026-11-02", f"{minute // 60:02}:{minute % 60:02}").time()

    def _first(self) -> Iterator[Schedule]:
        random, scripts = self.random, [one.id for one in self.scripts]
        first, second = self.moment(), self.moment()
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
                times=(self.moment(),),
                weekdays=frozenset(random.sample(range(7), 3)),
                at_least=Quota(random.choice([2, 3])),
            ),
            scripts=[scripts[2]],
        )
        yield make.make_schedule(
            "ngay",
            Rule(times=(self.moment(),), weekdays=frozenset({0, 2, 5})),
            scripts=[scripts[3]],
            bulletin_class=BulletinClass.PRIORITY,
        )
        if random.random() < 0.7:
            yield make.make_schedule(
                "tiep-am",
                Rule(times=(self.moment(),), weekdays=frozenset({6})),
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
            rules = [replace(rule, times=(self.moment(),)) for rule in one.rules]
            self.schedules[one.id] = replace(one, rules=rules)
        elif what == "enabled":
            self.schedules[one.id] = replace(one, enabled=not one.enabled)
        else:
            script = self.random.choice(self.scripts).id
            self.revoked ^= {script}
        return what
