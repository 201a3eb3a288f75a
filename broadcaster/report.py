"""Cells -> report. Pure, and in whole numbers: nothing is rounded but where it is shown."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from broadcaster.model.airing import Outcome
from broadcaster.model.count import BREAKDOWNS, Cell, Week

TOTAL = "total"
PLACES = ("commune", "district", "province")  # what areas lie in


class Key(NamedTuple):
    """What is counted; ordered as forms list it."""

    within: str  # the commune to which an area, a station or a cluster belongs; else ""
    code: str
    name: str


@dataclass
class Counts:
    """Occurrences by outcome, the milliseconds that sounded, and what was lost why."""

    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    milliseconds: int = 0
    station_airings: int = 0
    reasons: dict[tuple[Outcome, str], int] = field(default_factory=dict)  # but of what aired

    def add(self, cell: Cell) -> None:
        self.outcomes[cell.outcome] += cell.airings
        self.milliseconds += cell.milliseconds
        self.station_airings += cell.station_airings
        if cell.outcome is not Outcome.AIRED:
            why = cell.outcome, cell.reason
            self.reasons[why] = self.reasons.get(why, 0) + cell.airings

    @property
    def planned(self) -> int:
        return sum(self.outcomes.values())

    @property
    def aired(self) -> int:
        return self.outcomes[Outcome.AIRED]

    @property
    def lost(self) -> int:
        return self.planned - self.aired

    @property
    def seconds(self) -> float:
        return self.milliseconds / 1000


@dataclass(frozen=True)
class Report:
    """
    Counts of one stretch of days.

    `totals` counts occurrences on clusters; its `station_airings` counts a broadcast once, however many
    clusters aired it: that stays comparable when communes, and with them clusters, are merged. A language
    is counted by what sounded of its own programme, so languages together exceed the totals.
    """

    totals: Counts
    by: Mapping[str, Mapping[Key, Counts]]


def report(cells: Iterable[Cell]) -> Report:
    """Add up *cells*."""
    totals = Counts()
    by: dict[str, dict[Key, Counts]] = {word: {} for word in (*BREAKDOWNS, *PLACES)}
    for one in cells:
        if one.by == TOTAL:
            totals.add(one)
        else:
            by[one.by].setdefault(Key(one.within, one.code, one.name), Counts()).add(one)
    return Report(totals, by)


def placed(cells: Iterable[Cell], places: Mapping[str, Callable[[str], tuple[str, str]]]) -> Iterator[Cell]:
    """*cells*, and those of areas once more by what they lie in: *places* gives code and name of that."""
    for one in cells:
        yield one
        if one.by == "area":
            for word, lies_in in places.items():
                code, name = lies_in(one.code)
                yield one._replace(by=word, within="", code=code, name=name)


def in_order(counts: Mapping[Key, Counts]) -> Sequence[tuple[Key, Counts]]:
    """By code, as forms list them."""
    return sorted(counts.items())


# The same stretch before


def before(first: date, last: date, months: int) -> tuple[date, date]:
    """
    The same stretch so many *months* earlier.

    Whole months stay whole months; whole weeks stay whole weeks, with as many weeks between.
    """
    whole = (last + timedelta(days=1)).day == 1
    in_months = first.day == 1 and whole  # February 2027 is a month, though it is four weeks too
    if first.weekday() == 0 and last.weekday() == 6 and (last - first).days < 28 and not in_months:
        weeks = timedelta(weeks=round(months * 52 / 12))
        return first - weeks, last - weeks
    end = _months_on(last.replace(day=1), 1 - months) - timedelta(days=1) if whole else _back(last, months)
    return _back(first, months), end


def _back(day: date, months: int) -> date:
    first = _months_on(day.replace(day=1), -months)
    longest = _months_on(first, 1) - timedelta(days=1)
    return first.replace(day=min(day.day, longest.day))


def _months_on(first: date, months: int) -> date:
    years, month = divmod(first.month - 1 + months, 12)
    return date(first.year + years, month + 1, 1)


# Quotas


@dataclass(frozen=True)
class Kept:
    """A week of a schedule on a cluster: what was asked for at least, and what aired."""

    week: Week
    asked: int
    over: bool  # the week is over

    @property
    def kept(self) -> bool | None:
        """None while nobody knows yet."""
        return self.week.aired >= self.asked if self.over else None


def quotas(weeks: Iterable[Week], at_least: Callable[[Week], int | None], today: date) -> Sequence[Kept]:
    """
    Hold what aired against what was asked for.

    *at_least* gives the quota of a week; where there is none, each time that the schedule named is asked
    for. On silent days nothing is: a week may have fewer times than its quota.
    """
    found = []
    for one in weeks:
        quota = at_least(one)
        asked = one.planned if quota is None else min(quota, one.planned)
        found.append(Kept(one, asked, over=one.monday + timedelta(days=6) < today))
    return found
