"""What a faulty edit is answered with: the content as it last could be used."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from broadcaster.edges.content import Loaded, load
from broadcaster.edges.content.lastgood import LastGood
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.plan import plan
from tests.factories import at
from tests.stations import SCHEDULE, SCRIPT, STATION, airs, write

SEASON = """
[[season]]
name = "vai"
group = "everyone"
areas = ["11"]
from = 2026-11-01
until = 2026-11-30
"""


def aired(station: Path) -> Loaded:
    """As a daemon that starts just now has it, and keeps it."""
    good = LastGood(station, station / "var" / "good")
    loaded = good.load(lambda instead: load(station, None, instead))
    assert good.remember(loaded.left_out) == []
    return loaded


def first(station: Path) -> Content:
    loaded = aired(station)
    assert not loaded.faults
    return loaded.content


@pytest.mark.parametrize("name", ["schedules/tin.toml", "audio/tin/script.toml"])
def test_a_file_that_was_good_goes_on_until_it_is_mended(station: Path, name: str) -> None:
    """A saved file that is faulty leaves schedule and script as they last were, however often one starts."""
    last = first(station)
    write(station, name, "title = ")
    assert not load(station).content.schedules
    for _ in range(2):
        loaded = aired(station)
        assert any(fault.where.startswith(name) for fault in loaded.faults)
        kept = loaded.content
        assert (kept.scripts, kept.schedules) == (last.scripts, last.schedules)
        assert list(kept.recordings) == list(last.recordings)
    write(station, name, {"schedules/tin.toml": SCHEDULE, "audio/tin/script.toml": SCRIPT}[name])
    assert not aired(station).faults


@pytest.mark.parametrize("name", ["schedules/station.toml", "schedules/areas.toml"])
@pytest.mark.parametrize("text", ["name = ", None])
def test_a_station_that_cannot_be_used_is_as_it_last_was(station: Path, name: str, text: str | None) -> None:
    """After a power cut too, a slip in station.toml or areas.toml silences nobody."""
    last = first(station)
    if text is None:
        (station / name).unlink()
    else:
        write(station, name, text)
    loaded = aired(station)
    assert airs(loaded)
    assert loaded.content.station == last.station


@pytest.mark.parametrize("order", [1, -1])
def test_slips_in_several_files_leave_each_as_it_last_was(station: Path, order: int) -> None:
    """A broken station.toml on top of a broken schedule, or the other way round, silences neither."""
    write(station, "schedules/khac.toml", SCHEDULE)
    last = first(station)
    slips = {
        "schedules/station.toml": STATION.replace("[hours]", '[hours]\nsession_minutes = "x"'),
        "schedules/tin.toml": SCHEDULE.replace("script", "scipt"),
    }
    for name, text in list(slips.items())[::order]:
        write(station, name, text)
        for _ in range(2):
            loaded = aired(station)
            assert loaded.content.schedules == last.schedules
            assert loaded.content.station == last.station
    assert {fault.file for fault in loaded.faults} == slips.keys()
    write(station, "schedules/station.toml", STATION)
    assert aired(station).content.schedules == last.schedules


def test_a_station_that_never_was_good_is_none(station: Path) -> None:
    """Where nothing was kept, the fault is all there is."""
    write(station, "schedules/station.toml", "name = ")
    with pytest.raises(BroadcasterError):
        aired(station)


def test_a_season_that_others_need_goes_on(station: Path) -> None:
    """Taking out a season that a schedule names is a fault, and leaves both as they were."""
    write(station, "schedules/seasons.toml", SEASON)
    write(station, "schedules/tin.toml", SCHEDULE + 'season = "vai"\n')
    last = first(station)
    for text in (SEASON.replace('"vai"', '"nhan"'), SEASON.replace("name", "nmae")):
        write(station, "schedules/seasons.toml", text)
        loaded = aired(station)
        assert loaded.faults
        assert airs(loaded)
        assert loaded.content.seasons == last.seasons


def test_what_was_taken_away_is_not_kept(station: Path) -> None:
    """A schedule, script or recording that was deleted is gone, even where its neighbour is faulty."""
    write(station, "schedules/khac.toml", SCHEDULE)
    first(station)
    (station / "schedules" / "khac.toml").unlink()
    shutil.rmtree(station / "audio" / "tin" / "recordings")
    write(station, "schedules/tin.toml", "title = ")
    kept = aired(station).content
    assert [schedule.id for schedule in kept.schedules] == ["tin"]
    assert not list(kept.recordings)


def test_a_schedule_is_not_kept_without_its_script(station: Path) -> None:
    """When a script was deleted, its schedule cannot go on either: what is kept can be planned."""
    first(station)
    shutil.rmtree(station / "audio" / "tin")
    kept = aired(station).content
    assert not kept.schedules
    assert plan(kept, {}, at("2026-11-20"), at("2026-11-21")) == ()


def test_what_is_new_comes_beside_what_is_kept(station: Path) -> None:
    """A good new file counts at once, in file order, whatever is faulty beside it."""
    write(station, "schedules/a-b.toml", SCHEDULE)
    first(station)
    write(station, "schedules/a-b.toml", "title = ")
    write(station, "schedules/a.toml", SCHEDULE)
    write(station, "schedules/tin.toml", SCHEDULE.replace('"Tin"', '"Tin mới"'))
    for _ in range(2):
        assert [(one.id, one.title) for one in aired(station).content.schedules] == [
            ("a-b", "Tin"),
            ("a", "Tin"),
            ("tin", "Tin mới"),
        ]


def test_a_faulty_script_stays_as_it_was_approved(station: Path) -> None:
    """What was on air stays on air while an officer's slip is mended."""
    first(station)
    write(station, "audio/tin/script.toml", SCRIPT.replace("title", "titel"))
    loaded = aired(station)
    assert loaded.left_out == {"audio/tin", "schedules/tin"}
    assert airs(loaded)


@pytest.mark.parametrize("end", ["revoked", "taken away", "torn"])
def test_a_faulty_script_whose_approval_was_taken_back_does_not_stay(station: Path, end: str) -> None:
    """Approvals are read whatever is wrong with the words: taking them back silences at once."""
    last = first(station)
    write(station, "audio/tin/script.toml", SCRIPT.replace("title", "titel"))
    path = station / "audio/tin/approvals.jsonl"
    match end:
        case "revoked":
            lines = last.approvals["tin"].history
            path.write_text("".join(f"{replace(one, revoked=True).line}\n" for one in lines), "utf-8")
        case "taken away":
            path.unlink()
        case "torn":
            path.write_bytes(path.read_bytes().replace(b"}", b""))
    assert not airs(aired(station))


def test_a_kept_text_that_is_broken_itself_is_as_if_it_were_not_kept(station: Path) -> None:
    """Whatever a failing disk made of what was kept, the rest goes on."""
    write(station, "schedules/khac.toml", SCHEDULE)
    first(station)
    write(station, "var/good/schedules/tin.toml", b"\xff\xfe")
    write(station, "schedules/tin.toml", "title = ")
    assert [one.id for one in aired(station).content.schedules] == ["khac"]


def test_a_place_where_nothing_can_be_kept_is_a_fault(station: Path) -> None:
    """A full or read-only disk is told, and what was read counts all the same."""
    write(station, "var/good", "in the way")
    good = LastGood(station, station / "var" / "good")
    (fault,) = good.remember(())
    assert "cannot be kept" in str(fault.what)
    assert airs(good.load(lambda instead: load(station, None, instead)))


def test_the_station_may_be_another_the_next_time(station: Path) -> None:
    """What is good is kept anew each time: the newest is what goes on."""
    first(station)
    write(station, "schedules/station.toml", STATION.replace("Đài mẫu", "Đài mới"))
    first(station)
    write(station, "schedules/station.toml", "name = ")
    assert aired(station).content.station.name == "Đài mới"
