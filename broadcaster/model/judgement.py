"""Is a file fit to be a recording? What was heard of it, and what an officer is told."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from .errors import Text, say

# A voice memo of a phone held at 20 to 30 cm has -30 to -20 LUFS, peaks under -3 dBTP, and speech 30 to 50 dB
# above the quiet of the room. What is asked for here is far less: it is what still can be made good.
INAUDIBLE = -50.0  # dBTP; assembly raises by 30 dB at most, and this would still be 20 dB under speech
QUIET = -40.0  # LUFS; to bring it to -16 raises the hiss of the phone by 24 dB, to about that of a busy road
FLATTENED = (
    0.001  # share of the samples; some peaks of a good loud voice touch full scale, more than that rattles
)
UNCLEAR = (
    15.0  # dB from the pauses to the loud syllables; with less, wind or a motor is heard like a second voice
)
STEADY = 5.0  # dB; syllables alone make more, hiss, hum and tones have 0 to 3
JUDGED = 1.5  # seconds; a single word has no pause to compare it with
SHORTEST, LONGEST = 0.3, 3 * 3600.0  # seconds: less than one syllable; a whole session thrice over
PAUSE = 3.0  # seconds before or after the words; less is how people start and stop a recorder
PACKET = 0.02  # seconds of sound in a packet of most speech codecs
TORN = 5  # packets that are damaged wherever a file was cut; that is a click at most
TELEPHONE = 8000  # Hz
FEW_WORDS, MANY_WORDS = (
    0.4,
    2.5,
)  # times the seconds that the text would take; announcers differ by less than 2
HESITATION = 3.0  # seconds more than the text would take that are no sign of anything


@dataclass(frozen=True)
class Heard:
    """What decoding a file to its end told; headers and names are not believed."""

    seconds: float  # that decode
    claimed: float | None  # seconds, by its header
    lufs: float  # BS.1770; -70 where there is nothing to measure
    peak_dbtp: float  # true peak; -120 for digital silence
    clipped: float  # share of the samples that are flattened at full scale, 0 to 1
    noise_dbfs: float  # its quietest stretches: the 10th percentile of 20 ms levels
    spread: float  # dB between its loud (95th percentile) and its quietest stretches
    silence_before: float  # seconds
    silence_after: float  # seconds
    channels: int
    rate: int  # Hz, of the file
    codec: str
    container: str
    damaged: int  # packets that did not decode
    cancels: bool  # left and right are each other's opposite: mixed to one they are silent


class Verdict(StrEnum):
    GOOD = "good"
    WARNED = "warned"  # it is taken, and an officer should know
    REFUSED = "refused"


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed: a word for programs, what it is, and what to do."""

    code: str
    what: Text
    next: Text


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    reasons: tuple[Finding, ...] = ()


def judge(heard: Heard, expected: float | None = None) -> Judgement:
    """Is it fit to go on air? *expected* is how many seconds its text would take; None if there is none."""
    if reasons := tuple(_refusals(heard)):
        return Judgement(Verdict.REFUSED, reasons)
    reasons = (*_warnings(heard), *_against_text(heard, expected))
    return Judgement(Verdict.WARNED if reasons else Verdict.GOOD, reasons)


def _refusals(heard: Heard) -> Iterator[Finding]:
    if heard.cancels:
        yield Finding(
            "cancels",
            say("Its left and right side cancel each other: a loudspeaker would play nothing."),
            say("Record it in mono, or save one side of it as mono."),
        )
    elif heard.peak_dbtp < INAUDIBLE:
        yield Finding(
            "silent",
            say("Nothing can be heard in it."),
            say("See that the microphone is on and not covered, and record it again."),
        )
    if heard.seconds < SHORTEST:
        yield Finding(
            "short",
            say("It is too short to be a word: {seconds} seconds.", seconds=f"{heard.seconds:.2f}"),
            say("Choose the whole recording, or record it again."),
        )
    if heard.seconds > LONGEST:
        yield Finding(
            "long",
            say("It lasts longer than 3 hours: {length}.", length=_length(heard.seconds)),
            say("Cut it to the words of this item."),
        )
    if heard.damaged > TORN and max(_missing(heard), heard.damaged * PACKET) > heard.seconds:
        yield Finding(
            "damaged",
            say("Most of it is damaged: only {length} can be heard.", length=_length(heard.seconds)),
            say("Copy it again from the phone or the recorder."),
        )


def _warnings(heard: Heard) -> Iterator[Finding]:
    if _missing(heard) > max(1.0, 0.05 * heard.seconds):
        yield Finding(
            "incomplete",
            say(
                "Only {length} of {claimed} can be heard.",
                length=_length(heard.seconds),
                claimed=_length(heard.claimed or 0.0),
            ),
            say("Listen to its end. If words are missing, copy it again from where it was recorded."),
        )
    elif heard.damaged > TORN:
        yield Finding(
            "damaged",
            say("Parts of it are damaged."),
            say("Listen to all of it. If words are missing, copy it again from where it was recorded."),
        )
    if heard.lufs < QUIET:
        yield Finding(
            "quiet",
            say("It is too quiet."),
            say("Hold the phone closer, a hand's width from the mouth, and record it again."),
        )
    if heard.clipped > FLATTENED:
        yield Finding(
            "clipped",
            say("It is too loud and distorted."),
            say("Hold the phone further away, or lower the input of the recorder, and record it again."),
        )
    if heard.seconds >= JUDGED and heard.spread < STEADY:
        yield Finding(
            "steady",
            say("It sounds the same all the way, like a hum or a hiss, not like speech."),
            say("Listen to it. If nobody speaks, choose another file."),
        )
    elif heard.seconds >= JUDGED and heard.spread < UNCLEAR:
        yield Finding(
            "noisy",
            say("The voice does not stand out from the noise around it."),
            say("Record it again in a quiet room, away from wind, motors and people."),
        )
    if max(heard.silence_before, heard.silence_after) > PAUSE:
        yield Finding(
            "silence",
            say(
                "It is silent for {before} seconds at its beginning and {after} at its end.",
                before=round(heard.silence_before),
                after=round(heard.silence_after),
            ),
            say("Nothing needs to be done: silence is cut off before it goes on air."),
        )
    if heard.rate <= TELEPHONE:
        yield Finding(
            "telephone",
            say("It sounds dull, like a telephone call."),
            say("If you can, record it again with the phone's recorder, in high quality."),
        )


def _against_text(heard: Heard, expected: float | None) -> Iterator[Finding]:
    spoken = heard.seconds - heard.silence_before - heard.silence_after
    if expected and not FEW_WORDS * expected <= spoken <= max(MANY_WORDS * expected, expected + HESITATION):
        shorter = spoken < expected
        yield Finding(
            "shorter-than-text" if shorter else "longer-than-text",
            say(
                "Its words last {length}; reading the text takes about {expected}.",
                length=_length(spoken),
                expected=_length(expected),
            ),
            say("Listen to it: were all the words read?")
            if shorter
            else say("Listen to it: is this the recording of this item, and are the words read once only?"),
        )


def _missing(heard: Heard) -> float:
    """Seconds that the header claims and that do not decode."""
    return max(0.0, (heard.claimed or 0.0) - heard.seconds)


def _length(seconds: float) -> str:
    """Minutes and seconds, as players show them: `1:40`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
