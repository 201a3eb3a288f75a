"""script list, show, new, edit, copy, sheet, import."""

import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadcaster.model.errors import BroadcasterError, Fault, said, say, unread
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.script import (
    GROUPS,
    Item,
    Script,
    fill,
    identifier,
    language_fault,
    placeholders,
    words_mark,
)

from . import output, words
from .here import Here, named
from .language import _, tr
from .plan import Json

if TYPE_CHECKING:
    from broadcaster.edges.documents import Row, Sheet

LARGEST_TEXT = 1_000_000  # bytes; the loader takes no larger file

app = typer.Typer(help=_("The words of messages."), no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar=_("NAME"), help=_("The script's name."))]
NewName = Annotated[
    str,
    typer.Argument(metavar=_("NEW"), help=_("The new script's name: small letters, digits and hyphens.")),
]
Title = Annotated[str | None, typer.Option(help=_("The title, as lists and reports show it."))]
Author = Annotated[str | None, typer.Option(help=_("Who wrote it."))]
Group = Annotated[
    str | None, typer.Option(metavar="|".join(GROUPS), help=_("The group of people that it is for."))
]
Class = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="|".join(one.word for one in BulletinClass),
        help=_("The bulletin class of schedules that do not name one."),
    ),
]
Language = Annotated[
    str | None, typer.Option(metavar=_("TAG"), help=_("A language tag such as vi or hmn-Latn-VN."))
]


@app.command("list", help=_("Every script."))
def show_all(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    scripts = here.content().scripts.values()
    rows = [
        {
            "script": one.id,
            "title": one.title,
            "group": one.group,
            "class": one.bulletin_class.word,
            "author": one.author,
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
        (_("Script"), _("Title"), _("Group"), _("Class"), _("Items"), _("Length, about")),
        [
            (
                one.id,
                one.title,
                words.group(one.group),
                words.bulletin_class(one.bulletin_class.word),
                str(len(one.items)),
                output.length(float(str(row["seconds"]))),
            )
            for one, row in zip(scripts, rows, strict=True)
        ],
        right=(4, 5),
    )


@app.command("show", help=_("The words of one script, as a cluster hears them."))
def show(
    context: typer.Context,
    name: Name,
    cluster: Annotated[str | None, typer.Option(help=_("Fill in the words of this cluster's place."))] = None,
    language: Language = None,
    json: Json = False,
) -> None:
    here: Here = context.obj
    content = here.content()
    one = named(content.scripts, name)
    _check_language(language)
    known: dict[str, str] = {}
    if cluster is not None:
        place = named({each.id: each for each in content.station.clusters}, cluster)
        known = content.areas.words(place.area, here.now(content).date())
    texts = {
        item.id: {
            tag: fill(text, _Partly(known)).strip()
            for tag, text in item.text.items()
            if language in (None, tag)
        }
        for item in one.items
    }
    if json:
        output.as_json(
            {
                "script": one.id,
                "title": one.title,
                "group": one.group,
                "class": one.bulletin_class.word,
                "author": one.author,
                "chime": one.chime,
                "bed": one.bed,
                "items": [
                    {"item": item.id, "pause": item.pause, "text": texts[item.id]} for item in one.items
                ],
            }
        )
        return
    told = [
        f"{one.title} ({one.id})",
        words.group(one.group),
        words.bulletin_class(one.bulletin_class.word),
        one.author,
    ]
    output.line(" · ".join(filter(None, told)))
    for number, item in enumerate(one.items, 1):
        for tag, text in texts[item.id].items():
            output.line(f"\n{number}. {item.id} · {words.language(tag)}")
            output.line(text)


class _Partly(dict[str, str]):
    """Words to fill in; one that is not known stays as its placeholder."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


@app.command("new", help=_("A new script; its words from a text, a paragraph an item, if there is one."))
def new(
    context: typer.Context,
    name: NewName,
    title: Title = None,
    group: Group = None,
    author: Author = None,
    bulletin_class: Class = None,
    from_text: Annotated[
        Path | None,
        typer.Option(
            "--from-text",
            metavar=_("FILE|-"),
            help=_("A text in UTF-8, or - for what is piped in; empty lines part its paragraphs."),
        ),
    ] = None,
    json: Json = False,
) -> None:
    from broadcaster.edges.editing import new_script

    here: Here = context.obj
    here.load()  # no station, no script: say so before anything is written
    _check_choices(group, bulletin_class)
    text = "Kính thưa bà con {area.name}!" if from_text is None else _read(from_text)
    items: list[Item] = []
    for paragraph in _paragraphs(text):
        _check_words(str(from_text), "vi", paragraph)
        items.append(Item(identifier(paragraph, [one.id for one in items]), {"vi": paragraph}))
    if not items:
        raise BroadcasterError(_no_words(str(from_text)))
    values = {"title": title or name, "group": group, "author": author, "class": bulletin_class}
    new_script(here.root, name, {key: value for key, value in values.items() if value}, items)
    _tell_faults(here, name)
    if json:
        output.as_json({"script": name, "file": _file(name), "items": [one.id for one in items]})
        return
    output.line(_("The script is in {file}; its items:").format(file=_file(name)))
    for one in items:
        output.line(f"  {one.id}")
    output.line(_("Next: broadcaster script edit {name}, then name it in a schedule.").format(name=name))


@app.command(
    "edit", help=_("Change what the options say; with none, open script.toml in an editor and check it.")
)
def edit(
    context: typer.Context,
    name: Name,
    item: Annotated[
        str | None, typer.Option(help=_("The item that --text, --file and --pause mean."))
    ] = None,
    language: Language = None,
    text: Annotated[str | None, typer.Option(help=_("The item's new words in that language."))] = None,
    file: Annotated[
        Path | None,
        typer.Option(metavar=_("FILE|-"), help=_("The same from a file, or - for what is piped in.")),
    ] = None,
    pause: Annotated[
        float | None, typer.Option(min=0, max=30, help=_("Seconds of silence after the item."))
    ] = None,
    add: Annotated[
        bool, typer.Option("--add", help=_("Add the item at the end if it is not there."))
    ] = False,
    title: Title = None,
    group: Group = None,
    author: Author = None,
    bulletin_class: Class = None,
    chime: Annotated[str | None, typer.Option(help=_("A file in audio/chimes/; empty for none."))] = None,
    bed: Annotated[str | None, typer.Option(help=_("A file in audio/beds/; empty for none."))] = None,
    json: Json = False,
) -> None:
    from broadcaster.edges.editing import edit_script

    here: Here = context.obj
    loaded = here.load()
    left_out = (one.removeprefix("audio/") for one in loaded.left_out if one.startswith("audio/"))
    named({one: one for one in (*loaded.content.scripts, *left_out)}, name)
    given = {"title": title, "group": group, "author": author, "class": bulletin_class}
    given |= {"chime": chime, "bed": bed}
    values = {key: value for key, value in given.items() if value is not None}
    if text is not None and file is not None:
        raise typer.BadParameter(_("The words come from --text or from --file."), param_hint="--file")
    if (text is None and file is None and pause is None) is not (item is None):
        raise typer.BadParameter(_("--item goes with --text, --file or --pause."), param_hint="--item")
    if item is None and not values:
        before = (here.root / _file(name)).read_bytes()
        _open_editor(here.root / _file(name))
        changed = (here.root / _file(name)).read_bytes() != before
    else:
        _check_language(language)
        _check_choices(group, bulletin_class)
        texts = {}
        if item is not None and (text is not None or file is not None):
            new_text = _read(file) if file is not None else str(text)
            _check_words(f"{name}, {item}", language or "vi", new_text)
            texts[item, language or "vi"] = new_text
        pauses = {item: pause} if item is not None and pause is not None else {}
        changed = edit_script(here.root, name, values=values, texts=texts, pauses=pauses, add=add)
    faults = _tell_faults(here, name)
    if json:
        output.as_json({"script": name, "file": _file(name), "changed": changed, "faults": faults})
        return
    output.line(_("Changed: {file}").format(file=_file(name)) if changed else _("Nothing was changed."))


@app.command("copy", help=_("The words of a script as a new one; recordings and approvals stay behind."))
def copy(
    context: typer.Context, name: Name, new_name: NewName, title: Title = None, json: Json = False
) -> None:
    from broadcaster.edges.editing import copy_script

    here: Here = context.obj
    named(here.content().scripts, name)
    copy_script(here.root, name, new_name, title or "")
    if json:
        output.as_json({"script": new_name, "file": _file(new_name), "from": name})
        return
    output.line(_("The copy is in {file}.").format(file=_file(new_name)))
    output.line(_("The copy has no recordings and no approvals yet."))


@app.command("sheet", help=_("A sheet of words for a translator or an announcer, to fill in or to print."))
def sheet(
    context: typer.Context,
    name: Name,
    to: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.docx|FILE.html", help=_("The file to write."))
    ],
    language: Language = "vi",
    area: Annotated[
        str | None, typer.Option(help=_("Fill in the words of this area, to be read aloud there."))
    ] = None,
    json: Json = False,
) -> None:
    from broadcaster.edges.documents import Heading, Row, Sheet, write_sheet

    here: Here = context.obj
    content = here.content()
    one = named(content.scripts, name)
    _check_language(language)
    tag, today, known = language or "vi", here.now(content).date(), dict[str, str]()
    if area is not None:
        named({each: each for each in content.areas.codes}, area)
        known = content.areas.words(area, today)
    rows = []
    for item in one.items:
        source, text = (fill(item.text.get(each, ""), _Partly(known)).strip() for each in ("vi", tag))
        rows.append(Row(item.id, words_mark(item.text.get("vi", "")), source, text, item.seconds))
    about = [content.station.name, _("Language: {language}").format(language=words.language(tag))]
    if place := (content.areas.find(area, today) if area is not None else None):
        about.append(_("Area: {area}").format(area=f"{place.name} ({place.code})"))
    about.append(_("Day: {day}").format(day=f"{today:%d/%m/%Y}"))
    heading = Heading(
        one.title,
        [" · ".join(about)],
        _guide(tag),
        (_("No."), _("Item"), words.language("vi"), words.language(tag), _("Seconds, about")),
    )
    if to.exists():
        what = say("There is a file of this name already; somebody may have written into it.")
        raise BroadcasterError(Fault(str(to), what, say("Name another file, or take that one away.")))
    write_sheet(here.outside(to), Sheet(one.id, tag, rows), heading)
    if json:
        output.as_json({"script": one.id, "language": tag, "file": str(to), "items": len(rows)})
        return
    output.line(_("The sheet is in {file}.").format(file=to))


def _guide(tag: str) -> list[str]:
    if tag == "vi":
        return [
            _("Read each item in one go, and calmly; leave a short silence before and after it."),
            _("The last column is about how many seconds it takes."),
        ]
    return [
        _("Write the words of each item in its row, in the column {column}.").format(column=f"[{tag}]"),
        _("Say what the Vietnamese says, as people talk; it need not be word by word."),
        _("Keep words in braces such as {example} as they are: the place's name is put there.").format(
            example="{area.name}"
        ),
        _("Do not change the column of items: it tells where each text belongs."),
    ]


@app.command("import", help=_("The words of a sheet that was filled in (.docx)."))
def take_in(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.docx", help=_("The sheet that came back."))],
    force: Annotated[
        bool,
        typer.Option("--force", help=_("Also where the Vietnamese changed since the sheet was written.")),
    ] = False,
    json: Json = False,
) -> None:
    from broadcaster.edges.documents import read_sheet
    from broadcaster.edges.editing import edit_script

    here: Here = context.obj
    content = here.content()
    came = read_sheet(file)
    _check_language(came.language)
    script = named(content.scripts, came.script)
    found = [(row, *_judge(came, row, script, str(file), force=force)) for row in came.rows]
    taken = {(row.item, came.language): row.text for row, state, _f in found if state in ("new", "changed")}
    if taken:
        edit_script(here.root, script.id, texts=taken)
    output.faults(fault for _r, _s, fault in found if fault)
    if json:
        output.as_json(
            [
                {
                    "script": script.id,
                    "language": came.language,
                    "item": row.item or None,
                    "state": state,
                    "reason": tr(fault.what) if fault else None,
                }
                for row, state, fault in found
            ]
        )
        return
    states = {
        "new": _("new"),
        "changed": _("changed"),
        "same": _("as before"),
        "blank": _("left blank"),
        "refused": _("refused"),
    }
    output.line(f"{script.title} ({script.id}) · {words.language(came.language)}")
    output.table((_("Item"), _("State")), [(row.item or "?", states[state]) for row, state, _f in found])


def _judge(sheet: "Sheet", row: "Row", script: Script, file: str, *, force: bool) -> tuple[str, Fault | None]:
    """What becomes of one row: new, changed, same, blank or refused; and what there is to say of it."""
    item = next((one for one in script.items if one.id == row.item), None)
    where = f"{file} [{row.item or '?'}]"
    if item is None and not row.item:
        return "refused", Fault(
            where,
            say("It cannot be told which item these words are of: {words}.", words=f"“{row.text[:40]}…”"),
            say("Write the item's id into its column, as it stood there when the sheet was written."),
        )
    if item is None:
        return "refused", Fault(
            where,
            say("The script has no item “{item}”.", item=row.item),
            say("Known are: {known}.", known=", ".join(one.id for one in script.items)),
        )
    if not row.text:
        return "blank", None
    if Counter(one.item for one in sheet.rows if one.text)[row.item] > 1:
        return "refused", Fault(
            where,
            say("The item stands in the sheet twice."),
            say("Put its words into one row and take the other out."),
        )
    source, before = item.text.get("vi", ""), item.text.get(sheet.language, "")
    if before.split() == row.text.split():
        return "same", None
    if (fault := _placeholder_fault(where, sheet.language, source, row.text)) is not None:
        return "refused", fault
    state, fault = "changed" if before else "new", None
    if row.mark != words_mark(source):
        fault = Fault(
            where,
            say("The Vietnamese text has changed since the sheet was written."),
            say("Compare the two; if the words still fit, import with --force."),
            warning=force,
        )
    return ("refused" if fault and not force else state), fault


def _placeholder_fault(where: str, tag: str, source: str, text: str) -> Fault | None:
    """What is wrong with the words in braces of a translation."""
    wanted = set(placeholders(source))
    try:
        has = set(placeholders(text))
    except ValueError:
        return _brace(where, tag)
    lost = ", ".join(f"{{{one}}}" for one in sorted(wanted - has))
    for name in sorted(has - wanted):
        meant = get_close_matches(name, wanted, 1) or sorted(wanted - has)[:1]
        return Fault(
            where,
            say("{name} does not stand in the Vietnamese text.", name=f"{{{name}}}"),
            say("Did you mean “{meant}”?", meant=f"{{{meant[0]}}}")
            if meant
            else say("Take it out, or write the words themselves."),
        )
    if lost:
        return Fault(
            where,
            say("The words lack {placeholders} of the Vietnamese text.", placeholders=lost),
            say("Write {placeholders} where that is to be heard, then import again.", placeholders=lost),
        )
    return None


def _file(name: str) -> str:
    return f"audio/{name}/script.toml"


def _paragraphs(text: str) -> Iterable[str]:
    """The stretches of *text* between empty lines."""
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            lines.append(line.strip())
        elif lines:
            yield "\n".join(lines)
            lines = []


def _read(path: Path) -> str:
    """The text in *path*, or what is piped in for `-`."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(LARGEST_TEXT + 1)
        else:
            with path.open("rb") as file:
                data = file.read(LARGEST_TEXT + 1)
        if len(data) > LARGEST_TEXT:
            raise BroadcasterError(
                Fault(
                    str(path),
                    say("The file is larger than 1 MB; content files are small."),
                    say("Put the right file in its place."),
                )
            )
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise BroadcasterError(unread(str(path), error)) from error


def _check_language(tag: str | None) -> None:
    if tag is not None and (fault := language_fault("--language", tag)):
        raise BroadcasterError(fault)


def _check_choices(group: str | None, bulletin_class: str | None) -> None:
    given: Mapping[str, tuple[str | None, Iterable[str]]] = {
        "--group": (group, GROUPS),
        "--class": (bulletin_class, [one.word for one in BulletinClass]),
    }
    for option, (value, known) in given.items():
        if value and value not in known:
            raise typer.BadParameter(
                tr(say("one of: {choices}", choices=", ".join(known))), param_hint=option
            )


def _check_words(where: str, tag: str, text: str) -> None:
    if not text.strip():
        raise BroadcasterError(_no_words(where))
    try:
        placeholders(text)
    except ValueError:
        raise BroadcasterError(_brace(where, tag)) from None


def _no_words(where: str) -> Fault:
    return Fault(where, say("There are no words in it."), say("Write what is to be heard."))


def _brace(where: str, tag: str) -> Fault:
    return Fault(
        where,
        say("A brace in the text “{tag}” has no partner.", tag=tag),
        say("Write placeholders like {example}.", example="{area.name}"),
    )


def _tell_faults(here: Here, name: str) -> list[dict[str, Any]]:
    """Load what was written and tell every fault of that script."""
    found = [one for one in here.load().faults if one.where.startswith(f"audio/{name}/")]
    output.faults(found)
    return [{"where": one.where, "what": tr(one.what), "next": tr(one.next)} for one in found]


def _open_editor(path: Path) -> None:
    import os
    import shlex
    import shutil
    import subprocess

    usual = next(filter(shutil.which, ("sensible-editor", "nano", "vi")), "nano")
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or usual
    try:
        subprocess.run([*shlex.split(editor), str(path)], check=False)
    except (OSError, ValueError) as error:
        raise BroadcasterError(
            Fault(
                editor,
                say("No editor could be started: {error}.", error=said(error)),
                say("Name one in the environment, such as EDITOR=nano, or change the file by hand."),
            )
        ) from error
