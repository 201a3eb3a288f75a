"""Schedules of every kind, as plain data in the shape of their files."""

import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from broadcaster.edges.content import load
from broadcaster.edges.editing import schedule_text
from broadcaster.model.content import Content
from broadcaster.model.schedule import WEEKDAYS, Schedule

FIRST, LAST = date(2026, 1, 1), date(2027, 12, 31)
SEASONS = """
[[season]]
name = "thu-hoach-vai"
title = "Thu hoạch vải thiều"
group = "everyone"
areas = ["11"]
from = 2026-06-10
until = 2026-07-31

[[season]]
name = "giap-hat"
title = "Giáp hạt"
group = "everyone"
areas = ["11"]
from = 2027-03-01
until = 2027-04-15
"""
RRULES = (
    "FREQ=MONTHLY;BYDAY=1MO",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,FR",
    "FREQ=DAILY;COUNT=20",
    "FREQ=MONTHLY;BYMONTHDAY=-1",
    "FREQ=WEEKLY;BYDAY=WE;UNTIL=20270131T235959",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
)

SEEN = st.characters(
    codec="utf-8",
    exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"],
    exclude_characters="\u2010\u2011",  # office programs put them in for plain hyphens
)
texts = st.text(SEEN, max_size=12)
titles = texts.map(lambda text: unicodedata.normalize("NFC", f"Lịch {text}".strip()))
dates = st.dates(FIRST, LAST)
times = st.times().map(lambda at: at.replace(microsecond=0)) | st.sampled_from(
    [datetime(2026, 1, 1, *at).time() for at in ((5, 30), (17, 30), (0, 0), (23, 59, 59))]  # noqa: DTZ001
)
moments = st.builds(datetime.combine, dates, times)
names = st.sampled_from(["thu-hoach-vai", "giap-hat"])


def some(values: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=most, unique=True)


@st.composite
def stretches(draw: st.DrawFn) -> dict[str, date]:
    first = draw(dates)
    return {"from": first, "until": min(first + timedelta(days=draw(st.integers(0, 70))), LAST)}


@st.composite
def rules(draw: st.DrawFn, *, campaign: bool = False) -> dict[str, Any]:
    filters = {
        "months": some(st.integers(1, 12)).map(sorted),
        "weekdays": some(st.sampled_from(WEEKDAYS)).map(lambda days: sorted(days, key=WEEKDAYS.index)),
        "days": some(st.integers(1, 31)).map(sorted),
        "season": names | some(names),
        "not_in_season": names | some(names),
        "at_least": st.fixed_dictionaries({"airings": st.integers(1, 9), "per": st.just("week")}),
    }
    rule: dict[str, Any] = (
        draw(stretches()) if campaign else draw(st.fixed_dictionaries({}, optional={"from": dates}))
    )
    rule |= {"times": draw(some(times))} | draw(st.fixed_dictionaries({}, optional=filters))
    if draw(st.integers(0, 3)) == 0:
        first = min(rule.get("from", FIRST), date(2026, 12, 31))  # before the UNTIL of any
        rule |= {"from": first, "rrule": draw(st.sampled_from(RRULES))}
        if draw(st.integers(0, 3)) == 0:
            del rule["times"]
            rule["rrule"] = "FREQ=DAILY;INTERVAL=3;BYHOUR=5,17;BYMINUTE=30"
    if campaign:
        rule |= draw(st.fixed_dictionaries({}, optional={"title": titles}))
    return rule


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, Any]:
    """Any schedule of the station that `a_content` gives."""
    silent = st.one_of(
        st.builds(lambda days, reason: days | {"reason": reason}, stretches(), titles),
        st.sampled_from(["Tết", "Quốc khánh"]).map(lambda name: {"holiday": name}),
        st.builds(lambda reason: {"holiday": "Tết", "reason": reason}, titles),
    )
    holidays = st.lists(st.sampled_from(["Tết", "Quốc khánh"]) | silent, min_size=1, max_size=3)
    move = st.fixed_dictionaries({"occurrence": moments, "to": moments})
    data: dict[str, Any] = {
        "title": draw(titles),
        "script": draw(st.sampled_from(["tin", ["tin"], ["tin", "tin"]])),
        "areas": draw(st.sampled_from([["11"], ["03160", "03160/nam-po"]])),
    }
    data |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "class": st.sampled_from(["normal", "priority", "emergency"]),
                "enabled": st.booleans(),
                "except": holidays | st.lists(silent, min_size=1, max_size=3),
            },
        )
    )
    tables = {
        "rule": st.lists(rules(), max_size=3),
        "campaign": st.lists(rules(campaign=True), max_size=2),
        "move": st.lists(move, max_size=2, unique_by=lambda one: one["occurrence"]),
        "extra": st.lists(
            st.fixed_dictionaries({"at": moments}), max_size=3, unique_by=lambda one: one["at"]
        ),
    }
    data |= {key: found for key, those in tables.items() if (found := draw(those))}
    if not data.keys() & {"rule", "campaign", "extra"}:
        data["rule"] = [draw(rules())]
    return data


def a_content(station: Path, **data: dict[str, Any] | str) -> Content:
    """The content of *station* with these schedules, by name; nothing is wrong with them."""
    new: dict[str, str | None] = {"schedules/seasons.toml": SEASONS, "schedules/tin.toml": None}
    for name, one in data.items():
        new[f"schedules/{name}.toml"] = one if isinstance(one, str) else schedule_text(one)
    loaded = load(station, instead=new)
    assert [fault for fault in loaded.faults if not fault.warning] == []
    return loaded.content


def in_season(day: date) -> set[str]:
    """The names of SEASONS that run on *day*."""
    return {
        name
        for name, first, last in (
            ("thu-hoach-vai", date(2026, 6, 10), date(2026, 7, 31)),
            ("giap-hat", date(2027, 3, 1), date(2027, 4, 15)),
        )
        if first <= day <= last
    }


def broadcasts(schedule: Schedule, first: date = FIRST, last: date = LAST) -> set[datetime]:
    """When *schedule* sounds by itself, moves included: wall times."""

    def asked() -> Iterator[datetime]:
        for day in map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1)):
            if schedule.exclusion_on(day) is None:
                for at, silent in schedule.times_on(day, in_season(day)):
                    if silent is None:
                        yield datetime.combine(day, at)

    moved = {move.occurrence: move.to for move in schedule.moves}
    return {moved.get(at, at) for at in asked()} if schedule.enabled else set()
