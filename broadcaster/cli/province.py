"""province …: the stations of a province, from its server: content down, play logs up, emergencies to all."""

import asyncio
import json as jsons
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from threading import Event
from typing import Annotated, Any

import typer

from broadcaster.alarms import Alarms
from broadcaster.edges import keeping, keys
from broadcaster.edges.clock import SystemClock
from broadcaster.edges.content.areas import country_at
from broadcaster.edges.content.country import MERGER, Country
from broadcaster.edges.hub import Hub as Server
from broadcaster.edges.hub import Served
from broadcaster.edges.store import daemon_runs, sole_daemon
from broadcaster.edges.wire import until_ended
from broadcaster.fleet import package
from broadcaster.fleet.membership import code as code_of
from broadcaster.fleet.overview import Loudspeaker, Overview, loudspeakers, overview, text
from broadcaster.fleet.publishing import Offer, Outbound, Publishing, named_by, sweep
from broadcaster.fleet.registry import MQTT_PORT, PORT, Province, Registry
from broadcaster.fleet.urgent import Urgent
from broadcaster.model.area import AreaKind
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, Text, say
from broadcaster.model.order import Order
from broadcaster.model.plan import recipe_at
from broadcaster.model.recording import Lack

from . import alert, output, template, words
from .air import HERE_ALONE, OFF
from .change import DryRun, Yes
from .here import Here, named, now_in
from .language import InTheirLanguage, _, tr
from .plan import Json

app = typer.Typer(help=_("The stations of a province, from its server."), no_args_is_help=True)

# Said where a sound file does not arrive in time; by a Vietnamese voice, whatever the language of messages
UNSAID = "Thông báo khẩn cấp của tỉnh. Đề nghị bà con theo dõi thông báo tiếp theo."
NOT_APPROVED = {Lack.UNAPPROVED, Lack.OUTDATED}
SEEN = 10.0  # seconds for which `alert` shows who has it on air
EVERYWHERE = "0.0.0.0"  # noqa: S104 - stations are elsewhere

Stations = Annotated[list[str] | None, typer.Argument(metavar=_("[STATION]…"), help=_("By default all."))]

logger = logging.getLogger("broadcaster")


@app.command("init", help=_("Begin a province in DIR: its keys, its server, a folder for its content."))
def init(
    folder: Annotated[Path, typer.Argument(metavar=_("DIR"), help=_("New or empty, or with content in it."))],
    area: Annotated[str, typer.Option(help=_("The province's code, such as 11."))],
    host: Annotated[str, typer.Option(help=_("The name or address by which stations find this machine."))],
    port: Annotated[int, typer.Option(min=1, max=65535, help=_("Where the server listens."))] = PORT,
    mqtt: Annotated[
        int,
        typer.Option(
            min=0, max=65535, help=_("Where it listens for loudspeakers that speak MQTT; 0: nowhere.")
        ),
    ] = MQTT_PORT,
) -> None:
    country = Country()
    place = next((one for one in country.held(area) if one.valid_until is None), None)
    if place is None or place.kind is not AreaKind.PROVINCE:
        what, following = (
            say("This is no code of a province."),
            say("Write one such as 11; see: broadcaster area list --all."),
        )
        raise BroadcasterError(Fault(area, what, following))
    root = folder.resolve()
    if not (root / "schedules" / "station.toml").exists():
        if folder.exists() and any(folder.iterdir()):
            what = say("There is something in this place already.")
            raise BroadcasterError(Fault(str(folder), what, say("Name a folder that is new or empty.")))
        communes = [(one.code, one.name) for one in country.below(area, MERGER)]
        for path, content in template.of_province(place.code, place.name, communes).items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(content, "utf-8")
    authority = keys.authority(f"broadcaster {area}")
    Registry(root).found(
        Province(
            area,
            f"{host}:{port}",
            Served(EVERYWHERE, port, mqtt or None),
            keys.new_seed(),
            keys.new_seed(),
            authority,
            keys.certificate(authority, list(dict.fromkeys([host, "localhost", "127.0.0.1"]))),
        )
    )
    output.line(
        _(
            "The province {name} is in {folder}. "
            "Its keys are in var/fleet/: nobody else may read them; keep a copy."
        ).format(name=place.name, folder=folder)
    )
    output.line(_("Next:"))
    output.line(f"  cd {folder}")
    output.line("  broadcaster province run")
    output.line(
        _("  broadcaster province invite STATION     (in another window; for each station, such as 03160)")
    )


@app.command("invite", help=_("Let a station join: prints the code for it, which holds once, for 7 days."))
def invite(
    context: typer.Context,
    station: Annotated[
        str,
        typer.Argument(
            metavar=_("STATION"), help=_("Its commune's code, such as 03160; 03160-2 for a second one.")
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Option(metavar=_("FILE"), help=_("Write it into a file too: for a station without a network.")),
    ] = None,
) -> None:
    here: Here = context.obj
    registry = Registry(here.root)
    province, area = registry.province(), station[:5]
    place = next((one for one in country_at(here.root).held(area) if one.valid_until is None), None)
    if place is None or place.kind is not AreaKind.COMMUNE:
        what = say("There is no commune of this code.")
        raise BroadcasterError(
            Fault(area, what, say("See the communes: broadcaster area list --in {code}.", code=province.code))
        )
    if place.parent != province.code:
        what = say("{name} lies in another province ({code}).", name=place.name, code=place.parent)
        raise BroadcasterError(
            Fault(area, what, say("See the communes: broadcaster area list --in {code}.", code=province.code))
        )
    secret = registry.invite(station, area, now_in(SystemClock().now().tzinfo))  # type: ignore[arg-type]
    code = code_of(province.address, station, secret)
    output.line(_("For the station of {name}, within 7 days, once:").format(name=place.name))
    output.line(f"  broadcaster station join {code}")
    if file is not None:
        welcome = jsons.loads(registry.welcome(secret, station, area))
        keeping.keep(here.outside(file), {"code": code, "welcome": welcome})
        output.line(
            _(
                "Or, without a network: broadcaster station join {file}. "
                "Whoever has the file can be this station."
            ).format(file=file)
        )


@app.command("revoke", help=_("Let a station, a loudspeaker or whoever was invited in no more, at once."))
def revoke(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar=_("STATION"), help=_("Its name."))]
) -> None:
    here: Here = context.obj
    Registry(here.root).revoke(name)
    output.line(_("{name} is let in no more. What it reported stays counted.").format(name=name))


@app.command("speaker", help=_("Let a loudspeaker that speaks MQTT in: prints its password."))
def speaker(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar=_("NAME"), help=_("Small letters, digits and hyphens."))],
    area: Annotated[str, typer.Option(help=_("Where it is: a commune's or village's code."))],
) -> None:
    here: Here = context.obj
    registry = Registry(here.root)
    province = registry.province()
    if province.served.mqtt is None:
        what = say("This province's server does not listen for MQTT.")
        raise BroadcasterError(Fault(name, what, say("It was begun with --mqtt 0.")))
    if not country_at(here.root).held(area.partition("/")[0]):
        what = say("There is no place of this code.")
        raise BroadcasterError(Fault(area, what, say("See the places: broadcaster area list --all.")))
    one = registry.add_speaker(name, area)
    host = province.address.rpartition(":")[0]
    output.line(
        _("Set the loudspeaker to: mqtts://{host}:{port}, user {name}, password {password}").format(
            host=host, port=province.served.mqtt, name=one.name, password=one.password
        )
    )
    output.line(
        _(
            "It hears speaker/{name}/alert, and reports to speaker/{name}/report. "
            "Its server's certificate is signed by:"
        ).format(name=one.name)
    )
    output.line(province.authority.certificate.decode())


# Content


@app.command(
    "publish", help=_("Send each station what concerns it of the content here, as far as it changed.")
)
def publish(
    context: typer.Context,
    stations: Stations = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    here: Here = context.obj
    registry = Registry(here.root)
    province, outbound = registry.province(), Outbound(registry.folder)
    loaded = here.load()
    if wrong := [fault for fault in loaded.faults if not fault.warning]:
        raise BroadcasterError(*wrong)
    peers = registry.peers()
    known = {name: one.area for name, one in peers.invited.items()}
    known |= {name: one.area for name, one in peers.members.items()}
    chosen = {name: named(known, name) for name in stations} if stations else known
    if not chosen:
        what = say("No station joined yet.")
        raise BroadcasterError(Fault("", what, say("Invite one: broadcaster province invite STATION.")))
    now = here.now(loaded.content)
    publishing = Publishing(here.root, loaded.content, now.date(), outbound)
    before = {name: outbound.bundle(name, province.trusted) for name in chosen}
    with here.reading() as store:
        marks = store.marks()
    with output.progress(_("Looking"), len(chosen)) as step:
        offers = []
        for name, area in chosen.items():
            step(name)
            has = int(marks.get(f"station/{name}", {}).get("revision", 0))
            offers.append(publishing.offer(name, area, before[name], has))
    _show(offers, json=json)
    _note_unapproved(loaded.content, offers, now.date())
    changing = [one for one in offers if one]
    if dry_run or not changing or (json and not yes):
        if not json:
            output.line(_("Nothing was sent.") if changing else _nothing_new(offers))
        return
    if not (yes or typer.confirm(_("Send it?"), default=True)):
        output.line(_("Nothing was sent."))
        return
    revision = max([int(now.timestamp()), *(one.revision + 1 for one in before.values() if one is not None)])
    with keeping.alone(registry.folder), output.progress(_("Signing"), len(changing)) as step:
        publishing.publish(offers, province.code, province.seed, revision, step)
        sounds = [one.sound.digest for one in Urgent(registry).in_force(now).orders if one.sound is not None]
        sweep(outbound, [*named_by(outbound, province.trusted), *sounds])
    if not json:
        output.line(
            _(
                "Signed, for {count} stations. Those in reach take it now, the others when they return."
            ).format(count=len(changing))
        )
        _note_hub(here)


def _nothing_new(offers: Sequence[Offer]) -> str:
    if any(one.files for one in offers):
        return _("Every station has been sent this already.")
    return _("Nothing here concerns a station yet: add a schedule for its area.")


def _note_unapproved(content: Content, offers: Sequence[Offer], day: date) -> None:
    """What travels and will not sound, since nobody approved it as it is now."""
    paths = {file.path for one in offers for file in one.files}
    for script in content.scripts.values():
        if f"audio/{script.id}/script.toml" not in paths:
            continue
        recipes = [
            recipe_at(content, script.id, language, content.station.area, day)
            for language in content.languages_of(script)
        ]
        lacking = [one for one in recipes if {lack for _item, lack in one.lacks} & NOT_APPROVED]
        if lacking:
            languages = ", ".join(words.language(one.language) for one in lacking)
            what = say(
                "Not approved as it is now, in: {languages}. Stations withhold it.", languages=languages
            )
            following = say("Approve it, and publish again: broadcaster approve {script}.", script=script.id)
            output.faults([Fault(f"audio/{script.id}", what, following, warning=True)])


def _show(offers: Sequence[Offer], *, json: bool) -> None:
    changing = [one.change for one in offers if one]
    if json:
        output.as_json(
            [
                {
                    "station": one.station,
                    "added": [each.path for each in one.added],
                    "changed": [each.path for each in one.changed],
                    "removed": list(one.removed),
                    "bytes": one.travels,
                }
                for one in changing
            ]
        )
        return
    alike: dict[tuple[Any, ...], list[str]] = {}
    for one in changing:
        what = (
            tuple(each.path for each in one.added),
            tuple(each.path for each in one.changed),
            tuple(one.removed),
            one.travels,
        )
        alike.setdefault(what, []).append(one.station)
    for (added, changed, removed, travels), names in alike.items():
        output.line(
            _("{stations}: {megabytes} MB").format(
                stations=", ".join(names), megabytes=f"{travels / 1e6:.1f}"
            )
        )
        for sign, paths in (("+", added), ("~", changed), ("-", removed)):
            for path in paths:
                output.line(f"  {sign} {path}")


def _note_hub(here: Here) -> None:
    if not daemon_runs(here.root):
        what = say("The province's server does not run: nothing leaves this machine.")
        output.faults([Fault("", what, say("Start it: broadcaster province run."), warning=True)])


# Emergencies


@app.command(
    "alert", help=_("An emergency on air at once at every station of the places named, until it ends.")
)
def raise_alert(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Argument(
            metavar=_("TEXT|SCRIPT|FILE"), help=_("Words to be spoken, a script's name, or an audio file.")
        ),
    ] = None,
    area: Annotated[
        list[str] | None,
        typer.Option(
            metavar=_("CODE"),
            help=_("Only there and below; may be given again. By default the whole province."),
        ),
    ] = None,
    every: Annotated[
        float, typer.Option(min=alert.LEAST, max=alert.MOST_EVERY, help=_("Minutes from call to call."))
    ] = alert.EVERY,
    lasts: Annotated[
        float,
        typer.Option("--for", min=alert.LEAST, max=alert.MOST_LASTS, help=_("Minutes until it expires.")),
    ] = alert.LASTS,
    clear: Annotated[
        bool, typer.Option("--clear", help=_("The all-clear: ends all, or the one named."))
    ] = False,
) -> None:
    here: Here = context.obj
    registry = Registry(here.root)
    province, urgent = registry.province(), Urgent(registry)
    now = SystemClock().now()
    if clear:
        _clear(here, urgent, what, now)
        return
    if what is None or not what.strip():
        raise BroadcasterError(
            Fault(
                "",
                say("An emergency of what words?"),
                say(
                    "Write them: {example}",
                    example='broadcaster province alert "Nước lũ đang về, bà con lên chỗ cao"',
                ),
            )
        )
    content = here.content()
    day = here.now(content).date()
    for one in area or ():
        if not content.areas.lies_in(one, province.code, day):
            told = say("This place is not in the province, or not in schedules/areas.toml.")
            raise BroadcasterError(Fault(one, told, say("See the places: broadcaster area list.")))
    meant = alert.meant(here, what)
    sound = urgent.keep_sound(Path(what)) if not meant.script and Path(what).is_file() else None
    order = Order(
        id=f"{province.code}-{secrets.token_hex(3)}",
        title=meant.title,
        areas=list(area or [province.code]),
        every=every * 60,
        issued=now,
        until=now + timedelta(minutes=lasts),
        by=_("province {code}").format(code=province.code),
        words=words.in_vietnamese(content.scripts[meant.script])
        if meant.script
        else UNSAID
        if sound
        else what,
        script=meant.script,
        sound=sound,
    )
    urgent.change(now, lambda orders: [*orders, order])
    output.line(_("EMERGENCY {id} goes out now: {title}").format(id=order.id, title=order.title))
    output.line(
        _("It ends at {time}. To end it: broadcaster province alert --clear").format(
            time=f"{order.until.astimezone(here.place()[1]):%H:%M %d/%m/%Y}"
        )
    )
    _note_hub(here)
    if daemon_runs(here.root):
        _watch(here, registry, order)


def _clear(here: Here, urgent: Urgent, name: str | None, now: datetime) -> None:
    before = urgent.in_force(now).orders
    ended = [one.id for one in before if name in (None, one.id)]
    if name is not None and not ended:
        what = say("No such emergency is in force.")
        raise BroadcasterError(Fault(name, what, say("See what is in force: broadcaster province status.")))
    urgent.change(now, lambda orders: [one for one in orders if one.id not in ended])
    if ended:
        output.line(_("The all-clear goes out: {names}.").format(names=", ".join(ended)))
    else:
        output.line(_("No emergency is in force."))
    _note_hub(here)


def concerned(here: Here, order: Order, areas: Mapping[str, str]) -> list[str]:
    """Of stations and their *areas*, those in or around which the emergency is to be heard."""
    lies = lies_in(here)
    return [
        name for name, area in areas.items() if any(lies(one, area) or lies(area, one) for one in order.areas)
    ]


def _watch(here: Here, registry: Registry, order: Order) -> None:
    """Show for a while at how many stations it is on air."""
    name, clock, seen = order.id, SystemClock(), -1
    members = concerned(here, order, {one.name: one.area for one in registry.peers().members.values()})
    until = clock.monotonic() + SEEN
    while clock.monotonic() < until and seen < len(members):
        with here.reading() as store:
            marks = store.marks()
        on_air = [
            one
            for one in members
            if any(name == each["id"] for each in marks.get(f"station/{one}", {}).get("alerts", ()))
        ]
        if len(on_air) != seen:
            seen = len(on_air)
            output.line(_("On air at {count} of {all} stations").format(count=seen, all=len(members)))
        clock.sleep(0.3, Event())
    output.line(_("See who has it: broadcaster province status"))


# How stations are


@app.command(
    "status", help=_("Every station: up, on air, silent, with a wrong clock, low on disk, on which content.")
)
def status(context: typer.Context, json: Json = False) -> None:
    here: Here = context.obj
    found, heard, zone = stations(here), speakers(here), here.place()[1]
    orders = emergencies(here, found)
    if json:
        told = [asdict(one) | {"how": str(one.how), "well": one.is_well} for one in found]
        output.as_json(
            {"stations": told, "loudspeakers": [asdict(one) for one in heard], "emergencies": orders}
        )
        return
    if heard:
        output.table(heading_of_speakers(), [row_of_speaker(one, zone) for one in heard])
    if not found:
        output.line(_("No station joined yet. Invite one: broadcaster province invite STATION"))
        return
    for order in orders:
        output.line(in_force(order))
        if order["stations"] and order["lacking"]:
            output.wrapped(_("Not yet at: {stations}").format(stations=", ".join(order["lacking"])), "  ")
    output.table(heading(), [row(one, zone) for one in found])
    output.line(
        _("Well: {well} of {all} stations").format(well=sum(one.is_well for one in found), all=len(found))
    )
    for one in found:
        for what in wrong(one):
            output.wrapped(f"{one.station}: {tr(what)}", "  ")
    _note_hub(here)


def emergencies(here: Here, found: Sequence[Overview]) -> list[dict[str, Any]]:
    """What is in force, and of the stations that it concerns those that have it and those that do not yet."""
    told = []
    for order in Urgent(Registry(here.root)).in_force(SystemClock().now()).orders:
        asked = concerned(here, order, {one.station: one.station[:5] for one in found})
        there = [
            one.station
            for one in found
            if one.station in asked and any(each["id"] == order.id for each in one.emergencies)
        ]
        until, lacking = order.until.isoformat(timespec="seconds"), sorted({*asked} - {*there})
        told.append(
            {"id": order.id, "title": order.title, "until": until, "stations": there, "lacking": lacking}
        )
    return told


def in_force(one: Mapping[str, Any]) -> str:
    return _("EMERGENCY {id} in force: {title}. On air at {count} of {all} stations").format(
        id=one["id"],
        title=one["title"],
        count=len(one["stations"]),
        all=len(one["stations"]) + len(one["lacking"]),
    )


def heading() -> tuple[str, ...]:
    return (
        _("Station"),
        _("Name"),
        _("State"),
        _("Last heard"),
        _("On air"),
        _("Disk"),
        _("Content"),
        _("Rows waiting"),
    )


def stations(here: Here) -> list[Overview]:
    """How every station is."""
    registry = Registry(here.root)
    province, outbound = registry.province(), Outbound(registry.folder)
    revisions = {
        name: bundle.revision
        for name in outbound.stations()
        if (bundle := outbound.bundle(name, province.trusted))
    }
    with here.reading() as store:
        return overview(registry.peers(), store.marks(), revisions, SystemClock().now())


def heading_of_speakers() -> tuple[str, ...]:
    return (_("Loudspeaker"), _("Area"), _("Last heard"), _("It reports"))


def speakers(here: Here) -> list[Loudspeaker]:
    """How those are that speak MQTT."""
    with here.reading() as store:
        return loudspeakers(Registry(here.root).peers(), store.marks())


def row_of_speaker(one: Loudspeaker, zone: tzinfo | None) -> tuple[str, ...]:
    said = ", ".join(f"{name}: {value}" for name, value in one.said.items())
    return one.name, one.area, _heard(one.heard, zone), said


def _heard(at: str, zone: tzinfo | None) -> str:
    return f"{datetime.fromisoformat(at).astimezone(zone):%d/%m %H:%M:%S}" if at else "–"


def row(one: Overview, zone: tzinfo | None) -> tuple[str, ...]:
    return (
        one.station,
        one.name,
        words.how(one.how),
        _heard(one.heard, zone),
        ", ".join(one.on_air),
        "–" if one.disk_free is None else f"{one.disk_free / 1000:.1f} GB",
        words.content(one.content),
        "–" if one.rows_waiting is None else str(one.rows_waiting),
    )


def wrong(one: Overview) -> list[Text]:
    """What somebody at the province should see to, or know."""
    found = [say("Alarm at the station: {keys}.", keys=", ".join(one.alarms))] if one.alarms else []
    if one.low_on_disk:
        found.append(say("Its disk is nearly full."))
    if one.faults:
        found.append(say("Faults in its content: {count}.", count=one.faults))
    found += [say("{path}: {why}", path=each["path"], why=Text(each["why"])) for each in one.kept]
    found += [
        say("It refused, {at}: {what}. {why}", at=each["at"], what=each["what"], why=each["why"])
        for each in one.refused
    ]
    found += [say("Row {row} of its play log: {what}", row=each["row"], what=text(each)) for each in one.log]
    found += [
        say(
            "Displaced {at}: {schedule} at {cluster}.",
            at=each["at"],
            schedule=each["schedule"],
            cluster=each["cluster"],
        )
        for each in one.conflicts
    ]
    return found


# By hand


@app.command("pack", help=_("Write what was published last into one file, for stations without a network."))
def pack(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar=_("FILE"), help=_("Where to, such as a stick."))],
    stations: Stations = None,
) -> None:
    here: Here = context.obj
    registry = Registry(here.root)
    outbound = Outbound(registry.folder)
    chosen = stations or outbound.stations()
    if not chosen:
        raise BroadcasterError(
            Fault(str(file), say("Nothing was published yet."), say("First: broadcaster province publish."))
        )
    size = package.pack(outbound, chosen, registry.province().trusted, here.outside(file))
    output.line(
        _(
            "{file} holds the content of {count} stations ({megabytes} MB). "
            "There: broadcaster station unpack {name}"
        ).format(file=file, count=len(chosen), megabytes=f"{size / 1e6:.1f}", name=file.name)
    )


@app.command("take", help=_("Take rows of play logs in from files that stations packed."))
def take(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar=_("FILE…"), help=_("From “station report --pack”."))],
) -> None:
    here: Here = context.obj
    registry = Registry(here.root)
    province, lies = registry.province(), lies_in(here)
    now = SystemClock().now()
    for file in files:
        station, asked = package.sender(file)
        if station not in registry.peers().members and asked:
            registry.join(asked.encode(), now)  # it joined by hand; raises if it was not invited
        peers = registry.peers()
        if station not in peers.members:
            what = say("No station of this name joined.")
            raise BroadcasterError(
                Fault(f"{file}: {station}", what, say("Invite it: broadcaster province invite STATION."))
            )
        member = peers.members[station]
        batches = list(package.unpack_rows(file, station, province.code, member.key))
        from broadcaster.fleet.hub import arrived

        new = 0
        with here.writing() as store:
            marks = store.marks()
            for batch in batches:
                (taken,) = store.take([batch], lambda _sender, area, of=member.area: lies(of, area))  # type: ignore[misc]
                if taken.resend or taken.forked is not None:
                    what = say("Rows before these are not here.")
                    raise BroadcasterError(
                        Fault(str(file), what, say("Let the station report by network, or pack all again."))
                    )
                new += taken.new
                marks |= (told := arrived(batch, taken, marks.get(f"log/{station}", {}), now))
                store.mark_all(told)
        output.line(
            _("{station}: {new} rows new, {known} known already.").format(
                station=station, new=new, known=sum(len(one.rows) for one in batches) - new
            )
        )


# The server


@app.command("run", help=_("The province's server: stations connect to it, until it is ended."))
def run(
    context: typer.Context,
    listen: Annotated[
        str,
        typer.Option(
            envvar="BROADCASTER_LISTEN",
            metavar="HOST:PORT|off",
            help=_("Where the page is: by default on this machine alone."),
        ),
    ] = HERE_ALONE,
) -> None:
    from broadcaster.edges import notify
    from broadcaster.fleet.hub import Hub

    from . import beside

    here: Here = context.obj
    registry = Registry(here.root)
    registry.province()
    clock = SystemClock()
    told = logging.StreamHandler()
    told.addFilter(InTheirLanguage())
    logging.basicConfig(level=logging.INFO, handlers=[told], format="%(asctime)s %(levelname)s %(message)s")
    with sole_daemon(here.root), here.writing() as store:
        server = Server(registry.folder / "server", keeping.put)
        page = None
        if listen != OFF:
            page = beside.page(here.root, listen, [], Alarms(clock, lambda _alarm, _begins: None), clock)
        notify.ready()
        try:
            asyncio.run(until_ended(Hub(registry, server, store, clock, lies_in(here)).run()))
        finally:
            server.close()
            if page is not None:
                page.close()


def lies_in(here: Here) -> Callable[[str, str], bool]:
    """Does an area (the second) lie in a place (the first), now or before communes were merged?"""
    country = country_at(here.root)

    @cache
    def known(place: str, area: str) -> bool:
        code = area.partition("/")[0]
        if not area or area == place or area.startswith(f"{place}/") or code == place:
            return True
        held = country.held(code)
        after = {new.code for one in held for new in country.after(one)}
        if place in after:
            return True
        above = {one.parent for one in held if one.valid_until is None} - {None}
        above |= {new.parent for one in held for new in country.after(one)} - {None}
        return not held or place in above  # a code that is none of the country's is the station's own affair

    return known
