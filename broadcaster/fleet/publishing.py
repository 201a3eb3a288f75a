"""A province's content → what each station is to have: a signed bundle each, and the files that it names."""

import hashlib
import json
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

from broadcaster.edges import keeping, keys
from broadcaster.model.bundle import Bundle, Change, File, Part, change, concerning
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, unread

KIND = "bundle"


@dataclass(frozen=True)
class Offer:
    """What one station is to have, and what that changes there."""

    station: str
    files: tuple[File, ...]
    change: Change
    again: bool = False  # the station has a newer one than this province remembers

    def __bool__(self) -> bool:
        return self.again or bool(self.change)


class Outbound:
    """What was published last: bundles by station, and files by digest."""

    def __init__(self, folder: Path) -> None:
        self.bundles, self.files, self.stamp = folder / "bundles", folder / "blobs", folder / "published"

    def sealed(self, station: str) -> bytes | None:
        try:
            return (self.bundles / f"{station}.json").read_bytes()
        except FileNotFoundError:
            return None

    def stations(self) -> list[str]:
        return sorted(path.stem for path in self.bundles.glob("[!.]*.json"))

    def bundle(self, station: str, trusted: str) -> Bundle | None:
        """Raises BroadcasterError if it is damaged."""
        data = self.sealed(station)
        return Bundle.of(keys.unseal(data, KIND, [trusted])) if data is not None else None

    def file(self, digest: str) -> Path:
        return self.files / digest


class Publishing:
    """One publication of *content*, which lies in the folder *root*."""

    def __init__(self, root: Path, content: Content, day: date, outbound: Outbound) -> None:
        self._root, self._content, self._day, self._out = root, content, day, outbound
        self._known: dict[str, tuple[str, int] | None] = {}  # digest and size, by path
        self._texts: dict[str, bytes] = {}  # by digest
        self._sources: dict[str, Path] = {}

    def offer(self, station: str, area: str, before: Bundle | None, has: int = 0) -> Offer:
        """What *station* is to have after *before*, where it says that it has revision *has*."""
        parts = concerning(self._content, area, self._day)
        travelling = {PurePosixPath(part.path).with_suffix("").as_posix() for part in parts}
        files = tuple(
            one for part in parts if (one := self._file(self._told_of(part, travelling))) is not None
        )
        return Offer(station, files, change(station, before, files), has > (before.revision if before else 0))

    def _told_of(self, part: Part, travelling: Collection[str]) -> Part:
        """recordings.toml with what it says of recordings that travel; another part as it is."""
        path = self._root / part.source
        if not part.path.endswith("/recordings.toml") or not path.exists():
            return part
        folder = str(PurePosixPath(part.path).parent)
        text = ""
        for name, note in tomllib.loads(path.read_text("utf-8-sig")).items():
            stem = name.rpartition(".")[0] if "." in PurePosixPath(name).name else name
            if f"{folder}/recordings/{stem}" in travelling:
                lines = "".join(
                    f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in note.items()
                )
                text += f"[{json.dumps(name, ensure_ascii=False)}]\n{lines}"
        return Part(part.path, text=text)

    def _file(self, part: Part) -> File | None:
        if part.text is not None:
            data = part.text.encode()
            digest = hashlib.sha256(data).hexdigest()
            self._texts[digest] = data
            return File(part.path, digest, len(data), tuple(part.scripts))
        if part.source not in self._known:
            path = self._root / part.source
            try:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                self._known[part.source] = digest, path.stat().st_size
                self._sources[digest] = path
            except FileNotFoundError:
                self._known[part.source] = None
            except OSError as error:
                raise BroadcasterError(unread(part.source, error)) from error
        known = self._known[part.source]
        return File(part.path, *known, tuple(part.scripts)) if known else None

    def publish(
        self, offers: Iterable[Offer], province: str, seed: str, revision: int, step: Callable[[str], None]
    ) -> None:
        """
        Seal a bundle for each station for which something changes, and keep the files that it names.

        All files are there before any bundle is, so that whoever takes one finds what it needs.
        """
        changing = [one for one in offers if one]
        wanted = {file.digest for one in changing for file in one.files}
        for digest in sorted(wanted):
            if not self._out.file(digest).exists():
                self._keep(digest)
        for one in changing:
            step(one.station)
            bundle = Bundle(province, one.station, revision, one.files)
            keeping.put(self._out.bundles / f"{one.station}.json", keys.seal(seed, KIND, bundle.body))
        keeping.put(self._out.stamp, str(revision).encode())

    def _keep(self, digest: str) -> None:
        if digest in self._texts:
            keeping.put(self._out.file(digest), self._texts[digest])
            return
        data = self._sources[digest].read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:  # it was saved while we looked
            raise BroadcasterError(unread(str(self._sources[digest]), OSError(0, "it changes")))
        keeping.put(self._out.file(digest), data)


def sweep(outbound: Outbound, needed: Iterable[str]) -> None:
    """Take away files that nothing names any more."""
    keep = set(needed)
    for path in outbound.files.glob("*"):
        if path.name not in keep:
            path.unlink()


def named_by(outbound: Outbound, trusted: str) -> Mapping[str, File]:
    """Every file that some bundle names, by digest."""
    bundles = (outbound.bundle(station, trusted) for station in outbound.stations())
    return {file.digest: file for bundle in bundles if bundle is not None for file in bundle.files}
