"""The content as it last could be used: what a faulty edit is answered with, after a restart too."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from broadcaster.model.errors import BroadcasterError, Fault, said, say

from . import Loaded

Read = Callable[[Mapping[str, str | None]], Loaded]  # the content, with texts in place of files
SHARED = tuple(
    f"schedules/{name}"
    for name in (
        "station.toml",
        "areas.toml",
        "areas.province.toml",
        "areas.csv",
        "seasons.toml",
        "seasons.province.toml",
    )
)


class LastGood:
    """Keeps the text of each content file of *station* in *folder*, as long as it can be used."""

    def __init__(self, station: Path, folder: Path) -> None:
        self.station, self.folder = station, folder

    def load(self, read: Read) -> Loaded:
        """
        The content; what cannot be used of it is as it last could be, and its faults are told.

        Raises BroadcasterError if the station itself never could be used.
        """
        faults: tuple[Fault, ...] = ()
        shared: dict[str, str] = {}
        try:
            loaded = read(shared)
        except BroadcasterError as error:
            shared = self._texts(SHARED)
            if not shared:
                raise
            faults, loaded = error.faults, read(shared)
        left_out = loaded.left_out | shared.keys()
        kept = shared | self._texts(_files(loaded.left_out))
        before = loaded if kept == shared else read(kept)
        if before.left_out:  # a file that can be read may leave another one without what it names
            before = read(self._texts(self._kept()) | kept)
        return Loaded(before.content, faults or loaded.faults, left_out)

    def remember(self, left_out: Iterable[str]) -> list[Fault]:
        """Keep what can be used now; *left_out* is what cannot. A disk that takes nothing is a fault."""
        bad = _files(left_out)
        if bad:
            bad |= set(SHARED)  # they may be why
        found = {path.relative_to(self.station).as_posix(): path for path in self._files()}
        try:
            for name, path in found.items():
                if name not in bad:
                    _copy(path, self.folder / name)
            for name in self._kept() - found.keys():
                (self.folder / name).unlink()
        except OSError as error:
            return [
                Fault(
                    str(self.folder),
                    say("The last good content cannot be kept: {error}.", error=said(error)),
                    say("See that the disk is neither full nor read-only."),
                )
            ]
        return []

    def _files(self) -> list[Path]:
        places = ("schedules/*.toml", "schedules/*.csv", "audio/*.toml", "audio/*/*.toml")
        return [path for place in places for path in self.station.glob(place) if path.is_file()]

    def _kept(self) -> set[str]:
        return {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if path.is_file()}

    def _texts(self, names: Iterable[str]) -> dict[str, str]:
        found = {}
        for name in names:
            if name not in SHARED and not (self.station / name).exists():
                continue  # it was taken away, and stays away
            with suppress(OSError, UnicodeDecodeError):  # then it is as if it had never been kept
                found[name] = (self.folder / name).read_text("utf-8-sig")
        return found


def _files(left_out: Iterable[str]) -> set[str]:
    """The files that hold what was *left_out*."""
    found = set()
    for name in left_out:
        folder, _, one = name.partition("/")
        if name.endswith(".toml"):
            found.add(name)
        elif folder == "audio":
            found |= {f"audio/{one}/script.toml", f"audio/{one}/recordings.toml"}
        else:
            found.add(f"schedules/{one}.toml")
    return found


def _copy(path: Path, to: Path) -> None:
    data = path.read_bytes()
    if to.exists() and to.read_bytes() == data:
        return
    to.parent.mkdir(parents=True, exist_ok=True)
    aside = to.with_name(f".{to.name}.part")
    with aside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(to)
