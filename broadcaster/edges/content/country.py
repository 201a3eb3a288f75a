"""Vietnam's areas: the package ships them (broadcaster/data), a station may import newer ones over them."""

import csv
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from broadcaster.model.area import Area, AreaKind
from broadcaster.model.typed import plain

DATA = Path(__file__).parents[2] / "data"
DAY = timedelta(days=1)
MERGER = date(2025, 7, 1)  # districts ended, and communes were merged
TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
TITLES = (
    *("tỉnh", "thành phố", "quận", "huyện", "thị xã", "thị trấn", "phường", "xã", "đặc khu"),
    *("bản", "thôn", "ấp", "xóm", "buôn", "làng", "khu"),
)

Row = Sequence[str]  # code, name, kind, parent, from, until


class Country:
    """Every place that a code ever meant; what was *imported* goes before what is shipped."""

    def __init__(self, imported: Iterable[Area] = ()) -> None:
        self._imported = defaultdict[str, list[Area]](list)
        for area in imported:
            self._imported[area.code].append(area)

    @property
    def imported(self) -> Iterator[Area]:
        return (area for same_code in self._imported.values() for area in same_code)

    def held(self, code: str) -> list[Area]:
        """What *code* meant, the oldest first; without reading all that is shipped."""
        return self._over(code, _found(code))

    def all(self) -> Iterator[Area]:
        """By code, then by day."""
        for code in sorted({*_shipped(), *self._imported}):
            yield from self._over(code, _shipped().get(code, ()))

    def at(self, code: str, day: date) -> Area | None:
        return next((one for one in self._over(code, _shipped().get(code, ())) if one.holds(day)), None)

    def below(self, code: str, day: date) -> list[Area]:
        """What lies right below *code* on *day*."""
        near = {row[0] for rows in _shipped().values() for row in rows if row[3] == code}
        near |= {one.code for one in self.imported if one.parent == code}
        found = (self.at(one, day) for one in sorted(near))
        return [one for one in found if one is not None and one.parent == code]

    def called(self, name: str) -> list[Area]:
        """
        Every place of that name, with or without the word before it (Xã, Phường …), the newest first.

        Accents may be left out; where some are written, places that have the same go before others.
        """
        bare, exact = _bares(name)[0], _spoken(name)
        codes = {*_names().get(bare, ()), *(one.code for one in self.imported if bare in _bares(one.name))}
        areas = [one for code in codes for one in self._over(code, _shipped().get(code, ()))]
        found = [one for one in areas if bare in _bares(one.name)]
        same = [one for one in found if exact in (_spoken(one.name), _spoken(_untitled(one.name)))]
        return sorted(same or found, key=lambda one: (-_last(one).toordinal(), one.code))

    def like(self, name: str) -> list[Area]:
        """Places of today that *name*, a code or a name, was probably meant for."""
        if name.isdecimal():  # a spreadsheet takes the zeros
            found = [area for digits in (2, 5) for area in self.held(name.zfill(digits))]
        elif not (found := self.called(name)):
            bare = _bares(name)[0]
            near = [one for one in _names() if one[:1] == bare[:1] and abs(len(one) - len(bare)) < 3]
            found = [area for one in get_close_matches(bare, near, 1, 0.8) for area in self.called(one)]
        return [area for area in found if area.valid_until is None]

    def before(self, area: Area) -> list[Area]:
        """What became *area* when communes were merged: communes, or for a province its provinces."""
        if area.valid_until is not None and area.valid_until < MERGER:
            return []
        old = MERGER - DAY
        if area.kind is AreaKind.PROVINCE:
            communes = [one.code for one in self.below(area.code, MERGER)]
            came = [was for code in communes for was in _mergers()[1].get(code, ())]
            codes = {top for one in came if (top := self._top(one, old)) is not None}
            same = codes == {area.code} and self.at(area.code, old) == self.at(area.code, MERGER)
            codes = set() if same else codes
        else:
            codes = set(_mergers()[1].get(area.code, ()))
        return [one for code in sorted(codes) if (one := self.at(code, old)) is not None]

    def after(self, area: Area) -> list[Area]:
        """Where *area*, which ended in June 2025, lies since: communes, or for a province its province."""
        if area.valid_until is None or area.valid_until >= MERGER:
            return []
        codes = set(_mergers()[0].get(area.code, ()))
        if area.kind is not AreaKind.COMMUNE:
            lower = self.below(area.code, area.valid_until)
            after = {one.code: one for each in lower for one in self.after(each)}
            codes |= after.keys()
            if area.kind is AreaKind.PROVINCE:
                codes = {one.parent for one in after.values() if one.parent is not None}
        return [one for code in sorted(codes) if (one := self.at(code, MERGER)) is not None]

    def _top(self, code: str | None, day: date) -> str | None:
        while code is not None and (area := self.at(code, day)) is not None and area.parent is not None:
            code = area.parent
        return code

    def _over(self, code: str, rows: Iterable[Row]) -> list[Area]:
        """The shipped *rows* of *code* where nothing was imported for their days, and what was."""
        imported = self._imported.get(code, [])
        return sorted([*uncovered(map(area_of, rows), imported), *imported], key=lambda one: one.valid_from)


@cache
def _text(name: str) -> str:
    return (DATA / name).read_text("utf-8")


def _found(code: str) -> Iterator[Row]:
    """The shipped rows of *code*: they stand together, and are found without reading the others."""
    text, start = _text("areas.csv"), f"\n{code},"
    place = text.find(start) if re.fullmatch(r"\d+", code) else -1
    while place >= 0 and text.startswith(start, place):
        end = text.index("\n", place + 1)
        yield text[place + 1 : end].split(",")
        place = end


@cache
def _shipped() -> Mapping[str, list[Row]]:
    """All rows, by code."""
    found: dict[str, list[Row]] = {}
    for row in csv.reader(_text("areas.csv").splitlines()[1:]):
        found.setdefault(row[0], []).append(row)
    return found


@cache
def _names() -> Mapping[str, Collection[str]]:
    """The codes of a name, with and without the word before it."""
    found = defaultdict[str, set[str]](set)
    for row in (row for rows in _shipped().values() for row in rows):
        for name in _bares(row[1]):
            found[name].add(row[0])
    return found


@cache
def _mergers() -> tuple[Mapping[str, list[str]], Mapping[str, list[str]]]:
    """What became of an old code, and what became a new one."""
    after, before = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for line in _text("mergers.csv").splitlines()[1:]:
        old, _, new = line.partition(",")
        after[old].append(new)
        before[new].append(old)
    return after, before


def same_name(name: str, other: str) -> bool:
    """Do both mean a place of the same name, accents and the word before it aside?"""
    return _bares(other)[0] in _bares(name)


def overlap(one: Area, other: Area) -> bool:
    """Do both hold under the same code on some day?"""
    same = one.code == other.code
    return same and one.valid_from <= _last(other) and other.valid_from <= _last(one)


def uncovered(areas: Iterable[Area], others: Iterable[Area]) -> Iterator[Area]:
    """The *areas* until, under the same code, one of the *others* begins that they overlap with."""
    begins = defaultdict[str, list[Area]](list)
    for other in others:
        begins[other.code].append(other)
    for one in areas:
        first = min((near.valid_from for near in begins[one.code] if overlap(one, near)), default=None)
        if first is None:
            yield one
        elif one.valid_from < first:
            yield replace(one, valid_until=first - DAY)


def _last(area: Area) -> date:
    return area.valid_until or date.max


def area_of(row: Row) -> Area:
    """Raises ValueError if it is none; a day that is not written is not known."""
    code, name, kind, parent, since, until = row
    return Area(
        code,
        name,
        AreaKind(kind),
        date.fromisoformat(since) if since else date.min,
        parent or None,
        valid_until=date.fromisoformat(until) if until else None,
    )


def row_of(area: Area) -> Row:
    since = "" if area.valid_from == date.min else area.valid_from.isoformat()
    until = "" if area.valid_until is None else area.valid_until.isoformat()
    return (area.code, area.name, area.kind.value, area.parent or "", since, until)


def _untitled(name: str) -> str:
    """*name* without the word before it: of Phường 2 that is needed, and stays."""
    for title in TITLES:
        rest = name[len(title) + 1 :]
        if name.casefold().startswith(f"{title} ") and not rest.isdecimal():
            return rest
    return name


def _spoken(name: str) -> str:
    """*name* without regard to where its tone marks stand (Hoà, Hòa), to capitals and spaces."""
    letters = unicodedata.normalize("NFD", " ".join(name.casefold().split()))
    words = (sorted(word, key=lambda letter: letter in TONES) for word in letters.split(" "))
    return " ".join("".join(word) for word in words)


def _plain(name: str) -> str:
    """*name* without accents: `xa muong nhe`."""
    return plain(" ".join(name.split()))


def _bares(name: str) -> tuple[str, str]:
    """*name* without accents: without the word before it, and with it."""
    name = unicodedata.normalize("NFC", name)
    return _plain(_untitled(name)), _plain(name)
