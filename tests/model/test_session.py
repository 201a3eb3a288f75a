"""A day falls into sessions; one more is tried where it could find room."""

from collections.abc import Sequence
from datetime import time

import pytest

from broadcaster.model.occurrence import Reason
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.session import GAP, Day, Session, Wanted
from broadcaster.model.station import Hours, Span
from tests.factories import make_hours

HOUR = 3600
MORNING, EVENING = 5 * HOUR + 1800, 17 * HOUR + 1800  # seconds since midnight
E, P, N = BulletinClass


def wanted(at: int, seconds: float, bulletin_class: BulletinClass = N, order: int = 0) -> Wanted:
    return at, int(bulletin_class), order, seconds


def starts(day: Day) -> list[float | Reason]:
    return [place.reason or place.start for place in day.places]


def test_places_stand_in_the_order_of_what_was_wanted() -> None:
    """Whatever sounds first, each place is told where its wish stood."""
    day = Day([wanted(EVENING, 60, N, 1), wanted(MORNING, 60), wanted(EVENING, 60, P, 2)], make_hours())
    assert starts(day) == [EVENING + 62, MORNING, EVENING]
    assert [(place.opens, place.closes) for place in day.places] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    assert day.sessions == [Session(MORNING, MORNING + 60, True), Session(EVENING, EVENING + 122, True)]


def test_one_that_comes_while_another_sounds_starts_on_a_whole_second() -> None:
    """Half seconds are rounded up after the pause."""
    day = Day([wanted(EVENING, 59.5), wanted(EVENING + 10, 60, N, 1)], make_hours())
    assert starts(day) == [EVENING, EVENING + 60 + GAP]


def test_one_that_comes_in_the_pause_opens_its_own_session() -> None:
    """A session is over with its last second; the pause is within sessions alone."""
    day = Day([wanted(EVENING, 60), wanted(EVENING + 61, 60, N, 1)], make_hours())
    assert starts(day) == [EVENING, EVENING + 61]
    assert len(day.sessions) == 2


def test_what_stands_behind_one_that_is_too_long_is_displaced_with_it() -> None:
    """The minutes of a session are not filled up with shorter ones out of turn."""
    day = Day(
        [
            wanted(EVENING, 600),
            wanted(EVENING, 1500, N, 1),
            wanted(EVENING, 5, N, 2),
            wanted(EVENING, 5, E, 3),
        ],
        make_hours(),
    )
    assert starts(day) == [EVENING + 5 + GAP, Reason.SESSION_FULL, Reason.SESSION_FULL, EVENING]


def test_sessions_of_emergencies_alone_do_not_count() -> None:
    """The number of sessions a day is for the others."""
    hours = make_hours(sessions_per_day=1)
    day = Day([wanted(3 * HOUR, 60, E), wanted(MORNING, 60), wanted(EVENING, 60, N, 1)], hours)
    assert starts(day) == [3 * HOUR, MORNING, Reason.TOO_MANY_SESSIONS]
    assert [session.counts for session in day.sessions] == [False, True]


@pytest.mark.parametrize(("busy", "first"), [(0, 60), (59.5, 62), (600, 602)])
def test_nothing_starts_before_the_day_before_is_over(busy: float, first: float) -> None:
    """What reaches beyond midnight is waited for, with a pause."""
    hours = Hours([Span(time(0), time(6))])
    assert starts(Day([wanted(60, 30)], hours, busy)) == [first]


def test_a_day_ends_with_its_last_session() -> None:
    """That may be after midnight; without any it is at once."""
    assert Day([wanted(24 * HOUR - 10, 60, E)], make_hours()).end == 24 * HOUR + 50
    assert Day([wanted(3 * HOUR, 60)], make_hours()).end == 0


@pytest.mark.parametrize(
    ("those", "seconds", "may"),
    [
        ([], 60, True),
        ([wanted(MORNING, 60)], 5000, True),  # a session is left; the hours will tell
        ([wanted(MORNING, 1000), wanted(EVENING, 1000)], 1800 - 1000 - GAP, True),
        ([wanted(MORNING, 1000), wanted(EVENING, 1000)], 1800 - 1000 - GAP + 1, False),
    ],
)
def test_a_full_day_is_known_at_a_glance(those: Sequence[Wanted], seconds: float, may: bool) -> None:
    """With all its sessions there, a day holds no more than their minutes."""
    assert Day(those, make_hours()).may_hold(seconds) is may


def test_openings_are_the_full_five_minutes_and_the_sessions() -> None:
    """From now on, where the hours hold it, and with each session that is still to come."""
    day = Day([wanted(MORNING, 60), wanted(EVENING + 7, 60, N, 1)], make_hours())
    now = EVENING - 601
    assert day.openings(1800, now) == [EVENING - 600, EVENING - 300, EVENING, EVENING + 7, EVENING + 300] + [
        EVENING + 300 * step for step in range(2, 7)
    ]


def test_openings_stay_within_the_day() -> None:
    """Neither before what is known nor at the next midnight."""
    hours = Hours([Span(time(0), time(23, 59, 59))])
    day = Day([wanted(0, 60), wanted(24 * HOUR - 30, 20, N, 1)], hours)
    assert day.openings(10, 24 * HOUR - 100) == [24 * HOUR - 30]
    assert day.openings(10, -5000)[:3] == [0, 300, 600]
