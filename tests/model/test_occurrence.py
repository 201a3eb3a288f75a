"""One planned broadcast."""

from dataclasses import replace

from broadcaster.model.occurrence import Occurrence, occurrence_id
from broadcaster.model.plan import plan
from tests.factories import at, make_cluster, make_content, make_recording, make_schedule


def planned(*languages: str) -> Occurrence:
    recordings = [make_recording(language="twh-Latn-VN", stand_in=True)]
    content = make_content(clusters=[make_cluster(languages=languages)], recordings=recordings)
    return plan(content, {}, at("2026-11-20"), at("2026-11-21"))[0]


def test_an_id_is_schedule_time_and_cluster() -> None:
    """The id names the schedule, the time that it asked for, and the cluster, so that it never changes."""
    nominal = at("2026-11-20", "17:30")
    assert occurrence_id("bhxh", nominal, "nam-po") == "bhxh/2026-11-20T17:30:00/nam-po"


def test_only_whole_languages_sound() -> None:
    """A language that lacks something is left out whole, and its seconds with it."""
    one = planned("hmn-Latn-VN", "vi")
    assert [recipe.language for recipe in one.whole] == ["vi"]
    assert one.seconds == planned("vi").seconds == 60.0


def test_what_is_missing_is_named_with_its_reason() -> None:
    """Each language that is withheld is named with the items it lacks and why."""
    assert planned("hmn-Latn-VN", "vi", "twh-Latn-VN").missing == (
        "hmn-Latn-VN: no-recording (loi); twh-Latn-VN: stand-in (loi)"
    )


def test_nothing_is_missing_where_all_is_there() -> None:
    """A whole occurrence has nothing to tell."""
    assert planned("vi").missing == ""


def test_the_schedule_of_a_factory_is_the_planned_one() -> None:
    """An occurrence copies the names of what it was made of."""
    content = make_content(make_schedule("bhxh", title="BHXH tự nguyện"))
    one = plan(content, {}, at("2026-11-20"), at("2026-11-21"))[0]
    assert (one.schedule, one.schedule_title) == ("bhxh", "BHXH tự nguyện")
    assert (one.script, one.script_title, one.group) == ("tin", "Kịch bản tin", "everyone")
    assert (one.cluster, one.cluster_name) == ("nam-po", "Cụm nam-po")
    assert (one.area, one.area_name) == ("03160/nam-po", "Bản Nậm Pố")
    assert replace(one, script_title="khác") != one
