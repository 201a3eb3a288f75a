"""area list, show, import: places, what they lie in, what they were before July 2025."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer

from broadcaster.edges.content.areas import above, country_at
from broadcaster.edges.content.country import MERGER, Country, same_name, uncovered
from broadcaster.edges.content.newer import IMPORTED, Change, changes, csv_of, read_newer
from broadcaster.edges.editing import as_text, seen
from broadcaster.model.area import Area, AreaKind, Areas
from broadcaster.model.errors import BroadcasterError, Fault, say

from . import output, period
from .change import DryRun, Yes, propose, tables
from .here import Here, named
from .language import _
from .plan import Json

app = typer.Typer(help=_("Places: provinces, communes, villages."), no_args_is_help=True)


@dataclass
class Atlas:
    """What is known of places at a station."""

    here: Here

    def __post_init__(self) -> None:
        content = self.here.content()
        self.own, self.today = content.areas, self.here.now(content).date()

    @cached_property
    def country(self) -> Country:
        return country_at(self.here.root)

    def around(self, code: str) -> Areas:
        """The station's areas and *code*, with all above them."""
        own = list(self.own)
        return Areas([*own, *above(own, self.country, [code])])

    def below(self, code: str, day: date) -> list[Area]:
        own = [one for one in self.own if one.parent == code and self.own.find(one.code, day) is one]
        known = {one.code for one in own}
        return [*(one for one in self.country.below(code, day) if one.code not in known), *own]

    def holders(self, code: str) -> list[Area]:
        """What *code* ever meant, the oldest first."""
        found = [one for one in self.around(code) if one.code == code]
        return sorted(found, key=lambda one: one.valid_from)

    def parent(self, area: Area) -> str:
        """What *area* lies in, by name, as of its last day."""
        day = min(area.valid_until or self.today, self.today)
        above = self.own.find(area.parent or "", day) or self.country.at(area.parent or "", day)
        return f"{above.name} ({above.code})" if above else area.parent or "–"

    def called(self, name: str) -> list[Area]:
        """Every place of that name, of other days too."""
        own = [one for one in self.own if same_name(one.name, name)]
        return [*own, *(one for one in uncovered(self.country.called(name), self.own) if one not in own)]

    def find(self, place: str, day: date) -> Area:
        """
        What *place*, a code or a name, means on *day*, or meant last before it.

        Raises BroadcasterError if it means nothing, or more than one place: those are listed.
        """
        if held := self.holders(place):
            before = [one for one in held if one.valid_from <= day]
            return before[-1] if before else held[0]
        called = self.called(place)
        found = [one for one in called if one.holds(day)] or called
        if not found:
            like = self.country.like(place)
            own = [one for one in self.own if one.holds(day)]
            named({one.code: one for one in [*own, *like]} | {one.name: one for one in like}, place)
        if len(found) > 1:
            _list(found, self)
            raise BroadcasterError(
                Fault(
                    place,
                    say("{count} places have this name.", count=len(found)),
                    say("Name one by its code: broadcaster area show {code}", code=found[0].code),
                )
            )
        return found[0]


@app.command("list", help=_("Every area of this station, or of the country."))
def show_all(
    context: typer.Context,
    every: Annotated[
        bool, typer.Option("--all", help=_("All provinces and communes of the country."))
    ] = False,
    inside: Annotated[
        str | None,
        typer.Option("--in", metavar=_("PLACE"), help=_("What lies in this place (code or name).")),
    ] = None,
    json: Json = False,
) -> None:
    atlas = Atlas(context.obj)
    today = atlas.today
    if inside is not None:
        area = atlas.find(inside, today)
        found = atlas.below(area.code, today if area.holds(today) else area.valid_until or area.valid_from)
    else:
        held = (*(atlas.country.all() if every else ()), *atlas.own)
        found = list({one.code: one for one in held if one.holds(today)}.values())
    if json:
        output.as_json([_fields(one) for one in found])
    else:
        _list(found, atlas)


@app.command("show", help=_("One area, what it lies in, what lies in it, what it was before July 2025."))
def show(
    context: typer.Context,
    place: Annotated[str, typer.Argument(metavar=_("PLACE"), help=_("The area's code or name."))],
    on: Annotated[
        str | None,
        typer.Option("--on", metavar=_("DAY"), help=_("As it was on this day, such as 2025-06-30.")),
    ] = None,
    json: Json = False,
) -> None:
    atlas = Atlas(context.obj)
    asked = atlas.today if on is None else period.parse(on, atlas.today)[0]
    area = atlas.find(place, asked)
    day = asked if area.holds(asked) else area.valid_until or area.valid_from
    areas = atlas.around(area.code)
    up, words = list(areas.upwards(area.code, day)), areas.words(area.code, day)
    inside, others = atlas.below(area.code, day), [one for one in atlas.holders(area.code) if one != area]
    before = [_part(one, area, atlas.country) for one in atlas.country.before(area)]
    after = atlas.country.after(area)
    if json:
        output.as_json(
            _fields(area)
            | {
                "above": [_short(one) for one in up[1:]],
                "words": words,
                "inside": [_short(one) for one in inside],
                "before": before,
                "after": [_fields(one) for one in after],
                "others": [_fields(one) for one in others],  # that the code means on other days
            }
        )
        return
    output.line(" < ".join(f"{one.name} ({one.code})" for one in up))
    output.line(_("Holds: {days}").format(days=_days(area)))
    for one in (each for each in others if each.name != area.name):
        output.line(_("On other days the code means {name}: {days}").format(name=one.name, days=_days(one)))
    output.line()
    output.table(
        (_("Placeholder"), _("Word")), [(f"{{{name}}}", word) for name, word in sorted(words.items())]
    )
    if after:
        output.line("\n" + _("Since {day} it lies in:").format(day=f"{after[0].valid_from:%d/%m/%Y}"))
        _list(after, atlas)
    if before:
        output.line("\n" + _("What it was made of in July 2025:"))
        _list_parts(before)
    if inside:
        output.line("\n" + _("In it lie ({count}):").format(count=len(inside)))
        _list(inside, atlas)
    if namesakes := [one for one in atlas.called(place) if one.code != area.code and not one.holds(asked)]:
        output.line("\n" + _("Of this name were also:"))
        _list(namesakes, atlas)


@app.command("import", help=_("Take newer areas of Vietnam from a file."))
def bring(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar=_("FILE"), help=_("Provinces and communes: .json as published, or .csv.")),
    ],
    since: Annotated[
        str | None,
        typer.Option("--from", metavar=_("DAY"), help=_("The day from which what is new holds (today).")),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help=_("Also if more than half of the communes are not in it."))
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
) -> None:
    here: Here = context.obj
    today = here.now(here.content()).date()
    day = today if since is None else period.parse(since, today)[0]
    if day > today:
        raise BroadcasterError(
            Fault(
                "--from",
                say("{day} is still to come.", day=f"{day:%d/%m/%Y}"),
                say("Import the file when that day has come."),
            )
        )
    country = country_at(here.root)
    newer = read_newer(file, day)
    found = changes(country, newer, day)
    communes = sum(one.kind is AreaKind.COMMUNE for one in newer)
    known = sum(one.kind is AreaKind.COMMUNE and one.holds(day) for one in country.all())
    if communes * 2 < known and not force:
        raise BroadcasterError(
            Fault(
                str(file),
                say("It has only {count} communes; {known} are known.", count=communes, known=known),
                say("Import the whole country, or with --force if that is meant."),
            )
        )
    if not found:
        output.line(_("Nothing is new in it."))
        return
    _list_changes(found)
    _tell_held(here, found)
    propose(
        here, {IMPORTED: csv_of(country, found, day)}, f"area import {file.name}", yes=yes, dry_run=dry_run
    )


def _tell_held(here: Here, found: Iterable[Change]) -> None:
    """Say which of what changes keeps its name, since areas.toml goes before the country's data."""
    path = "schedules/areas.toml"
    own: dict[str, str] = {}
    with suppress(ValueError, BroadcasterError):  # what is wrong with the file is told with the content
        known = tables(as_text(path, seen(here.root, [path])[path] or b""), "area")
        own = {one["code"]: one["name"] for one in known if {"code", "name"} <= {*one} and "until" not in one}
    held = [
        f"{own[one.before.code]} ({one.before.code})"
        for one in found
        if one.before is not None
        and one.before.code in own
        and (one.after is None or one.after.name != own[one.before.code])
    ]
    if held:
        what = say("These areas stay as this file says: {areas}.", areas=", ".join(held))
        output.faults([Fault(path, what, say("Write there what changed, or take them out."), warning=True)])


def _part(old: Area, now: Area, country: Country) -> dict[str, Any]:
    """What became a part of *now*: where it lay, whether all of it went there, and where the rest went."""
    up = Areas(above([], country, [old.code])).upwards(old.code, MERGER - timedelta(days=1))
    rest = [one for one in country.after(old) if one.code != now.code]
    return _short(old) | {
        "above": [_short(one) for one in up if one != old],
        "whole": not rest,
        "rest": [_short(one) for one in rest],
    }


def _list_parts(found: Iterable[dict[str, Any]]) -> None:
    output.table(
        (_("Code"), _("Name"), _("Lay in"), _("Part"), _("The rest lies in")),
        [
            (
                one["code"],
                one["name"],
                ", ".join(each["name"] for each in one["above"]) or "–",
                _("whole") if one["whole"] else _("in part"),
                ", ".join(f"{each['name']} ({each['code']})" for each in one["rest"]) or "–",
            )
            for one in found
        ],
    )


def _list_changes(found: Sequence[Change]) -> None:
    states = {"new": _("new"), "renamed": _("renamed"), "moved": _("moved"), "gone": _("gone")}
    rows = []
    for one in found:
        told = [f"{area.name} < {area.parent or '–'}" if area else "–" for area in (one.before, one.after)]
        code = next(area.code for area in (one.after, one.before) if area)
        rows.append((states[one.state], code, *told))
    output.table((_("Change"), _("Code"), _("Before"), _("After")), rows)
    counts = Counter(one.state for one in found)
    output.line(", ".join(f"{states[state]}: {count}" for state, count in counts.items()))


def _list(found: Iterable[Area], atlas: Atlas) -> None:
    kinds = {
        AreaKind.PROVINCE: _("province"),
        AreaKind.DISTRICT: _("district"),
        AreaKind.COMMUNE: _("commune"),
        AreaKind.VILLAGE: _("village"),
    }
    output.table(
        (_("Code"), _("Name"), _("Kind"), _("Holds"), _("Lies in")),
        [(one.code, one.name, kinds[one.kind], _days(one), atlas.parent(one)) for one in found],
    )


def _days(area: Area) -> str:
    since = "" if area.valid_from == date.min else f"{area.valid_from:%d/%m/%Y}"
    until = "" if area.valid_until is None else f"{area.valid_until:%d/%m/%Y}"
    return f"{since} – {until}".strip()


def _short(area: Area) -> dict[str, Any]:
    return {"code": area.code, "name": area.name, "kind": area.kind.value}


def _fields(area: Area) -> dict[str, Any]:
    """Of an area; a day that is not known, or not set, is null."""
    return _short(area) | {
        "from": None if area.valid_from == date.min else area.valid_from.isoformat(),
        "until": area.valid_until.isoformat() if area.valid_until else None,
        "parent": area.parent,
        "facts": dict(area.facts),
    }
