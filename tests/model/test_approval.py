"""Who vouches for which words and bytes, and what that is worth when they change."""

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.model.approval import Approval, Approvals, Role, bound
from broadcaster.model.approval import given as approved
from broadcaster.model.programme import recipe
from broadcaster.model.recording import Lack, Recording, Recordings
from broadcaster.model.script import Item, Script
from tests.factories import at, make_approvals, make_recording, make_script

MONG = "hmn-Latn-VN"
PLACES = ("03160/nam-po", "03160", "11")
LISTENER, REVIEWER = (Role.LISTENER,), (Role.REVIEWER,)
BOTH = REVIEWER + LISTENER


def script_of(vi: str = "Xin cảm ơn.", mong: str | None = None) -> Script:
    return make_script(items=[Item("loi", {"vi": vi} | ({MONG: mong} if mong is not None else {}))])


def lack(
    script: Script, approvals: Approvals, *recordings: Recording, language: str = "vi", trial: bool = False
) -> Lack | None:
    """What keeps the one item of *script* off the air at Nậm Pố."""
    made = recipe(
        script,
        language,
        PLACES[0],
        PLACES,
        {},
        Recordings(recordings),
        approvals,
        dictionary={},
        voiced=frozenset({"vi"}),
        trial=trial,
    )
    return made.lacks[0][1] if made.lacks else None


def also(
    approvals: Approvals, script: Script, recordings: Sequence[Recording] = (), **given: Any
) -> Approvals:
    """Those, and what is said of *script* after them."""
    return Approvals([*approvals.history, *make_approvals(script, recordings, **given).history])


class TestWhoIsNeeded:
    def test_nothing_is_approved_by_itself(self) -> None:
        """What nobody vouched for does not air."""
        assert lack(script_of(), Approvals()) is Lack.UNAPPROVED
        assert lack(script_of(), Approvals(), make_recording(digest="a")) is Lack.UNAPPROVED

    @pytest.mark.parametrize("roles", [[role] for role in Role if role is not Role.REVIEWER])
    def test_words_for_the_voice_need_their_reviewer_alone(self, roles: list[Role]) -> None:
        """Nobody else's word will do, and no listener is asked for what nobody recorded."""
        script = script_of()
        assert lack(script, make_approvals(script, roles=REVIEWER)) is None
        assert lack(script, make_approvals(script, roles=roles)) is Lack.UNAPPROVED

    @pytest.mark.parametrize("language", ["vi", MONG])
    def test_a_recording_with_words_needs_both(self, language: str) -> None:
        """One who read the words, one who listened to the reading; either alone is not enough."""
        script, one = script_of(mong="Ua tsaug."), make_recording(language=language, digest="a")
        for roles, missing in ((BOTH, None), (REVIEWER, Lack.UNAPPROVED), (LISTENER, Lack.UNAPPROVED)):
            given = make_approvals(script, [one], roles=roles)
            assert lack(script, given, one, language=language) is missing

    def test_a_recording_alone_needs_its_listener_alone(self) -> None:
        """Where nobody wrote the words of a language down there is nothing to read."""
        script, one = script_of(), make_recording(language=MONG, digest="a")
        assert lack(script, make_approvals(script, [one], roles=LISTENER), one, language=MONG) is None
        assert lack(script, make_approvals(script, [one], roles=REVIEWER), one, language=MONG)

    def test_author_and_translator_are_told_and_not_needed(self) -> None:
        """They stand in the history, each of their own languages, and open no way to the air."""
        script, one = script_of(mong="Ua tsaug."), make_recording(language=MONG, digest="a")
        given = make_approvals(script, [one], roles=(Role.AUTHOR, Role.TRANSLATOR))
        assert [(line.role, line.language) for line in given.history] == [
            (Role.AUTHOR, "vi"),
            (Role.TRANSLATOR, MONG),
        ]
        assert lack(script, given, one, language=MONG) is Lack.UNAPPROVED

    def test_an_approval_is_of_one_language(self) -> None:
        """Vietnamese that was approved says nothing of the translation."""
        script, one = script_of(mong="Ua tsaug."), make_recording(language=MONG, digest="a")
        given = make_approvals(script, [one], languages=["vi"])
        assert lack(script, given) is None
        assert lack(script, given, one, language=MONG) is Lack.UNAPPROVED

    def test_an_approval_is_of_one_place(self) -> None:
        """The same bytes at another place need a listener who knows that place."""
        script, own = script_of(), make_recording(area="03160/nam-po", digest="a")
        given = make_approvals(script, [replace(own, area="03160")])
        assert lack(script, given, own) is Lack.UNAPPROVED

    @pytest.mark.parametrize(("mark", "why"), [("stand_in", Lack.STAND_IN), ("broken", Lack.BROKEN)])
    def test_what_is_no_true_recording_is_never_approved(self, mark: str, why: Lack) -> None:
        """A stand-in or a damaged file gets no approval, and is not approved when its mark is taken away."""
        script, one = script_of(), make_recording(digest="a")
        marked = replace(one, **{mark: True})
        given = make_approvals(script, [marked])
        assert lack(script, given, marked) is why
        assert lack(script, given, one) is Lack.UNAPPROVED

    def test_what_became_a_stand_in_can_still_be_taken_back(self) -> None:
        """An approval from before is revoked with it, so that it does not come back with the file."""
        script, one = script_of(), make_recording(digest="a")
        given = make_approvals(script, [one])
        given = also(given, script, [replace(one, broken=True)], revoked=True, roles=LISTENER)
        assert lack(script, given, one) is Lack.UNAPPROVED


class TestWhatChanges:
    @pytest.mark.parametrize("language", ["vi", MONG])
    def test_other_bytes_are_not_approved(self, language: str) -> None:
        """An approval holds for the very bytes that somebody listened to."""
        script, one = script_of(), make_recording(language=language, digest="a")
        given = make_approvals(script, [one])
        assert lack(script, given, replace(one, digest="b"), language=language) is Lack.UNAPPROVED
        assert lack(script, given, replace(one, digest=""), language=language) is Lack.UNAPPROVED

    def test_other_words_are_not_approved(self) -> None:
        """A word changed is a text that nobody read."""
        given = make_approvals(script_of("Khám miễn phí."))
        assert lack(script_of("Khám không miễn phí."), given) is Lack.UNAPPROVED

    def test_another_translation_is_not_approved(self) -> None:
        """The reading is of other words than stand there now."""
        one = make_recording(language=MONG, digest="a")
        given = make_approvals(script_of(mong="Ua tsaug."), [one])
        assert lack(script_of(mong="Ua tsaug ntau."), given, one, language=MONG) is Lack.UNAPPROVED
        assert lack(script_of(), given, one, language=MONG) is Lack.UNAPPROVED

    @pytest.mark.parametrize(("language", "mong"), [(MONG, "Ua tsaug."), (MONG, None), ("vi", None)])
    def test_a_translation_or_a_reading_of_older_words_is_outdated(
        self, language: str, mong: str | None
    ) -> None:
        """When the Vietnamese words change after it was approved, it says other things than they do."""
        one = make_recording(language=language, digest="a")
        given = make_approvals(script_of("Ngày 5.", mong), [one])
        assert lack(script_of("Ngày 6.", mong), given, one, language=language) is Lack.OUTDATED
        assert lack(script_of("Ngày 5.", mong), given, one, language=language) is None

    def test_outdated_goes_before_unapproved(self) -> None:
        """Who wants to mend it must know first that the words changed."""
        one = make_recording(language=MONG, digest="a")
        given = make_approvals(script_of("Ngày 5.", "Hnub 5."), [one], roles=REVIEWER)
        assert lack(script_of("Ngày 6.", "Hnub 5."), given, one, language=MONG) is Lack.OUTDATED

    def test_a_swap_is_not_told_as_outdated(self) -> None:
        """Other bytes were approved by nobody, whatever became of the words."""
        one = make_recording(language=MONG, digest="a")
        given = make_approvals(script_of("Ngày 5."), [one])
        assert lack(script_of("Ngày 6."), given, replace(one, digest="b"), language=MONG) is Lack.UNAPPROVED

    def test_voids_the_one_item_alone(self) -> None:
        """The other items of the script stay approved."""
        items = [Item("a", {"vi": "Một."}), Item("b", {"vi": "Hai."})]
        given = make_approvals(make_script(items=items))
        changed = make_script(items=[items[0], Item("b", {"vi": "Ba."})])
        found = recipe(
            changed, "vi", "11", ["11"], {}, Recordings(), given,
            dictionary={}, voiced=frozenset({"vi"}), trial=False,
        )  # fmt: skip
        assert found.lacks == (("b", Lack.UNAPPROVED),)

    @given(
        words=st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=5), min_size=1, max_size=5),
        spaces=st.lists(
            st.text(st.sampled_from(" \n\t\r\u00a0\u2028"), min_size=1, max_size=3), min_size=6, max_size=6
        ),
        form=st.sampled_from(["NFC", "NFD"]),
    )
    def test_spaces_lines_and_accents_apart_change_nothing(
        self, words: list[str], spaces: list[str], form: Any
    ) -> None:
        """How a text is broken into lines, and whether a Mac wrote it, is not heard."""
        text = " ".join(words)
        other = "".join(space + word for space, word in zip(spaces, words, strict=False)) + spaces[-1]
        item, same = Item("loi", {"vi": text}), Item("loi", {"vi": unicodedata.normalize(form, other)})
        assert bound(item, "vi", None) == bound(same, "vi", None)

    @given(st.text(st.characters(exclude_categories=["Z", "C", "M"]), min_size=1, max_size=20), st.data())
    def test_any_other_letter_changes_the_words(self, text: str, data: st.DataObject) -> None:
        """No two texts that read differently are taken for one another."""
        place = data.draw(st.integers(0, len(text)))
        other = text[:place] + data.draw(st.sampled_from("aZ5.,!đ {")) + text[place:]
        if " ".join(other.split()) != " ".join(text.split()):
            one, another = Item("loi", {"vi": text}), Item("loi", {"vi": other})
            assert bound(one, "vi", None) != bound(another, "vi", None)


class TestTakingBack:
    def test_takes_the_approval_back_and_keeps_the_history(self) -> None:
        """What is revoked does not air; both lines stay, with their names."""
        script = script_of()
        given = also(make_approvals(script, name="Sùng A"), script, name="Giàng B", revoked=True)
        assert lack(script, given) is Lack.UNAPPROVED
        assert [(one.name, one.revoked) for one in given.history] == [("Sùng A", False), ("Giàng B", True)]
        assert given.last(Role.REVIEWER, "vi", "loi", None) is None

    def test_and_approving_again_gives_again(self) -> None:
        """The last word counts, however many went before."""
        script = script_of()
        given = make_approvals(script)
        for revoked, missing in ((True, Lack.UNAPPROVED), (True, Lack.UNAPPROVED), (False, None)):
            given = also(given, script, revoked=revoked)
            assert lack(script, given) is missing
        assert len(given.history) == 4

    def test_of_one_role_leaves_the_other(self) -> None:
        """A listener who takes back does not unsay the reviewer."""
        script, one = script_of(), make_recording(digest="a")
        given = also(make_approvals(script, [one]), script, [one], roles=LISTENER, revoked=True)
        assert lack(script, given, one) is Lack.UNAPPROVED
        assert given.last(Role.REVIEWER, "vi", "loi", None)
        assert lack(script, also(given, script, [one], roles=LISTENER), one) is None

    def test_an_older_approval_does_not_come_back(self) -> None:
        """Approved, changed, approved again, changed back: the words of before need a new approval."""
        before, after = script_of("Ngày 5."), script_of("Ngày 6.")
        given = also(make_approvals(before), after)
        assert lack(after, given) is None
        assert lack(before, given) is Lack.UNAPPROVED


class TestLines:
    def test_limit_what_is_approved(self) -> None:
        """Only the items, languages and places that were named get a line."""
        items = [Item(name, {"vi": name, MONG: name}) for name in ("a", "b")]
        script = make_script(items=items)
        recordings = [
            make_recording(item, MONG, area, digest=item)
            for item in ("a", "b")
            for area in (None, "03160", "11")
        ]

        def lines(**given: Any) -> list[tuple[str, str, str, str | None]]:
            found = make_approvals(script, recordings, **given).history
            return [(one.role.value, one.language, one.item, one.area) for one in found]

        assert lines(items=["b"], roles=REVIEWER) == [
            ("reviewer", "vi", "b", None),
            ("reviewer", MONG, "b", None),
        ]
        assert lines(languages=["vi"]) == [("reviewer", "vi", "a", None), ("reviewer", "vi", "b", None)]
        assert lines(areas=["03160"], roles=LISTENER, items=["a"]) == [("listener", MONG, "a", "03160")]
        assert len(lines(roles=LISTENER)) == 6

    def test_are_of_their_script_alone(self) -> None:
        """An item of the same name in another script is another item."""
        other = make_recording(script="khac", digest="a")
        assert list(make_approvals(script_of(), [other], roles=LISTENER).history) == []

    @given(
        st.text(max_size=30),
        st.sampled_from(Role),
        st.none() | st.text(max_size=9),
        st.booleans(),
        st.datetimes(timezones=st.timezones()),
    )
    def test_come_back_as_they_were_written(
        self, name: str, role: Role, area: str | None, revoked: bool, when: Any
    ) -> None:
        """One line of JSON each, whoever signs it."""
        one = Approval(when, name, role, MONG, "loi", area, "s", "w", "b", revoked)
        assert "\n" not in one.line
        again = Approval.of(one.line)
        assert again == replace(one, at=again.at)
        assert again.at.isoformat() == one.at.isoformat()

    @given(st.data())
    def test_that_were_changed_are_none(self, data: st.DataObject) -> None:
        """Whatever stands in the place of a value: a fault, or an approval whose every value has its type."""
        (one,) = make_approvals(script_of()).history
        told = json.loads(one.line)
        values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
        values |= st.lists(values, max_size=2) | st.dictionaries(st.text(max_size=2), values, max_size=2)
        for key in data.draw(st.lists(st.sampled_from([*told, "thêm"]), max_size=3)):
            told[key] = data.draw(values)
        for key in data.draw(st.lists(st.sampled_from(list(told)), max_size=1)):
            del told[key]
        try:
            found = Approval.of(json.dumps(told))
        except (ValueError, TypeError, KeyError):
            return
        Approvals([found])
        assert found.line == Approval.of(found.line).line
        assert isinstance(found.area, str | None)
        assert isinstance(found.name, str)
        assert found.revoked in (True, False)

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            *(("area", value) for value in (0, False, [], {}, 3160)),
            *(("name", value) for value in (None, 5, ["A"])),
            *(("revoked", value) for value in (None, 1, "false")),
            *(("at", value) for value in (None, 5, "", "2026-11-20", "2026-11-20T17:30:00")),
            *(("role", value) for value in (None, "boss", [])),
            *((key, 5) for key in ("language", "item", "source", "words", "sound")),
        ],
    )
    def test_with_another_type_are_none(self, key: str, value: Any) -> None:
        """A time without its offset, a word that is a number: nobody wrote this with the program."""
        (one,) = make_approvals(script_of()).history
        with pytest.raises((ValueError, TypeError)):
            Approval.of(json.dumps(json.loads(one.line) | {key: value}))


ITEMS, TONGUES, AREAS = ("loi", "ket"), ("vi", MONG), (None, "03160", "03160/nam-po")


@dataclass
class World:
    """What the officers see: texts, files, and what each of them last said, by the things themselves."""

    texts: dict[tuple[str, str], str] = field(
        default_factory=lambda: {(item, "vi"): "lời 0" for item in ITEMS}
    )
    files: dict[tuple[str, str, str | None], str] = field(default_factory=dict)
    stand_ins: set[tuple[str, str, str | None]] = field(default_factory=set)
    said: dict[tuple[Role, str, str, str | None], tuple[str | None, ...]] = field(default_factory=dict)
    approvals: Approvals = field(default_factory=Approvals)

    @property
    def script(self) -> Script:
        texts = {
            item: {tag: self.texts[item, tag] for tag in TONGUES if (item, tag) in self.texts}
            for item in ITEMS
        }
        return make_script(items=[Item(item, text) for item, text in texts.items()])

    @property
    def recordings(self) -> list[Recording]:
        return [
            make_recording(*key, digest=digest, stand_in=key in self.stand_ins)
            for key, digest in self.files.items()
        ]

    def say(self, role: Role, item: str, tag: str, *, revoked: bool) -> None:
        """Add the lines; remember beside them what was meant."""
        self.approvals = Approvals(
            [
                *self.approvals.history,
                *approved(
                    self.script, self.recordings, [role], "A", at("2026-11-01"),
                    languages=[tag], items=[item], revoked=revoked,
                ),
            ]
        )  # fmt: skip
        words = (self.texts.get((item, "vi")), self.texts.get((item, tag)))
        meant: list[tuple[str | None, tuple[str | None, ...]]] = []
        if role is Role.LISTENER:
            for (one, language, area), digest in self.files.items():
                key = (one, language, area)
                if (one, language) == (item, tag) and (revoked or key not in self.stand_ins):
                    meant.append((area, (*words, digest)))
        elif (item, tag) in self.texts:
            meant.append((None, words))
        for area, what in meant:
            if revoked:
                self.said.pop((role, tag, item, area), None)
            else:
                self.said[role, tag, item, area] = what

    def may_sound(self, item: str, tag: str) -> bool:
        """By the rules, in the plainest words."""
        words = (self.texts.get((item, "vi")), self.texts.get((item, tag)))
        area = next((one for one in (PLACES[0], PLACES[1], None) if (item, tag, one) in self.files), "none")
        if area == "none":
            return (
                tag == "vi"
                and words[1] is not None
                and self.said.get((Role.REVIEWER, tag, item, None)) == words
            )
        if (item, tag, area) in self.stand_ins:
            return False
        read = words[1] is None or self.said.get((Role.REVIEWER, tag, item, None)) == words
        heard = (*words, self.files[item, tag, area])
        return read and self.said.get((Role.LISTENER, tag, item, area)) == heard


def edits() -> st.SearchStrategy[list[tuple[str, Any, Any, Any, Any]]]:
    """What officers do, or what happens to their files."""
    what = ["write", "record", "approve", "approve", "approve", "revoke", "stand-in"]
    return st.lists(
        st.tuples(
            st.sampled_from(what), st.sampled_from(ITEMS), st.sampled_from(TONGUES),
            st.sampled_from(AREAS), st.integers(0, 2),
        ),
        max_size=25,
    )  # fmt: skip


def apply(world: World, edit: tuple[str, Any, Any, Any, Any]) -> None:
    what, item, tag, area, number = edit
    match what:
        case "write" if number or tag == "vi":
            world.texts[item, tag] = f"lời {number}"
        case "write":
            world.texts.pop((item, tag), None)
        case "record" if number:
            world.files[item, tag, area] = f"bytes {number}"
        case "record":
            world.files.pop((item, tag, area), None)
        case "stand-in" if number:
            world.stand_ins.add((item, tag, area))
        case "stand-in":
            world.stand_ins.discard((item, tag, area))
        case _:
            for role in (Role.REVIEWER, Role.LISTENER)[: number or 2]:
                world.say(role, item, tag, revoked=what == "revoke")


def sounding(world: World) -> Iterator[tuple[str, str]]:
    for tag in TONGUES:
        made = recipe(
            world.script, tag, PLACES[0], PLACES, {}, Recordings(world.recordings), world.approvals,
            dictionary={}, voiced=frozenset({"vi"}), trial=False,
        )  # fmt: skip
        lacking = {item for item, _ in made.lacks}
        yield from ((item, tag) for item in ITEMS if item not in lacking)


@settings(max_examples=300, deadline=None)
@given(edits())
def test_nothing_unapproved_ever_airs(done: list[tuple[str, Any, Any, Any, Any]]) -> None:
    """Whatever is written, recorded, marked, approved and revoked: what was vouched for sounds, no more."""
    world = World()
    for edit in done:
        apply(world, edit)
        expected = {(item, tag) for item in ITEMS for tag in TONGUES if world.may_sound(item, tag)}
        assert set(sounding(world)) == expected
        restored = Approvals([Approval.of(one.line) for one in world.approvals.history])
        assert restored.history == world.approvals.history
