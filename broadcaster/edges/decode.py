"""SEAM: any audio file -> samples, or a named fault; levels and limits. PyAV (FFmpeg) lives here."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, groupby
from math import log10
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from broadcaster.model.errors import BroadcasterError, Fault, said, say
from broadcaster.model.programme import SAMPLE_RATE

Samples = NDArray[np.float32]  # mono, SAMPLE_RATE, full scale is 1.0
TRUE_PEAK = 0.71  # what the limiter holds: -3 dB, so that speech and bed together stay under -1.5 dBTP


class Loudness:
    """Gathers the integrated loudness and, with *peaks*, the true peak of what passes (BS.1770)."""

    def __init__(self, *, peaks: bool = True) -> None:
        self._meter = f"ebur128=metadata=1:peak={'true' if peaks else 'none'}"
        self.lufs = -70.0
        self.true_peak = 0.0  # linear

    def __call__(self, blocks: Iterable[Samples]) -> Iterator[Samples]:
        for frame in _filtered(blocks, self._meter):
            told: dict[str, str] = frame.metadata
            self.lufs = float(told.get("lavfi.r128.I", self.lufs))
            self.true_peak = max(self.true_peak, float(told.get("lavfi.r128.true_peaks_ch0", 0)))
            yield frame.to_ndarray()[0]


def decode(path: Path) -> Iterator[Samples]:
    """
    Yield the samples of the first sound track in blocks, mixed to mono at SAMPLE_RATE.

    Only what decodes counts, whatever headers and file names claim. Raises BroadcasterError if nothing does.
    """
    decoded = False
    try:
        with av.open(str(path)) as source:
            if not source.streams.audio:
                raise BroadcasterError(
                    Fault(path.name, say("There is no sound in this file."), say("Choose a recording."))
                )
            for _, frames in groupby(_frames(source), key=_form):  # a file may be joined of several kinds
                resampler = av.AudioResampler("fltp", rate=SAMPLE_RATE)
                for out in chain.from_iterable(map(resampler.resample, chain(frames, [None]))):
                    decoded = True
                    yield out.to_ndarray().mean(axis=0)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise BroadcasterError(
            Fault(
                path.name,
                say("The file cannot be read as sound: {error}.", error=said(error)),
                say("Record it again, or put the undamaged file in its place."),
            )
        ) from error
    if not decoded:
        raise BroadcasterError(
            Fault(path.name, say("Not one second of it can be decoded."), say("Record it again."))
        )


def _frames(source: Any) -> Iterator[Any]:
    for packet in source.demux(source.streams.audio[0]):
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue  # a damaged stretch; what is left of the file is judged by its length


def _form(frame: Any) -> tuple[str, str, int]:
    return frame.format.name, frame.layout.name, frame.sample_rate


def levelled(blocks: Iterable[Samples], gain: float, true_peak: float) -> Iterator[Samples]:
    """Apply *gain* (dB); where *true_peak* (linear, before it) would then pass the ceiling, limit."""
    steps = f"volume={gain:.3f}dB"
    if true_peak * 10 ** (gain / 20) > TRUE_PEAK:
        steps += (
            f",aresample={SAMPLE_RATE * 4},alimiter=limit={TRUE_PEAK}:attack=4:release=60:level=disabled"
            f",aresample={SAMPLE_RATE}"
        )
    for frame in _filtered(blocks, steps):
        yield frame.to_ndarray()[0]


def decibels(ratio: float) -> float:
    return 20 * log10(ratio) if ratio > 0 else -120.0


def encode(blocks: Iterable[Samples], to: Path, codec: str, bit_rate: int | None = None) -> None:
    """Write samples as *codec* ("flac", "libopus", "libmp3lame"); the suffix of *to* names the container."""
    rate = 48_000 if codec == "libopus" else SAMPLE_RATE  # Opus knows no 32 kHz
    with av.open(str(to), "w") as target:
        stream: Any = target.add_stream(codec, rate=rate)
        stream.layout = "mono"
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        resampler = av.AudioResampler(stream.format.name, "mono", rate, frame_size=stream.frame_size)
        for frame in chain.from_iterable(
            resampler.resample(one) for one in chain(map(_frame, blocks), [None])
        ):
            frame.pts = None
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))


def _frame(block: Samples, at: int = 0) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(block, np.float32)[np.newaxis], format="fltp", layout="mono"
    )
    frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), at
    return frame


def _filtered(blocks: Iterable[Samples], steps: str) -> Iterator[Any]:
    """Send *blocks* through a chain of FFmpeg filters; yields frames, mono float at SAMPLE_RATE."""
    graph = av.filter.Graph()
    node: Any = graph.add_abuffer(
        format="fltp", sample_rate=SAMPLE_RATE, layout="mono", time_base=Fraction(1, SAMPLE_RATE)
    )
    for step in [*steps.split(","), f"aformat=fltp:{SAMPLE_RATE}:mono"]:
        name, _, options = step.partition("=")
        following = graph.add(name, options or None)
        node.link_to(following)
        node = following
    end = graph.add("abuffersink")
    node.link_to(end)
    graph.configure()
    at = 0
    for block in blocks:
        for start in range(0, len(block), SAMPLE_RATE):  # frames of a second: longer ones are slow here
            piece = block[start : start + SAMPLE_RATE]
            graph.push(_frame(piece, at))
            at += len(piece)
            yield from _pull(graph)
    graph.push(None)
    yield from _pull(graph)


def _pull(graph: av.filter.Graph) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return
