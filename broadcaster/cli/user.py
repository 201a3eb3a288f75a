"""user add, list, remove: who may open the operator's page."""

from typing import Annotated

import typer

from broadcaster.edges.users import Right, Users
from broadcaster.model.errors import BroadcasterError, Fault, say

from . import output, words
from .here import Here
from .language import _
from .plan import Json

app = typer.Typer(help=_("Who may open the operator's page, and do what there."), no_args_is_help=True)
RIGHTS = [one.word for one in Right]


@app.command("add", help=_("Let somebody in, or change their password or what they may do."))
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar=_("NAME"), help=_("By which they log in."))],
    role: Annotated[
        str,
        typer.Option(
            metavar="|".join(RIGHTS),
            help=_(
                "viewer looks and listens; operator also plays, stops, raises and ends emergencies; officer "
                "also brings recordings; approver also approves."
            ),
        ),
    ] = Right.OPERATOR.word,
) -> None:
    here: Here = context.obj
    here.load()
    if role not in RIGHTS:
        told = _("Write one of: {words}.").format(words=", ".join(RIGHTS))
        raise typer.BadParameter(told, param_hint="--role")
    password = typer.prompt(_("Password"), hide_input=True, confirmation_prompt=_("Once more"))
    Users(here.var).add(name.strip(), Right[role.upper()], password)
    output.line(_("{name} may log in: {right}.").format(name=name.strip(), right=words.right(role)))


@app.command("list", help=_("Everybody who may log in."))
def show_all(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    found = Users(here.var).all()
    if json:
        output.as_json([{"name": one.name, "role": one.right.word} for one in found])
    elif found:
        output.table((_("Name"), _("Role")), [(one.name, words.right(one.right.word)) for one in found])
    else:
        output.line(_("Nobody: the page opens on this machine only, and without a password."))


@app.command("remove", help=_("Let somebody in no more; who is logged in is out at once."))
def remove(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar=_("NAME"), help=_("Who."))]
) -> None:
    here: Here = context.obj
    if not Users(here.var).remove(name):
        raise BroadcasterError(
            Fault(name, say("There is none of this name."), say("See who is there: broadcaster user list."))
        )
    output.line(_("{name} may log in no more.").format(name=name))
