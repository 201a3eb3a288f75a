"""Pictures of counts, as SVG that stands in a page of its own and prints sharp."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AIRED, LOST = "#1a7f5a", "#d97a2b"  # told apart by people who do not see red or green, and in grey
A_ROW = 27  # weeks: half a year
WIDTH = 9.0  # inches, of every picture


def calendar(days: Mapping[date, int], first: date, last: date, weekdays: Sequence[str]) -> str:
    """How many a day, from *first* to *last*: a square a day, a column a week, a row a weekday."""
    start = first - timedelta(days=first.weekday())
    weeks = (last - start).days // 7 + 1
    most = max(days.values(), default=0)
    rows = -(-weeks // A_ROW)
    figure = _figure(1.1 + 1.75 * rows)
    for row in range(rows):
        axes = figure.add_subplot(rows, 1, row + 1)
        shown = range(row * A_ROW, min(weeks, (row + 1) * A_ROW))
        for week in shown:
            for weekday in range(7):
                day = start + timedelta(days=7 * week + weekday)
                if first <= day <= last:
                    count = days.get(day, 0)
                    share = count / most if most else 0.0
                    x, y = week - shown[0], 6 - weekday
                    colour = (1 - 0.9 * share, 1 - 0.5 * share, 1 - 0.65 * share) if count else "#f1f1f1"
                    axes.add_patch(_square(x, y, colour))
                    axes.text(
                        x + 0.46,
                        y + 0.46,
                        str(count),
                        ha="center",
                        va="center",
                        fontsize=6.5,
                        color="white" if share > 0.6 else "#333333",
                    )
                if day.day == 1 and day <= last:
                    axes.text(week - shown[0], 7.15, f"{day:%m/%Y}", fontsize=8)
        axes.set(xlim=(0, A_ROW), ylim=(0, 8), yticks=[6.5 - one for one in range(7)], xticks=[])
        axes.set_yticklabels(weekdays, fontsize=7)
        axes.tick_params(length=0)
        axes.set_frame_on(False)
    return _svg(figure)


def bars(names: Sequence[str], aired: Sequence[int], lost: Sequence[int], legend: tuple[str, str]) -> str:
    """What aired and what did not, a bar for each name."""
    figure = _figure(0.9 + 0.3 * len(names))
    axes = figure.add_subplot()
    places = range(len(names))
    axes.barh(places, aired, color=AIRED, label=legend[0])
    axes.barh(places, lost, left=aired, color=LOST, label=legend[1], hatch="///", edgecolor="white")
    for place, (one, other) in enumerate(zip(aired, lost, strict=True)):
        axes.text(one + other, place, f" {one}/{one + other}", va="center", fontsize=8)
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max([1, *(one + other for one, other in zip(aired, lost, strict=True))]))
    axes.xaxis.set_visible(False)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    figure.legend(loc="outside upper right", ncols=2, fontsize=8, frameon=False)
    return _svg(figure)


def _figure(height: float) -> "Figure":
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.fonttype"] = "none"  # letters stay letters: small, and found by a search
    mpl.rcParams["svg.hashsalt"] = "broadcaster"  # the same counts give the same file
    mpl.rcParams["font.family"] = "sans-serif"
    return Figure(figsize=(WIDTH, height), layout="constrained")


def _square(x: float, y: float, colour: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x, y), 0.92, 0.92, facecolor=colour)


def _svg(figure: "Figure") -> str:
    written = StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    return text[text.index("<svg") :]
