"""How the stations of a province are, by what they said last and what came from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from broadcaster.model.errors import Text

from .registry import Peers

GONE_AFTER = timedelta(seconds=100)  # without a word: three in a row are missing
LOW_DISK = 500  # MB


class How(StrEnum):
    """The first of these that holds."""

    INVITED = "invited"  # it did not join yet
    GONE = "gone"  # no word from it: no network, or no power
    OFF = "off"  # its machine is there; its daemon does not run
    SILENT = "silent"  # its daemon runs, and its loudspeakers take no sound
    CLOCK = "clock"  # its clock is not to be trusted: it plays emergencies only
    ALARM = "alarm"  # something else is wrong
    UP = "up"


@dataclass(frozen=True)
class Overview:
    """One station. Times are ISO 8601; "" where there is none."""

    station: str
    name: str
    how: How
    heard: str = ""
    on_air: Sequence[str] = ()
    emergencies: Sequence[Mapping[str, Any]] = ()  # id, sounding, aired
    alarms: Sequence[str] = ()
    disk_free: int | None = None  # MB
    content: str = ""  # "new", "old", "none"; "" if nobody knows
    kept: Sequence[Mapping[str, str]] = ()
    refused: Sequence[Mapping[str, str]] = ()
    conflicts: Sequence[Mapping[str, Any]] = ()
    faults: int = 0
    rows_waiting: int | None = None
    reported: str = ""  # when rows came last
    reported_until: str = ""  # the time of the last broadcast among them
    log: Sequence[Mapping[str, Any]] = field(default_factory=list)  # what is wrong with its play log
    version: str = ""

    @property
    def low_on_disk(self) -> bool:
        return self.disk_free is not None and self.disk_free < LOW_DISK

    @property
    def is_well(self) -> bool:
        return self.how is How.UP and not (
            self.low_on_disk or self.refused or self.log or self.kept or self.faults
        )


def overview(
    peers: Peers, marks: Mapping[str, Any], revisions: Mapping[str, int], now: datetime
) -> list[Overview]:
    """
    All stations, by name. *marks* are those of the province's memory, *revisions* what was published
    last.
    """
    found = [_one(name, marks, revisions.get(name, 0), now) for name in peers.members]
    found += [
        Overview(name, "", How.INVITED)
        for name, one in peers.invited.items()
        if name not in peers.members and datetime.fromisoformat(one.until) > now
    ]
    return sorted(found, key=lambda one: one.station)


def _one(name: str, marks: Mapping[str, Any], revision: int, now: datetime) -> Overview:
    told, log = marks.get(f"station/{name}", {}), marks.get(f"log/{name}", {})
    has = told.get("revision", 0)
    content = "none" if not has else "new" if has >= revision else "old"
    return Overview(
        name,
        str(told.get("name", "")),
        _how(told, now),
        str(told.get("heard", "")),
        told.get("on_air", ()),
        told.get("alerts", ()),
        told.get("alarms", ()),
        told.get("disk_free"),
        content if told else "",
        told.get("kept", ()),
        told.get("refused", ()),
        told.get("conflicts", ()),
        int(told.get("faults", 0)),
        told.get("rows_waiting"),
        str(log.get("at", "")),
        str(log.get("until", "")),
        log.get("found", ()),
        str(told.get("version", "")),
    )


def _how(told: Mapping[str, Any], now: datetime) -> How:
    if not told or now - datetime.fromisoformat(told["heard"]) > GONE_AFTER:
        return How.GONE
    if not told.get("running"):
        return How.OFF
    alarms = told.get("alarms", ())
    if any(one.startswith("sound/") for one in alarms):
        return How.SILENT
    if not told.get("clock_trusted"):
        return How.CLOCK
    return How.ALARM if alarms else How.UP


def not_reported(peers: Peers, marks: Mapping[str, Any], last: date) -> list[tuple[str, str]]:
    """
    Stations whose play log did not come up to the end of *last*: name, and day of the last row ("": none).

    A station that confirmed that nothing waits there has reported, though nothing was broadcast since.
    """
    found = []
    for name in sorted(peers.members):
        told, log = marks.get(f"station/{name}", {}), marks.get(f"log/{name}", {})
        heard = str(told.get("heard", ""))[:10]
        whole = told.get("rows_waiting") == 0 and heard > last.isoformat()
        until = str(log.get("until", ""))[:10]
        if not whole and until <= last.isoformat():
            found.append((name, until))
    return found


def text(told: Mapping[str, Any]) -> Text:
    """A sentence that travelled."""
    return Text(str(told.get("what", "")), told.get("values", {}))
