"""Files, folders and .zip files of any origin -> recordings: named, judged, and put in their place."""

import errno
import os
import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from difflib import get_close_matches
from io import BufferedReader, FileIO
from pathlib import Path, PurePosixPath
from secrets import token_hex
from tempfile import TemporaryDirectory

from broadcaster.clip import listen
from broadcaster.edges.content import CLUTTER
from broadcaster.edges.editing import alone, note_recording
from broadcaster.edges.sandbox import Sandbox
from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say, unread
from broadcaster.model.judgement import Finding, Heard, Judgement, Verdict, judge
from broadcaster.model.script import LANGUAGES, MEANT, TAG, UNDETERMINED, Script, language_fault
from broadcaster.model.typed import plain

MOST_FILES = 2000  # in a folder or a .zip: a whole season has a few hundred
LARGEST = 1 << 30  # bytes of a file; three hours of WAV
LARGEST_ZIP = 2 << 30  # bytes, unpacked
LONGEST_LIST = 1 << 20  # bytes of a .zip's own list of files; 2000 take a third of it
RATIO = 200  # times its packed size; sound hardly packs, and only what is made to do harm packs better
SMALL = 1 << 20  # bytes; what unpacks to less does no harm
A_DAY = 86_400  # seconds
KEPT_FREE = 200 << 20  # bytes of the disk; the play log must always find room
ENDINGS = {  # by the container that was found in the file; others can name more files than this one
    "aac": ".aac",
    "ac3": ".ac3",
    "aiff": ".aiff",
    "amr": ".amr",
    "amrnb": ".amr",
    "amrwb": ".amr",
    "asf": ".wma",
    "au": ".au",
    "avi": ".avi",
    "caf": ".caf",
    "flac": ".flac",
    "matroska,webm": ".webm",
    "mov,mp4,m4a,3gp,3g2,mj2": ".m4a",
    "mp3": ".mp3",
    "mpeg": ".mpg",
    "mpegts": ".ts",
    "ogg": ".ogg",
    "w64": ".w64",
    "wav": ".wav",
}
_NO_ZIP = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Source:
    """A file, or one in a .zip. `name` is what people are told, `place` tells item, area and language."""

    name: str
    path: Path
    place: PurePosixPath
    entry: zipfile.ZipInfo | None = None


@dataclass(frozen=True)
class Target:
    """What a recording is of."""

    script: str
    language: str
    item: str
    area: str | None = None

    @property
    def stem(self) -> str:
        return f"{self.item}@{self.area.replace('/', '+')}" if self.area else self.item


@dataclass(frozen=True)
class Checked:
    """What became of one file; `path` is where it was put, below the station's folder."""

    name: str
    judgement: Judgement
    heard: Heard | None = None
    path: str | None = None


def unusable(name: str, faults: Iterable[Fault]) -> Checked:
    """A file that cannot be judged, or not be placed."""
    reasons = (
        Finding(
            "unusable",
            fault.what if fault.where == name else say("{where}: {what}", where=fault.where, what=fault.what),
            fault.next,
        )
        for fault in faults
    )
    return Checked(name, Judgement(Verdict.REFUSED, tuple(reasons)))


# Finding


def find(paths: Iterable[Path]) -> list[Source | Fault]:
    """Every file in *paths* (files, folders with what is in them, .zip files), and why the rest is none."""
    found: list[Source | Fault] = []
    for path in paths:
        empty = Fault(
            _shown(path), say("There is no file in it."), say("Choose the folder or .zip of the recordings.")
        )
        found += list(_found(path)) or [empty]
    return found


def _found(path: Path) -> Iterator[Source | Fault]:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        yield unread(_shown(path), error)
        return
    if stat.S_ISDIR(mode):
        yield from _in_folder(path)
    elif stat.S_ISREG(mode) and path.suffix.lower() == ".zip":
        yield from _in_zip(path)
    else:
        yield _file(path, PurePosixPath(path.absolute().parent.name, path.name))


def _file(path: Path, place: PurePosixPath) -> Source | Fault:
    """*path*, if it is a file that can be read to an end."""
    try:
        if stat.S_ISREG(path.stat().st_mode):
            return Source(_shown(path), path, place)
    except OSError as error:
        return unread(_shown(path), error)
    return _no_file(_shown(path))


def _in_folder(top: Path) -> Iterator[Source | Fault]:
    faults: list[Fault] = []
    files: list[Path] = []
    walk = os.walk(top, onerror=lambda error: faults.append(unread(_shown(error.filename), error)))
    for folder, inner, names in walk:
        inner[:] = sorted(name for name in inner if not _clutter(name))
        files += [Path(folder, name) for name in sorted(names) if not _clutter(name)]
        if len(files) > MOST_FILES:
            yield _too_many(_shown(top))
            return
    yield from faults
    for path in files:
        if path.suffix.lower() == ".zip":
            yield Fault(_shown(path), say("This is a .zip in a folder."), say("Name the .zip itself."))
        else:
            yield _file(path, PurePosixPath(top.absolute().name, path.relative_to(top).as_posix()))


def _in_zip(path: Path) -> Iterator[Source | Fault]:
    name = _shown(path)
    try:
        with _Careful(path) as file, zipfile.ZipFile(file) as packed:
            entries = [one for one in packed.infolist() if not one.filename.endswith("/")]
    except OSError as error:
        yield unread(name, error)
        return
    except _NO_ZIP:
        yield _damaged_zip(name)
        return
    if len(entries) > MOST_FILES:
        yield _too_many(name)
        return
    if sum(entry.file_size for entry in entries) > LARGEST_ZIP:
        yield Fault(name, say("It unpacks to more than 2 GB."), say("Put fewer recordings into one .zip."))
        return
    seen = set[str]()
    for entry in entries:
        inner = _entry_name(entry)
        if any(map(_clutter, inner.split("/"))):
            continue
        where = f"{name}/{_shown(inner)}"
        fault = _entry_fault(entry, inner)
        if inner in seen:
            fault = say("There are two files of this name in the .zip."), say("Keep one of the two.")
        seen.add(inner)
        place = PurePosixPath(path.stem, inner)
        yield Fault(where, *fault) if fault else Source(where, path, place, entry)


def _entry_name(entry: zipfile.ZipInfo) -> str:
    """Its name as it was typed; a Mac writes UTF-8 and does not say so."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    return unicodedata.normalize("NFC", name)


def _entry_fault(entry: zipfile.ZipInfo, name: str) -> tuple[Text, Text] | None:
    """Why a file in a .zip is not taken out of it."""
    plain = say("Pack the recordings anew as an ordinary .zip, or name the files themselves.")
    if not name or ".." in name.split("/") or re.match(r"/|[A-Za-z]:", name) or "\\" in name:
        return say("It has no plain name."), plain
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG):
        return say("This is not a file, but a link or a device."), plain
    if entry.flag_bits & 1:
        return say("It is protected by a password."), plain
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return say("It is packed in a way that cannot be read here."), plain
    if entry.file_size > max(SMALL, RATIO * entry.compress_size):
        return say("It unpacks to many times its size: this is no recording."), say("Leave it out.")
    if name.lower().endswith(".zip"):
        return say("This is a .zip in a .zip."), say("Unpack the outer one, and name the inner one itself.")
    return None


class _Careful(BufferedReader):
    """A file of which never much is read at a time, though it claims that its list of files is long."""

    def __init__(self, path: Path) -> None:
        super().__init__(FileIO(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)))

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(LONGEST_LIST if size is None or size < 0 else min(size, LONGEST_LIST))


def _clutter(name: str) -> bool:
    """Is it what people do not know of?"""
    return name.lower() in CLUTTER | {"__macosx"} or (name.startswith(".") and name not in (".", ".."))


def _shown(name: object) -> str:
    """*name* without what would spoil a line or a terminal."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for letter in unicodedata.normalize("NFC", str(name))
    )


def _no_file(where: str) -> Fault:
    return Fault(where, say("This is not a file."), say("Choose audio files, a folder of them, or a .zip."))


def _too_many(where: str) -> Fault:
    return Fault(
        where,
        say("There are more than {count} files in it.", count=MOST_FILES),
        say("Choose the folder or .zip of the recordings."),
    )


def _damaged_zip(where: str) -> Fault:
    return Fault(where, say("The .zip is damaged."), say("Copy or pack it again."))


# Naming


def identify(
    source: Source,
    script: Script,
    languages: Iterable[str],
    areas: Iterable[str],
    given: Mapping[str, str | None],
) -> Target:
    """
    What *source* is a recording of: by what is *given* (item, language, area), else by its name and folder.

    `01 Lời chào@03160+nam-po.m4a` is the item loi-chao. *languages* and *areas* are those that are known.
    Raises BroadcasterError.
    """
    faults = []
    stem, _, place = unicodedata.normalize("NFC", source.place.stem).partition("@")
    items, codes = (
        {_folded(item.id): item.id for item in script.items},
        {_folded(code): code for code in areas},
    )
    item = given.get("item") or items.get(_folded(stem)) or items.get(re.sub(r"^\d+-", "", _folded(stem)))
    if item is None:
        meant = get_close_matches(_folded(stem), items, 1)
        faults.append(
            Fault(
                source.name,
                say("The script has no item “{item}”.", item=_shown(stem)),
                say("Did you mean “{meant}”? Rename the file.", meant=meant[0])
                if meant
                else say("Name the file after one of: {items}.", items=", ".join(items.values())),
            )
        )
    area = given.get("area") or codes.get(_folded(place))
    if area is None and place:
        close = get_close_matches(_folded(place), codes, 1)
        faults.append(
            Fault(
                source.name,
                say("The area “{code}” is not in schedules/areas.toml.", code=_shown(place)),
                say("Did you mean “{meant}”?", meant=codes[close[0]])
                if close
                else say("Add it there, or name one of: {codes}.", codes=", ".join(codes.values())),
            )
        )
    language = given.get("language") or _language(source, languages)
    if isinstance(language, Fault):
        faults.append(language)
    if faults or item is None or isinstance(language, Fault):
        raise BroadcasterError(*faults)
    return Target(script.id, language, item, area)


def _language(source: Source, languages: Iterable[str]) -> str | Fault:
    """The language that the nearest folder names."""
    tags = {_folded(tag): tag for tag in (*LANGUAGES, *languages) if tag != UNDETERMINED}
    for folder in reversed(source.place.parts[:-1]):
        if (name := _folded(folder)) in tags:
            return tags[name]
        if TAG.fullmatch(folder):
            return folder
        if name in (*MEANT, "th") and (fault := language_fault(source.name, name)):
            return fault
    return Fault(
        source.name,
        say("It is not said which language is spoken in it."),
        say("Name the language with --language, or put the file into a folder such as hmn-Latn-VN."),
    )


def _folded(name: str) -> str:
    """*name* as ids are written: small letters without accents, hyphens between the words."""
    return re.sub(r"[^a-z0-9]+", "-", plain(name)).strip("-")


# Judging and taking


def check(source: Source, sandbox: Sandbox) -> Checked:
    """Judge *source*; nothing is changed."""
    try:
        with TemporaryDirectory() as folder, _aside(source, Path(folder)) as copy:
            return _judged(source.name, copy, sandbox, None)
    except BroadcasterError as error:
        return unusable(source.name, error.faults)


def take(
    station: Path,
    source: Source,
    target: Target,
    sandbox: Sandbox,
    *,
    expected: float | None = None,
    speaker: str = "",
    replacing: bool = False,
) -> Checked:
    """
    Make *source* a recording of *target*, byte for byte, if it is not refused.

    *expected* is how many seconds its text would take. A recording that is there already is refused, or,
    with *replacing*, kept in var/replaced/. The bytes that were judged are those that are taken.
    """
    home = station / "audio" / target.script
    folder = home / "recordings" / target.language
    try:
        if not folder.resolve().is_relative_to(station.resolve()):
            raise BroadcasterError(
                Fault(
                    source.name,
                    say("A link in {folder} leads out of the station.", folder=folder.relative_to(station)),
                    say("Put a real folder in its place."),
                )
            )
        if (there := _same(folder, target.stem)) and not replacing:
            raise BroadcasterError(_there(source, there))
        with _aside(source, home, KEPT_FREE) as copy:
            checked = _judged(source.name, copy, sandbox, expected)
            if checked.heard is None or checked.judgement.verdict is Verdict.REFUSED:
                return checked
            for left in home.glob(".*.part"):  # by one that was killed
                if left.stat().st_mtime < copy.stat().st_mtime - A_DAY:
                    left.unlink(missing_ok=True)
            to = folder / (target.stem + _ending(checked.heard))
            folder.mkdir(parents=True, exist_ok=True)
            for path in (copy, folder.parent, home):
                _sync(path)
            with alone(home):
                there = _same(folder, target.stem)
                if there and not replacing:
                    raise BroadcasterError(_there(source, there))
                for old in there:
                    _keep(old, station / "var" / "replaced" / target.script / target.language)
                copy.replace(to)
                for old in there:
                    if old != to:
                        old.unlink()
                _sync(folder)
        note_recording(
            station, target.script, f"{target.language}/{to.name}", speaker=speaker, stand_in=False
        )
    except BroadcasterError as error:
        return unusable(source.name, error.faults)
    except OSError as error:
        return unusable(source.name, [_unwritten(source.name, error)])
    return replace(checked, path=str(to.relative_to(station)))


def _there(source: Source, found: list[Path]) -> Fault:
    return Fault(
        source.name,
        say("There is a recording of this already: {name}.", name=_shown(found[0].name)),
        say(
            "To put this one in its place: --replace, or the tick on the page. The old one stays in "
            "var/replaced/."
        ),
    )


def _judged(name: str, copy: Path, sandbox: Sandbox, expected: float | None) -> Checked:
    """Judge the bytes in *copy*, in a process of its own. Raises BroadcasterError where nothing is heard."""
    try:
        heard = listen(sandbox, copy)
    except BroadcasterError as error:
        raise BroadcasterError(*(replace(fault, where=name) for fault in error.faults)) from error
    if heard.container not in ENDINGS:
        raise BroadcasterError(
            Fault(
                name,
                say("This kind of file is not taken: {kind}.", kind=heard.container),
                say("Save it as MP3, M4A or WAV."),
            )
        )
    return Checked(name, judge(heard, expected), heard)


def _ending(heard: Heard) -> str:
    return ".opus" if (heard.container, heard.codec) == ("ogg", "opus") else ENDINGS[heard.container]


@contextmanager
def _aside(source: Source, folder: Path, kept: int = 0) -> Iterator[Path]:
    """
    A hidden copy of *source* in *folder*, under a name that claims nothing; in the end it is gone.

    *kept* bytes of the disk stay free.
    """
    path = folder / f".{token_hex(8)}.part"
    try:
        with path.open("xb") as copy:
            room = shutil.disk_usage(folder).free - kept
            size = 0
            for block in _blocks(source):
                size += len(block)
                if size > LARGEST:
                    raise BroadcasterError(
                        Fault(
                            source.name,
                            say("It is larger than 1 GB."),
                            say("Save it as MP3 or M4A, or cut it to the words of this item."),
                        )
                    )
                if size > room:
                    raise BroadcasterError(
                        Fault(
                            source.name,
                            say("The disk has no room for it."),
                            say("Make room on the disk, then try again (broadcaster doctor)."),
                        )
                    )
                copy.write(block)
        yield path
    except OSError as error:
        raise BroadcasterError(_unwritten(source.name, error)) from error
    finally:
        path.unlink(missing_ok=True)


def _blocks(source: Source) -> Iterator[bytes]:
    """The bytes of *source*. Raises BroadcasterError, also if they change meanwhile."""
    try:
        with _Careful(source.path) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise BroadcasterError(_no_file(source.name))
            if source.entry is None:
                yield from iter(lambda: file.read(SMALL), b"")
            else:
                with zipfile.ZipFile(file) as packed, packed.open(source.entry) as entry:
                    yield from iter(lambda: entry.read(SMALL), b"")
            after = os.fstat(file.fileno())
    except OSError as error:
        outside = error.errno == errno.EINVAL  # a place before the .zip begins
        raise BroadcasterError(
            _damaged_zip(source.name) if outside else unread(source.name, error)
        ) from error
    except _NO_ZIP as error:
        raise BroadcasterError(_damaged_zip(source.name)) from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise BroadcasterError(
            Fault(
                source.name,
                say("It changed while it was read."),
                say("Wait until it is copied or recorded to its end, then try again."),
            )
        )


def _same(folder: Path, stem: str) -> list[Path]:
    """The recordings of the same item, for the same area, whatever their ending."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if not _clutter(path.name) and unicodedata.normalize("NFC", path.stem) == stem
    )


def _keep(old: Path, folder: Path) -> None:
    """A copy of *old* in *folder*, beside those that were kept before."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while (to := folder / f"{old.name}.{number}").exists():
        number += 1
    shutil.copy2(old, to)
    _sync(to)
    _sync(folder)


def _sync(path: Path) -> None:
    """What was written is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwritten(name: str, error: OSError) -> Fault:
    return Fault(
        name,
        say("The recording cannot be written: {error}.", error=said(error)),
        say("See that the disk is neither full nor read-only, and that you may write to the station."),
    )
