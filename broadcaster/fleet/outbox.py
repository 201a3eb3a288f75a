"""
A station's play log → its province: batches of rows, again and again until they are confirmed.

The log itself is the outbox. What is kept beside it, how far the province confirmed, may be lost: then all is
sent once more, and the province knows it again.
"""

import json
import secrets
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broadcaster.edges import keeping
from broadcaster.edges.store import Store
from broadcaster.edges.store.arrivals import Batch

from .membership import folder_of

MOST_ROWS = 300  # of a batch: some 30 kB on the wire
LARGEST = 8_000_000  # bytes of a batch, unpacked
EPOCHS = "epochs"  # the mark: [name, number of its first row] of each

Opening = Callable[[], AbstractContextManager[Store]]


@dataclass(frozen=True)
class Stretch:
    """Rows that the station has of one epoch."""

    epoch: str
    first: int
    last: int
    count: int


class Outbox:
    """Rows of one station that its province has not confirmed yet."""

    def __init__(self, root: Path, station: str, reading: Opening, writing: Opening) -> None:
        """*reading* and *writing* open the station's memory."""
        self._station, self._reading, self._writing = station, reading, writing
        self._file = folder_of(root) / "sent.json"
        self._asked: list[tuple[int, int]] = []  # stretches that the province wants once more

    @property
    def confirmed(self) -> int:
        """The number of the last row of which it is known that the province has all before it."""
        return int(keeping.kept(self._file, {}).get("confirmed", 0))

    def waiting(self) -> int:
        """How many rows are not confirmed."""
        with self._reading() as store:
            return store.extent(self.confirmed + 1)[1]

    def next(self, *, after: int | None = None) -> Batch | None:
        """The next batch; behind row *after*, where that is given. None if there are no more rows."""
        with self._reading() as store:
            if store.head < self.confirmed:  # the memory was brought back from an older copy
                self._confirm(0)
            while self._asked and after is None:
                first, last = self._asked[0]
                if (batch := self._batch(store, first - 1, last)) is not None:
                    return batch
                self._asked.pop(0)  # nobody has them any more
            return self._batch(store, self.confirmed if after is None else after)

    def _batch(self, store: Store, after: int, until: int | None = None) -> Batch | None:
        if store.extent(after + 1)[1] == 0:
            return None
        epoch, end = next(
            (name, end) for name, first, end in reversed(self._epochs(store)) if first <= after + 1
        )
        until = min(one for one in (until, end) if one) if until or end else None
        rows = store.rows_after(after, MOST_ROWS, until)
        if not rows:  # none is left of this epoch
            return self._batch(store, end) if end and until == end else None
        number, chain = store.before(rows[0]["seq"])
        return Batch(self._station, epoch, number, chain, rows)

    def _epochs(self, store: Store) -> list[tuple[str, int, int | None]]:
        """Name, first row and last row of each; None: up to whatever comes."""
        known = [(str(name), int(first)) for name, first in store.marks().get(EPOCHS, ())]
        if not known:
            known = [(_new_epoch(), 1)]
            self._mark(known)
        ends = [*(first - 1 for _, first in known[1:]), None]
        return [(name, first, end) for (name, first), end in zip(known, ends, strict=True)]

    def _mark(self, epochs: Sequence[tuple[str, int]]) -> None:
        with self._writing() as store:
            store.mark(EPOCHS, epochs)

    def _confirm(self, number: int) -> None:
        keeping.keep(self._file, {"confirmed": number})

    def answered(self, batch: Batch, told: Mapping[str, Any]) -> None:
        """Go on by what the province *told* of *batch*."""
        if (forked := told.get("forked")) is not None:
            with self._reading() as store:
                before = [(name, first) for name, first, _ in self._epochs(store) if first < forked]
            self._mark([*before, (_new_epoch(), int(forked))])
            self._confirm(min(self.confirmed, int(forked) - 1))
        elif told.get("resend"):
            self._asked.clear()
            self._confirm(0)
        elif self._asked:
            _first, last = self._asked[0]
            rest = (int(batch.rows[-1]["seq"]) + 1, last)
            self._asked[:1] = [rest] if rest[0] <= last else []
        elif batch.after <= self.confirmed:
            self._confirm(max(self.confirmed, int(batch.rows[-1]["seq"])))

    def stretches(self) -> list[Stretch]:
        """What the station has, for the province to compare: up to what was confirmed."""
        found = []
        with self._reading() as store:
            confirmed = self.confirmed
            for epoch, first, end in self._epochs(store) if confirmed else ():
                last = min(confirmed, end) if end else confirmed
                if last >= first:
                    count = store.extent(first)[1] - store.extent(last + 1)[1]
                    found.append(Stretch(epoch, first, last, count))
        return found

    def asked_for(self, stretches: Sequence[tuple[int, int]]) -> None:
        """The province lacks these."""
        self._asked = [(int(first), int(last)) for first, last in stretches]

    def everything(self) -> Iterator[Batch]:
        """All that is not confirmed, one batch after the other; nothing is taken for confirmed by that."""
        after = self.confirmed
        while (batch := self.next(after=after)) is not None:
            yield batch
            after = int(batch.rows[-1]["seq"])


def _new_epoch() -> str:
    return secrets.token_hex(8)


def packed(batch: Batch) -> bytes:
    told = {"epoch": batch.epoch, "after": batch.after, "before": batch.before, "rows": batch.rows}
    return zlib.compress(json.dumps(told, ensure_ascii=False).encode(), 6)


def unpacked(data: bytes, sender: str) -> Batch:
    """Raises ValueError for what is none."""
    try:
        reader = zlib.decompressobj()
        text = reader.decompress(data, LARGEST)
        if not reader.eof:
            raise ValueError(len(data))
        told = json.loads(text)
        rows = [dict(row) for row in told["rows"]]
        for row in rows:
            if type(row["seq"]) is not int or not isinstance(row["chain"], str):
                raise ValueError(row["seq"])
        numbers = [row["seq"] for row in rows]
        if not rows or numbers != sorted(set(numbers)) or numbers[0] <= int(told["after"]):
            raise ValueError(numbers[:2])
        return Batch(sender, str(told["epoch"]), int(told["after"]), str(told["before"]), rows)
    except (zlib.error, LookupError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(str(error)) from error
