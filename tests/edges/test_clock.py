"""Every clock keeps the same promises; then what is particular to each."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread, Timer
from zoneinfo import ZoneInfo

import pytest

from broadcaster.edges.clock import EARLIEST, Clock, ClockState, FastClock, SystemClock
from tests.fakes import FakeClock, SteppedClock

NEVER = Event()
START = datetime(2026, 11, 20, 17, 0, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
TOLERANCE = 0.25  # seconds of the machine, when it is busy with other tests


def make_fast(speed: float = 10.0, hours: float = 2.0) -> FastClock:
    return FastClock(START, START + timedelta(hours=hours), speed)


@pytest.fixture(params=["system", "fast", "fake", "stepped"])
def clock(request: pytest.FixtureRequest) -> Iterator[Clock]:
    """Each clock in turn; the one that must be pushed is pushed by a thread."""
    match request.param:
        case "system":
            yield SystemClock()
        case "fast":
            yield make_fast()
        case "fake":
            yield FakeClock(START)
        case _:
            stepped, done = SteppedClock(START), Event()

            def push() -> None:
                while not done.wait(0.001):
                    stepped.step()

            pusher = Thread(target=push)
            pusher.start()
            yield stepped
            done.set()
            pusher.join()


class TestEveryClock:
    def test_tells_time_in_utc(self, clock: Clock) -> None:
        """Wall time is aware and in UTC, whatever zone the clock was set up in."""
        assert clock.now().tzinfo is UTC

    def test_monotonic_time_never_goes_back(self, clock: Clock) -> None:
        """Monotonic time stays or grows from one look to the next, and grows by what was slept."""
        looks = [clock.monotonic() for _ in range(1000)]
        assert looks == sorted(looks)
        before = clock.monotonic()
        clock.sleep(0.1, NEVER)
        assert clock.monotonic() - before >= 0.1 - 1e-6

    def test_wall_time_goes_with_monotonic_time(self, clock: Clock) -> None:
        """What a sleep takes is the same by both."""
        wall, monotonic = clock.now(), clock.monotonic()
        clock.sleep(0.2, NEVER)
        by_monotonic = clock.monotonic() - monotonic
        assert (clock.now() - wall).total_seconds() == pytest.approx(by_monotonic, abs=0.1)

    def test_a_sleep_ends_by_itself(self, clock: Clock) -> None:
        """Nobody stops it: it lasts as long as it was asked to, and says so."""
        before = clock.now()
        assert clock.sleep(0.3, NEVER) is False
        slept = (clock.now() - before).total_seconds()
        assert 0.3 - 1e-3 <= slept < 0.3 + 10 * TOLERANCE

    def test_a_sleep_of_less_than_nothing_is_over(self, clock: Clock) -> None:
        """Seconds that have passed already are not waited for, and take nothing back."""
        before = clock.monotonic()
        assert clock.sleep(-5, NEVER) is False
        assert 0 <= clock.monotonic() - before < 10 * TOLERANCE

    def test_a_wait_ends_at_its_time(self, clock: Clock) -> None:
        """It is not over before its time, and soon after it is."""
        when = clock.now() + timedelta(seconds=0.3)
        assert clock.wait_until(when, NEVER) is False
        assert timedelta() <= clock.now() - when < timedelta(seconds=10 * TOLERANCE)

    def test_a_wait_takes_any_zone(self, clock: Clock) -> None:
        """The same moment in the station's zone is the same moment."""
        when = (clock.now() + timedelta(seconds=0.2)).astimezone(ZoneInfo("Asia/Ho_Chi_Minh"))
        assert clock.wait_until(when, NEVER) is False
        assert timedelta() <= clock.now() - when < timedelta(seconds=10 * TOLERANCE)

    def test_a_wait_for_what_has_passed_is_over(self, clock: Clock) -> None:
        """A time in the past is not waited for."""
        begun = time.monotonic()
        assert clock.wait_until(clock.now() - timedelta(hours=1), NEVER) is False
        assert time.monotonic() - begun < TOLERANCE

    def test_a_stop_that_was_set_ends_every_wait(self, clock: Clock) -> None:
        """Nothing is waited for once the stop is set, and each says that it is."""
        stop = Event()
        stop.set()
        begun, before = time.monotonic(), clock.monotonic()
        assert clock.sleep(3600, stop) is True
        assert clock.wait_until(clock.now() + timedelta(hours=1), stop) is True
        assert clock.wait_until(clock.now() - timedelta(hours=1), stop) is True
        assert time.monotonic() - begun < TOLERANCE
        assert clock.monotonic() - before < 10 * TOLERANCE

    def test_tells_what_speaks_for_it(self, clock: Clock) -> None:
        """The daemon asks every clock, at every look."""
        state = clock.state()
        assert isinstance(state, ClockState)
        assert {type(state.synchronised), type(state.rtc), type(state.boot)} == {bool, str}

    def test_going_idle_never_goes_back(self, clock: Clock) -> None:
        """To be idle until a time that has passed changes nothing."""
        before = clock.now()
        clock.idle_until(before - timedelta(hours=1))
        assert timedelta() <= clock.now() - before < timedelta(seconds=10 * TOLERANCE)


@pytest.mark.parametrize("real", ["system", "fast"])
class TestClocksThatRun:
    @pytest.fixture
    def clock(self, real: str) -> Clock:
        return SystemClock() if real == "system" else make_fast()

    def test_a_stop_ends_a_sleep(self, clock: Clock) -> None:
        """Set while somebody sleeps, the stop ends that within a moment."""
        stop = Event()
        begun = time.monotonic()
        Timer(0.1, stop.set).start()
        assert clock.sleep(3600, stop) is True
        assert time.monotonic() - begun < 0.1 + TOLERANCE

    def test_a_stop_ends_a_wait(self, clock: Clock) -> None:
        """Set while somebody waits for a time, the stop ends that within a moment."""
        stop = Event()
        begun = time.monotonic()
        Timer(0.1, stop.set).start()
        assert clock.wait_until(clock.now() + timedelta(hours=1), stop) is True
        assert time.monotonic() - begun < 0.1 + TOLERANCE


class TestSystemClock:
    def test_tells_the_machine_s_time(self) -> None:
        """It is the time of this machine, not one of our own."""
        before = datetime.now(UTC)
        assert before <= SystemClock().now() <= datetime.now(UTC)

    def test_skips_nothing(self) -> None:
        """Real time is not skipped, however idle it is."""
        clock = SystemClock()
        before = clock.now()
        clock.idle_until(before + timedelta(hours=6))
        assert clock.now() - before < timedelta(seconds=TOLERANCE)

    def test_notices_that_wall_time_was_set(self) -> None:
        """Set forward while somebody waits, the time is there long before it would have come."""

        class SetForward(SystemClock):
            ahead = timedelta()

            def now(self) -> datetime:
                return super().now() + self.ahead

        clock = SetForward()

        def set_forward() -> None:
            clock.ahead = timedelta(hours=1)

        Timer(0.1, set_forward).start()
        begun = time.monotonic()
        assert clock.wait_until(clock.now() + timedelta(minutes=59), NEVER) is False
        assert time.monotonic() - begun < 0.1 + SystemClock.LONGEST_WAIT + TOLERANCE

    def test_a_wait_is_over_within_a_millisecond(self) -> None:
        """On the dot, where the machine is not busy: so it is the best of eleven waits that counts."""
        clock, late = SystemClock(), []
        for _wait in range(11):
            when = clock.now() + timedelta(seconds=0.02)
            clock.wait_until(when, NEVER)
            late.append((clock.now() - when).total_seconds())
        assert 0 <= min(late) < 0.001

    def test_set_back_nobody_is_let_go_too_early(self) -> None:
        """Wall time that is set back while somebody waits: the wait is as much longer."""

        class SetBack(SystemClock):
            ahead = timedelta(seconds=0.2)

            def now(self) -> datetime:
                return super().now() + self.ahead

        clock = SetBack()

        def set_back() -> None:
            clock.ahead = timedelta()

        Timer(0.05, set_back).start()
        when = clock.now() + timedelta(seconds=0.1)
        assert clock.wait_until(when, NEVER) is False
        assert timedelta() <= clock.now() - when < timedelta(seconds=TOLERANCE)

    def test_this_run_of_the_machine_has_a_name(self) -> None:
        """It is the same for every program that asks, and not empty."""
        assert SystemClock().state().boot == SystemClock().state().boot != ""

    def test_no_name_where_the_system_gives_none(self, tmp_path: Path) -> None:
        """Without it the state is told all the same."""
        clock = SystemClock()
        clock.BOOT = tmp_path / "none"
        assert clock.state().boot == ""

    @pytest.mark.parametrize(
        ("says", "goes_on"),
        [
            (EARLIEST + timedelta(days=30), True),
            (EARLIEST, True),
            (EARLIEST - timedelta(seconds=1), False),
            (datetime(2000, 1, 1, 0, 5, tzinfo=UTC), False),
            (datetime(1970, 1, 1, 0, 0, 7, tzinfo=UTC), False),
        ],
    )
    def test_a_battery_that_is_empty_is_found(self, tmp_path: Path, says: datetime, goes_on: bool) -> None:
        """A clock in the machine that says 1970 or 2000 did not go on, whatever the system made of it."""
        clock = self.with_rtc(tmp_path, f"{says.timestamp():.0f}\n")
        assert clock.state().rtc is goes_on

    @pytest.mark.parametrize("says", ["", "soon", None])
    def test_a_clock_that_does_not_answer_is_none(self, tmp_path: Path, says: str | None) -> None:
        """Neither one that cannot be read nor one that says no number speaks for the time."""
        assert not self.with_rtc(tmp_path, says).state().rtc

    def test_one_of_two_is_enough(self, tmp_path: Path) -> None:
        """A board with a dead clock of its own and a live one beside it has a live one."""
        clock = self.with_rtc(tmp_path, "7")
        self.with_rtc(tmp_path, f"{EARLIEST.timestamp() + 9:.0f}", "rtc1")
        assert clock.state().rtc

    def test_a_machine_without_one_has_none(self, tmp_path: Path) -> None:
        """No folder, or an empty one: nothing went on."""
        clock = SystemClock()
        clock.RTCS = tmp_path / "none"
        assert not clock.state().rtc

    @pytest.mark.parametrize(
        ("answer", "synchronised"), [(0, True), (1, True), (4, True), (5, False), (-1, False)]
    )
    def test_the_system_says_whether_a_server_sets_it(
        self, monkeypatch: pytest.MonkeyPatch, answer: int, synchronised: bool
    ) -> None:
        """Well, before, in and after a leap second it is; not in error, and not where nobody may ask."""

        class Library:
            def __init__(self, _name: None) -> None:
                pass

            def adjtimex(self, _struct: object) -> int:
                return answer

        monkeypatch.setattr("ctypes.CDLL", Library)
        assert SystemClock().state().synchronised is synchronised

    def test_asking_sets_nothing(self) -> None:
        """The real system call gives an answer, and leaves the time as it is."""
        clock = SystemClock()
        wall, monotonic = clock.now(), clock.monotonic()
        assert clock.state().synchronised in (True, False)
        passed = clock.monotonic() - monotonic
        assert (clock.now() - wall).total_seconds() == pytest.approx(passed, abs=0.05)

    @staticmethod
    def with_rtc(folder: Path, says: str | None, name: str = "rtc0") -> SystemClock:
        (folder / name).mkdir()
        if says is not None:
            (folder / name / "since_epoch").write_text(says)
        clock = SystemClock()
        clock.RTCS = folder
        return clock


class TestFastClock:
    def test_runs_fast(self) -> None:
        """Ten of its seconds, slept or waited for, take one of the machine's."""
        clock = make_fast(speed=10)
        begun = time.monotonic()
        clock.sleep(2, NEVER)
        clock.wait_until(clock.now() + timedelta(seconds=2), NEVER)
        assert 0.4 - 0.02 <= time.monotonic() - begun < 0.4 + TOLERANCE

    def test_begins_at_its_start(self) -> None:
        """The first look tells the time that it was given to start at."""
        assert timedelta() <= make_fast(speed=1).now() - START < timedelta(seconds=TOLERANCE)

    def test_skips_what_is_idle(self) -> None:
        """Told that nothing happens before six in the evening it is there at once, and goes on from there."""
        clock = make_fast(speed=1)
        clock.idle_until(START + timedelta(hours=1))
        assert timedelta(hours=1) <= clock.now() - START < timedelta(hours=1, seconds=TOLERANCE)
        clock.sleep(0.1, NEVER)
        assert clock.now() - START >= timedelta(hours=1, seconds=0.1)

    def test_a_skip_does_not_count_as_length(self) -> None:
        """Monotonic time does not take part in a skip: no programme is measured by it."""
        clock = make_fast(speed=1)
        before = clock.monotonic()
        clock.idle_until(START + timedelta(hours=1))
        assert clock.monotonic() - before < TOLERANCE

    def test_a_skip_ends_a_wait(self) -> None:
        """Who waits for a time that is skipped is not left waiting for it."""
        clock = make_fast(speed=1)
        ended = Event()

        def wait() -> None:
            clock.wait_until(START + timedelta(seconds=0.5), NEVER)
            ended.set()

        thread = Thread(target=wait)
        thread.start()
        clock.idle_until(START + timedelta(hours=1))
        assert ended.wait(0.5 + TOLERANCE)
        thread.join()

    def test_ends(self) -> None:
        """It skips no further than its end, and says when it is there."""
        clock = make_fast(speed=1, hours=1)
        clock.idle_until(START + timedelta(minutes=59))
        assert not clock.ended.is_set()
        clock.idle_until(START + timedelta(days=2))
        assert clock.ended.is_set()
        assert clock.now() - clock.end < timedelta(seconds=TOLERANCE)

    def test_ends_by_running_too(self) -> None:
        """Its end is found when it was reached without a skip, and it is never before its end again."""
        clock = make_fast(speed=1000, hours=0.01)
        clock.sleep(37, NEVER)
        clock.idle_until(clock.now())
        assert clock.ended.is_set()
        before = clock.now()
        clock.idle_until(START)
        assert clock.now() >= before

    def test_its_time_is_its_own(self) -> None:
        """Nothing can be wrong with it: it counts as synchronised, however wrong the machine's clock is."""
        assert make_fast().state().synchronised


class TestFakeClock:
    def test_in_suspend_only_wall_time_goes_on(self) -> None:
        """Eight hours asleep are none that were counted."""
        clock = FakeClock(START)
        before = clock.monotonic()
        clock.suspend(8 * 3600)
        assert clock.now() - START == timedelta(hours=8)
        assert clock.monotonic() == before

    def test_is_synchronised_until_it_is_told_otherwise(self) -> None:
        """Its state is what a test makes it."""
        clock = FakeClock(START)
        assert clock.state().synchronised
        clock.its_state = ClockState(synchronised=False, rtc=False, boot="second")
        assert clock.state() == ClockState(synchronised=False, rtc=False, boot="second")


class TestSteppedClock:
    def test_stands_still_until_it_is_pushed(self) -> None:
        """Who waits is not released before the test says so, and then on the dot."""
        clock, woke = SteppedClock(START), []
        thread = Thread(target=lambda: (clock.sleep(5, NEVER), woke.append(clock.now())))
        thread.start()
        while not clock.settled(1):
            time.sleep(0.001)
        clock.step(longest=2)
        assert clock.settled(1)
        clock.step(longest=60)
        thread.join()
        assert woke == [START + timedelta(seconds=5)]
