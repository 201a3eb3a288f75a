"""
The same programme for other channels than loudspeakers: telephone, social networks, radio, podcast.

Files are written aside, all of a channel's, and renamed into place when every one of them is whole.
"""

import os
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape
from itertools import chain
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import wrap
from typing import Any
from unicodedata import normalize
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from broadcaster import levels
from broadcaster.edges import decode
from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say
from broadcaster.model.programme import SAMPLE_RATE, Cue
from broadcaster.model.spoken import spoken

RINGBACK_SECONDS = 45.0  # no caller waits longer before somebody answers
RINGBACK_LUFS = -16.0
RINGBACK_PEAK = 0.71  # linear; -3 dB
RINGBACK_BAND = (  # of a telephone; Butterworth, 4th order
    "highpass=f=300:t=q:w=0.541,highpass=f=300:t=q:w=1.307,"
    "lowpass=f=3400:t=q:w=0.541,lowpass=f=3400:t=q:w=1.307"
)
LINE = 36  # letters that are read at a glance, and large enough on a telephone; at most two lines of them
SHORT = 3  # syllables; a sentence this short shares its caption with the next
SHAPES = {"1x1": (1080, 1080), "16x9": (1920, 1080)}
NIGHT, DUSK, PAPER, LAMP = (7, 20, 31), (16, 72, 84), (255, 255, 255), (255, 196, 61)
TRACKS = 99  # a cue sheet numbers them with two digits

Pixels = NDArray[np.uint8]


KINDS: dict[str, tuple[str, int | None]] = {  # what speech in one channel needs, bit/s
    ".wav": ("pcm_s16le", None),
    ".flac": ("flac", None),
    ".mp3": ("libmp3lame", 64_000),
    ".opus": ("libopus", 32_000),
    ".ogg": ("libopus", 32_000),
    ".m4a": ("aac", 64_000),
}


@dataclass(frozen=True)
class Caption:
    """Words that are seen while they are heard."""

    start: float  # seconds from the beginning
    end: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Episode:
    """One programme in a feed; `file` is an MP3 in the feed's folder, `guid` never changes."""

    title: str
    description: str
    published: datetime  # aware
    seconds: float
    file: Path
    guid: str


def ringback(pieces: Sequence[Path], folder: Path, name: str) -> list[Path]:
    """What a caller hears before somebody answers: 8 kHz as A-law WAV and MP3, in the band of a telephone."""
    samples = np.concatenate(list(_sound(pieces)))
    if len(samples) > RINGBACK_SECONDS * SAMPLE_RATE:
        raise BroadcasterError(
            Fault(
                name,
                say(
                    "It lasts {seconds:.1f} s, but before somebody answers there are only {limit:.0f} s.",
                    seconds=len(samples) / SAMPLE_RATE,
                    limit=RINGBACK_SECONDS,
                ),
                say("Choose fewer items with --item."),
            )
        )
    samples = decode.Filter(RINGBACK_BAND)(samples)
    gain = levels.gains(
        levels.power(decode.k_weighting()(samples)),
        levels.TruePeaks()(samples),
        RINGBACK_LUFS,
        RINGBACK_PEAK,
        highest=20.0,
    )
    samples = levels.applied(samples, gain, 0)
    with _whole(folder) as aside:
        decode.encode([samples], aside / f"{name}.wav", "pcm_alaw", rate=8000)
        decode.encode([samples], aside / f"{name}.mp3", "libmp3lame", 32_000, rate=8000)
    return [folder / f"{name}.wav", folder / f"{name}.mp3"]


def social(
    pieces: Sequence[Path],
    cues: Sequence[Cue],
    title: str,
    subtitle: str,
    folder: Path,
    name: str,
    cover: Path | None,
) -> list[Path]:
    """A film for social networks, square and wide, with its words to be seen, and the words as SRT."""
    shown = list(captions(cues))
    ground = _opened(cover) if cover else None
    with _whole(folder) as aside:
        for shape, size in SHAPES.items():
            pictures = _Pictures(size, ground, _plain(title), _plain(subtitle), shown)
            decode.film(_sound(pieces), pictures, aside / f"{name}-{shape}.mp4")
        (aside / f"{name}.srt").write_text(_srt(shown), "utf-8")
    return [*(folder / f"{name}-{shape}.mp4" for shape in SHAPES), folder / f"{name}.srt"]


def radio(
    pieces: Sequence[Path],
    cues: Sequence[Cue],
    title: str,
    station: str,
    folder: Path,
    name: str,
    told: Callable[[Text], str] = str,
) -> list[Path]:
    """
    For a radio station: WAV and MP3 at 48 kHz, a cue sheet, and a rundown to be read from paper.

    *told* puts the rundown's headings into the reader's language.
    """
    if len(cues) > TRACKS:
        raise BroadcasterError(
            Fault(
                name,
                say(
                    "It has {count} items, but a cue sheet holds at most {limit}.",
                    count=len(cues),
                    limit=TRACKS,
                ),
                say("Choose fewer items with --item."),
            )
        )
    seconds = sum(map(len, _sound(pieces))) / SAMPLE_RATE
    with _whole(folder) as aside:
        decode.encode(_sound(pieces), aside / f"{name}.wav", "pcm_s16le", rate=48_000)
        decode.encode(_sound(pieces), aside / f"{name}.mp3", "libmp3lame", 192_000, rate=48_000)
        (aside / f"{name}.cue").write_bytes(_cue_sheet(cues, title, station, f"{name}.wav").encode())
        (aside / f"{name}.html").write_text(_rundown(cues, seconds, title, station, told), "utf-8")
    return [folder / f"{name}.{kind}" for kind in ("wav", "mp3", "cue", "html")]


def export(pieces: Sequence[Path], to: Path) -> None:
    """A file of any of the usual kinds, by the ending of *to*."""
    if to.suffix.lower() not in KINDS:
        known = ", ".join(KINDS)
        what = say("A sound is not written as “{ending}”.", ending=to.suffix)
        raise BroadcasterError(Fault(str(to), what, say("Use one of: {known}.", known=known)))
    with _whole(to.parent) as aside:
        decode.encode(_sound(pieces), aside / to.name, *KINDS[to.suffix.lower()])


def feed(
    episodes: Sequence[Episode], title: str, link: str, description: str, language: str, folder: Path
) -> list[Path]:
    """A podcast of the *episodes* in *folder*, which is published at *link*; the newest comes first."""
    from feedgen.feed import FeedGenerator

    base = link.rstrip("/")
    made = FeedGenerator()
    made.load_extension("podcast")
    made.title(_plain(title))
    made.description(_plain(description))
    made.link(href=f"{base}/feed.xml", rel="self")
    made.link(href=link, rel="alternate")
    made.language(language)
    made.podcast.itunes_author(_plain(title))
    made.podcast.itunes_explicit("no")
    with _whole(folder) as aside:
        for episode in sorted(episodes, key=lambda one: one.published, reverse=True):
            entry = made.add_entry(order="append")
            entry.guid(_plain(episode.guid), permalink=False)
            entry.title(_plain(episode.title))
            entry.description(_plain(episode.description))
            entry.published(episode.published)
            path = quote(episode.file.relative_to(folder).as_posix())
            entry.enclosure(f"{base}/{path}", episode.file.stat().st_size, "audio/mpeg")
            entry.podcast.itunes_duration(round(episode.seconds))
        if episodes:
            made.lastBuildDate(max(episode.published for episode in episodes))  # else it would be now
        made.rss_file(str(aside / "feed.xml"), pretty=True)
    return [folder / "feed.xml"]


def captions(cues: Sequence[Cue]) -> Iterator[Caption]:
    """The words of *cues* in pieces of two lines, each for as long as its syllables take of its cue."""
    for cue in cues:
        parts = _parts(_plain(cue.text))
        syllables = [max(1, len(spoken(part).split())) for part in parts]
        for index, part in enumerate(parts):
            start, end = (
                cue.start + cue.seconds * sum(syllables[:upto]) / sum(syllables)
                for upto in (index, index + 1)
            )
            yield Caption(start, end, _lines(part, len(_wrapped(part, LINE))))


def _parts(text: str) -> list[str]:
    """*text* cut after sentences, and where those do not fit on two lines, after clauses or between words."""
    sentences: list[str] = []
    for sentence in re.split(r"(?<=[.!?…])(?<!TP\.) |(?<=[.!?…][\"'”’)]) ", text):
        together = f"{sentences[-1]} {sentence}" if sentences else ""
        if sentences and len(sentences[-1].split()) <= SHORT and _fits(together):
            sentences[-1] = together
        else:
            sentences.append(sentence)
    return [part for sentence in sentences if sentence for part in _cut(sentence)]


def _cut(sentence: str) -> list[str]:
    if _fits(sentence) or " " not in sentence:
        return [sentence]

    share = len(sentence) / ceil(len(sentence) / (2 * LINE))

    def cost(at: int) -> float:
        off = abs(at - share)  # even parts are best, but a comma may be some way off
        return off if sentence[at - 1] in ",;:–" else off + share / 4

    at = min((found.start() for found in re.finditer(" ", sentence)), key=cost)
    return _cut(sentence[:at]) + _cut(sentence[at + 1 :])


def _fits(text: str) -> bool:
    return len(_wrapped(text, LINE)) <= 2


def _lines(text: str, count: int) -> tuple[str, ...]:
    """*text* on at most *count* lines, as even as can be."""
    width = max(1, len(text) // count)
    while len(lines := _wrapped(text, width)) > count:
        width += 1
    return tuple(lines)


def _wrapped(text: str, width: int) -> list[str]:
    return wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _srt(shown: Sequence[Caption]) -> str:
    return "\n".join(
        "\n".join([str(number), f"{_srt_time(one.start)} --> {_srt_time(one.end)}", *one.lines, ""])
        for number, one in enumerate(shown, 1)
    )


def _srt_time(seconds: float) -> str:
    whole, milli = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{milli:03}"


def _cue_sheet(cues: Sequence[Cue], title: str, station: str, file: str) -> str:
    def quoted(text: str) -> str:
        return '"' + _plain(text).replace('"', "'") + '"'  # there is no way to write a quotation mark

    lines = [f"PERFORMER {quoted(station)}", f"TITLE {quoted(title)}", f"FILE {quoted(file)} WAVE"]
    for number, cue in enumerate(cues, 1):
        lines += [f"  TRACK {number:02} AUDIO", f"    TITLE {quoted(cue.item)}"]
        if number == 1 and cue.start > 0:
            lines.append("    INDEX 00 00:00:00")  # the first track has to begin with the file
        frames = int(cue.start * 75)
        lines.append(f"    INDEX 01 {frames // 4500:02}:{frames // 75 % 60:02}:{frames % 75:02}")
    return "".join(f"{line}\r\n" for line in lines)


def _rundown(
    cues: Sequence[Cue], seconds: float, title: str, station: str, told: Callable[[Text], str]
) -> str:
    headings = [say("No."), say("Item"), say("Start"), say("Length"), say("Words")]
    rows = [
        [str(number), cue.item, _clock(cue.start), _clock(cue.seconds), cue.text.strip()]
        for number, cue in enumerate(cues, 1)
    ]
    total = told(say("Items: {count}. Length: {length}.", count=len(cues), length=_clock(seconds)))
    return RUNDOWN.format(
        title=escape(_clean(title)),
        station=escape(_clean(station)),
        head="".join(f"<th>{escape(told(heading))}</th>" for heading in headings),
        rows="\n".join(
            f"<tr>{''.join(f'<td>{escape(_clean(cell))}</td>' for cell in row)}</tr>" for row in rows
        ),
        total=escape(total),
    )


def _clock(seconds: float) -> str:
    return f"{round(seconds) // 60}:{round(seconds) % 60:02}"


RUNDOWN = """<!DOCTYPE html>
<html lang="vi">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
  @page {{ size: A4; margin: 15mm; }}
  body {{ font: 12pt/1.5 sans-serif; color: #111; max-width: 50em; margin: 1em auto; padding: 0 1em; }}
  h1 {{ font-size: 18pt; line-height: 1.25; margin: 0; }}
  table {{ border-collapse: collapse; width: 100%; margin: 1em 0; }}
  thead {{ display: table-header-group; }}
  tr {{ break-inside: avoid; }}
  th {{ text-align: left; border-bottom: 1.5pt solid #111; }}
  th, td {{ padding: .4em .6em; vertical-align: top; }}
  td {{ border-bottom: .5pt solid #999; }}
  td:nth-child(1), td:nth-child(3), td:nth-child(4) {{ text-align: right; }}
  td:nth-child(5) {{ white-space: pre-line; font-size: 14pt; width: 60%; }}
  @media print {{ body {{ margin: 0; padding: 0; max-width: none; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{station}</p>
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
<p>{total}</p>
</body>
</html>
"""


class _Pictures:
    """What is seen of a film at a time: a ground, the title, and the caption of that time."""

    def __init__(
        self, size: tuple[int, int], cover: Any, title: str, subtitle: str, shown: Sequence[Caption]
    ) -> None:
        from PIL import Image, ImageOps

        self._shown, self._edge = shown, size[1] // 14
        self._width = size[0] - 2 * self._edge
        self._still = Image.fromarray(_ground(*size))
        if cover is not None:
            filled = ImageOps.fit(cover, size, Image.Resampling.LANCZOS, centering=(0.5, 0.4))
            self._still.paste(filled, mask=filled.getchannel("A"))
            self._still = Image.fromarray(_darkened(np.asarray(self._still)))
        self._head(title, subtitle)
        self._font = _font(self._fitting([line for one in shown for line in one.lines], size[1] // 15))
        self._at = lru_cache(maxsize=1)(self._drawn)

    def __call__(self, seconds: float) -> Pixels:
        return self._at(next((one for one in self._shown if one.start <= seconds < one.end), None))

    def _head(self, title: str, subtitle: str) -> None:
        from PIL import ImageDraw

        draw = ImageDraw.Draw(self._still)
        largest, x, y = self._edge * 8 // 7, self._edge, self._edge
        draw.rectangle((x, y, x + 2 * self._edge, y + self._edge // 8), LAMP)
        y += self._edge // 2
        laid = [_lines(title, count) for count in (1, 2, 3)]
        folded = next((one for one in laid if self._fitting(one, largest) > 0.75 * largest), laid[-1])
        for lines, most in ((folded, largest), ([subtitle], largest // 2)):
            size = self._fitting(lines, most)
            for line in lines:
                draw.text((x, y), line, PAPER, _font(size), stroke_width=size // 30, stroke_fill=NIGHT)
                y += round(size * 1.25)
            y += size // 4

    def _drawn(self, caption: Caption | None) -> Pixels:
        from PIL import ImageDraw

        picture = self._still.copy()
        if caption is not None:
            draw, size = ImageDraw.Draw(picture, "RGBA"), int(self._font.size)
            step, pad = size * 13 // 10, size * 6 // 10
            wide = int(max(map(self._font.getlength, caption.lines))) // 2 + pad
            middle, bottom = picture.width // 2, picture.height - self._edge
            top = bottom - step * len(caption.lines) - pad
            draw.rounded_rectangle((middle - wide, top, middle + wide, bottom), pad // 2, (*NIGHT, 208))
            for index, line in enumerate(caption.lines):
                at = (middle, top + pad // 2 + step * (2 * index + 1) // 2)
                draw.text(at, line, PAPER, self._font, "mm", stroke_width=size // 30, stroke_fill=NIGHT)
        return np.asarray(picture)

    def _fitting(self, lines: Sequence[str], largest: int) -> int:
        """The size of letters, *largest* or less, at which each of *lines* is no wider than the picture."""
        longest = max(map(_font(largest).getlength, lines), default=0)
        return max(8, int(largest * min(1.0, self._width / max(1.0, longest))))


def _font(size: int) -> Any:
    from font_roboto import RobotoBold
    from PIL import ImageFont

    return ImageFont.truetype(RobotoBold, size)


def _ground(width: int, height: int) -> Pixels:
    """Evening, and the waves of a loudspeaker: what is seen where nobody gave a picture."""
    y, x = np.mgrid[0:height, 0:width] / height
    away = np.hypot(x - width / height, y - 0.9)
    waves = np.clip(np.cos(away * 40) * 12, -1, 1) * np.exp(-1.6 * away) + 1
    shades = np.array(DUSK, float) + (np.array(NIGHT, float) - DUSK) * y[..., np.newaxis]
    return np.asarray(shades + 12 * waves[..., np.newaxis], np.uint8)


def _darkened(picture: Pixels) -> Pixels:
    """*picture* so that white letters are legible on it, most at the top and the bottom, where they are."""
    at = np.linspace(-1, 1, len(picture))
    light = np.interp(np.abs(at), [0.0, 1.0], [0.5, 0.3])
    return (picture * light[:, np.newaxis, np.newaxis]).astype(np.uint8)


def _opened(cover: Path) -> Any:
    """The picture in *cover*, upright; BroadcasterError where it is damaged or too large to be opened."""
    from PIL import Image, ImageOps

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(cover, formats=("JPEG", "PNG", "WEBP")) as picture:
                return ImageOps.exif_transpose(picture).convert("RGBA")
    except (OSError, SyntaxError, ValueError, *bombs) as error:
        why: Text | str = say("it is damaged, or no picture")
        if isinstance(error, bombs):
            why = say("it is too large")
        elif getattr(error, "errno", None):
            why = said(error)
        raise BroadcasterError(
            Fault(
                cover.name,
                say("The picture cannot be opened: {error}.", error=why),
                say("Choose a JPEG or PNG of about 2000 points a side."),
            )
        ) from error


def _sound(pieces: Sequence[Path]) -> Iterator[levels.Samples]:
    return chain.from_iterable(map(decode.decode, pieces))


def _clean(text: str) -> str:
    """*text* in NFC, for which the font is made, without the characters that XML cannot hold."""
    return normalize("NFC", re.sub(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text))


def _plain(text: str) -> str:
    return " ".join(_clean(text).split())


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A folder for files that are moved into *folder* when all of them are whole."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".", dir=folder.resolve()) as aside:
            yield Path(aside)
            made = sorted(Path(aside).iterdir())
            for path in made:
                with path.open("rb") as file:
                    os.fsync(file.fileno())
            for path in made:
                path.replace(folder / path.name)
    except OSError as error:
        raise BroadcasterError(
            Fault(
                str(folder),
                say("The files cannot be written: {error}.", error=said(error)),
                say("See that the disk is not full or read-only (broadcaster doctor)."),
            )
        ) from error
