"""SEAM: where sound goes. A sound card, WAV files, or nowhere; the caller cannot tell which."""

import fcntl
import math
import os
import shutil
import subprocess
import sys
import termios
import warnings
import wave
from array import array
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import FileIO
from pathlib import Path
from threading import Event
from typing import Protocol

from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say
from broadcaster.model.programme import SAMPLE_RATE

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.13 on audioop-lts is installed for it
    import audioop

SAMPLE_BYTES = 2
BYTE_RATE = SAMPLE_RATE * SAMPLE_BYTES
BLOCK = SAMPLE_RATE // 4  # samples; more than a player wants before it starts
FIRST = 1 / SAMPLE_RATE  # seconds that have sounded when all that is known is that something has
FADE = SAMPLE_RATE // 100  # samples in which sound that is stopped goes down to silence

LEAD = timedelta(seconds=3)  # a player is started this long before its first sample: an old disk is slow
TICK = 0.05  # seconds between looks at a player; its pipe holds a whole second
FIRST_TICK = 0.005  # the same until its first sample is gone, so that we know when that was
PATIENCE = 3.0  # seconds without progress until a player is given up; 1 s barks falsely
HASTE = 0.5  # seconds (and 1 %) that a player may end before time: one that plays faster plays to no device
FADE_WAIT = 0.1  # seconds that a player which is stopped has until it is killed: what it holds, and the fade
URGENT = 5  # real-time priority, that of a sound server's own threads
OURS = 0  # the number by which a thread means itself
KILL_WAIT = 1.0  # a killed player is gone in milliseconds, unless a driver hangs in the kernel

SILENT = -90.0  # dBFS; less is not told apart
FULL = 1 << 15

SESSION_GAP = 120.0  # seconds of silence that a file still bridges
HEADER_BYTES = 44

DUMMY = "auto_null"  # the sink that a sound server offers when it has no card

_SIDES = {"left": (1, 0), "right": (0, 1)}  # factors of a stereo output's two
_FORM = (1, SAMPLE_BYTES, SAMPLE_RATE)  # of every sound: channels, bytes a sample, samples a second


@dataclass(frozen=True)
class Played:
    """What became of one play."""

    started: datetime | None  # wall time of the first sample, None if no sample left
    seconds: float  # that sounded
    stopped: bool  # ended because *stop* was set
    fault: Fault | None  # why it ended early, if something failed


class Source(Protocol):
    """What is to sound: mono, 16 bit, SAMPLE_RATE."""

    @property
    def fault(self) -> Fault | None:
        """Why it ended before its end, once `read` gave None."""

    def read(self) -> bytes | None:
        """Give the next block; b"" means nothing at this moment, ask again; None means it is over."""

    def close(self) -> None:
        """Let go of everything that is still held."""


class Sink(Protocol):
    """Where sound goes."""

    def play(self, source: Source, at: datetime, stop: Event, on_progress: Callable[[float], None]) -> Played:
        """
        Wait for *at*, then play *source* to its end or until *stop*; it is not closed.

        As soon as the first sample has left, then about once a second, *on_progress* is told how many seconds
        have sounded. A device that fails and a source that does are told in `Played.fault`, never raised;
        what sounded before them counts.
        """

    def close(self) -> None:
        """Let go of everything that is still held."""


class Clock(Protocol):
    """What a sink needs of the clock."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, stop: Event) -> bool: ...
    def wait_until(self, when: datetime, stop: Event) -> bool: ...


def open_sink(spec: str, folder: Path, name: str, clock: Clock, volume: int = 100) -> Sink:
    """
    Give the sink that a cluster's `sink = "…"` means; *folder* is the station's, *name* the cluster's.

    *volume* is the percent of each sample that goes out, so that 100 is as it was made, and the ceiling.
    """
    kind, _, rest = spec.partition(":")
    if kind == "card" and rest:
        return CardSink(rest, clock, volume)
    if kind == "file" and rest:
        return FileSink(folder / rest, name, clock, volume)
    if spec == "null":
        return NullSink(clock)
    raise BroadcasterError(
        Fault(
            spec,
            say("This is not a place where sound can go."),
            say(
                "Write card:default, card:NAME (a sound output), card:NAME#left or card:NAME#right "
                "(one side of it), file:FOLDER (writes WAV files) or null."
            ),
        )
    )


class Reel:
    """Sounds one after another, the first *skip* seconds left out; it ends at one that is not fit to play."""

    def __init__(self, sounds: Sequence[Path], skip: float = 0.0) -> None:
        self.sounds = tuple(sounds)
        self.fault: Fault | None = None
        self._skip = round(skip * SAMPLE_RATE)
        self._blocks = self._all()

    def read(self) -> bytes | None:
        return next(self._blocks, None)

    def close(self) -> None:
        self._blocks.close()

    def _all(self) -> Generator[bytes, None, None]:
        for sound in self.sounds:
            flaw = yield from self._one(sound)
            if flaw:
                self.fault = Fault(str(sound), flaw, say("Have it made again: `broadcaster prepare`."))
                return

    def _one(self, sound: Path) -> Generator[bytes, None, Text | None]:
        """Yield what can be read of *sound*; return what is wrong with it."""
        try:
            with sound.open("rb") as file, wave.open(file) as reader:
                if (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) != _FORM:
                    return say("The sound is not in WAV, mono, 16 bit, {rate} Hz.", rate=SAMPLE_RATE)
                missing = reader.getnframes()
                if not missing:
                    return say("The sound file holds no sound.")
                skipped = min(self._skip, missing)
                reader.setpos(skipped)
                self._skip -= skipped
                missing -= skipped
                while block := reader.readframes(BLOCK):
                    samples = len(block) // SAMPLE_BYTES
                    missing -= samples
                    yield block[: samples * SAMPLE_BYTES]
                return say("The sound file is cut off.") if missing else None
        except EOFError:
            return say("The sound file is cut off.")
        except (OSError, wave.Error) as error:
            return say("The sound file cannot be read ({reason}).", reason=said(error))


class Meter:
    """A source on its way to a sink, and how loud each part of it is."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._parts: deque[tuple[float, int]] = deque(maxlen=64)  # where it ends (s), root mean square
        self._length = 0.0

    @property
    def fault(self) -> Fault | None:
        return self.source.fault

    def read(self) -> bytes | None:
        block = self.source.read()
        if block:
            self._length += len(block) / BYTE_RATE
            whole = block[: len(block) // SAMPLE_BYTES * SAMPLE_BYTES]
            self._parts.append((self._length, audioop.rms(whole, SAMPLE_BYTES)))
        return block

    def close(self) -> None:
        self.source.close()

    def level(self, seconds: float) -> float:
        """How loud it is so many *seconds* from its beginning: dBFS, from SILENT up to 0."""
        loudness = next((one for end, one in list(self._parts) if end > seconds), 0)
        return max(SILENT, 20 * math.log10(loudness / FULL)) if loudness else SILENT


class CardSink:
    """
    A sound card, through a child process that is fed raw samples: a sound server that freezes cannot hang us.

    `pacat` plays; where it finds no sound server, or none that knows the device, `aplay` does. Either is
    connected ahead of time and given its first sample at *at*. Needs a clock that runs in real time.
    `NAME#left` and `NAME#right` are one side of a stereo output; the other is silent, or another cluster's.
    """

    def __init__(self, device: str, clock: Clock, volume: int = 100) -> None:
        self.device = device
        self.clock = clock
        self.volume = volume
        name, mark, side = device.rpartition("#")
        self._name, self._side = (name, side) if mark and side in _SIDES else (device, "")

    def play(self, source: Source, at: datetime, stop: Event, on_progress: Callable[[float], None]) -> Played:
        if self.clock.wait_until(at.astimezone(UTC) - LEAD, stop):
            return Played(None, 0.0, stopped=True, fault=None)
        refusals, supply = [], _Supply(source, self._shaped)
        for program in _PROGRAMS:
            if not shutil.which(program.name):
                continue
            if self._name == "default" and (says := _ask(program)[1]).endswith(DUMMY):
                # its card is gone, and it plays gladly into nothing
                refusals.append(f"{program.name}: {says}")
                continue
            try:
                with _started(program, self._name, 2 if self._side else 1) as player:
                    return self._play_on(player, supply, at, stop, on_progress)
            except _RefusedError as refused:
                refusals.append(f"{program.name}: {refused}")
        if not refusals:
            fault = self._fault(
                say("Nothing can sound: neither pacat nor aplay is installed."),
                say("Install the package pulseaudio-utils or alsa-utils, then run `broadcaster doctor`."),
            )
        else:
            fault = self._fault(
                say("No sound output answers ({reasons}).", reasons="; ".join(refusals)),
                say("Check that the sound card is plugged in and its name is right: `broadcaster doctor`."),
            )
        return Played(None, 0.0, stopped=False, fault=fault)

    def close(self) -> None:
        """Nothing is held between plays."""

    def _shaped(self, block: bytes) -> bytes:
        block = _quieter(block, self.volume)
        return audioop.tostereo(block, SAMPLE_BYTES, *_SIDES[self._side]) if self._side else block

    def _play_on(
        self,
        player: "_Player",
        supply: "_Supply",
        at: datetime,
        stop: Event,
        on_progress: Callable[[float], None],
    ) -> Played:
        clock = self.clock
        if not supply.load() and supply.over:
            return Played(None, 0.0, stopped=False, fault=supply.source.fault)
        with _hurry():
            while (left := (at - clock.now()).total_seconds()) > 0:
                if clock.sleep(min(left, TICK), stop):
                    return Played(None, 0.0, stopped=True, fault=None)
                if player.exit_code is not None:
                    raise _RefusedError(player.last_words)
            player.feed(supply)

        started, zero, seconds, told = None, 0.0, 0.0, -1
        taken, moved = 0, clock.monotonic()
        while True:
            tick = player.feed(supply)
            code, now = player.exit_code, clock.monotonic()
            if player.taken > taken:
                taken, moved = player.taken, now
                if started is None:
                    started, zero = clock.now(), now
            elif player.waits:
                moved = now
            if started is not None:
                seconds = max(FIRST, min(now - zero, player.sounded_at_most))
            if code is not None:
                if started is None:
                    supply.back(player.take_back())
                    raise _RefusedError(player.last_words)
                length = player.seconds
                if code == 0 and player.drained and now - zero > 0.99 * length - HASTE:
                    return Played(started, length, stopped=False, fault=supply.source.fault)
                return self._ended_early(started, seconds, self._died(player.last_words))
            if stop.is_set():
                player.fade_out(supply, clock)
                return self._ended_early(started, min(clock.monotonic() - zero, player.seconds), None)
            if now - moved > PATIENCE:
                return self._ended_early(started, seconds, self._frozen())
            if int(seconds) > told and started is not None:
                told = int(seconds)
                on_progress(seconds)
            clock.sleep(FIRST_TICK if started is None else tick, stop)

    @staticmethod
    def _ended_early(started: datetime | None, seconds: float, fault: Fault | None) -> Played:
        if started is None:
            seconds = 0.0
        return Played(started, seconds, stopped=fault is None, fault=fault)

    def _died(self, reason: str) -> Fault:
        return self._fault(
            say("The sound output failed while it was playing ({reason}).", reason=reason),
            say("Check that the sound card is still plugged in, then run `broadcaster doctor`."),
        )

    def _frozen(self) -> Fault:
        return self._fault(
            say("The sound output stood still for {seconds:g} seconds and was closed.", seconds=PATIENCE),
            say(
                "If it happens again, restart the sound server or the machine; see also `broadcaster doctor`."
            ),
        )

    def _fault(self, what: Text, next_step: Text) -> Fault:
        return Fault(f"card:{self.device}", what, next_step)


class FileSink:
    """
    WAV files paced by the clock, one a session: for a demonstration, or for proof.

    A play that begins within two minutes of the end of the one before goes on in its file, after the silence
    that was between them. The file is whole after every block.
    """

    def __init__(self, folder: Path, name: str, clock: Clock, volume: int = 100) -> None:
        self.folder = folder
        self.name = name
        self.clock = clock
        self.volume = volume
        self._file: Path | None = None
        self._size = 0
        self._end = datetime.min.replace(tzinfo=UTC)

    def play(self, source: Source, at: datetime, stop: Event, on_progress: Callable[[float], None]) -> Played:
        return _pace(self.clock, source, at, stop, on_progress, partial(self._put, at))

    def close(self) -> None:
        """Nothing is held between plays."""

    def _put(self, at: datetime, moment: datetime, block: bytes) -> Fault | None:
        try:
            self._write(at, moment, _quieter(block, self.volume))
        except OSError as error:
            return Fault(
                str(self.folder),
                say("The sound cannot be written to a file ({reason}).", reason=said(error)),
                say("Check that the folder can be written to and that the disk is not full."),
            )
        return None

    def _write(self, at: datetime, moment: datetime, block: bytes) -> None:
        """Put *block* at its *moment* in the session's file, and make the header say so."""
        silence = (moment - self._end).total_seconds()
        if self._file is None or abs(silence) > SESSION_GAP:
            self._file, self._size, silence = self._new_file(at), HEADER_BYTES, 0.0
        with self._file.open("r+b") as file:
            file.seek(self._size + max(0, round(silence * SAMPLE_RATE)) * SAMPLE_BYTES)  # a hole is silence
            file.write(block)
            size = file.tell()
            for place, length in ((4, size - 8), (HEADER_BYTES - 4, size - HEADER_BYTES)):
                file.seek(place)
                file.write(length.to_bytes(4, "little"))
        self._size = size
        self._end = moment + timedelta(seconds=len(block) / BYTE_RATE)

    def _new_file(self, at: datetime) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = first = self.folder / f"{at:%Y-%m-%d-%H%M}-{self.name}.wav"
        copy = 1
        while path.exists():
            copy += 1
            path = first.with_name(f"{first.stem}-{copy}.wav")
        with path.open("xb") as file, wave.open(file, "wb") as header:
            header.setnchannels(1)
            header.setsampwidth(SAMPLE_BYTES)
            header.setframerate(SAMPLE_RATE)
        return path


class NullSink:
    """Takes its time and makes no sound."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def play(self, source: Source, at: datetime, stop: Event, on_progress: Callable[[float], None]) -> Played:
        return _pace(self.clock, source, at, stop, on_progress, lambda _moment, _block: None)

    def close(self) -> None:
        """Nothing is ever held."""


@dataclass(frozen=True)
class CardPlayer:
    """A program that plays on sound cards, and whether it could now."""

    name: str
    answers: bool  # it has a sound output
    says: str  # which, or what it said instead


def card_players() -> list[CardPlayer]:
    """
    List the installed players in the order in which CardSink tries them; none, and nothing can sound.

    The dummy output that a sound server offers when it has no card does not count as one.
    """
    return [CardPlayer(program.name, *_ask(program)) for program in _PROGRAMS if shutil.which(program.name)]


def _ask(program: "_Program") -> tuple[bool, str]:
    try:
        answer = subprocess.run(
            program.question,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    for line in answer.stdout.decode(errors="replace").splitlines():
        if line.startswith(program.answer):
            return not line.endswith(DUMMY), line
    return False, _last_line(answer.stderr) or f"exit code {answer.returncode}"


def _pace(
    clock: Clock,
    source: Source,
    at: datetime,
    stop: Event,
    on_progress: Callable[[float], None],
    put: Callable[[datetime, bytes], Fault | None],
) -> Played:
    """Play by the clock alone: when a block is over, *put* gets it with the wall time at which it began."""
    if clock.wait_until(at, stop):
        return Played(None, 0.0, stopped=True, fault=None)
    wall, zero = clock.now(), clock.monotonic()
    started, seconds, due, stopped = None, 0.0, zero, False
    while not stopped and (whole := source.read()) is not None:
        if not whole:
            stopped = clock.sleep(TICK, stop)
            due = max(due, clock.monotonic())
            continue
        stopped = clock.sleep(due + len(whole) / BYTE_RATE - clock.monotonic(), stop)
        sounded = max(0.0, clock.monotonic() - due)
        block = whole[: int(sounded * SAMPLE_RATE) * SAMPLE_BYTES] if stopped else whole
        if not block:
            continue
        moment = wall + timedelta(seconds=due - zero)
        if fault := put(moment, block):
            return Played(started, seconds, stopped=False, fault=fault)
        length = len(block) / BYTE_RATE
        before, seconds, due = seconds, seconds + length, due + length
        if started is None or int(seconds) > int(before):
            on_progress(seconds)
        started = started or moment
    return Played(started, seconds, stopped, source.fault)


def peaks(samples: bytes, count: int) -> list[int]:
    """The loudest of each of *count* parts of *samples* (mono, 16 bit), in percent of full scale."""
    size = max(1, -(-len(samples) // SAMPLE_BYTES // count)) * SAMPLE_BYTES
    parts = (samples[start : start + size] for start in range(0, len(samples), size))
    return [100 * audioop.max(part, SAMPLE_BYTES) // FULL for part in parts]


def _quieter(block: bytes, volume: int) -> bytes:
    """Bring *block* down to *volume* percent of itself; nothing is ever made louder than it is."""
    return audioop.mul(block, SAMPLE_BYTES, volume / 100) if volume < 100 else block


def _faded(block: bytes) -> bytes:
    samples = array("h", block)
    left = range(len(samples), 0, -1)
    return array(
        "h", (sample * more // len(samples) for sample, more in zip(samples, left, strict=True))
    ).tobytes()


@dataclass(frozen=True)
class _Program:
    """How to play raw samples with a program, and how to ask for sound outputs."""

    name: str
    arguments: tuple[str, ...]
    held: float  # seconds that it has taken and not yet played, at the least, while all is well
    question: tuple[str, ...]
    answer: str  # how the line begins that names an output


# With less in hand (milliseconds, microseconds) there are drop-outs when the cores are busy; with more, what
# they have taken is heard for too long after a stop.
_PROGRAMS = (
    _Program(
        "pacat",
        ("--playback", "--raw", f"--rate={SAMPLE_RATE}", "--format=s16le", "--latency-msec=100"),
        held=0.06,
        question=("pactl", "info"),
        answer="Default Sink:",
    ),
    _Program(
        "aplay",
        ("-q", "-t", "raw", "-f", "S16_LE", "-r", f"{SAMPLE_RATE}", "--buffer-time=70000"),
        held=0.06,
        question=("aplay", "-l"),
        answer="card ",
    ),
)


# Before a player's command: it dies with us. Else it would play what is in its pipe, and spin as it does.
_WITH_US = ("setpriv", "--pdeathsig", "KILL")


class _RefusedError(Exception):
    """A player ended without having taken a sample; says its reason."""


class _Supply:
    """What a source gives, as the player wants it; what a player did not take is there for the next one."""

    def __init__(self, source: Source, shape: Callable[[bytes], bytes]) -> None:
        self.source = source
        self.block = b""
        self.over = False
        self._shape = shape

    def load(self) -> bool:
        """Have the next block at hand; tell whether there is one."""
        if not self.block and not self.over:
            block = self.source.read()
            self.over = block is None
            self.block = self._shape(block or b"")
        return bool(self.block)

    def back(self, samples: bytes) -> None:
        self.block = samples + self.block


@dataclass
class _Player:
    """A child process that plays the samples it reads from a pipe."""

    program: _Program
    child: subprocess.Popen[bytes]
    outlet: FileIO  # the child's end of the pipe, ours too: to see how much is in it, and to take it back
    inlet: FileIO
    said: FileIO
    channels: int
    written: int = 0

    def feed(self, supply: _Supply) -> float:
        """Fill the pipe, and close it after the last block; give the seconds until it wants more."""
        while not self.inlet.closed and supply.load() and (count := self.inlet.write(supply.block)):
            supply.block = supply.block[count:]
            self.written += count
        if not supply.over or supply.block:
            return TICK
        self._finish()
        return min(TICK, max(self._waiting / self._rate, FIRST_TICK))

    def _finish(self) -> None:
        """Close the pipe as soon as it is empty: with anything left in it pacat would spin."""
        if not self._waiting:
            _urgent(self.child.pid, 0)
            self.inlet.close()

    def take_back(self) -> bytes:
        """Take out of the pipe what the child has not read."""
        back = b""
        while part := self.outlet.read(1 << 20):
            back += part
        self.written -= len(back)
        return back

    def fade_out(self, supply: _Supply, clock: Clock) -> None:
        """Let it end at once, but not with a click: what it has is followed by a short fade."""
        if not self.inlet.closed:
            supply.back(self.take_back())
            tail = _faded(supply.block[: FADE * self.channels * SAMPLE_BYTES])
            self.written += self.inlet.write(tail) or 0
        until = clock.monotonic() + FADE_WAIT
        while self.exit_code is None and clock.monotonic() < until:
            self._finish()
            clock.sleep(FIRST_TICK, Event())  # who stops us has done so

    @property
    def _waiting(self) -> int:
        """Bytes that are in the pipe."""
        return int.from_bytes(fcntl.ioctl(self.outlet, termios.FIONREAD, bytes(4)), sys.byteorder)

    @property
    def _rate(self) -> int:
        return BYTE_RATE * self.channels

    @property
    def taken(self) -> int:
        """Bytes that the child has read from its pipe."""
        return self.written - self._waiting

    @property
    def seconds(self) -> float:
        """Seconds of what it has taken."""
        return self.taken / self._rate

    @property
    def sounded_at_most(self) -> float:
        """Seconds of what it has taken that can have left: as long as it is fed, it holds some back."""
        return self.seconds - (0.0 if self.drained else self.program.held)

    @property
    def waits(self) -> bool:
        """Is it without samples because there are none, so that it cannot go on?"""
        return not self.inlet.closed and self.taken == self.written

    @property
    def drained(self) -> bool:
        return self.inlet.closed and self.taken == self.written

    @property
    def exit_code(self) -> int | None:
        return self.child.poll()

    @property
    def last_words(self) -> str:
        size = os.fstat(self.said.fileno()).st_size
        said = os.pread(self.said.fileno(), 1000, max(0, size - 1000))
        return _last_line(said) or f"exit code {self.exit_code}"


@contextmanager
def _started(program: _Program, device: str, channels: int) -> Iterator[_Player]:
    """Start *program* on *device*; when the block ends, however it ends, nothing of it is left."""
    with ExitStack() as held:
        try:
            outlet, inlet = os.pipe()
            outlet_file = held.enter_context(os.fdopen(outlet, "rb", buffering=0))
            inlet_file = held.enter_context(os.fdopen(inlet, "wb", buffering=0))
            said = held.enter_context(os.fdopen(os.memfd_create("said"), "rb", buffering=0))
            os.set_blocking(inlet, False)
            # Opened anew, for one that is shared with the child would not wait for the child either.
            ours = held.enter_context(open(_link(outlet_file), "rb", buffering=0, opener=_not_waiting))
            child = subprocess.Popen(
                [
                    *(_WITH_US if shutil.which(_WITH_US[0]) else ()),
                    *(program.name, *program.arguments, f"--channels={channels}"),
                    *([] if device == "default" else [f"--device={device}"]),
                ],
                stdin=outlet,
                stdout=subprocess.DEVNULL,
                stderr=said,
                process_group=0,  # Ctrl-C at a terminal is for us to handle, not for the player
            )
        except OSError as error:
            raise _RefusedError(error) from error
        held.callback(_kill, child)
        outlet_file.close()
        _urgent(child.pid, URGENT)
        yield _Player(program, child, ours, inlet_file, said, channels)


def _urgent(task: int, priority: int) -> None:
    """Let a *task* go before all that keeps the cores busy, if we may (LimitRTPRIO= in the unit)."""
    with suppress(OSError):
        os.sched_setscheduler(task, os.SCHED_RR if priority else os.SCHED_OTHER, os.sched_param(priority))


@contextmanager
def _hurry() -> Iterator[None]:
    """Do the block on the second; it is to wait, and no more."""
    _urgent(OURS, URGENT)
    try:
        yield
    finally:
        _urgent(OURS, 0)


def _link(file: FileIO) -> str:
    return f"/proc/self/fd/{file.fileno()}"


def _not_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.wait(KILL_WAIT)


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
