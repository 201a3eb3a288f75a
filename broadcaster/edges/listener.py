"""SEAM: an input that is listened at: a microphone, or what goes to the loudspeakers come back in."""

import fcntl
import os
import shutil
import subprocess
from contextlib import suppress
from io import FileIO
from typing import Protocol, cast

from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say

RATE = 8_000  # Hz, mono, 16 bit
PATIENCE = 3.0  # seconds without a sample until a recorder is given up
LOOKS = 4  # at nothing, at the least, until then: an output that is idle may give nothing to listen to
PIPE_BYTES = 1 << 20  # a minute of sound, for whoever does not look in time; if the system allows it
KILL_WAIT = 1.0  # a killed recorder is gone in milliseconds, unless a driver hangs in the kernel

RECORDERS = ("parec", "arecord")  # that of a sound server first, as it is with players


class Listener(Protocol):
    """An input that is open."""

    @property
    def fault(self) -> Fault | None:
        """Why nothing comes any more; what came before is as true as ever."""

    def read(self) -> bytes:
        """Give the samples that came since the last time, without waiting for any."""

    def close(self) -> None:
        """Let go of everything that is still held."""


class Clock(Protocol):
    """What a listener needs of the clock."""

    def monotonic(self) -> float: ...


def recording(name: str, device: str, rate: int) -> list[str]:
    """The command by which a recorder of that *name* writes what comes in at *device*: mono, 16 bit."""
    if name == "parec":
        form = ["--raw", f"--rate={rate}", "--channels=1", "--format=s16le", "--latency-msec=100"]
    else:
        form = ["-q", "-t", "raw", "-f", "S16_LE", "-r", f"{rate}", "-c", "1"]
        if device.startswith("hw:"):
            device = f"plug{device}"  # a bare device gives the rate that it likes, not the one asked for
    return [name, *form, *([] if device == "default" else [f"--device={device}"])]


def open_listener(spec: str, clock: Clock) -> Listener:
    """Listen at what a cluster's `verify = "…"` means; what cannot be opened is told in its `fault`."""
    kind, _, device = spec.partition(":")
    if kind == "card" and device:
        return CardListener(device, clock)
    raise BroadcasterError(
        Fault(
            spec,
            say("This is not an input at which the station can listen."),
            say("Write card:default or card:NAME (a sound input)."),
        )
    )


class CardListener:
    """
    A sound card's input, through a child process whose pipe is never waited for: nothing in it can hang us.

    `parec` records; where it ends without a sample, `arecord` does. It goes on until `close`.
    """

    def __init__(self, device: str, clock: Clock) -> None:
        self.device = device
        self.clock = clock
        self.fault: Fault | None = None
        self._left = [name for name in RECORDERS if shutil.which(name)]
        self._refusals: list[str] = []
        self._recorder: _Recorder | None = None
        self._any, self._moved = False, 0.0  # has this recorder given a sample, and when the last
        self._empty = 0  # looks since then
        self._next()

    def read(self) -> bytes:
        if self._recorder is None:
            return b""
        code, sound = self._recorder.child.poll(), self._recorder.drain()  # after its end nothing comes
        now = self.clock.monotonic()
        self._empty += 1
        if sound:
            self._any, self._moved, self._empty = True, now, 0
        if code is not None:
            reason = self._recorder.last_words or f"exit code {code}"
            if self._any:
                self._give_up(
                    say("The sound input failed while it was listened at ({reason}).", reason=reason),
                    say("Check that its sound card is still plugged in, then run `broadcaster doctor`."),
                )
            else:
                self._refusals.append(f"{self._recorder.name}: {reason}")
                self._next()
        elif now - self._moved > PATIENCE and self._empty >= LOOKS:
            self._give_up(
                say("Nothing came from the sound input for {seconds:g} seconds.", seconds=PATIENCE),
                say("Restart the sound server or the machine; see also `broadcaster doctor`."),
            )
        return sound

    def close(self) -> None:
        if self._recorder is not None:
            self._recorder.close()
            self._recorder = None

    def _next(self) -> None:
        """Start the next recorder that can be started."""
        self.close()
        self._moved = self.clock.monotonic()
        while self._left:
            name = self._left.pop(0)
            try:
                self._recorder = _Recorder(name, self.device)
            except OSError as error:
                self._refusals.append(f"{name}: {said(error)}")
            else:
                return
        if self._refusals:
            self._give_up(
                say("No sound input answers ({reasons}).", reasons="; ".join(self._refusals)),
                say("Check that it is plugged in and its name is right: `broadcaster doctor`."),
            )
        else:
            self._give_up(
                say("Nobody can listen: neither parec nor arecord is installed."),
                say("Install the package pulseaudio-utils or alsa-utils, then run `broadcaster doctor`."),
            )

    def _give_up(self, what: Text, next_step: Text) -> None:
        self.close()
        self.fault = Fault(f"card:{self.device}", what, next_step)


class _Recorder:
    """A child process that records into a pipe; raises OSError where it cannot be started."""

    def __init__(self, name: str, device: str) -> None:
        self.name = name
        self._said = os.fdopen(os.memfd_create("said"), "rb", buffering=0)
        try:
            self.child = subprocess.Popen(
                recording(name, device, RATE),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env=os.environ | {"LC_ALL": "C.UTF-8"},
                bufsize=0,
                process_group=0,  # Ctrl-C at a terminal is for us to handle, not for the recorder
            )
        except OSError:
            self._said.close()
            raise
        self._pipe = cast(FileIO, self.child.stdout)
        os.set_blocking(self._pipe.fileno(), False)
        with suppress(OSError):
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def drain(self) -> bytes:
        """Take all that is in the pipe."""
        sound = b""
        while more := self._pipe.read(PIPE_BYTES):
            sound += more
        return sound

    @property
    def last_words(self) -> str:
        size = os.fstat(self._said.fileno()).st_size
        lines = os.pread(self._said.fileno(), 1000, max(0, size - 1000)).decode(errors="replace").splitlines()
        return lines[-1].strip() if lines else ""

    def close(self) -> None:
        self.child.kill()
        with suppress(subprocess.TimeoutExpired):
            self.child.wait(KILL_WAIT)
        self._pipe.close()
        self._said.close()
