"""
Makes broadcaster/data/areas.csv and mergers.csv out of the two sources that broadcaster/data/README.md names.

    .venv/bin/python tools/areas.py VN_UNITS.json CONVERT_LEGACY.csv

The second source has lost the zeros of its codes and knows neither the days from which the old ones held
nor what changed after July 2025: the former stay open, the latter stand below.
"""

import csv
import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

DATA = Path(__file__).parent.parent / "broadcaster" / "data"
MERGER, BEFORE = "2025-07-01", "2025-06-30"
CITY, BEFORE_CITY = "2026-04-30", "2026-04-29"  # Đồng Nai, by 30/2026/QH16; its wards by 237/NQ-UBTVQH16

Row = tuple[str, ...]  # code, name, kind, parent, from, until


def padded(code: str, digits: int) -> str:
    """*code* with the zeros that a spreadsheet took, and without what it added."""
    return code.removesuffix(".0").zfill(digits)


def spoken(name: str) -> str:
    """*name* without regard to where its tone mark stands: Hoà and Hòa are one."""
    word = unicodedata.normalize("NFD", name.casefold())
    tones = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
    return "".join(one for one in word if one not in tones) + "".join(one for one in word if one in tones)


def neat(name: str) -> str:
    return name[:1].upper() + " ".join(name.split())[1:]


def today(units: Sequence[dict[str, str]], legacy: Sequence[dict[str, str]]) -> Iterator[Row]:
    """The provinces and communes of the first source; two rows where the second knew another name."""
    whole = {spoken(row["province"]) for row in legacy if row["isMergedProvince"] == "False"}
    called = {row["newWardCode"]: row["newWard"] for row in legacy}
    called |= {row["newProvinceCode"]: row["newProvince"] for row in legacy}
    for one in units:
        name = neat(one["FullName"])
        parent = one.get("ProvinceCode", "")
        kind = "commune" if parent else "province"
        since = "" if spoken(name) in whole and not parent else MERGER
        was = called.get(one["Code"], name)
        if spoken(was) != spoken(name):
            if "75" not in (one["Code"], parent):
                raise SystemExit(f"{one['Code']} was {was}, now is {name}: since when?")
            yield (one["Code"], was, kind, parent, since, BEFORE_CITY)
            since = CITY
        yield (one["Code"], name, kind, parent, since, "")


def before(legacy: Sequence[dict[str, str]]) -> Iterator[Row]:
    """The provinces that were merged, and all districts and communes until the end of June 2025."""
    for row in legacy:
        province, district = padded(row["provinceCode"], 2), padded(row["districtCode"], 3)
        if row["isMergedProvince"] == "True":
            yield (province, neat(row["province"]), "province", "", "", BEFORE)
        yield (district, neat(row["district"]), "district", province, "", BEFORE)
        if row["wardCode"]:  # five islands had no commune below their district
            yield (padded(row["wardCode"], 5), neat(row["ward"]), "commune", district, "", BEFORE)


def mergers(units: Sequence[dict[str, str]], legacy: Sequence[dict[str, str]]) -> Iterator[Row]:
    """Each old commune (or district without one) and where it lies now."""
    known = {one["Code"] for one in units}
    by_name = {(one.get("ProvinceCode"), spoken(one["FullName"])): one["Code"] for one in units}
    for row in legacy:
        old = padded(row["wardCode"], 5) if row["wardCode"] else padded(row["districtCode"], 3)
        new = row["newWardCode"]
        if new not in known:  # Ba Chẽ stands there by the code of its old town
            new = by_name[row["newProvinceCode"], spoken(row["newWard"])]
        yield (old, new)


def write(name: str, header: str, rows: Iterable[Row]) -> int:
    ordered = sorted(set(rows), key=lambda row: (row[0], row[4:], row))  # by code, then by day
    (DATA / name).write_text("\n".join([header, *map(",".join, ordered), ""]), "utf-8")
    return len(ordered)


def main() -> None:
    provinces = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    with Path(sys.argv[2]).open(encoding="utf-8-sig", newline="") as file:
        legacy = list(csv.DictReader(file))
    units = [one for province in provinces for one in (province, *province["Wards"])]
    old, new = list(before(legacy)), list(today(units, legacy))
    print(write("areas.csv", "code,name,kind,parent,from,until", old + new), "areas")
    print(write("mergers.csv", "before,after", mergers(units, legacy)), "mergers")


if __name__ == "__main__":
    main()
