"""Public holidays of Vietnam by name; Tết by the lunar calendar, with the days off that were decided."""

from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from typing import NamedTuple


class Name(NamedTuple):
    words: tuple[str, ...]  # one of these is in what the library calls its days off
    months: frozenset[int]  # in which they can lie: elsewhere the library, slow to load, is not asked


ANY_MONTH = frozenset(range(1, 13))
NAMES = {
    "Tết": Name(("Tết Nguyên Đán", "29 Tết"), frozenset({1, 2, 3})),
    "Tết Dương lịch": Name(("Tết Dương lịch",), frozenset({12, 1})),
    "Giỗ Tổ Hùng Vương": Name(("Giỗ Tổ Hùng Vương",), frozenset({3, 4, 5})),
    "Ngày Chiến thắng": Name(("Ngày Chiến thắng",), frozenset({4, 5})),
    "Quốc tế Lao động": Name(("Quốc tế Lao động",), frozenset({4, 5})),
    "Quốc khánh": Name(("Quốc khánh",), frozenset({8, 9})),
    "Ngày Văn hóa Việt Nam": Name(("Ngày Văn hóa Việt Nam",), frozenset({11})),
    "ngày lễ": Name(("",), ANY_MONTH),  # every day off
}


@dataclass(frozen=True)
class Holiday:
    """The days off of the holiday *name*, one of NAMES, in any year."""

    name: str

    def __contains__(self, day: date) -> bool:
        return day.month in NAMES[self.name].months and day in days_off(self.name, day.year)

    def meets(self, first: date, last: date) -> bool:
        return _meets(self.name, first, last)


@lru_cache(2000)  # weeks, of which the plan asks for every schedule anew
def _meets(name: str, first: date, last: date) -> bool:
    later = min((last - first).days // 28 + 2, 12)
    months = {(first.month + month - 1) % 12 + 1 for month in range(later)}
    return not months.isdisjoint(NAMES[name].months) and any(
        first <= day <= last for year in range(first.year, last.year + 1) for day in days_off(name, year)
    )


@cache
def days_off(name: str, year: int) -> frozenset[date]:
    """The days off of the holiday *name* in *year*."""
    from holidays import country_holidays

    found = country_holidays("VN", years=year, language="vi")
    return frozenset(
        day for day in found for called in found.get_list(day) for word in NAMES[name].words if word in called
    )
