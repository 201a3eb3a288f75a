"""Seasons, recurrences, extras and holidays in the officers' files."""

from datetime import date, datetime, time
from pathlib import Path

import pytest

from broadcaster.edges.content import load
from broadcaster.edges.content.holidays import Holiday
from broadcaster.edges.content.lastgood import LastGood
from broadcaster.edges.content.recurrence import RRule
from broadcaster.model.occurrence import Occurrence, Reason, State
from broadcaster.model.plan import plan
from broadcaster.model.schedule import Days, Exclusion, Relay, Rule, Season
from tests.factories import EVENING, MORNING, ZONE, at
from tests.stations import SCHEDULE, airs, assert_told, only_fault, write

SEASONS = """
[[season]]
name = "thu-hoach-vai"
title = "Thu hoạch vải thiều"
group = "farmers"
areas = ["03160"]
from = 2026-06-01
until = 2026-07-31

[[season]]
name = "giap-hat"
group = "everyone"
areas = ["11"]
from = 2026-03-01
until = 2026-04-15
"""
HARVEST = (
    'title = "Vải"\nscript = "vai"\nareas = ["11"]\n[[rule]]\nseason = "thu-hoach-vai"\ntimes = [17:30:00]\n'
)


def planned(station: Path, schedule: str, first: str, until: str) -> list[Occurrence]:
    return [one for one in plan(load(station).content, {}, at(first), at(until)) if one.schedule == schedule]


def farmers(station: Path) -> None:
    write(
        station,
        "audio/vai/script.toml",
        'title = "Vải"\ngroup = "farmers"\n[[item]]\nid = "a"\ntext = { vi = "A" }\n',
    )


# --- what is right


def test_every_new_key_is_read(station: Path) -> None:
    """Seasons, recurrences, a campaign's title, extras and holidays mean what they say."""
    write(station, "schedules/seasons.toml", SEASONS)
    write(
        station,
        "schedules/bhxh.toml",
        """
        title = "BHXH"
        script = "tin"
        areas = ["11"]
        except = [
            "Tết",
            { holiday = "Quốc khánh", reason = "Lễ" },
            { from = 2026-05-01, until = 2026-05-02, reason = "Hội" },
        ]
        [[rule]]
        season = ["thu-hoach-vai", "giap-hat"]
        times = [17:30:00]
        [[rule]]
        not_in_season = "giap-hat"
        from = 2026-01-01
        rrule = " RRULE:FREQ=MONTHLY;BYDAY=1MO "
        times = [05:30:00, 17:30:00]
        [[rule]]
        from = 2026-01-01
        rrule = "FREQ=WEEKLY;BYHOUR=6"
        [[campaign]]
        title = "Đợt cao điểm"
        from = 2026-11-01
        until = 2026-11-30
        times = [05:30:00]
        [[extra]]
        at = 2026-11-20T18:00:00
        """,
    )
    loaded = load(station)
    assert not loaded.faults
    schedule = loaded.content.schedules[0]
    day = date(2026, 1, 1)
    assert list(schedule.rules) == [
        Rule((EVENING,), season=("thu-hoach-vai", "giap-hat")),
        Rule(
            (MORNING, EVENING),
            Days(day),
            not_in_season=("giap-hat",),
            recurrence=RRule("FREQ=MONTHLY;BYDAY=1MO", day, (MORNING, EVENING), ZONE),
        ),
        Rule((), Days(day), recurrence=RRule("FREQ=WEEKLY;BYHOUR=6", day, (), ZONE)),
    ]
    assert schedule.rules[2].times_on(date(2026, 1, 8)) == [time(6)]
    assert [rule.title for rule in schedule.campaigns] == ["Đợt cao điểm"]
    assert list(schedule.extras) == [datetime(2026, 11, 20, 18)]  # noqa: DTZ001 - wall time
    assert list(schedule.exclusions) == [
        Exclusion(Holiday("Tết"), "Tết"),
        Exclusion(Holiday("Quốc khánh"), "Lễ"),
        Exclusion(Days(date(2026, 5, 1), date(2026, 5, 2)), "Hội"),
    ]
    assert list(loaded.content.seasons) == [
        Season(
            "thu-hoach-vai",
            "Thu hoạch vải thiều",
            "farmers",
            ("03160",),
            Days(date(2026, 6, 1), date(2026, 7, 31)),
        ),
        Season("giap-hat", "giap-hat", "everyone", ("11",), Days(date(2026, 3, 1), date(2026, 4, 15))),
    ]


@pytest.mark.parametrize("script", ["", 'script = "tin"'])
@pytest.mark.parametrize(
    "url",
    [
        "http://radio.vn:8000/live.mp3",
        "https://ten:mat@radio.vn/a/live.m3u8?q=1",
        "line:default",
        "line:hw:1",
    ],
)
def test_a_relay_names_its_source_and_its_minutes(station: Path, url: str, script: str) -> None:
    """A stream or a line input sounds for its minutes; a script is only what replaces it."""
    head = f'title = "Tiếp âm"\n{script}\nareas = ["11"]\nrelay = "{url}"\nminutes = 20\n'
    write(station, "schedules/tiep-am.toml", head + "[[rule]]\ntimes = [05:30:00]\n")
    assert not load(station).faults
    (one,) = planned(station, "tiep-am", "2026-11-20", "2026-11-21")
    assert (one.relay, one.seconds, one.state) == (Relay(url, 1200), 1200, State.PLANNED)
    assert (one.script, one.script_title) == ("tin" if script else "", "Tiếp âm")


@pytest.mark.parametrize(
    "written",
    [
        'except = ["Tết"]',
        'except = ["tết"]',
        'except = [" TẾT "]',
        'except = [{ holiday = "Tết" }]',
        'except = ["Quốc khánh", { holiday = "tết", reason = "Tết" }]',
    ],
)
def test_a_holiday_is_excepted_by_its_name(station: Path, written: str) -> None:
    """However it is written, Tết is silent by its name, and the days around it sound."""
    write(station, "schedules/bhxh.toml", f"{written}\n{SCHEDULE}")
    assert not load(station).faults
    days = {one.at.day: one for one in planned(station, "bhxh", "2026-02-10", "2026-02-26")}
    silent = {day: one.detail for day, one in days.items() if one.state is State.EXCEPTED}
    assert silent == dict.fromkeys(range(16, 21), "Tết")
    assert days[15].state is days[21].state is State.PLANNED


def test_a_holiday_in_a_table_of_its_own(station: Path) -> None:
    """[[except]] takes a holiday too, and its reason is the holiday's name where none is given."""
    write(station, "schedules/bhxh.toml", f'{SCHEDULE}[[except]]\nholiday = "Tết"\n')
    assert not load(station).faults
    (one,) = planned(station, "bhxh", "2027-02-06", "2027-02-07")
    assert (one.state, one.reason, one.detail) == (State.EXCEPTED, Reason.EXCEPTED, "Tết")


def test_an_extra_alone_is_a_schedule(station: Path) -> None:
    """One single broadcast needs no rule."""
    write(
        station,
        "schedules/a.toml",
        'title = "Họp"\nscript = "tin"\nareas = ["11"]\n[[extra]]\nat = 2026-11-20T18:00:00\n',
    )
    assert not load(station).faults
    assert [one.nominal for one in planned(station, "a", "2026-01-01", "2027-01-01")] == [
        at("2026-11-20", "18:00")
    ]


# --- what is wrong

BAD = {
    "no such holiday": ('except = ["Noel"]', "", "no public holiday of the name “Noel”", "Known are: Tết, "),
    "a holiday without accents": ('except = ["Tet"]', "", "of the name “Tet”", "Did you mean “Tết"),
    "a holiday in a table": (
        '[[except]]\nholiday = "Quoc khanh"',
        "[except 1]",
        "“Quoc khanh”",
        "“Quốc khánh”?",
    ),
    "a holiday that is no text": (
        "[[except]]\nholiday = 1",
        "[except 1]",
        "“holiday” is not understood: 1",
        "in quotes",
    ),
    "a holiday with dates": (
        '[[except]]\nholiday = "Tết"\nfrom = 2026-01-01',
        "[except 1]",
        "“from” is not known here",
        "holiday, reason",
    ),
    "exceptions that are neither": ("except = [5]", "", "“except” is not a list of tables", "[[except]]"),
    "one name without brackets": ('except = "Tết"', "", "“except” is not a list of tables", ""),
    "an extra on a day": (
        "[[extra]]\nat = 2026-11-20",
        "[extra 1]",
        "“at” is not understood: 2026-11-20",
        "17:30:00",
    ),
    "an extra without its time": ("[[extra]]\n", "[extra 1]", "“at” is missing", "17:30:00"),
    "an extra with more": (
        "[[extra]]\nat = 2026-11-20T18:00:00\nto = 1",
        "[extra 1]",
        "“to” is not known",
        "Known are: at",
    ),
    "an extra twice": ("[[extra]]\nat = 2026-11-20T18:00:00\n" * 2, "", "stands there twice", "Keep one"),
    "a move beyond all calendars": (
        "[[move]]\noccurrence = 2026-11-20T17:30:00\nto = 9999-12-31T17:30:00",
        "[move 1]",
        "“to” is not understood",
        "a date and time",
    ),
    "rrule without its first day": (
        '[[rule]]\nrrule = "FREQ=DAILY"\ntimes = [17:30:00]',
        "[rule 2]",
        "A rule with an rrule needs its first day",
        "from = 2026-01-01",
    ),
    "rrule without times": (
        '[[rule]]\nrrule = "FREQ=DAILY"\nfrom = 2026-01-01',
        "[rule 2]",
        "Neither “times” nor BYHOUR",
        "times = [17:30:00]",
    ),
    "rrule of nothing": (
        '[[rule]]\nrrule = "FREQ=MONTHLY;BYDAY=6MO"\nfrom = 2026-01-01\ntimes = [17:30:00]',
        "[rule 2]",
        "nothing ever sounds",
        "Look at its days",
    ),
    "rrule that dateutil refuses": (
        '[[rule]]\nrrule = "FREQ=DAILY;UNTIL=20269931T000000"\nfrom = 2026-01-01\ntimes = [17:30:00]',
        "[rule 2]",
        "“rrule” is not understood",
        "FREQ=MONTHLY;BYDAY=1MO",
    ),
    "rrule beyond all calendars": (
        '[[rule]]\nrrule = "FREQ=DAILY;UNTIL=99991231T235959Z"\nfrom = 2026-01-01\ntimes = [17:30:00]',
        "[rule 2]",
        "“rrule” is not understood",
        "FREQ=MONTHLY;BYDAY=1MO",
    ),
    "rrule that is no text": (
        "[[rule]]\nrrule = 5\nfrom = 2026-01-01\ntimes = [17:30:00]",
        "[rule 2]",
        "“rrule” is not understood: 5",
        "in quotes",
    ),
    "from that is no date": (
        '[[rule]]\nrrule = "FREQ=DAILY"\nfrom = "1/1"\ntimes = [17:30:00]',
        "[rule 2]",
        "“from” is not understood",
        "",
    ),
    "a season nobody declared": (
        '[[rule]]\ntimes = [17:30:00]\nseason = "thu-hoach-vay"',
        "",
        "Nobody declared the season “thu-hoach-vay”",
        "Did you mean “thu-hoach-vai”?",
    ),
    "a season like no other": (
        '[[rule]]\ntimes = [17:30:00]\nnot_in_season = ["giap-hat", "xyz"]',
        "",
        "Nobody declared the season “xyz”",
        "Declare it as a [[season]] in schedules/seasons.toml",
    ),
    "a season that is no text": (
        "[[rule]]\ntimes = [17:30:00]\nseason = 5",
        "[rule 2]",
        "“season” is not understood: 5",
        "",
    ),
    "a campaign's title": (
        "[[campaign]]\ntitle = 5\nfrom = 2026-01-01\nuntil = 2026-01-02\ntimes = [17:30:00]",
        "[campaign 1]",
        "“title” is not understood: 5",
        "",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_each_fault_of_the_new_keys_is_told_once(station: Path, name: str) -> None:
    """One thing that is wrong is one fault with its place, and the other schedules air."""
    text, place, what, following = BAD[name]
    write(station, "schedules/seasons.toml", SEASONS)
    before, after = ("", text) if text.startswith("[[") else (f"{text}\n", "")
    write(station, "schedules/xau.toml", f"{before}{SCHEDULE}\n{after}\n")
    assert_told(only_fault(station), f"schedules/xau.toml {place}".rstrip(), what, following)
    assert load(station).left_out == {"schedules/xau"}


# --- seasons.toml

BAD_SEASONS = {
    "no TOML": ("[[season", "schedules/seasons.toml", ""),
    "an unknown key": (f"{SEASONS}tille = 1", "schedules/seasons.toml [season 2]", "“tille” is not known"),
    "no name": (
        SEASONS.replace('name = "giap-hat"', ""),
        "schedules/seasons.toml [season 2]",
        "“name” is missing",
    ),
    "a wild name": (
        SEASONS.replace('"giap-hat"', '"giáp hạt"'),
        "schedules/seasons.toml [season 2]",
        "“name”",
    ),
    "no such group": (SEASONS.replace("everyone", "nobody"), "schedules/seasons.toml [season 2]", "“group”"),
    "no such area": (SEASONS.replace('["11"]', '["zz"]'), "schedules/seasons.toml [season 2]", "“zz”"),
    "upside down": (
        SEASONS.replace("2026-04-15", "2025-04-15"),
        "schedules/seasons.toml [season 2]",
        "It ends",
    ),
    "no end": (
        SEASONS.replace("until = 2026-04-15", ""),
        "schedules/seasons.toml [season 2]",
        "“until” is missing",
    ),
    "no table": ("season = 5", "schedules/seasons.toml", "“season” is not a list of tables"),
    "something else": ("[[saison]]", "schedules/seasons.toml", "“saison” is not known here"),
}


@pytest.mark.parametrize("name", BAD_SEASONS)
def test_what_names_seasons_waits_while_they_are_faulty(station: Path, name: str) -> None:
    """A faulty seasons.toml is told, and so is each schedule that needs it; the others go on."""
    text, where, what = BAD_SEASONS[name]
    farmers(station)
    write(station, "schedules/vai.toml", HARVEST)
    write(station, "schedules/seasons.toml", text)
    loaded = load(station)
    first, second = loaded.faults
    assert_told(first, where, what, "")
    assert_told(second, "schedules/vai.toml", "schedules/seasons.toml cannot be used", "Mend what is said")
    assert loaded.left_out == {"schedules/seasons.toml", "schedules/vai"}
    assert not loaded.content.seasons
    assert airs(loaded)


def test_a_season_without_its_file_is_declared_nowhere(station: Path) -> None:
    """Without seasons.toml there are no seasons, and that is no fault of its own."""
    assert not load(station).faults
    farmers(station)
    write(station, "schedules/vai.toml", HARVEST)
    assert_told(
        only_fault(station), "schedules/vai.toml", "Nobody declared the season “thu-hoach-vai”", "[[season]]"
    )


def test_the_last_good_seasons_stay_until_they_are_mended(station: Path, tmp_path: Path) -> None:
    """While seasons.toml is faulty the last good seasons hold, with the schedules that name them."""
    farmers(station)
    write(station, "schedules/seasons.toml", SEASONS)
    write(station, "schedules/vai.toml", HARVEST)
    last_good = LastGood(station, tmp_path / "kept")
    assert not last_good.remember(load(station).left_out)
    good = load(station).content
    write(station, "schedules/seasons.toml", SEASONS.replace("everyone", "nobody"))
    kept = last_good.load(lambda instead: load(station, instead=instead))
    assert kept.faults
    assert kept.content.seasons == good.seasons
    assert [one.id for one in kept.content.schedules] == ["tin", "vai"]
    write(station, "schedules/seasons.toml", SEASONS.replace("2026-07-31", "2026-08-31"))
    mended = last_good.load(lambda instead: load(station, instead=instead))
    assert mended.content.seasons[0].within.last == date(2026, 8, 31)


def test_a_season_is_tried_before_it_is_saved(station: Path) -> None:
    """A text that would be saved as seasons.toml counts as if it were there."""
    farmers(station)
    write(station, "schedules/vai.toml", HARVEST)
    tried = load(station, instead={"schedules/seasons.toml": SEASONS})
    assert not tried.faults
    assert len(tried.content.seasons) == 2
    write(station, "schedules/seasons.toml", SEASONS)
    assert load(station, instead={"schedules/seasons.toml": None}).content.seasons == ()


def test_a_season_belongs_to_group_place_and_year(station: Path) -> None:
    """The harvest is heard by its group's schedules, in its place, in its own year alone."""
    farmers(station)
    write(station, "schedules/seasons.toml", SEASONS)
    write(station, "schedules/vai.toml", HARVEST)
    write(station, "schedules/ai-cung.toml", HARVEST.replace('"vai"', '"tin"', 1))
    assert not load(station).faults
    days = [one.at.date() for one in planned(station, "vai", "2025-01-01", "2028-01-01")]
    assert (days[0], days[-1], len(days)) == (date(2026, 6, 1), date(2026, 7, 31), 61)
    assert not planned(station, "ai-cung", "2025-01-01", "2028-01-01")
