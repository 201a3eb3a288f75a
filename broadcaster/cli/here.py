"""The station that a command works on, and what it is made of: the composition root's shared part."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from functools import cached_property
from importlib.metadata import entry_points
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.content import Loaded, load
from broadcaster.edges.content.lastgood import LastGood
from broadcaster.edges.store import Store, database, rescue
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, did_you_mean, say

from . import output

if TYPE_CHECKING:
    from broadcaster.assembly import Assembly
    from broadcaster.edges.voice import Voice

DAEMON_WAITS = 1.0  # seconds for another writer; what is not written then is written later

T = TypeVar("T")


def now_in(zone: tzinfo) -> datetime:
    return SystemClock().now().astimezone(zone)


def named(known: Mapping[str, T], name: str) -> T:
    """What *name* means among *known*; raises BroadcasterError with what was probably meant."""
    if name in known:
        return known[name]
    following = say("Known are: {known}.", known=", ".join(known) or "–")
    raise BroadcasterError(
        Fault(name, say("There is none of this name."), did_you_mean(name, known, following))
    )


@dataclass
class Here:
    """A station's folder."""

    root: Path
    _assembly: "Assembly | None" = None

    @property
    def var(self) -> Path:
        return self.root / "var"

    @contextmanager
    def reading(self) -> Iterator[Store]:
        """The station's memory, for a command that only reads: works on a read-only disk, makes no file."""
        store = Store(database(self.var), read_only=True)
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def writing(self) -> Iterator[Store]:
        store = Store(database(self.var))
        try:
            yield store
        finally:
            store.close()

    @contextmanager
    def memory(self) -> Iterator[tuple[Store, Fault | None]]:
        """The station's memory, for the daemon, in any case; and what is wrong if it was damaged."""
        damage = None
        try:
            if rescued := rescue(database(self.var)):
                damage = Fault(
                    str(rescued.aside),
                    say(
                        "The station's memory was damaged. Rows of the log that still read: {rows}.",
                        rows=rescued.rows,
                    ),
                    say("Keep this file. The disk may be failing: tell whoever installed the machine."),
                )
        except BroadcasterError as error:
            damage = error.faults[0]
        store = Store(database(self.var), patience=DAEMON_WAITS, in_any_case=True)
        try:
            yield store, damage
        finally:
            store.close()

    def load(self, store: Store | None = None, instead: Mapping[str, str | None] | None = None) -> Loaded:
        """The content; with *instead* as it would be if these texts were saved."""
        loaded = load(self.root, store.measured() if store else None, instead)
        if entry_points(group="broadcaster.voices"):  # else it is ours alone: no need to load them
            voiced = frozenset(chain.from_iterable(voice.languages for voice in self.voices))
            loaded = replace(loaded, content=replace(loaded.content, voiced=voiced))
        return loaded

    @cached_property
    def readable(self) -> Content | None:
        """The content, for what asks the play log only; None, with its faults told, if it is broken."""
        try:
            return self.load().content
        except BroadcasterError as error:
            if not database(self.var).exists():
                raise
            output.faults(error.faults)
            return None

    def place(self) -> tuple[str, ZoneInfo]:
        """The station's name and time zone, for what asks the play log only."""
        if self.readable is None:
            return self.root.name, ZoneInfo("Asia/Ho_Chi_Minh")
        return self.readable.station.name, self.readable.station.timezone

    @property
    def last_good(self) -> LastGood:
        return LastGood(self.root, self.var / "good")

    def as_aired(self, store: Store | None = None) -> Loaded:
        """The content as the daemon has it: what cannot be used is as it last could be."""
        return self.last_good.load(lambda instead: self.load(store, instead))

    def content(self, store: Store | None = None) -> Content:
        """The content as the daemon has it; its faults are told on standard error."""
        loaded = self.as_aired(store)
        output.faults(fault for fault in loaded.faults if not fault.warning)
        return loaded.content

    def assembly(self) -> "Assembly":
        from broadcaster.assembly import Assembly
        from broadcaster.edges.voice import FallbackVoice

        if self._assembly is None:
            self._assembly = Assembly(self.root, FallbackVoice(self.voices))
        return self._assembly

    def assembly_in(self, var: Path) -> "Assembly":
        """One that keeps what it makes below *var*, and speaks without a network: for emergencies."""
        from broadcaster.assembly import Assembly
        from broadcaster.edges.voice import EspeakVoice

        return Assembly(self.root, EspeakVoice(), var)

    @cached_property
    def voices(self) -> "list[Voice]":
        """Those of this machine; what is wrong with any is told on standard error."""
        from broadcaster.edges.voice import voices

        found, faults = voices()
        output.faults(faults)
        return found

    def outside(self, to: Path) -> Path:
        """*to*, where a command may write; not what officers keep, which it would overwrite unasked."""
        for folder in ("audio", "schedules"):
            if to.resolve().is_relative_to(self.root / folder):
                raise BroadcasterError(
                    Fault(
                        str(to),
                        say("This is in {folder}/, which holds the content itself.", folder=folder),
                        say(
                            "Name a file somewhere else. A recording comes in by: broadcaster recording add."
                        ),
                    )
                )
        return to

    def close(self) -> None:
        """End what works for it."""
        if self._assembly is not None:
            self._assembly.close()

    @staticmethod
    def now(content: Content) -> datetime:
        return now_in(content.station.timezone)
