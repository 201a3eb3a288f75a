"""A bundle becomes a station's content whole or not at all; what is the commune's own stays."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.edges import keeping, keys
from broadcaster.edges.content import load
from broadcaster.fleet.membership import Membership
from broadcaster.fleet.publishing import KIND, Outbound, Publishing
from broadcaster.fleet.receiving import Receiving, RefusedError, came
from broadcaster.model.bundle import Bundle, File, Taking, change, concerning, merged, taking
from broadcaster.model.errors import BroadcasterError, Fault, say
from tests.factories import at
from tests.fleet.provinces import MORE_AREAS, NOW
from tests.stations import build, write

SEED = keys.new_seed()
MEMBER = Membership("11", "03160", "03160", "h:1", "", [keys.public_key(SEED)], keys.new_seed())
SCRIPT = "audio/bhxh/script.toml"
APPROVALS = "audio/bhxh/approvals.jsonl"


def file(path: str, text: str, *scripts: str) -> File:
    return File(path, hashlib.sha256(text.encode()).hexdigest(), len(text.encode()), scripts)


def bundle(texts: Mapping[str, str], revision: int = 1) -> Bundle:
    return Bundle("11", "03160", revision, [file(path, text) for path, text in texts.items()])


def brought(receiving: Receiving, texts: Mapping[str, str], revision: int = 1) -> Bundle:
    """A bundle whose files came."""
    receiving.parts.mkdir(parents=True, exist_ok=True)
    for text in texts.values():
        (receiving.parts / hashlib.sha256(text.encode()).hexdigest()).write_bytes(text.encode())
    return bundle(texts, revision)


def held(station: Path) -> dict[str, str]:
    """Every file of content, as text."""
    folders = [station / "audio", station / "schedules"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(station).as_posix(): path.read_text("utf-8", "replace") for path in files}


ONE = {SCRIPT: "lời một", "audio/bhxh/recordings/vi/a.ogg": "tiếng", "schedules/bhxh.toml": "lịch"}
TWO = {SCRIPT: "lời hai", "schedules/bhxh.toml": "lịch", "schedules/moi.toml": "mới"}


def test_files_come_change_and_go(tmp_path: Path) -> None:
    """What a bundle names is there; what the next does not name any more is gone, folders and all."""
    receiving = Receiving(tmp_path)
    receiving.take(brought(receiving, ONE))
    assert held(tmp_path) == ONE
    receiving.take(brought(receiving, TWO, 2))
    assert held(tmp_path) == TWO
    assert not (tmp_path / "audio" / "bhxh" / "recordings").exists()
    assert Receiving(tmp_path).revision == 2


def test_what_is_here_already_need_not_come(tmp_path: Path) -> None:
    """A file that only has another name now is taken from the old one."""
    receiving = Receiving(tmp_path)
    receiving.take(brought(receiving, ONE))
    renamed = bundle({SCRIPT: "lời một", "audio/bhxh/recordings/vi/b.ogg": "tiếng"}, 2)
    assert receiving.wanted(renamed) == []
    receiving.take(renamed)
    assert held(tmp_path)["audio/bhxh/recordings/vi/b.ogg"] == "tiếng"


def test_what_was_the_provinces_is_known_again(tmp_path: Path) -> None:
    """A station that forgot what it holds takes what is alike for the province's, and follows it on."""
    receiving = Receiving(tmp_path)
    receiving.take(brought(receiving, ONE))
    (receiving.folder / "held.json").unlink()
    receiving.take(brought(receiving, ONE, 2))
    assert not receiving.kept
    receiving.take(brought(receiving, TWO, 3))
    assert held(tmp_path) == TWO


def test_nothing_is_put_in_place_where_not_all_can_be(tmp_path: Path) -> None:
    """A folder in the way of one file keeps all of them out."""
    receiving = Receiving(tmp_path)
    receiving.take(brought(receiving, ONE))
    (tmp_path / "schedules" / "moi.toml").mkdir()
    with pytest.raises(BroadcasterError, match="A folder lies"):
        receiving.take(brought(receiving, TWO, 2))
    assert held(tmp_path) == ONE


def test_an_edit_after_a_power_cut_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody saved before the rest was put in place is not written over."""
    receiving = Receiving(tmp_path)
    receiving.take(brought(receiving, ONE))
    new = brought(receiving, TWO, 2)
    monkeypatch.setattr(receiving, "_do", lambda _plan: None)  # the power is cut here
    receiving.take(new)
    write(tmp_path, SCRIPT, "lời của xã")
    Receiving(tmp_path).finish()
    assert held(tmp_path) == TWO | {SCRIPT: "lời của xã"}


class Cut(Exception):  # noqa: N818 - the power is no error
    pass


def test_a_power_cut_at_any_moment_leaves_it_to_be_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off after any change of a file, the next start completes it: all of the old or all of the new."""
    real, left = keeping.put, 0

    def put(path: Path, data: bytes, mode: int = 0o600) -> None:
        nonlocal left
        if left == 0:
            raise Cut
        left -= 1
        real(path, data, mode)

    for cut in range(12):
        station = tmp_path / str(cut)
        receiving = Receiving(station)
        monkeypatch.setattr(keeping, "put", real)
        receiving.take(brought(receiving, ONE))
        new = brought(receiving, TWO, 2)
        monkeypatch.setattr(keeping, "put", put)
        left = cut
        try:
            receiving.take(new)
            whole = True
        except Cut:
            whole = False
        monkeypatch.setattr(keeping, "put", real)
        begun = receiving.is_taking
        again = Receiving(station)
        again.finish()
        assert held(station) == (TWO if whole or begun else ONE)
        assert again.revision == (2 if whole or begun else 1)
        assert not again.is_taking
        if whole:
            return
    raise AssertionError


class TestTheCommunesOwn:
    def test_file_stays(self, tmp_path: Path) -> None:
        """A schedule of its own is not replaced by the province's of the same name, and both are told."""
        write(tmp_path, "schedules/bhxh.toml", "của xã")
        receiving = Receiving(tmp_path)
        receiving.take(brought(receiving, ONE))
        assert held(tmp_path) == ONE | {"schedules/bhxh.toml": "của xã"}
        assert [one.path for one in receiving.kept] == ["schedules/bhxh.toml"]

    def test_script_stays_and_is_not_played_for_the_province(self, tmp_path: Path) -> None:
        """With its own script of that name, neither the province's script nor its schedules for it come."""
        write(tmp_path, SCRIPT, "kịch bản của xã")
        receiving = Receiving(tmp_path)
        brought(receiving, ONE)
        files = [
            file(path, text, *(["bhxh"] if path.startswith("sch") else [])) for path, text in ONE.items()
        ]
        receiving.take(Bundle("11", "03160", 1, files))
        assert held(tmp_path) == {SCRIPT: "kịch bản của xã"}
        assert sorted(one.path for one in receiving.kept) == [SCRIPT, "schedules/bhxh.toml"]

    def test_change_stays(self, tmp_path: Path) -> None:
        """What the commune changed of the province's stays changed, until it takes that back."""
        receiving = Receiving(tmp_path)
        receiving.take(brought(receiving, ONE))
        write(tmp_path, "schedules/bhxh.toml", "lịch sửa ở xã")
        newer = TWO | {"schedules/bhxh.toml": "lịch khác"}
        receiving.take(brought(receiving, newer, 2))
        assert held(tmp_path)["schedules/bhxh.toml"] == "lịch sửa ở xã"
        assert [one.path for one in receiving.kept] == ["schedules/bhxh.toml"]
        (tmp_path / "schedules" / "bhxh.toml").unlink()
        receiving.take(brought(receiving, newer, 3))
        assert held(tmp_path) == newer

    def test_recording_in_a_script_of_the_province_stays(self, tmp_path: Path) -> None:
        """Its own recordings lie beside the province's; with the script taken back, the script stays too."""
        receiving = Receiving(tmp_path)
        receiving.take(brought(receiving, ONE))
        write(tmp_path, "audio/bhxh/recordings/hmn-Latn-VN/a.ogg", "tiếng Mông")
        receiving.take(brought(receiving, {"schedules/moi.toml": "mới"}, 2))
        assert held(tmp_path)["audio/bhxh/recordings/hmn-Latn-VN/a.ogg"] == "tiếng Mông"
        assert held(tmp_path)[SCRIPT] == "lời một"
        assert "schedules/bhxh.toml" not in held(tmp_path)

    def test_approvals_stand_beside_the_provinces(self, tmp_path: Path) -> None:
        """Approvals of both are there, in the order in which they were given, each once."""
        build(tmp_path)
        ours = (tmp_path / "audio" / "tin" / "approvals.jsonl").read_text("utf-8").splitlines()
        theirs = [
            json.dumps(
                json.loads(ours[0]) | {"at": "2020-01-01T00:00:00+07:00", "name": "Tỉnh"}, ensure_ascii=False
            )
        ]
        both = merged(
            "".join(f"{line}\n" for line in ours), "".join(f"{line}\n" for line in [*theirs, ours[0]])
        )
        assert both.splitlines() == [*theirs, *ours]


class TestWhatIsRefused:
    def test_is_told_until_it_is_over(self, tmp_path: Path) -> None:
        """What only stood in the way is forgotten when all is here; what somebody forged is not."""
        receiving, wrong = Receiving(tmp_path), BroadcasterError(Fault("", say("wrong"), say("mend it")))
        receiving.refuse("đầy", wrong, NOW(), lasting=False)
        receiving.refuse("giả", wrong, NOW())
        receiving.is_well()
        assert [one["what"] for one in receiving.refused] == ["giả"]

    def test_is_said(self, tmp_path: Path) -> None:
        """Unsigned, for another station, of another province, older: each is refused in words."""
        receiving = Receiving(tmp_path)
        receiving.take(brought(receiving, ONE, 5))
        good = bundle(TWO, 6)

        def why(data: bytes) -> str:
            with pytest.raises(RefusedError) as error:
                receiving.look(data, MEMBER)
            return str(error.value.faults[0].what)

        assert receiving.look(keys.seal(SEED, KIND, good.body), MEMBER).revision == 6
        assert "not signed" in why(b"{}")
        assert "not signed" in why(good.body.encode())
        assert "not trusted" in why(keys.seal(keys.new_seed(), KIND, good.body))
        assert "not signed" in why(keys.seal(SEED, "urgent", good.body))
        assert "meant for" in why(keys.seal(SEED, KIND, Bundle("11", "03163", 6, ()).body))
        assert "meant for" in why(keys.seal(SEED, KIND, Bundle("01", "03160", 6, ()).body))
        assert "older" in why(keys.seal(SEED, KIND, bundle(TWO, 4).body))
        assert "does not understand" in why(keys.seal(SEED, KIND, '{"format": 2}'))
        assert held(tmp_path) == ONE

    @pytest.mark.parametrize(
        "path",
        [
            "schedules/station.toml",
            "schedules/areas.toml",
            "schedules/../../etc/x",
            "/etc/passwd",
            "var/users.json",
            "audio/../var/users.json",
            "audio/.hidden",
            "audio//x",
            "schedules",
            "audio/a\\b",
        ],
    )
    def test_is_a_path_outside_the_content(self, path: str) -> None:
        """Not even the province may write what the station itself is, or anything beside its content."""
        with pytest.raises(ValueError, match=r"schedules|audio|etc|users"):
            Bundle.of(Bundle("11", "03160", 1, [File(path, "0" * 64, 1)]).body)

    def test_is_a_file_other_than_promised(self, tmp_path: Path) -> None:
        """Bytes that are not those that were signed are thrown away."""
        receiving = Receiving(tmp_path)
        brought(receiving, ONE)
        one = file(SCRIPT, "lời một")
        (receiving.parts / one.digest).write_text("khác hẳn", "utf-8")
        with pytest.raises(RefusedError):
            came(receiving.parts / one.digest, one)
        assert not (receiving.parts / one.digest).exists()


PATHS = st.sampled_from(
    [
        SCRIPT,
        "audio/bhxh/recordings/vi/a.ogg",
        "schedules/bhxh.toml",
        "schedules/moi.toml",
        "audio/chimes/x.flac",
    ]
)
FILES = st.dictionaries(PATHS, st.sampled_from("abc"))


@given(FILES, FILES, FILES)
def test_nothing_of_the_commune_is_ever_lost(
    held: dict[str, str], there: dict[str, str], new: dict[str, str]
) -> None:
    """Whatever comes, only what is the province's, as it sent it, is overwritten or taken away."""
    files = [
        File(path, digest, 1, ("bhxh",) if path == "schedules/bhxh.toml" else ())
        for path, digest in new.items()
    ]
    plan: Taking = taking(Bundle("11", "03160", 1, files), held, there)
    own = {path for path, digest in there.items() if held.get(path) != digest}
    assert own.isdisjoint(one.path for one in plan.write)
    assert own.isdisjoint(plan.delete)
    assert {one.path for one in plan.write}.isdisjoint(plan.delete)


@given(FILES, FILES)
def test_a_folder_without_anything_of_its_own_becomes_the_bundle(
    before: dict[str, str], new: dict[str, str]
) -> None:
    """Where the commune made and changed nothing, its folder is exactly what the bundle says."""
    plan = taking(
        Bundle("11", "03160", 1, [File(path, digest, 1) for path, digest in new.items()]), before, before
    )
    after = {path: digest for path, digest in before.items() if path not in plan.delete}
    after |= {one.path: one.digest for one in plan.write}
    assert after == new
    assert not plan.kept


class TestWhatConcernsAStation:
    @pytest.fixture
    def root(self, tmp_path: Path) -> Path:
        """A province with two communes."""
        station = build(tmp_path)
        areas = (station / "schedules" / "areas.toml").read_text("utf-8")
        write(
            station,
            "schedules/areas.toml",
            areas + MORE_AREAS,
        )
        return station

    def of(self, root: Path, commune: str) -> set[str]:
        loaded = load(root)
        assert not loaded.faults
        return {one.path for one in concerning(loaded.content, commune, at("2026-11-20").date())}

    def test_is_what_is_for_it_or_lies_in_it(self, root: Path) -> None:
        """Schedules for its village, its commune, its province; not those for its neighbour."""
        for name, area in {"ban": "03160/nam-po", "xa": "03160", "tinh": "11", "khac": "03163"}.items():
            write(
                root,
                f"schedules/{name}.toml",
                f'title = "T"\nscript = "tin"\nareas = ["{area}"]\n[[rule]]\ntimes = [17:30:00]\n',
            )
        here = {path for path in self.of(root, "03160") if path.startswith("schedules/")}
        there = {path for path in self.of(root, "03163") if path.startswith("schedules/")}
        assert here == {f"schedules/{name}.toml" for name in ("ban", "xa", "tinh", "tin", "areas.province")}
        assert there == {f"schedules/{name}.toml" for name in ("khac", "tinh", "tin")}

    def test_has_the_recordings_that_can_be_heard_there(self, root: Path) -> None:
        """A recording for one village travels to its commune alone."""
        write(root, "audio/tin/recordings/vi/ket@03160+nam-po.mp3", b"1")
        write(root, "audio/tin/recordings/vi/ket@03163.mp3", b"2")
        assert "audio/tin/recordings/vi/ket@03160+nam-po.mp3" in self.of(root, "03160")
        assert "audio/tin/recordings/vi/ket@03163.mp3" not in self.of(root, "03160")
        assert "audio/tin/recordings/hmn-Latn-VN/ket.mp3" in self.of(root, "03163")

    def test_has_of_notes_on_recordings_what_is_heard_there(self, root: Path, tmp_path: Path) -> None:
        """A note on a recording that does not travel would be a fault at the station."""
        write(root, "audio/tin/recordings/vi/ket@03160+nam-po.mp3", b"1")
        notes = (
            '["vi/ket@03160+nam-po"]\nspeaker = "Bà Lò \\"A\\""\n["hmn-Latn-VN/ket.mp3"]\nstand_in = true\n'
        )
        write(root, "audio/tin/recordings.toml", notes)
        publishing = Publishing(root, load(root).content, at("2026-11-20").date(), Outbound(tmp_path / "out"))
        sizes = {
            commune: next(
                one.size
                for one in publishing.offer(commune, commune, None).files
                if one.path.endswith("recordings.toml")
            )
            for commune in ("03160", "03163")
        }
        assert sizes["03160"] > sizes["03163"] > 0

    def test_has_scripts_that_are_scheduled_or_for_emergencies(self, root: Path) -> None:
        """
        A draft that no schedule names stays at the province; what is for emergencies must be there
        before.
        """
        text = (root / "audio" / "tin" / "script.toml").read_text("utf-8")
        write(root, "audio/nhap/script.toml", text)
        write(root, "audio/lu-ve/script.toml", 'class = "emergency"\n' + text)
        assert "audio/nhap/script.toml" not in self.of(root, "03160")
        assert "audio/lu-ve/script.toml" in self.of(root, "03160")

    def test_is_read_there_as_it_was_approved(self, root: Path, tmp_path: Path) -> None:
        """Words, approvals and dictionary hold at a station that has a dictionary of its own."""
        write(root, "audio/dictionary.toml", '"bà con" = "bà con ta"\n')
        parts = {one.path: one for one in concerning(load(root).content, "03160", at("2026-11-20").date())}
        assert parts["audio/tin/dictionary.toml"].text == '"bà con" = "bà con ta"\n'
        station = build(tmp_path / "xa")
        write(station, "audio/dictionary.toml", '"bà con" = "khác"\n')
        write(station, "audio/tin/dictionary.toml", parts["audio/tin/dictionary.toml"].text or "")
        content = load(station).content
        assert content.dictionary_of("tin") == {"bà con": "bà con ta"}
        assert content.dictionary_of("khac") == {"bà con": "khác"}


def test_a_change_counts_what_travels() -> None:
    """Bytes that a station has under another name do not travel again."""
    before = bundle(ONE)
    after = [file("schedules/moi.toml", "lịch"), file("schedules/to.toml", "x" * 1000)]
    told = change("03160", before, after)
    assert (told.travels, len(told.added), len(told.removed)) == (1000, 2, 3)
