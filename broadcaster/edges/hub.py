"""The province's server: a nats-server, its configuration, and who may say what to whom."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broadcaster.model.errors import BroadcasterError, Fault, say

MOST = 20_000  # connections: a whole country's stations twice; each needs a file handle
STREAMS = "streams"  # where it keeps what was sent, below its folder
LAST_WORDS = 4  # lines of its log


@dataclass(frozen=True)
class Peer:
    """Somebody who may connect, and the subjects that they may send to and hear."""

    sends: Sequence[str]
    hears: Sequence[str]
    key: str = ""  # public; a device that speaks MQTT has a name and password instead
    name: str = ""
    password: str = ""


@dataclass(frozen=True)
class Served:
    """Where the server listens, and what it keeps."""

    host: str  # where it listens
    port: int
    mqtt: int | None = None


class Hub:
    """The server's folder, and the process while it runs."""

    def __init__(self, folder: Path, put: Callable[[Path, bytes], None]) -> None:
        """*put* writes a file that is whole or not there."""
        self.folder, self._put = folder, put
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "server.log"

    def write(self, name: str, served: Served, certificate: bytes, key: bytes) -> None:
        """Write what the server reads at its start."""
        self._put(self.folder / "server.pem", certificate)
        self._put(self.folder / "server.key", key)
        tls = {"cert_file": "server.pem", "key_file": "server.key", "timeout": 60}
        config: dict[str, Any] = {
            "server_name": name,
            "host": served.host,
            "port": served.port,
            "max_connections": MOST,
            "ping_interval": "30s",
            "tls": tls,
            # By default what was acknowledged is on the disk two minutes later.
            "jetstream": {"store_dir": STREAMS, "sync_interval": "always"},
            "authorization": {"timeout": 60},
        }
        if served.mqtt is not None:
            config["mqtt"] = {"host": served.host, "port": served.mqtt, "tls": tls}
        text = json.dumps(config, indent=2)
        include = '"timeout": 60,\n    include "users.conf"\n  }'
        head, _, tail = text.rpartition('"authorization": {\n    "timeout": 60\n  }')
        self._put(self.folder / "server.conf", f'{head}"authorization": {{\n    {include}{tail}'.encode())

    def admit(self, peers: Sequence[Peer]) -> None:
        """Let these in and nobody else; who is connected and is not among them is cut off."""
        users = [_user(one) for one in peers]
        text = f"users = {json.dumps(users, indent=1)}\n".encode()
        path = self.folder / "users.conf"
        if not path.exists() or path.read_bytes() != text:
            self._put(path, text)
            if self.runs and self._process is not None:
                self._process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        """Raises BroadcasterError if there is no server to start."""
        program = _program()
        if program is None:
            raise BroadcasterError(
                Fault(
                    "nats-server",
                    say("The server of the province is not installed."),
                    say("Install it: pip install 'broadcaster[province]', or nats-server from nats.io."),
                )
            )
        # It must not outlive us: the next one would find its port taken. As `setpriv` does it, without that.
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program, "--config", "server.conf", "--ports_file_dir", "."],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - started before there are threads that hold locks
            )

    def forget(self) -> None:
        """End it, and throw away what it kept: a power cut may have left what it cannot read."""
        self.close()
        shutil.rmtree(self.folder / STREAMS, ignore_errors=True)
        with suppress(OSError):
            (self.folder / STREAMS).unlink()

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def last_words(self) -> str:
        with suppress(OSError):
            return " ".join(self._log.read_text("utf-8", "replace").splitlines()[-LAST_WORDS:])
        return ""

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def _program() -> str | None:
    """The one beside our Python, which a virtual environment has without being entered, or on the path."""
    beside = Path(sys.executable).with_name("nats-server")
    return str(beside) if beside.exists() else shutil.which("nats-server")


def _die_with_parent() -> None:
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def _user(peer: Peer) -> Mapping[str, Any]:
    who = {"nkey": peer.key} if peer.key else {"user": peer.name, "password": peer.password}
    kind = "STANDARD" if peer.key else "MQTT"
    return {
        **who,
        "permissions": {"publish": list(peer.sends), "subscribe": list(peer.hears)},
        "allowed_connection_types": [kind],
    }
