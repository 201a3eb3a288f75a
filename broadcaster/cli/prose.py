"""Counts as a sentence of a report or an article: truncated, hedged, and compared with another stretch."""

from collections.abc import Sequence
from datetime import date

from broadcaster.model.script import UNDETERMINED, VIETNAMESE
from broadcaster.report import Report, in_order

from . import period, words
from .language import _

Days = tuple[date, date]
EXACT = 1000  # up to here numbers are told as they are
MILLION = 1_000_000


def tell(station: str, days: str, found: Report, before: tuple[Days, Report] | None) -> str:
    """One or two sentences. Each number comes from the counts, none from another that was rounded."""
    aired = found.totals.aired
    sentences = [
        _("In {period}, {station} aired {count} broadcasts on its clusters").format(
            period=days, station=station, count=about(aired)
        )
    ]
    if before is not None and before[1].totals.aired:
        sentences[0] += ", " + _compared(aired, before[1].totals.aired, period.named(*before[0]))
    languages = [
        (key.code, counts.aired)
        for key, counts in in_order(found.by["language"])
        if key.code not in (VIETNAMESE, UNDETERMINED) and counts.aired
    ]
    if languages:
        told = [
            _("{language} {count}").format(language=words.language(code), count=about(number))
            for code, number in languages
        ]
        sentences.append(_("In minority languages: {languages}").format(languages=_listed(told)))
    return " ".join(f"{one}." for one in sentences)


def about(number: int) -> str:
    """`trên 206.600`: cut to hundreds, from a million on to thousands; small and round ones as they are."""
    step = 1 if number < EXACT else 100 if number < MILLION else 1000
    cut = number // step * step
    return grouped(cut) if cut == number else _("more than {number}").format(number=grouped(cut))


def grouped(number: int) -> str:
    """With the language's mark between thousands."""
    return f"{number:,}".replace(",", _(","))


def decimal(tenths: int) -> str:
    """So many *tenths*, with the language's decimal mark."""
    whole, tenth = divmod(tenths, 10)
    return grouped(whole) + (_(".") + str(tenth) if tenth else "")


def _compared(aired: int, before: int, named: str) -> str:
    """Cut to tenths, never up; in whole numbers, so that nothing is rounded twice."""
    if aired >= 2 * before:
        times = decimal(aired * 10 // before)
        return _("{times} times as many as in {period}").format(times=times, period=named)
    if aired == before:
        return _("as many as in {period}").format(period=named)
    change = decimal(abs(aired - before) * 1000 // before)
    text = (
        _("{percent} % more than in {period}") if aired > before else _("{percent} % fewer than in {period}")
    )
    return text.format(percent=change, period=named)


def _listed(told: Sequence[str]) -> str:
    return ", ".join(told[:-1]) + _(" and ") + told[-1] if len(told) > 1 else told[0]
