"""Processes beside the daemon, started again when they end: the operator's page, the link to the province."""

import logging
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread

from broadcaster.alarms import Alarms
from broadcaster.edges.clock import SystemClock
from broadcaster.fleet.membership import belongs
from broadcaster.model.errors import Fault, say

from .language import code

logger = logging.getLogger("broadcaster")

WELL = 5.0  # seconds after which a process that was started is there
SOON, AGAIN = 1.0, 20.0  # seconds until one that was well is started again, and one that did not stay
LOOK = 2.0  # seconds between two looks whether it is wanted
LEAVING = 3.0  # seconds that it has to end
LAST_WORDS = 4  # lines
FAILED = 1  # exit code of one that told what is wrong


class Beside:
    """
    One such process. It runs from when it is made until it is closed; whatever befalls it, broadcasts go
    on.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        alarms: Alarms,
        clock: SystemClock,
        failed: Callable[[str], Fault],
        wanted: Callable[[], bool] = lambda: True,
        nice: int = 15,
    ) -> None:
        """*failed* is the alarm, by its last words, when it does not stay; it runs while it is *wanted*."""
        self._name, self._alarms, self._clock = name, alarms, clock
        self._command = ["nice", "-n", str(nice), sys.executable, "-m", *command]
        self._failed, self._wanted = failed, wanted
        self._child: subprocess.Popen[str] | None = None
        self._stopping = Event()
        self._thread = Thread(target=self._keep, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopping.set()
        if (child := self._child) is not None:
            child.terminate()
        self._thread.join(LEAVING)
        if child is not None:
            child.kill()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            if not self._wanted():
                self._clock.sleep(LOOK, self._stopping)
                continue
            began, words = self._clock.monotonic(), self._serve()
            if self._stopping.is_set():
                return
            if was_well := self._clock.monotonic() - began > WELL:
                logger.warning(
                    say("{name} ended, and is started again: {words}", name=self._name, words=words)
                )
            else:
                self._alarms.raise_alarm(self._name, self._failed(words))
            self._clock.sleep(SOON if was_well else AGAIN, self._stopping)

    def _serve(self) -> str:
        """Serve until it ends; its last words."""
        try:
            child = self._child = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
        except OSError as error:
            return str(error)
        settled = Thread(target=self._settle, args=(child,), daemon=True)
        settled.start()
        lines: list[str] = []
        with child:
            for line in child.stderr or ():
                logger.info("%s: %s", self._name, line.rstrip())
                lines = [*lines, line.strip()][-LAST_WORDS:]
        return " ".join(lines) if child.returncode == FAILED and lines else f"exit code {child.returncode}"

    def _settle(self, child: "subprocess.Popen[str]") -> None:
        self._clock.sleep(WELL, self._stopping)
        if child.poll() is None:
            self._alarms.clear(self._name)


def page(root: Path, listen: str, certificate: Sequence[Path], alarms: Alarms, clock: SystemClock) -> Beside:
    """The operator's page."""

    def failed(words: str) -> Fault:
        what = say("The operator's page cannot be shown: {words}", words=words)
        following = say("Broadcasts go on. Choose another address with --listen, or --listen off.")
        return Fault(listen, what, following)

    command = ["broadcaster.web", str(root), listen, code(), *map(str, certificate)]
    return Beside("page", command, alarms, clock, failed)


def link(root: Path, alarms: Alarms, clock: SystemClock) -> Beside:
    """The station's link to its province, if it belongs to one."""

    def failed(words: str) -> Fault:
        what = say("The link to the province does not run: {words}", words=words)
        return Fault("", what, say("Broadcasts go on; what the province sends waits. See the daemon's log."))

    command = ["broadcaster", "--station", str(root), "--lang", code(), "station", "link"]
    return Beside("link", command, alarms, clock, failed, lambda: belongs(root), nice=5)
