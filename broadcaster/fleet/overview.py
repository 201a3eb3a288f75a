"""How the stations of a province are, by what they said last and what came from them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from broadcaster.model.errors import Text

from .registry import Peers

GONE_AFTER = timedelta(seconds=100)  # without a word: three in a row are missing
LOW_DISK = 500  # MB
MOST_TOLD, LONGEST = 20, 300  # things in a list, and letters of one, that a station tells


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


@dataclass(frozen=True)
class Loudspeaker:
    """One that speaks MQTT. *said*: its last report, by names of its own. *heard*: ISO 8601, or ""."""

    name: str
    area: str
    heard: str = ""
    said: Mapping[str, str] = field(default_factory=dict)


STRANGE = ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError  # of `as_told`


def as_told(told: Any) -> dict[str, Any]:
    """
    What a station says of itself, as far as it is of the form that is expected, and no longer than that:
    whoever has a station's key must not spoil the page for the others. Raises one of STRANGE for what is
    none.
    """
    found: dict[str, Any] = {key: _text(told.get(key, "")) for key in ("name", "version")}
    found |= {key: told.get(key) is True for key in ("running", "clock_trusted")}
    found |= {key: int(told.get(key) or 0) for key in ("disk_free", "revision", "faults", "rows_waiting")}
    found |= {key: [_text(one) for one in _list(told, key)] for key in ("on_air", "alarms")}
    for key in ("kept", "refused", "conflicts"):
        rows = [dict(one) for one in _list(told, key)]
        found[key] = [{_text(name): _text(value) for name, value in one.items()} for one in rows]
    found["alerts"] = [
        {
            "id": _text(one["id"]),
            "sounding": [_text(each) for each in _list(one, "sounding")],
            "aired": one.get("aired") is True,
        }
        for one in _list(told, "alerts")
    ]
    return found


def as_reported(told: Any) -> dict[str, Any]:
    """The same of a loudspeaker, whose report is any object."""
    rows = [*told.items()][:MOST_TOLD]
    return {
        "said": {_text(name): _text(one if isinstance(one, str) else json.dumps(one)) for name, one in rows}
    }


def _list(told: Any, key: str) -> list[Any]:
    return list(told.get(key, ()))[:MOST_TOLD]


def _text(told: Any) -> str:
    return "".join(one for one in str(told)[:LONGEST] if one.isprintable())


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


def loudspeakers(peers: Peers, marks: Mapping[str, Any]) -> list[Loudspeaker]:
    """All that speak MQTT, by name."""
    return [
        Loudspeaker(name, one.area, told.get("heard", ""), told.get("said", {}))
        for name, one in sorted(peers.speakers.items())
        for told in (marks.get(f"speaker/{name}", {}),)
    ]


def not_reported(peers: Peers, marks: Mapping[str, Any], last: date, zone: tzinfo) -> list[tuple[str, str]]:
    """
    Stations whose play log did not come up to the end of *last*: name, and day of the last row ("": none).

    A station that confirmed that nothing waits there has reported, though nothing was broadcast since.
    """
    found = []
    for name in sorted(peers.members):
        told, log = marks.get(f"station/{name}", {}), marks.get(f"log/{name}", {})
        heard, until = _day(told.get("heard"), zone), _day(log.get("until"), zone)
        whole = told.get("rows_waiting") == 0 and heard > last.isoformat()
        if not whole and until <= last.isoformat():
            found.append((name, until))
    return found


def _day(moment: Any, zone: tzinfo) -> str:
    return datetime.fromisoformat(moment).astimezone(zone).date().isoformat() if moment else ""


def text(told: Mapping[str, Any]) -> Text:
    """A sentence that travelled."""
    return Text(str(told.get("what", "")), told.get("values", {}))
