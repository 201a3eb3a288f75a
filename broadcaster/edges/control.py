"""
SEAM: what commands ask of the running daemon.

A socket in Linux's abstract namespace: it needs no file, so it also answers on a full or read-only disk.
"""

import json
import os
import pwd
import socket
import struct
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingUnixStreamServer
from stat import S_IWGRP
from threading import Thread
from typing import Any

from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say

LONGEST = 1 << 20  # bytes of one question or answer
PATIENCE = 5.0  # seconds


@dataclass(frozen=True)
class Asked:
    """What somebody asks of the daemon."""

    verb: str
    values: Mapping[str, Any]
    by: str  # the user's name
    trusted: bool  # may change something: the daemon's own user, root, or who may write to the station


class NotRunningError(BroadcasterError):
    """No daemon of this station answers."""


class Control:
    """The daemon's ear, from when it is made until it is closed."""

    def __init__(self, root: Path, answer: Callable[[Asked], Mapping[str, Any]]) -> None:
        """Raises BroadcasterError if another daemon of the station listens."""

        class Handler(StreamRequestHandler):
            timeout = PATIENCE

            def handle(self) -> None:
                with suppress(OSError):  # whoever asked is gone
                    said = _answer(self.rfile.readline(LONGEST), self.connection, root, answer)
                    self.wfile.write(json.dumps(said, default=_plain).encode() + b"\n")

        class Server(ThreadingUnixStreamServer):
            daemon_threads = True
            request_queue_size = 100  # with a full queue a command would say that no daemon runs

        try:
            self._server = Server(_address(root), Handler)
        except OSError as error:
            raise BroadcasterError(
                Fault(
                    str(root),
                    say("The daemon cannot listen for commands ({reason}).", reason=said(error)),
                    say("See whether another daemon of this station runs: broadcaster status."),
                )
            ) from error
        self._thread = Thread(target=self._server.serve_forever, args=(0.5,), name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def ask(root: Path, verb: str, values: Mapping[str, Any], by: str = "") -> dict[str, Any]:
    """
    Have the daemon of the station at *root* do something, and return its answer.

    *by* is who wants it, where that is not the user of this process.

    Raises NotRunningError if none is there, BroadcasterError for what it refuses.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(PATIENCE)
        try:
            line.connect(_address(root))
        except OSError as error:
            raise NotRunningError(
                Fault(
                    str(root),
                    say("The daemon of this station does not run."),
                    say("Start it: broadcaster run (or: systemctl start broadcaster)."),
                )
            ) from error
        try:
            line.sendall(json.dumps({"verb": verb, "values": values, "by": by}).encode() + b"\n")
            with line.makefile("rb") as file:
                told = json.loads(file.readline(LONGEST), object_hook=_restored)
        except (OSError, ValueError) as error:
            raise BroadcasterError(
                Fault(
                    "",
                    say("The daemon did not answer within {seconds:g} s.", seconds=PATIENCE),
                    say("Look at its log, and at: broadcaster status."),
                )
            ) from error
    if "refused" in told:
        raise BroadcasterError(*(Fault(where, what, following) for where, what, following in told["refused"]))
    return dict(told)


def _answer(
    question: bytes, line: socket.socket, root: Path, answer: Callable[[Asked], Mapping[str, Any]]
) -> Mapping[str, Any]:
    try:
        told = json.loads(question)
        json.dumps(told, ensure_ascii=False).encode()  # what cannot be written down is not done either
        by, trusted = _who(line, root)
        for_whom = str(told.get("by") or "") if trusted else ""
        return answer(Asked(told["verb"], told["values"], for_whom or by, trusted))
    except BroadcasterError as error:
        return {"refused": [(one.where, one.what, one.next) for one in error.faults]}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OSError) as error:
        what = say("The question is not understood ({error}).", error=f"{type(error).__name__}: {error}")
        next_step = say("The command may be of another version than the daemon: restart it.")
        return {"refused": [("", what, next_step)]}


def _who(line: socket.socket, root: Path) -> tuple[str, bool]:
    """The name of who is at the other end, and whether they may change something at the station."""
    size = struct.calcsize("3i")
    _pid, user, group = struct.unpack("3i", line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    try:
        entry = pwd.getpwuid(user)
        name, groups = entry.pw_name, os.getgrouplist(entry.pw_name, entry.pw_gid)
    except KeyError:
        name, groups = str(user), [group]
    if user in (0, os.getuid()):  # also where the disk does not answer
        return name, True
    folder = root.stat()
    shared = bool(folder.st_mode & S_IWGRP) and folder.st_gid in groups
    return name, user == folder.st_uid or shared


def _plain(value: Any) -> Any:
    """A sentence travels with its values, so that who asked reads it in their language."""
    return {"template": value.template, "values": value.values} if isinstance(value, Text) else str(value)


def _restored(told: dict[str, Any]) -> Any:
    return Text(**told) if told.keys() == {"template", "values"} else told


def _address(root: Path) -> str:
    return f"\0broadcaster/{sha256(str(root.resolve()).encode()).hexdigest()[:32]}"
