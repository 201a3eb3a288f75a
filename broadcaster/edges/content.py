"""SEAM: audio/ and schedules/ -> the model, or every fault at once."""

import hashlib
import json
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from stat import S_ISREG
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from broadcaster.model.approval import Approval, Approvals
from broadcaster.model.area import Area, AreaKind, Areas
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, Text, say, unread
from broadcaster.model.recording import Measured, Recording, Recordings
from broadcaster.model.schedule import (
    WEEKDAYS,
    BulletinClass,
    Days,
    Exclusion,
    Move,
    Quota,
    Rule,
    Schedule,
)
from broadcaster.model.script import (
    GROUPS,
    IDENTIFIER,
    VIETNAMESE,
    Item,
    Script,
    language_fault,
    placeholders,
)
from broadcaster.model.station import PROFILES, Cluster, Hours, Span, Station

T = TypeVar("T")
CLUTTER = {"thumbs.db", "desktop.ini"}  # Windows leaves them in folders
LARGEST_FILE = 1_000_000  # bytes; content files are written by people
LARGEST_HISTORY = 20_000_000  # of approvals: some 50,000, since nothing is ever taken out
MOST_LINES = 20  # of a file that is something else are told, not all of them
NOT_GIVEN: Any = object()


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


def digest_of(path: Path) -> str:
    """Of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


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


def load(station: Path, measured: Mapping[str, Measured] | None = None) -> Loaded:
    """
    Read all content below *station*. A faulty file leaves out what it holds, not the rest.

    *measured* is what is known of recordings by their path. Raises BroadcasterError if there is no
    station here, or its own description cannot be used.
    """
    if not _seen((station / "schedules" / "station.toml").is_file):
        raise BroadcasterError(
            Fault(
                str(station),
                say("This folder is no station: it has no schedules/station.toml."),
                say("Go to the station's folder, name it with --station, or make one: broadcaster init DIR."),
            )
        )
    reader = _Reader(station, measured or {})
    areas = reader.areas()
    head = reader.station()
    if head is None or not areas.codes:
        raise BroadcasterError(*reader.faults)
    scripts = reader.scripts()
    schedules = reader.schedules(scripts)
    recordings = Recordings(reader.recordings(scripts))
    kept = [name for folder, _, name in (one.partition("/") for one in reader.left_out) if folder == "audio"]
    approvals = {name: reader.approvals(name) for name in (*scripts, *kept)}
    content = Content(head, areas, scripts, recordings, schedules, approvals, reader.dictionary())
    return Loaded(content, [*reader.faults, *reader.missing], frozenset(reader.left_out))


class _Table:
    """One TOML table whose keys are taken one by one; what is left over is not known."""

    def __init__(self, data: Mapping[str, Any], where: str, faults: list[Fault]) -> None:
        self.data, self.where, self.faults = data, where, faults
        self.known: set[str] = set()

    def fault(self, what: Text, following: Text) -> None:
        self.faults.append(Fault(self.where, what, following))

    def take(self, key: str, read: Callable[[Any], T], wanted: Text, default: T = NOT_GIVEN) -> T:
        """
        The value of *key* as *read* understands it; *wanted* says what that is.

        Faulty values are reported, and given as the default (None where there is none).
        """
        self.known.add(key)
        if key not in self.data:
            if default is NOT_GIVEN:
                self.fault(say("“{key}” is missing.", key=key), say("Write it: {wanted}.", wanted=wanted))
            return None if default is NOT_GIVEN else default  # type: ignore[return-value]
        try:
            return read(self.data[key])
        except (TypeError, ValueError, LookupError, AttributeError, OSError):
            self.fault(
                say("“{key}” is not understood: {value}.", key=key, value=_shown(self.data[key])[:60]),
                say("Write {wanted}.", wanted=wanted),
            )
            return None if default is NOT_GIVEN else default  # type: ignore[return-value]

    def text(self, key: str, default: str = NOT_GIVEN) -> str:
        return self.take(key, _text, say("a text in quotes"), default)

    def choice(self, key: str, choices: Iterable[str], default: str = NOT_GIVEN) -> str:
        choices = list(choices)

        def read(value: Any) -> str:
            if value not in choices:
                raise ValueError(value)
            return _text(value)

        return self.take(key, read, say("one of: {choices}", choices=", ".join(choices)), default)

    def tables(self, key: str) -> "Iterator[_Table]":
        self.known.add(key)
        found = self.data.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.fault(
                say("“{key}” is not a list of tables.", key=key), say("Write [[{key}]] above each.", key=key)
            )
            return
        for number, one in enumerate(found, 1):
            names = [name for name in (one.get("id"), one.get("code")) if name and isinstance(name, str)]
            yield _Table(one, f"{self.where} [{key} {[*names, number][0]}]", self.faults)

    def table(self, key: str) -> "_Table":
        """The table *key*; of one that is not a table at all only that is said, not all that it lacks."""
        found: dict[str, Any] = self.take(key, _mapping, say("a table"), {})
        known = isinstance(self.data.get(key, found), dict)
        return _Table(found, f"{self.where} [{key}]", self.faults if known else [])

    def lacks(self, *keys: str) -> bool:
        """Is none of these lists of tables there? (One that is there but faulty has its own fault.)"""
        return all(self.data.get(key, []) == [] for key in keys)

    def close(self) -> None:
        """Report every key that nobody asked for."""
        for key in [key for key in self.data if key not in self.known]:
            meant = get_close_matches(key, sorted(self.known), 1)
            self.fault(
                say("“{key}” is not known here.", key=key),
                say("Did you mean “{meant}”?", meant=meant[0])
                if meant
                else say("Known are: {known}.", known=", ".join(sorted(self.known))),
            )


class _Reader:
    def __init__(self, station: Path, measured: Mapping[str, Measured]) -> None:
        self.root, self.measured = station, measured
        self.faults: list[Fault] = []
        self.area_codes: tuple[str, ...] = ()
        self.left_out: set[str] = set()
        self.missing: list[Fault] = []  # chimes and beds: told, but nothing is left out for them
        self.sounds: dict[str, Mapping[str, str]] = {}  # chimes and beds, by folder
        self.notes: dict[str, _Table] = {}  # recordings.toml, by script

    def _open(self, path: Path) -> _Table | None:
        where, data = self._where(path), self._bytes(path)
        table, text = None, ""
        try:
            if data is not None:
                text = unicodedata.normalize("NFC", data.decode("utf-8-sig"))
                text = text.replace("\r\n", "\n").replace("\r", "\n")
                table = _Table(tomllib.loads(text), where, self.faults)
        except (ValueError, RecursionError) as error:
            self.faults.append(unread(where, error, text))
        return table

    def _bytes(self, path: Path, largest: int = LARGEST_FILE) -> bytes | None:
        where, data = self._where(path), None
        try:
            stat = path.stat()
            if not S_ISREG(stat.st_mode):
                self._fault(where, say("This is not a file."), say("Put the right file in its place."))
            elif stat.st_size > largest:
                self._fault(
                    where,
                    say("The file is larger than {limit} MB.", limit=largest // 1_000_000),
                    say("Put the right file in its place."),
                )
            else:
                data = path.read_bytes()
        except OSError as error:
            self._unreadable(where, error)
        return data

    def _inside(self, folder: Path) -> list[Path]:
        """What lies in *folder*, by name, but for hidden things; nothing if there is no such folder."""
        found: list[Path] = []
        try:
            found = [
                path for path in folder.iterdir() if path.name.lower() not in CLUTTER and path.name[0] != "."
            ]
        except FileNotFoundError:
            pass
        except OSError as error:
            self._unreadable(self._where(folder), error)
        found.sort(key=lambda path: _nfc(path.name))
        for path in found:
            if not path.name.isprintable():
                self._fault(
                    self._where(folder),
                    say("The name of a file is not text in UTF-8: {name}.", name=ascii(path.name)),
                    say("Rename the file."),
                )
        return [path for path in found if path.name.isprintable()]

    def _where(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def _unreadable(self, where: str, error: OSError) -> None:
        self.faults.append(unread(where, error))

    def _fault(self, where: str, what: Text, following: Text) -> None:
        self.faults.append(Fault(where, what, following))

    def _area(self, table: _Table, code: str | None) -> str | None:
        """*code* if such an area is known, else a fault."""
        if code is not None and self.area_codes and code not in self.area_codes:
            meant = get_close_matches(code, self.area_codes, 1)
            table.fault(
                say("The area “{code}” is not in schedules/areas.toml.", code=code),
                say("Did you mean “{meant}”?", meant=meant[0])
                if meant
                else say("Add it there, or name one of: {codes}.", codes=", ".join(self.area_codes)),
            )
            return None
        return code

    def areas(self) -> Areas:
        table = self._open(self.root / "schedules" / "areas.toml")
        found: list[Area] = []
        codes: list[str] = []
        for one in table.tables("area") if table else ():
            before = len(self.faults)
            code, name = one.text("code"), one.text("name")
            kind = one.choice("kind", [kind.value for kind in AreaKind])
            since = one.take("from", _date, say("a date such as 2025-07-01"))
            parent = one.take("parent", _text, say("the code of the area above"), None)
            own = sorted(one.known)
            facts = {
                key: value
                for key, value in one.data.items()
                if key not in own and not get_close_matches(key, own, 1, 0.8)
            }
            one.known |= facts.keys()
            if any(not isinstance(value, str) for value in facts.values()):
                one.fault(say("Facts about an area are texts."), say("Put them in quotes."))
            one.close()
            if code is not None:
                codes.append(code)
            if len(self.faults) == before:
                found.append(Area(code, name, AreaKind(kind), since, parent, facts))
        if table:
            if table.lacks("area"):
                table.fault(say("The file names no area."), say("Add an [[area]] for each place."))
            table.close()
            for code, since in _twice((area.code, area.valid_from) for area in found):
                table.fault(
                    say("Two areas have the code “{code}” from {since} on.", code=code, since=since),
                    say("Keep one of the two."),
                )
        areas = Areas(found)
        self.area_codes = tuple(codes)  # of faulty ones too: their own fault says it all
        self._parents(areas)
        return areas

    def _parents(self, areas: Areas) -> None:
        rings: list[set[str]] = []
        for area in areas:
            table = _Table({}, f"schedules/areas.toml [area {area.code}]", self.faults)
            self._area(table, area.parent)
            up = list(areas.upwards(area.code, area.valid_from))
            ring = {one.code for one in up}
            if up[-1].parent == area.code and ring not in rings:
                rings.append(ring)
                table.fault(
                    say(
                        "The area lies in itself: {ring}.",
                        ring=" > ".join([*(one.code for one in up), area.code]),
                    ),
                    say("Name the area above it as its parent."),
                )

    def station(self) -> Station | None:
        table = self._open(self.root / "schedules" / "station.toml")
        if table is None:
            return None
        before = len(self.faults)
        name, area = table.text("name"), self._area(table, table.text("area"))
        zone = table.take(
            "timezone", _zone, say("a time zone such as “Asia/Ho_Chi_Minh”"), ZoneInfo("Asia/Ho_Chi_Minh")
        )
        closing = self._sound(table, "closing", "chimes")
        hours = table.table("hours")
        allowed = hours.take(
            "allowed", _spans, say("spans of the day, such as [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]")
        )
        minutes = hours.take("session_minutes", _number(1, 1440), say("whole minutes, 1 to 1440"), 30)
        sessions = hours.take("sessions_per_day", _number(1, 48), say("a whole number, 1 to 48"), 2)
        hours.close()
        clusters = [self._cluster(one) for one in table.tables("cluster")]
        if table.lacks("cluster"):
            table.fault(say("The station has no cluster."), say("Add a [[cluster]] for each output."))
        for twice in _twice(cluster.id for cluster in clusters):
            table.fault(say("Two clusters have the id “{id}”.", id=twice), say("Give each an id of its own."))
        table.close()
        if len(self.faults) > before and any(fault.where.startswith(table.where) for fault in self.faults):
            return None
        return Station(name, str(area), zone, Hours(allowed, minutes, sessions), clusters, closing)

    def _cluster(self, table: _Table) -> Cluster:
        cluster = Cluster(
            id=table.take("id", _identifier, say("small letters, digits and hyphens")),
            name=table.text("name"),
            area=str(self._area(table, table.text("area"))),
            languages=table.take("languages", _texts, say('language tags, such as ["vi", "hmn-Latn-VN"]')),
            sink=table.take(
                "sink", _sink, say("card:default, card:NAME, file:FOLDER or null, in quotes"), "card:default"
            ),
            profile=table.choice("profile", PROFILES, "full"),
        )
        for tag in cluster.languages or ():
            self._language(table, tag)
        table.close()
        return cluster

    def _language(self, table: _Table, tag: str) -> bool:
        if fault := language_fault(table.where, tag):
            table.faults.append(fault)
        return fault is None

    def _sound(self, table: _Table, key: str, folder: str) -> str | None:
        """
        The chime or bed that *key* names. One that is not there is told, and done without: what people
        are to hear does not wait for it.
        """
        name = table.take(key, _file_name, say("the name of a file in audio/{folder}/", folder=folder), None)
        if name is not None and name not in self._sounds(folder):
            self.missing.append(
                Fault(
                    table.where,
                    say(
                        "audio/{folder}/{name} is not there; it goes on air without it.",
                        folder=folder,
                        name=name,
                    ),
                    say("Put the file there, or take “{key}” out.", key=key),
                )
            )
        return self._sounds(folder).get(name) if name else None

    def _sounds(self, folder: str) -> Mapping[str, str]:
        """The files in audio/*folder*, looked up once: by their names in NFC, the names on disk."""
        if folder not in self.sounds:
            before = len(self.faults)
            found = self._inside(self.root / "audio" / folder)
            self.missing += self.faults[before:]  # what is wrong with the folder leaves nothing out either
            del self.faults[before:]
            self.sounds[folder] = {_nfc(path.name): path.name for path in found if _seen(path.is_file)}
        return self.sounds[folder]

    def scripts(self) -> dict[str, Script]:
        found = {}
        for folder in self._inside(self.root / "audio"):
            if folder.name in ("chimes", "beds") or not _seen(folder.is_dir):
                continue
            before = len(self.faults)
            self.left_out.add(f"audio/{folder.name}")
            table = self._open(folder / "script.toml")
            if table is None:
                continue
            script = Script(
                id=folder.name,
                title=table.text("title"),
                group=table.choice("group", GROUPS, "everyone"),
                items=[self._item(one) for one in table.tables("item")],
                chime=self._sound(table, "chime", "chimes"),
                bed=self._sound(table, "bed", "beds"),
                author=table.text("author", ""),
                bulletin_class=_class(table),
            )
            if not IDENTIFIER.fullmatch(folder.name):
                table.fault(
                    say("A script's folder is named with small letters, digits and hyphens."),
                    say("Rename the folder “{name}”.", name=folder.name),
                )
            for twice in _twice(item.id for item in script.items):
                table.fault(
                    say("Two items have the id “{id}”.", id=twice), say("Give each an id of its own.")
                )
            if table.lacks("item"):
                table.fault(say("The script has no item."), say("Add an [[item]] with its text."))
            table.close()
            self._take_notes(folder)
            if len(self.faults) == before:
                found[script.id] = script
                self.left_out.discard(f"audio/{script.id}")
        return found

    def _take_notes(self, folder: Path) -> None:
        """Read recordings.toml, or leave the script out: nobody would know which recordings may sound."""
        if any(path.name == "recordings.toml" for path in self._inside(folder)):
            table = self._open(folder / "recordings.toml")
            if table is not None:
                # By the name without its ending: a file that was converted is still what it was.
                named = {re.sub(r"\.[^./]*$", "", key): note for key, note in table.data.items()}
                self.notes[folder.name] = _Table(named, table.where, self.faults)

    def _item(self, table: _Table) -> Item:
        name = table.take("id", _identifier, say("small letters, digits and hyphens"))
        pause = table.take("pause", _seconds(30), say("seconds of silence, 0 to 30"), 0.8)
        texts = table.table("text")
        text = {tag: texts.text(tag) for tag in texts.data}
        if not texts.data:
            texts.fault(
                say("The item has no text in any language."),
                say("Write its Vietnamese text: [item.text] vi = …"),
            )
        for tag, words in text.items():
            self._language(texts, tag)
            if tag == VIETNAMESE and words and not any(map(str.isalnum, words)):  # the voice would refuse it
                texts.fault(
                    say("The text “{tag}” holds no letter and no digit.", tag=tag),
                    say("Write what is to be said, or take the line out."),
                )
            try:
                placeholders(words or "")
            except ValueError:
                texts.fault(
                    say("A brace in the text “{tag}” has no partner.", tag=tag),
                    say("Write placeholders like {example}.", example="{area.name}"),
                )
        table.close()
        return Item(name, text, pause)

    def approvals(self, script: str) -> Approvals:
        """What was approved of *script*. A line that cannot be read approves nothing."""
        path = self.root / "audio" / script / "approvals.jsonl"
        data = self._bytes(path, LARGEST_HISTORY) if _seen(path.exists) else None
        found, bad = [], []
        for number, line in enumerate((data or b"").split(b"\n"), 1):
            try:
                if line.strip():
                    found.append(Approval.of(line.decode("utf-8-sig")))
            except (ValueError, TypeError, KeyError, RecursionError) as error:
                bad.append(number)
                if not _torn(error):  # it may have taken back what stands before it
                    found.clear()
        for number in bad[:MOST_LINES]:
            self._fault(
                f"{self._where(path)}:{number}",
                say("This line is no approval: it was cut off or changed."),
                say("Take the line out, and approve what is not approved now: broadcaster approve --list."),
            )
        return Approvals(found)

    def dictionary(self) -> Mapping[str, str]:
        """How voices say what is written so."""
        path = self.root / "audio" / "dictionary.toml"
        if not _seen(path.exists):
            return {}
        before = len(self.faults)
        table = self._open(path)
        found = {word: said for word in table.data if (said := table.text(word))} if table else {}
        if len(self.faults) > before:
            self.left_out.add("audio/dictionary.toml")
        return found

    def recordings(self, scripts: Mapping[str, Script]) -> Iterator[Recording]:
        for script in scripts.values():
            folder = self.root / "audio" / script.id
            notes = self.notes.get(script.id)
            found: dict[tuple[str, str, str | None], str] = {}
            for language in self._inside(folder / "recordings"):
                table = _Table({}, self._where(language), self.faults)
                if not _seen(language.is_dir):
                    table.fault(
                        say("A recording does not lie here, but in the folder of its language."),
                        say("Move it to a folder such as recordings/vi/."),
                    )
                elif self._language(table, language.name):
                    for path in self._inside(language):
                        if (one := self._recording(script, path, notes)) is None:
                            continue
                        first = found.setdefault((one.language, one.item, one.area), path.name)
                        if first == path.name:
                            yield one
                        else:
                            self._fault(
                                one.path,
                                say("“{first}” is a recording of the same item.", first=first),
                                say("Keep one of the two."),
                            )
            if notes:
                notes.close()

    def _recording(self, script: Script, path: Path, notes: _Table | None) -> Recording | None:
        before = len(self.faults)
        table = _Table({}, self._where(path), self.faults)
        items, language = [item.id for item in script.items], path.parent.name
        item, at, place = _nfc(path.stem).partition("@")
        area = self._area(table, place.replace("+", "/")) if at else None
        if item not in items:
            meant = get_close_matches(item, items, 1)
            table.fault(
                say("The script has no item “{item}”.", item=item),
                say("Did you mean “{meant}”? Rename the file.", meant=meant[0])
                if meant
                else say("Name the file after one of: {items}.", items=", ".join(items)),
            )
        note = notes.table(f"{language}/{_nfc(path.stem)}") if notes else table
        stand_in = note.take("stand_in", _flag, say("true or false"), default=False)
        note.text("speaker", "")
        note.close()
        try:
            stat = path.stat()
        except OSError as error:
            self._unreadable(table.where, error)
            return None
        if not S_ISREG(stat.st_mode):
            table.fault(say("This is not a file."), say("Put the right file in its place."))
        if len(self.faults) > before:
            return None
        known = self.measured.get(table.where)
        if known is not None and (known.size, known.changed) != (stat.st_size, stat.st_ctime_ns):
            known = None
        try:
            digest = known.digest if known else digest_of(path)
        except OSError as error:
            self._unreadable(table.where, error)
            return None
        return Recording(
            script.id,
            language,
            item,
            area,
            table.where,
            stand_in,
            digest,
            known.seconds if known else None,
            broken=known is not None and known.seconds is None,
            heard=known.heard if known else None,
        )

    def schedules(self, scripts: Mapping[str, Script]) -> list[Schedule]:
        found = []
        for path in self._inside(self.root / "schedules"):
            if path.suffix != ".toml" and ".toml" in path.name.lower():
                self.missing.append(
                    Fault(
                        self._where(path),
                        say("This file is not read: its name does not end in .toml."),
                        say("If it is a schedule, rename it; else put it somewhere else."),
                        warning=True,
                    )
                )
            if path.suffix != ".toml" or path.stem in ("station", "areas"):
                continue
            name = _nfc(path.stem)
            self.left_out.add(f"schedules/{name}")
            if (table := self._open(path)) is None:
                continue
            before = len(self.faults)
            schedule = self._schedule(name, table, scripts)
            for script in schedule.scripts or ():
                if script not in scripts:
                    meant = get_close_matches(script, scripts, 1)
                    table.fault(
                        say("The script “{name}” cannot be used: audio/{name}/script.toml.", name=script),
                        say("Did you mean “{meant}”?", meant=meant[0])
                        if meant
                        else say("Write the script, or mend the faults named for it."),
                    )
            table.close()
            if len(self.faults) == before:
                found.append(schedule)
                self.left_out.discard(f"schedules/{name}")
        return found

    def _schedule(self, name: str, table: _Table, scripts: Mapping[str, Script]) -> Schedule:
        title = table.text("title")
        named = table.take("script", _texts, say("a script's name, or a list of them"))
        first = scripts.get(named[0]) if named else None
        schedule = Schedule(
            id=name,
            title=title,
            scripts=named,
            areas=table.take("areas", _texts, say('a list of area codes, such as ["11"]')),
            bulletin_class=_class(table, _inherited(first)),
            rules=[self._rule(one) for one in table.tables("rule")],
            campaigns=[self._rule(one, campaign=True) for one in table.tables("campaign")],
            exclusions=[self._exclusion(one) for one in table.tables("except")],
            moves=[self._move(one) for one in table.tables("move")],
            enabled=table.take("enabled", _flag, say("true or false"), default=True),
        )
        for code in schedule.areas or ():
            self._area(table, code)
        for moved in _twice(move.occurrence for move in schedule.moves):
            table.fault(
                say("The occurrence of {at} is moved twice.", at=f"{moved:%Y-%m-%dT%H:%M:%S}"),
                say("Keep the [[move]] that holds."),
            )
        if table.lacks("rule", "campaign"):
            table.fault(say("The schedule never plays."), say("Add a [[rule]] with its times."))
        return schedule

    def _within(self, table: _Table, *, needed: bool = False) -> Days:
        wanted = say("a date such as 2026-11-20")
        default = NOT_GIVEN if needed else None
        first = table.take("from", _date, wanted, default)
        last = table.take("until", _date, wanted, default)
        if first and last and last < first:
            table.fault(
                say("It ends ({last}) before it begins ({first}).", first=first, last=last),
                say("Exchange “from” and “until”."),
            )
        return Days(first, last)

    def _rule(self, table: _Table, *, campaign: bool = False) -> Rule:
        within = self._within(table, needed=campaign)
        rule = Rule(
            within=within,
            times=table.take("times", _times, say("times of day, such as [05:30:00, 17:30:00]")),
            months=table.take("months", _numbers(1, 12), say("months, such as [5, 11]"), None),
            days=table.take("days", _numbers(1, 31), say("days of the month, such as [1, 15]"), None),
            weekdays=table.take(
                "weekdays", _weekdays, say("days of the week out of: {days}", days=", ".join(WEEKDAYS)), None
            ),
            at_least=table.take(
                "at_least", _quota, say("such as {example}", example='{ airings = 2, per = "week" }'), None
            ),
        )
        table.close()
        return rule

    def _exclusion(self, table: _Table) -> Exclusion:
        exclusion = Exclusion(self._within(table, needed=True), table.text("reason"))
        table.close()
        return exclusion

    def _move(self, table: _Table) -> Move:
        wanted = say("a date and time such as 2026-11-20T17:30:00")
        move = Move(table.take("occurrence", _moment, wanted), table.take("to", _moment, wanted))
        table.close()
        return move


def _torn(error: Exception) -> bool:
    """Does a line of JSON just end too early, as a power cut leaves it?"""
    if isinstance(error, UnicodeDecodeError):
        return error.reason == "unexpected end of data"
    return isinstance(error, json.JSONDecodeError) and (
        error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    )


def _inherited(script: Script | None) -> BulletinClass:
    """
    A schedule's class where it does not say one: its script's.

    But what passes the allowed hours must be written in the schedule itself.
    """
    if script is None:
        return BulletinClass.NORMAL
    return max(script.bulletin_class, BulletinClass.PRIORITY)


def _class(table: _Table, default: BulletinClass = BulletinClass.NORMAL) -> BulletinClass:
    word = table.choice("class", [one.word for one in BulletinClass], default.word)
    return BulletinClass[word.upper()]


def _seen(look: Callable[[], bool]) -> bool:
    """What *look* finds; True where it may not look: opening it will say why."""
    try:
        return look()
    except OSError:
        return True


def _nfc(name: str) -> str:
    """*name* as it is typed; file names from a Mac have their accents apart."""
    return unicodedata.normalize("NFC", name)


def _twice(values: Iterable[T]) -> list[T]:
    """What stands in *values* more than once."""
    return [value for value, count in Counter(values).items() if count > 1 and value is not None]


def _shown(value: Any, depth: int = 2) -> str:
    """*value* about as it was written in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value[:60]}"'
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else "…"  # Python refuses to write out the largest
    if isinstance(value, list):
        return f"[{', '.join(_shown(one, depth - 1) for one in value[:20])}]" if depth else "[…]"
    if isinstance(value, dict):
        pairs = [f"{key} = {_shown(one, depth - 1)}" for key, one in value.items()] if depth else ["…"]
        return f"{{ {', '.join(pairs)} }}"
    return str(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(value)
    return value


def _file_name(value: Any) -> str:
    if Path(_text(value)).name != value or value == "..":
        raise ValueError(value)
    return str(value)


def _identifier(value: Any) -> str:
    if not IDENTIFIER.fullmatch(_text(value)):
        raise ValueError(value)
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    return (_text(value),) if isinstance(value, str) else tuple(_text(one) for one in _list(value))


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise TypeError(value)
    return value


def _sink(value: Any) -> str:
    if not re.fullmatch(r"null|(card|file):.+", _text(value)):
        raise ValueError(value)
    return str(value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def _seconds(largest: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not 0 <= value <= largest:
            raise ValueError(value)
        return float(value)

    return read


def _number(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(value)
        return value

    return read


def _numbers(least: int, most: int) -> Callable[[Any], frozenset[int]]:
    read = _number(least, most)
    return lambda value: frozenset(read(one) for one in _list(value))


def _weekdays(value: Any) -> frozenset[int]:
    return frozenset(WEEKDAYS.index(one) for one in _texts(value))


def _times(value: Any) -> tuple[time, ...]:
    if any(type(one) is not time or one.microsecond for one in _list(value)):
        raise TypeError(value)
    return tuple(value)


def _spans(value: Any) -> tuple[Span, ...]:
    spans = tuple(Span(*_times(pair)) for pair in _list(value))
    if any(span.start >= span.end for span in spans):
        raise ValueError(value)
    return spans


def _date(value: Any) -> date:
    if type(value) is not date:
        raise TypeError(value)
    return value


def _moment(value: Any) -> datetime:
    if type(value) is not datetime or value.tzinfo is not None or value.microsecond:
        raise TypeError(value)
    return value


def _zone(value: Any) -> ZoneInfo:
    return ZoneInfo(_text(value))


def _quota(value: Any) -> Quota:
    if value.keys() != {"airings", "per"} or value["per"] != "week":
        raise ValueError(value)
    return Quota(_number(1, 50)(value["airings"]))
