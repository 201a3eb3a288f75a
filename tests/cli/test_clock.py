"""`broadcaster clock`: whether the clock is trusted, and a person's word for it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broadcaster.edges.clock import EARLIEST, ClockState, SystemClock
from broadcaster.edges.control import Asked, Control
from broadcaster.edges.store import Store, database
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.trust import VOUCHED, vouch
from tests.cli.terminal import Terminal

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)  # 17:00 at the station
BATTERY = ClockState(synchronised=False, rtc=True, boot="monday")
NOTHING = ClockState(synchronised=False, rtc=False, boot="monday")
SERVER = ClockState(synchronised=True, rtc=False, boot="monday")


def set_clock(patch: pytest.MonkeyPatch, now: datetime, state: ClockState) -> None:
    patch.setattr(SystemClock, "now", lambda _self: now)
    patch.setattr(SystemClock, "state", lambda _self: state)


def mark(type_in: Terminal, **marks: Any) -> None:
    store = Store(database(type_in.station / "var"))
    for name, value in marks.items():
        store.mark(name.replace("_", "-"), value)
    store.close()


def marks(type_in: Terminal) -> Mapping[str, Any]:
    store = Store(database(type_in.station / "var"), read_only=True)
    found = store.marks()
    store.close()
    return found


class TestShow:
    def test_a_clock_that_a_server_sets_is_trusted(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It says the time of the station's zone, and what speaks for it; nothing is written."""
        set_clock(monkeypatch, NOW, SERVER)
        before = type_in.files()
        said = type_in("clock")
        assert (said.code, said.err) == (0, "")
        assert said.out.splitlines() == [
            "The clock says: Friday, 20/11/2026 17:00:00",
            "A time server sets it: yes",
            "It goes on when the power fails: no",
            "Since the machine was switched on, it was said to be right: no",
            "It is trusted: yes",
        ]
        assert type_in.files() == before

    @pytest.mark.parametrize(
        ("now", "state", "why", "fault"),
        [
            (datetime(2000, 1, 1, tzinfo=UTC), BATTERY, "not-set", "The clock was not set"),
            (NOW - timedelta(minutes=1), BATTERY, "behind", "but it was 2026-11-20 17:00 already"),
            (NOW, NOTHING, "unsure", "Nobody knows whether the clock is right"),
        ],
    )
    def test_one_that_is_not_says_why(
        self,
        type_in: Terminal,
        monkeypatch: pytest.MonkeyPatch,
        now: datetime,
        state: ClockState,
        why: str,
        fault: str,
    ) -> None:
        """What is wrong and what to do next, in words and as a field; the exit code tells a script."""
        set_clock(monkeypatch, now, state)
        mark(type_in, alive=NOW.isoformat())
        assert fault in type_in.fault("clock")
        said = type_in("clock", "--json")
        assert said.code == 1
        assert said.json["trusted"] is False
        assert said.json["distrust"] == why
        assert fault in said.json["what"]
        assert "Connect the Internet" in said.json["next"]

    def test_as_json(self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same as fields."""
        set_clock(monkeypatch, NOW, BATTERY)
        assert type_in("clock", "--json").json == {
            "now": "2026-11-20T17:00:00+07:00",
            "synchronised": False,
            "rtc": True,
            "vouched": False,
            "trusted": True,
            "distrust": None,
            "what": None,
            "next": None,
        }

    @pytest.mark.parametrize(
        ("daemon", "state", "code"), [("unsure", BATTERY, 1), ("behind", SERVER, 1), (None, NOTHING, 0)]
    )
    def test_a_daemon_that_runs_knows_better(
        self,
        type_in: Terminal,
        monkeypatch: pytest.MonkeyPatch,
        daemon: str | None,
        state: ClockState,
        code: int,
    ) -> None:
        """What it makes of the clock is told, and not what a look at the machine alone would."""
        set_clock(monkeypatch, NOW, state)
        control = Control(type_in.station, lambda one: {"clock": daemon} if one.verb == "status" else {})
        try:
            said = type_in("clock", "--json")
        finally:
            control.close()
        assert (said.code, said.json["distrust"]) == (code, daemon)

    def test_works_with_a_broken_station(self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        """Who must set the clock need not mend the content first; its fault is told beside."""
        set_clock(monkeypatch, NOW, SERVER)
        mark(type_in, alive=NOW.isoformat())
        type_in.write("schedules/station.toml", "name = ")
        said = type_in("clock")
        assert "It is trusted: yes" in said.out
        assert "station.toml" in said.err

    def test_doctor_tells_the_same(self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        """Among the machine's health stand the reason and the remedy."""
        set_clock(monkeypatch, NOW, NOTHING)
        clock = self.in_doctor(type_in)
        assert clock["well"] is False
        assert "Nobody knows whether the clock is right" in clock["state"]
        assert "broadcaster clock --right" in clock["next"]
        set_clock(monkeypatch, NOW, SERVER)
        assert self.in_doctor(type_in)["well"] is True

    def test_doctor_tells_of_a_memory_that_is_broken(self, type_in: Terminal) -> None:
        """Without it the clock cannot be judged, and doctor says that and all the rest."""
        type_in.write("var/broadcaster.db", "no database\n" * 100)
        clock = self.in_doctor(type_in)
        assert clock["well"] is False
        assert "memory cannot be used" in clock["state"]

    @staticmethod
    def in_doctor(type_in: Terminal) -> dict[str, Any]:
        found: list[dict[str, Any]] = type_in("doctor", "--json").json
        return next(one for one in found if one["what"] == "Clock")


class TestRight:
    def test_a_word_is_taken_for_this_run(self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        """While the daemon is off it is written down, and gone after the next power cut."""
        set_clock(monkeypatch, NOW, NOTHING)
        said = type_in("clock", "--right")
        assert (said.code, said.err) == (0, "")
        assert "It is trusted: yes" in said.out
        assert marks(type_in)[VOUCHED] == vouch("monday")
        assert type_in("clock").code == 0
        set_clock(monkeypatch, NOW, ClockState(synchronised=False, rtc=False, boot="tuesday"))
        assert "Nobody knows" in type_in.fault("clock")

    def test_it_counts_against_the_log(self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        """The clock had run ahead and was set back: who compared it knows better than what was written."""
        set_clock(monkeypatch, NOW, BATTERY)
        mark(type_in, alive=(NOW + timedelta(days=400)).isoformat())
        assert "already" in type_in.fault("clock")
        assert type_in("clock", "--right").code == 0

    def test_it_does_not_count_against_the_calendar(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In the year 2000 there was no such program: nobody's word is taken for that."""
        set_clock(monkeypatch, EARLIEST - timedelta(days=1), NOTHING)
        assert "The clock was not set" in type_in.fault("clock", "--right")
        assert VOUCHED not in marks(type_in)

    def test_the_daemon_takes_it_while_it_runs(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is asked, and writes it down when its disk can: until then the word counts all the same."""
        set_clock(monkeypatch, NOW, NOTHING)
        asked: list[Asked] = []

        def answer(one: Asked) -> dict[str, Any]:
            asked.append(one)
            return {}

        control = Control(type_in.station, answer)
        try:
            assert type_in("clock", "--right").code == 0
        finally:
            control.close()
        assert [(one.verb, one.values) for one in asked] == [("clock", {})]
        assert VOUCHED not in marks(type_in)

    def test_what_the_daemon_refuses_is_told(
        self, type_in: Terminal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Not everybody may: the daemon's words are told, and nothing is written past it."""
        set_clock(monkeypatch, NOW, NOTHING)

        def answer(_one: Asked) -> dict[str, Any]:
            raise BroadcasterError(Fault("clock", say("You may not do this."), say("Ask the operator to.")))

        control = Control(type_in.station, answer)
        try:
            assert "You may not do this." in type_in.fault("clock", "--right")
        finally:
            control.close()
        assert VOUCHED not in marks(type_in)
