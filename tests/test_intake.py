"""Whatever people bring becomes a recording, byte for byte, or a sentence; no file harms the station."""

import os
import stat
import struct
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import av
import numpy as np
import pytest

from broadcaster import intake
from broadcaster.edges.content import load
from broadcaster.edges.sandbox import Sandbox
from broadcaster.intake import Checked, Source, Target, check, find, identify, take
from broadcaster.model.errors import BroadcasterError, Fault
from broadcaster.model.judgement import Verdict
from tests.sounds import Samples, blocks, noise, save, silence, speech
from tests.stations import build, write

SECONDS = 3.0
MONG = "hmn-Latn-VN"
TARGET = Target("tin", MONG, "loi-chao")


def talk(seconds: float = SECONDS) -> Samples:
    """Words with pauses between them, in a quiet room."""
    samples = speech(seconds, -22)
    samples[np.arange(len(samples)) // 8_000 % 4 == 3] *= 0.002
    return samples + noise(seconds, -68)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("broadcaster.clip") as one:
        yield one


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A good recording as a recorder makes it."""
    return save(tmp_path_factory.mktemp("wav") / "a.wav", talk(), rate=44_100).read_bytes()


@pytest.fixture(scope="module")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("mp3") / "a.mp3"
    return save(path, talk(), "libmp3lame", rate=44_100, bit_rate=64_000).read_bytes()


@pytest.fixture
def station(tmp_path: Path) -> Path:
    return build(tmp_path / "dai")


@pytest.fixture
def usb(tmp_path: Path) -> Path:
    """Where the files are that people bring."""
    (tmp_path / "usb").mkdir()
    return tmp_path / "usb"


def source(path: Path) -> Source:
    """The one file that *path* is."""
    (one,) = find([path])
    assert isinstance(one, Source)
    return one


def names(found: list[Source | Fault]) -> list[str]:
    return [one.place.name for one in found if isinstance(one, Source)]


def faults(found: list[Source | Fault]) -> list[Fault]:
    return [one for one in found if isinstance(one, Fault)]


def files(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def reason(checked: Checked) -> str:
    """Why a file was refused; it has no place in the station."""
    assert checked.judgement.verdict is Verdict.REFUSED
    assert checked.path is None
    return " ".join(f"{one.what} {one.next}" for one in checked.judgement.reasons)


def pack(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes], **changed: Any) -> Path:
    """A .zip of *entries*; what is *changed* is claimed of its last entry."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name that is there twice
        for name, content in entries:
            packed.writestr(name, content)
        for name, value in changed.items():
            setattr(packed.infolist()[-1], name, value)
    return path


class TestFind:
    def test_takes_files_as_they_are_named(self, usb: Path) -> None:
        """Files are found in the order in which they are named, with the folder that they lie in."""
        for name in ("b.mp3", "a.wav"):
            (usb / name).touch()
        found = find([usb / "b.mp3", usb / "a.wav"])
        assert names(found) == ["b.mp3", "a.wav"]
        assert isinstance(found[0], Source)
        assert found[0].place == PurePosixPath("usb/b.mp3")

    def test_looks_into_folders(self, usb: Path) -> None:
        """In a folder everything is found, however deep, but for what people do not know of."""
        for name in (
            "02.mp3", "01.mp3", "vi/sau/03.m4a", ".DS_Store", "Thumbs.db", ".Trash/04.mp3", "vi/._03.m4a",
            "__MACOSX/05.mp3",
        ):  # fmt: skip
            write(usb, name, b"")
        found = find([usb])
        assert [str(one.place) for one in found if isinstance(one, Source)] == [
            "usb/01.mp3",
            "usb/02.mp3",
            "usb/vi/sau/03.m4a",
        ]
        assert not faults(found)

    def test_says_what_is_no_file(self, usb: Path) -> None:
        """Devices, pipes, links that lead nowhere and what is not there are told; the rest is found."""
        os.mkfifo(usb / "pipe.mp3")
        (usb / "link.mp3").symlink_to("nowhere.mp3")
        (usb / "a.mp3").touch()
        found = find([Path("/dev/zero"), usb / "pipe.mp3", usb / "gone.mp3", usb])
        assert names(found) == ["a.mp3"]
        assert [str(fault.what) for fault in faults(found)] == [
            "This is not a file.",
            "This is not a file.",
            "The file cannot be read: it is not there.",
            "The file cannot be read: it is not there.",
            "This is not a file.",
        ]
        assert [fault.where for fault in faults(found)][2:] == [
            str(usb / name) for name in ("gone.mp3", "link.mp3", "pipe.mp3")
        ]

    def test_says_that_there_is_nothing(self, usb: Path) -> None:
        """A folder or a .zip without a file in it is told, and the rest is found."""
        write(usb, "old/Thumbs.db", b"")
        write(usb, "a.mp3", b"")
        found = find([usb / "old", usb / "a.mp3", pack(usb / "a.zip", ("vi/", b""))])
        assert names(found) == ["a.mp3"]
        assert [str(fault.what) for fault in faults(found)] == ["There is no file in it."] * 2

    def test_goes_round_no_ring(self, usb: Path) -> None:
        """A link to a folder above is not followed."""
        (usb / "inner").mkdir()
        (usb / "inner" / "up").symlink_to(usb)
        (usb / "a.mp3").touch()
        assert names(find([usb])) == ["a.mp3"]

    def test_does_not_search_a_whole_disk(self, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A folder of more files than anybody records is not searched to its end."""
        monkeypatch.setattr(intake, "MOST_FILES", 3)
        for number in range(4):
            (usb / f"{number}.mp3").touch()
        (fault,) = faults(find([usb]))
        assert "more than 3 files" in str(fault.what)

    def test_shows_names_in_one_line(self, usb: Path) -> None:
        """A name with a line break, a colour or what is no text is shown without them."""
        for name in (b'a\n"b".mp3', b"\x1b[31mred.mp3", b"\xff\xfe.mp3"):
            Path(os.fsdecode(os.fsencode(usb) + b"/" + name)).touch()
        shown = [one.name.removeprefix(f"{usb}/") for one in find([usb]) if isinstance(one, Source)]
        assert sorted(shown) == ['a\ufffd"b".mp3', "\ufffd[31mred.mp3", "\ufffd\ufffd.mp3"]


class TestZip:
    def test_is_looked_into(self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes) -> None:
        """What is in a .zip is found, but for clutter, and taken byte for byte."""
        path = pack(
            usb / "gui.ZIP",
            (f"{MONG}/", b""),
            (f"./{MONG}/loi-chao.wav", wav),
            ("__MACOSX/._a.wav", b"x"),
            (".DS_Store", b"x"),
        )
        (one,) = find([path])
        assert isinstance(one, Source)
        assert one.name == f"{path}/./{MONG}/loi-chao.wav"
        assert one.place == PurePosixPath("gui", MONG, "loi-chao.wav")
        taken = take(station, one, TARGET, sandbox)
        assert taken.path == f"audio/tin/recordings/{MONG}/loi-chao.wav"
        assert (station / taken.path).read_bytes() == wav

    @pytest.mark.parametrize(
        ("name", "changed", "words"),
        [
            ("../loi-chao.mp3", {}, "no plain name"),
            ("vi/../../loi-chao.mp3", {}, "no plain name"),
            ("/etc/loi-chao.mp3", {}, "no plain name"),
            ("C:/loi-chao.mp3", {}, "no plain name"),
            ("vi\\loi-chao.mp3", {}, "no plain name"),
            ("link.mp3", {"external_attr": (stat.S_IFLNK | 0o777) << 16}, "not a file"),
            ("pipe.mp3", {"external_attr": (stat.S_IFIFO | 0o777) << 16}, "not a file"),
            ("secret.mp3", {"flag_bits": 1}, "password"),
            ("lzma.mp3", {"compress_type": zipfile.ZIP_LZMA}, "cannot be read here"),
            ("deflate64.mp3", {"compress_type": 9}, "cannot be read here"),
            ("bomb.mp3", {"file_size": 1_900_000_000}, "many times its size"),
            ("inner.zip", {}, ".zip in a .zip"),
            ("good.mp3", {}, "two files of this name"),
        ],
    )
    def test_names_what_is_not_taken_out(
        self, usb: Path, name: str, changed: dict[str, Any], words: str
    ) -> None:
        """What could do harm in a .zip is told by its name, and the rest is found."""
        path = pack(usb / "a.zip", ("good.mp3", b"x"), (name, b"y"), **changed)
        found = find([path])
        assert names(found) == ["good.mp3"]
        (fault,) = faults(found)
        assert fault.where == f"{path}/{name}"
        assert words in str(fault.what)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda _: b"",
            lambda whole: whole[:200],
            lambda _: os.urandom(5000),
            lambda whole: whole.replace(b"PK\1\2", b"PK\7\7"),
            lambda whole: whole[:-10] + struct.pack("<L", 0xFFFFFFF0) + whole[-6:],
            lambda whole: whole.replace(b"\xc3\xa0", b"\xff\xff"),
        ],
        ids=["empty", "cut", "random", "no list", "endless list", "name that is no text"],
    )
    def test_that_is_damaged_is_refused(self, usb: Path, spoil: Callable[[bytes], bytes]) -> None:
        """A .zip that cannot be unpacked is told by its name."""
        path = pack(usb / "a.zip", *((f"{number} chào.mp3", os.urandom(100)) for number in range(9)))
        path.write_bytes(spoil(path.read_bytes()))
        (fault,) = find([path])
        assert isinstance(fault, Fault)
        assert (fault.where, str(fault.what)) == (str(path), "The .zip is damaged.")

    def test_names_what_has_no_name(self, usb: Path) -> None:
        """An entry whose name is empty is told like any other."""
        path = pack(usb / "a.zip", ("a.mp3", b"x"), filename="")
        (fault,) = faults(find([path]))
        assert "no plain name" in str(fault)

    def test_that_lies_of_its_length_is_refused(
        self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes
    ) -> None:
        """An entry whose bytes are not those that the list promises is not taken."""
        path = pack(usb / "a.zip", ("loi-chao.wav", wav), file_size=1000)
        assert "damaged" in reason(take(station, source(path), TARGET, sandbox))
        whole = pack(usb / "a.zip", ("loi-chao.wav", wav)).read_bytes()
        path.write_bytes(whole[:-6] + struct.pack("<L", len(whole)) + whole[-2:])  # where its list begins
        for found in find([path]):
            assert "damaged" in (
                str(found) if isinstance(found, Fault) else reason(take(station, found, TARGET, sandbox))
            )
        path = pack(usb / "a.zip", ("loi-chao.wav", wav), CRC=1)
        assert "damaged" in reason(take(station, source(path), TARGET, sandbox))

    def test_of_too_much_is_refused(self, usb: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """More than 2 GB unpacked, or more files than anybody records, are refused before they are."""
        path = pack(usb / "a.zip", ("a.mp3", b"x"), ("b.mp3", b"x"), file_size=3 << 30)
        assert "more than 2 GB" in str(find([path])[0])
        monkeypatch.setattr(intake, "MOST_FILES", 1)
        assert "more than 1 files" in str(find([path])[0])

    def test_of_a_mac_is_read_as_it_was_typed(self, usb: Path) -> None:
        """Names in UTF-8 that do not say so, with their accents apart, are put together again."""
        apart = unicodedata.normalize("NFD", "Lời chào.mp3")
        path = pack(usb / "a.zip", (apart, b"x"))
        whole = bytearray(path.read_bytes())
        for head, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
            whole[whole.index(head) + at + 1] &= ~0x08
        path.write_bytes(whole)
        assert names(find([path])) == ["Lời chào.mp3"]

    def test_in_a_folder_is_to_be_named(self, usb: Path) -> None:
        """A .zip in a folder is not opened: who wants it names it."""
        pack(usb / "a.zip", ("loi-chao.mp3", b"x"))
        (fault,) = find([usb])
        assert "Name the .zip itself" in str(fault)


class TestIdentify:
    @pytest.mark.parametrize(
        ("place", "target"),
        [
            ("vi/loi-chao.mp3", Target("tin", "vi", "loi-chao")),
            (f"{MONG}/ket.wav", Target("tin", MONG, "ket")),
            ("HMN_latn_vn/sau/KET.WAV", Target("tin", MONG, "ket")),
            ("mww-Latn/ket.wav", Target("tin", "mww-Latn", "ket")),
            ("vi/twh-Latn-VN/ket.wav", Target("tin", "twh-Latn-VN", "ket")),
            ("vi/Loi Chao.m4a", Target("tin", "vi", "loi-chao")),
            ("vi/loi_chao.m4a", Target("tin", "vi", "loi-chao")),
            ("vi/01 loi-chao.m4a", Target("tin", "vi", "loi-chao")),
            ("vi/1. Lời chào.m4a", Target("tin", "vi", "loi-chao")),
            ("vi/Lời_chào", Target("tin", "vi", "loi-chao")),
            (unicodedata.normalize("NFD", "vi/LỜI CHÀO.mp3"), Target("tin", "vi", "loi-chao")),
            ("vi/loi-chao@03160+nam-po.ogg", Target("tin", "vi", "loi-chao", "03160/nam-po")),
            ("vi/Lời chào @ 03160 Nậm Pồ.ogg", Target("tin", "vi", "loi-chao", "03160/nam-po")),
            ("vi/02-ket@11.mp3", Target("tin", "vi", "ket", "11")),
        ],
    )
    def test_goes_by_the_name(self, station: Path, place: str, target: Target) -> None:
        """Item and area stand in the file's name and the language in its folder's, however they are typed."""
        assert identified(station, place) == target

    def test_goes_by_what_is_given_first(self, station: Path) -> None:
        """What is said by options counts, whatever the names say."""
        found = identified(station, "vi/ket@11.mp3", item="loi-chao", language=MONG, area="03160")
        assert found == Target("tin", MONG, "loi-chao", "03160")
        assert identified(station, "AUD-0042.amr", item="ket", language="vi") == Target("tin", "vi", "ket")

    @pytest.mark.parametrize(
        ("place", "words"),
        [
            ("vi/loi-chap.mp3", "no item “loi-chap”. Did you mean “loi-chao”?"),
            ("vi/AUD-0042.amr", "Name the file after one of: loi-chao, ket."),
            ("vi/ket@03160+nam-pa.mp3", "“03160+nam-pa” is not in schedules/areas.toml. Did you mean"),
            ("vi/ket@x.mp3", "name one of: 11, 03160, 03160/nam-po."),
            ("usb/ket.mp3", "Name the language with --language"),
            ("th/ket.mp3", "the language of Thailand"),
            ("hmn/ket.mp3", "Did you mean “hmn-Latn-VN”?"),
        ],
    )  # fmt: skip
    def test_says_what_it_does_not_know(self, station: Path, place: str, words: str) -> None:
        """A name that says no item, area or language of the station is told, with what was meant."""
        with pytest.raises(BroadcasterError) as error:
            identified(station, place)
        (fault,) = error.value.faults
        assert fault.where == place
        assert words in str(fault)

    def test_says_all_at_once(self, station: Path) -> None:
        """Item, area and language that are not known are told in one pass."""
        with pytest.raises(BroadcasterError) as error:
            identified(station, "usb/x@y.mp3")
        assert len(error.value.faults) == 3


def identified(station: Path, place: str, **given: str) -> Target:
    content = load(station).content
    one = Source(place, Path(place), PurePosixPath(place))
    return identify(one, content.scripts["tin"], [MONG], content.areas.codes, given)


@dataclass(frozen=True)
class Kind:
    """A kind of file that people bring, and the ending that it deserves."""

    ending: str
    codec: str
    rate: int = 44_100
    bit_rate: int | None = None
    suffix: str = ""  # which names the container where it is made; else the ending


KINDS = [
    Kind(".wav", "pcm_u8", 22_050),
    Kind(".wav", "pcm_s16le"),
    Kind(".wav", "pcm_s24le"),
    Kind(".wav", "pcm_f32le"),
    Kind(".wav", "pcm_alaw", 8_000),
    Kind(".mp3", "libmp3lame"),
    Kind(".m4a", "aac"),
    Kind(".aac", "aac"),
    Kind(".ogg", "vorbis"),
    Kind(".opus", "libopus", 48_000, suffix=".ogg"),
    Kind(".flac", "flac"),
    Kind(".amr", "libopencore_amrnb", 8_000, 12_200),
    Kind(".m4a", "libopencore_amrnb", 8_000, 12_200, suffix=".3gp"),
    Kind(".wma", "wmav2", bit_rate=128_000),
    Kind(".webm", "libopus", 48_000),
]


class TestTake:
    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.codec}{kind.suffix or kind.ending}")
    def test_takes_every_kind(self, kind: Kind, usb: Path, station: Path, sandbox: Sandbox) -> None:
        """A file of any kind is taken as it is, and its ending is put right, whatever it was called."""
        layout = "stereo" if kind.codec in ("vorbis", "wmav2") else "mono"
        made = usb / f"made{kind.suffix or kind.ending}"
        try:
            save(made, talk(), kind.codec, rate=kind.rate, bit_rate=kind.bit_rate, layout=layout)
        except av.codec.codec.UnknownCodecError:
            pytest.skip(f"this FFmpeg cannot make {kind.codec}")
        path = made.rename(usb / ("loi-chao.wav" if kind.ending == ".mp3" else "loi-chao.mp3"))
        taken = take(station, source(path), TARGET, sandbox)
        assert taken.path == f"audio/tin/recordings/{MONG}/loi-chao{kind.ending}"
        assert (station / taken.path).read_bytes() == path.read_bytes()
        assert [one.code for one in taken.judgement.reasons] == ["telephone"] * (kind.rate == 8_000)
        assert taken.heard
        assert taken.heard.seconds == pytest.approx(SECONDS, abs=0.1)
        assert load(station).content.recordings.find("tin", MONG, "loi-chao", [])

    def test_takes_the_sound_of_a_film(self, usb: Path, station: Path, sandbox: Sandbox) -> None:
        """An MP4 with pictures in it is taken for its sound."""
        film(usb / "a.mp4")
        assert take(station, source(usb / "a.mp4"), TARGET, sandbox).path

    @pytest.mark.parametrize(
        ("make", "words"),
        [
            (lambda _: b"", "cannot be read as sound"),
            (lambda _: bytes(100_000), "cannot be read as sound"),
            (lambda _: np.random.default_rng(5).bytes(300_000), ""),
            (lambda _: "Kính thưa bà con. ".encode() * 500, "cannot be read as sound"),
            (lambda _: b"RIFF\xff\xff\xff\xffWAVEfmt ", ""),
            (lambda wav: wav[: wav.index(b"data") + 8], "Not one second"),
            (lambda wav: wav[: wav.index(b"data") + 8 + 8_000], "too short"),
            (lambda _: b"ffconcat version 1.0\nfile script.toml\nfile recordings/vi/ket.wav\n", ""),
            (lambda _: b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nrecordings/vi/ket.wav\n"
             b"#EXT-X-ENDLIST\n", ""),
            (lambda _: picture(), "no sound in this file"),
        ],
        ids=["empty", "zeroes", "random", "text", "a head", "no sound", "a click", "a list", "a web list",
             "a picture"],
    )  # fmt: skip
    def test_refuses_what_is_no_recording(
        self,
        make: Callable[[bytes], bytes],
        words: str,
        usb: Path,
        station: Path,
        sandbox: Sandbox,
        wav: bytes,
    ) -> None:
        """What holds no sound of its own is refused, and the station is as it was."""
        write(station, "audio/tin/recordings/vi/ket.wav", wav)  # what a list may name
        before = files(station)
        path = usb / "loi-chao.mp3"
        path.write_bytes(make(wav))
        assert words in reason(take(station, source(path), TARGET, sandbox))
        assert files(station) == before

    @pytest.mark.parametrize(
        ("samples", "code"),
        [
            (silence(2), "silent"),
            (np.stack([talk(), -talk()]), "cancels"),
            (talk(0.2), "short"),
        ],
        ids=["silent", "cancels", "short"],
    )
    def test_refuses_what_nobody_would_hear(
        self, samples: Samples, code: str, usb: Path, station: Path, sandbox: Sandbox
    ) -> None:
        """What decodes but would be silent on a loudspeaker is refused, and the station is as it was."""
        before = files(station)
        save(usb / "a.wav", samples, layout="stereo" if samples.ndim == 2 else "mono")
        refused = take(station, source(usb / "a.wav"), TARGET, sandbox)
        assert reason(refused)
        assert [one.code for one in refused.judgement.reasons] == [code]
        assert refused.heard
        assert files(station) == before

    def test_believes_no_header(self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes) -> None:
        """A WAV that claims nothing, ten minutes or hours is taken for what is in it."""
        at = wav.index(b"data") + 4
        for claimed in (0, 600 * 44_100 * 2, 0x7FFFFFFF, 0xFFFFFFFF):
            (usb / "a.wav").write_bytes(wav[:at] + struct.pack("<L", claimed) + wav[at + 4 :])
            taken = take(station, source(usb / "a.wav"), TARGET, sandbox, replacing=True)
            assert taken.path
            assert taken.heard
            assert taken.heard.seconds == pytest.approx(SECONDS, abs=0.1)

    def test_tells_what_is_missing(self, usb: Path, station: Path, sandbox: Sandbox, mp3: bytes) -> None:
        """Of an MP3 that was copied half, what is there is taken, and its owner is told."""
        (usb / "a.mp3").write_bytes(mp3[: len(mp3) // 2])
        taken = take(station, source(usb / "a.mp3"), TARGET, sandbox)
        assert taken.path
        assert [str(one.what) for one in taken.judgement.reasons] == ["Only 0:01 of 0:03 can be heard."]

    @pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".opus"])
    def test_survives_every_cut(self, suffix: str, usb: Path, station: Path, sandbox: Sandbox) -> None:
        """A file that was cut off anywhere is taken for what is left of it, or refused with a reason."""
        codec = {".mp3": "libmp3lame", ".m4a": "aac", ".opus": "libopus"}[suffix]
        whole = save(usb / f"whole{suffix}", talk(), codec, rate=48_000).read_bytes()
        path = usb / f"cut{suffix}"
        for share in (0.02, 0.5, 0.95):
            path.write_bytes(whole[: int(len(whole) * share)])
            taken = take(station, source(path), TARGET, sandbox, replacing=True)
            assert taken.path or reason(taken)
            if taken.heard:
                assert taken.heard.seconds < SECONDS

    def test_unpacks_no_bomb_in_tags(self, usb: Path, station: Path, sandbox: Sandbox, mp3: bytes) -> None:
        """An MP3 whose tag unpacks to 200 MB is taken for its sound, and does not swell."""
        body = b"\3bomb\0" + bytes(200_000_000)
        packed = syncsafe(len(body)) + zlib.compress(body, 9)
        frame = b"TXXX" + syncsafe(len(packed)) + b"\0\x09" + packed
        (usb / "a.mp3").write_bytes(b"ID3\4\0\0" + syncsafe(len(frame)) + frame + mp3)
        assert take(station, source(usb / "a.mp3"), TARGET, sandbox).path

    def test_never_takes_two(
        self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes, mp3: bytes
    ) -> None:
        """What is there already stays, whatever its ending, until it is to be replaced; then it is kept."""
        (usb / "a.wav").write_bytes(wav)
        (usb / "a.mp3").write_bytes(mp3)
        first = take(station, source(usb / "a.wav"), TARGET, sandbox)
        before = files(station)
        assert "--replace" in reason(take(station, source(usb / "a.mp3"), TARGET, sandbox))
        assert files(station) == before
        for new, ending in ((mp3, "mp3"), (wav, "wav"), (mp3, "mp3")):
            taken = take(station, source(usb / f"a.{ending}"), TARGET, sandbox, replacing=True)
            assert taken.path == f"audio/tin/recordings/{MONG}/loi-chao.{ending}"
            folder = (station / taken.path).parent
            assert sorted(one.name for one in folder.iterdir()) == ["ket.mp3", f"loi-chao.{ending}"]
            assert (station / taken.path).read_bytes() == new
        kept = station / "var" / "replaced" / "tin" / MONG
        assert {one.name: one.read_bytes() for one in kept.iterdir()} == {
            "loi-chao.wav.1": wav,
            "loi-chao.mp3.1": mp3,
            "loi-chao.wav.2": wav,
        }
        assert first.path

    def test_is_for_an_area(self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes) -> None:
        """A recording for one village stands beside that for all."""
        (usb / "a.wav").write_bytes(wav)
        for area in ("03160", "03160/nam-po"):
            assert take(station, source(usb / "a.wav"), Target("tin", MONG, "ket", area), sandbox).path
        loaded = load(station)
        assert not loaded.faults
        found = loaded.content.recordings.find("tin", MONG, "ket", ["03160/nam-po", "03160"])
        assert found
        assert found.path.endswith("ket@03160+nam-po.wav")

    def test_clears_away_what_was_killed(
        self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes
    ) -> None:
        """The hidden copy of one that was killed long ago goes; that of one at work stays."""
        home = station / "audio" / "tin"
        (home / ".old.part").touch()
        os.utime(home / ".old.part", (1, 1))
        (home / ".new.part").touch()
        (usb / "a.wav").write_bytes(wav)
        assert take(station, source(usb / "a.wav"), Target("tin", "vi", "loi-chao"), sandbox).path
        assert [path.name for path in home.glob(".*.part")] == [".new.part"]

    def test_notes_the_speaker(self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes) -> None:
        """Who speaks is noted, and what takes the place of a stand-in is none itself."""
        write(station, "audio/tin/recordings.toml", f'["{MONG}/ket.mp3"]\nspeaker = "máy"\nstand_in = true\n')
        (usb / "a.wav").write_bytes(wav)
        target = Target("tin", MONG, "ket")
        assert take(station, source(usb / "a.wav"), target, sandbox, speaker="Bà Mùa", replacing=True).path
        (recording,) = load(station).content.recordings
        assert not recording.stand_in
        assert "Bà Mùa" in (station / "audio/tin/recordings.toml").read_text("utf-8")

    def test_compares_it_with_its_text(self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes) -> None:
        """A recording much shorter than its text is taken, and its owner is told."""
        (usb / "a.wav").write_bytes(wav)
        taken = take(station, source(usb / "a.wav"), TARGET, sandbox, expected=30)
        assert taken.path
        assert [one.code for one in taken.judgement.reasons] == ["shorter-than-text"]

    @pytest.mark.parametrize("link", ["audio/tin/recordings", f"audio/tin/recordings/{MONG}"])
    def test_writes_through_no_link_out_of_the_station(
        self, link: str, usb: Path, station: Path, sandbox: Sandbox, wav: bytes, tmp_path: Path
    ) -> None:
        """A folder that is a link to somewhere else is refused; nothing is written there."""
        (tmp_path / "elsewhere").mkdir()
        (station / link).rename(tmp_path / "old")
        (station / link).symlink_to(tmp_path / "elsewhere")
        (usb / "a.wav").write_bytes(wav)
        assert "leads out of the station" in reason(take(station, source(usb / "a.wav"), TARGET, sandbox))
        assert not files(tmp_path / "elsewhere")

    @pytest.mark.parametrize(
        ("limit", "value", "words"),
        [("KEPT_FREE", 1 << 60, "no room"), ("LARGEST", 10_000, "larger than 1 GB")],
    )
    def test_leaves_room_on_the_disk(
        self, limit: str, value: int, words: str, usb: Path, station: Path, sandbox: Sandbox, wav: bytes,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """What would fill the disk, or is larger than any recording, is refused and leaves nothing."""
        monkeypatch.setattr(intake, limit, value)
        (usb / "a.wav").write_bytes(wav)
        before = files(station)
        assert words in reason(take(station, source(usb / "a.wav"), TARGET, sandbox))
        assert files(station) == before

    def test_reads_no_endless_file(self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes) -> None:
        """A file that vanished, or became a pipe, since it was found is told; nobody waits for it."""
        path = usb / "a.wav"
        path.write_bytes(wav)
        found = source(path)
        path.unlink()
        assert "it is not there" in reason(take(station, found, TARGET, sandbox))
        os.mkfifo(path)
        assert "not a file" in reason(take(station, found, TARGET, sandbox))

    def test_waits_for_the_end_of_a_copy(self, usb: Path) -> None:
        """A file that grows while it is read is not taken half."""
        path = usb / "a.wav"
        path.write_bytes(bytes(3 * intake.SMALL))
        reading = intake._blocks(source(path))
        next(reading)
        with path.open("ab") as growing:
            growing.write(b"more")
        with pytest.raises(BroadcasterError, match="changed while it was read"):
            list(reading)

    def test_says_when_the_decoder_falls(self, usb: Path, station: Path, wav: bytes) -> None:
        """A file for which the decoder crashes is refused in words, and the next one is taken."""
        (usb / "a.wav").write_bytes(wav)
        with Sandbox("tests.no_such_module") as broken:
            before = files(station)
            assert "crashes the decoder" in reason(take(station, source(usb / "a.wav"), TARGET, broken))
            assert files(station) == before

    def test_says_when_the_station_cannot_be_written(
        self, usb: Path, station: Path, sandbox: Sandbox, wav: bytes
    ) -> None:
        """What is in the way of a recording is told, and stays."""
        write(station, f"audio/tin/recordings/{MONG}/loi-chao.wav/x", b"")
        (usb / "a.wav").write_bytes(wav)
        refused = take(station, source(usb / "a.wav"), TARGET, sandbox, replacing=True)
        assert "cannot be written: it is a folder" in reason(refused)


class TestCheck:
    def test_changes_nothing(self, usb: Path, sandbox: Sandbox, wav: bytes) -> None:
        """A file is judged as it would be when it is taken, and stays as it is."""
        (usb / "a.wav").write_bytes(wav)
        checked = check(source(usb / "a.wav"), sandbox)
        assert (checked.judgement.verdict, checked.path) == (Verdict.GOOD, None)
        assert files(usb) == {"a.wav": wav}
        (usb / "a.wav").unlink()
        (usb / "b.wav").write_bytes(b"")
        assert "cannot be read as sound" in reason(check(source(usb / "b.wav"), sandbox))


def syncsafe(number: int) -> bytes:
    """As ID3 writes lengths: seven bits a byte."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def picture() -> bytes:
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "rgb24"
    encoder.time_base = 1
    (packet,) = encoder.encode(av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24"))
    return bytes(packet)


def film(path: Path) -> None:
    """A still picture with somebody who talks."""
    with av.open(str(path), "w") as target:
        video = target.add_stream("mpeg4", rate=5)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = target.add_stream("aac", rate=32_000, layout="mono")
        for _ in range(15):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            target.mux(video.encode(frame))
        target.mux(video.encode(None))
        for at, block in enumerate(blocks(talk(), 1024)):
            sound = av.AudioFrame.from_ndarray(block[np.newaxis], format="fltp", layout="mono")
            sound.sample_rate, sound.pts = 32_000, 1024 * at
            target.mux(audio.encode(sound))
        target.mux(audio.encode(None))
