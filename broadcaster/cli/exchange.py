"""schedule template, export, import: schedules as Excel workbooks and calendars."""

import re
import tomllib
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from broadcaster.edges.calendars import Leaving, read_calendar, schedules_calendar
from broadcaster.edges.content.holidays import NAMES
from broadcaster.edges.content.schedules import NO_SCHEDULES
from broadcaster.edges.documents import read_timetable, write_timetable
from broadcaster.edges.editing import as_text, schedule_text, seen
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, said, say
from broadcaster.model.schedule import Schedule
from broadcaster.model.script import IDENTIFIER, identifier

from . import asking, output
from .asking import Area
from .change import DryRun, Yes, command, path_of, propose
from .here import Here
from .language import _

MOST = 100  # schedules of one file, notes that are told of it
UNORDERED = {"times", "months", "weekdays", "days"}  # whatever their order, they say the same
LISTS = {"script", "season", "not_in_season"}  # or a single one
COMMENT = re.compile(r"""(?m)^(?:[^"'\n]|"(?:\\.|[^"\\\n])*"|'[^'\n]*')*?#""")


@dataclass(frozen=True)
class Incoming:
    """A schedule of a file that is imported: its new text, and the rows that it came from, by kind."""

    text: str
    data: Mapping[str, Any]
    rows: Mapping[str, Sequence[int]]


def add_to(app: typer.Typer) -> None:
    app.command(
        "template",
        help=_("An Excel workbook to write schedules into, with the station's lists to choose from."),
    )(template)
    app.command("export", help=_("Write schedules into an Excel workbook or a calendar (.xlsx, .ics)."))(
        export
    )
    app.command("import", help=_("Take schedules in from an Excel workbook or a calendar (.xlsx, .ics)."))(
        take_in
    )


def template(
    context: typer.Context,
    to: Annotated[Path, typer.Argument(metavar=_("FILE.xlsx"), help=_("The workbook to write."))],
) -> None:
    here: Here = context.obj
    _ending(to, ".xlsx")
    write_timetable(here.outside(to), {}, _choices(here, here.content()), _guide())
    output.line(_("Written: {file}").format(file=to))
    output.line(_("When it is filled in: broadcaster schedule import {file}").format(file=to))


def export(
    context: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar=_("[NAME]…"), help=_("Which schedules; all by default."))
    ] = None,
    to: Annotated[
        Path,
        typer.Argument(metavar=_("FILE"), help=_("The file to write: .xlsx or .ics."), show_default=False),
    ] = ...,  # type: ignore[assignment] # after names that may be missing, and needed all the same
) -> None:
    here: Here = context.obj
    ending = _ending(to, ".xlsx", ".ics")
    content = here.content()
    paths = {name: path_of(here, name) for name in names or [one.id for one in content.schedules]}
    chosen = [one for one in content.schedules if one.id in paths]
    if lost := sorted(paths.keys() - {one.id for one in chosen}):
        raise BroadcasterError(
            Fault(
                ", ".join(lost),
                say("A schedule that cannot be used as it is cannot be exported."),
                say("Mend what is said of it: broadcaster check"),
            )
        )
    was = seen(here.root, paths.values())
    texts = {one.id: as_text(paths[one.id], was[paths[one.id]] or b"") for one in chosen}
    if ending == ".xlsx":
        data = {name: tomllib.loads(text) for name, text in texts.items()}
        write_timetable(here.outside(to), data, _choices(here, content), _guide())
        if commented := [name for name, text in texts.items() if COMMENT.search(text)]:
            _note(
                ", ".join(commented),
                say("Comments in the files have no place in a workbook."),
                say("They stay in schedules/; an import that changes nothing keeps them."),
            )
    else:
        _write_calendar(here, here.outside(to), content, chosen, texts)
    if seasonal := [
        one.id
        for one in chosen
        if any(rule.season or rule.not_in_season for rule in (*one.rules, *one.campaigns))
    ]:
        _note(
            ", ".join(seasonal),
            say("The seasons themselves do not travel, only their names."),
            say("Where it is imported they are needed too: schedules/seasons.toml."),
        )
    output.line(_("Written: {file} ({count} schedules)").format(file=to, count=len(chosen)))


def _write_calendar(
    here: Here, to: Path, content: Content, chosen: Iterable[Schedule], texts: Mapping[str, str]
) -> None:
    now = here.now(content)
    first, last = date(now.year, 1, 1), date(now.year + 1, 12, 31)
    until = _("Silent days, seasons and holidays are worked in until {day:%d/%m/%Y}.").format(day=last)
    leaving = [Leaving(one, texts[one.id], _Seasons(content, one)) for one in chosen]
    zone = content.station.timezone
    data = schedules_calendar(content.station.name, until, leaving, zone, first, last, now)
    try:
        to.write_bytes(data)
    except OSError as error:
        raise BroadcasterError(
            Fault(
                str(to),
                say("The file cannot be written: {error}.", error=said(error)),
                say("See that you may write there, and that the disk is neither full nor read-only."),
            )
        ) from error
    _note(
        str(to),
        say("Silent days, seasons and holidays are worked in until {day}.", day=f"{last:%d/%m/%Y}"),
        say("Export it again next year. Other programs see times only, not quotas and sessions."),
    )


@dataclass(frozen=True)
class _Seasons:
    """What runs on a day at each cluster that hears *schedule*."""

    content: Content
    schedule: Schedule

    def __call__(self, day: date) -> list[set[str]]:
        content, schedule = self.content, self.schedule
        places = {
            one.area for one in content.station.clusters if content.hears(one.area, schedule.areas, day)
        }
        return [
            {one.name for one in content.seasons_of(schedule, place, day) if day in one.within}
            for place in places
        ] or [set()]


def take_in(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("An .xlsx or .ics file."))],
    script: Annotated[
        list[str] | None, typer.Option(help=_("What is broadcast, where the file does not say it."))
    ] = None,
    area: Area = None,
    replace_those: Annotated[
        bool, typer.Option("--replace", help=_("Schedules of the same name are replaced."))
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    here: Here = context.obj
    if _ending(file, ".xlsx", ".ics") == ".xlsx":
        found, notes = _from_workbook(here, file)
    else:
        found, notes = _from_calendar(here, file)
    output.faults(notes[:MOST])
    if len(notes) > MOST:
        output.line(_("… and {count} more notes of this kind").format(count=len(notes) - MOST))
    found = {name: _completed(one, script, area) for name, one in found.items()}
    _see_that_it_fits(file, found)
    new: dict[str, str | bytes | None] = {}
    paths = {name: f"schedules/{name}.toml" for name in found}
    was = seen(here.root, paths.values())
    rows, there = [], []
    for name, one in found.items():
        state, before = _("new"), was[paths[name]]
        old = {} if before is None else _data_of(before)
        if before is not None and _meaning(old) == _meaning(one.data):
            state = _("unchanged")
        else:
            new[paths[name]] = one.text
        if before is not None and paths[name] in new:
            state = _("replaced")
            there.append(name)
            if lost := [day for day in _holidays(old) if day not in _holidays(one.data)]:
                _note(
                    paths[name],
                    say("It is no longer silent in every year on: {days}.", days=", ".join(lost)),
                    say("If it shall be: broadcaster schedule except {name} {day}", name=name, day=lost[0]),
                )
            if COMMENT.search(before.decode("utf-8", "replace")) and not COMMENT.search(one.text):
                _note(
                    paths[name],
                    say("The comments in this file go with what is replaced."),
                    say("It is kept: broadcaster schedule undo brings it back."),
                )
        rows.append(
            (name, str(one.data.get("title", "")), _told(one.rows.get("", ())), _amount(one.data), state)
        )
    output.table((_("Schedule"), _("Title"), _("Rows"), _("Contents"), _("State")), rows)
    if there and not replace_those and not dry_run and not _agreed(there, yes=yes):
        raise BroadcasterError(
            Fault(
                ", ".join(there),
                say("There are schedules of these names already."),
                say("To replace them: --replace. To have both, give them other names in the file."),
            )
        )
    if not new:
        output.line(_("Nothing was changed."))
        return
    try:
        propose(here, new, command(), yes=yes, dry_run=dry_run, was={path: was[path] for path in new})
    except BroadcasterError as error:
        raise BroadcasterError(*(_in_rows(fault, file, found) for fault in error.faults)) from error


def _from_workbook(here: Here, file: Path) -> tuple[dict[str, Incoming], list[Fault]]:
    timetable = read_timetable(file)
    found: dict[str, Incoming] = {}
    for called, data in timetable.schedules.items():
        found[_name(here, called, found)] = Incoming("", {"title": called, **data}, timetable.rows[called])
    return found, list(timetable.notes)


def _from_calendar(here: Here, file: Path) -> tuple[dict[str, Incoming], list[Fault]]:
    zone = here.load().content.station.timezone
    arrived = read_calendar(file, zone, _("left out in {file}").format(file=file.name))
    found: dict[str, Incoming] = {}
    for called, text in arrived.texts.items():
        found[_name(here, called, found)] = Incoming(text, _data_of(text.encode()), {})
    for called, data in arrived.schedules.items():
        found[_name(here, called, found)] = Incoming("", data, {})
    return found, list(arrived.notes)


def _name(here: Here, called: str, taken: Container[str]) -> str:
    """What a schedule that is *called* so is named here."""
    if IDENTIFIER.fullmatch(called) or called in {path.stem for path in (here.root / "schedules").iterdir()}:
        return called
    return identifier(called, taken)


def _completed(one: Incoming, script: Sequence[str] | None, area: Sequence[str] | None) -> Incoming:
    """*one* with what the options say of script and areas, where it does not say that itself."""
    if one.text:
        return one
    head = {key: one.data[key] for key in ("title", "script", "areas") if key in one.data}
    if script and "script" not in _said(one.data):
        head["script"] = asking.one_or_all(script)
    if area and "areas" not in head:
        head["areas"] = area
    data = head | {key: value for key, value in one.data.items() if key not in head}
    return replace(one, data=data, text=schedule_text(data))


def _see_that_it_fits(file: Path, found: Mapping[str, Incoming]) -> None:
    faults = []
    if not found:
        faults.append(
            Fault(
                str(file),
                say("There is no schedule in this file."),
                say("Write one into it: each row, or each appointment with a time, is one."),
            )
        )
    if len(found) > MOST:
        faults.append(
            Fault(
                str(file),
                say("There are {count} schedules in this file.", count=len(found)),
                say("Import at most {most} at a time.", most=MOST),
            )
        )
    faults += [
        Fault(name, say("A schedule cannot have this name."), say("Give it another name in the file."))
        for name in found
        if name in NO_SCHEDULES
    ]
    wanted = {"script": "--script", "areas": "--area"}
    lacks = {name: wanted.keys() - _said(one.data) for name, one in found.items()}
    missing = [option for key, option in wanted.items() if any(key in lack for lack in lacks.values())]
    if missing and not faults:
        lacking = [name for name, lack in lacks.items() if lack]
        faults.append(
            Fault(
                ", ".join(lacking[:5]) + (" …" if len(lacking) > 5 else ""),
                say("The file does not say what is broadcast, or where."),
                say("Write it into the file, or name it: {options}.", options=", ".join(missing)),
            )
        )
    if faults:
        raise BroadcasterError(*faults)


def _said(data: Mapping[str, Any]) -> set[str]:
    """The keys that *data* answers: a relay needs no script."""
    return {*data, *(["script"] if "relay" in data else [])}


def _data_of(text: bytes) -> Mapping[str, Any]:
    """What a file says; nothing if it is broken: then it is no equal of anything."""
    try:
        return tomllib.loads(as_text("", text))
    except (BroadcasterError, ValueError, RecursionError):
        return {}


def _meaning(value: Any, key: str = "") -> Any:
    """*value* of a schedule's file, so that what says the same is equal: a workbook puts times in order."""
    if isinstance(value, str):
        value = " ".join(value.split())
        return [value] if key in LISTS else value
    if isinstance(value, Mapping):
        if value.keys() == {"holiday"}:
            return _meaning(value["holiday"])
        return {name: _meaning(one, name) for name, one in value.items()}
    if not isinstance(value, list):
        return value
    if key in UNORDERED:
        return sorted({str(one) for one in value})
    return [_meaning(one) for one in value]


def _holidays(data: Mapping[str, Any]) -> list[str]:
    """By their names; none where `except` is no list at all."""
    written = data.get("except")
    there = written if isinstance(written, list) else []
    named = [one.get("holiday", "") if isinstance(one, Mapping) else one for one in there]
    return [str(one) for one in named if one]


def _agreed(there: Sequence[str], *, yes: bool) -> bool:
    if yes or not asking.asks():
        return False
    return asking.confirm(_("Replace {names}?").format(names=", ".join(there)), default=False)


def _in_rows(fault: Fault, file: Path, found: Mapping[str, Incoming]) -> Fault:
    """*fault*, with the row of the workbook that it is about instead of a line that nobody has seen."""
    one = found.get(Path(fault.file).stem)
    if one is None or not one.rows:
        return fault
    table = re.search(r"\[(\w+) (\d+)\]", fault.where)
    rows = one.rows.get(table[1], ()) if table else ()
    if table and table[1] == "except":  # faults count the tables, and not the mere names of holidays
        rows = [row for row, each in zip(rows, one.data["except"], strict=True) if not isinstance(each, str)]
    row = rows[int(table[2]) - 1] if table and int(table[2]) <= len(rows) else one.rows[""][0]
    place = _("{file}, row {row}").format(file=file.name, row=row)
    return replace(fault, where=f"{place}: {fault.where}", line=None)


def _told(rows: Sequence[int]) -> str:
    return "" if not rows else str(rows[0]) if len(rows) == 1 else f"{rows[0]}-{rows[-1]}"


def _amount(data: Mapping[str, Any]) -> str:
    named = {
        "rule": _("rules"),
        "campaign": _("campaigns"),
        "except": _("silent"),
        "move": _("moves"),
        "extra": _("extra dates"),
    }
    return ", ".join(f"{word}: {len(data[key])}" for key, word in named.items() if data.get(key))


def _note(where: str, what: Any, following: Any) -> None:
    output.faults([Fault(where, what, following, warning=True)])


def _ending(file: Path, *known: str) -> str:
    if file.suffix.lower() not in known:
        raise BroadcasterError(
            Fault(
                str(file),
                say("Schedules are imported and exported as {endings} only.", endings=", ".join(known)),
                say("Name such a file. From another program, save it as one of these first."),
            )
        )
    return file.suffix.lower()


def _choices(here: Here, content: Content) -> dict[str, list[str]]:
    today = here.now(content).date()
    titles = {one.name: one.title for one in content.seasons}
    return {
        "script": [f"{one.id} · {one.title}" for one in content.scripts.values()],
        "areas": [f"{one.code} · {one.name}" for one in content.areas if one.holds(today)],
        "season": [f"{name} · {title}" for name, title in titles.items()],
        "holiday": list(NAMES),
    }


def _guide() -> list[str]:
    """How a workbook is filled in; headings and words in quotes are those of its columns."""
    return [
        _("How to fill in the timetable"),
        "",
        _("Each row is one part of a schedule. Rows with the same name are one schedule."),
        _("“Tên lịch”: small letters, digits and hyphens. Left empty, it is that of the row above."),
        _("“Tiêu đề”, “Kịch bản”, “Địa bàn”, “Loại bản tin”, “Đang dùng”: once for each schedule."),
        _("Several values stand in one cell, with commas between them: 11, 24 or 05:30, 17:30 or T3, T6."),
        "",
        _("What a row is, in “Loại dòng”:"),
        _("Quy tắc: when it sounds. Without days it is every day. Example: Thứ = T3, T6; Giờ phát = 17:30"),
        _("Đợt cao điểm: replaces the rules from “Từ ngày” to “Đến ngày”. Example: 01/11/2026, 30/11/2026"),
        _("Nghỉ: silent from “Từ ngày” to “Đến ngày” with a “Lý do”, or on a “Ngày lễ” such as Tết"),
        _("Dời: the broadcast of “Vào lúc” sounds at “Chuyển đến”, this once. Example: 20/11/2026 17:30"),
        _("Thêm: one more broadcast at “Vào lúc”"),
        "",
        _("“Tiếp âm”: the address of a relay, which lasts for “Số phút”; “Kịch bản” then replaces it."),
        _("“Ít nhất/tuần”: so many broadcasts a week; lost ones are made good."),
        _("“Mùa vụ”: only in this season. “Tránh mùa vụ”: silent in it."),
        _("“RRULE”: a recurrence of RFC 5545, from “Từ ngày” on. Example: FREQ=MONTHLY;BYDAY=1MO"),
        "",
        _("The sheet “Danh mục” holds what can be chosen; of “03160 · Xã …” the code is enough."),
        _("Columns of your own are left alone. Formulas count as what they show. No macros."),
        _("When it is ready: broadcaster schedule import FILE.xlsx"),
    ]
