"""The page as an operator sees it: in Chromium, at a desk and on a phone, with a daemon behind it."""

import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from broadcaster.cli import period
from broadcaster.cli.here import Here
from broadcaster.edges.control import NotRunningError, ask
from broadcaster.edges.store import Store, database
from broadcaster.model.airing import Airing, Outcome, shared_out
from broadcaster.model.plan import plan
from broadcaster.model.programme import SAMPLE_RATE
from broadcaster.playout import airing
from tests.children import typed
from tests.needs import need
from tests.sound_server import TOOLS, running
from tests.sounds import load, save, speech
from tests.stations import SCRIPT, STATION, approve, build, write
from tests.web.conftest import free_port

ROOT = Path(__file__).parents[2]
DESK, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
TITLE = "Bảo hiểm y tế cho cả nhà"
PATIENCE = 30.0  # seconds until a test gives up
WORDS = "Nước lũ đang về, bà con lên chỗ cao"
FIRST_VIEW = 300_000  # bytes


@dataclass
class Running:
    """A station with its daemon, which serves the page."""

    folder: Path
    port: int
    environment: dict[str, str]
    daemons: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> list[str]:
        return typed(self.folder, *arguments, lang="vi")

    def start(self) -> None:
        with (self.folder / "daemon.log").open("ab") as log:
            run = self.command("run", "--listen", f"127.0.0.1:{self.port}")
            self.daemons.append(
                subprocess.Popen(run, cwd=ROOT, env=os.environ | self.environment, stdout=log, stderr=log)
            )
        until = time.monotonic() + PATIENCE
        while not self.answers():
            assert time.monotonic() < until, (self.folder / "daemon.log").read_text("utf-8")
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            ask(self.folder, "clock", {})  # a machine without a battery clock: somebody says it is right
        except NotRunningError:
            return False
        return True

    def kill(self) -> None:
        self.daemons[-1].kill()
        self.daemons[-1].wait()

    def airings(self) -> list[Airing]:
        with closing(Store(database(self.folder / "var"), read_only=True)) as store:
            return list(store.airings())


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A station at noon whose morning went well; in Mông it has one recording of two."""
    need("chromium", *TOOLS)
    folder = build(tmp_path_factory.mktemp("page") / "station")
    zone = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"  # its sign is that of POSIX
    hours = "[[05:00:00, 06:30:00], [16:30:00, 18:30:00]]"
    text = STATION.replace(hours, "[[00:00:00, 23:59:59]]").replace(
        "[hours]", f'timezone = "{zone}"\n[hours]'
    )
    write(folder, "schedules/station.toml", text + 'sink = "card:default"\n')
    words = SCRIPT.replace("Xin cảm ơn bà con.", "Xin cảm ơn bà con. " * 12)
    write(folder, "audio/tin/script.toml", words.replace("Tin", TITLE))
    write(
        folder,
        "schedules/tin.toml",
        'title = "Tin"\nscript = "tin"\nareas = ["11"]\n[[rule]]\ntimes = [05:30:00, 17:30:00]\n',
    )
    save(folder / "audio/tin/recordings/hmn-Latn-VN/ket.mp3", speech(5), "libmp3lame")
    approve(folder)
    with_a_past(folder, ZoneInfo(zone))
    with running() as server:
        made = Running(folder, free_port(), server.environment)
        made.start()
        yield made
        for one in made.daemons:
            one.kill()
            one.wait()


def with_a_past(folder: Path, zone: ZoneInfo) -> None:
    """Nearly everything of the last weeks aired, and all of today."""
    content, now = Here(folder).load().content, datetime.now(zone)
    with closing(Store(database(folder / "var"))) as store:
        first = now.date().replace(day=1) - timedelta(days=20)
        for number, one in enumerate(plan(content, {}, *period.moments((first, now.date()), zone))):
            if one.at < now:
                well = number % 17 != 5 or one.at.date() == now.date()
                seconds = 20.0 if well else 0.0
                row = airing(one, content.station, one.at)
                row = replace(
                    row,
                    outcome=Outcome.AIRED if well else Outcome.MISSED,
                    reason="" if well else "off",
                    seconds=seconds,
                    started=one.at if well else None,
                    languages=shared_out([("vi", "0" * 8, 20.0)], seconds),
                )
                store.end(row)
        store.mark("alive", now.isoformat())


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    need("chromium")
    with sync_playwright() as tool:
        found = tool.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(params=[DESK, PHONE], ids=["desk", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, station: Running) -> Iterator[Page]:
    """The page, open; an error in the browser's console fails the test."""
    yield from opened(browser, station, request.param)


@pytest.fixture
def desk(browser: Browser, station: Running) -> Iterator[Page]:
    yield from opened(browser, station, DESK)


def opened(browser: Browser, station: Running, size: dict[str, int]) -> Iterator[Page]:
    context = browser.new_context(viewport=size, locale="vi-VN")  # type: ignore[arg-type]
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    until = time.monotonic() + PATIENCE
    while True:
        try:
            tab.goto(station.url)
            break
        except Exception:  # noqa: BLE001 - the page is a moment behind the daemon
            assert time.monotonic() < until, (station.folder / "daemon.log").read_text("utf-8")
            time.sleep(0.1)
    errors.clear()
    yield tab
    context.close()
    refused = ("Failed to load resource", "ERR_")  # by us, or by a daemon that a test killed
    assert [one for one in errors if not any(word in one for word in refused)] == []


def picture(tab: Page, name: str) -> None:
    """For the documentation, where it is asked for (make pictures)."""
    if folder := os.environ.get("BROADCASTER_PICTURES"):
        path = f"{folder}/{name}.png"
        tab.screenshot(path=path, full_page=True)
        with Image.open(path) as taken:
            taken.quantize(128).save(path, optimize=True)  # a quarter of the size


class TestTheMorning:
    def test_is_seen_at_a_glance(self, page: Page) -> None:
        """Did it sound, what is next, what lacks, is anything wrong."""
        expect(page.get_by_role("heading", level=1)).to_have_text("Đài mẫu")
        expect(page.locator("#today .answer")).to_contain_text(
            "Mọi lượt đến giờ hôm nay đều đã phát: 1 lượt."
        )
        expect(page.locator("#today tr.aired")).to_contain_text("05:30")
        expect(page.locator("#air")).to_contain_text("17:30:00")
        expect(page.locator("#week")).to_contain_text("tiếng Mông")
        expect(page.locator("#week .missing")).to_contain_text(TITLE)
        expect(page.locator("#month .heat1, #month .heat4").first).to_be_visible()
        expect(page.locator("#health")).to_contain_text("espeak-ng", timeout=20_000)
        before = page.locator("#clock").inner_text()
        expect(page.locator("#clock")).not_to_have_text(before, timeout=3000)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        picture(page, "morning" if page.viewport_size == DESK else "phone")

    def test_needs_nothing_from_elsewhere_and_little_in_all(self, browser: Browser, station: Running) -> None:
        """It works with the network cable out, and the first view is small."""
        context = browser.new_context()
        tab, asked, sizes = context.new_page(), list[str](), list[int]()
        tab.on("request", lambda one: asked.append(one.url))
        tab.on("requestfinished", lambda one: sizes.append(sum(one.sizes().values())))
        tab.goto(station.url)
        expect(tab.locator("#health li").first).to_be_visible(timeout=20_000)
        context.close()
        assert {url.split("/")[2] for url in asked} == {f"127.0.0.1:{station.port}"}
        assert 0 < sum(sizes) < FIRST_VIEW

    @pytest.mark.parametrize("path", ["/", "/scripts", "/scripts/tin", "/reports"])
    def test_is_there_for_everybody(self, page: Page, station: Running, path: str) -> None:
        """axe-core finds nothing serious, and nothing is wider than the screen."""
        page.goto(station.url + path)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        found = Axe().run(page).response["violations"]
        assert [
            (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
        ] == []

    def test_goes_by_keyboard(self, desk: Page) -> None:
        """The first key leads past the header; every button can be reached, and what is reached shows it."""
        desk.keyboard.press("Tab")
        assert desk.evaluate("document.activeElement.className") == "skip"
        reached = set()
        for _ in range(40):
            desk.keyboard.press("Tab")
            reached.add(desk.evaluate("document.activeElement.textContent.trim()"))
        assert {"Dừng phát", "Phát ngay", "Phát khẩn cấp…", "Kết thúc lệnh khẩn cấp…"} <= reached
        style = desk.evaluate("getComputedStyle(document.querySelector('button')).outlineStyle")
        assert style is not None


class TestWhatCanBeDone:
    def test_play_and_stop(self, page: Page, station: Running) -> None:
        """What sounds is named with its language; the meter follows its samples; it ends by a button."""
        before = len(station.airings())
        page.get_by_role("button", name="Phát ngay").click()
        expect(page.locator("#air .sounding")).to_contain_text("tiếng Việt", timeout=20_000)
        expect(page.locator("#air .sounding")).to_contain_text("Bản Nậm Pố")
        levels = set()
        for _ in range(30):
            page.wait_for_timeout(100)
            levels.add(page.evaluate("document.querySelector('meter')?.value ?? -60"))
        assert len(levels) > 5
        assert -60 < max(levels) < 0
        picture(page, "on-air" if page.viewport_size == DESK else "on-air-phone")
        page.get_by_role("button", name="Dừng phát").click()
        expect(page.get_by_role("status")).to_have_text(re.compile("Đã dừng phần đang phát"))
        expect(page.locator("#air")).to_contain_text("Loa đang im.")
        row = station.airings()[-1]
        assert (len(station.airings()), row.reason, row.kind) == (before + 1, "stopped", "on-demand")

    def test_an_emergency_is_raised_and_ended(self, page: Page, station: Running) -> None:
        """Asked twice, on air, told to everybody who looks, ended, logged with who ordered it."""
        page.get_by_label("Lời cần đọc").fill(WORDS)
        page.get_by_role("button", name="Phát khẩn cấp…").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Đây có phải tình huống khẩn cấp không?")
        assert ask(station.folder, "status", {})["alerts"] == []
        page.get_by_role("button", name="Đúng, phát khẩn cấp ngay").click()
        expect(page.locator("#air .emergency")).to_contain_text(WORDS, timeout=20_000)
        expect(page.locator("#air .sounding")).to_be_visible(timeout=20_000)
        picture(page, "emergency" if page.viewport_size == DESK else "emergency-phone")
        page.get_by_role("button", name="Kết thúc lệnh khẩn cấp…").click()
        expect(page.get_by_text(WORDS)).to_be_visible()
        assert len(ask(station.folder, "status", {})["alerts"]) == 1
        page.get_by_role("button", name="Đúng, kết thúc lệnh khẩn cấp").click()
        expect(page.locator("#air .emergency")).to_have_count(0)
        expect(page.locator("#air")).to_contain_text("Loa đang im.", timeout=10_000)
        assert station.airings()[-1].kind == "alert"

    def test_a_recording_is_brought_heard_and_approved(
        self, desk: Page, station: Running, tmp_path: Path
    ) -> None:
        """The item that lacked one has it; it waits for approval; whoever approves it is on record."""
        file = tmp_path / "thu.wav"
        save(file, speech(4))
        desk.goto(f"{station.url}/scripts/tin")
        row = desk.locator("tr", has=desk.locator("input[value='hmn-Latn-VN']")).filter(has_text="loi-chao")
        expect(row).to_contain_text("chưa có bản thu")
        row.locator("input[type=file]").set_input_files(file)
        row.get_by_role("button", name="Gửi").click()
        expect(desk.get_by_role("status")).to_contain_text("Đã nhận: loi-chao.")
        expect(row).to_contain_text("chưa duyệt")
        heard = desk.request.get(station.url + (row.locator("audio").get_attribute("src") or ""))
        assert (heard.status, heard.headers["content-type"]) == (200, "audio/wav")
        (tmp_path / "heard.wav").write_bytes(heard.body())
        assert len(load(tmp_path / "heard.wav")) / SAMPLE_RATE == pytest.approx(4, abs=0.5)
        part = (
            desk.locator("section")
            .filter(has_text="tiếng Mông")
            .filter(has=desk.get_by_label("Họ và tên"))
            .last
        )
        part.get_by_label("Họ và tên").fill("Ban biên tập")
        picture(desk, "script")
        part.get_by_role("button").last.click()
        expect(desk.get_by_role("status")).to_contain_text(f"Ban biên tập đã duyệt: {TITLE}, tiếng Mông.")
        expect(row).to_contain_text("đã duyệt")
        lines = (station.folder / "audio/tin/approvals.jsonl").read_text("utf-8")
        assert "Ban biên tập" in lines

    def test_a_programme_is_heard_and_seen_before_it_airs(self, desk: Page, station: Running) -> None:
        """A player, and once it was made the shape of its sound."""
        made = desk.request.get(f"{station.url}/scripts/tin/nam-po/vi.mp3", timeout=60_000)
        assert made.status == 200
        desk.goto(f"{station.url}/scripts/tin")
        wave = desk.locator("img.wave").first
        expect(wave).to_be_visible()
        drawn = desk.request.get(f"{station.url}{wave.get_attribute('src')}").text()
        assert len(re.findall("M[0-9]", drawn)) > 200
        length = desk.evaluate(
            """async () => {
              const one = document.querySelector("audio");
              one.preload = "metadata";
              one.load();
              await new Promise((done) => one.addEventListener("loadedmetadata", done));
              return one.duration;
            }"""
        )
        assert length > 5

    def test_what_is_refused_is_told_with_its_next_step(self, desk: Page) -> None:
        """One word is no message."""
        desk.get_by_label("Lời cần đọc").fill("Lũ")
        desk.get_by_role("button", name="Phát khẩn cấp…").click()
        expect(desk.get_by_role("alert")).to_contain_text(
            "Hãy ghi từ hai chữ trở lên, hoặc chọn một kịch bản."
        )

    def test_words_and_a_script_at_once_are_asked_about(self, desk: Page) -> None:
        """What is shown before it is ordered is what sounds."""
        desk.get_by_label("Lời cần đọc").fill(WORDS)
        desk.get_by_label("hoặc một kịch bản").select_option("tin")
        desk.get_by_role("button", name="Phát khẩn cấp…").click()
        expect(desk.get_by_role("alert")).to_contain_text("chỉ chọn một trong hai")

    def test_reports_are_seen_and_fetched(self, desk: Page, station: Running) -> None:
        """The page that prints, and the ministry's workbook."""
        desk.goto(f"{station.url}/reports")
        expect(desk.get_by_role("link", name=re.compile("^Mở")).first).to_be_visible()
        seen = desk.request.get(f"{station.url}/reports/month.html", timeout=60_000)
        assert "Báo cáo" in seen.text()
        assert "Đài mẫu" in seen.text()
        fetched = desk.request.get(f"{station.url}/reports/month.xlsx", timeout=60_000)
        assert fetched.body()[:2] == b"PK"


def test_a_daemon_that_ends_is_told_and_one_that_is_back_is_seen(desk: Page, station: Running) -> None:
    """The page that is open says that it knows nothing, and goes on by itself when it does."""
    expect(desk.locator("body")).not_to_have_class(re.compile("cut"))
    station.kill()
    expect(desk.locator("body")).to_have_class(re.compile("cut"), timeout=10_000)
    expect(desk.locator("#cut")).to_contain_text("Không liên lạc được với trình phát")
    station.start()
    expect(desk.locator("body")).not_to_have_class(re.compile("cut"), timeout=20_000)
    expect(desk.locator("#air")).to_contain_text("17:30:00")
