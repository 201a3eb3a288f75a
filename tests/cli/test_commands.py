"""What people type: each command says what it promises, and what is wrong it says in a sentence."""

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from broadcaster.cli import air
from broadcaster.cli.report import BY
from broadcaster.edges.content.lastgood import LastGood
from broadcaster.edges.control import Asked, Control
from broadcaster.edges.store import Store, database, sole_daemon
from broadcaster.model.airing import Outcome, Sounded
from broadcaster.model.errors import BroadcasterError, say
from broadcaster.model.trust import Distrust
from broadcaster.model.trust import told as distrusted
from compile_catalogues import compile_all
from tests import factories as make
from tests.cli.terminal import CALM, NOW, Terminal, daemon, record
from tests.stations import approve

ROOT = Path(__file__).parents[2]
DAY = "2026-11-20"
LOG = ["at", "start", "end", "seconds", "outcome", "reason", "station", "cluster", "area", "script", "group",
       "class", "kind", "languages", "occurrence"]  # fmt: skip
PLAN = ["at", "schedule", "script", "cluster", "area", "languages", "class", "kind", "state", "reason"]
COUNTS = ["planned", "aired", "cut", "missed", "displaced", "withheld", "failed", "seconds"]

TELL_HELP = """
import json, sys
import click, typer
from broadcaster.cli import language
language.use(sys.argv[1])
from broadcaster.cli.app import app

def walk(command, name):
    yield name, {
        "help": command.get_help(click.Context(command, info_name=name)),
        "own": command.help,
        "options": {each.name: getattr(each, "help", None) for each in command.params},
    }
    for each, sub in getattr(command, "commands", {}).items():
        yield from walk(sub, f"{name} {each}")

print(json.dumps(dict(walk(typer.main.get_command(app), "broadcaster"))))
"""


END_WHILE_LOOKING = """
import os, signal, sys
from broadcaster import daemon

def run(self):
    with self.stopping._cond:  # as `wait` holds it for a moment
        os.kill(os.getpid(), signal.SIGTERM)
        sum(range(1000))  # here the signal is handled
    assert self.stopping.wait(5)
    print("ended")

daemon.Daemon.run = run
from broadcaster.cli import main
sys.argv = ["broadcaster", "--station", sys.argv[1], "run"]
main()
"""


def in_a_process(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONUTF8": "1"} | environ,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


def broadcaster(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`broadcaster` as a process, with its output in a pipe."""
    return in_a_process("-m", "broadcaster", *arguments, **environ)


@pytest.fixture(scope="module")
def told() -> dict[str, dict[str, Any]]:
    """The help of every command, by language."""
    compile_all(ROOT)
    return {each: json.loads(in_a_process("-c", TELL_HELP, each).stdout) for each in ("vi", "en")}


@pytest.fixture
def type_in(type_in: Terminal) -> Terminal:
    """All that the station has at first is approved."""
    approve(type_in.station)
    return type_in


class TestHelp:
    def test_every_command_has_help_in_both_languages(self, told: dict[str, dict[str, Any]]) -> None:
        """No command and no option is left unexplained, and none in English to who reads Vietnamese."""
        assert told["vi"].keys() == told["en"].keys()
        assert {f"broadcaster {name}" for name in ("init", "run", "plan", "schedule show")} <= told[
            "vi"
        ].keys()
        for name, english in told["en"].items():
            vietnamese = told["vi"][name]
            assert english["own"], name
            assert vietnamese["own"] != english["own"], name
            for option, text in english["options"].items():
                assert text, f"{name} {option}"
                assert vietnamese["options"][option] != text, f"{name} {option}"

    def test_help_tells_how_to_use_it(self, told: dict[str, dict[str, Any]]) -> None:
        """Each help begins with the usage, in lines that a terminal holds."""
        for language in ("vi", "en"):
            for name, one in told[language].items():
                assert name in one["help"].splitlines()[0]
                assert max(map(len, one["help"].splitlines())) <= 100, name

    @pytest.mark.parametrize("option", ["-h", "--help"])
    def test_help_is_no_fault(self, type_in: Terminal, option: str) -> None:
        """Asked for help, a command gives it on standard output, with exit code 0."""
        said = type_in("plan", option)
        assert said.code == 0
        assert "--from" in said.out


class TestANewStation:
    def test_has_no_fault(self, type_in: Terminal, tmp_path: Path) -> None:
        """init, check, plan: nothing is wrong, and nothing sounds until an officer switches it on."""
        type_in.station = tmp_path / "moi"
        said = type_in("init", str(type_in.station))
        assert said.code == 0
        assert f"cd {type_in.station}" in said.out
        checked = type_in("check")
        assert (checked.code, checked.err) == (0, "")
        assert checked.out == "Everything fits together. Schedules: 1, scripts: 1, clusters: 1.\n"
        planned = type_in("plan", "2026")
        assert (planned.code, planned.out) == (0, "Nothing is planned in these days.\n")

    def test_sounds_once_it_is_switched_on(self, type_in: Terminal, tmp_path: Path) -> None:
        """The schedule of the template plays on Mondays."""
        type_in.station = tmp_path / "moi"
        type_in("init", str(type_in.station))
        type_in.change("schedules/thu-loa.toml", "enabled = false", "enabled = true")
        found = type_in("plan", "2026-11", "--json").json
        assert [one["at"][:10] for one in found] == [f"2026-11-{day:02}" for day in (2, 9, 16, 23, 30)]

    @pytest.mark.parametrize(
        "name", ['Đài "loa" \\ {x}', "hai\ndòng", "\x07 chuông", "'''", "# ghi chú", "a" * 500]
    )
    def test_takes_any_name(self, type_in: Terminal, tmp_path: Path, name: str) -> None:
        """A name with quotes, braces or line breaks comes out as it went in."""
        type_in.station = tmp_path / "moi"
        type_in("init", str(type_in.station), "--name", name, "--area", "03160", "--area-name", name)
        assert type_in("check").code == 0
        assert type_in("status", "--json").json["station"] == name
        assert type_in("area", "list", "--json").json[0]["name"] == name

    def test_is_not_made_over_another(self, type_in: Terminal) -> None:
        """A folder with anything in it stays as it is."""
        before = type_in.files()
        fault = type_in.fault("init", str(type_in.station))
        assert "There is something in this place already." in fault
        assert "Name a folder that is new or empty." in fault
        assert type_in.files() == before

    def test_is_not_made_below_a_file(self, type_in: Terminal, tmp_path: Path) -> None:
        """Where a file stands in the way it says so."""
        (tmp_path / "tep").write_text("x")
        assert "This cannot be used" in type_in.fault("init", str(tmp_path / "tep" / "moi"))
        assert "something in this place" in type_in.fault("init", str(tmp_path / "tep"))


class TestNoStation:
    @pytest.mark.parametrize(
        "command",
        [
            *("check", "plan", "prepare", "run", "stop", "status", "log", "report", "demo"),
            *("play tin", "schedule list", "schedule show tin", "script list", "script show tin"),
            *("recording list", "recording show x", "area list", "area show 03160"),
            *("approve --list", "approve tin --name A", "recording missing", "recording matrix"),
            *("script render tin", "script preview tin"),
        ],
    )
    def test_is_told_and_nothing_is_written(self, type_in: Terminal, tmp_path: Path, command: str) -> None:
        """A folder that is no station gets no var/; the sentence says how to name one or make one."""
        type_in.station = tmp_path / "trong"
        type_in.station.mkdir()
        fault = type_in.fault(*command.split())
        assert "This folder is no station" in fault
        assert "--station" in fault
        assert "broadcaster init DIR" in fault
        assert type_in.files() == {}

    def test_nor_is_one_that_is_not_there(self, type_in: Terminal, tmp_path: Path) -> None:
        """The same of a folder that does not exist, which is not made."""
        type_in.station = tmp_path / "khong-co"
        assert "This folder is no station" in type_in.fault("plan")
        assert not type_in.station.exists()


class TestWrongInput:
    @pytest.mark.parametrize(
        ("command", "what", "following"),
        [
            ("plan --from x", "x: This is no day", "Write 20/11/2026"),
            ("plan 2026-13", "2026-13: This is no day", "2026-Q4"),
            ("plan 0001", "0001: This is no day", "2026-Q4"),
            ("plan --from 2026-11-20 --until 2026-11-10", "ends (10/11/2026) before", "Exchange --from"),
            ("log --from x", "x: This is no day", "Write 20/11/2026"),
            ("log 9999", "9999: This is no day", "Write 20/11/2026"),
            ("report 2026-Q5", "2026-Q5: This is no day", "2026-Q4"),
            ("plan --cluster nampo", "nampo: There is none", "Did you mean “nam-po”?"),
            ("plan --cluster zzz", "zzz: There is none", "Known are: trung-tam, nam-po."),
            ("script show tinn", "tinn: There is none", "Did you mean “tin”?"),
            ("script show tin --cluster x", "x: There is none", "Known are: trung-tam, nam-po."),
            ("schedule show nuocc", "nuocc: There is none", "Did you mean “nuoc”?"),
            ("area show 3160", "3160: There is none", "Did you mean “03160”?"),
            ("recording list --script x", "x: There is none", "Known are"),
            ("recording show x.wav", "x.wav: There is none", "Known are"),
            ("play tin", "daemon of this station does not run", "broadcaster run"),
            ("play khong-co.mp3", "daemon of this station does not run", "broadcaster run"),
            ("stop", "daemon of this station does not run", "broadcaster run"),
        ],
    )
    def test_is_told_with_the_next_step(
        self, type_in: Terminal, command: str, what: str, following: str
    ) -> None:
        """What is wrong, what to do, exit code 1; nothing is printed for data, and nothing is written."""
        before = type_in.files()
        fault = type_in.fault(*command.split())
        assert what in fault.splitlines()[0]
        assert following in fault.splitlines()[1]
        assert type_in.files() == before

    @pytest.mark.parametrize(
        "command",
        [
            *("khong-co", "plan --nonsense", "plan 2026 2027", "report --by nonsense", "prepare --days 0"),
            *("prepare --days 367", "prepare --days x", "init", "play", "script show", "schedule nonsense"),
        ],
    )
    def test_of_the_wrong_form_is_exit_code_2(self, type_in: Terminal, command: str) -> None:
        """A command that is used wrongly shows its usage on standard error and does nothing."""
        before = type_in.files()
        said = type_in(*command.split())
        assert (said.code, said.out) == (2, "")
        assert said.err.startswith("Usage: ")
        assert type_in.files() == before

    def test_of_a_word_to_count_by_names_the_words(self, type_in: Terminal) -> None:
        """A word that it cannot count by is answered with those that it can."""
        assert ", ".join(BY) in " ".join(type_in("report", "--by", "nonsense").err.split())


class TestFaultyContent:
    @pytest.mark.parametrize(
        ("file", "old", "new", "what", "following"),
        [
            ("schedules/tin.toml", "times =", "times", "not valid TOML", "Mend this line"),
            ("schedules/tin.toml", "title =", "titel =", "“titel” is not known here.", "mean “title”?"),
            ("schedules/tin.toml", '["03160"]', '["3160"]', "area “3160” is not in", "mean “03160”?"),
            ("schedules/tin.toml", '"tin"', '"tim"', "script “tim” cannot be used", "mean “tin”?"),
            (
                "schedules/tin.toml",
                "[[rule]]\n",
                "[[rule]]\nweekdays = ['thứ hai']\n",
                "weekdays",
                'Write ["mon"]',
            ),
            ("schedules/tin.toml", "17:30:00", "25:00:00", "not valid TOML", "up to 23:59:59"),
            ("schedules/tin.toml", "[17:30:00]", '"17h30"', "“times” is not understood", "[17:30:00]"),
            ("audio/tin/script.toml", "{area.name}", "{area.name", "has no partner", "{area.name}"),
            ("audio/tin/script.toml", '"loi"', '"Lời"', "“id” is not understood", "small letters"),
        ],
    )
    def test_of_one_file_is_told_and_leaves_the_rest(
        self, type_in: Terminal, file: str, old: str, new: str, what: str, following: str
    ) -> None:
        """The commands name the file, the fault and the next step; the other schedule is still planned."""
        type_in.change(file, old, new)
        for command in (["check"], ["plan", DAY, "--json"]):
            fault = type_in.fault(*command)
            assert file in fault
            assert what in fault
            assert following in fault
        planned = type_in("plan", DAY, "--json").json
        assert {one["schedule"] for one in planned} == {"nuoc"}

    @pytest.mark.parametrize(
        ("old", "new", "what", "following"),
        [
            (
                '"vi", "hmn-Latn-VN"',
                '"vi", "th"',
                "“th” is the language of Thailand",
                "blt-Latn-VN (Tai Dam)",
            ),
            ('"vi", "hmn-Latn-VN"', '"vi", "hmn"', "does not name its script", "Did you mean “hmn-Latn-VN”?"),
            ('id = "nam-po"', 'id = "trung-tam"', "Two clusters have the id “trung-tam”", "of its own"),
            ('"null"', '"loa"', "“sink” is not understood", "card:default"),
            ("Asia/Ho_Chi_Minh", "Asia/Hà_Nội", "“timezone” is not understood", "Asia/Ho_Chi_Minh"),
            ("[hours]", "[hours", "not valid TOML", "Close as many brackets"),
        ],
    )
    def test_of_the_station_is_told_by_every_command(
        self, type_in: Terminal, old: str, new: str, what: str, following: str
    ) -> None:
        """Without a station nothing can be planned: each command says why, and none writes anything."""
        type_in.change("schedules/station.toml", old, new)
        before = type_in.files()
        for command in ("check", "plan", "log", "report", "status", "prepare", "run", "script list"):
            fault = type_in.fault(*command.split())
            assert "schedules/station.toml" in fault
            assert what in fault
            assert following in fault
        assert type_in.files() == before

    def test_every_fault_is_told_in_one_pass(self, type_in: Terminal) -> None:
        """Three faults in two files are three faults, and check counts them."""
        type_in.change("schedules/tin.toml", "title =", "titel =")  # unknown, and the title is missing
        type_in.change("audio/nuoc/script.toml", "pause = 0.2", "pause = 31")
        said = type_in("check", "--json")
        assert said.code == 1
        found = [(one["file"], one["what"]) for one in said.json if not one["warning"]]
        assert ("schedules/tin.toml", "“titel” is not known here.") in found
        assert ("schedules/tin.toml", "“title” is missing.") in found
        assert any(where.startswith("audio/nuoc") and "“pause”" in what for where, what in found)
        assert all(one["next"] for one in said.json)

    def test_times_outside_the_hours_are_told_and_displaced(self, type_in: Terminal) -> None:
        """Which schedule asks for 3:15, and what is allowed; the plan displaces it with that reason."""
        type_in.change("schedules/tin.toml", "17:30:00", "03:15:00")
        fault = type_in.fault("check")
        assert "[rule 1]: 03:15 is outside the hours" in fault
        assert "05:00-06:30, 16:30-18:30" in fault
        planned = type_in("plan", DAY, "--json").json
        assert {(one["state"], one["reason"]) for one in planned if one["schedule"] == "tin"} == {
            ("displaced", "outside-hours")
        }

    def test_a_recording_that_is_missing_withholds_its_language(self, type_in: Terminal) -> None:
        """`broadcaster check` names script, language and item; Vietnamese is planned, Mông withheld whole."""
        record(type_in, "tin")
        approve(type_in.station)
        fault = type_in.fault("check")
        assert "audio/nuoc: Mông is left out at Bản Nậm Pố: loi" in fault
        assert "audio/tin" not in fault
        found = {
            one["script"]: one for one in type_in("plan", DAY, "--json").json if one["cluster"] == "nam-po"
        }
        assert found["tin"]["languages"] == ["vi", "hmn-Latn-VN"]
        assert found["nuoc"]["languages"] == ["vi"]
        assert (found["nuoc"]["state"], found["nuoc"]["reason"]) == ("planned", "incomplete")
        assert found["nuoc"]["withheld"] == [{"language": "hmn-Latn-VN", "items": {"loi": "no-recording"}}]

    def test_a_recording_that_is_broken_withholds_its_language(self, type_in: Terminal) -> None:
        """Every file is decoded to its end; the one that cannot be is named, and the plan knows it."""
        record(type_in, "nuoc")
        broken = record(type_in, "tin")
        approve(type_in.station)
        broken.write_bytes(b"RIFF" + bytes(200))
        fault = type_in.fault("check")
        assert "audio/tin/recordings/hmn-Latn-VN/loi.wav: This recording cannot be decoded" in fault
        assert "audio/nuoc" not in fault
        (found,) = (
            one
            for one in type_in("plan", DAY, "--json").json
            if (one["cluster"], one["script"]) == ("nam-po", "tin")
        )
        assert found["languages"] == ["vi"]
        assert found["withheld"] == [{"language": "hmn-Latn-VN", "items": {"loi": "recording-broken"}}]

    def test_a_stand_in_is_no_fault_and_withholds_its_language(self, type_in: Terminal) -> None:
        """`broadcaster check` tells it as a note, with exit code 0; it is not planned."""
        record(type_in, "nuoc")
        record(type_in, "tin", stand_in=True)
        approve(type_in.station)
        said = type_in("check")
        assert said.code == 0
        assert said.err.startswith("Note: audio/tin: Mông is left out at Bản Nậm Pố: only stand-ins")
        found = type_in("plan", DAY, "--json").json
        assert [one["languages"] for one in found if one["script"] == "tin"] == [["vi"], ["vi"]]

    def test_where_no_language_is_there_all_is_withheld(self, type_in: Terminal) -> None:
        """A cluster that hears Mông alone hears nothing, and the plan says so."""
        type_in.change("schedules/station.toml", '"vi", "hmn-Latn-VN"', '"hmn-Latn-VN"')
        found = [one for one in type_in("plan", DAY, "--json").json if one["cluster"] == "nam-po"]
        assert {(one["state"], one["reason"]) for one in found} == {("withheld", "incomplete")}
        assert {one["detail"] for one in found} == {"hmn-Latn-VN: no-recording (loi)"}

    def test_of_one_script_does_not_keep_the_rest_from_being_prepared(self, type_in: Terminal) -> None:
        """The broken one is told, exit code 1; the programmes of the other are there, and are played."""
        record(type_in, "tin")
        approve(type_in.station)
        type_in.change("audio/nuoc/script.toml", "[[item]]", "[[item")
        said = type_in("prepare", "--json", "--days", "2")
        assert said.code == 1
        assert "audio/nuoc/script.toml" in said.err
        ready = {
            (one["script"], one["language"], one["area"]) for one in said.json if one["state"] == "ready"
        }
        assert ready == {
            ("tin", "vi", "03160"),
            ("tin", "vi", "03160/nam-po"),
            ("tin", "hmn-Latn-VN", "03160/nam-po"),
        }
        assert all((type_in.station / one["file"]).stat().st_size > 44 for one in said.json)

    def test_of_the_station_does_not_hide_what_happened(self, type_in: Terminal) -> None:
        """The play log outlives its station: `log` and `report` tell the fault, and answer."""
        type_in("prepare")
        type_in.change("schedules/station.toml", "[hours]", "[hours")
        for command, told in (("log", "nothing in these days"), ("report", "TOTAL")):
            said = type_in(command)
            assert said.code == 1
            assert "not valid TOML" in said.err
            assert told in said.out

    def test_is_told_in_no_third_language(self, type_in: Terminal) -> None:
        """Messages are Vietnamese or English; another language is wrong usage."""
        assert type_in("--lang", "fr", "plan").code == 2

    def test_a_bed_that_is_damaged_is_told_and_done_without(self, type_in: Terminal) -> None:
        """A decoration that cannot be decoded is named by `check`; programmes are ready without it."""
        type_in.write("audio/beds/nen.wav", "no sound")
        type_in.change("audio/nuoc/script.toml", "[[item]]", 'bed = "nen.wav"\n\n[[item]]')
        assert "audio/beds/nen.wav" in type_in.fault("check")
        said = type_in("prepare", "--json", "--days", "2")
        assert {(one["script"], one["state"]) for one in said.json if one["language"] == "vi"} == {
            ("nuoc", "ready"),
            ("tin", "ready"),
        }

    def test_in_station_toml_does_not_keep_prepare_from_what_goes_on(self, type_in: Terminal) -> None:
        """What airs as it last was is assembled as it last was; the fault is told."""
        before = type_in("prepare", "--json", "--days", "2").json
        LastGood(type_in.station, type_in.station / "var" / "good").remember(())
        type_in.change("schedules/station.toml", "name = ", "nmae = ")
        said = type_in("prepare", "--json", "--days", "2")
        assert said.json == before
        assert said.code == 1
        assert "“nmae” is not known here." in said.err

    def test_that_is_told_at_length_does_not_stall_the_daemon(self, type_in: Terminal) -> None:
        """The daemon's own `prepare` may say more than a pipe holds, and ends all the same."""
        rules = "".join(f"[[rule]]\nkhoa-{number} = 1\n" for number in range(30))
        for number in range(30):
            type_in.write(f"schedules/hong-{number}.toml", rules)
        assert len(type_in("prepare").err) > 2 * 65_536
        air._prepare(type_in.station, Event())  # what could be made was made: the faults are told elsewhere


class TestADiskThatCannotBeWritten:
    @pytest.fixture
    def type_in(self, type_in: Terminal) -> Terminal:
        """A file stands where var/ would be: nothing can be written there, not even by root."""
        type_in.write("var", "in the way")
        record(type_in, "tin")
        record(type_in, "nuoc")
        return type_in

    @pytest.mark.parametrize(
        "command",
        [
            *("plan", "plan --json", "log", "report", "schedule list", "script list"),
            *("recording missing", "recording matrix", "approve --list", "approve --history"),
        ],
    )
    def test_can_be_read(self, type_in: Terminal, command: str) -> None:
        """Whatever only reads works as ever, and writes nothing."""
        before = type_in.files()
        said = type_in(*command.split())
        assert (said.code, said.err) == (0, "")
        assert type_in.files() == before

    @pytest.mark.parametrize("command", ["check", "prepare", "demo", "approve tin --name A"])
    def test_is_told(self, type_in: Terminal, command: str) -> None:
        """Whatever writes says that it cannot, names the place, and says what to look at."""
        fault = type_in.fault(*command.split())
        assert str(type_in.station / "var") in fault
        assert "read-only" in fault

    def test_still_has_its_content_checked(self, type_in: Terminal) -> None:
        """`broadcaster check` finds the faults of the content all the same."""
        type_in.change("schedules/tin.toml", "title =", "titel =")
        assert "“titel” is not known here." in type_in.fault("check")


class TestPlan:
    def test_says_in_json_what_the_design_promises(self, type_in: Terminal) -> None:
        """Each occurrence has its time with offset, names, languages, class, kind, state and reason."""
        found = type_in("plan", "--from", DAY, "--until", "2026-11-21", "--json").json
        assert len(found) == 8  # two days, two schedules, two clusters
        for one in found:
            assert one.keys() >= set(PLAN)
        (one,) = (
            one for one in found if (one["at"], one["cluster"]) == ("2026-11-20T17:30:00+07:00", "trung-tam")
        )
        assert {name: one[name] for name in PLAN} == {
            "at": "2026-11-20T17:30:00+07:00",
            "schedule": "tin",
            "script": "tin",
            "cluster": "trung-tam",
            "area": "03160",
            "languages": ["vi"],
            "class": "normal",
            "kind": "planned",
            "state": "planned",
            "reason": None,
        }
        assert [one["at"] for one in found] == sorted(one["at"] for one in found)

    def test_of_one_cluster(self, type_in: Terminal) -> None:
        """--cluster leaves out the others."""
        found = type_in("plan", DAY, "--cluster", "nam-po", "--json").json
        assert [(one["cluster"], one["script"]) for one in found] == [("nam-po", "nuoc"), ("nam-po", "tin")]

    def test_leaves_nothing_out_in_silence(self, type_in: Terminal) -> None:
        """A silent day stands in the plan with its reason, in JSON and in the table."""
        note = f'\n[[except]]\nfrom = {DAY}\nuntil = {DAY}\nreason = "Tết"\n'
        path = type_in.station / "schedules" / "tin.toml"
        path.write_text(path.read_text("utf-8") + note, "utf-8")
        found = [one for one in type_in("plan", DAY, "--json").json if one["schedule"] == "tin"]
        assert {(one["state"], one["reason"], one["detail"]) for one in found} == {
            ("excepted", "excepted", "Tết")
        }
        assert "the schedule is silent on this day: Tết" in type_in("plan", DAY).out

    def test_says_what_became_of_it(self, type_in: Terminal) -> None:
        """What the play log knows stands in the plan as outcome."""
        log_a_day(type_in)
        found = type_in("plan", DAY, "--json").json
        assert {(one["schedule"], one["cluster"], one["outcome"]) for one in found} == {
            ("nuoc", "trung-tam", "aired"),
            ("nuoc", "nam-po", "cut"),
            ("tin", "trung-tam", "aired"),
            ("tin", "nam-po", "missed"),
        }

    def test_as_a_table_is_for_people(self, type_in: Terminal) -> None:
        """Times, names and states in words; titles, not ids."""
        said = type_in("plan", "2099-11-20")
        assert said.code == 0
        assert "Friday, 20/11/2099" in said.out
        assert "· Bản Nậm Pố\n" in said.out
        assert re.search(r"17:30:00\s+Kịch bản tin\s+Vietnamese\s+\d:\d\d\s+planned", said.out)
        assert "without Mông: no recording (1" in said.out


def log_a_day(type_in: Terminal) -> None:
    """Put the day's four occurrences into the play log, as the daemon would have."""
    outcomes = {
        ("nuoc", "trung-tam"): Outcome.AIRED,
        ("nuoc", "nam-po"): Outcome.CUT,
        ("tin", "trung-tam"): Outcome.AIRED,
        ("tin", "nam-po"): Outcome.MISSED,
    }
    store = Store(database(type_in.station / "var"))
    for one in type_in("plan", DAY, "--json").json:
        outcome = outcomes[one["schedule"], one["cluster"]]
        seconds = {Outcome.AIRED: 60.0, Outcome.CUT: 30.25}.get(outcome, 0.0)
        start = datetime.fromisoformat(one["at"]).astimezone(UTC)
        share = [Sounded("vi", "0" * 32, 60.0, seconds, outcome)]
        airing = make.make_airing(
            occurrence=None,
            outcome=outcome,
            planned=start,
            started=start if seconds else None,
            ended=start + timedelta(seconds=seconds) if seconds else None,
            seconds=seconds,
            languages=share,
            schedule=one["schedule"],
            script=one["script"],
            cluster=one["cluster"],
        )
        store.end(replace(airing, occurrence=one["id"]))
    store.close()


class TestBackup:
    def test_comes_back(self, type_in: Terminal, tmp_path: Path) -> None:
        """A copy is named after station and moment; brought back, the log is as it was, the other is kept."""
        log_a_day(type_in)
        said = type_in("backup", str(tmp_path))
        (copy,) = tmp_path.glob(f"{type_in.station.name}-*.db")
        assert f"{copy} holds the play log, 4 rows." in said.out
        database(type_in.station / "var").unlink()
        Store(database(type_in.station / "var")).close()
        said = type_in("restore", str(copy))
        assert "Rows of the play log that are back: 4." in said.out
        assert "broadcaster-before-1.db" in said.out
        assert len(type_in("log", DAY, "--json").json) == 4

    def test_is_made_in_the_station_unless_told_otherwise(self, type_in: Terminal) -> None:
        """Without a place it goes into var/backups/."""
        log_a_day(type_in)
        assert type_in("backup").code == 0
        assert len(list((type_in.station / "var" / "backups").glob("*.db"))) == 1

    def test_is_not_restored_under_a_running_daemon(self, type_in: Terminal, tmp_path: Path) -> None:
        """What the daemon writes to is not taken away from it."""
        log_a_day(type_in)
        type_in("backup", str(tmp_path / "copy.db"))
        with sole_daemon(type_in.station):
            assert "The daemon writes" in type_in.fault("restore", str(tmp_path / "copy.db"))


class TestLog:
    def test_verifies_its_rows(self, type_in: Terminal) -> None:
        """`log verify` says that all is as it was written, or which row is not."""
        log_a_day(type_in)
        rows, seal = type_in("log", "verify").out.splitlines()
        assert rows == "All 4 rows are as they were written."
        assert re.fullmatch(r"Seal of the last row: [0-9a-f]{16}", seal)
        with closing(sqlite3.connect(database(type_in.station / "var"))) as connection, connection:
            connection.execute("drop trigger no_update")
            connection.execute("update events set seconds = 99 where seq = 2")
        assert "broadcaster.db:2: It is not as it was written" in type_in.fault("log", "verify")

    @pytest.mark.parametrize(
        ("arguments", "count"),
        [
            (["--cluster", "nam-po"], 2),
            (["--cluster", "nam-po", "--outcome", "cut"], 1),
            (["--schedule", "tin"], 2),
            (["--outcome", "aired", "--outcome", "missed"], 3),
            (["--cluster", "nam-po", "--schedule", "nuoc", "--outcome", "aired"], 0),
        ],
    )
    def test_is_asked_for_a_part(self, type_in: Terminal, arguments: list[str], count: int) -> None:
        """By cluster, schedule and outcome, each given once or more."""
        log_a_day(type_in)
        assert len(type_in("log", DAY, "--json", *arguments).json) == count

    @pytest.mark.parametrize(("option", "name"), [("--cluster", "nam-poo"), ("--schedule", "tinn")])
    def test_a_part_that_does_not_exist_is_told(self, type_in: Terminal, option: str, name: str) -> None:
        """Whoever mistypes a name is not told that nothing aired."""
        log_a_day(type_in)
        assert f"Did you mean “{name[:-1]}”?" in type_in.fault("log", DAY, option, name)
        assert type_in("log", DAY, option, name, option, name[:-1], "--json").json

    def test_is_followed(self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        """With --follow each row is told that is added from then on, until Ctrl-C."""
        log_a_day(type_in)
        added = iter(["x/2026-11-20T05:30:00/nam-po"])

        def passing(_clock: object, _seconds: float, _stop: object) -> bool:
            try:
                name = next(added)
            except StopIteration:
                raise KeyboardInterrupt from None
            with closing(Store(database(type_in.station / "var"))) as store:
                store.end(replace(make.make_airing(), occurrence=name, script_title="Tin mới"))
            return False

        monkeypatch.setattr("broadcaster.edges.clock.SystemClock.sleep", passing)
        said = type_in("log", DAY, "--follow")
        assert said.out.splitlines()[-1].count("Tin mới") == 1

    def test_says_in_json_what_happened(self, type_in: Terminal) -> None:
        """Every occurrence with its outcome, in the words of the design, times at the station."""
        log_a_day(type_in)
        found = type_in("log", DAY, "--json").json
        assert len(found) == 4
        for one in found:
            assert one.keys() >= set(LOG)
        (cut,) = (one for one in found if one["outcome"] == "cut")
        assert cut["at"] == cut["start"] == "2026-11-20T17:00:00+07:00"
        assert cut["end"] == "2026-11-20T17:00:30.250000+07:00"
        assert cut["seconds"] == 30.25
        assert cut["languages"] == [
            {"language": "vi", "programme": "0" * 32, "length": 60.0, "seconds": 30.25, "outcome": "cut"}
        ]
        (missed,) = (one for one in found if one["outcome"] == "missed")
        assert (missed["start"], missed["end"], missed["seconds"]) == (None, None, 0.0)

    def test_says_the_same_in_csv(self, type_in: Terminal) -> None:
        """The same words head the columns; lists are words with a space between them."""
        log_a_day(type_in)
        rows = type_in("log", DAY, "--csv").csv
        told = type_in("log", DAY, "--json").json
        assert [row["occurrence"] for row in rows] == [one["occurrence"] for one in told]
        assert rows[0].keys() >= set(LOG)
        assert [(row["outcome"], float(row["seconds"])) for row in rows] == [
            (one["outcome"], one["seconds"]) for one in told
        ]
        assert {row["languages"] for row in rows} == {"vi"}

    def test_of_days_without_a_row_is_empty(self, type_in: Terminal) -> None:
        """Nothing happened: an empty list, an empty table that says so."""
        assert type_in("log", "2025", "--json").json == []
        assert type_in("log", "2025", "--csv").out == ""
        assert "nothing in these days" in type_in("log", "2025").out

    def test_is_read_where_there_is_none_without_making_one(self, type_in: Terminal) -> None:
        """A station that never ran has an empty play log, and still none after one looked."""
        type_in("log")
        assert not (type_in.station / "var").exists()


class TestReport:
    def test_counts_exactly(self, type_in: Terminal) -> None:
        """Each outcome, the seconds, and the broadcasts of the station counted once."""
        log_a_day(type_in)
        found = type_in("report", "2026-11", "--json").json
        assert found["totals"] == {
            "planned": 4,
            "aired": 2,
            "cut": 1,
            "missed": 1,
            "displaced": 0,
            "withheld": 0,
            "failed": 0,
            "seconds": 150.25,
            "station_airings": 2,
        }
        assert (found["from"], found["until"]) == ("2026-11-01", "2026-11-30")
        assert found["rule"] == {"aired_share": 0.9, "unit": "occurrence on a cluster"}

    def test_totals_are_sums(self, type_in: Terminal) -> None:
        """Planned is the sum of the outcomes, and each column of each table adds up to its total."""
        log_a_day(type_in)
        words = [word for word in BY if word != "outcome"]
        found = type_in("report", DAY, "--json", *(part for word in BY for part in ("--by", word))).json
        totals = found["totals"]
        assert totals["planned"] == sum(totals[word] for word in COUNTS[1:-1])
        assert found["by"]["outcome"] == {word: totals[word] for word in COUNTS[1:-1]}
        for word in words:
            for name in COUNTS[:-1]:
                assert sum(row[name] for row in found["by"][word]) == totals[name], (word, name)
            assert sum(row["seconds"] for row in found["by"][word]) == 150.25

    def test_says_the_same_in_csv(self, type_in: Terminal) -> None:
        """The first row is the total; each row says by what it counts."""
        log_a_day(type_in)
        rows = type_in("report", DAY, "--csv", "--by", "cluster").csv
        assert [(row["by"], row["code"], row["planned"], row["aired"]) for row in rows] == [
            ("total", "", "4", "2"),
            ("cluster", "nam-po", "2", "0"),
            ("cluster", "trung-tam", "2", "2"),
        ]
        assert list(rows[0]) == ["by", "code", "name", *COUNTS, "station_airings", "aired_before"]

    def test_states_its_rule_to_people(self, type_in: Terminal) -> None:
        """The table says what an airing is, and gives lengths as people read them."""
        log_a_day(type_in)
        said = type_in("report", DAY).out
        assert "at least 90 % sounded" in said
        assert re.search(r"TOTAL\s+4\s+2\s+1\s+1\s+0\s+0\s+0\s+2:30", said)

    def test_of_nothing_is_noughts(self, type_in: Terminal) -> None:
        """A month without a broadcast is reported as such."""
        found = type_in("report", "2025-01", "--json").json
        assert set(found["totals"].values()) == {0}


class TestWithADaemon:
    """Its ear is the test's, which looks at what it is asked."""

    ALWAYS = "allowed = [[00:00:00, 23:59:59]]"
    HOURS = "allowed = [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]"

    def test_play_is_on_air_now_or_next(self, type_in: Terminal) -> None:
        """A script or a file is made and handed over, for all clusters or those that were named."""
        type_in.change("schedules/station.toml", self.HOURS, self.ALWAYS)
        with daemon(type_in.station, play={"waits": False}) as ear:
            said = type_in("play", "tin")
            assert (said.code, said.out) == (0, "It goes on air now. To end it: broadcaster stop\n")
            ear.answers["play"] = {"waits": True}
            file = record(type_in, "tin")
            assert "when what sounds now is over" in type_in("play", str(file), "--cluster", "nam-po").out
        (first, script), (second, sound) = ear.asked
        assert (first, script) == ("play", {"clusters": ["trung-tam", "nam-po"], "script": "tin"})
        assert (second, sound["clusters"], sound["title"]) == ("play", ["nam-po"], "loi.wav")
        assert (type_in.station / "var" / "programmes" / f"{sound['digest']}.m3u8").is_file()

    def test_play_outside_the_hours_is_refused(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody is woken: it says which hours are allowed, and nothing is asked of the daemon."""
        night = datetime(2026, 11, 20, 20, 15, tzinfo=UTC)  # 3:15 at the station
        monkeypatch.setattr("broadcaster.edges.clock.SystemClock.now", lambda _self: night)
        with daemon(type_in.station) as ear:
            fault = type_in.fault("play", "tin")
        assert "03:15: Loudspeakers may not sound at this hour." in fault
        assert "Allowed are 05:00-06:30, 16:30-18:30" in fault
        assert ear.asked == []

    def test_play_while_the_clock_is_wrong_is_refused(self, type_in: Terminal) -> None:
        """What the daemon refuses is told in its words, with what to do."""
        type_in.change("schedules/station.toml", self.HOURS, self.ALWAYS)
        now = datetime(2026, 11, 20, tzinfo=UTC)
        with daemon(type_in.station, play=BroadcasterError(distrusted(Distrust.UNSURE, now, now))):
            fault = type_in.fault("play", "tin")
        assert "Nobody knows whether the clock is right" in fault
        assert "broadcaster clock --right" in fault

    @pytest.mark.parametrize(
        ("arguments", "what"),
        [
            (["tim"], "There is neither a script nor a file of this name."),
            (["tin", "--cluster", "nampo"], "There is none of this name."),
        ],
    )
    def test_play_of_what_is_not_there_is_refused(
        self, type_in: Terminal, arguments: list[str], what: str
    ) -> None:
        """The names that there are stand in the sentence."""
        type_in.change("schedules/station.toml", self.HOURS, self.ALWAYS)
        with daemon(type_in.station) as ear:
            fault = type_in.fault("play", *arguments)
        assert what in fault
        assert "nuoc, tin" in fault or "Did you mean “nam-po”?" in fault
        assert ear.asked == []

    def test_play_of_a_file_that_is_no_sound_is_refused(self, type_in: Terminal) -> None:
        """It is decoded before it counts: a text is not put on air."""
        type_in.change("schedules/station.toml", self.HOURS, self.ALWAYS)
        with daemon(type_in.station) as ear:
            fault = type_in.fault("play", str(type_in.station / "schedules" / "station.toml"))
        assert "station.toml: The file cannot be read as sound" in fault
        assert ear.asked == []

    def test_stop_says_what_it_ended(self, type_in: Terminal) -> None:
        """Whether anything sounded, and whether an emergency goes on."""
        with daemon(type_in.station, stop={"stopped": 1, "alerts": []}) as ear:
            assert type_in("stop").out == "What sounded was ended. The plan goes on.\n"
            ear.answers["stop"] = {"stopped": 0, "alerts": ["3f"]}
            nothing, emergency = type_in("stop").out.splitlines()
        assert nothing == "Nothing sounds now. The plan goes on."
        assert "An emergency is in force" in emergency
        assert "broadcaster alert --clear" in emergency
        assert ear.verbs == ["stop", "stop"]

    def test_a_daemon_that_does_not_answer_is_told(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After some seconds without an answer it says where to look."""
        monkeypatch.setattr("broadcaster.edges.control.PATIENCE", 0.2)
        hanging = Event()

        def hang(_: Asked) -> dict[str, Any]:
            hanging.wait(5)
            return {}

        control = Control(type_in.station, hang)
        assert "The daemon did not answer within 0.2 s." in type_in.fault("stop")
        hanging.set()
        control.close()

    def test_a_second_one_is_refused(self, type_in: Terminal) -> None:
        """Two daemons would sound twice."""
        with sole_daemon(type_in.station):
            fault = type_in.fault("run")
        assert "The daemon of this station already runs" in fault
        assert "broadcaster status" in fault

    def test_it_may_be_told_to_end_at_any_moment(self, type_in: Terminal) -> None:
        """A signal that comes just while the daemon looks whether it is to end does not block it."""
        said = subprocess.run(
            [sys.executable, "-c", END_WHILE_LOOKING, str(type_in.station)],
            cwd=ROOT,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=20,
        )
        assert (said.returncode, said.stdout) == (0, "ended\n"), said.stderr

    def test_status_says_whether_it_runs(self, type_in: Terminal) -> None:
        """Exit code 0 with a daemon, 1 without; what comes next stands in both."""
        with daemon(type_in.station):
            running = type_in("status", "--json")
        off = type_in("status", "--json")
        assert (running.code, running.json["running"]) == (0, True)
        assert (off.code, off.json["running"]) == (1, False)
        for one in (running, off):
            assert one.json["next"]["script"] in ("tin", "nuoc")
            assert (one.json["on_air"], one.json["alerts"], one.json["alarms"]) == ([], [], [])
        assert "Daemon: OFF" in type_in("status").out

    def test_status_tells_what_the_daemon_knows(self, type_in: Terminal) -> None:
        """On air, emergencies, alarms and rows that wait; with an alarm the exit code is 2."""
        faulty = say("The disk takes nothing: {reason} Broadcasts go on.", reason=say("the disk is full"))
        known = CALM | {
            "clock": "unsure",
            "on_air": [
                {
                    "occurrence": "tin/x",
                    "title": "Kịch bản tin",
                    "cluster": "nam-po",
                    "cluster_name": "Bản Nậm Pố",
                    "seconds": 61.5,
                    "length": 90.0,
                }
            ],
            "alerts": [{"id": "3f", "title": "Lũ về", "by": "root", "left": 1800.0, "every": 300.0}],
            "alarms": [{"key": "log", "since": NOW, "where": "", "what": faulty, "next": say("Make room.")}],
            "rows_waiting": 3,
        }
        with daemon(type_in.station, status=known):
            said, found = type_in("status"), type_in("status", "--json")
        assert said.code == found.code == 2
        assert "EMERGENCY in force: Lũ về, ordered by root, for another 30:00. 3f" in said.out
        assert "On air: Kịch bản tin, Bản Nậm Pố, 1:02 of 1:30" in said.out
        assert "ALARM since Friday, 20/11/2026 17:00" in said.out
        assert "The disk takes nothing: the disk is full Broadcasts go on. Make room." in said.out
        assert (found.json["clock"], found.json["clock_trusted"]) == ("unsure", False)
        assert found.json["on_air"] == [{"occurrence": "tin/x", "title": "Kịch bản tin", "seconds": 61.5}]
        assert found.json["alerts"] == known["alerts"]
        assert [one["what"] for one in found.json["alarms"]] == [str(faulty)]
        assert found.json["rows_waiting"] == 3


class TestOutput:
    def test_in_a_pipe_has_no_colours(self, type_in: Terminal) -> None:
        """No control codes reach a file or another program, for data and for faults alike."""
        for arguments in (["plan", DAY], ["check"], ["plan", "--nonsense"]):
            said = broadcaster("--station", str(type_in.station), *arguments, TERM="xterm-256color")
            assert said.stdout + said.stderr
            assert "\x1b" not in said.stdout + said.stderr

    def test_in_a_terminal_can_be_without_colours(self, type_in: Terminal) -> None:
        """NO_COLOR is heeded where there is a terminal."""
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "broadcaster", "--station", str(type_in.station), "script", "list"]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=theirs,
            stderr=theirs,
            env=os.environ | {"NO_COLOR": "1", "TERM": "xterm"},
        ) as process:
            os.close(theirs)
            said = b""
            try:
                while piece := os.read(ours, 1 << 16):
                    said += piece
            except OSError:  # EIO: the other end is closed
                pass
        os.close(ours)
        assert process.returncode == 0
        assert "Kịch bản tin" in said.decode()
        assert not re.search(rb"\x1b\[[0-9;]*(3[0-7]|4[0-7]|9[0-7])m", said)

    def test_that_nobody_reads_to_its_end_is_no_error(self, type_in: Terminal) -> None:
        """`broadcaster plan | head` leaves no traceback."""
        command = f"{sys.executable} -m broadcaster --station {type_in.station} plan 2027 | head -n 1"
        said = subprocess.run(
            ["sh", "-c", command],
            cwd=ROOT,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        assert "Traceback" not in said.stderr

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
    def test_is_vietnamese_in_any_locale(self, type_in: Terminal, encoding: str) -> None:
        """A locale that cannot write Vietnamese ends no command with a traceback."""
        said = broadcaster(
            "--station", str(type_in.station), "plan", DAY, PYTHONUTF8="0", PYTHONIOENCODING=encoding
        )
        assert (said.returncode, said.stderr) == (0, "")
        assert "Bản Nậm Pố" in said.stdout

    def test_is_json_with_its_faults_beside_it(self, type_in: Terminal) -> None:
        """Faults go to standard error, so that what reads JSON is not disturbed."""
        type_in.change("schedules/tin.toml", "title =", "titel =")
        said = type_in("plan", DAY, "--json")
        assert (said.code, len(said.json)) == (1, 2)
        assert said.err.startswith("Fault: schedules/tin.toml")

    @pytest.mark.parametrize(
        "command",
        [
            *("check", "plan", "prepare", "status", "log", "report", "schedule list", "script list"),
            *("recording list", "area list", "doctor", "recording missing", "recording matrix"),
            *("approve --list", "approve --history", "approve tin --name A", "script render tin"),
        ],
    )
    def test_of_every_command_that_prints_data_can_be_json(self, type_in: Terminal, command: str) -> None:
        """--json prints one JSON value and nothing else."""
        record(type_in, "tin")
        record(type_in, "nuoc")
        assert type_in(*command.split(), "--json").json is not None


class TestLists:
    def test_show_what_there_is(self, type_in: Terminal) -> None:
        """Schedules, scripts, recordings and areas, by the names that other commands take."""
        record(type_in, "tin", stand_in=True)
        assert [one["schedule"] for one in type_in("schedule", "list", "--json").json] == ["nuoc", "tin"]
        assert [one["script"] for one in type_in("script", "list", "--json").json] == ["nuoc", "tin"]
        assert [one["code"] for one in type_in("area", "list", "--json").json] == [
            "03160",
            "03160/nam-po",
            "11",
        ]
        (recording,) = type_in("recording", "list", "--json").json
        assert (recording["file"], recording["stand_in"]) == (
            "audio/tin/recordings/hmn-Latn-VN/loi.wav",
            True,
        )
        assert type_in("recording", "show", recording["file"]).code == 0

    def test_show_one_for_people(self, type_in: Terminal) -> None:
        """A schedule's times, an area's place in the tree, a script's words as a village hears them."""
        assert "17:30" in type_in("schedule", "show", "tin").out
        assert (
            "Bản Nậm Pố (03160/nam-po) < Xã Mường Nhé (03160)" in type_in("area", "show", "03160/nam-po").out
        )
        assert "bà con {area.name}" in type_in("script", "show", "tin").out
        assert "bà con bản Nậm Pố" in type_in("script", "show", "tin", "--cluster", "nam-po").out
