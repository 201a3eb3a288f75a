"""Vietnamese or English: by --lang, else the locale; Vietnamese where neither says English."""

import gettext
import logging
import os
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path

from broadcaster.model.errors import BroadcasterError, Fault, Text

__all__ = ["_", "choose", "tr", "use"]

DOMAIN = "broadcaster"
LANGUAGES = ("vi", "en")


def _(message: str) -> str:
    """*message* in the language in use."""
    return _known(message, gettext.textdomain(), os.environ.get("LANGUAGE"))


@cache
def _known(message: str, _domain: str, _language: str | None) -> str:
    """What gettext says; it looks for its catalogue on the disk for each message."""
    return gettext.gettext(message)


def choose(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The language that the command line or the environment asks for."""
    asked = ""
    for index, argument in enumerate(arguments):
        name, _equals, value = argument.partition("=")
        if name == "--lang":
            asked = value or "".join(arguments[index + 1 : index + 2])
    wanted = [
        asked,
        *(environ.get(name, "") for name in ("BROADCASTER_LANG", "LC_ALL", "LC_MESSAGES", "LANG")),
    ]
    named = next((one for one in wanted if one), "")
    return "en" if named.lower().startswith("en") else "vi"


def use(language: str) -> None:
    """From here on gettext, and with it the command line library's own words, speaks *language*."""
    os.environ["LANGUAGE"] = language
    gettext.bindtextdomain(DOMAIN, str(Path(__file__).parent.parent / "locale"))
    gettext.textdomain(DOMAIN)


def code() -> str:
    """The language in use, as pages name it."""
    return os.environ.get("LANGUAGE", "vi")


def tr(text: Text | str) -> str:
    """*text* in the reader's language."""
    if isinstance(text, str):
        return text
    values = {name: _told(value) for name, value in text.values.items()}
    return _(text.template).format(**values) if values else _(text.template)


class InTheirLanguage(logging.Filter):
    """What is logged, in the reader's language."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.msg, Text):
            record.msg = tr(record.msg)
        if isinstance(record.args, tuple):
            record.args = tuple(map(_said, record.args))
        return True


def _said(value: object) -> object:
    match value:
        case BroadcasterError():
            return "; ".join(str(_said(one)) for one in value.faults)
        case Fault():
            where = f"{value.place}: " if value.where else ""
            return f"{where}{tr(value.what)} {tr(value.next)}"
    return _told(value)


def _told(value: object) -> object:
    """*value* as it stands in a sentence: days as in tables."""
    if isinstance(value, Text):
        return tr(value)
    if isinstance(value, datetime):
        return f"{value:%H:%M:%S %d/%m/%Y}" if value.second else f"{value:%H:%M %d/%m/%Y}"
    return f"{value:%d/%m/%Y}" if isinstance(value, date) else value
