"""schedule template, export, import: as they are typed, and what they leave behind."""

import tomllib
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from broadcaster.cli import asking
from tests.cli.terminal import Terminal

NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)  # 10:00 at the station
FOREIGN = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:a
SUMMARY:Giao ban xã
DTSTART;TZID=Asia/Ho_Chi_Minh:20261103T173000
RRULE:FREQ=WEEKLY;BYDAY=TU
END:VEVENT
BEGIN:VEVENT
UID:b
SUMMARY:Nghỉ
DTSTART;VALUE=DATE:20261111
END:VEVENT
END:VCALENDAR
"""
COMMENTED = """\
# Lịch này của văn phòng xã
title  = "Tin # xã"                     # giữ nguyên
script = ["tin", "nuoc"]
areas  = ["03160"]
except = ["Tết", { from = 2026-12-01, until = 2026-12-02, reason = "Mất điện" }]

[[rule]]
times = [17:30:00]
"""


@pytest.fixture
def type_in(type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """On a day in November."""
    monkeypatch.setattr("broadcaster.edges.clock.SystemClock.now", lambda _self: NOW)
    return type_in


def schedules(type_in: Terminal) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (type_in.station / "schedules").iterdir()}


def fill(path: Path, *rows: dict[str, Any]) -> None:
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    at = {cell.value: cell.column for cell in sheet[1]}
    last = sheet.max_row
    for number, row in enumerate(rows, last + 1):
        for heading, value in row.items():
            sheet.cell(number, at[heading]).value = value
    book.save(path)


ROW = {"Tên lịch": "Vụ lúa", "Kịch bản": "tin · Kịch bản tin", "Địa bàn": 3160, "Giờ phát": "5h30"}


class TestTemplate:
    def test_is_filled_in_and_imported(self, type_in: Terminal, tmp_path: Path) -> None:
        """From the empty workbook to a schedule; its name becomes one that files can have."""
        file = tmp_path / "lich.xlsx"
        said = type_in("schedule", "template", str(file))
        assert (said.code, said.err) == (0, "")
        fill(file, ROW, {"Loại dòng": "Nghỉ", "Ngày lễ": "Tết"})
        said = type_in("schedule", "import", str(file))
        assert said.code == 0
        assert said.out.splitlines()[2].split()[:4] == ["vu-lua", "Vụ", "lúa", "2-3"]
        assert tomllib.loads(schedules(type_in)["vu-lua.toml"].decode()) == {
            "title": "Vụ lúa",
            "script": "tin",
            "areas": ["03160"],
            "except": ["Tết"],
            "rule": [{"times": [time(5, 30)]}],
        }

    def test_offers_what_the_station_has(self, type_in: Terminal, tmp_path: Path) -> None:
        """Its scripts, areas and the holidays; it goes nowhere into the content."""
        type_in("schedule", "template", str(tmp_path / "a.xlsx"))
        lists = openpyxl.load_workbook(tmp_path / "a.xlsx")["Danh mục"]
        there = {cell.value for row in lists.iter_rows() for cell in row}
        assert {"tin · Kịch bản tin", "03160/nam-po · Bản Nậm Pố", "Tết", "Đợt cao điểm"} <= there
        assert "holds the content" in type_in.fault(
            "schedule", "template", str(type_in.station / "schedules" / "a.xlsx")
        )
        assert ".xlsx" in type_in.fault("schedule", "template", str(tmp_path / "a.ics"))


class TestExport:
    @pytest.mark.parametrize("ending", [".xlsx", ".ics"])
    def test_and_import_change_nothing(self, type_in: Terminal, tmp_path: Path, ending: str) -> None:
        """What went out comes in as unchanged, comments and all; no edit is kept for it."""
        type_in.write("schedules/tin.toml", COMMENTED)
        before = type_in.files()
        file = tmp_path / f"lich{ending}"
        assert type_in("schedule", "export", str(file)).code == 0
        said = type_in("schedule", "import", str(file))
        assert said.code == 0
        assert said.out.count("unchanged") == 2
        assert type_in.files() == before

    @pytest.mark.parametrize("script", ["", 'script = "tin"\n'])
    @pytest.mark.parametrize("ending", [".xlsx", ".ics"])
    def test_carries_a_relay(self, type_in: Terminal, tmp_path: Path, ending: str, script: str) -> None:
        """Its source and its minutes go out and come in; it needs no script."""
        text = f'title = "T"\n{script}areas = ["11"]\nrelay = "http://radio.vn/live"\nminutes = 20\n'
        type_in.write("schedules/tiep-am.toml", text + "[[extra]]\nat = 2027-03-01T05:00:00\n")
        before = tomllib.loads(schedules(type_in)["tiep-am.toml"].decode())
        file = tmp_path / f"lich{ending}"
        assert type_in("schedule", "export", "tiep-am", str(file)).code == 0
        (type_in.station / "schedules" / "tiep-am.toml").unlink()
        assert type_in("schedule", "import", str(file)).code == 0
        assert tomllib.loads(schedules(type_in)["tiep-am.toml"].decode()) == before

    def test_gives_a_file_back_to_the_letter(self, type_in: Terminal, tmp_path: Path) -> None:
        """A calendar holds the file itself, comments and all; a workbook says that it does not."""
        type_in.write("schedules/tin.toml", COMMENTED)
        told = type_in("schedule", "export", "tin", str(tmp_path / "a.xlsx"))
        assert "Note: tin: Comments" in told.err
        type_in("schedule", "export", "tin", str(tmp_path / "a.ics"))
        (type_in.station / "schedules" / "tin.toml").unlink()
        assert type_in("schedule", "import", str(tmp_path / "a.ics")).code == 0
        assert schedules(type_in)["tin.toml"].decode() == COMMENTED

    def test_takes_only_those_that_are_named(self, type_in: Terminal, tmp_path: Path) -> None:
        """One that is not there is told, and nothing is written."""
        said = type_in("schedule", "export", "nuoc", str(tmp_path / "a.ics"))
        assert "1 schedules" in said.out
        assert "until 31/12/2027" in said.err
        assert "SUMMARY:Bản tin nuoc" in (tmp_path / "a.ics").read_text("utf-8")
        assert "SUMMARY:Bản tin tin" not in (tmp_path / "a.ics").read_text("utf-8")
        assert "Did you mean “nuoc”?" in type_in.fault("schedule", "export", "nuo", str(tmp_path / "b.ics"))
        assert not (tmp_path / "b.ics").exists()

    @pytest.mark.parametrize("ending", [".xlsx", ".ics"])
    def test_says_that_seasons_do_not_travel(self, type_in: Terminal, tmp_path: Path, ending: str) -> None:
        """Where a rule names one, and only there."""
        file = str(tmp_path / f"a{ending}")
        assert "seasons themselves" not in type_in("schedule", "export", file).err
        season = 'name = "vai"\ntitle = "Vải"\ngroup = "everyone"\nareas = ["03160"]\n'
        type_in.write(
            "schedules/seasons.toml", f"[[season]]\n{season}from = 2026-06-01\nuntil = 2026-07-31\n"
        )
        type_in.change("schedules/tin.toml", "[[rule]]", '[[rule]]\nnot_in_season = "vai"')
        assert "Note: tin: The seasons themselves do not travel" in type_in("schedule", "export", file).err

    def test_leaves_out_no_faulty_one_in_silence(self, type_in: Terminal, tmp_path: Path) -> None:
        """It is told why it cannot go; asked for by name, nothing goes."""
        type_in.change("schedules/tin.toml", "17:30:00", '"nachts"')
        said = type_in("schedule", "export", str(tmp_path / "a.xlsx"))
        assert (said.code, "1 schedules" in said.out) == (1, True)
        assert "schedules/tin.toml" in said.err
        assert "cannot be exported" in type_in.fault("schedule", "export", "tin", str(tmp_path / "b.xlsx"))

    def test_tells_where_it_cannot_write(self, type_in: Terminal, tmp_path: Path) -> None:
        """A folder that is not there."""
        for name in ("a.ics", "a.xlsx"):
            assert "it is not there" in type_in("schedule", "export", str(tmp_path / "weg" / name)).err


class TestImport:
    def test_takes_a_calendar_of_another_program(self, type_in: Terminal, tmp_path: Path) -> None:
        """Script and area are named; what could not be held is told; one undo takes all of it back."""
        before = schedules(type_in)
        (tmp_path / "a.ics").write_text(FOREIGN, "utf-8")
        said = type_in("schedule", "import", str(tmp_path / "a.ics"), "--script", "tin", "--area", "03160")
        assert said.code == 0
        assert "Note: a.ics: Nghỉ: An appointment of a whole day" in said.err
        found = tomllib.loads(schedules(type_in)["giao-ban-xa.toml"].decode())
        assert (found["script"], found["areas"], found["rule"][0]["weekdays"]) == ("tin", ["03160"], ["tue"])
        assert type_in("schedule", "undo", "--yes").code == 0
        assert schedules(type_in) == before

    def test_asks_for_what_the_file_does_not_say(self, type_in: Terminal, tmp_path: Path) -> None:
        """Both options are named at once, and nothing is written."""
        before = schedules(type_in)
        (tmp_path / "a.ics").write_text(FOREIGN, "utf-8")
        said = type_in("schedule", "import", str(tmp_path / "a.ics"))
        assert said.code == 1
        assert "--script, --area" in said.err
        assert schedules(type_in) == before

    def test_replaces_only_when_it_is_told_to(self, type_in: Terminal, tmp_path: Path) -> None:
        """What is there stays without --replace; a trial shows it; replaced, its comments are told of."""
        type_in.write("schedules/tin.toml", COMMENTED)
        file = str(tmp_path / "a.xlsx")
        type_in("schedule", "export", file)
        fill(tmp_path / "a.xlsx", {"Tên lịch": "tin", "Loại dòng": "Thêm", "Vào lúc": "24/12/2026 17:05"})
        before = schedules(type_in)
        said = type_in("schedule", "import", file, "--yes")
        assert said.code == 1
        assert "Fault: tin: There are schedules of these names already." in said.err
        assert "trial" in type_in("schedule", "import", file, "--dry-run").out
        assert schedules(type_in) == before
        said = type_in("schedule", "import", file, "--replace")
        assert said.code == 0
        assert "The comments in this file go" in said.err
        after = schedules(type_in)
        assert {name for name in after if after[name] != before.get(name)} == {"tin.toml"}
        assert b"2026-12-24T17:05:00" in after["tin.toml"]

    @pytest.mark.parametrize("agreed", [True, False])
    def test_asks_in_a_terminal_before_it_replaces(
        self, type_in: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agreed: bool
    ) -> None:
        """A yes replaces, a no leaves everything as it is."""
        file = str(tmp_path / "a.xlsx")
        type_in("schedule", "export", "tin", file)
        fill(tmp_path / "a.xlsx", {"Tên lịch": "tin", "Loại dòng": "Thêm", "Vào lúc": "24/12/2026 17:05"})
        before = schedules(type_in)
        monkeypatch.setattr(asking, "asks", lambda: True)
        monkeypatch.setattr(asking, "confirm", lambda *_args, **_more: agreed)
        assert type_in("schedule", "import", file).code == int(not agreed)
        assert (schedules(type_in) != before) is agreed

    def test_tells_before_it_saves_which_holidays_sound_again(
        self, type_in: Terminal, tmp_path: Path
    ) -> None:
        """A time that was moved in another program leaves Tết silent; a row that was deleted does not."""
        type_in.write("schedules/tin.toml", COMMENTED)
        file = tmp_path / "a.ics"
        type_in("schedule", "export", "tin", str(file))
        file.write_bytes(file.read_bytes().replace(b":20260101T173000", b":20260101T174500"))
        said = type_in("schedule", "import", str(file), "--replace", "--dry-run")
        assert "silent days stay as they were: Tết" in said.err
        assert "no longer silent" not in said.err
        assert type_in("schedule", "import", str(file), "--replace").code == 0
        found = tomllib.loads(schedules(type_in)["tin.toml"].decode())
        assert found["except"] == tomllib.loads(COMMENTED)["except"]
        assert found["rule"] == [{"times": [time(17, 45)]}]
        assert "tin-2.toml" not in schedules(type_in)
        type_in("schedule", "export", "tin", str(tmp_path / "a.xlsx"))
        book = openpyxl.load_workbook(tmp_path / "a.xlsx")
        book.worksheets[0].delete_rows(3)
        book.save(tmp_path / "a.xlsx")
        said = type_in("schedule", "import", str(tmp_path / "a.xlsx"), "--replace", "--dry-run")
        assert "no longer silent in every year on: Tết." in said.err

    def test_leaves_what_says_the_same_in_another_order(self, type_in: Terminal, tmp_path: Path) -> None:
        """A workbook puts times in order, and makes one of a list of one: the file and its comments stay."""
        other = COMMENTED.replace("[17:30:00]", "[17:30:00, 05:30:00]\nmonths = [11, 5]")
        type_in.write(
            "schedules/tin.toml", other.replace('["tin", "nuoc"]', '["tin"]').replace("Tin #", "Tin  #")
        )
        before = type_in.files()
        type_in("schedule", "export", str(tmp_path / "a.xlsx"))
        assert type_in("schedule", "import", str(tmp_path / "a.xlsx")).out.count("unchanged") == 2
        assert type_in.files() == before

    def test_names_the_row_of_a_silent_day(self, type_in: Terminal, tmp_path: Path) -> None:
        """Also where the name of a holiday stands above it, which is no table."""
        file = tmp_path / "a.xlsx"
        type_in("schedule", "template", str(file))
        silent = {"Loại dòng": "Nghỉ"}
        day = {"Từ ngày": "1/11/2026", "Lý do / tên đợt": "Mất điện"}
        fill(file, ROW, silent | {"Ngày lễ": "Tết"}, silent | day)
        assert (
            "a.xlsx, row 4: schedules/vu-lua.toml [except 1]" in type_in("schedule", "import", str(file)).err
        )

    def test_refuses_what_check_refuses_by_its_row(self, type_in: Terminal, tmp_path: Path) -> None:
        """The row of the workbook is named; nothing of it is written, not even what is right."""
        file = tmp_path / "a.xlsx"
        type_in("schedule", "template", str(file))
        wrong = {"Tên lịch": "b", "Kịch bản": "tni", "Địa bàn": "99999", "Giờ phát": "5:30"}
        upside_down = {"Từ ngày": "20/11/2026", "Đến ngày": "1/11/2026", "Giờ phát": "5:30"}
        fill(file, ROW, wrong, upside_down)
        before = schedules(type_in)
        said = type_in("schedule", "import", str(file))
        assert said.code == 1
        assert "Fault: a.xlsx, row 3: schedules/b.toml: The script “tni”" in said.err
        assert "Fault: a.xlsx, row 4: schedules/b.toml [rule 2]: It ends" in said.err
        assert schedules(type_in) == before

    def test_is_no_way_to_the_other_files(self, type_in: Terminal, tmp_path: Path) -> None:
        """A schedule that is called like the station's description is refused, and so is a path."""
        type_in("schedule", "template", str(tmp_path / "a.xlsx"))
        fill(tmp_path / "a.xlsx", ROW | {"Tên lịch": "station"})
        assert "cannot have this name" in type_in("schedule", "import", str(tmp_path / "a.xlsx")).err
        type_in("schedule", "export", "tin", str(tmp_path / "a.ics"))
        text = (tmp_path / "a.ics").read_text("utf-8").replace("TEXT:tin", "TEXT:../audio/x")
        (tmp_path / "a.ics").write_text(text, "utf-8", newline="")
        before = type_in.files().keys()
        type_in("schedule", "import", str(tmp_path / "a.ics"))
        new = {one for one in type_in.files().keys() - before if not one.startswith("var")}
        assert new == {"schedules/audio-x.toml"}

    def test_tells_a_file_without_schedules(self, type_in: Terminal, tmp_path: Path) -> None:
        """An empty template, a calendar without appointments, and a file of another kind."""
        type_in("schedule", "template", str(tmp_path / "a.xlsx"))
        (tmp_path / "a.ics").write_text("BEGIN:VCALENDAR\nEND:VCALENDAR", "utf-8")
        for name in ("a.xlsx", "a.ics"):
            assert "no schedule in this file" in type_in.fault("schedule", "import", str(tmp_path / name))
        assert "imported and exported as" in type_in.fault("schedule", "import", "a.pdf")

    def test_takes_no_more_than_a_station_can_have(self, type_in: Terminal, tmp_path: Path) -> None:
        """A diary of hundreds of matters is no timetable."""
        one = FOREIGN.split("\n", 3)[3].split("BEGIN:VEVENT")[1]
        many = "".join(f"BEGIN:VEVENT{one}".replace("Giao ban", f"Việc {number}") for number in range(101))
        (tmp_path / "a.ics").write_text(f"BEGIN:VCALENDAR\n{many}END:VCALENDAR\n", "utf-8")
        arguments = ("schedule", "import", str(tmp_path / "a.ics"), "--script", "tin", "--area", "03160")
        assert "101 schedules" in type_in.fault(*arguments)
