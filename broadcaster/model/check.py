"""What does not fit together in content that can be read file by file."""

from collections.abc import Iterator
from datetime import date

from .content import Content
from .errors import Fault, Text, say
from .judgement import Verdict, judge
from .plan import recipes_for
from .recording import Lack
from .schedule import BulletinClass, Schedule
from .script import called
from .station import Cluster


def check(content: Content, day: date) -> list[Fault]:
    """Every fault between the files, as of *day*; what is only a pity is a warning."""
    found = [
        Fault(
            one.path,
            say("This recording cannot be decoded: it is damaged, or no sound."),
            say("Record it again, or put the undamaged file in its place."),
        )
        for one in content.recordings
        if one.broken
    ]
    expected = {
        (script.id, item.id): item.seconds for script in content.scripts.values() for item in script.items
    }
    for one in content.recordings:
        if one.heard is not None:
            judgement = judge(one.heard, None if one.stand_in else expected.get((one.script, one.item)))
            refused = judgement.verdict is Verdict.REFUSED
            found += [
                Fault(one.path, reason.what, reason.next, warning=not refused) for reason in judgement.reasons
            ]
    found += _shared_outputs(content)
    told: set[tuple[str, str, Lack, tuple[str, ...]]] = set()
    for schedule in content.schedules:
        found += _outside_hours(content, schedule)
        hearing = [cluster for cluster in content.station.clusters if _hears(content, schedule, cluster, day)]
        if not hearing:
            found.append(
                Fault(
                    f"schedules/{schedule.id}.toml",
                    say("No cluster of this station lies in its areas."),
                    say("Name an area of this station under “areas”."),
                    warning=True,
                )
            )
        for cluster in hearing if schedule.enabled else ():
            for script in schedule.scripts:
                for fault, key in _lacks(content, script, cluster, day):
                    if key not in told:
                        told.add(key)
                        found.append(fault)
    return found


def _shared_outputs(content: Content) -> Iterator[Fault]:
    clusters = content.station.clusters
    for sink in dict.fromkeys(one.sink for one in clusters if one.sink.startswith("card:")):
        names = [one.name for one in clusters if one.sink == sink]
        if len(names) > 1:
            yield Fault(
                "schedules/station.toml",
                say(
                    "{clusters} share the output “{sink}” and would sound into each other.",
                    clusters=", ".join(names),
                    sink=sink,
                ),
                say("Give each an output of its own, or make them one cluster."),
                warning=True,
            )


def _hears(content: Content, schedule: Schedule, cluster: Cluster, day: date) -> bool:
    return any(content.areas.lies_in(cluster.area, area, day) for area in schedule.areas)


def _outside_hours(content: Content, schedule: Schedule) -> Iterator[Fault]:
    if schedule.bulletin_class is BulletinClass.EMERGENCY:
        return
    hours = content.station.hours
    asked = {at for rule in (*schedule.rules, *schedule.campaigns) for at in rule.times}
    asked |= {move.to.time() for move in schedule.moves}
    for at in sorted(asked):
        if not hours.hold(at, at):
            yield Fault(
                f"schedules/{schedule.id}.toml",
                say(
                    "{time} is outside the hours when loudspeakers may sound; nothing will.",
                    time=f"{at:%H:%M}",
                ),
                say(
                    "Allowed are {spans} (schedules/station.toml).", spans=", ".join(map(str, hours.allowed))
                ),
            )


NEXT = {
    Lack.NO_RECORDING: say("Record it, under recordings/<language>/<item>; no voice speaks this language."),
    Lack.BROKEN: say("Record it again, or put the undamaged file in its place."),
    Lack.STAND_IN: say("A stand-in sounds in the demo only. Have a speaker record it."),
    Lack.UNAPPROVED: say("Listen to it, read it, and approve it: broadcaster approve."),
    Lack.OUTDATED: say("Have it translated and recorded anew, or approve it again if it still fits."),
    Lack.NO_FACT: say("Write the word under the area in schedules/areas.toml, or change the text."),
}


def _lacks(
    content: Content, script: str, cluster: Cluster, day: date
) -> Iterator[tuple[Fault, tuple[str, str, Lack, tuple[str, ...]]]]:
    for recipe in recipes_for(content, script, cluster, day):
        for lack in dict.fromkeys(lack for _item, lack in recipe.lacks):
            items = tuple(item for item, why in recipe.lacks if why is lack)
            place = cluster.area if lack is Lack.NO_FACT else ""
            fault = Fault(
                f"audio/{script}",
                _what(lack, recipe.language, cluster.name, ", ".join(items)),
                NEXT[lack],
                warning=lack is Lack.STAND_IN,
            )
            yield fault, (script + place, recipe.language, lack, items)


def _what(lack: Lack, language: str, cluster: str, items: str) -> Text:
    values: dict[str, object] = {"language": called(language), "cluster": cluster, "items": items}
    if lack is Lack.STAND_IN:
        return say("{language} is left out at {cluster}: only stand-ins of {items}.", **values)
    if lack is Lack.UNAPPROVED:
        return say("{language} is left out at {cluster}; not approved as they are now: {items}.", **values)
    if lack is Lack.OUTDATED:
        return say(
            "{language} is left out at {cluster}: the Vietnamese words of {items} changed after approval.",
            **values,
        )
    if lack is Lack.NO_FACT:
        return say(
            "{language} is left out at {cluster}: a placeholder of {items} has no word there.", **values
        )
    if lack is Lack.BROKEN:
        return say("{language} is left out at {cluster}: the recordings of {items} are damaged.", **values)
    return say("{language} is left out at {cluster}: {items} have neither recording nor voice.", **values)
