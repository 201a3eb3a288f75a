"""Places in a tree: province > commune > village; until July 2025 province > district > commune."""

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum


class AreaKind(StrEnum):
    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"
    VILLAGE = "village"


@dataclass(frozen=True)
class Area:
    """
    One place for as long as its code means it.

    Codes are strings that keep their zeros and are given to other places later (24 was Bắc Giang,
    now it is Bắc Ninh), so a place is known by its code and the day from which the code holds.
    """

    code: str
    name: str
    kind: AreaKind
    valid_from: date
    parent: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)  # what scripts may say of it: collection_point …
    valid_until: date | None = None  # the last day on which the code means it

    def holds(self, day: date) -> bool:
        """Does the code mean this place on *day*?"""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class Areas:
    """Every known area, looked up by code and day."""

    def __init__(self, areas: Iterable[Area] = ()) -> None:
        self._by_code: dict[str, list[Area]] = {}
        changes = set[int]()
        for area in areas:
            self._by_code.setdefault(area.code, []).append(area)
            changes.add(area.valid_from.toordinal())
            if area.valid_until is not None:
                changes.add(area.valid_until.toordinal() + 1)
        for same_code in self._by_code.values():
            same_code.sort(key=lambda area: area.valid_from)
        self._changes = sorted(changes)

    def __iter__(self) -> Iterator[Area]:
        return (area for same_code in self._by_code.values() for area in same_code)

    @property
    def codes(self) -> tuple[str, ...]:
        return tuple(self._by_code)

    def find(self, code: str, day: date) -> Area | None:
        """The place that *code* means on *day*."""
        for area in reversed(self._by_code.get(code, ())):  # the last to begin ends what was before
            if area.valid_from <= day:
                return area if area.holds(day) else None
        return None

    def era(self, day: date) -> int:
        """A number that two days share if no area begins or ends between them."""
        return bisect(self._changes, day.toordinal())

    def upwards(self, code: str, day: date) -> Iterator[Area]:
        """The area and what it lies in, from the village up to the province; ends at a gap or a ring."""
        seen = set[str]()
        step: str | None = code
        while step is not None and step not in seen and (area := self.find(step, day)) is not None:
            seen.add(step)
            yield area
            step = area.parent

    def lies_in(self, code: str, other: str, day: date) -> bool:
        return any(area.code == other for area in self.upwards(code, day))

    def words(self, code: str, day: date) -> dict[str, str]:
        """
        What a script's `{area.name}`, `{commune.name}`, `{area.collection_point}` … stand for here.

        A fact that a village does not have itself is its commune's, then its province's. Names are
        lower-cased in their first word (`xã Mường Nhé`), as they are spoken in a sentence.
        """
        up = list(self.upwards(code, day))
        words: dict[str, str] = {}
        for index, area in enumerate(up):
            keys = ("area", area.kind.value) if index == 0 else (area.kind.value,)
            known = {name: value for above in reversed(up[index:]) for name, value in above.facts.items()}
            known["name"] = area.name[:1].lower() + area.name[1:]
            words |= {f"{key}.{name}": value for key in keys for name, value in known.items()}
        return words
