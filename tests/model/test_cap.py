"""Which CAP messages are said at a place, in which languages, and which are not."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from broadcaster.model.cap import Broadcast, CapArea, CapInfo, CapMessage, Clear, Refused, fit, speaks
from tests.factories import at, make_area, make_areas

NOW = at("2026-08-02", "15:30")
HERE = list(make_areas().upwards("03160", NOW.date()))
STATION = (22.19, 102.46)
SQUARE = [(22.0, 102.0), (22.0, 103.0), (23.0, 103.0), (23.0, 102.0), (22.0, 102.0)]


def make_info(headline: str = "Lũ quét", **given: Any) -> CapInfo:
    usual = {"event": "Lũ", "urgency": "Immediate", "severity": "Severe", "certainty": "Likely"}
    return CapInfo(**{**usual, "language": "vi-VN", "headline": headline} | given)


def make_message(*infos: CapInfo, **given: Any) -> CapMessage:
    usual = {"identifier": "VN-1", "sender": "kttv@example.vn", "sent": NOW - timedelta(minutes=1)}
    return CapMessage(**{**usual, "infos": infos or (make_info(),)} | given)


def for_area(description: str = "Nơi khác", **given: Any) -> CapMessage:
    return make_message(make_info(areas=[CapArea(description, **given)]))


def decided(message: CapMessage, **given: Any) -> Broadcast | Clear | Refused:
    return fit(message, **{"here": HERE, "languages": ["vi"], "position": STATION, "now": NOW} | given)


def refusal(message: CapMessage, **given: Any) -> str:
    """Why it is refused, in one text."""
    found = decided(message, **given)
    assert isinstance(found, Refused), found
    return "\n".join(map(str, found.reasons))


def said(message: CapMessage, **given: Any) -> dict[str, list[str]]:
    """The words by language that are broadcast."""
    found = decided(message, **given)
    assert isinstance(found, Broadcast), found
    return {tag: [one.info.text for one in infos] for tag, infos in found.said.items()}


def test_an_alert_for_everybody_is_said() -> None:
    """An actual, public alert that names no area is broadcast, for 24 hours from when it was sent."""
    found = decided(make_message())
    assert isinstance(found, Broadcast)
    assert (found.key, found.lacking, found.replaces) == ("kttv@example.vn,VN-1", [], ())
    assert [one.info.text for one in found.said["vi"]] == ["Lũ quét."]
    assert found.lasts == timedelta(hours=24) - timedelta(minutes=1)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"status": "Exercise"}, "status is Exercise"),
        ({"status": "Test"}, "status is Test"),
        ({"status": "System"}, "status is System"),
        ({"status": "Draft"}, "status is Draft"),
        ({"type": "Ack"}, "answer to another message: Ack"),
        ({"type": "Error"}, "answer to another message: Error"),
        ({"scope": "Restricted"}, "scope is Restricted"),
        ({"scope": "Private"}, "scope is Private"),
        ({"infos": ()}, "no <info>"),
        ({"type": "Update", "infos": ()}, "no <info>"),
        ({"sent": NOW + timedelta(days=1)}, "sent on 2026-08-03 15:30, but here it is 2026-08-02 15:30"),
    ],
)
def test_what_is_not_a_warning_to_the_public_is_refused(given: dict[str, Any], why: str) -> None:
    """Exercises, tests, answers, messages for some people alone and empty ones are refused, and told why."""
    assert why in refusal(replace(make_message(), **given))


def test_all_reasons_are_told_at_once() -> None:
    """A message that is wrong in three ways is refused for three reasons."""
    reasons = refusal(make_message(status="Test", scope="Private", type="Ack"))
    assert len(reasons.splitlines()) == 3


def test_a_message_is_taken_once() -> None:
    """A message that was taken, or that another cancelled before it came, is refused, at any time."""
    again = make_message(sent=NOW - timedelta(seconds=5))
    assert "taken before" in refusal(again, known={make_message().key})
    assert "cancelled" in refusal(again, cancelled={make_message().key})


def test_a_cancel_clears_what_it_names() -> None:
    """A cancel clears its references and no more, also without an info and where its area is another."""
    assert decided(make_message(type="Cancel", references=["a,1"], infos=())) == Clear(["a,1"])
    elsewhere = for_area("Cà Mau")
    assert decided(replace(elsewhere, type="Cancel", references=["a,1"])) == Clear(["a,1"])
    assert "status is Test" in refusal(make_message(type="Cancel", references=["a,1"], status="Test"))


def test_an_update_takes_the_place_of_what_it_names() -> None:
    """An update that is for this place is said in place of its references; an alert replaces nothing."""
    update = decided(make_message(type="Update", references=["a,1", "a,2"]))
    assert isinstance(update, Broadcast)
    assert update.replaces == ["a,1", "a,2"]
    alert = decided(make_message(references=["a,1"]))
    assert isinstance(alert, Broadcast)
    assert alert.replaces == ()


def test_an_update_for_elsewhere_ends_what_it_names_here() -> None:
    """When a warning no longer holds for this place, the older one that it replaces ends."""
    for infos, why in (
        (for_area("Cà Mau").infos, "not for Xã Mường Nhé"),
        ([make_info(expires=NOW - timedelta(minutes=1))], "expired"),
    ):
        found = decided(make_message(type="Update", references=["a,1"], infos=infos))
        assert isinstance(found, Clear)
        assert found.references == ["a,1"]
        assert why in str(found.because[0])


def test_an_update_that_cannot_be_judged_ends_nothing() -> None:
    """An update that holds later, or for a polygon that cannot be placed, leaves the older warning on air."""
    later = make_message(make_info(effective=NOW + timedelta(hours=1)), type="Update", references=["a,1"])
    assert "does not hold before 2026-08-02 16:30" in refusal(later)
    shape = replace(for_area(polygons=[SQUARE]), type="Update", references=["a,1"])
    assert "position" in refusal(shape, position=None)


@pytest.mark.parametrize(
    ("expires", "holds"),
    [(NOW + timedelta(seconds=1), True), (NOW, False), (NOW - timedelta(days=400), False)],
)
def test_an_expired_message_is_refused(expires: datetime, holds: bool) -> None:
    """From the second of its expiry on a message is not said."""
    message = make_message(make_info(expires=expires), sent=NOW - timedelta(days=500))
    if holds:
        assert said(message)
    else:
        assert f"expired on {expires:%Y-%m-%d %H:%M}" in refusal(message)


@pytest.mark.parametrize(
    ("rank", "pressing"),
    [
        (("Immediate", "Extreme", "Observed"), True),
        (("Expected", "Severe", "Likely"), True),
        (("Future", "Severe", "Likely"), False),
        (("Past", "Extreme", "Observed"), False),
        (("Immediate", "Moderate", "Observed"), False),
        (("Immediate", "Severe", "Possible"), False),
        (("Unknown", "Unknown", "Unknown"), False),
    ],
)
def test_what_is_not_pressing_wakes_nobody(rank: tuple[str, str, str], pressing: bool) -> None:
    """Only an imminent threat sounds at any hour; in place of an older warning, a lesser one ends that."""
    info = replace(make_info(), **dict(zip(("urgency", "severity", "certainty"), rank, strict=True)))
    if pressing:
        assert said(make_message(info))
        return
    assert f"not pressing enough to sound at any hour: {' / '.join(rank)}" in refusal(make_message(info))
    assert isinstance(decided(make_message(info, type="Update", references=["a,1"])), Clear)


def test_a_message_without_expiry_holds_a_day() -> None:
    """Without an expiry a message holds for 24 hours from when it was sent, or from when it takes effect."""
    assert "expired" in refusal(make_message(sent=NOW - timedelta(hours=24)))
    assert said(make_message(sent=NOW - timedelta(hours=23)))
    assert said(make_message(make_info(effective=NOW - timedelta(hours=1)), sent=NOW - timedelta(hours=30)))


def test_an_untrusted_clock_refuses_nothing() -> None:
    """Where the clock is not to be trusted a message counts as just sent, and lasts as long as it says."""
    found = decided(make_message(make_info(expires=NOW + timedelta(hours=1)), sent=NOW), now=None)
    assert isinstance(found, Broadcast)
    assert found.lasts == timedelta(hours=1)


def test_a_sender_s_clock_may_be_a_little_ahead() -> None:
    """A message that was sent some minutes from now, by a clock that is ahead of ours, is said at once."""
    ahead = NOW + timedelta(minutes=20)
    found = decided(make_message(make_info(expires=ahead + timedelta(hours=1)), sent=ahead))
    assert isinstance(found, Broadcast)
    assert found.lasts == timedelta(hours=1)


def test_what_expires_first_ends_first() -> None:
    """Each info lasts for its own time, and the broadcast as long as the last of them."""
    first, last = (make_info(str(hours), expires=NOW + timedelta(hours=hours)) for hours in (1, 3))
    found = decided(make_message(last, first))
    assert isinstance(found, Broadcast)
    assert [one.lasts for one in found.said["vi"]] == [timedelta(hours=3), timedelta(hours=1)]
    assert found.lasts == timedelta(hours=3)


@pytest.mark.parametrize("code", ["03160", "11"])
def test_a_geocode_of_this_place_or_above_it_is_ours(code: str) -> None:
    """A geocode that is this commune's or its province's code means us, whatever it is called."""
    assert said(for_area(geocodes=["99999", code]))


@pytest.mark.parametrize("code", ["3160", "03166", "03160/nam-po", "1", ""])
def test_a_geocode_of_another_place_is_not_ours(code: str) -> None:
    """Codes of neighbours, of one village, or without their zeros do not mean this commune."""
    assert "not for Xã Mường Nhé (03160), Tỉnh Điện Biên (11)" in refusal(for_area(geocodes=[code]))


@pytest.mark.parametrize(
    "description",
    [
        "Xã Mường Nhé",
        "các xã Sín Thầu, Mường Nhé và Nậm Kè",
        "MUONG NHE",
        "Tỉnh Điện Biên; tỉnh Lai Châu",
        "dien bien",
    ],
)
def test_a_name_of_this_place_is_ours(description: str) -> None:
    """Our commune's or province's name in the area's description means us, with or without accents."""
    assert said(for_area(description))


@pytest.mark.parametrize("description", ["Mường", "Xã Sín Thầu", "Mường Nhéo", "Điện, Biên Hòa", "Toàn quốc"])
def test_a_name_of_another_place_is_not_ours(description: str) -> None:
    """Names are looked for as whole words: what only begins as ours does is another place."""
    assert "not for" in refusal(for_area(description))


@pytest.mark.parametrize(
    ("name", "description", "ours"),
    [
        ("Phường 2", "Phường 2, Quận 3", True),
        ("Phường 2", "các phường 1, 2, 3", True),
        ("Phường 2", "mực nước 2 m ở Phường 12", False),
        ("Thành phố Huế", "TP. Huế", True),
        ("Thành phố Huế", "Quảng Trị, Huế", True),
        ("Thành phố Huế", "phố hoa huệ", False),
    ],
)
def test_a_name_of_one_word_needs_its_kind_or_commas(name: str, description: str, ours: bool) -> None:
    """A name of one word means us after its kind or alone between commas, and not within other words."""
    found = decided(for_area(description), here=[make_area("x", name=name)])
    assert isinstance(found, Broadcast) is ours


@pytest.mark.parametrize(
    ("shape", "ours"),
    [
        ({"polygons": [SQUARE]}, True),
        ({"polygons": [[(lat - 1, lon) for lat, lon in SQUARE]]}, False),
        ({"polygons": [[(lat - 1, lon) for lat, lon in SQUARE], SQUARE]}, True),
        ({"polygons": [[*SQUARE[:3], (22.1, 102.9), SQUARE[0]]]}, False),  # its bay is where we are
        ({"circles": [((22.19, 103.46), 104.0)]}, True),  # a degree of longitude is 103.0 km there
        ({"circles": [((22.19, 103.46), 102.0)]}, False),
        ({"circles": [(STATION, 0.0)]}, True),
    ],
)
def test_a_shape_that_holds_the_station_is_ours(shape: dict[str, Any], ours: bool) -> None:
    """A polygon or circle means us if the station stands in it."""
    assert isinstance(decided(for_area(**shape)), Broadcast) is ours


def test_a_shape_needs_the_station_s_position() -> None:
    """A station that does not know where it stands refuses what is for a shape, and says what to set."""
    assert "station.toml: position = [" in refusal(for_area(circles=[(STATION, 5.0)]), position=None)
    assert said(for_area("Điện Biên", circles=[(STATION, 5.0)]), position=None)


def test_only_the_infos_for_this_place_are_said() -> None:
    """Of several infos those are said that are for this place and hold now, in order; the others are told."""
    message = make_message(
        make_info("Một"),
        make_info("Hai", areas=[CapArea("Cà Mau")]),
        make_info("Ba", areas=[CapArea("Cà Mau"), CapArea("Điện Biên")]),
        make_info("Bốn", expires=NOW),
    )
    assert said(message) == {"vi": ["Một.", "Ba."]}
    found = decided(message)
    assert isinstance(found, Broadcast)
    assert [fault.where for fault in found.left_out] == ["info[2]", "info[4]"]


@pytest.mark.parametrize(
    ("language", "tag", "same"),
    [
        ("vi-VN", "vi", True),
        ("VI", "vi", True),
        ("hmn", "hmn-Latn-VN", True),
        ("hmn-VN", "hmn-Latn-VN", True),
        ("mww-Latn", "hmn-Latn-VN", True),
        ("hmn-Hmng", "hmn-Latn-VN", False),
        ("blt", "blt-Latn-VN", True),
        ("twh", "blt-Latn-VN", False),
        ("th", "twh-Latn-VN", False),
        ("en-US", "vi", False),
        ("v", "vi", False),
    ],
)
def test_languages_of_messages_are_those_of_clusters(language: str, tag: str, same: bool) -> None:
    """A message's tag means a cluster's language in whatever country, but not in another script."""
    assert speaks(language, tag) is same


def test_each_language_has_its_infos_and_what_lacks_is_told() -> None:
    """The infos are sorted by the cluster's languages, in its order, and a language without any is named."""
    message = make_message(
        make_info("Lũ"), make_info("Dej", language="hmn"), make_info("Flood", language="en")
    )
    languages = ["hmn-Latn-VN", "vi", "blt-Latn-VN"]
    assert list(said(message, languages=languages).items()) == [("hmn-Latn-VN", ["Dej."]), ("vi", ["Lũ."])]
    found = decided(message, languages=languages)
    assert isinstance(found, Broadcast)
    assert found.lacking == ["blt-Latn-VN"]


def test_a_message_in_no_language_of_this_place_is_refused() -> None:
    """A message in English alone says nothing here, and the refusal says what English may come from."""
    reasons = refusal(make_message(make_info(language="en-US")))
    assert "It is in en-US and not in vi" in reasons
    assert "without <language>" in reasons


def test_what_would_take_too_long_is_refused() -> None:
    """Words that would fill the air for longer than about ten minutes are refused."""
    assert "longer than 10000 letters" in refusal(make_message(make_info("a " * 5001)))
    assert "longer than 10000 letters" in refusal(make_message(*[make_info("a" * 500)] * 21))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"headline": "Lũ quét", "description": "Nước lên!"}, "Lũ quét. Nước lên!"),
        ({"headline": "Lũ", "description": "Lũ", "instruction": "Sơ tán:"}, "Lũ. Sơ tán."),
        ({"headline": "", "description": "Gió\n giật\n\n\nMưa\n"}, "Gió giật. Mưa."),
        ({"headline": ""}, "Lũ ống."),
    ],
)
def test_the_words_are_sentences(given: dict[str, str], text: str) -> None:
    """Headline, description and instruction are said as sentences, each once; else the event alone."""
    assert make_info(**{"event": "Lũ ống"} | given).text == text
