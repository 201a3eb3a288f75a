"""SEAM: where sound goes. A sound card, WAV files, or nowhere; the caller cannot tell which."""

import fcntl
import os
import shutil
import subprocess
import sys
import termios
import wave
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from io import FileIO
from pathlib import Path
from threading import Event
from typing import Protocol

from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say
from broadcaster.model.programme import SAMPLE_RATE

SAMPLE_BYTES = 2
BYTE_RATE = SAMPLE_RATE * SAMPLE_BYTES
BLOCK = SAMPLE_RATE // 4  # samples; more than a player wants before it starts

LEAD = timedelta(seconds=1)  # a player is started and connected this long before the first sample
TICK = 0.05  # seconds between looks at a player; its pipe holds a whole second
FIRST_TICK = 0.005  # the same until its first sample is gone, so that we know when that was
PATIENCE = 3.0  # seconds without progress until a player is given up; 1 s barks falsely
HASTE = 0.5  # seconds (and 1 %) that a player may end before time: one that plays faster plays to no device
KILL_WAIT = 1.0  # a killed player is gone in milliseconds, unless a driver hangs in the kernel

SESSION_GAP = 120.0  # seconds of silence that a file still bridges
HEADER_BYTES = 44

DUMMY = "auto_null"  # the sink that a sound server offers when it has no card

_FORM = (1, SAMPLE_BYTES, SAMPLE_RATE)  # of every sound: channels, bytes a sample, samples a second


@dataclass(frozen=True)
class Played:
    """What became of one play."""

    started: datetime | None  # wall time of the first sample, None if no sample left
    seconds: float  # that sounded
    stopped: bool  # ended because *stop* was set
    fault: Fault | None  # why it ended early, if something failed


class Sink(Protocol):
    """Where sound goes."""

    def play(
        self, sounds: Sequence[Path], at: datetime, stop: Event, on_progress: Callable[[float], None]
    ) -> Played:
        """
        Wait for *at*, then play finished programmes one after another without a gap, to the end.

        About once a second *on_progress* is told how many seconds have sounded. A device that fails and a
        sound that cannot be read are told in `Played.fault`, never raised; what sounded before them counts.
        """

    def close(self) -> None:
        """Let go of everything that is still held."""


class Clock(Protocol):
    """What a sink needs of the clock."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float, stop: Event) -> bool: ...
    def wait_until(self, when: datetime, stop: Event) -> bool: ...


def open_sink(spec: str, folder: Path, name: str, clock: Clock) -> Sink:
    """Give the sink that a cluster's `sink = "…"` means; *folder* is the station's, *name* the cluster's."""
    kind, _, rest = spec.partition(":")
    if kind == "card" and rest:
        return CardSink(rest, clock)
    if kind == "file" and rest:
        return FileSink(folder / rest, name, clock)
    if spec == "null":
        return NullSink(clock)
    raise BroadcasterError(
        Fault(
            spec,
            say("This is not a place where sound can go."),
            say("Write card:default, card:NAME (a sound output), file:FOLDER (writes WAV files) or null."),
        )
    )


class CardSink:
    """
    A sound card, through a child process that is fed raw samples: a sound server that freezes cannot hang us.

    `pacat` plays; where it finds no sound server, or none that knows the device, `aplay` does. Either is
    connected ahead of time and given its first sample at *at*. Needs a clock that runs in real time.
    """

    def __init__(self, device: str, clock: Clock) -> None:
        self.device = device
        self.clock = clock

    def play(
        self, sounds: Sequence[Path], at: datetime, stop: Event, on_progress: Callable[[float], None]
    ) -> Played:
        if self.clock.wait_until(at.astimezone(UTC) - LEAD, stop):
            return Played(None, 0.0, stopped=True, fault=None)
        refusals = []
        for program in _PROGRAMS:
            if not shutil.which(program.name):
                continue
            if self.device == "default" and (says := _ask(program)[1]).endswith(DUMMY):
                refusals.append(
                    f"{program.name}: {says}"
                )  # its card is gone, and it plays gladly into nothing
                continue
            try:
                with _started(program, self.device) as player:
                    return self._play_on(player, sounds, at, stop, on_progress)
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

    def _play_on(
        self,
        player: "_Player",
        sounds: Sequence[Path],
        at: datetime,
        stop: Event,
        on_progress: Callable[[float], None],
    ) -> Played:
        clock, reel = self.clock, _Reel(sounds)
        with closing(reel.blocks()) as blocks:
            if not player.load(blocks):
                return Played(None, 0.0, stopped=False, fault=reel.fault)
            while (left := (at - clock.now()).total_seconds()) > 0:
                if clock.sleep(min(left, TICK), stop):
                    return Played(None, 0.0, stopped=True, fault=None)
                if player.exit_code is not None:
                    raise _RefusedError(player.last_words)

            started, zero, seconds, told = None, 0.0, 0.0, 0
            taken, moved = 0, clock.monotonic()
            while True:
                player.feed(blocks)
                code, now = player.exit_code, clock.monotonic()
                if player.taken > taken:
                    taken, moved = player.taken, now
                    if started is None:
                        started, zero = clock.now(), now
                if started is not None:
                    seconds = max(0.0, min(now - zero, player.sounded_at_most))
                if code is not None:
                    if started is None:
                        raise _RefusedError(player.last_words)
                    length = taken / BYTE_RATE
                    if code == 0 and player.drained and now - zero > 0.99 * length - HASTE:
                        return Played(started, length, stopped=False, fault=reel.fault)
                    return self._ended_early(started, seconds, self._died(player.last_words))
                if stop.is_set():
                    return self._ended_early(started, seconds, None)
                if now - moved > PATIENCE:
                    return self._ended_early(started, seconds, self._frozen())
                if int(seconds) > told:
                    told = int(seconds)
                    on_progress(seconds)
                clock.sleep(FIRST_TICK if started is None else TICK, stop)

    @staticmethod
    def _ended_early(started: datetime | None, seconds: float, fault: Fault | None) -> Played:
        return Played(started if seconds else None, seconds, stopped=fault is None, fault=fault)

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

    def __init__(self, folder: Path, name: str, clock: Clock) -> None:
        self.folder = folder
        self.name = name
        self.clock = clock
        self._file: Path | None = None
        self._size = 0
        self._end = datetime.min.replace(tzinfo=UTC)

    def play(
        self, sounds: Sequence[Path], at: datetime, stop: Event, on_progress: Callable[[float], None]
    ) -> Played:
        return _pace(self.clock, sounds, at, stop, on_progress, partial(self._put, at))

    def close(self) -> None:
        """Nothing is held between plays."""

    def _put(self, at: datetime, moment: datetime, block: bytes) -> Fault | None:
        try:
            self._write(at, moment, block)
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

    def play(
        self, sounds: Sequence[Path], at: datetime, stop: Event, on_progress: Callable[[float], None]
    ) -> Played:
        return _pace(self.clock, sounds, at, stop, on_progress, lambda _moment, _block: None)

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
    sounds: Sequence[Path],
    at: datetime,
    stop: Event,
    on_progress: Callable[[float], None],
    put: Callable[[datetime, bytes], Fault | None],
) -> Played:
    """Play by the clock alone: when a block is over, *put* gets it with the wall time at which it began."""
    if clock.wait_until(at, stop):
        return Played(None, 0.0, stopped=True, fault=None)
    started, zero, seconds = clock.now(), clock.monotonic(), 0.0
    stopped, reel = False, _Reel(sounds)
    with closing(reel.blocks()) as blocks:
        for whole in blocks:
            stopped = clock.sleep(zero + seconds + len(whole) / BYTE_RATE - clock.monotonic(), stop)
            heard = max(0.0, clock.monotonic() - zero - seconds)
            block = whole[: int(heard * SAMPLE_RATE) * SAMPLE_BYTES] if stopped else whole
            if block and (fault := put(started + timedelta(seconds=seconds), block)):
                return Played(started if seconds else None, seconds, stopped=False, fault=fault)
            before, seconds = seconds, seconds + len(block) / BYTE_RATE
            if stopped:
                break
            if int(seconds) > int(before):
                on_progress(seconds)
    return Played(started if seconds else None, seconds, stopped, reel.fault)


class _Reel:
    """Sounds one after another, in blocks of raw samples; it ends at one that is not fit to play."""

    def __init__(self, sounds: Sequence[Path]) -> None:
        self._sounds = sounds
        self.fault: Fault | None = None

    def blocks(self) -> Generator[bytes, None, None]:
        for sound in self._sounds:
            flaw = yield from self._read(sound)
            if flaw:
                self.fault = Fault(str(sound), flaw, say("Have it made again: `broadcaster prepare`."))
                return

    @staticmethod
    def _read(sound: Path) -> Generator[bytes, None, Text | None]:
        """Yield what can be read of *sound*; return what is wrong with it."""
        try:
            with sound.open("rb") as file, wave.open(file) as reader:
                if (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) != _FORM:
                    return say("The sound is not in WAV, mono, 16 bit, {rate} Hz.", rate=SAMPLE_RATE)
                missing = reader.getnframes()
                if not missing:
                    return say("The sound file holds no sound.")
                while block := reader.readframes(BLOCK):
                    samples = len(block) // SAMPLE_BYTES
                    missing -= samples
                    yield block[: samples * SAMPLE_BYTES]
                return say("The sound file is cut off.") if missing else None
        except EOFError:
            return say("The sound file is cut off.")
        except (OSError, wave.Error) as error:
            return say("The sound file cannot be read ({reason}).", reason=said(error))


@dataclass(frozen=True)
class _Program:
    """How to play raw samples with a program, and how to ask for sound outputs."""

    name: str
    arguments: tuple[str, ...]
    held: float  # seconds that it has taken and not yet played, at the least, while all is well
    question: tuple[str, ...]
    answer: str  # how the line begins that names an output


_PROGRAMS = (
    _Program(
        "pacat",
        (
            "--playback",
            "--raw",
            f"--rate={SAMPLE_RATE}",
            "--channels=1",
            "--format=s16le",
            "--latency-msec=200",
        ),
        held=0.12,
        question=("pactl", "info"),
        answer="Default Sink:",
    ),
    _Program(
        "aplay",
        ("-q", "-t", "raw", "-f", "S16_LE", "-r", f"{SAMPLE_RATE}", "-c", "1", "--buffer-time=200000"),
        held=0.25,
        question=("aplay", "-l"),
        answer="card ",
    ),
)


class _RefusedError(Exception):
    """A player ended without having taken a sample; says its reason."""


@dataclass
class _Player:
    """A child process that plays the samples it reads from a pipe."""

    program: _Program
    child: subprocess.Popen[bytes]
    outlet: FileIO  # the child's end of the pipe; ours too, to see how much is in it
    inlet: FileIO
    said: FileIO
    block: bytes = b""
    written: int = 0

    def load(self, blocks: Iterator[bytes]) -> bool:
        """Have the next block at hand; tell whether there is one."""
        self.block = self.block or next(blocks, b"")
        return bool(self.block)

    def feed(self, blocks: Iterator[bytes]) -> None:
        """Fill the pipe, and close it after the last block."""
        while not self.inlet.closed:
            if not self.load(blocks):
                self.inlet.close()
            elif count := self.inlet.write(self.block):
                self.block = self.block[count:]
                self.written += count
            else:
                return

    @property
    def taken(self) -> int:
        """Bytes that the child has read from its pipe."""
        waiting = fcntl.ioctl(self.outlet, termios.FIONREAD, bytes(4))
        return self.written - int.from_bytes(waiting, sys.byteorder)

    @property
    def sounded_at_most(self) -> float:
        """Seconds of what it has taken that can have left: as long as it is fed, it holds some back."""
        return self.taken / BYTE_RATE - (0.0 if self.drained else self.program.held)

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
def _started(program: _Program, device: str) -> Iterator[_Player]:
    """Start *program* on *device*; when the block ends, however it ends, nothing of it is left."""
    with ExitStack() as held:
        try:
            outlet, inlet = os.pipe()
            outlet_file = held.enter_context(os.fdopen(outlet, "rb", buffering=0))
            inlet_file = held.enter_context(os.fdopen(inlet, "wb", buffering=0))
            said = held.enter_context(os.fdopen(os.memfd_create("said"), "rb", buffering=0))
            os.set_blocking(inlet, False)
            child = subprocess.Popen(
                [program.name, *program.arguments, *([] if device == "default" else [f"--device={device}"])],
                stdin=outlet,
                stdout=subprocess.DEVNULL,
                stderr=said,
                process_group=0,  # Ctrl-C at a terminal is for us to handle, not for the player
            )
        except OSError as error:
            raise _RefusedError(error) from error
        held.callback(_kill, child)
        yield _Player(program, child, outlet_file, inlet_file, said)


def _kill(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with suppress(subprocess.TimeoutExpired):
        child.wait(KILL_WAIT)


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""
