"""What commands ask of the running daemon: over real sockets, by anybody, in any state."""

import json
import os
import pwd
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from broadcaster.edges import control
from broadcaster.edges.control import LONGEST, Asked, Control, NotRunningError, ask
from broadcaster.model.errors import BroadcasterError, Fault, say
from tests.children import told

Answer = Callable[[Asked], Mapping[str, Any]]
SOON = 2.0  # seconds
NOBODY = pwd.getpwnam("nobody")


@contextmanager
def listening(root: Path, answer: Answer) -> Iterator[None]:
    """A daemon's ear at *root*."""
    ear = Control(root, answer)
    try:
        yield
    finally:
        ear.close()


def echo(asked: Asked) -> Mapping[str, Any]:
    """Tell what was asked, and by whom."""
    return {"verb": asked.verb, "values": asked.values, "by": asked.by, "trusted": asked.trusted}


def send(root: Path, question: bytes) -> bytes:
    """The answer to bytes that need not be a question."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(SOON)
        line.connect(control._address(root))
        with suppress(BrokenPipeError):  # it does not read more than it must
            line.sendall(question)
            line.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError), line.makefile("rb") as file:
            return file.readline()
    return b""


class TestAsk:
    def test_is_answered(self, tmp_path: Path) -> None:
        """The daemon is told the verb and the values, whatever letters they have; its answer comes back."""
        values = {"title": "Nước lũ đang về “Nậm Pố”\n", "clusters": ["nam-po"], "every": 1.5, "until": None}
        with listening(tmp_path, echo):
            answer = ask(tmp_path, "alert", values)
        assert (answer["verb"], answer["values"]) == ("alert", values)

    def test_tells_who_asks(self, tmp_path: Path) -> None:
        """The daemon knows the user at the other end, and trusts its own."""
        with listening(tmp_path, echo):
            answer = ask(tmp_path, "status", {})
        assert answer["by"] == pwd.getpwuid(os.getuid()).pw_name
        assert answer["trusted"] is True

    def test_may_be_long(self, tmp_path: Path) -> None:
        """The words of a long message go through whole."""
        words = "Bà con chú ý. " * 10_000
        with listening(tmp_path, echo):
            assert ask(tmp_path, "alert", {"words": words})["values"] == {"words": words}

    def test_is_answered_in_a_language_that_is_not_chosen_yet(self, tmp_path: Path) -> None:
        """A sentence in an answer travels with its values, so that who asked reads it in their language."""
        what = say("The disk takes nothing: {reason} Broadcasts go on.", reason=say("the disk is full"))
        with listening(tmp_path, lambda _: {"alarms": [{"what": what, "next": say("Make room.")}]}):
            (alarm,) = ask(tmp_path, "status", {})["alarms"]
        assert alarm == {"what": what, "next": say("Make room.")}
        assert alarm["what"].values["reason"].template == "the disk is full"

    def test_may_be_refused(self, tmp_path: Path) -> None:
        """What the daemon refuses is raised where it was asked, with every fault as the daemon said it."""
        faults = [
            Fault("nam-pu", say("The station has no such cluster."), say("Did you mean {x}?", x="nam-po")),
            Fault("", say("An emergency of what words?"), say("Write them: {example}", example=5)),
        ]

        def refuse(_: Asked) -> Mapping[str, Any]:
            raise BroadcasterError(*faults)

        with listening(tmp_path, refuse), pytest.raises(BroadcasterError) as caught:
            ask(tmp_path, "play", {})
        assert list(caught.value.faults) == faults
        assert not isinstance(caught.value, NotRunningError)

    def test_says_when_nobody_listens(self, tmp_path: Path) -> None:
        """Where no daemon runs, or only that of another station, that is said, and how to start it."""
        (tmp_path / "other").mkdir()
        with (
            listening(tmp_path / "other", echo),
            pytest.raises(NotRunningError, match="does not run") as caught,
        ):
            ask(tmp_path, "status", {})
        assert "broadcaster run" in str(caught.value.faults[0].next)

    def test_does_not_wait_for_a_daemon_that_hangs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A daemon that says nothing for so long is an error, and another one than that none runs."""
        monkeypatch.setattr(control, "PATIENCE", 0.2)
        hanging = Event()
        with listening(tmp_path, lambda _: {"over": hanging.wait(SOON)}):
            with pytest.raises(BroadcasterError, match=r"did not answer within 0\.2 s") as caught:
                ask(tmp_path, "status", {})
            hanging.set()
        assert not isinstance(caught.value, NotRunningError)

    def test_finds_a_station_by_any_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A link to the station, or a path from where one stands, means the same daemon."""
        (tmp_path / "dai").mkdir()
        (tmp_path / "link").symlink_to("dai")
        monkeypatch.chdir(tmp_path)
        with listening(tmp_path / "dai", echo):
            for path in (tmp_path / "link", Path("dai"), tmp_path / "dai" / ".." / "link"):
                assert ask(path, "status", {})["verb"] == "status"


class TestControl:
    def test_refuses_a_second_daemon(self, tmp_path: Path) -> None:
        """While one listens another cannot; when it is closed the next one can."""
        for _ in range(2):
            with listening(tmp_path, echo):
                with pytest.raises(BroadcasterError, match="cannot listen"):
                    Control(tmp_path, echo)
                assert ask(tmp_path, "status", {})["verb"] == "status"
            with pytest.raises(NotRunningError):
                ask(tmp_path, "status", {})

    def test_makes_no_file(self, tmp_path: Path) -> None:
        """It needs nothing of the disk."""
        with listening(tmp_path, echo):
            ask(tmp_path, "status", {})
            assert list(tmp_path.iterdir()) == []

    def test_answers_root_though_the_folder_is_gone(self, tmp_path: Path) -> None:
        """A disk that does not answer is no hindrance to the daemon's own user: an emergency goes on air."""
        root = tmp_path / "dai"
        root.mkdir()
        with listening(root, echo):
            root.rmdir()
            assert ask(root, "alert", {})["trusted"] is True

    @pytest.mark.parametrize(
        "question",
        [
            b"",
            b"\n",
            b"GET / HTTP/1.1\r\n",
            b"\xff\xfe\n",
            b"5\n",
            b"[]\n",
            b"{}\n",
            b'{"verb": "clear"}\n',
            b'{"verb": "clear", "values": []}\n',
            b'{"verb": "clear", "values": {}',
            b"[" * 100_000 + b"\n",
            b'{"verb": "' + b"x" * (2 * LONGEST) + b"\n",
        ],
        ids=lambda question: repr(question[:32]),
    )
    def test_refuses_what_it_does_not_understand(
        self, tmp_path: Path, capfd: pytest.CaptureFixture[str], question: bytes
    ) -> None:
        """Bytes that are no question are refused in words, print nothing, and harm nobody."""

        def answer(asked: Asked) -> Mapping[str, Any]:
            return {"ids": asked.values.get("ids"), "verb": asked.verb}

        with listening(tmp_path, answer):
            refusal = send(tmp_path, question)
            if len(question) < LONGEST:
                ((where, what, _),) = json.loads(refusal)["refused"]
                assert (where, what["template"]) == ("", "The question is not understood ({error}).")
            assert ask(tmp_path, "status", {})["verb"] == "status"
        assert capfd.readouterr() == ("", "")

    def test_is_not_held_up_by_a_slow_client(self, tmp_path: Path) -> None:
        """Twenty who connect and say nothing, or not to the end, keep nobody else waiting."""
        with listening(tmp_path, echo), ExitStack() as slow:
            for _ in range(20):
                line = slow.enter_context(socket.socket(socket.AF_UNIX))
                line.connect(control._address(tmp_path))
                line.sendall(b'{"verb": "st')
            begun = time.monotonic()
            assert ask(tmp_path, "status", {})["verb"] == "status"
            assert time.monotonic() - begun < control.PATIENCE - 0.5

    def test_does_not_mind_who_is_gone(self, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
        """Who hangs up before the answer, or was killed, harms nobody."""
        asked_twice = Event()

        def answer(asked: Asked) -> Mapping[str, Any]:
            if asked.verb == "alert":
                asked_twice.wait(SOON)
            return {"verb": asked.verb, "long": "x" * LONGEST}

        with listening(tmp_path, answer):
            with socket.socket(socket.AF_UNIX) as line:
                line.connect(control._address(tmp_path))
                line.sendall(b'{"verb": "alert", "values": {}}\n')
            asked_twice.set()
            with suppress(BroadcasterError):  # its answer is too long
                ask(tmp_path, "status", {})
        assert capfd.readouterr() == ("", "")

    def test_answers_many_at_once(self, tmp_path: Path) -> None:
        """Fifty commands at the same moment are all answered, each with its own answer."""
        with listening(tmp_path, echo), ThreadPoolExecutor(50) as pool:
            answers = list(pool.map(lambda number: ask(tmp_path, "play", {"number": number}), range(50)))
        assert [one["values"]["number"] for one in answers] == [*range(50)]

    def test_is_soon_closed(self, tmp_path: Path) -> None:
        """It does not wait for those who ask slowly."""
        ear = Control(tmp_path, echo)
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(control._address(tmp_path))
            begun = time.monotonic()
            ear.close()
            assert time.monotonic() - begun < SOON / 2


@pytest.mark.skipif(os.getuid() != 0, reason="only root can ask as somebody else")
class TestTrust:
    STRANGER = 54_321  # a user who has no name

    @staticmethod
    def asked_by(root: Path, user: int) -> Any:
        """What the daemon knows of a question that *user* asks."""
        group = NOBODY.pw_gid if user == NOBODY.pw_uid else user
        with listening(root, echo):
            (line,) = told(ASK_AS, control._address(root)[1:], user, group)
        answer = json.loads(line)
        return answer["by"], answer["trusted"]

    def test_of_a_stranger(self, tmp_path: Path) -> None:
        """Any other user may ask, and is not trusted; one without a name is told by number."""
        assert self.asked_by(tmp_path, NOBODY.pw_uid) == ("nobody", False)
        assert self.asked_by(tmp_path, self.STRANGER) == (str(self.STRANGER), False)

    def test_of_the_folders_owner(self, tmp_path: Path) -> None:
        """Whose folder the station is in is trusted, as root is."""
        os.chown(tmp_path, NOBODY.pw_uid, -1)
        assert self.asked_by(tmp_path, NOBODY.pw_uid) == ("nobody", True)
        assert self.asked_by(tmp_path, 0) == ("root", True)

    def test_of_the_folders_group(self, tmp_path: Path) -> None:
        """Who is in the folder's group is trusted if that may write to it, and only then."""
        os.chown(tmp_path, -1, NOBODY.pw_gid)
        tmp_path.chmod(0o750)
        assert self.asked_by(tmp_path, NOBODY.pw_uid) == ("nobody", False)
        tmp_path.chmod(0o770)
        assert self.asked_by(tmp_path, NOBODY.pw_uid) == ("nobody", True)
        assert self.asked_by(tmp_path, self.STRANGER) == (str(self.STRANGER), False)


ASK_AS = """
import os, socket, sys
name, user, group = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.setgroups([])
os.setgid(group)
os.setuid(user)
line = socket.socket(socket.AF_UNIX)
line.connect("\\0" + name)
line.sendall(b'{"verb": "stop", "values": {}}\\n')
print(line.makefile().readline().strip())
"""
