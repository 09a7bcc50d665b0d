"""The heap of instants, against a plain dictionary."""

from __future__ import annotations

import random

from castray_bridge.probes.timers import Timers


def test_keys_are_due_in_the_order_of_their_instants_and_once() -> None:
    timers: Timers[str] = Timers()
    for key, at in (("c", 3.0), ("a", 1.0), ("b", 2.0), ("d", 9.0)):
        timers.set(key, at)
    assert timers.next() == 1.0
    assert list(timers.due(3.0)) == ["a", "b", "c"]
    assert list(timers.due(3.0)) == []
    assert timers.next() == 9.0


def test_key_that_is_set_again_has_the_last_instant_only() -> None:
    timers: Timers[str] = Timers()
    for at in (5.0, 7.0, 4.0, 6.0):
        timers.set("a", at)
    assert list(timers.due(5.9)) == []
    assert timers.next() == 6.0
    assert list(timers.due(6.0)) == ["a"]
    assert timers.next() is None


def test_cancelled_key_is_not_due() -> None:
    timers: Timers[str] = Timers()
    timers.set("a", 1.0)
    timers.set("b", 2.0)
    timers.cancel("a")
    timers.cancel("never set")
    assert timers.next() == 2.0
    assert list(timers.due(2.0)) == ["b"]


def test_key_may_be_set_while_due_keys_are_taken() -> None:
    timers: Timers[str] = Timers()
    timers.set("a", 1.0)
    taken = []
    for key in timers.due(2.0):
        taken.append(key)
        timers.set(key, 1.5 if len(taken) == 1 else 3.0)
    assert taken == ["a", "a"]
    assert timers.next() == 3.0


def test_key_that_moves_on_again_and_again_has_one_entry() -> None:
    """The deadlines of a healthy node: each is later than the one before."""
    timers: Timers[str] = Timers()
    for step in range(10_000):
        timers.set("a", float(step))
    assert len(timers._heap) == 1
    assert timers.next() == 9999.0


def test_any_course_is_that_of_a_dictionary() -> None:
    chance = random.Random(7)
    timers: Timers[int] = Timers()
    plain: dict[int, float] = {}
    now = 0.0
    for _ in range(5000):
        key = chance.randrange(20)
        match chance.randrange(4):
            case 0 | 1:
                plain[key] = now + chance.randrange(30)
                timers.set(key, plain[key])
            case 2:
                plain.pop(key, None)
                timers.cancel(key)
            case _:
                now += chance.randrange(5)
                expected = {key for key, at in plain.items() if at <= now}
                assert set(timers.due(now)) == expected
                for key in expected:
                    del plain[key]
        assert timers.next() == min(plain.values(), default=None)
