"""The finished audio of a script, in one language, for one area: what it is made of and what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .recording import Recording, Recordings
from .script import Script, fill

SAMPLE_RATE = 32_000  # Hz, mono, 16 bit: every finished programme
CHIME_SECONDS = 6.0  # about, for plans
LEAD_IN = 1.5  # seconds of the bed alone before the first word
TAIL = 2.5  # seconds in which the bed fades after the last


class Lack(StrEnum):
    """Why a language cannot go on air."""

    NO_RECORDING = "no-recording"  # and no voice speaks the language
    BROKEN = "recording-broken"
    STAND_IN = "stand-in"
    NO_FACT = "no-fact"  # a placeholder that the area has no word for


@dataclass(frozen=True)
class Part:
    """One item as it will be heard: a recording, or words for the voice."""

    item: str
    pause: float
    recording: Recording | None
    words: str | None
    seconds: float  # measured for recordings that were decoded, else estimated


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

    @property
    def seconds(self) -> float:
        spoken = sum(part.seconds + part.pause for part in self.parts)
        return spoken + (CHIME_SECONDS if self.chime else 0.0) + (LEAD_IN + TAIL if self.bed else 0.0)


@dataclass(frozen=True)
class Programme:
    """A finished audio file. `digest` names what it was made of."""

    digest: str
    path: Path
    seconds: float


def recipe(
    script: Script,
    language: str,
    area: str,
    places: Sequence[str],
    words: Mapping[str, str],
    recordings: Recordings,
    *,
    voiced: frozenset[str],
    stand_ins: bool,
) -> Recipe:
    """
    Choose what is heard of *script* in *language* at *area*.

    *places* are the area and those above it, *words* what placeholders stand for there, *voiced* the
    languages that a voice speaks, *stand_ins* whether stand-in recordings may sound (the demo only).
    """
    parts, lacks = [], []
    for item in script.items:
        recording = recordings.find(script.id, language, item.id, places)
        text, lack = None, None
        if recording is not None:
            if recording.broken:
                lack = Lack.BROKEN
            elif recording.stand_in and not stand_ins:
                lack = Lack.STAND_IN
        elif language in voiced and language in item.text:
            try:
                text = fill(item.text[language], words)
            except KeyError:
                lack = Lack.NO_FACT
        else:
            lack = Lack.NO_RECORDING
        if lack is not None:
            lacks.append((item.id, lack))
        seconds = item.seconds if recording is None or recording.seconds is None else recording.seconds
        parts.append(Part(item.id, item.pause, recording, text, seconds))
    return Recipe(script.id, language, area, script.chime, script.bed, tuple(parts), tuple(lacks))
