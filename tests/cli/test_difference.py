"""What an edit changes, in words: what changes alike is told once, and every kind of change has its own."""

from dataclasses import replace

import pytest

from broadcaster.cli import language
from broadcaster.cli.difference import as_dicts, clusters, tell
from broadcaster.model.airing import Outcome
from broadcaster.model.content import Content
from broadcaster.model.difference import difference
from broadcaster.model.plan import plan
from broadcaster.model.schedule import BulletinClass, Days, Exclusion, Move, Relay
from tests import factories as make
from tests.factories import at


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "en")
    language.use("en")


def told(capsys: pytest.CaptureFixture[str], before: Content, after: Content) -> str:
    """The difference of a week from Monday on."""
    week = at("2026-11-16"), at("2026-11-23")
    tell(difference(plan(before, {}, *week), plan(after, {}, *week)))
    return capsys.readouterr().out


def test_other_words_for_other_changes(capsys: pytest.CaptureFixture[str]) -> None:
    """A new class, script and language, and a programme of another length."""
    scripts = [make.make_script(), make.make_script("nuoc")]
    schedule = make.make_schedule()
    before = make.make_content(schedule, scripts=scripts)
    for after, words in (
        (
            make.make_content(replace(schedule, bulletin_class=BulletinClass.PRIORITY), scripts=scripts),
            "priority",
        ),
        (make.make_content(replace(schedule, scripts=["nuoc"]), scripts=scripts), "script Kịch bản nuoc"),
        (make.make_content(schedule, scripts=[make.make_script(seconds=90.0)]), "another length"),
    ):
        said = told(capsys, before, after)
        assert f"16/11 – 22/11/2026  7 × {words}\n" in said
        assert "In all: 0 come (+), 0 go (−), 7 change (~)." in said


def test_relays(capsys: pytest.CaptureFixture[str]) -> None:
    """Where from, or that what was passed on is not any more."""
    without = make.make_content()
    relay = Relay("http://radio.vn/live", 600)
    relaying = make.make_content(replace(without.schedules[0], relay=relay))
    assert "7 × relay of http://radio.vn/live\n" in told(capsys, without, relaying)
    assert "7 × no relay any more\n" in told(capsys, relaying, without)


def test_languages(capsys: pytest.CaptureFixture[str]) -> None:
    """Which will be heard, where that changes."""
    recordings = [make.make_recording(language="hmn-Latn-VN", seconds=60.0)]
    one, two = (make.make_cluster(languages=tags) for tags in (["vi"], ["vi", "hmn-Latn-VN"]))
    before = make.make_content(clusters=[one], recordings=recordings)
    after = make.make_content(clusters=[two], recordings=recordings)
    assert "7 × Vietnamese + Mông" in told(capsys, before, after)


def test_what_only_gives_way(capsys: pytest.CaptureFixture[str]) -> None:
    """Behind a new one in the session: at which time it begins, or that it is some seconds."""
    last = make.make_schedule("z")
    for first, words in ((60.0, "7 × moved to 17:31"), (5.0, "7 × begins some seconds later")):
        scripts = [make.make_script(), make.make_script("moi", seconds=first)]
        new = make.make_schedule("a", scripts=["moi"])
        before = make.make_content(last, scripts=scripts)
        after = make.make_content(new, last, scripts=scripts)
        assert words in told(capsys, before, after)


def test_what_waits_for_approval_is_moved_too(capsys: pytest.CaptureFixture[str]) -> None:
    """A withheld one is told with its new time and why it stays silent."""
    move = Move(
        at("2026-11-20", "17:30").replace(tzinfo=None), at("2026-11-20", "18:00").replace(tzinfo=None)
    )
    before, after = (
        replace(make.make_content(make.make_schedule(moves=moves)), approvals={}) for moves in ([], [move])
    )
    said = told(capsys, before, after)
    assert "1 × moved to 18:00 (withheld: without Vietnamese: not approved (1 items))" in said


def test_what_was_lost_and_is_not_any_more(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the silent days end it sounds again."""
    silent = make.make_schedule(exclusions=[Exclusion(Days(), "Nghỉ")])
    said = told(capsys, make.make_content(silent), make.make_content(make.make_schedule()))
    assert "7 × sounds again\n" in said


def test_what_is_lost_already_when_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    """A new one that will never sound says so at once."""
    night = make.make_schedule("dem", make.make_rule(at("2026-11-20", "03:00").time()))
    said = told(
        capsys, make.make_content(make.make_schedule()), make.make_content(make.make_schedule(), night)
    )
    assert "7 × new (displaced: outside the allowed hours)" in said


def test_many_clusters_are_counted() -> None:
    """Two are named, more would fill the line."""
    assert clusters(["A", "B"]) == "A, B"
    assert clusters(["A", "B", "C"]) == "3 clusters"


def test_as_data() -> None:
    """What differs stands beside what was and what will be; what the play log says makes no difference."""
    content = make.make_content()
    friday = at("2026-11-20"), at("2026-11-21")
    (one,) = plan(content, {}, *friday)
    logged = plan(content, make.make_log(make.make_airing(one, Outcome.CUT)), *friday)
    assert difference([one], logged) == []
    assert as_dicts(difference([], [one])) == [
        {
            "change": "comes",
            "what": [],
            "id": "lich/2026-11-20T17:30:00/nam-po",
            "schedule": "lich",
            "cluster": "nam-po",
            "before": None,
            "after": {
                "at": "2026-11-20T17:30:00+07:00",
                "script": "tin",
                "relay": None,
                "languages": ["vi"],
                "seconds": 60.0,
                "class": "normal",
                "kind": "planned",
                "state": "planned",
                "reason": None,
                "detail": "",
            },
        }
    ]
