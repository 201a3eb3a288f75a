"""
Script + area + language -> one programme, ahead of time.

Three steps, each kept under a key of what it was made of. A *clip* is one recording (or spoken text),
decoded whole, cleaned, trimmed and levelled. A *piece* is one clip and its pause over the bed. A programme
is pieces one after another: a list, so that 200 communes share all but their own words, and what did not
change is neither made nor sent again.
"""

import hashlib
import json
import os
import warnings
import wave
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from broadcaster import clip
from broadcaster.edges.content import digest_of
from broadcaster.edges.sandbox import Sandbox
from broadcaster.edges.voice import Voice
from broadcaster.model.errors import BroadcasterError, Fault, said, say
from broadcaster.model.judgement import Heard
from broadcaster.model.programme import LEAD_IN, SAMPLE_RATE, TAIL, Cue, Part, Programme, Recipe
from broadcaster.model.recording import Measured, Recording

VERSION = "4"  # of what follows; a new one makes every clip and piece anew
SPEECH_LUFS = -16.0
CHIME_LUFS = -18.0
BED_LUFS = -38.0  # under speech; alone it comes up by DUCK
SPEECH_PEAK = 0.75  # linear true peak, -2.5 dB: speech and bed together stay under -1.5 dBTP
BED_PEAK = 0.054
DUCK = 10.0  # dB
LONGEST_CHIME = 20.0  # seconds; nobody approves chimes, so they cannot be messages
FADE = 0.3  # seconds in which the bed ducks and comes back
SEAM = 0.3  # seconds in which the bed passes to the place where the next piece begins
GOLDEN = 0.381966  # of the bed's length from one piece's beginning to the next's: no two begin alike
PIECE = 20.0  # seconds held in memory at a time
MILLISECOND = SAMPLE_RATE // 1000  # samples
MADE = "#SHA256:"  # before a piece in a programme's list: its digest when it was made
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


@dataclass(frozen=True)
class _Piece:
    """What one piece is made of; `source` is the digest of its recording."""

    key: str
    part: Part
    source: str | None
    number: int
    last: bool


class Assembly:
    """Makes and finds the programmes of one station, below its `var/`."""

    def __init__(self, station: Path, voice: Voice, var: Path | None = None) -> None:
        """*var* is where what is made lies, if not in the station's own `var/`."""
        self.station, self.voice = station, voice
        self.var = var or station / "var"
        self._clips = self.var / "clips"
        self._pieces = self.var / "pieces"
        self._programmes = self.var / "programmes"
        self._sandbox = Sandbox("broadcaster.clip")
        self._digests: dict[tuple[str, int, int], str] = {}

    def close(self) -> None:
        self._sandbox.close()

    # Programmes

    def find(self, recipe: Recipe) -> Programme | None:
        """The finished programme, if it was made; reads the recordings' bytes but makes nothing."""
        try:
            return self.programme(self._digest_of(recipe, self._parts_of(recipe)))
        except (OSError, BroadcasterError):
            return None

    def programme(self, digest: str) -> Programme | None:
        """The programme of this digest, if it is there with all its pieces, and they as they were made."""
        try:
            pieces = self._pieces_of(digest)
            if any(self._digest(path) != made for path, made in pieces):
                return None
            return _programme(digest, [path for path, _ in pieces])
        except (OSError, ValueError):  # what a failing disk left of it may be no text
            return None

    def _pieces_of(self, digest: str) -> list[tuple[Path, str]]:
        """The pieces that its list names, and the digest that each had when it was made."""
        found, made = [], ""
        for line in self.playlist(digest).read_text("utf-8").splitlines():
            if line.startswith(MADE):
                made = line.removeprefix(MADE)
            elif line and line[0] != "#":
                found.append((Path(os.path.normpath(self._programmes / line)), made))
        return found

    @_on_disk()
    def make(self, recipe: Recipe) -> Programme:
        """
        The finished programme, made now if need be. Raises BroadcasterError for what cannot be made.

        Speech from the voice may need the network, so this is never called at air time.
        """
        pieces = list(self._parts_of(recipe))  # once: what is swapped from here on is not what was asked for
        digest = self._digest_of(recipe, pieces)
        self._take_away_changed(digest)
        chime = self._if_fit(lambda: self.chime(recipe.chime or "", recipe.profile)) if recipe.chime else None
        bed = self._if_fit(lambda: self.bed(recipe.bed or "", recipe.profile)) if recipe.bed else None
        if recipe.bed and not bed:
            pieces = list(self._parts_of(replace(recipe, bed=None)))
        made = [self._piece(recipe, piece, bed) for piece in pieces]
        return self._listed(digest, [chime, *made] if chime else made)

    @_on_disk()
    def cues(self, recipe: Recipe, programme: Programme) -> list[Cue]:
        """When each item is heard in its *programme*, and its words."""
        found: list[Cue] = []
        # A damaged bed was left out, and then its pieces are others.
        bed = recipe.bed and programme.pieces[-1].stem in {piece.key for piece in self._parts_of(recipe)}
        lengths = [clip.seconds(path) or 0.0 for path in programme.pieces]
        chimes = len(lengths) - len(recipe.parts)
        at = sum(lengths[:chimes])
        for number, (part, length) in enumerate(zip(recipe.parts, lengths[chimes:], strict=True)):
            before = LEAD_IN if bed and not number else 0.0
            after = part.pause + (TAIL if bed and number == len(recipe.parts) - 1 else 0.0)
            found.append(Cue(part.item, at + before, length - before - after, part.text))
            at += length
        return found

    def find_chime(self, name: str, profile: str = "full") -> Path | None:
        """The levelled chime, if it was made."""
        try:
            path = self._chime_clip(name, profile).path
        except OSError:
            return None
        return path if 0 < (clip.seconds(path) or 0.0) <= LONGEST_CHIME else None

    @_on_disk()
    def from_file(self, path: Path, profile: str = "full") -> Programme:
        """A programme of any one audio file, for `play FILE`."""
        return self._single("file", lambda: self._made(self._speech_clip(path.resolve(), profile)))

    @_on_disk()
    def spoken(self, words: str, language: str, profile: str = "full") -> Programme:
        """A programme of *words* as the voice speaks them, for `alert TEXT`."""
        return self._single("spoken", lambda: self._voiced(words, language, profile))

    def _single(self, kind: str, make: Callable[[], Path]) -> Programme:
        digest = self._key(kind, make().name)
        self._take_away_changed(digest)
        return self._listed(digest, [make()])

    # Their parts

    @_on_disk()
    def measure(self, path: str, profile: str = "full") -> Measured:
        """Decode the recording at *path* (below the station's folder) to its end; the clip is kept."""
        source = self.station / path
        stat = source.stat()
        heard: Heard | None = None
        seconds: float | None = None
        try:
            heard = clip.listen(self._sandbox, source)
            seconds = clip.seconds(self._made(self._speech_clip(source, profile)))
        except BroadcasterError:
            if not source.exists():
                raise
        return Measured(stat.st_size, stat.st_ctime_ns, self._digest(source), seconds, heard)

    @_on_disk()
    def recording(self, path: str, profile: str = "full") -> Path:
        """The clip of a recording."""
        return self._made(self._speech_clip(self.station / path, profile))

    @_on_disk()
    def chime(self, name: str, profile: str = "full") -> Path:
        made = self._made(self._chime_clip(name, profile))
        if (clip.seconds(made) or 0.0) > LONGEST_CHIME:
            raise BroadcasterError(
                Fault(
                    name,
                    say("It lasts longer than {seconds:g} s: this is no chime.", seconds=LONGEST_CHIME),
                    say("Cut it to its first seconds. What is to be said belongs into a script."),
                )
            )
        return made

    @_on_disk()
    def bed(self, name: str, profile: str = "full") -> Path:
        source = self.station / "audio" / "beds" / name
        return self._made(self._clip(source, BED_LUFS, BED_PEAK, clip.PROFILES[profile], trim=False))

    @_on_disk()
    def tidy(self, now: datetime) -> None:
        """Take away what was not needed for KEPT_UNUSED, and what a kill left; spoken text stays."""
        oldest = (now - KEPT_UNUSED).timestamp()
        for folder in (self._programmes, self._pieces, self._clips):
            for path in folder.glob("*"):
                if path.suffix != ".voice" and path.stat().st_mtime < oldest:
                    path.unlink(missing_ok=True)

    def playlist(self, digest: str) -> Path:
        """Where a programme's list of pieces lies; any player opens it."""
        return self._programmes / f"{digest}.m3u8"

    def _take_away_changed(self, digest: str) -> None:
        """Whatever changed since it was made is made again."""
        with suppress(FileNotFoundError, ValueError):
            for path, made in self._pieces_of(digest):
                if path.exists() and self._digest(path) != made:
                    path.unlink()

    def _listed(self, digest: str, pieces: Sequence[Path]) -> Programme:
        found = _programme(digest, pieces)
        if found is None:
            raise OSError("incomplete")
        playlist = self.playlist(digest)
        if self.programme(digest) != found:
            lines = ["#EXTM3U"]
            for path in pieces:
                lines += [f"{MADE}{self._digest(path)}", os.path.relpath(path, self._programmes)]
            clip.write_whole(playlist, "\n".join(lines).encode() + b"\n")
        for path in (playlist, *pieces):
            os.utime(path)
        return found

    def _parts_of(self, recipe: Recipe) -> Iterator[_Piece]:
        bed = self._digest(self.station / "audio" / "beds" / recipe.bed) if recipe.bed else None
        for number, part in enumerate(recipe.parts):
            last = number == len(recipe.parts) - 1
            source = self._approved(part.recording) if part.recording else None
            said_by = source or [self.voice.name, recipe.language, part.words]
            # Without a bed every piece is the same wherever it stands.
            place = [bed, number, last] if bed else None
            key = self._key("piece", recipe.profile, said_by, part.pause, place)
            yield _Piece(key, part, source, number, last)

    def _approved(self, recording: Recording) -> str:
        """The digest of a recording. Raises BroadcasterError if it is not the one that was asked for."""
        path = self.station / recording.path
        digest = self._digest(path)
        if recording.digest not in ("", digest):
            raise _changed(path)
        return digest

    def _digest_of(self, recipe: Recipe, pieces: Iterable[_Piece]) -> str:
        chime = self._digest(self.station / "audio" / "chimes" / recipe.chime) if recipe.chime else None
        return self._key("programme", recipe.profile, chime, [piece.key for piece in pieces])

    def _piece(self, recipe: Recipe, piece: _Piece, bed: Path | None) -> Path:
        target = self._pieces / f"{piece.key}.wav"
        if clip.seconds(target) is None:
            part = piece.part
            if part.recording:
                one = self._speech_clip(self.station / part.recording.path, recipe.profile)
                if one.digest != piece.source:
                    raise _changed(one.source)
                spoken = self._made(one)
            else:
                spoken = self._voiced(part.words or "", recipe.language, recipe.profile)
            clip.write(target, _mixed(spoken, part.pause, bed, piece))
        return target

    def _voiced(self, words: str, language: str, profile: str) -> Path:
        spoken = self._clips / f"{self._key('voice', self.voice.name, language, words)}.voice"
        if not spoken.exists():
            spoken.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=spoken.parent) as aside:
                own = Path(aside) / spoken.name
                self.voice.speak(words, language, own)
                _keep_first(own, spoken)
        try:
            return self._made(self._speech_clip(spoken, profile))
        except BroadcasterError:
            spoken.unlink(missing_ok=True)  # whatever it is, it is no speech: next time it is spoken anew
            raise

    # Clips

    def _speech_clip(self, source: Path, profile: str) -> "_Clip":
        return self._clip(source, SPEECH_LUFS, SPEECH_PEAK, clip.PROFILES[profile], trim=True)

    def _chime_clip(self, name: str, profile: str) -> "_Clip":
        source = self.station / "audio" / "chimes" / name
        return self._clip(source, CHIME_LUFS, SPEECH_PEAK, clip.PROFILES[profile], trim=False)

    def _clip(self, source: Path, lufs: float, ceiling: float, steps: str, *, trim: bool) -> "_Clip":
        digest = self._digest(source)
        key = self._key("clip", digest, lufs, ceiling, steps, trim)
        return _Clip(self._clips / f"{key}.wav", source, digest, lufs, ceiling, steps, trim)

    def _made(self, one: "_Clip") -> Path:
        if clip.seconds(one.path) is None:
            clip.ask(self._sandbox, one.request)
            if self._digest(one.source) != one.digest:
                one.path.unlink()
                raise _changed(one.source)
        else:
            os.utime(one.path)
        return one.path

    @staticmethod
    def _if_fit(make: Callable[[], Path]) -> Path | None:
        """A decoration; people are to hear the words without it if it is damaged. `check` tells."""
        try:
            return make()
        except BroadcasterError as error:
            if isinstance(error.__cause__, OSError):  # the disk refused
                raise
            return None

    @staticmethod
    def _key(*what: Any) -> str:
        return hashlib.sha256(json.dumps([VERSION, SAMPLE_RATE, *what]).encode()).hexdigest()[:32]

    def _digest(self, path: Path) -> str:
        stat = path.stat()
        known = (str(path), stat.st_size, stat.st_ctime_ns)
        if known not in self._digests:
            self._digests[known] = digest_of(path)
        return self._digests[known]


@dataclass(frozen=True)
class _Clip:
    """A clip, made or not."""

    path: Path
    source: Path
    digest: str
    lufs: float
    ceiling: float
    steps: str
    trim: bool

    @cached_property
    def request(self) -> dict[str, Any]:
        return {
            "source": str(self.source.resolve()),
            "target": str(self.path.resolve()),
            "lufs": self.lufs,
            "ceiling": self.ceiling,
            "steps": self.steps,
            "trim": self.trim,
        }


def _keep_first(own: Path, to: Path) -> None:
    """Move *own* to its place, unless another process was faster: others have read that one by now."""
    try:
        os.link(own, to)
    except FileExistsError:
        return
    except OSError:  # a file system that knows no links
        own.replace(to)


def _changed(path: Path) -> BroadcasterError:
    """It is not what was read before, nor what somebody approved."""
    return BroadcasterError(
        Fault(
            path.name,
            say("The file was changed just now."),
            say("If it is to be heard as it is now, have it approved again: broadcaster approve."),
        )
    )


def _programme(digest: str, pieces: Sequence[Path]) -> Programme | None:
    lengths = [clip.seconds(path) for path in pieces]
    whole = [length for length in lengths if length is not None]
    return Programme(digest, tuple(pieces), sum(whole)) if lengths and len(whole) == len(lengths) else None


def _mixed(spoken: Path, pause: float, bed: Path | None, piece: _Piece) -> Iterator[bytes]:
    """One clip and what is silent, or the bed alone, around it."""
    if bed is None:
        yield from _read(spoken)
        yield bytes(2 * round(pause * SAMPLE_RATE))
        return
    first = piece.number == 0
    length = round((clip.seconds(spoken) or 0.0) * SAMPLE_RATE)
    length += -length % MILLISECOND  # pydub cuts what is no whole one, and the bed would jump
    pause = round(pause, 3)
    around = ((LEAD_IN if first else 0.0) + pause + (TAIL if piece.last else 0.0)) * SAMPLE_RATE
    under = _Bed(bed, piece.number, length + round(around))
    if first:
        yield under.alone(LEAD_IN, fade_in=LEAD_IN / 2)
    for block in _read(spoken):
        yield under.beneath(block + bytes(-len(block) % (2 * MILLISECOND)))
    if piece.last:
        yield under.alone(pause + TAIL, fade_out=TAIL)
    elif pause:
        yield under.alone(pause)


class _Bed:
    """
    The bed under one piece, round and round.

    Every piece begins at a place of its own in the bed, and ends where the next one begins, so that each
    can be made, shared and changed alone, and none is heard to begin.
    """

    def __init__(self, path: Path, number: int, samples: int) -> None:
        self._path, self._left = path, samples
        with wave.open(str(path)) as file:
            self._frames = file.getnframes()
        self._at = self._start(number)
        seam = min(round(SEAM * SAMPLE_RATE), samples)
        before = self._data(self._at + samples - seam, seam)
        after = self._data(self._start(number + 1) - seam, seam)
        milliseconds = seam * 1000 // SAMPLE_RATE
        self._seam = bytes(_segment(before).append(_segment(after), crossfade=milliseconds).raw_data)[
            : 2 * seam
        ]

    def beneath(self, speech: bytes) -> bytes:
        """*speech* with the ducked bed under it."""
        voice = _segment(speech)
        return bytes(voice.overlay(self._take(len(speech) // 2)).raw_data)

    def alone(self, seconds: float, fade_in: float = 0.0, fade_out: float = 0.0) -> bytes:
        """The bed in a pause: it comes up, unless the pause is too short for that, and ducks again."""
        piece = self._take(round(seconds * SAMPLE_RATE))
        if fade_in:
            piece = piece.fade_in(round(fade_in * 1000))
            return bytes(_ramp(piece, DUCK, 0, seconds - FADE).raw_data)
        if seconds < 4 * FADE and not fade_out:
            return bytes(piece.raw_data)
        piece = _ramp(piece, 0, DUCK, 0)
        if fade_out:
            return bytes(piece.fade_out(round(fade_out * 1000)).raw_data)
        return bytes(_ramp(piece, 0, -DUCK, seconds - FADE).raw_data)

    def _start(self, number: int) -> int:
        return int(number * GOLDEN % 1 * self._frames)

    def _take(self, samples: int) -> Any:
        seam = len(self._seam) // 2
        plain = max(0, min(samples, self._left - seam))
        data = self._data(self._at, plain)
        if plain < samples:
            begin = max(0, seam - self._left)
            data += self._seam[2 * begin : 2 * (begin + samples - plain)]
        self._at += samples
        self._left -= samples
        return _segment(data)

    def _data(self, at: int, samples: int) -> bytes:
        data = b""
        with wave.open(str(self._path)) as file:
            while len(data) < 2 * samples:
                file.setpos((at + len(data) // 2) % self._frames)
                data += file.readframes(samples - len(data) // 2)
        return data


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
        while block := file.readframes(round(PIECE * SAMPLE_RATE)):
            yield block
