"""The daemon as a station has it: a process that is started, asked and killed, and a loudspeaker to hear."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from math import ceil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from broadcaster.alerts import TONE_SECONDS, TONES
from broadcaster.cli.alert import MEMORY
from broadcaster.edges.clock import SystemClock
from broadcaster.edges.control import ask
from broadcaster.edges.store import Store, database
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.occurrence import Kind, Reason
from broadcaster.model.programme import SAMPLE_RATE
from broadcaster.model.trust import VOUCHED, vouch
from tests.children import typed
from tests.cli.terminal import buzz
from tests.cli.test_alert import KEY, cap
from tests.sound_server import Heard, SoundServer, running

pytestmark = pytest.mark.sound

ROOT = Path(__file__).parents[1]
PATIENCE = 30.0  # seconds until a test gives up
WORDS = "Xin bà con chú ý, hôm nay xã mình có chợ phiên. " * 4  # a quarter of a minute by the offline voice
EMERGENCY = "Nước lũ đang về, bà con lên chỗ cao"
SOON = 2.5  # seconds from the command to the signal tone; one, on a machine that is not busy
AT_ALL = 8.0  # where the machine may be busy with something else, and the question is another one
EVERY = 8.0  # seconds from call to call; a person's are half a minute apart or more
AHEAD = 2.0  # seconds from the edit of a schedule to its time: so soon does a daemon follow


@dataclass
class Station:
    """A station's folder, and the processes that a person or the machine starts on it."""

    folder: Path
    environment: dict[str, str]
    zone: ZoneInfo
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *arguments: str) -> list[str]:
        return typed(self.folder, *arguments, lang="en")

    def type_in(self, *arguments: str, pipe: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            input=pipe,
            cwd=ROOT,
            env=os.environ | self.environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=60,
        )

    def status(self) -> dict[str, Any]:
        """What the daemon knows."""
        return ask(self.folder, "status", {})

    def run(self, *, well: bool = True) -> subprocess.Popen[bytes]:
        """Start the daemon and wait until it looks at the plan, or, if it is not *well*, is there."""
        before = self.marks().get("alive") if well else None
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemons.append(
                subprocess.Popen(
                    self.command("run"), cwd=ROOT, env=os.environ | self.environment, stdout=log, stderr=log
                )
            )
        if well:
            self.wait_for(lambda: self.marks().get("alive") != before)
        else:
            self.wait_for(lambda: bool(self.status()))
        return self.daemons[-1]

    def end(self) -> None:
        for one in self.daemons:
            one.kill()
            one.wait()
        kept_in = sha256(str(self.folder).encode()).hexdigest()[:16]
        shutil.rmtree(MEMORY / f"broadcaster-{kept_in}", ignore_errors=True)

    def schedule_soon(self) -> datetime:
        """Write a schedule for a whole second that is a few seconds ahead."""
        due = datetime.fromtimestamp(ceil(time.time() + AHEAD), UTC).astimezone(self.zone)
        rule = f"[[rule]]\nfrom = {due:%Y-%m-%d}\nuntil = {due:%Y-%m-%d}\ntimes = [{due:%H:%M:%S}]\n"
        head = 'title = "Chợ phiên"\nscript = "cho-phien"\nareas = ["03160"]\n\n'
        aside = self.folder / "schedules" / "cho-phien.toml.new"
        aside.write_text(head + rule, "utf-8")
        aside.rename(aside.with_suffix(""))
        return due

    def vouch(self) -> None:
        """Say that the clock is right: a machine of the tests may have none that it trusts by itself."""
        store = Store(database(self.folder / "var"))
        store.mark(VOUCHED, vouch(SystemClock().state().boot))
        store.close()

    def marks(self) -> dict[str, Any]:
        with self._memory() as store:
            return store.marks()

    def log(self) -> list[Airing]:
        with self._memory() as store:
            return list(store.airings())

    def begun(self) -> bool:
        with self._memory() as store:
            return bool(store.unfinished())

    @contextmanager
    def _memory(self) -> Iterator[Store]:
        store = Store(database(self.folder / "var"), read_only=True)
        try:
            yield store
        finally:
            store.close()

    def wait_for(self, what: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            with suppress(BroadcasterError):  # the memory is just being made
                if what():
                    return
            assert time.monotonic() < until, (self.folder / "daemon.log").read_text("utf-8")
            time.sleep(0.05)


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def whole(server: SoundServer, tmp_path_factory: pytest.TempPathFactory) -> Station:
    """
    A station in which it is about noon, with one script, spoken by the offline voice and assembled.

    Noon, so that no test runs over midnight.
    """
    folder = tmp_path_factory.mktemp("stations") / "whole"
    zone = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # its sign is that of POSIX
    no_network = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    station = Station(folder, server.environment | no_network, ZoneInfo(zone))
    assert station.type_in("init", str(folder), "--area", "03160").returncode == 0
    settings = folder / "schedules" / "station.toml"
    text = settings.read_text("utf-8").replace("Asia/Ho_Chi_Minh", zone)
    hours = "[[05:00:00, 06:30:00], [16:30:00, 18:30:00]]"
    assert hours in text
    settings.write_text(text.replace(hours, "[[00:00:00, 23:59:59]]"), "utf-8")
    script = folder / "audio" / "thu-loa"
    script = script.rename(script.with_name("cho-phien")) / "script.toml"
    script.write_text(
        f'title = "Chợ phiên"\n\n[[item]]\nid = "loi"\n\n[item.text]\nvi = "{WORDS}"\n', "utf-8"
    )
    (folder / "schedules" / "thu-loa.toml").unlink()
    assert station.type_in("approve", "cho-phien", "--name", "Ban biên tập").returncode == 0
    station.vouch()
    station.schedule_soon()
    prepared = station.type_in("prepare", "--json")
    assert json.loads(prepared.stdout)[0]["state"] == "ready", prepared.stderr
    (folder / "schedules" / "cho-phien.toml").unlink()
    return station


@pytest.fixture(scope="module")
def make_station(whole: Station) -> Iterator[Callable[[str], Station]]:
    """Makes stations, each with a folder and daemons of its own."""
    made: list[Station] = []

    def make(name: str) -> Station:
        folder = shutil.copytree(whole.folder, whole.folder.with_name(name))
        made.append(Station(folder, whole.environment, whole.zone))
        return made[-1]

    yield make
    for one in made:
        one.end()


def sounding(heard: Heard, since: float = 0.0) -> tuple[float, float]:
    """When the first and the last sample came that were no silence, by the wall."""
    arrivals = [arrival for arrival, chunk in heard.chunks if chunk.strip(b"\0") and arrival >= since]
    return (arrivals[0], arrivals[-1]) if arrivals else (0.0, 0.0)


def tones(heard: Heard, since: float) -> list[float]:
    """When the signal tone of an emergency came, by the wall: each tenth of a second of it."""
    size = SAMPLE_RATE // 10
    at = np.arange(size) / SAMPLE_RATE
    waves = [np.exp(-2j * np.pi * hertz * at) for hertz in TONES]
    found, held = [], b""
    for arrival, chunk in [one for one in heard.chunks if one[0] >= since]:
        held += chunk
        while len(held) >= 2 * size:
            samples = np.frombuffer(held[: 2 * size], "<i2").astype(float)
            held = held[2 * size :]
            in_them = sum(2 * abs(np.dot(samples, wave) / size) ** 2 for wave in waves)
            if in_them > 0.8 * np.mean(np.square(samples)) > 0:
                found.append(arrival)
    return found


def calls(heard: Heard, since: float) -> list[float]:
    """When each call of an emergency began, by the wall."""
    times = tones(heard, since)
    return [one for before, one in zip([0.0, *times], times, strict=False) if one - before > TONE_SECONDS]


@dataclass(frozen=True)
class Broadcast:
    """What became of a broadcast that was ended by SIGTERM."""

    due: datetime
    first: float  # sample that was heard, by the wall
    second_daemon: subprocess.CompletedProcess[str]
    status: subprocess.CompletedProcess[str]
    status_before: subprocess.CompletedProcess[str]
    told: float  # when it was told to end
    gone: float  # when its process was gone
    exit_code: int
    last: float  # sample that was heard
    log: Sequence[Airing]
    said: str


@pytest.fixture(scope="module")
def broadcast(make_station: Callable[[str], Station], server: SoundServer) -> Broadcast:
    """One broadcast: begun on time, looked at, ended by the machine that is switched off."""
    station = make_station("mot")
    status_before = station.type_in("status", "--json")
    daemon = station.run()
    with server.listen() as heard:
        due = station.schedule_soon()
        station.wait_for(lambda: sounding(heard) != (0.0, 0.0))
        second = station.type_in("run")
        station.wait_for(lambda: station.marks().get("on-air/trung-tam") is not None)
        status = station.type_in("status", "--json")
        told = time.time()
        daemon.send_signal(signal.SIGTERM)
        exit_code = daemon.wait(10)
        gone = time.time()
        time.sleep(1)
    said = (station.folder / "daemon.log").read_text("utf-8")
    return Broadcast(
        *(due, heard.first, second, status, status_before, told, gone, exit_code, sounding(heard)[1]),
        *(station.log(), said),
    )


class TestABroadcast:
    def test_sounds_on_the_second(self, broadcast: Broadcast) -> None:
        """The first sample is at the loudspeaker within 0.1 s of its second, and the play log agrees."""
        assert abs(broadcast.first - broadcast.due.timestamp()) < 0.1
        (airing,) = broadcast.log
        assert airing.started is not None
        assert abs((airing.started - broadcast.due).total_seconds()) < 0.1

    def test_ends_within_a_second_of_sigterm(self, broadcast: Broadcast) -> None:
        """Told to end, it falls silent and its process is gone within a second, with exit code 0."""
        assert broadcast.last - broadcast.told < 1
        assert broadcast.gone - broadcast.told < 1.5
        assert broadcast.exit_code == 0

    def test_is_logged_as_cut(self, broadcast: Broadcast) -> None:
        """Cut: shutdown, with the seconds that were heard."""
        (airing,) = broadcast.log
        assert (airing.outcome, airing.reason) == (Outcome.CUT, Reason.SHUTDOWN)
        assert airing.seconds == pytest.approx(broadcast.last - broadcast.first, abs=1.0)
        assert airing.planned == broadcast.due

    def test_is_not_disturbed_by_a_second_daemon(self, broadcast: Broadcast) -> None:
        """A second daemon is refused with exit code 1 and a sentence."""
        assert broadcast.second_daemon.returncode == 1
        assert "The daemon of this station already runs" in broadcast.second_daemon.stderr
        assert "Traceback" not in broadcast.second_daemon.stderr

    def test_is_seen_by_status(self, broadcast: Broadcast) -> None:
        """While it sounds `status --json` says what is on air; before, that the daemon is off."""
        now = json.loads(broadcast.status.stdout)
        assert (broadcast.status.returncode, now["running"]) == (0, True)
        assert [one["title"] for one in now["on_air"]] == ["Chợ phiên"]
        before = json.loads(broadcast.status_before.stdout)
        assert (broadcast.status_before.returncode, before["running"]) == (1, False)
        assert before["on_air"] == []

    def test_leaves_words_behind_and_no_traceback(self, broadcast: Broadcast) -> None:
        """What the daemon said names the occurrence and how it ended."""
        assert "/trung-tam: cut" in broadcast.said
        assert "Traceback" not in broadcast.said


def test_a_power_cut_is_counted_once_and_not_repeated(
    make_station: Callable[[str], Station], server: SoundServer
) -> None:
    """
    Killed in the middle and started again within the grace, it logs one row and does not sound again.

    The row is cut: power, with the seconds that were heard, to 5 s.
    """
    station = make_station("hai")
    daemon = station.run()
    with server.listen() as heard:
        station.schedule_soon()
        station.wait_for(lambda: sounding(heard) != (0.0, 0.0))
        time.sleep(4.5)
        daemon.kill()
        daemon.wait()
        station.wait_for(lambda: time.time() - sounding(heard)[1] > 1.5)  # what the player still held
        first, last = sounding(heard)
        restarted = time.time()
        assert station.begun()
        again = station.run()
        time.sleep(3)
    (airing,) = station.log()
    assert (airing.outcome, airing.reason) == (Outcome.CUT, Reason.POWER)
    assert airing.seconds == pytest.approx(last - first, abs=5)
    assert airing.seconds >= 2
    assert sounding(heard, since=restarted) == (0.0, 0.0)
    assert again.poll() is None
    assert json.loads(station.type_in("status", "--json").stdout)["on_air"] == []


def test_play_and_stop_talk_to_the_daemon(
    make_station: Callable[[str], Station], server: SoundServer, tmp_path: Path
) -> None:
    """`play FILE` is heard within some seconds, `stop` ends it within a second, and the play log has both."""
    station = make_station("ba")
    station.run()
    file = buzz(tmp_path / "loa.wav", 30)
    with server.listen() as heard:
        asked = time.time()
        played = station.type_in("play", str(file))
        assert (played.returncode, played.stderr) == (0, "")
        station.wait_for(lambda: sounding(heard) != (0.0, 0.0))
        assert sounding(heard)[0] - asked < 6
        time.sleep(1)
        stopped = station.type_in("stop")
        assert (stopped.returncode, stopped.stderr) == (0, "")
        told = time.time()  # `stop` returns when the daemon has taken it
        time.sleep(1.5)
        assert sounding(heard)[1] - told < 1
        station.wait_for(lambda: bool(station.log()))
    (airing,) = station.log()
    assert (airing.outcome, airing.reason, airing.kind) == (Outcome.CUT, Reason.STOPPED, Kind.ON_DEMAND)
    assert airing.script == "loa.wav"
    assert airing.planned.astimezone(UTC) - datetime.fromtimestamp(asked, UTC) < timedelta(seconds=6)
    assert station.marks()["on-air/trung-tam"] is None


@dataclass(frozen=True)
class Emergency:
    """What became of an emergency over a broadcast, and of the daemon that was killed meanwhile."""

    ordered: float  # when the command was typed
    first: float  # moment of the signal tone, by the wall
    command: subprocess.CompletedProcess[str]
    status: subprocess.CompletedProcess[str]
    calls: Sequence[float]  # of one that is to come every EVERY seconds
    restarted: float
    again: float  # when it was heard after that
    clear: subprocess.CompletedProcess[str]
    cleared: float
    last: float  # sample that was heard
    after: dict[str, Any]  # what the daemon knows when all is over
    log: Sequence[Airing]
    plan: Any
    said: str


@pytest.fixture(scope="module")
def calm(make_station: Callable[[str], Station]) -> Station:
    """The station of the emergency, when that is over: its daemon runs."""
    return make_station("bon")


@pytest.fixture(scope="module")
def emergency(calm: Station, server: SoundServer) -> Emergency:
    """A broadcast, an emergency over it, another one that is repeated, a daemon killed, the all-clear."""
    daemon = calm.run()
    with server.listen() as heard:
        calm.schedule_soon()
        calm.wait_for(lambda: sounding(heard) != (0.0, 0.0))
        time.sleep(0.5)
        ordered = time.time()
        command = calm.type_in("alert", EMERGENCY)
        calm.wait_for(lambda: bool(tones(heard, ordered)))
        status = calm.type_in("status", "--json")
        programmes = calm.marks()["alerts"]["orders"][0]["programmes"]
        ask(calm.folder, "clear", {})
        since = time.time()
        asked = {"id": "lap-lai", "title": EMERGENCY, "clusters": [], "every": EVERY, "left": 90.0}
        ask(calm.folder, "alert", asked)
        said = {"id": "lap-lai", "script": "", "folder": "", "programmes": programmes}
        ask(calm.folder, "words", said)
        calm.wait_for(lambda: len([one for one in calm.log() if one.kind == Kind.ALERT]) == 3)
        repeated = calls(heard, since)
        daemon.kill()
        daemon.wait()
        time.sleep(1)
        restarted = time.time()
        calm.run()
        calm.wait_for(lambda: bool(tones(heard, restarted)))
        again = tones(heard, restarted)[0]
        clear = calm.type_in("alert", "--clear")
        cleared = time.time()
        time.sleep(1.2)
    plan = calm.type_in("plan", "--json")
    return Emergency(
        *(ordered, tones(heard, ordered)[0], command, status, repeated, restarted, again),
        *(clear, cleared, sounding(heard)[1], calm.status(), calm.log(), json.loads(plan.stdout)),
        (calm.folder / "daemon.log").read_text("utf-8"),
    )


class TestAnEmergency:
    def test_is_on_air_within_a_second_of_its_command(self, emergency: Emergency) -> None:
        """From the typed command to the signal tone at the loudspeaker: a second, if nobody is busy."""
        took = emergency.first - emergency.ordered
        print(f"\nsignal tone {took:.2f} s after the command's start")  # noqa: T201  the figure itself
        assert took < SOON
        assert (emergency.command.returncode, emergency.command.stderr) == (0, "")
        assert "goes on air now" in emergency.command.stdout

    def test_cuts_what_sounds(self, emergency: Emergency) -> None:
        """The broadcast is logged as cut by an emergency, with what sounded, and is made good."""
        (cut,) = (one for one in emergency.log if one.kind == Kind.PLANNED)
        assert (cut.outcome, cut.reason) == (Outcome.CUT, Reason.ALERT)
        assert cut.ended is not None
        assert cut.seconds > 0.3
        assert emergency.ordered < cut.ended.timestamp() < emergency.first + 0.5
        goods = [one for one in emergency.plan if one["kind"] == "make-good" and one["state"] == "planned"]
        due = [one for one in goods if one["outcome"] is None]  # the first may have met the next call
        assert [one["schedule"] for one in due] == ["cho-phien"]

    def test_is_seen_by_status(self, emergency: Emergency) -> None:
        """`status --json` tells what was ordered and by whom, and what is on air; exit code 0."""
        now = json.loads(emergency.status.stdout)
        assert emergency.status.returncode == 0
        ((title, by),) = ((one["title"], one["by"]) for one in now["alerts"])
        assert (title, by) == (EMERGENCY, pwd.getpwuid(os.getuid()).pw_name)
        assert [one["title"] for one in now["on_air"]] == [EMERGENCY]

    def test_is_repeated(self, emergency: Emergency) -> None:
        """From one call to the next it is as long as was ordered."""
        first, second = emergency.calls
        assert EVERY - 0.5 < second - first < EVERY + SOON, emergency.said

    def test_outlives_the_daemon(self, emergency: Emergency) -> None:
        """Killed and started again, the daemon goes on with it: in 0.6 s where nothing else is tested."""
        assert emergency.again - emergency.restarted < 10

    def test_ends_with_the_all_clear(self, emergency: Emergency) -> None:
        """`alert --clear` ends it within a second, and nothing is left of it."""
        assert "The all-clear: lap-lai." in emergency.clear.stdout
        assert emergency.last - emergency.cleared < 1
        assert (emergency.after["alerts"], emergency.after["on_air"]) == ([], [])

    def test_is_logged(self, emergency: Emergency) -> None:
        """Each call has one row, with who ordered it; those that were cleared are cut by that."""
        rows = [one for one in emergency.log if one.kind == Kind.ALERT]
        assert {one.detail for one in rows} == {pwd.getpwuid(os.getuid()).pw_name}
        cleared, whole = (Outcome.CUT, Reason.STOPPED), (Outcome.AIRED, "")
        assert [(one.outcome, one.reason) for one in rows] == [cleared, whole, whole, cleared]
        assert len({one.occurrence for one in rows}) == 4
        assert "Traceback" not in emergency.said


@pytest.mark.usefixtures("emergency")
def test_a_cap_message_goes_on_air_until_its_cancel(calm: Station, server: SoundServer) -> None:
    """
    A message from a file is heard, one from a pipe that cancels it ends it.

    One whose entities would fill the memory does nothing at all.
    """
    sent = datetime.now(calm.zone) - timedelta(minutes=1)
    of_today = cap(area="toàn xã").replace("2026-11-20T16:55:00+07:00", sent.isoformat("T", "seconds"))
    place = json.loads(calm.type_in("area", "list", "--json").stdout)
    commune = next(one["name"] for one in place if one["code"] == "03160")
    message = of_today.replace("toàn xã", commune)
    (calm.folder / "tin.xml").write_text(message, "utf-8")
    bomb = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(12))
    bomb = message.replace("VN-1", "VN-9").replace(
        "<alert", f'<!DOCTYPE alert [<!ENTITY l0 "lũ">{bomb}]><alert', 1
    )
    (calm.folder / "bom.xml").write_text(bomb.replace("Rời bờ suối", "&l12;"), "utf-8")
    with server.listen() as heard:
        attack = calm.type_in("alert", "--cap", str(calm.folder / "bom.xml"))
        assert (attack.returncode, calm.status()["alerts"]) == (1, [])
        assert "Traceback" not in attack.stderr
        since = time.time()
        assert tones(heard, 0.0) == []
        taken = calm.type_in("alert", "--cap", str(calm.folder / "tin.xml"))
        assert (taken.returncode, taken.stderr) == (0, "")
        calm.wait_for(lambda: bool(tones(heard, since)))
        assert [one["id"] for one in calm.status()["alerts"]] == [KEY]
        cancel = message.replace("VN-1", "VN-2").replace(">Alert<", ">Cancel<")
        reference = f"<references>{KEY},{sent.isoformat('T', 'seconds')}</references>"
        cancel = cancel.replace("</scope>", f"</scope>{reference}")
        ended = calm.type_in("alert", "--cap", "-", pipe=cancel)
        cleared = time.time()
        assert (ended.returncode, ended.stderr) == (0, "")
        time.sleep(1.2)
    assert sounding(heard)[1] - cleared < 1
    assert calm.status()["alerts"] == []
    again = calm.type_in("alert", "--cap", str(calm.folder / "tin.xml"))
    assert again.returncode == 1


@contextmanager
def full(var: Path) -> Iterator[Callable[[], None]]:
    """
    Have nothing more written below *var*, until what is given is called.

    A small disk that is full, where one can be mounted; else a file in the place of the folder.
    """
    kept = var.rename(var.with_name("var-before"))
    var.mkdir()
    size = sum(path.stat().st_size for path in kept.rglob("*")) + (1 << 20)
    mounted = (
        shutil.which("mount")
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(var)], capture_output=True, check=False
        ).returncode
    )
    if not mounted:
        var.rmdir()
        var.write_text("in the way")

        def room() -> None:
            var.unlink()
            kept.rename(var)

        yield room
        return
    shutil.copytree(kept, var, dirs_exist_ok=True)
    filler = var / "filler"
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)
    try:
        yield filler.unlink
    finally:
        subprocess.run(["umount", "-l", str(var)], check=True)


def test_a_full_disk_costs_nothing_but_a_later_log(
    make_station: Callable[[str], Station], server: SoundServer
) -> None:
    """
    Started on a full disk it airs what is assembled, and an emergency whose words must still be made.

    `status` says so with exit code 2; what happened is in the log as soon as there is room.
    """
    station = make_station("nam")
    with full(station.folder / "var") as room:
        assembled = (station.folder / "var").is_dir()  # else not even what was made can be read
        station.run(well=False)
        with server.listen() as heard:
            if assembled:
                due = station.schedule_soon()
                station.wait_for(lambda: sounding(heard) != (0.0, 0.0))
                assert abs(heard.first - due.timestamp()) < 0.1
            ordered = time.time()
            command = station.type_in("alert", EMERGENCY)
            assert (command.returncode, command.stderr) == (0, "")
            station.wait_for(lambda: bool(tones(heard, ordered)))
            assert tones(heard, ordered)[0] - ordered < AT_ALL
            status = station.type_in("status", "--json")
            told = json.loads(status.stdout)
            assert status.returncode == 2
            assert "log" in [one["key"] for one in told["alarms"]]
            assert told["rows_waiting"] > 0
            room()
            station.wait_for(lambda: station.status()["rows_waiting"] == 0)
            station.wait_for(lambda: any(one.kind == Kind.ALERT for one in station.log()))
            station.type_in("alert", "--clear")
        rows = {one.kind: (one.outcome, one.reason) for one in station.log()}
        said = (station.folder / "daemon.log").read_text("utf-8")
        assert rows[Kind.ALERT] == (Outcome.AIRED, ""), said
        if assembled:
            assert rows[Kind.PLANNED] == (Outcome.CUT, Reason.ALERT)
        station.wait_for(lambda: "log" not in [one["key"] for one in station.status()["alarms"]])
        said = (station.folder / "daemon.log").read_text("utf-8")
        assert "Traceback" not in said
        station.end()


def test_a_wrong_clock_and_a_broken_schedule_silence_no_emergency(
    make_station: Callable[[str], Station], server: SoundServer, tmp_path: Path
) -> None:
    """
    With a clock that nobody trusts `play` is refused and `status` has exit code 2; `alert` is heard.

    Though no file of the schedules can be read, either.
    """
    if SystemClock().state().synchronised:
        pytest.skip("a time server has the clock of this machine: it is trusted")
    station = make_station("sau")
    shutil.rmtree(station.folder / "var")
    store = Store(database(station.folder / "var"))
    store.mark("alive", (datetime.now(UTC) + timedelta(days=1)).isoformat())
    store.close()
    station.run(well=False)
    with server.listen() as heard:
        status = station.type_in("status", "--json")
        told = json.loads(status.stdout)
        assert (status.returncode, told["clock_trusted"], told["clock"]) == (2, False, "behind")
        played = station.type_in("play", str(buzz(tmp_path / "loa.wav", 2)))
        assert played.returncode == 1
        assert "The clock says" in played.stderr
        for path in (station.folder / "schedules").glob("*.toml"):
            path.write_text("[[", "utf-8")
        ordered = time.time()
        command = station.type_in("alert", EMERGENCY)
        assert command.returncode == 0, command.stderr
        station.wait_for(lambda: bool(tones(heard, ordered)))
        first = tones(heard, ordered)[0]
        assert first - ordered < AT_ALL
        assert station.type_in("alert", "--clear").returncode == 0
        station.wait_for(lambda: bool(station.log()))
    (row,) = station.log()
    assert (row.kind, row.outcome, row.reason) == (Kind.ALERT, Outcome.CUT, Reason.STOPPED)
    assert row.seconds == pytest.approx(sounding(heard)[1] - first, abs=1)
    assert "Traceback" not in (station.folder / "daemon.log").read_text("utf-8")
