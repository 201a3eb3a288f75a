"""station join, leave, link, unpack, report: a station in its province."""

import asyncio
import json
import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadcaster import __version__
from broadcaster.edges.clock import SystemClock
from broadcaster.edges.content import Loaded, fingerprint
from broadcaster.edges.control import NotRunningError, ask
from broadcaster.edges.keeping import alone
from broadcaster.edges.wire import UnreachableError, end, until_ended
from broadcaster.fleet import membership as members
from broadcaster.fleet import package
from broadcaster.fleet.membership import Membership
from broadcaster.fleet.outbox import Outbox
from broadcaster.fleet.receiving import Receiving, RefusedError
from broadcaster.model.airing import LOST, Outcome
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.occurrence import State
from broadcaster.model.order import Order
from broadcaster.model.plan import plan
from broadcaster.model.programme import Programme
from broadcaster.model.script import UNDETERMINED

from . import alert, output, words
from .here import Here, now_in
from .language import _

if TYPE_CHECKING:
    from broadcaster.assembly import Assembly

app = typer.Typer(
    help=_("This station in its province: join it, and what travels by hand."), no_args_is_help=True
)

PATIENCE = 20.0  # seconds until a server that does not answer is told
CONFLICTS_FOR = timedelta(days=7)
MOST_CONFLICTS = 20
ORPHANED_FOR = 5.0  # seconds
MEMBER_EVERY = 1.0  # seconds between two looks whether the station still belongs to its province
HOURLY = 3600.0  # seconds until conflicts are looked for anew

logger = logging.getLogger("broadcaster")


@app.command("join", help=_("Join the province that gave the code, or the file."))
def join(
    context: typer.Context,
    code: Annotated[str, typer.Argument(metavar=_("CODE|FILE"), help=_("As the province gave it."))],
) -> None:
    here: Here = context.obj
    area = here.load().content.station.area
    if members.belongs(here.root):
        old = members.membership(here.root)
        raise BroadcasterError(
            Fault(
                old.station,
                say("This station belongs to the province {province} already.", province=old.province),
                say("To join another: broadcaster station leave, then once more."),
            )
        )
    if Path(code).is_file():
        member = _by_hand(Path(code), here.root, area)
    else:
        address, name, secret = members.read_code(code)
        _is_for(name, area, code)
        member = _by_wire(address, name, secret, members.seed_for(here.root, code.strip()))
    members.become_member(here.root, member)
    output.line(
        _("{station} belongs to the province {province} from now on.").format(
            station=member.station, province=member.province
        )
    )
    output.line(
        _("While the daemon runs (broadcaster run), it is in touch with {address}.").format(
            address=member.address
        )
    )


def _is_for(name: str, area: str, code: str) -> None:
    """Is the station called *name* one of this *area*? Asked before the code is used up."""
    if name[:5] != area:
        what = say(
            "The code is for a station in {theirs}; this one is in {ours}.", theirs=name[:5], ours=area
        )
        following = say(
            "Ask the province for a code for {ours}, or correct “area” in schedules/station.toml.", ours=area
        )
        raise BroadcasterError(Fault(code[:60], what, following))


def _by_wire(address: str, name: str, secret: str, seed: str) -> Membership:
    try:
        return asyncio.run(members.join(address, name, secret, seed, PATIENCE))
    except UnreachableError as error:
        following = say(
            "See that this machine has a network, that the code is right and not older than 7 days."
        )
        raise BroadcasterError(*(replace(fault, next=following) for fault in error.faults)) from error


def _by_hand(path: Path, root: Path, area: str) -> Membership:
    """By a file of the province: what it says is taken; the province hears of it with the first report."""
    try:
        told = json.loads(path.read_bytes())
        code, welcome = str(told["code"]), json.dumps(told["welcome"]).encode()
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        what = say("This file is no invitation.")
        following = say("It is made by: broadcaster province invite STATION --file FILE")
        raise BroadcasterError(Fault(str(path), what, following)) from error
    address, name, secret = members.read_code(code)
    _is_for(name, area, str(path))
    seed = members.seed_for(root, code)
    member = members.welcomed(welcome, secret, seed)
    return replace(member, address=address, asked=members.request(name, seed, secret).decode())


@app.command("leave", help=_("Belong to no province any more. What it sent stays here."))
def leave(context: typer.Context) -> None:
    here: Here = context.obj
    member = members.membership(here.root)
    members.leave(here.root)
    output.line(
        _("This station left the province {province}. What it sent is the commune's own now.").format(
            province=member.province
        )
    )


@app.command("unpack", help=_("Take the province's content from a file, such as one on a stick."))
def unpack(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("From “province pack”."))],
) -> None:
    here: Here = context.obj
    member, receiving = members.membership(here.root), Receiving(here.root)
    receiving.finish()
    try:
        bundle = package.unpack(file, member, receiving)
        taken = receiving.take(bundle)
    except RefusedError as error:
        receiving.refuse(file.name, error, now_in(SystemClock().now().astimezone().tzinfo))  # type: ignore[arg-type]
        raise
    output.line(
        _(
            "Content of the province: {written} files new, {deleted} taken away, "
            "{kept} kept as the commune has them."
        ).format(written=len(taken.write), deleted=len(taken.delete), kept=len(taken.kept))
    )
    tell_kept(receiving)


def tell_kept(receiving: Receiving) -> None:
    output.faults(
        Fault(
            one.path,
            one.why,
            say("The province is told. To have its version: take yours away."),
            warning=True,
        )
        for one in receiving.kept
    )


@app.command(
    "report", help=_("Write the play log, as far as the province has not confirmed it, into a signed file.")
)
def report(
    context: typer.Context,
    pack: Annotated[
        Path, typer.Option("--pack", metavar=_("FILE|FOLDER"), help=_("Where to, such as a stick."))
    ],
) -> None:
    here: Here = context.obj
    member = members.membership(here.root)
    to = (
        pack / f"{member.station}-{now_in(here.place()[1]):%Y-%m-%d-%H%M%S}.report" if pack.is_dir() else pack
    )
    rows = package.pack_rows(outbox(here, member).everything(), member, here.outside(to))
    output.line(
        _(
            "{file} holds {rows} rows of the play log. At the province: broadcaster province take {name}"
        ).format(file=to, rows=rows, name=to.name)
    )


def outbox(here: Here, member: Membership) -> Outbox:
    return Outbox(here.root, member.station, here.reading, here.writing)


@app.command("link", help=_("Be in touch with the province; “run” does this beside the daemon."))
def link(context: typer.Context) -> None:
    from broadcaster.fleet.link import Link

    here: Here = context.obj
    member, clock, parent = members.membership(here.root), SystemClock(), os.getppid()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    async def linked(member: Membership) -> None:
        """
        Until it belongs elsewhere, or nowhere: another code was given, or it left. It ends with whoever
        started it, after a while in which the province is told that no daemon runs any more.
        """
        orphaned = 0.0
        while True:
            made = Link(here.root, member, AtStation(here, clock), outbox(here, member), clock)
            running = asyncio.create_task(made.run())
            try:
                while not running.done() and members.belongs(here.root):
                    await asyncio.sleep(MEMBER_EVERY)
                    orphaned += MEMBER_EVERY * (os.getppid() != parent)
                    if orphaned > ORPHANED_FOR:
                        return
                    if members.belongs(here.root) and members.membership(here.root) != member:
                        break
            finally:
                await end(running)
            if not members.belongs(here.root):
                return
            member = members.membership(here.root)

    with alone(here.var):  # two would write one another's files
        asyncio.run(until_ended(linked(member)))


class AtStation:
    """What the link has done at its station: by the same ways as commands."""

    def __init__(self, here: Here, clock: SystemClock) -> None:
        self._here, self._clock = here, clock
        self._sounding: dict[str, set[str]] = {}  # clusters on which an emergency was on air, by its name
        self._loaded: tuple[int, Loaded] | None = None
        self._conflicts: tuple[object, float, Sequence[Mapping[str, Any]]] = (None, 0.0, ())

    def _status(self) -> dict[str, Any] | None:
        with suppress(NotRunningError):
            return ask(self._here.root, "status", {})
        return None

    def state(self) -> Mapping[str, Any]:
        loaded, told = self._content(), self._status()
        content = loaded.content
        now = self._here.now(content)
        with self._here.reading() as store:
            log = list(store.airings(start=now - timedelta(days=8)))
        today = [one for one in log if one.planned.astimezone(now.tzinfo).date() == now.date()]
        on_air = told["on_air"] if told else []
        alerts = told["alerts"] if told else []
        return {
            "name": content.station.name,
            "version": __version__,
            "running": told is not None,
            "clock_trusted": told is not None and told["clock"] is None,
            "on_air": list(dict.fromkeys(str(one["title"]) for one in on_air)),
            "alerts": [
                {
                    "id": one["id"],
                    "sounding": sorted(self._sounding.get(one["id"], ())),
                    "aired": any(
                        row.occurrence.startswith(f"alert-{one['id']}/") and row.outcome is Outcome.AIRED
                        for row in log
                    ),
                }
                for one in alerts
            ],
            "past_alerts": told["past_alerts"] if told else [],
            "alarms": [one["key"] for one in told["alarms"]] if told else [],
            "disk_free": shutil.disk_usage(self._here.root).free // 1_000_000,
            "faults": sum(not fault.warning for fault in loaded.faults),
            "today": {
                "aired": sum(one.outcome is Outcome.AIRED for one in today),
                "lost": sum(one.outcome in LOST for one in today),
            },
            "conflicts": self._displaced(content, log, now),
        }

    def _content(self) -> Loaded:
        """As the daemon has it; read again when a file was saved."""
        seen = fingerprint(self._here.root)
        if self._loaded is None or self._loaded[0] != seen:
            self._loaded = seen, self._here.as_aired()
        return self._loaded[1]

    def _displaced(self, content: Any, log: Any, now: datetime) -> Sequence[Mapping[str, Any]]:
        """What the plan puts off in the next days, of the province's schedules and the commune's own."""
        of, at, found = self._conflicts
        seen = fingerprint(self._here.root)
        if of != seen or self._clock.monotonic() - at > HOURLY:
            planned = plan(content, {one.occurrence: one for one in log}, now, now + CONFLICTS_FOR)
            found = [
                {
                    "at": one.at.isoformat(),
                    "schedule": one.schedule,
                    "cluster": one.cluster,
                    "reason": str(one.reason),
                }
                for one in planned
                if one.state is State.DISPLACED
            ][:MOST_CONFLICTS]
            self._conflicts = seen, self._clock.monotonic(), found
        return found

    def pulse(self) -> Any:
        told = self._status()
        if told is None:
            return None
        for one in told["on_air"]:
            name, sign, rest = str(one["occurrence"]).removeprefix("alert-").rpartition("/")
            if sign and str(one["occurrence"]).startswith("alert-"):
                self._sounding.setdefault(name.rpartition("/")[0], set()).add(rest)
        return (
            [one["occurrence"] for one in told["on_air"]],
            [one["id"] for one in told["alerts"]],
            [one["key"] for one in told["alarms"]],
            told["clock"],
        )

    def emergencies(self) -> tuple[Sequence[str], Sequence[str], Sequence[str]] | None:
        told = self._status()
        if told is None:
            return None
        alerts = told["alerts"]
        return (
            [one["id"] for one in alerts],
            [one["id"] for one in alerts if not one["has_words"]],
            told["past_alerts"],
        )

    def trusts_clock(self) -> bool:
        told = self._status()
        return told is not None and told["clock"] is None

    def raise_emergency(self, order: Order, left: float, sound: Callable[[], Path] | None) -> None:
        here = self._here
        content = self._content().content
        day = here.now(content).date()
        clusters = [
            one.id
            for one in content.station.clusters
            if {area.code for area in content.areas.upwards(one.area, day)} & {*order.areas}
        ]
        if not clusters:
            return
        meant = self._meant(order, sound)
        alert.take_up(
            here, order.id, replace(meant, title=order.title), clusters, order.every, left, order.by
        )

    def _meant(self, order: Order, sound: Callable[[], Path] | None) -> alert.Meant:
        """What it says; where that is not to be had, its words are spoken: everybody must hear something."""
        content = self._content().content
        script = content.scripts.get(order.script)
        said = order.words or order.title
        for key, value in content.areas.words(content.station.area, self._here.now(content).date()).items():
            said = said.replace(f"{{{key}}}", value)
        spoken = alert.of_words(said)
        if script is not None and words.in_vietnamese(script) != order.words:
            logger.warning(
                say("{id}: the script here has other words; those of the order are spoken.", id=order.id)
            )
        elif script is not None:
            try:
                return alert.of_script(self._here, order.script)
            except BroadcasterError as error:
                logger.error("%s: %s", order.id, error)  # noqa: TRY400 - told in words
        if sound is None:
            return spoken

        def make(made_by: "Assembly", place: alert.Place) -> list[tuple[str, Programme]]:
            try:
                return [(UNDETERMINED, made_by.from_file(sound(), place.profile))]
            except (BroadcasterError, OSError) as error:
                logger.error("%s: %s", order.id, error)  # noqa: TRY400 - told in words
                return spoken.make(made_by, place)

        return alert.Meant(order.title, "", make)

    def clear(self, names: Sequence[str]) -> None:
        province = members.membership(self._here.root).province
        ask(self._here.root, "clear", {"ids": list(names)}, _("province {code}").format(code=province))
