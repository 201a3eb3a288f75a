"""Schedules: rules, campaigns, exceptions, moves, extras."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.model.errors import Fault, did_you_mean, say
from broadcaster.model.schedule import (
    WEEKDAYS,
    BulletinClass,
    Days,
    Exclusion,
    Move,
    Quota,
    Relay,
    Rule,
    Schedule,
    Season,
)
from broadcaster.model.script import Script

from .areas import known_areas
from .holidays import NAMES, Holiday
from .recurrence import RRule, UnusableError
from .tables import (
    NOT_GIVEN,
    Reading,
    Table,
    a_flag,
    a_moment,
    a_relay,
    nfc,
    number_from,
    numbers_from,
    read_within,
    repeated,
    some_texts,
    some_times,
    some_weekdays,
)

HEAD = (
    "title",
    "script",
    "areas",
    "class",
    "enabled",
    "except",
    "relay",
    "minutes",
)  # keys at the top of a schedule
NO_SCHEDULES = (
    "station",
    "areas",
    "areas.province",
    "seasons",
    "seasons.province",
)  # files of schedules/ that are something else


def read_schedules(
    reading: Reading, zone: ZoneInfo, scripts: Mapping[str, Script], seasons: Sequence[Season] | None
) -> list[Schedule]:
    found = []
    for path in reading.inside(reading.root / "schedules"):
        if path.suffix != ".toml" and ".toml" in path.name.lower():
            reading.missing.append(
                Fault(
                    reading.where(path),
                    say("This file is not read: its name does not end in .toml."),
                    say("If it is a schedule, rename it; else put it somewhere else."),
                    warning=True,
                )
            )
        if path.suffix != ".toml" or path.stem in NO_SCHEDULES:
            continue
        name = nfc(path.stem)
        reading.left_out.add(f"schedules/{name}")
        if (table := reading.open(path)) is None:
            continue
        before = len(reading.faults)
        schedule = read_schedule(reading, name, table, zone, scripts)
        for script in schedule.scripts or ():
            if script not in scripts:
                following = say("Write the script, or mend the faults named for it.")
                table.fault(
                    say("The script “{name}” cannot be used: audio/{name}/script.toml.", name=script),
                    did_you_mean(script, scripts, following),
                    "script",
                )
        _known_seasons(table, schedule, seasons)
        table.close()
        if len(reading.faults) == before:
            found.append(schedule)
            reading.left_out.discard(f"schedules/{name}")
    return found


def read_schedule(
    reading: Reading, name: str, table: Table, zone: ZoneInfo, scripts: Mapping[str, Script]
) -> Schedule:
    title = table.text("title")
    relay = read_relay(table)
    named = table.take(
        "script",
        some_texts,
        say("a script's name, or a list of them"),
        () if "relay" in table.data else NOT_GIVEN,  # it then only replaces the relay
    )
    first = scripts.get(named[0]) if named else None
    schedule = Schedule(
        id=name,
        title=title,
        scripts=named,
        areas=table.take("areas", some_texts, say('a list of area codes, such as ["11"]')),
        bulletin_class=read_class(table, inherited(first)),
        rules=[read_rule(one, zone) for one in table.tables("rule")],
        campaigns=[read_rule(one, zone, campaign=True) for one in table.tables("campaign")],
        exclusions=read_exclusions(table),
        moves=[read_move(one) for one in table.tables("move")],
        extras=[read_extra(one) for one in table.tables("extra")],
        enabled=table.take("enabled", a_flag, say("true or false"), default=True),
        relay=relay,
    )
    known_areas(reading, table, schedule.areas)
    occurrences = [move.occurrence for move in schedule.moves]
    for moved in repeated(occurrences):
        table.fault(
            say("The occurrence of {at} is moved twice.", at=f"{moved:%Y-%m-%dT%H:%M:%S}"),
            say("Keep the [[move]] that holds."),
            *("move", occurrences.index(moved)),
        )
    for extra in repeated(schedule.extras):
        table.fault(
            say("The [[extra]] of {at} stands there twice.", at=f"{extra:%Y-%m-%dT%H:%M:%S}"),
            say("Keep one of the two."),
            *("extra", schedule.extras.index(extra)),
        )
    if table.lacks("rule", "campaign", "extra"):
        table.fault(say("The schedule never plays."), say("Add a [[rule]] with its times."))
    return schedule


def read_relay(table: Table) -> Relay | None:
    """What is passed on from somewhere else, from each of the schedule's times for “minutes”."""
    if "relay" not in table.data:
        if "minutes" in table.data:
            table.known.add("minutes")
            table.fault(
                say("“minutes” is there, and no “relay” that would last so long."),
                say("Take it out: a script lasts as long as its words. A relay names its source too."),
                "minutes",
            )
        return None
    url = table.take(
        "relay",
        a_relay,
        say("an address such as {example}", example='"http://radio.vn:8000/live" or "line:default"'),
    )
    minutes = table.take("minutes", number_from(1, 720), say("how long it lasts, from 1 to 720 minutes"))
    return Relay(url, minutes * 60) if url and minutes else None


def read_rule(table: Table, zone: ZoneInfo, *, campaign: bool = False) -> Rule:
    within = read_within(table, needed=campaign)
    by_rrule = "rrule" in table.data
    times = table.take(
        "times",
        some_times,
        say("times of day, such as [05:30:00, 17:30:00]"),
        () if by_rrule else NOT_GIVEN,
    )
    names = say("a season's name, or a list of them")
    rule = Rule(
        within=within,
        times=times,
        months=table.take("months", numbers_from(1, 12), say("months, such as [5, 11]"), None),
        days=table.take("days", numbers_from(1, 31), say("days of the month, such as [1, 15]"), None),
        weekdays=table.take(
            "weekdays", some_weekdays, say("days of the week out of: {days}", days=", ".join(WEEKDAYS)), None
        ),
        season=table.take("season", some_texts, names, ()),
        not_in_season=table.take("not_in_season", some_texts, names, ()),
        recurrence=_recurrence(table, within, times, zone) if by_rrule else None,
        at_least=table.take(
            "at_least", a_quota, say("such as {example}", example='{ airings = 2, per = "week" }'), None
        ),
        title=table.text("title", "") if campaign else "",
    )
    table.close(HEAD)
    return rule


def _recurrence(table: Table, within: Days, times: tuple[time, ...], zone: ZoneInfo) -> RRule | None:
    text = table.text("rrule")
    if within.first is None:
        if "from" not in table.data:
            table.fault(
                say("A rule with an rrule needs its first day."),
                say("Write it: {wanted}.", wanted="from = 2026-01-01"),
                "rrule",
            )
        return None
    if not text or times is None:
        return None
    try:
        return RRule(text.strip().removeprefix("RRULE:"), within.first, times, zone)
    except UnusableError as error:
        table.fault(error.what, error.following, "rrule")
    except ValueError as error:
        table.fault(
            say("“{key}” is not understood: {value}.", key="rrule", value=str(error)[:60]),
            say("Write it as in RFC 5545: {example}.", example="FREQ=MONTHLY;BYDAY=1MO"),
            "rrule",
        )
    return None


def _known_seasons(table: Table, schedule: Schedule, seasons: Sequence[Season] | None) -> None:
    named = {
        name: (kind, index, key)
        for kind, rules in (("campaign", schedule.campaigns), ("rule", schedule.rules))
        for index, rule in enumerate(rules)
        for key, names in (("season", rule.season), ("not_in_season", rule.not_in_season))
        for name in names or ()
    }
    if seasons is None and named:
        table.fault(
            say("It names seasons, and schedules/seasons.toml cannot be used as it is."),
            say("Mend what is said of that file."),
            *next(iter(named.values())),
        )
    declared = {one.name for one in seasons or ()}
    for name in sorted(named.keys() - declared) if seasons is not None else ():
        following = say("Declare it as a [[season]] in schedules/seasons.toml.")
        table.fault(
            say("Nobody declared the season “{name}”.", name=name),
            did_you_mean(name, declared, following),
            *named[name],
        )


def read_exclusions(table: Table) -> list[Exclusion]:
    """Of `except`: holidays by name, tables, or both in one list."""
    written = table.data.get("except")
    names: list[str] = []
    if isinstance(written, list):
        names = [one for one in written if isinstance(one, str)]
        table.data = {**table.data, "except": [one for one in written if not isinstance(one, str)]}
    found = [
        Exclusion(holiday, holiday.name) for name in names if (holiday := _holiday(table, name, "except"))
    ]
    return found + [one for each in table.tables("except") if (one := _exclusion(each)) is not None]


def _exclusion(table: Table) -> Exclusion | None:
    if "holiday" in table.data:
        holiday = _holiday(table, table.text("holiday"), "holiday")
        reason = table.text("reason", holiday.name if holiday else "")
        found = Exclusion(holiday, reason) if holiday else None
    else:
        found = Exclusion(read_within(table, needed=True), table.text("reason"))
    table.close(HEAD)
    return found


def _holiday(table: Table, name: str | None, key: str) -> Holiday | None:
    known = {one.casefold(): one for one in NAMES}
    if name is None or name.strip().casefold() in known:
        return None if name is None else Holiday(known[name.strip().casefold()])
    meant = get_close_matches(name.casefold(), known, 1, 0.5)
    table.fault(
        say("There is no public holiday of the name “{name}”.", name=name),
        say("Did you mean “{meant}”?", meant=known[meant[0]])
        if meant
        else say("Known are: {known}.", known=", ".join(NAMES)),
        key,
    )
    return None


def read_extra(table: Table) -> datetime:
    at = table.take("at", a_moment, say("a date and time such as 2026-11-20T17:30:00"))
    table.close(HEAD)
    return at


def read_move(table: Table) -> Move:
    wanted = say("a date and time such as 2026-11-20T17:30:00")
    move = Move(table.take("occurrence", a_moment, wanted), table.take("to", a_moment, wanted))
    table.close(HEAD)
    return move


def inherited(script: Script | None) -> BulletinClass:
    """
    A schedule's class where it does not say one: its script's.

    But what passes the allowed hours must be written in the schedule itself.
    """
    if script is None:
        return BulletinClass.NORMAL
    return max(script.bulletin_class, BulletinClass.PRIORITY)


def read_class(table: Table, default: BulletinClass = BulletinClass.NORMAL) -> BulletinClass:
    word = table.choice("class", [one.word for one in BulletinClass], default.word)
    return BulletinClass[word.upper()]


def a_quota(value: Any) -> Quota:
    if value.keys() != {"airings", "per"} or value["per"] != "week":
        raise ValueError(value)
    return Quota(number_from(1, 50)(value["airings"]))
