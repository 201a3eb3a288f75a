"""Office files: sheets for translators and announcers go out and come back filled in; tables go out."""

import html
import math
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say

LARGEST_FILE = 20_000_000  # bytes, packed or unpacked: a sheet of words is a hundredth of that
MOST_ENTRIES = 1000
OLE = b"\xd0\xcf\x11\xe0"  # the first bytes of .doc, and of any Office file with a password
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
        _save(to, _docx(heading, columns, rows))
    elif to.suffix.lower() in (".html", ".htm"):
        _save(to, _html(heading, sheet.language, columns, rows).encode())
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
    try:
        size = path.stat().st_size
        data = path.read_bytes() if path.is_file() and size <= LARGEST_FILE else b""
    except OSError as error:
        raise _refused(
            path,
            say("The file cannot be read: {error}.", error=said(error)),
            say("See that it is there and that you may read it."),
        ) from error
    if data.startswith(OLE) and "EncryptedPackage".encode("utf-16-le") in data:
        raise _refused(
            path, say("The file is protected by a password."), say("Save it without one, and import that.")
        )
    if data.startswith(OLE):
        raise _refused(path, say("This is a .doc of old Word."), another)
    import docx

    try:
        entries = ZipFile(BytesIO(data)).infolist() if size <= LARGEST_FILE else []
        if size <= LARGEST_FILE and _modest(entries):
            return docx.Document(BytesIO(data)).element.body
    except Exception as error:  # both libraries stumble over damaged files in many ways
        raise _refused(path, say("This is no .docx file, or a damaged one."), another) from error
    raise _refused(
        path,
        say("The file is larger than any sheet: more than 20 MB."),
        say("Take pictures out of it; import only sheets that you know."),
    )


def _modest(entries: Sequence[ZipInfo]) -> bool:
    """Can a package be opened without filling the memory? No more is unpacked than its contents say."""
    return len(entries) <= MOST_ENTRIES and sum(one.file_size for one in entries) <= LARGEST_FILE


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


def write_workbook(
    to: Path, title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, note: str = ""
) -> None:
    """
    A workbook of one sheet: *title*, *note*, and a table that filters, scrolls and prints well.

    No text is ever taken for a formula; moments lose their zone and keep their wall time. Raises
    BroadcasterError if it cannot be written.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet: Any = book.active
    book.properties.creator, book.properties.title = "", _plain(title)
    sheet.title = re.sub(r"[\[\]:*?/\\']", " ", _plain(title)).strip()[:31] or "1"
    widths, wrapped = [0] * len(columns), Alignment(vertical="top", wrap_text=True)

    def put(row: int, column: int, value: Cell) -> Any:
        if isinstance(value, datetime):
            value = value.replace(tzinfo=None)
        cell = sheet.cell(row, column)
        if isinstance(value, str):
            cell.value = _plain(value)[:32_767]
            cell.data_type, cell.quotePrefix = "s", value[:1] in tuple("=+-@")
        elif not isinstance(value, float) or math.isfinite(value):
            cell.value = value
        return cell

    put(1, 1, title).font = Font(bold=True, size=14)
    if note:
        put(2, 1, note)
    top = 4 if note else 3
    for row, values in enumerate([columns, *rows], top):
        for column, value in enumerate(values, 1):
            cell = put(row, column, value)
            cell.alignment = wrapped
            longest = max(map(len, str(cell.value if cell.value is not None else "").split("\n")))
            widths[column - 1] = max(widths[column - 1], longest)
            if isinstance(value, date):
                cell.number_format = "dd/mm/yyyy hh:mm:ss" if isinstance(value, datetime) else "dd/mm/yyyy"
            if row == top:
                cell.font, cell.fill = Font(bold=True), PatternFill("solid", start_color="DDE6F0")
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = min(max(width + 3, 8), 60)
    last = f"{get_column_letter(len(columns))}{sheet.max_row}"
    sheet.freeze_panes, sheet.auto_filter.ref = f"A{top + 1}", f"A{top}:{last}"
    sheet.print_title_rows, sheet.print_area = f"{top}:{top}", f"A1:{last}"
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", sheet.PAPERSIZE_A4
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    written = BytesIO()
    book.save(written)
    _save(to, written.getvalue())


def _plain(text: str) -> str:
    """*text* without what XML cannot hold."""
    return "".join(
        letter
        if letter in "\n\t" or (letter >= " " and unicodedata.category(letter) not in ("Cs", "Cc"))
        else " "
        for letter in text.strip().replace("\ufffe", "").replace("\uffff", "")
    )


def _save(to: Path, data: bytes) -> None:
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
