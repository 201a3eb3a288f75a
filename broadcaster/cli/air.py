"""run, play, stop, status: the daemon, and what is said to it."""

import logging
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Annotated, Any

import typer

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.content import Loaded, fingerprint
from broadcaster.edges.store import Store, daemon_runs, sole_daemon
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.occurrence import State
from broadcaster.model.plan import plan, recipes_for
from broadcaster.model.programme import Recipe
from broadcaster.model.script import called

from . import output, words
from .here import Here, named
from .language import _, tr
from .plan import Json

PREPARE_DAYS = 2
MOST_FAULTS = 3  # are told by `status`; `check` tells all


def add_to(app: typer.Typer) -> None:
    app.command("run", help=_("The daemon: broadcasts by the plan until it is ended."))(run)
    app.command("play", help=_("Put a script or an audio file on air now."))(play)
    app.command("stop", help=_("End what sounds now."))(stop)
    app.command("status", help=_("On air now, next, health. Exit code 1 when the daemon is off."))(status)


def run(context: typer.Context) -> None:
    from broadcaster.daemon import Daemon, World
    from broadcaster.edges.sink import open_sink

    here: Here = context.obj
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a look at the plan that took long is no news
    here.as_aired()  # no station, no daemon: say so before anything is written
    clock = SystemClock()
    with sole_daemon(here.var), here.writing() as store:
        daemon = Daemon(
            World(
                clock=clock,
                store=store,
                assembly=here.assembly(),
                open_sink=lambda cluster: open_sink(cluster.sink, here.root, cluster.id, clock),
                fingerprint=lambda: fingerprint(here.root),
                load=lambda: _load(here, store),
                prepare=lambda stopping: _prepare(here.root, stopping),
            )
        )
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # In a thread: what the signal interrupts may be holding the event's own lock.
            signal.signal(number, lambda *_: Thread(target=daemon.stopping.set).start())
        daemon.run()


def _load(here: Here, store: Store) -> Loaded:
    """The content, where what cannot be used is as it last could be; and keep it as it is now."""
    loaded = here.as_aired(store)
    return replace(loaded, faults=[*loaded.faults, *here.last_good.remember(loaded.left_out)])


def _prepare(root: Path, stopping: Event) -> None:
    """`broadcaster prepare` in a process of its own: a file that crashes or swells it harms nobody."""
    command = [sys.executable, "-m", "broadcaster", "--station", str(root), "--lang", "en", "prepare"]
    child = subprocess.Popen(
        [*command, "--days", str(PREPARE_DAYS), "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not stopping.is_set():
            with suppress(subprocess.TimeoutExpired):
                _, told = child.communicate(timeout=0.2)
                if child.returncode != 0:
                    logging.getLogger("broadcaster").error("assembling ahead: %s", told.strip())
                return
    finally:
        child.kill()
        child.communicate()


def play(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(metavar=_("SCRIPT|FILE"), help=_("A script's name, or an audio file."))
    ],
    cluster: Annotated[
        list[str] | None, typer.Option(help=_("Only this cluster; may be given again."))
    ] = None,
) -> None:
    here: Here = context.obj
    _needs_daemon(here)
    with here.writing() as store:
        content = here.content(store)
        every = {one.id: one for one in content.station.clusters}
        clusters = [named(every, one) for one in cluster or every]
        now = here.now(content)
        hours = content.station.hours
        if not hours.hold(now.time(), now.time()):
            raise BroadcasterError(
                Fault(
                    f"{now:%H:%M}",
                    say("Loudspeakers may not sound at this hour."),
                    say(
                        "Allowed are {spans} (schedules/station.toml).",
                        spans=", ".join(map(str, hours.allowed)),
                    ),
                )
            )
        if store.marks().get("clock") == "untrusted":
            raise BroadcasterError(
                Fault(
                    f"{now:%Y-%m-%d %H:%M}",
                    say("The clock is wrong: nothing sounds until it is set."),
                    say("Set the clock; nothing sounds until it is right."),
                )
            )
        asked: dict[str, Any] = {"clusters": [one.id for one in clusters]}
        if what in content.scripts:
            asked["script"] = what
            recipes = [one for place in clusters for one in recipes_for(content, what, place, now.date())]
            _make_whole(here, recipes)
        elif Path(what).is_file():
            asked |= {
                "title": Path(what).name,
                "digest": here.assembly().from_file(Path(what), clusters[0].profile).digest,
            }
        else:
            raise BroadcasterError(
                Fault(
                    what,
                    say("There is neither a script nor a file of this name."),
                    say("The scripts are: {known}.", known=", ".join(content.scripts) or "–"),
                )
            )
        waits = any(store.marks().get(f"on-air/{one.id}") for one in clusters)
        _ask(store, "play", asked)
    if waits:
        output.line(_("It goes on air when what sounds now is over. To end either: broadcaster stop"))
    else:
        output.line(_("It goes on air now. To end it: broadcaster stop"))


def _make_whole(here: Here, recipes: list[Recipe]) -> None:
    """Make every language that is all there; refuse if none is."""
    whole = [recipe for recipe in recipes if not recipe.lacks]
    if not whole:
        raise BroadcasterError(
            *(
                Fault(
                    f"audio/{recipe.script}",
                    say(
                        "{language} is not all there: {items}.",
                        language=called(recipe.language),
                        items=words.lacks(recipe),
                    ),
                    say("See what is missing: broadcaster check."),
                )
                for recipe in dict.fromkeys(recipes)
            )
        )
    assembly = here.assembly()
    with output.progress(_("Assembling"), len(whole)) as step:
        for recipe in whole:
            step(f"{recipe.script} {recipe.language} {recipe.area}")
            assembly.make(recipe)


def stop(context: typer.Context) -> None:
    here: Here = context.obj
    _needs_daemon(here)
    with here.writing() as store:
        sounds = any(value for name, value in store.marks().items() if name.startswith("on-air/"))
        _ask(store, "stop", {})
    if sounds:
        output.line(_("What sounded was ended. The plan goes on."))
    else:
        output.line(_("Nothing sounds now. The plan goes on."))


def _ask(store: Store, verb: str, values: dict[str, Any]) -> None:
    """Leave a request and wait until the daemon has taken it."""
    clock, never = SystemClock(), Event()
    number = store.ask(verb, values, clock.now())
    for _step in range(50):
        if all(one.id != number for one in store.requests()):
            return
        clock.sleep(0.1, never)
    raise BroadcasterError(
        Fault(
            "",
            say("The daemon did not answer within 5 s."),
            say("Look at its log, and at: broadcaster status."),
        )
    )


def _needs_daemon(here: Here) -> None:
    if not daemon_runs(here.var):
        here.load()  # first of all: is this a station?
        raise BroadcasterError(
            Fault(
                str(here.root),
                say("The daemon of this station does not run."),
                say("Start it: broadcaster run (or: systemctl start broadcaster)."),
            )
        )


def status(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    runs = daemon_runs(here.var)
    try:
        loaded = here.as_aired()
    except BroadcasterError:
        if runs and not json:
            output.line(_("Daemon: running; it goes on with the content that it read last."))
        raise
    content = loaded.content
    now = here.now(content)
    with here.reading() as store:
        marks = store.marks()
        log = list(store.airings(start=now - timedelta(days=8)))
    following = next(
        (
            one
            for one in plan(content, {one.occurrence: one for one in log}, now, now + timedelta(days=14))
            if one.state is State.PLANNED
        ),
        None,
    )
    on_air = [value for name, value in marks.items() if name.startswith("on-air/") and value and runs]
    today = [one for one in log if one.planned.astimezone(now.tzinfo).date() == now.date() and one.outcome]
    trusted = marks.get("clock", "trusted") == "trusted"
    wrong = [fault for fault in loaded.faults if not fault.warning]
    if json:
        output.as_json(
            {
                "station": content.station.name,
                "now": now.isoformat(),
                "running": runs,
                "alive": marks.get("alive"),
                "clock_trusted": trusted,
                "on_air": [
                    {"occurrence": one["occurrence"], "title": one["title"], "seconds": one["seconds"]}
                    for one in on_air
                ],
                "next": {"at": following.at.isoformat(), "script": following.script} if following else None,
                "today": {
                    outcome: sum(one.outcome == outcome for one in today)
                    for outcome in {str(one.outcome) for one in today}
                },
                "faults": len(wrong),
                "as_it_last_was": sorted(loaded.left_out),
            }
        )
    else:
        _tell_status(content, now, runs, on_air, following, today, trusted, wrong)
    if not runs:
        raise typer.Exit(1)


def _tell_status(
    content: Content,
    now: datetime,
    runs: bool,
    on_air: list[dict[str, Any]],
    following: Any,
    today: list[Any],
    trusted: bool,
    faults: list[Fault],
) -> None:
    output.line(f"{content.station.name} · {output.day(now.date())} {output.clock_time(now)}")
    output.line(_("Daemon: running") if runs else _("Daemon: OFF. Start it: broadcaster run"))
    for one in on_air:
        total = sum(length for _language, _digest, length in one["programmes"])
        output.line(
            _("On air: {title}, {cluster}, {seconds} of {total}").format(
                title=one["title"],
                cluster=one["cluster_name"],
                seconds=output.length(one["seconds"]),
                total=output.length(total),
            )
        )
    if not on_air:
        output.line(_("On air: nothing"))
    output.line(
        _("Next: {title}, {cluster}, {day} {time}").format(
            title=following.script_title,
            cluster=following.cluster_name,
            day=output.day(following.at.date()),
            time=output.clock_time(following.at),
        )
        if following
        else _("Next: nothing in the next 14 days")
    )
    for outcome in dict.fromkeys(one.outcome for one in today):
        count = sum(one.outcome is outcome for one in today)
        output.line(_("Today, {outcome}: {count}").format(outcome=words.outcome(outcome), count=count))
    if not trusted:
        output.line(_("The clock is wrong: nothing sounds until it is set."))
    if faults:
        output.line(
            _("Faults in the content: {count}; what these files held goes on. See: broadcaster check").format(
                count=len(faults)
            )
        )
        for fault in faults[:MOST_FAULTS]:
            output.line(f"  {fault.place}: {tr(fault.what)}")
