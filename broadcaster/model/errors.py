"""What went wrong, in words that can be put into the reader's language."""

import errno
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches


@dataclass(frozen=True)
class Text:
    """
    A sentence for a person, kept apart from the values in it.

    `template` is English and the key of the message catalogues; the command line puts it into the
    reader's language. `str()` gives the English sentence.
    """

    template: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.template.format(**self.values) if self.values else self.template


def say(template: str, **values: object) -> Text:
    """Mark *template* for the message catalogues and bind its values."""
    return Text(template, values)


def did_you_mean(name: str, known: Iterable[str], otherwise: Text) -> Text:
    """What to do about *name*, which is none of *known*: the one that is much like it, else *otherwise*."""
    meant = get_close_matches(name, list(known), 1)
    return say("Did you mean “{meant}”?", meant=meant[0]) if meant else otherwise


_SYSTEM = {
    errno.ENOENT: say("it is not there"),
    errno.EACCES: say("this user may not"),
    errno.EPERM: say("this user may not"),
    errno.EISDIR: say("it is a folder"),
    errno.ENOTDIR: say("a part of its path is no folder"),
    errno.EEXIST: say("something is there already"),
    errno.ENOSPC: say("the disk is full"),
    errno.EDQUOT: say("the disk is full"),
    errno.EFBIG: say("the file grew too large"),
    errno.EROFS: say("the disk is read-only"),
    errno.EIO: say("the disk does not work as it should"),
    errno.ELOOP: say("its links lead in a ring"),
}


def said(error: Exception) -> Text | str:
    """What the system says of *error*, in words that can be translated where they are common."""
    number = getattr(error, "errno", None)
    common = _SYSTEM.get(number) if number is not None else None
    return common or getattr(error, "strerror", None) or str(error).strip()


@dataclass(frozen=True)
class Fault:
    """
    One thing that is wrong: where, what, and what to do next.

    `where` is a file, with its table in brackets behind it: `schedules/x.toml [rule 2]`. `at` is the path of
    keys and positions to the place inside the file, ("rule", 1, "times"), and `line` where that stands.
    """

    where: str
    what: Text
    next: Text
    warning: bool = False  # worth knowing, but nothing is wrong yet
    at: tuple[str | int, ...] = ()
    line: int | None = None

    @property
    def file(self) -> str:
        name, toml, _ = self.where.partition(".toml [")
        return name + toml[:-2]

    @property
    def place(self) -> str:
        """`schedules/x.toml:12 [rule 2]`."""
        line = "" if self.line is None else f":{self.line}"
        return self.file + line + self.where[len(self.file) :]

    def __str__(self) -> str:
        return f"{self.place}: {self.what} {self.next}" if self.where else f"{self.what} {self.next}"


def unread(where: str, error: Exception, text: str = "") -> Fault:
    """Why the content file *where*, with *text* in it, cannot be read."""
    if isinstance(error, tomllib.TOMLDecodeError):
        return _not_toml(where, text, str(error))
    if isinstance(error, UnicodeDecodeError):
        if error.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
            what = say("This is not a text file in UTF-8, but in UTF-16, which Notepad calls “Unicode”.")
        else:
            what = say("This is not a text file in UTF-8.")
        return Fault(where, what, say("Save it as UTF-8 text."))
    if isinstance(error, OSError):
        return Fault(
            where,
            say("The file cannot be read: {error}.", error=said(error)),
            say("See that it is there and that you may read it."),
        )
    return Fault(
        where,
        say("A number in it is too long, or its brackets are too deep."),
        say("Take out what does not belong there."),
    )


_LIKELY = (  # what tomllib says, what the line holds beside whole texts: the mistake that it most likely is
    ("", r"[\0-\x08\x0b-\x1f\x7f]", say("There are signs in it that are no text. Take an older copy of it.")),
    (
        "",
        r"[\ufeff\xa0\u200b\u2028]",
        say("An invisible sign stands in this line. Delete the line and type it."),
    ),
    (
        "",
        r"[“”„‟‘’«»]",
        say("These are the quotes of a word processor. Type straight ones: {quotes}.", quotes='"…"'),
    ),
    ("declare", r"^\[(?!\[)", say("Write what may stand there several times with two brackets: [[rule]].")),
    ("overwrite|declare|mutate", "", say("The same key or table is there already. Keep one of the two.")),
    (r"'\\n'", "", say("A quote is opened in this line and not closed.")),
    (
        "Unescaped|hex value",
        "",
        say("Write / instead of the backslash, or put the text between single quotes."),
    ),
    ("Invalid date", r"\d{4}-\d\d-\d\d", say("There is no such day or time. Look at the calendar.")),
    (
        "",
        r"(?<!\d)(\d{1,2}[/.-]\d{1,2}[/.-]\d{4}|\d{4}[/.]\d{1,2}[/.]\d{1,2}|\d{4}-\d-\d|\d{4}-\d\d-\d(?!\d))",
        say("Write dates as year-month-day, without quotes: 2026-11-20."),
    ),
    (
        "",
        r"(?<![\d:])(\d{1,2}:\d\d|\d:\d\d:\d\d|(2[4-9]|[3-9]\d):\d\d:\d\d|\d\d:[6-9]\d:\d\d|\d{1,2}(h|giờ)\d{0,2})(?![\d:])",
        say("Write times with two digits each and with seconds, up to 23:59:59: 05:30:00."),
    ),
    ("", r"[=\[,]\s*0\d+(?![\d:.-])", say("Put codes in quotes: {example}.", example='"03160"')),
    ("", r"=\s*[+-]?\d+,\d+$", say("Write a point, not a comma: {example}.", example="0.8")),
    (
        "",
        r"^\[+[^\[\]=]+\]?$|^\[[^\[\]]+\]\]$",
        say("Close as many brackets as are opened: [[rule]], [hours]."),
    ),
    ("Unclosed", "", say("Before this place a comma or a closing bracket is missing.")),
    ("after a key", r"^[^=]+:(\s|$)", say("Write “=” between the key and its value, not a colon.")),
    ("after a key", r"[^\x00-\x7f]", say("Keys have no accents: {example}.", example="title, areas, times")),
    (
        "Invalid value",
        r"[=\[,]\s*[^\W\d]",
        say("Mend this line: words stand in quotes, such as {example}.", example='title = "Tin"'),
    ),
)


def _not_toml(where: str, text: str, error: str) -> Fault:
    """What tomllib says of a place, with the line there and the mistake that it most likely is."""
    lines = text.split("\n")
    place = re.search(r"\(at line (\d+)", error)
    if place is None:
        opening = re.compile(r"\"{3}|'{3}|[\[{=]\s*(#.*)?$")
        return Fault(
            where,
            say("This is not valid TOML: something is opened and not closed."),
            say("Look for a quote or a bracket without its partner."),
            line=next((n for n in range(len(lines), 0, -1) if opening.search(lines[n - 1])), None),
        )
    line = lines[int(place[1]) - 1].strip()[:300]
    rest = re.sub(r"""\s#[^"']*$""", "", re.sub(r""""[^"\0-\x08]*"|'[^'\0-\x08]*'""", '""', line))
    likely = (
        remedy for said, written, remedy in _LIKELY if re.search(said, error) and re.search(written, rest)
    )
    return Fault(
        where,
        say(
            "This is not valid TOML: {line}",
            line="".join(one if one.isprintable() else "·" for one in line[:60]),
        ),
        next(likely, say("Mend this line: a missing quote, bracket or “=”, or the same key twice.")),
        line=int(place[1]),
    )


class BroadcasterError(Exception):
    """The one error that a user sees. It carries every fault found, not only the first."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
