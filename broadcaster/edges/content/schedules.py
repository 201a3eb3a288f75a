"""Schedules: rules, campaigns, exceptions, moves."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from broadcaster.model.errors import Fault, say
from broadcaster.model.schedule import WEEKDAYS, BulletinClass, Days, Exclusion, Move, Quota, Rule, Schedule
from broadcaster.model.script import Script

from .areas import known_area
from .tables import (
    NOT_GIVEN,
    Reading,
    Table,
    a_date,
    a_flag,
    a_moment,
    nfc,
    number_from,
    numbers_from,
    repeated,
    some_texts,
    some_times,
    some_weekdays,
)


def read_schedules(reading: Reading, scripts: Mapping[str, Script]) -> list[Schedule]:
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
        if path.suffix != ".toml" or path.stem in ("station", "areas"):
            continue
        name = nfc(path.stem)
        reading.left_out.add(f"schedules/{name}")
        if (table := reading.open(path)) is None:
            continue
        before = len(reading.faults)
        schedule = read_schedule(reading, name, table, scripts)
        for script in schedule.scripts or ():
            if script not in scripts:
                meant = get_close_matches(script, scripts, 1)
                table.fault(
                    say("The script “{name}” cannot be used: audio/{name}/script.toml.", name=script),
                    say("Did you mean “{meant}”?", meant=meant[0])
                    if meant
                    else say("Write the script, or mend the faults named for it."),
                )
        table.close()
        if len(reading.faults) == before:
            found.append(schedule)
            reading.left_out.discard(f"schedules/{name}")
    return found


def read_schedule(reading: Reading, name: str, table: Table, scripts: Mapping[str, Script]) -> Schedule:
    title = table.text("title")
    named = table.take("script", some_texts, say("a script's name, or a list of them"))
    first = scripts.get(named[0]) if named else None
    schedule = Schedule(
        id=name,
        title=title,
        scripts=named,
        areas=table.take("areas", some_texts, say('a list of area codes, such as ["11"]')),
        bulletin_class=read_class(table, inherited(first)),
        rules=[read_rule(one) for one in table.tables("rule")],
        campaigns=[read_rule(one, campaign=True) for one in table.tables("campaign")],
        exclusions=[read_exclusion(one) for one in table.tables("except")],
        moves=[read_move(one) for one in table.tables("move")],
        enabled=table.take("enabled", a_flag, say("true or false"), default=True),
    )
    for code in schedule.areas or ():
        known_area(reading, table, code)
    for moved in repeated(move.occurrence for move in schedule.moves):
        table.fault(
            say("The occurrence of {at} is moved twice.", at=f"{moved:%Y-%m-%dT%H:%M:%S}"),
            say("Keep the [[move]] that holds."),
        )
    if table.lacks("rule", "campaign"):
        table.fault(say("The schedule never plays."), say("Add a [[rule]] with its times."))
    return schedule


def read_within(table: Table, *, needed: bool = False) -> Days:
    wanted = say("a date such as 2026-11-20")
    default = NOT_GIVEN if needed else None
    first = table.take("from", a_date, wanted, default)
    last = table.take("until", a_date, wanted, default)
    if first and last and last < first:
        table.fault(
            say("It ends ({last}) before it begins ({first}).", first=first, last=last),
            say("Exchange “from” and “until”."),
        )
    return Days(first, last)


def read_rule(table: Table, *, campaign: bool = False) -> Rule:
    within = read_within(table, needed=campaign)
    rule = Rule(
        within=within,
        times=table.take("times", some_times, say("times of day, such as [05:30:00, 17:30:00]")),
        months=table.take("months", numbers_from(1, 12), say("months, such as [5, 11]"), None),
        days=table.take("days", numbers_from(1, 31), say("days of the month, such as [1, 15]"), None),
        weekdays=table.take(
            "weekdays", some_weekdays, say("days of the week out of: {days}", days=", ".join(WEEKDAYS)), None
        ),
        at_least=table.take(
            "at_least", a_quota, say("such as {example}", example='{ airings = 2, per = "week" }'), None
        ),
    )
    table.close()
    return rule


def read_exclusion(table: Table) -> Exclusion:
    exclusion = Exclusion(read_within(table, needed=True), table.text("reason"))
    table.close()
    return exclusion


def read_move(table: Table) -> Move:
    wanted = say("a date and time such as 2026-11-20T17:30:00")
    move = Move(table.take("occurrence", a_moment, wanted), table.take("to", a_moment, wanted))
    table.close()
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
