"""What a calendar (.ics) says, as schedules: icalendar reads it."""

import math
import re
import tomllib
import warnings
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain, product, starmap
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.model.errors import BroadcasterError, Fault, Text, said, say
from broadcaster.model.schedule import WEEKDAYS, Days
from broadcaster.model.script import identifier

from .writing import (
    CODES,
    FILE,
    HEAD,
    ID,
    LARGEST_FILE,
    MOST,
    MOST_A_DAY,
    OURS,
    SIMPLE,
    TABLES,
    WITHIN_A_DAY,
    Event,
    is_several,
    note_of,
    recalled,
    tidy,
)


@dataclass(frozen=True)
class Arrived:
    """
    What a calendar holds: whole files as they went out, by name; plain data in the shape of a schedule's
    file for what came from somewhere else; and what could not be held.
    """

    texts: Mapping[str, str]
    schedules: Mapping[str, dict[str, Any]]
    notes: Sequence[Fault]


def read_calendar(path: Path, zone: ZoneInfo, reason: str) -> Arrived:
    """
    The schedules in the calendar *path*; times become those of *zone*, days left out are silent for *reason*.

    Appointments of the same name become one schedule if they leave out the same days. Script and areas are
    missing where the calendar does not know them. Raises BroadcasterError if this is no calendar.
    """
    reader = _Reader(path.name, zone, reason)
    for calendar in _parsed(path):
        reader.read(calendar)
    return reader.arrived()


def _parsed(path: Path) -> list[Any]:
    from icalendar import Calendar

    try:
        size = path.stat().st_size
        data = path.read_bytes() if path.is_file() and size <= LARGEST_FILE else b""
    except OSError as error:
        raise _refused(
            path,
            say("The file cannot be read: {error}.", error=said(error)),
            say("See that it is there and that you may read it."),
        ) from error
    if size > LARGEST_FILE:
        raise _refused(
            path,
            say("The calendar is larger than {limit} MB.", limit=LARGEST_FILE // 1_000_000),
            say("Export only the calendar that holds the broadcasts, and only the years to come."),
        )
    try:
        text = "\r\n".join(_lines(data.decode("utf-8-sig")))
        with warnings.catch_warnings(action="ignore"):  # of guessed names of zones: they are told if unknown
            found = Calendar.from_ical(text + "\r\n", multiple=True)
    except Exception as error:  # whatever a damaged file makes of the library
        raise _not_a_calendar(path) from error
    if not found or any(one.name != "VCALENDAR" for one in found):
        raise _not_a_calendar(path)
    return list(found)


def _lines(text: str) -> Iterator[str]:
    """
    The lines of a calendar, unfolded, without its time zones.

    A zone that has no name of its own is not followed: a hostile one can keep icalendar busy for years.
    """
    inside = False
    for line in re.split(r"\r?\n", re.sub(r"\r?\n[ \t]", "", text)):
        name, _, value = re.sub(r"[ \t]", "", line).upper().partition(":")
        name = name.partition(";")[0]
        inside = inside or (name == "BEGIN" and "VTIMEZONE" in value)
        if not inside and line.strip():
            yield line
        inside = inside and not (name == "END" and "VTIMEZONE" in value)


def _refused(path: Path, what: Text, following: Text) -> BroadcasterError:
    return BroadcasterError(Fault(str(path), what, following))


def _not_a_calendar(path: Path) -> BroadcasterError:
    return _refused(
        path,
        say("This is no calendar, or a damaged one."),
        say("Export it as .ics (iCalendar) in the calendar program, and import that."),
    )


class _LeftOutError(Exception):
    """An appointment that cannot be a schedule: why, and what to do."""

    def __init__(self, what: Text, following: Text) -> None:
        super().__init__(str(what))
        self.what, self.following = what, following


@dataclass
class _Series:
    """What one appointment gives to a schedule."""

    name: str
    data: dict[str, Any]  # title, script, areas, class
    rules: list[dict[str, Any]] = field(default_factory=list)
    extras: set[datetime] = field(default_factory=set)
    silent: frozenset[date] = frozenset()
    moves: Mapping[datetime, datetime] = field(default_factory=dict)


@dataclass
class _Piece:
    """What an appointment makes of a rule of the file that came along."""

    table: tuple[str, int]  # "rule" or "campaign", and its number in the file; 0 is new
    rule: dict[str, Any]
    silent: frozenset[date] = frozenset()  # that the file does not know of
    moves: Mapping[datetime, datetime] = field(default_factory=dict)
    extras: set[datetime] = field(default_factory=set)

    def may_sound_on(self, day: date) -> bool:
        rule = self.rule
        return day in _within(rule) and (
            "rrule" in rule
            or (
                day.month in rule.get("months", [day.month])
                and WEEKDAYS[day.weekday()] in rule.get("weekdays", WEEKDAYS)
                and day.day in rule.get("days", [day.day])
            )
        )


class _Reader:
    def __init__(self, where: str, zone: ZoneInfo, reason: str) -> None:
        self.where, self.zone, self.reason = where, zone, reason
        self.notes: dict[tuple[str, str], Fault] = {}
        self.files: list[str] = []
        self.events: list[Event] = []
        self.others = 0

    def note(self, what: Text, following: Text, name: str = "") -> None:
        where = f"{self.where}: {name}" if name else self.where
        self.notes.setdefault((where, what.template), Fault(where, what, following, warning=True))

    def read(self, calendar: Any) -> None:
        self.files += [str(one) for one in _all(calendar, FILE)]
        components = calendar.walk()
        if len(components) > MOST:
            raise BroadcasterError(
                Fault(
                    self.where,
                    say("The calendar has more than {most} appointments.", most=MOST),
                    say("Export only the calendar that holds the broadcasts, and only the years to come."),
                )
            )
        for component in components:
            if component.name == "VEVENT":
                name = tidy(str(component.get("SUMMARY", "")))
                try:
                    self.events.append(self._event(component, name))
                except _LeftOutError as error:
                    self.note(error.what, error.following, name)
                except (ValueError, OverflowError, LookupError, AttributeError):
                    self.note(
                        say("An appointment is damaged: it was left out."),
                        say("Look at it in the calendar program, or add it by: broadcaster schedule add."),
                        name,
                    )
            self.others += component.name in ("VTODO", "VJOURNAL", "VFREEBUSY")

    def _event(self, one: Any, name: str) -> Event:
        """What *one* says, in wall times of the station."""
        broken = {of for of, _error in one.errors} & {
            None,
            "DTSTART",
            "RRULE",
            "RDATE",
            "EXDATE",
            "RECURRENCE-ID",
        }
        starts, rules = _all(one, "DTSTART"), _all(one, "RRULE")
        if broken or len(starts) != 1:
            raise ValueError(name)
        start = starts[0].dt
        if not isinstance(start, datetime):
            raise _LeftOutError(
                say("An appointment of a whole day has no time of day: it was left out."),
                say("Give it a time. A day without broadcasts is: broadcaster schedule except."),
            )
        if len(rules) > 1 or "EXRULE" in one:
            raise _LeftOutError(
                say("An appointment repeats by more than one rule: it was left out."),
                say("Make one appointment of each rule."),
            )
        dates = {key: [at for each in _all(one, key) for at in each.dts] for key in ("RDATE", "EXDATE")}
        if sum(map(len, dates.values())) > MOST:
            raise _LeftOutError(
                say("An appointment has more than {most} single dates: it was left out.", most=MOST),
                say("Let it repeat by a rule."),
            )
        begin = self._local(starts[0], name)
        instead = _all(one, "RECURRENCE-ID")
        if instead and instead[0].params.get("RANGE"):
            raise _LeftOutError(
                say("A change of ‘this and all following’ cannot be taken: it was left out."),
                say("End the old series on the day before, and begin a new one."),
            )
        event = Event(
            uid=str(one.get("UID", "")),
            summary=name,
            start=begin,
            rrule=rules[0].to_ical().decode() if rules else "",
            more=frozenset(at for each in dates["RDATE"] if (at := self._local(each, name, begin))),
            less=frozenset(at for each in dates["EXDATE"] if (at := self._local(each, name, begin))),
            instead_of=self._local(instead[0], name, begin) if instead else None,
            cancelled=str(one.get("STATUS", "")).upper() == "CANCELLED",
            head={key: str(one[known]) for key, known in {"id": ID, **HEAD}.items() if known in one},
        )
        if rules:
            for each in _by_time(event):
                _as_rule(each, self.zone)  # what it does not understand is damaged, and told here
            self._follows(start, event)
        return event

    def _local(self, value: Any, name: str, begin: datetime | None = None) -> datetime:
        """A moment as the station's wall clock shows it; a date alone takes the time of *begin*."""
        at = value.dt[0] if isinstance(value.dt, tuple) else value.dt  # a period: its length is the script's
        if not isinstance(at, datetime):
            return datetime.combine(at, begin.time() if begin else time())
        if at.tzinfo is not None:
            return at.astimezone(self.zone).replace(tzinfo=None)
        if zone := value.params.get("TZID"):
            self.note(
                say("The time zone “{zone}” is not known; its times were taken as the station's.", zone=zone),
                say("See that they are right."),
                name,
            )
        return at

    def _follows(self, start: datetime, event: Event) -> None:
        """A rule that repeats in another zone is told; one that falls on other days there cannot be held."""
        if start.tzinfo is None or start.replace(tzinfo=None) == event.start:
            return
        parts = _parts(event.rrule)
        plain = parts["FREQ"] in ("DAILY", "WEEKLY") and not any(one.startswith("BY") for one in parts)
        if WITHIN_A_DAY & parts.keys() or (start.date() != event.start.date() and not plain):
            raise _LeftOutError(
                say(
                    "An appointment repeats by the days of another time zone, which are others here: "
                    "it was left out."
                ),
                say(
                    "Set it to the zone {zone} in the calendar program, and export it again.", zone=self.zone
                ),
            )
        self.note(
            say("Its times are of the zone {zone}; they follow the station's clock now.", zone=start.tzinfo),
            say("If clocks change there in summer, the two will differ then."),
            event.summary,
        )

    def arrived(self) -> Arrived:
        own: dict[str, list[Event]] = {}
        for event in self.events:
            ours = event.uid.partition("/")[0] if event.uid.endswith(OURS) else ""
            own.setdefault(event.head.get("id") or ours, []).append(event)
        texts: dict[str, str] = {}
        changed: dict[str, dict[str, Any]] = {}
        for name, noted, text in (one.split("\n", 2) for one in self.files if one.count("\n") > 1):
            if name in texts or name in changed:
                continue
            if note_of(own.get(name, ())) == noted:
                texts[name] = text
                own.pop(name, None)
                continue
            self.note(
                say("The appointments of this schedule were changed since it was exported."),
                say(
                    "The changed times were taken. "
                    "See that campaigns, seasons and quotas are as you want them."
                ),
                name,
            )
            with suppress(ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError):
                changed |= self._changed(
                    name, tomllib.loads(text), recalled(noted), own.get(name, []), changed
                )
                own.pop(name, None)
        series = [*self._series([*chain.from_iterable(own.values())])]
        if self.others:
            self.note(
                say("Tasks and notes are no appointments: {count} were left out.", count=self.others),
                say("Nothing is to be done if they are no broadcasts."),
            )
        merged = self._merged(series, {*texts, *changed})
        return Arrived(texts, changed | merged, [*self.notes.values()])

    def _changed(
        self,
        name: str,
        data: dict[str, Any],
        sent: Sequence[Event],
        events: Sequence[Event],
        taken: Iterable[str],
    ) -> dict[str, dict[str, Any]]:
        """
        The schedule *data* with the times of *events*, where they differ from those that were *sent*.

        A time of day that is left out on a day on which others sound becomes a schedule of its own.
        """
        was = {one.uid: one for one in sent if one.instead_of is None}
        now: dict[str, Event] = {}
        for one in events:
            if (
                one.uid in was
                and one.instead_of is None
                and not (one.cancelled and not was[one.uid].cancelled)
            ):
                now.setdefault(one.uid, one)
        mine = [one for one in events if now.get(one.uid) is one or (one.instead_of and one.uid in now)]
        known = {at.date() for one in sent for at in one.less}
        pieces = [
            piece
            for kind in ("rule", "campaign")
            for number, rule in enumerate(data.get(kind, ()), 1)
            for piece in self._pieces((kind, number), rule, f"{name}/{kind}-{number}/", sent, mine, known)
        ]
        extras = set()
        for at in [table["at"] for table in data.get("extra", ())]:
            uid = f"{name}/extra/{at:%Y-%m-%dT%H:%M:%S}{OURS}"
            if uid not in was or (uid in now and now[uid].start == was[uid].start):
                extras.add(at)
            elif uid in now:
                extras |= {now[uid].start, *now[uid].more}
        for each in self._series([one for one in events if one not in mine and one.uid not in was]):
            extras |= each.extras
            pieces += [_Piece(("new", 0), rule, each.silent - known, each.moves) for rule in each.rules]
        extras = extras.union(*(piece.extras for piece in pieces))
        titles = {now[uid].summary for uid in now} - {was[uid].summary for uid in now}
        if len(titles) == 1 and all(one.summary in titles for one in now.values()):
            data = data | {"title": titles.pop()}
        return self._in_groups(name, data, [piece for piece in pieces if piece.rule], extras, sent, taken)

    def _in_groups(
        self,
        name: str,
        data: Mapping[str, Any],
        pieces: Sequence[_Piece],
        extras: set[datetime],
        sent: Iterable[Event],
        taken: Iterable[str],
    ) -> dict[str, dict[str, Any]]:
        """The schedule *data* of *pieces*, and of those that are silent when others sound, one each."""
        main = (False, frozenset[date]())
        groups: dict[tuple[bool, frozenset[date]], list[_Piece]] = {main: []} if extras else {}
        for piece in pieces:
            new = piece.table[0] == "new" and "campaign" in data  # which would replace it
            groups.setdefault((new, _clashing(piece, pieces, extras)), []).append(piece)
        single = {one.instead_of for one in sent}
        single |= {table["at"] for table in data.get("extra", ()) if table["at"] not in extras}
        kept = [table for table in data.get("move", ()) if table["occurrence"] not in single]
        found: dict[str, dict[str, Any]] = {}
        for _key, those in sorted(groups.items(), key=lambda group: (group[0][0], bool(group[0][1]))):
            if not found:
                found[name] = self._written(data, those, extras, kept)
                continue
            called = identifier(name, {*found, *taken})
            for piece in those:
                piece.rule = {key: value for key, value in piece.rule.items() if key != "at_least"}
            found[called] = self._written(data, those, (), ())
            self.note(
                say("It leaves out one of several times; a schedule can only be silent all day."),
                say("What differs is a schedule of its own now: {name}.", name=called),
                name,
            )
        self._tell_kept(name, data, found)
        return found

    def _tell_kept(self, name: str, data: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> None:
        if not found:
            self.note(
                say("All appointments of this schedule are gone: it was left out."),
                say("If it shall not sound any more: broadcaster schedule remove {name}", name=name),
                name,
            )
        elif silent := [_named(one) for one in data.get("except", ())]:
            self.note(
                say("Its silent days stay as they were: {days}.", days="; ".join(silent)),
                say("Nothing is to be done. To change them: broadcaster schedule except."),
                name,
            )
        quotas = [one["at_least"] for kind in TABLES for one in data.get(kind, ()) if "at_least" in one]
        left = [one for each in found.values() for kind in TABLES for one in each.get(kind, ())]
        if found and len(quotas) > sum("at_least" in one for one in left):
            self.note(
                say("The quota of a rule that was changed was left out."),
                say("If it holds for the new one too, write it there: at_least."),
                name,
            )

    def _pieces(
        self,
        table: tuple[str, int],
        rule: dict[str, Any],
        uid: str,
        sent: Sequence[Event],
        events: Sequence[Event],
        known: Container[date],
    ) -> Iterator[_Piece]:
        """What is left of *rule*, whose appointments begin with *uid*."""
        was, now = ([one for one in those if one.uid.startswith(uid)] for those in (sent, events))
        if note_of(was) == note_of(now):
            moves = {one.instead_of: one.start for one in was if one.instead_of}
            yield _Piece(table, rule, moves=moves)
            return
        pieces: list[_Piece] = []
        labels = set()
        for old in [one for one in was if one.instead_of is None]:
            labels.add(label := old.uid.removeprefix(uid).removesuffix(OURS))
            changes = {
                one.instead_of: None if one.cancelled else one.start
                for one in now
                if one.uid == old.uid and one.instead_of
            }
            for new in [one for one in now if one.uid == old.uid and one.instead_of is None]:
                pieces += self._piece(table, rule, label, old, new, changes, known)
        unsent = [at for at in rule.get("times", ()) if f"{at:%H%M%S}" not in labels]
        if unsent and not labels & {"dates", "times"}:
            pieces.append(_Piece(table, rule | {"times": unsent}))
        begun = {"times": 0, "from": 0}
        same = [piece for piece in pieces if piece.rule | begun == rule | begun]
        if sum(len(piece.rule.get("times", ())) for piece in same) < len(rule.get("times", ())):
            for piece in same:
                piece.rule = {key: value for key, value in piece.rule.items() if key != "at_least"}
        yield from pieces

    def _piece(
        self,
        table: tuple[str, int],
        rule: dict[str, Any],
        label: str,
        old: Event,
        new: Event,
        changes: Mapping[datetime, datetime | None],
        known: Container[date],
    ) -> Iterator[_Piece]:
        """What *new* makes of the rule of which *old* was sent; silent days stay, whatever their time is."""
        silent = {at.date() for at in new.less} | {at.date() for at, to in changes.items() if to is None}
        silent -= {at.date() for at in old.less}
        moved = {at: to for at, to in changes.items() if to is not None and at.date() not in silent}
        if not new.rrule and label == "dates":
            yield self._by_dates(table, rule, old, new, silent, moved)
            return
        if not new.rrule:
            yield _Piece(table, {}, extras={new.start, *new.more} - new.less)
            return
        begins = {} if new.start.date() == old.start.date() else {"from": new.start.date()}
        outside: set[datetime] = set()
        if new.rrule == old.rrule and (label != "times" or new.start.time() == old.start.time()):
            found = [rule | begins | ({} if label == "times" else {"times": [new.start.time()]})]
            outside = _as_rule(new, self.zone)[1]
        else:
            silent = {day for day in silent if day not in known}
            found = []
            for each in _by_time(new):
                one, first = _as_rule(each, self.zone)
                outside |= first
                kept = {key: rule[key] for key in ("title", "season", "not_in_season") if key in rule}
                if not begins and "from" not in rule and "rrule" not in one:
                    del one["from"]
                if table[0] == "campaign":
                    one = {"until": rule["until"]} | one
                    one.setdefault("from", rule["from"])
                found.append(kept | one)
        if silent and is_several(_parts(new.rrule)):
            self._tell_silent(new)
        for one in found:
            times = one.get("times", ())
            moves = {
                datetime.combine(at, times[0]) if len(times) == 1 else at: to
                for at, to in moved.items()
                if len(found) == 1 or at.time() in times
            }
            moves = {at: to for at, to in moves.items() if at != to}
            yield _Piece(table, one, frozenset(silent), moves, outside | (new.more - old.more))

    def _by_dates(
        self,
        table: tuple[str, int],
        rule: dict[str, Any],
        old: Event,
        new: Event,
        silent: set[date],
        moved: dict[datetime, datetime],
    ) -> _Piece:
        """A rule whose dates were written out: other times a day, or what differs on single days."""
        had, has = sorted({old.start, *old.more}), sorted({new.start, *new.more} - new.less)
        times = {one.time(): other.time() for one, other in zip(had, has, strict=False)}
        alike = has == sorted(datetime.combine(at, times[at.time()]) for at in had)
        if alike and times.keys() == {*rule.get("times", ())}:
            moves = {
                at if at in has else datetime.combine(at, times[at.time()]): to for at, to in moved.items()
            }
            return _Piece(table, rule | {"times": sorted({*times.values()})}, frozenset(silent), moves)
        gone, more = {*had} - {*has}, {*has} - {*had}
        for at in sorted(gone):
            if other := next((one for one in sorted(more) if one.date() == at.date()), None):
                moved[at] = other
                more.discard(other)
            else:
                silent.add(at.date())
        if any(at.date() in silent for at in has):
            self._tell_silent(new)
        return _Piece(table, rule, frozenset(silent), moved, more)

    def _tell_silent(self, event: Event) -> None:
        self.note(
            say("It leaves out one of several times; a schedule can only be silent all day."),
            say("Nothing sounds on such a day now. Make one appointment of each time of day."),
            event.summary,
        )

    def _written(
        self,
        data: Mapping[str, Any],
        pieces: Sequence[_Piece],
        extras: Iterable[datetime],
        kept: Sequence[Mapping[str, Any]],
    ) -> dict[str, Any]:
        """The schedule *data*, with the rules, moves and silent days of *pieces* instead of its own."""
        silent = [*data.get("except", ())]
        there = {one.table for one in pieces}
        if "rule" in dict(there):
            for number, campaign in enumerate(data.get("campaign", ()), 1):  # it replaced the rules
                if ("campaign", number) not in there:
                    reason = campaign.get("title", self.reason)
                    silent.append({"from": campaign["from"], "until": campaign["until"], "reason": reason})
        fresh = frozenset[date]().union(*(one.silent for one in pieces))
        silent += [{"from": first, "until": last, "reason": self.reason} for first, last in _spans(fresh)]
        moves = {at: to for one in pieces for at, to in one.moves.items()}
        tables: dict[str, list[Any]] = {
            kind: _gathered(
                (one.table, one.rule)
                for one in pieces
                if (one.table[0] == "campaign") is (kind == "campaign")
            )
            for kind in TABLES
        }
        tables |= {
            "except": silent,
            "move": [*kept, *({"occurrence": at, "to": moves[at]} for at in sorted(moves))],
            "extra": [{"at": at} for at in sorted(extras)],
        }
        head = {key: value for key, value in data.items() if key not in tables}
        return head | {key: those for key, those in tables.items() if those}

    def _series(self, events: Sequence[Event]) -> Iterator[_Series]:
        """One for each appointment, with what was changed of single days."""
        changes: dict[str, list[Event]] = {}
        for event in events:
            if event.instead_of is not None:
                changes.setdefault(event.uid, []).append(event)
        known = {one.uid for one in events if one.instead_of is None}
        for event in events:
            if event.instead_of is not None and event.uid in known:
                continue
            if event.cancelled:
                self.note(
                    say("The appointment is cancelled: it was left out."),
                    say("Nothing is to be done."),
                    event.summary,
                )
                continue
            title = event.summary or self.where
            data: dict[str, Any] = {"title": title}
            for key in [one for one in HEAD if one in event.head]:
                words = event.head[key].split()
                data[key] = words if key == "areas" or len(words) > 1 else "".join(words)
            name = event.head.get("id") or identifier(title)
            moved = {
                one.instead_of: None if one.cancelled else one.start
                for one in (changes.get(event.uid, ()) if event.instead_of is None else ())
                if one.instead_of is not None
            }
            extras = {*event.more} if event.rrule else {event.start, *event.more}
            if event.rrule:
                for each in _heeded(_by_time(event)):
                    one, outside = self._repeated(each, moved, _Series(name, data))
                    extras |= outside
                    yield one
            extras = {new for at in extras - event.less if (new := moved.get(at, at)) is not None}
            if extras:
                yield _Series(name, data, extras=extras)

    def _repeated(
        self, event: Event, moved: Mapping[datetime, datetime | None], to: _Series
    ) -> tuple[_Series, set[datetime]]:
        """*to*, with what *event* says; and its first time, where the rule itself does not give that."""
        rule, outside = _as_rule(event, self.zone)
        here = {at: new for at, new in moved.items() if at not in event.more}
        less = event.less | {at for at, new in here.items() if new is None}
        if not is_several(_parts(rule.get("rrule", event.rrule))):
            less = frozenset(at for at in less if at.time() == event.start.time())
            here = {at: new for at, new in here.items() if at.time() == event.start.time()}
        elif less:
            self._tell_silent(event)
        moves = {at: new for at, new in here.items() if new not in (None, at) and at not in less}
        silent = frozenset(at.date() for at in less)
        return replace(to, rules=[rule], silent=silent, moves=moves), outside

    def _merged(self, series: Sequence[_Series], taken: Iterable[str]) -> dict[str, dict[str, Any]]:
        """
        Plain data by name: what bears the same name is one schedule if it is silent on the same days.

        A schedule is silent on a whole day, an appointment alone: so those that differ stay apart.
        """
        groups: dict[str, list[_Series]] = {}
        for one in sorted(series, key=lambda each: not each.rules):  # single ones go where they find room
            own = groups.setdefault(one.name, [])
            found = next((group for group in own if _fit(group, one)), None)
            if found is None:
                own.append(one)
                continue
            found.rules += one.rules
            found.extras |= one.extras
            found.moves = {**found.moves, **one.moves}
        schedules: dict[str, dict[str, Any]] = {}
        for group in chain.from_iterable(groups.values()):
            used = {*taken, *schedules}
            name = identifier(group.name, used) if group.name in used else group.name
            schedules[name] = self._data(group)
        return schedules

    def _data(self, group: _Series) -> dict[str, Any]:
        tables: dict[str, list[dict[str, Any]]] = {
            "rule": _gathered(("", rule) for rule in group.rules),
            "except": [
                {"from": first, "until": last, "reason": self.reason} for first, last in _spans(group.silent)
            ],
            "move": [{"occurrence": at, "to": group.moves[at]} for at in sorted(group.moves)],
            "extra": [{"at": at} for at in sorted(group.extras)],
        }
        return group.data | {key: those for key, those in tables.items() if those}


def _gathered(rules: Iterable[tuple[Any, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Of one table, those that differ in their times alone are one."""
    found: dict[str, dict[str, Any]] = {}
    for table, rule in rules:
        same = found.setdefault(repr((table, sorted((rule | {"times": "times" in rule}).items()))), rule)
        if same is not rule and "times" in rule:
            same["times"] = sorted({*same["times"], *rule["times"]})
    return [*found.values()]


def _clashing(piece: _Piece, pieces: Sequence[_Piece], extras: Iterable[datetime]) -> frozenset[date]:
    """The silent days of *piece* if on any of them something else sounds."""

    def else_sounds(day: date) -> bool:
        campaigns = [one for one in pieces if one.table[0] == "campaign" and day in _within(one.rule)]
        return any(at.date() == day for at in extras) or any(
            day not in one.silent and one.may_sound_on(day) for one in campaigns or pieces
        )

    return piece.silent if any(map(else_sounds, piece.silent)) else frozenset()


def _within(rule: Mapping[str, Any]) -> Days:
    return Days(rule.get("from"), rule.get("until"))


def _named(one: Any) -> str:
    """What an element of `except` is about."""
    if isinstance(one, str):
        return one
    if "holiday" in one:
        return str(one["holiday"])
    return f"{one['from']:%d/%m/%Y}-{one['until']:%d/%m/%Y} ({one.get('reason', '')})"


def _heeded(parts: Sequence[Event]) -> Iterator[Event]:
    """
    What we exported is left out at its own times: an EXDATE at another stayed behind when somebody moved
    the series, and its day stays silent.
    """
    times = {one.start.time() for one in parts}
    for one in parts:
        late = {at for at in one.less if at.time() not in times} if one.uid.endswith(OURS) else set()
        yield replace(one, less=one.less | {datetime.combine(at, one.start.time()) for at in late})


def _fit(group: _Series, one: _Series) -> bool:
    """May *one* become a part of *group*, so that both still give the same times?"""
    if group.data != one.data or group.name != one.name:
        return False
    if one.rules:
        return group.silent == one.silent
    return not group.silent & {at.date() for at in one.extras}


def _by_time(event: Event) -> Sequence[Event]:
    """One event for each time of day at which *event* repeats, where they can be told apart."""
    parts = _parts(event.rrule)
    own = (("BYHOUR", event.start.hour), ("BYMINUTE", event.start.minute), ("BYSECOND", event.start.second))
    found = [[int(one) for one in parts.get(key, str(default)).split(",")] for key, default in own]
    if (
        not WITHIN_A_DAY & parts.keys()
        or {"COUNT", "BYSETPOS"} & parts.keys()
        or parts["FREQ"] not in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
        or math.prod(map(len, found)) > MOST_A_DAY
    ):
        return [event]
    rrule = ";".join(f"{key}={value}" for key, value in parts.items() if key not in WITHIN_A_DAY)
    each = []
    for at in dict.fromkeys(starmap(time, product(*found))):
        start = datetime.combine(event.start, at)
        early = {start} if start < event.start else set()
        each.append(replace(event, start=start, rrule=rrule, less=event.less | early))
    return each


def _parts(rrule: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in rrule.split(";"))


def _as_rule(event: Event, zone: ZoneInfo) -> tuple[dict[str, Any], set[datetime]]:
    """A [[rule]] with the words of officers where they can say it, and the first time if it falls outside."""
    parts, start = _parts(event.rrule), event.start
    rule: dict[str, Any] = {"from": start.date()}
    if until := parts.get("UNTIL"):
        rule["until"] = _last_day(until, start.time(), zone)
    months, weekdays, days = (parts.get(key, "") for key in ("BYMONTH", "BYDAY", "BYMONTHDAY"))
    if (
        parts.keys() <= SIMPLE
        and parts.get("INTERVAL", "1") == "1"
        and not re.search(r"\d", weekdays)
        and not re.search(r"[-L]", days + months)
        and parts["FREQ"] in ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
    ):
        if parts["FREQ"] == "WEEKLY":
            weekdays = weekdays or CODES[WEEKDAYS[start.weekday()]]
        elif parts["FREQ"] in ("MONTHLY", "YEARLY") and not weekdays:
            if parts["FREQ"] == "YEARLY" and not days:
                months = months or str(start.month)
            days = days or str(start.day)
        if months:
            rule["months"] = sorted({int(one) for one in months.split(",")})
        if weekdays:
            wanted = weekdays.split(",")
            rule["weekdays"] = [day for day, code in CODES.items() if code in wanted]
        if days:
            rule["days"] = sorted({int(one) for one in days.split(",")})
        passes = (
            start.month in rule.get("months", [start.month])
            and WEEKDAYS[start.weekday()] in rule.get("weekdays", WEEKDAYS)
            and start.day in rule.get("days", [start.day])
        )
        return rule | {"times": [start.time()]}, set() if passes else {start}
    parts.pop("UNTIL", None)
    rule["rrule"] = ";".join(f"{key}={value}" for key, value in parts.items())
    return rule | {"times": [start.time()]}, set()


def _last_day(until: str, at: time, zone: ZoneInfo) -> date:
    """The last day on which *at* is not after *until*."""
    if len(until) == 8:
        return datetime.strptime(until, "%Y%m%d").date()  # noqa: DTZ007 - a date alone
    moment = datetime.strptime(until[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC if until[15:] else zone)
    local = moment.astimezone(zone)
    return local.date() if at <= local.time() else local.date() - timedelta(days=1)


def _spans(days: Iterable[date]) -> Iterator[tuple[date, date]]:
    """Stretches of days that follow one another."""
    first = last = None
    for day in sorted(days):
        if last is not None and first is not None and day - last > timedelta(days=1):
            yield first, last
            first = None
        first, last = first or day, day
    if first is not None and last is not None:
        yield first, last


def _all(component: Any, key: str) -> list[Any]:
    found = component.get(key, [])
    return found if isinstance(found, list) else [found]
