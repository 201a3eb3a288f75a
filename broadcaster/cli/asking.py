"""What officers type as options, or answer when they are asked."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from broadcaster.edges.content.areas import known_areas, read_areas
from broadcaster.edges.content.tables import Reading, Table
from broadcaster.model import typed
from broadcaster.model.errors import BroadcasterError, Fault, Text, say

from . import output
from .language import _, tr

T = TypeVar("T")
First = Annotated[
    str | None,
    typer.Option("--from", metavar=_("DAY"), help=_("The first day, such as 20/11/2026 or 2026-11-20.")),
]
Last = Annotated[str | None, typer.Option("--until", metavar=_("DAY"), help=_("The last day, included."))]
Area = Annotated[list[str] | None, typer.Option(metavar=_("CODE"), help=_("Where; may be given again."))]
Title = Annotated[str | None, typer.Option(help=_("The title, as lists and reports show it."))]

A_DAY = say("a day such as 20/11/2026 or 2026-11-20")
READERS: Mapping[str, tuple[Callable[[str], Any], Text]] = {
    "from": (typed.a_date, A_DAY),
    "until": (typed.a_date, A_DAY),
    "months": (lambda text: typed.some_numbers(text, 1, 12), say("months such as 5,11 or 1-4")),
    "weekdays": (typed.some_weekdays, say("days of the week such as t3,t6 or tue,fri")),
    "days": (lambda text: typed.some_numbers(text, 1, 31), say("days of the month such as 1,15")),
    "times": (typed.some_times, say("times of day such as 05:30,17:30")),
}


def asks() -> bool:
    """Is there a person at a terminal who can answer?"""
    return sys.stdin.isatty() and sys.stdout.isatty()


def values_of(typed_in: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed, as TOML has it; None for what was typed empty: it is to be taken out."""
    values: dict[str, Any] = {}
    faults = []
    for key, value in typed_in.items():
        if value is None:
            continue
        if value in ("", [""], 0):
            values[key] = None
        elif key == "at_least":
            values[key] = {"airings": value, "per": "week"}
        elif key in READERS:
            try:
                values[key] = READERS[key][0](value)
            except ValueError:
                faults.append(_not_understood(f"--{key}", value, READERS[key][1]))
        else:
            values[key] = value if key == "areas" else one_or_all(value)
    if faults:
        raise BroadcasterError(*faults)
    return values


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value}


def one_or_all(value: Any) -> Any:
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def _not_understood(where: str, value: str, wanted: Text) -> Fault:
    what = say("“{key}” is not understood: {value}.", key=where.lstrip("-"), value=value)
    return Fault(where, what, say("Write {wanted}.", wanted=wanted))


def moment(text: str, day: date | None = None) -> datetime:
    try:
        return typed.a_moment(text, day)
    except ValueError:
        raise BroadcasterError(
            Fault(
                text,
                say("This is no day with a time."),
                say('Write 2026-11-20T17:30 or "20/11/2026 17:30".'),
            )
        ) from None


def need(options: Mapping[str, Any]) -> None:
    """Name all that is missing at once."""
    missing = [option for option, value in options.items() if not value]
    if missing:
        raise BroadcasterError(
            Fault(
                "",
                say("This is missing: {options}.", options=", ".join(missing)),
                say("Write it, or give the command in a terminal: there it is asked for."),
            )
        )


def places(station: Path, codes: Sequence[str]) -> None:
    """Raises BroadcasterError if a *station* does not know all of these areas."""
    reading, faults = Reading(station, {}, {}), list[Fault]()
    read_areas(reading)
    known_areas(reading, Table({}, "--area", faults), codes)
    if faults:
        raise BroadcasterError(*faults)


def areas(station: Path, default: str) -> list[str]:
    def read(said: str) -> list[str]:
        codes = said.replace(",", " ").split()
        places(station, codes)
        return codes

    return ask(_("Areas, by code"), default, read)


def answer(question: str, default: str | None, key: str | None = None) -> str:
    """What a person answers; asked again until *key* can be read."""

    def read(said: str) -> str:
        if key is not None and said:
            try:
                READERS[key][0](said)
            except ValueError:
                raise BroadcasterError(_not_understood(key, said, READERS[key][1])) from None
        return said

    return ask(question, default, read)


def ask(question: str, default: str | None, read: Callable[[str], T]) -> T:
    """What *read* makes of an answer; asked again, after the faults that it raises."""
    while True:
        said = typer.prompt(question, default=default, show_default=bool(default))
        try:
            return read(said.strip())
        except BroadcasterError as error:
            for fault in error.faults:
                output.line(f"{tr(fault.what)} {tr(fault.next)}")


def confirm(question: str, *, default: bool) -> bool:
    """Yes or no, in either language whichever is in use."""

    def read(said: str) -> bool:
        word = typed.plain(said)
        if word in ("", "c", "co", "y", "yes", "k", "khong", "n", "no"):
            return word[0] in "cy" if word else default
        raise BroadcasterError(Fault("", say("This is neither yes nor no."), say("Answer y or n.")))

    return ask(f"{question} [{_('Y/n') if default else _('y/N')}]", "", read)
