"""`check`: every fault of all files in one pass, in order, each with its line."""

from pathlib import Path

import pytest

from tests.cli.terminal import Terminal

SPOILT = "schedules/tin.toml"


def places(type_in: Terminal) -> list[tuple[str, int | None]]:
    return [(one["file"], one["line"]) for one in type_in("check", "--json").json]


def test_a_fault_is_told_with_its_line(type_in: Terminal) -> None:
    """File, line, table, what is wrong, and the next step; the exit code is 1."""
    type_in.change(SPOILT, "17:30:00", "03:15:00")
    fault = type_in.fault("check")
    assert f"{SPOILT}:{line_of(type_in, SPOILT, 'times')} [rule 1]: 03:15 is outside the hours" in fault
    assert "Allowed are" in fault


def line_of(type_in: Terminal, name: str, key: str) -> int:
    lines = (type_in.station / name).read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(key))


def test_faults_of_reading_and_of_fitting_together_come_in_one_order(type_in: Terminal) -> None:
    """Sorted by file and line, whoever found them."""
    type_in.change(SPOILT, "17:30:00", "03:15:00")
    type_in.change("schedules/nuoc.toml", "title =", "titel =")
    type_in.change("audio/nuoc/script.toml", "pause = 0.2", "pause = 31")
    found = places(type_in)
    assert found == sorted(found, key=lambda one: (one[0], one[1] or 0))
    assert {file for file, _ in found} >= {SPOILT, "schedules/nuoc.toml", "audio/nuoc/script.toml"}


def test_as_json_each_has_its_place(type_in: Terminal) -> None:
    """File, line and key as values, the sentences, and whether it is only a note."""
    type_in.change(SPOILT, "17:30:00", "03:15:00")
    said = type_in("check", "--json")
    (one,) = [one for one in said.json if one["file"] == SPOILT]
    assert said.code == 1
    assert (one["line"], one["key"]) == (line_of(type_in, SPOILT, "times"), "rule.1.times.1")
    assert (one["what"][:5], one["next"][:7], one["warning"]) == ("03:15", "Allowed", False)


def test_notes_alone_are_no_failure(type_in: Terminal, tmp_path: Path) -> None:
    """With notes only the exit code is 0, and the last line counts them."""
    type_in.station = tmp_path / "moi"
    type_in("init", str(type_in.station))
    (type_in.station / "schedules" / "cu.toml.txt").write_text("x")
    said = type_in("check")
    assert said.code == 0
    assert "its name does not end in .toml" in said.err
    assert said.out == "Faults: 0, notes: 1.\n"


def test_the_last_line_counts(type_in: Terminal) -> None:
    """How many faults and how many notes."""
    type_in.change(SPOILT, "title =", "titel =")
    said = type_in("check")
    faults, notes = said.err.count("Fault: "), said.err.count("Note: ")
    assert faults >= 2
    assert said.out == f"Faults: {faults}, notes: {notes}.\n"


def test_a_station_that_cannot_be_read_is_told_as_json_too(type_in: Terminal) -> None:
    """Without station.toml nothing else is looked at, and machines read why."""
    type_in.change("schedules/station.toml", "[hours]", "[hours")
    said = type_in("check", "--json")
    assert said.code == 1
    assert [(one["file"], one["line"]) for one in said.json] == [
        ("schedules/station.toml", line_of(type_in, "schedules/station.toml", "[hours"))
    ]


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x00\xff\xfe\x80" * 1000, "no text file in UTF-8"),
        ("title = 'x'".encode("utf-16"), "UTF-16"),
        (b"title = 'a\x00'", "not valid TOML"),
        (b"a = " + b"[" * 900_000, "too deep"),
        (b"x = 1\n" * 160_000, "not valid TOML"),
        (b"#" * 1_100_000, "larger than 1 MB"),
    ],
)
def test_no_file_is_a_traceback(type_in: Terminal, data: bytes, what: str) -> None:
    """Binary files, other encodings, and a megabyte of anything are a sentence each."""
    (type_in.station / "schedules" / "xau.toml").write_bytes(data)
    assert what.replace("no text", "not a text") in type_in.fault("check")


def test_folders_and_dangling_links_are_told(type_in: Terminal, tmp_path: Path) -> None:
    """A folder named like a schedule is no file, and a link to nowhere is not there."""
    (type_in.station / "schedules" / "a.toml").mkdir()
    (type_in.station / "schedules" / "b.toml").symlink_to(tmp_path / "none")
    fault = type_in.fault("check")
    assert "schedules/a.toml: This is not a file." in fault
    assert "schedules/b.toml: The file cannot be read: it is not there." in fault


def test_a_name_from_a_mac_has_its_lines(type_in: Terminal) -> None:
    """A schedule whose file name has its accents apart is told with its line."""
    text = (type_in.station / SPOILT).read_text("utf-8").replace("17:30:00", "03:15:00")
    (type_in.station / "schedules" / "ti\u0302n.toml").write_text(text, "utf-8")
    assert f"schedules/tîn.toml:{line_of(type_in, SPOILT, 'times')} [rule 1]: 03:15" in type_in.fault("check")
