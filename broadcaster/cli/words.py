"""The words of the model as a person reads them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from broadcaster.model.errors import BroadcasterError, Fault, Text, say
from broadcaster.model.occurrence import Occurrence
from broadcaster.model.programme import Recipe
from broadcaster.model.recording import Lack
from broadcaster.model.script import Script, called

from .language import _, tr


def outcome(word: str) -> str:
    return {
        "aired": _("aired"),
        "cut": _("cut off"),
        "missed": _("missed"),
        "displaced": _("displaced"),
        "withheld": _("withheld"),
        "failed": _("failed"),
        "planned": _("planned"),
        "excepted": _("silent day"),
    }.get(word, word)


def reason(word: str) -> str:
    return {
        "outside-hours": _("outside the allowed hours"),
        "session-full": _("the session has no room left"),
        "too-many-sessions": _("more sessions a day than allowed"),
        "excepted": _("the schedule is silent on this day"),
        "incomplete": _("not all languages are there"),
        "not-ready": _("not assembled in time"),
        "off": _("the daemon was off"),
        "late": _("could not start in time"),
        "power": _("power or the program broke off"),
        "stopped": _("stopped by hand"),
        "shutdown": _("the daemon was ended"),
        "alert": _("an emergency broke in"),
        "relay": _("the relay failed for a while"),
        "sink": _("the sound output failed"),
        "clock": _("the clock was wrong"),
        "program": _("an error of the program"),
    }.get(word, word)


def how(word: str) -> str:
    """How a station is."""
    return {
        "invited": _("invited"),
        "gone": _("not in reach"),
        "off": _("daemon off"),
        "silent": _("silent: no sound"),
        "clock": _("clock wrong"),
        "alarm": _("alarm"),
        "up": _("up"),
    }.get(word, word)


def content(word: str) -> str:
    """How new the province's content is at a station."""
    return {"new": _("newest"), "old": _("older"), "none": _("none")}.get(word, "–")


def in_vietnamese(script: Script) -> str:
    """All that *script* says, as it is written."""
    return " ".join(item.text.get("vi", "").strip() for item in script.items).strip()


def lack(word: str) -> str:
    return {
        "no-recording": _("no recording"),
        "recording-broken": _("a recording is damaged"),
        "stand-in": _("only a stand-in recording"),
        "no-fact": _("a local word is missing"),
        "unapproved": _("not approved"),
        "outdated": _("outdated: the Vietnamese words changed"),
    }.get(word, word)


def role(word: str) -> str:
    return {
        "author": _("wrote it"),
        "translator": _("translated it"),
        "reviewer": _("reviewed the words"),
        "listener": _("listened to it"),
    }.get(word, word)


def right(word: str) -> str:
    """What somebody may do on the page."""
    return {
        "viewer": _("viewer"),
        "operator": _("operator"),
        "officer": _("officer"),
        "approver": _("approver"),
    }.get(word, word)


def kind(word: str) -> str:
    return {
        "planned": "",
        "make-good": _("make-good"),
        "on-demand": _("by hand"),
        "alert": _("emergency"),
    }.get(word, word)


def relay() -> str:
    """What sounds by a relay, where else a language stands."""
    return _("relay")


def group(word: str) -> str:
    return {
        "everyone": _("everyone"),
        "farmers": _("farmers"),
        "households": _("households"),
        "small-traders": _("small traders"),
        "cooperative-members": _("cooperative members"),
        "village-officers": _("village officers"),
    }.get(word, word)


def language(tag: str) -> str:
    return tr(called(tag))


def bulletin_class(word: str) -> str:
    return {"normal": _("normal"), "priority": _("priority"), "emergency": _("emergency")}.get(word, word)


def why(word: str, detail: str) -> str:
    """A reason for a table; only an officer's own words stand beside it, other details are for `--json`."""
    told = reason(word) if word else ""
    return f"{told}: {detail}" if word == "excepted" else told


def withheld(one: Occurrence) -> str:
    """Which languages are left out, and why: `without Mông: only a stand-in recording (9 items)`."""
    return "; ".join(
        _("without {language}: {why}").format(language=language(recipe.language), why=lacks(recipe))
        for recipe in one.recipes
        if recipe.lacks
    )


def lacks(recipe: Recipe) -> str:
    """What a language lacks: `no recording (2 items), only a stand-in recording (7 items)`."""
    return counted(Counter(lack for _item, lack in recipe.lacks))


def whole(recipes: Sequence[Recipe], next_step: Text) -> list[Recipe]:
    """Those of *recipes* that lack nothing; raises BroadcasterError with *next_step* if there are none."""
    found = [one for one in recipes if not one.lacks]
    if not found:
        told = {(one.script, one.language, lacks(one)) for one in recipes}
        raise BroadcasterError(
            *(
                Fault(
                    f"audio/{script}",
                    say("{language} is not all there: {items}.", language=called(language), items=items),
                    next_step,
                )
                for script, language, items in sorted(told)
            )
        )
    return found


def counted(counts: Mapping[Lack, int]) -> str:
    return ", ".join(
        _("{why} ({count} items)").format(why=lack(word), count=count) for word, count in counts.items()
    )
