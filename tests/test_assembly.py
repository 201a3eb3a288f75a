"""A programme is loud enough, in order, whole or not there at all, and made once."""

import os
import pickle
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path

import numpy as np
import pytest

from broadcaster.assembly import KEPT_AFTER, KEPT_BEFORE, Assembly
from broadcaster.edges.decode import Samples, encode
from broadcaster.edges.voice import VoiceError
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.programme import LEAD_IN, SAMPLE_RATE, TAIL, Part, Recipe
from broadcaster.model.recording import Measured, Recording
from tests.children import child, told
from tests.fakes import FakeVoice
from tests.sounds import level, load, loudness, noise, part, save, silence, speech, tone, true_peak

A, B, CHIME, BED = 500.0, 900.0, 2000.0, 250.0  # Hz: every sound has its own, so that each can be told
CHIME_LENGTH = 1.5
HEARD = -40.0  # dBFS


@dataclass
class Station:
    """A station's folder and what is made in it."""

    root: Path
    voice: FakeVoice
    assembly: Assembly

    @property
    def made(self) -> dict[str, int]:
        """What lies in var/, and which file it is: one that is written anew has another number."""
        files = (path for path in (self.root / "var").rglob("*") if path.is_file())
        return {str(path.relative_to(self.root / "var")): path.stat().st_ino for path in files}

    def record(self, name: str, samples: Samples, *, pause: float = 0.8) -> Part:
        """An item of which there is a recording."""
        path = f"audio/tin/recordings/vi/{name}.wav"
        save(self.root / path, samples, "pcm_f32le")
        return Part(name, pause, Recording("tin", "vi", name, None, path), None, 0.0)

    def put(self, name: str, content: str) -> Part:
        """An item of which there is a file that is no recording."""
        path = f"audio/tin/recordings/vi/{name}"
        (self.root / path).write_text(content)
        return Part(name, 0.8, Recording("tin", "vi", name, None, path), None, 0.0)

    def clip(self, one: Part) -> Samples:
        """What is made of an item's recording."""
        return load(self.assembly.recording(path_of(one)))


@pytest.fixture
def station(tmp_path: Path) -> Station:
    """A station with a chime, a bed of 1.3 s, and a voice that hums."""
    for folder in ("chimes", "beds", "tin/recordings/vi"):
        (tmp_path / "audio" / folder).mkdir(parents=True)
    save(tmp_path / "audio/chimes/mo-dau.wav", tone(CHIME, CHIME_LENGTH))
    save(tmp_path / "audio/beds/nen.wav", tone(BED, 1.3))
    voice = FakeVoice()
    return Station(tmp_path, voice, Assembly(tmp_path, voice))


def path_of(one: Part) -> str:
    """Where the recording of an item lies."""
    assert one.recording is not None
    return one.recording.path


def words(text: str, pause: float = 0.8) -> Part:
    """An item that the voice speaks."""
    return Part("loi", pause, None, text, 0.0)


def make_recipe(*parts: Part, chime: bool = False, bed: bool = False) -> Recipe:
    return Recipe(
        script="tin",
        language="vi",
        area="03160",
        chime="mo-dau.wav" if chime else None,
        bed="nen.wav" if bed else None,
        parts=parts,
        lacks=(),
    )


def length(samples: Samples) -> float:
    return len(samples) / SAMPLE_RATE


def spans(samples: Samples, hertz: float) -> list[tuple[float, float]]:
    """From when to when one tone is heard, to the twentieth of a second."""
    step = 0.05
    times = np.arange(0, length(samples) - step, step)
    heard = [level(part(samples, at, at + step), hertz) > HEARD for at in times]
    edges = np.flatnonzero(np.diff([False, *heard, False]))
    return [(start * step, end * step) for start, end in edges.reshape(-1, 2)]


class TestOrder:
    def test_follows_the_recipe(self, station: Station) -> None:
        """Chime, bed alone, first item, its pause, second item, its pause and the tail follow one another."""
        first = station.record("a", tone(A, 2), pause=2)
        second = station.record("b", tone(B, 1.5), pause=1)
        samples = load(station.assembly.make(make_recipe(first, second, chime=True, bed=True)).path)
        start = CHIME_LENGTH + LEAD_IN
        assert spans(samples, CHIME) == [pytest.approx((0, CHIME_LENGTH), abs=0.1)]
        assert spans(samples, A) == [pytest.approx((start, start + 2), abs=0.1)]
        assert spans(samples, B) == [pytest.approx((start + 4, start + 5.5), abs=0.1)]
        assert length(samples) == pytest.approx(start + 5.5 + 1 + TAIL, abs=0.01)

    def test_says_an_item_as_often_as_it_is_asked(self, station: Station) -> None:
        """An item that stands in the recipe twice is heard twice, each time with its own pause behind it."""
        one = station.record("a", tone(A, 1), pause=0.5)
        samples = load(station.assembly.make(make_recipe(one, replace(one, pause=1.5), one)).path)
        assert spans(samples, A) == [pytest.approx(span, abs=0.1) for span in ((0, 1), (1.5, 2.5), (4, 5))]

    @pytest.mark.parametrize("bed", [True, False])
    @pytest.mark.parametrize("chime", [True, False])
    @pytest.mark.parametrize("pause", [0.0, 0.3337, 1.2, 3.00001])
    def test_is_as_long_as_its_parts(self, station: Station, pause: float, *, chime: bool, bed: bool) -> None:
        """The length is that of chime, lead-in, items, pauses and tail, as the plan reckons with it."""
        parts = [
            station.record(name, tone(A, seconds), pause=pause)
            for name, seconds in (("a", 1.0), ("b", 0.7531))
        ]
        programme = station.assembly.make(make_recipe(*parts, *parts, chime=chime, bed=bed))
        expected = 2 * 1.7531 + 4 * pause + CHIME_LENGTH * chime + (LEAD_IN + TAIL) * bed
        assert programme.seconds == pytest.approx(expected, abs=0.05)
        assert length(load(programme.path)) == pytest.approx(programme.seconds)

    def test_is_as_long_as_the_plan_says(self, station: Station) -> None:
        """Where the recordings were measured, the recipe without its chime is as long as the programme."""
        parts = [station.record(str(number), speech(1 + number / 7), pause=number / 3) for number in range(4)]
        measured = [station.assembly.measure(path_of(one)) for one in parts]
        known = [replace(one, seconds=found.seconds or 0) for one, found in zip(parts, measured, strict=True)]
        recipe = make_recipe(*known, bed=True)
        assert station.assembly.make(recipe).seconds == pytest.approx(recipe.seconds, abs=0.05)

    def test_passes_words_on_unchanged(self, station: Station) -> None:
        """Every sample of a clip, however long it is, is in the programme as it was."""
        one = station.record("a", noise(47.3, -20), pause=0)
        clip = station.clip(one)
        assert length(clip) == pytest.approx(47.3)
        samples = load(station.assembly.make(make_recipe(one)).path)
        assert np.array_equal(samples, clip)


class TestLevels:
    @pytest.mark.parametrize("recorded", [-42.0, -25.0, -12.0])
    def test_brings_speech_to_one_loudness(self, station: Station, recorded: float) -> None:
        """However quiet or loud it was recorded, speech is at -16 LUFS."""
        one = station.record("a", speech(5, recorded))
        clip = station.clip(one)
        assert loudness(clip) == pytest.approx(-16, abs=0.7)
        assert true_peak(clip) < -1.5

    def test_brings_speech_with_bangs_to_one_loudness(self, station: Station) -> None:
        """Where the limiter has to hold a bang back, what it took away is given again."""
        banging = speech(6, -30)
        banging[::4_000] = 0.99
        one = station.record("a", banging)
        clip = station.clip(one)
        assert loudness(clip) == pytest.approx(-16, abs=0.7)
        assert true_peak(clip) < -1.5

    def test_does_not_make_noise_loud(self, station: Station) -> None:
        """A recording in which next to nothing is heard is raised by 30 dB and no more."""
        one = station.record("a", tone(997, 3, -60))
        clip = station.clip(one)
        assert level(clip, 997) == pytest.approx(-30, abs=0.3)

    @pytest.mark.parametrize(
        "samples", [tone(A, 0.2), silence(2), tone(A, 0.001)], ids=["0.2 s", "silent", "1 ms"]
    )
    def test_takes_what_cannot_be_measured_as_it_is(self, station: Station, samples: Samples) -> None:
        """What is too short or silent keeps its level and its length."""
        one = station.record("a", samples, pause=0)
        found = load(station.assembly.make(make_recipe(one)).path)
        assert len(found) == len(samples)
        assert np.abs(found - samples).max() < 0.001

    def test_never_clips(self, station: Station) -> None:
        """With chime, bed and loud words of all sorts no true peak of a programme is above -1.5 dBTP."""
        save(station.root / "audio/beds/nen.wav", noise(4, -9))
        save(station.root / "audio/chimes/mo-dau.wav", np.sign(tone(CHIME, 2)) * np.float32(0.99))
        bursts = noise(4, -12)
        bursts[np.arange(len(bursts)) // 1600 % 5 > 0] *= 0.02
        sounds = {"a": speech(4, -9), "b": bursts, "c": tone(7_900, 2, -0.1)}
        parts = [station.record(name, samples) for name, samples in sounds.items()]
        samples = load(station.assembly.make(make_recipe(*parts, chime=True, bed=True)).path)
        assert true_peak(samples) < -1.5

    def test_ducks_the_bed_under_words(self, station: Station) -> None:
        """The bed is there in the lead-in and in a long pause, and at least 8 dB lower under the words."""
        first = station.record("a", tone(A, 2), pause=2)
        second = station.record("b", tone(B, 2), pause=0.6)
        samples = load(station.assembly.make(make_recipe(first, second, first, bed=True)).path)

        def bed(at: float) -> float:
            return level(part(samples, LEAD_IN + at - 0.1, LEAD_IN + at + 0.1), BED)

        alone = bed(-0.5)
        assert alone == pytest.approx(-28 + 3, abs=1.5)
        assert bed(3) == pytest.approx(alone, abs=0.3)  # in the pause of two seconds
        assert bed(9.3) == pytest.approx(alone, abs=3)  # at the beginning of the tail
        for under in (0.3, 1, 1.7, 4.3, 5, 5.7):
            assert alone - 13 < bed(under) < alone - 8
        assert bed(6.3) == pytest.approx(bed(5), abs=0.3)  # a pause of 0.6 s is too short to come up

    def test_fades_the_bed(self, station: Station) -> None:
        """The bed comes up from nothing, goes round without a gap or jump, and fades to nothing."""
        one = station.record("a", silence(1), pause=3)
        samples = load(station.assembly.make(make_recipe(one, one, bed=True)).path)
        levels = np.array([level(part(samples, at / 20, at / 20 + 0.1), BED) for at in range(239)])
        assert levels[0] < levels[10] - 20
        assert levels[-1] < levels[-40] - 20
        assert levels[10:-60].min() > levels.max() - 11
        assert np.abs(np.diff(levels[6:-10])).max() < 3

    def test_goes_on_with_the_bed_where_it_was(self, station: Station) -> None:
        """A bed of two tones, one after the other, goes round and round under words and pauses."""
        save(station.root / "audio/beds/nen.wav", np.concatenate([tone(BED, 2), tone(CHIME, 2)]))
        one = station.record("a", silence(1), pause=2.5)
        samples = load(station.assembly.make(make_recipe(one, one, one, bed=True)).path)
        for at in np.arange(0.5, length(samples) - 1, 0.5):
            piece = part(samples, at + 0.1, at + 0.4)
            assert (level(piece, BED) > level(piece, CHIME)) == (at % 4 < 2)

    def test_without_a_bed_pauses_are_silent(self, station: Station) -> None:
        """Without a bed there is nothing between the words."""
        one = station.record("a", tone(A, 1), pause=1)
        samples = load(station.assembly.make(make_recipe(one, one)).path)
        assert not part(samples, 1.01, 1.99).any()


class TestTrimming:
    def test_takes_silence_from_the_ends(self, station: Station) -> None:
        """The hiss before and after the words is gone, but for a breath; a pause among them stays."""
        hiss = noise(10, -75)
        words = np.concatenate([silence(2), speech(2), silence(1.5), speech(1), silence(3.5)]) + hiss
        one = station.record("a", words)
        clip = station.clip(one)
        assert length(clip) == pytest.approx(KEPT_BEFORE + 4.5 + KEPT_AFTER, abs=0.06)

    def test_keeps_a_soft_onset(self, station: Station) -> None:
        """Words that begin or end 30 dB below the others are words."""
        soft = speech(0.4, -50)
        words = np.concatenate([silence(1), soft, speech(3, -20), soft, silence(1)])
        one = station.record("a", words)
        clip = station.clip(one)
        assert length(clip) == pytest.approx(KEPT_BEFORE + 3.8 + KEPT_AFTER, abs=0.06)

    def test_does_not_cut_into_words(self, station: Station) -> None:
        """Words from the first sample to the last are kept whole."""
        one = station.record("a", tone(A, 1.2345))
        clip = station.clip(one)
        assert length(clip) == pytest.approx(1.2345, abs=0.001)

    def test_leaves_chime_and_bed_as_they_are(self, station: Station) -> None:
        """The silence in a chime belongs to it."""
        save(
            station.root / "audio/chimes/mo-dau.wav", np.concatenate([silence(1), tone(CHIME, 1), silence(1)])
        )
        assert length(load(station.assembly.chime("mo-dau.wav"))) == pytest.approx(3, abs=0.001)


class TestMadeOnce:
    def test_is_found_again(self, station: Station) -> None:
        """What was made is found, with its length, by this and by every other program on the station."""
        recipe = make_recipe(station.record("a", tone(A, 1)), words("Kính thưa bà con"), chime=True, bed=True)
        assert station.assembly.find(recipe) is None
        made = station.assembly.make(recipe)
        assert made.path.stem == made.digest
        for assembly in (station.assembly, Assembly(station.root, FakeVoice(fails=True))):
            assert assembly.find(recipe) == assembly.programme(made.digest) == made

    def test_is_not_made_again(self, station: Station) -> None:
        """The same recipe again writes no file, asks no voice, and gives the same programme."""
        recipe = make_recipe(station.record("a", tone(A, 1)), words("Kính thưa bà con"), chime=True, bed=True)
        first, files, asked = station.assembly.make(recipe), station.made, len(station.voice.asked)
        assert Assembly(station.root, station.voice).make(recipe) == first
        assert station.made == files
        assert len(station.voice.asked) == asked

    def test_shares_what_does_not_differ(self, station: Station) -> None:
        """Another area has the same programme; another programme makes only what is new in it."""
        one, two = station.record("a", tone(A, 1)), station.record("b", tone(B, 1))
        first = station.assembly.make(make_recipe(one, bed=True))
        files = station.made
        elsewhere = replace(make_recipe(one, bed=True), area="03166", parts=[replace(one, seconds=9.0)])
        assert station.assembly.make(elsewhere) == first
        station.assembly.make(make_recipe(one, two, bed=True))
        new = station.made
        assert {name: new[name] for name in files} == files
        assert sorted(Path(name).parent.name for name in new.keys() - files.keys()) == ["clips", "programmes"]

    def test_every_change_makes_another(self, station: Station) -> None:
        """A byte, a pause, a word, the order, the bed or the chime: each change makes another one."""
        one, two = station.record("a", tone(A, 1)), words("Kính thưa bà con")
        recipe = make_recipe(one, two, chime=True, bed=True)
        other = [
            replace(recipe, parts=(replace(one, pause=0.81), two)),
            replace(recipe, parts=(one, replace(two, words="Kính thưa bà con."))),
            replace(recipe, parts=(two, one)),
            replace(recipe, parts=(one,)),
            replace(recipe, bed=None),
            replace(recipe, chime=None),
            replace(recipe, language="hmn-Latn-VN", parts=(replace(one, pause=0.82),)),
        ]
        station.voice.languages |= {"hmn-Latn-VN"}
        found = [station.assembly.make(each).digest for each in (recipe, *other)]
        for changed in ("audio/tin/recordings/vi/a.wav", "audio/beds/nen.wav", "audio/chimes/mo-dau.wav"):
            with (station.root / changed).open("r+b") as file:
                file.seek(-3, os.SEEK_END)
                file.write(b"\1")
            assert station.assembly.find(recipe) is None
            found.append(station.assembly.make(recipe).digest)
        assert len(set(found)) == len(found) == 11

    def test_speaks_a_sentence_once(self, station: Station) -> None:
        """The same words in another programme are not asked of the voice again; other words are."""
        one = words("Kính thưa bà con")
        station.assembly.make(make_recipe(one))
        station.assembly.make(make_recipe(one, replace(one, pause=2.0), bed=True))
        station.assembly.make(make_recipe(one, words("Xin cảm ơn")))
        assert [(text, language) for text, language, _ in station.voice.asked] == [
            ("Kính thưa bà con", "vi"),
            ("Xin cảm ơn", "vi"),
        ]

    @pytest.mark.parametrize("kept", [0.0, 0.001, 0.5, 0.9999])
    def test_takes_no_cut_file(self, station: Station, kept: float) -> None:
        """A finished file that lost its end, be it two bytes or all, is not found, and is made anew."""
        recipe = make_recipe(station.record("a", tone(A, 1)))
        made = station.assembly.make(recipe)
        whole = made.path.read_bytes()
        made.path.write_bytes(whole[: int(len(whole) * kept)])
        assert station.assembly.find(recipe) is None
        assert station.assembly.programme(made.digest) is None
        assert station.assembly.make(recipe) == made
        assert made.path.read_bytes() == whole

    def test_takes_no_cut_clip(self, station: Station) -> None:
        """A clip that lost its end is made anew before a programme is made of it."""
        one = station.record("a", tone(A, 1), pause=0)
        clip = station.assembly.recording(path_of(one))
        clip.write_bytes(clip.read_bytes()[:-2])
        assert station.assembly.make(make_recipe(one)).seconds == pytest.approx(1)

    def test_speaks_anew_what_was_no_speech(self, station: Station) -> None:
        """A spoken text that cannot be decoded is not kept: the next try asks the voice again."""
        recipe = make_recipe(words("Kính thưa bà con"))
        station.assembly.make(recipe)
        (spoken,) = (station.root / "var" / "clips").glob("*.voice")
        shutil.rmtree(station.root / "var" / "programmes")
        spoken.write_bytes(b"login page")
        with pytest.raises(BroadcasterError):
            station.assembly.make(recipe)
        assert station.assembly.make(recipe)
        assert len(station.voice.asked) == 2

    def test_throws_away_what_nothing_needs(self, station: Station) -> None:
        """What was not needed for a month is taken away; what was needed since, and spoken text, stays."""
        old, new = make_recipe(words("cũ")), make_recipe(station.record("moi", speech(1.0)))
        station.assembly.make(old)
        station.assembly.make(new)
        now = datetime.now(UTC)
        for path in (station.root / "var").rglob("*.*"):
            os.utime(path, times=(0, (now - timedelta(days=40)).timestamp()))
        station.assembly.make(new)
        station.assembly.tidy(now)
        assert station.assembly.find(old) is None
        assert station.assembly.find(new) is not None
        assert [path.suffix for path in (station.root / "var" / "clips").iterdir()] == [".voice"]


class TestFailures:
    def test_names_a_broken_recording(self, station: Station) -> None:
        """A recording that is none stops the programme, is named, and leaves nothing half made."""
        recipe = make_recipe(station.record("a", tone(A, 1)), station.put("hong.wav", "Kính thưa bà con"))
        with pytest.raises(BroadcasterError) as caught:
            station.assembly.make(recipe)
        assert [fault.where for fault in caught.value.faults] == ["hong.wav"]
        assert station.assembly.find(recipe) is None
        assert_nothing_half_made(station)

    def test_does_without_a_damaged_decoration(self, station: Station) -> None:
        """A chime or bed that cannot be decoded is left out; the words are heard all the same."""
        for path in ("chimes/mo-dau.wav", "beds/nen.wav"):
            (station.root / "audio" / path).write_bytes(b"noise" * 1000)
        one = station.record("loi", speech(2.0))
        made = station.assembly.make(make_recipe(one, chime=True, bed=True))
        plain = station.assembly.make(make_recipe(one))
        assert made.path.read_bytes() == plain.path.read_bytes()

    def test_names_what_is_gone(self, station: Station) -> None:
        """A recording, a bed or a chime that was taken away is an error with its name; nothing is found."""
        recipe = make_recipe(station.record("a", tone(A, 1)), chime=True, bed=True)
        for name in ("tin/recordings/vi/a.wav", "beds/nen.wav", "chimes/mo-dau.wav"):
            path = station.root / "audio" / name
            content = path.read_bytes()
            path.unlink()
            assert station.assembly.find(recipe) is None
            with pytest.raises(BroadcasterError) as caught:
                station.assembly.make(recipe)
            assert str(caught.value).startswith(f"{path}: The file cannot be read as sound: it is not there.")
            path.write_bytes(content)
        assert station.made == {}

    def test_says_what_the_voice_said(self, station: Station) -> None:
        """Where the voice fails its error is passed on, nothing is half written; later it is made."""
        station.voice.fails = True
        recipe = make_recipe(station.record("a", tone(A, 1)), words("Kính thưa bà con"))
        with pytest.raises(VoiceError):
            station.assembly.make(recipe)
        assert station.assembly.find(recipe) is None
        assert_nothing_half_made(station)
        station.voice.fails = False
        assert station.assembly.make(recipe).seconds == pytest.approx(1 + 0.8 + 0.8 + 0.8, abs=0.05)

    def test_hears_the_voice(self, station: Station) -> None:
        """What the voice spoke is in the programme, as loud as a recording."""
        samples = load(station.assembly.make(make_recipe(words("Kính thưa bà con " * 4, pause=0))).path)
        assert length(samples) == pytest.approx(68 / 20, abs=0.06)
        assert loudness(samples) == pytest.approx(-16, abs=0.7)

    @pytest.mark.parametrize("room", [50_000, 300_000], ids=["for no clip", "for clips alone"])
    def test_says_that_the_disk_is_full(self, station: Station, room: int) -> None:
        """On a full disk all that makes a file is an error, and leaves nothing half made."""
        parts = [station.record(name, tone(hertz, 2)) for name, hertz in (("a", A), ("b", B))]
        recipe = make_recipe(*parts, *parts, chime=True)
        paths = map(path_of, parts)
        lines = told(FULL, station.root, pickle.dumps(recipe).hex(), room, *paths)
        assert [line.split(":")[0] for line in lines[:1]] == ["make"]
        failed = {line.split(": ")[0] for line in lines if "The programme cannot be written" in line}
        assert failed == ({"make", "measure", "chime", "file"} if room < 100_000 else {"make"})
        assert all("The programme cannot be written" in line or line.endswith(": done") for line in lines)
        assert station.assembly.find(recipe) is None
        assert_nothing_half_made(station)
        assert station.assembly.make(recipe).seconds == pytest.approx(8 + 3.2 + CHIME_LENGTH, abs=0.05)


FULL = """
import pickle, resource, sys
from pathlib import Path
from broadcaster.assembly import Assembly
from broadcaster.model.errors import BroadcasterError
from tests.fakes import FakeVoice
root, recipe, room, path, other = sys.argv[1:]
assembly = Assembly(Path(root), FakeVoice())
resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), int(room)))
for name, make in {
    "make": lambda: assembly.make(pickle.loads(bytes.fromhex(recipe))),
    "measure": lambda: assembly.measure(path),
    "chime": lambda: assembly.chime("mo-dau.wav"),
    "file": lambda: assembly.from_file(Path(root) / other),
}.items():
    try:
        make()
        print(f"{name}: done")
    except BroadcasterError as error:
        print(f"{name}: {error}")
"""


def assert_nothing_half_made(station: Station) -> None:
    """Every file in var/ is a whole WAV."""
    for name in station.made:
        assert name.endswith(".wav")
        assert length(load(station.root / "var" / name)) > 0


class TestKilled:
    @pytest.mark.parametrize("folder", ["clips", "programmes"])
    def test_leaves_nothing_that_looks_finished(self, station: Station, folder: str) -> None:
        """Killed right before a file gets its name, there is no such file, and the next run makes it."""
        recipe = make_recipe(station.record("a", tone(A, 2)), chime=True, bed=True)
        with child(STEP_BY_STEP, station.root, pickle.dumps(recipe).hex()) as process:
            assert process.stdin
            assert process.stdout
            while (line := process.stdout.readline()) and f"/{folder}/" not in line:
                process.stdin.write("\n")
                process.stdin.flush()
        assert Path(line.strip()).exists()
        assert station.assembly.find(recipe) is None
        made = [name for name in station.made if name.startswith(folder) and name.endswith(".wav")]
        assert made == []
        programme = station.assembly.make(recipe)
        assert programme.seconds == pytest.approx(CHIME_LENGTH + LEAD_IN + 2 + 0.8 + TAIL, abs=0.05)
        assert station.assembly.find(recipe) == programme

    def test_two_do_not_spoil_each_other(self, station: Station) -> None:
        """A programme that two processes make at the same time is whole and the same for both."""
        recipe = make_recipe(station.record("a", np.concatenate([silence(1), speech(3)])), chime=True)
        with child(STEP_BY_STEP, station.root, pickle.dumps(recipe).hex()) as process:
            assert process.stdin
            assert process.stdout
            assert "/clips/" in process.stdout.readline()
            made = station.assembly.make(recipe)
            samples = load(made.path)
            process.stdin.write("\n" * 20)
            process.stdin.close()
            *_, last = process.stdout.read().splitlines()
            assert process.wait() == 0
        assert last == made.digest
        assert np.array_equal(load(made.path), samples)
        assert not [name for name in station.made if not name.endswith(".wav")]


# Before each file gets its name it tells which, and waits for a line.
STEP_BY_STEP = """
import os, pickle, sys
from pathlib import Path
from broadcaster.assembly import Assembly
from tests.fakes import FakeVoice
def step(handle, sync=os.fsync):
    sync(handle)
    print(os.readlink(f"/proc/self/fd/{handle}"), flush=True)
    sys.stdin.readline()
os.fsync = step
print(Assembly(Path(sys.argv[1]), FakeVoice()).make(pickle.loads(bytes.fromhex(sys.argv[2]))).digest)
"""


class TestMeasure:
    def test_tells_the_length_that_will_sound(self, station: Station) -> None:
        """The length of a recording is that of its words, for the file as it is now."""
        one = station.record("a", np.concatenate([silence(1), tone(A, 2), silence(1)]))
        path = station.root / path_of(one)
        stat = path.stat()
        found = station.assembly.measure(path_of(one))
        assert found == Measured(stat.st_size, stat.st_mtime_ns, found.seconds)
        assert found.seconds == pytest.approx(KEPT_BEFORE + 2 + KEPT_AFTER, abs=0.06)

    def test_knows_a_broken_one(self, station: Station) -> None:
        """A file that cannot be decoded has no length, and leaves nothing in the station's memory."""
        one = station.put("a.mp3", "Kính thưa bà con")
        assert station.assembly.measure(path_of(one)).seconds is None
        assert station.made == {}

    def test_spares_the_programme_the_work(self, station: Station) -> None:
        """What was decoded to be measured is not decoded again to be assembled."""
        one = station.record("a", tone(A, 1))
        station.assembly.measure(path_of(one))
        (clip,) = station.made.items()
        station.assembly.make(make_recipe(one))
        assert clip in station.made.items()
        assert len(station.made) == 2

    def test_says_that_a_recording_is_gone(self, station: Station) -> None:
        """A recording that was taken away is an error, not a broken recording."""
        with pytest.raises(BroadcasterError):
            station.assembly.measure("audio/tin/recordings/vi/gone.wav")


class TestSingleSounds:
    def test_makes_a_programme_of_any_file(self, station: Station, tmp_path: Path) -> None:
        """Any audio file is a programme by itself: levelled, found by its digest, not made again."""
        path = save(tmp_path / "thong-bao.mp3", speech(3, -35), "libmp3lame", rate=44_100, layout="stereo")
        made = station.assembly.from_file(path)
        assert loudness(load(made.path)) == pytest.approx(-16, abs=0.7)
        assert made.seconds == pytest.approx(3, abs=0.06)
        files = station.made
        assert station.assembly.from_file(path) == station.assembly.programme(made.digest) == made
        assert station.made == files

    def test_names_a_file_that_is_no_sound(self, station: Station, tmp_path: Path) -> None:
        """A file that is none is an error with its name."""
        (tmp_path / "thong-bao.txt").write_text("Kính thưa bà con")
        for name in ("thong-bao.txt", "gone.wav"):
            with pytest.raises(BroadcasterError) as caught:
                station.assembly.from_file(tmp_path / name)
            assert caught.value.faults[0].where.endswith(name)
        assert station.made == {}

    def test_finds_a_chime_that_was_made(self, station: Station) -> None:
        """A chime is found once it was made, at -18 LUFS; one that is not there is never found."""
        assert station.assembly.find_chime("mo-dau.wav") is None
        assert station.assembly.find_chime("gone.wav") is None
        made = station.assembly.chime("mo-dau.wav")
        assert station.assembly.find_chime("mo-dau.wav") == made
        assert loudness(load(made)) == pytest.approx(-18, abs=0.7)
        save(station.root / "audio/chimes/mo-dau.wav", tone(CHIME, 1))
        assert station.assembly.find_chime("mo-dau.wav") is None


def test_memory_does_not_grow_with_length(station: Station) -> None:
    """A programme of two hours, in recordings of 24 minutes, is assembled in less than 200 MB."""
    path = "audio/tin/recordings/vi/dai.flac"
    encode(repeat(speech(10), 6 * 24), station.root / path, "flac")
    one = Part("dai", 1.0, Recording("tin", "vi", "dai", None, path), None, 0.0)
    recipe = make_recipe(*[one] * 5, chime=True, bed=True)
    seconds, megabytes = map(float, told(MEASURED, station.root, pickle.dumps(recipe).hex()))
    assert seconds == pytest.approx(7200 + 5 + CHIME_LENGTH + LEAD_IN + TAIL, abs=0.1)
    assert megabytes < 200


# VmHWM: unlike ru_maxrss it leaves out what the parent held before this program was loaded.
MEASURED = """
import pickle, re, sys
from pathlib import Path
from broadcaster.assembly import Assembly
from tests.fakes import FakeVoice
print(Assembly(Path(sys.argv[1]), FakeVoice()).make(pickle.loads(bytes.fromhex(sys.argv[2]))).seconds)
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024)
"""
