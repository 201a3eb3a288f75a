"""One machine and what it serves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
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
    volume: int = 100  # percent of full scale
    verify: str = ""  # the input at which the station listens to what sounds: card:NAME


@dataclass(frozen=True)
class Amplifier:
    """What switches the amplifier: two commands, or a relay at a serial port."""

    on: str = ""
    off: str = ""
    warm_up: float = 5.0  # seconds from its switching on until it can sound
    serial: str = ""  # the port of a USB relay, instead of the commands


@dataclass(frozen=True)
class AlarmTo:
    """Where what fails is reported to; with a password in it, so it is not to be shown."""

    webhook: str = field(default="", repr=False)
    email: Sequence[str] = ()
    smtp: str = field(default="", repr=False)  # the server that takes the e-mail


@dataclass(frozen=True)
class Station:
    name: str
    area: str
    timezone: ZoneInfo
    hours: Hours
    clusters: Sequence[Cluster]
    closing: str | None = None  # chime after a session, in audio/chimes/
    amplifier: Amplifier | None = None
    alarm: AlarmTo = AlarmTo()
    position: tuple[float, float] | None = None  # latitude and longitude in degrees
