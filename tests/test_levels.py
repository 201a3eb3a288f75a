"""The meter measures as EBU Tech 3341 asks, and no gain lets a peak pass the ceiling."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from broadcaster.edges.decode import k_weighting
from broadcaster.levels import (
    BLOCK,
    OVERSHOOT,
    SILENT,
    STEP,
    Row,
    Samples,
    TruePeaks,
    _interpolation,
    applied,
    evenly,
    gains,
    lufs,
    peaks,
    power,
)
from broadcaster.model.programme import SAMPLE_RATE
from tests.sounds import blocks, consonant, loudness, noise, part, silence, speech, tone, true_peak

NEVER = 1e9  # a ceiling that nothing reaches


def weighted(samples: Samples) -> Row:
    """The power of each STEP of one channel, after the filter that hears as people do."""
    weigh = k_weighting()
    return np.concatenate([power(weigh(block)) for block in blocks(samples)])


def true_peaks(samples: Samples) -> Row:
    find = TruePeaks()
    return np.concatenate([find(block) for block in blocks(samples)])


def sines(*steps: tuple[float, float]) -> Samples:
    """A tone of 1000 Hz at one level (dBFS) after another, each for its seconds."""
    return np.concatenate([tone(1000, seconds, level) for level, seconds in steps])


class TestLoudness:
    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ([(-23, 20)], -23),
            ([(-33, 20)], -33),
            ([(-36, 10), (-23, 60), (-36, 10)], -23),
            ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
            ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
        ],
        ids=["case 1", "case 2", "case 3", "case 4", "case 5"],
    )
    def test_passes_the_cases_of_the_ebu(self, steps: list[tuple[float, float]], expected: float) -> None:
        """The stereo signals of EBU Tech 3341 for integrated loudness are measured within 0.1 LU."""
        channel = weighted(sines(*steps))
        assert lufs(channel + channel) == pytest.approx(expected, abs=0.1)

    @pytest.mark.parametrize(
        "samples",
        [
            speech(7, -30),
            np.concatenate([silence(1), speech(2, -35), silence(2), speech(3, -18)]),
            np.concatenate([noise(3, -40), noise(2, -10)]),
            tone(60, 3) + tone(9000, 3, -20),
        ],
        ids=["speech", "pauses", "noise", "low and high"],
    )
    def test_agrees_with_another_meter(self, samples: Samples) -> None:
        """What is loud now and quiet then, low and high, measures as with FFmpeg's meter."""
        assert lufs(weighted(samples)) == pytest.approx(loudness(samples), abs=0.05)

    @pytest.mark.parametrize("seconds", [0.1, 0.25, 0.39])
    def test_measures_a_single_word(self, seconds: float) -> None:
        """What is shorter than a gating block has the loudness that it would have if it went on."""
        assert lufs(weighted(tone(997, seconds, -20))) == pytest.approx(-23.01, abs=0.15)

    def test_says_that_there_is_nothing(self) -> None:
        """Silence, and nothing at all, is -70 LUFS."""
        for samples in (silence(2), silence(0.1), tone(997, 2, -90)):
            assert lufs(weighted(samples)) == SILENT
        assert lufs(np.zeros(0)) == SILENT


def sine(divisor: int, degrees: float, amplitude: float) -> Samples:
    """A tone of a whole part of the sample rate, whose samples miss its peaks."""
    at = np.arange(SAMPLE_RATE)
    return (amplitude * np.sin(2 * np.pi * at / divisor + np.radians(degrees))).astype(np.float32)


class TestTruePeak:
    @pytest.mark.parametrize(
        ("divisor", "degrees", "amplitude", "expected"),
        [(4, 0, 0.5, -6), (4, 45, 0.5, -6), (6, 60, 0.5, -6), (8, 67.5, 0.5, -6), (4, 45, 1.41, 3)],
        ids=["case 15", "case 16", "case 17", "case 18", "case 19"],
    )
    def test_passes_the_cases_of_the_ebu(
        self, divisor: int, degrees: float, amplitude: float, expected: float
    ) -> None:
        """The sines of EBU Tech 3341 for true peak are measured within +0.2 and -0.4 dB."""
        found = true_peaks(sine(divisor, degrees, amplitude))[1:]  # a sine that is switched on does overshoot
        assert expected - 0.4 < 20 * np.log10(found.max()) < expected + 0.2

    @pytest.mark.parametrize(
        "samples", [speech(2, -12), noise(2, -20), np.sign(tone(433, 1))], ids=["speech", "noise", "square"]
    )
    def test_agrees_with_fourier(self, samples: Samples) -> None:
        """The peaks of any sound are no more than 0.7 dB under those that its spectrum has, and not over."""
        assert -0.7 < 20 * np.log10(true_peaks(samples).max()) - true_peak(samples) < 0.1

    def test_knows_where_the_peak_is(self) -> None:
        """One click is the peak of its own STEP, and of none but its neighbours."""
        samples = silence(1)
        samples[100 * STEP + 20] = 0.5
        found = true_peaks(samples)
        assert found[100] == pytest.approx(0.5)
        assert not found[:100].any()
        assert not found[102:].any()

    @pytest.mark.parametrize("size", [STEP, 17 * STEP])
    def test_needs_no_whole(self, size: int) -> None:
        """In blocks of whatever length it comes, the peaks are the same: a seam hides none."""
        samples, find = noise(1, -20), TruePeaks()
        apart = np.concatenate([find(block) for block in blocks(samples, size)])
        assert np.allclose(apart, TruePeaks()(samples))

    @given(
        arrays.arrays(
            np.float32, 5 * STEP, elements=st.floats(-1, 1, width=32), fill=st.floats(-0.25, 0.25, width=32)
        )
    )
    @settings(max_examples=100, deadline=None)
    def test_is_bound_by_the_samples(self, samples: Samples) -> None:
        """No peak between the samples is higher than OVERSHOOT times the highest sample."""
        assert TruePeaks()(samples).max() <= OVERSHOOT * peaks(samples).max() + 1e-6

    def test_knows_how_far_a_curve_overshoots(self) -> None:
        """The samples that make the highest peak possible make one under OVERSHOOT, if just so."""
        taps = _interpolation()
        worst = np.sign(taps[:, np.argmax(np.abs(taps).sum(axis=0))]).astype(np.float32)
        highest = TruePeaks()(np.pad(worst, (STEP, -(len(worst) + STEP) % STEP + STEP))).max()
        assert 0.9 * OVERSHOOT < highest <= OVERSHOOT

    @given(st.integers(0, 1000), st.floats(0.05, 0.9), st.sampled_from([STEP, 10 * STEP, SAMPLE_RATE]))
    @settings(max_examples=60, deadline=None)
    def test_finds_all_that_are_asked_for(self, seed: int, above: float, size: int) -> None:
        """Where only peaks above a height are asked for, each of these is found as it is."""
        samples = noise(0.2, -20, seed) * np.repeat(np.random.default_rng(seed).uniform(0, 3, 100), STEP)
        samples = samples.astype(np.float32)
        found, find = TruePeaks()(samples), TruePeaks(above)
        some = np.concatenate([find(block) for block in blocks(samples, size)])
        high = found > above
        assert np.allclose(some[high], found[high])
        assert (some <= found + 1e-6).all()
        assert (some >= peaks(samples) - 1e-6).all()


class TestGains:
    @given(
        arrays.arrays(np.float64, st.integers(1, 400), elements=st.floats(0, 4), fill=st.floats(0, 0.5)),
        st.floats(-50, 0),
        st.floats(0.01, 1),
    )
    @settings(max_examples=300, deadline=None)
    def test_never_lets_a_peak_pass(self, found: Row, target: float, ceiling: float) -> None:
        """Whatever the peaks are, the gain within a STEP and right beside it keeps them under the ceiling."""
        gain = gains(found**2 / 4 + 1e-6, found, target, ceiling, 30.0)
        beside = np.pad(gain, 1, mode="edge")
        most = np.max([beside[:-2], gain, beside[2:]], axis=0)
        assert (found * most <= ceiling * (1 + 1e-9)).all()
        assert (gain <= 10 ** (30 / 20) * (1 + 1e-9)).all()
        assert (gain > 0).all()

    @pytest.mark.parametrize(
        "samples",
        [speech(4, -35), np.clip(speech(4, 0), -1, 1), speech(0.3, -20), speech(0.8, -14)],
        ids=["quiet", "flattened", "one syllable", "one word"],
    )
    def test_reaches_the_target(self, samples: Samples) -> None:
        """With the gain that is found, the loudness is what was asked."""
        row = weighted(samples)
        gain = gains(row, true_peaks(samples), -16, 0.75, 30)
        assert lufs(row * gain**2) == pytest.approx(-16, abs=0.1)

    def test_gives_back_what_the_limiter_takes(self) -> None:
        """A sound that has its loudness, but not its peaks, has its loudness when they are limited."""
        samples = speech(4, -20)
        samples[::6000] = 0.9
        row = weighted(samples)
        already = lufs(row)
        gain = gains(row, true_peaks(samples), already, 0.4, 30)
        assert gain.min() < 0.5
        assert lufs(row * gain**2) == pytest.approx(already, abs=0.1)

    def test_raises_no_more_than_it_may(self) -> None:
        """What would need more gain than is allowed gets that, and stays quieter."""
        row = weighted(speech(2, -60))
        assert gains(row, np.full_like(row, 0.001), -16, 0.75, 30) == pytest.approx(10 ** (30 / 20))

    def test_leaves_silence_alone(self) -> None:
        """Where there is nothing to be made louder, nothing is."""
        assert gains(np.zeros(BLOCK), np.zeros(BLOCK), -16, 0.75, 30) == pytest.approx(1)
        assert not len(gains(np.zeros(0), np.zeros(0), -16, 0.75, 30))

    def test_gives_one_gain_where_nothing_is_limited(self) -> None:
        """Without a peak near the ceiling the gain is the same from beginning to end."""
        row = weighted(speech(2, -30))
        gain = gains(row, np.full_like(row, 0.1), -20, NEVER, 30)
        assert np.ptp(gain) == 0
        assert 20 * np.log10(gain[0]) == pytest.approx(-20 - lufs(row), abs=0.05)


class TestApplied:
    @pytest.mark.parametrize("size", [STEP, 10 * STEP, SAMPLE_RATE])
    def test_needs_no_whole(self, size: int) -> None:
        """Blocks of whatever length make the same sound."""
        samples = noise(1.3, -20)
        gain = np.random.default_rng(1).uniform(0, 2, len(power(samples)))
        apart = [
            applied(block, gain, number * size // STEP) for number, block in enumerate(blocks(samples, size))
        ]
        assert np.allclose(np.concatenate(apart), applied(samples, gain, 0), atol=1e-6)

    def test_glides_from_step_to_step(self) -> None:
        """The gain holds in the middle of its STEP, and goes in a straight line to the next."""
        made = applied(np.ones(3 * STEP, np.float32), np.array([0.0, 1.0, 1.0]), 0)
        assert made[: STEP // 2] == pytest.approx(0)
        assert made[STEP] == pytest.approx(0.5, abs=0.02)
        assert made[STEP + STEP // 2 :] == pytest.approx(1)
        assert np.diff(made).max() == pytest.approx(1 / STEP, rel=0.01)

    @pytest.mark.parametrize("raised", [0.0, 6.0, 25.0])
    @pytest.mark.parametrize(
        "make",
        [
            lambda: np.where(np.arange(3 * SAMPLE_RATE) % 4000 == 0, 0.9, tone(300, 3, -34)),
            lambda: np.concatenate([silence(1), tone(8000, 0.5, -0.5), silence(0.5), consonant(1, -14)]),
            lambda: speech(3, -15),
            lambda: tone(7900, 3, -1),
        ],
        ids=["clicks", "onset", "speech", "high tone"],
    )
    def test_is_heard_under_the_ceiling(self, make: Callable[[], Samples], raised: float) -> None:
        """However loud it comes in and is to be, no true peak of what comes out is above -2 dBTP."""
        samples = make().astype(np.float32)
        row = weighted(samples)
        gain = gains(row, true_peaks(samples), lufs(row) + raised, 0.75, 30)
        made = applied(samples, gain, 0)
        assert true_peak(made) < -2
        assert len(made) == len(samples)

    def test_limits_without_a_break(self) -> None:
        """A limited tone is as loud in every moment, and soon behind a loud one the quiet one is itself."""
        samples = np.concatenate([tone(1000, 1, -1), tone(1000, 1, -30)])
        row = weighted(samples)
        made = applied(samples, gains(row, true_peaks(samples), lufs(row), 0.5, 30), 0)
        told = [lufs(weighted(part(made, at / 10, at / 10 + 0.1))) for at in range(1, 9)]
        assert np.ptp(told) < 0.3
        raised = part(made, 1.1, 2) / part(samples, 1.1, 2)
        assert np.nanmax(raised) == pytest.approx(np.nanmin(raised), rel=0.01)


class TestEvenly:
    @given(st.lists(st.integers(0, 50), max_size=40), st.integers(1, 60))
    @settings(max_examples=100, deadline=None)
    def test_changes_the_blocks_alone(self, lengths: list[int], size: int) -> None:
        """Blocks of any lengths become blocks of one, but for the last, of the same samples."""
        samples = np.arange(sum(lengths), dtype=np.float32)
        found = list(evenly(iter(np.split(samples, np.cumsum(lengths))[: len(lengths)]), size))
        assert np.array_equal(np.concatenate([*found, samples[:0]]), samples)
        assert all(len(block) == size for block in found[:-1])
        assert all(0 < len(block) <= size for block in found[-1:])
