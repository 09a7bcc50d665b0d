"""The journal: what it persists, and what it does while the disk fails."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from exporter.status.records import Batch
from exporter.storage import journal as journal_module
from exporter.storage.journal import FILE_NAME, Journal
from exporter.storage.store import Store
from servicekit.errors import StartError
from testkit.clocks import ManualClock
from testkit.journals import alert, batch, rows, send, transition
from testkit.monitors import running_monitor
from testkit.net import wait_for


def test_totals_alerts_and_history_go_on_after_a_restart(tmp_path: Path) -> None:
    send(tmp_path, 3)
    with running_monitor(tmp_path) as monitor:
        client = monitor.app.test_client()
        client.post("/api/update_status", json={"status": "idle"})
        assert client.get("/api/status").get_json()["stats"]["sent_to_server"] == 3
        assert len(client.get("/api/alerts").get_json()["alerts"]) == 3
        assert "sending" in [row["status"] for row in client.get("/api/history").get_json()]


def test_second_monitor_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with running_monitor(tmp_path), pytest.raises(StartError, match="in use by another monitor"):
        Journal(tmp_path)


def test_full_disk_is_told_and_recovered_from_without_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_monitor(tmp_path) as monitor:
        client = monitor.app.test_client()
        write = monitor.journal._store.write

        def full(batch: Batch) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(monitor.journal._store, "write", full)
        assert client.post("/api/update_status", json={"status": "sending", "message": "kept"}).status_code == 200
        assert client.get("/api/status").get_json()["status"] == "sending"
        assert client.get("/api/alerts").get_json()["alerts"][0]["message"] == "kept"
        assert client.get("/api/health").status_code == 503
        assert b"cmzsb_journal_errors_total" in client.get("/metrics").data
        assert monitor.journal.errors > 0
        monkeypatch.setattr(monitor.journal._store, "write", write)
        wait_for(lambda: client.get("/api/health").status_code == 200, "recovery", 10)
    with running_monitor(tmp_path) as monitor:
        assert monitor.app.test_client().get("/api/alerts").get_json()["alerts"][0]["message"] == "kept"


def test_reports_right_after_a_write_are_written_together_while_many_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Journal(tmp_path)) as journal:
        write, go_on = Store.write, threading.Event()
        written: list[list[int]] = []

        def slow(store: Store, batch: Batch) -> None:
            assert go_on.wait(20)
            written.append([row.id for row in batch.alerts])
            write(store, batch)

        monkeypatch.setattr(Store, "write", slow)
        monkeypatch.setattr(journal_module, "GATHER_SECONDS", 0.5)
        journal.append(batch([alert(1)]))
        wait_for(lambda: journal._writing is not None, "the first write")
        journal.append(batch([alert(2)]))
        journal.append(batch([alert(3)]))
        go_on.set()
        wait_for(lambda: len(written) == 2, "the second write")
        journal.append(batch([alert(4)]))
        journal.wait(journal.append(batch([alert(5)])))
        assert written == [[1], [2, 3], [4, 5]]
        assert [row.id for row in rows(journal)[0]] == [5, 4, 3, 2, 1]


def test_one_client_alone_waits_for_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "GATHER_SECONDS", 60.0)
    with closing(Journal(tmp_path)) as journal:
        for number in (1, 2, 3):
            journal.wait(journal.append(batch([alert(number)])))
        assert not journal.failure


def test_a_day_of_history_is_there_after_restarts(tmp_path: Path) -> None:
    clock = ManualClock()
    began = clock.time()
    for _ in range(24):
        with running_monitor(tmp_path, clock) as monitor:
            for state in ("detecting", "sending", "idle"):
                monitor.app.test_client().post("/api/update_status", json={"status": state, "ttl": 7200})
                clock.pass_(1198.0)
            monitor.status.close()
        clock.pass_(6.0)
    with running_monitor(tmp_path, clock) as monitor:
        history = monitor.app.test_client().get("/api/history").get_json()
    assert clock.time() - began == 86_400.0
    assert [row["status"] for row in history] == ["detecting", "sending", "idle"] * 24
    assert sum(row["duration_seconds"] for row in history) == pytest.approx(86_400.0)


def test_clock_that_was_set_redates_each_row_once_wherever_it_is(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.wait(
            journal.append(batch([alert(1, run=1), alert(2, run=2)], [transition(1, run=1), transition(2, run=2)]))
        )
        pending = batch([alert(3, run=2)], [transition(3, run=1), transition(4, run=2)])
        pending.absorb(Batch(shifts={2: 50.0}))
        pending.absorb(batch([alert(4, run=2, timestamp=160.0)], [transition(5, run=2, entered=160.0)]))
        pending.absorb(Batch(shifts={2: 7.0}))
        journal.wait(journal.append(pending))
        alerts, transitions = rows(journal)
    assert [row.timestamp for row in reversed(alerts)] == [100.0, 157.0, 157.0, 167.0]
    assert [row.entered for row in reversed(transitions)] == [100.0, 157.0, 100.0, 157.0, 167.0]


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the journal check its file only when it writes, so that a test can take its time."""
    monkeypatch.setattr(journal_module, "RECHECK_SECONDS", 600.0)


def remove(directory: Path, *names: str) -> None:
    for name in names:
        for path in directory.glob(name):
            path.unlink()


def replace(directory: Path, *_: str) -> None:
    other = directory / "other"
    other.write_bytes(b"an old copy")
    other.rename(directory / FILE_NAME)


def move_away(directory: Path, *_: str) -> None:
    directory.rename(directory.with_name("elsewhere"))


@pytest.mark.usefixtures("unwatched")
@pytest.mark.parametrize(
    ("harm", "names", "leaves_something"),
    [
        (remove, ("*",), False),
        (remove, (f"{FILE_NAME}*",), False),
        (remove, (FILE_NAME,), True),
        (remove, (f"{FILE_NAME}-wal",), True),
        (remove, (f"{FILE_NAME}-shm",), True),
        (replace, (), True),
        (move_away, (), False),
    ],
)
def test_journal_removed_under_a_running_monitor_makes_health_fail_until_a_new_one_has_begun(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    harm: Callable[..., None],
    names: tuple[str, ...],
    leaves_something: bool,
) -> None:
    directory = tmp_path / "state"
    with running_monitor(directory) as monitor:
        client = monitor.app.test_client()
        for _ in range(3):
            client.post("/api/update_status", json={"status": "sending"})
        harm(directory, *names)
        assert client.post("/api/update_status", json={"status": "sending", "message": "last"}).status_code == 200
        reply = client.get("/api/health")
        assert (reply.status_code, "removed or replaced" in reply.get_json()["reason"]) == (503, True)
        wait_for(lambda: client.get("/api/health").status_code == 200, "a new journal", 10)
        assert monitor.journal.errors == 1
        with pytest.raises(StartError, match="in use"):
            Journal(directory)
    assert caplog.text.count("journal_failed") == 1
    assert (f"{FILE_NAME}.replaced-" in caplog.text) is leaves_something
    assert bool([*directory.glob(f"{FILE_NAME}.replaced-*")]) is leaves_something
    with closing(Journal(directory)) as journal:
        assert journal.errors == 0
        assert journal.stored.checkpoint is not None
        assert journal.stored.checkpoint.totals.sent_to_server == 4
        assert [row.message for row in rows(journal)[0]] == ["last"]


def test_journal_that_was_removed_is_missed_also_without_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "RECHECK_SECONDS", 0.05)
    with running_monitor(tmp_path) as monitor:
        monitor.app.test_client().post("/api/update_status", json={"status": "sending"})
        remove(tmp_path, f"{FILE_NAME}*")
        wait_for((tmp_path / FILE_NAME).exists, "the journal")
        wait_for(lambda: monitor.journal.errors == 1 and not monitor.journal.failure, "the new journal")
    with closing(Journal(tmp_path)) as journal:
        assert journal.stored.checkpoint is not None
        assert journal.stored.checkpoint.totals.sent_to_server == 1


@pytest.mark.usefixtures("unwatched")
def test_journal_whose_directory_another_monitor_took_is_told_and_theirs_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    with running_monitor(directory) as monitor:
        client = monitor.app.test_client()
        client.post("/api/update_status", json={"status": "sending"})
        move_away(directory)
        with closing(Journal(directory)) as other:
            client.post("/api/update_status", json={"status": "sending"})
            assert "in use by another monitor" in client.get("/api/health").get_json()["reason"]
            assert rows(other) == ([], [])
        wait_for(lambda: client.get("/api/health").status_code == 200, "recovery", 10)
        assert [row.id for row in rows(monitor.journal)[0]] == [2]


def test_list_that_cannot_be_read_is_told_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(path: Path) -> Store:
        raise sqlite3.OperationalError("unable to open database file")

    with running_monitor(tmp_path) as monitor:
        monkeypatch.setattr(Store, "reader", fail)
        for _ in range(3):
            assert monitor.app.test_client().get("/api/alerts").get_json() == {"alerts": []}
        assert monitor.journal.errors == 3
    assert caplog.text.count("journal_unread") == 1


def test_write_that_stalls_counts_once_however_many_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "STALL_SECONDS", 0.2)
    go_on = threading.Event()
    write = Store.write
    with closing(Journal(tmp_path)) as journal:
        monkeypatch.setattr(Store, "write", lambda store, batch: go_on.wait(20) and write(store, batch))
        waiters = [threading.Thread(target=lambda: journal.wait(journal.append(Batch()))) for _ in range(20)]
        for waiter in waiters:
            waiter.start()
        for waiter in waiters:
            waiter.join(10)
        assert (journal.errors, "longer than" in journal.failure) == (1, True)
        go_on.set()
        wait_for(lambda: not journal.failure, "recovery")


def test_log_that_blocks_does_not_hold_up_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, seen = threading.Event(), threading.Event()

    def block(*_: object) -> None:
        seen.set()
        go_on.wait(20)

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with closing(Journal(tmp_path)) as journal:
        monkeypatch.setattr(logging.getLogger("exporter.storage.journal"), "error", block)
        monkeypatch.setattr(Store, "write", full)
        journal.append(Batch())
        assert seen.wait(5)
        reporter = threading.Thread(target=lambda: journal.wait(journal.append(Batch())))
        reporter.start()
        reporter.join(5)
        go_on.set()
        assert not reporter.is_alive()


def test_file_that_could_only_be_read_is_opened_again_once_its_owner_is_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A journal restored by root, and given to the monitor's user while it runs."""
    monkeypatch.setattr(journal_module, "RETRY_SECONDS", 0.05)
    send(tmp_path, 1)
    for_writing = Store.open

    def for_reading(path: Path) -> Store:
        connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
        connection.execute("SELECT * FROM snapshot").close()  # then all three files are there
        return Store(connection, path)

    monkeypatch.setattr(Store, "open", for_reading)
    running = Journal(tmp_path)
    try:
        running.wait(running.append(batch(alerts=[alert(99)])))
        assert "readonly" in running.failure
        monkeypatch.setattr(Store, "open", for_writing)
        wait_for(lambda: not running.failure, "recovery")
        assert running.alerts(1).rows[0].id == 99
    finally:
        running.close()
