"""What a programme is made of and what is missing."""

from typing import Any

import pytest

from broadcaster.model.plan import recipes_for
from broadcaster.model.programme import CHIME_SECONDS, Lack, Recipe, recipe
from broadcaster.model.recording import Recording, Recordings
from broadcaster.model.script import Item
from tests.factories import at, make_cluster, make_content, make_recording, make_script

ITEMS = [
    Item("loi", {"vi": "Kính thưa bà con {area.name}!"}, pause=1.0),
    Item("ket", {"vi": "Xin cảm ơn bà con."}, pause=2.0),
]
WORDS = {"area.name": "bản Nậm Pố"}
PLACES = ("03160/nam-po", "03160", "11")


def made(*recordings: Recording, language: str = "vi", **given: Any) -> Recipe:
    """The recipe of a script of two items at Nậm Pố."""
    known: dict[str, Any] = {"words": WORDS, "voiced": frozenset({"vi"}), "stand_ins": False}
    known |= given
    return recipe(
        make_script(items=ITEMS),
        language,
        PLACES[0],
        PLACES,
        recordings=Recordings(recordings),
        **known,
    )


def test_vietnamese_without_recordings_is_spoken() -> None:
    """Text that a voice speaks needs no recording; its placeholders are filled."""
    spoken = made()
    assert not spoken.lacks
    assert [part.words for part in spoken.parts] == ["Kính thưa bà con bản Nậm Pố!", "Xin cảm ơn bà con."]
    assert all(part.recording is None for part in spoken.parts)


def test_a_recording_comes_before_the_voice() -> None:
    """An item that was recorded is heard as recorded, the others are spoken."""
    own = make_recording("loi", area="03160", seconds=4.5)
    first, second = made(own).parts
    assert (first.recording, first.words) == (own, None)
    assert (second.recording, second.words) == (None, "Xin cảm ơn bà con.")


def test_a_language_without_voice_needs_every_item_recorded() -> None:
    """A language that no voice speaks lacks each item without a recording, and is withheld whole."""
    half = made(make_recording("loi", "hmn-Latn-VN"), language="hmn-Latn-VN")
    assert half.lacks == (("ket", Lack.NO_RECORDING),)
    whole = made(
        make_recording("loi", "hmn-Latn-VN"), make_recording("ket", "hmn-Latn-VN"), language="hmn-Latn-VN"
    )
    assert not whole.lacks


def test_text_alone_does_not_make_a_voice() -> None:
    """Written Mông is not read out by a Vietnamese voice."""
    item = Item("loi", {"vi": "Kính thưa bà con.", "hmn-Latn-VN": "Nyob zoo."})
    written = recipe(
        make_script(items=[item]),
        "hmn-Latn-VN",
        PLACES[0],
        PLACES,
        WORDS,
        Recordings(),
        voiced=frozenset({"vi"}),
        stand_ins=False,
    )
    assert written.lacks == (("loi", Lack.NO_RECORDING),)


def test_a_voice_without_text_has_nothing_to_say() -> None:
    """A language that a voice speaks but that has no text lacks the item."""
    assert made(language="en", voiced=frozenset({"vi", "en"})).lacks == (
        ("loi", Lack.NO_RECORDING),
        ("ket", Lack.NO_RECORDING),
    )


def test_a_fact_that_the_area_lacks_withholds_the_language() -> None:
    """A placeholder without words is never spoken as a gap."""
    assert made(words={}).lacks == (("loi", Lack.NO_FACT),)


def test_a_broken_recording_is_not_replaced_by_the_voice() -> None:
    """A recording that cannot be decoded is named, not passed over: somebody meant it to be heard."""
    assert made(make_recording("loi", broken=True)).lacks == (("loi", Lack.BROKEN),)


@pytest.mark.parametrize(("allowed", "lacks"), [(False, (("loi", Lack.STAND_IN),)), (True, ())])
def test_a_stand_in_sounds_only_where_it_may(allowed: bool, lacks: tuple[tuple[str, Lack], ...]) -> None:
    """A stand-in's recording is heard in the demo alone."""
    assert made(make_recording("loi", stand_in=True), stand_ins=allowed).lacks == lacks


def test_length_is_measured_where_it_can_be() -> None:
    """A recipe lasts as its recordings were measured, its other texts are estimated, its pauses added."""
    assert made(make_recording("loi", seconds=4.5)).seconds == pytest.approx(4.5 + 1.0 + 5 / 3 + 2.0)


def test_a_recording_not_measured_yet_lasts_as_its_text() -> None:
    """Until a recording was decoded, its text says how long it is."""
    assert made(make_recording("loi")).seconds == made().seconds


def test_the_opening_chime_counts() -> None:
    """A programme with a chime is longer by about as much."""
    script = make_script(items=ITEMS, chime="mo-dau.flac")
    chimed = recipe(
        script, "vi", PLACES[0], PLACES, WORDS, Recordings(), voiced=frozenset({"vi"}), stand_ins=False
    )
    assert chimed.chime == "mo-dau.flac"
    assert chimed.seconds == made().seconds + CHIME_SECONDS


def test_a_cluster_hears_its_languages_in_its_order() -> None:
    """There is one recipe a language, in the order in which the cluster lists them."""
    content = make_content()
    cluster = make_cluster(languages=("hmn-Latn-VN", "vi"))
    recipes = recipes_for(content, "tin", cluster, at("2026-11-20").date())
    assert [one.language for one in recipes] == ["hmn-Latn-VN", "vi"]
    assert [bool(one.lacks) for one in recipes] == [True, False]


def test_with_stand_ins_the_same_content_sounds() -> None:
    """Content that may use stand-ins lacks nothing that only they had."""
    recordings = [make_recording(language="hmn-Latn-VN", stand_in=True)]
    content = make_content(recordings=recordings)
    cluster, day = make_cluster(languages=("hmn-Latn-VN",)), at("2026-11-20").date()
    assert recipes_for(content, "tin", cluster, day)[0].lacks
    assert not recipes_for(content.with_stand_ins(), "tin", cluster, day)[0].lacks
