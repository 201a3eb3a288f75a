"""seasons.toml: stretches of the year that belong to a group in a place."""

from broadcaster.model.errors import say
from broadcaster.model.schedule import Season
from broadcaster.model.script import GROUPS

from .areas import known_areas
from .tables import Reading, Table, an_identifier, is_seen, read_within, some_texts


def read_seasons(reading: Reading) -> list[Season] | None:
    """Those that were declared; None if not all could be read: schedules that name any must wait."""
    path = reading.root / "schedules" / "seasons.toml"
    name = reading.where(path)
    if reading.instead.get(name, "") is None or (name not in reading.instead and not is_seen(path.exists)):
        return []
    before = len(reading.faults)
    table = reading.open(path)
    found = [_season(reading, one) for one in table.tables("season")] if table else []
    if table:
        table.close()
    if len(reading.faults) > before:
        reading.left_out.add(name)
        return None
    return found


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
