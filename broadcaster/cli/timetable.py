"""The plan as a person reads it: day by day and session by session, or a long stretch folded."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from broadcaster.model.airing import Outcome
from broadcaster.model.occurrence import Occurrence, State

from . import output, period, words
from .difference import clusters, state
from .language import _

FOLDED_FROM = 15  # days; as many lines as a longer stretch has, nobody reads
NOW, NEXT, LOST = "▶", "→", "✗"


@dataclass(frozen=True)
class Session:
    """What follows one another on one cluster."""

    occurrences: Sequence[Occurrence]

    @property
    def start(self) -> datetime:
        return self.occurrences[0].at

    @property
    def end(self) -> datetime:
        return max(_end(one) for one in self.occurrences)


def sessions(found: Iterable[Occurrence]) -> Mapping[str, Session]:
    """The session of each occurrence of a plan that sounds, by the occurrence's id."""
    on_cluster: dict[str, list[Occurrence]] = {}
    laid: dict[str, list[Occurrence]] = {}
    for one in found:
        if one.state is State.PLANNED:
            if one.opens or one.cluster not in on_cluster:
                on_cluster[one.cluster] = []
            on_cluster[one.cluster].append(one)
            laid[one.id] = on_cluster[one.cluster]
    made = {id(members): Session(members) for members in laid.values()}
    return {name: made[id(members)] for name, members in laid.items()}


def is_lost(one: Occurrence) -> bool:
    """Will it not sound, or did it not?"""
    return one.state is not State.PLANNED or one.outcome not in (None, Outcome.AIRED)


def upcoming(found: Iterable[Occurrence], now: datetime) -> list[Occurrence]:
    """What will sound from *now* on."""
    return [one for one in found if one.at >= now and not is_lost(one)]


def unrecorded(one: Occurrence, now: datetime) -> bool:
    """Was it to sound before *now*, and nobody wrote down what became of it?"""
    return one.outcome is None and one.state is State.PLANNED and _end(one) < now


def tell(
    found: Sequence[Occurrence],
    all_sessions: Mapping[str, Session],
    names: Mapping[str, str],
    now: datetime,
    *,
    fold: bool,
    marked: bool = True,
) -> None:
    """
    Tell *found* of a plan whose sessions are *all_sessions*, at a station whose clusters are *names*.

    With *fold*, what is alike on many days is told once. *marked*: the first that is to come is the next.
    """
    if not found:
        output.line(_("Nothing is planned in these days."))
        return
    if fold:
        _tell_folded(found, all_sessions, names, now)
    else:
        following = min((one.at for one in upcoming(found, now)), default=None) if marked else None
        days: dict[date, list[Occurrence]] = {}
        for one in found:
            days.setdefault(one.at.date(), []).append(one)
        for day, some in days.items():
            output.line(f"\n{output.day(day)}")
            output.sections(
                (_("Time"), _("Script"), _("Languages"), _("Length"), _("State")),
                [*_sounding(some, all_sessions, names, now, following), *_silent(some, names)],
                right=(3,),
            )
    _sum_up(found, now)


Part = tuple[str, list[tuple[str, ...]]]


def _sounding(
    day: Iterable[Occurrence],
    all_sessions: Mapping[str, Session],
    names: Mapping[str, str],
    now: datetime,
    following: datetime | None,
) -> Iterable[Part]:
    """A part for each session; clusters that hear the same from the same time on share one."""
    chosen: dict[int, list[Occurrence]] = {}
    for one in day:
        if one.state is State.PLANNED:
            chosen.setdefault(id(all_sessions[one.id]), []).append(one)
    alike: dict[tuple[object, ...], list[list[Occurrence]]] = {}
    for some in chosen.values():
        start = all_sessions[some[0].id].start
        looks = [(one.script, one.script_title, _look(one, {})) for one in some]
        alike.setdefault((start, *looks), []).append(some)
    for together in alike.values():
        span = [all_sessions[some[0].id] for some in together]
        heading = f"{span[0].start:%H:%M} – {max(one.end for one in span):%H:%M}"
        where = _where([some[0].cluster for some in together], names)
        yield (
            f"{heading} · {where}",
            [_row(row, now, following) for row in zip(*together, strict=True)],
        )


def _row(together: Sequence[Occurrence], now: datetime, following: datetime | None) -> tuple[str, ...]:
    """One broadcast on some clusters, where it may begin some seconds apart."""
    one = together[0]
    begins = sorted({output.clock_time(each.at) for each in together})
    lengths = {output.length(each.seconds) for each in together}
    mark = " "
    if is_lost(one):
        mark = LOST
    elif any(each.at <= now < _end(each) and each.outcome is None for each in together):
        mark = NOW
    elif any(each.at == following for each in together):
        mark = NEXT
    return (
        f"{mark} {begins[0]}" if len(begins) == 1 else f"{mark} ≈ {begins[0][:5]}",
        one.script_title,
        languages(one),
        output.length(one.seconds) if len(lengths) == 1 else f"≈ {output.length(one.seconds)}",
        _no_record() if unrecorded(one, now) else told(one),
    )


def _silent(day: Iterable[Occurrence], names: Mapping[str, str]) -> Iterable[Part]:
    """What will not sound, set apart: a part for each set of clusters."""
    alike: dict[tuple[object, ...], list[Occurrence]] = {}
    for one in day:
        if one.state is not State.PLANNED:
            look = one.at, one.schedule, one.script, one.script_title, _look(one, {})
            alike.setdefault(look, []).append(one)
    parts: dict[tuple[str, ...], list[Occurrence]] = {}
    for some in alike.values():
        parts.setdefault(tuple(one.cluster for one in some), []).append(some[0])
    for where, rows in parts.items():
        yield (
            f"{LOST} " + _("Silent · {clusters}").format(clusters=_where(where, names)),
            [(f"{LOST} {output.clock_time(one.at)}", one.script_title, "–", "–", told(one)) for one in rows],
        )


def _tell_folded(
    found: Iterable[Occurrence], all_sessions: Mapping[str, Session], names: Mapping[str, str], now: datetime
) -> None:
    looks: dict[tuple[bool, Hashable], Occurrence] = {}
    tongues: dict[int, Hashable] = {}
    parts: dict[bool, list[tuple[tuple[str, tuple[bool, Hashable]], str, str, date]]] = {False: [], True: []}
    for one in found:
        look = unrecorded(one, now), _look(one, tongues)
        looks.setdefault(look, one)
        at = all_sessions[one.id].start if one.id in all_sessions else one.at
        what = (one.schedule_title, look)
        parts[is_lost(one)].append((what, f"{at:%H:%M}", one.cluster, one.at.date()))
    output.sections(
        (_("Time"), _("Schedule"), _("Clusters"), _("Days"), _("Count")),
        [
            (
                f"{LOST} " + _("Silent") if lost else "",
                [
                    (
                        ", ".join(times),
                        f"{title}\n{_no_record() if look[0] else _briefly(looks[look])}".strip(),
                        _("all clusters")
                        if len(some) == len(names) > 2
                        else clusters([names[one] for one in some]),
                        period.told(days),
                        str(count),
                    )
                    for (title, look), times, some, days, count in sorted(
                        period.fold(part), key=lambda folded: (folded[1][0], folded[3][0], folded[0][0])
                    )
                ],
            )
            for lost, part in parts.items()
            if part
        ],
        right=(4,),
    )


def _briefly(one: Occurrence) -> str:
    """Languages, and what is to be said of it unless it is simply planned."""
    if is_lost(one):
        return f"{LOST} {told(one)}"
    notes = (words.kind(one.kind), words.withheld(one), words.outcome(one.outcome) if one.outcome else "")
    return "\n".join([languages(one), *filter(None, notes)])


def _sum_up(found: Sequence[Occurrence], now: datetime) -> None:
    fates: dict[Hashable, Occurrence] = {}
    lost: Counter[Hashable] = Counter()
    unknown = sum(unrecorded(one, now) for one in found)
    for one in found:
        if is_lost(one):
            fate = (one.outcome, one.state, one.reason, one.state is State.EXCEPTED and one.detail)
            fates.setdefault(fate, one)
            lost[fate] += 1
    aired = sum(one.outcome is Outcome.AIRED for one in found)
    told = [
        (len(found) - lost.total() - unknown - aired, _("{count} will sound")),
        (aired, _("{count} sounded")),
        (unknown, _("{count} without a record")),
        (lost.total(), _("{count} will not sound or did not")),
    ]
    summary = ", ".join(sentence.format(count=count) for count, sentence in told if count)
    why = "; ".join(f"{count} × {_fate(fates[fate])}" for fate, count in lost.most_common())
    output.line()
    output.wrapped(_("In all: {summary}.").format(summary=f"{summary}: {why}" if why else summary))


def _no_record() -> str:
    return _("no record: the daemon did not run")


def _fate(one: Occurrence) -> str:
    """Why it is silent, without what is of its own only."""
    if one.outcome is not None:
        return words.outcome(one.outcome)
    return words.outcome(one.state) if one.state is State.WITHHELD else state(one)


def _look(one: Occurrence, tongues_of: dict[int, Hashable]) -> Hashable:
    """
    What `languages` and `told` say of it, before it is put into words: equal ones are told together.

    *tongues_of* remembers languages by the identity of their recipes: thousands of occurrences share a few.
    """
    tongues: Hashable = None
    if one.state in (State.PLANNED, State.WITHHELD):
        tongues = tongues_of.get(id(one.recipes)) or tongues_of.setdefault(
            id(one.recipes),
            tuple(
                (recipe.language, *Counter(lack for _item, lack in recipe.lacks).items())
                for recipe in one.recipes
            ),
        )
    told = one.detail if not tongues else ""
    return one.outcome, one.state, one.reason, told, one.kind, one.relay is None, tongues


def languages(one: Occurrence) -> str:
    spoken = " + ".join(words.language(recipe.language) for recipe in one.whole)
    if one.relay:
        return (
            _("{relay}, else {languages}").format(relay=words.relay(), languages=spoken)
            if spoken
            else words.relay()
        )
    return spoken or "–"


def told(one: Occurrence) -> str:
    """What became or will become of it, what kind it is, and which languages it leaves out."""
    fate = words.outcome(one.outcome) if one.outcome else state(one)
    if kind := words.kind(one.kind):
        fate += f" ({kind})"
    if one.state is State.PLANNED and (missing := words.withheld(one)):
        fate += f", {missing}"
    return fate


def _where(some: Sequence[str], names: Mapping[str, str]) -> str:
    if len(some) == len(names) > 2:
        return _("all clusters")
    return ", ".join(names[one] for one in some)


def _end(one: Occurrence) -> datetime:
    return one.at + timedelta(seconds=one.seconds)
