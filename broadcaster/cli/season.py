"""schedule season list, add, remove: stretches of the year that belong to a group in a place."""

from typing import Annotated

import typer

from broadcaster.edges.editing import as_text, seen, with_table, without_table
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.schedule import Days
from broadcaster.model.script import GROUPS

from . import asking, output, words
from .asking import Area, First, Last, Title
from .change import DryRun, Yes, command, propose, tables, which_table
from .here import Here
from .language import _
from .plan import Json

SEASONS = "schedules/seasons.toml"

app = typer.Typer(help=_("Stretches of the year that belong to a group in a place."), no_args_is_help=True)


@app.command("list", help=_("Every season that is declared."))
def list_seasons(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    found = here.content().seasons
    if json:
        output.as_json(
            [
                {
                    "season": one.name,
                    "title": one.title,
                    "group": one.group,
                    "areas": list(one.areas),
                    "from": one.within.first.isoformat() if one.within.first else None,
                    "until": one.within.last.isoformat() if one.within.last else None,
                }
                for one in found
            ]
        )
        return
    output.table(
        ("", _("Season"), _("Title"), _("Group"), _("Areas"), _("Days")),
        [
            (
                str(number),
                one.name,
                one.title,
                words.group(one.group),
                ", ".join(one.areas),
                span(one.within),
            )
            for number, one in enumerate(found, 1)
        ],
    )


@app.command("add", help=_("Declare a season of one year in one place; the next year's is declared again."))
def add_season(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(metavar=_("NAME"), help=_("Small letters, digits and hyphens; the same every year.")),
    ],
    title: Title = None,
    group: Annotated[
        str, typer.Option(metavar="|".join(GROUPS), help=_("The group of people that it is for."))
    ] = "everyone",
    area: Area = None,
    first: First = None,
    last: Last = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    here: Here = context.obj
    content = here.load().content
    if asking.asks():
        if area:
            asking.places(here.root, area)
        known = {one.name: one.title for one in content.seasons}
        title = title or asking.answer(_("Title"), known.get(name, name))
        area = area or asking.areas(here.root, content.station.area)
        first = first or asking.answer(_("The first day"), None, "from")
        last = last or asking.answer(_("The last day"), None, "until")
    asking.need({"--area": area, "--from": first, "--until": last})
    table = {"name": name, "title": title, "group": group, "areas": area}
    table |= asking.values_of({"from": first, "until": last})
    was = seen(here.root, [SEASONS])
    text = with_table(
        SEASONS, as_text(SEASONS, was[SEASONS] or b"").lstrip("\n"), "season", asking.given(table)
    )
    propose(here, {SEASONS: text}, command(), yes=yes, dry_run=dry_run, was=was)


@app.command("remove", help=_("Take a season of one year away."))
def remove_season(
    context: typer.Context,
    which: Annotated[
        str,
        typer.Argument(
            metavar=_("NAME|NUMBER"), help=_("Its name, or its number in `schedule season list`.")
        ),
    ],
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    here: Here = context.obj
    was = seen(here.root, [SEASONS])
    text = as_text(SEASONS, was[SEASONS] or b"")
    index = which_table(SEASONS, text, "season", which)
    new = without_table(SEASONS, text, "season", index)
    name = tables(text, "season")[index].get("name")
    named_by = [
        schedule.id
        for schedule in here.load().content.schedules
        if any(name in (*rule.season, *rule.not_in_season) for rule in (*schedule.rules, *schedule.campaigns))
    ]
    if named_by and all(one.get("name") != name for one in tables(new, "season")):
        raise BroadcasterError(
            Fault(
                SEASONS,
                say(
                    "The season “{name}” is still named by: {schedules}.",
                    name=name,
                    schedules=", ".join(named_by),
                ),
                say("Take it out of them first: broadcaster schedule edit {schedule}.", schedule=named_by[0]),
            )
        )
    propose(here, {SEASONS: new if new.strip() else None}, command(), yes=yes, dry_run=dry_run, was=was)


def span(days: Days) -> str:
    first = f"{days.first:%d/%m/%Y}" if days.first else ""
    last = f"{days.last:%d/%m/%Y}" if days.last else ""
    return first if first == last else f"{first} – {last}"
