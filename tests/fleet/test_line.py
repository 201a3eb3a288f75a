"""A province and a station over a slow and lossy line, and over one that is dead for long."""

import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from broadcaster.edges import keys
from broadcaster.fleet.link import CHUNK
from tests.fleet.machines import Machine, join_by_hand, province, station, until
from tests.fleet.slow_link import NEAR, Line, slow_link
from tests.needs import need
from tests.stations import write

__all__ = ["province", "station"]
DEAD_FOR = float(os.environ.get("BROADCASTER_DEAD_FOR", "0"))  # seconds; at least until it is noticed
EMERGENCY = "WARNING EMERGENCY 11-"


@pytest.fixture
def line(province: Machine, station: Machine) -> Iterator[Line]:
    """The line between them, which is up."""
    with slow_link() as line:
        file = province.root / "var" / "fleet" / "province.json"
        told = json.loads(file.read_bytes())
        join_by_hand(province, station)
        authority = keys.Certificate(*(told["authority"][key].encode() for key in ("certificate", "key")))
        server = keys.certificate(authority, [NEAR, "localhost"])
        told = json.loads(file.read_bytes())
        told["server"] = {"certificate": server.certificate.decode(), "key": server.key.decode()}
        file.write_text(json.dumps(told))
        member = station.root / "var" / "province" / "membership.json"
        address = {"address": f"{NEAR}:{told['served']['port']}"}
        member.write_text(json.dumps(json.loads(member.read_bytes()) | address))
        province.at, station.at = line.at_near(), line.at_far()
        province.run("province", "run")
        station.run("run")
        until(lambda: "daemon runs" in station.words())
        station.type_in("clock", "--right")
        until(lambda: how(province) == "up")
        yield line


def how(province: Machine) -> str:
    (one,) = province.told("province", "status")["stations"]
    return str(one["how"])


def emergencies(station: Machine) -> list[float]:
    """When one went on air there."""
    lines = [one[:23] for one in station.words().splitlines() if EMERGENCY in one]
    return [datetime.fromisoformat(one.replace(",", ".")).timestamp() for one in lines]


def test_an_emergency_overtakes_a_file(province: Machine, station: Machine, line: Line) -> None:
    """
    Over 1 Mbit/s, 300 ms and 2 % loss: on air within two seconds, and the file goes on where the line was
    cut.
    """
    need("pkill")
    sound = random.Random(3).randbytes(400_000)
    write(province.root, "audio/tin/recordings/vi/loi.mp3", sound)
    province.type_in("province", "publish", "--yes")
    parts = station.root / "var" / "province" / "parts"

    def came() -> int:
        return sum(path.stat().st_size for path in parts.glob("*")) if parts.exists() else 0

    until(lambda: came() > 100_000)
    began = time.time()
    province.run("province", "alert", "Nước lũ đang về, bà con lên chỗ cao")
    until(lambda: emergencies(station))
    assert emergencies(station)[0] - began < 2.0  # with half a second for the start of the command
    assert came() < 400_000

    line.emulator.send_signal(signal.SIGSTOP)
    before = came()
    subprocess.run(["pkill", "-KILL", "-f", "--", f"--station {station.root} .*station link"], check=True)
    line.emulator.send_signal(signal.SIGCONT)
    there = station.root / "audio" / "tin" / "recordings" / "vi" / "loi.mp3"

    def is_there() -> bool:
        assert came() >= before - CHUNK or there.exists()
        return there.exists()

    until(is_there, 60.0)
    assert there.read_bytes() == sound


def test_a_line_that_was_dead_for_long(province: Machine, station: Machine, line: Line) -> None:
    """
    Packets vanish, nobody is told: the station gives the line up, goes on alone, and has all when it is back.

    BROADCASTER_DEAD_FOR: seconds; told are then those until each thing was there.
    """
    line.emulator.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    province.type_in("province", "alert", "Đã hết trước khi đường truyền có lại")
    province.type_in("province", "alert", "--clear")
    province.type_in("province", "publish", "--yes")
    station.type_in("alert", "Cháy rừng ở đầu bản")
    until(lambda: station.told("status")["on_air"])
    station.type_in("alert", "--clear")
    until(lambda: not station.told("status")["on_air"])
    until(lambda: "line to the province broke" in station.words(), 80.0)
    noticed = time.monotonic() - began
    assert noticed < 50.0
    time.sleep(max(0.0, DEAD_FOR - noticed))
    province.type_in("province", "alert", "Nước lũ đang về, bà con lên chỗ cao")
    (own,) = station.rows()
    assert province.rows() == []

    line.emulator.send_signal(signal.SIGCONT)
    back, took = time.monotonic(), {}

    def told(what: str, condition: Callable[[], object]) -> None:
        until(condition, 120.0)
        took[what] = time.monotonic() - back

    told("emergency", lambda: emergencies(station))
    told("rows", lambda: f"03160:{own}" in province.rows())
    told("content", (station.root / "schedules" / "tin.toml").exists)
    print(f"noticed after {noticed:.0f} s; back:", {what: f"{t:.1f} s" for what, t in took.items()})  # noqa: T201
    assert province.rows().count(f"03160:{own}") == 1
    assert len(emergencies(station)) == 1
