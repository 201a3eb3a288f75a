"""
What is passed on from somewhere else (tiếp âm): a stream or a line input, or a local programme in its stead.

A stream is whatever a server sends: a child process fetches, decodes and levels it, and may hang, swell or
crash. `Relay` is the side that plays; it never waits for the child.
"""

import logging
import os
import select
import signal
import subprocess
import sys
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from math import log10
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from broadcaster.edges.clock import Clock, SystemClock
from broadcaster.edges.listener import RECORDERS, recording
from broadcaster.edges.sink import Source
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.programme import SAMPLE_RATE

if TYPE_CHECKING:
    from broadcaster.edges.decode import Samples

BLOCKS = 10  # a second, of which the child tells each whether it sounds
BLOCK = SAMPLE_RATE // BLOCKS * 2  # bytes
FRAME = 1 + BLOCK  # what it is, then its samples, or words
SOUND, SILENCE, TROUBLE = b"+", b"-", b"!"
HELD = 4 * BLOCKS  # blocks that wait to be played at most; of more the oldest are left out
JITTER = 2 * BLOCKS  # blocks that wait when it is taken up
BACK = 1 * BLOCKS  # of them blocks that sound: then it is back
PATIENCE = 2.0  # seconds of silence, or of nothing at all, until it is replaced
HUNG = 60.0  # seconds without a word of the child, which else tells of each failure
RESTART = 2.0  # seconds until there is another child

LEAD = 3.0  # seconds that the child may be ahead of the stream's own pace
UNHEARD = 8.0  # seconds without data until it connects anew
BACK_OFF = (0.25, 3.0)  # seconds until it tries again: at first, and at most
MEMORY = 256 << 20  # bytes more than the child has when it begins
QUIET = 10 ** (-50 / 20)  # linear RMS; less is silence
LUFS = -16.0  # as loud as our programmes are
CEILING = 0.8  # linear; leaves room for what lies between the samples
RISE = 3.0  # dB a second that a quiet stream is brought up; a loud one is brought down at once
MOST_GAIN = 20.0  # dB
ABOVE = 3.0  # dB by which 0.4 seconds may be louder than the whole

logger = logging.getLogger("broadcaster")


class Relay:
    """
    A Source of *seconds* in all: what *url* sends, or, while that fails or is silent, a local programme.

    *instead* gives the local programme from a second on; again from its beginning when it is over. It begins
    to fetch at once, so that it flows when its time comes.
    """

    def __init__(
        self, url: str, seconds: float, instead: Callable[[float], Source | None], clock: Clock
    ) -> None:
        self.relayed = self.replaced = self.silence = (
            0.0  # seconds handed out: of the one, the other, neither
        )
        self.fault: Fault | None = None  # it never ends before its end
        self.trouble: Fault | None = None  # why nothing comes of the stream now
        self._url, self._instead, self._clock = url, instead, clock
        self._left = round(seconds * SAMPLE_RATE) * 2  # bytes
        self._blocks: deque[tuple[bool, bytes]] = deque(maxlen=HELD)  # does it sound?
        self._lock = Lock()
        self._arrived = self._sign = clock.monotonic()  # of the last block, of the last sign of life
        self._flows = True  # the stream is what sounds
        self._quiet = 0  # blocks of silence, up to now
        self._rises = False
        self._local: Source | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._closing = Event()
        self._fetching = Thread(target=self._fetch, name="relay", daemon=True)
        self._fetching.start()

    def read(self) -> bytes | None:
        if not self._left or self._closing.is_set():
            return None
        block = self._next()[: self._left]
        self._left -= len(block)
        return block

    def close(self) -> None:
        with self._lock:
            self._closing.set()
            self._kill()
        self._fetching.join(PATIENCE)
        if self._local:
            self._local.close()

    def _next(self) -> bytes:
        now = self._clock.monotonic()
        if now - self._sign > HUNG:
            self._sign = now
            self._kill()
        if not self._flows:
            if now - self._arrived > PATIENCE:
                self._blocks.clear()  # what came before an outage does not belong to what comes after it
            while self._blocks and not self._blocks[0][0]:
                self._blocks.popleft()  # it is taken up with sound
            waiting = list(self._blocks)
            if len(waiting) >= JITTER and sum(sounds for sounds, _ in waiting) >= BACK:
                return self._take_up()
            return self._replacement()
        if self._blocks:
            sounds, block = self._blocks.popleft()
            self._quiet = 0 if sounds else self._quiet + 1
            if self._quiet < PATIENCE * BLOCKS:
                self.relayed += len(block) / 2 / SAMPLE_RATE
                faded, self._rises = _faded(block, rises=True) if self._rises else block, False
                return faded
        elif now - self._arrived < PATIENCE and self._quiet < PATIENCE * BLOCKS:
            if not self.relayed:
                return b""  # opened ahead, nobody waits for it yet
            self._quiet += 1
            return self._nothing()
        self._flows = False
        logger.warning(say("{url} is silent: a local programme replaces it.", url=_shown(self._url)))
        return self._replacement()

    def _take_up(self) -> bytes:
        """The last block of the local programme; the stream follows it."""
        logger.info(say("{url} is back.", url=_shown(self._url)))
        block = _faded(self._replacement(), rises=False)
        if self._local:
            self._local.close()
        self._local, self._flows, self._quiet, self._rises = None, True, 0, True
        return block

    def _replacement(self) -> bytes:
        for _ in range(2):
            self._local = self._local or self._instead(0.0)
            if self._local is None:
                return self._nothing()
            if (block := self._local.read()) is not None:
                self.replaced += len(block) / 2 / SAMPLE_RATE
                return block
            self._local.close()
            self._local = None
        return self._nothing()

    def _nothing(self) -> bytes:
        self.silence += BLOCK / 2 / SAMPLE_RATE
        return bytes(BLOCK)

    def _fetch(self) -> None:
        """Take what the child gives, whether it is asked for or not, and replace a child that falls."""
        while not self._closing.is_set():
            with suppress(OSError), self._begun() as child:
                try:
                    while len(frame := child.stdout.read(FRAME)) == FRAME:  # type: ignore[union-attr]
                        self._take(frame)
                finally:
                    self._kill()
            self._clock.sleep(RESTART, self._closing)

    def _begun(self) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._closing.is_set():
                raise OSError
            self._child = subprocess.Popen(
                [sys.executable, "-m", "broadcaster.relay"],
                cwd=Path(__file__).parents[1],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # it is ended with all that it started
            )
            self._child.stdin.write(self._url.encode() + b"\n")  # type: ignore[union-attr]
            self._child.stdin.flush()  # type: ignore[union-attr]
            return self._child

    def _take(self, frame: bytes) -> None:
        kind, block = frame[:1], frame[1:]
        self._sign = self._clock.monotonic()
        if kind != TROUBLE:
            self._blocks.append((kind == SOUND, block))
            self._arrived, self.trouble = self._sign, None
            return
        reason = block.rstrip(b"\0").decode(errors="replace")
        fault = Fault(
            _shown(self._url),
            say("The relay cannot be heard ({reason}).", reason=reason),
            say("See that its source sends, that the address is right and that the network works."),
        )
        if fault != self.trouble:
            logger.warning("%s", fault)
        self.trouble = fault

    def _kill(self) -> None:
        if self._child and self._child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)


def _shown(url: str) -> str:
    """*url* without the name and password that may stand in it."""
    scheme, slashes, rest = url.rpartition("://")
    host, slash, path = rest.partition("/")
    return scheme + slashes + host.rpartition("@")[2] + slash + path.partition("?")[0]


def _faded(block: bytes, *, rises: bool) -> bytes:
    samples = array("h", block)
    last = max(1, len(samples) - 1)
    for index, sample in enumerate(samples):
        samples[index] = sample * (index if rises else last - index) // last
    return samples.tobytes()


# The child


def main() -> None:
    """Write frames of what the address on stdin sends, until stdin ends."""
    import resource

    from broadcaster.edges.decode import stream

    url = sys.stdin.buffer.readline().decode().strip()
    Thread(target=_end_with_parent, daemon=True).start()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    clock, wait = SystemClock(), BACK_OFF[0]
    level = Leveller()
    while True:
        kind, _, name = url.partition(":")
        began = clock.monotonic()
        try:
            for block in paced(_line(name) if kind == "line" else stream(url, UNHEARD), clock):
                _put(*level(block))
            reason = "it ended"
        except BroadcasterError as error:
            reason = str(error.faults[0].what)
        wait = BACK_OFF[0] if clock.monotonic() - began > UNHEARD else min(2 * wait, BACK_OFF[1])
        _put(TROUBLE, reason.encode()[:BLOCK].ljust(BLOCK, b"\0"))
        clock.sleep(wait, Event())


def _put(kind: bytes, block: bytes) -> None:
    sys.stdout.buffer.write(kind + block)
    sys.stdout.buffer.flush()


def _end_with_parent() -> None:
    """Nobody holds the other end of stdin any more; what records a line input ends too."""
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)


def paced(blocks: "Iterable[Samples]", clock: Clock) -> "Iterator[Samples]":
    """*blocks* of an equal length, no faster than they sound: a server may give minutes at once."""
    from broadcaster.levels import evenly

    zero, seconds = clock.monotonic(), 0.0  # when its first sample would sound
    for block in evenly(blocks, SAMPLE_RATE // BLOCKS):
        if len(block) == SAMPLE_RATE // BLOCKS:  # what is left at its end is not worth a frame
            now = clock.monotonic()
            zero = max(zero, now - seconds)
            clock.sleep(zero + seconds - LEAD - now, Event())
            seconds += len(block) / SAMPLE_RATE
            yield block


def _line(name: str) -> "Iterator[Samples]":
    """Yield what comes in at an input of the sound server or card; raises BroadcasterError when it ends."""
    import numpy as np

    reason = "neither parec nor arecord is installed"
    for program in RECORDERS:
        try:
            child = subprocess.Popen(
                recording(program, name, SAMPLE_RATE),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
            )
        except FileNotFoundError:
            continue
        inlet, data = child.stdout.fileno(), b""  # type: ignore[union-attr]
        try:
            while select.select([inlet], [], [], UNHEARD)[0] and (some := os.read(inlet, BLOCK)):
                data += some
                whole = len(data) // 2 * 2
                yield np.asarray(np.frombuffer(data[:whole], np.int16) / 2**15, np.float32)
                data = data[whole:]
        finally:
            child.kill()
            told = child.communicate()[1].decode(errors="replace").strip().splitlines()
        reason = told[-1] if told else "nothing comes in"
    raise BroadcasterError(
        Fault(f"line:{name}", say("{reason}", reason=reason), say("See that it is plugged in."))
    )


class Leveller:
    """Brings block after block to LUFS, under CEILING; nobody listened to it before."""

    def __init__(self) -> None:
        from broadcaster.edges.decode import Filter, k_weighting

        self._weighting = k_weighting()
        self._limiter = Filter(f"alimiter=limit={CEILING}:level=0:attack=5:release=80")
        self._powers: deque[float] = deque(maxlen=10 * BLOCKS)  # of what sounded, K-weighted
        self._gain = 0.0  # dB

    def __call__(self, block: "Samples") -> tuple[bytes, bytes]:
        """SOUND or SILENCE, and its samples as they shall sound."""
        import numpy as np

        weighted = self._weighting(block)
        sounds = bool(np.vdot(block, block) > QUIET**2 * len(block))
        before = self._gain
        if sounds:
            self._powers.append(float(np.vdot(weighted, weighted)) / len(weighted))
            self._gain = self._wanted(before + RISE / BLOCKS)
        ramp = np.power(10, np.linspace(before, self._gain, len(block)) / 20).astype(np.float32)
        limited = np.clip(self._limiter(block * ramp), -CEILING, CEILING)
        return SOUND if sounds else SILENCE, (limited * (2**15 - 1)).astype("<i2").tobytes()

    def _wanted(self, most: float) -> float:
        """The gain for what sounded in the last seconds, in dB."""
        powers = list(self._powers)
        mean = sum(powers) / len(powers)
        loud = [one for one in powers if one > mean / 10]  # pauses do not count, as in BS.1770
        now = powers[-4:]
        return min(
            most,
            MOST_GAIN,
            LUFS - _loudness(sum(loud) / len(loud)),
            LUFS + ABOVE - _loudness(sum(now) / len(now)),
        )


def _loudness(mean: float) -> float:
    return -0.691 + 10 * log10(max(mean, 1e-9))


if __name__ == "__main__":
    main()
