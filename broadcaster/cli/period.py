"""Stretches of days as people name them: 2026-11-20, 2026-11, 2026-Q4, 2026."""

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from broadcaster.model.errors import BroadcasterError, Fault, say

PERIOD = re.compile(r"([12]\d{3})(?:-(?:[Qq]([1-4])|(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?))?")


def parse(period: str) -> tuple[date, date]:
    """The first and the last day of *period*."""
    found = PERIOD.fullmatch(period)
    try:
        if found is None:
            raise ValueError
        year, quarter, month, day = (int(part) if part else 0 for part in found.groups())
        if day:
            return date(year, month, day), date(year, month, day)
        first = 3 * quarter - 2 if quarter else month or 1
        months = 3 if quarter else 1 if month else 12
        after = date(year + (first + months > 12), (first + months - 1) % 12 + 1, 1)
        return date(year, first, 1), after - timedelta(days=1)
    except ValueError:
        raise BroadcasterError(
            Fault(
                period,
                say("This is no day, month, quarter or year."),
                say("Write 2026-11-20, 2026-11, 2026-Q4 or 2026."),
            )
        ) from None


def between(
    period: str | None, first: str | None, last: str | None, default: tuple[date, date]
) -> tuple[date, date]:
    """The days that a command was given, as PERIOD or as --from and --until (both included)."""
    if period is not None:
        return parse(period)
    end = parse(last)[1] if last else None
    start = parse(first)[0] if first else min(default[0], end or default[0])
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
