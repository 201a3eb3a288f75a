"""The line of a place is the line on which its key, its header or its element stands."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.edges.content.lines import lines, located
from broadcaster.model.errors import Fault, say
from tests.stations import write

WHOLE = '''# [comment]
title = "a = 1 [[rule]]"   # b = 2
areas = [
  "11",   # ["x"]
  "24",
]
"kép" = 'x'
hours.allowed = [[05:30:00, 06:00:00], [
  17:00:00, 18:00:00]]
at = { x = 1, y = [{ z = 1.5 }, {}], w = 2 }

[[rule]]
times = [05:30:00]
[[ rule ]]
text = """
[[rule]]
times = "x" """"
until = 2026-01-01 05:30:00.5
[rule."a.b"]
c = \'\'\'\'\'\'
[[rule.inner]]
[[rule.inner]]
deep = 1
[x.y]
[x]
last = {}'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("title",), 2),
        (("areas",), 3),
        (("areas", 0), 4),
        (("areas", 1), 5),
        (("kép",), 7),
        (("hours",), 8),
        (("hours", "allowed"), 8),
        (("hours", "allowed", 0, 1), 8),
        (("hours", "allowed", 1), 8),
        (("hours", "allowed", 1, 0), 9),
        (("at", "y", 0, "z"), 10),
        (("at", "y", 1), 10),
        (("at", "w"), 10),
        (("rule",), 12),
        (("rule", 0), 12),
        (("rule", 0, "times"), 13),
        (("rule", 1), 14),
        (("rule", 1, "text"), 15),
        (("rule", 1, "until"), 18),
        (("rule", 1, "a.b"), 19),
        (("rule", 1, "a.b", "c"), 20),
        (("rule", 1, "inner", 0), 21),
        (("rule", 1, "inner", 1, "deep"), 23),
        (("x", "y"), 24),
        (("x",), 25),
        (("x", "last"), 26),
    ],
)
def test_every_way_to_write_it_is_found(place: tuple[str | int, ...], line: int) -> None:
    """Comments, texts, lists over several lines, quoted and dotted keys and inline tables mislead nobody."""
    tomllib.loads(WHOLE)
    assert lines(WHOLE)[place] == line


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in what tomllib reads."""
    for key, one in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*at, key)
        if isinstance(one, dict | list):
            yield from places(one, (*at, key))


class Written:
    """TOML in which every key is a number of its own, so that the line of each is known."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.text, self.keys = draw, "", 0

    def key(self) -> str:
        self.keys += 1
        return self.draw(st.sampled_from(["k{}", '"k{}"', "'k{}'", '"\\u006b{}"'])).format(self.keys)

    def blank(self) -> str:
        return self.draw(st.sampled_from(["", " ", "\n", " # [[x]] = {'\n", "\n\n"]))

    def value(self, depth: int, *, inline: bool = False) -> str:
        kinds = ["1.5", "05:30:00", "2026-01-01 05:30:00", '"]}#= \\" "', "'[\"'", '"""\n[x]\ny = "" """""']
        kinds += ["''''x = '\n'''", '""""""', "[", "{"]
        kind = self.draw(st.sampled_from(kinds if depth else kinds[:-2]))
        many = range(self.draw(st.integers(0, 3)))
        if kind == "[":
            blank = str if inline else self.blank
            return f"[{','.join(f'{blank()}{self.value(depth - 1, inline=inline)}{blank()}' for _ in many)}]"
        if kind == "{":
            pairs = (f"{self.dotted()} = {self.value(depth - 1, inline=True)}" for _ in many)
            return f"{{{', '.join(pairs)}}}"
        return kind

    def dotted(self) -> str:
        return self.draw(st.sampled_from([".", " . "])).join(
            self.key() for _ in range(self.draw(st.integers(1, 2)))
        )


@st.composite
def toml(draw: st.DrawFn) -> str:
    """Statements, tables, lists of tables and tables in those."""
    written, text, above = Written(draw), "", ""
    for _ in range(draw(st.integers(1, 8))):
        match draw(st.sampled_from(["pair", "pair", "pair", "table", "list", "again", "below"])):
            case "table":
                text += f"[{written.dotted()}]"
            case "list":
                above = written.key()
                text += f"[[ {above} ]]"
            case "again" if above:
                text += f"[[{above}]]"
            case "below" if above:
                text += f"[{above}.{written.key()}]"
            case _:
                text += f"{written.dotted()} = {written.value(3)}"
        text += draw(st.sampled_from(["\n", " # x = [\n", "\n\n"]))
    return text


@given(toml())
def test_the_line_holds_the_key(text: str) -> None:
    """Every place that tomllib reads has a line, and its key stands there."""
    data, rows, found = tomllib.loads(text), text.split("\n"), lines(text)
    assert set(found) == set(places(data))
    for place, line in found.items():
        names = [part for part in place if isinstance(part, str)]
        if place[-1] == names[-1]:
            assert names[-1] in rows[line - 1].replace("\\u006b", "k")


@given(st.text(max_size=60) | st.text("[]{}=\"'#.,\n ab1\\", max_size=60))
def test_no_text_is_a_traceback(text: str) -> None:
    """A file that changed since it was read has no lines, or wrong ones; it stops nobody."""
    (fault,) = located(Path(), [Fault("x.toml", say("a"), say("b"), at=("a",))], {"x.toml": text})
    assert fault.line is None or 1 <= fault.line <= text.count("\n") + 2


def test_what_is_missing_is_told_at_its_table(tmp_path: Path) -> None:
    """A key that is not there has the line of its table's header; in no table it has none."""
    write(tmp_path, "schedules/x.toml", WHOLE)
    where = "schedules/x.toml [rule 2]"
    faults = [Fault(where, say("a"), say("b"), at=at) for at in [("rule", 1, "none"), ("none",), ()]]
    assert [one.place for one in located(tmp_path, faults)] == [
        "schedules/x.toml:14 [rule 2]",
        where,
        where,
    ]


def test_the_text_instead_of_the_file_counts(tmp_path: Path) -> None:
    """Before it is saved, the lines are those of what would be saved."""
    write(tmp_path, "schedules/x.toml", "a = 1")
    fault = Fault("schedules/x.toml", say("a"), say("b"), at=("a",))
    assert located(tmp_path, [fault], {"schedules/x.toml": "\n\na = 2"})[0].line == 3
    assert located(tmp_path, [fault], {"schedules/x.toml": None})[0].line == 1


def test_a_name_from_a_mac_is_found(tmp_path: Path) -> None:
    """A file whose name has its accents apart is the file that is meant."""
    write(tmp_path, "schedules/ti\u0302n.toml", "a = 1")
    assert located(tmp_path, [Fault("schedules/tîn.toml", say("a"), say("b"), at=("a",))])[0].line == 1


def test_a_fault_of_a_file_that_is_gone_stays(tmp_path: Path) -> None:
    """Without a file there is no line, and the fault is told all the same."""
    fault = Fault("schedules/x.toml", say("a"), say("b"), at=("a",))
    assert located(tmp_path, [fault]) == [fault]
