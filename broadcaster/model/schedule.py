"""When a script is broadcast, where, and how often at least."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import IntEnum

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class BulletinClass(IntEnum):
    """Emergency comes first, then priority, then normal."""

    EMERGENCY = 0
    PRIORITY = 1
    NORMAL = 2

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Days:
    """Dates from `first` to `last`, both included; None is open."""

    first: date | None = None
    last: date | None = None

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True)
class Quota:
    """At least so many airings a week on every cluster; what was lost is made good."""

    airings: int


@dataclass(frozen=True)
class Rule:
    """Times of day on the days that pass every filter; a filter that is None lets all pass."""

    times: Sequence[time]
    within: Days = Days()
    months: frozenset[int] | None = None
    weekdays: frozenset[int] | None = None  # Monday is 0
    days: frozenset[int] | None = None  # of the month
    at_least: Quota | None = None

    def holds_on(self, day: date) -> bool:
        return (
            day in self.within
            and (self.months is None or day.month in self.months)
            and (self.weekdays is None or day.weekday() in self.weekdays)
            and (self.days is None or day.day in self.days)
        )


@dataclass(frozen=True)
class Exclusion:
    """Days on which a schedule is silent."""

    within: Days
    reason: str


@dataclass(frozen=True)
class Move:
    """One occurrence at another time, this once. Both are local wall times."""

    occurrence: datetime
    to: datetime


@dataclass(frozen=True)
class Schedule:
    id: str
    title: str
    scripts: Sequence[str]  # more than one rotate, occurrence by occurrence
    areas: Sequence[str]
    bulletin_class: BulletinClass = BulletinClass.NORMAL
    rules: Sequence[Rule] = ()
    campaigns: Sequence[Rule] = ()  # replace the rules on their days
    exclusions: Sequence[Exclusion] = ()
    moves: Sequence[Move] = ()
    enabled: bool = True

    def rules_on(self, day: date) -> Sequence[Rule]:
        """The rules that give *day* its times: its campaigns if it lies in any, else the plain rules."""
        return [rule for rule in self.campaigns if day in rule.within] or self.rules

    def quotas_on(self, day: date) -> Sequence[Rule]:
        """The rules with a quota that give *day* its times."""
        return [rule for rule in self.rules_on(day) if rule.at_least is not None and rule.holds_on(day)]

    def times_on(self, day: date) -> Iterator[tuple[time, Rule]]:
        """Each time of *day* once, earliest first, with the first rule that asks for it."""
        asked: dict[time, Rule] = {}
        for rule in self.rules_on(day):
            if rule.holds_on(day):
                for at in rule.times:
                    asked.setdefault(at, rule)
        yield from sorted(asked.items(), key=lambda pair: pair[0])

    def exclusion_on(self, day: date) -> Exclusion | None:
        return next((one for one in self.exclusions if day in one.within), None)
