"""What `check` says between the files: hours, areas, seasons, moves, room and quotas, each once."""

from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest

from broadcaster.model.area import Areas
from broadcaster.model.check import check, past
from broadcaster.model.content import Content
from broadcaster.model.errors import Fault
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
from broadcaster.model.script import Item
from tests.factories import (
    EVENING,
    MORNING,
    make_area,
    make_areas,
    make_cluster,
    make_content,
    make_hours,
    make_recording,
    make_rule,
    make_schedule,
    make_script,
    span,
)

MONDAY = date(2026, 11, 23)
TUESDAY, THURSDAY = 1, 3
AT_NIGHT = time(3, 15)
LONG = [make_script("tin", seconds=1200), make_script("nuoc", seconds=1200)]  # two do not fit into a session


def wall(day: str, clock: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{clock}")


def told(content: Content, day: date = MONDAY) -> list[tuple[str, str, bool]]:
    """Where, what, and whether it is a warning only."""
    return [(one.where, str(one.what), one.warning) for one in check(content, day)]


def only(content: Content, day: date = MONDAY) -> Fault:
    (fault,) = check(content, day)
    return fault


@pytest.mark.parametrize(
    ("sinks", "shared"),
    [
        (("card:default", "card:default"), ["Cụm a, Cụm b"]),
        (("card:usb#left", "card:usb#right"), []),
        (("card:usb#left", "card:usb"), ["Cụm a, Cụm b"]),
        (("card:usb#left", "card:usb#left"), ["Cụm a, Cụm b"]),
        (("card:usb", "card:usb2#left"), []),
        (("null", "null"), []),
    ],
)
def test_clusters_that_would_sound_into_each_other_are_warned_of(
    sinks: tuple[str, str], shared: list[str]
) -> None:
    """A card belongs to one cluster, or each of its sides does."""
    clusters = [make_cluster(name, sink=sink) for name, sink in zip("ab", sinks, strict=True)]
    found = check(make_content(clusters=clusters), MONDAY)
    assert [str(one.what).partition(" share")[0] for one in found] == shared
    assert all(one.warning for one in found)


def test_nothing_is_wrong_with_what_fits() -> None:
    """A schedule whose programme has room is told nothing."""
    assert told(make_content()) == []


class Daily:
    """Asks for the same times every day."""

    def __init__(self, *times: time) -> None:
        self.times = times

    def times_on(self, day: date) -> tuple[time, ...]:
        return self.times if day >= MONDAY else ()


class TestHours:
    @pytest.mark.parametrize(
        ("given", "at"),
        [
            ({"rules": [make_rule(), make_rule(MORNING, AT_NIGHT)]}, ("rule", 1, "times", 1)),
            (
                {"rules": [make_rule(), replace(make_rule(), times=(), recurrence=Daily(AT_NIGHT))]},
                ("rule", 1, "rrule"),
            ),
            ({"campaigns": [make_rule(AT_NIGHT, within=Days(MONDAY, MONDAY))]}, ("campaign", 0, "times", 0)),
            ({"extras": [wall("2026-11-24", "17:00"), wall("2026-11-25", "03:15")]}, ("extra", 1, "at")),
            (
                {"moves": [Move(wall("2026-11-24", "17:30"), wall("2026-11-24", "03:15"))]},
                ("move", 0, "to"),
            ),
        ],
    )
    def test_every_place_that_asks_outside_them_is_told_once(
        self, given: dict[str, Any], at: tuple[str | int, ...]
    ) -> None:
        """Rules, recurrences, campaigns, extras and moves, each at its place, as a fault."""
        fault = only(make_content(make_schedule(**{"rules": [make_rule()]} | given)))
        assert fault.at == at
        assert fault.where == f"schedules/lich.toml [{at[0]} {int(at[1]) + 1}]"
        assert "03:15 is outside the hours" in str(fault.what)
        assert "Allowed are 05:00-06:30, 16:30-18:30" in str(fault.next)
        assert not fault.warning

    def test_an_emergency_passes_them(self) -> None:
        """What must be said at night may be."""
        assert not told(
            make_content(make_schedule("x", make_rule(AT_NIGHT), bulletin_class=BulletinClass.EMERGENCY))
        )


class TestSingleOnes:
    def test_a_move_of_nothing_says_when_it_would_sound(self) -> None:
        """A move that matches no occurrence is told with the times of that day."""
        move = Move(wall("2026-11-24", "17:00"), wall("2026-11-24", "17:10"))
        fault = only(make_content(make_schedule(moves=[move])))
        assert (fault.at, fault.warning) == (("move", 0, "occurrence"), True)
        assert "There is no occurrence at 2026-11-24 17:00:00" in str(fault.what)
        assert "On that day it sounds at 17:30:00." in str(fault.next)

    def test_a_move_of_a_day_without_any_says_so(self) -> None:
        """On a day on which nothing sounds there is nothing to move."""
        move = Move(wall("2026-11-24", "17:30"), wall("2026-11-24", "17:10"))
        content = make_content(make_schedule("x", make_rule(weekdays=frozenset({THURSDAY})), moves=[move]))
        assert "does not sound at all" in str(only(content).next)

    @pytest.mark.parametrize(
        "given",
        [
            {"extras": [wall("2026-11-26", "17:00")]},
            {"moves": [Move(wall("2026-11-25", "17:30"), wall("2026-11-26", "17:10"))]},
        ],
    )
    def test_a_silent_day_stays_silent(self, given: dict[str, Any]) -> None:
        """An extra on an excepted day, and a move to one, are told with the reason of the exception."""
        exclusions = [Exclusion(Days(date(2026, 11, 26), date(2026, 11, 26)), "Lễ tang")]
        fault = only(make_content(make_schedule(exclusions=exclusions, **given)))
        assert fault.warning
        assert "2026-11-26" in str(fault.what)
        assert "stays silent: Lễ tang." in str(fault.what)

    def test_what_is_over_is_not_nagged_about(self) -> None:
        """Moves of the past keep their peace, whatever the rules are now."""
        move = Move(wall("2026-11-20", "17:00"), wall("2026-11-20", "17:10"))
        assert not told(make_content(make_schedule(moves=[move])))

    def test_a_move_on_a_silent_day_does_not_say_that_it_sounds(self) -> None:
        """The day of an exception is called silent, with the times that it else would have."""
        exclusions = [Exclusion(Days(date(2026, 11, 26), date(2026, 11, 26)), "Lễ tang")]
        move = Move(wall("2026-11-26", "17:00"), wall("2026-11-27", "17:10"))
        fault = only(make_content(make_schedule(exclusions=exclusions, moves=[move])))
        assert str(fault.next) == "That day is silent; else it would sound at 17:30:00."

    def test_what_is_over_is_told_of_an_edit(self) -> None:
        """A campaign, a rule, a move and an extra that end before today, each at its place; not today's."""
        days = Days(date(2026, 11, 1), date(2026, 11, 20))
        today = wall("2026-11-23", "17:00")
        schedule = make_schedule(
            rules=[make_rule(), make_rule(within=days)],
            campaigns=[make_rule(within=days), make_rule(within=Days(date(2026, 11, 20), MONDAY))],
            moves=[Move(today, today), Move(today, wall("2026-11-20", "17:00"))],
            extras=[today, wall("2025-11-24", "17:00")],
        )
        assert [(one.at, str(one.what), one.warning) for one in past(make_content(schedule), MONDAY)] == [
            (("rule", 1, "until"), "This lies in the past: it ended on 2026-11-20.", True),
            (("campaign", 0, "until"), "This lies in the past: it ended on 2026-11-20.", True),
            (("move", 1, "to"), "This lies in the past: 2026-11-20.", True),
            (("extra", 1, "at"), "This lies in the past: 2025-11-24.", True),
        ]


class TestNever:
    @pytest.mark.parametrize(
        "given",
        [
            {"days": frozenset({30, 31}), "months": frozenset({2})},
            {"weekdays": frozenset({TUESDAY}), "within": Days(MONDAY, MONDAY)},
            {"days": frozenset({31}), "within": Days(date(9999, 12, 1), date(9999, 12, 30))},
        ],
    )
    def test_a_rule_that_has_no_day_is_told(self, given: dict[str, Any]) -> None:
        """No year, or none of its own days, has one that fits it: a note beside the rule."""
        fault = only(make_content(make_schedule("x", make_rule(), make_rule(**given))))
        assert (fault.at, fault.warning) == (("rule", 1), True)
        assert str(fault.what) == "Nothing ever sounds by this rule."

    @pytest.mark.parametrize(
        "given",
        [
            {"days": frozenset({29}), "months": frozenset({2}), "weekdays": frozenset({TUESDAY})},
            {"within": Days(date(2030, 1, 1), date(2030, 1, 1))},
            {"within": Days(None, date(2026, 12, 1)), "months": frozenset({5})},
            {"days": frozenset({31}), "within": Days(date(2025, 2, 1), date(2025, 2, 2))},
        ],
    )
    def test_one_whose_day_is_rare_far_or_over_is_not(self, given: dict[str, Any]) -> None:
        """A Tuesday of the 29th of February comes, and what ended needs no day."""
        assert not told(make_content(make_schedule("x", make_rule(), make_rule(**given))))


class TestAreas:
    AREAS = Areas(
        [
            *make_areas(),
            make_area("24", valid_until=date(2025, 6, 30), name="Tỉnh Bắc Giang"),
            make_area("03161", "11", valid_from=date(2027, 1, 1)),
        ]
    )

    @pytest.mark.parametrize(
        ("code", "what"),
        [
            ("24", "The code “24” meant Tỉnh Bắc Giang until 2025-06-30."),
            ("03161", "The code “03161” means no place before 2027-01-01."),
        ],
    )
    def test_a_code_that_does_not_hold_that_day_is_a_fault(self, code: str, what: str) -> None:
        """A code of another time is told with the days on which it holds, for schedules and clusters."""
        fault = only(make_content(make_schedule(areas=["11", code]), areas=self.AREAS))
        assert (fault.where, fault.at, str(fault.what)) == ("schedules/lich.toml", ("areas", 1), what)
        content = make_content(
            areas=self.AREAS, clusters=[make_cluster(), make_cluster("x", area=code, sink="null")]
        )
        fault = only(content)
        assert (fault.where, fault.at) == ("schedules/station.toml [cluster x]", ("cluster", 1, "area"))
        assert str(fault.what) == what

    def test_where_nobody_hears_it_is_a_warning(self) -> None:
        """A schedule for a place of which the station serves nothing is told as a note."""
        fault = only(make_content(make_schedule(areas=["03166"])))
        assert (fault.at, fault.warning) == (("areas",), True)


def in_season(declared: Season | None = None, **given: Any) -> Content:
    """A rule for the lychee season of farmers, with one declared for the coming June and July."""
    schedule = make_schedule("x", make_rule(**given or {"season": ["vai"]}))
    within = Days(date(2027, 6, 1), date(2027, 7, 31))
    content = make_content(schedule, scripts=[make_script(group="farmers")])
    return replace(content, seasons=[declared or Season("vai", "Mùa vải", "farmers", ["11"], within)])


class TestSeasons:
    def test_one_that_is_declared_for_them_is_fine(self) -> None:
        """For the script's group or for everyone, above, at or below the schedule's area."""
        assert not told(in_season())
        assert not told(in_season(replace(in_season().seasons[0], group="everyone", areas=["03160/nam-po"])))

    def test_one_for_another_group_is_a_fault(self) -> None:
        """It says for whom it is declared, and for whom the script is."""
        fault = only(in_season(replace(in_season().seasons[0], group="small-traders")))
        assert (fault.at, fault.warning) == (("rule", 0, "season"), False)
        assert "declared for small traders, and the script is for farmers" in str(fault.what)

    def test_one_of_a_group_is_none_for_a_relay(self) -> None:
        """A relay without a script is for everyone."""
        farmers = in_season()
        relay = Relay("http://radio.vn/live", 600)
        content = replace(farmers, schedules=[replace(farmers.schedules[0], scripts=[], relay=relay)])
        assert "the script is for everyone" in str(only(content).what)

    def test_one_for_another_place_is_a_fault(self) -> None:
        """It says where it is declared."""
        fault = only(in_season(replace(in_season().seasons[0], areas=["03166"]), not_in_season=["vai"]))
        assert (fault.at, fault.warning) == (("rule", 0, "not_in_season"), False)
        assert "declared for 03166, where no cluster hears this schedule" in str(fault.what)

    @pytest.mark.parametrize(
        ("key", "after"), [("season", "nothing sounds"), ("not_in_season", "nothing is silent")]
    )
    def test_one_of_past_years_is_a_warning(self, key: str, after: str) -> None:
        """It says what will happen until the coming one is declared."""
        past = replace(in_season().seasons[0], within=Days(date(2025, 6, 1), date(2025, 7, 31)))
        fault = only(in_season(past, **{key: ["vai"]}))
        assert (fault.at, fault.warning) == (("rule", 0, key), True)
        assert f"up to 2025-07-31 only; after it {after}" in str(fault.what)

    def test_a_rule_that_ended_needs_none(self) -> None:
        """The campaign of a past year is not told that its season is over."""
        past = replace(in_season().seasons[0], within=Days(date(2025, 6, 1), date(2025, 7, 31)))
        assert not told(in_season(past, season=["vai"], within=Days(None, date(2025, 12, 31))))


class TestRoom:
    def test_two_that_never_both_fit_are_a_fault_of_the_later(self) -> None:
        """It names the one that stands in its way, their length together and the session's."""
        content = make_content(make_schedule("a"), make_schedule("b", scripts=["nuoc"]), scripts=LONG)
        fault = only(content)
        assert (fault.where, fault.warning) == ("schedules/b.toml [rule 1]", False)
        assert fault.at == ("rule", 0, "times", 0)
        assert "At 17:30 it never finds room at Cụm nam-po" in str(fault.what)
        assert "with “a” that is about 41 minutes, and a session has 30" in str(fault.what)

    def test_all_clusters_are_named_in_one_fault(self) -> None:
        """What two clusters lack is told once, with both."""
        clusters = [make_cluster("x", sink="null"), make_cluster("y", sink="null")]
        schedules = [make_schedule("a"), make_schedule("b", scripts=["nuoc"])]
        assert "at Cụm x, Cụm y" in str(only(make_content(*schedules, scripts=LONG, clusters=clusters)).what)

    def test_a_collision_now_and_then_is_one_warning(self) -> None:
        """It says how often in a year, and when first."""
        rules = [make_rule(weekdays=frozenset({TUESDAY})), make_rule(MORNING, weekdays=frozenset({THURSDAY}))]
        content = make_content(make_schedule("a", *rules), make_schedule("b", scripts=["nuoc"]), scripts=LONG)
        fault = only(content)
        assert fault.warning
        assert "no room 53 times at Cụm nam-po, first on 2026-11-24 17:30" in str(fault.what)

    def test_a_time_that_never_finds_room_is_a_fault_though_others_do(self) -> None:
        """Each time of day is judged: that the mornings sound does not excuse the evenings."""
        rules = [make_rule(weekdays=frozenset({TUESDAY})), make_rule(MORNING, weekdays=frozenset({THURSDAY}))]
        content = make_content(make_schedule("a"), make_schedule("b", *rules, scripts=["nuoc"]), scripts=LONG)
        fault = only(content)
        assert (fault.where, fault.warning) == ("schedules/b.toml [rule 1]", False)
        assert "At 17:30 it never finds room at Cụm nam-po" in str(fault.what)

    def test_measured_recordings_are_no_estimate(self) -> None:
        """With recordings that were listened to the minutes are exact."""
        scripts = [make_script(one, items=[Item("loi", {"vi": "A"}, pause=0)]) for one in ("tin", "nuoc")]
        recordings = [make_recording(script=one.id, seconds=1000.0, path=one.id) for one in scripts]
        schedules = [make_schedule("a"), make_schedule("b", scripts=["nuoc"])]
        content = make_content(*schedules, scripts=scripts, recordings=recordings)
        assert "with “a” that is 34 minutes" in str(only(content).what)

    def test_a_programme_longer_than_a_session_is_a_fault(self) -> None:
        """Alone it does not fit either."""
        content = make_content(scripts=[make_script(seconds=2000)])
        assert "it lasts about 34 minutes, and a session 30" in str(only(content).what)

    def test_a_relay_longer_than_a_session_is_a_fault(self) -> None:
        """Its minutes are known, and what would replace it counts for nothing."""
        long = make_schedule("tiep-am", scripts=[], relay=Relay("http://radio.vn/live", 45 * 60))
        assert "it lasts 45 minutes, and a session 30" in str(only(make_content(long)).what)

    def test_a_programme_that_passes_the_hours_is_a_fault(self) -> None:
        """Begun too late it would end outside the hours."""
        content = make_content(make_schedule("x", make_rule(time(18, 20))), scripts=LONG)
        assert "it lasts about 20 minutes, and the hours end at 18:30" in str(only(content).what)

    def test_one_behind_another_at_the_end_of_the_hours(self) -> None:
        """What the session before it pushes out of the hours says so."""
        schedules = [make_schedule("a", make_rule(time(18, 5))), make_schedule("b", make_rule(time(18, 5)))]
        content = make_content(*schedules, scripts=LONG, hours=make_hours(session_minutes=60))
        assert "behind “a” it would end after 18:30" in str(only(content).what)

    def test_sessions_that_are_used_up_are_named(self) -> None:
        """The third session of a day for two says whose the two are."""
        schedules = [
            make_schedule("a", make_rule(MORNING, EVENING)),
            make_schedule("b", make_rule(time(18, 0))),
        ]
        assert "“a” take up the 2 sessions of the day" in str(only(make_content(*schedules)).what)

    def test_its_own_times_are_no_others(self) -> None:
        """What has taken up the sessions itself is not named as a stranger."""
        times = [MORNING, EVENING, time(18, 10)]
        alone = only(make_content(make_schedule("a", make_rule(*times))))
        assert "its other times take up the 2 sessions of the day" in str(alone.what)
        both = make_content(make_schedule("a", make_rule(MORNING)), make_schedule("b", make_rule(*times[1:])))
        assert "“a” and its own other times take up the 2 sessions" in str(only(both).what)

    def test_one_that_could_overtake_is_told_why_it_may_not(self) -> None:
        """Behind what does not fit nothing sounds, however short."""
        scripts = [*LONG, make_script("ngan", seconds=10)]
        schedules = [
            make_schedule("a"),
            make_schedule("b", scripts=["nuoc"]),
            make_schedule("c", scripts=["ngan"]),
        ]
        found = check(make_content(*schedules, scripts=scripts), MONDAY)
        assert [one.where for one in found] == ["schedules/b.toml [rule 1]", "schedules/c.toml [rule 1]"]
        assert "“b” comes before it and has no room either" in str(found[1].what)

    def test_what_is_not_approved_yet_wants_its_room(self) -> None:
        """It is told before its approval that it will not fit; what was said of it stays beside that."""
        content = make_content(make_schedule("a"), make_schedule("b", scripts=["nuoc"]), scripts=LONG)
        found = told(replace(content, approvals={}))
        assert [where for where, _, _ in found] == ["schedules/b.toml [rule 1]", "audio/tin", "audio/nuoc"]

    @pytest.mark.parametrize(
        "given",
        [
            {"bulletin_class": BulletinClass.EMERGENCY},
            {"enabled": False},
            {"exclusions": [Exclusion(Days(), "Nghỉ")]},
            {"scripts": ["trong"]},
        ],
    )
    def test_what_passes_or_does_not_sound_is_not_displaced(self, given: dict[str, Any]) -> None:
        """Emergencies, what is switched off, excepted or withheld takes no room and lacks none."""
        scripts = [*LONG, make_script("trong", items=[Item("loi", {})])]
        content = make_content(make_schedule("b", **{"scripts": ["nuoc"]} | given), scripts=scripts)
        assert not [one for one in check(content, MONDAY) if "room" in str(one.what)]


class TestQuotas:
    def test_one_that_its_own_times_do_not_reach_is_a_fault(self) -> None:
        """Seven times a week are not nine."""
        fault = only(make_content(make_schedule("x", make_rule(at_least=Quota(9)))))
        assert fault.at == ("rule", 0, "at_least")
        assert "It wants 9 airings a week, and has only 7 times in the week of 2026-11-23" in str(fault.what)

    def test_all_rules_of_the_week_count_together(self) -> None:
        """Tuesday by one rule and Thursday by another are two."""
        days = [make_rule(weekdays=frozenset({day}), at_least=Quota(2)) for day in (TUESDAY, THURSDAY)]
        assert not told(make_content(make_schedule("x", *days)))

    @pytest.mark.parametrize(
        "given",
        [
            {"months": frozenset({12}), "within": Days(date(2026, 12, 10), date(2026, 12, 22))},
            {"within": Days(None, date(2026, 11, 20))},
        ],
    )
    def test_weeks_that_a_rule_has_in_part_do_not_count(self, given: dict[str, Any]) -> None:
        """Where it begins or ends within a week nobody expects the whole quota."""
        assert not told(make_content(make_schedule("x", make_rule(at_least=Quota(7), **given))))

    def test_nor_do_weeks_with_holidays_campaigns_or_silent_seasons(self) -> None:
        """Where the schedule is silent for a reason, or other rules hold, the quota rests."""
        days = Days(date(2026, 11, 25), date(2027, 12, 31))
        rule = make_rule(at_least=Quota(7))
        for given in (
            {"exclusions": [Exclusion(days, "Nghỉ")]},
            {"campaigns": [make_rule(MORNING, within=days, weekdays=frozenset({TUESDAY}))]},
        ):
            assert not told(make_content(make_schedule("x", rule, **given)))
        silent = in_season(not_in_season=["vai"], at_least=Quota(7))
        assert not told(silent)

    def test_one_that_the_hours_cannot_hold_is_a_fault(self) -> None:
        """Displaced too often to be made good: told with the weeks, instead of the warning."""
        hours = make_hours(span("17:00", "18:00"), session_minutes=30, sessions_per_day=1)
        weekends = make_rule(weekdays=frozenset({5, 6}))
        first = make_schedule("a", make_rule(weekdays=frozenset(range(5))))
        second = make_schedule("b", weekends, make_rule(at_least=Quota(4)), scripts=["nuoc"])
        fault = only(make_content(first, second, scripts=LONG, hours=hours))
        assert (fault.at, fault.warning) == (("rule", 1, "at_least"), False)
        assert "It wants 4 airings a week. In 51 weeks" in str(fault.what)
        assert "first that of 2026-11-23, only 2 find room at Cụm nam-po" in str(fault.what)

    def test_what_is_made_good_keeps_it(self) -> None:
        """Two displaced evenings that the mornings make good are a note, no fault."""
        rules = [make_rule(MORNING, EVENING, weekdays=frozenset({TUESDAY}), at_least=Quota(2))]
        content = make_content(make_schedule("a"), make_schedule("b", *rules, scripts=["nuoc"]), scripts=LONG)
        assert [warning for _, _, warning in told(content)] == [True]


class TestLacks:
    def test_all_clusters_are_named(self) -> None:
        """A language that is left out at two clusters is one fault with both."""
        clusters = [make_cluster(one, languages=["hmn-Latn-VN"], sink="null") for one in ("x", "y")]
        fault = only(make_content(clusters=clusters))
        assert "Mông is left out at Cụm x, Cụm y: loi" in str(fault.what)


def test_twenty_schedules_are_looked_through_at_once() -> None:
    """Nothing of a station's year is told that is as it should be."""
    rest = frozenset(range(1, 13)) - {5, 11}
    schedules: list[Schedule] = [
        make_schedule(
            f"s{number:02}",
            make_rule(MORNING, EVENING, months=frozenset({5, 11})),
            make_rule(months=rest, weekdays=frozenset({TUESDAY, 4}), at_least=Quota(2)),
            exclusions=[Exclusion(Days(date(2027, 2, 5), date(2027, 2, 10)), "Tết")],
        )
        for number in range(20)
    ]
    assert not told(
        make_content(*schedules, clusters=[make_cluster(f"c{one}", sink="null") for one in range(3)])
    )
