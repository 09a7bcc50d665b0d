"""What survives: restarts, damage, a full disk."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from exporter.report import Totals
from exporter.status.records import ALERTS_LIMIT, TRANSITIONS_LIMIT, UNWRITTEN_LIMIT, Alert, Batch, Transition
from exporter.status.sessions import SESSIONS_LIMIT, Session
from exporter.storage import journal as journal_module
from exporter.storage import migrations
from exporter.storage.journal import FILE_NAME, Journal
from exporter.storage.migrations import MIGRATIONS
from exporter.storage.store import Store, is_disk_full
from servicekit.errors import StartError
from testkit.clocks import ManualClock
from testkit.monitors import running_monitor
from testkit.net import wait_for


def send(directory: Path, times: int) -> None:
    with running_monitor(directory) as monitor:
        client = monitor.app.test_client()
        for number in range(times):
            assert (
                client.post("/api/update_status", json={"status": "sending", "message": str(number)}).status_code == 200
            )


def test_totals_alerts_and_history_go_on_after_a_restart(tmp_path: Path) -> None:
    send(tmp_path, 3)
    with running_monitor(tmp_path) as monitor:
        client = monitor.app.test_client()
        client.post("/api/update_status", json={"status": "idle"})
        assert client.get("/api/status").get_json()["stats"]["sent_to_server"] == 3
        assert len(client.get("/api/alerts").get_json()["alerts"]) == 3
        assert "sending" in [row["status"] for row in client.get("/api/history").get_json()]


def damaged(directory: Path) -> list[Path]:
    """Return the files set aside, without their logs."""
    found = directory.glob(f"{FILE_NAME}.damaged-*")
    return sorted(path for path in found if not path.name.endswith(("-wal", "-shm")))


def destroy(directory: Path, table: str) -> None:
    """Overwrite the first page of `table`."""
    with closing(sqlite3.connect(directory / FILE_NAME)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with (directory / FILE_NAME).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


@pytest.mark.parametrize(
    ("table", "totals", "alerts", "stays"),
    [("alerts", 3, 0, ["idle"]), ("transitions", 3, 3, []), ("sessions", 3, 3, ["idle"]), ("snapshot", 0, 0, [])],
)
def test_damaged_file_is_set_aside_and_what_can_be_read_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, table: str, totals: int, alerts: int, stays: list[str]
) -> None:
    send(tmp_path, 3)
    destroy(tmp_path, table)
    with running_monitor(tmp_path) as monitor:
        client = monitor.app.test_client()
        assert monitor.journal.errors == 1
        assert client.get("/api/health").status_code == 200
        assert client.get("/api/status").get_json()["stats"]["sent_to_server"] == totals
        assert len(client.get("/api/alerts").get_json()["alerts"]) == alerts
        assert [row.state for row in monitor.journal.transitions(10, since=0.0).rows] == stays
        assert client.post("/api/update_status", json={"status": "sending"}).status_code == 200
    assert caplog.text.count("journal_damaged") == 1
    assert len(damaged(tmp_path)) == 1
    with running_monitor(tmp_path) as monitor:
        assert monitor.journal.errors == 0
        assert monitor.status.view().totals.sent_to_server == totals + 1


def test_history_of_a_damaged_file_is_rescued_whole_however_long(tmp_path: Path) -> None:
    send(tmp_path, 1)
    count = 2 * UNWRITTEN_LIMIT + 7
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.executemany(
            "INSERT OR REPLACE INTO transitions VALUES (?, ?, ?, ?, ?)", map(stay, range(1, count + 1))
        )
        database.commit()
    destroy(tmp_path, "alerts")
    with closing(Journal(tmp_path)) as journal:
        assert journal.errors == 1
        assert len(journal.transitions(3 * UNWRITTEN_LIMIT, since=0.0).rows) == count


@pytest.mark.parametrize(("field", "value"), [("state", "flying"), ("version", "7")])
def test_status_that_this_version_cannot_go_on_from_is_set_aside_loudly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, field: str, value: str
) -> None:
    send(tmp_path, 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("UPDATE snapshot SET json = json_set(json, '$.' || ?, ?)", (field, value))
        database.commit()
    with running_monitor(tmp_path) as monitor:
        assert monitor.journal.errors == 1
    assert f"{field} is '{value}'" in caplog.text
    assert list(tmp_path.glob(f"{FILE_NAME}.damaged-*"))


def test_session_that_is_none_is_damage(tmp_path: Path) -> None:
    send(tmp_path, 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("INSERT INTO sessions VALUES (1, 's', 'first', 0, 0, 0)")
        database.commit()
    with running_monitor(tmp_path) as monitor:
        assert monitor.journal.errors == 1
        assert monitor.status.view().totals.sent_to_server == 1


def test_files_set_aside_in_the_same_second_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 7.0)  # a board that boots in 1970, each time
    for number in range(3):
        (tmp_path / FILE_NAME).write_bytes(b"rubbish %d " % number * 1000)
        (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"log %d" % number)
        with closing(Journal(tmp_path)) as journal:
            assert journal.errors == 1
    assert [path.read_bytes()[:9] for path in damaged(tmp_path)] == [b"rubbish 0", b"rubbish 1", b"rubbish 2"]


def test_file_of_rubbish_is_set_aside_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"rubbish" * 5000)
    with running_monitor(tmp_path) as monitor:
        assert monitor.journal.errors == 1
    assert "journal_damaged" in caplog.text
    kept = list(tmp_path.glob(f"{FILE_NAME}.damaged-*"))
    assert kept[0].read_bytes().startswith(b"rubbish")


def test_journal_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    send(tmp_path, 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("PRAGMA user_version = 99")
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(StartError, match="newer version"):
        Journal(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StartError, match="another program"):
        Journal(tmp_path)


def test_directory_in_the_way_is_one_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(StartError, match="cannot be opened"):
        Journal(tmp_path)


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


def alert(number: int, run: int = 1, timestamp: float = 100.0) -> Alert:
    return Alert(number, run, timestamp, "warning", "", None)


def stay(number: int, run: int = 1, entered: float = 100.0) -> Transition:
    return Transition(number, run, entered, "idle", 1.0)


def batch(alerts: Iterable[Alert] = (), stays: Iterable[Transition] = (), **fields: Any) -> Batch:
    result = Batch(**fields)
    result.alerts.extend(alerts)
    result.transitions.extend(stays)
    return result


def rows(journal: Journal) -> tuple[list[Alert], list[Transition]]:
    return journal.alerts(10_000).rows, journal.transitions(10_000, since=0.0).rows


@pytest.mark.parametrize("limit", [ALERTS_LIMIT, TRANSITIONS_LIMIT])
def test_rows_beyond_the_limit_are_deleted_the_oldest_first(tmp_path: Path, limit: int) -> None:
    with closing(Journal(tmp_path)) as journal:
        for numbers in (range(1, 6), range(limit + 1, limit + 4)):
            found = batch(map(alert, numbers), map(stay, numbers))
            journal.wait(journal.append(found))
        alerts, stays = rows(journal)
    bounded = alerts if limit == ALERTS_LIMIT else stays
    assert [row.id for row in bounded] == [limit + 3, limit + 2, limit + 1, 5, 4]


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


def test_memory_is_bounded_while_the_disk_takes_nothing_and_the_newest_stays() -> None:
    pending = Batch()
    numbers = range(1, 2 * UNWRITTEN_LIMIT + 1)
    for number in numbers:
        session = Session(f"s{number}", Totals(number), number)
        pending.absorb(batch([alert(number)], [stay(number)], sessions={session.name: session}))
        if number % 1000 == 0:
            pending.absorb(Batch(shifts={1: 1.0}))
    assert [row.id for row in pending.alerts] == [row.id for row in pending.transitions] == [*numbers[UNWRITTEN_LIMIT:]]
    assert [*pending.sessions] == [f"s{number}" for number in numbers[-SESSIONS_LIMIT:]]
    assert pending.shifts == {1: 10.0}


def test_clock_that_was_set_redates_each_row_once_wherever_it_is(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.wait(journal.append(batch([alert(1, run=1), alert(2, run=2)], [stay(1, run=1), stay(2, run=2)])))
        pending = batch([alert(3, run=2)], [stay(3, run=1), stay(4, run=2)])
        pending.absorb(Batch(shifts={2: 50.0}))
        pending.absorb(batch([alert(4, run=2, timestamp=160.0)], [stay(5, run=2, entered=160.0)]))
        pending.absorb(Batch(shifts={2: 7.0}))
        journal.wait(journal.append(pending))
        alerts, stays = rows(journal)
    assert [row.timestamp for row in reversed(alerts)] == [100.0, 157.0, 157.0, 167.0]
    assert [row.entered for row in reversed(stays)] == [100.0, 157.0, 100.0, 157.0, 167.0]


def test_step_of_the_schema_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(tmp_path, 2)
    step = ("CREATE TABLE more (text)", "INSERT INTO more VALUES ('one; two')")
    for broken in (True, False):
        steps = (*MIGRATIONS, (*step, "INSERT INTO nowhere VALUES (1)") if broken else step)
        monkeypatch.setattr(migrations, "MIGRATIONS", steps)
        monkeypatch.setattr(migrations, "SCHEMA_VERSION", len(steps))
        if broken:
            with pytest.raises(StartError, match="cannot be opened"):
                Journal(tmp_path)
    send(tmp_path, 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        assert database.execute("SELECT text FROM more").fetchall() == [("one; two",)]
        assert database.execute("PRAGMA user_version").fetchone() == (len(steps),)
        assert database.execute("SELECT count(*) FROM alerts").fetchone() == (3,)


def killed(directory: Path) -> Path:
    """Return a copy of the journal as a `kill -9` at this moment leaves it."""
    copy = directory.with_name(directory.name + "-killed")
    # Another process, for SQLite's locks end when this one closes the file.
    subprocess.run(["cp", "-r", directory, copy], check=True)
    return copy


@pytest.fixture
def unwatched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the journal look for its file only when it writes, so that a test can take its time."""
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
def test_journal_that_was_removed_under_a_running_monitor_is_written_anew_before_anything_is_acknowledged(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    harm: Callable[..., None],
    names: tuple[str, ...],
    leaves_something: bool,
) -> None:
    directory = tmp_path / "state"
    with running_monitor(directory) as monitor:
        client = monitor.app.test_client()
        for number in range(3):
            client.post("/api/update_status", json={"status": "sending", "session": f"s{number}", "sent_to_server": 1})
        client.post("/api/update_status", json={"status": "idle"})
        harm(directory, *names)
        assert client.post("/api/update_status", json={"status": "sending"}).status_code == 200
        copy = killed(directory)
        assert monitor.journal.errors == 1
        assert client.get("/api/health").status_code == 200
        with pytest.raises(StartError, match="in use"):
            Journal(directory)
    assert caplog.text.count("journal_lost") == 1
    assert (f"kept_as={FILE_NAME}.replaced-" in caplog.text) is leaves_something
    assert bool([*directory.glob(f"{FILE_NAME}.replaced-*")]) is leaves_something
    for place in (copy, directory):
        with closing(Journal(place)) as journal:
            assert journal.errors == 0
            assert journal.stored.checkpoint is not None
            assert journal.stored.checkpoint.totals.sent_to_server == 4
            assert [session.name for session in journal.stored.sessions] == ["s0", "s1", "s2"]
            alerts, stays = rows(journal)
            assert [row.id for row in alerts] == [4, 3, 2, 1]
            assert [row.state for row in reversed(stays)] == ["idle", "sending", "idle"]


def test_journal_that_was_removed_is_missed_also_when_nobody_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "RECHECK_SECONDS", 0.05)
    with running_monitor(tmp_path) as monitor:
        monitor.app.test_client().post("/api/update_status", json={"status": "sending"})
        remove(tmp_path, f"{FILE_NAME}*")
        wait_for((tmp_path / FILE_NAME).exists, "the journal")
        wait_for(lambda: monitor.journal.errors == 1, "the error")


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
        assert [row.id for row in rows(monitor.journal)[0]] == [2, 1]


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


@pytest.mark.parametrize(
    ("code", "text", "is_full"),
    [
        (None, "database or disk is full", True),
        (None, "disk I/O error", True),
        (None, "unable to open database file", False),
        (13, "in other words", True),
        (10 | 19 << 8, "in other words", True),
        (14, "database or disk is full", False),
    ],
)
def test_full_disk_is_known_by_its_code_and_before_python_3_11_by_its_words(
    code: int | None, text: str, is_full: bool
) -> None:
    error = sqlite3.OperationalError(text)
    if code is not None:
        error.sqlite_errorcode = code
    assert is_disk_full(error) is is_full


def test_change_of_state_is_one_line_of_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with running_monitor(tmp_path) as monitor:
        for state in ("sending", "sending"):
            monitor.app.test_client().post("/api/update_status", json={"status": state})
        monitor.clock.pass_(61.0)
        monitor.status.tick()
    lines = [record.getMessage() for record in caplog.records if "state_changed" in record.getMessage()]
    assert [line.rpartition(" ")[0] for line in lines] == [
        "state_changed before=idle after=sending reason=report",
        "state_changed before=sending after=idle reason=no_report",
    ]
