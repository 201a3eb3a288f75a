"""areas.toml."""

from difflib import get_close_matches

from broadcaster.model.area import Area, AreaKind, Areas
from broadcaster.model.errors import say

from .tables import Reading, Table, a_date, a_text, repeated


def read_areas(reading: Reading) -> Areas:
    table = reading.open(reading.root / "schedules" / "areas.toml")
    found: list[Area] = []
    codes: list[str] = []
    for one in table.tables("area") if table else ():
        before = len(reading.faults)
        code, name = one.text("code"), one.text("name")
        kind = one.choice("kind", [kind.value for kind in AreaKind])
        since = one.take("from", a_date, say("a date such as 2025-07-01"))
        parent = one.take("parent", a_text, say("the code of the area above"), None)
        own = sorted(one.known)
        facts = {
            key: value
            for key, value in one.data.items()
            if key not in own and not get_close_matches(key, own, 1, 0.8)
        }
        one.known |= facts.keys()
        if any(not isinstance(value, str) for value in facts.values()):
            one.fault(say("Facts about an area are texts."), say("Put them in quotes."))
        one.close()
        if code is not None:
            codes.append(code)
        if len(reading.faults) == before:
            found.append(Area(code, name, AreaKind(kind), since, parent, facts))
    if table:
        if table.lacks("area"):
            table.fault(say("The file names no area."), say("Add an [[area]] for each place."))
        table.close()
        for code, since in repeated((area.code, area.valid_from) for area in found):
            table.fault(
                say("Two areas have the code “{code}” from {since} on.", code=code, since=since),
                say("Keep one of the two."),
            )
    areas = Areas(found)
    reading.area_codes = tuple(codes)  # of faulty ones too: their own fault says it all
    check_parents(reading, areas)
    return areas


def check_parents(reading: Reading, areas: Areas) -> None:
    rings: list[set[str]] = []
    for area in areas:
        table = Table({}, f"schedules/areas.toml [area {area.code}]", reading.faults)
        known_area(reading, table, area.parent)
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
            )


def known_area(reading: Reading, table: Table, code: str | None) -> str | None:
    """*code* if such an area is known, else a fault."""
    if code is not None and reading.area_codes and code not in reading.area_codes:
        meant = get_close_matches(code, reading.area_codes, 1)
        table.fault(
            say("The area “{code}” is not in schedules/areas.toml.", code=code),
            say("Did you mean “{meant}”?", meant=meant[0])
            if meant
            else say("Add it there, or name one of: {codes}.", codes=", ".join(reading.area_codes)),
        )
        return None
    return code
