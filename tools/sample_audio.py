"""
Makes the sample station's sounds anew: chimes, the bed, and recordings by the offline voice.

    .venv/bin/python tools/sample_audio.py

Everything it writes is ours: tones are computed here, speech is espeak-ng reading our scripts. Nobody in
this project speaks Mông or Thái, so those recordings are stand-ins that say so aloud, in Vietnamese, and
`recordings.toml` marks them.
"""

import tempfile
from datetime import date
from pathlib import Path

import numpy as np

from broadcaster.edges.content import load
from broadcaster.edges.decode import Samples, decode, encode
from broadcaster.edges.voice import EspeakVoice
from broadcaster.model.programme import SAMPLE_RATE
from broadcaster.model.script import fill, placeholders
from broadcaster.model.spoken import spoken as written_out

ROOT = Path(__file__).parent.parent
DAY = date(2026, 11, 22)
STAND_INS = {"hmn-Latn-VN": "tiếng Mông", "twh-Latn-VN": "tiếng Thái"}
NUMBERS = ("một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín", "mười", "mười một", "mười hai")
# A pentatonic scale on D, as many northern folk tunes have it: D E G A B.
PITCH = {name: 293.66 * 2 ** (step / 12) for name, step in zip("DEGAB", (0, 2, 5, 7, 9), strict=True)}


def bell(pitch: float, seconds: float) -> Samples:
    """A struck bar: a few partials, the high ones dying first."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    partials = ((1, 1.0, 1.6), (2, 0.45, 2.4), (3.01, 0.22, 4.0), (5.4, 0.08, 7.0))
    tone = sum(
        level * np.sin(2 * np.pi * pitch * ratio * t) * np.exp(-decay * t) for ratio, level, decay in partials
    )
    return np.asarray(tone * np.minimum(1, t / 0.004), np.float32)


def pluck(pitch: float, seconds: float, random: np.random.Generator) -> Samples:
    """A plucked string (Karplus and Strong, 1983), softened for use under speech."""
    length = round(SAMPLE_RATE / pitch)
    ring = np.convolve(random.uniform(-1, 1, length), np.ones(5) / 5, "same")
    out = np.empty(int(seconds * SAMPLE_RATE))
    for start in range(0, len(out), length):
        out[start : start + length] = ring[: len(out) - start]
        ring = 0.498 * (ring + np.roll(ring, 1))
    return np.asarray(out * np.linspace(1, 0, len(out)) ** 0.5, np.float32)


def tune(notes: list[tuple[float, Samples]], seconds: float, *, ring: bool = False) -> Samples:
    """Lay *notes* (at second, sound) over each other; a *ring* carries what hangs over to the beginning."""
    out = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    for at, sound in notes:
        start = int(at * SAMPLE_RATE)
        for offset in range(0, len(sound), len(out)):
            piece = sound[offset : offset + len(out)]
            where = (start + np.arange(len(piece))) % len(out)
            np.add.at(out, where if ring else where[where >= start], piece if ring else piece[where >= start])
    return np.asarray(out / np.abs(out).max() * 0.5, np.float32)


def make_sounds() -> None:
    random = np.random.default_rng(1130)
    opening = [(0.0, "D"), (0.45, "G"), (0.9, "A"), (1.35, "B"), (1.8, "A"), (2.7, "D")]
    closing = [(0.0, "B"), (0.5, "A"), (1.0, "G"), (1.7, "D")]
    for name, notes, seconds in (("mo-dau", opening, 5.5), ("ket-thuc", closing, 4.5)):
        chime = tune([(at, bell(2 * PITCH[note], seconds - at)) for at, note in notes], seconds)
        encode([chime], ROOT / "audio" / "chimes" / f"{name}.flac", "flac")
    beat, melody = 0.75, "D-A-G-AB A-G-E-D- G-B-A-GE D-E-G-A- B-A-G-E- D---A-G-".replace(" ", "")
    notes = [
        (index * beat / 2, pluck(PITCH[note], 3.0, random))
        for index, note in enumerate(melody)
        if note != "-"
    ]
    notes += [(index * beat * 4, pluck(PITCH["D"] / 2, 4.0, random)) for index in range(len(melody) // 8)]
    bed = tune(notes, len(melody) * beat / 2, ring=True)
    encode([bed], ROOT / "audio" / "beds" / "nen.flac", "flac")


def read_aloud(voice: EspeakVoice, words: str, to: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        voice.speak(written_out(words), "vi", spoken)
        to.parent.mkdir(parents=True, exist_ok=True)
        encode(decode(spoken), to, "libopus", 24_000)
    print(to.relative_to(ROOT))


def make_recordings() -> None:
    content, voice = load(ROOT).content, EspeakVoice()
    for script in content.scripts.values():
        folder = ROOT / "audio" / script.id / "recordings"
        notes = ["# Ai đọc bản thu nào / who speaks in which recording. stand_in: bản thu thay tạm."]
        for number, item in enumerate(script.items, 1):
            wanted = {name.split(".")[0] for name in placeholders(item.text["vi"])}
            villages = [cluster.area for cluster in content.station.clusters]
            areas = (
                villages
                if any("area.name" in n for n in placeholders(item.text["vi"]))
                else ([content.station.area] if wanted else [None])
            )
            for area in areas:
                words = content.areas.words(area, DAY) if area else {}
                name = f"{item.id}@{area.replace('/', '+')}.opus" if area else f"{item.id}.opus"
                read_aloud(voice, fill(item.text["vi"], words), folder / "vi" / name)
                notes.append(f'["vi/{name}"]\nspeaker = "giọng máy espeak-ng (vi)"')
            for language, called in STAND_INS.items():
                words = (
                    f"Đây là bản thu thay tạm bằng tiếng Việt, vì chưa có người đọc {called}. {script.title}."
                    if number == 1
                    else f"Mục {NUMBERS[number - 1]}, chờ bản thu {called}."
                )
                read_aloud(voice, words, folder / language / f"{item.id}.opus")
                notes.append(
                    f'["{language}/{item.id}.opus"]\nspeaker = "giọng máy espeak-ng (vi)"\nstand_in = true'
                )
        (folder.parent / "recordings.toml").write_text("\n\n".join(notes) + "\n", "utf-8")


if __name__ == "__main__":
    make_sounds()
    make_recordings()
