"""Small builders of the model, with defaults that air: what a test does not say does not matter to it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.model.airing import Airing, Outcome, shared_out
from broadcaster.model.approval import Approvals, Role
from broadcaster.model.approval import given as approved
from broadcaster.model.area import Area, AreaKind, Areas
from broadcaster.model.content import Content
from broadcaster.model.occurrence import Occurrence
from broadcaster.model.recording import Recording, Recordings
from broadcaster.model.schedule import BulletinClass, Rule, Schedule
from broadcaster.model.script import Item, Script
from broadcaster.model.station import Cluster, Hours, Span, Station

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MORNING, EVENING = time(5, 30), time(17, 30)
LONG_AGO = date(2000, 1, 1)


def at(day: str, clock: str = "00:00") -> datetime:
    """A moment at the station: `at("2026-11-20", "17:30")`."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=ZONE)


def span(start: str, end: str) -> Span:
    return Span(time.fromisoformat(start), time.fromisoformat(end))


def make_area(code: str, parent: str | None = None, **given: Any) -> Area:
    kind = AreaKind.PROVINCE if parent is None else AreaKind.VILLAGE if "/" in code else AreaKind.COMMUNE
    return Area(
        **{"code": code, "name": code, "kind": kind, "valid_from": LONG_AGO, "parent": parent} | given
    )


def make_areas() -> Areas:
    """A province, two communes in it, and two villages in the first."""
    return Areas(
        [
            make_area("11", name="Tỉnh Điện Biên"),
            make_area("03160", "11", name="Xã Mường Nhé"),
            make_area("03160/nam-po", "03160", name="Bản Nậm Pố"),
            make_area("03160/na-pan", "03160", name="Bản Nà Pán"),
            make_area("03166", "11", name="Xã Sín Thầu"),
        ]
    )


def make_script(name: str = "tin", *, seconds: float = 60.0, **given: Any) -> Script:
    """A script that lasts *seconds* where it is spoken: one of text, the rest of silence."""
    item = Item("loi", {"vi": "Kính thưa bà"}, pause=seconds - 1.0)
    return Script(**{"id": name, "title": f"Kịch bản {name}", "group": "everyone", "items": [item]} | given)


def make_rule(*times: time, **given: Any) -> Rule:
    return Rule(times=times or (EVENING,), **given)


def make_schedule(name: str = "lich", *rules: Rule, **given: Any) -> Schedule:
    """Every evening at half past five, in the whole province."""
    known: dict[str, Any] = {
        "id": name,
        "title": f"Lịch {name}",
        "scripts": ["tin"],
        "areas": ["11"],
        "rules": rules if rules or "campaigns" in given else [make_rule()],
    }
    return Schedule(**known | given)


def make_cluster(name: str = "nam-po", *, languages: Sequence[str] = ("vi",), **given: Any) -> Cluster:
    known = {"id": name, "name": f"Cụm {name}", "area": "03160/nam-po", "languages": languages}
    return Cluster(**known | given)


def make_hours(*allowed: Span, session_minutes: int = 30, sessions_per_day: int = 2) -> Hours:
    return Hours(
        allowed or (span("05:00", "06:30"), span("16:30", "18:30")), session_minutes, sessions_per_day
    )


def make_content(
    *schedules: Schedule,
    scripts: Iterable[Script] | None = None,
    clusters: Sequence[Cluster] | None = None,
    hours: Hours | None = None,
    areas: Areas | None = None,
    recordings: Iterable[Recording] = (),
) -> Content:
    """A commune with one cluster, whose schedules stand in the order given; all of it is approved."""
    scripts = [make_script()] if scripts is None else list(scripts)
    recordings = list(recordings)
    return Content(
        station=Station(
            "Đài mẫu",
            "03160",
            ZONE,
            hours or make_hours(),
            [make_cluster()] if clusters is None else clusters,
        ),
        areas=areas or make_areas(),
        scripts={script.id: script for script in scripts},
        recordings=Recordings(recordings),
        schedules=schedules or [make_schedule()],
        approvals={script.id: make_approvals(script, recordings) for script in scripts},
    )


def make_approvals(script: Script, recordings: Iterable[Recording] = (), **given: Any) -> Approvals:
    """All of *script* as it is now, its recordings too."""
    recordings = list(recordings)
    known: dict[str, Any] = {
        "roles": (Role.REVIEWER, Role.LISTENER),
        "name": "Ban biên tập",
        "at": at("2026-11-01"),
        "languages": {tag for item in script.items for tag in item.text}
        | {one.language for one in recordings},
        "items": [item.id for item in script.items],
    }
    return Approvals(approved(script, recordings, **known | given))


def make_recording(
    item: str = "loi", language: str = "vi", area: str | None = None, **given: Any
) -> Recording:
    place = f"@{area.replace('/', '+')}" if area else ""
    known = {
        "script": "tin",
        "language": language,
        "item": item,
        "area": area,
        "path": f"audio/tin/recordings/{language}/{item}{place}.wav",
    }
    return Recording(**known | given)


def make_airing(
    occurrence: Occurrence | None = None, outcome: Outcome = Outcome.AIRED, **given: Any
) -> Airing:
    """What the play log says of *occurrence*: written when it would have ended, in UTC as the log has it."""
    if occurrence is None:
        start = at("2026-11-20", "17:30")
        known: dict[str, Any] = {
            "occurrence": "lich/2026-11-20T17:30:00/nam-po",
            "schedule": "lich",
            "schedule_title": "Lịch lich",
            "script": "tin",
            "script_title": "Kịch bản tin",
            "group": "everyone",
            "cluster": "nam-po",
            "cluster_name": "Cụm nam-po",
            "area": "03160/nam-po",
            "area_name": "Bản Nậm Pố",
            "bulletin_class": BulletinClass.NORMAL.word,
            "kind": "planned",
        }
        length, languages = 60.0, [("vi", "digest", 60.0)]
    else:
        start, length = occurrence.at, occurrence.seconds
        names = ("schedule", "schedule_title", "script", "script_title", "group", "cluster", "cluster_name")
        known = {name: getattr(occurrence, name) for name in (*names, "area", "area_name")}
        known |= {
            "occurrence": occurrence.id,
            "bulletin_class": occurrence.bulletin_class.word,
            "kind": occurrence.kind.value,
        }
        languages = [(recipe.language, "digest", recipe.seconds) for recipe in occurrence.whole]
    sounded = {Outcome.AIRED: length, Outcome.CUT: length / 2}.get(outcome, 0.0)
    known |= {
        "planned": start.astimezone(UTC),
        "logged": (start + timedelta(seconds=length)).astimezone(UTC),
        "started": start.astimezone(UTC) if sounded else None,
        "ended": (start + timedelta(seconds=sounded)).astimezone(UTC) if sounded else None,
        "seconds": sounded,
        "outcome": outcome,
        "reason": "" if outcome is Outcome.AIRED else "power",
        "detail": "",
        "station": "Đài mẫu",
        "station_area": "03160",
        "day": start.date(),
        "languages": shared_out(languages, sounded),
    }
    return Airing(**known | given)


def make_log(*airings: Airing) -> dict[str, Airing]:
    return {airing.occurrence: airing for airing in airings}
