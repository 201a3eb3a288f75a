"""A province with a real server on loopback, and stations that are linked to it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime
from pathlib import Path
from typing import Any

from broadcaster.cli.here import Here
from broadcaster.cli.province import lies_in
from broadcaster.edges import keeping, keys
from broadcaster.edges.clock import SystemClock
from broadcaster.edges.content import load
from broadcaster.edges.hub import Hub as Server
from broadcaster.edges.hub import Served
from broadcaster.edges.store import Store, database
from broadcaster.edges.wire import end
from broadcaster.fleet import membership as members
from broadcaster.fleet.hub import Hub
from broadcaster.fleet.link import Link
from broadcaster.fleet.membership import Membership
from broadcaster.fleet.outbox import Outbox
from broadcaster.fleet.publishing import Outbound, Publishing
from broadcaster.fleet.registry import Province, Registry
from broadcaster.fleet.urgent import Urgent
from broadcaster.model.order import Order
from tests.factories import at
from tests.stations import AREAS, build, write

NOW = SystemClock().now
CODE = "11"
OURS = "11-"  # begins the names of its emergencies
PATIENCE = 20.0  # seconds until a test gives up
STATION = """
name = "Tỉnh"
area = "11"

[hours]
allowed = [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]

[[cluster]]
id = "tinh"
name = "Tỉnh"
area = "11"
languages = ["vi"]
sink = "null"
"""
MORE_AREAS = """
[[area]]
code = "03163"
name = "Xã Sín Thầu"
kind = "commune"
from = 2025-07-01
parent = "11"
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def found(root: Path, *, mqtt: bool = False) -> Registry:
    """A province in folder *root*, with a small content."""
    build(root)
    write(root, "schedules/station.toml", STATION)
    write(root, "schedules/areas.toml", AREAS + MORE_AREAS)
    port = free_port()
    authority = keys.authority("Thử")
    served = Served("127.0.0.1", port, free_port() if mqtt else None)
    registry = Registry(root)
    registry.found(
        Province(
            CODE,
            f"localhost:{port}",
            served,
            keys.new_seed(),
            keys.new_seed(),
            authority,
            keys.certificate(authority, ["localhost", "127.0.0.1"]),
        )
    )
    return registry


def join(registry: Registry, root: Path, name: str = "03160") -> Membership:
    """A station in folder *root* that joined, without the way there."""
    build(root)
    if name[:5] != "03160":
        for path in ("schedules/station.toml", "schedules/areas.toml"):
            write(root, path, (root / path).read_text("utf-8").replace("03160", name[:5]))
    seed, secret = keys.new_seed(), registry.invite(name, name[:5], NOW())
    answer = registry.join(members.request(name, seed, secret), NOW())
    member = members.welcomed(answer, secret, seed)
    members.become_member(root, member)
    return member


def publish(registry: Registry, root: Path) -> int:
    """What `province publish` does with the content in *root*; the revision."""
    province, outbound = registry.province(), Outbound(registry.folder)
    loaded = load(root)
    assert not loaded.faults
    publishing = Publishing(root, loaded.content, at("2026-11-20", "12:00").date(), outbound)
    before = {name: outbound.bundle(name, province.trusted) for name in registry.peers().members}
    offers = [
        publishing.offer(one.name, one.area, before[one.name]) for one in registry.peers().members.values()
    ]
    revision = max([1, *(one.revision + 1 for one in before.values() if one)])
    publishing.publish(offers, province.code, province.seed, revision, lambda _: None)
    return revision


class FakeStation:
    """What a link does at its station is written down."""

    def __init__(self) -> None:
        self.raised: list[tuple[str, float]] = []  # id, seconds left
        self.said: dict[str, bytes] = {}  # what its sound holds
        self.cleared: list[str] = []
        self.at: dict[str, datetime] = {}  # when each was raised
        self.runs, self.trusted = True, True
        self.held: asyncio.Event | None = None

    def state(self) -> Mapping[str, Any]:
        in_force = [name for name, _ in self.raised if name not in self.cleared]
        return {
            "name": "Đài thử",
            "running": self.runs,
            "clock_trusted": self.trusted,
            "alerts": [{"id": name, "sounding": ["loa"], "aired": False} for name in in_force],
            "disk_free": 10_000,
        }

    def pulse(self) -> Any:
        return len(self.raised), len(self.cleared)

    def emergencies(self) -> tuple[Sequence[str], Sequence[str], Sequence[str]] | None:
        if not self.runs:
            return None
        in_force = [f"{OURS}{name}" for name, _ in self.raised if name not in self.cleared]
        return ["cua-xa", *in_force], [], [f"{OURS}{name}" for name in self.cleared]

    def trusts_clock(self) -> bool:
        return self.trusted

    def raise_emergency(self, order: Order, left: float, sound: Callable[[], Path] | None) -> None:
        name = order.id.removeprefix(OURS)
        self.at[name] = NOW()
        self.raised.append((name, left))
        if sound is not None:
            self.said[name] = sound().read_bytes()

    def clear(self, names: Sequence[str]) -> None:
        self.cleared += [name.removeprefix(OURS) for name in names]


class Running:
    """A province and its stations, as tasks of one loop."""

    def __init__(self, folder: Path, *, mqtt: bool = False) -> None:
        self.folder, self.root = folder, folder / "province"
        self.registry = found(self.root, mqtt=mqtt)
        self.urgent = Urgent(self.registry)
        self.server = Server(self.registry.folder / "server", keeping.put)
        self.hub: asyncio.Task[None] | None = None
        self.links: dict[str, asyncio.Task[None]] = {}
        self.stations: dict[str, FakeStation] = {}

    async def start_hub(self) -> None:
        store = Store(database(self.root / "var"))
        hub = Hub(self.registry, self.server, store, SystemClock(), lies_in(Here(self.root)))
        self.hub = asyncio.create_task(hub.run())
        self.hub.add_done_callback(lambda _: store.close())

    async def stop_hub(self) -> None:
        if self.hub is not None:
            await end(self.hub)
        self.server.close()

    def station_root(self, name: str) -> Path:
        return self.folder / name

    def join(self, name: str = "03160") -> Membership:
        return join(self.registry, self.station_root(name), name)

    def outbox(self, name: str) -> Outbox:
        def store(*, read_only: bool) -> Any:
            return closing(Store(database(self.station_root(name) / "var"), read_only=read_only))

        return Outbox(
            self.station_root(name), name, lambda: store(read_only=True), lambda: store(read_only=False)
        )

    def switch_on(self, name: str = "03160", *, calm: float = 0.05) -> FakeStation:
        root = self.station_root(name)
        member = members.membership(root) if members.belongs(root) else self.join(name)
        station = self.stations.setdefault(name, FakeStation())
        link = Link(root, member, station, self.outbox(name), SystemClock(), calm=calm)
        self.links[name] = asyncio.create_task(link.run())
        return station

    async def switch_off(self, name: str = "03160") -> None:
        await end(self.links.pop(name))

    def marks(self) -> Mapping[str, Any]:
        with closing(Store(database(self.root / "var"), read_only=True)) as store:
            return store.marks()

    def airings(self) -> list[str]:
        with closing(Store(database(self.root / "var"), read_only=True)) as store:
            return sorted(one.occurrence for one in store.airings())

    def order(
        self, name: str, *, lasts: float = 600.0, areas: Sequence[str] = ("11",), **given: Any
    ) -> Order:
        from datetime import timedelta

        one = Order(
            f"{OURS}{name}",
            f"Khẩn {name}",
            areas,
            60.0,
            NOW(),
            NOW() + timedelta(seconds=lasts),
            "tỉnh",
            words="Lũ về",
            **given,
        )
        self.urgent.change(NOW(), lambda orders: [*orders, one])
        return one

    def all_clear(self) -> None:
        self.urgent.change(NOW(), lambda _: [])

    async def close(self) -> None:
        for name in list(self.links):
            await self.switch_off(name)
        await self.stop_hub()


@asynccontextmanager
async def province(folder: Path, *, mqtt: bool = False) -> AsyncIterator[Running]:
    running = Running(folder, mqtt=mqtt)
    try:
        await running.start_hub()
        yield running
    finally:
        await running.close()


async def until(condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """Wait for it."""
    async with asyncio.timeout(patience):
        while not (found := condition()):
            await asyncio.sleep(0.02)
    return found
