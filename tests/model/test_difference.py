"""What an edit changes: every occurrence that a listener would miss, or hear otherwise, and no other."""

from dataclasses import replace
from datetime import date, datetime

from broadcaster.model.content import Content
from broadcaster.model.difference import Change, Effect, difference
from broadcaster.model.occurrence import Reason, State
from broadcaster.model.plan import plan
from broadcaster.model.schedule import Days, Exclusion, Move, Schedule
from tests.factories import MORNING, at, make_content, make_rule, make_schedule, make_script

FRIDAY = date(2026, 11, 20)
local = datetime.fromisoformat  # wall time, as moves have it


def changes(before: Schedule | Content, after: Schedule | Content) -> list[Change]:
    """Between two plans of Friday and Saturday."""
    plans = (
        plan(one if isinstance(one, Content) else make_content(one), {}, at("2026-11-20"), at("2026-11-22"))
        for one in (before, after)
    )
    return [*difference(*plans)]


def test_nothing_changes() -> None:
    """An edit of words that no listener hears is no change."""
    assert changes(make_schedule(), make_schedule(title="Tên khác")) == []


def test_what_comes_and_what_goes() -> None:
    """Another time of day is another occurrence: one comes, one goes, each day, earliest first."""
    found = changes(make_schedule(), make_schedule("lich", make_rule(MORNING)))
    assert [(one.effect, one.one.at) for one in found] == [
        (Effect.COMES, at("2026-11-20", "05:30")),
        (Effect.GOES, at("2026-11-20", "17:30")),
        (Effect.COMES, at("2026-11-21", "05:30")),
        (Effect.GOES, at("2026-11-21", "17:30")),
    ]
    assert all(one.what == () for one in found)


def test_a_moved_one_is_told_as_moved() -> None:
    """It neither goes nor comes: it sounds at another time, on another day too."""
    for to in (local("2026-11-20T18:00"), local("2026-11-21T05:30")):
        move = Move(local("2026-11-20T17:30"), to)
        (one,) = changes(make_schedule(), make_schedule(moves=[move]))
        assert (one.effect, one.what) == (Effect.MOVES, ("at",))
        assert one.before
        assert one.after
        assert (one.before.at, one.after.at.replace(tzinfo=None)) == (at("2026-11-20", "17:30"), to)


def test_what_falls_silent() -> None:
    """It changes its state and its reason; so does what was silent and will sound."""
    silent = make_schedule(exclusions=[Exclusion(Days(FRIDAY, FRIDAY), "Tết")])
    (one,) = changes(make_schedule(), silent)
    assert (one.effect, one.what) == (Effect.CHANGES, ("state", "reason"))
    assert (one.one.state, one.one.reason, one.one.detail) == (State.EXCEPTED, Reason.EXCEPTED, "Tết")
    (back,) = changes(silent, make_schedule())
    assert (back.effect, back.one.state) == (Effect.CHANGES, State.PLANNED)


def test_a_moved_one_that_falls_silent_is_told_as_silent() -> None:
    """Moved into the night it will not sound: that is worse than another time."""
    move = Move(local("2026-11-20T17:30"), local("2026-11-20T03:00"))
    (one,) = changes(make_schedule(), make_schedule(moves=[move]))
    assert (one.effect, one.what) == (Effect.CHANGES, ("at", "state", "reason"))


def test_what_stays_withheld_moves_all_the_same() -> None:
    """Whether it may sound is another question than when."""
    move = Move(local("2026-11-20T17:30"), local("2026-11-20T18:00"))
    before, after = (replace(make_content(make_schedule(moves=one)), approvals={}) for one in ([], [move]))
    (one,) = changes(before, after)
    assert (one.effect, one.what, one.one.state) == (Effect.MOVES, ("at",), State.WITHHELD)


def test_another_script_length_or_class() -> None:
    """Each is named."""
    scripts = [make_script(), make_script("nuoc", seconds=90.0)]
    schedule = make_schedule()
    before = make_content(schedule, scripts=scripts)
    other = make_content(replace(schedule, scripts=["nuoc"]), scripts=scripts)
    assert {one.what for one in changes(before, other)} == {("script", "seconds")}
    longer = make_content(schedule, scripts=[make_script(seconds=61.0)])
    assert {one.what for one in changes(before, longer)} == {("seconds",)}


def test_what_stands_behind_a_new_one_in_its_session_moves() -> None:
    """It begins later; the listener would notice."""
    first, second = make_schedule("a"), make_schedule("b")
    found = changes(second, make_content(first, second))
    assert [(one.one.schedule, one.effect) for one in found if one.one.at < at("2026-11-21")] == [
        ("a", Effect.COMES),
        ("b", Effect.MOVES),
    ]
