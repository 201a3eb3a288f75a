"""
Rows of the play logs of stations, taken into their province's: each once, whatever is sent again.

    events      has them with `sender` (the station), `epoch`, `number` (seq there), `sealed` (chain there)
    apart       rows that are not counted, and why: of another area, or of a broadcast that has its row

A station's epoch is new with each memory that begins anew or is brought back from a copy: it tells apart what
such a memory numbers alike. `sealed` tells the same row again under any epoch.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.errors import Text, say

COLUMNS = {"sender": str, "epoch": str, "number": int, "sealed": str}
MOST_ASKED = 100  # stretches of rows that a comparison asks for at once
TEXTS = (
    "occurrence", "planned", "logged", "started", "ended", "outcome", "reason", "detail", "station",
    "schedule", "schedule_title", "script", "script_title", "group", "cluster", "cluster_name", "area",
    "area_name",
    "bulletin_class", "kind", "languages", "campaign", "station_area", "day",
)  # fmt: skip
NUMBERS = ("seconds", "heard", "station_airing")
NEEDED = ("occurrence", "planned", "logged", "seconds", "station", "cluster", "area")

TABLES = (
    """create table if not exists apart (
    sender text, epoch text, number integer, sealed text, why text, row text,
    primary key (sender, number, epoch)
) without rowid""",
    (
        "create unique index if not exists one_of_each on events (sender, number, epoch) "
        "where sender is not null"
    ),
)

Row = Mapping[str, Any]
Link = Callable[[str, Row], str]


@dataclass(frozen=True)
class Batch:
    """
    Rows of one station, in the order of their numbers, as they stand in its log.

    `after` is the number of the row before the first of them there, `before` its chain (0 and "" for none).
    """

    sender: str
    epoch: str
    after: int
    before: str
    rows: Sequence[Row]


@dataclass
class Taken:
    """What became of a batch."""

    new: int = 0
    resend: bool = False  # the row before it is not here, or another: nothing was taken, send all once more
    forked: int | None = None  # from this row on the station's log is another than the one that came before
    found: list[tuple[int, Text]] = field(default_factory=list)  # what is wrong: number of the row, and what
    apart: int = 0


def make_tables(connection: sqlite3.Connection) -> None:
    for statement in TABLES:
        connection.execute(statement)


def take(
    connection: sqlite3.Connection,
    batch: Batch,
    link: Link,
    add: Callable[[dict[str, Any]], None],
    is_theirs: Callable[[str], bool],
) -> Taken:
    """
    Take *batch* in; in the transaction that is open. *add* writes a row behind the last; *is_theirs* says
    of an area whether broadcasts there can be this station's.
    """
    taken = Taken()
    if batch.after and batch.before not in _sealed(connection, batch.sender, batch.after).values():
        taken.resend = True
        return taken
    last, before = batch.after, batch.before
    for row in batch.rows:
        number, chain = int(row["seq"]), str(row["chain"])
        known = _sealed(connection, batch.sender, number)
        if chain not in known.values():
            if batch.epoch in known:
                taken.forked = number
                return taken
            if number != last + 1:
                taken.found.append(
                    (number, say("Rows taken out before it: {count}.", count=number - last - 1))
                )
            elif chain != link(before, row):
                taken.found.append((number, say("It is not as it was written, or not where it was.")))
            if (why := _why_apart(connection, batch.sender, row, is_theirs)) is None:
                add(_ours(batch, row))
                taken.new += 1
            else:
                told = json.dumps(dict(row), ensure_ascii=False)
                values = [batch.sender, batch.epoch, number, chain, why.template, told]
                connection.execute("insert into apart values (?, ?, ?, ?, ?, ?)", values)
                taken.found.append((number, why))
                taken.apart += 1
        last, before = number, chain
    return taken


def _sealed(connection: sqlite3.Connection, sender: str, number: int) -> dict[str, str]:
    """The chains of the rows of this number, by epoch."""
    where = "where sender = ? and number = ?"
    rows = connection.execute(
        f"select epoch, sealed from events {where} union all select epoch, sealed from apart {where}",
        [sender, number, sender, number],
    )
    return dict(tuple(row) for row in rows)


def _why_apart(
    connection: sqlite3.Connection, sender: str, row: Row, is_theirs: Callable[[str], bool]
) -> Text | None:
    ended = row.get("event") == "end"
    known = ended and row.get("outcome") in set(map(str, Outcome))
    sound = all(isinstance(row.get(key), str | None) for key in TEXTS)
    sound = sound and all(isinstance(row.get(key), int | float | None) for key in NUMBERS)
    if not sound or any(row.get(key) is None for key in NEEDED) or not (known or row.get("event") == "start"):
        return say("It is no row of a play log.")
    for area in (row.get("station_area") or "", row["area"]):
        if not is_theirs(area):
            return say("It is of another area than the station's.")
    twice = connection.execute(
        "select 1 from events where occurrence = ? and event = ?",
        [f"{sender}:{row['occurrence']}", row["event"]],
    ).fetchone()
    return say("Its broadcast has a row already.") if twice else None


def _ours(batch: Batch, row: Row) -> dict[str, Any]:
    """*row* as the province keeps it. Stations call their broadcasts alike."""
    kept = {name: row.get(name) for name in ("event", *TEXTS, *NUMBERS)}
    kept["occurrence"] = f"{batch.sender}:{row['occurrence']}"
    return kept | {
        "sender": batch.sender,
        "epoch": batch.epoch,
        "number": int(row["seq"]),
        "sealed": str(row["chain"]),
    }


def missing(
    connection: sqlite3.Connection, sender: str, first: int, last: int, count: int
) -> list[tuple[int, int]]:
    """
    The stretches of numbers from *first* to *last* that are not here, of a station that has *count* there.

    The first of them, where there are many.
    """
    where = f"where sender = ? and number between {first} and {last}"
    here = connection.execute(
        f"select number from events {where} union select number from apart {where} order by number",
        [sender, sender],
    ).fetchall()
    if len(here) >= count and here and here[-1][0] == last:
        return []
    found, expected = list[tuple[int, int]](), first
    for (number,) in [*here, (last + 1,)]:
        if number > expected:
            found.append((expected, number - 1))
        expected = number + 1
    return found[:MOST_ASKED]


assert {*TEXTS, *NUMBERS} >= set(Airing.__dataclass_fields__)  # noqa: S101 - a new field must travel too
