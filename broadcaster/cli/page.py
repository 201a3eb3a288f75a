"""The operator's page beside the daemon: a process of its own, started again when it ends."""

import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread

from broadcaster.alarms import Alarms
from broadcaster.edges.clock import SystemClock
from broadcaster.model.errors import Fault, say

from .language import code

logger = logging.getLogger("broadcaster")

WELL = 5.0  # seconds after which a page that was started is there
AGAIN = 20.0  # seconds until it is started again
LEAVING = 3.0  # seconds that it has to end
LAST_WORDS = 4  # lines
FAILED = 1  # exit code of a page that told what is wrong


class Page:
    """It runs from when it is made until it is closed; whatever befalls it, broadcasts go on."""

    def __init__(
        self, root: Path, listen: str, certificate: Sequence[Path], alarms: Alarms, clock: SystemClock
    ) -> None:
        self._command = [
            *("nice", "-n", "15", sys.executable, "-m", "broadcaster.web", str(root), listen, code()),
            *map(str, certificate),
        ]
        self._listen, self._alarms, self._clock = listen, alarms, clock
        self._child: subprocess.Popen[str] | None = None
        self._stopping = Event()
        self._thread = Thread(target=self._keep, name="page", daemon=True)
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
            began, words = self._clock.monotonic(), self._serve()
            if self._stopping.is_set():
                return
            if self._clock.monotonic() - began > WELL:
                logger.warning(say("The page ended, and is started again: {words}", words=words))
            else:
                what = say("The operator's page cannot be shown: {words}", words=words)
                following = say("Broadcasts go on. Choose another address with --listen, or --listen off.")
                self._alarms.raise_alarm("page", Fault(self._listen, what, following))
            self._clock.sleep(AGAIN, self._stopping)

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
                logger.info("page: %s", line.rstrip())
                lines = [*lines, line.strip()][-LAST_WORDS:]
        return " ".join(lines) if child.returncode == FAILED and lines else f"exit code {child.returncode}"

    def _settle(self, child: "subprocess.Popen[str]") -> None:
        self._clock.sleep(WELL, self._stopping)
        if child.poll() is None:
            self._alarms.clear("page")
