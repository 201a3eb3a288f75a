"""Commands as a person types them, and a station to type them at."""

import csv
import gettext
import json
import sys
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from broadcaster.cli import language, output
from broadcaster.edges.control import Asked, Control
from broadcaster.edges.store import sole_daemon
from broadcaster.model.errors import BroadcasterError

STATION = """\
name = "Đài truyền thanh xã Mường Nhé"
area = "03160"
timezone = "Asia/Ho_Chi_Minh"

[hours]
allowed = [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]

[[cluster]]
id = "trung-tam"
name = "Khu trung tâm xã"
area = "03160"
languages = ["vi"]
sink = "null"

[[cluster]]
id = "nam-po"
name = "Bản Nậm Pố"
area = "03160/nam-po"
languages = ["vi", "hmn-Latn-VN"]
sink = "null"
"""

AREAS = """\
[[area]]
code = "03160"
name = "Xã Mường Nhé"
kind = "commune"
from = 2025-07-01

[[area]]
code = "03160/nam-po"
name = "Bản Nậm Pố"
kind = "village"
from = 2025-07-01
parent = "03160"
"""

SCHEDULE = """\
title = "Bản tin {script}"
script = "{script}"
areas = ["03160"]

[[rule]]
times = [{time}]
"""

SCRIPT = """\
title = "{title}"

[[item]]
id = "loi"
pause = 0.2

[item.text]
vi = "{words}"
hmn-Latn-VN = "…"
"""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def csv(self) -> list[dict[str, str]]:
        assert self.out.startswith("\ufeff")  # else a spreadsheet takes the accents for something else
        return list(csv.DictReader(StringIO(self.out[1:])))


class Terminal:
    """Types commands at one station, in this process, in English."""

    def __init__(self, station: Path, patch: pytest.MonkeyPatch) -> None:
        self.station, self._patch = station, patch

    def __call__(self, *arguments: str) -> Said:
        """Run `broadcaster --station … arguments`; whatever happens, there is never a traceback."""
        from broadcaster.cli.app import run

        output._told.clear()
        self._patch.setattr(sys, "argv", ["broadcaster", "--station", str(self.station), *arguments])
        with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
            code = run()
        said = Said(code, out.getvalue(), err.getvalue())
        assert "Traceback" not in said.out + said.err
        assert "\x1b" not in said.out + said.err
        return said

    def fault(self, *arguments: str) -> str:
        """Run a command that finds a fault: exit code 1, what is wrong, and what to do next."""
        said = self(*arguments)
        assert said.code == 1
        assert said.err.startswith("Fault: ")
        assert all(line.startswith("  → ") and len(line) > 12 for line in said.err.splitlines()[1::2]), (
            said.err
        )
        return said.err

    def write(self, path: str, text: str) -> None:
        (self.station / path).parent.mkdir(parents=True, exist_ok=True)
        (self.station / path).write_text(text, "utf-8")

    def change(self, path: str, old: str, new: str) -> None:
        text = (self.station / path).read_text("utf-8")
        assert old in text
        self.write(path, text.replace(old, new))

    def files(self) -> dict[str, bytes | None]:
        """All that is in the station's folder."""
        return {
            str(path.relative_to(self.station)): path.read_bytes() if path.is_file() else None
            for path in self.station.rglob("*")
        }


@dataclass
class Ear:
    """What a daemon would be asked, and what it is to answer; a BroadcasterError is a refusal."""

    answers: dict[str, Mapping[str, Any] | BroadcasterError]
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Mapping[str, Any]:
        if asked.verb != "status":
            self.asked.append((asked.verb, asked.values))
        answer = self.answers.get(asked.verb, {})
        if isinstance(answer, BroadcasterError):
            raise answer
        return answer

    @property
    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.asked]


NOW = "2026-11-20T10:00:00+00:00"
CALM = {
    "now": NOW,
    "clock": None,
    "on_air": [],
    "alerts": [],
    "alarms": [],
    "past_alerts": [],
    "rows_waiting": 0,
}


@contextmanager
def daemon(station: Path, **answers: Mapping[str, Any] | BroadcasterError) -> Iterator[Ear]:
    """A daemon of *station* that does nothing; it is well and has nothing on air unless *answers* say so."""
    ear = Ear({"status": CALM} | answers)
    with sole_daemon(station):
        control = Control(station, ear)
        try:
            yield ear
        finally:
            control.close()


@contextmanager
def terminal(station: Path) -> Iterator[Terminal]:
    """A terminal that speaks English and reaches no network."""
    domain = gettext.textdomain()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LANGUAGE", "BROADCASTER_STATION", "FORCE_COLOR", "GITHUB_ACTIONS"):
            patch.delenv(name, raising=False)
        patch.setenv("LANGUAGE", "en")  # so that what the next line sets is taken back
        language.use("en")
        for name in ("http_proxy", "https_proxy"):
            patch.setenv(name, "http://127.0.0.1:9")
        yield Terminal(station, patch)
    gettext.textdomain(domain)


def write_station(terminal: Terminal) -> None:
    """Two clusters, one of them with Mông; two scripts, at 17:00 and 17:30, spoken by the voice."""
    terminal.write("schedules/station.toml", STATION)
    terminal.write("schedules/areas.toml", AREAS)
    for script, time, words in (
        ("tin", "17:30:00", "Kính thưa bà con {area.name}."),
        ("nuoc", "17:00:00", "Xin bà con giữ nước sạch."),
    ):
        terminal.write(f"schedules/{script}.toml", SCHEDULE.format(script=script, time=time))
        terminal.write(f"audio/{script}/script.toml", SCRIPT.format(title=f"Kịch bản {script}", words=words))


def buzz(path: Path, seconds: float) -> Path:
    """A WAV file that is heard and can be levelled."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes((b"\x00\x20" * 20 + b"\x00\xe0" * 20) * round(seconds * 400))
    return path


def record(terminal: Terminal, script: str, seconds: float = 1.0, *, stand_in: bool = False) -> Path:
    """Put a recording in Mông of the one item of *script*."""
    folder = terminal.station / "audio" / script / "recordings" / "hmn-Latn-VN"
    folder.mkdir(parents=True, exist_ok=True)
    if stand_in:
        note = '["hmn-Latn-VN/loi.wav"]\nstand_in = true\n'
        terminal.write(f"audio/{script}/recordings.toml", note)
    return buzz(folder / "loi.wav", seconds)
