"""approve: who vouches for what, as it is typed; and what the lists and the plan say after it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.cli.terminal import Terminal, buzz, record
from tests.stations import approve

DAY = "2026-11-20"
MONG = "hmn-Latn-VN"
BOTH = ("--language", "vi", "--language", MONG)
NOW = datetime(2026, 11, 1, 3, 0, tzinfo=UTC)  # 10:00 at the station
LINES = "audio/tin/approvals.jsonl"
WORDS = [
    "at",
    "name",
    "role",
    "revoked",
    "script",
    "item",
    "language",
    "area",
    "source",
    "words",
    "sound",
    "said",
]
ROWS = ["script", "item", "language", "area", "file", "state", "author", "translator", "reviewer", "listener"]


@pytest.fixture
def type_in(type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """On a day in November; `tin` has Mông: its words, and a reading of them."""
    monkeypatch.setattr("broadcaster.edges.clock.SystemClock.now", lambda _self: NOW)
    record(type_in, "tin")
    return type_in


def states(type_in: Terminal, script: str = "tin") -> dict[tuple[str, str | None], str]:
    """What `approve --list` says, by language and place."""
    return {
        (one["language"], one["area"]): one["state"]
        for one in type_in("approve", script, "--list", "--json").json
    }


def heard(type_in: Terminal) -> list[str]:
    """The languages in which `tin` is planned at the village."""
    found = type_in("plan", DAY, "--json").json
    return next(one["languages"] for one in found if (one["script"], one["cluster"]) == ("tin", "nam-po"))


def lines(type_in: Terminal) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (type_in.station / LINES).read_text("utf-8").splitlines()]


class TestApproving:
    def test_puts_on_air_what_is_there(self, type_in: Terminal) -> None:
        """Before, nothing is planned; after, both languages; nothing else needs doing."""
        assert heard(type_in) == []
        said = type_in("approve", "tin", "--name", "Sùng A Páo", *BOTH)
        assert (said.code, said.err) == (0, "")
        assert said.out.splitlines()[0] == "Approved: 2 texts, 1 recordings."
        assert heard(type_in) == ["vi", MONG]
        assert states(type_in) == {("vi", None): "approved", (MONG, None): "approved"}

    def test_writes_a_line_for_each(self, type_in: Terminal) -> None:
        """Who, when, what for: `--json` prints what the file has."""
        said = type_in("approve", "tin", "--name", " Sùng A Páo ", *BOTH, "--json")
        assert [list(one) for one in said.json] == [WORDS] * 3
        assert [(one["role"], one["language"], bool(one["sound"])) for one in said.json] == [
            ("reviewer", "vi", False),
            ("reviewer", MONG, False),
            ("listener", MONG, True),
        ]
        assert {(one["name"], one["at"]) for one in said.json} == {
            ("Sùng A Páo", "2026-11-01T10:00:00+07:00")
        }
        assert lines(type_in) == [
            {key: value for key, value in one.items() if key != "script"} for one in said.json
        ]

    @pytest.mark.parametrize(
        ("role", "said"),
        [
            ("author", [("author", "vi")]),
            ("translator", [("translator", MONG)]),
            ("reviewer", [("reviewer", "vi"), ("reviewer", MONG)]),
            ("listener", [("listener", MONG)]),
        ],
    )
    def test_of_one_role_says_that_alone(
        self, type_in: Terminal, role: str, said: list[tuple[str, str]]
    ) -> None:
        """An author wrote the Vietnamese, a translator the others; neither opens the way to the air."""
        found = type_in("approve", "tin", "--name", "A", *BOTH, "--role", role, "--json").json
        assert [(one["role"], one["language"]) for one in found] == said
        assert heard(type_in) == (["vi"] if role == "reviewer" else [])
        (row,) = (
            one for one in type_in("approve", "tin", "--list", "--json").json if one["language"] == said[0][1]
        )
        assert row[role] == {"name": "A", "at": "2026-11-01T10:00:00+07:00"}

    def test_names_other_languages_than_vietnamese(self, type_in: Terminal) -> None:
        """Who vouches for Mông says so: by default only Vietnamese is approved."""
        type_in("approve", "tin", "--name", "A")
        assert states(type_in) == {("vi", None): "approved", (MONG, None): "unapproved"}

    def test_of_nothing_is_a_fault(self, type_in: Terminal) -> None:
        """Where there is nothing of the kind, nobody is left to believe that there was."""
        fault = type_in.fault("approve", "tin", "--name", "A", "--role", "translator")
        assert "nothing of this kind" in fault
        assert "--language" in fault

    def test_of_one_language_leaves_the_others(self, type_in: Terminal) -> None:
        """The plan withholds Mông, and says why."""
        type_in("approve", "tin", "--name", "A", "--language", "vi")
        assert states(type_in) == {("vi", None): "approved", (MONG, None): "unapproved"}
        (found,) = (
            one
            for one in type_in("plan", DAY, "--json").json
            if (one["script"], one["cluster"]) == ("tin", "nam-po")
        )
        assert found["withheld"] == [{"language": MONG, "items": {"loi": "unapproved"}}]

    def test_of_one_item_leaves_the_others(self, type_in: Terminal) -> None:
        """A script with one item approved and one not does not sound."""
        path = "audio/tin/script.toml"
        type_in.write(
            path,
            (type_in.station / path).read_text("utf-8") + '\n[[item]]\nid = "ket"\ntext = { vi = "Hết." }\n',
        )
        added = type_in("approve", "tin", "--name", "A", *BOTH, "--item", "ket", "--json").json
        assert [one["item"] for one in added] == ["ket"]
        assert heard(type_in) == []

    def test_of_one_place_is_of_its_recordings_alone(self, type_in: Terminal) -> None:
        """Who listened to one village's reading has not read the words, nor heard the others."""
        folder = type_in.station / "audio" / "tin" / "recordings" / MONG
        buzz(folder / "loi@03160+nam-po.wav", 1.0)
        added = type_in("approve", "tin", "--name", "A", *BOTH, "--area", "03160/nam-po", "--json").json
        assert [(one["role"], one["area"]) for one in added] == [("listener", "03160/nam-po")]
        type_in("approve", "tin", "--name", "B", *BOTH, "--role", "reviewer")
        assert states(type_in) == {
            ("vi", None): "approved",
            (MONG, None): "unapproved",
            (MONG, "03160/nam-po"): "approved",
        }
        assert heard(type_in) == ["vi", MONG]

    def test_of_a_stand_in_or_a_damaged_file_says_nothing(self, type_in: Terminal) -> None:
        """Their words are approved, the files are not: whatever is typed, they do not air."""
        record(type_in, "tin", stand_in=True)
        (record(type_in, "nuoc")).write_bytes(b"RIFF")
        for script, state in (("tin", "stand-in"), ("nuoc", "recording-broken")):
            said = type_in("approve", script, "--name", "A", *BOTH)
            assert said.out.splitlines()[0] == "Approved: 2 texts, 0 recordings."
            assert states(type_in, script) == {("vi", None): "approved", (MONG, None): state}
        assert heard(type_in) == ["vi"]

    def test_keeps_a_strange_name_in_one_line(self, type_in: Terminal) -> None:
        """Quotes, line ends and what only looks like one tear no line."""
        type_in("approve", "tin", "--name", 'Sùng "A"\nPáo\u2028\u0085\u00a0{x}', *BOTH)
        assert {one["name"] for one in type_in("approve", "--history", "--json").json} == {'Sùng "A" Páo {x}'}
        assert states(type_in)["vi", None] == "approved"
        assert "approvals.jsonl" not in type_in("check").err


class TestWhatChangesLater:
    def test_other_words_outdate_the_translation(self, type_in: Terminal) -> None:
        """`plan`, `check`, `recording missing`, `recording matrix` and `approve --list` all say so."""
        approve(type_in.station)
        assert heard(type_in) == ["vi", MONG]
        type_in.change("audio/tin/script.toml", "Kính thưa bà con", "Kính thưa các cụ")
        (found,) = (
            one
            for one in type_in("plan", DAY, "--json").json
            if (one["script"], one["cluster"]) == ("tin", "nam-po")
        )
        assert (found["state"], found["reason"]) == ("withheld", "incomplete")
        assert found["withheld"] == [
            {"language": "vi", "items": {"loi": "unapproved"}},
            {"language": MONG, "items": {"loi": "outdated"}},
        ]
        assert "without Mông: outdated: the Vietnamese words changed" in type_in("plan", DAY).out
        fault = type_in.fault("check")
        assert "Mông is left out at Bản Nậm Pố: the Vietnamese words of loi changed" in fault
        missing = type_in("recording", "missing", "--json").json
        assert {(one["language"], one["state"]) for one in missing if one["script"] == "tin"} == {
            ("vi", "unapproved"),
            (MONG, "outdated"),
        }
        matrix = type_in("recording", "matrix", "--json").json
        assert [one["state"] for one in matrix if (one["script"], one["language"]) == ("tin", MONG)] == [
            "outdated"
        ]
        assert states(type_in) == {("vi", None): "unapproved", (MONG, None): "outdated"}
        assert "outdated: the Vietnamese words changed" in type_in("approve", "tin", "--list").out

    def test_white_space_changes_nothing(self, type_in: Terminal) -> None:
        """A text that was only broken into other lines is the same text."""
        approve(type_in.station)
        type_in.change("audio/tin/script.toml", '"Kính thưa bà con', '"  Kính   thưa\\n bà con')
        assert heard(type_in) == ["vi", MONG]

    def test_other_bytes_silence_the_language(self, type_in: Terminal) -> None:
        """A reading that was put in the place of the approved one waits for its listener."""
        approve(type_in.station)
        record(type_in, "tin", seconds=1.5)
        assert heard(type_in) == ["vi"]
        assert states(type_in) == {("vi", None): "approved", (MONG, None): "unapproved"}
        type_in("approve", "tin", "--name", "A", *BOTH, "--role", "listener")
        assert heard(type_in) == ["vi", MONG]

    def test_taking_back_silences_and_keeps_the_history(self, type_in: Terminal) -> None:
        """Both lines stay, in the order in which they came; given again, it sounds again."""
        type_in("approve", "tin", "--name", "A", "--language", "vi")
        said = type_in("approve", "tin", "--name", "B", "--language", "vi", "--revoke")
        assert said.out.splitlines()[0] == "Taken back: 1 texts, 0 recordings."
        assert heard(type_in) == []
        (row,) = (
            one for one in type_in("approve", "tin", "--list", "--json").json if one["language"] == "vi"
        )
        assert (row["state"], row["reviewer"]) == ("unapproved", None)
        type_in("approve", "tin", "--name", "C", "--language", "vi")
        assert heard(type_in) == ["vi"]
        told = type_in("approve", "--history", "--json").json
        assert [(one["name"], one["revoked"]) for one in told] == [("A", False), ("B", True), ("C", False)]
        table = type_in("approve", "--history").out.splitlines()[2:]
        assert [("taken back" in row, row.split()[2]) for row in table] == [
            (False, "A"),
            (True, "B"),
            (False, "C"),
        ]

    def test_a_torn_line_is_told_and_the_next_is_whole(self, type_in: Terminal) -> None:
        """After a power cut the file is added to as before; the torn line stays a fault till it is mended."""
        type_in.write(LINES, '{"at": "2026-11-01T1')
        said = type_in("approve", "tin", "--name", "A", *BOTH)
        assert f"{LINES}:1: This line is no approval" in said.err
        assert heard(type_in) == ["vi", MONG]
        assert f"{LINES}:1" in type_in.fault("check")

    def test_another_pronunciation_is_approved_anew(self, type_in: Terminal) -> None:
        """The dictionary changes what the voice says: words that it touches are not approved any more."""
        type_in("approve", "tin", "--name", "A", *BOTH)
        type_in.write("audio/dictionary.toml", '"không có trong lời" = "gì đó"\n')
        assert states(type_in)["vi", None] == "approved"
        words = type_in("script", "show", "tin", "--language", "vi", "--json").json["items"][0]["text"]["vi"]
        type_in.write("audio/dictionary.toml", f'"{words.split()[0]}" = "lũ người kia"\n')
        assert states(type_in) == {("vi", None): "unapproved", (MONG, None): "approved"}

    def test_what_is_away_is_taken_back_too(self, type_in: Terminal) -> None:
        """A recording that was taken away meanwhile does not come back approved; all languages are meant."""
        type_in("approve", "tin", "--name", "A", *BOTH)
        (path,) = (type_in.station / "audio/tin/recordings").rglob("*.wav")
        kept = path.read_bytes()
        path.unlink()
        assert (
            "Taken back: 2 texts, 1 recordings." in type_in("approve", "tin", "--name", "B", "--revoke").out
        )
        path.write_bytes(kept)
        assert states(type_in) == {("vi", None): "unapproved", (MONG, None): "unapproved"}


class TestLists:
    def test_show_how_everything_stands(self, type_in: Terminal) -> None:
        """Each text and recording, with its state and who did what; the words of the design as fields."""
        type_in("approve", "tin", "--name", "Sùng A", *BOTH)
        rows = type_in("approve", "--list", "--json").json
        assert all(list(row) == ROWS for row in rows)
        assert [(row["script"], row["language"], row["state"]) for row in rows] == [
            ("nuoc", "vi", "unapproved"),
            ("nuoc", MONG, "unapproved"),
            ("tin", "vi", "approved"),
            ("tin", MONG, "approved"),
        ]
        assert rows[3]["file"] == f"audio/tin/recordings/{MONG}/loi.wav"
        assert rows[3]["listener"] == {"name": "Sùng A", "at": "2026-11-01T10:00:00+07:00"}
        assert rows[2]["listener"] is None

    def test_are_tables_for_people(self, type_in: Terminal) -> None:
        """Names and days, states in words."""
        type_in("approve", "tin", "--name", "Sùng A", *BOTH)
        said = type_in("approve", "tin", "--list")
        assert said.code == 0
        assert "Sùng A, 2026-11-01" in said.out
        assert "not approved" not in said.out
        assert "not approved" in type_in("approve", "nuoc", "--list").out

    def test_write_nothing_into_the_content(self, type_in: Terminal) -> None:
        """Who only looks approves nothing, name or no name."""
        for option in ("--list", "--history"):
            type_in("approve", "tin", "--name", "A", *BOTH, option)
        assert not (type_in.station / LINES).exists()


class TestWrongInput:
    def test_is_told_all_at_once(self, type_in: Terminal) -> None:
        """Neither script nor name, and items, languages and areas that nobody knows: five faults."""
        before = type_in.files()
        fault = type_in.fault("approve", "--item", "lo", "--language", "hmn", "--area", "3160")
        assert "Which script?" in fault
        assert "Known are: nuoc, tin." in fault
        assert "Nobody is named" in fault
        assert "lo: There is none of this name.\n  → Did you mean “loi”?" in fault
        assert "hmn: There is none of this name." in fault
        assert "3160: There is none of this name." in fault
        assert fault.count("Fault: ") == 5
        assert {name for name in type_in.files() if name not in before and name[:4] != "var/"} <= {"var"}

    @pytest.mark.parametrize("name", ["", "  ", "\u2028", "Nguy\udcean", "\x07"])
    def test_of_a_name_is_told(self, type_in: Terminal, name: str) -> None:
        """Nobody, or letters that no file could hold: somebody must be named."""
        assert "Nobody is named" in type_in.fault("approve", "tin", "--name", name)
        assert not (type_in.station / LINES).exists()

    def test_of_the_script_hides_no_other(self, type_in: Terminal) -> None:
        """A misspelt script and a name of blanks are told together."""
        fault = type_in.fault("approve", "tim", "--name", "  ", "--item", "khong")
        assert "tim: There is none of this name.\n  → Did you mean “tin”?" in fault
        assert "Nobody is named" in fault
        assert "khong: There is none of this name." in fault

    @pytest.mark.parametrize(
        ("arguments", "what"),
        [
            (["--item", "lo"], "Did you mean “loi”?"),
            (["--language", "twh-Latn-VN"], "Did you mean “hmn-Latn-VN”?"),
            (["--area", "03161"], "Known are"),
        ],
    )
    def test_approves_nothing(self, type_in: Terminal, arguments: list[str], what: str) -> None:
        """What is not understood is not done in part."""
        assert what in type_in.fault("approve", "tin", "--name", "A", *arguments)
        assert not (type_in.station / LINES).exists()

    def test_of_a_role_shows_the_usage(self, type_in: Terminal) -> None:
        """A role that is none is wrong usage."""
        assert type_in("approve", "tin", "--name", "A", *BOTH, "--role", "boss").code == 2

    def test_what_cannot_be_written_is_told(self, type_in: Terminal) -> None:
        """Something stands where the approvals go: a fault, and nothing is said to be approved."""
        (type_in.station / LINES).mkdir()
        said = type_in("approve", "tin", "--name", "A", *BOTH)
        assert said.code == 1
        assert "approvals.jsonl" in said.err
        assert said.out == ""
