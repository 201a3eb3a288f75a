"""Messages of the Common Alerting Protocol (OASIS CAP 1.2): what one says, and whether it is said here."""

import re
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt

from .area import Area
from .errors import Fault, say
from .script import MEANT
from .typed import plain

Point = tuple[float, float]  # latitude, longitude, in degrees

UNTIL_NEXT_DAY = timedelta(hours=24)  # how long a message holds that does not say until when
CLOCKS_APART = timedelta(hours=1)  # what a sender's clock may be ahead of ours
LONGEST = 10_000  # letters in one language; about ten minutes
EARTH = 6371.0  # its radius in km

_KIND = re.compile(
    r"^(tinh|thanh pho|quan|huyen|thi xa|thi tran|phuong|xa|dac khu"
    r"|to dan pho|khu pho|thon|ban|xom|ap|buon|lang) "
)


@dataclass(frozen=True)
class CapArea:
    """One place that an info is for; circles are a centre and km."""

    description: str
    polygons: Sequence[Sequence[Point]] = ()
    circles: Sequence[tuple[Point, float]] = ()
    geocodes: Sequence[str] = ()


@dataclass(frozen=True)
class CapInfo:
    """What a message says in one language to some places; to all places where it names none."""

    event: str
    urgency: str
    severity: str
    certainty: str
    language: str = "en-US"
    headline: str = ""
    description: str = ""
    instruction: str = ""
    effective: datetime | None = None
    expires: datetime | None = None
    areas: Sequence[CapArea] = ()

    @property
    def is_pressing(self) -> bool:
        """Is it an imminent threat, by the rule by which telephones are alerted with CAP (47 CFR 10.400)?"""
        return (
            self.urgency in ("Immediate", "Expected")
            and self.severity in ("Extreme", "Severe")
            and self.certainty in ("Observed", "Likely")
        )

    @property
    def text(self) -> str:
        """What is read out: headline, description and instruction, a sentence for each paragraph."""
        written = f"{self.headline}\n\n{self.description}\n\n{self.instruction}"
        parts = (" ".join(part.split()) for part in re.split(r"\n\s*\n", written))
        return " ".join(
            part if part[-1] in ".!?…" else part.rstrip(",;: ") + "."
            for part in dict.fromkeys(filter(None, parts)) or (self.event,)
        )


@dataclass(frozen=True)
class CapMessage:
    """A whole message. `references` are keys of others; `notes` what its reader passed over."""

    identifier: str
    sender: str
    sent: datetime
    status: str = "Actual"
    type: str = "Alert"
    scope: str = "Public"
    references: Sequence[str] = ()
    infos: Sequence[CapInfo] = ()
    notes: Sequence[Fault] = ()

    @property
    def key(self) -> str:
        return key(self.sender, self.identifier)

    def starts(self, info: CapInfo) -> datetime:
        return info.effective or self.sent

    def ends(self, info: CapInfo) -> datetime:
        return info.expires or max(self.sent, self.starts(info)) + UNTIL_NEXT_DAY


def key(sender: str, identifier: str) -> str:
    """What tells one message from all others. Its time is no part of it, so a copy with another is known."""
    return f"{sender},{identifier}"


@dataclass(frozen=True)
class Said:
    """One info that is on air, and for how long from now on."""

    info: CapInfo
    lasts: timedelta


@dataclass(frozen=True)
class Broadcast:
    """The message goes on air in place of those that it *replaces*."""

    key: str
    said: Mapping[str, Sequence[Said]]  # by the cluster's language tags, in its order
    lacking: Sequence[str]  # languages of the cluster in which it says nothing
    replaces: Sequence[str] = ()
    left_out: Sequence[Fault] = ()  # why some of its infos are not said

    @property
    def lasts(self) -> timedelta:
        return max(one.lasts for said in self.said.values() for one in said)


@dataclass(frozen=True)
class Clear:
    """The messages of these keys end, and are refused should they come later."""

    references: Sequence[str]
    because: Sequence[Fault] = ()  # why an update says nothing here itself


@dataclass(frozen=True)
class Refused:
    reasons: Sequence[Fault]


def speaks(language: str, tag: str) -> bool:
    """Is what a message calls *language* (`vi-VN`, `hmn`) the cluster's *tag* (`vi`, `hmn-Latn-VN`)?"""

    def taken(of: str) -> tuple[str, set[str]]:
        first, *rest = of.lower().split("-")
        return MEANT.get(first, first).split("-")[0], {one for one in rest if len(one) == 4 and one.isalpha()}

    (first, script), (ours, our_script) = taken(language), taken(tag)
    return first == ours and (not script or not our_script or script == our_script)


def fit(
    message: CapMessage,
    here: Iterable[Area],
    languages: Sequence[str],
    position: Point | None,
    now: datetime | None,
    known: Container[str] = (),
    cancelled: Container[str] = (),
) -> Broadcast | Clear | Refused:
    """
    What to do with *message* at a place: *here* is its area and those above it (`Areas.upwards`).

    *known* are the keys of messages that were taken before, *cancelled* those that a cancel or an update
    named. *now* is None where the clock is not to be trusted: the message is then taken as just sent.
    """
    here = list(here)
    reasons = list(_unfit(message, now, known, cancelled))
    if reasons:
        return Refused(reasons)
    if message.type == "Cancel":
        return Clear(message.references)
    moment = message.sent if now is None else max(now, message.sent)
    taken, left_out, settled = list[CapInfo](), list[Fault](), True
    for number, info in enumerate(message.infos, start=1):
        where = f"info[{number}]"
        if not any(_meant(area, here, position) for area in info.areas or (None,)):
            unsure = position is None and any(area.polygons or area.circles for area in info.areas)
            left_out.append(_unplaced(where) if unsure else _elsewhere(where, info, here))
            settled = settled and not unsure
        elif message.ends(info) <= moment:
            what = say("It expired on {when}.", when=_told(message.ends(info), now))
            left_out.append(Fault(where, what, say("Ask the sender for a newer one.")))
        elif not info.is_pressing:
            rank = f"{info.urgency} / {info.severity} / {info.certainty}"
            what = say("It is not pressing enough to sound at any hour: {rank}.", rank=rank)
            next_step = say("If it is an emergency here, order it in your own words: broadcaster alert “…”.")
            left_out.append(Fault(where, what, next_step))
        elif message.starts(info) > moment:
            what = say("It does not hold before {when}.", when=_told(message.starts(info), now))
            left_out.append(Fault(where, what, say("Give it again then.")))
            settled = False
        else:
            taken.append(info)
    if not taken and message.type == "Update" and message.infos and settled:
        return Clear(message.references, left_out)
    said = {
        tag: [Said(info, message.ends(info) - moment) for info in taken if speaks(info.language, tag)]
        for tag in languages
    }
    if fault := _unsaid(message, taken, said):
        return Refused([*left_out, fault])
    if not taken:
        return Refused(left_out)
    return Broadcast(
        message.key,
        {tag: infos for tag, infos in said.items() if infos},
        [tag for tag, infos in said.items() if not infos],
        message.references if message.type == "Update" else (),
        left_out,
    )


def _unfit(
    message: CapMessage, now: datetime | None, known: Container[str], cancelled: Container[str]
) -> Iterable[Fault]:
    """Why the message as a whole changes nothing here."""
    if message.status != "Actual":
        what = say("Its status is {status}: it is not meant for the public.", status=message.status)
        yield Fault("status", what, say("Only messages whose status is Actual go on air."))
    if message.type not in ("Alert", "Update", "Cancel"):
        what = say("It is an answer to another message: {type}.", type=message.type)
        yield Fault("msgType", what, say("Only Alert, Update and Cancel do something here."))
    if message.scope != "Public":
        what = say("Its scope is {scope}: not everybody may know it.", scope=message.scope)
        yield Fault("scope", what, say("Only messages whose scope is Public go on air."))
    if message.key in known:
        what = say("This message was taken before: {key}.", key=message.key)
        yield Fault("identifier", what, say("Nothing is to be done; a new one has another identifier."))
    elif message.key in cancelled:
        what = say("This message was cancelled or replaced by another: {key}.", key=message.key)
        yield Fault("identifier", what, say("Nothing is to be done."))
    if now is not None and message.sent > now + CLOCKS_APART:
        sent, today = _told(message.sent, now), _told(now, now)
        what = say("It was sent on {sent}, but here it is {now}.", sent=sent, now=today)
        yield Fault("sent", what, say("See which clock is wrong, the sender's or this one's."))


def _unsaid(
    message: CapMessage, taken: Sequence[CapInfo], said: Mapping[str, Sequence[Said]]
) -> Fault | None:
    """Why the words of those infos that hold here cannot be said."""
    if not message.infos:
        what = say("It has no <info>, so there is nothing to say.")
        return Fault("info", what, say("Write what is to be said: `broadcaster alert TEXT`."))
    if taken and not any(said.values()):
        has = ", ".join(dict.fromkeys(info.language for info in taken))
        return Fault(
            "info/language",
            say("It is in {has} and not in {ours}.", has=has, ours=", ".join(said)),
            say("Ask for one in a language of this place; without <language> a message counts as en-US."),
        )
    too_long = [tag for tag, infos in said.items() if sum(len(one.info.text) for one in infos) > LONGEST]
    if too_long:
        what = say("In {tags} it is longer than {number} letters.", tags=", ".join(too_long), number=LONGEST)
        return Fault("info", what, say("Write it shorter: `broadcaster alert TEXT`."))
    return None


def _unplaced(where: str) -> Fault:
    return Fault(
        where,
        say("It is for a polygon or a circle, and where this station stands is not known."),
        say("Write its latitude and longitude into station.toml: {toml}.", toml="position = [22.2, 102.5]"),
    )


def _elsewhere(where: str, info: CapInfo, here: Sequence[Area]) -> Fault:
    meant = "; ".join(area.description for area in info.areas)[:200]
    places = ", ".join(f"{area.name} ({area.code})" for area in here)
    return Fault(
        where,
        say("It is for “{meant}”, not for {here}.", meant=meant, here=places),
        say("If it is meant for this place after all, read it out: `broadcaster alert TEXT`."),
    )


def _told(when: datetime, now: datetime | None) -> str:
    return f"{when if now is None else when.astimezone(now.tzinfo):%Y-%m-%d %H:%M}"


def _meant(area: CapArea | None, here: Sequence[Area], position: Point | None) -> bool:
    """Is *area* this place, or does it hold it? None is everywhere."""
    if area is None:
        return True
    if {code.lower() for code in area.geocodes} & {one.code.lower() for one in here}:
        return True
    if any(_named(one.name, area.description) for one in here):
        return True
    return position is not None and (
        any(_inside(position, polygon) for polygon in area.polygons)
        or any(_apart(position, centre) <= radius for centre, radius in area.circles)
    )


def _words(text: str) -> str:
    return " ".join("thanh pho" if word == "tp" else word for word in re.findall(r"[^\W_]+", plain(text)))


def _named(name: str, description: str) -> bool:
    """
    Does *name* stand in *description*, with or without the word before it (Xã, Tỉnh …)?

    A name of one word (Phường 2, Huế) stands in too many others: it must have that word before it, or
    stand alone between commas.
    """
    full = _words(name)
    bare = _KIND.sub("", full)
    wanted = f" {bare if ' ' in bare else full} "
    pieces = map(_words, re.split(r"[,;/|()\n]", description))
    return any(piece == bare or wanted in f" {piece} " for piece in pieces)


def _inside(point: Point, polygon: Sequence[Point]) -> bool:
    """Is *point* in *polygon*, whose last corner is its first?"""
    y, x = point
    inside = False
    for (y1, x1), (y2, x2) in pairwise(polygon):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
    return inside


def _apart(one: Point, other: Point) -> float:
    """The way between them over the ground, in km."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(radians, point)) for point in (one, other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH * asin(min(1.0, sqrt(half)))
