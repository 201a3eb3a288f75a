"""How loud sound is, how high its peaks go, and the gain that brings it to where it should be (BS.1770-4)."""

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from broadcaster.model.programme import SAMPLE_RATE

Samples = NDArray[np.float32]  # mono, SAMPLE_RATE, full scale is 1.0
Row = NDArray[np.float64]  # one number for every STEP

STEP = SAMPLE_RATE // 500  # samples; 2 ms, the grid on which levels and gains are known
BLOCK, HOP = 200, 50  # STEPs; BS.1770 gates blocks of 400 ms, one every 100 ms
SILENT = -70.0  # LUFS, its absolute gate; also what is said of that which has no loudness
AHEAD, SMOOTH = 5, 3  # STEPs; the limiter looks 10 ms both ways: longer is smoother, and takes more loudness
TAPS = 32  # of each interpolated sample
OVERSHOOT = 2.55  # times its highest sample: no curve through TAPS samples is higher
PHASES = 4  # true peak is looked for between the samples too, at four times their rate
TURNS = 12  # of the search for a gain at most; three or four do


def evenly(blocks: Iterable[Samples], size: int) -> Iterator[Samples]:
    """The same samples in blocks of *size*; the last may be shorter."""
    waiting: list[Samples] = []
    count = 0
    for block in blocks:
        waiting.append(block)
        count += len(block)
        if count >= size:
            joined = np.concatenate(waiting)
            whole = count // size * size
            for start in range(0, whole, size):
                yield joined[start : start + size]
            waiting, count = [joined[whole:]], count - whole
    if count:
        yield np.concatenate(waiting)


def in_steps(block: Samples) -> NDArray[np.float32]:
    """*block* as rows of STEP samples, the last filled up with silence."""
    short = -len(block) % STEP
    return np.pad(block, (0, short)).reshape(-1, STEP) if short else block.reshape(-1, STEP)


def power(block: Samples) -> Row:
    """The mean square of each STEP."""
    steps = in_steps(block)
    return np.asarray(np.einsum("ij,ij->i", steps, steps, dtype=np.float64) / STEP)


def lufs(weighted: Row) -> float:
    """
    Integrated loudness of *weighted*, the power of each STEP after the K filter; channels are summed.

    What is shorter than one gating block is measured whole, so that a single word has its loudness too.
    """
    if len(weighted) < BLOCK:
        return _loudness(float(weighted.mean())) if len(weighted) else SILENT
    total = np.concatenate([[0.0], np.cumsum(weighted)])
    starts = np.arange(0, len(weighted) - BLOCK + 1, HOP)
    blocks = (total[starts + BLOCK] - total[starts]) / BLOCK
    blocks = blocks[blocks > _power(SILENT)]
    if not len(blocks):
        return SILENT
    blocks = blocks[blocks > blocks.mean() / 10]  # the relative gate, -10 LU
    return _loudness(float(blocks.mean()))


def _loudness(mean: float) -> float:
    return max(SILENT, -0.691 + 10 * np.log10(mean)) if mean > 0 else SILENT


def _power(loudness: float) -> float:
    return float(10 ** ((loudness + 0.691) / 10))


def peaks(block: Samples) -> Row:
    """The highest sample of each STEP."""
    return np.asarray(np.abs(in_steps(block)).max(axis=1), np.float64)


class TruePeaks:
    """The highest point of each STEP, between the samples too; give it one stretch after another."""

    def __init__(self, above: float = 0.0) -> None:
        """What cannot reach *above*, since its samples are far below, is not looked into."""
        self._before = np.zeros(TAPS - 1, np.float32)
        self._near = above / OVERSHOOT

    def __call__(self, block: Samples) -> Row:
        steps = in_steps(block)
        padded = np.concatenate([self._before, steps.ravel()])
        self._before = padded[-(TAPS - 1) :]
        highest = np.abs(steps).max(axis=1)
        near = highest >= self._near
        near[1:] |= near[:-1].copy()  # what lies between two STEPs is found with the later one
        near[0] = True
        reach = np.lib.stride_tricks.sliding_window_view(padded, STEP + TAPS - 1)[::STEP][near]
        between = reach @ _interpolation()
        highest[near] = np.maximum(highest[near], np.maximum(between.max(axis=1), -between.min(axis=1)))
        return np.asarray(highest, np.float64)


@cache
def _interpolation() -> Samples:
    """A matrix from a STEP (and what is before it) to the points between its samples: windowed sinc."""
    offsets = np.arange(1, PHASES) / PHASES
    at = np.arange(TAPS)[:, None] - (TAPS / 2 - 1) - offsets[None, :]
    taps = np.sinc(at) * np.kaiser(4 * TAPS + 1, 5.0)[np.round(at * 4).astype(int) + 2 * TAPS]
    matrix = np.zeros((STEP + TAPS - 1, STEP * len(offsets)), np.float32)
    for sample in range(STEP):
        matrix[sample : sample + TAPS, sample * len(offsets) : (sample + 1) * len(offsets)] = taps
    return matrix


def gains(weighted: Row, peaks: Row, target: float, ceiling: float, highest: float) -> Row:
    """
    The gain (linear) of each STEP that brings it all to *target* LUFS under *ceiling* (linear true peak).

    The limiter takes some loudness away; it is given back, and limited again, until both hold. No gain is
    more than *highest* (dB).
    """
    measured = lufs(weighted)
    if measured <= SILENT:
        return np.ones_like(weighted)  # there is nothing to bring anywhere
    gain, reached, slope = 0.0, measured, 1.0
    for _ in range(TURNS):
        before, had = gain, reached
        gain = min(gain + (target - reached) / slope, highest)
        limited = _limited(peaks, gain, ceiling)
        reached = lufs(weighted * limited**2)
        if abs(target - reached) < 0.05 or gain >= highest:
            break
        if gain == before:
            continue  # all that is missing is what the limiter took
        slope = min(1.0, max(0.2, (reached - had) / (gain - before)))  # the limiter eats the rest
    return limited


def _limited(peaks: Row, gain: float, ceiling: float) -> Row:
    factor = 10 ** (gain / 20)
    if not len(peaks) or peaks.max() * factor <= ceiling:
        return np.full_like(peaks, factor)
    allowed = np.minimum(factor, ceiling / np.maximum(peaks, 1e-9))
    # The mean of a stretch of lowest values is nowhere above the value that is allowed in its middle.
    lowest = np.lib.stride_tricks.sliding_window_view(
        np.pad(allowed, AHEAD, constant_values=factor), 2 * AHEAD + 1
    ).min(axis=1)
    window = np.hanning(2 * SMOOTH + 3)[1:-1]
    return np.convolve(np.pad(lowest, SMOOTH, mode="edge"), window / window.sum(), "valid")


def applied(block: Samples, gain: Row, first: int) -> Samples:
    """
    *block*, which begins with STEP *first*, under *gain*.

    Each STEP's gain holds in its middle; a straight line leads from one to the next.
    """
    count = -(-len(block) // STEP)
    near = gain[np.clip(np.arange(first - 1, first + count + 1), 0, len(gain) - 1)].astype(np.float32)
    if near.min() == near.max():
        return np.asarray(block * near[0], np.float32)
    half = STEP // 2
    ramp = (np.arange(STEP, dtype=np.float32) + 0.5) / STEP
    # From the middle of the STEP before to the middle of the one after, cut to the STEPs themselves.
    lines = near[:-1, None] + np.diff(near)[:, None] * ramp
    return np.asarray(block * lines.ravel()[half : half + len(block)], np.float32)
