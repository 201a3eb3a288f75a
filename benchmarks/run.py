"""
Speed, memory and start accuracy, side by side with what one would take instead, in one run.

    make bench                 everything this machine can measure
    make bench ONLY=assembly   one part: assembly, changes, start, commands, plan

Machines are noisy: quote the ratios and the medians. A part that needs PulseAudio says so and is left out
where it is not installed.
"""

import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))  # the tests' sounds and sound server serve here too


def in_child(name: str, *arguments: str) -> dict[str, float]:
    """Run one measurement in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, __file__, "--child", name, *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def row(what: str, *values: str) -> None:
    print(f"  {what:<46}" + "".join(f"{value:>16}" for value in values))


# Assembly

FORMATS = (  # as recordings come in: ending, codec, rate, bit rate
    ("mp3", "libmp3lame", 44_100, 128_000),
    ("m4a", "aac", 44_100, 96_000),
    ("ogg", "vorbis", 48_000, None),
    ("opus", "libopus", 48_000, 32_000),
    ("flac", "flac", 48_000, None),
    ("wav", "pcm_s16le", 44_100, None),
    ("amr", "amr_nb", 8_000, 12_200),
    ("wma", "wmav2", 44_100, 96_000),
    ("webm", "libopus", 48_000, 48_000),
    ("wav", "pcm_s24le", 48_000, None),
    ("mp3", "libmp3lame", 24_000, 64_000),
    ("3gp", "aac", 48_000, 64_000),
)
SOX_READS = (".mp3", ".ogg", ".flac", ".wav", ".amr")
LOCAL_SECONDS, COMMUNES, LANGUAGES = 20, 200, 3


def speech() -> Any:
    """The sample's Vietnamese recordings one after another."""
    import numpy as np

    from broadcaster.edges.decode import decode

    recordings = sorted((ROOT / "audio").glob("*/recordings/vi/*.opus"))
    return np.concatenate([block for path in recordings for block in decode(path)])


def item(words: Any, number: int, seconds: float) -> Any:
    """*seconds* of it: each number begins elsewhere, at a level of its own, with some noise."""
    import numpy as np

    from broadcaster.model.programme import SAMPLE_RATE

    samples = np.resize(np.roll(words, -number * 777_777), int(seconds * SAMPLE_RATE))
    hiss = np.random.default_rng(number).normal(0, 10**-3, len(samples))
    return (samples * 10 ** (-(number % 5) * 3 / 20) + hiss).astype(np.float32)


def child_station(name: str, copies: str) -> dict[str, float]:
    """A station's folder with *copies* times twelve items of mixed formats: 30 minutes each time."""
    from broadcaster.edges.decode import decode, encode
    from tests.sounds import save

    folder = Path(name)
    for kind in ("chimes", "beds"):
        shutil.copytree(ROOT / "audio" / kind, folder / "audio" / kind)
    (folder / "items").mkdir()
    words = speech()
    for number in range(12 * int(copies)):
        ending, codec, rate, bit_rate = FORMATS[number % 12]
        path = folder / "items" / f"{number:02}.{ending}"
        layout = "mono" if codec in ("amr_nb", "libopus") else "stereo"
        samples = item(words, number, 1909 / 12)
        save(path, samples, codec, rate=rate, layout=layout, bit_rate=bit_rate)
    (folder / "wav").mkdir()
    for path in (folder / "items").iterdir():
        encode(decode(path), folder / "wav" / f"{path.stem}.wav", "pcm_s16le")
    encode(decode(ROOT / "audio" / "beds" / "nen.flac"), folder / "bed.wav", "pcm_s16le")
    return {}


def recipe(items: list[Path]) -> Any:
    from broadcaster.model.programme import Part, Recipe
    from broadcaster.model.recording import Recording

    parts = tuple(
        Part(path.stem, 0.8, Recording("s", "vi", path.stem, None, str(path)), None, 0.0) for path in items
    )
    return Recipe("s", "vi", "a", "mo-dau.flac", "nen.flac", parts, ())


def one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def told(seconds: float, length: float) -> dict[str, float]:
    """Memory is that of this process and of its largest child together."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    megabytes = sum(resource.getrusage(who).ru_maxrss for who in both) / 1024
    return {"seconds": seconds, "length": length, "megabytes": megabytes}


def child_ours(folder: str) -> dict[str, float]:
    from broadcaster.assembly import Assembly
    from broadcaster.edges.voice import EspeakVoice

    one_core()
    shutil.rmtree(Path(folder) / "var", ignore_errors=True)
    began = time.perf_counter()
    assembly = Assembly(Path(folder), EspeakVoice())
    made = assembly.make(recipe(sorted((Path(folder) / "items").iterdir())))
    took = time.perf_counter() - began
    assembly.close()
    with wave.open(str(Path(folder) / "ours.wav"), "wb") as whole:
        whole.setparams((1, 2, 32_000, 0, "NONE", ""))
        for piece in made.pieces:
            with wave.open(str(piece)) as file:
                whole.writeframes(file.readframes(file.getnframes()))
    return told(took, made.seconds)


def child_pydub(folder: str) -> dict[str, float]:
    import warnings

    warnings.simplefilter("ignore")
    from pydub import AudioSegment, effects

    one_core()
    began = time.perf_counter()
    bed = AudioSegment.from_wav(Path(folder) / "bed.wav") - 20
    whole = AudioSegment.empty()
    for path in sorted((Path(folder) / "wav").iterdir()):
        whole += effects.normalize(AudioSegment.from_wav(path), 1.5) + AudioSegment.silent(800)
    whole.overlay(bed, loop=True).export(Path(folder) / "pydub.wav", "wav")
    return told(time.perf_counter() - began, len(whole) / 1000)


def run(*command: object) -> str:
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stderr


def ffmpeg(*command: object) -> str:
    return run("ffmpeg", "-hide_banner", "-nostats", "-y", *command)


def integrated(said: str) -> float:
    return float(re.findall(r"I: +(-?[\d.]+) LUFS", said)[-1])


MONO = "aresample=32000,aformat=sample_fmts=flt:channel_layouts=mono"
METER, LIMITER = "ebur128=framelog=verbose", "alimiter=limit=0.75:level=disabled"


def child_gains(folder: str) -> dict[str, float]:
    """Every item measured once, then one graph: gain, limiter, pauses, bed. The limiter's loss is left."""
    one_core()
    items = sorted((Path(folder) / "items").iterdir())
    began = time.perf_counter()
    found = [
        -16 - integrated(ffmpeg("-i", path, "-af", f"{MONO},{METER}", "-f", "null", "-")) for path in items
    ]
    joined_by_ffmpeg(items, found, MONO, Path(folder) / "gains.wav")
    return told(time.perf_counter() - began, length_of(Path(folder) / "gains.wav"))


def child_ffmpeg(folder: str) -> dict[str, float]:
    """
    The same loudness and cleaning as ours: what the limiter takes is measured and given back.

    Items are decoded once, into WAV, and measured meanwhile.
    """
    from broadcaster.clip import CLEAN

    one_core()
    root, found, wavs = Path(folder), [], []
    began = time.perf_counter()
    for path in sorted((root / "items").iterdir()):
        wavs.append(root / f"ffmpeg-{path.stem}.wav")
        gain = -16 - integrated(
            ffmpeg("-i", path, "-af", f"{MONO},{CLEAN},{METER}", "-c:a", "pcm_f32le", wavs[-1])
        )
        reached = -99.0
        while abs(reached + 16) > 0.3:  # what the limiter takes depends on how much it is given
            limited = f"volume={gain}dB,{LIMITER},{METER}"
            reached = integrated(ffmpeg("-i", wavs[-1], "-af", limited, "-f", "null", "-"))
            gain += -16 - reached
        found.append(gain)
    joined_by_ffmpeg(wavs, found, "anull", root / "ffmpeg.wav")
    return told(time.perf_counter() - began, length_of(root / "ffmpeg.wav"))


def joined_by_ffmpeg(items: list[Path], gains: list[float], first: str, out: Path) -> None:
    inputs: list[object] = []
    graph = []
    for number, (path, gain) in enumerate(zip(items, gains, strict=True)):
        inputs += ["-i", path]
        graph.append(f"[{number}]{first},volume={gain}dB,{LIMITER},apad=pad_dur=0.8[a{number}]")
    count = len(items)
    graph.append("".join(f"[a{number}]" for number in range(count)) + f"concat=n={count}:v=0:a=1[speech]")
    graph.append(f"[{count}]{MONO},volume=-20dB[bed]")
    graph.append("[speech][bed]amix=inputs=2:duration=first:normalize=0[out]")
    inputs += ["-stream_loop", "-1", "-i", out.parent / "bed.wav", "-filter_complex", ";".join(graph)]
    ffmpeg(*inputs, "-map", "[out]", out)


def child_loudnorm(folder: str) -> dict[str, float]:
    """The filter that people are told to take: loudnorm, twice over each item."""
    one_core()
    began, length = time.perf_counter(), 0.0
    for path in sorted((Path(folder) / "items").iterdir()):
        wanted = "loudnorm=I=-16:TP=-1.5:LRA=11"
        says = ffmpeg(
            "-i",
            path,
            "-af",
            f"{wanted}:print_format=json",
            "-f",
            "null",
            "-",
        )
        found = json.loads(says[says.rindex("{") : says.rindex("}") + 1])
        second = ":".join(
            [wanted, "linear=true"]
            + [
                f"measured_{name}={found[f'input_{key}']}"
                for name, key in (("I", "i"), ("TP", "tp"), ("LRA", "lra"), ("thresh", "thresh"))
            ]
        )
        out = Path(folder) / "loudnorm.wav"
        ffmpeg(
            "-i",
            path,
            "-af",
            second,
            "-ar",
            32_000,
            "-ac",
            1,
            out,
        )
        length += length_of(out)
    return told(time.perf_counter() - began, length)


def child_sox(folder: str) -> dict[str, float]:
    """Peaks only. What it cannot read, ffmpeg makes a WAV of, as whoever takes sox must."""
    one_core()
    root, out, parts = Path(folder), Path(folder) / "sox.wav", []
    began = time.perf_counter()
    for number, item in enumerate(sorted((root / "items").iterdir())):
        path = item
        if item.suffix not in SOX_READS:
            path = root / f"read-{item.stem}.wav"
            ffmpeg("-i", item, path)
        parts.append(root / f"sox-{number}.wav")
        run(
            "sox", path, "-b", 16, parts[-1], "channels", 1, "rate", 32_000, "gain", "-n", -1.5, "pad", 0, 0.8
        )
    run("sox", *parts, root / "sox-speech.wav")
    length = length_of(root / "sox-speech.wav")
    run(
        "sox",
        root / "bed.wav",
        root / "sox-bed.wav",
        "gain",
        -20,
        "repeat",
        int(length // length_of(root / "bed.wav")),
        "trim",
        0,
        length,
    )
    run("sox", "-m", "-v", 1, root / "sox-speech.wav", "-v", 1, root / "sox-bed.wav", out)
    return told(time.perf_counter() - began, length)


def length_of(path: Path) -> float:
    with wave.open(str(path)) as file:
        return float(file.getnframes() / file.getframerate())


def child_loudness(path: str) -> dict[str, float]:
    import numpy as np

    from broadcaster.edges.decode import decode, k_weighting
    from broadcaster.levels import evenly, lufs, power

    weigh = k_weighting()
    blocks = evenly(decode(Path(path)), 32_000)
    return {"lufs": lufs(np.concatenate([power(weigh(block)) for block in blocks]))}


def assembly() -> None:

    print(
        "Assembly, on one core: twelve items of mixed formats, pauses, bed; ours also cleans, trims and ducks"
    )
    row("", "length", "× real time", "peak MB", "LUFS")
    for copies in (1, 4):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            in_child("station", name, str(copies))
            ways = [("broadcaster", "ours", None), ("plain pydub, peaks only, WAV only", "pydub", None)]
            if copies == 1:
                ways += [
                    ("ffmpeg: to the same loudness", "ffmpeg", "ffmpeg"),
                    ("ffmpeg: limiter's loss left alone", "gains", "ffmpeg"),
                    ("ffmpeg: loudnorm, two passes, no bed", "loudnorm", "ffmpeg"),
                    ("sox (ffmpeg reads what it cannot), peaks only", "sox", "sox"),
                ]
            for what, child, needs in ways:
                if needs and not shutil.which(needs):
                    row(what, f"left out: needs {needs}")
                    continue
                again = 3 if copies == 1 and child != "loudnorm" else 1
                runs = [in_child(child, name) for _ in range(again)]
                found = sorted(runs, key=lambda one: one["seconds"])[again // 2]  # the median
                length = str(timedelta(seconds=round(found["length"])))
                speed = f"{found['length'] / found['seconds']:.0f}"
                out = folder / f"{child}.wav"
                heard = f"{in_child('loudness', str(out))['lufs']:.1f}" if out.exists() else "–"
                row(what, length, speed, f"{found['megabytes']:.0f}", heard)


# Changes, and a province


def child_locals(name: str) -> dict[str, float]:
    """Recordings of one item for each commune and language, and one of another item."""
    from tests.sounds import save

    folder, words = Path(name), speech()
    save(folder / "changed.m4a", item(words, 77, 1909 / 12), "aac", rate=48_000, bit_rate=64_000)
    (folder / "local").mkdir()
    for number in range(COMMUNES * LANGUAGES):
        path = folder / "local" / f"{number:04}.opus"
        save(path, item(words, number, LOCAL_SECONDS), "libopus", rate=48_000, bit_rate=24_000)
    return {}


def child_changes(folder: str) -> dict[str, float]:
    from broadcaster.assembly import Assembly
    from broadcaster.edges.voice import EspeakVoice

    one_core()
    items = sorted((Path(folder) / "items").iterdir())
    assembly = Assembly(Path(folder), EspeakVoice())
    assembly.make(recipe([Path(folder) / "local" / "0000.opus"]))  # the child process is there
    began = time.perf_counter()
    assembly.make(recipe(items))
    whole = time.perf_counter()
    changed = [*items[:5], Path(folder) / "changed.m4a", *items[6:]]
    assembly.make(recipe(changed))
    again = time.perf_counter()
    for local in sorted((Path(folder) / "local").iterdir()):
        assembly.make(recipe([local, *items[1:]]))
    province = time.perf_counter()
    assembly.close()
    return {"whole": whole - began, "changed": again - whole, "province": province - again}


def changes() -> None:
    print("Changes, on one core: the same programme of 30 minutes made again when something is different")
    row("", "seconds", "from nothing")
    with tempfile.TemporaryDirectory() as name:
        in_child("station", name, "1")
        in_child("locals", name)
        found = in_child("changes", name)
    row("from nothing", f"{found['whole']:.2f}", "1")
    row("one item of twelve changed", f"{found['changed']:.2f}", f"1/{found['whole'] / found['changed']:.1f}")
    # The three languages' common items are made once each; here the first one's were there already.
    province = found["province"] + (LANGUAGES - 1) * found["whole"]
    full = COMMUNES * LANGUAGES * found["whole"]
    row("200 communes × 3 languages, one local item", f"{province:.1f}", f"1/{full / province:.0f} of 600")


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
    "assembly": assembly, "changes": changes, "start": start, "commands": commands, "plan": plan,
}  # fmt: skip
CHILDREN: dict[str, Callable[..., dict[str, float]]] = {
    "station": child_station,
    "locals": child_locals,
    "loudness": child_loudness,
    "ours": child_ours,
    "pydub": child_pydub,
    "ffmpeg": child_ffmpeg,
    "gains": child_gains,
    "loudnorm": child_loudnorm,
    "sox": child_sox,
    "changes": child_changes,
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(CHILDREN[sys.argv[2]](*sys.argv[3:])))
    else:
        print(f"{datetime.now(UTC):%Y-%m-%d}, Python {sys.version.split()[0]}, {sys.platform}\n")
        for name in sys.argv[1:] or PARTS:
            PARTS[name]()
            print()
