"""What is on air is written down in its order, and waits for no disk."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from broadcaster.alarms import Alarms
from broadcaster.edges.clock import SystemClock
from broadcaster.edges.store import Store, database
from broadcaster.journal import PATIENCE, Journal
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.errors import BroadcasterError, Fault, say
from tests.factories import make_airing
from tests.fakes import FakeClock, FakeStore

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)


class Disk(FakeStore):
    """A memory that notes what it is told; full, it refuses; slow, it answers when `answers` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self.full = False
        self.answers: Event | None = None

    def begin(self, airing: Airing) -> None:
        self._take(f"start {airing.occurrence}", lambda: FakeStore.begin(self, airing))

    def end(self, airing: Airing) -> None:
        self._take(f"end {airing.occurrence}", lambda: FakeStore.end(self, airing))

    def mark(self, name: str, value: object) -> None:
        self._take(f"{name}={value}", lambda: FakeStore.mark(self, name, value))

    def _take(self, what: str, write: Callable[[], None]) -> None:
        if self.answers:
            self.answers.wait(10)
        if self.full:
            raise BroadcasterError(
                Fault("play log", say("The station's memory cannot be used: full."), say("Make room."))
            )
        write()
        self.written.append(what)


class Written:
    """A journal whose one worker writes when it is told to, or at once."""

    def __init__(self, *, at_once: bool = True) -> None:
        self.clock, self.disk = FakeClock(), Disk()
        self.alarms = Alarms(self.clock)
        self.jobs: list[Callable[[], None]] = []
        work = (lambda job: job()) if at_once else self.jobs.append
        self.journal = Journal(self.clock, self.disk, self.alarms, work)  # type: ignore[arg-type]

    def work(self) -> None:
        while self.jobs:
            self.jobs.pop(0)()

    @property
    def told(self) -> list[str]:
        """The alarms that are there."""
        return [str(alarm.what) for alarm in self.alarms.present]


def row(name: str, outcome: Outcome | None = None) -> Airing:
    return replace(make_airing(), occurrence=name, outcome=outcome)


class TestOrder:
    def test_is_that_of_what_happened(self) -> None:
        """Rows reach the disk one after the other as they came, the start before its end."""
        written = Written(at_once=False)
        for name in "ab":
            written.journal.begin(row(name))
            written.journal.end(row(name, Outcome.AIRED))
        assert written.disk.written == []
        assert written.journal.waiting == 4
        written.work()
        assert written.disk.written == ["start a", "end a", "start b", "end b"]
        assert written.journal.waiting == 0

    def test_of_a_mark_is_its_last(self) -> None:
        """Of a mark that was made several times the last word is written, and after the rows."""
        written = Written(at_once=False)
        for seconds in range(3):
            written.journal.mark("on-air/nam-po", seconds)
        written.journal.end(row("a", Outcome.AIRED))
        written.work()
        assert written.disk.written == ["end a", "on-air/nam-po=2"]

    def test_holds_for_many_at_once(self, tmp_path: Path) -> None:
        """Clusters that write at the same time lose nothing, and each has its start before its end."""
        store = Store(database(tmp_path))
        clock = SystemClock()
        with ThreadPoolExecutor(1) as worker, ThreadPoolExecutor(8) as clusters:
            journal = Journal(clock, store, Alarms(clock), worker.submit)  # type: ignore[arg-type]

            def air(cluster: int) -> None:
                for turn in range(10):
                    assert journal.begin(row(f"{cluster}/{turn}"))
                    journal.mark(f"on-air/{cluster}", turn)
                    journal.end(row(f"{cluster}/{turn}", Outcome.AIRED))

            list(clusters.map(air, range(8)))
        journal.flush()
        assert len(list(store.airings())) == 80
        assert store.unfinished() == []
        assert store.marks() == {f"on-air/{cluster}": 9 for cluster in range(8)}
        store.close()


class TestBegin:
    def test_waits_until_the_row_is_there(self) -> None:
        """A start is on the disk before anything sounds."""
        written = Written()
        assert written.journal.begin(row("a")) is True
        assert written.disk.written == ["start a"]
        assert written.clock.now() == FakeClock().now()

    def test_tells_that_it_began_before(self) -> None:
        """Whose row is there already must not sound; what comes after it is written all the same."""
        written = Written()
        written.disk.begin(row("a"))
        assert written.journal.begin(row("a")) is False
        assert written.journal.waiting == 0
        assert written.journal.begin(row("b")) is True
        assert written.told == []

    def test_ends_once(self) -> None:
        """A second end of an occurrence is not written, and stands in nobody's way."""
        written = Written()
        written.journal.end(row("a", Outcome.CUT))
        written.journal.end(row("a", Outcome.AIRED))
        written.journal.end(row("b", Outcome.AIRED))
        assert [(one.occurrence, one.outcome) for one in written.disk.airings()] == [
            ("a", Outcome.CUT),
            ("b", Outcome.AIRED),
        ]
        assert (written.journal.waiting, written.told) == (0, [])

    def test_waits_for_no_slow_disk(self) -> None:
        """A disk that does not answer delays a start by a second and a half, and no more."""
        written = Written(at_once=False)
        before = written.clock.now()
        assert written.journal.begin(row("a")) is None
        assert written.clock.now() - before == timedelta(seconds=PATIENCE)
        assert PATIENCE <= 1.5

    def test_and_end_wait_for_no_hanging_disk(self) -> None:
        """While the disk hangs in the middle of a write, rows and marks are taken, and none is lost."""
        written = Written()
        written.disk.answers = Event()
        with ThreadPoolExecutor(1) as worker:
            clock = SystemClock()
            journal = Journal(clock, written.disk, written.alarms, worker.submit)  # type: ignore[arg-type]
            journal.mark("alive", 1)
            begun = time.monotonic()
            assert journal.begin(row("a")) is None
            assert PATIENCE - 0.1 < time.monotonic() - begun < PATIENCE + 1
            begun = time.monotonic()
            journal.end(row("a", Outcome.AIRED))
            journal.mark("alive", 2)
            assert time.monotonic() - begun < 0.5
            assert written.disk.written == []
            written.disk.answers.set()
        assert [one for one in written.disk.written if "alive" not in one] == ["start a", "end a"]
        assert written.disk.marks() == {"alive": 2}
        assert journal.waiting == 0


class TestAFullDisk:
    def test_keeps_what_it_is_told(self) -> None:
        """What the disk does not take is kept and written in its order when it can be; marks too."""
        written = Written()
        written.disk.full = True
        assert written.journal.begin(row("a")) is None
        written.journal.end(row("a", Outcome.AIRED))
        written.journal.mark("alive", 1)
        written.journal.mark("alive", 2)
        assert (written.journal.waiting, written.disk.written) == (2, [])
        written.disk.full = False
        written.journal.flush()
        assert written.disk.written == ["start a", "end a", "alive=2"]
        assert written.journal.waiting == 0

    def test_is_an_alarm_until_it_is_over(self) -> None:
        """It says why, what to do and that broadcasts go on; once all is written it is cleared."""
        written = Written()
        written.disk.full = True
        written.journal.end(row("a", Outcome.AIRED))
        (told,) = written.told
        assert "The station's memory cannot be used: full. Broadcasts go on." in told
        assert [str(alarm.next) for alarm in written.alarms.present] == ["Make room."]
        written.journal.flush()
        assert written.told == [told]
        written.disk.full = False
        written.journal.flush()
        assert written.told == []

    def test_costs_no_start_its_time(self) -> None:
        """What the disk refuses is not waited for: an emergency is on air as soon as ever."""
        written = Written()
        written.disk.full = True
        before = written.clock.now()
        for name in "abc":
            assert written.journal.begin(row(name)) is None
        assert written.clock.now() == before

    def test_loses_no_mark_to_the_one_that_failed(self) -> None:
        """A mark that the disk refused is tried again, unless a newer one of its name came."""
        written = Written()
        written.journal.mark("alive", 0)
        written.disk.full = True
        written.journal.mark("on-air/nam-po", "x")
        written.journal.mark("clock-vouched", "y")
        written.disk.full = False
        written.journal.flush()
        assert written.disk.marks() == {"alive": 0, "on-air/nam-po": "x", "clock-vouched": "y"}


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Store]:
    """A real memory whose place is taken by a folder."""
    database(tmp_path).mkdir()
    store = Store(database(tmp_path), in_any_case=True)
    yield store
    store.close()


def test_the_real_memory_comes_back(memory: Store, tmp_path: Path) -> None:
    """Where it was no database at all for a while, nothing that happened meanwhile is missing."""
    clock = FakeClock()
    alarms = Alarms(clock)
    journal = Journal(clock, memory, alarms, lambda job: job())
    assert journal.begin(row("a")) is None
    journal.end(row("a", Outcome.AIRED))
    journal.mark("alive", 1)
    assert [alarm.key for alarm in alarms.present] == ["log"]
    database(tmp_path).rmdir()
    journal.flush()
    assert alarms.present == []
    assert [one.occurrence for one in memory.airings()] == ["a"]
    assert memory.marks() == {"alive": 1}
