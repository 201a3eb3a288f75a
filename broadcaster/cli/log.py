"""log: what happened to every occurrence."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from threading import Event
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.control import ask
from broadcaster.edges.store import WRONG_COUNTS
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.errors import BroadcasterError, Fault, say

from . import output, period, words
from .here import Here, named, now_in
from .language import _
from .plan import From, Json, Period, Until

Csv = Annotated[bool, typer.Option("--csv", help=_("Print CSV."))]
SEAL = 16  # letters of the last row's chain that one writes down
VERIFY = "verify"  # in the place of days


def add_to(app: typer.Typer) -> None:
    app.command(
        "log",
        help=_("What happened to every occurrence (the last seven days); `log verify`: is it as written."),
    )(log)


def log(
    context: typer.Context,
    days: Period = None,
    first: From = None,
    last: Until = None,
    cluster: Annotated[
        list[str] | None, typer.Option(help=_("Only this cluster; may be given again."))
    ] = None,
    schedule: Annotated[
        list[str] | None, typer.Option(help=_("Only this schedule; may be given again."))
    ] = None,
    outcome: Annotated[
        list[Outcome] | None, typer.Option(help=_("Only this outcome; may be given again."))
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help=_("Go on with what happens from now on, until Ctrl-C."))
    ] = False,
    json: Json = False,
    csv: Csv = False,
    book: Annotated[
        Path | None,
        typer.Option(metavar=_("FILE"), help=_("Write the log book of the week, to print and to sign.")),
    ] = None,
) -> None:
    here: Here = context.obj
    if days == VERIFY:
        _verify(here)
        return

    output.one_form({"--json": json, "--csv": csv, "--book": book is not None})

    def asked(one: Airing) -> bool:
        return (
            one.cluster in (cluster or [one.cluster])
            and one.schedule in (schedule or [one.schedule])
            and (not outcome or one.outcome in outcome)
        )

    with here.reading() as store:
        name, zone = here.place()
        today = now_in(zone).date()
        usual = period.whole(today, period.Unit.WEEK) if book else (today - timedelta(days=6), today)
        chosen = period.between(days, first, last, usual)
        seen = store.head if follow or book else 0  # first: a row between is told twice, not never
        seal = store.seal() if book else ""
        airings = list(filter(asked, store.airings(*period.moments(chosen, zone))))
    if not airings and here.readable:
        clusters = {one.id: one for one in here.readable.station.clusters}
        schedules = {one.id: one for one in here.readable.schedules}
        for known, names in ((clusters, cluster), (schedules, schedule)):
            for one in names or ():
                named(known, one)
    if book:
        from .forms import log_book, write_page

        seal = _("Row {rows}, seal {seal}").format(rows=seen, seal=seal[:SEAL]) if seal else ""
        write_page("book", log_book(name, chosen, airings, zone, today, seal), book)
        output.line(_("Written: {file}").format(file=book))
    elif json:
        output.as_json([as_dict(one, zone) for one in airings])
    elif csv:
        output.as_csv([_flat(as_dict(one, zone)) for one in airings])
    else:
        tell(airings, zone)
        _tell_waiting(here)
    if follow:
        _follow(here, seen, asked, zone, json=json)


def _verify(here: Here) -> None:
    with here.reading() as store:
        found, rows, seal = store.verify(), store.head, store.seal()
    if [what for _number, what in found] == [WRONG_COUNTS]:
        with here.writing() as store:
            store.count_anew()
        done = say("They were made anew, of the rows alone. Make reports of these days once more.")
        raise BroadcasterError(Fault("broadcaster.db", WRONG_COUNTS, done))
    if found:
        keep = say("Keep var/broadcaster.db and the backups, and tell whoever is responsible for the counts.")
        raise BroadcasterError(*(Fault(f"broadcaster.db:{number}", what, keep) for number, what in found))
    if not rows:
        output.line(_("The play log has no rows. If there were any, somebody took the file away."))
        return
    output.line(_("All {rows} rows are as they were written.").format(rows=rows))
    output.line(_("Seal of the last row: {seal}").format(seal=seal[:SEAL]))


def _tell_waiting(here: Here) -> None:
    """What happened and is not in the log yet, since the disk takes nothing."""
    with suppress(BroadcasterError):
        if waiting := ask(here.root, "status", {})["rows_waiting"]:
            output.line(
                _("Rows not yet written, since the disk takes nothing: {count}.").format(count=waiting)
            )


def _follow(here: Here, seen: int, asked: Callable[[Airing], bool], zone: ZoneInfo, *, json: bool) -> None:
    with suppress(KeyboardInterrupt):
        while True:
            with here.reading() as store:  # anew: one that nobody wrote to when it was opened shows no change
                added = store.airings_after(seen)
            for number, one in added:
                seen = number
                if asked(one) and json:
                    output.as_json(as_dict(one, zone))
                elif asked(one):
                    output.line(
                        "  ".join(
                            [
                                f"{one.planned.astimezone(zone):%d/%m/%Y %H:%M:%S}",
                                one.cluster_name,
                                one.script_title,
                                output.length(one.seconds),
                                told(one),
                            ]
                        )
                    )
            SystemClock().sleep(1.0, Event())


def as_dict(one: Airing, zone: ZoneInfo) -> dict[str, Any]:
    """An airing in the words of the design."""
    return {
        "at": one.planned.astimezone(zone).isoformat(),
        "start": one.started.astimezone(zone).isoformat() if one.started else None,
        "end": one.ended.astimezone(zone).isoformat() if one.ended else None,
        "seconds": one.seconds,
        "heard": one.heard,
        "outcome": str(one.outcome),
        "reason": one.reason or None,
        "detail": one.detail,
        "station": one.station,
        "cluster": one.cluster,
        "cluster_name": one.cluster_name,
        "area": one.area,
        "area_name": one.area_name,
        "schedule": one.schedule,
        "script": one.script,
        "title": one.script_title,
        "group": one.group,
        "class": one.bulletin_class,
        "campaign": one.campaign,
        "kind": one.kind,
        "languages": [
            {
                "language": share.language,
                "programme": share.programme,
                "length": round(share.length, 3),
                "seconds": round(share.seconds, 3),
                "outcome": str(share.outcome),
            }
            for share in one.languages
        ],
        "occurrence": one.occurrence,
    }


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    languages = row.pop("languages")
    row["languages"] = [share["language"] for share in languages]
    row["programmes"] = [share["programme"] or "-" for share in languages]
    return row


def tell(airings: Sequence[Airing], zone: ZoneInfo) -> None:
    by_day: dict[date, list[Airing]] = {}
    for one in airings:
        by_day.setdefault(one.planned.astimezone(zone).date(), []).append(one)
    if not by_day:
        output.line(_("The play log has nothing in these days."))
    for day, rows in by_day.items():
        output.line(f"\n{output.day(day)}")
        output.table(
            (_("Planned"), _("Began"), _("Sounded"), _("Cluster"), _("Script"), _("Languages"), _("Outcome")),
            [
                (
                    output.clock_time(one.planned.astimezone(zone)),
                    output.clock_time(one.started.astimezone(zone) if one.started else None),
                    output.length(one.seconds),
                    one.cluster_name,
                    one.script_title,
                    languages(one),
                    told(one),
                )
                for one in rows
            ],
            right=(2,),
        )


def languages(one: Airing) -> str:
    """Those that sounded."""
    return " + ".join(words.language(share.language) for share in one.languages if share.seconds) or "–"


def told(one: Airing) -> str:
    """How it ended, and why."""
    told = words.outcome(str(one.outcome))
    if kind := words.kind(one.kind):
        told += f" ({kind})"
    if one.reason:
        told += f": {words.why(one.reason, one.detail)}"
    left_out = [
        words.language(share.language) for share in one.languages if share.outcome is Outcome.WITHHELD
    ]
    if left_out and one.outcome is not Outcome.WITHHELD:
        told += "; " + _("without {languages}").format(languages=", ".join(left_out))
    return told
