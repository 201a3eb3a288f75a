"""Calendars: the plan goes out as .ics; schedules go out and come in."""

import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.model.airing import Outcome
from broadcaster.model.occurrence import Occurrence, State
from broadcaster.model.schedule import WEEKDAYS, Rule, Schedule

LARGEST_FILE = 3_000_000  # bytes: some thousand appointments; icalendar reads them in seconds
MOST = 5_000  # appointments of a calendar, single dates of an appointment
MOST_A_DAY = 48  # times of one appointment
PRODUCT = "-//broadcaster//broadcaster//VI"
ESCAPES = {ord("\\"): "\\\\", ord(";"): "\\;", ord(","): "\\,", ord("\n"): "\\n"} | dict.fromkeys(
    [*range(9), *range(11, 32), 127], " "
)
CODES = dict(zip(WEEKDAYS, ("MO", "TU", "WE", "TH", "FR", "SA", "SU"), strict=True))
SIMPLE = {"FREQ", "UNTIL", "INTERVAL", "WKST", "BYMONTH", "BYDAY", "BYMONTHDAY"}
WITHIN_A_DAY = {"BYHOUR", "BYMINUTE", "BYSECOND"}
SOUNDED = (None, Outcome.AIRED, Outcome.CUT)
TABLES = ("rule", "campaign")
OURS = "@broadcaster"
FILE = "X-BROADCASTER-FILE"
ID = "X-BROADCASTER-SCHEDULE"
HEAD = {"script": "X-BROADCASTER-SCRIPT", "areas": "X-BROADCASTER-AREAS", "class": "X-BROADCASTER-CLASS"}


# The plan


def plan_calendar(
    name: str,
    occurrences: Iterable[Occurrence],
    stamp: datetime,
    told: Callable[[Occurrence], str] = lambda one: " ".join(filter(None, (one.reason, one.detail))),
) -> bytes:
    """
    *occurrences* as a calendar that is called *name*, made at *stamp* (aware).

    What will not sound is there too, marked, with what *told* says of it: many programs would hide it if it
    were STATUS:CANCELLED. The length is the estimate of the plan.
    """
    occurrences = list(occurrences)
    made = _stamp(stamp)
    lines = [f"X-WR-CALNAME:{_escaped(name)}"]
    if occurrences:
        days = [one.at.date() for one in occurrences]
        lines += _zone_lines(occurrences[0].at.tzinfo, min(days), max(days))
    for one in occurrences:
        sounds = one.state is State.PLANNED and one.outcome in SOUNDED
        lines += (
            "BEGIN:VEVENT",
            f"UID:{_escaped(one.id)}@broadcaster",
            made,
            f"DTSTART;{_moment(one.at)}",
            f"DURATION:PT{max(round(one.seconds), 1)}S",
            f"SUMMARY:{'' if sounds else '✗ '}{_escaped(one.script_title)}",
            f"LOCATION:{_escaped(one.cluster_name)}",
            f"CATEGORIES:{one.bulletin_class.word.upper()}",
            "TRANSP:TRANSPARENT",
        )
        if note := told(one):
            lines.append(f"DESCRIPTION:{_escaped(note)}")
        lines.append("END:VEVENT")
    return _calendar(lines)


# Lines


def _calendar(lines: Iterable[str]) -> bytes:
    r"""
    The whole file, in our own hand.

    icalendar takes three seconds for a year's plan, and changes a text that has `\N` in it.
    """
    head = ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:{PRODUCT}", "CALSCALE:GREGORIAN")
    return "".join(f"{_folded(line)}\r\n" for line in (*head, *lines, "END:VCALENDAR")).encode()


def _folded(line: str) -> str:
    """*line* in pieces of at most 75 bytes, no letter cut in two."""
    if len(line) <= 75 and (line.isascii() or len(line) <= 18):
        return line
    pieces, piece, room = [], "", 75
    for letter in line:
        size = len(letter.encode())
        if room < size:
            pieces.append(piece)
            piece, room = "", 74
        piece += letter
        room -= size
    return "\r\n ".join([*pieces, piece])


def _escaped(text: str) -> str:
    return text.encode("utf-8", "replace").decode().translate(ESCAPES)


def _stamp(at: datetime) -> str:
    return f"DTSTAMP:{_utc(at)}"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _moment(at: datetime) -> str:
    """What stands behind the name of a property and a semicolon."""
    return f"TZID={at.tzinfo}:{at:%Y%m%dT%H%M%S}"


def _zone_lines(zone: object, first: date, last: date) -> Iterator[str]:
    """The VTIMEZONE of *zone*, for the days from *first* to *last*."""
    from icalendar import Timezone

    assert isinstance(zone, ZoneInfo), zone  # noqa: S101 - moments of the model are in the station's zone
    found = Timezone.from_tzinfo(zone, zone.key, first - timedelta(days=1), last + timedelta(days=2))
    del found["COMMENT"]
    yield from found.to_ical().decode().replace("\r\n ", "").split("\r\n")[:-1]


# Schedules out


@dataclass(frozen=True)
class Leaving:
    """A schedule that goes out, its file's text, and what seasons run on a day at each of its clusters."""

    schedule: Schedule
    text: str
    seasons: Callable[[date], Iterable[Container[str]]] = lambda _day: ((),)


@dataclass(frozen=True)
class Event:
    """What a VEVENT of a schedule says of times; all of them are wall times of the station."""

    uid: str
    summary: str
    start: datetime
    rrule: str = ""  # as icalendar writes it
    more: frozenset[datetime] = frozenset()  # RDATE
    less: frozenset[datetime] = frozenset()  # EXDATE
    instead_of: datetime | None = None  # RECURRENCE-ID
    cancelled: bool = False
    head: Mapping[str, str] = field(default_factory=dict)


def schedules_calendar(
    name: str,
    about: str,
    leaving: Iterable[Leaving],
    zone: ZoneInfo,
    first: date,
    last: date,
    stamp: datetime,
) -> bytes:
    """
    Schedules as a calendar that is called *name*; *about* says what its reader should know.

    Recurrences go on for ever; silent days, seasons and what RFC 5545 cannot say are written out from
    *first* to *last*. The files themselves are in it as well, so that `read_calendar` gives them back.
    """
    lines = [f"X-WR-CALNAME:{_escaped(name)}", f"X-WR-CALDESC:{_escaped(about)}"]
    events: list[tuple[Schedule, Event]] = []
    for one in leaving:
        found = [*_events(one, zone, first, last)]
        whole = f"{one.schedule.id}\n{note_of(found)}\n{one.text}"
        lines.append(f"{FILE};VALUE=TEXT:{_escaped(whole)}")
        events += [(one.schedule, event) for event in found]
    if events:
        days = [event.start.date() for _schedule, event in events]
        lines += _zone_lines(zone, min(first, *days), max(last, *days))
    for schedule, event in events:
        lines += _event_lines(schedule, event, zone, stamp)
    return _calendar(lines)


def _event_lines(schedule: Schedule, event: Event, zone: ZoneInfo, stamp: datetime) -> Iterator[str]:
    def moments(name: str, those: Iterable[datetime]) -> Iterator[str]:
        for at in sorted(those):
            yield f"{name};{_moment(at.replace(tzinfo=zone))}"

    yield from ("BEGIN:VEVENT", f"UID:{_escaped(event.uid)}", _stamp(stamp))
    yield from moments("DTSTART", [event.start])
    if event.rrule:
        yield f"RRULE:{event.rrule}"
    yield from moments("RDATE", event.more)
    yield from moments("EXDATE", event.less)
    yield from moments("RECURRENCE-ID", [event.instead_of] if event.instead_of else ())
    yield f"SUMMARY:{_escaped(event.summary)}"
    yield f"CATEGORIES:{schedule.bulletin_class.word.upper()}"
    yield f"STATUS:{'CANCELLED' if event.cancelled else 'CONFIRMED'}"
    yield "TRANSP:TRANSPARENT"
    yield f"{ID};VALUE=TEXT:{_escaped(schedule.id)}"
    values = (schedule.scripts, schedule.areas, [schedule.bulletin_class.word])
    for key, value in zip(HEAD.values(), values, strict=True):
        yield f"{key};VALUE=TEXT:{_escaped(' '.join(value))}"
    yield "END:VEVENT"


def _events(leaving: Leaving, zone: ZoneInfo, first: date, last: date) -> Iterator[Event]:
    """One for each rule and time, one for each move and extra; what sounds twice stands there once."""
    schedule = leaving.schedule
    never = datetime.min  # noqa: DTZ901 - wall times
    plain = Event("", tidy(schedule.title), never, cancelled=not schedule.enabled)
    data = tomllib.loads(leaving.text)
    moved = {move.occurrence: move.to for move in schedule.moves}
    told = set[datetime]()
    for table, rules in (("campaign", schedule.campaigns), ("rule", schedule.rules)):
        for number, rule in enumerate(rules, 1):
            text = str(data[table][number - 1].get("rrule", "")).strip().removeprefix("RRULE:")
            for label, asked, rrule in series(rule, text, zone, first, last):
                real = {at for at in asked if at not in told and _sounds(leaving, rule, at)}
                told |= real
                if not real:
                    continue
                event = replace(plain, uid=f"{schedule.id}/{table}-{number}/{label}@broadcaster")
                if rrule:
                    event = replace(event, start=min(asked), rrule=rrule, less=frozenset(asked - real))
                else:
                    event = replace(event, start=min(real), more=frozenset(real - {min(real)}))
                yield event
                for at in sorted(real & moved.keys()):
                    yield replace(plain, uid=event.uid, summary=event.summary, instead_of=at, start=moved[at])
    for at in schedule.extras:
        if at not in told and schedule.exclusion_on(at.date()) is None:
            uid = f"{schedule.id}/extra/{at:%Y-%m-%dT%H:%M:%S}@broadcaster"
            yield replace(plain, uid=uid, start=moved.get(at, at))


def _sounds(leaving: Leaving, rule: Rule, at: datetime) -> bool:
    day, schedule = at.date(), leaving.schedule
    return (
        any(rule is one for one in schedule.rules_on(day))
        and schedule.exclusion_on(day) is None
        and any(rule.holds_on(day, here) and rule.avoids(here) is None for here in leaving.seasons(day))
    )


def series(
    rule: Rule, text: str, zone: ZoneInfo, first: date, last: date
) -> Iterator[tuple[str, set[datetime], str]]:
    """
    The series of appointments that *rule* makes: a label, what each asks for, and its RRULE.

    It is "" where RFC 5545 cannot say the rule: its dates are written out then.
    """
    begin = rule.within.first or first
    if rule.recurrence is None:
        begin = max(begin, first) if rule.season else begin
        filters = replace(rule, season=())
        days = [day for day in _days(begin, last) if filters.holds_on(day)]
        asked = {datetime.combine(day, at) for day in days for at in rule.times}
    else:
        gives = rule.recurrence.times_on
        asked = {datetime.combine(day, at) for day in _days(begin, last) for at in gives(day)}
    parts = dict(part.split("=", 1) for part in text.split(";")) if text else {}
    several = is_several(parts)
    unsaid = rule.months or rule.weekdays or rule.days or (several and len(rule.times) > 1)
    ends_twice = rule.within.last and {"COUNT", "UNTIL"} & parts.keys()
    if rule.season or (parts and (unsaid or ends_twice)):
        yield "dates", asked, ""
        return
    rrule = _rrule(parts or _filters(rule), rule.within.last, zone)
    if several:
        yield "times", asked, rrule
        return
    for at in dict.fromkeys(rule.times):
        yield f"{at:%H%M%S}", {one for one in asked if one.time() == at}, rrule


def _days(first: date, last: date) -> Iterator[date]:
    return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))


def _filters(rule: Rule) -> dict[str, str]:
    """The parts of an RRULE that say the same as months, weekdays and days do."""
    named = {
        "BYMONTH": map(str, sorted(rule.months or ())),
        "BYMONTHDAY": map(str, sorted(rule.days or ())),
        "BYDAY": (CODES[WEEKDAYS[one]] for one in sorted(rule.weekdays or ())),
    }
    parts = {name: said for name, those in named.items() if (said := ",".join(those))}
    frequency = "WEEKLY" if parts.keys() == {"BYDAY"} else "MONTHLY" if "BYMONTHDAY" in parts else "DAILY"
    return {"FREQ": frequency} | parts


def _rrule(parts: Mapping[str, str], last: date | None, zone: ZoneInfo) -> str:
    """As icalendar writes it; its end in UTC, as RFC 5545 wants it beside a DTSTART with a zone."""
    from icalendar.prop import vRecur

    parts = dict(parts)
    if last is not None:
        parts["UNTIL"] = f"{last:%Y%m%d}T235959"
    if len(parts.get("UNTIL", "")) == 15:
        parts["UNTIL"] = _utc(datetime.strptime(parts["UNTIL"], "%Y%m%dT%H%M%S").replace(tzinfo=zone))
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    return str(vRecur.from_ical(text).to_ical().decode())


def note_of(events: Iterable[Event]) -> str:
    """The events in one line, from which one sees later what was changed in them."""

    def dates(those: Iterable[datetime]) -> list[str]:
        return sorted(at.isoformat() for at in those)

    plain = [
        (
            *(one.uid, one.summary, one.start.isoformat(), one.rrule, dates(one.more), dates(one.less)),
            *(dates([one.instead_of] if one.instead_of else []), one.cancelled),
        )
        for one in events
    ]
    return json.dumps(sorted(plain), ensure_ascii=False, separators=(",", ":"))


def recalled(text: str) -> list[Event]:
    """What `noted` wrote; ValueError, TypeError or RecursionError for anything else."""

    def dates(those: Iterable[str]) -> frozenset[datetime]:
        return frozenset(datetime.fromisoformat(one).replace(tzinfo=None) for one in those)

    return [
        Event(
            uid=uid,
            summary=summary,
            start=datetime.fromisoformat(start).replace(tzinfo=None),
            rrule=rrule,
            more=dates(more),
            less=dates(less),
            instead_of=next(iter(dates(instead)), None),
            cancelled=cancelled,
        )
        for uid, summary, start, rrule, more, less, instead, cancelled in json.loads(text)
    ]


def tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", re.sub(r"[\x00-\x1f\x7f]", " ", text)).split())


# Schedules in


def is_several(parts: Mapping[str, str]) -> bool:
    """Does a rule give the times of day itself?"""
    return bool(WITHIN_A_DAY & parts.keys()) or parts.get("FREQ") == "HOURLY"
