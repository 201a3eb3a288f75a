"""SEAM: audio/ and schedules/ -> the model, or every fault at once."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.recording import Measured, Recordings

from .areas import read_areas
from .schedules import read_schedules
from .scripts import read_approvals, read_dictionary, read_recordings, read_scripts
from .station import read_station
from .tables import CLUTTER, LARGEST_FILE, Reading, digest_of, is_seen

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

    def keeping(self, last: Content) -> Content:
        """The content, where a faulty script or schedule stays as *last* had it."""
        new = self.content
        kept = {name: one for name, one in last.scripts.items() if f"audio/{name}" in self.left_out}
        scripts = kept | dict(new.scripts)
        schedules = [
            one
            for one in last.schedules
            if f"schedules/{one.id}" in self.left_out and scripts.keys() >= set(one.scripts)
        ]
        return replace(
            new,
            scripts=scripts,
            dictionary=last.dictionary if "audio/dictionary.toml" in self.left_out else new.dictionary,
            recordings=Recordings([*(one for one in last.recordings if one.script in kept), *new.recordings]),
            schedules=sorted([*new.schedules, *schedules], key=lambda one: f"{one.id}.toml"),  # file order
        )


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
    if not is_seen((station / "schedules" / "station.toml").is_file):
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
    if head is None or not areas.codes:
        raise BroadcasterError(*reading.faults)
    scripts = read_scripts(reading)
    schedules = read_schedules(reading, scripts)
    recordings = Recordings(read_recordings(reading, scripts))
    kept = [name for folder, _, name in (one.partition("/") for one in reading.left_out) if folder == "audio"]
    approvals = {name: read_approvals(reading, name) for name in (*scripts, *kept)}
    content = Content(head, areas, scripts, recordings, schedules, approvals, read_dictionary(reading))
    return Loaded(content, [*reading.faults, *reading.missing], frozenset(reading.left_out))
