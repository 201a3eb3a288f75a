"""What the page shows, as plain values for its templates."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from broadcaster.cli import log, output, timetable, words
from broadcaster.cli.language import _, tr
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.completeness import Wanting
from broadcaster.model.content import Content
from broadcaster.model.count import Cell
from broadcaster.model.errors import Text
from broadcaster.model.occurrence import Kind, Occurrence, State
from broadcaster.model.script import UNDETERMINED

QUIETEST = -60.0  # dBFS at the left end of the meter
NARROWEST = 6.0  # minutes that a broadcast is wide on the day's line, at the least
STATES = ("now", "lost", "unknown", "next", "planned", "silent", "aired")  # the first is what is told
STEPS = 4  # shades of the heat map
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Row:
    """Broadcasts of a day that are alike, on some clusters."""

    at: datetime
    seconds: float
    title: str
    languages: str
    clusters: str
    state: str  # class: aired lost now next planned silent unknown
    told: str


def on_air(status: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What sounds now."""
    found = []
    for one in status["on_air"] if status else ():
        tags, left = [], one["seconds"]
        for tag, _digest, length in one["programmes"]:
            tags.append(tag)
            if left < length:
                break
            left -= length
        length = one["length"] or 1.0
        level = one.get("level")
        found.append(
            {
                "title": one["title"],
                "cluster": one["cluster"],
                "cluster_name": one["cluster_name"],
                "language": words.language(tags[-1]) if tags and tags[-1] != UNDETERMINED else "",
                "seconds": output.length(one["seconds"]),
                "length": output.length(one["length"]),
                "share": round(100 * min(1.0, one["seconds"] / length)),
                "level": QUIETEST if level is None else max(QUIETEST, level),
            }
        )
    return found


def following(planned: Iterable[Occurrence], now: datetime) -> dict[str, Any] | None:
    """The next broadcast that will sound, and where."""
    coming = timetable.upcoming(planned, now)
    if not coming:
        return None
    first = min(coming, key=lambda one: one.at)
    together = [one for one in coming if (one.at, one.script) == (first.at, first.script)]
    when = output.clock_time(first.at)
    return {
        "title": first.script_title,
        "languages": timetable.languages(first),
        "clusters": ", ".join(one.cluster_name for one in together),
        "when": when if first.at.date() == now.date() else f"{when} {output.day(first.at.date())}",
    }


def alarms(status: Mapping[str, Any] | None, now: datetime) -> list[dict[str, str]]:
    """What is wrong, with its next step."""
    if status is None:
        return [
            {
                "what": _("The daemon does not run: nothing will sound."),
                "next": _(
                    "Start it: systemctl start broadcaster. If that does not help, restart the machine."
                ),
                "since": "",
            }
        ]
    found = []
    for one in status["alarms"]:
        since = datetime.fromisoformat(one["since"]).astimezone(now.tzinfo)
        where = f"{one['where']}: " if one["where"] else ""
        found.append(
            {
                "what": where + tr(one["what"]),
                "next": tr(one["next"]),
                "since": f"{since:%H:%M}" if since.date() == now.date() else f"{since:%H:%M %d/%m/%Y}",
            }
        )
    return found


def emergencies(status: Mapping[str, Any] | None) -> list[dict[str, str]]:
    return [
        {"title": one["title"], "by": one["by"], "left": output.length(one["left"])}
        for one in (status["alerts"] if status else ())
    ]


def today(planned: Sequence[Occurrence], rows: Sequence[Airing], now: datetime) -> dict[str, Any]:
    """The day's broadcasts, what was put on air by hand, and whether all that was due sounded."""
    logged = {one.occurrence: one for one in rows}
    next_at = min((one.at for one in timetable.upcoming(planned, now)), default=None)
    found = [
        _of_log(logged[one.id], now) if one.id in logged else _of_plan(one, next_at, now) for one in planned
    ]
    found += [_of_log(one, now) for one in rows if one.kind in (Kind.ON_DEMAND, Kind.ALERT)]
    together: dict[tuple[datetime, str], list[Row]] = {}
    for one in sorted(found, key=lambda row: row.at):
        together.setdefault((one.at, one.title), []).append(one)
    due = [
        one
        for one in planned
        if one.at + timedelta(seconds=one.seconds) < now and one.state != State.EXCEPTED
    ]
    aired = sum(one.outcome is Outcome.AIRED for one in due)
    return {
        "answer": _answer(len(due), aired),
        "good": aired == len(due),
        "rows": [
            {"time": f"{at:%H:%M}", "title": title, "state": _worst(some), "fates": _fates(some)}
            for (at, title), some in together.items()
        ],
        "line": [
            {
                "x": _minutes(at),
                "width": max(NARROWEST, max(one.seconds for one in some) / 60),
                "state": _worst(some),
                "name": f"{at:%H:%M} {title}: {'; '.join(dict.fromkeys(one.told for one in some))}",
            }
            for (at, title), some in together.items()
        ],
        "now": _minutes(now),
    }


def _worst(some: Iterable[Row]) -> str:
    """The state that is shown of broadcasts that share a line."""
    return min((one.state for one in some), key=STATES.index)


def _fates(some: Iterable[Row]) -> list[dict[str, Any]]:
    """What becomes of it where; clusters that fare alike stand together."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one in some:
        alike.setdefault((one.state, one.told, one.languages), []).append(one.clusters)
    return [
        {"state": state, "told": told, "languages": tongues, "clusters": ", ".join(dict.fromkeys(clusters))}
        for (state, told, tongues), clusters in alike.items()
    ]


def _answer(due: int, aired: int) -> str:
    if not due:
        return _("Nothing was due yet today.")
    if aired == due:
        return _("All that was due today has sounded: {count}.").format(count=due)
    return _("Of {count} that were due today, {lost} did not sound whole.").format(
        count=due, lost=due - aired
    )


def _minutes(moment: datetime) -> float:
    return moment.hour * 60 + moment.minute + moment.second / 60


def _of_plan(one: Occurrence, next_at: datetime | None, now: datetime) -> Row:
    told, state = timetable.told(one), "planned"
    if one.state is not State.PLANNED:
        state = "silent"
    elif one.at <= now < one.at + timedelta(seconds=one.seconds):
        state, told = "now", _("on air now")
    elif timetable.unrecorded(one, now):
        state, told = "unknown", _("not in the log yet")
    elif one.at == next_at:
        state = "next"
    return Row(one.at, one.seconds, one.script_title, timetable.languages(one), one.cluster_name, state, told)


def _of_log(one: Airing, now: datetime) -> Row:
    """In the words of `log`."""
    by_hand = one.kind in (Kind.ON_DEMAND, Kind.ALERT)
    at = (one.started or one.planned if by_hand else one.planned).astimezone(now.tzinfo)
    state = "aired" if one.outcome is Outcome.AIRED else "lost"
    return Row(at, one.seconds, one.script_title, log.languages(one), one.cluster_name, state, log.told(one))


def week(content: Content, coming: Iterable[Occurrence], today: date) -> dict[str, Any]:
    """Each cluster and language of the next seven days: how often it will sound, and how often it lacks."""
    days = [today + number * DAY for number in range(7)]
    sounding: Counter[tuple[str, str, date]] = Counter()
    lacking: Counter[tuple[str, str, date]] = Counter()
    for one in coming:
        if one.state not in (State.PLANNED, State.WITHHELD):
            continue
        for recipe in one.recipes:
            counts = lacking if recipe.lacks else sounding
            counts[one.cluster, recipe.language, one.at.date()] += 1
    return {
        "days": [f"{output.short_weekdays()[one.weekday()]} {one:%d/%m}" for one in days],
        "rows": [
            {
                "cluster": cluster.name,
                "language": words.language(tag),
                "cells": [
                    {"sounds": sounding[cluster.id, tag, one], "lacks": lacking[cluster.id, tag, one]}
                    for one in days
                ],
            }
            for cluster in content.station.clusters
            for tag in cluster.languages
        ],
    }


def missing(content: Content, found: Iterable[Wanting]) -> list[dict[str, Any]]:
    """What the next days need and have not, the first needed first; items that lack the same together."""
    alike: dict[tuple[str, str, str], list[Wanting]] = {}
    for one in found:
        if one.needed is not None:
            alike.setdefault((one.script, one.language, one.lack), []).append(one)
    return [
        {
            "needed": f"{some[0].needed:%H:%M %d/%m}",
            "script": script,
            "title": content.scripts[script].title,
            "language": words.language(language),
            "lack": words.counted({some[0].lack: len(some)}),
        }
        for (script, language, _lack), some in alike.items()
    ]


def month(cells: Iterable[Cell], first: date, last: date, today: date) -> dict[str, Any]:
    """Airings a day, as a calendar: a row a week, and how deep its shade is."""
    counts: dict[date, Counter[str]] = {}
    for cell in cells:
        if cell.by == "day":
            what = "aired" if cell.outcome is Outcome.AIRED else "lost"
            counts.setdefault(date.fromisoformat(cell.code), Counter())[what] += cell.airings
    most = max((one["aired"] for one in counts.values()), default=0)
    start = first - timedelta(days=first.weekday())
    weeks = []
    while start <= last:
        days = [start + number * DAY for number in range(7)]
        weeks.append([_day(one, counts, most, first, last, today) for one in days])
        start += 7 * DAY
    return {"name": _("{month}/{year}").format(month=first.month, year=first.year), "weeks": weeks}


def _day(
    day: date, counts: Mapping[date, Counter[str]], most: int, first: date, last: date, today: date
) -> dict[str, Any] | None:
    if not first <= day <= last:
        return None
    found = counts.get(day, Counter())
    return {
        "number": day.day,
        "aired": found["aired"],
        "lost": found["lost"],
        "heat": -(-STEPS * found["aired"] // most) if most else 0,
        "today": day == today,
    }


def health(found: Iterable[tuple[str, str, Text | None]], now: datetime) -> dict[str, Any]:
    findings = [
        {"what": what, "state": state, "next": tr(remedy) if remedy else "", "well": remedy is None}
        for what, state, remedy in found
    ]
    return {"at": f"{now:%H:%M}", "findings": findings}
