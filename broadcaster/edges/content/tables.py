"""TOML tables and files, read so that every fault in them is told at once."""

import hashlib
import re
import shlex
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import MAXYEAR, date, datetime, time
from pathlib import Path
from stat import S_ISREG
from typing import Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from broadcaster.model import typed
from broadcaster.model.errors import Fault, Text, did_you_mean, say, unread
from broadcaster.model.recording import Measured
from broadcaster.model.schedule import WEEKDAYS, Days
from broadcaster.model.script import IDENTIFIER
from broadcaster.model.station import Span

T = TypeVar("T")
DEEP = re.compile(r"(?:^|[{,])[ \t\[]*[\w\"'-]+(?:[ \t]*\.[ \t]*[\w\"'-]+){50}", re.MULTILINE)  # a key
CLUTTER = {"thumbs.db", "desktop.ini"}  # Windows leaves them in folders
LARGEST_FILE = 1_000_000  # bytes; content files are written by people
MOST_STRANGERS = 20  # unknown keys of a table are told, not all of a file that is something else
NOT_GIVEN: Any = object()


def digest_of(path: Path) -> str:
    """Of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]


class Table:
    """
    One TOML table whose keys are taken one by one; what is left over is not known.

    *at* is its path in the file: keys, and positions from 0.
    """

    def __init__(
        self, data: Mapping[str, Any], where: str, faults: list[Fault], at: tuple[str | int, ...] = ()
    ) -> None:
        self.data, self.where, self.faults, self.at = data, where, faults, at
        self.known: set[str] = set()

    def fault(self, what: Text, following: Text, *inside: str | int) -> None:
        """Report what is wrong with the table, or with what lies *inside* of it."""
        self.faults.append(Fault(self.where, what, following, at=(*self.at, *inside)))

    def take(
        self,
        key: str,
        read: Callable[[Any], T],
        wanted: Text,
        default: T = NOT_GIVEN,
        *,
        secret: bool = False,
    ) -> T:
        """
        The value of *key* as *read* understands it; *wanted* says what that is.

        Faulty values are reported, without what stands there if it is *secret*, and given as the default
        (None where there is none).
        """
        self.known.add(key)
        if key not in self.data:
            if default is NOT_GIVEN:
                self.fault(
                    say("“{key}” is missing.", key=key), say("Write it: {wanted}.", wanted=wanted), key
                )
            return None if default is NOT_GIVEN else default  # type: ignore[return-value]
        try:
            return read(self.data[key])
        except (TypeError, ValueError, LookupError, AttributeError, OSError):
            value = "…" if secret else shown(self.data[key])[:60]
            self.fault(
                say("“{key}” is not understood: {value}.", key=key, value=value),
                (None if secret else likely(key, self.data[key], read))
                or say("Write {wanted}.", wanted=wanted),
                key,
            )
            return None if default is NOT_GIVEN else default  # type: ignore[return-value]

    def text(self, key: str, default: str = NOT_GIVEN) -> str:
        return self.take(key, a_text, say("a text in quotes"), default)

    def choice(self, key: str, choices: Iterable[str], default: str = NOT_GIVEN) -> str:
        choices = list(choices)

        def read(value: Any) -> str:
            if value not in choices:
                raise ValueError(value)
            return a_text(value)

        return self.take(key, read, say("one of: {choices}", choices=", ".join(choices)), default)

    def tables(self, key: str) -> "Iterator[Table]":
        self.known.add(key)
        found = self.data.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            self.fault(
                say("“{key}” is not a list of tables.", key=key),
                say("Write [[{key}]] above each, with two brackets on each side.", key=key),
                key,
            )
            return
        for number, one in enumerate(found, 1):
            names = [name for name in (one.get("id"), one.get("code")) if name and isinstance(name, str)]
            where = f"{self.where} [{key} {[*names, number][0]}]"
            yield Table(one, where, self.faults, (*self.at, key, number - 1))

    def table(self, key: str) -> "Table":
        """The table *key*; of one that is not a table at all only that is said, not all that it lacks."""
        found: dict[str, Any] = self.take(key, a_mapping, say("a table"), {})
        known = isinstance(self.data.get(key, found), dict)
        return Table(found, f"{self.where} [{key}]", self.faults if known else [], (*self.at, key))

    def lacks(self, *keys: str) -> bool:
        """Is none of these lists of tables there? (One that is there but faulty has its own fault.)"""
        return all(self.data.get(key, []) == [] for key in keys)

    def close(self, above: Collection[str] = ()) -> None:
        """Report every key that nobody asked for; those in *above* belong to the top of the file."""
        strangers = [key for key in self.data if key not in self.known]
        for key in strangers[:MOST_STRANGERS]:
            if key in above:
                self.fault(
                    say("“{key}” belongs to the top of the file.", key=key),
                    say("Move it above the first line in square brackets."),
                    key,
                )
                continue
            known = sorted(self.known)
            self.fault(
                say("“{key}” is not known here.", key=key[:60]),
                did_you_mean(key, known, say("Known are: {known}.", known=", ".join(known))),
                key,
            )
        if more := strangers[MOST_STRANGERS:]:
            self.fault(
                say("{count} more keys are not known here.", count=len(more)),
                say("See that this is the right file."),
                more[0],
            )


class Reading:
    """A station's content while it is read."""

    def __init__(
        self, station: Path, measured: Mapping[str, Measured], instead: Mapping[str, str | None]
    ) -> None:
        self.root, self.measured, self.instead = station, measured, instead
        self.faults: list[Fault] = []
        self.area_codes: tuple[str, ...] = ()
        self.left_out: set[str] = set()
        self.missing: list[Fault] = []  # chimes and beds: told, but nothing is left out for them
        self.sounds: dict[str, Mapping[str, str]] = {}  # chimes and beds, by folder
        self.notes: dict[str, Table] = {}  # recordings.toml, by script

    def open(self, path: Path) -> Table | None:
        where, data = self.where(path), self.bytes(path)
        table, text = None, ""
        try:
            if data is not None:
                text = as_read(data)
                if DEEP.search(text):  # Python takes minutes for a key of 20,000 parts
                    raise RecursionError
                table = Table(tomllib.loads(text), where, self.faults)
        except (ValueError, RecursionError) as error:
            self.faults.append(unread(where, error, discreet(text)))
        return table

    def bytes(self, path: Path, largest: int = LARGEST_FILE) -> bytes | None:
        where, data = self.where(path), None
        if (text := self.instead.get(where)) is not None:
            return text.encode()
        try:
            stat = path.stat()
            if not S_ISREG(stat.st_mode):
                self.fault(where, say("This is not a file."), say("Put the right file in its place."))
            elif stat.st_size > largest:
                self.fault(
                    where,
                    say("The file is larger than {limit} MB.", limit=largest // 1_000_000),
                    say("Put the right file in its place."),
                )
            else:
                data = path.read_bytes()
        except OSError as error:
            self.unreadable(where, error)
        return data

    def inside(self, folder: Path) -> list[Path]:
        """What lies in *folder*, by name, but for hidden things; nothing if there is no such folder."""
        found: list[Path] = []
        try:
            found = [
                path for path in folder.iterdir() if path.name.lower() not in CLUTTER and path.name[0] != "."
            ]
        except FileNotFoundError:
            pass
        except OSError as error:
            self.unreadable(self.where(folder), error)
        found = [path for path in found if self.instead.get(self.where(path), "") is not None]
        new = (self.root / name for name, text in self.instead.items() if text is not None)
        found += [path for path in new if path.parent == folder and path not in found]
        found.sort(key=lambda path: nfc(path.name))
        for path in found:
            if not path.name.isprintable():
                self.fault(
                    self.where(folder),
                    say("The name of a file is not text in UTF-8: {name}.", name=ascii(path.name)),
                    say("Rename the file."),
                )
        return [path for path in found if path.name.isprintable()]

    def where(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def unreadable(self, where: str, error: OSError) -> None:
        self.faults.append(unread(where, error))

    def fault(self, where: str, what: Text, following: Text) -> None:
        self.faults.append(Fault(where, what, following))


def read_within(table: Table, *, needed: bool = False) -> Days:
    """The days from “from” until “until”, both included."""
    wanted = say("a date such as 2026-11-20")
    default = NOT_GIVEN if needed else None
    first = table.take("from", a_date, wanted, default)
    last = table.take("until", a_date, wanted, default)
    if first and last and last < first:
        table.fault(
            say("It ends ({last}) before it begins ({first}).", first=first, last=last),
            say("Exchange “from” and “until”."),
            "until",
        )
    return Days(first, last)


def as_read(data: bytes) -> str:
    """The text of a file: no byte order mark, line ends as on Linux, accents as they are typed."""
    text = unicodedata.normalize("NFC", data.decode("utf-8-sig"))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_seen(look: Callable[[], bool]) -> bool:
    """What *look* finds; True where it may not look: opening it will say why."""
    try:
        return look()
    except OSError:
        return True


def nfc(name: str) -> str:
    """*name* as it is typed; file names from a Mac have their accents apart."""
    return unicodedata.normalize("NFC", name)


def repeated(values: Iterable[T]) -> list[T]:
    """What stands in *values* more than once."""
    return [value for value, count in Counter(values).items() if count > 1 and value is not None]


def discreet(text: str) -> str:
    """*text* without the names and passwords that addresses in it carry."""
    lines = []
    for line in text.split("\n"):
        before, sign, rest = line.partition("://" if "://" in line or "smtp" not in line else "=")
        _, at, after = rest.rpartition("@")
        lines.append(f"{before}{sign}…@{after}" if at else line)
    return "\n".join(lines)


def shown(value: Any, depth: int = 2) -> str:
    """*value* about as it was written in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{discreet(value)[:60]}"'
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else "…"  # Python refuses to write out the largest
    if isinstance(value, list):
        return f"[{', '.join(shown(one, depth - 1) for one in value[:20])}]" if depth else "[…]"
    if isinstance(value, dict):
        pairs = [f"{key} = {shown(one, depth - 1)}" for key, one in value.items()] if depth else ["…"]
        return f"{{ {', '.join(pairs)} }}"
    return str(value)


def likely(key: str, value: Any, read: Callable[[Any], Any]) -> Text | None:
    """How to write the *value* of *key* that *read* does not understand, where that can be told."""
    texts = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    said = ", ".join(texts)[:200]
    meant: Any = None
    with suppress(TypeError, ValueError, LookupError, AttributeError, OSError):
        if texts and read is a_date:
            meant = typed.a_date(said)
        elif texts and read is a_moment:
            meant = typed.a_moment(said)
        elif texts and read is some_times:
            meant = typed.some_times(said)
        elif texts and key == "months":
            meant = typed.some_numbers(said, 1, 12)
        elif texts and key == "days":
            meant = typed.some_numbers(said, 1, 31)
        elif re.fullmatch(r"\d+", said):
            meant = read(int(said))
        elif re.fullmatch(r"\d+[,.]\d+", said):
            meant = read(float(said.replace(",", ".")))
        elif texts and read is some_weekdays:
            return say("Write {wanted}.", wanted=shown(typed.some_weekdays(said)))
    if meant is not None:
        return say("Write it so, without quotes: {value}.", value=shown(meant))
    if texts and read is a_relay:
        kind, _, name = said.partition(":")
        if kind in ("line", "card"):
            return say("Did you mean “{meant}”?", meant=f"line:{name or 'default'}")
        if re.match(r"[\w-]+(\.[\w-]+)+(:\d|/|$)", said):
            return say("Did you mean “{meant}”?", meant=f"http://{said}")
    if texts and read is a_flag:
        return say("Write true or false, without quotes.")
    if read is some_times and type(value) is time:
        return say("Put it in brackets: {value}.", value=shown([value]))
    parts = value if isinstance(value, list) else [value]
    if read in (a_text, some_texts) and parts and all(type(one) in (int, str) for one in parts):
        quoted = [shown(one).strip('"') for one in parts]
        if int in map(type, parts):
            return say(
                "Put it in quotes: {value}.", value=shown(quoted if isinstance(value, list) else quoted[0])
            )
    return None


def a_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(value)
    return value


def a_file_name(value: Any) -> str:
    if Path(a_text(value)).name != value or value == "..":
        raise ValueError(value)
    return str(value)


def an_identifier(value: Any) -> str:
    if not IDENTIFIER.fullmatch(a_text(value)):
        raise ValueError(value)
    return str(value)


def some_texts(value: Any) -> tuple[str, ...]:
    return (a_text(value),) if isinstance(value, str) else tuple(a_text(one) for one in a_list(value))


def a_list(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise TypeError(value)
    return value


def a_sink(value: Any) -> str:
    if not re.fullmatch(r"null|file:.+|card:[^#]+(#left|#right)?", a_text(value)):
        raise ValueError(value)
    kind, _, folder = value.partition(":")
    if kind == "file" and (folder.startswith(("/", "~")) or ".." in Path(folder).parts):
        raise ValueError(value)  # it would write outside the station
    return str(value)


def an_input(value: Any) -> str:
    if not re.fullmatch(r"card:[^#]+", a_text(value)):
        raise ValueError(value)
    return str(value)


def a_command(value: Any) -> str:
    if not shlex.split(a_text(value))[0] or "\0" in value:
        raise ValueError(value)
    return str(value)


def a_path(value: Any) -> str:
    if not Path(a_text(value)).is_absolute() or "\0" in value:
        raise ValueError(value)
    return str(value)


def an_address(*schemes: str) -> Callable[[Any], str]:
    """An address in the web that begins with one of *schemes*."""

    def read(value: Any) -> str:
        parts = urlsplit(a_text(value))
        known = parts.scheme in schemes and parts.hostname and parts.port != 0  # raises ValueError itself
        if not known or re.search(r"[^!-~]", value):
            raise ValueError(value)
        return str(value)

    return read


def a_relay(value: Any) -> str:
    """Where a stream is fetched, or an input of the sound card: `line:default`, `line:NAME`."""
    if re.fullmatch(r"line:[!-~]+", a_text(value)):
        return str(value)
    return an_address("http", "https")(value)


def some_mailboxes(value: Any) -> tuple[str, ...]:
    boxes = some_texts(value)
    if not all(re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+", one) for one in boxes):
        raise ValueError(value)
    return boxes


def a_position(value: Any) -> tuple[float, float]:
    latitude, longitude = a_list(value)
    known = {type(latitude), type(longitude)} <= {int, float}
    if not known or not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise ValueError(value)
    return float(latitude), float(longitude)


def a_flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value


def a_mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(value)
    return value


def seconds_up_to(largest: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not 0 <= value <= largest:
            raise ValueError(value)
        return float(value)

    return read


def number_from(least: int, most: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError(value)
        return value

    return read


def numbers_from(least: int, most: int) -> Callable[[Any], frozenset[int]]:
    read = number_from(least, most)
    return lambda value: frozenset(read(one) for one in a_list(value))


def some_weekdays(value: Any) -> frozenset[int]:
    return frozenset(WEEKDAYS.index(one) for one in some_texts(value))


def some_times(value: Any) -> tuple[time, ...]:
    if any(type(one) is not time or one.microsecond for one in a_list(value)):
        raise TypeError(value)
    return tuple(value)


def some_spans(value: Any) -> tuple[Span, ...]:
    spans = tuple(Span(*some_times(pair)) for pair in a_list(value))
    if any(span.start >= span.end for span in spans):
        raise ValueError(value)
    return spans


def a_date(value: Any) -> date:
    if type(value) is not date:
        raise TypeError(value)
    return value


def a_moment(value: Any) -> datetime:
    if type(value) is not datetime or value.tzinfo is not None or value.microsecond:
        raise TypeError(value)
    if value.year == MAXYEAR:  # the plan could not count to the end of its week
        raise ValueError(value)
    return value


def a_zone(value: Any) -> ZoneInfo:
    return ZoneInfo(a_text(value))
