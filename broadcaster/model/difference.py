"""What an edit changes: occurrences that come, go, move or change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .occurrence import Occurrence


class Effect(StrEnum):
    COMES = "comes"
    GOES = "goes"
    MOVES = "moves"  # the same, at another time
    CHANGES = "changes"


@dataclass(frozen=True)
class Change:
    """One occurrence as it was planned and as it will be; None where it is not there."""

    before: Occurrence | None
    after: Occurrence | None
    what: Sequence[str] = ()  # differs; out of the keys of `_traits`

    @property
    def effect(self) -> Effect:
        if self.before is None:
            return Effect.COMES
        if self.after is None:
            return Effect.GOES
        if "at" in self.what and self.before.state is self.after.state:
            return Effect.MOVES
        return Effect.CHANGES

    @property
    def one(self) -> Occurrence:
        """Whose change it is: as it will be, or as it was if it goes."""
        found = self.after or self.before
        assert found is not None  # noqa: S101 - a change is of something
        return found


def difference(before: Iterable[Occurrence], after: Iterable[Occurrence]) -> Sequence[Change]:
    """Compare two plans of the same days, occurrence by occurrence (by `id`), earliest first."""
    old, new = {one.id: one for one in before}, {one.id: one for one in after}
    found = []
    for name in old | new:
        was, will = old.get(name), new.get(name)
        if was is None or will is None:
            found.append(Change(was, will))
        else:
            traits = _traits(will)
            what = tuple(trait for trait, value in _traits(was).items() if traits[trait] != value)
            if what:
                found.append(Change(was, will, what))
    return sorted(found, key=lambda change: (change.one.at, change.one.id))


def _traits(one: Occurrence) -> dict[str, object]:
    """What a listener, or who answers to one, would notice."""
    return {
        "at": one.at,
        "script": one.script,
        "relay": one.relay and one.relay.url,
        "languages": [recipe.language for recipe in one.whole],
        "class": one.bulletin_class,
        "kind": one.kind,
        "state": one.state,
        "reason": (one.reason, one.detail),
        "seconds": round(one.seconds),
    }
