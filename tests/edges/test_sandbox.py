"""Whatever a child does, the asker has an answer or a reason, and the next question is answered."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE
from time import perf_counter

import pytest

from broadcaster.edges.sandbox import Sandbox, SandboxError
from tests.children import ROOT, child

PATIENCE = 20.0  # seconds; a busy machine is slow
CHILD = "tests.misbehaving"

ASK_AND_WAIT = f"""
import sys
from broadcaster.edges.sandbox import Sandbox
sandbox = Sandbox("{CHILD}")
print(sandbox.ask({{"do": "pid"}}, {PATIENCE})["pid"], flush=True)
sandbox.ask({{"do": sys.argv[1]}}, {PATIENCE})
"""


@pytest.fixture(scope="module")
def shared() -> Iterator[Sandbox]:
    with Sandbox(CHILD) as sandbox:
        yield sandbox


def reason(sandbox: Sandbox, what: str, seconds: float = PATIENCE, **more: object) -> str:
    """Why the child does not answer *what*; it answers the next question."""
    with pytest.raises(SandboxError) as error:
        sandbox.ask({"do": what} | more, seconds)
    (fault,) = error.value.faults
    assert not fault.where
    assert "Record it again" in str(fault.next)
    assert sandbox.ask({"do": "nothing"}, PATIENCE)["do"] == "nothing"
    return str(fault.what)


class TestSandbox:
    def test_answers(self, shared: Sandbox) -> None:
        """What was asked comes back answered, names that are no text and line breaks in them included."""
        for name in ("lời chào.mp3", 'a\n"b".wav', "\udcff.wav", "a" * 200_000):
            assert shared.ask({"do": "nothing", "name": name}, PATIENCE)["name"] == name

    def test_keeps_its_child(self, shared: Sandbox) -> None:
        """One child answers many questions, and a question costs under a millisecond."""
        first = shared.ask({"do": "pid"}, PATIENCE)["pid"]
        took = []
        for _ in range(50):
            before = perf_counter()
            assert shared.ask({"do": "pid"}, PATIENCE)["pid"] == first
            took.append(perf_counter() - before)
        assert min(took) < 0.001

    def test_stands_in_no_folder_of_the_user(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file in the folder where the user stands is never run as a module of the child."""
        (tmp_path / "json.py").write_text("raise SystemExit")
        monkeypatch.chdir(tmp_path)
        with Sandbox(CHILD) as sandbox:
            assert sandbox.ask({"do": "nothing"}, PATIENCE)["folder"] != str(tmp_path)

    @pytest.mark.parametrize(
        ("what", "seconds", "words"),
        [
            ("sleep", 0.2, "too long"),
            ("spin", 0.2, "too long"),
            ("eat", PATIENCE, "too much memory"),
            ("be killed", PATIENCE, "too much memory"),
            ("crash", PATIENCE, "crashes the decoder"),
            ("exit", PATIENCE, "crashes the decoder"),
            ("say garbage", PATIENCE, "crashes the decoder"),
            ("say much", PATIENCE, "crashes the decoder"),
            ("fail", PATIENCE, "fails on it: ValueError: no such thing"),
            ("answer what is no JSON", PATIENCE, "fails on it: TypeError"),
            ("open files", PATIENCE, "fails on it: OSError"),
        ],
    )
    def test_says_why_there_is_no_answer(
        self, shared: Sandbox, what: str, seconds: float, words: str
    ) -> None:
        """A child that hangs, swells, crashes or talks nonsense is told in words, and replaced."""
        shared.ask({"do": "nothing"}, PATIENCE)  # it runs: its start has time of its own
        assert words in reason(shared, what, seconds)

    def test_writes_no_endless_file(self, shared: Sandbox, tmp_path: Path) -> None:
        """A child that writes without an end is stopped before the disk is full."""
        assert "fails on it: OSError" in reason(shared, "write", to=str(tmp_path / "much"))

    def test_replaces_a_child_that_died_between_questions(self, shared: Sandbox) -> None:
        """A child that somebody ended while nothing was asked costs no answer."""
        first = shared.ask({"do": "pid"}, PATIENCE)["pid"]
        os.kill(first, signal.SIGKILL)
        assert gone(first)
        assert shared.ask({"do": "pid"}, PATIENCE)["pid"] != first

    def test_blames_no_file_for_another(self, shared: Sandbox) -> None:
        """A child that was swollen by one question is replaced, and the next is answered all the same."""
        for _ in range(3):
            assert shared.ask({"do": "swell"}, PATIENCE)["do"] == "swell"

    def test_hears_no_library(self, shared: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
        """What a library prints is no answer, and does not reach the user."""
        assert shared.ask({"do": "print"}, PATIENCE)["do"] == "print"
        assert shared.ask({"do": "complain"}, PATIENCE)["do"] == "complain"
        assert capfd.readouterr() == ("", "")

    def test_is_shared_by_threads(self, shared: Sandbox) -> None:
        """Questions that threads ask at the same time are answered each to its own asker, by one child."""
        with ThreadPoolExecutor(8) as threads:
            answers = list(
                threads.map(lambda one: shared.ask({"do": "pid", "name": one}, PATIENCE), range(200))
            )
        assert [one["name"] for one in answers] == list(range(200))
        assert len({one["pid"] for one in answers}) == 1

    def test_outlives_the_thread_that_first_asked(self) -> None:
        """The child stays when the thread ends in which it was started."""
        with Sandbox(CHILD) as sandbox:
            with ThreadPoolExecutor(1) as thread:
                first = thread.submit(sandbox.ask, {"do": "pid"}, PATIENCE).result()["pid"]
            assert sandbox.ask({"do": "pid"}, PATIENCE)["pid"] == first

    def test_is_interrupted(self, shared: Sandbox) -> None:
        """After Ctrl-C the late answer of one question is not taken for that of the next."""
        shared.ask({"do": "nothing"}, PATIENCE)
        before = signal.signal(signal.SIGALRM, signal.default_int_handler)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(KeyboardInterrupt):
                shared.ask({"do": "sleep"}, PATIENCE)
        finally:
            signal.signal(signal.SIGALRM, before)
        assert shared.ask({"do": "nothing"}, PATIENCE)["do"] == "nothing"

    def test_leaves_no_child_behind(self) -> None:
        """When it is closed its child is gone; closing twice, or what was never asked, is no error."""
        with Sandbox(CHILD) as sandbox:
            sandbox.close()
            pid = sandbox.ask({"do": "pid"}, PATIENCE)["pid"]
        assert gone(pid)
        sandbox.close()


class TestServe:
    @pytest.mark.parametrize("busy", ["sleep", "spin", "nothing"])
    def test_ends_with_its_parent(self, busy: str) -> None:
        """When the asking process is killed, its child ends at once, whether it works, hangs or waits."""
        with child(ASK_AND_WAIT, busy) as asking:
            assert asking.stdout
            pid = int(asking.stdout.readline())
            asking.kill()
            asking.wait()
            assert gone(pid)

    def test_limits_the_time_of_the_processor(self) -> None:
        """A child that nobody watches any more still ends: the kernel counts its seconds."""
        with subprocess.Popen([sys.executable, "-m", CHILD], stdin=PIPE, stdout=PIPE, cwd=ROOT) as serving:
            assert serving.stdin
            serving.stdin.write(b'{"do": "spin", "seconds": 0.1}\n')
            serving.stdin.flush()
            assert serving.wait(PATIENCE) == -signal.SIGXCPU

    def test_answers_a_pipe_that_is_closed(self) -> None:
        """All questions are answered, line by line, though their sender is done; then the child ends."""
        run = subprocess.run(
            [sys.executable, "-m", CHILD],
            input=b'{"do": 1}\nno question\n[]\n{"do": 2}\n',
            stdout=PIPE,
            cwd=ROOT,
            check=True,
        )
        answers = [json.loads(line) for line in run.stdout.splitlines()]
        assert [one.get("do") for one in answers] == [1, None, None, 2]
        assert [one["error"].split(":")[0] for one in answers[1:3]] == ["JSONDecodeError", "TypeError"]


def gone(pid: int) -> bool:
    """Does the process end?"""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], PATIENCE)[0])
    finally:
        os.close(watched)
