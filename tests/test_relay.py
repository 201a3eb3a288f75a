"""What is passed on is heard, and whatever becomes of its source, something is heard within three seconds."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import groupby
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.decode import Samples, k_weighting
from broadcaster.edges.sink import Source
from broadcaster.levels import lufs, power
from broadcaster.relay import BLOCK, CEILING, HELD, LEAD, SILENCE, SOUND, TROUBLE, Leveller, Relay, paced
from tests import radio, sound_server
from tests.children import ROOT
from tests.fakes import FakeClock
from tests.sounds import blocks, noise, silence, speech, tone

TENTH = 3200  # samples


def frame(samples: Samples) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


STREAM, LOCAL, NOTHING = frame(tone(1000, 0.1)), frame(tone(400, 0.1)), bytes(BLOCK)


class Local:
    """A local programme of *count* tenths of a second."""

    def __init__(self, count: int = 10) -> None:
        self.fault, self.count, self.closed = None, count, False

    def read(self) -> bytes | None:
        self.count -= 1
        return LOCAL if self.count >= 0 else None

    def close(self) -> None:
        self.closed = True


class Fed(Relay):
    """A relay whose child is the test."""

    def __init__(
        self, seconds: float = 3600, instead: Callable[[float], Source | None] | None = None
    ) -> None:
        self.clock = FakeClock()
        self.asked: list[Local] = []
        super().__init__("http://radio.vn/live", seconds, instead or self.local, self.clock)

    def local(self, skip: float) -> Source:
        assert skip == 0
        self.asked.append(Local())
        return self.asked[-1]

    def _fetch(self) -> None:
        """Nobody is there."""

    def feed(self, block: bytes, count: int = 1) -> None:
        for _ in range(count):
            self._take((SILENCE if block is NOTHING else SOUND) + block)

    def heard(self, seconds: float, fed: bytes | None = None) -> str:
        """What it hands out while as much of *fed* comes in: see `looks`."""
        got = b""
        for _ in range(round(seconds * 10)):
            if fed is not None:
                self.feed(fed)
            got += self.read() or b""
            self.clock.advance(0.1)
        return looks(got)


def looks(heard: bytes) -> str:
    """A letter for each tenth of a second: S the stream, L the local programme, a dot for silence."""
    found = ""
    for at in range(0, len(heard), BLOCK):
        samples = np.frombuffer(heard[at : at + BLOCK], "<i2") / 2**15
        pitch = int(np.argmax(np.abs(np.fft.rfft(samples)))) * 10
        found += "." if np.abs(samples).max() < 0.003 else "S" if pitch > 700 else "L"
    return found


def told(heard: str) -> list[tuple[str, float]]:
    """The same in stretches, each with its seconds."""
    return [(letter, len(list(some)) / 10) for letter, some in groupby(heard)]


class TestRelay:
    def test_passes_on(self) -> None:
        """It hands out what came, in order and without a change, and ends on the sample."""
        relay = Fed(seconds=1.25)
        for level in range(13):
            relay._take(SOUND + bytes([level]) * BLOCK)
        got = [relay.read() for _ in range(14)]
        assert got[:12] == [bytes([level]) * BLOCK for level in range(12)]
        assert got[12] == bytes([12]) * (BLOCK // 2)
        assert got[13] is None
        assert relay.relayed == pytest.approx(1.3, abs=0.06)

    def test_nothing_comes(self) -> None:
        """A stream of which nothing comes is replaced after two seconds, by a programme that is repeated."""
        relay = Fed()
        assert relay.read() == b""
        assert told(relay.heard(6)) == [("L", 4.0)]
        assert len(relay.asked) == 4
        assert all(one.closed for one in relay.asked[:-1])
        assert (relay.relayed, relay.replaced) == (0, pytest.approx(4.0))

    def test_opened_ahead(self) -> None:
        """One that was opened ahead, and of which nothing came, is replaced at once."""
        relay = Fed()
        relay.clock.advance(8)
        assert told(relay.heard(1)) == [("L", 1.0)]

    def test_dies(self) -> None:
        """When it breaks off, what it sent is played, and the local programme follows within two seconds."""
        relay = Fed()
        relay.feed(STREAM, 20)
        assert told(relay.heard(3, STREAM) + relay.heard(4)) == [("S", 5.0), ("L", 2.0)]
        relay = Fed()
        assert told(relay.heard(3, STREAM) + relay.heard(5)) == [("S", 3.0), (".", 1.9), ("L", 3.1)]

    def test_falls_silent(self) -> None:
        """Silence is replaced within three seconds, and a pause of a speaker is not."""
        relay = Fed()
        heard = relay.heard(3, STREAM) + relay.heard(1.5, NOTHING) + relay.heard(1, STREAM)
        heard += relay.heard(4, NOTHING)
        assert told(heard) == [("S", 3.0), (".", 1.5), ("S", 1.0), (".", 1.9), ("L", 2.1)]

    def test_comes_back(self) -> None:
        """A stream that sounds again for a second is taken up, and each change-over is soft."""
        relay = Fed()
        relay.heard(1, STREAM)
        relay.heard(4)
        relay.feed(NOTHING, 20)
        assert told(relay.heard(1.9, STREAM)) == [("L", 1.9)]
        relay.feed(STREAM)
        out, rising = relay.read() or b"", relay.read() or b""
        assert np.abs(np.frombuffer(out, "<i2")[-30:]).max() < 1000
        assert relay.asked[-1].closed
        assert np.abs(np.frombuffer(rising, "<i2")[:30]).max() < 1000
        assert told(looks(rising) + relay.heard(5, STREAM)) == [("S", 5.1)]

    def test_short_sign_of_life(self) -> None:
        """Less than a second of sound takes nothing up; what came before an outage is not played after it."""
        relay = Fed()
        relay.heard(4)
        relay.feed(STREAM, 9)
        assert told(relay.heard(3)) == [("L", 3.0)]
        relay.feed(STREAM, 15)
        assert told(relay.heard(1)) == [("L", 1.0)]

    def test_bounded(self) -> None:
        """A flood is not kept: four seconds are, the newest."""
        relay = Fed()
        relay.feed(LOCAL, 5000)
        relay.feed(STREAM, HELD)
        assert len(relay._blocks) == HELD == 40
        assert told(relay.heard(4)) == [("S", 4.0)]

    @pytest.mark.parametrize("instead", [lambda _skip: None, lambda _skip: Local(0)])
    def test_nothing_instead(self, instead: Callable[[float], Source | None]) -> None:
        """Without a local programme, or with one that cannot be read, it is silent to its end."""
        relay = Fed(4, instead)
        assert relay.heard(7) == 40 * "."
        assert relay.read() is None
        assert (relay.relayed, relay.replaced) == (0, 0)

    def test_closed(self) -> None:
        """Closed, it gives nothing more, and lets go of the local programme."""
        relay = Fed()
        relay.heard(3)
        relay.close()
        assert relay.read() is None
        assert relay.asked[-1].closed

    def test_tells_its_trouble(self, caplog: pytest.LogCaptureFixture) -> None:
        """Why nothing comes is told once, without the password, until something comes."""
        relay = Fed()
        relay._url = "https://ten:mat-khau@radio.vn:8000/live?key=mat-khau"
        for _ in range(3):
            relay._take(TROUBLE + "404 không có".encode().ljust(BLOCK, b"\0"))
        assert relay.trouble is not None
        assert "(404 không có)" in str(relay.trouble)
        assert len(caplog.records) == 1
        assert "mat-khau" not in caplog.text
        assert "https://radio.vn:8000/live" in caplog.text
        relay.feed(STREAM)
        assert relay.trouble is None


def levelled(samples: Samples) -> Samples:
    level = Leveller()
    out = b"".join(level(block)[1] for block in blocks(samples, TENTH))
    return (np.frombuffer(out, "<i2") / 2**15).astype(np.float32)


class TestLeveller:
    @pytest.mark.parametrize("level", [-45.0, -30.0, -20.0, -3.0])
    def test_loudness(self, level: float) -> None:
        """Whatever comes, it is as loud as our programmes are and no louder, in the first seconds too."""
        out = levelled(speech(20, level).clip(-1, 1))
        settled = lufs(power(k_weighting()(out[-10 * 32_000 :])))
        assert settled == pytest.approx(-16 if level > -40 else -25, abs=1 if level > -40 else 3)
        assert lufs(power(k_weighting()(out))) < -15
        assert np.abs(out).max() <= CEILING

    def test_sudden(self) -> None:
        """What is suddenly forty decibels louder is brought down within the tenth of a second."""
        out = levelled(np.concatenate([speech(10, -45), noise(2, -3).clip(-1, 1)]))
        assert np.abs(out).max() <= CEILING
        assert lufs(power(k_weighting()(out[10 * 32_000 + TENTH :]))) < -11

    def test_silence(self) -> None:
        """Noise of a dead line counts as silence and is not brought up; soft speech sounds."""
        level = Leveller()
        assert {level(block)[0] for block in blocks(noise(5, -60), TENTH)} == {SILENCE}
        assert np.abs(levelled(noise(5, -60))).max() < 0.01
        assert SOUND in {level(block)[0] for block in blocks(speech(2, -40), TENTH)}


def test_paced() -> None:
    """A minute that comes at once is passed on as it sounds, but for the first seconds."""
    clock = FakeClock()
    began = clock.monotonic()
    got = list(paced([silence(60)], clock))
    assert len(got) == 600
    assert clock.monotonic() - began == pytest.approx(60 - LEAD, abs=0.2)


# With real children


@contextmanager
def relayed(url: str, seconds: float = 60) -> Iterator[Relay]:
    relay = Relay(url, seconds, lambda _skip: Local(1000), SystemClock())
    try:
        yield relay
    finally:
        relay.close()


def listen(relay: Relay, seconds: float, into: list[bytes] | None = None) -> str:
    """Take from *relay* what a loudspeaker would in *seconds*; each read returns at once."""
    got = [] if into is None else into
    began = time.monotonic()
    for count in range(1, round(seconds * 10) + 1):
        before = time.monotonic()
        block = relay.read()
        assert time.monotonic() - before < 0.25  # a busy machine; it is a millisecond
        if block is None:
            break
        got.append(block)
        time.sleep(max(0.0, began + count / 10 - time.monotonic()))
    return looks(b"".join(got))


def wait(until: Callable[[], object], seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def group(pid: int) -> list[int]:
    """The processes of a group that live."""
    asked = subprocess.run(["ps", "-eo", "pgid=,pid=,stat="], capture_output=True, text=True, check=True)
    rows = [line.split() for line in asked.stdout.splitlines()]
    return [int(one) for pgid, one, state in rows if int(pgid) == pid and not state.startswith("Z")]


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What is heard of five stations at once in eleven seconds: some die, fall silent and come back."""
    folder = tmp_path_factory.mktemp("hls")
    long = tone(1000, 22, -6)
    with ExitStack() as held:
        server = held.enter_context(radio.icecast())
        held.enter_context(radio.Hls(folder, long))
        web = held.enter_context(radio.serving(folder))
        held.enter_context(server.source("whole.aac", long))
        held.enter_context(server.source("whole.ogg", long))
        pause = np.concatenate([tone(1000, 4, -6), noise(5, -70), tone(1000, 12, -6)])
        dying = held.enter_context(ExitStack())
        dying.enter_context(server.source("dying.mp3", long))
        urls = {name: server.address(name) for name in ("dying.mp3", "whole.aac", "whole.ogg")}
        urls["hls"] = f"{web}/live.m3u8"
        relays = {name: held.enter_context(relayed(url)) for name, url in urls.items()}
        wait(lambda: all(len(relay._blocks) > 20 for relay in relays.values()))
        held.enter_context(server.source("pause.mp3", pause))
        relays["pause.mp3"] = held.enter_context(relayed(server.address("pause.mp3")))
        wait(lambda: len(relays["pause.mp3"]._blocks) > 10)
        got: dict[str, list[bytes]] = {name: [] for name in relays}
        ears = [Thread(target=listen, args=[relay, 12, got[name]]) for name, relay in relays.items()]
        for ear in ears:
            ear.start()
        time.sleep(1)
        dying.close()
        time.sleep(4)
        held.enter_context(server.source("dying.mp3", long))
        for ear in ears:
            ear.join()
    return {name: looks(b"".join(some)) for name, some in got.items()}


@pytest.mark.sound
class TestStations:
    @pytest.mark.parametrize("name", ["whole.aac", "whole.ogg", "hls"])
    def test_whole(self, heard: Mapping[str, str], name: str) -> None:
        """AAC, Opus and HLS are heard, but for what a busy machine delays."""
        assert sum(seconds for letter, seconds in told(heard[name]) if letter == "S") > 9

    def test_dies_and_comes_back(self, heard: Mapping[str, str]) -> None:
        """When the source dies the local programme is heard within 3 seconds; back, it is taken up."""
        letters = [letter for letter, _ in told(heard["dying.mp3"]) if letter != "."]
        assert letters == ["S", "L", "S"], told(heard["dying.mp3"])
        assert all(seconds <= 3 for letter, seconds in told(heard["dying.mp3"]) if letter == ".")

    def test_falls_silent_and_comes_back(self, heard: Mapping[str, str]) -> None:
        """A stream that goes on in silence is replaced within 3 seconds, and taken up when it sounds."""
        letters = [letter for letter, _ in told(heard["pause.mp3"]) if letter != "."]
        assert letters == ["S", "L", "S"], told(heard["pause.mp3"])
        assert all(seconds <= 3 for letter, seconds in told(heard["pause.mp3"]) if letter == ".")


class TestChild:
    def test_leaves_nothing(self) -> None:
        """Closed while its server hangs, it leaves no process and no thread."""
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            relayed(f"http://127.0.0.1:{server.getsockname()[1]}/live") as relay,
        ):
            line, _ = server.accept()
            assert relay._child
            pid = relay._child.pid
            assert group(pid) == [pid]
            began = time.monotonic()
            relay.close()
            assert time.monotonic() - began < 1
            assert not group(pid)
            assert not relay._fetching.is_alive()
            line.close()

    @pytest.mark.sound
    def test_line(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What comes in at an input is passed on; closed while the input hangs, nothing is left of it."""
        with sound_server.running() as server:
            for name, value in server.environment.items():
                monkeypatch.setenv(name, value)
            arguments = ["--raw", "--rate=32000", "--channels=1", "--format=s16le"]
            with subprocess.Popen(["pacat", *arguments], stdin=subprocess.PIPE) as player:
                assert player.stdin
                with relayed("line:loudspeaker.monitor") as relay:
                    wait(lambda: relay._blocks)
                    player.stdin.write(frame(tone(1000, 5)))  # it takes them as fast as they sound
                    player.stdin.flush()
                    wait(lambda: sum(sounds for sounds, _ in list(relay._blocks)) > 15)
                    assert "SSSSS" in listen(relay, 3)
                    assert relay._child
                    pid = relay._child.pid
                    assert len(group(pid)) == 2
                    server.freeze()
                wait(lambda: not group(pid), 2)
                player.kill()

    def test_killed(self) -> None:
        """A child that is killed is replaced, and so is a stream that cannot be reached told."""
        port = radio.free_port()
        with relayed(f"http://127.0.0.1:{port}/live") as relay:
            wait(lambda: relay.trouble)
            assert "refused" in str(relay.trouble)
            assert relay._child
            first = relay._child.pid
            os.kill(first, signal.SIGKILL)
            wait(lambda: relay._child and relay._child.pid != first)

    def test_flood(self) -> None:
        """A server that sends no sound without end, and fast, does not swell the child or hang it."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            done = Event()

            def flood() -> None:
                line, _ = server.accept()
                with line:
                    line.settimeout(0.5)
                    try:
                        line.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\n\r\n")
                        while not done.is_set():
                            line.sendall(os.urandom(1 << 16))
                    except OSError:
                        pass

            thread = Thread(target=flood)
            thread.start()
            with relayed(f"http://127.0.0.1:{server.getsockname()[1]}/live") as relay:
                time.sleep(2.5)
                assert relay._child
                status = Path(f"/proc/{relay._child.pid}/statm").read_text()
                assert int(status.split()[1]) * 4096 < 150 << 20
                assert len(relay._blocks) <= HELD
            done.set()
            thread.join()

    def test_ends_with_its_parent(self) -> None:
        """When the one that asked is killed, the child ends."""
        script = """
import time
from broadcaster.edges.clock import SystemClock
from broadcaster.relay import Relay
relay = Relay("http://127.0.0.1:1/live", 60, lambda skip: None, SystemClock())
while not relay.trouble:
    time.sleep(0.05)
print(relay._child.pid, flush=True)
time.sleep(60)
"""
        with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as parent:
            assert parent.stdout
            pid = int(parent.stdout.readline())
            assert group(pid)
            parent.kill()
        wait(lambda: not group(pid), 5)
