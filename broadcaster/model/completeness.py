"""What is still to be written, recorded, translated or approved, and by when."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from .content import Content
from .occurrence import Occurrence, State
from .plan import recipe_at
from .programme import Recipe
from .recording import Lack
from .script import VIETNAMESE


@dataclass(frozen=True)
class Wanting:
    """An item that cannot go on air in one language, at the places named."""

    script: str
    language: str
    item: str
    areas: tuple[str, ...]
    lack: Lack
    needed: datetime | None  # when it is first planned; None: not in the days looked at
    seconds: float  # that it should last, about
    text: str  # the Vietnamese words


def wanting(content: Content, planned: Iterable[Occurrence], day: date) -> list[Wanting]:
    """
    Every item that lacks something: those that *planned* needs first, by the hour, then the others.

    As of *day*, which decides what areas there are.
    """
    needed: dict[tuple[str, str, str, Lack], tuple[datetime | None, dict[str, None]]] = {}
    by_time = sorted(planned, key=lambda one: one.at)
    recipes: list[tuple[Recipe, datetime | None]] = [
        (each, one.at)
        for one in by_time
        if one.state in (State.PLANNED, State.WITHHELD)
        for each in one.recipes
    ]
    recipes += [(each, None) for each in _recipes(content, day)]
    for recipe, at in recipes:
        for item, lack in recipe.lacks:
            key = (recipe.script, recipe.language, item, lack)
            needed.setdefault(key, (at, {}))[1][recipe.area] = None
    found = []
    for (script, language, item, lack), (at, areas) in needed.items():
        one = next(each for each in content.scripts[script].items if each.id == item)
        text = one.text.get(VIETNAMESE, "").strip()
        found.append(Wanting(script, language, item, tuple(areas), lack, at, one.seconds, text))
    return found


@dataclass(frozen=True)
class Cell:
    """A script in one language at one place."""

    script: str
    area: str
    language: str
    items: int
    lacks: Mapping[Lack, int]  # how many items lack what

    @property
    def state(self) -> str:
        """`there`, or what most keeps it off the air."""
        return next((lack.value for lack in Lack if lack in self.lacks), "there")


def matrix(content: Content, day: date) -> list[Cell]:
    """Each script in each language at each cluster's place, whether a schedule asks for it or not."""
    return [
        Cell(
            recipe.script,
            recipe.area,
            recipe.language,
            len(recipe.parts),
            Counter(lack for _item, lack in recipe.lacks),
        )
        for recipe in dict.fromkeys(_recipes(content, day))
    ]


def _recipes(content: Content, day: date) -> Iterator[Recipe]:
    for script in content.scripts:
        for cluster in content.station.clusters:
            for language in cluster.languages:
                yield recipe_at(content, script, language, cluster.area, day)
