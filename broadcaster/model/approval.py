"""Who vouches for which exact words and bytes. Lines are only ever added, so the history stays."""

import json
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self

from .recording import Lack, Recording
from .script import VIETNAMESE, Item, Script, words_digest


class Role(StrEnum):
    """What somebody did for an item. The last two are asked for before it airs; the others are told."""

    AUTHOR = "author"  # wrote the words
    TRANSLATOR = "translator"
    REVIEWER = "reviewer"  # read the words, or the translation, and found them right
    LISTENER = "listener"  # listened to the reading and found it right


@dataclass(frozen=True)
class Bound:
    """Exactly what an approval is for; digests, "" where there is nothing."""

    source: str  # the Vietnamese words
    words: str  # the words in the language itself
    sound: str  # the recording's bytes; "" for words alone
    said: str | None = None  # how the dictionary has the voice say them; None where no voice does


@dataclass(frozen=True)
class Approval:
    """A line of `approvals.jsonl`. One that is revoked takes back what the same role said before."""

    at: datetime
    name: str
    role: Role
    language: str
    item: str
    area: str | None  # of the recording; None for one that is heard everywhere, and for words
    source: str
    words: str
    sound: str
    revoked: bool = False
    said: str | None = None  # as in Bound

    @property
    def line(self) -> str:
        return json.dumps(asdict(self) | {"at": self.at.isoformat()}, ensure_ascii=False)

    @classmethod
    def of(cls, line: str) -> Self:
        """What *line* says; ValueError, TypeError or KeyError if it is none."""
        told = json.loads(line)
        at, role = datetime.fromisoformat(told["at"]), Role(told["role"])
        one = cls(**told | {"at": at, "role": role})
        area = "" if one.area is None else one.area
        words: tuple[object, ...] = (one.name, one.language, one.item, area, one.source, one.words, one.sound)
        words += () if one.said is None else (one.said,)
        if at.tzinfo is None or type(one.revoked) is not bool or any(type(word) is not str for word in words):
            raise ValueError(line)
        return one


class Approvals:
    """Those of one script."""

    def __init__(self, lines: Iterable[Approval] = ()) -> None:
        self.history = tuple(lines)
        self._last = {(one.role, one.language, one.item, one.area): one for one in self.history}

    def last(self, role: Role, language: str, item: str, area: str | None) -> Approval | None:
        """What *role* said last, if it was not taken back."""
        found = self._last.get((role, language, item, area))
        return None if found is None or found.revoked else found

    def taken_back(
        self,
        name: str,
        at: datetime,
        roles: Container[Role],
        *,
        languages: Container[str] | None,
        items: Container[str] | None,
        areas: Container[str | None] | None,
    ) -> list[Approval]:
        """
        The lines that take back what stands, for these roles and (None: all) languages, items and areas.

        Whatever became of the words and recordings themselves: they may come back.
        """
        return [
            replace(one, name=name, at=at, revoked=True)
            for one in self._last.values()
            if not one.revoked
            and one.role in roles
            and (languages is None or one.language in languages)
            and (items is None or one.item in items)
            and (areas is None or one.area in areas)
        ]

    def lack(self, language: str, item: str, area: str | None, now: Bound) -> Lack | None:
        """
        What keeps an item off the air: somebody must have read its words and listened to its reading.

        Words that nobody wrote down (a recording alone) need no reader; words for the voice no listener.
        """
        needed: list[tuple[Role, str | None, Bound]] = []
        if now.words:
            needed.append((Role.REVIEWER, None, Bound(now.source, now.words, "", now.said)))
        if now.sound:
            needed.append((Role.LISTENER, area, now))
        lacks = [
            _lack(self.last(role, language, item, place), language, bound) for role, place, bound in needed
        ]
        return next((lack for lack in (Lack.OUTDATED, Lack.UNAPPROVED) if lack in lacks), None)


def _lack(given: Approval | None, language: str, now: Bound) -> Lack | None:
    if given is None or given.sound != now.sound:
        return Lack.UNAPPROVED
    if given.source != now.source and (language != VIETNAMESE or now.sound):
        return Lack.OUTDATED  # a translation or a reading of words that are others now
    same = (given.source, given.words) == (now.source, now.words)
    return None if same and now.said in (None, given.said or "") else Lack.UNAPPROVED


def bound(
    item: Item, language: str, recording: Recording | None, dictionary: Mapping[str, str] | None = None
) -> Bound:
    """What an approval of *item* in *language* is for now: as *recording* has it, or the voice reads it."""
    text = item.text.get(language, "")
    return Bound(
        _digest(item.text.get(VIETNAMESE, "")),
        _digest(text),
        (recording.digest or "unread") if recording else "",
        None if recording else _said(text, dictionary or {}),
    )


def _said(text: str, dictionary: Mapping[str, str]) -> str:
    """A digest of what *dictionary* changes in *text*; "" where it changes nothing."""
    entries = [f"{word}={said}" for word, said in sorted(dictionary.items()) if word in text]
    return words_digest("\n".join(entries)) if entries else ""


def given(
    script: Script,
    recordings: Iterable[Recording],
    roles: Iterable[Role],
    name: str,
    at: datetime,
    *,
    languages: Container[str],
    items: Container[str],
    areas: Container[str | None] | None = None,
    dictionary: Mapping[str, str] | None = None,
    revoked: bool = False,
) -> Iterator[Approval]:
    """
    The lines that say: *name* did this for *script*, as it is now.

    Words are approved once, recordings one by one; *areas* limits those to places (None: all). A stand-in,
    or what cannot be decoded, is never approved; what was said of it before can be taken back.
    """
    for role in roles:
        for item in script.items:
            if item.id not in items:
                continue
            if role is Role.LISTENER:
                for one in recordings:
                    if (one.script, one.item) != (script.id, item.id) or one.language not in languages:
                        continue
                    if (one.lack is None or revoked) and (areas is None or one.area in areas):
                        now = bound(item, one.language, one)
                        yield Approval(
                            at, name, role, one.language, item.id, one.area, **asdict(now), revoked=revoked
                        )
            else:
                for language in item.text:
                    if language in languages and (role, language == VIETNAMESE) not in _NOT_THEIRS:
                        words = asdict(bound(item, language, None, dictionary))
                        yield Approval(at, name, role, language, item.id, None, **words, revoked=revoked)


_NOT_THEIRS = {(Role.AUTHOR, False), (Role.TRANSLATOR, True)}


def _digest(text: str) -> str:
    return words_digest(text) if text.strip() else ""
