"""amplifier on, off: by hand, and by systemd when the daemon has ended."""

import typer

from broadcaster.edges.amplifier import Switch
from broadcaster.edges.content.station import amplifier_at
from broadcaster.model.errors import BroadcasterError

from . import output
from .here import Here
from .language import _

app = typer.Typer(help=_("The amplifier's switch."), no_args_is_help=True)


@app.command("on", help=_("Switch the amplifier on; the daemon does so before each session."))
def on(context: typer.Context) -> None:
    if (switch := _switch(context)) is not None:
        if (fault := switch.on()) is not None:
            raise BroadcasterError(fault)
        output.line(_("The amplifier is on."))


@app.command("off", help=_("Switch the amplifier off, whatever else is wrong with the station."))
def off(context: typer.Context) -> None:
    if (switch := _switch(context)) is not None:
        if (fault := switch.off()) is not None:
            raise BroadcasterError(fault)
        output.line(_("The amplifier is off."))


def _switch(context: typer.Context) -> Switch | None:
    here: Here = context.obj
    amplifier = amplifier_at(here.root, here.last_good.folder)
    if amplifier is None:
        output.line(_("This station switches no amplifier: schedules/station.toml has no [amplifier]."))
        return None
    return Switch(amplifier)
