"""A sound server of our own: PulseAudio with a null sink for a loudspeaker, and its monitor to listen at."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from broadcaster.model.programme import SAMPLE_RATE

TOOLS = ("pulseaudio", "pactl", "pacat", "parec")


class Heard:
    """What was picked up at the loudspeaker, and when it came."""

    def __init__(self) -> None:
        self.chunks: list[tuple[float, bytes]] = []  # wall time of arrival, samples

    @property
    def sound(self) -> bytes:
        """Everything from the first to the last sample that is not silence."""
        return b"".join(chunk for _, chunk in self.chunks).strip(b"\0")

    @property
    def first(self) -> float:
        """Wall time of the first sample that is not silence."""
        for arrival, chunk in self.chunks:
            if sound := chunk.lstrip(b"\0"):
                return arrival - len(sound) / (2 * SAMPLE_RATE)
        raise AssertionError("nothing was heard")


class SoundServer:
    """PulseAudio in a folder of its own, as root or as anyone; it knows nothing of the machine's."""

    def __init__(self, folder: Path) -> None:
        address = folder / "native"
        # With rewinds an idle null sink is 2 s ahead, and its monitor hears what starts then 2 s late.
        loudspeaker = f"sink_name=loudspeaker norewinds=1 rate={SAMPLE_RATE} channels=1"
        self.environment = {
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_COOKIE": str(folder / "cookie"),
            "PULSE_SERVER": f"unix:{address}",  # a named server is never started by its clients
        }
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *("pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"),
                    f"--load=module-null-sink {loudspeaker}",
                    f"--load=module-native-protocol-unix auth-anonymous=1 socket={address}",
                ],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_up(self) -> None:
        for _ in range(100):
            if self._process.poll() is None and self._run("pactl", "info").returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError(f"no sound server after 5 s: {self._log.read_text()}")

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def die(self) -> None:
        self._process.kill()

    def stop(self) -> None:
        self._process.kill()  # it has nothing to put in order, and frozen it would not hear anything less
        self._process.wait()

    @contextmanager
    def listen(self) -> Iterator[Heard]:
        """Pick up what sounds until the block ends; its last moments too."""
        heard = Heard()
        recorder = subprocess.Popen(
            [
                *("parec", "--raw", "--format=s16le", f"--rate={SAMPLE_RATE}", "--channels=1"),
                *("--latency-msec=5", "--device=loudspeaker.monitor"),
            ],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert recorder.stdout

        def pick_up(microphone: int) -> None:
            while chunk := os.read(microphone, 1 << 16):
                heard.chunks.append((time.time(), chunk))

        ear = Thread(target=pick_up, args=[recorder.stdout.fileno()])
        ear.start()
        try:
            while not heard.chunks and recorder.poll() is None:
                time.sleep(0.01)
            yield heard
            time.sleep(0.1)
        finally:
            recorder.kill()
            recorder.wait()
            ear.join()
            recorder.stdout.close()

    def _run(self, *command: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, timeout=5, check=False
        )


@contextmanager
def running() -> Iterator[SoundServer]:
    """Give a sound server, or skip the test for want of one; BROADCASTER_REQUIRE_SOUND=1 forbids to skip."""
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        reason = f"needs PulseAudio: {', '.join(missing)} not installed"
        if os.environ.get("BROADCASTER_REQUIRE_SOUND") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(
        prefix="sound-"
    ) as folder:  # short: a socket's path holds 107 characters
        server = SoundServer(Path(folder))
        try:
            server.wait_until_up()
            yield server
        finally:
            server.stop()
