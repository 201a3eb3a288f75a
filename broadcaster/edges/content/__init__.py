"""SEAM: audio/ and schedules/ -> the model, or every fault at once."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.recording import Measured, Recordings

from .areas import read_areas
from .lines import located
from .schedules import read_schedules
from .scripts import read_approvals, read_dictionaries, read_dictionary, read_recordings, read_scripts
from .seasons import read_seasons
from .station import read_station
from .tables import CLUTTER, LARGEST_FILE, Reading, digest_of, is_seen

MOST_FAULTS = 50  # of one file are told
__all__ = ["CLUTTER", "LARGEST_FILE", "Loaded", "digest_of", "fingerprint", "load"]


def fingerprint(station: Path) -> int:
    """A number that changes when any content file is saved, added or taken away."""
    seen = []
    for folder in ("schedules", "audio"):
        with suppress(OSError):  # a folder taken away while we looked: the next look sees that
            for path in (station / folder).rglob("*"):
                with suppress(OSError):
                    stat = path.stat()
                    seen.append((str(path), stat.st_ctime_ns, stat.st_size))
    return hash(tuple(sorted(seen)))


@dataclass(frozen=True)
class Loaded:
    """What could be read, and what is wrong with the rest."""

    content: Content
    faults: Sequence[Fault]
    left_out: frozenset[str] = frozenset()  # what is there but cannot be used: audio/NAME, schedules/NAME


def load(
    station: Path,
    measured: Mapping[str, Measured] | None = None,
    instead: Mapping[str, str | None] | None = None,
) -> Loaded:
    """
    Read all content below *station*. A faulty file leaves out what it holds, not the rest.

    *measured* is what is known of recordings by their path. *instead* are texts that stand for files of
    schedules/ as they would be once saved (None: taken away), by path. Raises BroadcasterError if there is no
    station here, or its own description cannot be used.
    """
    head_file = station / "schedules" / "station.toml"
    if "schedules/station.toml" not in (instead or {}) and not is_seen(head_file.is_file):
        raise BroadcasterError(
            Fault(
                str(station),
                say("This folder is no station: it has no schedules/station.toml."),
                say("Go to the station's folder, name it with --station, or make one: broadcaster init DIR."),
            )
        )
    reading = Reading(station, measured or {}, instead or {})
    areas = read_areas(reading)
    head = read_station(reading)
    scripts = read_scripts(reading)
    seasons = read_seasons(reading)
    zone = head.timezone if head else ZoneInfo("Asia/Ho_Chi_Minh")
    schedules = read_schedules(reading, zone, scripts, seasons)
    if head is None or not areas.codes:
        raise BroadcasterError(*_few(located(station, reading.faults, instead)))
    recordings = Recordings(read_recordings(reading, scripts))
    kept = [name for folder, _, name in (one.partition("/") for one in reading.left_out) if folder == "audio"]
    approvals = {name: read_approvals(reading, name) for name in (*scripts, *kept)}
    content = Content(
        head,
        areas,
        scripts,
        recordings,
        schedules,
        approvals,
        read_dictionary(reading, "audio/dictionary.toml") or {},
        read_dictionaries(reading, scripts),
        seasons or (),
    )
    faults = located(station, [*reading.faults, *reading.missing], instead)
    return Loaded(content, _few(faults), frozenset(reading.left_out))


def _few(faults: Iterable[Fault]) -> list[Fault]:
    """Of a file that is something else, some faults are told, and how many more there are."""
    told: list[Fault] = []
    by_file: dict[str, list[Fault]] = {}
    for fault in faults:
        same = by_file.setdefault(fault.file, [])
        same.append(fault)
        if len(same) <= MOST_FAULTS:
            told.append(fault)
    for name, same in by_file.items():
        if len(same) > MOST_FAULTS:
            told.append(
                Fault(
                    name,
                    say("There are {count} more faults in this file.", count=len(same) - MOST_FAULTS),
                    say("Mend those that are told first."),
                )
            )
    return told
