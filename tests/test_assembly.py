"""A programme is loud enough, in order, whole or not there at all, and made once."""

import ctypes
import os
import pickle
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from broadcaster import clip
from broadcaster.assembly import DUCK, LONGEST_CHIME, Assembly
from broadcaster.clip import KEPT_AFTER, KEPT_BEFORE
from broadcaster.edges.content import digest_of
from broadcaster.edges.decode import Samples, encode
from broadcaster.edges.sandbox import Limits, Sandbox, serve
from broadcaster.edges.voice import VoiceError
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.programme import LEAD_IN, SAMPLE_RATE, TAIL, Part, Programme, Recipe
from broadcaster.model.recording import Recording
from tests.children import child, told
from tests.fakes import FakeVoice
from tests.sounds import consonant, level, load, loudness, noise, part, save, silence, speech, tone, true_peak

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
        """An item of which there is a recording, approved as it is."""
        path = f"audio/tin/recordings/vi/{name}.wav"
        save(self.root / path, samples, "pcm_f32le")
        digest = digest_of(self.root / path)
        return Part(name, pause, Recording("tin", "vi", name, None, path, digest=digest), None, 0.0)

    def put(self, name: str, content: str) -> Part:
        """An item of which there is a file that is no recording."""
        path = f"audio/tin/recordings/vi/{name}"
        (self.root / path).write_text(content)
        return Part(name, 0.8, Recording("tin", "vi", name, None, path), None, 0.0)

    def clip(self, one: Part) -> Samples:
        """What is made of an item's recording."""
        return load(self.assembly.recording(path_of(one)))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The child that decodes for all tests here: it takes a third of a second to start."""
    with Sandbox("broadcaster.clip") as sandbox:
        yield sandbox


@pytest.fixture
def station(tmp_path: Path, sandbox: Sandbox) -> Station:
    """A station with a chime, a bed of 1.3 s, and a voice that hums."""
    for folder in ("chimes", "beds", "tin/recordings/vi"):
        (tmp_path / "audio" / folder).mkdir(parents=True)
    save(tmp_path / "audio/chimes/mo-dau.wav", tone(CHIME, CHIME_LENGTH))
    save(tmp_path / "audio/beds/nen.wav", tone(BED, 1.3))
    voice = FakeVoice()
    assembly = Assembly(tmp_path, voice)
    assembly._sandbox = sandbox
    return Station(tmp_path, voice, assembly)


def heard(programme: Programme) -> Samples:
    """What a loudspeaker plays of it."""
    return np.concatenate([load(piece) for piece in programme.pieces])


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


def change(path: Path, at: float = 0.5) -> None:
    """Turn one bit of a file, as a disk that decays does."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 1
    path.write_bytes(data)


class TestOrder:
    def test_follows_the_recipe(self, station: Station) -> None:
        """Chime, bed alone, first item, its pause, second item, its pause and the tail follow one another."""
        first = station.record("a", tone(A, 2), pause=2)
        second = station.record("b", tone(B, 1.5), pause=1)
        samples = heard(station.assembly.make(make_recipe(first, second, chime=True, bed=True)))
        start = CHIME_LENGTH + LEAD_IN
        assert spans(samples, CHIME) == [pytest.approx((0, CHIME_LENGTH), abs=0.1)]
        assert spans(samples, A) == [pytest.approx((start, start + 2), abs=0.1)]
        assert spans(samples, B) == [pytest.approx((start + 4, start + 5.5), abs=0.1)]
        assert length(samples) == pytest.approx(start + 5.5 + 1 + TAIL, abs=0.01)

    def test_says_an_item_as_often_as_it_is_asked(self, station: Station) -> None:
        """An item that stands in the recipe twice is heard twice, each time with its own pause behind it."""
        one = station.record("a", tone(A, 1), pause=0.5)
        samples = heard(station.assembly.make(make_recipe(one, replace(one, pause=1.5), one)))
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
        assert length(heard(programme)) == pytest.approx(programme.seconds)

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
        samples = heard(station.assembly.make(make_recipe(one)))
        assert np.array_equal(samples, clip)


class TestLevels:
    @pytest.mark.parametrize("recorded", [-42.0, -12.0])
    @pytest.mark.parametrize("bed", [True, False])
    def test_brings_speech_to_one_loudness(self, station: Station, recorded: float, *, bed: bool) -> None:
        """However quiet or loud it was recorded, speech is at -16 LUFS, also over the bed."""
        save(station.root / "audio/beds/nen.wav", noise(9, -20))
        one = station.record("a", speech(5, recorded), pause=0)
        assert loudness(station.clip(one)) == pytest.approx(-16, abs=0.5)
        assert loudness(heard(station.assembly.make(make_recipe(one, bed=bed)))) == pytest.approx(
            -16, abs=0.5
        )

    @pytest.mark.parametrize("samples", [silence(2), tone(A, 0.001)], ids=["silent", "1 ms"])
    def test_takes_what_cannot_be_measured(self, station: Station, samples: Samples) -> None:
        """What is silent or hardly there at all keeps its length, and a programme can be made of it."""
        one = station.record("a", samples, pause=0)
        assert len(heard(station.assembly.make(make_recipe(one)))) == len(samples)
        assert station.assembly.make(make_recipe(one, one, bed=True)).seconds > LEAD_IN + TAIL

    def test_never_clips(self, station: Station) -> None:
        """With chime, bed and loud words of all sorts no true peak of a programme is above -1.5 dBTP."""
        save(station.root / "audio/beds/nen.wav", noise(4, -9))
        save(station.root / "audio/chimes/mo-dau.wav", np.sign(tone(CHIME, 2)) * np.float32(0.99))
        bursts = consonant(4, -12)
        bursts[np.arange(len(bursts)) // 1600 % 5 > 0] *= 0.02
        sounds = {"a": speech(4, -9), "b": bursts, "c": tone(7_900, 2, -0.1)}
        parts = [station.record(name, samples) for name, samples in sounds.items()]
        samples = heard(station.assembly.make(make_recipe(*parts, chime=True, bed=True)))
        assert true_peak(samples) < -1.5

    def test_without_a_bed_pauses_are_silent(self, station: Station) -> None:
        """Without a bed there is nothing between the words."""
        one = station.record("a", tone(A, 1), pause=1)
        samples = heard(station.assembly.make(make_recipe(one, one)))
        assert not part(samples, 1.01, 1.99).any()


def test_trims_words_but_not_decorations(station: Station) -> None:
    """Silence around words is cut to a breath; the silence in a chime belongs to it."""
    sound = np.concatenate([silence(2), tone(A, 1), silence(3)])
    words = station.clip(station.record("a", sound))
    assert length(words) == pytest.approx(KEPT_BEFORE + 1 + KEPT_AFTER, abs=0.1)
    for folder, make in (("chimes", station.assembly.chime), ("beds", station.assembly.bed)):
        save(station.root / "audio" / folder / "a.wav", sound)
        assert length(load(make("a.wav"))) == pytest.approx(6, abs=0.001)


def levels(samples: Samples) -> Samples:
    """How loud noise is (dBFS, RMS), every tenth of a second."""
    steps = samples[: len(samples) // 3200 * 3200].reshape(-1, 3200)
    return np.asarray(10 * np.log10(np.mean(np.square(steps), axis=1) + 1e-12))


class TestBed:
    @staticmethod
    def under(station: Station, *parts: Part) -> tuple[Samples, list[float]]:
        """What is left of a programme with a bed without its words, and where its pieces end (seconds)."""
        programme = station.assembly.make(make_recipe(*parts, bed=True))
        samples = heard(programme)
        ends = np.cumsum([len(load(piece)) for piece in programme.pieces])
        for number, (one, end) in enumerate(zip(parts, [0, *ends], strict=False)):
            words = station.clip(one)
            begin = end + round(LEAD_IN * SAMPLE_RATE) * (not number)
            samples[begin : begin + len(words)] -= words
        return samples, [float(end) / SAMPLE_RATE for end in ends]

    def test_ducks_under_words(self, station: Station) -> None:
        """The bed is at -28 LUFS before, between and behind the words, and 10 dB lower under them."""
        save(station.root / "audio/beds/nen.wav", noise(9, -20))
        assert loudness(load(station.assembly.bed("nen.wav"))) + DUCK == pytest.approx(-28, abs=0.3)
        first, second = (station.record(name, speech(2, -25), pause=2.4) for name in "ab")
        found = levels(self.under(station, first, second)[0])
        alone = found[10]  # at 1 s
        assert found[16:34] == pytest.approx(alone - 10, abs=1)  # under the first words
        assert found[39:55] == pytest.approx(alone, abs=1)  # in the pause
        assert found[60:78] == pytest.approx(alone - 10, abs=1)
        assert found[82:103] == pytest.approx(alone, abs=1)

    @pytest.mark.parametrize(
        "words",
        [
            np.concatenate([speech(1, -12), silence(2), speech(1, -45), silence(1.5), speech(0.5, -12)]),
            noise(6, -12) * np.repeat(np.tile([1, 0.001], 15), 6400).astype(np.float32),
            tone(A, 6, -3),
        ],
        ids=["pauses", "bursts", "tone"],
    )
    def test_does_not_pump(self, station: Station, words: Samples) -> None:
        """Whatever the words do, the bed under them stays as loud as it is."""
        save(station.root / "audio/beds/nen.wav", noise(9, -20))
        found = levels(self.under(station, station.record("a", words, pause=0.6))[0])
        assert np.ptp(found[16 : 15 + int(length(words) * 10)]) < 1

    def test_stays_low_in_short_pauses(self, station: Station) -> None:
        """A pause too short to come up in is passed over, and nowhere does the bed stop."""
        save(station.root / "audio/beds/nen.wav", noise(9, -20))
        one = station.record("a", speech(1.2), pause=1.1)
        samples, ends = self.under(station, one, one, one, one)
        found, ducked = levels(samples), levels(samples)[20]
        assert found[16 : int(ends[-1] * 10) - 38] == pytest.approx(
            ducked, abs=4
        )  # the seams are a bit lower
        assert np.median(found[16:-38]) == pytest.approx(ducked, abs=0.5)
        assert found[16:-38].max() < ducked + 1

    def test_comes_and_goes(self, station: Station) -> None:
        """The bed comes up from nothing and fades to nothing, however long it is round and round."""
        save(station.root / "audio/beds/nen.wav", noise(0.9, -20))
        one = station.record("a", silence(1), pause=3)
        found = levels(self.under(station, one)[0])
        assert found[0] < found[10] - 15
        assert found[-1] < found[-30] - 20
        assert np.abs(np.diff(found[2:-4])).max() < 5

    @pytest.mark.parametrize("pause", [0.0, 0.3337, 1.1994, 2.3337])
    @pytest.mark.parametrize("seconds", [0.7531, 0.1])
    def test_goes_on_over_the_seams(self, station: Station, seconds: float, pause: float) -> None:
        """Where two pieces meet the bed goes on: there is no jump, and not a sample is missing."""
        save(station.root / "audio/beds/nen.wav", tone(251.7, 30))  # no whole turns in a seam
        parts = [station.record(name, silence(seconds), pause=pause) for name in "abc"]
        programme = station.assembly.make(make_recipe(*parts, bed=True))
        samples = heard(programme)
        steps = np.abs(np.diff(samples))
        inside = np.abs(np.diff(load(station.assembly.bed("nen.wav")))).max()
        ends = np.cumsum([len(load(piece)) for piece in programme.pieces])
        for end in ends[:-1]:
            assert steps[end - 40 : end + 40].max() < 1.1 * inside
        assert steps.max() < 1.1 * inside * 10 ** (DUCK / 20)
        assert ends[1] - ends[0] == pytest.approx((seconds + pause) * SAMPLE_RATE, abs=48)

    def test_goes_on_over_long_words(self, station: Station) -> None:
        """Nor is there a jump under words that are longer than what is held at a time."""
        save(station.root / "audio/beds/nen.wav", tone(BED, 60))
        one = station.record("a", silence(41.23456), pause=0.5)
        samples = heard(station.assembly.make(make_recipe(one, bed=True)))
        inside = np.abs(np.diff(load(station.assembly.bed("nen.wav")))).max()
        assert np.abs(np.diff(part(samples, LEAD_IN, 42))).max() < 1.1 * inside

    def test_begins_elsewhere_with_each_piece(self, station: Station) -> None:
        """No piece is heard to begin the bed again: each has a stretch of its own."""
        save(station.root / "audio/beds/nen.wav", noise(30, -20))
        one = station.record("a", silence(1), pause=0.8)
        samples, ends = self.under(station, *[one] * 5)
        stretches = [part(samples, end, end + 1) for end in ends[:-1]]
        stretches.append(part(samples, LEAD_IN, LEAD_IN + 1))
        alike = np.corrcoef(stretches) - np.eye(len(stretches))
        assert np.abs(alike).max() < 0.1


class TestMadeOnce:
    def test_is_found_again(self, station: Station) -> None:
        """What was made is found, with its length, by this and by every other program on the station."""
        recipe = make_recipe(station.record("a", tone(A, 1)), words("Kính thưa bà con"), chime=True, bed=True)
        assert station.assembly.find(recipe) is None
        made = station.assembly.make(recipe)
        with closing(Assembly(station.root, FakeVoice(fails=True))) as other:
            for assembly in (station.assembly, other):
                assert assembly.find(recipe) == assembly.programme(made.digest) == made

    def test_is_a_list_of_pieces(self, station: Station) -> None:
        """A programme is a playlist of any player; the station's folder can be carried elsewhere with it."""
        recipe = make_recipe(station.record("a", tone(A, 1)), words("Kính thưa bà con"), chime=True, bed=True)
        made = station.assembly.make(recipe)
        playlist = station.root / "var" / "programmes" / f"{made.digest}.m3u8"
        first, *rest = playlist.read_text("utf-8").splitlines()
        lines = [line for line in rest if line[0] != "#"]  # the others are nothing to a player
        assert (first, len(lines)) == ("#EXTM3U", 3)
        assert [(playlist.parent / line).resolve() for line in lines] == [
            one.resolve() for one in made.pieces
        ]
        samples = heard(made)
        moved = station.root.rename(station.root.with_name("moved"))
        with closing(Assembly(moved, FakeVoice())) as assembly:
            found = assembly.find(recipe)
        assert found
        assert found.digest == made.digest
        assert np.array_equal(heard(found), samples)

    def test_is_not_made_again(self, station: Station) -> None:
        """The same recipe again writes no file, asks no voice, and gives the same programme."""
        recipe = make_recipe(station.record("a", tone(A, 1)), words("Kính thưa bà con"), chime=True, bed=True)
        first, files, asked = station.assembly.make(recipe), station.made, len(station.voice.asked)
        with closing(Assembly(station.root, station.voice)) as other:
            assert other.make(recipe) == first
        assert station.made == files
        assert len(station.voice.asked) == asked

    @pytest.mark.parametrize("bed", [True, False])
    def test_shares_what_does_not_differ(self, station: Station, *, bed: bool) -> None:
        """Twenty places with one item of their own make twenty pieces and those that they share."""
        begin, end = station.record("a", tone(A, 0.5)), station.record("b", tone(B, 0.4))
        made = []
        for number in range(20):
            own = station.record(f"o-{number}", tone(1000 + 10 * number, 0.3))
            recipe = replace(make_recipe(begin, own, end, bed=bed), area=str(number))
            made.append(station.assembly.make(recipe))
            assert station.assembly.make(replace(recipe, area="other")) == made[-1]
        folders = [Path(name).parent.name for name in station.made]
        assert {name: folders.count(name) for name in set(folders)} == {
            "clips": 22 + bed,
            "pieces": 22,
            "programmes": 20,
        }
        assert len({(one.pieces[0], one.pieces[2]) for one in made}) == 1
        assert len({one.pieces[1] for one in made}) == 20

    @pytest.mark.parametrize("bed", [True, False])
    def test_makes_what_changed(self, station: Station, *, bed: bool) -> None:
        """Another recording makes its clip and its piece anew, another pause the piece, and nothing else."""
        parts = [station.record(name, tone(A, 0.5)) for name in "abc"]
        parts[1] = station.record("b", tone(B, 0.5))
        station.assembly.make(make_recipe(*parts, chime=True, bed=bed))
        for changed, folders in (
            (station.record("b", tone(B, 0.6)), ["clips", "pieces", "programmes"]),
            (replace(station.record("b", tone(B, 0.6)), pause=1.5), ["pieces", "programmes"]),
        ):
            parts[1], before = changed, station.made
            station.assembly.make(make_recipe(*parts, chime=True, bed=bed))
            after = station.made
            assert {name: after[name] for name in before} == before
            assert sorted(Path(name).parent.name for name in after.keys() - before.keys()) == folders

    def test_is_the_same_at_any_place(self, station: Station) -> None:
        """Without a bed a piece is the same wherever it stands; over the bed it has its place."""
        one, two = station.record("a", tone(A, 0.5)), station.record("b", tone(B, 0.5))
        for bed in (False, True):
            first = station.assembly.make(make_recipe(one, two, one, bed=bed))
            second = station.assembly.make(make_recipe(two, one, bed=bed))
            assert bool(set(first.pieces) & set(second.pieces)) is not bed
            assert len(set(first.pieces)) == 2 + bed
            assert first.digest != second.digest

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
            replace(recipe, profile="horn"),
            replace(recipe, language="hmn-Latn-VN", parts=(replace(one, pause=0.82),)),
        ]
        station.voice.languages |= {"hmn-Latn-VN"}
        found = [station.assembly.make(each).digest for each in (recipe, *other)]
        for changed in ("audio/tin/recordings/vi/a.wav", "audio/beds/nen.wav", "audio/chimes/mo-dau.wav"):
            with (station.root / changed).open("r+b") as file:
                file.seek(-3, os.SEEK_END)
                file.write(b"\1")
            assert station.assembly.find(recipe) is None
            digest = digest_of(station.root / path_of(one))
            approved = replace(one, recording=replace(one.recording, digest=digest))
            recipe = replace(recipe, parts=(approved, two))
            found.append(station.assembly.make(recipe).digest)
        assert len(set(found)) == len(found) == 12

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

    @pytest.mark.parametrize("kept", [None, 0.0, 0.001, 0.5, 0.9999])
    def test_takes_no_cut_piece(self, station: Station, kept: float | None) -> None:
        """Where a piece is gone or lost its end, be it two bytes or all, nothing is found and it is made."""
        recipe = make_recipe(station.record("a", tone(A, 1)), station.record("b", tone(B, 1)), chime=True)
        made = station.assembly.make(recipe)
        for piece in made.pieces:
            whole = piece.read_bytes()
            piece.unlink() if kept is None else piece.write_bytes(whole[: int(len(whole) * kept)])
            assert station.assembly.find(recipe) is None
            assert station.assembly.programme(made.digest) is None
            assert station.assembly.make(recipe) == made
            assert piece.read_bytes() == whole

    @pytest.mark.parametrize("at", [0.0, 0.3, 0.999], ids=["in its header", "within", "at its end"])
    def test_takes_no_changed_piece(self, station: Station, at: float) -> None:
        """
        Where one bit of a piece, or of the chime, is another, nothing is found, and it is made as it was.

        Also by a program that saw it before it was changed.
        """
        recipe = make_recipe(station.record("a", tone(A, 1)), words("Kính thưa bà con"), chime=True)
        made = station.assembly.make(recipe)
        for piece in made.pieces:
            whole = piece.read_bytes()
            change(piece, at)
            assert station.assembly.find(recipe) is None
            assert station.assembly.programme(made.digest) is None
            assert station.assembly.make(recipe) == made
            assert piece.read_bytes() == whole
            assert station.assembly.find(recipe) == made

    @pytest.mark.parametrize(
        "left", [b"", b"#EXTM3U\n", b"\0" * 80, b"\xff\xfe" * 40, b"#EXTM3U\n../no.wav\n"]
    )
    def test_takes_no_damaged_list(self, station: Station, left: bytes) -> None:
        """Where the list of pieces was damaged nothing is found, and it is written anew."""
        recipe = make_recipe(station.record("a", tone(A, 1)))
        made = station.assembly.make(recipe)
        playlist = station.assembly.playlist(made.digest)
        whole = playlist.read_bytes()
        playlist.write_bytes(left)
        assert station.assembly.find(recipe) is None
        assert station.assembly.make(recipe) == made
        assert playlist.read_bytes() == whole

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
        for folder in ("programmes", "pieces"):
            shutil.rmtree(station.root / "var" / folder)
        spoken.write_bytes(b"login page")
        with pytest.raises(BroadcasterError):
            station.assembly.make(recipe)
        assert station.assembly.make(recipe)
        assert len(station.voice.asked) == 2

    def test_throws_away_what_nothing_needs(self, station: Station) -> None:
        """What was not needed for a month is taken away; what was needed since, and spoken text, stays."""
        old, new = make_recipe(words("cũ")), make_recipe(station.record("moi", speech(1.0)))
        station.assembly.make(old)
        kept = station.assembly.make(new)
        now = datetime.now(UTC)
        (station.root / "var" / "pieces" / "a.wav.4711.part").touch()  # a kill left it
        for path in (station.root / "var").rglob("*.*"):
            os.utime(path, times=(0, (now - timedelta(days=40)).timestamp()))
        station.assembly.make(new)
        station.assembly.tidy(now)
        assert station.assembly.find(old) is None
        assert station.assembly.find(new) == kept
        assert [path.suffix for path in (station.root / "var" / "clips").iterdir()] == [".voice"]
        assert list((station.root / "var" / "pieces").iterdir()) == [*kept.pieces]


class TestApproval:
    def test_makes_nothing_of_other_bytes(self, station: Station) -> None:
        """Where the file is no longer the one that was approved, nothing is found or made of it."""
        one = station.record("a", tone(A, 1))
        recipe = make_recipe(one)
        station.assembly.make(recipe)
        station.record("a", tone(B, 1))
        assert station.assembly.find(recipe) is None
        with pytest.raises(BroadcasterError, match=r"a\.wav: The file was changed just now"):
            station.assembly.make(recipe)

    def test_takes_no_piece_of_other_bytes(self, station: Station) -> None:
        """Nor if the other file was made ready before, to be tried."""
        other = station.record("a", tone(B, 1))
        station.assembly.make(make_recipe(other))
        approved = make_recipe(station.record("a", tone(A, 1)))
        station.record("a", tone(B, 1))
        assert station.assembly.find(approved) is None
        with pytest.raises(BroadcasterError, match="changed"):
            station.assembly.make(approved)

    @pytest.mark.parametrize("digest", ["known", ""])
    def test_notices_a_swap_while_it_works(
        self, station: Station, monkeypatch: pytest.MonkeyPatch, digest: str
    ) -> None:
        """A file that is swapped after it was looked at, and before it is decoded, is refused, not kept."""
        one = station.record("a", tone(A, 1))
        if not digest:
            one = replace(one, recording=replace(one.recording, digest=""))
        ask = clip.ask

        def swapped(sandbox: Sandbox, request: Mapping[str, Any]) -> Mapping[str, Any]:
            station.record("a", tone(B, 1))
            return ask(sandbox, request)

        monkeypatch.setattr(clip, "ask", swapped)
        with pytest.raises(BroadcasterError, match="changed"):
            station.assembly.make(make_recipe(one))
        assert station.made == {}

    def test_notices_a_swap_before_it_works(self, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that is swapped while others are made ready is not taken for the one that was asked for."""
        one = station.record("a", tone(A, 1))
        chime = station.assembly.chime

        def swapped(name: str, profile: str) -> Path:
            station.record("a", tone(B, 1))
            return chime(name, profile)

        monkeypatch.setattr(station.assembly, "chime", swapped)
        with pytest.raises(BroadcasterError, match="changed"):
            station.assembly.make(make_recipe(one, chime=True))
        assert {Path(name).parent.name for name in station.made} == {"clips"}


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
        assert made.pieces == plain.pieces

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
        samples = heard(station.assembly.make(make_recipe(words("Kính thưa bà con " * 4, pause=0))))
        assert length(samples) == pytest.approx(68 / 20, abs=0.06)
        assert loudness(samples) == pytest.approx(-16, abs=0.7)

    def test_what_two_processes_speak_at_once_is_spoken_by_the_first(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A command and the daemon may want the same words; what one of them has read does not change."""
        speak, recipe = FakeVoice.speak, make_recipe(words("Kính thưa bà con " * 4))
        assert station.assembly.make(recipe)
        (first,) = (station.root / "var").rglob("*.voice")
        before = first.read_bytes()
        first.unlink()
        for made in (station.root / "var").rglob("*.wav"):
            made.unlink()

        def meanwhile(voice: FakeVoice, text: str, language: str, to: Path) -> str:
            first.write_bytes(before)
            return speak(voice, f"{text} à", language, to)

        monkeypatch.setattr(FakeVoice, "speak", meanwhile)
        assert station.assembly.make(recipe).seconds > 0
        assert first.read_bytes() == before

    @pytest.mark.parametrize("room", [50_000, 270_000], ids=["for no clip", "for clips alone"])
    def test_says_that_the_disk_is_full(self, station: Station, room: int) -> None:
        """On a full disk all that makes a file is an error, and leaves nothing half made."""
        parts = [station.record(name, tone(hertz, 2)) for name, hertz in (("a", A), ("b", B))]
        recipe = make_recipe(*parts, *[replace(one, pause=4.0) for one in parts], chime=True)
        paths = map(path_of, parts)
        lines = told(FULL, station.root, pickle.dumps(recipe).hex(), room, *paths)
        assert [line.split(":")[0] for line in lines[:1]] == ["make"]
        failed = {line.split(": ")[0] for line in lines if "The programme cannot be written" in line}
        assert failed == ({"make", "measure", "chime", "file"} if room < 100_000 else {"make"})
        assert all("The programme cannot be written" in line or line.endswith(": done") for line in lines)
        assert station.assembly.find(recipe) is None
        assert_nothing_half_made(station)
        assert station.assembly.make(recipe).seconds == pytest.approx(8 + 9.6 + CHIME_LENGTH, abs=0.05)


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
assembly.close()
"""


def assert_nothing_half_made(station: Station) -> None:
    """Every file in var/ is a whole WAV, or a list of such."""
    for path in (station.root / "var" / name for name in station.made):
        if path.suffix == ".m3u8":
            assert station.assembly.programme(path.stem)
        else:
            assert path.suffix == ".wav"
            assert length(load(path)) > 0


class TestKilled:
    @pytest.mark.parametrize("folder", ["pieces", "programmes"])
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
        made = [name for name in station.made if name.startswith(folder) and not name.endswith(".part")]
        assert made == []
        programme = station.assembly.make(recipe)
        assert programme.seconds == pytest.approx(CHIME_LENGTH + LEAD_IN + 2 + 0.8 + TAIL, abs=0.05)
        assert station.assembly.find(recipe) == programme

    def test_leaves_no_half_clip(self, tmp_path: Path) -> None:
        """Killed in the middle of a clip, there is no clip, and next to it nothing without a name."""
        save(tmp_path / "a.wav", speech(1))
        with child(CLIP_BY_STEP, tmp_path / "a.wav", tmp_path / "var" / "clip.wav") as process:
            assert process.stdout
            assert "/var/" in process.stdout.readline()
        (left,) = (tmp_path / "var").iterdir()
        assert left.suffix == ".part"

    def test_two_do_not_spoil_each_other(self, station: Station) -> None:
        """A programme that two processes make at the same time is whole and the same for both."""
        recipe = make_recipe(station.record("a", np.concatenate([silence(1), speech(3)])), chime=True)
        with child(STEP_BY_STEP, station.root, pickle.dumps(recipe).hex()) as process:
            assert process.stdin
            assert process.stdout
            assert "/pieces/" in process.stdout.readline()
            made = station.assembly.make(recipe)
            samples = heard(made)
            process.stdin.write("\n" * 20)
            process.stdin.close()
            *_, last = process.stdout.read().splitlines()
            assert process.wait() == 0
        assert last == made.digest
        assert np.array_equal(heard(made), samples)
        assert not [name for name in station.made if name.endswith(".part")]


# Before each file gets its name it tells which, and waits for a line.
STEPPING = """
import os, pickle, sys
from pathlib import Path
def step(handle, sync=os.fsync):
    sync(handle)
    print(os.readlink(f"/proc/self/fd/{handle}"), flush=True)
    sys.stdin.readline()
os.fsync = step
"""
STEP_BY_STEP = f"""
{STEPPING}
from broadcaster.assembly import Assembly
from tests.fakes import FakeVoice
assembly = Assembly(Path(sys.argv[1]), FakeVoice())
print(assembly.make(pickle.loads(bytes.fromhex(sys.argv[2]))).digest)
assembly.close()
"""
CLIP_BY_STEP = f"""
{STEPPING}
from broadcaster.clip import CLEAN, make
make(Path(sys.argv[1]), Path(sys.argv[2]), -16, 0.75, CLEAN, trim=True)
"""


class TestMeasure:
    def test_tells_the_length_that_will_sound(self, station: Station) -> None:
        """The length of a recording is that of its clip, for the file as it is now."""
        one = station.record("a", np.concatenate([silence(1), tone(A, 2), silence(1)]))
        path = station.root / path_of(one)
        stat = path.stat()
        found = station.assembly.measure(path_of(one))
        assert (found.size, found.changed, found.digest) == (stat.st_size, stat.st_ctime_ns, digest_of(path))
        assert found.seconds == pytest.approx(KEPT_BEFORE + 2 + KEPT_AFTER, abs=0.1)
        assert found.seconds == length(station.clip(one))
        assert found.heard == clip.hear(path)

    def test_knows_a_broken_one(self, station: Station) -> None:
        """A file that cannot be decoded has no length, and leaves nothing in the station's memory."""
        one = station.put("a.mp3", "Kính thưa bà con")
        found = station.assembly.measure(path_of(one))
        assert (found.seconds, found.heard) == (None, None)
        assert found.digest == digest_of(station.root / path_of(one))
        assert station.made == {}

    def test_survives_bad_files(self, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file on which the decoder hangs, swells or crashes has no length; the next one is measured."""
        good = station.record("a", tone(A, 1))
        expected = station.assembly.measure(path_of(good))
        with Sandbox("tests.test_assembly") as sandbox:
            monkeypatch.setattr(station.assembly, "_sandbox", sandbox)
            for hurt, patience in (("crashes", 60), ("swells", 60), ("hangs", 0.2)):
                bad = station.record(hurt, tone(A, 1))
                monkeypatch.setattr(clip, "PATIENCE", patience)
                found = station.assembly.measure(path_of(bad))
                assert (found.seconds, found.heard) == (None, None)
                monkeypatch.setattr(clip, "PATIENCE", 60)
                assert station.assembly.measure(path_of(good)) == expected

    def test_spares_the_programme_the_work(self, station: Station) -> None:
        """What was decoded to be measured is not decoded again to be assembled."""
        one = station.record("a", tone(A, 1))
        station.assembly.measure(path_of(one))
        (known,) = station.made.items()
        station.assembly.make(make_recipe(one))
        assert known in station.made.items()
        assert len(station.made) == 3

    def test_says_that_a_recording_is_gone(self, station: Station) -> None:
        """A recording that was taken away is an error, not a broken recording."""
        with pytest.raises(BroadcasterError):
            station.assembly.measure("audio/tin/recordings/vi/gone.wav")


class TestCues:
    @pytest.mark.parametrize("bed", ["", "whole", "damaged"])
    @pytest.mark.parametrize("chime", [True, False])
    def test_tells_when_words_are_heard(self, station: Station, bed: str, *, chime: bool) -> None:
        """Each item is heard when its cue says so, with chime and bed, without, and if the bed is damaged."""
        if bed == "damaged":
            (station.root / "audio/beds/nen.wav").write_bytes(b"noise" * 1000)
        tones = ((A, 1.0), (B, 0.7531), (A, 1.2))
        parts = [
            replace(station.record(str(number), tone(hertz, seconds), pause=0.9), text=f"{number}.")
            for number, (hertz, seconds) in enumerate(tones)
        ]
        recipe = make_recipe(*parts, chime=chime, bed=bool(bed))
        programme = station.assembly.make(recipe)
        cues = station.assembly.cues(recipe, programme)
        assert [(cue.item, cue.text) for cue in cues] == [("0", "0."), ("1", "1."), ("2", "2.")]
        found = [(cue.start, cue.start + cue.seconds) for cue in cues]
        samples = heard(programme)
        assert [found[0], found[2]] == [pytest.approx(span, abs=0.1) for span in spans(samples, A)]
        assert [found[1]] == [pytest.approx(span, abs=0.1) for span in spans(samples, B)]


class TestSingleSounds:
    def test_makes_a_programme_of_any_file(self, station: Station, tmp_path: Path) -> None:
        """Any audio file is a programme by itself: levelled, found by its digest, not made again."""
        path = save(tmp_path / "thong-bao.mp3", speech(3, -35), "libmp3lame", rate=44_100, layout="stereo")
        made = station.assembly.from_file(path)
        assert loudness(heard(made)) == pytest.approx(-16, abs=0.5)
        assert made.seconds == pytest.approx(3, abs=0.06)
        files = station.made
        assert station.assembly.from_file(path) == station.assembly.programme(made.digest) == made
        assert station.made == files

    def test_makes_a_programme_of_any_words(self, station: Station) -> None:
        """Words are a programme by themselves as the voice speaks them; the same are not spoken again."""
        made = station.assembly.spoken("Nước lũ đang về", "vi")
        assert [(text, language) for text, language, _ in station.voice.asked] == [("Nước lũ đang về", "vi")]
        assert loudness(heard(made)) == pytest.approx(-16, abs=1)
        assert (
            station.assembly.spoken("Nước lũ đang về", "vi")
            == made
            == station.assembly.programme(made.digest)
        )
        assert station.assembly.spoken("Nước lũ đã rút", "vi").digest != made.digest
        assert len(station.voice.asked) == 2

    def test_of_words_needs_no_station(self, station: Station, tmp_path: Path) -> None:
        """It is made anywhere, as in memory, and nothing of it lies in the station's own var/."""
        with closing(Assembly(station.root, station.voice, tmp_path / "nho")) as elsewhere:
            made = elsewhere.spoken("Nước lũ đang về", "vi")
            assert elsewhere.programme(made.digest) == made
        assert {path.is_relative_to(tmp_path / "nho") for path in made.pieces} == {True}
        assert station.made == {}

    def test_makes_again_what_was_changed(self, station: Station, tmp_path: Path) -> None:
        """Where a byte of it is another one it is not there; asked for again, it sounds as it did."""
        path = save(tmp_path / "thong-bao.wav", speech(1))
        for make in (
            lambda: station.assembly.from_file(path),
            lambda: station.assembly.spoken("Nước lũ đang về", "vi"),
        ):
            made = make()
            whole = made.pieces[0].read_bytes()
            change(made.pieces[0])
            assert station.assembly.programme(made.digest) is None
            assert make() == made
            assert made.pieces[0].read_bytes() == whole

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
    """A programme with words of five minutes takes no more memory than one with words of half a minute."""
    used = []
    for minutes in (0.5, 5):
        path = f"audio/tin/recordings/vi/{minutes}.flac"
        encode(repeat(speech(10), round(6 * minutes)), station.root / path, "flac")
        one = Part("dai", 1.0, Recording("tin", "vi", "dai", None, path), None, 0.0)
        recipe = make_recipe(one, chime=True, bed=True)
        seconds, kilobytes = map(float, told(MEASURED, station.root, pickle.dumps(recipe).hex()))
        assert seconds == pytest.approx(60 * minutes + 1 + CHIME_LENGTH + LEAD_IN + TAIL, abs=0.5)
        used.append(kilobytes)
    assert used[1] - used[0] < 8_000  # five minutes are 19 MB


# VmHWM: unlike ru_maxrss it leaves out what the parent held before this program was loaded.
MEASURED = """
import pickle, re, sys
from pathlib import Path
from broadcaster.assembly import Assembly
from tests.fakes import FakeVoice
assembly = Assembly(Path(sys.argv[1]), FakeVoice())
print(assembly.make(pickle.loads(bytes.fromhex(sys.argv[2]))).seconds)
print(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])
assembly.close()
"""


def misbehave(request: dict[str, Any]) -> dict[str, Any]:
    """What a bad file makes of the decoder; its name tells."""
    match Path(request["source"]).stem:
        case "hangs":
            Event().wait()
        case "swells":
            request["eaten"] = bytearray(Limits.memory)
        case "crashes":
            ctypes.string_at(0)
    return clip.answer(request)


if __name__ == "__main__":
    serve(misbehave, Limits())


class TestDecorations:
    def test_a_long_chime_is_none(self, station: Station) -> None:
        """Nobody approves chimes, so they cannot be messages: the programme goes without, and it is told."""
        save(station.root / "audio/chimes/mo-dau.wav", tone(CHIME, LONGEST_CHIME + 1))
        one = station.record("a", tone(A, 1))
        made = station.assembly.make(make_recipe(one, chime=True))
        assert made.seconds == pytest.approx(1.8, abs=0.1)
        with pytest.raises(BroadcasterError, match="this is no chime"):
            station.assembly.chime("mo-dau.wav")
        assert station.assembly.find_chime("mo-dau.wav") is None

    def test_the_last_of_the_disk_is_left(self, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where little room is left nothing is made: the play log needs it."""
        monkeypatch.setattr(clip, "KEPT_FREE", 1 << 60)
        with pytest.raises(BroadcasterError, match="the disk is full"):
            station.assembly.make(make_recipe(station.record("a", tone(A, 1))))
