"""Sheets go out and come back, whatever an office program did to them; tables open as they were meant."""

import random
import re
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcaster.edges import documents
from broadcaster.edges.documents import (
    COLUMNS,
    KINDS,
    Heading,
    Row,
    Sheet,
    read_sheet,
    read_timetable,
    write_sheet,
    write_timetable,
    write_workbook,
)
from broadcaster.model.errors import BroadcasterError, Fault
from tests import timetables

HEADING = Heading(
    "Bảo hiểm <xã hội>",
    ["Đài truyền thanh xã Mường Nhé", "Ngày 20/11/2026"],
    ["Viết vào cột cuối.", "Giữ nguyên {area.name}."],
    ("STT", "Mục", "Tiếng Việt", "Tiếng Mông", "Giây"),
)
ROWS = (
    Row("loi-chao", "0123abcd", "Kính thưa bà con {area.name}!\nXin chào.", "", 4.2),
    Row("ket", "deadbeef", "Hết <b>&amp;</b>.", "Tas lawm.", 1.0),
)
MONG = Sheet("bhxh-tu-nguyen", "hmn-Latn-VN", ROWS)


def fault_of(path: Path) -> Fault:
    """The one fault for which a file is refused as a sheet."""
    with pytest.raises(BroadcasterError) as error:
        read_sheet(path)
    (fault,) = error.value.faults
    assert fault.where == str(path)
    return fault


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    """The sheet as the translator gets it."""
    write_sheet(tmp_path / "phieu.docx", MONG, HEADING)
    return tmp_path / "phieu.docx"


def came_back(sent: Path, fill_in: Callable[[Any], object]) -> Sheet:
    """The sheet after *fill_in* did something to its document."""
    document = docx.Document(str(sent))
    fill_in(document)
    document.save(str(sent))
    return read_sheet(sent)


def texts(sheet: Sheet) -> dict[str, str]:
    return {row.item: row.text for row in sheet.rows}


# --- what goes out


def test_a_sheet_tells_all_that_its_reader_needs(sent: Path) -> None:
    """Title, station, day, how to fill it in, and the table; headings are repeated, rows never torn."""
    document = docx.Document(str(sent))
    lines = [one.text for one in document.paragraphs]
    assert lines[:5] == [HEADING.title, *HEADING.about, *HEADING.guide]
    (table,) = document.tables
    assert [cell.text for cell in table.rows[0].cells] == [
        *("STT", "Mục\n[#bhxh-tu-nguyen]", "Tiếng Việt [vi]", "Tiếng Mông [hmn-Latn-VN]", "Giây"),
    ]
    assert [cell.text for cell in table.rows[1].cells] == [
        "1",
        "loi-chao\n#0123abcd",
        ROWS[0].source,
        "",
        "5",
    ]
    assert [cell.text for cell in table.rows[2].cells][3] == "Tas lawm."
    assert table.rows[0]._tr.find(f".//{qn('w:tblHeader')}") is not None
    assert all(row._tr.find(f".//{qn('w:cantSplit')}") is not None for row in table.rows[1:])
    (section,) = document.sections
    assert section.page_width > section.page_height
    sides = section.left_margin + section.right_margin
    assert sum(cell.width for cell in table.rows[1].cells) <= section.page_width - sides
    assert document.styles["Normal"].font.name == "Times New Roman"


def test_a_sheet_comes_back_as_it_went(sent: Path) -> None:
    """Script, language, items, marks and words survive, with nothing changed."""
    back = read_sheet(sent)
    assert (back.script, back.language) == ("bhxh-tu-nguyen", "hmn-Latn-VN")
    assert [(row.item, row.mark, row.source, row.text) for row in back.rows] == [
        (row.item, row.mark, row.source, row.text) for row in ROWS
    ]


def test_a_sheet_in_vietnamese_has_its_words_once(tmp_path: Path) -> None:
    """The announcer's sheet has one column of words, and a change in it comes back."""
    path = tmp_path / "phieu.docx"
    write_sheet(path, Sheet("tin", "vi", ROWS), HEADING)
    assert len(docx.Document(str(path)).tables[0].columns) == 4
    back = read_sheet(path)
    assert (back.script, back.language) == ("tin", "vi")
    assert texts(back) == {"loi-chao": ROWS[0].source, "ket": ROWS[1].source}


class Cells(HTMLParser):
    """The texts of a page's cells."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        self.inside = tag in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")


@pytest.mark.parametrize("name", ["phieu.html", "PHIEU.HTM"])
def test_a_sheet_to_print_is_one_page_of_html(tmp_path: Path, name: str) -> None:
    """It holds the same, escaped, refers to nothing outside, and says in which language each word is."""
    write_sheet(tmp_path / name, MONG, HEADING)
    page = (tmp_path / name).read_text("utf-8")
    cells = Cells()
    cells.feed(page)
    assert len(cells.rows) == 3
    assert cells.rows[1] == ["1", "loi-chao\n#0123abcd", ROWS[0].source, "", "5"]
    assert cells.rows[2][2] == ROWS[1].source
    assert '<td lang="hmn-Latn-VN">Tas lawm.</td>' in page
    assert "<h1>Bảo hiểm &lt;xã hội&gt;</h1>" in page
    assert "@page" in page
    assert not re.search(r"https?:|src=|<script", page)


def test_a_sheet_is_neither_of_another_kind_nor_torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another ending is refused with both that go; a disk that fails leaves the old file."""
    with pytest.raises(BroadcasterError, match=r"\.docx or an \.html"):
        write_sheet(tmp_path / "phieu.pdf", MONG, HEADING)
    (tmp_path / "phieu.docx").write_bytes(b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(documents.os, "fsync", full)
    with pytest.raises(BroadcasterError, match="the disk is full"):
        write_sheet(tmp_path / "phieu.docx", MONG, HEADING)
    assert [path.name for path in tmp_path.iterdir()] == ["phieu.docx"]
    assert (tmp_path / "phieu.docx").read_bytes() == b"old"


def test_letters_that_xml_cannot_hold_do_no_harm(tmp_path: Path) -> None:
    """Control characters and halves of letters become spaces."""
    row = Row("ket", "deadbeef", "a\x00b\x0bc\udcffd\ufffe", "e\x1bf")
    write_sheet(tmp_path / "a.docx", Sheet("tin", "hmn-Latn-VN", [row]), HEADING)
    assert [(one.source, one.text) for one in read_sheet(tmp_path / "a.docx").rows] == [("a b c d", "e f")]


# --- what comes back


def cell_of(document: Any, row: int, column: int = 3) -> Any:
    return document.tables[0].cell(row, column)


def add_paragraphs(document: Any) -> None:
    cell = cell_of(document, 1)
    cell.paragraphs[0].text = "Nyob zoo"
    cell.add_paragraph("peb sawv daws.")
    document.paragraphs[0].insert_paragraph_before("Gửi chị dịch giúp")
    document.add_paragraph("Đã xong.")


def break_runs(document: Any) -> None:
    paragraph = cell_of(document, 1).paragraphs[0]
    for part in ("Ny", "ob zo", "o"):
        paragraph.add_run(part).bold = part == "ob zo"
    paragraph.add_run().add_break()
    paragraph.add_run("  peb\u00a0sawv\u200b daws.  ")


def track_changes(document: Any) -> None:
    paragraph = cell_of(document, 1).paragraphs[0]._p
    for xml in (
        "<w:r {ns}><w:t>Nyob zoo</w:t></w:r>",
        '<w:del {ns} w:id="1" w:author="a"><w:r><w:delText>CŨ</w:delText></w:r></w:del>',
        '<w:moveFrom {ns} w:id="2" w:author="a"><w:r><w:t>CŨ</w:t></w:r></w:moveFrom>',
        '<w:ins {ns} w:id="3" w:author="a"><w:r><w:br/><w:t>peb sawv </w:t></w:r></w:ins>',
        "<w:sdt {ns}><w:sdtContent><w:r><w:t>daws.</w:t></w:r></w:sdtContent></w:sdt>",
    ):
        paragraph.append(parse_xml(xml.format(ns=nsdecls("w"))))


def more_columns(document: Any) -> None:
    """A column in front, which moves all others, and one behind."""
    table = document.tables[0]
    for number, row in enumerate(table.rows):
        for at in (0, len(row._tr.tc_lst)):
            cell = OxmlElement("w:tc")
            cell.append(OxmlElement("w:p"))
            cell.p_lst[0].add_r().text = f"ghi chú {number}"
            if at:
                row._tr.append(cell)
            else:
                row._tr.tc_lst[0].addprevious(cell)
    fill(document, column=4)


def fill(document: Any, column: int = 3) -> None:
    row = document.tables[0].rows[1]._tr.tc_lst[column]
    row.p_lst[0].add_r().text = "Nyob zoo\npeb sawv daws."


def reorder(document: Any) -> None:
    fill(document)
    first, second = (document.tables[0].rows[index]._tr for index in (1, 2))
    second.addnext(first)


def merge(document: Any) -> None:
    """Cells before the words were merged into one, as a mouse does it by mistake."""
    fill(document)
    row = document.tables[0].rows[1]._tr
    number, item = row.tc_lst[:2]
    span = OxmlElement("w:gridSpan")
    span.set(qn("w:val"), "1")
    item.get_or_add_tcPr().append(span)
    before = OxmlElement("w:gridBefore")
    before.set(qn("w:val"), "1")
    row.get_or_add_trPr().append(before)
    row.remove(number)


def split_table(document: Any) -> None:
    """The second half of the rows in a table of its own, without a heading."""
    fill(document)
    table = document.tables[0]._tbl
    other = parse_xml(f"<w:tbl {nsdecls('w')}><w:tblPr/></w:tbl>")
    table.addnext(other)
    other.append(table.tr_lst[2])


def autocorrect(document: Any) -> None:
    """A capital, a long dash and hard spaces where the item stands."""
    fill(document)
    cell = cell_of(document, 1, 1)
    cell.text = "Loi\u2011Chao \u00a0# 0123ABCD"
    cell_of(document, 2, 1).text = " ket\n\n#deadbeef "


def other_tables(document: Any) -> None:
    """Tables that somebody put around the sheet's, one of them in a cell."""
    fill(document)
    strange = document.add_table(1, 2)
    strange.cell(0, 0).text = "Người dịch [tên]"
    cell_of(document, 2, 0).add_table(1, 1).cell(0, 0).text = "[#khac]"


@pytest.mark.parametrize(
    "change",
    [
        *(add_paragraphs, break_runs, track_changes, more_columns, reorder, merge, split_table),
        *(autocorrect, other_tables),
    ],
)
def test_whatever_was_done_to_a_sheet_its_words_come_in(sent: Path, change: Callable[[Any], None]) -> None:
    """The words that were written for an item are found, and those of the other item too."""
    back = came_back(sent, change)
    assert (back.script, back.language) == ("bhxh-tu-nguyen", "hmn-Latn-VN")
    assert texts(back) == {"loi-chao": "Nyob zoo\npeb sawv daws.", "ket": "Tas lawm."}
    assert {row.item: row.mark for row in back.rows} == {"loi-chao": "0123abcd", "ket": "deadbeef"}


def test_a_row_that_was_deleted_with_tracked_changes_is_gone(sent: Path) -> None:
    """It counts as deleted, like its words."""

    def delete(document: Any) -> None:
        row = document.tables[0].rows[2]._tr
        row.get_or_add_trPr().append(OxmlElement("w:del"))

    assert texts(came_back(sent, delete)) == {"loi-chao": ""}


def test_words_whose_item_was_lost_are_not_lost(sent: Path) -> None:
    """A row with words but no item that can be read comes back without one; an empty row does not."""

    def spoil(document: Any) -> None:
        document.tables[0].add_row()
        cell_of(document, 2, 1).text = "Ông Sùng?"

    back = came_back(sent, spoil)
    assert [(row.item, row.text) for row in back.rows] == [("loi-chao", ""), ("", "Tas lawm.")]


def test_an_item_without_its_mark_is_still_one(sent: Path) -> None:
    """The mark is empty then: whether the Vietnamese changed cannot be told."""

    def spoil(document: Any) -> None:
        cell_of(document, 2, 1).text = "ket"

    assert [(row.item, row.mark) for row in came_back(sent, spoil).rows][1] == ("ket", "")


def test_smart_quotes_and_accents_stay_what_was_typed(sent: Path) -> None:
    """Only accents that were typed apart are put together."""

    def write(document: Any) -> None:
        cell_of(document, 1).text = "“Nyob” – zoo… ‘e\u0302’"

    assert texts(came_back(sent, write))["loi-chao"] == "“Nyob” – zoo… ‘ê’"


# --- what is refused


def packed(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in entries.items():
            package.writestr(name, data)
    return path


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
REFUSED = {
    "empty": (b"", "no .docx file, or a damaged one", "Save it in Word"),
    "text": (b"Nyob zoo", "no .docx file", "Save it in Word"),
    "old word": (OLE + bytes(600), "a .doc of old Word", "Save it in Word"),
    "password": (OLE + "EncryptedPackage".encode("utf-16-le"), "by a password", "Save it without one"),
    "rtf": (b"{\\rtf1 Nyob}", "no .docx file", "Save it in Word"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_docx_is_told(tmp_path: Path, name: str) -> None:
    """What kind of file it seems to be, and how to make the right one."""
    data, what, following = REFUSED[name]
    (tmp_path / "a.docx").write_bytes(data)
    fault = fault_of(tmp_path / "a.docx")
    assert what in str(fault.what)
    assert following in str(fault.next)


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    """A file that is away, a folder, and a sheet that was made to be printed."""
    assert "it is not there" in str(fault_of(tmp_path / "away.docx").what)
    assert "no .docx file" in str(fault_of(tmp_path).what)
    write_sheet(tmp_path / "a.html", MONG, HEADING)
    fault = fault_of(tmp_path / "a.html")
    assert "for printing" in str(fault.what)
    assert ".docx" in str(fault.next)


def test_another_document_is_no_sheet(tmp_path: Path) -> None:
    """A letter, even with a table in it, has no items."""
    document = docx.Document()
    document.add_table(2, 2).cell(0, 0).text = "Mục [vi]"
    document.save(str(tmp_path / "a.docx"))
    fault = fault_of(tmp_path / "a.docx")
    assert "no sheet in this file" in str(fault.what)
    assert "script sheet" in str(fault.next)


def test_a_workbook_is_no_sheet(tmp_path: Path) -> None:
    """Another Office file under the name of a .docx is refused in the same words as a damaged one."""
    write_workbook(tmp_path / "a.xlsx", "T", ["A"], [["b"]])
    (tmp_path / "a.xlsx").rename(tmp_path / "a.docx")
    assert "no .docx file" in str(fault_of(tmp_path / "a.docx").what)


def test_a_file_that_swells_is_refused_before_it_does(tmp_path: Path, sent: Path) -> None:
    """30 MB of zeros in 30 kB, a thousand entries, or a file of 20 MB: none of them is unpacked."""
    bomb = packed(tmp_path / "a.docx", **{"word/document.xml": bytes(30_000_000)})
    assert bomb.stat().st_size < 100_000
    many = packed(tmp_path / "b.docx", **{f"word/{number}": b"" for number in range(1001)})
    large = tmp_path / "c.docx"
    large.write_bytes(sent.read_bytes() + bytes(20_000_000))
    for path in (bomb, many, large):
        assert "larger than any sheet" in str(fault_of(path).what)


def test_entities_that_swell_are_not_followed(tmp_path: Path, sent: Path) -> None:
    """A document whose XML multiplies itself is read without, or refused, at once."""
    bombs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20}">' for n in range(1, 12))
    declared = f'<!DOCTYPE w:document [<!ENTITY a0 "lol">{bombs}<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    with zipfile.ZipFile(sent) as package:
        entries = {one: package.read(one) for one in package.namelist()}
    xml = entries["word/document.xml"].decode()
    xml = xml.replace("?>", f"?>{declared}", 1).replace("Tas lawm.", "Tas&a11;&f;lawm.")
    path = packed(tmp_path / "bomb.docx", **entries | {"word/document.xml": xml.encode()})
    try:
        words = texts(read_sheet(path))["ket"]
    except BroadcasterError:
        return
    assert "lol" not in words
    assert "root" not in words


def test_no_damage_is_a_traceback(tmp_path: Path, sent: Path) -> None:
    """However a file was cut, flipped or repacked with damage inside, it is read or refused in words."""
    whole, dice = sent.read_bytes(), random.Random(20)
    path = tmp_path / "a.docx"
    for _ in range(150):
        data = bytearray(whole[: dice.randrange(len(whole))] if dice.random() < 0.3 else whole)
        for _flip in range(dice.randrange(1, 30)):
            data[dice.randrange(len(data) or 1) :][:1] = b""
            if data:
                data[dice.randrange(len(data))] = dice.randrange(256)
        path.write_bytes(data)
        attempt(path)
    with zipfile.ZipFile(sent) as package:
        entries = {one: package.read(one) for one in package.namelist()}
    for name, entry in entries.items():
        for damaged in (b"", b"<a/>", entry[:-20], entry.replace(b"w:", b"q:")):
            attempt(packed(path, **entries | {name: damaged}))
        attempt(packed(path, **{one: data for one, data in entries.items() if one != name}))


def attempt(path: Path) -> None:
    try:
        read_sheet(path)
    except BroadcasterError as error:
        assert all(str(fault.next) for fault in error.faults)  # noqa: PT017


# --- workbooks


def written(path: Path, *given: Any, **more: Any) -> Any:
    write_workbook(path / "a.xlsx", *given, **more)
    return openpyxl.load_workbook(path / "a.xlsx").active


def test_a_workbook_is_ready_to_read_and_to_print(tmp_path: Path) -> None:
    """Bold heading that stays in view and on each page, a filter, width to the page, cells that wrap."""
    sheet = written(
        tmp_path,
        "Báo cáo: 11/2026",
        ["Xã", "Lượt phát"],
        [["Mường Nhé", 12], ["x" * 200, 3.5]],
        note="Ghi chú.",
    )
    assert [sheet["A1"].value, sheet["A2"].value] == ["Báo cáo: 11/2026", "Ghi chú."]
    assert [cell.value for cell in sheet[4]] == ["Xã", "Lượt phát"]
    assert [cell.value for cell in sheet[5]] == ["Mường Nhé", 12]
    assert sheet["A4"].font.bold
    assert not sheet["A5"].font.bold
    assert sheet.freeze_panes == "A5"
    assert sheet.auto_filter.ref == "A4:B6"
    assert sheet.print_title_rows == "$4:$4"
    assert (sheet.sheet_properties.pageSetUpPr.fitToPage, sheet.page_setup.fitToWidth) == (True, 1)
    assert sheet.page_setup.fitToHeight == 0
    assert sheet["A6"].alignment.wrap_text
    assert sheet.column_dimensions["A"].width == 60
    assert 8 <= sheet.column_dimensions["B"].width <= 20


@pytest.mark.parametrize("text", ["=1+1", "+84 912", "-5", "@SUM(A1)", "=cmd|' /C calc'!A0", "03160", "1e5"])
def test_no_text_is_taken_for_a_formula_or_a_number(tmp_path: Path, text: str) -> None:
    """It stays the text that it was, also when somebody edits the cell."""
    sheet = written(tmp_path, text, [text], [[text]], note=text)
    for cell in (sheet["A1"], sheet["A2"], sheet["A4"], sheet["A5"]):
        assert (cell.value, cell.data_type) == (text, "s")
        assert cell.quotePrefix is (text[0] in "=+-@")


def test_numbers_days_and_moments_stay_what_they_are(tmp_path: Path) -> None:
    """Sums can be made of them; moments show their wall time; what is no number is left empty."""
    moment = datetime(2026, 11, 20, 17, 30, tzinfo=UTC)
    sheet = written(tmp_path, "T", list("abcdef"), [[3, 2.5, date(2026, 11, 20), moment, None, float("nan")]])
    values = [cell.value for cell in sheet[4]]
    assert values == [3, 2.5, datetime(2026, 11, 20), moment.replace(tzinfo=None), None, None]  # noqa: DTZ001
    assert sheet["C4"].number_format == "dd/mm/yyyy"
    assert sheet["D4"].number_format.startswith("dd/mm/yyyy hh:mm")


def test_any_text_fits_into_a_workbook(tmp_path: Path) -> None:
    """A title that no tab may bear, control characters, and more than a cell holds."""
    sheet = written(tmp_path, "[a]/b:c*" + "d" * 50, ["a\x00"], [["b\x1b\udc80c"], ["x" * 40_000]])
    assert sheet["A4"].value == "b  c"
    assert len(sheet["A5"].value) == 32_767
    assert written(tmp_path, "'", ["a"], []).title == "1"


def test_a_workbook_without_rows_is_one(tmp_path: Path) -> None:
    """Its heading is there."""
    assert [cell.value for cell in written(tmp_path, "T", ["A", "B"], [])[3]] == ["A", "B"]


def test_a_workbook_goes_into_no_folder_that_is_not_there(tmp_path: Path) -> None:
    """The fault says where it could not be written."""
    with pytest.raises(BroadcasterError, match="cannot be written: it is not there"):
        write_workbook(tmp_path / "away" / "a.xlsx", "T", ["A"], [])


# --- timetables


def as_rows_say(data: dict[str, Any]) -> dict[str, Any]:
    """*data* as rows can say it: a list of one is the one, times are in order, spaces are single."""

    def one_or_all(value: Any) -> Any:
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    def each(table: Any) -> Any:
        if isinstance(table, str):
            return table
        told = {
            key: " ".join(value.split()) if isinstance(value, str) else value for key, value in table.items()
        }
        told |= {key: one_or_all(told[key]) for key in ("season", "not_in_season") if key in told}
        told |= {"times": sorted(told["times"])} if "times" in told else {}
        return told["holiday"] if told.keys() == {"holiday"} else told

    data = {key: [each(one) for one in value] if key in KINDS else value for key, value in data.items()}
    return data | {"title": " ".join(data["title"].split()), "script": one_or_all(data["script"])}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(timetables.schedules(), min_size=1, max_size=3))
def test_schedules_come_back_from_a_timetable(tmp_path: Path, those: list[dict[str, Any]]) -> None:
    """Whatever schedules are written, their rows say the same when they are read."""
    path = tmp_path / "lich.xlsx"
    schedules = {f"lich-{number}": one for number, one in enumerate(those)}
    write_timetable(path, schedules, {}, [])
    found = read_timetable(path)
    assert found.schedules == {name: as_rows_say(one) for name, one in schedules.items()}
    assert found.notes == []
    numbers = [number for rows in found.rows.values() for number in rows[""]]
    assert numbers == list(range(2, len(numbers) + 2))


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """An empty timetable, as an officer gets it."""
    choices = {"script": ["tin · Bản tin, xã"], "areas": ["03160 · Xã Mường Nhé"], "holiday": ["Tết"]}
    write_timetable(tmp_path / "lich.xlsx", {}, choices, ["Cách điền", "=1+1"])
    return tmp_path / "lich.xlsx"


def filled(path: Path, *rows: dict[str, Any]) -> Path:
    """The template with *rows* of values by heading, from the second row on."""
    book = openpyxl.load_workbook(path)
    sheet = book["Lịch phát"]
    at = {cell.value: cell.column for cell in sheet[1]}
    for number, row in enumerate(rows, 2):
        for heading, value in row.items():
            sheet.cell(number, at[heading]).value = value
    book.save(path)
    return path


HEAD = {"Tên lịch": "lich", "Tiêu đề": "Lịch", "Kịch bản": "tin", "Địa bàn": "03160"}


def rule_of(path: Path, **row: Any) -> Any:
    """What the one rule of a row says."""
    (rule,) = read_timetable(filled(path, HEAD | {key.replace("_", " "): row[key] for key in row})).schedules[
        "lich"
    ]["rule"]
    return rule


def test_a_template_has_headings_choices_and_a_guide(template: Path) -> None:
    """What can be chosen hangs on its column; where several may be written other words are allowed too."""
    book = openpyxl.load_workbook(template)
    assert book.sheetnames == ["Lịch phát", "Danh mục", "Hướng dẫn"]
    sheet, lists = book["Lịch phát"], book["Danh mục"]
    assert [cell.value for cell in sheet[1]] == [column.heading for column in COLUMNS]
    listed = {str(one.sqref).split("2:")[0]: one for one in sheet.data_validations.dataValidation}
    chosen = {
        letter: [cell.value for (cell,) in lists[one.formula1.split("!")[1].replace("$", "")]]
        for letter, one in listed.items()
    }
    assert chosen["C"] == ["tin · Bản tin  xã"]
    assert chosen["G"] == list(KINDS.values())
    assert listed["G"].showErrorMessage
    assert not listed["C"].showErrorMessage
    assert "P" not in listed  # a station without seasons has none to choose
    assert sheet.column_dimensions["M"].number_format == "@"  # so that Excel makes no number of 5, 11
    assert book["Hướng dẫn"]["A2"].value == "=1+1"
    assert book["Hướng dẫn"]["A2"].data_type == "s"


def test_an_empty_template_holds_no_schedule(template: Path) -> None:
    """It is no fault either: whoever asked for it says so."""
    assert read_timetable(template).schedules == {}


def test_rows_without_a_name_belong_to_the_one_above(template: Path) -> None:
    """Merged cells and empty rows between are no harm; the rows of each part are known."""
    silent = {"Loại dòng": "Nghỉ", "Ngày lễ": "Tết"}
    path = filled(
        template, {}, HEAD | {"Giờ phát": "5h30"}, {}, silent, HEAD | {"Tên lịch": "b"}, {"Thứ": "CN"}
    )
    book = openpyxl.load_workbook(path)
    book["Lịch phát"].merge_cells("A3:A5")
    book.save(path)
    found = read_timetable(path)
    assert found.schedules["lich"] == {
        "title": "Lịch",
        "script": "tin",
        "areas": ["03160"],
        "rule": [{"times": [time(5, 30)]}],
        "except": ["Tết"],
    }
    assert found.schedules["b"]["rule"] == [{"weekdays": ["sun"]}]
    assert found.rows == {"lich": {"": [3, 5], "rule": [3], "except": [5]}, "b": {"": [6, 7], "rule": [7]}}


@pytest.mark.parametrize(
    "typed_in",
    [
        *("05:30, 17:30", "5h30; 17h30", "5 giờ 30\n17 giờ 30", "17:30 5:30", " 5:30:00 ,\u00a017g30"),
    ],
)
def test_times_are_read_as_officers_type_them(template: Path, typed_in: str) -> None:
    """With colons, h or giờ, with commas, semicolons or lines between."""
    assert rule_of(template, Giờ_phát=typed_in) == {"times": [time(5, 30), time(17, 30)]}


@pytest.mark.parametrize(
    "typed_in",
    [time(17, 30), 0.729166666666667, datetime(1899, 12, 30, 17, 30), timedelta(hours=17, minutes=30)],  # noqa: DTZ001
)
def test_a_time_that_excel_made_is_one(template: Path, typed_in: Any) -> None:
    """A real time, a part of a day, a time on Excel's day nought, a length of time."""
    assert rule_of(template, Giờ_phát=typed_in) == {"times": [time(17, 30)]}


@pytest.mark.parametrize(
    "typed_in", ["20/11/2026", "2026-11-20", " 20.11.2026", date(2026, 11, 20), 46346, "20-11-2026"]
)
def test_a_day_is_read_however_it_stands_there(template: Path, typed_in: Any) -> None:
    """As text, as a real date, or as the number that Excel keeps for one."""
    assert rule_of(template, Từ_ngày=typed_in) == {"from": date(2026, 11, 20)}


@pytest.mark.parametrize(
    ("heading", "typed_in", "key", "value"),
    [
        ("Thứ", "T3, T6", "weekdays", ["tue", "fri"]),
        ("Thứ", "thứ ba và chủ nhật", "weekdays", ["tue", "sun"]),
        ("Thứ", "T2-T6", "weekdays", ["mon", "tue", "wed", "thu", "fri"]),
        ("Thứ", 3, "weekdays", ["tue"]),
        ("Thứ", "3, 6", "weekdays", ["tue", "fri"]),
        ("Tháng", 5.0, "months", [5]),
        ("Tháng", "tháng 5, 11", "months", [5, 11]),
        ("Ngày trong tháng", "1;15", "days", [1, 15]),
        ("Ít nhất/tuần", "2 lần", "at_least", {"airings": 2, "per": "week"}),
        ("Mùa vụ", "vai · Mùa vải", "season", "vai"),
        ("Tránh mùa vụ", "vai, giap-hat", "not_in_season", ["vai", "giap-hat"]),
    ],
)
def test_what_a_rule_holds_is_read(template: Path, heading: str, typed_in: Any, key: str, value: Any) -> None:
    """Short or long, one or several, number or text."""
    assert rule_of(template, **{heading: typed_in}) == {key: value}


@pytest.mark.parametrize(
    ("heading", "typed_in", "key", "value"),
    [
        ("Địa bàn", 3160, "areas", ["03160"]),
        ("Địa bàn", 1.0, "areas", ["01"]),
        ("Địa bàn", "03160 · Xã Mường Nhé; 11", "areas", ["03160", "11"]),
        ("Kịch bản", "tin, nuoc", "script", ["tin", "nuoc"]),
        ("Loại bản tin", "ƯU TIÊN ", "class", "priority"),
        ("Loại bản tin", "emergency", "class", "emergency"),
        ("Đang dùng", False, "enabled", False),
        ("Đang dùng", "không", "enabled", False),
        ("Đang dùng", "x", "enabled", True),
    ],
)
def test_what_a_schedule_is_is_read(
    template: Path, heading: str, typed_in: Any, key: str, value: Any
) -> None:
    """A code gets back the zero that Excel took; words count whatever their capitals."""
    path = filled(template, HEAD | {heading: typed_in})
    assert read_timetable(path).schedules["lich"][key] == value


def test_english_headings_in_another_order_do_as_well(tmp_path: Path) -> None:
    """Lines above the headings and columns of one's own are let be; the latter are told."""
    book = openpyxl.Workbook()
    for row in (["Kế hoạch 2026"], ["Times", "Note", "SCHEDULE", "Title (short)"], ["5:30", "x", "a", "A"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    found = read_timetable(tmp_path / "a.xlsx")
    assert found.schedules == {"a": {"title": "A", "rule": [{"times": [time(5, 30)]}]}}
    (note,) = found.notes
    assert (note.where, note.warning) == ("a.xlsx Sheet!B2", True)


WRONG = {
    "G3": ({"Loại dòng": "lạ"}, "“lạ” is not understood"),
    "M3": ({"Giờ phát": "25:00"}, "“25:00” is not understood"),
    "J3": ({"Tháng": 5.11}, "“5.11” is not understood"),
    "H3": ({"Từ ngày": "11/20/2026"}, "“11/20/2026” is not understood"),
    "K3": ({"Thứ": "=A1"}, "“=A1” is not understood"),
    "B3": ({"Tiêu đề": "Khác"}, "a row above says something else"),
    "N3": ({"Loại dòng": "Dời", "Ít nhất/tuần": 2, "Vào lúc": "20/11/2026 17:30"}, "not for a row “Dời”"),
    "T3": ({"Vào lúc": "20/11/2026 17:30", "Giờ phát": "5:30"}, "not for a row “Quy tắc”"),
}


@pytest.mark.parametrize("cell", WRONG)
def test_a_fault_names_its_cell(template: Path, cell: str) -> None:
    """The file, the sheet, the cell and its heading, and what to write there."""
    row, what = WRONG[cell]
    with pytest.raises(BroadcasterError) as error:
        read_timetable(filled(template, HEAD | {"Giờ phát": "17:30"}, row))
    (fault,) = error.value.faults
    assert fault.where == f"lich.xlsx Lịch phát!{cell}"
    assert what in str(fault.what)


def test_all_faults_of_a_timetable_are_told_at_once(template: Path) -> None:
    """A row that belongs to nothing, one that says nothing, and cells that nobody understands."""
    rows = [{"Giờ phát": "5:30"}, HEAD | {"Loại dòng": "Nghỉ"}, {"Thứ": "T9", "Tháng": "13"}]
    with pytest.raises(BroadcasterError) as error:
        read_timetable(filled(template, *rows))
    assert [fault.where.rpartition("!")[2] for fault in error.value.faults] == ["A2", "G3", "J4", "K4"]


def spoiled(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """The package *path* with one entry changed, or made of nothing."""
    with zipfile.ZipFile(path) as package:
        entries = {one: package.read(one) for one in package.namelist()}
    return packed(path, **entries | {name: change(entries.get(name, b""))})


FIRST_SHEET = "xl/worksheets/sheet1.xml"


def far_away(xml: bytes) -> bytes:
    row = b'<row r="2000000000"><c r="A2000000000"><v>1</v></c></row></sheetData>'
    return xml.replace(b"</sheetData>", row).replace(b"<sheetData/>", b"<sheetData>" + row)


def many_rows(xml: bytes) -> bytes:
    rows = "".join(f'<row r="{number}"><c r="A{number}"><v>1</v></c></row>' for number in range(2, 2010))
    return xml.replace(b"</sheetData>", f"{rows}</sheetData>".encode())


def entities(xml: bytes) -> bytes:
    bombs = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 20}">' for n in range(1, 12))
    declared = f'<!DOCTYPE worksheet [<!ENTITY a0 "lol">{bombs}]>'.encode()
    return declared + xml.replace(b"<sheetData>", b"<sheetData>&a11;")


SPOILED: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "macros": ("xl/vbaProject.bin", lambda _old: b"x", "macros"),
    "large": (
        "xl/media/image1.png",
        lambda _old: bytes(5_000_001),
        "larger than any timetable: more than 5 MB",
    ),
    "many rows": (FIRST_SHEET, many_rows, "more than 2000 rows"),
    "a row far away": (FIRST_SHEET, far_away, "no .xlsx file, or a damaged one"),
    "entities": (FIRST_SHEET, entities, "no .xlsx file, or a damaged one"),
    "torn": (FIRST_SHEET, lambda xml: xml[:300], "no .xlsx file, or a damaged one"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_a_workbook_that_is_dangerous_or_damaged_is_refused(template: Path, name: str) -> None:
    """In a sentence, and before it fills the memory or keeps anybody waiting."""
    entry, change, what = SPOILED[name]
    with pytest.raises(BroadcasterError, match=re.escape(what)):
        read_timetable(spoiled(template, entry, change))


def test_a_row_behind_a_million_empty_ones_is_found(template: Path) -> None:
    """Also where the sheet says of itself that it is small."""
    cells = (("A1000000", "lich"), ("M1000000", "5:30"))
    told = "".join(f'<c r="{at}" t="inlineStr"><is><t>{text}</t></is></c>' for at, text in cells)
    row = f'<row r="1000000">{told}</row></sheetData>'.encode()
    path = spoiled(template, FIRST_SHEET, lambda xml: xml.replace(b"</sheetData>", row))
    assert read_timetable(path).rows == {"lich": {"": [1_000_000], "rule": [1_000_000]}}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "no .xlsx file"),
        ("Tên lịch;Giờ phát".encode(), "no .xlsx file"),
        (OLE, ".xls of old Excel"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
    ],
)
def test_what_is_no_workbook_is_told(tmp_path: Path, data: bytes, what: str) -> None:
    """What kind of file it seems to be, and how to make the right one."""
    (tmp_path / "a.xlsx").write_bytes(data)
    with pytest.raises(BroadcasterError, match=re.escape(what)):
        read_timetable(tmp_path / "a.xlsx")


def test_another_workbook_is_no_timetable(tmp_path: Path) -> None:
    """A list of something else has no column for the names of schedules."""
    write_workbook(tmp_path / "a.xlsx", "Báo cáo", ["Xã", "Giờ phát"], [["Mường Nhé", "5:30"]])
    with pytest.raises(BroadcasterError, match="no column “Tên lịch”"):
        read_timetable(tmp_path / "a.xlsx")
