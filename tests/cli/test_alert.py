"""`broadcaster alert`: the signal tone first, then the words, whatever is wrong with the station."""

import io
import shutil
import sys
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from broadcaster.cli import alert
from broadcaster.edges.cap import NAMESPACE
from broadcaster.model.errors import BroadcasterError, Fault, say
from tests.cli.terminal import CALM, Terminal, buzz, daemon
from tests.stations import approve

PLACES = {
    "clusters": [
        ["trung-tam", "Khu trung tâm xã", "full", ["vi"]],
        ["nam-po", "Bản Nậm Pố", "full", ["vi", "hmn-Latn-VN"]],
    ]
}
TEXT = "Nước lũ đang về, bà con lên chỗ cao"
CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="{namespace}">
  <identifier>{name}</identifier><sender>kttv@dienbien.example</sender><sent>2026-11-20T16:55:00+07:00</sent>
  <status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>{references}
  <info>
    <language>vi-VN</language><category>Met</category><event>Lũ quét</event><urgency>Immediate</urgency>
    <severity>Extreme</severity><certainty>Observed</certainty>{expires}
    <headline>Lũ quét ở Mường Nhé</headline><instruction>Rời bờ suối</instruction>
    <area><areaDesc>{area}</areaDesc></area>
  </info>
</alert>
"""
KEY = "kttv@dienbien.example,VN-1"


def cap(
    name: str = "VN-1",
    kind: str = "Alert",
    area: str = "Xã Mường Nhé",
    status: str = "Actual",
    expires: str = "",
    cancels: str = "",
) -> str:
    """A CAP message of five minutes ago."""
    references = f"<references>{cancels},2026-11-20T16:50:00+07:00</references>" if cancels else ""
    expires = f"<expires>{expires}</expires>" if expires else ""
    return CAP.format(
        namespace=NAMESPACE,
        name=name,
        kind=kind,
        area=area,
        status=status,
        references=references,
        expires=expires,
    )


@pytest.fixture
def memory(type_in: Terminal) -> Iterator[Path]:
    """Where the words go when the disk takes nothing."""
    folder = alert.MEMORY / f"broadcaster-{sha256(str(type_in.station).encode()).hexdigest()[:16]}"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


class TestOrder:
    def test_is_given_before_the_words_are_made(self, type_in: Terminal) -> None:
        """The daemon is told of it at once; what it says follows when it is spoken, for each cluster."""
        with daemon(type_in.station, alert=PLACES) as ear:
            said = type_in("alert", TEXT, "--every", "2", "--for", "30")
        assert (said.code, said.err) == (0, "")
        (first, order), (second, words) = ear.asked
        assert (first, second) == ("alert", "words")
        name = order["id"]
        assert order == {"id": name, "title": TEXT, "clusters": [], "every": 120.0, "left": 1800.0}
        assert (words["id"], words["script"], words["folder"]) == (name, "", str(type_in.station / "var"))
        assert words["programmes"].keys() == {"trung-tam", "nam-po"}
        (((language, digest),),) = {tuple(map(tuple, one)) for one in words["programmes"].values()}
        assert language == "vi"
        assert (type_in.station / "var" / "programmes" / f"{digest}.m3u8").is_file()
        assert f"EMERGENCY {name} goes on air now: Khu trung tâm xã, Bản Nậm Pố." in said.out
        assert "Again every 2 min, for 30 min. To end it: broadcaster alert --clear" in said.out

    def test_has_another_name_each_time(self, type_in: Terminal) -> None:
        """The same words ordered again are another emergency."""
        with daemon(type_in.station, alert=PLACES) as ear:
            type_in("alert", TEXT)
            type_in("alert", TEXT)
        assert len({values["id"] for verb, values in ear.asked if verb == "alert"}) == 2

    def test_of_a_script_says_it_in_every_language(self, type_in: Terminal) -> None:
        """A script is recited in the languages that are all there; those that lack are named."""
        approve(type_in.station)
        with daemon(type_in.station, alert=PLACES) as ear:
            said = type_in("alert", "tin", "--cluster", "nam-po")
        assert (said.code, said.err) == (0, "")
        (_, order), (_, words) = ear.asked
        assert (order["title"], order["clusters"], words["script"]) == ("Kịch bản tin", ["nam-po"], "tin")
        assert [language for language, _ in words["programmes"]["nam-po"]] == ["vi"]
        assert "Not said in Mông at Bản Nậm Pố" in said.out

    def test_of_a_script_that_cannot_be_said_is_none(self, type_in: Terminal) -> None:
        """Where nothing of a script is approved it says so, before a tone sounds."""
        with daemon(type_in.station, alert=PLACES) as ear:
            assert "is not all there" in type_in.fault("alert", "tin")
        assert ear.asked == []

    def test_of_a_file_says_the_file(self, type_in: Terminal, tmp_path: Path) -> None:
        """Any audio file can be put on air."""
        with daemon(type_in.station, alert=PLACES) as ear:
            assert type_in("alert", str(buzz(tmp_path / "loa.wav", 1))).code == 0
        (_, order), (_, words) = ear.asked
        assert order["title"] == "loa.wav"
        assert [language for language, _ in words["programmes"]["trung-tam"]] == ["und"]

    @pytest.mark.parametrize(
        ("arguments", "what", "following"),
        [
            ([], "An emergency of what words?", "broadcaster alert"),
            (["tinn"], "one word is no message", "Did you mean “tin”?"),
            (["lu"], "one word is no message", "Write two words or more"),
        ],
    )
    def test_of_nothing_is_refused(
        self, type_in: Terminal, arguments: list[str], what: str, following: str
    ) -> None:
        """A name that was mistyped is not read out, and nothing is asked of the daemon."""
        with daemon(type_in.station) as ear:
            fault = type_in.fault("alert", *arguments)
        assert what in fault
        assert following in fault
        assert ear.asked == []

    def test_of_one_word_that_names_nothing_is_said(self, type_in: Terminal) -> None:
        """Who cries fire is no mistyped name."""
        with daemon(type_in.station, alert=PLACES) as ear:
            assert type_in("alert", "Cháy!").code == 0
        assert ear.asked[0][1]["title"] == "Cháy!"

    def test_has_its_own_words_or_those_of_a_message(self, type_in: Terminal) -> None:
        """Neither is dropped in silence."""
        with daemon(type_in.station) as ear:
            assert "not both" in type_in.fault("alert", TEXT, "--cap", "-")
        assert ear.asked == []

    def test_that_no_output_takes_is_told(self, type_in: Terminal) -> None:
        """Whoever orders it learns at once where nobody can hear it."""
        alarm = {"key": "sound/nam-po", "where": "Bản Nậm Pố", "what": "It is dead.", "next": "Look at it."}
        with daemon(type_in.station, alert=PLACES, status={"alarms": [alarm]}):
            said = type_in("alert", TEXT)
        assert said.code == 1
        assert "Bản Nậm Pố: It is dead." in said.err

    def test_is_taken_back_where_its_words_fail(self, type_in: Terminal) -> None:
        """Where the file is no sound, its tone ends and the fault is told."""
        (type_in.station / "loi.mp3").write_text("Nước lũ đang về")
        with daemon(type_in.station, alert=PLACES, clear={"cleared": ["x"], "kept": True}) as ear:
            assert "cannot be read as sound" in type_in.fault("alert", str(type_in.station / "loi.mp3"))
        (_, order), (verb, values) = ear.asked
        assert (verb, values) == ("clear", {"ids": [order["id"]]})

    def test_of_a_file_that_is_no_sound_is_refused(self, type_in: Terminal) -> None:
        """A file that does not even have the name of a sound is tried before anybody is alarmed."""
        (type_in.station / "loi.txt").write_text("Nước lũ đang về")
        with daemon(type_in.station) as ear:
            assert "cannot be read as sound" in type_in.fault("alert", str(type_in.station / "loi.txt"))
        assert ear.asked == []

    def test_that_the_daemon_refuses_is_told(self, type_in: Terminal) -> None:
        """A cluster that there is not, or no right to order: in the daemon's words."""
        refusal = BroadcasterError(
            Fault("nampo", say("The station has no such cluster."), say("Look at the list."))
        )
        with daemon(type_in.station, alert=refusal) as ear:
            assert "nampo: The station has no such cluster." in type_in.fault("alert", TEXT)
        assert ear.verbs == ["alert"]

    def test_needs_a_daemon(self, type_in: Terminal) -> None:
        """Without one it says how to start it."""
        assert "The daemon of this station does not run" in type_in.fault("alert", TEXT)
        assert "The daemon of this station does not run" in type_in.fault("alert", "--clear")


class TestWhatever:
    def test_the_content_is_broken(self, type_in: Terminal) -> None:
        """Words are said though not one file of the content can be read."""
        for path in (type_in.station / "schedules").glob("*.toml"):
            path.write_text("[[", "utf-8")
        with daemon(type_in.station, alert=PLACES) as ear:
            said = type_in("alert", TEXT)
        assert (said.code, said.err, ear.verbs) == (0, "", ["alert", "words"])

    def test_the_disk_takes_nothing(self, type_in: Terminal, memory: Path, tmp_path: Path) -> None:
        """Where var/ cannot be written the words are made in memory, and the daemon is told where."""
        type_in.write("var", "in the way")
        for what in (TEXT, str(buzz(tmp_path / "loa.wav", 1)), str(buzz(tmp_path / "loa", 1))):
            with daemon(type_in.station, alert=PLACES) as ear:
                said = type_in("alert", what)
            assert (said.code, said.err) == (0, "")
            (_, words) = ear.asked[1]
            assert words["folder"] == str(memory)
            ((_, digest),) = words["programmes"]["nam-po"]
            assert (memory / "programmes" / f"{digest}.m3u8").is_file()


class TestClear:
    def test_ends_all_or_one(self, type_in: Terminal) -> None:
        """Without a name all emergencies end, with one that one; it tells which were in force."""
        with daemon(type_in.station, clear={"cleared": ["3f", "4a"], "kept": True}) as ear:
            assert type_in("alert", "--clear").out == "The all-clear: 3f, 4a. The plan goes on.\n"
            ear.answers["clear"] = {"cleared": ["3f"], "kept": False}
            said = type_in("alert", "--clear", "3f")
            assert said.out == "The all-clear: 3f. The plan goes on.\n"
            assert "should the machine start anew, the emergency sounds again" in said.err
        assert ear.asked == [("clear", {"ids": None}), ("clear", {"ids": ["3f"]})]

    def test_of_none_is_told(self, type_in: Terminal) -> None:
        """Where none is in force there is nothing to do; one of that name is a fault."""
        with daemon(type_in.station, clear={"cleared": [], "kept": True}):
            said = type_in("alert", "--clear")
            assert (said.code, said.out) == (0, "No emergency is in force.\n")
            assert "3f: No such emergency is in force." in type_in.fault("alert", "--clear", "3f")


class TestCap:
    def test_goes_on_air_until_it_expires(self, type_in: Terminal) -> None:
        """A message for this commune is ordered under its own name, and its words are said in Vietnamese."""
        type_in.write("tin.xml", cap(expires="2026-11-20T18:00:00+07:00"))
        with daemon(type_in.station, alert=PLACES) as ear:
            said = type_in("alert", "--cap", str(type_in.station / "tin.xml"))
        assert (said.code, said.err) == (0, "")
        (_, order), (_, words) = ear.asked
        assert order == {
            "id": KEY,
            "title": "Lũ quét ở Mường Nhé",
            "clusters": ["trung-tam", "nam-po"],
            "every": 300.0,
            "left": 3600.0,
        }
        assert [language for language, _ in words["programmes"]["nam-po"]] == ["vi"]

    def test_comes_through_a_pipe(self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        """`--cap -` reads what another program writes."""
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(cap().encode())))
        with daemon(type_in.station, alert=PLACES) as ear:
            assert type_in("alert", "--cap", "-").code == 0
        assert ear.verbs == ["alert", "words"]

    def test_that_cancels_another_is_the_all_clear(self, type_in: Terminal) -> None:
        """A Cancel ends the message that it names, and nothing else is asked."""
        type_in.write("tin.xml", cap("VN-2", "Cancel", cancels=KEY))
        with daemon(type_in.station, clear={"cleared": [KEY], "kept": True}) as ear:
            said = type_in("alert", "--cap", str(type_in.station / "tin.xml"))
        assert (said.code, said.out) == (0, f"The all-clear: {KEY}. The plan goes on.\n")
        assert ear.asked == [("clear", {"ids": [KEY]})]

    def test_that_replaces_another_ends_it(self, type_in: Terminal) -> None:
        """An Update ends what it replaces and goes on air itself."""
        type_in.write("tin.xml", cap("VN-2", "Update", cancels=KEY))
        with daemon(type_in.station, alert=PLACES, clear={"cleared": [KEY], "kept": True}) as ear:
            assert type_in("alert", "--cap", str(type_in.station / "tin.xml")).code == 0
        assert ear.verbs == ["clear", "alert", "words"]
        assert ear.asked[0][1] == {"ids": [KEY]}

    @pytest.mark.parametrize(
        ("message", "status", "why"),
        [
            (cap(area="Xã Sín Thầu"), CALM, "not for Xã Mường Nhé"),
            (cap(status="Exercise"), CALM, "not meant for the public"),
            (cap(expires="2026-11-20T16:59:00+07:00"), CALM, "expired"),
            (cap(), CALM | {"past_alerts": [KEY]}, "This message was taken before"),
            (
                cap(),
                CALM | {"alerts": [{"id": KEY, "title": "", "by": "", "left": 1.0, "every": 1.0}]},
                "This message was taken before",
            ),
        ],
        ids=["elsewhere", "exercise", "expired", "ended here", "in force"],
    )
    def test_that_changes_nothing_here_is_refused(
        self, type_in: Terminal, message: str, status: dict[str, object], why: str
    ) -> None:
        """For another place, an exercise, expired, or known: it says why, and nothing is asked."""
        type_in.write("tin.xml", message)
        with daemon(type_in.station, status=status) as ear:
            assert why in type_in.fault("alert", "--cap", str(type_in.station / "tin.xml"))
        assert ear.asked == []

    def test_is_taken_by_a_clock_that_is_wrong(self, type_in: Terminal) -> None:
        """Where nobody knows the time nothing counts as expired: rather once too often."""
        type_in.write("tin.xml", cap(expires="2026-11-20T16:59:00+07:00"))
        with daemon(type_in.station, status=CALM | {"clock": "unsure"}, alert=PLACES) as ear:
            assert type_in("alert", "--cap", str(type_in.station / "tin.xml")).code == 0
        assert ear.verbs == ["alert", "words"]

    def test_that_is_an_attack_does_nothing(self, type_in: Terminal) -> None:
        """Entities that would grow to gigabytes or read a file are refused at once."""
        bomb = '<!ENTITY a "lũ">' + "".join(
            f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
        )
        for declared in (bomb, '<!ENTITY j SYSTEM "file:///etc/passwd">'):
            message = cap(area="&j;").replace("<alert", f"<!DOCTYPE alert [{declared}]><alert", 1)
            type_in.write("tin.xml", message)
            with daemon(type_in.station) as ear:
                begun = time.monotonic()
                fault = type_in.fault("alert", "--cap", str(type_in.station / "tin.xml"))
            assert time.monotonic() - begun < 2
            assert "root:" not in fault
            assert ear.asked == []

    @pytest.mark.parametrize("arguments", [["--cap", "khong-co.xml"], ["--cap", "."]])
    def test_that_is_not_there_is_told(self, type_in: Terminal, arguments: list[str]) -> None:
        """A file that cannot be read is a fault that names it."""
        with daemon(type_in.station):
            fault = type_in.fault("alert", *arguments)
        assert arguments[1] in fault
