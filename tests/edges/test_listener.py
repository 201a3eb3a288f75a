"""An input is listened at through a child process that can do no harm."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.listener import PATIENCE, RATE, CardListener, open_listener
from broadcaster.model.errors import BroadcasterError
from tests.fakes import FakeClock
from tests.sound_server import SoundServer


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Write programs for a machine that has no others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def write(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return write


def held() -> tuple[set[str], str]:
    """What this process holds: open files, children."""
    children = "".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    return {link.name for link in Path("/proc/self/fd").iterdir()}, children


def hear(listener: CardListener, enough: int) -> bytes:
    """What comes until it is *enough* bytes, or a fault."""
    heard = b""
    for _ in range(300):
        heard += listener.read()
        if len(heard) >= enough or listener.fault is not None:
            return heard
        time.sleep(0.01)
    raise AssertionError(f"{len(heard)} bytes in 3 s")


class TestOpenListener:
    def test_opens_a_sound_card(self, programs: Callable[[str, str], None]) -> None:
        """What a station may write is opened by its name."""
        programs("parec", "exec /bin/sleep 60")
        listener = open_listener("card:hw:1,0", FakeClock())
        listener.close()
        assert isinstance(listener, CardListener)
        assert listener.device == "hw:1,0"

    @pytest.mark.parametrize("spec", ["", "card", "card:", "null", "file:x"])
    def test_refuses_anything_else(self, spec: str) -> None:
        """Anything else is an error that says what is possible."""
        with pytest.raises(BroadcasterError) as error:
            open_listener(spec, FakeClock())
        (fault,) = error.value.faults
        assert fault.where == spec
        assert "card:default" in str(fault.next)


class TestCardListener:
    def test_gives_what_came_and_waits_for_nothing(self, programs: Callable[[str, str], None]) -> None:
        """Every sample comes once; where there is none to be had an empty answer comes at once."""
        programs("parec", "printf abcd; exec /bin/sleep 60")
        before = held()
        listener = CardListener("default", FakeClock())
        assert hear(listener, 4) == b"abcd"
        begun = time.monotonic()
        assert listener.read() == b""
        assert time.monotonic() - begun < 0.1
        listener.close()
        assert listener.read() == b""
        assert listener.fault is None
        assert held() == before

    def test_keeps_half_a_minute(self, programs: Callable[[str, str], None], tmp_path: Path) -> None:
        """Nothing is lost when nobody looks for half a minute."""
        programs("parec", f"/usr/bin/head -c {60 * RATE} /dev/zero; : > {tmp_path}/done; exec /bin/sleep 60")
        listener = CardListener("default", FakeClock())
        try:
            for _ in range(300):
                if (tmp_path / "done").exists():
                    break
                time.sleep(0.01)
            assert len(listener.read()) == 60 * RATE
        finally:
            listener.close()

    @pytest.mark.parametrize(
        ("device", "option"),
        [("default", ""), ("plughw:1,0", "--device=plughw:1,0"), ("hw:1,0", "--device=plughw:1,0")],
    )
    def test_goes_on_to_arecord(
        self, programs: Callable[[str, str], None], tmp_path: Path, device: str, option: str
    ) -> None:
        """Where parec finds no server arecord records, at our rate even from a bare device."""
        programs("parec", "exit 1")
        programs("arecord", f'echo "$@" > {tmp_path}/asked; printf abcd; exec /bin/sleep 60')
        listener = CardListener(device, FakeClock())
        assert hear(listener, 4) == b"abcd"
        listener.close()
        asked = (tmp_path / "asked").read_text().split()
        assert f"{RATE}" in asked
        assert [word for word in asked if "device" in word] == option.split()

    @pytest.mark.usefixtures("programs")
    def test_says_that_no_recorder_is_installed(self) -> None:
        """Without parec and arecord there is a fault at once, with the package to install."""
        assert "alsa-utils" in str(CardListener("default", FakeClock()).fault)

    def test_says_what_each_recorder_said(self, programs: Callable[[str, str], None]) -> None:
        """Where no recorder finds an input the fault has the last words of each."""
        programs("parec", "echo ALSA babble >&2; echo Connection refused >&2; exit 1")
        programs("arecord", "exit 7")
        before = held()
        listener = CardListener("mic", FakeClock())
        assert hear(listener, 1) == b""
        assert "parec: Connection refused; arecord: exit code 7" in str(listener.fault)
        assert listener.fault is not None
        assert listener.fault.where == "card:mic"
        assert held() == before

    def test_survives_a_recorder_that_cannot_be_started(
        self, programs: Callable[[str, str], None], tmp_path: Path
    ) -> None:
        """A recorder that the machine cannot start is a fault like any other."""
        programs("parec", "")
        (tmp_path / "bin" / "parec").write_bytes(b"\x7fELF and no more")
        before = held()
        assert "parec" in str(CardListener("default", FakeClock()).fault)
        assert held() == before

    def test_tells_that_the_input_died(self, programs: Callable[[str, str], None]) -> None:
        """What came before it died is given; there is a fault, and nobody else is tried in the middle."""
        programs("parec", "printf abcd; echo Unplugged >&2; exit 1")
        programs("arecord", "exec /bin/sleep 60")
        listener = CardListener("default", FakeClock())
        assert hear(listener, 5) == b"abcd"
        assert "(Unplugged)" in str(listener.fault)

    @pytest.mark.parametrize("script", ["exec /bin/sleep 60", "printf abcd; exec /bin/sleep 60"])
    def test_gives_up_an_input_that_hangs(self, programs: Callable[[str, str], None], script: str) -> None:
        """Without a sample for three seconds the recorder is ended, and there is a fault."""
        programs("parec", script)
        before, clock = held(), FakeClock()
        listener = CardListener("default", clock)
        time.sleep(0.1)
        listener.read()
        for _ in range(3):
            clock.advance(PATIENCE / 3)
            listener.read()
        assert listener.fault is None
        clock.advance(0.1)
        listener.read()
        assert "3 seconds" in str(listener.fault)
        assert held() == before

    def test_a_long_wait_is_no_hang(self, programs: Callable[[str, str], None]) -> None:
        """An output that gives nothing before it plays, and at which nobody looked: that is not given up."""
        programs("parec", "exec /bin/sleep 60")
        clock = FakeClock()
        listener = CardListener("default", clock)
        for _ in range(3):
            clock.advance(30)
            listener.read()
        assert listener.fault is None
        listener.close()

    @pytest.mark.sound
    @pytest.mark.usefixtures("sound_server")
    def test_hears_a_real_input_in_real_time(self) -> None:
        """At a sound server's monitor a second of sound comes in a second, also while nothing sounds."""
        listener = CardListener("loudspeaker.monitor", SystemClock())
        try:
            hear(listener, 1)
            time.sleep(1)
            assert len(listener.read()) / 2 / RATE == pytest.approx(1, abs=0.25)
        finally:
            listener.close()

    @pytest.mark.sound
    def test_a_server_that_freezes_or_dies_harms_nobody(self, sound_server: SoundServer) -> None:
        """It answers at once and then tells."""
        listeners = [CardListener("loudspeaker.monitor", SystemClock()) for _ in range(2)]
        hear(listeners[0], 1)
        hear(listeners[1], 1)
        sound_server.freeze()
        begun = time.monotonic()
        listeners[0].read()
        listeners[0].close()
        assert time.monotonic() - begun < 0.5
        sound_server.die()
        hear(listeners[1], 10 * RATE)
        assert listeners[1].fault is not None
