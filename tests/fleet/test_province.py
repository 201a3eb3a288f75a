"""A province and its stations as their people use them: by commands, with real processes that are killed."""

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from broadcaster.edges import keys
from broadcaster.edges.store import Store, database
from broadcaster.model.airing import Outcome
from tests.children import typed
from tests.factories import make_airing
from tests.fleet.provinces import free_port
from tests.fleet.slow_link import NEAR, slow_link
from tests.needs import need
from tests.stations import approve, write

PATIENCE = 30.0
WORDS = 'title = "Tin"\n[[item]]\nid = "loi"\n[item.text]\nvi = "Kính thưa bà con {commune.name}."\n'
SCHEDULE = 'title = "Tin"\nscript = "tin"\nareas = ["11"]\n[[rule]]\ntimes = [05:30:00]\n'


class Machine:
    """A machine with a folder; what runs there is killed at the end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.processes: list[subprocess.Popen[bytes]] = []

    def type_in(self, *arguments: str, well: bool = True) -> str:
        command = typed(self.root, *arguments, lang="en")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode == 0) is well, done.stdout + done.stderr
        return done.stdout + done.stderr

    def told(self, *arguments: str) -> Any:
        command = typed(self.root, *arguments, "--json", lang="en")
        return json.loads(
            subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
        )

    def run(self, *arguments: str, at: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """Start it, *at* a place of the network; its words go to log.txt."""
        with (self.root / "log.txt").open("ab") as log:
            process = subprocess.Popen(
                [*at, *typed(self.root, *arguments, lang="en")], stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def words(self) -> str:
        return (self.root / "log.txt").read_text("utf-8", "replace")

    def log(self, *numbers: int) -> None:
        """Broadcasts that were logged."""
        with closing(Store(database(self.root / "var"))) as store:
            for number in numbers:
                one = replace(
                    make_airing(), occurrence=f"tin@{number}/loa", area="03160", station_area="03160"
                )
                store.end(replace(one, outcome=Outcome.AIRED))

    def rows(self) -> list[str]:
        with closing(Store(database(self.root / "var"), read_only=True)) as store:
            return sorted(one.occurrence for one in store.airings())

    def close(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until(condition: Any, patience: float = PATIENCE) -> Any:
    ends = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < ends
        time.sleep(0.05)
    return found


@pytest.fixture
def province(tmp_path: Path) -> Iterator[Machine]:
    """A province that was begun as the page for officers says."""
    machine = Machine(tmp_path / "tinh")
    machine.root.mkdir()
    port = str(free_port())
    Machine(tmp_path).type_in(
        "province",
        "init",
        str(machine.root),
        "--area",
        "11",
        "--host",
        "localhost",
        "--port",
        port,
        "--mqtt",
        "0",
    )
    write(machine.root, "audio/tin/script.toml", WORDS)
    write(machine.root, "schedules/tin.toml", SCHEDULE)
    approve(machine.root)
    yield machine
    machine.close()


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Machine]:
    """A commune's station, whose sound goes into files."""
    machine = Machine(tmp_path / "xa")
    machine.root.mkdir()
    Machine(tmp_path).type_in("init", str(machine.root), "--area", "03160", "--area-name", "Xã Mường Nhé")
    head = (machine.root / "schedules" / "station.toml").read_text("utf-8")
    write(machine.root, "schedules/station.toml", head.replace("card:default", "file:var/aired"))
    yield machine
    machine.close()


def code_for(province: Machine, *more: str) -> str:
    told = province.type_in("province", "invite", "03160", *more)
    return next(line.split()[-1] for line in told.splitlines() if "station join" in line)


def state(province: Machine) -> Mapping[str, Any]:
    (one,) = province.told("province", "status")
    return one  # type: ignore[no-any-return]


def test_a_province_from_its_beginning_to_a_station_that_is_revoked(
    province: Machine, station: Machine
) -> None:
    """Begun, joined, published, ordered, reported, revoked: by commands alone."""
    server = province.run("province", "run")
    until(lambda: "Stations are served" in province.words())
    assert "03160 belongs to the province 11" in station.type_in("station", "join", code_for(province))
    station.run("run")
    until(lambda: "daemon runs" in station.words())
    station.type_in("clock", "--right")
    until(lambda: state(province)["how"] == "up")
    assert state(province)["content"] == "none"

    dry = province.told("province", "publish", "--dry-run")
    assert [one["station"] for one in dry] == ["03160"]
    assert "schedules/tin.toml" in dry[0]["added"]
    assert not (station.root / "schedules" / "tin.toml").exists()
    province.type_in("province", "publish", "--yes")
    until((station.root / "schedules" / "tin.toml").exists)
    until(lambda: state(province)["content"] == "new")
    assert "sent this already" in province.type_in("province", "publish", "--yes")
    assert station.told("plan")[0]["schedule"] == "tin"

    began = time.monotonic()
    province.run("province", "alert", "Nước lũ đang về, bà con lên chỗ cao")
    until(lambda: station.told("status")["on_air"])
    assert time.monotonic() - began < 4.0  # of which two are the start of both commands; see benchmarks/
    until(lambda: state(province)["emergencies"])
    until(lambda: any(one["aired"] for one in state(province)["emergencies"]))
    province.type_in("province", "alert", "--clear")
    until(lambda: not station.told("status")["alerts"])

    until(lambda: [one.partition(":")[0] for one in province.rows()] == ["03160"])
    (total,) = [one for one in province.told("log") if one["outcome"] == "aired"]
    assert total["area"] == "03160"
    report = province.type_in("report")
    assert "1" in report
    assert "Xã Mường Nhé" in report or "trung tâm" in report

    province.type_in("province", "revoke", "03160")
    until(lambda: "does not let this station in" in station.words())
    assert province.told("province", "status") == []
    server.terminate()
    assert server.wait(10) == 0


def test_everything_by_hand(province: Machine, station: Machine, tmp_path: Path) -> None:
    """A station that never had a network joins, takes content and reports, by files on a stick."""
    stick = tmp_path / "usb"
    stick.mkdir()
    code_for(province, "--file", str(stick / "moi.json"))
    station.type_in("station", "join", str(stick / "moi.json"))
    station.log(1, 2, 3)
    station.type_in("station", "report", "--pack", str(stick))
    (report,) = stick.glob("*.report")
    assert "3 rows new" in province.type_in("province", "take", str(report))
    assert "0 rows new, 3 known" in province.type_in("province", "take", str(report))
    assert province.rows() == [f"03160:tin@{number}/loa" for number in (1, 2, 3)]
    province.type_in("province", "publish", "--yes")
    province.type_in("province", "pack", str(stick / "noi-dung"))
    station.type_in("station", "unpack", str(stick / "noi-dung"))
    assert (station.root / "schedules" / "tin.toml").read_text("utf-8") == SCHEDULE

    data = bytearray((stick / "noi-dung").read_bytes())
    data[data.index(b"bundles/03160.json") + 60] ^= 1
    (stick / "hong").write_bytes(data)
    station.type_in("station", "unpack", str(stick / "hong"), well=False)
    (stick / "cut").write_bytes(data[:200])
    station.type_in("station", "unpack", str(stick / "cut"), well=False)
    (stick / "khac").write_bytes(report.read_bytes()[:-40])
    province.type_in("province", "take", str(stick / "khac"), well=False)
    assert (station.root / "schedules" / "tin.toml").read_text("utf-8") == SCHEDULE


def test_nothing_is_lost_or_doubled_whoever_is_killed(province: Machine, station: Machine) -> None:
    """Server, province and link are killed at random instants while rows come in: each arrives once."""
    need("pkill")
    chance = random.Random(8)
    join_by_hand(province, station)
    link, hub = station.run("station", "link"), province.run("province", "run")
    logged = 0
    for _ in range(9):
        logged += 1
        station.log(logged)
        time.sleep(chance.uniform(0.05, 0.8))
        victim = chance.choice(["hub", "link", "server"])
        if victim == "server":
            subprocess.run(["pkill", "-KILL", "-P", str(hub.pid)], check=False)
        elif victim == "hub":
            hub.send_signal(signal.SIGKILL)
            hub.wait()
            hub = province.run("province", "run")
        else:
            link.send_signal(signal.SIGKILL)
            link.wait()
            link = station.run("station", "link")
    wanted = sorted(f"03160:tin@{number}/loa" for number in range(1, logged + 1))
    until(lambda: province.rows() == wanted, 60.0)
    with closing(Store(database(province.root / "var"), read_only=True)) as store:
        assert store.verify() == []


def join_by_hand(province: Machine, station: Machine) -> None:
    """As it is where no server runs yet."""
    file, report = province.root.parent / "moi.json", province.root.parent / "xa.report"
    code_for(province, "--file", str(file))
    station.type_in("station", "join", str(file))
    station.type_in("station", "report", "--pack", str(report))
    province.type_in("province", "take", str(report))


def test_an_emergency_overtakes_a_file_on_a_slow_and_lossy_line(province: Machine, station: Machine) -> None:
    """
    Over 1 Mbit/s, 300 ms and 2 % loss: on air within two seconds, and the file goes on where the line was
    cut.
    """
    need("pkill")
    with slow_link() as line:
        told = json.loads((province.root / "var" / "fleet" / "province.json").read_bytes())
        port = told["served"]["port"]
        sound = bytes(random.Random(3).randbytes(700_000))
        write(province.root, "audio/tin/recordings/vi/loi.mp3", sound)
        file, report = province.root.parent / "moi.json", province.root.parent / "xa.report"
        join_by_hand(province, station)
        member_file = station.root / "var" / "province" / "membership.json"
        member = json.loads(member_file.read_bytes())
        authority = keys.Certificate(*(told["authority"][key].encode() for key in ("certificate", "key")))
        server = keys.certificate(authority, [NEAR, "localhost"])
        told["server"] = {"certificate": server.certificate.decode(), "key": server.key.decode()}
        write(province.root, "var/fleet/province.json", json.dumps(told))
        write(
            station.root, "var/province/membership.json", json.dumps(member | {"address": f"{NEAR}:{port}"})
        )
        assert file.exists()
        assert report.exists()

        province.run("province", "run", at=line.at_near())
        station.run("run", at=line.at_far())
        until(lambda: "daemon runs" in station.words())
        until(lambda: "is reached" in station.words())
        province.type_in("province", "publish", "--yes")
        parts = station.root / "var" / "province" / "parts"

        def came() -> int:
            return sum(path.stat().st_size for path in parts.glob("*")) if parts.exists() else 0

        until(lambda: came() > 100_000)
        began = time.time()
        province.run("province", "alert", "Nước lũ đang về, bà con lên chỗ cao")
        until(lambda: "WARNING EMERGENCY 11-" in station.words())
        stamp = next(one for one in station.words().splitlines() if "WARNING EMERGENCY 11-" in one)[:23]
        took = datetime.fromisoformat(stamp.replace(",", ".")).timestamp() - began
        assert took < 2.0  # with half a second for the start of the command
        assert came() < 700_000

        line.emulator.send_signal(signal.SIGSTOP)
        before = came()
        subprocess.run(["pkill", "-KILL", "-f", f"--station {station.root} .*station link"], check=False)
        line.emulator.send_signal(signal.SIGCONT)
        assert before - 32_768 * 4 <= came()
        until((station.root / "audio" / "tin" / "recordings" / "vi" / "loi.mp3").exists, 60.0)
        assert (station.root / "audio" / "tin" / "recordings" / "vi" / "loi.mp3").read_bytes() == sound
