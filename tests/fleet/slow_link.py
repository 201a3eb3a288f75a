"""
A slow and lossy line between two network namespaces, packet by packet.

The kernel's netem is not everywhere; this needs root, `ip` and /dev/net/tun. Run as a program it is the
line itself: it reads packets at one end and hands them on at the other, late, one after the other, and
not all of them.
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

import pytest

NEAR, FAR = "10.98.0.1", "10.98.0.2"
CLONE_NEWNET, TUNSETIFF, TUN, NO_INFO = 0x40000000, 0x400454CA, 0x0001, 0x1000
QUEUE = 1.0  # seconds of packets that wait at most, as in a modem


@dataclass(frozen=True)
class Line:
    """Two ends; a command runs at one with `at` before it."""

    near: str
    far: str
    emulator: subprocess.Popen[bytes]

    def at_near(self) -> list[str]:
        return ["ip", "netns", "exec", self.near]

    def at_far(self) -> list[str]:
        return ["ip", "netns", "exec", self.far]


_numbers = count()


@contextmanager
def slow_link(rate: float = 1e6, delay: float = 0.15, loss: float = 0.02) -> Iterator[Line]:
    """
    *rate* in bits a second, *delay* in seconds one way, *loss* as a share. Leaves the test out where it
    cannot be.
    """
    if os.geteuid() or not shutil.which("ip") or not os.path.exists("/dev/net/tun"):  # noqa: PTH110
        pytest.skip("network namespaces need root, ip and /dev/net/tun")
    name = f"b{os.getpid()}x{next(_numbers)}"
    near, far = f"{name}n", f"{name}f"
    try:
        for one in (near, far):
            if subprocess.run(["ip", "netns", "add", one], capture_output=True, check=False).returncode:
                pytest.skip("this machine allows no network namespaces")
        command = [sys.executable, "-m", "tests.fleet.slow_link", near, far, str(rate), str(delay), str(loss)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as emulator:
            assert emulator.stdout
            assert emulator.stdout.readline() == b"ready\n"
            for one, own, other in ((near, NEAR, FAR), (far, FAR, NEAR)):
                for words in (
                    "link set lo up",
                    f"addr add {own} peer {other} dev tun0",
                    "link set tun0 mtu 1400 up",
                ):
                    subprocess.run(["ip", "-n", one, *words.split()], check=True)
            try:
                yield Line(near, far, emulator)
            finally:
                emulator.kill()
    finally:
        for one in (near, far):
            subprocess.run(["ip", "netns", "del", one], capture_output=True, check=False)


def _end_in(namespace: str) -> int:
    """A device in *namespace* whose packets are read and written here."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open(f"/var/run/netns/{namespace}") as place:  # noqa: PTH123
        if libc.setns(place.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", b"tun0", TUN | NO_INFO))
    return end


def carry(near: str, far: str, rate: float, delay: float, loss: float) -> None:
    """Be the line, until killed."""
    ends = [_end_in(near), _end_in(far)]
    print("ready", flush=True)  # noqa: T201 - for who waits for it
    chance, free = random.Random(1), [0.0, 0.0]  # when the line may send on, each way
    waiting: list[tuple[float, int, int, bytes]] = []
    numbers = count()
    while True:
        now = time.monotonic()
        patience = max(0.0, waiting[0][0] - now) if waiting else None
        for end in select.select(ends, [], [], patience)[0]:
            way = ends.index(end)
            packet = os.read(end, 2000)
            now = time.monotonic()
            if chance.random() < loss or free[way] - now > QUEUE:
                continue
            free[way] = max(free[way], now) + len(packet) * 8 / rate
            heapq.heappush(waiting, (free[way] + delay, next(numbers), ends[1 - way], packet))
        while waiting and waiting[0][0] <= time.monotonic():
            _, _, to, packet = heapq.heappop(waiting)
            os.write(to, packet)


if __name__ == "__main__":
    carry(sys.argv[1], sys.argv[2], *map(float, sys.argv[3:6]))
