"""Places in a tree, known by code and day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_an_area_that_ended_is_not_found() -> None:
    """A code means its place until its last day, that day included, and nothing from the next on."""
    areas = Areas([make_area("096", valid_until=MERGER - timedelta(days=1))])
    assert areas.find("096", MERGER - timedelta(days=1)) is not None
    assert areas.find("096", MERGER) is None


def test_a_code_that_was_given_on_does_not_fall_back() -> None:
    """After the last holder of a code ended, the one before it, which has no end, does not return."""
    areas = Areas([make_area("24"), make_area("24", valid_from=MERGER, valid_until=TODAY)])
    assert areas.find("24", TODAY + timedelta(days=1)) is None


def test_an_era_ends_where_an_area_begins_or_ends() -> None:
    """The last day of an area and the day after it are of two eras; so are the days around a beginning."""
    areas = Areas([make_area("24", valid_from=MERGER, valid_until=TODAY)])
    days = [MERGER - timedelta(days=1), MERGER, TODAY, TODAY + timedelta(days=1), date.max]
    before, first, last, after, end = map(areas.era, days)
    assert before != first == last != after == end


def test_an_area_may_hold_for_ever() -> None:
    """The first and the last day that there are can begin and end an area."""
    areas = Areas([make_area("24", valid_from=date.min, valid_until=date.max)])
    assert areas.find("24", date.min) is areas.find("24", date.max) is not None
    assert areas.era(date.min) == areas.era(date.max)


DAYS = st.dates(date(2025, 6, 25), date(2025, 7, 10))


@st.composite
def some_areas(draw: st.DrawFn) -> Areas:
    """A few codes, each with holders that may overlap, end, and lie in each other."""
    codes = st.sampled_from("abcd")
    rows = st.tuples(codes, st.none() | codes, DAYS, st.none() | DAYS)
    return Areas(
        make_area(code, parent, valid_from=since, valid_until=until)
        for code, parent, since, until in draw(
            st.lists(rows, max_size=9, unique_by=lambda row: (row[0], row[2]))
        )
    )


@given(some_areas(), st.sampled_from("abcd"), DAYS)
def test_the_last_to_begin_is_found_while_it_holds(areas: Areas, code: str, day: date) -> None:
    """A code means the place that was given it last by that day, or nothing once that has ended."""
    begun = [one for one in areas if one.code == code and one.valid_from <= day]
    last = max(begun, key=lambda one: one.valid_from, default=None)
    assert areas.find(code, day) == (last if last is not None and last.holds(day) else None)


@given(some_areas(), DAYS, DAYS)
def test_in_one_era_every_code_means_the_same(areas: Areas, day: date, other: date) -> None:
    """On two days of one era the whole tree is the same."""
    if areas.era(day) == areas.era(other):
        for code in "abcd":
            assert list(areas.upwards(code, day)) == list(areas.upwards(code, other))


@given(some_areas(), st.sampled_from("abcd"), DAYS)
def test_upwards_names_each_once_and_what_it_lies_in_next(areas: Areas, code: str, day: date) -> None:
    """Each step up is the parent of the one before it, on that day, and none comes twice."""
    up = list(areas.upwards(code, day))
    assert len({one.code for one in up}) == len(up)
    assert [one.parent for one in up[:-1]] == [one.code for one in up[1:]]
    assert all(one.holds(day) for one in up)
