"""What happened to an occurrence: the play log's record, and what counts as an airing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

AIRED_SHARE = 0.9  # an airing is an occurrence whose programme sounded to at least this part


class Outcome(StrEnum):
    AIRED = "aired"
    CUT = "cut"
    MISSED = "missed"
    DISPLACED = "displaced"
    WITHHELD = "withheld"
    FAILED = "failed"


LOST = frozenset({Outcome.CUT, Outcome.MISSED, Outcome.DISPLACED, Outcome.FAILED})  # made good under a quota


def outcome_of(length: float, seconds: float) -> Outcome:
    """What a broadcast of *length* seconds is when *seconds* of it sounded."""
    if seconds <= 0:
        return Outcome.FAILED
    return Outcome.AIRED if seconds >= AIRED_SHARE * length else Outcome.CUT


@dataclass(frozen=True)
class Sounded:
    """One language of an occurrence: its programme, how long it is, how much of it sounded."""

    language: str
    programme: str  # digest; empty if there was none
    length: float
    seconds: float
    outcome: Outcome


def shared_out(
    programmes: Sequence[tuple[str, str, float]], seconds: float, silent: Outcome = Outcome.FAILED
) -> list[Sounded]:
    """
    Give *seconds* that sounded to (language, digest, length), one after the other.

    A language that was not reached any more was cut off like the rest; if nothing sounded, all are *silent*.
    """
    unreached = Outcome.CUT if seconds > 0 else silent
    sounded = []
    for language, digest, length in programmes:
        own = min(length, max(0.0, seconds))
        seconds -= length
        outcome = outcome_of(length, own) if own else unreached
        sounded.append(Sounded(language, digest, length, own, outcome))
    return sounded


@dataclass(frozen=True)
class Airing:
    """
    An occurrence as the play log has it; exactly one for each has an outcome, and is never changed.

    Names are copied in, so that the record outlives what it speaks of. Times are aware. `started` and
    `ended` are None if nothing sounded.
    """

    occurrence: str
    planned: datetime
    logged: datetime
    started: datetime | None
    ended: datetime | None
    seconds: float
    outcome: Outcome | None  # None while it sounds
    reason: str
    detail: str
    station: str
    schedule: str
    schedule_title: str
    script: str
    script_title: str
    group: str
    cluster: str
    cluster_name: str
    area: str
    area_name: str
    bulletin_class: str
    kind: str
    languages: Sequence[Sounded]
    heard: float | None = None  # seconds that the station heard of itself; None if it did not listen
    campaign: str = ""  # the title of the campaign that asked for it
    station_area: str = ""
    day: date | None = None  # of `planned`, at the station
