"""All commands, put together."""

from pathlib import Path
from typing import Annotated, Any

import typer

from broadcaster.model.errors import BroadcasterError, Fault, said, say

from . import (
    air,
    alert,
    amplifier,
    approve,
    area,
    backup,
    clock,
    demo,
    exchange,
    log,
    member,
    missing,
    output,
    plan,
    province,
    recording,
    render,
    report,
    schedule,
    script,
    station,
    user,
)
from .here import Here
from .language import LANGUAGES, _

NUMBERS = ("integer", "float", "integer range", "float range")
KINDS = {"text": _("TEXT"), **dict.fromkeys(NUMBERS, _("NUMBER"))}  # what an option takes, by Click's name

app = typer.Typer(
    name="broadcaster",
    help=_("Localized recordings on village loudspeakers: planned, assembled, played, logged, counted."),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for part in (station, plan, approve, air, alert, clock, log, report, backup, demo):
    part.add_to(app)
missing.add_to(recording.app)
render.add_to(script.app)
exchange.add_to(schedule.app)
for name, group in (
    ("schedule", schedule),
    ("script", script),
    ("recording", recording),
    ("area", area),
    ("amplifier", amplifier),
    ("user", user),
    ("station", member),
    ("province", province),
):
    app.add_typer(group.app, name=name)


@app.callback()
def common(
    context: typer.Context,
    folder: Annotated[
        Path,
        typer.Option(
            "--station",
            envvar="BROADCASTER_STATION",
            metavar=_("DIR"),
            help=_("The station's folder; by default the one you stand in."),
        ),
    ] = Path(),
    _lang: Annotated[
        str,
        typer.Option("--lang", metavar="vi|en", help=_("The language of messages; by default the locale's.")),
    ] = "",
) -> None:
    if _lang not in ("", *LANGUAGES):
        raise typer.BadParameter(_("Write vi or en."), param_hint="--lang")
    context.obj = here = Here(folder.resolve())
    context.call_on_close(here.close)


def run() -> int:
    """Run a command and give its exit code: 1 if it told a fault. What a user can mend becomes sentences."""
    try:
        _in_words(typer.main.get_command(app))()
    except SystemExit as end:
        return (end.code if isinstance(end.code, int) else 0) or int(output.fault_was_told())
    except BroadcasterError as error:
        output.faults(error.faults)
    except OSError as error:
        output.faults([cannot_use(error)])
    return 1


def _in_words(command: Any) -> Any:
    """*command* with what the library writes into its help, in the reader's language."""
    command.options_metavar = _("[OPTIONS]")
    for one in command.params:
        if one.metavar is None and one.type.name in KINDS:
            one.metavar = KINDS[one.type.name]
    for each in getattr(command, "commands", {}).values():
        _in_words(each)
    if hasattr(command, "commands"):
        command.subcommand_metavar = _("COMMAND [ARGUMENTS]…")
    return command


def cannot_use(error: OSError) -> Fault:
    return Fault(
        str(error.filename or ""),
        say("This cannot be used: {error}.", error=said(error)),
        say("See that it is there, that you may use it, and that the disk is neither full nor read-only."),
    )
