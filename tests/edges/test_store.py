"""Both memories keep the same promises; the one on the disk survives what happens to machines."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcaster.edges.store import Store, daemon_runs, database, rescue, restore, sole_daemon
from broadcaster.model.airing import Airing, Outcome, Sounded
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.judgement import Heard
from broadcaster.model.recording import Measured
from tests.children import child, told
from tests.factories import ZONE, at, make_airing
from tests.fakes import FakeStore, refused
from tests.needs import left_out, need

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
THREADS = 8
HEARD = Heard(4.5, None, -21.5, -3.0, 0.0, -60.0, 38.0, 0.1, 0.2, 1, 48_000, "opus", "ogg", 0, cancels=False)


@pytest.fixture(params=["real", "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store | FakeStore]:
    """Each memory in turn."""
    opened = Store(tmp_path / "memory.db") if request.param == "real" else FakeStore()
    yield opened
    opened.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a station's database goes; neither it nor its folder is there yet."""
    return database(tmp_path / "var")


def make_row(name: str, planned: datetime = NOW, outcome: Outcome | None = Outcome.AIRED) -> Airing:
    return replace(make_airing(), occurrence=name, planned=planned, outcome=outcome)


def names(airings: Iterator[Airing] | list[Airing]) -> list[str]:
    return [one.occurrence for one in airings]


def in_utc(airing: Airing) -> Airing:
    """The same airing with its times in UTC, as the log keeps them: to the millisecond."""
    fields = ("planned", "logged", "started", "ended")
    times = {name: getattr(airing, name) for name in fields}
    return replace(airing, **{name: time and time.astimezone(UTC) for name, time in times.items()})


MOMENTS = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001  hypothesis puts the zone in
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from(
        [UTC, ZONE, ZoneInfo("America/New_York"), timezone(timedelta(hours=-9, minutes=-30))]
    ),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
SECONDS = st.floats(0, 1e6)
SHARES = st.builds(Sounded, st.text(), st.text(), SECONDS, SECONDS, st.sampled_from(Outcome))
AIRINGS = st.builds(
    Airing,
    planned=MOMENTS,
    logged=MOMENTS,
    started=st.none() | MOMENTS,
    ended=st.none() | MOMENTS,
    seconds=SECONDS,
    outcome=st.sampled_from(Outcome),
    languages=st.lists(SHARES, max_size=3).map(tuple),
)


class TestEveryStore:
    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(AIRINGS)
    def test_reads_what_was_written(self, store: Store | FakeStore, airing: Airing) -> None:
        """An airing comes back as it was: every letter and number, the same moments, None as None."""
        airing = replace(airing, occurrence=f"{len(list(store.airings()))}/{airing.occurrence}")
        store.begin(replace(airing, outcome=None))
        (begun,) = store.unfinished()
        assert in_utc(begun) == in_utc(replace(airing, outcome=None))
        store.end(airing)
        (ended,) = [one for one in store.airings() if one.occurrence == airing.occurrence]
        assert in_utc(ended) == in_utc(airing)

    def test_lists_how_occurrences_ended(self, store: Store | FakeStore) -> None:
        """An occurrence that began is no airing until it ended; one that never began can end too."""
        store.begin(make_row("a", outcome=None))
        assert list(store.airings()) == []
        store.end(make_row("b", outcome=Outcome.MISSED))
        store.end(make_row("a"))
        assert {one.occurrence: one.outcome for one in store.airings()} == {
            "a": Outcome.AIRED,
            "b": Outcome.MISSED,
        }

    def test_lets_an_occurrence_begin_once(self, store: Store | FakeStore) -> None:
        """A second start of an occurrence is an error, and the first stands as it was written."""
        first = make_row("a", outcome=None)
        store.begin(first)
        for again in (first, replace(first, station="another")):
            with pytest.raises(BroadcasterError):
                store.begin(again)
        assert [one.station for one in store.unfinished()] == [first.station]

    def test_lets_an_occurrence_end_once(self, store: Store | FakeStore) -> None:
        """A second end of an occurrence is an error, whatever it says, and the first outcome stands."""
        store.end(make_row("a", outcome=Outcome.CUT))
        for outcome in (Outcome.CUT, Outcome.AIRED):
            with pytest.raises(BroadcasterError):
                store.end(make_row("a", outcome=outcome))
        assert [one.outcome for one in store.airings()] == [Outcome.CUT]

    def test_goes_on_after_an_error(self, store: Store | FakeStore) -> None:
        """What is written after a row that was refused is there."""
        store.end(make_row("a"))
        with pytest.raises(BroadcasterError):
            store.end(make_row("a"))
        store.end(make_row("b"))
        assert names(store.airings()) == ["a", "b"]

    def test_lists_airings_by_planned_time(self, store: Store | FakeStore) -> None:
        """Airings come in the order of their planned moments, whatever the zone and order of writing."""
        store.end(make_row("late", datetime(2026, 11, 20, 6, tzinfo=UTC)))
        store.end(make_row("early", at("2026-11-20", "12:59")))  # 05:59 UTC
        store.end(make_row("middle", datetime(2026, 11, 20, 5, 59, 30, tzinfo=UTC)))
        assert names(store.airings()) == ["early", "middle", "late"]

    def test_keeps_the_order_of_what_was_planned_together(self, store: Store | FakeStore) -> None:
        """Occurrences of one moment come in the order in which they ended."""
        for name in "cab":
            store.end(make_row(name))
        assert names(store.airings()) == ["c", "a", "b"]

    def test_takes_a_range(self, store: Store | FakeStore) -> None:
        """A range holds what is planned at its start, and no longer what is planned at its end."""
        for hour in range(4):
            store.end(make_row(str(hour), NOW + timedelta(hours=hour)))
        one, three = (NOW + timedelta(hours=hour) for hour in (1, 3))
        assert names(store.airings(one, three)) == ["1", "2"]
        assert names(store.airings(one.astimezone(ZONE), three.astimezone(ZONE))) == ["1", "2"]
        assert names(store.airings(start=one)) == ["1", "2", "3"]
        assert names(store.airings(end=one)) == ["0"]
        assert names(store.airings(one, one)) == []

    def test_lists_what_never_ended(self, store: Store | FakeStore) -> None:
        """Unfinished is what began and did not end, by planned time."""
        for name, hour in (("late", 2), ("done", 1), ("early", 0)):
            store.begin(make_row(name, NOW + timedelta(hours=hour), outcome=None))
        store.end(make_row("done", NOW + timedelta(hours=1)))
        store.end(make_row("missed", outcome=Outcome.MISSED))
        assert names(store.unfinished()) == ["early", "late"]

    def test_marks_what_is_so_now(self, store: Store | FakeStore) -> None:
        """A mark has the value that it was given last, be it text, number, list or nothing."""
        store.mark("alive", "2026-11-20T10:30:00+00:00")
        store.mark("faults", ["Xã Mường Nhé"])
        store.mark("on-air/nam-po", {"seconds": 1.5})
        store.mark("on-air/nam-po", None)
        assert store.marks() == {
            "alive": "2026-11-20T10:30:00+00:00",
            "faults": ["Xã Mường Nhé"],
            "on-air/nam-po": None,
        }

    def test_remembers_what_decoding_told(self, store: Store | FakeStore) -> None:
        """What was measured is kept for each recording, the last word on each; broken ones have no length."""
        broken = Measured(7, 1, "b", None, None)
        store.keep_measured({"a.wav": Measured(10, 2**62, "a", 1.25, HEARD), "bản.wav": broken})
        store.keep_measured({})
        assert store.measured() == {"a.wav": Measured(10, 2**62, "a", 1.25, HEARD), "bản.wav": broken}
        store.keep_measured({"a.wav": Measured(11, 2**62 + 1, "c", None, HEARD)})
        assert store.measured() == {"a.wav": Measured(11, 2**62 + 1, "c", None, HEARD), "bản.wav": broken}

    def test_serves_several_threads_at_once(self, store: Store | FakeStore) -> None:
        """What several threads write at once is all there, each row once, while others read."""

        def work(thread: int) -> None:
            for turn in range(10):
                row = make_row(f"{thread}/{turn}", NOW + timedelta(minutes=turn))
                store.begin(row)
                store.mark(f"on-air/{thread}", turn)
                list(store.airings())
                store.end(row)

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
        assert sorted(names(store.airings())) == sorted(f"{a}/{b}" for a in range(THREADS) for b in range(10))
        assert store.unfinished() == []
        assert store.marks() == {f"on-air/{thread}": 9 for thread in range(THREADS)}

    def test_gives_one_thread_the_occurrence(self, store: Store | FakeStore) -> None:
        """Of several threads that begin one occurrence at the same time one may."""

        def begin(_: int) -> bool:
            try:
                store.begin(make_row("a"))
            except BroadcasterError:
                return False
            return True

        with ThreadPoolExecutor(THREADS) as pool:
            assert sum(pool.map(begin, range(THREADS))) == 1


def make_older(connection: sqlite3.Connection) -> None:
    """The memory of a version that counted nothing beside the play log."""
    connection.execute("drop table counts")


class TestStore:
    def test_makes_its_folder(self, path: Path) -> None:
        """Opened for the first time it makes its file and the folder for it."""
        Store(path).close()
        assert path.is_file()

    def test_outlives_the_program(self, path: Path) -> None:
        """Opened again everything is there as it was left."""
        store = Store(path)
        store.begin(make_row("a", outcome=None))
        store.end(make_row("b"))
        store.mark("alive", 1)
        store.keep_measured({"a.wav": Measured(1, 2, "a", 3.5, HEARD)})
        store.close()
        again = Store(path)
        assert names(again.unfinished()) == ["a"]
        assert names(again.airings()) == ["b"]
        assert again.marks() == {"alive": 1}
        assert again.measured() == {"a.wav": Measured(1, 2, "a", 3.5, HEARD)}
        again.close()

    def test_is_shared_by_programs(self, path: Path) -> None:
        """A command and the daemon, each with the file open, write at once and see what the other wrote."""
        stores = [Store(path), Store(path)]

        def work(number: int) -> None:
            for turn in range(20):
                stores[number].end(make_row(f"{number}/{turn}"))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(work, range(2)))
        for store in stores:
            assert len(list(store.airings())) == 40
            assert store.verify() == []
        with pytest.raises(BroadcasterError):
            stores[0].end(make_row("1/0"))
        for store in stores:
            store.close()

    @pytest.mark.parametrize(
        ("wrong", "row", "what"),
        [
            ("update events set seconds = 61 where seq = 2", 2, "not as it was written"),
            ("update events set outcome = 'aired' where seq = 1", 1, "not as it was written"),
            ("update events set heard = 0 where seq = 4", 4, "not as it was written"),
            ("update events set seq = 9 where seq = 4", 9, "before it: 5"),
            ("delete from events where seq = 1", 2, "before it: 1"),
            ("delete from events where seq in (2, 3)", 4, "before it: 2"),
            ("delete from events where seq = 4", 4, "at the end: 1"),
            ("delete from events", 1, "at the end: 4"),
        ],
    )
    def test_finds_what_was_changed(self, path: Path, wrong: str, row: int, what: str) -> None:
        """A row that was changed, moved or taken out is told with its number."""
        store = Store(path)
        for name in "ab":
            store.begin(make_row(name, outcome=None))
            store.end(make_row(name))
        assert store.verify() == []
        with sqlite3.connect(path) as connection:
            with pytest.raises(sqlite3.IntegrityError, match="only ever added"):
                connection.execute(wrong)
            for change in ("update", "delete"):
                connection.execute(f"drop trigger no_{change}")
            connection.execute(wrong)
        connection.close()
        found = store.verify()
        store.close()
        assert found[0][0] == row
        assert what in str(found[0][1])

    def test_a_row_and_what_goes_with_it_are_written_together(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A disk that fails before the row's number and its counts are kept keeps none of the three."""
        store = Store(path)
        store.end(make_row("a"))
        monkeypatch.setattr("broadcaster.edges.store.COUNT_EVERY", 1)
        monkeypatch.setattr("broadcaster.edges.store.counts.count_on", refused)
        with pytest.raises(BroadcasterError):
            store.end(make_row("b"))
        monkeypatch.undo()
        assert (names(store.airings()), store.head) == (["a"], 1)
        store.end(make_row("b"))
        assert (names(store.airings()), store.head, store.verify()) == (["a", "b"], 2, [])
        store.close()

    def test_a_character_that_cannot_be_written_holds_up_no_row(self, path: Path) -> None:
        """Half a letter, as a terminal or a file's name may have it, becomes a question mark."""
        store = Store(path)
        spoilt = replace(make_row("a"), script_title="N\udcfcc l\udc8d", detail="\ud83d")
        store.end(spoilt)
        store.end(make_row("b"))
        assert next(one.script_title for one in store.airings()) == "N?c l?"
        assert store.verify() == []
        store.close()

    def test_rows_without_a_chain_are_told(self, path: Path) -> None:
        """Rows of a version that had none are read and kept; nobody can say whether they are as written."""
        Store(path).close()
        with sqlite3.connect(path) as connection:
            make_older(connection)
            connection.execute("alter table events drop column chain")
            row = connection.execute("select count(*) from events")
            assert row.fetchone() == (0,)
        connection.close()
        older = sqlite3.connect(path)
        older.execute("insert into events (seq, event, occurrence, languages) values (1, 'end', 'old', '[]')")
        older.commit()
        older.close()
        store = Store(path)
        store.begin(make_row("a", outcome=None))
        assert [number for number, _ in store.verify()] == [1]
        store.close()

    def test_keeps_rows_that_anyone_can_read(self, path: Path) -> None:
        """The log is plain SQLite: the view `airings` has one row an occurrence, in readable letters."""
        store = Store(path)
        store.begin(make_row("a", outcome=None))
        store.end(make_row("a", at("2026-11-20", "17:30")))
        with sqlite3.connect(path) as connection:
            rows = connection.execute("select planned, outcome, area_name, languages from airings").fetchall()
        connection.close()
        store.close()
        ((planned, outcome, area, languages),) = rows
        assert (planned, outcome, area) == ("2026-11-20T10:30:00.000+00:00", "aired", "Bản Nậm Pố")
        assert '"language": "vi"' in languages

    @pytest.mark.parametrize("heard", ['{"length": 1.0}', '{"louder": 1.0}', "[1]", "5", "no JSON"])
    def test_what_another_version_heard_is_heard_again(self, path: Path, heard: str) -> None:
        """What is kept of a recording may be forgotten at any time: what is not understood is."""
        store = Store(path)
        store.keep_measured({name: Measured(1, 2, "a", 3.5, HEARD) for name in ("a.wav", "b.wav")})
        with sqlite3.connect(path) as connection:
            connection.execute("update heard set heard = ? where path = 'a.wav'", [heard])
        connection.close()
        assert store.measured().keys() == {"b.wav"}
        store.close()

    @pytest.mark.parametrize("read_only", [False, True])
    def test_of_an_older_version_is_used(self, path: Path, *, read_only: bool) -> None:
        """A database without the table of what was heard is read as it is, or given one."""
        Store(path).close()
        with sqlite3.connect(path) as connection:
            make_older(connection)
            connection.execute("drop table heard")
        connection.close()
        store = Store(path, read_only=read_only)
        assert store.measured() == {}
        if not read_only:
            store.keep_measured({"a.wav": Measured(1, 2, "a", 3.5, None)})
            assert store.measured().keys() == {"a.wav"}
        store.close()

    @pytest.mark.parametrize("read_only", [False, True])
    @pytest.mark.parametrize("content", [b"not a database, but long enough" * 99, None])
    def test_refuses_what_is_no_database(self, path: Path, content: bytes | None, *, read_only: bool) -> None:
        """Another file, or a folder, in the place of the database is an error that names it."""
        path.parent.mkdir()
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)
        with pytest.raises(BroadcasterError) as caught:
            Store(path, read_only=read_only)
        assert caught.value.faults[0].where == str(path)
        if content is not None:
            assert path.read_bytes() == content

    def test_says_when_its_folder_cannot_be_made(self, path: Path) -> None:
        """Where a file stands in the place of var/ the error names the database."""
        path.parent.write_text("in the way")
        with pytest.raises(BroadcasterError) as caught:
            Store(path)
        assert caught.value.faults[0].where == str(path)

    def test_says_when_the_database_is_damaged(self, path: Path) -> None:
        """A database with its pages overwritten is an error to whoever reads it or writes to it."""
        store = Store(path)
        for number in range(100):
            store.end(make_row(str(number)))
        store.close()
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (path.stat().st_size - 4096))
        damaged = Store(path)
        uses: list[Callable[[], object]] = [
            lambda: list(damaged.airings()),
            damaged.unfinished,
            damaged.marks,
            damaged.measured,
            lambda: damaged.end(make_row("new")),
        ]
        for use in uses:
            with pytest.raises(BroadcasterError):
                use()
        damaged.close()


class TestReadOnly:
    def test_makes_nothing(self, path: Path) -> None:
        """A memory that is not there reads as an empty one, and still is not there."""
        store = Store(path, read_only=True)
        assert list(store.airings()) == store.unfinished() == []
        assert store.marks() == store.measured() == {}
        store.close()
        assert not path.parent.exists()

    def test_leaves_the_folder_as_it_is(self, path: Path) -> None:
        """Reading makes no file beside the database, and changes not a byte of it."""
        store = Store(path)
        store.end(make_row("a"))
        store.close()
        before = path.read_bytes()
        reader = Store(path, read_only=True)
        assert names(reader.airings()) == ["a"]
        assert list(path.parent.iterdir()) == [path]
        reader.close()
        assert list(path.parent.iterdir()) == [path]
        assert path.read_bytes() == before

    def test_writes_nothing(self, path: Path) -> None:
        """To write is an error, whether or not the daemon has the file open, and changes nothing."""
        daemon = Store(path)
        for _ in range(2):
            reader = Store(path, read_only=True)
            with pytest.raises(BroadcasterError):
                reader.end(make_row("a"))
            assert list(reader.airings()) == []
            reader.close()
            daemon.close()

    def test_sees_what_the_daemon_writes(self, path: Path) -> None:
        """While the daemon has the file open, each look shows what was written until then."""
        daemon = Store(path)
        reader = Store(path, read_only=True)
        for name in "abc":
            daemon.end(make_row(name))
            assert names(reader.airings())[-1] == name
        reader.close()
        daemon.close()

    @pytest.mark.parametrize("running", [True, False], ids=["daemon runs", "daemon is off"])
    def test_reads_where_it_may_not_write(self, path: Path, *, running: bool) -> None:
        """In a folder that it may not write to it reads everything, be the daemon there or not."""
        daemon = Store(path)
        daemon.end(make_row("a"))
        if not running:
            daemon.close()
        path.parent.chmod(0o555)
        lines = told(AS_ANYBODY, READ, path)
        path.parent.chmod(0o755)
        daemon.close()
        if lines[0] == "may write":
            pytest.skip("this user may write to a folder that nobody may write to")
        assert lines == ["may not write", "a"]


READ = """
import sys
from pathlib import Path
from broadcaster.edges.store import Store
path = Path(sys.argv[1])
try:
    (path.parent / "new").touch()
    print("may write")
except PermissionError:
    print("may not write")
print(*(one.occurrence for one in Store(path, read_only=True).airings()))
"""


class TestBackup:
    """A copy is as the memory was at one moment, and what comes back is as the copy."""

    def test_comes_back_elsewhere(self, path: Path, tmp_path: Path) -> None:
        """Rows, marks and their chain are there on another machine, and it goes on."""
        store = Store(path)
        for name in "ab":
            store.end(make_row(name))
        store.mark("alive", "then")
        with pytest.raises(BroadcasterError, match="no such folder"):
            store.copy_to(tmp_path / "usb" / "copy.db")
        (tmp_path / "usb").mkdir()
        assert store.copy_to(tmp_path / "usb" / "copy.db") == 2
        store.end(make_row("c"))
        store.close()
        assert [one.name for one in (tmp_path / "usb").iterdir()] == ["copy.db"]
        other = tmp_path / "other" / "broadcaster.db"
        assert restore(tmp_path / "usb" / "copy.db", other) == (2, None)
        back = Store(other)
        assert (names(back.airings()), back.marks()) == (["a", "b"], {"alive": "then"})
        back.end(make_row("d"))
        assert back.verify() == []
        back.close()

    def test_what_was_there_is_kept(self, path: Path, tmp_path: Path) -> None:
        """The log that a copy replaces is put aside, whole."""
        store = Store(path)
        store.end(make_row("a"))
        store.copy_to(tmp_path / "copy.db")
        store.end(make_row("b"))
        store.close()
        rows, before = restore(tmp_path / "copy.db", path)
        assert rows == 1
        assert before is not None
        assert names(Store(before, read_only=True).airings()) == ["a", "b"]

    def test_while_somebody_writes_it_is_of_one_moment(self, path: Path, tmp_path: Path) -> None:
        """Each copy verifies, whatever is added meanwhile."""
        store = Store(path)
        done = Event()

        def write() -> None:
            number = 0
            while not done.is_set():
                number += 1
                store.end(make_row(str(number)))

        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(write)
            for number in range(5):
                copying = Store(path, read_only=True)
                rows = copying.copy_to(tmp_path / f"{number}.db")
                copying.close()
                copy = Store(tmp_path / f"{number}.db", read_only=True)
                assert (len(list(copy.airings())), copy.verify()) == (rows, [])
                copy.close()
            done.set()
            writing.result()
        store.close()

    @pytest.mark.parametrize("wrong", ["damaged", "changed", "absent"])
    def test_one_that_is_not_right_is_refused(self, path: Path, tmp_path: Path, wrong: str) -> None:
        """A copy that was damaged or changed replaces nothing."""
        store = Store(path)
        for number in range(200):
            store.end(make_row(str(number)))
        copy = tmp_path / "copy.db"
        store.copy_to(copy)
        store.close()
        before = path.read_bytes()
        if wrong == "damaged":
            with copy.open("r+b") as file:
                file.seek(20 * 4096)
                file.write(b"\xa5" * 4096)
        elif wrong == "changed":
            with sqlite3.connect(copy) as connection:
                connection.execute("drop trigger no_update")
                connection.execute("update events set seconds = 1 where seq = 7")
            connection.close()
        else:
            copy.unlink()
        with pytest.raises(BroadcasterError) as caught:
            restore(copy, path)
        told = {"damaged": "damaged", "changed": "not as it was written", "absent": "no such file"}[wrong]
        assert told in str(caught.value)
        assert path.read_bytes() == before

    def test_where_there_is_no_room_nothing_is_left(self, path: Path, tmp_path: Path) -> None:
        """A place that takes no file is told, and no half of a copy remains."""
        store = Store(path)
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(BroadcasterError, match="no such folder"):
            store.copy_to(tmp_path / "file" / "copy.db")
        store.close()


class TestRescue:
    """A damaged memory is set aside, and what still reads is taken over."""

    @staticmethod
    def filled(path: Path, rows: int = 300) -> None:
        store = Store(path)
        for number in range(rows):
            store.end(make_row(f"{number:03}"))
        store.mark("alive", "then")
        store.close()

    @pytest.mark.parametrize("page", [5, 40, -20, -1])
    def test_what_lies_on_other_pages_is_kept(self, path: Path, page: int) -> None:
        """One page that a disk spoilt costs its own rows; the rest is there, in its order, and it goes on."""
        self.filled(path)
        pages = path.stat().st_size // 4096
        with path.open("r+b") as file:
            file.seek(page % pages * 4096)
            file.write(b"\xa5" * 4096)
        rescued = rescue(path)
        assert rescued is not None
        assert rescued.aside.stat().st_size == pages * 4096
        store = Store(path)
        kept = names(store.airings())
        assert kept == sorted(kept)
        assert len(kept) == rescued.rows >= 250
        store.end(make_row("new"))
        assert names(store.airings())[-1] == "new"
        assert len(store.verify()) <= 2
        store.close()
        assert rescue(path) is None

    def test_a_place_of_the_disk_that_does_not_read_costs_its_rows(self, path: Path) -> None:
        """The log goes on in another file, with all rows that lie elsewhere."""
        self.filled(path)
        whole = path.read_bytes()
        rows, aside = self.rescued_with_errors(path, pages="40+20", blocks="2").split()
        assert 150 <= int(rows) < 300
        assert Path(aside).read_bytes() == whole
        assert len(names(Store(path).airings())) == int(rows)

    def test_a_disk_that_does_not_read_at_all_is_waited_for(self, path: Path) -> None:
        """It may be back in a minute: nothing is set aside."""
        self.filled(path)
        assert self.rescued_with_errors(path, pages="1+", blocks="1+") == "None"

    @staticmethod
    def rescued_with_errors(path: Path, *, pages: str, blocks: str) -> str:
        """What `rescue` finds if the kernel says EIO at these reads of SQLite, and of a plain file."""
        need("strace")
        if subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
            left_out("ptrace is forbidden")
        files = [path, path.with_name("broadcaster-damaged-1.db")]
        told = (
            "import sys; from pathlib import Path; from broadcaster.edges.store import rescue; "
            "found = rescue(Path(sys.argv[1])); print(found and f'{found.rows} {found.aside}')"
        )
        done = subprocess.run(
            [
                *("strace", "-f", "-q", "-o", os.devnull, *(word for file in files for word in ("-P", file))),
                *("-e", f"inject=pread64:error=EIO:when={pages}"),
                *("-e", f"inject=read:error=EIO:when={blocks}"),
                *(sys.executable, "-c", told, path),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def test_what_is_whole_is_left_alone(self, path: Path) -> None:
        """So is what is not there."""
        assert rescue(path) is None
        self.filled(path, 3)
        before = path.read_bytes()
        assert rescue(path) is None
        assert path.read_bytes() == before

    def test_of_nothing_begins_anew(self, path: Path) -> None:
        """Another file in its place is kept, each time under a name of its own."""
        path.parent.mkdir()
        for number in (1, 2):
            path.write_bytes(b"not a database, but long enough" * 99)
            rescued = rescue(path)
            assert rescued is not None
            assert (rescued.aside.name, rescued.rows) == (f"broadcaster-damaged-{number}.db", 0)
            Store(path).close()

    def test_rows_that_were_cut_off_are_not_forgotten(self, path: Path) -> None:
        """The numbers of rows that are gone are not used again, so `verify` goes on telling of them."""
        self.filled(path, 3)
        with sqlite3.connect(path) as connection:
            connection.execute("drop trigger no_delete")
            connection.execute("delete from events where seq = 3")
        connection.close()
        store = Store(path)
        store.end(make_row("new"))
        (number, what), _lock = store.verify()
        store.close()
        assert (number, "before it: 1" in str(what)) == (4, True)


AS_ANYBODY = """
import ctypes, os, sys
drop_from_bounding_set, overriding_permissions = 24, 1  # a right of root's, gone with the next program
ctypes.CDLL(None).prctl(drop_from_bounding_set, overriding_permissions, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
"""


class TestInAnyCase:
    """The daemon's memory: whatever is wrong with it, the daemon runs, and what can be written is."""

    @staticmethod
    def cannot_be_read(store: Store) -> bool:
        for ask in (store.airings, store.unfinished, store.marks):
            with pytest.raises(BroadcasterError, match="cannot be used"):
                list(ask())
        return store.measured() == {}

    def test_is_as_any_other_where_nothing_is_wrong(self, path: Path) -> None:
        """It is made, written and read."""
        store = Store(path, in_any_case=True)
        store.end(make_row("a"))
        store.close()
        assert names(Store(path, read_only=True).airings()) == ["a"]

    @pytest.mark.parametrize("wrong", ["a folder", "no folder", "no database"])
    def test_what_cannot_be_used_comes_back(self, path: Path, wrong: str) -> None:
        """A memory that cannot be used stops nobody at the start; whatever is asked of it tries it again."""
        in_the_way = path.parent if wrong == "no folder" else path
        if wrong == "a folder":
            path.mkdir(parents=True)
        else:
            in_the_way.parent.mkdir(exist_ok=True)
            in_the_way.write_bytes(b"not a database, but long enough" * 99)
        store = Store(path, in_any_case=True)
        if wrong != "no folder":  # where nothing can be, nothing is
            assert self.cannot_be_read(store)
        for _ in range(2):
            with pytest.raises(BroadcasterError, match="cannot be used"):
                store.end(make_row("a"))
            with pytest.raises(BroadcasterError, match="cannot be used"):
                store.mark("alive", 1)
        in_the_way.rename(in_the_way.with_name("aside"))
        store.end(make_row("b"))
        store.mark("alive", 2)
        assert (names(store.airings()), store.marks()) == (["b"], {"alive": 2})
        store.close()
        assert names(Store(path, read_only=True).airings()) == ["b"]

    def test_reads_what_is_there_on_a_full_disk(self, path: Path) -> None:
        """Without a free byte what was written before is read; when there is room again, it goes on."""
        store = Store(path)
        store.end(make_row("a"))
        store.mark("alive", 1)
        store.close()
        assert told(FULL, path) == ["['a'] {'alive': 1}", "refused", "['a'] {'alive': 1}", "goes on"]
        assert names(Store(path, read_only=True).airings()) == ["a", "b"]

    def test_begins_on_a_full_disk(self, path: Path) -> None:
        """With neither a memory nor a free byte for one it reads as empty, and is made when there is room."""
        assert told(FULL, path) == ["[] {}", "refused", "[] {}", "goes on"]
        assert names(Store(path, read_only=True).airings()) == ["b"]

    @pytest.mark.parametrize(
        "damaged",
        [
            "update events set planned = 'x' where occurrence = 'a'",
            "update events set languages = 'x' where occurrence = 'a'",
            "update events set outcome = 'x' where occurrence = 'a'",
        ],
    )
    def test_a_damaged_row_is_told_and_stops_no_daemon(self, path: Path, damaged: str) -> None:
        """A row that a failing disk spoilt is passed over by the daemon; whoever asks for the log is told."""
        store = Store(path)
        for name in ("a", "b"):
            store.end(make_row(name))
        store.mark("alive", 1)
        store.mark("other", 2)
        store.close()
        with sqlite3.connect(path) as connection:
            connection.execute("drop trigger no_update")
            connection.execute(damaged)
            connection.execute("update marks set value = '{' where name = 'other'")
        connection.close()
        daemons = Store(path, in_any_case=True)
        assert (names(daemons.airings()), daemons.marks()) == (["b"], {"alive": 1})
        daemons.close()
        with pytest.raises(BroadcasterError, match="cannot be used: 1: "):
            list(Store(path, read_only=True).airings())

    def test_of_which_a_part_is_damaged_is_unknown(self, path: Path) -> None:
        """A database whose pages were overwritten stops no daemon at its start, and is not an empty one."""
        store = Store(path)
        for number in range(100):
            store.end(make_row(str(number)))
        store.close()
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * (path.stat().st_size - 4096))
        damaged = Store(path, in_any_case=True)
        assert self.cannot_be_read(damaged)
        with pytest.raises(BroadcasterError, match="cannot be used"):
            damaged.end(make_row("new"))
        path.rename(path.with_name("aside"))
        damaged.end(make_row("newer"))
        assert names(damaged.airings()) == ["newer"]
        damaged.close()


FULL = """
import resource, sys
from dataclasses import replace
from pathlib import Path
from broadcaster.edges.store import Store
from broadcaster.model.errors import BroadcasterError
from tests.factories import make_airing
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
store = Store(Path(sys.argv[1]), in_any_case=True)
def look():
    print([one.occurrence for one in store.airings()], store.marks())
look()
try:
    store.end(replace(make_airing(), occurrence="b"))
except BroadcasterError as error:
    print("refused")
look()
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
store.end(replace(make_airing(), occurrence="b"))
print("goes on")
"""


class TestPowerCut:
    def test_keeps_every_row_that_was_written(self, path: Path) -> None:
        """Killed at any moment, and again, every row that was said to be written is there."""
        printed: list[str] = []
        for rows in (1, 40):
            with child(WRITE, path, len(printed)) as process:
                assert process.stdout
                printed += [process.stdout.readline().strip() for _ in range(rows)]
                process.kill()
                printed += process.stdout.read().split()
            store = Store(path)
            found = names(store.airings())
            assert found[: len(printed)] == printed == [str(number) for number in range(len(printed))]
            assert len(found) <= len(printed) + 1  # one may have been written and not yet printed
            assert {*names(store.unfinished())} <= {str(len(printed)), str(len(printed) + 1)}
            printed = found
            store.close()
            with sqlite3.connect(path) as connection:
                assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
            connection.close()

    def test_keeps_what_is_there_when_the_disk_is_full(self, path: Path) -> None:
        """A full disk is an error; what was written is there, and it goes on when there is room."""
        *numbers, fault, after = told(FILL, path)
        assert len(numbers) > 5
        assert fault.startswith("BroadcasterError play log: The station's memory cannot be used")
        assert after == "goes on"
        store = Store(path)
        assert names(store.airings()) == [*numbers, "after"]
        store.close()

    def test_says_when_there_is_no_room_to_begin(self, path: Path) -> None:
        """On a disk without a free byte opening is an error that names the database."""
        script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n{OPEN}"
        (line,) = told(script, path)
        assert line.startswith(f"BroadcasterError {path}")


WRITE = """
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from broadcaster.edges.store import Store
from tests.factories import make_airing
store = Store(Path(sys.argv[1]))
for number in count(int(sys.argv[2])):
    row = replace(make_airing(), occurrence=str(number))
    if row.occurrence not in {one.occurrence for one in store.unfinished()}:
        store.begin(replace(row, outcome=None))
    store.end(row)
    print(number, flush=True)
"""
FILL = """
import resource, sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from broadcaster.edges.store import Store
from broadcaster.model.errors import BroadcasterError
from tests.factories import make_airing
store = Store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
try:
    for number in count():
        store.end(replace(make_airing(), occurrence=str(number)))
        print(number)
except BroadcasterError as error:
    print(type(error).__name__, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
store.end(replace(make_airing(), occurrence="after"))
print("goes on")
"""
OPEN = """
import sys
from pathlib import Path
from broadcaster.edges.store import Store
from broadcaster.model.errors import BroadcasterError
try:
    Store(Path(sys.argv[1]))
except BroadcasterError as error:
    print(type(error).__name__, error)
"""


class TestSoleDaemon:
    def test_refuses_a_second_one(self, tmp_path: Path) -> None:
        """While one process holds the station another is refused, and told that a daemon runs."""
        with child(HOLD, tmp_path) as process:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            assert daemon_runs(tmp_path)
            for _ in range(2):
                with pytest.raises(BroadcasterError, match="already runs"), sole_daemon(tmp_path):
                    pass

    def test_is_free_when_the_daemon_was_killed(self, tmp_path: Path) -> None:
        """However the daemon ended, the next one may begin, and holds it from then on."""
        with child(HOLD, tmp_path) as process:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
        assert not daemon_runs(tmp_path)
        with sole_daemon(tmp_path):
            assert daemon_runs(tmp_path)
            with pytest.raises(BroadcasterError), sole_daemon(tmp_path):
                pass
        assert not daemon_runs(tmp_path)

    def test_needs_nothing_of_the_disk(self, tmp_path: Path) -> None:
        """A full disk is no hindrance: no file is made."""
        script = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n{HOLD}"
        with child(script, tmp_path) as process:
            assert process.stdout
            assert process.stdout.readline() == "held\n"
            assert daemon_runs(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_looking_is_no_obstacle(self, tmp_path: Path) -> None:
        """Who asks whether a daemon runs, again and again, does not stop one from beginning."""
        stop = Event()

        def look() -> None:
            while not stop.is_set():
                daemon_runs(tmp_path)

        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(look)
            try:
                for _ in range(50):
                    with sole_daemon(tmp_path):
                        pass
            finally:
                stop.set()
            looking.result()

    def test_says_when_there_is_no_folder(self, tmp_path: Path) -> None:
        """Where no folder is, no daemon runs, and none can be held; the error does not say that one runs."""
        assert not daemon_runs(tmp_path / "khong-co")
        with pytest.raises(BroadcasterError, match="cannot be used"), sole_daemon(tmp_path / "khong-co"):
            pass


HOLD = """
import sys
from pathlib import Path
from broadcaster.edges.store import sole_daemon
from broadcaster.model.errors import BroadcasterError
try:
    with sole_daemon(Path(sys.argv[1])):
        print("held", flush=True)
        sys.stdin.read()
except BroadcasterError as error:
    print(error)
"""
