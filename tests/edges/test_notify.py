"""Who is told how the daemon does: real sockets and real servers on this machine."""

import json
import logging
import socket
import ssl
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Event, Thread
from typing import Any

import pytest

from broadcaster.edges import notify
from broadcaster.edges.notify import MOST_NEWS, News, Reporter, Sparing
from broadcaster.model.station import AlarmTo, Station
from tests.factories import make_content
from tests.fakes import FakeClock

PATIENCE = 10.0  # seconds; real ones, and far more than anything here takes


# --- systemd


@pytest.fixture(params=["path", "abstract"])
def systemd(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    """What systemd listens at."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        name = str(tmp_path / "notify")
        line.bind(name if request.param == "path" else "\0" + name)
        line.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", name if request.param == "path" else "@" + name)
        yield line


def test_systemd_is_told(systemd: socket.socket) -> None:
    """Ready, alive and a status of one line arrive, at a path and at an abstract address."""
    notify.ready()
    notify.alive()
    notify.status("Đang phát:\n tin")
    told = [systemd.recv(1000).decode() for _ in range(3)]
    assert told == ["READY=1", "WATCHDOG=1", "STATUS=Đang phát: tin"]


def test_a_systemd_that_does_not_read_holds_nobody(systemd: socket.socket) -> None:
    """When nobody reads, what does not fit is lost, and nobody waits."""
    for _ in range(10_000):
        notify.alive()
    assert systemd.recv(1000) == b"WATCHDOG=1"


@pytest.mark.parametrize("address", [None, "", "/nowhere/notify", "@nobody-listens"])
def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch, address: str | None) -> None:
    """Started by hand, or by a systemd that has gone, nothing is told and nothing raised."""
    if address is None:
        monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    else:
        monkeypatch.setenv("NOTIFY_SOCKET", address)
    notify.ready()


# --- webhooks


SINCE = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
DISK = News("disk", "The disk is full.", "Make room.", SINCE, raised=True)
OVER = replace(DISK, raised=False)


class HeldClock(FakeClock):
    """A clock whose every sleep lasts until the test lets it pass."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: Queue[float] = Queue()
        self._go: Queue[None] = Queue()

    def sleep(self, seconds: float, stop: Event) -> bool:
        self.slept.put(seconds)
        self._go.get(timeout=PATIENCE)
        return stop.is_set()

    def asleep(self) -> float:
        """Wait until somebody sleeps; for how long."""
        return self.slept.get(timeout=PATIENCE)

    def wake(self) -> None:
        self._go.put(None)


def station(**to: Any) -> Station:
    return replace(make_content().station, name="Đài mẫu", alarm=AlarmTo(**to))


@contextmanager
def reporting(clock: FakeClock, **to: Any) -> Iterator[Reporter]:
    reporter = Reporter(station(**to), clock)
    try:
        yield reporter
    finally:
        reporter.close()
        if isinstance(clock, HeldClock):
            clock.wake()


@dataclass
class Web:
    """A web server: what it was sent, and what it answers next (else 204)."""

    port: int = 0
    posts: "Queue[tuple[str, dict[str, str], Any]]" = field(default_factory=Queue)
    answers: list[int] = field(default_factory=list)

    def post(self) -> Any:
        return self.posts.get(timeout=PATIENCE)[2]


@pytest.fixture
def web() -> Iterator[Web]:
    found = Web()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = found.answers.pop(0) if found.answers else 204
            self.send_response(answer)
            self.send_header("Content-Length", "0")
            self.end_headers()
            found.posts.put((self.path, dict(self.headers), body))

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_port
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def test_a_webhook_is_told_all_of_it(web: Web) -> None:
    """The station, the alarm's words, since when, and its state arrive as JSON at the whole address."""
    with reporting(FakeClock(), webhook=f"http://u:p%40@127.0.0.1:{web.port}/hook?key=1") as reporter:
        reporter.report(DISK)
        path, headers, body = web.posts.get(timeout=PATIENCE)
    assert path == "/hook?key=1"
    assert headers["Content-Type"] == "application/json"
    assert b64decode(headers["Authorization"].removeprefix("Basic ")) == b"u:p@"
    assert body["station"] == "Đài mẫu"
    assert body["alarms"] == [
        {
            "key": "disk",
            "what": "The disk is full.",
            "next": "Make room.",
            "since": "2026-11-20T17:00:00+07:00",
            "state": "raised",
        }
    ]
    assert body["text"].splitlines() == [
        "Đài mẫu",
        "⚠ 20/11/2026 17:00:00 The disk is full.",
        "  → Make room.",
    ]


def test_what_happens_within_seconds_is_one_message_of_the_newest(web: Web) -> None:
    """News within some seconds go out together, with the newest state of each key."""
    clock = HeldClock()
    with reporting(clock, webhook=f"http://127.0.0.1:{web.port}") as reporter:
        reporter.report(DISK)
        assert clock.asleep() == 5
        reporter.report(replace(DISK, key="card"))
        reporter.report(OVER)
        clock.wake()
        told = [(one["key"], one["state"]) for one in web.post()["alarms"]]
        assert told == [("card", "raised"), ("disk", "cleared")]
        assert clock.asleep() == 60  # an alarm that comes and goes is told no more than once a minute
    assert web.posts.empty()


def test_a_webhook_that_fails_is_tried_again_for_ever(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    """After each failure it waits twice as long, up to an hour; what comes meanwhile is told with it."""
    web.answers = [503, 500, 302, 404, 401, 500, 500, 500]
    clock = HeldClock()
    with reporting(clock, webhook=f"http://127.0.0.1:{web.port}/geheim") as reporter:
        reporter.report(DISK)
        waits = []
        for _ in range(8):
            assert clock.asleep() == 5
            clock.wake()
            waits.append(clock.asleep())
            assert [one["state"] for one in web.post()["alarms"]] == ["raised"]
            clock.wake()
        assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
        clock.asleep()
        reporter.report(OVER)
        reporter.report(replace(DISK, key="card"))
        clock.wake()
        told = [(one["key"], one["state"]) for one in web.post()["alarms"]]
        assert told == [("disk", "cleared"), ("card", "raised")]
        assert clock.asleep() == 60
    assert "again in 3600 s" in caplog.text
    assert "503" in caplog.text
    assert "geheim" not in caplog.text


def test_a_server_that_is_absent_is_tried_again(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody at the other end, or no network, is a failure like any other."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    clock = HeldClock()
    with reporting(clock, webhook=f"http://127.0.0.1:{port}") as reporter:
        reporter.report(DISK)
        clock.asleep()
        clock.wake()
        assert clock.asleep() == 60
    assert "Connection refused" in caplog.text
    assert web.posts.empty()


@contextmanager
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_server_that_hangs_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that takes the message and answers nothing is given up after its time, web or mail."""
    monkeypatch.setattr(notify, "TIMEOUT", 0.1)
    for to in ("webhook", "smtp"):
        clock = HeldClock()
        with silent() as port:
            scheme = "http" if to == "webhook" else to
            given = {to: f"{scheme}://127.0.0.1:{port}", "email": ("a@x.vn",)}
            with reporting(clock, **given) as reporter:
                reporter.report(DISK)
                clock.asleep()
                clock.wake()
                assert clock.asleep() == 60
    assert caplog.text.count("timed out") == 2


def test_closing_waits_for_no_network() -> None:
    """While a message hangs, more is taken and the reporter closes at once."""
    with silent() as port, reporting(FakeClock(), webhook=f"http://127.0.0.1:{port}") as reporter:
        reporter.report(DISK)
        reporter.report(OVER)


def test_a_way_that_hangs_does_not_hold_the_other(web: Web) -> None:
    """While the mail server hangs, the webhook is told."""
    with silent() as port:
        to = {"smtp": f"smtp://127.0.0.1:{port}", "email": ("a@x.vn",)}
        with reporting(FakeClock(), webhook=f"http://127.0.0.1:{web.port}", **to) as reporter:
            reporter.report(DISK)
            assert web.post()["alarms"][0]["key"] == "disk"


def test_what_waits_is_bounded(web: Web) -> None:
    """Of more news than may wait, the newest are told."""
    web.answers = [500]
    clock = HeldClock()
    with reporting(clock, webhook=f"http://127.0.0.1:{web.port}") as reporter:
        for number in range(MOST_NEWS + 10):
            reporter.report(replace(DISK, key=f"{number}"))
        for _ in range(2):
            assert clock.asleep() == 5
            clock.wake()
            assert clock.asleep() == 60
            keys = [one["key"] for one in web.post()["alarms"]]
            assert len(keys) == MOST_NEWS
            reporter.report(replace(DISK, key="last"))
            clock.wake()
    assert keys[-1] == "last"


def test_a_station_that_tells_nobody_starts_nothing() -> None:
    """Without an address news go nowhere."""
    with reporting(HeldClock()) as reporter:
        reporter.report(DISK)


# --- e-mail


@dataclass
class Post:
    """A mail server: what it was sent, and who signed in."""

    port: int = 0
    offers: tuple[str, ...] = ()
    mails: "Queue[tuple[str, list[str], Message]]" = field(default_factory=Queue)
    said: list[str] = field(default_factory=list)
    refuses: str = ""
    context: ssl.SSLContext | None = None

    def mail(self) -> tuple[str, list[str], Message]:
        return self.mails.get(timeout=PATIENCE)

    def serve(self, server: socket.socket) -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            with line:
                try:
                    self._talk(line)
                except OSError:
                    continue

    def _talk(self, line: socket.socket) -> None:
        with ExitStack() as stack:
            if self.context is not None:
                line = stack.enter_context(self.context.wrap_socket(line, server_side=True))
            reader = stack.enter_context(line.makefile("rb"))
            sender, to = "", list[str]()
            line.sendall(b"220 here\r\n")
            for raw in reader:
                words = raw.decode().strip()
                self.said.append(words)
                verb = words.split()[0].upper()
                answer = "250 ok"
                if self.refuses and words.upper().startswith(self.refuses):
                    answer = "550 no"
                elif verb == "EHLO":
                    answer = "\r\n".join(["250-here", *(f"250-{one}" for one in self.offers), "250 8BITMIME"])
                elif verb == "QUIT":
                    answer = "221 bye"
                elif verb == "AUTH":
                    answer = "235 welcome"
                elif verb == "MAIL":
                    sender = words.partition("<")[2].partition(">")[0]
                elif verb == "RCPT":
                    to.append(words.partition("<")[2].partition(">")[0])
                elif verb == "DATA":
                    line.sendall(b"354 go on\r\n")
                    body = b"".join(iter(reader.readline, b".\r\n"))
                    self.mails.put((sender, to, message_from_bytes(body, policy=default)))
                line.sendall(answer.encode() + b"\r\n")
                if verb == "QUIT":
                    return


@pytest.fixture
def post() -> Iterator[Post]:
    found = Post()
    with socket.create_server(("127.0.0.1", 0)) as server:
        found.port = server.getsockname()[1]
        thread = Thread(target=found.serve, args=(server,))
        thread.start()
        yield found
        server.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENCE)


def test_people_are_told_by_email(post: Post) -> None:
    """A mail goes to everybody named, with what is wrong in its subject and all of it in its text."""
    to = {"smtp": f"smtp://127.0.0.1:{post.port}", "email": ("a@x.vn", "b@x.vn")}
    with reporting(FakeClock(SINCE), **to) as reporter:
        reporter.report(replace(DISK, what="Đĩa đầy\n."))
        sender, people, mail = post.mail()
    assert (sender, people) == ("a@x.vn", ["a@x.vn", "b@x.vn"])
    assert mail["Subject"] == "Đài mẫu: ⚠ Đĩa đầy ."
    assert (mail["From"], mail["To"]) == ("a@x.vn", "a@x.vn, b@x.vn")
    assert mail["Date"] == "Fri, 20 Nov 2026 10:00:05 +0000"  # some seconds were waited for more
    assert mail["Message-ID"].strip().endswith("@x.vn>")
    assert "→ Make room." in mail.get_content()  # type: ignore[attr-defined]
    assert not any(words.startswith("AUTH") for words in post.said)


def test_a_mail_of_several_says_how_many(post: Post) -> None:
    """The subject names the first and counts the others; what is over has a tick and no next step."""
    clock = HeldClock()
    with reporting(clock, smtp=f"smtp://127.0.0.1:{post.port}", email=("a@x.vn",)) as reporter:
        reporter.report(OVER)
        clock.asleep()
        reporter.report(replace(DISK, key="card", what="The sound card is gone."))
        clock.wake()
        _, _, mail = post.mail()
    assert mail["Subject"] == "Đài mẫu: ✓ The disk is full. (+1)"
    assert mail.get_content().splitlines() == [  # type: ignore[attr-defined]
        "✓ 20/11/2026 17:00:00 The disk is full.",
        "⚠ 20/11/2026 17:00:00 The sound card is gone.",
        "  → Make room.",
    ]


@pytest.mark.parametrize("refuses", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_mail_server_that_refuses_is_tried_again(post: Post, refuses: str) -> None:
    """Whatever the mail server refuses, the mail waits and goes out later."""
    post.refuses = refuses
    clock = HeldClock()
    with reporting(clock, smtp=f"smtp://127.0.0.1:{post.port}", email=("a@x.vn",)) as reporter:
        reporter.report(DISK)
        clock.asleep()
        clock.wake()
        refused = refuses != "EHLO"  # then the older greeting serves
        assert clock.asleep() == 60
        assert post.mails.empty() is refused
        post.refuses = ""
        clock.wake()
        if refused:
            clock.asleep()
            clock.wake()
        post.mail()


def test_no_password_goes_out_bare(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """A server without encryption never gets to see who signs in, and neither does the log."""
    post.offers = ("AUTH PLAIN LOGIN",)
    clock = HeldClock()
    to = {"smtp": f"smtp://u:geheim@127.0.0.1:{post.port}", "email": ("a@x.vn",)}
    with reporting(clock, **to) as reporter:
        reporter.report(DISK)
        clock.asleep()
        clock.wake()
        assert clock.asleep() == 60
    assert not any(words.startswith("AUTH") for words in post.said)
    assert "STARTTLS" in caplog.text
    assert "geheim" not in caplog.text
    assert post.mails.empty()


def test_one_signs_in_where_the_line_is_encrypted(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS one signs in by name and password, percent signs undone, and the mail is in that name."""
    post.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    post.context.load_cert_chain(CERTIFICATE)
    post.offers = ("AUTH PLAIN",)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    to = {"smtp": f"smtps://loa%40x.vn:p%2Fw@127.0.0.1:{post.port}", "email": ("a@x.vn",)}
    with reporting(FakeClock(), **to) as reporter:
        reporter.report(DISK)
        sender, people, _ = post.mail()
    assert (sender, people) == ("loa@x.vn", ["a@x.vn"])
    (auth,) = (words for words in post.said if words.startswith("AUTH"))
    assert b64decode(auth.split()[2]) == b"\0loa@x.vn\0p/w"


def test_a_server_that_is_not_who_it_says_gets_no_mail(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    """A certificate that nobody vouches for ends it before anything is said."""
    post.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    post.context.load_cert_chain(CERTIFICATE)
    clock = HeldClock()
    to = {"smtp": f"smtps://u:p@127.0.0.1:{post.port}", "email": ("a@x.vn",)}
    with reporting(clock, **to) as reporter:
        reporter.report(DISK)
        clock.asleep()
        clock.wake()
        assert clock.asleep() == 60
    assert "CERTIFICATE_VERIFY_FAILED" in caplog.text
    assert post.said == []


CERTIFICATE = Path(__file__).with_name("localhost.pem")  # and its key; for this machine, until 2126


# --- the log


@pytest.fixture
def log() -> Iterator[tuple[Callable[..., None], list[str], FakeClock]]:
    """Says something to a log with the filter; what got through; the clock."""
    through: list[str] = []
    clock = FakeClock()

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            through.append(record.getMessage())

    handler = Handler()
    handler.addFilter(Sparing(clock))
    logger = logging.getLogger("tests.sparing")
    logger.addHandler(handler)
    yield logger.warning, through, clock
    logger.removeHandler(handler)


Log = tuple[Callable[..., None], list[str], FakeClock]


def test_the_same_message_goes_through_once_a_minute(log: Log) -> None:
    """What repeats is written once a minute, with how often it was held back."""
    say, through, clock = log
    for _ in range(61):
        for _ in range(10):
            say("the card %s is gone", "default")
        clock.advance(1)
    assert through == [
        "the card default is gone",
        "the card default is gone (599 more since it was last told)",
    ]


def test_other_messages_go_through(log: Log) -> None:
    """What differs in a value is another message, and what is rare is left as it is."""
    say, through, clock = log
    say("the card %s is gone", "a")
    say("the card %s is gone", "b")
    clock.advance(60)
    say("the card %s is gone", "a")
    assert through == ["the card a is gone", "the card b is gone", "the card a is gone"]


def test_a_clock_that_is_set_back_silences_nothing(log: Log) -> None:
    """The minute is one of time that passed, not of the clock on the wall."""
    say, through, clock = log
    say("the clock is wrong")
    clock.set(datetime(1970, 1, 1, tzinfo=UTC))
    clock.advance(60)
    say("the clock is wrong")
    assert len(through) == 2


def test_endless_different_messages_take_no_endless_memory() -> None:
    """Of messages that all differ, the filter remembers the newest."""
    one = Sparing(FakeClock())
    for number in range(2 * notify.MOST_MESSAGES):
        one.filter(logging.LogRecord("x", logging.INFO, "", 0, str(number), None, None))
    assert len(one._seen) == notify.MOST_MESSAGES
