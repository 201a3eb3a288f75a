"""What is counted, and that nothing is counted twice: reports of a real play log."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.edges import store as stores
from broadcaster.edges.store import Store
from broadcaster.model.airing import Airing, Outcome, Sounded
from broadcaster.model.count import BREAKDOWNS, Cell, Week
from broadcaster.report import Counts, Key, Report, before, in_order, placed, quotas, report
from tests.factories import ZONE, make_airing

CODES = ("03160", "03163", "01")
SECONDS = st.integers(0, 1_000_000).map(lambda milliseconds: milliseconds / 1000)
OUTCOMES = st.sampled_from(Outcome)
few = settings(max_examples=25, deadline=None)
DAYS = [  # around the ends of months and years, with a whole year between the first and the last
    day + timedelta(days=number)
    for day in (date(2025, 10, 30), date(2025, 12, 28), date(2026, 6, 29), date(2026, 12, 28))
    for number in range(8)
]
FIELDS: dict[str, Callable[[Airing], str]] = {  # of an airing: the code that each breakdown counts
    "day": lambda one: str(one.day),
    "area": lambda one: one.area,
    "station": lambda one: one.station_area,
    "script": lambda one: one.script,
    "schedule": lambda one: one.schedule,
    "cluster": lambda one: one.cluster,
    "campaign": lambda one: one.campaign,
    "group": lambda one: one.group,
    "class": lambda one: one.bulletin_class,
}


@st.composite
def make_airings(draw: st.DrawFn, days: Sequence[date] = DAYS) -> list[Airing]:
    """What a play log may hold of some days: each occurrence once, on any of three clusters."""
    occurrences = st.tuples(st.sampled_from(["tin", "lich"]), st.sampled_from(days), st.sampled_from("abc"))
    languages = st.builds(
        Sounded, st.sampled_from(["vi", "hmn-Latn-VN"]), st.just(""), SECONDS, SECONDS, OUTCOMES
    )
    found = []
    for schedule, day, cluster in draw(st.lists(occurrences, unique=True, max_size=8)):
        at = draw(st.sampled_from([time(0, 10), time(5, 30), time(17, 30), time(23, 50)]))
        planned = datetime.combine(day, at, ZONE)
        found.append(
            replace(
                make_airing(),
                occurrence=f"{schedule}/{day}T17:30:00/{cluster}",
                planned=planned,
                day=day,
                schedule=schedule,
                cluster=cluster,
                cluster_name=f"Cụm {cluster}",
                area=f"03160/{cluster}",
                station_area=draw(st.sampled_from(["03160", "03163"])),
                script=draw(st.sampled_from(["bhxh", "bhyt"])),
                group=draw(st.sampled_from(["farmers", "everyone"])),
                campaign=draw(st.sampled_from(["", "Tháng cao điểm"])),
                bulletin_class=draw(st.sampled_from(["normal", "emergency"])),
                outcome=draw(OUTCOMES),
                reason=draw(st.sampled_from(["", "power", "sink"])),
                seconds=draw(SECONDS),
                languages=tuple(draw(st.lists(languages, max_size=2, unique_by=lambda one: one.language))),
            )
        )
    return found


def counted(
    airings: Sequence[Airing], first: date = DAYS[0], last: date = DAYS[-1], every: int = 1000
) -> Report:
    """The report of a play log of *airings*, which takes its rows into its counts by so many."""
    memory = Path("/dev/shm")  # a disk of memory: the real one would take the time
    with (
        TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder,
        patch.object(stores, "COUNT_EVERY", every),
        closing(Store(Path(folder) / "a.db")) as store,
    ):
        for one in airings:
            store.end(one)
        assert store.verify() == []
        return report(store.cells(first, last))


def with_id(occurrence: str, **given: Any) -> Airing:
    return replace(make_airing(**given), occurrence=occurrence)


def added(*counts: Counts) -> Counts:
    whole = Counts()
    for one in counts:
        whole.milliseconds += one.milliseconds
        whole.station_airings += one.station_airings
        for outcome, number in one.outcomes.items():
            whole.outcomes[outcome] += number
        for why, number in one.reasons.items():
            whole.reasons[why] = whole.reasons.get(why, 0) + number
    return whole


def tally(airings: Sequence[Airing]) -> tuple[dict[Outcome, int], int]:
    """Outcomes and milliseconds of *airings*, by other means than the report's."""
    found = Counter(one.outcome for one in airings)
    seconds = sum(round(1000 * one.seconds) for one in airings)
    return {outcome: found[outcome] for outcome in Outcome}, seconds


def of(counts: Counts) -> tuple[dict[Outcome, int], int]:
    return counts.outcomes, counts.milliseconds


@few
@given(make_airings(), st.sampled_from([1, 3, 1000]))
def test_each_occurrence_is_counted_once(airings: list[Airing], every: int) -> None:
    """The totals have as many of each outcome as the log has, whether its rows were counted before or not."""
    found = counted(airings, every=every)
    assert of(found.totals) == tally(airings)
    assert found.totals.planned == len(airings)


@few
@given(make_airings(), st.sampled_from([1, 3, 1000]))
def test_every_breakdown_counts_its_own(airings: list[Airing], every: int) -> None:
    """Under a code stands what happened to the occurrences that bear it; all codes make the totals."""
    found = counted(airings, every=every)
    for word, code in FIELDS.items():
        for value in {code(one) for one in airings}:
            counts = added(*(count for key, count in found.by[word].items() if key.code == value))
            assert of(counts) == tally([one for one in airings if code(one) == value])
        assert of(added(*found.by[word].values())) == of(found.totals)
        assert added(*found.by[word].values()).reasons == found.totals.reasons


@few
@given(make_airings(), st.sampled_from(DAYS[1:]), st.sampled_from([1, 1000]))
def test_two_stretches_add_up(airings: list[Airing], middle: date, every: int) -> None:
    """The report of A to C is that of A to B and that of B to C together, wherever B lies."""
    both = counted(airings, every=every)
    one = counted(airings, DAYS[0], middle - timedelta(days=1), every)
    other = counted(airings, middle, DAYS[-1], every)
    assert both.totals == added(one.totals, other.totals)
    for word in BREAKDOWNS:
        assert both.by[word] == {
            key: added(one.by[word].get(key, Counts()), other.by[word].get(key, Counts()))
            for key in one.by[word].keys() | other.by[word].keys()
        }


@few
@given(make_airings())
def test_a_station_airing_is_counted_once_for_all_clusters(airings: list[Airing]) -> None:
    """A schedule's broadcast at one time is one airing of the station if it aired on any of its clusters."""
    aired = {one.occurrence.rpartition("/")[0] for one in airings if one.outcome is Outcome.AIRED}
    found = counted(airings)
    assert found.totals.station_airings == len(aired)
    for word in ("day", "schedule"):
        assert added(*found.by[word].values()).station_airings == len(aired)


@few
@given(make_airings())
def test_a_language_is_counted_by_its_own_outcome(airings: list[Airing]) -> None:
    """Vietnamese may have aired where Mông was cut: each language has its own outcome and seconds."""
    shares = [share for one in airings for share in one.languages]
    found = counted(airings).by["language"]
    assert {key.code: of(counts) for key, counts in found.items()} == {
        language: (
            {one: sum(s.language == language and s.outcome is one for s in shares) for one in Outcome},
            sum(round(1000 * share.seconds) for share in shares if share.language == language),
        )
        for language in {share.language for share in shares}
    }


def test_clusters_together_are_one_station_airing() -> None:
    """One broadcast on three clusters, cut on one, is two airings of clusters, one of the station."""
    outcomes = {"a": Outcome.AIRED, "b": Outcome.AIRED, "c": Outcome.CUT}
    found = counted(
        [
            replace(make_airing(), occurrence=f"lich/2026-11-20T17:30:00/{cluster}", outcome=outcome)
            for cluster, outcome in outcomes.items()
        ]
    ).totals
    assert (found.planned, found.aired, found.station_airings) == (3, 2, 1)


def test_what_still_sounds_is_not_counted(tmp_path: Path) -> None:
    """An occurrence that began and has not ended is none of the past: it counts nowhere."""
    with closing(Store(tmp_path / "a.db")) as store:
        store.begin(replace(make_airing(), outcome=None))
        assert store.cells(DAYS[0], DAYS[-1]) == []


def test_a_day_is_the_stations_own() -> None:
    """What sounds at 5:30 belongs to that day, though it is still the evening before in Greenwich."""
    early = make_airing(planned=datetime(2026, 11, 30, 22, 30, tzinfo=UTC), day=date(2026, 12, 1))
    assert counted([early], date(2026, 12, 1), date(2026, 12, 1)).totals.aired == 1
    assert counted([early], date(2026, 11, 1), date(2026, 11, 30), every=1).totals.planned == 0


def test_a_code_that_was_given_to_another_place_stands_twice() -> None:
    """Counts of both places stand apart, in the order of code and name."""
    names = ("Xã Mường Nhé", "Xã Mường Nhé mới")
    airings = [with_id(f"lich/{number}/a", area="03160", area_name=name) for number, name in enumerate(names)]
    other = make_airing(area="02", area_name="Bản Nậm Pố", station_area="02")
    found = in_order(counted([other, *airings]).by["area"])
    assert [(key.code, key.name) for key, _ in found] == [
        ("02", "Bản Nậm Pố"),
        ("03160", names[0]),
        ("03160", names[1]),
    ]


@pytest.mark.parametrize("every", [1, 1000])
def test_a_title_that_was_corrected_stands_once(every: int) -> None:
    """A script whose title was changed stays the same script, under its latest title."""
    titles = ("BHXH tự nguyen", "BHXH tự nguyện")
    airings = [with_id(f"lich/{number}/a", script_title=title) for number, title in enumerate(titles)]
    ((key, counts),) = counted(airings, every=every).by["script"].items()
    assert (key.name, counts.aired) == (titles[1], 2)


def test_clusters_of_two_stations_stand_apart() -> None:
    """Each commune may call a cluster the same: they are two."""
    airings = [with_id(f"lich/{code}/a", station_area=code) for code in ("03160", "03163")]
    found = counted(airings).by["cluster"]
    assert [(key.within, key.code, counts.aired) for key, counts in in_order(found)] == [
        ("03160", "nam-po", 1),
        ("03163", "nam-po", 1),
    ]


@pytest.mark.parametrize("every", [1, 1000])
def test_of_some_communes_only_theirs_is_counted(tmp_path: Path, every: int) -> None:
    """A province's part of a country's play log is what its communes' stations aired."""
    airings = [with_id(f"lich/{code}/a", station_area=code) for code in ("03160", "03163", "01")]
    with closing(Store(tmp_path / "a.db")) as store, patch.object(stores, "COUNT_EVERY", every):
        for one in airings:
            store.end(one)
        assert report(store.cells(DAYS[0], DAYS[-1], ["03160", "01"])).totals.aired == 2
        assert report(store.cells(DAYS[0], DAYS[-1], [])).totals.aired == 0


def test_a_row_that_the_disk_spoilt_keeps_no_other_from_being_counted(tmp_path: Path) -> None:
    """Rows with holes in them come from a damaged memory: the others are counted, and new ones taken."""
    with closing(Store(tmp_path / "a.db")) as store, patch.object(stores, "COUNT_EVERY", 1):
        store._db.execute(
            "insert into events (seq, event, outcome, languages) values (1, 'end', 'aired', '{')"
        )
        store._db.execute("insert into events (seq, event, outcome) values (2, 'end', 'sung')")
        store._db.conn.commit()
        store.end(make_airing())
        assert report(store.cells(DAYS[0], DAYS[-1])).totals.aired == 1


def test_counts_that_were_tampered_with_are_found(tmp_path: Path) -> None:
    """A count that was made larger than the rows say is told by `verify`."""
    with closing(Store(tmp_path / "a.db")) as store, patch.object(stores, "COUNT_EVERY", 1):
        store.end(make_airing())
        assert store.verify() == []
        store._db.execute("update counts set airings = airings + 1 where by = 'total'")
        ((number, what),) = store.verify()
        assert (number, "counts" in str(what)) == (0, True)


def test_areas_are_counted_by_what_they_lie_in() -> None:
    """Two villages of a commune are two areas, and together the commune's."""
    airings = [with_id(f"lich/{name}/a", area=f"03160/{name}") for name in "ab"]
    with TemporaryDirectory() as folder, closing(Store(Path(folder) / "a.db")) as store:
        for one in airings:
            store.end(one)
        cells = store.cells(DAYS[0], DAYS[-1])
    found = report(placed(cells, {"commune": lambda code: (code.partition("/")[0], "Xã Mường Nhé")}))
    assert found.by["commune"] == {Key("", "03160", "Xã Mường Nhé"): added(*found.by["area"].values())}
    assert found.totals.planned == 2


@pytest.mark.parametrize(
    ("days", "months", "earlier"),
    [
        (("2026-10-01", "2026-12-31"), 12, ("2025-10-01", "2025-12-31")),
        (("2026-10-01", "2026-12-31"), 3, ("2026-07-01", "2026-09-30")),
        (("2026-02-01", "2026-02-28"), 12, ("2025-02-01", "2025-02-28")),
        (("2024-02-01", "2024-02-29"), 12, ("2023-02-01", "2023-02-28")),
        (("2025-02-01", "2025-02-28"), 12, ("2024-02-01", "2024-02-29")),
        (("2026-01-01", "2026-03-31"), 3, ("2025-10-01", "2025-12-31")),
        (("2027-02-01", "2027-02-28"), 12, ("2026-02-01", "2026-02-28")),  # four weeks, and a month
        (("2026-11-16", "2026-11-22"), 12, ("2025-11-17", "2025-11-23")),
        (("2026-11-16", "2026-11-22"), 3, ("2026-08-17", "2026-08-23")),
        (("2026-11-05", "2026-11-20"), 12, ("2025-11-05", "2025-11-20")),
        (("2024-02-29", "2024-02-29"), 12, ("2023-02-28", "2023-02-28")),
    ],
)
def test_the_same_stretch_before(days: tuple[str, str], months: int, earlier: tuple[str, str]) -> None:
    """Whole months go with whole months, weeks with weeks, and a day with that day."""
    first, last = map(date.fromisoformat, days)
    assert before(first, last, months) == tuple(map(date.fromisoformat, earlier))


@pytest.mark.parametrize(
    ("quota", "planned", "aired", "today", "asked", "kept"),
    [
        (2, 2, 2, date(2026, 11, 23), 2, True),
        (2, 2, 1, date(2026, 11, 23), 2, False),
        (2, 3, 1, date(2026, 11, 22), 2, None),
        (2, 3, 2, date(2026, 11, 22), 2, None),
        (2, 1, 1, date(2026, 11, 23), 1, True),
        (None, 14, 14, date(2026, 11, 23), 14, True),
        (None, 14, 13, date(2026, 11, 23), 14, False),
    ],
)
def test_a_quota_is_kept_or_not(
    quota: int | None, planned: int, aired: int, today: date, asked: int, *, kept: bool | None
) -> None:
    """At least so many a week, or all that was planned; it is too few only when the week is over."""
    week = Week("lich", "Lịch", "03160", "nam-po", "Cụm", date(2026, 11, 16), planned, aired)
    (found,) = quotas([week], lambda _week: quota, today)
    assert (found.asked, found.kept) == (asked, kept)


def test_a_week_belongs_to_the_stretch_in_which_it_ends(tmp_path: Path) -> None:
    """Of a week on the edge of two months its days of both are counted, in the report of the second."""
    with closing(Store(tmp_path / "a.db")) as store:
        for number, day in enumerate((date(2026, 10, 26), date(2026, 11, 1))):  # Monday and Sunday
            planned = datetime.combine(day, time(5, 30), ZONE)
            store.end(with_id(f"lich/{number}/a", planned=planned, day=day))
        assert store.weeks(date(2026, 10, 1), date(2026, 10, 31)) == []
        (week,) = store.weeks(date(2026, 11, 1), date(2026, 11, 30))
        assert (week.monday, week.planned, week.aired) == (date(2026, 10, 26), 2, 2)


@pytest.mark.parametrize("outcome", Outcome)
def test_only_an_airing_is_aired(outcome: Outcome) -> None:
    """No outcome but `aired` counts as an airing, of the cluster or of the station."""
    found = counted([make_airing(outcome=outcome)]).totals
    assert found.aired == found.station_airings == (outcome is Outcome.AIRED)
    assert found.lost == (outcome is not Outcome.AIRED)


def test_nothing_counts_nothing() -> None:
    """Without a log every count is nought, and nothing is broken down."""
    found = report(list[Cell]())
    assert found.totals == Counts()
    assert not any(found.by.values())
