"""Audio files of items, and which one is heard where."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """What decoding a file to its end told, for the file of that size and time of change."""

    size: int
    changed: int  # ns since 1970, as the file system has it
    seconds: float | None  # None: it cannot be decoded


@dataclass(frozen=True)
class Recording:
    """An audio file of one item in one language, for one area or (`area` is None) for all."""

    script: str
    language: str
    item: str
    area: str | None
    path: str  # below the station's folder
    stand_in: bool = False  # somebody else's voice in place of a speaker who is not there yet
    seconds: float | None = None  # that decode, None until it was tried
    broken: bool = False  # it was tried and cannot be decoded


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
