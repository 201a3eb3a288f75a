"""script render, script preview: finished sound for places, files, other channels, and one's own ears."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broadcaster.edges.decode import decode
from broadcaster.edges.store import sole_daemon
from broadcaster.model.programme import SAMPLE_RATE
from tests.cli.terminal import AREAS, Terminal, record, terminal, write_station
from tests.sound_server import SoundServer
from tests.stations import approve

MONG = "hmn-Latn-VN"
ITEM = '\n[[item]]\nid = "ket"\npause = 0.2\ntext = { vi = "Xin hết." }\n'
PROVINCE = """
[[area]]
code = "11"
name = "Tỉnh Điện Biên"
kind = "province"
from = 2025-07-01
"""
VILLAGE = """
[[area]]
code = "03160/na-pan"
name = "Bản Nà Pán"
kind = "village"
from = 2025-07-01
parent = "03160"
"""


@pytest.fixture(scope="module")
def type_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """Two villages; one item of `tin` is not there in Mông, all of `nuoc` is; everything is approved."""
    station = tmp_path_factory.mktemp("render") / "dai"
    with terminal(station) as one:
        write_station(one)
        one.write(
            "schedules/areas.toml",
            AREAS.replace('kind = "commune"', 'kind = "commune"\nparent = "11"') + VILLAGE + PROVINCE,
        )
        path = "audio/tin/script.toml"
        one.write(path, (station / path).read_text("utf-8") + ITEM)
        record(one, "tin")
        record(one, "nuoc")
        approve(station)
        yield one


@pytest.fixture
def unapproved(type_in: Terminal) -> Iterator[Terminal]:
    """The same, when nobody approved a thing."""
    aside = {path: path.read_bytes() for path in type_in.station.glob("audio/*/approvals.jsonl")}
    assert aside
    for path in aside:
        path.unlink()
    yield type_in
    for path, lines in aside.items():
        path.write_bytes(lines)


def seconds(path: Path) -> float:
    return sum(map(len, decode(path))) / SAMPLE_RATE


def children() -> str:
    return "".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class TestRender:
    def test_makes_the_programme_of_a_place(self, type_in: Terminal) -> None:
        """Without a file it is made ready for air; what is printed is a list that any player opens."""
        (one,) = type_in("script", "render", "tin", "--json").json
        assert list(one) == ["script", "language", "area", "state", "items", "seconds", "files"]
        assert [one[key] for key in ("script", "language", "area", "state", "items")] == [
            "tin", "vi", "03160", "ready", {},
        ]  # fmt: skip
        (playlist,) = map(Path, one["files"])
        pieces = [
            playlist.parent / line for line in playlist.read_text("utf-8").splitlines() if line[0] != "#"
        ]
        assert len(pieces) == 2
        assert one["seconds"] == pytest.approx(sum(map(seconds, pieces)), abs=0.06)
        assert "tin" in type_in("script", "render", "tin").out

    @pytest.mark.parametrize("ending", ["wav", "mp3", "opus", "flac", "m4a"])
    def test_writes_any_common_file(self, type_in: Terminal, tmp_path: Path, ending: str) -> None:
        """All of the programme is in it, to its end; its folder is made."""
        file = tmp_path / "moi" / f"tin.{ending}"
        (one,) = type_in("script", "render", "tin", "-o", str(file), "--json").json
        assert one["files"] == [str(file)]
        assert seconds(file) == pytest.approx(one["seconds"], abs=0.15)
        assert files(file.parent) == [file.name]

    def test_leaves_no_process_behind(self, type_in: Terminal) -> None:
        """What decodes and levels beside it ends with the command, after a fault too."""
        before = children()
        path = record(type_in, "nuoc", seconds=1.25)
        assert type_in("script", "render", "nuoc", "--language", MONG).code == 0
        assert children() == before
        path.write_bytes(b"RIFF")
        assert type_in("script", "render", "nuoc", "--language", MONG).code == 1
        assert children() == before
        record(type_in, "nuoc")

    def test_of_one_item_is_that_alone(self, type_in: Terminal, tmp_path: Path) -> None:
        """In the script's order, however they are named; a shorter file."""
        lengths = {
            items: type_in(
                "script", "render", "tin", "--json", *(part for one in items for part in ("--item", one))
            ).json[0]["seconds"]
            for items in (("loi",), ("ket",), ("ket", "loi"), ())
        }
        assert lengths["loi",] + lengths["ket",] == pytest.approx(lengths[()], abs=0.2)
        assert lengths["ket", "loi"] == lengths[()]
        mong = type_in(
            "script",
            "render",
            "tin",
            "--language",
            MONG,
            "--item",
            "loi",
            "-o",
            str(tmp_path / "a.wav"),
            "--json",
        ).json
        assert mong[0]["state"] == "ready"  # though the other item is not there in Mông

    def test_of_every_village_and_language_is_a_folder(self, type_in: Terminal, tmp_path: Path) -> None:
        """A file for each place below and each language; what is not all there is named and not written."""
        said = type_in(
            *("script", "render", "tin", "nuoc", "--areas-below", "03160/nam-po", "--all-languages"),
            *("-o", str(tmp_path), "--json"),
        )
        assert said.code == 0
        assert {(one["script"], one["language"]): (one["state"], one["items"]) for one in said.json} == {
            ("tin", "vi"): ("ready", {}),
            ("tin", MONG): ("missing", {"ket": "no-recording"}),
            ("nuoc", "vi"): ("ready", {}),
            ("nuoc", MONG): ("ready", {}),
        }
        village = "03160+nam-po"
        assert files(tmp_path) == sorted(
            [f"tin_{village}_vi.opus", f"nuoc_{village}_vi.opus", f"nuoc_{village}_{MONG}.opus"]
        )
        assert [file for one in said.json for file in one["files"]] == [
            str(tmp_path / f"{name}_{village}_{tag}.opus")
            for name, tag in (("tin", "vi"), ("nuoc", "vi"), ("nuoc", MONG))
        ]

    @pytest.mark.parametrize(
        ("below", "places"),
        [
            ("11", ["03160"]),
            ("03160", ["03160/nam-po", "03160/na-pan"]),
            ("03160/na-pan", ["03160/na-pan"]),
        ],
    )
    def test_for_areas_below_is_for_communes_else_villages(
        self, type_in: Terminal, below: str, places: list[str]
    ) -> None:
        """A province has its communes below it, a commune its villages; a village is the place itself."""
        found = type_in("script", "render", "nuoc", "--areas-below", below, "--json").json
        assert [one["area"] for one in found] == places

    def test_lets_be_heard_what_is_not_approved_yet(self, unapproved: Terminal, tmp_path: Path) -> None:
        """Somebody must hear it before it is approved: a file for them is written."""
        assert unapproved("script", "render", "nuoc", "-o", str(tmp_path / "a.mp3")).code == 0
        assert seconds(tmp_path / "a.mp3") > 1

    @pytest.mark.parametrize(
        ("arguments", "what"),
        [
            (["tim"], "Did you mean “tin”?"),
            (["tin", "--area", "0316"], "Did you mean “03160”?"),
            (["tin", "--areas-below", "x"], "Known are: 03160"),
            (["tin", "--item", "kett"], "Did you mean “ket”?"),
            (["tin", "--profile", "horns"], "Did you mean “horn”?"),
            (["tin", "--language", MONG], "Mông is not all there: no recording (1 items)"),
            (["tin", "--language", "th"], "th is not all there"),
            (["tin", "-o", "a.doc"], "Use one of: .wav"),
            (["tin", "-o", "khong-ten"], "Use one of: .wav"),
            (["tin", "--for", "radio"], "Name a folder: -o FOLDER."),
            (["tin", "--for", "feed", "-o", "x"], "Write it: --link https://"),
        ],
    )
    def test_what_cannot_be_is_told(self, type_in: Terminal, arguments: list[str], what: str) -> None:
        """Names that nobody knows, languages that are not there, files that nobody could play."""
        assert what in type_in.fault("script", "render", *arguments)

    def test_a_file_in_the_way_is_told(self, type_in: Terminal, tmp_path: Path) -> None:
        """Where a folder is needed and a file stands."""
        (tmp_path / "tep").write_text("x")
        for arguments in (["--all-languages"], ["--for", "radio"]):
            assert "tep" in type_in.fault("script", "render", "nuoc", *arguments, "-o", str(tmp_path / "tep"))


class TestOtherChannels:
    @pytest.mark.parametrize(
        ("channel", "endings"),
        [
            ("ringback", [".mp3", ".wav"]),
            ("radio", [".cue", ".html", ".mp3", ".wav"]),
            ("social", ["-16x9.mp4", "-1x1.mp4", ".srt"]),
            ("feed", [".mp3"]),
        ],
    )
    def test_get_their_files(
        self, type_in: Terminal, tmp_path: Path, channel: str, endings: list[str]
    ) -> None:
        """Named after script, place and language; each of them is told."""
        said = type_in(
            *("script", "render", "nuoc", "--for", channel, "-o", str(tmp_path)),
            *("--link", "https://mau.example/loa/", "--json"),
        )
        assert (said.code, said.err) == (0, "")
        made = [f"nuoc_03160_vi{ending}" for ending in endings] + ["feed.xml"] * (channel == "feed")
        assert files(tmp_path) == sorted(made)
        assert sorted(said.json[0]["files"]) == sorted(str(tmp_path / name) for name in made)

    @pytest.mark.parametrize(
        "command",
        [
            "script render tin -o audio/tin/recordings/vi/loi.opus",
            "script render tin --for radio -o audio",
            "recording missing --xlsx audio/tin/approvals.jsonl",
            "recording matrix --xlsx schedules/station.toml",
            "script sheet tin -o audio/tin/tin.docx",
        ],
    )
    def test_never_write_into_the_content(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch, command: str
    ) -> None:
        """What a command writes cannot take the place of a recording, an approval or a schedule."""
        monkeypatch.chdir(type_in.station)
        before = {path: path.read_bytes() for path in type_in.station.glob("*/**/*") if path.is_file()}
        assert "holds the content itself" in type_in.fault(*command.split())
        assert all(path.read_bytes() == data for path, data in before.items() if "var" not in path.parts)

    def test_take_the_name_of_a_file(self, type_in: Terminal, tmp_path: Path) -> None:
        """Whoever names a file means its name and its folder, and gets the channel's other file beside it."""
        said = type_in("script", "render", "tin", "--for", "ringback", "-o", str(tmp_path / "a" / "cho.mp3"))
        assert said.code == 0
        assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["cho.mp3", "cho.wav"]

    @pytest.mark.parametrize("channel", ["ringback", "social", "radio", "feed"])
    @pytest.mark.parametrize("names", [["nuoc"], ["nuoc", "tin"]])
    def test_refuse_what_nobody_approved(
        self, unapproved: Terminal, tmp_path: Path, channel: str, names: list[str]
    ) -> None:
        """What leaves the commune is approved, or nothing is written: no feed is made empty, either."""
        feed = tmp_path / "feed.xml"
        feed.write_text("the feed of before")
        fault = unapproved.fault(
            *(
                "script",
                "render",
                *names,
                "--for",
                channel,
                "-o",
                str(tmp_path),
                "--link",
                "https://x.example",
            )
        )
        for name in names:
            assert f"audio/{name}: Vietnamese is not all there: not approved" in fault
        assert files(tmp_path) == ["feed.xml"]
        assert feed.read_text() == "the feed of before"

    def test_get_a_draft_if_that_is_asked_for(self, unapproved: Terminal, tmp_path: Path) -> None:
        """--draft: for those who are to approve it as it will be; its files say what they are."""
        said = unapproved("script", "render", "nuoc", "--for", "ringback", "-o", str(tmp_path), "--draft")
        assert said.code == 0
        assert files(tmp_path) == ["nuoc_03160_vi_draft.mp3", "nuoc_03160_vi_draft.wav"]

    def test_get_the_approved_languages_alone(self, type_in: Terminal, tmp_path: Path) -> None:
        """A reading that was swapped after its approval goes nowhere; the other language does."""
        path = type_in.station / "audio" / "nuoc" / "recordings" / MONG / "loi.wav"
        whole = path.read_bytes()
        try:
            record(type_in, "nuoc", seconds=1.5)
            said = type_in(
                "script", "render", "nuoc", "--all-languages", "--for", "radio", "-o", str(tmp_path), "--json"
            )
        finally:
            path.write_bytes(whole)
        assert {one["language"]: one["items"] for one in said.json} == {"vi": {}, MONG: {"loi": "unapproved"}}
        assert not [name for name in files(tmp_path) if MONG in name]

    def test_feeds_keep_their_episodes(self, type_in: Terminal, tmp_path: Path) -> None:
        """Rendered again, the same bulletin keeps its name and date: nobody hears it as new."""

        def episodes() -> list[tuple[Any, ...]]:
            said = type_in(
                *("script", "render", "nuoc", "--all-languages", "--for", "feed", "-o", str(tmp_path)),
                *("--link", "https://mau.example/loa"),
            )
            assert said.code == 0
            return [
                tuple(one.findtext(tag) for tag in ("title", "guid", "pubDate"))
                for one in ET.parse(tmp_path / "feed.xml").iter("item")  # noqa: S314 - our own
            ]

        first = episodes()
        assert len(first) == 2
        assert len({guid for _, guid, _ in first}) == 2
        assert episodes() == first

    def test_a_picture_that_is_none_is_told(self, type_in: Terminal, tmp_path: Path) -> None:
        """A cover that cannot be opened leaves no half film."""
        fault = type_in.fault(
            *("script", "render", "nuoc", "--for", "social", "-o", str(tmp_path / "x")),
            *("--cover", str(type_in.station / "schedules" / "station.toml")),
        )
        assert "station.toml" in fault
        assert not list(tmp_path.rglob("*.mp4"))


class TestPreview:
    @pytest.mark.sound
    def test_is_heard_before_anybody_approved_it(
        self, unapproved: Terminal, sound_server: SoundServer
    ) -> None:
        """On the sound card of this machine, whole."""
        with sound_server.listen() as heard:
            said = unapproved("script", "preview", "nuoc", "--language", MONG)
        assert (said.code, said.err) == (0, "")
        assert "0:01 to hear" in said.out
        assert len(heard.sound) / 2 / SAMPLE_RATE == pytest.approx(1.0, abs=0.25)

    @pytest.mark.sound
    def test_is_heard_at_the_named_output_beside_a_daemon(
        self, type_in: Terminal, sound_server: SoundServer
    ) -> None:
        """Headphones on another output disturb nobody."""
        type_in.change("schedules/station.toml", 'sink = "null"', 'sink = "card:loa"')
        try:
            with sole_daemon(type_in.station), sound_server.listen() as heard:
                said = type_in("script", "preview", "nuoc", "--language", MONG, "--card", "loudspeaker")
        finally:
            type_in.change("schedules/station.toml", 'sink = "card:loa"', 'sink = "null"')
        assert said.code == 0
        assert heard.sound

    @pytest.mark.parametrize("card", ["default", "usb"])
    def test_never_sounds_where_a_daemon_feeds_the_loudspeakers(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch, card: str
    ) -> None:
        """Whoever is named as its clusters would hear it; nothing is opened."""
        monkeypatch.setattr(
            "broadcaster.edges.sink.CardSink.play", lambda *_: pytest.fail("a village heard it")
        )
        type_in.change("schedules/station.toml", 'sink = "null"', f'sink = "card:{card}"')
        try:
            with sole_daemon(type_in.station):
                fault = type_in.fault("script", "preview", "nuoc", "--card", card)
        finally:
            type_in.change("schedules/station.toml", f'sink = "card:{card}"', 'sink = "null"')
        assert f"card:{card}: This output feeds the loudspeakers of Khu trung tâm xã, Bản Nậm Pố" in fault
        assert "--card" in fault

    def test_without_a_sound_card_says_what_to_do(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is wrong with the sound, and how to get a file instead."""
        monkeypatch.setenv("PATH", "")
        fault = type_in.fault("script", "preview", "nuoc")
        assert "neither pacat nor aplay is installed" in fault
        assert "It cannot be heard here." in fault
        assert "script render -o FILE" in fault

    @pytest.mark.parametrize(
        ("arguments", "what"),
        [
            (["tim"], "Did you mean “tin”?"),
            (["tin", "--language", MONG], "Mông is not all there"),
            (["tin", "--item", "kett"], "Did you mean “ket”?"),
        ],
    )
    def test_what_cannot_be_is_told(self, type_in: Terminal, arguments: list[str], what: str) -> None:
        """Names that nobody knows, and what is not there."""
        assert what in type_in.fault("script", "preview", *arguments)
