"""Fixtures that more than one module of tests needs."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.sound_server import SoundServer, running

os.environ.setdefault("BROADCASTER_LISTEN", "off")  # daemons of many tests would share one port
settings.register_profile("untimed", deadline=None)  # what else the machine does is no fault of the code
settings.load_profile("untimed")


@pytest.fixture
def sound_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SoundServer]:
    """A sound server that everything started in the test plays to."""
    with running() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
