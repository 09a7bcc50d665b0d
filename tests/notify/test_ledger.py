"""What each address has taken, and for how long that is remembered."""

from __future__ import annotations

import re

from notify.ledger import FINISHED_SECONDS, UNFINISHED_SECONDS, Ledger
from testkit.clocks import ManualClock
from testkit.paths import ROOT


def test_what_was_taken_is_known_and_nothing_else() -> None:
    ledger = Ledger(ManualClock())
    ledger.record((1, "g"), "a")
    assert ledger.has((1, "g"), "a")
    assert not ledger.has((2, "g"), "a")
    assert not ledger.has((1, "g"), "b")


def test_another_content_takes_the_place_of_the_one_before() -> None:
    ledger = Ledger(ManualClock())
    for content in ("firing", "resolved"):
        ledger.record(1, content)
    assert not ledger.has(1, "firing")


def test_while_another_address_fails_it_is_remembered_for_hours() -> None:
    clock = ManualClock()
    ledger = Ledger(clock)
    ledger.record(1, "a")
    clock.pass_(UNFINISHED_SECONDS - 1)
    assert ledger.has(1, "a")
    clock.pass_(2)
    assert not ledger.has(1, "a")


def test_once_all_have_it_a_reminder_gets_through() -> None:
    clock = ManualClock()
    ledger = Ledger(clock)
    ledger.record(1, "a")
    ledger.finish([1, 2])
    assert ledger.has(1, "a")  # Alertmanager may have missed the reply
    clock.pass_(FINISHED_SECONDS + 1)
    assert not ledger.has(1, "a")


def test_reminders_of_the_shipped_configuration_come_later_than_that() -> None:
    text = (ROOT / "prometheus/alertmanager.yml").read_text("utf-8")
    hours = [int(number) for number in re.findall(r"repeat_interval: (\d+)h", text)]
    assert min(hours) * 3600 > FINISHED_SECONDS
    assert UNFINISHED_SECONDS == 4 * 3600
    assert 4 in hours


def test_memory_is_bounded_and_forgets_the_oldest() -> None:
    ledger = Ledger(ManualClock())
    for number in range(10_050):
        ledger.record(number, "a")
    assert not ledger.has(0, "a")
    assert ledger.has(10_049, "a")
