"""Small files that are whole or not there: what a station and its province remember beside the play log."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from broadcaster.model.errors import BroadcasterError, Fault, said, say


def put(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write *path*: after a power cut it is what it was, or this."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    settle(path.parent)


def settle(folder: Path) -> None:
    """Have what was renamed in *folder*, or taken out of it, on the disk."""
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def keep(path: Path, value: Any) -> None:
    put(path, json.dumps(value, ensure_ascii=False, indent=1).encode())


def kept(path: Path, otherwise: Any) -> Any:
    """What *path* holds; *otherwise* if there is no such file. Raises BroadcasterError if it is damaged."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return otherwise
    except (OSError, ValueError, RecursionError) as error:
        what = say("The file cannot be read: {error}.", error=said(error))
        raise BroadcasterError(
            Fault(str(path), what, say("Take it from a copy, or take it away."))
        ) from error


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold *folder* against others who change something in it, until the block or this process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)
