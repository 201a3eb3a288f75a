"""The page of a province: how its stations are, in Chromium."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

from broadcaster.edges.store import Store, database
from tests.fleet.provinces import found, join
from tests.needs import need
from tests.stations import build
from tests.web.conftest import Served


def well() -> dict[str, Any]:
    """What a station said this moment."""
    heard = datetime.now(UTC).isoformat()
    told = {
        "name": "Đài truyền thanh xã",
        "running": True,
        "clock_trusted": True,
        "alarms": [],
        "disk_free": 20_000,
    }
    return told | {"heard": heard}


@pytest.fixture
def province(tmp_path: Path) -> Path:
    """Two stations, one on air, the other without sound and disk; and a loudspeaker of its own."""
    root = tmp_path / "tinh"
    registry = found(root)
    for name in ("03160", "03163"):
        join(registry, tmp_path / name, name)
    registry.add_speaker("loa-cho", "03160")
    with closing(Store(database(root / "var"))) as store:
        on_air = {"on_air": ["Bảo hiểm xã hội"], "revision": 1, "rows_waiting": 0}
        silent = {"alarms": ["sound/loa"], "disk_free": 100}
        store.mark_all({"station/03160": well() | on_air, "station/03163": well() | silent})
        store.mark("speaker/loa-cho", {"said": {"volume": "80"}, "heard": well()["heard"]})
    return root


@pytest.fixture
def page() -> Iterator[Page]:
    need("chromium")
    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": 1280, "height": 480})
        browser.close()


def test_a_province_sees_its_stations(province: Path, page: Page, serve: Callable[..., Served]) -> None:
    """Which are up, on air, silent; what is to be seen to; and what changes shows without anybody's doing."""
    page.goto(f"http://127.0.0.1:{serve(province).port}/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Stations")
    first, second, speaker = page.locator("tbody tr").all()
    expect(first).to_contain_text("Bảo hiểm xã hội")
    expect(first.locator("td").nth(1)).to_have_text("up")
    expect(second).to_contain_text("silent: no sound")
    expect(second).to_contain_text("Its disk is nearly full.")
    expect(speaker).to_contain_text("loa-cho")
    expect(speaker).to_contain_text("volume: 80")
    if folder := os.environ.get("BROADCASTER_PICTURES"):
        page.screenshot(path=Path(folder) / "stations.png")
    found_wrong = Axe().run(page).response["violations"]
    assert [one["id"] for one in found_wrong if one["impact"] in ("serious", "critical")] == []
    with closing(Store(database(province / "var"))) as store:
        store.mark("station/03163", well())
    expect(page.locator("tbody tr").nth(1).locator("td").nth(1)).to_have_text("up", timeout=15_000)


def test_a_station_has_no_such_page(tmp_path: Path, serve: Callable[..., Served]) -> None:
    """It is there in a province's folder alone."""
    assert serve(build(tmp_path / "xa")).visitor().ask("GET", "/stations").status == 404
