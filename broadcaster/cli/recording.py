"""recording list, show, add, check."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.judgement import Heard, Verdict
from broadcaster.model.recording import Lack, Recording
from broadcaster.model.script import language_fault

from . import output, words
from .here import Here, named
from .language import _, tr
from .plan import Json

if TYPE_CHECKING:
    from broadcaster.edges.sandbox import Sandbox
    from broadcaster.intake import Checked, Source

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


Files = Annotated[
    list[Path],
    typer.Argument(metavar=_("FILE…"), help=_("Audio files, folders of them, or .zip files.")),
]


@app.command("add", help=_("Take audio files of any kind as recordings, if they are fit for it."))
def add(
    context: typer.Context,
    files: Files,
    script: Annotated[str, typer.Option(help=_("Whose items they are."))],
    item: Annotated[
        str | None, typer.Option(help=_("Which item; else the name of the file says it."))
    ] = None,
    language: Annotated[
        str | None, typer.Option(help=_("Its tag, such as hmn-Latn-VN; else the name of the folder says it."))
    ] = None,
    area: Annotated[
        str | None, typer.Option(help=_("Only for this area; else what stands after @ in the file's name."))
    ] = None,
    speaker: Annotated[str, typer.Option(help=_("Who speaks."))] = "",
    replace: Annotated[
        bool, typer.Option("--replace", help=_("In place of what is there; that is kept in var/replaced/."))
    ] = False,
    json: Json = False,
) -> None:
    from broadcaster import intake

    here: Here = context.obj
    loaded = here.load()
    if script not in loaded.content.scripts:
        output.faults(loaded.faults)
    chosen = named(loaded.content.scripts, script)
    expected = {one.id: one.seconds for one in chosen.items if one.text}
    areas = loaded.content.areas.codes
    if item is not None:
        named({one.id: one for one in chosen.items}, item)
    if area is not None:
        named(dict.fromkeys(areas), area)
    if language is not None and (fault := language_fault("--language", language)):
        raise BroadcasterError(fault)
    languages = {tag for cluster in loaded.content.station.clusters for tag in cluster.languages}
    given = {"item": item, "language": language, "area": area}

    taken: dict[object, str] = {}

    def take(source: "Source", sandbox: "Sandbox") -> "Checked":
        target = intake.identify(source, chosen, languages, areas, given)
        if (first := taken.setdefault(target, source.name)) != source.name:
            what = say("“{first}” is a recording of the same item.", first=first)
            raise BroadcasterError(Fault(source.name, what, say("Keep one of the two.")))
        return intake.take(
            here.root,
            source,
            target,
            sandbox,
            expected=expected.get(target.item),
            speaker=speaker,
            replacing=replace,
        )

    checked = _each(files, _("adding"), take)
    _tell_checked(checked, json=json)
    count = sum(one.path is not None for one in checked)
    if count and not json:
        output.line(
            "\n"
            + _(
                "Added: {count}. Before they go on air they must be listened to and approved:"
                " broadcaster approve"
            ).format(count=count)
        )
    _end(checked)


@app.command("check", help=_("Are these audio files fit to be recordings? Nothing is changed."))
def check(files: Files, json: Json = False) -> None:
    from broadcaster import intake

    checked = _each(files, _("listening"), intake.check)
    _tell_checked(checked, json=json)
    _end(checked)


def _each(files: Iterable[Path], title: str, do: "Callable[[Source, Sandbox], Checked]") -> "list[Checked]":
    """What becomes of each file; what is wrong with one holds up no other."""
    from broadcaster.edges.sandbox import Sandbox
    from broadcaster.intake import find, unusable

    checked = []
    found = find(files)
    with Sandbox("broadcaster.clip") as sandbox, output.progress(title, len(found)) as step:
        for one in found:
            if isinstance(one, Fault):
                checked.append(unusable(one.where, [one]))
            else:
                try:
                    checked.append(do(one, sandbox))
                except BroadcasterError as error:
                    checked.append(unusable(one.name, error.faults))
            step(checked[-1].name)
    return checked


def _tell_checked(checked: "Iterable[Checked]", *, json: bool) -> None:
    if json:
        output.as_json([_checked_as_dict(one) for one in checked])
        return
    output.table(
        (_("File"), _("Verdict"), _("Length"), _("Loudness")),
        [
            (
                one.path or one.name,
                _verdict(one.judgement.verdict),
                output.length(one.heard.seconds) if one.heard else "–",
                f"{one.heard.lufs:.0f} LUFS" if one.heard else "–",
            )
            for one in checked
        ],
        right=(2, 3),
    )
    output.faults(
        Fault(one.name, reason.what, reason.next, warning=one.judgement.verdict is not Verdict.REFUSED)
        for one in checked
        for reason in one.judgement.reasons
    )


def _checked_as_dict(one: "Checked") -> dict[str, Any]:
    heard = asdict(one.heard) if one.heard else dict.fromkeys(each.name for each in fields(Heard))
    return {
        "file": one.name,
        "recording": one.path,
        "verdict": one.judgement.verdict.value,
        "reasons": [f"{tr(reason.what)} {tr(reason.next)}" for reason in one.judgement.reasons],
        "codes": [reason.code for reason in one.judgement.reasons],
        **{name: round(value, 4) if isinstance(value, float) else value for name, value in heard.items()},
    }


def _verdict(verdict: Verdict) -> str:
    return {
        Verdict.GOOD: _("good"),
        Verdict.WARNED: _("good, with notes"),
        Verdict.REFUSED: _("refused"),
    }[verdict]


def _end(checked: "Iterable[Checked]") -> None:
    if any(one.judgement.verdict is Verdict.REFUSED for one in checked):
        raise typer.Exit(1)


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
        "broken": one.lack is Lack.BROKEN,
        "verdict": one.judgement.verdict.value if one.judgement else None,
        "lufs": round(one.heard.lufs, 1) if one.heard else None,
        "peak_dbtp": round(one.heard.peak_dbtp, 1) if one.heard else None,
    }


def _state(one: Recording) -> str:
    if one.lack is Lack.BROKEN:
        return _("damaged")
    if one.stand_in:
        return _("stand-in")
    if one.judgement is None:
        return _("not listened to yet: broadcaster check")
    return _verdict(one.judgement.verdict)
