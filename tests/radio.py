"""Radio stations of our own on loopback: an Icecast server with its sources, and HLS from a folder."""

import os
import socket
import subprocess
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Self

import av

from broadcaster.edges.decode import Samples
from tests.needs import need
from tests.sounds import save

PASSWORD = "hackme"  # noqa: S105 - of a server that lives for seconds
CONFIG = """<icecast>
  <limits><clients>50</clients><sources>10</sources><source-timeout>3</source-timeout>
    <burst-size>8192</burst-size></limits>
  <authentication><source-password>{password}</source-password></authentication>
  <hostname>localhost</hostname>
  <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>
  <paths><logdir>{folder}</logdir><webroot>{folder}</webroot><adminroot>{folder}</adminroot></paths>
  <logging><accesslog>access.log</accesslog><errorlog>error.log</errorlog><loglevel>3</loglevel></logging>
  <security><chroot>0</chroot>{owner}</security>
</icecast>
"""
AHEAD = 3  # seconds that a source sends at once
KINDS = {  # suffix and codec, and what the server is told it is
    "mp3": ("libmp3lame", "audio/mpeg"),
    "aac": ("aac", "audio/aac"),
    "ogg": ("libopus", "application/ogg"),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


class Icecast:
    """A server in a folder of its own, to which sources send what it passes on."""

    def __init__(self, folder: Path) -> None:
        self.port, self._folder = free_port(), folder
        owner = "<changeowner><user>nobody</user><group>nogroup</group></changeowner>" * (os.getuid() == 0)
        folder.chmod(0o777)
        config = folder / "icecast.xml"
        config.write_text(CONFIG.format(port=self.port, folder=folder, password=PASSWORD, owner=owner))
        self._process = subprocess.Popen(
            ["icecast2", "-c", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def wait_until_up(self) -> None:
        for _ in range(100):
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError("no Icecast after 5 s")

    def address(self, mount: str) -> str:
        return f"http://127.0.0.1:{self.port}/{mount}"

    @contextmanager
    def source(self, mount: str, samples: Samples) -> Iterator[None]:
        """Send *samples* to *mount* (name.mp3, .aac, .ogg) as fast as they sound, until the block ends."""
        suffix = mount.rpartition(".")[2]
        codec, kind = KINDS[suffix]
        rate = 48_000 if suffix == "ogg" else 32_000
        path = save(
            self._folder / f"{time.monotonic_ns()}.{suffix}", samples, codec, rate=rate, bit_rate=64_000
        )
        data, seconds = path.read_bytes(), len(samples) / 32_000
        with socket.create_connection(("127.0.0.1", self.port), 2) as line:
            login = b64encode(f"source:{PASSWORD}".encode()).decode()
            line.sendall(
                f"PUT /{mount} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {login}\r\n"
                f"Content-Type: {kind}\r\n\r\n".encode()
            )
            assert b" 200 " in line.recv(1000)
            done = Event()
            sending = Thread(target=self._send, args=[line, data, seconds, done])
            sending.start()
            try:
                yield
            finally:
                done.set()
                sending.join()

    @staticmethod
    def _send(line: socket.socket, data: bytes, seconds: float, done: Event) -> None:
        began, sent = time.monotonic(), 0
        while sent < len(data) and not done.wait(0.05):
            until = int(len(data) * (time.monotonic() - began + AHEAD) / seconds)
            with suppress(OSError):
                line.sendall(data[sent:until])
            sent = max(sent, until)
        done.wait()

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()


@contextmanager
def icecast() -> Iterator[Icecast]:
    """Give a server, or skip the test for want of one; BROADCASTER_REQUIRE_SOUND=1 forbids to skip."""
    need("icecast2")
    with tempfile.TemporaryDirectory(prefix="radio-") as folder:
        server = Icecast(Path(folder))
        try:
            server.wait_until_up()
            yield server
        finally:
            server.stop()


class _Handler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address at which the files of *folder* are served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class Hls:
    """A live HLS stream in *folder*: segments of a second, of which the playlist always names some."""

    def __init__(self, folder: Path, samples: Samples) -> None:
        self.folder = folder
        whole = save(folder / "all.m4a", samples, "aac", bit_rate=64_000)
        options = {"hls_time": "1", "hls_list_size": "0", "hls_segment_filename": str(folder / "part%03d.ts")}
        with (
            av.open(str(whole)) as source,
            av.open(str(folder / "all.m3u8"), "w", format="hls", options=options) as target,
        ):
            stream = target.add_stream_from_template(source.streams.audio[0])
            for packet in source.demux(source.streams.audio[0]):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
        lines = (folder / "all.m3u8").read_text().splitlines()
        self._parts = [pair for pair in pairwise(lines) if pair[0].startswith("#EXTINF")]
        self._done = Event()
        self._thread = Thread(target=self._go_on)

    def __enter__(self) -> Self:
        self._tell(0)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _go_on(self) -> None:
        for first in range(len(self._parts)):
            self._tell(first)
            if self._done.wait(1):
                return

    def _tell(self, first: int) -> None:
        named = "\n".join(line for pair in self._parts[first : first + 5] for line in pair)
        head = f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}"
        new = self.folder / "new"
        new.write_text(f"{head}\n{named}\n")
        new.replace(self.folder / "live.m3u8")
