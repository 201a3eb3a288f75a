"""All that officers wrote, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from .area import Areas
from .recording import Recordings
from .schedule import Schedule
from .script import Script
from .station import Station


@dataclass(frozen=True)
class Content:
    """
    A station's content. `voiced` are the languages that a voice speaks; `stand_ins` lets stand-in
    recordings sound, which only the demo does.
    """

    station: Station
    areas: Areas
    scripts: Mapping[str, Script]
    recordings: Recordings
    schedules: Sequence[Schedule]  # in file order
    voiced: frozenset[str] = frozenset({"vi"})
    stand_ins: bool = False

    def with_stand_ins(self) -> Self:
        return replace(self, stand_ins=True)
