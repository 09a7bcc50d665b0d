"""Long lists: history and alerts come in pages that are bounded, ordered and complete."""

from __future__ import annotations

import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from exporter.status.records import Batch, Transition
from exporter.storage.journal import FILE_NAME, PAGE_BYTES
from exporter.storage.migrations import migrate
from exporter.storage.store import Store
from exporter.web.api import STEPS_LIMIT
from servicekit.clock import rfc3339
from testkit.monitors import Monitor, running_monitor

DAY = 86_400
MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def full_day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    """A monitor with a frame per second for a day and ten minutes, each half a second of detecting."""
    directory = tmp_path_factory.mktemp("day")
    with running_monitor(directory) as monitor:
        now, count = monitor.clock.time(), 2 * (DAY + 600)
        with closing(sqlite3.connect(directory / FILE_NAME)) as database, database:
            database.executemany(
                "INSERT INTO transitions VALUES (?, 1, ?, ?, 0.5)",
                ((n, now - (count - n) * 0.5 - 0.5, ("idle", "detecting")[n % 2]) for n in range(1, count + 1)),
            )
        yield monitor


def pages(client: FlaskClient, path: str) -> Iterator[TestResponse]:
    """Yield the reply of `path` and those that its header `Link` leads to."""
    while True:
        reply = client.get(path)
        assert reply.status_code == 200
        yield reply
        link = reply.headers.get("Link")
        if link is None:
            return
        query, _, relation = link.partition("; ")
        assert relation == 'rel="next"'
        path = path.partition("?")[0] + query.strip("<>")


def test_a_day_of_a_frame_per_second_is_had_in_bounded_pages_complete_and_in_order(full_day: Monitor) -> None:
    client = full_day.app.test_client()
    stays: list[dict[str, Any]] = []
    for reply in pages(client, "/api/history"):
        assert len(reply.data) < MEGABYTE
        stays = reply.get_json() + stays
    first = full_day.clock.time() - DAY
    assert len(stays) == 2 * DAY + 1
    assert stays[0]["timestamp"] == rfc3339(first)
    assert stays[-1] == {"timestamp": rfc3339(first + DAY), "status": "idle", "duration_seconds": 0.0}
    assert [stay["timestamp"] for stay in stays] == sorted(stay["timestamp"] for stay in stays)
    assert all(one["status"] != other["status"] for one, other in zip(stays[:-1], stays[1:-1]))


def test_busy_hour_is_one_page(full_day: Monitor) -> None:
    reply = full_day.app.test_client().get(f"/api/history?since={full_day.clock.time() - 3600}")
    assert len(reply.get_json()) == 7201
    assert "Link" not in reply.headers


def test_work_and_memory_of_a_page_do_not_grow_with_the_journal(full_day: Monitor) -> None:
    client, since = full_day.app.test_client(), full_day.clock.time() - 10
    tracemalloc.start()
    try:
        assert len(client.get(f"/api/history?since={since}").get_json()) == 21
        _, little = tracemalloc.get_traced_memory()
        client.get("/api/history")
        _, much = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert little < MEGABYTE
    assert much < 12 * MEGABYTE
    with closing(sqlite3.connect(":memory:")) as database:
        database.isolation_level = None
        migrate(database)
        rows = ((n, float(n)) for n in range(100_000))
        database.executemany("INSERT INTO transitions VALUES (?, 1, ?, 'idle', 1.0)", rows)
        steps = 0

        def count() -> int:
            nonlocal steps
            steps += 1
            return 0

        database.set_progress_handler(count, 100)
        assert len(list(Store(database, Path(":memory:")).transitions(since=99_990.0, before=2**53))) == 10
        assert steps < 10


def test_pages_go_on_exactly_while_the_state_changes(monitor: Monitor, client: FlaskClient) -> None:
    for _ in range(6):
        for name in ("detecting", "sending", "idle"):
            monitor.clock.pass_(1)
            client.post("/api/update_status", json={"status": name})
    whole = client.get("/api/history").get_json()
    found: list[dict[str, Any]] = []
    for reply in pages(client, "/api/history?limit=4"):
        assert len(reply.get_json()) <= 4
        found = reply.get_json() + found
        client.post("/api/update_status", json={"status": "sending"})
        client.post("/api/update_status", json={"status": "idle"})
    assert found == whole


def test_page_of_one_is_the_state_now_and_leads_to_the_rest(monitor: Monitor, client: FlaskClient) -> None:
    client.post("/api/update_status", json={"status": "sending"})
    statuses = [[stay["status"] for stay in page.get_json()] for page in pages(client, "/api/history?limit=1")]
    assert statuses == [["sending"], ["idle"]]


def test_what_is_not_yet_written_is_listed_once_before_what_is(monitor: Monitor) -> None:
    def stays(*numbers: int) -> Batch:
        batch = Batch()
        batch.transitions.extend(Transition(n, 1, float(n), "idle", 1.0) for n in numbers)
        return batch

    journal = monitor.journal
    journal.wait(journal.append(stays(1, 2, 3)))
    journal._writing = stays(3, 4)  # as between its commit and the notice of it
    journal._pending = stays(5)
    try:
        assert [row.id for row in journal.transitions(10, since=0.0).rows] == [5, 4, 3, 2, 1]
        page = journal.transitions(2, since=0.0, before=5)
        assert ([row.id for row in page.rows], page.before) == ([4, 3], 3)
        assert [row.id for row in journal.transitions(10, since=3.5).rows] == [5, 4, 3]
    finally:
        journal._writing = None


def test_alerts_come_in_pages(client: FlaskClient) -> None:
    for number in range(7):
        client.post("/api/update_status", json={"status": "sending", "message": f"{number}"})
    ids = [[alert["id"] for alert in page.get_json()["alerts"]] for page in pages(client, "/api/alerts?limit=3")]
    assert ids == [[7, 6, 5], [4, 3, 2], [1]]


def test_page_of_large_alerts_is_shorter(monitor: Monitor, client: FlaskClient, tmp_path: Path) -> None:
    large = json.dumps({"a": "x" * 16_000})
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database, database:
        database.executemany(
            "INSERT INTO alerts VALUES (?, 1, 0.0, 'warning', '', ?)", ((n, large) for n in range(1, 301))
        )
    found = list(pages(client, "/api/alerts?limit=1000"))
    assert all(len(page.data) < 1.1 * PAGE_BYTES for page in found)
    assert [alert["id"] for page in found for alert in page.get_json()["alerts"]] == list(range(300, 0, -1))


@pytest.mark.parametrize("path", ["/api/history?before=0", "/api/alerts?before=x", "/api/alerts?before=-1"])
def test_wrong_start_of_a_page_is_named(client: FlaskClient, path: str) -> None:
    reply = client.get(path)
    assert (reply.status_code, reply.get_json()["error"][:7]) == (400, "before:")


def test_a_day_in_minutes_has_the_exact_seconds_of_each_state(full_day: Monitor) -> None:
    now = full_day.clock.time()
    reply = full_day.app.test_client().get(f"/api/history?since={now - 7200}&step=60").get_json()
    assert (reply["step"], reply["end"]) == (60, rfc3339(now))
    idle, detecting = reply["seconds"]["idle"], reply["seconds"]["detecting"]
    assert len(idle) == len(detecting) == 121
    halves = pytest.approx([30.0] * 119, abs=0.6)
    assert idle[1:-1] == halves
    assert detecting[1:-1] == halves
    assert sum(idle) + sum(detecting) == pytest.approx(7200 + now % 60, abs=61)


def test_steps_are_added_up_without_holding_the_transitions(full_day: Monitor) -> None:
    client = full_day.app.test_client()
    client.get("/api/history?step=3600")
    tracemalloc.start()
    try:
        assert client.get("/api/history?step=60").status_code == 200
        assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("step=59", "step"),
        ("step=3601", "step"),
        ("step=x", "step"),
        ("step=-60", "step"),
    ],
)
def test_step_that_is_wrong_is_refused(full_day: Monitor, query: str, named: str) -> None:
    reply = full_day.app.test_client().get(f"/api/history?{query}")
    assert reply.status_code == 400
    assert reply.get_json()["error"].startswith(f"{named}: ")


def test_steps_of_times_to_come_are_the_present_one(full_day: Monitor) -> None:
    for since in ("1e300", "9999-12-31T23:59:59Z"):
        reply = full_day.app.test_client().get(f"/api/history?since={since}&step=60")
        assert all(len(column) == 1 for column in reply.get_json()["seconds"].values())


def test_reply_has_the_newest_steps_of_a_time_too_long_ago(full_day: Monitor) -> None:
    reply = full_day.app.test_client().get("/api/history?since=-1e300&step=60").get_json()
    assert {len(column) for column in reply["seconds"].values()} == {STEPS_LIMIT + 1}
