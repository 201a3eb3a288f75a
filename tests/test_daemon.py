"""
What runs day and night, driven through hours in moments.

The clock is the test's: every thread of the daemon waits on it, and it goes on only when all of them do.
"""

import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from broadcaster.alarms import Alarms
from broadcaster.daemon import ALIVE_EVERY, LEAD, PREPARE_EVERY, Daemon, World
from broadcaster.edges.clock import EARLIEST, ClockState, SystemClock
from broadcaster.edges.content import Loaded, digest_of, fingerprint, load
from broadcaster.edges.content.lastgood import LastGood
from broadcaster.edges.crew import Scheduled
from broadcaster.edges.editing import append_line
from broadcaster.edges.sink import NullSink
from broadcaster.edges.store import Store
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.occurrence import Kind, Reason
from broadcaster.model.plan import plan
from broadcaster.model.recording import Measured
from broadcaster.model.schedule import Days, Exclusion, Move, Quota, Relay
from broadcaster.model.station import Amplifier
from broadcaster.playout import AHEAD
from tests import factories as make
from tests.daemons import DUE, FRIDAY, PATIENCE, SECONDS, Station
from tests.fakes import FakeSwitch, make_output, refused
from tests.programmes import ReadyAssembly
from tests.stations import STATION, approve, build, write

KET = "audio/tin/recordings/vi/ket.wav"
APPROVALS = "audio/tin/approvals.jsonl"
ROW = "lich/2026-11-20T17:30:00/nam-po"


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    station = Station(tmp_path)
    yield station
    station.stop()


def airings_of(station: Station, schedule: str) -> list[Airing]:
    return [one for one in station.log if one.schedule == schedule]


class TestWhatIsDue:
    def test_sounds_on_the_second(self, station: Station, caplog: pytest.LogCaptureFixture) -> None:
        """At half past five, not about then, and to its end; there is nothing to complain of."""
        station.run_until(DUE + timedelta(minutes=1))
        assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
        (airing,) = station.log
        assert (airing.occurrence, airing.outcome, airing.started) == (ROW, Outcome.AIRED, DUE)
        assert airing.seconds == SECONDS
        assert station.plays() == [(DUE, ["tin-vi"])]

    def test_day_after_day(self, station: Station) -> None:
        """The plan is looked at again as time goes on: it sounds on the second three days later, too."""
        station.run(3 * 86_400, every=10)
        assert [airing.started for airing in station.log] == [
            DUE,
            DUE + timedelta(days=1),
            DUE + timedelta(days=2),
        ]

    def test_three_clusters_at_once(self, station: Station) -> None:
        """Each cluster has its own sink, and none waits for another."""
        names = ["trung-tam", "nam-po", "na-pan"]
        station.write(clusters=[make.make_cluster(name) for name in names])
        station.run_until(DUE + timedelta(minutes=1))
        assert [airing.started for airing in station.log] == [DUE, DUE, DUE]
        assert {airing.cluster for airing in station.log} == set(names)
        assert {airing.outcome for airing in station.log} == {Outcome.AIRED}

    def test_one_after_another_on_a_cluster(self, station: Station) -> None:
        """What meets on a cluster follows in one session, as the plan says."""
        station.write(make.make_schedule("a"), make.make_schedule("b"))
        station.run_until(DUE + timedelta(minutes=1))
        assert [(airing.schedule, airing.started) for airing in station.log] == [
            ("a", DUE),
            ("b", DUE + timedelta(seconds=SECONDS + 2)),
        ]

    def test_a_longer_first_only_puts_off_the_second(self, station: Station) -> None:
        """A programme longer than the plan took it to be is not cut by the next, and the next is not lost."""
        station.write(
            make.make_schedule("a", scripts=["dai"]),
            make.make_schedule("b"),
            scripts=[make.make_script("dai", seconds=SECONDS), make.make_script(seconds=SECONDS)],
        )
        station.assembly.make("dai-vi", 200.0)
        station.run_until(DUE + timedelta(minutes=5))
        assert [(airing.schedule, airing.outcome, airing.started) for airing in station.log] == [
            ("a", Outcome.AIRED, DUE),
            ("b", Outcome.AIRED, DUE + timedelta(seconds=200)),
        ]

    def test_the_chime_closes_the_session(self, station: Station) -> None:
        """The closing chime comes once, after the last of a session."""
        content = station.write(make.make_schedule("a"), make.make_schedule("b"))
        closing = replace(content, station=replace(content.station, closing="ket-thuc.flac"))
        station.save(lambda: Loaded(closing, ()))
        station.run_until(DUE + timedelta(minutes=1))
        assert [sounds for _, sounds in station.plays()] == [["tin-vi"], ["tin-vi", "ket-thuc.flac"]]

    def test_what_is_not_assembled_failed(self, station: Station) -> None:
        """Assembly has ended without it: it failed for want of its programme, and what follows sounds."""
        station.write(
            make.make_schedule("a", scripts=["fehlt"]),
            make.make_schedule("b"),
            scripts=[make.make_script("fehlt", seconds=SECONDS), make.make_script(seconds=SECONDS)],
        )
        station.assembly.missing.add("fehlt")
        station.run_until(DUE + timedelta(minutes=1))
        assert [one[1:] for one in station.told] == [("failed", "not-ready"), ("aired", "")]

    def test_what_is_being_assembled_is_waited_for(self, station: Station) -> None:
        """Switched on shortly before its time, it sounds as soon as assembly is done with it."""
        station.preparing = Event()
        station.assembly.missing.add("tin")
        station.run_until(DUE + timedelta(seconds=15))
        station.assembly.missing.clear()
        station.preparing.set()
        station.run_until(DUE + timedelta(minutes=1))
        (airing,) = station.log
        assert airing.outcome is Outcome.AIRED
        assert airing.started is not None
        assert timedelta(seconds=15) <= airing.started - DUE <= timedelta(seconds=16)


class TestWhatIsNotToSound:
    def test_displaced_gets_its_row_when_its_time_comes(self, station: Station) -> None:
        """The play log has it as displaced, with the plan's reason, not before its time."""
        hours = make.make_hours(make.span("17:00", "17:35"))
        spaet = make.make_schedule("spaet", make.make_rule(make.time(17, 40)))
        station.write(make.make_schedule(), spaet, hours=hours)
        station.run_until(make.at(FRIDAY, "17:39:58"))
        assert airings_of(station, "spaet") == []
        station.run_until(make.at(FRIDAY, "17:40:01"))
        (airing,) = airings_of(station, "spaet")
        assert (airing.outcome, airing.reason) == (Outcome.DISPLACED, Reason.OUTSIDE_HOURS)
        assert station.plays() == [(DUE, ["tin-vi"])]

    def test_withheld_gets_its_row_when_its_time_comes(self, station: Station) -> None:
        """The play log has it as withheld, with what is missing."""
        cluster = make.make_cluster(languages=["hmn-Latn-VN"])
        station.write(clusters=[cluster])
        station.run_until(DUE - timedelta(seconds=2))
        assert station.log == []
        station.run_until(DUE + timedelta(seconds=1))
        (airing,) = station.log
        assert (airing.outcome, airing.reason) == (Outcome.WITHHELD, Reason.INCOMPLETE)
        assert airing.detail == "hmn-Latn-VN: no-recording (loi)"
        assert station.plays() == []

    def test_excepted_gets_none(self, station: Station) -> None:
        """A day on which the schedule is silent is no loss and has no row."""
        tet = Exclusion(Days(DUE.date(), DUE.date()), "Tết")
        station.write(make.make_schedule(exclusions=[tet]))
        station.run_until(DUE + timedelta(minutes=3))
        assert station.log == []
        assert station.plays() == []

    def test_one_language_withheld_leaves_the_other(self, station: Station) -> None:
        """Vietnamese sounds on the second, and the row names the language that was withheld."""
        station.write(clusters=[make.make_cluster(languages=["vi", "hmn-Latn-VN"])])
        station.run_until(DUE + timedelta(minutes=1))
        (airing,) = station.log
        assert (airing.outcome, airing.reason, airing.started) == (Outcome.AIRED, Reason.INCOMPLETE, DUE)
        assert [one.outcome for one in airing.languages] == [Outcome.AIRED, Outcome.WITHHELD]


class TestOff:
    def test_a_new_station_has_missed_nothing(self, station: Station) -> None:
        """What was due before the station first ran is nobody's loss."""
        station.clock.set(DUE + timedelta(hours=1))
        station.run(30)
        assert station.log == []

    def test_what_was_missed_is_logged_once(self, station: Station) -> None:
        """Switched on after its time, the play log says missed: off; switched on again, it says so once."""
        station.clock.set(DUE - timedelta(hours=1))
        station.run(30)
        for hour in (1, 2, 3):
            station.restart(DUE + timedelta(hours=hour))
            station.run(30)
        assert station.told == [(ROW, "missed", "off")]
        assert station.plays() == []

    def test_what_the_disk_tells_late_is_taken_up_late(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With a disk that cannot be read at the start, what was missed and cut is logged when it can be."""
        station.run_until(DUE + timedelta(seconds=5))
        marks = station.store.marks()
        station.stop()
        station.store._ended.clear()  # as if the power had gone
        station.store._marks = marks

        for name in ("airings", "unfinished", "marks", "mark", "begin", "end"):
            monkeypatch.setattr(station.store, name, refused)
        station.restart(DUE + timedelta(days=1, hours=1))
        station.run_until(DUE + timedelta(days=2, minutes=1), every=10)
        assert station.plays()[1:] == [(DUE + timedelta(days=2), ["tin-vi"])]
        monkeypatch.undo()
        station.run(15)
        assert [(one.planned, str(one.outcome), one.reason) for one in station.log] == [
            (DUE, "cut", "power"),
            (DUE + timedelta(days=1), "missed", "off"),
            (DUE + timedelta(days=2), "aired", ""),
        ]

    def test_off_for_days(self, station: Station) -> None:
        """Every day that it was off is there, in order."""
        station.run(1)
        station.restart(DUE + timedelta(days=9, hours=1))
        station.run(3)
        assert [airing.planned for airing in station.log] == [DUE + timedelta(days=n) for n in range(10)]
        assert {airing.reason for airing in station.log} == {Reason.OFF}

    def test_back_within_the_grace_it_sounds_whole(self, station: Station) -> None:
        """Switched on half a minute late, it sounds from its beginning."""
        station.clock.set(DUE - timedelta(minutes=5))
        station.run(30)
        station.restart(DUE + timedelta(seconds=30))
        station.run(60)
        (airing,) = station.log
        assert (airing.outcome, airing.started) == (Outcome.AIRED, DUE + timedelta(seconds=30))

    def test_back_within_the_grace_on_a_disk_that_tells_late_it_is_missed(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It works again before the grace is over: what it refused the run before, nobody knows."""
        station.run_until(DUE - timedelta(minutes=1))
        station.stop()
        for name in ("airings", "unfinished", "marks", "mark", "begin", "end"):
            monkeypatch.setattr(station.store, name, refused)
        station.restart(DUE + timedelta(seconds=5))
        monkeypatch.setattr(station.assembly, "find", lambda _recipe: None)  # it is not at hand at once
        station.run(10)
        monkeypatch.undo()
        station.run(120)
        assert station.told == [(ROW, "missed", "off")]
        assert station.plays() == []

    def test_back_within_the_grace_on_a_disk_that_takes_no_row_it_is_missed(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody knows whether the run before let it sound, which could not write that down either."""
        monkeypatch.setattr(station.store, "begin", refused)
        monkeypatch.setattr(station.store, "end", refused)
        station.run_until(DUE + timedelta(seconds=20))
        station.restart(DUE + timedelta(seconds=22))
        station.run(120)
        assert station.plays() == [(DUE, ["tin-vi"])]
        monkeypatch.undo()
        station.run(5)
        assert station.told == [(ROW, "missed", "off")]

    def test_a_restart_does_not_repeat(self, station: Station) -> None:
        """What has sounded does not sound again, however soon the station is on again."""
        station.run_until(DUE + timedelta(seconds=15))
        station.restart(DUE + timedelta(seconds=16))
        station.run(120)
        assert station.told == [(ROW, "aired", "")]
        assert len(station.plays()) == 1

    def test_what_a_restart_cut_is_not_begun_again(self, station: Station) -> None:
        """Ended in the middle, it is cut: shutdown, and the rest of it is not played later."""
        station.run_until(DUE + timedelta(seconds=4))
        station.restart(DUE + timedelta(seconds=6))
        station.run(120)
        assert station.told == [(ROW, "cut", "shutdown")]
        assert station.log[0].seconds == pytest.approx(4, abs=1)
        assert len(station.plays()) == 1

    def test_what_had_only_been_handed_over_still_sounds(self, station: Station) -> None:
        """Switched off and on again in the last seconds before its time, it sounds on the second."""
        station.run_until(DUE - AHEAD - timedelta(seconds=1))
        station.restart(DUE - AHEAD)
        station.run(60)
        assert station.log[0].started == DUE
        assert len(station.log) == 1

    def test_what_the_power_cut_is_counted(self, station: Station) -> None:
        """The row that a dead run left open is ended with the seconds of the last mark, and not repeated."""
        start = make.at(FRIDAY)
        (one, *_) = plan(station.content, {}, start, start + timedelta(days=1))
        station.store.begin(replace(make.make_airing(one), outcome=None, seconds=0.0, languages=()))
        mark = {"occurrence": one.id, "seconds": 4.0, "programmes": [["vi", "tin-vi", SECONDS]]}
        station.store.mark("on-air/nam-po", mark)
        station.store.mark("alive", (DUE + timedelta(seconds=3)).isoformat())
        station.clock.set(DUE + timedelta(seconds=20))
        station.run(120)
        assert station.told == [(ROW, "cut", "power")]
        assert station.alarms == ["lost/nam-po"]
        assert station.log[0].seconds == 4.0
        assert station.plays() == []

    def test_what_stood_behind_it_is_missed(self, station: Station) -> None:
        """The second of a session, which waited for the first beyond its own time, has its row too."""
        station.write(
            make.make_schedule("a", scripts=["dai"]),
            make.make_schedule("b"),
            scripts=[make.make_script("dai", seconds=SECONDS), make.make_script(seconds=SECONDS)],
        )
        station.assembly.make("dai-vi", 300.0)
        station.run_until(DUE + timedelta(minutes=4))
        station.restart(DUE + timedelta(minutes=10))
        station.run(5)
        assert [one[1:] for one in station.told] == [("cut", "shutdown"), ("missed", "off")]

    def test_what_was_saved_while_off_was_not_missed_before(self, station: Station) -> None:
        """A schedule that was changed while the machine was off has missed nothing of before it went off."""
        station.run_until(DUE + timedelta(minutes=8))
        station.stop()
        station.write(make.make_schedule("moi", make.make_rule(make.time(17, 35))))
        station.restart(DUE + timedelta(minutes=20))
        station.run(5)
        assert station.told == [(ROW, "aired", "")]

    def test_a_quota_is_made_good(self, station: Station) -> None:
        """Off on Tuesday evening, the schedule's second airing of the week is made good on Wednesday."""
        rule = make.make_rule(weekdays=frozenset({1, 4}), at_least=Quota(2))
        station.write(make.make_schedule("lich", rule))
        station.clock.set(make.at("2026-11-17", "12:00"))
        station.run(30)
        station.restart(make.at("2026-11-17", "18:00"))
        station.run_until(make.at("2026-11-19"), every=10)
        assert [(one.planned, one.outcome, one.kind) for one in station.log] == [
            (make.at("2026-11-17", "17:30"), Outcome.MISSED, Kind.PLANNED),
            (make.at("2026-11-18", "17:30"), Outcome.AIRED, Kind.MAKE_GOOD),
        ]


class TestMakeGood:
    @pytest.fixture
    def station(self, station: Station) -> Station:
        """A station that owes two airings a week, on Tuesday at 17:30 and Friday at 18:00; it is Tuesday."""
        tuesday = make.make_rule(weekdays=frozenset({1}), at_least=Quota(2))
        friday = make.make_rule(make.time(18, 0), weekdays=frozenset({4}), at_least=Quota(2))
        station.write(make.make_schedule("lich", tuesday, friday))
        station.clock.set(make.at("2026-11-17", "17:29"))
        return station

    def test_for_what_was_known_before_the_disk_failed(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A log that cannot be read any more is not an empty one: what was owed is still made good."""
        station.sink().raises = OSError("no device")
        station.run_until(make.at("2026-11-17", "17:32"))
        station.sink().raises = None

        monkeypatch.setattr(station.store, "airings", refused)
        station.edits += 1
        station.run_until(make.at("2026-11-18"), every=10)
        monkeypatch.undo()
        station.run_until(make.at("2026-11-18", "18:00"), every=10)
        assert [one.kind for one in station.log] == [Kind.PLANNED, Kind.MAKE_GOOD]

    def made_good(self, station: Station) -> list[tuple[str, str]]:
        station.sink().fail_after, station.sink().raises = None, None
        station.run_until(make.at("2026-11-17", "18:01"))
        return [(str(one.outcome), one.kind) for one in station.log]

    def test_for_a_sink_that_failed(self, station: Station) -> None:
        """A card that was away is found out within the minute, and the plan has another slot for it."""
        station.sink().fail_after = 0.0
        station.run_until(make.at("2026-11-17", "17:33"))
        assert self.made_good(station) == [("failed", "planned"), ("aired", "make-good")]

    def test_for_an_error_of_ours(self, station: Station) -> None:
        """An error in the program costs the airing, not the quota."""
        station.sink().raises = ZeroDivisionError()
        station.run_until(make.at("2026-11-17", "17:33"))
        assert self.made_good(station) == [("failed", "planned"), ("aired", "make-good")]

    def test_for_what_somebody_stopped(self, station: Station) -> None:
        """What was stopped half way did not air, and is made good."""
        station.run_until(make.at("2026-11-17", "17:30:04"))
        station.ask("stop")
        station.run(5)
        assert self.made_good(station) == [("cut", "planned"), ("aired", "make-good")]


class TestEdits:
    def test_are_followed(self, station: Station) -> None:
        """A schedule that is written while the daemon runs sounds at its time, the old one no more."""
        station.run(10)
        station.write(make.make_schedule("moi", make.make_rule(make.time(17, 45))))
        station.run_until(make.at(FRIDAY, "17:46"))
        assert station.told == [("moi/2026-11-20T17:45:00/nam-po", "aired", "")]

    def test_are_followed_to_the_minute(self, station: Station) -> None:
        """Written a minute before its time, it sounds on the second."""
        station.run(1)
        station.write(make.make_schedule("moi", make.make_rule(make.time(17, 31))))
        station.run_until(make.at(FRIDAY, "17:32"))
        assert [airing.started for airing in airings_of(station, "moi")] == [make.at(FRIDAY, "17:31")]

    def test_have_their_programmes_made(self, station: Station) -> None:
        """What was saved is assembled at once, and what nobody touched is not looked at before its time."""
        station.run_until(DUE, every=5)
        assert len(station.prepared) == 1
        station.write(make.make_schedule("moi"))
        edited = station.clock.now()
        station.run(60)
        assert len(station.prepared) == 2
        assert station.prepared[1] - edited <= timedelta(seconds=1)

    def test_while_assembly_is_at_work_are_assembled_after_it(self, station: Station) -> None:
        """An edit that assembly came too early for is not forgotten."""
        station.preparing = Event()
        station.run(5)
        station.write(make.make_schedule("moi"))
        station.run(5)
        station.preparing.set()
        station.preparing = None
        station.run(5)
        assert len(station.prepared) == 2

    def test_are_not_needed_for_assembly(self, station: Station) -> None:
        """It looks ahead every few hours of its own accord."""
        station.run(PREPARE_EVERY.total_seconds() + 60, every=10)
        first, second = station.prepared
        assert second - first == PREPARE_EVERY

    def test_that_cannot_be_read_leave_the_last_good_content(
        self, station: Station, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A station.toml that is broken is told, and the schedule goes on as it was."""
        station.run(10)

        def broken() -> Loaded:
            raise BroadcasterError(Fault("schedules/station.toml", say("It is broken."), say("Mend it.")))

        station.save(broken)
        station.run_until(DUE + timedelta(minutes=1))
        assert station.told == [(ROW, "aired", "")]
        assert "It is broken." in caplog.text

    def test_of_one_file_that_is_faulty_leave_that_one(self, station: Station) -> None:
        """A faulty schedule stays as it last was, its fault is told; the edits of the others hold."""
        station.write(make.make_schedule("a"), make.make_schedule("b"))
        station.run(10)
        edited = make.make_content(
            make.make_schedule("a"),
            make.make_schedule("b", make.make_rule(make.time(17, 40))),
            scripts=[make.make_script(seconds=10)],
        )
        fault = Fault("schedules/a.toml", say("It is broken."), say("Mend it."))
        station.save(lambda: Loaded(edited, [fault], frozenset({"schedules/a"})))
        station.run_until(make.at(FRIDAY, "17:41"))
        assert [(airing.schedule, airing.started) for airing in station.log] == [
            ("a", DUE),
            ("b", make.at(FRIDAY, "17:40")),
        ]

    def test_after_the_time_are_not_missed(self, station: Station) -> None:
        """A schedule that was written after its time was never due: no row, no sound."""
        station.clock.set(make.at(FRIDAY, "16:50"))
        station.run_until(DUE + timedelta(minutes=1), every=10)
        station.write(make.make_schedule(), make.make_schedule("moi", make.make_rule(make.time(17, 0))))
        station.run(30)
        assert station.told == [(ROW, "aired", "")]

    def test_that_move_what_is_due_move_it(self, station: Station) -> None:
        """Moved this once, it sounds at its new time and not at its old one."""
        station.run(10)
        move = Move(datetime(2026, 11, 20, 17, 30), datetime(2026, 11, 20, 17, 50))  # noqa: DTZ001 - local
        station.write(make.make_schedule(moves=[move]))
        station.run_until(make.at(FRIDAY, "17:51"))
        assert [(one.occurrence, one.started) for one in station.log] == [(ROW, make.at(FRIDAY, "17:50"))]

    def test_do_not_bring_back_what_sounded(self, station: Station) -> None:
        """An occurrence that aired does not air again at the time that it is moved to."""
        station.run_until(DUE + timedelta(minutes=1))
        move = Move(datetime(2026, 11, 20, 17, 30), datetime(2026, 11, 20, 17, 50))  # noqa: DTZ001 - local
        station.write(make.make_schedule(moves=[move]))
        station.run_until(make.at(FRIDAY, "17:52"))
        assert station.told == [(ROW, "aired", "")]
        assert len(station.plays()) == 1

    def test_of_a_sink_open_it_anew(self, station: Station) -> None:
        """A cluster that was put on another output sounds there; otherwise its sink stays open."""
        twice = make.make_schedule("lich", make.make_rule(make.time(17, 30), make.time(17, 35)))
        station.write(twice)
        station.run_until(make.at(FRIDAY, "17:36"))
        assert station.opened == [("nam-po", "card:default")]
        station.write(
            make.make_schedule("lich", make.make_rule(make.time(17, 40))),
            clusters=[make.make_cluster(sink="null")],
        )
        station.run_until(make.at(FRIDAY, "17:41"))
        assert station.opened == [("nam-po", "card:default"), ("nam-po", "null")]


class TestTheClock:
    def test_before_this_program_was_plays_nothing(
        self, station: Station, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A clock that was never set is older than this program: nothing sounds, and that is told."""
        station.clock.set(make.at("2000-01-01", "17:29"))
        station.run(180)
        assert station.plays() == []
        assert station.log == []
        assert station.alarms == ["clock"]
        assert "The clock was not set" in caplog.text

    def test_before_the_last_sign_of_life_plays_nothing(self, station: Station) -> None:
        """A clock that fell back behind what this station has seen is not to be trusted."""
        station.clock.its_state = ClockState(synchronised=False, rtc=True, boot="")
        station.store.mark("alive", (DUE + timedelta(days=2)).isoformat())
        station.run(180)
        assert station.plays() == []
        assert station.log == []
        assert station.store.marks()["alive"] == (DUE + timedelta(days=2)).isoformat()

    def test_that_was_set_is_trusted_again(self, station: Station) -> None:
        """Set right, it plays the next occurrence on the second, and says so."""
        station.clock.set(make.at("2000-01-01", "17:29"))
        station.run(30)
        station.clock.set(DUE - timedelta(seconds=40))
        station.run(120)
        assert [airing.started for airing in station.log] == [DUE]
        assert station.alarms == []

    def test_does_not_make_up_for_the_years_between(self, station: Station) -> None:
        """A new station that woke in the year 2000 and was set right has missed nothing of 26 years."""
        station.clock.set(make.at("2000-01-01", "12:00"))
        station.run(3)
        station.clock.set(DUE + timedelta(hours=1))
        station.run(3)
        assert station.log == []

    def test_takes_the_blame_for_what_it_cost(self, station: Station) -> None:
        """What was due while it was wrong is missed: clock; what was due before that, while off, is not."""
        station.run(1)
        station.stop()
        station.clock.set(make.at("2000-01-01"))
        station.start()
        station.run(1800, every=10)  # it woke half an hour ago,
        station.clock.set(DUE + timedelta(days=1, minutes=10))  # at 17:10 of the next day
        station.run(3)
        assert [(one.planned, one.outcome, one.reason) for one in station.log] == [
            (DUE, Outcome.MISSED, Reason.OFF),
            (DUE + timedelta(days=1), Outcome.MISSED, Reason.CLOCK),
        ]

    def test_that_is_wrong_at_the_end_leaves_no_sign_of_life(self, station: Station) -> None:
        """Switched off while the clock was wrong, the last good sign of life still stands."""
        station.store.mark("alive", DUE.isoformat())
        station.clock.set(make.at("2000-01-01"))
        daemon = Daemon(station.world)
        daemon.stopping.set()
        daemon.run()
        assert station.store.marks()["alive"] == DUE.isoformat()

    def test_that_is_right_after_a_restart_is_told_right(self, station: Station) -> None:
        """Set right while the station was off, it is not said to be wrong for ever."""
        station.clock.set(make.at("2000-01-01"))
        station.run(3)
        station.restart(DUE)
        station.run(3)
        assert station.alarms == []

    def test_set_back_an_hour_does_not_stall(self, station: Station) -> None:
        """What is ahead again sounds at its new time, though the station woke up later by the old one."""
        station.clock.set(DUE + timedelta(minutes=30))
        station.run(60)
        station.clock.set(DUE - timedelta(minutes=1))
        station.run(120)
        assert [airing.started for airing in station.log] == [DUE]

    def test_set_back_does_not_repeat(self, station: Station) -> None:
        """What has sounded before the clock was set back does not sound again when its time comes round."""
        station.run_until(DUE + timedelta(minutes=20))
        station.clock.set(DUE - timedelta(minutes=1))
        station.run(120)
        assert station.told == [(ROW, "aired", "")]
        assert len(station.plays()) == 1

    def test_set_back_does_not_hold_a_cluster(self, station: Station) -> None:
        """What waited on a cluster lets pass what is now due before it, and sounds in its turn."""
        station.write(
            make.make_schedule("sang", make.make_rule(make.time(17, 0))),
            make.make_schedule("toi", make.make_rule(make.time(17, 30))),
        )
        station.clock.set(DUE - LEAD - timedelta(seconds=2))
        station.run_until(DUE - AHEAD - timedelta(seconds=1))
        assert station.daemon is not None
        assert len(station.daemon._halts) == 1  # handed over
        station.clock.set(make.at(FRIDAY, "16:59"))
        station.run_until(DUE + timedelta(minutes=1), every=5)
        assert [(one.schedule, one.outcome, one.started) for one in station.log] == [
            ("sang", Outcome.AIRED, make.at(FRIDAY, "17:00")),
            ("toi", Outcome.AIRED, DUE),
        ]

    def test_set_back_in_the_last_seconds_costs_one_occurrence(self, station: Station) -> None:
        """What was begun but did not sound yet is missed: clock; the cluster is free for what is now due."""
        station.write(
            make.make_schedule("sang", make.make_rule(make.time(17, 0))),
            make.make_schedule("toi", make.make_rule(make.time(17, 30))),
        )
        station.clock.set(DUE - timedelta(minutes=1))
        station.run_until(DUE - AHEAD / 2)
        station.clock.set(make.at(FRIDAY, "16:59"))
        station.run_until(DUE + timedelta(minutes=1), every=5)
        assert [(one.schedule, one.outcome, one.reason) for one in station.log] == [
            ("sang", Outcome.AIRED, ""),
            ("toi", Outcome.MISSED, Reason.CLOCK),
        ]

    def test_set_back_while_it_sounds_leaves_it_whole(self, station: Station) -> None:
        """What is on air goes on to its end: its length is not measured by wall time."""
        station.run_until(DUE + timedelta(seconds=5))
        station.clock.set(DUE - timedelta(hours=1))
        station.run(30)
        assert [(one.outcome, one.seconds) for one in station.log] == [(Outcome.AIRED, SECONDS)]

    def test_set_back_by_months_and_set_right_repeats_none_of_them(self, station: Station) -> None:
        """What its clock went over twice is missed, and does not sound one after the other now."""
        station.clock.its_state = ClockState(synchronised=True, rtc=False, boot="")
        later = DUE + timedelta(days=60)
        station.clock.set(later - timedelta(minutes=1))
        station.run_until(later + timedelta(seconds=40))
        station.clock.set(DUE - timedelta(minutes=10))
        station.run(20)
        station.clock.set(later + timedelta(minutes=1))
        station.run(700)
        assert station.plays() == [(later, ["tin-vi"])]
        assert Counter(outcome for _, outcome, _ in station.told) == {"aired": 1, "missed": 60}

    def test_set_back_by_months_goes_on_at_once(self, station: Station) -> None:
        """Set right after having been months ahead, it stalls neither plan nor assembly nor signs of life."""
        station.clock.set(make.at("2027-06-20", "12:00"))
        station.run(60)
        station.clock.set(DUE - timedelta(minutes=1))
        station.run(PREPARE_EVERY.total_seconds() + 60, every=10)
        assert [airing.started for airing in station.log] == [DUE]
        assert station.prepared[-1] < make.at("2026-12-01")
        assert datetime.fromisoformat(station.store.marks()["alive"]) < make.at("2026-12-01")

    def test_set_forward_makes_late_what_it_passed(self, station: Station) -> None:
        """What a jump of the clock went over is missed, not played at a time when nobody expects it."""
        station.run(10)
        station.clock.set(DUE + timedelta(minutes=10))
        station.run(10)
        assert station.told == [(ROW, "missed", "late")]
        assert station.plays() == []

    def test_is_watched_by_a_sign_of_life(self, station: Station) -> None:
        """Again and again the memory hears that the daemon is alive."""
        station.run(3 * ALIVE_EVERY.total_seconds())
        alive = datetime.fromisoformat(station.store.marks()["alive"])
        assert timedelta() <= station.clock.now() - alive <= ALIVE_EVERY


class TestRequests:
    def test_play_puts_a_script_on_air(self, station: Station) -> None:
        """It sounds at once on the clusters that were named, and is logged as asked for by hand."""
        station.write(clusters=[make.make_cluster("nam-po"), make.make_cluster("na-pan")])
        station.clock.set(make.at(FRIDAY, "17:00"))
        station.run(5)
        station.ask("play", clusters=["na-pan"], script="tin")
        station.run(20)
        (airing,) = station.log
        assert (airing.cluster, airing.script, airing.outcome) == ("na-pan", "tin", Outcome.AIRED)
        assert (airing.kind, airing.schedule) == (Kind.ON_DEMAND, "")
        assert airing.started is not None
        assert airing.started - make.at(FRIDAY, "17:00:05") <= timedelta(seconds=1)

    def test_play_puts_a_finished_file_on_air(self, station: Station) -> None:
        """A programme of one file is known by its digest, and its language by nobody."""
        station.clock.set(make.at(FRIDAY, "17:00"))
        station.assembly.make("tep", 7.0)
        station.run(1)
        station.ask("play", clusters=["nam-po"], title="tep.mp3", digest="tep")
        station.run(20)
        (airing,) = station.log
        assert (airing.script, airing.outcome, airing.seconds) == ("tep.mp3", Outcome.AIRED, 7.0)
        assert [(one.language, one.programme) for one in airing.languages] == [("und", "tep")]

    def test_play_of_what_is_gone_failed(self, station: Station) -> None:
        """A programme that is no longer there is logged as failed, and nothing sounds."""
        station.clock.set(make.at(FRIDAY, "17:00"))
        station.run(1)
        station.ask("play", clusters=["nam-po"], title="tep.mp3", digest="weg")
        station.run(5)
        assert [one[1:] for one in station.told] == [("failed", "not-ready")]

    def test_play_of_what_is_on_air_comes_after_it(self, station: Station) -> None:
        """A cluster plays one thing at a time: what was asked for sounds when it is silent."""
        station.run_until(DUE + timedelta(seconds=3))
        station.ask("play", clusters=["nam-po"], script="tin")
        station.run(60)
        first, second = station.log
        assert (first.outcome, second.outcome) == (Outcome.AIRED, Outcome.AIRED)
        assert second.started == first.ended

    def test_play_is_answered_once(self, station: Station) -> None:
        """After a restart a request that was taken is not taken again."""
        station.clock.set(make.at(FRIDAY, "17:00"))
        station.run(1)
        station.ask("play", clusters=["nam-po"], script="tin")
        station.run(20)
        station.restart(make.at(FRIDAY, "17:05"))
        station.run(20)
        assert len(station.log) == 1

    def test_play_waits_for_no_wrong_clock(self, station: Station) -> None:
        """While the clock is wrong nothing sounds on request either, and who asks is told so."""
        station.clock.set(make.at("2000-01-01", "17:00"))
        station.run(1)
        with pytest.raises(BroadcasterError, match="The clock was not set"):
            station.ask("play", clusters=["nam-po"], script="tin")
        station.run(20)
        assert station.log == []
        assert station.plays() == []

    def test_stop_ends_what_sounds(self, station: Station) -> None:
        """It is cut: stopped, with its seconds, on every cluster; the next one is not touched."""
        station.write(
            make.make_schedule("a"),
            make.make_schedule("b"),
            clusters=[make.make_cluster("nam-po"), make.make_cluster("na-pan")],
        )
        station.run_until(DUE + timedelta(seconds=4))
        station.ask("stop")
        station.run(60)
        assert [(one.schedule, one.outcome, one.reason) for one in station.log] == [
            ("a", Outcome.CUT, Reason.STOPPED),
            ("a", Outcome.CUT, Reason.STOPPED),
            ("b", Outcome.AIRED, ""),
            ("b", Outcome.AIRED, ""),
        ]
        assert [one.seconds for one in station.log[:2]] == pytest.approx([4, 4], abs=1)

    def test_stop_leaves_alone_what_only_waits(self, station: Station) -> None:
        """Nothing is on air yet: there is nothing to stop, and it sounds at its time."""
        station.run_until(DUE - AHEAD - timedelta(seconds=1))
        station.ask("stop")
        station.run(60)
        assert station.told == [(ROW, "aired", "")]


class TestErrorsOfOurs:
    def test_in_a_sink_cost_one_occurrence(self, station: Station, caplog: pytest.LogCaptureFixture) -> None:
        """It failed: program; the next on this cluster, and those on others, are unharmed."""
        station.write(
            make.make_schedule("lich", make.make_rule(make.time(17, 30), make.time(17, 35))),
            clusters=[make.make_cluster("nam-po"), make.make_cluster("na-pan")],
        )
        station.sink("nam-po").raises = ZeroDivisionError("one by nought")
        station.run_until(DUE + timedelta(minutes=1))
        station.sink("nam-po").raises = None
        station.run_until(DUE + timedelta(minutes=6))
        assert sorted((one.planned, one.cluster, one.outcome, one.reason) for one in station.log) == [
            (DUE, "na-pan", Outcome.AIRED, ""),
            (DUE, "nam-po", Outcome.FAILED, Reason.PROGRAM),
            (DUE + timedelta(minutes=5), "na-pan", Outcome.AIRED, ""),
            (DUE + timedelta(minutes=5), "nam-po", Outcome.AIRED, ""),
        ]
        assert station.store.marks()["on-air/nam-po"] is None
        assert "ZeroDivisionError" in caplog.text

    def test_in_assembly_cost_one_occurrence(self, station: Station) -> None:
        """The same where the error is found before the sink is asked."""
        station.assembly.fails = True
        station.write(make.make_schedule("lich", make.make_rule(make.time(17, 30), make.time(17, 35))))
        station.run_until(DUE + timedelta(minutes=1))
        station.assembly.fails = False
        station.run_until(DUE + timedelta(minutes=6))
        assert [one[1:] for one in station.told] == [("failed", "program"), ("aired", "")]

    def test_in_preparing_stop_nothing(
        self, station: Station, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Assembly ahead that breaks is told, and what is there sounds."""

        def broken(_stopping: Event) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(station, "_prepare", broken)
        station.run_until(DUE + timedelta(minutes=1))
        assert station.told == [(ROW, "aired", "")]
        assert "Assembling ahead" in caplog.text

    def test_a_memory_that_takes_no_row_costs_nothing(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On a full disk it sounds on the second, an alarm says so, and its row comes when there is room."""
        station.write(make.make_schedule("lich", make.make_rule(make.time(17, 30), make.time(17, 35))))
        station.run_until(DUE - timedelta(seconds=10))
        monkeypatch.setattr(station.store, "begin", refused)
        monkeypatch.setattr(station.store, "end", refused)
        station.run_until(DUE + timedelta(minutes=1))
        assert station.log == []
        assert station.plays() == [(DUE, ["tin-vi"])]
        assert station.alarms == ["log"]
        monkeypatch.undo()
        station.run(5)
        assert station.told == [(ROW, "aired", "")]
        assert station.alarms == []
        station.run_until(DUE + timedelta(minutes=6))
        assert [one[1:] for one in station.told] == [("aired", ""), ("aired", "")]

    @pytest.mark.parametrize("name", ["default", "assembly", "tick"])
    def test_no_name_of_a_cluster_is_in_the_way(self, station: Station, name: str) -> None:
        """A cluster may be called whatever the daemon calls its own things."""
        station.write(clusters=[make.make_cluster(name)])
        station.run_until(DUE + timedelta(minutes=1))
        assert [airing.outcome for airing in station.log] == [Outcome.AIRED]


class Shifted(SystemClock):
    """The machine's clock, but it is half past five on a Friday; it may be set."""

    def __init__(self, now: datetime) -> None:
        self.ahead = now - super().now()

    def now(self) -> datetime:
        return super().now() + self.ahead

    def state(self) -> ClockState:
        return ClockState(synchronised=True, rtc=True, boot="")


class Running:
    """A daemon that runs in real time, in a thread as `broadcaster run` does in a process."""

    def __init__(self, folder: Path, before: float, seconds: float = 1.0) -> None:
        content = make.make_content(scripts=[make.make_script(seconds=1)])
        self.clock = Shifted(DUE - timedelta(seconds=before))
        self.store = Store(folder / "broadcaster.db")
        self.fails = 0
        self.slow = False  # does the first look at the plan last until the daemon is told to end?
        self.looks = Event()
        assembly = ReadyAssembly(folder / "programmes")
        assembly.make("tin-vi", seconds)
        self.daemon = Daemon(
            World(
                clock=self.clock,
                crew=Scheduled(),
                store=self.store,
                alarms=Alarms(self.clock),
                assembly=assembly,
                open_output=lambda _cluster: make_output(NullSink(self.clock)),
                fingerprint=self.fingerprint,
                load=lambda: Loaded(content, ()),
                prepare=lambda _stopping: None,
                switch=lambda _amplifier: FakeSwitch(),
                made_in=lambda _folder, _digest: None,
                tick=0.05,
            )
        )
        self.thread = Thread(target=self.daemon.run)

    def fingerprint(self) -> int:
        if self.fails:
            self.fails -= 1
            raise ZeroDivisionError
        if self.slow and threading.current_thread() is not threading.main_thread():
            self.looks.set()
            self.daemon.stopping.wait()
            time.sleep(0.2)
        return 0

    def wait_for(self, what: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE
        while not what():
            assert time.monotonic() < until, "it did not come"
            time.sleep(0.005)

    def on_air(self) -> bool:
        return bool(self.store.unfinished())

    def logged(self) -> bool:
        return bool(list(self.store.airings()))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    made: list[Running] = []

    def run(before: float, seconds: float = 1.0, *, fails: int = 0, slow: bool = False) -> Running:
        made.append(Running(tmp_path, before, seconds))
        made[-1].fails, made[-1].slow = fails, slow
        made[-1].thread.start()
        return made[-1]

    yield run
    for one in made:
        one.daemon.stopping.set()
        one.thread.join()
        one.store.close()


class TestInRealTime:
    def test_sounds_on_the_second(self, running: Callable[..., Running]) -> None:
        """With its own threads and the machine's clock the first sample leaves within 0.1 s of its time."""
        station = running(before=1.0)
        station.wait_for(station.logged)
        (airing,) = station.store.airings()
        assert airing.outcome is Outcome.AIRED
        assert airing.started is not None
        assert 0 <= (airing.started - DUE).total_seconds() < 0.1

    def test_ends_within_a_second(self, running: Callable[..., Running]) -> None:
        """Told to end, it cuts what sounds, logs it and is gone; nothing of it is left running."""
        threads = threading.active_count()
        station = running(before=0.5, seconds=60)
        station.wait_for(station.on_air)
        time.sleep(0.5)
        begun = time.monotonic()
        station.daemon.stopping.set()
        station.thread.join()
        assert time.monotonic() - begun < 1
        (airing,) = station.store.airings()
        assert (airing.outcome, airing.reason) == (Outcome.CUT, Reason.SHUTDOWN)
        assert 0 < airing.seconds < 2
        assert threading.active_count() == threads

    def test_ends_while_it_waits(self, running: Callable[..., Running]) -> None:
        """Told to end before anything sounds, it is gone at once and the play log is empty."""
        station = running(before=LEAD.total_seconds())
        station.wait_for(lambda: bool(station.daemon._halts))
        station.daemon.stopping.set()
        station.thread.join(1)
        assert not station.thread.is_alive()
        assert not station.logged()

    def test_ends_while_it_looks_at_the_plan(self, running: Callable[..., Running]) -> None:
        """Told to end in the middle of a look that has work to hand out, it does not wait for itself."""
        station = running(before=1.0, slow=True)
        station.wait_for(station.looks.is_set)
        station.daemon.stopping.set()
        station.thread.join(2)
        assert not station.thread.is_alive()

    def test_an_error_in_one_look_at_the_plan_is_not_its_end(
        self, running: Callable[..., Running], caplog: pytest.LogCaptureFixture
    ) -> None:
        """The next look is a moment later, and what is due sounds."""
        station = running(before=0.7, fails=5)
        station.wait_for(station.logged)
        assert [airing.outcome for airing in station.store.airings()] == [Outcome.AIRED]
        assert caplog.text.lower().count("an error of ours") == 5

    def test_a_clock_that_is_set_back_does_not_stall_it(
        self, running: Callable[..., Running], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The scheduler, which waits by wall time, goes on looking when wall time is an hour earlier."""
        import apscheduler.schedulers.base as scheduling
        import apscheduler.triggers.date as once
        import apscheduler.triggers.interval as repeated

        back = timedelta()

        class Wall(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return datetime.now(tz) + back

        for module in (scheduling, once, repeated):
            monkeypatch.setattr(module, "datetime", Wall)
        station = running(before=-1800)
        station.wait_for(lambda: "alive" in station.store.marks())
        back = -timedelta(hours=1)
        station.clock.ahead = DUE - timedelta(seconds=1) - datetime.now().astimezone()
        station.wait_for(station.logged)
        (airing,) = station.store.airings()
        assert airing.outcome is Outcome.AIRED
        assert airing.started is not None
        assert 0 <= (airing.started - DUE).total_seconds() < 0.5


def test_earliest_is_before_today() -> None:
    """The day before which no clock is believed has passed."""
    assert SystemClock().now() > EARLIEST


class TestApprovals:
    """With the files of officers, read as they are."""

    @pytest.fixture
    def folder(self, station: Station, tmp_path: Path) -> Path:
        """One Vietnamese item is recorded, the other for the voice; all of it is approved."""
        folder = tmp_path / "dai"
        write(folder, KET, b"approved")
        build(folder)
        write(folder, "schedules/station.toml", STATION.replace(', "hmn-Latn-VN"', ""))
        stat = (folder / KET).stat()
        known = {KET: Measured(stat.st_size, stat.st_ctime_ns, digest_of(folder / KET), 4.5, None)}
        station.fingerprint = lambda: fingerprint(folder)
        good = LastGood(folder, folder / "var" / "good")

        def read() -> Loaded:
            loaded = good.load(lambda instead: load(folder, known, instead))
            assert good.remember(loaded.left_out) == []
            return loaded

        station.save(read)
        return folder

    @pytest.fixture
    def days(self, station: Station, folder: Path) -> Callable[[], list[tuple[str, str]]]:
        """Goes on to the next day's broadcast; what became of each one is told."""
        assert folder

        def go_on() -> list[tuple[str, str]]:
            due = DUE + timedelta(days=len(station.log))
            station.run_until(due - timedelta(minutes=2), every=60)
            station.run_until(due + timedelta(seconds=30))
            return [(str(one.outcome), one.detail) for one in station.log]

        return go_on

    AIRED = ("aired", "")
    KET_WITHHELD = ("withheld", "vi: unapproved (ket)")

    def test_what_is_approved_airs(self, days: Callable[[], list[tuple[str, str]]]) -> None:
        """As it was when it was approved, day after day."""
        days()
        assert days() == [self.AIRED] * 2

    def test_what_nobody_approved_is_withheld(
        self, folder: Path, days: Callable[[], list[tuple[str, str]]]
    ) -> None:
        """It stands in the play log as withheld, with the items and why."""
        (folder / APPROVALS).unlink()
        assert days() == [("withheld", "vi: unapproved (loi-chao, ket)")]

    def test_what_is_taken_back_while_it_waits_is_withheld(self, station: Station, folder: Path) -> None:
        """It was handed over already, and stands before its second; it does not sound."""
        station.run_until(DUE - timedelta(minutes=2), every=60)
        station.run_until(DUE - timedelta(seconds=4))
        (folder / APPROVALS).unlink()
        station.run_until(DUE + timedelta(seconds=30))
        assert [str(one.outcome) for one in station.log] == ["withheld"]

    def test_a_recording_swapped_while_it_runs_is_withheld(
        self, folder: Path, days: Callable[[], list[tuple[str, str]]]
    ) -> None:
        """Of the same size, and with its date set back: the bytes are others, and nobody approved them."""
        days()
        before = (folder / KET).stat()
        (folder / KET).write_bytes(b"swapped!")
        os.utime(folder / KET, ns=(before.st_atime_ns, before.st_mtime_ns))
        after = (folder / KET).stat()
        assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        assert days() == [self.AIRED, self.KET_WITHHELD]

    def test_a_recording_put_in_place_of_the_voice_is_withheld(
        self, folder: Path, days: Callable[[], list[tuple[str, str]]]
    ) -> None:
        """Nobody listened to it; the voice does not speak in its stead."""
        days()
        write(folder, "audio/tin/recordings/vi/loi-chao@03160+nam-po.wav", b"new")
        assert days() == [self.AIRED, ("withheld", "vi: unapproved (loi-chao)")]

    def test_an_approval_given_while_it_runs_is_followed(
        self, folder: Path, days: Callable[[], list[tuple[str, str]]]
    ) -> None:
        """And so is one that is taken back, and one given again."""
        history = load(folder).content.approvals["tin"].history
        (folder / APPROVALS).unlink()
        days()
        for revoked in (False, True, False):
            for one in history:
                append_line(folder / APPROVALS, replace(one, revoked=revoked).line)
            outcome = days()[-1][0]
            assert outcome == ("withheld" if revoked else "aired")

    def test_an_approval_given_a_moment_before_is_in_time(self, station: Station, folder: Path) -> None:
        """Ten seconds before the broadcast is soon enough."""
        history = load(folder).content.approvals["tin"].history
        (folder / APPROVALS).unlink()
        station.run_until(DUE - timedelta(seconds=10))
        for one in history:
            append_line(folder / APPROVALS, one.line)
        station.run_until(DUE + timedelta(seconds=30))
        assert [one.outcome for one in station.log] == [Outcome.AIRED]

    def test_a_changed_word_is_withheld_until_it_was_read(
        self, folder: Path, days: Callable[[], list[tuple[str, str]]]
    ) -> None:
        """The recording of the old words is outdated; approved as it is, both air again."""
        words = (folder / "audio/tin/script.toml").read_text("utf-8")
        write(folder, "audio/tin/script.toml", words.replace("Xin cảm ơn", "Xin cám ơn"))
        days()
        approve(folder)
        assert days() == [("withheld", "vi: outdated (ket)"), self.AIRED]

    def test_taking_notes_or_approvals_away_airs_nothing_new(
        self, folder: Path, days: Callable[[], list[tuple[str, str]]]
    ) -> None:
        """A stand-in whose mark is gone is a recording that nobody approved."""
        notes = write(folder, "audio/tin/recordings.toml", '["vi/ket.wav"]\nstand_in = true\n')
        write(folder, KET, b"stand-in")
        approve(folder)
        days()
        notes.unlink()
        days()
        (folder / APPROVALS).unlink()
        assert days() == [
            ("withheld", "vi: stand-in (ket)"),
            ("withheld", "vi: unapproved (ket)"),
            ("withheld", "vi: unapproved (loi-chao, ket)"),
        ]

    def test_a_torn_approval_is_told_and_withholds(
        self, folder: Path, days: Callable[[], list[tuple[str, str]]], caplog: pytest.LogCaptureFixture
    ) -> None:
        """The journal names the line; the other items stay approved."""
        lines = (folder / APPROVALS).read_text("utf-8").splitlines()
        torn = [line[:-9] if '"listener"' in line and '"vi"' in line else line for line in lines]
        (folder / APPROVALS).write_text("\n".join(torn), "utf-8")
        assert days() == [self.KET_WITHHELD]
        told = [record.message for record in caplog.records if "This line is no approval" in record.message]
        assert told
        assert all(message.startswith(f"{APPROVALS}:") for message in told)

    def test_while_a_script_is_faulty_it_can_still_be_taken_off(
        self, folder: Path, days: Callable[[], list[tuple[str, str]]]
    ) -> None:
        """What was on air goes on, slip or not, until its approvals are gone."""
        days()
        words = (folder / "audio/tin/script.toml").read_text("utf-8")
        write(folder, "audio/tin/script.toml", words.replace("title", "titel"))
        days()
        (folder / APPROVALS).unlink()
        assert [outcome for outcome, _ in days()] == ["aired", "aired", "withheld"]


class TestTheEdgeOfTheHours:
    def test_a_machine_that_slept_and_knows_no_time_does_not_go_on(self, station: Station) -> None:
        """It wakes with a clock that nobody vouches for: what sounded is ended, it may be night."""
        station.assembly.make("tin-vi", 600.0)
        station.run_until(DUE + timedelta(seconds=20))
        station.clock.its_state = ClockState(synchronised=False, rtc=False, boot="")
        station.clock.suspend(3 * 3600)
        station.run(5)
        ((_, outcome, reason),) = station.told
        assert (outcome, reason) == ("cut", "clock")

    def test_a_machine_that_slept_does_not_go_on(self, station: Station) -> None:
        """Closed at half past five and opened at nine, it does not finish its sentence in the night."""
        station.assembly.make("tin-vi", 600.0)
        station.run_until(DUE + timedelta(seconds=20))
        station.clock.suspend(3.5 * 3600)
        station.run(10)
        (airing,) = station.log
        assert (airing.outcome, airing.reason) == (Outcome.CUT, Reason.OUTSIDE_HOURS)
        assert airing.seconds <= 22

    def test_a_clock_that_is_set_forward_in_the_middle_ends_it(self, station: Station) -> None:
        """NTP that finds out at half past five that it is nine ends what sounds within two seconds."""
        station.assembly.make("tin-vi", 600.0)
        station.run_until(DUE + timedelta(seconds=20))
        station.clock.set(make.at(FRIDAY, "21:00"))
        station.run(10)
        (airing,) = station.log
        assert (airing.outcome, airing.reason) == (Outcome.CUT, Reason.OUTSIDE_HOURS)

    def test_a_step_of_seconds_is_nothing(self, station: Station) -> None:
        """A correction or a leap second in the middle cuts nothing and repeats nothing."""
        station.assembly.make("tin-vi", 60.0)
        station.run_until(DUE + timedelta(seconds=20))
        for step in (-1.0, 1.0, -20.0, 5.0):
            station.clock.set(station.clock.now() + timedelta(seconds=step))
            station.run(3)
        station.run(60)
        assert [one.outcome for one in station.log] == [Outcome.AIRED]
        assert len(station.plays()) == 1


class TestTrust:
    UNSURE = ClockState(synchronised=False, rtc=False, boot="first")

    def test_neither_a_time_server_nor_an_rtc(self, station: Station) -> None:
        """Nobody knows the time: nothing sounds, and status says why; a person's word makes it right."""
        station.clock.its_state = self.UNSURE
        station.run(30)
        assert station.ask("status")["clock"] == "unsure"
        station.ask("clock")
        station.run(60)
        assert [one.started for one in station.log] == [DUE]

    def test_it_stays_right_when_the_network_fails(self, station: Station) -> None:
        """What a time server once set goes on being trusted until the machine is switched off."""
        station.run(5)
        station.clock.its_state = self.UNSURE
        station.run_until(DUE + timedelta(minutes=1))
        assert [one.started for one in station.log] == [DUE]
        station.clock.its_state = replace(self.UNSURE, boot="second")
        station.restart(DUE + timedelta(hours=23, minutes=59))
        station.run(120)
        assert len(station.log) == 1

    def test_a_word_is_for_the_time_that_it_was_given_for(self, station: Station) -> None:
        """Set to something else without a time server, it is as unsure as before."""
        station.clock.its_state = self.UNSURE
        station.start()
        station.ask("clock")
        station.run(5)
        station.clock.set(DUE + timedelta(hours=2))
        station.run(5)
        assert station.alarms == ["clock"]

    def test_a_word_that_the_disk_tells_late_is_for_the_time_before(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The clock was set while the disk did not tell that it had been right: it is as unsure as before."""
        station.clock.its_state = self.UNSURE
        station.start()
        station.ask("clock")
        station.run(5)
        station.stop()
        for name in ("airings", "unfinished", "marks", "mark"):
            monkeypatch.setattr(station.store, name, refused)
        station.restart(station.clock.now() + timedelta(seconds=5))
        station.run(5)
        station.clock.set(station.clock.now() + timedelta(seconds=20))
        station.run(5)
        monkeypatch.undo()
        station.run(15)
        assert station.alarms == ["clock"]

    def test_a_jump_of_years_is_not_believed(self, station: Station) -> None:
        """Not even with an RTC; set back to what it was, it is trusted at once, and the years are no loss."""
        station.clock.its_state = ClockState(synchronised=False, rtc=True, boot="")
        station.run(5)
        before = station.clock.now()
        station.clock.set(before + timedelta(days=1000))
        station.run(20)
        assert station.alarms == ["clock"]
        station.clock.set(before + timedelta(seconds=20))
        station.run(60)
        assert station.told == [(ROW, "aired", "")]

    def test_a_day_too_far_for_some_minutes_costs_nothing(self, station: Station) -> None:
        """What a wrong date went over is not written off at once: set right again, all of it sounds."""
        station.clock.its_state = ClockState(synchronised=False, rtc=True, boot="")
        station.run(5)
        station.clock.set(station.clock.now() + timedelta(days=10))
        station.run(20)
        assert station.log == []
        station.clock.set(station.clock.now() - timedelta(days=10))
        station.ask("clock")
        station.run_until(DUE + timedelta(days=2), every=5)
        assert [one.outcome for one in station.log] == [Outcome.AIRED] * 2

    def test_days_under_a_wrong_date_have_their_rows(self, station: Station) -> None:
        """What passed while the clock was weeks ahead is missed, by the clock, when it is set right."""
        station.run_until(DUE + timedelta(minutes=1))
        station.clock.set(station.clock.now() + timedelta(days=20, hours=8))
        station.run(60)
        station.clock.advance(2 * 86_400)
        station.run(60)
        station.clock.set(station.clock.now() - timedelta(days=20, hours=8))
        station.run(60)
        told = {one.planned: (one.outcome, one.reason) for one in station.log}
        assert told[DUE + timedelta(days=1)] == (Outcome.MISSED, Reason.LATE)
        assert DUE + timedelta(days=2) in told or station.clock.now() < DUE + timedelta(days=2)

    def test_a_clock_far_ahead_once_does_not_silence_for_ever(self, station: Station) -> None:
        """Signs of life from the future are outweighed by a time server."""
        station.store.mark("alive", (DUE + timedelta(days=900)).isoformat())
        station.run_until(DUE + timedelta(minutes=1))
        assert station.told == [(ROW, "aired", "")]


class TestTheAmplifier:
    def power(self, station: Station, warm_up: float) -> None:
        """Give the station an amplifier to switch."""
        content = station.content
        powered = replace(content.station, amplifier=Amplifier("an", "aus", warm_up))
        station.save(lambda: Loaded(replace(content, station=powered), ()))

    def test_is_warm_when_it_sounds(self, station: Station) -> None:
        """On so long before that it has warmed up, and off some seconds after the end."""
        self.power(station, warm_up=20.0)
        station.run_until(DUE - timedelta(seconds=30))
        assert station.switch.turned == [False]
        station.run_until(DUE - timedelta(seconds=20))
        assert station.switch.turned == [False, True]
        station.run_until(DUE + timedelta(seconds=SECONDS + 10))
        assert station.switch.turned == [False, True, False]

    def test_is_warm_also_when_it_is_late(self, station: Station) -> None:
        """After a power cut nothing sounds into an amplifier that was just switched on."""
        self.power(station, warm_up=20.0)
        station.run_until(DUE - timedelta(minutes=1))
        station.restart(DUE + timedelta(seconds=10))
        station.run(60)
        assert station.switch.turned[-2:] == [True, False]
        (play,) = station.plays()
        assert timedelta(seconds=30) <= play[0] - DUE <= timedelta(seconds=32)

    def test_stays_off_for_what_is_over(self, station: Station) -> None:
        """What was missed for days, and waits for a clock that is sure, needs no amplifier."""
        self.power(station, warm_up=20.0)
        station.run(5)
        station.clock.its_state = ClockState(synchronised=False, rtc=True, boot="second")
        station.restart(DUE + timedelta(days=3, hours=3))
        station.run(60)
        assert True not in station.switch.turned

    def test_that_fails_is_an_alarm_and_silences_nothing(self, station: Station) -> None:
        """Perhaps somebody switched it on by hand: it sounds all the same."""
        self.power(station, warm_up=5.0)
        station.switch.fault = Fault("amplifier", say("It does not answer."), say("Look at its cable."))
        station.run_until(DUE + timedelta(seconds=5))
        assert station.alarms == ["amplifier"]
        station.run_until(DUE + timedelta(minutes=1))
        assert station.told == [(ROW, "aired", "")]


class TestARelay:
    def relaying(self, station: Station, *schedules: Any, **given: Any) -> None:
        relay = Relay("http://127.0.0.1:8000/dai", 600)
        station.write(*schedules or [replace(make.make_schedule(), relay=relay)], **given)

    def test_sounds_for_as_long_as_it_is_planned(self, station: Station) -> None:
        """From its second on, and to its end."""
        self.relaying(station)
        station.run_until(DUE + timedelta(minutes=11))
        (airing,) = station.log
        assert (airing.outcome, airing.started, airing.seconds) == (Outcome.AIRED, DUE, 600.0)
        assert [url for url, _ in station.streams] == ["http://127.0.0.1:8000/dai"]

    def test_that_begins_late_ends_in_time(self, station: Station) -> None:
        """What joins late is not longer for that: its end is the stream's own."""
        self.relaying(station)
        station.clock.set(DUE + timedelta(seconds=20))
        station.store.mark("alive", (DUE - timedelta(minutes=1)).isoformat())
        station.run_until(DUE + timedelta(minutes=11))
        (airing,) = station.log
        assert airing.ended is not None
        assert airing.ended <= DUE + timedelta(seconds=601)

    def test_of_which_nothing_came_did_not_sound(self, station: Station) -> None:
        """Ten minutes of silence are no airing: it failed, and the row says what the stream said."""
        station.flows = False
        self.relaying(station)
        station.run_until(DUE + timedelta(minutes=11))
        (airing,) = station.log
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.FAILED, Reason.RELAY, 0.0)
        assert "It was told to fail." in airing.detail

    def test_needs_no_script(self, station: Station) -> None:
        """With nothing to replace it, it is a relay all the same."""
        relay = Relay("http://127.0.0.1:8000/dai", 60)
        self.relaying(station, replace(make.make_schedule(), relay=relay, scripts=()))
        station.run_until(DUE + timedelta(minutes=2))
        assert [one.outcome for one in station.log] == [Outcome.AIRED]


class TestTakenBack:
    def test_an_approval_taken_back_ends_what_sounds(self, station: Station) -> None:
        """Within two seconds, and it is counted for what sounded."""
        station.assembly.make("tin-vi", 60.0)
        station.run_until(DUE + timedelta(seconds=10))
        unapproved = replace(station.content, approvals={})
        station.save(lambda: Loaded(unapproved, ()))
        station.run(60)
        (airing,) = station.log
        assert (airing.outcome, airing.reason) == (Outcome.CUT, Reason.INCOMPLETE)

    @pytest.mark.parametrize(("before", "told"), [(4.0, []), (2.0, [(ROW, "missed", "stopped")])])
    def test_a_schedule_taken_away_in_the_last_seconds_does_not_begin(
        self, station: Station, before: float, told: list[tuple[str, str, str]]
    ) -> None:
        """Handed over, it is as if it had never been planned; with a row already, it is stopped."""
        station.run_until(DUE - timedelta(seconds=before))
        station.write(make.make_schedule("khac", make.make_rule(make.time(17, 40))))
        station.run_until(DUE + timedelta(minutes=1))
        assert station.told == told
        assert [play.played.seconds for play in station.sink().plays] == [0.0] * len(told)
