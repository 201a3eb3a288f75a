"""Programmes to be heard before they air, recordings that come in, reports: all made by the commands."""

import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from json import dumps, loads
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from threading import Lock
from typing import BinaryIO

from broadcaster import intake
from broadcaster.cli.language import code
from broadcaster.edges.sandbox import Sandbox
from broadcaster.edges.sink import peaks
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.plan import recipe_at
from broadcaster.model.script import Item, Script
from broadcaster.model.station import Cluster

BARS = 240  # of a waveform
KEPT = 120  # files; the oldest go, and are made again when they are asked for
WAITING = 30.0  # seconds for what is being made for somebody else
PATIENCE = 120.0  # seconds that a command may take
_lock = Lock()


@dataclass(frozen=True)
class Made:
    file: Path
    bars: Sequence[int]  # 0 to 100


def made(root: Path, content: Content, script: str, cluster: Cluster, tag: str, day: date) -> Made:
    """The sound of a script as *cluster* will hear it. Raises BroadcasterError."""
    file = _file(root, content, script, cluster, tag, day)
    with _one_at_a_time():
        if (there := _kept(file)) is not None:
            return there
        place = ["--language", tag, "--area", cluster.area, "--profile", cluster.profile]
        with TemporaryDirectory(dir=file.parent) as aside:
            wav, mp3 = Path(aside) / "sound.wav", Path(aside) / "sound.mp3"
            for to in (wav, mp3):
                _command(root, "script", "render", script, *place, "-o", str(to))
            with wave.open(str(wav)) as reader:
                bars = peaks(reader.readframes(reader.getnframes()), BARS)
            mp3.replace(file)
            file.with_suffix(".json").write_text(dumps(bars), "ascii")
        _tidy(file.parent)
    return Made(file, bars)


def known(root: Path, content: Content, script: str, cluster: Cluster, tag: str, day: date) -> Made | None:
    """What `made` made already."""
    return _kept(_file(root, content, script, cluster, tag, day))


def _file(root: Path, content: Content, script: str, cluster: Cluster, tag: str, day: date) -> Path:
    """Where it is kept; its name is all that it is made of."""
    recipe = recipe_at(content.on_trial(), script, tag, cluster.area, day, cluster.profile)
    return _folder(root) / f"{sha256(repr(recipe).encode()).hexdigest()[:32]}.mp3"


def _folder(root: Path) -> Path:
    """Where what the page makes is kept."""
    folder = root / "var" / "page"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _kept(file: Path) -> Made | None:
    try:
        bars = loads(file.with_suffix(".json").read_text("ascii"))
        return Made(file, bars) if file.is_file() else None
    except (OSError, ValueError):
        return None


def _tidy(folder: Path) -> None:
    files = sorted(filter(Path.is_file, folder.iterdir()), key=lambda one: one.stat().st_mtime)
    for old in files[:-KEPT]:
        old.unlink(missing_ok=True)


def reported(root: Path, first: date, last: date, form: str) -> Path:
    """The report of these days, always anew; in a file of its own, since others are fetched meanwhile."""
    to = _folder(root) / f"report-{first}-{last}.{form}"
    with _one_at_a_time():
        _command(root, "report", "--from", str(first), "--until", str(last), f"--{form}", str(to))
        _tidy(to.parent)
    return to


def taken(
    root: Path, script: Script, item: Item, tag: str, sent: BinaryIO, name: str, *, replacing: bool
) -> intake.Checked:
    """Judge what was *sent*, and make it the recording of an item if it is fit."""
    shown = "".join(letter for letter in PurePosixPath(name).name if letter.isprintable())[:80] or "?"
    with TemporaryDirectory(dir=_folder(root)) as aside, Sandbox("broadcaster.clip") as sandbox:
        path = Path(aside) / "sent"
        with path.open("wb") as file:
            shutil.copyfileobj(sent, file)
        source = intake.Source(shown, path, PurePosixPath(shown))
        target = intake.Target(script.id, tag, item.id)
        expected = item.seconds if item.text else None
        return intake.take(root, source, target, sandbox, expected=expected, replacing=replacing)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """The daemon comes first; who waits for long keeps others from being answered. May raise an error."""
    if not _lock.acquire(timeout=WAITING):
        raise BroadcasterError(
            Fault("", say("Something else is being made now."), say("Try once more in a minute."))
        )
    try:
        yield
    finally:
        _lock.release()


def _command(root: Path, *arguments: str) -> None:
    """Run a command of ours in a process of its own. Raises BroadcasterError with what it said."""
    command = [sys.executable, "-m", "broadcaster", "--station", str(root), "--lang", code(), *arguments]
    try:
        done = subprocess.run(
            ["nice", "-n", "10", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BroadcasterError(
            Fault("", say("This took too long."), say("Try once more when nothing is on air."))
        ) from error
    if done.returncode:
        what = say("It could not be made: {words}", words=done.stderr.strip()[:500])
        raise BroadcasterError(Fault("", what, say("See what is missing, below.")))
