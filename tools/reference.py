"""
Writes the command reference, docs/commands.vi.md and docs/commands.en.md, from the commands themselves.

    .venv/bin/python tools/reference.py            write both pages
    .venv/bin/python tools/reference.py --check    change nothing; end with 1 when a page is not up to date

Help is put into its language when the commands are imported, so each page is made in a process of its own.
Nothing of this machine gets into it: no width of a terminal, no folder, no locale.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

import typer

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "broadcaster" / "locale" / "vi" / "LC_MESSAGES" / "broadcaster.mo"
WORDS = {
    "vi": {
        "title": "Các lệnh",
        "made": "Trang này do `make docs` viết ra từ chính các lệnh; đừng sửa tay.",
        "other": "[English](commands.en.md)",
        "everywhere": "Dùng với mọi lệnh, viết ngay sau `broadcaster`:",
        "all": "Danh mục",
        "what": "Viết",
        "meaning": "Nghĩa",
    },
    "en": {
        "title": "Commands",
        "made": "`make docs` writes this page from the commands themselves; do not edit it by hand.",
        "other": "[Tiếng Việt](commands.vi.md)",
        "everywhere": "With every command, right after `broadcaster`:",
        "all": "All of them",
        "what": "Write",
        "meaning": "Meaning",
    },
}


def page(language: str) -> Path:
    return ROOT / "docs" / f"commands.{language}.md"


def made(language: str) -> str:
    """The page in *language*, made in a process of its own."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BROADCASTER_")}
    answer = subprocess.run(
        [sys.executable, __file__, "--print", language],
        env=environ | {"PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    return answer.stdout


def written(language: str) -> str:
    """The page in *language*; once in a process, since help is translated when the commands are imported."""
    from broadcaster.cli import language as languages

    languages.use(language)
    from broadcaster.cli.app import app

    words = WORDS[language]
    root: Any = typer.main.get_command(app)
    context = typer.Context(root, info_name="broadcaster", **root.context_settings)
    commands = list(_walk(root, context))
    lines = [
        f"# {words['title']}",
        f"{words['other']} · {words['made']}",
        root.help,
        f"    {_usage(root, context)}",
        words["everywhere"],
        _table(words, [_row(one, context) for one in root.get_params(context)]),
        f"## {words['all']}",
        "\n".join(
            f"- [`{each.command_path}`](#{each.command_path.replace(' ', '-')}): {command.help}"
            for command, each in commands
        ),
    ]
    for command, each in commands:
        lines += [f"## {each.command_path}", command.help, f"    {_usage(command, each)}"]
        if rows := [_row(one, each) for one in command.get_params(each) if one.name != "help"]:
            lines.append(_table(words, rows))
    return "\n\n".join(lines) + "\n"


def _walk(group: Any, context: typer.Context) -> Iterator[tuple[Any, typer.Context]]:
    """Every command that does something, in the order in which help lists them."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        below = typer.Context(command, info_name=name, parent=context)
        if hasattr(command, "list_commands"):
            yield from _walk(command, below)
        else:
            yield command, below


def _usage(command: Any, context: typer.Context) -> str:
    pieces = (piece.strip("{}") for piece in command.collect_usage_pieces(context))
    return " ".join([context.command_path, *pieces])


def _row(param: Any, context: typer.Context) -> tuple[str, str]:
    """How a parameter is written, and what it means."""
    if str(param.default) in (".", ""):  # where nothing is given; its own help says what that means
        param.show_default = False
    name, told = param.get_help_record(context)
    return name, told


def _table(words: dict[str, str], rows: Sequence[tuple[str, str]]) -> str:
    head = [f"| {words['what']} | {words['meaning']} |", "| --- | --- |"]
    return "\n".join([*head, *(f"| `{_cell(name)}` | {_cell(told)} |" for name, told in rows)])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def main() -> None:
    if not CATALOGUE.exists():
        sys.exit("The Vietnamese messages are not compiled. Run `make messages`.")
    match sys.argv[1:]:
        case ["--print", language]:
            sys.stdout.write(written(language))
        case ["--check"]:
            stale = False
            for language in WORDS:
                path = page(language)
                old = path.read_text("utf-8") if path.exists() else ""
                name = path.relative_to(ROOT).as_posix()
                for line in unified_diff(old.splitlines(), made(language).splitlines(), name, name, n=0):
                    stale = True
                    print(line.rstrip("\n"))
            if stale:
                sys.exit("The command reference is not up to date. Run `make docs`.")
        case []:
            for language in WORDS:
                page(language).parent.mkdir(exist_ok=True)
                page(language).write_text(made(language), "utf-8")
                print(page(language).relative_to(ROOT).as_posix())
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
