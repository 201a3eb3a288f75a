"""Whatever officers call a recording is read whole, or refused by name; levels are as they are said."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from broadcaster.edges.decode import Loudness, Samples, decode, encode, levelled
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.programme import SAMPLE_RATE
from tests.sounds import (
    blocks,
    level,
    load,
    loudness,
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
        assert max(map(len, found)) < SAMPLE_RATE

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


class TestLoudness:
    @pytest.mark.parametrize("peak", [-40.0, -23.0, -6.0, -0.5])
    def test_measures_as_the_standard_does(self, peak: float) -> None:
        """A sine of 997 Hz is 3.01 LU quieter than its peak (BS.1770), and its true peak is its peak."""
        meter = Loudness()
        for _ in meter(blocks(tone(997, 5, peak))):
            pass
        assert meter.lufs == pytest.approx(peak - 3.01, abs=0.1)
        assert 20 * np.log10(meter.true_peak) == pytest.approx(peak, abs=0.1)

    def test_hears_peaks_between_samples(self) -> None:
        """A tone whose every sample lies 3 dB below its peaks is measured at its peaks."""
        at = np.arange(2 * SAMPLE_RATE)
        samples = (0.5 * np.sin(np.pi / 2 * at + np.pi / 4)).astype(np.float32)
        assert np.abs(samples).max() == pytest.approx(0.5 * np.sqrt(0.5), abs=0.001)
        meter = Loudness()
        for _ in meter(blocks(samples)):
            pass
        assert meter.true_peak >= 0.49

    def test_leaves_out_silence(self) -> None:
        """Pauses between the words do not make them quieter (the gate of BS.1770)."""
        spoken = tone(997, 4, -20)
        assert loudness(np.concatenate([spoken, silence(6), spoken])) == pytest.approx(-23, abs=0.3)

    def test_passes_on_what_it_measures(self) -> None:
        """Not a sample is changed, added or lost, in blocks of any length."""
        samples = noise(2.5, -20)
        for size in (1, 160, 5_000, 100_000):
            some = samples[: size * 500]
            assert np.array_equal(np.concatenate(list(Loudness()(blocks(some, size)))), some)

    @pytest.mark.parametrize(
        "samples", [silence(2), tone(997, 0.1), silence(0)], ids=["silent", "short", "none"]
    )
    def test_says_that_there_is_nothing_to_measure(self, samples: Samples) -> None:
        """Silence, and less than the 0.4 s that the standard needs, is -70 LUFS."""
        assert loudness(samples) == pytest.approx(-70)


def clicks() -> Samples:
    samples = tone(300, 3, -34)
    samples[::4000] = 0.9
    return samples


def bursts() -> Samples:
    samples = noise(3, -6)
    samples[np.arange(len(samples)) // 1600 % 10 > 0] *= 0.01
    return samples


def onset() -> Samples:
    return np.concatenate([silence(1), tone(8_000, 0.5, -0.5), silence(0.5), noise(1, -5)])


class TestLevelled:
    @pytest.mark.parametrize("gain", [-20.0, -3.0, 0.0, 6.0])
    def test_gives_the_gain_that_was_asked(self, gain: float) -> None:
        """Where nothing comes near the ceiling the gain is that, and nothing else is changed."""
        samples = tone(1000, 2, -12)
        made = np.concatenate(list(levelled(blocks(samples), gain, 10 ** (-12 / 20))))
        assert same(made, samples * 10 ** (gain / 20))

    @pytest.mark.parametrize("gain", [0.0, 6.0, 25.0])
    @pytest.mark.parametrize(
        "make",
        [clicks, bursts, onset, lambda: noise(3, -14), lambda: speech(3, -15), lambda: tone(7_900, 3, -1)],
        ids=["clicks", "bursts", "onset", "noise", "speech", "high tone"],
    )
    def test_never_passes_the_ceiling(self, make: Callable[[], Samples], gain: float) -> None:
        """However loud it comes in, no true peak is above -1.5 dBTP, and the length is kept."""
        samples = make()
        made = np.concatenate(list(levelled(blocks(samples), gain, 10 ** (true_peak(samples) / 20))))
        assert true_peak(made) < -1.5
        assert len(made) == len(samples)

    def test_limits_without_a_break(self) -> None:
        """A limited tone is as loud in every block, and right behind a loud stretch the quiet one is back."""
        made = np.concatenate(list(levelled(blocks(tone(1000, 3, -6)), 12, 0.5)))
        levels = [level(part(made, start / 10, start / 10 + 0.1), 1000) for start in range(5, 29)]
        assert max(levels) - min(levels) < 0.1
        assert max(levels) == pytest.approx(-3, abs=0.3)
        loud_then_quiet = np.concatenate([tone(1000, 1, -1), tone(1000, 1, -30)])
        made = np.concatenate(list(levelled(blocks(loud_then_quiet), 6, 0.9)))
        assert level(part(made, 1.5, 2), 1000) == pytest.approx(-24, abs=0.2)


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
