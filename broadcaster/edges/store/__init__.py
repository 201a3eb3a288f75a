"""
SEAM: the station's memory: play log and marks. SQLite, through sqlite-utils.

    events      the play log. Rows are only ever added: one before the first sample of an occurrence
                (event = 'start'), one when it ended, sounded or not (event = 'end'). Each carries the
                hash of itself and of the row before it (`chain`): what is changed or taken out shows
    airings     view: how each occurrence ended
    counts      what reports ask for, counted once for all (counts.py)
    marks       last known facts of the daemon: alive, on air
    heard       what decoding told of each recording
    apart       at a province: rows of stations that are not counted (arrivals.py)
"""

import fcntl
import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from functools import partial
from itertools import count
from pathlib import Path
from threading import Event, RLock
from typing import Any

from broadcaster.model import typed
from broadcaster.model.airing import Airing, Outcome, Sounded
from broadcaster.model.count import BREAKDOWNS, Cell, Week
from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say
from broadcaster.model.judgement import Heard
from broadcaster.model.recording import Measured

from . import arrivals, counts

SKIPPED = 1 << 20  # rows of a damaged table, at most, of which none reads until the rest is given up
HEAD = "log-head"  # the mark of the last row's number: so it shows if that is gone
COUNT_EVERY = 1000  # rows; so many are counted anew for each report
BLOCK = 1 << 16  # bytes that are read at once
LOOKS = 5  # at a lock, until somebody holds it for good

ANEW = say("Restart the daemon: it sets the file aside and takes over every row that still reads.")
WRONG_COUNTS = say("The counts beside the play log were not those of its rows.")
OTHER_COPY = say("Take another copy, an older one perhaps.")
TIMES = ("planned", "logged", "started", "ended")


def _sqlite_utils() -> Any:
    """sqlite-utils, without the numpy that it would import only to adapt its types (0.3 s of a command)."""
    absent = "numpy" not in sys.modules
    if absent:
        sys.modules["numpy"] = None  # type: ignore[assignment]
    try:
        import sqlite_utils
    finally:
        if absent:
            del sys.modules["numpy"]
    return sqlite_utils


def database(var: Path) -> Path:
    """Where a station keeps its memory."""
    return var / "broadcaster.db"


class AlreadyLoggedError(BroadcasterError):
    """The occurrence began, or ended, before: it has its row and gets no other."""


class Store:
    """One database file; may be used from several threads."""

    def __init__(
        self, path: Path, *, read_only: bool = False, patience: float = 10.0, in_any_case: bool = False
    ) -> None:
        """
        Open *path*, made if it is not there. Raises BroadcasterError if that cannot be.

        With *read_only* nothing is made: a memory that is not there reads as an empty one. *patience* are the
        seconds that a write waits for another. With *in_any_case* a memory that cannot be used is opened
        anew with each use.
        """
        self._lock = RLock()
        self._path, self._patience, self._in_any_case = path, patience, in_any_case
        self._unwritten = False  # it was to be written, and could not be
        self._absent = False  # there is one, and nothing of it can be read
        try:
            self._db = self._opened(path, read_only=read_only)
        except (OSError, sqlite3.Error) as error:
            if not in_any_case:
                raise _unusable(path, error) from error
            self._unwritten = True
            self._db = self._readable(path)

    def _readable(self, path: Path) -> Any:
        with suppress(OSError, sqlite3.Error):
            return self._opened(path, read_only=True)
        self._absent = True
        return self._opened(path.with_name("nothing"), read_only=True)

    def _opened(self, path: Path, *, read_only: bool) -> Any:
        try:
            return self._used(path, read_only=read_only)
        except sqlite3.OperationalError:  # on a full disk no file can be made beside it
            if not read_only:
                raise
            return self._used(path, read_only=True, alone=True)

    def _used(self, path: Path, *, read_only: bool, alone: bool = False) -> Any:
        connection = _connect(path, read_only=read_only, alone=alone, patience=self._patience)
        try:
            if not read_only:
                connection.execute("pragma journal_mode = wal")
                connection.execute("pragma synchronous = full")
            db = _sqlite_utils().Database(connection)
            known = db.table_names()  # asked of any: so it shows if it is no database
            newest = "counts" in known
            if not newest and not (read_only and path.exists()):  # an older one is read as it is
                _make_tables(db)
            connection.execute(counts.VIEW)
        except sqlite3.Error:
            connection.close()
            raise
        return db

    def close(self) -> None:
        self._db.close()

    # The play log

    def begin(self, airing: Airing) -> None:
        """The row before the first sample. Raises AlreadyLoggedError if this occurrence began before."""
        self._add("start", airing)

    def end(self, airing: Airing) -> None:
        """The row after the last. Raises AlreadyLoggedError if this occurrence ended before."""
        self._add("end", airing)

    def _add(self, event: str, airing: Airing) -> None:
        row = {
            "event": event,
            **vars(airing),
        }  # asdict copies what it finds, which takes longer than an fsync
        row |= {name: _stored_time(row[name]) for name in TIMES}
        row["day"] = airing.day.isoformat() if airing.day else None
        row["languages"] = json.dumps(list(map(vars, airing.languages)), ensure_ascii=False)
        row["seconds"] = float(row["seconds"])
        # A row that could not be written would hold up all that come after it.
        row = {name: typed.written(value) if isinstance(value, str) else value for name, value in row.items()}
        with self._using("play log", write=True):
            if event == "end":
                row["station_airing"] = int(self._is_first_aired(airing))
            with self._behind_the_last() as add:
                add(row)

    @contextmanager
    def _behind_the_last(self) -> Iterator[Callable[[dict[str, Any]], None]]:
        """What adds rows to the play log, in one transaction; nobody else adds any meanwhile."""
        self._db.execute("begin immediate")
        last = self._db.execute("select seq, chain from events order by seq desc limit 1").fetchone()
        before, head = (last[1] if last else "") or "", self._head()
        seq = begun = max(
            last[0] if last else 0, head
        )  # the numbers of rows that are gone are not used again

        def add(row: dict[str, Any]) -> None:
            nonlocal seq, before
            seq += 1
            row["seq"] = seq
            row["chain"] = before = link(before, row)
            names, holes = ", ".join(f'"{name}"' for name in row), ", ".join("?" * len(row))
            # Not by sqlite-utils: it would end the transaction after each of these.
            self._db.execute(f"insert into events ({names}) values ({holes})", list(row.values()))

        yield add
        if seq > begun:
            self._db.execute("insert or replace into marks values (?, ?)", [HEAD, json.dumps(seq)])
            if seq - counts.counted(self._db.conn) >= COUNT_EVERY:
                counts.count_on(self._db.conn)

    # What stations send to their province

    def rows_after(self, seq: int, most: int, until: int | None = None) -> list[dict[str, Any]]:
        """
        Rows of the play log behind row *seq*, up to *until*, as they stand there, without what they do
        not say.
        """
        where, values = ("seq > ? and seq <= ?", [seq, until]) if until else ("seq > ?", [seq])
        with self._using("play log"):
            rows = list(self._db["events"].rows_where(where, values, order_by="seq", limit=most))
        return [{name: value for name, value in row.items() if value is not None} for row in rows]

    def before(self, seq: int) -> tuple[int, str]:
        """The number and the chain of the row before row *seq*; 0 and "" if there is none."""
        with self._using("play log"):
            asked = "select seq, chain from events where seq < ? order by seq desc limit 1"
            found = self._db.execute(asked, [seq]).fetchone()
        return (found[0], found[1] or "") if found else (0, "")

    def extent(self, first: int) -> tuple[int, int]:
        """The number of the last row from row *first* on, and how many there are."""
        with self._using("play log"):
            asked = "select coalesce(max(seq), 0), count(*) from events where seq >= ?"
            last, count = self._db.execute(asked, [first]).fetchone()
        return last, count

    def take(
        self, batches: Iterable[arrivals.Batch], is_theirs: Callable[[str, str], bool]
    ) -> list[arrivals.Taken]:
        """
        Take rows of stations in; all are on the disk when this returns, none where it raises
        BroadcasterError.

        *is_theirs* says of a station and an area whether broadcasts there can be its own.
        """
        with self._using("play log", write=True), self._behind_the_last() as add:
            arrivals.make_tables(self._db.conn)
            return [
                arrivals.take(self._db.conn, one, link, add, partial(is_theirs, one.sender))
                for one in batches
            ]

    def missing(self, sender: str, first: int, last: int, count: int) -> list[tuple[int, int]]:
        """
        Stretches of the numbers from *first* to *last* of a station, of which it has *count*, that are
        not here.
        """
        with self._using("play log", write=True):
            arrivals.make_tables(self._db.conn)
            return arrivals.missing(self._db.conn, sender, first, last, count)

    def _is_first_aired(self, airing: Airing) -> bool:
        """Of all clusters that aired this broadcast: the others add nothing to what the station aired."""
        if airing.outcome is not Outcome.AIRED:
            return False
        broadcast = airing.occurrence.rpartition("/")[0]
        before = "event = 'end' and outcome = 'aired' and occurrence > ? and occurrence < ?"
        return not self._db["events"].count_where(before, [f"{broadcast}/", f"{broadcast}0"])

    def cells(
        self,
        first: date,
        last: date,
        communes: Collection[str] | None = None,
        breakdowns: Collection[str] = BREAKDOWNS,
    ) -> list[Cell]:
        """What is counted of the days from *first* to *last* at the stations of *communes* (None: all)."""
        with self._using("counts"):
            self._db.execute("begin")
            return counts.ask(self._db.conn, first, last, communes, breakdowns)

    def weeks(self, first: date, last: date) -> list[Week]:
        """What schedules named and what aired, in the weeks that end from *first* to *last*."""
        with self._using("counts"):
            return counts.weeks(self._db.conn, first, last)

    def copy_to(self, path: Path) -> int:
        """
        Write all of it to *path*, as it is at one moment, while others write; tell the rows of the play log.

        The file is whole or not there. Raises BroadcasterError.
        """
        part = path.with_name(f".{path.name}.part")
        if path.exists() and not path.is_file():
            raise BroadcasterError(Fault(str(path), say("This is no file."), say("Name a file or a folder.")))
        if not path.parent.is_dir():
            absent, plug = say("There is no such folder."), say("See that the disk or stick is there.")
            raise BroadcasterError(Fault(str(path.parent), absent, plug))
        try:
            part.unlink(missing_ok=True)
            with closing(sqlite3.connect(part)) as copy:
                self._db.conn.backup(copy)
                copy.execute("pragma journal_mode = delete")
                rows = copy.execute("select count(*) from events").fetchone()[0]
            with part.open("rb") as file:
                os.fsync(file.fileno())
            if not _is_whole(part):
                raise BroadcasterError(Fault(str(self._path), say("The play log is damaged."), ANEW))
            part.replace(path)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(path, error) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return int(rows)

    def take_over(self, damaged: sqlite3.Connection) -> int:
        """Add what a *damaged* memory still says, as it stands there; tell how many rows of the play log."""
        with self._using("play log", write=True):
            for table in ("events", "marks", "heard"):
                self._db[table].insert_all(_readable(damaged, table), ignore=True)
            return int(self._db["events"].count)

    def verify(self) -> list[tuple[int, Text]]:
        """What is wrong with the play log: the number of a row, and what is wrong there."""
        found, last, before = [], 0, ""
        with self._using("play log"):
            for row in self._db["events"].rows_where(order_by="seq"):
                number, chain, wrong = row["seq"], row.get("chain") or "", None
                if number != last + 1:
                    wrong = say("Rows taken out before it: {count}.", count=number - last - 1)
                elif chain != link(before, row):
                    wrong = say("It is not as it was written, or not where it was.")
                if wrong:
                    found.append((number, wrong))
                last, before = number, chain
            if (head := self._head()) > last:
                found.append((last + 1, say("Rows taken out at the end: {count}.", count=head - last)))
            there = {row[0] for row in self._db.execute("select name from sqlite_master")}
            if gone := sorted({"airings", "counts", "no_update", "no_delete"} - there):
                found.append((0, say("Taken out of the database: {names}.", names=", ".join(gone))))
            elif not found and not counts.is_true(self._db.conn):
                found.append((0, WRONG_COUNTS))
        return found

    def count_anew(self) -> None:
        """Make the counts that reports ask for once more, of the rows alone."""
        with self._using("counts", write=True):
            self._db.execute("begin immediate")
            counts.count_anew(self._db.conn)

    def seal(self) -> str:
        """The chain of the last row: whoever noted it sees that nothing before it was changed since."""
        rows = self._rows("events", "seq = (select max(seq) from events)")
        return str(rows[0]["chain"]) if rows else ""

    @property
    def head(self) -> int:
        """The number of the last row that was ever written."""
        with self._using("play log"):
            return self._head()

    def _head(self) -> int:
        marks = self._db["marks"].rows_where("name = ?", [HEAD])
        return max((int(json.loads(row["value"])) for row in marks), default=0)

    def airings(self, start: datetime | None = None, end: datetime | None = None) -> Iterator[Airing]:
        """
        How occurrences planned from *start* up to *end* ended, in the order of their planned time.

        Raises BroadcasterError where that cannot be read.
        """
        where, values = ["1"], []
        for compare, moment in ((">=", start), ("<", end)):
            if moment is not None:
                where.append(f"planned {compare} ?")
                values.append(_stored_time(moment))
        yield from self._read(f"event = 'end' and {' and '.join(where)}", values)

    def airings_after(self, seq: int) -> list[tuple[int, Airing]]:
        """How occurrences ended in the rows behind row *seq*, in the order in which they were written."""
        rows = self._rows("events", "event = 'end' and seq > ?", [seq], order_by="seq")
        return [(row["seq"], _airing(row)) for row in rows]

    def unfinished(self) -> list[Airing]:
        """Occurrences that began and never ended: the machine died while they sounded."""
        ended = "select occurrence from events where event = 'end'"
        return list(self._read(f"event = 'start' and occurrence not in ({ended})", []))

    def _read(self, where: str, values: list[Any]) -> Iterator[Airing]:
        for row in self._rows("events", where, values, order_by="planned, seq"):
            try:
                yield _airing(row)
            except (KeyError, TypeError, ValueError) as error:  # what a failing disk made of it
                if not self._in_any_case:
                    damaged = sqlite3.DatabaseError(f"{row['seq']}: {error}")
                    raise _unusable(Path("play log"), damaged) from error

    # Marks

    def mark(self, name: str, value: Any) -> None:
        self.mark_all({name: value})

    def mark_all(self, values: Mapping[str, Any]) -> None:
        with self._using("marks", write=True):
            rows = [{"name": name, "value": json.dumps(value)} for name, value in values.items()]
            self._db["marks"].upsert_all(rows, pk="name")

    def marks(self) -> dict[str, Any]:
        found = {}
        for row in self._rows("marks", "name != ?", [HEAD]):
            with suppress(TypeError, ValueError):  # damaged: as if it had not been made
                found[row["name"]] = json.loads(row["value"])
        return found

    # Recordings that were decoded

    def measured(self) -> dict[str, Measured]:
        found = {}
        try:
            rows = self._rows("heard")
        except BroadcasterError:
            if not self._in_any_case:
                raise
            rows = []  # all that it costs is to listen again
        for row in rows:
            with suppress(TypeError, ValueError):  # another version heard other things: it listens again
                heard = Heard(**json.loads(row["heard"])) if row["heard"] else None
                found[row["path"]] = Measured(
                    row["size"], row["changed"], row["digest"], row["seconds"], heard
                )
        return found

    def keep_measured(self, found: Mapping[str, Measured]) -> None:
        rows: Iterable[dict[str, Any]] = [
            {"path": path, **asdict(one), "heard": json.dumps(asdict(one.heard)) if one.heard else None}
            for path, one in found.items()
        ]
        with self._using("heard", write=True):
            self._db["heard"].upsert_all(rows, pk="path")

    def _rows(
        self, table: str, where: str = "1", values: Sequence[Any] = (), order_by: str | None = None
    ) -> list[dict[str, Any]]:
        with self._using(table):
            return list(self._db[table].rows_where(where, values, order_by=order_by))

    @contextmanager
    def _using(self, what: str, *, write: bool = False) -> Iterator[None]:
        try:
            with self._lock:
                if self._unwritten and (write or self._absent):
                    self._open_anew()
                with self._db.conn:
                    yield
        except sqlite3.IntegrityError as error:
            raise AlreadyLoggedError(*_unusable(Path(what), error).faults) from error
        except (OSError, sqlite3.Error) as error:
            self._unwritten = self._in_any_case
            raise _unusable(Path(what), error) from error

    def _open_anew(self) -> None:
        """The disk may take it by now."""
        db = self._opened(self._path, read_only=False)
        self._db.close()
        self._db, self._unwritten, self._absent = db, False, False


@dataclass(frozen=True)
class Rescued:
    """What became of a memory that was damaged."""

    aside: Path  # where it is now
    rows: int  # of the play log that could be read


def rescue(path: Path) -> Rescued | None:
    """
    Put a damaged database aside and begin another with all that can still be read; None if it is whole.

    Raises BroadcasterError where the disk does not let that be done. Nobody else may use it meanwhile.
    """
    if not path.is_file() or _is_whole(path):
        return None
    try:
        aside = _put_aside(path, "damaged")
        reading = f"{aside.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(reading, uri=True)) as damaged, closing(Store(path)) as new:
            return Rescued(aside, new.take_over(damaged))
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, error) from error


def restore(copy: Path, path: Path) -> tuple[int, Path | None]:
    """
    Put a *copy* in the place of a station's memory; tell its rows, and where what was there is now.

    Raises BroadcasterError if the copy is damaged, or its play log is not as it was written. No daemon may
    use the memory meanwhile.
    """
    if not copy.is_file():
        raise BroadcasterError(
            Fault(str(copy), say("There is no such file."), say("See that the disk or stick is there."))
        )
    if not _is_whole(copy):
        raise BroadcasterError(Fault(str(copy), say("This copy is damaged."), OTHER_COPY))
    with closing(Store(copy, read_only=True)) as kept:
        if found := kept.verify():
            raise BroadcasterError(*(Fault(f"{copy}:{number}", what, OTHER_COPY) for number, what in found))
        new = path.with_name(f".{path.name}.restored")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = kept.copy_to(new)
            before = _put_aside(path, "before") if path.exists() else None
            new.replace(path)
        except OSError as error:
            raise _unusable(path, error) from error
        return rows, before


def _put_aside(path: Path, why: str) -> Path:
    names = (path.with_name(f"{path.stem}-{why}-{number}{path.suffix}") for number in count(1))
    aside = next(one for one in names if not one.exists())
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def _is_whole(path: Path) -> bool:
    if not path.stat().st_size:
        return False  # SQLite would take it for an empty one
    try:
        with closing(_connect(path, read_only=True, alone=False, patience=1.0)) as connection:
            return bool(connection.execute("pragma quick_check(1)").fetchone() == ("ok",))
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
            return not _reads_in_part(path)
        return True  # it cannot be looked at now: the disk, or somebody who writes
    except sqlite3.DatabaseError:
        return False


def _reads_in_part(path: Path) -> bool:
    """Are there places on the disk that do not read, while others do? Then it is not the whole disk."""
    reads = set()
    with path.open("rb", buffering=0) as file:
        for place in range(0, path.stat().st_size, BLOCK):
            file.seek(place)
            try:
                file.read(BLOCK)
                reads.add(True)
            except OSError:
                reads.add(False)
    return len(reads) == 2


def _readable(damaged: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    """Every row of a *table* that still reads; what lies on damaged pages is skipped."""
    damaged.row_factory = sqlite3.Row
    last, step = 0, 1
    while step < SKIPPED:
        try:
            rows = damaged.execute(
                f"select rowid as place, * from {table} where rowid > ? order by rowid",
                [last],
            )
            for row in rows:
                found = dict(row)
                last, step = found.pop("place"), 1
                yield found
        except sqlite3.DatabaseError:
            last, step = last + step, 2 * step
        else:
            return


@contextmanager
def sole_daemon(folder: Path) -> Iterator[None]:
    """
    Hold a station's folder for one daemon, until this process ends.

    The folder itself is locked: that needs no file, so a full or read-only disk is no hindrance. Raises
    BroadcasterError if another daemon has it.
    """
    try:
        place = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unusable(folder, error) from error
    try:
        if not _locked(place):
            raise BroadcasterError(
                Fault(
                    str(folder),
                    say("The daemon of this station already runs."),
                    say("Nothing needs doing. To look at it: broadcaster status."),
                )
            )
        yield
    finally:
        os.close(place)


def _locked(place: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock it, though a command may look whether it is locked at this very moment."""
    for _ in range(LOOKS):
        with suppress(BlockingIOError):
            fcntl.flock(place, kind | fcntl.LOCK_NB)
            return True
        Event().wait(0.02)
    return False


def daemon_runs(folder: Path) -> bool:
    try:
        with sole_daemon(folder):
            return False
    except BroadcasterError:
        return folder.is_dir()


def _make_tables(db: Any) -> None:
    with db.conn:
        text = {field.name: str for field in fields(Airing)}
        columns = {"seq": int, "event": str, **text, "seconds": float}
        columns |= {"heard": float, "station_airing": int, "chain": str, **arrivals.COLUMNS}
        db["events"].create(columns, pk="seq", if_not_exists=True)
        for name in columns.keys() - db["events"].columns_dict.keys():  # of an older version
            db["events"].add_column(name, columns[name])
        db["events"].create_index(["occurrence", "event"], unique=True, if_not_exists=True)
        db["events"].create_index(["planned"], if_not_exists=True)
        db["marks"].create({"name": str, "value": str}, pk="name", if_not_exists=True)
        db["heard"].create(
            {"path": str, "size": int, "changed": int, "digest": str, "seconds": float, "heard": str},
            pk="path",
            if_not_exists=True,
        )
        for change in ("update", "delete"):
            db.execute(
                f"create trigger if not exists no_{change} before {change} on events "
                "begin select raise(abort, 'rows of the play log are only ever added'); end"
            )
        db.create_view("airings", "select * from events where event = 'end'", ignore=True)
        db.execute(counts.TABLE)


def _connect(path: Path, *, read_only: bool, alone: bool, patience: float) -> sqlite3.Connection:
    name, uri = str(path), False
    if not read_only:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif path.exists():
        # Without a write-ahead log nobody writes: immutable, it can be read where no file can be made.
        idle = alone or not path.with_name(f"{path.name}-wal").exists()
        name, uri = f"{path.resolve().as_uri()}?mode=ro{'&immutable=1' if idle else ''}", True
    else:
        name = ":memory:"
    return sqlite3.connect(name, uri=uri, timeout=patience, check_same_thread=False)


def link(before: str, row: Mapping[str, Any]) -> str:
    """The chain of *row* behind one whose chain is *before*: SHA-256 of that and of all that the row says."""
    said_by = {name: value for name, value in row.items() if name != "chain" and value is not None}
    text = json.dumps(said_by, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def _airing(row: dict[str, Any]) -> Airing:
    row |= {name: row[name] and datetime.fromisoformat(row[name]) for name in TIMES}
    row["day"] = (day := row.get("day")) and date.fromisoformat(day)
    row |= {
        name: row.get(name) or "" for name in ("campaign", "station_area")
    }  # an older memory has them not
    row.setdefault("heard", None)
    row["outcome"] = row["outcome"] and Outcome(row["outcome"])
    row["languages"] = tuple(
        Sounded(**one | {"outcome": Outcome(one["outcome"])}) for one in json.loads(row["languages"])
    )
    return Airing(**{field.name: row[field.name] for field in fields(Airing)})


def _stored_time(moment: datetime | None) -> str | None:
    """In UTC, so that text sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment is not None else None


def _unusable(path: Path, error: Exception) -> BroadcasterError:
    remedy = say("See that the disk is not full or read-only and that you may write to var/ (doctor).")
    if type(error) is sqlite3.DatabaseError:  # not a database, or a damaged one
        remedy = ANEW
    return BroadcasterError(
        Fault(str(path), say("The station's memory cannot be used: {error}.", error=said(error)), remedy)
    )
