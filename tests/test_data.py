"""The play log for other tools: what its page promises."""

import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadcaster.edges.store import Store
from broadcaster.model.airing import Outcome
from tests.test_report import with_id

PAGE = Path(__file__).parent.parent / "docs" / "data.md"
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    with closing(Store(tmp_path / "a.db")) as store:
        for number in range(1100):
            planned = datetime(2026, 11, 2, 10, 30, tzinfo=UTC) + timedelta(minutes=number)
            store.end(with_id(f"lich/{number}/nam-po", planned=planned, day=planned.date()))
        lost = datetime(2026, 12, 1, 10, 30, tzinfo=UTC)
        store.end(with_id("lich/x/nam-po", outcome=Outcome.MISSED, planned=lost, day=lost.date()))
    return tmp_path / "a.db"


def test_each_question_of_the_page_is_answered(log: Path) -> None:
    """The sqlite-utils command, as it is installed, answers each example query with at least one row."""
    assert len(QUERIES) == 8
    for query in QUERIES:
        command = [sys.executable, "-m", "sqlite_utils", "query", str(log), query, "--csv"]
        answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
        assert len(answer.splitlines()) >= 2, query


def test_the_page_names_every_column(log: Path) -> None:
    """What a table has stands on its page."""
    with closing(Store(log, read_only=True)) as store:
        columns = store._db["events"].columns_dict.keys() | store._db["counts"].columns_dict.keys()
    text = PAGE.read_text("utf-8")
    assert {one for one in columns - {"last", "event"} if f"`{one}`" not in text} == set()
