"""Who does the work: in turn where it must be, at once where it may be, and whatever the clock is set to."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from threading import Barrier, Event, Thread

import pytest

from broadcaster.edges.crew import Scheduled

PATIENCE = 10.0  # seconds until a test gives up
SOON = 2.0  # seconds; what is to be there soon is there in some milliseconds on a machine that is not busy


@pytest.fixture
def crew() -> Iterator[Scheduled]:
    """Workers that go home after the test."""
    crew = Scheduled()
    yield crew
    crew.close()


class WallClock(tzinfo):
    """The zone of a machine whose clock is wrong by `ahead`: the scheduler reads the time through it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def fromutc(self, dt: datetime) -> datetime:
        return (dt + self.ahead).replace(tzinfo=UTC)

    def utcoffset(self, _dt: datetime | None) -> timedelta:
        return timedelta()

    def dst(self, _dt: datetime | None) -> timedelta:
        return timedelta()

    def tzname(self, _dt: datetime | None) -> str:
        return "wrong"


def waiting(crew: Scheduled) -> tuple[Thread, Event]:
    """A thread that waits as the daemon does, and what ends that."""
    stopping = Event()
    thread = Thread(target=crew.wait, args=[stopping])
    thread.start()
    return thread, stopping


class TestWork:
    def test_of_one_name_is_done_in_its_order(self, crew: Scheduled) -> None:
        """What one worker is given is done one after the other, in the order in which it was given."""
        done, at_work, most = [], 0, 0
        all_done = Event()

        def job(number: int) -> None:
            nonlocal at_work, most
            at_work += 1
            most = max(most, at_work)
            if number % 10 == 0:
                time.sleep(0.005)
            done.append(number)
            at_work -= 1
            if number == 99:
                all_done.set()

        for number in range(100):
            crew.work("cluster/nam-po", lambda number=number: job(number))  # type: ignore[misc]
        assert all_done.wait(PATIENCE)
        assert (done, most) == ([*range(100)], 1)

    def test_of_different_names_is_done_at_once(self, crew: Scheduled) -> None:
        """Twenty workers are all at work at the same time: none waits until another has finished."""
        together = Barrier(21)
        for number in range(20):
            crew.work(f"cluster/{number}", lambda: together.wait(PATIENCE))  # type: ignore[arg-type]
        together.wait(PATIENCE)

    def test_goes_on_after_an_error(self, crew: Scheduled) -> None:
        """A job that raises costs only itself."""
        done = Event()
        crew.work("log", lambda: 1 / 0)  # type: ignore[arg-type]
        crew.work("log", done.set)
        assert done.wait(PATIENCE)

    def test_may_be_given_by_many_at_once(self) -> None:
        """Threads that give the first work at the same moment, as commands do, all have it done."""
        for _ in range(20):
            crew, begin, done = Scheduled(), Barrier(4), Barrier(5)

            def give(
                number: int, crew: Scheduled = crew, begin: Barrier = begin, done: Barrier = done
            ) -> None:
                begin.wait(PATIENCE)
                crew.work(f"alert/{number}", lambda: done.wait(PATIENCE))  # type: ignore[arg-type]

            threads = [Thread(target=give, args=[number]) for number in range(4)]
            for thread in threads:
                thread.start()
            done.wait(PATIENCE)
            for thread in threads:
                thread.join()
            crew.close()


class TestEvery:
    def test_is_done_again_and_again(self, crew: Scheduled) -> None:
        """From `wait` on the job is done at once and then every so often, until the stop is set."""
        times: list[float] = []
        crew.every(0.05, lambda: times.append(time.monotonic()))
        before = time.monotonic()
        thread, stopping = waiting(crew)
        while len(times) < 5 and time.monotonic() < before + PATIENCE:
            time.sleep(0.005)
        assert times[0] - before < SOON
        assert times[4] - times[0] > 0.1
        stopping.set()
        thread.join(SOON)
        assert not thread.is_alive()

    def test_is_never_done_twice_at_once(self, crew: Scheduled) -> None:
        """A job that takes longer than the time between two has its turns left out, and is not owed them."""
        at_work, most, turns = 0, 0, 0

        def slow() -> None:
            nonlocal at_work, most, turns
            at_work += 1
            most = max(most, at_work)
            time.sleep(0.1)
            turns += 1
            at_work -= 1

        crew.every(0.01, slow)
        thread, stopping = waiting(crew)
        time.sleep(0.35)
        stopping.set()
        thread.join()
        crew.close()
        assert most == 1
        assert 1 <= turns <= 4

    def test_leaves_the_workers_alone(self, crew: Scheduled) -> None:
        """While the job hangs, work of any name is done."""
        hanging, done = Event(), Event()
        crew.every(0.01, lambda: hanging.wait(PATIENCE))  # type: ignore[arg-type]
        thread, stopping = waiting(crew)
        crew.work("cluster/nam-po", done.set)
        assert done.wait(PATIENCE)
        hanging.set()
        stopping.set()
        thread.join()


class TestTheClock:
    @pytest.mark.parametrize(
        "step",
        [-timedelta(days=56 * 365), -timedelta(hours=1), timedelta(days=1), timedelta(days=56 * 365)],
        ids=["back to 1970", "back an hour", "forward a day", "forward from 1970"],
    )
    def test_may_be_set(self, crew: Scheduled, step: timedelta) -> None:
        """However the clock is set, the job and the workers go on at once, as often as before."""
        looks: list[float] = []
        clock = crew._scheduler.timezone = WallClock()
        if step > timedelta(days=365):
            clock.ahead = -step  # the machine began in 1970, and a time server sets it
        crew.every(0.02, lambda: looks.append(time.monotonic()))
        thread, stopping = waiting(crew)
        self.wait_for(lambda: len(looks) > 2)
        clock.ahead += step
        set_at = time.monotonic()
        time.sleep(0.1)  # so that it has gone to sleep with the new time
        done = Event()
        crew.work("cluster/nam-po", done.set)
        assert done.wait(SOON)
        self.wait_for(lambda: sum(look > set_at for look in looks) > 5)
        stopping.set()
        thread.join()

    @staticmethod
    def wait_for(what: Callable[[], bool]) -> None:
        until = time.monotonic() + SOON
        while not what():
            assert time.monotonic() < until, "the job stalls"
            time.sleep(0.005)


class TestClose:
    def test_waits_for_what_is_at_work(self) -> None:
        """When it returns, what was begun is finished."""
        crew, begun, finished = Scheduled(), Event(), Event()

        def job() -> None:
            begun.set()
            time.sleep(0.2)
            finished.set()

        crew.work("cluster/nam-po", job)
        assert begun.wait(PATIENCE)
        crew.close()
        assert finished.is_set()

    def test_begins_nothing_more(self) -> None:
        """Work that is given afterwards is not done, and giving it is no error."""
        crew, done = Scheduled(), Event()
        crew.work("log", lambda: None)
        crew.close()
        crew.work("log", done.set)
        crew.work("alert/nam-po", done.set)
        assert not done.wait(0.1)

    def test_is_quick_where_nothing_was_done(self) -> None:
        """One that was never given anything can be closed, even twice."""
        crew = Scheduled()
        crew.close()
        crew.close()

    def test_ends_its_threads(self) -> None:
        """Nothing of it is left at work."""
        import threading

        before = set(threading.enumerate())
        crew = Scheduled()
        for number in range(3):
            crew.work(f"cluster/{number}", lambda: None)
        crew.close()
        assert not [one for one in threading.enumerate() if one not in before and one.is_alive()]
