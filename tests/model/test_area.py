"""Places in a tree, known by code and day."""

from datetime import date, timedelta

import pytest

from broadcaster.model.area import AreaKind, Areas
from tests.factories import make_area, make_areas

TODAY = date(2026, 11, 20)
MERGER = date(2025, 7, 1)


@pytest.fixture
def reused() -> Areas:
    """Code 24 was Bắc Giang until the merger of 2025 gave it to Bắc Ninh."""
    return Areas(
        [
            make_area("24", name="Tỉnh Bắc Ninh", valid_from=MERGER),
            make_area("24", name="Tỉnh Bắc Giang", valid_from=date(1997, 1, 1)),
        ]
    )


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2024, 5, 1), "Tỉnh Bắc Giang"),
        (MERGER - timedelta(days=1), "Tỉnh Bắc Giang"),
        (MERGER, "Tỉnh Bắc Ninh"),
        (TODAY, "Tỉnh Bắc Ninh"),
    ],
)
def test_a_reused_code_means_the_place_of_its_day(reused: Areas, day: date, name: str) -> None:
    """A code that was given to another place means, on each day, the place that held it then."""
    found = reused.find("24", day)
    assert found is not None
    assert found.name == name


def test_a_code_means_nothing_before_its_first_day(reused: Areas) -> None:
    """A code is nobody's before the first day it is valid from."""
    assert reused.find("24", date(1996, 12, 31)) is None


def test_codes_keep_their_zeros() -> None:
    """Codes are strings: 03160 is not 3160."""
    assert make_areas().find("3160", TODAY) is None


def test_every_place_is_listed_under_its_code(reused: Areas) -> None:
    """Going through the areas gives both holders of a code, while `codes` names it once."""
    assert {area.name for area in reused} == {"Tỉnh Bắc Giang", "Tỉnh Bắc Ninh"}
    assert reused.codes == ("24",)


def test_upwards_goes_from_the_village_to_the_province() -> None:
    """An area is followed by what it lies in, nearest first."""
    assert [area.code for area in make_areas().upwards("03160/nam-po", TODAY)] == [
        "03160/nam-po",
        "03160",
        "11",
    ]


def test_upwards_ends_at_a_parent_that_nobody_knows() -> None:
    """A gap in the tree ends the way up instead of failing."""
    areas = Areas([make_area("03160/nam-po", "03160")])
    assert [area.code for area in areas.upwards("03160/nam-po", TODAY)] == ["03160/nam-po"]


def test_upwards_of_an_unknown_code_is_empty() -> None:
    """A code that nobody knows lies nowhere."""
    assert list(make_areas().upwards("99", TODAY)) == []


def test_upwards_ends_in_a_ring() -> None:
    """Areas that lie in each other are each named once."""
    areas = Areas([make_area("a", "b"), make_area("b", "a")])
    assert [area.code for area in areas.upwards("a", TODAY)] == ["a", "b"]


@pytest.mark.parametrize(
    ("other", "inside"),
    [("03160/nam-po", True), ("03160", True), ("11", True), ("03160/na-pan", False), ("03166", False)],
)
def test_an_area_lies_in_itself_and_all_above(other: str, inside: bool) -> None:
    """A village lies in itself, its commune and its province, but not in its neighbours."""
    assert make_areas().lies_in("03160/nam-po", other, TODAY) is inside


def test_words_name_each_level_as_it_is_spoken() -> None:
    """Scripts can name the area, its commune and its province, lower-cased as within a sentence."""
    words = make_areas().words("03160/nam-po", TODAY)
    assert words["area.name"] == words["village.name"] == "bản Nậm Pố"
    assert words["commune.name"] == "xã Mường Nhé"
    assert words["province.name"] == "tỉnh Điện Biên"


def test_a_fact_is_inherited_and_the_nearest_one_counts() -> None:
    """A village without a fact of its own has its commune's, and its own comes before that."""
    areas = Areas(
        [
            make_area("11", facts={"hotline": "1900 9068", "collection_point": "bưu điện tỉnh"}),
            make_area("03160", "11", facts={"collection_point": "bưu điện xã"}),
            make_area("03160/nam-po", "03160", facts={"collection_point": "nhà văn hóa bản"}),
            make_area("03160/na-pan", "03160"),
        ]
    )
    own, inherited = areas.words("03160/nam-po", TODAY), areas.words("03160/na-pan", TODAY)
    assert own["area.collection_point"] == "nhà văn hóa bản"
    assert inherited["area.collection_point"] == "bưu điện xã"
    assert own["commune.collection_point"] == inherited["commune.collection_point"] == "bưu điện xã"
    assert own["area.hotline"] == inherited["area.hotline"] == "1900 9068"


def test_a_level_that_is_not_there_has_no_words() -> None:
    """A cluster of the whole commune has no village to name."""
    words = make_areas().words("03160", TODAY)
    assert words["area.name"] == words["commune.name"] == "xã Mường Nhé"
    assert not any(key.startswith(AreaKind.VILLAGE) for key in words)
