"""What is still to be done before an item can go on air, and by when."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from broadcaster.model.approval import Approvals
from broadcaster.model.completeness import Wanting, matrix, wanting
from broadcaster.model.content import Content
from broadcaster.model.plan import plan
from broadcaster.model.recording import Lack, Recordings
from broadcaster.model.schedule import Days, Exclusion
from broadcaster.model.script import Item
from tests.factories import (
    MORNING,
    at,
    make_cluster,
    make_content,
    make_recording,
    make_rule,
    make_schedule,
    make_script,
)

MONG = "hmn-Latn-VN"
DAY = date(2026, 11, 20)
BOTH = ("vi", MONG)
TWO = [make_cluster("nam-po", languages=BOTH), make_cluster("na-pan", languages=BOTH, area="03160/na-pan")]


def found(content: Content, days: int = 7) -> list[Wanting]:
    start = at("2026-11-20")
    return wanting(content, plan(content, {}, start, start + timedelta(days=days)), DAY)


def told(content: Content, days: int = 7) -> list[tuple[str, str, str, Lack]]:
    return [(one.script, one.language, one.item, one.lack) for one in found(content, days)]


class TestWanting:
    def test_nothing_is_wanting_where_all_is_there(self) -> None:
        """Approved words for the voice in every language that a cluster hears."""
        assert found(make_content()) == []

    def test_what_is_needed_first_comes_first(self) -> None:
        """By the hour, whatever the order of scripts and schedules; then what no schedule asks for."""
        names = ("som", "muon", "khong")
        content = make_content(
            make_schedule("a", scripts=["muon"]),
            make_schedule("b", make_rule(MORNING), scripts=["som"]),
            scripts=[make_script(name) for name in reversed(names)],
            clusters=[make_cluster(languages=[MONG])],
        )
        assert [(one.script, one.needed) for one in found(content)] == [
            ("som", at("2026-11-20", "05:30")),
            ("muon", at("2026-11-20", "17:30")),
            ("khong", None),
        ]

    def test_an_item_stands_there_once_with_all_its_places(self) -> None:
        """Two villages lack the same recording: one line, with both and the first hour."""
        (one,) = found(make_content(clusters=TWO))
        assert (one.script, one.language, one.item, one.lack) == ("tin", MONG, "loi", Lack.NO_RECORDING)
        assert one.areas == ("03160/nam-po", "03160/na-pan")
        assert one.needed == at("2026-11-20", "17:30")
        assert one.text == "Kính thưa bà"
        assert one.seconds == make_script().items[0].seconds

    def test_a_place_that_has_its_own_is_not_named(self) -> None:
        """Only those villages stand there that hear nothing."""
        own = make_recording(language=MONG, area="03160/nam-po")
        (one,) = found(make_content(clusters=TWO, recordings=[own]))
        assert one.areas == ("03160/na-pan",)

    def test_different_lacks_of_an_item_are_different_work(self) -> None:
        """One village wants a recording, the other an approval."""
        own = make_recording(language=MONG, area="03160/nam-po")
        content = make_content(clusters=TWO, recordings=[own])
        content = replace(content, recordings=Recordings([replace(own, digest="swapped")]))
        assert [(one.lack, one.areas) for one in found(content)] == [
            (Lack.UNAPPROVED, ("03160/nam-po",)),
            (Lack.NO_RECORDING, ("03160/na-pan",)),
        ]

    def test_a_day_on_which_the_schedule_is_silent_needs_nothing(self) -> None:
        """The hour that is named is the first at which it will be wanted."""
        silent = Exclusion(Days(DAY, DAY), "Tết")
        content = make_content(make_schedule(exclusions=[silent]), clusters=[make_cluster(languages=[MONG])])
        (one,) = found(content)
        assert one.needed == at("2026-11-21", "17:30")
        (one,) = found(content, days=1)
        assert one.needed is None

    def test_an_hour_outside_those_allowed_needs_nothing(self) -> None:
        """What will not sound in any case is nothing to hurry for."""
        content = make_content(
            make_schedule("dem", make_rule(at("2026-11-20", "03:15").time())), clusters=TWO
        )
        (one,) = found(content)
        assert one.needed is None

    @pytest.mark.parametrize("lack", list(Lack))
    def test_every_lack_is_told(self, lack: Lack) -> None:
        """No recording, a damaged one, a stand-in, no fact, not approved, outdated."""
        script = make_script(items=[Item("loi", {"vi": "Kính thưa bà con."})])
        cluster = make_cluster(languages=[MONG])
        one = make_recording(language=MONG)
        content = make_content(scripts=[script], clusters=[cluster], recordings=[one])
        match lack:
            case Lack.NO_RECORDING:
                content = replace(content, recordings=Recordings())
            case Lack.BROKEN:
                content = replace(content, recordings=Recordings([replace(one, broken=True)]))
            case Lack.STAND_IN:
                content = replace(content, recordings=Recordings([replace(one, stand_in=True)]))
            case Lack.NO_FACT:
                script = make_script(items=[Item("loi", {"vi": "Tại {area.collection_point}."})])
                content = make_content(scripts=[script], clusters=[make_cluster()])
            case Lack.UNAPPROVED:
                content = replace(content, approvals={"tin": Approvals()})
            case Lack.OUTDATED:
                script = make_script(items=[Item("loi", {"vi": "Kính thưa ông bà."})])
                content = replace(content, scripts={"tin": script})
        assert [one.lack for one in found(content)] == [lack]

    def test_a_changed_word_outdates_the_translation_alone(self) -> None:
        """The Vietnamese must be read again, and the Mông be made again."""
        item = Item("loi", {"vi": "Ngày 5.", MONG: "Hnub 5."})
        one = make_recording(language=MONG)
        content = make_content(scripts=[make_script(items=[item])], clusters=TWO, recordings=[one])
        assert found(content) == []
        changed = make_script(items=[Item("loi", {"vi": "Ngày 6.", MONG: "Hnub 5."})])
        assert told(replace(content, scripts={"tin": changed})) == [
            ("tin", "vi", "loi", Lack.UNAPPROVED),
            ("tin", MONG, "loi", Lack.OUTDATED),
        ]


class TestMatrix:
    def test_has_a_cell_for_each_script_language_and_place(self) -> None:
        """Scheduled or not; two clusters at one place are one cell."""
        clusters = [*TWO, make_cluster("nam-po-2", languages=["vi"])]
        content = make_content(scripts=[make_script("tin"), make_script("khac")], clusters=clusters)
        cells = [(one.script, one.area, one.language, one.state, one.items) for one in matrix(content, DAY)]
        assert sorted(cells) == sorted(
            (script, f"03160/{village}", language, state, 1)
            for script in ("tin", "khac")
            for village in ("nam-po", "na-pan")
            for language, state in (("vi", "there"), (MONG, "no-recording"))
        )

    def test_counts_what_is_lacking(self) -> None:
        """Each lack with its number of items; the one that most keeps it off the air is its state."""
        items = [Item(name, {"vi": name}) for name in ("a", "b", "c", "d")]
        recordings = [
            make_recording("a", MONG),
            make_recording("b", MONG, stand_in=True),
            make_recording("c", MONG, stand_in=True),
        ]
        content = make_content(
            scripts=[make_script(items=items)],
            clusters=[make_cluster(languages=[MONG])],
            recordings=recordings,
        )
        (cell,) = matrix(content, DAY)
        assert (cell.items, cell.state) == (4, "no-recording")
        assert cell.lacks == {Lack.NO_RECORDING: 1, Lack.STAND_IN: 2}

    def test_knows_what_is_outdated(self) -> None:
        """The Vietnamese words changed after the reading was approved."""
        one = make_recording(language=MONG)
        content = make_content(clusters=[make_cluster(languages=[MONG])], recordings=[one])
        assert [cell.state for cell in matrix(content, DAY)] == ["there"]
        changed = make_script(items=[Item("loi", {"vi": "Kính thưa ông"})])
        content = replace(content, scripts={"tin": changed})
        assert [cell.state for cell in matrix(content, DAY)] == ["outdated"]
