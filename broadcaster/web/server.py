"""The listening side: where, with which certificate, and no patience for who never finishes asking."""

import asyncio
import socket
from collections import Counter
from collections.abc import Sequence
from errno import EADDRINUSE
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from broadcaster.edges.users import Users
from broadcaster.model.errors import BroadcasterError, Fault, said, say

from .app import UPLOADS, make_app
from .guard import Walls

HEAD_SECONDS = 10.0  # until a request's head must be there
MOST_FROM_ONE = 60  # connections from one address; a browser has six
MOST_AT_ONCE = 400  # connections; each that is open and silent costs a file
LEAVING = 2  # seconds that open streams have when the page ends


class _Impatient(H11Protocol):
    """Who sends a request byte by byte is cut off: else a few hundred of them would keep everybody out."""

    _deadline: asyncio.TimerHandle | None = None
    _from: ClassVar[Counter[str]] = Counter()  # open connections, by address

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._address = str((transport.get_extra_info("peername") or [""])[0])
        self._from[self._address] += 1
        if self._from[self._address] > MOST_FROM_ONE:
            transport.close()
        self._expect()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._from[self._address] -= 1
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._judge, self.cycle)

    def _judge(self, before: Any) -> None:
        if self.cycle is before and not self.transport.is_closing():
            self.transport.close()


def address(listen: str) -> tuple[str, int]:
    """What `HOST:PORT` names. Raises BroadcasterError."""
    host, _colon, port = listen.rpartition(":")
    if not (host and port.isdecimal() and int(port) < 1 << 16):
        raise BroadcasterError(
            Fault(
                listen,
                say("This is no address to listen on."),
                say("Write HOST:PORT, such as 127.0.0.1:8710 (this machine alone) or 0.0.0.0:8710."),
            )
        )
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def serve(station: Path, listen: str, certificate: Sequence[str]) -> None:
    """Serve until the process is told to end. Raises BroadcasterError where that may or can not be."""
    server, listening = make_server(station, listen, certificate)
    server.run(sockets=[listening])


def make_server(
    station: Path, listen: str, certificate: Sequence[str] = ()
) -> tuple[uvicorn.Server, socket.socket]:
    """What serves the page of *station*, and its socket. Raises BroadcasterError."""
    host, port = address(listen)
    if not is_loopback(host) and not Users(station / "var").all():
        raise BroadcasterError(
            Fault(
                listen,
                say("Others would get in without a password: the page does not listen there."),
                say("Let somebody in first: broadcaster user add NAME --role operator."),
            )
        )
    if len(certificate) == 1:
        raise BroadcasterError(
            Fault(
                certificate[0],
                say("A certificate without its key, or a key without its certificate."),
                say("Give --certificate and --key together."),
            )
        )
    config = uvicorn.Config(
        Walls(make_app(station, on_loopback=is_loopback(host), secured=bool(certificate)), UPLOADS),
        host=host,
        port=port,
        http=_Impatient,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is who connects, whatever they say
        limit_concurrency=MOST_AT_ONCE,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=LEAVING,
        h11_max_incomplete_event_size=16_384,
        ssl_certfile=certificate[0] if certificate else None,
        ssl_keyfile=certificate[1] if certificate else None,
    )
    try:
        for file in map(Path, certificate):
            file.open("rb").close()
        config.load()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except OSError as error:  # of the socket, or of the certificate
        if error.errno == EADDRINUSE:
            what = say("Another program uses this port.")
            following = say("Choose another: broadcaster run --listen 127.0.0.1:8711.")
        else:
            what = say("The page cannot be served here ({reason}).", reason=said(error))
            following = say(
                "See that the address is this machine's, and that certificate and key can be read."
            )
        raise BroadcasterError(Fault(str(error.filename or listen), what, following)) from error
    return uvicorn.Server(config), listening
