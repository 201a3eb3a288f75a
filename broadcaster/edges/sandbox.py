"""
A child process for what may hang, swell or crash: asked line by line, limited, and replaced when it falls.

`Sandbox` is the side that asks, `serve` the side that answers. Neither knows what is asked.
"""

import gc
import json
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread, Timer
from typing import Any, Self

from broadcaster.model.errors import BroadcasterError, Fault, Text, say

START = 30.0  # seconds more for the first question: a slow machine imports the libraries meanwhile
LONGEST = 1_000_000  # bytes of an answer
ROOT = Path(__file__).parents[2]  # where the child stands: a file in the user's folder is no module of ours


class SandboxError(BroadcasterError):
    """The child could not answer. Its one fault names no place: the asker knows what it asked about."""

    def __init__(self, what: Text) -> None:
        following = say("The file is damaged, or no recording. Record it again, or choose another file.")
        super().__init__(Fault("", what, following))


@dataclass(frozen=True)
class Limits:
    """What the child may take, beside the seconds that each question gives it."""

    memory: int = 512 << 20  # bytes more than it has when it begins to serve
    file: int = 1 << 30  # bytes of a file that it writes
    files: int = 64  # open at the same time


class Sandbox:
    """
    Asks `python -m module`, started when it is first needed and anew after it fell.

    Threads may share one: they are answered in turn. The child stands in a folder of its own, so paths
    in questions are absolute.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._lock = Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._end()

    def ask(self, request: Mapping[str, Any], seconds: float) -> Mapping[str, Any]:
        """What the child answers within *seconds*; raises SandboxError."""
        line = json.dumps({**request, "seconds": seconds})
        with self._lock:
            if self._child and self._child.poll() is not None:
                self._end()
            fresh = self._child is None
            try:
                answer = self._asked(line, seconds)
            except SandboxError as error:
                if fresh or error.faults[0].what is _TOO_LONG:
                    raise
                answer = self._asked(line, seconds)  # what was asked before may have swollen or spoiled it
        if "error" in answer:
            raise SandboxError(say("The decoder fails on it: {error}.", error=answer["error"]))
        return answer

    def _asked(self, line: str, seconds: float) -> dict[str, Any]:
        """The answer of the child, or of a new one; it does not outlive a question that it did not answer."""
        if self._child is None:
            self._child = self._started()
            seconds += START
        try:
            return self._answer(self._child, line, seconds)
        except BaseException:  # also an interrupt: what it would still say answers no later question
            self._end()
            raise

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", self._module],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; we end the child
        )

    def _answer(self, child: subprocess.Popen[bytes], line: str, patience: float) -> dict[str, Any]:
        late = Event()

        def give_up() -> None:
            late.set()
            child.kill()

        timer = Timer(patience, give_up)
        timer.start()
        try:
            with suppress(BrokenPipeError):
                child.stdin.write(line.encode() + b"\n")  # type: ignore[union-attr]
                child.stdin.flush()  # type: ignore[union-attr]
            told = child.stdout.readline(LONGEST)  # type: ignore[union-attr]
        finally:
            timer.cancel()
            timer.join()
        if late.is_set():
            raise SandboxError(_TOO_LONG)
        with suppress(ValueError, RecursionError):
            answer = json.loads(told)
            if answer == _NO_MEMORY:
                raise SandboxError(_TOO_LARGE)
            if isinstance(answer, dict):
                return answer
        raise SandboxError(_CRASHED if told else _why(child))

    def _end(self) -> None:
        if self._child:
            self._child.kill()
            for pipe in (self._child.stdin, self._child.stdout):
                with suppress(OSError):  # what was not written any more
                    pipe.close()  # type: ignore[union-attr]
            self._child.wait()
            self._child = None


_TOO_LONG = say("It takes too long to read.")
_TOO_LARGE = say("It needs too much memory to read.")
_CRASHED = say("It crashes the decoder.")
_NO_MEMORY = {"error": "MemoryError"}


def _why(child: subprocess.Popen[bytes]) -> Text:
    """Why *child* fell silent."""
    try:
        ended = -child.wait(0.5)
    except subprocess.TimeoutExpired:
        ended = 0
    if ended == signal.SIGXCPU:
        return _TOO_LONG
    if ended == signal.SIGKILL:  # not by us: the system was out of memory
        return _TOO_LARGE
    return _CRASHED


def serve(answer: Callable[[dict[str, Any]], dict[str, Any]], limits: Limits) -> None:
    """
    Answer the questions that come in on stdin, one JSON object a line, until it ends; the child's main loop.

    Import what needs memory before. What *answer* raises becomes an answer: {"error": …}.
    """
    Thread(target=end_with_parent, daemon=True).start()
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a library that prints must not answer for us
        _limit(resource.RLIMIT_AS, _memory() + limits.memory)
        _limit(resource.RLIMIT_FSIZE, limits.file)
        _limit(resource.RLIMIT_NOFILE, limits.files)
        _limit(resource.RLIMIT_CORE, 0)
        gc.freeze()
        for line in sys.stdin.buffer:
            try:
                request = json.loads(line)
                if (seconds := request.pop("seconds", None)) is not None:
                    _limit_time(seconds)
                told = json.dumps(answer(request))
            except MemoryError:
                told = json.dumps(_NO_MEMORY)
            except Exception as error:  # noqa: BLE001 - whatever it is, the asker is to hear of it
                told = json.dumps({"error": f"{type(error).__name__}: {error}"[:500]})
            out.write(told.encode() + b"\n")
            out.flush()
            gc.collect()  # cycles hold threads and memory of C libraries, of which Python counts nothing


def end_with_parent() -> None:
    """Nobody waits for an answer any more. (PR_SET_PDEATHSIG would come when the asking *thread* ends.)"""
    with suppress(OSError):  # an old kernel: then the end of stdin and the limit of time must do
        watch = select.poll()
        watch.register(os.pidfd_open(os.getppid()), select.POLLIN)
        watch.poll()
        os._exit(1)


def _memory() -> int:
    """Bytes of address space that this process has."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    return pages * resource.getpagesize()


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def _limit_time(seconds: float) -> None:
    """From now on *seconds* of processor time; more than that kills, in C code too."""
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, hard))
