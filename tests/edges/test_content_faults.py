"""Whatever is wrong with officers' files is said once: where, what, and what to do next."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time

import pytest

from broadcaster.edges.content import load
from broadcaster.edges.content.scripts import LARGEST_HISTORY, MOST_LINES
from broadcaster.edges.content.tables import MOST_STRANGERS
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.plan import recipe_at
from broadcaster.model.recording import Lack
from broadcaster.model.script import Item
from tests.factories import at, make_approvals, make_script
from tests.stations import (
    AREAS,
    SCHEDULE,
    SCRIPT,
    STATION,
    airs,
    approve,
    assert_told,
    only_fault,
    refusal,
    write,
)

# --- schedules

NO_RULE = SCHEDULE.partition("[[rule]]")[0]
BAD_SCHEDULES = {
    "broken": ('title = "Tin', "This is not valid TOML", ""),
    "binary": (b"\x00\xff\xfe\x80", "This is not a text file in UTF-8", "Save it as UTF-8"),
    "utf-16": (SCHEDULE.encode("utf-16"), "This is not a text file in UTF-8", "Save it as UTF-8"),
    "legacy": (SCHEDULE.encode().replace(b"Tin", b"T\xebt"), "UTF-8", "Save it as UTF-8"),
    "nul": ('title = "Tin\x00"', "This is not valid TOML", ""),
    "long number": (f"title = {'9' * 5000}\n", "too long", "Take out"),
    "deep": (f"title = {'[' * 20_000}", "too deep", "Take out"),
    "day that is none": (SCHEDULE + "from = 2026-02-30\n", "not valid TOML", ""),
    "twice the same key": ('title = "Tin"\n' + SCHEDULE, "not valid TOML", ""),
    "large": (SCHEDULE + "#" * 2_000_000, "larger than 1 MB", "right file"),
    "missing title": (SCHEDULE.replace('title = "Tin"', ""), "“title” is missing", "a text in quotes"),
    "missing script": (SCHEDULE.replace('script = "tin"', ""), "“script” is missing", "a script's name"),
    "missing areas": (SCHEDULE.replace('areas = ["11"]', ""), "“areas” is missing", '["11"]'),
    "missing rules": (NO_RULE, "never plays", "[[rule]]"),
    "no rules": (NO_RULE + "rule = []", "never plays", "[[rule]]"),
    "empty title": (SCHEDULE.replace('"Tin"', '" "'), '“title” is not understood: " "', "a text in quotes"),
    "number as title": (SCHEDULE.replace('"Tin"', "2026"), "“title” is not understood: 2026", "in quotes"),
    "unknown key": ("tilte = 1\n" + SCHEDULE, "“tilte” is not known", "Did you mean “title”?"),
    "stranger key": ("zzz = 1\n" + SCHEDULE, "“zzz” is not known", "Known are: areas, campaign, class"),
    "table as areas": (SCHEDULE.replace('["11"]', "{ a = 1 }"), "not understood: { a = 1 }", "list of area"),
    "no areas": (SCHEDULE.replace('["11"]', "[]"), "“areas” is not understood: []", "list of area codes"),
    "numbers as areas": (
        SCHEDULE.replace('["11"]', "[11]"),
        "“areas” is not understood: [11]",
        'Put it in quotes: ["11"].',
    ),
    "unknown area": (SCHEDULE.replace("11", "3160"), "The area “3160” is not in", "Did you mean “03160”?"),
    "strange area": (
        SCHEDULE.replace("11", "Sơn La"),
        "The area “Sơn La” is not in",
        "11, 03160, 03160/nam-po",
    ),
    "unknown class": (
        'class = "urgent"\n' + SCHEDULE,
        '“class” is not understood: "urgent"',
        "emergency, prior",
    ),
    "list as class": ('class = ["normal"]\n' + SCHEDULE, '“class” is not understood: ["normal"]', "one of"),
    "word as flag": ('enabled = "no"\n' + SCHEDULE, '“enabled” is not understood: "no"', "true or false"),
    "number as flag": ("enabled = 0\n" + SCHEDULE, "“enabled” is not understood: 0", "true or false"),
    "script not there": (
        SCHEDULE.replace('"tin"', '"tim"'),
        "The script “tim” cannot",
        "Did you mean “tin”?",
    ),
    "strange script": (SCHEDULE.replace('"tin"', '"bhxh"'), "audio/bhxh/script.toml", "Write the script"),
    "relay without minutes": (
        'relay = "http://radio.vn/live"\n' + SCHEDULE,
        "“minutes” is missing",
        "1 to 720",
    ),
    "minutes without a relay": (
        "minutes = 30\n" + SCHEDULE,
        "no “relay” that would last so long",
        "Take it out",
    ),
    "no time for a relay": (
        'relay = "http://radio.vn/live"\nminutes = 0\n' + SCHEDULE,
        "“minutes” is not understood: 0",
        "1 to 720",
    ),
    "a day of relay": (
        'relay = "http://radio.vn/live"\nminutes = 721\n' + SCHEDULE,
        "“minutes” is not understood: 721",
        "1 to 720",
    ),
    "minutes in words": (
        'relay = "http://radio.vn/live"\nminutes = "30"\n' + SCHEDULE,
        "“minutes” is not understood",
        "without quotes: 30",
    ),
    "relay by its name": (
        'relay = "radio.vn:8000/live"\nminutes = 30\n' + SCHEDULE,
        "“relay” is not understood",
        "Did you mean “http://radio.vn:8000/live”?",
    ),
    "relay of a card": (
        'relay = "card:default"\nminutes = 30\n' + SCHEDULE,
        "“relay” is not understood",
        "Did you mean “line:default”?",
    ),
    "relay of nothing": (
        'relay = "line:"\nminutes = 30\n' + SCHEDULE,
        "“relay” is not understood",
        "Did you mean “line:default”?",
    ),
    "relay of a file": (
        'relay = "file:///etc/passwd"\nminutes = 30\n' + SCHEDULE,
        "“relay” is not understood",
        "http://radio.vn:8000/live",
    ),
    "relay by another way": (
        'relay = "rtsp://radio.vn/live"\nminutes = 30\n' + SCHEDULE,
        "“relay” is not understood",
        "line:default",
    ),
    "relay with a blank": (
        'relay = "http://radio.vn/my live"\nminutes = 30\n' + SCHEDULE,
        "“relay” is not understood",
        "http://radio.vn:8000/live",
    ),
    "relay with a script that is not there": (
        'relay = "http://radio.vn/live"\nminutes = 30\n' + SCHEDULE.replace('"tin"', '"tim"'),
        "The script “tim” cannot",
        "Did you mean “tin”?",
    ),
    "one rule": (
        SCHEDULE.replace("[[rule]]", "[rule]"),
        "“rule” is not a list of tables",
        "[[rule]] above each",
    ),
    "words as rules": (NO_RULE + 'rule = ["a"]', "“rule” is not a list", "[[rule]]"),
    "one campaign": (SCHEDULE + "[campaign]\nfrom = 2026-01-01", "“campaign” is not a list", "[[campaign]]"),
}


@pytest.mark.parametrize("name", BAD_SCHEDULES)
def test_a_bad_schedule_is_left_out_and_said(station: Path, name: str) -> None:
    """Each thing wrong with a schedule is one fault in its file, and the other schedules air."""
    text, what, following = BAD_SCHEDULES[name]
    write(station, "schedules/xau.toml", text)
    fault = only_fault(station)
    assert_told(fault, "schedules/xau.toml", what, following)
    loaded = load(station)
    assert [schedule.id for schedule in loaded.content.schedules] == ["tin"]
    assert loaded.left_out == {"schedules/xau"}


BAD_RULES = {
    "words as times": ('times = ["17:30"]', '“times” is not understood: ["17:30"]', "quotes: [17:30:00]."),
    "one time": ("times = 17:30:00", "“times” is not understood: 17:30:00", "in brackets: [17:30:00]."),
    "times as YAML reads them": ("times = [330]", "“times” is not understood: [330]", "[05:30:00, 17:30:00]"),
    "hour and minutes as a number": ("times = [530]", "“times” is not understood: [530]", "times of day"),
    "no times": ("times = []", "“times” is not understood: []", "times of day"),
    "missing times": ("", "“times” is missing", "times of day"),
    "part of a second": (
        "times = [17:30:00.5]",
        "“times” is not understood: [17:30:00.500000]",
        "times of day",
    ),
    "date as time": ("times = [2026-11-20]", "“times” is not understood: [2026-11-20]", "times of day"),
    "month 13": ("times = [17:30:00]\nmonths = [13]", "“months” is not understood: [13]", "[5, 11]"),
    "month of truth": ("times = [17:30:00]\nmonths = [true]", "not understood: [true]", "[5, 11]"),
    "no months": ("times = [17:30:00]\nmonths = []", "“months” is not understood: []", "[5, 11]"),
    "one month": ("times = [17:30:00]\nmonths = 5", "“months” is not understood: 5", "[5, 11]"),
    "months in words": (
        'times = [17:30:00]\nmonths = "5"',
        '“months” is not understood: "5"',
        "quotes: [5].",
    ),
    "half a month": ("times = [17:30:00]\nmonths = [5.0]", "“months” is not understood: [5.0]", "[5, 11]"),
    "day 32": ("times = [17:30:00]\ndays = [32]", "“days” is not understood: [32]", "[1, 15]"),
    "day 0": ("times = [17:30:00]\ndays = [0]", "“days” is not understood: [0]", "[1, 15]"),
    "unknown weekday": ('times = [17:30:00]\nweekdays = ["x"]', 'not understood: ["x"]', "mon, tue, wed"),
    "weekday number": ("times = [17:30:00]\nweekdays = [2]", "not understood: [2]", "mon, tue, wed"),
    "bare quota": ("times = [17:30:00]\nat_least = 2", "“at_least” is not understood: 2", "{ airings = 2"),
    "quota a month": (
        'times = [17:30:00]\nat_least = { airings = 2, per = "month" }',
        '“at_least” is not understood: { airings = 2, per = "month" }',
        "{ airings = 2",
    ),
    "quota of none": (
        'times = [17:30:00]\nat_least = { airings = 0, per = "week" }',
        "{ airings = 0",
        "{ airings = 2",
    ),
    "quota of truth": (
        'times = [17:30:00]\nat_least = { airings = true, per = "week" }',
        "airings = true",
        "{ airings = 2",
    ),
    "quota with more": (
        'times = [17:30:00]\nat_least = { airings = 2, per = "week", x = 1 }',
        "not understood",
        "{ airings = 2",
    ),
    "moment as date": (
        "times = [17:30:00]\nfrom = 2026-01-01T00:00:00",
        "“from” is not understood: 2026-01-01T00:00:00",
        "a date such as 2026-11-20",
    ),
    "upside down": (
        "times = [17:30:00]\nfrom = 2026-05-31\nuntil = 2026-05-01",
        "It ends (2026-05-01) before it begins (2026-05-31)",
        "Exchange",
    ),
    "unknown key": ('times = [17:30:00]\nweekday = ["tue"]', "“weekday” is not known", "“weekdays”"),
}


@pytest.mark.parametrize("name", BAD_RULES)
def test_a_bad_rule_is_said_with_its_number(station: Path, name: str) -> None:
    """What is wrong with a rule is told with the rule's place in the file."""
    text, what, following = BAD_RULES[name]
    write(station, "schedules/xau.toml", f"{SCHEDULE}\n[[rule]]\n{text}\n")
    assert_told(only_fault(station), "schedules/xau.toml [rule 2]", what, following)


BAD_PARTS = {
    "campaign without end": (
        "[[campaign]]\nfrom = 2026-04-01\ntimes = [17:30:00]",
        "[campaign 1]",
        "“until” is missing",
        "a date",
    ),
    "campaign upside down": (
        "[[campaign]]\nfrom = 2024-05-31\nuntil = 2024-04-01\ntimes = [17:30:00]",
        "[campaign 1]",
        "It ends (2024-04-01) before it begins (2024-05-31)",
        "Exchange “from” and “until”",
    ),
    "campaign without times": (
        "[[campaign]]\nfrom = 2024-04-01\nuntil = 2024-05-31",
        "[campaign 1]",
        "“times” is missing",
        "times of day",
    ),
    "except without reason": (
        "[[except]]\nfrom = 2027-02-05\nuntil = 2027-02-10",
        "[except 1]",
        "“reason” is missing",
        "in quotes",
    ),
    "except upside down": (
        '[[except]]\nfrom = 2027-02-05\nuntil = 2026-02-10\nreason = "Tết"',
        "[except 1]",
        "It ends",
        "Exchange",
    ),
    "except with times": (
        '[[except]]\nfrom = 2027-02-05\nuntil = 2027-02-10\nreason = "Tết"\ntimes = [05:30:00]',
        "[except 1]",
        "“times” is not known",
        "Known are: from, reason, until",
    ),
    "move without to": (
        "[[move]]\noccurrence = 2026-11-20T17:30:00",
        "[move 1]",
        "“to” is missing",
        "17:30:00",
    ),
    "move of a day": (
        "[[move]]\noccurrence = 2026-11-20\nto = 2026-11-20T18:00:00",
        "[move 1]",
        "“occurrence” is not understood: 2026-11-20",
        "a date and time",
    ),
    "move with offset": (
        "[[move]]\noccurrence = 2026-11-20T17:30:00Z\nto = 2026-11-20T18:00:00",
        "[move 1]",
        "“occurrence” is not understood: 2026-11-20T17:30:00+00:00",
        "a date and time",
    ),
    "move to part of a second": (
        "[[move]]\noccurrence = 2026-11-20T17:30:00\nto = 2026-11-20T18:00:00.5",
        "[move 1]",
        "“to” is not understood: 2026-11-20T18:00:00.5",
        "a date and time",
    ),
    "moved twice": (
        "[[move]]\noccurrence = 2026-11-20T17:30:00\nto = 2026-11-20T18:00:00\n" * 2,
        "",
        "The occurrence of 2026-11-20T17:30:00 is moved twice",
        "Keep the [[move]] that holds",
    ),
}


@pytest.mark.parametrize("name", BAD_PARTS)
def test_a_bad_campaign_exception_or_move_is_said(station: Path, name: str) -> None:
    """What is wrong with a campaign, an exception or a move is told with its place in the file."""
    text, place, what, following = BAD_PARTS[name]
    write(station, "schedules/xau.toml", f"{SCHEDULE}\n{text}\n")
    assert_told(only_fault(station), f"schedules/xau.toml {place}".rstrip(), what, following)


def test_all_faults_of_a_file_come_in_one_pass(station: Path) -> None:
    """An officer mends a file once: everything wrong with it is said together, in the order of the file."""
    write(
        station,
        "schedules/xau.toml",
        'title = 5\nscript = "tin"\nareas = ["99"]\nclas = "normal"\n'
        '[[rule]]\ntimes = ["5:30"]\nmonths = [13]\n[[move]]\nto = 2026-11-20T18:00:00\n',
    )
    faults = load(station).faults
    assert [str(fault.what).split(" ")[0] for fault in faults] == [
        "“title”",
        "“times”",
        "“months”",
        "“occurrence”",
        "The",
        "“clas”",
    ]


def test_faults_come_in_the_same_order_every_time(station: Path) -> None:
    """Two machines, or two runs, list the same faults in the same order."""
    write(station, "schedules/xau.toml", "".join(f"{key} = 1\n" for key in "zyxwvutsr") + SCHEDULE)
    program = "import sys, pathlib; from broadcaster.edges.content import load\n"
    program += "print(*load(pathlib.Path(sys.argv[1])).faults, sep='\\n')"
    told = {
        subprocess.run(
            [sys.executable, "-c", program, str(station)],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1
    assert len(told.pop().splitlines()) == 9


# --- the station itself


def test_a_folder_that_is_no_station_says_so(tmp_path: Path) -> None:
    """Without schedules/station.toml there is no station, and the error says how to come by one."""
    fault = refusal(tmp_path)
    assert_told(fault, str(tmp_path), "This folder is no station", "broadcaster init DIR")


def test_a_station_that_is_not_there_says_so(tmp_path: Path) -> None:
    """A folder that does not exist, or is a file, is no station either."""
    assert "no station" in str(refusal(tmp_path / "nowhere").what)
    assert "no station" in str(refusal(write(tmp_path, "file", "x")).what)


NO_HOURS = "".join(
    line for line in STATION.splitlines(keepends=True) if not line.startswith(("[hours]", "allow"))
)
BAD_STATIONS = {
    "broken": (STATION + "x", "", "This is not valid TOML", ""),
    "binary": (b"\xff\xfe\x00", "", "This is not a text file in UTF-8", "Save it"),
    "no name": (STATION.replace('name = "Đài mẫu"', ""), "", "“name” is missing", "a text in quotes"),
    "unknown area": (
        STATION.replace('area = "03160"\n', 'area = "031600"\n'),
        "",
        "“031600” is not in",
        "“03160”?",
    ),
    "time zone": (
        'timezone = "Asia/Hanoi"\n' + STATION,
        "",
        '“timezone” is not understood: "Asia/Hanoi"',
        "Ho_Chi",
    ),
    "folder as zone": (
        'timezone = "Asia"\n' + STATION,
        "",
        '“timezone” is not understood: "Asia"',
        "Ho_Chi_Minh",
    ),
    "way out as zone": (
        'timezone = "../x"\n' + STATION,
        "",
        '“timezone” is not understood: "../x"',
        "Ho_Chi_Minh",
    ),
    "long zone": (
        f'timezone = "{"a" * 300}"\n' + STATION,
        "",
        '“timezone” is not understood: "aaa',
        "Ho_Chi_Minh",
    ),
    "closing elsewhere": (
        'closing = "../beds/nen.flac"\n' + STATION,
        "",
        "“closing” is not understood",
        "a file in audio/chimes/",
    ),
    "unknown key": ("closng = 1\n" + STATION, "", "“closng” is not known", "Did you mean “closing”?"),
    "no hours": (NO_HOURS, "[hours]", "“allowed” is missing", "spans of the day"),
    "hours not a table": ("hours = 5\n" + NO_HOURS, "", "“hours” is not understood: 5", "a table"),
    "span upside down": (
        STATION.replace("05:00:00, 06:30:00", "06:30:00, 05:00:00"),
        "[hours]",
        "“allowed” is not understood",
        "spans",
    ),
    "span of three": (
        STATION.replace("[05:00:00, 06:30:00]", "[05:00:00, 06:00:00, 06:30:00]"),
        "[hours]",
        "“allowed” is not understood",
        "[[05:00:00, 06:30:00]",
    ),
    "flat spans": (
        STATION.replace("[[05:00:00, 06:30:00], [16:30:00, 18:30:00]]", "[05:00:00, 06:30:00]"),
        "[hours]",
        "“allowed” is not understood: [05:00:00, 06:30:00]",
        "spans of the day",
    ),
    "no span": (
        STATION.replace("[[05:00:00, 06:30:00], [16:30:00, 18:30:00]]", "[]"),
        "[hours]",
        "“allowed” is not understood: []",
        "spans of the day",
    ),
    "truth as minutes": (
        STATION.replace("[hours]", "[hours]\nsession_minutes = true"),
        "[hours]",
        "“session_minutes” is not understood: true",
        "whole minutes",
    ),
    "half a minute": (
        STATION.replace("[hours]", "[hours]\nsession_minutes = 0.5"),
        "[hours]",
        "“session_minutes” is not understood: 0.5",
        "whole minutes",
    ),
    "no sessions": (
        STATION.replace("[hours]", "[hours]\nsessions_per_day = 0"),
        "[hours]",
        "“sessions_per_day” is not understood: 0",
        "a whole number, 1 to 48",
    ),
    "no cluster": (
        STATION.partition("[[cluster]]")[0],
        "",
        "The station has no cluster",
        "Add a [[cluster]]",
    ),
    "one cluster": (
        STATION.replace("[[cluster]]", "[cluster]"),
        "",
        "“cluster” is not a list",
        "[[cluster]]",
    ),
    "two of one id": (
        STATION + STATION[STATION.index("[[cluster]]") :],
        "",
        "Two clusters have the id “nam-po”",
        "id of its own",
    ),
    "bad id": (
        STATION.replace('id = "nam-po"', 'id = "Nậm Pố"'),
        "[cluster Nậm Pố]",
        '“id” is not understood: "Nậm Pố"',
        "small letters, digits and hyphens",
    ),
    "way out as id": (
        STATION.replace('id = "nam-po"', 'id = "../x"'),
        "[cluster ../x]",
        "“id” is not understood",
        "small letters",
    ),
    "no languages": (
        STATION.replace('["vi", "hmn-Latn-VN"]', "[]"),
        "[cluster nam-po]",
        "“languages” is not understood: []",
        '["vi", "hmn-Latn-VN"]',
    ),
    "languages missing": (
        STATION.replace('languages = ["vi", "hmn-Latn-VN"]', ""),
        "[cluster nam-po]",
        "“languages” is missing",
        '["vi", "hmn-Latn-VN"]',
    ),
    "language of Thailand": (
        STATION.replace("hmn-Latn-VN", "th"),
        "[cluster nam-po]",
        "“th” is the language of Thailand",
        "Write blt-Latn-VN (Tai Dam) or twh-Latn-VN (Tai Dón)",
    ),
    "script of Thailand": (
        STATION.replace("hmn-Latn-VN", "th-Thai-TH"),
        "[cluster nam-po]",
        "“th-Thai-TH” is the language of Thailand",
        "blt-Latn-VN",
    ),
    "Mông without script": (
        STATION.replace("hmn-Latn-VN", "hmn"),
        "[cluster nam-po]",
        "“hmn” does not name its script",
        "Did you mean “hmn-Latn-VN”?",
    ),
    "Thái without script": (
        STATION.replace("hmn-Latn-VN", "blt-VN"),
        "[cluster nam-po]",
        "“blt-VN” does not name its script",
        "Did you mean “blt-Latn-VN”?",
    ),
    "no language at all": (
        STATION.replace("hmn-Latn-VN", "tiếng Mông"),
        "[cluster nam-po]",
        "“tiếng Mông” does not name its script",
        "language-Script-COUNTRY",
    ),
    "village not there": (
        STATION.replace("03160/nam-po", "03160/nam-pô"),
        "[cluster nam-po]",
        "The area “03160/nam-pô” is not in",
        "Did you mean “03160/nam-po”?",
    ),
}


@pytest.mark.parametrize("name", BAD_STATIONS)
def test_a_station_that_cannot_be_used_is_refused(station: Path, name: str) -> None:
    """Whatever is wrong in station.toml refuses the station, with one fault that says how to mend it."""
    text, place, what, following = BAD_STATIONS[name]
    write(station, "schedules/station.toml", text)
    assert_told(refusal(station), f"schedules/station.toml {place}".rstrip(), what, following)


# --- areas


def test_without_areas_the_station_is_refused(station: Path) -> None:
    """Nobody knows where anything is without areas.toml; only that is said."""
    (station / "schedules" / "areas.toml").unlink()
    assert_told(
        refusal(station), "schedules/areas.toml", "cannot be read: it is not there", "See that it is there"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [("[[area]", "not valid TOML"), ("", "names no area"), ("area = 5", "not a list of tables")],
)
def test_areas_that_cannot_be_read_are_one_fault(station: Path, text: str, what: str) -> None:
    """A broken areas.toml is one fault, not one for each place that it would have told."""
    write(station, "schedules/areas.toml", text)
    fault = refusal(station)
    assert fault.where.startswith("schedules/areas.toml")
    assert what in str(fault.what)


BAD_AREAS = {
    "no name": (
        'code = "03166"\nkind = "commune"\nfrom = 2025-07-01',
        "[area 03166]",
        "“name” is missing",
        "text",
    ),
    "number as code": (
        'code = 3166\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01',
        "[area 4]",
        "“code” is not understood: 3166",
        'Put it in quotes: "3166".',
    ),
    "unknown kind": (
        'code = "03166"\nname = "Huyện"\nkind = "huyện"\nfrom = 2025-07-01',
        "[area 03166]",
        '“kind” is not understood: "huyện"',
        "one of: province, district, commune, village",
    ),
    "day in words": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = "1/7/2025"',
        "[area 03166]",
        '“from” is not understood: "1/7/2025"',
        "without quotes: 2025-07-01.",
    ),
    "number as fact": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01\nhotline = 19009068',
        "[area 03166]",
        "Facts about an area are texts",
        "Put them in quotes",
    ),
    "misspelt parent": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01\nparrent = "11"',
        "[area 03166]",
        "“parrent” is not known",
        "Did you mean “parent”?",
    ),
    "unknown parent": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01\nparent = "3160"',
        "[area 03166]",
        "The area “3160” is not in",
        "Did you mean “03160”?",
    ),
    "in itself": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01\nparent = "03166"',
        "[area 03166]",
        "The area lies in itself: 03166 > 03166",
        "Name the area above it",
    ),
    "ring": (
        (
            'code = "a"\nname = "A"\nkind = "commune"\nfrom = 2025-07-01\nparent = "b"\n'
            '[[area]]\ncode = "b"\nname = "B"\nkind = "commune"\nfrom = 2025-07-01\nparent = "a"\n'
            '[[area]]\ncode = "c"\nname = "C"\nkind = "village"\nfrom = 2025-07-01\nparent = "a"'
        ),
        "[area a]",
        "The area lies in itself: a > b > a",
        "Name the area above it",
    ),
    "twice": (
        'code = "11"\nname = "Tỉnh khác"\nkind = "province"\nfrom = 2025-07-01',
        "",
        "Two areas have the code “11” from 2025-07-01 on",
        "Keep one",
    ),
    "unknown top": (
        'code = "x"\nname = "X"\nkind = "province"\nfrom = 2025-07-01\n[more]\na = 1',
        "",
        "“more” is not known here",
        "Known are: area",
    ),
}


@pytest.mark.parametrize("name", BAD_AREAS)
def test_a_bad_area_is_said_and_the_others_hold(station: Path, name: str) -> None:
    """What is wrong with one area is one fault, and takes neither the station nor other areas down."""
    text, place, what, following = BAD_AREAS[name]
    write(station, "schedules/areas.toml", f"{AREAS}\n[[area]]\n{text}\n")
    assert_told(only_fault(station), f"schedules/areas.toml {place}".rstrip(), what, following)


def test_a_faulty_area_is_not_blamed_on_those_who_name_it(station: Path) -> None:
    """A cluster in an area whose own entry is faulty is not told that the area is unknown."""
    write(station, "schedules/areas.toml", AREAS.replace('kind = "village"', 'kind = "hamlet"'))
    (fault,) = load(station).faults
    assert_told(fault, "schedules/areas.toml [area 03160/nam-po]", '"hamlet"', "village")


# --- scripts

BAD_SCRIPTS = {
    "broken": ("title = ", "", "This is not valid TOML", ""),
    "no title": (SCRIPT.replace('title = "Tin"', ""), "", "“title” is missing", "a text in quotes"),
    "no items": ('title = "Tin"', "", "The script has no item", "Add an [[item]]"),
    "one item": (
        'title = "Tin"\n[item]\nid = "a"',
        "",
        "“item” is not a list of tables",
        "[[item]] above each",
    ),
    "unknown class": ('class = "urgent"\n' + SCRIPT, "", '“class” is not understood: "urgent"', "emergency"),
    "no author": ('author = ""\n' + SCRIPT, "", '“author” is not understood: ""', "a text in quotes"),
    "unknown group": (
        'group = "farmer"\n' + SCRIPT,
        "",
        '“group” is not understood: "farmer"',
        "everyone, farmers",
    ),
    "unknown key": (
        'chimes = "mo-dau.flac"\n' + SCRIPT,
        "",
        "“chimes” is not known",
        "Did you mean “chime”?",
    ),
    "no id": (SCRIPT.replace('id = "loi-chao"', ""), "[item 1]", "“id” is missing", "small letters"),
    "bad id": (
        SCRIPT.replace("loi-chao", "Lời chào"),
        "[item Lời chào]",
        '“id” is not understood: "Lời chào"',
        "small",
    ),
    "two of one id": (
        SCRIPT.replace("loi-chao", "ket"),
        "",
        "Two items have the id “ket”",
        "Give each an id",
    ),
    "no text": (
        'title = "Tin"\n[[item]]\nid = "a"',
        "[item a] [text]",
        "The item has no text in any language",
        "[item.text]",
    ),
    "empty table": (
        'title = "Tin"\n[[item]]\nid = "a"\n[item.text]',
        "[item a] [text]",
        "no text in any language",
        "Vietnamese",
    ),
    "text without language": (
        'title = "Tin"\n[[item]]\nid = "a"\ntext = "Xin chào"',
        "[item a]",
        '“text” is not understood: "Xin chào"',
        "a table",
    ),
    "empty text": (
        SCRIPT.replace('"Xin cảm ơn bà con."', '"""\n  \n"""'),
        "[item ket] [text]",
        "“vi” is not understood",
        "quotes",
    ),
    "number as text": (
        SCRIPT.replace('"Xin cảm ơn bà con."', "5"),
        "[item ket] [text]",
        "“vi” is not understood: 5",
        "in quotes",
    ),
    "open brace": (
        SCRIPT.replace("{area.name}", "{area.name"),
        "[item loi-chao] [text]",
        "A brace in the text “vi” has no partner",
        "{area.name}",
    ),
    "closed brace": (
        SCRIPT.replace("{area.name}", "area.name}"),
        "[item loi-chao] [text]",
        "A brace in the text “vi” has no partner",
        "{area.name}",
    ),
    "text in the language of Thailand": (
        SCRIPT + 'th = "x"',
        "[item ket] [text]",
        "“th” is the language of Thailand",
        "twh-Latn-VN (Tai Dón)",
    ),
    "text in Mông without script": (
        SCRIPT + 'hmn = "x"',
        "[item ket] [text]",
        "“hmn” does not name its script",
        "“hmn-Latn-VN”?",
    ),
    "chime elsewhere": (
        'chime = "../beds/nen.flac"\n' + SCRIPT,
        "",
        "“chime” is not understood",
        "audio/chimes/",
    ),
    "absolute chime": ('chime = "/etc/passwd"\n' + SCRIPT, "", "“chime” is not understood", "audio/chimes/"),
    "folder as chime": ('chime = "."\n' + SCRIPT, "", "“chime” is not understood", "a file in audio/chimes/"),
    "list as bed": (
        'bed = ["nen.flac"]\n' + SCRIPT,
        "",
        '“bed” is not understood: ["nen.flac"]',
        "audio/beds/",
    ),
}
BAD_SCRIPTS |= {
    f"pause {shown}": (
        SCRIPT.replace('id = "ket"', f'id = "ket"\npause = {pause}'),
        "[item ket]",
        f"“pause” is not understood: {shown}",
        "seconds of silence, 0 to 30",
    )
    for pause, shown in [
        ("-1", "-1"),
        ("31", "31"),
        ("true", "true"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("-inf", "-inf"),
        ('"x"', '"x"'),
        ("0x" + "f" * 9000, "…"),
        ("2026-11-20", "2026-11-20"),
        ("[[[[1]]]]", "[[[…]]]"),
    ]
}


BAD_SCRIPTS["pause in quotes"] = (
    SCRIPT.replace('id = "ket"', 'id = "ket"\npause = "0,8"'),
    "[item ket]",
    '“pause” is not understood: "0,8"',
    "Write it so, without quotes: 0.8.",
)


@pytest.mark.parametrize("name", BAD_SCRIPTS)
def test_a_bad_script_is_left_out_and_said(station: Path, name: str) -> None:
    """Each thing wrong with a script is one fault in its file, and the other scripts air."""
    text, place, what, following = BAD_SCRIPTS[name]
    write(station, "audio/xau/script.toml", text)
    assert_told(only_fault(station), f"audio/xau/script.toml {place}".rstrip(), what, following)
    loaded = load(station)
    assert set(loaded.content.scripts) == {"tin"}
    assert loaded.left_out == {"audio/xau"}


def test_a_folder_without_script_says_what_it_lacks(station: Path) -> None:
    """A folder in audio/ is a script's and has a script.toml."""
    (station / "audio" / "xau").mkdir()
    assert_told(
        only_fault(station),
        "audio/xau/script.toml",
        "cannot be read: it is not there",
        "See that it is there",
    )


def test_a_script_with_a_wild_name_is_refused(station: Path) -> None:
    """The name of a script's folder goes into ids and paths, so it is plain."""
    write(station, "audio/Bảo hiểm/script.toml", SCRIPT)
    fault = only_fault(station)
    assert_told(fault, "audio/Bảo hiểm/script.toml", "small letters, digits and hyphens", "Rename the folder")


def test_a_schedule_of_a_faulty_script_is_left_out_with_it(station: Path) -> None:
    """Both the script's fault and the schedules that cannot be broadcast for it are told."""
    write(station, "audio/tin/script.toml", "title = ")
    first, second = load(station).faults
    assert first.where == "audio/tin/script.toml"
    assert_told(second, "schedules/tin.toml", "The script “tin” cannot be used", "mend the faults")


# --- recordings


@pytest.mark.parametrize(
    ("name", "where", "what", "following"),
    [
        ("vi/kêt.wav", None, "The script has no item “kêt”", "Did you mean “ket”? Rename the file"),
        ("vi/zzz.wav", None, "The script has no item “zzz”", "Name the file after one of: loi-chao, ket"),
        (
            "vi/ket@03160+nam-pa.wav",
            None,
            "The area “03160/nam-pa” is not in",
            "Did you mean “03160/nam-po”?",
        ),
        ("vi/ket@.wav", None, "The area “” is not in", "name one of"),
        ("th/ket.wav", "th", "“th” is the language of Thailand", "blt-Latn-VN"),
        ("hmn/ket.wav", "hmn", "“hmn” does not name its script", "Did you mean “hmn-Latn-VN”?"),
        ("ket.wav", "ket.wav", "in the folder of its language", "recordings/vi/"),
        ("hmn-Latn-VN/ket.wav", None, "“ket.mp3” is a recording of the same item", "Keep one of the two"),
        ("vi/ket.wav/x", "vi/ket.wav", "This is not a file", "Put the right file"),
    ],
)
def test_a_recording_that_is_nobodys_is_said(
    station: Path, name: str, where: str | None, what: str, following: str
) -> None:
    """A recording that no item, area or language claims is one fault; all others are heard."""
    write(station, f"audio/tin/recordings/{name}", b"")
    fault = only_fault(station)
    assert_told(fault, f"audio/tin/recordings/{where or name}", what, following)
    assert [one.item for one in load(station).content.recordings] == ["ket"]


def test_a_wrong_language_folder_is_told_once(station: Path) -> None:
    """A folder of nine recordings in a wrong language is one fault, not nine."""
    for name in ("loi-chao", "ket"):
        write(station, f"audio/tin/recordings/th/{name}.wav", b"")
    assert only_fault(station).where == "audio/tin/recordings/th"


BAD_NOTES = {
    "of nothing": ('["vi/xin-chao.wav"]\nstand_in = true', "", "“vi/xin-chao” is not known", "Known are"),
    "misnamed": ('["hmn-Latn-VN/kett.mp3"]\nstand_in = true', "", "is not known", "“hmn-Latn-VN/ket”?"),
    "word as flag": (
        '["hmn-Latn-VN/ket.mp3"]\nstand_in = "yes"',
        " [hmn-Latn-VN/ket]",
        'not understood: "yes"',
        "true or false",
    ),
    "unknown key": (
        '["hmn-Latn-VN/ket.mp3"]\nstandin = true',
        " [hmn-Latn-VN/ket]",
        "“standin” is not known",
        "“stand_in”?",
    ),
    "no table": (
        '"hmn-Latn-VN/ket.mp3" = true',
        "",
        "“hmn-Latn-VN/ket” is not understood: true",
        "a table",
    ),
}


@pytest.mark.parametrize("key", ["chime", "bed"])
def test_a_chime_or_bed_that_is_not_there_silences_nobody(station: Path, key: str) -> None:
    """A decoration that is missing is a fault, and the words go on air without it."""
    (station / "audio" / f"{key}s" / "folder.flac").mkdir(parents=True)
    for name in ("x.flac", "a\\u0000", "folder.flac"):
        write(station, "audio/xau/script.toml", f'{key} = "{name}"\n' + SCRIPT)
        fault = only_fault(station)
        assert_told(fault, "audio/xau/script.toml", "is not there; it goes on air without it", "Put the file")
        assert getattr(load(station).content.scripts["xau"], key) is None


def test_a_chime_whose_name_is_no_text_is_told_once_and_silences_nobody(station: Path) -> None:
    """However many scripts have a chime, one strange file beside them is one fault, and they stay."""
    write(station, "audio/chimes/mo.flac", b"")
    (station / "audio" / "chimes" / "\udcff.flac").write_bytes(b"")
    for name in ("xau", "xin"):
        write(station, f"audio/{name}/script.toml", 'chime = "mo.flac"\n' + SCRIPT)
    assert_told(only_fault(station), "audio/chimes", "not text in UTF-8", "Rename")
    assert {"xau", "xin"} <= set(load(station).content.scripts)


def test_a_closing_chime_that_is_not_there_stops_no_station(station: Path) -> None:
    """The station broadcasts without its closing chime, and says so."""
    write(station, "schedules/station.toml", 'closing = "x.flac"\n' + STATION)
    assert_told(
        only_fault(station), "schedules/station.toml", "audio/chimes/x.flac is not there", "Put the file"
    )
    assert load(station).content.station.closing is None


def test_a_script_whose_notes_cannot_be_read_is_left_out(station: Path) -> None:
    """Nobody knows then which recordings are stand-ins, and a stand-in never goes on air."""
    write(station, "audio/tin/recordings.toml", '["hmn-Latn-VN/ket.mp3"\nstand_in = true')
    loaded = load(station)
    assert loaded.left_out == {"audio/tin", "schedules/tin"}


def test_a_converted_stand_in_is_still_one(station: Path) -> None:
    """The mark goes by the name without its ending: a new format is no new speaker."""
    write(station, "audio/tin/recordings.toml", '["hmn-Latn-VN/ket.opus"]\nstand_in = true')
    (recording,) = [one for one in load(station).content.recordings if one.path.endswith("ket.mp3")]
    assert recording.stand_in


@pytest.mark.parametrize("name", ["tin.TOML", "moi.toml.txt"])
def test_a_schedule_that_is_not_read_is_told(station: Path, name: str) -> None:
    """An editor that changed the ending of a schedule does not take it away in silence."""
    write(station, f"schedules/{name}", SCHEDULE)
    fault = only_fault(station)
    assert fault.warning
    assert_told(fault, f"schedules/{name}", "not read", "rename it")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("times = [05:30]", "05:30:00"),
        ("times = [5:30:00]", "05:30:00"),
        ("times = [24:00:00]", "23:59:59"),
        ("times = [17h30]", "05:30:00"),
        ("at = 2026-11-20T17:30", "05:30:00"),
        ("from = 20/11/2026", "year-month-day, without quotes: 2026-11-20"),
        ("from = 20-11-2026", "year-month-day"),
        ("from = 2026/11/20", "year-month-day"),
        ("from = 2026-11-2", "year-month-day"),
        ("from = 2026-1-20  # 5:30", "year-month-day"),
        ("from = 2026-02-30", "no such day"),
        ("areas = [03160]", 'Put codes in quotes: "03160"'),
        ("pause = 0,8", "a point, not a comma: 0.8"),
        ("title = “Tin”", "quotes of a word processor"),
        ("title =\u00a0Tin", "invisible sign"),
        ("\ufefftitle = 1", "invisible sign"),
        ('title = "Tin', "A quote is opened in this line"),
        ('title = "C:\\loa"', "instead of the backslash"),
        ('title = "a\x00"', "no text"),
        ("[[rule]", "Close as many brackets as are opened"),
        ("[hours", "Close as many brackets as are opened"),
        ("times = [05:30:00 17:30:00]", "a comma or a closing bracket is missing"),
        ('title: "Tin"', "not a colon"),
        ("tiêu-đề = 1", "Keys have no accents"),
        ("times = [25:00:00]", "up to 23:59:59"),
        ("title = Tin", "words stand in quotes"),
        ("class", "Mend this line"),
    ],
)
def test_the_commonest_slips_are_recognized(station: Path, line: str, hint: str) -> None:
    """Each slip in a line that is no TOML gets its number, the line, and how to write it."""
    write(station, "schedules/xau.toml", f"# Tin\n{line}\n")
    fault = only_fault(station)
    assert fault.place == "schedules/xau.toml:2"
    assert line.strip()[:5].strip("\ufeff") in str(fault.what)
    assert str(fault.what).isprintable()
    assert hint in str(fault.next)


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ("a = 1\nb = [\n1,\n\n", 2, "without its partner"),
        ('a = 1\nb = """\nx\n\n', 2, "without its partner"),
        ("a = 1\na = 2\n", 2, "there already. Keep one of the two"),
        ("[rule]\na = 1\n[rule]\na = 2\n", 3, "with two brackets: [[rule]]"),
        ("a = 1\n[[a]]\n", 2, "there already"),
    ],
)
def test_what_reaches_over_lines_is_told_where_it_begins(
    station: Path, text: str, line: int, hint: str
) -> None:
    """What is never closed is told where it was opened; what stands there twice, at the second place."""
    write(station, "schedules/xau.toml", text)
    fault = only_fault(station)
    assert fault.place == f"schedules/xau.toml:{line}"
    assert hint in str(fault.next)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ('from = "20/11/2026"', "Write it so, without quotes: 2026-11-20."),
        ('from = "2026-11-20"', "Write it so, without quotes: 2026-11-20."),
        ('from = "mai"', "a date such as 2026-11-20"),
        ('times = ["5:30", "17h"]', "Write it so, without quotes: [05:30:00, 17:00:00]."),
        ('times = "5 giờ 30"', "Write it so, without quotes: [05:30:00]."),
        ("times = 05:30:00", "Put it in brackets: [05:30:00]."),
        ('weekdays = ["thứ ba", "t3", "CN"]', 'Write ["tue", "sun"].'),
        ('weekdays = "tuesday"', 'Write ["tue"].'),
        ('weekdays = ["thứ chín"]', "days of the week out of: mon"),
        ('months = ["tháng 5", "11"]', "Write it so, without quotes: [5, 11]."),
        ('days = "1, 15"', "Write it so, without quotes: [1, 15]."),
        ("season = 5", 'Put it in quotes: "5".'),
    ],
)
def test_what_was_most_likely_meant_is_written_out(station: Path, key: str, hint: str) -> None:
    """A value that a person understands is given back as the file wants it, at its line."""
    times = "" if key.startswith("times") else "times = [17:30:00]\n"
    write(station, "schedules/xau.toml", f"{SCHEDULE}\n[[rule]]\n{times}{key}\n")
    fault = only_fault(station)
    line = SCHEDULE.count("\n") + 3 + bool(times)
    assert (fault.place, fault.at[2]) == (f"schedules/xau.toml:{line} [rule 2]", key.split(maxsplit=1)[0])
    assert hint in str(fault.next)


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        ("schedules/station.toml", '"hmn-Latn-VN"]', '\n"th"]', 13),
        ("schedules/station.toml", 'area = "03160"', 'area = "031600"', 3),
        ("schedules/tin.toml", '["11"]', '[\n"11",\n"x"]', 6),
        ("schedules/tin.toml", '"tin"', '"tim"', 3),
        ("schedules/tin.toml", "times = [17:30:00]", "", 6),
        ("schedules/tin.toml", "times", 'rrule = "FREQ=DALY"\nfrom = 2026-01-01\ntimes', 7),
        ("schedules/tin.toml", "times", 'season = "x"\ntimes', 7),
        ("schedules/tin.toml", "[[rule]]", 'except = ["Tế"]\n[[rule]]', 6),
        ("audio/tin/script.toml", "{area.name}", "{area.name", 8),
        ("audio/tin/script.toml", 'title = "Tin"', 'title = "Tin"\nbed = "x"', 3),
        ("audio/tin/script.toml", '"ket"', '"loi-chao"', 5),
    ],
)
def test_every_kind_of_fault_has_its_line(station: Path, name: str, old: str, new: str, line: int) -> None:
    """An officer is sent to the line; for what is missing, to its table."""
    text = (station / name).read_text("utf-8")
    assert old in text
    write(station, name, text.replace(old, new))
    try:
        faults = load(station).faults
    except BroadcasterError as error:
        faults = error.faults
    assert f"{name}:{line}" in [fault.place.partition(" ")[0] for fault in faults]


def test_a_file_of_strangers_is_not_a_thousand_faults(station: Path) -> None:
    """The first unknown keys are told, and how many more there are."""
    write(station, "schedules/xau.toml", "".join(f"k{number} = 1\n" for number in range(1000)) + SCHEDULE)
    faults = load(station).faults
    assert len(faults) == MOST_STRANGERS + 1
    assert (str(faults[-1].what), faults[-1].line) == ("980 more keys are not known here.", 21)


BIG = {
    "of rules": SCHEDULE + "[[rule]]\ntimes = [17:30:00]\nmonths = [5]\nweekdays = ['tue']\n" * 14_000,
    "of wrong rules": SCHEDULE + f"[[rule]] # {'x' * 140}\ntimes = ['5:30']\nmonths = [13]\nx = 1\n" * 5_000,
    "of strangers": "".join(f"khoa{number} = 1\n" for number in range(60_000)),
    "of areas": SCHEDULE.replace('"11"', '"99999",' * 100_000),
    "of one line": SCHEDULE + "#" * 990_000,
    "of brackets": "a = " + "[" * 990_000,
    "of quotes": '"' * 990_000,
    "of one text": f"{SCHEDULE}x = '{'a' * 990_000}'",
    "of lines": "x\n" * 490_000,
}


@pytest.mark.parametrize("name", BIG)
def test_a_megabyte_is_read_in_seconds(station: Path, name: str) -> None:
    """A file of the largest size, right or wrong, is read or refused before anybody loses patience."""
    assert 700_000 < len(BIG[name]) < 1_000_000
    write(station, "schedules/xau.toml", BIG[name])
    began = process_time()
    load(station)
    assert process_time() - began < 5


@pytest.mark.parametrize("name", BAD_NOTES)
def test_bad_notes_about_recordings_are_said(station: Path, name: str) -> None:
    """What is wrong in recordings.toml is one fault in it."""
    text, place, what, following = BAD_NOTES[name]
    write(station, "audio/tin/recordings.toml", text)
    assert_told(only_fault(station), f"audio/tin/recordings.toml{place}", what, following)


# --- approvals

WHOLE = make_approvals(make_script(items=[Item("loi", {"vi": "A"})])).history[0].line.encode()
BAD_LINES = {
    "torn": WHOLE[:-10],
    "torn within a letter": WHOLE[: WHOLE.index("ê".encode()) + 1],
    "noughts": b"\x00" * 60,
    "text": b"Nguyen A: OK",
    "list": b"[1, 2]",
    "number": b"7",
    "two in a line": WHOLE + WHOLE,
    "no name": WHOLE.replace(b'"name"', b'"nam"'),
    "name is a number": WHOLE.replace('"Ban biên tập"'.encode(), b"7"),
    "area is a list": WHOLE.replace(b'"area": null', b'"area": []'),
    "no time zone": WHOLE.replace(b"+07:00", b""),
    "unknown role": WHOLE.replace(b"reviewer", b"boss"),
    "revoked in words": WHOLE.replace(b"false", b'"false"'),
    "one more key": WHOLE.replace(b"{", b'{"x": 1, '),
    "latin-1": WHOLE.replace("ê".encode(), b"\xea"),
    "deep": b"[" * 100_000,
    "long number": b"9" * 5_000,
}


@pytest.mark.parametrize("name", BAD_LINES)
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_bad_line_of_approvals_is_said_and_approves_nothing(station: Path, name: str, place: int) -> None:
    """
    Torn, overwritten or made up: it is told with its number. A torn one changes nothing else; any other
    may have taken back what stands before it, so that no longer holds.
    """
    path = station / "audio/tin/approvals.jsonl"
    good = load(station).content.approvals["tin"].history
    lines = path.read_bytes().splitlines()
    assert len(lines) == len(good) == 3
    assert BAD_LINES[name] not in lines
    lines.insert(place - 1, BAD_LINES[name])
    path.write_bytes(b"\n".join(lines))
    loaded = load(station)
    (fault,) = loaded.faults
    assert fault.place == f"audio/tin/approvals.jsonl:{place}"
    assert "This line is no approval" in str(fault.what)
    assert "broadcaster approve" in str(fault.next)
    assert loaded.content.approvals["tin"].history == (good if "torn" in name else good[place - 1 :])


def test_the_line_that_was_torn_no_longer_approves(station: Path) -> None:
    """What it was for is withheld, and named; all the rest is as it was."""
    path = station / "audio/tin/approvals.jsonl"
    first, *others = path.read_text("utf-8").splitlines()
    assert '"loi-chao"' in first
    path.write_text("\n".join([first[:-1], *others]), "utf-8")
    loaded = load(station)
    assert [fault.place for fault in loaded.faults] == ["audio/tin/approvals.jsonl:1"]
    assert not airs(loaded)
    assert recipe_at(loaded.content, "tin", "vi", "03160/nam-po", at("2026-11-20").date()).lacks == (
        ("loi-chao", Lack.UNAPPROVED),
    )


def test_empty_lines_and_windows_line_ends_are_no_fault(station: Path) -> None:
    """An editor that saved the file without changing a word has taken no approval away."""
    path = station / "audio/tin/approvals.jsonl"
    before = load(station).content.approvals["tin"].history
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n\r\n"))
    assert not load(station).faults
    assert load(station).content.approvals["tin"].history == before


def test_another_file_in_place_of_approvals_is_said_at_its_first_lines(station: Path) -> None:
    """A song of a thousand lines is not a thousand faults; nothing airs."""
    write(station, "audio/tin/approvals.jsonl", b"\xff\x00\n" * 1000)
    loaded = load(station)
    places = [f"audio/tin/approvals.jsonl:{number}" for number in range(1, MOST_LINES + 1)]
    assert [fault.place for fault in loaded.faults] == places
    assert not airs(loaded)


def test_what_is_no_file_of_approvals_is_said_and_nothing_airs(station: Path) -> None:
    """A folder, a pipe, or what no memory would hold; never waited for, never read."""
    path = station / "audio/tin/approvals.jsonl"
    whole = path.read_bytes()
    makers: list[tuple[Callable[[], object], str]] = [
        (path.mkdir, "This is not a file"),
        (lambda: os.mkfifo(path), "This is not a file"),
        (lambda: path.symlink_to("/dev/zero"), "This is not a file"),
        (lambda: write_huge(path, whole), "The file is larger than 20 MB"),
    ]
    for make, what in makers:
        if path.is_dir():
            path.rmdir()
        else:
            path.unlink()
        make()
        loaded = load(station)
        ((where, told),) = [(fault.where, str(fault.what)) for fault in loaded.faults]
        assert where == "audio/tin/approvals.jsonl"
        assert what in told
        assert not airs(loaded)


def write_huge(path: Path, whole: bytes) -> None:
    """The approvals, and much after them."""
    path.write_bytes(whole)
    os.truncate(path, LARGEST_HISTORY + 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_approvals_that_may_not_be_read_are_said_and_nothing_airs(station: Path) -> None:
    """Who may not read them knows of no approval."""
    path = station / "audio/tin/approvals.jsonl"
    path.chmod(0)
    loaded = load(station)
    (fault,) = loaded.faults
    assert_told(fault, "audio/tin/approvals.jsonl", "this user may not", "may read it")
    assert not airs(loaded)


def test_without_approvals_nothing_airs_and_it_is_no_fault(station: Path) -> None:
    """A script that nobody approved yet is as it should be; it waits."""
    (station / "audio/tin/approvals.jsonl").unlink()
    loaded = load(station)
    assert not loaded.faults
    assert not airs(loaded)


def test_without_its_notes_a_stand_in_is_a_recording_that_nobody_approved(station: Path) -> None:
    """Who takes recordings.toml away silences a stand-in; it is never taken for the true voice."""
    write(station, "audio/tin/recordings/vi/ket.wav", b"somebody else")
    notes = write(station, "audio/tin/recordings.toml", '["vi/ket.wav"]\nstand_in = true\n')
    approve(station)
    notes.unlink()
    loaded = load(station)
    assert not airs(loaded)
    assert recipe_at(loaded.content, "tin", "vi", "03160/nam-po", at("2026-11-20").date()).lacks == (
        ("ket", Lack.UNAPPROVED),
    )
