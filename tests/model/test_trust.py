"""A clock that may be wrong plays nothing: which evidence counts, and what never does."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.trust import STEP, VOUCHED, Distrust, Look, distrust, is_vouched, told, vouch

EARLIEST = datetime(2026, 11, 1, tzinfo=UTC)
FLOOR = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ZONES = [UTC, ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("America/New_York")]
moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.sampled_from(ZONES))  # noqa: DTZ001
evidence = st.fixed_dictionaries(
    {"synchronised": st.booleans(), "rtc": st.booleans(), "vouched": st.booleans()}
)
NOTHING = {"synchronised": False, "rtc": False, "vouched": False}
SERVER, BATTERY, WORD = (NOTHING | {name: True} for name in ("synchronised", "rtc", "vouched"))


@pytest.mark.parametrize(
    ("now", "known", "why"),
    [
        (datetime(1970, 1, 1, 0, 0, 9, tzinfo=UTC), BATTERY, Distrust.NOT_SET),
        (datetime(2000, 1, 1, tzinfo=UTC), BATTERY, Distrust.NOT_SET),
        (datetime(2000, 1, 1, tzinfo=UTC), NOTHING, Distrust.NOT_SET),
        (datetime(2000, 1, 1, tzinfo=UTC), SERVER | WORD, Distrust.NOT_SET),
        (EARLIEST - SECOND, SERVER, Distrust.NOT_SET),
        (EARLIEST, SERVER, None),
        (FLOOR - SECOND, BATTERY, Distrust.BEHIND),
        (FLOOR - SECOND, NOTHING, Distrust.BEHIND),
        (FLOOR - SECOND, SERVER, None),
        (FLOOR - SECOND, WORD, None),
        (FLOOR, BATTERY, None),
        (FLOOR, NOTHING, Distrust.UNSURE),
        (FLOOR + timedelta(days=400), NOTHING, Distrust.UNSURE),
        (FLOOR, SERVER, None),
        (FLOOR, WORD, None),
    ],
)
def test_why_a_clock_is_not_trusted(now: datetime, known: dict[str, bool], why: Distrust | None) -> None:
    """Before the program's date nothing counts; before the log's last word only who knows; then a battery."""
    assert distrust(now, FLOOR, EARLIEST, **known) is why


@given(moments, moments, moments, evidence)
def test_before_the_program_nothing_counts(
    now: datetime, floor: datetime, earliest: datetime, known: dict[str, bool]
) -> None:
    """A clock is not set exactly when it says less than the program's date, whoever speaks for it."""
    assert (distrust(now, floor, earliest, **known) is Distrust.NOT_SET) == (now < earliest)


@given(moments, moments, evidence)
def test_one_that_knows_is_believed_against_the_log(
    now: datetime, floor: datetime, known: dict[str, bool]
) -> None:
    """With a time server or a word the log does not matter; without, it must be past."""
    why = distrust(now, floor, EARLIEST, **known)
    if now >= EARLIEST and (known["synchronised"] or known["vouched"]):
        assert why is None
    elif why is None:
        assert known["rtc"]
        assert now >= floor


@given(moments, moments, evidence, st.timedeltas(timedelta(), timedelta(days=3650)))
def test_a_later_time_is_never_trusted_less(
    now: datetime, floor: datetime, known: dict[str, bool], later: timedelta
) -> None:
    """As time goes on nothing turns bad of itself: a clock that was trusted stays so."""
    if distrust(now, floor, EARLIEST, **known) is None:
        assert distrust(now + later, floor, EARLIEST, **known) is None


@given(moments, moments, evidence, st.sampled_from(["synchronised", "rtc", "vouched"]))
def test_more_evidence_never_harms(now: datetime, floor: datetime, known: dict[str, bool], more: str) -> None:
    """A clock that was trusted is so with one more that speaks for it."""
    if distrust(now, floor, EARLIEST, **known) is None:
        assert distrust(now, floor, EARLIEST, **known | {more: True}) is None


@given(moments, moments, evidence, st.sampled_from(ZONES))
def test_the_zone_does_not_matter(
    now: datetime, floor: datetime, known: dict[str, bool], zone: ZoneInfo
) -> None:
    """The same moment is judged the same in any zone."""
    assert distrust(now, floor, EARLIEST, **known) is distrust(
        now.astimezone(zone), floor.astimezone(zone), EARLIEST, **known
    )


@pytest.mark.parametrize(
    ("why", "holds", "advises"),
    [
        (Distrust.NOT_SET, "it says 2026-11-20 09:59, before this program was made", False),
        (Distrust.BEHIND, "says 2026-11-20 09:59, but it was 2026-11-20 10:00 already", True),
        (Distrust.UNSURE, "Nobody knows whether the clock is right", True),
    ],
)
def test_it_is_told_in_words(why: Distrust, holds: str, advises: bool) -> None:
    """What is wrong and what to do; giving one's word is advised only where it would help."""
    fault = told(why, FLOOR - SECOND, FLOOR)
    assert holds in str(fault.what)
    assert "Connect the Internet" in str(fault.next)
    assert ("broadcaster clock --right" in str(fault.next)) == advises


class TestWord:
    def test_holds_for_this_run_of_the_machine(self) -> None:
        """What somebody said is gone when the machine was off."""
        marks = {VOUCHED: vouch("monday")}
        assert is_vouched(marks, "monday")
        assert not is_vouched(marks, "tuesday")

    @pytest.mark.parametrize("mark", [None, {}, {"boot": ""}, "monday", True, {"boot": None}])
    def test_of_another_form_is_none(self, mark: object) -> None:
        """No mark, and one of anything else, vouches for nothing."""
        assert not is_vouched({VOUCHED: mark}, "monday")
        assert not is_vouched({}, "monday")

    def test_needs_a_run_that_can_be_told_from_others(self) -> None:
        """Where the system does not say which run this is, no word can be bound to it."""
        assert not is_vouched({VOUCHED: vouch("")}, "")


class TestLook:
    @pytest.mark.parametrize("set_by", [3.0, -3.0, 10.0, -86_400.0, 3e9])
    def test_sees_that_wall_time_was_set(self, set_by: float) -> None:
        """Forward or back, from seconds to a lifetime, however long nobody looked."""
        then = Look(FLOOR, 1000.0)
        now = Look(FLOOR + timedelta(seconds=60 + set_by), 1060.0)
        assert now.step_since(then) == pytest.approx(set_by)

    @pytest.mark.parametrize("off_by", [0.0, 1.0, -1.0, STEP, -STEP])
    def test_lets_a_leap_second_pass(self, off_by: float) -> None:
        """A leap second and what a time server corrects at leisure are no step."""
        then = Look(FLOOR, 1000.0)
        assert Look(FLOOR + timedelta(seconds=1 + off_by), 1001.0).step_since(then) == 0.0

    def test_sees_that_the_machine_slept(self) -> None:
        """Asleep it counts nothing: when it wakes up the hours show as a step forward."""
        assert Look(FLOOR + timedelta(hours=8), 1000.5).step_since(Look(FLOOR, 1000.0)) == pytest.approx(
            28799.5
        )

    @given(moments, st.floats(0, 1e9), st.floats(0, 1e5), st.floats(-1e6, 1e6))
    def test_tells_the_step_and_nothing_else(
        self, start: datetime, monotonic: float, passed: float, set_by: float
    ) -> None:
        """What passed between the two looks is not part of it."""
        then = Look(start, monotonic)
        told_step = Look(start + timedelta(seconds=passed + set_by), monotonic + passed).step_since(then)
        if abs(set_by) > STEP + 1e-3:
            assert told_step == pytest.approx(set_by, abs=1e-3)
        elif abs(set_by) < STEP - 1e-3:
            assert told_step == 0.0
