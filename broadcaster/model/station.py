"""One machine and what it serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Span:
    """A stretch of the day, from `start` up to `end`."""

    start: time
    end: time

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True)
class Hours:
    """When loudspeakers may sound here; only an emergency passes."""

    allowed: Sequence[Span]
    session_minutes: int = 30
    sessions_per_day: int = 2

    def hold(self, start: time, end: time) -> bool:
        """Does one allowed span hold all of *start* to *end*?"""
        return start <= end and any(span.start <= start and end <= span.end for span in self.allowed)


PROFILES = ("full", "horn")  # what sound is made to go through; see broadcaster/clip.py


@dataclass(frozen=True)
class Cluster:
    """Loudspeakers on one output, with their languages in the order they are spoken."""

    id: str
    name: str
    area: str
    languages: Sequence[str]
    sink: str = "card:default"
    profile: str = "full"  # "horn" for horn loudspeakers


@dataclass(frozen=True)
class Station:
    name: str
    area: str
    timezone: ZoneInfo
    hours: Hours
    clusters: Sequence[Cluster]
    closing: str | None = None  # chime after a session, in audio/chimes/
