"""
Keeps the Vietnamese catalogue in step with the messages in the code.

    .venv/bin/python tools/messages.py            new messages in, old ones out; translations stay
    .venv/bin/python tools/messages.py --check    change nothing; say what is wrong, and end with 1

The messages are ours, and those of the command line library that pass through gettext. Nothing in the
file changes from run to run: it holds no dates, no line numbers, no name of a machine. They are found in
the syntax tree, since Babel's own extraction looks into f-strings only from Python 3.12 on.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from inspect import getfile
from io import BytesIO
from pathlib import Path
from string import Formatter

import typer
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment
from jinja2.ext import extract_from_ast

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "broadcaster" / "locale" / "vi" / "LC_MESSAGES" / "broadcaster.po"
CLICK = Path(getfile(typer.BadParameter)).parent  # a folder of Typer, or a package of its own
LIBRARY = [
    Path(getfile(typer)).parent / "core.py",
    *(
        CLICK / f"{name}.py"
        for name in ("core", "decorators", "exceptions", "formatting", "parser", "termui", "types")
    ),
]
HEADER = r"""# The messages of broadcaster in Vietnamese. People write msgstr, a tool writes the rest.
msgid ""
msgstr ""
"Language: vi\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=1; plural=0;\n"

"""

TEMPLATES = Environment(autoescape=True)

Id = str | tuple[str, ...]  # a message in English; in the singular and the plural where it has both


def messages() -> Iterator[tuple[Id, str]]:
    """Each message and the file of ours that it stands in; those of the library come last, without a file."""
    for path in sorted((ROOT / "broadcaster").rglob("*.py")):
        for one in _found_in(path):
            yield one, path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "broadcaster" / "templates").rglob("*.html")):
        for _line, _function, one in extract_from_ast(TEMPLATES.parse(path.read_text("utf-8")), ("_",)):
            yield str(one), path.relative_to(ROOT).as_posix()
    for one in _found_in(*LIBRARY):
        yield one, ""


@cache  # the code does not change meanwhile
def _found_in(*paths: Path) -> list[Id]:
    found: set[Id] = set()
    for node in (node for path in paths for node in ast.walk(ast.parse(path.read_bytes()))):
        match node:
            case ast.Call(ast.Name("_" | "say"), [ast.Constant(str(one)), *_]) if one:
                found.add(one)
            case ast.Call(ast.Name("ngettext"), [ast.Constant(str(one)), ast.Constant(str(many)), *_]):
                found.add((one, many))
    return sorted(found, key=_forms)


def _forms(one: str | Sequence[str] | None) -> tuple[str, ...]:
    return (one or "",) if one is None or isinstance(one, str) else tuple(one)


def read() -> Catalog:
    if not CATALOGUE.exists():
        return Catalog()
    with CATALOGUE.open("rb") as file:
        return read_po(file, abort_invalid=True)


def updated(old: Catalog) -> Catalog:
    """The messages of the code, with what *old* knows of them."""
    new = Catalog("vi")
    for one, path in messages():
        known = old.get(one)
        new.add(
            one,
            known.string if known else "",
            locations=[(path, 0)] if path else [],
            flags=["fuzzy"] if known and known.fuzzy else [],
            auto_comments=[] if path else ["of the command line library, Typer"],
            user_comments=known.user_comments if known else [],
        )
    for message in new:
        message.flags &= {"fuzzy"}  # Babel's guess at the format is wrong where a per cent sign follows
    return new


def written(catalogue: Catalog) -> str:
    file = BytesIO()
    write_po(file, catalogue, width=0, omit_header=True, include_lineno=False)
    return HEADER + file.getvalue().decode().rstrip() + "\n"


def check() -> list[str]:
    """Everything that is wrong with the catalogue, a line each."""
    old = read()
    new = updated(old)
    faults = [f"is no longer in the code: {one.id!r}" for one in old if one.id and one.id not in new]
    for one in new:
        if not one.id:
            continue  # the header
        if one.id not in old:
            faults.append(f"is new in the code: {one.id!r}")
        elif not all(_forms(one.string)):
            faults.append(f"has no translation: {one.id!r}")
        elif one.fuzzy:
            faults.append(f"is marked as fuzzy: {one.id!r}")
        elif {names(form) for form in _forms(one.string)} != {names(_forms(one.id)[-1])}:
            faults.append(f"has other names in braces than its translation: {one.id!r}, {one.string!r}")
    if not faults and CATALOGUE.read_text("utf-8") != written(new):
        faults.append("is not as tools/messages.py writes it")
    return faults


def names(text: str) -> frozenset[str] | None:
    """The names in braces; None where a brace has no partner, so that nothing could be filled in."""
    try:
        return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)
    except ValueError:
        return None


def main() -> None:
    if sys.argv[1:] == ["--check"]:
        faults = check()
        for fault in faults:
            print(f"{CATALOGUE.relative_to(ROOT)} {fault}")
        if faults:
            sys.exit("Run `make messages`, write the translations that are missing, and run it again.")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        new = updated(read())
        CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
        CATALOGUE.write_text(written(new), "utf-8")
        left = sum(not all(_forms(one.string)) for one in new if one.id)
        print(f"{CATALOGUE.relative_to(ROOT)}: {len(new)} messages, {left} without a translation")


if __name__ == "__main__":
    main()
