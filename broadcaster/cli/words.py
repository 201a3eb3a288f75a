"""The words of the model as a person reads them."""

from broadcaster.model.occurrence import Occurrence

from .language import _


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
        "off": _("the daemon was off"),
        "late": _("could not start in time"),
        "power": _("power was lost"),
        "stopped": _("stopped by hand"),
        "shutdown": _("the daemon was ended"),
        "sink": _("the sound output failed"),
        "clock": _("the clock was wrong"),
        "program": _("an error of the program"),
    }.get(word, word)


def lack(word: str) -> str:
    return {
        "no-recording": _("no recording"),
        "recording-broken": _("a recording is damaged"),
        "stand-in": _("only a stand-in recording"),
        "no-fact": _("a local word is missing"),
        "not-ready": _("not assembled in time"),
    }.get(word, word)


def kind(word: str) -> str:
    return {
        "planned": "",
        "make-good": _("make-good"),
        "on-demand": _("by hand"),
    }.get(word, word)


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
    return {
        "vi": _("Vietnamese"),
        "hmn-Latn-VN": _("Mông"),
        "blt-Latn-VN": _("Thái (Tai Dam)"),
        "twh-Latn-VN": _("Thái (Tai Dón)"),
        "und": _("a file"),
    }.get(tag, tag)


def why(word: str, detail: str) -> str:
    """A reason with its detail, for a table."""
    told = reason(word) if word else ""
    return f"{told}: {detail}" if detail and word != "incomplete" else told


def withheld(one: Occurrence) -> str:
    """Which languages are left out, and why: `Mông: only a stand-in recording (9)`."""
    told = []
    for recipe in one.recipes:
        for word in dict.fromkeys(why for _item, why in recipe.lacks):
            count = sum(why is word for _item, why in recipe.lacks)
            told.append(f"{language(recipe.language)}: {lack(word)} ({count})")
    return "; ".join(told)
