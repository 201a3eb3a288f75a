"""script list, show."""

from typing import Annotated

import typer

from . import output, words
from .here import Here, named
from .language import _
from .plan import Json

app = typer.Typer(help=_("The words of messages."), no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar=_("NAME"), help=_("The script's name."))]


@app.command("list", help=_("Every script."))
def show_all(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    scripts = here.content().scripts.values()
    rows = [
        {
            "script": one.id,
            "title": one.title,
            "group": one.group,
            "items": len(one.items),
            "languages": list(dict.fromkeys(tag for item in one.items for tag in item.text)),
            "seconds": round(sum(item.seconds + item.pause for item in one.items), 1),
        }
        for one in scripts
    ]
    if json:
        output.as_json(rows)
        return
    output.table(
        (_("Script"), _("Title"), _("Group"), _("Items"), _("Length, about")),
        [
            (
                one.id,
                one.title,
                words.group(one.group),
                str(len(one.items)),
                output.length(float(str(row["seconds"]))),
            )
            for one, row in zip(scripts, rows, strict=True)
        ],
        right=(3, 4),
    )


@app.command("show", help=_("The words of one script, as a cluster hears them."))
def show(
    context: typer.Context,
    name: Name,
    cluster: Annotated[str | None, typer.Option(help=_("Fill in the words of this cluster's place."))] = None,
) -> None:
    from broadcaster.model.script import fill

    here: Here = context.obj
    content = here.content()
    one = named(content.scripts, name)
    known: dict[str, str] = {}
    if cluster is not None:
        place = named({each.id: each for each in content.station.clusters}, cluster)
        known = content.areas.words(place.area, here.now(content).date())
    output.line(f"{one.title} ({one.id}) · {words.group(one.group)}")
    for number, item in enumerate(one.items, 1):
        for tag, text in item.text.items():
            output.line(f"\n{number}. {item.id} · {words.language(tag)}")
            output.line(fill(text, _Partly(known)).strip())


class _Partly(dict[str, str]):
    """Words to fill in; one that is not known stays as its placeholder."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"
