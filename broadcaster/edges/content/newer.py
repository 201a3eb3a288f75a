"""Newer areas of Vietnam, out of a file: schedules/areas.csv, which `area import` writes from it."""

import csv
import json
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from io import StringIO
from pathlib import Path

from broadcaster.model.area import Area, AreaKind
from broadcaster.model.errors import BroadcasterError, Fault, Text, say, unread

from .country import DAY, Country, area_of, overlap, row_of, uncovered

HEADER = "code,name,kind,parent,from,until"
IMPORTED = "schedules/areas.csv"  # of a station
LARGEST = 20_000_000  # bytes; all areas of the country have 0.7 million
DIGITS = {"province": 2, "district": 3, "commune": 5}
MOST = 20  # faults told of one file
TORN = say("Fetch the file again: it may be torn, or be something else.")


@dataclass(frozen=True)
class Change:
    """What newer data say of a code: `new`, `renamed`, `moved`, `gone`."""

    state: str
    before: Area | None
    after: Area | None


def read_newer(path: Path, since: date) -> list[Area]:
    """
    The provinces and communes in *path*, JSON as it is published or CSV with our columns; a place without
    a day of its own holds from *since*. Raises BroadcasterError with what is wrong in it.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise BroadcasterError(
                Fault(
                    str(path),
                    say("The file is larger than {limit} MB.", limit=LARGEST // 1_000_000),
                    say("Name the file with the areas alone: their codes, names and provinces."),
                )
            )
        text = data.decode("utf-8-sig")
        areas = _of_json(str(path), text) if text.lstrip()[:1] in ("[", "{") else of_csv(str(path), text)
    except json.JSONDecodeError as error:
        what = say(
            "This is not valid JSON from line {line}, sign {sign} on.", line=error.lineno, sign=error.colno
        )
        raise BroadcasterError(Fault(str(path), what, TORN)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise BroadcasterError(unread(str(path), error)) from error
    found = [one for one in areas if one.kind is not AreaKind.DISTRICT and one.valid_until is None]
    provinces = {one.code for one in found if one.kind is AreaKind.PROVINCE}
    wrong = [_misplaced(str(path), one, since, provinces) for one in found]
    if faults := [one for one in wrong if one is not None]:
        raise BroadcasterError(*faults[:MOST])
    return [replace(one, valid_from=since) if one.valid_from == date.min else one for one in found]


def _misplaced(where: str, area: Area, since: date, provinces: Collection[str]) -> Fault | None:
    if area.valid_from > since:
        return Fault(
            where,
            say(
                "{name} ({code}) begins on {day}, later than {since}.",
                name=area.name,
                code=area.code,
                day=area.valid_from,
                since=since,
            ),
            say("Import the file when that day has come."),
        )
    if area.kind is AreaKind.COMMUNE and area.parent not in provinces:
        return Fault(
            where,
            say("{name} ({code}) lies in no province of the file.", name=area.name, code=area.code),
            say("Import a file that has all provinces and their communes."),
        )
    return None


def of_csv(where: str, text: str) -> list[Area]:
    """The areas in *text*, one a line below the names of the columns; raises BroadcasterError."""
    lines = csv.reader(StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    try:
        rows = [row for row in lines if row]
    except csv.Error as error:
        raise BroadcasterError(Fault(where, say("This is not valid CSV."), TORN)) from error
    if not rows or [one.strip().lower() for one in rows[0]] != HEADER.split(","):
        raise BroadcasterError(
            Fault(
                where,
                say("The first line does not name these columns: {columns}.", columns=HEADER),
                say("Import a .json with provinces and communes, or a .csv that begins with this line."),
            )
        )
    return _areas(where, [*enumerate(rows, 1)][1:])


def _of_json(where: str, text: str) -> list[Area]:
    try:
        rows = []
        for province in json.loads(text):
            rows.append([province["Code"], province["FullName"], "province", ""])
            rows += [[one["Code"], one["FullName"], "commune", province["Code"]] for one in province["Wards"]]
        cells = [[*map(str.strip, row), "", ""] for row in rows]
    except (TypeError, LookupError, AttributeError) as error:
        raise BroadcasterError(
            Fault(
                where,
                say("This JSON is no list of provinces with their communes (Code, FullName, Wards)."),
                say("Import the simplified JSON of Vietnam's areas, or a .csv: {columns}.", columns=HEADER),
            )
        ) from error
    return _areas(where, [(None, row) for row in cells])


def _areas(where: str, rows: Iterable[tuple[int | None, Sequence[str]]]) -> list[Area]:
    found: list[Area] = []
    wrong: list[Fault] = []
    for line, row in rows:
        try:
            code, name, kind, *others = (unicodedata.normalize("NFC", " ".join(one.split())) for one in row)
            area = area_of([code, name[:1].upper() + name[1:], kind, *others])
            if not (name and name.isprintable() and area.valid_from <= (area.valid_until or date.max)):
                raise ValueError(row)
        except (ValueError, LookupError):
            what = say("This is no area: {row}.", row=" ".join(",".join(row).split())[:60])
            following = say("Write {columns}; days such as 2025-07-01.", columns=HEADER)
            wrong.append(Fault(where, what, following, line=line))
            continue
        if not (code.isascii() and code.isdecimal() and len(code) == DIGITS.get(kind)):
            what = say("“{code}” is no code of a {kind}.", code=code[:20], kind=Text(kind))
            following = say(
                "Codes have 2 digits (province), 3 (district) or 5 (commune), and keep their zeros."
            )
            wrong.append(Fault(where, what, following, line=line))
        found.append(area)
    for code in _twice(found):
        what = say("The code “{code}” is there twice for the same days.", code=code)
        wrong.append(Fault(where, what, say("Keep one of the two.")))
    if wrong:
        raise BroadcasterError(*wrong[:MOST])
    return found


def _twice(areas: Iterable[Area]) -> list[str]:
    by_code: dict[str, list[Area]] = {}
    for area in areas:
        by_code.setdefault(area.code, []).append(area)
    return [
        code
        for code, held in by_code.items()
        if any(overlap(one, other) for one in held for other in held if one is not other)
    ]


def changes(country: Country, newer: Iterable[Area], since: date) -> list[Change]:
    """What *newer*, all provinces and communes of *since*, changes in *country*."""
    now = {one.code: one for one in country.all() if one.holds(since)}
    found = []
    for area in newer:
        was = now.pop(area.code, None)
        if was is None:
            found.append(Change("new", None, area))
        elif was.parent != area.parent:
            found.append(Change("moved", was, area))
        elif was.name != area.name:
            found.append(Change("renamed", was, area))
    return [*found, *(Change("gone", one, None) for one in now.values())]


def csv_of(country: Country, found: Sequence[Change], since: date) -> str:
    """schedules/areas.csv with what was imported before, and what was *found* to change by *since*."""
    rows: list[Area] = []
    for one in found:
        begins = since if one.after is None else one.after.valid_from
        rows += [] if one.after is None else [one.after]
        if one.before is not None and one.before.valid_from < begins:
            rows.append(replace(one.before, valid_until=begins - DAY))
    rows += uncovered(country.imported, rows)
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER.split(","))
    writer.writerows(row_of(one) for one in sorted(rows, key=lambda one: (one.code, one.valid_from)))
    return text.getvalue()
