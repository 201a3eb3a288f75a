"""
Speed, memory and start accuracy, side by side with what one would take instead, in one run.

    make bench                 everything this machine can measure
    make bench ONLY=assembly   one part: assembly, start, commands, plan

Machines are noisy: quote the ratios and the medians. A part that needs PulseAudio says so and is left out
where it is not installed.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # tests/sound_server.py serves here too


def in_child(name: str, *arguments: str) -> dict[str, float]:
    """Run one measurement in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--child", name, *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def row(what: str, *values: str) -> None:
    print(f"  {what:<46}" + "".join(f"{value:>16}" for value in values))


# Assembly


def items(folder: Path, copies: int) -> list[Path]:
    """
    The sample's Vietnamese recordings, *copies* times over, each copy a little quieter: none is like another.

    As WAV, for plain pydub opens little else.
    """
    from broadcaster.edges.decode import decode, encode

    found = []
    for copy in range(copies):
        for path in sorted((ROOT / "audio").glob("*/recordings/vi/*.opus")):
            wav = folder / f"{path.parent.parent.parent.name}-{path.stem}-{copy}.wav"
            encode((block * (1 - copy / 100) for block in decode(path)), wav, "pcm_s16le")
            found.append(wav)
    return found


def child_ours(folder: str) -> dict[str, float]:
    from broadcaster.assembly import Assembly
    from broadcaster.edges.voice import EspeakVoice
    from broadcaster.model.programme import Part, Recipe
    from broadcaster.model.recording import Recording

    station = Path(folder)
    parts = tuple(
        Part(wav.stem, 0.8, Recording("s", "vi", wav.stem, None, wav.name), None, 0.0)
        for wav in sorted(station.glob("*.wav"))
    )
    recipe = Recipe("s", "vi", "a", "mo-dau.flac", "nen.flac", parts, ())
    began = time.perf_counter()
    made = Assembly(station, EspeakVoice()).make(recipe)
    return {"seconds": time.perf_counter() - began, "length": made.seconds, "megabytes": peak_megabytes()}


def child_pydub(folder: str) -> dict[str, float]:
    import warnings

    warnings.simplefilter("ignore")
    from pydub import AudioSegment, effects

    began = time.perf_counter()
    bed = AudioSegment.from_wav(Path(folder) / "bed" / "nen.wav") - 20
    whole = AudioSegment.empty()
    for wav in sorted(Path(folder).glob("*.wav")):
        whole += effects.normalize(AudioSegment.from_wav(wav), 1.5) + AudioSegment.silent(800)
    whole.overlay(bed, loop=True).export(Path(folder) / "out.raw", "wav")
    return {
        "seconds": time.perf_counter() - began,
        "length": len(whole) / 1000,
        "megabytes": peak_megabytes(),
    }


def assembly() -> None:
    from broadcaster.edges.decode import decode, encode

    print(
        "Assembly: chime, items, pauses, bed; ours also levels to BS.1770, limits true peak, trims and ducks"
    )
    row("", "length", "× real time", "peak MB")
    for copies in (1, 14):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for kind in ("chimes", "beds"):
                (folder / "audio" / kind).mkdir(parents=True)
                for path in (ROOT / "audio" / kind).iterdir():
                    (folder / "audio" / kind / path.name).write_bytes(path.read_bytes())
            (folder / "bed").mkdir()
            encode(decode(ROOT / "audio" / "beds" / "nen.flac"), folder / "bed" / "nen.wav", "pcm_s16le")
            items(folder, copies)
            for what, child in (("broadcaster", "ours"), ("plain pydub, peak only", "pydub")):
                told = in_child(child, name)
                length = str(timedelta(seconds=round(told["length"])))
                row(what, length, f"{told['length'] / told['seconds']:.0f}", f"{told['megabytes']:.0f}")


# Start accuracy


def start() -> None:
    import os
    import shutil
    import wave

    from broadcaster.edges.clock import SystemClock
    from broadcaster.edges.sink import CardSink
    from broadcaster.model.programme import SAMPLE_RATE
    from tests.sound_server import TOOLS, running

    print("Start: from the second that was planned to the first sample at the loudspeaker, 20 starts")
    if not all(map(shutil.which, TOOLS)):
        print(f"  left out: needs {', '.join(TOOLS)}")
        return
    row("", "median ms", "worst ms")
    with tempfile.TemporaryDirectory() as name, running() as server:
        os.environ |= server.environment
        sound = Path(name) / "tone.wav"
        with wave.open(str(sound), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
            file.writeframes(b"\x00\x40" * (SAMPLE_RATE // 2))
        clock = SystemClock()

        def ours(at: datetime) -> None:
            CardSink("default", clock).play([sound], at, Event(), lambda _seconds: None)

        def spawned(at: datetime) -> None:
            clock.wait_until(at, Event())
            subprocess.run(["pacat", "--file-format=wav", sound], check=False, stderr=subprocess.DEVNULL)

        ways: dict[str, Callable[[datetime], None]] = {
            "broadcaster": ours,
            "a player started at the time": spawned,
        }
        for what, play in ways.items():
            late = []
            for _ in range(20):
                with server.listen() as heard:
                    at = (clock.now() + timedelta(seconds=2)).replace(microsecond=0)
                    play(at)
                late.append((heard.first - at.timestamp()) * 1000)
            row(what, f"{statistics.median(late):.1f}", f"{max(late, key=abs):.1f}")


# Commands


def commands() -> None:
    print("Commands: seconds to answer, median of 7 (the promise: those that only read take under 0.4)")
    row("", "median s")
    for command in (
        "plan",
        "status",
        "log",
        "report",
        "schedule list",
        "script list",
        "recording list",
        "--help",
    ):
        took = []
        for _ in range(7):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "broadcaster", *command.split()],
                cwd=ROOT,
                capture_output=True,
                check=False,
            )
            took.append(time.perf_counter() - began)
        row(command, f"{statistics.median(took):.2f}")


# The plan


def plan() -> None:
    from apscheduler.triggers.cron import CronTrigger

    from broadcaster.edges.content import load
    from broadcaster.model.plan import plan as planned

    print("Plan: the sample station's year, beside stepping APScheduler's CronTrigger through the same times")
    row("", "occurrences", "each, µs")
    content = load(ROOT).content
    zone = content.station.timezone
    began = time.perf_counter()
    found = planned(content, {}, datetime(2026, 1, 1, tzinfo=zone), datetime(2027, 1, 1, tzinfo=zone))
    took = time.perf_counter() - began
    row("broadcaster, with hours, sessions, languages", str(len(found)), f"{took / len(found) * 1e6:.0f}")
    trigger = CronTrigger(month="5,11", hour="5,17", minute=30, timezone=zone)
    began, now, count = time.perf_counter(), datetime(2026, 1, 1, tzinfo=zone), 0
    while (step := trigger.get_next_fire_time(None, now)) and step.date() < date(2027, 1, 1):
        now, count = step + timedelta(seconds=1), count + 1
    took = time.perf_counter() - began
    row("CronTrigger, times only", str(count), f"{took / count * 1e6:.0f}")


PARTS: dict[str, Callable[[], None]] = {
    "assembly": assembly, "start": start, "commands": commands, "plan": plan,
}  # fmt: skip
CHILDREN: dict[str, Callable[[str], dict[str, float]]] = {"ours": child_ours, "pydub": child_pydub}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(CHILDREN[sys.argv[2]](sys.argv[3])))
    else:
        print(f"{datetime.now(UTC):%Y-%m-%d}, Python {sys.version.split()[0]}, {sys.platform}\n")
        for name in sys.argv[1:] or PARTS:
            PARTS[name]()
            print()
