"""The files of a new station. Nothing in them sounds until an officer switches it on."""

import json
from collections.abc import Iterable

STATION = """\
name = "{name}"
area = "{area}"                          # mã xã / the commune's code, in areas.toml
timezone = "Asia/Ho_Chi_Minh"

[hours]                                 # giờ được phép phát / when loudspeakers may sound
allowed = [[05:00:00, 06:30:00], [16:30:00, 18:30:00]]
session_minutes = 30                    # một buổi dài nhất / the longest session
sessions_per_day = 2

[[cluster]]                             # mỗi đường loa một cụm / one for each output
id = "trung-tam"
name = "Khu trung tâm xã"
area = "{area}"
languages = ["vi"]                      # thêm "hmn-Latn-VN" (Mông), "blt-Latn-VN", "twh-Latn-VN" (Thái)
sink = "card:default"                   # hoặc / or: card:TÊN, file:THƯ-MỤC, null
profile = "horn"                        # loa nén ngoài trời; loa thùng / full-range: "full"
"""

AREAS = """\
# Địa bàn: mã, tên, ngày mã có hiệu lực; và những gì kịch bản được nói về nơi ấy.
# Areas: code, name, the day from which the code holds; and what scripts may say of the place.

[[area]]
code = "{area}"
name = "{area_name}"
kind = "commune"                        # province, commune, village
from = 2025-07-01
collection_point = "Ủy ban nhân dân xã"
"""

SCHEDULE = """\
title   = "Thử loa"
script  = "thu-loa"
areas   = ["{area}"]
enabled = false                         # đổi thành true thì mới phát / nothing sounds until this is true

[[rule]]
weekdays = ["mon"]                      # mon tue wed thu fri sat sun
times    = [17:00:00]
"""

SCRIPT = '''\
title = "Thử loa"
# Nhóm đối tượng / whom it is for:
# everyone, farmers, households, small-traders, cooperative-members, village-officers
group = "everyone"

[[item]]
id    = "thu-loa"
pause = 0.5                             # giây lặng sau mục này / seconds of silence after it

[item.text]
vi = """
Kính thưa bà con {{commune.name}}. Đây là chương trình thử loa của đài truyền thanh xã.
Xin cảm ơn bà con đã lắng nghe.
"""
'''


PROVINCE = """\
# Nội dung của tỉnh, gửi xuống các đài xã: broadcaster province publish
# The province's content; stations get what concerns them. Their own hours, clusters and languages stay
# theirs.
name = "{name}"
area = "{area}"
timezone = "Asia/Ho_Chi_Minh"

[hours]                                 # giờ thật do từng đài giữ / each station keeps its own
allowed = [[00:00:00, 23:59:59]]
session_minutes = 1440
sessions_per_day = 48

[[cluster]]                             # không ra loa / no loudspeaker: for looking and listening
id = "tinh"
name = "{name}"
area = "{area}"
languages = ["vi"]                      # thêm những tiếng mà tỉnh duyệt / and what else the province approves
sink = "null"
"""

PROVINCE_AREAS = """\
# Các xã của tỉnh; thêm thôn, bản khi kịch bản hay lịch phát nói riêng với nơi ấy.
# The province's communes; add villages where a schedule or a script is for them alone.
"""

COMMUNE = """
[[area]]
code = "{code}"
name = "{name}"
kind = "commune"
from = 2025-07-01
"""


def of_province(area: str, name: str, communes: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The text of each file of a province's content, by its path."""
    listed = "".join(COMMUNE.format(code=code, name=called) for code, called in communes)
    return {
        "schedules/station.toml": PROVINCE.format(name=name, area=area),
        "schedules/areas.toml": PROVINCE_AREAS + listed,
        ".gitignore": "/var/\n",
    }


def files(name: str, area: str, area_name: str) -> dict[str, str]:
    """The text of each file, by its path below the station's folder."""
    values = {"name": name, "area": area, "area_name": area_name}
    escaped = {  # TOML and JSON write texts alike
        key: json.dumps(value.encode("utf-8", "replace").decode(), ensure_ascii=False)[1:-1]
        for key, value in values.items()
    }
    texts = {
        "schedules/station.toml": STATION,
        "schedules/areas.toml": AREAS,
        "schedules/thu-loa.toml": SCHEDULE,
        "audio/thu-loa/script.toml": SCRIPT,
    }
    return {path: text.format(**escaped) for path, text in texts.items()} | {".gitignore": "/var/\n"}
