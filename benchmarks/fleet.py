"""
A province of many stations on one machine: the real server and the real `province run`, and simulated
stations.

    python benchmarks/fleet.py [STATIONS]…

Each simulated station is a TLS connection with its own key that does what a station's link does first: it
asks for its bundle and for emergencies, hears both, and says that it is there. They share the machine
with the server.
"""

import asyncio
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

from broadcaster.edges import keeping, keys
from broadcaster.edges.clock import SystemClock
from broadcaster.edges.hub import Served
from broadcaster.edges.store import Store, database, link
from broadcaster.edges.store.arrivals import Batch
from broadcaster.edges.wire import UnreachableError, Wire, connect
from broadcaster.fleet.link import fetch
from broadcaster.fleet.outbox import packed
from broadcaster.fleet.publishing import Outbound
from broadcaster.fleet.registry import Member, Province, Registry
from broadcaster.fleet.urgent import Urgent
from broadcaster.model.bundle import Bundle, File
from broadcaster.model.order import Order
from tests.fleet.provinces import free_port
from tests.stations import build

PROCESSES = 2
COUNTRY, ROWS = 10_000, 10  # stations, and rows of each a day
FILE, FETCHING = 5_000_000, 200  # bytes, and stations that fetch them at once
LANGUAGES = '[{"language": "vi", "programme": "d", "length": 240.0, "seconds": 240.0, "outcome": "aired"}]'
COMMUNES = [f"{number:05}" for number in range(1, 90_000)]


def all_files() -> None:
    """As many connections as the machine lets us have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def province(root: Path, count: int) -> tuple[Registry, dict[str, str]]:
    """A province with so many stations; their seeds by name."""
    build(root)
    port = free_port()
    authority = keys.authority("bench")
    registry = Registry(root)
    registry.found(
        Province(
            "11",
            f"localhost:{port}",
            Served("127.0.0.1", port),
            keys.new_seed(),
            keys.new_seed(),
            authority,
            keys.certificate(authority, ["localhost"]),
        )
    )
    seeds = {name: keys.new_seed() for name in COMMUNES[:count]}
    members = {name: asdict(Member(name, name, keys.public_key(seed), "")) for name, seed in seeds.items()}
    keeping.keep(registry.peers_file, {"members": members})
    return registry, seeds


def offer(registry: Registry, names: list[str], size: int) -> File:
    """A bundle with one file for each station."""
    outbound, known = Outbound(registry.folder), registry.province()
    data = os.urandom(size)
    digest = __import__("hashlib").sha256(data).hexdigest()
    keeping.put(outbound.file(digest), data)
    file = File("audio/tin/recordings/vi/loi.mp3", digest, size)
    outbound.bundles.mkdir(parents=True, exist_ok=True)
    for name in names:
        sealed = keys.seal(known.seed, "bundle", Bundle("11", name, 1, [file]).body)
        (outbound.bundles / f"{name}.json").write_bytes(sealed)
    keeping.put(outbound.stamp, b"1")
    return file


@contextmanager
def served(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        sys.executable,
        "-m",
        "broadcaster",
        "--lang",
        "en",
        "--station",
        str(root),
        "province",
        "run",
        "--listen",
        "off",
    ]
    with (root / "log.txt").open("wb") as log, subprocess.Popen(command, stderr=log) as process:
        try:
            while b"Stations are served" not in (root / "log.txt").read_bytes():
                if process.poll() is not None:
                    raise SystemExit((root / "log.txt").read_text("utf-8"))
                time.sleep(0.05)
            yield process
        finally:
            process.terminate()
            process.wait(20)


def megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1000


def server_of(process: subprocess.Popen[bytes]) -> int:
    return int(
        subprocess.run(
            ["pgrep", "-P", str(process.pid), "nats-server"], capture_output=True, text=True, check=True
        ).stdout
    )


# Simulated stations, in processes of their own


async def be_stations(root: Path, first: int, last: int) -> None:
    """Connect all, say “ready”, then tell when each heard the next emergency."""
    all_files()
    seeds = json.loads((root / "seeds.json").read_text("utf-8"))
    known = Registry(root).province()
    heard: dict[str, float] = {}
    wires: list[Wire] = []
    waiting = asyncio.Semaphore(200)

    async def be(name: str, seed: str) -> None:
        while True:
            try:
                async with waiting:
                    wire = await connect(known.address, known.authority.certificate, seed, name)

                    async def urgent(_message: object) -> None:
                        heard[name] = time.time()

                    async def content(_message: object) -> None:
                        """A station would fetch it."""

                    await wire.hear("urgent", urgent)  # type: ignore[arg-type]
                    await wire.hear(f"bundle.{name}", content)  # type: ignore[arg-type]
                    await wire.last("URGENT", "urgent")
                    await wire.last("BUNDLE", f"bundle.{name}")
                    state = {
                        "name": name,
                        "running": True,
                        "clock_trusted": True,
                        "alarms": [],
                        "revision": 1,
                    }
                    await wire.ask(f"here.{name}", json.dumps(state).encode(), 60.0)
                    wires.append(wire)
                    return
            except UnreachableError:
                await asyncio.sleep(0.5)

    mine = list(seeds.items())[first:last]
    await asyncio.gather(*(be(name, seed) for name, seed in mine))
    print("ready", flush=True)
    heard.clear()
    while len(heard) < len(mine):
        await asyncio.sleep(0.05)
    print(json.dumps(sorted(heard.values())), flush=True)
    await asyncio.sleep(600)


def storm(count: int) -> dict[str, float]:
    """So many stations connect at once; then an emergency goes to all of them."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "tinh"
        root.mkdir()
        registry, seeds = province(root, count)
        (root / "seeds.json").write_text(json.dumps(seeds), "utf-8")
        offer(registry, list(seeds), 1000)
        with served(root) as process:
            idle = megabytes(server_of(process))
            time.sleep(1 + count / 1000)  # until all bundles are offered
            began = time.time()
            share = -(-count // PROCESSES)
            children = [
                subprocess.Popen(
                    [sys.executable, __file__, "--be", str(root), str(at), str(min(at + share, count))],
                    stdout=subprocess.PIPE,
                    text=True,
                )
                for at in range(0, count, share)
            ]
            for child in children:
                assert child.stdout
                assert child.stdout.readline() == "ready\n"
            connected = time.time() - began
            found = {
                "connected, s": connected,
                "server idle, MB": idle,
                "server, MB": megabytes(server_of(process)),
                "province run, MB": megabytes(process.pid),
            }
            time.sleep(3)
            now = SystemClock().now()
            order = Order(
                "x", "Lũ", ["11"], 60.0, now, now + timedelta(hours=1), "bench", words="Nước lũ đang về"
            )
            began = time.time()
            Urgent(registry).change(now, lambda _: [order])
            took = [at - began for child in children for at in json.loads(child.stdout.readline())]  # type: ignore[union-attr]
            found |= {"emergency, half, s": statistics.median(took), "emergency, last, s": max(took)}
            for child in children:
                child.kill()
                child.wait()
            return found


# Rows


def day_of(name: str) -> bytes:
    """A batch of one station's rows of a day."""
    rows, chain = [], ""
    for number in range(1, ROWS + 1):
        row = {
            "seq": number, "event": "end", "occurrence": f"tin@2026-11-20T05:3{number % 10}:00/loa-{number}",
            "planned": "2026-11-19T22:30:00.000+00:00", "logged": "2026-11-19T22:34:00.000+00:00",
            "started": "2026-11-19T22:30:00.001+00:00", "ended": "2026-11-19T22:34:00.001+00:00",
            "outcome": "aired", "reason": "", "detail": "", "station": f"Đài xã {name}", "schedule": "bhxh",
            "schedule_title": "BHXH tự nguyện", "script": "bhxh", "script_title": "BHXH tự nguyện",
            "group": "everyone", "cluster": f"loa-{number % 3}", "cluster_name": "Khu trung tâm",
            "area": f"{name}/ban",
            "area_name": "Bản", "bulletin_class": "normal", "kind": "planned", "seconds": 240.0,
            "languages": LANGUAGES,
            "campaign": "", "station_area": name, "day": "2026-11-20", "station_airing": 1,
        }  # fmt: skip
        chain = row["chain"] = link(chain, row)
        rows.append(row)
    return packed(Batch(name, "e", 0, "", rows))


def rows() -> dict[str, float]:
    """A day's rows of the whole country, each station's in a message of its own."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "tinh"
        root.mkdir()
        registry, seeds = province(root, COUNTRY)
        batches = {name: day_of(name) for name in seeds}
        with served(root) as process:

            async def send() -> float:
                known = registry.province()
                wires = [
                    await connect(
                        known.address, known.authority.certificate, known.hub_seed, f"bench{number}"
                    )
                    for number in range(4)
                ]
                gate = asyncio.Semaphore(1000)

                async def one(number: int, name: str, data: bytes) -> None:
                    async with gate:
                        told = json.loads(await wires[number % 4].ask(f"rows.{name}", data, 60.0))
                        assert told["taken"] == ROWS, told

                began = time.time()
                await asyncio.gather(*(one(number, *pair) for number, pair in enumerate(batches.items())))
                return time.time() - began

            took = asyncio.run(send())
            memory = megabytes(process.pid)
        with closing(Store(database(root / "var"))) as store:
            total = sum(1 for _ in store.airings())
            assert total == COUNTRY * ROWS
            assert not store.verify()
        return {"taken in, s": took, "rows a second": total / took, "province run, MB": memory}


def publication() -> dict[str, float]:
    """A file for 200 stations that fetch it at once."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "tinh"
        root.mkdir()
        registry, seeds = province(root, FETCHING)
        file = offer(registry, list(seeds), FILE)
        with served(root) as process:
            known = registry.province()
            to = Path(folder) / "came"
            to.mkdir()

            async def all_of_it() -> float:
                first = await connect(known.address, known.authority.certificate, known.hub_seed, "bench")
                while await first.last("BLOB", f"blob.{file.digest}.0") is None:
                    await asyncio.sleep(0.05)
                began = time.time()

                async def one(name: str, seed: str) -> None:
                    wire = await connect(known.address, known.authority.certificate, seed, name)
                    await fetch(wire, file, to / name)
                    await wire.close()

                await asyncio.gather(*(one(*pair) for pair in seeds.items()))
                return time.time() - began

            took = asyncio.run(all_of_it())
            server = megabytes(server_of(process))
            whole = Outbound(registry.folder).file(file.digest).read_bytes()
            assert all((to / name).read_bytes() == whole for name in seeds)
            shutil.rmtree(to)
        return {"fetched, s": took, "MB a second": FILE * FETCHING / took / 1e6, "server, MB": server}


def tell(what: str, found: dict[str, float]) -> None:
    print(what, " | ".join(f"{name} {value:,.2f}" for name, value in found.items()), sep=": ", flush=True)


def main(counts: list[int]) -> None:
    for count in counts:
        tell(f"{count:,} stations", storm(count))
    tell(f"{FETCHING} stations fetch {FILE / 1e6:.0f} MB", publication())
    tell(f"{COUNTRY:,} stations with {ROWS} rows", rows())


if __name__ == "__main__":
    all_files()
    if sys.argv[1:2] == ["--be"]:
        asyncio.run(be_stations(Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
    else:
        main([int(one) for one in sys.argv[1:]] or [500, 1000, 3321])
