"""Everything that is printed: tables, JSON, CSV, faults, progress."""

import csv
import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from broadcaster.model.errors import BroadcasterError, Fault, say

from .language import _, tr


def line(text: str = "") -> None:
    print(text)


def raw(data: bytes) -> None:
    """*data*, which is UTF-8, to the byte."""
    sys.stdout.write(data.decode())


def as_json(data: Any) -> None:
    """A list has one element a line: that is short, and many times as fast as indenting."""
    if isinstance(data, list) and data:
        lines = ",\n".join(map(json.JSONEncoder(ensure_ascii=False).encode, data))
        sys.stdout.write(f"[\n{lines}\n]\n")
    else:
        print(json.dumps(data, ensure_ascii=False, indent=2))


def one_form(asked: Mapping[str, bool]) -> None:
    """Refuse more than one form of output at once; *asked* says of each option whether it was given."""
    given = [name for name, is_given in asked.items() if is_given]
    if len(given) > 1:
        raise BroadcasterError(
            Fault(" ".join(given), say("These are forms of one output."), say("Give one of them."))
        )


def as_csv(rows: Sequence[dict[str, Any]]) -> None:
    """The keys of the first row are the heading. The mark before it has spreadsheets read the accents."""
    if rows:
        sys.stdout.write("\ufeff")
        writer = csv.DictWriter(sys.stdout, list(rows[0]))
        writer.writeheader()
        writer.writerows(
            {key: " ".join(value) if isinstance(value, list) else value for key, value in row.items()}
            for row in rows
        )


def room() -> int:
    """How many letters a line holds."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def wrapped(text: str, indent: str = "") -> None:
    """*text* on as many lines as the terminal needs, all but the first after *indent*."""
    print(textwrap.fill(text, min(room(), 10_000), subsequent_indent=indent))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
    """A table, folded to the terminal's width if there is a terminal; the columns in *right* align right."""
    sections(columns, [("", rows)], right)


def sections(
    columns: Sequence[str],
    parts: Iterable[tuple[str, Iterable[Sequence[str]]]],
    right: Sequence[int] = (),
) -> None:
    """A table in parts, each below a line of its own."""
    import tabulate

    cells = [(heading, [[_indented(cell) for cell in row] for row in rows]) for heading, rows in parts]
    widths = [
        max(1, *(len(line) for cell in column for line in cell.split("\n")))
        for column in zip(columns, *(row for _heading, rows in cells for row in rows), strict=True)
    ]
    natural, most = sum(widths), room()
    while sum(widths) + 2 * (len(widths) - 1) > most and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    folded = widths if sum(widths) < natural else None
    sides = ["right" if index in right else "left" for index in range(len(columns))]
    padded = [
        name.rjust(width, HARD) if side == "right" else name.ljust(width, HARD)
        for name, width, side in zip(columns, widths, sides, strict=True)
    ]  # so that the columns of all parts are of one width
    tabulate.MIN_PADDING = 0
    for index, (heading, rows) in enumerate(cells):
        shown = tabulate.tabulate(
            rows,
            padded,
            tablefmt="simple",
            colalign=sides if rows else None,
            maxcolwidths=folded,
            maxheadercolwidths=folded,
            disable_numparse=True,
        )
        lines = [line.replace(HARD, " ").rstrip() for line in shown.split("\n")]
        top = next(at for at, line in enumerate(lines) if line.startswith("-")) + 1
        if index == 0:
            print("\n".join(lines[:top]))
        if heading:
            wrapped(heading, "    ")
        if rows:
            print("\n".join(lines[top:]))


HARD = "\ue000"  # a space that tabulate neither strips nor folds at


def _indented(cell: str) -> str:
    text = cell.lstrip(" ")
    return HARD * (len(cell) - len(text)) + text


_told: list[Fault] = []


def fault_was_told() -> bool:
    return bool(_told)


def mended() -> None:
    """What was told so far is no longer wrong."""
    _told.clear()


def faults(found: Iterable[Fault]) -> None:
    """To standard error: where, what, what next. A fault, unlike a note, makes the exit code 1."""
    for fault in found:
        if not fault.warning:
            _told.append(fault)
        mark = _("Note") if fault.warning else _("Fault")
        where = f"{fault.place}: " if fault.where else ""
        print(f"{mark}: {where}{tr(fault.what)}\n  → {tr(fault.next)}", file=sys.stderr)


@contextmanager
def progress(title: str, total: int) -> Iterator[Any]:
    """A bar on standard error, if that is a terminal; call what it gives with the name of each step."""
    if not sys.stderr.isatty() or total == 0:
        yield lambda _name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[name]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total, name="")
        yield lambda name: bar.update(task, advance=1, name=name)


def clock_time(moment: datetime | None) -> str:
    return f"{moment:%H:%M:%S}" if moment is not None else "–"


def weekdays() -> tuple[str, ...]:
    """Monday first."""
    return (
        _("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"),
    )  # fmt: skip


def short_weekdays() -> tuple[str, ...]:
    return (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


def day(one: date) -> str:
    """`Thứ Sáu, 20/11/2026` or `Friday, 20/11/2026`."""
    return f"{weekdays()[one.weekday()]}, {one:%d/%m/%Y}"


def length(seconds: float) -> str:
    """Minutes and seconds: `4:13`; hours where there are any: `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
