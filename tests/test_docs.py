"""What the pages say is true: commands, files, links, words."""

import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer

from broadcaster.cli import template
from broadcaster.cli.app import app
from broadcaster.edges.content import load
from broadcaster.model.airing import Outcome
from broadcaster.model.check import check
from broadcaster.model.occurrence import Reason
from broadcaster.model.programme import Lack

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*(one for one in (ROOT / "README.md", ROOT / "CONTRIBUTING.md") if one.exists()), *DOCS.glob("*.md")]
REFERENCES = [DOCS / "commands.vi.md", DOCS / "commands.en.md"]
ROOT_COMMAND: Any = typer.main.get_command(app)
TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"^```text\n.*?^```$", re.MULTILINE | re.DOTALL)  # what a command prints
PLACE = re.compile(r"# ((?:schedules|audio)/[\w./-]+\.toml)\n")
LINK = re.compile(r"\[[^]]*\]\(([^)\s]+)\)")
WRITTEN = re.compile(
    r"`(broadcaster [^`]+)`|^ {4,}(?:\$ )?(?:sudo )?(?:\S*/)?(broadcaster .+)$", re.MULTILINE
)
COMMENT = re.compile(r"\s{2,}\S.*")  # beside a command, in a block: what it does

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def _commands(group: Any = ROOT_COMMAND, name: str = "broadcaster") -> Iterator[tuple[str, Any]]:
    for below, command in group.commands.items():
        yield f"{name} {below}", command
        if hasattr(command, "commands"):
            yield from _commands(command, f"{name} {below}")


COMMANDS = dict(_commands())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """Every command and group says in a sentence what it does, and so does each of its parameters."""
    command = COMMANDS[name]
    assert command.help.endswith(".")
    context = typer.Context(command)
    assert [one.name for one in command.params if not one.get_help_record(context)[1]] == []


@pytest.mark.parametrize("page", REFERENCES, ids=lambda page: page.name)
@pytest.mark.parametrize(
    "name", [name for name, command in COMMANDS.items() if not hasattr(command, "commands")]
)
def test_every_command_stands_in_the_reference(name: str, page: Path) -> None:
    """Every command has a chapter of its own in the command reference."""
    assert f"\n## {name}\n" in page.read_text("utf-8")


def test_the_reference_is_up_to_date() -> None:
    """The command reference is what `make docs` would write now."""
    checked = subprocess.run(
        [sys.executable, ROOT / "tools" / "reference.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@each_page
def test_every_toml_is_toml(page: Path) -> None:
    """Every TOML example can be read."""
    for text in TOML.findall(page.read_text("utf-8")):
        tomllib.loads(text)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if PLACE.search(page.read_text("utf-8"))], ids=lambda page: page.name
)
def test_the_examples_of_a_page_are_a_station(page: Path, tmp_path: Path) -> None:
    """The examples of a page that name their file make a station together, in which nothing is wrong."""
    examples = {
        place[1]: text for text in TOML.findall(page.read_text("utf-8")) if (place := PLACE.match(text))
    }
    given = template.files("Đài mẫu", "03160", "Xã Mường Nhé")
    needed = {name: given[name] for name in ("schedules/station.toml", "schedules/areas.toml")}
    for name, text in (needed | examples).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        for sound in _sounds(tomllib.loads(text), name):
            (tmp_path / sound).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / sound).touch()
    loaded = load(tmp_path)
    assert [str(fault) for fault in loaded.faults] == []
    assert [str(one) for one in check(loaded.content.on_trial(), date(2026, 11, 22)) if not one.warning] == []
    told = {f"schedules/{one.id}.toml" for one in loaded.content.schedules}
    others = {*needed, "schedules/seasons.toml"}
    assert told == {name for name in examples if name.startswith("schedules/")} - others


def _sounds(data: dict[str, Any], name: str) -> Iterator[Path]:
    """The sound files that the example *name* speaks of."""
    for key, folder in (("chime", "chimes"), ("closing", "chimes"), ("bed", "beds")):
        if key in data:
            yield Path("audio", folder, data[key])
    if name.endswith("/recordings.toml"):
        yield from (Path(name).parent / "recordings" / recording for recording in data)


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    """Every link to a file names one that is there, and every link into a page a heading of it."""
    links = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    broken = []
    for link in links:
        name, _, place = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (place and place not in _anchors(target)):
            broken.append(link)
    assert broken == []


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\s-]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_every_command_in_a_page_exists(page: Path) -> None:
    """Every command that a page tells people to type exists, with the options it is given."""
    if page in REFERENCES:
        return  # written from the commands, with names in capitals for what is to be filled in
    wrong = []
    for inline, block in WRITTEN.findall(page.read_text("utf-8")):
        line = inline or COMMENT.sub("", block)
        if not _exists(shlex.split(line)[1:]):
            wrong.append(line)
    assert wrong == []


def test_every_command_in_the_unit_exists() -> None:
    """What systemd starts, and what it does when the daemon has ended, are commands."""
    unit = (DOCS / "broadcaster.service").read_text("utf-8")
    lines = dict(re.findall(r"^(Exec\w+)=\S+/broadcaster (.+)$", unit, re.MULTILINE))
    assert lines.keys() == {"ExecStart", "ExecStopPost"}
    assert [line for line in lines.values() if not _exists(shlex.split(line))] == []


def _exists(words: list[str]) -> bool:
    """Is that a command, with options that it has?"""
    command, rest = ROOT_COMMAND, list(words)
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            options = {name: one for one in command.params for name in one.opts} | {"--help": None}
            if word not in options:
                return False
            if options[word] is not None and not options[word].is_flag:
                rest = rest[1:]
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return False
            command = command.commands[word]
    return not hasattr(command, "commands") or "--help" in words


@pytest.mark.parametrize("word", [*Outcome, *Reason, *Lack])
def test_the_glossary_knows_every_outcome_and_reason(word: str) -> None:
    """Every outcome, every reason and every lack stands in the glossary."""
    assert f"`{word}`" in (DOCS / "glossary.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("van-hanh", "operating"),
        ("can-bo", "officers"),
        ("lich-phat", "schedules"),
        ("cai-dat", "install"),
    ],
)
def test_both_languages_tell_the_same(one: str, other: str) -> None:
    """A page and its translation have as many chapters, commands and examples, and lead to one another."""
    texts = [OUTPUT.sub("```\n```", (DOCS / f"{name}.md").read_text("utf-8")) for name in (one, other)]
    for pattern in (r"^#+ ", r"^```", r"^ {4}\S", r"^\| ", r"^- ", r"^\d\. "):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in texts]
        assert counts[0] == counts[1], pattern
    assert f"({other}.md)" in texts[0]
    assert f"({one}.md)" in texts[1]
