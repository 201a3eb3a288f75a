"""What a simulated machine is made of beside time: disk, sound cards, and a record of what sounded."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Event
from typing import Any

from broadcaster.edges.sink import BYTE_RATE, PATIENCE, Played, Source
from broadcaster.edges.store import Store
from broadcaster.model.errors import Fault, say
from broadcaster.model.programme import Programme, Recipe

from .kernel import SECOND, Either, Kernel, SimClock

STEP = 8.0  # seconds between looks at what sounds, where nothing happens


@cache
def sound(length: int) -> bytes:
    """So many bytes of sound; always the same object, so that a year of it weighs nothing."""
    return b"\x21" * length


@dataclass
class Segment:
    """A stretch of sound, under one state of the clock."""

    start: int  # true time
    end: int
    offset: int  # of the wall clock


@dataclass
class Play:
    """One play of one source on one cluster."""

    cluster: str
    occurrence: str
    skipped: float  # seconds of it that were left out
    asked: int  # true time
    segments: list[Segment] = field(default_factory=list)
    since: int | None = None  # it sounds
    over: bool = False

    @property
    def seconds(self) -> float:
        return sum(one.end - one.start for one in self.segments) / SECOND

    @property
    def start(self) -> int:
        return self.segments[0].start

    @property
    def end(self) -> int:
        return self.segments[-1].end


class Card:
    """A sound card: `ok`, `absent`, `dead` (refuses) or `frozen` (takes nothing, and says nothing)."""

    def __init__(self) -> None:
        self.state = "ok"
        self.changed = Event()

    def become(self, state: str) -> None:
        self.state = state
        self.changed.set()
        self.changed = Event()


class Files:
    """The finished sounds: how long each is, and which are gone or spoilt."""

    def __init__(self) -> None:
        self.lengths: dict[Path, float] = {}
        self.spoilt: set[Path] = set()

    def make(self, name: str, seconds: float) -> Path:
        path = Path("/sounds") / name
        self.lengths[path] = seconds
        return path


class SimReel:
    """As the sink's Reel: sounds one after another, of which all that counts is how long they are."""

    files: Files  # of the machine that runs

    def __init__(self, sounds: Sequence[Path], skip: float = 0.0) -> None:
        self.sounds, self.skip = tuple(sounds), skip
        self.fault: Fault | None = None
        self._left = [round(self.files.lengths[one] * BYTE_RATE) for one in self.sounds]
        passed = round(skip * BYTE_RATE)
        self._at = 0
        while self._left and passed:
            first = min(passed, self._left[0])
            passed -= first
            self._left[0] -= first
            if not self._left[0]:
                self._left.pop(0)
                self._at += 1

    def read(self) -> bytes | None:
        while self._left:
            if self.sounds[self._at] in self.files.spoilt:
                self.fault = Fault(str(self.sounds[self._at]), say("It is spoilt."), say("Make it again."))
                return None
            length = min(self._left[0], BYTE_RATE)
            self._left[0] -= length
            if not self._left[0]:
                self._left.pop(0)
                self._at += 1
            return sound(length)
        return None

    def close(self) -> None:
        """Nothing is open."""


class SimSink:
    """A sound output: sounds as long as its card does, and everything that sounded is written down."""

    def __init__(self, machine: "Machine", cluster: str, card: Card) -> None:
        self._machine, self._cluster, self._card = machine, cluster, card
        self._kernel, self._clock = machine.kernel, SimClock(machine.kernel)

    def close(self) -> None:
        """Nothing is held."""

    def play(self, source: Source, at: datetime, stop: Event, on_progress: Callable[[float], None]) -> Played:
        kernel = self._kernel
        kernel.seam()
        if self._card.state in ("absent", "dead"):
            self._clock.sleep(0.3, stop)
            return Played(None, 0.0, stopped=False, fault=self._fault())
        me = kernel.me
        one = Play(self._cluster, me.about if me else "", float(getattr(source, "skip", 0.0)), kernel.true)
        if self._clock.wait_until(at, stop):
            return Played(None, 0.0, stopped=True, fault=None)
        self._machine.begin(one)
        try:
            return self._sound(one, source, stop, on_progress)
        finally:
            self._machine.end(one)

    def _sound(self, one: Play, source: Source, stop: Event, on_progress: Callable[[float], None]) -> Played:
        kernel, started, seconds, held = self._kernel, None, 0.0, 0.0
        over = False
        while True:
            step = 1.0 if getattr(source, "live", False) or kernel.close_to(STEP + 4.0) else STEP
            while held < step and not over:
                block = source.read()
                if not block:
                    over = block is None
                    break
                held += len(block) / BYTE_RATE
            changed = self._card.changed
            if self._card.state != "ok":
                self._machine.flush(one, sounds=False)
                if self._card.state == "frozen" and self._clock.sleep(PATIENCE, stop):
                    return Played(started, seconds, stopped=True, fault=None)
                return Played(started, seconds, stopped=False, fault=self._fault())
            if stop.is_set():
                return Played(started, seconds, stopped=True, fault=None)
            if not held:
                self._machine.flush(one, sounds=False)
                if over:
                    return Played(started, seconds, stopped=False, fault=source.fault)
                self._clock.sleep(0.5, Either(stop, changed))  # type: ignore[arg-type]
                continue
            self._machine.flush(one, sounds=True)
            if started is None:
                started = self._clock.now()
                on_progress(0.001)
            before = kernel.mono
            self._clock.sleep(min(step, held), Either(stop, changed))  # type: ignore[arg-type]
            passed = (kernel.mono - before) / SECOND
            seconds, held = seconds + passed, max(0.0, held - passed)
            if held < 1e-5:
                held = 0.0
            self._machine.flush(one, sounds=True)
            if not stop.is_set():
                on_progress(seconds)

    def _fault(self) -> Fault:
        return Fault("card", say("The card does not sound."), say("Look at it."))


class SimStore(Store):
    """The real store, on a disk that may be full, read-only or gone; the process may die at each use."""

    machine: "Machine"

    def _opened(self, path: Path, *, read_only: bool) -> Any:
        disk = self.machine.disk
        if path.exists() and (disk == "gone" or (disk == "read-only" and not read_only)):
            raise sqlite3.OperationalError("disk I/O error")
        return super()._opened(path, read_only=read_only)

    @contextmanager
    def _using(self, what: str, *, write: bool = False) -> Iterator[None]:
        self.machine.kernel.seam()
        with super()._using(what, write=write):
            self.machine.apply_disk(self._db.conn)
            yield
        self.machine.kernel.seam()

    def mark(self, name: str, value: Any) -> None:
        """As the real one, without sqlite-utils: half of what a simulated year would cost."""
        with self._using("marks", write=True):
            self._db.conn.execute("insert or replace into marks values (?, ?)", [name, json.dumps(value)])


class SimAssembly:
    """Has made everything ahead, but for scripts that are `missing`."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.missing: set[str] = set()
        self._made: dict[str, Programme] = {}

    def find(self, recipe: Recipe) -> Programme | None:
        if recipe.script in self.missing:
            return None
        return self.make(f"{recipe.script}-{recipe.language}-{recipe.seconds:g}", recipe.seconds)

    def find_chime(self, name: str, _profile: str = "full") -> Path | None:
        return self.make(name, 5.0).pieces[0]

    def programme(self, digest: str) -> Programme | None:
        return self._made.get(digest)

    def make(self, digest: str, seconds: float) -> Programme:
        if digest not in self._made:
            self._made[digest] = Programme(digest, (self.files.make(digest, seconds),), seconds)
        return self._made[digest]


class Machine:
    """One machine over its life: what survives when the program ends."""

    def __init__(self, kernel: Kernel, folder: Path) -> None:
        self.kernel = kernel
        self.folder = folder
        self.files = Files()
        self.assembly = SimAssembly(self.files)
        self.cards: dict[str, Card] = {}
        self.disk = "ok"  # full, read-only, gone
        self._applied: tuple[sqlite3.Connection | None, str] = None, "ok"
        self.sounding: dict[int, Play] = {}
        self.plays: list[Play] = []
        self.on_segment: Callable[[Play, Segment], None] = lambda _play, _segment: None
        self.on_begin: Callable[[Play], None] = lambda _play: None
        self.on_end: Callable[[Play], None] = lambda _play: None

    def sink(self, cluster: str, spec: str) -> SimSink:
        return SimSink(self, cluster, self.cards.setdefault(spec.partition("#")[0], Card()))

    # What sounds

    def begin(self, play: Play) -> None:
        self.sounding[id(play)] = play

    def end(self, play: Play) -> None:
        self.flush(play, sounds=False)
        play.over = True
        del self.sounding[id(play)]
        if play.segments:
            self.plays.append(play)
            self.on_end(play)

    def flush(self, play: Play, *, sounds: bool) -> None:
        """Write down what sounded up to now, and whether it goes on."""
        kernel = self.kernel
        if play.since is not None and kernel.true > play.since:
            segment = Segment(play.since, kernel.true, kernel.offset)
            last = play.segments[-1] if play.segments else None
            if last and last.end == segment.start and last.offset == segment.offset:
                last.end = segment.end
            else:
                play.segments.append(segment)
            self.on_segment(play, segment)
        if sounds and play.since is None and not play.segments:
            self.on_begin(play)
        play.since = kernel.true if sounds else None

    def flush_all(self) -> None:
        """Before anything happens to clock, power or card."""
        for play in self.sounding.values():
            self.flush(play, sounds=play.since is not None)

    # The disk

    def apply_disk(self, connection: sqlite3.Connection) -> None:
        """Let the database be as the disk is; the errors are SQLite's own, or as they would be."""
        on_disk = bool(connection.execute("pragma database_list").fetchone()[2])
        if on_disk and self._applied != (connection, self.disk):
            self._applied = connection, self.disk
            connection.execute(f"pragma query_only = {int(self.disk == 'read-only')}")
            pages = connection.execute("pragma page_count").fetchone()[0] if self.disk == "full" else 1 << 30
            connection.execute(f"pragma max_page_count = {pages}")
        if on_disk and self.disk == "gone":
            raise sqlite3.OperationalError("disk I/O error")
