"""recording missing, recording matrix: what is still to be done, in a table, in JSON and for Excel."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tests.cli.terminal import SCRIPT, Terminal, record
from tests.stations import approve

MONG = "hmn-Latn-VN"
NOW = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)  # 17:15 at the station: after `nuoc`, before `tin`
MISSING = ["script", "item", "language", "areas", "state", "needed", "seconds", "text"]
MATRIX = ["script", "area", "language", "state", "items", "lacks"]


@pytest.fixture
def type_in(type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """An afternoon; all words are approved, Mông is nowhere recorded; no schedule has `khac`."""
    monkeypatch.setattr("broadcaster.edges.clock.SystemClock.now", lambda _self: NOW)
    type_in.write("audio/khac/script.toml", SCRIPT.format(title="Kịch bản khác", words="Xin chào."))
    approve(type_in.station)
    return type_in


def missing(type_in: Terminal, *arguments: str) -> Any:
    return type_in("recording", "missing", "--json", *arguments).json


class TestMissing:
    def test_is_by_the_hour_it_is_needed(self, type_in: Terminal) -> None:
        """First what sounds first from now on, then what no schedule asks for."""
        found = missing(type_in)
        assert all(list(one) == MISSING for one in found)
        assert [(one["script"], one["needed"]) for one in found] == [
            ("tin", "2026-11-20T17:30:00+07:00"),
            ("nuoc", "2026-11-21T17:00:00+07:00"),
            ("khac", None),
        ]
        assert found[0] == {
            "script": "tin",
            "item": "loi",
            "language": MONG,
            "areas": ["03160/nam-po"],
            "state": "missing",
            "needed": "2026-11-20T17:30:00+07:00",
            "seconds": 1.7,
            "text": "Kính thưa bà con {area.name}.",
        }

    def test_looks_as_far_ahead_as_it_is_told(self, type_in: Terminal) -> None:
        """In a year's plan a day in February has its hour, in a week's plan it has none."""
        path = "schedules/nuoc.toml"
        type_in.write(path, (type_in.station / path).read_text("utf-8") + "months = [2]\n")
        near, far = (
            {one["script"]: one["needed"] for one in missing(type_in, "--days", days)}
            for days in ("7", "366")
        )
        assert near["nuoc"] is None
        assert far["nuoc"] == "2027-02-01T17:00:00+07:00"

    def test_says_what_keeps_each_off_the_air(self, type_in: Terminal) -> None:
        """Not recorded, damaged, a stand-in, not approved, outdated: each by its own word."""
        record(type_in, "tin", stand_in=True)
        record(type_in, "nuoc").write_bytes(b"RIFF")
        record(type_in, "khac")
        type_in("check")  # decodes what is there

        def states() -> dict[str, str]:
            return {one["script"]: one["state"] for one in missing(type_in) if one["language"] == MONG}

        assert states() == {"tin": "stand-in", "nuoc": "recording-broken", "khac": "unapproved"}
        approve(type_in.station)
        assert states() == {"tin": "stand-in", "nuoc": "recording-broken"}
        type_in.change("audio/khac/script.toml", "Xin chào", "Kính chào")
        assert states() == {"tin": "stand-in", "nuoc": "recording-broken", "khac": "outdated"}

    def test_is_a_table_for_people(self, type_in: Terminal) -> None:
        """Day and hour, names in words, lengths as people read them."""
        said = type_in("recording", "missing")
        assert said.code == 0
        first, *_, last = said.out.splitlines()[2:]
        assert first.split()[:5] == ["20/11", "17:30", "tin", "loi", "Mông"]
        assert "no recording" in first
        assert first.split()[-1] == "0:02"
        assert last.split()[:2] == ["–", "khac"]

    def test_of_nothing_says_so(self, type_in: Terminal) -> None:
        """A station that lacks nothing is told in a sentence, and as an empty list."""
        for script in ("tin", "nuoc", "khac"):
            record(type_in, script)
        approve(type_in.station)
        assert type_in("recording", "missing").out == "Nothing is missing.\n"
        assert missing(type_in) == []

    def test_opens_in_excel(self, type_in: Terminal, tmp_path: Path) -> None:
        """The same rows, with the Vietnamese words that are to be recorded."""
        file = tmp_path / "thieu.xlsx"
        said = type_in("recording", "missing", "--xlsx", str(file))
        assert (said.code, said.out) == (0, f"Written: {file}\n")
        rows = cells(file)
        assert rows[0][0] == "What is missing"
        assert rows[1][0] == "Đài truyền thanh xã Mường Nhé, 20/11/2026 17:15"
        head = rows.index(
            ("Needed", "Script", "Item", "Language", "Areas", "State", "Length", "Vietnamese words")
        )
        assert rows[head + 1] == (
            "20/11 17:30", "tin", "loi", "Mông", "03160/nam-po", "no recording", "0:02",
            "Kính thưa bà con {area.name}.",
        )  # fmt: skip
        assert len(rows[head + 1 :]) == 3

    def test_that_cannot_be_written_is_told(self, type_in: Terminal, tmp_path: Path) -> None:
        """A folder that is not there: a fault with the next step."""
        (tmp_path / "tep").write_text("x")
        assert "tep" in type_in.fault("recording", "missing", "--xlsx", str(tmp_path / "tep" / "a.xlsx"))


class TestMatrix:
    def test_has_each_script_language_and_place(self, type_in: Terminal) -> None:
        """Each script at each cluster's place, with the number of items and what they lack."""
        record(type_in, "tin")
        approve(type_in.station)
        found = type_in("recording", "matrix", "--json").json
        assert all(list(one) == MATRIX for one in found)
        assert {(one["script"], one["area"], one["language"]): one["state"] for one in found} == {
            (script, area, language): "missing" if language == MONG and script != "tin" else "there"
            for script in ("tin", "nuoc", "khac")
            for area, language in (("03160", "vi"), ("03160/nam-po", "vi"), ("03160/nam-po", MONG))
        }
        (one,) = (one for one in found if (one["script"], one["language"]) == ("nuoc", MONG))
        assert (one["items"], one["lacks"]) == (1, {"no-recording": 1})

    def test_is_a_table_for_people(self, type_in: Terminal) -> None:
        """A line for each script and place, a column for each language."""
        said = type_in("recording", "matrix").out.splitlines()
        assert said[0].split() == ["Script", "Area", "Vietnamese", "Mông"]
        (village,) = (line for line in said if line.startswith("tin") and "03160/nam-po" in line)
        assert "there" in village
        assert "no recording" in village
        (centre,) = (line for line in said if line.startswith("tin") and "nam-po" not in line)
        assert centre.split() == ["tin", "03160", "there", "–"]

    def test_opens_in_excel(self, type_in: Terminal, tmp_path: Path) -> None:
        """The same table; asked for JSON too, both are there."""
        file = tmp_path / "bang.xlsx"
        assert type_in("recording", "matrix", "--xlsx", str(file)).out == f"Written: {file}\n"
        rows = cells(file)
        assert ("Script", "Area", "Vietnamese", "Mông") in rows
        assert ("tin", "03160", "there", "–") in rows
        file.unlink()
        for command in ("matrix", "missing"):
            assert type_in("recording", command, "--json", "--xlsx", str(file)).json
            assert cells(file)
            file.unlink()


def cells(file: Path) -> list[tuple[object, ...]]:
    """The rows of a workbook's one sheet."""
    book = openpyxl.load_workbook(file)
    return [tuple(row) for row in book[book.sheetnames[0]].iter_rows(values_only=True)]
