"""A monitor without its server, and a client of its API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from testkit.monitors import Monitor, running_monitor


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    with running_monitor(tmp_path) as running:
        yield running


@pytest.fixture
def client(monitor: Monitor) -> FlaskClient:
    return monitor.app.test_client()
