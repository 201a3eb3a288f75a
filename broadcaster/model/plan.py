"""
What will sound, what will not, and why.

A pure function of content, play log and time. Weeks (Monday to Sunday) and clusters are planned each
for itself, always whole, so that a plan of A to C is the plans of A to B and B to C joined.
"""

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from .airing import LOST, Airing
from .approval import Approvals
from .content import Content
from .occurrence import Kind, Occurrence, Reason, State, missing, occurrence_id
from .programme import Recipe, recipe
from .schedule import BulletinClass, Rule, Schedule, Season
from .session import MIDNIGHT, Day, Place, Wanted
from .station import Cluster

NOBODY = Approvals()
NOWHERE = None, None
NEVER = datetime.min.replace(tzinfo=UTC)
NO_SEASON: frozenset[str] = frozenset()
ROOM = timedelta(minutes=1)  # before what makes a loss good, to warm up the amplifier and assemble the sound
Log = Mapping[str, Airing]  # by occurrence


def plan(content: Content, log: Log, start: datetime, end: datetime) -> tuple[Occurrence, ...]:
    """
    List every occurrence that is to sound from *start* up to *end* (aware), earliest first.

    Those that will not sound are listed too, with their state and reason: nothing is dropped in silence.
    """
    zone = content.station.timezone
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    timetables = [
        _Timetable(order, schedule, zone)
        for order, schedule in enumerate(sorted(content.schedules, key=lambda one: f"{one.id}.toml"))
        if schedule.enabled
    ]
    monday = _week_of(first - timedelta(days=1))[0]  # an emergency may wait past midnight
    weeks = [_week_of(monday + timedelta(weeks=week)) for week in range((last - monday).days // 7 + 1)]
    days: dict[_Shape, Day] = {}
    found: list[Occurrence] = []
    for cluster in content.station.clusters:
        planned = _Cluster(content, log, cluster, timetables, days)
        for week in weeks:
            found += planned.week(week)
    inside = [one for one in found if start <= one.at < end]
    return tuple(sorted(inside, key=attrgetter("at")))  # stable: clusters in their order, then by class


class _Timetable:
    """A schedule's times, worked out once for all days and weeks that look the same to its rules."""

    def __init__(self, order: int, schedule: Schedule, zone: ZoneInfo) -> None:
        self.order, self.schedule = order, schedule
        self.moves = {
            move.occurrence.replace(tzinfo=zone): move.to.replace(tzinfo=zone) for move in schedule.moves
        }
        moments = {moment for pair in self.moves.items() for moment in pair}
        self.moved = {_week_of(moment.date())[0] for moment in moments}  # the Mondays of those weeks
        rules = (*schedule.rules, *schedule.campaigns)
        self.has_quota = any(rule.at_least for rule in rules)
        self.seasonal = any(rule.season or rule.not_in_season for rule in rules)
        self._plain = not self.seasonal and not any(rule.recurrence or rule.days for rule in rules)
        self._extra_days = {at.date() for at in schedule.extras}
        self.extras = frozenset(schedule.extras)
        firsts = {rule.within.first.toordinal() for rule in rules if rule.within.first}
        lasts = {rule.within.last.toordinal() for rule in rules if rule.within.last}
        self._changes = sorted(firsts | {day + 1 for day in lasts})
        self._months = [tuple(month in (rule.months or ()) for rule in rules) for month in range(13)]
        self._days: dict[Hashable, list[tuple[time, str | None]]] = {}
        self._weeks: dict[Hashable, _Times] = {}

    def week(self, week: Sequence[date], in_season: Callable[[date], frozenset[str]]) -> "_Times":
        """Its times in a *week*."""
        looks = self.looks(week)
        if looks is None:
            return _numbered(self.schedule.times_on(day, in_season(day)) for day in week)
        if looks not in self._weeks:
            self._weeks[looks] = _numbered(map(self._day, week))
        return self._weeks[looks]

    def looks(self, week: Sequence[date]) -> Hashable | None:
        """All of a *week* that its rules see; None if they see each date or place for itself."""
        if not self._plain or not self._extra_days.isdisjoint(week):
            return None
        first, last = self._seen(week[0]), self._seen(week[-1])
        return first if first == last else tuple(map(self._seen, week))

    def _seen(self, day: date) -> tuple[int, tuple[bool, ...]]:
        """All of *day* that its rules see, but the weekday."""
        return bisect(self._changes, day.toordinal()), self._months[day.month]

    def _day(self, day: date) -> list[tuple[time, str | None]]:
        looks = self._seen(day), day.weekday()
        if looks not in self._days:
            self._days[looks] = self.schedule.times_on(day)
        return self._days[looks]

    def is_extra(self, day: date, at: time) -> bool:
        return day in self._extra_days and datetime.combine(day, at) in self.extras

    def campaigns(self, week: Sequence[date]) -> tuple[str, ...]:
        """Whose day each of a *week* is."""
        return tuple(map(self.schedule.campaign_on, week)) if self.schedule.campaigns else ()

    def silence(self, week: Sequence[date]) -> tuple[str | None, ...]:
        """Why it is silent on each day of a *week*, if it is."""
        for one in self.schedule.exclusions:
            if one.within.meets(week[0], week[-1]):
                found = map(self.schedule.exclusion_on, week)
                return tuple([one.reason if one else None for one in found])
        return ()


_Times = tuple[tuple[int, time, str | None], ...]  # weekday, time, the season for which it is silent


def _numbered(days: Iterable[Iterable[tuple[time, str | None]]]) -> _Times:
    return tuple([(weekday, at, season) for weekday, day in enumerate(days) for at, season in day])


class _Message(NamedTuple):
    """What the occurrences of a schedule with one script share on a cluster, in one era of the areas."""

    told: Occurrence  # with all but its times
    wanted: tuple[int, int, float]  # of a Wanted: class, order, seconds


class _Asked(NamedTuple):
    """An occurrence before sessions are laid out."""

    at: datetime
    nominal: datetime
    message: _Message
    table: _Timetable
    silent: str | None  # why the schedule does not sound then, though a rule asks for it
    makes_good: bool

    @property
    def sounds(self) -> bool:
        return self.silent is None and self.message.told.state is State.PLANNED

    @property
    def wanted(self) -> Wanted:
        at = self.at
        return at.hour * 3600 + at.minute * 60 + at.second, *self.message.wanted


_Shape = tuple[float, tuple[Wanted, ...]]  # what decides how a day is laid out


class _Cluster:
    """One cluster, and what is known of it from week to week."""

    def __init__(
        self,
        content: Content,
        log: Log,
        cluster: Cluster,
        timetables: Sequence[_Timetable],
        days: dict[_Shape, Day],
    ) -> None:
        self.content, self.log, self.cluster, self.timetables = content, log, cluster, timetables
        self.zone = content.station.timezone
        self._days = days
        self._known: dict[Hashable, tuple[list[Occurrence], date]] = {}
        self._messages: dict[tuple[int, str, int], _Message] = {}
        self._recipes: dict[tuple[str, int], tuple[Recipe, ...]] = {}
        self._concerned: dict[tuple[int, int], bool] = {}
        self._seasons: dict[tuple[int, int], list[Season]] = {}

    def week(self, week: Sequence[date]) -> Sequence[Occurrence]:
        """What is planned in a *week*; one that looks like another is that one once more, days later."""
        looks = self._looks(week)
        if looks is not None and looks in self._known:
            known, monday = self._known[looks]
            by, days = week[0] - monday, [day.isoformat() for day in week]
            return [one.in_week(by, days) for one in known]
        planned = _Week(self, week)
        found = list(planned.occurrences())
        if looks is not None and not planned.unique:
            self._known[looks] = found, week[0]
        return found

    def _looks(self, week: Sequence[date]) -> Hashable | None:
        """All that decides what is planned in a *week* but its date; None where it is like no other."""
        era = self.content.areas.era(week[0])
        if self.log or self.emergencies or era != self.content.areas.era(week[-1]):
            return None
        looks: list[Hashable] = [era]
        for table in self.timetables:
            if week[0] in table.moved:
                return None
            if self.concerns(table, week[0], era):
                times = table.looks(week) or self.times(table, week)
                looks += (table.order, times, self.rotated(table, week), table.silence(week))
                looks += (table.campaigns(week), table.looks(week) is None and bool(self.rules(table, week)))
        return tuple(looks)

    @cached_property
    def emergencies(self) -> list[_Timetable]:
        return [one for one in self.timetables if one.schedule.bulletin_class is BulletinClass.EMERGENCY]

    def concerns(self, table: _Timetable, day: date, era: int) -> bool:
        key = table.order, era
        if key not in self._concerned:
            self._concerned[key] = self.content.hears(self.cluster.area, table.schedule.areas, day)
        return self._concerned[key]

    def times(self, table: _Timetable, week: Sequence[date]) -> _Times:
        return table.week(week, lambda day: self.in_season(table, day))

    def rules(self, table: _Timetable, week: Sequence[date], *, quota: bool = True) -> list[Rule]:
        """The rules that give a *week* its times; of them those with a *quota*."""
        if quota and not table.has_quota:
            return []
        rules = table.schedule.rules_in(week, lambda day: self.in_season(table, day))
        return [rule for rule in rules if rule.at_least or not quota]

    def rotated(self, table: _Timetable, week: Sequence[date]) -> int:
        """Which of its scripts comes first in a *week*: the same on every machine."""
        scripts = len(table.schedule.scripts)
        if scripts <= 1:
            return 0
        own = sum(not table.is_extra(week[weekday], at) for weekday, at, _ in self.times(table, week))
        return week[0].toordinal() // 7 * own % scripts

    def in_season(self, table: _Timetable, day: date) -> frozenset[str]:
        """The names of the seasons that run here on *day* for the group of the schedule."""
        if not table.seasonal:
            return NO_SEASON
        key = table.order, self.content.areas.era(day)
        if key not in self._seasons:
            self._seasons[key] = self.content.seasons_of(table.schedule, self.cluster.area, day)
        return frozenset(one.name for one in self._seasons[key] if day in one.within)

    def message(self, table: _Timetable, script_id: str, day: date, era: int) -> _Message:
        """*script_id* is "" for a relay that nothing replaces."""
        key = table.order, script_id, era
        if key not in self._messages:
            cluster, schedule, relay = self.cluster, table.schedule, table.schedule.relay
            script = self.content.scripts[script_id] if script_id else None
            if (script_id, era) not in self._recipes:
                self._recipes[script_id, era] = (
                    recipes_for(self.content, script_id, cluster, day) if script_id else ()
                )
            area = self.content.areas.find(cluster.area, day)
            recipes = self._recipes[script_id, era]
            whole = [one for one in recipes if not one.lacks]
            seconds = float(relay.seconds) if relay else sum(one.seconds for one in whole)
            self._messages[key] = _Message(
                told=Occurrence(
                    "",
                    schedule.id,
                    schedule.title,
                    script_id,
                    script.title if script and not relay else schedule.title,
                    script.group if script else "everyone",
                    cluster.id,
                    cluster.name,
                    cluster.area,
                    area.name if area else cluster.area,
                    schedule.bulletin_class,
                    nominal=NEVER,
                    at=NEVER,
                    recipes=recipes,
                    state=State.PLANNED if whole or relay else State.WITHHELD,
                    reason=Reason.INCOMPLETE if len(whole) < len(recipes) else None,
                    detail=missing(recipes),
                    relay=relay,
                ),
                wanted=(int(schedule.bulletin_class), table.order, seconds),
            )
        return self._messages[key]

    def laid(self, wanted: tuple[Wanted, ...], busy: float) -> Day:
        """The day on which just these are asked for; most days are like others."""
        shape = busy, wanted
        if shape not in self._days:
            self._days[shape] = Day(wanted, self.content.station.hours, busy)
        return self._days[shape]

    def asked(self, table: _Timetable, week: Sequence[date]) -> Iterator[_Asked]:
        """What a schedule asks for in a *week*, moved ones at their new time."""
        era = self.content.areas.era
        first, last = era(week[0]), era(week[-1])
        if first != last or self.concerns(table, week[0], first):
            for nominal, script, season in self._nominal(table, week):
                if nominal not in table.moves and (one := self.ask(table, script, nominal, nominal, season)):
                    yield one
        for occurrence, to in table.moves.items():
            if week[0] <= to.date() <= week[-1]:
                for nominal, script, season in self._nominal(table, _week_of(occurrence.date())):
                    if nominal == occurrence and (one := self.ask(table, script, nominal, to, season)):
                        yield one

    def _nominal(self, table: _Timetable, week: Sequence[date]) -> Iterator[tuple[datetime, str, str | None]]:
        """The times that the schedule names in a *week*, with script and season."""
        times = self.times(table, week)
        scripts = table.schedule.scripts or [""]
        turn = self.rotated(table, week)
        for weekday, at, season in times:
            yield datetime.combine(week[weekday], at, self.zone), scripts[turn % len(scripts)], season
            turn += not table.is_extra(week[weekday], at)  # those that were there keep their scripts

    def ask(
        self,
        table: _Timetable,
        script: str,
        nominal: datetime,
        at: datetime,
        season: str | None,
        *,
        makes_good: bool = False,
    ) -> _Asked | None:
        """An occurrence, if the schedule concerns this cluster then."""
        day = at.date()
        era = self.content.areas.era(day)
        if not self.concerns(table, day, era):
            return None
        silent = season and self.content.season_title(season)
        if table.schedule.exclusions and (exclusion := table.schedule.exclusion_on(day)):
            silent = exclusion.reason
        return _Asked(at, nominal, self.message(table, script, day, era), table, silent, makes_good)


class _Week:
    """One cluster's week."""

    def __init__(self, cluster: _Cluster, week: Sequence[date]) -> None:
        self.of, self.days = cluster, week
        self.asked: dict[date, list[_Asked]] = {day: [] for day in self.days}
        for table in cluster.timetables:
            for one in cluster.asked(table, self.days):
                self.asked[one.at.date()].append(one)
        self.busy = dict[date, float]()  # until when the day before lasts
        self.laid = dict[date, Day]()
        busy = self._spill(self.days[0] - timedelta(days=1)) if cluster.emergencies else 0
        for day in self.days:
            self.busy[day] = busy
            self.laid[day] = self._lay(day, self.asked[day])
            busy = max(0, self.laid[day].end - MIDNIGHT)
        self.displaced = any(place.reason for laid in self.laid.values() for place in laid.places)
        self.unique = False  # what is made good in it hangs on more than on how the week looks

    def occurrences(self) -> Iterator[Occurrence]:
        self._make_good()
        for day in self.days:
            yield from self._told(day)

    def _lay(self, day: date, asked: Sequence[_Asked]) -> Day:
        wanted = tuple([one.wanted for one in asked if one.sounds])
        return self.of.laid(wanted, self.busy[day] if wanted else 0)

    def _spill(self, day: date) -> float:
        """How far what is asked of *day* reaches beyond midnight; only days with an emergency do."""
        week = _week_of(day)

        def wanted(tables: Sequence[_Timetable]) -> tuple[Wanted, ...]:
            asked = (one for table in tables for one in self.of.asked(table, week))
            return tuple([one.wanted for one in asked if one.sounds and one.at.date() == day])

        if not wanted(self.of.emergencies):
            return 0
        return max(0, self.of.laid(wanted(self.of.timetables), 0).end - MIDNIGHT)

    def _told(self, day: date) -> list[Occurrence]:
        """The occurrences of *day* in the order in which they sound."""
        asked = self.asked[day]
        if not asked:
            return []
        laid = iter(zip(self.laid[day].wanted, self.laid[day].places, strict=True))
        told = [self._occurrence(one, *(next(laid) if one.sounds else NOWHERE)) for one in asked]
        if len(told) > 1:
            told.sort(key=attrgetter("at", "bulletin_class"))
        return told

    def _occurrence(self, one: _Asked, wanted: Wanted | None, place: Place | None) -> Occurrence:
        name, at = self._id(one), one.at
        if wanted is not None and place is not None and place.start != wanted[0]:
            at = datetime.combine(at, time(), self.of.zone) + timedelta(seconds=place.start)
        told: dict[str, object] = {"id": name, "nominal": one.nominal, "at": at}
        if place is not None:
            told["opens"], told["closes"] = place.opens, place.closes
            if place.reason is not None:
                told |= {"state": State.DISPLACED, "reason": place.reason, "detail": ""}
        elif one.silent is not None:
            told |= {"state": State.EXCEPTED, "reason": Reason.EXCEPTED, "detail": one.silent}
        if one.makes_good:
            told["kind"] = Kind.MAKE_GOOD
        if one.table.schedule.campaigns:
            told["campaign"] = one.table.schedule.campaign_on(one.nominal.date())
        if logged := self.of.log.get(name):
            told["outcome"] = logged.outcome
        return one.message.told.like(told)

    def _id(self, one: _Asked) -> str:
        return occurrence_id(one.table.schedule.id, one.nominal, self.of.cluster.id)

    def _make_good(self) -> None:
        """
        Give each loss that leaves the week below a schedule's quota a slot, and all that an emergency took.

        The losses of all schedules are taken in the order in which they became known and each looks only
        forward from there, so that what happens later never changes what was promised earlier.
        """
        if not self.displaced and not self.of.log:
            return
        tables = {table.schedule.id: table for table in self.of.timetables}
        quotas = {name: rules for name, table in tables.items() if (rules := self.of.rules(table, self.days))}
        own = [
            one
            for day in self.days
            for one in self._told(day)
            if (one.schedule in quotas or self._is_owed(one))
            and one.state in (State.PLANNED, State.DISPLACED)
        ]
        alive = Counter(one.schedule for one in own)
        losses = [self._known(one) for one in own if _is_lost(one)]
        heapify(losses)
        while losses:
            _, known, _, lost = heappop(losses)
            table, rules = tables[lost.schedule], quotas.get(lost.schedule, [])
            self.unique |= table.looks(self.days) is None
            if self._is_owed(lost):
                rules = self.of.rules(table, self.days, quota=False) or [
                    Rule()
                ]  # one of its extras: any day will do
            else:
                alive[lost.schedule] -= 1
                if not rules or alive[lost.schedule] >= max(
                    rule.at_least.airings for rule in rules if rule.at_least
                ):
                    continue
            placed = self._place(table, rules, lost, known)
            if placed is not None and _is_lost(placed):
                heappush(losses, self._known(placed))
            elif placed is None and self._is_owed(lost):
                alive[lost.schedule] -= 1

    def _is_owed(self, one: Occurrence) -> bool:
        """
        Did an emergency cut it off or hold it back? That is made good without a quota too.

        But not what is passed on: by then the stream has gone on to something else.
        """
        logged = self.of.log.get(one.id)
        lost = logged is not None and logged.outcome in LOST and logged.reason == Reason.ALERT
        return lost and one.relay is None

    def _known(self, one: Occurrence) -> tuple[bool, datetime, str, Occurrence]:
        """
        When the loss of *one* can be made good, for sorting: what the plan displaces it knew all along.

        Never before its time: what a power cut ended may have been logged by a clock that was not set.
        """
        if one.state is State.DISPLACED:
            return False, one.at, one.id, one
        logged = self.of.log[one.id].logged.astimezone(self.of.zone)
        return True, max(one.at, logged + ROOM), one.id, one

    def _place(
        self, table: _Timetable, rules: Sequence[Rule], lost: Occurrence, after: datetime
    ) -> Occurrence | None:
        """
        Put the make-good of *lost* into the first slot after *after* where it changes nobody's fate.

        It displaces nobody, lets nobody in whose own loss was counted already, and does not make the day last
        longer beyond midnight.
        """
        for slot in self._slots(table, rules, lost, after):
            day = slot.date()
            season = self._avoided(table, day)
            extra = self.of.ask(table, lost.script, slot, slot, season, makes_good=True)
            if extra is None or not extra.sounds:
                continue
            tried = self.of.laid((*self.laid[day].wanted, extra.wanted), self.busy[day])
            sounding = [place.reason is None for place in self.laid[day].places] + [True]
            if tried.end <= max(MIDNIGHT, self.laid[day].end) and sounding == [
                place.reason is None for place in tried.places
            ]:
                self.asked[day].append(extra)
                self.laid[day] = tried
                return next(one for one in self._told(day) if one.id == self._id(extra))
        return None

    def _avoided(self, table: _Timetable, day: date) -> str | None:
        in_season = self.of.in_season(table, day)
        return next((name for rule in table.schedule.rules_on(day) if (name := rule.avoids(in_season))), None)

    def _slots(
        self, table: _Timetable, rules: Sequence[Rule], lost: Occurrence, after: datetime
    ) -> Iterator[datetime]:
        """
        The rest of the week at the schedule's own times; then wherever the hours still hold it, first
        where loudspeakers sound anyway.
        """
        zone = self.of.zone
        seconds, urgent = lost.seconds, lost.bulletin_class is BulletinClass.EMERGENCY
        lasting = {
            day: [rule for rule in rules if rule.lasts_on(day, self.of.in_season(table, day))]
            for day in self.days
            if day >= after.date() and (urgent or self.laid[day].may_hold(seconds))
        }
        taken = set(table.moves) | {
            one.nominal for day in self.days for one in self.asked[day] if one.table is table
        }
        own = [
            datetime.combine(day, at, zone)
            for day, those in lasting.items()
            for at in sorted({at for rule in those for at in rule.times_on(day)})
        ]
        openings = [
            datetime.combine(day, time(), zone) + timedelta(seconds=second)
            for day, those in lasting.items()
            if those
            for second in self.laid[day].openings(
                seconds, (after - datetime.combine(day, time(), zone)).total_seconds()
            )
        ]
        yield from (slot for slot in (*own, *openings) if slot > after and slot not in taken)


def _is_lost(one: Occurrence) -> bool:
    return one.state is State.DISPLACED if one.outcome is None else one.outcome in LOST


def _week_of(day: date) -> list[date]:
    """Monday to Sunday."""
    return [day + timedelta(days=offset - day.weekday()) for offset in range(7)]


def recipes_for(content: Content, script: str, cluster: Cluster, day: date) -> tuple[Recipe, ...]:
    """What *cluster* would hear of *script* on *day*, a recipe a language in the cluster's order."""
    return tuple(
        recipe_at(content, script, language, cluster.area, day, cluster.profile)
        for language in cluster.languages
    )


def recipe_at(
    content: Content, script: str, language: str, area: str, day: date, profile: str = "full"
) -> Recipe:
    """What is heard of *script* in *language* at *area* on *day*."""
    return recipe(
        content.scripts[script],
        language,
        area,
        [one.code for one in content.areas.upwards(area, day)],
        content.areas.words(area, day),
        content.recordings,
        content.approvals.get(script, NOBODY),
        dictionary=content.dictionary_of(script),
        voiced=content.voiced,
        trial=content.trial,
        profile=profile,
    )
