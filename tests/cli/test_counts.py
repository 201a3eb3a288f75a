"""Reports as people get them: sentences, tables, the workbook, the page and the log book."""

import re
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from PIL import Image

from broadcaster.cli import language, period, prose
from broadcaster.edges.store import Store, database
from broadcaster.model.airing import Outcome
from broadcaster.model.count import Cell
from broadcaster.report import Report, report
from tests.cli.terminal import Terminal
from tests.factories import ZONE, make_airing
from tests.needs import need

OCTOBER = ["--from", "2026-10-01", "--until", "2026-10-31"]


def logged(type_in: Terminal, days: Sequence[date], outcome: Outcome = Outcome.AIRED, **given: Any) -> None:
    """An occurrence on each of *days*, all of which ended so."""
    with closing(Store(database(type_in.station / "var"))) as store:
        for day in days:
            planned = datetime.combine(day, time(17, 30), ZONE)
            reason = "" if outcome is Outcome.AIRED else "off"
            row = make_airing(outcome=outcome, planned=planned, day=day, reason=reason, **given)
            store.end(replace(row, occurrence=f"lich/{planned:%Y-%m-%dT%H:%M:%S}/{row.cluster}/{outcome}"))


def month(year: int, number: int, count: int = 28) -> list[date]:
    return [date(year, number, 1) + timedelta(days=day) for day in range(count)]


@pytest.fixture
def in_vietnamese() -> Any:
    language.use("vi")
    yield
    language.use("en")


def aired(count: int) -> Report:
    return report([Cell("total", "", "", "", Outcome.AIRED, "", count, 0, 0)])


@pytest.fixture
def chromium(tmp_path: Path) -> Callable[..., None]:
    """Runs the browser without a screen."""
    need("chromium")

    def run(*arguments: str) -> None:
        quietly = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}")
        subprocess.run(["chromium", *quietly, *arguments], check=True, capture_output=True, timeout=60)

    return run


class TestProse:
    QUARTER = (date(2021, 4, 1), date(2021, 6, 30))
    BEFORE = (date(2021, 1, 1), date(2021, 3, 31))

    @pytest.mark.usefixtures("in_vietnamese")
    @pytest.mark.parametrize(
        ("number", "told", "translated"),
        [
            (0, "0", "0"),
            (864, "864", "864"),
            (206_613, "more than 206,600", "trên 206.600"),
            (206_600, "206,600", "206.600"),
            (730_000, "730,000", "730.000"),
            (1_234_999, "more than 1,234,000", "trên 1.234.000"),
        ],
    )
    def test_a_number_is_cut_and_never_told_too_large(self, number: int, told: str, translated: str) -> None:
        """What is told was reached; the hedge says where it was cut."""
        assert prose.about(number) == translated
        language.use("en")
        assert prose.about(number) == told

    @pytest.mark.usefixtures("in_vietnamese")
    @pytest.mark.parametrize(
        ("before", "told"),
        [
            (55_842, "gấp 3,6 lần so với quý I/2021"),  # 3.69994: never told too large
            (55_800, "gấp 3,7 lần so với quý I/2021"),
            (103_306, "gấp 2 lần so với quý I/2021"),
            (200_000, "tăng 3,3% so với quý I/2021"),
            (206_613, "bằng quý I/2021"),
            (413_226, "giảm 50% so với quý I/2021"),
        ],
    )
    def test_the_sentence_of_an_article(self, before: int, told: str) -> None:
        """As provinces write it: how many, where, and how much more than in the stretch before."""
        named = period.named(*self.QUARTER)
        said = prose.tell("BHXH tỉnh Điện Biên", named, aired(206_613), (self.BEFORE, aired(before)))
        start = "Trong quý II/2021, BHXH tỉnh Điện Biên đã phát trên 206.600 lượt phát thanh trên các cụm loa"
        assert said == f"{start}, {told}."

    def test_without_a_stretch_before_it_compares_with_nothing(self) -> None:
        """A station in its first year says how many, and no more."""
        for before in (None, (self.BEFORE, aired(0))):
            said = prose.tell("X", "quarter II/2021", aired(3), before)
            assert said == "In quarter II/2021, X aired 3 broadcasts on its clusters."

    @pytest.mark.usefixtures("in_vietnamese")
    def test_minority_languages_are_named(self) -> None:
        """Mông and Thái are told with their own counts; a file of whatever language is none."""
        tags = ("blt-Latn-VN", "hmn-Latn-VN", "und", "vi")
        cells = [Cell("language", "", tag, tag, Outcome.AIRED, "", 1200, 0, 0) for tag in tags]
        said = prose.tell("X", "quý II/2021", report(cells), None)
        assert said.endswith("Bằng tiếng dân tộc: tiếng Thái Đen 1.200 lượt và tiếng Mông 1.200 lượt.")


class TestAgainst:
    def test_a_year_before_is_told_beside(self, type_in: Terminal) -> None:
        """Totals and each row stand beside those of the same month of the year before."""
        logged(type_in, month(2026, 10, 20))
        logged(type_in, month(2025, 10, 10))
        found = type_in("report", *OCTOBER, "--json").json
        assert (found["against"]["from"], found["against"]["until"]) == ("2025-10-01", "2025-10-31")
        assert (found["totals"]["aired"], found["against"]["totals"]["aired"]) == (20, 10)
        assert [one["aired_before"] for one in found["by"]["script"]] == [10]
        assert "Aired in 10/2025" in type_in("report", "2026-10").out

    def test_a_stretch_that_is_not_over_is_compared_with_as_many_days(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On the 20th of a month it is told beside the first twenty days of that month a year before."""
        now = datetime(2026, 10, 20, 12, tzinfo=ZONE)
        monkeypatch.setattr("broadcaster.edges.clock.SystemClock.now", lambda _self: now)
        logged(type_in, month(2026, 10, 20))
        logged(type_in, month(2025, 10, 31))
        found = type_in("report", "2026-10", "--json").json
        assert (found["against"]["until"], found["against"]["totals"]["aired"]) == ("2025-10-20", 20)
        said = type_in("report", "10/2026", "--prose").out
        assert said.startswith("In 10/2026 (up to 20/10/2026), ")
        assert "as many as in 01/10/2025 – 20/10/2025" in said

    @pytest.mark.parametrize(
        ("against", "aired"), [("quarter", 5), ("quý", 5), ("year", None), ("2026-07", 5), ("2026-H1", None)]
    )
    def test_any_stretch_may_be_asked_for(self, type_in: Terminal, against: str, aired: int | None) -> None:
        """A quarter before, or any other; where nothing was planned there is nothing to compare with."""
        logged(type_in, month(2026, 10, 20))
        logged(type_in, month(2026, 7, 5))
        found = type_in("report", "2026-10", "--against", against, "--json").json["against"]
        assert (found and found["totals"]["aired"]) == aired


class TestPlaces:
    def test_a_commune_is_one_through_the_merger(self, type_in: Terminal) -> None:
        """Xã Nậm Vì is part of Xã Mường Nhé since July 2025: what it aired before counts there."""
        logged(type_in, [date(2025, 6, 29)], station_area="03161", area="03161", area_name="Xã Nậm Vì")
        logged(type_in, [date(2025, 6, 30)], station_area="03160", area="03160/nam-po")
        logged(type_in, [date(2025, 7, 1)], station_area="03160", area="03160/nam-po")
        told = type_in(
            "report", "2025", "--json", "--by", "commune", "--by", "district", "--by", "province"
        ).json
        by = {
            word: [(one["code"], one["name"], one["aired"]) for one in told["by"][word]]
            for word in told["by"]
        }
        assert by["commune"] == [("03160", "Xã Mường Nhé", 3)]
        assert by["province"] == [("11", "Tỉnh Điện Biên", 3)]
        assert by["district"] == [("096", "Huyện Mường Nhé", 3)]

    @pytest.mark.parametrize(
        ("area", "aired"),
        [("03160", 3), ("Điện Biên", 3), ("11", 3), ("Huyện Mường Nhé", 3), ("01", 0), ("03162", 0)],
    )
    def test_only_a_part_is_counted(self, type_in: Terminal, area: str, aired: int) -> None:
        """By a code or a name, of before the merger or after it."""
        logged(type_in, [date(2025, 6, 29)], station_area="03161", area="03161")
        logged(type_in, [date(2025, 6, 30), date(2025, 7, 1)])
        found = type_in("report", "2025", "--area", area, "--json").json
        assert found["totals"]["aired"] == aired

    def test_a_place_that_is_none_is_refused(self, type_in: Terminal) -> None:
        """What was probably meant is told."""
        assert "There is no such place." in type_in.fault("report", "--area", "Mường Nhéee")
        assert "More than one place" in type_in.fault("report", "--area", "Bình Minh")
        assert "There is no such place." in type_in.fault("report", "--area", "Bản Nậm Pố")  # not Nậm Pồ

    def test_several_places_are_added_up(self, type_in: Terminal) -> None:
        """Each stands in the heading; a station that lies in two of them counts once."""
        logged(type_in, month(2026, 10, 3))
        here, province = ["--area", "03160"], ["--area", "11"]
        for places in (here, [*here, *province], [*here, "--area", "04270"]):
            assert type_in("report", *OCTOBER, *places, "--json").json["totals"]["aired"] == 3
        assert type_in("report", *OCTOBER, "--area", "04270", "--json").json["totals"]["aired"] == 0

    def test_one_form_at_a_time(self, type_in: Terminal) -> None:
        """Whoever asks for two would get one and not know which."""
        assert "Give one of them." in type_in.fault("report", "--json", "--csv")
        assert "Give one of them." in type_in.fault("log", "--json", "--csv")


class TestTrust:
    def test_counts_that_are_wrong_are_made_anew(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`log verify` tells it, and the next report is right again."""
        monkeypatch.setattr("broadcaster.edges.store.COUNT_EVERY", 1)
        logged(type_in, month(2026, 10, 20))
        with sqlite3.connect(database(type_in.station / "var")) as connection:
            connection.execute("update counts set airings = airings + 100 where by = 'total'")
        connection.close()
        assert type_in("report", "2026-10", "--json").json["totals"]["aired"] == 120
        assert "made anew" in type_in.fault("log", "verify")
        assert type_in("log", "verify").code == 0
        assert type_in("report", "2026-10", "--json").json["totals"]["aired"] == 20

    @pytest.mark.parametrize("deletion", ["delete from counts", "delete from marks"])
    def test_counts_that_are_gone_falsify_nothing(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch, deletion: str
    ) -> None:
        """They are counted again from the rows, once."""
        monkeypatch.setattr("broadcaster.edges.store.COUNT_EVERY", 10)
        logged(type_in, month(2026, 10, 25))
        with sqlite3.connect(database(type_in.station / "var")) as connection:
            connection.execute(deletion)
        connection.close()
        logged(type_in, month(2026, 11, 15))
        assert type_in("report", "2026-10", "--json").json["totals"]["aired"] == 25

    @pytest.mark.parametrize("kind", ["empty", "other"])
    def test_what_is_no_copy_is_not_restored(self, type_in: Terminal, tmp_path: Path, kind: str) -> None:
        """The play log that is there stays where it is."""
        logged(type_in, month(2026, 10, 3))
        copy = tmp_path / "copy.db"
        with sqlite3.connect(copy) as connection:
            if kind == "other":
                connection.execute("create table a (b)")
        connection.close()
        assert str(copy) in type_in.fault("restore", str(copy))
        assert type_in("report", "2026-10", "--json").json["totals"]["aired"] == 3

    def test_a_backup_goes_into_a_file_in_a_folder_that_is_there(
        self, type_in: Terminal, tmp_path: Path
    ) -> None:
        """A stick that is not plugged in is no folder on the disk, and no device is written over."""
        logged(type_in, month(2026, 10, 3))
        assert "no such folder" in type_in.fault("backup", str(tmp_path / "usb" / "a.db"))
        assert "This is no file" in type_in.fault("backup", "/dev/null")

    def test_a_period_stands_alone(self, type_in: Terminal) -> None:
        """With --from beside it nobody knows which was meant."""
        assert "Give either" in type_in.fault("report", "2026-10", "--from", "2026-10-05")


class TestQuotas:
    def test_are_told_week_by_week(self, type_in: Terminal) -> None:
        """Two a week are promised: in one week one aired, in the next both did."""
        type_in.write(
            "schedules/lich.toml",
            """
title = "Lịch"
script = "tin"
areas = ["03160"]

[[rule]]
weekdays = ["tue", "fri"]
times = [17:30:00]
at_least = { airings = 2, per = "week" }
""",
        )
        days = [date(2026, 9, 1), date(2026, 9, 8), date(2026, 9, 11)]
        logged(type_in, days)
        logged(type_in, [date(2026, 9, 4)], Outcome.MISSED)
        found = type_in("report", "2026-09", "--json").json["quotas"]
        assert [(one["monday"], one["asked"], one["aired"], one["kept"]) for one in found] == [
            ("2026-08-31", 2, 1, False),
            ("2026-09-07", 2, 2, True),
        ]
        said = type_in("report", "2026-09").out
        assert re.search(r"Lịch .*1/2 +week of 31/08/2026: 1 of 2", said)
        assert re.search(r"missed +the daemon was off +1", said)

    def test_holds_where_and_when_its_season_runs(self, type_in: Terminal) -> None:
        """Outside it the quota of the rule without a season is asked for."""
        type_in.write(
            "schedules/seasons.toml",
            """
[[season]]
name = "thu-hoach"
title = "Thu hoạch"
group = "everyone"
areas = ["03160"]
from = 2026-09-07
until = 2026-09-13
""",
        )
        rule = 'weekdays = ["tue", "thu", "fri"]\ntimes = [17:30:00]\n'
        quota = 'at_least = {{ airings = {}, per = "week" }}\n'.format
        usual, harvest = f"[[rule]]\n{rule}{quota(2)}", f"[[rule]]\n{rule}{quota(3)}"
        type_in.write(
            "schedules/lich.toml",
            f'title = "Lịch"\nscript = "tin"\nareas = ["03160"]\n{usual}{harvest}season = ["thu-hoach"]\n',
        )
        logged(type_in, month(2026, 9))
        found = type_in("report", "2026-09", "--json").json["quotas"]
        assert [one["asked"] for one in found] == [2, 3, 2, 2]


class TestFiles:
    def test_the_workbook_is_the_ministrys_form(self, type_in: Terminal, tmp_path: Path) -> None:
        """The total first, then each place with its code; unit, period, rule, and three places to sign."""
        logged(type_in, month(2026, 10, 20))
        logged(type_in, month(2026, 10, 4), Outcome.MISSED, area="03160/=1+1", area_name="=1+1")
        language.use("vi")
        try:
            assert type_in("report", "2026-10", "--xlsx", str(tmp_path / "a.xlsx")).code == 0
        finally:
            language.use("en")
        book = openpyxl.load_workbook(tmp_path / "a.xlsx")
        rows = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
        head = next(number for number, row in enumerate(rows) if row[0] == "Stt")
        assert rows[head][1:5] == ["Địa bàn", "Mã địa bàn", "Dự kiến", "Số lượt phát"]
        assert rows[head + 1][1:6] == ["TỔNG CỘNG", None, 24, 20, 20]
        assert rows[head + 1][6] == "lỡ: trình phát không chạy 4"
        assert [row[:5] for row in rows[head + 2 : head + 4]] == [
            [1, "=1+1", "03160/=1+1", 4, 0],
            [2, "Bản Nậm Pố", "03160/nam-po", 20, 20],
        ]
        assert book.worksheets[0].cell(head + 3, 2).data_type == "s"
        words = " ".join(str(value) for row in rows for value in row if value)
        for word in ("Đơn vị báo cáo", "Đơn vị nhận báo cáo", "tháng 10/2026", "ít nhất 90%"):
            assert word in words
        for name in ("Người lập biểu", "Người kiểm tra biểu", "Thủ trưởng đơn vị"):
            assert name in words

    def test_the_page_needs_nothing_from_elsewhere(self, type_in: Terminal, tmp_path: Path) -> None:
        """One file with its pictures in it; names stay text whatever they hold."""
        logged(type_in, month(2026, 10, 20), script_title="<script>alert(1)</script>")
        file = tmp_path / "a.html"
        assert type_in("report", "2026-10", "--html", str(file)).code == 0
        text = file.read_text("utf-8")
        assert text.count("<svg") == 3
        assert "<script" not in text
        assert "&lt;script&gt;" in text
        assert not re.findall(r"(?:src|href)=\"(?!#)[^\"]*\"", text)
        assert not re.findall(r"url\((?!#)", text)
        assert "<b>20</b>Aired" in text

    def test_the_page_is_seen_and_printed_by_a_browser(
        self, type_in: Terminal, tmp_path: Path, chromium: Callable[..., None]
    ) -> None:
        """Chromium shows the squares and bars of what aired, on a phone too, and prints it on paper."""
        logged(type_in, month(2026, 10, 20))
        file = tmp_path / "a.html"
        type_in("report", "2026-10", "--html", str(file))
        for width in (400, 1200):
            picture = tmp_path / f"{width}.png"
            chromium(f"--screenshot={picture}", f"--window-size={width},2400", file.as_uri())
            with Image.open(picture) as seen:
                colours = {colour: count for count, colour in seen.convert("RGB").getcolors(1 << 24)}
            assert colours[0x1A, 0x7F, 0x5A] > 2000
        paper = tmp_path / "a.pdf"
        chromium(f"--print-to-pdf={paper}", file.as_uri())
        assert paper.read_bytes().startswith(b"%PDF")

    def test_the_same_counts_give_the_same_page(self, type_in: Terminal, tmp_path: Path) -> None:
        """Nothing in it is of the moment in which it was made."""
        logged(type_in, month(2026, 10, 20))
        files = [tmp_path / name for name in ("a.html", "b.html")]
        for file in files:
            type_in("report", "2026-10", "--html", str(file))
        assert files[0].read_bytes() == files[1].read_bytes()

    def test_a_file_that_cannot_be_written_is_told(self, type_in: Terminal, tmp_path: Path) -> None:
        """Why, and what to do; there is no half of a file."""
        fault = type_in.fault("report", "--html", str(tmp_path / "none" / "a.html"))
        assert "The file cannot be written" in fault

    def test_the_log_book_has_every_day_of_the_week(self, type_in: Terminal, tmp_path: Path) -> None:
        """Each broadcast with how it ended; a day without one says so; two places to sign."""
        logged(type_in, [date(2026, 10, 5), date(2026, 10, 6)])
        logged(type_in, [date(2026, 10, 6)], Outcome.MISSED)
        file = tmp_path / "book.html"
        assert type_in("log", "2026-W41", "--book", str(file)).code == 0
        text = file.read_text("utf-8")
        days = re.findall(r"<td colspan=\"8\">([^<]*)</td>", text)
        assert len([day for day in days if day.endswith("/10/2026")]) == 7
        assert days.count("No broadcast.") == 5
        assert "missed: the daemon was off" in text
        assert "Planned: 3. Aired: 2." in text
        assert "Person on duty" in text
