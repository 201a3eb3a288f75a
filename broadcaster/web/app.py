"""The pages, and what can be done on them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from broadcaster.cli import air, alert, approve, output, period, words
from broadcaster.cli import province as provinces
from broadcaster.cli.here import Here, named
from broadcaster.cli.language import _, code, tr
from broadcaster.cli.plan import listened
from broadcaster.edges.control import ask
from broadcaster.edges.pages import page
from broadcaster.edges.users import Right, User
from broadcaster.fleet.registry import Registry
from broadcaster.model import typed
from broadcaster.model.approval import Role, bound
from broadcaster.model.content import Content
from broadcaster.model.errors import BroadcasterError, Fault, say
from broadcaster.model.recording import Lack
from broadcaster.model.script import Script
from broadcaster.report import before

from . import sound, views
from .facts import Facts
from .guard import DOCUMENT, Guard, form, key, needs, token

logger = logging.getLogger("broadcaster")

OURS = ["127.0.0.1", "localhost", "[::1]"]  # names of this machine for itself
STATIC = Path(__file__).parent.parent / "static"
SESSION_HOURS = 12
LIVE = ("air", "alarms", "today", "week", "month", "health")  # parts that follow what happens
QUICK = 2  # of these at every look
LOOK = 0.2  # seconds between looks at the daemon while something sounds and somebody looks at the page
CALM = 0.5  # seconds else
STILL = 5.0  # seconds between looks at what changes seldom
MOST_LOOKING = 40  # streams at once
FORMS = {"html": "text/html", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
UPLOADS = "/upload"  # the one path that takes a recording


def make_app(station: Path, *, on_loopback: bool, secured: bool) -> Starlette:
    """The page of the station in folder *station*; *secured*: it is served over TLS."""
    province = Registry(station).exists
    app = Starlette(
        routes=[
            Route("/", now if not province else stations),
            *([Route("/station", now), Route("/stations", stations)] if province else []),
            Route("/events", events),
            Route("/scripts", scripts),
            Route("/scripts/{script}", one_script),
            Route("/scripts/{script}/{cluster}/{language}.mp3", programme),
            Route("/scripts/{script}/{cluster}/{language}.svg", waveform),
            Route("/recordings/{script}/{language}/{item}.wav", recording),
            Route("/reports", reports),
            Route("/reports/{period}.{form}", report),
            Route("/stop", stop, methods=["POST"]),
            Route("/play", play, methods=["POST"]),
            Route("/alert", raise_alert, methods=["POST"]),
            Route("/clear", clear, methods=["POST"]),
            Route(UPLOADS, upload, methods=["POST"]),
            Route("/approve", approve_script, methods=["POST"]),
            Route("/login", login, methods=["GET", "POST"]),
            Route("/logout", logout, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            # A name that somebody else's server gives to this machine is not ours.
            *([Middleware(TrustedHostMiddleware, OURS)] if on_loopback else []),
            Middleware(
                SessionMiddleware,
                key(station / "var"),
                session_cookie="broadcaster",
                max_age=SESSION_HOURS * 3600,
                same_site="strict",
                https_only=secured,
            ),
        ],
        exception_handlers={HTTPException: refused, BroadcasterError: refused, Exception: fell},
    )
    app.state.facts = Facts(station)
    app.state.guard = Guard(station / "var", on_loopback=on_loopback)
    app.state.open = not (on_loopback or secured)  # what is sent can be read by others on the network
    app.state.looking = 0
    app.state.province = province
    return app


# What is refused, and why


async def refused(request: Request, error: Exception) -> Response:
    """Says what is wrong and what to do next, on a page of its own."""
    if isinstance(error, BroadcasterError):
        status, headers = 409, None
        told = [
            {"what": f"{one.place}: {tr(one.what)}" if one.where else tr(one.what), "next": tr(one.next)}
            for one in error.faults
        ]
    else:
        assert isinstance(error, HTTPException)  # noqa: S101 - they are registered so
        status, headers = error.status_code, error.headers
        known = {
            400: _("What was sent cannot be read."),
            404: _("There is no such page."),
            405: _("This cannot be done here."),
        }
        told = [{"what": known.get(status, error.detail), "next": ""}]
    html = page("web/refused", {**_frame(request, None), "faults": told, "back": _back(request)})
    return HTMLResponse(html, status, headers)


def _back(request: Request) -> str:
    """The page of ours that was open before."""
    before = urlsplit(request.headers.get("referer", ""))
    return before.path if before.netloc == request.headers.get("host") and before.path else "/"


async def fell(request: Request, error: Exception) -> Response:
    logger.error("the page: an error of ours", exc_info=error)
    told = [{"what": _("An error of the program."), "next": _("Try once more; broadcasts go on.")}]
    return HTMLResponse(page("web/refused", {**_frame(request, None), "faults": told, "back": "/"}), 500)


def _frame(request: Request, user: User | None) -> dict[str, Any]:
    """What every page has."""
    return {
        "_": _,
        "language": code(),
        "path": request.url.path,
        "user": user,
        "rights": Right,
        "may": lambda right: user is not None and user.right >= right,
        "token": token(request),
        "told": request.session.pop("told", ""),
        "exposed": request.app.state.open,
        "province": request.app.state.province,
    }


def _show(request: Request, name: str, values: Mapping[str, Any]) -> Response:
    return HTMLResponse(page(f"web/{name}", {**_frame(request, request.state.user), **values}))


def _done(request: Request, told: str, to: str = "/") -> Response:
    """Back to a page, which says what was done."""
    request.session["told"] = told[:500]
    _facts(request).forget()
    return RedirectResponse(to, 303)


def _facts(request: Request) -> Facts:
    return request.app.state.facts  # type: ignore[no-any-return]


def _content(request: Request) -> Content:
    return _facts(request).loaded().content


# A province


@needs(Right.VIEWER)
def stations(request: Request) -> Response:
    """How every station of the province is."""
    found = provinces.stations(_facts(request).here)
    rows = [
        {
            "cells": provinces.row(one, _facts(request).now().tzinfo),
            "well": one.is_well,
            "wrong": [tr(what) for what in provinces.wrong(one)],
        }
        for one in found
    ]
    speakers = [
        provinces.row_of_speaker(one, _facts(request).now().tzinfo)
        for one in provinces.speakers(_facts(request).here)
    ]
    values = {
        "heading": provinces.heading(),
        "rows": rows,
        "well": sum(one.is_well for one in found),
        "heading_of_speakers": provinces.heading_of_speakers(),
        "speakers": speakers,
        "emergencies": [
            provinces.in_force(one) for one in provinces.emergencies(_facts(request).here, found)
        ],
    }
    return _show(request, "stations", values)


# Now


@needs(Right.VIEWER)
def now(request: Request) -> Response:
    facts = _facts(request)
    content = facts.loaded().content
    return _show(
        request,
        "now",
        {
            **_values(facts),
            "lasts": alert.LASTS,
            "every": alert.EVERY,
            "scripts": [(one.id, one.title) for one in content.scripts.values()],
            "clusters": [(one.id, one.name) for one in content.station.clusters],
        },
    )


def _values(facts: Facts, *, anew: bool = True) -> dict[str, Any]:
    """What the parts of the page show; *anew*, or but for what the daemon says as they were last."""
    parts = facts.parts() if anew else facts.known_parts()
    status, now = facts.status(), facts.now()
    return {
        **parts,
        "clock": f"{now:%H:%M:%S}",
        "date": output.day(now.date()),
        "running": status is not None,
        "air": views.on_air(status),
        "alarms": views.alarms(status, now),
        "emergencies": views.emergencies(status),
        "health": facts.health(),
        "quietest": views.QUIETEST,
    }


@needs(Right.VIEWER)
async def events(request: Request) -> Response:
    """Server-sent events: the clock, the level, and each part of the page whenever it changes."""
    app = request.app
    if app.state.looking >= MOST_LOOKING:
        raise HTTPException(503, _("Too many look at this page now."))
    return StreamingResponse(_stream(request), media_type="text/event-stream")


async def _stream(request: Request) -> AsyncIterator[str]:
    facts, guard, state = _facts(request), request.app.state.guard, request.app.state
    loop = asyncio.get_running_loop()
    known: dict[str, str] = {}
    parts: Sequence[str]
    looked = -STILL
    state.looking += 1
    try:
        while True:
            began = loop.time()
            if began - looked >= STILL:
                looked = began
                parts = LIVE
                if not await run_in_threadpool(_is_still, guard, request):
                    return  # the page asks again, and is told why
            else:
                parts = LIVE[:QUICK]
            try:
                told = await run_in_threadpool(_parts, facts, parts)
            except BroadcasterError as error:
                told = {"trouble": "; ".join(f"{one.place}: {tr(one.what)}" for one in error.faults)}
            for name, text in told.items():
                if known.get(name) != text:
                    known[name] = text
                    yield f"event: {name}\ndata: {json.dumps(text, ensure_ascii=False)}\n\n"
            pause = LOOK if told.get("level", "{}") != "{}" else CALM
            await asyncio.sleep(max(0.0, pause - (loop.time() - began)))
    finally:
        state.looking -= 1


def _is_still(guard: Guard, request: Request) -> bool:
    """Is who looks still logged in, with the same right?"""
    try:
        return bool(guard.who(request) == request.state.user)
    except BroadcasterError:
        return False


def _parts(facts: Facts, names: Sequence[str]) -> dict[str, str]:
    values = {**_values(facts, anew=names == LIVE), "_": _}
    levels = {one["cluster"]: one["level"] for one in values["air"]}
    told = {"clock": values["clock"], "level": json.dumps(levels)}
    steady = {**values, "air": [{**one, "level": views.QUIETEST} for one in values["air"]]}
    return told | {name: page(f"web/{name}", steady) for name in names}


@needs(Right.OPERATOR)
def stop(request: Request, _sent: FormData) -> Response:
    told = ask(_facts(request).root, "stop", {}, request.state.user.name)
    if told["stopped"]:
        return _done(request, _("What sounded was ended. The plan goes on."))
    return _done(request, _("Nothing sounds now. The plan goes on."))


@needs(Right.OPERATOR)
def play(request: Request, sent: FormData) -> Response:
    here = _facts(request).here
    script = named(_content(request).scripts, _text(sent, "script"))
    try:
        waits = air.put_on_air(here, script.id, _clusters(request, sent), scripts_only=True)
    finally:
        here.close()
    if waits:
        return _done(request, _("It goes on air when what sounds now is over."))
    return _done(request, _("It goes on air now: {title}").format(title=script.title))


def _clusters(request: Request, sent: FormData) -> list[str]:
    """Those that were ticked; all where none was."""
    known = {one.id: one for one in _content(request).station.clusters}
    return [named(known, str(one)).id for one in sent.getlist("cluster")]


@needs(Right.OPERATOR)
def raise_alert(request: Request, sent: FormData) -> Response:
    """Once to ask whether it is meant, and once to do it."""
    said, script = _text(sent, "words").strip(), _text(sent, "script")
    minutes = _number(sent, "minutes", alert.LASTS, alert.MOST_LASTS)
    every = _number(sent, "every", alert.EVERY, alert.MOST_EVERY)
    clusters = _clusters(request, sent)
    here = _facts(request).here
    if script and said:
        what, following = say("Words, and a script beside them."), say("Give either the one or the other.")
        raise BroadcasterError(Fault("", what, following))
    if script:
        meant = alert.of_script(here, named(_content(request).scripts, script).id)
    elif len(said.split()) > 1:
        meant = alert.of_words(said)
    else:
        what, following = (
            say("An emergency of what words?"),
            say("Write two words or more, or choose a script."),
        )
        raise BroadcasterError(Fault("", what, following))
    if sent.get("sure") != "yes":
        names = {one.id: one.name for one in _content(request).station.clusters}
        return _show(
            request,
            "sure",
            {
                "title": meant.title,
                "said": said,
                "script": script,
                "clusters": [(one, names[one]) for one in clusters or names],
                "minutes": minutes,
                "every": every,
            },
        )
    try:
        alert.order(here, meant, clusters, every * 60, minutes * 60, request.state.user.name)
    finally:
        here.close()
    return _done(request, _("EMERGENCY on air: {title}").format(title=meant.title))


def _text(sent: FormData, name: str) -> str:
    value = sent.get(name, "")
    return typed.written(value) if isinstance(value, str) else ""


def _number(sent: FormData, name: str, default: float, most: float) -> float:
    try:
        number = float((_text(sent, name) or str(default)).replace(",", "."))
    except ValueError:
        number = -1.0
    if not alert.LEAST <= number <= most:
        raise BroadcasterError(
            Fault(
                _text(sent, name)[:20],
                say("This is no number of minutes."),
                say("Write a number from {least:g} to {most:g}.", least=alert.LEAST, most=most),
            )
        )
    return number


@needs(Right.OPERATOR)
def clear(request: Request, sent: FormData) -> Response:
    root = _facts(request).root
    if sent.get("sure") != "yes":
        in_force = views.emergencies(_facts(request).status())
        return _show(request, "clear", {"emergencies": in_force})
    told = ask(root, "clear", {"ids": None}, request.state.user.name)
    if not told["cleared"]:
        return _done(request, _("No emergency is in force."))
    if not told["kept"]:
        return _done(
            request,
            _("The all-clear was given, but the disk takes nothing: give it once more after a restart."),
        )
    return _done(request, _("The all-clear was given. The plan goes on."))


# Scripts


@needs(Right.VIEWER)
def scripts(request: Request) -> Response:
    content = _content(request)
    return _show(
        request,
        "scripts",
        {
            "scripts": [
                {
                    "id": one.id,
                    "title": one.title,
                    "group": words.group(one.group),
                    "class": words.bulletin_class(one.bulletin_class.word),
                }
                for one in content.scripts.values()
            ],
            "missing": _facts(request).parts()["missing"],
        },
    )


@needs(Right.VIEWER)
def one_script(request: Request) -> Response:
    content, facts = _content(request), _facts(request)
    script = named(content.scripts, request.path_params["script"])
    return _show(
        request,
        "script",
        {
            "script": script,
            "programmes": [
                {
                    "cluster": cluster,
                    "tag": tag,
                    "language": words.language(tag),
                    "made": sound.known(facts.root, content, script.id, cluster, tag, facts.now().date())
                    is not None,
                }
                for cluster in content.station.clusters
                for tag in cluster.languages
            ],
            "languages": [
                {
                    "tag": tag,
                    "name": words.language(tag),
                    "items": _standing(content, script, tag),
                    "seen": _seen(content, script, tag),
                }
                for tag in content.languages_of(script)
            ],
        },
    )


def _standing(content: Content, script: Script, tag: str) -> list[dict[str, Any]]:
    """Every item in one language: its words, its recordings, and what keeps it off the air."""
    rows = []
    for item in script.items:
        text = item.text.get(tag, "")
        for one, why in approve.pieces(content, script, item, tag):
            nothing = one is None and not (text and tag in content.voiced)
            lack = Lack.NO_RECORDING if nothing else why
            rows.append(
                {
                    "item": item.id,
                    "text": text or item.text.get("vi", ""),
                    "area": one.area if one else None,
                    "recorded": one is not None,
                    "stand_in": one is not None and one.stand_in,
                    "lack": words.lack(lack) if lack else "",
                }
            )
    return rows


def _seen(content: Content, script: Script, tag: str) -> str:
    """A mark of all words and recordings of a language as they are: an approval is for these alone."""
    bounds = [
        bound(item, tag, one, content.dictionary_of(script.id))
        for item in script.items
        for one in (None, *content.recordings_of(script.id, item.id, tag))
    ]
    return sha256(repr(bounds).encode()).hexdigest()


@needs(Right.VIEWER)
def programme(request: Request) -> Response:
    """The sound of a script in one language at one cluster; also before it is approved."""
    return FileResponse(_made(request).file, media_type="audio/mpeg")


@needs(Right.VIEWER)
def recording(request: Request) -> Response:
    """Exactly the recording that is asked for: whoever approves it hears it, and no other."""
    asked, area = request.path_params, request.query_params.get("area") or None
    known = _content(request).recordings_of(asked["script"], asked["item"], asked["language"])
    found = next((one for one in known if one.area == area), None)
    if found is None:
        raise HTTPException(404)
    here = _facts(request).here
    try:
        clip = here.assembly().recording(found.path)
    finally:
        here.close()
    return FileResponse(clip, media_type="audio/wav")


@needs(Right.VIEWER)
def waveform(request: Request) -> Response:
    """How loud it is from its beginning to its end."""
    return Response(page("web/wave.svg", {"bars": _made(request).bars}), media_type="image/svg+xml")


def _made(request: Request) -> sound.Made:
    content, asked = _content(request), request.path_params
    script = named(content.scripts, asked["script"])
    cluster = named({one.id: one for one in content.station.clusters}, asked["cluster"])
    tag = named({one: one for one in content.languages_of(script)}, asked["language"])
    facts = _facts(request)
    return sound.made(facts.root, content, script.id, cluster, tag, facts.now().date())


@needs(Right.OFFICER)
def upload(request: Request, sent: FormData) -> Response:
    """A recording for an item: judged, and taken if it is fit."""
    from starlette.datastructures import UploadFile

    content, facts = _content(request), _facts(request)
    script = named(content.scripts, _text(sent, "script"))
    tag = named({one: one for one in content.languages_of(script)}, _text(sent, "language"))
    item = named({one.id: one for one in script.items}, _text(sent, "item"))
    given = sent.get("recording")
    if not isinstance(given, UploadFile) or not given.filename:
        raise BroadcasterError(Fault("", say("No file was chosen."), say("Choose an audio file.")))
    replacing = sent.get("replace") == "yes"
    checked = sound.taken(
        facts.root,
        script,
        item,
        tag,
        given.file,
        typed.written(given.filename),
        replacing=replacing,
    )
    if checked.path is None:
        raise BroadcasterError(
            *(Fault(checked.name, one.what, one.next) for one in checked.judgement.reasons)
        )
    told = _("Taken: {item}. Listen to it below; it goes on air once it is approved.").format(item=item.id)
    notes = " ".join(f"{tr(one.what)} → {tr(one.next)}" for one in checked.judgement.reasons)
    return _done(request, f"{told} {notes}".strip(), f"/scripts/{script.id}")


@needs(Right.APPROVER)
def approve_script(request: Request, sent: FormData) -> Response:
    """The words and recordings of one language, as they were seen."""
    facts = _facts(request)
    here: Here = facts.here
    try:
        content = listened(here)
        script = named(content.scripts, _text(sent, "script"))
        tag = named({one: one for one in content.languages_of(script)}, _text(sent, "language"))
        name = request.state.user.name or " ".join(_text(sent, "name").split())
        if not name or not name.isprintable() or len(name) > 100:
            raise BroadcasterError(
                Fault("", say("Nobody is named as approving this."), say("Write your full name."))
            )
        if sent.get("seen") != _seen(content, script, tag):
            raise BroadcasterError(
                Fault(
                    script.title,
                    say("Words or recordings were changed after you saw them."),
                    say("Look at them again, and approve them then."),
                )
            )
        roles = (Role.REVIEWER, Role.LISTENER)
        added = approve.vouched(here, content, script, name, roles, [tag])
        if not added:
            what = say("There is nothing here that can be approved.")
            following = say("Bring recordings first: stand-ins and what is missing are never approved.")
            raise BroadcasterError(Fault(f"{script.title}, {words.language(tag)}", what, following))
        approve.write_down(here, script, added)
    finally:
        here.close()
    told = _("Approved by {name}: {title}, {language}.").format(
        name=name, title=script.title, language=words.language(tag)
    )
    if lacking := sum(bool(one["lack"]) for one in _standing(_content(request), script, tag)):
        told += " " + _("Items that still lack something: {count}.").format(count=lacking)
    return _done(request, told, f"/scripts/{script.id}")


# Reports


@needs(Right.VIEWER)
def reports(request: Request) -> Response:
    days = _periods(_facts(request))
    return _show(
        request, "reports", {"periods": [(name, period.named(*some)) for name, some in days.items()]}
    )


def _periods(facts: Facts) -> dict[str, tuple[date, date]]:
    """What reports are asked for, by name."""
    today = facts.now().date()
    month = period.whole(today, period.Unit.MONTH)
    quarter = period.parse(f"{today.year}-Q{(today.month + 2) // 3}")
    return {
        "month": month,
        "last-month": before(*month, 1),
        "quarter": quarter,
        "last-quarter": before(*quarter, 3),
        "year": period.whole(today, period.Unit.YEAR),
    }


@needs(Right.VIEWER)
def report(request: Request) -> Response:
    """The report of a stretch of days, made by the command of this name."""
    facts, asked = _facts(request), request.path_params
    days = named(_periods(facts), asked["period"])
    if asked["form"] not in FORMS:
        raise HTTPException(404)
    file = sound.reported(facts.root, *days, asked["form"])
    shown = "inline" if asked["form"] == "html" else "attachment"
    return FileResponse(
        file,
        media_type=FORMS[asked["form"]],
        filename=file.name,
        content_disposition_type=shown,
        headers={"Content-Security-Policy": DOCUMENT},
    )


# In and out


async def login(request: Request) -> Response:
    guard: Guard = request.app.state.guard
    if request.method == "GET":
        return HTMLResponse(page("web/login", {**_frame(request, None), "wrong": ""}))
    sent = await form(request)
    try:
        await guard.log_in(request, _text(sent, "name").strip(), _text(sent, "password"))
    except HTTPException as error:
        values = {**_frame(request, None), "wrong": error.detail}
        return HTMLResponse(page("web/login", values), error.status_code, error.headers)
    return RedirectResponse("/", 303)


@needs(Right.VIEWER)
def logout(request: Request, _sent: FormData) -> Response:
    request.app.state.guard.log_out(request)
    return RedirectResponse("/login", 303)
