"""Rules, campaigns, seasons and exceptions give times."""

from datetime import date, datetime, time, timedelta

import pytest

from broadcaster.model.schedule import BulletinClass, Days, Exclusion, Quota, Rule, Schedule
from tests.factories import EVENING, MORNING, make_rule, make_schedule

PEAK = frozenset({5, 11})
LEAN = frozenset(range(1, 13)) - PEAK
BAC_GIANG = make_schedule(
    "bhxh-tu-nguyen",
    make_rule(MORNING, EVENING, months=PEAK),
    make_rule(EVENING, months=LEAN, weekdays=frozenset({1, 4}), at_least=Quota(2)),
)


def times_between(schedule: Schedule, first: date, last: date) -> list[datetime]:
    """Every time that *schedule* gives from *first* to *last*, both included."""
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    return [datetime.combine(day, at) for day in days for at, _ in schedule.times_on(day)]


@pytest.mark.parametrize("year", [2023, 2024, 2026, 2027])
def test_the_peak_months_of_bac_giang(year: int) -> None:
    """May and November have two airings a day: 61 days, 122 airings."""
    times = times_between(BAC_GIANG, date(year, 1, 1), date(year, 12, 31))
    peak = [at for at in times if at.month in PEAK]
    assert len(peak) == 61 * 2
    assert {at.time() for at in peak} == {MORNING, EVENING}


@pytest.mark.parametrize("year", [2023, 2024, 2026, 2027])
def test_the_other_months_of_bac_giang(year: int) -> None:
    """Every whole week outside the peak months has two airings, on Tuesday and Friday evenings."""
    times = times_between(BAC_GIANG, date(year, 1, 1), date(year, 12, 31))
    monday = date(year, 1, 1) + timedelta(days=-date(year, 1, 1).weekday() % 7)
    lean = 0
    while (sunday := monday + timedelta(days=6)).year == year:
        if not {monday.month, sunday.month} & PEAK:
            week = [at for at in times if monday <= at.date() <= sunday]
            assert [(at.weekday(), at.time()) for at in week] == [(1, EVENING), (4, EVENING)]
            lean += 1
        monday += timedelta(weeks=1)
    assert lean >= 40


def test_the_campaign_of_2024() -> None:
    """In 2024 the peak began a month early: April and May have two airings a day, all 61 days of them."""
    campaign = make_rule(MORNING, EVENING, within=Days(date(2024, 4, 1), date(2024, 5, 31)))
    schedule = make_schedule("bhxh-tu-nguyen", *BAC_GIANG.rules, campaigns=[campaign])
    times = times_between(schedule, date(2024, 1, 1), date(2024, 12, 31))
    assert len([at for at in times if at.month in (4, 5)]) == 61 * 2
    assert len([at for at in times if at.month == 11]) == 30 * 2
    rest = times_between(BAC_GIANG, date(2024, 1, 1), date(2024, 12, 31))
    assert [at for at in times if at.month != 4] == [at for at in rest if at.month != 4]


@pytest.mark.parametrize(
    ("rule", "held", "not_held"),
    [
        (make_rule(months=frozenset({5})), ["2026-05-01", "2026-05-31"], ["2026-04-30", "2026-06-01"]),
        (make_rule(weekdays=frozenset({0})), ["2026-11-16"], ["2026-11-17", "2026-11-22"]),
        (make_rule(days=frozenset({1, 31})), ["2026-12-01", "2026-12-31"], ["2026-11-30", "2026-12-02"]),
        (make_rule(within=Days(date(2026, 5, 2))), ["2026-05-02", "2030-01-01"], ["2026-05-01"]),
        (make_rule(within=Days(None, date(2026, 5, 2))), ["2026-05-02", "1999-01-01"], ["2026-05-03"]),
        (
            make_rule(months=frozenset({11}), weekdays=frozenset({4}), days=frozenset({13, 20})),
            ["2026-11-13", "2026-11-20"],
            ["2026-11-27", "2026-11-19", "2026-02-13"],
        ),
        (make_rule(), ["2026-02-28", "2028-02-29"], []),
    ],
)
def test_a_rule_holds_where_every_filter_lets_it(rule: Rule, held: list[str], not_held: list[str]) -> None:
    """A rule holds on the days that pass all of its filters; one that is not given lets all pass."""
    assert all(rule.holds_on(date.fromisoformat(day)) for day in held)
    assert not any(rule.holds_on(date.fromisoformat(day)) for day in not_held)


def test_a_campaign_replaces_the_rules_on_its_days() -> None:
    """On a campaign's days, both ends included, only its times count; before and after, the rules'."""
    campaign = make_rule(MORNING, within=Days(date(2026, 4, 10), date(2026, 4, 12)))
    schedule = make_schedule("x", make_rule(EVENING), campaigns=[campaign])
    times = times_between(schedule, date(2026, 4, 9), date(2026, 4, 13))
    assert [at.time() for at in times] == [EVENING, MORNING, MORNING, MORNING, EVENING]


def test_a_campaign_silences_the_rules_even_where_it_has_no_time() -> None:
    """A campaign that is broadcast on Mondays replaces the rules on its other days too."""
    campaign = make_rule(MORNING, within=Days(date(2026, 4, 6), date(2026, 4, 12)), weekdays=frozenset({0}))
    schedule = make_schedule("x", make_rule(EVENING), campaigns=[campaign])
    assert times_between(schedule, date(2026, 4, 6), date(2026, 4, 12)) == [datetime(2026, 4, 6, 5, 30)]  # noqa: DTZ001 - wall time


def test_campaigns_that_overlap_add_up() -> None:
    """Where two campaigns meet, both give times."""
    days = Days(date(2026, 4, 6), date(2026, 4, 6))
    schedule = make_schedule(
        "x", campaigns=[make_rule(EVENING, within=days), make_rule(MORNING, EVENING, within=days)]
    )
    assert [at.time() for at in times_between(schedule, date(2026, 4, 6), date(2026, 4, 7))] == [
        MORNING,
        EVENING,
    ]


def test_a_time_that_two_rules_ask_for_is_there_once() -> None:
    """Times of a day come sorted, each once, extra ones among them."""
    rules = make_rule(EVENING), make_rule(time(18), EVENING, MORNING)
    extra = [datetime(2026, 4, 6, 17), datetime(2026, 4, 6, 18), datetime(2026, 4, 7, 16)]  # noqa: DTZ001
    found = make_schedule("x", *rules, extras=extra).times_on(date(2026, 4, 6))
    assert found == [(at, None) for at in (MORNING, time(17), EVENING, time(18))]


def test_a_rule_with_a_season_holds_in_that_season_only() -> None:
    """`season` lets a rule hold only while one of its seasons runs; the others do not matter."""
    schedule = make_schedule("x", make_rule(EVENING, season=["vai", "nhan"]))
    day = date(2026, 7, 1)
    assert schedule.times_on(day) == schedule.times_on(day, {"giap-hat"}) == []
    assert schedule.times_on(day, {"nhan", "giap-hat"}) == [(EVENING, None)]


def test_a_time_that_falls_into_an_avoided_season_is_there_with_its_name() -> None:
    """`not_in_season` takes nothing away: the time says for which season it is silent."""
    schedule = make_schedule("x", make_rule(EVENING, MORNING, not_in_season=["giap-hat"]), make_rule(EVENING))
    day = date(2026, 7, 1)
    assert schedule.times_on(day, {"giap-hat"}) == [(MORNING, "giap-hat"), (EVENING, None)]
    assert schedule.times_on(day, {"vai"}) == [(MORNING, None), (EVENING, None)]


def test_the_first_exclusion_of_a_day_counts() -> None:
    """A day within an exclusion has its reason, its first and last day included."""
    tet = Exclusion(Days(date(2027, 2, 5), date(2027, 2, 10)), "Tết Nguyên đán")
    mourning = Exclusion(Days(date(2027, 2, 10), date(2027, 2, 11)), "Quốc tang")
    schedule = make_schedule(exclusions=[tet, mourning])
    days = [date(2027, 2, day) for day in (4, 5, 10, 11, 12)]
    assert [schedule.exclusion_on(day) for day in days] == [None, tet, tet, mourning, None]


def test_classes_rank_by_urgency() -> None:
    """Emergency comes before priority, priority before normal, and each has its word."""
    ranked = sorted(BulletinClass)
    assert [one.word for one in ranked] == ["emergency", "priority", "normal"]
