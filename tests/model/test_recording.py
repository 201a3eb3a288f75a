"""Which recording is heard where."""

import pytest

from broadcaster.model.recording import Recordings
from tests.factories import make_recording

UPWARDS = ("03160/nam-po", "03160", "11")


@pytest.mark.parametrize(
    ("there", "heard"),
    [
        (["03160/nam-po", "03160", "11", None], "03160/nam-po"),
        (["03160", "11", None], "03160"),
        (["11", None], "11"),
        ([None], None),
        (["03160/na-pan", None], None),
    ],
)
def test_the_nearest_recording_is_heard(there: list[str | None], heard: str | None) -> None:
    """A recording is looked for at the cluster's area, then up the tree, then for all."""
    recordings = Recordings(make_recording(area=area) for area in there)
    found = recordings.find("tin", "vi", "loi", UPWARDS)
    assert found is not None
    assert found.area == heard


@pytest.mark.parametrize(
    ("script", "language", "item"),
    [("khac", "vi", "loi"), ("tin", "hmn-Latn-VN", "loi"), ("tin", "vi", "ket")],
)
def test_a_recording_of_something_else_is_not_heard(script: str, language: str, item: str) -> None:
    """Script, language and item must all be the same."""
    assert Recordings([make_recording()]).find(script, language, item, UPWARDS) is None


def test_a_recording_for_another_village_is_not_heard() -> None:
    """A recording for one area is not for its neighbours or for what lies above it."""
    recordings = Recordings([make_recording(area="03160/na-pan")])
    assert recordings.find("tin", "vi", "loi", UPWARDS) is None
    assert recordings.find("tin", "vi", "loi", ["03160", "11"]) is None


def test_every_recording_is_listed() -> None:
    """Going through the recordings gives each of them."""
    there = [make_recording(), make_recording(area="11"), make_recording("ket")]
    assert list(Recordings(there)) == there
