"""script render, preview: the finished sound of scripts, for a place, a province, or another channel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.store import daemon_runs
from broadcaster.model.approval import Approvals
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.plan import recipe_at
from broadcaster.model.programme import Programme, Recipe
from broadcaster.model.script import VIETNAMESE
from broadcaster.model.station import PROFILES

from . import output, words
from .here import Here, named
from .language import _, tr
from .plan import Json, listened

if TYPE_CHECKING:
    from broadcaster.assembly import Assembly


class Channel(StrEnum):
    RINGBACK = "ringback"
    SOCIAL = "social"
    RADIO = "radio"
    FEED = "feed"


Name = Annotated[str, typer.Argument(metavar=_("NAME"), help=_("The script's name."))]
Names = Annotated[list[str], typer.Argument(metavar=_("NAME…"), help=_("Names of scripts."))]
Area = Annotated[str | None, typer.Option(help=_("The place's code; by default the station's."))]
Language = Annotated[str, typer.Option(help=_("A language tag, such as hmn-Latn-VN."))]
Items = Annotated[list[str] | None, typer.Option("--item", help=_("Only this item; may be given again."))]
Profile = Annotated[
    str,
    typer.Option(metavar="full|horn", help=_("For headphones and radio (full), or for horn loudspeakers.")),
]


def add_to(script: typer.Typer) -> None:
    script.command("render", help=_("Make the finished sound of a script."))(render)
    script.command("preview", help=_("Hear a script on this machine, before anybody approved it."))(preview)


@dataclass(frozen=True)
class _Made:
    """A version of the script, and what it was made into."""

    recipe: Recipe
    programme: Programme | None
    files: Sequence[Path] = ()


def render(
    context: typer.Context,
    names: Names,
    area: Area = None,
    language: Language = VIETNAMESE,
    to: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar=_("FILE|FOLDER"),
            help=_("wav, flac, mp3, opus or m4a; a folder for several."),
        ),
    ] = None,
    item: Items = None,
    areas_below: Annotated[
        str | None,
        typer.Option(metavar=_("CODE"), help=_("For every commune in this area (else: every village).")),
    ] = None,
    all_languages: Annotated[
        bool, typer.Option("--all-languages", help=_("In every language in which something of it is there."))
    ] = False,
    channel: Annotated[
        Channel | None,
        typer.Option(
            "--for", metavar="ringback|social|radio|feed", help=_("For another channel than loudspeakers.")
        ),
    ] = None,
    cover: Annotated[
        Path | None, typer.Option(metavar=_("FILE"), help=_("A picture for --for social."))
    ] = None,
    link: Annotated[str, typer.Option(help=_("Where the folder of --for feed will be on the web."))] = "",
    draft: Annotated[bool, typer.Option("--draft", help=_("For --for: also what is not approved."))] = False,
    profile: Profile = "full",
    json: Json = False,
) -> None:
    here: Here = context.obj
    if to is not None:
        here.outside(to)
    content, assembly = listened(here), here.assembly()
    now = here.now(content)
    scripts = [named(content.scripts, one).id for one in names]
    named(dict.fromkeys(PROFILES), profile)
    if channel is None or draft:
        content = content.on_trial()
    recipes = [
        _only(recipe_at(content, name, tag, place, now.date(), profile), item)
        for name in scripts
        for place in _places(content, area, areas_below, now)
        for tag in (content.languages_of(content.scripts[name]) if all_languages else [language])
    ]
    if channel in (Channel.RINGBACK, Channel.SOCIAL, Channel.FEED):
        recipes = [replace(one, chime=None) for one in recipes]
    many = areas_below is not None or all_languages or len(scripts) > 1
    if all(recipe.lacks for recipe in recipes):  # and a feed is not made empty
        once = {(recipe.script, recipe.language): recipe for recipe in recipes}
        raise BroadcasterError(*map(_incomplete, once.values()))
    if channel is not None and to is None:
        raise BroadcasterError(Fault("", say("Where shall the files go?"), say("Name a folder: -o FOLDER.")))
    if channel is Channel.FEED and not link:
        what = say("A podcast needs the web address of its sound files.")
        raise BroadcasterError(Fault("--link", what, say("Write it: --link https://…")))
    made = _assembled(assembly, recipes)
    if to is not None:
        made = _written(content, assembly, made, to, channel, cover, link, many=many, draft=draft, now=now)
    _tell(assembly, made, json=json)


def _places(content: Content, area: str | None, below: str | None, now: datetime) -> list[str]:
    known = {one.code: one for one in content.areas}
    if below is None:
        return [named(known, area or content.station.area).code]
    named(known, below)
    day = now.date()
    inside = [
        one for one in content.areas if one.code != below and content.areas.lies_in(one.code, below, day)
    ]
    for kind in ("commune", "village"):
        if found := list(dict.fromkeys(one.code for one in inside if one.kind == kind)):
            return found
    return [below]


def _only(recipe: Recipe, items: list[str] | None) -> Recipe:
    """*recipe* with these items alone, in the script's order."""
    if not items:
        return recipe
    known = {part.item: part for part in recipe.parts}
    for one in items:
        named(known, one)
    return replace(
        recipe,
        parts=tuple(part for part in recipe.parts if part.item in items),
        lacks=tuple((item, lack) for item, lack in recipe.lacks if item in items),
    )


def _incomplete(recipe: Recipe) -> Fault:
    return Fault(
        f"audio/{recipe.script}",
        say(
            "{language} is not all there: {items}.",
            language=words.language(recipe.language),
            items=words.lacks(recipe),
        ),
        say("See what is missing: broadcaster recording missing."),
    )


def _assembled(assembly: "Assembly", recipes: Sequence[Recipe]) -> list[_Made]:
    made = []
    with output.progress(_("Assembling"), len(recipes)) as step:
        for recipe in recipes:
            step(f"{recipe.area} {recipe.language}")
            try:
                made.append(_Made(recipe, None if recipe.lacks else assembly.make(recipe)))
            except BroadcasterError as error:
                output.faults(error.faults)
                made.append(_Made(recipe, None))
    return made


def _written(
    content: Content,
    assembly: "Assembly",
    made: Sequence[_Made],
    to: Path,
    channel: Channel | None,
    cover: Path | None,
    link: str,
    *,
    many: bool,
    draft: bool,
    now: datetime,
) -> list[_Made]:
    from broadcaster import channels

    done = []
    named_file = not many and to.suffix  # a file's name, not a folder's: that of all the files of a channel
    folder = to.parent if named_file else to
    with output.progress(_("Writing files"), len(made)) as step:
        for one in made:
            step(one.recipe.area)
            files: list[Path] = []
            if one.programme is not None:
                recipe, pieces = one.recipe, one.programme.pieces
                script = content.scripts[recipe.script]
                cues = assembly.cues(recipe, one.programme)
                stem = (to.stem if named_file else _stem(recipe)) + ("_draft" if draft else "")
                if channel is None:
                    target = folder / f"{stem}.opus" if many else to
                    channels.export(pieces, target)
                    files = [target]
                elif channel is Channel.RINGBACK:
                    files = channels.ringback(pieces, folder, stem)
                elif channel is Channel.SOCIAL:
                    station = content.station.name
                    files = channels.social(pieces, cues, script.title, station, folder, stem, cover)
                elif channel is Channel.RADIO:
                    files = channels.radio(pieces, cues, script.title, content.station.name, folder, stem, tr)
                else:
                    files = [folder / f"{stem}.mp3"]
                    channels.export(pieces, files[0])
            done.append(replace(one, files=files))
    ready = [number for number, one in enumerate(done) if one.files]
    if channel is Channel.FEED and ready:
        files = _feed(content, [done[number] for number in ready], folder, link, now)
        first = done[ready[0]]
        done[ready[0]] = replace(first, files=[*first.files, *files])
    return done


def _feed(content: Content, made: Sequence[_Made], to: Path, link: str, now: datetime) -> list[Path]:
    """One episode a version; the same bulletin keeps its name and date, a changed one gets new ones."""
    from broadcaster import channels

    episodes = []
    for one in made:
        script = content.scripts[one.recipe.script]
        language = words.language(one.recipe.language)
        place = content.areas.find(one.recipe.area, now.date())
        episodes.append(
            channels.Episode(
                title=f"{script.title} ({language}, {place.name if place else one.recipe.area})",
                description=" ".join(part.text.strip() for part in one.recipe.parts),
                published=_approved_at(content, one.recipe) or now,
                seconds=one.programme.seconds if one.programme else 0.0,
                file=one.files[0],
                guid=one.programme.digest if one.programme else "",
            )
        )
    name = content.station.name
    return channels.feed(episodes, name, link, name, VIETNAMESE, to)


def _approved_at(content: Content, recipe: Recipe) -> datetime | None:
    """When the last of its approvals was given; so the same bulletin keeps its date."""
    history = content.approvals.get(recipe.script, Approvals()).history
    return max((one.at for one in history if one.language == recipe.language), default=None)


def _stem(recipe: Recipe) -> str:
    return f"{recipe.script}_{recipe.area.replace('/', '+')}_{recipe.language}"


def _tell(assembly: "Assembly", made: Iterable[_Made], *, json: bool) -> None:
    rows: list[dict[str, Any]] = [
        {
            "script": one.recipe.script,
            "language": one.recipe.language,
            "area": one.recipe.area,
            "state": "ready" if one.programme else "missing",
            "items": {item: lack.value for item, lack in one.recipe.lacks},
            "seconds": round(one.programme.seconds, 1) if one.programme else None,
            "files": [str(file) for file in one.files]
            or ([str(assembly.playlist(one.programme.digest))] if one.programme else []),
        }
        for one in made
    ]
    if json:
        output.as_json(rows)
        return
    output.table(
        (_("Script"), _("Language"), _("Area"), _("Length"), _("State")),
        [
            (
                one.recipe.script,
                words.language(one.recipe.language),
                one.recipe.area,
                output.length(one.programme.seconds) if one.programme else "–",
                "\n".join(row["files"]) or words.lacks(one.recipe) or _("see the fault above"),
            )
            for one, row in zip(made, rows, strict=True)
        ],
        right=(3,),
    )


def preview(
    context: typer.Context,
    name: Name,
    area: Area = None,
    language: Language = VIETNAMESE,
    item: Items = None,
    profile: Profile = "full",
    card: Annotated[
        str,
        typer.Option("--card", help=_("The sound output to hear it on, not one that feeds loudspeakers.")),
    ] = "default",
) -> None:
    from threading import Event

    from broadcaster.edges.sink import CardSink, Reel

    here: Here = context.obj
    content, assembly = listened(here).on_trial(), here.assembly()
    fed = [one.name for one in content.station.clusters if one.sink == f"card:{card}"]
    if fed and daemon_runs(here.root):
        raise BroadcasterError(
            Fault(
                f"card:{card}",
                say(
                    "This output feeds the loudspeakers of {clusters}: everybody would hear it.",
                    clusters=", ".join(fed),
                ),
                say("Name other headphones with --card, or write a file: broadcaster script render -o FILE."),
            )
        )
    named(content.scripts, name)
    named(dict.fromkeys(PROFILES), profile)
    now = here.now(content)
    (place,) = _places(content, area, None, now)
    recipe = _only(recipe_at(content, name, language, place, now.date(), profile), item)
    if recipe.lacks:
        raise BroadcasterError(_incomplete(recipe))
    programme = assembly.make(recipe)
    output.line(_("{length} to hear; Ctrl-C ends it.").format(length=output.length(programme.seconds)))
    clock = SystemClock()
    reel = Reel(programme.pieces)
    played = CardSink(card, clock).play(reel, clock.now(), Event(), lambda _seconds: None)
    reel.close()
    if played.fault is not None:
        raise BroadcasterError(
            played.fault,
            Fault(
                "", say("It cannot be heard here."), say("Write a file: broadcaster script render -o FILE.")
            ),
        )
