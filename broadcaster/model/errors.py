"""What went wrong, in words that can be put into the reader's language."""

import errno
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


class BroadcasterError(Exception):
    """The one error that a user sees. It carries every fault found, not only the first."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
