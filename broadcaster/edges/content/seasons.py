"""seasons.toml, and the province's: stretches of the year that belong to a group in a place."""

from broadcaster.model.errors import say
from broadcaster.model.schedule import Season
from broadcaster.model.script import GROUPS

from .areas import known_areas
from .tables import Reading, Table, an_identifier, is_seen, read_within, some_texts


def read_seasons(reading: Reading) -> list[Season] | None:
    """Those that were declared; None if not all could be read: schedules that name any must wait."""
    found: list[Season] = []
    before = len(reading.faults)
    for name in ("seasons.toml", "seasons.province.toml"):
        path = reading.root / "schedules" / name
        where = reading.where(path)
        if reading.instead.get(where, "") is None or not (where in reading.instead or is_seen(path.exists)):
            continue
        well = len(reading.faults)
        if table := reading.open(path):
            found += [_season(reading, one) for one in table.tables("season")]
            table.close()
        if len(reading.faults) > well:
            reading.left_out.add(where)
    return found if len(reading.faults) == before else None


def _season(reading: Reading, table: Table) -> Season:
    name = table.take("name", an_identifier, say("small letters, digits and hyphens"))
    season = Season(
        name=name,
        title=table.text("title", name),
        group=table.choice("group", GROUPS),
        areas=table.take("areas", some_texts, say('a list of area codes, such as ["11"]')),
        within=read_within(table, needed=True),
    )
    known_areas(reading, table, season.areas)
    table.close()
    return season
