"""Daemons that are killed, and disks as a power cut leaves them: the log stays true, or is found out."""

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from broadcaster.model.programme import SAMPLE_RATE
from tests.needs import left_out, need
from tests.sound_server import TOOLS
from tools.kills import Ear, Planned, Row, Sound, Verdict, judge, samples_of, seconds_of
from tools.powercuts import Disk, Op, Trace

ROOT = Path(__file__).parents[1]


def run(module: str, count: int) -> str:
    """What the command says; it ends with exit code 1 if a log is not true."""
    command = [sys.executable, "-m", f"tools.{module}", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.sound
def test_kills_leave_a_true_log() -> None:
    """Killed at 25 random instants, real daemons come back to a log that agrees with what was heard."""
    need(*TOOLS)
    told = run("kills", 25)
    assert "25 kills in" in told
    assert "\n0 violations" in told


def test_power_cuts_leave_a_true_log() -> None:
    """On disks as 8 power cuts may leave them, a daemon comes back to a log that agrees with the sound."""
    need("strace")
    if subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        left_out("ptrace is forbidden")
    told = run("powercuts", 8)
    assert "8 power cuts in" in told
    assert "\n0 violations" in told


# Those who judge


DUE = 1_000_000.0
ONE = Planned("am-02/2026-11-20T12:00:00/loa-1", "loa-1", 2, DUE)  # lasts 6 s
AIRED = Row(ONE.id, "aired", "", 6.0, DUE)
CUT = Row(ONE.id, "cut", "power", 3.0, DUE)
MISSED = Row(ONE.id, "missed", "power", 0.0, None)


def sound(seconds: float = 6.0, late: float = 0.0) -> Sound:
    return Sound("loa-1", 2, DUE + late, seconds)


def lies(sounds: Sequence[Sound], *rows: Row) -> list[str]:
    return [told.split(":")[0] for told in judge([ONE], sounds, rows).false]


@pytest.mark.parametrize(
    ("sounds", "row"),
    [
        ([sound()], AIRED),
        ([sound(late=40.0)], replace(AIRED, started=DUE + 40)),
        ([sound(5.5)], CUT),
        ([], MISSED),
        ([sound(1.0)], MISSED),  # a player holds a second when its feeder dies
    ],
)
def test_a_true_row_is_believed(sounds: list[Sound], row: Row) -> None:
    """What agrees to 5 s is true."""
    assert lies(sounds, row) == []


@pytest.mark.parametrize(
    ("sounds", "rows", "lie"),
    [
        ([sound(), sound(late=20)], [AIRED], "sounded twice"),
        ([sound()], [AIRED, AIRED], "2 ends"),
        ([sound()], [], "0 ends"),
        ([], [], "0 ends"),
        ([sound(4.0)], [AIRED], "not aired"),
        ([], [CUT], "cut without a sound"),
        ([sound(0.5)], [replace(CUT, seconds=6.0)], "seconds off by 5.5"),
        ([sound(3.0)], [MISSED], "it sounded"),
        ([sound(late=-2.0)], [AIRED], "sounded unasked"),
        ([sound(late=-0.7)], [AIRED], "sounded before its time"),
        ([replace(sound(), tone=5)], [MISSED], "sounded unasked"),
        ([replace(sound(), cluster="loa-2")], [MISSED], "sounded unasked"),
        ([sound(late=30.0)], [AIRED], "started at another time"),
        ([], [replace(MISSED, reason="")], "no reason"),
        ([], [replace(MISSED, outcome="failed")], "nothing was to end so"),
        ([], [MISSED, replace(MISSED, occurrence="am-09/x/loa-1")], "unknown to the plan"),
    ],
)
def test_a_lie_is_found(sounds: list[Sound], rows: list[Row], lie: str) -> None:
    """Each way in which a log may be untrue is told by its name."""
    assert lie in lies(sounds, *rows)


def test_the_worst_is_told() -> None:
    """How far `cut` rows were wrong, and how much of what was `missed` sounded."""
    assert judge([ONE], [sound(4.5)], [CUT]).worst == pytest.approx(1.5)
    verdict: Verdict = judge([ONE], [sound(1.2)], [MISSED])
    assert verdict.silent == pytest.approx(1.2)
    assert verdict.outcomes == {"missed power": 1}


def test_an_ear_tells_programmes_apart() -> None:
    """What was heard is known by its tone; one that is begun again counts as two."""
    ear = Ear("loa-1")
    whole, second = samples_of(2), 2 * SAMPLE_RATE
    air = [samples_of(0), bytes(second), whole[: 3 * second], whole[: 2 * second], bytes(second)]
    played = b"".join(air)
    for start in range(0, len(played), 3001 * 2):
        piece = played[start : start + 3001 * 2]
        ear.hear(DUE + (start + len(piece)) / second, piece)
    found = [(one.tone, round(one.begun - DUE, 1), round(one.seconds, 1)) for one in ear.sounds]
    assert found == [(0, 0.0, seconds_of(0)), (2, 4.0, 3.0), (2, 7.0, 2.0)]


def test_an_ear_hears_no_silence() -> None:
    """Neither silence nor noise that nobody would hear is a programme."""
    ear = Ear("loa-1")
    hiss = np.random.default_rng(1).normal(0, 30, SAMPLE_RATE).astype("<i2")
    ear.hear(DUE, bytes(SAMPLE_RATE) + hiss.tobytes())
    assert ear.sounds == []


# Disks


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A disk with one file, of 8 kB."""
    (tmp_path / "mau").mkdir()
    (tmp_path / "mau" / "cu").write_bytes(b"a" * 8192)
    return tmp_path / "mau"


def left(base: Path, *ops: Op) -> list[dict[str, bytes]]:
    """What hundred power cuts after *ops* leave."""
    found = []
    for seed in range(100):
        disk = Disk(base, {"cu": 0})
        for op in ops:
            disk.do(op)
        folder = base.parent / f"{len(ops)}-{seed}"
        disk.cut(random.Random(seed), folder)
        found.append({one.name: one.read_bytes() for one in folder.rglob("*") if one.is_file()})
    return found


WRITTEN = Op(0.0, "write", 0, offset=0, data=b"b" * 8192)
SYNCED = Op(0.0, "sync", 0)
NAMED = Op(0.0, "name", 1, path="moi")
MOVED = Op(0.0, "move", 1, path="cu", old="moi")
FOLDER = Op(0.0, "sync-folder", path=".")


def test_what_was_synced_is_there(base: Path) -> None:
    """No power cut takes away what a sync said was written."""
    assert all(one == {"cu": b"b" * 8192} for one in left(base, WRITTEN, SYNCED))


def test_what_was_not_synced_may_be_torn(base: Path) -> None:
    """Of what was only written there may be all, nothing, or some blocks."""
    found = {one["cu"] for one in left(base, WRITTEN)}
    assert {b"a" * 8192, b"b" * 8192} < found
    assert all(len(one) == 8192 for one in found)


def test_a_file_may_not_have_grown(base: Path) -> None:
    """What was added and not synced may be missing, or be nothing but its length."""
    found = {one["cu"] for one in left(base, replace(WRITTEN, offset=8192, data=b"b" * 512))}
    assert {b"a" * 8192, b"a" * 8192 + b"b" * 512, b"a" * 8192 + bytes(512)} <= found


def test_a_rename_may_be_lost(base: Path) -> None:
    """Until its folder is synced, a file may still have its old name; then it has the new one."""
    ops = [NAMED, replace(WRITTEN, node=1), replace(SYNCED, node=1), MOVED]
    found = [one["cu"] for one in left(base, *ops)]
    assert set(found) == {b"a" * 8192, b"b" * 8192}
    assert all(one == {"cu": b"b" * 8192} for one in left(base, *ops, FOLDER))


def test_a_trace_is_read(base: Path, tmp_path: Path) -> None:
    """What strace tells becomes the changes that were made, also from several threads."""

    def quoted(text: str) -> str:
        return '"' + "".join(f"\\x{one:02x}" for one in text.encode()) + '"'

    moi, cu = quoted(f"{base}/moi"), quoted(f"{base}/cu")
    (tmp_path / "strace").write_text(
        f"7 1.0 openat(AT_FDCWD, {moi}, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0666) = 3\n"
        f"7 1.1 clone3({{flags=CLONE_VM|CLONE_FILES}}, 88) = 8\n"
        f"8 1.2 write(3, {quoted('xin ')}, 4 <unfinished ...>\n"
        f"7 1.3 openat(AT_FDCWD, {quoted('/elsewhere')}, O_WRONLY|O_CREAT, 0666) = 4\n"
        "8 1.4 <... write resumed>) = 4\n"
        f"7 1.5 write(4, {quoted('not ours')}, 8) = 8\n"
        f"8 1.6 write(3, {quoted('chào')}, 5) = 5\n"
        "7 1.7 lseek(3, 1, SEEK_SET) = 1\n"
        f"7 1.8 write(3, {quoted('I')}, 1) = 1\n"
        "8 1.9 fdatasync(3) = 0\n"
        f"8 2.0 rename({moi}, {cu}) = 0\n"
        "7 2.1 close(3) = 0\n"
        f"7 2.2 pwrite64(3, {quoted('nothing')}, 7, 0) = -1 EBADF (Bad file descriptor)\n",
        "latin-1",
    )
    trace = Trace(base)
    trace.read(tmp_path / "strace")
    told = [(op.at, op.verb, op.node, op.offset, op.data.decode()) for op in trace.ops]
    assert told == [
        (1.0, "name", 1, 0, ""),
        (1.4, "write", 1, 0, "xin "),
        (1.6, "write", 1, 4, "chào"),
        (1.8, "write", 1, 1, "I"),
        (1.9, "sync", 1, 0, ""),
        (2.0, "move", 1, 0, ""),
    ]
    disk = Disk(base, trace.base)
    for op in [*trace.ops, FOLDER]:
        disk.do(op)
    disk.cut(random.Random(1), tmp_path / "left")
    assert (tmp_path / "left" / "cu").read_text("utf-8") == "xIn chào"
