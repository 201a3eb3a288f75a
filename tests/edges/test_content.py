"""Officers' files become the model; what the file system has in store is met in words."""

import os
import shutil
import unicodedata
from datetime import date, datetime
from pathlib import Path

import pytest

from broadcaster.edges.content import digest_of, fingerprint, load
from broadcaster.model.area import AreaKind
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.occurrence import State
from broadcaster.model.plan import plan
from broadcaster.model.recording import Measured
from broadcaster.model.schedule import BulletinClass, Days, Exclusion, Move, Quota, Rule
from tests.factories import EVENING, MORNING, at, span
from tests.stations import AREAS, SCHEDULE, SCRIPT, STATION, airs, assert_told, only_fault, write

ROOT = Path(__file__).parents[2]

# --- what is right


def test_the_sample_station_has_no_fault() -> None:
    """The repository's own root is a station, and nothing is wrong with it."""
    loaded = load(ROOT)
    assert not loaded.faults
    assert not loaded.left_out
    assert {schedule.id for schedule in loaded.content.schedules} >= {"bhxh-tu-nguyen", "bhyt-ho-gia-dinh"}


def test_every_language_of_the_sample_station_airs_on_trial() -> None:
    """In the demo every cluster of the sample hears each of its languages whole."""
    content = load(ROOT).content.on_trial()
    if not list(content.recordings):
        pytest.skip("the sample's recordings are not in this checkout")
    for one in plan(content, {}, at("2026-11-20"), at("2026-11-21")):
        assert one.state is State.PLANNED
        assert one.whole == list(one.recipes)


def test_a_station_is_read_whole(station: Path) -> None:
    """Everything that the files say is in the model."""
    write(
        station,
        "schedules/station.toml",
        STATION.replace(
            "[hours]", 'closing = "mo-dau.flac"\n[hours]\nsession_minutes = 20\nsessions_per_day = 3'
        ),
    )
    loaded = load(station)
    assert not loaded.faults
    one = loaded.content.station
    assert (one.name, one.area, one.closing) == ("Đài mẫu", "03160", "mo-dau.flac")
    assert one.timezone.key == "Asia/Ho_Chi_Minh"
    assert list(one.hours.allowed) == [span("05:00", "06:30"), span("16:30", "18:30")]
    assert (one.hours.session_minutes, one.hours.sessions_per_day) == (20, 3)
    (cluster,) = one.clusters
    assert (cluster.id, cluster.name, cluster.area) == ("nam-po", "Bản Nậm Pố", "03160/nam-po")
    assert (list(cluster.languages), cluster.sink) == (["vi", "hmn-Latn-VN"], "card:default")
    area = loaded.content.areas.find("03160", date(2026, 11, 20))
    assert area is not None
    assert (area.name, area.kind, area.parent) == ("Xã Mường Nhé", AreaKind.COMMUNE, "11")
    assert (area.valid_from, area.facts) == (date(2025, 7, 1), {"collection_point": "Bưu điện xã"})


def test_a_script_says_who_wrote_it_and_its_class(station: Path) -> None:
    """Without them it is nobody's and normal."""
    write(station, "audio/bhyt/script.toml", 'author = "Tổ tin"\nclass = "priority"\n' + SCRIPT)
    scripts = load(station).content.scripts
    assert (scripts["bhyt"].author, scripts["bhyt"].bulletin_class) == ("Tổ tin", BulletinClass.PRIORITY)
    assert (scripts["tin"].author, scripts["tin"].bulletin_class) == ("", BulletinClass.NORMAL)


def test_a_schedule_without_a_class_takes_its_first_scripts(station: Path) -> None:
    """A class of its own goes first, and a script that cannot be used changes nothing."""
    write(station, "audio/bao/script.toml", 'class = "priority"\n' + SCRIPT)
    for name, script, more in (
        ("a", '["bao", "tin"]', ""),
        ("b", '["tin", "bao"]', ""),
        ("c", '"bao"', 'class = "normal"'),
    ):
        write(station, f"schedules/{name}.toml", f"{more}{SCHEDULE}".replace('"tin"', script))
    write(station, "schedules/d.toml", SCHEDULE.replace('"tin"', '["away", "bao"]'))
    loaded = load(station)
    found = {one.id: one.bulletin_class.word for one in loaded.content.schedules}
    assert found == {"a": "priority", "b": "normal", "c": "normal", "tin": "normal"}
    assert [fault.where for fault in loaded.faults] == ["schedules/d.toml"]


def test_only_a_schedule_itself_makes_an_emergency(station: Path) -> None:
    """What passes the allowed hours is written where the hour is; from a script alone it has priority."""
    write(station, "audio/bao/script.toml", 'class = "emergency"\n' + SCRIPT)
    schedule = SCHEDULE.replace('"tin"', '"bao"')
    write(station, "schedules/a.toml", schedule)
    write(station, "schedules/b.toml", f'class = "emergency"{schedule}')
    loaded = load(station)
    assert not loaded.faults
    found = {one.id: one.bulletin_class.word for one in loaded.content.schedules}
    assert found == {"a": "priority", "b": "emergency", "tin": "normal"}


def test_a_schedule_is_read_whole(station: Path) -> None:
    """Rules, campaigns, exceptions and moves mean what the design's example says."""
    write(station, "audio/bhyt/script.toml", SCRIPT)
    write(
        station,
        "schedules/bhxh.toml",
        """
        title = "BHXH tự nguyện"
        script = ["tin", "bhyt"]
        areas = ["11", "03160"]
        class = "priority"
        enabled = false
        [[rule]]
        months = [5, 11]
        times = [05:30:00, 17:30:00]
        [[rule]]
        days = [1, 15]
        weekdays = ["tue", "fri"]
        times = [17:30:00]
        from = 2026-01-01
        at_least = { airings = 2, per = "week" }
        [[campaign]]
        from = 2024-04-01
        until = 2024-05-31
        times = [05:30:00, 17:30:00]
        [[except]]
        from = 2027-02-05
        until = 2027-02-10
        reason = "Tết Nguyên đán"
        [[move]]
        occurrence = 2026-11-20T17:30:00
        to = 2026-11-20T18:00:00
        """,
    )
    loaded = load(station)
    assert not loaded.faults
    schedule = loaded.content.schedules[0]
    assert (schedule.id, schedule.title, schedule.enabled) == ("bhxh", "BHXH tự nguyện", False)
    assert (schedule.scripts, schedule.areas) == (("tin", "bhyt"), ("11", "03160"))
    assert schedule.bulletin_class is BulletinClass.PRIORITY
    both = (MORNING, EVENING)
    assert schedule.rules == [
        Rule(both, months=frozenset({5, 11})),
        Rule(
            (EVENING,),
            Days(date(2026, 1, 1)),
            weekdays=frozenset({1, 4}),
            days=frozenset({1, 15}),
            at_least=Quota(2),
        ),
    ]
    assert schedule.campaigns == [Rule(both, Days(date(2024, 4, 1), date(2024, 5, 31)))]
    assert schedule.exclusions == [Exclusion(Days(date(2027, 2, 5), date(2027, 2, 10)), "Tết Nguyên đán")]
    moment = datetime.fromisoformat
    assert schedule.moves == [Move(moment("2026-11-20T17:30:00"), moment("2026-11-20T18:00:00"))]


def test_a_script_is_read_whole(station: Path) -> None:
    """Items keep their order, texts and pauses."""
    head = 'group = "farmers"\nchime = "mo-dau.flac"\nbed = "nen.flac"\n'
    write(station, "audio/tin/script.toml", head + SCRIPT.replace('id = "ket"', 'id = "ket"\npause = 2'))
    loaded = load(station)
    assert not loaded.faults
    script = loaded.content.scripts["tin"]
    assert (script.title, script.group, script.chime, script.bed) == (
        "Tin",
        "farmers",
        "mo-dau.flac",
        "nen.flac",
    )
    assert [(item.id, item.pause) for item in script.items] == [("loi-chao", 0.8), ("ket", 2.0)]
    assert script.items[0].text == {"vi": "Kính thưa bà con {area.name}!"}


def test_recordings_are_found_with_language_item_and_area(station: Path) -> None:
    """A recording's folder is its language, its name the item, and the area after an @, with + for /."""
    write(station, "audio/tin/recordings/vi/loi-chao@03160+nam-po.wav", b"")
    write(station, "audio/tin/recordings/vi/loi-chao@11.Wav", b"")
    loaded = load(station)
    assert not loaded.faults
    assert {(one.language, one.item, one.area, one.path) for one in loaded.content.recordings} == {
        ("hmn-Latn-VN", "ket", None, "audio/tin/recordings/hmn-Latn-VN/ket.mp3"),
        ("vi", "loi-chao", "03160/nam-po", "audio/tin/recordings/vi/loi-chao@03160+nam-po.wav"),
        ("vi", "loi-chao", "11", "audio/tin/recordings/vi/loi-chao@11.Wav"),
    }
    assert not any(one.stand_in or one.broken or one.seconds for one in loaded.content.recordings)


def test_stand_ins_are_marked(station: Path) -> None:
    """A recording that recordings.toml calls a stand-in is one; who spoke it is noted and no more."""
    notes = '["hmn-Latn-VN/ket.mp3"]\nstand_in = true\nspeaker = "một phát thanh viên"\n'
    write(station, "audio/tin/recordings.toml", notes)
    (one,) = load(station).content.recordings
    assert one.stand_in


def test_what_decoding_told_is_used_while_the_file_is_the_same(station: Path) -> None:
    """A measured length counts for the file of that size and time; a changed file is measured anew."""
    name = "audio/tin/recordings/hmn-Latn-VN/ket.mp3"
    stat, own = (station / name).stat(), digest_of(station / name)
    size, changed = stat.st_size, stat.st_ctime_ns
    for measured, digest, seconds, broken in [
        (Measured(size, changed, "told", 4.5, None), "told", 4.5, False),
        (Measured(size, changed, "told", None, None), "told", None, True),
        (Measured(size + 1, changed, "told", 4.5, None), own, None, False),
        (Measured(size, changed + 1, "told", None, None), own, None, False),
    ]:
        (one,) = load(station, {name: measured}).content.recordings
        assert (one.digest, one.seconds, one.broken) == (digest, seconds, broken)


def test_a_file_whose_size_and_time_were_set_back_is_another(station: Path) -> None:
    """The time of change cannot be set back: other bytes of the same size and date are measured anew."""
    path = station / "audio/tin/recordings/hmn-Latn-VN/ket.mp3"
    before = path.stat()
    known = {
        "audio/tin/recordings/hmn-Latn-VN/ket.mp3": Measured(
            before.st_size, before.st_ctime_ns, digest_of(path), 4.5, None
        )
    }
    path.write_bytes(bytes(before.st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    (one,) = load(station, known).content.recordings
    assert (one.digest, one.seconds) == (digest_of(path), None)


def test_a_dictionary_says_how_voices_read(station: Path) -> None:
    """What is not text in it is a fault, and the rest of it holds."""
    write(station, "audio/dictionary.toml", 'BHYT = "bảo hiểm y tế"\nHIV = 5\n')
    loaded = load(station)
    assert loaded.content.dictionary == {"BHYT": "bảo hiểm y tế"}
    assert [(fault.where, "HIV" in str(fault.what)) for fault in loaded.faults] == [
        ("audio/dictionary.toml", True)
    ]
    assert airs(loaded)


def test_schedules_come_in_the_order_of_their_files(station: Path) -> None:
    """File order, which breaks ties on air, is the order of the names, today and on every machine."""
    for name in ("b", "a", "a-b", "c"):
        write(station, f"schedules/{name}.toml", SCHEDULE)
    content = load(station).content
    assert [schedule.id for schedule in content.schedules] == ["a-b", "a", "b", "c", "tin"]


def test_notepad_and_windows_are_welcome(station: Path) -> None:
    """A byte order mark at the start and Windows line ends change nothing."""
    before = load(station).content
    for path in [*station.glob("schedules/*.toml"), *station.glob("audio/*/script.toml")]:
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    loaded = load(station)
    assert not loaded.faults
    assert loaded.content.scripts == before.scripts
    assert loaded.content.schedules == before.schedules


def test_text_from_a_mac_is_the_same_text(station: Path) -> None:
    """Letters whose accents come apart (NFD), in files or in their names, mean what they look like."""

    def apart(text: str) -> str:
        return unicodedata.normalize("NFD", text)

    assert apart(SCRIPT) != SCRIPT
    write(station, "audio/tin/script.toml", 'chime = "mở đầu.flac"' + apart(SCRIPT))
    write(station, apart("audio/chimes/mở đầu.flac"), b"")
    write(station, apart("schedules/tết.toml"), apart(SCHEDULE))
    write(station, "schedules/areas.toml", AREAS.replace("nam-po", "nậm-pố"))
    write(station, "schedules/station.toml", STATION.replace("03160/nam-po", apart("03160/nậm-pố")))
    write(station, apart("audio/tin/recordings/vi/ket@03160+nậm-pố.wav"), b"")
    loaded = load(station)
    assert not loaded.faults
    assert [schedule.id for schedule in loaded.content.schedules] == ["tin", "tết"]
    assert {one.area for one in loaded.content.recordings} == {None, "03160/nậm-pố"}
    script = loaded.content.scripts["tin"]
    assert script.items[0].text["vi"] == "Kính thưa bà con {area.name}!"
    assert (station / "audio" / "chimes" / (script.chime or "")).is_file()


def test_what_is_hidden_or_not_toml_is_nobodys_business(station: Path) -> None:
    """Editors' locks, a Mac's and Windows' leavings and notes beside the files are passed over."""
    (station / "schedules" / ".#tin.toml").symlink_to("nobody@nowhere")
    write(station, "schedules/._tin.toml", b"\x00\x05\x16\x07")
    write(station, "schedules/readme.txt", "Lịch phát")
    write(station, "audio/.Trash-1000/info", "x")
    write(station, "audio/notes.txt", "x")
    write(station, "audio/tin/recordings/.DS_Store", b"\x00")
    write(station, "audio/tin/recordings/hmn-Latn-VN/._ket.mp3", b"\x00")
    assert not load(station).faults


def test_a_station_without_audio_is_a_station(station: Path) -> None:
    """A station may have no folder of audio yet; its schedules then say what they lack."""
    shutil.rmtree(station / "audio")
    (fault,) = load(station).faults
    assert_told(fault, "schedules/tin.toml", "The script “tin” cannot be used", "Write the script")


# --- the file system


def test_a_folder_where_a_file_should_be_is_said(station: Path) -> None:
    """A folder with the name of a schedule, a script or the notes is one fault each."""
    names = ["audio/tin/recordings.toml", "audio/xau/script.toml", "schedules/xau.toml"]
    for name in names:
        (station / name).mkdir(parents=True)
    loaded = load(station)
    told = [fault.where for fault in loaded.faults if str(fault.what) == "This is not a file."]
    assert sorted(told) == names


def test_a_file_where_a_folder_should_be_is_said(station: Path) -> None:
    """A file with the name of the recordings' folder is one fault."""
    shutil.rmtree(station / "audio" / "tin" / "recordings")
    write(station, "audio/tin/recordings", b"")
    assert_told(
        only_fault(station),
        "audio/tin/recordings",
        "cannot be read: a part of its path is no folder",
        "See that",
    )


def test_a_pipe_is_not_waited_for(station: Path) -> None:
    """Reading never hangs on something that only looks like a file."""
    os.mkfifo(station / "schedules" / "xau.toml")
    assert_told(only_fault(station), "schedules/xau.toml", "This is not a file", "Put the right file")


def test_links_to_nowhere_are_said(station: Path) -> None:
    """A link that leads nowhere, or round in a ring, is one fault."""
    (station / "schedules" / "a.toml").symlink_to("nowhere.toml")
    (station / "schedules" / "b.toml").symlink_to("b.toml")
    (station / "audio" / "tin" / "recordings" / "vi").mkdir()
    (station / "audio" / "tin" / "recordings" / "vi" / "ket.wav").symlink_to("nowhere.wav")
    (station / "audio" / "tin" / "recordings" / "vi" / "loi-chao.wav").symlink_to("loi-chao.wav")
    loaded = load(station)
    assert sorted(fault.where for fault in loaded.faults) == [
        "audio/tin/recordings/vi/ket.wav",
        "audio/tin/recordings/vi/loi-chao.wav",
        "schedules/a.toml",
        "schedules/b.toml",
    ]
    assert all("cannot be read" in str(fault.what) for fault in loaded.faults)
    assert airs(loaded)


def test_folders_that_lie_in_themselves_end(station: Path) -> None:
    """A link that makes a folder its own part is read once, not for ever."""
    (station / "audio" / "tin" / "recordings" / "vi").symlink_to(station / "audio" / "tin" / "recordings")
    loaded = load(station)
    assert {fault.where for fault in loaded.faults} == {
        "audio/tin/recordings/vi/hmn-Latn-VN",
        "audio/tin/recordings/vi/vi",
    }
    assert airs(loaded)
    assert fingerprint(station) == fingerprint(station)


def test_a_link_to_a_file_is_that_file(station: Path) -> None:
    """Content may be shared between stations by links."""
    elsewhere = write(station, "elsewhere.toml", SCHEDULE)
    (station / "schedules" / "chung.toml").symlink_to(elsewhere)
    loaded = load(station)
    assert not loaded.faults
    assert [schedule.id for schedule in loaded.content.schedules] == ["chung", "tin"]


def test_a_name_that_is_not_utf_8_is_said(station: Path) -> None:
    """A file whose name came from an old code page, or holds a line end, is one fault that can be printed."""
    for name in (b"t\xeat.toml", b"hai\ndong.toml"):
        Path(os.fsdecode(os.fsencode(station / "schedules") + b"/" + name)).write_text(SCHEDULE)
    loaded = load(station)
    assert [str(fault.what) for fault in loaded.faults] == [
        r"The name of a file is not text in UTF-8: 'hai\ndong.toml'.",
        r"The name of a file is not text in UTF-8: 't\udceat.toml'.",
    ]
    assert airs(loaded)
    "\n".join(map(str, loaded.faults)).encode()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize(
    "name", ["schedules/xau.toml", "audio/xau", "audio/xau/script.toml", "audio/tin/recordings/vi"]
)
def test_what_may_not_be_read_is_said(station: Path, name: str) -> None:
    """A file or folder without permission is one fault, and the rest airs."""
    path = station / name
    if path.suffix:
        write(station, name, SCHEDULE)
    else:
        path.mkdir(parents=True)
    path.chmod(0)
    try:
        assert "cannot be read: this user may not" in str(only_fault(station).what)
    finally:
        path.chmod(0o700)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_station_that_may_not_be_read_is_refused(station: Path) -> None:
    """A station whose schedules are closed to us says so, not that there is no station."""
    (station / "schedules").chmod(0)
    try:
        with pytest.raises(BroadcasterError, match="cannot be read: this user may not"):
            load(station)
    finally:
        (station / "schedules").chmod(0o700)


# --- reading again


def test_the_fingerprint_changes_with_every_change(station: Path) -> None:
    """Saving, adding, renaming or taking away any file shows; nothing shows where nothing happened."""
    seen = [fingerprint(station)]
    assert fingerprint(station) == seen[0]
    write(station, "schedules/tin.toml", SCHEDULE + "# x")
    seen.append(fingerprint(station))
    os.utime(station / "audio/tin/script.toml", ns=(0, 0))
    seen.append(fingerprint(station))
    added = write(station, "audio/tin/recordings/vi/ket.wav", b"")
    seen.append(fingerprint(station))
    added.rename(added.with_name("loi-chao.wav"))
    seen.append(fingerprint(station))
    shutil.rmtree(station / "audio")
    seen.append(fingerprint(station))
    assert len(set(seen)) == len(seen)


def test_a_fingerprint_is_taken_of_whatever_is_there(tmp_path: Path) -> None:
    """No station, links to nowhere: looking for changes never fails."""
    assert fingerprint(tmp_path / "nowhere") == fingerprint(tmp_path)
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "a.toml").symlink_to("a.toml")
    assert fingerprint(tmp_path) == fingerprint(tmp_path)
