"""Every sink keeps the same promises; then what is particular to each."""

import os
import shutil
import signal
import statistics
import threading
import time
import wave
from array import array
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Timer
from zoneinfo import ZoneInfo

import pytest

from broadcaster.edges import sink as sinks
from broadcaster.edges.clock import FastClock, SystemClock
from broadcaster.edges.sink import (
    BYTE_RATE,
    CardSink,
    Clock,
    FileSink,
    NullSink,
    Played,
    Reel,
    Sink,
    card_players,
    open_sink,
)
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.programme import SAMPLE_RATE
from tests.children import child
from tests.fakes import FakeClock, FakeSink
from tests.sound_server import SoundServer, busy, dropouts, lateness

SAMPLE = b"\x21\x12"  # no zero byte, so that silence can be told from it
TOLERANCE = 0.25  # seconds, for a machine that is busy with other tests


def make_sound(path: Path, seconds: float, *, rate: int = SAMPLE_RATE, channels: int = 1) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(SAMPLE * channels * round(seconds * rate))
    return path


def silence(seconds: float) -> bytes:
    return bytes(2 * round(seconds * SAMPLE_RATE))


def sound(seconds: float) -> bytes:
    return SAMPLE * round(seconds * SAMPLE_RATE)


def without_holes(samples: bytes) -> bytes:
    """What was heard, even if others kept the sound server from its work: drop-outs have their own test."""
    return array("h", filter(None, array("h", samples))).tobytes()


def recorded(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, SAMPLE_RATE)
        samples: bytes = file.readframes(file.getnframes())
        assert len(samples) == 2 * file.getnframes() == path.stat().st_size - 44
        return samples


def held() -> tuple[set[str], int, str]:
    """What this process holds: open files, threads, children."""
    children = "".join(path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    return {link.name for link in Path("/proc/self/fd").iterdir()}, threading.active_count(), children


class Halting:
    """A source that gives what it was told to, and then nothing for ever or its end."""

    fault = None

    def __init__(self, *blocks: bytes, on_end: Callable[[], object] | None = None) -> None:
        self._blocks = list(blocks)
        self._on_end = on_end

    def read(self) -> bytes | None:
        if self._blocks:
            return self._blocks.pop(0)
        if self._on_end:
            self._on_end()
            return b""
        return None

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Stage:
    """A sink with its clock; every play on it must leave nothing behind."""

    sink: Sink
    clock: Clock
    stop: Event = field(default_factory=Event)
    progress: list[tuple[datetime, float]] = field(default_factory=list)
    at_one_second: Callable[[], object] = lambda: None

    def play(self, *sounds: Path, after: float = 0.0, at: datetime | None = None) -> Played:
        def note(seconds: float) -> None:
            self.progress.append((self.clock.now(), seconds))
            if 0.9 < seconds < 1.9:
                self.at_one_second()

        before, reel = held(), Reel(sounds)
        try:
            return self.sink.play(reel, at or self.clock.now() + timedelta(seconds=after), self.stop, note)
        finally:
            reel.close()
            assert held() == before
            self.sink.close()


@pytest.fixture(params=["null", "file", "fake", pytest.param("card", marks=pytest.mark.sound)])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Stage:
    """Each sink in turn: the card and its time are real, the others live in a time of their own."""
    clock = FakeClock()
    match request.param:
        case "null":
            return Stage(NullSink(clock), clock)
        case "file":
            return Stage(FileSink(tmp_path, "nam-po", clock), clock)
        case "fake":
            return Stage(FakeSink(clock), clock)
        case _:
            request.getfixturevalue("sound_server")
            return Stage(CardSink("default", SystemClock()), SystemClock())


@pytest.fixture
def card(sound_server: SoundServer) -> Stage:
    """A sound card that plays."""
    assert sound_server
    return Stage(CardSink("default", SystemClock()), SystemClock())


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """A machine with no program on it but those that the test puts there, as shell scripts."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return put


class TestEverySink:
    def test_counts_every_second(self, stage: Stage, tmp_path: Path) -> None:
        """All that sounded is counted, to the sample."""
        played = stage.play(make_sound(tmp_path / "a.wav", 0.7), make_sound(tmp_path / "b.wav", 0.6))
        assert played.fault is None
        assert not played.stopped
        assert played.seconds == pytest.approx(1.3)

    def test_waits_for_its_time(self, stage: Stage, tmp_path: Path) -> None:
        """Nothing sounds before its time, and the start that is told is the time."""
        at = stage.clock.now() + timedelta(seconds=0.4)
        played = stage.play(make_sound(tmp_path / "a.wav", 0.1), at=at)
        assert played.started is not None
        assert 0 <= (played.started - at).total_seconds() < TOLERANCE

    def test_plays_from_the_beginning_when_late(self, stage: Stage, tmp_path: Path) -> None:
        """A time that has passed means now, and the whole of it."""
        now = stage.clock.now()
        played = stage.play(make_sound(tmp_path / "a.wav", 0.3), at=now - timedelta(seconds=20))
        assert played.started is not None
        assert played.started >= now
        assert played.seconds == pytest.approx(0.3)

    def test_tells_progress_each_second(self, stage: Stage, tmp_path: Path) -> None:
        """Progress is told once a second, in seconds that have sounded."""
        played = stage.play(make_sound(tmp_path / "a.wav", 2.2))
        assert played.started is not None
        moments = [(moment - played.started).total_seconds() for moment, _ in stage.progress]
        assert moments == pytest.approx([0, 1, 2], abs=TOLERANCE)
        assert [seconds for _, seconds in stage.progress] == pytest.approx([0, 1, 2], abs=TOLERANCE)
        assert stage.progress[0][1] > 0

    def test_stops(self, stage: Stage, tmp_path: Path) -> None:
        """A stop ends it there, and what sounded until then is counted."""
        stage.at_one_second = stage.stop.set
        played = stage.play(make_sound(tmp_path / "a.wav", 30))
        assert played.stopped
        assert played.fault is None
        assert played.seconds == pytest.approx(1, abs=TOLERANCE)

    def test_stops_before_it_began(self, stage: Stage, tmp_path: Path) -> None:
        """Stopped before its time it ends at once and nothing has sounded."""
        stage.stop.set()
        begun = time.monotonic()
        played = stage.play(make_sound(tmp_path / "a.wav", 1), after=60)
        assert played == Played(None, 0.0, stopped=True, fault=None)
        assert time.monotonic() - begun < TOLERANCE

    def test_plays_nothing(self, stage: Stage) -> None:
        """No sounds are no fault, and nothing has sounded."""
        assert stage.play() == Played(None, 0.0, stopped=False, fault=None)

    def test_names_a_sound_that_is_not_fit(self, stage: Stage, tmp_path: Path) -> None:
        """A sound that is missing, broken, cut off, empty or of another form is a fault, and is named."""
        (tmp_path / "text.wav").write_text("Thông báo")
        cut = make_sound(tmp_path / "cut.wav", 0.1)
        cut.write_bytes(cut.read_bytes()[:40])
        unfit = [
            tmp_path / "missing.wav",
            tmp_path / "text.wav",
            cut,
            make_sound(tmp_path / "empty.wav", 0),
            make_sound(tmp_path / "stereo.wav", 0.1, channels=2),
            make_sound(tmp_path / "slow.wav", 0.1, rate=8000),
        ]
        for path in unfit:
            played = stage.play(path)
            assert played.fault is not None
            assert played.fault.where == str(path)
            assert (played.started, played.seconds, played.stopped) == (None, 0.0, False)

    def test_counts_what_sounded_before_a_fault(self, stage: Stage, tmp_path: Path) -> None:
        """Where the second sound is not fit the first has sounded, and the next play goes on as ever."""
        good = make_sound(tmp_path / "good.wav", 0.4)
        played = stage.play(good, tmp_path / "missing.wav", good)
        assert played.fault is not None
        assert played.fault.where == str(tmp_path / "missing.wav")
        assert played.started is not None
        assert played.seconds == pytest.approx(0.4)
        assert stage.play(good).fault is None

    def test_counts_what_sounded_of_a_sound_that_is_cut_off(self, stage: Stage, tmp_path: Path) -> None:
        """A sound that ends before its header says so has sounded as far as it goes, and is a fault."""
        cut = make_sound(tmp_path / "cut.wav", 0.8)
        cut.write_bytes(cut.read_bytes()[: 44 + len(sound(0.4)) + 1])
        played = stage.play(cut)
        assert played.fault is not None
        assert played.fault.where == str(cut)
        assert played.seconds == pytest.approx(0.4)

    def test_waits_while_there_is_nothing(self, stage: Stage) -> None:
        """A source that has nothing at the moment is neither at its end nor a fault."""
        source = Halting(b"", sound(0.3), *[b""] * 12, sound(0.2))
        played = stage.sink.play(source, stage.clock.now(), stage.stop, lambda _: None)
        assert played.fault is None
        assert not played.stopped
        assert played.seconds == pytest.approx(0.5)

    def test_stops_while_there_is_nothing(self, stage: Stage) -> None:
        """A stop ends also what waits for its first sample."""
        source = Halting(*[b""] * 10, on_end=stage.stop.set)
        played = stage.sink.play(source, stage.clock.now(), stage.stop, lambda _: None)
        assert played == Played(None, 0.0, stopped=True, fault=None)


class TestReel:
    def test_skips(self, tmp_path: Path) -> None:
        """What is skipped may be more than the first sound; the rest is whole."""
        a, b = make_sound(tmp_path / "a.wav", 0.3), make_sound(tmp_path / "b.wav", 0.5)
        reel = Reel([a, b], skip=0.4)
        assert b"".join(iter(reel.read, None)) == sound(0.4)  # type: ignore[arg-type]
        assert reel.fault is None

    def test_lets_go(self, tmp_path: Path) -> None:
        """Closed half way it has no file open, and gives no more."""
        before = held()
        reel = Reel([make_sound(tmp_path / "a.wav", 3)])
        assert reel.read()
        reel.close()
        assert held() == before
        assert reel.read() is None


class TestFileSink:
    AT = datetime(2026, 11, 20, 17, 30, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))

    @pytest.fixture
    def stage(self, tmp_path: Path) -> Stage:
        """A sink that writes files."""
        clock = FakeClock(self.AT)
        return Stage(FileSink(tmp_path / "out" / "loa", "nam-po", clock), clock)

    def test_writes_what_sounded(self, stage: Stage, tmp_path: Path) -> None:
        """The file has the sounds without a gap, in a folder made for it, named by local time."""
        stage.play(make_sound(tmp_path / "a.wav", 0.33), make_sound(tmp_path / "b.wav", 0.5), at=self.AT)
        assert [file.name for file in (tmp_path / "out" / "loa").iterdir()] == ["2026-11-20-1730-nam-po.wav"]
        assert recorded(tmp_path / "out" / "loa" / "2026-11-20-1730-nam-po.wav") == sound(0.83)

    def test_keeps_a_session_together(self, stage: Stage, tmp_path: Path) -> None:
        """A play within two minutes goes on in the same file, after as much silence as there was."""
        a = make_sound(tmp_path / "a.wav", 0.5)
        stage.play(a, at=self.AT)
        stage.play(a, after=0)
        stage.play(a, after=119.5)
        (file,) = (tmp_path / "out" / "loa").iterdir()
        assert recorded(file) == sound(1) + silence(119.5) + sound(0.5)

    def test_begins_a_new_session(self, stage: Stage, tmp_path: Path) -> None:
        """A play later than that begins a file of its own."""
        a = make_sound(tmp_path / "a.wav", 0.5)
        stage.play(a, at=self.AT)
        stage.play(a, at=self.AT + timedelta(seconds=121))
        files = sorted((tmp_path / "out" / "loa").iterdir())
        assert [file.name for file in files] == ["2026-11-20-1730-nam-po.wav", "2026-11-20-1732-nam-po.wav"]
        assert [recorded(file) for file in files] == [sound(0.5), sound(0.5)]

    def test_overwrites_nothing(self, stage: Stage, tmp_path: Path) -> None:
        """After a restart within the minute the first file is still there, and so is the second."""
        stage.play(make_sound(tmp_path / "a.wav", 0.5), at=self.AT)
        again = Stage(FileSink(tmp_path / "out" / "loa", "nam-po", stage.clock), stage.clock)
        again.play(make_sound(tmp_path / "b.wav", 0.2), at=self.AT)
        assert recorded(tmp_path / "out" / "loa" / "2026-11-20-1730-nam-po.wav") == sound(0.5)
        assert recorded(tmp_path / "out" / "loa" / "2026-11-20-1730-nam-po-2.wav") == sound(0.2)

    def test_is_whole_when_stopped(self, stage: Stage, tmp_path: Path) -> None:
        """Stopped half way, the file has what sounded and no more."""
        stage.at_one_second = stage.stop.set
        played = stage.play(make_sound(tmp_path / "a.wav", 30), at=self.AT)
        (file,) = (tmp_path / "out" / "loa").iterdir()
        assert played.seconds == pytest.approx(1)
        assert recorded(file) == sound(1)

    def test_is_as_loud_as_it_was_told(self, stage: Stage, tmp_path: Path) -> None:
        """The volume is the share of each sample that goes out, and more than all of it there is not."""
        path = make_sound(tmp_path / "a.wav", 0.1)
        for volume, share in ((50, 0.5), (100, 1.0), (300, 1.0)):
            sink = open_sink("file:out", tmp_path / f"{volume}", "nam-po", stage.clock, volume)
            Stage(sink, stage.clock).play(path)
            (file,) = (tmp_path / f"{volume}" / "out").iterdir()
            assert array("h", recorded(file))[0] == int(share * array("h", SAMPLE)[0])

    def test_begins_a_new_session_when_the_clock_was_set(self, stage: Stage, tmp_path: Path) -> None:
        """A clock that was set back an hour does not write over what sounded."""
        assert isinstance(stage.clock, FakeClock)
        a = make_sound(tmp_path / "a.wav", 0.5)
        stage.play(a, at=self.AT)
        stage.clock.set(self.AT - timedelta(hours=1))
        stage.play(a)
        files = sorted((tmp_path / "out" / "loa").iterdir())
        assert [recorded(file) for file in files] == [sound(0.5), sound(0.5)]

    def test_runs_on_a_fast_clock(self, tmp_path: Path) -> None:
        """On a clock a hundred times as fast, half a minute takes 0.3 s and is half a minute in the file."""
        clock = FastClock(start=self.AT, end=self.AT + timedelta(hours=1), speed=100)
        stage = Stage(FileSink(tmp_path, "nam-po", clock), clock)
        path = make_sound(tmp_path / "a.wav", 30)
        begun = time.monotonic()
        stage.play(path, at=self.AT)
        assert 0.3 <= time.monotonic() - begun < 0.3 + TOLERANCE
        assert recorded(tmp_path / "2026-11-20-1730-nam-po.wav") == sound(30)

    def test_says_when_it_cannot_write(self, stage: Stage, tmp_path: Path) -> None:
        """Where a file stands in the way of the folder the play is a fault, and nothing has sounded."""
        (tmp_path / "out").write_text("in the way")
        played = stage.play(make_sound(tmp_path / "a.wav", 0.5))
        assert played.fault is not None
        assert played.fault.where == str(tmp_path / "out" / "loa")
        assert (played.started, played.seconds) == (None, 0.0)


class TestCardSinkWithoutAServer:
    @pytest.fixture
    def stage(self, programs: object) -> Stage:
        """A sound card on a machine that has only the programs of the test."""
        assert programs
        return Stage(CardSink("default", SystemClock()), SystemClock())

    def test_says_that_no_player_is_installed(self, stage: Stage, tmp_path: Path) -> None:
        """Without pacat and aplay the play is a fault at once, with the package to install."""
        played = stage.play(make_sound(tmp_path / "a.wav", 1))
        assert "alsa-utils" in str(played.fault)
        assert (played.started, played.seconds, played.stopped) == (None, 0.0, False)
        assert card_players() == []

    def test_goes_on_to_aplay(
        self, stage: Stage, programs: Callable[[str, str], None], tmp_path: Path
    ) -> None:
        """Where pacat finds no server aplay plays, from the first sample."""
        programs("pacat", "exit 1")
        programs("aplay", f"exec /bin/sh -c '/bin/cat > {tmp_path}/taken; /bin/sleep 0.3'")
        played = stage.play(make_sound(tmp_path / "a.wav", 0.3))
        assert played.fault is None
        assert played.seconds == pytest.approx(0.3)
        assert (tmp_path / "taken").read_bytes() == sound(0.3)

    def test_starts_its_player_ahead_of_time(
        self,
        stage: Stage,
        programs: Callable[[str, str], None],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """The player is started well before it has its first sample, so that it is connected by then."""
        monkeypatch.setattr(sinks, "LEAD", timedelta(seconds=1))
        programs("pacat", f"/bin/date +%s.%N > {tmp_path}/started; /bin/cat > /dev/null; /bin/sleep 0.1")
        at = stage.clock.now() + timedelta(seconds=1.2)
        assert stage.play(make_sound(tmp_path / "a.wav", 0.1), at=at).fault is None
        ahead = at.timestamp() - float((tmp_path / "started").read_text())
        assert 0.5 < ahead < 1.1  # a busy machine starts it late, and never early

    def test_says_what_each_player_said(
        self, stage: Stage, programs: Callable[[str, str], None], tmp_path: Path
    ) -> None:
        """Where no player finds an output the fault has the last words of each."""
        programs("pacat", "echo ALSA babble >&2; echo Connection refused >&2; exit 1")
        programs("aplay", "exit 7")
        played = stage.play(make_sound(tmp_path / "a.wav", 1), after=0.3)
        assert "pacat: Connection refused; aplay: exit code 7" in str(played.fault)
        assert played.started is None

    def test_survives_a_player_that_cannot_be_started(
        self, stage: Stage, programs: Callable[[str, str], None], tmp_path: Path
    ) -> None:
        """A player that the machine cannot start is a fault like any other."""
        programs("pacat", "")
        (tmp_path / "bin" / "pacat").write_bytes(b"\x7fELF and no more")
        assert "pacat" in str(stage.play(make_sound(tmp_path / "a.wav", 1)).fault)

    def test_is_not_fooled_by_a_device_that_is_none(
        self, stage: Stage, programs: Callable[[str, str], None], tmp_path: Path
    ) -> None:
        """A player that swallows everything at once has not sounded: a fault, with next to no seconds."""
        programs("pacat", "/bin/cat > /dev/null")
        played = stage.play(make_sound(tmp_path / "a.wav", 30))
        assert played.fault is not None
        assert played.seconds < 0.5

    def test_counts_up_to_a_failure(
        self, stage: Stage, programs: Callable[[str, str], None], tmp_path: Path
    ) -> None:
        """A player that fails half way is a fault with its last words, and does not start over on another."""
        programs("pacat", "/usr/bin/head -c 96000 > /dev/null; /bin/sleep 1; echo Unplugged >&2; exit 1")
        programs("aplay", f"echo > {tmp_path}/started")
        played = stage.play(make_sound(tmp_path / "a.wav", 30))
        assert "(Unplugged)" in str(played.fault)
        assert played.started is not None
        assert played.seconds == pytest.approx(1, abs=TOLERANCE)
        assert not (tmp_path / "started").exists()

    @pytest.mark.parametrize(
        ("script", "seconds"),
        [("exec /bin/sleep 60", 0), ("/bin/cat > /dev/null; exec /bin/sleep 60", 0.2)],
        ids=["takes nothing", "does not end"],
    )
    def test_gives_up_a_player_that_hangs(
        self,
        stage: Stage,
        programs: Callable[[str, str], None],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        script: str,
        seconds: float,
    ) -> None:
        """A player without progress is killed when patience is at its end, and the play is a fault."""
        monkeypatch.setattr(sinks, "PATIENCE", 0.5)
        programs("pacat", script)
        begun = time.monotonic()
        played = stage.play(make_sound(tmp_path / "a.wav", 0.4))
        assert "stood still for 0.5 seconds" in str(played.fault)
        assert played.seconds == pytest.approx(seconds, abs=0.2)
        assert time.monotonic() - begun < 0.5 + 2 * TOLERANCE

    def test_leaves_nothing_behind_when_its_caller_fails(
        self, stage: Stage, programs: Callable[[str, str], None], tmp_path: Path
    ) -> None:
        """An error of the caller's own passes through, and the player is gone all the same."""
        programs("pacat", "/usr/bin/head -c 96000 > /dev/null; exec /bin/sleep 60")
        stage.at_one_second = lambda: (_ for _ in ()).throw(OSError("disk full"))
        with pytest.raises(OSError, match="disk full"):
            stage.play(make_sound(tmp_path / "a.wav", 30))

    def test_tells_a_dummy_output_from_a_real_one(self, programs: Callable[[str, str], None]) -> None:
        """A sound server that has no card offers a dummy: that is no answer."""
        programs("pacat", "")
        programs("aplay", "echo card 0: Loa; echo card 1: HDMI")
        programs("pactl", "echo Server Name: pulseaudio; echo Default Sink: auto_null")
        pacat, aplay = card_players()
        assert (pacat.name, pacat.answers, pacat.says) == ("pacat", False, "Default Sink: auto_null")
        assert (aplay.name, aplay.answers, aplay.says) == ("aplay", True, "card 0: Loa")

    def test_is_not_frozen_without_samples(
        self, stage: Stage, programs: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A device that takes nothing because there is nothing to take has not hung, however long that is."""
        monkeypatch.setattr(sinks, "PATIENCE", 0.2)
        programs("pacat", "/bin/cat > /dev/null")
        source = Halting(sound(0.3), *[b""] * 10, sound(0.3))
        played = stage.sink.play(source, stage.clock.now(), stage.stop, lambda _: None)
        assert played.fault is None
        assert played.seconds == pytest.approx(0.6)

    def test_hands_on_what_the_first_player_did_not_take(
        self, stage: Stage, programs: Callable[[str, str], None], tmp_path: Path
    ) -> None:
        """A player that gives up after it was given samples leaves them all to the next one."""
        programs("pacat", "/bin/sleep 0.3; exit 1")
        programs("aplay", f"exec /bin/sh -c '/bin/cat > {tmp_path}/taken; /bin/sleep 0.7'")
        played = stage.play(make_sound(tmp_path / "a.wav", 0.8))
        assert played.fault is None
        assert (tmp_path / "taken").read_bytes() == sound(0.8)

    def test_does_not_wait_for_an_answer_for_ever(
        self, programs: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A sound server that does not answer in time does not answer."""
        monkeypatch.setattr(sinks, "PATIENCE", 0.2)
        programs("pacat", "")
        programs("pactl", "exec /bin/sleep 60")
        (pacat,) = card_players()
        assert not pacat.answers
        assert "timed out" in pacat.says


@pytest.mark.sound
class TestCardSinkOnAServer:
    @pytest.mark.parametrize("load", [nullcontext, busy], ids=["idle", "busy"])
    def test_starts_on_the_second(
        self,
        card: Stage,
        sound_server: SoundServer,
        tmp_path: Path,
        load: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """The first sample is at the loudspeaker within 20 ms of its time: the median of five starts."""
        path = make_sound(tmp_path / "a.wav", 0.1)
        with load():
            late = lateness(sound_server, lambda at: card.play(path, at=at), 5, ahead=0.3)
        assert statistics.median(map(abs, late)) < 0.020

    def test_sounds_without_a_gap_when_the_cores_are_busy(
        self, card: Stage, sound_server: SoundServer
    ) -> None:
        """Little is lost though every core has something else to do; `make dropouts` allows nothing."""
        assert card
        with busy():
            found = dropouts(sound_server, 4)
        assert sum(silence for _, silence in found) < 1, found

    def test_sounds_without_a_gap(
        self, card: Stage, sound_server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is heard is what is in the sounds, sample by sample, though they outlast our patience."""
        monkeypatch.setattr(sinks, "PATIENCE", 0.5)
        with sound_server.listen() as heard:
            card.play(make_sound(tmp_path / "a.wav", 0.5), make_sound(tmp_path / "b.wav", 0.6), after=0.2)
        assert without_holes(heard.sound) == sound(1.1)

    def test_is_silent_at_once_when_stopped(self, card: Stage, sound_server: SoundServer) -> None:
        """A tenth of a second after a stop all is silent, without a click, and what sounded is counted."""
        late, clicks, uncounted = [], [], []
        for _ in range(3):
            card.stop.clear()
            stopped_at = []

            def stop(moments: list[float] = stopped_at) -> None:
                moments.append(time.time())
                card.stop.set()

            timer = Timer(0.5, stop)
            timer.start()
            with sound_server.listen() as heard:
                played = card.sink.play(Halting(sound(30)), card.clock.now(), card.stop, lambda _: None)
            timer.join()
            assert played.stopped
            tail = array("h", heard.sound)[-SAMPLE_RATE // 50 :]
            late.append(heard.last - stopped_at[0])
            clicks.append(max(abs(one - after) for one, after in pairwise([*tail, 0])))
            uncounted.append(abs(len(heard.sound) / BYTE_RATE - played.seconds))
        assert statistics.median(late) < 0.1
        assert min(clicks) < 100  # where a busy server has holes of its own, once is enough
        assert statistics.median(uncounted) < 0.05

    def test_is_as_loud_as_it_was_told(self, card: Stage, sound_server: SoundServer, tmp_path: Path) -> None:
        """At half the volume half of each sample is heard."""
        sink = open_sink("card:default", tmp_path, "nam-po", card.clock, 50)
        with sound_server.listen() as heard:
            Stage(sink, card.clock).play(make_sound(tmp_path / "a.wav", 0.2))
        assert set(array("h", without_holes(heard.sound))) == {array("h", SAMPLE)[0] // 2}

    def test_has_a_cluster_on_each_side(self, sound_server: SoundServer, tmp_path: Path) -> None:
        """Two clusters play on the two sides of one output and a third on another, all at once."""
        clock = SystemClock()
        at = clock.now() + timedelta(seconds=0.5)
        lengths = {"two#left": 0.3, "two#right": 0.6, "loudspeaker": 0.9}

        def play(device: str) -> Played:
            reel = Reel([make_sound(tmp_path / f"{device}.wav", lengths[device])])
            return CardSink(device, clock).play(reel, at, Event(), lambda _: None)

        before = held()
        with (
            sound_server.listen("two", channels=2) as two,
            sound_server.listen() as one,
            ThreadPoolExecutor() as pool,
        ):
            found = list(pool.map(play, lengths))
        assert held() == before
        assert [played.seconds for played in found] == pytest.approx(list(lengths.values()))
        both = array("h", b"".join(chunk for _, chunk in two.chunks))
        assert without_holes(both[::2].tobytes()) == sound(0.3)
        assert without_holes(both[1::2].tobytes()) == sound(0.6)
        assert without_holes(one.sound) == sound(0.9)

    @pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv: util-linux not installed")
    def test_is_silent_when_its_process_is_killed(self, sound_server: SoundServer, tmp_path: Path) -> None:
        """Killed in mid-sound the program takes its player with it: nothing goes on that nobody knows of."""
        script = """
import sys
from pathlib import Path
from threading import Event
from broadcaster.edges.clock import SystemClock
from broadcaster.edges.sink import CardSink, Reel
tell = lambda seconds: print(seconds, flush=True)
clock = SystemClock()
CardSink("loudspeaker", clock).play(Reel([Path(sys.argv[1])]), clock.now(), Event(), tell)
"""
        with sound_server.listen() as heard:
            with child(script, make_sound(tmp_path / "a.wav", 30)) as process:
                assert process.stdout
                process.stdout.readline()
                time.sleep(0.3)
                process.kill()
                killed = time.time()
            time.sleep(0.4)
        assert heard.last - killed < 0.2

    def test_notices_a_player_that_is_killed(self, card: Stage, tmp_path: Path) -> None:
        """A player that somebody kills is a fault at once, and the next play is as ever."""

        def kill() -> None:
            for one in held()[2].split():
                if Path(f"/proc/{one}/comm").read_text() == "pacat\n":
                    os.kill(int(one), signal.SIGKILL)

        card.at_one_second = kill
        played = card.play(make_sound(tmp_path / "a.wav", 30))
        assert played.fault is not None
        assert played.seconds == pytest.approx(1, abs=TOLERANCE)
        assert card.play(make_sound(tmp_path / "b.wav", 0.2)).fault is None

    def test_notices_a_server_that_dies(self, card: Stage, sound_server: SoundServer, tmp_path: Path) -> None:
        """A server that dies is a fault at once, with the seconds that sounded."""
        card.at_one_second = sound_server.die
        begun = time.monotonic()
        played = card.play(make_sound(tmp_path / "a.wav", 30))
        assert played.fault is not None
        assert played.seconds == pytest.approx(1, abs=TOLERANCE)
        assert time.monotonic() - begun < 1 + 2 * TOLERANCE

    def test_gives_up_a_server_that_freezes(
        self, card: Stage, sound_server: SoundServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A server that freezes is a fault when patience is at its end, with the seconds that sounded."""
        monkeypatch.setattr(sinks, "PATIENCE", 1.0)
        card.at_one_second = sound_server.freeze
        begun = time.monotonic()
        played = card.play(make_sound(tmp_path / "a.wav", 30))
        assert "stood still" in str(played.fault)
        assert played.seconds == pytest.approx(1, abs=TOLERANCE)
        assert time.monotonic() - begun < 1 + 2

    def test_says_that_there_is_no_server(
        self, card: Stage, sound_server: SoundServer, tmp_path: Path
    ) -> None:
        """Without a server and without a card the play is a fault at once."""
        sound_server.stop()
        begun = time.monotonic()
        played = card.play(make_sound(tmp_path / "a.wav", 1))
        assert "No sound output answers" in str(played.fault)
        assert played.started is None
        assert time.monotonic() - begun < 2 * TOLERANCE
        assert not any(player.answers for player in card_players() if player.name == "pacat")

    def test_plays_on_the_device_that_is_named(self, sound_server: SoundServer, tmp_path: Path) -> None:
        """A name that the server knows is used, and the server tells its own."""
        stage = Stage(CardSink("loudspeaker", SystemClock()), SystemClock())
        with sound_server.listen() as heard:
            assert stage.play(make_sound(tmp_path / "a.wav", 0.3), after=0.2).fault is None
        assert without_holes(heard.sound) == sound(0.3)
        assert card_players()[0].answers
        assert card_players()[0].says == "Default Sink: loudspeaker"

    @pytest.mark.skipif(not shutil.which("aplay"), reason="needs aplay: alsa-utils not installed")
    def test_plays_by_aplay_what_pacat_does_not_know(self, sound_server: SoundServer, tmp_path: Path) -> None:
        """A name that only ALSA knows is played by aplay, on the second and without a gap."""
        stage = Stage(CardSink("pulse", SystemClock()), SystemClock())
        at = stage.clock.now() + timedelta(seconds=0.5)
        with sound_server.listen() as heard:
            played = stage.play(make_sound(tmp_path / "a.wav", 0.6), at=at)
        assert played.fault is None
        assert played.seconds == pytest.approx(0.6)
        assert without_holes(heard.sound) == sound(0.6)
        assert abs(heard.first - at.timestamp()) < TOLERANCE


class TestOpenSink:
    @pytest.mark.parametrize(
        "spec", ["card:default", "card:hw:1,0", "card:hw:1,0#left", "file:var/sound", "null"]
    )
    def test_opens(self, spec: str, tmp_path: Path) -> None:
        """Each form that a station may write is a sink, and gives what it holds back."""
        sink = open_sink(spec, tmp_path, "nam-po", FakeClock())
        sink.close()
        match sink:
            case CardSink():
                assert f"card:{sink.device}" == spec
            case FileSink():
                assert (sink.folder, sink.name) == (tmp_path / "var/sound", "nam-po")
            case _:
                assert isinstance(sink, NullSink)

    @pytest.mark.parametrize("spec", ["", "card", "card:", "file:", "null:x", "speaker:1"])
    def test_refuses_anything_else(self, spec: str, tmp_path: Path) -> None:
        """Anything else is an error that lists what is possible."""
        with pytest.raises(BroadcasterError) as error:
            open_sink(spec, tmp_path, "nam-po", FakeClock())
        (fault,) = error.value.faults
        assert fault.where == spec
        assert all(
            form in str(fault.next)
            for form in ("card:default", "card:NAME", "card:NAME#right", "file:FOLDER", "null")
        )
