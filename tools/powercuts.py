"""
Cut the power at random instants: rebuild what the disk may hold then, start the daemon on it, judge its log.

    python -m tools.powercuts [N] [--seed S]

The daemon runs under strace, dies and runs again, and every change to the disk is recorded. For each of N
instants a disk is made out of the record: what was synced is there; of what was written since, each block may
be there or not; new names and renames may be there or not until their folder was synced. On that disk the
daemon is started, 150 s later, and its play log is held against what had sounded up to the instant.
"""

import argparse
import multiprocessing
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from threading import Event, Thread
from typing import Any

from broadcaster.edges.store import database
from tools import kills
from tools.kills import Ear, Sound, Station

CALLS = (
    "open,openat,creat,close,dup,dup2,dup3,fcntl,lseek,write,pwrite64,writev,pwritev,pwritev2,ftruncate,truncate,"
    "fallocate,fsync,fdatasync,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,"
    "sendfile,copy_file_range,clone,clone3,fork,vfork"
)
STRACE = ("strace", "-f", "--seccomp-bpf", "-ttt", "-xx", "-s", "4000000", "-e", f"trace={CALLS}")
CLUSTERS = ("loa-1", "loa-2")
LIVES = (13.0, 9.0, 4.0)  # seconds; the first ends by SIGKILL, the others by SIGTERM
WORKERS = 8  # each waits most of the time
PATIENCE = 60.0  # seconds until a start on a rebuilt disk is given up


# What was done to the disk


@dataclass(frozen=True)
class Op:
    """One change. `node` is a file, whatever its name is; `path` and `old` are names below the station."""

    at: float  # by the wall
    verb: str  # write size sync name drop move sync-folder
    node: int = -1
    path: str = ""
    old: str = ""
    offset: int = 0
    data: bytes = b""


class Trace:
    """What strace saw, as changes to the files of one station."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.names = {  # as they are after all that was read so far
            path.relative_to(folder).as_posix(): number
            for number, path in enumerate(sorted(one for one in folder.rglob("*") if one.is_file()))
        }
        self.base = dict(self.names)
        self.ops: list[Op] = []
        self._sizes = {number: (folder / name).stat().st_size for name, number in self.names.items()}
        self._next = len(self.names)
        self._parents: dict[str, str] = {}  # thread -> the process whose files it shares
        self._open: dict[tuple[str, int], _Opened] = {}
        self._at = 0.0

    def read(self, path: Path) -> None:
        """One run of strace. Raises ValueError for what it does not know."""
        self._parents, self._open = {}, {}
        started: dict[str, str] = {}
        calls: list[tuple[str, float, str, str, int]] = []
        for line in path.read_text("latin-1").splitlines():
            pid, when, text = line.split(maxsplit=2)
            if text.endswith("<unfinished ...>"):
                started[pid] = text.removesuffix("<unfinished ...>")
                continue
            if text.startswith("<... "):
                text = started.pop(pid) + text.partition(" resumed>")[2]
            if call := re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", text):
                calls.append((pid, float(when), call[1], call[2], int(call[3])))
        for pid, _, name, arguments, result in calls:  # first: a thread may be seen before its clone returned
            if name.startswith(("clone", "fork", "vfork")) and result > 0 and "CLONE_FILES" in arguments:
                self._parents[str(result)] = pid
        for pid, at, name, arguments, result in calls:
            if result >= 0:
                self._at = at
                self._call(self._process(pid), name, arguments, result)

    def _process(self, pid: str) -> str:
        while pid in self._parents:
            pid = self._parents[pid]
        return pid

    def _call(self, process: str, name: str, arguments: str, result: int) -> None:
        strings = [
            bytes.fromhex(one.replace("\\x", "")) for one in re.findall(r'"((?:\\x[0-9a-f]{2})*)"', arguments)
        ]
        first = re.match(r"(\d+)", arguments)
        number = int(first[1]) if first else -1
        opened = self._open.get((process, number))
        last = arguments.rsplit(", ", 1)[-1]
        match name:
            case "open" | "openat" | "creat":
                self._opens(process, self._below(opened, strings[0]), arguments, result)
            case "close":
                self._open.pop((process, number), None)
            case "dup" | "dup2" | "dup3":
                self._copy(process, opened, result)
            case "fcntl" if "F_DUPFD" in arguments:
                self._copy(process, opened, result)
            case "rename" | "renameat" | "renameat2":
                self._moves(*(self._below(None, one) for one in strings[:2]))
            case "unlink" | "unlinkat" | "rmdir":
                self._drops(self._below(opened, strings[0]))
            case "link" | "linkat":
                raise ValueError(f"not foreseen: {name}({arguments[:200]})")
            case "truncate" if self._below(None, strings[0]):
                raise ValueError(f"not foreseen: {name}({arguments[:200]})")
            case _ if opened is not None:
                self._uses(opened, name, strings, last, result, arguments)

    def _below(self, opened: "_Opened | None", name: bytes) -> str | None:
        """Its name below the station, if it is there."""
        text = name.decode()
        if opened is not None and opened.folder is not None and not text.startswith("/"):
            text = f"{self.folder}/{opened.folder}/{text}"
        text = os.path.normpath(text)
        if text == self.folder:
            return "."
        return text[len(self.folder) + 1 :] if text.startswith(self.folder + "/") else None

    def _opens(self, process: str, path: str | None, arguments: str, result: int) -> None:
        self._open.pop((process, result), None)
        if path is None:
            return
        node = self.names.get(path)
        if "O_TMPFILE" in arguments:
            self._next, node = self._next + 1, self._next
            self._sizes[node] = 0
        elif node is None and "O_CREAT" not in arguments:
            self._open[process, result] = _Opened(folder=path)
            return
        if node is None:
            self._next, node = self._next + 1, self._next
            self.names[path], self._sizes[node] = node, 0
            self._did("name", node, path=path)
        elif "O_TRUNC" in arguments and self._sizes[node]:
            self._size(node, 0)
        self._open[process, result] = _Opened(node=node, appends="O_APPEND" in arguments)

    def _copy(self, process: str, opened: "_Opened | None", result: int) -> None:
        self._open.pop((process, result), None)
        if opened is not None:
            self._open[process, result] = opened

    def _moves(self, old: str | None, new: str | None) -> None:
        if old in self.names and new is not None:
            node = self.names[new] = self.names.pop(old)
            self._did("move", node, path=new, old=old)

    def _drops(self, path: str | None) -> None:
        if path in self.names:
            self._did("drop", self.names.pop(path), path=path)

    def _uses(
        self, opened: "_Opened", name: str, strings: Sequence[bytes], last: str, result: int, arguments: str
    ) -> None:
        if opened.folder is not None:
            if name in ("fsync", "fdatasync"):
                self._did("sync-folder", path=opened.folder)
            return
        node = opened.node
        match name:
            case "lseek":
                opened.position = result
            case "write" | "writev":
                at = self._sizes[node] if opened.appends else opened.position
                opened.position = at + result
                self._write(node, at, b"".join(strings)[:result])
            case "pwrite64":
                self._write(node, int(last), strings[0][:result])
            case "ftruncate":
                self._size(node, int(last))
            case "fsync" | "fdatasync":
                self._did("sync", node)
            case "fcntl":
                pass
            case _:
                raise ValueError(f"not foreseen: {name}({arguments[:200]})")

    def _write(self, node: int, offset: int, data: bytes) -> None:
        self._sizes[node] = max(self._sizes[node], offset + len(data))
        self._did("write", node, offset=offset, data=data)

    def _size(self, node: int, size: int) -> None:
        self._sizes[node] = size
        self._did("size", node, offset=size)

    def _did(self, verb: str, node: int = -1, **given: Any) -> None:
        self.ops.append(Op(self._at, verb, node, **given))


@dataclass
class _Opened:
    """An open file, or folder."""

    node: int = -1
    folder: str | None = None
    appends: bool = False
    position: int = 0


# What a power cut leaves


@dataclass
class _File:
    """What is on the disk for sure, and what was asked of it since."""

    data: bytearray
    since: list[Op] = field(default_factory=list)


class Disk:
    """The disk as it is for sure after some of the changes, and what may or may not be on it."""

    def __init__(self, base: Path, names: Mapping[str, int]) -> None:
        self.base, self.names = base, dict(names)
        self._paths = {number: name for name, number in names.items()}
        self._files: dict[int, _File] = {}
        self._renaming: list[Op] = []

    def do(self, op: Op) -> None:
        match op.verb:
            case "write" | "size":
                self._file(op.node).since.append(op)
            case "sync":
                file = self._file(op.node)
                for one in file.since:
                    _apply(file.data, one)
                file.since.clear()
            case "sync-folder":
                for one in self._renaming:
                    if _parent(one) == op.path:
                        _rename(self.names, one)
                self._renaming = [one for one in self._renaming if _parent(one) != op.path]
            case _:
                self._renaming.append(op)

    def cut(self, rng: random.Random, folder: Path) -> None:
        """Write to *folder* what may be left."""
        names = dict(self.names)
        likely, in_order = rng.choice([0.0, 0.5, rng.random(), 1.0]), rng.random() < 0.5
        waiting = self._renaming[: rng.randint(0, len(self._renaming))] if in_order else self._renaming
        for op in waiting:
            if in_order or rng.random() < likely:
                _rename(names, op)
        size = rng.choice([512, 4096])
        for name, node in names.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if node in self._files or node not in self._paths:
                path.write_bytes(self._left(rng, self._file(node), size))
            elif path.suffix == ".wav":
                os.link(self.base / self._paths[node], path)
            else:
                shutil.copyfile(self.base / self._paths[node], path)

    @staticmethod
    def _left(rng: random.Random, file: _File, size: int) -> bytes:
        """What is left of one file: of its blocks of *size* any may have been written, or none, or all."""
        likely, data = rng.choice([0.0, 1.0, rng.random()]), bytearray(file.data)
        for op in file.since:
            if op.verb == "size":
                if rng.random() < likely:
                    _apply(data, op)
                continue
            start = op.offset
            while start < op.offset + len(op.data):
                end = min((start // size + 1) * size, op.offset + len(op.data))
                if rng.random() < likely:
                    part = op.data[start - op.offset : end - op.offset]
                    _apply(data, replace(op, offset=start, data=part))
                elif rng.random() < 0.3:  # its length is known, its content not
                    data.extend(bytes(max(0, end - len(data))))
                start = end
        return bytes(data)

    def _file(self, node: int) -> _File:
        if node not in self._files:
            known = self._paths.get(node)
            self._files[node] = _File(bytearray((self.base / known).read_bytes() if known else b""))
        return self._files[node]


def _apply(data: bytearray, op: Op) -> None:
    if op.verb == "size":
        del data[op.offset :]
        data.extend(bytes(op.offset - len(data)))
    else:
        data.extend(bytes(max(0, op.offset - len(data))))
        data[op.offset : op.offset + len(op.data)] = op.data


def _rename(names: dict[str, int], op: Op) -> None:
    for name in (op.path, op.old):
        names.pop(name, None)
    if op.verb != "drop":
        names[op.path] = op.node


def _parent(op: Op) -> str:
    return str(Path(op.path).parent)


# The run that is recorded


@dataclass
class Recorded:
    """A station's life, as the disk and the loudspeakers saw it."""

    station: Station
    base: Path
    trace: Trace
    told: list[tuple[float, Mapping[str, Any]]]  # when a reader first saw each row of the log


def record(folder: Path) -> Recorded:
    """Let a station live, die and live again under strace."""
    base, zone = kills.build(folder / "mau")
    live = shutil.copytree(base, folder / "dai")
    station = Station(live, zone, CLUSTERS, {})
    kills.write_settings(station, ["file:phat"] * len(CLUSTERS))
    first = int(time.time()) + 4
    times = {tone: [first + tone * kills.SLOT] for tone in kills.USUAL}
    spare = [first + 100.0]
    for tone, when in times.items():
        station.schedule(tone, when)
    kills.vouch(station)
    shutil.rmtree(base)
    shutil.copytree(live, base)
    told: list[tuple[float, Mapping[str, Any]]] = []
    trace, over = Trace(base), Event()
    trace.folder = str(live)
    reader = Thread(target=_read_along, args=[station, told, over])
    reader.start()
    try:
        for number, seconds in enumerate(LIVES):
            _live(station, folder / f"strace-{number}", seconds, number, spare)
    finally:
        over.set()
        reader.join()
    for number in range(len(LIVES)):
        trace.read(folder / f"strace-{number}")
    shutil.copytree(
        live / "schedules", base / "schedules", dirs_exist_ok=True
    )  # all that is ever written there
    for path in (base / "schedules").iterdir():
        trace.base.setdefault(path.relative_to(base).as_posix(), 10**9 + len(trace.base))
    return Recorded(station, base, trace, told)


def _live(station: Station, output: Path, seconds: float, number: int, spare: Sequence[float]) -> None:
    command = [
        sys.executable,
        "-c",
        kills.RUN,
        "--lang",
        "en",
        "--station",
        str(station.folder),
        "run",
        "--listen",
        "off",
    ]
    with (station.folder.parent / "daemon.log").open("ab") as log:
        traced = subprocess.Popen(
            [*STRACE, "-o", str(output), *command], cwd=kills.ROOT, env=os.environ, stdout=log, stderr=log
        )
    time.sleep(seconds / 2)
    if number == 0:  # something to assemble
        station.schedule(kills.SPARE[0], spare)
    time.sleep(seconds / 2)
    if traced.poll() is not None:
        raise SystemExit((station.folder.parent / "daemon.log").read_text("utf-8")[-3000:])
    pid = int(output.open().readline().split()[0])
    os.kill(pid, signal.SIGKILL if number == 0 else signal.SIGTERM)
    traced.wait(30)


def _read_along(station: Station, told: list[tuple[float, Mapping[str, Any]]], over: Event) -> None:
    seen: set[int] = set()
    while not over.wait(0.02):
        rows = [*station.rows("start"), *station.rows("end")]
        now = time.time()
        told += [(now, row) for row in rows if row["seq"] not in seen]
        seen |= {row["seq"] for row in rows}


class Ears:
    """What has been played up to a change to the disk."""

    def __init__(self) -> None:
        self._ears: dict[int, Ear] = {}

    def hear(self, op: Op) -> None:
        if op.verb == "name" and op.path.startswith("phat/"):
            self._ears[op.node] = Ear(next(one for one in CLUSTERS if f"-{one}" in op.path))
        elif op.node in self._ears and op.verb == "write" and len(op.data) > 100:  # no header
            self._ears[op.node].hear(op.at, op.data)

    @property
    def sounds(self) -> list[Sound]:
        return [sound for ear in self._ears.values() for sound in ear.sounds]


# The starts afterwards


@dataclass
class Found:
    """What came of one instant."""

    instant: int
    false: list[str]
    outcomes: Counter[str]
    worst: float
    silent: float


def _start(station: Station, instant: float) -> int:
    """The daemon in a process of its own, which is warm already; its clock is well after the *instant*."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        log = os.open(station.folder / "daemon.log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        for handle in (1, 2):
            os.dup2(log, handle)
        from broadcaster.cli import air, main
        from broadcaster.edges.clock import SystemClock

        air._prepare = lambda *_: None  # noqa: SLF001 - it takes longest

        real, later = SystemClock.now, timedelta(seconds=instant + kills.OFF - time.time())
        SystemClock.now = lambda self: real(self) + later  # type: ignore[method-assign]
        sys.argv = ["broadcaster", "--lang", "en", "--station", str(station.folder), "run", "--listen", "off"]
        main()
    except BaseException as error:  # noqa: BLE001 - nothing of this process may go on
        print(f"ended: {error!r}", file=sys.stderr, flush=True)
    finally:
        os._exit(9)


def restart(
    recorded: Recorded, disk: Disk, sounds: Sequence[Sound], end: int, rng: random.Random, folder: Path
) -> Found:
    """Cut the power after the first *end* changes, start again, and judge."""
    at = recorded.trace.ops[end - 1].at
    disk.cut(rng, folder)
    station = replace(recorded.station, folder=folder)
    over = [one for one in recorded.station.planned if one.nominal < at + kills.OFF - kills.GRACE - 15]
    ids = {one.id for one in over}
    pid, until, gone = _start(station, at), time.monotonic() + PATIENCE, 0
    while time.monotonic() < until and not gone:
        if ids <= {row["occurrence"] for row in station.rows("end")}:
            break
        time.sleep(0.05)
        gone, _ = os.waitpid(pid, os.WNOHANG)
    if not gone:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    rows = station.rows("end")
    verdict = kills.judge(over, sounds, [kills.row_of(one) for one in rows if one["occurrence"] in ids])
    false = verdict.false
    if gone:
        false.append("the daemon ended: " + (folder / "daemon.log").read_text("utf-8")[-1500:])
    kept = {(row["occurrence"], row["event"]): row for row in [*rows, *station.rows("start")]}
    for seen, row in recorded.told:
        if seen < at and kept.get((row["occurrence"], row["event"])) != row:
            false.append(f"a row was there {at - seen:.2f} s before and is lost or changed: {row}")
    with closing(sqlite3.connect(database(folder / "var"))) as db:
        if (checked := db.execute("pragma integrity_check").fetchone()[0]) != "ok":
            false.append(f"the database is damaged: {checked}")
    false += _torn(recorded, folder)
    log = (folder / "daemon.log").read_text("utf-8")
    if "Traceback" in log:
        false.append(f"traceback: {log[-1500:]}")
    return Found(
        end, [f"instant {end}: {one}" for one in false], verdict.outcomes, verdict.worst, verdict.silent
    )


def _torn(recorded: Recorded, folder: Path) -> Iterator[str]:
    """Finished sound that is not what was made."""
    for path in (folder / "var" / "pieces").glob("*.wav"):
        if path.read_bytes() != (recorded.station.folder / "var" / "pieces" / path.name).read_bytes():
            yield f"a finished piece is torn: {path.name}"


RECORDED: list[Recorded] = []  # what the workers inherit


def _work(asked: tuple[Sequence[int], int, Path]) -> list[Found]:
    instants, seed, folder = asked
    (recorded,) = RECORDED
    for warm in ("assembly", "cli", "daemon", "edges.sink"):
        import_module(f"broadcaster.{warm}")

    # A copy for each worker: a link more is a change to a file, which a daemon beside this one would follow.
    base = shutil.copytree(recorded.base, folder / "mau")
    disk, ears, done, found = Disk(base, recorded.trace.base), Ears(), 0, []
    for end in instants:
        for op in recorded.trace.ops[done:end]:
            disk.do(op)
            ears.hear(op)
        done = end
        rng = random.Random(f"{seed}/{end}")  # noqa: S311 - nothing secret
        place = folder / f"disk-{end}"
        found.append(restart(recorded, disk, ears.sounds, end, rng, place))
        if found[-1].false:
            print("\n".join(f"FALSE {one}" for one in found[-1].false), flush=True)
        else:
            shutil.rmtree(place, ignore_errors=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cuts", nargs="?", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--keep", action="store_true", help="the disks on which the log was not true")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if asked.seed is None else asked.seed
    rng = random.Random(seed)  # noqa: S311 - nothing secret
    print(f"seed {seed}", flush=True)
    begun = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="powercuts-", dir=kills.somewhere()))
    try:
        recorded = record(folder)
        taken, ops = time.monotonic() - begun, recorded.trace.ops
        verbs = Counter(op.verb for op in ops)
        print(f"{len(ops)} changes: " + ", ".join(f"{verb} {count}" for verb, count in verbs.most_common()))
        RECORDED.append(recorded)
        # Half of them where the memory is written, which is little of all.
        memory = {node for name, node in recorded.trace.base.items() if "broadcaster.db" in name}
        memory |= {op.node for op in ops if "broadcaster.db" in op.path}
        close = [place for place, op in enumerate(ops, 1) if op.node in memory]
        cuts = sorted(
            rng.choice(close) if rng.random() < 0.5 else rng.randint(1, len(ops)) for _ in range(asked.cuts)
        )
        chunks = [(cuts[one::WORKERS], seed, folder / f"{one}") for one in range(WORKERS)]
        with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
            found = [one for some in pool.map(_work, chunks, chunksize=1) for one in some]
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)
    outcomes = sum((one.outcomes for one in found), Counter[str]())
    false = [told for one in found for told in one.false]
    print(
        f"{len(found)} power cuts in {time.monotonic() - begun:.0f} s, of which the record took {taken:.0f} s"
    )
    print("logged: " + ", ".join(f"{name} {count}" for name, count in outcomes.most_common()))
    worst, silent = max(one.worst for one in found), max(one.silent for one in found)
    print(f"cut rows: wrong by {worst:.2f} s at most; missed rows: {silent:.2f} s sounded at most")
    print(f"{len(false)} violations" + (f"; to repeat: --seed {seed}" if false else ""))
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
