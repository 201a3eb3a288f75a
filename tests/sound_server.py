"""A sound server of our own: PulseAudio with one loudspeaker that is a null sink, and its monitor to listen at."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

from broadcaster.model.programme import SAMPLE_RATE

TOOLS = ("pulseaudio", "pactl", "pacat", "parec")
FORMAT = ("--raw", f"--rate={SAMPLE_RATE}", "--channels=1", "--format=s16le")


@dataclass
class Heard:
    """What a microphone in front of the loudspeaker took down, and when."""

    chunks: list[tuple[float, bytes]] = field(default_factory=list)  # wall time of arrival, samples

    @property
    def sound(self) -> bytes:
        """Everything between the first and the last sample that is not silence."""
        samples = memoryview(b"".join(chunk for _, chunk in self.chunks)).cast("h").tolist()
        loud = [place for place, sample in enumerate(samples) if sample]
        return b"".join(s.to_bytes(2, "little", signed=True) for s in samples[loud[0] : loud[-1] + 1]) if loud else b""
