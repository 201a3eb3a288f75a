"""Times, days and dates, however they are typed."""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest

from broadcaster.model.typed import a_date, a_moment, a_time, some_numbers, some_times, some_weekdays

HALF_PAST_FIVE = time(5, 30)
DAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    "text", ["5:30", "05:30", "05:30:00", "5h30", "05g30", " 5 giờ 30 ", "5h30p", "5H30"]
)
def test_a_time_of_day(text: str) -> None:
    """However hour and minute are parted."""
    assert a_time(text) == HALF_PAST_FIVE


def test_a_full_hour() -> None:
    """Its minutes may be left out where a word says that it is an hour."""
    assert a_time("17h") == a_time("17 giờ") == time(17)


@pytest.mark.parametrize("text", ["5h30, 17:30", "17:30;05:30", "5h30 17h30 5:30", "5 giờ 30 và 17h30"])
def test_several_times(text: str) -> None:
    """Each once, earliest first."""
    assert some_times(text) == [HALF_PAST_FIVE, time(17, 30)]


@pytest.mark.parametrize("text", ["2026-11-20", "20/11/2026", "20-11-2026", "20.11.2026", " 20/11/2026 "])
def test_a_date(text: str) -> None:
    """The day comes first, or the year."""
    assert a_date(text) == DAY


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T05:30",
        "2026-11-20T05:30:00",
        "2026-11-20 5h30",
        "20/11/2026 5:30",
        "5h30, 20/11/2026",
        "5h30",
    ],
)
def test_a_moment(text: str) -> None:
    """Day and time in either order; a time alone is of the day that is meant."""
    assert a_moment(text, DAY) == datetime(2026, 11, 20, 5, 30)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("tue,fri", "tue fri"),
        ("t6 T3", "tue fri"),
        ("Thứ Ba, thứ sáu", "tue fri"),
        ("thứ 3 và thứ 6", "tue fri"),
        ("Tuesday; Friday", "tue fri"),
        ("cn", "sun"),
        ("Chủ nhật + T2", "mon sun"),
        ("thu", "thu"),
        ("thứ năm", "thu"),
        ("t2-t4", "mon tue wed"),
        ("thứ năm đến thứ bảy", "thu fri sat"),
        ("mon – wed, sun", "mon tue wed sun"),
    ],
)
def test_days_of_the_week(text: str, days: str) -> None:
    """In either language, in words or short; from one to another."""
    assert some_weekdays(text) == days.split()


@pytest.mark.parametrize("text", ["5,11", "11 5", "tháng 5 và tháng 11", "5; 11, 5"])
def test_months(text: str) -> None:
    """Each once, in order."""
    assert some_numbers(text, 1, 12) == [5, 11]


def test_a_stretch_of_months() -> None:
    """From one to another, both included."""
    assert some_numbers("1-3, tháng 10 đến 12", 1, 12) == [1, 2, 3, 10, 11, 12]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *((a_time, text) for text in ("", "5", "530", "5:", "24:00", "5:60", "h30", "5:30 chiều")),
        *((some_times, text) for text in ("", " ", "5:30,x", "5:30-17:30")),
        *((a_date, text) for text in ("", "31/2/2026", "20/11/26", "11/2026", "2026-13-01", "20/11/2026x")),
        *((a_moment, text) for text in ("", "5:30", "20/11/2026", "20/11/2026 25:00")),
        *((some_weekdays, text) for text in ("", "3", "t8", "thứ 8", "x", "t6-t3", "tt3", "t3, x")),
        *(
            (lambda text: some_numbers(text, 1, 12), text)
            for text in ("", "0", "13", "3-1", "x", "1-", "1.5")
        ),
    ],
)
def test_what_is_none_of_these(read: Callable[[str], Any], text: str) -> None:
    """It is a ValueError, never a guess."""
    with pytest.raises(ValueError):  # noqa: PT011 - which words is not the point
        read(text)
