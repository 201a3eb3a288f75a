"""Is the clock to be trusted? One that is not plays nothing but emergencies."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .errors import Fault, say

STEP = 2.0  # seconds; less between two looks is a leap second or a correction, and harms nothing
VOUCHED = "clock-vouched"  # the mark in the station's memory that says for which run of the machine


class Distrust(StrEnum):
    """Why a clock is not to be trusted."""

    NOT_SET = "not-set"  # it says a time before this program was there
    BEHIND = "behind"  # it says a time before the last thing that was written down
    UNSURE = "unsure"  # nobody knows: no time server, and no clock that went on while the power was off


def distrust(
    now: datetime, floor: datetime, earliest: datetime, synchronised: bool, rtc: bool, vouched: bool
) -> Distrust | None:
    """
    Why a clock that says *now* is not to be trusted; None where it is.

    *floor* is the last thing that was written down, *earliest* the date of this program. Whoever knows the
    time, a time server or a person, is believed against what was written down, not against the calendar.
    """
    if now < earliest:
        return Distrust.NOT_SET
    if synchronised or vouched:
        return None
    if now < floor:
        return Distrust.BEHIND
    return None if rtc else Distrust.UNSURE


def told(why: Distrust, now: datetime, floor: datetime) -> Fault:
    """*why* for a person; the times are told in the zones that they are in."""
    remedy = say(
        "Connect the Internet, which sets the clock, or set it by hand. If it is right: {command}.",
        command="broadcaster clock --right",
    )
    says = f"{now:%Y-%m-%d %H:%M}"
    match why:
        case Distrust.NOT_SET:
            what = say("The clock was not set: it says {now}, before this program was made.", now=says)
            remedy = say("Connect the Internet, which sets the clock, or set it by hand.")
        case Distrust.BEHIND:
            before = f"{floor:%Y-%m-%d %H:%M}"
            what = say("The clock says {now}, but it was {before} already.", now=says, before=before)
        case Distrust.UNSURE:
            what = say(
                "Nobody knows whether the clock is right: no time server set it, "
                "and no clock in the machine went on without power."
            )
    return Fault("", what, remedy)


def vouch(boot: str) -> dict[str, str]:
    """What the mark VOUCHED holds once a person said in the run *boot* of the machine: the clock is right."""
    return {"boot": boot}


def is_vouched(marks: Mapping[str, Any], boot: str) -> bool:
    """Did anyone vouch for the clock in this run of the machine? With the power, what was said is gone."""
    return bool(boot) and marks.get(VOUCHED) == vouch(boot)


@dataclass(frozen=True)
class Look:
    """Both clocks at one moment."""

    now: datetime
    monotonic: float  # seconds

    def step_since(self, before: "Look") -> float:
        """
        Seconds by which wall time was set since *before*: forward above 0, back below; 0.0 up to STEP.

        A machine that slept looks like one whose clock was set forward: it was gone so long.
        """
        step = (self.now - before.now).total_seconds() - (self.monotonic - before.monotonic)
        return step if abs(step) > STEP else 0.0
