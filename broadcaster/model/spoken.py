"""Vietnamese as it is written, turned into Vietnamese as a voice should read it."""

import re
from itertools import pairwise
from unicodedata import category, normalize

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")

ABBREVIATIONS = {
    "ANTT": "an ninh trật tự",
    "ATGT": "an toàn giao thông",
    "BHTN": "bảo hiểm thất nghiệp",
    "BHXH": "bảo hiểm xã hội",
    "BHYT": "bảo hiểm y tế",
    "CCCD": "căn cước công dân",
    "CSXH": "chính sách xã hội",
    "DTTS": "dân tộc thiểu số",
    "HCM": "Hồ Chí Minh",
    "HTX": "hợp tác xã",
    "HĐND": "Hội đồng nhân dân",
    "KHHGĐ": "kế hoạch hóa gia đình",
    "KT-XH": "kinh tế xã hội",
    "LHPN": "Liên hiệp Phụ nữ",
    "MTTQ": "Mặt trận Tổ quốc",
    "NN&PTNT": "nông nghiệp và phát triển nông thôn",
    "NTM": "nông thôn mới",
    "NĐ-CP": "nghị định của Chính phủ",
    "PCCC": "phòng cháy chữa cháy",
    "PCTT": "phòng chống thiên tai",
    "QĐ-TTg": "quyết định của Thủ tướng Chính phủ",
    "SĐT": "số điện thoại",
    "THCS": "trung học cơ sở",
    "THPT": "trung học phổ thông",
    "TNXH": "tệ nạn xã hội",
    "TP": "thành phố",
    "UBND": "Ủy ban nhân dân",
}

# Longest first, so that no abbreviation is read as the beginning of another. The slash before a
# document's kind ("49/2024/NĐ-CP") and the dot of "TP. Sơn La" are not spoken.
_ABBREVIATION = re.compile(
    r"(?:(?<=\d)/)?(?<!\w)(?P<short>"
    + "|".join(re.escape(short) for short in sorted(ABBREVIATIONS, key=len, reverse=True))
    + r")(?!\w)(?P<dot>(?<=TP)\. ?(?=\w))?"
)

# Numbers that people call or key in: 1900 545 464, 1900 54 54 64, 1900 9068; a mobile, or a landline with
# its code; and 8 digits or more in one piece. Not years, dates or sums of money.
_PHONE = re.compile(
    r"""(?<![\w.,/+-])(?:
        1[89]00(?:[ .-]?(?:\d{3}[ .-]?\d{3}|\d\d(?:[ .-]\d\d){1,2})|[ .]?\d{4})
      | (?!\d\d[.-]\d\d[.-]\d{4}(?!\d))(?:\+84[ .-]?(?:\(0\)[ .-]?)?|\(?0)
        (?:2(?:(?:[ .-]|\)[ ]?)?\d){8,9}|[35789](?:[ .-]?\d){8})
      | \d{8,}(?![ ]?(?:đ|đồng|VN[DĐ])\b)
    )(?![.,/-]?\d|\w)""",
    re.VERBOSE,
)

# 17h30, 17h, 5:30, 05:30:00, 7h30-11h; not 48h (a length of time), not 24/24h and not "tỉ lệ 1:50".
_TIME = re.compile(
    r"(?<![\w:.,/])(?<![tT][ỉỷ] lệ )(?P<hour>[01]?\d|2[0-4])"
    r"(?:\s?[hH]\s?(?P<past>[0-5]\d)|\s?[hH]|:(?P<minute>[0-5]\d)(?::00)?)(?![\w:]|[.,]\d)"
    r"(?P<until>\s?[-\u2013]\s?(?=\d{1,2}(?:[hH]|:\d)))?"
)

_PERCENT = re.compile(r"(?<=\d)\s?%")


def spoken(text: str) -> str:
    """
    Write out in *text* what a voice would read wrongly: abbreviations, telephone numbers, times, percent.

    Other numbers are left to the voice. The result is NFC, since espeak-ng reads anything else as English,
    and free of control characters, at which a C library stops reading or takes orders.
    """
    text = normalize("NFC", "".join(map(_printable, text)))
    text = _PHONE.sub(_say_phone, text)
    text = _TIME.sub(_say_time, text)
    text = _PERCENT.sub(" phần trăm", text)
    return _ABBREVIATION.sub(_say_abbreviation, text)


def _printable(char: str) -> str:
    if char == "\n" or not category(char).startswith("C"):
        return char
    return "" if category(char) == "Cf" else " "


def _say_abbreviation(found: re.Match[str]) -> str:
    full = ABBREVIATIONS[found["short"]]
    return f"{' ' if found[0].startswith('/') else ''}{full}{' ' if found['dot'] else ''}"


def _say_phone(found: re.Match[str]) -> str:
    groups = [part for group in re.findall(r"\d+", found[0]) for part in _breaths(group)]
    number = ", ".join(" ".join(DIGITS[int(digit)] for digit in group) for group in groups)
    return f"cộng {number}" if found[0].startswith("+") else number


def _breaths(digits: str) -> list[str]:
    """Cut *digits* into what is said in one breath: three or four, the longer first."""
    count = -(-len(digits) // 4)
    size, longer = divmod(len(digits), count)
    ends = [size * i + min(i, longer) for i in range(count + 1)]
    return [digits[start:end] for start, end in pairwise(ends)]


def _say_time(found: re.Match[str]) -> str:
    time = f"{_below_sixty(int(found['hour']))} giờ"
    if minute := int(found["past"] or found["minute"] or 0):
        time += f" {_below_sixty(minute)}" + (" phút" if minute < 10 else "")
    return f"{time} đến " if found["until"] else time


def _below_sixty(number: int) -> str:
    tens, unit = divmod(number, 10)
    if not tens:
        return DIGITS[unit]
    ten = "mười" if tens == 1 else f"{DIGITS[tens]} mươi"
    after_twenty = {1: "mốt", 4: "tư"} if tens > 1 else {}
    return f"{ten} {({0: '', 5: 'lăm'} | after_twenty).get(unit, DIGITS[unit])}".rstrip()
