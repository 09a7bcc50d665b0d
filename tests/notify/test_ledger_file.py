"""The ledger's file: what it holds, and what a damaged file or a bad disk does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from notify.ledger import Ledger
from notify.ledger_file import FILE_NAME, MOST, LedgerFile
from testkit.clocks import ManualClock

KEY, OTHER = "0" * 32, "f" * 32


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage().split()[0] for record in caplog.records]


def test_saved_entries_are_loaded_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    clock = ManualClock()
    entries = {KEY: (OTHER, clock.monotonic() + 60), OTHER: (KEY, clock.monotonic() + 61)}
    LedgerFile(tmp_path / "state", clock).save(entries)
    assert LedgerFile(tmp_path / "state", clock).load() == entries
    assert [path.name for path in (tmp_path / "state").iterdir()] == [FILE_NAME]
    assert (tmp_path / "state" / FILE_NAME).stat().st_mode & 0o777 == 0o600


def test_file_holds_nothing_of_what_was_sent_or_to_whom(tmp_path: Path) -> None:
    clock = ManualClock()
    Ledger(clock, LedgerFile(tmp_path, clock)).record(("wecombot://KEY", "group", "alert"), [("M5", True, 1.0)])
    text = (tmp_path / FILE_NAME).read_text()
    assert not [word for word in ("KEY", "group", "alert", "M5") if word in text]


def test_first_start_is_empty_and_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert LedgerFile(tmp_path, ManualClock()).load() == {}
    assert caplog.text == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00" * 100,
        b"{",
        b"[]",
        b"null",
        b'{"taken": []}',
        json.dumps({"taken": {KEY: OTHER}}).encode(),
        json.dumps({"taken": {KEY: [OTHER]}}).encode(),
        json.dumps({"taken": {KEY: [OTHER, "soon"]}}).encode(),
        json.dumps({"taken": {KEY: [7, 7]}}).encode(),
        json.dumps({"taken": {"x": [OTHER, 7]}}).encode(),
        f'{{"taken": {{"{KEY}": ["{OTHER}", NaN]}}}}'.encode(),
        json.dumps({"taken": {f"{number:032x}": [OTHER, 7] for number in range(MOST + 1)}}).encode(),
        b'{"taken": {}}' + b" " * 5_000_000,
    ],
)
def test_damaged_file_reads_as_empty_with_one_line_and_is_replaced(
    tmp_path: Path, raw: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    (tmp_path / FILE_NAME).write_bytes(raw)
    ledger = Ledger(clock, LedgerFile(tmp_path, clock))
    assert logged(caplog) == ["ledger_unreadable"]
    ledger.record(1, "a")
    assert Ledger(clock, LedgerFile(tmp_path, clock)).has(1, "a")


def test_directory_in_the_place_of_the_file_is_no_reason_to_fail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).mkdir()
    clock = ManualClock()
    ledger = Ledger(clock, LedgerFile(tmp_path, clock))
    ledger.record(1, "a")
    assert ledger.has(1, "a")
    assert logged(caplog) == ["ledger_unreadable", "ledger_not_saved"]


def test_disk_that_cannot_be_written_is_told_once_and_the_memory_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    clock = ManualClock()
    (tmp_path / "state").write_text("a file where the directory should be")
    ledger = Ledger(clock, LedgerFile(tmp_path / "state", clock))
    caplog.clear()
    for number in range(3):
        ledger.record(number, "a")
    assert ledger.has(2, "a")
    assert logged(caplog) == ["ledger_not_saved"]
    (tmp_path / "state").unlink()
    ledger.record(3, "a")
    assert logged(caplog) == ["ledger_not_saved", "ledger_saved"]
    assert Ledger(clock, LedgerFile(tmp_path / "state", clock)).has(0, "a")
