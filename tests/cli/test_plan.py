"""The plan as it is shown: by day and session, folded, as a calendar, and what an edit changes in it."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from broadcaster.cli import calendar, language, timetable
from broadcaster.cli.plan import as_dicts
from broadcaster.edges.editing import save, seen
from broadcaster.model.airing import Outcome
from broadcaster.model.content import Content
from broadcaster.model.plan import plan
from broadcaster.model.schedule import Days, Exclusion, Relay
from tests import factories as make
from tests.cli.terminal import Said, Terminal
from tests.factories import EVENING, MORNING, at
from tests.stations import approve

FRIDAY = date(2026, 11, 20)
DAY = str(FRIDAY)
NIGHT = make.span("03:00", "04:00").start
EARLIER = at("2026-11-01")
Show = Callable[..., str]


@pytest.fixture
def type_in(type_in: Terminal) -> Terminal:
    """All that the station has is approved."""
    approve(type_in.station)
    return type_in


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Show:
    """What the table says of a content, in English."""
    monkeypatch.setenv("LANGUAGE", "en")
    language.use("en")

    def tell(
        content: Content,
        first: str = DAY,
        until: str = "2026-11-21",
        *,
        now: datetime = EARLIER,
        log: timetable.Mapping[str, make.Airing] | None = None,
        fold: bool = False,
        marked: bool = True,
    ) -> str:
        found = plan(content, log or {}, at(first), at(until))
        names = {one.id: one.name for one in content.station.clusters}
        timetable.tell(found, timetable.sessions(found), names, now, fold=fold, marked=marked)
        return capsys.readouterr().out

    return tell


class TestDays:
    def test_are_told_session_by_session(self, show: Show) -> None:
        """A heading a day, one a session with its clusters, a line a broadcast, and in the end the counts."""
        clusters = [make.make_cluster(name) for name in ("a", "b", "c")]
        content = make.make_content(
            make.make_schedule("x", make.make_rule(MORNING, EVENING)),
            make.make_schedule("y", make.make_rule(EVENING)),
            clusters=clusters,
        )
        lines = show(content).splitlines()
        assert lines[1] == "Friday, 20/11/2026"
        assert lines[2].split() == ["Time", "Script", "Languages", "Length", "State"]
        assert [line for line in lines if "·" in line] == [
            "05:30 – 05:31 · all clusters",
            "17:30 – 17:32 · all clusters",
        ]
        assert [line.split()[0] for line in lines[4:] if "1:00" in line] == ["→", "17:30:00", "17:31:02"]
        assert lines[-1] == "In all: 9 will sound."

    def test_clusters_that_hear_otherwise_have_their_own(self, show: Show) -> None:
        """Other languages, or another session, are told apart; each cluster by its name."""
        clusters = [make.make_cluster("a"), make.make_cluster("b", languages=["vi", "hmn-Latn-VN"])]
        said = show(make.make_content(clusters=clusters))
        assert re.findall(r"· (.+)", said) == ["Cụm a", "Cụm b"]
        assert re.search(r"· Cụm b\n.*Vietnamese.*without Mông: no recording \(1 items\)", said)
        assert said.count("without") == 1

    def test_what_begins_about_the_same_time_is_told_together(self, show: Show) -> None:
        """A place's own recording puts what follows some seconds later; that makes no session of its own."""
        schedules = [make.make_schedule("x"), make.make_schedule("y")]
        areas = ("03160/nam-po", "03160/na-pan")
        content = make.make_content(
            *schedules,
            clusters=[make.make_cluster(area[-1], area=area) for area in areas],
            recordings=[
                make.make_recording(area=area, seconds=seconds)
                for area, seconds in zip(areas, (10.0, 15.0), strict=True)
            ],
        )
        said = show(content)
        assert said.count("·") == 1
        assert re.search(r"\n  17:30:00 +Kịch bản tin.*≈ 1:09", said.replace("→", " "))
        assert re.search(r"\n  ≈ 17:31 +Kịch bản tin", said)

    @pytest.mark.parametrize(
        ("scripts", "words"),
        [([], "Lịch x +relay +10:00"), (["tin"], "Lịch x +relay, else Vietnamese +10:00")],
    )
    def test_a_relay_is_told(self, show: Show, scripts: list[str], words: str) -> None:
        """Where else its languages stand: that it is a relay, and what would replace it."""
        content = make.make_content(
            make.make_schedule("x", scripts=scripts, relay=Relay("line:default", 600))
        )
        said = show(content)
        assert re.search(words, said)
        assert said.splitlines()[-1] == "In all: 1 will sound."

    def test_now_and_next_are_marked(self, show: Show) -> None:
        """▶ stands before what sounds now, → before what comes next."""
        content = make.make_content(make.make_schedule("x", make.make_rule(MORNING, EVENING)))
        marks = [line[0] for line in show(content, now=at(DAY, "05:30:20")).splitlines() if "1:00" in line]
        assert marks == ["▶", "→"]
        marks = [line[0] for line in show(content, now=at(DAY, "05:31")).splitlines() if "1:00" in line]
        assert marks == [" ", "→"]

    def test_a_cluster_stands_once_over_what_it_loses(self, show: Show) -> None:
        """Two schedules that lose the same script at one time share a heading, and have a line each."""
        said = show(make.make_content(*(make.make_schedule(one, make.make_rule(NIGHT)) for one in "ab")))
        assert "✗ Silent · Cụm nam-po\n" in said
        assert said.count("✗ 03:00:00") == 2

    def test_what_will_not_sound_is_set_apart_with_its_reason(self, show: Show) -> None:
        """Below a heading of its own, in words; the counts at the end say it by reason."""
        content = make.make_content(
            make.make_schedule("x", make.make_rule(EVENING)),
            make.make_schedule("night", make.make_rule(NIGHT)),
            make.make_schedule("tet", exclusions=[Exclusion(Days(FRIDAY, FRIDAY), "Tết")]),
        )
        said = show(content)
        assert re.search(
            r"✗ Silent · Cụm nam-po\n"
            r"✗ 03:00:00 .* displaced: outside the allowed hours\n"
            r"✗ 17:30:00 .* the schedule is silent on this day: Tết\n",
            said,
        )
        assert "In all: 1 will sound, 2 will not sound or did not: 1 × displaced" in " ".join(said.split())

    def test_what_became_of_it_stands_there(self, show: Show) -> None:
        """What was lost is marked and counted as lost, in its session."""
        content = make.make_content(make.make_schedule("x", make.make_rule(MORNING, EVENING)))
        first, second = plan(content, {}, at(DAY), at("2026-11-21"))
        log = make.make_log(make.make_airing(first), make.make_airing(second, Outcome.MISSED))
        said = show(content, log=log, now=at("2026-11-22"))
        assert re.search(r"\n  05:30:00 .* aired\n", said)
        assert re.search(r"\n✗ 17:30:00 .* missed\n", said)
        assert "In all: 1 sounded, 1 will not sound or did not: 1 × missed." in said

    def test_what_nobody_wrote_down_is_not_said_to_sound(self, show: Show) -> None:
        """Of days gone by without a record the plan claims nothing, day by day or folded."""
        content = make.make_content(make.make_schedule("x", make.make_rule(MORNING, EVENING)))
        for fold in (False, True):
            said = show(content, now=at("2026-11-22"), fold=fold)
            assert "no record: the daemon did not run" in said
            assert "In all: 2 without a record." in said

    def test_of_days_that_are_far_nothing_is_next(self, show: Show) -> None:
        """What comes next is before the days that are shown."""
        content = make.make_content(make.make_schedule("x", make.make_rule(MORNING, EVENING)))
        assert "→" in show(content)
        assert "→" not in show(content, marked=False)


class TestFolded:
    def test_a_year_is_told_by_what_is_alike(self, show: Show) -> None:
        """A line for all days, times and clusters that are alike, with how many those are."""
        content = make.make_content(
            make.make_schedule("x", make.make_rule(MORNING, EVENING, weekdays=frozenset({1, 4}))),
            clusters=[make.make_cluster("a"), make.make_cluster("b")],
        )
        said = show(content, "2027-01-01", "2028-01-01", fold=True)
        assert re.search(
            r"05:30, 17:30 +Lịch x +Cụm a, Cụm b +Tuesday, Friday 01/01 – 31/12/2027 +420\n +Vietnamese\n",
            said,
        )
        assert len(said.splitlines()) == 6

    def test_counts_what_it_lists(self, show: Show) -> None:
        """The lines together are all there is, what will not sound below a heading of its own."""
        content = make.make_content(
            make.make_schedule(
                "x", make.make_rule(MORNING), make.make_rule(EVENING, days=frozenset({1, 15}))
            ),
            make.make_schedule("y", make.make_rule(NIGHT)),
            make.make_schedule("z", exclusions=[Exclusion(Days(FRIDAY, FRIDAY), "Tết")]),
        )
        said = show(content, "2026-11-01", "2026-12-01", fold=True)
        sounding, silent = said.split("✗ Silent\n")
        counts = [int(found) for found in re.findall(r" (\d+)$", sounding, re.MULTILINE)]
        lost = [int(found) for found in re.findall(r" (\d+)$", silent, re.MULTILINE)]
        assert (sum(counts), sum(lost)) == (30 + 2 + 29, 30 + 1)
        assert "In all: 61 will sound, 31 will not" in said


class TestPeriods:
    @pytest.mark.parametrize(
        ("arguments", "first", "last"),
        [
            ("2026-11-20 --day", "2026-11-20", "2026-11-20"),
            ("2026-11-20 --week", "2026-11-16", "2026-11-22"),
            ("2026-W47", "2026-11-16", "2026-11-22"),
            ("2026-11-20 --month", "2026-11-01", "2026-11-30"),
            ("--from 2026-11-20 --year", "2026-01-01", "2026-12-31"),
        ],
    )
    def test_that_hold_a_day(self, type_in: Terminal, arguments: str, first: str, last: str) -> None:
        """--day, --week, --month and --year widen what was given."""
        days = [one["at"][:10] for one in type_in("plan", *arguments.split(), "--json").json]
        assert (days[0], days[-1]) == (first, last)

    def test_in_words(self, type_in: Terminal) -> None:
        """Several words need no quotes; both languages name the same day, one day after today."""
        (today,) = {one["at"][:10] for one in type_in("plan", "--day", "--json").json}
        (tomorrow,) = {one["at"][:10] for one in type_in("plan", "ngày", "mai", "--json").json}
        assert (date.fromisoformat(tomorrow) - date.fromisoformat(today)).days == 1
        assert {one["at"][:10] for one in type_in("plan", "tomorrow", "--json").json} == {tomorrow}

    def test_only_one_at_a_time(self, type_in: Terminal) -> None:
        """Two units are a wrong use, not a guess."""
        said = type_in("plan", "--week", "--month")
        assert said.code == 2
        assert "--day, --week, --month" in said.err

    def test_long_ones_are_folded_unless_all_is_asked_for(self, type_in: Terminal) -> None:
        """A month is some lines; --all has a heading a day."""
        assert "Friday, 20/11/2026" not in type_in("plan", "2026-11").out
        assert "30/11/2026" in type_in("plan", "2026-11").out
        assert "Friday, 20/11/2026" in type_in("plan", "2026-11", "--all").out


class TestFilters:
    def test_of_one_schedule(self, type_in: Terminal) -> None:
        """--schedule leaves out the others; a wrong name is a fault with the right one."""
        assert {one["schedule"] for one in type_in("plan", DAY, "--schedule", "tin", "--json").json} == {
            "tin"
        }
        assert "Did you mean “tin”?" in type_in.fault("plan", DAY, "--schedule", "tinn")

    def test_of_what_is_lost(self, type_in: Terminal) -> None:
        """--lost has only what will not sound."""
        type_in.change("schedules/tin.toml", "17:30:00", "03:15:00")
        found = type_in("plan", DAY, "--lost", "--json").json
        assert {(one["schedule"], one["state"]) for one in found} == {("tin", "displaced")}
        said = type_in("plan", DAY, "--lost").out
        assert "In all: 2 will not sound or did not: 2 × displaced: outside the allowed hours." in said


class TestCalendar:
    def test_is_a_grid_a_month(self, type_in: Terminal) -> None:
        """Monday first, in 80 columns, with the times of sessions and how much sounds in each."""
        said = type_in("plan", "2026-Q4", "--calendar")
        lines = said.out.splitlines()
        assert max(map(len, lines)) <= 80
        assert [line.strip() for line in lines if "Month" in line] == [
            *("Month 10/2026", "Month 11/2026", "Month 12/2026")
        ]
        november = said.out.split("Month 11/2026")[1].splitlines()
        assert november[1].split("|")[0].strip() == "Mon"
        assert november[3].split("|")[6].strip() == "1"  # 1 November 2026 is a Sunday
        assert [line.split("|")[6].strip() for line in november[4:6]] == ["17:00 ×2", "17:30 ×2"]

    def test_marks_losses_silent_days_and_campaigns(
        self, capsys: pytest.CaptureFixture[str], show: Show
    ) -> None:
        """✗ counts what is lost; ° and * stand for what is told below with its days."""
        assert show is not None
        campaign = make.make_rule(
            MORNING, within=Days(date(2026, 11, 5), date(2026, 11, 6)), title="Đợt cao điểm"
        )
        content = make.make_content(
            make.make_schedule(
                "x", exclusions=[Exclusion(Days(FRIDAY, FRIDAY), "Nghỉ")], campaigns=[replace(campaign)]
            ),
            make.make_schedule("y", make.make_rule(NIGHT, within=Days(date(2026, 11, 7), date(2026, 11, 7)))),
        )
        days = (date(2026, 11, 1), date(2026, 11, 30))
        found = plan(content, {}, at("2026-11-01"), at("2026-12-01"))
        calendar.tell(found, timetable.sessions(found), days, content.schedules, at("2026-11-22"))
        said = capsys.readouterr().out
        cells = {
            int(number): rest
            for line in said.splitlines()
            for number, rest in re.findall(r"(?:^|\|)[ ▶]([ \d]\d) ?([°*]*) *(?=\||$)", line)
        }
        assert {day for day, mark in cells.items() if mark} == {5, 6, 20}
        assert (cells[5], cells[20]) == ("*", "°")
        assert "▶22" in said
        assert said.count("✗1 ") == 1
        assert "* 05/11 – 06/11/2026: Đợt cao điểm (Lịch x)" in said
        assert "° Friday, 20/11/2026: Nghỉ (Lịch x)" in said


class TestForOtherPrograms:
    def test_json_has_a_line_an_occurrence(self, type_in: Terminal) -> None:
        """It is one JSON value, and each line of it can be read alone."""
        said = type_in("plan", DAY, "--json")
        lines = said.out.splitlines()
        assert (lines[0], lines[-1]) == ("[", "]")
        assert [json.loads(line.removesuffix(",")) for line in lines[1:-1]] == said.json
        assert (
            type_in("plan", "2020", "--schedule", "tin", "--cluster", "nam-po", "--lost", "--json").json == []
        )

    def test_ics(self, type_in: Terminal, tmp_path: Path) -> None:
        """A calendar with an event an occurrence, in a file or printed."""
        said = type_in("plan", DAY, "--ics", "-")
        assert said.out.startswith("BEGIN:VCALENDAR\r\n")
        assert said.out.count("BEGIN:VEVENT") == 4
        to = tmp_path / "plan.ics"
        assert f"Written: {to}" in type_in("plan", DAY, "--ics", str(to)).out
        assert to.read_bytes().count(b"BEGIN:VEVENT") == 4

    def test_xlsx(self, type_in: Terminal, tmp_path: Path) -> None:
        """A workbook with a line an occurrence, and a sheet that counts by cluster, language and state."""
        to = tmp_path / "plan.xlsx"
        assert f"Written: {to}" in type_in("plan", DAY, "--xlsx", str(to)).out
        book = openpyxl.load_workbook(to)
        first, second = (list(sheet.values) for sheet in book.worksheets)
        assert sum("Kịch bản tin" in row for row in first) == 2
        assert ("Khu trung tâm xã", "Vietnamese", "planned", 2) in [row[:4] for row in second]
        assert ("Bản Nậm Pố", "Mông", "withheld", 2) in [row[:4] for row in second]

    def test_never_over_the_content(self, type_in: Terminal) -> None:
        """A file among the schedules is refused."""
        for option in ("--ics", "--xlsx"):
            to = str(type_in.station / "schedules" / "x.toml")
            assert "holds the content itself" in type_in.fault("plan", DAY, option, to)


class TestDiff:
    """--diff FILE: what an edited copy would change."""

    def edited(self, type_in: Terminal, old: str, new: str, name: str = "tin.toml") -> Path:
        text = (type_in.station / "schedules" / "tin.toml").read_text("utf-8")
        assert old in text
        path = type_in.station.parent / name
        path.write_text(text.replace(old, new), "utf-8")
        return path

    def show(self, type_in: Terminal, path: Path, *arguments: str) -> Said:
        return type_in("plan", "2027-03", "--diff", str(path), *arguments)

    def test_tells_what_would_come_and_go(self, type_in: Terminal) -> None:
        """Days and clusters that change alike are one line; nothing is saved."""
        before = type_in.files()
        said = self.show(type_in, self.edited(type_in, "17:30:00", "18:00:00"))
        assert said.code == 0
        assert re.search(r"\n\+ +18:00 +Bản tin tin .* 01/03 – 31/03/2027 +62 × new\n", said.out)
        assert re.search(r"\n− +17:30 +Bản tin tin .* 01/03 – 31/03/2027 +62 × gone\n", said.out)
        assert "In all: 62 come (+), 62 go (−), 0 change (~)." in said.out
        assert type_in.files() == before

    def test_tells_what_changes(self, type_in: Terminal) -> None:
        """A move, a silent day and a loss, each in its words."""
        text = """
[[move]]
occurrence = 2027-03-02T17:30:00
to = 2027-03-02T18:00:00
[[move]]
occurrence = 2027-03-04T17:30:00
to = 2027-03-04T03:00:00
[[except]]
from = 2027-03-03
until = 2027-03-03
reason = "Nghỉ"
"""
        said = self.show(type_in, self.edited(type_in, "times = [17:30:00]\n", f"times = [17:30:00]\n{text}"))
        assert "2 × moved to 18:00" in said.out
        assert "2 × the schedule is silent on this day: Nghỉ" in said.out
        assert "2 × displaced: outside the allowed hours" in said.out

    def test_of_a_file_that_says_the_same(self, type_in: Terminal) -> None:
        """A comment more changes nothing, and that is said."""
        said = self.show(type_in, self.edited(type_in, "title", "# ghi chú\ntitle"))
        assert "Nothing in the plan changes." in said.out

    def test_of_a_new_schedule(self, type_in: Terminal) -> None:
        """All of it comes; that the file is new is said."""
        said = self.show(type_in, self.edited(type_in, "17:30:00", "05:30:00", "moi.toml"))
        assert "schedules/moi.toml is new." in said.out
        assert "62 × new" in said.out

    def test_of_a_file_that_is_saved(self, type_in: Terminal) -> None:
        """The last edit that the history keeps of it is told; one that was made new comes whole."""
        for path in ("schedules/tin.toml", "schedules/moi.toml"):
            text = (type_in.station / "schedules" / "tin.toml").read_bytes()
            was = seen(type_in.station, [path])
            save(type_in.station, {path: text.replace(b"17:30", b"18:00")}, was, "thử", at(DAY))
        said = self.show(type_in, type_in.station / "schedules" / "tin.toml")
        assert re.search(r"\n\+ +18:00 .* 62 × new\n", said.out)
        assert re.search(r"\n− +17:30 .* 62 × gone\n", said.out)
        said = self.show(type_in, type_in.station / "schedules" / "moi.toml")
        assert "schedules/moi.toml is new." in said.out
        assert "In all: 62 come (+), 0 go (−)" in said.out

    def test_of_the_station_itself(self, type_in: Terminal) -> None:
        """Other hours change what sounds of every schedule."""
        text = (type_in.station / "schedules" / "station.toml").read_text("utf-8")
        path = type_in.station.parent / "station.toml"
        path.write_text(text.replace("[16:30:00, 18:30:00]", "[17:20:00, 18:30:00]"), "utf-8")
        said = self.show(type_in, path)
        assert "displaced: outside the allowed hours" in said.out
        assert "In all: 0 come (+), 0 go (−), 62 change (~)." in said.out

    def test_in_json(self, type_in: Terminal) -> None:
        """Each change with what was and what will be; --cluster leaves out the others."""
        path = self.edited(type_in, "17:30:00", "18:00:00")
        found = self.show(type_in, path, "--json", "--cluster", "nam-po").json
        assert {(one["change"], one["cluster"]) for one in found} == {("comes", "nam-po"), ("goes", "nam-po")}
        assert found[0]["before"]["at"] == "2027-03-01T17:30:00+07:00"
        assert found[0]["after"] is None

    def test_tells_faults_of_the_edit_first(self, type_in: Terminal) -> None:
        """What is wrong with the copy is told, and what is lost by it."""
        said = self.show(type_in, self.edited(type_in, "title =", "titel ="))
        assert said.code == 1
        assert "schedules/tin.toml" in said.err
        assert "62 × gone" in said.out

    @pytest.mark.parametrize(
        ("name", "what"),
        [
            ("dai/schedules/tin.toml", "saved already"),
            ("khong-co.toml", "cannot be read"),
            ("tin.txt", "no file of schedules/"),
        ],
    )
    def test_refuses_what_is_no_edited_copy(self, type_in: Terminal, name: str, what: str) -> None:
        """It says why, and what to do."""
        assert what in type_in.fault("plan", "--diff", str(type_in.station.parent / name))


def test_relays_as_data() -> None:
    """Each has its own address and length, whatever would replace it."""
    short, long = Relay("line:default", 300), Relay("http://radio.vn/live", 900)
    content = make.make_content(
        make.make_schedule("x", relay=short),
        make.make_schedule("y", scripts=[], relay=long),
        make.make_schedule("z"),
    )
    told = as_dicts(plan(content, {}, at(DAY), at("2026-11-21")))
    assert [(one["relay"], one["script"], one["seconds"], one["languages"]) for one in told] == [
        ("line:default", "tin", 300.0, ["vi"]),
        ("http://radio.vn/live", "", 900.0, []),
        (None, "tin", 60.0, ["vi"]),
    ]
