"""What a province's content means for one station: which files it is to have, and what becomes of its own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import PurePosixPath
from typing import Self

from .approval import Approval
from .area import Area, AreaKind
from .content import Content
from .errors import Text, say
from .schedule import BulletinClass
from .script import Script

SEASONS = "schedules/seasons.toml"
# Where a station has those of its province, beside its own
AREAS_OF_PROVINCE, SEASONS_OF_PROVINCE = "schedules/areas.province.toml", "schedules/seasons.province.toml"
APPROVALS = "approvals.jsonl"
DICTIONARY = "dictionary.toml"
LARGEST = 500_000_000  # bytes of one file


@dataclass(frozen=True)
class File:
    path: str  # below the station's folder
    digest: str  # SHA-256 of its bytes
    size: int
    scripts: Sequence[str] = ()  # that a schedule names


@dataclass(frozen=True)
class Bundle:
    """All that a station is to have of its province. A later one has a greater `revision`."""

    province: str
    station: str
    revision: int
    files: Sequence[File]

    @property
    def body(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of(cls, body: str) -> Self:
        """Raises ValueError for what is none."""
        try:
            told = json.loads(body)
            files = [
                File(str(one["path"]), str(one["digest"]), int(one["size"]), tuple(map(str, one["scripts"])))
                for one in told["files"]
            ]
            bundle = cls(str(told["province"]), str(told["station"]), int(told["revision"]), files)
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(body[:100]) from error
        paths = [one.path for one in files]
        if not all(map(_is_content, paths)) or len(set(paths)) < len(paths):
            raise ValueError(paths)
        if not all(len(one.digest) == 64 and 0 <= one.size <= LARGEST for one in files):
            raise ValueError(body[:100])
        return bundle


def _is_content(path: str) -> bool:
    """A file below audio/ or schedules/, and none that says what the station itself is."""
    parts = PurePosixPath(path).parts
    odd = any(part in ("..", ".") or part.startswith(".") or not part.isprintable() for part in parts)
    is_own = path in ("schedules/station.toml", "schedules/areas.toml", "schedules/areas.csv", SEASONS)
    within = len(parts) > 1 and parts[0] in ("audio", "schedules")
    return within and not odd and not is_own and str(PurePosixPath(path)) == path and "\\" not in path


# At the province


@dataclass(frozen=True)
class Part:
    """One file for a station: as it is at `source`, or with a `text` of its own."""

    path: str
    source: str = ""
    text: str | None = None
    scripts: Sequence[str] = ()


def concerning(content: Content, commune: str, day: date) -> list[Part]:
    """
    What of a province's *content* concerns a station in *commune*: the schedules for it, what lies above
    or in it; their scripts, and those for emergencies; the recordings that can be heard there; who
    approved what.

    Files that need not be there (recordings.toml) are named all the same.
    """

    def concerns(area: str) -> bool:
        return content.areas.lies_in(commune, area, day) or content.areas.lies_in(area, commune, day)

    schedules = [one for one in content.schedules if any(map(concerns, one.areas))]
    wanted = {script for one in schedules for script in one.scripts}
    files = {f"schedules/{one.id}.toml": one.scripts for one in schedules}
    parts = [Part(path, path, scripts=scripts) for path, scripts in files.items()]
    if any(concerns(area) for season in content.seasons for area in season.areas):
        parts.append(Part(SEASONS_OF_PROVINCE, SEASONS))
    told = [one for one in content.areas if _is_told(one) and concerns(one.code)]
    if told:
        parts.append(Part(AREAS_OF_PROVINCE, text="\n".join(map(_area, told))))
    sounds = set[str]()
    for script in content.scripts.values():
        if script.id not in wanted and script.bulletin_class is not BulletinClass.EMERGENCY:
            continue
        folder = f"audio/{script.id}"
        parts += [Part(path, path) for path in (f"{folder}/script.toml", f"{folder}/recordings.toml")]
        parts.append(Part(f"{folder}/{DICTIONARY}", text=_dictionary(content, script)))
        heard = [one for one in content.recordings if one.script == script.id]
        parts += [Part(one.path, one.path) for one in heard if one.area is None or concerns(one.area)]
        if (given := content.approvals.get(script.id)) is not None:
            lines = [one.line for one in given.history if one.area is None or concerns(one.area)]
            parts.append(Part(f"{folder}/{APPROVALS}", text="".join(f"{line}\n" for line in lines)))
        sounds |= {f"audio/chimes/{script.chime}"} if script.chime else set()
        sounds |= {f"audio/beds/{script.bed}"} if script.bed else set()
    return [*parts, *(Part(path, path) for path in sorted(sounds))]


def _is_told(area: Area) -> bool:
    """Is there more about it than every station knows of Vietnam's areas?"""
    return area.kind is AreaKind.VILLAGE or bool(area.facts)


def _area(area: Area) -> str:
    values = {"code": area.code, "name": area.name, "kind": area.kind.value, "parent": area.parent}
    texts = {key: _quoted(value) for key, value in {**values, **area.facts}.items() if value is not None}
    days = {"from": area.valid_from, "until": area.valid_until}
    lines = texts | {key: day.isoformat() for key, day in days.items() if day is not None}
    return "[[area]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def _dictionary(content: Content, script: Script) -> str:
    """How the voice says what *script* writes, wherever it is broadcast: it was approved so."""
    words = " ".join(text for item in script.items for text in item.text.values())
    entries = {word: how for word, how in content.dictionary_of(script.id).items() if word in words}
    return "".join(f"{_quoted(word)} = {_quoted(how)}\n" for word, how in sorted(entries.items()))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True)
class Change:
    """What a publication changes at a station."""

    station: str
    added: Sequence[File] = ()
    changed: Sequence[File] = ()
    removed: Sequence[str] = ()
    travels: int = 0  # bytes that the station does not have yet

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def change(station: str, before: Bundle | None, files: Sequence[File]) -> Change:
    had = {one.path: one for one in before.files} if before else {}
    known = {one.digest for one in had.values()}
    new = [one for one in files if one.path not in had]
    other = [one for one in files if one.path in had and had[one.path].digest != one.digest]
    travelling = {one.digest: one.size for one in [*new, *other] if one.digest not in known}
    gone = sorted(had.keys() - {one.path for one in files})
    return Change(station, new, other, gone, sum(travelling.values()))


# At the station


@dataclass(frozen=True)
class Kept:
    """A file that stays as the commune has it, though its province has another."""

    path: str
    why: Text


@dataclass(frozen=True)
class Taking:
    """What taking a bundle does to the station's folder."""

    revision: int
    write: Sequence[File] = ()
    delete: Sequence[str] = ()
    kept: Sequence[Kept] = ()
    held: Mapping[str, str] = field(default_factory=dict)  # digest by path: the province's from then on
    before: Mapping[str, str] = field(default_factory=dict)  # the same, of what is written over or deleted


def taking(bundle: Bundle, held: Mapping[str, str], there: Mapping[str, str]) -> Taking:
    """
    What *bundle* does where the files *there* lie (digest by path), of which *held* came from the province.

    What the commune made or changed itself stays. Approvals are only ever added (`merged`): they are
    held, and written, whatever stands there.
    """
    files = {one.path: one for one in bundle.files}
    same = {path for path, one in files.items() if there.get(path) == one.digest}  # whoever brought it
    made = {path for path in there if path not in held and path not in same and not _adds_up(path)}
    edited = {path for path in there if path in held and there[path] != held[path] and not _adds_up(path)}
    own_scripts = {_folder(path) for path in made if path.endswith("/script.toml")}
    kept, left_out = list[Kept](), set[str]()
    for path, one in sorted(files.items()):
        uses_own = [name for name in one.scripts if f"audio/{name}" in own_scripts]
        if _folder(path) in own_scripts:
            left_out.add(path)
            if path.endswith("/script.toml"):
                kept.append(Kept(path, say("The commune has a script of its own of this name.")))
        elif path in made and there[path] != one.digest:
            left_out.add(path)
            kept.append(Kept(path, say("The commune has a file of its own of this name.")))
        elif uses_own:
            left_out.add(path)
            kept.append(
                Kept(
                    path,
                    say("It is not taken: the commune has its own script for it."),
                )
            )
        elif path in edited and there[path] != one.digest:
            kept.append(Kept(path, say("It was changed here, and stays so.")))
    gone = [
        path for path in held if (path in there and path not in files) or (path in left_out and path in held)
    ]
    spared = {_folder(path) for path in made} & {
        _folder(path) for path in gone if path.endswith("/script.toml")
    }
    kept += [
        Kept(f"{folder}/script.toml", say("Its province took it back; recordings of the commune are in it."))
        for folder in sorted(spared)
    ]
    kept += [
        Kept(path, say("Its province took it back; it was changed here, and stays."))
        for path in sorted(edited.intersection(gone))
    ]
    return Taking(
        bundle.revision,
        [
            one
            for path, one in files.items()
            if path not in left_out
            and path not in edited
            and one.digest != (held.get(path) if _adds_up(path) and path in there else there.get(path))
        ],
        sorted(path for path in gone if path not in edited and _folder(path) not in spared),
        kept,
        {path: one.digest for path, one in files.items() if path not in left_out},
    )


def _adds_up(path: str) -> bool:
    return path.endswith(f"/{APPROVALS}")


def _folder(path: str) -> str:
    """A script's folder; "" for what belongs to none."""
    parts = PurePosixPath(path).parts
    is_of_script = len(parts) > 2 and parts[0] == "audio" and parts[1] not in ("chimes", "beds")
    return "/".join(parts[:2]) if is_of_script else ""


def merged(own: str, theirs: str) -> str:
    """Approvals that stand in either, in the order in which they were given."""
    lines = dict.fromkeys(line for line in [*own.splitlines(), *theirs.splitlines()] if line.strip())
    return "".join(f"{line}\n" for line in sorted(lines, key=_given_at))


def _given_at(line: str) -> datetime:
    try:
        return Approval.of(line).at
    except (ValueError, LookupError, TypeError):
        return datetime.min.replace(tzinfo=UTC)  # it approves nothing, and is told when it is read
