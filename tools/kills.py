"""
Kill the daemon at random instants, start it again, and hold its play log against what really sounded.

    python -m tools.kills [N] [--seed S] [--stations W]

Several stations run side by side, each with one to three clusters; half of them play through a sound server
of our own, the others into WAV files. Every schedule has a tone of its own, and every programme begins with a
mark, so that what is heard tells which occurrence began, when, how often, and how much of it there was.
Exit code 1 if the log is not true.
"""

import argparse
import math
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import wave
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock, Thread
from typing import IO, Any
from zoneinfo import ZoneInfo

import numpy as np

from broadcaster.edges.store import Store, database
from broadcaster.model.programme import SAMPLE_RATE
from tests.sound_server import TOOLS, SoundServer
from tests.stations import approve

ROOT = Path(__file__).parents[1]
TONES = (
    20  # schedules; their times come round in more than the grace, so that a late start is told from the next
)
SPARE = range(4, TONES, 5)  # of them: written, and assembled, while the station runs
USUAL = [tone for tone in range(TONES) if tone not in SPARE]
SLOT = 5  # seconds from one schedule's time to the next one's
LENGTHS = (3.0, 2.0, 6.0, 2.0, 2.0)  # seconds of the programmes, in turn; the third one meets the next
MARK, MARKED = 3600, 0.4  # Hz and seconds: how every programme begins
WINDOW = SAMPLE_RATE // 20  # samples that are heard at once
AHEAD = 12.0  # seconds from the edit of a schedule to its first time
OFF = 150.0  # seconds that the machine is off at last: all that was planned is over
GRACE = 60.0  # of the daemon
NEAR = 5.0  # seconds to which `cut` rows are true
A_BIT = 1.7  # seconds that may sound before a mark of it is on the disk: a player holds a second
HELD = 1.0  # seconds at most that a sound server had taken and lost when the player died with the daemon
PATIENCE = 60.0  # seconds until something must have begun, or be logged
ROOM = 4 << 30  # bytes
BATCH = 25  # kills of one station's folder
LAST = 40 * SLOT  # seconds for which there is a plan; each may be a session, and a day has 48
RUN = "import sys; from broadcaster.cli import main; sys.argv[0] = 'broadcaster'; main()"
LATER = f"""
from datetime import timedelta
from broadcaster.edges.clock import SystemClock
now = SystemClock.now
SystemClock.now = lambda self: now(self) + timedelta(seconds={OFF})
{RUN}"""


# What sounds


def hertz(tone: int) -> int:
    return 600 + 100 * tone


def seconds_of(tone: int) -> float:
    return LENGTHS[tone % len(LENGTHS)]


def samples_of(tone: int) -> bytes:
    """A programme: its tone all the way, and the mark over the beginning."""
    at = np.arange(round(seconds_of(tone) * SAMPLE_RATE)) / SAMPLE_RATE
    sound = np.sin(2 * np.pi * hertz(tone) * at) + np.sin(2 * np.pi * MARK * at) * (at < MARKED)
    return bytes((sound * 6000).astype("<i2"))


@dataclass
class Sound:
    """One programme that began to sound on a cluster."""

    cluster: str
    tone: int
    begun: float  # by the wall
    seconds: float = 0.0
    marked: bool = True  # nothing but the mark was heard yet
    last: float = 0.0  # when it was heard last


class Ear:
    """Tells programmes apart in what one loudspeaker plays."""

    def __init__(self, cluster: str) -> None:
        self.cluster = cluster
        self.sounds: list[Sound] = []
        self._rest = b""
        self._bins = np.array([hertz(tone) for tone in range(TONES)]) * WINDOW // SAMPLE_RATE

    def hear(self, until: float, samples: bytes) -> None:
        """*samples*, of which the last sounded at *until*."""
        samples = self._rest + samples
        size = 2 * WINDOW
        whole = len(samples) // size * size
        for start in range(0, whole, size):
            self._window(until - (len(samples) - start) / (2 * SAMPLE_RATE), samples[start : start + size])
        self._rest = samples[whole:]

    def _window(self, at: float, samples: bytes) -> None:
        values = np.frombuffer(samples, "<i2").astype(float)
        if not values.any() or np.sqrt(np.mean(np.square(values))) < 300:
            return
        power = np.square(np.abs(np.fft.rfft(values)))
        tone, mark = int(np.argmax(power[self._bins])), MARK * WINDOW // SAMPLE_RATE
        if power[self._bins[tone]] + power[mark] < power.sum() / 2:
            return  # where sounds begin and end there is a bit of everything
        marked = bool(power[mark] > power[self._bins[tone]] / 10)
        one = next((one for one in reversed(self.sounds) if one.tone == tone), None)
        if one is None or (marked and not one.marked) or at - one.last > 30:
            one = Sound(self.cluster, tone, at)
            self.sounds.append(one)
        one.marked = one.marked and marked
        one.seconds += WINDOW / SAMPLE_RATE
        one.last = at


# What is to be true


@dataclass(frozen=True)
class Planned:
    """An occurrence as we asked for it."""

    id: str
    cluster: str
    tone: int
    nominal: float


@dataclass(frozen=True)
class Row:
    """The end of an occurrence in the play log."""

    occurrence: str
    outcome: str
    reason: str
    seconds: float
    started: float | None


@dataclass
class Verdict:
    """How far the log is true."""

    false: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    worst: float = 0.0  # seconds by which a `cut` row was wrong
    silent: float = 0.0  # seconds that sounded, at most, of what the log calls missed


def judge(planned: Sequence[Planned], sounds: Sequence[Sound], rows: Sequence[Row]) -> Verdict:
    """Hold *rows* against *sounds*: every occurrence that was *planned* is over."""
    verdict = Verdict()
    heard: dict[str, list[Sound]] = {one.id: [] for one in planned}
    for sound in sounds:
        whose = [
            one.id
            for one in planned
            if (one.cluster, one.tone) == (sound.cluster, sound.tone)
            and one.nominal - 1.0 <= sound.begun <= one.nominal + GRACE + 2 * SLOT
        ]
        if whose:
            heard[whose[-1]].append(sound)
        else:
            verdict.false.append(f"sounded unasked: {sound}")
    ended = Counter(row.occurrence for row in rows)
    known = {row.occurrence: row for row in rows}
    verdict.false += [f"unknown to the plan: {row}" for row in rows if row.occurrence not in heard]
    for one in planned:
        own, row = heard[one.id], known.get(one.id)
        told = f"{one.id}: {row}; heard {[(_clock(each.begun), round(each.seconds, 2)) for each in own]}"
        if len(own) > 1:
            verdict.false.append(f"sounded twice: {told}")
        if ended[one.id] != 1:
            verdict.false.append(f"{ended[one.id]} ends: {told}")
        if own and own[0].begun < one.nominal - 0.5:
            verdict.false.append(f"sounded before its time: {told}")
        if row:
            _compare(verdict, one, row, own, told)
    return verdict


def _compare(verdict: Verdict, one: Planned, row: Row, own: Sequence[Sound], told: str) -> None:
    verdict.outcomes[f"{row.outcome} {row.reason}".strip()] += 1
    sounded, length = sum(each.seconds for each in own), seconds_of(one.tone)
    off = abs(row.seconds - sounded)
    if row.outcome == "aired":
        if sounded < 0.9 * length - 0.5:
            verdict.false.append(f"not aired: {told}")
    elif row.outcome == "cut":
        if not own and row.seconds > HELD:
            verdict.false.append(f"cut without a sound: {told}")
        verdict.worst = max(verdict.worst, off)
    elif row.outcome == "missed" or (one.tone in SPARE and row.reason == "not-ready"):
        verdict.silent = max(verdict.silent, sounded)
        if sounded > A_BIT:
            verdict.false.append(f"it sounded: {told}")
    else:
        verdict.false.append(f"nothing was to end so: {told}")
    if off > NEAR:
        verdict.false.append(f"seconds off by {off:.1f}: {told}")
    if row.outcome != "aired" and not row.reason:
        verdict.false.append(f"no reason: {told}")
    if own and row.started is not None and abs(row.started - own[0].begun) > NEAR:
        verdict.false.append(f"started at another time: {told}")


# Stations


@dataclass
class Station:
    """A station's folder; what sounds from its clusters; the daemon that is killed."""

    folder: Path
    zone: str
    clusters: Sequence[str]
    environment: Mapping[str, str]
    ears: Sequence[Ear] = ()  # at a sound server; else WAV files tell
    planned: list[Planned] = field(default_factory=list)

    def start(self, script: str = RUN) -> subprocess.Popen[bytes]:
        with (self.folder / "daemon.log").open("ab") as log:
            command = [
                sys.executable,
                "-c",
                script,
                "--lang",
                "en",
                "--station",
                str(self.folder),
                "run",
                "--listen",
                "off",
            ]
            environment = os.environ | self.environment
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def schedule(self, tone: int, times: Sequence[float], note: int = 0) -> None:
        """Write the schedule of *tone*, as an editor does."""
        moments = [datetime.fromtimestamp(one, ZoneInfo(self.zone)) for one in times]
        day = moments[0].date()
        name = name_of(tone)
        path = self.folder / "schedules" / f"{name}.toml"
        aside = path.with_suffix(".new")
        aside.write_text(
            f'# {note}\ntitle = "{name}"\nscript = "{name}"\nareas = ["03160"]\n[[rule]]\nfrom = {day}\n'
            f"until = {day}\ntimes = [{', '.join(f'{one:%H:%M:%S}' for one in moments)}]\n",
            "utf-8",
        )
        aside.rename(path)
        known = {one.id for one in self.planned}
        for at, moment in zip(times, moments, strict=True):
            for cluster in self.clusters:
                one = Planned(f"{name}/{moment:%Y-%m-%dT%H:%M:%S}/{cluster}", cluster, tone, at)
                if one.id not in known:
                    self.planned.append(one)

    def rows(self, event: str) -> list[dict[str, Any]]:
        """What stands in the play log, without disturbing who writes it."""
        path = database(self.folder / "var")
        with suppress(sqlite3.Error), closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
            db.row_factory = sqlite3.Row
            found = db.execute("select * from events where event = ? order by seq", [event])
            return [dict(row) for row in found]
        return []

    def sounds(self) -> list[Sound]:
        if self.ears:
            return [sound for ear in self.ears for sound in list(ear.sounds)]
        found = []
        for path in sorted((self.folder / "phat").glob("*.wav")):
            ear = Ear(next(one for one in self.clusters if f"-{one}" in path.stem))
            ear.hear(path.stat().st_mtime, path.read_bytes()[44:])
            found += ear.sounds
        return found


def name_of(tone: int) -> str:
    return f"am-{tone:02}"


def build(folder: Path) -> tuple[Path, str]:
    """A station in which it is about noon, with a script a tone; all but the spare ones are assembled."""
    zone = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # its sign is that of POSIX
    for tone in range(TONES):
        script = folder / "audio" / name_of(tone)
        recording = script / "recordings" / "vi" / "am.wav"
        recording.parent.mkdir(parents=True)
        with wave.open(str(recording), "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
            file.writeframes(samples_of(tone))
        (script / "script.toml").write_text(
            f'title = "{name_of(tone)}"\n[[item]]\nid = "am"\npause = 0.0\n'
            f'[item.text]\nvi = "Tiếng {tone}."\n',
            "utf-8",
        )
    schedules = folder / "schedules"
    schedules.mkdir()
    (schedules / "areas.toml").write_text(
        '[[area]]\ncode = "03160"\nname = "Xã thử"\nkind = "commune"\nfrom = 2025-07-01\n', "utf-8"
    )
    station = Station(folder, zone, ["loa-1"], {})
    write_settings(station, ["null"])
    approve(folder)
    tomorrow = datetime.now(UTC).timestamp() + 24 * 3600
    for tone in USUAL:
        station.schedule(tone, [tomorrow + tone * 60])
    command = [
        sys.executable,
        "-m",
        "broadcaster",
        "--lang",
        "en",
        "--station",
        str(folder),
        "prepare",
        "--json",
    ]
    prepared = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if prepared.stdout.count('"ready"') != len(USUAL):
        raise SystemExit(prepared.stdout + prepared.stderr)
    for path in schedules.glob("am-*.toml"):
        path.unlink()
    return folder, zone


def write_settings(station: Station, sinks: Sequence[str]) -> None:
    head = (
        f'name = "Đài thử"\narea = "03160"\ntimezone = "{station.zone}"\n[hours]\n'
        "allowed = [[00:00:00, 23:59:59]]\nsession_minutes = 600\nsessions_per_day = 48\n"
    )
    clusters = [
        f'[[cluster]]\nid = "{one}"\nname = "Cụm {one}"\narea = "03160"\n'
        f'languages = ["vi"]\nsink = "{sink}"\n'
        for one, sink in zip(station.clusters, sinks, strict=True)
    ]
    (station.folder / "schedules" / "station.toml").write_text(head + "".join(clusters), "utf-8")


def vouch(station: Station) -> None:
    """Say that the clock is right, as a person does; a sandbox has neither NTP nor a clock of its own."""
    with closing(Store(database(station.folder / "var"))) as store:
        store.mark("clock-vouched", {"boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip()})
        store.mark("alive", datetime.now(UTC).isoformat())


class Loudspeakers:
    """Outputs of a sound server, and an ear at each."""

    def __init__(self, server: SoundServer) -> None:
        self.server = server
        self._lock, self._count = Lock(), 0

    @contextmanager
    def some(self, clusters: Sequence[str]) -> Iterator[tuple[list[str], list[Ear]]]:
        """One for each of *clusters*: their names and ears."""
        with ExitStack() as held:
            found = [self._one(held, cluster) for cluster in clusters]
            yield [name for name, _ in found], [ear for _, ear in found]

    def _one(self, held: ExitStack, cluster: str) -> tuple[str, Ear]:
        with self._lock:
            self._count += 1
            name = f"loa{self._count}"
        environment = os.environ | self.server.environment
        what = ["module-null-sink", f"sink_name={name}", "norewinds=1", f"rate={SAMPLE_RATE}", "channels=1"]
        command = ["pactl", "load-module", *what]
        loaded = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        unload = ["pactl", "unload-module", loaded.stdout.strip()]
        held.callback(subprocess.run, unload, env=environment, capture_output=True, check=False)
        listen = ["parec", "--raw", "--format=s16le", f"--rate={SAMPLE_RATE}", "--channels=1"]
        listen += ["--latency-msec=50", f"--device={name}.monitor"]
        recorder = subprocess.Popen(listen, env=environment, stdout=subprocess.PIPE, bufsize=0)
        ear = Ear(cluster)

        def pick_up(microphone: IO[bytes]) -> None:
            with microphone:
                while chunk := microphone.read(1 << 16):  # as much as there is
                    ear.hear(time.time(), chunk)

        thread = Thread(target=pick_up, args=[recorder.stdout])
        thread.start()
        held.callback(thread.join)
        held.callback(recorder.wait)
        held.callback(recorder.kill)
        return name, ear


# Lives and deaths

AIMS = {
    "as it starts": 3,
    "before the first sample": 2,
    "at the first sample": 4,
    "in the middle": 4,
    "at the end": 4,
    "at an edit": 2,
    "while it assembles": 2,
}


@dataclass(frozen=True)
class Death:
    """When a daemon was killed, and what was meant."""

    at: float
    aim: str
    pid: int


class Batch:
    """One station from its first start over some deaths to its last."""

    def __init__(self, station: Station, rng: random.Random) -> None:
        self.station, self.rng = station, rng
        self.deaths: list[Death] = []
        self.false: list[str] = []
        self._first = math.ceil(time.time() + 2.0)
        self._notes = 0
        self._spare = list(SPARE)
        for tone in USUAL:
            station.schedule(tone, self._times(tone))
        station.planned.sort(key=lambda one: one.nominal)
        vouch(station)

    @property
    def over(self) -> bool:
        """Is there soon nothing left in the plan?"""
        return time.time() > self._first + LAST - 6 * SLOT

    def _times(self, tone: int) -> list[float]:
        return [self._first + place * SLOT for place in range(tone, LAST // SLOT, TONES)]

    def live_and_die(self) -> None:
        """One life of the daemon, up to where it is killed."""
        aim = self.rng.choices(list(AIMS), list(AIMS.values()))[0]
        begun = len(self.station.rows("start"))
        daemon = self.station.start()
        try:
            self._wait(aim, begun, daemon)
        finally:
            daemon.kill()
            self.deaths.append(Death(time.time(), aim, daemon.pid))
        if daemon.wait() != -signal.SIGKILL:
            log = (self.station.folder / "daemon.log").read_text("utf-8")
            self.false.append(f"the daemon ended: {log[-1500:]}")
        if self.rng.random() < 0.2:
            time.sleep(self.rng.uniform(0, 3))

    def _wait(self, aim: str, begun: int, daemon: subprocess.Popen[bytes]) -> None:
        rng = self.rng
        if aim == "as it starts":
            time.sleep(rng.uniform(0, 1.2))
            return
        if aim in ("at an edit", "while it assembles"):
            time.sleep(rng.uniform(0.4, 1.5))
            self._notes += 1
            if aim == "at an edit" or not self._spare:
                tone = rng.choice(USUAL)
                self.station.schedule(tone, self._times(tone), self._notes)
            else:
                tone = self._spare.pop(0)
                ahead = [one for one in self._times(tone) if one > time.time() + AHEAD]
                if ahead:
                    self.station.schedule(tone, ahead, self._notes)
            time.sleep(rng.uniform(0, 2.0))
            return
        until = time.monotonic() + PATIENCE
        while len(rows := self.station.rows("start")) <= begun and time.monotonic() < until:
            if daemon.poll() is not None:
                return
            time.sleep(0.03)
        if len(rows) <= begun:
            self.false.append(f"nothing began for {PATIENCE:.0f} s: {_clock(time.time())}")
            return
        row = rng.choice(rows[begun:])
        tone = int(row["schedule"][-2:])
        starts = max(datetime.fromisoformat(row["planned"]).timestamp(), time.time())
        length = seconds_of(tone)
        when = {
            "before the first sample": starts + rng.uniform(-3.0, 0.0),
            "at the first sample": starts + rng.uniform(-0.1, 0.5),
            "in the middle": starts + rng.uniform(0.1, 0.9) * length,
            "at the end": starts + length + rng.uniform(-0.4, 0.6),
        }[aim]
        time.sleep(max(0.0, when - time.time()))

    def settle(self) -> Verdict:
        """Start it once more, much later; then everything is over, and is judged."""
        time.sleep(1.5)  # what players still hold
        station, now = self.station, time.time()
        sounds = station.sounds()  # before anything new is heard
        over = [one for one in station.planned if one.nominal < now + OFF - GRACE - 3 * SLOT]
        before = {row["seq"]: row for event in ("start", "end") for row in station.rows(event)}
        daemon = station.start(LATER)
        ids = {one.id for one in over}
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and daemon.poll() is None:
            if ids <= {row["occurrence"] for row in station.rows("end")}:
                break
            time.sleep(0.1)
        daemon.kill()
        daemon.wait()
        rows = station.rows("end")
        verdict = judge(over, sounds, [row_of(one) for one in rows if one["occurrence"] in ids])
        after = {row["seq"]: row for event in ("start", "end") for row in station.rows(event)}
        verdict.false += self.false
        verdict.false += [
            f"the row was changed: {row} {after.get(seq)}"
            for seq, row in before.items()
            if after.get(seq) != row
        ]
        log = (station.folder / "daemon.log").read_text("utf-8")
        verdict.false += [f"traceback: {line}" for line in log.split("\n\n") if "Traceback" in line][:3]
        if verdict.false:
            verdict.false.append("deaths: " + ", ".join(f"{_clock(one.at)} {one.aim}" for one in self.deaths))
        return verdict


def row_of(row: Mapping[str, Any]) -> Row:
    started = row["started"] and datetime.fromisoformat(row["started"]).timestamp()
    return Row(row["occurrence"], row["outcome"], row["reason"], row["seconds"], started)


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%M:%S.%f}"[:-4]


def phase(death: Death, sounds: Sequence[Sound]) -> str:
    """Where a death really fell: what was heard of any cluster then."""
    for one in sounds:
        since = death.at - one.begun
        if abs(since) < 0.3:
            return "at the first sample"
        if abs(since - seconds_of(one.tone)) < 0.4:
            return "at the end"
        if 0 < since < seconds_of(one.tone) and one.last > death.at - 0.3:
            return "in the middle"
    return (
        death.aim if death.aim not in ("at the first sample", "in the middle", "at the end") else "in between"
    )


# All of it


def somewhere() -> Path | None:
    """Where there is a disk that nothing else can slow down; None for the usual place."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > ROOM else None


class Kills:
    """*count* deaths, on *stations* at a time."""

    def __init__(
        self, folder: Path, count: int, seed: int, stations: int, sound: Loudspeakers | None
    ) -> None:
        self.folder, self.count, self.seed, self.stations, self.sound = folder, count, seed, stations, sound
        self.total = Verdict()
        self.phases: Counter[str] = Counter()
        self.done = self._stations = 0
        self._lock = Lock()
        self._template, self._zone = build(folder / "mau")

    def run(self) -> Verdict:
        batches = max(self.stations, math.ceil(self.count / BATCH))
        shares = [self.count // batches + (number < self.count % batches) for number in range(batches)]
        with ThreadPoolExecutor(self.stations) as pool:
            list(pool.map(self._batch, range(batches), shares))
        return self.total

    def _batch(self, number: int, kills: int) -> None:
        rng = random.Random(f"{self.seed}/{number}")  # noqa: S311 - nothing secret
        while kills:
            kills -= self._station(number, kills, rng)

    def _station(self, number: int, kills: int, rng: random.Random) -> int:
        """One station, killed *kills* times or until its plan ends; tells how often."""
        with self._lock:
            self._stations += 1
            folder = self.folder / f"dai-{self._stations}"
        shutil.copytree(self._template, folder)
        clusters = [f"loa-{one + 1}" for one in range(rng.choice([1, 1, 2, 3]))]
        with ExitStack() as held:
            ears: list[Ear] = []
            sinks = ["file:phat"] * len(clusters)
            environment: Mapping[str, str] = {}
            if self.sound and number % 2 == 0:
                names, ears = held.enter_context(self.sound.some(clusters))
                sinks = [f"card:{name}" for name in names]
                environment = self.sound.server.environment
            station = Station(folder, self._zone, clusters, environment, ears)
            write_settings(station, sinks)
            batch = Batch(station, rng)
            while len(batch.deaths) < kills and not batch.over:
                batch.live_and_die()
                with self._lock:
                    self.done += 1
                    if self.done % 10 == 0:
                        print(f"{self.done} of {self.count} kills", flush=True)
            heard = station.sounds()
            verdict = batch.settle()
        with self._lock:
            self.phases.update(phase(death, heard) for death in batch.deaths)
            self.total.outcomes += verdict.outcomes
            self.total.worst = max(self.total.worst, verdict.worst)
            self.total.silent = max(self.total.silent, verdict.silent)
            told = [f"{folder.name}, {sinks[0]}: {one}" for one in verdict.false]
            self.total.false += told
            for line in told:
                print(f"FALSE {line}", flush=True)
        if not verdict.false:
            shutil.rmtree(folder, ignore_errors=True)
        return len(batch.deaths)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kills", nargs="?", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--stations", type=int, default=10, help="side by side")
    parser.add_argument("--folder", type=Path, default=somewhere(), help="where stations are made")
    parser.add_argument("--keep", action="store_true", help="the folders of stations whose log was not true")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if asked.seed is None else asked.seed
    print(f"seed {seed}", flush=True)
    begun = time.monotonic()
    with ExitStack() as held:
        folder = Path(tempfile.mkdtemp(prefix="kills-", dir=asked.folder))
        if not asked.keep:
            held.callback(shutil.rmtree, folder, ignore_errors=True)
        sound = None
        if all(shutil.which(tool) for tool in TOOLS):
            server = SoundServer(Path(held.enter_context(tempfile.TemporaryDirectory(prefix="sound-"))))
            held.callback(server.stop)
            server.wait_until_up()
            sound = Loudspeakers(server)
        kills = Kills(folder, asked.kills, seed, asked.stations, sound)
        total = kills.run()
    print(
        f"{kills.done} kills in {time.monotonic() - begun:.0f} s"
        + ("" if sound else ", without a sound server")
    )
    print("killed: " + ", ".join(f"{name} {count}" for name, count in kills.phases.most_common()))
    print("logged: " + ", ".join(f"{name} {count}" for name, count in total.outcomes.most_common()))
    print(
        f"cut rows: wrong by {total.worst:.2f} s at most; missed rows: {total.silent:.2f} s sounded at most"
    )
    print(f"{len(total.false)} violations" + (f"; to repeat: --seed {seed}" if total.false else ""))
    return 1 if total.false else 0


if __name__ == "__main__":
    sys.exit(main())
