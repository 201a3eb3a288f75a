"""
One audio file -> what is heard of it, or its clip: decoded whole, rid of hum and rumble, trimmed, levelled.

Recordings come from telephones and memory sticks, so this runs as a child process under limits
(`python -m broadcaster.clip`, asked through edges/sandbox.py): what crashes or swells here harms nobody.
"""

import errno
import os
import shutil
import wave
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any

from broadcaster.edges.sandbox import Limits, Sandbox, serve
from broadcaster.model.errors import BroadcasterError, Fault, Text, say
from broadcaster.model.judgement import Heard
from broadcaster.model.programme import SAMPLE_RATE

if TYPE_CHECKING:
    from broadcaster.levels import Row, Samples

LONGEST = 3 * 3600  # seconds; what is longer is no message, or never ends
HIGHEST_GAIN = 30.0  # dB; more would only make noise loud
MOST_GIVEN_BACK = 12.0  # dB of loudness that the limiter took
FULL_SCALE = 0.985  # from here on a sample counts as flattened
PAUSE = 6.0  # dB over the noise floor: what is quieter at the ends is trimmed,
LEAST_PAUSE = 20.0  # if that floor is so many dB under the speech; else no pause was heard
DEEPEST = 45.0  # dB under the speech: quieter than this is silence, however quiet the floor
KEPT_BEFORE, KEPT_AFTER = 0.2, 0.25  # seconds kept around what is not quiet: first consonants are soft
EDGE = 0.005  # seconds of fade where a clip was cut
KEPT_FREE = 200 << 20  # bytes of the disk
SECOND = SAMPLE_RATE  # samples held at a time
PATIENCE = 300.0  # seconds for one file; three hours of sound take a tenth of that on a slow machine

# Rumble of wind and hands, and hum of the mains with its first harmonics, which wastes the amplifier's power.
CLEAN = (
    "highpass=f=100:t=q:w=0.541,highpass=f=100:t=q:w=1.307,"  # Butterworth, 4th order
    "bandreject=f=100:t=q:w=10,bandreject=f=150:t=q:w=15"
)
# A horn gives nothing under 300 Hz nor over 6 kHz; what tells one word from another lies at 2 to 3 kHz.
HORN = (
    "highpass=f=300:t=q:w=0.541,highpass=f=300:t=q:w=1.307,"
    "lowpass=f=6000:t=q:w=0.541,lowpass=f=6000:t=q:w=1.307,equalizer=f=2500:t=q:w=0.8:g=4"
)
PROFILES = {"full": CLEAN, "horn": HORN}


class _Sound:
    """What passes, STEP by STEP: loudness, level after cleaning, peak."""

    def __init__(self, peaks_of: "Callable[[Samples], Row]") -> None:
        from broadcaster.edges.decode import k_weighting

        self._weigh, self._peaks_of = k_weighting(), peaks_of
        self._parts: list[tuple[Row, Row, Row]] = []

    def add(self, block: "Samples", clean: "Samples | None" = None) -> None:
        from broadcaster.levels import power

        level = power(block if clean is None else clean)
        self._parts.append((power(self._weigh(block)), level, self._peaks_of(block)))

    def rows(self) -> tuple["Row", "Row", "Row"]:
        """Weighted power, level (power too) and peak of each STEP."""
        import numpy as np

        weighted, level, peaks = (np.concatenate(rows) for rows in zip(*self._parts, strict=True))
        return weighted, level, peaks


def hear(source: Path) -> Heard:
    """Decode *source* to its end and measure it as it is. Raises BroadcasterError if it is no sound."""
    import numpy as np

    from broadcaster.edges.decode import Filter, Reader, decibels
    from broadcaster.levels import TruePeaks, lufs

    reader, sound, clean, clipped = Reader(source), _Sound(TruePeaks()), Filter(CLEAN), 0
    for block in _in_seconds(reader):
        sound.add(block, clean(block))
        clipped += int(np.count_nonzero(np.abs(block) >= FULL_SCALE))
    weighted, level, peaks = sound.rows()
    loudness = lufs(weighted)
    moments = _levels(level)
    quiet, loud = np.percentile(moments, (10, 95))
    first, last = _not_quiet(level, loudness)
    step = reader.seconds / len(level)
    return Heard(
        seconds=reader.seconds,
        claimed=reader.claimed,
        lufs=loudness,
        peak_dbtp=decibels(float(peaks.max())),
        clipped=clipped / (reader.seconds * SAMPLE_RATE),
        noise_dbfs=float(quiet),
        spread=float(loud - quiet),
        silence_before=first * step,
        silence_after=(len(level) - last) * step,
        channels=reader.channels,
        rate=reader.rate,
        codec=reader.codec,
        container=reader.container,
        damaged=reader.damaged,
        cancels=reader.cancels,
    )


def make(source: Path, target: Path, lufs: float, ceiling: float, steps: str, *, trim: bool) -> float:
    """
    Write *source* to *target* as a WAV of *lufs* (LUFS) whose true peak is under *ceiling* (linear).

    *steps* are the filters it passes. Returns its length in seconds.
    """
    import numpy as np

    from broadcaster import levels
    from broadcaster.edges.decode import Filter, Reader

    reader, sound, through = Reader(source), _Sound(levels.peaks), Filter(steps)
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=target.parent) as raw:  # without a name: whatever happens, it leaves nothing
        for block in _in_seconds(reader):
            passed = through(block)
            sound.add(passed)
            leave_room(target.parent)
            raw.write(passed.data)
        weighted, level, peaks = sound.rows()
        loudness = levels.lufs(weighted)
        first, last = _kept(level, loudness) if trim else (0, len(level))
        highest = min(HIGHEST_GAIN, lufs - loudness + MOST_GIVEN_BACK)
        if peaks.max() * 10 ** (highest / 20) > ceiling / levels.OVERSHOOT:
            raw.seek(0)
            find = levels.TruePeaks(above=ceiling / 10 ** (highest / 20))
            blocks = iter(lambda: raw.read(4 * SECOND), b"")
            peaks = np.concatenate([find(np.frombuffer(block, np.float32)) for block in blocks])
        gains = levels.gains(weighted[first:last], peaks[first:last], lufs, ceiling, highest)
        begin, end = first * levels.STEP, min(last * levels.STEP, raw.tell() // 4)

        def pieces() -> Iterator[bytes]:
            raw.seek(4 * begin)
            for at in range(begin, end, SECOND):
                block = np.frombuffer(raw.read(4 * min(SECOND, end - at)), np.float32)
                made = levels.applied(block, gains, (at - begin) // levels.STEP)
                if trim and (at == begin or at + SECOND >= end - EDGE * SAMPLE_RATE):
                    made *= _edges(at - begin + np.arange(len(made)), end - begin)
                yield (np.clip(made, -1, 1) * 32767).astype("<i2").tobytes()

        write(target, pieces())
    return (end - begin) / SAMPLE_RATE


def _in_seconds(reader: Any) -> "Iterator[Samples]":
    from broadcaster.levels import evenly

    for block in evenly(reader, SECOND):
        if reader.seconds > LONGEST:
            raise BroadcasterError(
                Fault(
                    reader.path.name,
                    say("It is longer than {hours} hours.", hours=LONGEST // 3600),
                    say("Cut the message out of it."),
                )
            )
        yield block


def _levels(level: "Row") -> "Row":
    """In dBFS, every 20 ms."""
    import numpy as np

    whole = level[: max(1, len(level) // 10) * 10]
    moments = whole.reshape(-1, 10).mean(axis=1) if len(whole) % 10 == 0 else whole
    return np.asarray(10 * np.log10(np.maximum(moments, 1e-12)))


def _not_quiet(level: "Row", loudness: float) -> tuple[int, int]:
    """From which STEP up to which something is heard."""
    import numpy as np

    moments = _levels(level)
    floor = float(np.percentile(moments, 10))
    silence = loudness - DEEPEST
    if floor <= loudness - LEAST_PAUSE:
        silence = max(silence, floor + PAUSE)
    heard = np.flatnonzero(moments > silence)
    if not len(heard):
        return 0, len(level)
    size = len(level) / len(moments)
    return int(heard[0] * size), min(len(level), int((heard[-1] + 1) * size))


def _kept(level: "Row", loudness: float) -> tuple[int, int]:
    from broadcaster.levels import STEP

    first, last = _not_quiet(level, loudness)
    return (
        max(0, first - round(KEPT_BEFORE * SAMPLE_RATE / STEP)),
        min(len(level), last + round(KEPT_AFTER * SAMPLE_RATE / STEP)),
    )


def _edges(at: Any, length: int) -> "Samples":
    """A short rise at the beginning and fall at the end, for the samples *at* of *length*."""
    import numpy as np

    rise = EDGE * SAMPLE_RATE
    return np.asarray(np.clip(np.minimum(at + 1, length - at) / rise, 0, 1), np.float32)


def write(target: Path, pieces: Iterable[bytes]) -> None:
    """A WAV at *target*, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    leave_room(target.parent)
    with _aside(target) as file, wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(SAMPLE_RATE)
        for piece in pieces:
            sound.writeframesraw(piece)


def write_whole(target: Path, data: bytes) -> None:
    """A small file at *target*, whole or not at all."""
    with _aside(target) as file:
        file.write(data)


def leave_room(folder: Path) -> None:
    """Raise OSError rather than take the last of the disk: the play log must always find room."""
    if shutil.disk_usage(folder).free < KEPT_FREE:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


@contextmanager
def _aside(target: Path) -> Iterator[IO[bytes]]:
    """A file beside *target* that, when it is on the disk, takes its place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        aside.rename(target)
    finally:
        aside.unlink(missing_ok=True)


def seconds(path: Path) -> float | None:
    """The length of the WAV at *path*; None if it is not there or shorter than its own header says."""
    try:
        with wave.open(str(path)) as sound:
            frames = sound.getnframes()
        whole = path.stat().st_size >= 44 + 2 * frames and frames > 0
    except (OSError, EOFError, wave.Error):
        return None
    return frames / SAMPLE_RATE if whole else None


# Between the processes


def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    """What the child process does: hear a file (its `target` is None), or make its clip."""
    source = Path(request["source"])
    try:
        if request["target"] is None:
            return {"heard": asdict(hear(source))}
        target, trim = Path(request["target"]), request["trim"]
        return {
            "seconds": make(source, target, request["lufs"], request["ceiling"], request["steps"], trim=trim)
        }
    except BroadcasterError as error:
        return {"fault": [_told(error.faults[0].what), _told(error.faults[0].next)]}
    except OSError as error:
        return {"errno": error.errno, "path": str(error.filename or target)}


def ask(sandbox: Sandbox, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Have the child answer. Raises BroadcasterError for a bad file, OSError for a disk that refuses."""
    told = sandbox.ask(request, PATIENCE)
    if "errno" in told:
        raise OSError(told["errno"], os.strerror(told["errno"]), told["path"])
    if "fault" in told:
        what, following = told["fault"]
        raise BroadcasterError(Fault(Path(request["source"]).name, understood(what), understood(following)))
    return told


def listen(sandbox: Sandbox, source: Path) -> Heard:
    """What the child hears of *source*. Raises BroadcasterError if it is no sound."""
    return Heard(**ask(sandbox, {"source": str(source.resolve()), "target": None})["heard"])


def _told(value: object) -> object:
    """A sentence as JSON can carry it."""
    if isinstance(value, Text):
        return {"say": value.template, **{name: _told(one) for name, one in value.values.items()}}
    return value if isinstance(value, int | float) else str(value)


def understood(value: Any) -> Any:
    """The sentence that `_told` packed."""
    if isinstance(value, dict):
        return Text(value["say"], {name: understood(one) for name, one in value.items() if name != "say"})
    return value


if __name__ == "__main__":
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads would each want memory of their own
    import broadcaster.edges.decode
    import broadcaster.levels  # noqa: F401 - before the limits hold

    serve(answer, Limits(memory=1 << 30, file=2 * 4 * LONGEST * SAMPLE_RATE))
