"""One planned broadcast: schedule, time, cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from typing import Self

from .airing import Outcome
from .programme import Recipe
from .schedule import BulletinClass, Relay


class Kind(StrEnum):
    PLANNED = "planned"
    MAKE_GOOD = "make-good"  # replaces an airing that was lost
    ON_DEMAND = "on-demand"  # somebody said `play`
    ALERT = "alert"  # somebody said `alert`


class State(StrEnum):
    PLANNED = "planned"
    DISPLACED = "displaced"  # no room for it in the hours or the session
    WITHHELD = "withheld"  # not one of its languages is all there
    EXCEPTED = "excepted"  # the schedule is silent on that day; not counted


class Reason(StrEnum):
    """Why an occurrence will not sound, or did not sound whole. One word; a detail stands beside it."""

    OUTSIDE_HOURS = "outside-hours"
    SESSION_FULL = "session-full"
    TOO_MANY_SESSIONS = "too-many-sessions"
    EXCEPTED = "excepted"
    INCOMPLETE = "incomplete"  # languages that are not all there
    NOT_READY = "not-ready"  # not assembled in time
    OFF = "off"  # the daemon did not run
    LATE = "late"  # could not start within the grace
    POWER = "power"  # the daemon died while it sounded
    STOPPED = "stopped"  # somebody said `stop`
    SHUTDOWN = "shutdown"  # the daemon was told to end
    ALERT = "alert"  # an emergency broke in
    RELAY = "relay"  # the stream failed or was silent for a while
    SINK = "sink"  # the sound card or what stands in for it
    CLOCK = "clock"  # the clock is not to be trusted
    PROGRAM = "program"  # an error of ours


@dataclass(frozen=True)
class Occurrence:
    """
    A broadcast as the plan sees it. `id` is made of schedule, nominal time and cluster, and never changes.

    `nominal` is the time that the schedule names (before a move, before the session put it behind
    another); `at` is when it is to sound. Both are aware, in the station's time zone. `seconds` is an
    estimate where recordings were not measured yet.
    """

    id: str
    schedule: str
    schedule_title: str
    script: str
    script_title: str
    group: str
    cluster: str
    cluster_name: str
    area: str
    area_name: str
    bulletin_class: BulletinClass
    nominal: datetime
    at: datetime
    recipes: Sequence[Recipe]  # one a language, in the cluster's order
    kind: Kind = Kind.PLANNED
    state: State = State.PLANNED
    reason: Reason | None = None
    detail: str = ""
    opens: bool = False  # first of its session
    closes: bool = False  # last of its session
    outcome: Outcome | None = None  # what the play log says of it
    relay: Relay | None = None  # what is passed on; the script then only replaces it
    campaign: str = ""  # the title of the campaign that asks for it

    def like(self, changed: Mapping[str, object]) -> Self:
        """As `replace`, five times as fast: a nation's year is some millions of these."""
        told = self.__dict__.copy()
        told.update(changed)
        one = object.__new__(type(self))
        object.__setattr__(one, "__dict__", told)  # twice as fast as filling the one that it has
        return one

    def in_week(self, by: timedelta, days: Sequence[str]) -> Self:
        """The same in another week, *by* so much later; *days* are that week's, as they stand in ids."""
        nominal, name, start = self.nominal + by, self.id, len(self.schedule) + 1
        told = self.__dict__.copy()
        told["id"] = name[:start] + days[nominal.weekday()] + name[start + 10 :]
        told["nominal"] = nominal
        told["at"] = nominal if self.at is self.nominal else self.at + by
        one = object.__new__(type(self))
        object.__setattr__(one, "__dict__", told)
        return one

    @property
    def whole(self) -> Sequence[Recipe]:
        """The languages that can sound."""
        return [recipe for recipe in self.recipes if not recipe.lacks]

    @property
    def seconds(self) -> float:
        if self.relay is not None:
            return float(self.relay.seconds)
        return sum(recipe.seconds for recipe in self.whole)

    @property
    def missing(self) -> str:
        """The languages that are withheld and why: `hmn-Latn-VN: stand-in (loi-chao, ket)`."""
        return missing(self.recipes)


def missing(recipes: Sequence[Recipe]) -> str:
    """The languages of *recipes* that are withheld and why."""
    told = []
    for recipe in recipes:
        for lack in dict.fromkeys(lack for _, lack in recipe.lacks):
            items = ", ".join(item for item, why in recipe.lacks if why is lack)
            told.append(f"{recipe.language}: {lack} ({items})")
    return "; ".join(told)


def occurrence_id(schedule: str, nominal: datetime, cluster: str) -> str:
    return f"{schedule}/{_day(nominal.date())}T{_clock(nominal.time())}/{cluster}"


_day, _clock = cache(date.isoformat), cache(time.isoformat)  # few of either are ever asked for
