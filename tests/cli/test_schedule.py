"""schedule …, as it is typed: what is written, what is refused, what is told, and the way back."""

import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from broadcaster.edges.editing import history
from broadcaster.edges.store import sole_daemon
from tests.children import ROOT
from tests.cli.terminal import Terminal
from tests.fleet.provinces import found
from tests.stations import approve

NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)  # 10:00 at the station, a Sunday
TIN = "schedules/tin.toml"
COMMENTED = """\
# Lịch của đài
title  = "Bản tin tin"  # như trên bảng
script = "tin"
areas  = ["03160"]

# quanh năm
[[rule]]
weekdays = ["mon"]
times    = [17:30:00]   # chiều

# nghỉ
[[except]]
from   = 2027-02-05
until  = 2027-02-10
reason = "Nghỉ"
"""
NEW = ("schedule", "add", "moi", "--title", "Mới", "--script", "nuoc", "--area", "03160")


@pytest.fixture
def type_in(type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """On a day in November, at a station whose words are approved, with comments in one schedule."""
    monkeypatch.setattr("broadcaster.edges.clock.SystemClock.now", lambda _self: NOW)
    type_in.write(TIN, COMMENTED)
    approve(type_in.station)
    return type_in


def data(type_in: Terminal, path: str = TIN) -> dict[str, Any]:
    return tomllib.loads((type_in.station / path).read_text("utf-8"))


def does(type_in: Terminal, *arguments: str) -> str:
    """What an edit says that is saved."""
    said = type_in("schedule", *arguments)
    assert (said.code, said.err) == (0, ""), said.err
    assert "Saved: " in said.out or "Taken away: " in said.out
    return said.out


def planned(type_in: Terminal, schedule: str, first: str, last: str) -> list[str]:
    """When a schedule is planned at the commune's own cluster."""
    found = type_in("plan", "--from", first, "--until", last, "--json").json
    return [
        one["at"][:16]
        for one in found
        if (one["schedule"], one["cluster"], one["state"]) == (schedule, "trung-tam", "planned")
    ]


class TestLooking:
    def test_a_list_says_what_comes_next(self, type_in: Terminal) -> None:
        """Each schedule with its next broadcast; one that is off has none."""
        does(type_in, "disable", "nuoc")
        found = type_in("schedule", "list", "--json").json
        assert [(one["schedule"], one["enabled"], one["next"]) for one in found] == [
            ("nuoc", False, None),
            ("tin", True, "2026-11-02T17:30:00+07:00"),
        ]
        assert "02/11/2026 17:30" in type_in("schedule", "list").out

    def test_everything_of_a_schedule_is_shown(self, type_in: Terminal) -> None:
        """Seasons, recurrences, campaigns by title, holidays and extra dates, with their numbers."""
        type_in.write(
            "schedules/seasons.toml",
            "".join(
                f'[[season]]\nname = "vai"\ntitle = "Mùa vải"\ngroup = "{group}"\nareas = ["03160"]\n'
                f"from = {year}-06-01\nuntil = {year}-07-31\n"
                for year, group in ((2026, "everyone"), (2027, "everyone"), (2028, "farmers"))
            ),
        )
        text = COMMENTED[: COMMENTED.index("# quanh")] + (
            'except = [{ from = 2026-12-01, until = 2026-12-01, reason = "Họp" }, "Tết"]\n'
            '[[rule]]\nseason = "vai"\nnot_in_season = ["vai"]\ntimes = [17:30:00]\n'
            '[[rule]]\nrrule = "FREQ=MONTHLY;BYDAY=1MO"\nfrom = 2026-01-01\ntimes = [17:30:00]\n'
            '[[campaign]]\ntitle = "Cao điểm"\nfrom = 2026-05-01\nuntil = 2026-05-31\ntimes = [05:30:00]\n'
            "[[extra]]\nat = 2026-11-20T18:00:00\n"
        )
        type_in.write(TIN, text)
        said = type_in("schedule", "show", "tin")
        assert said.code == 0
        rows = [" ".join(line.split()) for line in said.out.splitlines()]
        stretches = "vai (01/06/2026 – 31/07/2026, 01/06/2027 – 31/07/2027)"
        assert f"rule 1 in: {stretches}; not in: {stretches} 17:30" in rows
        assert "rule 2 01/01/2026 – ; FREQ=MONTHLY;BYDAY=1MO 17:30" in rows
        assert "campaign 1 01/05/2026 – 31/05/2026 “Cao điểm” 05:30" in rows
        assert "silent 1 01/12/2026 Họp" in rows
        assert "silent 2 holiday Tết" in rows
        assert "extra 1 20/11/2026 18:00" in rows
        shown = type_in("schedule", "show", "tin", "--json").json
        assert shown["rule"][1] == {
            "rrule": "FREQ=MONTHLY;BYDAY=1MO",
            "from": "2026-01-01",
            "times": ["17:30:00"],
        }

    def test_a_relay_is_shown(self, type_in: Terminal) -> None:
        """Where it comes from and how long it lasts; a script only replaces it."""
        head = 'title = "Tiếp âm"\nareas = ["11"]\nrelay = "http://radio.vn/live"\nminutes = 20\n'
        type_in.write("schedules/tiep-am.toml", head + "[[rule]]\ntimes = [05:00:00]\n")
        said = type_in("schedule", "show", "tiep-am").out
        assert "Relay: http://radio.vn/live, 20 minutes" in said
        assert "Script" not in said
        (one,) = (one for one in type_in("schedule", "list", "--json").json if one["scripts"] == [])
        assert one["relay"] == "http://radio.vn/live"
        assert "  relay  " in type_in("schedule", "list").out


class TestAdding:
    def test_writes_a_file_as_an_officer_would(self, type_in: Terminal) -> None:
        """In the house's layout, from what officers type; and it says what will sound from it."""
        said = does(
            type_in, *NEW[1:], "--times", "17h; 5:30", "--weekdays", "t3, chủ nhật", "--months", "11-12",
            "--from", "3/11/2026", "--at-least", "1", "--except", "Tết",
        )  # fmt: skip
        assert (type_in.station / "schedules/moi.toml").read_text("utf-8") == (
            'title  = "Mới"\nscript = "nuoc"\nareas  = ["03160"]\nexcept = ["Tết"]\n\n'
            '[[rule]]\nfrom     = 2026-11-03\nmonths   = [11, 12]\nweekdays = ["tue", "sun"]\n'
            'times    = [05:30:00, 17:00:00]\nat_least = { airings = 1, per = "week" }\n'
        )
        assert "In all: 34 come (+), 0 go (−), 16 change (~)." in said
        assert "broadcaster schedule undo" in said
        assert planned(type_in, "moi", "2026-11-02", "2026-11-04") == ["2026-11-03T05:30", "2026-11-03T17:00"]

    def test_names_all_that_is_missing(self, type_in: Terminal) -> None:
        """Without a terminal nobody is asked: one fault names everything."""
        before = type_in.files()
        assert "missing: NAME, --title, --script, --area, --times." in type_in.fault("schedule", "add")
        assert "missing: --times." in type_in.fault(*NEW)
        assert type_in.files() == before

    def test_names_all_that_cannot_be_read(self, type_in: Terminal) -> None:
        """Every value that is no time, day or date has its own fault."""
        told = type_in.fault(
            *NEW, "--times", "530", "--weekdays", "8", "--from", "31/2/2026", "--months", "13"
        )
        for key, value in (("times", "530"), ("weekdays", "8"), ("from", "31/2/2026"), ("months", "13")):
            assert f"Fault: --{key}: “{key}” is not understood: {value}." in told

    @pytest.mark.parametrize("name", ["Tin", "tin tức", "station", "areas", "seasons", "../x", ""])
    def test_takes_no_name_that_is_none(self, type_in: Terminal, name: str) -> None:
        """What the loader would not take for a schedule is not written."""
        before = type_in.files()
        assert type_in("schedule", "add", name, *NEW[3:], "--times", "17:30").code == 1
        assert type_in.files() == before

    def test_never_writes_over_another(self, type_in: Terminal) -> None:
        """A name that is taken is refused."""
        before = type_in.files()
        assert "of this name already" in type_in.fault("schedule", "add", "tin", *NEW[3:], "--times", "17:30")
        assert type_in.files() == before


class TestChanging:
    def test_only_what_was_named_changes(self, type_in: Terminal) -> None:
        """Head and rule: comments, order and layout stay."""
        does(type_in, "edit", "tin", "--title", "Mới", "--times", "5h30", "--weekdays", "", "--days", "1,15")
        assert (type_in.station / TIN).read_text("utf-8") == (
            COMMENTED.replace('"Bản tin tin"  #', '"Mới"  #')
            .replace('weekdays = ["mon"]\n', "")
            .replace("[17:30:00]   # chiều\n", "[05:30:00]   # chiều\ndays     = [1, 15]\n")
        )

    def test_a_rule_comes_and_goes(self, type_in: Terminal) -> None:
        """Which of several is meant must be said."""
        does(type_in, "edit", "tin", "--add-rule", "--times", "05:45", "--weekdays", "fri")
        assert [one["times"] for one in data(type_in)["rule"]] == [[time(17, 30)], [time(5, 45)]]
        assert "which is meant?" in type_in.fault("schedule", "edit", "tin", "--times", "17:40")
        does(type_in, "edit", "tin", "--rule", "2", "--times", "17:40")
        does(type_in, "edit", "tin", "--remove-rule", "1")
        assert [one["times"] for one in data(type_in)["rule"]] == [[time(17, 40)]]

    def test_exceptions(self, type_in: Terminal) -> None:
        """By date and by holiday; taken away by number, day or name."""
        does(type_in, "except", "tin", "--from", "9/11/2026", "--reason", "Họp xã")
        does(type_in, "except", "tin", "--holiday", "Tết", "--holiday", "Quốc khánh")
        assert planned(type_in, "tin", "2026-11-08", "2026-11-17") == ["2026-11-16T17:30"]
        assert data(type_in)["except"][1:] == [
            {"from": date(2026, 11, 9), "until": date(2026, 11, 9), "reason": "Họp xã"},
            {"holiday": "Tết"},
            {"holiday": "Quốc khánh"},
        ]
        for removed in ("3", "09/11/2026", "quốc khánh"):
            does(type_in, "except", "tin", "--remove", removed)
        assert (type_in.station / TIN).read_text("utf-8") == COMMENTED
        assert "missing: --from, --reason." in type_in.fault("schedule", "except", "tin")

    def test_a_list_of_holidays_stays_one(self, type_in: Terminal) -> None:
        """What is added to `except = [...]` stands in it."""
        type_in.change(TIN, COMMENTED[COMMENTED.index("\n# quanh") :], "")
        text = (type_in.station / TIN).read_text("utf-8") + 'except = ["Tết"] # lễ\n'
        rule = "\n[[rule]]\ntimes = [17:30:00]\n"
        type_in.write(TIN, text + rule)
        does(type_in, "except", "tin", "--holiday", "Quốc khánh")
        does(type_in, "except", "tin", "--from", "2026-11-09", "--reason", "Họp")
        new = '["Tết", "Quốc khánh", { from = 2026-11-09, until = 2026-11-09, reason = "Họp" }] # lễ'
        assert (type_in.station / TIN).read_text("utf-8") == text.replace('["Tết"] # lễ', new) + rule

    def test_moves_and_extra_dates(self, type_in: Terminal) -> None:
        """A broadcast is moved, moved again, and stays after all; an extra one comes and goes."""
        does(type_in, "move", "tin", "9/11/2026 17:30", "18:00")
        does(type_in, "move", "tin", "2026-11-09T17:30", "10/11/2026 5h45")
        does(type_in, "extra", "tin", "11/11/2026 05:30")
        assert planned(type_in, "tin", "2026-11-08", "2026-11-12") == ["2026-11-10T05:45", "2026-11-11T05:30"]
        does(type_in, "move", "tin", "09/11/2026 17:30", "--remove")
        does(type_in, "extra", "tin", "2026-11-11T05:30", "--remove")
        assert (type_in.station / TIN).read_text("utf-8") == COMMENTED

    def test_campaigns(self, type_in: Terminal) -> None:
        """One replaces the rules on its days; it is taken away by its first day."""
        does(
            type_in, "campaign", "add", "tin", "--title", "Cao điểm",
            "--from", "9/11/2026", "--until", "10/11/2026", "--times", "5:30",
        )  # fmt: skip
        assert planned(type_in, "tin", "2026-11-08", "2026-11-16") == [
            "2026-11-09T05:30",
            "2026-11-10T05:30",
            "2026-11-16T17:30",
        ]
        assert data(type_in)["campaign"][0]["title"] == "Cao điểm"
        does(type_in, "campaign", "remove", "tin", "9/11/2026")
        assert (type_in.station / TIN).read_text("utf-8") == COMMENTED

    def test_off_and_on(self, type_in: Terminal) -> None:
        """A schedule rests and sounds again; the line and its comment are used again."""
        does(type_in, "disable", "tin")
        assert planned(type_in, "tin", "2026-11-01", "2026-11-30") == []
        type_in.change(TIN, "enabled = false", "enabled = false # nghỉ hè")
        assert type_in("schedule", "enable", "tin").code == 0
        assert "enabled = true # nghỉ hè" in (type_in.station / TIN).read_text("utf-8")
        said = type_in("schedule", "enable", "nuoc")
        assert (said.code, said.out) == (0, "Nothing was changed.\n")

    def test_another_name(self, type_in: Terminal) -> None:
        """The plan stays as it was, at the same times; the play log's names are told of."""
        before = planned(type_in, "tin", "2026-11-01", "2026-11-30")
        said = type_in("schedule", "rename", "tin", "tin-moi")
        assert "Nothing changes in the plan of the next 30 days." in said.out
        assert said.err.startswith("Note: schedules/tin.toml: What was aired so far stays in the play log")
        assert said.code == 0
        assert planned(type_in, "tin-moi", "2026-11-01", "2026-11-30") == before
        assert (type_in.station / "schedules/tin-moi.toml").read_text("utf-8") == COMMENTED
        assert not (type_in.station / TIN).exists()

    def test_seasons(self, type_in: Terminal) -> None:
        """Declared once, named by rules, and not taken away while a rule names it."""
        does(
            type_in, "season", "add", "vai", "--title", "Mùa vải", "--area", "03160", "--from", "9/11/2026",
            "--until", "30/11/2026",
        )  # fmt: skip
        assert type_in("schedule", "season", "list", "--json").json == [
            {
                "season": "vai",
                "title": "Mùa vải",
                "group": "everyone",
                "areas": ["03160"],
                "from": "2026-11-09",
                "until": "2026-11-30",
            }
        ]
        said = type_in("schedule", "edit", "tin", "--season", "vai")
        assert said.code == 0, said.err
        assert planned(type_in, "tin", "2026-11-01", "2026-11-10") == ["2026-11-09T17:30"]
        told = type_in.fault("schedule", "season", "remove", "vai")
        assert "The season “vai” is still named by: tin." in told
        type_in("schedule", "undo")
        does(type_in, "season", "remove", "vai")
        assert not (type_in.station / "schedules/seasons.toml").exists()


class TestRefusing:
    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("edit", "tin", "--times", "3:15"), "03:15 is outside the hours"),
            (("edit", "tin", "--script", "tinn"), "Did you mean “tin”?"),
            (("edit", "tin", "--area", "99999"), "99999"),
            (("edit", "tin", "--class", "urgent"), "urgent"),
            (("edit", "tin", "--season", "vai"), "season"),
            (("edit", "tin", "--remove-rule", "1"), "never plays"),
            (("edit", "tin", "--from", "2027-01-01", "--until", "2026-01-01"), "before it begins"),
            (("except", "tin", "--holiday", "Tet"), "Did you mean “Tết”?"),
            (("move", "tin", "9/11/2026 17:30", "23:00"), "23:00"),
            (("move", "tin", "morgen", "18:00"), "no day with a time"),
            (("extra", "tin", "18:00"), "no day with a time"),
            (("campaign", "remove", "tin", "1"), "There is no [[campaign]]"),
            (("remove", "tinn"), "Did you mean “tin”?"),
            (("rename", "tin", "nuoc"), "of this name already"),
            (("undo",), "no edit to take back"),
            (("undo", "99"), "There is no edit of this number."),
        ],
    )
    def test_what_check_refuses_is_not_saved(
        self, type_in: Terminal, arguments: Sequence[str], told: str
    ) -> None:
        """The fault is told in full, and not a byte below the station changes."""
        before = type_in.files()
        assert told in type_in.fault("schedule", *arguments)
        assert type_in.files() == before

    def test_an_old_fault_elsewhere_hinders_nothing(self, type_in: Terminal) -> None:
        """A broken schedule beside it, and one outside the hours, are no reason to refuse this edit."""
        type_in.write("schedules/hong.toml", "title = \n")
        type_in.write("schedules/dem.toml", COMMENTED.replace("17:30:00", "03:15:00"))
        assert "Saved: " in type_in("schedule", "edit", "tin", "--times", "17:40").out

    def test_an_old_fault_hinders_nothing_when_its_words_change(self, type_in: Terminal) -> None:
        """Two that never find room name what stands in their way: one of those may be taken away."""
        for name, at in (("som", "05:00:00"), ("sang", "06:20:00"), ("toi", "18:25:00")):
            type_in.write(
                f"schedules/{name}.toml",
                COMMENTED.replace("17:30:00", at).replace('weekdays = ["mon"]\n', ""),
            )
        assert "“som”, “sang”" in type_in("check").err
        said = type_in("schedule", "remove", "som")
        assert "Taken away: schedules/som.toml" in said.out, said.err
        assert "“sang”, “nuoc”" in type_in("check").err

    def test_a_file_that_stays_unusable_is_not_saved(self, type_in: Terminal) -> None:
        """An edit that could not take effect is refused with the fault that was there before."""
        type_in.change(TIN, "# quanh năm\n", 'titel = "x"\n')
        assert "“titel” is not known here" in type_in.fault("schedule", "disable", "tin")
        does(type_in, "remove", "tin")

    def test_missing_recordings_and_approvals_are_notes(self, type_in: Terminal) -> None:
        """A schedule may be written before its words are approved; the plan leaves out what is not."""
        (type_in.station / "audio/nuoc/approvals.jsonl").unlink()
        type_in.change("schedules/nuoc.toml", "[[rule]]", "enabled = false\n\n[[rule]]")
        said = type_in(*NEW, "--times", "17:40")
        assert said.code == 0
        assert "Note: audio/nuoc: " in said.err
        assert "Saved: schedules/moi.toml" in said.out

    def test_a_trial_saves_nothing(self, type_in: Terminal) -> None:
        """It shows the same difference."""
        before = type_in.files()
        said = type_in("schedule", "remove", "tin", "--dry-run")
        assert "In all: 0 come (+), 10 go (−), 0 change (~)." in said.out
        assert "Nothing was saved" in said.out
        assert type_in.files() == before

    def test_a_running_daemon_is_told_of(self, type_in: Terminal) -> None:
        """Whoever edits knows that nothing else is to be done."""
        with sole_daemon(type_in.station):
            assert "The daemon runs and follows by itself." in does(type_in, "edit", "tin", "--title", "Mới")
        assert "daemon" not in does(type_in, "edit", "tin", "--title", "Tin")

    def test_a_province_is_told_to_publish(self, type_in: Terminal) -> None:
        """In its folder an edit concerns nobody until it is sent to the stations."""
        found(type_in.station)
        with sole_daemon(type_in.station):  # `province run` is one
            said = does(type_in, "edit", "tin", "--title", "Mới")
            approved = type_in("approve", "tin", "--name", "Sùng A Páo", "--language", "vi").out
        for each in (said, approved):
            assert each.splitlines()[-1] == "To send it to the stations: broadcaster province publish"
        assert "daemon" not in said

    def test_the_first_change_is_told_if_it_is_far(self, type_in: Terminal) -> None:
        """Where thirty days say nothing, the day from which the edit matters is named."""
        said = does(type_in, "except", "tin", "--from", "1/3/2027", "--until", "9/3/2027", "--reason", "Nghỉ")
        assert "Nothing changes in the plan of the next 30 days." in said
        assert "The first change: Monday, 01/03/2027, 17:30" in said
        assert "What changes in the 30 days from then on:" in said
        assert "Monday 01/03 – 08/03/2027  4 × the schedule is silent on this day: Nghỉ" in said
        assert "In all: 0 come (+), 0 go (−), 4 change (~)." in said

    def test_what_is_over_and_what_never_sounds_is_noted(self, type_in: Terminal) -> None:
        """A slip in a year or in a day of the month is told once, when it is saved; days as in tables."""
        said = type_in("schedule", "extra", "tin", "20/11/2025 18:00")
        assert said.code == 0
        assert "[extra 1]: This lies in the past: 20/11/2025." in said.err
        said = type_in(
            "schedule", "edit", "tin", "--add-rule", "--times", "6:00", "--days", "31", "--months", "2"
        )
        assert "[rule 2]: Nothing ever sounds by this rule." in said.err
        assert "past" not in said.err + type_in("check").err
        assert "Nor in the year after that." in said.out

    def test_a_list_of_nothing_is_a_list(self, type_in: Terminal) -> None:
        """A station without seasons and edits has lists without rows."""
        for arguments in (("season", "list"), ("undo", "--list")):
            said = type_in("schedule", *arguments)
            assert (said.code, said.err, len(said.out.splitlines())) == (0, "", 2)


class TestUndoing:
    @pytest.mark.parametrize(
        "arguments",
        [
            (*NEW[1:], "--times", "17:40"),
            ("edit", "tin", "--title", "Mới"),
            ("remove", "tin"),
            ("rename", "tin", "moi"),
            ("except", "tin", "--holiday", "Tết"),
            ("season", "add", "vai", "--area", "03160", "--from", "1/6/2027", "--until", "2/6/2027"),
        ],
    )
    def test_brings_back_every_byte_and_can_be_undone(
        self, type_in: Terminal, arguments: Sequence[str]
    ) -> None:
        """Files from Windows too; an undoing that is undone is as if it never was."""
        (type_in.station / TIN).write_bytes(b"\xef\xbb\xbf" + COMMENTED.replace("\n", "\r\n").encode())

        def schedules() -> Mapping[str, bytes | None]:
            return {name: text for name, text in type_in.files().items() if name.startswith("schedules")}

        before = schedules()
        assert type_in("schedule", *arguments).code == 0
        after = schedules()
        said = type_in("schedule", "undo")
        assert f"This takes back: schedule {arguments[0]} {arguments[1]}" in said.out
        assert schedules() == before
        assert "To have it again: broadcaster schedule undo 2" in said.out
        type_in("schedule", "undo", "2")
        assert schedules() == after
        type_in("schedule", "undo")
        assert schedules() == before

    def test_goes_back_step_by_step(self, type_in: Terminal) -> None:
        """Each undoing takes back one edit more, until there is none."""
        for title in ("Một", "Hai", "Ba"):
            does(type_in, "edit", "tin", "--title", title)
        for title in ("Hai", "Một", "Bản tin tin"):
            type_in("schedule", "undo")
            assert data(type_in)["title"] == title
        assert "no edit to take back" in type_in.fault("schedule", "undo")
        found = type_in("schedule", "undo", "--list", "--json").json
        assert [(one["number"], one["undoes"], one["undone"]) for one in found] == [
            (6, 1, False), (5, 2, False), (4, 3, False), (3, None, True), (2, None, True), (1, None, True),
        ]  # fmt: skip
        assert found[3]["what"] == "schedule edit tin --title Ba"
        assert "undoes 3" in type_in("schedule", "undo", "--list").out

    def test_passes_over_what_had_no_effect(self, type_in: Terminal) -> None:
        """An edit whose writing a power cut prevented, or that was taken back by hand, is no step."""
        does(type_in, "edit", "tin", "--title", "Một")
        does(type_in, "edit", "tin", "--title", "Hai")
        type_in.change(TIN, "Hai", "Một")
        type_in("schedule", "undo")
        assert data(type_in)["title"] == "Bản tin tin"

    def test_says_that_a_change_by_hand_goes_with_it(self, type_in: Terminal) -> None:
        """And keeps that too."""
        does(type_in, "edit", "tin", "--title", "Mới")
        type_in.change(TIN, "Mới", "Bằng tay")
        said = type_in("schedule", "undo")
        assert "Note: schedules/tin.toml: The file was changed since" in said.err
        assert data(type_in)["title"] == "Bản tin tin"
        type_in("schedule", "undo", "2")
        assert data(type_in)["title"] == "Bằng tay"


EDITOR = """\
import os, pathlib, sys
path, turns = pathlib.Path(sys.argv[1]), pathlib.Path(os.environ["TURNS"])
old, new = turns.read_text("utf-8").splitlines()[0].split(" => ")
turns.write_text("".join(turns.read_text("utf-8").splitlines(True)[1:]), "utf-8")
text = path.read_text("utf-8")
assert old in text
path.write_text(text.replace(old, new), "utf-8")
if meanwhile := os.environ.get("MEANWHILE"):
    pathlib.Path(meanwhile).write_text("title = 'anders'\\n", "utf-8")
"""


def at_terminal(
    station: Path, *arguments: str, answers: Sequence[str], turns: Sequence[str] = (), **environ: str
) -> tuple[int, str]:
    """The exit code and the screen of `broadcaster schedule …` with a person at a terminal who answers."""
    (station / "editor.py").write_text(EDITOR, "utf-8")
    (station / "turns").write_text("".join(f"{turn}\n" for turn in turns), "utf-8")
    environ |= {"EDITOR": f"{sys.executable} {station / 'editor.py'}", "VISUAL": ""}
    environ |= {"TURNS": str(station / "turns"), "TMPDIR": str(station)}
    ours, theirs = pty.openpty()
    os.write(ours, "".join(f"{answer}\n" for answer in answers).encode() + b"\x04")  # and no more
    with subprocess.Popen(
        [sys.executable, "-m", "broadcaster", "--lang", "en", "--station", station, "schedule", *arguments],
        cwd=ROOT,
        env=os.environ | environ,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        screen = b""
        with suppress(OSError):  # the other side is gone
            while read := os.read(ours, 4096):
                screen += read
        code = process.wait(10)
    os.close(ours)
    assert b"Traceback" not in screen, screen.decode()
    return code, screen.decode().replace("\r\n", "\n")


class TestAsking:
    def test_a_new_schedule_by_questions(self, type_in: Terminal) -> None:
        """A script out of a list, and Enter for what is usual: title, name, areas, times, and to save."""
        code, screen = at_terminal(
            type_in.station, "add", answers=["2", "", "", "", "25:00", "17h40", "", ""]
        )
        assert code == 0, screen
        assert "2. Kịch bản tin (tin)" in screen
        assert "Write times of day such as 05:30,17:30." in screen
        assert "Save this? [Y/n]" in screen
        assert data(type_in, "schedules/kich-ban-tin.toml") == {
            "title": "Kịch bản tin",
            "script": "tin",
            "areas": ["03160"],
            "rule": [{"times": [time(17, 40)]}],
        }

    def test_a_slip_in_an_answer_is_asked_for_again(self, type_in: Terminal) -> None:
        """Script, name and areas are looked at as soon as they are typed."""
        answers = ["tinn", "tin", "", "Tin Mới", "tin", "tin-moi", "99999", "03160/nam-po", "", "", "c"]
        code, screen = at_terminal(type_in.station, "add", answers=answers)
        assert code == 0, screen
        for told in (
            "Did you mean “tin”?",
            "A schedule is named with small letters",
            "There is a schedule of this name already.",
            "The area “99999” is not in schedules/areas.toml",
        ):
            assert told in screen
        assert "Error" not in screen
        assert data(type_in, "schedules/tin-moi.toml")["areas"] == ["03160/nam-po"]

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (("add", "nhac bhyt"), "A schedule is named with small letters"),
            (("add", "--area", "99999"), "The area “99999” is not in"),
            (("add", "--script", "tinn"), "Did you mean “tin”?"),
            (("season", "add", "vai", "--area", "99999"), "The area “99999” is not in"),
        ],
    )
    def test_a_slip_in_an_option_is_told_before_anything_is_asked(
        self, type_in: Terminal, arguments: Sequence[str], told: str
    ) -> None:
        """Nobody answers questions for nothing."""
        code, screen = at_terminal(type_in.station, *arguments, answers=[])
        assert code == 1
        assert told in screen
        assert "Title" not in screen

    @pytest.mark.parametrize("answers", [["n"], ["Không"], ["was?", "k"]])
    def test_no_means_no(self, type_in: Terminal, answers: Sequence[str]) -> None:
        """In either language; nothing is written when the difference is not what was wanted."""
        before = type_in.files()
        code, screen = at_terminal(type_in.station, "remove", "tin", answers=answers)
        assert (code, "Nothing was changed." in screen) == (0, True)
        assert ("This is neither yes nor no. Answer y or n." in screen) == (len(answers) > 1)
        after = type_in.files()
        assert {name: after[name] for name in before} == before
        assert not history(type_in.station)

    def test_an_editor_is_offered_again_until_nothing_is_wrong(self, type_in: Terminal) -> None:
        """What was written is still there the second time; in the end it is saved, and the exit code is 0."""
        code, screen = at_terminal(
            type_in.station,
            "edit",
            "tin",
            answers=["y", "y"],
            turns=["17:30:00 => 03:15:00", "03:15 => 17:40"],
        )
        assert "03:15 is outside the hours" in screen
        assert "Open the editor again? [Y/n]" in screen
        assert code == 0, screen
        assert (type_in.station / TIN).read_text("utf-8") == COMMENTED.replace("17:30:00", "17:40:00")

    def test_what_was_written_in_an_editor_is_kept(self, type_in: Terminal) -> None:
        """Whoever gives up finds it again; the schedule stays as it was."""
        code, screen = at_terminal(
            type_in.station, "edit", "tin", answers=["n"], turns=["17:30:00 => 03:15:00"]
        )
        assert code == 1
        kept = Path(screen.rpartition("is kept in ")[2].strip())
        assert kept.read_text("utf-8") == COMMENTED.replace("17:30:00", "03:15:00")
        assert (type_in.station / TIN).read_text("utf-8") == COMMENTED

    def test_what_somebody_else_saved_meanwhile_stays(self, type_in: Terminal) -> None:
        """A file that changed while the editor was open is not written over; what was written is kept."""
        code, screen = at_terminal(
            type_in.station,
            "edit",
            "tin",
            answers=["y", "n"],
            turns=["17:30:00 => 17:40:00"],
            MEANWHILE=str(type_in.station / TIN),
        )
        assert code == 1
        assert "Somebody else changed the file meanwhile; nothing was written." in screen
        assert "is kept in " in screen
        assert data(type_in) == {"title": "anders"}
