"""The daemon as a station has it: a process that is started, asked and killed, and a loudspeaker to hear."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from broadcaster.edges.store import Store, database
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.occurrence import Kind, Reason
from tests.cli.terminal import buzz
from tests.sound_server import Heard, SoundServer, running

pytestmark = pytest.mark.sound

ROOT = Path(__file__).parents[1]
PATIENCE = 15.0  # seconds until a test gives up
WORDS = "Xin bà con chú ý, hôm nay xã mình có chợ phiên. " * 4  # a quarter of a minute by the offline voice
AHEAD = 2.0  # seconds from the edit of a schedule to its time: so soon does a daemon follow


@dataclass
class Station:
    """A station's folder, and the processes that a person or the machine starts on it."""

    folder: Path
    environment: dict[str, str]
    zone: ZoneInfo
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *arguments: str) -> list[str]:
        return [
            sys.executable,
            "-m",
            "broadcaster",
            "--lang",
            "en",
            "--station",
            str(self.folder),
            *arguments,
        ]

    def type_in(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env=os.environ | self.environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
            timeout=60,
        )

    def run(self) -> subprocess.Popen[bytes]:
        """Start the daemon and wait until it looks at the plan."""
        before = self.marks().get("alive")
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemons.append(
                subprocess.Popen(
                    self.command("run"), cwd=ROOT, env=os.environ | self.environment, stdout=log, stderr=log
                )
            )
        self.wait_for(lambda: self.marks().get("alive") != before)
        return self.daemons[-1]

    def end(self) -> None:
        for one in self.daemons:
            one.kill()
            one.wait()

    def schedule_soon(self) -> datetime:
        """Write a schedule for a whole second that is a few seconds ahead."""
        due = datetime.fromtimestamp(ceil(time.time() + AHEAD), UTC).astimezone(self.zone)
        rule = f"[[rule]]\nfrom = {due:%Y-%m-%d}\nuntil = {due:%Y-%m-%d}\ntimes = [{due:%H:%M:%S}]\n"
        head = 'title = "Chợ phiên"\nscript = "cho-phien"\nareas = ["03160"]\n\n'
        aside = self.folder / "schedules" / "cho-phien.toml.new"
        aside.write_text(head + rule, "utf-8")
        aside.rename(aside.with_suffix(""))
        return due

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
        assert airing.seconds == pytest.approx(broadcast.last - broadcast.first, abs=0.5)
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
        time.sleep(2)  # what the player still holds
        first, last = sounding(heard)
        restarted = time.time()
        assert station.begun()
        again = station.run()
        time.sleep(3)
    (airing,) = station.log()
    assert (airing.outcome, airing.reason) == (Outcome.CUT, Reason.POWER)
    assert airing.seconds == pytest.approx(last - first, abs=5)
    assert airing.seconds > 2
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
