"""log, report: what happened, and the counts."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from threading import Event
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.control import ask
from broadcaster.model.airing import AIRED_SHARE, Airing, Outcome
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.report import Counts, Report, in_order, report

from . import output, period, words
from .here import Here, now_in
from .language import _
from .plan import From, Json, Period, Until

Csv = Annotated[bool, typer.Option("--csv", help=_("Print CSV."))]
VERIFY = "verify"  # in the place of days
BY = ("area", "script", "language", "outcome", "cluster", "schedule", "group", "class")


def add_to(app: typer.Typer) -> None:
    app.command(
        "log",
        help=_("What happened to every occurrence (the last seven days); `log verify`: is it as written."),
    )(log)
    app.command("report", help=_("Counts for a day, month, quarter or year (this month)."))(count)


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
) -> None:
    here: Here = context.obj
    if days == VERIFY:
        _verify(here)
        return

    def asked(one: Airing) -> bool:
        return (
            one.cluster in (cluster or [one.cluster])
            and one.schedule in (schedule or [one.schedule])
            and (not outcome or one.outcome in outcome)
        )

    with here.reading() as store:
        _name, zone = here.place()
        today = now_in(zone).date()
        chosen = period.between(days, first, last, (today - timedelta(days=6), today))
        seen = store.head if follow else 0  # first: a row that comes between is told twice, not never
        airings = list(filter(asked, store.airings(*period.moments(chosen, zone))))
    if json:
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
        found, rows = store.verify(), store.head
    if found:
        keep = say("Keep var/broadcaster.db and the backups, and tell whoever is responsible for the counts.")
        raise BroadcasterError(*(Fault(f"broadcaster.db:{number}", what, keep) for number, what in found))
    output.line(_("All {rows} rows are as they were written.").format(rows=rows))


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
                                _outcome(one),
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
                    " + ".join(words.language(share.language) for share in one.languages if share.seconds)
                    or "–",
                    _outcome(one),
                )
                for one in rows
            ],
            right=(2,),
        )


def _outcome(one: Airing) -> str:
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


def count(
    context: typer.Context,
    days: Period = None,
    first: From = None,
    last: Until = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar=_("WORD"),
            help=_("Count by this; may be given again: {words}.").format(words=", ".join(BY)),
        ),
    ] = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    here: Here = context.obj
    for word in by or ():
        if word not in BY:
            raise typer.BadParameter(
                _("Counts go by {words}.").format(words=", ".join(BY)), param_hint="--by"
            )
    with here.reading() as store:
        name, zone = here.place()
        chosen = period.between(days, first, last, period.parse(f"{now_in(zone):%Y-%m}"))
        found = report(store.airings(*period.moments(chosen, zone)))
    chosen_by = by or ["area", "script", "language", "outcome"]
    if json:
        output.as_json(as_report(name, chosen, found, chosen_by))
    elif csv:
        output.as_csv(_rows(found, chosen_by))
    else:
        tell_report(name, chosen, found, chosen_by)


def as_counts(counts: Counts) -> dict[str, Any]:
    return {
        "planned": counts.planned,
        **{outcome.value: number for outcome, number in counts.outcomes.items()},
        "seconds": round(counts.seconds, 1),
    }


def as_report(station: str, days: tuple[date, date], found: Report, by: Sequence[str]) -> dict[str, Any]:
    return {
        "station": station,
        "from": days[0].isoformat(),
        "until": days[1].isoformat(),
        "rule": {"aired_share": AIRED_SHARE, "unit": "occurrence on a cluster"},
        "totals": as_counts(found.totals) | {"station_airings": found.station_airings},
        "by": {
            word: [
                {"code": code, "name": name, **as_counts(counts)}
                for (code, name), counts in in_order(found.by[word])
            ]
            for word in by
            if word != "outcome"
        }
        | (
            {"outcome": {str(key): number for key, number in found.totals.outcomes.items()}}
            if "outcome" in by
            else {}
        ),
    }


def _rows(found: Report, by: Sequence[str]) -> list[dict[str, Any]]:
    rows = [{"by": "total", "code": "", "name": "", **as_counts(found.totals)}]
    for word in by:
        if word == "outcome":
            continue  # each outcome is a column
        rows += [
            {"by": word, "code": code, "name": name, **as_counts(counts)}
            for (code, name), counts in in_order(found.by[word])
        ]
    return rows


def tell_report(station: str, days: tuple[date, date], found: Report, by: Sequence[str]) -> None:
    output.line(f"{station} · {days[0]:%d/%m/%Y} – {days[1]:%d/%m/%Y}")
    share = round(AIRED_SHARE * 100)
    output.line(
        _("An airing is a planned broadcast on one cluster of which at least {share} % sounded.").format(
            share=share
        )
    )
    output.line(
        _("Broadcasts of the station, each counted once however many clusters aired it: {count}").format(
            count=found.station_airings
        )
    )
    outcomes = [outcome for outcome in Outcome if "outcome" in by or outcome is Outcome.AIRED]
    heading = [_("Planned"), *(words.outcome(outcome).capitalize() for outcome in outcomes), _("Sounded")]

    def cells(counts: Counts) -> list[str]:
        numbers = [counts.planned, *(counts.outcomes[outcome] for outcome in outcomes)]
        return [*map(str, numbers), output.length(counts.seconds)]

    rows = [[_("TOTAL"), "", *cells(found.totals)]]
    names = {"language": words.language, "group": words.group, "class": words.bulletin_class}
    for word in by:
        if word == "outcome":
            continue
        rows += [
            [
                _heading(word) if index == 0 else "",
                names.get(word, str)(name) or code or _("by hand"),
                *cells(counts),
            ]
            for index, ((code, name), counts) in enumerate(in_order(found.by[word]))
        ]
    output.table(["", "", *heading], rows, right=range(2, 2 + len(heading)))


def _heading(word: str) -> str:
    return {
        "area": _("Area"),
        "script": _("Script"),
        "schedule": _("Schedule"),
        "cluster": _("Cluster"),
        "group": _("Group"),
        "class": _("Class"),
        "language": _("Language"),
    }[word]
