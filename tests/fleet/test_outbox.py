"""Rows of a station's play log reach its province once each, whatever is lost on the way."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broadcaster.edges.store import Store, database
from broadcaster.edges.store.arrivals import Batch, Taken
from broadcaster.fleet import outbox as module
from broadcaster.fleet.outbox import Outbox, packed, unpacked
from broadcaster.model.airing import Outcome
from tests.factories import at, make_airing

NAME = "03160"


def is_theirs(_sender: str, area: str) -> bool:
    return area.startswith(NAME)


class Pair:
    """A station and its province, with nothing between them but what a test lets through."""

    def __init__(self, folder: Path) -> None:
        self.station, self.province = folder / "station", folder / "province"
        self.logged = 0
        self.outbox = self.opened()

    def opened(self) -> Outbox:
        """As it is after a restart."""
        var = self.station / "var"

        def store(*, read_only: bool) -> Any:
            return closing(Store(database(var), read_only=read_only))

        return Outbox(self.station, NAME, lambda: store(read_only=True), lambda: store(read_only=False))

    def log(self, count: int = 1, *, area: str = "03160/nam-po") -> None:
        """So many broadcasts, of two rows each."""
        with closing(Store(database(self.station / "var"))) as store:
            for _ in range(count):
                self.logged += 1
                planned = at("2026-11-20", "17:30") + timedelta(minutes=self.logged)
                one = replace(make_airing(), occurrence=f"tin@{self.logged}/loa", area=area, planned=planned)
                one = replace(one, station_area=NAME)
                store.begin(replace(one, outcome=None, seconds=0.0))
                store.end(replace(one, outcome=Outcome.AIRED))

    def take(self, batch: Batch) -> Taken:
        with closing(Store(database(self.province / "var"))) as store:
            return store.take([unpacked(packed(batch), batch.sender)], is_theirs)[0]

    def send(self, *, answered: bool = True) -> bool:
        """One batch, if there is any."""
        if (batch := self.outbox.next()) is None:
            return False
        told = asdict(self.take(batch))
        if answered:
            self.outbox.answered(batch, told)
        return True

    def compare(self) -> list[tuple[int, int]]:
        missing: list[tuple[int, int]] = []
        with closing(Store(database(self.province / "var"))) as store:
            for one in self.outbox.stretches():
                missing += store.missing(NAME, one.first, one.last, one.count)
        self.outbox.asked_for(missing)
        return missing

    def settle(self) -> None:
        """What hours of a working line do."""
        for _ in range(200):
            while self.send():
                pass
            if not self.compare():
                return
        raise AssertionError(self.outbox.confirmed)

    def rows(self, *, of_station: bool) -> list[tuple[str, str]]:
        """Number and chain of every row."""
        where = self.station if of_station else self.province
        with closing(Store(database(where / "var"))) as store:
            if of_station:
                asked = "select seq, chain from events order by seq"
            else:
                store.missing(NAME, 1, 1, 1)  # the tables are there
                asked = "select number, sealed from events union all select number, sealed from apart"
            return [tuple(row) for row in store._db.execute(asked)]


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    monkeypatch.setattr(module, "MOST_ROWS", 5)
    return Pair(tmp_path)


def arrived(pair: Pair) -> bool:
    """Has the province every row of the station once?"""
    there = pair.rows(of_station=False)
    return sorted(set(there)) == sorted(there) and {*pair.rows(of_station=True)} <= {*there}


def test_rows_arrive_as_they_were_written(pair: Pair) -> None:
    """Every row arrives, counted under its station, with its names and times."""
    pair.log(6)
    pair.settle()
    assert arrived(pair)
    with closing(Store(database(pair.province / "var"))) as store:
        airings = list(store.airings())
        assert store.verify() == []
    assert [one.occurrence for one in airings] == [f"{NAME}:tin@{number}/loa" for number in range(1, 7)]
    assert airings[0].planned == at("2026-11-20", "17:31")


def test_a_lost_answer_is_asked_for_again(pair: Pair) -> None:
    """Rows that were taken, and whose answer was lost, are sent again and known."""
    pair.log(4)
    assert pair.send(answered=False)
    assert pair.send(answered=False)
    pair.settle()
    assert arrived(pair)


def test_a_wiped_province_gets_all_once_more(pair: Pair) -> None:
    """With the next row, or the next comparison, a province that lost its disk has every row again."""
    pair.log(6)
    pair.settle()
    shutil.rmtree(pair.province)
    assert pair.compare() == [(1, 12)]
    pair.settle()
    assert arrived(pair)
    shutil.rmtree(pair.province)
    pair.log()
    pair.settle()
    assert arrived(pair)


def test_a_log_brought_back_from_a_copy_goes_on_in_a_new_epoch(pair: Pair) -> None:
    """What was logged after the copy stays at the province; what came since has numbers of its own."""
    pair.log(3)
    copy = pair.station / "copy.db"
    with closing(Store(database(pair.station / "var"))) as store:
        store.copy_to(copy)
    pair.log(3)
    pair.settle()
    for suffix in ("", "-wal", "-shm"):
        database(pair.station / "var").with_name(f"broadcaster.db{suffix}").unlink(missing_ok=True)
    shutil.copy(copy, database(pair.station / "var"))
    pair.log(5)
    pair.settle()
    assert arrived(pair)
    assert len(pair.rows(of_station=False)) == 12 + 10


def test_a_log_that_began_anew_is_told_apart(pair: Pair) -> None:
    """A station whose disk died counts on from one; what it had sent before stays."""
    pair.log(3)
    pair.settle()
    shutil.rmtree(pair.station / "var")
    pair.log(2)
    pair.settle()
    assert arrived(pair)
    assert len(pair.rows(of_station=False)) == 10


def test_an_altered_row_is_found(pair: Pair) -> None:
    """A row that is not as it was written is counted, and told."""
    pair.log(2)
    with closing(Store(database(pair.station / "var"))) as store:
        store._db.execute("drop trigger no_update")
        store._db.execute("update events set seconds = 999 where seq = 2")
        store._db.conn.commit()
    batch = pair.outbox.next()
    assert batch is not None
    assert [number for number, _ in pair.take(batch).found] == [2]


def test_a_row_taken_out_is_found(pair: Pair) -> None:
    """A gap in the numbers is told, and asked for without end nor harm."""
    pair.log(3)
    with closing(Store(database(pair.station / "var"))) as store:
        store._db.execute("drop trigger no_delete")
        store._db.execute("delete from events where seq = 3")
        store._db.conn.commit()
    batch = pair.outbox.next()
    assert batch is not None
    taken = pair.take(batch)
    assert [(number, str(what)) for number, what in taken.found] == [(4, "Rows taken out before it: 1.")]
    while pair.send():
        pass
    pair.compare()
    pair.log()
    while pair.send():
        pass
    assert arrived(pair)


def test_rows_of_another_area_are_not_counted(pair: Pair) -> None:
    """A station counts for itself alone: what it says of others is kept apart, and told."""
    pair.log(1, area="03163/ban-khac")
    pair.log(1)
    batch = pair.outbox.next()
    assert batch is not None
    taken = pair.take(batch)
    assert (taken.new, taken.apart) == (2, 2)
    pair.outbox.answered(batch, asdict(taken))
    assert not pair.send()
    assert arrived(pair)
    with closing(Store(database(pair.province / "var"))) as store:
        assert {one.area for one in store.airings()} == {"03160/nam-po"}


@pytest.mark.parametrize(
    "spoilt",
    [
        {"seconds": "viel"},
        {"outcome": "heard"},
        {"planned": None},
        {"event": "middle"},
        {"occurrence": ["x"]},
    ],
)
def test_a_row_that_is_none_stops_nothing(pair: Pair, spoilt: dict[str, Any]) -> None:
    """It is kept apart, and those behind it are counted."""
    pair.log(2)
    batch = pair.outbox.next()
    assert batch is not None
    rows = [dict(row) for row in batch.rows]
    rows[1] |= spoilt
    taken = pair.take(replace(batch, rows=rows))
    assert (taken.new, taken.apart) == (3, 1)


@pytest.mark.parametrize("data", [b"", b"x", b"[]", packed(Batch(NAME, "e", 0, "", []))])
def test_what_is_no_batch_is_refused(data: bytes) -> None:
    """It is a ValueError, whatever it is."""
    with pytest.raises(ValueError, match=r"."):
        unpacked(data, NAME)


def test_a_batch_that_swells_is_refused() -> None:
    """A few kilobytes that unpack to a hundred megabytes are no batch."""
    import zlib

    with pytest.raises(ValueError, match=r"\d+"):
        unpacked(zlib.compress(b"0" * 100_000_000), NAME)


class Losing(RuleBasedStateMachine):
    """Anything may be lost at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.pair = Pair(self.folder)
        self.copies: list[Path] = []
        self.before = module.MOST_ROWS
        module.MOST_ROWS = 3  # type: ignore[misc]

    def teardown(self) -> None:
        module.MOST_ROWS = self.before  # type: ignore[misc]
        shutil.rmtree(self.folder)

    @rule(count=st.integers(1, 3))
    def log(self, count: int) -> None:
        self.pair.log(count)

    @rule(answered=st.booleans())
    def send(self, answered: bool) -> None:
        self.pair.send(answered=answered)

    @rule()
    def compare(self) -> None:
        self.pair.compare()

    @rule()
    def restart(self) -> None:
        self.pair.outbox = self.pair.opened()

    @rule()
    def forget_what_was_confirmed(self) -> None:
        (self.pair.station / "var" / "province" / "sent.json").unlink(missing_ok=True)

    @rule()
    def wipe_province(self) -> None:
        shutil.rmtree(self.pair.province, ignore_errors=True)

    @rule()
    def wipe_station(self) -> None:
        shutil.rmtree(self.pair.station / "var", ignore_errors=True)
        self.restart()

    @rule()
    def copy(self) -> None:
        path = self.folder / f"copy-{len(self.copies)}.db"
        if database(self.pair.station / "var").exists():
            with closing(Store(database(self.pair.station / "var"))) as store:
                store.copy_to(path)
            self.copies.append(path)

    @rule(which=st.integers(0, 5))
    def bring_back(self, which: int) -> None:
        if self.copies:
            to = database(self.pair.station / "var")
            for suffix in ("", "-wal", "-shm"):
                to.with_name(f"broadcaster.db{suffix}").unlink(missing_ok=True)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.copies[which % len(self.copies)], to)

    @invariant()
    def nothing_is_there_twice(self) -> None:
        there = self.pair.rows(of_station=False)
        assert len(there) == len({*there})

    @rule()
    def settle(self) -> None:
        self.pair.settle()
        assert arrived(self.pair)


Losing.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestLosing = Losing.TestCase


def test_everything_is_what_is_not_confirmed(pair: Pair) -> None:
    """For a stick all batches are written, and none is taken for confirmed by that."""
    pair.log(6)
    pair.send()
    batches: Iterator[Batch] = pair.outbox.everything()
    numbers = [row["seq"] for batch in batches for row in batch.rows]
    assert numbers == list(range(6, 13))
    assert pair.outbox.confirmed == 5
