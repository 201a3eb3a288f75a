"""Changes the files that officers wrote; their comments and layout stay."""

import fcntl
import os
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from broadcaster.model.errors import BroadcasterError, Fault, said, say, unread
from broadcaster.model.script import IDENTIFIER, Item

Document = MutableMapping[str, Any]


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
    meant = get_close_matches(name, names, 1)
    raise BroadcasterError(
        Fault(
            _script(script),
            say("An item's id is small letters, digits and hyphens, not “{item}”.", item=name)
            if add
            else say("The script has no item “{item}”.", item=name),
            say("Did you mean “{meant}”?", meant=meant[0])
            if meant
            else say("Known are: {known}.", known=", ".join(names) or "–"),
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
    """The text of *name* as the loader has it; what that cannot read is refused in its words."""
    text = ""
    try:
        text = (station / name).read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        text = unicodedata.normalize("NFC", text)
        text += "" if text.endswith("\n") else "\n"  # what is added begins on a line of its own
        tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
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
        well = tomllib.loads(after) == wanted
    except (TOMLKitError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
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


def _write(path: Path, text: str) -> None:
    """*text* into *path*, whole or not at all; mode, owner, line ends and byte order mark stay."""
    before = path.read_bytes() if path.exists() else b""
    if b"\r\n" in before:
        text = text.replace("\n", "\r\n")
    aside = path.with_name(f".{path.name}.part")
    try:
        with aside.open("wb") as file:
            file.write(text.encode("utf-8-sig" if before.startswith(b"\xef\xbb\xbf") else "utf-8"))
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
