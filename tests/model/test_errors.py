"""What went wrong, in words."""

from broadcaster.model.errors import BroadcasterError, Fault, say


def test_a_text_is_its_template_with_its_values() -> None:
    """A text reads as its English sentence, whatever braces its values hold."""
    assert str(say("“{key}” is missing.", key="{area.name}")) == "“{area.name}” is missing."


def test_a_text_without_values_is_left_alone() -> None:
    """A text that takes no values may hold braces itself."""
    assert str(say('{ airings = 2, per = "week" }')) == '{ airings = 2, per = "week" }'


def test_a_fault_says_where_what_and_what_next() -> None:
    """A fault reads as one line: the place, what is wrong, what to do."""
    fault = Fault("schedules/x.toml", say("“title” is missing."), say("Write it."))
    assert str(fault) == "schedules/x.toml: “title” is missing. Write it."


def test_a_fault_of_no_place_says_no_place() -> None:
    """A fault that lies nowhere in the files begins with what is wrong."""
    assert str(Fault("", say("No sound card."), say("Plug one in."))) == "No sound card. Plug one in."


def test_the_error_carries_every_fault() -> None:
    """All faults are carried and told, not only the first."""
    faults = [Fault(f"{name}.toml", say("It is empty."), say("Fill it.")) for name in "ab"]
    error = BroadcasterError(*faults)
    assert error.faults == tuple(faults)
    assert str(error) == "a.toml: It is empty. Fill it.\nb.toml: It is empty. Fill it."
