"""alert: an emergency on air at once, again and again until it ends."""

import re
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadcaster.edges.control import ask
from broadcaster.model import typed
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, did_you_mean, say
from broadcaster.model.plan import recipe_at
from broadcaster.model.programme import Programme
from broadcaster.model.script import UNDETERMINED

from . import air, output, words
from .here import Here
from .language import _

if TYPE_CHECKING:
    from broadcaster.assembly import Assembly
    from broadcaster.model.cap import Broadcast, CapMessage

SOUNDS = frozenset(
    [
        ".mp3",
        ".m4a",
        ".aac",
        ".wav",
        ".ogg",
        ".oga",
        ".opus",
        ".flac",
        ".amr",
        ".3gp",
        ".wma",
        ".webm",
        ".mp4",
    ]
)
IDENTIFIER = re.compile(r"[a-z0-9_./-]+")  # who writes such a word means a script or a file
LONGEST_TITLE = 60  # letters
EVERY, LASTS = 5.0, 60.0  # minutes from call to call, and until it expires, where nothing is said
LEAST, MOST_EVERY, MOST_LASTS = 0.5, 1440, 10_080
MEMORY = Path("/dev/shm")  # noqa: S108 - where there is no disk, or a full one


def add_to(app: typer.Typer) -> None:
    app.command("alert", help=_("An emergency: on air at once, over everything, until it ends."))(alert)


@dataclass(frozen=True)
class Place:
    """A cluster on which it is to be heard."""

    id: str
    name: str
    profile: str
    languages: Sequence[str]


Say = Callable[["Assembly", Place], list[tuple[str, Programme]]]  # language, programme


def alert(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar=_("TEXT|SCRIPT|FILE"), help=_("Words to be spoken, a script's name, or an audio file.")
        ),
    ] = None,
    cluster: Annotated[
        list[str] | None, typer.Option(help=_("Only this cluster; may be given again."))
    ] = None,
    every: Annotated[
        float, typer.Option(min=LEAST, max=MOST_EVERY, help=_("Minutes from call to call."))
    ] = EVERY,
    lasts: Annotated[
        float, typer.Option("--for", min=LEAST, max=MOST_LASTS, help=_("Minutes until it expires."))
    ] = LASTS,
    clear: Annotated[
        bool, typer.Option("--clear", help=_("The all-clear: ends all, or the one named."))
    ] = False,
    cap: Annotated[
        str | None, typer.Option(metavar=_("FILE|-"), help=_("A CAP 1.2 message; - reads it from a pipe."))
    ] = None,
) -> None:
    here: Here = context.obj
    if clear:
        _clear(here, what)
    elif cap is not None and what is not None:
        raise BroadcasterError(
            Fault(
                what,
                say("An emergency has its own words or those of a CAP message, not both."),
                say("Order them one after the other."),
            )
        )
    elif cap is not None:
        _cap(here, _read(cap), cluster or [], every * 60)
    elif what is None or not what.strip():
        raise BroadcasterError(
            Fault(
                "",
                say("An emergency of what words?"),
                say(
                    "Write them: {example}", example='broadcaster alert "Nước lũ đang về, bà con lên chỗ cao"'
                ),
            )
        )
    else:
        order(here, meant(here, what), cluster or [], every * 60, lasts * 60)


@dataclass(frozen=True)
class Meant:
    """What an emergency says."""

    title: str
    script: str  # "" if it is of no script
    make: Say


def of_script(here: Here, name: str) -> Meant:
    """Raises BroadcasterError where nothing of it could sound anywhere."""
    content = here.content()
    if name not in content.scripts:
        raise BroadcasterError(
            Fault(name, say("The script cannot be used."), say("See what is wrong: broadcaster check."))
        )
    _check_whole(content, name, here)
    return Meant(
        content.scripts[name].title,
        name,
        lambda made_by, place: _recited(here, content, name, made_by, place),
    )


def of_words(text: str) -> Meant:
    """Words that the voice speaks."""
    text = "".join(one if one.isprintable() or one == "\n" else " " for one in typed.written(text))
    title = " ".join(text.split())
    title = title if len(title) <= LONGEST_TITLE else f"{title[:LONGEST_TITLE]}…"
    return Meant(
        title, "", lambda made_by, place: [("vi", made_by.spoken(_spoken(text), "vi", place.profile))]
    )


def order(here: Here, meant: Meant, clusters: Sequence[str], every: float, left: float, by: str = "") -> None:
    """Raise it at once: again every so many seconds, until so many are *left* no more."""
    _order(here, secrets.token_hex(3), meant, clusters, every, left, by)


def take_up(
    here: Here, name: str, meant: Meant, clusters: Sequence[str], every: float, left: float, by: str
) -> None:
    """Raise the emergency *name*, which comes from elsewhere; one that waits for its words gets them."""
    waiting = {one["id"] for one in ask(here.root, "status", {})["alerts"] if not one["has_words"]}
    if name in waiting:
        every_one = here.content().station.clusters
        places = [
            Place(one.id, one.name, one.profile, one.languages) for one in every_one if one.id in clusters
        ]
        _hand_over(here, name, meant, places)
    else:
        _order(here, name, meant, clusters, every, left, by)


def of_file(path: Path, title: str) -> Meant:
    """An audio file, called *title*."""
    return Meant(
        typed.written(title),
        "",
        lambda made_by, place: [(UNDETERMINED, made_by.from_file(path, place.profile))],
    )


def meant(here: Here, what: str) -> Meant:
    if _there(here.root / "audio" / what / "script.toml"):
        return of_script(here, what)
    path = Path(what)
    if _there(path):
        if path.suffix.lower() not in SOUNDS:  # it may be no sound at all: find out before anybody is alarmed
            _try(here, path)
        return of_file(path, path.name)
    if IDENTIFIER.fullmatch(what.strip()):
        scripts = sorted(one.parent.name for one in (here.root / "audio").glob("*/script.toml"))
        raise BroadcasterError(
            Fault(
                what,
                say("There is neither a script nor a file of this name, and one word is no message."),
                did_you_mean(what, scripts, say("Write two words or more, or the name of a file.")),
            )
        )
    return of_words(what)


def _try(here: Here, path: Path) -> None:
    """Raise BroadcasterError if it is no sound; on a disk that takes nothing that shows later."""
    with closing(here.assembly_in(here.var)) as assembly:
        try:
            assembly.from_file(path)
        except BroadcasterError as error:
            if not isinstance(error.__cause__, OSError):
                raise


def _there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # words are no path: they may be too long for one
        return False


def _spoken(text: str) -> str:
    from broadcaster.model.spoken import spoken

    return spoken(text, {})


def _check_whole(content: Content, script: str, here: Here) -> None:
    """Raise BroadcasterError if no language of the script could sound anywhere here: before the tone does."""
    today = here.now(content).date()
    recipes = [
        recipe_at(content, script, language, one.area, today, one.profile)
        for one in content.station.clusters
        for language in one.languages
    ]
    words.whole(recipes, say("Have it approved, or write the words instead: broadcaster alert “…”."))


def _recited(
    here: Here, content: Content, script: str, made_by: "Assembly", place: Place
) -> list[tuple[str, Programme]]:
    cluster = next(one for one in content.station.clusters if one.id == place.id)
    today = here.now(content).date()
    recipes = [
        recipe_at(content, script, language, cluster.area, today, cluster.profile)
        for language in cluster.languages
    ]
    for lacking in (one for one in recipes if one.lacks):
        output.line(
            _("Not said in {language} at {place}: {items}.").format(
                language=words.language(lacking.language), place=place.name, items=words.lacks(lacking)
            )
        )
    return [(one.language, made_by.make(one)) for one in recipes if not one.lacks]


def _order(
    here: Here,
    name: str,
    meant: Meant,
    clusters: Sequence[str],
    every: float,
    left: float,
    by: str = "",
) -> None:
    """Have the signal tone sound, make the words meanwhile, and hand them over."""
    asked = {"id": name, "title": meant.title, "clusters": clusters, "every": every, "left": left}
    asked |= {"script": meant.script} if meant.script else {}
    try:
        told = ask(here.root, "alert", asked, by)
    except BroadcasterError:
        air.needs_daemon(here)
        raise
    places = [Place(*one) for one in told["clusters"]]
    output.line(
        _("EMERGENCY {id} goes on air now: {places}.").format(
            id=name, places=", ".join(one.name for one in places)
        )
    )
    try:
        _hand_over(here, name, meant, places)
    except BroadcasterError:
        ask(here.root, "clear", {"ids": [name]})
        raise
    output.line(
        _("Again every {every} min, for {left} min. To end it: broadcaster alert --clear").format(
            every=f"{every / 60:g}", left=f"{round(left / 60, 1):g}"
        )
    )
    _tell_silent(here, places)


def _tell_silent(here: Here, places: Sequence[Place]) -> None:
    """Raise BroadcasterError for clusters whose output takes no sound: it is tried again, but who knows."""
    alarms = {one["key"]: one for one in ask(here.root, "status", {})["alarms"]}
    silent = [alarms[key] for one in places if (key := f"sound/{one.id}") in alarms]
    if silent:
        raise BroadcasterError(*(Fault(one["where"], one["what"], one["next"]) for one in silent))


def _hand_over(here: Here, name: str, meant: Meant, places: Sequence[Place]) -> None:
    """Make the words: on the disk, or where that takes nothing, in memory."""
    kept_in = MEMORY / f"broadcaster-{sha256(str(here.root).encode()).hexdigest()[:16]}"
    for folder in (here.var, kept_in):
        assembly = here.assembly_in(folder)
        try:
            made = {one.id: [(tag, each.digest) for tag, each in meant.make(assembly, one)] for one in places}
            break
        except BroadcasterError as error:
            if folder == kept_in or not isinstance(error.__cause__, OSError):
                raise
        finally:
            assembly.close()
    asked = {"id": name, "script": meant.script, "folder": str(folder), "programmes": made}
    ask(here.root, "words", asked)


def _clear(here: Here, name: str | None) -> None:
    air.needs_daemon(here)
    told = ask(here.root, "clear", {"ids": [name] if name else None})
    if told["cleared"]:
        _all_clear(told)
    elif name:
        raise BroadcasterError(
            Fault(
                name, say("No such emergency is in force."), say("See what is in force: broadcaster status.")
            )
        )
    else:
        output.line(_("No emergency is in force."))


def _all_clear(told: Mapping[str, Any]) -> None:
    output.line(_("The all-clear: {names}. The plan goes on.").format(names=", ".join(told["cleared"])))
    if not told["kept"]:
        output.faults(
            [
                Fault(
                    "",
                    say("The disk takes nothing: should the machine start anew, the emergency sounds again."),
                    say("Make room on the disk, and give the all-clear once more after a restart."),
                    warning=True,
                )
            ]
        )


# CAP 1.2


def _read(source: str) -> bytes:
    from broadcaster.edges.cap import LARGEST

    if source == "-":
        return sys.stdin.buffer.read(LARGEST + 1)
    with Path(source).open("rb") as file:
        return file.read(LARGEST + 1)


def _cap(here: Here, data: bytes, clusters: Sequence[str], every: float) -> None:
    """Do what a CAP message asks, as far as it concerns this station."""
    from broadcaster.edges.cap import read
    from broadcaster.model.cap import Broadcast, Clear, Refused, fit

    message = read(data)
    output.faults(message.notes)
    air.needs_daemon(here)
    content, state = here.content(), ask(here.root, "status", {})
    zone = content.station.timezone
    now = None if state["clock"] else datetime.fromisoformat(state["now"]).astimezone(zone)
    day = here.now(content).date()
    known = [one["id"] for one in state["alerts"]] + state["past_alerts"]
    fits = {
        one.id: fit(
            message,
            content.areas.upwards(one.area, day),
            one.languages,
            content.station.position,
            now,
            known,
            state["past_alerts"],
        )
        for one in content.station.clusters
        if not clusters or one.id in clusters
    }
    sounding = {name: one for name, one in fits.items() if isinstance(one, Broadcast)}
    ended = [key for one in fits.values() if isinstance(one, Clear) for key in one.references]
    ended += [key for one in sounding.values() for key in one.replaces]
    refused = [one for one in fits.values() if isinstance(one, Refused)]
    if ended:
        told = ask(here.root, "clear", {"ids": list(dict.fromkeys(ended))})
        if told["cleared"]:
            _all_clear(told)
        elif not sounding:
            output.line(_("Nothing of it was in force."))
    if not sounding and not ended:
        raise BroadcasterError(*{str(fault): fault for one in refused for fault in one.reasons}.values())
    if sounding:
        _order_cap(here, message, sounding, every)


def _order_cap(here: Here, message: "CapMessage", sounding: Mapping[str, "Broadcast"], every: float) -> None:
    first = next(iter(sounding.values()))
    said = next(one for infos in first.said.values() for one in infos)
    lasts = max(one.lasts for one in sounding.values())

    def make(made_by: "Assembly", place: Place) -> list[tuple[str, Programme]]:
        infos = sounding[place.id].said
        for tag in dict.fromkeys([*sounding[place.id].lacking, *(tag for tag in infos if tag != "vi")]):
            output.line(
                _("Not said in {language} at {place}: no voice speaks it.").format(
                    language=words.language(tag), place=place.name
                )
            )
        text = " ".join(one.info.text for one in infos.get("vi", ()))
        if not text:
            raise BroadcasterError(
                Fault(
                    message.key,
                    say("The message says nothing in Vietnamese, and no voice speaks its other languages."),
                    say("Order it in your own words: broadcaster alert “…”."),
                )
            )
        return [("vi", made_by.spoken(_spoken(text), "vi", place.profile))]

    title = said.info.headline or said.info.event
    _order(
        here,
        message.key,
        Meant(title, "", make),
        list(sounding),
        every,
        min(lasts, timedelta(days=7)).total_seconds(),
    )
