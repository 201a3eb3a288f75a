"""area list, show."""

from typing import Annotated

import typer

from . import output
from .here import Here, named
from .language import _
from .plan import Json

app = typer.Typer(help=_("Places: provinces, communes, villages."), no_args_is_help=True)


@app.command("list", help=_("Every area of this station."))
def show_all(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    found = list(here.content().areas)
    if json:
        output.as_json(
            [
                {
                    "code": one.code,
                    "name": one.name,
                    "kind": one.kind.value,
                    "from": one.valid_from.isoformat(),
                    "parent": one.parent,
                    "facts": dict(one.facts),
                }
                for one in found
            ]
        )
        return
    kinds = {"province": _("province"), "commune": _("commune"), "village": _("village")}
    output.table(
        (_("Code"), _("Name"), _("Kind"), _("Holds from"), _("Lies in")),
        [
            (one.code, one.name, kinds[one.kind], f"{one.valid_from:%d/%m/%Y}", one.parent or "–")
            for one in found
        ],
    )


@app.command("show", help=_("One area, what it lies in, and the words that scripts fill in there."))
def show(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar=_("CODE"), help=_("The area's code."))],
) -> None:
    here: Here = context.obj
    content = here.content()
    named({one.code: one for one in content.areas}, code)
    today = here.now(content).date()
    output.line(" < ".join(f"{one.name} ({one.code})" for one in content.areas.upwards(code, today)))
    output.table(
        (_("Placeholder"), _("Word")),
        [(f"{{{name}}}", word) for name, word in sorted(content.areas.words(code, today).items())],
    )
