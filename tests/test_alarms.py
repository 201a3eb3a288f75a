"""What is wrong at present."""

import logging
from threading import Thread

import pytest

from broadcaster.alarms import Alarm, Alarms
from broadcaster.model.errors import Fault, say
from tests.fakes import FakeClock

DISK = Fault("var", say("The disk is full."), say("Make room."))


def silent_for(seconds: float) -> Fault:
    return Fault("nam-po", say("Silent for {seconds} s.", seconds=seconds), say("Look at the amplifier."))


def test_an_alarm_is_present_from_when_it_was_raised_until_it_is_cleared() -> None:
    """An alarm keeps the time at which it was first raised, and is gone when it is cleared."""
    clock = FakeClock()
    alarms, began = Alarms(clock), clock.now()
    alarms.raise_alarm("disk", DISK)
    clock.advance(60)
    alarms.raise_alarm("disk", DISK)
    assert alarms.present == [Alarm("disk", began, DISK.what, DISK.next, "var")]
    alarms.clear("disk")
    assert alarms.present == []


def test_alarms_stand_in_the_order_in_which_they_began() -> None:
    """The oldest alarm comes first, whichever was raised last."""
    alarms = Alarms(FakeClock())
    for key in ("disk", "card", "disk"):
        alarms.raise_alarm(key, DISK)
    assert [alarm.key for alarm in alarms.present] == ["disk", "card"]


def test_only_what_changes_is_told_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """However often an alarm is raised or cleared, its beginning is told once, and so is its end."""
    told: list[tuple[str, bool]] = []
    alarms = Alarms(FakeClock(), lambda alarm, begins: told.append((alarm.key, begins)))
    with caplog.at_level(logging.INFO, logger="broadcaster"):
        for _ in range(3):
            alarms.raise_alarm("disk", DISK)
        for _ in range(3):
            alarms.clear("disk")
        alarms.clear("card")
    assert told == [("disk", True), ("disk", False)]
    assert caplog.messages == [
        "disk: var: The disk is full. Make room.",
        "disk: it is over: The disk is full.",
    ]


def test_new_values_are_kept_but_not_told_again() -> None:
    """An alarm that counts seconds is told once, and shows the newest count."""
    told: list[str] = []
    alarms = Alarms(FakeClock(), lambda alarm, _begins: told.append(str(alarm.what)))
    for seconds in (10, 11, 12):
        alarms.raise_alarm("card", silent_for(seconds))
    assert told == ["Silent for 10 s."]
    assert [str(alarm.what) for alarm in alarms.present] == ["Silent for 12 s."]


def test_another_fault_of_the_same_key_is_told() -> None:
    """What turns into something else is told again, with the time at which it began."""
    told: list[Alarm] = []
    clock = FakeClock()
    alarms, began = Alarms(clock, lambda alarm, _begins: told.append(alarm)), clock.now()
    alarms.raise_alarm("card", DISK)
    clock.advance(5)
    alarms.raise_alarm("card", silent_for(10))
    assert [(str(alarm.what), alarm.since) for alarm in told] == [
        ("The disk is full.", began),
        ("Silent for 10 s.", began),
    ]


def test_who_is_told_may_look_and_raise_another() -> None:
    """What is called on a change sees the alarm among those present, and may raise one itself."""
    alarms = Alarms(FakeClock())
    alarms.on_change = lambda alarm, _begins: (
        alarms.raise_alarm("other", DISK) if alarm.key == "disk" else None
    )
    alarms.raise_alarm("disk", DISK)
    assert [alarm.key for alarm in alarms.present] == ["disk", "other"]


def test_threads_that_agree_tell_it_once() -> None:
    """Many threads that raise and clear the same alarm tell begin and end in turn."""
    told: list[bool] = []
    alarms = Alarms(FakeClock(), lambda _alarm, begins: told.append(begins))

    def work() -> None:
        for _ in range(200):
            alarms.raise_alarm("disk", DISK)
            alarms.clear("disk")

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [True, False] * (len(told) // 2)
    assert alarms.present == []
