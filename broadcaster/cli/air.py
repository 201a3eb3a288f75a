"""run, play, stop, status: the daemon, and what is said to it."""

import logging
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from json import loads
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadcaster.edges.clock import SystemClock
from broadcaster.edges.content import Loaded, fingerprint
from broadcaster.edges.control import NotRunningError, ask
from broadcaster.edges.store import Store, daemon_runs, sole_daemon
from broadcaster.fleet.receiving import REACHED_EVERY, Receiving, belonging
from broadcaster.model import typed
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, said, say
from broadcaster.model.occurrence import State
from broadcaster.model.plan import plan, recipes_for
from broadcaster.model.programme import Recipe
from broadcaster.model.station import Cluster, Station

from . import output, words
from .here import Here, named
from .language import InTheirLanguage, _, tr
from .plan import Json

if TYPE_CHECKING:
    from broadcaster.alarms import Alarm
    from broadcaster.edges.notify import Reporter
    from broadcaster.playout import Output

PREPARE_DAYS = 2
TAKING = 60.0  # seconds for which edits wait for files of the province
HERE_ALONE, OFF = "127.0.0.1:8710", "off"  # where the page listens
DAEMON_IS_OFF = 1  # exit codes of `status`
SOMETHING_IS_WRONG = 2
MOST_FAULTS = 3  # are told by `status`; `check` tells all


def add_to(app: typer.Typer) -> None:
    app.command("run", help=_("The daemon: broadcasts by the plan until it is ended."))(run)
    app.command("play", help=_("Put a script or an audio file on air now."))(play)
    app.command("stop", help=_("End what sounds now."))(stop)
    app.command(
        "status",
        help=_("On air now, next, health. Exit code 1 when the daemon is off, 2 when something is wrong."),
    )(status)


def run(
    context: typer.Context,
    listen: Annotated[
        str,
        typer.Option(
            envvar="BROADCASTER_LISTEN",
            metavar="HOST:PORT|off",
            help=_(
                "Where the operator's page is: by default on this machine alone. On other addresses it wants "
                "passwords (user add)."
            ),
        ),
    ] = HERE_ALONE,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar=_("FILE"), help=_("The page's TLS certificate (PEM), with --key.")),
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar=_("FILE"), help=_("Its private key (PEM)."))] = None,
) -> None:
    from broadcaster.alarms import Alarms
    from broadcaster.daemon import Daemon, World
    from broadcaster.edges import notify
    from broadcaster.edges.amplifier import Switch
    from broadcaster.edges.control import Control
    from broadcaster.edges.crew import Scheduled

    from . import beside

    here: Here = context.obj
    clock = SystemClock()
    told = logging.StreamHandler(sys.stderr)
    told.addFilter(notify.Sparing(clock))
    told.addFilter(InTheirLanguage())
    logging.basicConfig(level=logging.INFO, handlers=[told], format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # a look at the plan that took long is no news
    with suppress(BroadcasterError, OSError):  # the link tries again; the last good content goes on
        Receiving(here.root).finish()
    here.as_aired()  # no station, no daemon: say so before anything is written
    reporting = _Reporting(clock)
    with sole_daemon(here.root), here.memory() as (store, damage):
        daemon = Daemon(
            World(
                clock=clock,
                crew=Scheduled(),
                store=store,
                alarms=Alarms(clock, reporting.report),
                assembly=here.assembly(),
                open_output=lambda cluster: _output(here, cluster, clock),
                fingerprint=_Settled(here.root, clock),
                load=lambda: reporting.follow(_load(here, store)),
                prepare=lambda stopping: _prepare(here.root, stopping),
                switch=Switch,
                made_in=lambda folder, digest: here.assembly_in(Path(folder)).programme(digest),
                alive=notify.alive,
            )
        )
        if damage is not None:
            daemon.world.alarms.raise_alarm("memory", damage)
        control: Control | None = None
        try:
            control = Control(here.root, daemon.answer)
        except BroadcasterError as error:  # no commands, but broadcasts
            daemon.world.alarms.raise_alarm("control", error.faults[0])
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # In a thread: what the signal interrupts may be holding the event's own lock.
            signal.signal(number, lambda *_: Thread(target=daemon.stopping.set).start())
        others = [beside.link(here.root, daemon.world.alarms, clock)]
        if listen != OFF:
            secured = [one.resolve() for one in (certificate, key) if one is not None]
            others.append(beside.page(here.root, listen, secured, daemon.world.alarms, clock))
        notify.ready()
        try:
            daemon.run()
        finally:
            for one in others:
                one.close()
            if control is not None:
                control.close()
            reporting.close()


class _Settled:
    """A number that changes with the content, but not while files of the province are being put in place."""

    def __init__(self, root: Path, clock: SystemClock) -> None:
        self._root, self._clock, self._receiving = root, clock, Receiving(root)
        self._last = fingerprint(root)
        self._since: float | None = None  # monotonic: when files began to be put in place

    def __call__(self) -> int:
        if self._unsettled():
            return self._last
        found = fingerprint(self._root)
        if not self._unsettled():  # nor did they begin meanwhile
            self._last = found
        return self._last

    def _unsettled(self) -> bool:
        """A link that fell before it was done does not keep officers from editing for long."""
        if not self._receiving.is_taking:
            self._since = None
            return False
        self._since = self._clock.monotonic() if self._since is None else self._since
        return self._clock.monotonic() - self._since < TAKING


def _all_made(rows: str) -> bool:
    """Is every programme there that lacks nothing?"""
    try:
        return all(row["state"] == "ready" or row["items"] for row in loads(rows))
    except ValueError:  # it fell before it was done
        return False


class _Reporting:
    """Tells those whom station.toml names of alarms."""

    def __init__(self, clock: SystemClock) -> None:
        self._clock = clock
        self._station: Station | None = None
        self._reporter: Reporter | None = None

    def follow(self, loaded: Loaded) -> Loaded:
        """Report to where the content now says."""
        from broadcaster.edges.notify import Reporter

        station, before = loaded.content.station, self._station
        if before is None or (station.alarm, station.name) != (before.alarm, before.name):
            self.close()
            self._reporter = Reporter(station, self._clock)
        self._station = station
        return loaded

    def report(self, alarm: "Alarm", begins: bool) -> None:
        from broadcaster.edges.notify import News

        if self._reporter is not None:
            what = f"{alarm.where}: {tr(alarm.what)}" if alarm.where else tr(alarm.what)
            news = News(alarm.key, what, tr(alarm.next), alarm.since, begins)
            self._reporter.report(news)

    def close(self) -> None:
        if self._reporter is not None:
            self._reporter.close()


def _output(here: Here, cluster: Cluster, clock: SystemClock) -> "Output":
    from broadcaster.edges.listener import open_listener
    from broadcaster.edges.sink import Reel, open_sink
    from broadcaster.hearing import Hearing
    from broadcaster.playout import Output
    from broadcaster.relay import Relay

    def listen() -> Hearing | None:
        return Hearing(open_listener(cluster.verify, clock)) if cluster.verify else None

    return Output(
        sink=open_sink(cluster.sink, here.root, cluster.id, clock, cluster.volume),
        listen=listen,
        reel=Reel,
        relay=lambda url, seconds, instead: Relay(url, seconds, instead, clock),
    )


def _load(here: Here, store: Store) -> Loaded:
    """The content, where what cannot be used is as it last could be; and keep it as it is now."""
    loaded = here.as_aired(store)
    try:
        faults = here.last_good.remember(loaded.left_out)
    except OSError as error:
        what = say("What is good now cannot be kept for later ({reason}).", reason=said(error))
        faults = [Fault("var/good", what, say("Make room on the disk, and see that it can be written to."))]
    return replace(loaded, faults=[*loaded.faults, *faults])


def _prepare(root: Path, stopping: Event) -> None:
    """`broadcaster prepare` in a process of its own: a file that crashes or swells it harms nobody."""
    command = [sys.executable, "-m", "broadcaster", "--station", str(root), "--lang", "en", "prepare"]
    child = subprocess.Popen(
        ["nice", "-n", "15", *command, "--days", str(PREPARE_DAYS), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not stopping.is_set():
            with suppress(subprocess.TimeoutExpired):
                rows, told = child.communicate(timeout=0.2)
                if not _all_made(rows):
                    what = say("Not everything could be assembled ahead: {words}", words=told.strip()[:500])
                    following = say("See what is missing: broadcaster prepare.")
                    raise BroadcasterError(Fault("", what, following))
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
    if put_on_air(context.obj, what, cluster or ()):
        output.line(_("It goes on air when what sounds now is over. To end either: broadcaster stop"))
    else:
        output.line(_("It goes on air now. To end it: broadcaster stop"))


def put_on_air(here: Here, what: str, chosen: Sequence[str], *, scripts_only: bool = False) -> bool:
    """
    Air a script, or a file, now on the *chosen* clusters (none: all); tell whether it waits.

    Raises BroadcasterError where it may not sound, or no daemon runs.
    """
    needs_daemon(here)
    with here.reading() as store:
        content = here.content(store)
        every = {one.id: one for one in content.station.clusters}
        clusters = [named(every, one) for one in chosen or every]
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
        asked: dict[str, Any] = {"clusters": [one.id for one in clusters]}
        if what in content.scripts:
            asked["script"] = what
            recipes = [one for place in clusters for one in recipes_for(content, what, place, now.date())]
            _make_whole(here, recipes)
        elif not scripts_only and Path(what).is_file():
            asked |= {
                "title": typed.written(Path(what).name),
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
    return bool(ask(here.root, "play", asked)["waits"])


def _make_whole(here: Here, recipes: list[Recipe]) -> None:
    """Make every language that is all there; refuse if none is."""
    whole = words.whole(recipes, say("See what is missing: broadcaster check."))
    assembly = here.assembly()
    with output.progress(_("Assembling"), len(whole)) as step:
        for recipe in whole:
            step(f"{recipe.script} {recipe.language} {recipe.area}")
            assembly.make(recipe)


def stop(context: typer.Context) -> None:
    here: Here = context.obj
    needs_daemon(here)
    told = ask(here.root, "stop", {})
    if told["stopped"]:
        output.line(_("What sounded was ended. The plan goes on."))
    else:
        output.line(_("Nothing sounds now. The plan goes on."))
    if told["alerts"]:
        output.line(_("An emergency is in force and goes on. To end it: broadcaster alert --clear"))


def needs_daemon(here: Here) -> None:
    """Raise BroadcasterError where no daemon runs here; first of all where there is no station."""
    if not daemon_runs(here.root):
        here.load()
    ask(here.root, "status", {})


def status(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    daemon: dict[str, Any] | None = None
    with suppress(NotRunningError):
        daemon = ask(here.root, "status", {})
    try:
        loaded = here.as_aired()
    except BroadcasterError:
        if daemon is not None and not json:
            output.line(_("Daemon: running; it goes on with the content that it read last."))
        raise
    content = loaded.content
    now = here.now(content)
    with here.reading() as store:
        alive = store.marks().get("alive")
        log = list(store.airings(start=now - timedelta(days=8)))
    following = next(
        (
            one
            for one in plan(content, {one.occurrence: one for one in log}, now, now + timedelta(days=14))
            if one.state is State.PLANNED
        ),
        None,
    )
    today = [one for one in log if one.planned.astimezone(now.tzinfo).date() == now.date() and one.outcome]
    wrong = [fault for fault in loaded.faults if not fault.warning]
    if json:
        state = daemon or {"clock": None, "on_air": [], "alerts": [], "alarms": [], "rows_waiting": 0}
        output.as_json(
            {
                "station": content.station.name,
                "now": now.isoformat(),
                "running": daemon is not None,
                "alive": alive,
                "clock_trusted": state["clock"] is None,
                "clock": state["clock"],
                "on_air": [
                    {"occurrence": one["occurrence"], "title": one["title"], "seconds": one["seconds"]}
                    for one in state["on_air"]
                ],
                "alerts": state["alerts"],
                "alarms": [
                    {**one, "what": tr(one["what"]), "next": tr(one["next"])} for one in state["alarms"]
                ],
                "rows_waiting": state["rows_waiting"],
                "province": belonging(here.root),
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
        _tell_status(content, now, daemon, following, today, wrong)
        _tell_province(belonging(here.root), now)
    if daemon is None:
        raise typer.Exit(DAEMON_IS_OFF)
    if daemon["alarms"]:
        raise typer.Exit(SOMETHING_IS_WRONG)


def _tell_province(told: Mapping[str, Any] | None, now: datetime) -> None:
    """Whether the station's province hears of it, and what of its own stands in place of the province's."""
    if told is None:
        return
    if told["reached"] is None:
        output.line(_("Province {province}: not reached yet").format(province=told["province"]))
    else:
        late = now - datetime.fromisoformat(told["reached"]) > 2 * timedelta(seconds=REACHED_EVERY)
        output.line(
            (
                _("Province {province}: NOT in reach since {day} {time}")
                if late
                else _("Province {province}: reached {day} {time}")
            ).format(province=told["province"], **_moment(told["reached"], now))
        )
    for one in told["kept"]:
        output.line(f"  {one['path']}: {one['why']}")
    for one in told["refused"]:
        output.line(
            _("  Refused {day} {time}: {what}: {why}").format(
                what=one["what"], why=one["why"], **_moment(one["at"], now)
            )
        )


def _moment(at: str, now: datetime) -> dict[str, str]:
    """Day and time of an ISO 8601 *at*, where *now* is."""
    there = datetime.fromisoformat(at).astimezone(now.tzinfo)
    return {"day": output.day(there.date()), "time": output.clock_time(there)}


def _tell_status(
    content: Content,
    now: datetime,
    daemon: Mapping[str, Any] | None,
    following: Any,
    today: list[Any],
    faults: list[Fault],
) -> None:
    on_air = daemon["on_air"] if daemon else []
    output.line(f"{content.station.name} · {output.day(now.date())} {output.clock_time(now)}")
    output.line(_("Daemon: running") if daemon else _("Daemon: OFF. Start it: broadcaster run"))
    for alert in daemon["alerts"] if daemon else []:
        output.line(
            _("EMERGENCY in force: {title}, ordered by {by}, for another {left}. {id}").format(
                title=alert["title"], by=alert["by"], left=output.length(alert["left"]), id=alert["id"]
            )
        )
    for one in on_air:
        output.line(
            _("On air: {title}, {cluster}, {seconds} of {total}").format(
                title=one["title"],
                cluster=one["cluster_name"],
                seconds=output.length(one["seconds"]),
                total=output.length(one["length"]),
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
    for alarm in daemon["alarms"] if daemon else []:
        since = datetime.fromisoformat(alarm["since"]).astimezone(now.tzinfo)
        output.line(
            _("ALARM since {day} {time}: {where} {what} {next}").format(
                where=alarm["where"] and f"{alarm['where']}:",
                day=output.day(since.date()),
                time=output.clock_time(since),
                what=tr(alarm["what"]),
                next=tr(alarm["next"]),
            )
        )
    if faults:
        output.line(
            _("Faults in the content: {count}; what these files held goes on. See: broadcaster check").format(
                count=len(faults)
            )
        )
        for fault in faults[:MOST_FAULTS]:
            output.line(f"  {fault.place}: {tr(fault.what)}")
