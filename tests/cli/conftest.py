"""A terminal at a station that is whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.terminal import Terminal, terminal, write_station


@pytest.fixture
def type_in(tmp_path: Path) -> Iterator[Terminal]:
    """Types a command at a station with two clusters and two schedules."""
    with terminal(tmp_path / "dai") as one:
        write_station(one)
        yield one
