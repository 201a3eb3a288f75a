"""A province and its stations as their people use them: by commands, with real processes that are killed."""

import random
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from broadcaster.edges.store import Store, database
from tests.fleet.machines import SCHEDULE, WORDS, Machine, code_for, join_by_hand, province, station, until
from tests.needs import need
from tests.stations import approve, write

__all__ = ["province", "station"]


def state(province: Machine) -> Mapping[str, Any]:
    (one,) = province.told("province", "status")["stations"]
    return one  # type: ignore[no-any-return]


def test_a_province_from_its_beginning_to_a_station_that_is_revoked(
    province: Machine, station: Machine
) -> None:
    """Begun, joined, published, ordered, reported, revoked: by commands alone; no process is left."""
    need("pgrep")
    server = province.run("province", "run")
    until(lambda: "Stations are served" in province.words())
    code, other = code_for(province), Machine(province.root.parent / "xa-khac")
    other.type_in("init", str(other.root), "--area", "03163", "--area-name", "Xã Sín Thầu")
    assert "is for a station in 03160" in other.type_in("station", "join", code, well=False)
    assert "03160 belongs to the province 11" in station.type_in("station", "join", code)
    daemon = station.run("run")
    until(lambda: "daemon runs" in station.words())
    station.type_in("clock", "--right")
    until(lambda: state(province)["how"] == "up")
    assert state(province)["content"] == "none"

    dry = province.told("province", "publish", "--dry-run")
    assert [one["station"] for one in dry] == ["03160"]
    assert "schedules/tin.toml" in dry[0]["added"]
    assert not (station.root / "schedules" / "tin.toml").exists()
    province.type_in("province", "publish", "--yes")
    until((station.root / "schedules" / "tin.toml").exists)
    until(lambda: state(province)["content"] == "new")
    assert "sent this already" in province.type_in("province", "publish", "--yes")
    assert station.told("plan")[0]["schedule"] == "tin"

    began = time.monotonic()
    province.run("province", "alert", "Nước lũ đang về, bà con lên chỗ cao")
    until(lambda: station.told("status")["on_air"])
    assert time.monotonic() - began < 4.0  # of which two are the start of both commands; see benchmarks/
    until(lambda: state(province)["emergencies"])
    until(lambda: any(one["aired"] for one in state(province)["emergencies"]))
    (in_force,) = province.told("province", "status")["emergencies"]
    assert (in_force["stations"], in_force["lacking"]) == (["03160"], [])
    province.type_in("province", "alert", "--clear")
    until(lambda: not station.told("status")["alerts"])

    until(lambda: [one.partition(":")[0] for one in province.rows()] == ["03160"])
    (total,) = [one for one in province.told("log") if one["outcome"] == "aired"]
    assert total["area"] == "03160"
    report = province.type_in("report")
    assert "1" in report
    assert "Xã Mường Nhé" in report or "trung tâm" in report

    daemon.terminate()
    until(lambda: state(province)["how"] == "off")
    daemon = station.run("run")
    until(lambda: state(province)["how"] != "off")
    province.type_in("province", "revoke", "03160")
    until(lambda: "does not let this station in" in station.words())
    assert province.told("province", "status")["stations"] == []
    daemon.kill()
    link = ["pgrep", "-f", "--", f"--station {station.root} .*station link"]
    until(lambda: subprocess.run(link, capture_output=True, check=False).returncode == 1)
    server.terminate()
    assert server.wait(10) == 0


def test_everything_by_hand(province: Machine, station: Machine, tmp_path: Path) -> None:
    """A station that never had a network joins, takes content and reports, by files on a stick."""
    stick = tmp_path / "usb"
    stick.mkdir()
    code_for(province, "--file", str(stick / "moi.json"))
    station.type_in("station", "join", str(stick / "moi.json"))
    station.log(1, 2, 3)
    station.type_in("station", "report", "--pack", str(stick))
    (report,) = stick.glob("*.report")
    assert "3 rows new" in province.type_in("province", "take", str(report))
    assert "0 rows new, 3 known" in province.type_in("province", "take", str(report))
    assert province.rows() == [f"03160:tin@{number}/loa" for number in (1, 2, 3)]
    province.type_in("province", "publish", "--yes")
    province.type_in("province", "pack", str(stick / "noi-dung"))
    station.type_in("station", "unpack", str(stick / "noi-dung"))
    assert (station.root / "schedules" / "tin.toml").read_text("utf-8") == SCHEDULE

    data = bytearray((stick / "noi-dung").read_bytes())
    data[data.index(b"bundles/03160.json") + 60] ^= 1
    (stick / "hong").write_bytes(data)
    station.type_in("station", "unpack", str(stick / "hong"), well=False)
    (stick / "cut").write_bytes(data[:200])
    station.type_in("station", "unpack", str(stick / "cut"), well=False)
    (stick / "khac").write_bytes(report.read_bytes()[:-40])
    province.type_in("province", "take", str(stick / "khac"), well=False)
    assert (station.root / "schedules" / "tin.toml").read_text("utf-8") == SCHEDULE


def test_nothing_is_lost_or_doubled_whoever_is_killed(province: Machine, station: Machine) -> None:
    """Server, province and link are killed at random instants while rows come in: each arrives once."""
    need("pkill")
    chance = random.Random(8)
    join_by_hand(province, station)
    link, hub = station.run("station", "link"), province.run("province", "run")
    logged = 0
    for _ in range(9):
        logged += 1
        station.log(logged)
        time.sleep(chance.uniform(0.05, 0.8))
        victim = chance.choice(["hub", "link", "server"])
        if victim == "server":
            subprocess.run(["pkill", "-KILL", "-P", str(hub.pid)], check=False)
        elif victim == "hub":
            hub.send_signal(signal.SIGKILL)
            hub.wait()
            hub = province.run("province", "run")
        else:
            link.send_signal(signal.SIGKILL)
            link.wait()
            link = station.run("station", "link")
    wanted = sorted(f"03160:tin@{number}/loa" for number in range(1, logged + 1))
    until(lambda: province.rows() == wanted, 60.0)
    with closing(Store(database(province.root / "var"), read_only=True)) as store:
        assert store.verify() == []


def test_both_sides_see_what_the_province_and_the_commune_want_at_once(
    province: Machine, station: Machine
) -> None:
    """The plan's rules decide: what has no room is in the station's plan, and in the province's status."""
    head = (station.root / "schedules" / "station.toml").read_text("utf-8")
    write(
        station.root,
        "schedules/station.toml",
        head.replace("session_minutes = 30", "session_minutes = 1"),
    )
    long = WORDS.replace("{commune.name}", "xã ta " * 60)  # longer than half a minute
    write(station.root, "audio/cua-xa/script.toml", long)
    write(province.root, "audio/tin/script.toml", long)
    write(
        station.root,
        "schedules/cua-xa.toml",
        'class = "priority"\n' + SCHEDULE.replace('"tin"', '"cua-xa"').replace('"11"', '"03160"'),
    )
    approve(station.root)
    approve(province.root)
    join_by_hand(province, station)
    province.run("province", "run")
    station.run("station", "link")
    province.type_in("province", "publish", "--yes")
    until(lambda: state(province)["conflicts"])
    told = {(one["schedule"], one["at"], one["reason"]) for one in state(province)["conflicts"]}
    assert {schedule for schedule, _, _ in told} == {"tin"}
    tomorrow = f"{datetime.now(UTC) + timedelta(hours=7, days=1):%Y-%m-%d}"
    (seen,) = [one for one in station.told("plan", tomorrow) if one["state"] == "displaced"]
    assert (seen["schedule"], seen["at"], seen["reason"]) in told
    assert "tin" in province.type_in("province", "status")
