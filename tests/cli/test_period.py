"""Stretches of days as people name them."""

import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.cli.period import (
    Unit,
    _stretches,
    between,
    days_from_today,
    fold,
    moments,
    parse,
    told,
    whole,
)
from broadcaster.model.errors import BroadcasterError

TODAY = date(2026, 11, 20)
DEFAULT = (TODAY, TODAY + timedelta(days=1))


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2026-11-20", date(2026, 11, 20), date(2026, 11, 20)),
        ("20/11/2026", date(2026, 11, 20), date(2026, 11, 20)),
        ("1.2.2026", date(2026, 2, 1), date(2026, 2, 1)),
        ("2026-11", date(2026, 11, 1), date(2026, 11, 30)),
        ("2026-12", date(2026, 12, 1), date(2026, 12, 31)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-W47", date(2026, 11, 16), date(2026, 11, 22)),
        ("2026-W53", date(2026, 12, 28), date(2027, 1, 3)),
        ("2026-Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026-q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("1000", date(1000, 1, 1), date(1000, 12, 31)),
        ("2999", date(2999, 1, 1), date(2999, 12, 31)),
    ],
)
def test_periods_as_people_name_them(period: str, first: date, last: date) -> None:
    """A day, a week, a month, a quarter and a year have their first and their last day."""
    assert parse(period) == (first, last)


@pytest.mark.parametrize(
    "period",
    [
        *(
            "",
            "x",
            "31/11/2026",
            "20/11/0999",
            "2026-13",
            "2026-00",
            "2026-11-00",
            "2026-02-30",
            "2026-11-31",
        ),
        *(
            "2026-Q0",
            "2026-Q5",
            "2026-W00",
            "2027-W53",
            "today",
            "2026-1",
            "26",
            "2026-11-20T17:30",
            " 2026",
            "2026\n",
            "0001",
            "9999",
        ),
    ],
)
def test_what_is_no_period_is_refused(period: str) -> None:
    """Everything else is a fault that shows how to write it; nothing is guessed."""
    with pytest.raises(BroadcasterError) as error:
        parse(period)
    assert "20/11/2026, 2026-W47, 2026-11, 2026-Q4, 2026-H2 or 2026" in str(error.value)


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


@pytest.mark.parametrize(
    ("word", "offset"),
    [
        *[("today", 0), ("hôm nay", 0), ("homnay", 0), ("Hôm  Nay", 0), ("tomorrow", 1), ("ngày mai", 1)],
        *[("ngay-mai", 1), ("mai", 1), ("yesterday", -1), ("hôm qua", -1)],
    ],
)
def test_words_for_the_days_around_today(word: str, offset: int) -> None:
    """Vietnamese or English, with or without marks, in both ways of writing the marks."""
    day = TODAY + timedelta(days=offset)
    for written in (word, unicodedata.normalize("NFD", word)):
        assert days_from_today(written) == offset
        assert between(written, None, None, DEFAULT, TODAY) == (day, day)


def test_a_word_as_an_end() -> None:
    """--from and --until take such words too."""
    assert between(None, "today", "mai", DEFAULT, TODAY) == DEFAULT


@pytest.mark.parametrize(
    ("unit", "first", "last"),
    [
        (Unit.DAY, date(2026, 11, 20), date(2026, 11, 20)),
        (Unit.WEEK, date(2026, 11, 16), date(2026, 11, 22)),
        (Unit.MONTH, date(2026, 11, 1), date(2026, 11, 30)),
        (Unit.YEAR, date(2026, 1, 1), date(2026, 12, 31)),
    ],
)
def test_what_holds_a_day(unit: Unit, first: date, last: date) -> None:
    """A week begins on Monday; a month and a year on their first."""
    assert whole(TODAY, unit) == (first, last)


def some_days(first: str, count: int, keep: Callable[[date], bool] = lambda _day: True) -> list[date]:
    every = (date.fromisoformat(first) + timedelta(days=offset) for offset in range(count))
    return [day for day in every if keep(day)]


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (some_days("2026-11-20", 1), "Friday, 20/11/2026"),
        (some_days("2026-12-01", 30), "01/12 – 30/12/2026"),
        (some_days("2026-12-30", 4), "30/12/2026 – 02/01/2027"),
        (some_days("2026-12-01", 3, lambda day: day.day != 2), "01/12, 03/12/2026"),
        (some_days("2026-12-05", 4, lambda day: day.day in (5, 8)), "05/12, 08/12/2026"),
        (
            some_days("2026-12-01", 30, lambda day: day.weekday() in (1, 4)),
            "Tuesday, Friday 01/12 – 29/12/2026",
        ),
        (
            some_days("2026-12-01", 30, lambda day: day.weekday() < 3),
            "Mon, Tue, Wed 01/12 – 30/12/2026",
        ),
        (
            some_days("2027-02-01", 28, lambda day: not 5 <= day.day <= 10),
            "01/02 – 04/02, 11/02 – 28/02/2027",
        ),
        (
            some_days("2026-01-01", 365, lambda day: day.month == 5 or day.weekday() in (1, 4)),
            "Tuesday, Friday 02/01 – 01/05; 02/05 – 31/05; Tuesday, Friday 02/06 – 29/12/2026",
        ),
        (some_days("2026-01-01", 365, lambda day: day.day in (1, 15)), "days 1, 15; 01/01 – 15/12/2026"),
        (
            some_days("2026-01-01", 120, lambda day: day.toordinal() % 3 == 0),
            "40 days, 01/01 – 28/04/2026",
        ),
    ],
)
def test_days_as_a_person_tells_them(days: list[date], words: str) -> None:
    """Stretches and weekdays where there are any, few days one by one, many without a pattern as a count."""
    assert told(reversed(days)) == words


@given(st.sets(st.dates(date(2026, 12, 1), date(2027, 1, 15)), min_size=1))
def test_what_is_told_of_weekdays_is_true(days: set[date]) -> None:
    """Whatever days there are, all of them and no others are in the stretches that are told."""
    meant = []
    for stretch in _stretches(sorted(days)):
        weekdays = {day.weekday() for day in stretch}
        span = (stretch[-1] - stretch[0]).days + 1
        meant += [day for day in some_days(str(stretch[0]), span) if day.weekday() in weekdays]
    assert meant == sorted(days)


def test_what_is_alike_is_told_together() -> None:
    """Times that share days and clusters become one, and so do days and clusters; all are counted."""
    days = tuple(some_days("2026-12-01", 3))
    found = [("tin", at, cluster, day) for day in days for at in ("05:30", "17:30") for cluster in "ab"]
    assert list(fold([*found, ("tin", "17:30", "c", days[0])])) == [
        ("tin", ["05:30"], ["a", "b"], days, 6),
        ("tin", ["17:30"], ["a", "b", "c"], days[:1], 3),
        ("tin", ["17:30"], ["a", "b"], days[1:], 4),
    ]
    assert list(fold(found)) == [("tin", ["05:30", "17:30"], ["a", "b"], days, 12)]
    assert list(fold([*found[:1], *found[:1]])) == [("tin", ["05:30"], ["a"], days[:1], 2)]
