"""CAP messages are read as the standard says, and what is not one does no harm."""

import re
import time
import tracemalloc
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.edges.cap import LARGEST, MOST_FAULTS, NAMESPACE, read
from broadcaster.model.errors import BroadcasterError

MESSAGE = f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="{NAMESPACE}">
  <identifier>VN-DBN-2026-17</identifier>
  <sender>kttv@dienbien.example</sender>
  <sent>2026-08-02T15:30:00+07:00</sent>
  <status>Actual</status>
  <msgType>Update</msgType>
  <source>Đài khí tượng thủy văn</source>
  <scope>Public</scope>
  <code>a</code>
  <code>b</code>
  <references>a@b.example,VN-1,2026-08-02T14:00:00+07:00
    a@b.example,VN-2,2026-08-02T15:00:00-00:00</references>
  <info>
    <language>vi-VN</language>
    <category>Met</category>
    <category>Geo</category>
    <event>Lũ quét</event>
    <responseType>Evacuate</responseType>
    <urgency>Immediate</urgency>
    <severity>Extreme</severity>
    <certainty>Observed</certainty>
    <eventCode><valueName>QĐ18</valueName><value>3</value></eventCode>
    <effective>2026-08-02T15:30:00+07:00</effective>
    <expires>2026-08-02T21:30:00+07:00</expires>
    <headline>Lũ quét ở Mường Nhé</headline>
    <description>Nước suối lên nhanh &amp; mạnh.

      Sạt lở.</description>
    <instruction>Rời bờ suối</instruction>
    <parameter><valueName>x</valueName><value>y</value></parameter>
    <resource>
      <resourceDesc>Bản đồ</resourceDesc>
      <mimeType>image/png</mimeType>
      <size>100</size>
      <uri>https://example.org/a.png</uri>
    </resource>
    <area>
      <areaDesc>Xã Mường Nhé</areaDesc>
      <polygon>22.0,102.0 22.0,103.0 23,103.0 22.0,102.0</polygon>
      <circle>22.19,102.46 5.5</circle>
      <circle>-22.19,+102.46 0</circle>
      <geocode><valueName>ma-xa</valueName><value>03160</value></geocode>
      <geocode><valueName>ma-tinh</valueName><value>11</value></geocode>
      <altitude>100</altitude>
      <ceiling>3000.5</ceiling>
    </area>
    <area><areaDesc>Xã Sín Thầu</areaDesc></area>
  </info>
  <info>
    <category>Met</category>
    <event>Flash flood</event>
    <urgency>Expected</urgency>
    <severity>Severe</severity>
    <certainty>Likely</certainty>
  </info>
</alert>
"""


def faults(data: str | bytes) -> list[str]:
    """What is wrong with *data*."""
    with pytest.raises(BroadcasterError) as refused:
        read(data.encode() if isinstance(data, str) else data)
    return [str(fault) for fault in refused.value.faults]


def changed(old: str, new: str) -> str:
    """The message with the first *old* of it made *new*."""
    assert old in MESSAGE
    return MESSAGE.replace(old, new, 1)


def without(name: str) -> str:
    """The message without its first *name*."""
    found = re.search(rf" *<{name}>.*?</{name}>\n?", MESSAGE, re.DOTALL)
    assert found
    return MESSAGE.replace(found[0], "", 1)


def test_a_message_is_read_whole() -> None:
    """Everything that a station needs of a message stands in what is read."""
    message = read(MESSAGE.encode())
    assert message.key == "kttv@dienbien.example,VN-DBN-2026-17"
    assert message.sent == datetime(2026, 8, 2, 8, 30, tzinfo=UTC)
    assert (message.status, message.type, message.scope) == ("Actual", "Update", "Public")
    assert message.references == ["a@b.example,VN-1", "a@b.example,VN-2"]
    assert message.notes == []
    vi, en = message.infos
    assert vi.text == "Lũ quét ở Mường Nhé. Nước suối lên nhanh & mạnh. Sạt lở. Rời bờ suối."
    assert (vi.language, vi.event, vi.urgency, vi.severity, vi.certainty) == (
        *("vi-VN", "Lũ quét", "Immediate", "Extreme", "Observed"),
    )
    assert message.ends(vi) - message.starts(vi) == timedelta(hours=6)
    assert [area.description for area in vi.areas] == ["Xã Mường Nhé", "Xã Sín Thầu"]
    assert vi.areas[0].polygons == [[(22.0, 102.0), (22.0, 103.0), (23.0, 103.0), (22.0, 102.0)]]
    assert vi.areas[0].circles == [((22.19, 102.46), 5.5), ((-22.19, 102.46), 0.0)]
    assert vi.areas[0].geocodes == ["03160", "11"]
    assert (en.language, en.text, en.areas) == ("en-US", "Flash flood.", [])
    assert message.ends(en) - message.sent == timedelta(hours=24)


def test_prefixes_and_a_byte_order_mark_change_nothing() -> None:
    """Names with a prefix, CDATA, comments and a byte order mark are XML as any other."""
    prefixed = re.sub(r"<(/?)(?=\w)", r"<\1cap:", MESSAGE).replace("xmlns=", "xmlns:cap=")
    prefixed = prefixed.replace("Rời bờ suối", "<!-- nhanh --><![CDATA[Rời bờ suối]]>")
    assert read(b"\xef\xbb\xbf" + prefixed.encode()) == read(MESSAGE.encode())


def test_letters_are_put_together_and_signs_that_are_no_text_taken_out() -> None:
    """Letters apart from their accents are joined, and nothing that steers a terminal is left."""
    words = read(changed("Rời bờ suối", "Ro\u031b\u0300i \x9b2J\u202esuối").encode()).infos[0].instruction
    assert words.startswith("Rời")
    assert words.isprintable()
    foreign = read(changed("<code>", "<x xmlns='urn:\x9b2J'/><code>").encode()).notes
    assert str(foreign[0]).isprintable()
    assert all(fault.isprintable() for fault in faults(changed(NAMESPACE, "urn:\x9b2J")))


@pytest.mark.parametrize(
    "name",
    [
        *("identifier", "sender", "sent", "status", "msgType", "scope", "event", "urgency", "severity"),
        *("certainty", "resourceDesc", "mimeType", "areaDesc", "valueName", "value"),
    ],
)
def test_a_required_element_is_missed(name: str) -> None:
    """A required element that is missing or empty is the one fault that is told, with its name."""
    (fault,) = faults(without(name))
    assert f"<{name}> is missing" in fault
    (fault,) = faults(re.sub(rf"<{name}>.*?</{name}>", f"<{name}> </{name}>", MESSAGE, count=1))
    assert f"/{name}:" in fault
    assert "It is empty." in fault


def test_an_info_needs_a_category() -> None:
    """Of what may stand there several times one at least must."""
    assert faults(re.sub(r"<category>.*?</category>", "", MESSAGE))[0] == (
        "alert/info[1]:14: <category> is missing. Add it: Geo, Met, Safety, Security, Rescue, Fire,"
        " Health, Env, Transport, Infra, CBRNE, Other."
    )


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("status", "alert/status:6"),
        ("msgType", "alert/msgType:7"),
        ("scope", "alert/scope:9"),
        ("category", "alert/info[1]/category[1]:16"),
        ("responseType", "alert/info[1]/responseType[1]:19"),
        ("urgency", "alert/info[1]/urgency:20"),
        ("severity", "alert/info[1]/severity:21"),
        ("certainty", "alert/info[1]/certainty:22"),
    ],
)
def test_only_the_standard_s_words_are_allowed(name: str, where: str) -> None:
    """A word that the standard does not have is refused where it stands, with those that it has."""
    (fault,) = faults(re.sub(rf"<{name}>.*?<", f"<{name}>actual<", MESSAGE, count=1))
    assert fault.startswith(f"{where}: “actual” is not allowed. Write one of these: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("identifier", value) for value in ("a b", "a,b", "a&lt;b", "a&amp;b")),
        *(("sender", value) for value in ("a b", "a,b", "a&lt;b", "a&amp;b")),
        *(
            ("sent", value)
            for value in (
                *("2026-08-02T15:30:00", "2026-08-02 15:30:00+07:00", "2026-08-02T15:30+07:00", "hôm nay"),
                *("2026-02-30T15:30:00+07:00", "2026-08-02T15:30:60+07:00", "2026-08-02T15:30:00+0700"),
                *("2026-08-02T15:30:00+99:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"),
                "２０２６-08-02T15:30:00+07:00",
            )
        ),
        ("effective", "2026-08-02"),
        ("expires", "0"),
        *(("language", value) for value in ("tiếng Việt", "vi_VN", "vi VN")),
        *(
            ("references", value)
            for value in (
                "a,b",
                "a,b,c\nd",
                "a, b,2026-08-02T14:00:00+07:00",
                "a,b,2026-08-02T14:00:00+07:00,d",
            )
        ),
        *(
            ("polygon", value)
            for value in (
                *("22,102 22,103 22,102", "22,102 22,103 23,103 23,102", "22 102 22 103 23 103 22 102"),
                *("91,102 22,103 23,103 91,102", "22,181 22,103 23,103 22,181", "nan,1 2,2 3,3 nan,1"),
                "1e1,1 2,2 3,3 1e1,1",
            )
        ),
        *(("circle", value) for value in ("22,102", "22,102 -1", "22,102,5", "22,102 inf", "22,102 5 km")),
        ("altitude", "cao"),
        ("ceiling", "1 m"),
        ("size", "12 kB"),
    ],
)
def test_what_is_not_of_its_form_is_refused(name: str, value: str) -> None:
    """Times, names, tags, references and shapes have forms, and others are refused where they stand."""
    (fault,) = faults(
        re.sub(rf"<{name}>.*?</{name}>", f"<{name}>{value}</{name}>", MESSAGE, count=1, flags=re.DOTALL)
    )
    assert f"/{name}" in fault
    assert "is not what stands here. Write " in fault
    assert "\n" not in fault


@pytest.mark.parametrize("value", ["2026-08-02T08:30:00Z", "2026-08-02T08:30:00.000-00:00"])
def test_utc_as_others_write_it_is_taken_with_a_note(value: str) -> None:
    """Z and fractions of a second are clear: the message is taken, and the sender's habit told."""
    message = read(changed("2026-08-02T15:30:00+07:00", value).encode())
    assert message.sent == datetime(2026, 8, 2, 8, 30, tzinfo=UTC)
    (note,) = message.notes
    assert note.warning
    assert note.where == "alert/sent"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("<scope>Public", "<scope>Restricted", "<restriction> is missing; <scope> Restricted asks for it"),
        ("<scope>Public", "<scope>Private", "<addresses> is missing; <scope> Private asks for it"),
        ("<altitude>100</altitude>", "", "<altitude> is missing; <ceiling> 3000.5 asks for it"),
        ("<status>", "<status>Actual</status><status>", "alert/status:6: It stands there twice"),
        ("<code>", "<Scope/><code>", "<Scope> does not belong here. Did you mean"),
        ("<event>Lũ", "<event><b xmlns=''>Lũ</b>", "There are elements in it"),
        ("<info>", "<info>Lũ!", "alert/info[1]:14: Text stands between its elements"),
    ],
)
def test_elements_fit_together(old: str, new: str, told: str) -> None:
    """What one element asks of another is judged, and what stands where it does not belong."""
    (fault,) = faults(changed(old, new))
    assert told in fault


@pytest.mark.parametrize("answer", ["Update", "Cancel", "Ack", "Error"])
def test_what_follows_another_message_names_it(answer: str) -> None:
    """Only an alert stands for itself: all other types name the messages that they are about."""
    message = without("references").replace(">Update<", f">{answer}<")
    assert f"<references> is missing; <msgType> {answer} asks for it" in faults(message)[0]
    assert read(without("references").replace(">Update<", ">Alert<").encode()).references == ()


def test_all_faults_are_told_at_once() -> None:
    """Three mistakes in three places are three faults, in the order in which they stand."""
    broken = MESSAGE.replace("Actual", "Real").replace("Immediate", "Now").replace("5.5", "five")
    assert [fault.split(":")[0] for fault in faults(broken)] == [
        *("alert/status", "alert/info[1]/urgency", "alert/info[1]/area[1]/circle[1]"),
    ]


@pytest.mark.parametrize(
    "name", ["language", "references", "effective", "expires", "headline", "polygon", "circle"]
)
def test_an_empty_element_that_may_be_missing_is_missing(name: str) -> None:
    """Senders leave empty what they do not know; it counts as if it were not there."""
    emptied = re.sub(rf"<{name}>.*?</{name}>", f"<{name}/>", MESSAGE, count=1, flags=re.DOTALL)
    dropped = without(name)
    if name == "references":
        emptied, dropped = (one.replace(">Update<", ">Alert<") for one in (emptied, dropped))
    assert read(emptied.encode()) == read(dropped.encode())


def test_signatures_and_foreign_elements_are_passed_over_with_notes() -> None:
    """A signature and what is not of CAP change nothing but two notes."""
    signature = (
        '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><a/></SignedInfo></Signature>'
    )
    extended = changed("</alert>", f'<x xmlns="urn:x"/>{signature}{signature}</alert>')
    notes = [str(note) for note in read(extended.encode()).notes]
    assert len(notes) == 2
    assert "<urn:x x> is not of CAP 1.2" in notes[0]
    assert "signature is not checked" in notes[1]


@pytest.mark.parametrize(
    ("namespace", "told"),
    [
        ("urn:oasis:names:tc:emergency:cap:1.1", "a message of CAP 1.1, not of CAP 1.2"),
        ("http://www.incident.com/cap/1.0", "a message of CAP 1.0, not of CAP 1.2"),
        (
            "http://www.w3.org/2005/Atom",
            "not a CAP message: it begins with <http://www.w3.org/2005/Atom alert>",
        ),
        ("", "not a CAP message: it begins with <alert>"),
    ],
)
def test_only_cap_1_2_is_taken(namespace: str, told: str) -> None:
    """Older versions and other XML are refused with what they are."""
    (fault,) = faults(changed(NAMESPACE, namespace))
    assert told in fault
    assert NAMESPACE in fault


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "It is empty"),
        (b" \n", "It is empty"),
        (b"\xef\xbb\xbf", "not well-formed XML"),
        (b"Lu quet!", "not well-formed XML"),
        (b'{"alert": 1}', "not well-formed XML"),
        (b"<alert>", "not well-formed XML"),
        (b"<a/><b/>", "not well-formed XML"),
        (b"<a:b/>", "not well-formed XML"),
        (b"<a>&nbsp;</a>", "not well-formed XML"),
        (b"<a>\0</a>", "not well-formed XML"),
        (b"<a>&#27;</a>", "not well-formed XML"),
        (MESSAGE.encode("utf-16"), "UTF-16"),
        (
            MESSAGE.replace("UTF-8", "windows-1258").encode("utf-8")[:300] + b"\xfb\xd5",
            "not a text file in UTF-8",
        ),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a text file in UTF-8"),
        (b"<a>" + b" " * LARGEST + b"</a>", "larger than 1000000 bytes"),
    ],
)
def test_what_is_no_xml_in_utf_8_is_refused(data: bytes, told: str) -> None:
    """Empty, cut, binary, too large or otherwise encoded data is refused with what is wrong with it."""
    (fault,) = faults(data)
    assert told in fault


def test_an_encoding_that_it_names_is_never_asked() -> None:
    """The text is read as UTF-8 whatever the first line says, so no decoder is chosen by outsiders."""
    assert read(MESSAGE.replace('"UTF-8"', '"punycode"').encode()) == read(MESSAGE.encode())


BILLION_LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    "doctype",
    [
        f'<!DOCTYPE alert [<!ENTITY l0 "ha">{BILLION_LAUGHS}]>',
        f'<!DOCTYPE alert [<!ENTITY l9 "{"ha" * 100_000}">]>',
        '<!DOCTYPE alert [<!ENTITY l9 SYSTEM "file://{secret}">]>',
        '<!DOCTYPE alert [<!ENTITY % l9 SYSTEM "file://{secret}"> %l9;]>',
        '<!DOCTYPE alert SYSTEM "http://127.0.0.1:9/cap.dtd">',
        '<!DOCTYPE alert PUBLIC "x" "file://{secret}">',
        "<!DOCTYPE alert>",
    ],
)
def test_a_doctype_is_refused_before_it_does_anything(doctype: str, tmp_path: Path) -> None:
    """Entities that grow, files and addresses from outside: with the DOCTYPE all of it is refused unread."""
    secret = tmp_path / "secret"
    secret.write_text("mật khẩu")
    data = doctype.replace("{secret}", str(secret)) + MESSAGE.partition("?>")[2].replace(
        "Rời bờ suối", "&l9;" * 100
    )
    tracemalloc.start()
    try:
        (fault,) = faults(data)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    assert "DOCTYPE" in fault
    assert "mật khẩu" not in fault


def test_elements_do_not_stand_too_deep() -> None:
    """Elements may stand in one another as deep as signatures need, and no deeper."""
    deep = '<x xmlns="urn:x">' * 31 + "</x>" * 31
    assert read(changed("<code>", deep + "<code>").encode()).infos
    assert "More than 32 elements" in faults(changed("<code>", f"<x>{deep}</x><code>"))[0]


def test_other_ways_to_reach_outside_are_words() -> None:
    """XInclude and processing instructions are not followed: the one is foreign, the other nothing."""
    attack = (
        '<?xml-stylesheet href="file:///etc/passwd"?><x:include xmlns:x="urn:x" href="file:///etc/passwd"/>'
    )
    message = read(changed("<code>", attack + "<code>").encode())
    assert message.infos == read(MESSAGE.encode()).infos


@pytest.mark.parametrize(
    "body",
    [
        "<a>" * 100_000 + "</a>" * 100_000,
        "<info/>" * 140_000,
        "<b " + " ".join(f'a{n}="{n}"' for n in range(60_000)) + "/>",
        '<b c="' + "x" * 990_000 + '"/>',
        "<b " + " ".join(f'xmlns:a{n}="u{n}"' for n in range(40_000)) + "/>",
        "<" + "b" * 990_000 + "/>",
        "<event>" + "&amp;" * 190_000 + "</event>",
        "<event>" + "<![CDATA[]]>" * 80_000 + "</event>",
        "<references>" + "a,b,c " * 160_000 + "</references>",
        "<info><area><polygon>" + "1,1 " * 240_000 + "</polygon></area></info>",
        "<sent>" + "9" * 990_000 + "</sent>",
        "<info><area><circle>" + "9" * 900_000 + ",1 1</circle></area></info>",
    ],
    ids=lambda body: body[:12],
)
def test_what_is_made_to_be_heavy_is_refused_in_time(body: str) -> None:
    """Deep, wide, long and repeated: a megabyte of anything is refused in a moment, in few words."""
    began = time.process_time()
    told = faults(f'<alert xmlns="{NAMESPACE}">{body}</alert>')
    assert time.process_time() - began < 5
    assert len(told) <= MOST_FAULTS
    assert max(map(len, told)) < 500


@settings(deadline=None)
@given(st.integers(0, len(MESSAGE.encode())), st.binary(max_size=3), st.integers(0, 40))
def test_broken_messages_are_faults_and_nothing_else(place: int, put: bytes, gone: int) -> None:
    """Whatever a few bytes are changed to, the answer is a message or faults."""
    data = MESSAGE.encode()
    with suppress(BroadcasterError):
        assert read(data[:place] + put + data[place + gone :]).infos
