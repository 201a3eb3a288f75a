"""report: the counts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import typer

from broadcaster.edges.content.areas import country_at
from broadcaster.edges.store import Store
from broadcaster.fleet.overview import not_reported
from broadcaster.fleet.registry import Registry
from broadcaster.model import typed
from broadcaster.model.airing import AIRED_SHARE, Outcome
from broadcaster.model.content import Content
from broadcaster.model.count import Cell, Week
from broadcaster.model.room import in_season
from broadcaster.report import PLACES, Counts, Kept, Key, Report, before, in_order, placed, quotas, report

from . import output, period, prose, words
from .here import Here, now_in
from .language import _
from .places import Places, stretches
from .plan import From, Json, Period, Until

Csv = Annotated[bool, typer.Option("--csv", help=_("Print CSV, as spreadsheets open it."))]
BY = (
    *("area", *PLACES, "station", "cluster", "script", "schedule", "campaign", "group", "class", "language"),
    *("day", "outcome"),
)
USUAL = ("area", "script", "language", "outcome")
# All clusters of a broadcast share these.
SHARED = ("day", "station", "script", "schedule", "campaign", "group", "class")
EARLIER = {"year": 12, "nam": 12, "quarter": 3, "quy": 3}  # months, by what is typed


@dataclass(frozen=True)
class Told:
    """A report with all that it is told with."""

    station: str
    days: tuple[date, date]
    found: Report
    by: Sequence[str]
    before: tuple[tuple[date, date], Report] | None = None
    kept: Sequence[Kept] = ()
    until: date | None = None  # it is not over yet
    unreported: Sequence[
        tuple[str, str]
    ] = ()  # at a province: stations whose rows are not all here, and since when

    @property
    def period(self) -> str:
        told = period.named(*self.days)
        return told + " " + _("(up to {day})").format(day=f"{self.until:%d/%m/%Y}") if self.until else told

    @property
    def broken_down(self) -> Sequence[str]:
        """What a table has rows of; each outcome is a column."""
        return [word for word in self.by if word != "outcome"]

    @property
    def earlier(self) -> str:
        """The heading of what aired before."""
        return _("Aired in {period}").format(period=period.named(*self.before[0])) if self.before else ""

    @property
    def totals_before(self) -> Counts | None:
        return self.before[1].totals if self.before else None

    def was(self, word: str, key: Key) -> Counts | None:
        """The same of the stretch before, if there was one."""
        if self.before is None or word == "day":
            return None
        return self._before_by[word].get((key.within, key.code), Counts())

    @cached_property
    def _before_by(self) -> Mapping[str, Mapping[tuple[str, str], Counts]]:
        """By commune and code: a name may have been corrected since."""
        by = self.before[1].by if self.before else {}
        return {
            word: {(key.within, key.code): counts for key, counts in found.items()}
            for word, found in by.items()
        }


def add_to(app: typer.Typer) -> None:
    app.command(
        "report", help=_("Counts for a day, week, month, quarter, half-year, year or any days (this month).")
    )(count)


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
    area: Annotated[
        list[str] | None,
        typer.Option(
            metavar=_("AREA"),
            help=_("Only the stations of this place, by code or name; may be given again."),
        ),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            metavar="year|quarter|PERIOD", help=_("Compare with the same days a year or a quarter before.")
        ),
    ] = "year",
    json: Json = False,
    csv: Csv = False,
    as_prose: Annotated[
        bool, typer.Option("--prose", help=_("As a sentence for a report or an article."))
    ] = False,
    xlsx: Annotated[
        Path | None, typer.Option(metavar=_("FILE"), help=_("Write a workbook with the ministry's form."))
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar=_("FILE"), help=_("Write a page with charts, to read and to print.")),
    ] = None,
) -> None:
    here: Here = context.obj
    output.one_form({"--json": json, "--csv": csv, "--prose": as_prose})
    for word in by or ():
        if word not in BY:
            raise typer.BadParameter(
                _("Counts go by {words}.").format(words=", ".join(BY)), param_hint="--by"
            )
    with here.reading() as store:
        name, zone = here.place()
        today = now_in(zone).date()
        chosen = period.between(days, first, last, period.parse(f"{today:%Y-%m}"))
        also: Sequence[str] = ("language",) if as_prose else ()
        if xlsx or html:
            from .forms import COUNTED

            also = COUNTED
        told = gather(here, store, name, chosen, by or USUAL, against, area or (), today, also)
        registry = Registry(here.root)
        if registry.exists:
            until = min(chosen[1], today - timedelta(days=1))
            told = replace(told, unreported=not_reported(registry.peers(), store.marks(), until, zone))
    if json:
        output.as_json(as_dict(told))
    elif csv:
        output.as_csv(list(_rows(told)))
    elif as_prose:
        output.line(prose.tell(told.station, told.period, told.found, told.before))
    elif not (xlsx or html):
        tell(told)
    if xlsx or html:
        _write(told, xlsx, html)


def _write(told: Told, xlsx: Path | None, html: Path | None) -> None:
    from . import forms

    if xlsx:
        forms.write_workbook(told, xlsx)
    if html:
        forms.write_page("report", forms.page(told), html)
    for file in filter(None, (xlsx, html)):
        output.line(_("Written: {file}").format(file=file))


def gather(
    here: Here,
    store: Store,
    name: str,
    days: tuple[date, date],
    by: Sequence[str],
    against: str,
    areas: Sequence[str],
    today: date,
    also: Sequence[str] = (),
) -> Told:
    """Count by what stands in tables, and *also* by what else is told."""
    asked = {*by, *also} - {"outcome"}
    breakdowns = {"area" if word in PLACES else word for word in asked}
    places = Places(country_at(here.root))
    chosen = [places.find(one) for one in areas]

    def of(first: date, last: date) -> Report:
        cells = list[Cell]()
        for start, end in stretches(first, last):
            communes = {code for one in chosen for code in places.communes(one, start)} if chosen else None
            levels = {word: lies_in for word, lies_in in places.levels(start).items() if word in asked}
            cells += placed(store.cells(start, end, communes, breakdowns), levels)
        return report(cells)

    months = EARLIER.get(typed.plain(against))
    until = min(days[1], max(days[0], today))  # what is not over is compared with as many days
    earlier = before(days[0], until, months) if months else period.parse(against)
    then = of(*earlier)
    return Told(
        f"{name} · {', '.join(one.name for one in chosen)}" if chosen else name,
        days,
        of(*days),
        by,
        (earlier, then) if then.totals.planned and days[0] <= today else None,
        () if chosen else quotas(store.weeks(*days), _quota(here.readable), today),
        until if until < days[1] else None,
    )


def _quota(content: Content | None) -> Callable[[Week], int | None]:
    """What a schedule asks for at least, as far as the *content* of today knows it."""
    schedules = {one.id: one for one in content.schedules} if content else {}
    clusters = {one.id: one for one in content.station.clusters} if content else {}

    def at_least(week: Week) -> int | None:
        schedule, cluster = schedules.get(week.schedule), clusters.get(week.cluster)
        if content is None or schedule is None or cluster is None:
            return None
        days = [week.monday + timedelta(days=day) for day in range(7)]
        return schedule.quota_in(days, lambda day: in_season(content, schedule, cluster, day))

    return at_least


def as_counts(counts: Counts) -> dict[str, Any]:
    return {
        "planned": counts.planned,
        **{outcome.value: number for outcome, number in counts.outcomes.items()},
        "seconds": counts.seconds,
    }


def as_dict(told: Told) -> dict[str, Any]:
    found = told.found
    by: dict[str, Any] = {
        word: [_as_row(told, word, *one) for one in in_order(found.by[word])] for word in told.broken_down
    }
    if "outcome" in told.by:
        by["outcome"] = {str(key): number for key, number in found.totals.outcomes.items()}
    return {
        "station": told.station,
        "from": told.days[0].isoformat(),
        "until": told.days[1].isoformat(),
        "rule": {"aired_share": AIRED_SHARE, "unit": "occurrence on a cluster"},
        "not_reported": [{"station": name, "until": until or None} for name, until in told.unreported],
        "totals": as_counts(found.totals) | {"station_airings": found.totals.station_airings},
        "reasons": [
            {"outcome": str(outcome), "reason": reason, "count": number}
            for (outcome, reason), number in sorted(found.totals.reasons.items())
        ],
        "by": by,
        "against": _as_before(told),
        "quotas": [
            {
                "schedule": one.week.schedule,
                "cluster": one.week.cluster,
                "monday": one.week.monday.isoformat(),
                "asked": one.asked,
                "aired": one.week.aired,
                "kept": one.kept,
            }
            for one in told.kept
        ],
    }


def _as_row(told: Told, word: str, key: Key, counts: Counts) -> dict[str, Any]:
    row = {"code": key.code, "name": called(word, key), **as_counts(counts)}
    if word in SHARED:
        row["station_airings"] = counts.station_airings
    if (was := told.was(word, key)) is not None:
        row["aired_before"] = was.aired
    return row


def _as_before(told: Told) -> dict[str, Any] | None:
    if told.before is None:
        return None
    (first, last), then = told.before
    totals = as_counts(then.totals) | {"station_airings": then.totals.station_airings}
    return {"from": first.isoformat(), "until": last.isoformat(), "totals": totals}


def _rows(told: Told) -> Iterator[dict[str, Any]]:
    def row(word: str, key: Key, counts: Counts, was: Counts | None) -> dict[str, Any]:
        shared = word in ("total", *SHARED)
        return {
            "by": word,
            "code": key.code,
            "name": called(word, key) if key.code else "",
            **as_counts(counts),
            "station_airings": counts.station_airings if shared else "",
            "aired_before": was.aired if was else "",
        }

    yield row("total", Key("", "", ""), told.found.totals, told.totals_before)
    for word in told.broken_down:
        for key, counts in in_order(told.found.by[word]):
            yield row(word, key, counts, told.was(word, key))


def rule(told: Told) -> str:
    """What is counted, as it stands on every report."""
    counted = _(
        "An airing is a broadcast on one cluster of which at least {share} % sounded. What makes a lost one "
        "good is counted as one of its own. A language is counted by what sounded of its own programme."
    ).format(share=round(AIRED_SHARE * 100))
    if not told.unreported:
        return counted
    since = _("{station} (reported up to {day})")
    listed = ", ".join(
        since.format(station=name, day=until)
        if until
        else _("{station} (never reported)").format(station=name)
        for name, until in told.unreported
    )
    return counted + " " + _("Not all rows have come from: {stations}.").format(stations=listed)


def tell(told: Told) -> None:
    output.line(f"{told.station} · {told.period}")
    output.wrapped(rule(told))
    output.line(
        _("Broadcasts of the station, each counted once however many clusters aired it: {count}").format(
            count=told.found.totals.station_airings
        )
    )
    heading = [_("Planned"), *(words.outcome(one).capitalize() for one in Outcome), _("Sounded")]
    if told.before:
        heading.append(told.earlier)

    def cells(counts: Counts, was: Counts | None) -> list[str]:
        numbers = [counts.planned, *counts.outcomes.values()]
        earlier = [str(was.aired) if was else "–"] if told.before else []
        return [*map(str, numbers), output.length(counts.seconds), *earlier]

    rows = [[_("TOTAL"), "", *cells(told.found.totals, told.totals_before)]]
    for word in told.broken_down:
        rows += [
            [word_of(word) if index == 0 else "", called(word, key), *cells(counts, told.was(word, key))]
            for index, (key, counts) in enumerate(in_order(told.found.by[word]))
        ]
    output.table(["", "", *heading], rows, right=range(2, 2 + len(heading)))
    if told.found.totals.reasons:
        output.line("\n" + _("What did not air, and why:"))
        output.table(
            (_("Outcome"), _("Why"), _("Count")),
            [(outcome, reason, str(number)) for outcome, reason, number in why(told.found.totals)],
            right=(2,),
        )
    if told.kept:
        output.line("\n" + _("Quotas, week by week:"))
        output.table((_("Schedule"), _("Cluster"), _("Weeks kept"), _("Weeks too short")), list(kept(told)))


def why(counts: Counts) -> Iterator[tuple[str, str, int]]:
    """Outcome, reason and count of what did not air, the most first."""
    for (outcome, reason), number in sorted(counts.reasons.items(), key=lambda one: (-one[1], one[0])):
        yield words.outcome(outcome), words.reason(reason) or "–", number


def kept(told: Told) -> Iterator[tuple[str, str, str, str]]:
    """Schedule, cluster, weeks kept of those that are over, and those that were not."""
    found: dict[tuple[str, str, str], list[Kept]] = {}
    for one in told.kept:
        found.setdefault((one.week.schedule, one.week.within, one.week.cluster), []).append(one)
    for weeks in found.values():
        over = [one for one in weeks if one.kept is not None]
        short = [
            _("week of {day}: {aired} of {asked}").format(
                day=f"{one.week.monday:%d/%m/%Y}", aired=one.week.aired, asked=one.asked
            )
            for one in weeks
            if one.kept is False
        ]
        number = f"{len(over) - len(short)}/{len(over)}"
        yield weeks[-1].week.title, weeks[-1].week.cluster_name, number, "; ".join(short) or "–"


def called(word: str, key: Key) -> str:
    """What is counted, as people call it."""
    if word == "day":
        return output.day(date.fromisoformat(key.code))
    names = {"language": words.language, "group": words.group, "class": words.bulletin_class}
    if word == "campaign" and not key.code:
        return _("no campaign")
    return names.get(word, str)(key.name) or key.code or _("by hand")


def word_of(word: str) -> str:
    """What is counted by, for a heading."""
    return {
        "area": _("Area"),
        "commune": _("Commune"),
        "district": _("Former district"),
        "province": _("Province"),
        "station": _("Station"),
        "script": _("Script"),
        "schedule": _("Schedule"),
        "campaign": _("Campaign"),
        "cluster": _("Cluster"),
        "group": _("Group"),
        "class": _("Class"),
        "language": _("Language"),
        "day": _("Day"),
    }[word]
