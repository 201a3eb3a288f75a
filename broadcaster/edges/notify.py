"""SEAM: who is told how the daemon does: systemd, people far away by webhook and e-mail, the log."""

import json
import logging
import os
import smtplib
import socket
import ssl
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from threading import Event, Lock, Thread
from typing import Protocol
from urllib.parse import SplitResult, unquote, urlsplit

from broadcaster.model.errors import Text, say
from broadcaster.model.station import Station

logger = logging.getLogger("broadcaster")

TIMEOUT = 10.0  # seconds that a server may be silent
GATHER = 5.0  # seconds; what happens within them is one message
PAUSE = 60.0  # seconds between two messages, and before the first new try; it doubles
LONGEST_PAUSE = 3600.0  # seconds
MOST_NEWS = 100  # wait to be sent; of more the oldest is let go
MOST_MESSAGES = 1000  # are remembered by the log's filter


# --- systemd


def ready() -> None:
    """The daemon has started."""
    _notify("READY=1")


def alive() -> None:
    """The watchdog may sleep on."""
    _notify("WATCHDOG=1")


def status(text: str) -> None:
    """What `systemctl status` shows."""
    _notify("STATUS=" + " ".join(text.split()))


def _notify(message: str) -> None:
    """To systemd, if it started us. It never waits, and never raises."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.setblocking(False)
        line.sendto(message.encode(), "\0" + path[1:] if path[0] == "@" else path)


# --- people far away


@dataclass(frozen=True)
class News:
    """An alarm that begins (`raised`) or is over, in words for people."""

    key: str
    what: str
    next: str
    since: datetime
    raised: bool


class Clock(Protocol):
    """What a reporter needs of the clock."""

    def now(self) -> datetime: ...
    def sleep(self, seconds: float, stop: Event) -> bool: ...


class Reporter:
    """Sends news to where the station says; nobody waits for the network."""

    def __init__(self, station: Station, clock: Clock) -> None:
        to, self._mails = station.alarm, []
        if to.webhook:
            address = urlsplit(to.webhook)
            self._mails.append(_Mail("webhook", lambda news: _post(address, station, news), clock))
        if to.email and to.smtp:
            server = urlsplit(to.smtp)
            self._mails.append(_Mail("e-mail", lambda news: _mail(server, station, news, clock.now()), clock))

    def report(self, news: News) -> None:
        for mail in self._mails:
            mail.put(news)

    def close(self) -> None:
        """Send nothing more. What is being sent is not waited for."""
        for mail in self._mails:
            mail.close()


class _Mail:
    """One way to people: what waits to be sent, the newest of each key, and a thread that sends it."""

    def __init__(self, name: str, send: Callable[[Sequence[News]], None], clock: Clock) -> None:
        self._name, self._send, self._clock = name, send, clock
        self._waiting: dict[str, News] = {}
        self._changing = Lock()
        self._some, self._closed = Event(), Event()
        Thread(target=self._run, name=name, daemon=True).start()

    def put(self, news: News) -> None:
        with self._changing:
            self._waiting.pop(news.key, None)
            self._waiting[news.key] = news
            if len(self._waiting) > MOST_NEWS:
                del self._waiting[next(iter(self._waiting))]
            self._some.set()

    def close(self) -> None:
        self._closed.set()
        self._some.set()

    def _run(self) -> None:
        pause = PAUSE
        while self._some.wait() and not self._clock.sleep(GATHER, self._closed):
            with self._changing:
                taken, self._waiting = self._waiting, {}
                self._some.clear()
            try:
                self._send(list(taken.values()))
                wait, pause = PAUSE, PAUSE
            except (OSError, HTTPException, ValueError) as error:
                logger.warning(
                    say(
                        "Alarms cannot be sent by {name}: {error}; again in {seconds:.0f} s.",
                        name=self._name,
                        error=str(error),
                        seconds=pause,
                    )
                )
                with self._changing:
                    newest = taken | self._waiting
                    self._waiting = dict(list(newest.items())[-MOST_NEWS:])
                self._some.set()
                wait, pause = pause, min(2 * pause, LONGEST_PAUSE)
            if self._clock.sleep(wait, self._closed):
                return


def _post(address: SplitResult, station: Station, news: Sequence[News]) -> None:
    """To a webhook; `text` is what chat services show."""
    body = {
        "station": station.name,
        "text": f"{station.name}\n{_told(station, news)}",
        "alarms": [
            {
                "key": one.key,
                "what": one.what,
                "next": one.next,
                "since": one.since.astimezone(station.timezone).isoformat(),
                "state": "raised" if one.raised else "cleared",
            }
            for one in news
        ],
    }
    headers = {"Content-Type": "application/json"}
    if address.username:
        named = f"{unquote(address.username)}:{unquote(address.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(named.encode()).decode()}"
    kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
    server = kind(address.hostname or "", address.port, timeout=TIMEOUT)
    try:
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        server.request("POST", target, json.dumps(body), headers)
        answer = server.getresponse()
        if not 200 <= answer.status < 300:
            raise OSError(f"{address.hostname} answers {answer.status} {answer.reason}")
    finally:
        server.close()


def _mail(server: SplitResult, station: Station, news: Sequence[News], now: datetime) -> None:
    """By e-mail, in the name of who signs in at the server, else of the first who is told."""
    user, password = (unquote(one or "") for one in (server.username, server.password))
    sender = user if "@" in user else station.alarm.email[0]
    mail = EmailMessage()
    more = f" (+{len(news) - 1})" if len(news) > 1 else ""
    mail["Subject"] = " ".join(f"{station.name}: {_mark(news[0])} {news[0].what}{more}".split())
    mail["From"], mail["To"] = sender, ", ".join(station.alarm.email)
    mail["Date"], mail["Message-ID"] = format_datetime(now), make_msgid(domain=sender.rpartition("@")[2])
    mail.set_content(_told(station, news))
    context, host = ssl.create_default_context(), server.hostname or ""
    if server.scheme == "smtps":
        line: smtplib.SMTP = smtplib.SMTP_SSL(host, server.port or 465, timeout=TIMEOUT, context=context)
    else:
        line = smtplib.SMTP(host, server.port or 25, timeout=TIMEOUT)
    try:
        if user:
            if server.scheme == "smtp":
                line.starttls(context=context)  # raises where it is not offered: no password goes out bare
            line.login(user, password)
        line.send_message(mail)
    finally:
        with suppress(OSError):  # what was taken is taken, however the server says goodbye
            line.quit()
        line.close()


def _mark(one: News) -> str:
    return "⚠" if one.raised else "✓"


def _told(station: Station, news: Sequence[News]) -> str:
    """A few lines that need no words of ours."""
    lines = []
    for one in news:
        since = one.since.astimezone(station.timezone)
        lines += [f"{_mark(one)} {since:%d/%m/%Y %H:%M:%S} {one.what}"]
        lines += [f"  → {one.next}"] if one.raised else []
    return "\n".join(lines)


# --- the log


class Monotonic(Protocol):
    """What the filter needs of the clock: wall time may be set back for years."""

    def monotonic(self) -> float: ...


class Sparing(logging.Filter):
    """
    Lets the same message through once a minute, with how often it was held back: a log that fills the disk
    helps nobody. It belongs to a handler.
    """

    def __init__(self, clock: Monotonic, every: float = 60.0) -> None:
        super().__init__()
        self._clock, self._every = clock, every
        self._seen: dict[str, tuple[float, int]] = {}  # when it last went through, and held back since
        self._looking = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        message, now = record.getMessage(), self._clock.monotonic()
        with self._looking:
            last, held = self._seen.pop(message, (None, 0))
            if last is not None and now - last < self._every:
                self._seen[message] = (last, held + 1)
                return False
            self._seen[message] = (now, 0)
            if len(self._seen) > MOST_MESSAGES:
                del self._seen[next(iter(self._seen))]
        if held:
            first = record.msg if isinstance(record.msg, Text) and not record.args else message
            more = say("{message} ({held} more since it was last told)", message=first, held=held)
            record.msg, record.args = more, None
        return True
