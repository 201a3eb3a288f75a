"""
A station's place in a province: where that is, by which key it is known, and whom it trusts. In
var/province/.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from broadcaster.edges import keeping, keys
from broadcaster.edges.wire import UnreachableError, connect
from broadcaster.model.errors import BroadcasterError, Fault, say


@dataclass(frozen=True)
class Membership:
    province: str  # its code
    station: str  # as the province calls it
    area: str
    address: str  # HOST:PORT
    authority: str  # PEM: what its server is known by
    trusted: Sequence[str]  # keys that sign what this station takes
    seed: str  # this station's own
    asked: str = ""  # by hand it joined without an answer: with this it asks once more


def folder_of(root: Path) -> Path:
    return root / "var" / "province"


def _file(root: Path) -> Path:
    return folder_of(root) / "membership.json"


def membership(root: Path) -> Membership:
    """Raises BroadcasterError if the station belongs to no province."""
    told = keeping.kept(_file(root), None)
    if told is None:
        raise BroadcasterError(
            Fault(
                str(root),
                say("This station belongs to no province."),
                say("Ask the province for a code, and join: broadcaster station join CODE."),
            )
        )
    return Membership(**told)


def belongs(root: Path) -> bool:
    return _file(root).exists()


def become_member(root: Path, member: Membership) -> None:
    keeping.keep(_file(root), asdict(member))
    _joining(root).unlink(missing_ok=True)


def _joining(root: Path) -> Path:
    return folder_of(root) / "joining.json"


def seed_for(root: Path, code: str) -> str:
    """
    The key to join with by *code*. It is kept before anybody is asked: where the answer is lost, or cannot
    be written, the same key may ask again.
    """
    begun = keeping.kept(_joining(root), {})
    if begun.get("code") != code:
        begun = {"code": code, "seed": keys.new_seed()}
        keeping.keep(_joining(root), begun)
    return str(begun["seed"])


def leave(root: Path) -> bool:
    """Belong to no province any more; what it sent stays, as the commune's own."""
    if not belongs(root):
        return False
    folder = folder_of(root)
    _file(root).replace(folder / "left.json")
    return True


def code(address: str, name: str, secret: str) -> str:
    """What a station needs to join, short enough to be read out: HOST:PORT/STATION/XXXX-…"""
    groups = [secret[at : at + 4] for at in range(0, len(secret), 4)]
    return f"{address}/{name}/{'-'.join(groups)}"


def read_code(text: str) -> tuple[str, str, str]:
    """Address, name and secret of a code. Raises BroadcasterError if it is none."""
    parts = text.strip().split("/")
    try:
        address, name, secret = parts
        secret = secret.replace("-", "").replace(" ", "").upper()
        keys.invited_seed(secret)
        if not address.rpartition(":")[2].isdecimal():
            raise ValueError(address)
    except ValueError as error:
        raise BroadcasterError(
            Fault(
                text[:60],
                say("This is no code of an invitation."),
                say("Write it as the province gave it: SERVER:4222/03160/ABCD-…"),
            )
        ) from error
    return address, name, secret


async def join(address: str, name: str, secret: str, seed: str, patience: float) -> Membership:
    """Ask the province at *address* to be taken in, for so many seconds. Raises BroadcasterError."""
    guest = keys.invited_seed(secret)
    last = UnreachableError()
    try:
        async with asyncio.timeout(patience):
            while True:
                try:
                    wire = await connect(address, None, guest, f"invited-{name}", patience=patience)
                    try:
                        answer = await wire.ask(f"join.{name}", request(name, seed, secret))
                        break
                    finally:
                        await wire.close()
                except UnreachableError as error:  # it may have been invited this moment
                    last = error
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise last from None
    return welcomed(answer, secret, seed)


def request(name: str, seed: str, secret: str) -> bytes:
    """What a station asks its province to be taken in with."""
    key = keys.public_key(seed)
    mac = keys.mac(secret, "join", f"{name} {key}")
    return json.dumps({"station": name, "key": key, "mac": mac}).encode()


def welcomed(answer: bytes, secret: str, seed: str) -> Membership:
    """What the province answered. Raises BroadcasterError if it was not the province."""
    try:
        told: Mapping[str, Any] = json.loads(answer)
        if "refused" in told:
            raise BroadcasterError(
                *(Fault(where, say(what), say(following)) for where, what, following in told["refused"])
            )
        body, mac = told["body"], told["mac"]
        if not keys.has_mac(secret, "welcome", body, mac):
            raise ValueError(body)
        return Membership(**json.loads(body), seed=seed)
    except (ValueError, LookupError, TypeError) as error:
        what = say("Whoever answered is not the province that gave this code.")
        following = say("Nothing was kept. Look at the code, and ask the province by telephone.")
        raise BroadcasterError(Fault("", what, following)) from error
