"""clock: is it to be trusted, and a person's word that it is."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from broadcaster.edges.clock import EARLIEST, ClockState, SystemClock
from broadcaster.edges.control import NotRunningError, ask
from broadcaster.model.errors import BroadcasterError, Fault
from broadcaster.model.trust import VOUCHED, Distrust, distrust, is_vouched, told, vouch

from . import output
from .here import Here
from .language import _, tr
from .plan import Json


def add_to(app: typer.Typer) -> None:
    app.command(
        "clock",
        help=_("What the machine's clock says, and whether it is trusted. Exit code 1 when it is not."),
    )(clock)


def clock(
    context: typer.Context,
    right: Annotated[
        bool,
        typer.Option(
            "--right", help=_("It is right now: I compared it. Holds until the machine is switched off.")
        ),
    ] = False,
    json: Json = False,
) -> None:
    here: Here = context.obj
    _name, zone = here.place()
    if right:
        _take_word(here)
    seen = look(here, zone, word=right)
    if json:
        output.as_json(
            {
                "now": seen.now.isoformat(),
                "synchronised": seen.state.synchronised,
                "rtc": seen.state.rtc,
                "vouched": seen.vouched,
                "trusted": seen.why is None,
                "distrust": seen.why,
                "what": tr(seen.fault.what) if seen.fault else None,
                "next": tr(seen.fault.next) if seen.fault else None,
            }
        )
    else:
        _tell(seen)
    output.faults([seen.fault] if seen.fault else [])


@dataclass(frozen=True)
class Seen:
    """The clock, and what is known about it."""

    now: datetime
    state: ClockState
    vouched: bool
    floor: datetime  # the last thing that was written down
    why: Distrust | None

    @property
    def fault(self) -> Fault | None:
        return told(self.why, self.now, self.floor) if self.why else None


def look(here: Here, zone: ZoneInfo | None = None, *, word: bool = False) -> Seen:
    """The clock as it is now, in *zone* or the machine's own; *word*: a person just said that it is right."""
    with here.reading() as store:
        marks = store.marks()
    now, state = SystemClock().now().astimezone(zone), SystemClock().state()
    alive = marks.get("alive")
    floor = max(EARLIEST, datetime.fromisoformat(alive)) if alive else EARLIEST
    vouched = word or is_vouched(marks, state.boot)
    why = distrust(now, floor, EARLIEST, state.synchronised, state.rtc, vouched)
    if not word:
        with suppress(NotRunningError):  # a daemon knows more: it saw whether the clock was set meanwhile
            says = ask(here.root, "status", {})["clock"]
            why = Distrust(says) if says else None
    return Seen(now, state, vouched, floor.astimezone(zone), why)


def _take_word(here: Here) -> None:
    """Note that a person says the clock is right. Raises BroadcasterError where it cannot be."""
    now = SystemClock().now().astimezone()
    if now < EARLIEST:
        raise BroadcasterError(told(Distrust.NOT_SET, now, EARLIEST))
    try:
        ask(here.root, "clock", {})
    except NotRunningError:
        with here.writing() as store:
            store.mark(VOUCHED, vouch(SystemClock().state().boot))


def _tell(seen: Seen) -> None:
    output.line(
        _("The clock says: {day} {time}").format(
            day=output.day(seen.now.date()), time=output.clock_time(seen.now)
        )
    )
    for question, answer in (
        (_("A time server sets it"), seen.state.synchronised),
        (_("It goes on when the power fails"), seen.state.rtc),
        (_("Since the machine was switched on, it was said to be right"), seen.vouched),
        (_("It is trusted"), seen.why is None),
    ):
        output.line(f"{question}: {_('yes') if answer else _('no')}")
