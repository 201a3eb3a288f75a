"""The allowed hours."""

from datetime import time

import pytest

from broadcaster.model.station import AlarmTo, Span
from tests.factories import make_hours


@pytest.mark.parametrize(
    ("start", "end", "held"),
    [
        ("05:00:00", "06:30:00", True),
        ("05:30:00", "05:30:00", True),
        ("18:29:00", "18:30:00", True),
        ("04:59:59", "05:10:00", False),
        ("06:29:00", "06:30:01", False),
        ("06:00:00", "17:00:00", False),
        ("03:15:00", "03:20:00", False),
        ("17:40:00", "17:30:00", False),
    ],
)
def test_one_allowed_span_must_hold_all_of_it(start: str, end: str, held: bool) -> None:
    """A broadcast fits if one allowed span holds it from start to end, its bounds included."""
    assert make_hours().hold(time.fromisoformat(start), time.fromisoformat(end)) is held


def test_a_span_is_written_as_people_write_it() -> None:
    """A span of the day reads 05:00-06:30."""
    assert str(Span(time(5), time(6, 30))) == "05:00-06:30"


def test_where_alarms_go_hides_what_is_secret() -> None:
    """Neither the password of the mail server nor the webhook's address is shown with the object."""
    told = repr(AlarmTo("https://x.vn/geheim", ("a@x.vn",), "smtps://u:geheim@x.vn"))
    assert "geheim" not in told
    assert "a@x.vn" in told
