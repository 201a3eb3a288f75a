"""Times, days and dates as officers type them: 17h30, t3, thứ ba, 20/11/2026."""

import re
import unicodedata
from datetime import date, datetime, time

from .schedule import WEEKDAYS

_DATE = (
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})|(?P<d>\d{1,2})[/.-](?P<m>\d{1,2})[/.-](?P<y>\d{4})"
)
_TIME = r"(?P<hour>\d{1,2})\s*(?:[:hg]|gio)\s*(?:(?P<minute>\d{1,2})(?::(?P<second>\d{1,2}))?\s*(?:p|phut)?)?"
_WEEKDAY = re.compile(  # as said in either language, without accents
    r"\b(?:"
    r"(?P<mon>(?:thu|t)\s*(?:2|hai)|mon(?:day)?)"
    r"|(?P<tue>(?:thu|t)\s*(?:3|ba)|tue(?:s|sday)?)"
    r"|(?P<wed>(?:thu|t)\s*(?:4|tu)|wed(?:nesday)?)"
    r"|(?P<thu>(?:thu|t)\s*(?:5|nam)|thu(?!\s*(?:6|sau|7|bay))(?:rs|rsday)?)"
    r"|(?P<fri>(?:thu|t)\s*(?:6|sau)|fri(?:day)?)"
    r"|(?P<sat>(?:thu|t)\s*(?:7|bay)|sat(?:urday)?)"
    r"|(?P<sun>cn|chu\s*nhat|sun(?:day)?)"
    r")\b"
)
_SEPARATOR = re.compile(r"\s*(?:[,;·+&\s]|\bva\b)+\s*")
_TO = r"\s*(?:-|–|\bden\b)\s*"


def written(text: str) -> str:
    """*text* with a question mark for each character that was not read whole: no file takes such a one."""
    return text.encode("utf-8", "replace").decode()


def plain(text: str) -> str:
    """*text* in small letters without accents."""
    apart = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).strip()


def a_time(text: str) -> time:
    """`5:30`, `05:30:00`, `17h30`, `17h`, `5 giờ 30`; ValueError for anything else."""
    found = re.fullmatch(_TIME, plain(text))
    if found is None or (found["minute"] is None and ":" in text):
        raise ValueError(text)
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    return time(hour, minute, second)


def some_times(text: str) -> list[time]:
    """Each once, earliest first; between them commas, semicolons, spaces or `và`."""
    words = re.split(r"\s*[,;]\s*|\s+(?=\d+\s*[:hg])|\s+va\s+", plain(text))
    if not any(words):
        raise ValueError(text)
    return sorted({a_time(one) for one in words if one})


def a_date(text: str) -> date:
    """`2026-11-20`, `20/11/2026`, `20-11-2026`, `20.11.2026`; ValueError for anything else."""
    found = re.fullmatch(_DATE, text.strip())
    if found is None:
        raise ValueError(text)
    return date(
        *(int(found[one] or found[other]) for one, other in (("year", "y"), ("month", "m"), ("day", "d")))
    )


def a_moment(text: str, day: date | None = None) -> datetime:
    """`2026-11-20T17:30`, `20/11/2026 17:30`, `17h30 20/11/2026`; of a time alone, that time on *day*."""
    found = re.search(_DATE, text)
    rest = plain(text.replace(found[0], " ").strip(" \tT,") if found else text)
    when = a_date(found[0]) if found else day
    if when is None:
        raise ValueError(text)
    return datetime.combine(when, a_time(rest))


def some_weekdays(text: str) -> list[str]:
    """`tue,fri`, `t3 t6`, `thứ ba và chủ nhật`, `t2-t6`, as out of WEEKDAYS; ValueError for anything else."""
    if re.search(r"\d", _WEEKDAY.sub("", plain(text))):
        raise ValueError(text)
    numbered = _WEEKDAY.sub(lambda found: str(WEEKDAYS.index(str(found.lastgroup))), plain(text))
    return [WEEKDAYS[one] for one in some_numbers(numbered, 0, 6)]


def some_numbers(text: str, least: int, most: int) -> list[int]:
    """`5, 11`, `1-4`, `tháng 5 và 11`, each once in order; ValueError where one is not in the bounds."""
    words = re.sub(_TO, "-", re.sub(r"\b(thang|ngay)\b", " ", plain(text)))
    found = set[int]()
    for part in filter(None, _SEPARATOR.split(words)):
        first, to, last = part.partition("-")
        numbers = range(int(first), int(last if to else first) + 1)
        if not numbers or numbers[0] < least or numbers[-1] > most:
            raise ValueError(text)
        found |= {*numbers}
    if not found:
        raise ValueError(text)
    return sorted(found)
