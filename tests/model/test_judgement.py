"""An officer is told what is wrong with a file, in words that say what to do, and of nothing that is well."""

from dataclasses import replace
from typing import Any

import pytest

from broadcaster.model.judgement import Heard, Judgement, Verdict, judge

MEMO = Heard(  # a voice memo of a phone, as most are
    seconds=20.0,
    claimed=20.02,
    lufs=-24.0,
    peak_dbtp=-4.0,
    clipped=0.0,
    noise_dbfs=-62.0,
    spread=42.0,
    silence_before=0.8,
    silence_after=1.2,
    channels=1,
    rate=44_100,
    codec="aac",
    container="mov,mp4,m4a,3gp,3g2,mj2",
    damaged=0,
    cancels=False,
)


def judged(expected: float | None = None, **different: Any) -> Judgement:
    return judge(replace(MEMO, **different), expected)


def codes(judgement: Judgement) -> list[str]:
    return [reason.code for reason in judgement.reasons]


def sentences(judgement: Judgement) -> str:
    return " ".join(f"{reason.what} {reason.next}" for reason in judgement.reasons)


SHORT_WORD = {"seconds": 1.0, "claimed": None, "spread": 3.0, "silence_before": 0.0, "silence_after": 0.0}

GOOD: list[dict[str, Any]] = [
    {},
    {"claimed": None},
    {"lufs": -39.0},
    {"lufs": -12.0, "peak_dbtp": 0.3, "clipped": 0.0005},
    {"noise_dbfs": -40.0, "spread": 20.0},
    {"silence_before": 2.9, "silence_after": 2.9},
    {"claimed": 20.9},
    {"claimed": 12.0},
    {"claimed": None, "damaged": 3},
    {"rate": 16_000},
    {"channels": 2, "rate": 48_000, "codec": "pcm_s24le", "container": "wav"},
    SHORT_WORD,
    {"seconds": 0.35, "claimed": None, "silence_before": 0.0, "silence_after": 0.0},
    {"seconds": 3 * 3600.0, "claimed": None},
    {"expected": 8.0},
    {"expected": 42.0},
    {"expected": 0.0},
    {"expected": 1.3, "seconds": 4.0, "claimed": 4.0, "silence_before": 0.2, "silence_after": 0.2},
]

WARNED: list[tuple[dict[str, Any], str, str]] = [
    ({"lufs": -41.0}, "quiet", "closer"),
    ({"clipped": 0.002}, "clipped", "further away"),
    ({"noise_dbfs": -38.0, "spread": 12.0}, "noisy", "quiet room"),
    ({"noise_dbfs": -25.0, "spread": 1.0}, "steady", "not like speech"),
    ({"silence_before": 4.0}, "silence", "silent for 4 seconds at its beginning and 1 at its end"),
    ({"silence_after": 7.6}, "silence", "seconds at its beginning and 8 at its end"),
    ({"seconds": 12.0, "claimed": 100.0}, "incomplete", "Only 0:12 of 1:40 can be heard."),
    ({"seconds": 9.0, "claimed": 20.0, "damaged": 1}, "incomplete", "Only 0:09 of 0:20"),
    ({"claimed": 47_000.0}, "incomplete", "Only 0:20 of 13:03:20"),
    ({"claimed": None, "damaged": 40}, "damaged", "copy it again"),
    ({"rate": 8000, "codec": "amr_nb", "container": "amr"}, "telephone", "in high quality"),
    ({"expected": 47.0}, "shorter-than-text", "last 0:18; reading the text takes about 0:47. Listen to it"),
    ({"expected": 7.0}, "longer-than-text", "read once only"),
]

REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"lufs": -70.0, "peak_dbtp": -120.0}, "silent", "microphone"),
    ({"lufs": -70.0, "peak_dbtp": -51.0}, "silent", "Nothing can be heard"),
    ({"lufs": -70.0, "peak_dbtp": -120.0, "channels": 2, "cancels": True}, "cancels", "mono"),
    ({"channels": 2, "cancels": True}, "cancels", "cancel each other"),
    ({"seconds": 0.2, "claimed": None}, "short", "0.20 seconds"),
    ({"seconds": 3 * 3600 + 1.0}, "long", "3:00:01"),
    ({"seconds": 9.0, "claimed": 20.0, "damaged": 6}, "damaged", "only 0:09 can be heard"),
    ({"claimed": None, "damaged": 1001}, "damaged", "Copy it again"),
]


class TestJudge:
    @pytest.mark.parametrize("different", GOOD, ids=str)
    def test_has_nothing_to_say_of_what_is_well(self, different: dict[str, Any]) -> None:
        """A file as people usually bring it is good, and they are told nothing more."""
        assert judged(**different) == Judgement(Verdict.GOOD)

    @pytest.mark.parametrize(("different", "code", "words"), WARNED)
    def test_warns(self, different: dict[str, Any], code: str, words: str) -> None:
        """What can go on air but is not as it should be is taken, with the one thing that was noticed."""
        judgement = judged(**different)
        assert judgement.verdict is Verdict.WARNED
        assert codes(judgement) == [code]
        assert words in sentences(judgement)

    @pytest.mark.parametrize(("different", "code", "words"), REFUSED)
    def test_refuses(self, different: dict[str, Any], code: str, words: str) -> None:
        """What nobody could hear on a loudspeaker is refused, with the reason and what to do."""
        judgement = judged(**different)
        assert judgement.verdict is Verdict.REFUSED
        assert codes(judgement) == [code]
        assert words in sentences(judgement)

    def test_tells_all_at_once(self) -> None:
        """All that was noticed is told in one pass."""
        judgement = judged(lufs=-45.0, spread=10.0, rate=8000, silence_after=9.0, expected=60.0)
        assert codes(judgement) == ["quiet", "noisy", "silence", "telephone", "shorter-than-text"]

    def test_does_not_warn_of_what_it_refuses(self) -> None:
        """A silent file is not called too quiet, too steady or too short for its text as well."""
        silent = judged(lufs=-70.0, peak_dbtp=-120.0, spread=0.0, noise_dbfs=-120.0, expected=60.0)
        assert codes(silent) == ["silent"]

    def test_hears_no_words_in_silence(self) -> None:
        """The silence at its ends, which is cut, does not make a recording as long as its text."""
        empty = judged(seconds=40.0, claimed=40.0, silence_before=15.0, silence_after=16.0, expected=30.0)
        assert codes(empty) == ["silence", "shorter-than-text"]
