"""
The station's end of the wire. A station needs none of it: whatever does not come now comes later.

Two connections: one for what is short and urgent, and one for files while any come in, so that no emergency
waits behind a file.
"""

import asyncio
import json
import logging
import math
import random
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from broadcaster.edges import keeping
from broadcaster.edges.clock import Clock
from broadcaster.edges.wire import LARGEST, Message, UnreachableError, Wire, connect
from broadcaster.model.bundle import Bundle, File
from broadcaster.model.errors import BroadcasterError, Fault, said, say
from broadcaster.model.order import InForce, Order, due

from .membership import Membership, folder_of
from .outbox import Outbox, packed
from .receiving import REACHED, REACHED_EVERY, Receiving, RefusedError, came, unsealed
from .urgent import KIND as URGENT

logger = logging.getLogger("broadcaster")

CHUNK = 1 << 15  # bytes of a file that travel at once
WINDOW = 4  # chunks on the way: what a line of 1 Mbit/s and 300 ms holds, and no more
CHUNK_PATIENCE = 60.0  # seconds for a chunk
AGAIN = 1.0, 15.0  # seconds until the next try to connect: thousands of stations come back at once
HERE_EVERY = 30.0  # seconds between two words of how the station is,
AT_ONCE = 1.0  # and until it is told when something changed
ROWS_EVERY = 3.0  # seconds between two looks for new rows
COMPARE_EVERY = 3600.0
LOOK_AGAIN = 600.0  # seconds until it is seen whether all of the bundle is still there
TOLD_FOR = timedelta(days=7)  # for so long a refusal is told
FAILED_AGAIN = 20.0  # seconds until a bundle that could not be taken is tried again
SOUNDS = "sounds"  # of emergencies, below the folder of the province
SOON = 1.0  # seconds until a sound that could not be fetched is asked for again
SOUND_WITHIN = 40.0  # seconds of signal tone; what did not come by then is said in words
KNOWN_TIME = 3600.0  # seconds for which what the province said of the time is good


class Station(Protocol):
    """What the link has done at its station. May block; called in threads."""

    def state(self) -> Mapping[str, Any]:
        """How the station is: see `Here` in the province's status."""

    def pulse(self) -> Any:
        """What changes at once when something begins to sound or to be wrong; None while no daemon runs."""

    def emergencies(self) -> tuple[Sequence[str], Sequence[str], Sequence[str]] | None:
        """
        The emergencies in force, those of them that still wait for their words, and those past; None: no
        daemon.
        """

    def trusts_clock(self) -> bool: ...

    def raise_emergency(self, order: Order, left: float, sound: Callable[[], Path] | None) -> None:
        """Have it on air at once, as far as its areas concern this station."""

    def clear(self, names: Sequence[str]) -> None: ...


class Link:
    """Runs until it is cancelled; goes on by itself after whatever breaks."""

    def __init__(
        self,
        root: Path,
        member: Membership,
        station: Station,
        outbox: Outbox,
        clock: Clock,
        *,
        calm: float = 1.0,
    ) -> None:
        """*calm* stretches or shortens all that is waited."""
        self._member, self._station, self._outbox, self._clock = member, station, outbox, clock
        self._receiving = Receiving(root)
        self._folder = folder_of(root)
        self._urgent_file = self._folder / "urgent.json"
        self._calm = calm
        self._changed = asyncio.Event()  # something that the province should hear of at once
        self._bundle = asyncio.Event()  # there may be a new one
        self._newest: bytes | None = None
        self._ahead: tuple[timedelta, float] | None = None  # the province's time before ours; told when
        self._reached = -math.inf  # when that was written down
        self._urgent = asyncio.Lock()
        self._heard: int | None = (
            None  # the revision of the emergencies that were told last; None: not read yet
        )
        self._pending = False  # not all that they ask for could be done
        self._again = asyncio.Event()  # look at once whether it can
        self._words: set[str] = set()  # emergencies that are being raised
        self._tasks = set[asyncio.Task[None]]()

    async def run(self) -> None:
        await asyncio.to_thread(self._receiving.finish)
        wait, why, tries = AGAIN[0], "", 0
        while True:
            try:
                wire = await connect(
                    self._member.address,
                    self._member.authority.encode(),
                    self._member.seed,
                    self._member.station,
                )
            except UnreachableError as error:
                why, tries = (why, tries + 1) if str(error) == why else (str(error), 1)
                if tries & (tries - 1) == 0:  # the 1st, 2nd, 4th, 8th time: a line may be dead for a month
                    logger.info("%s", error)
            else:
                wait, why = AGAIN[0], ""
                await self._session(wire)
            await asyncio.sleep(self._calm * random.uniform(AGAIN[0], wait))  # noqa: S311 - no secret
            wait = min(2 * wait, AGAIN[1])

    async def _session(self, wire: Wire) -> None:
        logger.info(say("The province's server is reached: {address}.", address=self._member.address))
        name = self._member.station
        try:
            async with asyncio.TaskGroup() as group:
                await wire.hear("urgent", self._hear_urgent)
                await wire.hear(f"bundle.{name}", self._hear_bundle)
                for work in (self._be_here, self._send_rows, self._take_bundles, self._keep_up):
                    group.create_task(self._repeatedly(work, wire))
                try:
                    await wire.broken.wait()
                except asyncio.CancelledError:
                    await self._leave(wire)
                    raise
                finally:
                    await wire.close()  # all of them end by that: a cancellation may be lost (wire.end)
                raise UnreachableError(*_broken())
        except* UnreachableError as errors:
            logger.info("%s", errors.exceptions[0])
        finally:
            await wire.close()

    async def _repeatedly(self, work: Callable[[Wire], Any], wire: Wire) -> None:
        """As long as the line holds; an error of ours, or of the disk, is told and tried again."""
        while not wire.broken.is_set():
            try:
                await work(wire)
            except UnreachableError:
                if wire.broken.is_set():
                    raise
                await self._pause(ROWS_EVERY)
            except (BroadcasterError, OSError) as error:
                logger.error("%s", error)  # noqa: TRY400 - told in words
                await self._pause(FAILED_AGAIN)
            except Exception:
                logger.exception(say("The link to the province: an error of ours."))
                await self._pause(FAILED_AGAIN)

    async def _pause(self, seconds: float, until: asyncio.Event | None = None) -> bool:
        """Wait; no longer than *until* is set, and tell whether it was."""
        if until is None:
            await asyncio.sleep(self._calm * seconds)
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout(self._calm * seconds):
                await until.wait()
        happened = until.is_set()
        until.clear()
        return happened

    # Emergencies

    async def _hear_urgent(self, message: Message) -> None:
        self._begin(self._follow(message.data, live=True))

    def _begin(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_up(self, wire: Wire) -> None:
        """What was in force before this connection was there, and what could not be done yet."""
        data = await wire.last("URGENT", "urgent")
        if data is not None:
            await self._follow(data, live=False)
        await self._pause(SOON if self._pending else LOOK_AGAIN, self._again)
        await asyncio.sleep(self._calm * SOON)

    async def _follow(self, data: bytes, *, live: bool) -> None:
        """
        Do what a document of emergencies says. *live*: it comes this moment, so it is taken to be of this
        moment where nobody knows the time. Elsewhere the time tells: a server may offer an old one anew.
        """
        async with self._urgent:
            self._pending = True
            try:
                self._pending = not await self._done(data, live=live)
            except RefusedError as error:
                self._pending = False
                await self._refuse("emergency", error)
            except BroadcasterError as error:
                logger.error("%s", error)  # noqa: TRY400 - told in words
            except Exception:
                logger.exception(say("The link to the province: an error of ours."))
            if self._pending:
                self._again.set()
            self._changed.set()

    async def _done(self, data: bytes, *, live: bool) -> bool:
        """Do what can be done of it now; was that all?"""
        document = self._read(data, self._remembered())
        known = await asyncio.to_thread(self._station.emergencies)
        if known is None:  # no daemon runs, or not yet
            return False
        in_force, wordless, past = known
        begun = {*in_force} - {*wordless} | self._words
        do = due(document, in_force, begun, past, await self._now())
        timeless = [one for one, left in do.begin if left is None and not live]
        for order, left in [pair for pair in do.begin if pair[0] not in timeless]:
            self._words.add(order.id)
            full = (order.until - order.issued).total_seconds()
            self._begin(self._raise(order, min(full, full if left is None else left)))
        if do.end:
            await asyncio.to_thread(self._station.clear, do.end)
            logger.warning(say("The province's all-clear: {names}.", names=", ".join(do.end)))
        self._remember(document.revision)
        if not document.orders:
            shutil.rmtree(self._folder / SOUNDS, ignore_errors=True)
        return not timeless

    def _remembered(self) -> int:
        """The revision heard last. A file that is damaged must not keep an emergency off the air."""
        if self._heard is None:
            try:
                self._heard = int(keeping.kept(self._urgent_file, {}).get("revision", 0))
            except (BroadcasterError, TypeError, ValueError, AttributeError) as error:
                logger.error("%s", error)  # noqa: TRY400 - told in words
                self._heard = 0
        return self._heard

    def _remember(self, revision: int) -> None:
        """So that nothing older is believed, not after a restart either: if the disk takes it."""
        if revision != self._heard:
            self._heard = revision
            try:
                keeping.keep(self._urgent_file, {"revision": revision})
            except OSError as error:
                logger.error("%s", error)  # noqa: TRY400 - told in words

    def _read(self, data: bytes, heard: int) -> InForce:
        document = unsealed(data, URGENT, self._member, InForce.of)
        if document.province != self._member.province:
            what = say("It is meant for {station}.", station=document.province)
            raise RefusedError(Fault("", what, say("Nothing of it was used.")))
        if document.revision < heard:
            what = say("It is older than what is here.")
            raise RefusedError(Fault("", what, say("Nothing of it was used.")))
        return document

    async def _raise(self, order: Order, left: float) -> None:
        """On air at once; its sound comes in meanwhile, if it has one."""
        loop = asyncio.get_running_loop()

        def sound() -> Path:
            assert order.sound is not None  # noqa: S101 - else nobody calls it
            coming = asyncio.run_coroutine_threadsafe(self._fetch_sound(order.sound), loop)
            try:
                return coming.result(SOUND_WITHIN)
            except TimeoutError as error:
                raise UnreachableError(*_broken()) from error

        try:
            await asyncio.to_thread(
                self._station.raise_emergency, order, left, sound if order.sound else None
            )
        except (BroadcasterError, OSError) as error:
            logger.error("%s: %s", order.id, error)  # noqa: TRY400 - told in words
            self._again.set()
        except Exception:
            logger.exception(say("{what}: an error of ours.", what=order.id))
            self._again.set()
        finally:
            self._words.discard(order.id)
            self._changed.set()

    async def _fetch_sound(self, file: File) -> Path:
        folder = self._folder / SOUNDS
        path = folder / f"{file.digest}{Path(file.path).suffix}"
        while not path.exists():
            try:
                await self._fetch([file], folder)
                came(folder / file.digest, file)
                (folder / file.digest).replace(path)
            except BroadcasterError as error:  # it is on its way to the server, or the line broke
                logger.info("%s", error)
                await self._pause(SOON)
        return path

    async def _now(self) -> datetime | None:
        """By our clock, if it is to be trusted, or by what the province said; None if nobody knows."""
        if await asyncio.to_thread(self._station.trusts_clock):
            return self._clock.now()
        if self._ahead is None or self._clock.monotonic() - self._ahead[1] > KNOWN_TIME:
            return None
        return self._clock.now() + self._ahead[0]

    async def _refuse(self, what: str, error: BroadcasterError, *, lasting: bool = True) -> None:
        logger.error(say("Refused from the province, {what}: {reason}", what=what, reason=error))
        await asyncio.to_thread(self._receiving.refuse, what, error, self._clock.now(), lasting=lasting)
        self._changed.set()

    # How the station is

    async def _be_here(self, wire: Wire) -> None:
        state = await asyncio.to_thread(self._state)
        answer = json.loads(await wire.ask(f"here.{self._member.station}", json.dumps(state).encode()))
        ahead = datetime.fromisoformat(answer["now"]) - self._clock.now()
        self._ahead = ahead, self._clock.monotonic()
        if self._ahead[1] - self._reached > REACHED_EVERY:
            self._reached = self._ahead[1]
            keeping.keep(self._folder / REACHED, {"at": self._clock.now().isoformat(timespec="seconds")})
        pulse = await asyncio.to_thread(self._station.pulse)
        for _ in range(int(HERE_EVERY / AT_ONCE)):
            changed = await self._pause(AT_ONCE, self._changed)
            if changed or await asyncio.to_thread(self._station.pulse) != pulse:
                return

    async def _leave(self, wire: Wire) -> None:
        """The daemon ends, and the link with it: nobody shall wonder where the station is."""
        with suppress(BroadcasterError, OSError):
            state = {**await asyncio.to_thread(self._state), "running": False}
            await wire.send(f"here.{self._member.station}", json.dumps(state).encode())

    def _state(self) -> Mapping[str, Any]:
        receiving = self._receiving
        return {
            **self._station.state(),
            "revision": receiving.revision,
            "kept": [{"path": one.path, "why": one.why.template} for one in receiving.kept][:20],
            "refused": [one for one in receiving.refused if _lately(one["at"], self._clock.now())],
            "rows_waiting": self._outbox.waiting(),
        }

    # Rows of the play log

    async def _send_rows(self, wire: Wire) -> None:
        since = self._clock.monotonic() - COMPARE_EVERY
        while not wire.broken.is_set():
            if self._clock.monotonic() - since >= self._calm * COMPARE_EVERY:
                stretches = await asyncio.to_thread(self._outbox.stretches)
                told = await self._ask_rows(wire, json.dumps([asdict(one) for one in stretches]).encode())
                self._outbox.asked_for(told.get("missing", ()))
                since = self._clock.monotonic()
            while (batch := await asyncio.to_thread(self._outbox.next)) is not None:
                told = await self._ask_rows(wire, packed(batch))
                await asyncio.to_thread(self._outbox.answered, batch, told)
            await self._pause(ROWS_EVERY)

    async def _ask_rows(self, wire: Wire, data: bytes) -> Mapping[str, Any]:
        told = json.loads(await wire.ask(f"rows.{self._member.station}", data, CHUNK_PATIENCE))
        if "refused" in told:
            what = say("The province refuses rows of the play log: {reason}", reason=told["refused"])
            raise BroadcasterError(Fault("", what, say("They stay here, and are sent again.")))
        return told  # type: ignore[no-any-return]

    # Content

    async def _hear_bundle(self, message: Message) -> None:
        self._newest = message.data
        self._bundle.set()

    async def _take_bundles(self, wire: Wire) -> None:
        name = self._member.station
        data, self._newest = self._newest or await wire.last("BUNDLE", f"bundle.{name}"), None
        if data is not None:
            try:
                bundle = self._receiving.look(data, self._member)
            except RefusedError as error:
                await self._refuse("bundle", error)
            else:
                await self._have(bundle)
        await self._pause(LOOK_AGAIN, self._bundle)

    async def _have(self, bundle: Bundle) -> None:
        """Take it, if it is not here whole. What stands in the way is told until it does not any more."""
        try:
            if await asyncio.to_thread(self._receiving.changes, bundle):
                await self._take(bundle)
        except UnreachableError:
            raise
        except BroadcasterError as error:
            await self._refuse(error.faults[0].where or "bundle", error, lasting=False)
            raise
        except OSError as error:
            what = say("The file cannot be written: {error}.", error=said(error))
            fault = Fault(str(error.filename or self._receiving.root), what, say("It is tried again."))
            refusal = BroadcasterError(fault)
            await self._refuse(fault.where, refusal, lasting=False)
            raise refusal from error
        await asyncio.to_thread(self._receiving.is_well)

    async def _take(self, bundle: Bundle) -> None:
        wanted = await asyncio.to_thread(self._receiving.wanted, bundle)
        await self._fetch(wanted, self._receiving.parts)
        for one in wanted:
            await asyncio.to_thread(came, self._receiving.parts / one.digest, one)
        taken = await asyncio.to_thread(self._receiving.take, bundle)
        logger.info(
            say("Content of the province: {written} files new, {deleted} taken away, "
                "{kept} kept as the commune has them.",
                written=len(taken.write), deleted=len(taken.delete), kept=len(taken.kept))
        )  # fmt: skip
        self._changed.set()

    async def _fetch(self, files: Sequence[File], folder: Path) -> None:
        """Fetch *files* on a connection of their own; what came stays, and is gone on from."""
        if not files:
            return
        member = self._member
        folder.mkdir(parents=True, exist_ok=True)
        wire = await connect(member.address, member.authority.encode(), member.seed, member.station)
        try:
            for one in files:
                await fetch(wire, one, folder / one.digest)
        finally:
            await wire.close()


async def fetch(wire: Wire, file: File, path: Path) -> None:
    """Fetch *file* to *path*, from where that ends; a few chunks are on the way at once."""
    there = path.stat().st_size // CHUNK * CHUNK if path.exists() else 0
    chunks = range(there // CHUNK, -(-file.size // CHUNK))
    coming: list[asyncio.Task[bytes | None]] = []
    ahead = iter(chunks)
    with path.open("r+b" if path.exists() else "wb") as opened:
        opened.truncate(there)
        opened.seek(there)
        try:
            for _ in chunks:
                while len(coming) < WINDOW and (number := next(ahead, None)) is not None:
                    asked = wire.last("BLOB", f"blob.{file.digest}.{number}", CHUNK_PATIENCE)
                    coming.append(asyncio.create_task(asked))
                data = await coming.pop(0)
                if data is None:
                    what = say("The province's server does not have it yet.")
                    raise BroadcasterError(Fault(file.path, what, say("It is asked for again.")))
                opened.write(data)
                opened.flush()
        finally:
            for task in coming:
                task.cancel()
            await asyncio.gather(*coming, return_exceptions=True)


def _lately(at: str, now: datetime) -> bool:
    return now - datetime.fromisoformat(at) < TOLD_FOR


def _broken() -> tuple[Fault]:
    what = say("The line to the province broke.")
    return (Fault("", what, say("Nothing needs doing: it is tried again.")),)


assert CHUNK < LARGEST  # noqa: S101 - a chunk is one message
