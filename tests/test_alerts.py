"""Emergencies: at once, over everything, again and again until they end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from broadcaster.alerts import TONE_SECONDS, WAIT_FOR_WORDS
from broadcaster.daemon import Daemon
from broadcaster.edges.clock import ClockState
from broadcaster.edges.content import Loaded
from broadcaster.edges.control import Asked
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.occurrence import Kind, Reason
from broadcaster.model.plan import plan
from broadcaster.model.station import Amplifier
from tests import factories as make
from tests.daemons import DUE, FRIDAY, Station
from tests.fakes import refused

NIGHT = make.at(FRIDAY, "02:00")
WORDS = 6.0  # seconds
CALL = TONE_SECONDS + WORDS


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    station.assembly.make("lu", WORDS)
    yield station
    station.stop()


def order(station: Station, name: str = "lu", **given: Any) -> None:
    """Order an emergency whose words are there at once."""
    asked = {"id": name, "title": "Nước lũ", "clusters": [], "every": 300.0, "left": 3600.0} | given
    station.ask("alert", **asked)
    clusters = asked["clusters"] or [one.id for one in station.content.station.clusters]
    made = {cluster: [("vi", "lu")] for cluster in clusters}
    station.ask("words", id=name, script="", folder="", programmes=made)


def calls(station: Station) -> list[Airing]:
    return [one for one in station.log if one.kind == Kind.ALERT]


def at_night(station: Station) -> None:
    station.clock.set(NIGHT)
    station.run(2)


class TestOnAir:
    def test_at_once_at_any_hour(self, station: Station) -> None:
        """In the middle of the night, with no room in the hours, the tone leaves at the order's second."""
        at_night(station)
        ordered = station.clock.now()
        order(station)
        station.run(CALL + 1)
        (call,) = calls(station)
        assert (call.started, call.outcome, call.seconds) == (ordered, Outcome.AIRED, CALL)
        assert (call.bulletin_class, call.script_title, call.detail) == ("emergency", "Nước lũ", "nguoi-truc")
        assert [(one.language, one.programme) for one in call.languages] == [("vi", "lu")]

    def test_again_at_its_interval_until_it_expires(self, station: Station) -> None:
        """From beginning to beginning, and not once more after its time."""
        at_night(station)
        ordered = station.clock.now()
        order(station, every=300.0, left=800.0)
        station.run(3600, every=10)
        began = [call.started - ordered for call in calls(station) if call.started]
        assert [round(one.total_seconds()) for one in began] == [0, 300, 600]
        assert station.ask("status")["alerts"] == []

    def test_until_the_all_clear(self, station: Station) -> None:
        """It ends in the middle of a word, is logged as stopped, and does not come again."""
        at_night(station)
        order(station)
        station.run(5)
        assert station.ask("clear") == {"cleared": ["lu"], "kept": True}
        station.run(1200, every=10)
        (call,) = calls(station)
        assert (call.outcome, call.reason) == (Outcome.CUT, Reason.STOPPED)
        assert 4 < call.seconds < 7

    def test_the_tone_waits_for_the_words(self, station: Station) -> None:
        """While they are made the tone goes on, and they follow it without a gap."""
        at_night(station)
        station.ask("alert", id="lu", title="Nước lũ", clusters=[], every=300.0, left=3600.0)
        station.run(20)
        station.ask("words", id="lu", script="", folder="", programmes={"nam-po": [("vi", "lu")]})
        station.run(30)
        (call,) = calls(station)
        assert call.outcome is Outcome.AIRED
        assert 20 + WORDS <= call.seconds <= 23 + WORDS

    def test_words_that_never_come_are_a_failure(self, station: Station) -> None:
        """The tone does not sound for ever, and nobody counts it as a message."""
        at_night(station)
        station.ask("alert", id="lu", title="Nước lũ", clusters=[], every=300.0, left=100.0)
        station.run(200)
        (call,) = calls(station)
        assert call.outcome is not Outcome.AIRED or call.reason == Reason.SINK
        assert "Only the signal tone sounded" in call.detail
        assert call.seconds <= WAIT_FOR_WORDS + 1

    def test_on_the_clusters_that_were_named(self, station: Station) -> None:
        """The others are left in peace."""
        station.write(clusters=[make.make_cluster("nam-po"), make.make_cluster("na-pan")])
        at_night(station)
        order(station, clusters=["na-pan"])
        station.run(20)
        assert [call.cluster for call in calls(station)] == ["na-pan"]

    def test_on_all_clusters_at_once(self, station: Station) -> None:
        """None waits for another."""
        station.write(clusters=[make.make_cluster("nam-po"), make.make_cluster("na-pan")])
        at_night(station)
        order(station)
        station.run(20)
        assert len({call.started for call in calls(station)}) == 1
        assert sorted(call.cluster for call in calls(station)) == ["na-pan", "nam-po"]

    def test_with_a_clock_that_nobody_trusts(self, station: Station) -> None:
        """Nothing else sounds in 1970; it does, at its interval, and expires."""
        station.clock.set(datetime.fromisoformat("1970-01-01T10:29:00+00:00"))
        station.run(2)
        order(station, every=300.0, left=500.0)
        station.run(1200, every=10)
        assert [call.outcome for call in calls(station)] == [Outcome.AIRED, Outcome.AIRED]
        assert station.ask("status")["clock"] == "not-set"

    def test_however_the_clock_is_set(self, station: Station) -> None:
        """A clock set forward by years or back does not end it, prolong it, or call it twice."""
        at_night(station)
        order(station, every=300.0, left=800.0)
        station.run(100)
        station.clock.set(NIGHT + timedelta(days=800))
        station.run(300)
        station.clock.set(NIGHT - timedelta(hours=1))
        station.run(3600, every=10)
        assert len(calls(station)) == 3


class TestOverEverything:
    def test_what_it_cuts_is_cut_and_made_good(self, station: Station) -> None:
        """The broadcast ends within a moment, is logged with its reason, and stands in the plan again."""
        station.write(scripts=[make.make_script(seconds=60)])
        station.run_until(DUE + timedelta(seconds=20))
        order(station, left=60.0)
        station.run(60)
        cut, call = (next(one for one in station.log if one.kind == kind) for kind in ("planned", "alert"))
        assert (cut.outcome, cut.reason) == (Outcome.CUT, Reason.ALERT)
        assert call.started is not None
        assert call.started - DUE <= timedelta(seconds=21)
        log = {one.occurrence: one for one in station.log}
        later = plan(station.content, log, station.clock.now(), DUE + timedelta(days=5))
        assert Kind.MAKE_GOOD in {one.kind for one in later}

    def test_what_would_meet_it_gives_way(self, station: Station) -> None:
        """What has no room before the next call is not begun; what has, sounds between the calls."""
        station.write(
            make.make_schedule("dai", make.make_rule(make.time(17, 30)), scripts=["dai"]),
            make.make_schedule("ngan", make.make_rule(make.time(17, 32))),
            scripts=[make.make_script("dai", seconds=100), make.make_script(seconds=10)],
        )
        station.run(10)
        order(station, every=120.0)
        station.run_until(DUE + timedelta(minutes=4))
        told = {one.schedule: (one.outcome, one.reason) for one in station.log if one.schedule}
        assert told == {"dai": (Outcome.MISSED, Reason.ALERT), "ngan": (Outcome.AIRED, "")}

    def test_the_newer_of_two_first(self, station: Station) -> None:
        """A second order cuts the first short, and then both are called, one at a time."""
        at_night(station)
        order(station, "mot", every=60.0, left=170.0)
        station.run(4)
        order(station, "hai", every=60.0, left=170.0)
        station.run(300)
        first, second = calls(station)[:2]
        assert (first.outcome, first.reason) == (Outcome.CUT, Reason.ALERT)
        assert second.script == "hai"
        assert second.outcome is Outcome.AIRED
        ends = sorted((one.started, one.ended) for one in calls(station) if one.started and one.ended)
        moment = timedelta(seconds=1)
        assert all(end <= begin + moment for (_, end), (begin, _) in pairwise(ends))
        assert {one.script for one in calls(station)[2:]} == {"mot", "hai"}

    def test_what_a_newer_one_cut_is_called_again_soon(self, station: Station) -> None:
        """Its next turn may be after its end: nobody would ever have heard its words."""
        at_night(station)
        order(station, "mot", every=1800.0, left=600.0)
        station.run(2)
        order(station, "hai", every=1800.0, left=600.0)
        station.run(60)
        assert [(one.script, one.outcome is Outcome.AIRED) for one in calls(station)] == [
            ("mot", False),
            ("hai", True),
            ("mot", True),
        ]

    def test_with_a_disk_that_takes_nothing(self, station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
        """It sounds, and is logged when there is room."""
        at_night(station)
        for name in ("begin", "end", "mark"):
            monkeypatch.setattr(station.store, name, refused)
        order(station)
        station.run(20)
        assert station.log == []
        monkeypatch.undo()
        station.run(3)
        assert [call.outcome for call in calls(station)] == [Outcome.AIRED]

    def test_the_amplifier_is_on(self, station: Station) -> None:
        """It is switched on with the order, the words wait until it is warm, and it is off after the end."""
        content, amplifier = station.content, Amplifier("an", "aus", 5.0)
        clusters = [*content.station.clusters, make.make_cluster("trung-tam")]
        powered = replace(content.station, amplifier=amplifier, clusters=clusters)
        content = station.content = replace(content, station=powered)
        station.save(lambda: Loaded(content, ()))
        at_night(station)
        assert station.switch.turned == [False]
        order(station, left=60.0)
        station.run(1)
        assert station.switch.turned == [False, True]
        station.run(120)
        assert station.switch.turned == [False, True, False]
        assert [round(call.seconds) for call in calls(station)] == [CALL + 5, CALL + 5]


class TestThroughARestart:
    def test_it_goes_on(self, station: Station) -> None:
        """What was in force when the power went is called again as soon as the daemon runs."""
        at_night(station)
        order(station, left=3600.0)
        station.run(100)
        back = station.clock.now() + timedelta(minutes=10)
        station.restart(back)
        station.run(20)
        assert [call.started >= back for call in calls(station) if call.started] == [False, True]

    def test_what_expired_meanwhile_does_not(self, station: Station) -> None:
        """By a clock that is trusted; nobody is frightened by yesterday's flood."""
        at_night(station)
        order(station, left=600.0)
        station.run(100)
        station.restart(station.clock.now() + timedelta(minutes=20))
        station.run(400, every=5)
        assert len(calls(station)) == 1
        assert station.ask("status")["alerts"] == []
        station.clock.its_state = ClockState(synchronised=False, rtc=False, boot="second")
        station.restart(datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
        station.run(400, every=5)
        assert len(calls(station)) == 1  # nor by a clock that does not know

    def test_what_expired_ends_when_the_clock_is_right_again(self, station: Station) -> None:
        """A machine without a clock takes it up; the time server ends it."""
        at_night(station)
        order(station, left=600.0)
        station.run(100)
        later = station.clock.now() + timedelta(hours=2)
        station.clock.its_state = ClockState(synchronised=False, rtc=False, boot="second")
        station.restart(datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
        station.run(5)
        assert [one["id"] for one in station.ask("status")["alerts"]] == ["lu"]
        station.clock.its_state = ClockState(synchronised=True, rtc=False, boot="second")
        station.clock.set(later)
        station.run(15)
        assert station.ask("status")["alerts"] == []

    def test_what_was_cleared_does_not(self, station: Station) -> None:
        """Nor can the same order be taken again."""
        at_night(station)
        order(station)
        station.run(20)
        station.ask("clear", ids=["lu"])
        station.restart(station.clock.now() + timedelta(seconds=30))
        station.run(400, every=5)
        assert len(calls(station)) == 1
        with pytest.raises(BroadcasterError, match="ordered before"):
            order(station)

    def test_an_order_that_comes_too_early_waits_for_it(self, station: Station) -> None:
        """One that is typed while the daemon starts takes no place of what was in force before."""
        at_night(station)
        order(station)
        station.run(1)
        station.stop()
        station.daemon = Daemon(station.world)
        with ThreadPoolExecutor(1) as command:
            ordering = command.submit(order, station, "bao")
            assert not wait([ordering], timeout=0.05).done
            station.daemon.start()
            ordering.result()
        assert [one["id"] for one in station.ask("status")["alerts"]] == ["lu", "bao"]

    def test_by_a_wrong_clock_it_lasts_as_long_as_was_left(self, station: Station) -> None:
        """A clock that begins in 2000 after the power cut ends it neither at once nor never."""
        at_night(station)
        order(station, every=60.0, left=600.0)
        station.run(301)
        before = len(calls(station))
        station.clock.its_state = ClockState(synchronised=False, rtc=False, boot="second")
        station.restart(datetime.fromisoformat("2000-01-01T00:00:00+00:00"))
        station.run(3600, every=5)
        assert 4 <= len(calls(station)) - before <= 7


class TestWhoMay:
    def test_a_stranger_may_look_only(self, station: Station) -> None:
        """Who may not write to the station raises no alarm in the village."""
        station.start()
        assert station.daemon
        asked = {"id": "x", "title": "x", "clusters": [], "every": 60.0, "left": 60.0}
        with pytest.raises(BroadcasterError, match="not change"):
            station.daemon.answer(Asked("alert", asked, "khach", trusted=False))
        assert station.daemon.answer(Asked("status", {}, "khach", trusted=False))["alerts"] == []

    def test_an_unknown_cluster_is_refused(self, station: Station) -> None:
        """With the ones that are known, and before anything sounds."""
        station.start()
        with pytest.raises(BroadcasterError, match="no such cluster"):
            order(station, clusters=["nam-bo"])
        assert station.log == []
