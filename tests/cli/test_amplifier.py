"""`broadcaster amplifier on|off`."""

import pytest

from tests.cli.terminal import STATION, Terminal


def with_amplifier(type_in: Terminal, on: str = "true", off: str = "true") -> None:
    type_in.write("schedules/station.toml", f'{STATION}\n[amplifier]\non = "{on}"\noff = "{off}"\n')


def test_the_amplifier_is_switched_by_hand(type_in: Terminal) -> None:
    """Both commands run what station.toml says, and say what they did."""
    lamp = type_in.station / "lamp"
    with_amplifier(type_in, f"touch {lamp}", f"rm {lamp}")
    assert type_in("amplifier", "on").out == "The amplifier is on.\n"
    assert lamp.exists()
    assert type_in("amplifier", "off").out == "The amplifier is off.\n"
    assert not lamp.exists()


@pytest.mark.parametrize("verb", ["on", "off"])
def test_a_switch_that_fails_says_why(type_in: Terminal, verb: str) -> None:
    """A command that fails is a fault with the next step, and exit code 1."""
    with_amplifier(type_in, "false", "false")
    said = type_in.fault("amplifier", verb)
    assert f"cannot be switched {verb}: false ended with 1." in said
    assert f"try it: broadcaster amplifier {verb}." in said


@pytest.mark.parametrize("verb", ["on", "off"])
def test_a_station_without_an_amplifier_has_nothing_to_switch(type_in: Terminal, verb: str) -> None:
    """Without [amplifier] nothing is switched, and that is no fault: systemd always asks."""
    said = type_in("amplifier", verb)
    assert said.code == 0
    assert said.out.startswith("This station switches no amplifier")


def test_it_is_switched_off_with_broken_content(type_in: Terminal) -> None:
    """Neither broken areas nor a broken cluster keep the amplifier on."""
    lamp = type_in.station / "lamp"
    lamp.touch()
    with_amplifier(type_in, "true", f"rm {lamp}")
    type_in.write("schedules/areas.toml", "[[")
    text = (type_in.station / "schedules/station.toml").read_text()
    type_in.write("schedules/station.toml", text.replace('area = "03160"\n', "area = 5\n"))
    assert type_in("amplifier", "off").code == 0
    assert not lamp.exists()
