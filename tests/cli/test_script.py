"""Officers write scripts by command, and translators' words come in item by item."""

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import docx
import pytest

from broadcaster.edges.content import load
from broadcaster.model.schedule import BulletinClass
from broadcaster.model.script import Script
from tests.cli.terminal import Terminal

WORDS = """\
Kính thưa bà con {area.name}!
Đây là đài truyền thanh xã.


Đầu tháng này, trời sẽ rét đậm.
   \t
Đầu tháng này, trời cũng khô.
"""
MONG = "hmn-Latn-VN"


def script(type_in: Terminal, name: str) -> Script:
    return load(type_in.station).content.scripts[name]


def words(type_in: Terminal, name: str, tag: str = "vi") -> dict[str, str]:
    return {item.id: item.text[tag].strip() for item in script(type_in, name).items if tag in item.text}


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


@pytest.fixture
def ret(type_in: Terminal, tmp_path: Path) -> str:
    """A script of three items, made from a text."""
    (tmp_path / "ret.txt").write_text(WORDS, "utf-8")
    assert (
        type_in("script", "new", "ret", "--title", "Rét đậm", "--from-text", str(tmp_path / "ret.txt")).code
        == 0
    )
    return "ret"


# --- list and show


def test_class_author_and_words_are_shown(type_in: Terminal, ret: str) -> None:
    """For people on one line and as JSON, in one language if one is asked for."""
    type_in("script", "edit", ret, "--author", "Tổ tin", "--class", "priority", "--group", "farmers")
    assert "Rét đậm (ret) · farmers · priority · Tổ tin" in type_in("script", "show", ret).out
    (listed,) = [one for one in type_in("script", "list", "--json").json if one["script"] == ret]
    assert (listed["class"], listed["author"], listed["items"]) == ("priority", "Tổ tin", 3)
    shown = type_in("script", "show", "tin", "--json", "--language", "vi", "--cluster", "nam-po").json
    assert shown == {
        "script": "tin",
        "title": "Kịch bản tin",
        "group": "everyone",
        "class": "normal",
        "author": "",
        "chime": None,
        "bed": None,
        "items": [{"item": "loi", "pause": 0.2, "text": {"vi": "Kính thưa bà con bản Nậm Pố."}}],
    }
    assert list(type_in("script", "show", "tin", "--json").json["items"][0]["text"]) == ["vi", MONG]
    assert "Mông" not in type_in("script", "show", "tin", "--language", "vi").out


# --- new


def test_paragraphs_become_items(type_in: Terminal, ret: str) -> None:
    """Empty lines part them; ids come from their first words, without accents, each once."""
    assert words(type_in, ret) == {
        "kinh-thua-ba-con": "Kính thưa bà con {area.name}!\nĐây là đài truyền thanh xã.",
        "dau-thang-nay-troi": "Đầu tháng này, trời sẽ rét đậm.",
        "dau-thang-nay-troi-2": "Đầu tháng này, trời cũng khô.",
    }
    assert script(type_in, ret).title == "Rét đậm"
    assert type_in("script", "show", ret).code == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_text_is_piped_in_however_windows_saved_it(
    type_in: Terminal, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    """UTF-8 with or without a mark, and what Notepad calls Unicode, with its line ends."""
    pipe(monkeypatch, WORDS.replace("\n", "\r\n").encode(encoding))
    said = type_in("script", "new", "ret", "--from-text", "-", "--class", "emergency", "--json")
    assert said.json == {
        "script": "ret",
        "file": "audio/ret/script.toml",
        "items": ["kinh-thua-ba-con", "dau-thang-nay-troi", "dau-thang-nay-troi-2"],
    }
    assert script(type_in, "ret").bulletin_class is BulletinClass.EMERGENCY
    assert "\r" not in (type_in.station / "audio/ret/script.toml").read_bytes().decode()


def test_a_script_begins_with_a_greeting(type_in: Terminal) -> None:
    """Without a text there is one item to go on from, and what was made has no fault."""
    said = type_in("script", "new", "moi", "--author", "An")
    assert (said.code, said.err) == (0, "")
    assert "broadcaster script edit moi" in said.out
    assert script(type_in, "moi").author == "An"
    assert words(type_in, "moi") == {"kinh-thua-ba-con": "Kính thưa bà con {area.name}!"}


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"a {area.name", "has no partner"),
        (b" \n\n ", "no words in it"),
        ("Kính thưa".encode("cp1258", "replace") + b"\xff", "not a text file in UTF-8"),
        (b"a" * 1_000_001, "larger than 1 MB"),
    ],
)
def test_a_text_that_makes_no_script_makes_nothing(
    type_in: Terminal, monkeypatch: pytest.MonkeyPatch, data: bytes, what: str
) -> None:
    """The fault says what is wrong with the text, and no folder is left."""
    before = type_in.files()
    pipe(monkeypatch, data)
    assert what in type_in.fault("script", "new", "moi", "--from-text", "-")
    assert type_in.files() == before


@pytest.mark.parametrize(
    ("command", "code", "what"),
    [
        ("new tin", 1, "something in this place already"),
        ("new Tin", 1, "small letters, digits and hyphens"),
        ("new moi --from-text khong-co.txt", 1, "it is not there"),
        ("new moi --class urgent", 2, "emergency, priority, normal"),
        ("new moi --group nobody", 2, "farmers"),
        ("edit tinn --title x", 1, "Did you mean “tin”?"),
        ("edit tin --item loii --text x", 1, "Did you mean “loi”?"),
        ("edit tin --item loi --text x --language th", 1, "Write blt-Latn-VN"),
        ("edit tin --item loi --text x --language hmn", 1, "Did you mean “hmn-Latn-VN”?"),
        ("edit tin --item loi --text {area.name", 1, "has no partner"),
        ("edit tin --item loi --file khong-co.txt", 1, "it is not there"),
        ("edit tin --item loi", 2, "--item goes with"),
        ("edit tin --text x", 2, "--item goes with"),
        ("edit tin --item loi --text x --file y", 2, "--text or from --file"),
        ("edit tin --item loi --pause 31", 2, "31"),
        ("edit tin --item Lời --text x --add", 1, "small letters"),
        ("copy tinn moi", 1, "Did you mean “tin”?"),
        ("copy tin nuoc", 1, "something in this place already"),
        ("sheet tin --language th -o x.docx", 1, "Write blt-Latn-VN"),
        ("sheet tin -o x.pdf", 1, ".docx or an .html"),
        ("sheet tin -o x.docx --area 3160", 1, "Did you mean “03160”?"),
        ("import khong-co.docx", 1, "it is not there"),
        ("show tin --language th", 1, "Write blt-Latn-VN"),
    ],
)
def test_wrong_input_is_told_and_nothing_is_written(
    type_in: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, code: int, what: str
) -> None:
    """What is wrong and what to do, exit code 1, or 2 for a wrong form; no file is touched or made."""
    monkeypatch.chdir(tmp_path)
    before, around = type_in.files(), sorted(tmp_path.iterdir())
    said = type_in("script", *command.split())
    assert said.code == code
    assert what in " ".join(said.err.split())
    assert (type_in.files(), sorted(tmp_path.iterdir())) == (before, around)


@pytest.mark.parametrize(
    "command", ["new a", "edit tin", "copy tin a", "sheet tin -o x.docx", "import x.docx", "show tin"]
)
def test_without_a_station_nothing_is_written(type_in: Terminal, tmp_path: Path, command: str) -> None:
    """The sentence says how to name a station or make one."""
    type_in.station = tmp_path / "trong"
    type_in.station.mkdir()
    assert "This folder is no station" in type_in.fault("script", *command.split())
    assert type_in.files() == {}


# --- edit


def test_options_change_what_they_name(type_in: Terminal, tmp_path: Path) -> None:
    """Words, pause, title, group, author, class and chime; an empty one is taken out again."""
    (tmp_path / "loi.txt").write_text("Peb\nsawv daws.\n", "utf-8")
    type_in.write("audio/chimes/mo-dau.flac", "")
    said = type_in(
        "script", "edit", "tin", "--item", "loi", "--file", str(tmp_path / "loi.txt"), "--language", MONG
    )
    assert (said.code, said.out) == (0, "Changed: audio/tin/script.toml\n")
    type_in(
        "script",
        "edit",
        "tin",
        "--item",
        "loi",
        "--text",
        "Chào {area.name}.",
        "--pause",
        "2",
        "--title",
        "Mới",
    )
    type_in("script", "edit", "tin", *("--chime", "mo-dau.flac", "--author", "An", "--class", "priority"))
    one = script(type_in, "tin")
    assert (one.title, one.author, one.chime, one.items[0].pause) == ("Mới", "An", "mo-dau.flac", 2.0)
    assert one.bulletin_class is BulletinClass.PRIORITY
    assert words(type_in, "tin", MONG) == {"loi": "Peb\nsawv daws."}
    assert words(type_in, "tin") == {"loi": "Chào {area.name}."}
    type_in("script", "edit", "tin", "--chime", "", "--author", "")
    assert (script(type_in, "tin").chime, script(type_in, "tin").author) == (None, "")


def test_an_item_is_added_only_where_that_is_asked(type_in: Terminal) -> None:
    """--add puts it at the end."""
    assert type_in("script", "edit", "tin", "--item", "ket", "--text", "Hết.").code == 1
    assert type_in("script", "edit", "tin", "--item", "ket", "--text", "Hết.", "--add").code == 0
    assert list(words(type_in, "tin")) == ["loi", "ket"]


def test_what_a_change_leaves_wrong_is_told(type_in: Terminal) -> None:
    """The change is made, and the fault that the loader finds then is told, with exit code 1."""
    said = type_in("script", "edit", "tin", "--bed", "khong-co.flac", "--json")
    assert said.code == 1
    assert said.json["changed"]
    assert [one["where"] for one in said.json["faults"]] == ["audio/tin/script.toml"]
    assert "khong-co.flac is not there" in said.err


def test_the_same_is_no_change(type_in: Terminal) -> None:
    """It says so, and the file keeps its time."""
    path = type_in.station / "audio/tin/script.toml"
    before = path.stat().st_mtime_ns
    assert type_in("script", "edit", "tin", "--title", "Kịch bản tin").out == "Nothing was changed.\n"
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("name", ["VISUAL", "EDITOR"])
def test_an_editor_opens_the_file_and_its_faults_are_told(
    type_in: Terminal, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """$VISUAL, else $EDITOR, with its arguments; afterwards every fault of this script, and of no other."""
    type_in.change("audio/nuoc/script.toml", "title =", "titel =")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.setenv(name, "sed -i -e 's/pause = 0.2/pause = 99/' -e s/title/titel/")
    said = type_in("script", "edit", "tin")
    assert said.code == 1
    assert said.out == "Changed: audio/tin/script.toml\n"
    assert said.err.count("Fault: audio/tin/script.toml") == 3  # titel, no title, pause
    assert "nuoc" not in said.err


def test_a_broken_file_is_opened_so_that_it_can_be_mended(
    type_in: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options refuse a file that is no TOML, in the loader's words; the editor opens it."""
    type_in.change("audio/tin/script.toml", "[[item]]", "[[item]")
    assert "not valid TOML" in type_in.fault("script", "edit", "tin", "--title", "x")
    monkeypatch.setenv("VISUAL", "sed -i 's/^.*item]$/[[item]]/'")
    assert type_in("script", "edit", "tin").code == 0
    assert words(type_in, "tin") == {"loi": "Kính thưa bà con {area.name}."}


@pytest.mark.parametrize("editor", ["no-such-editor", "'unfinished", " "])
def test_an_editor_that_does_not_start_is_told(
    type_in: Terminal, monkeypatch: pytest.MonkeyPatch, editor: str
) -> None:
    """And how to name one; the script is as it was."""
    before = type_in.files()
    monkeypatch.setenv("VISUAL", editor)
    assert "EDITOR=nano" in type_in.fault("script", "edit", "tin")
    assert type_in.files() == before


# --- copy


def test_a_copy_has_the_words_alone(type_in: Terminal) -> None:
    """Its title may be a new one; recordings and approvals stay with the old script."""
    type_in.write(f"audio/tin/recordings/{MONG}/loi.wav", "x")
    type_in.write("audio/tin/approvals.jsonl", "")
    said = type_in("script", "copy", "tin", "tin-2", "--title", "Tin thứ hai", "--json")
    assert said.json == {"script": "tin-2", "file": "audio/tin-2/script.toml", "from": "tin"}
    assert script(type_in, "tin-2").title == "Tin thứ hai"
    assert words(type_in, "tin-2", MONG) == {"loi": "…"}
    assert [path.name for path in (type_in.station / "audio/tin-2").iterdir()] == ["script.toml"]


# --- sheet and import


class Sheet:
    """A sheet of the script ret in Mông, filled in by item."""

    def __init__(self, type_in: Terminal, path: Path) -> None:
        self.path = path
        assert type_in("script", "sheet", "ret", "--language", MONG, "-o", str(path)).code == 0

    def fill(self, **texts: str) -> None:
        document = docx.Document(str(self.path))
        for row in document.tables[0].rows[1:]:
            name = row.cells[1].text.split("\n")[0].replace("-", "_")
            if name in texts:
                row.cells[3].text = texts[name]
        document.save(str(self.path))

    @property
    def shown(self) -> list[list[str]]:
        return [[cell.text for cell in row.cells] for row in docx.Document(str(self.path)).tables[0].rows]


@pytest.fixture
def sheet(type_in: Terminal, ret: str, tmp_path: Path) -> Sheet:
    """A sheet of *ret*."""
    return Sheet(type_in, tmp_path / f"{ret}.docx")


def test_a_sheet_has_each_item_and_room_for_its_words(type_in: Terminal, sheet: Sheet) -> None:
    """Number, item, Vietnamese, what is there in Mông, seconds; above it title, station, language, day."""
    type_in("script", "edit", "ret", "--item", "dau-thang-nay-troi", "--text", "No no.", "--language", MONG)
    again = ("script", "sheet", "ret", "--language", MONG, "-o", str(sheet.path), "--json")
    assert "somebody may have written into it" in type_in.fault(*again)
    sheet.path.unlink()
    said = type_in(*again)
    assert said.json == {"script": "ret", "language": MONG, "file": str(sheet.path), "items": 3}
    shown = sheet.shown
    assert [row[0] for row in shown[1:]] == ["1", "2", "3"]
    assert shown[2][2:4] == ["Đầu tháng này, trời sẽ rét đậm.", "No no."]
    assert shown[3][3] == ""
    assert [int(row[4]) for row in shown[1:]] == [4, 3, 2]
    lines = [one.text for one in docx.Document(str(sheet.path)).paragraphs]
    assert lines[0] == "Rét đậm"
    assert lines[1].startswith("Đài truyền thanh xã Mường Nhé · Language: Mông · Day: ")
    assert any("{area.name}" in line for line in lines[2:])


def test_a_sheet_for_an_area_can_be_read_aloud_there(type_in: Terminal, ret: str, tmp_path: Path) -> None:
    """The words of the area stand where the placeholders were."""
    path = tmp_path / "ret.html"
    type_in("script", "sheet", ret, "-o", str(path), "--area", "03160/nam-po")
    page = path.read_text("utf-8")
    assert "Kính thưa bà con bản Nậm Pố!" in page
    assert "Bản Nậm Pố (03160/nam-po)" in page
    assert "[hmn" not in page


def test_words_come_in_item_by_item(type_in: Terminal, sheet: Sheet) -> None:
    """New, changed, the same, left blank: each is told, and the script holds them."""
    type_in("script", "edit", "ret", "--item", "dau-thang-nay-troi", "--text", "Cũ.", "--language", MONG)
    sheet.fill(kinh_thua_ba_con="Nyob zoo {area.name}!\nPeb.", dau_thang_nay_troi="No.")
    said = type_in("script", "import", str(sheet.path), "--json")
    assert said.code == 0
    assert [(one["item"], one["state"], one["reason"]) for one in said.json] == [
        ("kinh-thua-ba-con", "new", None),
        ("dau-thang-nay-troi", "changed", None),
        ("dau-thang-nay-troi-2", "blank", None),
    ]
    come = {"kinh-thua-ba-con": "Nyob zoo {area.name}!\nPeb.", "dau-thang-nay-troi": "No."}
    assert words(type_in, "ret", MONG) == come
    again = type_in("script", "import", str(sheet.path))
    assert again.out.count("as before") == 2
    assert words(type_in, "ret", MONG) == come


@pytest.mark.parametrize(
    ("text", "what", "following"),
    [
        ("Nyob zoo!", "lack {area.name}", "Write {area.name} where"),
        ("Nyob {area.nam}!", "{area.nam} does not stand", "Did you mean “{area.name}”?"),
        ("Nyob {khu vực}!", "{khu vực} does not stand", "Did you mean “{area.name}”?"),
        ("Nyob {area.name} {zzz}", "{zzz} does not stand", "Take it out"),
        ("Nyob {area.name!", "has no partner", "{area.name}"),
    ],
)
def test_a_placeholder_that_was_lost_is_a_fault_of_its_item(
    type_in: Terminal, sheet: Sheet, text: str, what: str, following: str
) -> None:
    """That item stays out and the fault says what to write; the others come in."""
    sheet.fill(kinh_thua_ba_con=text, dau_thang_nay_troi="No.")
    fault = type_in.fault("script", "import", str(sheet.path))
    assert f"{sheet.path} [kinh-thua-ba-con]" in fault
    assert what in fault
    assert following in fault
    assert words(type_in, "ret", MONG) == {"dau-thang-nay-troi": "No."}


def test_vietnamese_that_changed_meanwhile_is_noticed(type_in: Terminal, sheet: Sheet) -> None:
    """That item comes in only with --force, and then with a note; the others come in anyway."""
    sheet.fill(kinh_thua_ba_con="Nyob {area.name}!", dau_thang_nay_troi="No.")
    type_in("script", "edit", "ret", *("--item", "kinh-thua-ba-con", "--text", "Chào bà con {area.name}!"))
    said = type_in("script", "import", str(sheet.path), "--json")
    assert (said.code, [one["state"] for one in said.json]) == (1, ["refused", "new", "blank"])
    assert "has changed since the sheet was written" in said.json[0]["reason"]
    assert "--force" in said.err
    assert list(words(type_in, "ret", MONG)) == ["dau-thang-nay-troi"]
    said = type_in("script", "import", str(sheet.path), "--force", "--json")
    assert (said.code, [one["state"] for one in said.json]) == (0, ["new", "same", "blank"])
    assert said.err.startswith("Note: ")
    assert words(type_in, "ret", MONG)["kinh-thua-ba-con"] == "Nyob {area.name}!"


def test_rows_that_cannot_be_placed_are_told(type_in: Terminal, sheet: Sheet) -> None:
    """A row without its item, one of no item of the script, and an item that stands there twice."""
    document = docx.Document(str(sheet.path))
    rows = document.tables[0].rows
    for row, item in zip(
        list(rows)[1:], ("xin chào!", "khac #0123abcd", "dau-thang-nay-troi-2"), strict=True
    ):
        row.cells[1].text, row.cells[3].text = item, f"Peb {item[:1]}"
    again = document.tables[0].add_row()
    again.cells[1].text, again.cells[3].text = "dau-thang-nay-troi-2", "Khác"
    document.save(str(sheet.path))
    fault = type_in.fault("script", "import", str(sheet.path))
    assert "[?]: It cannot be told which item" in fault
    assert "“Peb x" in fault
    assert "has no item “khac”" in fault
    assert fault.count("stands in the sheet twice") == 2
    assert words(type_in, "ret", MONG) == {}


def test_a_sheet_of_another_script_is_told(type_in: Terminal, sheet: Sheet) -> None:
    """Where its script is not there, the name that it asks for is said."""
    (type_in.station / "audio/ret").rename(type_in.station / "audio/khac")
    assert "ret: There is none of this name" in type_in.fault("script", "import", str(sheet.path))


def test_vietnamese_corrected_on_the_sheet_comes_in(type_in: Terminal, ret: str, tmp_path: Path) -> None:
    """The announcer's sheet brings corrections back."""
    path = tmp_path / "ret.docx"
    type_in("script", "sheet", ret, "-o", str(path))
    document = docx.Document(str(path))
    document.tables[0].cell(2, 2).text = "Đầu tháng này trời rét đậm."
    document.save(str(path))
    assert [one["state"] for one in type_in("script", "import", str(path), "--json").json] == [
        *("same", "changed", "same"),
    ]
    assert words(type_in, ret)["dau-thang-nay-troi"] == "Đầu tháng này trời rét đậm."
