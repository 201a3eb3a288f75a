"""The peak months of the provinces' own reports, written as officers write them, loaded and planned."""

from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from broadcaster.edges.content import load
from broadcaster.model.airing import Outcome
from broadcaster.model.content import Content
from broadcaster.model.occurrence import Kind, Occurrence, Reason, State
from broadcaster.model.plan import plan
from tests.factories import EVENING, MORNING, ZONE, at, make_airing, make_log
from tests.stations import approve, write

PEAK = (5, 11)

BAC_GIANG = """
name = "Đài truyền thanh xã"
area = "24/luc-ngan/thanh-hai"

[hours]
allowed = [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]

[[cluster]]
id = "thanh-hai"
name = "Thanh Hải"
area = "24/luc-ngan/thanh-hai"
languages = ["vi"]

[[cluster]]
id = "hiep-hoa"
name = "Hiệp Hòa"
area = "24/hiep-hoa"
languages = ["vi"]
"""
BAC_GIANG_AREAS = """
[[area]]
code = "24"
name = "Tỉnh Bắc Giang"
kind = "province"
from = 2010-01-01
[[area]]
code = "24/luc-ngan"
name = "Huyện Lục Ngạn"
kind = "district"
from = 2010-01-01
parent = "24"
[[area]]
code = "24/luc-ngan/thanh-hai"
name = "Xã Thanh Hải"
kind = "commune"
from = 2010-01-01
parent = "24/luc-ngan"
[[area]]
code = "24/hiep-hoa"
name = "Huyện Hiệp Hòa"
kind = "district"
from = 2010-01-01
parent = "24"
"""
YEAR = """
title = "BHXH tự nguyện"
script = "bhxh"
areas = ["24"]

[[rule]]
months = [5, 11]
times = [05:30:00, 17:30:00]

[[rule]]
months = [1, 2, 3, 4, 6, 7, 8, 9, 10, 12]
weekdays = ["tue", "fri"]
times = [17:30:00]
at_least = { airings = 2, per = "week" }
"""
CAMPAIGN = """
[[campaign]]
title = "Đợt cao điểm năm 2024"
from = 2024-04-01
until = 2024-05-31
times = [05:30:00, 17:30:00]
"""


def script(station: Path, name: str, group: str, recorded: tuple[str, ...] = ()) -> None:
    item = '[[item]]\nid = "loi"\n[item.text]\nvi = "Kính thưa bà con!"\n'
    write(station, f"audio/{name}/script.toml", f'title = "{name}"\ngroup = "{group}"\n{item}')
    for language in recorded:
        write(station, f"audio/{name}/recordings/{language}/loi.mp3", b"not decoded here")


def loaded(station: Path) -> Content:
    approve(station)
    found = load(station)
    assert not found.faults
    return found.content


@pytest.fixture
def bac_giang(tmp_path: Path) -> Path:
    """A station in Bắc Giang, with loudspeakers in Lục Ngạn and in Hiệp Hòa."""
    write(tmp_path, "schedules/station.toml", BAC_GIANG)
    write(tmp_path, "schedules/areas.toml", BAC_GIANG_AREAS)
    script(tmp_path, "bhxh", "everyone")
    return tmp_path


def year_of(content: Content, year: int, cluster: str = "thanh-hai") -> list[Occurrence]:
    whole = plan(content, {}, at(f"{year}-01-01"), at(f"{year + 1}-01-01"))
    return [one for one in whole if one.cluster == cluster]


def by_month(found: list[Occurrence]) -> Counter[int]:
    return Counter(one.at.month for one in found)


def by_week(found: list[Occurrence]) -> Counter[date]:
    return Counter(one.at.date() - timedelta(days=one.at.weekday()) for one in found)


@pytest.mark.parametrize(("year", "lean"), [(2022, 86), (2023, 87), (2025, 87)])
def test_the_year_of_bac_giang(bac_giang: Path, year: int, lean: int) -> None:
    """May and November: two a day, at 5:30 and 17:30, 61 days × 2; in the other months two a week."""
    write(bac_giang, "schedules/bhxh.toml", YEAR)
    found = year_of(loaded(bac_giang), year)
    assert all(one.state is State.PLANNED and one.opens and one.closes for one in found)
    months = by_month(found)
    assert (months[5], months[11]) == (31 * 2, 30 * 2)
    assert {one.at.time() for one in found if one.at.month in PEAK} == {MORNING, EVENING}
    assert all(8 <= months[month] <= 10 for month in range(1, 13) if month not in PEAK)
    assert len(found) == 61 * 2 + lean


@pytest.mark.parametrize("year", [2022, 2023, 2025])
def test_no_week_of_bac_giang_has_less_than_two(bac_giang: Path, year: int) -> None:
    """“Ít nhất 2 lần/tuần”: no whole week of the year is below two, those between peak and lean included."""
    write(bac_giang, "schedules/bhxh.toml", YEAR)
    weeks = by_week(year_of(loaded(bac_giang), year))
    whole = [week for week in weeks if week.year == year and (week + timedelta(days=6)).year == year]
    assert len(whole) >= 51
    assert all(weeks[week] >= 2 for week in whole)


def test_two_a_week_survive_a_power_cut(bac_giang: Path) -> None:
    """When Tuesday's of the two is lost for lack of power, the week still has two that sound."""
    write(bac_giang, "schedules/bhxh.toml", YEAR)
    content = loaded(bac_giang)
    week = at("2023-06-12"), at("2023-06-19")
    tuesday = next(one for one in plan(content, {}, *week) if one.cluster == "thanh-hai")
    log = make_log(make_airing(tuesday, Outcome.MISSED))
    found = [one for one in plan(content, log, *week) if one.cluster == "thanh-hai"]
    assert [(f"{one.at:%a}", one.kind, one.outcome) for one in found] == [
        ("Tue", Kind.PLANNED, Outcome.MISSED),
        ("Wed", Kind.MAKE_GOOD, None),
        ("Fri", Kind.PLANNED, None),
    ]


def test_the_campaign_of_2024(bac_giang: Path) -> None:
    """In 2024 the peak began a month early and lasted two (4-5/2024): 61 days × 2; November was as ever."""
    write(bac_giang, "schedules/bhxh.toml", YEAR + CAMPAIGN)
    content = loaded(bac_giang)
    found = year_of(content, 2024)
    months = by_month(found)
    assert (months[4], months[5], months[11]) == (60, 62, 60)
    assert len({one.at.date() for one in found if one.at.month in (4, 5)}) == 61
    assert all(8 <= months[month] <= 10 for month in (1, 2, 3, 6, 7, 8, 9, 10, 12))
    assert by_month(year_of(content, 2025))[4] in (8, 9)


SEASONS = """
[[season]]
name = "xong-vu-vai"
title = "Sau vụ vải thiều"
group = "farmers"
areas = ["24/luc-ngan"]
from = 2023-07-01
until = 2023-08-31

[[season]]
name = "xong-vu-vai"
title = "Sau vụ vải thiều"
group = "farmers"
areas = ["24/luc-ngan"]
from = 2024-07-10
until = 2024-08-31

[[season]]
name = "giap-hat"
title = "Tháng giáp hạt"
group = "small-traders"
areas = ["24"]
from = 2023-03-01
until = 2023-04-30
"""


def test_farmers_of_luc_ngan_hear_it_after_the_lychee_harvest(bac_giang: Path) -> None:
    """Lục Ngạn goes out to its farmers in July and August, when the lychees are in; Hiệp Hòa does not."""
    script(bac_giang, "nong-dan", "farmers")
    write(bac_giang, "schedules/seasons.toml", SEASONS)
    write(
        bac_giang,
        "schedules/nong-dan.toml",
        'title = "Nông dân"\nscript = "nong-dan"\nareas = ["24"]\n'
        '[[rule]]\nseason = "xong-vu-vai"\ntimes = [17:30:00]\n',
    )
    content = loaded(bac_giang)
    assert by_month(year_of(content, 2023)) == {7: 31, 8: 31}
    assert by_month(year_of(content, 2024)) == {7: 22, 8: 31}
    assert not year_of(content, 2022)
    assert not year_of(content, 2023, "hiep-hoa")


def test_small_traders_are_left_alone_in_the_lean_months(bac_giang: Path) -> None:
    """Not in the “giáp hạt” months, and most toward the end of the year, when they have money."""
    script(bac_giang, "tieu-thuong", "small-traders")
    write(bac_giang, "schedules/seasons.toml", SEASONS)
    write(
        bac_giang,
        "schedules/tieu-thuong.toml",
        'title = "Tiểu thương"\nscript = "tieu-thuong"\nareas = ["24"]\n'
        '[[rule]]\nweekdays = ["tue"]\nnot_in_season = "giap-hat"\ntimes = [17:30:00]\n'
        "[[rule]]\nmonths = [11, 12]\ntimes = [05:30:00]\n",
    )
    found = year_of(loaded(bac_giang), 2023)
    silent = [one for one in found if one.state is not State.PLANNED]
    assert {(one.state, one.reason, one.detail) for one in silent} == {
        (State.EXCEPTED, Reason.EXCEPTED, "Tháng giáp hạt")
    }
    assert by_month(silent) == {3: 4, 4: 4}
    sounds = by_month([one for one in found if one.state is State.PLANNED])
    assert not sounds[3]
    assert not sounds[4]
    assert sounds[11] + sounds[12] == 61 + 8


DIEN_BIEN = """
name = "Đài truyền thanh xã Mường Nhé"
area = "03160"

[hours]
allowed = [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]

[[cluster]]
id = "trung-tam"
name = "Trung tâm xã"
area = "03160"
languages = ["vi", "hmn-Latn-VN", "blt-Latn-VN"]

[[cluster]]
id = "nam-po"
name = "Bản Nậm Pố"
area = "03160/nam-po"
languages = ["hmn-Latn-VN", "vi"]

[[cluster]]
id = "ban-thai"
name = "Bản Thái"
area = "03160/ban-thai"
languages = ["blt-Latn-VN"]
"""
DIEN_BIEN_AREAS = """
[[area]]
code = "11"
name = "Tỉnh Điện Biên"
kind = "province"
from = 2010-01-01
[[area]]
code = "03160"
name = "Xã Mường Nhé"
kind = "commune"
from = 2010-01-01
parent = "11"
[[area]]
code = "03160/nam-po"
name = "Bản Nậm Pố"
kind = "village"
from = 2010-01-01
parent = "03160"
[[area]]
code = "03160/ban-thai"
name = "Bản Thái"
kind = "village"
from = 2010-01-01
parent = "03160"
"""
COLUMN = """
title = "BHXH vì cuộc sống cộng đồng"
script = "chuyen-muc"
areas = ["11"]
except = ["Tết"]

[[rule]]
weekdays = ["mon"]
times = [17:30:00]
"""
MONG, THAI = "hmn-Latn-VN", "blt-Latn-VN"


@pytest.fixture
def dien_bien(tmp_path: Path) -> Path:
    """A station in Điện Biên, whose clusters speak Vietnamese, Mông and Thái."""
    write(tmp_path, "schedules/station.toml", DIEN_BIEN)
    write(tmp_path, "schedules/areas.toml", DIEN_BIEN_AREAS)
    write(tmp_path, "schedules/chuyen-muc.toml", COLUMN)
    return tmp_path


def told(content: Content, day: str) -> dict[str, Occurrence]:
    """What is planned on *day*, by cluster."""
    start = at(day)
    return {one.cluster: one for one in plan(content, {}, start, start + timedelta(days=1))}


def test_dien_bien_in_three_languages(dien_bien: Path) -> None:
    """A column in Vietnamese and 2 languages more is heard by each cluster in its own, in its order."""
    script(dien_bien, "chuyen-muc", "everyone", (MONG, THAI))
    there = told(loaded(dien_bien), "2018-11-19")
    assert {name: [recipe.language for recipe in one.whole] for name, one in there.items()} == {
        "trung-tam": ["vi", MONG, THAI],
        "nam-po": [MONG, "vi"],
        "ban-thai": [THAI],
    }
    assert all((one.state, one.reason) == (State.PLANNED, None) for one in there.values())


def test_a_language_that_is_missing_is_named(dien_bien: Path) -> None:
    """While one of the 2 languages is not recorded it is withheld, named, and the others are heard."""
    script(dien_bien, "chuyen-muc", "everyone", (MONG,))
    there = told(loaded(dien_bien), "2018-11-19")
    states = {name: (one.state, one.reason, one.missing) for name, one in there.items()}
    lacks = f"{THAI}: no-recording (loi)"
    assert states == {
        "trung-tam": (State.PLANNED, Reason.INCOMPLETE, lacks),
        "nam-po": (State.PLANNED, None, ""),
        "ban-thai": (State.WITHHELD, Reason.INCOMPLETE, lacks),
    }
    assert [recipe.language for recipe in there["trung-tam"].whole] == ["vi", MONG]


@pytest.mark.parametrize("monday", ["2026-02-16", "2027-02-08", "2029-02-12"])
def test_tet_is_silent_in_dien_bien_by_its_name(dien_bien: Path, monday: str) -> None:
    """Nobody writes down when Tết is: its Monday is silent and says so, the Mondays around it sound."""
    script(dien_bien, "chuyen-muc", "everyone", (MONG, THAI))
    content = loaded(dien_bien)
    day = datetime.fromisoformat(monday).replace(tzinfo=ZONE)
    found = plan(content, {}, day - timedelta(weeks=2), day + timedelta(weeks=3))
    for cluster in ("trung-tam", "nam-po", "ban-thai"):
        states = [(one.state, one.detail) for one in found if one.cluster == cluster]
        sounds = (State.PLANNED, "")
        assert states == [sounds, sounds, (State.EXCEPTED, "Tết"), sounds, sounds]
