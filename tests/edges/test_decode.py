"""Whatever officers call a recording is read whole, or refused by name; levels are as they are said."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic

import av
import numpy as np
import pytest

from broadcaster.edges.decode import Filter, Reader, Samples, decode, encode, k_weighting, stream
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.programme import SAMPLE_RATE
from tests import radio
from tests.sounds import (
    blocks,
    level,
    load,
    noise,
    part,
    save,
    silence,
    speech,
    tone,
    true_peak,
)

SECONDS = 3.0
LEVEL = -12.0  # dBFS, of the tone in every file
TONE = tone(1000, SECONDS, LEVEL)


def samples_of(path: Path) -> Samples:
    return np.concatenate(list(decode(path)))


def length(samples: Samples) -> float:
    return len(samples) / SAMPLE_RATE


@dataclass(frozen=True)
class Kind:
    """A kind of file that officers bring; `keeps` is how near (dB) its codec itself keeps a tone."""

    name: str
    codec: str
    rate: int
    layout: str = "mono"
    bit_rate: int | None = None
    keeps: float = 0.5


KINDS = [
    Kind("recorder.wav", "pcm_s16le", 44_100, "stereo"),
    Kind("telephone.wav", "pcm_alaw", 8_000),
    Kind("old.wav", "pcm_u8", 22_050),
    Kind("studio.wav", "pcm_s24le", 48_000, "stereo"),
    Kind("editor.wav", "pcm_f32le", 48_000),
    Kind("packed.wav", "adpcm_ima_wav", 22_050),
    Kind("surround.wav", "pcm_s16le", 48_000, "5.1"),
    Kind("phone.mp3", "libmp3lame", 44_100, "stereo", 128_000),
    Kind("small.mp3", "libmp3lame", 22_050, "mono", 32_000),
    Kind("archive.flac", "flac", 44_100, "stereo"),
    Kind("plain.flac", "flac", 8_000),
    Kind("free.ogg", "vorbis", 48_000, "stereo"),
    Kind("message.ogg", "libopus", 48_000),
    Kind("message.opus", "libopus", 48_000, "stereo"),
    Kind("iphone.m4a", "aac", 44_100, "stereo", 128_000),
    Kind("stream.aac", "aac", 48_000),
    Kind("browser.webm", "libopus", 48_000),
    Kind("windows.wma", "wmav2", 44_100, "stereo", 128_000),
    Kind("call.amr", "libopencore_amrnb", 8_000, "mono", 12_200, keeps=4.0),  # made for voices, not for tones
    Kind("call.3gp", "libopencore_amrnb", 8_000, "mono", 12_200, keeps=4.0),
]


@pytest.fixture(scope="module")
def mp3(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole MP3 of constant bit rate."""
    path = tmp_path_factory.mktemp("mp3") / "whole.mp3"
    return save(path, TONE, "libmp3lame", rate=44_100, layout="stereo", bit_rate=128_000).read_bytes()


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole WAV."""
    return save(tmp_path_factory.mktemp("wav") / "whole.wav", TONE, rate=48_000).read_bytes()


def same(found: Samples, expected: Samples) -> bool:
    """Not a sample more or less, and none further off than 16 bits tell apart."""
    return len(found) == len(expected) and float(np.abs(found - expected).max()) < 2 / 32768


def refused(path: Path) -> BroadcasterError:
    with pytest.raises(BroadcasterError) as caught:
        samples_of(path)
    return caught.value


class TestDecode:
    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
    def test_reads_every_kind(self, kind: Kind, tmp_path: Path) -> None:
        """A file of any kind has its whole length, and a tone in it the level that was recorded."""
        made = (kind.codec, kind.rate, kind.layout, kind.bit_rate)
        try:
            path = save(tmp_path / kind.name, TONE, made[0], rate=made[1], layout=made[2], bit_rate=made[3])
        except av.codec.codec.UnknownCodecError:
            pytest.skip(f"this FFmpeg cannot make {kind.codec}")
        samples = samples_of(path)
        assert length(samples) == pytest.approx(SECONDS, abs=0.06)
        assert level(part(samples, 0.5, 2.5), 1000) == pytest.approx(LEVEL, abs=kind.keeps)

    @pytest.mark.parametrize("channel", [0, 1])
    def test_hears_both_channels(self, channel: int, tmp_path: Path) -> None:
        """Words that were recorded on one channel alone are heard, at half their height."""
        channels = np.zeros((2, len(TONE)), np.float32)
        channels[channel] = TONE
        samples = samples_of(save(tmp_path / "a.wav", channels, rate=44_100, layout="stereo"))
        assert level(part(samples, 0.5, 2.5), 1000) == pytest.approx(LEVEL - 6, abs=0.5)

    @pytest.mark.parametrize("name", ["film.mkv", "film.mp4"])
    def test_takes_the_sound_of_a_film(self, name: str, tmp_path: Path) -> None:
        """Of a film its sound track is read."""
        path = tmp_path / name
        make_film(path, TONE)
        samples = samples_of(path)
        assert length(samples) == pytest.approx(SECONDS, abs=0.06)
        assert level(part(samples, 0.5, 2.5), 1000) == pytest.approx(LEVEL, abs=0.5)

    def test_comes_in_samples_that_fit(self, tmp_path: Path) -> None:
        """Blocks are one row of floats at full scale 1, piece after piece: none holds the whole file."""
        path = save(tmp_path / "a.flac", TONE, "flac", rate=44_100, layout="stereo")
        found = list(decode(path))
        assert {block.dtype for block in found} == {np.dtype(np.float32)}
        assert {block.ndim for block in found} == {1}
        assert max(map(len, found)) <= SAMPLE_RATE

    def test_does_not_fold_high_tones_down(self, tmp_path: Path) -> None:
        """A tone too high for the programme is gone, not heard as another one."""
        samples = samples_of(save(tmp_path / "a.wav", tone(1000, 2), rate=48_000))
        assert level(samples, 1000) == pytest.approx(-12, abs=0.1)
        with av.open(str(tmp_path / "high.wav"), "w") as target:
            stream = target.add_stream("pcm_s16le", rate=48_000, layout="mono")
            high = np.sin(2 * np.pi * 20_000 / 48_000 * np.arange(96_000)) * 16_000
            frame = av.AudioFrame.from_ndarray(high.astype(np.int16)[np.newaxis], "s16", "mono")
            frame.sample_rate = 48_000
            target.mux(stream.encode(frame))
        samples = samples_of(tmp_path / "high.wav")
        assert true_peak(part(samples, 0.5, 1.5)) < -60

    def test_does_not_believe_names(self, mp3: bytes, tmp_path: Path) -> None:
        """An MP3 that is called .wav is read as what it is."""
        (tmp_path / "a.wav").write_bytes(mp3)
        assert length(samples_of(tmp_path / "a.wav")) == pytest.approx(SECONDS, abs=0.06)

    @pytest.mark.parametrize("claimed", [0, 0xFFFFFFFF, 2**30], ids=["nothing", "all", "hours"])
    def test_does_not_believe_headers(self, claimed: int, wav: bytes, tmp_path: Path) -> None:
        """A WAV whose header was never finished, or lies, has the length of what is in it."""
        lying, size = bytearray(wav), claimed.to_bytes(4, "little")
        start = wav.index(b"data") + 4
        lying[4:8] = lying[start : start + 4] = size
        (tmp_path / "a.wav").write_bytes(lying)
        samples = samples_of(tmp_path / "a.wav")
        assert length(samples) == pytest.approx(SECONDS, abs=0.06)
        assert level(part(samples, 0.5, 2.5), 1000) == pytest.approx(LEVEL, abs=0.5)

    def test_reads_what_is_left_of_an_mp3(self, mp3: bytes, tmp_path: Path) -> None:
        """Half an MP3 is half as long, and sounds as it did."""
        (tmp_path / "a.mp3").write_bytes(mp3[: len(mp3) // 2])
        samples = samples_of(tmp_path / "a.mp3")
        assert length(samples) == pytest.approx(SECONDS / 2, abs=0.06)
        assert level(part(samples, 0.2, 1.2), 1000) == pytest.approx(LEVEL, abs=0.5)

    def test_reads_what_is_left_of_a_flac(self, tmp_path: Path) -> None:
        """Half a FLAC is read up to the block that was cut, whatever length its header claims."""
        whole = save(tmp_path / "whole.flac", noise(SECONDS, -20), "flac", rate=48_000).read_bytes()
        (tmp_path / "a.flac").write_bytes(whole[: len(whole) // 2])
        assert length(samples_of(tmp_path / "a.flac")) == pytest.approx(SECONDS / 2, abs=0.15)

    @pytest.mark.parametrize("seed", range(3))
    def test_passes_over_garbage(self, seed: int, mp3: bytes, tmp_path: Path) -> None:
        """Garbage in the middle of an MP3 costs a moment of it; what follows sounds as it did."""
        half, garbage = len(mp3) // 2, np.random.default_rng(seed).bytes(20_000)
        (tmp_path / "a.mp3").write_bytes(mp3[:half] + garbage + mp3[half:])
        samples = samples_of(tmp_path / "a.mp3")
        assert length(samples) == pytest.approx(SECONDS, abs=0.2)
        for start in (0.2, 1.7):
            assert level(part(samples, start, start + 1), 1000) == pytest.approx(LEVEL, abs=0.5)

    @pytest.mark.parametrize("first", [True, False])
    def test_reads_files_that_were_joined(self, mp3: bytes, tmp_path: Path, *, first: bool) -> None:
        """Two MP3s put one behind the other sound one after the other, even at another rate and mono."""
        other = save(
            tmp_path / "b.mp3", tone(500, 2), "libmp3lame", rate=22_050, bit_rate=32_000
        ).read_bytes()
        (tmp_path / "a.mp3").write_bytes(mp3 + other if first else other + mp3)
        samples = samples_of(tmp_path / "a.mp3")
        assert length(samples) == pytest.approx(SECONDS + 2, abs=0.15)
        for hertz, start in ((1000, 0.5), (500, 3.5)) if first else ((500, 0.5), (1000, 2.7)):
            assert level(part(samples, start, start + 1), hertz) == pytest.approx(-12, abs=0.5)

    def test_goes_on_after_damage(self, tmp_path: Path) -> None:
        """A FLAC with a stretch overwritten is read before and behind it."""
        whole = bytearray(save(tmp_path / "a.flac", noise(SECONDS, -20), "flac", rate=48_000).read_bytes())
        middle = len(whole) // 2
        whole[middle : middle + 3000] = bytes(3000)
        (tmp_path / "a.flac").write_bytes(whole)
        assert length(samples_of(tmp_path / "a.flac")) == pytest.approx(SECONDS, abs=0.4)

    @pytest.mark.parametrize("name", ["loi-chao.wav", "loi-chao.mp3", "loi-chao.ogg"])
    @pytest.mark.parametrize(
        "content",
        [b"", b"\0" * 50_000, "Kính thưa bà con. ".encode() * 500, b"RIFF\xff\xff\xff\xffWAVEfmt "],
        ids=["empty", "zeroes", "text", "a header's beginning"],
    )
    def test_refuses_what_is_no_sound(self, content: bytes, name: str, tmp_path: Path) -> None:
        """A file without any sound is refused by its name."""
        (tmp_path / name).write_bytes(content)
        assert [fault.where for fault in refused(tmp_path / name).faults] == [name]

    def test_refuses_a_sound_of_no_length(self, tmp_path: Path, wav: bytes) -> None:
        """A WAV with a whole header and nothing behind it is refused by its name."""
        (tmp_path / "a.wav").write_bytes(wav[: wav.index(b"data") + 8])
        assert [fault.where for fault in refused(tmp_path / "a.wav").faults] == ["a.wav"]

    @pytest.mark.parametrize("name", ["film.mkv", "poster.png", "poster.mp3"])
    def test_refuses_pictures(self, name: str, tmp_path: Path) -> None:
        """A film without a sound track and a picture, even one called .mp3, have no sound: told by name."""
        if name == "film.mkv":
            make_film(tmp_path / name, None)
        else:
            (tmp_path / name).write_bytes(make_picture())
        assert str(refused(tmp_path / name)).startswith(f"{name}: There is no sound in this file.")

    def test_refuses_what_is_no_file(self, tmp_path: Path) -> None:
        """A folder, and a file that is gone, are refused by name, and the error says which of them it is."""
        (tmp_path / "a.wav").mkdir()
        assert str(refused(tmp_path / "a.wav")).startswith(
            "a.wav: The file cannot be read as sound: it is a folder."
        )
        assert str(refused(tmp_path / "b.wav")).startswith(
            "b.wav: The file cannot be read as sound: it is not there."
        )


def make_film(path: Path, sound: Samples | None) -> None:
    """Three seconds of a grey picture, with *sound* if there is any."""
    with av.open(str(path), "w") as target:
        video = target.add_stream("mpeg4", rate=5)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = target.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if sound is not None else None
        for _ in range(15):
            picture = np.full((48, 64, 3), 128, np.uint8)
            target.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        target.mux(video.encode(None))
        if audio is not None and sound is not None:
            for at, block in enumerate(blocks(sound, 1024)):
                frame = av.AudioFrame.from_ndarray(block[np.newaxis], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = SAMPLE_RATE, 1024 * at
                target.mux(audio.encode(frame))
            target.mux(audio.encode(None))


def make_picture() -> bytes:
    encoder = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 64, 48, "rgb24"
    encoder.time_base = Fraction(1, 5)
    (packet,) = encoder.encode(
        av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), format="rgb24")
    )
    return bytes(packet)


def read(path: Path) -> Reader:
    """What a Reader knows of a file when it was read to its end."""
    reader = Reader(path)
    assert sum(map(length, reader)) == pytest.approx(reader.seconds)
    return reader


class TestReader:
    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.codec} {kind.name}")
    def test_tells_what_it_reads(self, kind: Kind, tmp_path: Path) -> None:
        """Of every kind of file it is known what it is, how long it claims to be and how long it is."""
        path = tmp_path / kind.name
        save(path, TONE, kind.codec, rate=kind.rate, layout=kind.layout, bit_rate=kind.bit_rate)
        reader = read(path)
        assert reader.seconds == pytest.approx(SECONDS, abs=0.15)
        if kind.name != "stream.aac":  # has no header that could claim anything
            assert reader.claimed == pytest.approx(SECONDS, abs=0.15)
        assert reader.channels == {"mono": 1, "stereo": 2, "5.1": 6}[kind.layout]
        assert reader.rate == kind.rate
        assert av.Codec(reader.codec, "r").id == av.Codec(kind.codec, "w").id
        assert reader.container
        assert (reader.damaged, reader.cancels) == (0, False)

    @pytest.mark.parametrize("kept", [0.25, 0.75])
    def test_counts_what_decodes(self, tmp_path: Path, kept: float) -> None:
        """Of a file that was cut, what its header claims and what decodes are told apart."""
        whole = save(tmp_path / "a.flac", noise(4, -20), "flac", rate=48_000).read_bytes()
        (tmp_path / "a.flac").write_bytes(whole[: int(len(whole) * kept)])
        reader = read(tmp_path / "a.flac")
        assert reader.claimed == pytest.approx(4)
        assert reader.seconds == pytest.approx(4 * kept, abs=0.2)

    def test_counts_damage(self, tmp_path: Path) -> None:
        """Packets that do not decode are counted, and what is between them is read."""
        path = save(tmp_path / "a.m4a", noise(SECONDS, -20), "aac", rate=48_000, bit_rate=128_000)
        assert read(path).damaged == 0
        whole = bytearray(path.read_bytes())
        start = whole.index(b"mdat") + 4
        for number in range(10):
            at = start + (number + 1) * (len(whole) - start) // 14
            whole[at : at + 400] = b"\xff" * 400
        path.write_bytes(whole)
        reader = read(path)
        assert 5 <= reader.damaged <= 30
        assert 0.5 * SECONDS < reader.seconds < SECONDS

    @pytest.mark.parametrize(
        ("right", "cancels"),
        [(-1.0, True), (-0.99, True), (-0.5, False), (0.0, False), (1.0, False)],
        ids=["opposite", "nearly", "half", "one side", "same"],
    )
    def test_hears_sides_that_cancel(self, tmp_path: Path, right: float, *, cancels: bool) -> None:
        """Left and right that are each other's opposite are noticed: mixed to mono they would be silent."""
        sides = np.stack([TONE, np.float32(right) * TONE])
        assert read(save(tmp_path / "a.wav", sides, layout="stereo")).cancels is cancels

    @pytest.mark.parametrize("layout", ["mono", "stereo"])
    def test_takes_silence_for_silence(self, tmp_path: Path, layout: str) -> None:
        """Silence on both sides does not cancel."""
        assert not read(save(tmp_path / "a.wav", silence(1), layout=layout)).cancels

    @pytest.mark.parametrize("called", ["list.m3u8", "list.ffconcat", "list.wav"])
    @pytest.mark.parametrize("other", ["other.wav", "other.ts", "other.aac", "other.mp3"])
    @pytest.mark.parametrize("written", ["{}", "{folder}/{}", "file:{folder}/{}", "http://127.0.0.1:9/{}"])
    def test_follows_no_list(self, tmp_path: Path, called: str, other: str, written: str) -> None:
        """A playlist, whatever it is called, is no recording: the files that it names are not opened."""
        codecs = {".wav": "pcm_s16le", ".ts": "mp2", ".aac": "aac", ".mp3": "libmp3lame"}
        save(tmp_path / other, tone(1000, 1), codecs[Path(other).suffix])
        name = written.format(other, folder=tmp_path)
        segments = f"#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n"
        for content in (f"#EXTM3U\n{segments}", f"ffconcat version 1.0\nfile '{name}'\n"):
            (tmp_path / called).write_text(content)
            assert [fault.where for fault in refused(tmp_path / called).faults] == [called]

    @pytest.mark.parametrize(
        "name", ["-", "pipe:0", "a:b.wav", "http:", "%03d.wav", "lời chào.wav", "a\n.wav"]
    )
    def test_reads_files_of_any_name(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name that FFmpeg would take for something else is the name of a file."""
        monkeypatch.chdir(tmp_path)
        save(tmp_path / "a.wav", TONE).rename(tmp_path / name)
        assert read(Path(name)).seconds == pytest.approx(SECONDS)

    def test_leaves_no_file_open(self, wav: bytes, tmp_path: Path) -> None:
        """A file that was read, in part or to its end, or refused, is closed."""
        (tmp_path / "a.wav").write_bytes(wav)
        (tmp_path / "b.wav").write_bytes(b"no sound")
        blocks_of_it = decode(tmp_path / "a.wav")
        next(blocks_of_it)
        assert str(tmp_path / "a.wav") in open_files()
        del blocks_of_it
        read(tmp_path / "a.wav")
        refused(tmp_path / "b.wav")
        assert not {str(tmp_path / name) for name in ("a.wav", "b.wav")} & open_files()


def open_files() -> set[str]:
    handles = Path("/proc/self/fd").iterdir()
    return {str(handle.readlink()) for handle in handles if handle.is_symlink()}


class TestFilter:
    @pytest.mark.parametrize("size", [1, 777, SAMPLE_RATE, 100_000])
    def test_needs_no_whole(self, size: int) -> None:
        """In blocks of whatever length it comes, the sound is the same, and as long as it was."""
        samples = noise(2.5 if size > 1 else 0.02, -20)
        filtered = Filter("highpass=f=300,lowpass=f=2000")
        apart = [filtered(block) for block in blocks(samples, size)]
        assert [len(block) for block in apart] == [len(block) for block in blocks(samples, size)]
        assert np.allclose(np.concatenate(apart), Filter("highpass=f=300,lowpass=f=2000")(samples), atol=1e-5)

    def test_does_what_it_says(self) -> None:
        """Each of the steps is taken."""
        samples = tone(100, 2) + tone(1000, 2) + tone(9000, 2)
        found = part(Filter("highpass=f=600,highpass=f=600,lowpass=f=2000,lowpass=f=2000")(samples), 0.5, 1.5)
        assert level(found, 1000) == pytest.approx(LEVEL, abs=3)
        assert max(level(found, 100), level(found, 9000)) < LEVEL - 20

    @pytest.mark.parametrize(
        ("hertz", "expected"), [(25, -10.4), (100, -1.1), (997, 0.69), (2000, 2.9), (10_000, 4.0)]
    )
    def test_weighs_as_the_standard_does(self, hertz: float, expected: float) -> None:
        """The filter of the meter has the curve of BS.1770, though not at its rate of 48 kHz."""
        found = part(k_weighting()(tone(hertz, 2, -20)), 1, 2)
        assert level(found, hertz) + 20 == pytest.approx(expected, abs=0.25)


class TestEncode:
    @pytest.mark.parametrize(
        ("name", "codec", "bit_rate"),
        [
            ("a.flac", "flac", None),
            ("a.wav", "pcm_s16le", None),
            ("a.opus", "libopus", 32_000),
            ("a.mp3", "libmp3lame", 64_000),
            ("a.m4a", "aac", 96_000),
        ],
    )
    def test_can_be_decoded_again(self, name: str, codec: str, bit_rate: int | None, tmp_path: Path) -> None:
        """What was written as any kind has its length and its level when it is read."""
        encode(blocks(TONE, 5_000), tmp_path / name, codec, bit_rate)
        samples = samples_of(tmp_path / name)
        assert length(samples) == pytest.approx(SECONDS, abs=0.06)
        assert level(part(samples, 0.5, 2.5), 1000) == pytest.approx(LEVEL, abs=0.5)

    @pytest.mark.parametrize("size", [777, SAMPLE_RATE, 10 * SAMPLE_RATE])
    def test_keeps_every_sample(self, size: int, tmp_path: Path) -> None:
        """FLAC and WAV give back each sample to the bit of 16, in blocks of whatever length it came."""
        samples = noise(2.3, -20)
        for name, codec in (("a.flac", "flac"), ("a.wav", "pcm_s16le")):
            encode(blocks(samples, size), tmp_path / name, codec)
            assert same(samples_of(tmp_path / name), samples)
        assert same(load(tmp_path / "a.wav"), samples)

    def test_keeps_to_its_bit_rate(self, tmp_path: Path) -> None:
        """Twice the bit rate is about twice the file."""
        sizes = []
        for bit_rate in (32_000, 64_000):
            encode(blocks(speech(5)), tmp_path / "a.mp3", "libmp3lame", bit_rate)
            sizes.append((tmp_path / "a.mp3").stat().st_size)
        assert sizes[0] == pytest.approx(5 * 32_000 / 8, rel=0.1)
        assert sizes[1] == pytest.approx(5 * 64_000 / 8, rel=0.1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e30])
def test_samples_that_are_none_spoil_nothing_else(tmp_path: Path, bad: float) -> None:
    """One damaged packet is not so loud that all the speech beside it counts for silence."""
    samples = tone(500, 3)
    samples[40_000:40_010] = bad
    found = np.concatenate(list(decode(save(tmp_path / "a.wav", samples, "pcm_f32le"))))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 2
    assert np.allclose(found[:39_000], samples[:39_000], atol=1e-4)


class _Elsewhere(BaseHTTPRequestHandler):
    """Leads each address on: `/?there` to `there`."""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.path.partition("?")[2] or self.path)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """A folder, the address at which it is served, and that of a server that leads elsewhere."""
    folder = tmp_path_factory.mktemp("web")
    save(folder / "a.mp3", TONE, "libmp3lame")
    playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n"
    (folder / "web.m3u8").write_text(playlist.format("a.mp3"))
    (folder / "file.m3u8").write_text(playlist.format(f"file://{folder}/a.mp3"))
    (folder / "path.m3u8").write_text(playlist.format(f"concat:{folder}/a.mp3"))
    (folder / "ring.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nring.m3u8\n")
    (folder / "long.m3u8").write_text(playlist.format("http://127.0.0.1:1/x.ts\n#EXTINF:3,\n" * 200_000))
    (folder / "a.ffconcat").write_text(f"ffconcat version 1.0\nfile {folder}/a.mp3\n")
    (folder / "page.mp3").write_text("<html>Not found</html>" * 100)
    with (
        radio.serving(folder) as address,
        ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere) as elsewhere,
    ):
        thread = Thread(target=elsewhere.serve_forever, args=[0.05])
        thread.start()
        yield folder, address, f"http://127.0.0.1:{elsewhere.server_port}"
        elsewhere.shutdown()
        thread.join()


class TestStream:
    @pytest.mark.parametrize("name", ["{web}/a.mp3", "{web}/web.m3u8", "{elsewhere}/?{web}/a.mp3"])
    def test_gives_what_a_server_sends(self, web: tuple[Path, str, str], name: str) -> None:
        """All of it, a tenth of a second at a time, wherever it leads by http."""
        _, address, elsewhere = web
        some = list(stream(name.format(web=address, elsewhere=elsewhere), 2))
        assert sum(map(len, some)) == pytest.approx(SECONDS * SAMPLE_RATE, abs=4000)
        assert {len(one) for one in some[:-1]} == {SAMPLE_RATE // 10}

    @pytest.mark.parametrize(
        "name",
        [
            "{folder}/a.mp3",
            "file://{folder}/a.mp3",
            "concat:{folder}/a.mp3",
            "hls+file://{folder}/web.m3u8",
            "{web}/file.m3u8",
            "{web}/path.m3u8",
            "{web}/a.ffconcat",
            "{elsewhere}/?file://{folder}/a.mp3",
            "{elsewhere}/?ftp://127.0.0.1/a.mp3",
        ],
    )
    def test_leads_nowhere_else(self, web: tuple[Path, str, str], name: str) -> None:
        """No address, playlist or redirection opens a file of this machine, or another way out of it."""
        folder, address, elsewhere = web
        with pytest.raises(BroadcasterError, match="The stream cannot be heard"):
            list(stream(name.format(folder=folder, web=address, elsewhere=elsewhere), 2))

    @pytest.mark.parametrize(
        "name",
        [
            "{web}/nothing.mp3",
            "{web}/page.mp3",
            "{web}/ring.m3u8",
            "{web}/long.m3u8",
            "{elsewhere}/ring",
            "http://127.0.0.1:1/live",
        ],
    )
    def test_ends_where_nothing_sounds(self, web: tuple[Path, str, str], name: str) -> None:
        """What is not there, is no sound, leads in a ring or has no end is given up in time."""
        _, address, elsewhere = web
        began = monotonic()
        with pytest.raises(BroadcasterError):
            list(stream(name.format(web=address, elsewhere=elsewhere), 0.5))
        assert monotonic() - began < 5

    def test_gives_up_who_is_silent(self) -> None:
        """A server that takes the call and says nothing more is given up after the patience it was given."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            began = monotonic()
            with pytest.raises(BroadcasterError):
                list(stream(f"http://127.0.0.1:{server.getsockname()[1]}/live", 0.5))
            assert 0.4 < monotonic() - began < 3
