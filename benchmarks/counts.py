"""
A country's year of play log in one file: reports, beside plain SQL and DuckDB; and appending a row.

`STATIONS=10000` is the country: three broadcasts a day each, 11 million rows, 9 GB for the time of the run.
"""

import csv
import json
import os
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
STATIONS = int(os.environ.get("STATIONS", "10000"))
YEAR = 2026
PROVINCE = "11"
SLOTS = (("05:30", "22:30", 1), ("11:00", "04:00", 0), ("17:30", "10:30", 0))  # here, in UTC, days before
MESSAGES = (
    ("bhxh-tu-nguyen", "BHXH tự nguyện", "everyone"),
    ("bhyt-ho-gia-dinh", "BHYT hộ gia đình", "households"),
    ("nong-vu", "Nông vụ", "farmers"),
    ("tin-xa", "Tin của xã", "everyone"),
)
ENDS = (  # share of the rows up to here: outcome, reason, seconds
    (0.94, "aired", "", 130.0),
    (0.97, "missed", "off", 0.0),
    (0.98, "cut", "power", 30.0),
    (0.99, "failed", "sink", 0.0),
    (1.00, "displaced", "session-full", 0.0),
)
ASKED = ("area", "script", "language", "group", "campaign", "class")  # of each report


def communes() -> list[tuple[str, str, str]]:
    """Code, name and province of every commune of today."""
    with (ROOT / "broadcaster" / "data" / "areas.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        (one["code"], one["name"], one["parent"])
        for one in rows
        if one["kind"] == "commune" and not one["until"]
    ]


def day_rows(day: date, first: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """What all stations log on *day*."""
    known, seq = communes(), first
    for slot, (local, utc, before) in enumerate(SLOTS):
        schedule, title, group = MESSAGES[(slot + day.toordinal()) % len(MESSAGES)]
        planned = f"{day - timedelta(days=before)}T{utc}:00.000+00:00"
        for number in range(STATIONS):
            code, name, _province = known[number % len(known)]
            share = chance.random()
            outcome, reason, seconds = next(one[1:] for one in ENDS if share <= one[0])
            tags = ("vi", "hmn-Latn-VN") if number % 10 == 0 else ("vi",)
            seq += 1
            yield {
                "seq": seq,
                "event": "end",
                "occurrence": f"{schedule}/{day}T{local}:00/{code}-{number}",
                "planned": planned,
                "logged": planned,
                "started": planned if seconds else None,
                "ended": planned if seconds else None,
                "seconds": seconds,
                "outcome": outcome,
                "reason": reason,
                "detail": "",
                "station": f"Đài truyền thanh {name}",
                "schedule": schedule,
                "schedule_title": title,
                "script": schedule,
                "script_title": title,
                "group": group,
                "cluster": f"cum-{number}",
                "cluster_name": f"Cụm {number}",
                "area": code,
                "area_name": name,
                "bulletin_class": "normal",
                "kind": "planned",
                "languages": json.dumps(
                    [
                        {
                            "language": tag,
                            "programme": "a" * 64,
                            "length": 65.0,
                            "seconds": seconds / 2,
                            "outcome": outcome,
                        }
                        for tag in tags
                    ]
                ),
                "campaign": "Tháng cao điểm" if day.month in (5, 11) else "",
                "station_area": code,
                "day": str(day),
                "station_airing": int(outcome == "aired"),
                "chain": f"{chance.getrandbits(256):064x}",
            }


def make(path: Path) -> tuple[int, float, float]:
    """Fill a play log; rows, seconds to write them, and of these to count them."""
    from broadcaster.edges.store import Store, counts

    Store(path).close()
    chance, rows, counting, began = random.Random(1), 0, 0.0, time.perf_counter()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("pragma journal_mode = off")
        db.execute("pragma synchronous = off")
        db.execute(counts.VIEW)
        day, insert = date(YEAR, 1, 1), ""
        while day.year == YEAR:
            db.execute("begin")
            logged = day_rows(day, rows, chance)
            if not insert:
                columns = list(next(day_rows(day, 0, random.Random(0))))
                quoted = ", ".join(f'"{one}"' for one in columns)
                insert = f"insert into events ({quoted}) values ({', '.join('?' * len(columns))})"
            db.executemany(insert, (tuple(one.values()) for one in logged))
            rows += STATIONS * len(SLOTS)
            before = time.perf_counter()
            counts.count_on(db)
            counting += time.perf_counter() - before
            db.execute("commit")
            day += timedelta(days=1)
    return rows, time.perf_counter() - began, counting


def of_duckdb(path: Path, to: Path) -> None:
    """The same rows in DuckDB's own form, with the columns that are asked for only."""
    import duckdb

    wide = to.with_suffix(".csv")
    columns = "day, station_area, area, area_name, script, script_title, outcome, reason, seconds, languages"
    with closing(sqlite3.connect(path)) as db, wide.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns.split(", "))
        writer.writerows(db.execute(f"select {columns} from events where event = 'end'"))
    with duckdb.connect(to) as duck:
        duck.execute(
            f"create table airings as select * from read_csv('{wide}', header = true, all_varchar = false)"
        )
        duck.execute(
            "create table shares as select day, station_area, unnest(from_json(languages, "
            """'[{"language": "VARCHAR", "seconds": "DOUBLE", "outcome": "VARCHAR"}]')) as share """
            "from airings"
        )
    wide.unlink()


QUESTIONS = {  # as one asks them of raw rows
    "by area": (
        "select area, area_name, outcome, reason, count(*), sum(seconds) from {rows} where day between "
        "'{first}' and '{last}' {place} group by area, area_name, outcome, reason"
    ),
    "by script": (
        "select script, script_title, outcome, reason, count(*), sum(seconds) from {rows} where day between "
        "'{first}' and '{last}' {place} group by script, script_title, outcome, reason"
    ),
}
LANGUAGES = {
    "sqlite": (
        "select json_extract(share.value, '$.language') as language, json_extract(share.value, '$.outcome'), "
        "count(*) "
        "from {rows}, json_each(events.languages) as share where day between '{first}' and '{last}' {place} "
        "group by language, json_extract(share.value, '$.outcome')"
    ),
    "duckdb": (
        "select share.language, share.outcome, count(*), sum(share.seconds) from shares where day between "
        "'{first}' and '{last}' {place} group by share.language, share.outcome"
    ),
}


def median(way: Callable[[], Any], again: int) -> float:
    took = []
    for _ in range(again):
        began = time.perf_counter()
        way()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def child_counts(path: str) -> dict[str, Any]:
    """Our reports, in a process of their own: the time of each and the memory of all."""
    from broadcaster.edges.store import Store
    from broadcaster.report import report

    here = [code for code, _name, province in communes() if province == PROVINCE]
    found: dict[str, Any] = {}
    with closing(Store(Path(path), read_only=True)) as store:
        for what, (first, last, places) in stretches(here).items():
            each = {word: [word] for word in (*ASKED, "day", "cluster", "station", "schedule")}
            for word, asked in {"all of them": list(ASKED), **each}.items():
                found[f"{what} {word}"] = median(lambda: report(store.cells(first, last, places, asked)), 5)  # noqa: B023
    status = Path("/proc/self/status").read_text("utf-8")  # getrusage tells of the parent's memory too
    found["megabytes"] = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024
    return found


def stretches(here: Sequence[str]) -> dict[str, tuple[date, date, Sequence[str] | None]]:
    quarter, year = (date(YEAR, 4, 1), date(YEAR, 6, 30)), (date(YEAR, 1, 1), date(YEAR, 12, 31))
    return {
        "province, quarter": (*quarter, here),
        "nation, quarter": (*quarter, None),
        "nation, year": (*year, None),
    }


def beside(path: Path, duck: Path) -> None:
    import duckdb

    ours = json.loads(
        subprocess.run(
            [sys.executable, __file__, "--child", str(path)], check=True, capture_output=True, text=True
        ).stdout
    )
    here = [code for code, _name, province in communes() if province == PROVINCE]
    print(f"  {'a report (ms)':<46}{'broadcaster':>16}{'plain SQL':>16}{'DuckDB':>16}")
    for what, (first, last, places) in stretches(here).items():
        codes = ", ".join(f"'{one}'" for one in places or ())
        place = f"and station_area in ({codes})" if places else ""
        for word in ("area", "script", "language"):
            cells = [f"{1000 * ours[f'{what} {word}']:,.0f}"]
            for engine in ("sqlite", "duckdb"):
                rows = "events" if engine == "sqlite" else "airings"
                query = (LANGUAGES[engine] if word == "language" else QUESTIONS[f"by {word}"]).format(
                    rows=rows, first=first, last=last, place=place
                )
                if engine == "sqlite":
                    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
                        took = median(lambda: db.execute(query).fetchall(), 1)  # noqa: B023
                else:
                    with duckdb.connect(duck, read_only=True) as db:
                        took = median(lambda: db.execute(query).fetchall(), 5)  # noqa: B023
                cells.append(f"{1000 * took:,.0f} ({took / ours[f'{what} {word}']:.1f}×)")
            print(f"  {what + ', by ' + word:<46}" + "".join(f"{one:>16}" for one in cells))
        slowest = max(
            (seconds, name) for name, seconds in ours.items() if name.startswith(what) and "all" not in name
        )
        whole = ours[f"{what} all of them"]
        print(f"  {what + ', six breakdowns at once':<46}{1000 * whole:>16,.0f}")
        print(
            f"  {'the slowest of all: ' + slowest[1].removeprefix(what + ' '):<46}{1000 * slowest[0]:>16,.0f}"
        )
    print(f"  memory of these reports (MB){ours['megabytes']:>34.0f}")


def appending(folder: Path) -> None:
    """A row made durable, beside writing as many bytes and one fsync."""
    sys.path.insert(0, str(ROOT))
    from dataclasses import replace

    from broadcaster.edges.store import Store
    from tests.factories import make_airing

    row, ours, bare = make_airing(), list[float](), list[float]()
    path, beside_it = folder / "append.db", folder / "bare"
    with closing(Store(path)) as store, beside_it.open("wb") as file:
        block = os.urandom(4096)
        for number in range(1500):
            one = replace(row, occurrence=f"lich/{number}/nam-po")
            began = time.perf_counter()
            store.end(one)
            ours.append(time.perf_counter() - began)
            file.seek(number % 400 * 4 * 4096)  # over what is there, as a write-ahead log does
            began = time.perf_counter()
            file.write(block * 4)
            file.flush()
            os.fsync(file.fileno())
            bare.append(time.perf_counter() - began)
    mine, other = statistics.median(ours[400:]), statistics.median(bare[400:])
    print(f"  {'appending a row, durable (median)':<46}{1000 * mine:>13.2f} ms{1 / mine:>12,.0f} a second")
    print(f"  {'16 KB and one fsync (ours beside it)':<46}{1000 * other:>13.2f} ms{mine / other:>14.1f} ×")


def counts() -> None:
    print(f"Counts: {STATIONS:,} stations, three broadcasts a day, a year, in one file")
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        folder = Path(name)
        appending(folder)
        rows, took, counting = make(folder / "nation.db")
        size = (folder / "nation.db").stat().st_size / 1e9
        print(
            f"  {rows:,} rows, {size:.1f} GB, written in {took:,.0f} s, of which {counting:,.0f} s "
            f"({1e6 * counting / rows:.0f} µs a row) are for the counts"
        )
        of_duckdb(folder / "nation.db", folder / "nation.duckdb")
        beside(folder / "nation.db", folder / "nation.duckdb")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(json.dumps(child_counts(sys.argv[2])))
