"""recording missing, matrix: what is not there yet, by the hour it is needed."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from broadcaster.model.completeness import Wanting, matrix, wanting
from broadcaster.model.content import Content
from broadcaster.model.plan import plan

from . import output, words
from .here import Here
from .language import _
from .plan import Json

Xlsx = Annotated[Path | None, typer.Option("--xlsx", metavar=_("FILE"), help=_("Write an Excel workbook."))]


def add_to(recording: typer.Typer) -> None:
    recording.command(
        "missing", help=_("What is missing, outdated, not approved or a stand-in, the first needed first.")
    )(missing)
    recording.command(
        "matrix", help=_("What is there of each script, in each language, at each cluster's place.")
    )(show_matrix)


def missing(
    context: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=366, help=_("How many days ahead to look."))] = 30,
    json: Json = False,
    xlsx: Xlsx = None,
) -> None:
    here: Here = context.obj
    content, now = _content(here)
    found = wanting(content, plan(content, {}, now, now + timedelta(days=days)), now.date())
    columns = (_("Needed"), _("Script"), _("Item"), _("Language"), _("Areas"), _("State"), _("Length"))
    rows = [_row(one) for one in found]
    if xlsx:
        from broadcaster.edges.documents import write_workbook

        texts = (_("Vietnamese words"),)
        write_workbook(
            here.outside(xlsx),
            _("What is missing"),
            columns + texts,
            [(*row, one.text) for row, one in zip(rows, found, strict=True)],
            note=f"{content.station.name}, {now:%d/%m/%Y %H:%M}",
        )
    if json:
        output.as_json(
            [
                {
                    "script": one.script,
                    "item": one.item,
                    "language": one.language,
                    "areas": list(one.areas),
                    "state": "missing" if one.lack == "no-recording" else one.lack.value,
                    "needed": one.needed.isoformat() if one.needed else None,
                    "seconds": round(one.seconds, 1),
                    "text": one.text,
                }
                for one in found
            ]
        )
    elif xlsx:
        output.line(_("Written: {file}").format(file=xlsx))
    elif rows:
        output.table(columns, rows, right=(6,))
    else:
        output.line(_("Nothing is missing."))


def _row(one: Wanting) -> tuple[str, ...]:
    return (
        f"{one.needed:%d/%m %H:%M}" if one.needed else "–",
        one.script,
        one.item,
        words.language(one.language),
        ", ".join(one.areas),
        words.lack(one.lack),
        output.length(one.seconds),
    )


def show_matrix(context: typer.Context, json: Json = False, xlsx: Xlsx = None) -> None:
    here: Here = context.obj
    content, now = _content(here)
    cells = matrix(content, now.date())
    tags = list(dict.fromkeys(one.language for one in cells))
    by_place = {(one.script, one.area, one.language): one for one in cells}
    rows = [
        (
            script,
            area,
            *(
                words.counted(by_place[script, area, tag].lacks) or _("there")
                if (script, area, tag) in by_place
                else "–"
                for tag in tags
            ),
        )
        for script, area in dict.fromkeys((one.script, one.area) for one in cells)
    ]
    columns = (_("Script"), _("Area"), *map(words.language, tags))
    if xlsx:
        from broadcaster.edges.documents import write_workbook

        note = f"{content.station.name}, {now:%d/%m/%Y %H:%M}"
        write_workbook(here.outside(xlsx), _("What is there"), columns, rows, note=note)
    if json:
        output.as_json(
            [
                {
                    "script": one.script,
                    "area": one.area,
                    "language": one.language,
                    "state": "missing" if one.state == "no-recording" else one.state,
                    "items": one.items,
                    "lacks": {lack.value: count for lack, count in one.lacks.items()},
                }
                for one in cells
            ]
        )
    elif xlsx:
        output.line(_("Written: {file}").format(file=xlsx))
    else:
        output.table(columns, rows)


def _content(here: Here) -> tuple[Content, datetime]:
    with here.reading() as store:
        content = here.content(store)
    return content, here.now(content)
