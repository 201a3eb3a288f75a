"""areas.toml, and the provinces and communes of Vietnam above what it names."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from difflib import get_close_matches
from pathlib import Path

from broadcaster.model.area import Area, AreaKind, Areas
from broadcaster.model.errors import BroadcasterError, Text, say, unread

from .country import MERGER, Country, same_name, uncovered
from .newer import IMPORTED, LARGEST, of_csv
from .tables import MOST_STRANGERS, Reading, Table, a_date, a_text, is_seen, repeated

MOST_CODES = 20  # of areas told in one sentence
MOST = 5  # areas named in one sentence


def read_areas(reading: Reading) -> Areas:
    """
    What areas.toml names, and the province's areas.toml beside it, with all above that and above the
    station and its clusters since the merger.
    """
    codes, found = _own(reading)
    country = read_country(reading)
    own = [_in_its_parent(area, country) for _, area in found]
    areas = Areas([*own, *above(own, country, _named_by_station(reading), MERGER)] if own else ())
    holding = [area.code for area in areas if area.valid_until is None]
    reading.area_codes = tuple(
        dict.fromkeys([*codes, *holding])
    )  # of faulty ones too: their fault says it all
    check_parents(reading, found, areas)
    return areas


def _own(reading: Reading) -> tuple[list[str], list[tuple[Table, Area]]]:
    """
    The codes in areas.toml and the province's, and the areas in them that can be used, each with its
    table.
    """
    codes, found = _named(reading, "areas.toml", needed=True)
    codes_above, above_found = _named(reading, "areas.province.toml", needed=False)
    return [*codes, *codes_above], [*found, *(pair for pair in above_found if pair[1].code not in codes)]


def _named(reading: Reading, name: str, *, needed: bool) -> tuple[list[str], list[tuple[Table, Area]]]:
    path = reading.root / "schedules" / name
    if not needed and reading.where(path) not in reading.instead and not is_seen(path.exists):
        return [], []
    table = reading.open(path)
    found: list[tuple[Table, Area]] = []
    codes: list[str] = []
    for one in table.tables("area") if table else ():
        before = len(reading.faults)
        code, area = _read_area(one)
        if code is not None:
            codes.append(code)
        if area is not None and len(reading.faults) == before:
            found.append((one, area))
    if table:
        if table.lacks("area"):
            table.fault(say("The file names no area."), say("Add an [[area]] for each place."))
        table.close()
        held = [(area.code, area.valid_from) for _, area in found]
        for code, since in repeated(held):
            table.fault(
                say("Two areas have the code “{code}” from {since} on.", code=code, since=since),
                say("Keep one of the two."),
                *found[len(held) - 1 - held[::-1].index((code, since))][0].at,
            )
    return codes, found


def _read_area(table: Table) -> tuple[str | None, Area | None]:
    code, name = table.text("code"), table.text("name")
    kind = table.choice("kind", [kind.value for kind in AreaKind])
    since = table.take("from", a_date, say("a date such as 2025-07-01"))
    until = table.take("until", a_date, say("a date such as 2026-11-20"), None)
    if since and until and until < since:
        table.fault(
            say("It ends ({last}) before it begins ({first}).", first=since, last=until),
            say("Exchange “from” and “until”."),
            "until",
        )
    parent = table.take("parent", a_text, say("the code of the area above"), None)
    own = sorted(table.known)
    facts = {
        key: value
        for key, value in table.data.items()
        if key not in own and not get_close_matches(key, own, 1, 0.8)
    }
    table.known |= facts.keys()
    if wrong := [key for key, value in facts.items() if not isinstance(value, str)]:
        table.fault(say("Facts about an area are texts."), say("Put them in quotes."), wrong[0])
    table.close()
    sound = code and name and kind and since
    return code, Area(code, name, AreaKind(kind), since, parent, facts, until) if sound else None


def read_country(reading: Reading) -> Country:
    """Vietnam's areas, with what was imported at this station."""
    path = reading.root / IMPORTED
    text = reading.instead.get(IMPORTED)
    imported: list[Area] = []
    if text is not None or (IMPORTED not in reading.instead and is_seen(path.is_file)):
        try:
            imported = of_csv(IMPORTED, (reading.bytes(path, LARGEST) or b"").decode("utf-8-sig"))
        except BroadcasterError as error:
            reading.faults += error.faults
        except ValueError as error:
            reading.faults.append(unread(IMPORTED, error))
    return Country(imported)


def country_at(station: Path) -> Country:
    """Vietnam's areas as *station* knows them, if there is one; what is wrong is told with its content."""
    return read_country(Reading(station, {}, {}))


def _in_its_parent(area: Area, country: Country) -> Area:
    """*area*; without a parent of its own it lies where the country's data have it."""
    if area.parent is not None:
        return area
    same = [one for one in country.held(area.code) if one.holds(area.valid_from)]
    return replace(area, parent=same[0].parent) if same else area


def _named_by_station(reading: Reading) -> list[str]:
    """The areas that station.toml names; what is wrong in that file is told when it is read itself."""
    table = Reading(reading.root, {}, reading.instead).open(reading.root / "schedules" / "station.toml")
    named = [table.data, *(one.data for one in table.tables("cluster"))] if table else []
    return [code for one in named if isinstance(code := one.get("area"), str)]


def above(own: Sequence[Area], country: Country, named: Iterable[str], since: date = date.min) -> list[Area]:
    """
    What the country's data know of the *own* areas beside what they say themselves, of those *named*, and of
    all above them; without what ended before *since*.
    """
    found: dict[str, list[Area]] = {}
    wanted = [*(one.code for one in own), *(one.parent for one in own), *named]
    for code in wanted:  # grows meanwhile
        if code is not None and code not in found:
            rest = uncovered(country.held(code), own)
            found[code] = [one for one in rest if one.valid_until is None or one.valid_until >= since]
            wanted += [one.parent for one in found[code]]
    return [area for same_code in found.values() for area in same_code]


def check_parents(reading: Reading, found: Iterable[tuple[Table, Area]], areas: Areas) -> None:
    rings: list[set[str]] = []
    for table, area in found:
        known_area(reading, table, area.parent, "parent")
        up = list(areas.upwards(area.code, area.valid_from))
        ring = {one.code for one in up}
        if up[-1].parent == area.code and ring not in rings:
            rings.append(ring)
            table.fault(
                say(
                    "The area lies in itself: {ring}.",
                    ring=" > ".join([*(one.code for one in up), area.code]),
                ),
                say("Name the area above it as its parent."),
                "parent",
            )


def known_areas(reading: Reading, table: Table, codes: Sequence[str] | None) -> None:
    """Tell which of the table's “areas” are not known; the first of them, if it is something else."""
    before = len(reading.faults)
    for index, code in enumerate(codes or ()):
        if len(reading.faults) < before + MOST_STRANGERS:
            known_area(reading, table, code, "areas", index)


def known_area(reading: Reading, table: Table, code: str | None, *inside: str | int) -> str | None:
    """*code*, which stands *inside* of *table*, if such an area is known and did not end, else a fault."""
    if code is None or not reading.area_codes or code in reading.area_codes:
        return code
    again = Reading(reading.root, {}, reading.instead)  # its faults were told when it was read first
    country = read_country(again)
    held = country.held(code)
    if held and held[-1].valid_until is None:
        return code
    if held:
        table.fault(*_ended(country, held[-1]), *inside)
    else:
        own = [area for _, area in _own(again)[1]]
        table.fault(
            say("The area “{code}” is not in schedules/areas.toml, nor among those of Vietnam.", code=code),
            _meant(code, reading.area_codes, own, country),
            *inside,
        )
    return None


def _ended(country: Country, area: Area) -> tuple[Text, Text]:
    what = say(
        "The code “{code}” meant {name} until {day}.", code=area.code, name=area.name, day=area.valid_until
    )
    after = country.after(area)
    if not after:
        return what, say("Name the area that it lies in now: broadcaster area show {code}.", code=area.code)
    return what, say("Name where it lies now: {areas}.", areas=_listed(after))


def _meant(code: str, codes: Sequence[str], own: Iterable[Area], country: Country) -> Text:
    """What may have been meant by *code*: a code with a slip in it, or a name."""
    if near := get_close_matches(code, codes, 1):
        return say("Did you mean “{meant}”?", meant=near[0])
    named = [area for area in own if same_name(area.name, code)] or country.like(code)
    every = ", ".join(codes[:MOST_CODES]) + (" …" if len(codes) > MOST_CODES else "")
    if named:
        return say("Did you mean {meant}? This station has {codes}.", meant=_listed(named), codes=every)
    return say("Add it there, or name one of: {codes}.", codes=every)


def _listed(areas: Sequence[Area]) -> str:
    told = ", ".join(f"“{area.code}” ({area.name})" for area in areas[:MOST])
    return told if len(areas) <= MOST else f"{told} …"
