"""recording add, check: what people bring is taken or refused, in a table, in JSON and by the exit code."""

import shutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from broadcaster.model.judgement import Heard
from tests.cli.terminal import Terminal, record
from tests.sounds import noise, save, silence, speech

MONG = "hmn-Latn-VN"
KEYS = ["file", "recording", "verdict", "reasons", "codes", *(field.name for field in fields(Heard))]


@pytest.fixture(scope="module")
def usb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A memory stick with a good recording, a dull one, a silent one, and a letter."""
    folder = tmp_path_factory.mktemp("usb")
    samples = speech(2.4, -22)
    samples[np.arange(len(samples)) // 8_000 % 4 == 3] *= 0.002
    samples += noise(2.4, -68)
    (folder / MONG).mkdir()
    save(folder / MONG / "01 Lời.mp3", samples, "libmp3lame", rate=44_100)
    save(folder / "dull.wav", samples, rate=8_000)
    save(folder / "silent.wav", silence(2))
    (folder / "letter.doc").write_text("Kính gửi đài", "utf-8")
    return folder


class TestCheck:
    def test_prints_a_table(self, type_in: Terminal, usb: Path) -> None:
        """Each file stands in a line with verdict, length and loudness; below, what is to be said of it."""
        said = type_in("recording", "check", str(usb))
        assert said.code == 1
        head, _, *rows = said.out.splitlines()
        assert head.split() == ["File", "Verdict", "Length", "Loudness"]
        assert [row.split()[-3:-2] for row in rows if "good" in row]
        assert len(rows) == 4
        assert f"Note: {usb}/dull.wav: It sounds dull" in said.err
        assert f"Fault: {usb}/silent.wav: Nothing can be heard in it." in said.err
        assert f"Fault: {usb}/letter.doc: The file cannot be read as sound" in said.err
        assert "Lời" not in said.err

    def test_prints_json(self, type_in: Terminal, usb: Path) -> None:
        """`--json` holds the same, with all that was heard; nothing else is said."""
        said = type_in("recording", "check", str(usb), "/dev/zero", "--json")
        assert (said.code, said.err) == (1, "")
        found = said.json
        assert all(list(one) == KEYS for one in found)
        assert {Path(one["file"]).name: (one["verdict"], one["codes"]) for one in found} == {
            "01 Lời.mp3": ("good", []),
            "dull.wav": ("warned", ["telephone"]),
            "silent.wav": ("refused", ["silent"]),
            "letter.doc": ("refused", ["unusable"]),
            "zero": ("refused", ["unusable"]),
        }
        silent = next(one for one in found if one["codes"] == ["silent"])
        assert silent["reasons"] == [
            "Nothing can be heard in it. See that the microphone is on and not covered, and record it again."
        ]
        assert (silent["seconds"], silent["rate"], silent["container"]) == (2.0, 32_000, "wav")

    def test_is_content_with_good_files(self, type_in: Terminal, usb: Path) -> None:
        """Where nothing is refused the exit code is 0, and nothing in the station is changed."""
        before = type_in.files()
        assert type_in("recording", "check", str(usb / MONG), str(usb / "dull.wav")).code == 0
        assert type_in.files() == before


class TestAdd:
    def test_takes_a_folder(self, type_in: Terminal, usb: Path) -> None:
        """Files that are named for items are taken, the rest is told, and nothing is approved."""
        said = type_in("recording", "add", str(usb), "--script", "tin")
        assert said.code == 1
        path = f"audio/tin/recordings/{MONG}/loi.mp3"
        assert path in said.out
        assert "Added: 1." in said.out
        assert said.out.strip().endswith("broadcaster approve")
        assert "The script has no item “dull”. Name the file after one of: loi." in said.err.replace(
            "\n  →", ""
        )
        assert (type_in.station / path).read_bytes() == (usb / MONG / "01 Lời.mp3").read_bytes()
        (listed,) = type_in("recording", "list", "--json").json
        assert (listed["file"], listed["item"], listed["language"]) == (path, "loi", MONG)

    def test_goes_by_options(self, type_in: Terminal, usb: Path) -> None:
        """Item, language, area and speaker can be said; JSON says where the file went."""
        said = type_in(
            *("recording", "add", str(usb / "dull.wav"), "--script", "tin", "--item", "loi"),
            *("--language", "vi", "--area", "03160/nam-po", "--speaker", "Bà Mùa", "--json"),
        )
        (one,) = said.json
        assert (said.code, one["verdict"]) == (0, "warned")
        assert one["recording"] == "audio/tin/recordings/vi/loi@03160+nam-po.wav"
        assert "Bà Mùa" in (type_in.station / "audio/tin/recordings.toml").read_text("utf-8")

    def test_replaces_only_when_told(self, type_in: Terminal, usb: Path) -> None:
        """A recording stays until it is to be replaced; a stand-in that is replaced is none any more."""
        old = record(type_in, "tin", stand_in=True)
        whole = old.read_bytes()
        add = ("recording", "add", str(usb / MONG), "--script", "tin")
        assert "There is a recording of this already: loi.wav." in type_in.fault(*add)
        assert type_in(*add, "--replace").code == 0
        (listed,) = type_in("recording", "list", "--json").json
        assert (listed["file"], listed["stand_in"]) == (f"audio/tin/recordings/{MONG}/loi.mp3", False)
        assert (type_in.station / f"var/replaced/tin/{MONG}/loi.wav.1").read_bytes() == whole

    def test_takes_one_file_of_an_item_at_a_time(self, type_in: Terminal, usb: Path, tmp_path: Path) -> None:
        """Of two that are the same item's the first is taken, and the other is told, `--replace` or not."""
        for name in ("01 Lời.mp3", "02 loi.mp3"):
            (tmp_path / MONG).mkdir(exist_ok=True)
            shutil.copy(usb / MONG / "01 Lời.mp3", tmp_path / MONG / name)
        fault = type_in.fault("recording", "add", str(tmp_path), "--script", "tin", "--replace")
        assert "is a recording of the same item" in fault
        assert not (type_in.station / "var/replaced").exists()

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ("--script tim", "Did you mean “tin”?"),
            ("--script tin --item lo", "Did you mean “loi”?"),
            ("--script tin --area 3160", "Did you mean “03160”?"),
            ("--script tin --language th", "Write blt-Latn-VN (Tai Dam) or twh-Latn-VN (Tai Dón)."),
            ("--script tin --language hmn", "Did you mean “hmn-Latn-VN”?"),
        ],
    )
    def test_says_which_was_meant(self, type_in: Terminal, usb: Path, options: str, words: str) -> None:
        """A script, item, area or language that is not known is told before any file is read."""
        before = type_in.files()
        assert words in type_in.fault("recording", "add", str(usb), *options.split())
        assert type_in.files() == before

    def test_tells_why_a_script_cannot_be_used(self, type_in: Terminal, usb: Path) -> None:
        """A script that is there but faulty is not just unknown: its faults are told."""
        type_in.write("audio/tin/script.toml", "title")
        told = type_in.fault("recording", "add", str(usb), "--script", "tin")
        assert "audio/tin/script.toml: This is not valid TOML" in told
