"""Did it sound? What is picked up at an input, beside what was played."""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from operator import add, mul

from broadcaster.edges.listener import RATE, Listener
from broadcaster.edges.sink import Source
from broadcaster.model.errors import Fault
from broadcaster.model.programme import SAMPLE_RATE

FRAME = RATE // 50  # samples; a whole wave of the mains, whose hum is therefore as loud in every frame
SECOND = RATE // FRAME  # frames
WINDOW = 5  # seconds that are compared at once
SHORTEST = 2 * SECOND  # frames; the same where less was played, or has come back before the end
DELAYS = range(-SECOND // 2, 7 * SECOND // 4)  # frames that the input may be behind what has sounded
NEAR = 5  # frames that the delay may wander from one window to the next
ALIKE = 0.6  # correlation; other speech comes to 0.55, the same beside noise as loud as itself to 0.7
LOUD_ENOUGH = 0.5  # of what is expected of a second
STEADY = 0.15  # deviation, in parts of the mean, below which a sound has no shape to compare
FLAT = 1e-4  # the same, of what differs by rounding alone
RISE = 2.0  # times its lowest, for an input in which a steady sound is
BEFORE = SECOND // 5  # frames of the input before the play that show what its lowest is
QUIET = 2 * 100 * math.sqrt(FRAME)  # a second with no louder frame is a pause: -50 dBFS, as _Loudness has it


class Hearing:
    """
    One broadcast, heard: `tap` what is played, `follow` it to its end, ask for what was heard, and `close`.

    The measure: of what was played and of the input the loudness of each 20 ms is taken, once as it is and
    once with the treble raised; stretches of 5 s are compared by correlation, at the delay (up to 1.5 s) that
    fits best. A second is heard when a stretch that it is in matches, and it is not much less loud than the
    stretch has it. So neither gain nor mains hum nor noise up to the loudness of the sound itself matters,
    and other speech does not pass. A pause counts as what was before it, and so does the end of a play,
    which has not come back yet when it is asked for.

    Where it can be wrong: the edges of a silence by a second or two, more in loud noise; another programme
    with the very same words by the same voice at the same moment passes; a sound that is always as loud
    (a siren on one note) has no shape, and passes where the input is twice as loud as at its lowest, for
    which it has to be open before the play; a play under 5 s is compared less surely, and one under 2 s
    not at all.
    """

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._input = _Loudness(RATE)
        self._takes: list[_Take] = []

    def tap(self, source: Source) -> Source:
        """Give *source*, listened to while it is read; once more for what goes on after an outage."""
        self._catch_up()
        self._takes.append(_Take(self._input, first=not self._takes))
        return _Tap(source, self._takes[-1].sound)

    def follow(self, seconds: float) -> None:
        """Listen once a second, and at the end; *seconds* have sounded of all that was tapped."""
        self._input.take(self._listener.read())
        self._takes[-1].follow(seconds)

    @property
    def fault(self) -> Fault | None:
        """Why it is unknown what was heard."""
        return self._listener.fault

    def heard_of(self, most: float) -> float | None:
        """Seconds picked up of the first *most* that were played; None where nothing can be said."""
        self._catch_up()
        lengths = [
            (second, min(1.0, take.sounded - number))
            for take in self._takes
            for number, second in enumerate(take.seconds)
        ]
        known = [second.heard for second, _ in lengths if second.heard is not None]
        if self.fault is not None or not known:
            return None
        heard, last = 0.0, known[0]
        for second, length in lengths:
            last = last if second.heard is None else second.heard
            heard += min(length, most) if last else 0.0
            most = max(0.0, most - length)
        return heard

    @property
    def silent_for(self) -> float:
        """Seconds, up to now, in which there was sound to be heard and none was; pauses do not count."""
        if self.fault is not None or not self._takes or not self._takes[-1].missed:
            return 0.0
        silent = 0.0
        for second in chain.from_iterable(reversed(take.seconds) for take in reversed(self._takes)):
            if second.heard:
                break
            silent += second.loud
        return silent

    def close(self) -> None:
        """Let go of the input; what was heard can still be asked for."""
        self._catch_up()
        self._listener.close()

    def _catch_up(self) -> None:
        self._input.take(self._listener.read())
        if self._takes:
            self._takes[-1].finish()


@dataclass
class _Second:
    at: int  # the frame of the input at which it began, but for the delay
    loud: bool = False  # is there something to hear? Known when it is over
    heard: bool | None = None


class _Take:
    """What is played without an outage, second by second."""

    def __init__(self, heard: "_Loudness", *, first: bool) -> None:
        self.sound = _Loudness(SAMPLE_RATE)
        self.seconds: list[_Second] = []
        self.sounded = 0.0
        self.missed = False  # did the last stretch that could be judged fail to match?
        self._input = heard
        self._begin = 0.0 if first else None  # seconds that had sounded before
        self._lowest_known = False
        self._next = 0  # the second with which the stretch begins that is judged next
        self._delay: int | None = None

    def follow(self, seconds: float) -> None:
        if self._begin is None:
            self._begin = seconds
        if not self.seconds:
            self._lowest_known = self._input.end >= BEFORE
        self.sounded = max(self.sounded, seconds - self._begin)
        while (number := len(self.seconds)) < self.sounded:
            if self.seconds:
                plain, _ = self.sound.part((number - 1) * SECOND, SECOND)
                self.seconds[-1].loud = max(plain, default=0.0) > QUIET
            self.seconds.append(_Second(self._input.end - round((self.sounded - number) * SECOND)))
        while self._next + WINDOW <= self.sounded and self._judge(self._next, WINDOW * SECOND):
            self._next += 1
        self.sound.forget(self._next * SECOND)
        if self._next < len(self.seconds):
            self._input.forget(self.seconds[self._next].at + DELAYS[0] - NEAR)

    def finish(self) -> None:
        """Judge what is left by what came of it."""
        behind = max(SECOND // 2, self._delay or 0)
        for first in range(self._next, len(self.seconds)):
            came = self._input.end - self.seconds[first].at - behind
            frames = min(WINDOW * SECOND, int(self.sounded * SECOND) - first * SECOND, came)
            if frames >= SHORTEST:
                self._judge(first, frames, late=True)

    def _judge(self, first: int, frames: int, *, late: bool = False) -> bool:
        """Compare a stretch; tell whether there is no more to be known about it than now."""
        played = self.sound.part(first * SECOND, frames)
        if len(played[0]) < frames or max(played[0]) <= QUIET:
            return True
        at = self.seconds[first].at
        match = self._match([_Shape(band) for band in played], at, frames)
        if match is None:
            if not late and self._input.end < at + DELAYS[-1] + frames:
                return False
            return self._judge_steady(first, played, frames)
        self._delay, gains = match
        self.missed = False
        came = self._input.part(at + self._delay, frames)
        for band, other, gain in zip(played, came, gains, strict=True):
            noise = (sum(other) - gain * sum(band)) / frames * SECOND
            for number in range(frames // SECOND):
                part = slice(number * SECOND, (number + 1) * SECOND)
                expected = gain * sum(band[part])
                second = self.seconds[first + number]
                second.heard = second.heard or sum(other[part]) - noise >= LOUD_ENOUGH * expected
        return True

    def _judge_steady(self, first: int, played: Sequence[Sequence[float]], frames: int) -> bool:
        """Judge a stretch that does not match: it was not heard, unless it is one that never could."""
        second = self.seconds[first]
        if all(_Shape(band).steady for band in played):
            if not self._lowest_known:
                return True
            _, treble = self._input.part(second.at, frames)
            if sum(treble) > RISE * self._input.lowest * len(treble):
                second.heard, self.missed = True, False
                return True
        self.missed = True
        if max(played[0][:SECOND]) > QUIET:
            second.heard = second.heard or False
        return True

    def _match(self, played: Sequence["_Shape"], at: int, frames: int) -> tuple[int, list[float]] | None:
        """Find the delay at which the input matches, and the gains; first where it was before."""
        near = () if self._delay is None else range(self._delay - NEAR, self._delay + NEAR + 1)
        for delays in (near, DELAYS):
            best, found = ALIKE, None
            for delay in delays:
                bands = self._input.part(at + delay, frames)
                if len(bands[0]) == frames:
                    likeness = [shape.likeness(band) for shape, band in zip(played, bands, strict=True)]
                    if (mean := sum(one for one, _ in likeness) / len(likeness)) >= best:
                        best, found = mean, (delay, [gain for _, gain in likeness])
            if found:
                return found
        return None


class _Shape:
    """How a sound goes up and down."""

    def __init__(self, band: Sequence[float]) -> None:
        mean = sum(band) / len(band)
        self._band = [one - mean for one in band]
        self._power = sum(map(mul, self._band, self._band))
        deviation = math.sqrt(self._power / len(band))
        self.steady = deviation < STEADY * mean
        self._flat = deviation <= FLAT * mean

    def likeness(self, other: Sequence[float]) -> tuple[float, float]:
        """The correlation, and how much louder *other* is."""
        mean = sum(other) / len(other)
        power = sum(map(mul, other, other)) - mean**2 * len(other)
        if self._flat or power <= (FLAT * mean) ** 2 * len(other):
            return 0.0, 0.0
        both = sum(map(mul, self._band, other))
        return both / math.sqrt(power * self._power), both / self._power


class _Loudness:
    """How loud a sound is, frame by frame, as it is and with the treble raised."""

    def __init__(self, rate: int) -> None:
        self.lowest = math.inf  # with the treble raised, so that hum does not hide it
        self._step = rate // RATE
        self._begin = 0  # frames that were forgotten
        self._bands: tuple[list[float], list[float]] = ([], [])
        self._rest = b""

    @property
    def end(self) -> int:
        return self._begin + len(self._bands[0])

    def take(self, sound: bytes) -> None:
        sound = self._rest + sound
        size = 2 * FRAME * self._step
        whole = len(sound) // size * size
        self._rest = sound[whole:]
        samples: Sequence[int] = array("h", sound[:whole])
        if self._step > 1:
            half = self._step // 2
            samples = list(map(add, samples[:: self._step], samples[half :: self._step]))
        for begin in range(0, len(samples), FRAME):
            frame = samples[begin : begin + FRAME]
            treble = math.dist(frame[1:], frame[:-1])
            self._bands[0].append(math.hypot(*frame))
            self._bands[1].append(treble)
            self.lowest = min(self.lowest, treble)

    def part(self, begin: int, frames: int) -> tuple[Sequence[float], Sequence[float]]:
        """What is there of *frames* from *begin*: nothing where it begins too early."""
        start = begin - self._begin
        if start < 0:
            return (), ()
        plain, treble = self._bands
        return plain[start : start + frames], treble[start : start + frames]

    def forget(self, before: int) -> None:
        count = max(0, before - self._begin)
        for band in self._bands:
            del band[:count]
        self._begin += count


class _Tap:
    def __init__(self, source: Source, ear: _Loudness) -> None:
        self._source = source
        self._ear = ear

    @property
    def fault(self) -> Fault | None:
        return self._source.fault

    def read(self) -> bytes | None:
        block = self._source.read()
        if block:
            self._ear.take(block)
        return block

    def close(self) -> None:
        self._source.close()
