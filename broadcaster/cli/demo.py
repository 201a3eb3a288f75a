"""demo: a peak day of the station, by the real daemon on a clock that runs fast."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated

import typer

from broadcaster.edges.clock import FastClock, SystemClock
from broadcaster.edges.content import Loaded, fingerprint
from broadcaster.edges.store import Store, daemon_runs, database, sole_daemon
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.occurrence import Occurrence, State
from broadcaster.model.plan import plan
from broadcaster.model.programme import SAMPLE_RATE
from broadcaster.model.station import Cluster

from . import log, output, period, report, words
from .here import Here, named
from .language import _
from .plan import make, measure

if TYPE_CHECKING:
    from broadcaster.edges.sink import Played, Sink, Source

SPEED = 100.0  # ten minutes of a session in six seconds
MARK_EVERY = 60.0  # seconds of programme; a demo need not survive a power cut to the second


def add_to(app: typer.Typer) -> None:
    app.command("demo", help=_("A peak day of the station: broadcast to files, logged and counted."))(demo)


class Both:
    """A file sink that decides, and a sound card that is heard as long as the file is written."""

    def __init__(self, file: "Sink", card: "Sink") -> None:
        self.file, self.card = file, card

    def play(
        self, source: "Source", at: datetime, stop: Event, on_progress: Callable[[float], None]
    ) -> "Played":
        from broadcaster.edges.sink import Reel

        written = Event()
        heard = Reel(source.sounds if isinstance(source, Reel) else ())  # a relay can be listened to by one
        aloud = Thread(
            target=self.card.play, args=(heard, SystemClock().now(), written, lambda _seconds: None)
        )
        aloud.start()
        try:
            return self.file.play(source, at, stop, on_progress)
        finally:
            written.set()
            aloud.join()
            heard.close()

    def close(self) -> None:
        self.file.close()
        self.card.close()


class Local:
    """What replaces a relay, for no stream runs that fast."""

    trouble: Fault | None = None
    silence = replaced = 0.0

    def __init__(self, programme: "Source | None") -> None:
        self._programme = programme

    @property
    def fault(self) -> Fault | None:
        return self._programme.fault if self._programme else None

    def read(self) -> bytes | None:
        block = self._programme.read() if self._programme else None
        self.replaced += len(block or b"") / (2 * SAMPLE_RATE)
        return block

    def close(self) -> None:
        if self._programme:
            self._programme.close()


def demo(
    context: typer.Context,
    day: Annotated[
        str | None, typer.Option(metavar=_("DAY"), help=_("Another day, such as 2026-11-20."))
    ] = None,
    aloud: Annotated[
        bool, typer.Option("--aloud", help=_("Real time: hear the sessions whole through the sound card."))
    ] = False,
    cluster: Annotated[str | None, typer.Option(help=_("Whose loudspeaker the sound card is."))] = None,
) -> None:
    from broadcaster.alarms import Alarms
    from broadcaster.daemon import Daemon, World
    from broadcaster.edges.amplifier import Switch
    from broadcaster.edges.crew import Scheduled
    from broadcaster.edges.sink import CardSink, FileSink, Reel, card_players
    from broadcaster.playout import Output

    here: Here = context.obj
    here.load()
    logging.getLogger("broadcaster").addHandler(logging.NullHandler())
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    folder = here.var / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    with sole_daemon(folder):
        assembly = here.assembly()
        with here.writing() as measured:
            measure(here, measured, assembly)
            loaded = here.load(measured)
        content = loaded.content.on_trial()
        zone = content.station.timezone
        chosen = period.parse(day)[0] if day else peak_day(content, here.now(content).date())
        found = plan(content, {}, *period.moments((chosen, chosen), zone))
        due = [one for one in found if one.state is State.PLANNED]
        if not due:
            raise BroadcasterError(
                Fault(
                    f"{chosen}",
                    say("Nothing is planned on this day."),
                    say("Choose a day of a peak month with --day; see: broadcaster plan."),
                )
            )
        heard = (
            named({one.id: one for one in content.station.clusters}, cluster)
            if cluster
            else content.station.clusters[0]
        )
        database(folder).unlink(missing_ok=True)
        for old in (*folder.glob("*.flac"), *folder.glob("*.wav"), *folder.glob("broadcaster.db-*")):
            old.unlink()
        _announce(content, chosen, due)
        make(assembly, due, content.station)

        clock = FastClock(
            due[0].at - timedelta(minutes=1),
            datetime.combine(chosen, time(23, 59), zone),
            1.0 if aloud else SPEED,
        )
        runs = daemon_runs(here.root)  # then the sound card feeds loudspeakers, and everybody would hear it
        card = not runs and any(one.answers for one in card_players())
        if runs:
            output.line(_("The daemon runs here: nothing sounds, everything goes into files."))
        else:
            _tell_sound(card, aloud, heard)

        def open_output(one: Cluster) -> Output:
            file = FileSink(folder, one.id, clock)
            loud = card and one == heard
            return Output(
                Both(file, CardSink("default", SystemClock())) if loud else file,
                listen=lambda: None,
                reel=Reel,
                relay=lambda _url, _seconds, instead: Local(instead(0.0)),
            )

        store = Store(database(folder))
        daemon = Daemon(
            World(
                clock=clock,
                store=store,
                assembly=assembly,
                crew=Scheduled(),
                alarms=Alarms(clock),
                open_output=open_output,
                fingerprint=lambda: fingerprint(here.root),
                load=lambda: Loaded(content, loaded.faults, loaded.left_out),
                prepare=lambda _stopping: None,
                switch=Switch,
                made_in=lambda _folder, _digest: None,
                tick=0.02,  # two seconds of the demo's day
            ),
            mark_every=MARK_EVERY,
        )
        _run(daemon.run, daemon.stopping, clock, store, due)
        airings = list(store.airings())
        days = period.parse(f"{chosen:%Y-%m}")
        counted = report.gather(here, store, content.station.name, days, report.USUAL, "year", (), chosen)
        store.close()
        files = _as_flac(folder)
    log.tell(airings, zone)
    output.line()
    report.tell(counted)
    output.line("\n" + _("To listen to, one file a session and cluster:"))
    for file in files:
        output.line(f"  {file}")
    output.line(_("The day's play log: {file}").format(file=database(folder)))


def peak_day(content: Content, today: date) -> date:
    """The first day of the coming year on which most is planned."""
    zone = content.station.timezone
    counts: dict[date, int] = {}
    for one in plan(content, {}, *period.moments((today, today + timedelta(days=365)), zone)):
        if one.state is State.PLANNED:
            counts[one.at.date()] = counts.get(one.at.date(), 0) + 1
    return max(sorted(counts), key=lambda one: counts[one], default=today)


def _announce(content: Content, day: date, due: Iterable[Occurrence]) -> None:
    output.line(
        _("{station}: the whole of {day}, in a minute.").format(
            station=content.station.name, day=output.day(day)
        )
    )
    tags = dict.fromkeys(recipe.language for one in due for recipe in one.recipes)
    stand_ins = dict.fromkeys(
        recording.language
        for recording in content.recordings
        if recording.stand_in and recording.language in tags
    )
    if stand_ins:
        output.line(
            _("Stand-ins sound for: {languages}. They say so aloud, and sound in this demo only.").format(
                languages=", ".join(words.language(tag) for tag in stand_ins)
            )
        )


def _tell_sound(card: bool, aloud: bool, heard: Cluster) -> None:
    if not card:
        output.line(_("There is no sound card here: everything goes into files."))
    elif aloud:
        output.line(_("Through the sound card, in real time: {cluster}.").format(cluster=heard.name))
    else:
        output.line(
            _("Through the sound card, the beginning of each broadcast: {cluster}. Whole: --aloud").format(
                cluster=heard.name
            )
        )


def _run(
    run: Callable[[], None], stopping: Event, clock: FastClock, store: Store, due: Sequence[Occurrence]
) -> None:
    """Run the daemon until the day is over, and tell each airing as it ends."""
    real, told = SystemClock(), set[str]()
    thread = Thread(target=run)
    thread.start()
    try:
        with output.progress(_("On air"), len(due)) as step:
            while thread.is_alive() and not clock.ended.is_set():
                real.sleep(0.2, clock.ended)
                for one in store.airings():
                    if one.occurrence not in told:
                        told.add(one.occurrence)
                        step(f"{one.planned.astimezone(clock.end.tzinfo):%H:%M} {one.cluster_name}")
    finally:
        stopping.set()
        thread.join()


def _as_flac(folder: Path) -> list[Path]:
    """The sessions' WAV files, a third of their size and as good."""
    from broadcaster.edges.decode import decode, encode

    wavs = sorted(folder.glob("*.wav"))
    with output.progress(_("Writing files"), len(wavs)) as step:
        for wav in wavs:
            step(wav.name)
            encode(decode(wav), wav.with_suffix(".flac"), "flac")
            wav.unlink()
    return sorted(folder.glob("*.flac"))
