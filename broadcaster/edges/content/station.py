"""station.toml, and what stations and scripts share: languages and sounds."""

from collections.abc import Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from broadcaster.model.errors import Fault, say
from broadcaster.model.script import language_fault
from broadcaster.model.station import PROFILES, Cluster, Hours, Station

from .areas import known_area
from .tables import (
    Reading,
    Table,
    a_file_name,
    a_sink,
    a_zone,
    an_identifier,
    is_seen,
    nfc,
    number_from,
    repeated,
    some_spans,
    some_texts,
)


def read_station(reading: Reading) -> Station | None:
    table = reading.open(reading.root / "schedules" / "station.toml")
    if table is None:
        return None
    before = len(reading.faults)
    name, area = table.text("name"), known_area(reading, table, table.text("area"), "area")
    zone = table.take(
        "timezone", a_zone, say("a time zone such as “Asia/Ho_Chi_Minh”"), ZoneInfo("Asia/Ho_Chi_Minh")
    )
    closing = known_sound(reading, table, "closing", "chimes")
    hours = table.table("hours")
    allowed = hours.take(
        "allowed", some_spans, say("spans of the day, such as [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]")
    )
    minutes = hours.take("session_minutes", number_from(1, 1440), say("whole minutes, 1 to 1440"), 30)
    sessions = hours.take("sessions_per_day", number_from(1, 48), say("a whole number, 1 to 48"), 2)
    hours.close()
    clusters = [read_cluster(reading, one) for one in table.tables("cluster")]
    if table.lacks("cluster"):
        table.fault(say("The station has no cluster."), say("Add a [[cluster]] for each output."))
    ids = [cluster.id for cluster in clusters]
    for twice in repeated(ids):
        table.fault(
            say("Two clusters have the id “{id}”.", id=twice),
            say("Give each an id of its own."),
            *("cluster", ids.index(twice), "id"),
        )
    table.close()
    if len(reading.faults) > before and any(fault.where.startswith(table.where) for fault in reading.faults):
        return None
    return Station(name, str(area), zone, Hours(allowed, minutes, sessions), clusters, closing)


def read_cluster(reading: Reading, table: Table) -> Cluster:
    cluster = Cluster(
        id=table.take("id", an_identifier, say("small letters, digits and hyphens")),
        name=table.text("name"),
        area=str(known_area(reading, table, table.text("area"), "area")),
        languages=table.take("languages", some_texts, say('language tags, such as ["vi", "hmn-Latn-VN"]')),
        sink=table.take(
            "sink", a_sink, say("card:default, card:NAME, file:FOLDER or null, in quotes"), "card:default"
        ),
        profile=table.choice("profile", PROFILES, "full"),
    )
    for index, tag in enumerate(cluster.languages or ()):
        known_language(table, tag, "languages", index)
    table.close()
    return cluster


def known_language(table: Table, tag: str, *inside: str | int) -> bool:
    if fault := language_fault(table.where, tag):
        table.faults.append(replace(fault, at=(*table.at, *inside)))
    return fault is None


def known_sound(reading: Reading, table: Table, key: str, folder: str) -> str | None:
    """
    The chime or bed that *key* names. One that is not there is told, and done without: what people
    are to hear does not wait for it.
    """
    name = table.take(key, a_file_name, say("the name of a file in audio/{folder}/", folder=folder), None)
    if name is not None and name not in sounds_in(reading, folder):
        reading.missing.append(
            Fault(
                table.where,
                say(
                    "audio/{folder}/{name} is not there; it goes on air without it.",
                    folder=folder,
                    name=name,
                ),
                say("Put the file there, or take “{key}” out.", key=key),
                at=(*table.at, key),
            )
        )
    return sounds_in(reading, folder).get(name) if name else None


def sounds_in(reading: Reading, folder: str) -> Mapping[str, str]:
    """The files in audio/*folder*, looked up once: by their names in NFC, the names on disk."""
    if folder not in reading.sounds:
        before = len(reading.faults)
        found = reading.inside(reading.root / "audio" / folder)
        reading.missing += reading.faults[before:]  # what is wrong with the folder leaves nothing out either
        del reading.faults[before:]
        reading.sounds[folder] = {nfc(path.name): path.name for path in found if is_seen(path.is_file)}
    return reading.sounds[folder]
