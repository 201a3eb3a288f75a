"""What is printed keeps its form, however narrow the terminal and however long the words."""

import json
from typing import Any

import pytest

from broadcaster.cli import output

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of forty columns."""
    monkeypatch.setattr(output, "room", lambda: 40)


def test_a_table_is_aligned(capsys: Capture) -> None:
    """Columns stand two spaces apart, as wide as their widest, numbers to the right, no space at an end."""
    output.table(("Name", "Count"), [("a", "1"), ("chín", "12")], right=(1,))
    assert capsys.readouterr().out == "Name  Count\n----  -----\na         1\nchín     12\n"


def test_an_empty_table_is_its_heading(capsys: Capture) -> None:
    """Nothing to tell is still a table."""
    output.table(("Name", "Count"), [])
    assert capsys.readouterr().out == "Name  Count\n----  -----\n"


def test_a_table_without_rows_and_names_is_still_one(capsys: Capture) -> None:
    """A column without a name and without anything in it is one letter wide."""
    output.table(("", "Name"), [])
    assert capsys.readouterr().out == "   Name\n-  ----\n"


def test_parts_of_a_table_have_columns_of_one_width(capsys: Capture) -> None:
    """One heading for all; spaces at the beginning of a cell stay."""
    output.sections(("A", "B"), [("first", [("x", "y")]), ("second", [("  wide cell", "z")])])
    assert capsys.readouterr().out.splitlines() == [
        *("A            B", "-----------  -"),
        *("first", "x            y"),
        *("second", "  wide cell  z"),
    ]


@pytest.mark.usefixtures("narrow")
def test_a_narrow_terminal_folds_by_words(capsys: Capture) -> None:
    """No line is longer than the terminal, all words are there, and the columns are of one width."""
    words = "những lời rất dài của một bản tin dài"
    output.sections(("Time", "Words"), [("", [("  05:30", words)]), (words * 2, [("✗ 17:30", "ngắn")])])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert [line.index("n") for line in lines if line[2:7] in ("05:30", "17:30")] == [9, 9]
    assert lines[2].startswith("  05:30  những lời")
    assert " ".join(" ".join(line.split()) for line in lines[2:4]) == f"05:30 {words}"


@pytest.mark.parametrize(
    ("data", "lines"),
    [([], 1), ([{"a": [1, {"b": "ạ"}]}, {"c": None}], 4), ({"a": 1}, 3), (["x"], 3)],
)
def test_json_is_one_value(capsys: Capture, data: Any, lines: int) -> None:
    """A list has a line for each element, in Vietnamese as it is written."""
    output.as_json(data)
    said = capsys.readouterr().out
    assert json.loads(said) == data
    assert len(said.splitlines()) == lines
    assert "\\u" not in said
