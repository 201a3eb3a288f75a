"""Public holidays of Vietnam by name; Tết by the lunar calendar, with the days off that were decided."""

from dataclasses import dataclass
from datetime import date
from functools import cache

NAMES = {  # and what the days off of each are called in the library
    "Tết": ("Tết Nguyên Đán", "29 Tết"),
    "Tết Dương lịch": ("Tết Dương lịch",),
    "Giỗ Tổ Hùng Vương": ("Giỗ Tổ Hùng Vương",),
    "Ngày Chiến thắng": ("Ngày Chiến thắng",),
    "Quốc tế Lao động": ("Quốc tế Lao động",),
    "Quốc khánh": ("Quốc khánh",),
    "Ngày Văn hóa Việt Nam": ("Ngày Văn hóa Việt Nam",),
    "ngày lễ": ("",),  # every day off
}


@dataclass(frozen=True)
class Holiday:
    """The days off of the holiday *name*, one of NAMES, in any year."""

    name: str

    def __contains__(self, day: date) -> bool:
        return day in days_off(self.name, day.year)

    def meets(self, first: date, last: date) -> bool:
        years = range(first.year, last.year + 1)
        return any(first <= day <= last for year in years for day in days_off(self.name, year))


@cache
def days_off(name: str, year: int) -> frozenset[date]:
    """The days off of the holiday *name* in *year*."""
    from holidays import country_holidays

    found = country_holidays("VN", years=year, language="vi")
    return frozenset(
        day for day in found for called in found.get_list(day) for word in NAMES[name] if word in called
    )
