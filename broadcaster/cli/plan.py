"""plan, prepare: what will sound and what will not; assemble it ahead."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadcaster.edges.editing import as_text, history
from broadcaster.edges.store import Store
from broadcaster.model.airing import Airing
from broadcaster.model.content import Content
from broadcaster.model.difference import difference
from broadcaster.model.errors import BroadcasterError, Fault, say, unread
from broadcaster.model.occurrence import Occurrence, State
from broadcaster.model.plan import plan, recipes_for
from broadcaster.model.programme import Programme, Recipe
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.station import Station

from . import calendar as calendars
from . import difference as told
from . import output, period, timetable, words
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
        metavar=_("[PERIOD]"),
        help=_(
            "A day, week, month, quarter, half-year or year: 20/11/2026, 2026-W47, 2026-11, 2026-Q4, "
            "2026-H2, 2026."
        ),
    ),
]
Json = Annotated[bool, typer.Option("--json", help=_("Print JSON."))]


def add_to(app: typer.Typer) -> None:
    app.command("plan", help=_("What will sound, what will not, and why (today and tomorrow)."))(show)
    app.command("prepare", help=_("Assemble ahead, and say what is missing for the next days."))(prepare)


@dataclass(frozen=True)
class Chosen:
    """Which part of the plan is asked for."""

    days: tuple[date, date]
    cluster: str | None
    schedule: str | None

    def holds(self, one: Occurrence) -> bool:
        return self.cluster in (None, one.cluster) and self.schedule in (None, one.schedule)


def show(
    context: typer.Context,
    days: Annotated[
        list[str] | None,
        typer.Argument(
            metavar=_("[PERIOD]"),
            help=_(
                "A day, week, month, quarter, half-year or year: 2026-11-20, 2026-W47, 2026-11, 2026-Q4, "
                "2026-H2, 2026, tomorrow."
            ),
        ),
    ] = None,
    first: From = None,
    last: Until = None,
    day: Annotated[bool, typer.Option("--day", help=_("That day alone."))] = False,
    week: Annotated[
        bool, typer.Option("--week", help=_("The week that holds it, Monday to Sunday."))
    ] = False,
    month: Annotated[bool, typer.Option("--month", help=_("The month that holds it."))] = False,
    year: Annotated[bool, typer.Option("--year", help=_("The year that holds it."))] = False,
    cluster: Annotated[str | None, typer.Option(help=_("Only this cluster."))] = None,
    schedule: Annotated[str | None, typer.Option(help=_("Only this schedule."))] = None,
    lost: Annotated[bool, typer.Option("--lost", help=_("Only what will not sound, or did not."))] = False,
    every: Annotated[bool, typer.Option("--all", help=_("Every line, however long the period is."))] = False,
    calendar: Annotated[bool, typer.Option("--calendar", help=_("A grid a month."))] = False,
    edited: Annotated[
        Path | None,
        typer.Option(
            "--diff",
            metavar=_("FILE"),
            help=_("What this edited copy of a file of schedules/ would change (in the next 30 days)."),
        ),
    ] = None,
    json: Json = False,
    ics: Annotated[
        Path | None, typer.Option("--ics", metavar=_("FILE"), help=_("Write a calendar file; - prints it."))
    ] = None,
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", metavar=_("FILE"), help=_("Write an Excel workbook."))
    ] = None,
) -> None:
    here: Here = context.obj
    if (words_given := len(days or ())) > 1 and period.days_from_today(" ".join(days or ())) is None:
        raise typer.BadParameter(_("Give one period, not {count}.").format(count=words_given))
    units = {"day": day, "week": week, "month": month, "year": year}
    asked = [period.Unit(name) for name, given in units.items() if given]
    if len(asked) > 1:
        raise typer.BadParameter(_("Give one of --day, --week, --month and --year."))
    with here.reading() as store:
        content = here.content(store)
        now = here.now(content)
        usual = now.date() + timedelta(days=29 if edited else 0 if asked else 1)
        within = period.between(
            " ".join(days) if days else None, first, last, (now.date(), usual), now.date()
        )
        if asked:
            within = period.whole(within[0], asked[0])
        chosen = Chosen(within, cluster, schedule)
        start, end = period.moments(within, content.station.timezone)
        if cluster is not None:
            named({one.id: one for one in content.station.clusters}, cluster)
        if edited is not None:
            _show_difference(here, store, edited, chosen, max(start, min(now, end)), end, json=json)
            return
        if schedule is not None:
            named({one.id: one for one in content.schedules}, schedule)
        log = _log(store, start, end)
    whole = plan(content, log, start, end)
    found = [one for one in whole if chosen.holds(one) and (not lost or timetable.is_lost(one))]
    for written in (ics, xlsx):
        if written is not None and str(written) != "-":
            here.outside(written)
    if ics is not None:
        from broadcaster.edges.calendars import plan_calendar

        data = plan_calendar(content.station.name, found, now, timetable.told)
        if str(ics) == "-":
            output.raw(data)
            return
        ics.write_bytes(data)
    if xlsx is not None:
        _write_workbook(xlsx, content, found, chosen, now)
    if json:
        output.as_json(as_dicts(found))
    elif ics is not None or xlsx is not None:
        output.line(
            _("Written: {file}").format(file=", ".join(str(one) for one in (ics, xlsx) if one is not None))
        )
    elif calendar:
        calendars.tell(found, timetable.sessions(whole), within, content.schedules, now)
    else:
        timetable.tell(
            found,
            timetable.sessions(whole),
            {one.id: one.name for one in content.station.clusters if cluster in (None, one.id)},
            now,
            marked=start <= now,
            fold=not every and (within[1] - within[0]).days + 1 >= timetable.FOLDED_FROM,
        )


def _log(store: Store, start: datetime, end: datetime) -> Mapping[str, Airing]:
    """What the play log says of the weeks that a plan of *start* to *end* looks at."""
    week = timedelta(days=8)
    return {one.occurrence: one for one in store.airings(start - week, end + week)}


def _show_difference(
    here: Here, store: Store, edited: Path, chosen: Chosen, start: datetime, end: datetime, *, json: bool
) -> None:
    """What would change if *edited* stood in schedules/."""
    path = f"schedules/{edited.name}"
    old, new = _versions(here, edited, path)
    before, after = here.load(store, old), here.load(store, new)
    output.faults(fault for fault in after.faults if fault not in before.faults)
    log = _log(store, start, end)
    changes = [
        one
        for one in difference(plan(before.content, log, start, end), plan(after.content, log, start, end))
        if chosen.holds(one.one)
    ]
    if json:
        output.as_json(told.as_dicts(changes))
        return
    if not (here.root / path).exists() or (old and old[path] is None):
        output.line(_("{path} is new.").format(path=path))
    output.line(
        _("From {first} to {last}:").format(first=output.day(start.date()), last=output.day(chosen.days[1]))
    )
    told.tell(changes)


def _versions(
    here: Here, edited: Path, path: str
) -> tuple[Mapping[str, str | None] | None, Mapping[str, str | None] | None]:
    """What stands for the file *path* of the station before and after; None for what is there."""
    if edited.suffix != ".toml":
        raise BroadcasterError(
            Fault(
                str(edited),
                say("This is no file of schedules/: those end in .toml."),
                say("Name an edited copy of a schedule, of seasons.toml or of station.toml."),
            )
        )
    try:
        data = edited.read_bytes()
    except OSError as error:
        raise BroadcasterError(unread(str(edited), error)) from error
    if edited.resolve() != (here.root / path).resolve():
        return None, {path: as_text(str(edited), data)}
    kept = next((one for one in history(here.root) if path in one.after), None)
    if kept is None:
        raise BroadcasterError(
            Fault(
                str(edited),
                say("This file is saved already, and no earlier one is kept in the history."),
                say("Edit a copy of the same name in another folder, and show what that would change."),
            )
        )
    earlier = kept.before(path)
    return {path: None if earlier is None else as_text(path, earlier)}, None


def _write_workbook(
    to: Path, content: Content, found: Sequence[Occurrence], chosen: Chosen, now: datetime
) -> None:
    """A sheet of what will sound and what will not, and one that counts it."""
    from broadcaster.edges.documents import write_workbook

    first, last = chosen.days
    note = f"{content.station.name}, {first:%d/%m/%Y} – {last:%d/%m/%Y}, {now:%d/%m/%Y %H:%M}"
    counts: Counter[tuple[str, str, str]] = Counter()
    seconds: Counter[tuple[str, str, str]] = Counter()
    for one in found:
        if one.relay:
            key = (one.cluster_name, words.relay(), words.outcome(one.outcome or one.state))
            counts[key] += 1
            seconds[key] += 0 if timetable.is_lost(one) else round(one.seconds)
        for recipe in () if one.relay else one.recipes:
            state = (
                State.WITHHELD if recipe.lacks and one.state is State.PLANNED else one.outcome or one.state
            )
            key = (one.cluster_name, words.language(recipe.language), words.outcome(state))
            counts[key] += 1
            seconds[key] += 0 if recipe.lacks or timetable.is_lost(one) else round(recipe.seconds)
    write_workbook(
        to,
        _("Plan"),
        (
            *(_("Day"), _("Time"), _("Cluster"), _("Script"), _("Schedule"), _("Languages")),
            *(_("Group"), _("Class"), _("Seconds"), _("State")),
        ),
        [
            (
                one.at.date(),
                output.clock_time(one.at),
                one.cluster_name,
                one.script_title,
                one.schedule_title,
                timetable.languages(one),
                words.group(one.group),
                words.bulletin_class(one.bulletin_class.word),
                round(one.seconds),
                timetable.told(one),
            )
            for one in found
        ],
        note=note,
        more=[
            (
                _("Counts"),
                (_("Cluster"), _("Language"), _("State"), _("Count"), _("Seconds")),
                [(*key, count, seconds[key]) for key, count in counts.items()],
            )
        ],
    )


def as_dicts(found: Iterable[Occurrence]) -> list[dict[str, Any]]:
    """Occurrences in the words of the design."""
    spoken: dict[int, dict[str, Any]] = {}  # a year has thousands of occurrences of a few recipes
    dicts = []
    for one in found:
        if id(one.recipes) not in spoken:
            spoken[id(one.recipes)] = {
                "languages": [recipe.language for recipe in one.whole],
                "withheld": [
                    {"language": recipe.language, "items": {item: lack.value for item, lack in recipe.lacks}}
                    for recipe in one.recipes
                    if recipe.lacks
                ],
            }
        at = one.at.isoformat()
        dicts.append(
            {
                "at": at,
                "nominal": at if one.nominal == one.at else one.nominal.isoformat(),
                "schedule": one.schedule,
                "script": one.script,
                "title": one.script_title,
                "group": one.group,
                "cluster": one.cluster,
                "area": one.area,
                "relay": one.relay.url if one.relay else None,
                **spoken[id(one.recipes)],
                "seconds": round(one.seconds, 1),
                "class": one.bulletin_class.word,
                "kind": one.kind.value,
                "state": one.state.value,
                "reason": one.reason.value if one.reason else None,
                "detail": one.detail,
                "outcome": one.outcome.value if one.outcome else None,
                "id": one.id,
            }
        )
    return dicts


def prepare(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help=_("How many days ahead."))] = 7,
    json: Json = False,
) -> None:
    here: Here = context.obj
    here.as_aired()  # no station, nothing to prepare: say so before anything is written
    assembly = here.assembly()
    with here.writing() as store:
        measure(here, store, assembly)
        content = here.content(store)
        now = here.now(content)
        log = {one.occurrence: one for one in store.airings(start=now - timedelta(days=8))}
        found = plan(content, log, now, now + timedelta(days=days))
    made = make(assembly, found, content.station, _emergencies(content, now.date()))
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
    content = here.as_aired(store).content
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


def _emergencies(content: Content, day: date) -> list[Recipe]:
    """What `alert SCRIPT` may be asked for at any moment."""
    urgent = [one.id for one in content.scripts.values() if one.bulletin_class is BulletinClass.EMERGENCY]
    return [
        recipe
        for script in urgent
        for cluster in content.station.clusters
        for recipe in recipes_for(content, script, cluster, day)
    ]


def make(
    assembly: "Assembly", found: Iterable[Occurrence], station: Station, also: Iterable[Recipe] = ()
) -> Mapping[Recipe, Programme | None]:
    """Make every programme that *found* needs, and the chime; one that fails is told, the rest goes on."""
    sounding = [one for one in found if one.state in (State.PLANNED, State.WITHHELD)]
    needed = dict.fromkeys([*(recipe for one in sounding for recipe in one.recipes), *also])
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
