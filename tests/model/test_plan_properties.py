"""What holds of the plan for every content and every log."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle, pairwise

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from broadcaster.model.airing import LOST, Airing, Outcome
from broadcaster.model.content import Content
from broadcaster.model.occurrence import Kind, Occurrence, State
from broadcaster.model.plan import plan
from broadcaster.model.schedule import BulletinClass, Days, Exclusion, Move, Quota, Rule, Schedule
from broadcaster.model.session import GAP
from broadcaster.model.station import Hours, Span
from tests.factories import (
    ZONE,
    at,
    make_airing,
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

slow = [HealthCheck.too_slow]
many = settings(max_examples=60, deadline=None, suppress_health_check=slow)
some = settings(max_examples=30, deadline=None, suppress_health_check=slow)

clocks = st.sampled_from(
    [time(3, 15), time(5, 30), time(5, 45), time(6, 20), time(17), time(17, 30), time(17, 40)]
)
clocks |= st.builds(time, st.integers(4, 19), st.integers(0, 59))
days = st.sampled_from(DAYS)
moments = st.builds(datetime.combine, days, clocks)
stretches = st.tuples(days, days).map(lambda pair: Days(min(pair), max(pair)))
small_sets = st.none() | st.frozensets(st.integers(0, 6), min_size=1, max_size=3)


@st.composite
def rules(draw: st.DrawFn, *, quotas: bool = True) -> Rule:
    """A rule with any filters, or a campaign."""
    return Rule(
        times=draw(st.lists(clocks, min_size=1, max_size=3)),
        within=draw(st.just(Days(DAYS[0], DAYS[-1])) | stretches),
        months=draw(st.sampled_from([None, None, frozenset({10}), frozenset({11})])),
        weekdays=draw(small_sets),
        days=draw(st.none() | st.frozensets(st.integers(1, 31), min_size=5)),
        at_least=draw(st.none() | st.integers(1, 4).map(Quota)) if quotas else None,
    )


@st.composite
def schedules(draw: st.DrawFn) -> Sequence[Schedule]:
    """Up to four schedules, in file order."""
    found = []
    for name in draw(st.lists(st.sampled_from("pqrs"), min_size=1, unique=True)):
        given_rules = draw(st.lists(rules(), max_size=3))
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
                scripts=draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3)),
                areas=draw(st.sampled_from([["11"], ["03160/nam-po"], ["03160/na-pan", "03160"], ["03166"]])),
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
def contents(draw: st.DrawFn, clusters: int = 2) -> Content:
    """A station of up to two clusters, with scripts from seconds to too long, one of which is withheld."""
    lengths = st.sampled_from([5.0, 59.5, 240.0, 600.0, 1500.0, 2400.0]) | st.floats(2, 1800)
    scripts = [make_script(name, seconds=draw(lengths)) for name in "abc"]
    there = [make_cluster("x"), make_cluster("y", area="03160/na-pan")]
    return make_content(
        *draw(schedules()),
        scripts=[*scripts, make_script("d", items=[replace(scripts[0].items[0], text={"en": "Hello"})])],
        clusters=there[: draw(st.integers(1, clusters))],
        hours=Hours(draw(spans), draw(st.sampled_from([5, 15, 30, 60])), draw(st.integers(1, 4))),
    )


def ends_of(one: Occurrence) -> Sequence[Outcome]:
    """How an occurrence can end: what was to be silent never airs."""
    return {
        State.PLANNED: list(Outcome),
        State.DISPLACED: [Outcome.DISPLACED, Outcome.MISSED],
        State.WITHHELD: [Outcome.WITHHELD, Outcome.MISSED],
        State.EXCEPTED: [],
    }[one.state]


lateness = st.sampled_from([timedelta(), timedelta(minutes=3), timedelta(hours=13), timedelta(days=2)])
fates = st.lists(st.tuples(st.integers(0, 8), lateness), min_size=1, max_size=11)


@st.composite
def logs(draw: st.DrawFn, content: Content) -> dict[str, Airing]:
    """A log in which some of what was planned came to one end or another, sooner or later."""
    log = {}
    for one, (fate, late) in zip(plan(content, {}, START, END), cycle(draw(fates)), strict=False):
        if fate < len(ends := ends_of(one)):
            log[one.id] = make_airing(one, ends[fate], logged=one.at.astimezone(UTC) + late)
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


def asked(schedule: Schedule) -> Iterator[datetime]:
    """What the rules ask for, told over again in the plainest words."""
    for day in DAYS:
        campaigns = [rule for rule in schedule.campaigns if rule.within.first <= day <= rule.within.last]
        times = set()
        for rule in campaigns or schedule.rules:
            if (
                rule.within.first <= day <= rule.within.last
                and day.month in (rule.months or range(1, 13))
                and day.weekday() in (rule.weekdays or range(7))
                and day.day in (rule.days or range(1, 32))
            ):
                times |= set(rule.times)
        yield from (datetime.combine(day, one) for one in sorted(times))


@many
@given(planned_and_logged())
def test_every_time_of_every_rule_is_in_the_plan_once(case: tuple[Content, dict[str, Airing]]) -> None:
    """Each rule's time is there once for each cluster concerned, with a state, and a reason if silent."""
    content, log = case
    where = {"11": "xy", "03160": "xy", "03160/nam-po": "x", "03160/na-pan": "y", "03166": ""}
    expected = Counter(
        f"{schedule.id}/{nominal.isoformat()}/{cluster.id}"
        for schedule in content.schedules
        if schedule.enabled
        for cluster in content.station.clusters
        if any(cluster.id in where[area] for area in schedule.areas)
        for nominal in asked(schedule)
    )
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
    order = {schedule.id: index for index, schedule in enumerate(content.schedules)}
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


@some
@given(planned_and_logged(), st.randoms(use_true_random=False))
def test_the_order_of_what_is_given_does_not_matter(
    case: tuple[Content, dict[str, Airing]], chance: random.Random
) -> None:
    """Clusters and log may come in any order: every occurrence of the plan stays the same."""
    content, log = case
    clusters, airings = list(content.station.clusters), list(log.values())
    chance.shuffle(clusters)
    chance.shuffle(airings)
    shuffled = replace(content, station=replace(content.station, clusters=clusters))
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
    """On the days that a schedule excepts none of its broadcasts sounds, make-goods included."""
    content, log = case
    exclusions = {schedule.id: schedule.exclusions for schedule in content.schedules}
    for one in everything(content, log):
        silent = any(one.at.date() in each.within for each in exclusions[one.schedule])
        assert (one.state is State.EXCEPTED) == silent


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
        log[one.id] = make_airing(one, outcome, logged=now.astimezone(UTC))


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
