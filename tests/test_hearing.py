"""What is heard is what was played: in a room, through noise, with a delay, and not otherwise."""

import math
import subprocess
import wave
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.decode import Samples
from broadcaster.edges.listener import RATE, open_listener
from broadcaster.edges.sink import CardSink, Reel
from broadcaster.hearing import Hearing
from broadcaster.model.errors import Fault, say
from broadcaster.model.programme import SAMPLE_RATE
from tests.children import told
from tests.sound_server import SoundServer
from tests.sounds import silence, tone

LEAD = 1.0  # seconds that the input is open before the play


def talk(seconds: float, seed: int = 1) -> Samples:
    """Syllables as they come in speech: buzz and hiss, each as long and as loud as it likes, with gaps."""
    chance = np.random.default_rng(seed)
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = np.sum([np.sin(2 * np.pi * 140 * n * at + n * n) / n for n in range(1, 20)], axis=0) / 4
    hiss = chance.normal(0, 1, len(at)) / 4
    samples, begin = np.zeros(len(at)), 0
    while begin < len(at):
        end = begin + round(chance.uniform(0.08, 0.3) * SAMPLE_RATE)
        part = (hiss if chance.random() < 0.25 else buzz)[begin:end]
        samples[begin:end] = part * np.hanning(len(part)) * 10 ** (chance.uniform(-20, 0) / 20)
        begin = end + round(chance.choice([0.0, 0.05, 0.4], p=[0.6, 0.3, 0.1]) * SAMPLE_RATE)
    samples *= 0.1 / np.sqrt(np.mean(np.square(samples)))
    return samples.astype(np.float32)


def room(samples: Samples, *, gain: float = -30, noise: float = -65, delay: float = 0.3) -> Samples:
    """What a cheap microphone picks up: far away, 300 to 3,000 Hz, late, with echo, noise and hum."""
    chance = np.random.default_rng(99)
    samples = np.concatenate([silence(LEAD + delay), samples])
    spectrum = np.fft.rfft(samples)
    hertz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE)
    spectrum[(hertz < 300) | (hertz > 3000)] = 0
    heard = np.fft.irfft(spectrum, len(samples))[:: SAMPLE_RATE // RATE] * 10 ** (gain / 20)
    heard[800:] += 0.4 * heard[:-800]
    at = np.arange(len(heard)) / RATE
    hum = np.sin(2 * np.pi * 50 * at) + 0.4 * np.sin(2 * np.pi * 150 * at)
    return (heard + chance.normal(0, 10 ** (noise / 20), len(heard)) + 10 ** (-50 / 20) * hum).astype(
        np.float32
    )


def raw(samples: Samples) -> bytes:
    return np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2").tobytes()


class Played:
    """A source of samples in memory."""

    fault: Fault | None = None

    def __init__(self, samples: Samples) -> None:
        self.blocks: list[bytes | None] = [
            raw(samples[begin : begin + SAMPLE_RATE // 4])
            for begin in range(0, len(samples), SAMPLE_RATE // 4)
        ]
        self.closed = False

    def read(self) -> bytes | None:
        return self.blocks.pop(0) if self.blocks else None

    def close(self) -> None:
        self.closed = True


class Input:
    """A listener that gives what *samples* has until the moment to which the test has come."""

    def __init__(self, samples: Samples) -> None:
        self.fault: Fault | None = None
        self.closed = False
        self._sound = raw(samples)
        self._given = 0
        self._now = 0

    def go_to(self, seconds: float) -> None:
        self._now = max(0, 2 * round(seconds * RATE))

    def read(self) -> bytes:
        sound = self._sound[self._given : self._now]
        self._given += len(sound)
        return sound

    def close(self) -> None:
        self.closed = True


def follow(
    hearing: Hearing, heard: Input, samples: Samples, *, before: float = 0.0, lead: float = LEAD
) -> list[float]:
    """Play *samples*, after *before* seconds of the same broadcast; tell how silent it was at each second."""
    source = hearing.tap(Played(samples))
    seconds = len(samples) / SAMPLE_RATE
    silent = []
    for moment in (1e-4, *range(1, math.ceil(seconds)), seconds):
        while source.read():
            pass
        heard.go_to(lead + before + moment - 0.1 + 0.04 * math.sin(7 * moment))  # it comes in lumps
        hearing.follow(before + moment)
        silent.append(hearing.silent_for)
    return silent


def play(samples: Samples, heard: Samples, lead: float = LEAD) -> tuple[float | None, list[float]]:
    """What was heard, and how silent it was at each second."""
    listener = Input(heard)
    hearing = Hearing(listener)
    silent = follow(hearing, listener, samples, lead=lead)
    return hearing.heard_of(math.inf), silent


def join(*samples: Samples) -> Samples:
    return np.concatenate(samples)


def first_alarm(silent: Sequence[float], after: float = 7.0) -> int:
    """The second in which a silence is longer than *after*."""
    return next(second for second, one in enumerate(silent) if one > after)


@pytest.mark.parametrize(
    "way",
    [{}, {"delay": 0.0}, {"delay": 1.5}, {"gain": 0}, {"noise": -53}],
    ids=["far away", "no delay", "a long delay", "close by", "noise as loud as itself"],
)
def test_what_sounds_in_a_room_is_heard(way: dict[str, float]) -> None:
    """At any loudness, with delay, echo, hum and noise, every second counts, and no alarm is near."""
    sound = talk(20.4)
    heard, silent = play(sound, room(sound, **way))
    assert heard == pytest.approx(20.4)
    assert max(silent) < 3


def test_what_is_looped_back_is_heard() -> None:
    """So it is where the amplifier's output comes back as it is."""
    sound = talk(12)
    assert play(sound, join(silence(LEAD), sound)[:: SAMPLE_RATE // RATE])[0] == pytest.approx(12)


@pytest.mark.parametrize("gain", [-30, 0])
def test_other_speech_is_not_heard(gain: float) -> None:
    """Another programme at the same input, loud or not, counts as silence."""
    heard, silent = play(talk(25), room(talk(25, seed=2), gain=gain))
    assert heard == 0
    assert silent[-1] == pytest.approx(25, abs=1)


@pytest.mark.parametrize("noise", [-65, -200], ids=["a room", "a muted output"])
def test_silence_on_air_is_told_within_ten_seconds(noise: float) -> None:
    """From the first second on, in noise and hum or in nothing at all, no sound is silence."""
    heard, silent = play(talk(15), room(silence(15), noise=noise))
    assert heard == 0
    assert first_alarm(silent) < 10


def test_digital_silence_is_silence() -> None:
    """An input that gives zeros alone has no shape that could be like anything."""
    heard, silent = play(talk(15), silence(4))
    assert heard == 0
    assert first_alarm(silent) < 10


def test_an_output_that_dies_is_told_within_ten_seconds() -> None:
    """What sounded until then counts, to within two seconds."""
    sound = talk(40)
    heard, silent = play(sound, room(join(sound[: 20 * SAMPLE_RATE], silence(20))))
    assert heard == pytest.approx(20, abs=2)
    assert max(silent[:21]) < 3
    assert first_alarm(silent) < 30


def test_an_output_that_comes_back_is_heard_again() -> None:
    """The silence is over when the sound is back."""
    sound = talk(40)
    lost = join(sound[: 12 * SAMPLE_RATE], silence(12), sound[24 * SAMPLE_RATE :])
    heard, silent = play(sound, room(lost, delay=1.4))
    assert heard == pytest.approx(28, abs=2)
    assert max(silent) > 7
    assert max(silent[-8:]) == 0


@pytest.mark.parametrize("noise", [-65, -55])
def test_a_pause_counts_as_what_was_before_it(noise: float) -> None:
    """A programme that is silent for ten seconds is no silence on air."""
    sound = join(talk(10), silence(10), talk(10, seed=2))
    heard, silent = play(sound, room(sound, noise=noise))
    assert heard == pytest.approx(30)
    assert max(silent) < 3


def test_a_pause_does_not_make_a_silence_longer() -> None:
    """Where nothing can be heard nobody misses it."""
    heard, silent = play(join(talk(7), silence(10), talk(5)), room(silence(22)))
    assert heard == 0
    assert silent[-1] == pytest.approx(12, abs=1)


def test_an_even_sound_is_heard_by_its_loudness() -> None:
    """A note that does not change has no shape: the input has to be louder than at its lowest."""
    siren = tone(800, 15)
    heard, silent = play(siren, room(siren))
    assert heard == 15
    assert max(silent) == 0
    heard, silent = play(siren, room(silence(15)))
    assert heard == 0
    assert first_alarm(silent) < 10


def test_of_an_even_sound_without_a_lead_nothing_is_known() -> None:
    """Where nobody heard the input before, nobody knows whether it is loud: no count and no alarm."""
    siren = tone(800, 15)
    heard, silent = play(siren, room(siren)[round(1.3 * RATE) :], lead=0)
    assert heard is None
    assert max(silent) == 0


@pytest.mark.parametrize(("seconds", "heard"), [(1.5, None), (2.8, 2.8), (4.5, 4.5)])
def test_a_short_sound(seconds: float, heard: float | None) -> None:
    """From two and a half seconds on it can be told whether it was heard."""
    sound = talk(seconds)
    assert play(sound, room(sound))[0] == (heard if heard is None else pytest.approx(heard))
    assert play(sound, room(talk(seconds, seed=5)))[0] in (None, 0)


def test_of_a_play_that_was_stopped_only_what_sounded_counts() -> None:
    """What was read ahead and did not sound is no part of it."""
    sound = talk(12)
    listener = Input(room(sound))
    hearing = Hearing(listener)
    source = hearing.tap(Played(sound))
    while source.read():
        pass
    for moment in (0.01, 1, 2, 3, 4, 5, 6, 7, 7.3):
        listener.go_to(LEAD + moment)
        hearing.follow(moment)
    assert hearing.heard_of(math.inf) == pytest.approx(7.3)


def test_after_an_outage_it_goes_on() -> None:
    """A broadcast that a failing output cuts in two is followed through both, each with its own delay."""
    sound = talk(21)
    first, second = sound[: 9 * SAMPLE_RATE], sound[9 * SAMPLE_RATE :]
    listener = Input(room(join(first, silence(4.2), second)))
    hearing = Hearing(listener)
    follow(hearing, listener, first)
    silent = follow(hearing, listener, second, before=9, lead=LEAD + 4.2)
    assert hearing.heard_of(math.inf) == pytest.approx(21, abs=0.001)
    assert hearing.heard_of(7.5) == pytest.approx(7.5)
    assert max(silent) == 0


def test_an_input_that_fails_says_nothing() -> None:
    """Then it is unknown what was heard, and that is no silence on air; the fault tells why."""
    sound = talk(12)
    listener = Input(silence(4))
    hearing = Hearing(listener)
    silent = follow(hearing, listener, sound)
    assert silent[-1] > 7
    listener.fault = Fault("card:mic", say("It was told to fail."), say("Tell it not to."))
    assert hearing.heard_of(math.inf) is None
    assert hearing.silent_for == 0
    assert hearing.fault is listener.fault


def test_before_anything_sounds_nothing_is_known() -> None:
    """It can be asked and closed at any time."""
    listener = Input(silence(4))
    hearing = Hearing(listener)
    assert (hearing.heard_of(math.inf), hearing.silent_for) == (None, 0)
    hearing.tap(Played(talk(1)))
    assert (hearing.heard_of(math.inf), hearing.silent_for) == (None, 0)
    hearing.close()
    assert listener.closed


def test_a_tapped_source_is_the_same() -> None:
    """Block by block, nothing at the moment, the end, its fault; closing goes through."""
    source = Played(silence(0))
    source.blocks = [b"ab", b"", b"cdef", None]
    source.fault = Fault("x", say("It was told to fail."), say("Tell it not to."))
    tapped = Hearing(Input(silence(0))).tap(source)
    assert [tapped.read() for _ in range(4)] == [b"ab", b"", b"cdef", None]
    assert tapped.fault is source.fault
    tapped.close()
    assert source.closed


def test_numpy_stays_out_of_the_daemon() -> None:
    """Its memory is for other things."""
    assert told("import sys, broadcaster.hearing; print('numpy' in sys.modules)") == ["False"]


@pytest.mark.sound
@pytest.mark.parametrize("muted", [False, True])
def test_at_a_real_sound_server(sound_server: SoundServer, tmp_path: Path, muted: bool) -> None:
    """At the output's monitor all that sounds is heard to within a second; a muted output is silence."""
    assert sound_server
    path, clock, seconds = tmp_path / "a.wav", SystemClock(), 8.4 if muted else 5.4
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(raw(talk(seconds)))
    subprocess.run(["pactl", "set-sink-mute", "loudspeaker", str(int(muted))], check=True)
    hearing = Hearing(open_listener("card:loudspeaker.monitor", clock))
    reel = hearing.tap(Reel([path]))
    silent: list[float] = []

    def on_progress(seconds: float) -> None:
        hearing.follow(seconds)
        silent.append(hearing.silent_for)

    played = CardSink("loudspeaker", clock).play(
        reel, clock.now() + timedelta(seconds=1), Event(), on_progress
    )
    hearing.follow(played.seconds)
    hearing.close()
    assert played.seconds == pytest.approx(seconds)
    assert hearing.fault is None
    assert hearing.heard_of(math.inf) == (0 if muted else pytest.approx(seconds, abs=1))
    assert max(silent) > 7 if muted else max(silent) < 3
