"""A report as files: the workbook with the ministry's form, and the page with charts."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.edges.documents import Form, save, write_form
from broadcaster.model.airing import Airing, Outcome
from broadcaster.report import Counts, Key, in_order

from . import log, output, period, prose, words
from .language import _, code
from .report import Told, called, kept, rule, why, word_of

TABLES = ("area", "commune", "cluster", "script", "campaign", "group", "language", "class")
COUNTED = (*TABLES, "day")
MOST_BARS = 40  # more cannot be read

Columns = Sequence[tuple[str, bool]]  # name; is it a number?
Table = tuple[str, Columns, Sequence[Sequence[Any]]]


def rounded() -> str:
    return _("Minutes are cut to whole ones in each line, so lines may add up to less than the total.")


def signatures() -> Sequence[str]:
    return _("Compiled by"), _("Checked by"), _("Head of the unit")


def write_workbook(told: Told, to: Path) -> None:
    """The ministry's form of counts by place (TTCS), and a sheet for each breakdown."""
    word = _place(told)
    rows: list[Sequence[Any]] = [
        ("", _("TOTAL"), "", *_numbers(told.found.totals), _remark(told.found.totals))
    ]
    rows += [
        (number, called(word, key), key.code, *_numbers(counts), _remark(counts))
        for number, (key, counts) in enumerate(in_order(told.found.by[word]), 1)
    ]
    form = Form(
        _("Counts of broadcasts"),
        [
            (_("Reporting unit"), told.station),
            (_("Receiving unit"), "." * 40),
            (_("Period"), _days(told)),
        ],
        (
            *(_("Nr."), _("Place"), _("Code of the place"), _("Planned"), _("Broadcasts"), _("Minutes")),
            _("Remarks"),
        ),
        rows,
        f"{rule(told)} {rounded()}",
        signatures(),
    )
    write_form(
        to,
        form,
        [(title, [name for name, _right in columns], rows) for title, columns, rows in _tables(told)],
    )


def write_page(name: str, values: dict[str, Any], to: Path) -> None:
    """Raises BroadcasterError if it cannot be written."""
    from broadcaster.edges.pages import page

    save(to, page(name, values).encode())


def page(told: Told) -> dict[str, Any]:
    """What the page of a report shows."""
    from broadcaster.edges import charts

    totals, by = told.found.totals, told.found.by
    days = {date.fromisoformat(key.code): counts.aired for key, counts in by["day"].items()}
    legend = _("aired").capitalize(), _("did not air").capitalize()
    drawn = [
        (
            _("Airings a day"),
            charts.calendar(days, told.days[0], told.until or told.days[1], output.short_weekdays()),
        )
    ]
    for heading, word in ((_("Planned and aired"), _place(told)), (_("Languages"), "language")):
        found = sorted(in_order(by[word]), key=lambda one: -one[1].planned)[:MOST_BARS]
        if found:
            names = [called(word, key) for key, _counts in found]
            numbers = [counts.aired for _key, counts in found], [counts.lost for _key, counts in found]
            drawn.append((heading, charts.bars(names, *numbers, legend)))
    figures = [
        (_("Planned").capitalize(), prose.grouped(totals.planned)),
        (_("aired").capitalize(), prose.grouped(totals.aired)),
        (_("did not air").capitalize(), prose.grouped(totals.lost)),
        (_("Broadcasts of the station"), prose.grouped(totals.station_airings)),
        (_("Hours that sounded"), prose.decimal(totals.milliseconds // 360_000)),
    ]
    if told.totals_before:
        figures.append((told.earlier, prose.grouped(told.totals_before.aired)))
    return {
        "language": code(),
        "landscape": False,
        "title": _("Report of broadcasts"),
        "unit": told.station,
        "period": _days(told),
        "rule": f"{rule(told)} {rounded()}",
        "prose": prose.tell(told.station, told.period, told.found, told.before),
        "figures": figures,
        "charts": drawn,
        "tables": list(_tables(told)),
        "signatures": signatures(),
    }


def log_book(
    station: str,
    days: tuple[date, date],
    airings: Sequence[Airing],
    zone: ZoneInfo,
    today: date,
    seal: str,
) -> dict[str, Any]:
    """What the commune's log book of some days shows: each broadcast with how it ended."""
    every = [days[0] + timedelta(days=number) for number in range((days[1] - days[0]).days + 1)]
    rows: dict[date, list[Sequence[str]]] = {day: [] for day in every}
    for one in airings:
        planned = one.planned.astimezone(zone)
        rows[planned.date()].append(
            (
                output.clock_time(planned),
                output.clock_time(one.started.astimezone(zone) if one.started else None),
                output.length(one.seconds),
                one.script_title,
                one.cluster_name,
                log.languages(one),
                log.told(one),
                "",
            )
        )
    return {
        "language": code(),
        "landscape": True,
        "title": _("Log book of broadcasts"),
        "unit": station,
        "period": period.named(*days),
        "columns": (
            *(
                _("Planned"),
                _("Began"),
                _("Sounded"),
                _("Script"),
                _("Cluster"),
                _("Languages"),
                _("Outcome"),
            ),
            _("Remarks"),
        ),
        "days": [
            (output.day(day), found, _("Not over yet.") if day >= today else _("No broadcast."))
            for day, found in rows.items()
        ],
        "seal": seal,
        "sums": _("Planned: {planned}. Aired: {aired}.").format(
            planned=len(airings), aired=sum(one.outcome is Outcome.AIRED for one in airings)
        ),
        "signatures": (_("Person on duty"), _("Head of the unit")),
    }


def _days(told: Told) -> str:
    return f"{told.period} ({told.days[0]:%d/%m/%Y} – {told.until or told.days[1]:%d/%m/%Y})"


def _place(told: Told) -> str:
    """A commune's form lists its villages, one of a province the communes."""
    communes = {key.within for key in told.found.by["area"]}
    return "commune" if len(communes) > 1 else "area"


def _numbers(counts: Counts) -> tuple[int, int, int]:
    return counts.planned, counts.aired, counts.milliseconds // 60_000


def _remark(counts: Counts) -> str:
    return "; ".join(f"{outcome}: {reason} {number}" for outcome, reason, number in why(counts))


def _tables(told: Told) -> Iterator[Table]:
    outcomes = [(words.outcome(one).capitalize(), True) for one in Outcome]
    was = [(told.earlier, True)] if told.before else []

    def row(word: str, key: Key, counts: Counts) -> Sequence[Any]:
        earlier = told.was(word, key)
        numbers = [counts.planned, *counts.outcomes.values(), counts.milliseconds // 60_000]
        return called(word, key), key.code, *numbers, *([earlier.aired if earlier else "–"] if was else [])

    for word in TABLES:
        rows = [row(word, *one) for one in in_order(told.found.by[word])]
        if any(code for _name, code, *_numbers in rows):  # else no campaign is all there is
            columns = [(word_of(word), False), (_("Code"), False), (_("Planned"), True), *outcomes]
            yield word_of(word), [*columns, (_("Minutes"), True), *was], rows
    if told.found.totals.reasons:
        columns = [(_("Outcome"), False), (_("Why"), False), (_("Count"), True)]
        yield _("What did not air"), columns, list(why(told.found.totals))
    if told.kept:
        columns = [
            (_("Schedule"), False),
            (_("Cluster"), False),
            (_("Weeks kept"), True),
            (_("Weeks too short"), False),
        ]
        yield _("Quotas"), columns, list(kept(told))
