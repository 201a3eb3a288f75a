"""What counts as an airing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.airing import LOST, Outcome, outcome_of, shared_out

LENGTHS = st.lists(st.floats(0.5, 600), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("seconds", "outcome"),
    [
        (100.0, Outcome.AIRED),
        (90.0, Outcome.AIRED),
        (89.999, Outcome.CUT),
        (0.001, Outcome.CUT),
        (0.0, Outcome.FAILED),
        (-1.0, Outcome.FAILED),
    ],
)
def test_an_airing_sounded_to_nine_tenths(seconds: float, outcome: Outcome) -> None:
    """From 90 % on it aired; less than that is cut, and nothing at all failed."""
    assert outcome_of(100.0, seconds) is outcome


def test_what_counts_as_lost() -> None:
    """Cut, missed, displaced and failed ones are made good; aired ones and withheld languages are not."""
    assert set(Outcome) - LOST == {Outcome.AIRED, Outcome.WITHHELD}


@pytest.mark.parametrize(
    ("seconds", "outcomes"),
    [
        (100.0, [Outcome.AIRED, Outcome.AIRED]),
        (96.0, [Outcome.AIRED, Outcome.AIRED]),
        (90.0, [Outcome.AIRED, Outcome.CUT]),
        (60.0, [Outcome.AIRED, Outcome.CUT]),
        (59.0, [Outcome.AIRED, Outcome.CUT]),
        (30.0, [Outcome.CUT, Outcome.CUT]),
        (0.0, [Outcome.FAILED, Outcome.FAILED]),
    ],
)
def test_languages_sound_one_after_the_other(seconds: float, outcomes: list[Outcome]) -> None:
    """What sounded is the first language's until that is whole, then the next one's."""
    shares = shared_out([("vi", "a", 60.0), ("hmn-Latn-VN", "b", 40.0)], seconds)
    assert [share.outcome for share in shares] == outcomes
    assert sum(share.seconds for share in shares) == seconds
    assert [(share.language, share.programme) for share in shares] == [("vi", "a"), ("hmn-Latn-VN", "b")]


@given(LENGTHS, st.floats(0, 3000))
def test_no_second_is_counted_twice(lengths: list[float], seconds: float) -> None:
    """The languages' seconds add up to what sounded, and none has more than its length."""
    shares = shared_out([("vi", "digest", length) for length in lengths], seconds)
    assert [share.length for share in shares] == lengths
    assert all(0 <= share.seconds <= share.length for share in shares)
    assert sum(share.seconds for share in shares) == pytest.approx(min(seconds, sum(lengths)))


@given(LENGTHS)
def test_what_sounded_whole_aired_in_every_language(lengths: list[float]) -> None:
    """Where all of it sounded, every language aired."""
    shares = shared_out([("vi", "digest", length) for length in lengths], sum(lengths))
    assert all(share.outcome is Outcome.AIRED for share in shares)
