"""Who may open the operator's page, and do what there: var/users.json, with passwords as Argon2 hashes."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING

from broadcaster.model.errors import BroadcasterError, Fault, said, say

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 10  # letters of a password
LONGEST = 1000  # a longer one would only cost time


class Right(IntEnum):
    """What somebody may do on the page; each includes those before it."""

    VIEWER = 1  # look and listen
    OPERATOR = 2  # stop, play, raise and end emergencies
    OFFICER = 3  # bring recordings
    APPROVER = 4  # approve

    @property
    def word(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class User:
    name: str
    right: Right
    stamp: str  # changes with the password: what was signed with an old one is worth nothing


class Users:
    """The file; it is read for each question, so that what a command changes holds at once."""

    def __init__(self, var: Path) -> None:
        self.path = var / "users.json"

    def all(self) -> list[User]:
        """Raises BroadcasterError if the file cannot be read: then nobody is let in."""
        return [_user(name, row) for name, row in sorted(self._rows().items())]

    def check(self, name: str, password: str) -> User | None:
        """The user, if the password is theirs. For a name that is not there it takes as long."""
        from argon2.exceptions import InvalidHashError, VerificationError

        row = self._rows().get(name)
        hasher = _hasher()
        try:
            hasher.verify(row["password"] if row else _NOBODY, password[:LONGEST])
        except (VerificationError, InvalidHashError):
            return None
        return _user(name, row) if row else None

    def add(self, name: str, right: Right, password: str) -> None:
        """Let *name* in from now on; in place of what they had. Raises BroadcasterError."""
        if not name.isprintable() or not name.strip() or len(name) > 60:
            raise BroadcasterError(
                Fault(name[:60], say("This is no user's name."), say("Write a short name, such as lan."))
            )
        if len(password) < SHORTEST:
            raise BroadcasterError(
                Fault(
                    name,
                    say("The password is too short: {count} letters.", count=len(password)),
                    say(
                        "Choose one of {least} letters or more; several words are easy to keep.",
                        least=SHORTEST,
                    ),
                )
            )
        row = {"right": right.word, "password": _hasher().hash(password[:LONGEST])}
        self._write({**self._rows(), name: row})

    def remove(self, name: str) -> bool:
        rows = self._rows()
        if name not in rows:
            return False
        self._write({other: row for other, row in rows.items() if other != name})
        return True

    def _rows(self) -> dict[str, Mapping[str, str]]:
        try:
            rows = json.loads(self.path.read_text("utf-8"))
            for row in rows.values():
                Right[row["right"].upper()], row["password"].encode()
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise BroadcasterError(
                Fault(
                    str(self.path),
                    say("The list of users cannot be read ({reason}).", reason=said(error)),
                    say("Delete the file and add the users again: broadcaster user add."),
                )
            ) from error
        return dict(rows)

    def _write(self, rows: Mapping[str, Mapping[str, str]]) -> None:
        part = self.path.with_name(f".{self.path.name}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                part.unlink()
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(rows, file, ensure_ascii=False, indent=2)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        except OSError as error:
            raise BroadcasterError(
                Fault(
                    str(self.path),
                    say("The list of users cannot be written ({reason}).", reason=said(error)),
                    say(
                        "See that the disk is not full or read-only and that you may write to var/ (doctor)."
                    ),
                )
            ) from error


_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$8Eh0WjWONVgVLgWGUSyH2Q$ryQ7Pq0lTkiAmIkbxFrbm8zmENkn+BbYFv+rklCwgc8"


def _hasher() -> "PasswordHasher":
    """Of the weight that OWASP advises at the least: a small machine serves one login at a time."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def _user(name: str, row: Mapping[str, str]) -> User:
    return User(name, Right[row["right"].upper()], row["password"][-16:])
