"""The finished audio of a script, in one language, for one area: what it is made of and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .approval import Approvals, bound
from .recording import TRIED, Lack, Recording, Recordings
from .script import Script, fill
from .spoken import spoken

SAMPLE_RATE = 32_000  # Hz, mono, 16 bit: every finished programme
CHIME_SECONDS = 6.0  # about, for plans
LEAD_IN = 1.5  # seconds of the bed alone before the first word
TAIL = 2.5  # seconds in which the bed fades after the last


@dataclass(frozen=True)
class Part:
    """One item as it will be heard: a recording, or words for the voice."""

    item: str
    pause: float
    recording: Recording | None
    words: str | None  # for the voice: written out as they are spoken
    seconds: float  # measured for recordings that were decoded, else estimated
    text: str = ""  # as it is written, with the words of the place


@dataclass(frozen=True)
class Recipe:
    """
    All that a programme is made of; `lacks` (item, why) must be empty for it to be made.

    A language whose items are not all there is withheld whole, never half aired.
    """

    script: str
    language: str
    area: str
    chime: str | None
    bed: str | None
    parts: Sequence[Part]
    lacks: Sequence[tuple[str, Lack]]
    profile: str = "full"  # what it is made to sound through: "full", or "horn" loudspeakers

    @property
    def seconds(self) -> float:
        spoken = sum(part.seconds + part.pause for part in self.parts)
        return spoken + (CHIME_SECONDS if self.chime else 0.0) + (LEAD_IN + TAIL if self.bed else 0.0)


@dataclass(frozen=True)
class Programme:
    """
    Finished audio: WAV files that follow one another without a gap, most of them shared between places.

    `digest` names what it was made of.
    """

    digest: str
    pieces: Sequence[Path]
    seconds: float


@dataclass(frozen=True)
class Cue:
    """One item inside a programme: when it is heard, and its words."""

    item: str
    start: float  # seconds from the beginning
    seconds: float
    text: str  # as written; "" where it is there as a recording alone


def recipe(
    script: Script,
    language: str,
    area: str,
    places: Sequence[str],
    words: Mapping[str, str],
    recordings: Recordings,
    approvals: Approvals,
    *,
    dictionary: Mapping[str, str],
    voiced: frozenset[str],
    trial: bool,
    profile: str = "full",
) -> Recipe:
    """
    Choose what is heard of *script* in *language* at *area*.

    *places* are the area and those above it, *words* what placeholders stand for there, *voiced* the
    languages that a voice speaks, *dictionary* how it says what is written so; on *trial* what is not
    approved and stand-ins sound too.
    """
    parts, lacks = [], []
    for item in script.items:
        recording = recordings.find(script.id, language, item.id, places)
        lack = recording.lack if recording else None
        text = item.text.get(language, "")
        try:
            text = fill(text, words)
        except KeyError:
            lack = lack if recording else Lack.NO_FACT
        if recording is None and (not text or language not in voiced):
            lack = Lack.NO_RECORDING
        if lack is None:
            now = bound(item, language, recording, dictionary)
            lack = approvals.lack(language, item.id, recording.area if recording else None, now)
        if lack is not None and not (trial and lack in TRIED):
            lacks.append((item.id, lack))
        seconds = item.seconds if recording is None or recording.seconds is None else recording.seconds
        for_voice = None if recording or lack is Lack.NO_RECORDING else spoken(text, dictionary)
        parts.append(Part(item.id, item.pause, recording, for_voice, seconds, text))
    return Recipe(script.id, language, area, script.chime, script.bed, tuple(parts), tuple(lacks), profile)
