"""Stretches of days as people name them."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from broadcaster.cli.period import between, moments, parse
from broadcaster.model.errors import BroadcasterError

TODAY = date(2026, 11, 20)
DEFAULT = (TODAY, TODAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2026-11-20", date(2026, 11, 20), date(2026, 11, 20)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026-q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("1000", date(1000, 1, 1), date(1000, 12, 31)),
        ("2999", date(2999, 1, 1), date(2999, 12, 31)),
    ],
)
def test_periods_as_people_name_them(period: str, first: date, last: date) -> None:
    """A day, a month, a quarter and a year have their first and their last day."""
    assert parse(period) == (first, last)


@pytest.mark.parametrize(
    "period",
    [
        *("", "x", "20/11/2026", "2026-13", "2026-00", "2026-11-00", "2026-02-30", "2026-11-31"),
        *("2026-Q0", "2026-Q5", "2026-1", "26", "2026-11-20T17:30", " 2026", "2026\n", "0001", "9999"),
    ],
)
def test_what_is_no_period_is_refused(period: str) -> None:
    """Everything else is a fault that shows how to write it; nothing is guessed."""
    with pytest.raises(BroadcasterError) as error:
        parse(period)
    assert "2026-Q4" in str(error.value)


def test_nothing_given_is_the_default() -> None:
    """A command without days has those that it says in its help."""
    assert between(None, None, None, DEFAULT) == DEFAULT


def test_a_period_wins() -> None:
    """PERIOD alone is enough."""
    assert between("2026-12", None, None, DEFAULT) == (date(2026, 12, 1), date(2026, 12, 31))


def test_both_ends_are_included() -> None:
    """--from and --until are days that count; a longer period gives its first and its last."""
    assert between(None, "2026-11-03", "2026-11-05", DEFAULT) == (date(2026, 11, 3), date(2026, 11, 5))
    assert between(None, "2026-Q1", "2026-Q2", DEFAULT) == (date(2026, 1, 1), date(2026, 6, 30))


def test_one_end_alone() -> None:
    """A first day after the default's last is a day of its own; before it, it lasts until there."""
    assert between(None, "2026-12-24", None, DEFAULT) == (date(2026, 12, 24), date(2026, 12, 24))
    assert between(None, "2026-11-01", None, DEFAULT) == (date(2026, 11, 1), DEFAULT[1])
    assert between(None, None, "2026-11-30", DEFAULT) == (TODAY, date(2026, 11, 30))


def test_an_end_before_its_beginning_is_refused() -> None:
    """It says both days and what to do."""
    with pytest.raises(BroadcasterError, match="--from and --until") as error:
        between(None, "2026-11-20", "2026-11-10", DEFAULT)
    assert "2026-11-10" in str(error.value)


def test_moments_are_midnights_at_the_station() -> None:
    """A day lasts from its midnight to the next, in the station's zone, even where that is not 24 hours."""
    zone = ZoneInfo("Europe/Berlin")
    start, end = moments((date(2026, 10, 25), date(2026, 10, 25)), zone)
    assert (start, end) == (datetime(2026, 10, 25, tzinfo=zone), datetime(2026, 10, 26, tzinfo=zone))
    assert end.timestamp() - start.timestamp() == 25 * 3600
