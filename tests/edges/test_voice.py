"""The real voices and the fake one keep the same promises; each real one its own besides."""

import base64
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Event, Thread
from types import FrameType
from typing import Any
from urllib.parse import parse_qs

import av
import numpy as np
import pytest

from broadcaster.edges.voice import (
    EspeakVoice,
    FallbackVoice,
    GoogleVoice,
    PluggedVoice,
    Voice,
    VoiceError,
    admit,
    voices,
)
from broadcaster.model.errors import BroadcasterError
from tests.fakes import FakeVoice

SHORT = "Bà con chú ý."
LONG = "Bà con chú ý: bảo hiểm xã hội tự nguyện giúp bà con có lương hưu khi về già."
VERY_LONG = f"{LONG} Nhà nước hỗ trợ ba mươi phần trăm mức đóng cho hộ nghèo, hai mươi lăm cho hộ cận nghèo."


def mp3(seconds: float) -> bytes:
    """A tone as Google sends its parts: nothing but frames, so that one part can follow another."""
    file = BytesIO()
    with av.open(file, "w", format="mp3", options={"write_xing": "0", "id3v2_version": "0"}) as container:
        stream = container.add_stream("mp3", rate=24_000, layout="mono")
        tone = np.sin(np.arange(round(seconds * 24_000)) / 10) * 8_000
        frame = av.AudioFrame.from_ndarray(tone.astype(np.int16)[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = 24_000
        for source in (frame, None):
            for packet in stream.encode(source):
                container.mux(packet)
    return file.getvalue()


def seconds_in(file: Path) -> float:
    with av.open(file) as container:
        stream = container.streams.audio[0]
        return sum(frame.samples / frame.sample_rate for frame in container.decode(stream))


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


class StandIn(ThreadingHTTPServer):
    """Answers as Google does, or as *mood* says; `heard` holds what it was asked to read."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.mood: Callable[[Answer, str], None] = Answer.well
        self.heard: list[str] = []
        self.over = Event()


class Answer(BaseHTTPRequestHandler):
    server: StandIn

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        text, language, *_ = json.loads(json.loads(parse_qs(body)["f.req"][0])[0][0][1])
        assert language == "vi"
        self.server.heard.append(text)
        self.server.mood(self, text)

    def send(self, body: bytes, status: int = 200, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def result(self, payload: str | None) -> bytes:
        return (
            b")]}'\n\n" + json.dumps([["wrb.fr", "jQ1olc", payload]], separators=(",", ":")).encode() + b"\n"
        )

    def audio(self, text: str) -> bytes:
        return self.result(json.dumps([base64.b64encode(mp3(len(text) / 20)).decode()]))

    def well(self, text: str) -> None:
        self.send(self.audio(text))

    def never(self, _text: str) -> None:
        self.server.over.wait()

    def byte_by_byte(self, text: str) -> None:
        self.send(b"", length=len(self.audio(text)))
        while not self.server.over.wait(0.1):
            self.wfile.write(b")")

    def half(self, text: str) -> None:
        whole = self.audio(text)
        self.send(whole[: len(whole) // 2], length=len(whole))

    def half_of_unknown_length(self, text: str) -> None:
        whole = self.audio(text)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(whole[: len(whole) // 2])

    def no_audio(self, _text: str) -> None:
        self.send(self.result(None))

    def empty_audio(self, _text: str) -> None:
        self.send(self.result('[""]'))

    def login_page(self, _text: str) -> None:
        self.send(b"<html>Wi-Fi: please log in</html>")

    def garbage(self, _text: str) -> None:
        self.send(b"\xff\xfe\n")

    def too_many(self, _text: str) -> None:
        self.send(b"", status=429)

    def broken(self, _text: str) -> None:
        self.send(b"", status=500)

    def first_part_only(self, text: str) -> None:
        (self.well if len(self.server.heard) == 1 else self.login_page)(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with StandIn() as server:
        address = f"http://127.0.0.1:{server.server_port}/"
        monkeypatch.setattr("gtts.tts._translate_url", lambda tld="com", path="": f"{address}{tld}/{path}")
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


@pytest.fixture(params=["gtts", "espeak-ng", "fake", "fallback"])
def voice(request: pytest.FixtureRequest) -> Voice:
    if request.param == "gtts":
        request.getfixturevalue("google")
        return GoogleVoice(timeout=5)
    if request.param == "espeak-ng":
        return EspeakVoice()
    return FakeVoice() if request.param == "fake" else FallbackVoice([FakeVoice()])


# What every voice promises.


def test_a_voice_writes_a_file_that_can_be_decoded(voice: Voice, tmp_path: Path) -> None:
    """A spoken text is one file that holds sound, and the voice that spoke is named."""
    name = voice.speak(SHORT, "vi", tmp_path / "a.audio")

    assert name == voice.name
    assert seconds_in(tmp_path / "a.audio") > 0.5
    assert names(tmp_path) == ["a.audio"]


def test_longer_text_gives_longer_audio(voice: Voice, tmp_path: Path) -> None:
    """The more words, the longer the audio, also when gTTS asks for it in parts."""
    for name, text in (("a", SHORT), ("b", LONG), ("c", VERY_LONG)):
        voice.speak(text, "vi", tmp_path / name)

    short, long, very_long = (seconds_in(tmp_path / name) for name in "abc")
    assert 2 * short < long
    assert 1.8 * long < very_long


def test_a_voice_speaks_over_an_older_file(voice: Voice, tmp_path: Path) -> None:
    """A file that is already there is replaced in one step; who is reading it reads it to its end."""
    (tmp_path / "a").write_text("old")

    with (tmp_path / "a").open() as reader:
        voice.speak(SHORT, "vi", tmp_path / "a")
        assert reader.read() == "old"

    assert seconds_in(tmp_path / "a") > 0.5


@pytest.mark.parametrize(
    ("language", "reasons"),
    [
        ("hmn-Latn-VN", ["not Mông", "no engine speaks Mông", "have a person record it"]),
        ("blt-Latn-VN", ["not Thái (Tai Dam)", "the Thái of Vietnam", "have a person record it"]),
        ("en", ["speaks vi, not en", "have a person record it"]),
        ("th", ["the language of Thailand", "blt-Latn-VN", "twh-Latn-VN"]),
        ("th-Thai-TH", ["the language of Thailand", "blt-Latn-VN", "twh-Latn-VN"]),
    ],
)
def test_another_language_is_refused_with_the_reason(
    voice: Voice, tmp_path: Path, language: str, reasons: list[str]
) -> None:
    """Only Vietnamese is spoken; what else is asked for is refused before any work, with the way out."""
    with pytest.raises(BroadcasterError) as refusal:
        voice.speak(SHORT, language, tmp_path / "a")

    assert not isinstance(refusal.value, VoiceError)
    assert [reason for reason in reasons if reason.lower() not in str(refusal.value).lower()] == []
    assert names(tmp_path) == []


@pytest.mark.parametrize("text", ["", " \n", "…", "—!"])
def test_a_text_without_words_is_refused(voice: Voice, tmp_path: Path, text: str) -> None:
    """Nothing to read aloud is a fault, not a silent file."""
    with pytest.raises(BroadcasterError, match="nothing to read aloud"):
        voice.speak(text, "vi", tmp_path / "a")

    assert names(tmp_path) == []


def test_a_full_disk_leaves_the_older_file_and_no_scraps(
    voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When writing fails, the older file stays whole, nothing lies beside it, and no voice is blamed."""
    (tmp_path / "a").write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(BroadcasterError, match="the disk is full") as failure:
            voice.speak(SHORT, "vi", tmp_path / "a")

    assert not isinstance(failure.value, VoiceError)
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"
    assert voice.speak(SHORT, "vi", tmp_path / "a") == voice.name


def test_a_folder_that_is_not_there_is_a_fault(voice: Voice, tmp_path: Path) -> None:
    """A voice makes no folders."""
    with pytest.raises(BroadcasterError, match="could not be written"):
        voice.speak(SHORT, "vi", tmp_path / "none" / "a")


# gTTS.


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        (Answer.never, "did not answer within 0.5 s"),
        (Answer.byte_by_byte, "did not answer within 0.5 s"),
        (Answer.half, "cannot be reached"),
        (Answer.half_of_unknown_length, "without audio"),
        (Answer.no_audio, "without audio"),
        (Answer.empty_audio, "without audio"),
        (Answer.login_page, "without audio"),
        (Answer.first_part_only, "without audio"),
        (Answer.garbage, "cannot be understood"),
        (Answer.too_many, "refused: 429 Too Many Requests"),
        (Answer.broken, "refused: 500 Internal Server Error"),
    ],
)
def test_a_failing_google_is_a_fault_in_time(
    google: StandIn, tmp_path: Path, mood: Callable[[Answer, str], None], reason: str
) -> None:
    """However Google fails, the error comes within the timeout, says what happened, and leaves no file."""
    google.mood = mood
    start = time.monotonic()

    with pytest.raises(VoiceError, match=reason) as failure:
        GoogleVoice(timeout=0.5).speak(VERY_LONG, "vi", tmp_path / "a")

    assert time.monotonic() - start < 2
    assert failure.value.faults[0].where == "gtts"
    assert "Internet" in str(failure.value.faults[0].next)
    assert names(tmp_path) == []


@pytest.mark.usefixtures("google")
def test_google_must_show_its_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody on the way can put words on a loudspeaker: certificates are checked, though gTTS says not to."""
    from requests.adapters import HTTPAdapter

    asked: list[object] = []
    real = HTTPAdapter.send

    def send(self: HTTPAdapter, request: Any, **settings: Any) -> Any:
        asked.append(settings["verify"])
        return real(self, request, **settings)

    monkeypatch.setattr(HTTPAdapter, "send", send)
    GoogleVoice().speak("Xin chào", "vi", tmp_path / "spoken")
    assert asked == [True]


def test_no_network_is_a_fault(google: StandIn, tmp_path: Path) -> None:
    """A refused connection is told as such."""
    google.shutdown()
    google.server_close()

    with pytest.raises(VoiceError, match="cannot be reached"):
        GoogleVoice(timeout=0.5).speak(SHORT, "vi", tmp_path / "a")


def test_google_reads_what_it_is_given(google: StandIn, tmp_path: Path) -> None:
    """Words reach Google as they are: writing them out is the model's, and was done before."""
    GoogleVoice().speak("BHXH: 1900 9068", "vi", tmp_path / "a")

    assert google.heard == ["BHXH: 1900 9068"]


# espeak-ng.


def test_espeak_speaks_at_the_pace_of_an_announcer(tmp_path: Path) -> None:
    """Outdoors about three syllables a second are understood."""
    EspeakVoice().speak(VERY_LONG, "vi", tmp_path / "a")

    assert 2.8 < len(VERY_LONG.split()) / seconds_in(tmp_path / "a") < 3.6


def test_espeak_does_not_clip(tmp_path: Path) -> None:
    """Its loudest sample stays 1 dB below full scale, where its own limiter is idle."""
    EspeakVoice().speak(VERY_LONG, "vi", tmp_path / "a")

    with av.open(tmp_path / "a") as container:
        loudest = max(np.abs(frame.to_ndarray()).max() for frame in container.decode(audio=0))
    assert 10_000 < loudest < 29_200


def test_ctrl_c_while_espeak_speaks_stops_at_once(tmp_path: Path) -> None:
    """An interrupt is not lost in the C library, and leaves no file and a voice that still works."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            EspeakVoice().speak(LONG * 50, "vi", tmp_path / "a")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    assert names(tmp_path) == []
    EspeakVoice().speak(SHORT, "vi", tmp_path / "b")
    assert 0.5 < seconds_in(tmp_path / "b") < 3


@pytest.mark.parametrize("function", ["get_library_path", "get_data_path"])
def test_espeak_that_cannot_start_is_a_fault(tmp_path: Path, function: str) -> None:
    """Without its library or its data the offline voice says so, each time, and writes nothing."""
    child = f"""if True:
        import pathlib, espeakng_loader
        from broadcaster.edges.voice import EspeakVoice, VoiceError
        espeakng_loader.{function} = lambda: "/nowhere"
        for _ in range(2):
            try:
                EspeakVoice().speak("Bà con chú ý.", "vi", pathlib.Path("a"))
            except VoiceError as error:
                print(error)
    """

    run = subprocess.run(
        [sys.executable, "-c", child], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    assert run.stdout.count("The offline voice does not work") == 2
    assert run.stdout.count("/nowhere") == 2
    assert names(tmp_path) == []


# One voice after another.


def test_the_next_voice_speaks_when_one_fails(tmp_path: Path) -> None:
    """The first voice that works speaks, and is named."""
    voice = FallbackVoice([FakeVoice("one", fails=True), FakeVoice("two"), FakeVoice("three")])

    assert voice.speak(SHORT, "vi", tmp_path / "a") == "two"


def test_a_voice_that_failed_is_not_asked_again(tmp_path: Path) -> None:
    """The second text does not wait for the voice that failed with the first."""
    one = FakeVoice("one", fails=True)
    voice = FallbackVoice([one, FakeVoice("two")])
    voice.speak(SHORT, "vi", tmp_path / "a")
    one.fails = False

    assert voice.speak(LONG, "vi", tmp_path / "b") == "two"
    assert len(one.asked) == 1


def test_when_all_voices_fail_every_fault_is_told(tmp_path: Path) -> None:
    """The error holds a fault for each voice, also for those that failed earlier."""
    voice = FallbackVoice([FakeVoice("one", fails=True), FakeVoice("two", fails=True)])

    for _ in range(2):
        with pytest.raises(VoiceError) as failure:
            voice.speak(SHORT, "vi", tmp_path / "a")
        assert [fault.where for fault in failure.value.faults] == ["one", "two"]


def test_a_voice_is_asked_only_for_its_own_languages(tmp_path: Path) -> None:
    """Should an engine for another language appear, each text goes to a voice that speaks it."""
    other = FakeVoice("other", languages=("blt-Latn-VN",))
    voice = FallbackVoice([other, FakeVoice("one")])

    assert voice.speak(SHORT, "vi", tmp_path / "a") == "one"
    assert voice.speak(SHORT, "blt-Latn-VN", tmp_path / "a") == "other"
    assert len(other.asked) == 1


def test_the_real_voices_in_the_order_of_a_station_without_network(google: StandIn, tmp_path: Path) -> None:
    """Where Google refuses, espeak-ng speaks."""
    google.mood = Answer.too_many

    assert FallbackVoice([GoogleVoice(), EspeakVoice()]).speak(SHORT, "vi", tmp_path / "a") == "espeak-ng"


def test_admission_is_open_to_every_voice() -> None:
    """A voice of another language admits that language and refuses Vietnamese."""
    voice = FakeVoice(languages=("blt-Latn-VN",))

    admit(voice, SHORT, "blt-Latn-VN")
    with pytest.raises(BroadcasterError, match="speaks blt-Latn-VN, not Vietnamese"):
        admit(voice, SHORT, "vi")


# Voices that packages bring.

PACKAGE = """
class Loa:
    name = "loa"
    languages = {languages}

    def speak(self, text, language, to):
        {does}
        return self.name
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Puts a package with a voice where Python finds it."""
    monkeypatch.syspath_prepend(tmp_path / "site")

    def put(languages: str = '("blt-Latn-VN",)', does: str = "to.write_bytes(b'sound')") -> None:
        about = tmp_path / "site" / "loa_voice-1.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: loa-voice\nVersion: 1\n")
        (about / "entry_points.txt").write_text("[broadcaster.voices]\nloa = loa_voice:Loa\n")
        (tmp_path / "site" / "loa_voice.py").write_text(PACKAGE.format(languages=languages, does=does))

    yield put
    sys.modules.pop("loa_voice", None)


def test_without_packages_the_voices_are_google_and_espeak() -> None:
    """Google comes first, because people understand it best."""
    found, faults = voices()

    assert [voice.name for voice in found] == ["gtts", "espeak-ng"]
    assert not faults


def test_a_package_brings_a_voice(install: Callable[..., None], tmp_path: Path) -> None:
    """It stands before ours, speaks the language that it names, and none besides."""
    install()
    found, faults = voices()
    voice = FallbackVoice(found)

    assert not faults
    assert [one.name for one in found] == ["loa", "gtts", "espeak-ng"]
    assert voice.speak("khăm", "blt-Latn-VN", tmp_path / "a") == "loa"
    assert (tmp_path / "a").read_bytes() == b"sound"
    with pytest.raises(BroadcasterError, match="speaks blt-Latn-VN"):
        found[0].speak(SHORT, "vi", tmp_path / "b")


def test_a_package_cannot_bring_the_language_of_thailand(install: Callable[..., None]) -> None:
    """A voice that claims `th` is told and left out; ours stay."""
    install(languages='("th",)')
    found, (fault,) = voices()

    assert [one.name for one in found] == ["gtts", "espeak-ng"]
    assert "language of Thailand" in str(fault)


@pytest.mark.parametrize("languages", ["1 / 0", "()()"])
def test_a_package_that_does_not_load_is_told(install: Callable[..., None], languages: str) -> None:
    """What it raises becomes words, and the other voices stay."""
    install(languages=languages)
    found, (fault,) = voices()

    assert [one.name for one in found] == ["gtts", "espeak-ng"]
    assert "The voice does not work" in str(fault)


def test_where_a_packages_voice_fails_the_next_speaks(install: Callable[..., None], tmp_path: Path) -> None:
    """Whatever it raises while it speaks, the text is still read."""
    install(languages='("vi",)', does='raise ZeroDivisionError("gone")')
    found, _ = voices()

    assert isinstance(found[0], PluggedVoice)
    with pytest.raises(VoiceError, match="gone"):
        found[0].speak(SHORT, "vi", tmp_path / "a")
    assert FallbackVoice([found[0], EspeakVoice()]).speak(SHORT, "vi", tmp_path / "a") == "espeak-ng"
