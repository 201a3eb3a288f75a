"""backup, restore: the play log in a file that can be carried away."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.edges.store import daemon_runs, database, restore, sole_daemon
from broadcaster.model.errors import BroadcasterError, Fault, say

from . import output
from .here import Here, now_in
from .language import _

COPIED = "copied"  # the mark of when that last was


def add_to(app: typer.Typer) -> None:
    app.command("backup", help=_("Copy the play log, also while the daemon runs."))(backup)
    app.command("restore", help=_("Bring a copy of the play log back; what is there is kept aside."))(
        bring_back
    )


def backup(
    context: typer.Context,
    to: Annotated[
        Path | None,
        typer.Argument(metavar=_("FILE|FOLDER"), help=_("Where to; by default into var/backups/.")),
    ] = None,
) -> None:
    here: Here = context.obj
    name, zone = here.place()
    if to is None or to.is_dir():
        folder = to or here.var / "backups"
        if to is None:
            folder.mkdir(parents=True, exist_ok=True)
        to = folder / f"{here.root.resolve().name}-{now_in(zone):%Y-%m-%d-%H%M%S}.db"
    with here.reading() as store:
        rows = store.copy_to(to)
    _remember(here, now_in(zone))
    output.line(
        _("{station}: {file} holds the play log, {rows} rows.").format(station=name, rows=rows, file=to)
    )


def _remember(here: Here, now: datetime) -> None:
    """So that `doctor` and the page know when it was; a disk that takes nothing keeps nobody from copying."""
    try:
        with here.writing() as store:
            store.mark(COPIED, now.isoformat(timespec="seconds"))
    except BroadcasterError as error:
        output.faults(replace(fault, warning=True) for fault in error.faults)


def bring_back(
    context: typer.Context, copy: Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("The copy."))]
) -> None:
    here: Here = context.obj
    if daemon_runs(here.root):
        raise BroadcasterError(
            Fault(
                str(copy),
                say("The daemon writes to the play log now."),
                say("Stop it first (systemctl stop)."),
            )
        )
    with sole_daemon(here.root):
        rows, before = restore(copy, database(here.var))
    output.line(_("Rows of the play log that are back: {rows}.").format(rows=rows))
    if before is not None:
        output.line(_("What was there before is kept: {file}").format(file=before))
