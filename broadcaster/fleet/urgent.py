"""Emergencies in force in a province: written by a command, signed, and pushed to every station at once."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from broadcaster.edges import keeping, keys
from broadcaster.model.bundle import File
from broadcaster.model.order import InForce, Order

from .publishing import Outbound
from .registry import Registry

KIND = "urgent"


class Urgent:
    """The document, and the sounds that it names."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self.file = registry, registry.folder / "urgent.json"
        self._outbound = Outbound(registry.folder)

    def sealed(self) -> bytes | None:
        try:
            return self.file.read_bytes()
        except FileNotFoundError:
            return None

    def in_force(self, now: datetime) -> InForce:
        """What was ordered and has not expired. Raises BroadcasterError if the document is damaged."""
        province, data = self._registry.province(), self.sealed()
        if data is None:
            return InForce(province.code, 0)
        told = InForce.of(keys.unseal(data, KIND, [province.trusted]))
        return InForce(told.province, told.revision, [one for one in told.orders if one.until > now])

    def change(self, now: datetime, orders: Callable[[Sequence[Order]], Sequence[Order]]) -> InForce:
        """Have in force what *orders* makes of what is, from this moment on."""
        province = self._registry.province()
        with keeping.alone(self._registry.folder):
            before = self.in_force(now)
            # By the clock, so that a province that lost its memory is not taken for an old recording of
            # itself.
            revision = max(before.revision + 1, int(now.timestamp() * 1000))
            after = InForce(province.code, revision, orders(before.orders))
            keeping.put(self.file, keys.seal(province.seed, KIND, after.body))
        return after

    def keep_sound(self, path: Path) -> File:
        """Keep an audio file where stations fetch it."""
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        keeping.put(self._outbound.file(digest), data)
        return File(path.name, digest, len(data))
