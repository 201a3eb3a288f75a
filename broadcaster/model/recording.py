"""Audio files of items, and which one is heard where."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from .judgement import Heard, Judgement, Verdict, judge


class Lack(StrEnum):
    """Why a language cannot go on air."""

    NO_RECORDING = "no-recording"  # and no voice speaks the language
    BROKEN = "recording-broken"
    STAND_IN = "stand-in"
    NO_FACT = "no-fact"  # a placeholder that the area has no word for
    UNAPPROVED = "unapproved"  # nobody vouches for exactly these words and bytes
    OUTDATED = "outdated"  # approved, but the Vietnamese words changed after that


TRIED = frozenset({Lack.STAND_IN, Lack.UNAPPROVED, Lack.OUTDATED})  # may be heard on trial, not on air


@dataclass(frozen=True)
class Measured:
    """What decoding a file to its end told, for the file of that size and time of change."""

    size: int
    changed: int  # ns since 1970; of the inode, since nobody can set that back
    digest: str  # of its bytes
    seconds: float | None  # of its clip; None: it cannot be decoded
    heard: Heard | None


@dataclass(frozen=True)
class Recording:
    """An audio file of one item in one language, for one area or (`area` is None) for all."""

    script: str
    language: str
    item: str
    area: str | None
    path: str  # below the station's folder
    stand_in: bool = False  # somebody else's voice in place of a speaker who is not there yet
    digest: str = ""  # of its bytes
    seconds: float | None = None  # of its clip, None until it was tried
    broken: bool = False  # it was tried and cannot be decoded
    heard: Heard | None = None

    @cached_property
    def judgement(self) -> Judgement | None:
        """What is to be thought of its sound, once it was heard."""
        return judge(self.heard) if self.heard else None

    @property
    def lack(self) -> Lack | None:
        """What keeps it off the air by itself, approved or not."""
        if self.broken or (self.judgement and self.judgement.verdict is Verdict.REFUSED):
            return Lack.BROKEN
        return Lack.STAND_IN if self.stand_in else None


class Recordings:
    """Looked up at the cluster's area, then up the tree, then for all."""

    def __init__(self, recordings: Iterable[Recording] = ()) -> None:
        self._found: Mapping[tuple[str, str, str, str | None], Recording] = {
            (one.script, one.language, one.item, one.area): one for one in recordings
        }

    def __iter__(self) -> Iterator[Recording]:
        return iter(self._found.values())

    def find(self, script: str, language: str, item: str, places: Iterable[str]) -> Recording | None:
        """The recording nearest to the first of *places* (a village, its commune, its province)."""
        for place in (*places, None):
            if (found := self._found.get((script, language, item, place))) is not None:
                return found
        return None
