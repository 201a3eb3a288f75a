"""Fixtures of the edges' tests."""

from pathlib import Path

import pytest

from tests.stations import build


@pytest.fixture
def station(tmp_path: Path) -> Path:
    """A station in which nothing is wrong."""
    return build(tmp_path)
