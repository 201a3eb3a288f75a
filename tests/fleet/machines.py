"""A province and its station as their people have them: folders, commands, and processes that are killed."""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broadcaster.edges.store import Store, database
from broadcaster.model.airing import Outcome
from tests.children import typed
from tests.factories import make_airing
from tests.fleet.provinces import free_port
from tests.stations import approve, write

PATIENCE = 30.0
WORDS = 'title = "Tin"\n[[item]]\nid = "loi"\n[item.text]\nvi = "Kính thưa bà con {commune.name}."\n'
SCHEDULE = 'title = "Tin"\nscript = "tin"\nareas = ["11"]\n[[rule]]\ntimes = [05:30:00]\n'


class Machine:
    """A machine with a folder; what runs there is killed at the end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.at: Sequence[str] = ()  # what is put before each command: where in the network it is
        self.processes: list[subprocess.Popen[bytes]] = []

    def _typed(self, *arguments: str) -> list[str]:
        return [*self.at, *typed(self.root, *arguments, lang="en")]

    def type_in(self, *arguments: str, well: bool = True) -> str:
        command = self._typed(*arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode == 0) is well, done.stdout + done.stderr
        return done.stdout + done.stderr

    def told(self, *arguments: str) -> Any:
        command = self._typed(*arguments, "--json")
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return json.loads(done.stdout)

    def run(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it; its words go to log.txt."""
        with (self.root / "log.txt").open("ab") as log:
            process = subprocess.Popen(self._typed(*arguments), stdout=log, stderr=log)
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


def join_by_hand(province: Machine, station: Machine) -> None:
    """As it is where no server runs yet."""
    file, report = province.root.parent / "moi.json", province.root.parent / "xa.report"
    code_for(province, "--file", str(file))
    station.type_in("station", "join", str(file))
    station.type_in("station", "report", "--pack", str(report))
    province.type_in("province", "take", str(report))
