"""init, check, doctor: a new station, its faults, the health of the machine."""

import platform
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from broadcaster import __version__
from broadcaster.edges.content.lines import located
from broadcaster.model.check import check as look_through
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, Text, say

from . import output, template, words
from .backup import COPIED
from .clock import look
from .here import Here, now_in
from .language import _, tr
from .plan import Json, measure

LOW_DISK = 500_000_000  # bytes
RECENT = timedelta(days=31)  # a copy of the play log that is younger


def add_to(app: typer.Typer) -> None:
    app.command("init", help=_("A new station in DIR."))(init)
    app.command("check", help=_("Every fault in the content."))(check)
    app.command("doctor", help=_("Sound, clock, disk, voices, versions."))(doctor)


def init(
    folder: Annotated[Path, typer.Argument(metavar=_("DIR"), help=_("A new or empty folder."))],
    name: Annotated[str, typer.Option(help=_("The station's name."))] = "Đài truyền thanh xã (sửa tên)",
    area: Annotated[str, typer.Option(help=_("The commune's code."))] = "00000",
    area_name: Annotated[str, typer.Option(help=_("The commune's name."))] = "Xã (sửa tên)",
) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BroadcasterError(
            Fault(
                str(folder),
                say("There is something in this place already."),
                say("Name a folder that is new or empty."),
            )
        )
    for path, text in template.files(name, area, area_name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    output.line(_("The station is in {folder}. Next:").format(folder=folder))
    output.line(f"  cd {folder}")
    output.line(_("  edit schedules/station.toml and schedules/areas.toml, then: broadcaster check"))


def check(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    try:
        loaded = here.load()
    except BroadcasterError as error:
        if json:
            output.as_json([_row(one) for one in _in_order(error.faults)])
        raise
    try:
        with here.writing() as store:
            measure(here, store, here.assembly())
            loaded = here.load(store)
    except BroadcasterError as error:
        output.faults(error.faults)
    today = here.now(loaded.content).date()
    between = located(here.root, look_through(loaded.content, today))
    found = _in_order([*loaded.faults, *between, *_decorations(here, loaded.content)])
    if json:
        output.as_json([_row(one) for one in found])
    output.faults(found)
    if not json:
        output.line(_summary(loaded.content, found))


def _in_order(found: Iterable[Fault]) -> list[Fault]:
    return sorted(found, key=lambda one: (one.file, one.line or 0))


def _row(fault: Fault) -> dict[str, str | int | bool | None]:
    return {
        "file": fault.file,
        "line": fault.line,
        "key": ".".join(str(part + 1) if isinstance(part, int) else part for part in fault.at),
        "what": tr(fault.what),
        "next": tr(fault.next),
        "warning": fault.warning,
    }


def _summary(content: Content, found: Sequence[Fault]) -> str:
    notes = sum(one.warning for one in found)
    if found:
        return _("Faults: {faults}, notes: {notes}.").format(faults=len(found) - notes, notes=notes)
    return _(
        "Everything fits together. Schedules: {schedules}, scripts: {scripts}, clusters: {clusters}."
    ).format(
        schedules=len(content.schedules), scripts=len(content.scripts), clusters=len(content.station.clusters)
    )


def _decorations(here: Here, content: Content) -> list[Fault]:
    """The chimes and beds that cannot be decoded; programmes are made without them."""
    assembly, found = here.assembly(), []
    chimes = {content.station.closing, *(script.chime for script in content.scripts.values())}
    for folder, names, make in (
        ("chimes", chimes, assembly.chime),
        ("beds", {script.bed for script in content.scripts.values()}, assembly.bed),
    ):
        for name in sorted(name for name in names if name):
            try:
                make(name)
            except BroadcasterError as error:
                found += [replace(fault, where=f"audio/{folder}/{name}") for fault in error.faults]
    return found


def doctor(context: typer.Context, json: Json = False) -> None:
    found = [*findings(context.obj), _versions()]
    if json:
        output.as_json(
            [
                {"what": what, "well": remedy is None, "state": state, "next": tr(remedy) if remedy else None}
                for what, state, remedy in found
            ]
        )
        return
    output.table(
        (_("What"), "", _("State"), _("Next step")),
        [
            (what, "✗" if remedy else "✓", state, tr(remedy) if remedy else "")
            for what, state, remedy in found
        ],
    )


Finding = tuple[str, str, Text | None]  # what, how it is, what to do if that is not well


def findings(here: Here, zone: ZoneInfo | None = None) -> list[Finding]:
    """How sound, clock (in *zone*, or the machine's), disk, copies of the play log and voices are."""
    return [*_sound(), _clock(here, zone), _disk(here.var), _copies(here), *_voices()]


def _sound() -> list[Finding]:
    from broadcaster.edges.sink import card_players

    players = card_players()
    if not players:
        return [(_("Sound"), _("no player"), say("Install the package pulseaudio-utils or alsa-utils."))]
    remedy = say("Plug the sound card in, and see that the sound server runs.")
    working = [one for one in players if one.answers][:1]  # the first that answers is the one that plays
    return [
        (_("Sound: {player}").format(player=one.name), one.says, None if one.answers else remedy)
        for one in working or players
    ]


def _clock(here: Here, zone: ZoneInfo | None) -> Finding:
    try:
        seen = look(here, zone)
    except BroadcasterError as error:  # the station's memory cannot be used, nor then the clock be judged
        return (_("Clock"), tr(error.faults[0].what), error.faults[0].next)
    says = f"{seen.now:%Y-%m-%d %H:%M:%S %Z}"
    if seen.fault is None:
        return (_("Clock"), says, None)
    return (_("Clock"), f"{says}. {tr(seen.fault.what)}", seen.fault.next)


def _disk(var: Path) -> Finding:
    there = next(path for path in (var.resolve(), *var.resolve().parents) if path.exists())
    free = shutil.disk_usage(there).free
    told = _("{megabytes} MB free").format(megabytes=free // 1_000_000)
    return (_("Disk"), told, None if free > LOW_DISK else say("Make room on the disk."))


def _copies(here: Here) -> Finding:
    """When the play log was last copied elsewhere."""
    remedy = say("Copy it to a stick now and then: broadcaster backup FOLDER.")
    try:
        with here.reading() as store:
            if not store.head:
                return (_("Copies"), _("the play log has no rows yet"), None)
            copied = store.marks().get(COPIED)
    except BroadcasterError as error:  # the station's memory cannot be used
        return (_("Copies"), tr(error.faults[0].what), error.faults[0].next)
    if copied is None:
        return (_("Copies"), _("the play log was never copied"), remedy)
    day = datetime.fromisoformat(copied)
    recent = now_in(UTC) - day < RECENT
    return (_("Copies"), _("last copied on {day}").format(day=f"{day:%d/%m/%Y}"), None if recent else remedy)


def _voices() -> list[Finding]:
    from broadcaster.edges.voice import voices

    installed, faults = voices(timeout=5)
    found: list[Finding] = [(fault.where, tr(fault.what), fault.next) for fault in faults]
    with tempfile.TemporaryDirectory() as folder:
        for voice in installed:
            try:
                for tag in sorted(voice.languages):
                    voice.speak("Xin chào bà con.", tag, Path(folder) / "spoken")
                told = ", ".join(words.language(tag) for tag in sorted(voice.languages))
                found.append((voice.name, _("speaks {languages}").format(languages=told), None))
            except BroadcasterError as error:
                fault = error.faults[0]
                found.append((voice.name, tr(fault.what), fault.next))
    return found


def _versions() -> Finding:
    told = f"{__version__}, Python {platform.python_version()}, {platform.platform(terse=True)}"
    return ("broadcaster", told, None)
