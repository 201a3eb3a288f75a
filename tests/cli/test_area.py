"""area list, show, import: a place, what it lies in, what it was; and newer data."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from broadcaster.edges.content.country import DATA
from tests.cli.terminal import AREAS, Terminal

BAC_NINH = '[[area]]\ncode = "24"\nname = "Tỉnh Bắc Ninh"\nkind = "province"\nfrom = 2025-07-01\n'
NOW = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)


@pytest.fixture
def type_in(type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A day in November 2026."""
    monkeypatch.setattr("broadcaster.edges.clock.SystemClock.now", lambda _self: NOW)
    return type_in


def codes(found: list[dict[str, Any]]) -> list[str]:
    return [one["code"] for one in found]


class TestList:
    def test_shows_what_concerns_the_station(self, type_in: Terminal) -> None:
        """The station's own areas and what they lie in today."""
        said = type_in("area", "list", "--json")
        assert sorted(codes(said.json)) == ["03160", "03160/nam-po", "11"]
        (commune,) = (one for one in said.json if one["code"] == "03160")
        assert commune == {
            "code": "03160",
            "name": "Xã Mường Nhé",
            "kind": "commune",
            "from": "2025-07-01",
            "until": None,
            "parent": "11",
            "facts": {},
        }

    def test_is_a_table_that_names_what_each_lies_in(self, type_in: Terminal) -> None:
        """Code, name, kind, days, and the place above by name."""
        said = type_in("area", "list")
        (line,) = (line for line in said.out.splitlines() if line.startswith("03160/nam-po"))
        assert [cell.strip() for cell in line.split("  ") if cell.strip()] == [
            *("03160/nam-po", "Bản Nậm Pố", "village", "01/07/2025 –", "Xã Mường Nhé (03160)")
        ]

    def test_shows_all_of_the_country_and_of_the_station(self, type_in: Terminal) -> None:
        """34 provinces, 3,321 communes, and the village; each once."""
        found = type_in("area", "list", "--all", "--json").json
        kinds = [one["kind"] for one in found]
        assert [kinds.count(kind) for kind in ("province", "commune", "village")] == [34, 3_321, 1]
        assert len({*codes(found)}) == len(found)

    @pytest.mark.parametrize("place", ["11", "Điện Biên", "tinh dien bien"])
    def test_shows_what_lies_in_a_place(self, type_in: Terminal, place: str) -> None:
        """The communes of a province, which may be named."""
        found = type_in("area", "list", "--in", place, "--json").json
        assert len(found) == 45
        assert {one["parent"] for one in found} == {"11"}

    def test_shows_the_villages_of_a_commune(self, type_in: Terminal) -> None:
        """What the station itself added lies in the country's communes."""
        assert codes(type_in("area", "list", "--in", "03160", "--json").json) == ["03160/nam-po"]

    def test_shows_what_lay_in_a_place_of_the_past(self, type_in: Terminal) -> None:
        """On its last day."""
        found = type_in("area", "list", "--in", "219", "--json").json
        assert len(found) == len(type_in("area", "show", "219", "--json").json["inside"]) > 0


class TestShow:
    def test_says_what_a_commune_was(self, type_in: Terminal) -> None:
        """The place, what it lies in, its words, and the old communes with their district and province."""
        said = type_in("area", "show", "03160")
        assert said.out.startswith("Xã Mường Nhé (03160) < Tỉnh Điện Biên (11)\n")
        assert "{commune.name}" in said.out
        assert "xã Mường Nhé" in said.out
        for old in ("03157  Xã Chung Chải", "03160  Xã Mường Nhé", "03161  Xã Nậm Vì"):
            (line,) = (line for line in said.out.splitlines() if line.startswith(old))
            assert "Huyện Mường Nhé, Tỉnh Điện Biên  whole" in line
        assert "In it lie (1):" in said.out

    def test_is_the_same_in_json(self, type_in: Terminal) -> None:
        """The same words as fields; what a split commune became elsewhere is told."""
        found = type_in("area", "show", "00004", "--json").json
        assert (found["name"], codes(found["above"])) == ("Phường Ba Đình", ["01"])
        assert [one["name"] for one in found["others"]] == ["Phường Trúc Bạch"]
        old = {one["code"]: one for one in found["before"]}
        assert (old["00004"]["whole"], old["00004"]["rest"]) == (True, [])
        assert [one["name"] for one in old["00016"]["above"]] == ["Quận Ba Đình", "Thành phố Hà Nội"]
        assert (old["00016"]["whole"], codes(old["00016"]["rest"])) == (False, ["00008"])

    def test_says_where_the_rest_of_a_split_commune_went(self, type_in: Terminal) -> None:
        """An old commune of which only a part came is marked, with where the rest lies."""
        said = type_in("area", "show", "00004")
        (line,) = (line for line in said.out.splitlines() if line.startswith("00016"))
        assert "in part" in line
        assert line.endswith("Phường Ngọc Hà (00008)")

    def test_a_reused_code_means_another_place_on_another_day(self, type_in: Terminal) -> None:
        """24 is Bắc Ninh, and was Bắc Giang; each says so of the other, and Bắc Giang what it became."""
        now, then = type_in("area", "show", "24"), type_in("area", "show", "24", "--on", "2024-05-01")
        assert now.out.startswith("Tỉnh Bắc Ninh (24)\nHolds: 01/07/2025 –\n")
        assert "the code means Tỉnh Bắc Giang: – 30/06/2025" in now.out
        assert then.out.startswith("Tỉnh Bắc Giang (24)\nHolds: – 30/06/2025\n")
        assert "Since 01/07/2025 it lies in:" in then.out
        assert "In it lie (10):" in then.out  # districts

    def test_a_code_that_ended_says_what_it_became(self, type_in: Terminal) -> None:
        """A district is shown as it was, with the communes that it lies in now."""
        found = type_in("area", "show", "096", "--json").json
        assert (found["name"], found["until"], codes(found["above"])) == (
            *("Huyện Mường Nhé", "2025-06-30"),
            ["11"],
        )
        assert codes(found["after"]) == ["03158", "03160", "03162", "03163", "03164"]
        assert len(found["inside"]) == 11

    @pytest.mark.parametrize("place", ["Mường Nhé", "muong nhe", "Xã Mường Nhé"])
    def test_takes_names(self, type_in: Terminal, place: str) -> None:
        """A name is as good as a code where one place of today has it."""
        assert type_in("area", "show", place, "--json").json["code"] == "03160"

    def test_takes_the_name_of_a_village(self, type_in: Terminal) -> None:
        """The station's own places have names, too."""
        assert type_in("area", "show", "nam po", "--json").json["code"] == "03160/nam-po"

    def test_says_what_else_had_the_name(self, type_in: Terminal) -> None:
        """A place of today goes first, and those of the past stand below it."""
        said = type_in("area", "show", "Bắc Giang").out
        assert said.startswith("Phường Bắc Giang (")
        assert "24" in [
            line.split()[0] for line in said.partition("Of this name were also:")[2].splitlines() if line
        ]

    def test_takes_the_name_of_a_place_of_the_past(self, type_in: Terminal) -> None:
        """Also where the code means another place of the station now."""
        type_in.change("schedules/areas.toml", 'parent = "03160"\n', 'parent = "03160"\n' + BAC_NINH)
        found = type_in("area", "show", "Tỉnh Bắc Giang", "--json").json
        assert (found["code"], found["until"]) == ("24", "2025-06-30")

    def test_takes_a_day_as_it_is_typed(self, type_in: Terminal) -> None:
        """As the schedule commands do."""
        assert type_in("area", "show", "11", "--on", "30/06/2025", "--json").code == 0

    def test_a_name_of_many_lists_them(self, type_in: Terminal) -> None:
        """Of several places of one name each is listed with its province, to choose from by code."""
        said = type_in("area", "show", "Xã Tân Tiến")
        assert said.code == 1
        assert len(said.out.splitlines()) == 2 + 7
        assert "Tỉnh Lạng Sơn (20)" in said.out
        assert "7 places have this name" in said.err
        assert "broadcaster area show 01051" in said.err

    @pytest.mark.parametrize(
        ("place", "meant"),
        [("3160", "Did you mean “03160”?"), ("Mường Nhéé", "“Xã Mường Nhé”"), ("zz", "11")],
    )
    def test_who_means_nothing_is_told_what_there_is(self, type_in: Terminal, place: str, meant: str) -> None:
        """A slip in a code or a name is understood."""
        assert meant in type_in.fault("area", "show", place)


def published(path: Path, **changed: str) -> Path:
    """The country as it is published; communes of `code=name` renamed, or gone if that is empty."""
    provinces: dict[str, Any] = {}
    for line in (DATA / "areas.csv").read_text("utf-8").splitlines()[1:]:
        code, name, kind, parent, _since, until = line.split(",")
        if kind == "province" and not until:
            provinces[code] = {"Code": code, "FullName": name, "Wards": []}
    for line in (DATA / "areas.csv").read_text("utf-8").splitlines()[1:]:
        code, name, kind, parent, _since, until = line.split(",")
        if kind == "commune" and not until and changed.get(f"_{code}", name):
            one = {"Code": code, "FullName": changed.get(f"_{code}", name), "ProvinceCode": parent}
            provinces[parent]["Wards"].append(one)
    path.write_text(json.dumps([*provinces.values()], ensure_ascii=False), "utf-8")
    return path


class TestImport:
    def test_the_same_is_nothing_new(self, type_in: Terminal, tmp_path: Path) -> None:
        """What is known already is not written."""
        before = type_in.files()
        said = type_in("area", "import", str(published(tmp_path / "a.json")), "--yes")
        assert (said.code, said.out) == (0, "Nothing is new in it.\n")
        assert type_in.files() == before

    def test_takes_what_is_newer(self, type_in: Terminal, tmp_path: Path) -> None:
        """What is renamed and gone is told, written, and holds from its day on."""
        file = published(tmp_path / "a.json", _03160="Phường Mường Nhé", _00008="")
        said = type_in("area", "import", str(file), "--from", "2026-09-01", "--yes")
        assert said.code == 0
        assert "renamed  03160  Xã Mường Nhé < 11" in said.out
        assert "gone     00008  Phường Ngọc Hà < 01" in said.out
        assert "renamed: 1, gone: 1" in said.out
        assert said.err.startswith(
            "Note: schedules/areas.toml: These areas stay as this file says: Xã Mường Nhé (0"
        )
        assert (type_in.station / "schedules" / "areas.csv").read_text("utf-8").splitlines() == [
            "code,name,kind,parent,from,until",
            "00008,Phường Ngọc Hà,commune,01,2025-07-01,2026-08-31",
            "03160,Xã Mường Nhé,commune,11,2025-07-01,2026-08-31",
            "03160,Phường Mường Nhé,commune,11,2026-09-01,",
        ]
        type_in.write("schedules/areas.toml", AREAS[AREAS.index("[[area]]", 5) :])  # the village alone
        assert type_in("area", "show", "03160", "--json").json["name"] == "Phường Mường Nhé"
        assert type_in("area", "show", "00008", "--json").json["until"] == "2026-08-31"
        assert type_in("area", "import", str(file), "--yes").out == "Nothing is new in it.\n"

    def test_can_be_tried(self, type_in: Terminal, tmp_path: Path) -> None:
        """A dry run tells the same and writes nothing."""
        file = published(tmp_path / "a.json", _00008="")
        said = type_in("area", "import", str(file), "--dry-run")
        assert (said.code, "gone: 1" in said.out) == (0, True)
        assert not (type_in.station / "schedules" / "areas.csv").exists()

    @pytest.mark.parametrize("data", [b"", b"{", b"\x00\xff", b"code,name\n"])
    def test_a_broken_file_changes_nothing(self, type_in: Terminal, tmp_path: Path, data: bytes) -> None:
        """What cannot be read is a fault, and the station is as it was."""
        (tmp_path / "a.json").write_bytes(data)
        before = type_in.files()
        assert "a.json" in type_in.fault("area", "import", str(tmp_path / "a.json"), "--yes")
        assert type_in.files() == before

    def test_half_a_country_needs_insistence(self, type_in: Terminal, tmp_path: Path) -> None:
        """A file that lacks most communes is refused, unless it is meant."""
        path = tmp_path / "a.csv"
        path.write_text("code,name,kind,parent,from,until\n11,Tỉnh Điện Biên,province,,,\n", "utf-8")
        assert "only 0 communes; 3321 are known" in type_in.fault("area", "import", str(path), "--yes")
        said = type_in("area", "import", str(path), "--force", "--dry-run")
        assert "gone: 3354" in said.out

    def test_of_a_day_to_come_is_refused(self, type_in: Terminal, tmp_path: Path) -> None:
        """Until then the old codes hold, so it is imported then."""
        file = str(published(tmp_path / "a.json"))
        assert "still to come" in type_in.fault("area", "import", file, "--from", "2026-11-21")
