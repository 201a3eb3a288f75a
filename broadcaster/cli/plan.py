"""plan, prepare: what will sound and what will not; assemble it ahead."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadcaster.edges.store import Store
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.occurrence import Occurrence, State
from broadcaster.model.plan import plan
from broadcaster.model.programme import Programme, Recipe
from broadcaster.model.station import Station

from . import output, period, words
from .here import Here, named
from .language import _

if TYPE_CHECKING:
    from broadcaster.assembly import Assembly

From = Annotated[
    str | None, typer.Option("--from", metavar=_("DAY"), help=_("The first day, such as 2026-11-20."))
]
Until = Annotated[str | None, typer.Option("--until", metavar=_("DAY"), help=_("The last day, included."))]
Period = Annotated[
    str | None,
    typer.Argument(
        metavar=_("[PERIOD]"), help=_("A day, month, quarter or year: 2026-11-20, 2026-11, 2026-Q4, 2026.")
    ),
]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON."))]


def add_to(app: typer.Typer) -> None:
    app.command("plan", help=_("What will sound, what will not, and why (today and tomorrow)."))(show)
    app.command("prepare", help=_("Assemble ahead, and say what is missing for the next days."))(prepare)


def show(
    context: typer.Context,
    days: Period = None,
    first: From = None,
    last: Until = None,
    cluster: Annotated[str | None, typer.Option(help=_("Only this cluster."))] = None,
    json: Json = False,
) -> None:
    here: Here = context.obj
    with here.reading() as store:
        content = here.content(store)
        now = here.now(content)
        chosen = period.between(days, first, last, (now.date(), now.date() + timedelta(days=1)))
        start, end = period.moments(chosen, content.station.timezone)
        log = {
            one.occurrence: one for one in store.airings(start - timedelta(days=8), end + timedelta(days=8))
        }
    if cluster is not None:
        named({one.id: one for one in content.station.clusters}, cluster)
    found = [one for one in plan(content, log, start, end) if cluster in (None, one.cluster)]
    if json:
        output.as_json([as_dict(one) for one in found])
    else:
        tell(found, now)


def as_dict(one: Occurrence) -> dict[str, Any]:
    """An occurrence in the words of the design."""
    return {
        "at": one.at.isoformat(),
        "nominal": one.nominal.isoformat(),
        "schedule": one.schedule,
        "script": one.script,
        "title": one.script_title,
        "group": one.group,
        "cluster": one.cluster,
        "area": one.area,
        "languages": [recipe.language for recipe in one.whole],
        "withheld": [
            {"language": recipe.language, "items": {item: lack.value for item, lack in recipe.lacks}}
            for recipe in one.recipes
            if recipe.lacks
        ],
        "seconds": round(one.seconds, 1),
        "class": one.bulletin_class.word,
        "kind": one.kind.value,
        "state": one.state.value,
        "reason": one.reason.value if one.reason else None,
        "detail": one.detail,
        "outcome": one.outcome.value if one.outcome else None,
        "id": one.id,
    }


def tell(found: Iterable[Occurrence], now: datetime) -> None:
    """A table a day, the next one marked."""
    by_day: dict[Any, list[Occurrence]] = {}
    for one in found:
        by_day.setdefault(one.at.date(), []).append(one)
    if not by_day:
        output.line(_("Nothing is planned in these days."))
    following = min((one.at for day in by_day.values() for one in day if one.at >= now), default=None)
    for day, occurrences in by_day.items():
        output.line(f"\n{output.day(day)}")
        output.table(
            (_("Time"), _("Cluster"), _("Script"), _("Languages"), _("Length"), _("State")),
            [
                (
                    f"{'→ ' if one.at == following else '  '}{output.clock_time(one.at)}",
                    one.cluster_name,
                    one.script_title,
                    " + ".join(words.language(recipe.language) for recipe in one.whole) or "–",
                    output.length(one.seconds),
                    _state(one),
                )
                for one in occurrences
            ],
            right=(4,),
        )


def _state(one: Occurrence) -> str:
    told = words.outcome(one.outcome or one.state)
    if kind := words.kind(one.kind):
        told += f" ({kind})"
    if one.state is not State.PLANNED and one.reason:
        told += f": {words.why(one.reason, one.detail)}"
    if (missing := words.withheld(one)) and one.state in (State.PLANNED, State.WITHHELD):
        told += f"\n{missing}"
    return told


def prepare(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help=_("How many days ahead."))] = 7,
    json: Json = False,
) -> None:
    here: Here = context.obj
    here.load()  # no station, nothing to prepare: say so before anything is written
    assembly = here.assembly()
    with here.writing() as store:
        measure(here, store, assembly)
        content = here.content(store)
        now = here.now(content)
        log = {one.occurrence: one for one in store.airings(start=now - timedelta(days=8))}
        found = plan(content, log, now, now + timedelta(days=days))
    made = make(assembly, found, content.station)
    assembly.tidy(now)
    rows = [
        {
            "script": recipe.script,
            "language": recipe.language,
            "area": recipe.area,
            "state": "ready" if programme else "missing",
            "items": {item: lack.value for item, lack in recipe.lacks},
            "seconds": round(programme.seconds, 1) if programme else None,
            "file": _file(here, assembly, programme),
        }
        for recipe, programme in made.items()
    ]
    if json:
        output.as_json(rows)
        return
    output.table(
        (_("Script"), _("Language"), _("Area"), _("Length"), _("State")),
        [
            (
                recipe.script,
                words.language(recipe.language),
                recipe.area,
                output.length(programme.seconds) if programme else "–",
                _("ready") if programme else _missing(recipe),
            )
            for recipe, programme in made.items()
        ],
        right=(3,),
    )


def _file(here: Here, assembly: "Assembly", programme: Programme | None) -> str | None:
    return str(assembly.playlist(programme.digest).relative_to(here.root)) if programme else None


def _missing(recipe: Recipe) -> str:
    return words.lacks(recipe) or _("see the fault above")


def measure(here: Here, store: Store, assembly: "Assembly") -> None:
    """Decode every recording that was not decoded yet, to its end, and remember what came of it."""
    content = here.load(store).content
    profile = content.station.clusters[0].profile
    unknown = [one for one in content.recordings if one.seconds is None and not one.broken]
    with output.progress(_("Listening to recordings"), len(unknown)) as step:
        for one in unknown:
            step(one.path)
            store.keep_measured({one.path: assembly.measure(one.path, profile)})


def listened(here: Here) -> Content:
    """The content, once every recording was listened to; its faults are told."""
    here.load()  # no station, nothing to listen to: say so before anything is written
    with here.writing() as store:
        measure(here, store, here.assembly())
        return here.content(store)


def make(
    assembly: "Assembly", found: Iterable[Occurrence], station: Station
) -> Mapping[Recipe, Programme | None]:
    """Make every programme that *found* needs, and the chime; one that fails is told, the rest goes on."""
    needed = dict.fromkeys(
        recipe for one in found if one.state in (State.PLANNED, State.WITHHELD) for recipe in one.recipes
    )
    made: dict[Recipe, Programme | None] = {}
    with output.progress(_("Assembling"), len(needed)) as step:
        for recipe in needed:
            step(f"{recipe.script} {recipe.language} {recipe.area}")
            try:
                made[recipe] = None if recipe.lacks else assembly.make(recipe)
            except BroadcasterError as error:
                made[recipe] = None
                output.faults(error.faults)
    for profile in sorted({cluster.profile for cluster in station.clusters}) if station.closing else ():
        try:
            assembly.chime(station.closing or "", profile)
        except BroadcasterError as error:
            output.faults(error.faults)
    return made
