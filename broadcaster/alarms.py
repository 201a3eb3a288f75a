"""What is wrong with the station at present."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import RLock

from broadcaster.edges.clock import Clock
from broadcaster.model.errors import Fault, Text, say

logger = logging.getLogger("broadcaster")


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong since then; `key` says which, and there is one alarm of a key."""

    key: str
    since: datetime
    what: Text
    next: Text
    where: str = ""


class Alarms:
    """
    Any thread may say what is wrong, as often as it likes; what changes is logged, and told to *on_change*.

    *on_change* is given the alarm, and whether it begins (else it is over). It does not take long, and raises
    nothing: whoever found the fault waits for it.
    """

    def __init__(
        self, clock: Clock, on_change: Callable[[Alarm, bool], None] = lambda _alarm, _begins: None
    ) -> None:
        self._clock = clock
        self.on_change = on_change
        self._present: dict[str, Alarm] = {}
        self._changing = RLock()

    def raise_alarm(self, key: str, fault: Fault) -> None:
        """*fault* is there. With new values it is still the same; with other words it is told again."""
        with self._changing:
            before = self._present.get(key)
            since = before.since if before else self._clock.now()
            alarm = self._present[key] = Alarm(key, since, fault.what, fault.next, fault.where)
            if before is None or before.what.template != alarm.what.template:
                logger.error("%s: %s", key, fault)
                self.on_change(alarm, True)

    def clear(self, key: str) -> None:
        """It is no longer there, if it ever was."""
        with self._changing:
            alarm = self._present.pop(key, None)
            if alarm is not None:
                logger.warning(say("{key}: it is over: {what}", key=key, what=alarm.what))
                self.on_change(alarm, False)

    @property
    def present(self) -> list[Alarm]:
        """The oldest first."""
        with self._changing:
            return list(self._present.values())
