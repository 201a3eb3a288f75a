"""A simulated life in short (`make simulate` lives longer), and that what would break it is noticed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.life import Life
from tests.simulation.planted import FOUND_IN, PLANTED

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
from hashlib import sha256
from tests.simulation.life import Life
life = Life("again", 20, trace=True).run()
print(sha256("\\n".join(life.story).encode()).hexdigest())
"""


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_whatever_happens_the_promises_hold(seed: str) -> None:
    """A quarter of a year of faults of all kinds breaks no promise of air time."""
    life = Life(seed, 90).run()
    assert life.judge.violations == []
    assert life.injected.total() > 50
    assert life.judge.outcomes["aired"] + life.judge.outcomes["aired incomplete"] > 50


def test_without_faults_everything_airs() -> None:
    """Where nothing goes wrong, nothing is lost, late or cut."""
    life = Life("calm", 60, faults={}).run()
    assert life.judge.violations == []
    assert {one.partition(" ")[0] for one in life.judge.outcomes} <= {"aired", "displaced"}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(name: str) -> None:
    """A bug of each kind, planted into the daemon, breaks a promise that the simulation watches."""
    seed, faults, kind = FOUND_IN[name]
    with PLANTED[name]():
        life = Life(seed, 40, faults, most=1).run()
    assert any(f" {kind}: " in one for one in life.judge.violations)


def test_a_seed_is_always_the_same_life() -> None:
    """Two processes with other hashes live the same life from the same seed."""
    told = [
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hashes},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hashes in ("1", "2")
    ]
    assert told[0] == told[1] != ""
