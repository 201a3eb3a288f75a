"""The daemon beside cron, a systemd timer and Liquidsoap: how late, how large, how busy, how soon ready."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import urlopen

ROOT = Path(__file__).parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
ROUNDS = 3  # of starting each; the last one stays
STARTS, EVERY, SHORT = 24, 4, 1  # how many, seconds from one to the next, seconds of sound
PROGRAMME = 60  # seconds of sound
LOOKING = 3  # who have the page open
APLAY = "/usr/bin/aplay -q -D pulse"
MANAGER = "/usr/lib/systemd/systemd"


# A process and all below it, as the kernel counts


def tree(root: int) -> list[int]:
    below: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        if stat := read(path).rpartition(")")[2].split():
            below.setdefault(int(stat[1]), []).append(int(path.parent.name))
    found = [root]
    for one in found:
        found += below.get(one, [])
    return found


def read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""  # it is gone


def number(text: str, name: str) -> int:
    return next((int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{name}:")), 0)


def processor(root: int) -> float:
    """Seconds of the processor so far, those of children that have ended too."""
    stats = [read(Path(f"/proc/{one}/stat")).rpartition(")")[2].split() for one in tree(root)]
    return sum(int(value) for stat in stats for value in stat[11:15]) / TICKS


def megabytes(root: int, what: str) -> float:
    """Memory: `Rss`, all that is resident, or `Pss`, in which what n processes share counts 1/n in each."""
    return sum(number(read(Path(f"/proc/{one}/smaps_rollup")), what) for one in tree(root)) / 1024


def sleeps(root: int) -> dict[Path, int]:
    """How often each thread went to sleep of its own accord: so often is it woken."""
    tasks = [task for one in tree(root) for task in Path(f"/proc/{one}/task").glob("*")]
    return {task: number(read(task / "status"), "voluntary_ctxt_switches") for task in tasks}


# What is compared


class Way:
    """A program that plays two sounds at their times, to a sound server of its own."""

    name: str
    turn: int  # seconds by which its times are behind those of the first, not to disturb it
    needs: tuple[str, ...] = ()
    needs_root = False

    def __init__(self, folder: Path, environment: dict[str, str], programme: Path, short: Path) -> None:
        self.folder = folder / type(self).__name__
        self.folder.mkdir()
        self.environment, self.programme, self.short = dict(environment), programme, short
        self.said = self.folder / "said"
        self.process: subprocess.Popen[bytes] | None = None
        self.found: dict[str, float] = {}

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @classmethod
    def lacks(cls) -> str:
        """Why it cannot run here."""
        if missing := [tool for tool in cls.needs if not shutil.which(tool)]:
            return f"needs {', '.join(missing)}"
        return "needs root, for folders that only it sees" if cls.needs_root and os.getuid() else ""

    def times(self, first: datetime) -> list[datetime]:
        """When the programme is due, a minute after *first*, and when the starts after it."""
        seconds = [60, *(120 + EVERY * (number + 1) for number in range(STARTS))]
        return [first + timedelta(seconds=one) + timedelta(seconds=self.turn) for one in seconds]

    def write(self, times: Sequence[datetime]) -> None:
        """Have it play at *times*: the programme first, then the short sound."""
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def start(self, first: datetime) -> float:
        """Start it; tell after how many seconds it was ready."""
        self.write(self.times(first))
        began = time.perf_counter()
        with self.said.open("wb") as said:
            self.process = subprocess.Popen(
                self.command(),
                cwd=ROOT,
                env=os.environ | self.environment | {"TZ": "UTC"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )
        while not self.is_ready():
            if self.process.poll() is not None or time.perf_counter() - began > 30:
                raise RuntimeError(f"{self.name} does not start: {self.said.read_text('utf-8', 'replace')}")
            time.sleep(0.005)
        return time.perf_counter() - began

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Ours(Way):
    name = "broadcaster"
    turn = 0

    def __init__(self, folder: Path, environment: dict[str, str], programme: Path, short: Path) -> None:
        super().__init__(folder, environment, programme, short)
        self.station = folder / "station"
        # Its modules are compiled in the first round, as an installed program's are.
        self.environment |= {"PYTHONPYCACHEPREFIX": str(self.folder), "PYTHONDONTWRITEBYTECODE": ""}

    def write(self, times: Sequence[datetime]) -> None:
        write_schedules(self.station, times)

    def command(self) -> list[str]:
        return typed(self.station, "run", "--listen", "off")

    def is_ready(self) -> bool:
        from broadcaster.edges.control import NotRunningError, ask

        try:
            ask(self.station, "status", {})
        except NotRunningError:
            return False
        return True


class WithPage(Ours):
    """The same with the operator's page open, three times."""

    name = "with the page open"
    turn = 3

    def __init__(self, folder: Path, environment: dict[str, str], programme: Path, short: Path) -> None:
        super().__init__(folder, environment, programme, short)
        self.station = Path(shutil.copytree(self.station, self.folder / "station"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def command(self) -> list[str]:
        return typed(self.station, "run", "--listen", f"127.0.0.1:{self.port}")

    def start(self, first: datetime) -> float:
        took = super().start(first)
        for _ in range(LOOKING):
            Thread(target=self.look, args=(self.process,), daemon=True).start()
        return took

    def look(self, daemon: subprocess.Popen[bytes]) -> None:
        """As a browser does: read what the page sends, as long as there is a daemon."""
        while daemon.poll() is None:
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/events", timeout=30) as stream:
                    while stream.readline():
                        pass
            except OSError:
                time.sleep(0.5)


class Cron(Way):
    """It knows minutes only: for seconds its job sleeps."""

    name = "cron, aplay"
    turn = 0
    needs = ("cron", "aplay", "unshare")
    needs_root = True

    def write(self, times: Sequence[datetime]) -> None:
        spool = self.folder / "root"
        lines = ['MAILTO=""', *(f"{name}={value}" for name, value in self.environment.items())]
        for number, at in enumerate(times):
            sound = self.short if number else self.programme
            lines.append(
                f"{at.minute} {at.hour} {at.day} {at.month} * sleep {at.second} && exec {APLAY} {sound}"
            )
        spool.write_text("\n".join(lines) + "\n", "utf-8")
        spool.chmod(0o600)

    def command(self) -> list[str]:
        own = (
            f"mount --bind {self.folder} /var/spool/cron/crontabs && mount -t tmpfs none /etc/cron.d"
            " && mount --bind /dev/null /etc/crontab && mount -t tmpfs none /run && exec cron -f"
        )
        return ["unshare", "--mount", "sh", "-c", own]

    def is_ready(self) -> bool:
        return read(Path(f"/proc/{self.pid}/root/run/crond.pid")).strip() == str(self.pid)


class SystemdTimer(Way):
    """Timers of a manager of its own, in namespaces and a control group of its own."""

    name = "systemd timer, aplay"
    turn = 1
    needs = (MANAGER, "aplay", "unshare")
    needs_root = True

    def write(self, times: Sequence[datetime]) -> None:
        units = self.folder / "units"
        shutil.rmtree(units, ignore_errors=True)
        (units / "all.target.wants").mkdir(parents=True)
        (self.folder / "ready").unlink(missing_ok=True)
        alone = "[Unit]\nDefaultDependencies=no\n"
        given = "".join(f'Environment="{name}={value}"\n' for name, value in self.environment.items())
        (units / "all.target").write_text(alone, "utf-8")
        for name, when, command in (
            ("ready", [], f"/usr/bin/touch {self.folder / 'ready'}"),
            ("long", times[:1], f"{APLAY} {self.programme}"),
            ("short", times[1:], f"{APLAY} {self.short}"),
        ):
            service = f"{alone}[Service]\nType=oneshot\n{given}StandardOutput=null\nExecStart={command}\n"
            (units / f"{name}.service").write_text(service, "utf-8")
            calendar = "".join(f"OnCalendar={at:%Y-%m-%d %H:%M:%S} UTC\n" for at in when)
            if calendar:
                timer = f"{alone}[Timer]\nAccuracySec=1us\n{calendar}"
                (units / f"{name}.timer").write_text(timer, "utf-8")
            wanted = f"{name}.timer" if calendar else f"{name}.service"
            (units / "all.target.wants" / wanted).symlink_to(units / wanted)

    def command(self) -> list[str]:
        joined = "".join(f"mkdir -p {one} && echo $$ > {one}/cgroup.procs && " for one in self._groups)
        own = (
            "umount -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup"
            f" && mount --bind {self.folder / 'units'} /etc/systemd/system && mount -t tmpfs none /run"
            f" && exec env container=other {MANAGER} --system --unit=all.target --show-status=no"
        )
        apart = "--cgroup --mount --pid --fork --mount-proc --kill-child"
        return ["sh", "-c", f"{joined}exec unshare {apart} sh -c '{own}'"]

    @property
    def _groups(self) -> list[Path]:
        """The group of its own in each hierarchy that a manager uses."""
        mounts = [line.split() for line in read(Path("/proc/self/mounts")).splitlines()]
        uses = [line for line in mounts if line[2] == "cgroup2" or "name=systemd" in line[3].split(",")]
        return [Path(line[1], f"footprint-{os.getpid()}") for line in uses]

    def is_ready(self) -> bool:
        return (self.folder / "ready").exists()

    def stop(self) -> None:
        super().stop()
        for group in self._groups:
            for inner in sorted(group.glob("**/"), reverse=True):
                while read(inner / "cgroup.procs"):  # what is killed is not gone at once
                    time.sleep(0.01)
                inner.rmdir()


class Liquidsoap(Way):
    """Its own way to keep times: a switch between sources by the clock, to a sound server's output."""

    name = "Liquidsoap"
    turn = 2
    needs = ("liquidsoap",)

    def write(self, times: Sequence[datetime]) -> None:
        begin, end = times[0], times[0] + timedelta(seconds=PROGRAMME)
        starts = " or ".join(f"{at:%-Hh%Mm%Ss}" for at in times[1:])
        (self.folder / "script.liq").write_text(
            f"""
settings.init.allow_root.set(true)
settings.log.stdout.set(true)
settings.log.file.set(false)
settings.frame.audio.samplerate.set(32000)
settings.frame.audio.channels.set(1)
programme = single("{self.programme}")
output.pulseaudio(switch(track_sensitive=false, [
  ({{ {begin:%-Hh%Mm%Ss}-{end:%-Hh%Mm%Ss} or {starts} }}, programme),
  ({{ true }}, blank())
]))
""",
            "utf-8",
        )

    def command(self) -> list[str]:
        return ["liquidsoap", str(self.folder / "script.liq")]

    def is_ready(self) -> bool:
        return "Streaming loop starts" in read(self.said)


# The sound


def typed(station: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "broadcaster", "--lang", "en", "--station", str(station), *words]


def tell(station: Path, *words: str) -> None:
    done = subprocess.run(typed(station, *words), cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr}")


def zone() -> str:
    """Where it is about noon, so that nothing runs over midnight."""
    return f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # its sign is that of POSIX


def build(station: Path) -> tuple[Path, Path]:
    """A small station with a programme of a minute and one of a second, assembled; the two sounds."""
    from tests.sounds import save, tone

    tell(station, "init", str(station), "--area", "03160")
    settings = station / "schedules" / "station.toml"
    text = settings.read_text("utf-8").replace("Asia/Ho_Chi_Minh", zone())
    text = text.replace("[[05:00:00, 06:30:00], [16:30:00, 18:30:00]]", "[[00:00:00, 23:59:59]]")
    settings.write_text(text.replace("sessions_per_day = 2", f"sessions_per_day = {STARTS + 1}"), "utf-8")
    (station / "schedules" / "thu-loa.toml").unlink()
    shutil.rmtree(station / "audio" / "thu-loa")
    for name, seconds in (("dai", PROGRAMME), ("ngan", SHORT)):
        sound = station / "audio" / name / "recordings" / "vi" / "loi.wav"
        sound.parent.mkdir(parents=True)
        save(sound, tone(300, seconds))
        words = f'title = "{name}"\n[[item]]\nid = "loi"\n[item.text]\nvi = "Thử loa."\n'
        (station / "audio" / name / "script.toml").write_text(words, "utf-8")
        tell(station, "approve", name, "--name", "Ban biên tập")
    write_schedules(station, [datetime.now(UTC) + timedelta(hours=hour) for hour in (1, 2)])
    tell(station, "prepare")
    made = sorted((station / "var" / "pieces").glob("*.wav"), key=lambda path: path.stat().st_size)
    tell(station, "clock", "--right")
    return made[-1], made[0]


def write_schedules(station: Path, times: Sequence[datetime]) -> None:
    from zoneinfo import ZoneInfo

    settings = (station / "schedules" / "station.toml").read_text("utf-8")
    here = ZoneInfo(settings.partition('timezone = "')[2].partition('"')[0])
    for name, when in (("dai", times[:1]), ("ngan", times[1:])):
        local = [at.astimezone(here) for at in when]
        head = f'title = "{name}"\nscript = "{name}"\nareas = ["03160"]\n\n[[rule]]\n'
        days = f"from = {local[0]:%Y-%m-%d}\nuntil = {local[0]:%Y-%m-%d}\n"
        rule = f"{days}times = [{', '.join(f'{at:%H:%M:%S}' for at in local)}]\n"
        (station / "schedules" / f"{name}.toml").write_text(head + rule, "utf-8")


def beginnings(heard: Any) -> list[float]:
    """Wall times at which sound began after silence, by those of the chunks around that came promptest."""
    import numpy as np

    from broadcaster.model.programme import SAMPLE_RATE

    samples = np.frombuffer(b"".join(chunk for _, chunk in heard.chunks), np.int16)
    arrived = np.array([arrival for arrival, _ in heard.chunks])
    ends = np.cumsum([len(chunk) / 2 for _, chunk in heard.chunks]) / SAMPLE_RATE
    loud = np.flatnonzero(samples)
    found = loud[np.diff(loud, prepend=-SAMPLE_RATE) > SAMPLE_RATE / 2] / SAMPLE_RATE
    return [float(at + min((arrived - ends)[abs(ends - at) < 0.5])) for at in found]


def lateness(heard: Any, times: Sequence[datetime]) -> list[float]:
    """Milliseconds from each time to the sound that began with it; of a time without any, nothing."""
    found = beginnings(heard)
    near = [[one - at.timestamp() for one in found if -1 <= one - at.timestamp() < EVERY - 1] for at in times]
    return [1000 * seconds[0] for seconds in near if seconds]


# The run


def footprint() -> None:
    from tests.sound_server import TOOLS, running

    print(f"Footprint: {STARTS + 1} starts, all ways at once, each with a null sink of its own; (× ours)")
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        print(f"  left out: needs {', '.join(missing)}")
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="footprint-")))
        programme, short = build(folder / "station")
        ways: dict[Way, Any] = {}
        for kind in (Ours, WithPage, Cron, SystemdTimer, Liquidsoap):
            if why := kind.lacks():
                print(f"  {kind.name} is left out: {why}")
            else:
                server = stack.enter_context(running())
                way = kind(folder, server.environment, programme, short)
                stack.callback(way.stop)
                ways[way] = server
        measure(ways)
    show(list(ways))


def measure(ways: Mapping[Way, Any]) -> None:
    """A minute at rest, a minute on air, then a short sound every few seconds."""
    never = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(hours=3)
    ready: dict[Way, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS - 1):
        for way in ways:
            ready[way].append(way.start(never))
            way.stop()
    first = datetime.fromtimestamp(ceil((time.time() + 20) / 60) * 60, UTC)
    for way in ways:
        ready[way].append(way.start(first))
        way.found["ready"] = statistics.median(ready[way])
    with ExitStack() as stack:
        ears = {way: stack.enter_context(server.listen()) for way, server in ways.items()}
        at_rest(ways, first)
        on_air(ways, first + timedelta(minutes=1))
        wait_until(first + timedelta(minutes=2, seconds=EVERY * (STARTS + 2)))
    for way, heard in ears.items():
        late = lateness(heard, way.times(first))
        way.found |= {"starts": len(late)}
        if late:
            away = [abs(one) for one in late]
            spread = max(late) - min(late)
            way.found |= {"median": statistics.median(away), "worst": max(away), "spread": spread}
            way.found["near"] = sum(one <= 20 for one in away)


def wait_until(when: datetime) -> None:
    time.sleep(max(0.0, when.timestamp() - time.time()))


def at_rest(ways: Iterable[Way], first: datetime) -> None:
    wait_until(first + timedelta(seconds=10))
    before = [(sleeps(way.pid), processor(way.pid)) for way in ways]
    seconds = 45
    wait_until(first + timedelta(seconds=10 + seconds))
    for way, (slept, spent) in zip(ways, before, strict=True):
        pid = way.pid
        woken = sum(count - slept.get(task, 0) for task, count in sleeps(pid).items())
        way.found |= {
            "wakes": woken / seconds,
            "idle": 100 * (processor(pid) - spent) / seconds,
            "idle Rss": megabytes(pid, "Rss"),
            "idle Pss": megabytes(pid, "Pss"),
        }


def on_air(ways: Iterable[Way], begin: datetime) -> None:
    """From 3 s before the first sample to 4 s after the last; counted as the seconds of sound."""
    wait_until(begin - timedelta(seconds=3))
    before = [processor(way.pid) for way in ways]
    for second in range(10, PROGRAMME, 10):
        wait_until(begin + timedelta(seconds=second))
        for way in ways:
            for what in ("Rss", "Pss"):
                now = megabytes(way.pid, what)
                way.found[f"air {what}"] = max(now, way.found.get(f"air {what}", 0.0))
    wait_until(begin + timedelta(seconds=PROGRAMME + 4))
    for way, spent in zip(ways, before, strict=True):
        way.found["air"] = 100 * (processor(way.pid) - spent) / PROGRAMME


MEASURES = {
    "starts": ("starts that were heard", 0),
    "near": ("  within 20 ms of the second", 0),
    "median": ("ms from the second to the sound: median", 1),
    "worst": ("  99 % (the worst of all)", 1),
    "spread": ("  between the earliest and the latest", 1),
    "idle Rss": ("memory at rest, MB: RSS", 0),
    "idle Pss": ("  PSS", 0),
    "air Rss": ("memory on air, MB: RSS", 0),
    "air Pss": ("  PSS", 0),
    "air": ("processor on air, % of a core", 2),
    "idle": ("  at rest", 2),
    "wakes": ("wake-ups a second at rest", 1),
    "ready": (f"s from start to ready, median of {ROUNDS}", 2),
}


def show(ways: Sequence[Way]) -> None:
    print(" " * 42 + "".join(f"{way.name:>24}" for way in ways))
    for key, (what, digits) in MEASURES.items():
        cells, ours = [], ways[0].found.get(key)
        for way in ways:
            value = way.found.get(key)
            text = "–" if value is None else f"{value:.{digits}f}"
            if value is not None and ours and way is not ways[0] and key not in ("starts", "near"):
                ratio = value / ours
                text += f" ({ratio:.0f})" if ratio >= 10 else f" ({ratio:.2g})"
            cells.append(f"{text:>24}")
        print(f"  {what:<40}" + "".join(cells))
