"""Real processes that a test starts, watches and kills."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


def typed(station: Path, *arguments: str, lang: str) -> list[str]:
    """The command line by which somebody has a *station* do something."""
    program = [sys.executable, "-m", "broadcaster"]
    return [*program, "--lang", lang, "--station", str(station), *arguments]


@contextmanager
def child(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A Python process that runs *script*, with a pipe on both sides; at the end it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told(script: str, *arguments: object) -> list[str]:
    """The lines that *script* prints in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return run.stdout.splitlines()
