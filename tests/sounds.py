"""Sounds made by code, put into files of any kind, and measured again."""

import wave
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np

from broadcaster.edges.decode import Filter, Samples
from broadcaster.model.programme import SAMPLE_RATE


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def tone(hertz: float, seconds: float, level: float = -12.0) -> Samples:
    """A sine with peaks at *level* dBFS."""
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (10 ** (level / 20) * np.sin(2 * np.pi * hertz * at)).astype(np.float32)


def noise(seconds: float, level: float, seed: int = 1) -> Samples:
    """White noise of *level* dBFS (RMS)."""
    samples = np.random.default_rng(seed).normal(0, 10 ** (level / 20), round(seconds * SAMPLE_RATE))
    return samples.astype(np.float32)


def speech(seconds: float, level: float = -20.0) -> Samples:
    """What is loud as speech is: a buzz of many overtones with some hiss, four syllables a second."""
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = np.sum([np.sin(2 * np.pi * 140 * n * at + n * n) / n for n in range(1, 25)], axis=0)
    syllables = 0.15 + np.square(np.sin(2 * np.pi * 2 * at + 0.8))
    samples = (buzz + noise(seconds, -20)) * syllables
    samples *= 10 ** (level / 20) / np.sqrt(np.mean(np.square(samples)))
    return samples.astype(np.float32)


def consonant(seconds: float, level: float) -> Samples:
    """The hiss of an S of *level* dBFS (RMS): noise between 3.5 and 10 kHz."""
    ready = Filter("highpass=f=3500,highpass=f=3500,lowpass=f=10000")(noise(seconds + 0.1, -20))
    samples = part(ready, 0.1, seconds + 0.1)
    return np.asarray(samples * 10 ** (level / 20) / np.sqrt(np.mean(np.square(samples))), np.float32)


def blocks(samples: Samples, size: int = SAMPLE_RATE) -> Iterator[Samples]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def save(
    path: Path,
    samples: Samples,
    codec: str = "pcm_s16le",
    *,
    rate: int = SAMPLE_RATE,
    layout: str = "mono",
    bit_rate: int | None = None,
) -> Path:
    """Write *samples*, one row or a row a channel, to *path*; the suffix of *path* names the container."""
    with av.open(str(path), "w") as target:
        stream: Any = target.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental"})
        if bit_rate is not None:
            stream.bit_rate = bit_rate
        channels = np.broadcast_to(samples, (stream.layout.nb_channels, samples.shape[-1]))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels), format="fltp", layout=layout)
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, Fraction(1, SAMPLE_RATE), 0
        resampler = av.AudioResampler(stream.format.name, layout, rate, frame_size=stream.frame_size)
        for source in (frame, None):
            for one in resampler.resample(source):
                target.mux(stream.encode(one))
        target.mux(stream.encode(None))
    return path


def load(path: Path) -> Samples:
    """The samples of a finished programme."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert len(samples) == file.getnframes()
    return (samples / 32768).astype(np.float32)


def part(samples: Samples, start: float, end: float) -> Samples:
    """*samples* from *start* up to *end*, in seconds."""
    return samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]


def level(samples: Samples, hertz: float) -> float:
    """How loud one tone is in *samples*: its peaks, in dBFS; other tones and noise do not count."""
    window = np.hanning(len(samples))
    turning = np.exp(-2j * np.pi * hertz * np.arange(len(samples)) / SAMPLE_RATE)
    return float(20 * np.log10(2 * abs(np.sum(samples * window * turning)) / np.sum(window) + 1e-9))


def true_peak(samples: Samples) -> float:
    """The highest peak between the samples, in dBTP: by Fourier, an other way than that of the meter."""
    spectrum = np.fft.rfft(samples)
    between = np.zeros(len(samples) * 4 + 1, complex)
    between[: len(spectrum)] = spectrum
    return float(20 * np.log10(8 * np.abs(np.fft.irfft(between, 8 * len(samples))).max() + 1e-9))


def loudness(samples: Samples) -> float:
    """The integrated loudness, in LUFS: by FFmpeg's meter, which is not ours."""
    graph = av.filter.Graph()
    nodes = [
        graph.add_abuffer(
            format="fltp", sample_rate=SAMPLE_RATE, layout="mono", time_base=Fraction(1, SAMPLE_RATE)
        ),
        graph.add("ebur128", "metadata=1"),
        graph.add("abuffersink"),
    ]
    for one, following in pairwise(nodes):
        one.link_to(following)
    graph.configure()
    told = -70.0
    for number, block in enumerate(blocks(samples)):
        frame = av.AudioFrame.from_ndarray(block[np.newaxis].copy(), format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
        frame.pts = number * SAMPLE_RATE
        graph.push(frame)
    graph.push(None)
    with suppress(av.EOFError):
        while True:
            told = float(graph.pull().metadata.get("lavfi.r128.I", told))
    return told
