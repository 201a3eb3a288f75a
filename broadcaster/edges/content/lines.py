"""The line of a place in a TOML file that was read."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from broadcaster.model.errors import Fault

from .tables import as_read, nfc

Place = tuple[str | int, ...]  # keys, and positions from 0
TOKEN = re.compile(
    r"""
    (?P<skip> [ \t]+ | \#[^\n]* )
  | (?P<text> \"{3} (?:\\.|[^\\])*? \"{3,5} | '{3} .*? '{3,5} | "(?:\\.|[^"\\\n])*" | '[^'\n]*' )
  | (?P<sign> [\[\]{}=,.\n] )
  | (?P<bare> [^\s\#"'\[\]{}=,.]+ )
    """,
    re.VERBOSE | re.DOTALL,
)


def located(
    station: Path, faults: Iterable[Fault], instead: Mapping[str, str | None] | None = None
) -> list[Fault]:
    """
    Give *faults* the line of what they speak of, or of the table around it.

    *instead* are texts that stand for files, as for load().
    """
    known: dict[str, dict[Place, int]] = {}
    found = []
    for fault in faults:
        line = fault.line
        if fault.at and line is None:
            if fault.file not in known:
                known[fault.file] = {}
                with suppress(OSError, ValueError, LookupError):  # changed since it was read
                    known[fault.file] = lines(_text(station, fault.file, instead or {}))
            places = (fault.at[:size] for size in range(len(fault.at), 0, -1))
            line = next((known[fault.file][at] for at in places if at in known[fault.file]), None)
        found.append(replace(fault, line=line))
    return found


def _text(station: Path, name: str, instead: Mapping[str, str | None]) -> str:
    path = station / name
    if (text := instead.get(name)) is not None:
        return as_read(text.encode())
    if not path.exists():  # a name from a Mac, which has its accents apart
        path = next((one for one in path.parent.iterdir() if nfc(one.name) == nfc(path.name)), path)
    return as_read(path.read_bytes())


def lines(text: str) -> dict[Place, int]:
    """The line of every table, key and element of a list in *text*, which is valid TOML."""
    found: dict[Place, int] = {}
    count: dict[Place, int] = {}  # of [[tables]]
    around: list[tuple[Place, int]] = []  # lists with the position in them, and inline tables with -1
    table: Place = ()
    place: Place = ()
    keys: list[str] | None = []  # None behind “=”
    header = ""
    line = 1
    for token in TOKEN.finditer(text + "\n"):
        sign = token[0] if token["sign"] else ""
        if token["skip"]:
            continue
        if keys is None:
            if around and around[-1][1] >= 0:
                place = (*around[-1][0], around[-1][1])
                if sign not in ("]", ",", "\n"):
                    found.setdefault(place, line)
            if sign in ("[", "{"):
                around.append((place, 0 if sign == "[" else -1))
                keys = None if sign == "[" else []
            elif sign in ("]", "}"):
                around.pop()
            elif sign == "," and around[-1][1] >= 0:
                around[-1] = (around[-1][0], around[-1][1] + 1)
            elif sign == "," or (sign == "\n" and not around):
                keys = []
        elif token["text"] or token["bare"]:
            keys.append(_key(token[0]))
        elif sign == "[" and not header:
            header = "[[" if text.startswith("[[", token.start()) else "["
        elif sign == "=" or (sign == "\n" and header):
            place = around[-1][0] if around else () if header else table
            for key in keys:
                place = (*place, count[place], key) if place in count else (*place, key)
                found.setdefault(place, line)
            if header == "[[":
                count[place] = count.get(place, -1) + 1
                place = (*place, count[place])
            found[place] = line
            table, keys, header = (place, [], "") if header else (table, None, "")
        elif sign == "}":
            around.pop()
            keys = None
        line += token[0].count("\n")
    return found


def _key(written: str) -> str:
    if written[0] == "'":
        return written[1:-1]
    return str(tomllib.loads(f"key = {written}")["key"]) if written[0] == '"' else written
