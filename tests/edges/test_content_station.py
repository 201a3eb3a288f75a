"""What station.toml says of outputs, the amplifier, alarms and the place."""

from pathlib import Path

import pytest

from broadcaster.edges.content import load
from broadcaster.edges.content.station import amplifier_at
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.station import AlarmTo, Amplifier, Station
from tests.stations import STATION, assert_told, refusal, write

FILE = "schedules/station.toml"
HEAD, CLUSTER = STATION.partition("[[cluster]]")[0], STATION.partition("[[cluster]]")[2]


def station_of(root: Path, head: str = "", cluster: str = "", tables: str = "") -> Station:
    write(root, FILE, text_of(head, cluster, tables))
    loaded = load(root)
    assert loaded.faults == []
    return loaded.content.station


def text_of(head: str = "", cluster: str = "", tables: str = "") -> str:
    return f"{head}\n{HEAD}\n{tables}\n[[cluster]]{CLUSTER}\n{cluster}\n"


def test_a_station_that_says_nothing_of_them_has_the_defaults(station: Path) -> None:
    """Without a word, outputs are at full scale and nobody listens, switches, or is told."""
    found = load(station).content.station
    (cluster,) = found.clusters
    assert (cluster.volume, cluster.verify) == (100, "")
    assert (found.amplifier, found.alarm, found.position) == (None, AlarmTo(), None)


def test_a_cluster_has_a_volume_an_input_and_a_side(station: Path) -> None:
    """A cluster's volume, the input it is verified at, and its side of a stereo output are read."""
    cluster = 'sink = "card:hw:1,0#right"\nvolume = 80\nverify = "card:hw:2"'
    (found,) = station_of(station, cluster=cluster).clusters
    assert (found.sink, found.volume, found.verify) == ("card:hw:1,0#right", 80, "card:hw:2")


def test_the_amplifier_is_switched_by_commands(station: Path) -> None:
    """Two commands switch the amplifier, and it has five seconds to warm up where no other time is said."""
    found = station_of(station, tables='[amplifier]\non = "relay on"\noff = "relay off"').amplifier
    assert found == Amplifier("relay on", "relay off", 5.0)


def test_the_amplifier_is_switched_by_a_relay(station: Path) -> None:
    """A relay at a serial port switches the amplifier, with its own time to warm up."""
    found = station_of(station, tables='[amplifier]\nserial = "/dev/ttyUSB0"\nwarm_up = 0.5').amplifier
    assert found == Amplifier(warm_up=0.5, serial="/dev/ttyUSB0")


def test_alarms_go_to_a_webhook_and_by_email(station: Path) -> None:
    """The webhook, those who get e-mail and the server that takes it are read."""
    found = station_of(
        station,
        tables='[alarm]\nwebhook = "https://x.vn/a?b=c"\nemail = ["a.b@x.vn"]\nsmtp = "smtp://[::1]:25"',
    ).alarm
    assert found == AlarmTo("https://x.vn/a?b=c", ("a.b@x.vn",), "smtp://[::1]:25")


@pytest.mark.parametrize("written", ["[22, 102.5]", "[22.0, 102.5]"])
def test_the_station_has_a_position(station: Path, written: str) -> None:
    """A position is latitude and longitude in degrees, whole or not."""
    assert station_of(station, f"position = {written}").position == (22.0, 102.5)


BAD = {
    "louder": (("", "volume = 101"), "[cluster nam-po]", "“volume” is not understood: 101", "the amplifier"),
    "silent": (("", "volume = 0"), "[cluster nam-po]", "“volume” is not understood: 0", "1 to 100"),
    "half": (("", "volume = 0.5"), "[cluster nam-po]", "“volume” is not understood: 0.5", "whole percent"),
    "verify a file": (("", 'verify = "file:x"'), "[cluster nam-po]", "“verify” is not", "card:default"),
    "verify a side": (("", 'verify = "card:x#left"'), "[cluster nam-po]", "“verify” is not", "card:NAME"),
    "the middle": (("", 'sink = "card:x#middle"'), "[cluster nam-po]", "“sink” is not", "card:NAME#left"),
    "a side of null": (("", 'sink = "null#left"'), "[cluster nam-po]", "“sink” is not", "card:NAME#left"),
    "the whole machine": (("", 'sink = "file:/etc"'), "[cluster nam-po]", "“sink” is not", "file:FOLDER"),
    "above": (("", 'sink = "file:../x"'), "[cluster nam-po]", "“sink” is not", "file:FOLDER"),
    "no off": (("", "", '[amplifier]\non = "x"'), "[amplifier]", "“off” is missing", "a command"),
    "empty command": (
        ("", "", '[amplifier]\non = "\'\' x"\noff = "x"'),
        "[amplifier]",
        "“on” is not",
        "a command",
    ),
    "unknown key": (
        ("", "", '[amplifier]\nserail = 1\nserial = "/dev/x"'),
        "[amplifier]",
        "“serail” is not known",
        "“serial”",
    ),
    "open quote": (
        ("", "", '[amplifier]\non = "x \'y"\noff = "x"'),
        "[amplifier]",
        "“on” is not understood",
        "a command",
    ),
    "both": (
        ("", "", '[amplifier]\non = "x"\noff = "x"\nserial = "/dev/ttyUSB0"'),
        "[amplifier]",
        "by commands and by a serial port",
        "keep “serial”",
    ),
    "port of Windows": (("", "", '[amplifier]\nserial = "COM3"'), "[amplifier]", '"COM3"', "/dev/ttyUSB0"),
    "long warming up": (
        ("", "", '[amplifier]\nserial = "/dev/x"\nwarm_up = 61'),
        "[amplifier]",
        "“warm_up” is not understood: 61",
        "0 to 60",
    ),
    "a word": (('amplifier = "on"',), "", '“amplifier” is not understood: "on"', "a table"),
    "no server": (("", "", '[alarm]\nemail = "a@x.vn"'), "[alarm]", "“email” needs “smtp”", "Write both"),
    "nobody": (("", "", '[alarm]\nsmtp = "smtp://x"'), "[alarm]", "“smtp” needs “email”", "Write both"),
    "no mailbox": (
        ("", "", '[alarm]\nemail = ["a@x.vn>, <b"]\nsmtp = "smtp://x"'),
        "[alarm]",
        "“email” is not understood",
        "ten@xa.vn",
    ),
    "other web": (("", "", '[alarm]\nwebhook = "ftp://x"'), "[alarm]", "“webhook” is not", "https://"),
    "no host": (("", "", '[alarm]\nwebhook = "https:///x"'), "[alarm]", "“webhook” is not", "https://"),
    "space": (("", "", '[alarm]\nwebhook = "https://x/a b"'), "[alarm]", "“webhook” is not", "https://"),
    "no port": (("", "", '[alarm]\nwebhook = "https://x:99999"'), "[alarm]", "“webhook” is not", "https://"),
    "swapped": (("position = [102.5, 22.0]",), "", "“position” is not understood: [102.5, 22.0]", "latitude"),
    "one number": (("position = [22.0]",), "", "“position” is not understood: [22.0]", "latitude"),
    "truth": (("position = [true, 22.0]",), "", "“position” is not understood: [true, 22.0]", "latitude"),
    "nowhere": (("position = [nan, nan]",), "", "“position” is not understood: [nan, nan]", "latitude"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_told_with_the_next_step(station: Path, name: str) -> None:
    """Each thing wrong there refuses the station with one fault, which says how to mend it."""
    parts, place, what, following = BAD[name]
    write(station, FILE, text_of(*parts))
    assert_told(refusal(station), f"{FILE} {place}".rstrip(), what, following)


def test_all_that_is_wrong_is_told_at_once(station: Path) -> None:
    """An amplifier, an alarm and a cluster that are all wrong are three faults of one reading."""
    write(station, FILE, text_of("", "volume = 200", "[amplifier]\n[alarm]\nwebhook = 1"))
    with pytest.raises(BroadcasterError) as error:
        load(station)
    places = {fault.where.partition(" ")[2] for fault in error.value.faults}
    assert places == {"[amplifier]", "[alarm]", "[cluster nam-po]"}


SECRET = "geheim"  # noqa: S105 - a stand-in
LEAKS = {
    "no such scheme": f'[alarm]\nemail = "a@x.vn"\nsmtp = "imap://u:{SECRET}@x"',
    "no scheme": f'[alarm]\nemail = "a@x.vn"\nsmtp = "u:{SECRET}@x"',
    "two signs": f'[alarm]\nemail = "a@x.vn"\nsmtp = "smtps://u:a@{SECRET} @x"',
    "other key": f'[alarm]\nsmpt = "smtps://u:{SECRET}@x"',
    "other place": f'[alarm]\nemail = "smtps://u:{SECRET}@x"\nsmtp = "smtp://x"',
    "as a list": f'[alarm]\nemail = "a@x.vn"\nsmtp = ["smtps://u:{SECRET}@x"]',
    "no table": f'[[alarm]]\nsmtp = "smtps://u:{SECRET}@x"',
    "inline": f'[alarm.x]\ny = {{ smtp = "smtps://u:{SECRET}@x" }}',
    "open quote": f'[alarm]\nsmtp = "smtps://u:{SECRET}@x',
    "no quotes": f"[alarm]\nsmtp = u:{SECRET}@x",
    "quote inside": f'[alarm]\nsmtp = "smtps://u:"{SECRET}@x"',
    "webhook": f'[alarm]\nwebhook = "ftp://x/{SECRET}"',
}


@pytest.mark.parametrize("name", LEAKS)
def test_a_password_is_never_shown(station: Path, name: str) -> None:
    """Whatever is wrong with the lines that hold a password, no message shows it."""
    write(station, FILE, text_of(tables=LEAKS[name]))
    with pytest.raises(BroadcasterError) as error:
        load(station)
    assert SECRET not in str(error.value)


RELAY = '[amplifier]\nserial = "/dev/ttyUSB0"\n'


@pytest.mark.parametrize(
    "text",
    [
        RELAY,
        text_of(tables=RELAY),
        text_of("name = 5", "volume = 1000", RELAY).replace('name = "Đài mẫu"', ""),
        RELAY + "[[cluster]]\nid = 5\nlanguages = []",
    ],
    ids=["alone", "whole", "name", "cluster"],
)
def test_the_amplifier_is_known_whatever_else_is_wrong(tmp_path: Path, text: str) -> None:
    """Only [amplifier] matters for switching it: no areas, no schedules, and nothing else in station.toml."""
    write(tmp_path, FILE, text)
    assert amplifier_at(tmp_path, tmp_path / "kept") == Amplifier(serial="/dev/ttyUSB0")


def test_the_amplifier_is_as_it_last_was_where_it_cannot_be_read(tmp_path: Path) -> None:
    """A broken station.toml, or a broken [amplifier], is answered with the one that was kept."""
    write(tmp_path / "kept", FILE, RELAY)
    for broken in ("[[", "[amplifier]\nserial = 5", '[amplifier]\non = "x"'):
        write(tmp_path, FILE, broken)
        assert amplifier_at(tmp_path, tmp_path / "kept") == Amplifier(serial="/dev/ttyUSB0")
    (tmp_path / FILE).unlink()
    assert amplifier_at(tmp_path, tmp_path / "kept") == Amplifier(serial="/dev/ttyUSB0")


def test_no_amplifier_is_no_fault(tmp_path: Path) -> None:
    """A station that says nothing of an amplifier has none, whatever was kept of it."""
    write(tmp_path / "kept", FILE, RELAY)
    write(tmp_path, FILE, HEAD)
    assert amplifier_at(tmp_path, tmp_path / "kept") is None


def test_an_amplifier_that_nobody_can_read_is_a_fault(tmp_path: Path) -> None:
    """Where neither can be read it is said what is wrong with the present one, and on which line."""
    write(tmp_path, FILE, "[amplifier]\nwarm_up = 5\nserial = 5")
    with pytest.raises(BroadcasterError) as error:
        amplifier_at(tmp_path, tmp_path / "kept")
    (fault,) = error.value.faults
    assert fault.place == f"{FILE}:3 [amplifier]"
