"""What a programme is made of and what is missing."""

from typing import Any

import pytest

from broadcaster.model.approval import Approvals
from broadcaster.model.plan import recipes_for
from broadcaster.model.programme import CHIME_SECONDS, Lack, Recipe, recipe
from broadcaster.model.recording import Recording, Recordings
from broadcaster.model.script import Item
from tests.factories import at, make_approvals, make_cluster, make_content, make_recording, make_script

ITEMS = [
    Item("loi", {"vi": "Kính thưa bà con {area.name}!"}, pause=1.0),
    Item("ket", {"vi": "Xin cảm ơn bà con."}, pause=2.0),
]
WORDS = {"area.name": "bản Nậm Pố"}
PLACES = ("03160/nam-po", "03160", "11")


def made(*recordings: Recording, language: str = "vi", **given: Any) -> Recipe:
    """The recipe of a script of two items at Nậm Pố, all of it approved."""
    script = given.pop("script", make_script(items=ITEMS))
    known: dict[str, Any] = {
        "words": WORDS,
        "approvals": make_approvals(script, recordings),
        "dictionary": {},
        "voiced": frozenset({"vi"}),
        "trial": False,
    }
    return recipe(script, language, PLACES[0], PLACES, recordings=Recordings(recordings), **known | given)


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
    written = made(script=make_script(items=[item]), language="hmn-Latn-VN")
    assert written.lacks == (("loi", Lack.NO_RECORDING),)
    assert [part.words for part in written.parts] == [None]


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


@pytest.mark.parametrize(("trial", "lacks"), [(False, (("loi", Lack.STAND_IN),)), (True, ())])
def test_a_stand_in_sounds_only_where_it_may(trial: bool, lacks: tuple[tuple[str, Lack], ...]) -> None:
    """A stand-in's recording is heard on trial alone."""
    assert made(make_recording("loi", stand_in=True), trial=trial).lacks == lacks


@pytest.mark.parametrize("trial", [False, True])
def test_what_nobody_approved_sounds_only_on_trial(trial: bool) -> None:
    """Words for the voice and recordings alike; each item is named."""
    recipe = made(make_recording("loi"), approvals=Approvals(), trial=trial)
    unapproved = (("loi", Lack.UNAPPROVED), ("ket", Lack.UNAPPROVED))
    assert recipe.lacks == (() if trial else unapproved)


@pytest.mark.parametrize("lack", [Lack.NO_RECORDING, Lack.NO_FACT, Lack.BROKEN])
def test_what_is_not_there_sounds_on_no_trial(lack: Lack) -> None:
    """A trial lets be heard what is there; it makes up nothing."""
    found = {
        Lack.NO_RECORDING: made(make_recording("loi", "hmn-Latn-VN"), language="hmn-Latn-VN", trial=True),
        Lack.NO_FACT: made(words={}, trial=True),
        Lack.BROKEN: made(make_recording("loi", broken=True), trial=True),
    }
    assert [why for _, why in found[lack].lacks] == [lack]


def test_words_are_spoken_as_the_dictionary_says_and_kept_as_written() -> None:
    """The voice reads what the dictionary says; captions show what was written."""
    (part,) = made(
        script=make_script(items=[Item("loi", {"vi": "Quỹ BHYT."})]), dictionary={"BHYT": "bảo hiểm y tế"}
    ).parts
    assert (part.words, part.text) == ("Quỹ bảo hiểm y tế.", "Quỹ BHYT.")


def test_a_recording_is_heard_where_its_words_lack_a_fact() -> None:
    """A reading needs no placeholders filled: somebody said the words."""
    assert made(make_recording("loi"), words={}).lacks == ()


def test_an_approved_recording_does_not_vouch_for_the_nearer_one() -> None:
    """A village's own recording is approved by itself, or its village hears nothing."""
    everywhere, own = make_recording("loi"), make_recording("loi", area="03160/nam-po")
    approvals = make_approvals(make_script(items=ITEMS), [everywhere])
    assert made(everywhere, approvals=approvals).lacks == ()
    assert made(everywhere, own, approvals=approvals).lacks == (("loi", Lack.UNAPPROVED),)


def test_length_is_measured_where_it_can_be() -> None:
    """A recipe lasts as its recordings were measured, its other texts are estimated, its pauses added."""
    assert made(make_recording("loi", seconds=4.5)).seconds == pytest.approx(4.5 + 1.0 + 5 / 3 + 2.0)


def test_a_recording_not_measured_yet_lasts_as_its_text() -> None:
    """Until a recording was decoded, its text says how long it is."""
    assert made(make_recording("loi")).seconds == made().seconds


def test_the_opening_chime_counts() -> None:
    """A programme with a chime is longer by about as much."""
    chimed = made(script=make_script(items=ITEMS, chime="mo-dau.flac"))
    assert chimed.chime == "mo-dau.flac"
    assert chimed.seconds == made().seconds + CHIME_SECONDS


def test_a_cluster_hears_its_languages_in_its_order() -> None:
    """There is one recipe a language, in the order in which the cluster lists them."""
    content = make_content()
    cluster = make_cluster(languages=("hmn-Latn-VN", "vi"))
    recipes = recipes_for(content, "tin", cluster, at("2026-11-20").date())
    assert [one.language for one in recipes] == ["hmn-Latn-VN", "vi"]
    assert [bool(one.lacks) for one in recipes] == [True, False]


def test_on_trial_the_same_content_sounds() -> None:
    """Content on trial lacks nothing that only stand-ins had."""
    recordings = [make_recording(language="hmn-Latn-VN", stand_in=True)]
    content = make_content(recordings=recordings)
    cluster, day = make_cluster(languages=("hmn-Latn-VN",)), at("2026-11-20").date()
    assert recipes_for(content, "tin", cluster, day)[0].lacks
    assert not recipes_for(content.on_trial(), "tin", cluster, day)[0].lacks
