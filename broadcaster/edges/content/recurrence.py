"""Recurrences of RFC 5545, by dateutil."""

import re
from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from broadcaster.model.errors import Text, did_you_mean, say

if TYPE_CHECKING:
    from dateutil.rrule import rrule

MOST_A_DAY = 48
STEPS = {"HOURLY": timedelta(hours=1), "DAILY": timedelta(days=1), "WEEKLY": timedelta(weeks=1)}
DAYS = "(MO|TU|WE|TH|FR|SA|SU)"
NUMBERS = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTHDAY": (1, 31),
    "BYYEARDAY": (1, 366),
    "BYWEEKNO": (1, 53),
    "BYMONTH": (1, 12),
    "BYSETPOS": (1, 366),
}
COUNTED_BACK = {"BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS"}  # may be negative
PATTERNS = {
    "FREQ": "SECONDLY|MINUTELY|HOURLY|DAILY|WEEKLY|MONTHLY|YEARLY",
    "UNTIL": r"\d{8}T\d{6}Z?",
    "COUNT": r"[1-9]\d{0,5}",
    "INTERVAL": r"[1-9]\d{0,4}",
    "BYDAY": rf"([+-]?[1-9]\d?)?{DAYS}(,([+-]?[1-9]\d?)?{DAYS})*",
    "WKST": DAYS,
    **dict.fromkeys(NUMBERS, r"[+-]?\d+(,[+-]?\d+)*"),
}
NOT_WITH = {  # RFC 5545, 3.3.10: what a part may not stand with
    "BYWEEKNO": {"HOURLY", "DAILY", "WEEKLY", "MONTHLY"},
    "BYYEARDAY": {"DAILY", "WEEKLY", "MONTHLY"},
    "BYMONTHDAY": {"WEEKLY"},
}


class UnusableError(ValueError):
    """A rule that cannot be used: what is wrong, and what to write."""

    def __init__(self, what: Text, following: Text) -> None:
        super().__init__(str(what))
        self.what, self.following = what, following


@dataclass(frozen=True)
class RRule:
    """
    The rule *text* from *start* on, once for each of *times*; without times the rule itself gives them.

    Wall times of *zone*. Raises UnusableError for what RFC 5545 does not allow, what never happens, and
    what happens more often than loudspeakers can bear.
    """

    text: str
    start: date
    times: tuple[time, ...]
    zone: ZoneInfo
    _years: dict[int, dict[date, list[time]]] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        parts = _parts(self.text)
        if not self.times and parts["FREQ"] != "HOURLY" and "BYHOUR" not in parts:
            raise UnusableError(
                say("Neither “times” nor BYHOUR says at what time."),
                say("Write {example} beside the rrule.", example="times = [17:30:00]"),
            )
        many = UnusableError(
            say("The rrule asks for more than {most} broadcasts a day.", most=MOST_A_DAY),
            say("Take FREQ=DAILY, with the times in “times”."),
        )
        if _times_a_day(parts) > MOST_A_DAY:  # before millions of them are worked out
            raise many
        first = datetime.combine(self.start, (self.times or (time(),))[0])
        if not _ever(parts, first) or not any(next(iter(rule), None) for rule in self._rules(first.year)):
            raise UnusableError(
                say("By this rrule nothing ever sounds."), say("Look at its days and months.")
            )
        days = self._expanded(self.start.year) or self._expanded(self.start.year + 1)
        given = {at for times in days.values() for at in times}
        if "BYHOUR" in parts and given and (never := [at for at in self.times if at not in given]):
            raise UnusableError(
                say("At {time} it never sounds: BYHOUR names other hours.", time=f"{never[0]:%H:%M}"),
                say("Keep either “times” or BYHOUR."),
            )
        if any(len(times) > MOST_A_DAY for times in days.values()):
            raise many

    def times_on(self, day: date) -> list[time]:
        if day.year not in self._years:
            self._years[day.year] = self._expanded(day.year)
        return self._years[day.year].get(day, [])

    def _expanded(self, year: int) -> dict[date, list[time]]:
        days: dict[date, set[time]] = {}
        for rule in self._rules(year):
            for at in rule.between(datetime(year, 1, 1), datetime(year, 12, 31, 23, 59, 59), inc=True):  # noqa: DTZ001 - wall times
                days.setdefault(at.date(), set()).add(at.time())
        return {day: sorted(times) for day, times in days.items()}

    def _rules(self, year: int) -> "list[rrule]":
        """The rules, begun anew shortly before *year* where what lies between does not matter."""
        from dateutil.rrule import rrulestr

        parts = _parts(self.text)
        if "BYWEEKNO" in parts and not parts.keys() & {"BYDAY", "BYMONTHDAY", "BYYEARDAY"}:
            parts["BYDAY"] = f"{self.start:%a}"[:2].upper()  # DTSTART's; dateutil takes the whole week
        if parts.get("UNTIL", "").endswith("Z"):
            parts["UNTIL"] = self._local(parts["UNTIL"])
        text = _joined(parts)
        rules = []
        for at in self.times or (time(),):
            first = datetime.combine(self.start, at)
            if parts["FREQ"] in STEPS and "COUNT" not in parts:
                step = STEPS[parts["FREQ"]] * int(parts.get("INTERVAL", 1))
                first += max((datetime(year, 1, 1) - first) // step - 1, 0) * step  # noqa: DTZ001 - wall time
            rules.append(rrulestr(text, dtstart=first))
        return rules

    def _local(self, until: str) -> str:
        moment = datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        if not 1900 <= moment.year <= MAXYEAR - 1:
            raise ValueError(until)
        return f"{moment.astimezone(self.zone):%Y%m%dT%H%M%S}"


def _joined(parts: dict[str, str]) -> str:
    return ";".join(f"{name}={value}" for name, value in parts.items())


def _parts(text: str) -> dict[str, str]:
    """The parts of the rule *text*, each as RFC 5545 has it."""
    parts: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        if name not in PATTERNS:
            following = say("Write it as in RFC 5545: {example}.", example="FREQ=MONTHLY;BYDAY=1MO")
            raise UnusableError(
                say("An rrule has no part “{part}”.", part=name),
                did_you_mean(name.upper(), PATTERNS, following),
            )
        if name in parts or not re.fullmatch(PATTERNS[name], value) or not _in_range(name, value):
            raise UnusableError(
                say("The part “{part}” of the rrule is not understood, or stands there twice.", part=part),
                say("Write UNTIL with its time, such as {example}.", example="20261231T235959")
                if name == "UNTIL"
                else say("Write it as in RFC 5545: {example}.", example="FREQ=MONTHLY;BYDAY=1MO"),
            )
        parts[name] = value
    _fit_together(parts)
    return parts


def _in_range(name: str, value: str) -> bool:
    if name not in NUMBERS:
        return True
    least, most = NUMBERS[name]
    return all(
        least <= (abs(number) if name in COUNTED_BACK else number) <= most
        for number in map(int, value.split(","))
    )


def _fit_together(parts: dict[str, str]) -> None:
    frequency = parts.get("FREQ", "")
    ordinal = re.search(r"\d", parts.get("BYDAY", ""))
    wrong = next((name for name, those in NOT_WITH.items() if name in parts and frequency in those), None)
    if ordinal and (frequency not in ("MONTHLY", "YEARLY") or "BYWEEKNO" in parts):
        wrong = "BYDAY=" + parts["BYDAY"]
    if "BYSETPOS" in parts and not parts.keys() & (NUMBERS.keys() - {"BYSETPOS"} | {"BYDAY"}):
        wrong = "BYSETPOS"
    if not frequency:
        raise UnusableError(
            say("The rrule does not say how often: FREQ is missing."),
            say("Write it as in RFC 5545: {example}.", example="FREQ=MONTHLY;BYDAY=1MO"),
        )
    if frequency in ("SECONDLY", "MINUTELY"):
        raise UnusableError(
            say("Loudspeakers cannot follow FREQ={frequency}.", frequency=frequency),
            say("Take FREQ=DAILY, with the times in “times”."),
        )
    if "COUNT" in parts and "UNTIL" in parts:
        raise UnusableError(say("COUNT and UNTIL exclude each other."), say("Keep one of the two."))
    if wrong:
        raise UnusableError(
            say("{part} cannot stand with FREQ={frequency} (RFC 5545).", part=wrong, frequency=frequency),
            say("Take another FREQ, or leave it out."),
        )


def _times_a_day(parts: dict[str, str]) -> int:
    """About; BYSETPOS may leave some out."""
    hours, minutes, seconds = (
        len(set(parts[name].split(","))) if name in parts else 1
        for name in ("BYHOUR", "BYMINUTE", "BYSECOND")
    )
    if parts["FREQ"] == "HOURLY" and "BYHOUR" not in parts:
        hours = max(1, 24 // int(parts.get("INTERVAL", 1)))
    return hours * minutes * seconds


def _ever(parts: dict[str, str], first: datetime) -> bool:
    """
    Does any time pass the rule?

    dateutil looks for one until the year 9999. So we begin at most 500 years before that, where the calendar
    is the same as at *first*: it repeats every 400 years.
    """
    from dateutil.rrule import rrulestr

    sizes = {"HOURLY": 1, "DAILY": 1, "WEEKLY": 7, "MONTHLY": 31, "YEARLY": 366}
    most = sizes[parts["FREQ"]] * _times_a_day({**parts, "INTERVAL": "24"})
    if all(abs(int(one)) > most for one in parts.get("BYSETPOS", "1").split(",")):
        return False
    late = first.replace(year=9500 + (first.year + 100) % 400)
    filters = ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY")
    kept = {name: value for name, value in parts.items() if name in filters}
    kept |= {name: re.sub(r"[+-]?\d", "", value) for name, value in kept.items() if name == "BYDAY"}
    endless = {name: value for name, value in parts.items() if name not in ("COUNT", "UNTIL")}
    # The days alone first: an hour or a day at a time they would take long.
    return all(
        next(iter(rrulestr(_joined(one), dtstart=late)), None) is not None
        for one in ({"FREQ": "YEARLY", **kept}, endless)
    )
