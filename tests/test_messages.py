"""What people read: the Vietnamese catalogue, and which language is spoken when."""

import gettext
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from broadcaster.cli import language, words
from broadcaster.model.airing import Outcome
from broadcaster.model.errors import say
from broadcaster.model.occurrence import Kind, Reason, State
from broadcaster.model.programme import Lack
from broadcaster.model.script import GROUPS
from compile_catalogues import compile_all
from tools import messages


@pytest.fixture(scope="module", autouse=True)
def _compiled() -> None:
    """The catalogue as it is now, compiled as an installation does it."""
    compile_all(messages.ROOT)


@pytest.fixture
def speak(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Choose the language of this process, until the test is over."""
    monkeypatch.setenv("LANGUAGE", "")
    domain = gettext.textdomain()
    yield language.use
    gettext.textdomain(domain)


@pytest.fixture
def catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the catalogue that a test may spoil."""
    copy = tmp_path / "broadcaster.po"
    copy.write_text(messages.CATALOGUE.read_text("utf-8"), "utf-8")
    monkeypatch.setattr(messages, "CATALOGUE", copy)
    return copy


def spoil(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def run(arguments: Sequence[str], **environ: str) -> subprocess.CompletedProcess[str]:
    """`broadcaster` in a process of its own, in which only *environ* tells of a language."""
    told = ("LANG", "LC_", "BROADCASTER_")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(told)}
    return subprocess.run(
        [sys.executable, "-m", "broadcaster", *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        env=plain | environ,
    )


def test_the_catalogue_is_complete() -> None:
    """Every message of the code is in the catalogue, translated, with the same names in braces."""
    assert messages.check() == []


def test_the_catalogue_tells_nothing_of_when_and_where_it_was_made() -> None:
    """Dates, line numbers and the folders of a machine would change the file for nothing."""
    text = messages.CATALOGUE.read_text("utf-8")
    places = [place for line in text.splitlines() if line.startswith("#: ") for place in line.split()[1:]]
    assert "Date:" not in text
    assert [place for place in places if not (messages.ROOT / place).is_file()] == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('msgid "Monday"', 'msgid "Moonday"', "is new in the code: 'Monday'"),
        ('msgid "Monday"', 'msgid "Moonday"', "is no longer in the code: 'Moonday'"),
        ('msgstr "Thứ Hai"', 'msgstr ""', "has no translation: 'Monday'"),
        ('msgid "Monday"', '#, fuzzy\nmsgid "Monday"', "is marked as fuzzy: 'Monday'"),
        ("{title}, {cluster}, {time}, {day}", "{title}, {cluster}, {time}", "has other names in braces"),
        (
            "{title}, {cluster}, {time}, {day}",
            "{title}, {cluster}, {time}, {day",
            "has other names in braces",
        ),
        ("# The messages of", "# Messages of", "is not as tools/messages.py writes it"),
    ],
)
def test_the_check_names_what_is_wrong(catalogue: Path, old: str, new: str, told: str) -> None:
    """Whatever a person or an edit of the code does to the catalogue, the check says so."""
    spoil(catalogue, old, new)
    assert [fault for fault in messages.check() if fault.startswith(told)]


def test_an_update_keeps_translations_and_drops_what_is_gone(catalogue: Path) -> None:
    """After an update a translation stands as it did, and a message that the code lost is away."""
    before = catalogue.read_text("utf-8")
    spoil(catalogue, 'msgid "Monday"', 'msgid "Gone"\nmsgstr "Mất"\n\nmsgid "Monday"')
    assert messages.written(messages.updated(messages.read())) == before


@pytest.mark.parametrize("locale", ["", "C", "C.UTF-8", "POSIX", "vi_VN.UTF-8", "fr_FR.UTF-8", "xx"])
def test_vietnamese_comes_first(locale: str) -> None:
    """A locale that does not say English gives Vietnamese."""
    assert language.choose([], {"LANG": locale}) == "vi"


def test_vietnamese_without_any_locale() -> None:
    """Where nothing is said of a language, it is Vietnamese."""
    assert language.choose([], {}) == "vi"


@pytest.mark.parametrize("locale", ["en", "en_US.UTF-8", "en_GB", "EN_us"])
@pytest.mark.parametrize("name", ["BROADCASTER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"])
def test_an_english_locale_gives_english(name: str, locale: str) -> None:
    """English is spoken where any of the usual variables asks for it."""
    assert language.choose(["plan"], {name: locale}) == "en"


def test_the_nearer_variable_wins() -> None:
    """BROADCASTER_LANG goes before LC_ALL, and that before LC_MESSAGES and LANG, as everywhere."""
    environ = {"LANG": "en_US", "LC_MESSAGES": "vi_VN", "LC_ALL": "en_US", "BROADCASTER_LANG": "vi"}
    told = []
    for name in ("BROADCASTER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        told.append(language.choose([], environ))
        del environ[name]
    assert told == ["vi", "en", "vi", "en"]


@pytest.mark.parametrize("arguments", [["--lang=en", "plan"], ["--lang", "en", "plan"]])
def test_lang_wins_over_the_locale(arguments: list[str]) -> None:
    """--lang is heard in both spellings, whatever the locale."""
    assert language.choose(arguments, {"LC_ALL": "vi_VN.UTF-8"}) == "en"


@pytest.mark.parametrize("arguments", [["--lang=vi", "plan"], ["--lang", "vi", "plan"]])
def test_lang_takes_back_an_english_locale(arguments: list[str]) -> None:
    """--lang vi speaks Vietnamese on an English machine."""
    assert language.choose(arguments, {"LC_ALL": "en_US.UTF-8"}) == "vi"


def test_help_is_vietnamese() -> None:
    """Our words and the command line library's own are Vietnamese in one help page."""
    told = run(["--help"], LANG="C.UTF-8")
    assert told.returncode == 0
    assert "loa truyền thanh" in told.stdout
    for heading in ("Tùy chọn:", "Lệnh:", "biến môi trường: BROADCASTER_STATION"):
        assert heading in told.stdout
    for heading in ("Options:", "Commands:", "env var:"):
        assert heading not in told.stdout


def test_help_is_english() -> None:
    """The same page is English throughout where English is asked for."""
    told = run(["--lang", "en", "--help"], LANG="vi_VN.UTF-8")
    assert "loudspeakers" in told.stdout
    assert "Options:" in told.stdout
    assert "Lệnh" not in told.stdout


@pytest.mark.parametrize(
    ("locale", "sentence"),
    [("C.UTF-8", "Thư mục này không phải là đài"), ("en_US.UTF-8", "This folder is no station")],
)
def test_an_error_is_told_in_both_languages(tmp_path: Path, locale: str, sentence: str) -> None:
    """The same fault, with its place, is told in the reader's language."""
    told = run(["--station", str(tmp_path), "plan"], LANG=locale)
    assert told.returncode == 1
    assert sentence in told.stderr
    assert str(tmp_path) in told.stderr


def test_a_text_is_filled_in_after_translation(speak: Callable[[str], None]) -> None:
    """The values of a sentence stand where its Vietnamese wants them, a sentence within it too."""
    text = say("Write it: {wanted}.", wanted=say("true or false"))
    speak("vi")
    assert language.tr(text) == "Hãy ghi thêm: true (có) hoặc false (không)."
    speak("en")
    assert language.tr(text) == "Write it: true or false."


def test_every_word_of_the_model_has_a_vietnamese_one(speak: Callable[[str], None]) -> None:
    """No outcome, state, reason, lack, kind or group is shown as the code spells it."""
    speak("vi")
    kinds = [kind for kind in Kind if kind is not Kind.PLANNED]  # the usual kind is not named
    for name, every in (
        (words.outcome, [*Outcome, *State]),
        (words.reason, Reason),
        (words.lack, Lack),
        (words.kind, kinds),
        (words.group, GROUPS),
    ):
        assert [one for one in every if name(one) == one] == []
