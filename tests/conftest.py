"""Fixtures that more than one module of tests needs."""

import os
from collections.abc import Iterator

import pytest

from tests.sound_server import SoundServer, running

os.environ.setdefault("BROADCASTER_LISTEN", "off")  # daemons of many tests would share one port

LONG = (
    *(
        "test_power.py",
        "test_page.py",
        "test_real_daemon.py",
        "test_province.py",
        "test_wire.py",
        "test_relay.py",
    ),
    *("test_power_of_province.py", "test_hearing.py", "test_sink.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what mostly waits for sound, so that no worker is left with it alone at the end."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture
def sound_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A sound server that everything started in the test plays to."""
    with running() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
