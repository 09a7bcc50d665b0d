"""What each address has taken, and for how long that is remembered."""

from __future__ import annotations

import re
from pathlib import Path

from notify.ledger import FINISHED_SECONDS, UNFINISHED_SECONDS, Ledger
from notify.ledger_file import FILE_NAME, MOST, LedgerFile
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


def test_restart_knows_what_was_taken_and_for_how_long(tmp_path: Path) -> None:
    before, after = ManualClock(), ManualClock()
    ledger = Ledger(before, LedgerFile(tmp_path, before))
    ledger.record((1, "g"), [("M1", True, 7.5)])
    ledger.record((2, "g"), "b")
    ledger.finish([(2, "g")])
    # A reboot: the monotonic clock begins anew, the other one goes on.
    after.pass_(-500)
    after.set_wall(before.time() + 60)
    again = Ledger(after, LedgerFile(tmp_path, after))
    assert again.has((1, "g"), [("M1", True, 7.5)])
    assert again.has((2, "g"), "b")
    after.pass_(FINISHED_SECONDS - 59)
    assert not again.has((2, "g"), "b")
    after.pass_(UNFINISHED_SECONDS - FINISHED_SECONDS - 2)
    assert again.has((1, "g"), [("M1", True, 7.5)])
    after.pass_(2)
    assert not again.has((1, "g"), [("M1", True, 7.5)])


def test_clock_that_is_set_back_does_not_keep_anything_for_longer(tmp_path: Path) -> None:
    before, after = ManualClock(), ManualClock()
    Ledger(before, LedgerFile(tmp_path, before)).record(1, "a")
    after.set_wall(before.time() - 10 * 365 * 86400)
    again = Ledger(after, LedgerFile(tmp_path, after))
    assert again.has(1, "a")
    after.pass_(UNFINISHED_SECONDS + 1)
    assert not again.has(1, "a")


def test_file_is_as_bounded_as_the_memory(tmp_path: Path) -> None:
    clock = ManualClock()
    ledger = Ledger(clock)
    for number in range(MOST + 50):
        ledger.record(number, "a")
    ledger._file = LedgerFile(tmp_path, clock)
    ledger.record("last", "a")
    assert (tmp_path / FILE_NAME).stat().st_size < 1_000_000
    again = Ledger(clock, LedgerFile(tmp_path, clock))
    assert (again.has("last", "a"), again.has(MOST + 49, "a"), again.has(50, "a")) == (True, True, False)
