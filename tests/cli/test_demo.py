"""A peak day of a small station in some seconds: by the real daemon, into files."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from broadcaster.cli import demo
from broadcaster.edges.decode import decode
from broadcaster.edges.store import Store, database, sole_daemon
from broadcaster.model.airing import Airing, Outcome
from broadcaster.model.programme import SAMPLE_RATE
from tests import factories as make
from tests.cli.terminal import SCHEDULE, SCRIPT, Said, Terminal, record, terminal, write_station
from tests.programmes import make_sound
from tests.stations import approve

DAY = "2026-11-20"
CHIME = 1.5  # seconds


@pytest.fixture(scope="module")
def type_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """
    A station with a session of one broadcast at 17:00 and one of two at 17:30, each with a closing chime.

    Its Mông is a stand-in, and nobody approved one of its scripts. There is no sound card.
    """
    station = tmp_path_factory.mktemp("demo") / "dai"
    with terminal(station) as one, pytest.MonkeyPatch.context() as patch:
        patch.setattr("broadcaster.edges.sink.card_players", list)
        write_station(one)
        one.write("audio/them/script.toml", SCRIPT.format(title="Kịch bản thêm", words="Xin nhắc lại."))
        one.write("schedules/them.toml", SCHEDULE.format(script="them", time="17:30:00"))
        for script in ("tin", "nuoc", "them"):
            record(one, script, seconds=2.0, stand_in=True)
        approve(station)
        (station / "audio" / "them" / "approvals.jsonl").unlink()
        (station / "audio" / "chimes").mkdir()
        make_sound(station / "audio" / "chimes" / "ket.wav", CHIME)
        one.change("schedules/station.toml", "[hours]", 'closing = "ket.wav"\n\n[hours]')
        yield one


@dataclass(frozen=True)
class Day:
    """All that is left of one demo."""

    said: Said
    seconds: float  # that it took
    log: Sequence[Airing]
    files: Mapping[str, float]  # name, seconds of sound
    station_log: Sequence[Airing]
    station_marks: Mapping[str, Any]


@pytest.fixture(scope="module")
def day(type_in: Terminal) -> Day:
    """One demo, which several tests look at."""
    begun = time.monotonic()
    said = type_in("demo", "--day", DAY)
    took = time.monotonic() - begun
    files = [Path(line.strip()) for line in said.out.splitlines() if line.endswith(".flac")]
    store = Store(database(type_in.station / "var"), read_only=True)
    try:
        return Day(
            said,
            took,
            airings(type_in),
            {path.name: sum(map(len, decode(path))) / SAMPLE_RATE for path in files},
            [*store.airings(), *store.unfinished()],
            store.marks(),
        )
    finally:
        store.close()


def airings(type_in: Terminal) -> list[Airing]:
    store = Store(database(type_in.station / "var" / "demo"), read_only=True)
    try:
        return list(store.airings())
    finally:
        store.close()


class TestADay:
    def test_airs_every_occurrence(self, day: Day) -> None:
        """All six aired, each at its second by a clock that runs a hundred times as fast."""
        assert (day.said.code, day.said.err) == (0, "")
        assert len(day.log) == 6
        assert {one.outcome for one in day.log} == {Outcome.AIRED}
        for one in day.log:
            assert one.started is not None
            assert timedelta() <= one.started - one.planned < timedelta(seconds=10)

    def test_is_one_file_a_session_and_cluster(self, day: Day) -> None:
        """Each file has its session whole: the broadcasts, the time between them, the closing chime."""
        lengths = {}
        for one in day.log:
            session = "1700" if one.script == "nuoc" else "1730"
            name = f"2026-11-20-{session}-{one.cluster}.flac"
            assert one.started is not None
            begins, _ = lengths.get(name, (one.started, 0.0))
            lengths[name] = (begins, (one.started - begins).total_seconds() + one.seconds + CHIME)
        assert day.files == {name: pytest.approx(length, abs=0.1) for name, (_, length) in lengths.items()}
        assert len(day.files) == 4

    def test_lets_stand_ins_sound_and_says_so(self, day: Day, type_in: Terminal) -> None:
        """The demo has both languages at the village; the plan of the real day withholds what is not fit."""
        assert "Stand-ins sound for: Mông." in day.said.out
        village = [one for one in day.log if one.cluster == "nam-po"]
        assert {tuple((share.language, share.outcome) for share in one.languages) for one in village} == {
            (("vi", Outcome.AIRED), ("hmn-Latn-VN", Outcome.AIRED))
        }
        planned = type_in("plan", DAY, "--json").json
        assert {(one["script"], tuple(one["languages"])) for one in planned} == {
            ("nuoc", ("vi",)),
            ("tin", ("vi",)),
            ("them", ()),
        }

    def test_leaves_the_station_s_own_play_log_alone(self, day: Day) -> None:
        """What the demo plays is in the demo's log; the station never played it, and was never alive."""
        assert day.station_log == []
        assert day.station_marks == {}

    def test_is_shown_as_log_and_report(self, day: Day, type_in: Terminal) -> None:
        """People see the day's play log, the counts, and where the files and the log are."""
        said = day.said.out
        assert "There is no sound card here: everything goes into files." in said
        assert "Friday, 20/11/2026" in said
        assert said.count("Kịch bản thêm") >= 3  # twice in the log, once in the report
        assert "TOTAL" in said
        assert str(database(type_in.station / "var" / "demo")) in said

    def test_takes_a_moment(self, day: Day) -> None:
        """A day is over in less than 15 s, assembly and all."""
        assert day.seconds < 15

    def test_can_be_had_again(self, day: Day, type_in: Terminal) -> None:
        """Another demo takes the place of the first: its files, its log."""
        assert day.files
        said = type_in("demo", "--day", "2026-11-21", "--cluster", "nam-po")
        assert said.code == 0
        assert {one.planned.astimezone(make.ZONE).day for one in airings(type_in)} == {21}
        folder = type_in.station / "var" / "demo"
        assert {path.name[:10] for path in folder.glob("*.flac")} == {"2026-11-21"}
        assert list(folder.glob("*.wav")) == []


class TestWhichDay:
    def test_is_a_peak_day_unless_named(self) -> None:
        """Of the coming year it is the first of the days on which most is planned."""
        every_day = make.make_schedule("a")
        some_days = make.make_schedule("b", make.make_rule(make.time(5, 30), months=frozenset({3, 6})))
        content = make.make_content(every_day, some_days)
        assert demo.peak_day(content, date(2026, 11, 20)) == date(2027, 3, 1)

    def test_without_a_broadcast_is_told(self, type_in: Terminal) -> None:
        """A day on which nothing is planned is no demo; it says what to do."""
        nothing = "2000-01-01"  # before there was this commune
        fault = type_in.fault("demo", "--day", nothing)
        assert f"{nothing}: Nothing is planned on this day." in fault
        assert "--day" in fault

    @pytest.mark.parametrize(
        ("arguments", "what"),
        [(["--day", "mai"], "This is no day"), (["--cluster", "nampo"], "Did you mean “nam-po”?")],
    )
    def test_that_cannot_be_is_told(
        self, day: Day, type_in: Terminal, arguments: list[str], what: str
    ) -> None:
        """No such day, no such cluster: a sentence, and the demo before it is still there."""
        assert day.log
        before = airings(type_in)
        assert what in type_in.fault("demo", *arguments)
        assert airings(type_in) == before

    def test_is_not_had_twice_at_once(self, type_in: Terminal) -> None:
        """Two demos would write the same files: the second is refused."""
        with sole_daemon(type_in.station / "var" / "demo"):
            assert "already runs" in type_in.fault("demo", "--day", DAY)

    def test_where_the_daemon_runs_nothing_sounds(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A station's sound card feeds loudspeakers: the demo does not even look for it."""
        monkeypatch.setattr("broadcaster.edges.sink.card_players", lambda: pytest.fail("looked for a card"))
        with sole_daemon(type_in.station):
            said = type_in("demo", "--day", DAY)
        assert said.code == 0
        assert "nothing sounds" in said.out
