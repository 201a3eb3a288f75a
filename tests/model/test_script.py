"""The words of a message and the placeholders in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.model.script import (
    IDENTIFIER,
    SYLLABLES_PER_SECOND,
    Item,
    fill,
    identifier,
    language_fault,
    placeholders,
    words_mark,
)


def test_placeholders_are_found_in_order() -> None:
    """The names in braces are listed as they come, twice where they stand twice."""
    text = "Bà con {area.name}! Đài {commune.name}, {area.name}."
    assert placeholders(text) == ("area.name", "commune.name", "area.name")


@pytest.mark.parametrize("text", ["{area.name", "area.name}", "a } b", "{", "}", "{a!"])
def test_a_brace_without_partner_is_refused(text: str) -> None:
    """A brace that opens or closes nothing is a ValueError, so that it is found before it is read out."""
    with pytest.raises(ValueError):  # noqa: PT011 - its words are Python's
        placeholders(text)


def test_fill_replaces_what_stands_in_braces() -> None:
    """Every placeholder becomes its words; the rest of the text stays as it is."""
    words = {"area.name": "bản Nậm Pố", "commune.name": "xã Mường Nhé"}
    assert fill("{area.name}, {commune.name}.", words) == "bản Nậm Pố, xã Mường Nhé."


@pytest.mark.parametrize("name", ["area.name", "không-biết", ""])
def test_fill_names_the_word_it_does_not_know(name: str) -> None:
    """A placeholder without words is a KeyError that names it, never an empty place in a sentence."""
    with pytest.raises(KeyError) as error:
        fill(f"Mời bà con đến {{{name}}}.", {"area": "x"})
    assert error.value.args == (name,)


def test_fill_reaches_into_nothing() -> None:
    """A placeholder is a name and no more: it cannot read attributes or elements of the words."""
    with pytest.raises(KeyError):
        fill("{area.__class__}", {"area": "x"})
    with pytest.raises(KeyError):
        fill("{area[0]}", {"area": "x"})


@given(st.text())
def test_doubled_braces_are_read_as_braces(text: str) -> None:
    """Any text at all can be said, with its braces doubled."""
    assert fill(text.replace("{", "{{").replace("}", "}}"), {}) == text


@given(st.text(alphabet="ab{}!:[]. ", max_size=12))
def test_what_placeholders_accepts_can_be_filled(text: str) -> None:
    """A text whose placeholders can be listed can be filled with words for exactly those."""
    try:
        names = placeholders(text)
    except ValueError:
        return
    fill(text, dict.fromkeys(names, "x"))


def test_an_item_lasts_as_long_as_its_syllables() -> None:
    """Until it is recorded, an item is taken to last as an announcer needs for its syllables."""
    assert Item("loi", {"vi": "Kính thưa bà con " * 9}).seconds == 36 / SYLLABLES_PER_SECOND


def test_an_item_without_text_lasts_no_time() -> None:
    """An item that exists only as recordings has no estimate of its own."""
    assert Item("loi", {}).seconds == 0


@pytest.mark.parametrize("tag", ["vi", "hmn-Latn-VN", "blt-Latn-VN", "twh-Latn-VN", "en-Latn"])
def test_a_language_tag_that_names_its_script_is_right(tag: str) -> None:
    """Vietnamese alone needs none."""
    assert language_fault("x", tag) is None


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        *(("th", "blt-Latn-VN"), ("th-Latn-VN", "twh-Latn-VN"), ("hmn", "“hmn-Latn-VN”"), ("vi-VN", "“vi”")),
        *(("mww", "“hmn-Latn-VN”"), ("xx", "such as hmn-Latn-VN"), ("", "such as"), ("vi-Latn", "“vi”")),
    ],
)
def test_another_tag_is_told_with_the_one_that_is_meant(tag: str, meant: str) -> None:
    """The language of Thailand, and tags without a script, name what to write."""
    fault = language_fault("x", tag)
    assert fault is not None
    assert (fault.where, tag in str(fault.what)) == ("x", True)
    assert meant in str(fault.next)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Kính thưa bà con {area.name}!", "kinh-thua-ba-con"),
        ("  Đây là ĐÀI\nphát", "day-la-dai-phat"),
        ("Giá lúa: 7.500 đồng", "gia-lua-7-500"),
        ("{area.name}…", "muc"),
        ("Ngày\u0301 mai", "ngay-mai"),
        ("x" * 99, "x" * 40),
    ],
)
def test_an_id_is_made_of_the_first_words(text: str, wanted: str) -> None:
    """Without accents, placeholders and signs, and not long."""
    assert identifier(text) == wanted


@given(st.text(), st.integers(0, 3))
def test_an_id_is_always_one_and_new(text: str, others: int) -> None:
    """Whatever the words are, the loader takes it for an id, and no other item has it."""
    taken: list[str] = []
    for _ in range(others + 1):
        taken.append(identifier(text, taken))
    assert len(set(taken)) == len(taken)
    assert all(IDENTIFIER.fullmatch(one) for one in taken)


def test_the_mark_of_words_goes_by_the_words() -> None:
    """Spaces and line ends do not count, letters and signs do."""
    assert words_mark("Xin  chào.\r\nBà con\n") == words_mark("Xin chào. Bà con")
    assert len({words_mark(text) for text in ("", "Xin", "xin", "Xin.", "X in")}) == 5
