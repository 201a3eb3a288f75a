"""Loudspeakers that speak MQTT take their place in a province, through the server's own MQTT listener."""

import asyncio
import json
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from broadcaster.fleet.overview import loudspeakers
from broadcaster.model.errors import BroadcasterError
from tests.fleet.provinces import OURS, Running, province, until

aiomqtt = pytest.importorskip("aiomqtt")


def client(one: Running, name: str, password: str) -> Any:
    """A device as one buys it: it knows TLS, a name and a password."""
    known = one.registry.province()
    assert known.served.mqtt
    context = ssl.create_default_context(cadata=known.authority.certificate.decode())
    return aiomqtt.Client(
        "localhost", known.served.mqtt, username=name, password=password, tls_context=context, timeout=5
    )


def test_an_emergency_reaches_a_loudspeaker_and_its_report_comes_in(tmp_path: Path) -> None:
    """What is in force when it reports, and what is ordered later; its words reach the province."""

    async def test() -> None:
        async with province(tmp_path, mqtt=True) as one:
            speaker = one.registry.add_speaker("loa-1", "03160")
            one.order("trước")
            await until(lambda: one.server.runs)
            told: list[list[str]] = []

            async def device() -> None:
                while True:
                    try:
                        async with client(one, "loa-1", speaker.password) as line:
                            await line.subscribe("speaker/loa-1/alert", qos=1)
                            await line.publish("speaker/loa-1/report", json.dumps({"volume": 80}), qos=1)
                            async for message in line.messages:
                                in_force = json.loads(message.payload)["in_force"]
                                told.append([each["id"].removeprefix(OURS) for each in in_force])
                    except aiomqtt.MqttError:
                        await asyncio.sleep(0.2)

            task = asyncio.create_task(device())
            await until(lambda: ["trước"] in told)
            one.order("khác nơi", areas=["03163"])
            one.order("sau")
            await until(lambda: ["trước", "sau"] in told)
            one.all_clear()
            await until(lambda: told[-1] == [])
            assert not any("khác nơi" in each for each in told)
            task.cancel()
            async with client(one, "loa-1", speaker.password) as line:  # as a device does now and then
                await line.publish("speaker/loa-1/report", json.dumps({"volume": 80}), qos=1)
            await until(lambda: "speaker/loa-1" in one.marks())
            (listed,) = loudspeakers(one.registry.peers(), one.marks())
            assert (listed.name, listed.area, listed.said) == ("loa-1", "03160", {"volume": "80"})
            assert datetime.now(UTC) - datetime.fromisoformat(listed.heard) < timedelta(seconds=60)

    asyncio.run(test())


def test_a_loudspeaker_may_do_nothing_else(tmp_path: Path) -> None:
    """Another password opens nothing; its own opens its own topics alone; revoked, it is out."""

    async def test() -> None:
        async with province(tmp_path, mqtt=True) as one:
            speaker = one.registry.add_speaker("loa-1", "03160")
            with pytest.raises(BroadcasterError):
                one.registry.add_speaker("03163", "03163")  # as a station may be called
            station = one.switch_on()
            await until(one.marks)
            with pytest.raises(aiomqtt.MqttError):
                async with client(one, "loa-1", "đoán"):
                    pass
            for topic in ("urgent", "speaker/loa-2/report", "rows/03160", "here/03160"):
                try:
                    async with client(one, "loa-1", speaker.password) as line:
                        await line.publish(topic, b"{}", qos=1)
                except aiomqtt.MqttError:
                    continue
            assert "speaker/loa-2" not in one.marks()
            assert not station.raised
            assert not one.marks()["station/03160"].get("refused")
            one.registry.revoke("loa-1")
            await asyncio.sleep(0.5)
            with pytest.raises(aiomqtt.MqttError):
                async with client(one, "loa-1", speaker.password):
                    pass

    asyncio.run(test())
