"""
Keeps the Vietnamese catalogue in step with the messages in the code.

    .venv/bin/python tools/messages.py            new messages in, old ones out; translations stay
    .venv/bin/python tools/messages.py --check    change nothing; say what is wrong, and end with 1

The messages are ours, and those of the command line library that go through gettext too. The file holds
nothing that differs from run to run: no dates, no line numbers.
"""

import sys
from collections.abc import Iterator
from inspect import getfile
from io import BytesIO
from pathlib import Path
from string import Formatter

import typer
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
CATALOGUE = ROOT / "broadcaster" / "locale" / "vi" / "LC_MESSAGES" / "broadcaster.po"
KEYWORDS = {"_": None, "say": None, "ngettext": (1, 2)}
CLICK = Path(getfile(typer.BadParameter)).parent  # a part of Typer, or a package of its own
LIBRARY = [Path(getfile(typer)).parent / "core.py"]
LIBRARY += [CLICK / f"{name}.py" for name in "core decorators exceptions formatting parser types".split()]
HEADER = r"""# The Vietnamese messages of broadcaster. Write the msgstr lines; tools/messages.py writes the rest.
msgid ""
msgstr ""
"Language: vi\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=1; plural=0;\n"

"""

Id = str | tuple[str, ...]  # the English; the singular and the plural where it has both


def messages() -> Iterator[tuple[Id, str, str]]:
    """Each message of the code with the file it stands in, or a note on where else it comes from."""
    for path in sorted((ROOT / "broadcaster").rglob("*.py")):
        for found in sorted({_joined(one) for _, one, _, _ in extract_from_file("python", path, KEYWORDS)}):
            yield _split(found), path.relative_to(ROOT).as_posix(), ""
    library = {_joined(one) for path in LIBRARY for _, one, _, _ in extract_from_file("python", path, KEYWORDS)}
    for found in sorted(library):
        yield _split(found), "", "Typer"


def updated(old: Catalog) -> Catalog:
    """The messages of the code, with the translations of *old*."""
    new = Catalog(locale="vi")
    for found, path, note in messages():
        known = old.get(found)
        message = new.add(
            found,
            known.string if known else "",
            locations=[(path, 0)] if path else [],
            auto_comments=[note] if note else [],
            user_comments=known.user_comments if known else [],
        )
        message.flags = {"fuzzy"} if known and known.fuzzy else set()
    return new


def read() -> Catalog:
    if not CATALOGUE.exists():
        return Catalog(locale="vi")
    with CATALOGUE.open("rb") as file:
        return read_po(file, abort_invalid=True)


def text(catalogue: Catalog) -> str:
    file = BytesIO()
    write_po(file, catalogue, width=0, omit_header=True, include_lineno=False)
    return HEADER + file.getvalue().decode()


def check() -> list[str]:
    """Everything that is wrong with the catalogue, in sentences."""
    old = read()
    new = updated(old)
    faults = [f"no longer in the code: {one.id!r}" for one in old if one.id and one.id not in new]
    for one in new:
        written = one.string if isinstance(one.string, tuple) else (one.string,)
        if not one.id:
            continue
        if one.id not in old:
            faults.append(f"new in the code: {one.id!r}")
        elif not all(written):
            faults.append(f"not translated: {one.id!r}")
        elif one.fuzzy:
            faults.append(f"marked as fuzzy: {one.id!r}")
        elif len({names(each) for each in (*((one.id,) if isinstance(one.id, str) else one.id), *written)}) > 1:
            faults.append(f"other names in braces: {one.id!r}, {one.string!r}")
    if not faults and CATALOGUE.read_text("utf-8") != text(new):
        faults.append("the file is not as this tool writes it")
    return faults


def names(message: str) -> frozenset[str] | None:
    """The names in braces; None where a brace has no partner, so that nothing can be filled in."""
    try:
        return frozenset(name for _, name, _, _ in Formatter().parse(message) if name is not None)
    except ValueError:
        return None


def main() -> int:
    if sys.argv[1:] == ["--check"]:
        faults = check()
        for fault in faults:
            print(f"{CATALOGUE.relative_to(ROOT)}: {fault}")
        if faults:
            print("Run tools/messages.py, write what is missing, and compile: make messages")
        return 1 if faults else 0
    ...
