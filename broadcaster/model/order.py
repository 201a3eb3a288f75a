"""Emergencies that a province has in force: one document, so that what is not in it any more is over."""

import json
from collections.abc import Collection, Container, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from .bundle import File


@dataclass(frozen=True)
class Order:
    """
    What is to be said, where, and until when. It says `words`, a `script` that stations have, or a `sound`.

    `every` is in seconds, from call to call. Its `id` begins with the province's code and a hyphen: so a
    station knows it from those that were ordered there.
    """

    id: str
    title: str
    areas: Sequence[str]  # and all below them
    every: float
    issued: datetime
    until: datetime
    by: str
    words: str = ""
    script: str = ""
    sound: File | None = None


@dataclass(frozen=True)
class InForce:
    """All that is in force in a province. A later one has a greater `revision`."""

    province: str
    revision: int
    orders: Sequence[Order] = ()

    @property
    def body(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, default=datetime.isoformat)

    @classmethod
    def of(cls, body: str) -> Self:
        """Raises ValueError for what is none."""
        try:
            told = json.loads(body)
            orders = [
                Order(
                    id=str(one["id"]),
                    title=str(one["title"]),
                    areas=[str(area) for area in one["areas"]],
                    every=max(30.0, float(one["every"])),
                    issued=_aware(one["issued"]),
                    until=_aware(one["until"]),
                    by=str(one["by"]),
                    words=str(one["words"]),
                    script=str(one["script"]),
                    sound=File(**one["sound"]) if one["sound"] else None,
                )
                for one in told["orders"]
            ]
            return cls(str(told["province"]), int(told["revision"]), orders)
        except (LookupError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(body[:100]) from error


def _aware(told: str) -> datetime:
    moment = datetime.fromisoformat(told)
    if moment.tzinfo is None:
        raise ValueError(told)
    return moment


@dataclass(frozen=True)
class Due:
    """What a station does about its province's emergencies."""

    begin: Sequence[
        tuple[Order, float | None]
    ] = ()  # with the seconds that are left; None: nobody knows the time
    end: Sequence[str] = ()  # by their names


def due(
    told: InForce,
    in_force: Collection[str],
    begun: Container[str],
    past: Container[str],
    now: datetime | None,
) -> Due:
    """
    What follows from what the province *told*, where *in_force* and *past* are the station's emergencies, and
    *begun* those with which nothing more is to be done. *now* is None where nobody knows the time.
    """
    begin = [
        (one, None if now is None else (one.until - now).total_seconds())
        for one in told.orders
        if one.id not in begun and one.id not in past
    ]
    there = {one.id for one in told.orders}
    return Due(
        [(one, left) for one, left in begin if left is None or left > 0],
        [name for name in in_force if name.startswith(f"{told.province}-") and name not in there],
    )
