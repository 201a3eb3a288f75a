"""
Script + area + language -> one levelled file, ahead of time.

Two steps, each kept under a key of what it was made of. A *clip* is one recording (or spoken text),
decoded whole, trimmed and levelled. A programme is clips joined with pauses over a bed. Both are written
piece by piece, so that memory does not grow with their length, and renamed into place when whole.
"""

import hashlib
import json
import os
import warnings
import wave
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from broadcaster.edges.voice import Voice
from broadcaster.model.errors import BroadcasterError, Fault, said, say
from broadcaster.model.programme import LEAD_IN, SAMPLE_RATE, TAIL, Programme, Recipe
from broadcaster.model.recording import Measured

VERSION = "1"  # of what follows; a new one makes every clip and programme anew
SPEECH_LUFS = -16.0
CHIME_LUFS = -18.0
BED_LUFS = -28.0  # alone; under speech it lies DUCK lower
DUCK = 10.0  # dB
FADE = 0.3  # seconds in which the bed ducks and comes back
HIGHEST_GAIN = 30.0  # dB; more would only make noise loud
QUIET = 35.0  # dB under the speech: what is quieter at the ends is trimmed
KEPT_BEFORE, KEPT_AFTER = 0.15, 0.25  # seconds kept around what is not quiet
PIECE = 20.0  # seconds held in memory at a time
KEPT_UNUSED = timedelta(days=30)  # what nothing needed for so long is made again if it must be


@contextmanager
def _on_disk() -> Iterator[None]:
    """What the disk refuses, in words."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            what = say("The file cannot be read as sound: {error}.", error=said(error))
            remedy = say("Record it again, or put the undamaged file in its place.")
        else:
            what = say("The programme cannot be written: {error}.", error=said(error))
            remedy = say("See that the disk is not full or read-only (broadcaster doctor).")
        raise BroadcasterError(Fault(str(error.filename or ""), what, remedy)) from error


class Assembly:
    """Makes and finds the programmes of one station, below its `var/`."""

    def __init__(self, station: Path, voice: Voice) -> None:
        self.station, self.voice = station, voice
        self._clips = station / "var" / "clips"
        self._programmes = station / "var" / "programmes"
        self._digests: dict[tuple[str, int, int], str] = {}

    def find(self, recipe: Recipe) -> Programme | None:
        """The finished programme, if it was made; reads the recordings' bytes but makes nothing."""
        try:
            digest = self._digest_of(recipe)
        except OSError:
            return None
        return self.programme(digest)

    def programme(self, digest: str) -> Programme | None:
        return _finished(self._programmes / f"{digest}.wav")

    def find_chime(self, name: str) -> Path | None:
        """The levelled chime, if it was made."""
        try:
            found = _finished(self._clip_path(self._sound("chimes", name), CHIME_LUFS, trim=False))
        except OSError:
            return None
        return found.path if found else None

    @_on_disk()
    def make(self, recipe: Recipe) -> Programme:
        """
        The finished programme, made now if need be. Raises BroadcasterError for what cannot be made.

        Speech from the voice may need the network, so this is never called at air time.
        """
        target = self._programmes / f"{self._digest_of(recipe)}.wav"
        if (done := _finished(target)) is not None:
            os.utime(target)
            return done
        spoken = [
            self.recording(part.recording.path) if part.recording else self._voiced(recipe, part.words or "")
            for part in recipe.parts
        ]
        bed = _if_fit(self.bed, recipe.bed)
        chime = _if_fit(self.chime, recipe.chime)
        pauses = [part.pause for part in recipe.parts]
        _write(target, _mixed(chime, list(zip(spoken, pauses, strict=True)), bed))
        finished = _finished(target)
        if finished is None:
            raise OSError("incomplete")
        return finished

    @_on_disk()
    def measure(self, path: str) -> Measured:
        """Decode the recording at *path* (below the station's folder) to its end; the clip is kept."""
        stat = (self.station / path).stat()
        try:
            seconds: float | None = _seconds(self._clip(self.station / path, SPEECH_LUFS, trim=True))
        except BroadcasterError:
            seconds = None
        return Measured(stat.st_size, stat.st_mtime_ns, seconds)

    @_on_disk()
    def recording(self, path: str) -> Path:
        """The clip of a recording."""
        return self._clip(self.station / path, SPEECH_LUFS, trim=True)

    @_on_disk()
    def chime(self, name: str) -> Path:
        return self._clip(self._sound("chimes", name), CHIME_LUFS, trim=False)

    @_on_disk()
    def bed(self, name: str) -> Path:
        return self._clip(self._sound("beds", name), BED_LUFS, trim=False)

    @_on_disk()
    def from_file(self, path: Path) -> Programme:
        """A programme of any one audio file, for `play FILE`."""
        target = self._programmes / f"{self._key('file', self._digest(path))}.wav"
        if (done := _finished(target)) is None:
            _write(target, _read(self._clip(path, SPEECH_LUFS, trim=True)))
        return done or Programme(target.stem, target, _seconds(target))

    @_on_disk()
    def tidy(self, now: datetime) -> None:
        """Take away what was not needed for KEPT_UNUSED, and what a kill left; spoken text stays."""
        oldest = (now - KEPT_UNUSED).timestamp()
        for path in (*self._programmes.glob("*"), *self._clips.glob("*")):
            if path.suffix != ".voice" and path.stat().st_mtime < oldest:
                path.unlink(missing_ok=True)

    def _sound(self, folder: str, name: str) -> Path:
        return self.station / "audio" / folder / name

    def _voiced(self, recipe: Recipe, words: str) -> Path:
        spoken = self._clips / f"{self._key('voice', recipe.language, words)}.voice"
        if not spoken.exists():
            spoken.parent.mkdir(parents=True, exist_ok=True)
            self.voice.speak(words, recipe.language, spoken)
        try:
            return self._clip(spoken, SPEECH_LUFS, trim=True)
        except BroadcasterError:
            spoken.unlink(missing_ok=True)  # whatever it is, it is no speech: next time it is spoken anew
            raise

    def _clip(self, source: Path, lufs: float, *, trim: bool) -> Path:
        from broadcaster.edges import decode

        target = self._clip_path(source, lufs, trim=trim)
        if _finished(target) is not None:
            os.utime(target)
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=target.parent) as raw:  # without a name: whatever happens, it leaves nothing
            _clip(decode, source, target, raw, lufs, trim=trim)
        return target

    def _clip_path(self, source: Path, lufs: float, *, trim: bool) -> Path:
        return self._clips / f"{self._key('clip', self._digest(source), lufs, trim)}.wav"

    def _digest_of(self, recipe: Recipe) -> str:
        return self._key(
            "programme",
            self._digest(self._sound("chimes", recipe.chime)) if recipe.chime else None,
            self._digest(self._sound("beds", recipe.bed)) if recipe.bed else None,
            [
                [self._digest(self.station / part.recording.path), part.pause]
                if part.recording
                else [recipe.language, part.words, part.pause]
                for part in recipe.parts
            ],
        )

    @staticmethod
    def _key(*what: Any) -> str:
        return hashlib.sha256(json.dumps([VERSION, SAMPLE_RATE, *what]).encode()).hexdigest()[:32]

    def _digest(self, path: Path) -> str:
        stat = path.stat()
        known = (str(path), stat.st_size, stat.st_mtime_ns)
        if known not in self._digests:
            with path.open("rb") as file:
                self._digests[known] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._digests[known]


def _if_fit(make: Callable[[str], Path], name: str | None) -> Path | None:
    """A decoration; people are to hear the words without it if it is damaged. `broadcaster check` tells."""
    if name is None:
        return None
    try:
        return make(name)
    except BroadcasterError as error:
        if isinstance(error.__cause__, OSError):  # the disk refused
            raise
        return None


def _clip(decode: Any, source: Path, target: Path, raw: IO[bytes], lufs: float, *, trim: bool) -> None:
    """Decode *source* once into *raw* while it is measured, then write the levelled stretch to *target*."""
    import numpy as np

    loudness, step = decode.Loudness(), SAMPLE_RATE // 50
    levels: list[float] = []  # of every 20 ms, linear
    rest = np.empty(0, np.float32)
    for block in loudness(decode.decode(source)):
        raw.write(block.data)
        rest = np.concatenate([rest, block])
        whole = rest[: len(rest) // step * step].reshape(-1, step)
        levels += np.sqrt(np.mean(np.square(whole), axis=1)).tolist()
        rest = rest[whole.size :]
    heard = lufs if loudness.lufs <= -70 else loudness.lufs  # too short or too quiet to measure: as it is
    first, last = 0, raw.tell() // 4
    if trim:
        loud = [index for index, level in enumerate(levels) if decode.decibels(level) > heard - QUIET]
        if loud:
            first = max(0, loud[0] * step - int(KEPT_BEFORE * SAMPLE_RATE))
            last = min(last, (loud[-1] + 1) * step + int(KEPT_AFTER * SAMPLE_RATE))
    gain = min(lufs - heard, HIGHEST_GAIN)
    for _ in range(3):  # the limiter takes some loudness away: give it back, and limit again
        raw.seek(4 * first)
        blocks = (
            np.frombuffer(raw.read(4 * min(SAMPLE_RATE, last - at)), np.float32)
            for at in range(first, last, SAMPLE_RATE)
        )
        reached = decode.Loudness(peaks=False)
        made = reached(decode.levelled(blocks, gain, loudness.true_peak))
        _write(target, ((np.clip(block, -1, 1) * 32767).astype("<i2").tobytes() for block in made))
        if reached.lufs <= -70 or abs(lufs - reached.lufs) < 0.3 or gain >= HIGHEST_GAIN:
            break
        gain = min(gain + lufs - reached.lufs, HIGHEST_GAIN)


def _mixed(chime: Path | None, spoken: Iterable[tuple[Path, float]], bed: Path | None) -> Iterator[bytes]:
    """The programme, piece by piece: chime, then each clip and its pause over the bed."""
    if chime is not None:
        yield from _read(chime)
    under = _Bed(bed) if bed is not None else None
    if under is not None:
        yield under.alone(LEAD_IN, fade_in=LEAD_IN / 2)
    last = None
    for clip, pause in spoken:
        if last is not None:
            yield under.alone(last) if under else bytes(2 * round(last * SAMPLE_RATE))
        for piece in _read(clip):
            yield under.beneath(piece) if under else piece
        last = pause
    if last is not None:
        yield under.alone(last + TAIL, fade_out=TAIL) if under else bytes(2 * round(last * SAMPLE_RATE))


class _Bed:
    """The bed, played round and round under the programme."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0

    def beneath(self, speech: bytes) -> bytes:
        """*speech* with the ducked bed under it."""
        voice = _segment(speech)
        return bytes(voice.overlay(self._take(len(speech) // 2).apply_gain(-DUCK)).raw_data)

    def alone(self, seconds: float, fade_in: float = 0.0, fade_out: float = 0.0) -> bytes:
        """The bed in a pause: it comes up, unless the pause is too short for that, and ducks again."""
        piece = self._take(round(seconds * SAMPLE_RATE))
        if fade_in:
            piece = piece.fade_in(round(fade_in * 1000))
            return bytes(_ramp(piece, 0, -DUCK, seconds - FADE).raw_data)
        if seconds < 4 * FADE and not fade_out:
            return bytes(piece.apply_gain(-DUCK).raw_data)
        piece = _ramp(piece, -DUCK, 0, 0)
        if fade_out:
            return bytes(piece.fade_out(round(fade_out * 1000)).raw_data)
        return bytes(_ramp(piece, 0, -DUCK, seconds - FADE).raw_data)

    def _take(self, samples: int) -> Any:
        data = b""
        with wave.open(str(self._path)) as file:
            while len(data) < 2 * samples:
                file.setpos(self._at)
                data += file.readframes(samples - len(data) // 2)
                self._at = file.tell() % file.getnframes()
        return _segment(data)


def _ramp(segment: Any, from_gain: float, to_gain: float, start: float) -> Any:
    begin = round(start * 1000)
    return segment.fade(from_gain=from_gain, to_gain=to_gain, start=begin, duration=round(FADE * 1000))


def _segment(data: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydub misses ffmpeg, which nothing here uses
        from pydub import AudioSegment

    return AudioSegment(data=data, sample_width=2, frame_rate=SAMPLE_RATE, channels=1)


def _read(path: Path) -> Iterator[bytes]:
    with wave.open(str(path)) as file:
        while piece := file.readframes(round(PIECE * SAMPLE_RATE)):
            yield piece


def _write(target: Path, pieces: Iterable[bytes]) -> None:
    """A WAV at *target*: written aside, on the disk, then renamed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            with wave.open(file, "wb") as sound:
                sound.setnchannels(1)
                sound.setsampwidth(2)
                sound.setframerate(SAMPLE_RATE)
                for piece in pieces:
                    sound.writeframesraw(piece)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(target)
    finally:
        with suppress(FileNotFoundError):
            aside.unlink()


def _finished(path: Path) -> Programme | None:
    """The file at *path* if it is there and as long as its own header says."""
    try:
        with wave.open(str(path)) as sound:
            frames = sound.getnframes()
        whole = path.stat().st_size >= 44 + 2 * frames and frames > 0
    except (OSError, EOFError, wave.Error):
        return None
    return Programme(path.stem, path, frames / SAMPLE_RATE) if whole else None


def _seconds(path: Path) -> float:
    with wave.open(str(path)) as sound:
        return float(sound.getnframes() / SAMPLE_RATE)
