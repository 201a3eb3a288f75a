"""What the page is made of, read once for all who look at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from broadcaster.cli import period
from broadcaster.cli.here import Here
from broadcaster.cli.station import Finding, findings
from broadcaster.edges.clock import SystemClock
from broadcaster.edges.content import Loaded, fingerprint
from broadcaster.edges.control import NotRunningError, ask
from broadcaster.model.completeness import wanting
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.plan import plan

from . import views

MOMENT = 0.15  # seconds: many may look at once, the daemon is asked for all of them together
AGE = 30.0  # seconds until what depends on the time of day is worked out again
CHECK_UP = 600.0  # seconds from one look at sound, disk and voices to the next
LOOK_BACK = timedelta(days=8)
AHEAD = timedelta(days=7)


@dataclass
class _Kept:
    """What was worked out, of what, and when."""

    of: object = None
    at: float = -1e9
    value: Any = None


@dataclass
class Facts:
    """One station. May be asked from several threads; raises BroadcasterError where it cannot be read."""

    root: Path
    clock: SystemClock = field(default_factory=SystemClock)
    _loaded: _Kept = field(default_factory=_Kept)
    _parts: _Kept = field(default_factory=_Kept)
    _health: _Kept = field(default_factory=_Kept)
    _status: _Kept = field(default_factory=_Kept)
    _asking: Lock = field(default_factory=Lock)
    _working: Lock = field(default_factory=Lock)
    _checking: Lock = field(default_factory=Lock)

    @property
    def here(self) -> Here:
        return Here(self.root)

    def now(self) -> datetime:
        """By the station's clock on the wall."""
        loaded: Loaded = self._loaded.value or self.loaded()
        return self.here.now(loaded.content)

    def status(self) -> dict[str, Any] | None:
        """What the daemon says, or said a moment ago; None if it does not run."""
        with self._asking:
            if self._old(self._status, MOMENT):
                try:
                    said = ask(self.root, "status", {})
                except NotRunningError:
                    said = None
                self._status = _Kept(None, self.clock.monotonic(), said)
            return self._status.value  # type: ignore[no-any-return]

    def forget(self) -> None:
        """Something was done: ask anew."""
        self._status = _Kept()

    def loaded(self) -> Loaded:
        """The content as the daemon has it."""
        print_of = fingerprint(self.root)
        with self._working:
            if self._loaded.of != print_of or self._old(self._loaded, CHECK_UP):
                here = self.here
                with here.reading() as store:
                    self._loaded = _Kept(print_of, self.clock.monotonic(), here.as_aired(store))
            return self._loaded.value  # type: ignore[no-any-return]

    def known_parts(self) -> Mapping[str, Any]:
        """As `parts`, as they were last worked out."""
        return self._parts.value or self.parts()

    def parts(self) -> Mapping[str, Any]:
        """What the page shows but for what changes from second to second."""
        loaded, here = self.loaded(), self.here
        with self._working, here.reading() as store:
            of = id(loaded), store.head
            if self._parts.of != of or self._old(self._parts, AGE):
                self._parts = _Kept(of, self.clock.monotonic(), self._worked_out(loaded, store))
            return self._parts.value  # type: ignore[no-any-return]

    def _worked_out(self, loaded: Loaded, store: Any) -> Mapping[str, Any]:
        content = loaded.content
        now = self.here.now(content)
        midnight = datetime.combine(now.date(), time(), now.tzinfo)
        log = {one.occurrence: one for one in store.airings(midnight - LOOK_BACK, midnight + LOOK_BACK)}
        planned = plan(content, log, midnight, midnight + AHEAD + timedelta(days=7))
        coming = [one for one in planned if now <= one.at < midnight + AHEAD]
        own = [one for one in planned if one.at.date() == now.date()]
        rows = [one for one in log.values() if one.planned.astimezone(now.tzinfo).date() == now.date()]
        first, last = period.whole(now.date(), period.Unit.MONTH)
        return {
            "station": content.station.name,
            "faults": sum(not fault.warning for fault in loaded.faults),
            "next": views.following(planned, now),
            "today": views.today(own, rows, now),
            "week": views.week(content, coming, now.date()),
            "missing": views.missing(content, wanting(content, coming, now.date())),
            "month": views.month(store.cells(first, last, breakdowns=["day"]), first, last, now.date()),
        }

    def health(self) -> Mapping[str, Any]:
        """Sound, clock, disk, copies, voices: looked at now and then, for a voice takes a second to speak."""
        with self._checking:
            if self._old(self._health, CHECK_UP):
                found: list[Finding]
                try:
                    found = findings(self.here, self.loaded().content.station.timezone)
                except BroadcasterError as error:
                    found = [(one.where, "", one.what) for one in error.faults]
                self._health = _Kept(None, self.clock.monotonic(), views.health(found, self.now()))
            return self._health.value  # type: ignore[no-any-return]

    def _old(self, kept: _Kept, age: float) -> bool:
        return self.clock.monotonic() - kept.at > age
