"""Calendars say the same times to every program, and come back as the schedules that they were."""

import re
import tomllib
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
from hypothesis import HealthCheck, assume, given, settings

from broadcaster.edges.calendars import Arrived, Leaving, plan_calendar, read_calendar, schedules_calendar
from broadcaster.edges.editing import schedule_text
from broadcaster.model.airing import Outcome
from broadcaster.model.errors import BroadcasterError, Fault
from broadcaster.model.occurrence import Occurrence
from broadcaster.model.plan import plan
from broadcaster.model.schedule import Schedule
from tests import timetables
from tests.factories import ZONE, at, make_airing, make_content, make_log, make_schedule, make_script
from tests.timetables import FIRST, LAST, a_content, broadcasts, in_season

SOME = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
STAMP = at("2026-11-20", "08:00")


def sent(station: Path, **data: Any) -> tuple[dict[str, Schedule], bytes]:
    """These schedules, and the calendar that they make."""
    known = {one.id: one for one in a_content(station, **data).schedules}
    leaving = [
        Leaving(one, schedule_text(data[name]), lambda day: [in_season(day)]) for name, one in known.items()
    ]
    return known, schedules_calendar("Đài mẫu", "Hết năm 2027", leaving, ZONE, FIRST, LAST, STAMP)


def came(folder: Path, data: bytes | str) -> Arrived:
    path = folder / "lich.ics"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_calendar(path, ZONE, "Theo lịch")


def foreign(data: bytes) -> bytes:
    """What another program makes of our calendar: without what is ours alone."""
    text = data.decode().replace("\r\n ", "")
    return re.sub(r"(?m)^X-BROADCASTER.*\r\n", "", text).encode()


@SOME
@given(timetables.schedules())
def test_a_schedule_comes_back_from_its_calendar_exactly(station: Path, data: dict[str, Any]) -> None:
    """The text of its file is in the calendar, to the letter."""
    _known, calendar = sent(station, lich=data)
    arrived = came(station, calendar)
    assert arrived.texts == {"lich": schedule_text(data)}
    assert tomllib.loads(arrived.texts["lich"]) == data
    assert (arrived.schedules, arrived.notes) == ({}, [])


@SOME
@given(timetables.schedules())
def test_another_program_sees_the_same_times(station: Path, data: dict[str, Any]) -> None:
    """Read without what is ours alone, a calendar gives every broadcast of its two years, and no other."""
    known, calendar = sent(station, lich=data)
    arrived = came(station, foreign(calendar))
    found = {name: {"script": "tin", "areas": ["11"]} | one for name, one in arrived.schedules.items()}
    again = a_content(station, **found).schedules
    last = datetime(2027, 12, 31)  # noqa: DTZ001 - wall time
    assert {when for one in again for when in broadcasts(one) if when < last} == {
        when for when in broadcasts(known["lich"]) if when < last
    }


# --- the plan


def events_of(data: bytes) -> list[Any]:
    """The appointments as another program reads them; no line is longer than RFC 5545 allows."""
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    (calendar,) = icalendar.Calendar.from_ical(data, multiple=True)
    assert calendar.errors == []
    return list(calendar.walk("VEVENT"))


def a_plan() -> Sequence[Occurrence]:
    """A broadcast that is planned, and one for which there is no room."""
    long = make_script("dai", title="Bản tin; dài, rất dài " + "ă" * 40, seconds=1780)
    content = make_content(
        make_schedule("tin"), make_schedule("dai", scripts=["dai"]), scripts=[make_script(), long]
    )
    return plan(content, {}, at("2026-11-20"), at("2026-11-21"))


def test_a_plan_is_a_calendar_that_every_program_reads() -> None:
    """Time, length, title, place and class are there; each bears the id of its occurrence."""
    (first, second), made = a_plan(), at("2026-11-20", "08:00")
    one, other = events_of(plan_calendar("Đài, mẫu", [first, second], made))
    dai, tin = (one, other) if "dai/" in one["UID"] else (other, one)
    assert str(tin["UID"]) == "tin/2026-11-20T17:30:00/nam-po@broadcaster"
    assert str(tin["SUMMARY"]).removeprefix("✗ ") == "Kịch bản tin"
    assert str(dai["SUMMARY"]).removeprefix("✗ ") == "Bản tin; dài, rất dài " + "ă" * 40
    assert (str(tin["LOCATION"]), tin.categories) == ("Cụm nam-po", ["NORMAL"])
    assert {event.start for event in (one, other)} == {first.at, second.at}
    assert dai.duration.total_seconds() == 1780
    assert tin["DTSTAMP"].dt == made
    assert str(one["DTSTART"].dt.tzinfo) == "Asia/Ho_Chi_Minh"


def test_what_will_not_sound_stands_there_with_its_reason() -> None:
    """It is marked, and not cancelled: programs would hide it."""
    lost = next(one for one in a_plan() if one.reason)
    (event,) = events_of(plan_calendar("", [lost], STAMP, lambda one: f"vì {one.reason}"))
    assert str(event["SUMMARY"]).startswith("✗ ")
    assert str(event["DESCRIPTION"]) == f"vì {lost.reason}"
    assert "STATUS" not in event


def test_what_did_not_sound_is_marked_too() -> None:
    """What the play log says of the past counts."""
    content = make_content()
    (planned,) = plan(content, {}, at("2026-11-20"), at("2026-11-21"))
    for outcome, marked in (("aired", False), ("missed", True)):
        log = make_log(make_airing(planned, Outcome(outcome)))
        (one,) = plan(content, log, at("2026-11-20"), at("2026-11-21"))
        (event,) = events_of(plan_calendar("", [one], STAMP))
        assert str(event["SUMMARY"]).startswith("✗") is marked


def test_the_same_plan_is_the_same_calendar() -> None:
    """No clock is read, and an empty plan is a calendar as well."""
    assert plan_calendar("x", a_plan(), STAMP) == plan_calendar("x", a_plan(), STAMP)
    assert events_of(plan_calendar("x", [], STAMP)) == []


# --- schedules out


def test_holidays_campaigns_and_moves_stand_in_the_calendar(station: Path) -> None:
    """A rule ends, leaves out what is silent or replaced, and a moved time is an override of that day."""
    data = {
        "title": "Tin",
        "script": "tin",
        "areas": ["11"],
        "except": ["Tết"],
        "rule": [{"until": date(2027, 6, 30), "weekdays": ["fri"], "times": [time(17, 30)]}],
        "campaign": [{"from": date(2026, 11, 1), "until": date(2026, 11, 7), "times": [time(5, 30)]}],
        "move": [{"occurrence": datetime(2026, 11, 20, 17, 30), "to": datetime(2026, 11, 20, 18)}],  # noqa: DTZ001
    }
    _known, calendar = sent(station, lich=data)
    campaign, rule, moved = events_of(calendar)
    assert rule["RRULE"].to_ical() == b"FREQ=WEEKLY;UNTIL=20270630T165959Z;BYDAY=FR"
    left_out = {each.dt.date() for one in rule["EXDATE"] for each in one.dts}
    assert {date(2026, 11, 6), date(2027, 2, 5)} <= left_out
    assert date(2026, 11, 13) not in left_out
    assert campaign["DTSTART"].dt == at("2026-11-01", "05:30")
    assert moved["UID"] == rule["UID"]
    assert (moved["RECURRENCE-ID"].dt, moved["DTSTART"].dt) == (
        at("2026-11-20", "17:30"),
        at("2026-11-20", "18:00"),
    )


def test_a_schedule_that_rests_sounds_in_no_calendar(station: Path) -> None:
    """Its appointments are cancelled, and it comes back as it was."""
    data = {
        "title": "Tin",
        "script": "tin",
        "areas": ["11"],
        "enabled": False,
        "rule": [{"times": [time(5)]}],
    }
    _known, calendar = sent(station, lich=data)
    assert [str(one["STATUS"]) for one in events_of(calendar)] == ["CANCELLED"]
    assert came(station, calendar).texts == {"lich": schedule_text(data)}


def test_what_was_changed_in_another_program_counts(station: Path) -> None:
    """A time that was moved is not overruled by the file in the calendar; the other schedule is untouched."""
    data = {"title": "Tin", "script": "tin", "areas": ["11"], "rule": [{"times": [time(17, 30)]}]}
    other = data | {"title": "Khác", "class": "priority"}
    _known, calendar = sent(station, lich=data, khac=other)
    changed = calendar.replace(b"20260101T173000", b"20260101T180000", 2)
    arrived = came(station, changed.replace(b"20260101T180000", b"20260101T173000", 1))
    assert arrived.texts.keys() == {"khac"}
    assert arrived.schedules == {"lich": data | {"rule": [{"times": [time(18)]}]}}
    assert "were changed since" in str(arrived.notes[0].what)


RICH: dict[str, Any] = {
    "title": "Tin",
    "script": "tin",
    "areas": ["11"],
    "class": "priority",
    "except": ["Tết", {"from": date(2026, 12, 1), "until": date(2026, 12, 2), "reason": "Mất điện"}],
    "rule": [
        {"months": [5, 11], "times": [time(5, 30), time(17, 30)]},
        {
            "months": [1, 2, 3, 12],
            "weekdays": ["tue", "fri"],
            "times": [time(17, 30)],
            "not_in_season": "giap-hat",
            "at_least": {"airings": 2, "per": "week"},
        },
        {"season": "thu-hoach-vai", "times": [time(17, 30)]},
    ],
    "campaign": [{"from": date(2026, 11, 9), "until": date(2026, 11, 11), "times": [time(17, 30)]}],
    "move": [{"occurrence": datetime(2026, 11, 20, 17, 30), "to": datetime(2026, 11, 20, 18)}],  # noqa: DTZ001
}


def retimed(data: bytes, change: Callable[[datetime], datetime], names: str) -> bytes:
    """A calendar in which the times of the lines *names* are others."""

    def line(found: re.Match[str]) -> str:
        at = datetime.strptime(found[2], "%Y%m%dT%H%M%S")  # noqa: DTZ007
        return f"{found[1]}{change(at):%Y%m%dT%H%M%S}"

    text = data.decode().replace("\r\n ", "")
    return re.sub(rf"(?m)^((?:{names});TZID=Asia/Ho_Chi_Minh:)(\d+T\d+)", line, text).encode()


def a_quarter_later(at: datetime) -> datetime:
    return at + timedelta(minutes=15) if at.time() == time(17, 30) else at


@pytest.mark.parametrize("names", ["DTSTART|RDATE|EXDATE|RECURRENCE-ID", "DTSTART|RDATE"])
def test_what_a_calendar_cannot_hold_outlives_a_change(station: Path, names: str) -> None:
    """Times were moved, with the days left out or without them: the rest of the file stays, and is told."""
    _known, calendar = sent(station, lich=RICH)
    arrived = came(station, retimed(calendar, a_quarter_later, names))
    later = [
        rule | {"times": [a_quarter_later(datetime.combine(FIRST, at)).time() for at in rule["times"]]}
        for rule in (*RICH["rule"], *RICH["campaign"])
    ]
    move = {"occurrence": datetime(2026, 11, 20, 17, 45), "to": datetime(2026, 11, 20, 18)}  # noqa: DTZ001
    assert arrived.schedules == {"lich": RICH | {"rule": later[:3], "campaign": later[3:], "move": [move]}}
    assert "silent days stay as they were: Tết; 01/12/2026-02/12/2026 (Mất điện)" in " ".join(
        str(one.what) for one in arrived.notes
    )


@SOME
@given(timetables.schedules())
def test_a_moved_time_wakes_nobody_on_a_silent_day(station: Path, data: dict[str, Any]) -> None:
    """Whatever the schedule, its silent days are silent in every year when its series were dragged."""
    known, calendar = sent(station, lich=data)
    arrived = came(station, retimed(calendar, lambda at: at.replace(second=at.second ^ 1), "DTSTART"))
    again = a_content(station, **arrived.texts, **arrived.schedules).schedules
    days = [FIRST + timedelta(days=number) for number in range(3 * 365)]
    silent = [day for day in days if known["lich"].exclusion_on(day)]
    assert all(one.exclusion_on(day) for one in again for day in silent)


@SOME
@given(timetables.schedules())
def test_every_time_that_was_moved_is_taken(station: Path, data: dict[str, Any]) -> None:
    """All moved alike, the broadcasts are the same ones at the other time."""

    def change(at: datetime) -> datetime:
        return at.replace(second=at.second ^ 1)

    rules = [*data.get("rule", ()), *data.get("campaign", ())]
    assume(all("times" in one for one in rules))  # else their RRULE says the times
    asked = [at for one in rules for at in one["times"]] + [one["at"].time() for one in data.get("extra", ())]
    assume(len(asked) == len({*asked}))  # what two rules ask for is one appointment
    known, calendar = sent(station, lich=data)
    arrived = came(station, retimed(calendar, change, "DTSTART|RDATE|EXDATE|RECURRENCE-ID"))
    again = a_content(station, **arrived.texts, **arrived.schedules).schedules
    assert {when for one in again for when in broadcasts(one)} == {
        change(when) for when in broadcasts(known["lich"])
    }


def test_a_time_left_out_on_one_day_is_a_schedule_of_its_own(station: Path) -> None:
    """Of two times the morning's is deleted once: the evening still sounds, and both keep Tết."""
    data = RICH | {"rule": [{"times": [time(5, 30), time(17, 30)]}]}
    del data["move"], data["campaign"]
    _known, calendar = sent(station, lich=data)
    at = ";TZID=Asia/Ho_Chi_Minh:2026"
    arrived = came(
        station,
        calendar.replace(
            f"DTSTART{at}0101T053000".encode(), f"DTSTART{at}0101T053000\r\nEXDATE{at}0720T053000".encode()
        ),
    )
    day = {"from": date(2026, 7, 20), "until": date(2026, 7, 20), "reason": "Theo lịch"}
    assert arrived.schedules == {
        "lich": data | {"rule": [{"times": [time(17, 30)]}]},
        "lich-2": data | {"rule": [{"times": [time(5, 30)]}], "except": [*data["except"], day]},
    }
    assert "one of several times" in " ".join(str(one.what) for one in arrived.notes)


def without(calendar: bytes, uid: str) -> bytes:
    """A calendar in which appointments were deleted."""
    return re.sub(rb"BEGIN:VEVENT\r\nUID:%b.*?END:VEVENT\r\n" % uid.encode(), b"", calendar, flags=re.DOTALL)


def test_what_was_deleted_in_another_program_is_gone(station: Path) -> None:
    """A time, a rule; where a campaign was, nothing sounds; a quota of what is another rule now is told."""
    _known, calendar = sent(station, lich=RICH)
    arrived = came(station, without(calendar, "lich/campaign-1"))
    (found,) = arrived.schedules.values()
    assert found["except"][2:] == [
        {"from": date(2026, 11, 9), "until": date(2026, 11, 11), "reason": "Theo lịch"}
    ]
    assert found["rule"] == RICH["rule"]
    (found,) = came(station, without(calendar, "lich/rule-1/053000")).schedules.values()
    assert found["rule"] == [{"months": [5, 11], "times": [time(17, 30)]}, *RICH["rule"][1:]]
    arrived = came(station, calendar.replace(b"BYDAY=TU,FR", b"BYDAY=TU"))
    (found,) = arrived.schedules.values()
    assert found["rule"][1] == {
        "months": [1, 2, 3, 12],
        "weekdays": ["tue"],
        "times": [time(17, 30)],
        "not_in_season": "giap-hat",
    }
    assert "quota of a rule" in " ".join(str(one.what) for one in arrived.notes)
    arrived = came(station, without(calendar, "lich"))
    assert (arrived.texts, arrived.schedules) == ({}, {})
    assert "are gone" in " ".join(str(one.what) for one in arrived.notes)


def test_days_left_out_by_us_stay_silent_without_the_file(station: Path) -> None:
    """A program that keeps nothing but appointments moved the series and let the EXDATEs be."""
    data = {key: RICH[key] for key in ("title", "script", "areas", "except")}
    _known, calendar = sent(station, lich=data | {"rule": [{"times": [time(17, 30)]}]})
    arrived = came(station, foreign(retimed(calendar, a_quarter_later, "DTSTART")))
    (found,) = arrived.schedules.values()
    silent = [(one["from"], one["until"]) for one in found["except"]]
    assert (date(2026, 12, 1), date(2026, 12, 2)) in silent
    assert any(first <= date(2027, 2, 6) <= last for first, last in silent)


# --- calendars of other programs in


def event(*lines: str, start: str = ";TZID=Asia/Ho_Chi_Minh:20261124T173000") -> str:
    """A Tuesday evening."""
    return "\n".join(["BEGIN:VEVENT", "UID:a", "SUMMARY:Tin xã", f"DTSTART{start}", *lines, "END:VEVENT"])


def calendar(*events: str) -> str:
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *events, "END:VCALENDAR"])


def only(folder: Path, *events: str) -> dict[str, Any]:
    """The one schedule of a calendar of which nothing is said."""
    arrived = came(folder, calendar(*events))
    assert arrived.notes == []
    assert arrived.schedules.keys() == {"tin-xa"}
    return arrived.schedules["tin-xa"]


DAY = date(2026, 11, 24)
EVENING = {"from": DAY, "times": [time(17, 30)]}
RULES = {
    "FREQ=DAILY": EVENING,
    "FREQ=WEEKLY;BYDAY=TU,FR": EVENING | {"weekdays": ["tue", "fri"]},
    "FREQ=WEEKLY": EVENING | {"weekdays": ["tue"]},
    "FREQ=MONTHLY": EVENING | {"days": [24]},
    "FREQ=YEARLY": EVENING | {"months": [11], "days": [24]},
    "FREQ=YEARLY;BYMONTH=5,11;BYDAY=TU": EVENING | {"months": [5, 11], "weekdays": ["tue"]},
    "FREQ=DAILY;UNTIL=20261130T103000Z": EVENING | {"until": date(2026, 11, 30)},
    "FREQ=DAILY;UNTIL=20261130T102959Z": EVENING | {"until": date(2026, 11, 29)},
    "FREQ=DAILY;UNTIL=20261130": EVENING | {"until": date(2026, 11, 30)},
    "FREQ=MONTHLY;BYDAY=4TU": EVENING | {"rrule": "FREQ=MONTHLY;BYDAY=4TU"},
    "FREQ=WEEKLY;INTERVAL=2;COUNT=5": EVENING | {"rrule": "FREQ=WEEKLY;COUNT=5;INTERVAL=2"},
    "FREQ=MONTHLY;BYMONTHDAY=-1": EVENING | {"rrule": "FREQ=MONTHLY;BYMONTHDAY=-1"},
    "FREQ=DAILY;BYHOUR=17,18": EVENING | {"times": [time(17, 30), time(18, 30)]},
}


@pytest.mark.parametrize("rrule", RULES)
def test_a_recurrence_becomes_the_words_of_officers(tmp_path: Path, rrule: str) -> None:
    """Months, weekdays, days and the last day where they say the same; else the RRULE itself."""
    data = only(tmp_path, event(f"RRULE:{rrule}"))
    assert data == {"title": "Tin xã", "rule": [RULES[rrule]]}


def test_a_first_day_that_the_rule_does_not_give_is_kept(tmp_path: Path) -> None:
    """DTSTART counts, also where the recurrence would not fall on it."""
    data = only(tmp_path, event("RRULE:FREQ=WEEKLY;BYDAY=FR"))
    assert data["extra"] == [{"at": datetime(2026, 11, 24, 17, 30)}]  # noqa: DTZ001


def test_single_days_become_exceptions_moves_and_extras(tmp_path: Path) -> None:
    """Days left out are silent with the reason given, stretches in one; what was moved is a move."""
    lines = ("UID:a", "SUMMARY:Tin xã", "RECURRENCE-ID:20261201T103000Z", "DTSTART:20261201T110000Z")
    change = "\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT"])
    gone = change.replace("20261201T103000Z", "20261202T103000Z").replace("SUMM", "STATUS:CANCELLED\nSUMM")
    data = only(
        tmp_path,
        event(
            "RRULE:FREQ=DAILY",
            "EXDATE;TZID=Asia/Ho_Chi_Minh:20261205T173000,20261206T173000",
            "EXDATE;VALUE=DATE:20261210",
            "EXDATE:20261211T000000",
            "RDATE;VALUE=PERIOD:20261225T113000Z/PT1H",
        ),
        change,
        gone,
    )
    assert data["except"] == [
        {"from": date(2026, 12, first), "until": date(2026, 12, last), "reason": "Theo lịch"}
        for first, last in ((2, 2), (5, 6), (10, 10))
    ]
    wall = datetime(2026, 12, 1, 17, 30)  # noqa: DTZ001
    assert data["move"] == [{"occurrence": wall, "to": wall.replace(hour=18, minute=0)}]
    assert data["extra"] == [{"at": datetime(2026, 12, 25, 18, 30)}]  # noqa: DTZ001


def test_appointments_that_leave_out_other_days_stay_apart(tmp_path: Path) -> None:
    """A schedule is silent on whole days: one whose evening is left out does not silence the other's."""
    arrived = came(
        tmp_path,
        calendar(
            event("RRULE:FREQ=DAILY", "EXDATE:20261205T103000Z"),
            event("RRULE:FREQ=DAILY", start=":20261124T053000").replace("UID:a", "UID:b"),
            event(start=":20261205T180000").replace("UID:a", "UID:c"),
        ),
    )
    evening, morning = arrived.schedules.values()
    assert arrived.schedules.keys() == {"tin-xa", "tin-xa-2"}
    assert len(evening["except"]) == 1
    assert "except" not in morning
    assert morning["extra"] == [{"at": datetime(2026, 12, 5, 18)}]  # noqa: DTZ001


@pytest.mark.parametrize(
    "start",
    [
        ":20261124T173000",
        ":20261124T103000Z",
        ";TZID=SE Asia Standard Time:20261124T173000",
        ";TZID=/mozilla.org/20050126_1/Asia/Ho_Chi_Minh:20261124T173000",
        ";TZID=America/New_York:20261124T053000",
    ],
)
def test_times_of_other_zones_become_the_stations(tmp_path: Path, start: str) -> None:
    """Floating ones are the station's already; the zones of Windows and Mozilla have names of their own."""
    assert only(tmp_path, event(start=start))["extra"] == [{"at": datetime(2026, 11, 24, 17, 30)}]  # noqa: DTZ001


TOLD = {
    "whole day": (event(start=";VALUE=DATE:20261124"), "no time of day"),
    "cancelled": (event("STATUS:CANCELLED"), "is cancelled"),
    "two rules": (event("RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"), "more than one rule"),
    "exrule": (event("RRULE:FREQ=DAILY", "EXRULE:FREQ=WEEKLY"), "more than one rule"),
    "damaged start": (event(start=":gestern"), "damaged"),
    "damaged rule": (event("RRULE:FREQ=OFTEN"), "damaged"),
    "no frequency": (event("RRULE:BYDAY=MO"), "damaged"),
    "damaged exdate": (event("RRULE:FREQ=DAILY", "EXDATE:bald"), "damaged"),
    "from a day on": (event("RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T173000"), "this and all following"),
    "other days": (
        event("RRULE:FREQ=WEEKLY;BYDAY=MO", start=";TZID=America/New_York:20261123T173000"),
        "others here: it was left out",
    ),
    "many dates": (event("RDATE:" + ",".join(["20261124T173000"] * 5001)), "more than 5000 single dates"),
    "task": ("BEGIN:VTODO\nUID:x\nEND:VTODO", "are no appointments"),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_cannot_be_held_is_told(tmp_path: Path, name: str) -> None:
    """It is left out with a note that says why; the rest comes in."""
    other = event().replace("UID:a", "UID:z").replace("Tin xã", "Khác")
    arrived = came(tmp_path, calendar(TOLD[name][0], other))
    assert arrived.schedules.keys() == {"khac"}
    (note,) = arrived.notes
    assert note.warning
    assert TOLD[name][1] in str(note.what)


def test_an_unknown_zone_is_told_and_not_followed(tmp_path: Path) -> None:
    """A zone whose clocks change every second keeps nobody busy."""
    zone = "BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\nDTSTART:19000101T000000\nRRULE:FREQ=SECONDLY\n"
    zone += "TZOFFSETFROM:+0700\nTZOFFSETTO:+0800\nEND:STANDARD\nEND:VTIMEZONE"
    arrived = came(tmp_path, calendar(zone, event(start=";TZID=x:20261124T173000")))
    assert arrived.schedules["tin-xa"]["extra"] == [{"at": datetime(2026, 11, 24, 17, 30)}]  # noqa: DTZ001
    assert "“x” is not known" in str(arrived.notes[0].what)


def refused(folder: Path, data: bytes | str) -> Fault:
    with pytest.raises(BroadcasterError) as error:
        came(folder, data)
    (fault,) = error.value.faults
    return fault


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        "Thứ Hai 17:30".encode(),
        b"\xff\xfeB",
        b"BEGIN:VEVENT\r\nEND:VEVENT",
        b"END:VCALENDAR",
    ],
)
def test_what_is_no_calendar_is_refused(tmp_path: Path, data: bytes) -> None:
    """Whatever it is, the fault says how to make one."""
    assert "no calendar" in str(refused(tmp_path, data).what)


def test_a_calendar_that_swells_is_refused(tmp_path: Path) -> None:
    """By its size before it is read, and by its appointments before they are looked at."""
    assert "larger than 3 MB" in str(refused(tmp_path, bytes(3_000_001)).what)
    many = calendar(*["BEGIN:VEVENT\nEND:VEVENT"] * 5001)
    assert "more than 5000 appointments" in str(refused(tmp_path, many).what)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """What is not there, and what is a folder."""
    with pytest.raises(BroadcasterError, match="it is not there"):
        read_calendar(tmp_path / "away.ics", ZONE, "")
    with pytest.raises(BroadcasterError, match="no calendar"):
        read_calendar(tmp_path, ZONE, "")
