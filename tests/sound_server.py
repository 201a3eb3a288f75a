"""A sound server of our own: PulseAudio with a null sink for a loudspeaker, and its monitor to listen at."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.sink import BYTE_RATE, CardSink
from broadcaster.model.errors import Fault
from broadcaster.model.programme import SAMPLE_RATE
from tests.needs import need

TOOLS = ("pulseaudio", "pactl", "pacat", "parec")


class Heard:
    """What was picked up at the loudspeaker, and when it came."""

    def __init__(self) -> None:
        self.chunks: list[tuple[float, bytes]] = []  # wall time of arrival, samples

    @property
    def sound(self) -> bytes:
        """Everything from the first to the last sample that is not silence."""
        raw = b"".join(chunk for _, chunk in self.chunks)
        begin, end = len(raw) - len(raw.lstrip(b"\0")), len(raw.rstrip(b"\0"))
        return raw[begin - begin % 2 : end + end % 2]  # of a sample one byte may be zero

    @property
    def first(self) -> float:
        """Wall time of the first sample that is not silence."""
        return self._when(lambda chunk: len(chunk) - len(chunk.lstrip(b"\0")), self.chunks)

    @property
    def last(self) -> float:
        """Wall time of the end of the last sample that is not silence."""
        return self._when(lambda chunk: len(chunk.rstrip(b"\0")), self.chunks[::-1])

    def _when(self, place: Callable[[bytes], int], chunks: Sequence[tuple[float, bytes]]) -> float:
        """Wall time of *place* in the first of *chunks* with sound; the promptest around it tells."""
        with_sound = next((one for one in chunks if one[1].strip(b"\0")), None)
        assert with_sound, "nothing was heard"
        where, begins = 0, []
        for arrival, chunk in (one for one in self.chunks if abs(one[0] - with_sound[0]) < 0.5):
            if chunk is with_sound[1]:
                moment = where + place(chunk)
            where += len(chunk)
            begins.append(arrival - where / BYTE_RATE)
        return min(begins) + moment / BYTE_RATE


class SoundServer:
    """PulseAudio in a folder of its own, as root or as anyone; it knows nothing of the machine's."""

    def __init__(self, folder: Path) -> None:
        address = folder / "native"
        # With rewinds an idle null sink is 2 s ahead, and its monitor hears what starts then 2 s late.
        null = f"module-null-sink norewinds=1 rate={SAMPLE_RATE}"
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
                    f"--load={null} sink_name=loudspeaker channels=1",
                    f"--load={null} sink_name=two channels=2",
                    f"--load=module-native-protocol-unix auth-anonymous=1 socket={address}",
                ],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # as a service it has its own share of the cores, whoever is busy
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
    def listen(self, sink: str = "loudspeaker", channels: int = 1) -> Iterator[Heard]:
        """Pick up what sounds until the block ends; its last moments too."""
        heard = Heard()
        recorder = subprocess.Popen(
            [
                *("parec", "--raw", "--format=s16le", f"--rate={SAMPLE_RATE}"),
                *(f"--channels={channels}", "--latency-msec=5", f"--device={sink}.monitor"),
            ],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        assert recorder.stdout
        with suppress(OSError):  # only root may
            os.setpriority(os.PRIO_PROCESS, recorder.pid, -11)  # it is to measure, not to be measured

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
    need(*TOOLS)
    with tempfile.TemporaryDirectory(
        prefix="sound-"
    ) as folder:  # short: a socket's path holds 107 characters
        server = SoundServer(Path(folder))
        try:
            server.wait_until_up()
            yield server
        finally:
            server.stop()


class Counting:
    """A source whose samples count on and on, none of them silence: what is lost on the way shows."""

    PERIOD = 32_000
    fault: Fault | None = None

    def __init__(self, seconds: float) -> None:
        self._left = round(seconds * SAMPLE_RATE)
        self._next = 0

    def read(self) -> bytes | None:
        count = min(self._left, SAMPLE_RATE // 4)
        block = array("h", (1 + (self._next + i) % self.PERIOD for i in range(count)))
        self._left -= count
        self._next += count
        return block.tobytes() if count else None

    def close(self) -> None:
        """Nothing is open."""

    @classmethod
    def breaks(cls, heard: Heard) -> Iterator[tuple[float, float]]:
        """Where the sound does not go on as it was played: seconds from its beginning, seconds of silence."""
        samples = array("h", heard.sound)
        last, place = samples[0], 0
        for here, sample in enumerate(samples):
            if sample:
                if here and (here > place + 1 or sample != last % cls.PERIOD + 1):
                    yield here / SAMPLE_RATE, (here - place - 1) / SAMPLE_RATE
                last, place = sample, here


def dropouts(server: SoundServer, seconds: float) -> list[tuple[float, float]]:
    """Play for *seconds*; give the drop-outs: when, in seconds from the beginning, and how long."""
    clock = SystemClock()
    with server.listen() as heard:
        played = CardSink("default", clock).play(
            Counting(seconds), clock.now(), Event(), lambda _seconds: None
        )
    assert played.fault is None, played.fault
    return list(Counting.breaks(heard))


def lateness(
    server: SoundServer, play: Callable[[datetime], object], starts: int, ahead: float = 1.2
) -> list[float]:
    """
    Let *play* start so many times; give the seconds by which each first sample was late (or early).

    It is called *ahead* of the time, so that a player can be started and connected by then.
    """
    late = []
    for _ in range(starts):
        with server.listen() as heard:
            at = datetime.now(UTC) + timedelta(seconds=ahead)
            play(at)
        late.append(heard.first - at.timestamp())
    return late


@contextmanager
def busy(cores: int | None = None) -> Iterator[None]:
    """Have nothing left of the machine: one endless loop a core."""
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(cores or os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
