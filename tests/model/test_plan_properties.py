"""What holds of the plan for every content and every log."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import broadcaster.model.plan as planning
from broadcaster.edges.content.recurrence import RRule
from broadcaster.model.airing import LOST, Airing, Outcome
from broadcaster.model.area import Areas
from broadcaster.model.content import Content
from broadcaster.model.occurrence import Kind, Occurrence, Reason, State
from broadcaster.model.plan import plan
from broadcaster.model.schedule import (
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
from broadcaster.model.session import GAP, MIDNIGHT, Day, Wanted
from broadcaster.model.station import Cluster, Hours, Span
from tests.factories import (
    ZONE,
    at,
    make_airing,
    make_area,
    make_areas,
    make_cluster,
    make_content,
    make_log,
    make_rule,
    make_schedule,
    make_script,
)

# Three weeks around the end of a month; rules speak of the middle of it, so that nothing leaves the window.
START, END = at("2026-10-19"), at("2026-11-09")
DAYS = [date(2026, 10, 20) + timedelta(days=offset) for offset in range(19)]
MONDAY, NEXT_MONDAY = at("2026-10-26"), at("2026-11-02")
DAY = timedelta(days=1)

pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
many = settings(max_examples=60, deadline=None, suppress_health_check=slow)
some = settings(max_examples=30, deadline=None, suppress_health_check=slow)
few = settings(max_examples=15, deadline=None, suppress_health_check=slow)

clocks = st.sampled_from(
    [time(3, 15), time(5, 30), time(5, 45), time(6, 20), time(17), time(17, 30), time(17, 40)]
)
clocks |= st.sampled_from([time(0, 5), time(23, 30), time(23, 50), time(23, 59, 59)])  # over midnight
clocks |= st.builds(time, st.integers(4, 19), st.integers(0, 59))
days = st.sampled_from(DAYS)
moments = st.builds(datetime.combine, days, clocks)
stretches = st.tuples(days, days).map(lambda pair: Days(min(pair), max(pair)))
small_sets = st.none() | st.frozensets(st.integers(0, 6), min_size=1, max_size=3)


SEASONS = ("vai", "giap-hat")
season_names = st.lists(st.sampled_from(SEASONS), max_size=1)
recurrences = st.builds(
    RRule,
    st.sampled_from(
        [
            "FREQ=DAILY;INTERVAL=3",
            "FREQ=WEEKLY;BYDAY=TU,SU",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;WKST=SU",
            "FREQ=MONTHLY;BYDAY=-1FR,1MO",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "FREQ=DAILY;COUNT=5",
        ]
    ),
    days,
    st.lists(clocks, min_size=1, max_size=2).map(tuple),
    st.just(ZONE),
) | st.builds(
    RRule,
    st.just("FREQ=DAILY;BYHOUR=5,17;BYMINUTE=30;UNTIL=20261108T100000Z"),
    days,
    st.just(()),
    st.just(ZONE),
)


in_these_weeks = st.just(Days(DAYS[0], DAYS[-1])) | stretches


@st.composite
def rules(draw: st.DrawFn, within: st.SearchStrategy[Days] = in_these_weeks) -> Rule:
    """A rule with any filters, or a campaign."""
    return Rule(
        times=draw(st.lists(clocks, min_size=1, max_size=3)),
        within=draw(within),
        months=draw(st.sampled_from([None, None, frozenset({10}), frozenset({11})])),
        weekdays=draw(small_sets),
        days=draw(st.none() | st.none() | st.frozensets(st.integers(1, 31), min_size=5)),
        season=draw(st.just([]) | st.just([]) | season_names),
        not_in_season=draw(st.just([]) | season_names),
        recurrence=draw(st.none() | st.none() | recurrences),
        at_least=draw(st.none() | st.integers(1, 4).map(Quota)),
    )


@st.composite
def seasons(draw: st.DrawFn) -> Season:
    """A season of some group in some place, in this year or another."""
    name = draw(st.sampled_from(SEASONS))
    within = draw(stretches)
    if draw(st.integers(0, 3)) == 0:
        within = Days(within.first - 52 * timedelta(weeks=1), within.last - 52 * timedelta(weeks=1))
    groups = st.sampled_from(["everyone", "farmers", "small-traders"])
    return Season(name, f"Mùa {name}", draw(groups), draw(places), within)


@st.composite
def all_areas(draw: st.DrawFn) -> Areas:
    """The second village may begin or end in these weeks, or come to the other commune for a while."""
    first, last = sorted(draw(st.tuples(days, days)))
    others = [one for one in make_areas() if one.code != "03160/na-pan"]
    village = make_area("03160/na-pan", "03160", name="Bản Nà Pán")
    elsewhere = replace(village, parent="03166", valid_from=first, name="Bản Nà Pán mới")
    back = replace(village, valid_from=last + DAY)
    kinds = [
        [village],
        [village, elsewhere],
        [village, elsewhere, back],
        [replace(village, valid_from=first)],
    ]
    kinds += [[replace(village, valid_from=first, valid_until=last)], [replace(village, valid_until=last)]]
    return Areas([*others, *draw(st.sampled_from(kinds))])


relays = st.builds(Relay, st.just("http://radio.vn/live"), st.sampled_from([60, 300, 1800]))
places = st.sampled_from([["11"], ["03160/nam-po"], ["03160/na-pan", "03160"], ["03166"]])


@st.composite
def schedules(draw: st.DrawFn, within: st.SearchStrategy[Days] = in_these_weeks) -> Sequence[Schedule]:
    """Up to four schedules, in any order."""
    found = []
    one_rule = rules(within)
    for name in draw(st.lists(st.sampled_from("pqrs"), min_size=1, unique=True)):
        given_rules = draw(st.lists(one_rule, max_size=3))
        relay = draw(st.none() | st.none() | relays)
        asked = [datetime.combine(day, one) for rule in given_rules for day in DAYS for one in rule.times]
        found.append(
            make_schedule(
                name,
                rules=given_rules,
                campaigns=draw(st.lists(rules(), max_size=1)),
                exclusions=draw(st.lists(st.builds(Exclusion, stretches, st.just("Tết")), max_size=1)),
                moves=draw(
                    st.lists(
                        st.builds(Move, st.sampled_from(asked) if asked else moments, moments), max_size=3
                    )
                ),
                scripts=draw(st.lists(st.sampled_from("abcd"), min_size=relay is None, max_size=3)),
                relay=relay,
                extras=draw(st.lists(moments, max_size=2, unique=True)),
                areas=draw(places),
                bulletin_class=draw(st.sampled_from([*BulletinClass, BulletinClass.NORMAL])),
                enabled=draw(st.sampled_from([True, True, True, False])),
            )
        )
    return found


spans = st.sampled_from(
    [
        [Span(time(5), time(6, 30)), Span(time(16, 30), time(18, 30))],
        [Span(time(17), time(18))],
        [Span(time(0), time(23, 59, 59))],
    ]
)


@st.composite
def contents(draw: st.DrawFn, clusters: int = 2, within: st.SearchStrategy[Days] = in_these_weeks) -> Content:
    """A station of up to two clusters, with scripts from seconds to too long, one of which is withheld."""
    lengths = st.sampled_from([5.0, 59.5, 240.0, 600.0, 1500.0, 2400.0]) | st.floats(2, 1800)
    groups = {"a": "farmers", "b": "small-traders", "c": "everyone"}
    scripts = [make_script(name, seconds=draw(lengths), group=group) for name, group in groups.items()]
    there = [make_cluster("x"), make_cluster("y", area="03160/na-pan")]
    content = make_content(
        *draw(schedules(within)),
        scripts=[*scripts, make_script("d", items=[replace(scripts[0].items[0], text={"en": "Hello"})])],
        clusters=there[: draw(st.integers(1, clusters))],
        hours=Hours(draw(spans), draw(st.sampled_from([5, 15, 30, 60])), draw(st.integers(1, 4))),
        areas=draw(all_areas()),
    )
    return replace(content, seasons=draw(st.lists(seasons(), max_size=3)))


def ends_of(one: Occurrence) -> Sequence[Outcome]:
    """How an occurrence can end: what was to be silent never airs."""
    return {
        State.PLANNED: list(Outcome),
        State.DISPLACED: [Outcome.DISPLACED, Outcome.MISSED],
        State.WITHHELD: [Outcome.WITHHELD, Outcome.MISSED],
        State.EXCEPTED: [],
    }[one.state]


def airing(draw: Callable[..., Any], one: Occurrence, outcome: Outcome, logged: datetime) -> Airing:
    """Of one that was to sound and was lost, an emergency may be the reason."""
    reasons = ["power", Reason.ALERT] if one.state is State.PLANNED else ["power"]
    reason = draw(st.sampled_from(reasons)) if outcome in LOST else ""
    return make_airing(one, outcome, logged=logged, reason=reason)


lateness = st.sampled_from([timedelta(), timedelta(minutes=3), timedelta(hours=13), timedelta(days=2)])
fates = st.lists(st.tuples(st.integers(0, 8), lateness), min_size=1, max_size=11)


@st.composite
def logs(draw: st.DrawFn, content: Content) -> dict[str, Airing]:
    """A log in which some of what was planned came to one end or another, sooner or later."""
    log = {}
    for one, (fate, late) in zip(plan(content, {}, START, END), cycle(draw(fates)), strict=False):
        if fate < len(ends := ends_of(one)):
            log[one.id] = airing(draw, one, ends[fate], one.at.astimezone(UTC) + late)
    return log


@st.composite
def planned_and_logged(draw: st.DrawFn) -> tuple[Content, dict[str, Airing]]:
    content = draw(contents())
    return content, draw(logs(content))


def everything(content: Content, log: Mapping[str, Airing]) -> tuple[Occurrence, ...]:
    return plan(content, log, START, END)


def sounding(content: Content, log: Mapping[str, Airing]) -> Iterator[list[Occurrence]]:
    """What is to sound on each cluster, in order."""
    for cluster in content.station.clusters:
        yield [
            one
            for one in everything(content, log)
            if one.cluster == cluster.id and one.state is State.PLANNED
        ]


def in_season(content: Content, schedule: Schedule, cluster: Cluster, day: date) -> set[str]:
    """The seasons that run for those whom the schedule is for, told over again in the plainest words."""
    return {
        season.name
        for season in content.seasons
        if season.within.first <= day <= season.within.last
        and season.group in ("everyone", *(content.scripts[name].group for name in schedule.scripts))
        and any(content.areas.lies_in(cluster.area, place, day) for place in season.areas)
    }


def asked(content: Content, schedule: Schedule, cluster: Cluster) -> Iterator[tuple[datetime, bool]]:
    """What the rules ask for, and whether a season silences it, told over again in the plainest words."""
    for day in DAYS:
        campaigns = [rule for rule in schedule.campaigns if rule.within.first <= day <= rule.within.last]
        running = in_season(content, schedule, cluster, day)
        silent = {one.time(): False for one in schedule.extras if one.date() == day}
        for rule in campaigns or schedule.rules:
            if (
                rule.within.first <= day <= rule.within.last
                and day.month in (rule.months or range(1, 13))
                and day.weekday() in (rule.weekdays or range(7))
                and day.day in (rule.days or range(1, 32))
                and (not rule.season or running & set(rule.season))
            ):
                for one in rule.recurrence.times_on(day) if rule.recurrence else rule.times:
                    silent[one] = bool(running & set(rule.not_in_season)) and silent.get(one, True)
        yield from ((datetime.combine(day, one), silent[one]) for one in sorted(silent))


@many
@given(planned_and_logged())
def test_every_time_of_every_rule_is_in_the_plan_once(case: tuple[Content, dict[str, Airing]]) -> None:
    """Each rule's time is there once for each cluster concerned, with a state, and a reason if silent."""
    content, log = case
    expected = Counter[str]()
    for schedule in content.schedules:
        moves = {move.occurrence: move.to for move in schedule.moves}
        for cluster in content.station.clusters if schedule.enabled else ():
            for nominal, _ in asked(content, schedule, cluster):
                day = moves.get(nominal, nominal).date()
                if any(content.areas.lies_in(cluster.area, place, day) for place in schedule.areas):
                    expected[f"{schedule.id}/{nominal.isoformat()}/{cluster.id}"] += 1
    found = everything(content, log)
    assert Counter(one.id for one in found if one.kind is Kind.PLANNED) == expected
    assert all(one.reason is not None for one in found if one.state is not State.PLANNED)


@many
@given(planned_and_logged())
def test_no_two_occurrences_share_an_id(case: tuple[Content, dict[str, Airing]]) -> None:
    """Ids are unique, make-goods among them."""
    ids = Counter(one.id for one in everything(*case))
    assert set(ids.values()) <= {1}


@many
@given(planned_and_logged())
def test_only_emergencies_sound_outside_the_hours(case: tuple[Content, dict[str, Airing]]) -> None:
    """From its first second to its last, what sounds lies in one allowed span, unless it is an emergency."""
    content, log = case
    for one in everything(content, log):
        if one.state is State.PLANNED and one.bulletin_class is not BulletinClass.EMERGENCY:
            end = one.at + timedelta(seconds=one.seconds)
            assert any(
                one.at >= one.at.replace(hour=span.start.hour, minute=span.start.minute, second=0)
                and end <= datetime.combine(one.at.date(), span.end, ZONE)
                for span in content.station.hours.allowed
            )


@many
@given(planned_and_logged())
def test_occurrences_of_a_cluster_never_overlap(case: tuple[Content, dict[str, Airing]]) -> None:
    """A broadcast begins on a whole second, when the one before it is over."""
    for sequence in sounding(*case):
        for before, after in pairwise(sequence):
            pause = timedelta(seconds=0 if after.opens else GAP)
            assert after.at >= before.at + timedelta(seconds=before.seconds) + pause
        assert all(one.at.microsecond == 0 for one in sequence)


@many
@given(planned_and_logged())
def test_sessions_keep_their_length_and_number(case: tuple[Content, dict[str, Airing]]) -> None:
    """A session opens once, closes once, and keeps to its minutes and the day's number; emergencies pass."""
    content, log = case
    hours = content.station.hours
    for sequence in sounding(content, log):
        sessions: list[list[Occurrence]] = []
        for one in sequence:
            assert one.opens == (not sessions or sessions[-1][-1].closes)
            sessions.extend([[]] if one.opens else [])
            sessions[-1].append(one)
        assert not sessions or sessions[-1][-1].closes
        ordinary = Counter[date]()
        for session in sessions:
            held = [one for one in session if one.bulletin_class is not BulletinClass.EMERGENCY]
            for one in held:
                end = one.at + timedelta(seconds=one.seconds)
                assert end - session[0].at <= timedelta(minutes=hours.session_minutes)
            ordinary[session[0].at.date()] += bool(held)
        assert all(number <= hours.sessions_per_day for number in ordinary.values())


@many
@given(planned_and_logged())
def test_the_more_urgent_goes_first(case: tuple[Content, dict[str, Airing]]) -> None:
    """Of those that ask for the same time the more urgent sounds first, then the one first in file order."""
    content, log = case
    order = order_of(content)
    moved = {
        (schedule.id, move.occurrence): move.to for schedule in content.schedules for move in schedule.moves
    }
    for sequence in sounding(content, log):
        by_time: dict[datetime, list[tuple[BulletinClass, int]]] = {}
        for one in sequence:
            nominal = one.nominal.replace(tzinfo=None)
            asked_for = moved.get((one.schedule, nominal), nominal)
            by_time.setdefault(asked_for, []).append((one.bulletin_class, order[one.schedule]))
        assert all(ranks == sorted(ranks) for ranks in by_time.values())


def order_of(content: Content) -> dict[str, int]:
    """File order, whatever the order in which schedules are given."""
    return {name: index for index, name in enumerate(sorted(one.id for one in content.schedules))}


@some
@given(planned_and_logged(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_does_not_matter(
    case: tuple[Content, dict[str, Airing]], chance: random.Random
) -> None:
    """Files, seasons, clusters and log may come in any order: every occurrence of the plan stays the same."""
    content, log = case
    airings = list(log.values())
    given_lists = list(content.station.clusters), list(content.schedules), list(content.seasons), airings
    for one_list in given_lists:
        chance.shuffle(one_list)
    clusters, files, declared, _ = given_lists
    shuffled = replace(
        content, station=replace(content.station, clusters=clusters), schedules=files, seasons=declared
    )
    expected = {one.id: one for one in everything(content, log)}
    assert {one.id: one for one in everything(shuffled, make_log(*airings))} == expected


@some
@given(
    planned_and_logged(),
    st.lists(st.datetimes(START.replace(tzinfo=None), END.replace(tzinfo=None)), max_size=3),
)
def test_plans_of_parts_make_the_plan_of_the_whole(
    case: tuple[Content, dict[str, Airing]], cuts: list[datetime]
) -> None:
    """Cut anywhere, the plans of the parts joined are the plan of the whole."""
    content, log = case
    bounds = [START, *sorted(cut.replace(tzinfo=ZONE) for cut in cuts), END]
    parts = [plan(content, log, first, last) for first, last in pairwise(bounds)]
    assert sum(parts, ()) == everything(content, log)


@some
@given(planned_and_logged())
def test_the_plan_is_sorted_and_within_its_bounds(case: tuple[Content, dict[str, Airing]]) -> None:
    """The earliest comes first, and all of it lies in the time that was asked about."""
    middle = plan(*case, MONDAY, NEXT_MONDAY)
    assert [one.at for one in middle] == sorted(one.at for one in middle)
    assert all(MONDAY <= one.at < NEXT_MONDAY for one in middle)


@some
@given(planned_and_logged())
def test_the_log_takes_nothing_away(case: tuple[Content, dict[str, Airing]]) -> None:
    """Whatever is logged, what was to sound is still to sound: make-goods displace nobody."""
    content, log = case
    after = {one.id: one for one in everything(content, log)}
    for one in everything(content, {}):
        assert after[one.id].state is one.state
        assert after[one.id].script == one.script
        assert after[one.id].outcome is (log[one.id].outcome if one.id in log else None)


@some
@given(planned_and_logged())
def test_excepted_days_are_silent(case: tuple[Content, dict[str, Airing]]) -> None:
    """On the days that a schedule excepts, and in seasons it avoids, none of its broadcasts sounds."""
    content, log = case
    clusters = {one.id: one for one in content.station.clusters}
    by_name = {one.id: one for one in content.schedules}
    avoided = {
        (schedule.id, cluster.id): dict(asked(content, schedule, cluster))
        for schedule in content.schedules
        for cluster in clusters.values()
    }
    for one in everything(content, log):
        schedule = by_name[one.schedule]
        nominal, day = one.nominal.replace(tzinfo=None), one.at.date()
        if nominal in {move.occurrence for move in schedule.moves}:
            continue
        silent = any(nominal.date() in each.within for each in schedule.exclusions)
        if one.kind is Kind.PLANNED:
            silent |= avoided[one.schedule, one.cluster][nominal]
            assert (one.state is State.EXCEPTED) == silent
        else:
            running = in_season(content, schedule, clusters[one.cluster], day)
            silent |= any(running & set(rule.not_in_season) for rule in schedule.rules_on(day))
            assert not silent
            assert one.state is not State.EXCEPTED


@some
@given(planned_and_logged())
def test_a_moved_occurrence_stands_at_its_new_time(case: tuple[Content, dict[str, Airing]]) -> None:
    """A moved occurrence is there once, not before its new time; nothing else stands where it was."""
    content, log = case
    found = everything(content, log)
    for schedule in content.schedules:
        for nominal, to in {move.occurrence: move.to for move in schedule.moves}.items():
            for one in found:
                if (one.schedule, one.nominal) == (schedule.id, nominal.replace(tzinfo=ZONE)):
                    assert one.kind is Kind.PLANNED
                    assert one.at.date() == to.date()
                    assert one.at >= to.replace(tzinfo=ZONE)


@some
@given(planned_and_logged())
def test_make_goods_come_after_what_they_replace(case: tuple[Content, dict[str, Airing]]) -> None:
    """There are no more make-goods in a week than losses, and none before the first of them was known."""
    content, log = case
    found = [one for one in everything(content, log) if MONDAY <= one.at < NEXT_MONDAY]
    for extra in (one for one in found if one.kind is Kind.MAKE_GOOD):
        own = [one for one in found if (one.schedule, one.cluster) == (extra.schedule, extra.cluster)]
        known = [
            one.at if one.state is State.DISPLACED else log[one.id].logged
            for one in own
            if (one.state is State.DISPLACED if one.id not in log else log[one.id].outcome in LOST)
        ]
        assert sum(one.kind is Kind.MAKE_GOOD for one in own) <= len(known)
        assert min(known) < extra.nominal
        assert extra.state is State.PLANNED


@some
@given(st.data(), contents(clusters=1))
def test_a_promised_make_good_never_changes(data: st.DataObject, content: Content) -> None:
    """As the week goes by and the log grows, a make-good that was promised stays where it is."""
    now, log = MONDAY, dict[str, Airing]()
    promised = dict[str, tuple[str, datetime, str]]()
    for _ in range(60):
        week = plan(content, log, MONDAY, NEXT_MONDAY)
        extra = {one.id: (one.script, one.nominal, one.state) for one in week if one.kind is Kind.MAKE_GOOD}
        assert promised.items() <= extra.items()
        promised = extra
        due = [one for one in week if one.id not in log and one.state is not State.EXCEPTED]
        if not due:
            return
        one = due[0]
        outcome = data.draw(st.sampled_from(ends_of(one)))
        late = data.draw(st.sampled_from([timedelta(seconds=1), timedelta(seconds=1), timedelta(hours=15)]))
        now = max(now + timedelta(seconds=1), one.at + late)
        log[one.id] = airing(data.draw, one, outcome, now.astimezone(UTC))


@st.composite
def lone_schedules(draw: st.DrawFn) -> tuple[Content, dict[str, Airing], Quota]:
    """One schedule that nobody is in the way of, a quota, and what was lost of it."""
    quota = Quota(draw(st.integers(1, 5)))
    rule = make_rule(
        *draw(st.lists(st.sampled_from([time(5, 30), time(17, 30)]), min_size=1, unique=True)),
        weekdays=draw(st.frozensets(st.integers(0, 6), min_size=1)),
        at_least=quota,
    )
    silent = draw(st.lists(st.builds(Exclusion, stretches, st.just("nghỉ")), max_size=1))
    content = make_content(make_schedule("p", rule, exclusions=silent))
    log: dict[str, Airing] = {}
    for _ in range(draw(st.integers(0, 10))):
        now = max((airing.logged for airing in log.values()), default=MONDAY)
        due = [
            one
            for one in plan(content, log, MONDAY, NEXT_MONDAY)
            if one.at > now and one.state is State.PLANNED
        ]
        if due:
            outcome = draw(st.sampled_from([Outcome.AIRED, Outcome.MISSED, Outcome.CUT]))
            log[due[0].id] = make_airing(due[0], outcome)
    return content, log, quota


@many
@given(lone_schedules())
def test_the_quota_is_met_wherever_the_week_has_room(case: tuple[Content, dict[str, Airing], Quota]) -> None:
    """What was lost is made good, up to the quota, as long as the week has a time of the rule left for it."""
    content, log, quota = case
    week = plan(content, log, MONDAY, NEXT_MONDAY)
    assume(any(one.outcome in LOST for one in week))
    (schedule,) = content.schedules
    (rule,) = schedule.rules
    known = max(airing.logged for airing in log.values() if airing.outcome in LOST)
    there = {one.nominal for one in week}
    free = [
        slot
        for offset in range(7)
        for one in rule.times
        if (slot := datetime.combine((MONDAY + offset * DAY).date(), one, ZONE)) > known
        and slot not in there
        and schedule.exclusion_on(slot.date()) is None
    ]
    sound = sum(one.state is State.PLANNED and one.outcome not in LOST for one in week)
    asked_for = sum(one.kind is Kind.PLANNED and one.state is State.PLANNED for one in week)
    assert sound >= min(quota.airings, asked_for) or not free
    extra = sum(one.kind is Kind.MAKE_GOOD and one.outcome not in LOST for one in week)
    assert not extra or sound <= max(quota.airings, 1)


class Told:
    """One cluster's days, laid out anew from what the plan tells."""

    def __init__(self, content: Content, found: Sequence[Occurrence], cluster: Cluster) -> None:
        self.content, self.cluster = content, cluster
        order = order_of(content)
        self.moves = {(one.id, move.occurrence): move.to for one in content.schedules for move in one.moves}
        self.by_day: dict[date, list[Occurrence]] = {}
        self.wanted: dict[str, Wanted] = {}
        for one in found:
            if one.cluster == cluster.id and one.state in (State.PLANNED, State.DISPLACED):
                at = self.asked_for(one)
                second = at.hour * 3600 + at.minute * 60 + at.second
                self.by_day.setdefault(at.date(), []).append(one)
                self.wanted[one.id] = second, int(one.bulletin_class), order[one.schedule], one.seconds
        self.busy: dict[date, float] = {}
        self.days: dict[date, Day] = {}
        busy = 0.0
        for day in (START.date() + DAY * index for index in range((END - START).days)):
            self.busy[day], self.days[day] = busy, self.lay(day, busy)
            busy = max(0, self.days[day].end - MIDNIGHT)

    def asked_for(self, one: Occurrence) -> datetime:
        nominal = one.nominal.replace(tzinfo=None)
        return self.moves.get((one.schedule, nominal), nominal)

    def lay(self, day: date, busy: float, *more: Wanted) -> Day:
        ours = [self.wanted[one.id] for one in self.by_day.get(day, ())]
        return Day([*ours, *more], self.content.station.hours, busy)

    def fits(self, slot: datetime, like: Occurrence) -> bool:
        """Could one more like this stand in *slot* and change nobody's fate, nor the next day's?"""
        day, before = slot.date(), self.days[slot.date()]
        second = (slot - datetime.combine(day, time())).total_seconds()
        _, bulletin_class, order, seconds = self.wanted[like.id]
        if not any(
            datetime.combine(day, span.start) <= slot
            and slot + timedelta(seconds=seconds) <= datetime.combine(day, span.end)
            for span in self.content.station.hours.allowed
        ):
            return False
        after = self.lay(day, self.busy[day], (int(second), bulletin_class, order, seconds))
        sounding = [place.reason is None for place in before.places] + [True]
        return after.end <= max(MIDNIGHT, before.end) and sounding == [
            place.reason is None for place in after.places
        ]


@st.composite
def much_lost(draw: st.DrawFn) -> tuple[Content, dict[str, Airing]]:
    """Full days, of which much is lost and known soon."""
    content = draw(contents(clusters=1))
    quota = [rule for one in content.schedules if one.enabled for rule in one.rules if rule.at_least]
    assume(quota)
    log: dict[str, Airing] = {}
    share = draw(st.integers(1, 10))
    chance = draw(st.randoms(use_true_random=False))
    for _ in range(3):  # make-goods are lost too
        for one in everything(content, log):
            if one.id not in log and one.state is State.PLANNED and chance.randint(0, 10) < share:
                log[one.id] = make_airing(one, Outcome.MISSED, logged=one.at.astimezone(UTC))
    return content, log


@many
@given(much_lost())
def test_no_loss_is_left_where_the_hours_hold_it(case: tuple[Content, dict[str, Airing]]) -> None:
    """Where a week stays below its quota, what was lost fits on none of the full five minutes left to it."""
    content, log = case
    found = everything(content, log)
    (cluster,) = content.station.clusters
    told = Told(content, found, cluster)
    for day, ours in told.by_day.items():
        starts = {one.id: one.at for one in ours}
        for one, place in zip(ours, told.days[day].places, strict=True):
            if place.reason is None:
                assert starts[one.id] == datetime.combine(day, time(), ZONE) + timedelta(seconds=place.start)
    for schedule in content.schedules:
        for monday in (START.date() + DAY * 7 * index for index in range(3)):
            check_week(content, log, told, schedule, [monday + DAY * index for index in range(7)])


def check_week(
    content: Content, log: Mapping[str, Airing], told: Told, schedule: Schedule, week: Sequence[date]
) -> None:
    running = {day: in_season(content, schedule, told.cluster, day) for day in week}
    quotas = [
        rule
        for day in week
        for rule in schedule.rules_on(day)
        if rule.at_least and rule.holds_on(day, running[day])
    ]
    ours = [one for day in week for one in told.by_day.get(day, ()) if one.schedule == schedule.id]
    gone = [
        one
        for one in ours
        if (one.state is State.DISPLACED if one.id not in log else log[one.id].outcome in LOST)
    ]
    if not quotas or not gone:
        return
    known = {
        one.id: one.at if one.state is State.DISPLACED else log[one.id].logged + planning.ROOM for one in gone
    }
    gone.sort(key=lambda one: (one.state is not State.DISPLACED, known[one.id], one.id))
    above = sum(one.kind is Kind.PLANNED for one in ours) - max(rule.at_least.airings for rule in quotas)
    needed = Counter(one.script for one in gone[max(0, above) :])
    needed.subtract(one.script for one in ours if one.kind is Kind.MAKE_GOOD)
    last = max(known.values()).astimezone(ZONE).replace(tzinfo=None)
    taken = {one.nominal.replace(tzinfo=None) for one in ours} | {one.occurrence for one in schedule.moves}
    for lost in {one.script: one for one in gone}.values():
        for day in week if needed[lost.script] > 0 else ():
            if (
                not any(rule.lasts_on(day, running[day]) for rule in quotas)
                or any(rule.avoids(running[day]) for rule in schedule.rules_on(day))
                or schedule.exclusion_on(day)
                or not any(content.areas.lies_in(told.cluster.area, place, day) for place in schedule.areas)
            ):
                continue
            for slot in (
                datetime.combine(day, time()) + timedelta(minutes=5 * index) for index in range(288)
            ):
                assert slot <= last or slot in taken or not told.fits(slot, lost), (slot, lost.id)


years = st.dates(date(2026, 1, 1), date(2026, 12, 31))
in_a_year = st.just(Days()) | st.tuples(years, years).map(lambda pair: Days(min(pair), max(pair)))


@few
@given(contents(within=in_a_year))
def test_weeks_that_look_alike_are_alike(content: Content) -> None:
    """A year whose weeks are repeated where they look alike is the year in which each is worked out."""
    year = at("2026-01-01"), at("2027-01-01")
    repeated = plan(content, {}, *year)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(planning._Cluster, "_looks", lambda _cluster, _week: None)
        patched.setattr(planning._Timetable, "looks", lambda _table, _week: None)
        assert plan(content, {}, *year) == repeated
