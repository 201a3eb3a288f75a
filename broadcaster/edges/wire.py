"""
SEAM: messages between a province and its stations: NATS, through nats-py.

A connection is one piece: when it breaks it is over, nothing of it is sent later, and whoever made it makes
another and begins by asking what is the case. (nats-py's own reconnecting gives up after two minutes, and
flushes old requests into the new connection.)
"""

import asyncio
import logging
import signal
import ssl
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from broadcaster.model.errors import BroadcasterError, Fault, say

CONNECTING = 60.0  # seconds: a server to which thousands come back at once is slow to let them in
ANSWERED = 10.0  # seconds until its first word; a line that is dead is not waited for, but tried anew
PING_EVERY, PINGS = 15, 2  # seconds; a link that died in silence is noticed within 45
PATIENCE = 10.0  # seconds for an answer
LARGEST = 1 << 20  # bytes of a message

Heard = Callable[["Message"], Awaitable[None]]


class UnreachableError(BroadcasterError):
    """Nobody answers there, or the line broke."""


class Message:
    """What came in."""

    def __init__(self, message: Any) -> None:
        self._message = message
        self.subject: str = message.subject
        self.data: bytes = message.data

    async def answer(self, data: bytes) -> None:
        """To whoever asked; one who is gone by now asks again."""
        from nats.errors import Error

        with suppress(Error, OSError):
            if self._message.reply:
                await self._message.respond(data)


class Wire:
    """One connection. Raises UnreachableError where it is broken."""

    def __init__(self, client: Any, broken: asyncio.Event) -> None:
        self._client, self.broken = client, broken

    async def send(self, subject: str, data: bytes) -> None:
        await self._try(self._client.publish(subject, data))

    async def ask(self, subject: str, data: bytes, patience: float = PATIENCE) -> bytes:
        """The answer. None came: it may have been done, or not."""
        return (await self._try(self._client.request(subject, data, timeout=patience))).data  # type: ignore[no-any-return]

    async def hear(self, subject: str, heard: Heard) -> None:
        async def call(message: Any) -> None:
            await heard(Message(message))

        await self._try(self._client.subscribe(subject, cb=call))
        await self._try(self._client.flush())

    async def last(self, stream: str, subject: str, patience: float = PATIENCE) -> bytes | None:
        """The last message that *stream* keeps of *subject*, without a consumer; None if there is none."""
        asked = self._client.request(f"$JS.API.DIRECT.GET.{stream}.{subject}", b"", timeout=patience)
        found = await self._try(asked)
        status = (found.headers or {}).get("Status")
        if status == "404":
            return None
        if status is not None:
            raise _unreachable(f"{status} {(found.headers or {}).get('Description', '')}")
        return found.data  # type: ignore[no-any-return]

    async def make_stream(self, name: str, subject: str, age: float | None = None) -> None:
        """Have the server keep the last message of each subject, for *age* seconds (None: for good)."""
        from nats.js.api import StreamConfig
        from nats.js.errors import NotFoundError

        config = StreamConfig(
            name=name, subjects=[subject], max_msgs_per_subject=1, allow_direct=True, max_age=age
        )
        manager = self._client.jetstream()
        try:
            await manager.stream_info(name)
        except NotFoundError:
            await self._try(manager.add_stream(config))

    async def keep(self, subject: str, data: bytes) -> None:
        """Publish what a stream keeps; it is on the server's disk when this returns."""
        await self._try(self._client.jetstream().publish(subject, data, timeout=PATIENCE))

    async def forget(self, stream: str, subject: str) -> None:
        await self._try(self._client.jetstream().purge_stream(stream, subject=subject))

    async def kept(self, stream: str, subject: str) -> list[str]:
        """The subjects below *subject* of which *stream* keeps something."""
        found = await self._try(self._client.jetstream().stream_info(stream, subjects_filter=subject))
        return list(found.state.subjects or ())

    async def close(self) -> None:
        self.broken.set()
        with suppress(Exception):  # it is over, however it ends
            async with asyncio.timeout(PATIENCE):
                await self._client.close()

    async def _try(self, doing: Awaitable[Any]) -> Any:
        import nats.errors

        if self.broken.is_set():
            if asyncio.iscoroutine(doing):
                doing.close()
            raise _unreachable("closed")
        try:
            return await doing
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise _unreachable(str(error) or type(error).__name__) from error


async def connect(
    address: str, authority: bytes | None, seed: str, name: str, *, patience: float = CONNECTING
) -> Wire:
    """
    A connection to the server at *address* (HOST:PORT), with the key *seed*; answers come below
    `_INBOX.name`.

    The server is known by the certificate *authority* (PEM); None: whoever answers, and nothing that it
    says is to be believed. Raises UnreachableError.
    """
    import nats.errors
    from nats.aio.client import Client

    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of how TLS connections end
    broken = asyncio.Event()

    class Noticing(Client):
        async def _close(self, status: int, do_cbs: bool = True) -> None:
            broken.set()  # its callbacks come when TLS has said goodbye: on a dead line 30 s later
            await super()._close(status, do_cbs)

    why: list[Exception] = []

    async def wrong(error: Exception) -> None:
        why[:] = [error]

    context = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if authority is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    client = Noticing()
    try:
        async with asyncio.timeout(patience) as limit:  # it may wait for ever on a server that is a stranger

            def unless_answered() -> None:
                if client.client_id is None and not limit.expired():
                    limit.reschedule(0.0)

            giving_up = asyncio.get_running_loop().call_later(ANSWERED, unless_answered)
            try:
                await client.connect(
                    f"tls://{address}",
                    tls=context,
                    nkeys_seed_str=seed,
                    name=name,
                    inbox_prefix=f"_INBOX.{name}",
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=1,
                    connect_timeout=int(patience),
                    ping_interval=PING_EVERY,
                    max_outstanding_pings=PINGS,
                    error_cb=wrong,
                )
            finally:
                giving_up.cancel()
    except (nats.errors.Error, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        first = why[0] if why and isinstance(error, nats.errors.NoServersError) else error
        raise _unreachable(str(first) or type(first).__name__, address) from error
    return Wire(client, broken)


async def until_ended(work: Coroutine[Any, Any, None]) -> None:
    """Do *work* until a signal ends it."""
    task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, ended.set)
    waiting = asyncio.ensure_future(ended.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    await end(task)


async def end(task: "asyncio.Task[None]") -> None:
    """Have *task* end. It is told so until it does: before Python 3.12 `wait_for` may lose a cancellation."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
    if not task.cancelled():
        task.result()


def _unreachable(why: str, address: str = "") -> UnreachableError:
    if "authorization violation" in why.lower():
        return UnreachableError(
            Fault(
                address,
                say("The province's server does not let this station in: its key was revoked, or replaced."),
                say(
                    "Ask the province for a new code; then: broadcaster station leave, and station join CODE."
                ),
            )
        )
    return UnreachableError(
        Fault(
            address,
            say("The province's server does not answer ({reason}).", reason=why.strip()),
            say("Nothing needs doing here: it is tried again, and nothing is lost meanwhile."),
        )
    )
