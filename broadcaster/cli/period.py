"""Stretches of days as people name them: 20/11/2026, 2026-W47, 2026-11, 2026-Q4, 2026-H2, 2026; today."""

import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar
from zoneinfo import ZoneInfo

from broadcaster.model import typed
from broadcaster.model.errors import BroadcasterError, Fault, say

from . import output
from .language import _

What = TypeVar("What", bound=Hashable)

PERIOD = re.compile(r"([12]\d{3})(?:-(?:[Qq]([1-4])|[Hh]([12])|(0[1-9]|1[0-2])))?")
TURNED = re.compile(r"(0?[1-9]|1[0-2]|[Qq][1-4]|[Hh][12])/([12]\d{3})")
YEARS = range(1000, 3000)
WEEK = re.compile(r"([12]\d{3})-?[Ww](0[1-9]|[1-4]\d|5[0-3])")
WORDS = {  # days from today; as typed without marks and spaces
    **dict.fromkeys(("yesterday", "homqua", "qua"), -1),
    **dict.fromkeys(("today", "homnay", "nay"), 0),
    **dict.fromkeys(("tomorrow", "ngaymai", "mai"), 1),
}


class Unit(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


def days_from_today(word: str) -> int | None:
    """What `today`, `ngày mai` and the like stand for, with or without their marks."""
    return WORDS.get(re.sub(r"[\W_]", "", typed.plain(word)))


def parse(period: str, today: date | None = None) -> tuple[date, date]:
    """The first and the last day of *period*; words such as `tomorrow` where *today* is given."""
    if today is not None and (offset := days_from_today(period)) is not None:
        return (day := today + timedelta(days=offset)), day
    if turned := TURNED.fullmatch(period):  # as it is spoken: 11/2026, Q4/2026
        period = f"{turned[2]}-{turned[1].zfill(2)}"
    found, week = PERIOD.fullmatch(period), WEEK.fullmatch(period)
    try:
        if week is not None:
            return whole(date.fromisocalendar(int(week[1]), int(week[2]), 1), Unit.WEEK)
        if found is None:
            if (one := typed.a_date(period)).year not in YEARS:
                raise ValueError(period)
            return one, one
        year, quarter, half, month = (int(part) if part else 0 for part in found.groups())
        for length, number in ((3, quarter), (6, half)):
            if number:
                start = date(year, length * (number - 1) + 1, 1)
                return start, whole(date(year, length * number, 1), Unit.MONTH)[1]
        return whole(date(year, month or 1, 1), Unit.MONTH if month else Unit.YEAR)
    except ValueError:
        raise BroadcasterError(
            Fault(
                period,
                say("This is no day, week, month, quarter, half-year or year."),
                say("Write 20/11/2026, 2026-W47, 2026-11, 2026-Q4, 2026-H2 or 2026."),
            )
        ) from None


def whole(day: date, unit: Unit) -> tuple[date, date]:
    """The first and the last day of the day, week (Monday to Sunday), month or year that holds *day*."""
    match unit:
        case Unit.DAY:
            return day, day
        case Unit.WEEK:
            monday = day - timedelta(days=day.weekday())
            return monday, monday + timedelta(days=6)
        case Unit.MONTH:
            first = day.replace(day=1)
            return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        case Unit.YEAR:
            return date(day.year, 1, 1), date(day.year, 12, 31)


def between(
    period: str | None,
    first: str | None,
    last: str | None,
    default: tuple[date, date],
    today: date | None = None,
) -> tuple[date, date]:
    """The days that a command was given, as PERIOD or as --from and --until (both included)."""
    if period is not None:
        if first or last:
            raise BroadcasterError(
                Fault(
                    period,
                    say("A period, and --from or --until beside it."),
                    say("Give either the one or the others."),
                )
            )
        return parse(period, today)
    end = parse(last, today)[1] if last else None
    start = parse(first, today)[0] if first else min(default[0], end or default[0])
    end = end or max(default[1], start)
    if end < start:
        raise BroadcasterError(
            Fault(
                f"{start} – {end}",
                say("It ends ({last}) before it begins ({first}).", first=start, last=end),
                say("Exchange --from and --until."),
            )
        )
    return start, end


def moments(days: tuple[date, date], zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first midnight up to the midnight after the last day."""
    return (
        datetime.combine(days[0], time(), zone),
        datetime.combine(days[1] + timedelta(days=1), time(), zone),
    )


def named(first: date, last: date) -> str:
    """A stretch as it stands in a sentence: `quý IV/2026`, `từ 02/11/2026 đến 15/11/2026`."""
    year = first.year
    if first == last:
        return _("{day}").format(day=f"{first:%d/%m/%Y}")
    if (first, last) == whole(first, Unit.WEEK):
        number = first.isocalendar()
        span = f"{first:%d/%m} – {last:%d/%m/%Y}"
        return _("week {number}/{year} ({span})").format(number=number.week, year=number.year, span=span)
    if (first, last) == whole(first, Unit.MONTH):
        return _("{month}/{year}").format(month=first.month, year=year)
    for quarter, roman in enumerate(("I", "II", "III", "IV"), 1):
        if (first, last) == parse(f"{year}-Q{quarter}"):
            return _("quarter {quarter}/{year}").format(quarter=roman, year=year)
    if (first, last) == parse(f"{year}-H1"):
        return _("the first six months of {year}").format(year=year)
    if (first, last) == parse(f"{year}-H2"):
        return _("the last six months of {year}").format(year=year)
    if (first, last) == whole(first, Unit.YEAR):
        return _("{year}").format(year=year)
    return _("{first} – {last}").format(first=f"{first:%d/%m/%Y}", last=f"{last:%d/%m/%Y}")


MOST_STRETCHES = 6  # told one by one; more are told as a count
MOST_DAYS = 12


def told(days: Iterable[date]) -> str:
    """*days* as a person would name them: `Tuesday, Friday 01/12 – 29/12/2026`, `20/11, 24/11/2026`."""
    known = sorted(set(days))
    stretches = _stretches(known)
    if len(stretches) > (MOST_STRETCHES if len(stretches) < len(known) else MOST_DAYS):
        span = f"{_short(known[0], known[-1])} – {known[-1]:%d/%m/%Y}"
        if numbers := _monthly(known):
            return _("days {days}").format(days=", ".join(map(str, numbers))) + f"; {span}"
        return _("{count} days, {span}").format(count=len(known), span=span)
    if len(known) == 1:
        return output.day(known[0])
    words = []
    for index, stretch in enumerate(stretches):
        following = stretches[index + 1][0] if index + 1 < len(stretches) else None
        first, last = stretch[0], stretch[-1]
        span = (
            _short(last, following) if first == last else f"{_short(first, last)} – {_short(last, following)}"
        )
        if not _follow(stretch):
            weekdays = sorted({day.weekday() for day in stretch})
            names = output.weekdays() if len(weekdays) <= 2 else output.short_weekdays()
            span = ", ".join(names[one] for one in weekdays) + f" {span}"
        words.append(span)
    return ("; " if any(not _follow(one) for one in stretches) else ", ").join(words)


def _short(day: date, following: date | None) -> str:
    """*day*, with its year unless the day told next has the same."""
    return f"{day:%d/%m}" if following and day.year == following.year else f"{day:%d/%m/%Y}"


def _stretches(days: Sequence[date]) -> Sequence[Sequence[date]]:
    """*days* (sorted) in stretches that follow one another, or are all of certain weekdays in some weeks."""
    weeks: dict[date, list[date]] = {}
    for day in days:
        weeks.setdefault(day - timedelta(days=day.weekday()), []).append(day)
    merged: list[list[date]] = []
    for week in weeks.values():
        fitting = next(
            (k for k in range(len(week), 0, -1) if merged and _regular([*merged[-1], *week[:k]])), 0
        )
        if fitting:
            merged[-1] += week[:fitting]
        if fitting < len(week):
            merged.append(week[fitting:])
    found: list[list[date]] = []
    for stretch in merged:
        if min(Counter(day.weekday() for day in stretch).values()) > 1:
            found.append(stretch)
            continue
        begins = len(found)
        for day in stretch:
            if len(found) > begins and _follow([found[-1][-1], day]):
                found[-1].append(day)
            else:
                found.append([day])
    return found


def _regular(days: Sequence[date]) -> bool:
    """Are these all days of their weekdays from the first to the last?"""
    weekdays = {day.weekday() for day in days}
    weeks, rest = divmod((days[-1] - days[0]).days + 1, 7)
    tail = sum((days[0].weekday() + offset) % 7 in weekdays for offset in range(rest))
    return len(days) == weeks * len(weekdays) + tail


def _monthly(days: Sequence[date]) -> Sequence[int]:
    """The days of the month, if these are all of them from the first to the last."""
    numbers = {day.day for day in days}
    span = (days[0] + timedelta(days=offset) for offset in range((days[-1] - days[0]).days + 1))
    return sorted(numbers) if sum(day.day in numbers for day in span) == len(days) else ()


def _follow(days: Sequence[date]) -> bool:
    return (days[-1] - days[0]).days == len(days) - 1


def fold(
    found: Iterable[tuple[What, str, str, date]],
) -> Iterator[tuple[What, Sequence[str], Sequence[str], Sequence[date], int]]:
    """
    Tell together what is alike: (what, time of day, cluster, day) as what, times, clusters, days, count.

    Each that comes out stands for all of its times on all of its clusters on all of its days.
    """
    clusters: dict[tuple[What, str, date], Counter[str]] = {}
    for what, at, cluster, day in found:
        clusters.setdefault((what, at, day), Counter())[cluster] += 1
    days: dict[tuple[What, str, tuple[tuple[str, int], ...]], list[date]] = {}
    for (what, at, day), counts in clusters.items():
        days.setdefault((what, at, tuple(sorted(counts.items()))), []).append(day)
    times: dict[tuple[What, tuple[tuple[str, int], ...], tuple[date, ...]], list[str]] = {}
    for (what, at, some), those in days.items():
        times.setdefault((what, some, tuple(those)), []).append(at)
    for (what, some, when), ats in times.items():
        count = len(ats) * len(when) * sum(number for _name, number in some)
        yield what, sorted(ats), [name for name, _number in some], when, count
