"""schedule: list, show, and every way to change one; campaign and undo."""

import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any

import typer

from broadcaster.edges.content.recurrence import RRule
from broadcaster.edges.editing import (
    Edit,
    as_text,
    digest,
    history,
    newest,
    schedule_text,
    seen,
    with_table,
    with_values,
    without_table,
)
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.occurrence import State
from broadcaster.model.plan import plan
from broadcaster.model.schedule import BulletinClass, Days, Rule, Schedule
from broadcaster.model.script import identifier

from . import asking, output, season, words
from .asking import Area, First, Last, Title
from .change import DryRun, Yes, command, new_path, path_of, propose, tables, which_table
from .here import Here, named
from .language import _
from .plan import Json
from .season import span

app = typer.Typer(help=_("When scripts are broadcast, and where."), no_args_is_help=True)
campaigns = typer.Typer(help=_("Dated stretches in which other rules hold."), no_args_is_help=True)
app.add_typer(campaigns, name="campaign")
app.add_typer(season.app, name="season")

Name = Annotated[str, typer.Argument(metavar=_("NAME"), help=_("The schedule's name."))]
NewName = Annotated[
    str,
    typer.Argument(metavar=_("NEW"), help=_("The new schedule's name: small letters, digits and hyphens.")),
]
Script = Annotated[
    list[str] | None, typer.Option(help=_("What is broadcast; given several times, they rotate."))
]
Class = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="|".join(one.word for one in BulletinClass),
        help=_("The bulletin class; by default the script's."),
    ),
]
Times = Annotated[str | None, typer.Option(metavar="05:30,17:30", help=_("At what times of day."))]
Months = Annotated[str | None, typer.Option(metavar="5,11", help=_("Only in these months."))]
Weekdays = Annotated[
    str | None, typer.Option(metavar="t3,t6|tue,fri", help=_("Only on these days of the week."))
]
MonthDays = Annotated[str | None, typer.Option(metavar="1,15", help=_("Only on these days of the month."))]
Season = Annotated[list[str] | None, typer.Option(help=_("Only in this season; may be given again."))]
NotInSeason = Annotated[list[str] | None, typer.Option(help=_("Silent in this season; may be given again."))]
Recurs = Annotated[
    str | None,
    typer.Option("--rrule", metavar="FREQ=…", help=_("A recurrence of RFC 5545, from the day of --from on.")),
]
AtLeast = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=50,
        help=_("At least so many airings a week; lost ones are made good. 0 removes this."),
    ),
]
Holidays = Annotated[
    list[str] | None, typer.Option("--except", metavar=_("HOLIDAY"), help=_("Silent on this holiday: Tết."))
]


@app.command("list", help=_("Every schedule, and when it sounds next."))
def show_all(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    content = here.content()
    following = _following(content, here.now(content))
    if json:
        output.as_json(
            [
                {
                    "schedule": one.id,
                    "title": one.title,
                    "scripts": list(one.scripts),
                    "relay": one.relay.url if one.relay else None,
                    "areas": list(one.areas),
                    "class": one.bulletin_class.word,
                    "enabled": one.enabled,
                    "next": following[one.id].isoformat() if one.id in following else None,
                }
                for one in content.schedules
            ]
        )
        return
    output.table(
        (_("Schedule"), _("Title"), _("Script"), _("Area"), _("State"), _("Next")),
        [
            (
                one.id,
                one.title,
                ", ".join([*([words.relay()] if one.relay else []), *one.scripts]),
                ", ".join(one.areas),
                _("on") if one.enabled else _("off"),
                f"{following[one.id]:%d/%m/%Y %H:%M}" if one.id in following else "–",
            )
            for one in content.schedules
        ],
    )


def _following(content: Content, now: datetime) -> dict[str, datetime]:
    """When each schedule sounds next, of those that do within a month."""
    found: dict[str, datetime] = {}
    for one in plan(content, {}, now, now + timedelta(days=31)):
        if one.state is State.PLANNED and one.at >= now:
            found[one.schedule] = min(one.at, found.get(one.schedule, one.at))
    return found


@app.command("show", help=_("One schedule: its rules, campaigns, silent days, moves and extra dates."))
def show(context: typer.Context, name: Name, json: Json = False) -> None:
    here: Here = context.obj
    content = here.content()
    one = named({schedule.id: schedule for schedule in content.schedules}, name)
    path = path_of(here, name)
    data = tomllib.loads(as_text(path, seen(here.root, [path])[path] or b""))
    if json:
        output.as_json({"schedule": name, "file": path, **_plain(data)})
        return
    output.line(f"{one.title} ({one.id})" + ("" if one.enabled else f": {_('off')}"))
    if one.relay:
        minutes = one.relay.seconds // 60
        output.line(_("Relay: {url}, {minutes} minutes").format(url=one.relay.url, minutes=minutes))
    if one.scripts:
        output.line(_("Scripts: {scripts}").format(scripts=", ".join(one.scripts)))
    output.line(_("Areas: {areas}").format(areas=", ".join(one.areas)))
    output.line(_("Class: {name}").format(name=words.bulletin_class(one.bulletin_class.word)))
    rows = _rows(one, _seasons(one, content, here.now(content).date()), data)
    output.table(("", "", _("Days"), _("Times")), list(rows))


def _seasons(one: Schedule, content: Content, day: date) -> Mapping[str, str]:
    """The stretches of each season that concern *one*, by name: `vai (01/06/2026 – 31/07/2026)`."""
    theirs: dict[str, dict[str, None]] = {}
    for cluster in content.station.clusters:
        if content.hears(cluster.area, one.areas, day):
            for each in content.seasons_of(one, cluster.area, day):
                theirs.setdefault(each.name, {})[span(each.within)] = None
    return {name: f"{name} ({', '.join(spans)})" for name, spans in theirs.items()}


def _rows(
    one: Schedule, seasons: Mapping[str, str], data: Mapping[str, Any]
) -> Iterable[tuple[str, str, str, str]]:
    """What the schedule is made of, each with its number in the file."""
    for number, rule in enumerate(one.rules, 1):
        yield _("rule"), str(number), _days(rule, seasons), _times(rule)
    for number, rule in enumerate(one.campaigns, 1):
        told = " ".join(filter(None, (_days(rule, seasons), f"“{rule.title}”" if rule.title else "")))
        yield _("campaign"), str(number), told, _times(rule)
    names_first = sorted(enumerate(data.get("except", [])), key=lambda each: not isinstance(each[1], str))
    numbered = zip((number for number, _written in names_first), one.exclusions, strict=False)
    for number, each in sorted(numbered, key=itemgetter(0)):
        days = span(each.within) if isinstance(each.within, Days) else _("holiday")
        yield _("silent"), str(number + 1), days, each.reason
    for number, move in enumerate(one.moves, 1):
        yield _("move"), str(number), _moment(move.occurrence), f"→ {_moment(move.to)}"
    for number, at in enumerate(one.extras, 1):
        yield _("extra"), str(number), f"{at:%d/%m/%Y}", f"{at:%H:%M}"


def _days(rule: Rule, seasons: Mapping[str, str]) -> str:
    told = []
    if rule.months is not None:
        told.append(_("months {months}").format(months=", ".join(map(str, sorted(rule.months)))))
    if rule.weekdays is not None:
        names = output.weekdays()
        told.append(", ".join(names[one] for one in sorted(rule.weekdays)))
    if rule.days is not None:
        told.append(_("days {days}").format(days=", ".join(map(str, sorted(rule.days)))))
    if rule.within != Days():
        told.append(span(rule.within))
    for some, sentence in ((rule.season, _("in: {seasons}")), (rule.not_in_season, _("not in: {seasons}"))):
        if some:
            told.append(sentence.format(seasons=", ".join(seasons.get(one, one) for one in some)))
    if isinstance(rule.recurrence, RRule):
        told.append(rule.recurrence.text)
    return "; ".join(told) or _("every day")


def _moment(at: datetime) -> str:
    return f"{at:%d/%m/%Y %H:%M}"


def _times(rule: Rule) -> str:
    told = ", ".join(f"{at:%H:%M}" for at in rule.times)
    if rule.at_least is not None:
        told += "; " + _("at least {count} a week").format(count=rule.at_least.airings)
    return told


def _plain(value: Any) -> Any:
    """*value* of TOML as JSON can hold it."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date | time) else value


@app.command("add", help=_("A new schedule; in a terminal, what is missing is asked for."))
def add(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar=_("NAME"), help=_("Its name: small letters, digits and hyphens.")),
    ] = None,
    title: Title = None,
    script: Script = None,
    area: Area = None,
    bulletin_class: Class = None,
    times: Times = None,
    weekdays: Weekdays = None,
    months: Months = None,
    days: MonthDays = None,
    first: First = None,
    last: Last = None,
    season: Season = None,
    not_in_season: NotInSeason = None,
    rrule: Recurs = None,
    at_least: AtLeast = None,
    holidays: Holidays = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    here: Here = context.obj
    content = here.load().content
    if asking.asks():
        for one in script or ():
            named(content.scripts, one)
        if name:
            new_path(here, name)
        if area:
            asking.places(here.root, area)
        script = script or [_choose_script(content)]
        chosen = content.scripts.get(script[0])
        title = title or asking.answer(_("Title"), chosen.title if chosen else script[0])
        taken = [one.id for one in content.schedules]
        name = name or asking.ask(
            _("Name, in small letters and hyphens"),
            identifier(title, taken),
            lambda said: Path(new_path(here, said)).stem,
        )
        area = area or asking.areas(here.root, content.station.area)
        if not times and not rrule:
            times = asking.answer(_("Times of day"), "17:30", "times")
            weekdays = weekdays or asking.answer(_("Days of the week (empty: every day)"), "", "weekdays")
    needed = {
        _("NAME"): name,
        "--title": title,
        "--script": script,
        "--area": area,
        "--times": times or rrule,
    }
    asking.need(needed)
    rule = _rule(first, last, months, weekdays, days, season, not_in_season, rrule, times, at_least)
    data = {
        "title": title,
        "script": asking.one_or_all(script),
        "areas": area,
        "class": bulletin_class,
        "except": holidays,
        "rule": [asking.given(rule)],
    }
    path = new_path(here, str(name))
    propose(here, {path: schedule_text(asking.given(data))}, command(name), yes=yes, dry_run=dry_run)


@app.command(
    "edit",
    help=_("Change what the options say; with none, open the file in an editor and check what is saved."),
)
def edit(
    context: typer.Context,
    name: Name,
    title: Title = None,
    script: Script = None,
    area: Area = None,
    bulletin_class: Class = None,
    rule: Annotated[
        int | None,
        typer.Option(min=1, help=_("Which rule the following mean; `schedule show` numbers them.")),
    ] = None,
    campaign: Annotated[int | None, typer.Option(min=1, help=_("Which campaign the following mean."))] = None,
    add_rule: Annotated[bool, typer.Option("--add-rule", help=_("Add a new rule."))] = False,
    remove_rule: Annotated[int | None, typer.Option(min=1, help=_("Take this rule away."))] = None,
    times: Times = None,
    weekdays: Weekdays = None,
    months: Months = None,
    days: MonthDays = None,
    first: First = None,
    last: Last = None,
    season: Season = None,
    not_in_season: NotInSeason = None,
    rrule: Recurs = None,
    at_least: AtLeast = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    head = asking.values_of({"title": title, "script": script, "areas": area, "class": bulletin_class})
    changes = _rule(first, last, months, weekdays, days, season, not_in_season, rrule, times, at_least)
    if not head and not changes and remove_rule is None:
        path = path_of(context.obj, name)
        if not asking.asks():
            raise BroadcasterError(
                Fault(
                    path,
                    say("Nothing is named that is to be changed."),
                    say("Name it by options (broadcaster schedule edit --help), or edit in a terminal."),
                )
            )
        _edit_by_hand(context.obj, name, yes=yes, dry_run=dry_run)
        return

    def change(path: str, text: str) -> str:
        if head:
            text = with_values(path, text, head)
        if changes and add_rule:
            text = with_table(path, text, "rule", asking.given(changes))
        elif changes:
            key, number = ("rule", rule) if campaign is None else ("campaign", campaign)
            index = which_table(path, text, key, str(number) if number else None)
            text = with_values(path, text, changes, key, index)
        if remove_rule is not None:
            text = without_table(path, text, "rule", which_table(path, text, "rule", str(remove_rule)))
        return text

    _edit(context.obj, name, change, yes=yes, dry_run=dry_run)


@app.command("remove", help=_("Take a schedule away; `schedule undo` brings it back."))
def remove(context: typer.Context, name: Name, yes: Yes = False, dry_run: DryRun = False) -> None:
    here: Here = context.obj
    propose(here, {path_of(here, name): None}, command(), yes=yes, dry_run=dry_run)


@app.command("rename", help=_("Give a schedule another name; its title stays."))
def rename(
    context: typer.Context, name: Name, new_name: NewName, yes: Yes = False, dry_run: DryRun = False
) -> None:
    here: Here = context.obj
    old, new = path_of(here, name), new_path(here, new_name)
    was = seen(here.root, [old, new])
    output.faults(
        [
            Fault(
                old,
                say("What was aired so far stays in the play log as “{name}”.", name=name),
                say("Counts by schedule show both names; counts by script show no difference."),
                warning=True,
            )
        ]
    )
    propose(here, {old: None, new: was[old]}, command(), yes=yes, dry_run=dry_run, was=was)


@app.command("enable", help=_("Let a schedule sound again."))
def enable(context: typer.Context, name: Name, yes: Yes = False, dry_run: DryRun = False) -> None:
    def change(path: str, text: str) -> str:
        return with_values(path, text, {"enabled": True}) if "enabled" in tomllib.loads(text) else text

    _edit(context.obj, name, change, yes=yes, dry_run=dry_run)


@app.command("disable", help=_("Let a schedule rest; everything in it is kept."))
def disable(context: typer.Context, name: Name, yes: Yes = False, dry_run: DryRun = False) -> None:
    def change(path: str, text: str) -> str:
        return with_values(path, text, {"enabled": False})

    _edit(context.obj, name, change, yes=yes, dry_run=dry_run)


@app.command("except", help=_("Days on which a schedule is silent, by date or by the name of a holiday."))
def exclude(
    context: typer.Context,
    name: Name,
    first: First = None,
    last: Last = None,
    reason: Annotated[str | None, typer.Option(help=_("Why; the plan says it."))] = None,
    holiday: Annotated[
        list[str] | None,
        typer.Option(metavar=_("HOLIDAY"), help=_("A public holiday, such as Tết; may be given again.")),
    ] = None,
    removed: Annotated[
        str | None,
        typer.Option(
            "--remove",
            metavar=_("NUMBER|DAY|HOLIDAY"),
            help=_("Take this one away, so that it sounds again."),
        ),
    ] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    if removed is None and not holiday:
        if asking.asks():
            first = first or asking.answer(_("The first silent day"), None, "from")
            last = last or asking.answer(_("The last silent day"), first, "until")
            reason = reason or asking.answer(_("Reason"), None)
        asking.need({"--from": first, "--reason": reason})
    days = asking.values_of({"from": first, "until": last or first})

    def change(path: str, text: str) -> str:
        if removed is not None:
            return without_table(path, text, "except", which_table(path, text, "except", removed))
        for one in holiday or ():
            listed = any(isinstance(each, str) for each in tomllib.loads(text).get("except", []))
            table = asking.given({"holiday": one, "reason": reason})
            text = with_table(path, text, "except", one if listed and not reason else table)
        if days:
            text = with_table(path, text, "except", {**days, "reason": reason})
        return text

    _edit(context.obj, name, change, yes=yes, dry_run=dry_run)


@app.command("move", help=_("One broadcast at another time, this once."))
def move(
    context: typer.Context,
    name: Name,
    occurrence: Annotated[
        str,
        typer.Argument(
            metavar=_("OCCURRENCE"), help=_('When it would sound: 2026-11-20T17:30 or "20/11/2026 17:30".')
        ),
    ],
    to: Annotated[
        str | None, typer.Argument(metavar=_("[TO]"), help=_("When it is to; a time alone is of that day."))
    ] = None,
    removed: Annotated[bool, typer.Option("--remove", help=_("Take the move back."))] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    if not removed:
        asking.need({_("TO"): to})

    def change(path: str, text: str) -> str:
        if removed:
            return without_table(path, text, "move", which_table(path, text, "move", occurrence))
        asked = asking.moment(occurrence)
        moved = asking.moment(str(to), asked.date())
        there = [one.get("occurrence") for one in tables(text, "move")]
        if asked in there:
            return with_values(path, text, {"to": moved}, "move", there.index(asked))
        return with_table(path, text, "move", {"occurrence": asked, "to": moved})

    _edit(context.obj, name, change, yes=yes, dry_run=dry_run)


@app.command("extra", help=_("One broadcast beside the rules, at this time."))
def extra(
    context: typer.Context,
    name: Name,
    at: Annotated[str, typer.Argument(metavar=_("TIME"), help=_('2026-11-20T18:00 or "20/11/2026 18:00".'))],
    removed: Annotated[bool, typer.Option("--remove", help=_("Take it away again."))] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:

    def change(path: str, text: str) -> str:
        if removed:
            return without_table(path, text, "extra", which_table(path, text, "extra", at))
        return with_table(path, text, "extra", {"at": asking.moment(at)})

    _edit(context.obj, name, change, yes=yes, dry_run=dry_run)


@campaigns.command("add", help=_("A stretch of days in which these times replace the rules."))
def add_campaign(
    context: typer.Context,
    name: Name,
    first: First = None,
    last: Last = None,
    times: Times = None,
    title: Annotated[str | None, typer.Option(help=_("What the campaign is called."))] = None,
    weekdays: Weekdays = None,
    months: Months = None,
    days: MonthDays = None,
    season: Season = None,
    not_in_season: NotInSeason = None,
    rrule: Recurs = None,
    at_least: AtLeast = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    if asking.asks():
        first = first or asking.answer(_("The first day"), None, "from")
        last = last or asking.answer(_("The last day"), None, "until")
        times = times or ("" if rrule else asking.answer(_("Times of day"), "05:30, 17:30", "times"))
    asking.need({"--from": first, "--until": last, "--times": times or rrule})
    values = asking.values_of({"title": title}) | _rule(
        first, last, months, weekdays, days, season, not_in_season, rrule, times, at_least
    )

    def change(path: str, text: str) -> str:
        return with_table(path, text, "campaign", asking.given(values))

    _edit(context.obj, name, change, yes=yes, dry_run=dry_run)


@campaigns.command("remove", help=_("Take a campaign away; the rules hold again on its days."))
def remove_campaign(
    context: typer.Context,
    name: Name,
    which: Annotated[
        str,
        typer.Argument(metavar=_("DAY|NUMBER"), help=_("Its first day, or its number in `schedule show`.")),
    ],
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    def change(path: str, text: str) -> str:
        return without_table(path, text, "campaign", which_table(path, text, "campaign", which))

    _edit(context.obj, name, change, yes=yes, dry_run=dry_run)


@app.command(
    "undo", help=_("Take the last edit back, or the one of this number; that can be undone as well.")
)
def undo(
    context: typer.Context,
    number: Annotated[
        int | None, typer.Argument(metavar=_("[NUMBER]"), help=_("A number out of `schedule undo --list`."))
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help=_("Show the edits, the newest first."))] = False,
    json: Json = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    here: Here = context.obj
    edits = history(here.root)
    record = newest(here.root)
    readable = record is None or record in [one.folder.name for one in edits]
    if not listing and number is None and not readable:
        raise BroadcasterError(
            Fault(
                f"var/history/{record}",
                say("What was noted of the last edit is damaged: it cannot be taken back."),
                say("An earlier one can, by its number: broadcaster schedule undo --list."),
            )
        )
    undone: set[int | None] = set()
    for one in edits:  # an undoing that was undone undoes nothing
        undone |= set() if one.number in undone else {one.undoes}
    if listing:
        if json:
            output.as_json(
                [
                    {
                        "number": one.number,
                        "at": one.at.isoformat(),
                        "what": one.what,
                        "files": list(one.after),
                        "undoes": one.undoes,
                        "undone": one.number in undone,
                    }
                    for one in edits
                ]
            )
            return
        zone = here.place()[1]
        output.table(
            (_("Number"), _("Time"), _("Command"), _("Files"), ""),
            [
                (
                    str(one.number),
                    _moment(one.at.astimezone(zone)),
                    one.what,
                    ", ".join(one.after),
                    _("undone")
                    if one.number in undone
                    else _("undoes {number}").format(number=one.undoes)
                    if one.undoes
                    else "",
                )
                for one in edits
            ],
            right=(0,),
        )
        return
    if number is not None:
        numbered = {one.number: one for one in edits}
        if number not in numbered:
            raise BroadcasterError(
                Fault(
                    str(number),
                    say("There is no edit of this number."),
                    say("See which there are: broadcaster schedule undo --list."),
                )
            )
        edit = numbered[number]
    else:
        alive = (one for one in edits if one.number not in undone and one.undoes is None)
        last = next((one for one in alive if _back(one) != seen(here.root, one.after)), None)
        if last is None:
            raise BroadcasterError(
                Fault(
                    "var/history",
                    say("There is no edit to take back."),
                    say("Only what commands changed is kept there: broadcaster schedule undo --list."),
                )
            )
        edit = last
    was = seen(here.root, edit.after)
    output.line(_("This takes back: {what}").format(what=edit.what))
    output.faults(
        Fault(
            path,
            say("The file was changed since; that is taken back with it."),
            say("It is kept in var/history, and can be had again in the same way."),
            warning=True,
        )
        for path, data in was.items()
        if digest(data) != edit.after[path]
    )
    if (back := _back(edit)) == was:
        output.line(_("Nothing was changed."))
    elif propose(here, back, command(), yes=yes, dry_run=dry_run, was=was, undoes=edit.number):
        output.line(
            _("To have it again: broadcaster schedule undo {number}").format(
                number=history(here.root)[0].number
            )
        )


def _back(edit: Edit) -> dict[str, bytes | None]:
    """The files of *edit* as they were before it."""
    return {path: edit.before(path) for path in edit.after}


def _rule(
    first: str | None,
    last: str | None,
    months: str | None,
    weekdays: str | None,
    days: str | None,
    season: list[str] | None,
    not_in_season: list[str] | None,
    rrule: str | None,
    times: str | None,
    at_least: int | None,
) -> dict[str, Any]:
    """The values of a rule or campaign, in the order in which they are written."""
    return asking.values_of(
        {
            "from": first,
            "until": last,
            "months": months,
            "weekdays": weekdays,
            "days": days,
            "season": season,
            "not_in_season": not_in_season,
            "rrule": rrule,
            "times": times,
            "at_least": at_least,
        }
    )


def _edit(here: Here, name: str, change: Callable[[str, str], str], *, yes: bool, dry_run: bool) -> None:
    """Propose what *change* makes of the path and the text of a schedule."""
    path = path_of(here, name)
    was = seen(here.root, [path])
    text = as_text(path, was[path] or b"")
    new = change(path, text)
    if new == text:
        output.line(_("Nothing was changed."))
    else:
        propose(here, {path: new}, command(), yes=yes, dry_run=dry_run, was=was)


def _edit_by_hand(here: Here, name: str, *, yes: bool, dry_run: bool) -> None:
    """In an editor, on a copy that is offered again while something is wrong with it: nothing is lost."""
    from .script import _open_editor

    path = path_of(here, name)
    was = seen(here.root, [path])
    before = (was[path] or b"").decode("utf-8-sig", "replace").replace("\r\n", "\n")
    copy = Path(tempfile.mkdtemp(prefix="broadcaster-")) / f"{name}.toml"
    copy.write_text(before, "utf-8")
    while True:
        _open_editor(copy)
        if (text := copy.read_text("utf-8", "replace")) == before:
            output.line(_("Nothing was changed."))
            break
        try:
            output.mended()
            if propose(here, {path: text}, command(), yes=yes, dry_run=dry_run, was=was):
                break
        except BroadcasterError as error:
            output.faults(error.faults)
        if not asking.confirm(_("Open the editor again?"), default=output.fault_was_told()):
            output.line(_("What you wrote is kept in {file}").format(file=copy))
            return
    shutil.rmtree(copy.parent, ignore_errors=True)


def _choose_script(content: Content) -> str:
    """One of the station's scripts, out of a numbered list if there are several."""
    known = list(content.scripts)
    if not known:
        what = say("There is no script that could be broadcast.")
        raise BroadcasterError(Fault("audio", what, say("Write one: broadcaster script new NAME.")))
    if len(known) > 1:
        for number, name in enumerate(known, 1):
            output.line(f"{number:3}. {content.scripts[name].title} ({name})")

    def read(answer: str) -> str:
        if answer.isdecimal() and 1 <= int(answer) <= len(known):
            return known[int(answer) - 1]
        return named({name: name for name in known}, answer)

    return asking.ask(_("Script, by number or name"), known[0], read)
