"""Play log -> counts. Pure: the numbers are exact, and rounded only where they are shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from broadcaster.model.airing import Airing, Outcome

Key = tuple[str, str]  # code, name


@dataclass
class Counts:
    """Occurrences by outcome, and the seconds that sounded."""

    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    seconds: float = 0.0

    def add(self, outcome: Outcome, seconds: float) -> None:
        self.outcomes[outcome] += 1
        self.seconds += seconds

    @property
    def planned(self) -> int:
        return sum(self.outcomes.values())

    @property
    def aired(self) -> int:
        return self.outcomes[Outcome.AIRED]


@dataclass(frozen=True)
class Report:
    """
    Counts of one period.

    `totals` counts occurrences on clusters. `station_airings` counts a broadcast once, however many
    clusters aired it: it stays comparable when communes, and with them clusters, are merged. A language
    is counted by what sounded of its own programme, so languages together exceed the totals.
    """

    totals: Counts
    station_airings: int
    by: Mapping[str, Mapping[Key, Counts]]


KEYS: Mapping[str, Callable[[Airing], Key]] = {
    "area": lambda one: (one.area, one.area_name),
    "script": lambda one: (one.script, one.script_title),
    "schedule": lambda one: (one.schedule, one.schedule_title),
    "cluster": lambda one: (one.cluster, one.cluster_name),
    "group": lambda one: (one.group, one.group),
    "class": lambda one: (one.bulletin_class, one.bulletin_class),
}


def report(airings: Iterable[Airing]) -> Report:
    """Count *airings*, each an occurrence with its one outcome."""
    totals = Counts()
    by: dict[str, dict[Key, Counts]] = {word: {} for word in (*KEYS, "language")}
    heard: set[str] = set()
    for one in airings:
        if one.outcome is None:
            continue
        totals.add(one.outcome, one.seconds)
        for word, key in KEYS.items():
            by[word].setdefault(key(one), Counts()).add(one.outcome, one.seconds)
        for share in one.languages:
            key_of = (share.language, share.language)
            by["language"].setdefault(key_of, Counts()).add(share.outcome, share.seconds)
        if one.outcome is Outcome.AIRED:
            heard.add(one.occurrence.rpartition("/")[0])
    return Report(totals, len(heard), by)


def in_order(counts: Mapping[Key, Counts]) -> Sequence[tuple[Key, Counts]]:
    """By code, as forms list them."""
    return sorted(counts.items())
