"""All that officers wrote, as one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self

from .approval import Approvals
from .area import Areas
from .recording import Recording, Recordings
from .schedule import Schedule, Season
from .script import Script
from .station import Station


@dataclass(frozen=True)
class Content:
    """
    A station's content. `voiced` are the languages that a voice speaks. On `trial` what is not approved and
    stand-ins sound too: for those who must hear it first, and for the demo.
    """

    station: Station
    areas: Areas
    scripts: Mapping[str, Script]
    recordings: Recordings
    schedules: Sequence[Schedule]  # in file order
    approvals: Mapping[str, Approvals] = field(default_factory=dict)  # by script
    dictionary: Mapping[str, str] = field(default_factory=dict)  # how voices say what is written so
    dictionaries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # of scripts with their own
    seasons: Sequence[Season] = ()
    voiced: frozenset[str] = frozenset({"vi"})
    trial: bool = False

    def dictionary_of(self, script: str) -> Mapping[str, str]:
        """How voices say what *script* writes."""
        return self.dictionaries.get(script, self.dictionary)

    def languages_of(self, script: Script) -> list[str]:
        """Those in which something of *script* is there, written or recorded."""
        texts = [tag for item in script.items for tag in item.text]
        spoken = [one.language for one in self.recordings if one.script == script.id]
        return list(dict.fromkeys(texts + spoken))

    def recordings_of(self, script: str, item: str, language: str) -> list[Recording]:
        """Those of one item in one language, for every place."""
        wanted = (script, item, language)
        return [one for one in self.recordings if (one.script, one.item, one.language) == wanted]

    def hears(self, area: str, places: Sequence[str], day: date) -> bool:
        """Does *area* lie in any of *places* on *day*?"""
        return any(self.areas.lies_in(area, place, day) for place in places)

    def seasons_of(self, schedule: Schedule, area: str, day: date) -> list[Season]:
        """Those that concern the groups of *schedule* at *area*, as places are on *day*."""
        groups = {self.scripts[script].group for script in schedule.scripts} | {"everyone"}
        return [one for one in self.seasons if one.group in groups and self.hears(area, one.areas, day)]

    def season_title(self, name: str) -> str:
        return next((one.title for one in self.seasons if one.name == name), name)

    def on_trial(self) -> Self:
        return replace(self, trial=True)
