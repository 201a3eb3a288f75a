"""
What will sound, what will not, and why.

A pure function of content, play log and time. Weeks (Monday to Sunday) and clusters are planned each
for itself, always whole, so that a plan of A to C is the plans of A to B and B to C joined.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from heapq import heapify, heappop, heappush
from math import ceil

from .airing import LOST, Airing
from .approval import Approvals
from .content import Content
from .occurrence import Kind, Occurrence, Reason, State, occurrence_id
from .programme import Recipe, recipe
from .schedule import BulletinClass, Rule, Schedule
from .station import Cluster, Hours

NOBODY = Approvals()
GAP = timedelta(seconds=2)  # between two occurrences of a session
Log = Mapping[str, Airing]  # by occurrence


def plan(content: Content, log: Log, start: datetime, end: datetime) -> tuple[Occurrence, ...]:
    """
    List every occurrence that is to sound from *start* up to *end* (aware), earliest first.

    Those that will not sound are listed too, with their state and reason: nothing is dropped in silence.
    """
    zone = content.station.timezone
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    monday = _week_of(first - timedelta(days=1))[0]  # an emergency may wait past midnight
    found: list[Occurrence] = []
    while monday <= last:
        for cluster in content.station.clusters:
            found += _Week(content, log, cluster, monday).occurrences()
        monday += timedelta(weeks=1)
    order = {cluster.id: index for index, cluster in enumerate(content.station.clusters)}
    inside = (one for one in found if start <= one.at < end)
    return tuple(sorted(inside, key=lambda one: (one.at, order[one.cluster], one.bulletin_class)))


@dataclass(frozen=True)
class _Asked:
    """An occurrence before sessions are laid out, with what decides its place."""

    occurrence: Occurrence
    order: int  # of its schedule's file

    @property
    def id(self) -> str:
        return self.occurrence.id

    @property
    def at(self) -> datetime:
        return self.occurrence.at

    @property
    def rank(self) -> tuple[BulletinClass, datetime, int]:
        return (self.occurrence.bulletin_class, self.at, self.order)


class _Week:
    """One cluster's week."""

    def __init__(self, content: Content, log: Log, cluster: Cluster, monday: date) -> None:
        self.content, self.log, self.cluster = content, log, cluster
        self.days = _week_of(monday)
        self.asked: dict[date, list[_Asked]] = {day: [] for day in self.days}
        self.laid: dict[date, list[Occurrence]] = {}
        self._recipes: dict[tuple[str, date], tuple[Recipe, ...]] = {}

    def occurrences(self) -> Iterator[Occurrence]:
        for order, schedule in enumerate(self.content.schedules):
            for one in self._asked_by(order, schedule) if schedule.enabled else ():
                self.asked[one.at.date()].append(one)
        self.laid = {day: lay_out(self.asked[day], self.content.station.hours) for day in self.days}
        self._make_good()
        for day in self.days:
            for placed in self.laid[day]:
                logged = self.log.get(placed.id)
                yield placed if logged is None else replace(placed, outcome=logged.outcome)

    def _asked_by(self, order: int, schedule: Schedule) -> Iterator[_Asked]:
        """What *schedule* asks of this cluster this week, moved ones at their new time."""
        moves = {move.occurrence: move.to for move in schedule.moves}
        for nominal in _nominal_times(schedule, self.days):
            if nominal not in moves:
                yield from self._ask(order, schedule, nominal, nominal)
        for nominal, to in moves.items():
            if to.date() in self.days and nominal in _nominal_times(schedule, [nominal.date()]):
                yield from self._ask(order, schedule, nominal, to)

    def _ask(
        self, order: int, schedule: Schedule, nominal: datetime, at: datetime, lost: Occurrence | None = None
    ) -> Iterator[_Asked]:
        """An occurrence, or the make-good of one that was *lost*, with that one's script."""
        if not self._concerns(schedule, at.date()):
            return
        zone = self.content.station.timezone
        script = self.content.scripts[lost.script if lost else _script(schedule, nominal)]
        area = self.content.areas.find(self.cluster.area, at.date())
        one = Occurrence(
            id=occurrence_id(schedule.id, nominal, self.cluster.id),
            schedule=schedule.id,
            schedule_title=schedule.title,
            script=script.id,
            script_title=script.title,
            group=script.group,
            cluster=self.cluster.id,
            cluster_name=self.cluster.name,
            area=self.cluster.area,
            area_name=area.name if area else self.cluster.area,
            bulletin_class=schedule.bulletin_class,
            nominal=nominal.replace(tzinfo=zone),
            at=at.replace(tzinfo=zone),
            recipes=recipes_for(self.content, script.id, self.cluster, at.date(), self._recipes),
            kind=Kind.MAKE_GOOD if lost else Kind.PLANNED,
        )
        if (exclusion := schedule.exclusion_on(at.date())) is not None:
            one = replace(one, state=State.EXCEPTED, reason=Reason.EXCEPTED, detail=exclusion.reason)
        elif not one.whole:
            one = replace(one, state=State.WITHHELD, reason=Reason.INCOMPLETE, detail=one.missing)
        elif len(one.whole) < len(one.recipes):
            one = replace(one, reason=Reason.INCOMPLETE, detail=one.missing)
        yield _Asked(one, order)

    def _concerns(self, schedule: Schedule, day: date) -> bool:
        return any(self.content.areas.lies_in(self.cluster.area, area, day) for area in schedule.areas)

    def _make_good(self) -> None:
        """
        Give each loss that leaves the week below a schedule's quota the next free slot.

        The losses of all schedules are taken in the order in which they became known and each looks only
        forward from there, so that what happens later never changes what was promised earlier.
        """
        kept = {
            schedule.id: (order, schedule, rules)
            for order, schedule in enumerate(self.content.schedules)
            if (
                rules := [
                    rule
                    for day in self.days
                    for rule in schedule.rules_on(day)
                    if rule.at_least and rule.holds_on(day)
                ]
            )
        }
        own = [
            one
            for day in self.days
            for one in self.laid[day]
            if one.schedule in kept and one.state in (State.PLANNED, State.DISPLACED)
        ]
        alive = Counter(one.schedule for one in own)
        losses = [self._known(one) for one in own if self._is_lost(one)]
        heapify(losses)
        while losses:
            _, known, _, lost = heappop(losses)
            order, schedule, rules = kept[lost.schedule]
            alive[schedule.id] -= 1
            if alive[schedule.id] >= max(rule.at_least.airings for rule in rules if rule.at_least):
                continue
            placed = self._next_slot(order, schedule, rules, lost, known)
            if placed is not None and self._is_lost(placed):
                heappush(losses, self._known(placed))

    def _is_lost(self, one: Occurrence) -> bool:
        logged = self.log.get(one.id)
        return one.state is State.DISPLACED if logged is None else logged.outcome in LOST

    def _known(self, one: Occurrence) -> tuple[bool, datetime, str, Occurrence]:
        """When the loss of *one* became known, for sorting: what the plan displaces it knew all along."""
        if one.state is State.DISPLACED:
            return False, one.at, one.id, one
        return True, self.log[one.id].logged.astimezone(self.content.station.timezone), one.id, one

    def _next_slot(
        self, order: int, schedule: Schedule, rules: Sequence[Rule], lost: Occurrence, after: datetime
    ) -> Occurrence | None:
        """Put a make-good into the first slot after *after* where it displaces nobody."""
        moved = {move.occurrence for move in schedule.moves}
        for day in self.days:
            taken = moved | {
                one.at.replace(tzinfo=None)
                for one in self.asked[day]
                if one.occurrence.schedule == schedule.id
            }
            for at in sorted({at for rule in rules if day in rule.within for at in rule.times}):
                slot = datetime.combine(day, at)
                if slot in taken or slot.replace(tzinfo=after.tzinfo) <= after:
                    continue
                for extra in self._ask(order, schedule, slot, slot, lost):
                    tried = lay_out([*self.asked[day], extra], self.content.station.hours)
                    sounding = {one.id: one for one in tried if one.state is State.PLANNED}
                    before = {one.id for one in self.laid[day] if one.state is State.PLANNED}
                    if sounding.keys() >= {extra.id, *before}:
                        self.asked[day].append(extra)
                        self.laid[day] = tried
                        return sounding[extra.id]
        return None


def _week_of(day: date) -> list[date]:
    """Monday to Sunday."""
    return [day + timedelta(days=offset - day.weekday()) for offset in range(7)]


def _nominal_times(schedule: Schedule, days: Sequence[date]) -> list[datetime]:
    """Naive local times, earliest first."""
    return [datetime.combine(day, at) for day in days for at, _ in schedule.times_on(day)]


def _script(schedule: Schedule, nominal: datetime) -> str:
    """Scripts rotate from one nominal time to the next."""
    if len(schedule.scripts) == 1:
        return schedule.scripts[0]
    days = _week_of(nominal.date())
    times = _nominal_times(schedule, days)
    before = days[0].toordinal() // 7 * len(times)
    return schedule.scripts[(before + times.index(nominal)) % len(schedule.scripts)]


def recipes_for(
    content: Content,
    script: str,
    cluster: Cluster,
    day: date,
    known: dict[tuple[str, date], tuple[Recipe, ...]] | None = None,
) -> tuple[Recipe, ...]:
    """What *cluster* would hear of *script* on *day*, a recipe a language in the cluster's order."""
    if known is not None and (script, day) in known:
        return known[script, day]
    made = tuple(
        recipe_at(content, script, language, cluster.area, day, cluster.profile)
        for language in cluster.languages
    )
    if known is not None:
        known[script, day] = made
    return made


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
        dictionary=content.dictionary,
        voiced=content.voiced,
        trial=content.trial,
        profile=profile,
    )


def lay_out(asked: Sequence[_Asked], hours: Hours) -> list[Occurrence]:
    """
    Put one cluster's day into sessions.

    Occurrences that meet follow one another: emergency, priority, normal, then file order. What would
    pass the session's minutes is displaced with all that stands behind it; so is what the allowed
    hours cannot hold. Emergencies pass both.
    """
    waiting = sorted((one for one in asked if one.occurrence.state is State.PLANNED), key=lambda one: one.at)
    done = [one.occurrence for one in asked if one.occurrence.state is not State.PLANNED]
    sessions = 0
    while waiting:
        session, full = waiting[0].at, False
        free = session
        laid: list[Occurrence] = []
        while ready := [one for one in waiting if one.at <= free]:
            one = min(ready, key=lambda one: one.rank)
            waiting.remove(one)
            start = free if not laid else _whole_second(free + GAP)
            end = start + timedelta(seconds=one.occurrence.seconds)
            reason = None
            if one.occurrence.bulletin_class is not BulletinClass.EMERGENCY:
                if end.date() != start.date() or not hours.hold(start.time(), end.time()):
                    reason = Reason.OUTSIDE_HOURS
                elif sessions >= hours.sessions_per_day:
                    reason = Reason.TOO_MANY_SESSIONS
                elif full or end - session > timedelta(minutes=hours.session_minutes):
                    reason, full = Reason.SESSION_FULL, True
            if reason is None:
                laid.append(replace(one.occurrence, at=start))
                free = end
            else:
                done.append(replace(one.occurrence, state=State.DISPLACED, reason=reason, detail=""))
        if laid:
            sessions += any(one.bulletin_class is not BulletinClass.EMERGENCY for one in laid)
            laid[0] = replace(laid[0], opens=True)
            laid[-1] = replace(laid[-1], closes=True)
            done += laid
    return sorted(done, key=lambda one: one.at)


def _whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0) + timedelta(seconds=ceil(moment.microsecond / 1_000_000))
