"""When a script is broadcast, where, and how often at least."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import IntEnum
from functools import cached_property
from typing import Protocol

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

    def meets(self, first: date, last: date) -> bool:
        return (self.first is None or self.first <= last) and (self.last is None or first <= self.last)

    def __contains__(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class DaySet(Protocol):
    """Days, or a holiday by its name."""

    def __contains__(self, day: date, /) -> bool: ...

    def meets(self, first: date, last: date) -> bool:
        """Is any day from *first* to *last* among them?"""


@dataclass(frozen=True)
class Season:
    """A stretch of one year that belongs to a group in a place: the lychee harvest, lean months."""

    name: str
    title: str
    group: str  # "everyone" for all groups
    areas: Sequence[str]
    within: Days


@dataclass(frozen=True)
class Quota:
    """At least so many airings a week on every cluster; what was lost is made good."""

    airings: int


class Recurrence(Protocol):
    """Times by a rule of RFC 5545, in the station's time zone; equal ones give equal times."""

    def times_on(self, day: date) -> Sequence[time]:
        """Each once, earliest first."""


@dataclass(frozen=True)
class Rule:
    """Times of day on the days that pass every filter; a filter that is None or empty lets all pass."""

    times: Sequence[time] = ()
    within: Days = Days()
    months: frozenset[int] | None = None
    weekdays: frozenset[int] | None = None  # Monday is 0
    days: frozenset[int] | None = None  # of the month
    season: Sequence[str] = ()  # in one of these only
    not_in_season: Sequence[str] = ()  # in none of these: what falls into one is silent, and says so
    recurrence: Recurrence | None = None  # gives the times itself
    at_least: Quota | None = None
    title: str = ""  # of a campaign

    def holds_on(self, day: date, in_season: Container[str] = ()) -> bool:
        """*in_season* are the names of the seasons that run on *day* for the group in the place."""
        return (
            (self.weekdays is None or day.weekday() in self.weekdays)
            and (self.days is None or day.day in self.days)
            and self.lasts_on(day, in_season)
        )

    def lasts_on(self, day: date, in_season: Container[str]) -> bool:
        """Is *day* in the stretch of the year in which it holds? What was lost in it is made good in it."""
        return (
            day in self.within
            and (self.months is None or day.month in self.months)
            and (not self.season or any(name in in_season for name in self.season))
        )

    def times_on(self, day: date) -> Sequence[time]:
        """What it asks for on a day on which it holds."""
        return self.times if self.recurrence is None else self.recurrence.times_on(day)

    def avoids(self, in_season: Container[str]) -> str | None:
        """The season for which it is silent."""
        return next((name for name in self.not_in_season if name in in_season), None)


@dataclass(frozen=True)
class Exclusion:
    """Days on which a schedule is silent."""

    within: DaySet
    reason: str


@dataclass(frozen=True)
class Move:
    """One occurrence at another time, this once. Both are local wall times."""

    occurrence: datetime
    to: datetime


@dataclass(frozen=True)
class Relay:
    """What is passed on from somewhere else (tiếp âm), for how long."""

    url: str  # http(s)://…, or line:default, line:NAME for an input of the sound card
    seconds: int


@dataclass(frozen=True)
class Schedule:
    id: str
    title: str
    scripts: Sequence[str]  # more than one rotate, occurrence by occurrence; a relay needs none
    areas: Sequence[str]
    bulletin_class: BulletinClass = BulletinClass.NORMAL
    rules: Sequence[Rule] = ()
    campaigns: Sequence[Rule] = ()  # replace the rules on their days
    exclusions: Sequence[Exclusion] = ()
    moves: Sequence[Move] = ()
    extras: Sequence[datetime] = ()  # single ones, beside the rules; local wall times
    enabled: bool = True
    relay: Relay | None = None  # what sounds; the scripts then only replace it when it fails

    def rules_on(self, day: date) -> Sequence[Rule]:
        """The rules that give *day* its times: its campaigns if it lies in any, else the plain rules."""
        return [rule for rule in self.campaigns if day in rule.within] or self.rules

    def rules_in(self, week: Sequence[date], in_season: Callable[[date], Container[str]]) -> list[Rule]:
        """The rules that give a *week* its times, once for each day; *in_season* names a day's seasons."""
        return [rule for day in week for rule in self.rules_on(day) if rule.holds_on(day, in_season(day))]

    def quota_in(self, week: Sequence[date], in_season: Callable[[date], Container[str]]) -> int | None:
        """How many airings it asks for at least in a *week*; None if it names no quota."""
        rules = self.rules_in(week, in_season)
        return max((rule.at_least.airings for rule in rules if rule.at_least), default=None)

    def campaign_on(self, day: date) -> str:
        """The title of the first campaign in which *day* lies; "" if there is none."""
        return next((rule.title or self.title for rule in self.campaigns if day in rule.within), "")

    def times_on(self, day: date, in_season: Container[str] = ()) -> list[tuple[time, str | None]]:
        """
        Each time of *day* once, earliest first, with the season for which it is silent, if one is.

        *in_season* are the names of the seasons that run on *day* for the group in the place.
        """
        asked: dict[time, str | None] = dict.fromkeys(self._extra_times.get(day, ()))
        for rule in self.rules_on(day):
            if rule.holds_on(day, in_season):
                avoided = rule.avoids(in_season)
                for at in rule.times_on(day):
                    asked[at] = avoided and asked.get(at, avoided)
        return sorted(asked.items())

    @cached_property
    def _extra_times(self) -> Mapping[date, list[time]]:
        found: dict[date, list[time]] = {}
        for at in self.extras:
            found.setdefault(at.date(), []).append(at.time())
        return found

    def exclusion_on(self, day: date) -> Exclusion | None:
        return next((one for one in self.exclusions if day in one.within), None)
