"""A province and its stations over a real nats-server, TLS and keys included."""

import asyncio
import json
import os
import shutil
import signal
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from broadcaster.edges import keys
from broadcaster.edges.store import Store, database
from broadcaster.edges.wire import UnreachableError, Wire, connect
from broadcaster.fleet import hub
from broadcaster.fleet import membership as members
from broadcaster.fleet.overview import overview
from broadcaster.fleet.receiving import Receiving
from broadcaster.model.airing import Outcome
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.order import InForce
from tests.factories import make_airing
from tests.fleet.provinces import NOW, FakeStation, Running, province, publish, until
from tests.stations import build, write


def log(running: Running, name: str, *numbers: int) -> None:
    with closing(Store(database(running.station_root(name) / "var"))) as store:
        for number in numbers:
            one = replace(
                make_airing(), occurrence=f"tin@{number}/loa", area=f"{name[:5]}/ban", station_area=name[:5]
            )
            store.end(replace(one, outcome=Outcome.AIRED))


def run(test: Any) -> None:
    asyncio.run(test)


class TestContent:
    def test_reaches_a_station_whole(self, tmp_path: Path) -> None:
        """What concerns the station's areas lies in its folder; what does not, not."""

        async def test() -> None:
            async with province(tmp_path) as one:
                write(
                    one.root,
                    "schedules/khac.toml",
                    'title = "Khác"\nscript = "tin"\nareas = ["03163"]\n[[rule]]\ntimes = [17:30:00]\n',
                )
                one.join("03160")
                station = one.station_root("03160")
                shutil.rmtree(station / "audio")
                (station / "schedules" / "tin.toml").unlink()
                one.switch_on("03160")
                revision = publish(one.registry, one.root)
                await until(lambda: Receiving(station).revision == revision)
                assert (station / "schedules" / "tin.toml").read_bytes() == (
                    one.root / "schedules" / "tin.toml"
                ).read_bytes()
                assert not (station / "schedules" / "khac.toml").exists()
                assert (station / "audio" / "tin" / "script.toml").exists()
                assert (station / "schedules" / "station.toml").read_text("utf-8") != (
                    one.root / "schedules" / "station.toml"
                ).read_text("utf-8")
                await until(lambda: one.marks().get("station/03160", {}).get("revision") == revision)

        run(test())

    def test_reaches_a_station_that_was_off(self, tmp_path: Path) -> None:
        """What was published three times while it was off comes when it returns, as it is now."""

        async def test() -> None:
            async with province(tmp_path) as one:
                one.join("03160")
                station = one.station_root("03160")
                (station / "schedules" / "tin.toml").unlink()
                shutil.rmtree(station / "audio")
                for title in ("Một", "Hai", "Ba"):
                    text = (one.root / "schedules" / "tin.toml").read_text("utf-8").splitlines()
                    write(
                        one.root,
                        "schedules/tin.toml",
                        "\n".join([f'title = "{title}"', *text[2 if not text[0] else 1 :]]),
                    )
                    revision = publish(one.registry, one.root)
                one.switch_on("03160")
                await until(lambda: Receiving(station).revision == revision)
                assert '"Ba"' in (station / "schedules" / "tin.toml").read_text("utf-8")

        run(test())

    def test_comes_back_when_the_commune_takes_its_own_away(self, tmp_path: Path) -> None:
        """A file of the province that is gone is there again, without anybody publishing anew."""

        async def test() -> None:
            async with province(tmp_path) as one:
                one.join("03160")
                station = one.station_root("03160")
                shutil.rmtree(station / "audio")
                (station / "schedules" / "tin.toml").unlink()
                revision = publish(one.registry, one.root)
                one.switch_on("03160", calm=0.002)
                await until(lambda: Receiving(station).revision == revision)
                (station / "audio" / "tin" / "dictionary.toml").unlink()
                await until((station / "audio" / "tin" / "dictionary.toml").exists)

        run(test())

    def test_that_cannot_be_written_is_told_until_it_can(self, tmp_path: Path) -> None:
        """The province sees why a station has the old content, and sees it no more when it has the new."""

        async def test() -> None:
            async with province(tmp_path) as one:
                one.join("03160")
                station = one.station_root("03160")
                (station / "schedules" / "tin.toml").unlink()
                in_the_way = write(station, "var/province/parts", "")
                revision = publish(one.registry, one.root)
                one.switch_on("03160", calm=0.05)
                await until(lambda: one.marks().get("station/03160", {}).get("refused"))
                assert "cannot be written" in one.marks()["station/03160"]["refused"][0]["why"]
                in_the_way.unlink()
                await until(lambda: Receiving(station).revision == revision)
                await until(lambda: not one.marks()["station/03160"]["refused"])

        run(test())


class TestRows:
    def test_arrive_while_everything_is_killed(self, tmp_path: Path) -> None:
        """
        The server is killed, stopped with its disk wiped, and rows come in all the while: each counts
        once.
        """

        async def test() -> None:
            async with province(tmp_path) as one:
                for name in ("03160", "03163"):
                    one.switch_on(name)
                log(one, "03160", 1, 2)
                await until(lambda: len(one.airings()) == 2)
                assert one.server.pid
                os.kill(one.server.pid, signal.SIGKILL)
                log(one, "03160", 3)
                log(one, "03163", 1)
                await until(lambda: len(one.airings()) == 4)
                await one.stop_hub()
                shutil.rmtree(one.registry.folder / "server")
                log(one, "03163", 2)
                await one.start_hub()
                await until(lambda: len(one.airings()) == 5)
                await one.stop_hub()
                for path in database(one.root / "var").parent.glob("broadcaster.db*"):
                    path.unlink()
                log(one, "03160", 4)
                log(one, "03163", 3)
                await one.start_hub()
                wanted = [f"03160:tin@{number}/loa" for number in (1, 2, 3, 4)] + [
                    f"03163:tin@{number}/loa" for number in (1, 2, 3)
                ]
                await until(lambda: one.airings() == wanted)

        run(test())


def test_a_server_whose_disk_was_spoilt_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it kept is thrown away where it cannot be used, and is offered once more."""
    monkeypatch.setattr(hub, "FAILURES", 2)
    monkeypatch.setattr(hub, "AGAIN", 0.05)

    async def test() -> None:
        async with province(tmp_path) as one:
            station = one.switch_on()
            one.order("a")
            await until(lambda: station.raised)
            await one.stop_hub()
            streams = one.registry.folder / "server" / "streams"
            shutil.rmtree(streams)
            streams.write_bytes(b"no folder")
            one.order("b")
            await one.start_hub()
            await until(lambda: len(station.raised) == 2)

    run(test())


class TestEmergencies:
    def test_reach_every_station_at_once(self, tmp_path: Path) -> None:
        """From the order to the station it takes less than a second; so does the all-clear."""

        async def test() -> None:
            async with province(tmp_path) as one:
                stations = [one.switch_on(name) for name in ("03160", "03163")]
                await until(lambda: len(one.marks()) >= 2)
                order = one.order("a")
                await until(lambda: all(each.raised for each in stations))
                assert all((each.at["a"] - order.issued).total_seconds() < 1.0 for each in stations)
                await until(lambda: one.marks()["station/03163"].get("alerts"))
                one.all_clear()
                await until(lambda: all(each.cleared == ["a"] for each in stations))

        run(test())

    def test_bring_their_sound(self, tmp_path: Path) -> None:
        """An audio file goes with the order, and is fetched while the signal tone sounds."""

        async def test() -> None:
            async with province(tmp_path) as one:
                station = one.switch_on()
                sound = tmp_path / "lu.wav"
                sound.write_bytes(os.urandom(200_000))
                one.order("a", sound=one.urgent.keep_sound(sound))
                assert await until(lambda: station.said.get("a")) == sound.read_bytes()

        run(test())

    def test_reach_a_station_that_returns_unless_they_expired(self, tmp_path: Path) -> None:
        """What still holds is raised for the time that is left; what is over is not."""

        async def test() -> None:
            async with province(tmp_path) as one:
                other = one.switch_on("03163")
                one.order("lâu", lasts=300)
                one.order("ngắn", lasts=0.3)
                await until(lambda: "lâu" in other.at)
                await asyncio.sleep(0.3)
                station = one.switch_on("03160")
                await until(lambda: station.raised)
                await asyncio.sleep(0.3)
                (((name, left)),) = station.raised
                assert name == "lâu"
                assert 290 < left < 300

        run(test())

    def test_that_are_over_are_not_raised_though_they_come_live(self, tmp_path: Path) -> None:
        """A server that lost its disk at night offers the evening's emergency anew: nobody is woken by it."""

        async def test() -> None:
            async with province(tmp_path) as one:
                station = one.switch_on()
                await until(one.marks)
                late = InForce("11", 10**15, [replace(one.order("a", lasts=100), id="11-cũ", until=NOW())])
                await until(lambda: station.raised)
                forger = await stranger(one, one.registry.province().hub_seed, "province")
                await forger.send("urgent", keys.seal(one.registry.province().seed, "urgent", late.body))
                await until(lambda: station.cleared)
                assert [name for name, _ in station.raised] == ["a"]
                await forger.close()

        run(test())

    def test_are_not_raised_twice(self, tmp_path: Path) -> None:
        """A station whose link starts anew, or whose server does, has each emergency once."""

        async def test() -> None:
            async with province(tmp_path) as one:
                station = one.switch_on()
                one.order("a")
                await until(lambda: station.raised)
                await one.switch_off()
                one.switch_on()
                assert one.server.pid
                os.kill(one.server.pid, signal.SIGKILL)
                one.order("b")
                await until(lambda: len(station.raised) > 1)
                assert [name for name, _ in station.raised] == ["a", "b"]

        run(test())

    def test_wait_for_the_time_where_nobody_knows_it(self, tmp_path: Path) -> None:
        """
        A station whose clock is wrong asks its province what the time is, before it raises what is from
        before.
        """

        async def test() -> None:
            async with province(tmp_path) as one:
                other = one.switch_on("03163")
                one.order("cũ", lasts=300)
                await until(lambda: other.raised)
                one.stations["03160"] = station = FakeStation()
                station.trusted = False
                one.switch_on("03160")
                await until(lambda: station.raised)
                assert station.raised[0][1] < 300

        run(test())

    def test_wait_for_the_daemon(self, tmp_path: Path) -> None:
        """Where no daemon runs yet, the emergency is raised when it does."""

        async def test() -> None:
            async with province(tmp_path) as one:
                station = one.switch_on()
                station.runs = False
                await until(one.marks)
                one.order("a")
                await asyncio.sleep(0.5)
                assert not station.raised
                station.runs = True
                await until(lambda: station.raised)

        run(test())


async def stranger(one: Running, seed: str, name: str = "03160") -> Wire:
    province = one.registry.province()
    return await connect(province.address, province.authority.certificate, seed, name, patience=5.0)


class TestNobodyGetsIn:
    def test_without_a_key_that_is_known(self, tmp_path: Path) -> None:
        """A key of one's own making opens nothing."""

        async def test() -> None:
            async with province(tmp_path) as one:
                one.switch_on()
                await until(one.marks)
                with pytest.raises(UnreachableError):
                    await stranger(one, keys.new_seed())

        run(test())

    def test_with_a_station_as_its_own(self, tmp_path: Path) -> None:
        """A station's key sends and hears what is that station's, and nothing else."""

        async def test() -> None:
            async with province(tmp_path) as one:
                thief = one.join("03160")
                other = one.switch_on("03163")
                await until(lambda: "station/03163" in one.marks())
                publish(one.registry, one.root)
                for subject in (
                    "here.03163",
                    "rows.03163",
                    "join.03163",
                    "bundle.03163",
                    "urgent",
                    "blob.x.0",
                    "speaker.loa.report",
                ):
                    wire = await stranger(one, thief.seed)
                    with pytest.raises(UnreachableError):
                        await wire.ask(subject, b"{}", 0.3)
                    await wire.close()
                for stream, subject in (("BUNDLE", "bundle.03163"), ("URGENT", ">"), ("BUNDLE", ">")):
                    wire = await stranger(one, thief.seed)
                    with pytest.raises(UnreachableError):
                        await wire.last(stream, subject, 0.3)
                    await wire.close()
                for subject in (">", "rows.*", "here.03163", "bundle.03163", "_INBOX.03163.>", "$JS.>"):
                    heard: list[bytes] = []

                    async def hear(message: Any, heard: list[bytes] = heard) -> None:
                        heard.append(message.data)

                    wire = await stranger(one, thief.seed)
                    try:
                        await wire.hear(subject, hear)
                        await asyncio.sleep(0.15)
                    except UnreachableError:
                        pass
                    assert not heard
                    await wire.close()
                assert not other.raised

        run(test())

    def test_who_was_revoked(self, tmp_path: Path) -> None:
        """A revoked station is cut off at once, and not let in again; the others are not disturbed."""

        async def test() -> None:
            async with province(tmp_path) as one:
                member = one.join("03160")
                other = one.switch_on("03163")
                await until(one.marks)
                wire = await stranger(one, member.seed)
                one.registry.revoke("03160")
                await asyncio.wait_for(wire.broken.wait(), 5.0)
                with pytest.raises(UnreachableError):
                    await stranger(one, member.seed)
                one.order("a")
                await until(lambda: other.raised)
                assert (other.at["a"] - one.urgent.in_force(NOW()).orders[0].issued).total_seconds() < 1.0

        run(test())

    def test_as_the_server(self, tmp_path: Path) -> None:
        """A server with another certificate is no province of this station, whatever name it has."""

        async def test() -> None:
            async with province(tmp_path) as one:
                member = one.join()
                await until(lambda: one.server.runs)
                foreign = keys.authority("Kẻ khác").certificate
                with pytest.raises(UnreachableError, match="certificate"):
                    await connect(member.address, foreign, member.seed, "03160", patience=5.0)

        run(test())

    @pytest.mark.parametrize("how", ["stranger", "altered", "replayed", "other province"])
    def test_by_an_emergency(self, tmp_path: Path, how: str) -> None:
        """Even a server that somebody took over cannot raise one: it is refused, and the province is told."""

        async def test() -> None:
            async with province(tmp_path) as one:
                station = one.switch_on()
                order = one.order("a", lasts=100)
                await until(lambda: station.raised)
                old = one.urgent.sealed()
                assert old is not None
                one.order("b")
                await until(lambda: len(station.raised) == 2)
                seed = one.registry.province().seed
                newest = InForce("11", 10**15, [replace(order, id="11-giả")])
                forged = {
                    "stranger": keys.seal(keys.new_seed(), "urgent", newest.body),
                    "altered": json.dumps(
                        json.loads(keys.seal(seed, "urgent", newest.body))
                        | {"body": newest.body.replace("giả", "gian")}
                    ).encode(),
                    "replayed": old,
                    "other province": keys.seal(seed, "urgent", replace(newest, province="01").body),
                }[how]
                forger = await stranger(one, one.registry.province().hub_seed, "province")
                await forger.send("urgent", forged)
                await until(lambda: one.marks().get("station/03160", {}).get("refused"))
                assert [name for name, _ in station.raised] == ["a", "b"]
                assert not station.cleared
                await forger.close()

        run(test())

    @pytest.mark.parametrize("how", ["stranger", "for another", "rolled back"])
    def test_by_content(self, tmp_path: Path, how: str) -> None:
        """A bundle that is not signed for this station, or older than what is there, changes nothing."""

        async def test() -> None:
            async with province(tmp_path) as one:
                one.switch_on("03160")
                one.join("03163")
                revision = publish(one.registry, one.root)
                root = one.station_root("03160")
                await until(lambda: Receiving(root).revision == revision)
                bundles = one.registry.folder / "bundles"
                old = (bundles / "03160.json").read_bytes()
                write(
                    one.root,
                    "schedules/tin.toml",
                    (one.root / "schedules" / "tin.toml").read_text("utf-8") + "# mới\n",
                )
                newer = publish(one.registry, one.root)
                await until(lambda: Receiving(root).revision == newer)
                body = json.loads(old)["body"].replace(f'"revision": {revision}', '"revision": 99')
                forged = {
                    "stranger": keys.seal(keys.new_seed(), "bundle", body),
                    "for another": (bundles / "03163.json").read_bytes(),
                    "rolled back": old,
                }[how]
                before = sorted((path, path.read_bytes()) for path in (root / "schedules").rglob("*.toml"))
                forger = await stranger(one, one.registry.province().hub_seed, "province")
                await forger.send("bundle.03160", forged)
                await until(lambda: one.marks().get("station/03160", {}).get("refused"))
                assert (
                    sorted((path, path.read_bytes()) for path in (root / "schedules").rglob("*.toml"))
                    == before
                )
                await forger.close()

        run(test())

    def test_by_what_a_station_says_of_itself(self, tmp_path: Path) -> None:
        """Whatever a stolen station says, the province's list of the others is not spoilt by it."""

        async def test() -> None:
            async with province(tmp_path) as one:
                thief = one.join("03160")
                one.switch_on("03163")
                await until(lambda: "station/03163" in one.marks())
                wire = await stranger(one, thief.seed)
                for told in ("[]", "5", "nonsense", '{"alarms": 5}', '{"alerts": [1]}', '{"kept": "x"}'):
                    await wire.ask("here.03160", told.encode())
                strange = {
                    "name": "\x1b[2J" + "x" * 5000,
                    "alarms": [{}] * 500,
                    "disk_free": "7",
                    "on_air": [["a"]],
                }
                await wire.ask("here.03160", json.dumps(strange).encode())
                told = await until(lambda: one.marks().get("station/03160"))
                assert told["name"].startswith("[2Jxxx")
                assert len(told["name"]) < 400
                found = overview(one.registry.peers(), one.marks(), {}, NOW())
                assert [each.station for each in found] == ["03160", "03163"]
                await wire.close()

        run(test())


class TestJoining:
    def test_by_a_code(self, tmp_path: Path) -> None:
        """Whoever has the code is let in once, and knows its province by it."""

        async def test() -> None:
            async with province(tmp_path) as one:
                secret = one.registry.invite("03160", "03160", NOW())
                address, seed = one.registry.province().address, keys.new_seed()
                member = await members.join(address, "03160", secret, seed, 10.0)
                assert await members.join(address, "03160", secret, seed, 10.0) == member
                with pytest.raises(BroadcasterError, match="No station is invited"):
                    await members.join(address, "03160", secret, keys.new_seed(), 10.0)
                assert member.trusted == [one.registry.province().trusted]
                members.become_member(build(one.station_root("03160")), member)
                one.switch_on("03160")
                await until(lambda: "station/03160" in one.marks())

        run(test())

    def test_a_guest_may_ask_for_nothing_else(self, tmp_path: Path) -> None:
        """The key of an invitation opens joining, and nothing beside it."""

        async def test() -> None:
            async with province(tmp_path) as one:
                secret = one.registry.invite("03160", "03160", NOW())
                for subject in ("here.03160", "rows.03160", "join.03163", "urgent"):
                    wire = await _guest(one, secret)
                    with pytest.raises(UnreachableError):
                        await wire.ask(subject, b"{}", 0.3)
                    await wire.close()

        run(test())


async def _guest(one: Running, secret: str) -> Wire:
    address = one.registry.province().address
    async with asyncio.timeout(10):
        while True:
            try:
                return await connect(address, None, keys.invited_seed(secret), "invited-03160", patience=5.0)
            except UnreachableError:
                await asyncio.sleep(0.05)
