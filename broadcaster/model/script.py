"""The words of one message."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .errors import Text, say

LANGUAGES = {  # those that messages call by name
    "vi": say("Vietnamese"),
    "hmn-Latn-VN": say("Mông"),
    "blt-Latn-VN": say("Thái (Tai Dam)"),
    "twh-Latn-VN": say("Thái (Tai Dón)"),
    "und": say("a file"),  # undetermined: a sound file that was put on air by hand
}
GROUPS = ("everyone", "farmers", "households", "small-traders", "cooperative-members", "village-officers")
SYLLABLES_PER_SECOND = 3.0  # an announcer outdoors; what a text is taken to last until it is recorded


def called(language: str) -> Text | str:
    """The name of a language in words, or its tag."""
    return LANGUAGES.get(language, language)


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
        return len(words.split()) / SYLLABLES_PER_SECOND


@dataclass(frozen=True)
class Script:
    id: str
    title: str
    group: str
    items: Sequence[Item]
    chime: str | None = None
    bed: str | None = None
