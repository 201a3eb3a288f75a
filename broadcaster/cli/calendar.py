"""The plan as a calendar: a grid a month."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from broadcaster.model.occurrence import Occurrence, State
from broadcaster.model.schedule import Schedule

from . import output, period
from .language import _
from .timetable import LOST, NOW, Session, is_lost

WIDTH = 10  # letters of a day; seven of them and what is between them fit 80
MOST_TIMES = 4  # in a day's cell
SILENT, CAMPAIGN = "°", "*"


def tell(
    found: Sequence[Occurrence],
    sessions: Mapping[str, Session],
    days: tuple[date, date],
    schedules: Sequence[Schedule],
    now: datetime,
) -> None:
    """A grid for each month of *days*: the sessions with how much sounds in them, losses, special days."""
    by_day: dict[date, list[Occurrence]] = {}
    for one in found:
        by_day.setdefault(one.at.date(), []).append(one)
    notes = _notes(schedules, days)
    marks: dict[date, str] = {}
    for (mark, _text), some in notes.items():
        for day in some:
            marks[day] = marks.get(day, "") + (mark if mark not in marks.get(day, "") else "")
    month = days[0]
    while month <= days[1]:
        first, last = period.whole(month, period.Unit.MONTH)
        _grid(first, last, days, by_day, sessions, marks, now)
        for (mark, text), some in notes.items():
            if here := [day for day in some if first <= day <= last]:
                output.wrapped(f"{mark} {period.told(here)}: {text}", "  ")
        month = last + timedelta(days=1)
    output.line()
    output.line(
        _("17:30 ×3: three broadcasts at 17:30, all clusters together; {lost}2: two are silent.").format(
            lost=LOST
        )
    )


def _grid(
    first: date,
    last: date,
    days: tuple[date, date],
    by_day: Mapping[date, Sequence[Occurrence]],
    sessions: Mapping[str, Session],
    marks: Mapping[date, str],
    now: datetime,
) -> None:
    title = _("Month {month}/{year}").format(month=first.month, year=first.year)
    rule = "+".join(["-" * WIDTH] * 7)
    output.line(f"\n{title.center(len(rule)).rstrip()}")
    output.line("|".join(name.center(WIDTH) for name in output.short_weekdays()).rstrip())
    first, last = max(first, days[0]), min(last, days[1])
    monday = first - timedelta(days=first.weekday())
    while monday <= last:
        week = [monday + timedelta(days=offset) for offset in range(7)]
        cells = [
            [
                f"{NOW if day == now.date() else ' '}{day.day:2} {marks.get(day, '')}",
                *_told(by_day.get(day, ()), sessions),
            ]
            if first <= day <= last
            else []
            for day in week
        ]
        output.line(rule)
        for index in range(max(map(len, cells))):
            line = "|".join((cell[index] if index < len(cell) else "").ljust(WIDTH) for cell in cells)
            output.line(line.rstrip())
        monday += timedelta(weeks=1)
    output.line(rule)


def _told(day: Iterable[Occurrence], sessions: Mapping[str, Session]) -> list[str]:
    """The lines of a cell: `17:30 ×3` for the sessions that begin then, `✗2` for what is silent."""
    day = list(day)
    sounding = Counter(f"{sessions[one.id].start:%H:%M}" for one in day if not is_lost(one))
    times = sorted(sounding)
    lines = [f"{at} ×{sounding[at]}".center(WIDTH) for at in times]
    if len(lines) > MOST_TIMES:
        rest = sum(sounding[at] for at in times[MOST_TIMES - 1 :])
        lines = [*lines[: MOST_TIMES - 1], f"… ×{rest}".center(WIDTH)]
    if lost := sum(is_lost(one) and one.state is not State.EXCEPTED for one in day):
        lines.append(f"{LOST}{lost}".center(WIDTH))
    return lines


def _notes(
    schedules: Iterable[Schedule], days: tuple[date, date]
) -> Mapping[tuple[str, str], Sequence[date]]:
    """The silent days and campaigns by what there is to say of them, a schedule each."""
    every = [days[0] + timedelta(days=offset) for offset in range((days[1] - days[0]).days + 1)]
    found: dict[tuple[str, str], dict[str, list[date]]] = {}
    for schedule in schedules:
        if not schedule.enabled:
            continue
        for day in every:
            if (exclusion := schedule.exclusion_on(day)) is not None:
                silent = found.setdefault((SILENT, exclusion.reason), {})
                silent.setdefault(schedule.title, []).append(day)
            for campaign in schedule.campaigns:
                if day in campaign.within:
                    told = found.setdefault((CAMPAIGN, campaign.title or _("campaign")), {})
                    told.setdefault(schedule.title, []).append(day)
    notes: dict[tuple[str, str], list[date]] = {}
    for (mark, text), by_schedule in found.items():
        alike: dict[tuple[date, ...], list[str]] = {}
        for title, some in by_schedule.items():
            alike.setdefault(tuple(some), []).append(title)
        for some_days, titles in alike.items():
            notes[mark, f"{text} ({', '.join(titles)})"] = list(some_days)
    return dict(sorted(notes.items(), key=lambda note: note[1]))
