"""
Bundles, and rows of play logs, in one file that is carried by hand: what travels by wire, as it travels
there.
"""

import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from broadcaster.edges import keys
from broadcaster.edges.store.arrivals import Batch
from broadcaster.model.bundle import LARGEST, Bundle
from broadcaster.model.errors import BroadcasterError, Fault, say, unread

from .membership import Membership
from .outbox import packed, unpacked
from .publishing import Outbound
from .receiving import Receiving, RefusedError, came

ROWS = "rows"  # the kind of document
LARGEST_TEXT = 50_000_000  # bytes of a document in it
MOST_BATCHES = 10_000


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as file:
            yield file
    except (OSError, zipfile.BadZipFile, EOFError, zipfile.LargeZipFile, NotImplementedError) as error:
        if isinstance(error, OSError):
            raise BroadcasterError(unread(str(path), error)) from error
        what = say("This file is none of ours, or it is cut off.")
        raise BroadcasterError(Fault(str(path), what, say("Copy it to the stick once more."))) from error


@contextmanager
def _written(path: Path) -> Iterator[zipfile.ZipFile]:
    """The file is whole or not there: whoever pulls the stick too early has none."""
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _read(file: zipfile.ZipFile, name: str) -> bytes:
    if file.getinfo(name).file_size > LARGEST_TEXT:
        what = say("This file is none of ours, or it is cut off.")
        raise BroadcasterError(Fault(name, what, say("Copy it to the stick once more.")))
    return file.read(name)


# Content, from the province


def pack(outbound: Outbound, stations: Sequence[str], trusted: str, to: Path) -> int:
    """Write the bundles of *stations* with all their files; tell how many bytes. Raises BroadcasterError."""
    with _written(to) as file:
        digests = set[str]()
        for station in stations:
            bundle, sealed = outbound.bundle(station, trusted), outbound.sealed(station)
            if bundle is None or sealed is None:
                what = say("Nothing was published for it yet.")
                raise BroadcasterError(Fault(station, what, say("First: broadcaster province publish.")))
            file.writestr(f"bundles/{station}.json", sealed)
            digests |= {one.digest for one in bundle.files}
        for digest in sorted(digests):
            file.write(outbound.file(digest), f"blobs/{digest}")
    return to.stat().st_size


def unpack(path: Path, member: Membership, receiving: Receiving) -> Bundle:
    """
    The bundle for this station, with all that it needs put where `Receiving.take` finds it.

    Raises RefusedError or BroadcasterError; then nothing was changed.
    """
    with _opened(path) as file:
        names = set(file.namelist())
        name = f"bundles/{member.station}.json"
        if name not in names:
            known = ", ".join(Path(one).stem for one in sorted(names) if one.startswith("bundles/"))
            what = say("There is nothing in it for {station}.", station=member.station)
            raise RefusedError(Fault(str(path), what, say("It is for: {known}.", known=known or "–")))
        bundle = receiving.look(_read(file, name), member)
        receiving.parts.mkdir(parents=True, exist_ok=True)
        for one in receiving.wanted(bundle):
            if f"blobs/{one.digest}" not in names or file.getinfo(f"blobs/{one.digest}").file_size > LARGEST:
                what = say("The file is not in it: {path}.", path=one.path)
                raise BroadcasterError(Fault(str(path), what, say("Have it packed once more.")))
            with file.open(f"blobs/{one.digest}") as source, (receiving.parts / one.digest).open("wb") as to:
                shutil.copyfileobj(source, to)
            came(receiving.parts / one.digest, one)
        return bundle


# Rows, from a station


def pack_rows(batches: Iterable[Batch], member: Membership, to: Path) -> int:
    """Write rows of the play log, signed by the station; tell how many."""
    rows = 0
    with _written(to) as file:
        about = {"station": member.station, "province": member.province, "join": member.asked}
        digests = []
        for number, batch in enumerate(batches):
            data = packed(batch)
            file.writestr(f"rows/{number:06}", data)
            digests.append(_digest(data))
            rows += len(batch.rows)
        body = json.dumps(about | {"batches": digests})
        file.writestr("rows.json", keys.seal(member.seed, ROWS, body))
    return rows


def sender(path: Path) -> tuple[str, str]:
    """Who says that it is from them, and what they ask to be taken in with, if they do."""
    with _opened(path) as file:
        try:
            told = json.loads(json.loads(_read(file, "rows.json"))["body"])
            return str(told["station"]), str(told["join"])
        except (ValueError, LookupError, TypeError) as error:
            raise _none(path) from error


def unpack_rows(path: Path, station: str, province: str, key: str) -> Iterator[Batch]:
    """The batches in it, if *station* signed them with *key*. Raises BroadcasterError."""
    with _opened(path) as file:
        try:
            told = json.loads(keys.unseal(_read(file, "rows.json"), ROWS, [key]))
            if (told["station"], told["province"]) != (station, province):
                raise ValueError(told["station"])
            for number, digest in enumerate(told["batches"][:MOST_BATCHES]):
                data = _read(file, f"rows/{number:06}")
                if _digest(data) != digest:
                    raise ValueError(number)
                yield unpacked(data, station)
        except (ValueError, LookupError, TypeError) as error:
            raise _none(path) from error


def _none(path: Path) -> BroadcasterError:
    what = say("This is no report of a station, or it was altered.")
    return BroadcasterError(Fault(str(path), what, say("Have it packed once more; nothing of it was used.")))


def _digest(data: bytes) -> str:
    from hashlib import sha256

    return sha256(data).hexdigest()
