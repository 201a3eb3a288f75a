"""Bytes into a CAP 1.2 message, or everything that is wrong with them. What else XML can do is refused."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.parsers import expat

from broadcaster.model.cap import CapArea, CapInfo, CapMessage, Point, key
from broadcaster.model.errors import BroadcasterError, Fault, Text, did_you_mean, say, unread

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
LARGEST = 1_000_000  # bytes
DEEPEST = 32  # elements in one another
MOST_FAULTS = 100

_SHAPES = {  # what stands in what: one, ? one or none, * any number, + one at least
    name: {re.sub(r"\W", "", one): re.sub(r"\w", "", one) for one in children.split()}
    for name, children in {
        "alert": "identifier sender sent status msgType source? scope restriction? addresses? code* note?"
        " references? incidents? info*",
        "info": "language? category+ event responseType* urgency severity certainty audience? eventCode*"
        " effective? onset? expires? senderName? headline? description? instruction? web? contact?"
        " parameter* resource* area*",
        "resource": "resourceDesc mimeType size? uri? derefUri? digest?",
        "area": "areaDesc polygon* circle* geocode* altitude? ceiling?",
        "eventCode": "valueName value",
        "parameter": "valueName value",
        "geocode": "valueName value",
    }.items()
}
_ALLOWED = {
    name: values.split()
    for name, values in {
        "status": "Actual Exercise System Test Draft",
        "msgType": "Alert Update Cancel Ack Error",
        "scope": "Public Restricted Private",
        "category": "Geo Met Safety Security Rescue Fire Health Env Transport Infra CBRNE Other",
        "responseType": "Shelter Evacuate Prepare Execute Avoid Monitor Assess AllClear None",
        "urgency": "Immediate Expected Future Past Unknown",
        "severity": "Extreme Severe Moderate Minor Unknown",
        "certainty": "Observed Likely Possible Unlikely Unknown",
    }.items()
}


_ASKING = [  # in what, which element, of which value (None: of any), asks for which other
    ("alert", "scope", "Restricted", "restriction"),
    ("alert", "scope", "Private", "addresses"),
    *(("alert", "msgType", answer, "references") for answer in ("Update", "Cancel", "Ack", "Error")),
    ("area", "ceiling", None, "altitude"),
]


def _matching(pattern: str) -> Callable[[str], str]:
    def matching(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(text)
        return text

    return matching


_TIME = r"[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d"
_ZONE = r"[+-]\d\d:\d\d"
_named = _matching(r"[^\s,<&]+")
_number = _matching(r"[+-]?(\d+(\.\d*)?|\.\d+)")
_unambiguous = _matching(rf"{_TIME}(\.\d+)?(Z|{_ZONE})")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(_unambiguous(text))


def _references(text: str) -> list[str]:
    keys = []
    for one in text.split():
        sender, identifier, sent = one.split(",")
        _moment(sent)
        keys.append(key(_named(sender), _named(identifier)))
    return keys


def _point(text: str) -> Point:
    latitude, longitude = (float(_number(one)) for one in text.split(","))
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError(text)
    return latitude, longitude


def _polygon(text: str) -> list[Point]:
    corners = [_point(one) for one in text.split()]
    if len(corners) < 4 or corners[0] != corners[-1]:
        raise ValueError(text)
    return corners


def _circle(text: str) -> tuple[Point, float]:
    centre, radius = text.split()
    if float(_number(radius)) < 0:
        raise ValueError(text)
    return _point(centre), float(radius)


_NO_SPACES = say("at least one letter, without spaces, commas, “<” and “&”")
_A_TIME = say("a time with its offset, such as {example}", example="2026-08-02T15:30:00+07:00")
_A_NUMBER = say("a number")
_FORMS: Mapping[str, tuple[Callable[[str], Any], Text]] = {
    "identifier": (_named, _NO_SPACES),
    "sender": (_named, _NO_SPACES),
    "sent": (_moment, _A_TIME),
    "effective": (_moment, _A_TIME),
    "onset": (_moment, _A_TIME),
    "expires": (_moment, _A_TIME),
    "language": (
        _matching(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*"),
        say("a language tag, such as {example}", example="vi-VN"),
    ),
    "references": (
        _references,
        say("“sender,identifier,sent” of each message, with spaces between them and none inside"),
    ),
    "polygon": (
        _polygon,
        say(
            "four or more pairs “latitude,longitude” with spaces between them, the last the same as the first"
        ),
    ),
    "circle": (_circle, say("“latitude,longitude radius”, the radius in kilometres")),
    "altitude": (_number, _A_NUMBER),
    "ceiling": (_number, _A_NUMBER),
    "size": (_matching(r"[+-]?\d+"), _A_NUMBER),
}


def _seen(text: str) -> str:
    """*text* without what a terminal or a voice could stumble over."""
    whole = unicodedata.normalize("NFC", text)
    return "".join(one if one.isprintable() or one == "\n" else " " for one in whole).strip()


@dataclass(slots=True)
class _Node:
    """One element; its name is empty where it is not CAP's."""

    name: str = ""
    full: str = ""  # with its namespace before it
    line: int = 1
    words: list[str] = field(default_factory=list)
    children: list["_Node"] = field(default_factory=list)
    value: Any = None

    @property
    def text(self) -> str:
        return _seen("".join(self.words))

    def all(self, name: str) -> Iterator["_Node"]:
        return (child for child in self.children if child.name == name)

    def get(self, name: str) -> Any:
        return next((child.value for child in self.all(name)), None)


class _Judge:
    """Goes through a message and gathers what is wrong with it, and what is worth knowing."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.notes: dict[str, Fault] = {}  # one of a kind

    def fault(self, where: str, node: _Node, what: Text, next_: Text) -> None:
        self.faults.append(Fault(where, what, next_, line=node.line))
        if len(self.faults) == MOST_FAULTS:
            raise BroadcasterError(*self.faults)

    def note(self, where: str, node: _Node, what: Text, next_: Text) -> None:
        self.notes.setdefault(what.template, Fault(where, what, next_, warning=True, line=node.line))

    def group(self, node: _Node, where: str) -> None:
        """An element that holds others."""
        shape, seen = _SHAPES[node.name], Counter[str]()
        if node.text:
            self.fault(where, node, say("Text stands between its elements."), say("Take it out."))
        for child in node.children:
            if not child.name:
                self.foreign(child, where)
                continue
            sign = shape.get(child.name)
            if sign is None:
                what = say("<{name}> does not belong here.", name=child.name[:60])
                self.fault(where, child, what, did_you_mean(child.name, shape, say("Take it out.")))
                continue
            seen[child.name] += 1
            place = f"{where}/{child.name}" + (f"[{seen[child.name]}]" if sign in ("*", "+") else "")
            if sign in ("", "?") and seen[child.name] > 1:
                self.fault(place, child, say("It stands there twice."), say("Keep one of the two."))
            elif child.name in _SHAPES:
                self.group(child, place)
            else:
                self.leaf(child, place, needed=sign in ("", "+"))
        for name, sign in shape.items():
            if sign in ("", "+") and name not in seen:
                wanted = _wanted(name)
                next_ = say("Add it: {wanted}.", wanted=wanted) if wanted else say("Add it.")
                self.fault(where, node, say("<{name}> is missing.", name=name), next_)
        self.together(node, where)

    def leaf(self, node: _Node, where: str, *, needed: bool) -> None:
        """An element that holds text. One that may be missing may be empty, too."""
        text = node.text
        shown = " ".join(text[:60].split())
        if node.children:
            self.fault(where, node, say("There are elements in it."), say("Write plain text."))
        elif not text:
            if needed:
                self.fault(where, node, say("It is empty."), say("Write into it what it is for."))
        elif node.name in _ALLOWED and text not in _ALLOWED[node.name]:
            next_ = say("Write one of these: {allowed}.", allowed=_wanted(node.name))
            self.fault(where, node, say("“{value}” is not allowed.", value=shown), next_)
        elif node.name in _FORMS:
            read_as, wanted = _FORMS[node.name]
            try:
                node.value = read_as(text)
            except ValueError:
                what = say("“{value}” is not what stands here.", value=shown)
                self.fault(where, node, what, say("Write {wanted}.", wanted=wanted))
            if isinstance(node.value, datetime) and not re.fullmatch(_TIME + _ZONE, text, re.ASCII):
                what = say("CAP writes times in whole seconds and UTC as -00:00, not “{value}”.", value=text)
                self.note(where, node, what, say("It is clear, and is taken as it is."))
        else:
            node.value = text

    def together(self, node: _Node, where: str) -> None:
        """What one element asks of another."""
        for group, name, value, other in _ASKING:
            found = node.get(name) if node.name == group else None
            if found is not None and value in (None, found) and not any(one.text for one in node.all(other)):
                what = say(
                    "<{other}> is missing; <{name}> {value} asks for it.", other=other, name=name, value=found
                )
                self.fault(where, node, what, say("Add it."))

    def foreign(self, node: _Node, where: str) -> None:
        if node.full == "http://www.w3.org/2000/09/xmldsig# Signature":
            what, next_ = say("Its signature is not checked."), say("See yourself whom it comes from.")
        else:
            what = say("<{name}> is not of CAP 1.2 and is passed over.", name=_seen(node.full[:60]))
            next_ = say("See whether it matters.")
        self.note(where, node, what, next_)


def _wanted(name: str) -> Text | str:
    """What may stand in an element, if that is laid down."""
    if name in _ALLOWED:
        return ", ".join(_ALLOWED[name])
    return _FORMS[name][1] if name in _FORMS else ""


def read(data: bytes) -> CapMessage:
    """
    The message that *data* is.

    BroadcasterError with every fault at once. The order of elements, which changes no meaning, is not
    judged, and an empty element that may be missing is taken as missing. Signatures are not checked.
    """
    root = _parsed(data)
    if root.name != "alert":
        raise BroadcasterError(_no_cap(root))
    judge = _Judge()
    judge.group(root, "alert")
    if judge.faults:
        raise BroadcasterError(*judge.faults)
    return CapMessage(
        identifier=root.get("identifier"),
        sender=root.get("sender"),
        sent=root.get("sent"),
        status=root.get("status"),
        type=root.get("msgType"),
        scope=root.get("scope"),
        references=root.get("references") or (),
        infos=[_info(one) for one in root.all("info")],
        notes=list(judge.notes.values()),
    )


def _info(node: _Node) -> CapInfo:
    return CapInfo(
        event=node.get("event"),
        urgency=node.get("urgency"),
        severity=node.get("severity"),
        certainty=node.get("certainty"),
        language=node.get("language") or "en-US",
        headline=node.get("headline") or "",
        description=node.get("description") or "",
        instruction=node.get("instruction") or "",
        effective=node.get("effective"),
        expires=node.get("expires"),
        areas=[_area(one) for one in node.all("area")],
    )


def _area(node: _Node) -> CapArea:
    return CapArea(
        description=node.get("areaDesc"),
        polygons=[one.value for one in node.all("polygon") if one.value],
        circles=[one.value for one in node.all("circle") if one.value],
        geocodes=[one.get("value") for one in node.all("geocode")],
    )


def _no_cap(root: _Node) -> Fault:
    older = re.fullmatch(r"\S+\bcap[:/](\d\.\d) alert", root.full)
    if older:
        what = say("This is a message of CAP {version}, not of CAP 1.2.", version=older[1])
    else:
        what = say("This is not a CAP message: it begins with <{name}>.", name=_seen(root.full[:100]))
    return Fault(
        "alert",
        what,
        say("Ask the sender for CAP 1.2: <alert xmlns={namespace}>.", namespace=f'"{NAMESPACE}"'),
        line=root.line,
    )


def _parsed(data: bytes) -> _Node:
    """
    The tree of elements, by expat alone.

    Entities can only be declared in a DTD, and the first sign of one ends it: nothing is expanded or
    fetched. The text is UTF-8 whatever it says of itself, so no other decoder is ever asked.
    """
    if len(data) > LARGEST:
        raise _refused(
            say("It is larger than {number} bytes.", number=LARGEST),
            say("Ask the sender for one without files in it."),
        )
    if not data.strip():
        raise _refused(say("It is empty."), say("Give the file that holds the message."))
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise BroadcasterError(unread("alert", error)) from None
    parser = expat.ParserCreate("utf-8", " ")
    parser.buffer_text = True
    top = _Node()
    inside = [top]

    def start(name: str, _attributes: Mapping[str, str]) -> None:
        if len(inside) > DEEPEST:
            raise _refused(
                say("More than {number} elements stand in one another.", number=DEEPEST),
                say("This is no CAP message: do not use it."),
                parser.CurrentLineNumber,
            )
        space, _, local = name.rpartition(" ")
        node = _Node(local if space == NAMESPACE else "", name, parser.CurrentLineNumber)
        inside[-1].children.append(node)
        inside.append(node)

    def words(text: str) -> None:
        inside[-1].words.append(text)

    def doctype(*_: Any) -> None:
        raise _refused(
            say("There is a DOCTYPE in it, with which a message can do harm."),
            say("CAP has none: do not use this file."),
            parser.CurrentLineNumber,
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: inside.pop()
    parser.CharacterDataHandler = words
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise _refused(
            say("This is not well-formed XML ({error}).", error=expat.ErrorString(error.code)),
            say("Ask the sender for it again; a part may be missing."),
            error.lineno,
        ) from None
    return top.children[0]


def _refused(what: Text, next_: Text, line: int | None = None) -> BroadcasterError:
    return BroadcasterError(Fault("alert", what, next_, line=line))
