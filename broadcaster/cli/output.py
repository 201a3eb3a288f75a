"""Everything that is printed: tables, JSON, CSV, faults, progress."""

import csv
import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import Any

from broadcaster.model.errors import Fault

from .language import _, tr


def line(text: str = "") -> None:
    print(text)


def as_json(data: Any) -> None:
    json.dump(data, sys.stdout, ensure_ascii=False, indent=2)
    print()


def as_csv(rows: Sequence[dict[str, Any]]) -> None:
    """The keys of the first row are the heading."""
    if rows:
        writer = csv.DictWriter(sys.stdout, list(rows[0]))
        writer.writeheader()
        writer.writerows(
            {key: " ".join(value) if isinstance(value, list) else value for key, value in row.items()}
            for row in rows
        )


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> None:
    """A table, folded to the terminal's width if there is a terminal; the columns in *right* align right."""
    import tabulate

    cells = [[*row] for row in rows]
    widths = [
        max(len(line) for cell in column for line in cell.split("\n"))
        for column in zip(columns, *cells, strict=True)
    ]
    natural, room = sum(widths), shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    while sum(widths) + 2 * len(widths) > room and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    folded = widths if sum(widths) < natural else None
    sides = ["right" if index in right else "left" for index in range(len(columns))]
    tabulate.PRESERVE_WHITESPACE = True
    shown = tabulate.tabulate(
        cells,
        columns,
        tablefmt="simple",
        colalign=sides if cells else None,
        maxcolwidths=folded,
        maxheadercolwidths=folded,
        disable_numparse=True,
    )
    print(shown)


_told: list[Fault] = []


def fault_was_told() -> bool:
    return bool(_told)


def faults(found: Iterable[Fault]) -> None:
    """To standard error: where, what, what next. A fault, unlike a note, makes the exit code 1."""
    for fault in found:
        if not fault.warning:
            _told.append(fault)
        mark = _("Note") if fault.warning else _("Fault")
        where = f"{fault.where}: " if fault.where else ""
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


def day(one: date) -> str:
    """`Thứ Sáu, 20/11/2026` or `Friday, 20/11/2026`."""
    return f"{weekdays()[one.weekday()]}, {one:%d/%m/%Y}"


def length(seconds: float) -> str:
    """Minutes and seconds: `4:13`; hours where there are any: `1:02:03`."""
    told = str(timedelta(seconds=round(seconds)))
    return told.removeprefix("0:").removeprefix("0") or "0"
