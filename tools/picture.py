"""
Draws docs/morning.svg: what the demo's morning session sounded like on each cluster.

    make demo && .venv/bin/python tools/picture.py
"""

from datetime import timedelta
from html import escape
from itertools import chain
from pathlib import Path

import numpy as np

from broadcaster.edges.content import load
from broadcaster.edges.decode import decode
from broadcaster.edges.store import Store, database
from broadcaster.model.airing import Airing
from broadcaster.model.programme import SAMPLE_RATE

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "var" / "demo"
COLOURS = {"vi": "#c2410c", "hmn-Latn-VN": "#1d4ed8", "twh-Latn-VN": "#047857"}
NAMES = {
    "vi": "tiếng Việt",
    "hmn-Latn-VN": "tiếng Mông (bản thu thay tạm)",
    "twh-Latn-VN": "tiếng Thái (bản thu thay tạm)",
}
WIDTH, LEFT, TOP, HEIGHT = 960, 150, 64, 84  # pixels; a row is HEIGHT high
BAR = 1


def main() -> None:
    station = load(ROOT).content.station
    store = Store(database(DEMO), read_only=True)
    airings = sorted(store.airings(), key=lambda one: one.planned)
    first = airings[0].planned
    morning = [one for one in airings if one.planned - first < timedelta(hours=2) and one.started]
    end = max(one.ended for one in morning if one.ended)
    scale = (WIDTH - LEFT - 16) / ((end - first).total_seconds() + 10)
    local = first.astimezone(station.timezone)
    parts = [text(16, 28, f"{station.name}, {local:%d/%m/%Y %H:%M}", "18px", "#111")]
    x = LEFT
    for tag, name in NAMES.items():
        parts.append(
            f'<rect x="{x}" y="40" width="10" height="10" fill="{COLOURS[tag]}"/>' + text(x + 14, 49, name)
        )
        x += 100 + 6 * len(name)
    for index, cluster in enumerate(station.clusters):
        own = [one for one in morning if one.cluster == cluster.id]
        file = next(DEMO.glob(f"{local:%Y-%m-%d-%H%M}-{cluster.id}.flac"))
        parts += row(cluster.name, file, own, TOP + index * HEIGHT, scale)
    bottom = TOP + len(station.clusters) * HEIGHT
    for minute in range(int((end - first).total_seconds() // 60) + 1):
        at = LEFT + minute * 60 * scale
        parts.append(f'<line x1="{at:.0f}" y1="{TOP}" x2="{at:.0f}" y2="{bottom}" stroke="#ddd"/>')
        parts.append(text(at - 14, bottom + 16, f"{local + timedelta(minutes=minute):%H:%M}"))
    size = f'width="{WIDTH}" height="{bottom + 28}" viewBox="0 0 {WIDTH} {bottom + 28}"'
    style = "font-family:sans-serif;background:#fff"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{style}">\n' + "\n".join(parts) + "\n</svg>\n"
    )
    (ROOT / "docs" / "morning.svg").write_text(svg, "utf-8")


def row(name: str, file: Path, airings: list[Airing], top: int, scale: float) -> list[str]:
    """One cluster: its wave, coloured by who spoke."""
    samples = np.concatenate(list(decode(file)))
    step = int(BAR / scale * SAMPLE_RATE)
    loudness = np.sqrt(np.mean(np.square(samples[: len(samples) // step * step].reshape(-1, step)), axis=1))
    spans = list(chain.from_iterable(spoken(one, airings[0]) for one in airings))
    middle, parts = top + HEIGHT / 2, [text(16, top + HEIGHT / 2 + 4, name, "13px", "#111")]
    paths: dict[str, list[str]] = {}
    for index, level in enumerate(loudness / loudness.max()):
        at = index * step / SAMPLE_RATE
        colour = next((COLOURS[tag] for tag, start, end in spans if start <= at < end), "#999")
        half = max(0.5, level * (HEIGHT - 12) / 2)
        x = LEFT + index * BAR
        paths.setdefault(colour, []).append(f"M{x} {middle - half:.0f}V{middle + half:.0f}")
    parts += [
        f'<path d="{"".join(marks)}" stroke="{colour}" stroke-width="1"/>' for colour, marks in paths.items()
    ]
    return parts


def spoken(one: Airing, first: Airing) -> list[tuple[str, float, float]]:
    """Language, from and to in seconds after the session's first sample."""
    at = (one.started - first.started).total_seconds() if one.started and first.started else 0.0
    found = []
    for share in one.languages:
        found.append((share.language, at, at + share.seconds))
        at += share.seconds
    return found


def text(x: float, y: float, words: str, size: str = "11px", colour: str = "#555") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}">{escape(words)}</text>'


if __name__ == "__main__":
    main()
