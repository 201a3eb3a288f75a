"""
Speed, memory and start accuracy, side by side with what one would take instead, in one run.

    make bench                 everything this machine can measure
    make bench ONLY=assembly   one part: assembly, changes, start, commands, plan, footprint, counts, fleet

Machines are noisy: quote the ratios and the medians. A part that needs PulseAudio says so and is left out
where it is not installed.
"""

import gc
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
from datetime import UTC, datetime, timedelta
from datetime import time as clock
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from counts import counts
from footprint import footprint

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


STARTS = 100


def start() -> None:
    import os
    import shutil
    import wave
    from contextlib import nullcontext

    from broadcaster.edges.clock import SystemClock
    from broadcaster.edges.sink import CardSink, Reel
    from broadcaster.model.programme import SAMPLE_RATE
    from tests.sound_server import TOOLS, busy, lateness, running

    print(f"Start: from the second that was planned to the first sample at the loudspeaker, {STARTS} starts")
    if not all(map(shutil.which, TOOLS)):
        print(f"  left out: needs {', '.join(TOOLS)}")
        return
    row("", "median ms", "99 % ms", "within 20 ms")
    with tempfile.TemporaryDirectory() as name, running() as server:
        os.environ |= server.environment
        sound = Path(name) / "tone.wav"
        with wave.open(str(sound), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
            file.writeframes(b"\x21\x41" * (SAMPLE_RATE // 5))
        clock = SystemClock()

        def ours(at: datetime) -> None:
            CardSink("default", clock).play(Reel([sound]), at, Event(), lambda _seconds: None)

        def spawned(at: datetime) -> None:
            clock.wait_until(at, Event())
            subprocess.run(["pacat", "--file-format=wav", sound], check=False, stderr=subprocess.DEVNULL)

        ways: dict[str, Callable[[datetime], None]] = {
            "broadcaster": ours,
            "a player started at the time": spawned,
        }
        for load, loaded in {"idle": nullcontext, "all cores busy": busy}.items():
            for what, play in ways.items():
                with loaded():
                    late = sorted(abs(one) * 1000 for one in lateness(server, play, STARTS))
                row(
                    f"{what}, {load}",
                    f"{statistics.median(late):.1f}",
                    f"{late[round(0.99 * STARTS) - 1]:.1f}",
                    f"{sum(one <= 20 for one in late)}",
                )


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

PEAK, LEAN = (5, 11), (1, 2, 3, 4, 6, 7, 8, 9, 10, 12)
MORNINGS, EVENINGS = ((5, 5), (5, 30), (5, 50)), ((16, 40), (17, 5), (17, 30), (17, 55))


def asked(number: int) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    """When schedule *number* is broadcast: morning, evening, and the two weekdays of the lean months."""
    return (
        MORNINGS[number % len(MORNINGS)],
        EVENINGS[number % len(EVENINGS)],
        (number % 7, (number + 3) % 7),
    )


def a_station(
    schedules: int, clusters: int = 1, *, seconds: int = 60, colliding: bool = False, areas: Any = None
) -> Any:
    """
    Bắc Giang's year in each schedule: May and November twice a day, else twice a week; Tết by its name.

    *colliding*: all at the same times, too long for the session, and every loss sought a make-good for.
    """
    from broadcaster.edges.content.holidays import Holiday
    from broadcaster.model.schedule import Exclusion, Quota
    from tests.factories import make_cluster, make_content, make_hours, make_rule, make_schedule, make_script

    found = []
    for number in range(schedules):
        morning, evening, weekdays = asked(0 if colliding else number)
        times = clock(*morning), clock(*evening)
        rules = [
            make_rule(*times, months=frozenset(PEAK), at_least=Quota(14) if colliding else None),
            make_rule(times[1], months=frozenset(LEAN), weekdays=frozenset(weekdays), at_least=Quota(2)),
        ]
        silent = [Exclusion(Holiday("Tết"), "Tết")]
        found.append(
            make_schedule(f"{number:03}", *rules, exclusions=silent, areas=[areas[0] if areas else "11"])
        )
    place = areas[1] if areas else "03160"
    return make_content(
        *found,
        scripts=[make_script(seconds=seconds)],
        clusters=[make_cluster(f"{number:03}", area=place) for number in range(clusters)],
        hours=make_hours(sessions_per_day=2 if colliding else 7),
        areas=areas[2] if areas else None,
    )


def a_year(content: Any, days: int = 365, log: Any = None) -> int:
    from broadcaster.model.plan import plan as planned

    start = datetime(2026, 1, 1, tzinfo=content.station.timezone)
    return len(planned(content, log or {}, start, start + timedelta(days=days)))


def half_logged(content: Any) -> Any:
    """The play log of half a year, in which every tenth was lost."""
    from broadcaster.model.airing import Outcome
    from broadcaster.model.plan import plan as planned
    from tests.factories import make_airing, make_log

    start = datetime(2026, 1, 1, tzinfo=content.station.timezone)
    found = [one for one in planned(content, {}, start, start + timedelta(days=182)) if one.reason is None]
    ends = (Outcome.MISSED, *[Outcome.AIRED] * 9)
    return make_log(*(make_airing(one, ends[number % 10]) for number, one in enumerate(found)))


def by_dateutil(schedules: int) -> int:
    """Times only, of rules that are built once."""
    from dateutil.rrule import DAILY, WEEKLY, rrule

    first, last, count = datetime(2026, 1, 1), datetime(2026, 12, 31, 23, 59), 0  # noqa: DTZ001 - wall times
    for number in range(schedules):
        (hour, minute), (hour_2, minute_2), weekdays = asked(number)
        for rule in (
            rrule(DAILY, first, bymonth=PEAK, byhour=hour, byminute=minute, bysecond=0),
            rrule(DAILY, first, bymonth=PEAK, byhour=hour_2, byminute=minute_2, bysecond=0),
            rrule(
                WEEKLY, first, bymonth=LEAN, byweekday=weekdays, byhour=hour_2, byminute=minute_2, bysecond=0
            ),
        ):
            count += len(rule.between(first, last, inc=True))
    return count


def by_cron(schedules: int) -> int:
    """APScheduler's CronTrigger, stepped from one time to the next as its scheduler does."""
    from zoneinfo import ZoneInfo

    from apscheduler.triggers.cron import CronTrigger

    zone, count = ZoneInfo("Asia/Ho_Chi_Minh"), 0
    last = datetime(2027, 1, 1, tzinfo=zone)
    for number in range(schedules):
        (hour, minute), (hour_2, minute_2), weekdays = asked(number)
        peak, lean = ",".join(map(str, PEAK)), ",".join(map(str, LEAN))
        for trigger in (
            CronTrigger(month=peak, hour=hour, minute=minute, timezone=zone),
            CronTrigger(month=peak, hour=hour_2, minute=minute_2, timezone=zone),
            CronTrigger(
                month=lean,
                day_of_week=",".join(map(str, weekdays)),
                hour=hour_2,
                minute=minute_2,
                timezone=zone,
            ),
        ):
            now = datetime(2026, 1, 1, tzinfo=zone)
            while (step := trigger.get_next_fire_time(None, now)) and step < last:
                now, count = step + timedelta(seconds=1), count + 1
    return count


def by_croniter(schedules: int) -> int:
    from croniter import croniter

    first, last, count = datetime(2026, 1, 1), datetime(2027, 1, 1), 0  # noqa: DTZ001 - wall times
    for number in range(schedules):
        (hour, minute), (hour_2, minute_2), weekdays = asked(number)
        peak, lean = ",".join(map(str, PEAK)), ",".join(map(str, LEAN))
        days = ",".join(str((day + 1) % 7) for day in weekdays)  # cron counts from Sunday
        for text in (
            f"{minute} {hour} * {peak} *",
            f"{minute_2} {hour_2} * {peak} *",
            f"{minute_2} {hour_2} * {lean} {days}",
        ):
            steps = croniter(text, first)
            while steps.get_next(datetime) < last:
                count += 1
    return count


def timed(way: Callable[[], int], again: int = 5) -> tuple[int, float]:
    """How many, and the median of the processor's seconds."""
    took, count = [], 0
    gc.collect()
    gc.freeze()  # what was there before is not gone through again on anybody's account
    for _ in range(again):
        began = time.process_time()
        count = way()
        took.append(time.process_time() - began)
    return count, statistics.median(took)


def child_nation(stations: str) -> dict[str, float]:
    """Plan the year of so many communes, one after the other."""
    from broadcaster.edges.content.country import Country
    from broadcaster.model.area import AreaKind, Areas

    one_core()
    there = [one for one in Country().all() if one.valid_until is None]
    provinces = {one.code: one for one in there if one.kind is AreaKind.PROVINCE}
    communes = [one for one in there if one.kind is AreaKind.COMMUNE][: int(stations)]
    a_year(a_station(5))
    began, count = time.process_time(), 0
    for commune in communes:
        province = provinces[str(commune.parent)]
        count += a_year(a_station(5, areas=(province.code, commune.code, Areas([province, commune]))))
    took = time.process_time() - began
    return {"stations": len(communes), "count": count, "seconds": took, "megabytes": peak_megabytes()}


def plan() -> None:
    print(
        "Plan: a station's year, 20 schedules: twice a day in May and November, else twice a week, not at Tết"
    )
    row("", "occurrences", "a second", "each, µs", "× ours")
    content = a_station(20)
    a_year(content)  # the days of Tết are known
    ways: dict[str, Callable[[], int]] = {
        "broadcaster: hours, sessions, languages, Tết": lambda: a_year(content),
        "broadcaster: with half the year in its play log": partial(
            a_year, content, 365, half_logged(content)
        ),
        "dateutil.rrule, times only": lambda: by_dateutil(20),
        "croniter, times only": lambda: by_croniter(20),
        "APScheduler's CronTrigger, times only": lambda: by_cron(20),
    }
    rounds = [{what: timed(way, 1) for what, way in ways.items()} for _ in range(9)]
    ours = statistics.median(one[next(iter(ways))][1] / one[next(iter(ways))][0] for one in rounds)
    for what in ways:  # in turn, so that a busy machine is busy for all
        count = rounds[0][what][0]
        each = statistics.median(one[what][1] for one in rounds) / count
        row(what, f"{count:,}", f"{1 / each:,.0f}", f"{each * 1e6:.1f}", f"{each / ours:.1f}")

    print("\n  Everything collides: 20 schedules of 200 s at the same times, make-goods sought, a year")
    row("", "occurrences", "seconds")
    for clusters in (1, 3, 6):
        count, took = timed(partial(a_year, a_station(20, clusters, seconds=200, colliding=True)), 3)
        row(f"{clusters} clusters", f"{count:,}", f"{took:.2f}")

    print("\n  Growth: schedules, days and clusters (else 20, 365, 1)")
    row("", "occurrences", "ms", "each, µs")
    for schedules in (5, 10, 20, 40, 80):
        grown(f"{schedules} schedules", partial(a_year, a_station(schedules, seconds=20)))
    for days in (91, 182, 365, 730, 1460):
        grown(f"{days} days", partial(a_year, content, days))
    for clusters in (1, 2, 4, 8, 16):
        grown(f"{clusters} clusters", partial(a_year, a_station(20, clusters)))

    print("\n  A nation: every commune of Vietnam, a year, 5 schedules each, one after the other on one core")
    row("", "occurrences", "seconds", "peak MB")
    for stations in (10, 100, 10_000):
        found = in_child("nation", str(stations))
        row(
            f"{found['stations']:,.0f} communes",
            f"{found['count']:,.0f}",
            f"{found['seconds']:.1f}",
            f"{found['megabytes']:.0f}",
        )


def grown(what: str, way: Callable[[], int]) -> None:
    count, took = timed(way)
    row(what, f"{count:,}", f"{took * 1000:.0f}", f"{took / count * 1e6:.1f}")


def fleet() -> None:
    """In a process of its own: it needs as many open files as the machine gives."""
    command = [sys.executable, str(ROOT / "benchmarks" / "fleet.py")]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})


PARTS: dict[str, Callable[[], None]] = {
    "assembly": assembly, "changes": changes, "start": start, "commands": commands, "plan": plan,
    "footprint": footprint, "counts": counts, "fleet": fleet,
}  # fmt: skip
CHILDREN: dict[str, Callable[..., dict[str, float]]] = {
    "station": child_station,
    "locals": child_locals,
    "loudness": child_loudness,
    "nation": child_nation,
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
