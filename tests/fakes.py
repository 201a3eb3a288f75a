"""What stands in for the world in tests. It lives here once, and passes the same tests as the real thing."""

import math
import wave
from array import array
from io import BytesIO
from pathlib import Path

from broadcaster.edges.voice import VoiceError, admit, save
from broadcaster.model.errors import Fault, say
from broadcaster.model.spoken import spoken


class FakeVoice:
    """A voice that hums: one tone, a twentieth of a second for each character."""

    RATE = 16_000  # samples per second

    def __init__(
        self, name: str = "fake", *, fails: bool = False, languages: tuple[str, ...] = ("vi",)
    ) -> None:
        self.name = name
        self.languages = frozenset(languages)
        self.fails = fails
        self.asked: list[tuple[str, str, Path]] = []

    def speak(self, text: str, language: str, to: Path) -> str:
        self.asked.append((text, language, to))
        admit(self, text, language)
        if self.fails:
            raise VoiceError(Fault(self.name, say("The voice was told to fail."), say("Tell it not to.")))
        save(to, self._tone(len(spoken(text)) / 20))
        return self.name

    def _tone(self, seconds: float) -> bytes:
        step = 2 * math.pi * 440 / self.RATE
        samples = array("h", (round(8_000 * math.sin(step * i)) for i in range(round(seconds * self.RATE))))
        audio = BytesIO()
        with wave.open(audio, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(self.RATE)
            file.writeframes(samples.tobytes())
        return audio.getvalue()
