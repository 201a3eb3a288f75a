"""Who gets in, and how much of what they send is listened to."""

import asyncio
import hmac
import logging
import os
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from broadcaster.cli.language import _
from broadcaster.edges.clock import SystemClock
from broadcaster.edges.users import Right, User, Users
from broadcaster.model import typed

logger = logging.getLogger("broadcaster")

KEY_BYTES = 32
SMALL = 64 << 10  # bytes of a form
LARGE = 96 << 20  # bytes of a recording: half an hour of WAV from a studio is less
SLOW = 30.0  # seconds that a form may take to come in
SLOW_UPLOAD = 900.0
TRIES = 5  # wrong passwords from one address
TRYING = 300.0  # in so many seconds; a limit for all addresses would let anybody lock everybody out
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
DOCUMENT = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Walls:
    """ASGI: headers that keep browsers strict; bodies that are too long or too slow are not read on."""

    def __init__(self, app: ASGIApp, uploads: str) -> None:
        self.app = app
        self.uploads = uploads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        is_upload = scope["method"] == "POST" and scope["path"] == self.uploads
        left, began = (LARGE if is_upload else SMALL), asyncio.get_running_loop().time()
        patience = SLOW_UPLOAD if is_upload else SLOW
        read = False

        async def careful() -> Message:
            nonlocal left, read
            if read:
                return await receive()  # a stream waits here until who looks is gone
            try:
                async with asyncio.timeout_at(began + patience):
                    message = await receive()
            except TimeoutError as error:
                raise HTTPException(408, _("This took too long to arrive.")) from error
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, _("This is too large."))
            read = not message.get("more_body", False)
            return message

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", POLICY)
            await send(message)

        await self.app(scope, careful, strict)


@dataclass
class Attempts:
    """Wrong passwords of late, by address."""

    clock: SystemClock = field(default_factory=SystemClock)
    _of: dict[str, deque[float]] = field(default_factory=dict)

    def wait(self, address: str) -> float:
        """Seconds until another try from here is listened to."""
        now = self.clock.monotonic()
        for known in list(self._of):
            times = self._of[known]
            while times and now - times[0] > TRYING:
                times.popleft()
            if not times:
                del self._of[known]
        own = list(self._of.get(address, ()))
        return own[0] + TRYING - now if len(own) >= TRIES else 0.0

    def failed(self, address: str) -> None:
        self._of.setdefault(address, deque()).append(self.clock.monotonic())


class Guard:
    """Knows who asks."""

    def __init__(self, var: Path, *, on_loopback: bool) -> None:
        self.users = Users(var)
        self.on_loopback = on_loopback
        self.attempts = Attempts()
        self._ended: set[str] = set()  # sessions; a cookie is worth nothing by itself after some hours
        self._one_login = asyncio.Lock()  # a hash takes its time and 19 MB

    def who(self, request: Request) -> User | None:
        """
        Who is logged in. While nobody has a password, whoever sits at this machine may do everything.

        Raises BroadcasterError if that cannot be known.
        """
        known = {one.name: one for one in self.users.all()}
        if not known:
            return User("", Right.APPROVER, "") if self.on_loopback else None
        session = request.session
        user = known.get(str(session.get("user", "")))
        signed = str(session.get("stamp", ""))
        if session.get("id") in self._ended:
            return None
        return user if user and hmac.compare_digest(user.stamp.encode(), signed.encode()) else None

    async def log_in(self, request: Request, name: str, password: str) -> None:
        """Raises HTTPException 429 after too many tries, 403 for a wrong password."""
        address = request.client.host if request.client else ""
        async with self._one_login:  # who sends many at once waits like everybody else
            user = await self._checked(address, name, password)
        request.session.clear()  # what was there before is nobody's
        request.session.update(user=user.name, stamp=user.stamp, id=secrets.token_urlsafe(16))

    def log_out(self, request: Request) -> None:
        """A copy of the cookie is worth nothing from now on."""
        self._ended.add(str(request.session.get("id", "")))
        request.session.clear()

    async def _checked(self, address: str, name: str, password: str) -> User:
        if (wait := self.attempts.wait(address)) > 0:
            raise HTTPException(
                429,
                _("Too many wrong passwords. Try again in {minutes} min.").format(
                    minutes=int(wait // 60) + 1
                ),
                {"Retry-After": str(int(wait) + 1)},
            )
        user = await run_in_threadpool(self.users.check, name, password)
        if user is None:
            self.attempts.failed(address)
            raise HTTPException(403, _("Name or password is wrong."))
        return user


def token(request: Request) -> str:
    """What a form of this session carries, so that no other site can send it."""
    return str(request.session.setdefault("token", secrets.token_urlsafe(24)))


async def form(request: Request) -> FormData:
    """The form that was sent, if it comes from a page of ours. Raises HTTPException 400 or 403."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise HTTPException(403, _("This came from another site."))
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, _("This came from another site."))
    try:
        found = await request.form(max_files=1, max_fields=40, max_part_size=SMALL)
    except (ValueError, LookupError) as error:  # a character set that there is not, or is not what was sent
        raise HTTPException(400) from error
    sent, expected = found.get("token"), request.session.get("token")
    if not (isinstance(sent, str) and isinstance(expected, str)) or not hmac.compare_digest(
        typed.written(sent).encode(), expected.encode()
    ):
        raise HTTPException(403, _("This page was open for too long. Load it again, and try once more."))
    return found


Endpoint = Callable[..., Any]


def needs(right: Right) -> Callable[[Endpoint], Endpoint]:
    """Only who may do this comes in; a POST with its form."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        @wraps(endpoint)
        async def guarded(request: Request) -> Response:
            guard: Guard = request.app.state.guard
            user = await run_in_threadpool(guard.who, request)
            if user is None:
                if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
                    return RedirectResponse("/login", 303)
                raise HTTPException(401, _("Log in first."))
            if user.right < right:
                raise HTTPException(403, _("You may not do this here."))
            request.state.user = user
            if request.method == "POST":
                sent = await form(request)
                try:
                    done: Response = await run_in_threadpool(endpoint, request, sent)
                    return done
                finally:
                    await sent.close()
            answer: Response = (
                await endpoint(request)
                if asyncio.iscoroutinefunction(endpoint)
                else await run_in_threadpool(endpoint, request)
            )
            return answer

        return guarded

    return decorate


def key(var: Path) -> str:
    """What sessions are signed with: made once, readable by this user alone."""
    path = var / "page.key"
    try:
        var.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            place = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(place, "w") as file:
                file.write(secrets.token_hex(KEY_BYTES))
        found = path.read_text("ascii")
    except (OSError, ValueError):
        logger.warning("%s cannot be used: who logs in is logged out when the daemon ends", path)
        return secrets.token_hex(KEY_BYTES)
    if len(found) != 2 * KEY_BYTES:  # cut off while it was written
        path.unlink()
        return key(var)
    return found
