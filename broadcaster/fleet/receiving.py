"""A bundle → the station's folder: whole or not at all, whatever fails meanwhile; the commune's own stays."""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from broadcaster.edges import keeping, keys
from broadcaster.model.bundle import APPROVALS, Bundle, File, Kept, Taking, merged, taking
from broadcaster.model.errors import BroadcasterError, Fault, Text, say

from .membership import Membership, belongs, folder_of, membership
from .publishing import KIND

SPARE = 200_000_000  # bytes of the disk that are left for the play log
REACHED = "reached.json"  # when the link last had an answer from the province,
REACHED_EVERY = 300.0  # and seconds between two notes of that
LATEST = 10  # refusals that are told

T = TypeVar("T")


class RefusedError(BroadcasterError):
    """It is not taken: not signed, for somebody else, or older than what is here."""


@dataclass(frozen=True)
class Refusal:
    """What was refused, when, and why; told to the province. *lasting*: also when all is well again."""

    at: str
    what: str
    why: str
    lasting: bool


class Receiving:
    """What a station has of its province."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, folder_of(root)
        self._held_file, self._pending = self.folder / "held.json", self.folder / "taking.json"
        self._refused = self.folder / "refused.json"
        self.parts = self.folder / "parts"  # files that are coming in, by digest

    # What is here

    @property
    def _held(self) -> Mapping[str, Any]:
        return keeping.kept(self._held_file, {})  # type: ignore[no-any-return]

    @property
    def revision(self) -> int:
        """Of the bundle that was taken last; 0 for none."""
        return int(self._held.get("revision", 0))

    @property
    def kept(self) -> list[Kept]:
        """What the commune has in place of its province's."""
        return [Kept(one["path"], Text(**one["why"])) for one in self._held.get("kept", ())]

    @property
    def is_taking(self) -> bool:
        """Are files being put in place just now?"""
        return self._pending.exists()

    # A bundle comes in

    def look(self, data: bytes, member: Membership) -> Bundle:
        """
        What a sealed bundle says. Raises RefusedError if it is not for this station, or not from its
        province.
        """
        bundle = unsealed(data, KIND, member, Bundle.of)
        if (bundle.province, bundle.station) != (member.province, member.station):
            what = say("It is meant for {station}.", station=bundle.station)
            raise RefusedError(Fault("", what, say("Give it to that station; nothing of it was used.")))
        if bundle.revision < self.revision:
            what = say("It is older than what is here.")
            raise RefusedError(Fault("", what, say("Have the newest one packed; nothing of it was used.")))
        return bundle

    def wanted(self, bundle: Bundle) -> list[File]:
        """
        The files that must come before *bundle* can be taken. Raises BroadcasterError if the disk is too
        small.
        """
        there = set(self._there().values())
        writing = {one.digest: one for one in self._taking(bundle).write}
        lacking = [one for digest, one in writing.items() if digest not in there and not self._has(one)]
        free = shutil.disk_usage(self.root).free
        if (needed := sum(one.size for one in lacking)) > free - SPARE:
            what = say("There is no room for {megabytes} MB of content.", megabytes=needed // 1_000_000 + 1)
            raise BroadcasterError(Fault(str(self.root), what, say("Make room on the disk.")))
        return lacking

    def changes(self, bundle: Bundle) -> bool:
        """Is it newer than what is here, or is something of it not here any more?"""
        plan = self._taking(bundle)
        return bundle.revision > self.revision or bool(plan.write or plan.delete)

    def _has(self, file: File) -> bool:
        path = self.parts / file.digest
        return path.exists() and path.stat().st_size == file.size

    def take(self, bundle: Bundle) -> Taking:
        """
        Put the files of *bundle* in place, all that it names being in `parts` or here already.

        What is to be done is written down first; a crash on the way is finished by `finish`. Raises OSError.
        """
        with keeping.alone(self.folder):
            plan = self._taking(bundle)
            for one in plan.write:
                if (self.root / one.path).is_dir():
                    what = say("A folder lies where a file of the province belongs.")
                    raise BroadcasterError(Fault(one.path, what, say("Take it away, or rename it.")))
            there = self._there()
            paths = [*(one.path for one in plan.write), *plan.delete]
            plan = replace(plan, before={path: there[path] for path in paths if path in there})
            self._gather(plan.write)
            keeping.keep(self._pending, asdict(plan))
            self._do(plan)
        return plan

    def finish(self) -> None:
        """Go on with what a power cut interrupted."""
        if not self._pending.exists():
            return
        with keeping.alone(self.folder):
            told = keeping.kept(self._pending, None)
            if told is not None:
                self._do(
                    Taking(
                        told["revision"],
                        [File(**one) for one in told["write"]],
                        told["delete"],
                        [Kept(one["path"], Text(**one["why"])) for one in told["kept"]],
                        told["held"],
                        told["before"],
                    )
                )

    def _taking(self, bundle: Bundle) -> Taking:
        return taking(bundle, self._held.get("files", {}), self._there())

    def _there(self) -> dict[str, str]:
        """Every file of content, and its digest."""
        found = {}
        for folder in ("schedules", "audio"):
            for path in sorted((self.root / folder).rglob("*")):
                with suppress(
                    OSError
                ):  # taken away meanwhile, or not to be read: then it is not the province's
                    if path.is_file():
                        found[path.relative_to(self.root).as_posix()] = _digest(path)
        return found

    def _gather(self, files: Iterable[File]) -> None:
        """Have all bytes in `parts`; some are here under another name."""
        self.parts.mkdir(parents=True, exist_ok=True)
        there: dict[str, str] | None = None
        for one in files:
            if not self._has(one):
                there = there or {digest: path for path, digest in self._there().items()}
                keeping.put(self.parts / one.digest, (self.root / there[one.digest]).read_bytes())

    def _do(self, plan: Taking) -> None:
        folders = set[Path]()
        for one in plan.write:
            source, to = self.parts / one.digest, self.root / one.path
            if to.name == APPROVALS:
                own = to.read_text("utf-8") if to.exists() else ""
                data = merged(own, source.read_text("utf-8")).encode()
            elif to.exists() and _digest(to) != plan.before.get(one.path):
                continue  # done before the power was cut, or edited since
            else:
                data = source.read_bytes()
            to.parent.mkdir(parents=True, exist_ok=True)
            keeping.put(to, data, 0o664)
        for path in plan.delete:
            if (self.root / path).exists() and _digest(self.root / path) == plan.before.get(path):
                (self.root / path).unlink()
            folders.add((self.root / path).parent)
        for folder in folders:
            _remove_empty(folder, self.root)
        told = {"revision": plan.revision, "files": plan.held, "kept": [asdict(one) for one in plan.kept]}
        keeping.keep(self._held_file, told)
        shutil.rmtree(self.parts, ignore_errors=True)
        self._pending.unlink(missing_ok=True)
        keeping.settle(self.folder)

    # What was refused

    @property
    def refused(self) -> Sequence[Mapping[str, Any]]:
        return keeping.kept(self._refused, [])  # type: ignore[no-any-return]

    def refuse(self, what: str, error: BroadcasterError, now: datetime, *, lasting: bool = True) -> None:
        """Write down that *what* was refused, so that the province is told."""
        refusal = asdict(Refusal(now.isoformat(timespec="seconds"), what, str(error.faults[0].what), lasting))
        others = [one for one in self.refused if (one["what"], one["why"]) != (what, refusal["why"])]
        with suppress(OSError):  # a full disk: it is in the log all the same
            keeping.keep(self._refused, [*others, refusal][-LATEST:])

    def is_well(self) -> None:
        """All content is here: what kept it away is over."""
        with suppress(OSError):
            if (left := [one for one in self.refused if one.get("lasting", True)]) != self.refused:
                keeping.keep(self._refused, left)


def unsealed(data: bytes, kind: str, member: Membership, read: Callable[[str], T]) -> T:
    """What a sealed document of the province says, as *read* has it. Raises RefusedError."""
    try:
        return read(keys.unseal(data, kind, member.trusted))
    except keys.NotTrustedError as error:
        raise RefusedError(*error.faults) from error
    except ValueError as error:
        what = say("It is signed, but this version does not understand it.")
        raise RefusedError(Fault("", what, say("Update the station."))) from error


def came(path: Path, file: File) -> None:
    """See that what came to *path* is what was promised. Raises RefusedError, and it must come anew."""
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    if digest != file.digest:
        path.unlink()
        what = say("The file is another than the bundle names.")
        raise RefusedError(Fault(file.path, what, say("It is fetched once more.")))


def belonging(root: Path) -> Mapping[str, Any] | None:
    """
    What a station tells of its province: its code, when it was reached last (ISO 8601; None for never),
    what was not taken of its files and why, and what was refused. None if it belongs to none.
    """
    if not belongs(root):
        return None
    reached = keeping.kept(folder_of(root) / REACHED, {}).get("at")
    receiving = Receiving(root)
    kept = [{"path": one.path, "why": str(one.why)} for one in receiving.kept]
    province = membership(root).province
    return {"province": province, "reached": reached, "kept": kept, "refused": receiving.refused}


_digests: dict[tuple[str, int, int], str] = {}


def _digest(path: Path) -> str:
    """Of the bytes of a file; known again as long as it is not written."""
    stat = path.stat()
    key = str(path), stat.st_ctime_ns, stat.st_size
    if key not in _digests:
        with path.open("rb") as file:
            _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _digests[key]


def _remove_empty(folder: Path, root: Path) -> None:
    while root not in (folder, folder.parent):
        try:
            folder.rmdir()
        except OSError:  # something is left in it
            return
        folder = folder.parent
