"""Recurrences are RFC 5545 to the letter, in the station's time zone; what is of no use is refused."""

import time as measuring
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broadcaster.edges.content.recurrence import MOST_A_DAY, RRule, UnusableError
from tests.factories import EVENING, MORNING, ZONE

NEW_YORK = ZoneInfo("America/New_York")
NINE = (time(9),)
LABOR_DAY = date(1997, 9, 2)  # DTSTART;TZID=America/New_York:19970902T090000 of most of RFC 5545's examples


def between(rule: RRule, first: date, last: date) -> list[datetime]:
    days = (first + timedelta(days=offset) for offset in range((last - first).days + 1))
    return [datetime.combine(day, at) for day in days for at in rule.times_on(day)]


def shortly(found: list[datetime]) -> str:
    """By month, as the RFC lists them: `1997-9: 2 3, 1997-10: 1`."""
    months: dict[str, list[str]] = {}
    for one in found:
        months.setdefault(f"{one.year}-{one.month}", []).append(str(one.day))
    return ", ".join(f"{month}: {' '.join(numbers)}" for month, numbers in months.items())


@pytest.mark.parametrize(
    ("text", "start", "until", "expected"),
    [
        ("FREQ=DAILY;COUNT=10", LABOR_DAY, "1998-12-31", "1997-9: 2 3 4 5 6 7 8 9 10 11"),
        ("FREQ=DAILY;INTERVAL=10;COUNT=5", LABOR_DAY, "1998-12-31", "1997-9: 2 12 22, 1997-10: 2 12"),
        (
            "FREQ=WEEKLY;COUNT=10",
            LABOR_DAY,
            "1998-12-31",
            "1997-9: 2 9 16 23 30, 1997-10: 7 14 21 28, 1997-11: 4",
        ),
        (
            "FREQ=WEEKLY;UNTIL=19971224T000000Z",
            LABOR_DAY,
            "1998-12-31",
            "1997-9: 2 9 16 23 30, 1997-10: 7 14 21 28, 1997-11: 4 11 18 25, 1997-12: 2 9 16 23",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
            LABOR_DAY,
            "1997-11-30",
            "1997-9: 2 16 30, 1997-10: 14 28, 1997-11: 11 25",
        ),
        (
            "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
            LABOR_DAY,
            "1998-12-31",
            "1997-9: 2 4 9 11 16 18 23 25 30, 1997-10: 2",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
            date(1997, 9, 1),
            "1998-12-31",
            (
                "1997-9: 1 3 5 15 17 19 29, 1997-10: 1 3 13 15 17 27 29 31, 1997-11: 10 12 14 24 26 28, "
                "1997-12: 8 10 12 22"
            ),
        ),
        (
            "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
            date(1997, 9, 5),
            "1999-12-31",
            (
                "1997-9: 5, 1997-10: 3, 1997-11: 7, 1997-12: 5, 1998-1: 2, 1998-2: 6, 1998-3: 6, 1998-4: 3, "
                "1998-5: 1, 1998-6: 5"
            ),
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
            date(1997, 9, 7),
            "1999-12-31",
            "1997-9: 7 28, 1997-11: 2 30, 1998-1: 4 25, 1998-3: 1 29, 1998-5: 3 31",
        ),
        (
            "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
            date(1997, 9, 22),
            "1999-12-31",
            "1997-9: 22, 1997-10: 20, 1997-11: 17, 1997-12: 22, 1998-1: 19, 1998-2: 16",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=-3",
            date(1997, 9, 28),
            "1998-02-28",
            "1997-9: 28, 1997-10: 29, 1997-11: 28, 1997-12: 29, 1998-1: 29, 1998-2: 26",
        ),
        (
            "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
            date(1997, 9, 30),
            "1999-12-31",
            "1997-9: 30, 1997-10: 1 31, 1997-11: 1 30, 1997-12: 1 31, 1998-1: 1 31, 1998-2: 1",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
            date(1997, 9, 10),
            "2001-12-31",
            "1997-9: 10 11 12 13 14 15, 1999-3: 10 11 12 13",
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
            LABOR_DAY,
            "1997-12-31",
            "1997-9: 2 9 16 23 30, 1997-11: 4 11 18 25",
        ),
        (
            "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
            date(1997, 1, 1),
            "2010-12-31",
            (
                "1997-1: 1, 1997-4: 10, 1997-7: 19, 2000-1: 1, 2000-4: 9, 2000-7: 18, 2003-1: 1, 2003-4: 10, "
                "2003-7: 19, 2006-1: 1"
            ),
        ),
        ("FREQ=YEARLY;BYDAY=20MO", date(1997, 5, 19), "1999-12-31", "1997-5: 19, 1998-5: 18, 1999-5: 17"),
        (
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
            date(1997, 5, 12),
            "1999-12-31",
            "1997-5: 12, 1998-5: 11, 1999-5: 17",
        ),
        (
            "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
            date(1997, 3, 13),
            "1998-12-31",
            "1997-3: 13 20 27, 1998-3: 5 12 19 26",
        ),
        (
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            LABOR_DAY,
            "2000-12-31",
            "1998-2: 13, 1998-3: 13, 1998-11: 13, 1999-8: 13, 2000-10: 13",
        ),
        (
            "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
            date(1997, 9, 13),
            "1998-06-30",
            (
                "1997-9: 13, 1997-10: 11, 1997-11: 8, 1997-12: 13, 1998-1: 10, 1998-2: 7, 1998-3: 7, "
                "1998-4: 11, "
                "1998-5: 9, 1998-6: 13"
            ),
        ),
        (
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            date(1996, 11, 5),
            "2004-12-31",
            "1996-11: 5, 2000-11: 7, 2004-11: 2",
        ),
        (
            "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
            date(1997, 9, 4),
            "1998-12-31",
            "1997-9: 4, 1997-10: 7, 1997-11: 6",
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            date(1997, 9, 29),
            "1998-03-31",
            "1997-9: 29, 1997-10: 30, 1997-11: 27, 1997-12: 30, 1998-1: 29, 1998-2: 26, 1998-3: 30",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            date(1997, 8, 5),
            "1998-12-31",
            "1997-8: 5 10 19 24",
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            date(1997, 8, 5),
            "1998-12-31",
            "1997-8: 5 17 19 31",
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
            date(2007, 1, 15),
            "2008-12-31",
            "2007-1: 15 30, 2007-2: 15, 2007-3: 15 30",
        ),
    ],
)
def test_the_examples_of_the_rfc(text: str, start: date, until: str, expected: str) -> None:
    """RFC 5545, 3.8.5.3: its rules give its dates, at nine in New York in summer and winter."""
    found = between(
        RRule(text, start, NINE, NEW_YORK), start.replace(month=1, day=1), date.fromisoformat(until)
    )
    assert shortly(found) == expected
    assert {one.time() for one in found} == {time(9)}


def test_an_hourly_rule_of_the_rfc() -> None:
    """Every three hours from nine to five on one day, UNTIL being told in UTC."""
    rule = RRule("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", LABOR_DAY, NINE, NEW_YORK)
    found = between(rule, LABOR_DAY, date(1997, 9, 30))
    assert found == [datetime(1997, 9, 2, hour) for hour in (9, 12, 15)]  # noqa: DTZ001 - wall times


@pytest.mark.parametrize(
    ("until", "zone", "last"),
    [
        ("20260310T223000Z", ZONE, date(2026, 3, 11)),  # 5:30 of the next day in Vietnam
        ("20260310T222959Z", ZONE, date(2026, 3, 10)),
        ("20260307T103000Z", NEW_YORK, date(2026, 3, 7)),  # winter time: 5:30
        ("20260309T092959Z", NEW_YORK, date(2026, 3, 8)),  # summer time: 5:29:59
        ("20260309T093000Z", NEW_YORK, date(2026, 3, 9)),
        ("20260310T053000", NEW_YORK, date(2026, 3, 10)),
    ],
)
def test_until_in_utc_is_wall_time_of_the_zone(until: str, zone: ZoneInfo, last: date) -> None:
    """UNTIL counts to the second, in the station's own time, before and after its clocks change."""
    rule = RRule(f"FREQ=DAILY;UNTIL={until}", date(2026, 3, 1), (MORNING,), zone)
    assert between(rule, date(2026, 1, 1), date(2027, 12, 31))[-1] == datetime.combine(last, MORNING)


def test_each_of_the_times_is_a_recurrence_of_its_own() -> None:
    """COUNT counts for each time alone; times come sorted, each once."""
    rule = RRule("FREQ=DAILY;COUNT=2", date(2026, 5, 1), (EVENING, MORNING, EVENING), ZONE)
    assert [rule.times_on(date(2026, 5, day)) for day in (1, 2, 3)] == [[MORNING, EVENING]] * 2 + [[]]


def test_a_rule_may_give_its_times_itself() -> None:
    """Without times BYHOUR and BYMINUTE give them."""
    rule = RRule("FREQ=WEEKLY;BYDAY=MO;BYHOUR=5,17;BYMINUTE=30", date(2026, 5, 1), (), ZONE)
    assert between(rule, date(2026, 5, 1), date(2026, 5, 10)) == [
        datetime.combine(date(2026, 5, 4), at) for at in (MORNING, EVENING)
    ]


def test_a_week_by_its_number_is_one_day_of_it() -> None:
    """What the rule does not say is DTSTART's: of week 20 its weekday, not all seven days."""
    rule = RRule("FREQ=YEARLY;BYWEEKNO=20", date(2026, 1, 2), (MORNING,), ZONE)
    assert shortly(between(rule, date(2026, 1, 1), date(2027, 12, 31))) == "2026-5: 15, 2027-5: 21"


numbers = st.integers(1, 3)
signed = st.integers(-3, 3).filter(bool)
weekdays = st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])


def listed(values: st.SearchStrategy[object]) -> st.SearchStrategy[str]:
    return st.lists(values.map(str), min_size=1, max_size=3, unique=True).map(",".join)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A rule as officers or calendars might write it."""
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]))
    kinds = {
        "INTERVAL": numbers.map(str),
        "BYMONTH": listed(st.integers(1, 12)),
        "BYDAY": listed(weekdays),
        "WKST": weekdays,
    }
    if frequency in ("MONTHLY", "YEARLY"):
        kinds["BYDAY"] |= listed(st.builds("{}{}".format, signed, weekdays))
    if frequency != "WEEKLY":
        kinds["BYMONTHDAY"] = listed(st.integers(1, 28) | st.integers(-28, -1))
    chosen = draw(st.lists(st.sampled_from(sorted(kinds)), unique=True, max_size=3))
    parts = [f"FREQ={frequency}", *(f"{name}={draw(kinds[name])}" for name in chosen)]
    if {"BYDAY", "BYMONTHDAY"} & set(chosen) and draw(st.booleans()):
        parts.append(f"BYSETPOS={draw(signed)}")
    end = draw(st.sampled_from(["", "", "COUNT=7", "UNTIL=20280315T173000"]))
    return ";".join([*parts, *([end] if end else [])])


@settings(max_examples=120, deadline=None)
@given(
    texts(), st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.sampled_from([(MORNING,), (EVENING, MORNING)])
)
def test_what_dateutil_gives_is_what_sounds(text: str, start: date, times: tuple[time, ...]) -> None:
    """For every rule, the times of six years are those that dateutil's rrulestr gives from DTSTART on."""
    first, last = datetime(2020, 1, 1), datetime(2029, 12, 31, 23, 59, 59)  # noqa: DTZ001 - wall times
    dtstarts = [datetime.combine(start, one) for one in times]
    try:
        rule = RRule(text, start, times, ZONE)
    except UnusableError as error:
        assert "nothing ever" in str(error)  # noqa: PT017 - or it may be used
        endless = text.partition(";UNTIL")[0]
        later = dtstarts[0].replace(year=start.year + 19 * 400)  # where dateutil soon comes to its end
        assert ";UNTIL" in text or next(iter(rrulestr(endless, dtstart=later)), None) is None
        return
    given_times = {
        at for one in dtstarts for at in rrulestr(text, dtstart=one).between(first, last, inc=True)
    }
    assert between(rule, date(2024, 1, 1), last.date()) == sorted(given_times)


NEVER = [
    *(f"FREQ={one};BYMONTH=2;BYMONTHDAY=30" for one in ("HOURLY", "DAILY", "MONTHLY", "YEARLY")),
    "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=3",
    "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
    "FREQ=MONTHLY;BYDAY=6MO",
    "FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    "FREQ=YEARLY;BYDAY=54MO",
    "FREQ=YEARLY;BYDAY=MO;BYSETPOS=54",
    "FREQ=DAILY;INTERVAL=7;BYDAY=TU",
    "FREQ=HOURLY;INTERVAL=168;BYDAY=TU",
    "FREQ=HOURLY;BYMINUTE=0;BYSETPOS=2",
    "FREQ=DAILY;BYHOUR=5,5;BYSETPOS=2",
    "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3",
    "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=DAILY;UNTIL=20260101T000000",
]


@pytest.mark.parametrize("text", NEVER)
def test_what_never_happens_is_refused_at_once(text: str) -> None:
    """A rule that no day passes, or no day that it comes to, is told so in under a second."""
    began = measuring.process_time()
    with pytest.raises(UnusableError, match="nothing ever sounds"):
        RRule(text, date(2027, 1, 4), () if "BYHOUR" in text or "BYMINUTE" in text else NINE, ZONE)
    assert measuring.process_time() - began < 1


SIXTY, DAY = ",".join(map(str, range(60))), ",".join(map(str, range(24)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("FREQ=DAILY;BYEASTER=1", "no part “BYEASTER”"),
        ("freq=DAILY", "no part “freq”"),
        ("DTSTART=20260101T000000;FREQ=DAILY", "no part “DTSTART”"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=DAILY", "no part"),
        ("FREQ=DAILY;", "no part “”"),
        ("FREQ=DAILY\n;COUNT=2", "“FREQ=DAILY\n” of the rrule is not understood"),
        ("FREQ=DAILY;FREQ=DAILY", "stands there twice"),
        ("FREQ=DAILY;COUNT=0", "“COUNT=0” of the rrule is not understood"),
        ("FREQ=DAILY;COUNT=1000000", "is not understood"),
        ("FREQ=DAILY;INTERVAL=0", "“INTERVAL=0” of the rrule is not understood"),
        ("FREQ=DAILY;INTERVAL=-1", "is not understood"),
        ("FREQ=DAILY;UNTIL=20261231", "is not understood"),
        ("FREQ=YEARLY;BYMONTH=13", "is not understood"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "is not understood"),
        ("FREQ=MONTHLY;BYMONTHDAY=-32", "is not understood"),
        ("FREQ=MONTHLY;BYDAY=0MO", "is not understood"),
        ("FREQ=MONTHLY;BYDAY=1XX", "is not understood"),
        ("FREQ=DAILY;BYHOUR=24", "is not understood"),
        ("FREQ=YEARLY;BYYEARDAY=367", "is not understood"),
        ("FREQ=YEARLY;BYWEEKNO=54", "is not understood"),
        ("FREQ=FORTNIGHTLY", "is not understood"),
        ("BYDAY=MO", "FREQ is missing"),
        ("FREQ=SECONDLY", "cannot follow FREQ=SECONDLY"),
        ("FREQ=MINUTELY;INTERVAL=720", "cannot follow FREQ=MINUTELY"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20261231T000000", "exclude each other"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY=1MO cannot stand with FREQ=WEEKLY"),
        ("FREQ=DAILY;BYDAY=-1FR", "cannot stand with FREQ=DAILY"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "cannot stand"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY cannot stand with FREQ=WEEKLY"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "BYYEARDAY cannot stand with FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO cannot stand with FREQ=MONTHLY"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS cannot stand"),
        ("FREQ=HOURLY;BYMINUTE=0,10,20,30,40", "more than 48"),
        (f"FREQ=HOURLY;BYMINUTE={SIXTY}", "more than 48"),
        (f"FREQ=DAILY;BYHOUR={DAY};BYMINUTE={SIXTY};BYSECOND={SIXTY}", "more than 48"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_sentence(text: str, told: str) -> None:
    """What RFC 5545 does not allow, and what loudspeakers cannot bear, is said and what to write instead."""
    began = measuring.process_time()
    with pytest.raises(UnusableError) as refused:
        RRule(text, date(2026, 1, 1), () if "more than" in told else NINE, ZONE)
    assert told in str(refused.value.what)
    assert str(refused.value.following)
    assert measuring.process_time() - began < 1


def test_more_than_48_a_day_by_many_times_is_refused() -> None:
    """What the times of a rule add up to counts."""
    times = tuple(time(5, minute) for minute in range(MOST_A_DAY))
    assert RRule("FREQ=DAILY", date(2026, 1, 1), times, ZONE).times_on(date(2026, 1, 1)) == list(times)
    with pytest.raises(UnusableError, match="more than 48"):
        RRule("FREQ=DAILY", date(2026, 1, 1), (*times, time(6)), ZONE)


def test_a_time_that_the_hours_of_the_rule_leave_out_is_refused() -> None:
    """When “times” and BYHOUR disagree one of them would not hold, and nobody should have to know which."""
    with pytest.raises(UnusableError, match="09:00"):
        RRule("FREQ=DAILY;BYHOUR=6", date(2026, 1, 1), NINE, ZONE)


def test_without_times_and_hour_nobody_knows_when() -> None:
    """A rule that says days alone needs times."""
    with pytest.raises(UnusableError, match="Neither “times” nor BYHOUR"):
        RRule("FREQ=MONTHLY;BYDAY=1MO", date(2026, 1, 1), (), ZONE)


@pytest.mark.parametrize(
    "text", ["FREQ=DAILY", "FREQ=HOURLY;INTERVAL=12", "FREQ=WEEKLY;INTERVAL=3", "FREQ=MONTHLY"]
)
def test_a_first_day_long_ago_costs_nothing(text: str) -> None:
    """A rule that began with the calendar is worked out as fast as one that began this year, and rightly."""
    began = measuring.process_time()
    rule = RRule(text, date(1, 1, 1), NINE, ZONE)
    found = between(rule, date(2026, 1, 1), date(2026, 12, 31))
    assert measuring.process_time() - began < 1
    steps = {(after - before) for before, after in pairwise(found)}
    assert {"DAILY": {1}, "HOURLY;INTERVAL=12": {0.5}, "WEEKLY;INTERVAL=3": {21}, "MONTHLY": {28, 30, 31}}[
        text[5:]
    ] == {step / timedelta(days=1) for step in steps}
    if "WEEKLY" in text:
        assert (found[0].date() - date(1, 1, 1)).days % 21 == 0


pieces = st.sampled_from(["FREQ", "COUNT", "UNTIL", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYHOUR"])
pieces |= st.sampled_from(["BYMINUTE", "BYSECOND", "BYSETPOS", "WKST", "BYWEEKNO", "BYYEARDAY"])
values = st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY", "HOURLY", "MO", "1MO", "-5SU", "MO,TU"])
values |= st.sampled_from(["0", "1", "-1", "29,30", "31", "366", "99999", "²", "٣", "", "\x00"])
values |= st.sampled_from(["20261231T235959Z", "99991231T235959Z", "00010101T000000Z", "20269931T000000"])


@settings(max_examples=300, deadline=None)
@example(["FREQ=DAILY", "UNTIL=99991231T235959Z"], date(2026, 1, 1), UTC)
@example(["FREQ=DAILY"], date(9999, 12, 31), UTC)
@given(
    st.lists(st.builds("{}={}".format, pieces, values) | st.text(max_size=5), max_size=5),
    st.dates(),
    st.sampled_from([ZONE, NEW_YORK]),
)
def test_nothing_hangs_and_nothing_else_is_raised(parts: list[str], start: date, zone: ZoneInfo) -> None:
    """Whatever stands in a rule, it is used or refused, within two seconds."""
    began = measuring.process_time()
    for text in (";".join(parts), ";".join(["FREQ=MONTHLY", *parts]), ";".join(["FREQ=DAILY", *parts])):
        for times in (NINE, ()):
            refused = list(refusals(text, start, times, zone))
            assert all(str(error) for error in refused)
    assert measuring.process_time() - began < 12


def refusals(text: str, start: date, times: tuple[time, ...], zone: ZoneInfo) -> Iterator[ValueError]:
    try:
        RRule(text, start, times, zone).times_on(date(2026, 5, 1))
    except ValueError as error:
        yield error
