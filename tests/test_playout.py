"""One occurrence on air, from its hand-over to its row in the play log."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from broadcaster.alarms import Alarms
from broadcaster.edges.sink import Played, Source
from broadcaster.edges.store import Store, database
from broadcaster.journal import Journal
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.occurrence import Occurrence, Reason
from broadcaster.model.plan import plan
from broadcaster.model.programme import Programme
from broadcaster.model.schedule import BulletinClass
from broadcaster.playout import AHEAD, GRACE, RETRY, Halt, Playout, Programmes
from tests import factories as make
from tests.fakes import FakeClock, FakeSink, FakeStore, make_output, refused
from tests.programmes import make_programme, make_sound

DUE = make.at("2026-11-20", "17:30")
MONG = "hmn-Latn-VN"


class WatchedSink(FakeSink):
    """A sink that lets the test look, and meddle, while it plays."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.on_play: Callable[[], object] = lambda: None
        self.at_second: dict[int, Callable[[], object]] = {}

    def play(self, source: Source, at: datetime, stop: Event, on_progress: Callable[[float], None]) -> Played:
        self.on_play()

        def tell(seconds: float) -> None:
            on_progress(seconds)
            self.at_second.get(round(seconds), lambda: None)()

        return super().play(source, at, stop, tell)


class Studio:
    """A playout with all that it needs, and one minute of Vietnamese due at half past five."""

    def __init__(self, folder: Path, store: Store | FakeStore) -> None:
        self.folder, self.store = folder, store
        self.clock = FakeClock(DUE - timedelta(minutes=5))
        self.sink = WatchedSink(self.clock)
        self.alarms = Alarms(self.clock)
        self.playout = self.playout_on(store)
        self.content = make.make_content()
        self.programmes: list[tuple[str, Programme]] = [("vi", self.programme("tin-vi", 60.0))]
        self.hope = False  # is assembly at work?
        self.closing: Path | None = None
        self.halt = Halt(self.occurrence())

    def playout_on(self, store: Store | FakeStore) -> Playout:
        """A playout that writes into *store* at once."""
        self.journal = Journal(self.clock, store, self.alarms, lambda job: job())
        return Playout(self.clock, self.journal, self.alarms)

    def programme(self, digest: str, seconds: float) -> Programme:
        return make_programme(self.folder / "programmes", digest, seconds)

    def occurrence(self, content: Content | None = None) -> Occurrence:
        start = make.at("2026-11-20")
        return plan(content or self.content, {}, start, start + timedelta(days=1))[0]

    def speak_two_languages(self, *, vietnamese: float = 40.0, mong: float = 40.0) -> None:
        """A cluster that hears Vietnamese, then Mông."""
        cluster = make.make_cluster(languages=("vi", MONG))
        self.content = make.make_content(clusters=[cluster], recordings=[make.make_recording(language=MONG)])
        self.programmes = [
            ("vi", self.programme("hai-vi", vietnamese)),
            (MONG, self.programme("hai-mong", mong)),
        ]

    def ready(self) -> tuple[Programmes, bool]:
        return self.programmes, self.hope

    def air(self, occurrence: Occurrence | None = None) -> Airing | None:
        return self.playout.air(
            occurrence or self.occurrence(),
            self.content.station,
            make_output(self.sink),
            self.ready,
            self.closing,
            self.halt,
        )

    def aired(self, occurrence: Occurrence | None = None) -> Airing:
        """Air it; what was answered is what the play log has."""
        answer = self.air(occurrence)
        assert answer is not None
        (logged,) = (one for one in self.store.airings() if one.occurrence == answer.occurrence)
        assert logged == replace(answer, languages=tuple(answer.languages), planned=logged.planned)
        assert logged.planned == answer.planned
        return logged

    @property
    def rows(self) -> list[str]:
        """The rows of the play log."""
        assert isinstance(self.store, FakeStore)
        return ["start"] * len(self.store._began) + ["end"] * len(self.store._ended)

    @property
    def on_air(self) -> dict[str, Any]:
        """What `broadcaster status` would say is on air."""
        return {name: one for name, one in self.store.marks().items() if name.startswith("on-air/") and one}


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path, FakeStore())


class TestInTime:
    def test_sounds_on_the_second(self, studio: Studio) -> None:
        """Handed over minutes ahead, its first sample leaves at its time and it sounds whole."""
        airing = studio.aired()
        assert (airing.outcome, airing.reason) == (Outcome.AIRED, "")
        assert (airing.started, airing.ended) == (DUE, DUE + timedelta(seconds=60))
        assert airing.seconds == 60.0

    def test_opens_the_sink_ahead_of_time(self, studio: Studio) -> None:
        """The sink is asked a little before the time, with the time at which to begin."""
        asked: list[datetime] = []
        studio.sink.on_play = lambda: asked.append(studio.clock.now())
        studio.air()
        assert asked == [DUE - AHEAD]
        assert [play.at for play in studio.sink.plays] == [DUE]

    def test_chooses_the_programme_at_the_last_moment(self, studio: Studio) -> None:
        """A programme that was made while the occurrence waited is the one that sounds."""
        asked: list[datetime] = []

        def ready() -> tuple[Programmes, bool]:
            asked.append(studio.clock.now())
            return studio.programmes, False

        output = make_output(studio.sink)
        studio.playout.air(studio.occurrence(), studio.content.station, output, ready, None, studio.halt)
        assert asked == [DUE - AHEAD]

    @pytest.mark.parametrize("seconds", [1, 30, 60])
    def test_late_within_the_grace_sounds_whole(self, studio: Studio, seconds: int) -> None:
        """As late as the grace allows it still begins, and from its beginning."""
        studio.clock.set(DUE + timedelta(seconds=seconds))
        airing = studio.aired()
        assert airing.outcome is Outcome.AIRED
        assert airing.started == DUE + timedelta(seconds=seconds)
        assert airing.seconds == 60.0

    def test_after_the_grace_it_is_missed(self, studio: Studio) -> None:
        """Later than the grace nothing sounds: a bulletin that nobody expects any more helps nobody."""
        studio.clock.set(DUE + GRACE + timedelta(seconds=1))
        airing = studio.aired()
        assert (airing.outcome, airing.reason) == (Outcome.MISSED, Reason.LATE)
        assert (airing.started, airing.ended, airing.seconds) == (None, None, 0.0)
        assert studio.sink.plays == []

    def test_a_clock_that_jumps_while_it_waits_makes_it_missed(self, studio: Studio) -> None:
        """The grace holds where the time is found to have passed only after the hand-over, too."""
        halt = studio.halt

        class Jumping(FakeClock):
            def wait_until(self, when: datetime, stop: Event) -> bool:
                self.set(DUE + timedelta(minutes=30))
                return super().wait_until(when, stop)

        studio.clock = Jumping(DUE - timedelta(seconds=20))
        studio.playout = studio.playout_on(studio.store)
        assert not halt.is_set()
        assert studio.aired().reason == Reason.LATE
        assert studio.sink.plays == []

    def test_behind_one_that_began_late_it_is_not_late(self, studio: Studio) -> None:
        """In a session that began late each follows as soon as the cluster is silent."""
        first = studio.occurrence()
        second = replace(first, id="lich/2026-11-20T17:31:02/nam-po", at=first.at + timedelta(seconds=62))
        studio.programmes = [("vi", studio.programme("dai", 150.0))]
        studio.clock.set(DUE + timedelta(seconds=50))
        assert studio.aired(first).outcome is Outcome.AIRED
        airing = studio.aired(second)  # 138 s after its time
        assert airing.outcome is Outcome.AIRED
        assert airing.started == DUE + timedelta(seconds=50 + 150)


class TestTheRows:
    def test_the_first_stands_before_the_first_sample(self, studio: Studio) -> None:
        """When the sink is asked to play, the play log knows already that it was."""
        known: list[Airing] = []
        studio.sink.on_play = lambda: known.extend(studio.store.unfinished())
        studio.air()
        (row,) = known
        assert row.occurrence == "lich/2026-11-20T17:30:00/nam-po"
        assert (row.outcome, row.started, row.seconds) == (None, None, 0.0)

    def test_there_are_two_for_what_sounded(self, studio: Studio) -> None:
        """One before the first sample, one after the last, and nothing is left open."""
        studio.air()
        assert studio.rows == ["start", "end"]
        assert studio.store.unfinished() == []

    def test_there_is_one_for_what_did_not(self, studio: Studio) -> None:
        """What was never begun has its outcome alone."""
        studio.clock.set(DUE + timedelta(hours=1))
        studio.air()
        assert studio.rows == ["end"]

    def test_retries_do_not_add_to_them(self, studio: Studio) -> None:
        """However often the sink was tried, it is one occurrence."""
        studio.sink.fail_after = 0.0
        studio.air()
        assert len(studio.sink.plays) > 1
        assert studio.rows == ["start", "end"]

    def test_copy_every_name(self, studio: Studio) -> None:
        """The row can be read when the schedule, the script and the cluster are long gone."""
        airing = studio.aired()
        assert airing.station == "Đài mẫu"
        assert (airing.schedule, airing.schedule_title) == ("lich", "Lịch lich")
        assert (airing.script, airing.script_title) == ("tin", "Kịch bản tin")
        assert (airing.cluster, airing.cluster_name) == ("nam-po", "Cụm nam-po")
        assert (airing.area, airing.area_name) == ("03160/nam-po", "Bản Nậm Pố")
        assert (airing.group, airing.bulletin_class, airing.kind) == ("everyone", "normal", "planned")
        assert airing.planned == DUE

    def test_an_error_in_the_sink_leaves_nothing_marked(self, studio: Studio) -> None:
        """After an error of ours in the middle nothing is said to be on air."""

        def fail() -> None:
            raise ZeroDivisionError

        studio.sink.at_second[10] = fail
        with pytest.raises(ZeroDivisionError):
            studio.air()
        assert studio.on_air == {}

    def test_nothing_is_begun_that_cannot_be_logged(self, studio: Studio) -> None:
        """Where the first row cannot be written, because it is there already, nothing sounds."""
        studio.air()
        with pytest.raises(BroadcasterError):
            studio.air()
        assert len(studio.sink.plays) == 1

    def test_what_the_disk_does_not_take_is_logged_later(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """How it ended stays known while the disk is full, and is logged once, as soon as there is room."""
        studio.sink.on_play = lambda: monkeypatch.setattr(studio.store, "end", refused)
        answer = studio.air()
        studio.journal.flush()
        assert studio.rows == ["start"]
        monkeypatch.undo()
        studio.journal.flush()
        studio.journal.flush()
        assert list(studio.store.airings()) == [answer]
        assert studio.rows == ["start", "end"]

    def test_a_row_that_stands_there_stops_no_other(
        self, studio: Studio, caplog: pytest.LogCaptureFixture
    ) -> None:
        """What ended before keeps its first row, and the row after it is written all the same."""
        first = studio.occurrence()
        second = replace(first, id="lich/2026-11-21T17:30:00/nam-po")
        studio.playout.log(first, studio.content.station, Outcome.MISSED, Reason.OFF)
        studio.playout.log(first, studio.content.station, Outcome.FAILED, Reason.PROGRAM)
        studio.playout.log(second, studio.content.station, Outcome.MISSED, Reason.OFF)
        assert [(one.occurrence, one.outcome) for one in studio.store.airings()] == [
            (first.id, Outcome.MISSED),
            (second.id, Outcome.MISSED),
        ]
        assert caplog.text == ""

    def test_what_is_on_air_is_marked_while_it_is(self, studio: Studio) -> None:
        """The mark names the occurrence and its seconds while it sounds, and is gone afterwards."""
        marks: list[dict[str, Any]] = []
        studio.sink.at_second[31] = lambda: marks.append(studio.on_air["on-air/nam-po"])
        studio.air()
        (mark,) = marks
        assert (mark["occurrence"], mark["title"]) == ("lich/2026-11-20T17:30:00/nam-po", "Kịch bản tin")
        assert 29 <= mark["seconds"] <= 31
        assert studio.on_air == {}


class TestHowMuchSounded:
    @pytest.mark.parametrize(
        ("seconds", "outcome"),
        [
            (60.0, Outcome.AIRED),
            (54.0, Outcome.AIRED),
            (53.9, Outcome.CUT),
            (0.5, Outcome.CUT),
            (0.0, Outcome.FAILED),
        ],
    )
    def test_nine_tenths_are_an_airing(self, studio: Studio, seconds: float, outcome: Outcome) -> None:
        """To nine tenths of its length it was aired, less is cut, nothing at all is failed."""
        studio.sink.fail_after = seconds
        airing = studio.aired()
        assert (airing.outcome, airing.seconds) == (outcome, seconds)

    def test_a_sink_that_dies_in_the_middle_cuts_it(self, studio: Studio) -> None:
        """Tried for a minute in vain: what sounded until then counts, and the reason is the sink."""
        studio.sink.fail_after = 20.0
        airing = studio.aired()
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.CUT, Reason.SINK, 20.0)
        assert "The sink was told to fail." in airing.detail
        assert airing.ended == DUE + timedelta(seconds=20)
        assert studio.sink.plays[-1].at <= DUE + timedelta(seconds=20) + GRACE + timedelta(seconds=RETRY)
        assert [alarm.key for alarm in studio.alarms.present] == ["sound/nam-po"]

    def test_a_sink_that_comes_back_goes_on_where_it_was(self, studio: Studio) -> None:
        """What sounded before does not sound again, nothing is left out, and the row tells of the fault."""
        studio.sink.fail_after = 20.0
        studio.clock.at(DUE + timedelta(seconds=30), lambda: setattr(studio.sink, "fail_after", None))
        airing = studio.aired()
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.AIRED, Reason.SINK, 60.0)
        first, *_, last = studio.sink.plays
        assert (first.played.seconds, last.played.seconds) == (20.0, 40.0)
        assert studio.alarms.present == []

    def test_two_languages_share_the_seconds(self, studio: Studio) -> None:
        """Each language has its digest, its length and its own seconds."""
        studio.speak_two_languages(vietnamese=40, mong=30)
        airing = studio.aired()
        assert airing.outcome is Outcome.AIRED
        assert airing.seconds == 70.0
        assert [(one.language, one.programme, one.length, one.seconds) for one in airing.languages] == [
            ("vi", "hai-vi", 40.0, 40.0),
            (MONG, "hai-mong", 30.0, 30.0),
        ]
        assert [path.stem for path in studio.sink.plays[0].sounds] == ["hai-vi", "hai-mong"]

    def test_a_cut_in_the_second_language_leaves_the_first_aired(self, studio: Studio) -> None:
        """Vietnamese was heard to its end whatever happened to the Mông after it."""
        studio.speak_two_languages()
        studio.sink.fail_after = 50.0
        airing = studio.aired()
        assert airing.outcome is Outcome.CUT
        assert [(one.language, one.seconds, one.outcome) for one in airing.languages] == [
            ("vi", 40.0, Outcome.AIRED),
            (MONG, 10.0, Outcome.CUT),
        ]

    def test_a_cut_in_the_first_language_leaves_the_second_unheard(self, studio: Studio) -> None:
        """A language that was not reached any more has no second and was cut off with the rest."""
        studio.speak_two_languages()
        studio.sink.fail_after = 10.0
        assert [(one.language, one.seconds, one.outcome) for one in studio.aired().languages] == [
            ("vi", 10.0, Outcome.CUT),
            (MONG, 0.0, Outcome.CUT),
        ]

    def test_a_language_without_a_programme_is_withheld(self, studio: Studio) -> None:
        """Only the stand-in is there: Vietnamese airs, and the row says that Mông was withheld and why."""
        studio.speak_two_languages()
        stand_in = make.make_recording(language=MONG, stand_in=True)
        studio.content = make.make_content(clusters=studio.content.station.clusters, recordings=[stand_in])
        studio.programmes = studio.programmes[:1]
        airing = studio.aired()
        assert (airing.outcome, airing.reason) == (Outcome.AIRED, Reason.INCOMPLETE)
        assert airing.detail == f"{MONG}: stand-in (loi)"
        assert [(one.language, one.outcome) for one in airing.languages] == [
            ("vi", Outcome.AIRED),
            (MONG, Outcome.WITHHELD),
        ]

    def test_the_closing_chime_is_not_counted(self, studio: Studio) -> None:
        """The chime after a session sounds but is nobody's seconds."""
        studio.closing = make_sound(studio.folder / "ket-thuc.wav", 8.0)
        airing = studio.aired()
        assert (airing.outcome, airing.seconds) == (Outcome.AIRED, 60.0)
        assert airing.ended == DUE + timedelta(seconds=60)
        (play,) = studio.sink.plays
        assert play.sounds[-1] == studio.closing
        assert play.played.seconds == 68.0

    def test_the_closing_chime_makes_no_airing(self, studio: Studio) -> None:
        """A programme of which too little sounded is cut, however long its chime."""
        studio.closing = make_sound(studio.folder / "ket-thuc.wav", 600.0)
        studio.sink.fail_after = 30.0
        airing = studio.aired()
        assert (airing.outcome, airing.seconds) == (Outcome.CUT, 30.0)

    def test_a_fault_in_the_chime_leaves_it_aired(self, studio: Studio) -> None:
        """A sink that dies in the closing chime takes nothing from the programme."""
        studio.closing = make_sound(studio.folder / "ket-thuc.wav", 8.0)
        studio.sink.fail_after = 63.0
        airing = studio.aired()
        assert (airing.outcome, airing.seconds) == (Outcome.AIRED, 60.0)

    def test_is_counted_when_the_memory_fails_meanwhile(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A disk that is full for some seconds silences nothing: marks are missed, the programme is not."""

        def make_room() -> None:
            monkeypatch.undo()

        studio.sink.on_play = lambda: monkeypatch.setattr(studio.store, "mark", refused)
        studio.sink.at_second[30] = make_room
        airing = studio.aired()
        assert (airing.outcome, airing.seconds) == (Outcome.AIRED, 60.0)


class TestASinkThatWillNotStart:
    def test_is_tried_again_within_the_grace(self, studio: Studio) -> None:
        """A card that is back after ten seconds plays the whole programme, ten seconds late."""
        studio.sink.fail_after = 0.0

        def plug_in() -> None:
            if studio.clock.now() >= DUE + timedelta(seconds=10):
                studio.sink.fail_after = None

        studio.sink.on_play = plug_in
        airing = studio.aired()
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.AIRED, "", 60.0)
        assert airing.started is not None
        assert timedelta(seconds=10) <= airing.started - DUE <= timedelta(seconds=10 + RETRY)

    def test_is_given_up_after_the_grace(self, studio: Studio) -> None:
        """A card that stays away makes it failed, with what the sink said; it is not tried any longer."""
        studio.sink.fail_after = 0.0
        airing = studio.aired()
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.FAILED, Reason.SINK, 0.0)
        assert "The sink was told to fail." in airing.detail
        assert airing.started is None
        assert studio.sink.plays[-1].at <= DUE + GRACE + timedelta(seconds=RETRY)
        assert [(one.seconds, one.outcome) for one in airing.languages] == [(0.0, Outcome.FAILED)]

    def test_a_halt_ends_the_tries(self, studio: Studio) -> None:
        """Told to end while it waits for the next try, it failed, and does not go on trying."""

        class Halting(FakeClock):
            def sleep(self, seconds: float, stop: Event) -> bool:
                if seconds == RETRY and self.now() >= DUE + timedelta(seconds=10):
                    stop.set()
                return super().sleep(seconds, stop)

        studio.clock = studio.sink.clock = Halting(DUE - timedelta(seconds=20))
        studio.playout = studio.playout_on(studio.store)
        studio.sink.fail_after = 0.0
        airing = studio.aired()
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.FAILED, Reason.SINK, 0.0)
        assert all(play.played.fault for play in studio.sink.plays)


class TestHalt:
    def test_before_its_time_nothing_happened(self, studio: Studio) -> None:
        """An occurrence whose time had not come is as if it had never been handed over."""
        studio.halt.because(Reason.SHUTDOWN)
        assert studio.air() is None
        assert studio.rows == []
        assert studio.sink.plays == []

    def test_while_it_waits_for_assembly_nothing_happened(self, studio: Studio) -> None:
        """The same while its programme is still being made."""

        class Halting(FakeClock):
            def sleep(self, seconds: float, stop: Event) -> bool:
                if self.now() >= DUE + timedelta(seconds=10):
                    stop.set()
                return super().sleep(seconds, stop)

        studio.clock = Halting(DUE - timedelta(seconds=20))
        studio.playout = studio.playout_on(studio.store)
        studio.programmes, studio.hope = [], True
        studio.halt.reason = Reason.SHUTDOWN
        assert studio.air() is None
        assert studio.rows == []

    def test_taken_away_by_hand_while_it_waits_it_is_missed(self, studio: Studio) -> None:
        """What a person stops before its first sample has its row: nothing vanishes."""
        studio.halt.because(Reason.STOPPED)
        airing = studio.aired()
        assert (airing.outcome, airing.reason) == (Outcome.MISSED, Reason.STOPPED)
        assert studio.sink.plays == []

    @pytest.mark.parametrize("reason", [Reason.STOPPED, Reason.SHUTDOWN])
    def test_on_air_it_is_cut_with_the_reason(self, studio: Studio, reason: Reason) -> None:
        """What sounded until then is counted, and the row says who ended it."""
        studio.sink.at_second[25] = lambda: studio.halt.because(reason)
        airing = studio.aired()
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.CUT, reason, 25.0)

    def test_near_the_end_it_was_aired_all_the_same(self, studio: Studio) -> None:
        """To nine tenths it sounded; the reason says that it was stopped."""
        studio.sink.at_second[58] = lambda: studio.halt.because(Reason.STOPPED)
        airing = studio.aired()
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.AIRED, Reason.STOPPED, 58.0)

    def test_between_hand_over_and_first_sample_it_is_missed(self, studio: Studio) -> None:
        """Begun in the play log but not yet sounding, it is missed, with the reason."""
        studio.sink.on_play = lambda: studio.halt.because(Reason.STOPPED)
        airing = studio.aired()
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.MISSED, Reason.STOPPED, 0.0)
        assert [one.outcome for one in airing.languages] == [Outcome.MISSED]
        assert studio.rows == ["start", "end"]

    def test_knows_whether_it_is_on_air(self, studio: Studio) -> None:
        """`stop` asks for this: what merely waits is not on air, what sounds is."""
        seen: list[bool] = []
        studio.sink.on_play = lambda: seen.append(studio.halt.on_air)
        assert not studio.halt.on_air
        studio.air()
        assert seen == [True]


class TestProgrammesThatAreNotThere:
    def test_none_is_a_failure(self, studio: Studio) -> None:
        """Nothing was assembled and nothing will be: it failed, and says that it was not ready."""
        studio.programmes = []
        airing = studio.aired()
        assert (airing.outcome, airing.reason) == (Outcome.FAILED, Reason.NOT_READY)
        assert studio.sink.plays == []
        assert [(one.language, one.outcome) for one in airing.languages] == [("vi", Outcome.FAILED)]

    def test_is_waited_for_within_the_grace(self, studio: Studio) -> None:
        """Assembly is still at work: it sounds as soon as it is made, if that is within the grace."""
        made, studio.programmes, studio.hope = studio.programmes, [], True

        def ready() -> tuple[Programmes, bool]:
            there = studio.clock.now() >= DUE + timedelta(seconds=20)
            return (made if there else []), not there

        airing = studio.playout.air(
            studio.occurrence(), studio.content.station, make_output(studio.sink), ready, None, studio.halt
        )
        assert airing is not None
        assert (airing.outcome, airing.started) == (Outcome.AIRED, DUE + timedelta(seconds=20))

    def test_is_not_waited_for_any_longer(self, studio: Studio) -> None:
        """Assembly that never ends makes it failed when the grace is over."""
        studio.programmes, studio.hope = [], True
        airing = studio.aired()
        assert (airing.outcome, airing.reason) == (Outcome.FAILED, Reason.NOT_READY)
        assert timedelta() <= airing.logged - (DUE + GRACE) <= timedelta(seconds=1)

    def test_one_language_does_not_wait_for_ever_for_the_other(self, studio: Studio) -> None:
        """What is there when the grace is over sounds; the rest is withheld."""
        studio.speak_two_languages()
        studio.programmes, studio.hope = studio.programmes[:1], True
        airing = studio.aired()
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.AIRED, Reason.INCOMPLETE, 40.0)
        assert [(one.language, one.outcome) for one in airing.languages] == [
            ("vi", Outcome.AIRED),
            (MONG, Outcome.WITHHELD),
        ]


class TestAllowedHours:
    def test_at_its_real_length_it_may_have_no_room(self, studio: Studio) -> None:
        """Planned by an estimate, it turned out to pass the end of the hours: displaced, and not begun."""
        studio.content = make.make_content(hours=make.make_hours(make.span("17:00", "17:35")))
        studio.programmes = [("vi", studio.programme("dai", 301.0))]
        airing = studio.aired()
        assert (airing.outcome, airing.reason) == (Outcome.DISPLACED, Reason.OUTSIDE_HOURS)
        assert studio.sink.plays == []

    def test_to_the_last_second_it_has_room(self, studio: Studio) -> None:
        """What ends just when the hours do is on air."""
        studio.content = make.make_content(hours=make.make_hours(make.span("17:00", "17:35")))
        studio.programmes = [("vi", studio.programme("dai", 300.0))]
        assert studio.aired().outcome is Outcome.AIRED

    def test_a_late_start_may_have_no_room(self, studio: Studio) -> None:
        """The hours hold for when it really sounds, not for when it was planned."""
        studio.content = make.make_content(hours=make.make_hours(make.span("17:00", "17:31")))
        studio.clock.set(DUE + timedelta(seconds=10))
        assert studio.aired().outcome is Outcome.DISPLACED

    def test_an_emergency_passes(self, studio: Studio) -> None:
        """An emergency sounds at any hour."""
        studio.content = make.make_content(
            make.make_schedule(bulletin_class=BulletinClass.EMERGENCY),
            hours=make.make_hours(make.span("05:00", "06:00")),
        )
        assert studio.aired().outcome is Outcome.AIRED


class TestAfterACrash:
    @pytest.fixture
    def studio(self, tmp_path: Path) -> Iterator[Studio]:
        """A studio whose memory is a real file, as it is the disk that a crash leaves."""
        store = Store(database(tmp_path / "var"))
        yield Studio(tmp_path, store)
        store.close()

    @pytest.fixture
    def crash(self, studio: Studio, tmp_path: Path) -> Iterator[Callable[[int], tuple[Playout, Store]]]:
        """Pull the plug at a second of the programme: what the disk then had is what the next run finds."""
        opened: list[Store] = []

        def pull(second: int) -> tuple[Playout, Store]:
            image = tmp_path / "after"
            studio.sink.at_second[second] = lambda: shutil.copytree(tmp_path / "var", image)
            studio.air()
            opened.append(Store(database(image)))
            return studio.playout_on(opened[-1]), opened[-1]

        yield pull
        for store in opened:
            store.close()

    @pytest.mark.parametrize(
        ("second", "outcome"), [(3, Outcome.CUT), (41, Outcome.CUT), (58, Outcome.AIRED)]
    )
    def test_the_seconds_are_those_of_the_last_mark(
        self, crash: Callable[[int], tuple[Playout, Store]], second: int, outcome: Outcome
    ) -> None:
        """What began and never ended is counted to a few seconds, with power as its reason."""
        playout, store = crash(second)
        (airing,) = playout.recover(trusted=True)
        assert (airing.outcome, airing.reason) == (outcome, Reason.POWER)
        assert second - 3 <= airing.seconds <= second
        assert airing.started == DUE
        assert [(one.language, one.programme, one.seconds) for one in airing.languages] == [
            ("vi", "tin-vi", airing.seconds)
        ]
        assert [one.occurrence for one in store.airings()] == [airing.occurrence]

    def test_it_is_logged_once(self, studio: Studio, crash: Callable[[int], tuple[Playout, Store]]) -> None:
        """The next run, and the one after it, find nothing left open; nothing is said to be on air."""
        playout, store = crash(10)
        assert len(playout.recover(trusted=True)) == 1
        assert playout.recover(trusted=True) == []
        assert studio.playout_on(store).recover(trusted=True) == []
        assert len(list(store.airings())) == 1
        assert store.marks()["on-air/nam-po"] is None

    def test_before_the_first_mark_it_is_missed(self, studio: Studio) -> None:
        """Begun, but with no second known to have sounded, it is missed: power."""
        studio.store.begin(make.make_airing(studio.occurrence(), outcome=None, languages=(), reason=""))
        (airing,) = studio.playout.recover(trusted=True)
        assert (airing.outcome, airing.reason, airing.seconds) == (Outcome.MISSED, Reason.POWER, 0.0)
        assert (airing.started, airing.ended) == (None, None)

    def test_a_mark_of_another_occurrence_is_not_counted(self, studio: Studio) -> None:
        """An older mark that was left at the cluster gives this one no seconds."""
        mark = {"occurrence": "khac", "seconds": 40.0, "programmes": [["vi", "khac", 60.0]]}
        studio.store.mark("on-air/nam-po", mark)
        studio.store.begin(make.make_airing(studio.occurrence(), outcome=None, languages=(), reason=""))
        (airing,) = studio.playout.recover(trusted=True)
        assert (airing.outcome, airing.seconds) == (Outcome.MISSED, 0.0)

    def test_two_languages_share_what_is_known(self, studio: Studio, tmp_path: Path) -> None:
        """The mark knows the languages: the first is whole, the second as far as it came."""
        studio.speak_two_languages()
        studio.sink.at_second[60] = lambda: shutil.copytree(tmp_path / "var", tmp_path / "after")
        studio.air()
        store = Store(database(tmp_path / "after"))
        (airing,) = studio.playout_on(store).recover(trusted=True)
        store.close()
        first, second = airing.languages
        assert (first.language, first.outcome, first.seconds) == ("vi", Outcome.AIRED, 40.0)
        assert (second.language, second.outcome) == (MONG, Outcome.CUT)
        assert 17 <= second.seconds <= 20
