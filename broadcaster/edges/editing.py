"""Changes the files that officers wrote; their comments and layout stay."""

import fcntl
import json
import os
import re
import shutil
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from broadcaster.model.errors import BroadcasterError, Fault, did_you_mean, said, say, unread
from broadcaster.model.script import IDENTIFIER, Item

Document = MutableMapping[str, Any]
HISTORY = 200  # edits that var/history keeps
_HIDING = re.compile(  # what brackets mean nothing in: texts of several lines and of one, comments
    r'''"""(?:\\.|[^\\])*?"""(?!")|'{3}.*?'{3}(?!')|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\#[^\n]*''', re.DOTALL
)
_HEADER = re.compile(r"\s*(\[+)\s*[\"']?([^\"'\].\s]+)[\"']?\s*([\].])")


def new_script(station: Path, name: str, values: Mapping[str, str], items: Sequence[Item]) -> None:
    """
    Make audio/*name* with a script.toml of *values* (title, group, author, class …) and *items*.

    Raises BroadcasterError if there is such a folder, or the name is none.
    """
    import tomlkit

    document = tomlkit.document()
    for key, value in values.items():
        if value.strip():
            document[key] = _string(value)
    text = tomlkit.dumps(document)
    for item in items:
        one = tomlkit.aot()
        one.append(_new_item(item.id, item.text, item.pause))
        text += tomlkit.dumps({"item": one})
    _new_folder(station, name, text)


def copy_script(station: Path, name: str, new: str, title: str = "") -> None:
    """
    Make audio/*new* with the words of *name*, comments and all.

    Neither recordings nor approvals are copied: words that are about to change need their own.
    Raises BroadcasterError if *name* cannot be read, or there is such a folder as *new*.
    """
    text = _read(station, _script(name))
    if title:
        text = _changed(_script(name), text, lambda document: document.update(title=_string(title)))
    _new_folder(station, new, text)


def edit_script(
    station: Path,
    name: str,
    *,
    values: Mapping[str, str] | None = None,
    texts: Mapping[tuple[str, str], str] | None = None,
    pauses: Mapping[str, float] | None = None,
    add: bool = False,
) -> bool:
    """
    Change a script: *values* of the script (an empty one is taken out), *texts* by item and language,
    *pauses* by item in seconds; with *add* items that are not there are added. Did anything change?

    Raises BroadcasterError if the file cannot be read or written, or an item is not there.
    """

    def change(document: Document) -> None:
        for key, value in (values or {}).items():
            if value.strip():
                document[key] = _string(value)
            else:
                document.pop(key, None)
        for (item, language), text in (texts or {}).items():
            found = _item(document, name, item, add=add)
            table = found.setdefault("text", {})
            if not isinstance(table, MutableMapping):
                raise _no_table(name, "text")
            if str(table.get(language, "")).strip() != _clean(text).strip():
                table[language] = _string(text)
        for item, pause in (pauses or {}).items():
            _item(document, name, item, add=add)["pause"] = pause

    return _change(station, _script(name), change)


def note_recording(station: Path, script: str, key: str, *, speaker: str, stand_in: bool) -> None:
    """
    Note in recordings.toml who speaks in the recording *key* (`vi/loi-chao.opus`), and whether it is a
    stand-in; what was noted of the recording that it replaces is gone.

    Raises BroadcasterError if the file cannot be read or written.
    """

    def change(document: Document) -> None:
        for other in [one for one in document if one != key and _stem(one) == _stem(key)]:
            del document[other]  # the loader goes by the name without its ending, too
        if not speaker and not stand_in:
            document.pop(key, None)
            return
        if not isinstance(document.get(key), MutableMapping):
            document[key] = {}
        for name, value in (("speaker", _clean(speaker)), ("stand_in", stand_in)):
            if value:
                document[key][name] = value
            else:
                document[key].pop(name, None)

    _change(station, f"audio/{script}/recordings.toml", change, make=True)


def schedule_text(data: Mapping[str, Any]) -> str:
    """
    The text of a new file that says *data*: first its plain keys, then its tables, each after an empty line.

    Values are what tomllib gives: texts, numbers, times, dates, lists and mappings of them.
    """
    head = {key: value for key, value in data.items() if not _tables(value)}
    parts = [_lines(head)] if head else []
    parts += [f"[[{key}]]\n{_lines(one)}" for key, value in data.items() if key not in head for one in value]
    return "\n".join(parts)


def with_table(where: str, text: str, key: str, values: Mapping[str, Any] | str) -> str:
    """
    *text* with one more [[*key*]], after the last that is there; in a list such as `except = ["Tết"]` it
    becomes one more of that list, which may be a mere text there.

    Raises BroadcasterError if the file is laid out so that this cannot be done.
    """

    def change(document: Document) -> None:
        new = _laid_out(document, values)
        if key in document:
            document[key].append(new)
        else:
            document[key] = [new]

    there = [end for name, _start, end in _stretches(text) if name == key]
    if isinstance(values, str) or (not there and key in tomllib.loads(text)):
        return _changed(where, text, change)
    lines = text.split("\n")
    end = there[-1] if there else len(lines)
    own = end
    while own < len(lines) and lines[own].lstrip().startswith("#"):
        own += 1
    if not "".join(lines[own : own + 1]).strip():
        end = own  # these comments belong to the table above, not to the next one
    before, after = "\n".join(lines[:end]).rstrip(), "\n".join(lines[end:]).strip("\n")
    new = f"[[{key}]]\n{_lines(values)}"
    return _well(where, text, change, "\n\n".join(filter(None, (before, new.rstrip(), after))) + "\n")


def without_table(where: str, text: str, key: str, index: int) -> str:
    """
    *text* without the [[*key*]] at *index*, counted from 0. Comments on lines of their own around it stay.

    Raises BroadcasterError if the file is laid out so that this cannot be done.
    """

    def change(document: Document) -> None:
        del document[key][index]
        if not document[key]:
            del document[key]

    there = [(start, end) for name, start, end in _stretches(text) if name == key]
    if not there:
        return _changed(where, text, change)
    lines = text.split("\n")
    start, end = there[index]
    before, after = lines[:start], lines[end:]
    if not before or not before[-1].strip():
        while after and not after[0].strip():
            del after[0]
    return _well(where, text, change, "\n".join([*before, *after]).rstrip("\n") + "\n")


def with_values(where: str, text: str, values: Mapping[str, Any], key: str = "", index: int = 0) -> str:
    """
    *text* with these *values* in its head, or in its [[*key*]] at *index*; None takes a value out.

    Raises BroadcasterError if the file is laid out so that this cannot be done.
    """

    def change(document: Document) -> None:
        table = document[key][index] if key else document
        for name, value in values.items():
            if value is None:
                table.pop(name, None)
            elif name in table and table[name] != value:
                table[name] = _laid_out(document, value)

    def changed(document: Document) -> None:
        change(document)
        (document[key][index] if key else document).update(new)

    plain = tomllib.loads(text)
    there = (plain[key][index] if key else plain).keys()
    new = {name: value for name, value in values.items() if name not in there and value is not None}
    stretches = [(start, end) for name, start, end in _stretches(text) if name == key]
    if not stretches:
        return _changed(where, text, changed)
    after = _changed(where, text, change)
    lines = after.split("\n")
    start, end = [one[1:] for one in _stretches(after) if one[0] == key][index]
    found = re.search(r"^([\w-]+ *) = ", "\n".join(lines[start:end]), re.MULTILINE)
    lines[end:end] = _lines(new, len(found[1]) if found else 0).splitlines()
    return _well(where, text, changed, "\n".join(lines))


@dataclass(frozen=True)
class Edit:
    """What one command changed, as var/history keeps it."""

    number: int  # counts up; a clock may not
    at: datetime
    what: str  # the command
    undoes: int | None
    after: Mapping[str, str | None]  # the digest of each file as the command left it; None: not there
    folder: Path

    def before(self, path: str) -> bytes | None:
        """The bytes of *path* before; None if it was not there."""
        kept = self.folder / path
        return kept.read_bytes() if kept.is_file() else None


def history(station: Path) -> list[Edit]:
    """The edits that can be looked at and undone, the newest first."""
    found = []
    for folder in sorted((station / "var" / "history").glob("[0-9]*Z"), reverse=True):
        with suppress(OSError, ValueError, LookupError, TypeError):  # one that is damaged hides no other
            noted = json.loads((folder / "edit.json").read_text("utf-8"))
            number, at = int(folder.name.partition("-")[0]), datetime.fromisoformat(noted["at"])
            found.append(Edit(number, at, noted["what"], noted["undoes"], dict(noted["after"]), folder))
    return found


def newest(station: Path) -> str | None:
    """The record of the last edit, below var/history; it may be damaged, and not in `history`."""
    return max((folder.name for folder in (station / "var" / "history").glob("[0-9]*Z")), default=None)


def seen(station: Path, paths: Iterable[str]) -> dict[str, bytes | None]:
    """What is in these files now; None where there is none. Raises BroadcasterError if it cannot be read."""
    found = {}
    for path in paths:
        try:
            found[path] = (station / path).read_bytes() if (station / path).is_file() else None
        except OSError as error:
            raise BroadcasterError(unread(path, error)) from error
    return found


def digest(data: bytes | None) -> str | None:
    return None if data is None else sha256(data).hexdigest()


def save(
    station: Path,
    new: Mapping[str, str | bytes | None],
    was: Mapping[str, bytes | None],
    what: str,
    at: datetime,
    *,
    undoes: int | None = None,
) -> Edit:
    """
    Write *new* (None: take the file away) below *station*, after *was* went to var/history.

    Each file is old or new at every moment, whatever happens to the power; texts keep the line ends and
    byte order mark of what they replace, bytes are written as they are. Raises BroadcasterError if a
    file is no longer as *was* says, or something cannot be written.
    """
    with _told("schedules"), alone(station / "schedules"):
        now = seen(station, new)
        for path in new:
            if now[path] != was[path]:
                raise BroadcasterError(
                    Fault(
                        path,
                        say("Somebody else changed the file meanwhile; nothing was written."),
                        say("Look at what it says now, and give the command again if it is still wanted."),
                    )
                )
        wanted = {
            path: _encoded(was[path] or b"", text) if isinstance(text, str) else text
            for path, text in new.items()
        }
        edit = _remember(station, now, wanted, what, at, undoes)
        for path in [one for one in new if wanted[one] is None]:
            twins = [one for one in new if now[one] is None and wanted[one] == now[path] is not None]
            if twins:  # only a new name: at every moment it is there once
                (station / path).rename(station / twins[0])
        for path, data in wanted.items():
            if data is None:
                (station / path).unlink(missing_ok=True)
            elif seen(station, [path])[path] != data:
                _put((station / path).resolve(), data)
        _sync(station / "schedules")
    return edit


def _remember(
    station: Path,
    was: Mapping[str, bytes | None],
    new: Mapping[str, bytes | None],
    what: str,
    at: datetime,
    undoes: int | None,
) -> Edit:
    """Keep *was* in var/history, whole or not at all, and only the last edits there."""
    home = station / "var" / "history"
    home.mkdir(parents=True, exist_ok=True)
    kept = sorted(home.glob("[0-9]*Z"))
    number = int(kept[-1].name.partition("-")[0]) + 1 if kept else 1
    folder, aside = home / f"{number:06}-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}", home / ".part"
    shutil.rmtree(aside, ignore_errors=True)
    edit = Edit(number, at, what, undoes, {path: digest(data) for path, data in new.items()}, folder)
    noted = {"at": at.isoformat(), "what": what, "undoes": undoes, "after": edit.after}
    for path, data in {**was, "edit.json": json.dumps(noted, ensure_ascii=False).encode()}.items():
        if data is not None:
            (aside / path).parent.mkdir(parents=True, exist_ok=True)
            _put(aside / path, data)
    aside.rename(folder)
    _sync(home)
    _sync(home.parent)
    for old in kept[: max(0, len(kept) + 1 - HISTORY)]:
        shutil.rmtree(old, ignore_errors=True)
    return edit


def _tables(value: Any) -> bool:
    """Is this written as [[key]]?"""
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(one, Mapping) for one in value)


def _lines(values: Mapping[str, Any], width: int = 0) -> str:
    """Keys and values, one a line, the signs between them below each other, or as far as *width* says."""
    width = width or max(map(len, values), default=0)
    return "".join(f"{key:{width}} = {_written(value)}\n" for key, value in values.items())


def _written(value: Any) -> str:
    import tomlkit

    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_written(one)}' for key, one in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    plain = _clean(value) if isinstance(value, str) else value
    return str(tomlkit.item(plain).as_string())


def _laid_out(document: Document, value: Any) -> Any:
    """*value* as it is put into *document*: in the house's layout, if that keeps any."""
    import tomlkit

    if type(document) is dict:
        return dict(value) if isinstance(value, Mapping) else value
    return tomlkit.value(_written(value))


def _stretches(text: str) -> Iterator[tuple[str, int, int]]:
    """
    The head of *text*, called "", and each [[table]]: name, first line (from 0), the one after the last.

    Empty lines and comments after its last value are not counted to it.
    """
    hidden = _HIDING.sub(lambda one: re.sub(r"[^\n]", "#" if one[0][0] == "#" else "_", one[0]), text)
    lines, depth, headers = hidden.split("\n"), 0, [("", 0)]
    for number, (line, plain) in enumerate(zip(lines, text.split("\n"), strict=True)):
        if depth == 0 and line.lstrip().startswith("[") and (found := _HEADER.match(plain)):
            if found[3] == "]":  # else a table inside one
                headers.append((found[2] if found[1] == "[[" else "", number))
        else:
            depth += sum(map(line.count, "[{")) - sum(map(line.count, "]}"))
    for (name, start), (_next, end) in zip(headers, [*headers[1:], ("", len(lines))], strict=True):
        last = end
        while last > start and (not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#")):
            last -= 1
        yield name, start, last


def append_line(path: Path, line: str) -> None:
    """
    Add *line* to the end of *path*, on the disk when this returns; the file is made if it is not there.

    A power cut leaves the line whole or torn; a torn one is ended by the next that comes. Line ends in
    it become spaces. Raises BroadcasterError if it cannot be written.
    """
    text = " ".join(line.splitlines()) + "\n"
    with _told(str(path)):
        for folder in reversed([one for one in path.parents if not one.exists()]):
            folder.mkdir(exist_ok=True)
            _sync(folder.parent)
        with path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            if end:
                file.seek(end - 1)
            torn = end and file.read(1) != b"\n"
            rest = memoryview((("\n" if torn else "") + text).encode())
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        if not end:
            _sync(path.parent)


def _script(name: str) -> str:
    return f"audio/{name}/script.toml"


def _item(document: Document, script: str, name: str, *, add: bool) -> Document:
    """The item *name*; with *add* a new one at the end if there is none."""
    import tomlkit

    items = document.get("item", [])
    if not isinstance(items, list) or not all(isinstance(one, MutableMapping) for one in items):
        raise _no_table(script, "item")
    if add and IDENTIFIER.fullmatch(name) and all(one.get("id") != name for one in items):
        if not items:
            document["item"] = tomlkit.aot()
        items = document["item"]
        items.append(_new_item(name, {}))
    found: Document | None = next((one for one in items if one.get("id") == name), None)
    if found is not None:
        return found
    names = [str(one.get("id")) for one in items]
    following = say("Known are: {known}.", known=", ".join(names) or "–")
    raise BroadcasterError(
        Fault(
            _script(script),
            say("An item's id is small letters, digits and hyphens, not “{item}”.", item=name)
            if add
            else say("The script has no item “{item}”.", item=name),
            did_you_mean(name, names, following),
        )
    )


def _new_item(name: str, texts: Mapping[str, str], pause: float | None = None) -> Any:
    """An item with a blank line before it, as in the sample station."""
    import tomlkit

    item, text = tomlkit.table(), tomlkit.table()
    item["id"] = name
    if pause is not None:
        item["pause"] = pause
    for language, words in texts.items():
        text[language] = _string(words)
    item["text"] = text
    item.trivia.indent = "\n"
    return item


def _no_table(script: str, key: str) -> BroadcasterError:
    return BroadcasterError(
        Fault(
            _script(script),
            say("“{key}” is not a list of tables.", key=key)
            if key == "item"
            else say("“{key}” is not understood: it is no table.", key=key),
            say("Mend that by hand: broadcaster script edit {script}.", script=script),
        )
    )


def _clean(text: str) -> str:
    """*text* as it can be written, and as the loader will have it."""
    whole = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", whole)


def _string(text: str) -> Any:
    """*text* in quotes; of several lines, between lines of three quotes."""
    import tomlkit

    text = _clean(text)
    if "\n" not in text.strip():
        return tomlkit.string(text.strip())
    body = tomlkit.string(text.strip("\n") + "\n", multiline=True).as_string()
    return tomlkit.value(f'"""\n{body[3:]}')


def _stem(key: str) -> str:
    name = unicodedata.normalize("NFC", key)
    return name.rpartition(".")[0] if "." in name else name


def _read(station: Path, name: str) -> str:
    try:
        return as_text(name, (station / name).read_bytes())
    except OSError as error:
        raise BroadcasterError(unread(name, error)) from error


def as_text(name: str, data: bytes) -> str:
    """*data* of the file *name* as the loader has it; what that cannot read is refused in its words."""
    text = ""
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n")
        text = unicodedata.normalize("NFC", text)
        text += "" if text.endswith("\n") else "\n"  # what is added begins on a line of its own
        tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BroadcasterError(unread(name, error, text)) from error
    return text


def _change(station: Path, name: str, change: Callable[[Document], None], *, make: bool = False) -> bool:
    """Let *change* work on the file *name*, and write it if that changed what it says."""
    path = (station / name).resolve()  # a link stays a link
    with _told(name), alone(path.parent):
        before = "" if make and not path.exists() else _read(station, name)
        after = _changed(name, before, change)
        if after != before:
            _write(path, after if before else after.lstrip("\n"))
        return after != before


def _changed(name: str, text: str, change: Callable[[Document], None]) -> str:
    """
    *text* after *change*.

    It is read back, and must say what *change* makes of the plain values: a library that stumbles over
    an unusual layout spoils no file.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    wanted = tomllib.loads(text)
    change(wanted)
    if wanted == tomllib.loads(text):
        return text
    try:
        document = tomlkit.parse(text)
        change(document)
        after = tomlkit.dumps(document)
    except (TOMLKitError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        after = text
    return _well(name, text, change, after)


def _well(name: str, text: str, change: Callable[[Document], None], after: str) -> str:
    """*after*, if it says what *change* makes of the plain values of *text*."""
    wanted = tomllib.loads(text)
    change(wanted)
    try:
        well = tomllib.loads(after) == wanted
    except ValueError:
        well = False
    if not well:
        raise BroadcasterError(
            Fault(
                name,
                say("The file is laid out so unusually that a command cannot change it."),
                say("Change it in an editor; nothing was written."),
            )
        )
    return after


def _new_folder(station: Path, name: str, text: str) -> None:
    folder = station / "audio" / name
    if not IDENTIFIER.fullmatch(name) or name in ("chimes", "beds"):
        raise BroadcasterError(
            Fault(
                name,
                say("A script's folder is named with small letters, digits and hyphens."),
                say("Choose another name, such as “bhxh-tu-nguyen”."),
            )
        )
    with _told(str(folder.relative_to(station))):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with alone(folder.parent):
            if folder.exists():
                raise BroadcasterError(
                    Fault(
                        str(folder.relative_to(station)),
                        say("There is something in this place already."),
                        say("Choose another name, or change that one: broadcaster script edit."),
                    )
                )
            aside = folder.with_name(f".{name}.part")  # hidden: the loader never sees half a script
            aside.mkdir(exist_ok=True)
            _write(aside / "script.toml", text)
            aside.rename(folder)
            _sync(folder.parent)


def _encoded(before: bytes, text: str) -> bytes:
    """*text* with the line ends and byte order mark of *before*."""
    if b"\r\n" in before:
        text = text.replace("\n", "\r\n")
    return text.encode("utf-8-sig" if before.startswith(b"\xef\xbb\xbf") else "utf-8")


def _write(path: Path, text: str) -> None:
    """*text* into *path*, whole or not at all; mode, owner, line ends and byte order mark stay."""
    _put(path, _encoded(path.read_bytes() if path.exists() else b"", text))


def _put(path: Path, data: bytes) -> None:
    """*data* into *path*, whole or not at all; mode and owner stay."""
    aside = path.with_name(f".{path.name}.part")
    try:
        with aside.open("wb") as file:
            file.write(data)
            if path.exists():
                stat = path.stat()
                with suppress(PermissionError):
                    os.fchown(file.fileno(), stat.st_uid, stat.st_gid)
                os.fchmod(file.fileno(), stat.st_mode & 0o7777)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
        _sync(path.parent)
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else changes files in *folder* through this module meanwhile."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _told(where: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BroadcasterError(
            Fault(
                where,
                say("The file cannot be written: {error}.", error=said(error)),
                say("See that you may write there, and that the disk is neither full nor read-only."),
            )
        ) from error
