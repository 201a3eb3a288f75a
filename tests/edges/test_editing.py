"""Files are changed as an officer would, and are whole at every moment."""

import json
import os
import signal
import tomllib
import unicodedata
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcaster.edges import editing
from broadcaster.edges.content import load
from broadcaster.edges.editing import (
    append_line,
    copy_script,
    edit_script,
    history,
    new_script,
    note_recording,
    save,
    schedule_text,
    seen,
    with_table,
    with_values,
    without_table,
)
from broadcaster.model.errors import BroadcasterError, Fault
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.script import Item
from tests.children import child
from tests.stations import write

SCRIPT = "audio/tin/script.toml"
NOTES = "audio/tin/recordings.toml"
LAID_OUT = """\
# Nguồn: bài của đài.
title = "Tin"            # như trên bảng
group = 'farmers'

[[item]]
id    = "loi-chao"       # đầu tiên
pause = 1.0

[item.text]
vi = \"\"\"
Kính thưa bà con {area.name}!
Xin chào.
\"\"\"

# mục cuối
[[item]]
id = "ket"
[item.text]
vi = "Hết."
"""


def laid_out(station: Path, text: str = LAID_OUT) -> Path:
    return write(station, SCRIPT, text)


def fault_of(error: pytest.ExceptionInfo[BroadcasterError]) -> Fault:
    (fault,) = error.value.faults
    return fault


# --- a new script


def test_a_new_script_is_what_was_asked_for(station: Path) -> None:
    """The loader reads back title, group, class, author and every item, and finds no fault."""
    items = [Item("mot", {"vi": "Một dòng."}), Item("hai", {"vi": 'Hai\ndòng """ \\ "'}, 1.5)]
    values = {"title": 'Thử “a” "b" #1', "group": "farmers", "class": "priority", "author": "Tổ tin"}
    new_script(station, "moi", values, items)
    loaded = load(station)
    assert not loaded.faults
    script = loaded.content.scripts["moi"]
    assert (script.title, script.group, script.author) == ('Thử “a” "b" #1', "farmers", "Tổ tin")
    assert script.bulletin_class is BulletinClass.PRIORITY
    assert [(one.id, one.pause) for one in script.items] == [("mot", 0.8), ("hai", 1.5)]
    assert [one.text["vi"].strip() for one in script.items] == [one.text["vi"] for one in items]


def test_a_new_script_is_laid_out_as_the_sample(station: Path) -> None:
    """Lines of text stand as lines between three quotes, and empty lines part the items."""
    items = [Item("mot", {"vi": "Một\nhai"}), Item("ba", {"vi": "Ba"})]
    new_script(station, "moi", {"title": "Mới", "author": ""}, items)
    assert (station / "audio/moi/script.toml").read_text("utf-8") == (
        'title = "Mới"\n\n'
        '[[item]]\nid = "mot"\npause = 0.8\n\n[item.text]\nvi = """\nMột\nhai\n"""\n\n'
        '[[item]]\nid = "ba"\npause = 0.8\n\n[item.text]\nvi = "Ba"\n'
    )


@pytest.mark.parametrize("name", ["Tin", "tin tức", "../x", "a/b", "", "chimes", "beds", ".a"])
def test_a_script_gets_no_name_that_is_none(station: Path, name: str) -> None:
    """A name that the loader would refuse, or that is a folder of sounds, makes nothing."""
    before = sorted(station.rglob("*"))
    with pytest.raises(BroadcasterError) as error:
        new_script(station, name, {"title": "x"}, [])
    assert "small letters" in str(fault_of(error).what)
    assert sorted(station.rglob("*")) == before


def test_a_script_is_never_written_over(station: Path) -> None:
    """Where a folder of that name stands, even with recordings alone, it stays as it is."""
    write(station, "audio/co/recordings/vi/a.mp3", b"x")
    for make in (
        lambda: new_script(station, "co", {"title": "x"}, []),
        lambda: copy_script(station, "tin", "co"),
    ):
        with pytest.raises(BroadcasterError) as error:
            make()
        assert "something in this place already" in str(fault_of(error).what)
    assert not (station / "audio/co/script.toml").exists()


def test_a_copy_keeps_words_and_comments_and_nothing_else(station: Path) -> None:
    """Neither recordings nor approvals come along; the title is a new one if it is given."""
    text = laid_out(station).read_text("utf-8")
    write(station, "audio/tin/approvals.jsonl", "{}\n")
    copy_script(station, "tin", "sao")
    copy_script(station, "tin", "sao-2", "Bản sao")
    assert (station / "audio/sao/script.toml").read_text("utf-8") == text
    changed = (station / "audio/sao-2/script.toml").read_text("utf-8")
    assert changed == text.replace('"Tin" ', '"Bản sao" ')
    assert sorted(path.name for path in (station / "audio/sao").iterdir()) == ["script.toml"]


# --- changes


def test_only_what_was_named_changes(station: Path) -> None:
    """Values, words and a pause are new; every comment, space and other line is as it was."""
    path = laid_out(station)
    assert edit_script(
        station,
        "tin",
        values={"title": "Mới", "group": "", "author": "An"},
        texts={("ket", "vi"): "Hết\nrồi.", ("ket", "hmn-Latn-VN"): "Tas lawm."},
        pauses={"loi-chao": 2.0},
    )
    expected = (
        LAID_OUT.replace('"Tin" ', '"Mới" ')
        .replace("group = 'farmers'\n", 'author = "An"\n')
        .replace("pause = 1.0", "pause = 2.0")
        .replace('vi = "Hết."\n', 'vi = """\nHết\nrồi.\n"""\nhmn-Latn-VN = "Tas lawm."\n')
    )
    assert sorted(path.read_text("utf-8").split("\n")) == sorted(expected.split("\n"))
    assert not load(station).faults


def test_the_same_words_are_no_change(station: Path) -> None:
    """Words that differ in nothing but the ends keep the file byte by byte, and with it what was approved."""
    path = laid_out(station)
    before = path.stat()
    same = "\nKính thưa bà con {area.name}!\r\nXin chào."
    assert not edit_script(station, "tin", values={"title": "Tin"}, texts={("loi-chao", "vi"): same})
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_an_item_is_added_where_it_is_asked_for(station: Path) -> None:
    """A new item comes last, after an empty line, even where the file has no last line end."""
    path = laid_out(station, LAID_OUT.rstrip("\n"))
    edit_script(station, "tin", texts={("them", "vi"): "Thêm."}, add=True)
    assert path.read_text("utf-8") == LAID_OUT + '\n[[item]]\nid = "them"\n\n[item.text]\nvi = "Thêm."\n'
    assert [item.id for item in load(station).content.scripts["tin"].items] == ["loi-chao", "ket", "them"]


@pytest.mark.parametrize(
    ("item", "add", "what", "following"),
    [
        ("loi-chaoo", False, "has no item “loi-chaoo”", "Did you mean “loi-chao”?"),
        ("zzz", False, "has no item “zzz”", "Known are: loi-chao, ket."),
        ("Lời", True, "small letters", "Known are"),
    ],
)
def test_an_item_that_is_not_there_is_told(
    station: Path, item: str, add: bool, what: str, following: str
) -> None:
    """Nothing is written for an item that is not known, or that can have no such id."""
    path = laid_out(station)
    with pytest.raises(BroadcasterError) as error:
        edit_script(station, "tin", texts={(item, "vi"): "x"}, add=add)
    assert what in str(fault_of(error).what)
    assert following in str(fault_of(error).next)
    assert path.read_text("utf-8") == LAID_OUT


ODD = {
    "inline text": 'title = "T"\n[[item]]\nid = "a"\ntext = { vi = "x" } # ghi chú\n',
    "dotted text": 'title = "T"\n[[item]]\nid = "a"\ntext.vi = "x"\n',
    "items in a list": 'title = "T"\nitem = [ { id = "a", text = { vi = "x" } } ]\n',
    "literal": "title = '''\nT'''\n[[item]]\nid = 'a'\n[item.text]\nvi = '''x'''\n",
    "quoted keys": '"title" = "T"\n[[item]]\n"id" = "a"\n[item."text"]\n"vi" = "x"\n',
    "title below": '[[item]]\nid = "a"\n[item.text]\nvi = "x"\n',
    "indented": 'title = "T"\n  [[item]]\n  id = "a"\n    [item.text]\n    vi = "x"\n',
}


@pytest.mark.parametrize("name", ODD)
def test_however_a_file_is_laid_out(station: Path, name: str) -> None:
    """What is written says exactly what was asked for; else nothing is written and the fault says so."""
    path = laid_out(station, ODD[name])
    wanted = tomllib.loads(ODD[name])
    wanted["author"] = "An"
    wanted["item"][0]["text"] |= {"vi": "Một\nhai\n", "hmn-Latn-VN": "Ib"}
    wanted["item"].append({"id": "b", "text": {"vi": "Bê"}})
    texts = {("a", "vi"): "Một\nhai", ("a", "hmn-Latn-VN"): "Ib", ("b", "vi"): "Bê"}
    try:
        edit_script(station, "tin", values={"author": "An"}, texts=texts, add=True)
    except BroadcasterError as error:
        assert "so unusually" in str(error)  # noqa: PT017
        assert path.read_text("utf-8") == ODD[name]
    else:
        assert tomllib.loads(path.read_text("utf-8")) == wanted


def test_line_ends_mark_mode_and_link_stay(station: Path) -> None:
    """A file from Windows stays one; its mode, and a link to it, stay as well."""
    real = station / "elsewhere.toml"
    real.write_bytes(b"\xef\xbb\xbf" + LAID_OUT.replace("\n", "\r\n").encode())
    real.chmod(0o640)
    (station / SCRIPT).unlink()
    (station / SCRIPT).symlink_to(real)
    edit_script(station, "tin", texts={("ket", "vi"): "Hết\nrồi."})
    data = real.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf# Ngu")
    assert data.count(b"\r\n") == data.count(b"\n") == LAID_OUT.count("\n") + 3
    assert real.stat().st_mode & 0o777 == 0o640
    assert (station / SCRIPT).is_symlink()


BROKEN = {
    "broken": (b'title = "T\n', "This is not valid TOML"),
    "not text": (b"\xff\xfe\x00", "not a text file in UTF-8"),
    "deep": (b"title = " + b"[" * 20_000, "too deep"),
}


@pytest.mark.parametrize("name", [*BROKEN, "away"])
def test_a_broken_file_is_told_as_the_loader_tells_it(station: Path, name: str) -> None:
    """A file that the loader cannot read is not touched, and the fault is the loader's own."""
    path = station / SCRIPT
    if name == "away":
        path.unlink()
    else:
        path.write_bytes(BROKEN[name][0])
    (told,) = [fault for fault in load(station).faults if fault.where.startswith(SCRIPT)]
    for change in (
        lambda: edit_script(station, "tin", values={"title": "x"}),
        lambda: copy_script(station, "tin", "sao"),
    ):
        with pytest.raises(BroadcasterError) as error:
            change()
        assert fault_of(error) == told
    assert name == "away" or path.read_bytes() == BROKEN[name][0]
    assert not (station / "audio/sao").exists()


@pytest.mark.parametrize("step", range(1, 4))
def test_a_disk_that_fails_leaves_the_old_file_or_the_new(
    station: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Whichever time the disk fails to keep something, the file is whole, and no other is left."""
    path = laid_out(station)
    calls = []

    def sync(_handle: int) -> None:
        calls.append(1)
        if len(calls) == step:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", sync)
    if step < 3:
        with pytest.raises(BroadcasterError) as error:
            edit_script(station, "tin", values={"title": "Mới"})
        assert "the disk is full" in str(fault_of(error).what)
    else:
        assert edit_script(station, "tin", values={"title": "Mới"})
        assert len(calls) == 2  # the file, then its folder
    new = LAID_OUT.replace('"Tin" ', '"Mới" ')
    assert path.read_text("utf-8") == (LAID_OUT if step == 1 else new)
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []


def test_changes_at_the_same_time_are_all_made(station: Path) -> None:
    """Nobody reads the file while another is about to replace it."""
    names = [f"muc-{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: edit_script(station, "tin", texts={(name, "vi"): "x"}, add=True), names))
    assert {item.id for item in load(station).content.scripts["tin"].items} >= set(names)


def test_the_sample_keeps_every_comment(station: Path) -> None:
    """In the sample's own script one line changes, and no other."""
    sample = (Path(__file__).parents[2] / "audio/bhxh-tu-nguyen/script.toml").read_text("utf-8")
    path = laid_out(station, sample)
    edit_script(station, "tin", values={"title": "Mới"})
    before, after = sample.split("\n"), path.read_text("utf-8").split("\n")
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new for _old, new in changed] == ['title = "Mới"']


WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40).filter(lambda text: text.strip())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=3))
def test_any_words_come_back(station: Path, lines: list[str]) -> None:
    """Quotes, backslashes, control characters, line ends: what was set is what is read."""
    laid_out(station)
    text = "\n".join(lines)
    edit_script(station, "tin", texts={("ket", "vi"): text})
    kept = tomllib.loads((station / SCRIPT).read_bytes().decode().replace("\r\n", "\n"))
    wanted = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    assert kept["item"][1]["text"]["vi"].strip() == wanted.strip()


def test_words_that_are_not_text_are_written_as_far_as_they_are(station: Path) -> None:
    """Half a character from a broken terminal becomes a question mark, not a crash."""
    edit_script(station, "tin", texts={("ket", "vi"): "a\udcffb"})
    assert load(station).content.scripts["tin"].items[1].text["vi"] == "a?b"


# --- notes of recordings


def test_a_real_recording_takes_the_stand_ins_mark_away(station: Path) -> None:
    """Speaker and mark of what was replaced are gone, whatever the old file's ending was."""
    write(
        station,
        NOTES,
        '# Ai đọc\n["hmn-Latn-VN/ket.opus"] # tạm\nspeaker = "máy"\nstand_in = true\n\n'
        '["hmn-Latn-VN/loi-chao.wav"]\nstand_in = true\n\n["vi/ket.opus"]\nspeaker = "Bà Lò"\n',
    )
    note_recording(station, "tin", "hmn-Latn-VN/ket.opus", speaker="Ông Sùng", stand_in=False)
    note_recording(station, "tin", "hmn-Latn-VN/loi-chao.mp3", speaker="Bà Giàng", stand_in=False)
    text = (station / NOTES).read_text("utf-8")
    assert tomllib.loads(text) == {
        "hmn-Latn-VN/ket.opus": {"speaker": "Ông Sùng"},
        "vi/ket.opus": {"speaker": "Bà Lò"},
        "hmn-Latn-VN/loi-chao.mp3": {"speaker": "Bà Giàng"},
    }
    assert text.startswith('# Ai đọc\n["hmn-Latn-VN/ket.opus"] # tạm\n')


def test_the_first_note_makes_the_file(station: Path) -> None:
    """Where there is no recordings.toml it is made, and the loader knows the stand-in by it."""
    note_recording(station, "tin", "hmn-Latn-VN/ket.mp3", speaker="", stand_in=True)
    assert (station / NOTES).read_text("utf-8") == '["hmn-Latn-VN/ket.mp3"]\nstand_in = true\n'
    (recording,) = load(station).content.recordings
    assert recording.stand_in


def test_a_note_that_says_nothing_is_none(station: Path) -> None:
    """Nobody named and no stand-in: the note is taken out, and no file is made for it."""
    note_recording(station, "tin", "hmn-Latn-VN/ket.mp3", speaker="", stand_in=False)
    assert not (station / NOTES).exists()
    write(station, NOTES, '["hmn-Latn-VN/ket.opus"]\nstand_in = true\n')
    note_recording(station, "tin", "hmn-Latn-VN/ket.mp3", speaker="", stand_in=False)
    (recording,) = load(station).content.recordings
    assert not recording.stand_in


def test_broken_notes_stay_as_they_are(station: Path) -> None:
    """Notes that cannot be read are told, and not written over."""
    write(station, NOTES, "[a\n")
    with pytest.raises(BroadcasterError) as error:
        note_recording(station, "tin", "vi/ket.mp3", speaker="An", stand_in=False)
    assert fault_of(error).place == f"{NOTES}:1"
    assert (station / NOTES).read_text() == "[a\n"


# --- lines


def test_lines_are_added_and_a_torn_one_is_ended(tmp_path: Path) -> None:
    """File and folders are made; after a power cut the torn line ends, and the next begins its own."""
    path = tmp_path / "a" / "b" / "lines"
    append_line(path, "một")
    append_line(path, "hai")
    assert path.read_text("utf-8") == "một\nhai\n"
    path.write_bytes("một\nha".encode())
    append_line(path, "ba")
    assert path.read_text("utf-8") == "một\nha\nba\n"


def test_a_line_is_on_the_disk_and_so_is_the_name_of_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new folder's name, the file, and the file's name are each kept before the call returns."""
    kept: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda handle: kept.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
    )
    append_line(tmp_path / "a" / "lines", "x")
    assert kept == [str(tmp_path), str(tmp_path / "a" / "lines"), str(tmp_path / "a")]
    append_line(tmp_path / "a" / "lines", "y")
    assert kept[3:] == [str(tmp_path / "a" / "lines")]


def test_a_line_is_one_line(tmp_path: Path) -> None:
    """Line ends within it become spaces."""
    append_line(tmp_path / "lines", "a\nb\u2028c")
    assert (tmp_path / "lines").read_text("utf-8") == "a b c\n"


def test_a_line_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Where a file stands in the way of the folder, the fault says so in words."""
    (tmp_path / "a").write_text("")
    with pytest.raises(BroadcasterError) as error:
        append_line(tmp_path / "a" / "lines", "x")
    assert "cannot be written" in str(fault_of(error).what)


# --- the text of schedules

PATH = "schedules/tin.toml"
COMMENTED = """\
# Lịch của đài
title  = "Tin"                # như trên bảng
script = "tin"
areas  = ["11"]

# tháng cao điểm
[[rule]]                      # hai buổi
months = [5, 11]
times  = [05:30:00, 17:30:00] # sáng và chiều
# quanh năm
[[rule]]
times = [
    17:30:00,                 # chiều
]

# nghỉ Tết
[[except]]
from   = 2027-02-05
until  = 2027-02-10
reason = '''
[[rule]]
# Tết'''
# hết
"""
RULE = {"weekdays": ["tue"], "times": [time(17)]}


def test_a_new_schedule_is_laid_out_as_the_sample() -> None:
    """First the head, then each table after an empty line, with the signs below each other."""
    data = {
        "title": 'Tin “a” "b"',
        "script": ["tin", "nuoc"],
        "except": ["Tết", {"from": date(2026, 1, 1), "until": date(2026, 1, 2), "reason": "Nghỉ"}],
        "rule": [RULE | {"at_least": {"airings": 2, "per": "week"}}],
        "extra": [{"at": datetime(2026, 11, 20, 18, 0)}, {"at": datetime(2026, 11, 21, 18, 0)}],  # noqa: DTZ001
    }
    text = schedule_text(data)
    assert text == (
        'title  = "Tin “a” \\"b\\""\n'
        'script = ["tin", "nuoc"]\n'
        'except = ["Tết", { from = 2026-01-01, until = 2026-01-02, reason = "Nghỉ" }]\n\n'
        '[[rule]]\nweekdays = ["tue"]\ntimes    = [17:00:00]\n'
        'at_least = { airings = 2, per = "week" }\n\n'
        "[[extra]]\nat = 2026-11-20T18:00:00\n\n[[extra]]\nat = 2026-11-21T18:00:00\n"
    )
    assert tomllib.loads(text) == data


PLAIN = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20).map(lambda one: unicodedata.normalize("NFC", one)),
    st.integers(-9, 99),
    st.booleans(),
    st.dates(),
    st.times().map(lambda one: one.replace(microsecond=0)),
)
TABLE = st.dictionaries(
    st.sampled_from(["from", "times", "title", "not_in_season"]),
    PLAIN | st.lists(PLAIN, max_size=3),
    min_size=1,
)


@given(st.dictionaries(st.sampled_from(["title", "areas"]), PLAIN), st.lists(TABLE, max_size=3))
def test_a_new_text_says_what_it_was_made_of(head: dict[str, Any], rules: list[dict[str, Any]]) -> None:
    """Whatever the values are; line ends in texts are those of this system."""
    text = schedule_text(head | ({"rule": rules} if rules else {}))

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items()}
        if isinstance(value, list):
            return [plain(one) for one in value]
        return value.replace("\r\n", "\n").replace("\r", "\n") if isinstance(value, str) else value

    assert tomllib.loads(text) == plain(head | ({"rule": rules} if rules else {}))


def test_a_table_goes_below_the_last_of_its_kind() -> None:
    """The comment above the next table stays there; where there is none of the kind, it comes last."""
    text = with_table(PATH, COMMENTED, "rule", RULE)
    new = '[[rule]]\nweekdays = ["tue"]\ntimes    = [17:00:00]\n\n'
    assert text == COMMENTED.replace("# nghỉ Tết", new + "# nghỉ Tết")
    text = with_table(PATH, COMMENTED, "extra", {"at": datetime(2026, 11, 20, 18, 0)})  # noqa: DTZ001
    assert text == COMMENTED + "\n[[extra]]\nat = 2026-11-20T18:00:00\n"


def test_a_comment_close_above_a_table_belongs_to_it() -> None:
    """A new table is not put between the two."""
    text = with_table(PATH, "[[rule]]\ndays = [1]\n# dưới\n[[move]]\n", "rule", {"days": [2]})
    assert text == "[[rule]]\ndays = [1]\n\n[[rule]]\ndays = [2]\n\n# dưới\n[[move]]\n"


def test_a_list_of_holidays_stays_a_list() -> None:
    """A name and a dated exception go into the list; taken out, nothing of it is left."""
    dated = {"from": date(2027, 2, 5), "until": date(2027, 2, 10), "reason": "Nghỉ"}
    text = with_table(PATH, 'except = ["Tết"] # lễ\n', "except", "Quốc khánh")
    text = with_table(PATH, text, "except", dated)
    new = '{ from = 2027-02-05, until = 2027-02-10, reason = "Nghỉ" }'
    assert text == f'except = ["Tết", "Quốc khánh", {new}] # lễ\n'
    assert tomllib.loads(text) == {"except": ["Tết", "Quốc khánh", dated]}
    for _each in range(3):
        text = without_table(PATH, text, "except", 0)
    assert tomllib.loads(text) == {}


def test_a_table_is_taken_out_and_comments_around_it_stay() -> None:
    """Its own lines go with what stands behind them; what looks like a table in a text is none."""
    text = without_table(PATH, COMMENTED, "rule", 1)
    assert text == COMMENTED.replace(
        COMMENTED[COMMENTED.index("[[rule]]\ntimes") : COMMENTED.index("\n# nghỉ")], ""
    )
    text = without_table(PATH, COMMENTED, "except", 0)
    assert text == COMMENTED[: COMMENTED.index("[[except]]")] + "# hết\n"


def test_values_are_set_where_they_stand() -> None:
    """Changed in their line, new ones below the others and above what follows, taken out with None."""
    text = with_values(PATH, COMMENTED, {"title": "Mới", "enabled": False, "areas": None})
    assert text == COMMENTED.replace('"Tin" ', '"Mới" ').replace('areas  = ["11"]', "enabled = false")
    text = with_values(PATH, COMMENTED, {"months": None, "times": [time(6)], "days": [1]}, "rule", 0)
    assert text == COMMENTED.replace("months = [5, 11]\n", "").replace(
        "[05:30:00, 17:30:00] # sáng và chiều\n", "[06:00:00] # sáng và chiều\ndays   = [1]\n"
    )


def test_the_same_values_are_no_change_of_a_schedule() -> None:
    """A value that is there already leaves the text as it is, byte by byte."""
    assert with_values(PATH, COMMENTED, {"title": "Tin", "class": None}) == COMMENTED
    text = 'at_least = { airings = 2, per = "week" } # tuần\n'
    assert with_values(PATH, text, {"at_least": {"airings": 3, "per": "week"}}) == text.replace("2", "3")
    assert with_values(PATH, "enabled=true # đang phát\n", {"enabled": True}) == "enabled=true # đang phát\n"


def test_a_schedule_that_is_laid_out_too_oddly_is_left_alone() -> None:
    """Tables within a rule stand in the way of a new value: it is refused, in words."""
    text = "[[rule]]\ntimes = [05:30:00]\n[rule.at_least]\nairings = 2\nper = 'week'\n"
    with pytest.raises(BroadcasterError) as error:
        with_values(PATH, text, {"days": [1]}, "rule")
    assert "so unusually" in str(fault_of(error).what)
    assert without_table(PATH, text + "[[rule]]\n", "rule", 0) == "[[rule]]\n"


EDITS = st.lists(
    st.tuples(
        st.sampled_from(["add", "remove", "set"]),
        st.sampled_from(["rule", "campaign", "except", "move", "extra"]),
        st.integers(0, 3),
    ),
    max_size=8,
)


def some_table(key: str, number: int) -> dict[str, Any]:
    """One that is like no other."""
    day = date(2026, 1, 1) + timedelta(days=number)
    at = datetime.combine(day, time(17, 30))
    within = {"from": day, "until": day}
    return {
        "rule": RULE,
        "campaign": within | {"times": [time(17)]},
        "except": within | {"reason": "Nghỉ"},
        "move": {"occurrence": at, "to": at},
        "extra": {"at": at},
    }[key] | {}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EDITS)
def test_edits_keep_comments_and_say_what_was_asked_for(
    station: Path, edits: list[tuple[str, str, int]]
) -> None:
    """After any edits every comment on a line of its own is there, and the loader takes the file."""
    text, wanted = COMMENTED, tomllib.loads(COMMENTED)
    for number, (verb, key, index) in enumerate(edits):
        there = wanted.get(key, [])
        if verb == "add":
            text = with_table(PATH, text, key, some_table(key, number))
            wanted.setdefault(key, []).append(some_table(key, number))
        elif index < len(there) and verb == "set":
            values = some_table(key, 100 + number) | ({"days": [1]} if key == "rule" else {})
            text = with_values(PATH, text, values, key, index)
            there[index].update(values)
        elif index < len(there) and (key, len(there)) != ("rule", 1):
            text = without_table(PATH, text, key, index)
            del there[index]
            if not there:
                del wanted[key]
        assert tomllib.loads(text) == wanted
        own = [line for line in text.split("\n") if line.startswith("# ") and "'''" not in line]
        assert own == ["# Lịch của đài", "# tháng cao điểm", "# quanh năm", "# nghỉ Tết", "# hết"]
        assert "\n\n\n" not in text
    assert not load(station, instead={PATH: text}).faults


# --- saving, and what was there before

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def saved(station: Path, new: Mapping[str, str | bytes | None], **given: Any) -> editing.Edit:
    return save(station, new, seen(station, new), "schedule edit tin", NOON, **given)


def test_what_was_there_is_kept(station: Path) -> None:
    """The bytes before, the command, and which file was new: enough to go back."""
    before = (station / PATH).read_bytes()
    edit = saved(station, {PATH: "title = 1\n", "schedules/moi.toml": "title = 2\n"})
    assert (station / PATH).read_text() == "title = 1\n"
    assert history(station) == [edit]
    assert (edit.number, edit.at, edit.what, edit.undoes) == (1, NOON, "schedule edit tin", None)
    assert (edit.before(PATH), edit.before("schedules/moi.toml")) == (before, None)
    assert edit.after == {path: editing.digest((station / path).read_bytes()) for path in edit.after}
    assert edit.folder.name == "000001-20261120T120000Z"


def test_bytes_go_back_as_they_were(station: Path) -> None:
    """A file from Windows keeps its marks in an edit, and comes back the same byte by byte."""
    marked = b"\xef\xbb\xbf" + COMMENTED.replace("\n", "\r\n").encode()
    write(station, PATH, marked)
    edit = saved(station, {PATH: COMMENTED + "# thêm\n"})
    assert (station / PATH).read_bytes() == marked + "# thêm\r\n".encode()
    saved(station, {PATH: None})
    saved(station, {PATH: edit.before(PATH)}, undoes=edit.number)
    assert (station / PATH).read_bytes() == marked
    assert [one.undoes for one in history(station)] == [1, None, None]


def test_nobody_elses_change_is_written_over(station: Path) -> None:
    """A file saved, added or taken away meanwhile is left as it is; nothing is kept or written."""
    was = seen(station, [PATH, "schedules/moi.toml"])
    for change in (
        lambda: write(station, PATH, "x"),
        (station / PATH).unlink,
        lambda: (write(station, PATH, was[PATH] or b""), write(station, "schedules/moi.toml", "y")),
    ):
        change()
        before = sorted((path, path.read_bytes()) for path in station.rglob("*") if path.is_file())
        with pytest.raises(BroadcasterError) as error:
            save(station, {PATH: "a", "schedules/moi.toml": "b"}, was, "x", NOON)
        assert "Somebody else changed" in str(fault_of(error).what)
        assert sorted((path, path.read_bytes()) for path in station.rglob("*") if path.is_file()) == before


def test_the_history_has_an_end(station: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest edits go; numbers count on, even where the clock went back."""
    monkeypatch.setattr(editing, "HISTORY", 3)
    for number in range(5):
        text = f"title = {number}\n"
        save(station, {PATH: text}, seen(station, [PATH]), "x", NOON - timedelta(days=number))
    assert [one.number for one in history(station)] == [5, 4, 3]


def test_a_damaged_entry_hides_no_other(station: Path) -> None:
    """A power cut in the history costs that one edit's way back, not the list of the others."""
    for number in range(3):
        saved(station, {PATH: f"title = {number}\n"})
    entries = history(station)
    (entries[1].folder / "edit.json").write_text("{")
    (entries[0].folder / "edit.json").write_text(json.dumps({"at": "gestern"}))
    assert history(station) == entries[2:]


def test_a_file_that_is_only_renamed_is_never_away(station: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there under one of the two names at every step, and never under both."""
    there: list[int] = []
    rename, unlink = Path.rename, Path.unlink

    def look() -> None:
        names = ("tin", "moi")
        there.append(sum((station / f"schedules/{name}.toml").exists() for name in names))

    def renaming(path: Path, to: Path) -> Path:
        look()
        done = rename(path, to)
        look()
        return done

    def unlinking(path: Path, *, missing_ok: bool = False) -> None:
        unlink(path, missing_ok=missing_ok)
        look()

    monkeypatch.setattr(Path, "rename", renaming)
    monkeypatch.setattr(Path, "unlink", unlinking)
    text = (station / PATH).read_bytes()
    saved(station, {PATH: None, "schedules/moi.toml": text})
    assert (station / "schedules/moi.toml").read_bytes() == text
    assert set(there) == {1}


SAVE_FOREVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from broadcaster.edges.editing import save, seen
station, path = Path(sys.argv[1]), "schedules/tin.toml"
for number in range(10**6):
    text = "# " + "x" * 50_000 + f"\\n# {number}\\ntitle = 1\\n"
    save(station, {path: text}, seen(station, [path]), "x", datetime(2026, 11, 20, tzinfo=UTC))
    if number == 2:
        print("well", flush=True)
"""


def test_killed_while_it_saves(station: Path) -> None:
    """The schedule is whole, it or the one before is kept in the history, and the next edit goes on."""
    for _each in range(3):
        with child(SAVE_FOREVER, station) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "well\n"
            process.send_signal(signal.SIGKILL)
        data = (station / PATH).read_bytes()
        assert data.endswith(b"\ntitle = 1\n")
        assert len(data) > 50_000
        edits = history(station)
        assert editing.digest(data) in {one.after[PATH] for one in edits[:1]} | {
            editing.digest(one.before(PATH)) for one in edits[:1]
        }
        assert all(one.before(PATH) is not None for one in edits)
    saved(station, {PATH: "title = 2\n"})
    assert history(station)[0].before(PATH) == data
    assert not [path for path in (station / "schedules").iterdir() if path.name == ".part"]
