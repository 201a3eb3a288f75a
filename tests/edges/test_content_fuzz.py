"""Nothing that anybody writes into the files is a traceback."""

import json
import math
import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broadcaster.edges.content import LARGEST_FILE, Loaded, load
from broadcaster.edges.content.lines import located
from broadcaster.edges.editing import append_line
from broadcaster.model.check import check
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.plan import plan, recipe_at
from tests.factories import EVENING, MORNING, at, make_approvals
from tests.stations import SCRIPT, approve, build, write

FILES: Mapping[str, dict[str, Any]] = {
    "schedules/station.toml": {
        "name": "Đài mẫu",
        "area": "03160",
        "timezone": "Asia/Ho_Chi_Minh",
        "closing": "mo-dau.flac",
        "hours": {"allowed": [[time(5), time(6, 30)]], "session_minutes": 30, "sessions_per_day": 2},
        "position": [22.0, 102.5],
        "amplifier": {"on": "relay on", "off": "relay off", "warm_up": 5},
        "alarm": {"webhook": "https://x", "email": ["a@x.vn"], "smtp": "smtp://x:25"},
        "cluster": [
            {
                "id": "nam-po",
                "name": "A",
                "area": "03160",
                "languages": ["vi"],
                "sink": "null",
                "volume": 80,
                "verify": "card:default",
            }
        ],
    },
    "schedules/areas.toml": {
        "area": [
            {"code": "11", "name": "A", "kind": "province", "from": date(2025, 7, 1)},
            {
                "code": "03160",
                "name": "B",
                "kind": "commune",
                "from": date(2025, 7, 1),
                "parent": "11",
                "x": "y",
            },
        ]
    },
    "schedules/tin.toml": {
        "title": "Tin",
        "script": ["tin", "tin"],
        "areas": ["11"],
        "class": "normal",
        "enabled": True,
        "rule": [
            {
                "times": [EVENING],
                "months": [11],
                "weekdays": ["tue"],
                "days": [1],
                "from": date(2026, 1, 1),
                "until": date(2026, 12, 31),
                "at_least": {"airings": 2, "per": "week"},
            },
            {"times": [MORNING], "season": "vai", "not_in_season": ["giap-hat"]},
            {"from": date(2026, 1, 1), "rrule": "FREQ=MONTHLY;BYDAY=1MO;BYHOUR=5", "until": date(2027, 1, 1)},
        ],
        "campaign": [
            {"times": [EVENING], "from": date(2026, 4, 1), "until": date(2026, 5, 1), "title": "Đợt"}
        ],
        "except": [
            "Quốc khánh",
            {"from": date(2026, 4, 1), "until": date(2026, 5, 1), "reason": "Tết"},
            {"holiday": "Tết", "reason": "Nghỉ Tết"},
        ],
        "extra": [{"at": datetime(2026, 11, 21, 5, 30)}],  # noqa: DTZ001 - wall time
        "move": [
            {
                "occurrence": datetime(2026, 11, 20, 5, 30),  # noqa: DTZ001 - wall time
                "to": datetime(2026, 11, 20, 17, 30),  # noqa: DTZ001 - wall time
            }
        ],
    },
    "schedules/seasons.toml": {
        "season": [
            {
                "name": name,
                "title": "Mùa",
                "group": "everyone",
                "areas": ["11"],
                "from": date(2026, 6, 1),
                "until": date(2026, 7, 31),
            }
            for name in ("vai", "giap-hat")
        ]
    },
    "audio/tin/script.toml": {
        "title": "Tin",
        "group": "everyone",
        "chime": "mo-dau.flac",
        "bed": "nen.flac",
        "item": [
            {"id": "ket", "pause": 0.5, "text": {"vi": "Xin chào {area.name}", "hmn-Latn-VN": "Nyob zoo"}}
        ],
    },
    "audio/tin/recordings.toml": {"hmn-Latn-VN/ket.mp3": {"stand_in": True, "speaker": "A"}},
}


class Raw(str):
    """A value as it stands in the file, which Python itself would not write."""

    __slots__ = ()


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
words |= st.sampled_from(
    [
        *("", "{", "vi", "th", "hmn", "11", "tin", "ket", "Asia", "../x", "x" * 300, "\x00", "0"),
        *("vai", "Tết", "giap-hat", "FREQ=DAILY", "FREQ=HOURLY", "FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2"),
        *("FREQ=WEEKLY;BYDAY=MO,FR;COUNT=3", "FREQ=DAILY;UNTIL=20261231T235959Z", "5:30", "t3", "20/11/2026"),
    ]
)
scalars = (
    st.booleans()
    | st.integers(-40, 40)
    | st.sampled_from(
        [
            2**63,
            -(10**17),
            Raw("0x" + "f" * 5000),
            Raw("[" * 500 + "]" * 500),
            math.nan,
            math.inf,
            -math.inf,
            0.5,
            -0.0,
        ]
    )
    | words
    | st.dates()
    | st.times()
    | st.datetimes()
    | st.datetimes(timezones=st.just(UTC))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)


def toml(value: Any) -> str:
    """*value* written as TOML."""
    if isinstance(value, bool | Raw):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return f"{{{', '.join(f'{toml(str(key))} = {toml(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, date | time):
        return value.isoformat()
    return repr(value)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a tree of tables and lists."""
    for key, one in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(one, dict | list):
            yield from places(one)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    station = build(tmp_path_factory.mktemp("fuzzed"))
    for name, data in FILES.items():
        write(station, name, "".join(f"{toml(key)} = {toml(one)}\n" for key, one in data.items()))
    approve(station)
    return station


def assert_survives(station: Path) -> Loaded | None:
    """Loading gives content that can be planned, or an error in words; never anything else."""
    loaded = None
    try:
        loaded = load(station)
    except BroadcasterError as error:
        faults = error.faults
    else:
        faults = tuple(loaded.faults)
        start = at("2026-11-16")
        plan(loaded.content, {}, start, start + timedelta(weeks=1))
        faults += tuple(located(station, check(loaded.content, start.date())))
    for fault in faults:
        assert str(fault).encode()
        assert fault.where
        assert len(str(fault)) < 2000
    return loaded


def test_what_is_fuzzed_is_sound_at_first(fuzzed: Path) -> None:
    """The files that the next tests spoil have no fault of their own."""
    assert not load(fuzzed).faults


@settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_value_in_any_file_is_a_traceback(fuzzed: Path, data: st.DataObject) -> None:
    """Whatever is put in the place of any values, taken out or added, is content or a fault in words."""
    name = data.draw(st.sampled_from(sorted(FILES)))
    spoilt = deepcopy(FILES[name])
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(list(places(spoilt)) or [(spoilt, "x")]))
        match data.draw(st.sampled_from(["replace", "replace", "remove", "add"])):
            case "replace":
                container[key] = data.draw(values)
            case "remove" if key in container or isinstance(container, list):
                del container[key]
            case _ if isinstance(container, list):
                container.append(data.draw(values))
            case _:
                container[data.draw(words)] = data.draw(values)
    good = (fuzzed / name).read_bytes()
    try:
        write(fuzzed, name, "".join(f"{toml(key)} = {toml(one)}\n" for key, one in spoilt.items()))
        assert_survives(fuzzed)
    finally:
        write(fuzzed, name, good)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_in_any_file_are_a_traceback(fuzzed: Path, data: st.DataObject) -> None:
    """A file that was cut off, overwritten or mixed up anywhere is content or a fault in words."""
    name = data.draw(st.sampled_from(sorted(FILES)))
    good = (fuzzed / name).read_bytes()
    start, end = sorted(data.draw(st.lists(st.integers(0, len(good)), min_size=2, max_size=2)))
    filling = data.draw(st.binary(max_size=8) | st.text("[]{}=\"'#.,\n", max_size=8).map(str.encode))
    try:
        write(fuzzed, name, good[:start] + filling + good[end:])
        assert_survives(fuzzed)
    finally:
        write(fuzzed, name, good)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_huge_file_of_any_kind_is_not_read(fuzzed: Path, name: str) -> None:
    """A file of 2 MB, a video perhaps, is refused before it fills the memory."""
    good = (fuzzed / name).read_bytes()
    write(fuzzed, name, good + b"#" * 2 * LARGEST_FILE)
    try:
        try:
            faults = load(fuzzed).faults
        except BroadcasterError as error:
            faults = error.faults
        assert any(fault.where == name and "larger than 1 MB" in str(fault.what) for fault in faults)
    finally:
        write(fuzzed, name, good)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_among_approvals_approve_anything(fuzzed: Path, data: st.DataObject) -> None:
    """Cut off, overwritten or mixed up anywhere, approvals of one language never vouch for another."""
    name = "audio/tin/approvals.jsonl"
    whole = (fuzzed / name).read_bytes()
    good = b"".join(line for line in whole.splitlines(keepends=True) if b'"hmn-Latn-VN"' in line)
    assert 0 < len(good) < len(whole)
    start, end = sorted(data.draw(st.lists(st.integers(0, len(good)), min_size=2, max_size=2)))
    filling = data.draw(
        st.binary(max_size=8)
        | st.text('[]{}:",\n\\ ', max_size=8).map(str.encode)
        | st.sampled_from([b"\n", b"null", b"false", b"true", b'"vi"', b"[]", b"{}", b"\x00" * 4096])
    )
    try:
        write(fuzzed, name, good[:start] + filling + good[end:])
        loaded = assert_survives(fuzzed)
        assert loaded
        assert recipe_at(loaded.content, "tin", "vi", "03160", at("2026-11-20").date()).lacks
        assert all(fault.where.startswith(name) for fault in loaded.faults)
    finally:
        write(fuzzed, name, whole)


KET, NOTES, LINES = (
    f"audio/tin/{name}" for name in ("recordings/hmn-Latn-VN/ket.mp3", "recordings.toml", "approvals.jsonl")
)
EDITS = ("words", "bytes", "bytes", "stand-in", "notes", "approve", "approve", "revoke", "tear", "take away")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(st.tuples(st.sampled_from(EDITS), st.integers(1, 3)), max_size=12))
def test_whatever_is_done_to_the_files_only_what_was_approved_sounds(
    tmp_path: Path, edits: list[tuple[str, int]]
) -> None:
    """Words changed, bytes swapped, their date set back, notes and lines torn out: nothing else ever airs."""
    build(tmp_path)
    (tmp_path / LINES).unlink()
    (tmp_path / NOTES).unlink(missing_ok=True)
    words, sound, stand_in, vouched = 0, 0, False, set()
    for edit, number in edits:
        match edit:
            case "words":
                words = number
                write(tmp_path, "audio/tin/script.toml", SCRIPT.replace("Xin", f"Xin {words} lần"))
            case "bytes":
                sound = number
                write(tmp_path, KET, f"sound {sound}")
                os.utime(tmp_path / KET, ns=(0, 0))
            case "stand-in":
                stand_in = True
                write(tmp_path, NOTES, '["hmn-Latn-VN/ket.mp3"]\nstand_in = true\n')
            case "notes":
                stand_in = False
                (tmp_path / NOTES).unlink(missing_ok=True)
            case "approve":
                append_approvals(tmp_path, revoked=False)
                vouched |= set() if stand_in else {(words, sound)}
                assert stand_in or sounds(tmp_path)
            case "revoke":
                append_approvals(tmp_path, revoked=True)
                assert not sounds(tmp_path)
            case "tear" if (tmp_path / LINES).exists():
                write(tmp_path, LINES, (tmp_path / LINES).read_bytes()[: -number * 40])
            case "take away":
                (tmp_path / LINES).unlink(missing_ok=True)
                assert not sounds(tmp_path)
        assert not sounds(tmp_path) or (not stand_in and (words, sound) in vouched)


def sounds(station: Path) -> bool:
    """Would the Mông recording of the last item go on air?"""
    made = recipe_at(load(station).content, "tin", "hmn-Latn-VN", "03160/nam-po", at("2026-11-20").date())
    return "ket" not in dict(made.lacks)


def append_approvals(station: Path, *, revoked: bool) -> None:
    """What `broadcaster approve` adds."""
    content = load(station).content
    made = make_approvals(content.scripts["tin"], content.recordings, revoked=revoked)
    for one in made.history:
        append_line(station / LINES, one.line)
