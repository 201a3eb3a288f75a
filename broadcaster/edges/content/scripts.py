"""Scripts: their words, recordings and approvals."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from stat import S_ISREG

from broadcaster.model.approval import Approval, Approvals
from broadcaster.model.errors import Fault, say
from broadcaster.model.recording import Recording
from broadcaster.model.script import GROUPS, IDENTIFIER, VIETNAMESE, Item, Script, placeholders

from .areas import known_area
from .schedules import read_class
from .station import known_language, known_sound
from .tables import Reading, Table, a_flag, an_identifier, digest_of, is_seen, nfc, repeated, seconds_up_to

LARGEST_HISTORY = 20_000_000  # of approvals: some 50,000, since nothing is ever taken out
MOST_LINES = 20  # of a file that is something else are told, not all of them


def read_scripts(reading: Reading) -> dict[str, Script]:
    found = {}
    for folder in reading.inside(reading.root / "audio"):
        if folder.name in ("chimes", "beds") or not is_seen(folder.is_dir):
            continue
        before = len(reading.faults)
        reading.left_out.add(f"audio/{folder.name}")
        table = reading.open(folder / "script.toml")
        if table is None:
            continue
        script = Script(
            id=folder.name,
            title=table.text("title"),
            group=table.choice("group", GROUPS, "everyone"),
            items=[read_item(one) for one in table.tables("item")],
            chime=known_sound(reading, table, "chime", "chimes"),
            bed=known_sound(reading, table, "bed", "beds"),
            author=table.text("author", ""),
            bulletin_class=read_class(table),
        )
        if not IDENTIFIER.fullmatch(folder.name):
            table.fault(
                say("A script's folder is named with small letters, digits and hyphens."),
                say("Rename the folder “{name}”.", name=folder.name),
            )
        ids = [item.id for item in script.items]
        for twice in repeated(ids):
            table.fault(
                say("Two items have the id “{id}”.", id=twice),
                say("Give each an id of its own."),
                *("item", ids.index(twice), "id"),
            )
        if table.lacks("item"):
            table.fault(say("The script has no item."), say("Add an [[item]] with its text."))
        table.close()
        take_notes(reading, folder)
        if len(reading.faults) == before:
            found[script.id] = script
            reading.left_out.discard(f"audio/{script.id}")
    return found


def take_notes(reading: Reading, folder: Path) -> None:
    """Read recordings.toml, or leave the script out: nobody would know which recordings may sound."""
    if any(path.name == "recordings.toml" for path in reading.inside(folder)):
        table = reading.open(folder / "recordings.toml")
        if table is not None:
            # By the name without its ending: a file that was converted is still what it was.
            named = {re.sub(r"\.[^./]*$", "", key): note for key, note in table.data.items()}
            reading.notes[folder.name] = Table(named, table.where, reading.faults)


def read_item(table: Table) -> Item:
    name = table.take("id", an_identifier, say("small letters, digits and hyphens"))
    pause = table.take("pause", seconds_up_to(30), say("seconds of silence, 0 to 30"), 0.8)
    texts = table.table("text")
    text = {tag: texts.text(tag) for tag in texts.data}
    if not texts.data:
        texts.fault(
            say("The item has no text in any language."),
            say("Write its Vietnamese text: [item.text] vi = …"),
        )
    for tag, words in text.items():
        known_language(texts, tag, tag)
        if tag == VIETNAMESE and words and not any(map(str.isalnum, words)):  # the voice would refuse it
            texts.fault(
                say("The text “{tag}” holds no letter and no digit.", tag=tag),
                say("Write what is to be said, or take the line out."),
                tag,
            )
        try:
            placeholders(words or "")
        except ValueError:
            texts.fault(
                say("A brace in the text “{tag}” has no partner.", tag=tag),
                say("Write placeholders like {example}.", example="{area.name}"),
                tag,
            )
    table.close()
    return Item(name, text, pause)


def read_approvals(reading: Reading, script: str) -> Approvals:
    """What was approved of *script*. A line that cannot be read approves nothing."""
    path = reading.root / "audio" / script / "approvals.jsonl"
    data = reading.bytes(path, LARGEST_HISTORY) if is_seen(path.exists) else None
    found, bad = [], []
    for number, line in enumerate((data or b"").split(b"\n"), 1):
        try:
            if line.strip():
                found.append(Approval.of(line.decode("utf-8-sig")))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            bad.append(number)
            if not torn(error):  # it may have taken back what stands before it
                found.clear()
    for number in bad[:MOST_LINES]:
        reading.faults.append(
            Fault(
                reading.where(path),
                say("This line is no approval: it was cut off or changed."),
                say("Take the line out, and approve what is not approved now: broadcaster approve --list."),
                line=number,
            )
        )
    return Approvals(found)


def read_dictionary(reading: Reading, name: str) -> Mapping[str, str] | None:
    """How voices say what is written so; None if there is no such file."""
    path = reading.root / name
    if name not in reading.instead and not is_seen(path.exists):
        return None
    before = len(reading.faults)
    table = reading.open(path)
    found = {word: said for word in table.data if (said := table.text(word))} if table else {}
    if len(reading.faults) > before:
        reading.left_out.add(name)
    return found


def read_dictionaries(reading: Reading, scripts: Iterable[str]) -> dict[str, Mapping[str, str]]:
    """
    Those of scripts that bring their own, as they were approved elsewhere; it holds in place of the
    station's.
    """
    found = {name: read_dictionary(reading, f"audio/{name}/dictionary.toml") for name in scripts}
    return {name: words for name, words in found.items() if words is not None}


def read_recordings(reading: Reading, scripts: Mapping[str, Script]) -> Iterator[Recording]:
    for script in scripts.values():
        folder = reading.root / "audio" / script.id
        notes = reading.notes.get(script.id)
        found: dict[tuple[str, str, str | None], str] = {}
        for language in reading.inside(folder / "recordings"):
            table = Table({}, reading.where(language), reading.faults)
            if not is_seen(language.is_dir):
                table.fault(
                    say("A recording does not lie here, but in the folder of its language."),
                    say("Move it to a folder such as recordings/vi/."),
                )
            elif known_language(table, language.name):
                for path in reading.inside(language):
                    if (one := read_recording(reading, script, path, notes)) is None:
                        continue
                    first = found.setdefault((one.language, one.item, one.area), path.name)
                    if first == path.name:
                        yield one
                    else:
                        reading.fault(
                            one.path,
                            say("“{first}” is a recording of the same item.", first=first),
                            say("Keep one of the two."),
                        )
        if notes:
            notes.close()


def read_recording(reading: Reading, script: Script, path: Path, notes: Table | None) -> Recording | None:
    before = len(reading.faults)
    table = Table({}, reading.where(path), reading.faults)
    items, language = [item.id for item in script.items], path.parent.name
    item, at, place = nfc(path.stem).partition("@")
    area = known_area(reading, table, place.replace("+", "/")) if at else None
    if item not in items:
        meant = get_close_matches(item, items, 1)
        table.fault(
            say("The script has no item “{item}”.", item=item),
            say("Did you mean “{meant}”? Rename the file.", meant=meant[0])
            if meant
            else say("Name the file after one of: {items}.", items=", ".join(items)),
        )
    note = notes.table(f"{language}/{nfc(path.stem)}") if notes else table
    stand_in = note.take("stand_in", a_flag, say("true or false"), default=False)
    note.text("speaker", "")
    note.close()
    try:
        stat = path.stat()
    except OSError as error:
        reading.unreadable(table.where, error)
        return None
    if not S_ISREG(stat.st_mode):
        table.fault(say("This is not a file."), say("Put the right file in its place."))
    if len(reading.faults) > before:
        return None
    known = reading.measured.get(table.where)
    if known is not None and (known.size, known.changed) != (stat.st_size, stat.st_ctime_ns):
        known = None
    try:
        digest = known.digest if known else digest_of(path)
    except OSError as error:
        reading.unreadable(table.where, error)
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


def torn(error: Exception) -> bool:
    """Does a line of JSON just end too early, as a power cut leaves it?"""
    if isinstance(error, UnicodeDecodeError):
        return error.reason == "unexpected end of data"
    return isinstance(error, json.JSONDecodeError) and (
        error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")
    )
