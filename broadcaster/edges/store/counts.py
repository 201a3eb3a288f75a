"""
The play log counted once for all, so that a report of a whole country answers at once.

    cells       view, of whoever asks: what each row of the play log adds to each breakdown
    counts      sums of cells by month and commune, once more by year, and of all communes; the row that is
                `by` nothing names the last row in them

A report takes whole years and months from the counts, and cells for the rest: days of broken months, and
the rows that came since. Counts hold nothing of their own: they can be made again from the play log.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta

from broadcaster.model.airing import Outcome
from broadcaster.model.count import BREAKDOWNS, Cell, Week

DAY = timedelta(days=1)
ON = "coalesce(day, date(planned, '+7 hours'), '')"  # older rows have no days, and no stations' areas
PLACE = "coalesce(station_area, substr(area, 1, instr(area || '/', '/') - 1))"
OF_ONE_PLACE = ("area", "station", "cluster")  # these are not summed over communes

_CODES = {  # code, name, and whether all clusters of a broadcast share it
    "total": ("''", "''", True),
    "day": (ON, "''", True),
    "area": ("area", "area_name", False),
    "station": (PLACE, "station", True),
    "cluster": ("cluster", "cluster_name", False),
    "schedule": ("schedule", "schedule_title", True),
    "script": ("script", "script_title", True),
    "campaign": ("campaign", "campaign", True),
    "group": ('"group"', '"group"', True),
    "class": ("bulletin_class", "bulletin_class", True),
}
_KEY = "by, month, within, code, name, outcome, reason"
_SUMS = "airings, milliseconds, station_airings"
_SUMMING = ", ".join(f"sum({one}) as {one}" for one in _SUMS.split(", "))
_SUMMED = f"select {_KEY}, {_SUMMING}, max(seq) as last from cells"
_OVER_COMMUNES = (
    f"select by, month, '', code, name, outcome, reason, {_SUMMING}, max(last) from fresh "
    f"where by not in {OF_ONE_PLACE} group by by, month, code, name, outcome, reason"
)
_OVER_A_YEAR = (
    f"select by, substr(month, 1, 4) as year, within, code, name, outcome, reason, {_SUMMING}, max(last) "
    "from fresh group by by, year, within, code, name, outcome, reason"
)


def _cells() -> str:
    """A row that a failing disk spoilt must not keep the others from being counted: nothing here is null."""
    common = f"seq, planned, {ON} as day, substr({ON}, 1, 7) as month, coalesce({PLACE}, '') as within"
    ended = f"event = 'end' and outcome in {tuple(map(str, Outcome))}"
    parts = [
        f"select {common}, '{word}' as by, coalesce({code}, '') as code, coalesce({name}, '') as name, "
        "outcome, coalesce(reason, '') as reason, 1 as airings, "
        "cast(round(coalesce(seconds, 0) * 1000) as integer) as milliseconds, "
        f"{'coalesce(station_airing, 0)' if shared else 0} as station_airings from events where {ended}"
        for word, (code, name, shared) in _CODES.items()
    ]
    share = "coalesce(json_extract(share.value, '$.{}'), '')".format
    parts.append(
        f"select {common}, 'language', {share('language')}, {share('language')}, {share('outcome')}, "
        f"coalesce(reason, ''), 1, cast(round({share('seconds')} * 1000) as integer), 0 from events, "
        "json_each(case when json_valid(events.languages) then events.languages else '[]' end) as share "
        f"where {ended}"
    )
    return " union all ".join(parts)


TABLE = f"""create table if not exists counts (
    by text, month text, within text, code text, name text, outcome text, reason text,
    airings integer, milliseconds integer, station_airings integer, last integer,
    primary key ({_KEY})
) without rowid"""
VIEW = f"create temp view cells as {_cells()}"  # of each connection: it would fill the file's first pages


def counted(connection: sqlite3.Connection) -> int:
    """The number of the last row that the counts hold."""
    found = connection.execute("select last from counts where by = ''").fetchone()
    return int(found[0]) if found else 0


def count_on(connection: sqlite3.Connection) -> None:
    """Take the rows that came since into the counts; in the transaction that is open."""
    (last,) = connection.execute("select coalesce(max(seq), 0) from events").fetchone()
    _sum_up(connection, counted(connection), last)
    added = ", ".join(f"{one} = {one} + excluded.{one}" for one in _SUMS.split(", "))
    connection.execute(
        "insert into counts select * from fresh where true "
        f"on conflict do update set {added}, last = excluded.last"
    )
    connection.execute("drop table temp.fresh")
    connection.execute(
        "insert or replace into counts values ('', '', '', '', '', '', '', 0, 0, 0, ?)", [last]
    )


def _sum_up(connection: sqlite3.Connection, after: int, last: int) -> None:
    """What the rows behind *after* up to *last* add to the counts, into the temporary table fresh."""
    connection.execute("drop table if exists temp.fresh")
    connection.execute(
        f"create temp table fresh as {_SUMMED} where seq > ? and seq <= ? group by {_KEY}", [after, last]
    )
    for chosen in (_OVER_COMMUNES, _OVER_A_YEAR):
        connection.execute(f"insert into fresh {chosen}")


def count_anew(connection: sqlite3.Connection) -> None:
    """Make the counts once more, of the rows alone; in the transaction that is open."""
    connection.execute("delete from counts")
    count_on(connection)


def is_true(connection: sqlite3.Connection) -> bool:
    """Are the counts those of the rows that they hold?"""
    _sum_up(connection, 0, counted(connection))
    differ = [
        "select * from fresh except select * from counts",
        "select * from counts where by != '' except select * from fresh",
    ]
    return not any(connection.execute(f"select 1 from ({one}) limit 1").fetchone() for one in differ)


def ask(
    connection: sqlite3.Connection,
    first: date,
    last: date,
    communes: Collection[str] | None = None,
    breakdowns: Collection[str] = BREAKDOWNS,
) -> list[Cell]:
    """
    All cells of the days from *first* to *last*, of the stations of *communes*; None for all.

    In a transaction: what is counted and what is not yet must be of one moment.
    """
    words = ["total", *breakdowns]
    here = " and within in (select value from json_each(:communes))" if communes is not None else ""
    wanted = f"by in {_listed(words)}{here}"
    columns = f"by, within, code, name, outcome, reason, {_SUMS}"
    spans, months, rest = _spans(first, last)
    parts = []
    if spans:
        whole, summed = f"month in {_listed(spans)}", [wanted]
        if communes is None:
            shared = [one for one in words if one not in OF_ONE_PLACE]
            summed = [
                f"by in {_listed(shared)} and within = ''",
                f"by in {_listed(OF_ONE_PLACE)} and {wanted}",
            ]
        since = f"seq > {counted(connection)}"  # as a number: SQLite looks up no other in each part of a view
        parts = [f"select {columns}, last from counts where {whole} and {one}" for one in summed]
        fresh = f"{since} and month in {_listed(months)}"
        parts.append(f"select {columns}, seq from cells where {fresh} and {wanted}")
    for begin, end in rest:
        near = f"planned between '{begin - DAY}' and '{end + 2 * DAY}'"  # in UTC, and in any zone
        among = f"day between '{begin}' and '{end}'"
        parts.append(f"select {columns}, seq as last from cells where {near} and {among} and {wanted}")
    rows = connection.execute(
        f"select by, case when by in {OF_ONE_PLACE} then within else '' end as place, code, name, outcome, "
        f"reason, {_SUMMING}, max(last) from ({' union all '.join(parts)}) "
        "group by by, place, code, case when by = 'area' then name else '' end, outcome, reason",
        {"communes": json.dumps(list(communes or ()))},
    )
    return [
        Cell(by, place, code, name, Outcome(outcome), reason, airings, milliseconds, station_airings)
        for by, place, code, name, outcome, reason, airings, milliseconds, station_airings, _last in rows
    ]


def weeks(connection: sqlite3.Connection, first: date, last: date) -> list[Week]:
    """What schedules named and what aired, in the weeks that end from *first* to *last*."""
    monday = f"date({ON}, '-6 days', 'weekday 1')"
    rows = connection.execute(
        f"select schedule, schedule_title, {PLACE} as within, cluster, cluster_name, {monday} as monday, "
        f"sum(kind = 'planned'), sum(outcome = 'aired'), max(seq) from events where event = 'end' "
        f"and kind in ('planned', 'make-good') and planned between ? and ? and monday between ? and ? "
        "group by schedule, within, cluster, monday order by schedule, within, cluster, monday",
        [f"{first - 8 * DAY}", f"{last + 2 * DAY}", f"{first - 6 * DAY}", f"{last - 6 * DAY}"],
    )
    return [
        Week(schedule, title, within, cluster, name, date.fromisoformat(monday), planned, aired)
        for schedule, title, within, cluster, name, monday, planned, aired, _last in rows
    ]


def _listed(words: Iterable[str]) -> str:
    """For words of our own: a tuple of one has a comma too many for SQL."""
    return f"({', '.join(map(repr, words))})"


def _spans(first: date, last: date) -> tuple[Sequence[str], Sequence[str], Sequence[tuple[date, date]]]:
    """The whole years, and months around them, from *first* to *last*; all of their months; the days left."""
    spans, months, rest = list[str](), list[str](), list[tuple[date, date]]()
    day = first
    while day <= last:
        end = (day.replace(day=1) + 31 * DAY).replace(day=1) - DAY
        in_year = first <= date(day.year, 1, 1) and date(day.year, 12, 31) <= last
        if day.day == 1 and end <= last:
            months.append(f"{day:%Y-%m}")
            spans.append(f"{day:%Y}" if in_year else months[-1])
        else:
            rest.append((day, min(end, last)))
        day = end + DAY
    return list(dict.fromkeys(spans)), months, rest
