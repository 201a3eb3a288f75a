"""What went wrong, in words that can be put into the reader's language."""

import errno
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field


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
    """One thing that is wrong: where, what, and what to do next."""

    where: str
    what: Text
    next: Text
    warning: bool = False  # worth knowing, but nothing is wrong yet

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.next}" if self.where else f"{self.what} {self.next}"


def unread(where: str, error: Exception, text: str = "") -> Fault:
    """Why the content file *where*, with *text* in it, cannot be read."""
    if isinstance(error, tomllib.TOMLDecodeError):
        return _not_toml(where, text, str(error))
    if isinstance(error, UnicodeDecodeError):
        return Fault(where, say("This is not a text file in UTF-8."), say("Save it as UTF-8 text."))
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


def _not_toml(where: str, text: str, error: str) -> Fault:
    """What tomllib says of a place, with the line there and the mistake that it most likely is."""
    place = re.search(r"\(at line (\d+)", error)
    if place is None:
        return Fault(
            where,
            say("This is not valid TOML: something is opened and not closed."),
            say("Look for a quote or a bracket without its partner."),
        )
    line = text.splitlines()[int(place[1]) - 1].strip()
    if re.search(r"(?<![\d:])(\d{1,2}:\d\d|\d:\d\d:\d\d|24:00:00)(?![\d:])", line):
        remedy = say("Write times with two digits each and with seconds, up to 23:59:59: 05:30:00.")
    elif re.search(r"[=\[,]\s*0\d+", line):
        remedy = say("Put codes in quotes: {example}.", example='"03160"')
    else:
        remedy = say("Mend this line: a missing quote, bracket or “=”, or the same key twice.")
    return Fault(f"{where}:{place[1]}", say("This is not valid TOML: {line}", line=line[:60]), remedy)


class BroadcasterError(Exception):
    """The one error that a user sees. It carries every fault found, not only the first."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
