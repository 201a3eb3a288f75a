"""approve: who vouches for which words and recordings; what is approved, and what no longer is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from broadcaster.edges.editing import append_line
from broadcaster.fleet.registry import Registry
from broadcaster.model.approval import Approval, Approvals, Role, bound, given
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.recording import Lack, Recording
from broadcaster.model.script import VIETNAMESE, Item, Script

from . import output, words
from .here import Here, named
from .language import _
from .plan import Json, listened

NEEDED = (Role.REVIEWER, Role.LISTENER)  # what the air asks for


def add_to(app: typer.Typer) -> None:
    app.command("approve", help=_("Approve words and recordings as they are now; only these go on air."))(
        approve
    )


def approve(
    context: typer.Context,
    script: Annotated[
        str | None,
        typer.Argument(metavar=_("[SCRIPT]"), help=_("The script's name; all of them with --list.")),
    ] = None,
    name: Annotated[str, typer.Option(help=_("Who approves it."))] = "",
    role: Annotated[
        list[Role] | None,
        typer.Option(
            metavar="author|translator|reviewer|listener",
            help=_(
                "What that person did. Needed, and the default: reviewer for words, listener for recordings."
            ),
        ),
    ] = None,
    language: Annotated[
        list[str] | None, typer.Option(help=_("Vietnamese, if none is named; may be given again."))
    ] = None,
    item: Annotated[list[str] | None, typer.Option(help=_("Only this item; may be given again."))] = None,
    area: Annotated[
        list[str] | None, typer.Option(help=_("Only recordings for this area; may be given again."))
    ] = None,
    show: Annotated[bool, typer.Option("--list", help=_("Show what is approved, and by whom."))] = False,
    history: Annotated[
        bool, typer.Option("--history", help=_("Show every line that was ever added."))
    ] = False,
    revoke: Annotated[
        bool, typer.Option("--revoke", help=_("Take approvals back. The history stays."))
    ] = False,
    json: Json = False,
) -> None:
    here: Here = context.obj
    name = " ".join(name.split())
    if history or show:
        with here.reading() as store:
            content = here.content(store)
        scripts = [named(content.scripts, script)] if script else list(content.scripts.values())
        if history:
            _tell_history(content, scripts, json=json)
        else:
            _tell(_standing(content, scripts), json=json)
        return
    # Taking back goes without the station's memory: it must not wait for anything.
    content = here.content() if revoke else listened(here)
    one = _asked(content, script, name, item or [], language or [], area or [])
    if revoke:
        added = content.approvals[one.id].taken_back(
            name, here.now(content), role or list(Role), languages=language, items=item, areas=area
        )
    else:
        roles = role or ((Role.LISTENER,) if area else NEEDED)
        added = vouched(here, content, one, name, roles, language or [VIETNAMESE], item, area)
    write_down(here, one, added)
    if json:
        output.as_json([_as_dict(one.id, each) for each in added])
    else:
        _tell_added(added, revoke=revoke, province=Registry(here.root).exists)


def vouched(
    here: Here,
    content: Content,
    script: Script,
    name: str,
    roles: Sequence[Role],
    languages: Sequence[str],
    items: Sequence[str] | None = None,
    areas: Sequence[str | None] | None = None,
) -> list[Approval]:
    """The lines by which *name* approves a script as *content* has it: these *items* and *areas*, or all."""
    return list(
        given(
            script,
            content.recordings,
            roles,
            name,
            here.now(content),
            languages=languages,
            items=items or [each.id for each in script.items],
            areas=areas or None,
            dictionary=content.dictionary_of(script.id),
        )
    )


def write_down(here: Here, script: Script, added: Sequence[Approval]) -> None:
    """Raises BroadcasterError if there are none."""
    if not added:
        what = say("There is nothing of this kind to approve or take back.")
        following = say("See what is there: broadcaster approve --list. Other languages: --language.")
        raise BroadcasterError(Fault(f"audio/{script.id}", what, following))
    for each in added:
        append_line(here.root / "audio" / script.id / "approvals.jsonl", each.line)


def _asked(
    content: Content, script: str | None, name: str, items: list[str], languages: list[str], areas: list[str]
) -> Script:
    """The script that is to be approved; raises BroadcasterError with all that is wrong with the question."""
    faults: list[Fault] = []
    scripts = list(content.scripts.values())
    if script is None:
        faults.append(
            Fault("", say("Which script?"), say("Known are: {known}.", known=", ".join(content.scripts)))
        )
    else:
        try:
            scripts = [named(content.scripts, script)]
        except BroadcasterError as error:
            faults += error.faults
    if not name or not name.isprintable():  # what a shell could not read cannot be written either
        faults.append(
            Fault("", say("Nobody is named as approving this."), say('Write it: --name "Full name".'))
        )
    for asked, known in (
        (items, [item.id for one in scripts for item in one.items]),
        (languages, [tag for one in scripts for tag in content.languages_of(one)]),
        (areas, [one.area for one in content.recordings if one.area]),
    ):
        for one in asked:
            try:
                named(dict.fromkeys(known), one)
            except BroadcasterError as error:
                faults += error.faults
    if faults:
        raise BroadcasterError(*faults)
    return scripts[0]


def _standing(content: Content, scripts: Iterable[Script]) -> list[dict[str, Any]]:
    """Every text and recording: what keeps it off the air, and who did what for it."""
    rows = []
    for script in scripts:
        approvals = content.approvals.get(script.id, Approvals())
        for item in script.items:
            for tag in content.languages_of(script):
                for one, lack in pieces(content, script, item, tag):
                    if one is None and tag not in item.text:
                        continue
                    place = one.area if one else None
                    rows.append(
                        {
                            "script": script.id,
                            "item": item.id,
                            "language": tag,
                            "area": place,
                            "file": one.path if one else None,
                            "state": lack.value if lack else "approved",
                            **{role.value: _who(approvals, role, tag, item.id, place) for role in Role},
                        }
                    )
    return rows


def pieces(
    content: Content, script: Script, item: Item, tag: str
) -> Iterator[tuple[Recording | None, Lack | None]]:
    """An item's recordings in one language (None: words alone), and what keeps each off the air."""
    approvals = content.approvals.get(script.id, Approvals())
    found: list[Recording | None] = [*content.recordings_of(script.id, item.id, tag)]
    for one in found or [None]:
        place, is_for = one.area if one else None, bound(item, tag, one, content.dictionary_of(script.id))
        yield one, (one.lack if one else None) or approvals.lack(tag, item.id, place, is_for)


def _who(
    approvals: Approvals, role: Role, language: str, item: str, area: str | None
) -> dict[str, str] | None:
    said = approvals.last(role, language, item, area if role is Role.LISTENER else None)
    return {"name": said.name, "at": said.at.isoformat(timespec="seconds")} if said else None


def _tell(rows: list[dict[str, Any]], *, json: bool) -> None:
    if json:
        output.as_json(rows)
        return
    output.table(
        (_("Script"), _("Item"), _("Language"), _("Area"), _("State"), *map(_heading, Role)),
        [
            (
                row["script"],
                row["item"],
                words.language(row["language"]),
                row["area"] or _("all"),
                _("approved") if row["state"] == "approved" else words.lack(row["state"]),
                *(_signed(row[role.value]) for role in Role),
            )
            for row in rows
        ],
    )


def _heading(role: Role) -> str:
    told = words.role(role)
    return told[:1].upper() + told[1:]


def _signed(said: Mapping[str, str] | None) -> str:
    return f"{said['name']}, {said['at'][:10]}" if said else "–"


def _tell_history(content: Content, scripts: Iterable[Script], *, json: bool) -> None:
    lines = [(one.id, each) for one in scripts for each in content.approvals.get(one.id, Approvals()).history]
    if json:
        output.as_json([_as_dict(script, each) for script, each in lines])
        return
    output.table(
        (_("Time"), _("Name"), _("Did"), _("Script"), _("Item"), _("Language"), _("Area")),
        [
            (
                f"{each.at:%Y-%m-%d %H:%M}",
                each.name,
                (_("taken back: {role}") if each.revoked else "{role}").format(role=words.role(each.role)),
                script,
                each.item,
                words.language(each.language),
                each.area or _("all"),
            )
            for script, each in lines
        ],
    )


def _as_dict(script: str, one: Approval) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(timespec="seconds"),
        "name": one.name,
        "role": one.role.value,
        "revoked": one.revoked,
        "script": script,
        "item": one.item,
        "language": one.language,
        "area": one.area,
        "source": one.source,
        "words": one.words,
        "sound": one.sound,
        "said": one.said,
    }


def _tell_added(added: list[Approval], *, revoke: bool, province: bool) -> None:
    sounds = sum(bool(one.sound) for one in added)
    told = (
        _("Taken back: {texts} texts, {recordings} recordings.")
        if revoke
        else _("Approved: {texts} texts, {recordings} recordings.")
    )
    output.line(told.format(texts=len(added) - sounds, recordings=sounds))
    if revoke:
        output.line(_("If it sounds at this moment, it ends; what was put on air by hand goes on."))
    output.line(_("How everything stands: broadcaster approve --list"))
    if province:
        output.line(_("To send it to the stations: broadcaster province publish"))
