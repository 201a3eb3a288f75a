"""The one way in which a command changes schedules/: propose, check, show the difference, save, keep."""

import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Annotated, Any
from unicodedata import normalize

import typer

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.content import Loaded
from broadcaster.edges.content.lines import located
from broadcaster.edges.content.schedules import NO_SCHEDULES
from broadcaster.edges.editing import save, seen
from broadcaster.edges.store import Store, daemon_runs
from broadcaster.fleet.registry import Registry
from broadcaster.model import typed
from broadcaster.model.check import check, past
from broadcaster.model.content import Content
from broadcaster.model.difference import Change, difference
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.plan import plan
from broadcaster.model.script import IDENTIFIER

from . import asking, output
from . import difference as told
from .here import Here, named
from .language import _

SHOWN = timedelta(days=30)
LOOK_AHEAD = timedelta(days=365)  # for the first change, where those days have none

Yes = Annotated[bool, typer.Option("--yes", "-y", help=_("Save without asking."))]
DryRun = Annotated[bool, typer.Option("--dry-run", help=_("Show what would change; save nothing."))]


def path_of(here: Here, name: str) -> str:
    """Where the schedule *name* is; raises BroadcasterError if there is none."""
    paths = (here.root / "schedules").glob("[!.]*.toml")
    known = {normalize("NFC", path.stem): f"schedules/{path.name}" for path in sorted(paths)}
    return named({stem: path for stem, path in known.items() if stem not in NO_SCHEDULES}, name)


def new_path(here: Here, name: str) -> str:
    """Where a new schedule *name* will be; raises BroadcasterError if it can have no such name."""
    path = f"schedules/{name}.toml"
    if not IDENTIFIER.fullmatch(name) or name in NO_SCHEDULES:
        what = say("A schedule is named with small letters, digits and hyphens.")
        raise BroadcasterError(
            Fault(name, what, say("Choose another name, such as “{name}”.", name="bhxh-tu-nguyen"))
        )
    if (here.root / path).exists():
        what = say("There is a schedule of this name already.")
        following = say("Choose another name, or change that one: broadcaster schedule edit.")
        raise BroadcasterError(Fault(path, what, following))
    return path


def command(name: str | None = None) -> str:
    """The command as it was typed, for the history."""
    at = sys.argv.index("schedule") if "schedule" in sys.argv else 0
    typed_in = [*sys.argv[at:], *([name] if name and name not in sys.argv else [])]
    return " ".join(f'"{one}"' if not one or " " in one else one for one in typed_in)


def tables(text: str, key: str) -> Sequence[Any]:
    found = tomllib.loads(text).get(key, [])
    return found if isinstance(found, list) else []


def which_table(path: str, text: str, key: str, asked: str | None) -> int:
    """The place, from 0, of the [[*key*]] that is *asked* for by number, day, time, name or holiday."""
    there = tables(text, key)
    names = [_names(one) for one in there]
    if asked is None and len(there) == 1:
        return 0
    found = [
        index
        for index, some in enumerate(names)
        if asked is not None and _spoken(asked) in map(str.casefold, some)
    ]
    if asked is not None and asked.isdecimal() and 1 <= int(asked) <= len(there):
        found = [int(asked) - 1]
    if len(found) == 1:
        return found[0]
    known = "; ".join(f"{number}: {', '.join(some)}" for number, some in enumerate(names, 1))
    if asked is None:
        what = say("There are several of [[{key}]]; which is meant?", key=key)
    elif found:
        what = say("“{asked}” is more than one of [[{key}]].", asked=asked, key=key)
    else:
        what = say("There is no [[{key}]] “{asked}”.", asked=asked, key=key)
    raise BroadcasterError(
        Fault(path, what, say("Name it by its number. There are: {known}.", known=known or "–"))
    )


def _names(one: Any) -> list[str]:
    """By what a table can be asked for."""
    if isinstance(one, str):
        return [one]
    if not isinstance(one, dict):
        return []
    values = (one.get(key) for key in ("name", "holiday", "from", "occurrence", "at", "times"))
    return [
        ", ".join(f"{at:%H:%M}" for at in value) if isinstance(value, list) else str(value)
        for value in values
        if value
    ]


def _spoken(asked: str) -> str:
    """A day or a time as `_names` has it."""
    for read in (typed.a_date, typed.a_moment):
        try:
            return str(read(asked))
        except ValueError:
            continue
    return asked.strip().casefold()


def propose(
    here: Here,
    new: Mapping[str, str | bytes | None],
    what: str,
    *,
    yes: bool,
    dry_run: bool,
    was: Mapping[str, bytes | None] | None = None,
    undoes: int | None = None,
) -> bool:
    """
    Save *new* (texts by path such as `schedules/x.toml`; None: taken away) as one edit, called *what* in the
    history, if nothing is wrong with it and nobody objects. Was it saved?

    *was* is what the files said when *new* was made of them. Raises BroadcasterError with every fault that
    the edit would bring; those that are there already hinder nothing, unless they keep an edited file from
    being used.
    """
    was = was or seen(here.root, new)
    instead = {
        path: text.decode("utf-8-sig", "replace") if isinstance(text, bytes) else text
        for path, text in new.items()
    }
    with here.reading() as store:
        before = here.as_aired(store)
        after = here.last_good.load(lambda kept: here.load(store, {**kept, **instead}))
        now = here.now(after.content)
        faults = located(here.root, _brought(before, after, set(new), now), instead)
        output.faults(fault for fault in faults if fault.warning)
        if wrong := [fault for fault in faults if not fault.warning]:
            raise BroadcasterError(*wrong)
        _tell(store, before.content, after.content, now, _renamed(new, was))
    if dry_run:
        output.line(_("Nothing was saved: this was a trial."))
        return False
    if not yes and asking.asks() and not asking.confirm(_("Save this?"), default=True):
        output.line(_("Nothing was changed."))
        return False
    save(here.root, new, was, what, SystemClock().now(), undoes=undoes)
    for sentence, files in (
        (_("Saved: {files}"), [path for path, text in new.items() if text is not None]),
        (_("Taken away: {files}"), [path for path, text in new.items() if text is None]),
    ):
        if files:
            output.line(sentence.format(files=", ".join(files)))
    if undoes is None:
        output.line(_("To take it back: broadcaster schedule undo"))
    if Registry(here.root).exists:
        output.line(_("To send it to the stations: broadcaster province publish"))
    elif daemon_runs(here.root):
        output.line(_("The daemon runs and follows by itself."))
    return True


def _brought(before: Loaded, after: Loaded, edited: set[str], now: datetime) -> list[Fault]:
    """
    What is wrong with the edit. Missing recordings and approvals are no fault of a schedule: the plan
    leaves out what lacks them, and they are told as notes.
    """
    day = now.date()

    def key(fault: Fault) -> tuple[str, ...]:
        """Lines shift with an edit, and in other files names and numbers in an old fault may."""
        if fault.file in edited:
            return fault.file, str(fault.what), str(fault.next)
        return fault.file, fault.what.template

    known = [*before.faults, *check(before.content, day), *past(before.content, day)]
    old = Counter(map(key, known))
    old -= Counter(key(fault) for fault in before.faults if fault.file in edited)
    found = []
    for fault in [*after.faults, *check(after.content, day), *past(after.content, day)]:
        if old[key(fault)]:
            old[key(fault)] -= 1
        else:
            found.append(fault if fault.file.startswith("schedules/") else replace(fault, warning=True))
    return found


def _renamed(new: Mapping[str, str | bytes | None], was: Mapping[str, bytes | None]) -> Mapping[str, str]:
    """Schedules that only get another name, by the old one."""
    return {
        PurePath(path).stem: PurePath(other).stem
        for path, text in new.items()
        for other, data in new.items()
        if text is None and was[other] is None and data is not None and data == was[path]
    }


def _tell(store: Store, before: Content, after: Content, now: datetime, renamed: Mapping[str, str]) -> None:
    def changes(start: datetime, end: datetime) -> Sequence[Change]:
        around = timedelta(days=8)
        log = {one.occurrence: one for one in store.airings(start - around, end + around)}
        old = [
            replace(one, schedule=name, id=one.id.replace(one.schedule, name, 1))
            if (name := renamed.get(one.schedule))
            else one
            for one in plan(before, log, start, end)
        ]
        return difference(old, plan(after, log, start, end))

    soon = now + SHOWN
    if found := changes(now, soon):
        output.line(_("What changes in the next {days} days:").format(days=SHOWN.days))
        told.tell(found)
        return
    output.line(_("Nothing changes in the plan of the next {days} days.").format(days=SHOWN.days))
    later = changes(soon, now + LOOK_AHEAD)
    first = min((one.at for change in later for one in (change.before, change.after) if one), default=None)
    if first is not None:
        output.line(_("The first change: {day}").format(day=f"{output.day(first.date())}, {first:%H:%M}"))
        output.line(_("What changes in the {days} days from then on:").format(days=SHOWN.days))
        told.tell([one for one in later if one.one.at < first + SHOWN])
    else:
        output.line(_("Nor in the year after that."))
