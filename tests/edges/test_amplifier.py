"""The amplifier's switch: commands, and a relay at a serial port that a pseudo-terminal stands in for."""

import os
import pty
import select
import signal
import termios
import tty
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from broadcaster.edges.amplifier import Switch
from broadcaster.model.errors import Fault
from broadcaster.model.station import Amplifier


def switch(on: str = "true", off: str = "true", **given: float) -> Switch:
    return Switch(Amplifier(on, off), **given)


def told(fault: Fault | None) -> str:
    """What the fault says; there is one, with a next step."""
    assert fault is not None
    assert fault.where == "schedules/station.toml [amplifier]"
    assert "broadcaster amplifier o" in str(fault.next)
    return str(fault.what)


def test_each_command_switches_its_way(tmp_path: Path) -> None:
    """On and off run a command each, whose words are split as a shell would, without a shell."""
    both = switch(f"cp /dev/null '{tmp_path}/it is on;'", f"rm '{tmp_path}/it is on;'")
    assert both.on() is None
    assert [path.name for path in tmp_path.iterdir()] == ["it is on;"]
    assert both.off() is None
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_fails_is_told_with_its_last_words() -> None:
    """The exit code and the last line that the command said stand in the fault."""
    said = told(switch(on="sh -c 'echo one >&2; echo no such relay >&2; exit 3'").on())
    assert said == "The amplifier cannot be switched on: sh says “no such relay” (3)."


def test_a_command_that_fails_without_a_word_is_told_by_its_code() -> None:
    """A command that says nothing is told by its exit code alone."""
    assert told(switch(off="false").off()) == "The amplifier cannot be switched off: false ended with 1."


def test_long_last_words_are_cut_and_made_fit_to_print() -> None:
    """Of endless or binary words, the end of the last line is told."""
    said = told(switch(on="sh -c 'printf \"%05000d\\033[31m!\" 0 >&2; exit 1'").on())
    assert said.endswith("0 [31m!” (1).")
    assert len(said) < 300


@pytest.mark.parametrize("command", ["/nowhere/relay on", "relay-that-is-not-there on"])
def test_a_command_that_is_not_there_is_a_fault(command: str) -> None:
    """A program that is not there is named."""
    said = told(switch(on=command).on())
    assert said == f"The amplifier cannot be switched on: {command}: it is not there."


def test_a_command_that_may_not_be_run_is_a_fault(tmp_path: Path) -> None:
    """A file that is no program is a fault, not a traceback."""
    path = tmp_path / "relay"
    path.write_text("")
    assert told(switch(on=str(path)).on()).endswith("relay: this user may not.")


@pytest.mark.parametrize("command", ["relay 'on", "relay \0"])
def test_a_command_that_makes_no_sense_is_a_fault(command: str) -> None:
    """Even what the content would never let through raises nothing."""
    told(switch(on=command).on())


def test_a_command_that_hangs_is_killed_with_all_it_started(tmp_path: Path) -> None:
    """A command that does not end is killed after its time, and its children with it."""
    pids = tmp_path / "pids"
    hangs = switch(on=f"sh -c 'sleep 60 & echo $$ $! >{pids}; trap \"\" TERM; wait; sleep 60'", patience=0.3)
    assert told(hangs.on()).endswith("sh did not end within 0.3 s and was killed.")
    shell, child = map(int, pids.read_text().split())
    with pytest.raises(ProcessLookupError):
        os.kill(shell, 0)
    assert _has_ended(child)


def _has_ended(pid: int, within: float = 5.0) -> bool:
    """Has that process ended, or does it within these seconds?"""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], within)[0])
    finally:
        os.close(process)


def test_what_a_command_leaves_in_the_background_goes_on(tmp_path: Path) -> None:
    """A command that stays in the background, as to hold a pin, is neither waited for nor killed."""
    pid = tmp_path / "pid"
    assert switch(on=f"sh -c 'sleep 60 & echo $! >{pid}'", patience=2.0).on() is None
    left = int(pid.read_text())
    try:
        assert not _has_ended(left, within=0)
    finally:
        os.kill(left, signal.SIGKILL)


# --- a relay at a serial port


@pytest.fixture
def line() -> Iterator[tuple[int, str]]:
    """The relay's end of a serial line, and the name of the other end."""
    ours, theirs = pty.openpty()
    tty.setraw(ours)
    os.set_blocking(ours, False)
    yield ours, os.ttyname(theirs)
    os.close(theirs)
    with suppress(OSError):
        os.close(ours)


def test_a_relay_is_switched_by_its_four_bytes(line: tuple[int, str]) -> None:
    """On and off are what the common USB relay boards understand, byte by byte."""
    relay, port = line
    switch = Switch(Amplifier(serial=port))
    assert switch.on() is None
    assert os.read(relay, 100) == b"\xa0\x01\x01\xa2"
    assert switch.off() is None
    assert os.read(relay, 100) == b"\xa0\x01\x00\xa1"


def test_the_line_is_set_as_the_relay_wants_it(line: tuple[int, str]) -> None:
    """9600 baud, eight bits, no parity, and no byte is changed on its way."""
    relay, port = line
    Switch(Amplifier(serial=port)).on()
    incoming, outgoing, control, local, *speeds, _ = termios.tcgetattr(relay)
    assert speeds == [termios.B9600, termios.B9600]
    assert (incoming, outgoing & termios.OPOST, local) == (0, 0, 0)
    assert control & (termios.CSIZE | termios.PARENB | termios.CSTOPB) == termios.CS8


def test_a_relay_that_was_pulled_out_is_a_fault() -> None:
    """A port that is not there is told by its name."""
    said = told(Switch(Amplifier(serial="/dev/ttyUSB99")).on())
    assert said == "The amplifier cannot be switched on: /dev/ttyUSB99: it is not there."


def test_a_file_is_no_serial_port(tmp_path: Path) -> None:
    """A file under the name of the port is told, and not written to."""
    path = tmp_path / "ttyUSB0"
    path.write_text("")
    assert told(Switch(Amplifier(serial=str(path))).off()).endswith("does not behave as a serial port.")
    assert path.read_text() == ""


def test_a_relay_that_takes_nothing_is_a_fault_and_holds_nobody(line: tuple[int, str]) -> None:
    """A line on which nothing moves is given up after the patience, and closes at once."""
    _, port = line
    theirs = os.open(port, os.O_RDWR | os.O_NOCTTY)
    termios.tcflow(theirs, termios.TCOOFF)
    said = told(Switch(Amplifier(serial=port), patience=0.2).on())
    assert said.endswith("took nothing for 0.2 s.")
    os.close(theirs)
