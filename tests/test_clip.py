"""A clip is as loud as every other, clean, and has all of its words; a bad file harms nobody."""

import errno
import os
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from broadcaster import clip
from broadcaster.clip import HIGHEST_GAIN, KEPT_AFTER, KEPT_BEFORE, PROFILES, answer, ask, hear, listen, make
from broadcaster.edges.decode import Filter, Samples, encode
from broadcaster.edges.sandbox import Sandbox
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.judgement import Verdict, judge
from broadcaster.model.programme import SAMPLE_RATE
from tests.children import told as lines_of
from tests.sounds import (
    blocks,
    consonant,
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

LUFS, CEILING = -16.0, 0.75


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("broadcaster.clip") as sandbox:
        yield sandbox


class Maker:
    """Makes clips of sounds, in this process."""

    def __init__(self, folder: Path) -> None:
        self.source, self.target = folder / "a.wav", folder / "var" / "clip.wav"

    def __call__(
        self, samples: Samples, profile: str = "full", *, lufs: float = LUFS, trim: bool = True
    ) -> Samples:
        save(self.source, samples, "pcm_f32le")
        seconds = make(self.source, self.target, lufs, CEILING, PROFILES[profile], trim=trim)
        made = load(self.target)
        assert length(made) == pytest.approx(seconds)
        return made


@pytest.fixture
def made(tmp_path: Path) -> Maker:
    return Maker(tmp_path)


def length(samples: Samples) -> float:
    return len(samples) / SAMPLE_RATE


def heard_loudness(samples: Samples) -> float:
    """By the other meter, which hears nothing in less than its gating block: that is said twice."""
    return loudness(np.tile(samples, 2) if length(samples) < 0.4 else samples)


def banging() -> Samples:
    samples = speech(6, -30)
    samples[::4000] = 0.99
    return samples


class TestLoudness:
    @pytest.mark.parametrize(
        "samples",
        [
            speech(0.3, -25),
            speech(0.8, -30),
            speech(3, -40),
            speech(40, -20),
            speech(3, -12),
            np.clip(speech(5, 6), -0.99, 0.99),
            np.concatenate([speech(1, -35), silence(1), speech(2, -20)]) + noise(4, -65),
            banging(),
        ],
        ids=["syllable", "word", "quiet", "long", "loud", "flattened", "uneven", "banging"],
    )
    @pytest.mark.parametrize("profile", PROFILES)
    def test_brings_speech_to_one_loudness(self, made: Maker, samples: Samples, profile: str) -> None:
        """However short, quiet, loud or broken it was, speech is at -16 LUFS, and its peaks under -2 dBTP."""
        found = made(samples, profile)
        assert heard_loudness(found) == pytest.approx(LUFS, abs=0.5)
        assert true_peak(found) < -2

    @pytest.mark.parametrize("lufs", [-18.0, -28.0])
    def test_brings_any_sound_anywhere(self, made: Maker, lufs: float) -> None:
        """Chimes and beds have levels of their own."""
        assert loudness(made(tone(2000, 2), lufs=lufs, trim=False)) == pytest.approx(lufs, abs=0.1)

    @pytest.mark.parametrize("recorded", [-50.0, -60.0])
    def test_does_not_make_noise_loud(self, made: Maker, recorded: float) -> None:
        """What is too quiet is raised by 30 dB and no more."""
        found = made(tone(997, 3, recorded))
        assert level(found, 997) == pytest.approx(recorded + HIGHEST_GAIN, abs=0.5)

    def test_keeps_silence(self, made: Maker) -> None:
        """Of silence comes silence, as long as it was."""
        found = made(silence(2))
        assert length(found) == 2
        assert not found.any()

    def test_says_the_same_of_the_same(self, made: Maker) -> None:
        """Two clips of one file are the same, bit by bit."""
        first = made(speech(3, -20))
        assert np.array_equal(first, made(speech(3, -20)))


FIRST, WORDS = 0.2, 1.5  # seconds


class TestTrimming:
    @pytest.mark.parametrize(
        ("seconds", "under"), [(0.15, 25), (0.25, 25), (0.15, 35), (0.25, 35), (0.15, 42)]
    )  # the last is as soft as the room is
    @pytest.mark.parametrize("floor", [-60.0, -75.0])
    def test_does_not_eat_the_first_consonant(
        self, made: Maker, seconds: float, under: float, floor: float
    ) -> None:
        """An S far softer than its vowel is heard whole, though the room is not quiet before it."""
        soft = consonant(seconds, -20 - under)
        words = np.concatenate([silence(1), soft, speech(WORDS, -20), soft, silence(1)])
        found = made(words + noise(length(words), floor))
        vowel = np.argmax(np.abs(found) > 0.1) / SAMPLE_RATE
        assert seconds + 0.03 < vowel < seconds + KEPT_BEFORE + 0.2
        assert length(found) - vowel > WORDS + seconds + 0.03
        hiss = Filter("highpass=f=3500,highpass=f=3500")(found)
        gain = level(found, 140) - level(words, 140)  # about: what the words were raised by
        assert np.std(part(hiss, vowel - seconds + 0.01, vowel - 0.01)) > 10 ** (
            (-20 - under - 6 + gain) / 20
        )

    def test_takes_silence_from_the_ends(self, made: Maker) -> None:
        """Long silence is cut to a breath before and after; a pause among the words stays."""
        words = np.concatenate([silence(2), speech(2), silence(1.5), speech(1), silence(3.5)])
        expected = KEPT_BEFORE + 4.5 + KEPT_AFTER
        assert length(made(words)) == pytest.approx(expected, abs=0.15)
        assert length(made(words + noise(10, -75))) == pytest.approx(expected, abs=0.15)

    @pytest.mark.parametrize("floor", [-15.0, -30.0, -35.0])
    def test_takes_nothing_from_noise(self, made: Maker, floor: float) -> None:
        """Where no pause stands out from the words, in wind or beside a motor, nothing is cut."""
        assert length(made(noise(3, floor) + np.concatenate([silence(1), speech(1), silence(1)]))) == 3
        assert length(made(noise(2, floor))) == 2

    def test_does_not_cut_into_words(self, made: Maker) -> None:
        """Words from the first sample to the last are kept whole, to the sample."""
        samples = tone(500, 1.2345)
        assert len(made(samples)) == len(samples)

    def test_leaves_alone_what_is_not_speech(self, made: Maker) -> None:
        """The silence in a chime belongs to it, and it begins as sharp as it is."""
        chime = np.concatenate([silence(1), tone(2000, 1), silence(1)])
        assert length(made(chime, trim=False)) == 3
        bell = np.abs(made(tone(2000, 1), trim=False))
        assert bell[:32].max() > 0.5 * bell[16_000:].max()

    @pytest.mark.parametrize("hertz", [300.0, 433.0, 3000.0])
    def test_ends_without_a_click(self, made: Maker, hertz: float) -> None:
        """A sound that was cut begins and ends at nothing, with no step larger than those inside."""
        found = made(tone(hertz, 1.1))
        whole = np.concatenate([[0.0], found, [0.0]])
        inside = 1.05 * np.abs(np.diff(part(found, 0.2, 0.9))).max()
        assert np.abs(np.diff(whole)[:400]).max() <= inside
        assert np.abs(np.diff(whole)[-400:]).max() <= inside


def through(profile: str, hertz: float) -> float:
    """By how much (dB) a tone is louder behind the filters."""
    filtered = Filter(PROFILES[profile])
    out = np.concatenate([filtered(block) for block in blocks(tone(hertz, 3, -20))])
    return level(part(out, 1.5, 3), hertz) + 20


class TestFilters:
    @pytest.mark.parametrize("hertz", [30, 50, 100, 150])
    def test_takes_hum_and_rumble(self, hertz: float) -> None:
        """Hum of the mains with its first harmonics, and rumble, are at least 20 dB lower."""
        assert through("full", hertz) < -20

    @pytest.mark.parametrize("hertz", [50, 100, 150])
    def test_takes_hum_from_under_the_words(self, made: Maker, hertz: float) -> None:
        """Hum as loud as the words is gone from their clip."""
        words = np.concatenate([tone(997, 2, -20), silence(2)])
        found = made(words + tone(hertz, 4, -20), trim=False)
        assert level(part(found, 1, 2), 997) - level(part(found, 1, 2), hertz) > 20
        assert level(part(found, 1, 2), 997) - level(part(found, 3, 4), hertz) > 20

    @pytest.mark.parametrize("hertz", [250, 300, 500, 1000, 3000, 9000])
    def test_leaves_speech_as_it_is(self, hertz: float) -> None:
        """What speech consists of changes by less than 1 dB."""
        assert abs(through("full", hertz)) < 1

    def test_fits_a_horn(self) -> None:
        """For horns, what they cannot play is taken away, and what makes words clear is raised."""
        middle = through("horn", 1000)
        assert through("horn", 100) - middle < -15
        assert through("horn", 9000) - middle < -15
        assert 2 < through("horn", 2500) - middle < 5


class TestHear:
    def test_measures_as_it_is(self, tmp_path: Path) -> None:
        """What is said of a good recording is so: length, loudness, peak, noise, silence, form."""
        words = np.concatenate([silence(1.5), speech(4, -25), silence(2)]) + noise(7.5, -70)
        path = save(tmp_path / "a.flac", words, "flac", rate=48_000, layout="stereo")
        found = hear(path)
        assert found.seconds == pytest.approx(7.5, abs=0.01)
        assert found.claimed == pytest.approx(7.5, abs=0.01)
        assert found.lufs == pytest.approx(loudness(words), abs=0.2)
        assert found.peak_dbtp == pytest.approx(true_peak(words), abs=0.3)
        assert found.noise_dbfs == pytest.approx(-70, abs=1.5)
        assert 40 < found.spread < 55
        assert found.silence_before == pytest.approx(1.5, abs=0.1)
        assert found.silence_after == pytest.approx(2, abs=0.2)
        assert (found.channels, found.rate, found.codec, found.container) == (2, 48_000, "flac", "flac")
        assert (found.clipped, found.damaged, found.cancels) == (0, 0, False)
        assert judge(found).verdict is Verdict.GOOD

    @pytest.mark.parametrize(
        ("samples", "code"),
        [
            (np.clip(speech(3, 6), -1, 1), "clipped"),
            (speech(3, -50) + noise(3, -80), "quiet"),
            (silence(3), "silent"),
            (tone(440, 3), "steady"),
            (tone(50, 10), "steady"),
            (np.concatenate([silence(1), speech(2), silence(1)]) + noise(4, -31), "noisy"),
            (np.concatenate([silence(5), speech(2), silence(1)]) + noise(8, -70), "silence"),
            (speech(0.2), "short"),
        ],
        ids=["clipped", "quiet", "silent", "tone", "hum", "noisy", "silence", "short"],
    )
    def test_hears_what_is_wrong(self, tmp_path: Path, samples: Samples, code: str) -> None:
        """What an officer is to be told of a recording can be told from what is heard."""
        found = hear(save(tmp_path / "a.wav", samples, "pcm_f32le"))
        assert code in {reason.code for reason in judge(found).reasons}

    @pytest.mark.parametrize("samples", [speech(0.01), tone(997, 1 / SAMPLE_RATE, 0)], ids=["10 ms", "1"])
    def test_hears_hardly_anything(self, made: Maker, samples: Samples) -> None:
        """A file of a few samples is heard and made like any other."""
        assert len(made(samples)) == len(samples)
        assert hear(made.source).seconds == pytest.approx(length(samples))

    def test_hears_no_difference_in_blocks(self, tmp_path: Path) -> None:
        """Silence is found where it is, though the file is held a second at a time."""
        words = np.concatenate([silence(6.4), speech(1), silence(3.3)])
        found = hear(save(tmp_path / "a.wav", words))
        assert found.silence_before == pytest.approx(6.4, abs=0.03)


class TestLongest:
    @pytest.mark.parametrize(
        "read",
        [hear, lambda path: make(path, path.with_name("clip.wav"), LUFS, CEILING, clip.CLEAN, trim=True)],
        ids=["hear", "make"],
    )
    def test_refuses_what_never_ends(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[Path], object]
    ) -> None:
        """What is longer than the longest message is refused by name, and leaves nothing."""
        monkeypatch.setattr(clip, "LONGEST", 3)
        path = save(tmp_path / "a.wav", speech(3))
        read(path)
        (tmp_path / "clip.wav").unlink(missing_ok=True)
        save(path, speech(4.5))
        with pytest.raises(BroadcasterError) as caught:
            read(path)
        assert [fault.where for fault in caught.value.faults] == ["a.wav"]
        assert "longer than" in str(caught.value)
        assert [one.name for one in tmp_path.iterdir()] == ["a.wav"]

    def test_reads_no_further(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is refused when the limit is passed, not when its end is reached."""
        monkeypatch.setattr(clip, "LONGEST", 3)
        path = save(tmp_path / "a.wav", silence(600))
        came = []
        real = clip._in_seconds
        monkeypatch.setattr(
            clip, "_in_seconds", lambda reader: (came.append(1) or one for one in real(reader))
        )
        with pytest.raises(BroadcasterError):
            hear(path)
        assert len(came) <= 3


class TestWrite:
    def test_is_whole_or_not_there(self, tmp_path: Path) -> None:
        """Where the samples stop with an error, there is no file, and what was there before stays."""

        def broken() -> object:
            yield b"\1\2"
            raise ZeroDivisionError

        target = tmp_path / "var" / "a.wav"
        for before in ([], ["a.wav"]):
            with pytest.raises(ZeroDivisionError):
                clip.write(target, broken())  # type: ignore[arg-type]
            assert [path.name for path in target.parent.iterdir()] == before
            clip.write(target, [b"\3\4" * 10])
        assert len(load(target)) == 10

    @pytest.mark.parametrize("cut", [1, 2, 44, 63, 64])
    def test_tells_what_was_cut(self, tmp_path: Path, cut: int) -> None:
        """A WAV that is not as long as its header says has no length."""
        path = tmp_path / "a.wav"
        clip.write(path, [bytes(20)])
        assert clip.seconds(path) == 10 / SAMPLE_RATE
        path.write_bytes(path.read_bytes()[:-cut])
        assert clip.seconds(path) is None

    def test_tells_what_is_none(self, tmp_path: Path) -> None:
        """A folder, a text, a WAV without a sample, and what is not there have no length."""
        clip.write(tmp_path / "empty.wav", [])
        (tmp_path / "text.wav").write_text("Kính thưa bà con" * 10)
        for name in (".", "text.wav", "empty.wav", "gone.wav"):
            assert clip.seconds(tmp_path / name) is None


class TestChild:
    def test_answers_as_this_process_would(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """What the child hears and makes is what is heard and made here."""
        path = save(tmp_path / "lời chào.mp3", speech(2, -30), "libmp3lame", rate=44_100)
        assert listen(sandbox, path) == hear(path)
        there, here = tmp_path / "var" / "there.wav", tmp_path / "here.wav"
        request = {"lufs": LUFS, "ceiling": CEILING, "steps": clip.CLEAN, "trim": True}
        told = ask(sandbox, request | {"source": str(path), "target": str(there)})
        assert told["seconds"] == make(path, here, LUFS, CEILING, clip.CLEAN, trim=True)
        assert there.read_bytes() == here.read_bytes()

    @pytest.mark.parametrize("content", ["", "Kính thưa bà con"])
    def test_says_what_is_wrong_with_a_file(self, sandbox: Sandbox, tmp_path: Path, content: str) -> None:
        """A fault that the child finds is the one that is found here, and can be said in any language."""
        (tmp_path / "a.mp3").write_text(content)
        with pytest.raises(BroadcasterError) as here:
            hear(tmp_path / "a.mp3")
        with pytest.raises(BroadcasterError) as there:
            listen(sandbox, tmp_path / "a.mp3")
        assert there.value.faults == here.value.faults

    def test_says_what_is_not_there(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """A file that is gone, or a folder, is told as that."""
        with pytest.raises(BroadcasterError, match=r"gone\.wav: .* it is not there"):
            listen(sandbox, tmp_path / "gone.wav")
        with pytest.raises(BroadcasterError, match="it is a folder"):
            listen(sandbox, tmp_path)

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
    def test_says_what_the_disk_says(
        self, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A disk that refuses is told as the disk's fault, with the place, not as the recording's."""
        path = save(tmp_path / "a.wav", speech(1))
        (tmp_path / "file").touch()
        request = {"source": str(path), "lufs": LUFS, "ceiling": CEILING, "steps": clip.CLEAN, "trim": True}
        with pytest.raises(FileExistsError) as refused:
            ask(sandbox, request | {"target": str(tmp_path / "file/clip.wav")})
        assert refused.value.filename == str(tmp_path / "file")

        monkeypatch.setattr(clip, "TemporaryFile", lambda **_: open("/dev/full", "r+b", 0))  # noqa: PTH123, SIM115
        told = answer(request | {"target": str(tmp_path / "clip.wav")})
        assert (told["errno"], told["path"]) == (errno.ENOSPC, str(tmp_path / "clip.wav"))
        assert [one.name for one in tmp_path.iterdir() if "clip" in one.name] == []

    def test_is_not_told_what_to_do_by_a_file(self, sandbox: Sandbox, tmp_path: Path) -> None:
        """A file with a strange name is heard like any other."""
        path = save(tmp_path / "a.wav", speech(1))
        strange = path.rename(tmp_path / 'a\n{"errno": 1}.wav')
        assert listen(sandbox, strange).seconds == pytest.approx(1)


def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Minutes more of sound take less memory than half of their samples."""
    for name, seconds in (("short.wav", 10), ("long.wav", 160)):
        encode((noise(10, -20) for _ in range(seconds // 10)), tmp_path / name, "pcm_s16le")
    short, long = map(int, lines_of(HEARD, tmp_path / "short.wav", tmp_path / "long.wav"))
    assert long - short < 4 * 75 * SAMPLE_RATE // 1024


HEARD = """
import re, sys
from pathlib import Path
from broadcaster.clip import CLEAN, hear, make
for name in sys.argv[1:]:
    hear(Path(name))
    make(Path(name), Path(name).with_name("clip.wav"), -16, 0.75, CLEAN, trim=True)
    print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
"""


def test_wav_has_one_form(made: Maker) -> None:
    """A clip is mono, of 16 bits, at the rate of all programmes, and nothing else is left beside it."""
    made(speech(1))
    with wave.open(str(made.target)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
    assert os.listdir(made.target.parent) == ["clip.wav"]  # noqa: PTH208
