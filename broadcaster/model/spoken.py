"""Vietnamese as it is written, turned into Vietnamese as an announcer reads it (northern standard)."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from unicodedata import category, normalize

EMPTY: Mapping[str, str] = MappingProxyType({})

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")

# Only what means one thing wherever it stands: "CT", "BCH", "HS" and the like belong into the officers' own
# dictionary, and "TƯ" is also a word ("THÔNG TƯ").
ABBREVIATIONS = {
    "ANCT": "an ninh chính trị",
    "ANTT": "an ninh trật tự",
    "ATGT": "an toàn giao thông",
    "ATTP": "an toàn thực phẩm",
    "ATVSLĐ": "an toàn vệ sinh lao động",
    "ATVSTP": "an toàn vệ sinh thực phẩm",
    "BCA": "Bộ Công an",
    "BCĐ": "ban chỉ đạo",
    "BGDĐT": "Bộ Giáo dục và Đào tạo",
    "BGTVT": "Bộ Giao thông vận tải",
    "BHTN": "bảo hiểm thất nghiệp",
    "BHXH": "bảo hiểm xã hội",
    "BHYT": "bảo hiểm y tế",
    "BKHCN": "Bộ Khoa học và Công nghệ",
    "BLĐTBXH": "Bộ Lao động, Thương binh và Xã hội",
    "BNNMT": "Bộ Nông nghiệp và Môi trường",
    "BNNPTNT": "Bộ Nông nghiệp và Phát triển nông thôn",
    "BNV": "Bộ Nội vụ",
    "BQL": "ban quản lý",
    "BQP": "Bộ Quốc phòng",
    "BTNMT": "Bộ Tài nguyên và Môi trường",
    "BTTTT": "Bộ Thông tin và Truyền thông",
    "BVHTTDL": "Bộ Văn hóa, Thể thao và Du lịch",
    "BVTV": "bảo vệ thực vật",
    "BVĐK": "bệnh viện đa khoa",
    "BYT": "Bộ Y tế",
    "CBCC": "cán bộ, công chức",
    "CBCCVC": "cán bộ, công chức, viên chức",
    "CCB": "cựu chiến binh",
    "CCCD": "căn cước công dân",
    "CCHC": "cải cách hành chính",
    "CLB": "câu lạc bộ",
    "CMND": "chứng minh nhân dân",
    "CNCH": "cứu nạn cứu hộ",
    "CNTT": "công nghệ thông tin",
    "COVID-19": "cô-vít mười chín",
    "CSGT": "cảnh sát giao thông",
    "CSSK": "chăm sóc sức khỏe",
    "CSXH": "chính sách xã hội",
    "CTCP": "công ty cổ phần",
    "Covid-19": "cô-vít mười chín",
    "Cty CP": "công ty cổ phần",
    "Cty": "công ty",
    "DTTS": "dân tộc thiểu số",
    "GCN": "giấy chứng nhận",
    "GD&ĐT": "giáo dục và đào tạo",
    "GD-ĐT": "giáo dục và đào tạo",
    "GDĐT": "giáo dục và đào tạo",
    "GPLX": "giấy phép lái xe",
    "GPMB": "giải phóng mặt bằng",
    "GTVT": "giao thông vận tải",
    "HCM": "Hồ Chí Minh",
    "HTX": "hợp tác xã",
    "HĐND": "Hội đồng nhân dân",
    "KCN": "khu công nghiệp",
    "KH&CN": "khoa học và công nghệ",
    "KHHGĐ": "kế hoạch hóa gia đình",
    "KHKT": "khoa học kỹ thuật",
    "KT-XH": "kinh tế xã hội",
    "KTXH": "kinh tế xã hội",
    "LHPN": "Liên hiệp Phụ nữ",
    "LLVT": "lực lượng vũ trang",
    "LĐ-TB&XH": "lao động, thương binh và xã hội",
    "LĐTB&XH": "lao động, thương binh và xã hội",
    "LĐTBXH": "lao động, thương binh và xã hội",
    "MTQG": "mục tiêu quốc gia",
    "MTTQ": "Mặt trận Tổ quốc",
    "NHCSXH": "Ngân hàng Chính sách xã hội",
    "NHNN": "Ngân hàng Nhà nước",
    "NLĐ": "người lao động",
    "NN&MT": "nông nghiệp và môi trường",
    "NN&PTNT": "nông nghiệp và phát triển nông thôn",
    "NNPTNT": "nông nghiệp và phát triển nông thôn",
    "NSNN": "ngân sách nhà nước",
    "NTM": "nông thôn mới",
    "NVQS": "nghĩa vụ quân sự",
    "PCCC": "phòng cháy chữa cháy",
    "PCTN": "phòng chống tham nhũng",
    "PCTT": "phòng chống thiên tai",
    "PTDTBT": "phổ thông dân tộc bán trú",
    "PTDTNT": "phổ thông dân tộc nội trú",
    "QP-AN": "quốc phòng, an ninh",
    "QPAN": "quốc phòng, an ninh",
    "QSDĐ": "quyền sử dụng đất",
    "SXH": "sốt xuất huyết",
    "SXKD": "sản xuất kinh doanh",
    "SĐT": "số điện thoại",
    "T.Ư": "Trung ương",
    "TDP": "tổ dân phố",
    "TDTT": "thể dục thể thao",
    "THCS": "trung học cơ sở",
    "THPT": "trung học phổ thông",
    "TKCN": "tìm kiếm cứu nạn",
    "TN&MT": "tài nguyên và môi trường",
    "TNCS": "Thanh niên Cộng sản",
    "TNGT": "tai nạn giao thông",
    "TNHH": "trách nhiệm hữu hạn",
    "TNLĐ": "tai nạn lao động",
    "TNXH": "tệ nạn xã hội",
    "TP": "thành phố",
    "TPHCM": "thành phố Hồ Chí Minh",
    "TT&TT": "thông tin và truyền thông",
    "TTHC": "thủ tục hành chính",
    "TTYT": "trung tâm y tế",
    "TTg": "Thủ tướng Chính phủ",
    "TW": "Trung ương",
    "Tp": "thành phố",
    "UBMTTQ": "Ủy ban Mặt trận Tổ quốc",
    "UBND": "Ủy ban nhân dân",
    "USD": "đô la Mỹ",
    "VH-TT&DL": "văn hóa, thể thao và du lịch",
    "VHTTDL": "văn hóa, thể thao và du lịch",
    "VHVN": "văn hóa văn nghệ",
    "VND": "đồng",
    "VNeID": "vi en i ai đi",
    "VNĐ": "đồng",
    "VPCP": "Văn phòng Chính phủ",
    "VSATTP": "vệ sinh an toàn thực phẩm",
    "VssID": "vi ét ét ai đi",
    "XKLĐ": "xuất khẩu lao động",
    "v/v": "về việc",
    "Đ/c": "Đồng chí",
    "ĐBQH": "đại biểu Quốc hội",
    "ĐBSCL": "đồng bằng sông Cửu Long",
    "ĐT:": "điện thoại:",
    "ĐVTN": "đoàn viên thanh niên",
    "đ/c": "đồng chí",
}

# Before a name and with a dot: "TP. Sơn La", "PGS.TS. Lò Văn".
_TITLES = {
    "BS": "bác sĩ",
    "GS": "giáo sư",
    "KS": "kỹ sư",
    "PGS": "phó giáo sư",
    "TP": "thành phố",
    "TS": "tiến sĩ",
    "TT": "thị trấn",
    "TX": "thị xã",
    "ThS": "thạc sĩ",
    "Tp": "thành phố",
    "Tx": "thị xã",
}
# One letter is safe only inside an address: "xã Mường Nhé, H. Mường Nhé", "Q.1". Elsewhere it is an initial.
_PLACES = {"H": "huyện", "P": "phường", "Q": "quận", "T": "tỉnh", "X": "xã"}
_ROADS = {"Km": "ki-lô-mét", "QL": "quốc lộ", "TL": "tỉnh lộ"}

# The sign of a document, "QĐ-TTg" or "NQ/TW": its kind and who issued it.
_KINDS = {
    "BC": "báo cáo",
    "CT": "chỉ thị",
    "CTr": "chương trình",
    "CV": "công văn",
    "CĐ": "công điện",
    "GM": "giấy mời",
    "HD": "hướng dẫn",
    "KH": "kế hoạch",
    "KL": "kết luận",
    "NQ": "nghị quyết",
    "NĐ": "nghị định",
    "QĐ": "quyết định",
    "TB": "thông báo",
    "TT": "thông tư",
    "TTLT": "thông tư liên tịch",
    "TTr": "tờ trình",
}
_ISSUERS = {  # only there: elsewhere "CP" may be a cost
    "BCS": "ban cán sự",
    "BCT": "Bộ Công Thương",
    "BTC": "Bộ Tài chính",
    "BTP": "Bộ Tư pháp",
    "BXD": "Bộ Xây dựng",
    "CP": "Chính phủ",
    "HU": "Huyện ủy",
    "QH": "Quốc hội",
    "TU": "Tỉnh ủy",
    "UBTVQH": "Ủy ban Thường vụ Quốc hội",
    "ĐU": "Đảng ủy",
}

# Read as these only after a number.
_UNITS = {
    "$": "đô la Mỹ",
    "%": "phần trăm",
    "MW": "mê-ga-oát",
    "W": "oát",
    "cm": "xăng-ti-mét",
    "g": "gam",
    "h": "giờ",
    "ha": "héc-ta",
    "kW": "ki-lô-oát",
    "kWh": "ki-lô-oát giờ",
    "kg": "ki-lô-gam",
    "km": "ki-lô-mét",
    "km2": "ki-lô-mét vuông",
    "km²": "ki-lô-mét vuông",
    "l": "lít",
    "m": "mét",
    "m2": "mét vuông",
    "m3": "mét khối",
    "m²": "mét vuông",
    "m³": "mét khối",
    "mg": "mi-li-gam",
    "ml": "mi-li-lít",
    "mm": "mi-li-mét",
    "oC": "độ xê",
    "°": "độ",
    "°C": "độ xê",
    "º": "độ",
    "ºC": "độ xê",
    "đ": "đồng",
    "đồng": "đồng",
    "độ C": "độ xê",
    "‰": "phần nghìn",
    "₫": "đồng",
}
_ATTACHED = {"V": "vôn", "k": "nghìn", "tr": "triệu"}  # 220V, 250k, 5tr; but "5K", "lớp 5 V"

_OPERATORS = {"+": "cộng", "=": "bằng", "x": "nhân", "×": "nhân"}
_WEB = {
    "-": "gạch ngang",
    ".": "chấm",
    "/": "gạch chéo",
    "@": "a còng",
    "_": "gạch dưới",
    "baohiemxahoi": "bảo hiểm xã hội",
    "chinhphu": "chính phủ",
    "dichvucong": "dịch vụ công",
    "vn": "vê nờ",
    "www": "vê kép vê kép vê kép",
}


def _any(words: Iterable[str]) -> str:
    """A pattern for any of *words*, the longest first, so that none is read as the beginning of another."""
    return f"(?:{'|'.join(re.escape(word) for word in sorted(words, key=len, reverse=True))})"


# The rules. Each begins at the beginning of a word or number (_compiled sees to it), spaces are single.

_NUMBER = (
    r"(?>\d{1,3}(?: \d{3}){1,4}(?= ?(?:đ|đồng|VNĐ|VND)\b)|\d{1,3}(?:\.\d{3}){1,4}(?:,\d{1,9})?"
    r"|\d{1,3}(?:,\d{3}){2,4}|\d{1,15}(?:\.\d{1,9}){0,4}(?:,\d{1,9})?)"
)
_START = r"(?<!\d[.,:/])"  # no part of what only looks like a number: "1:2:3"
_END = r"(?!\w|[.,:/]\d)"
_DASH = " ?[-–] ?"
_AND = " (?:và|hoặc|đến) "
_YEAR = r"(?:19|20)\d\d"
_DAY = r"(?:3[01]|[12]\d|0?[1-9])"
_MONTH = r"(?:1[0-2]|0?[1-9])"
_ROMAN = r"(?:(?=[IVX])X{0,3}(?:IX|IV|V?I{0,3})(?!\w))"
_WORD = r"[^\W\d_]+"
_PER = (
    "(?:buổi|bản|bao|bữa|ca|cây|chiếc|con|cái|giây|giờ|hộ|học sinh|khẩu|kỳ|lao động|lít|lượt|lần|mẫu|năm"
    "|người|ngày|nhân khẩu|phiếu|phút|quý|suất|sào|sổ|thôn|tháng|thẻ|tuần|tạ|tấn|vụ|xã|yến|đêm|đợt"
    rf"|{_any(_UNITS)})(?!\w)"
)

# dichvucong.gov.vn, https://…, ten@tinh.gov.vn
_ADDRESS = (
    r"(?<![.@+/-])(?:https?://)?(?P<site>(?>[A-Za-z0-9_.+-]{1,64}@)?(?>[A-Za-z0-9-]{1,63}\.){1,6}"
    r"(?:vn|com|net|org|info|edu|gov)(?![\w@-]|\.\w)(?:/[\w./-]*[\w/])?)"
)

# Numbers that people call or key in: 1900 545 464, 1900 54 54 64, 1900 9068; a mobile, or a landline with
# its code; and 8 digits or more in one piece. Not years, dates or sums of money.
_PHONE = r"""(?x:(?<![.,/+-])(?:
        1[89]00(?:[ .-]?(?:\d{3}[ .-]?\d{3}|\d\d(?:[ .-]\d\d){1,2})|[ .]?\d{4})
      | (?!\d\d[.-]\d\d[.-]\d{4}(?!\d))(?:\+84[ .-]?(?:\(0\)[ .-]?)?|\(?0)
        (?:2(?:(?:[ .-]|\)[ ]?)?\d){8,9}|[35789](?:[ .-]?\d){8})
      | \d{8,}(?![ ]?(?:đ|đồng|VN[DĐ])\b)
    )(?![.,/-]?\d|\w))"""

# Shorter ones only where the words before them say so: "tổng đài 1022", "gọi 113, 114 hoặc 115".
_SHORT_PHONE = (
    r"(?P<call>(?i:(?:tổng đài|đầu số|hotline|đường dây nóng|điện thoại|gọi số)(?: số)?:?) "
    r"|(?i:gọi(?: (?:cho|số|thoại|tới|điện|đến|ngay)){0,4}) (?=11[1-9](?!\d)))"
    rf"(?!{_PHONE})(?P<called>\d{{3,4}}[ .]\d{{3,4}}|\d{{3,7}}(?:(?:,| hoặc| và) 11[1-9](?!\d)){{0,5}}){_END}"
    r"(?! ?(?:đ|đồng)\b)"
)

# "Nghị định số 49/2024/NĐ-CP", "595/QĐ-BHXH", "28-NQ/TW", "Luật 41/2024/QH15", "Thông tư 12/2024", "QĐ-TTg".
_SIGN = r"[A-ZĐ]{2}[\w&]{0,20}(?:[-/][A-ZĐ]{2}[\w&]{0,20}){0,4}"
_DOCUMENT = (
    rf"(?:(?P<kind>(?i:{_any([*_KINDS.values(), 'luật', 'pháp lệnh'])}))(?P<numbered>(?i: số)?) "
    rf"|(?P<only>(?i:số)) )?{_START}(?P<no>\d{{1,5}})"
    rf"(?:(?:/(?P<year>{_YEAR}))?(?:/|-(?={_any(_KINDS)}/))(?P<sign>{_SIGN})"
    rf"|/(?P<year_only>{_YEAR}){_END}(?(kind)|(?(only)|(?!))))"
    rf"|(?P<bare_sign>{_any(_KINDS)}(?:[-/]{_any(ABBREVIATIONS | _ISSUERS)}){{1,4}})(?!\w)"
)

# A slash between numbers. What is certain: a fraction ("hơn 2/3", "1/2 diện tích"), so many of so many
# ("12/15 thôn"), what can be no date ("45/60"). Where it could be a date, it is one if a word says so, if
# there is a year, or if the first number is not the smaller: announcements name days far oftener than
# improper fractions. "24/7" and "7/7" alone mean "always". Whatever then is left ("3/4") stays as it is.
_ALWAYS = rf"{_START}(?:(?P<round>24h?/24)(?P<clock>h| giờ)?|(?P<week>24/7|7/7)){_END}(?!/)"
_PROPER = f"(?:{'|'.join(f'0?{part}/0?{whole}' for whole in range(2, 13) for part in range(1, whole))})"
_OF_WHOLE = r"(?= (?:chi phí|cốc|diện tích|dân|giá|gói|lượng|mức|số|sào|thìa|thời gian|tổng|viên)\b)"
_OF_ALL = (
    "(?= (?:bản|cơ quan|cơ sở|giờ|hộ|huyện|lớp|môn|ngày|người|phiếu|thành viên|tháng|thôn|tiêu chí|trường"
    r"|tổ|tỉnh|xã|điểm|đơn vị|đại biểu|đảng viên|đồng chí)\b)"
)
_SHARE = (
    r"(?P<rate>(?i:tỉ lệ|tỷ lệ|chiếm|trên|hơn|gần|quá|bằng|giảm|tăng|ít nhất|tối thiểu) )"
    rf"(?P<share>{_PROPER}){_END}|{_START}(?P<bare_share>{_PROPER})(?!\d){_OF_WHOLE}"
)
_OUT_OF = (
    rf"{_START}(?P<out_of>{_PROPER}|(?P<all>0?[1-9]|1[0-2])/(?P=all)){_END}{_OF_ALL}"
    r"|(?P<before>(?i:tỉ lệ|tỷ lệ|số nhà|số|ngõ|ngách|lô|thửa) )(?P<of_place>\d{1,5}[:/]\d{1,5})(?!\w|[:/]\d)"
)
_UNDATED = rf"{_START}(?P<undated>{_NUMBER}/{_NUMBER}){_END}"  # after the dates
_DATE_WORD = (
    rf"(?:ngày|mùng|mồng|hôm|mai|sáng|trưa|chiều|tối|đêm|thứ {_WORD}|chủ nhật|từ|trước|sau|vào|lúc|dịp|lễ"
    rf"|khánh|hạn|(?:nay|qua|đến|hết)(?!,? \d\d?/\d\d?(?:{_OF_WHOLE}|{_OF_ALL})))"  # "hiện nay, 9/10 xã"
)
_WEEKDAY_BEFORE = r"(?i:(?<=thứ \d )|(?<=thứ \d, )|(?<=thứ \d \())"
_DAYS = rf"(?:[12]\d(?:,(?:3[01]|[12]\d)){{1,5}}|{_DAY}(?:{_DASH}{_DAY})?)"  # "20,21/11", but "8,5/10 điểm"
_DATE = (
    rf"(?:{_DAYS}/{_MONTH}(?:/(?:\d{{4}}|\d\d))?|{_DAY}(?:\.{_MONTH}\.|-{_MONTH}-)\d{{4}}|{_MONTH}/{_YEAR})"
    r"(?!\w|[./:]\d)"
)
# "sáng 20-11", but "5-10" is from one to the other.
_LATER = "|".join(f"0?{day}-0?{month}" for day in range(1, 13) for month in range(1, day + 1))
_DATES = (
    rf"(?:(?P<when>(?i:{_DATE_WORD})[,:]? \(?(?i:ngày )?)|(?P<weekday>{_WEEKDAY_BEFORE}))?"
    rf"{_START}(?P<dates>{_DATE}(?:(?:{_DASH}|, ?|{_AND}|{_AND}hết )(?:ngày )?{_DATE}){{0,9}})"
    r"(?P<then>(?= (?:âm lịch|dương lịch|hằng năm|hàng năm|năm nay|tới)))?"
    rf"|(?i:{_DATE_WORD} (?:ngày )?)(?P<dashed>(?:1[3-9]|2\d|3[01])-{_MONTH}|{_LATER}){_END}(?!-)"
)
_ONE_DATE = (
    rf"(?P<said>(?i:ngày|mùng|mồng|hôm) \(?)?(?:(?P<days>{_DAYS})[./-])?(?P<month>{_MONTH})(?!\d)"
    rf"(?:[./-](?P<year>\d{{4}})|/(?P<short>\d\d)(?!\d))?(?P<to>{_DASH}(?=\d|ngày \d))?"
)

# 17h30, 17h, 5:30, 05:30:00, 08 giờ 00 phút, 7h30-11h; not 48h (a length of time) and not 8h/ngày.
_TIME = (
    r"(?<!:)(?<!\d[./])(?P<hour>[01]?\d|2[0-4])"
    r"(?:(?: ?[hH] ?|g| giờ )(?P<past>[0-5]\d)(?:['’]|ph?\b|(?P<minutes> phút))?"
    r"| ?[hH]|:(?P<minute>[0-5]\d)(?::00)?)"
    rf"(?!\w|[.:]\d|/{_PER})(?P<to_time>{_DASH}(?=\d{{1,2}}(?:[hHg]|:\d)))?"
)

# "thứ 2", "thứ 2, 4, 6 hằng tuần", "thứ 7, CN", "tháng 11/2026", "tháng 4-6", "quý IV", "Khóa XV". A number
# that counts what comes after it is no longer one of the list: "tháng 3, 4 người".
_RANKS = (
    rf"(?:{_ROMAN}|\d{{1,3}}(?!\d))(?:(?:{_DASH}|(?:, ?|{_AND})(?!\d+{_DASH}\d))"
    rf"(?:{_ROMAN}|CN\b|\d{{1,2}}(?!\d)"
    r"(?= ?(?:[,.;:!?)/–-]|\n|$|(?:và|hoặc|đến|hằng|hàng|năm|trong|mỗi|này|tới)\b))"
    r"(?![.:]\d|/\d\d?(?!\d)))){0,12}"
)
_ORDINAL = (
    rf"(?P<order>(?i:thứ|tháng|quý|đợt|khóa|khoá|kỳ)) (?P<ranks>{_RANKS})"
    rf"(?:(?:/|{_DASH})(?P<of_year>{_YEAR})(?!/))?{_END}(?P<to_order>{_DASH}(?=(?i:thứ|tháng|quý) [\dIVX]))?"
    r"|(?P<part>(?i:bậc|chương|cấp|giai đoạn|hạng|khu|khu vực|loại|mục|nhóm|phần|phụ lục|quyển|thế kỷ|thế kỉ"
    rf"|tập|tổ|vùng|đại hội|đại hội đảng)) (?P<romans>{_ROMAN}(?:(?:{_DASH}|, ?|{_AND}){_ROMAN}){{0,9}})"
)

# Two numbers side by side, not from one to the other: "tỉ số 2-1", "năm học 2025-2026".
_PAIR = (
    "(?P<pair>(?i:tỉ số|tỷ số|thắng|thua|hòa|hoà|năm học|niên khóa|niên khoá|niên vụ|đông xuân)) "
    rf"(?P<one>\d{{1,4}}) ?[-–:/] ?(?P<other>\d{{1,4}}){_END}"
)
_CHAIN = rf"{_START}(?P<links>\d{{1,15}}(?:-\d{{1,15}}){{2,7}}|\d\d?(?:,\d\d?){{2,20}}){_END}(?!-)"

# A number with what belongs to it: "-5°C", "10-15 kg", "1,5 triệu đồng/ha", "300.000đ/người/tháng",
# "5 năm/lần", "150 mm/24h", "22% x 1.500.000 đồng", "Km 15+200".
_QUANTITY = (
    rf"(?:(?<!-)(?P<minus>[-−])(?={_NUMBER}(?:(?: (?:đến|tới|và) |{_DASH})[-−]?{_NUMBER})? ?(?:°|º|oC|độ C))"
    rf"|{_START})(?P<number>{_NUMBER})(?P<scale> (?:nghìn|ngàn|triệu|tỷ|tỉ)(?!\w))?"
    rf"(?:(?P<attached>(?<=\d\d)k|tr|V)(?!\w)| ?(?!đ/c)(?P<unit>{_any(_UNITS)})(?:(?<=\W)|(?!\w))"
    rf"|{_END}(?: (?P<counted>(?:{_WORD} ){{0,2}}{_WORD})(?=/(?:{_PER}|{_NUMBER} (?:dân|người)\b)))?)"
    rf"(?P<per>(?:/{_PER})+)?(?P<upon>(?<=[^\W\d])/(?=\d))?"
    rf"(?:(?P<until>{_DASH}(?=(?P<next>{_NUMBER})(?!/\d(?!\d{{3}})))(?!0\d\d))"
    r"|(?P<operator> ?[+=] ?| [x×] )(?=\d))?"
)

_OPERATOR = r"(?<=[^\n] )(?P<sum>[+=])(?= )"  # at the beginning of a line it marks a point of a list

_SHORTENED = (
    rf"(?P<title>{_any(_TITLES)})\. ?(?=\w)|(?<=, )(?P<place>{_any(_PLACES)})\. ?(?=[^\W\d_a-z]{_WORD})"
    rf"|(?P<district>Q)\. ?(?=\d)"
    rf"|(?P<road>{_any(_ROADS)})\.? ?(?P<road_no>\d{{1,3}})(?!\d|[.,/]\d)(?P<plus>\+(?=\d))?"
)
_AND_SO_ON = r"v\.?v(?!\w)(?P<stop>\.(?!\.))?"


def spoken(text: str, dictionary: Mapping[str, str] = EMPTY) -> str:
    """
    Write out *text* as an announcer reads it: abbreviations, numbers, dates, times, sums, units, addresses.

    *dictionary* is the officers' own, written form to spoken form; it wins, and its words are said as they
    stand. What is no certain pattern is left to the voice. The result is NFC, since espeak-ng reads anything
    else as English, and free of control characters, at which a C library stops reading or takes orders.
    """
    return _spoken(text, tuple(dictionary.items()))


def in_words(number: int) -> str:
    """A whole number from 0 as it is read: 2005 is "hai nghìn không trăm linh năm"."""
    said: list[str] = []
    for size, name in ((10**9, " tỷ"), (10**6, " triệu"), (1000, " nghìn"), (1, "")):
        count, number = divmod(number, size)
        if count:
            said.append((in_words(count) if count > 999 else _below_thousand(count, after=bool(said))) + name)
    return " ".join(said) or DIGITS[0]


@lru_cache(maxsize=1024)  # every plan asks for the same texts
def _spoken(text: str, dictionary: tuple[tuple[str, str], ...]) -> str:
    own, pattern = _compiled(dictionary)

    def say(found: re.Match[str]) -> str:
        rule = found.lastgroup or ""
        return own[found[0]] if rule == "own" else _RULES[rule][1](found, own)

    return normalize("NFC", pattern.sub(say, _clean(text)))


@lru_cache(maxsize=8)
def _compiled(dictionary: tuple[tuple[str, str], ...]) -> tuple[dict[str, str], re.Pattern[str]]:
    """One pattern of all rules, so that what one of them has read is never read again by another."""
    own = {_clean(written): _clean(said) for written, said in dictionary if _clean(written).strip()}
    rules = "|".join(f"(?P<{name}>{rule})" for name, (rule, _) in _RULES.items())
    first = f"(?P<own>{_whole(own)})|" if own else ""
    return own, re.compile(rf"{first}(?<!\w)(?:{rules})")


def _whole(words: Iterable[str]) -> str:
    """A pattern for any of *words* that is not a part of a longer word or number."""

    def edge(char: str, inside: str, number: str) -> str:
        return (inside if char.isalnum() else "") + (number if char.isdigit() else "")

    return "|".join(
        edge(word[0], r"(?<!\w)", r"(?<!\d[.,:/-])")
        + re.escape(word)
        + edge(word[-1], r"(?!\w)", r"(?![.,:/-]\d)")
        for word in sorted(words, key=len, reverse=True)
    )


def _clean(text: str) -> str:
    return re.sub(" {2,}", " ", normalize("NFC", "".join(map(_printable, text))))


def _printable(char: str) -> str:
    if char == "\n" or (kind := category(char))[0] not in "CZ":
        return char
    return "" if kind == "Cf" else " "


# Numbers.


def _below_thousand(number: int, *, after: bool) -> str:
    """*number* in words; *after* larger ones its hundreds and tens are named even where there are none."""
    hundreds, below = divmod(number, 100)
    tens, unit = divmod(below, 10)
    said = [DIGITS[hundreds], "trăm"] if hundreds or after else []
    if tens:
        said += ["mười"] if tens == 1 else [DIGITS[tens], "mươi"]
    elif unit and said:
        said += ["linh"]
    if unit:
        after_tens = {5: "lăm"} | ({1: "mốt", 4: "tư"} if tens > 1 else {}) if tens else {}
        said += [after_tens.get(unit, DIGITS[unit])]
    return " ".join(said)


def _say_digits(digits: str) -> str:
    return " ".join(DIGITS[int(digit)] for digit in digits)


def _say_code(digits: str) -> str:
    """The number of a document, decimals: a zero in front is said."""
    return _say_digits(digits) if digits.startswith("0") or len(digits) > 3 else in_words(int(digits))


def _say_number(written: str) -> str:
    whole, comma, decimals = _plain(written).partition(",")
    first, *others = whole.split(".")
    code = len(first) > 2 and first.startswith("0")  # "05" is five, "0312" a code
    said = _say_digits(first) if code else in_words(int(first))
    said = " chấm ".join([said, *map(_say_code, others)])
    return f"{said} phẩy {_say_code(decimals)}" if comma else said


def _plain(number: str) -> str:
    """*number* without the dots, commas or spaces between its thousands."""
    number = number.replace(" ", "")
    if re.fullmatch(r"\d{1,3}(?:,\d{3}){2,}", number):
        return number.replace(",", "")
    whole, *decimals = number.split(",")
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+", whole):
        whole = whole.replace(".", "")
    return ",".join([whole, *decimals])


def _size(number: str) -> list[int]:
    return [int(part) for part in re.split("[.,]", _plain(number))]


def _say_numbers(text: str, words: Mapping[int, str] = MappingProxyType({})) -> str:
    """*text* with every number, Roman or not, in words; *words* for those that are said in another way."""

    def say(found: re.Match[str]) -> str:
        value = int(found[0]) if found[0].isdecimal() else _roman(found[0])
        return words.get(value) or in_words(value)

    return re.sub(rf"\d+|(?<!\w){_ROMAN}", say, text)


def _roman(numeral: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10}[char] for char in numeral]
    return sum(-value if value < after else value for value, after in pairwise([*values, 0]))


# One function a rule: what was found, and the officers' own words, into what is said.


def _say_abbreviation(found: re.Match[str], _own: dict[str, str]) -> str:
    return ABBREVIATIONS[found[0]]


def _say_operator(found: re.Match[str], _own: dict[str, str]) -> str:
    return _OPERATORS[found["sum"]]


def _say_shortened(found: re.Match[str], _own: dict[str, str]) -> str:
    if road := found["road"]:
        return f"{_ROADS[road]} {in_words(int(found['road_no']))}" + (" cộng " if found["plus"] else "")
    return f"{_TITLES[found['title']] if found['title'] else _PLACES[found['place'] or found['district']]} "


def _say_and_so_on(found: re.Match[str], _own: dict[str, str]) -> str:
    after = found.string[found.end() : found.end() + 2].strip()[:1]
    ends = found["stop"] and not (after.islower() or (after and after in ",;)"))
    return "vân vân." if ends else "vân vân"


def _say_address(found: re.Match[str], own: dict[str, str]) -> str:
    def say(part: str) -> str:
        known = DIGITS[int(part)] if part.isdecimal() else own.get(part) or ABBREVIATIONS.get(part)
        return known or _WEB.get(part.lower(), part)

    return " ".join(map(say, re.findall(r"\d|[^\W\d_]+|[-./@_]", found["site"])))


def _say_phone(found: re.Match[str], _own: dict[str, str]) -> str:
    number = _in_breaths(found[0])
    return f"cộng {number}" if found[0].startswith("+") else number


def _say_short_phone(found: re.Match[str], _own: dict[str, str]) -> str:
    return found["call"] + re.sub(r"\d+(?:[ .]\d+)?", lambda one: _in_breaths(one[0]), found["called"])


def _in_breaths(number: str) -> str:
    groups = re.findall(r"\d+", number)
    return ", ".join(_say_digits(part) for group in groups for part in _breaths(group))


def _breaths(digits: str) -> list[str]:
    """Cut *digits* into what is said in one breath: three or four, the longer first."""
    count = -(-len(digits) // 4)
    size, longer = divmod(len(digits), count)
    ends = [size * i + min(i, longer) for i in range(count + 1)]
    return [digits[start:end] for start, end in pairwise(ends)]


def _say_document(found: re.Match[str], own: dict[str, str]) -> str:
    """As an announcer says it: the kind once, the number, the year, and of whom."""
    sign = found["sign"] or found["bare_sign"] or ""
    said = found["kind"] + found["numbered"] if found["kind"] else found["only"] or ""
    if found["no"]:
        said += f" {_say_code(found['no']) if found['no'][0] == '0' else in_words(int(found['no']))}"
    if year := found["year"] or found["year_only"]:
        said += f" năm {in_words(int(year))}"
    if sign in own:
        return f"{said}, {own[sign]}".lstrip(" ,")
    first, *others = re.split("[-/]", sign)
    if (kind := _KINDS.get(first)) and kind != (found["kind"] or "").lower():
        said += f", {kind}"
    for place, issuer in enumerate(others if kind else filter(None, [first, *others])):
        words = _say_issuer(issuer, own)  # a department's sign that nobody knows follows as it is
        said += f" của {words}" if not place else f" {words}" if words == issuer else f" và {words}"
    return said.lstrip(" ,")


def _say_issuer(sign: str, own: dict[str, str]) -> str:
    if term := re.fullmatch(r"(QH|UBTVQH)(\d\d?)", sign):  # QH15
        return f"{_ISSUERS[term[1]]} khóa {in_words(int(term[2]))}"
    return (ABBREVIATIONS | own | _ISSUERS).get(sign, sign)


def _say_time(found: re.Match[str], _own: dict[str, str]) -> str:
    time = f"{in_words(int(found['hour']))} giờ"
    if minute := int(found["past"] or found["minute"] or 0):
        time += f" {in_words(minute)}" + (" phút" if minute < 10 or found["minutes"] else "")
    return f"{time} đến " if found["to_time"] else time


def _say_always(found: re.Match[str], _own: dict[str, str]) -> str:
    if found["round"]:
        clock = " giờ" if found["clock"] or "h" in found["round"] else ""
        return f"hai mươi tư trên hai mươi tư{clock}"
    return _side_by_side(found["week"], "trên")


def _say_share(found: re.Match[str], _own: dict[str, str]) -> str:
    part, whole = map(int, (found["share"] or found["bare_share"]).split("/"))
    return f"{found['rate'] or ''}{in_words(part)} phần {'tư' if whole == 4 else in_words(whole)}"


def _say_out_of(found: re.Match[str], _own: dict[str, str]) -> str:
    return f"{found['before'] or ''}{_side_by_side(found['out_of'] or found['of_place'], 'trên')}"


def _say_undated(found: re.Match[str], _own: dict[str, str]) -> str:
    return _side_by_side(found["undated"], "trên")


def _side_by_side(numbers: str, between: str) -> str:
    return f" {between} ".join(map(_say_number, re.split("[/:]", numbers)))


def _say_dates(found: re.Match[str], _own: dict[str, str]) -> str:
    told = any(found[sign] is not None for sign in ("when", "weekday", "then", "dashed"))
    pairs = re.findall(r"(\d+)/(\d+)", found[0])
    if told or re.search(r"\d{4}|/\d+/", found[0]) or any(int(day) >= int(month) for day, month in pairs):
        return re.sub(_ONE_DATE, _say_date, found[0])
    return found[0]


def _say_date(found: re.Match[str]) -> str:
    month = int(found["month"])
    said = found["said"] or ""
    if days := found["days"]:
        days = re.sub(_DASH, " đến ", days.replace(",", ", "))
        said += f"{'' if said else 'ngày '}{_say_numbers(days)} "
    said += f"tháng {'tư' if month == 4 else in_words(month)}"
    if found["year"] or found["short"]:
        said += f" năm {in_words(int(found['year'])) if found['year'] else _say_code(found['short'])}"
    return f"{said} đến " if found["to"] else said


def _say_ordinal(found: re.Match[str], _own: dict[str, str]) -> str:
    order = found["order"] or found["part"]
    words = {"thứ": {1: "nhất", 4: "tư"}, "tháng": {4: "tư"}}.get(order.lower(), {})
    ranks = found["ranks"] or found["romans"]
    dashes = re.findall(_DASH, ranks)
    said = re.sub(_DASH, " đến " if len(dashes) == 1 else ", ", _say_numbers(ranks, words))  # "thứ 2-4-6"
    said = f"{order} {said.replace('CN', 'chủ nhật')}"
    if year := found["of_year"]:
        said += f"{',' if dashes else ''} năm {in_words(int(year))}"
    return f"{said} đến " if found["to_order"] else said


def _say_pair(found: re.Match[str], _own: dict[str, str]) -> str:
    return f"{found['pair']} {_say_number(found['one'])} - {_say_number(found['other'])}"


def _say_chain(found: re.Match[str], _own: dict[str, str]) -> str:
    return ", ".join(map(_say_number, re.split("[-,]", found["links"])))


def _say_quantity(found: re.Match[str], own: dict[str, str]) -> str:
    units = _UNITS | ABBREVIATIONS | own
    number = found["number"]
    counted = " ".join(units.get(word, word) for word in (found["counted"] or "").split())
    unit = _ATTACHED.get(found["attached"]) or units.get(found["unit"] or "") or counted
    if unit.startswith("đồng") and re.fullmatch(r"\d{1,3},\d{3}", number):
        number = number.replace(",", ".")  # nobody has a thousandth of a đồng
    said = ("âm " if found["minus"] else "") + _say_number(number) + (found["scale"] or "")
    said += f" {unit}" if unit else ""
    said += "".join(f" một {units.get(per, per)}" for per in (found["per"] or "").split("/")[1:])
    if found["upon"]:
        return f"{said} trên "
    if operator := found["operator"]:
        return f"{said} {_OPERATORS[operator.strip()]} "
    if not found["until"]:
        return said
    # "10-15" is a range; "2-1" is none, unless the first has a unit of its own: "5 kg - 10 kg".
    upwards = bool(unit or found["scale"]) or _size(number) < _size(found["next"])
    return f"{said} đến " if upwards else f"{said} - "


# In this order, after the officers' dictionary.
_RULES: Mapping[str, tuple[str, Callable[[re.Match[str], dict[str, str]], str]]] = {
    "address": (_ADDRESS, _say_address),
    "phone": (_PHONE, _say_phone),
    "document": (_DOCUMENT, _say_document),
    "short_phone": (_SHORT_PHONE, _say_short_phone),
    "share_rule": (_SHARE, _say_share),
    "out_of_rule": (_OUT_OF, _say_out_of),
    "always": (_ALWAYS, _say_always),
    "dates_rule": (_DATES, _say_dates),
    "undated_rule": (_UNDATED, _say_undated),
    "time": (_TIME, _say_time),
    "ordinal": (_ORDINAL, _say_ordinal),
    "pair_rule": (_PAIR, _say_pair),
    "chain": (_CHAIN, _say_chain),
    "quantity": (_QUANTITY, _say_quantity),
    "operator_rule": (_OPERATOR, _say_operator),
    "shortened": (_SHORTENED, _say_shortened),
    "and_so_on": (_AND_SO_ON, _say_and_so_on),
    "abbreviation": (_whole(ABBREVIATIONS), _say_abbreviation),
}
