"""The power of a province's server is cut: what it confirmed is on its disk, and what is lost comes again."""

import json
import random
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

from broadcaster.edges.store import Store, database
from tests.children import typed
from tests.fleet.machines import Machine, join_by_hand, province, station, until
from tests.needs import left_out, need
from tools.powercuts import STRACE, Disk, Trace

__all__ = ["province", "station"]
CUTS = 25


def numbers(root: Path) -> set[int]:
    """Of the station's rows that are in the province's log."""
    with closing(Store(database(root / "var"), read_only=True)) as store:
        return {int(one.occurrence.split("@")[1].split("/")[0]) for one in store.airings()}


def test_what_was_confirmed_outlives_a_power_cut(province: Machine, station: Machine, tmp_path: Path) -> None:
    """On 25 disks as power cuts may leave them every confirmed row is there; from one of them all goes on."""
    need("strace", "pkill")
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode:
        left_out("ptrace is forbidden")
    join_by_hand(province, station)
    station.log(1)
    base, output = shutil.copytree(province.root, tmp_path / "base"), tmp_path / "trace"
    trace = Trace(province.root)
    traced = subprocess.Popen(
        [*STRACE, "-o", output, *typed(province.root, "province", "run", lang="en")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    province.processes.append(traced)
    station.run("station", "link")
    sent = station.root / "var" / "province" / "sent.json"
    confirmed: list[tuple[float, int]] = [(0.0, 0)]
    over = Event()

    def watch() -> None:
        while not over.wait(0.005):
            try:
                count = int(json.loads(sent.read_bytes())["confirmed"])
            except (OSError, ValueError):
                continue
            if count != confirmed[-1][1]:
                confirmed.append((time.time(), count))

    watching = Thread(target=watch)
    watching.start()
    until(lambda: confirmed[-1][1] == 1)
    logged = 1
    ends = time.monotonic() + 9.0
    while time.monotonic() < ends:
        station.log(logged := logged + 1)
        time.sleep(0.2)
    over.set()
    watching.join()
    subprocess.run(["pkill", "-KILL", "-P", str(traced.pid)], check=False)
    traced.wait()
    trace.read(output)

    chance = random.Random(5)
    since = next(number for number, op in enumerate(trace.ops) if op.at >= confirmed[1][0] - 0.2)
    instants = sorted(chance.sample(range(since, len(trace.ops)), CUTS))
    disk, done, held = Disk(base, trace.base), 0, []
    for cut, end in enumerate(instants):
        for op in trace.ops[done:end]:
            disk.do(op)
        done, place = end, tmp_path / f"disk-{cut}"
        place.mkdir()
        disk.cut(random.Random(cut), place)
        count = max(many for when, many in confirmed if when < trace.ops[end - 1].at)
        there = numbers(place)
        assert set(range(1, count + 1)) <= there
        held.append(len(there))
    assert held[-1] > held[0]

    for path in list(province.root.iterdir()):
        if path.name != "log.txt":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(tmp_path / f"disk-{CUTS // 2}", province.root, dirs_exist_ok=True)
    province.run("province", "run")
    until(lambda: numbers(province.root) == set(range(1, logged + 1)), 60.0)
