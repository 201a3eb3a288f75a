"""
SEAM: speech. Text, written out as it is spoken, becomes an audio file.

The only place that knows gTTS and espeak-ng. A package may bring a voice of its own, as an entry point of
the group `broadcaster.voices` that gives a Voice when it is called.
"""

import ctypes
import os
import wave
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from io import BytesIO
from itertools import chain
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, Protocol

from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say
from broadcaster.model.script import called, language_fault

VIETNAMESE = frozenset({"vi"})
PLUGGED = "broadcaster.voices"  # the group of entry points


class Voice(Protocol):
    """Speech synthesis."""

    name: str
    languages: frozenset[str]  # as language tags: "vi"

    def speak(self, text: str, language: str, to: Path) -> str:
        """
        Read *text* aloud into the file *to* and return the name of the voice that did.

        *to* is there whole or, after an error, as it was before. What container it holds is the voice's own
        choice, whatever the ending of *to* says.
        """


class VoiceError(BroadcasterError):
    """The voice itself failed; another one may do, with the same text and the same file."""


class GoogleVoice:
    """gTTS: the natural voice, for a station that has the Internet. Its audio is MP3."""

    name = "gtts"
    languages = VIETNAMESE

    def __init__(self, timeout: float = 10) -> None:
        """Wait at most *timeout* seconds for each part; gTTS cuts a text into parts of 100 characters."""
        self._timeout = timeout

    def speak(self, text: str, language: str, to: Path) -> str:
        admit(self, text, language)
        save(to, self._fetch(text))
        return self.name

    def _fetch(self, words: str) -> bytes:
        from gtts import gTTS, gTTSError

        _check_certificates()
        request = gTTS(words, lang="vi", lang_check=False, timeout=self._timeout)
        try:
            parts = list(_in_time(request.stream(), self._timeout))
        except (TimeoutError, gTTSError) as error:
            answer = getattr(error, "rsp", None)
            if answer is None:
                what = say(
                    "Google cannot be reached, or did not answer within {seconds} s.", seconds=self._timeout
                )
            elif answer.ok:
                what = say("Google answered without audio, or with only a part of it.")
            else:
                what = say(
                    "Google refused: {status} {reason}.", status=answer.status_code, reason=answer.reason
                )
            raise self._failed(what) from error
        except Exception as error:  # gTTS lets the errors of its parsing through
            raise self._failed(
                say("Google's answer cannot be understood: {reason}.", reason=str(error))
            ) from error
        if len(parts) < len(request.get_bodies()) or not all(parts):  # gTTS passes over a login page, for one
            raise self._failed(say("Google answered without audio, or with only a part of it."))
        return b"".join(parts)

    def _failed(self, what: Text) -> VoiceError:
        remedy = say("Check the Internet connection and try later; espeak-ng and recordings do without it.")
        return VoiceError(Fault(self.name, what, remedy))


@cache
def _check_certificates() -> None:
    """Undo what gTTS switches off: else whoever stands on the way could put words on our loudspeakers."""
    from gtts import tts

    class Session(tts.requests.Session):  # type: ignore[misc]
        def send(self, request: Any, **settings: Any) -> Any:
            return super().send(request, **settings | {"verify": True})

    tts.requests.Session = Session


class EspeakVoice:
    """
    espeak-ng: a plain but clear voice that needs no network. Its audio is WAV, 16 bits, mono.

    140 of its words a minute are 200 Vietnamese syllables, about three a second. Volume 70 keeps
    clear of its own limiter, which is at work from 90.
    """

    name = "espeak-ng"
    languages = VIETNAMESE

    def __init__(self, words_a_minute: int = 140, volume: int = 70) -> None:
        self._words_a_minute = words_a_minute
        self._volume = volume

    def speak(self, text: str, language: str, to: Path) -> str:
        admit(self, text, language)
        try:
            audio = _ESPEAK_THREAD.submit(self._read, text).result()
        except (ImportError, OSError, RuntimeError) as error:
            what = say("The offline voice does not work: {reason}.", reason=str(error))
            remedy = say("Install broadcaster again, in a folder whose path is shorter than 90 characters.")
            raise VoiceError(Fault(self.name, what, remedy)) from error
        save(to, audio)
        return self.name

    def _read(self, words: str) -> bytes:
        library, samples_a_second = _espeak()
        samples = bytearray()

        def collect(block: int | None, count: int, _events: int | None) -> int:
            if block:
                samples.extend(ctypes.string_at(block, 2 * count))
            return 0

        callback = _CALLBACK(collect)
        library.espeak_SetParameter(_RATE, self._words_a_minute, 0)
        library.espeak_SetParameter(_VOLUME, self._volume, 0)
        library.espeak_SetSynthCallback(callback)
        text = words.encode()
        status = library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 0, 0, _UTF8, None, None)
        if status or not samples:
            raise OSError(f"espeak_Synth: {status}")

        audio = BytesIO()
        with wave.open(audio, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(samples_a_second)
            file.writeframes(samples)
        return audio.getvalue()


class PluggedVoice:
    """A voice that a package brought. Whatever it raises becomes words: it must not stop the others."""

    def __init__(self, voice: Voice) -> None:
        self.name, self.languages = str(voice.name), frozenset(voice.languages)
        self._voice = voice
        faults = [language_fault(self.name, tag) for tag in sorted(self.languages)]
        if any(faults):
            raise VoiceError(*filter(None, faults))

    def speak(self, text: str, language: str, to: Path) -> str:
        admit(self, text, language)
        try:
            self._voice.speak(text, language, to)
        except BroadcasterError:
            raise
        except Exception as error:
            raise _broken(self.name, error) from error
        return self.name


def _broken(name: str, error: Exception) -> VoiceError:
    what = say("The voice does not work: {reason}.", reason=f"{type(error).__name__}: {error}")
    return VoiceError(Fault(name, what, say("Ask whoever made it, or take its package away.")))


def voices(timeout: float = 10) -> tuple[list[Voice], list[Fault]]:
    """The voices of this machine, those that packages brought first, and what is wrong with such packages."""
    found: list[Voice] = []
    faults: list[Fault] = []
    for entry in entry_points(group=PLUGGED):
        try:
            found.append(PluggedVoice(entry.load()()))
        except BroadcasterError as error:
            faults += error.faults
        except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything; it is told
            faults += _broken(entry.name, error).faults
    return [*found, GoogleVoice(timeout), EspeakVoice()], faults


class FallbackVoice:
    """
    The first of *voices* that works.

    One that failed is not asked again by this object: the network is probably away, and every further text
    would wait for it.
    """

    def __init__(self, voices: Sequence[Voice]) -> None:
        self.name = ", ".join(voice.name for voice in voices)
        self.languages = frozenset(chain.from_iterable(voice.languages for voice in voices))
        self._voices = tuple(voices)
        self._failed: dict[Voice, VoiceError] = {}

    def speak(self, text: str, language: str, to: Path) -> str:
        admit(self, text, language)
        able = [voice for voice in self._voices if language in voice.languages]
        for voice in able:
            if voice not in self._failed:
                try:
                    return voice.speak(text, language, to)
                except VoiceError as failure:
                    self._failed[voice] = failure
        raise VoiceError(*chain.from_iterable(self._failed[voice].faults for voice in able))


def admit(voice: Voice, text: str, language: str) -> None:
    """Refuse, before any work, what *voice* cannot read aloud."""
    if language not in voice.languages:
        raise BroadcasterError(Fault(voice.name, *_why_not(language, voice.languages)))
    if not any(map(str.isalnum, text)):
        what = say("There is nothing to read aloud: the text holds no letter and no digit.")
        raise BroadcasterError(Fault(voice.name, what, say("Write the text of the item, or record it.")))


def _why_not(language: str, languages: frozenset[str]) -> tuple[Text, Text]:
    if language.lower().partition("-")[0] == "th":
        return (
            say("“{tag}” is the language of Thailand, not the Thái of Vietnam.", tag=language),
            say("Write blt-Latn-VN (Tai Dam) or twh-Latn-VN (Tai Dón)."),
        )
    return (
        say(
            "The voice speaks {languages}, not {language}; no engine speaks Mông or the Thái of Vietnam.",
            languages=", ".join(sorted(languages)),
            language=called(language),
        ),
        say("Have a person record it, and put the file under recordings/<language>/."),
    )


def save(to: Path, audio: bytes) -> None:
    """Put *audio* into the file *to*, whole or not at all."""
    part = to.with_name(f"{to.name}.{os.urandom(4).hex()}.part")
    try:
        with part.open("xb") as file:
            file.write(audio)
            file.flush()
            os.fsync(file.fileno())
        part.replace(to)
    except OSError as error:
        what = say("The spoken text could not be written: {reason}.", reason=said(error))
        remedy = say("Check that the folder is there and may be written to, and that the disk is not full.")
        raise BroadcasterError(Fault(str(to), what, remedy)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _in_time(parts: Iterator[bytes], seconds: float) -> Iterator[bytes]:
    """
    Pass on *parts*, and raise TimeoutError when one takes longer than *seconds*.

    They are made in a thread that can be left behind: gTTS' own timeout covers neither the search for
    Google's address nor an answer that comes byte by byte.
    """
    made = SimpleQueue[bytes | Exception | None]()
    left = Event()

    def make() -> None:
        try:
            for part in parts:
                made.put(part)
                if left.is_set():
                    return
            made.put(None)
        except Exception as error:  # noqa: BLE001 - raised again below
            made.put(error)

    Thread(target=make, daemon=True).start()
    try:
        while (part := made.get(timeout=seconds)) is not None:
            if isinstance(part, Exception):
                raise part
            yield part
    except Empty:
        raise TimeoutError from None
    finally:
        left.set()


# espeak-ng keeps one state for the whole process, so one thread does all its work. That also keeps Ctrl-C,
# which Python raises in the main thread only, out of the C library's callback, where it would be lost.
_ESPEAK_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="espeak-ng")
_SYNCHRONOUS, _DONT_EXIT, _UTF8, _RATE, _VOLUME = 2, 0x8000, 1, 1, 2  # from its speak_lib.h
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@cache
def _espeak() -> tuple[ctypes.CDLL, int]:
    """Start espeak-ng with its Vietnamese voice; return it and its samples per second."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    data = espeakng_loader.get_data_path()
    samples_a_second = library.espeak_Initialize(_SYNCHRONOUS, 200, os.fsencode(data), _DONT_EXIT)
    if samples_a_second <= 0 or library.espeak_SetVoiceByName(b"vi"):
        raise OSError(f"espeak_Initialize: {samples_a_second}, {data}")
    return library, samples_a_second
