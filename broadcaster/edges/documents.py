"""Office files: sheets for translators and announcers go out and come back filled in; tables go out."""

import html
import math
import os
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from broadcaster.model import typed
from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say
from broadcaster.model.schedule import WEEKDAYS

LARGEST_FILE = 20_000_000  # bytes, packed or unpacked: a sheet of words is a hundredth of that
MOST_ENTRIES = 1000
OLE = b"\xd0\xcf\x11\xe0"  # the first bytes of .doc, and of any Office file with a password
TOO_LARGE = (
    say("The file is larger than any sheet: more than 20 MB."),
    say("Take pictures out of it; import only sheets that you know."),
)
GONE = {"del", "moveFrom", "Fallback"}  # deleted or moved away by tracked changes; shown twice
FONT = "Times New Roman"
WIDTHS = (10, 34, 105, 105, 19)  # mm, of the columns of a sheet
UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"), "") | {
    ord("\u00a0"): " ",
    ord("\u202f"): " ",
    ord("\u2010"): "-",
    ord("\u2011"): "-",
}


@dataclass(frozen=True)
class Row:
    """One item of a sheet."""

    item: str  # "" where the reader's file does not tell any more
    mark: str  # of the Vietnamese words when the sheet was written
    source: str  # the Vietnamese words, as shown
    text: str  # the words in the sheet's language; "" is room for them
    seconds: float = 0.0


@dataclass(frozen=True)
class Sheet:
    """
    The words of a script for a translator or an announcer.

    Which script, language and item it is stands in the table itself, where every office program keeps
    it: `[#script]` and `[language]` in the heading, `item #mark` in each row.
    """

    script: str
    language: str
    rows: Sequence[Row]


@dataclass(frozen=True)
class Heading:
    """What a sheet says around its words, in the reader's language."""

    title: str
    about: Sequence[str]  # station, language, date …
    guide: Sequence[str]  # how to fill it in
    columns: tuple[str, str, str, str, str]  # number, item, Vietnamese, the sheet's language, seconds


def write_sheet(to: Path, sheet: Sheet, heading: Heading) -> None:
    """
    Write *sheet* as .docx or .html, as *to* is named.

    A sheet in Vietnamese has its words once. Raises BroadcasterError for another name, or if it cannot
    be written.
    """
    columns = [(heading.columns[0], WIDTHS[0]), (f"{heading.columns[1]}\n[#{sheet.script}]", WIDTHS[1])]
    columns.append((f"{heading.columns[2]} [vi]", WIDTHS[2]))
    if sheet.language != "vi":
        columns.append((f"{heading.columns[3]} [{sheet.language}]", WIDTHS[3]))
    columns.append((heading.columns[4], WIDTHS[4]))
    rows = [
        (
            str(number),
            f"{row.item}\n#{row.mark}",
            *((row.source,) if sheet.language == "vi" else (row.source, row.text)),
            str(math.ceil(row.seconds)),
        )
        for number, row in enumerate(sheet.rows, 1)
    ]
    if to.suffix.lower() == ".docx":
        save(to, _docx(heading, columns, rows))
    elif to.suffix.lower() in (".html", ".htm"):
        save(to, _html(heading, sheet.language, columns, rows).encode())
    else:
        raise _refused(
            to,
            say("A sheet is a .docx or an .html file."),
            say("Name the file so: .docx to fill it in on a computer, .html to print it."),
        )


def _docx(heading: Heading, columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]]) -> bytes:
    import docx
    from docx.enum.section import WD_ORIENT
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn
    from docx.shared import Mm, Pt

    document = docx.Document()
    document.core_properties.title, document.core_properties.author = _plain(heading.title), ""
    for one in document.styles.element.xpath("w:docDefaults//w:lang"):
        one.set(qn("w:val"), "vi-VN")  # else every word is underlined as wrong
    for name, size in (("Normal", 13), ("Heading 1", 18)):
        style = document.styles[name]
        style.element.get_or_add_rPr().get_or_add_rFonts().attrib.clear()  # the theme's font goes first
        style.font.name, style.font.size = FONT, Pt(size)
        style.paragraph_format.space_after = Pt(2)
    (section,) = document.sections
    section.orientation, section.page_width, section.page_height = WD_ORIENT.LANDSCAPE, Mm(297), Mm(210)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(12)
    document.add_heading(_plain(heading.title), 1)
    for line in heading.about:
        document.add_paragraph(_plain(line))
    for line in heading.guide:
        document.add_paragraph(_plain(line), style="List Bullet")
    table = document.add_table(0, len(columns), style="Table Grid")
    table.autofit = False
    for index, (_name, width) in enumerate(columns):
        table.columns[index].width = Mm(width)  # for LibreOffice; Word goes by the cells
    for number, texts in enumerate([[name for name, _width in columns], *rows]):
        row = table.add_row()
        kept = OxmlElement("w:tblHeader" if number == 0 else "w:cantSplit")
        row._tr.get_or_add_trPr().append(kept)  # noqa: SLF001 - python-docx has no other way
        for index, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
            cell.width = Mm(columns[index][1])
            cell.text = _plain(text)
            for run in cell.paragraphs[0].runs:
                run.bold = number == 0
                if index == 1:
                    run.font.size = Pt(9)
    written = BytesIO()
    document.save(written)
    return written.getvalue()


PAGE = """<!DOCTYPE html>
<html lang="vi"><head><meta charset="utf-8"><title>{title}</title><style>
@page {{ size: A4 landscape; margin: 12mm }}
body {{ font: 13pt/1.5 "Times New Roman", serif; margin: 1em auto; max-width: 273mm }}
h1 {{ font-size: 18pt; margin: 0 }} p {{ margin: 0 }} ul {{ margin: .3em 0 .8em }}
table {{ border-collapse: collapse; width: 100% }} thead {{ display: table-header-group }}
tr {{ break-inside: avoid }}
th, td {{ border: 1px solid #444; padding: 4px 6px; text-align: left; vertical-align: top; white-space: pre-line }}
td:nth-child(2) {{ font-size: 9pt }} td:last-child {{ text-align: right }}
</style></head><body><h1>{title}</h1>
{about}
<ul>{guide}</ul>
<table><colgroup>{widths}</colgroup><thead><tr>{columns}</tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""  # noqa: E501


def _html(
    heading: Heading, language: str, columns: Sequence[tuple[str, int]], rows: Sequence[Sequence[str]]
) -> str:
    def cell(index: int, text: str) -> str:
        spoken = f' lang="{html.escape(language)}"' if index == len(columns) - 2 else ""
        return f"<td{spoken}>{html.escape(text)}</td>"

    total = sum(width for _name, width in columns)
    return PAGE.format(
        title=html.escape(heading.title),
        about="\n".join(f"<p>{html.escape(line)}</p>" for line in heading.about),
        guide="".join(f"<li>{html.escape(line)}</li>" for line in heading.guide),
        widths="".join(f'<col style="width:{100 * width / total:.1f}%">' for _name, width in columns),
        columns="".join(f"<th>{html.escape(name)}</th>" for name, _width in columns),
        rows="\n".join(
            f"<tr>{''.join(cell(index, text.strip()) for index, text in enumerate(row))}</tr>" for row in rows
        ),
    )


def read_sheet(path: Path) -> Sheet:
    """
    What came back in a .docx that `write_sheet` wrote, whatever was done to it meanwhile.

    Tracked changes count as accepted; rows may have moved, columns and paragraphs been added. Raises
    BroadcasterError if it is no such file.
    """
    body = _body(path)
    script = language = ""
    item_at = source_at = text_at = -1
    rows = []
    for table in _below(body, "tbl"):
        for line in _below(table, "tr"):
            cells = _cells(line)
            if (head := _head(cells)) is not None:
                script, language, item_at, source_at, text_at = head
            elif script:
                known = re.fullmatch(r"([a-z0-9-]+)(?:#([0-9a-f]{8}))?", _packed(cells.get(item_at, "")))
                text = cells.get(text_at, "")
                if known or text:
                    item, mark = (known[1], known[2] or "") if known else ("", "")
                    rows.append(Row(item, mark, cells.get(source_at, ""), text))
    if not script:
        raise _refused(
            path,
            say("There is no sheet in this file: its table with the items is missing."),
            say("Fill in a file that was made by: broadcaster script sheet."),
        )
    return Sheet(script, language, tuple(rows))


def _head(cells: dict[int, str]) -> tuple[str, str, int, int, int] | None:
    """Script, language, and the columns of item, Vietnamese and translation, if this is the heading."""
    scripts = {at: found[1] for at, text in cells.items() if (found := re.search(r"\[#([a-z0-9-]+)\]", text))}
    tags = {at: found[1] for at, text in cells.items() if (found := re.search(r"\[([\w-]+)\]", text))}
    if len(scripts) != 1 or not tags:
        return None
    ((item_at, script),) = scripts.items()
    source_at = next((at for at, tag in tags.items() if tag == "vi"), -1)
    text_at = next((at for at, tag in tags.items() if tag != "vi"), source_at)
    return script, tags[text_at], item_at, source_at, text_at


def _body(path: Path) -> Any:
    """The XML of the document in *path*, once it is sure that it can do no harm."""
    if path.suffix.lower() in (".html", ".htm"):
        raise _refused(
            path,
            say("A sheet as .html is for printing; it does not come back."),
            say("Fill in the same as .docx: broadcaster script sheet … -o FILE.docx"),
        )
    another = say("Save it in Word or LibreOffice as “Word document (.docx)”, and import that.")
    data = _package(path, say("This is a .doc of old Word."), another)
    import docx

    try:
        if _modest(ZipFile(BytesIO(data)).infolist()):
            return docx.Document(BytesIO(data)).element.body
    except Exception as error:  # both libraries stumble over damaged files in many ways
        raise _refused(path, say("This is no .docx file, or a damaged one."), another) from error
    raise _refused(path, *TOO_LARGE)


def _package(path: Path, old: Text, another: Text) -> bytes:
    """The bytes of an Office file; *old* says what it is without a package, *another* how to save one."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if path.is_file() and size <= LARGEST_FILE else b""
    except OSError as error:
        raise _refused(
            path,
            say("The file cannot be read: {error}.", error=said(error)),
            say("See that it is there and that you may read it."),
        ) from error
    if size > LARGEST_FILE:
        raise _refused(path, *TOO_LARGE)
    if data.startswith(OLE) and "EncryptedPackage".encode("utf-16-le") in data:
        raise _refused(
            path, say("The file is protected by a password."), say("Save it without one, and import that.")
        )
    if data.startswith(OLE):
        raise _refused(path, old, another)
    return data


def _modest(entries: Sequence[ZipInfo], largest: int = LARGEST_FILE) -> bool:
    """Can a package be opened without filling the memory? No more is unpacked than its contents say."""
    return len(entries) <= MOST_ENTRIES and sum(one.file_size for one in entries) <= largest


def _local(element: Any) -> str:
    """The name of an XML element without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _below(element: Any, name: str) -> Iterator[Any]:
    """The elements *name* in *element*, but for those within another such, and those that are gone."""
    for child in element:
        if _local(child) == name:
            yield child
        elif _local(child) not in GONE:
            yield from _below(child, name)


def _cells(row: Any) -> dict[int, str]:
    """The texts of a table's row by the column that they begin in; none if the row was deleted."""
    if any(_local(one) == "del" for part in row if _local(part) == "trPr" for one in part):
        return {}
    at = _number(row, "gridBefore", 0)
    cells = {}
    for cell in _below(row, "tc"):
        cells[at] = _tidy(_words(cell))
        at += _number(cell, "gridSpan", 1)
    return cells


def _number(element: Any, name: str, default: int) -> int:
    """What the setting *name* of a row or cell says."""
    for part in element:
        for one in part if _local(part) in ("trPr", "tcPr") else ():
            if _local(one) == name:
                with suppress(StopIteration, ValueError):
                    return int(next(iter(one.values())))
    return default


def _words(element: Any) -> str:
    plain = {"br": "\n", "cr": "\n", "tab": " ", "noBreakHyphen": "-"}
    words = ""
    for child in element:
        name = _local(child)
        if name == "t":
            words += child.text or ""
        elif name not in GONE:
            words += plain.get(name) or _words(child) + ("\n" if name == "p" else "")
    return words


def _tidy(text: str) -> str:
    """*text* as an officer would type it: no hard spaces, no empty lines around it."""
    text = unicodedata.normalize("NFC", text.translate(UNSEEN))
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def _packed(text: str) -> str:
    """An id without the spaces and capitals that an office program put in, and with plain hyphens."""
    return re.sub(r"\s", "", text.lower()).replace("–", "-").replace("—", "-")


def _refused(path: Path, what: Text, following: Text) -> BroadcasterError:
    return BroadcasterError(Fault(str(path), what, following))


# Tables


Cell = str | int | float | date | datetime | None


SheetOf = tuple[str, Sequence[str], Iterable[Sequence[Cell]]]  # title, columns, rows


def write_workbook(
    to: Path,
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[Cell]],
    *,
    note: str = "",
    more: Iterable[SheetOf] = (),
) -> None:
    """
    A workbook of one sheet and *more*: title, *note*, and a table that filters, scrolls and prints well.

    No text is ever taken for a formula; moments lose their zone and keep their wall time. Raises
    BroadcasterError if it cannot be written.
    """
    from openpyxl import Workbook

    book = Workbook()
    book.properties.creator, book.properties.title = "", _plain(title)
    _fill(book.active, title, columns, rows, note)
    for another in more:
        _fill(book.create_sheet(), *another, note)
    written = BytesIO()
    book.save(written)
    save(to, written.getvalue())


@dataclass(frozen=True)
class Form:
    """A form as an office signs it: on its first sheet, before the tables."""

    title: str
    about: Sequence[tuple[str, str]]  # what stands above the table: name, value
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]  # the first is the total
    note: str
    signatures: Sequence[str]


def write_form(to: Path, form: Form, tables: Iterable[SheetOf]) -> None:
    """A workbook with *form*, and a sheet for each of *tables*. Raises BroadcasterError."""
    from openpyxl import Workbook

    book = Workbook()
    book.properties.creator, book.properties.title = "", _plain(form.title)
    _fill_form(book.active, form)
    for another in tables:
        _fill(book.create_sheet(), *another, form.note)
    written = BytesIO()
    book.save(written)
    save(to, written.getvalue())


def _tab(title: str) -> str:
    """The name of a sheet, of what such a name may hold."""
    return re.sub(r"[\[\]:*?/\\']", " ", _plain(title)).strip()[:31] or "1"


def _on_paper(sheet: Any, head: int, orientation: str) -> None:
    """As wide as the paper, with the heading in row *head* on each page, and in sight."""
    sheet.freeze_panes, sheet.print_title_rows = f"A{head + 1}", f"{head}:{head}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = orientation, sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0


def _fill_form(sheet: Any, form: Form) -> None:
    from openpyxl.styles import Alignment, Border, Font, Side
    from openpyxl.utils import get_column_letter

    count, thin = len(form.columns), Side("thin")
    middle = Alignment(horizontal="center", vertical="center", wrap_text=True)
    sheet.title = _tab(form.title)

    def across(row: int, text: str, *, bold: bool = False, size: int = 13, height: float = 0) -> None:
        cell = _put(sheet, row, 1, text)
        cell.font, cell.alignment = Font(FONT, size, bold=bold), middle
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=count)
        if height:
            sheet.row_dimensions[row].height = height

    for row, (name, told) in enumerate(form.about, 1):
        cell = _put(sheet, row, 1, f"{name}: {told}")
        cell.font = Font(FONT, 12)
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=count)
    top = len(form.about) + 2
    across(top, form.title, bold=True, size=15, height=26)
    across(top + 1, form.note, size=11, height=48)
    head = top + 3
    for row, values in enumerate([form.columns, *form.rows], head):
        for column, value in enumerate(values, 1):
            cell = _put(sheet, row, column, value)
            cell.border = Border(thin, thin, thin, thin)
            cell.font = Font(FONT, 12, bold=row <= head + 1)
            left = isinstance(value, str) and row > head
            cell.alignment = Alignment(vertical="top", wrap_text=True) if left else middle
    for column, width in enumerate((6, 34, 14, 12, 12, 12, 40)[:count], 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sign = head + len(form.rows) + 3
    for number, name in enumerate(form.signatures):
        first = 1 + number * count // len(form.signatures)
        cell = _put(sheet, sign, first, name)
        cell.font, cell.alignment = Font(FONT, 12, bold=True), middle
        sheet.merge_cells(
            start_row=sign,
            start_column=first,
            end_row=sign,
            end_column=(number + 1) * count // len(form.signatures),
        )
    sheet.row_dimensions[sign].height = 48
    _on_paper(sheet, head, "portrait")


def _fill(sheet: Any, title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], note: str) -> None:
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    sheet.title = _tab(title)
    widths, wrapped = [0] * len(columns), Alignment(vertical="top", wrap_text=True)

    _put(sheet, 1, 1, title).font = Font(bold=True, size=14)
    if note:
        _put(sheet, 2, 1, note)
    top = 4 if note else 3
    for row, values in enumerate([columns, *rows], top):
        for column, value in enumerate(values, 1):
            cell = _put(sheet, row, column, value)
            cell.alignment = wrapped
            longest = max(map(len, str(cell.value if cell.value is not None else "").split("\n")))
            widths[column - 1] = max(widths[column - 1], longest)
            if row == top:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", start_color="DDE6F0")
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = min(max(width + 3, 8), 60)
    last = f"{get_column_letter(len(columns))}{sheet.max_row}"
    sheet.auto_filter.ref, sheet.print_area = f"A{top}:{last}", f"A1:{last}"
    _on_paper(sheet, top, "landscape")


def _put(sheet: Any, row: int, column: int, value: Cell) -> Any:
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = _plain(value)[:32_767]
        cell.data_type, cell.quotePrefix = "s", value[:1] in tuple("=+-@")
    elif not isinstance(value, float) or math.isfinite(value):
        cell.value = value
    if isinstance(value, date):
        cell.number_format = "dd/mm/yyyy hh:mm:ss" if isinstance(value, datetime) else "dd/mm/yyyy"
    return cell


def _plain(text: str) -> str:
    """*text* without what XML cannot hold."""
    return "".join(
        letter
        if letter in "\n\t" or (letter >= " " and unicodedata.category(letter) not in ("Cs", "Cc"))
        else " "
        for letter in text.strip().replace("\ufffe", "").replace("\uffff", "")
    )


def save(to: Path, data: bytes) -> None:
    """*data* in *to*, whole or not at all."""
    aside = to.with_name(f".{to.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(to)
    except OSError as error:
        raise _refused(
            to,
            say("The file cannot be written: {error}.", error=said(error)),
            say("See that you may write there, and that the disk is neither full nor read-only."),
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


# Timetables: schedules as rows


SHEET, LISTS, GUIDE = "Lịch phát", "Danh mục", "Hướng dẫn"
LARGEST_TIMETABLE = 5_000_000  # bytes, unpacked: openpyxl needs seconds for them
MOST_ROWS = 2000
LAST_ROW = 1_048_576  # that a sheet of Excel can have
KINDS = {
    "rule": "Quy tắc",
    "campaign": "Đợt cao điểm",
    "except": "Nghỉ",
    "move": "Dời",
    "extra": "Thêm",
}
CLASSES = {"normal": "Thông thường", "priority": "Ưu tiên", "emergency": "Khẩn cấp"}
FLAGS = {"true": "Có", "false": "Không"}


@dataclass(frozen=True)
class Timetable:
    """Schedules as plain data in the shape of their files, by name, and the rows of each by kind."""

    schedules: Mapping[str, dict[str, Any]]
    rows: Mapping[str, Mapping[str, Sequence[int]]]
    notes: Sequence[Fault]


def _said(value: Any) -> str:
    """The text of a cell, as an officer would type it."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise TypeError(value)
    return _tidy(str(value))


def _parts(value: Any) -> list[str]:
    """What stands between commas; of `03160 · Xã Mường Nhé` only the code."""
    parts = [one.split(" · ")[0].strip() for one in re.split("[,;\n]", _said(value))]
    if not (found := [one for one in parts if one]):
        raise ValueError(value)
    return found


def _one_or_all(value: Any) -> str | list[str]:
    parts = _parts(value)
    return parts[0] if len(parts) == 1 else parts


def _codes(value: Any) -> list[str]:
    """Codes of areas; Excel takes the first zero from what it holds for a number."""
    return [one.zfill(2 if len(one) < 3 else 5) if one.isdecimal() else one for one in _parts(value)]


def _word(words: Mapping[str, str]) -> Callable[[Any], str]:
    known = {typed.plain(one): key for key, name in words.items() for one in (key, name)}
    known |= {"yes": "true", "no": "false", "x": "true", "1": "true", "0": "false"} if words is FLAGS else {}

    def read(value: Any) -> str:
        text = str(value).lower() if isinstance(value, bool) else _said(value)
        return known[typed.plain(text)]

    return read


def _day(value: Any) -> date:
    at = value if isinstance(value, str) else _moment(value)
    return typed.a_date(_tidy(at)) if isinstance(at, str) else at.date()


def _moment(value: Any) -> datetime:
    """A date and time; Excel counts days from 1899 on and is a little off in the seconds."""
    from openpyxl.utils.datetime import from_excel

    if isinstance(value, str):
        return typed.a_moment(_tidy(value))
    if isinstance(value, int | float) and not isinstance(value, bool) and 20_000 < value < 80_000:
        value = from_excel(value)
    if isinstance(value, datetime):
        return (value + timedelta(milliseconds=500)).replace(microsecond=0)
    if isinstance(value, date):
        return datetime.combine(value, time())
    raise ValueError(value)


def _times(value: Any) -> list[time]:
    if isinstance(value, time):
        value = timedelta(
            hours=value.hour, minutes=value.minute, seconds=value.second + value.microsecond / 1e6
        )
    elif isinstance(value, datetime) and value.year <= 1900:
        value = value - datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a time of day
    elif isinstance(value, float) and 0 <= value < 1:
        value = timedelta(days=value)
    if isinstance(value, timedelta):
        midnight = datetime(1900, 1, 1)  # noqa: DTZ001 - a time of day
        at = midnight + timedelta(seconds=round(value.total_seconds()))
        if at.date() != midnight.date():
            raise ValueError(value)
        return [at.time()]
    if found := typed.some_times(_said(value)):
        return found
    raise ValueError(value)


def _weekdays(value: Any) -> list[str]:
    text = _said(value)
    return typed.some_weekdays(text if re.search(r"[^\W\d]", text) else re.sub(r"([2-7])", r"t\1", text))


def _numbers(least: int, most: int) -> Callable[[Any], list[int]]:
    return lambda value: typed.some_numbers(_said(value), least, most)


def _minutes(value: Any) -> int:
    return int(_said(value))


def _quota(value: Any) -> dict[str, Any]:
    found = re.match(r"\d+", _said(value))
    if found is None:
        raise ValueError(value)
    return {"airings": int(found[0]), "per": "week"}


@dataclass(frozen=True, eq=False)
class _Column:
    """`kinds` are the rows in which it says something, with the key there; "" is the schedule itself."""

    heading: str
    english: str
    width: int
    kinds: Mapping[str, str]
    read: Callable[[Any], Any]
    wanted: Text
    choices: str = ""  # which list of the station's can be chosen from


_A_DAY = say("a day such as 20/11/2026")
_A_MOMENT = say("a date and time such as 20/11/2026 17:30")
_TEXT = say("a text")


def _both(key: str) -> Mapping[str, str]:
    return {"rule": key, "campaign": key}


NAME = _Column("Tên lịch", "Schedule", 20, {"": "name"}, _said, _TEXT)
KIND = _Column(
    *("Loại dòng", "Kind of row", 15, {"": "kind"}, _word(KINDS)),
    say("one of: {choices}", choices=", ".join(KINDS.values())),
    "kind",
)
COLUMNS = (
    NAME,
    _Column("Tiêu đề", "Title", 28, {"": "title"}, _said, _TEXT),
    _Column("Kịch bản", "Script", 24, {"": "script"}, _one_or_all, _TEXT, "script"),
    _Column("Địa bàn", "Areas", 16, {"": "areas"}, _codes, say("codes such as 03160, 11"), "areas"),
    _Column(
        *("Loại bản tin", "Class", 14, {"": "class"}, _word(CLASSES)),
        say("one of: {choices}", choices=", ".join(CLASSES.values())),
        "class",
    ),
    _Column(
        *("Đang dùng", "Enabled", 11, {"": "enabled"}, lambda value: _word(FLAGS)(value) == "true"),
        say("one of: {choices}", choices=", ".join(FLAGS.values())),
        "enabled",
    ),
    KIND,
    _Column("Từ ngày", "From", 12, {**_both("from"), "except": "from"}, _day, _A_DAY),
    _Column("Đến ngày", "Until", 12, {**_both("until"), "except": "until"}, _day, _A_DAY),
    _Column("Tháng", "Months", 12, _both("months"), _numbers(1, 12), say("months such as 5, 11 or 1-4")),
    _Column(
        "Thứ", "Weekdays", 14, _both("weekdays"), _weekdays, say("days of the week such as T3, T6 or CN")
    ),
    _Column(
        *("Ngày trong tháng", "Days of the month", 12, _both("days"), _numbers(1, 31)),
        say("days of the month such as 1, 15"),
    ),
    _Column("Giờ phát", "Times", 18, _both("times"), _times, say("times of day such as 05:30, 17:30")),
    _Column("Ít nhất/tuần", "At least/week", 10, _both("at_least"), _quota, say("a number such as 2")),
    _Column("Mùa vụ", "Season", 16, _both("season"), _one_or_all, _TEXT, "season"),
    _Column("Tránh mùa vụ", "Not in season", 16, _both("not_in_season"), _one_or_all, _TEXT, "season"),
    _Column("RRULE", "rrule", 24, _both("rrule"), _said, _TEXT),
    _Column("Ngày lễ", "Holiday", 16, {"except": "holiday"}, _said, _TEXT, "holiday"),
    _Column("Lý do / tên đợt", "Reason", 26, {"campaign": "title", "except": "reason"}, _said, _TEXT),
    _Column("Vào lúc", "At", 20, {"move": "occurrence", "extra": "at"}, _moment, _A_MOMENT),
    _Column("Chuyển đến", "To", 20, {"move": "to"}, _moment, _A_MOMENT),
    _Column("Tiếp âm", "Relay", 24, {"": "relay"}, _said, _TEXT),
    _Column("Số phút", "Minutes", 10, {"": "minutes"}, _minutes, say("a number such as 30")),
)


def write_timetable(
    to: Path,
    schedules: Mapping[str, Mapping[str, Any]],
    choices: Mapping[str, Sequence[str]],
    guide: Sequence[str],
) -> None:
    """
    *schedules*, plain data by name, as a workbook to fill in: a row for each of their tables.

    *choices* are what the station has to choose from: script, areas, season, holiday. Raises
    BroadcasterError if it cannot be written.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    book.properties.creator = ""
    sheet: Any = book.active
    sheet.title, sheet.freeze_panes = SHEET, "B2"
    lists, words = book.create_sheet(LISTS), book.create_sheet(GUIDE)
    fixed = {"kind": [*KINDS.values()], "class": [*CLASSES.values()], "enabled": [*FLAGS.values()]}
    for number, column in enumerate(COLUMNS, 1):
        letter = get_column_letter(number)
        cell = _put(sheet, 1, number, column.heading)
        cell.font, cell.fill = Font(bold=True), PatternFill("solid", start_color="DDE6F0")
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        dimension = sheet.column_dimensions[letter]
        dimension.width = column.width
        dimension.number_format = {"_day": "dd/mm/yyyy", "_moment": "dd/mm/yyyy hh:mm"}.get(
            column.read.__name__, "@"
        )
        those = fixed.get(column.choices) or choices.get(column.choices, ())
        if those:
            _put(lists, 1, number, column.heading).font = Font(bold=True)
            for row, one in enumerate(those, 2):
                _put(lists, row, number, re.sub("[,;\n]", " ", one))
            lists.column_dimensions[letter].width = 30
            listed = DataValidation(
                "list", formula1=f"'{LISTS}'!${letter}$2:${letter}${len(those) + 1}", allow_blank=True
            )
            listed.showErrorMessage = column.choices in fixed  # of the others several may be written
            listed.add(f"{letter}2:{letter}{MOST_ROWS}")
            sheet.add_data_validation(listed)
    row = 1
    for name, data in schedules.items():
        for first, (kind, table) in zip(chain([True], repeat(False)), _tables(data), strict=False):
            row += 1
            for number, column in enumerate(COLUMNS, 1):
                value = _cell_value(column, name, data if first else {}, kind, table)
                _put(sheet, row, number, value).alignment = Alignment(wrap_text=True, vertical="top")
    words.column_dimensions["A"].width = 120
    for row, line in enumerate(guide, 1):
        _put(words, row, 1, line).alignment = Alignment(wrap_text=True)
    written = BytesIO()
    book.save(written)
    save(to, written.getvalue())


def _tables(data: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for kind in KINDS:
        for table in data.get(kind, ()):
            yield kind, {"holiday": table} if isinstance(table, str) else table


def _cell_value(
    column: _Column, name: str, data: Mapping[str, Any], kind: str, table: Mapping[str, Any]
) -> Cell:
    if column is NAME:
        return name
    if column is KIND:
        return KINDS[kind]
    key = column.kinds.get("") or column.kinds.get(kind)
    value = (data if "" in column.kinds else table).get(key or "")
    if isinstance(value, bool):
        return FLAGS[str(value).lower()]
    if isinstance(value, Mapping):
        return int(value["airings"])
    if isinstance(value, list):
        return ", ".join(_cell_text(one) for one in value)
    return CLASSES[value] if key == "class" and value in CLASSES else value


def _cell_text(value: Any) -> str:
    """*value* in a list: `05:30`, `T3`, `CN`."""
    if isinstance(value, time):
        return f"{value:%H:%M:%S}".removesuffix(":00") if value.minute or not value.second else f"{value}"
    if value in WEEKDAYS:
        number = WEEKDAYS.index(value)
        return "CN" if number == 6 else f"T{number + 2}"
    return str(value)


def read_timetable(path: Path) -> Timetable:
    """
    The schedules in a workbook that was filled in as `write_timetable` made it, headings in either language.

    Raises BroadcasterError with everything that is wrong, by sheet and cell.
    """
    name, rows = _rows(path)
    index = next((at for at, (_number, row) in enumerate(rows[:20]) if NAME in _columns(row).values()), None)
    if index is None:
        raise _refused(
            path,
            say("There is no timetable in this file: it has no column “{heading}”.", heading=NAME.heading),
            say("Fill in a file that was made by: broadcaster schedule template FILE.xlsx"),
        )
    heading_at, headings = rows[index]
    columns = _columns(headings)
    reader = _TimetableReader(path.name, name, columns)
    for number, row in rows[index + 1 :]:
        reader.row(number, row)
    if reader.faults:
        raise BroadcasterError(*reader.faults)
    for at, value in enumerate(headings):
        if value is not None and at not in columns:
            reader.notes.append(
                Fault(
                    reader.where(heading_at, at),
                    say("The column “{heading}” is not known: it was left out.", heading=str(value)[:40]),
                    say("Nothing is to be done if it is a note of your own."),
                    warning=True,
                )
            )
    order = [*(column.kinds[""] for column in COLUMNS if "" in column.kinds), *KINDS]
    schedules = {
        one: {key: data[key] for key in order if key in data} for one, data in reader.schedules.items()
    }
    return Timetable(schedules, reader.rows, reader.notes)


def _heading(text: Any) -> str:
    return re.sub(r"[^a-z]", "", typed.plain(re.sub(r"\(.*", "", str(text), flags=re.DOTALL)))


def _columns(row: Sequence[Any]) -> dict[int, _Column]:
    """The columns that *row* is the heading of, by where they stand; the first of two that are alike."""
    known = {_heading(one): column for column in COLUMNS for one in (column.heading, column.english)}
    found: dict[int, _Column] = {}
    for at, value in enumerate(row):
        column = known.get(_heading(value)) if isinstance(value, str) else None
        if column and column not in found.values():
            found[at] = column
    return found


def _rows(path: Path) -> tuple[str, list[tuple[int, tuple[Any, ...]]]]:
    """The name of the sheet with the schedules, and the values of its cells."""
    another = say("Save it in Excel or LibreOffice as “Excel workbook (.xlsx)”, and import that.")
    data = _package(path, say("This is an .xls of old Excel."), another)
    import openpyxl

    try:
        entries = ZipFile(BytesIO(data)).infolist()
        macros = any(one.filename.lower().endswith("vbaproject.bin") for one in entries)
        if not macros and _modest(entries, LARGEST_TIMETABLE):
            with warnings.catch_warnings(action="ignore"):  # of what it does not know and we do not need
                values = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True)
                formulas = openpyxl.load_workbook(BytesIO(data), read_only=True)
                name = SHEET if SHEET in values.sheetnames else values.worksheets[0].title
                found = [*_filled(values[name], formulas[name])]
    except BroadcasterError:
        raise
    except Exception as error:  # damaged files make the library stumble in many ways
        raise _refused(path, say("This is no .xlsx file, or a damaged one."), another) from error
    if macros:
        raise _refused(path, say("There are macros in this file."), another)
    if not _modest(entries, LARGEST_TIMETABLE):
        raise _refused(
            path,
            say(
                "The file is larger than any timetable: more than {limit} MB.",
                limit=LARGEST_TIMETABLE // 1_000_000,
            ),
            say("Take pictures and other sheets out of it."),
        )
    if len(found) > MOST_ROWS:
        raise _refused(
            path,
            say("The timetable has more than {most} rows.", most=MOST_ROWS),
            say("Take out what is no schedule, or import it in parts."),
        )
    return name, found


def _filled(values: Any, formulas: Any) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """The rows that hold any value, with their number; a formula that was never calculated stands itself."""
    for sheet in (values, formulas):
        sheet.reset_dimensions()  # what a file says of its own size may be wrong
    widest = 3 * len(COLUMNS)
    both = zip(*(one.iter_rows(max_col=widest, values_only=True) for one in (values, formulas)), strict=True)
    for number, (known, written) in enumerate(both, 1):
        if number > LAST_ROW:
            raise ValueError(number)
        if known.count(None) == len(known) and written.count(None) == len(written):
            continue  # quickly: a file may pretend to have a million rows
        row = tuple(
            _blank(own if value is None else value) for value, own in zip(known, written, strict=True)
        )
        if any(value is not None for value in row):
            yield number, row


def _blank(value: Any) -> Any:
    """None for a text in which nothing is to be seen."""
    return None if isinstance(value, str) and not _tidy(value) else value


class _TimetableReader:
    def __init__(self, file: str, sheet: str, columns: Mapping[int, _Column]) -> None:
        self.file, self.sheet, self.columns = file, sheet, columns
        self.schedules: dict[str, dict[str, Any]] = {}
        self.rows: dict[str, dict[str, list[int]]] = {}
        self.faults: list[Fault] = []
        self.notes: list[Fault] = []
        self.name = ""  # of the row above: cells below a name are left empty, or merged with it

    def where(self, row: int, at: int) -> str:
        from openpyxl.utils import get_column_letter

        return f"{self.file} {self.sheet}!{get_column_letter(at + 1)}{row}"

    def fault(self, row: int, at: int, what: Text, following: Text) -> None:
        self.faults.append(Fault(self.where(row, at), what, following))

    def row(self, number: int, cells: Sequence[Any]) -> None:
        places = {column: at for at, column in self.columns.items()}
        given = {column: cells[at] for column, at in places.items() if cells[at] is not None}
        found: dict[_Column, Any] = {}
        for column, value in given.items():
            try:
                found[column] = column.read(value)
            except (ValueError, TypeError, LookupError, OverflowError):
                self.fault(
                    *(number, places[column]),
                    say(
                        "{heading}: “{value}” is not understood.",
                        heading=column.heading,
                        value=str(value)[:40],
                    ),
                    say("Write {wanted}.", wanted=column.wanted),
                )
        if not given:
            return
        self.name = found.get(NAME, self.name)
        if not self.name:
            at = places[NAME]
            self.fault(number, at, say("The name of the schedule is missing."), say("Write it in this cell."))
            return
        data = self.schedules.setdefault(self.name, {})
        self.rows.setdefault(self.name, {}).setdefault("", []).append(number)
        table: dict[str, Any] = {}
        kind = found.get(KIND) or ("" if KIND in given else "rule")
        for column, value in found.items():
            if column in (NAME, KIND):
                continue
            if head := column.kinds.get(""):
                if data.setdefault(head, value) != value:
                    self.fault(
                        *(number, places[column]),
                        say("{heading}: a row above says something else.", heading=column.heading),
                        say("Write it once for each schedule, or the same in each of its rows."),
                    )
            elif key := column.kinds.get(kind):
                table[key] = value
            elif kind:
                self.fault(
                    *(number, places[column]),
                    say("“{heading}” is not for a row “{kind}”.", heading=column.heading, kind=KINDS[kind]),
                    say("Empty this cell, or choose another kind of row."),
                )
        if table:
            plain = table["holiday"] if table.keys() == {"holiday"} else table
            data.setdefault(kind, []).append(plain)
            self.rows.setdefault(self.name, {}).setdefault(kind, []).append(number)
        elif kind and found.keys() == given.keys() and KIND in given:
            self.fault(
                *(number, places[KIND]),
                say("The row “{kind}” is empty.", kind=KINDS[kind]),
                say("Fill it in, or empty this cell too."),
            )
