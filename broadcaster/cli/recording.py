"""recording list, show."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from broadcaster.model.recording import Recording

from . import output, words
from .here import Here, named
from .language import _
from .plan import Json

app = typer.Typer(help=_("Audio files of items, per language and area."), no_args_is_help=True)


@app.command("list", help=_("Every recording."))
def show_all(
    context: typer.Context,
    script: Annotated[str | None, typer.Option(help=_("Only of this script."))] = None,
    json: Json = False,
) -> None:
    here: Here = context.obj
    with here.reading() as store:
        content = here.content(store)
    if script is not None:
        named(content.scripts, script)
    found = [one for one in content.recordings if script in (None, one.script)]
    if json:
        output.as_json([_as_dict(one) for one in found])
        return
    _tell(found)


@app.command("show", help=_("One recording."))
def show(
    context: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar=_("FILE"), help=_("Its path, as `recording list --json` gives it."))
    ],
) -> None:
    here: Here = context.obj
    with here.reading() as store:
        one = named({each.path: each for each in here.content(store).recordings}, path)
    _tell([one])
    output.line(f"\n{here.root / one.path}")


def _tell(found: Iterable[Recording]) -> None:
    output.table(
        (_("Script"), _("Language"), _("Item"), _("Area"), _("Length"), _("State")),
        [
            (
                one.script,
                words.language(one.language),
                one.item,
                one.area or _("all"),
                output.length(one.seconds) if one.seconds is not None else "–",
                _state(one),
            )
            for one in found
        ],
        right=(4,),
    )


def _as_dict(one: Recording) -> dict[str, Any]:
    return {
        "script": one.script,
        "language": one.language,
        "item": one.item,
        "area": one.area,
        "file": one.path,
        "seconds": round(one.seconds, 2) if one.seconds is not None else None,
        "stand_in": one.stand_in,
        "broken": one.broken,
    }


def _state(one: Recording) -> str:
    if one.broken:
        return _("damaged")
    if one.stand_in:
        return _("stand-in")
    return _("good") if one.seconds is not None else _("not listened to yet: broadcaster check")
