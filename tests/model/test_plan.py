"""What the plan promises, one example each; what holds for every content is in test_plan_properties."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

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
    Schedule,
    Season,
)
from tests.factories import (
    EVENING,
    MORNING,
    at,
    make_airing,
    make_area,
    make_areas,
    make_cluster,
    make_content,
    make_hours,
    make_log,
    make_recording,
    make_rule,
    make_schedule,
    make_script,
    span,
)

FRIDAY = "2026-11-20"
TUE_FRI = frozenset({1, 4})
TWICE_A_WEEK = make_rule(EVENING, weekdays=TUE_FRI, at_least=Quota(2))
WEEK = ("2026-11-16", "2026-11-23")  # Monday to Monday


def planned(
    content: Content, first: str = FRIDAY, until: str | None = None, log: Mapping[str, Airing] | None = None
) -> list[Occurrence]:
    """The plan of one day, or from one midnight to another."""
    start = at(first)
    return list(plan(content, log or {}, start, at(until) if until else start + timedelta(days=1)))


def brief(occurrences: Iterable[Occurrence]) -> list[tuple[str, str, str]]:
    """Each occurrence as (schedule, wall time, state or what keeps it)."""
    return [(one.schedule, f"{one.at:%H:%M:%S}", one.reason or one.state) for one in occurrences]


def lost(
    content: Content, *ids: str, outcome: Outcome = Outcome.MISSED, reason: Reason = Reason.POWER
) -> dict[str, Airing]:
    """A log in which these occurrences of the week were lost."""
    there = {one.id: one for one in planned(content, *WEEK)}
    return make_log(*(make_airing(there[one], outcome, reason=reason) for one in ids))


def make_goods(occurrences: Iterable[Occurrence]) -> list[str]:
    return [f"{one.at:%a %H:%M}" for one in occurrences if one.kind is Kind.MAKE_GOOD]


# --- which times


def test_a_peak_day() -> None:
    """A rule with two times gives every cluster two occurrences, at the station's own time."""
    content = make_content(
        make_schedule("bhxh", make_rule(MORNING, EVENING)),
        clusters=[make_cluster("nam-po"), make_cluster("na-pan", area="03160/na-pan")],
    )
    assert [(one.cluster, one.at.isoformat()) for one in planned(content)] == [
        ("nam-po", "2026-11-20T05:30:00+07:00"),
        ("na-pan", "2026-11-20T05:30:00+07:00"),
        ("nam-po", "2026-11-20T17:30:00+07:00"),
        ("na-pan", "2026-11-20T17:30:00+07:00"),
    ]


def test_the_year_of_bac_giang() -> None:
    """Two a day in May and November make 122 airings; two a week elsewhere, none of them out of hours."""
    lean = frozenset(range(1, 13)) - {5, 11}
    content = make_content(
        make_schedule(
            "bhxh",
            make_rule(MORNING, EVENING, months=frozenset({5, 11})),
            make_rule(EVENING, months=lean, weekdays=TUE_FRI, at_least=Quota(2)),
        )
    )
    year = planned(content, "2026-01-01", "2027-01-01")
    assert all(one.state is State.PLANNED for one in year)
    assert len([one for one in year if one.at.month in (5, 11)]) == 61 * 2
    rest = [one for one in year if one.at.month in lean]
    days = [date(2026, 1, 1) + timedelta(days=offset) for offset in range(365)]
    assert [one.at.date() for one in rest] == [
        day for day in days if day.month in lean and day.weekday() in TUE_FRI
    ]


def test_the_campaign_of_2024() -> None:
    """The campaign of April and May 2024 has 61 days of two airings, though May alone is a peak month."""
    content = make_content(
        make_schedule(
            "bhxh",
            make_rule(MORNING, EVENING, months=frozenset({5, 11})),
            make_rule(EVENING, weekdays=TUE_FRI, months=frozenset({4, 6})),
            campaigns=[make_rule(MORNING, EVENING, within=Days(date(2024, 4, 1), date(2024, 5, 31)))],
        )
    )
    assert len(planned(content, "2024-04-01", "2024-06-01")) == 61 * 2
    assert len(planned(content, "2024-06-01", "2024-07-01")) == 8


def test_the_start_counts_and_the_end_does_not() -> None:
    """The plan lists what is to sound from its start on, up to but not at its end."""
    content = make_content(make_schedule("bhxh", make_rule(MORNING, EVENING)))
    morning, evening = at(FRIDAY, "05:30"), at(FRIDAY, "17:30")
    assert [one.at for one in plan(content, {}, morning, evening)] == [morning]
    assert plan(content, {}, evening, evening) == ()


def test_the_range_may_be_given_in_any_zone() -> None:
    """The plan of a moment is the same whatever zone the moment is told in."""
    content = make_content()
    start, end = (
        datetime.fromisoformat("2026-11-20T10:30:00Z"),
        datetime.fromisoformat("2026-11-20T10:30:01Z"),
    )
    assert [one.at for one in plan(content, {}, start, end)] == [at(FRIDAY, "17:30")]


def test_a_schedule_concerns_the_clusters_of_its_areas() -> None:
    """A schedule is for the clusters that lie in one of its areas, and for no others."""
    content = make_content(
        make_schedule("ban", areas=["03160/nam-po"]),
        make_schedule("xa", make_rule(MORNING), areas=["03160"]),
        make_schedule("xa-khac", areas=["03166"]),
        clusters=[make_cluster("nam-po"), make_cluster("na-pan", area="03160/na-pan")],
    )
    assert [(one.schedule, one.cluster) for one in planned(content)] == [
        ("xa", "nam-po"),
        ("xa", "na-pan"),
        ("ban", "nam-po"),
    ]


def test_a_reused_code_is_the_place_of_its_day() -> None:
    """A schedule for a code goes to what lies there on the day, not to what lay there before."""
    areas = Areas(
        [
            make_area("24"),
            make_area("27"),
            make_area("07210", "24"),
            make_area("07210", "27", valid_from=date(2026, 11, 21)),
        ]
    )
    content = make_content(
        make_schedule("bhxh", areas=["24"]), areas=areas, clusters=[make_cluster(area="07210")]
    )
    assert [one.at.date().day for one in planned(content, FRIDAY, "2026-11-23")] == [20]


def test_a_disabled_schedule_is_not_planned() -> None:
    """A schedule that is switched off asks for nothing."""
    assert planned(make_content(make_schedule(enabled=False))) == []


def test_scripts_rotate() -> None:
    """A list of scripts is gone through one occurrence after the other, across weeks too."""
    content = make_content(
        make_schedule(scripts=["a", "b", "c"]), scripts=[make_script(name) for name in "abc"]
    )
    heard = "".join(one.script for one in planned(content, "2026-11-18", "2026-12-03"))
    assert heard in "abc" * 7
    assert len(heard) == 15


def test_every_cluster_hears_the_same_rotation() -> None:
    """What is broadcast at one time is one script, whatever the cluster."""
    content = make_content(
        make_schedule(scripts=["a", "b"]),
        scripts=[make_script("a"), make_script("b")],
        clusters=[make_cluster("x"), make_cluster("y")],
    )
    first, second = planned(content)
    assert first.script == second.script


# --- exceptions and moves


def test_an_excepted_day_is_told_with_its_reason() -> None:
    """On an excepted day the occurrence stands in the plan, silent, with the officer's reason."""
    tet = Exclusion(Days(date(2027, 2, 5), date(2027, 2, 10)), "Tết Nguyên đán")
    week = planned(make_content(make_schedule(exclusions=[tet])), "2027-02-04", "2027-02-12")
    assert [one.state is State.EXCEPTED for one in week] == [False, *[True] * 6, False]
    assert {(one.reason, one.detail) for one in week[1:-1]} == {(Reason.EXCEPTED, "Tết Nguyên đán")}


def test_an_excepted_occurrence_takes_no_room() -> None:
    """What is silent does not put off what sounds at the same time."""
    silent = make_schedule("a", exclusions=[Exclusion(Days(date(2026, 11, 20)), "nghỉ")])
    assert brief(planned(make_content(silent, make_schedule("b")))) == [
        ("a", "17:30:00", Reason.EXCEPTED),
        ("b", "17:30:00", State.PLANNED),
    ]


def moving(occurrence: str, to: str) -> Move:
    return Move(datetime.fromisoformat(occurrence), datetime.fromisoformat(to))


def test_a_moved_occurrence_appears_once_at_its_new_time() -> None:
    """A move takes one occurrence, this once, to another time; its id still names the time it came from."""
    move = moving("2026-11-20T17:30:00", "2026-11-20T18:00:00")
    one, other = planned(make_content(make_schedule(moves=[move])), FRIDAY, "2026-11-22")
    assert (one.id, one.at) == ("lich/2026-11-20T17:30:00/nam-po", at(FRIDAY, "18:00"))
    assert one.nominal == at(FRIDAY, "17:30")
    assert other.at == at("2026-11-21", "17:30")


@pytest.mark.parametrize("to", ["2026-11-09T05:30:00", "2026-11-23T05:30:00", "2026-12-31T05:30:00"])
def test_an_occurrence_moves_to_another_week(to: str) -> None:
    """An occurrence moved into another week is gone from its own and stands in the other."""
    content = make_content(make_schedule(moves=[moving("2026-11-20T17:30:00", to)]))
    everything = planned(content, "2026-11-01", "2027-01-02")
    moved = [one for one in everything if one.nominal == at(FRIDAY, "17:30")]
    assert [one.at for one in moved] == [datetime.fromisoformat(to + "+07:00")]
    assert planned(content) == []


def test_an_extra_changes_nobody_elses_script() -> None:
    """A single one beside the rules has the script whose turn is next; all others keep theirs."""
    scripts = [make_script(name) for name in "abc"]
    rule = make_rule(MORNING, EVENING)

    def told(**given: Any) -> dict[str, str]:
        content = make_content(make_schedule("x", rule, scripts=["a", "b", "c"], **given), scripts=scripts)
        return {one.id: one.script for one in planned(content, *WEEK)}

    extra = datetime(2026, 11, 18, 17)  # noqa: DTZ001 - wall time
    before, after = told(), told(extras=[extra])
    added = after.pop("x/2026-11-18T17:00:00/nam-po")
    assert after == before
    assert added == before["x/2026-11-18T17:30:00/nam-po"]


def test_a_moved_occurrence_keeps_its_script() -> None:
    """A move changes when a script of the rotation is heard, not which."""
    schedule = make_schedule("s", make_rule(EVENING, weekdays=TUE_FRI), scripts=["a", "b", "c"])
    scripts = [make_script(name) for name in "abc"]
    before = {one.id: one.script for one in planned(make_content(schedule, scripts=scripts), *WEEK)}
    for to in ("2026-11-18T17:30:00", "2026-11-25T17:30:00", "2026-12-06T17:30:00"):
        moves = [moving("2026-11-20T17:30:00", to)]
        moved = make_content(
            make_schedule("s", *schedule.rules, scripts=["a", "b", "c"], moves=moves), scripts=scripts
        )
        after = {one.id: one.script for one in planned(moved, "2026-11-16", "2026-12-07")}
        assert before.items() <= after.items()


def test_a_move_of_nothing_moves_nothing() -> None:
    """A move whose occurrence the rules do not give does not conjure one up."""
    move = moving("2026-11-20T12:00:00", "2026-11-20T18:00:00")
    assert brief(planned(make_content(make_schedule(moves=[move])))) == [("lich", "17:30:00", State.PLANNED)]


def test_an_occurrence_moved_twice_is_heard_once() -> None:
    """Of two moves of one occurrence the last holds, so that none sounds twice."""
    moves = [
        moving("2026-11-20T17:30:00", "2026-11-20T18:00:00"),
        moving("2026-11-20T17:30:00", "2026-11-20T05:30:00"),
    ]
    assert [f"{one.at:%H:%M}" for one in planned(make_content(make_schedule(moves=moves)))] == ["05:30"]


def test_a_move_out_of_the_hours_is_displaced() -> None:
    """A move cannot take a broadcast outside the allowed hours."""
    move = moving("2026-11-20T17:30:00", "2026-11-20T20:00:00")
    assert brief(planned(make_content(make_schedule(moves=[move])))) == [
        ("lich", "20:00:00", Reason.OUTSIDE_HOURS)
    ]


def test_a_move_leads_out_of_an_exception_and_into_one() -> None:
    """What counts for an exception is the day on which the occurrence would sound."""
    silent = Exclusion(Days(date(2026, 11, 20), date(2026, 11, 20)), "mất điện")
    out = make_schedule(
        "out", exclusions=[silent], moves=[moving("2026-11-20T17:30:00", "2026-11-21T05:30:00")]
    )
    into = make_schedule(
        "into", exclusions=[silent], moves=[moving("2026-11-21T17:30:00", "2026-11-20T05:30:00")]
    )
    moved = {
        one.schedule: (one.at, one.state)
        for one in planned(make_content(out, into), FRIDAY, "2026-11-22")
        if one.at.time() == MORNING
    }
    assert moved["out"] == (at("2026-11-21", "05:30"), State.PLANNED)
    assert moved["into"] == (at(FRIDAY, "05:30"), State.EXCEPTED)


# --- hours and sessions


def test_outside_the_hours_nothing_sounds() -> None:
    """A broadcast asked for at 3:15, as a mis-set relay once did, is displaced and says why."""
    content = make_content(make_schedule("relay", make_rule(time(3, 15))))
    assert brief(planned(content)) == [("relay", "03:15:00", Reason.OUTSIDE_HOURS)]


def test_a_broadcast_ends_within_the_hours() -> None:
    """What would begin in the hours and end after them is displaced, to the second."""
    rule = make_rule(time(18, 29))
    fits, passes = make_schedule("a", rule, scripts=["kịp"]), make_schedule("a", rule, scripts=["quá"])
    scripts = [make_script("kịp", seconds=60), make_script("quá", seconds=61)]
    assert brief(planned(make_content(fits, scripts=scripts))) == [("a", "18:29:00", State.PLANNED)]
    assert brief(planned(make_content(passes, scripts=scripts))) == [("a", "18:29:00", Reason.OUTSIDE_HOURS)]


def test_only_an_emergency_passes_the_hours() -> None:
    """An emergency sounds at any time; priority does not."""
    rule = make_rule(time(3, 15))
    content = make_content(
        make_schedule("lũ", rule, bulletin_class=BulletinClass.EMERGENCY),
        make_schedule("dịch", rule, bulletin_class=BulletinClass.PRIORITY),
    )
    assert brief(planned(content)) == [
        ("lũ", "03:15:00", State.PLANNED),
        ("dịch", "03:15:00", Reason.OUTSIDE_HOURS),
    ]


def test_those_that_meet_follow_one_another() -> None:
    """Emergency, priority, normal, then file order, on whole seconds with a breath in between."""
    content = make_content(
        make_schedule("b-normal", scripts=["lẻ"]),  # file order is by name, whatever the order here
        make_schedule("a-normal", scripts=["lẻ"]),
        make_schedule("priority", bulletin_class=BulletinClass.PRIORITY),
        make_schedule("emergency", bulletin_class=BulletinClass.EMERGENCY),
        scripts=[make_script(seconds=60), make_script("lẻ", seconds=59.5)],
    )
    assert brief(planned(content)) == [
        ("emergency", "17:30:00", State.PLANNED),
        ("priority", "17:31:02", State.PLANNED),
        ("a-normal", "17:32:04", State.PLANNED),
        ("b-normal", "17:33:06", State.PLANNED),
    ]


def test_a_session_opens_once_and_closes_once() -> None:
    """Occurrences that meet are one session; one that comes after its end opens another."""
    content = make_content(
        make_schedule("a"),
        make_schedule("b"),
        make_schedule("c", make_rule(time(17, 33))),
    )
    assert [(one.schedule, one.opens, one.closes) for one in planned(content)] == [
        ("a", True, False),
        ("b", False, True),
        ("c", True, True),
    ]


def test_who_comes_while_a_session_lasts_joins_it() -> None:
    """An occurrence whose time falls into another broadcast waits for its end."""
    content = make_content(make_schedule("a"), make_schedule("b", make_rule(time(17, 30, 30))))
    assert brief(planned(content)) == [
        ("a", "17:30:00", State.PLANNED),
        ("b", "17:31:02", State.PLANNED),
    ]


def test_an_urgent_one_overtakes_those_that_wait() -> None:
    """A priority bulletin that comes during the session goes before what still waits in it."""
    content = make_content(
        make_schedule("a"),
        make_schedule("b"),
        make_schedule("c", make_rule(time(17, 30, 30)), bulletin_class=BulletinClass.PRIORITY),
    )
    assert [one.schedule for one in planned(content)] == ["a", "c", "b"]


def test_clusters_do_not_wait_for_each_other() -> None:
    """Occurrences meet only on the same cluster."""
    content = make_content(clusters=[make_cluster("x"), make_cluster("y")])
    assert brief(planned(content)) == [("lich", "17:30:00", State.PLANNED)] * 2


def test_what_passes_the_session_is_displaced_the_last_first() -> None:
    """What would pass the session's minutes is displaced, and so is all that stands behind it."""
    content = make_content(
        make_schedule("a", scripts=["ngắn"]),
        make_schedule("b"),
        make_schedule("c"),
        make_schedule("d", scripts=["ngắn"]),
        scripts=[make_script(seconds=600), make_script("ngắn", seconds=10)],
        hours=make_hours(session_minutes=15),
    )
    assert {one.schedule: one.reason for one in planned(content)} == {
        "a": None,
        "b": None,
        "c": Reason.SESSION_FULL,
        "d": Reason.SESSION_FULL,
    }


def test_a_session_may_use_its_last_second() -> None:
    """A session that lasts exactly its minutes is not too long."""
    scripts = [make_script(seconds=899)]
    hours = make_hours(session_minutes=30)
    content = make_content(make_schedule("a"), make_schedule("b"), scripts=scripts, hours=hours)
    assert [one.reason for one in planned(content)] == [None, None]
    scripts = [make_script(seconds=900)]
    content = make_content(make_schedule("a"), make_schedule("b"), scripts=scripts, hours=hours)
    assert {one.schedule: one.reason for one in planned(content)} == {"a": None, "b": Reason.SESSION_FULL}


def test_the_sessions_of_a_day_are_numbered() -> None:
    """After the last session of the day what still asks for one is displaced; the next day counts anew."""
    rule = make_rule(MORNING, time(6), EVENING)
    content = make_content(make_schedule("a", rule), hours=make_hours(sessions_per_day=2))
    assert [one.reason for one in planned(content, FRIDAY, "2026-11-22")] == [
        None,
        None,
        Reason.TOO_MANY_SESSIONS,
    ] * 2


def test_an_emergency_passes_session_and_number() -> None:
    """An emergency is displaced by neither a full session nor the number of sessions."""
    content = make_content(
        make_schedule("a", scripts=["dài"]),
        make_schedule("b", make_rule(EVENING, time(18, 10)), bulletin_class=BulletinClass.EMERGENCY),
        scripts=[make_script(seconds=300), make_script("dài", seconds=1700)],
        hours=make_hours(sessions_per_day=1, session_minutes=30),
    )
    assert brief(planned(content)) == [
        ("b", "17:30:00", State.PLANNED),
        ("a", "17:30:00", Reason.SESSION_FULL),
        ("b", "18:10:00", State.PLANNED),
    ]


def test_an_emergency_that_waits_past_midnight_is_planned_on_the_next_day() -> None:
    """A week's last emergency that has to wait until Monday is in Monday's plan, once."""
    rule = make_rule(time(23, 59, 50), weekdays=frozenset({6}))
    siren = {"bulletin_class": BulletinClass.EMERGENCY}
    content = make_content(make_schedule("a", rule, **siren), make_schedule("b", rule, **siren))
    assert [one.schedule for one in planned(content, "2026-11-22", "2026-11-23")] == ["a"]
    assert [one.schedule for one in planned(content, "2026-11-23", "2026-11-24")] == ["b"]


# --- what is missing


def test_a_language_that_is_not_all_there_is_named() -> None:
    """A cluster hears the languages that are whole; the plan names the others and what they lack."""
    content = make_content(clusters=[make_cluster(languages=["vi", "hmn-Latn-VN"])])
    (one,) = planned(content)
    assert (one.state, one.reason) == (State.PLANNED, Reason.INCOMPLETE)
    assert one.detail == "hmn-Latn-VN: no-recording (loi)"
    assert [recipe.language for recipe in one.whole] == ["vi"]


def test_an_occurrence_without_any_whole_language_is_withheld() -> None:
    """Where no language is whole nothing sounds, the plan says why, and no room is taken."""
    content = make_content(
        make_schedule("a", areas=["03160/nam-po"]), clusters=[make_cluster(languages=["hmn-Latn-VN"])]
    )
    assert brief(planned(content)) == [("a", "17:30:00", Reason.INCOMPLETE)]
    (one,) = planned(content)
    assert (one.state, one.detail) == (State.WITHHELD, "hmn-Latn-VN: no-recording (loi)")


def test_a_language_sounds_once_it_is_recorded() -> None:
    """A recording is all that a language without a voice needs."""
    content = make_content(
        clusters=[make_cluster(languages=["hmn-Latn-VN"])],
        recordings=[make_recording(language="hmn-Latn-VN", seconds=42.0)],
    )
    (one,) = planned(content)
    assert (one.state, one.seconds) == (State.PLANNED, 42.0 + 59.0)


# --- the log


def test_the_plan_says_what_became_of_the_past() -> None:
    """An occurrence that the log knows carries its outcome; the others carry none."""
    content = make_content(make_schedule("a", make_rule(MORNING, EVENING)))
    morning, _ = planned(content)
    outcomes = [one.outcome for one in planned(content, log=make_log(make_airing(morning, Outcome.CUT)))]
    assert outcomes == [Outcome.CUT, None]


@pytest.mark.parametrize("outcome", sorted(LOST))
def test_what_was_lost_is_made_good(outcome: Outcome) -> None:
    """A loss that leaves the week below its quota is made good at the next of its times in the week."""
    content = make_content(make_schedule("bhxh", TWICE_A_WEEK))
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po", outcome=outcome)
    week = planned(content, *WEEK, log=log)
    assert [(f"{one.at:%a}", one.kind, one.state) for one in week] == [
        ("Tue", Kind.PLANNED, State.PLANNED),
        ("Wed", Kind.MAKE_GOOD, State.PLANNED),
        ("Fri", Kind.PLANNED, State.PLANNED),
    ]
    assert week[1].id == "bhxh/2026-11-18T17:30:00/nam-po"


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - LOST))
def test_what_was_not_lost_is_not_made_good(outcome: Outcome) -> None:
    """What aired, or was withheld for want of a recording, has no make-good."""
    content = make_content(make_schedule("bhxh", TWICE_A_WEEK))
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po", outcome=outcome)
    assert make_goods(planned(content, *WEEK, log=log)) == []


def test_without_a_quota_nothing_is_made_good() -> None:
    """A rule that asks for no number of airings has no make-goods."""
    content = make_content(make_schedule("bhxh", make_rule(EVENING, weekdays=TUE_FRI)))
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == []


@pytest.mark.parametrize("outcome", sorted(LOST))
def test_what_an_emergency_took_is_made_good_without_a_quota(outcome: Outcome) -> None:
    """What an emergency cut off or held back sounds at the schedule's next free time, else in a session."""
    content = make_content(make_schedule("bhxh", make_rule(MORNING, EVENING, weekdays=TUE_FRI)))
    log = lost(content, "bhxh/2026-11-17T05:30:00/nam-po", outcome=outcome, reason=Reason.ALERT)
    assert make_goods(planned(content, *WEEK, log=log)) == ["Wed 05:30"]
    daily = make_content(make_schedule("bhxh"))
    log = lost(daily, "bhxh/2026-11-17T17:30:00/nam-po", outcome=outcome, reason=Reason.ALERT)
    assert make_goods(planned(daily, *WEEK, log=log)) == ["Tue 17:35"]


def test_an_extra_that_an_emergency_took_is_made_good() -> None:
    """A date beside all rules is owed too, on any day of its week."""
    content = make_content(make_schedule("bhxh", campaigns=[], extras=[datetime(2026, 11, 17, 17, 30)]))  # noqa: DTZ001
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po", reason=Reason.ALERT)
    assert make_goods(planned(content, *WEEK, log=log)) == ["Tue 17:35"]


def test_what_an_emergency_took_is_owed_above_the_quota_once() -> None:
    """It is made good though the week reaches its quota without it, and then counts as if never lost."""
    three = make_rule(EVENING, weekdays=frozenset({0, 1, 4}), at_least=Quota(2))
    content = make_content(make_schedule("bhxh", three))
    log = lost(content, "bhxh/2026-11-16T17:30:00/nam-po", reason=Reason.ALERT)
    assert make_goods(planned(content, *WEEK, log=log)) == ["Wed 17:30"]
    log |= lost(content, "bhxh/2026-11-17T17:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == ["Wed 17:30"]


def test_a_make_good_that_an_emergency_took_is_owed_again() -> None:
    """Until the week is over; one that is lost otherwise was owed once."""
    content = make_content(make_schedule("bhxh", make_rule(EVENING, weekdays=TUE_FRI)))
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po", reason=Reason.ALERT)
    (extra,) = [one for one in planned(content, *WEEK, log=log) if one.kind is Kind.MAKE_GOOD]
    again = log | make_log(make_airing(extra, Outcome.MISSED, reason=Reason.ALERT))
    assert make_goods(planned(content, *WEEK, log=again)) == ["Wed 17:30", "Thu 17:30"]
    failed = log | make_log(make_airing(extra, Outcome.FAILED))
    assert make_goods(planned(content, *WEEK, log=failed)) == ["Wed 17:30"]


RELAY = Relay("http://radio.vn/live", 30 * 60)


def test_a_relay_lasts_its_minutes() -> None:
    """It fills a session of as many minutes, whatever would replace it; what comes behind it has no room."""
    for scripts in ([], ["tin"]):
        relay = make_schedule("a", make_rule(EVENING), scripts=scripts, relay=RELAY)
        content = make_content(relay, make_schedule("b", make_rule(EVENING)))
        one, other = planned(content)
        assert (one.relay, one.seconds, one.state, one.opens, one.closes) == (
            RELAY,
            1800,
            State.PLANNED,
            True,
            True,
        )
        assert (other.state, other.reason) == (State.DISPLACED, Reason.SESSION_FULL)
        assert (one.script, one.script_title) == ("tin" if scripts else "", "Lịch a")
        assert [recipe.language for recipe in one.recipes] == (["vi"] if scripts else [])


def test_a_relay_ends_within_the_hours() -> None:
    """One that would go on after them is displaced as anything is, and an emergency is not."""
    for bulletin_class, state in (
        (BulletinClass.NORMAL, State.DISPLACED),
        (BulletinClass.EMERGENCY, State.PLANNED),
    ):
        late = make_rule(time(18, 5))
        relay = make_schedule("a", late, scripts=[], relay=RELAY, bulletin_class=bulletin_class)
        (one,) = planned(make_content(relay))
        assert one.state is state


def test_a_relay_sounds_though_what_replaces_it_lacks_something() -> None:
    """The plan keeps it, and tells what the local programme lacks."""
    script = make_script(items=[replace(make_script().items[0], text={"en": "Hello"})])
    content = make_content(make_schedule("a", make_rule(EVENING), relay=RELAY), scripts=[script])
    (one,) = planned(content)
    assert (one.state, one.reason, one.seconds) == (State.PLANNED, Reason.INCOMPLETE, 1800)
    assert one.detail == "vi: no-recording (loi)"


def test_a_relay_that_an_emergency_took_is_not_owed() -> None:
    """By then the stream has gone on to something else; a quota of the schedule is kept all the same."""
    for quota, count in ((None, 0), (Quota(7), 1)):
        relay = make_schedule("a", make_rule(time(17), at_least=quota), scripts=[], relay=RELAY)
        content = make_content(relay)
        log = lost(content, "a/2026-11-17T17:00:00/nam-po", reason=Reason.ALERT)
        assert len(make_goods(planned(content, *WEEK, log=log))) == count


def test_what_replaces_a_relay_rotates() -> None:
    """Several scripts take turns as they do elsewhere."""
    scripts = [make_script("tin"), make_script("nuoc")]
    content = make_content(
        make_schedule("a", make_rule(MORNING, EVENING), scripts=["tin", "nuoc"], relay=RELAY), scripts=scripts
    )
    assert {one.script for one in planned(content)} == {"tin", "nuoc"}


def test_a_loss_above_the_quota_is_not_made_good() -> None:
    """While the week still reaches its quota, nothing is added."""
    content = make_content(
        make_schedule("bhxh", make_rule(EVENING, weekdays=frozenset({0, 1, 4}), at_least=Quota(2)))
    )
    log = lost(content, "bhxh/2026-11-16T17:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == []
    log |= lost(content, "bhxh/2026-11-17T17:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == ["Wed 17:30"]


def test_a_lost_make_good_is_made_good() -> None:
    """A make-good that is lost in its turn is replaced too, while the week lasts."""
    content = make_content(make_schedule("bhxh", TWICE_A_WEEK))
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po")
    for days in (["Wed"], ["Wed", "Thu"], ["Wed", "Thu", "Sat"], ["Wed", "Thu", "Sat", "Sun"]):
        week = planned(content, *WEEK, log=log)
        assert make_goods(week) == [f"{day} 17:30" for day in days]
        last = [one for one in week if one.kind is Kind.MAKE_GOOD][-1]
        log |= make_log(make_airing(last, Outcome.FAILED))
    assert make_goods(planned(content, *WEEK, log=log)) == [f"{day} 17:30" for day in days] + ["Sun 17:35"]


def test_a_make_good_looks_forward_from_when_the_loss_was_known() -> None:
    """A loss that was found out on Thursday, when the power came back, is made good after that."""
    content = make_content(make_schedule("bhxh", TWICE_A_WEEK))
    tuesday = planned(content, *WEEK)[0]
    log = make_log(make_airing(tuesday, Outcome.MISSED, logged=at("2026-11-19", "17:30")))
    assert make_goods(planned(content, *WEEK, log=log)) == ["Sat 17:30"]


@pytest.mark.parametrize(("known", "made_good"), [("17:28:59", "Thu"), ("17:29:30", "Sat")])
def test_a_make_good_leaves_a_minute_to_prepare_it(known: str, made_good: str) -> None:
    """What is known to be lost only seconds before a time is made good at the one after it."""
    content = make_content(make_schedule("bhxh", TWICE_A_WEEK))
    tuesday = planned(content, *WEEK)[0]
    log = make_log(make_airing(tuesday, Outcome.MISSED, logged=at("2026-11-19", known)))
    assert make_goods(planned(content, *WEEK, log=log)) == [f"{made_good} 17:30"]


def test_a_loss_is_not_known_before_its_time() -> None:
    """Logged by a clock that was not set, a loss is made good after it and not in the days before it."""
    content = make_content(make_schedule("bhxh", TWICE_A_WEEK))
    friday = planned(content, *WEEK)[1]
    log = make_log(make_airing(friday, Outcome.CUT, reason=Reason.POWER, logged=at("1970-01-01")))
    assert make_goods(planned(content, *WEEK, log=log)) == ["Sat 17:30"]


def test_a_loss_is_made_good_in_its_own_week() -> None:
    """What is lost on Sunday evening is made good that evening; found out in the next week, it is lost."""
    content = make_content(
        make_schedule("bhxh", make_rule(EVENING, weekdays=frozenset({6}), at_least=Quota(1)))
    )
    log = lost(content, "bhxh/2026-11-22T17:30:00/nam-po")
    assert make_goods(planned(content, "2026-11-16", "2026-11-30", log=log)) == ["Sun 17:35"]
    sunday = planned(content, *WEEK)[0]
    for known in (at("2026-11-22", "18:30"), at("2026-11-23", "05:00")):
        late = make_log(make_airing(sunday, Outcome.MISSED, logged=known))
        assert make_goods(planned(content, "2026-11-16", "2026-11-30", log=late)) == []


def test_a_make_good_keeps_the_clusters_apart() -> None:
    """A loss on one cluster is made good there, not on the others."""
    content = make_content(
        make_schedule("bhxh", TWICE_A_WEEK), clusters=[make_cluster("x"), make_cluster("y")]
    )
    log = lost(content, "bhxh/2026-11-17T17:30:00/y")
    extra = [one for one in planned(content, *WEEK, log=log) if one.kind is Kind.MAKE_GOOD]
    assert [one.cluster for one in extra] == ["y"]


def test_a_make_good_repeats_the_script_that_was_lost() -> None:
    """Where scripts rotate, the one that was lost is the one that is made good."""
    scripts = [make_script(name) for name in "abc"]
    content = make_content(make_schedule("bhxh", TWICE_A_WEEK, scripts=["a", "b", "c"]), scripts=scripts)
    for tuesday in ("2026-11-17", "2026-11-24", "2026-12-01"):
        monday, sunday = at(tuesday) - timedelta(days=1), at(tuesday) + timedelta(days=6)
        first, second = plan(content, {}, monday, sunday)
        for one in (first, second):
            log = make_log(make_airing(one, Outcome.MISSED))
            (extra,) = (two for two in plan(content, log, monday, sunday) if two.kind is Kind.MAKE_GOOD)
            assert extra.script == one.script


def test_a_displaced_one_is_made_good_before_the_log_knows() -> None:
    """What the plan itself displaces it makes good at once."""
    content = make_content(
        make_schedule("a", make_rule(EVENING, weekdays=frozenset({1})), scripts=["dài"]),
        make_schedule("b", TWICE_A_WEEK),
        scripts=[make_script(), make_script("dài", seconds=1790)],
    )
    week = planned(content, *WEEK)
    assert {(f"{one.at:%a}", one.schedule, one.kind, one.reason) for one in week} == {
        ("Tue", "a", Kind.PLANNED, None),
        ("Tue", "b", Kind.PLANNED, Reason.SESSION_FULL),
        ("Wed", "b", Kind.MAKE_GOOD, None),
        ("Fri", "b", Kind.PLANNED, None),
    }


def test_the_make_good_of_a_displaced_one_stays_when_that_is_logged() -> None:
    """That the log, days later, confirms what the plan displaced does not move its make-good."""
    content = make_content(
        make_schedule("a", make_rule(EVENING, weekdays=frozenset({1})), scripts=["dài"]),
        make_schedule("b", TWICE_A_WEEK),
        scripts=[make_script(), make_script("dài", seconds=1790)],
    )
    displaced = next(one for one in planned(content, *WEEK) if one.state is State.DISPLACED)
    late = make_airing(displaced, Outcome.DISPLACED, logged=at("2026-11-19", "08:00"))
    assert make_goods(planned(content, *WEEK, log=make_log(late))) == ["Wed 17:30"]


def test_what_the_plan_displaces_is_promised_before_any_loss() -> None:
    """The make-good of what the plan displaces is there from the first, and no loss takes its room."""
    content = make_content(
        make_schedule("a", make_rule(EVENING, weekdays=frozenset({1})), scripts=["dài"]),
        make_schedule("b", make_rule(EVENING, weekdays=frozenset({1}), at_least=Quota(1)), scripts=["vừa"]),
        make_schedule("c", make_rule(EVENING, weekdays=frozenset({0}), at_least=Quota(1)), scripts=["vừa"]),
        scripts=[make_script("dài", seconds=1790), make_script("vừa", seconds=1000)],
    )
    promised = "b/2026-11-18T17:30:00/nam-po"
    assert promised in {one.id for one in planned(content, *WEEK)}
    log = lost(content, "c/2026-11-16T17:30:00/nam-po")
    extra = [one.id for one in planned(content, *WEEK, log=log) if one.kind is Kind.MAKE_GOOD]
    assert extra == [promised, "c/2026-11-19T17:30:00/nam-po"]


def test_what_was_never_to_sound_is_no_loss() -> None:
    """A withheld occurrence does not count towards the quota, whatever the log calls it."""
    content = make_content(
        make_schedule(
            "p",
            make_rule(EVENING, weekdays=frozenset({1, 2, 4}), at_least=Quota(2)),
            scripts=["tin", "chưa thu", "tin"],
        ),
        scripts=[make_script("tin"), make_script("chưa thu")],
        clusters=[make_cluster(languages=["hmn-Latn-VN"])],
        recordings=[make_recording(language="hmn-Latn-VN")],
    )
    tuesday, wednesday, _ = planned(content, *WEEK)
    assert wednesday.state is State.WITHHELD
    log = make_log(make_airing(tuesday, Outcome.MISSED), make_airing(wednesday, Outcome.MISSED))
    assert make_goods(planned(content, *WEEK, log=log)) == ["Thu 17:30"]


def test_no_make_good_on_an_excepted_day() -> None:
    """A make-good passes over the days on which its schedule is silent."""
    silent = Exclusion(Days(date(2026, 11, 18), date(2026, 11, 18)), "nghỉ")
    content = make_content(make_schedule("bhxh", TWICE_A_WEEK, exclusions=[silent]))
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po")
    week = planned(content, *WEEK, log=log)
    assert make_goods(week) == ["Thu 17:30"]
    assert all(one.state is State.PLANNED for one in week)


def test_no_make_good_after_the_last_day_of_the_rule() -> None:
    """A rule that ends on Wednesday is not made good on Thursday."""
    rule = make_rule(EVENING, weekdays=TUE_FRI, at_least=Quota(2), within=Days(None, date(2026, 11, 18)))
    content = make_content(make_schedule("bhxh", rule))
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == ["Wed 17:30"]
    log |= make_log(make_airing(planned(content, *WEEK, log=log)[-1], Outcome.FAILED))
    assert make_goods(planned(content, *WEEK, log=log)) == ["Wed 17:30", "Wed 17:35"]


def test_a_make_good_does_not_take_the_place_of_a_moved_occurrence() -> None:
    """The time that an occurrence was moved away from is no free slot: its id is taken."""
    move = moving("2026-11-20T17:30:00", "2026-11-21T05:30:00")
    content = make_content(make_schedule("bhxh", TWICE_A_WEEK, moves=[move]))
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po")
    for name in ("bhxh/2026-11-18T17:30:00/nam-po", "bhxh/2026-11-19T17:30:00/nam-po"):
        extra = next(one for one in planned(content, *WEEK, log=log) if one.id == name)
        log |= make_log(make_airing(extra, Outcome.FAILED))
    week = planned(content, *WEEK, log=log)
    assert make_goods(week) == ["Wed 17:30", "Thu 17:30", "Sat 17:30"]
    assert len({one.id for one in week}) == len(week)


def test_a_make_good_displaces_nobody() -> None:
    """A make-good that would crowd out another schedule's occurrence goes to a later day instead."""
    content = make_content(
        make_schedule("a", TWICE_A_WEEK, scripts=["vừa"]),
        make_schedule("b", make_rule(EVENING, weekdays=frozenset({2})), scripts=["dài"]),
        scripts=[make_script("vừa", seconds=600), make_script("dài", seconds=1500)],
    )
    log = lost(content, "a/2026-11-17T17:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == ["Thu 17:30"]


def test_a_make_good_does_not_trade_one_for_another() -> None:
    """A make-good is no bargain: not even where another displaced one would sound for the one it takes."""
    content = make_content(
        make_schedule("a", TWICE_A_WEEK, scripts=["vừa"]),
        make_schedule("b", make_rule(EVENING, weekdays=frozenset({2})), scripts=["dài"]),
        make_schedule("c", make_rule(time(17, 45), weekdays=frozenset({2})), scripts=["vừa"]),
        scripts=[make_script("vừa", seconds=600), make_script("dài", seconds=1500)],
    )
    before = {one.id for one in planned(content, *WEEK) if one.state is State.PLANNED}
    log = lost(content, "a/2026-11-17T17:30:00/nam-po")
    after = {one.id for one in planned(content, *WEEK, log=log) if one.state is State.PLANNED}
    assert before < after


def test_an_earlier_promise_comes_before_a_later_loss() -> None:
    """Room that was promised to one make-good is not given to another whose loss became known later."""
    content = make_content(
        make_schedule("a", make_rule(EVENING, weekdays=frozenset({1}), at_least=Quota(1))),
        make_schedule("b", make_rule(EVENING, weekdays=frozenset({0}), at_least=Quota(1))),
        scripts=[make_script(seconds=1000)],
    )
    log = lost(content, "b/2026-11-16T17:30:00/nam-po")
    promised = "b/2026-11-18T17:30:00/nam-po"
    assert promised in {one.id for one in planned(content, *WEEK, log=log)}
    log |= lost(content, "a/2026-11-17T17:30:00/nam-po")
    extra = [one for one in planned(content, *WEEK, log=log) if one.kind is Kind.MAKE_GOOD]
    assert [one.id for one in extra] == [promised, "a/2026-11-19T17:30:00/nam-po"]


def test_a_campaign_with_a_quota_is_made_good() -> None:
    """A campaign can ask for a number of airings as a rule can."""
    days = Days(date(2026, 11, 16), date(2026, 11, 22))
    campaign = make_rule(MORNING, weekdays=TUE_FRI, within=days, at_least=Quota(2))
    content = make_content(make_schedule("bhxh", make_rule(EVENING), campaigns=[campaign]))
    log = lost(content, "bhxh/2026-11-17T05:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == ["Wed 05:30"]


def test_two_quotas_of_one_schedule_share_its_airings() -> None:
    """In the week in which one month's rule hands over to the next's, a loss is made good once."""
    content = make_content(
        make_schedule(
            "bhxh",
            make_rule(EVENING, months=frozenset({6}), weekdays=TUE_FRI, at_least=Quota(2)),
            make_rule(EVENING, months=frozenset({7}), weekdays=TUE_FRI, at_least=Quota(2)),
        )
    )
    week = planned(content, "2026-06-29", "2026-07-06")
    assert [f"{one.at:%m-%d}" for one in week] == ["06-30", "07-03"]
    log = make_log(make_airing(week[0], Outcome.MISSED))
    assert make_goods(planned(content, "2026-06-29", "2026-07-06", log=log)) == ["Wed 17:30"]


@pytest.mark.parametrize("quotas", [(1, 2), (2, 1)])
def test_the_higher_of_two_quotas_counts(quotas: tuple[int, int]) -> None:
    """Where a week has two quotas of one schedule, the higher one is kept."""
    rules = [
        make_rule(EVENING, weekdays=frozenset({day}), at_least=Quota(quota))
        for day, quota in zip((1, 4), quotas, strict=True)
    ]
    content = make_content(make_schedule("bhxh", *rules))
    log = lost(content, "bhxh/2026-11-17T17:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == ["Wed 17:30"]


@pytest.mark.parametrize("known", ["23:55:00", "23:55:01", "23:59:59"])
def test_a_loss_found_out_at_the_very_end_of_the_week_is_lost(known: str) -> None:
    """Just before midnight of Sunday there is no full five minutes left, and nothing breaks."""
    content = make_content(make_schedule("bhxh", make_rule(EVENING, at_least=Quota(7))))
    sunday = planned(content, "2026-11-22")[0]
    log = make_log(make_airing(sunday, Outcome.MISSED, logged=at("2026-11-22", known)))
    assert make_goods(planned(content, "2026-11-16", "2026-11-30", log=log)) == []


def test_a_make_good_may_lead_into_the_session_after_it() -> None:
    """With all sessions of the day taken and the hours over after the last, it goes right before that."""
    content = make_content(
        make_schedule("a", make_rule(MORNING, weekdays=frozenset({6}), at_least=Quota(1)), scripts=["vừa"]),
        make_schedule("b", make_rule(time(17, 50)), scripts=["vừa"]),
        scripts=[make_script("vừa", seconds=600)],
        hours=make_hours(span("05:00", "06:30"), span("17:00", "18:00"), sessions_per_day=2),
    )
    log = lost(content, "a/2026-11-22T05:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == []  # 600 s, a pause, 600 s: past the hours
    hours = make_hours(span("05:00", "06:30"), span("17:00", "18:01"), sessions_per_day=2)
    wide = replace(content, station=replace(content.station, hours=hours))
    week = planned(wide, *WEEK, log=log)
    assert make_goods(week) == ["Sun 17:40"]
    assert [f"{one.at:%H:%M:%S}" for one in week if one.at.day == 22] == ["05:30:00", "17:40:00", "17:50:02"]


def test_a_make_good_goes_round_what_is_displaced_anyway() -> None:
    """A slot taken by one that is too long for any session, and pulls down what joins it, is passed over."""
    content = make_content(
        make_schedule("a", make_rule(EVENING, weekdays=frozenset({6}), at_least=Quota(1))),
        make_schedule("b", make_rule(time(17, 35)), scripts=["dài"], bulletin_class=BulletinClass.PRIORITY),
        scripts=[make_script(), make_script("dài", seconds=1801)],
        hours=make_hours(span("17:30", "18:30")),
    )
    log = lost(content, "a/2026-11-22T17:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == ["Sun 17:40"]


def test_a_lost_emergency_is_made_good_on_a_full_day() -> None:
    """What passes the number of sessions is not kept from a day because its sessions are taken."""
    content = make_content(
        make_schedule(
            "a",
            make_rule(MORNING, weekdays=frozenset({6}), at_least=Quota(1)),
            bulletin_class=BulletinClass.EMERGENCY,
        ),
        make_schedule("b", make_rule(EVENING), scripts=["dài"]),
        scripts=[make_script(), make_script("dài", seconds=1790)],
        hours=make_hours(sessions_per_day=1),
    )
    log = lost(content, "a/2026-11-22T05:30:00/nam-po")
    assert make_goods(planned(content, *WEEK, log=log)) == ["Sun 05:35"]


@pytest.mark.parametrize("kind", ["months", "season"])
def test_no_make_good_after_the_months_or_the_season_of_the_rule(kind: str) -> None:
    """What is for July alone is not made good in August, however the rule says it."""
    july = Season("vai", "Vải", "everyone", ["11"], Days(date(2026, 7, 1), date(2026, 7, 31)))
    given = {"months": frozenset({7})} if kind == "months" else {"season": ["vai"]}
    schedule = make_schedule("bhxh", make_rule(EVENING, at_least=Quota(7), **given))
    content = replace(make_content(schedule), seasons=[july])
    thursday, friday = planned(content, "2026-07-30", "2026-08-03")
    log = make_log(make_airing(thursday, Outcome.MISSED))
    assert make_goods(planned(content, "2026-07-27", "2026-08-03", log=log)) == ["Thu 17:35"]
    log = make_log(make_airing(friday, Outcome.MISSED, logged=at("2026-08-01")))
    assert make_goods(planned(content, "2026-07-27", "2026-08-03", log=log)) == []


def test_a_place_that_is_there_for_a_few_days_is_heard() -> None:
    """A camp that begins on Tuesday and ends on Thursday hears its schedule on those days."""
    camp = make_area("03160/trai", "03160", valid_from=date(2026, 11, 17), valid_until=date(2026, 11, 19))
    content = make_content(
        make_schedule(), areas=Areas([*make_areas(), camp]), clusters=[make_cluster(area="03160/trai")]
    )
    assert [one.at.day for one in planned(content, *WEEK)] == [17, 18, 19]


def late(*schedules: Schedule, **given: Any) -> Content:
    """Loudspeakers that sound around the clock."""
    return make_content(
        *schedules,
        scripts=[make_script(), make_script("dài", seconds=1790)],
        hours=make_hours(span("00:00", "23:59:59"), sessions_per_day=9),
        **given,
    )


def test_an_emergency_that_waits_for_another_reaches_beyond_midnight() -> None:
    """What is on air before an emergency counts too: the next day begins when both are over."""
    content = late(
        make_schedule("a", make_rule(time(23, 30)), scripts=["dài"]),
        make_schedule("b", make_rule(time(23, 50)), bulletin_class=BulletinClass.EMERGENCY, scripts=["dài"]),
        make_schedule("c", make_rule(time(0, 5))),
    )
    found = planned(content, "2026-11-16", "2026-11-18")
    assert [(one.schedule, f"{one.at:%d %H:%M:%S}") for one in found if one.state is State.PLANNED] == [
        ("c", "16 00:29:44"),
        ("a", "16 23:30:00"),
        ("b", "16 23:59:52"),
        ("c", "17 00:29:44"),
        ("a", "17 23:30:00"),
        ("b", "17 23:59:52"),
    ]


def test_a_make_good_does_not_reach_beyond_midnight() -> None:
    """Nothing that is made good late in the evening makes the next day wait."""
    emergency = make_schedule(
        "a",
        make_rule(time(23, 40), weekdays=frozenset({1}), at_least=Quota(1)),
        bulletin_class=BulletinClass.EMERGENCY,
        scripts=["dài"],
    )
    content = late(emergency, make_schedule("c", make_rule(time(0, 5))))
    log = lost(content, "a/2026-11-17T23:40:00/nam-po")
    week = planned(content, *WEEK, log=log)
    assert make_goods(week) == ["Wed 00:15"]
    begins = [f"{one.at:%a %H:%M}" for one in week if one.schedule == "c"]
    assert begins[:4] == ["Mon 00:05", "Tue 00:05", "Wed 00:09", "Thu 00:05"]


def test_a_make_good_lets_nobody_in_who_is_displaced() -> None:
    """One for which the day has no session left does not slip into that of a make-good: that would end it."""
    content = make_content(
        make_schedule("a", make_rule(time(17), weekdays=frozenset({6}), at_least=Quota(1))),
        make_schedule("b", make_rule(time(17, 20), weekdays=frozenset({6}))),
        scripts=[make_script(seconds=600)],
        hours=make_hours(span("16:30", "18:30"), session_minutes=60, sessions_per_day=1),
    )
    sunday = planned(content, *WEEK)[0]
    log = make_log(make_airing(sunday, Outcome.CUT, logged=at("2026-11-22", "17:01")))
    week = planned(content, *WEEK, log=log)
    assert [(one.schedule, one.state) for one in week] == [("a", State.PLANNED), ("b", State.DISPLACED)]
