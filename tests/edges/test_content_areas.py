"""The country's areas as they ship, below and above those of a station, and newer ones over them."""

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from broadcaster.edges.content import load
from broadcaster.edges.content.country import DATA, MERGER, Country, _shipped
from broadcaster.edges.content.newer import HEADER, Change, changes, csv_of, of_csv, read_newer
from broadcaster.model.area import Area, AreaKind
from broadcaster.model.errors import BroadcasterError, Fault
from tests.stations import AREAS, SCHEDULE, STATION, airs, assert_told, only_fault, refusal, write

NOW, OLD = date(2026, 11, 20), MERGER - timedelta(days=1)
CITY = date(2026, 4, 30)  # of Đồng Nai
VILLAGE = """
[[area]]
code = "03160/nam-po"
name = "Bản Nậm Pố"
kind = "village"
from = 2025-07-01
parent = "03160"
"""


@pytest.fixture(scope="module")
def country() -> Country:
    """What is shipped."""
    return Country()


def name(country: Country, code: str, day: date) -> str:
    area = country.at(code, day)
    assert area is not None
    return area.name


# --- what is shipped


@pytest.mark.parametrize(
    ("day", "counts"),
    [
        (OLD, {"province": 63, "district": 696, "commune": 10_035}),
        (MERGER, {"province": 34, "commune": 3_321}),
        (NOW, {"province": 34, "commune": 3_321}),
    ],
)
def test_the_country_is_whole(country: Country, day: date, counts: dict[str, int]) -> None:
    """On each day there are as many provinces, districts and communes as the country had."""
    assert Counter(one.kind.value for one in country.all() if one.holds(day)) == counts


def test_every_place_lies_in_another_that_holds_on_the_same_days(country: Country) -> None:
    """A district lies in a province, a commune in a district, since the merger in a province."""
    digits = {AreaKind.PROVINCE: 2, AreaKind.DISTRICT: 3, AreaKind.COMMUNE: 5}
    for one in country.all():
        assert len(one.code) == digits[one.kind]
        assert one.name[0].isupper()
        if one.parent is None:
            assert one.kind is AreaKind.PROVINCE
            continue
        for day in (max(one.valid_from, date(2025, 1, 1)), one.valid_until or NOW):
            above = country.at(one.parent, day)
            assert above is not None
            assert (above.kind is AreaKind.PROVINCE) is (one.kind is AreaKind.DISTRICT or day >= MERGER)


def test_no_code_means_two_places_on_a_day(country: Country) -> None:
    """The holders of a code follow one another."""
    held: dict[str, Area] = {}
    for one in country.all():
        if (before := held.get(one.code)) is not None:
            assert before.valid_until is not None
            assert before.valid_until < one.valid_from
        held[one.code] = one


@pytest.mark.parametrize(
    ("code", "day", "expected"),
    [
        ("24", OLD, "Tỉnh Bắc Giang"),
        ("24", MERGER, "Tỉnh Bắc Ninh"),
        ("00004", OLD, "Phường Trúc Bạch"),
        ("00004", NOW, "Phường Ba Đình"),
        ("11", OLD, "Tỉnh Điện Biên"),
        ("11", NOW, "Tỉnh Điện Biên"),
        ("75", CITY - timedelta(days=1), "Tỉnh Đồng Nai"),
        ("75", CITY, "Thành phố Đồng Nai"),
        ("25270", OLD, "Thị trấn Lộc Ninh"),
        ("25270", CITY - timedelta(days=1), "Xã Lộc Ninh"),
        ("25270", CITY, "Phường Lộc Ninh"),
        ("06325", NOW, "Xã Bắc Sơn"),  # in lower case in the source
    ],
)
def test_a_code_means_the_place_of_its_day(country: Country, code: str, day: date, expected: str) -> None:
    """Codes were given to other places, and places changed their names: the day decides."""
    assert name(country, code, day) == expected
    assert [one.name for one in country.held(code) if one.holds(day)] == [expected]


@pytest.mark.parametrize(
    ("province", "before", "after"), [("Bắc Giang", 192, 58), ("Điện Biên", 129, 45), ("Sơn La", 200, 75)]
)
def test_provinces_have_as_many_communes_as_reported(
    country: Country, province: str, before: int, after: int
) -> None:
    """The communes of a province and those that they became are as many as others counted."""
    one = next(one for one in country.called(f"Tỉnh {province}") if one.holds(OLD))
    communes = [low for each in country.below(one.code, OLD) for low in country.below(each.code, OLD)]
    assert len(communes) == before
    assert len({new.code for old in communes for new in country.after(old)}) == after


def test_every_old_commune_became_something(country: Country) -> None:
    """All old communes lie in new ones, 471 of them in several; the way back leads to the same."""
    ended = [one for one in country.all() if one.kind is AreaKind.COMMUNE and one.valid_until == OLD]
    after = {one.code: country.after(one) for one in ended}
    assert all(after.values())
    assert sum(len(found) > 1 for found in after.values()) == 471
    for new in (one for one in country.all() if one.kind is AreaKind.COMMUNE and one.holds(MERGER)):
        came = country.before(new)
        assert came
        assert all(new.code in {one.code for one in country.after(old)} for old in came)


def test_provinces_were_merged_whole(country: Country) -> None:
    """Bắc Ninh was made of Bắc Giang and Bắc Ninh; Điện Biên is what it was."""
    bac_ninh, dien_bien = country.at("24", NOW), country.at("11", NOW)
    assert bac_ninh is not None
    assert dien_bien is not None
    assert [one.name for one in country.before(bac_ninh)] == ["Tỉnh Bắc Giang", "Tỉnh Bắc Ninh"]
    assert [country.after(one) for one in country.before(bac_ninh)] == [[country.at("24", MERGER)]] * 2
    assert country.before(dien_bien) == []


def test_an_island_without_communes_became_one(country: Country) -> None:
    """Bạch Long Vĩ had no commune below its district: the district itself became the new one."""
    (district,) = country.held("318")
    assert [one.name for one in country.after(district)] == ["Đặc khu Bạch Long Vĩ"]


@pytest.mark.parametrize("typed", ["Mường Nhé", "xã mường nhé", "muong nhe", "xa muong nhe"])
def test_a_place_is_found_by_its_name(country: Country, typed: str) -> None:
    """With or without accents, capitals and the word before it."""
    assert country.called(typed)[0] == country.at("03160", NOW)


def test_the_place_of_a_tone_mark_does_not_matter(country: Country) -> None:
    """Hoà An and Hòa An are the same name, with An Hoà they are not."""
    assert country.called("Xã Hoà An") == country.called("Xã Hòa An") != []
    assert {one.name for one in country.called("Xã Hoà An")} == {"Xã Hoà An", "Xã Hòa An"}


def test_the_word_before_a_name_counts(country: Country) -> None:
    """Who writes the word before a name means it; who writes nothing of that means any."""
    assert {one.name for one in country.called("xã tân tiến")} == {"Xã Tân Tiến"}
    assert {one.name for one in country.called("tan tien")} >= {"Xã Tân Tiến", "Phường Tân Tiến"}


def test_a_ward_with_a_number_keeps_its_word(country: Country) -> None:
    """Phường 2 is found as that, and not every place that is called 2."""
    assert {one.name for one in country.called("Phường 2")} == {"Phường 2"}
    assert country.called("2") == []


def test_a_code_is_found_without_reading_the_country() -> None:
    """What a station needs of the country is looked up; all of it is read for lists and names alone."""
    _shipped.cache_clear()
    country = Country()
    assert country.held("96")
    assert country.held("zzz") == country.held("00001,Phường Phúc Xá") == []
    assert _shipped.cache_info().currsize == 0
    assert country.at("96", NOW) == country.held("96")[-1]


# --- at a station


def areas_of(station: Path, areas: str) -> dict[str, Area]:
    write(station, "schedules/areas.toml", areas)
    loaded = load(station)
    assert loaded.faults == []
    return {one.code: one for one in loaded.content.areas if one.holds(NOW)}


def test_a_station_lists_its_villages_only(station: Path) -> None:
    """Commune and province come from the country's data: a schedule for the province airs in the village."""
    found = areas_of(station, VILLAGE)
    assert [found[code].name for code in ("03160/nam-po", "03160", "11")] == [
        "Bản Nậm Pố",
        "Xã Mường Nhé",
        "Tỉnh Điện Biên",
    ]
    assert len(found) == 3
    assert airs(load(station))


def test_a_station_with_one_cluster_names_a_commune_alone(station: Path) -> None:
    """The areas of station.toml are known without standing in areas.toml."""
    write(
        station, "schedules/station.toml", STATION.replace("03160/nam-po", "03166").replace("03160", "03166")
    )
    assert areas_of(station, VILLAGE)["03166"].name == "Xã Mường Chà"


def test_what_areas_toml_says_goes_before_the_country(station: Path) -> None:
    """An area of both has the name and facts of areas.toml; without a parent there it keeps the country's."""
    own = AREAS.replace('parent = "11"', "").replace("Xã Mường Nhé", "Xã biên giới Mường Nhé")
    commune = areas_of(station, own)["03160"]
    assert (commune.name, commune.parent) == ("Xã biên giới Mường Nhé", "11")
    assert commune.facts == {"collection_point": "Bưu điện xã"}


def test_before_an_own_area_begins_the_country_holds(station: Path) -> None:
    """A commune that areas.toml names from a later day on is the country's until then."""
    areas_of(
        station, AREAS.replace("Xã Mường Nhé", "Phường Mường Nhé").replace("2025-07-01", "2026-10-01", 2)
    )
    found = load(station).content.areas
    days = (date(2026, 9, 30), date(2026, 10, 1))
    assert [[one.name for one in found.upwards("03160", day)] for day in days] == [
        ["Xã Mường Nhé", "Tỉnh Điện Biên"],
        ["Phường Mường Nhé", "Tỉnh Điện Biên"],
    ]


def test_a_district_may_group_villages(station: Path) -> None:
    """A place of one's own may go between commune and village."""
    group = VILLAGE.replace("nam-po", "cu").replace("Bản Nậm Pố", "Cụm cũ").replace("village", "district")
    areas_of(station, group + VILLAGE.replace('parent = "03160"', 'parent = "03160/cu"'))
    assert load(station).content.areas.lies_in("03160/nam-po", "11", NOW)
    assert load(station).content.areas.lies_in("03160/nam-po", "03160/cu", NOW)


def test_an_area_ends_with_its_last_day(station: Path) -> None:
    """`until` is the last day on which a code of areas.toml means its place."""
    areas_of(station, AREAS + "until = 2026-11-30\n")
    found = load(station).content.areas
    assert found.find("03160/nam-po", date(2026, 11, 30)) is not None
    assert found.find("03160/nam-po", date(2026, 12, 1)) is None


def test_an_area_ends_after_it_began(station: Path) -> None:
    """An area whose last day is before its first is a fault."""
    write(station, "schedules/areas.toml", AREAS + "until = 2025-06-30\n")
    (fault,) = load(station).faults
    assert_told(fault, "schedules/areas.toml [area 03160/nam-po]", "ends (2025-06-30) before", "Exchange")


def test_only_what_concerns_the_station_is_loaded(station: Path) -> None:
    """A station does not carry the country: its own areas, and what they lie in since the merger."""
    write(station, "schedules/areas.toml", VILLAGE)
    assert sorted(load(station).content.areas.codes) == ["03160", "03160/nam-po", "11"]
    assert len([*load(station).content.areas]) == 3


def schedule_for(station: Path, area: str) -> Fault:
    """The one fault of a second schedule, for *area*."""
    write(station, "schedules/xa.toml", SCHEDULE.replace('"11"', json.dumps(area, ensure_ascii=False)))
    return only_fault(station)


def test_a_schedule_may_name_any_area_of_the_country(station: Path) -> None:
    """A schedule that came from the province may name places far away; nobody has to list them."""
    write(station, "schedules/xa.toml", SCHEDULE.replace('["11"]', '["11", "01", "00004"]'))
    assert load(station).faults == []


@pytest.mark.parametrize(
    ("code", "what", "following"),
    [
        ("27", "“27” meant Tỉnh Bắc Ninh until 2025-06-30", "lies now: “24” (Tỉnh Bắc Ninh)"),
        ("03157", "“03157” meant Xã Chung Chải until", "“03160” (Xã Mường Nhé)"),
        ("096", "“096” meant Huyện Mường Nhé until", "“03163” (Xã Mường Toong)"),
        ("00019", "“00019” meant Phường Điện Biên", "“00004” (Phường Ba Đình), “00070”"),
    ],
)
def test_a_code_that_ended_is_said_with_what_it_became(
    station: Path, code: str, what: str, following: str
) -> None:
    """Who names a place by the code that it had until June 2025 is told where it lies now."""
    assert_told(schedule_for(station, code), "schedules/xa.toml", what, following)


@pytest.mark.parametrize(
    ("typed", "following"),
    [
        ("Mường Nhé", "“03160” (Xã Mường Nhé)"),
        ("Sơn La", "“14” (Tỉnh Sơn La)"),
        ("bản nậm pố", "“03160/nam-po” (Bản Nậm Pố)"),
        ("4", "“04” (Tỉnh Cao Bằng)"),
        ("97", "“00097” (Phường Hồng Hà)"),
        ("Tân Tiến", "“01051” (Xã Tân Tiến)"),
        ("Hồ Chí Minhh", "“79” (Thành phố Hồ Chí Minh)"),
    ],
)
def test_who_names_no_code_is_told_which_was_meant(station: Path, typed: str, following: str) -> None:
    """A name instead of a code, a name with a slip in it, a code whose zeros are lost: each is understood."""
    fault = schedule_for(station, typed)
    assert_told(fault, "schedules/xa.toml", f"“{typed}” is not in schedules/areas.toml, nor among", following)


def test_a_station_in_an_area_that_ended_is_refused(station: Path) -> None:
    """A station that was not moved to its new commune is told so."""
    write(station, "schedules/station.toml", STATION.replace('area = "03160"\n', 'area = "03157"\n'))
    assert_told(refusal(station), "schedules/station.toml", "meant Xã Chung Chải", "“03160”")


def test_own_areas_may_keep_a_code_that_ended(station: Path) -> None:
    """What areas.toml says itself is not measured by the country's data."""
    own = VILLAGE.replace("03160/nam-po", "03157").replace("Bản Nậm Pố", "Chung Chải cũ")
    assert areas_of(station, own + VILLAGE)["03157"].name == "Chung Chải cũ"


# --- what was imported


IMPORT = f"{HEADER}\n11,Tỉnh Điện Biên,province,,,2026-09-30\n11,Thành phố Điện Biên,province,,2026-10-01,\n"


def test_what_was_imported_goes_before_what_is_shipped(station: Path) -> None:
    """schedules/areas.csv renames a province from its day on."""
    write(station, "schedules/areas.csv", IMPORT)
    assert areas_of(station, VILLAGE)["11"].name == "Thành phố Điện Biên"
    up = [*load(station).content.areas.upwards("03160", date(2026, 9, 30))]
    assert up[-1].name == "Tỉnh Điện Biên"


def test_what_would_be_imported_can_be_tried(station: Path) -> None:
    """schedules/areas.csv can be given as text that is not saved yet, or as gone."""
    write(station, "schedules/areas.toml", VILLAGE)
    write(station, "schedules/areas.csv", IMPORT)
    for instead, expected in (
        ({"schedules/areas.csv": IMPORT.replace("Thành phố", "Đô thị")}, "Đô thị Điện Biên"),
        ({"schedules/areas.csv": None}, "Tỉnh Điện Biên"),
    ):
        area = load(station, instead=instead).content.areas.find("11", NOW)
        assert area is not None
        assert area.name == expected


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\xff\xfe\x00", "not a text file in UTF-8"),
        (b"a,b\n", "does not name these columns"),
        (IMPORT.encode() + b"4,X,commune,11,,\n", "“4” is no code of a commune"),
        (IMPORT.encode() + b"00004,X,hamlet,11,,\n", "no area: 00004,X,hamlet"),
        (IMPORT.encode() + b"00004,X,commune,11,1/7/2025,\n", "no area: 00004"),
        (IMPORT.encode() + b"00004,X,commune,11,2025-07-01,2025-06-30\n", "no area: 00004"),
        (IMPORT.encode() + b"11,X,province,,2026-11-01,\n", "“11” is there twice"),
    ],
)
def test_imported_areas_that_cannot_be_used_are_one_fault(station: Path, data: bytes, what: str) -> None:
    """A faulty schedules/areas.csv is said once; the station airs with the areas that are shipped."""
    write(station, "schedules/areas.csv", data)
    assert_told(only_fault(station), "schedules/areas.csv", what, "")


# --- newer data


def as_published(path: Path, provinces: list[dict[str, object]]) -> Path:
    path.write_text(json.dumps(provinces, ensure_ascii=False), "utf-8")
    return path


@pytest.fixture
def published(country: Country) -> list[dict[str, object]]:
    """The country of today in the shape in which it is published."""
    return [
        {
            "Code": province.code,
            "FullName": province.name,
            "Wards": [
                {"Code": one.code, "FullName": one.name, "ProvinceCode": province.code}
                for one in country.below(province.code, NOW)
            ],
        }
        for province in country.all()
        if province.kind is AreaKind.PROVINCE and province.holds(NOW)
    ]


def test_what_is_shipped_changes_nothing(
    tmp_path: Path, country: Country, published: list[dict[str, object]]
) -> None:
    """The same data as JSON, and our own file, are nothing new."""
    for path in (as_published(tmp_path / "a.json", published), DATA / "areas.csv"):
        assert changes(country, read_newer(path, NOW), NOW) == []


def test_newer_areas_are_told_apart(country: Country) -> None:
    """New, renamed, moved, gone; what did not change is not told; each is so from its day on."""
    now = {one.code: one for one in country.all() if one.holds(NOW)}
    gone = now.pop("00008")
    newer = of_csv(
        "x.csv",
        f"{HEADER}\n00004,Phường Mới,commune,01,2026-11-20,\n03160,Xã Mường Nhé,commune,12,2026-11-20,\n"
        "39999,Xã Mới,commune,11,2026-11-20,\n",
    )
    newest = [*(now | {one.code: one for one in newer}).values()]
    found = changes(country, newest, NOW)
    assert sorted(found, key=lambda one: one.state) == [
        Change("gone", gone, None),
        Change("moved", now["03160"], newer[1]),
        Change("new", None, newer[2]),
        Change("renamed", now["00004"], newer[0]),
    ]
    after, eve = Country(of_csv("areas.csv", csv_of(country, found, NOW))), NOW - timedelta(days=1)
    assert [name(after, "00004", day) for day in (eve, NOW)] == ["Phường Ba Đình", "Phường Mới"]
    assert "03160" in {one.code for one in after.below("12", NOW)}
    assert "03160" in {one.code for one in after.below("11", eve)}
    assert (after.at("39999", eve), after.at("00008", NOW)) == (None, None)
    assert name(after, "00008", eve) == "Phường Ngọc Hà"
    assert changes(after, newest, NOW) == []
    assert sum(one.holds(eve) for one in after.all()) == sum(one.holds(eve) for one in country.all())


def test_imports_follow_one_another(country: Country) -> None:
    """A second import keeps what the first one said of the days before it."""
    after = country
    for day, called in ((date(2026, 9, 1), "Phường Một"), (date(2026, 10, 1), "Phường Hai")):
        newer = [one for one in after.all() if one.holds(day) and one.code != "00004"]
        newer.append(Area("00004", called, AreaKind.COMMUNE, day, "01"))
        text = csv_of(after, changes(after, newer, day), day)
        after = Country(of_csv("areas.csv", text))
    assert [(one.name, one.valid_from, one.valid_until) for one in after.held("00004")] == [
        ("Phường Trúc Bạch", date.min, OLD),
        ("Phường Ba Đình", MERGER, date(2026, 8, 31)),
        ("Phường Một", date(2026, 9, 1), date(2026, 9, 30)),
        ("Phường Hai", date(2026, 10, 1), None),
    ]
    assert len(text.splitlines()) == 4


def test_a_spreadsheet_may_write_semicolons(tmp_path: Path) -> None:
    """A spreadsheet's semicolons, line ends and byte order mark are understood."""
    path = tmp_path / "a.csv"
    path.write_text("\ufeff" + f"{HEADER}\r\n11,tỉnh  Điện Biên ,province,,,\r\n".replace(",", ";"), "utf-8")
    assert read_newer(path, NOW) == [Area("11", "Tỉnh Điện Biên", AreaKind.PROVINCE, NOW)]


ROWS = f"{HEADER}\n11,Tỉnh Điện Biên,province,,,\n"


@pytest.mark.parametrize(
    ("data", "what", "following"),
    [
        (b"", "does not name these columns", "begins with this line"),
        (bytes(range(256)), "not a text file in UTF-8", "Save it as UTF-8"),
        (b'[{"Code": "11", "FullN', "not valid JSON from line 1", "Fetch the file again"),
        (b"[" * 100_000, "brackets are too deep", "Take out"),
        (b"[1, 2]", "no list of provinces", "Import the simplified JSON"),
        (b'{"Code": "11"}', "no list of provinces", "Import the simplified JSON"),
        (b'[{"Code": 11, "FullName": "T", "Wards": []}]', "no list of provinces", "Import the simplified"),
        (
            b'[{"Code": "1", "FullName": "T", "Wards": []}]',
            "“1” is no code of a province",
            "keep their zeros",
        ),
        (b'[{"Code": "11", "FullName": "", "Wards": []}]', "This is no area: 11", "Write code,name"),
        (ROWS.encode() + b'"00004,X\n', "no area: 00004,X", "Write code,name"),
        (ROWS.encode() + b"00004,X,commune,12,,\n", "X (00004) lies in no province", "all provinces"),
        (ROWS.encode() + b"00004,X,commune,11,2026-11-21,\n", "begins on 2026-11-21, later than", "has come"),
        (ROWS.encode() + b"x" * 20_000_000, "larger than 20 MB", "areas alone"),
    ],
)
def test_a_file_that_is_no_country_is_refused(tmp_path: Path, data: bytes, what: str, following: str) -> None:
    """A torn, binary, huge, foreign or contradictory file is one fault that says what to do."""
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(BroadcasterError) as error:
        read_newer(tmp_path / "x", NOW)
    (fault,) = error.value.faults
    assert_told(fault, str(tmp_path / "x"), what, following)


def test_of_a_file_full_of_faults_some_are_told(tmp_path: Path) -> None:
    """Who lost all zeros is not told so three thousand times; lines are named."""
    (tmp_path / "x.csv").write_text(ROWS + "4,X,commune,11,,\n" * 3_000, "utf-8")
    with pytest.raises(BroadcasterError) as error:
        read_newer(tmp_path / "x.csv", NOW)
    assert [one.line for one in error.value.faults] == [*range(3, 23)]
