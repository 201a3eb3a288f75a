"""What is counted, and that nothing is counted twice."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.model.airing import Airing, Outcome, Sounded
from broadcaster.report import KEYS, Counts, Report, in_order, report
from tests.factories import make_airing

SECONDS = st.integers(0, 8000).map(lambda eighths: eighths / 8)  # so that sums of them are exact
OUTCOMES = st.sampled_from(Outcome)
some = settings(max_examples=30, deadline=None)
FIELDS = {  # of an airing: the code and the name that each key counts
    "area": ("area", "area_name"),
    "script": ("script", "script_title"),
    "schedule": ("schedule", "schedule_title"),
    "cluster": ("cluster", "cluster_name"),
    "group": ("group", "group"),
    "class": ("bulletin_class", "bulletin_class"),
}


@st.composite
def make_airings(draw: st.DrawFn, days: range = range(1, 3)) -> list[Airing]:
    """What a play log may hold of some days: each occurrence once, on any of three clusters."""
    occurrences = st.tuples(st.sampled_from(["tin", "lich"]), st.sampled_from(days), st.sampled_from("abc"))
    languages = st.builds(
        Sounded, st.sampled_from(["vi", "hmn-Latn-VN"]), st.just(""), SECONDS, SECONDS, OUTCOMES
    )
    return [
        replace(
            make_airing(),
            occurrence=f"{schedule}/2026-11-{day:02}T17:30:00/{cluster}",
            schedule=schedule,
            cluster=cluster,
            cluster_name=f"Cụm {cluster}",
            area=draw(st.sampled_from(["03160", "03160/nam-po"])),
            area_name=draw(st.sampled_from(["Xã Mường Nhé", "Bản Nậm Pố"])),
            script=draw(st.sampled_from(["bhxh", "bhyt"])),
            group=draw(st.sampled_from(["farmers", "everyone"])),
            bulletin_class=draw(st.sampled_from(["normal", "emergency"])),
            outcome=draw(OUTCOMES),
            seconds=draw(SECONDS),
            languages=tuple(draw(st.lists(languages, max_size=2, unique_by=lambda one: one.language))),
        )
        for schedule, day, cluster in draw(st.lists(occurrences, unique=True, max_size=8))
    ]


def added(*counts: Counts) -> Counts:
    whole = Counts()
    for one in counts:
        whole.seconds += one.seconds
        for outcome, number in one.outcomes.items():
            whole.outcomes[outcome] += number
    return whole


def tally(airings: Sequence[Airing]) -> Counts:
    """The counts of *airings*, by other means than the report's."""
    found = Counter(one.outcome for one in airings)
    return Counts({outcome: found[outcome] for outcome in Outcome}, sum(one.seconds for one in airings))


@some
@given(make_airings())
def test_each_occurrence_is_counted_once(airings: list[Airing]) -> None:
    """The totals have as many of each outcome as the log has, and all the seconds that sounded."""
    assert report(airings).totals == tally(airings)


@some
@given(make_airings())
def test_every_key_adds_up_to_the_totals(airings: list[Airing]) -> None:
    """The counts by area add up to the totals, and so do those by script, schedule, cluster, group, class."""
    found = report(airings)
    assert set(KEYS) == set(FIELDS)
    for word in KEYS:
        assert added(*found.by[word].values()) == found.totals


@some
@given(make_airings())
def test_every_key_counts_its_own(airings: list[Airing]) -> None:
    """What stands under a code and its name is what happened to the occurrences that bear both."""
    found = report(airings)
    for word, (code, name) in FIELDS.items():
        for key, counts in found.by[word].items():
            assert counts == tally(
                [one for one in airings if (getattr(one, code), getattr(one, name)) == key]
            )


@some
@given(make_airings(range(1, 3)), make_airings(range(3, 5)))
def test_two_periods_add_up(first: list[Airing], second: list[Airing]) -> None:
    """The report of two months is the report of the one plus that of the other."""
    both, one, other = report(first + second), report(first), report(second)
    assert both.totals == added(one.totals, other.totals)
    assert both.station_airings == one.station_airings + other.station_airings
    for word in both.by:
        assert both.by[word] == {
            key: added(one.by[word].get(key, Counts()), other.by[word].get(key, Counts()))
            for key in one.by[word].keys() | other.by[word].keys()
        }


@some
@given(make_airings(), st.randoms(use_true_random=False))
def test_the_order_of_the_log_does_not_matter(airings: list[Airing], random: Random) -> None:
    """The same airings in another order give the same report."""
    shuffled = airings.copy()
    random.shuffle(shuffled)
    assert report(shuffled) == report(airings)


@some
@given(make_airings())
def test_planned_is_all_that_was_to_sound(airings: list[Airing]) -> None:
    """Planned is the sum of all outcomes, and aired is one of them."""
    totals = report(airings).totals
    assert totals.planned == len(airings) == sum(totals.outcomes.values())
    assert totals.aired == sum(one.outcome is Outcome.AIRED for one in airings)


@some
@given(make_airings())
def test_a_station_airing_is_counted_once_for_all_clusters(airings: list[Airing]) -> None:
    """A schedule's broadcast at one time is one airing of the station if it aired on any of its clusters."""
    aired = {(one.schedule, one.occurrence.split("/")[1]) for one in airings if one.outcome is Outcome.AIRED}
    assert report(airings).station_airings == len(aired)


@some
@given(make_airings())
def test_a_language_is_counted_by_its_own_outcome(airings: list[Airing]) -> None:
    """Vietnamese may have aired where Mông was cut: each language has its own outcome and seconds."""
    shares = [share for one in airings for share in one.languages]
    assert report(airings).by["language"] == {
        (language, language): added(
            *(
                Counts(dict.fromkeys(Outcome, 0) | {share.outcome: 1}, share.seconds)
                for share in shares
                if share.language == language
            )
        )
        for language in {share.language for share in shares}
    }


def test_clusters_together_are_one_station_airing() -> None:
    """One broadcast on three clusters, cut on one, is two airings of clusters, one of the station."""
    outcomes = {"a": Outcome.AIRED, "b": Outcome.AIRED, "c": Outcome.CUT}
    found = report(
        replace(make_airing(), occurrence=f"lich/2026-11-20T17:30:00/{cluster}", outcome=outcome)
        for cluster, outcome in outcomes.items()
    )
    assert (found.totals.planned, found.totals.aired, found.station_airings) == (3, 2, 1)


def test_what_still_sounds_is_not_counted() -> None:
    """A row without an outcome is no occurrence of the past: it counts nowhere."""
    assert report([replace(make_airing(), outcome=None)]) == report([])


def test_an_empty_log_counts_nothing() -> None:
    """Without a log every count is nought, and no key is there."""
    assert report([]) == Report(Counts(), 0, {word: {} for word in (*KEYS, "language")})


def test_a_code_that_changed_its_name_stands_twice() -> None:
    """A code is given to other places later: counts of both names stand apart, in order of code and name."""
    names = ("Xã Mường Nhé", "Xã Mường Nhé mới")
    airings = [
        replace(make_airing(), occurrence=f"lich/{name}/a", area="03160", area_name=name)
        for name in names[::-1]
    ]
    found = in_order(report([make_airing(area="02"), *airings]).by["area"])
    assert [key for key, _ in found] == [("02", "Bản Nậm Pố"), ("03160", names[0]), ("03160", names[1])]


@pytest.mark.parametrize("outcome", Outcome)
def test_only_an_airing_is_aired(outcome: Outcome) -> None:
    """No outcome but `aired` counts as an airing, of the cluster or of the station."""
    found = report([make_airing(outcome=outcome)])
    assert found.totals.aired == found.station_airings == (outcome is Outcome.AIRED)
