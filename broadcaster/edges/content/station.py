"""station.toml, and what stations and scripts share: languages and sounds."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.script import language_fault
from broadcaster.model.station import PROFILES, AlarmTo, Amplifier, Cluster, Hours, Station

from .areas import known_area
from .lines import located
from .tables import (
    Reading,
    Table,
    a_command,
    a_file_name,
    a_path,
    a_position,
    a_sink,
    a_zone,
    an_address,
    an_identifier,
    an_input,
    is_seen,
    nfc,
    number_from,
    repeated,
    seconds_up_to,
    some_mailboxes,
    some_spans,
    some_texts,
)

STATION = Path("schedules", "station.toml")
LONGEST_WARM_UP = 60  # seconds


def read_station(reading: Reading) -> Station | None:
    table = reading.open(reading.root / STATION)
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
    amplifier = read_amplifier(table)
    alarm = read_alarm(table.table("alarm"))
    position = table.take(
        "position", a_position, say("latitude and longitude in degrees, such as [21.4, 103.0]"), None
    )
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
    return Station(
        name,
        str(area),
        zone,
        Hours(allowed, minutes, sessions),
        clusters,
        closing,
        amplifier,
        alarm,
        position,
    )


def read_cluster(reading: Reading, table: Table) -> Cluster:
    cluster = Cluster(
        id=table.take("id", an_identifier, say("small letters, digits and hyphens")),
        name=table.text("name"),
        area=str(known_area(reading, table, table.text("area"), "area")),
        languages=table.take("languages", some_texts, say('language tags, such as ["vi", "hmn-Latn-VN"]')),
        sink=table.take(
            "sink",
            a_sink,
            say("card:default, card:NAME, card:NAME#left, card:NAME#right, file:FOLDER or null, in quotes"),
            "card:default",
        ),
        profile=table.choice("profile", PROFILES, "full"),
        volume=table.take(
            "volume",
            number_from(1, 100),
            say("whole percent, 1 to 100; what is to be louder is turned up at the amplifier"),
            100,
        ),
        verify=table.take("verify", an_input, say("card:default or card:NAME, in quotes"), ""),
    )
    for index, tag in enumerate(cluster.languages or ()):
        known_language(table, tag, "languages", index)
    table.close()
    return cluster


def read_amplifier(station: Table) -> Amplifier | None:
    """What [amplifier] says; None where there is none, or nothing can be switched by it."""
    table = station.table("amplifier")
    if "amplifier" not in station.data:
        return None
    warm_up = table.take("warm_up", seconds_up_to(LONGEST_WARM_UP), say("seconds, 0 to 60"), 5.0)
    serial = table.take("serial", a_path, say("a serial port, such as /dev/ttyUSB0, in quotes"), "")
    needed: dict[str, Any] = {"default": ""} if "serial" in table.data else {}
    on, off = (
        table.take(key, a_command, say("a command in quotes, with the whole path of its program"), **needed)
        for key in ("on", "off")
    )
    if "serial" in table.data and (on or off):
        table.fault(
            say("The amplifier is switched by commands and by a serial port."),
            say("Keep “on” and “off”, or keep “serial”."),
            "serial",
        )
    table.close()
    return Amplifier(on, off, warm_up, serial) if serial or (on and off) else None


def amplifier_at(root: Path, kept: Path) -> Amplifier | None:
    """
    What switches the amplifier of the station *root*, whatever else is wrong with its content.

    Where that cannot be read, it is as it last was in *kept*. Raises BroadcasterError if neither can be.
    """
    faults = []
    for folder in (root, kept):
        reading = Reading(folder, {}, {})
        table = reading.open(folder / STATION)
        found = read_amplifier(table) if table is not None else None
        if not reading.faults:
            return found
        faults.append(located(folder, reading.faults))
    raise BroadcasterError(*faults[0])


def read_alarm(table: Table) -> AlarmTo:
    alarm = AlarmTo(
        webhook=table.take(
            "webhook", an_address("https", "http"), say("an address such as https://…"), "", secret=True
        ),
        email=table.take("email", some_mailboxes, say('addresses, such as ["ten@xa.vn"]'), ()),
        smtp=table.take(
            "smtp",
            an_address("smtp", "smtps"),
            say("a mail server: smtp://SERVER:25 or smtps://USER:PASSWORD@SERVER"),
            "",
            secret=True,
        ),
    )
    for key, other in (("email", "smtp"), ("smtp", "email")):
        if key in table.data and other not in table.data:
            table.fault(
                say("“{key}” needs “{other}” beside it.", key=key, other=other),
                say("Write both: to whom, and by which server."),
                key,
            )
    table.close()
    return alarm


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
