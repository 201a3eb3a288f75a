"""The child of a sandbox that does whatever it is asked to, good or bad: `python -m tests.misbehaving`."""

import ctypes
import os
import signal
import sys
from threading import Event
from typing import Any

from broadcaster.edges.sandbox import Limits, serve

OWN_STDOUT = os.dup(1)  # before it is pointed away
KEPT: list[bytearray] = []


def behave(request: dict[str, Any]) -> dict[str, Any]:
    match request["do"]:
        case "sleep":
            Event().wait()
        case "spin":
            while True:
                pass
        case "eat":
            request["eaten"] = bytearray(2 * Limits.memory)
        case "swell":
            KEPT.append(bytearray(Limits.memory * 2 // 3))
        case "crash":
            ctypes.string_at(0)
        case "exit":
            os._exit(0)
        case "be killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "print":
            os.write(1, b'{"false": "answer"}\n')
            sys.stdout.write("{}\n")
            sys.stdout.flush()
        case "complain":
            os.write(2, b"[mp3 @ 0x5581] Header missing\n")
        case "say garbage":
            os.write(OWN_STDOUT, b"\xff\xfeno answer\n")
        case "say much":
            os.write(OWN_STDOUT, b"[" * 2_000_000)
        case "fail":
            raise ValueError("no such thing")
        case "answer what is no JSON":
            return {"set": {1}}
        case "write":
            with open(request["to"], "wb") as file:  # noqa: PTH123
                file.truncate(Limits.file + 1)
        case "open files":
            request["open"] = len([os.open(os.devnull, os.O_RDONLY) for _ in range(100)])
    return request | {"pid": os.getpid(), "folder": os.getcwd()}  # noqa: PTH109


if __name__ == "__main__":
    serve(behave, Limits())
