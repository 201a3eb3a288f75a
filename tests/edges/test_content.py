"""Officers' files become the model, and whatever is wrong with them is said: where, what, and what next."""

import json
import math
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcaster.edges.content import LARGEST_FILE, Loaded, fingerprint, load
from broadcaster.model.area import AreaKind
from broadcaster.model.errors import BroadcasterError, Fault
from broadcaster.model.occurrence import State
from broadcaster.model.plan import plan
from broadcaster.model.recording import Measured
from broadcaster.model.schedule import BulletinClass, Days, Exclusion, Move, Quota, Rule
from tests.factories import EVENING, MORNING, at, span

ROOT = Path(__file__).parents[2]

STATION = """
name = "Đài mẫu"
area = "03160"

[hours]
allowed = [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]

[[cluster]]
id = "nam-po"
name = "Bản Nậm Pố"
area = "03160/nam-po"
languages = ["vi", "hmn-Latn-VN"]
"""

AREAS = """
[[area]]
code = "11"
name = "Tỉnh Điện Biên"
kind = "province"
from = 2025-07-01

[[area]]
code = "03160"
name = "Xã Mường Nhé"
kind = "commune"
from = 2025-07-01
parent = "11"
collection_point = "Bưu điện xã"

[[area]]
code = "03160/nam-po"
name = "Bản Nậm Pố"
kind = "village"
from = 2025-07-01
parent = "03160"
"""

SCHEDULE = """
title = "Tin"
script = "tin"
areas = ["11"]

[[rule]]
times = [17:30:00]
"""

SCRIPT = """
title = "Tin"

[[item]]
id = "loi-chao"

[item.text]
vi = "Kính thưa bà con {area.name}!"

[[item]]
id = "ket"

[item.text]
vi = "Xin cảm ơn bà con."
"""


def write(station: Path, name: str, text: str | bytes) -> Path:
    path = station / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def build(station: Path) -> Path:
    """A station with one of each, in which nothing is wrong."""
    write(station, "schedules/station.toml", STATION)
    write(station, "schedules/areas.toml", AREAS)
    write(station, "schedules/tin.toml", SCHEDULE)
    write(station, "audio/tin/script.toml", SCRIPT)
    write(station, "audio/tin/recordings/hmn-Latn-VN/ket.mp3", b"not decoded here")
    write(station, "audio/chimes/mo-dau.flac", b"")
    write(station, "audio/beds/nen.flac", b"")
    return station


@pytest.fixture
def station(tmp_path: Path) -> Path:
    return build(tmp_path)


def only_fault(station: Path) -> Fault:
    """The one fault of a station; the rest of it airs as if nothing were wrong."""
    loaded = load(station)
    (fault,) = loaded.faults
    assert airs(loaded)
    return fault


def refusal(station: Path) -> Fault:
    """The one fault for which a station is refused."""
    with pytest.raises(BroadcasterError) as error:
        load(station)
    (fault,) = error.value.faults
    return fault


def airs(loaded: Loaded) -> bool:
    """Does the schedule that nothing is wrong with sound?"""
    day = plan(loaded.content, {}, at("2026-11-20"), at("2026-11-21"))
    return any(one.schedule == "tin" and one.state is State.PLANNED for one in day)


def assert_told(fault: Fault, where: str, what: str, following: str) -> None:
    assert fault.where == where
    assert what in str(fault.what)
    assert following in str(fault.next)


# --- what is right


def test_the_sample_station_has_no_fault() -> None:
    """The repository's own root is a station, and nothing is wrong with it."""
    loaded = load(ROOT)
    assert not loaded.faults
    assert not loaded.left_out
    assert {schedule.id for schedule in loaded.content.schedules} >= {"bhxh-tu-nguyen", "bhyt-ho-gia-dinh"}


def test_every_language_of_the_sample_station_airs_with_stand_ins() -> None:
    """In the demo every cluster of the sample hears each of its languages whole."""
    content = load(ROOT).content.with_stand_ins()
    if not list(content.recordings):
        pytest.skip("the sample's recordings are not in this checkout")
    for one in plan(content, {}, at("2026-11-20"), at("2026-11-21")):
        assert one.state is State.PLANNED
        assert one.whole == list(one.recipes)


def test_a_station_is_read_whole(station: Path) -> None:
    """Everything that the files say is in the model."""
    write(
        station,
        "schedules/station.toml",
        STATION.replace(
            "[hours]", 'closing = "mo-dau.flac"\n[hours]\nsession_minutes = 20\nsessions_per_day = 3'
        ),
    )
    loaded = load(station)
    assert not loaded.faults
    one = loaded.content.station
    assert (one.name, one.area, one.closing) == ("Đài mẫu", "03160", "mo-dau.flac")
    assert one.timezone.key == "Asia/Ho_Chi_Minh"
    assert list(one.hours.allowed) == [span("05:00", "06:30"), span("16:30", "18:30")]
    assert (one.hours.session_minutes, one.hours.sessions_per_day) == (20, 3)
    (cluster,) = one.clusters
    assert (cluster.id, cluster.name, cluster.area) == ("nam-po", "Bản Nậm Pố", "03160/nam-po")
    assert (list(cluster.languages), cluster.sink) == (["vi", "hmn-Latn-VN"], "card:default")
    area = loaded.content.areas.find("03160", date(2026, 11, 20))
    assert area is not None
    assert (area.name, area.kind, area.parent) == ("Xã Mường Nhé", AreaKind.COMMUNE, "11")
    assert (area.valid_from, area.facts) == (date(2025, 7, 1), {"collection_point": "Bưu điện xã"})


def test_a_schedule_is_read_whole(station: Path) -> None:
    """Rules, campaigns, exceptions and moves mean what the design's example says."""
    write(station, "audio/bhyt/script.toml", SCRIPT)
    write(
        station,
        "schedules/bhxh.toml",
        """
        title = "BHXH tự nguyện"
        script = ["tin", "bhyt"]
        areas = ["11", "03160"]
        class = "priority"
        enabled = false
        [[rule]]
        months = [5, 11]
        times = [05:30:00, 17:30:00]
        [[rule]]
        days = [1, 15]
        weekdays = ["tue", "fri"]
        times = [17:30:00]
        from = 2026-01-01
        at_least = { airings = 2, per = "week" }
        [[campaign]]
        from = 2024-04-01
        until = 2024-05-31
        times = [05:30:00, 17:30:00]
        [[except]]
        from = 2027-02-05
        until = 2027-02-10
        reason = "Tết Nguyên đán"
        [[move]]
        occurrence = 2026-11-20T17:30:00
        to = 2026-11-20T18:00:00
        """,
    )
    loaded = load(station)
    assert not loaded.faults
    schedule = loaded.content.schedules[0]
    assert (schedule.id, schedule.title, schedule.enabled) == ("bhxh", "BHXH tự nguyện", False)
    assert (schedule.scripts, schedule.areas) == (("tin", "bhyt"), ("11", "03160"))
    assert schedule.bulletin_class is BulletinClass.PRIORITY
    both = (MORNING, EVENING)
    assert schedule.rules == [
        Rule(both, months=frozenset({5, 11})),
        Rule(
            (EVENING,),
            Days(date(2026, 1, 1)),
            weekdays=frozenset({1, 4}),
            days=frozenset({1, 15}),
            at_least=Quota(2),
        ),
    ]
    assert schedule.campaigns == [Rule(both, Days(date(2024, 4, 1), date(2024, 5, 31)))]
    assert schedule.exclusions == [Exclusion(Days(date(2027, 2, 5), date(2027, 2, 10)), "Tết Nguyên đán")]
    moment = datetime.fromisoformat
    assert schedule.moves == [Move(moment("2026-11-20T17:30:00"), moment("2026-11-20T18:00:00"))]


def test_a_script_is_read_whole(station: Path) -> None:
    """Items keep their order, texts and pauses."""
    head = 'group = "farmers"\nchime = "mo-dau.flac"\nbed = "nen.flac"\n'
    write(station, "audio/tin/script.toml", head + SCRIPT.replace('id = "ket"', 'id = "ket"\npause = 2'))
    loaded = load(station)
    assert not loaded.faults
    script = loaded.content.scripts["tin"]
    assert (script.title, script.group, script.chime, script.bed) == (
        "Tin",
        "farmers",
        "mo-dau.flac",
        "nen.flac",
    )
    assert [(item.id, item.pause) for item in script.items] == [("loi-chao", 0.8), ("ket", 2.0)]
    assert script.items[0].text == {"vi": "Kính thưa bà con {area.name}!"}


def test_recordings_are_found_with_language_item_and_area(station: Path) -> None:
    """A recording's folder is its language, its name the item, and the area after an @, with + for /."""
    write(station, "audio/tin/recordings/vi/loi-chao@03160+nam-po.wav", b"")
    write(station, "audio/tin/recordings/vi/loi-chao@11.Wav", b"")
    loaded = load(station)
    assert not loaded.faults
    assert {(one.language, one.item, one.area, one.path) for one in loaded.content.recordings} == {
        ("hmn-Latn-VN", "ket", None, "audio/tin/recordings/hmn-Latn-VN/ket.mp3"),
        ("vi", "loi-chao", "03160/nam-po", "audio/tin/recordings/vi/loi-chao@03160+nam-po.wav"),
        ("vi", "loi-chao", "11", "audio/tin/recordings/vi/loi-chao@11.Wav"),
    }
    assert not any(one.stand_in or one.broken or one.seconds for one in loaded.content.recordings)


def test_stand_ins_are_marked(station: Path) -> None:
    """A recording that recordings.toml calls a stand-in is one; who spoke it is noted and no more."""
    notes = '["hmn-Latn-VN/ket.mp3"]\nstand_in = true\nspeaker = "một phát thanh viên"\n'
    write(station, "audio/tin/recordings.toml", notes)
    (one,) = load(station).content.recordings
    assert one.stand_in


def test_what_decoding_told_is_used_while_the_file_is_the_same(station: Path) -> None:
    """A measured length counts for the file of that size and time; a changed file is measured anew."""
    name = "audio/tin/recordings/hmn-Latn-VN/ket.mp3"
    stat = (station / name).stat()
    for measured, seconds, broken in [
        (Measured(stat.st_size, stat.st_mtime_ns, 4.5), 4.5, False),
        (Measured(stat.st_size, stat.st_mtime_ns, None), None, True),
        (Measured(stat.st_size + 1, stat.st_mtime_ns, 4.5), None, False),
        (Measured(stat.st_size, stat.st_mtime_ns + 1, None), None, False),
    ]:
        (one,) = load(station, {name: measured}).content.recordings
        assert (one.seconds, one.broken) == (seconds, broken)


def test_schedules_come_in_the_order_of_their_files(station: Path) -> None:
    """File order, which breaks ties on air, is the order of the names, today and on every machine."""
    for name in ("b", "a", "a-b", "c"):
        write(station, f"schedules/{name}.toml", SCHEDULE)
    content = load(station).content
    assert [schedule.id for schedule in content.schedules] == ["a-b", "a", "b", "c", "tin"]


def test_notepad_and_windows_are_welcome(station: Path) -> None:
    """A byte order mark at the start and Windows line ends change nothing."""
    before = load(station).content
    for path in [*station.glob("schedules/*.toml"), *station.glob("audio/*/script.toml")]:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    loaded = load(station)
    assert not loaded.faults
    assert loaded.content.scripts == before.scripts
    assert loaded.content.schedules == before.schedules


def test_text_from_a_mac_is_the_same_text(station: Path) -> None:
    """Letters whose accents come apart (NFD), in files or in their names, mean what they look like."""
    spoken = unicodedata.normalize("NFD", SCRIPT)
    assert spoken != SCRIPT
    write(
        station, "audio/tin/script.toml", f'chime = "{unicodedata.normalize("NFC", "mở đầu")}.flac"' + spoken
    )
    apart = unicodedata.normalize("NFD", "mở đầu.flac")
    write(station, f"audio/chimes/{apart}", b"")
    write(station, unicodedata.normalize("NFD", "schedules/tết.toml"), unicodedata.normalize("NFD", SCHEDULE))
    loaded = load(station)
    assert not loaded.faults
    assert [schedule.id for schedule in loaded.content.schedules] == ["tin", "tết"]
    script = loaded.content.scripts["tin"]
    assert script.items[0].text["vi"] == "Kính thưa bà con {area.name}!"
    assert (station / "audio" / "chimes" / (script.chime or "")).is_file()


def test_what_is_hidden_or_not_toml_is_nobodys_business(station: Path) -> None:
    """Editors' locks, a Mac's and Windows' leavings and notes beside the files are passed over."""
    (station / "schedules" / ".#tin.toml").symlink_to("nobody@nowhere")
    write(station, "schedules/._tin.toml", b"\x00\x05\x16\x07")
    write(station, "schedules/readme.txt", "Lịch phát")
    write(station, "audio/.Trash-1000/info", "x")
    write(station, "audio/notes.txt", "x")
    write(station, "audio/tin/recordings/.DS_Store", b"\x00")
    write(station, "audio/tin/recordings/hmn-Latn-VN/._ket.mp3", b"\x00")
    assert not load(station).faults


def test_a_station_without_audio_is_a_station(station: Path) -> None:
    """A station may have no folder of audio yet; its schedules then say what they lack."""
    shutil.rmtree(station / "audio")
    (fault,) = load(station).faults
    assert_told(fault, "schedules/tin.toml", "The script “tin” cannot be used", "Write the script")


# --- schedules

BAD_SCHEDULES = {
    "broken": ('title = "Tin', "This is not valid TOML", "Mend it"),
    "binary": (b"\x00\xff\xfe\x80", "This is not a text file in UTF-8", "Save it as UTF-8"),
    "utf-16": (SCHEDULE.encode("utf-16"), "This is not a text file in UTF-8", "Save it as UTF-8"),
    "legacy": (SCHEDULE.replace("Tin", "Tết").encode("cp1258", "replace"), "UTF-8", "Save it as UTF-8"),
    "nul": ('title = "Tin\x00"', "This is not valid TOML", "Mend it"),
    "long number": (f"title = {'9' * 5000}\n", "too long", "Take out"),
    "deep": (f"title = {'[' * 20_000}", "too deep", "Take out"),
    "day that is none": (SCHEDULE + "from = 2026-02-30\n", "not valid TOML", "Mend it"),
    "twice the same key": ('title = "Tin"\n' + SCHEDULE, "not valid TOML", "Mend it"),
    "large": (SCHEDULE + "#" * 2_000_000, "larger than 1 MB", "right file"),
    "missing title": (SCHEDULE.replace('title = "Tin"', ""), "“title” is missing", "a text in quotes"),
    "missing script": (SCHEDULE.replace('script = "tin"', ""), "“script” is missing", "a script's name"),
    "missing areas": (SCHEDULE.replace('areas = ["11"]', ""), "“areas” is missing", '["11"]'),
    "missing rules": (SCHEDULE.split("[[rule]]")[0], "never plays", "[[rule]]"),
    "no rules": (SCHEDULE.split("[[rule]]")[0] + "rule = []", "never plays", "[[rule]]"),
    "empty title": (SCHEDULE.replace('"Tin"', '" "'), '“title” is not understood: " "', "a text in quotes"),
    "number as title": (SCHEDULE.replace('"Tin"', "2026"), "“title” is not understood: 2026", "in quotes"),
    "unknown key": ("tilte = 1\n" + SCHEDULE, "“tilte” is not known", "Did you mean “title”?"),
    "stranger key": ("zzz = 1\n" + SCHEDULE, "“zzz” is not known", "Known are: areas, campaign, class"),
    "table as areas": (SCHEDULE.replace('["11"]', "{ a = 1 }"), "not understood: { a = 1 }", "list of area"),
    "no areas": (SCHEDULE.replace('["11"]', "[]"), "“areas” is not understood: []", "list of area codes"),
    "numbers as areas": (SCHEDULE.replace('["11"]', "[11]"), "“areas” is not understood: [11]", "list of area"),
    "unknown area": (SCHEDULE.replace("11", "3160"), "The area “3160” is not in", "Did you mean “03160”?"),
    "strange area": (SCHEDULE.replace("11", "Sơn La"), "The area “Sơn La” is not in", "11, 03160, 03160/nam-po"),
    "unknown class": ('class = "urgent"\n' + SCHEDULE, '“class” is not understood: "urgent"', "emergency, prior"),
    "list as class": ('class = ["normal"]\n' + SCHEDULE, '“class” is not understood: ["normal"]', "one of"),
    "word as flag": ('enabled = "no"\n' + SCHEDULE, '“enabled” is not understood: "no"', "true or false"),
    "number as flag": ("enabled = 0\n" + SCHEDULE, "“enabled” is not understood: 0", "true or false"),
    "script not there": (SCHEDULE.replace('"tin"', '"tim"'), "The script “tim” cannot", "Did you mean “tin”?"),
    "strange script": (SCHEDULE.replace('"tin"', '"bhxh"'), "The script “bhxh” cannot", "audio/bhxh/script.toml"),
    "one rule": (SCHEDULE.replace("[[rule]]", "[rule]"), "“rule” is not a list of tables", "[[rule]] above each"),
    "words as rules": (SCHEDULE.split("[[rule]]")[0] + 'rule = ["a"]', "“rule” is not a list", "[[rule]]"),
    "one campaign": (SCHEDULE + "[campaign]\nfrom = 2026-01-01", "“campaign” is not a list", "[[campaign]]"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_SCHEDULES)
def test_a_bad_schedule_is_left_out_and_said(station: Path, name: str) -> None:
    """Each thing wrong with a schedule is one fault in its file, and the other schedules air."""
    text, what, following = BAD_SCHEDULES[name]
    write(station, "schedules/xau.toml", text)
    fault = only_fault(station)
    told = str(fault.next) + str(fault.what) if name == "strange script" else str(fault.next)
    assert (fault.where, what in str(fault.what), following in told) == ("schedules/xau.toml", True, True), (
        fault
    )
    loaded = load(station)
    assert [schedule.id for schedule in loaded.content.schedules] == ["tin"]
    assert loaded.left_out == {"schedules/xau"}


BAD_RULES = {
    "words as times": ('times = ["17:30"]', '“times” is not understood: ["17:30"]', "[05:30:00, 17:30:00]"),
    "one time": ("times = 17:30:00", "“times” is not understood: 17:30:00", "[05:30:00, 17:30:00]"),
    "times as YAML reads them": ("times = [330]", "“times” is not understood: [330]", "[05:30:00, 17:30:00]"),
    "hour and minutes as a number": ("times = [530]", "“times” is not understood: [530]", "times of day"),
    "no times": ("times = []", "“times” is not understood: []", "times of day"),
    "missing times": ("", "“times” is missing", "times of day"),
    "part of a second": ("times = [17:30:00.5]", "“times” is not understood: [17:30:00.500000]", "times of day"),
    "date as time": ("times = [2026-11-20]", "“times” is not understood: [2026-11-20]", "times of day"),
    "month 13": ("times = [17:30:00]\nmonths = [13]", "“months” is not understood: [13]", "[5, 11]"),
    "month of truth": ("times = [17:30:00]\nmonths = [true]", "not understood: [true]", "[5, 11]"),
    "no months": ("times = [17:30:00]\nmonths = []", "“months” is not understood: []", "[5, 11]"),
    "one month": ("times = [17:30:00]\nmonths = 5", "“months” is not understood: 5", "[5, 11]"),
    "months in words": ('times = [17:30:00]\nmonths = "5"', '“months” is not understood: "5"', "[5, 11]"),
    "half a month": ("times = [17:30:00]\nmonths = [5.0]", "“months” is not understood: [5.0]", "[5, 11]"),
    "day 32": ("times = [17:30:00]\ndays = [32]", "“days” is not understood: [32]", "[1, 15]"),
    "day 0": ("times = [17:30:00]\ndays = [0]", "“days” is not understood: [0]", "[1, 15]"),
    "unknown weekday": ('times = [17:30:00]\nweekdays = ["t2"]', 'not understood: ["t2"]', "mon, tue, wed"),
    "weekday number": ("times = [17:30:00]\nweekdays = [2]", "not understood: [2]", "mon, tue, wed"),
    "bare quota": ("times = [17:30:00]\nat_least = 2", "“at_least” is not understood: 2", "{ airings = 2"),
    "quota a month": (
        'times = [17:30:00]\nat_least = { airings = 2, per = "month" }',
        '“at_least” is not understood: { airings = 2, per = "month" }', "{ airings = 2",
    ),
    "quota of none": (
        'times = [17:30:00]\nat_least = { airings = 0, per = "week" }', "{ airings = 0", "{ airings = 2",
    ),
    "quota of truth": (
        'times = [17:30:00]\nat_least = { airings = true, per = "week" }', "airings = true", "{ airings = 2",
    ),
    "quota with more": (
        'times = [17:30:00]\nat_least = { airings = 2, per = "week", x = 1 }', "not understood", "{ airings = 2",
    ),
    "moment as date": (
        "times = [17:30:00]\nfrom = 2026-01-01T00:00:00", "“from” is not understood: 2026-01-01T00:00:00",
        "a date such as 2026-11-20",
    ),
    "upside down": (
        "times = [17:30:00]\nfrom = 2026-05-31\nuntil = 2026-05-01",
        "It ends (2026-05-01) before it begins (2026-05-31)", "Exchange",
    ),
    "unknown key": ('times = [17:30:00]\nweekday = ["tue"]', "“weekday” is not known", "“weekdays”"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_RULES)
def test_a_bad_rule_is_said_with_its_number(station: Path, name: str) -> None:
    """What is wrong with a rule is told with the rule's place in the file."""
    text, what, following = BAD_RULES[name]
    write(station, "schedules/xau.toml", f"{SCHEDULE}\n[[rule]]\n{text}\n")
    assert_told(only_fault(station), "schedules/xau.toml [rule 2]", what, following)


BAD_PARTS = {
    "campaign without end": (
        "[[campaign]]\nfrom = 2026-04-01\ntimes = [17:30:00]", "[campaign 1]", "“until” is missing", "a date",
    ),
    "campaign upside down": (
        "[[campaign]]\nfrom = 2024-05-31\nuntil = 2024-04-01\ntimes = [17:30:00]", "[campaign 1]",
        "It ends (2024-04-01) before it begins (2024-05-31)", "Exchange “from” and “until”",
    ),
    "campaign without times": (
        "[[campaign]]\nfrom = 2024-04-01\nuntil = 2024-05-31", "[campaign 1]", "“times” is missing", "times of day",
    ),
    "except without reason": (
        "[[except]]\nfrom = 2027-02-05\nuntil = 2027-02-10", "[except 1]", "“reason” is missing", "in quotes",
    ),
    "except upside down": (
        '[[except]]\nfrom = 2027-02-05\nuntil = 2026-02-10\nreason = "Tết"', "[except 1]", "It ends", "Exchange",
    ),
    "except with times": (
        '[[except]]\nfrom = 2027-02-05\nuntil = 2027-02-10\nreason = "Tết"\ntimes = [05:30:00]', "[except 1]",
        "“times” is not known", "Known are: from, reason, until",
    ),
    "move without to": ("[[move]]\noccurrence = 2026-11-20T17:30:00", "[move 1]", "“to” is missing", "17:30:00"),
    "move of a day": (
        "[[move]]\noccurrence = 2026-11-20\nto = 2026-11-20T18:00:00", "[move 1]",
        "“occurrence” is not understood: 2026-11-20", "a date and time",
    ),
    "move with offset": (
        "[[move]]\noccurrence = 2026-11-20T17:30:00Z\nto = 2026-11-20T18:00:00", "[move 1]",
        "“occurrence” is not understood: 2026-11-20T17:30:00+00:00", "a date and time",
    ),
    "moved twice": (
        "[[move]]\noccurrence = 2026-11-20T17:30:00\nto = 2026-11-20T18:00:00\n" * 2, "",
        "The occurrence of 2026-11-20T17:30:00 is moved twice", "Keep the [[move]] that holds",
    ),
}  # fmt: skip


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


BAD_STATIONS = {
    "broken": (STATION + "x", "", "This is not valid TOML", "Mend it"),
    "binary": (b"\xff\xfe\x00", "", "This is not a text file in UTF-8", "Save it"),
    "no name": (STATION.replace('name = "Đài mẫu"', ""), "", "“name” is missing", "a text in quotes"),
    "unknown area": (STATION.replace('area = "03160"\n', 'area = "03161"\n'), "", "“03161” is not in", "“03160”?"),
    "time zone": ('timezone = "Asia/Hanoi"\n' + STATION, "", '“timezone” is not understood: "Asia/Hanoi"', "Ho_Chi"),
    "folder as zone": ('timezone = "Asia"\n' + STATION, "", '“timezone” is not understood: "Asia"', "Ho_Chi_Minh"),
    "way out as zone": ('timezone = "../x"\n' + STATION, "", '“timezone” is not understood: "../x"', "Ho_Chi_Minh"),
    "long zone": (f'timezone = "{"a" * 300}"\n' + STATION, "", '“timezone” is not understood: "aaa', "Ho_Chi_Minh"),
    "closing not there": ('closing = "x.flac"\n' + STATION, "", '“closing” is not understood: "x.flac"', "audio/chi"),
    "closing elsewhere": (
        'closing = "../beds/nen.flac"\n' + STATION, "", "“closing” is not understood", "a file in audio/chimes/",
    ),
    "unknown key": ("closng = 1\n" + STATION, "", "“closng” is not known", "Did you mean “closing”?"),
    "no hours": (
        STATION.replace("[hours]", "[other]"), "", "“other” is not known", "Known are: area, closing, cluster",
    ),
    "hours not a table": (
        "hours = 5\n" + STATION.replace("[hours]\nallowed", "[x]\ny"), "", "“hours” is not understood: 5", "a table",
    ),
    "span upside down": (
        STATION.replace("05:00:00, 06:30:00", "06:30:00, 05:00:00"), "[hours]", "“allowed” is not understood", "spans",
    ),
    "span of three": (
        STATION.replace("[05:00:00, 06:30:00]", "[05:00:00, 06:00:00, 06:30:00]"), "[hours]",
        "“allowed” is not understood", "[[05:00:00, 06:30:00]",
    ),
    "flat spans": (
        STATION.replace("[[05:00:00, 06:30:00], [16:30:00, 18:30:00]]", "[05:00:00, 06:30:00]"), "[hours]",
        "“allowed” is not understood: [05:00:00, 06:30:00]", "spans of the day",
    ),
    "no span": (
        STATION.replace("[[05:00:00, 06:30:00], [16:30:00, 18:30:00]]", "[]"), "[hours]",
        "“allowed” is not understood: []", "spans of the day",
    ),
    "truth as minutes": (
        STATION.replace("[hours]", "[hours]\nsession_minutes = true"), "[hours]",
        "“session_minutes” is not understood: true", "whole minutes",
    ),
    "half a minute": (
        STATION.replace("[hours]", "[hours]\nsession_minutes = 0.5"), "[hours]",
        "“session_minutes” is not understood: 0.5", "whole minutes",
    ),
    "no sessions": (
        STATION.replace("[hours]", "[hours]\nsessions_per_day = 0"), "[hours]",
        "“sessions_per_day” is not understood: 0", "a whole number, 1 to 48",
    ),
    "no cluster": (STATION.split("[[cluster]]")[0], "", "The station has no cluster", "Add a [[cluster]]"),
    "one cluster": (STATION.replace("[[cluster]]", "[cluster]"), "", "“cluster” is not a list", "[[cluster]]"),
    "two of one id": (
        STATION + STATION[STATION.index("[[cluster]]"):], "", "Two clusters have the id “nam-po”", "id of its own",
    ),
    "bad id": (
        STATION.replace('id = "nam-po"', 'id = "Nậm Pố"'), "[cluster Nậm Pố]",
        '“id” is not understood: "Nậm Pố"', "small letters, digits and hyphens",
    ),
    "way out as id": (
        STATION.replace('id = "nam-po"', 'id = "../x"'), "[cluster ../x]", "“id” is not understood", "small letters",
    ),
    "no languages": (
        STATION.replace('["vi", "hmn-Latn-VN"]', "[]"), "[cluster nam-po]",
        "“languages” is not understood: []", '["vi", "hmn-Latn-VN"]',
    ),
    "languages missing": (
        STATION.replace('languages = ["vi", "hmn-Latn-VN"]', ""), "[cluster nam-po]",
        "“languages” is missing", '["vi", "hmn-Latn-VN"]',
    ),
    "language of Thailand": (
        STATION.replace("hmn-Latn-VN", "th"), "[cluster nam-po]", "“th” is the language of Thailand",
        "Write blt-Latn-VN (Tai Dam) or twh-Latn-VN (Tai Dón)",
    ),
    "script of Thailand": (
        STATION.replace("hmn-Latn-VN", "th-Thai-TH"), "[cluster nam-po]",
        "“th-Thai-TH” is the language of Thailand", "blt-Latn-VN",
    ),
    "Mông without script": (
        STATION.replace("hmn-Latn-VN", "hmn"), "[cluster nam-po]", "“hmn” does not name its script",
        "Did you mean “hmn-Latn-VN”?",
    ),
    "Thái without script": (
        STATION.replace("hmn-Latn-VN", "blt-VN"), "[cluster nam-po]", "“blt-VN” does not name its script",
        "Did you mean “blt-Latn-VN”?",
    ),
    "no language at all": (
        STATION.replace("hmn-Latn-VN", "tiếng Mông"), "[cluster nam-po]",
        "“tiếng Mông” does not name its script", "language-Script-COUNTRY",
    ),
    "village not there": (
        STATION.replace("03160/nam-po", "03160/nam-pô"), "[cluster nam-po]", "The area “03160/nam-pô” is not in",
        "Did you mean “03160/nam-po”?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_STATIONS)
def test_a_station_that_cannot_be_used_is_refused(station: Path, name: str) -> None:
    """Whatever is wrong in station.toml refuses the station, with one fault that says how to mend it."""
    text, place, what, following = BAD_STATIONS[name]
    write(station, "schedules/station.toml", text)
    if name == "no hours":  # the table that was renamed is missing, too
        with pytest.raises(BroadcasterError) as error:
            load(station)
        missing, fault = error.value.faults
        assert_told(missing, "schedules/station.toml [hours]", "“allowed” is missing", "spans of the day")
    else:
        fault = refusal(station)
    assert_told(fault, f"schedules/station.toml {place}".rstrip(), what, following)


# --- areas


def test_without_areas_the_station_is_refused(station: Path) -> None:
    """Nobody knows where anything is without areas.toml; only that is said."""
    (station / "schedules" / "areas.toml").unlink()
    assert_told(
        refusal(station), "schedules/areas.toml", "cannot be read: No such file", "See that it is there"
    )


@pytest.mark.parametrize(
    ("text", "what"),
    [("[[area]", "not valid TOML"), ("", "names no area"), ("area = 5", "not a list of tables")],
)
def test_areas_that_cannot_be_read_are_one_fault(station: Path, text: str, what: str) -> None:
    """A broken areas.toml is one fault, not one for each place that it would have told."""
    write(station, "schedules/areas.toml", text)
    fault = refusal(station)
    assert fault.where == "schedules/areas.toml"
    assert what in str(fault.what)


BAD_AREAS = {
    "no name": ('code = "03166"\nkind = "commune"\nfrom = 2025-07-01', "[area 03166]", "“name” is missing", "text"),
    "number as code": (
        'code = 3166\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01', "[area 4]",
        "“code” is not understood: 3166", "a text in quotes",
    ),
    "unknown kind": (
        'code = "03166"\nname = "Huyện"\nkind = "district"\nfrom = 2025-07-01', "[area 03166]",
        '“kind” is not understood: "district"', "one of: province, commune, village",
    ),
    "day in words": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = "1/7/2025"', "[area 03166]",
        '“from” is not understood: "1/7/2025"', "a date such as 2025-07-01",
    ),
    "number as fact": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01\nhotline = 19009068', "[area 03166]",
        "Facts about an area are texts", "Put them in quotes",
    ),
    "misspelt parent": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01\nparrent = "11"', "[area 03166]",
        "“parrent” is not known", "Did you mean “parent”?",
    ),
    "unknown parent": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01\nparent = "3160"', "[area 03166]",
        "The area “3160” is not in", "Did you mean “03160”?",
    ),
    "in itself": (
        'code = "03166"\nname = "Xã"\nkind = "commune"\nfrom = 2025-07-01\nparent = "03166"', "[area 03166]",
        "The area lies in itself: 03166 > 03166", "Name the area above it",
    ),
    "ring": (
        'code = "a"\nname = "A"\nkind = "commune"\nfrom = 2025-07-01\nparent = "b"\n'
        '[[area]]\ncode = "b"\nname = "B"\nkind = "commune"\nfrom = 2025-07-01\nparent = "a"\n'
        '[[area]]\ncode = "c"\nname = "C"\nkind = "village"\nfrom = 2025-07-01\nparent = "a"', "[area a]",
        "The area lies in itself: a > b > a", "Name the area above it",
    ),
    "twice": (
        'code = "11"\nname = "Tỉnh khác"\nkind = "province"\nfrom = 2025-07-01', "",
        "Two areas have the code “11” from 2025-07-01 on", "Keep one",
    ),
    "unknown top": ('code = "x"\nname = "X"\nkind = "province"\nfrom = 2025-07-01\n[more]\na = 1', "",
        "“more” is not known here", "Known are: area"),
}  # fmt: skip


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
    "broken": ("title = ", "", "This is not valid TOML", "Mend it"),
    "no title": (SCRIPT.replace('title = "Tin"', ""), "", "“title” is missing", "a text in quotes"),
    "no items": ('title = "Tin"', "", "The script has no item", "Add an [[item]]"),
    "one item": ('title = "Tin"\n[item]\nid = "a"', "", "“item” is not a list of tables", "[[item]] above each"),
    "unknown group": ('group = "farmer"\n' + SCRIPT, "", '“group” is not understood: "farmer"', "everyone, farmers"),
    "unknown key": ('chimes = "mo-dau.flac"\n' + SCRIPT, "", "“chimes” is not known", "Did you mean “chime”?"),
    "no id": (SCRIPT.replace('id = "loi-chao"', ""), "[item 1]", "“id” is missing", "small letters"),
    "bad id": (
        SCRIPT.replace("loi-chao", "Lời chào"), "[item Lời chào]", '“id” is not understood: "Lời chào"', "small",
    ),
    "two of one id": (SCRIPT.replace("loi-chao", "ket"), "", "Two items have the id “ket”", "Give each an id"),
    "no text": (
        'title = "Tin"\n[[item]]\nid = "a"', "[item a] [text]", "The item has no text in any language", "[item.text]",
    ),
    "empty table": (
        'title = "Tin"\n[[item]]\nid = "a"\n[item.text]', "[item a] [text]", "no text in any language", "Vietnamese",
    ),
    "text without language": (
        'title = "Tin"\n[[item]]\nid = "a"\ntext = "Xin chào"', "[item a]",
        '“text” is not understood: "Xin chào"', "a table",
    ),
    "empty text": (
        SCRIPT.replace('"Xin cảm ơn bà con."', '"""\n  \n"""'), "[item ket] [text]", "“vi” is not understood", "quotes",
    ),
    "number as text": (
        SCRIPT.replace('"Xin cảm ơn bà con."', "5"), "[item ket] [text]", "“vi” is not understood: 5", "in quotes",
    ),
    "open brace": (
        SCRIPT.replace("{area.name}", "{area.name"), "[item loi-chao] [text]",
        "A brace in the text “vi” has no partner", "{area.name}",
    ),
    "closed brace": (
        SCRIPT.replace("{area.name}", "area.name}"), "[item loi-chao] [text]",
        "A brace in the text “vi” has no partner", "{area.name}",
    ),
    "text in the language of Thailand": (
        SCRIPT + 'th = "x"', "[item ket] [text]", "“th” is the language of Thailand", "twh-Latn-VN (Tai Dón)",
    ),
    "text in Mông without script": (
        SCRIPT + 'hmn = "x"', "[item ket] [text]", "“hmn” does not name its script", "“hmn-Latn-VN”?",
    ),
    "chime not there": ('chime = "x.flac"\n' + SCRIPT, "", '“chime” is not understood: "x.flac"', "audio/chimes/"),
    "chime elsewhere": ('chime = "../beds/nen.flac"\n' + SCRIPT, "", "“chime” is not understood", "audio/chimes/"),
    "absolute chime": ('chime = "/etc/passwd"\n' + SCRIPT, "", "“chime” is not understood", "audio/chimes/"),
    "folder as chime": ('chime = "."\n' + SCRIPT, "", "“chime” is not understood", "a file in audio/chimes/"),
    "nul in chime": ('chime = "a\\u0000"\n' + SCRIPT, "", "“chime” is not understood", "a file in audio/chimes/"),
    "long chime": (f'chime = "{"a" * 300}"\n' + SCRIPT, "", "“chime” is not understood", "audio/chimes/"),
    "list as bed": ('bed = ["nen.flac"]\n' + SCRIPT, "", '“bed” is not understood: ["nen.flac"]', "audio/beds/"),
    "folder as bed": ('bed = "folder"\n' + SCRIPT, "", '“bed” is not understood: "folder"', "a file in audio/beds/"),
}  # fmt: skip
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
        ('"1"', '"1"'),
        ("0x" + "f" * 9000, "…"),
        ("2026-11-20", "2026-11-20"),
        ("[[[[1]]]]", "[[[…]]]"),
    ]
}


@pytest.mark.parametrize("name", BAD_SCRIPTS)
def test_a_bad_script_is_left_out_and_said(station: Path, name: str) -> None:
    """Each thing wrong with a script is one fault in its file, and the other scripts air."""
    (station / "audio" / "beds" / "folder").mkdir()
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
        only_fault(station), "audio/xau/script.toml", "cannot be read: No such file", "See that it is there"
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
        ("vi/ket@03160+nam-pa.wav", None, "The area “03160/nam-pa” is not in", "Did you mean “03160/nam-po”?"),
        ("vi/ket@.wav", None, "The area “” is not in", "name one of"),
        ("th/ket.wav", "th", "“th” is the language of Thailand", "blt-Latn-VN"),
        ("hmn/ket.wav", "hmn", "“hmn” does not name its script", "Did you mean “hmn-Latn-VN”?"),
        ("ket.wav", "ket.wav", "in the folder of its language", "recordings/vi/"),
        ("hmn-Latn-VN/ket.wav", None, "“ket.mp3” is a recording of the same item", "Keep one of the two"),
        ("vi/ket.wav/x", "vi/ket.wav", "This is not a file", "Put the right file"),
    ],
)  # fmt: skip
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
    "broken": ("[", "", "not valid TOML", "Mend it"),
    "of nothing": ('["vi/xin-chao.wav"]\nstand_in = true', "", "“vi/xin-chao.wav” is not known", "Known are"),
    "misnamed": ('["hmn-Latn-VN/ket.mp4"]\nstand_in = true', "", "is not known", "“hmn-Latn-VN/ket.mp3”?"),
    "word as flag": (
        '["hmn-Latn-VN/ket.mp3"]\nstand_in = "yes"', " [hmn-Latn-VN/ket.mp3]", 'not understood: "yes"', "true or false",
    ),
    "unknown key": (
        '["hmn-Latn-VN/ket.mp3"]\nstandin = true', " [hmn-Latn-VN/ket.mp3]", "“standin” is not known", "“stand_in”?",
    ),
    "no table": ('"hmn-Latn-VN/ket.mp3" = true', "", "“hmn-Latn-VN/ket.mp3” is not understood: true", "a table"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_NOTES)
def test_bad_notes_about_recordings_are_said(station: Path, name: str) -> None:
    """What is wrong in recordings.toml is one fault in it."""
    text, place, what, following = BAD_NOTES[name]
    write(station, "audio/tin/recordings.toml", text)
    assert_told(only_fault(station), f"audio/tin/recordings.toml{place}", what, following)


# --- the file system


def test_a_folder_where_a_file_should_be_is_said(station: Path) -> None:
    """A folder with the name of a schedule, a script or the notes is one fault each."""
    names = ["audio/tin/recordings.toml", "audio/xau/script.toml", "schedules/xau.toml"]
    for name in names:
        (station / name).mkdir(parents=True)
    loaded = load(station)
    assert sorted(fault.where for fault in loaded.faults) == names
    assert {str(fault.what) for fault in loaded.faults} == {"This is not a file."}
    assert airs(loaded)


def test_a_file_where_a_folder_should_be_is_said(station: Path) -> None:
    """A file with the name of the recordings' folder is one fault."""
    shutil.rmtree(station / "audio" / "tin" / "recordings")
    write(station, "audio/tin/recordings", b"")
    assert_told(only_fault(station), "audio/tin/recordings", "cannot be read: Not a directory", "See that")


def test_a_pipe_is_not_waited_for(station: Path) -> None:
    """Reading never hangs on something that only looks like a file."""
    os.mkfifo(station / "schedules" / "xau.toml")
    assert_told(only_fault(station), "schedules/xau.toml", "This is not a file", "Put the right file")


def test_links_to_nowhere_are_said(station: Path) -> None:
    """A link that leads nowhere, or round in a ring, is one fault."""
    (station / "schedules" / "a.toml").symlink_to("nowhere.toml")
    (station / "schedules" / "b.toml").symlink_to("b.toml")
    (station / "audio" / "tin" / "recordings" / "vi").mkdir()
    (station / "audio" / "tin" / "recordings" / "vi" / "ket.wav").symlink_to("nowhere.wav")
    (station / "audio" / "tin" / "recordings" / "vi" / "loi-chao.wav").symlink_to("loi-chao.wav")
    loaded = load(station)
    assert sorted(fault.where for fault in loaded.faults) == [
        "audio/tin/recordings/vi/ket.wav",
        "audio/tin/recordings/vi/loi-chao.wav",
        "schedules/a.toml",
        "schedules/b.toml",
    ]
    assert all("cannot be read" in str(fault.what) for fault in loaded.faults)
    assert airs(loaded)


def test_folders_that_lie_in_themselves_end(station: Path) -> None:
    """A link that makes a folder its own part is read once, not for ever."""
    (station / "audio" / "tin" / "recordings" / "vi").symlink_to(station / "audio" / "tin" / "recordings")
    assert_told(only_fault(station), "audio/tin/recordings/vi/hmn-Latn-VN", "no item", "Name the file")
    assert fingerprint(station) == fingerprint(station)


def test_a_link_to_a_file_is_that_file(station: Path) -> None:
    """Content may be shared between stations by links."""
    elsewhere = write(station, "elsewhere.toml", SCHEDULE)
    (station / "schedules" / "chung.toml").symlink_to(elsewhere)
    loaded = load(station)
    assert not loaded.faults
    assert [schedule.id for schedule in loaded.content.schedules] == ["chung", "tin"]


def test_a_name_that_is_not_utf_8_is_said(station: Path) -> None:
    """A file whose name came from an old code page, or holds a line end, is one fault that can be printed."""
    for name in (b"t\xeat.toml", b"hai\ndong.toml"):
        Path(os.fsdecode(os.fsencode(station / "schedules") + b"/" + name)).write_text(SCHEDULE)
    loaded = load(station)
    assert [str(fault.what) for fault in loaded.faults] == [
        r"The name of a file is not text in UTF-8: 'hai\ndong.toml'.",
        r"The name of a file is not text in UTF-8: 't\udceat.toml'.",
    ]
    assert airs(loaded)
    "\n".join(map(str, loaded.faults)).encode()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize(
    "name", ["schedules/xau.toml", "audio/xau", "audio/xau/script.toml", "audio/tin/recordings/vi"]
)
def test_what_may_not_be_read_is_said(station: Path, name: str) -> None:
    """A file or folder without permission is one fault, and the rest airs."""
    path = write(station, name, SCHEDULE) if name.endswith(".toml") else station / name
    path.mkdir(parents=True, exist_ok=True) if not name.endswith(".toml") else None
    path.chmod(0)
    try:
        assert "cannot be read: Permission denied" in str(only_fault(station).what)
    finally:
        path.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_station_that_may_not_be_read_is_refused(station: Path) -> None:
    """A station whose schedules are closed to us says so, not that there is no station."""
    (station / "schedules").chmod(0)
    try:
        with pytest.raises(BroadcasterError, match="Permission denied"):
            load(station)
    finally:
        (station / "schedules").chmod(0o700)


# --- reading again


def test_the_fingerprint_changes_with_every_change(station: Path) -> None:
    """Saving, adding, renaming or taking away any file shows; nothing shows where nothing happened."""
    seen = [fingerprint(station)]
    assert fingerprint(station) == seen[0]
    write(station, "schedules/tin.toml", SCHEDULE + "# x")
    seen.append(fingerprint(station))
    os.utime(station / "audio/tin/script.toml", ns=(0, 0))
    seen.append(fingerprint(station))
    added = write(station, "audio/tin/recordings/vi/ket.wav", b"")
    seen.append(fingerprint(station))
    added.rename(added.with_name("loi-chao.wav"))
    seen.append(fingerprint(station))
    shutil.rmtree(station / "audio")
    seen.append(fingerprint(station))
    assert len(set(seen)) == len(seen)


def test_a_fingerprint_is_taken_of_whatever_is_there(tmp_path: Path) -> None:
    """No station, links to nowhere: looking for changes never fails."""
    assert fingerprint(tmp_path / "nowhere") == fingerprint(tmp_path)
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "a.toml").symlink_to("a.toml")
    assert fingerprint(tmp_path) == fingerprint(tmp_path)


@pytest.mark.parametrize("name", ["schedules/tin.toml", "audio/tin/script.toml"])
def test_a_file_that_was_good_goes_on_until_it_is_mended(station: Path, name: str) -> None:
    """Where a saved file is faulty, the schedule and its script air as they last were."""
    last = load(station).content
    write(station, name, "title = ")
    loaded = load(station)
    kept = loaded.keeping(last)
    assert loaded.faults
    assert not loaded.content.schedules
    assert (kept.scripts, kept.schedules) == (last.scripts, last.schedules)
    assert list(kept.recordings) == list(last.recordings)


def test_what_was_taken_away_is_not_kept(station: Path) -> None:
    """A schedule, script or recording that was deleted is gone, even where its neighbour is faulty."""
    write(station, "schedules/khac.toml", SCHEDULE)
    last = load(station).content
    (station / "schedules" / "khac.toml").unlink()
    shutil.rmtree(station / "audio" / "tin" / "recordings")
    write(station, "schedules/tin.toml", "title = ")
    kept = load(station).keeping(last)
    assert [schedule.id for schedule in kept.schedules] == ["tin"]
    assert not list(kept.recordings)


def test_a_schedule_is_not_kept_without_its_script(station: Path) -> None:
    """When a script was deleted, its schedule cannot go on either: what is kept can be planned."""
    last = load(station).content
    shutil.rmtree(station / "audio" / "tin")
    kept = load(station).keeping(last)
    assert not kept.schedules
    assert plan(kept, {}, at("2026-11-20"), at("2026-11-21")) == ()


def test_what_is_new_comes_beside_what_is_kept(station: Path) -> None:
    """A good new file counts at once, in file order, whatever is faulty beside it."""
    write(station, "schedules/a-b.toml", SCHEDULE)
    last = load(station).content
    write(station, "schedules/a-b.toml", "title = ")
    write(station, "schedules/a.toml", SCHEDULE)
    write(station, "schedules/tin.toml", SCHEDULE.replace('"Tin"', '"Tin mới"'))
    kept = load(station).keeping(last)
    assert [(one.id, one.title) for one in kept.schedules] == [
        ("a-b", "Tin"),
        ("a", "Tin"),
        ("tin", "Tin mới"),
    ]


# --- anything at all

FILES: Mapping[str, dict[str, Any]] = {
    "schedules/station.toml": {
        "name": "Đài mẫu",
        "area": "03160",
        "timezone": "Asia/Ho_Chi_Minh",
        "closing": "mo-dau.flac",
        "hours": {"allowed": [[time(5), time(6, 30)]], "session_minutes": 30, "sessions_per_day": 2},
        "cluster": [{"id": "nam-po", "name": "A", "area": "03160", "languages": ["vi"], "sink": "null"}],
    },
    "schedules/areas.toml": {
        "area": [
            {"code": "11", "name": "A", "kind": "province", "from": date(2025, 7, 1)},
            {
                "code": "03160",
                "name": "B",
                "kind": "commune",
                "from": date(2025, 7, 1),
                "parent": "11",
                "x": "y",
            },
        ]
    },
    "schedules/tin.toml": {
        "title": "Tin",
        "script": ["tin", "tin"],
        "areas": ["11"],
        "class": "normal",
        "enabled": True,
        "rule": [
            {
                "times": [EVENING],
                "months": [11],
                "weekdays": ["tue"],
                "days": [1],
                "from": date(2026, 1, 1),
                "until": date(2026, 12, 31),
                "at_least": {"airings": 2, "per": "week"},
            },
            {"times": [MORNING]},
        ],
        "campaign": [{"times": [EVENING], "from": date(2026, 4, 1), "until": date(2026, 5, 1)}],
        "except": [{"from": date(2026, 4, 1), "until": date(2026, 5, 1), "reason": "Tết"}],
        "move": [
            {
                "occurrence": datetime(2026, 11, 20, 5, 30),  # noqa: DTZ001 - wall time
                "to": datetime(2026, 11, 20, 17, 30),  # noqa: DTZ001 - wall time
            }
        ],
    },
    "audio/tin/script.toml": {
        "title": "Tin",
        "group": "everyone",
        "chime": "mo-dau.flac",
        "bed": "nen.flac",
        "item": [
            {"id": "ket", "pause": 0.5, "text": {"vi": "Xin chào {area.name}", "hmn-Latn-VN": "Nyob zoo"}}
        ],
    },
    "audio/tin/recordings.toml": {"hmn-Latn-VN/ket.mp3": {"stand_in": True, "speaker": "A"}},
}

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
words |= st.sampled_from(
    ["", "{", "vi", "th", "hmn", "11", "tin", "ket", "Asia", "../x", "x" * 300, "\x00", "0"]
)
scalars = (
    st.booleans()
    | st.integers(-40, 40)
    | st.sampled_from([2**63, -(10**17), 16**5000, math.nan, math.inf, -math.inf, 0.5, -0.0])
    | words
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def toml(value: Any) -> str:
    """*value* written as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return f"{{{', '.join(f'{toml(str(key))} = {toml(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, date | time):
        return value.isoformat()
    return hex(value) if isinstance(value, int) and abs(value) > 2**70 else repr(value)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a tree of tables and lists."""
    for key, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(one, dict | list):
            yield from places(one)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    station = build(tmp_path_factory.mktemp("fuzzed"))
    for name, data in FILES.items():
        write(station, name, "".join(f"{toml(key)} = {toml(one)}\n" for key, one in data.items()))
    return station


def assert_survives(station: Path) -> None:
    """Loading gives content that can be planned, or an error in words; never anything else."""
    try:
        loaded = load(station)
    except BroadcasterError as error:
        faults = error.faults
    else:
        faults = tuple(loaded.faults)
        start = at("2026-11-16")
        plan(loaded.content, {}, start, start + timedelta(weeks=1))
    for fault in faults:
        assert str(fault).encode()
        assert fault.where
        assert len(str(fault)) < 2000


def test_what_is_fuzzed_is_sound_at_first(fuzzed: Path) -> None:
    """The files that the next tests spoil have no fault of their own."""
    assert not load(fuzzed).faults


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_value_in_any_file_is_a_traceback(fuzzed: Path, data: st.DataObject) -> None:
    """Whatever is put in the place of any values, taken out or added, is content or a fault in words."""
    name = data.draw(st.sampled_from(sorted(FILES)))
    spoilt = deepcopy(FILES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(list(places(spoilt)) or [(spoilt, "x")]))
        match data.draw(st.sampled_from(["replace", "replace", "remove", "add"])):
            case "replace":
                container[key] = data.draw(values)
            case "remove" if key in container or isinstance(container, list):
                del container[key]
            case _ if isinstance(container, list):
                container.append(data.draw(values))
            case _:
                container[data.draw(words)] = data.draw(values)
    good = (fuzzed / name).read_bytes()
    try:
        write(fuzzed, name, "".join(f"{toml(key)} = {toml(one)}\n" for key, one in spoilt.items()))
        assert_survives(fuzzed)
    finally:
        write(fuzzed, name, good)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_in_any_file_are_a_traceback(fuzzed: Path, data: st.DataObject) -> None:
    """A file that was cut off, overwritten or mixed up anywhere is content or a fault in words."""
    name = data.draw(st.sampled_from(sorted(FILES)))
    good = (fuzzed / name).read_bytes()
    start, end = sorted(data.draw(st.lists(st.integers(0, len(good)), min_size=2, max_size=2)))
    filling = data.draw(st.binary(max_size=8) | st.text("[]{}=\"'#.,\n", max_size=8).map(str.encode))
    try:
        write(fuzzed, name, good[:start] + filling + good[end:])
        assert_survives(fuzzed)
    finally:
        write(fuzzed, name, good)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_huge_file_of_any_kind_is_not_read(fuzzed: Path, name: str) -> None:
    """A file of 2 MB, a video perhaps, is refused before it fills the memory."""
    good = (fuzzed / name).read_bytes()
    write(fuzzed, name, good + b"#" * 2 * LARGEST_FILE)
    try:
        try:
            faults = load(fuzzed).faults
        except BroadcasterError as error:
            faults = error.faults
        assert any(fault.where == name and "larger than 1 MB" in str(fault.what) for fault in faults)
    finally:
        write(fuzzed, name, good)
