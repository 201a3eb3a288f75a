"""A small station on disk, in which nothing is wrong until a test spoils it."""

import re
from pathlib import Path

import pytest

from broadcaster.edges.content import Loaded, load
from broadcaster.model.errors import BroadcasterError, Fault
from broadcaster.model.occurrence import State
from broadcaster.model.plan import plan
from tests.factories import at, make_approvals

STATION = """
name = "Đài mẫu"
area = "03160"

[hours]
allowed = [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]

[[cluster]]
id = "nam-po"
name = "Bản Nậm Pố"
area = "03160/nam-po"
languages = ["vi", "hmn-Latn-VN"]
"""

AREAS = """
[[area]]
code = "11"
name = "Tỉnh Điện Biên"
kind = "province"
from = 2025-07-01

[[area]]
code = "03160"
name = "Xã Mường Nhé"
kind = "commune"
from = 2025-07-01
parent = "11"
collection_point = "Bưu điện xã"

[[area]]
code = "03160/nam-po"
name = "Bản Nậm Pố"
kind = "village"
from = 2025-07-01
parent = "03160"
"""

SCHEDULE = """
title = "Tin"
script = "tin"
areas = ["11"]

[[rule]]
times = [17:30:00]
"""

SCRIPT = """
title = "Tin"

[[item]]
id = "loi-chao"

[item.text]
vi = "Kính thưa bà con {area.name}!"

[[item]]
id = "ket"

[item.text]
vi = "Xin cảm ơn bà con."
"""


def write(station: Path, name: str, text: str | bytes) -> Path:
    path = station / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def build(station: Path) -> Path:
    """A station with one of each, in which nothing is wrong."""
    write(station, "schedules/station.toml", STATION)
    write(station, "schedules/areas.toml", AREAS)
    write(station, "schedules/tin.toml", SCHEDULE)
    write(station, "audio/tin/script.toml", SCRIPT)
    write(station, "audio/tin/recordings/hmn-Latn-VN/ket.mp3", b"not decoded here")
    write(station, "audio/chimes/mo-dau.flac", b"")
    write(station, "audio/beds/nen.flac", b"")
    approve(station)
    return station


def approve(station: Path) -> None:
    """Vouch for all that is there now."""
    content = load(station).content
    for name, script in content.scripts.items():
        lines = make_approvals(script, content.recordings).history
        write(station, f"audio/{name}/approvals.jsonl", "".join(f"{one.line}\n" for one in lines))


def only_fault(station: Path) -> Fault:
    """The one fault of a station; the rest of it airs as if nothing were wrong."""
    loaded = load(station)
    (fault,) = loaded.faults
    assert airs(loaded)
    return fault


def refusal(station: Path) -> Fault:
    """The one fault for which a station is refused."""
    with pytest.raises(BroadcasterError) as error:
        load(station)
    (fault,) = error.value.faults
    return fault


def airs(loaded: Loaded) -> bool:
    """Does the schedule that nothing is wrong with sound?"""
    day = plan(loaded.content, {}, at("2026-11-20"), at("2026-11-21"))
    return any(one.schedule == "tin" and one.state is State.PLANNED for one in day)


def assert_told(fault: Fault, where: str, what: str, following: str) -> None:
    assert re.sub(r":\d+$", "", fault.where) == where  # a line may be named
    assert what in str(fault.what)
    assert following in str(fault.next)
