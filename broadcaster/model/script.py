"""The words of one message."""

import re
import string
import unicodedata
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import count

from .errors import Fault, Text, say
from .schedule import BulletinClass
from .spoken import spoken
from .typed import plain

VIETNAMESE, UNDETERMINED = "vi", "und"  # the second: a sound file that was put on air by hand
LANGUAGES = {  # those that messages call by name
    "vi": say("Vietnamese"),
    "hmn-Latn-VN": say("Mông"),
    "blt-Latn-VN": say("Thái (Tai Dam)"),
    "twh-Latn-VN": say("Thái (Tai Dón)"),
    UNDETERMINED: say("a file"),
}
TAG = re.compile(r"vi|(?!vi-)[a-z]{2,3}-[A-Z][a-z]{3}(-[A-Z]{2})?")
MEANT = {"vi": "vi", "hmn": "hmn-Latn-VN", "mww": "hmn-Latn-VN", "blt": "blt-Latn-VN", "twh": "twh-Latn-VN"}
IDENTIFIER = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
GROUPS = ("everyone", "farmers", "households", "small-traders", "cooperative-members", "village-officers")
SYLLABLES_PER_SECOND = 3.0  # an announcer outdoors; what a text is taken to last until it is recorded


def called(language: str) -> Text | str:
    """The name of a language in words, or its tag."""
    return LANGUAGES.get(language, language)


def language_fault(where: str, tag: str) -> Fault | None:
    """What is wrong with the language tag *tag*, and which was meant."""
    first = tag.split("-", maxsplit=1)[0]
    if first == "th":
        return Fault(
            where,
            say("“{tag}” is the language of Thailand, not the Thái of Vietnam.", tag=tag),
            say("Write blt-Latn-VN (Tai Dam) or twh-Latn-VN (Tai Dón)."),
        )
    if TAG.fullmatch(tag):
        return None
    meant = MEANT.get(first)
    return Fault(
        where,
        say("The language tag “{tag}” does not name its script.", tag=tag),
        say("Did you mean “{meant}”?", meant=meant)
        if meant
        else say("Write language-Script-COUNTRY, such as hmn-Latn-VN."),
    )


def identifier(text: str, taken: Container[str] = ()) -> str:
    """An id from the first words of *text*, without accents, that is not in *taken*."""
    words = re.findall(r"[a-z0-9]+", plain(re.sub(r"\{[^}]*\}", "", text)))
    stem = "-".join(words[:4])[:40].rstrip("-") or "muc"
    if stem not in taken:
        return stem
    return next(name for number in count(2) if (name := f"{stem}-{number}") not in taken)


@lru_cache(maxsize=4096)
def words_digest(text: str) -> str:
    """What tells one text from another; how it is broken into lines does not matter to what is heard."""
    words = " ".join(unicodedata.normalize("NFC", text).split())
    return sha256(words.encode()).hexdigest()[:32]


def words_mark(text: str) -> str:
    """The same, short enough to stand in a sheet on paper."""
    return words_digest(text)[:8]


def placeholders(text: str) -> tuple[str, ...]:
    """The names in braces in *text*; ValueError where a brace has no partner."""
    return tuple(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def fill(text: str, words: Mapping[str, str]) -> str:
    """*text* with its `{area.name}` and the like replaced; KeyError names the word that is not known."""
    parts = string.Formatter().parse(text)
    return "".join(before + ("" if name is None else words[name]) for before, name, _, _ in parts)


@dataclass(frozen=True)
class Item:
    """One piece of a message, with its text per language; a language may be there as recordings alone."""

    id: str
    text: Mapping[str, str]
    pause: float = 0.8  # seconds of silence after it

    @property
    def seconds(self) -> float:
        """About how long it lasts when it is read."""
        words = next((text for text in self.text.values()), "")
        return len(spoken(words).split()) / SYLLABLES_PER_SECOND


@dataclass(frozen=True)
class Script:
    id: str
    title: str
    group: str
    items: Sequence[Item]
    chime: str | None = None
    bed: str | None = None
    author: str = ""
    bulletin_class: BulletinClass = BulletinClass.NORMAL  # of schedules that do not name one
