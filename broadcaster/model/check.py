"""What does not fit together in content that can be read file by file."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import MAXYEAR, date, datetime, time, timedelta
from functools import reduce

from .content import Content
from .errors import Fault, Text, say
from .judgement import Verdict, judge
from .plan import recipes_for
from .recording import Lack
from .room import YEAR, in_season, no_room, of_schedule
from .schedule import BulletinClass, Rule, Schedule
from .script import called
from .station import Cluster

MOST = 5  # times named in one sentence
CALENDAR = 28  # years after which the same days of the month fall on the same weekdays


def check(content: Content, day: date) -> list[Fault]:
    """Every fault between the files, as of *day*; what is only a pity is a warning."""
    found = [*_recordings(content), *_shared_outputs(content), *_places(content, day)]
    for schedule in content.schedules:
        hearing = _hearing(content, schedule, day)
        found += _never(schedule, day)
        found += _outside_hours(content, schedule, day)
        found += _single(content, schedule, hearing, day)
        found += _areas(content, schedule, hearing, day)
        found += _seasons(content, schedule, hearing, day)
    found += no_room(content, day)
    return [*found, *_lacks(content, day)]


def _hearing(content: Content, schedule: Schedule, day: date) -> list[Cluster]:
    return [
        cluster for cluster in content.station.clusters if content.hears(cluster.area, schedule.areas, day)
    ]


def _recordings(content: Content) -> Iterator[Fault]:
    expected = {
        (script.id, item.id): item.seconds for script in content.scripts.values() for item in script.items
    }
    for one in content.recordings:
        if one.broken:
            yield Fault(
                one.path,
                say("This recording cannot be decoded: it is damaged, or no sound."),
                say("Record it again, or put the undamaged file in its place."),
            )
        elif one.heard is not None:
            judgement = judge(one.heard, None if one.stand_in else expected.get((one.script, one.item)))
            refused = judgement.verdict is Verdict.REFUSED
            for reason in judgement.reasons:
                yield Fault(one.path, reason.what, reason.next, warning=not refused)


def _shared_outputs(content: Content) -> Iterator[Fault]:
    clusters = content.station.clusters
    for sink in dict.fromkeys(one.sink for one in clusters if one.sink.startswith("card:")):
        whole = "#" not in sink  # both sides of it
        names = [
            one.name for one in clusters if one.sink == sink or (whole and one.sink.startswith(f"{sink}#"))
        ]
        if len(names) > 1:
            yield Fault(
                "schedules/station.toml",
                say(
                    "{clusters} share the output “{sink}” and would sound into each other.",
                    clusters=", ".join(names),
                    sink=sink,
                ),
                say("Give each an output of its own, or make them one cluster."),
                warning=True,
            )


def _places(content: Content, day: date) -> Iterator[Fault]:
    """Station and clusters whose areas do not hold on *day*."""
    station = content.station
    yield from _not_then(content, station.area, day, "schedules/station.toml", ("area",))
    for index, cluster in enumerate(station.clusters):
        where = f"schedules/station.toml [cluster {cluster.id}]"
        yield from _not_then(content, cluster.area, day, where, ("cluster", index, "area"))


def _not_then(
    content: Content, code: str, day: date, where: str, at: tuple[str | int, ...]
) -> Iterator[Fault]:
    held = sorted((area for area in content.areas if area.code == code), key=lambda area: area.valid_from)
    if not held or content.areas.find(code, day) is not None:
        return
    if held[0].valid_from > day:
        yield Fault(
            where,
            say("The code “{code}” means no place before {day}.", code=code, day=held[0].valid_from),
            say("Until then name the area as it is now; see schedules/areas.toml."),
            at=at,
        )
    else:
        past = [area for area in held if area.valid_from <= day][-1]
        yield Fault(
            where,
            say(
                "The code “{code}” meant {name} until {day}.", code=code, name=past.name, day=past.valid_until
            ),
            say("Name the area that it lies in now: broadcaster area show {code}.", code=code),
            at=at,
        )


def _areas(content: Content, schedule: Schedule, hearing: Sequence[Cluster], day: date) -> Iterator[Fault]:
    for index, code in enumerate(schedule.areas):
        yield from _not_then(content, code, day, f"schedules/{schedule.id}.toml", ("areas", index))
    below = any(content.areas.lies_in(code, content.station.area, day) for code in schedule.areas)
    if not hearing and not below:  # a province has no loudspeakers where its schedules are for
        yield of_schedule(
            schedule,
            say("No cluster of this station lies in its areas."),
            say("Name an area of this station under “areas”."),
            "areas",
            warning=True,
        )


def _outside_hours(content: Content, schedule: Schedule, day: date) -> Iterator[Fault]:
    """What is asked for outside the hours, wherever it stands."""
    if schedule.bulletin_class is BulletinClass.EMERGENCY:
        return
    hours = content.station.hours
    year = [day + timedelta(days=number) for number in range(YEAR)]
    asked: list[tuple[tuple[str | int, ...], Iterable[time]]] = []
    for kind, rules in (("rule", schedule.rules), ("campaign", schedule.campaigns)):
        for index, rule in enumerate(rules):
            if rule.recurrence is None:
                asked += [((kind, index, "times", number), [at]) for number, at in enumerate(rule.times)]
            else:
                times = (at for one in year if rule.holds_on(one, rule.season) for at in rule.times_on(one))
                asked.append(((kind, index, "rrule"), times))
    asked += [(("extra", index, "at"), [at.time()]) for index, at in enumerate(schedule.extras)]
    asked += [(("move", index, "to"), [move.to.time()]) for index, move in enumerate(schedule.moves)]
    for place, wanted in asked:
        outside = sorted(one for one in set(wanted) if not hours.hold(one, one))
        if outside:
            told = ", ".join(f"{one:%H:%M}" for one in outside[:MOST])
            yield of_schedule(
                schedule,
                say("{time} is outside the hours when loudspeakers may sound; nothing will.", time=told),
                say(
                    "Allowed are {spans} (schedules/station.toml).", spans=", ".join(map(str, hours.allowed))
                ),
                *place,
            )


def past(content: Content, day: date) -> Iterator[Fault]:
    """What was over before *day*: told of an edit that writes it, no fault of what simply grew old."""
    for schedule in content.schedules:
        ends: list[tuple[date | None, tuple[str | int, ...]]] = [
            *((one.within.last, ("rule", index, "until")) for index, one in enumerate(schedule.rules)),
            *(
                (one.within.last, ("campaign", index, "until"))
                for index, one in enumerate(schedule.campaigns)
            ),
            *((move.to.date(), ("move", index, "to")) for index, move in enumerate(schedule.moves)),
            *((at.date(), ("extra", index, "at")) for index, at in enumerate(schedule.extras)),
        ]
        for end, place in ends:
            if end is not None and end < day:
                yield of_schedule(
                    schedule,
                    say("This lies in the past: it ended on {day}.", day=end)
                    if place[-1] == "until"
                    else say("This lies in the past: {day}.", day=end),
                    say("Nothing sounds by it any more. See that month and year are right."),
                    *place,
                    warning=True,
                )


def _never(schedule: Schedule, day: date) -> Iterator[Fault]:
    """Rules that have no day to sound on, such as the 31st in February; not those that are over."""
    for kind, rules in (("rule", schedule.rules), ("campaign", schedule.campaigns)):
        for index, rule in enumerate(rules):
            last = rule.within.last or date(min((rule.within.first or day).year + CALENDAR, MAXYEAR), 12, 31)
            first = max(rule.within.first or date.min, date(max(last.year - CALENDAR, 1), 1, 1))
            days = (first + timedelta(days=number) for number in range((last - first).days + 1))
            if last >= day and not any(rule.holds_on(one, rule.season) for one in days):
                yield of_schedule(
                    schedule,
                    say("Nothing ever sounds by this rule."),
                    say("No day fits all of it. Look at its days, weekdays and months."),
                    *(kind, index),
                    warning=True,
                )


def _single(content: Content, schedule: Schedule, hearing: Sequence[Cluster], day: date) -> Iterator[Fault]:
    """Moves and extras of days to come that do nothing."""
    places: list[tuple[datetime, str, int, str]] = [
        *((at, "extra", index, "at") for index, at in enumerate(schedule.extras)),
        *((move.to, "move", index, "to") for index, move in enumerate(schedule.moves)),
    ]
    for at, kind, index, key in places:
        exclusion = schedule.exclusion_on(at.date())
        if exclusion is not None and at.date() >= day:
            yield of_schedule(
                schedule,
                say("{at} stays silent: {reason}.", at=at, reason=exclusion.reason),
                say("Take another day, or take that day out of the silent days."),
                *(kind, index, key),
                warning=True,
            )
    for index, move in enumerate(schedule.moves):
        nominal = move.occurrence
        asked = {
            at: None
            for cluster in hearing
            for at, _ in schedule.times_on(
                nominal.date(), in_season(content, schedule, cluster, nominal.date())
            )
        }
        if hearing and nominal.time() not in asked and max(nominal, move.to).date() >= day:
            times = ", ".join(f"{one:%H:%M:%S}" for one in asked)
            silent = schedule.exclusion_on(nominal.date()) is not None
            yield of_schedule(
                schedule,
                say("There is no occurrence at {at}; this moves nothing.", at=nominal),
                say("That day is silent; else it would sound at {times}.", times=times)
                if asked and silent
                else say("On that day it sounds at {times}.", times=times)
                if asked
                else say(
                    "On that day it does not sound at all. See on which days it does: broadcaster plan."
                ),
                *("move", index, "occurrence"),
                warning=True,
            )


def _seasons(content: Content, schedule: Schedule, hearing: Sequence[Cluster], day: date) -> Iterator[Fault]:
    """Seasons that never run for those who hear the schedule. Of undeclared ones the loader tells."""
    groups = {content.scripts[script].group for script in schedule.scripts} or {"everyone"}
    for kind, rules in (("rule", schedule.rules), ("campaign", schedule.campaigns)):
        for index, rule in enumerate(rules):
            for key, names in (("season", rule.season), ("not_in_season", rule.not_in_season)):
                for name in names:
                    told = _season(content, rule, name, groups, hearing, day)
                    if told is not None:
                        what, following, warning = told
                        yield of_schedule(schedule, what, following, kind, index, key, warning=warning)


def _season(
    content: Content, rule: Rule, name: str, groups: set[str], hearing: Sequence[Cluster], day: date
) -> tuple[Text, Text, bool] | None:
    declared = [one for one in content.seasons if one.name == name]
    theirs = [one for one in declared if one.group in groups | {"everyone"}]
    here = [one for one in theirs if any(content.hears(cluster.area, one.areas, day) for cluster in hearing)]
    if declared and not theirs:
        return (
            say(
                "The season “{name}” is declared for {declared}, and the script is for {groups}.",
                name=name,
                declared=_groups({one.group for one in declared}),
                groups=_groups(groups),
            ),
            say("Declare it for that group, or for “everyone”, in schedules/seasons.toml."),
            False,
        )
    if theirs and hearing and not here:
        return (
            say(
                "The season “{name}” is declared for {areas}, where no cluster hears this schedule.",
                name=name,
                areas=", ".join(dict.fromkeys(code for one in theirs for code in one.areas)),
            ),
            say("Declare it for the areas of this schedule too, in schedules/seasons.toml."),
            False,
        )
    last = rule.within.last
    ends = [one.within.last for one in here]
    if not here or (last and last < day) or any(end is None or end >= day for end in ends):
        return None
    known = max(end for end in ends if end is not None)
    return (
        say(
            "The season “{name}” is declared up to {day} only; after it nothing sounds.", name=name, day=known
        )
        if name in rule.season
        else say(
            "The season “{name}” is declared up to {day} only; after it nothing is silent.",
            name=name,
            day=known,
        ),
        say("Declare the coming one, in another [[season]] of schedules/seasons.toml."),
        True,
    )


def _groups(names: Iterable[str]) -> Text:
    """Their names in words, which are marked for the message catalogues in cli/words."""
    words = (Text(name.replace("-", " ")) for name in sorted(names))
    return reduce(lambda some, one: say("{some}, {one}", some=some, one=one), words)


NEXT = {
    Lack.NO_RECORDING: say("Record it, under recordings/<language>/<item>; no voice speaks this language."),
    Lack.BROKEN: say("Record it again, or put the undamaged file in its place."),
    Lack.STAND_IN: say("A stand-in sounds in the demo only. Have a speaker record it."),
    Lack.UNAPPROVED: say("Listen to it, read it, and approve it: broadcaster approve."),
    Lack.OUTDATED: say("Have it translated and recorded anew, or approve it again if it still fits."),
    Lack.NO_FACT: say("Write the word under the area in schedules/areas.toml, or change the text."),
}


def _lacks(content: Content, day: date) -> Iterator[Fault]:
    """Why a language is left out, with all clusters that do without it."""
    found: dict[tuple[str, str, Lack, tuple[str, ...]], list[str]] = {}
    for schedule in content.schedules:
        for cluster in _hearing(content, schedule, day) if schedule.enabled else ():
            for script in schedule.scripts:
                for recipe in recipes_for(content, script, cluster, day):
                    for lack in dict.fromkeys(lack for _item, lack in recipe.lacks):
                        items = tuple(item for item, why in recipe.lacks if why is lack)
                        names = found.setdefault((script, recipe.language, lack, items), [])
                        names += [cluster.name] if cluster.name not in names else []
    for (script, language, lack, items), names in found.items():
        yield Fault(
            f"audio/{script}",
            _what(lack, language, ", ".join(names), ", ".join(items)),
            NEXT[lack],
            warning=lack is Lack.STAND_IN,
        )


def _what(lack: Lack, language: str, cluster: str, items: str) -> Text:
    values: dict[str, object] = {"language": called(language), "cluster": cluster, "items": items}
    if lack is Lack.STAND_IN:
        return say("{language} is left out at {cluster}: only stand-ins of {items}.", **values)
    if lack is Lack.UNAPPROVED:
        return say("{language} is left out at {cluster}; not approved as they are now: {items}.", **values)
    if lack is Lack.OUTDATED:
        return say(
            "{language} is left out at {cluster}: the Vietnamese words of {items} changed after approval.",
            **values,
        )
    if lack is Lack.NO_FACT:
        return say(
            "{language} is left out at {cluster}: a placeholder of {items} has no word there.", **values
        )
    if lack is Lack.BROKEN:
        return say("{language} is left out at {cluster}: the recordings of {items} are damaged.", **values)
    return say("{language} is left out at {cluster}: {items} have neither recording nor voice.", **values)
