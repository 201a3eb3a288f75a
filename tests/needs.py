"""What some tests need of the machine; where it is not installed they are left out, and say so."""

import os
import shutil

import pytest


def need(*tools: str) -> None:
    """Leave the test out for want of any of *tools*; BROADCASTER_REQUIRE_SOUND=1 forbids that."""
    if missing := [tool for tool in tools if not shutil.which(tool)]:
        left_out(f"{', '.join(missing)} not installed")


def left_out(reason: str) -> None:
    if os.environ.get("BROADCASTER_REQUIRE_SOUND") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
