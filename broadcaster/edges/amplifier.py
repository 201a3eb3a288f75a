"""SEAM: the amplifier's switch: two commands, or a relay at a serial port."""

import fcntl
import os
import shlex
import signal
import subprocess
import termios
from contextlib import suppress
from struct import unpack
from threading import Event

from broadcaster.model.errors import Fault, Text, said, say
from broadcaster.model.station import Amplifier

PATIENCE = 5.0  # seconds for a command or the port
STEP = 0.05  # seconds between two looks at the port
LONGEST_WORDS = 2_000  # bytes of a command's last words that are read
WHERE = "schedules/station.toml [amplifier]"
RELAY = {True: bytes.fromhex("A00101A2"), False: bytes.fromhex("A00100A1")}  # the boards called LCUS-1


class Switch:
    """Switches the amplifier. It never raises, and takes no longer than its patience."""

    def __init__(self, amplifier: Amplifier, patience: float = PATIENCE) -> None:
        self._amplifier, self._patience = amplifier, patience

    def on(self) -> Fault | None:
        """Why it could not be switched on, if so."""
        what = say("The amplifier cannot be switched on: {error}.", error=self._to(on=True) or "")
        return self._fault(what, "on")

    def off(self) -> Fault | None:
        """Why it could not be switched off, if so."""
        what = say("The amplifier cannot be switched off: {error}.", error=self._to(on=False) or "")
        return self._fault(what, "off")

    def _fault(self, what: Text, verb: str) -> Fault | None:
        if not what.values["error"]:
            return None
        command = f"broadcaster amplifier {verb}"
        return Fault(WHERE, what, say("Mend it, and try it: {command}.", command=command))

    def _to(self, *, on: bool) -> Text | None:
        """Why it failed."""
        port, command = self._amplifier.serial, self._amplifier.on if on else self._amplifier.off
        try:
            return _sent(port, RELAY[on], self._patience) if port else _done(command, self._patience)
        except (OSError, ValueError) as error:
            return say("{name}: {error}", name=port or command, error=said(error))
        except termios.error:
            return say("{port} does not behave as a serial port", port=port)


def _done(command: str, patience: float) -> Text | None:
    """Run *command*, without a shell; why it failed. What it leaves running in the background goes on."""
    words = shlex.split(command)
    # No pipe: what goes on in the background would keep it open. No file: the disk may be full.
    heard = os.memfd_create("amplifier")
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=heard,
            start_new_session=True,
        )
        try:
            code = child.wait(patience)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):  # one that a broken driver holds cannot be ended
                child.wait(1.0)
            return say(
                "{program} did not end within {seconds} s and was killed", program=words[0], seconds=patience
            )
        if code == 0:
            return None
        size = os.fstat(heard).st_size
        last = os.pread(heard, LONGEST_WORDS, max(0, size - LONGEST_WORDS)).decode(errors="replace").strip()
        line = "".join(one if one.isprintable() else " " for one in last.rpartition("\n")[2]).strip()
        if line:
            return say("{program} says “{line}” ({code})", program=words[0], line=line[-200:], code=code)
        return say("{program} ended with {code}", program=words[0], code=code)
    finally:
        os.close(heard)


def _sent(port: str, message: bytes, patience: float) -> Text | None:
    """Send *message* at 9600 baud, eight bits, no parity; why it failed."""
    # Without waiting, ever: a broken converter takes nothing, and would hold us for good.
    line = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        settings = termios.tcgetattr(line)
        speed, control = termios.B9600, termios.CS8 | termios.CREAD | termios.CLOCAL
        termios.tcsetattr(line, termios.TCSANOW, [0, 0, control, 0, speed, speed, settings[6]])
        left, never = message, Event()
        for _ in range(round(patience / STEP)):
            with suppress(BlockingIOError):
                left = left[os.write(line, left) :] if left else left
            if not left and unpack("i", fcntl.ioctl(line, termios.TIOCOUTQ, bytes(4)))[0] == 0:
                return None
            never.wait(STEP)
        termios.tcflush(line, termios.TCIOFLUSH)  # else the port waits for it when it is closed
        return say("{port} took nothing for {seconds} s", port=port, seconds=patience)
    finally:
        os.close(line)
