"""
The province's end: its server, what it offers to stations, and what it takes in from them.

All that matters lies in the province's own folder: what the server keeps can be lost, and is put there again.
"""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from broadcaster.edges.clock import Clock
from broadcaster.edges.hub import Hub as Server
from broadcaster.edges.store import Store
from broadcaster.edges.store.arrivals import Batch, Taken
from broadcaster.edges.wire import Message, UnreachableError, Wire, connect
from broadcaster.model.errors import BroadcasterError, say

from .link import CHUNK
from .outbox import LARGEST, unpacked
from .overview import STRANGE, as_reported, as_told
from .publishing import Outbound, named_by
from .registry import Peers, Province, Registry, who_may
from .urgent import Urgent

logger = logging.getLogger("broadcaster")

MOST_A_DAY = 100_000  # rows of one station: many years of it
LOOK = 0.1  # seconds between two looks at what commands wrote
GATHER = 0.02  # seconds for which batches are gathered into one transaction
MOST_BATCHES = 400  # in one
KEEP_EVERY = 1.0  # seconds between two writings of how stations are
MOST_FOUND = 20  # things wrong with a station's log that are kept
AGAIN = 1.0  # seconds until the server is started again
FAILURES = 10  # times in a row until what it kept is taken for damaged
LONGEST_STATE = 100_000  # bytes of what a station says of itself


@dataclass
class _Waiting:
    batch: Batch
    done: "asyncio.Future[Taken]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Hub:
    """Runs until it is cancelled."""

    def __init__(
        self,
        registry: Registry,
        server: Server,
        store: Store,
        clock: Clock,
        is_theirs: Callable[[str, str], bool],
    ) -> None:
        """*is_theirs* says of a commune and an area whether it lies in it, or did."""
        self._registry, self._server, self._store, self._clock = registry, server, store, clock
        self._is_theirs = is_theirs
        self._outbound, self._urgent = Outbound(registry.folder), Urgent(registry)
        self._province: Province = registry.province()
        self._peers = Peers()
        self._stamps: dict[str, int] = {}
        self._states: dict[str, Any] = {}  # marks to be written, by name
        self._logs = {name: one for name, one in store.marks().items() if name.startswith("log/")}
        self._rows: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._answering = set[asyncio.Task[None]]()
        self._wire: Wire | None = None
        self._over = False
        self._day, self._came = 0, Counter[str]()  # rows that came today, by station

    async def run(self) -> None:
        self._admit()
        self._server.write(
            f"broadcaster-{self._province.code}",
            self._province.served,
            self._province.server.certificate + self._province.authority.certificate,
            self._province.server.key,
        )
        async with asyncio.TaskGroup() as group:
            for work in (self._serve, self._take_in, self._keep_states):
                group.create_task(work())
            try:
                await asyncio.Event().wait()
            finally:
                self._over = True  # a cancellation may be lost on its way through the wire (wire.end)
                if self._wire is not None:
                    await self._wire.close()

    # The server

    async def _serve(self) -> None:
        """Have the server run, and be connected to it; start it again when it ends."""
        failed = 0  # times in a row
        while not self._over:
            if failed == FAILURES:
                logger.error(say("The server does not serve: what it kept is thrown away, and offered anew."))
                self._server.forget()
            if not self._server.runs:
                self._server.start()
            failed += 1
            try:
                port = self._province.served.port
                wire = await connect(
                    f"localhost:{port}",
                    self._province.authority.certificate,
                    self._province.hub_seed,
                    "province",
                )
            except UnreachableError as error:
                if not self._server.runs:
                    words = self._server.last_words()
                    logger.error(say("The province's server ended: {words}", words=words))  # noqa: TRY400
                else:
                    logger.info("%s", error)
                await asyncio.sleep(AGAIN)
                continue
            try:
                await self._prepare(wire)
                failed = 0
                await self._session(wire)
            except (BroadcasterError, OSError) as error:
                logger.warning("%s", error)
            except Exception:
                logger.exception(say("The province's server: an error of ours."))
            await asyncio.sleep(AGAIN)

    async def _prepare(self, wire: Wire) -> None:
        if self._over:
            await wire.close()
        self._wire = wire
        for stream, subject in (("BUNDLE", "bundle.*"), ("BLOB", "blob.>"), ("URGENT", "urgent")):
            await wire.make_stream(stream, subject)

    async def _session(self, wire: Wire) -> None:
        self._stamps.clear()  # whatever it kept may be gone: offer all once more
        for subject, heard in (
            ("rows.*", self._hear_rows),
            ("here.*", self._hear_state),
            ("join.*", self._hear_join),
            ("speaker.*.report", self._hear_speaker),
        ):
            await wire.hear(subject, heard)
        logger.info(say("Stations are served at {address}.", address=self._province.address))
        offering = asyncio.create_task(self._offer_content(wire))
        try:
            while not wire.broken.is_set():
                if self._is_new("stations", self._registry.peers_file):
                    self._admit()
                if self._is_new("urgent", self._urgent.file):
                    await self._offer_urgent(wire)
                if offering.done():
                    offering.result()
                await asyncio.sleep(LOOK)
        finally:
            self._wire = None
            await wire.close()
            await asyncio.wait({offering}, timeout=AGAIN)

    def _is_new(self, name: str, path: Any) -> bool:
        """Was the file written since it was last asked for?"""
        try:
            stamp = path.stat().st_mtime_ns
        except OSError:
            return False
        before, self._stamps[name] = self._stamps.get(name), stamp
        return bool(stamp != before)

    def _admit(self) -> None:
        try:
            self._peers = self._registry.peers()
            self._server.admit(who_may(self._province, self._peers))
        except (BroadcasterError, OSError) as error:
            logger.error("%s", error)  # noqa: TRY400 - told in words

    # Down

    async def _offer_urgent(self, wire: Wire) -> None:
        if (data := self._urgent.sealed()) is None:
            return
        if data != await wire.last("URGENT", "urgent"):
            await wire.keep("urgent", data)
        for one in self._orders():
            if one.sound is not None:
                await self._offer_file(wire, one.sound.digest)
        for name in self._peers.speakers:
            await self._tell_speaker(wire, name)

    async def _offer_content(self, wire: Wire) -> None:
        """Files first, then the bundles that name them."""
        while not wire.broken.is_set():
            if self._is_new("published", self._outbound.stamp):
                trusted = self._province.trusted
                needed = await asyncio.to_thread(named_by, self._outbound, trusted)
                there = {subject.split(".")[1] for subject in await wire.kept("BLOB", "blob.*.0")}
                for digest in sorted(needed.keys() - there):
                    await self._offer_file(wire, digest)
                for station in self._outbound.stations():
                    data = self._outbound.sealed(station)
                    if data is not None and data != await wire.last("BUNDLE", f"bundle.{station}"):
                        await wire.keep(f"bundle.{station}", data)
                sounding = {one.sound.digest for one in self._orders() if one.sound is not None}
                for digest in sorted(there - needed.keys() - sounding):
                    await wire.forget("BLOB", f"blob.{digest}.>")
            await asyncio.sleep(LOOK)

    def _orders(self) -> Any:
        return self._urgent.in_force(self._clock.now()).orders

    async def _offer_file(self, wire: Wire, digest: str) -> None:
        """In chunks; the first comes last, so that what has a first one is there whole."""
        if await wire.last("BLOB", f"blob.{digest}.0") is not None:
            return
        path = self._outbound.file(digest)
        count = max(1, -(-path.stat().st_size // CHUNK))
        with path.open("rb") as file:
            for number in reversed(range(count)):
                file.seek(number * CHUNK)
                await wire.keep(f"blob.{digest}.{number}", file.read(CHUNK))

    # Up

    async def _hear_rows(self, message: Message) -> None:
        task = asyncio.create_task(self._answer_rows(message))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _answer_rows(self, message: Message) -> None:
        sender = message.subject.partition(".")[2]
        try:
            if message.data[:1] == b"[":
                told = await asyncio.to_thread(self._compare, sender, message.data)
            else:
                batch = await asyncio.to_thread(unpacked, message.data, sender)
                self._count(batch)
                waiting = _Waiting(batch)
                await self._rows.put(waiting)
                taken = await waiting.done
                told = {"taken": taken.new, "resend": taken.resend, "forked": taken.forked}
        except (BroadcasterError, ValueError, TypeError, KeyError) as error:
            told = {"refused": str(error)}
        await message.answer(json.dumps(told).encode())

    def _count(self, batch: Batch) -> None:
        """A station that was stolen must not fill the province's disk."""
        day = self._clock.now().toordinal()
        if day != self._day:
            self._day, self._came = day, Counter()
        self._came[batch.sender] += len(batch.rows)
        if self._came[batch.sender] > MOST_A_DAY:
            raise ValueError(f"more than {MOST_A_DAY} rows in a day")

    def _compare(self, sender: str, data: bytes) -> Mapping[str, Any]:
        missing: list[tuple[int, int]] = []
        for one in json.loads(data[:LARGEST]):
            first, last, count = int(one["first"]), int(one["last"]), int(one["count"])
            if 0 < first <= last < first + 10_000_000:
                missing += self._store.missing(sender, first, last, count)
        return {"missing": missing}

    async def _take_in(self) -> None:
        """Many batches in one transaction: whoever is answered has its rows on the disk."""
        while True:
            gathered = [await self._rows.get()]
            await asyncio.sleep(GATHER)
            while len(gathered) < MOST_BATCHES and not self._rows.empty():
                gathered.append(self._rows.get_nowait())
            try:
                taken = await asyncio.to_thread(
                    self._store.take, [one.batch for one in gathered], self._belongs
                )
            except Exception as error:  # noqa: BLE001 - told to each of them, who send it again
                logger.error(say("Rows cannot be taken in: {error}", error=error))  # noqa: TRY400
                for one in gathered:
                    if not one.done.done():
                        one.done.set_exception(ValueError(str(error)))
                continue
            for one, what in zip(gathered, taken, strict=True):
                self._remember(one.batch, what)
                if not one.done.done():
                    one.done.set_result(what)

    def _belongs(self, sender: str, area: str) -> bool:
        member = self._peers.members.get(sender)
        return member is not None and self._is_theirs(member.area, area)

    def _remember(self, batch: Batch, taken: Taken) -> None:
        told = arrived(batch, taken, self._logs.get(f"log/{batch.sender}", {}), self._clock.now())
        self._logs |= told
        self._states |= told

    # Sideways

    async def _hear_state(self, message: Message) -> None:
        now = self._clock.now().isoformat(timespec="seconds")
        with suppress(*STRANGE):
            state = as_told(json.loads(message.data[:LONGEST_STATE]))
            self._states[f"station/{message.subject.partition('.')[2]}"] = {**state, "heard": now}
        await message.answer(json.dumps({"now": self._clock.now().isoformat()}).encode())

    async def _keep_states(self) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY)
            states, self._states = self._states, {}
            if states:
                try:
                    await asyncio.to_thread(self._store.mark_all, states)
                except BroadcasterError as error:
                    logger.error("%s", error)  # noqa: TRY400 - told in words
                    self._states = states | self._states

    async def _hear_join(self, message: Message) -> None:
        try:
            answer = self._registry.join(message.data[:LONGEST_STATE], self._clock.now())
            self._admit()
        except BroadcasterError as error:
            logger.error("%s: %s", message.subject, error)  # noqa: TRY400 - told in words
            told = [(one.where, one.what.template, one.next.template) for one in error.faults]
            answer = json.dumps({"refused": told}).encode()
        await message.answer(answer)

    # Loudspeakers that speak MQTT

    async def _hear_speaker(self, message: Message) -> None:
        name = message.subject.split(".")[1]
        now = self._clock.now().isoformat(timespec="seconds")
        with suppress(*STRANGE):
            told = as_reported(json.loads(message.data[:LONGEST_STATE]))
            self._states[f"speaker/{name}"] = {**told, "heard": now}
        if self._wire is not None:
            await self._tell_speaker(self._wire, name)

    async def _tell_speaker(self, wire: Wire, name: str) -> None:
        """All emergencies that concern it, unsigned: it knows its server by TLS, and has no key of ours."""
        speaker = self._peers.speakers.get(name)
        if speaker is None:
            return
        told = [
            {
                "id": one.id,
                "title": one.title,
                "words": one.words,
                "every": one.every,
                "until": one.until.isoformat(),
            }
            for one in self._orders()
            if any(self._is_theirs(area, speaker.area) for area in one.areas)
        ]
        await wire.send(f"speaker.{name}.alert", json.dumps({"in_force": told}, ensure_ascii=False).encode())


def arrived(batch: Batch, taken: Taken, before: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What is remembered of rows that came: the mark of the station's log."""
    if taken.resend or taken.forked is not None:
        return {}
    found = [{"row": number, "what": what.template, "values": what.values} for number, what in taken.found]
    return {
        f"log/{batch.sender}": {
            "at": now.isoformat(timespec="seconds"),
            "row": int(batch.rows[-1]["seq"]),
            "until": str(batch.rows[-1].get("planned", "")),
            "found": [*before.get("found", ()), *found][-MOST_FOUND:],
        }
    }
