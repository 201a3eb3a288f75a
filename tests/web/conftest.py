"""A page that is served for real, and who asks for it byte by byte."""

import http.client
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest

from broadcaster.cli import language
from broadcaster.edges.users import Right, Users
from broadcaster.web.server import make_server
from tests.stations import build

PASSWORD = "loa phuong sang som"  # noqa: S105


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def token(self) -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.text)
        return found[1] if found else ""


@dataclass
class Visitor:
    """A browser of its own, with nothing of a browser's scruples."""

    port: int
    host: str = "127.0.0.1"
    cookie: str = ""
    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        line = http.client.HTTPConnection(self.host, self.port, timeout=20)
        given = {
            "Accept": "text/html",
            **self.headers,
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        if self.cookie:
            given["Cookie"] = f"broadcaster={self.cookie}"
        try:
            line.request(method, path, body, given)
            reply = line.getresponse()
            if kept := re.match(r"broadcaster=([^;]*)", reply.headers.get("set-cookie", "")):
                self.cookie = kept[1]
            text = reply.read().decode(errors="replace")
            answer = Answer(
                reply.status, {name.lower(): value for name, value in reply.headers.items()}, text
            )
        finally:
            line.close()
        self.token = answer.token or self.token
        return answer

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, values: Mapping[str, Any] | None = None, **headers: str) -> Answer:
        sent = urlencode({"token": self.token, **(values or {})}, doseq=True).encode()
        return self.ask("POST", path, sent, Content_Type="application/x-www-form-urlencoded", **headers)

    def send(self, path: str, values: Mapping[str, str], name: str, data: bytes) -> Answer:
        """A form with a file in it."""
        mark = b"----------a-mark-that-is-nowhere-else"
        parts = [
            b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (key.encode(), value.encode())
            for key, value in {"token": self.token, **values}.items()
        ]
        head = f'Content-Disposition: form-data; name="recording"; filename="{name}"\r\n'
        parts.append(head.encode() + b"Content-Type: audio/wav\r\n\r\n" + data)
        body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + mark + b"--\r\n"
        return self.ask("POST", path, body, Content_Type=f"multipart/form-data; boundary={mark.decode()}")

    def log_in(self, name: str, password: str = PASSWORD) -> Answer:
        self.get("/login")
        return self.post("/login", {"name": name, "password": password})


@dataclass
class Served:
    """A station whose page is served by this process."""

    station: Path
    port: int

    @property
    def users(self) -> Users:
        return Users(self.station / "var")

    def visitor(self, **given: Any) -> Visitor:
        return Visitor(self.port, **given)

    def logged_in(self, name: str) -> Visitor:
        visitor = self.visitor()
        assert visitor.log_in(name).status == 303
        visitor.get("/login")  # a token of the new session
        return visitor


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    """Serves the page of a station."""
    running = []
    before = language.code()
    language.use("en")

    def start(station: Path, *certificate: str) -> Served:
        server, listening = make_server(station, "127.0.0.1:0", certificate)
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.01)
            assert thread.is_alive()
        return Served(station, listening.getsockname()[1])

    yield start
    for server, thread in running:
        server.should_exit = server.force_exit = True
        thread.join()
    language.use(before)


@pytest.fixture
def station(tmp_path: Path) -> Path:
    return build(tmp_path / "station")


@pytest.fixture
def alone(serve: Callable[..., Served], station: Path) -> Served:
    """Nobody has a password: only this machine gets in."""
    return serve(station)


@pytest.fixture(scope="session")
def one_of_each(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The list of users with one of each right; they are called by it. Hashes take their time."""
    users = Users(tmp_path_factory.mktemp("users"))
    for right in Right:
        users.add(right.word, right, PASSWORD)
    return users.path.read_bytes()


@pytest.fixture
def guarded(serve: Callable[..., Served], station: Path, one_of_each: bytes) -> Served:
    """One user of each right."""
    users = Users(station / "var")
    users.path.parent.mkdir()
    users.path.touch(0o600)
    users.path.write_bytes(one_of_each)
    return serve(station)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
