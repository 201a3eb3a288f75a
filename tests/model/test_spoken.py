"""What a voice is given to read."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.model.spoken import ABBREVIATIONS, spoken


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("BHXH tự nguyện", "bảo hiểm xã hội tự nguyện"),
        ("BHXH, BHYT/BHTN.", "bảo hiểm xã hội, bảo hiểm y tế/bảo hiểm thất nghiệp."),
        ("UBND và HĐND xã", "Ủy ban nhân dân và Hội đồng nhân dân xã"),
        (
            "TP. Điện Biên Phủ, TP.HCM, TP Sơn La",
            "thành phố Điện Biên Phủ, thành phố Hồ Chí Minh, thành phố Sơn La",
        ),
        ("Nghị định 49/2024/NĐ-CP", "Nghị định 49/2024 nghị định của Chính phủ"),
        ("HTX", "hợp tác xã"),
    ],
)
def test_abbreviations_are_written_out(written: str, read: str) -> None:
    """Known abbreviations become the words they stand for."""
    assert spoken(written) == read


@pytest.mark.parametrize("text", ["BHXHX", "xTP", "TPHCM", "bhxh", "HTX2"])
def test_only_whole_words_are_abbreviations(text: str) -> None:
    """Letters inside another word, or in lower case, are left alone."""
    assert spoken(text) == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1900 9068", "một chín không không, chín không sáu tám"),
        ("19009068", "một chín không không, chín không sáu tám"),
        ("1900.9068", "một chín không không, chín không sáu tám"),
        ("18001091", "một tám không không, một không chín một"),
        ("1900 545 464", "một chín không không, năm bốn năm, bốn sáu bốn"),
        ("1900 54 54 64", "một chín không không, năm bốn, năm bốn, sáu bốn"),
        ("0215 3812 345", "không hai một năm, ba tám một hai, ba bốn năm"),
        ("02153812345", "không hai một năm, ba tám một hai, ba bốn năm"),
        ("(0215) 3812 345", "không hai một năm, ba tám một hai, ba bốn năm"),
        ("0912.345.678", "không chín một hai, ba bốn năm, sáu bảy tám"),
        ("0912-345-678", "không chín một hai, ba bốn năm, sáu bảy tám"),
        ("0912345678", "không chín một hai, ba bốn năm, sáu bảy tám"),
        ("+84 912 345 678", "cộng tám bốn, chín một hai, ba bốn năm, sáu bảy tám"),
        ("mã số 1234567890", "mã số một hai ba bốn, năm sáu bảy, tám chín không"),
        ("Gọi 1900 9068 50 lần.", "Gọi một chín không không, chín không sáu tám 50 lần."),
    ],
)
def test_telephone_numbers_are_read_digit_by_digit(written: str, read: str) -> None:
    """Digits are named one by one, with a breath between groups."""
    assert spoken(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "730.000 lượt",
        "1.500.000.000 đồng",
        "12.345.678 đ",
        "10000000 đồng",
        "năm 2026",
        "năm 1900-1975",
        "05.11.2026",
        "09.12.2026 10 người",
        "01/01/2026",
        "3,75",
        "Công văn 1273",
    ],
)
def test_ordinary_numbers_are_left_to_the_voice(text: str) -> None:
    """Amounts, years and dates are not telephone numbers."""
    assert spoken(text) == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("17h30", "mười bảy giờ ba mươi"),
        ("5:30", "năm giờ ba mươi"),
        ("05:30:00", "năm giờ ba mươi"),
        ("17h", "mười bảy giờ"),
        ("6h00", "sáu giờ"),
        ("5h05", "năm giờ năm phút"),
        ("21h15", "hai mươi mốt giờ mười lăm"),
        ("0h44", "không giờ bốn mươi tư"),
        ("24h", "hai mươi tư giờ"),
        ("10H11", "mười giờ mười một"),
        ("11:14.", "mười một giờ mười bốn."),
        ("7h30-11h", "bảy giờ ba mươi đến mười một giờ"),
        ("5:30 \N{EN DASH} 6:30", "năm giờ ba mươi đến sáu giờ ba mươi"),
    ],
)
def test_times_are_read_as_times(written: str, read: str) -> None:
    """Clock times become words, as people say them."""
    assert spoken(written) == read


@pytest.mark.parametrize(
    "text", ["48h", "24/24h", "tỉ lệ 1:50", "Tỷ lệ 1:10", "1:2:3", "25:30", "5:70", "5:3", "h30"]
)
def test_what_only_looks_like_a_time_is_left_alone(text: str) -> None:
    """Lengths of time, ratios and impossible hours are not clock times."""
    assert spoken(text) == text


def test_percent_is_read() -> None:
    """The sign after a number becomes words; the number stays."""
    assert spoken("30%, 2,5 %") == "30 phần trăm, 2,5 phần trăm"


def test_decomposed_text_is_understood() -> None:
    """Letters whose accents are separate characters are the same letters."""
    text = "Thứ bảy 17h30, HĐND xã họp"

    assert spoken(unicodedata.normalize("NFD", text)) == spoken(text)


def test_control_characters_do_not_reach_the_voice() -> None:
    """What a C library takes as an end or an order is gone; new lines stay."""
    assert spoken("\ufeffBà\0con\x01chú\u200b ý\nnghe") == "Bà con chú ý\nnghe"


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="utf-8")) | st.from_regex(r"[0-9hTPBHX :.,%()+-]*", fullmatch=True))
def test_any_text_can_be_spoken(text: str) -> None:
    """Whatever an officer writes comes out composed and without control characters."""
    read = spoken(text)

    assert unicodedata.is_normalized("NFC", read)
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Cs"} and char != "\n" for char in read)


def test_no_abbreviation_hides_another() -> None:
    """Each abbreviation, alone, is read as its own words."""
    assert {short: spoken(short) for short in ABBREVIATIONS} == ABBREVIATIONS
