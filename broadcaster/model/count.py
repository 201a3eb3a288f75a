"""What is counted: sums of how occurrences ended, by place, message and time."""

from datetime import date
from typing import NamedTuple

from .airing import Outcome

BREAKDOWNS = (
    *("day", "area", "station", "cluster", "schedule", "script", "campaign", "group", "class", "language"),
)


class Cell(NamedTuple):
    """
    How many occurrences of one kind ended in one way. Whole numbers only, so that sums are exact.

    `by` is one of BREAKDOWNS, or "total"; `code` and `name` say what of it. A language is counted by what
    sounded of its own programme. `station_airings` counts a broadcast once for its station, however many
    clusters aired it; it is 0 where clusters differ in it (area, cluster, language).
    """

    by: str
    within: str  # the commune of the station, for what belongs to one: area, station, cluster; else ""
    code: str
    name: str  # of an area the one that it had then, of all else the latest
    outcome: Outcome
    reason: str
    airings: int
    milliseconds: int  # that sounded
    station_airings: int


class Week(NamedTuple):
    """A schedule's week on a cluster."""

    schedule: str
    title: str
    within: str  # the commune of the station
    cluster: str
    cluster_name: str
    monday: date
    planned: int  # the times that the schedule named; what makes a loss good is not among them
    aired: int
