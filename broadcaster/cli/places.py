"""Areas through the merger of July 2025: counts of before and after stand under the same place."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from broadcaster.edges.content.country import DAY, MERGER, Country
from broadcaster.model.area import Area, AreaKind
from broadcaster.model.errors import BroadcasterError, Fault, did_you_mean, say

from .language import _

Place = tuple[str, str]  # code, name


def stretches(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The days from *first* to *last* in parts in which a code means one place."""
    if first < MERGER <= last:
        yield first, MERGER - DAY
        first = MERGER
    yield first, last


def _names(area: Area) -> Collection[str]:
    """What it is called, with and without the words before its name; marks and all, for they make another."""
    words = area.name.casefold().split()
    return {" ".join(words[first:]) for first in range(min(3, len(words)))}


@dataclass(frozen=True)
class Places:
    """What the areas of a play log lie in: the communes and provinces of today, the districts of before."""

    country: Country

    def levels(self, day: date) -> Mapping[str, Callable[[str], Place]]:
        """For codes as they were meant on *day*; a village's begins with its commune's."""

        def level(name: Callable[[str, date], Place]) -> Callable[[str], Place]:
            return cache(lambda code: name(code.partition("/")[0], day))

        return {
            "commune": level(self._commune),
            "district": level(self._district),
            "province": level(self._province),
        }

    def _commune(self, code: str, day: date) -> Place:
        area = self.country.at(code, day)
        if area is None:
            return code, code
        now = self.country.after(area) if area.kind is AreaKind.COMMUNE else []
        if len(now) == 1:
            return now[0].code, now[0].name
        if now:  # it was split: nobody knows where its loudspeakers are now
            names = ", ".join(one.name for one in now)
            return code, _("{area}, now in {names}").format(area=area.name, names=names)
        return code, area.name

    def _district(self, code: str, day: date) -> Place:
        area = self.country.at(code, day)
        if area is None:
            return code, code
        communes = [area] if day < MERGER else self.country.before(area) or [area]
        parents = {one.parent for one in communes if one.parent}
        districts = [self.country.at(one, min(day, MERGER - DAY)) for one in sorted(parents)]
        known = [one for one in districts if one is not None] if area.kind is AreaKind.COMMUNE else [area]
        return "+".join(one.code for one in known) or code, " + ".join(one.name for one in known) or code

    def _province(self, code: str, day: date) -> Place:
        area = self.country.at(code, day)
        top = area
        while top is not None and top.parent is not None:
            top = self.country.at(top.parent, day)
        if top is None:
            return code, code
        now = self.country.after(top)
        return (now[0].code, now[0].name) if len(now) == 1 else (top.code, top.name)

    def find(self, place: str) -> Area:
        """What a code or a name means, the newest. Raises BroadcasterError."""
        found = self.country.held(place)[::-1] or [
            one for one in self.country.called(place) if place.casefold() in _names(one)
        ]
        if not found or len({one.code for one in found if one.valid_until is None}) > 1:
            near = {f"{one.name} ({one.code})": one for one in found or self.country.like(place)}
            what = say("More than one place has this name.") if found else say("There is no such place.")
            following = say("Give its code: broadcaster area show {place}.", place=place)
            raise BroadcasterError(Fault(place, what, did_you_mean(place, near, following)))
        return found[0]

    def communes(self, area: Area, day: date) -> Collection[str]:
        """The codes that the communes of *area* had on *day*, before or after the merger."""
        own = area.valid_until or max(area.valid_from, MERGER)
        lowest = [area]
        while lowest and lowest[0].kind is not AreaKind.COMMUNE:
            lowest = [one for each in lowest for one in self.country.below(each.code, own)]
        if (own < MERGER) != (day < MERGER):
            other = self.country.after if own < MERGER else self.country.before
            lowest = [one for each in lowest for one in other(each) or [each]]
        return {one.code for one in lowest}
