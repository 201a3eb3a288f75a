"""What other channels get is of their kind, as long and as loud as the programme, and says the same words."""

import errno
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from unicodedata import normalize

import av
import numpy as np
import pytest
from font_roboto import RobotoBold
from hypothesis import example, given
from hypothesis import strategies as st
from lxml import etree
from PIL import Image, ImageFont

from broadcaster.channels import Caption, Episode, captions, export, feed, radio, ringback, social
from broadcaster.edges.decode import Samples, decode
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.programme import SAMPLE_RATE, Cue
from tests.factories import at
from tests.sounds import level, loudness, part, save, speech, tone

SECONDS = 7.0
CUES = [
    Cue("loi-chao", 1.0, 2.0, "Kính thưa bà con bản Nậm Pố!"),
    Cue("tieng-mong", 3.0, 1.0, ""),
    Cue("loi-moi", 4.0, 2.4, "Gọi 19009068 từ 7h30. Nhà nhà cùng lo,\nngười người cùng vui."),
]
LETTERS = "aàảãáạăằẳẵắặâầẩẫấậeèẻẽéẹêềểễếệiìỉĩíịoòỏõóọôồổỗốộơờởỡớợuùủũúụưừửữứựyỳỷỹýỵđ"


@dataclass
class Heard:
    """What a sound track is."""

    codec: str
    rate: int
    channels: int
    samples: Samples

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def heard(path: Path) -> Heard:
    """A file, read back."""
    with av.open(str(path)) as file:
        stream = file.streams.audio[0]
        codec = stream.codec_context
        return Heard(codec.codec.canonical_name, codec.rate, codec.channels, samples_of(path))


def samples_of(path: Path) -> Samples:
    return np.concatenate(list(decode(path)))


def pieces(folder: Path, samples: Samples) -> list[Path]:
    """A programme of two pieces."""
    folder.mkdir(exist_ok=True)
    half = len(samples) // 2
    return [save(folder / "1.wav", samples[:half]), save(folder / "2.wav", samples[half:])]


@dataclass
class Film:
    """What `social` made."""

    folder: Path
    programme: Samples

    def path(self, shape: str) -> Path:
        return self.folder / f"tin-{shape}.mp4"

    @property
    def srt(self) -> str:
        return (self.folder / "tin.srt").read_text("utf-8")


def frames(path: Path) -> list[Image.Image]:
    """Every picture of a film."""
    with av.open(str(path)) as file:
        return [frame.to_image() for frame in file.decode(video=0)]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    """A film without a cover."""
    folder = tmp_path_factory.mktemp("film")
    samples = speech(SECONDS)
    made = social(
        pieces(folder / "pieces", samples), CUES, "Thẻ bảo hiểm y tế", "Đài mẫu", folder / "out", "tin", None
    )
    assert {path.name for path in made} == names(folder / "out")
    return Film(folder / "out", samples)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


class TestRingback:
    """Before somebody answers."""

    def test_is_what_an_exchange_takes(self, tmp_path: Path) -> None:
        """It comes as A-law WAV and as MP3, both 8 kHz mono and as long as the programme."""
        made = ringback(pieces(tmp_path, speech(8)), tmp_path / "out", "cho")
        assert [path.name for path in made] == ["cho.wav", "cho.mp3"]
        kinds = [heard(path) for path in made]
        assert [(one.codec, one.rate, one.channels) for one in kinds] == [
            ("pcm_alaw", 8000, 1),
            ("mp3", 8000, 1),
        ]
        assert [one.seconds for one in kinds] == pytest.approx([8, 8], abs=0.05)

    @pytest.mark.parametrize(("hertz", "folded"), [(4600, 3400), (5000, 3000), (7000, 1000)])
    def test_does_not_fold_high_tones_down(self, hertz: float, folded: float, tmp_path: Path) -> None:
        """A tone over 4 kHz does not come back as another below it, and what speech needs stays."""
        samples = tone(hertz, 3, -9) + tone(700, 3, -30)
        wav, _ = ringback(pieces(tmp_path, samples), tmp_path, "cho")
        got = part(samples_of(wav), 0.5, 2.5)
        assert level(got, 700) - level(got, folded) > 25

    def test_keeps_to_the_band_of_a_telephone(self, tmp_path: Path) -> None:
        """What lies under 300 Hz, which a telephone turns into rumble, is taken away."""
        wav, _ = ringback(pieces(tmp_path, tone(100, 3, -20) + tone(1000, 3, -20)), tmp_path, "cho")
        got = part(samples_of(wav), 0.5, 2.5)
        assert level(got, 1000) - level(got, 100) > 30

    @pytest.mark.parametrize("before", [-24.0, -9.0])
    def test_is_as_loud_as_a_programme(self, before: float, tmp_path: Path) -> None:
        """However much the band took away, it has the loudness of a programme, and nothing clips."""
        for path in ringback(pieces(tmp_path, speech(8, before)), tmp_path, "cho"):
            got = samples_of(path)
            assert loudness(got) == pytest.approx(-16, abs=0.7)
            assert np.abs(got).max() < 0.8

    def test_does_not_clip(self, tmp_path: Path) -> None:
        """Clicks in quiet speech are held down while the speech comes up."""
        samples = speech(8, -28)
        for second in range(8):
            click = slice(second * SAMPLE_RATE, second * SAMPLE_RATE + SAMPLE_RATE // 100)
            samples[click] = tone(1000, 0.01, -3)
        for path in ringback(pieces(tmp_path, samples), tmp_path, "cho"):
            assert 0.5 < np.abs(samples_of(path)).max() < 0.8

    def test_is_short(self, tmp_path: Path) -> None:
        """What is longer than anybody waits is refused with both lengths and what to do."""
        ringback(pieces(tmp_path, tone(500, 45)), tmp_path / "out", "cho")
        with pytest.raises(BroadcasterError, match=r"46\.5 s.* 45 s.*--item"):
            ringback(pieces(tmp_path, tone(500, 46.5)), tmp_path / "no", "cho")
        assert not (tmp_path / "no").exists()


class TestSocial:
    """A film with its words on it."""

    @pytest.mark.parametrize(("shape", "width"), [("1x1", 1080), ("16x9", 1920)])
    def test_is_what_networks_take(self, shape: str, width: int, film: Film) -> None:
        """H.264 and AAC at 48 kHz, with the index first, in the colours of HD."""
        with av.open(str(film.path(shape))) as file:
            picture = file.streams.video[0].codec_context
            assert (picture.codec.canonical_name, picture.pix_fmt) == ("h264", "yuv420p")
            assert (picture.width, picture.height, picture.colorspace) == (width, 1080, 1)
            assert file.duration is not None
            assert file.duration / av.time_base == pytest.approx(SECONDS, abs=0.05)
        sound = heard(film.path(shape))
        assert (sound.codec, sound.rate) == ("aac", 48_000)
        assert sound.seconds == pytest.approx(SECONDS, abs=0.05)
        assert loudness(sound.samples) == pytest.approx(loudness(film.programme), abs=0.5)
        data = film.path(shape).read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")

    def test_sound_and_words_begin_together(self, film: Film) -> None:
        """The sound is not late against the programme, to a few milliseconds."""
        got, meant = samples_of(film.path("1x1"))[: 4 * SAMPLE_RATE], film.programme[: 4 * SAMPLE_RATE]
        spectrum = np.fft.rfft(got, 8 * SAMPLE_RATE) * np.conj(np.fft.rfft(meant, 8 * SAMPLE_RATE))
        late = int(np.argmax(np.fft.irfft(spectrum)))
        assert min(late, 8 * SAMPLE_RATE - late) / SAMPLE_RATE < 0.005

    @pytest.mark.parametrize("shape", ["1x1", "16x9"])
    def test_words_are_seen_while_they_are_heard(self, shape: str, film: Film) -> None:
        """The lower part of the picture changes when a caption does, and only then; the title stays."""
        shown = list(captions(CUES))
        pictures = [np.asarray(frame.convert("L"), np.int16)[::2, ::2] for frame in frames(film.path(shape))]
        assert len(pictures) == pytest.approx(5 * SECONDS, abs=1)
        times = [(index + 0.5) / 5 for index in range(len(pictures))]
        words = [next((one for one in shown if one.start <= time < one.end), None) for time in times]
        assert len(set(words)) == 1 + len(shown) == 4
        for (before, after), (one, following) in zip(pairwise(pictures), pairwise(words), strict=True):
            changed = np.abs(after - before)
            assert (changed[350:].max() > 100) == (one != following)
            assert changed[:300].max() < 40

    def test_stays_in_the_safe_part(self, film: Film) -> None:
        """Nothing bright, so no letter, comes nearer to an edge than a twentieth of the height."""
        for frame in frames(film.path("1x1"))[::5]:
            bright = np.argwhere(np.asarray(frame.convert("L")) > 180)
            assert bright.min() > 54
            assert bright.max() < 1080 - 54

    def test_very_long_words_and_titles_fit(self, tmp_path: Path) -> None:
        """A title of forty words and a word of sixty letters are made smaller until they fit."""
        cue = Cue("loi", 0.0, 1.0, "W" * 60)
        social(pieces(tmp_path, tone(500, 1)), [cue], "Bảo hiểm " * 20, "S" * 90, tmp_path, "tin", None)
        bright = np.argwhere(np.asarray(frames(tmp_path / "tin-1x1.mp4")[2].convert("L")) > 180)
        assert bright.min() > 54
        assert bright.max() < 1080 - 54

    def test_words_come_as_srt(self, film: Film) -> None:
        """The SRT has every word in order, its times ascend, and each cue's words are in its time."""
        blocks = [block.split("\n") for block in film.srt.strip().split("\n\n")]
        assert [int(number) for number, *_ in blocks] == [1, 2, 3]
        spans = [tuple(map(seconds_of, time.split(" --> "))) for _, time, *_ in blocks]
        flat = [moment for span in spans for moment in span]
        assert flat == sorted(flat)
        assert (flat[0], flat[1], flat[2], flat[-1]) == pytest.approx((1.0, 3.0, 4.0, 6.4))
        words = " ".join(line for _, _, *lines in blocks for line in lines).split()
        assert words == " ".join(cue.text for cue in CUES).split()

    @pytest.mark.parametrize("letter", [*LETTERS, *LETTERS.upper(), *"–…“”·,0"])
    def test_font_has_the_letter(self, letter: str) -> None:
        """Each letter of Vietnamese and Mông has a shape that is not the box for unknown ones."""
        font = ImageFont.truetype(RobotoBold, 40)
        assert bytes(font.getmask(letter)) != bytes(font.getmask("\uffff"))

    def test_letters_in_parts_are_put_together(self) -> None:
        """Text in which tones are characters of their own gives the same captions as text in NFC."""
        assert list(captions([Cue("a", 0, 1, "e\u0302\u0301")])) == [Caption(0, 1, ("ế",))]

    def test_cover_fills_the_picture_upright(self, tmp_path: Path) -> None:
        """A cover that its camera marked as turned stands upright, fills the picture, and is darker."""
        upright = Image.new("RGB", (400, 900), (0, 0, 255))
        upright.paste((255, 0, 0), (0, 0, 400, 400))
        exif = Image.Exif()
        exif[0x0112] = 6
        upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "bia.jpg", exif=exif)
        social(pieces(tmp_path, tone(500, 1)), [], "", "", tmp_path, "tin", tmp_path / "bia.jpg")
        for shape, width in (("1x1", 1080), ("16x9", 1920)):
            picture = frames(tmp_path / f"tin-{shape}.mp4")[0]
            for x in (5, width // 2, width - 5):
                for y, (bright, dark) in ((200, (0, 2)), (900, (2, 0))):
                    seen = colour(picture, x, y)
                    assert 60 < seen[bright] < 160
                    assert max(seen[1], seen[dark]) < 4

    def test_transparent_cover_lies_on_the_ground(self, tmp_path: Path) -> None:
        """Where a cover is transparent, the ground is seen and not some colour that was never meant."""
        Image.new("RGBA", (50, 50), (255, 0, 255, 0)).save(tmp_path / "bia.png")
        social(pieces(tmp_path, tone(500, 1)), [], "", "", tmp_path, "tin", tmp_path / "bia.png")
        red, green, _ = colour(frames(tmp_path / "tin-1x1.mp4")[0], 500, 500)
        assert red < green

    def test_cover_that_is_no_picture_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A cover that is cut off, no picture, not there or huge is an error with its name."""
        Image.effect_noise((300, 300), 50).save(tmp_path / "whole.png")
        data = (tmp_path / "whole.png").read_bytes()
        (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
        (tmp_path / "words.png").write_text("Kính thưa bà con")
        for name in ("cut.png", "words.png", "none.png"):
            with pytest.raises(BroadcasterError, match=rf"{name}: The picture cannot be opened.*JPEG or PNG"):
                social(pieces(tmp_path, tone(500, 1)), [], "", "", tmp_path / "no", "tin", tmp_path / name)
        for limit in (80_000, 20_000):  # of Pillow: it warns from the first, refuses from twice that
            monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
            with pytest.raises(BroadcasterError, match="too large"):
                social([], [], "", "", tmp_path / "no", "tin", tmp_path / "whole.png")
        assert not (tmp_path / "no").exists()


def colour(picture: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    pixel = picture.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return pixel


def seconds_of(time: str) -> float:
    """Of a moment in an SRT."""
    match = re.fullmatch(r"(\d\d):([0-5]\d):([0-5]\d),(\d{3})", time)
    assert match
    hours, minutes, seconds, milli = map(int, match.groups())
    return hours * 3600 + minutes * 60 + seconds + milli / 1000


class TestCaptions:
    """Words cut into what is read at a glance."""

    def test_are_cut_where_one_breathes(self) -> None:
        """A caption ends with its sentence; a long one is cut after a clause, a very short one joined."""
        text = (
            "Thưa bà con! Nay đài nói về thẻ bảo hiểm y tế hộ gia đình ở TP. Sơn La. "
            "Có sức khỏe thì mới ra đồng, lên nương, mới nuôi được con nhỏ, chăm được cha mẹ già. "
            "“Ai có thẻ?” Ta hỏi tại điểm thu của xã."
        )
        assert [" / ".join(one.lines) for one in captions([Cue("a", 0, 30, text)])] == [
            "Thưa bà con! Nay đài nói về thẻ bảo / hiểm y tế hộ gia đình ở TP. Sơn La.",
            "Có sức khỏe thì mới / ra đồng, lên nương,",
            "mới nuôi được con nhỏ, / chăm được cha mẹ già.",
            "“Ai có thẻ?” Ta hỏi / tại điểm thu của xã.",
        ]

    def test_last_as_long_as_they_are_spoken(self) -> None:
        """A telephone number takes as long as its digits, not as one word."""
        first, second = captions([Cue("a", 10, 12, "Xin gọi số 19009068. Xin bà con cùng nhớ cho.")])
        assert (first.start, second.end) == (10, 22)
        assert first.end == second.start == pytest.approx(10 + 12 * 11 / 17)

    @example("\u200b")
    @given(
        st.lists(
            st.text(st.sampled_from("aăđệGW19.,!…-\u0301\u200b\n\x00 "), min_size=1, max_size=60), max_size=40
        ).map(" ".join)
    )
    def test_lose_no_word(self, text: str) -> None:
        """Whatever the text is, its words are all there in order, on at most two lines, one after another."""
        shown = list(captions([Cue("a", 5, 60, text), Cue("b", 65, 1, "Hết.")]))
        clean = " ".join(word for one in shown for line in one.lines for word in line.split())
        assert clean == " ".join(normalize("NFC", f"{text.replace(chr(0), '')} Hết.").split())
        assert all(1 <= len(one.lines) <= 2 for one in shown)
        assert all(len(line) <= 38 or " " not in line for one in shown for line in one.lines)
        moments = [moment for one in shown for moment in (one.start, one.end)]
        assert moments == sorted(moments)
        assert moments[-1] == 66


class TestRadio:
    """For a presenter."""

    def test_sound_is_what_stations_take(self, tmp_path: Path) -> None:
        """WAV of 16 bit and MP3 of 192 kbit/s, both 48 kHz, as long and as loud as the programme."""
        samples = speech(8)
        wav, packed, *_ = radio(pieces(tmp_path, samples), CUES, "Tin", "Đài mẫu", tmp_path, "tin")
        first, second = heard(wav), heard(packed)
        assert (first.codec, first.rate, second.codec, second.rate) == ("pcm_s16le", 48_000, "mp3", 48_000)
        for one in (first, second):
            assert one.seconds == pytest.approx(8, abs=0.05)
            assert loudness(one.samples) == pytest.approx(loudness(samples), abs=0.5)
        assert packed.stat().st_size * 8 / second.seconds == pytest.approx(192_000, rel=0.02)

    def test_cue_sheet(self, tmp_path: Path) -> None:
        """It follows the standard to the letter; quotation marks, which it cannot hold, become others."""
        cues = [Cue("mở đầu", 6.5, 60, ""), Cue('"hai"', 3725.04, 1, "")]
        radio(pieces(tmp_path, tone(500, 1)), cues, 'Tin\n"nóng"', "Đài mẫu", tmp_path, "tin")
        assert (tmp_path / "tin.cue").read_bytes().decode("utf-8").split("\r\n") == [
            'PERFORMER "Đài mẫu"',
            "TITLE \"Tin 'nóng'\"",
            'FILE "tin.wav" WAVE',
            "  TRACK 01 AUDIO",
            '    TITLE "mở đầu"',
            "    INDEX 00 00:00:00",
            "    INDEX 01 00:06:37",
            "  TRACK 02 AUDIO",
            "    TITLE \"'hai'\"",
            "    INDEX 01 62:05:03",
            "",
        ]

    def test_rundown(self, tmp_path: Path) -> None:
        """It lists every item and the whole; what looks like HTML is shown as it is."""
        cues = [Cue("mot", 1, 69.6, "Một <b>&\nhai\x08"), Cue("hai", 71, 9, "")]
        *_, html = radio(
            pieces(tmp_path, tone(500, 2)),
            cues,
            "Tin <i>",
            "Đài & mẫu",
            tmp_path,
            "tin",
            lambda text: f"[{text}]",
        )
        root = etree.HTML(html.read_bytes())
        assert root.get("lang") == "vi"
        assert [root.findtext(".//title"), root.findtext(".//h1"), root.findtext(".//p")] == [
            "Tin <i>",
            "Tin <i>",
            "Đài & mẫu",
        ]
        rows = [[cell.text or "" for cell in row] for row in root.iter("tr")]
        assert rows == [
            ["[No.]", "[Item]", "[Start]", "[Length]", "[Words]"],
            ["1", "mot", "0:01", "1:10", "Một <b>&\nhai"],
            ["2", "hai", "1:11", "0:09", ""],
        ]
        assert root.findall(".//p")[-1].text == "[Items: 2. Length: 0:02.]"

    def test_cue_sheet_has_an_end(self, tmp_path: Path) -> None:
        """More items than a cue sheet can number are refused, not left out."""
        cues = [Cue(str(index), index, 1, "") for index in range(100)]
        with pytest.raises(BroadcasterError, match=r"100 items.* 99"):
            radio([], cues, "", "", tmp_path, "tin")


class TestFeed:
    """A podcast."""

    def episode(self, folder: Path, name: str, day: int = 1, **given: object) -> Episode:
        to = folder / f"{name}.mp3"
        export(pieces(folder, tone(500, 2)), to)
        known: dict[str, object] = {
            "title": name,
            "description": "Lời",
            "published": at("2026-11-01", "17:30") + timedelta(days=day - 1),
            "seconds": 2.4,
            "file": to,
            "guid": f"dai/{name}",
        }
        return Episode(**known | given)  # type: ignore[arg-type]

    def test_has_the_right_numbers(self, tmp_path: Path) -> None:
        """Each episode has its address, true size, kind, length, moment and a guid; the newest is first."""
        episodes = [self.episode(tmp_path, "tin cũ"), self.episode(tmp_path, "moi", 20)]
        (path,) = feed(episodes, "Đài mẫu", "https://dai.vn/tin/", "Bản tin", "vi", tmp_path)
        channel = etree.parse(path).getroot()[0]
        assert [channel.findtext(name) for name in ("title", "link", "description", "language")] == [
            "Đài mẫu",
            "https://dai.vn/tin/",
            "Bản tin",
            "vi",
        ]
        itunes = "{http://www.itunes.com/dtds/podcast-1.0.dtd}"
        assert channel.findtext(f"{itunes}author") == "Đài mẫu"
        new, old = channel.findall("item")
        enclosure = old.find("enclosure")
        assert enclosure is not None
        assert dict(enclosure.attrib) == {
            "url": "https://dai.vn/tin/tin%20c%C5%A9.mp3",
            "length": str((tmp_path / "tin cũ.mp3").stat().st_size),
            "type": "audio/mpeg",
        }
        assert [old.findtext(name) for name in ("title", "guid", "pubDate", f"{itunes}duration")] == [
            "tin cũ",
            "dai/tin cũ",
            "Sun, 01 Nov 2026 17:30:00 +0700",
            "2",
        ]
        assert new.findtext("title") == "moi"
        guid = old.find("guid")
        assert guid is not None
        assert guid.get("isPermaLink") == "false"

    def test_says_the_same_again(self, tmp_path: Path) -> None:
        """The same episodes give the same feed to the byte: nothing in it depends on when it was written."""
        episodes = [self.episode(tmp_path, "tin")]
        first, second = (
            feed(episodes, "Đài", "https://dai.vn", "Bản tin", "vi", tmp_path)[0].read_bytes() for _ in "12"
        )
        assert first == second
        assert b"01 Nov 2026 17:30:00 +0700</lastBuildDate>" in first

    def test_holds_any_words(self, tmp_path: Path) -> None:
        """Characters that XML cannot hold are left out, and what looks like XML is shown as it is."""
        one = self.episode(tmp_path, "tin", title="a\x00\x1b<b>&\ud800\ufffe", description="\x0bLời\x85")
        (path,) = feed([one], "Đài\x07", "https://dai.vn", "\x01Bản tin", "vi", tmp_path)
        channel = etree.parse(path).getroot()[0]
        assert [channel.findtext("title"), channel.findtext("description")] == ["Đài", "Bản tin"]
        assert [channel.findtext("item/title"), channel.findtext("item/description")] == ["a<b>&", "Lời"]

    def test_episode_is_an_mp3(self, tmp_path: Path) -> None:
        """An episode has the length and loudness of its programme, in a file that a telephone can fetch."""
        samples = speech(8)
        export(pieces(tmp_path, samples), tmp_path / "out" / "tin.mp3")
        one = heard(tmp_path / "out" / "tin.mp3")
        assert (one.codec, one.channels) == ("mp3", 1)
        assert one.seconds == pytest.approx(8, abs=0.05)
        assert loudness(one.samples) == pytest.approx(loudness(samples), abs=0.5)
        assert (tmp_path / "out" / "tin.mp3").stat().st_size == pytest.approx(8 * 64_000 / 8, rel=0.1)

    @pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "opus", "ogg", "m4a"])
    def test_sound_is_written_as_its_ending_says(self, tmp_path: Path, ending: str) -> None:
        """Every usual kind holds the whole programme at its loudness."""
        samples = speech(4)
        export(pieces(tmp_path, samples), tmp_path / f"tin.{ending}")
        one = heard(tmp_path / f"tin.{ending}")
        assert one.seconds == pytest.approx(4, abs=0.1)
        assert loudness(one.samples) == pytest.approx(loudness(samples), abs=0.5)

    def test_unknown_endings_are_refused(self, tmp_path: Path) -> None:
        """What no player knows is not written; the known endings are named."""
        with pytest.raises(BroadcasterError, match=r"Use one of: \.wav"):
            export(pieces(tmp_path, speech(1)), tmp_path / "tin.doc")


Channel = Callable[[list[Path], Path], object]
CHANNELS: list[Channel] = [
    lambda sound, folder: ringback(sound, folder, "tin"),
    lambda sound, folder: social(sound, CUES, "Tin", "", folder, "tin", None),
    lambda sound, folder: radio(sound, CUES, "Tin", "", folder, "tin"),
    lambda sound, folder: export(sound, folder / "tin.mp3"),
]
FINAL = ("tin.wav", "tin.mp3", "tin.srt", "tin-1x1.mp4", "tin-16x9.mp4", "tin.cue", "tin.html")


@pytest.mark.parametrize("make", CHANNELS)
class TestWhole:
    """All of a channel's files or none."""

    def test_a_damaged_piece_changes_nothing(self, make: Channel, tmp_path: Path) -> None:
        """If a piece is damaged, the error names it, and what was there before stays."""
        out = tmp_path / "out"
        out.mkdir()
        for name in FINAL:
            (out / name).write_text("before")
        first, second = pieces(tmp_path, tone(500, 2))
        second.write_text("no sound")
        with pytest.raises(BroadcasterError, match=r"2\.wav"):
            make([first, second], out)
        assert names(out) == set(FINAL)
        assert {(out / name).read_text() for name in FINAL} == {"before"}

    def test_a_full_disk_is_told(
        self, make: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If the disk is full, the error says so and what to do, and no file has its final name."""

        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(BroadcasterError, match=r"cannot be written: the disk is full\. See"):
            make(pieces(tmp_path, tone(500, 1)), tmp_path / "out")
        assert names(tmp_path / "out") == set()
