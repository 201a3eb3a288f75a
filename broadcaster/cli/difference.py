"""What an edit changes in the plan, as a person reads it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from broadcaster.model.difference import Change, Effect
from broadcaster.model.occurrence import Occurrence, State

from . import output, period, words
from .language import _

MOST_NAMES = 2  # clusters told by name; more are counted
MARKS = {Effect.COMES: "+", Effect.GOES: "−", Effect.MOVES: "~", Effect.CHANGES: "~"}


def tell(changes: Sequence[Change]) -> None:
    """A table in which what changes in the same way is told together, and a line that counts."""
    if not changes:
        output.line(_("Nothing in the plan changes."))
        return
    names = {change.one.cluster: change.one.cluster_name for change in changes}
    folded = period.fold(
        (
            (MARKS[change.effect], change.one.schedule_title, _told(change)),
            f"{(change.before or change.one).at:%H:%M}",
            change.one.cluster,
            (change.before or change.one).at.date(),
        )
        for change in changes
    )
    output.table(
        ("", _("Time"), _("Schedule"), _("Clusters"), _("Days"), _("Change")),
        [
            (
                mark,
                ", ".join(times),
                title,
                clusters([names[one] for one in some]),
                period.told(days),
                f"{count} × {told}",
            )
            for (mark, title, told), times, some, days, count in folded
        ],
    )
    counts = Counter(MARKS[change.effect] for change in changes)
    output.line()
    output.line(
        _("In all: {come} come (+), {go} go (−), {change} change (~).").format(
            come=counts["+"], go=counts["−"], change=counts["~"]
        )
    )


def clusters(names: Sequence[str]) -> str:
    """Their names, or how many they are."""
    return ", ".join(names) if len(names) <= MOST_NAMES else _("{count} clusters").format(count=len(names))


def state(one: Occurrence) -> str:
    """Will it sound, and if not, why: `displaced: the session has no room left`."""
    if one.state is State.EXCEPTED and one.reason:
        return words.why(one.reason, one.detail)
    told, why = words.outcome(one.state), ""
    if one.state is State.WITHHELD:
        why = words.withheld(one)
    elif one.state is State.DISPLACED and one.reason:
        why = words.why(one.reason, one.detail)
    return f"{told}: {why}" if why else told


def _told(change: Change) -> str:
    """What becomes of one occurrence."""
    before, after = change.before, change.after
    if before is None or after is None:
        one = change.one
        fate = _("new") if before is None else _("gone")
        return fate if one.state is State.PLANNED else f"{fate} ({state(one)})"
    told = []
    fate = _("sounds again") if after.state is State.PLANNED else state(after)
    if before.state is not after.state or (after.state is not State.PLANNED and "reason" in change.what):
        told.append(fate)
    if change.effect is Effect.MOVES and after.state is not State.PLANNED:
        told = [f"{_later(before, after)} ({fate})"]
    elif "at" in change.what and after.state is State.PLANNED:
        told.append(_later(before, after))
    if "script" in change.what:
        told.append(_("script {title}").format(title=after.script_title))
    if "relay" in change.what:
        told.append(
            _("relay of {url}").format(url=after.relay.url) if after.relay else _("no relay any more")
        )
    if "class" in change.what:
        told.append(words.bulletin_class(after.bulletin_class.word))
    if "kind" in change.what:
        told.append(words.kind(after.kind) or words.outcome(after.state))
    if "languages" in change.what and after.state is State.PLANNED:
        told.append(" + ".join(words.language(recipe.language) for recipe in after.whole))
    return ", ".join(told) or _("another length")


def _later(before: Occurrence, after: Occurrence) -> str:
    if before.at.date() != after.at.date():
        return _("moved to {time}").format(time=f"{after.at:%H:%M}, {output.day(after.at.date())}")
    if abs(after.at - before.at) < timedelta(minutes=1):
        return _("begins some seconds later") if after.at > before.at else _("begins some seconds earlier")
    return _("moved to {time}").format(time=f"{after.at:%H:%M}")


def as_dicts(changes: Iterable[Change]) -> list[dict[str, Any]]:
    return [
        {
            "change": change.effect.value,
            "what": list(change.what),
            "id": change.one.id,
            "schedule": change.one.schedule,
            "cluster": change.one.cluster,
            "before": _as_dict(change.before),
            "after": _as_dict(change.after),
        }
        for change in changes
    ]


def _as_dict(one: Occurrence | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "at": one.at.isoformat(),
        "script": one.script,
        "relay": one.relay.url if one.relay else None,
        "languages": [recipe.language for recipe in one.whole],
        "seconds": round(one.seconds, 1),
        "class": one.bulletin_class.word,
        "kind": one.kind.value,
        "state": one.state.value,
        "reason": one.reason.value if one.reason else None,
        "detail": one.detail,
    }
