"""
A province: who it is, its keys, the stations that joined and those that are invited. In var/fleet/, kept
secret.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from broadcaster.edges import keeping, keys
from broadcaster.edges.hub import Peer, Served
from broadcaster.model.errors import BroadcasterError, Fault, did_you_mean, say

NAME = re.compile(
    r"[0-9]{5}(-[a-z0-9]{1,20})?"
)  # of a station: its commune's code; with more where there are two
DEVICE = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
PORT, MQTT_PORT = 4222, 8883
INVITED_FOR = timedelta(days=7)


@dataclass(frozen=True)
class Province:
    """Who it is, and its secrets."""

    code: str
    address: str  # HOST:PORT, as stations find it
    served: Served
    seed: str  # signs what stations take
    hub_seed: str  # by which the province itself connects
    authority: keys.Certificate
    server: keys.Certificate

    @property
    def trusted(self) -> str:
        """The key that stations trust."""
        return keys.public_key(self.seed)


@dataclass(frozen=True)
class Member:
    """A station that joined."""

    name: str
    area: str  # its commune's code
    key: str
    joined: str


@dataclass(frozen=True)
class Invited:
    name: str
    area: str
    secret: str
    until: str
    used_by: str = ""  # the key that joined by it: it may ask again, if the answer was lost


@dataclass(frozen=True)
class Speaker:
    """A loudspeaker that speaks MQTT itself."""

    name: str
    area: str
    password: str


@dataclass(frozen=True)
class Peers:
    """Everybody whom the province knows, by name."""

    members: Mapping[str, Member] = field(default_factory=dict)
    invited: Mapping[str, Invited] = field(default_factory=dict)
    speakers: Mapping[str, Speaker] = field(default_factory=dict)
    revoked: Sequence[str] = ()  # keys that are let in no more, nor their files taken


class Registry:
    """The files; read for each question, so that what a command changes holds at once."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "var" / "fleet"
        self._province, self.peers_file = self.folder / "province.json", self.folder / "stations.json"

    @property
    def exists(self) -> bool:
        return self._province.exists()

    def found(self, province: Province) -> None:
        """Begin a province. Raises BroadcasterError if there is one."""
        with keeping.alone(self.folder):
            if self.exists:
                what = say("This folder is a province already: its stations trust its keys.")
                raise BroadcasterError(
                    Fault(str(self._province), what, say("Go on with: broadcaster province invite."))
                )
            told = asdict(province)
            for name in ("authority", "server"):
                told[name] = {key: pem.decode() for key, pem in told[name].items()}
            keeping.keep(self._province, told)

    def province(self) -> Province:
        """Raises BroadcasterError if this is none."""
        told = keeping.kept(self._province, None)
        if told is None:
            what = say("This folder is no province.")
            following = say("Name its folder with --station, or begin one: broadcaster province init DIR.")
            raise BroadcasterError(Fault(str(self.folder.parent.parent), what, following))
        for name in ("authority", "server"):
            told[name] = keys.Certificate(**{key: pem.encode() for key, pem in told[name].items()})
        return Province(**told | {"served": Served(**told["served"])})

    def peers(self) -> Peers:
        told = keeping.kept(self.peers_file, {})
        return Peers(
            {name: Member(**one) for name, one in told.get("members", {}).items()},
            {name: Invited(**one) for name, one in told.get("invited", {}).items()},
            {name: Speaker(**one) for name, one in told.get("speakers", {}).items()},
            tuple(told.get("revoked", ())),
        )

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with keeping.alone(self.folder):
            told = asdict(self.peers())
            yield told
            keeping.keep(self.peers_file, told)

    def invite(self, name: str, area: str, now: datetime) -> str:
        """Let a station join once, in the next days; its secret. Raises BroadcasterError."""
        if not NAME.fullmatch(name):
            raise BroadcasterError(
                Fault(
                    name,
                    say("This is no name of a station."),
                    say("Write its commune's code, such as 03160; 03160-2 for a second one there."),
                )
            )
        with self._changing() as told:
            secret = keys.new_secret()
            until = (now + INVITED_FOR).isoformat(timespec="seconds")
            told["invited"][name] = asdict(Invited(name, area, secret, until))
            return secret

    def join(self, asked: bytes, now: datetime) -> bytes:
        """
        Take a station in that asks for it with its invitation; what it must know of its province.

        Raises BroadcasterError if it was not invited, or somebody changed what it said.
        """
        try:
            told = json.loads(asked)
            name, key, mac = str(told["station"]), str(told["key"]), str(told["mac"])
        except (ValueError, LookupError, TypeError) as error:
            raise _not_invited("") from error
        with self._changing() as peers:
            one = peers["invited"].get(name)
            if one is None or datetime.fromisoformat(one["until"]) < now:
                raise _not_invited(name)
            if not keys.has_mac(one["secret"], "join", f"{name} {key}", mac) or key in peers["revoked"]:
                raise _not_invited(name)
            if one["used_by"] not in ("", key):
                raise _not_invited(name)
            before = peers["members"].get(name)
            if before is not None and before["key"] != key:
                peers["revoked"] = [*peers["revoked"], before["key"]]  # it has a new machine
            one["used_by"] = key
            joined = Member(name, one["area"], key, now.isoformat(timespec="seconds"))
            peers["members"][name] = asdict(joined)
        return self.welcome(one["secret"], name, one["area"])

    def welcome(self, secret: str, name: str, area: str) -> bytes:
        """What a station must know of its province; only whoever knows *secret* can have written it."""
        province = self.province()
        body = json.dumps(
            {
                "province": province.code,
                "station": name,
                "area": area,
                "address": province.address,
                "authority": province.authority.certificate.decode(),
                "trusted": [province.trusted],
            }
        )
        return json.dumps({"body": body, "mac": keys.mac(secret, "welcome", body)}).encode()

    def revoke(self, name: str) -> None:
        """
        Let a station, or whoever was invited as such, in no more. Raises BroadcasterError if there is
        none.
        """
        with self._changing() as told:
            groups = [told[group] for group in ("members", "invited", "speakers")]
            if not any(name in group for group in groups):
                known = [one for group in groups for one in group]
                what, following = (
                    say("There is no station of this name."),
                    say("See them: broadcaster province status."),
                )
                raise BroadcasterError(Fault(name, what, did_you_mean(name, known, following)))
            if (member := told["members"].get(name)) is not None:
                told["revoked"] = [*told["revoked"], member["key"]]
            for group in groups:
                group.pop(name, None)

    def add_speaker(self, name: str, area: str) -> Speaker:
        if not DEVICE.fullmatch(name) or NAME.fullmatch(name):
            what = say("This is no name of a loudspeaker.")
            following = say("Use small letters, digits and hyphens; numbers alone are names of stations.")
            raise BroadcasterError(Fault(name, what, following))
        with self._changing() as told:
            one = Speaker(name, area, keys.new_secret())
            told["speakers"][name] = asdict(one)
            return one


def _not_invited(name: str) -> BroadcasterError:
    what = say("No station is invited by this name and code, or no more.")
    return BroadcasterError(
        Fault(name, what, say("Ask the province for a new code: broadcaster province invite."))
    )


def who_may(province: Province, peers: Peers) -> list[Peer]:
    """Everybody who may connect, with the subjects that are theirs alone."""
    found = [Peer([">"], [">"], key=keys.public_key(province.hub_seed))]
    for member in peers.members.values():
        name = member.name
        kept = [f"BUNDLE.bundle.{name}", "BLOB.blob.>", "URGENT.urgent"]
        sends = [f"rows.{name}", f"here.{name}", *(f"$JS.API.DIRECT.GET.{one}" for one in kept)]
        found.append(Peer(sends, [f"bundle.{name}", "urgent", f"_INBOX.{name}.>"], key=member.key))
    for guest in peers.invited.values():
        key = keys.public_key(keys.invited_seed(guest.secret))
        found.append(Peer([f"join.{guest.name}"], [f"_INBOX.invited-{guest.name}.>"], key=key))
    for one in peers.speakers.values():
        mine = f"speaker.{one.name}"
        hears = [f"{mine}.alert", "$MQTT.sub.>"]
        found.append(Peer([f"{mine}.report"], hears, name=one.name, password=one.password))
    return found
