"""What the hours and sessions of a station cannot hold, as the plan of a year shows it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from math import ceil

from .content import Content
from .errors import Fault, Text, say
from .occurrence import Kind, Occurrence, Reason, State
from .plan import plan
from .schedule import Schedule
from .session import GAP
from .station import Cluster, Hours

YEAR = 366  # days
Planned = Mapping[str, Sequence[Occurrence]]  # of one schedule, by cluster
Days = Mapping[tuple[str, date], Sequence[Occurrence]]  # of all schedules, by cluster and day


def of_schedule(
    schedule: Schedule, what: Text, following: Text, *at: str | int, warning: bool = False
) -> Fault:
    """A fault of what stands at *at* in the schedule's file."""
    where = f"schedules/{schedule.id}.toml"
    if at and at[0] in ("rule", "campaign", "extra", "move"):
        where += f" [{at[0]} {int(at[1]) + 1}]"
    return Fault(where, what, following, warning, at)


def in_season(content: Content, schedule: Schedule, cluster: Cluster, day: date) -> set[str]:
    """The names of the seasons that run on *day* for those who hear *schedule* at *cluster*."""
    return {one.name for one in content.seasons_of(schedule, cluster.area, day) if day in one.within}


def no_room(content: Content, day: date) -> Iterator[Fault]:
    """
    What never finds room in the year from *day* on, or not always, and quotas that cannot be kept.

    As if all were approved: what still waits for that will want its room.
    """
    start = datetime.combine(day, time(), content.station.timezone)
    planned: dict[str, dict[str, list[Occurrence]]] = {}
    days: dict[tuple[str, date], list[Occurrence]] = {}
    for one in plan(content.on_trial(), {}, start, start + timedelta(days=YEAR)):
        planned.setdefault(one.schedule, {}).setdefault(one.cluster, []).append(one)
        days.setdefault((one.cluster, one.at.date()), []).append(one)
    for schedule in content.schedules:
        own = planned.get(schedule.id, {})
        never, not_always = _displaced(own, content.station.hours)
        if never:
            yield _told(schedule, never, days, content.station.hours, never=True)
            continue
        quotas = list(_quotas(content, schedule, own, day))
        yield from quotas
        if not_always and not quotas:
            yield _told(schedule, not_always, days, content.station.hours, never=False)


def _displaced(planned: Planned, hours: Hours) -> tuple[dict[str, list[Occurrence]], ...]:
    """
    By cluster, the displaced occurrences of times at which nothing ever sounds, else all that are displaced.

    Not those that are asked for outside the hours: that is a fault of its own.
    """
    never: dict[str, list[Occurrence]] = {}
    not_always: dict[str, list[Occurrence]] = {}
    for cluster, own in planned.items():
        lost = [
            one for one in own if one.state is State.DISPLACED and hours.hold(one.at.time(), one.at.time())
        ]
        sounding = {one.nominal.time() for one in own if one.state is State.PLANNED}
        made_good = any(one.kind is Kind.MAKE_GOOD for one in own)
        always = [one for one in lost if one.nominal.time() not in sounding]
        if always and not (made_good and sounding):
            never[cluster] = always
        elif lost:
            not_always[cluster] = lost
    return never, not_always


def _told(
    schedule: Schedule,
    displaced: Mapping[str, Sequence[Occurrence]],
    days: Days,
    hours: Hours,
    *,
    never: bool,
) -> Fault:
    cluster, lost = next(iter(displaced.items()))
    first = lost[0]
    clusters = ", ".join(one[0].cluster_name for one in displaced.values())
    why = _why(first, days[cluster, first.at.date()], hours)
    return of_schedule(
        schedule,
        say(
            "At {time} it never finds room at {clusters}: {why}.",
            time=f"{first.at:%H:%M}",
            clusters=clusters,
            why=why,
        )
        if never
        else say(
            "In the coming year it finds no room {count} times at {clusters}, first on {at}: {why}.",
            count=len(lost),
            clusters=clusters,
            at=first.at.replace(tzinfo=None),
            why=why,
        ),
        say("Move or shorten one of them, or allow more under [hours] in schedules/station.toml."),
        *_asking(schedule, first.nominal.replace(tzinfo=None)),
        warning=not never,
    )


def _why(lost: Occurrence, that_day: Iterable[Occurrence], hours: Hours) -> Text:
    """What stands in the way of *lost*."""
    others = [one for one in that_day if one.id != lost.id]
    session: list[Occurrence] = []  # the one that it would have joined
    for one in others:
        if one.state is State.PLANNED and one.at <= lost.at:
            session = [one] if one.opens else [*session, one]
        elif one.state is State.PLANNED and session and not one.opens:
            session.append(one)
        elif one.state is State.PLANNED:
            break
    if session and session[-1].at + timedelta(seconds=session[-1].seconds + GAP) < lost.at:
        session = []
    ahead = [one for one in others if one.reason is Reason.SESSION_FULL and one.at <= lost.at]
    minutes = ceil((sum(one.seconds + GAP for one in session) + lost.seconds) / 60)
    measured = all(_measured(one) for one in (*session, lost))
    lasting = (
        say("{minutes} minutes", minutes=minutes)
        if measured
        else say("about {minutes} minutes", minutes=minutes)
    )
    if lost.reason is Reason.TOO_MANY_SESSIONS:
        sounding = {one.schedule: one for one in others if one.state is State.PLANNED}
        own, limit = sounding.pop(lost.schedule, None), hours.sessions_per_day
        if not sounding:
            return say("its other times take up the {limit} sessions of the day", limit=limit)
        strangers = _named(sounding.values())
        if own is None:
            return say("{others} take up the {limit} sessions of the day", others=strangers, limit=limit)
        return say(
            "{others} and its own other times take up the {limit} sessions of the day",
            others=strangers,
            limit=limit,
        )
    if lost.reason is Reason.OUTSIDE_HOURS:
        end = max(span.end for span in hours.allowed if span.start <= lost.at.time() <= span.end)
        if session:
            return say("behind {others} it would end after {end}", others=_named(session), end=f"{end:%H:%M}")
        return say("it lasts {lasting}, and the hours end at {end}", lasting=lasting, end=f"{end:%H:%M}")
    if ahead and minutes <= hours.session_minutes:
        return say(
            "{others} comes before it and has no room either, and a later one may not pass it",
            others=_named(ahead),
        )
    if session:
        return say(
            "with {others} that is {lasting}, and a session has {limit}",
            others=_named(session),
            lasting=lasting,
            limit=hours.session_minutes,
        )
    return say("it lasts {lasting}, and a session {limit}", lasting=lasting, limit=hours.session_minutes)


def _measured(one: Occurrence) -> bool:
    """Is its length known, and not estimated from its words?"""
    return one.relay is not None or all(
        part.recording is not None and part.recording.seconds is not None
        for recipe in one.whole
        for part in recipe.parts
    )


def _named(occurrences: Iterable[Occurrence]) -> str:
    return ", ".join(f"“{name}”" for name in dict.fromkeys(one.schedule for one in occurrences))


def _asking(schedule: Schedule, nominal: datetime) -> tuple[str | int, ...]:
    """Where in its file the schedule asks for the time *nominal*."""
    for index, move in enumerate(schedule.moves):
        if move.occurrence == nominal:
            return "move", index, "to"
    if nominal in schedule.extras:
        return "extra", list(schedule.extras).index(nominal), "at"
    day, at = nominal.date(), nominal.time()
    for kind, rules in (("campaign", schedule.campaigns), ("rule", schedule.rules)):
        for index, rule in enumerate(rules):
            if rule.holds_on(day, rule.season) and at in rule.times_on(day):
                inside = ("times", list(rule.times).index(at)) if rule.recurrence is None else ("rrule",)
                return kind, index, *inside
    return ()


def _quotas(content: Content, schedule: Schedule, planned: Planned, day: date) -> Iterator[Fault]:
    """The quotas that the rules themselves do not reach, or the hours cannot hold; each rule once."""
    if not any(rule.at_least for rule in (*schedule.rules, *schedule.campaigns)):
        return
    unreached: dict[tuple[str, int], tuple[date, int, int]] = {}
    short: dict[tuple[str, int], list[tuple[date, int, int, str]]] = {}
    for cluster in content.station.clusters:
        own = planned.get(cluster.id, ())
        of_rules = [one for one in own if one.kind is Kind.PLANNED and one.state is not State.EXCEPTED]
        asked = Counter(_monday(one.nominal) for one in of_rules)
        displaced = {_monday(one.at) for one in of_rules if one.state is State.DISPLACED}
        sounding = Counter(_monday(one.at) for one in own if one.state is State.PLANNED)
        for monday, least, rule in _weeks(content, schedule, cluster, day) if own else ():
            if asked[monday] < least:
                unreached.setdefault(rule, (monday, least, asked[monday]))
            elif monday in displaced and sounding[monday] < least:
                lost = (monday, least, sounding[monday], cluster.name)
                short.setdefault(rule, []).append(lost)
    for rule, (monday, least, times) in unreached.items():
        yield of_schedule(
            schedule,
            say(
                "It wants {least} airings a week, and has only {asked} times in the week of {day}.",
                least=least,
                day=monday,
                asked=times,
            ),
            say("Add times or days of the week, or ask for less."),
            *(*rule, "at_least"),
        )
    for rule, weeks in short.items():
        monday, least, times, _ = weeks[0]
        yield of_schedule(
            schedule,
            say(
                "It wants {least} airings a week. In {count} weeks of the coming year, first that of {day}, "
                "only {sounding} find room at {clusters}.",
                least=least,
                count=len({one[0] for one in weeks}),
                day=monday,
                sounding=times,
                clusters=", ".join(dict.fromkeys(one[3] for one in weeks)),
            ),
            say("Move others, ask for less, or allow more under [hours] in schedules/station.toml."),
            *(*rule, "at_least"),
        )


def _monday(moment: datetime) -> date:
    return moment.date() - timedelta(days=moment.weekday())


def _weeks(
    content: Content, schedule: Schedule, cluster: Cluster, day: date
) -> Iterator[tuple[date, int, tuple[str, int]]]:
    """
    The weeks that a rule with a quota has wholly to itself, with the airings that it wants and its place.

    No season, campaign or exception begins or ends in them.
    """
    wanting = [
        sorted((-rule.at_least.airings, kind, index) for index, rule in enumerate(rules) if rule.at_least)
        for kind, rules in (("rule", schedule.rules), ("campaign", schedule.campaigns))
    ]
    first = day + timedelta(days=-day.weekday() % 7)
    for monday in (first + timedelta(weeks=number) for number in range((YEAR - 6) // 7)):
        week = [monday + timedelta(days=number) for number in range(7)]
        if any(schedule.exclusion_on(day) for day in week):
            continue
        in_campaign = any(day in one.within for one in schedule.campaigns for day in week)
        rules = schedule.campaigns if in_campaign else schedule.rules
        names = [in_season(content, schedule, cluster, day) for day in week]
        for least, kind, index in wanting[in_campaign]:
            one = rules[index]
            if all(
                one.lasts_on(day, known) and not one.avoids(known)
                for day, known in zip(week, names, strict=True)
            ):
                yield monday, -least, (kind, index)
                break
