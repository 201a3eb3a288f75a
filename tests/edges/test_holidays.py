"""Public holidays by name, by Vietnam's own lunar calendar."""

from datetime import date, timedelta

import pytest

from broadcaster.edges.content.holidays import NAMES, Holiday, days_off


@pytest.mark.parametrize(
    "first",
    ["2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26", "2029-02-13", "2030-02-02"],
)
def test_tet_begins_with_the_new_moon_over_vietnam(first: str) -> None:
    """Its first day, the day before and the two after are off; in 2030 that is a day before China's."""
    day, tet = date.fromisoformat(first), Holiday("Tết")
    assert all(day + timedelta(days=offset) in tet for offset in range(-1, 3))
    assert 4 <= len(days_off("Tết", day.year)) <= 10
    assert all(abs(one - day) <= timedelta(days=7) for one in days_off("Tết", day.year))


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("Tết Dương lịch", "2026-01-01"),
        ("Giỗ Tổ Hùng Vương", "2026-04-26"),  # the 10th of the third lunar month
        ("Giỗ Tổ Hùng Vương", "2027-04-16"),
        ("Ngày Chiến thắng", "2026-04-30"),
        ("Quốc tế Lao động", "2026-05-01"),
        ("Quốc khánh", "2026-09-02"),
        ("Ngày Văn hóa Việt Nam", "2026-11-24"),
    ],
)
def test_each_holiday_has_its_day(name: str, day: str) -> None:
    """A holiday is silent on its day, in every year, and is one of the days off."""
    there = date.fromisoformat(day)
    assert there in Holiday(name)
    assert there in Holiday("ngày lễ")
    assert all(days_off(name, year) for year in range(2026, 2036))


def test_the_new_year_of_the_sun_is_not_tet() -> None:
    """Names that begin alike are kept apart."""
    assert date(2026, 1, 1) not in Holiday("Tết")
    assert date(2026, 2, 17) not in Holiday("Tết Dương lịch")


def test_all_holidays_together_are_the_days_off() -> None:
    """“ngày lễ” holds what every name holds, and no ordinary day."""
    everyone = days_off("ngày lễ", 2026)
    assert everyone >= {day for name in NAMES for day in days_off(name, 2026)}
    assert date(2026, 11, 20) not in everyone
    assert 10 <= len(everyone) <= 25


def test_a_holiday_meets_the_weeks_it_lies_in() -> None:
    """Weeks that it does not touch are known without looking at each day, over the turn of a year too."""
    assert Holiday("Tết").meets(date(2026, 2, 16), date(2026, 2, 22))
    assert not Holiday("Tết").meets(date(2026, 3, 2), date(2026, 3, 8))
    assert Holiday("Tết Dương lịch").meets(date(2026, 12, 28), date(2027, 1, 3))


@pytest.mark.parametrize("year", [1, 1900, 2100, 2200, 9999])
def test_any_year_can_be_asked(year: int) -> None:
    """A year of which nothing is known has no holiday, and nothing breaks."""
    assert all(isinstance(days_off(name, year), frozenset) for name in NAMES)
