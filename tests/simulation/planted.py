"""Bugs of each kind, planted into the daemon: what the simulation must find."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from broadcaster import alerts, daemon, playout
from broadcaster.alerts import Alerts
from broadcaster.daemon import Daemon
from broadcaster.journal import Journal
from broadcaster.model.occurrence import Kind, Reason
from broadcaster.model.plan import plan
from broadcaster.playout import Halt, Playout

Plant = Callable[[], Any]


def nothing(*_: Any, **__: Any) -> None:
    """Does nothing, where something was to be done."""


def _after(owner: type, name: str, then: Callable[..., None]) -> Any:
    real = getattr(owner, name)

    def doing(self: Any, *given: Any, **named: Any) -> Any:
        result = real(self, *given, **named)
        then(self)
        return result

    return patch.object(owner, name, doing)


def _deaf_to(reason: Reason) -> Any:
    real = Halt.because

    def because(self: Halt, why: Reason) -> None:
        if why is not reason:
            real(self, why)

    return patch.object(Halt, "because", because)


def _no_make_good() -> Any:
    real = plan

    def without(*given: Any) -> Any:
        return tuple(one for one in real(*given) if one.kind is not Kind.MAKE_GOOD)

    return patch.object(daemon, "plan", without)


@contextmanager
def _starts_twice() -> Iterator[None]:
    with (
        _after(Daemon, "_take_back", lambda self: self._done.clear()),
        patch.object(Journal, "begin", lambda _self, _row: True),
    ):
        yield


@contextmanager
def _no_grace() -> Iterator[None]:
    with (
        patch.object(playout, "GRACE", timedelta(hours=3)),
        patch.object(daemon, "GRACE", timedelta(hours=3)),
    ):
        yield


@contextmanager
def _at_any_hour() -> Iterator[None]:
    with (
        patch.object(playout, "allowed", lambda *_: True),
        patch.object(daemon, "allowed", lambda *_: True),
    ):
        yield


class _FromTheBeginning(playout._Broadcast):
    def __init__(self, occurrence: Any, station: Any, content: Any, opened: Any, *rest: Any) -> None:
        super().__init__(occurrence, station, content, lambda _skip: opened(0.0), *rest)


class _ForEver(alerts._InForce):
    def __init__(self, order: Any, now: float) -> None:
        super().__init__(order, now)
        self.until = now + 1e9


def _forgets(self: Daemon) -> None:
    self._since = self.world.clock.now()


PLANTED: dict[str, Plant] = {
    "starts after the grace": _no_grace,
    "hours not checked": _at_any_hour,
    "hours not kept on air": lambda: patch.object(Daemon, "_keep_hours", nothing),
    "what the crash cut is not recovered": lambda: patch.object(Playout, "recover", lambda *_, **__: []),
    "what was missed while off is forgotten": lambda: _after(Daemon, "start", _forgets),
    "marks not written": lambda: patch.object(Journal, "mark", nothing),
    "done is forgotten and begins again": _starts_twice,
    "every clock is trusted": lambda: patch.object(daemon, "distrust", lambda *_: None),
    "a clock that is set back is not noticed": lambda: patch.object(Daemon, "_was_set_back", nothing),
    "from the beginning after a failure": lambda: patch.object(playout, "_Broadcast", _FromTheBeginning),
    "an alert does not cut": lambda: _deaf_to(Reason.ALERT),
    "stop is ignored": lambda: _deaf_to(Reason.STOPPED),
    "rows that the disk refused are dropped": lambda: _after(
        Journal, "flush", lambda self: self._rows.clear()
    ),
    "nothing is made good": _no_make_good,
    "an alert never expires": lambda: patch.object(alerts, "_InForce", _ForEver),
    "an alert does not repeat": lambda: patch.object(Alerts, "_wake", nothing),
    "the amplifier stays off": lambda: patch.object(Daemon, "_amplify", nothing),
}

FOUND_IN: dict[str, tuple[str, dict[str, float] | None, str]] = {
    # the seed of a life in which it is found within 40 days, what befalls that (else all), and as what
    "starts after the grace": ("3", {"power": 20.0}, "after the grace"),
    "hours not checked": ("1", {"play": 20.0}, "hours"),
    "hours not kept on air": ("6", {"suspend": 40.0}, "hours"),
    "what the crash cut is not recovered": ("1", {"kill": 20.0}, "sound without a row"),
    "what was missed while off is forgotten": ("3", {"power": 10.0}, "no outcome"),
    "marks not written": ("3", {"kill": 30.0}, "log is not sound"),
    "done is forgotten and begins again": ("1", {"edit": 40.0}, "died"),
    "every clock is trusted": ("12", {"power": 20.0, "step": 20.0}, "untrusted"),
    "a clock that is set back is not noticed": ("21", {"step": 60.0, "vouch": 20.0}, "no outcome"),
    "from the beginning after a failure": ("2", {"card": 40.0}, "twice"),
    "an alert does not cut": ("1", {"alert": 30.0}, "alert late"),
    "stop is ignored": ("3", {"stop": 20.0}, "not stopped"),
    "rows that the disk refused are dropped": ("1", {"disk": 30.0}, "sound without a row"),
    "nothing is made good": ("3", {"kill": 20.0, "stop": 20.0}, "no outcome"),
    "an alert never expires": ("1", {"alert": 20.0}, "alert too long"),
    "an alert does not repeat": ("1", {"alert": 20.0}, "alert late"),
    "the amplifier stays off": ("1", {}, "amplifier"),
}
