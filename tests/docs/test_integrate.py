"""The examples of docs/integrate.md, run as they stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.net import free_port, wait_for
from tests.support.process import Process, module

BLOCKS = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parents[2] / "docs" / "integrate.md").read_text("utf-8"), re.DOTALL
)


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    command = [*module("exporter", "--listen", address), "--state-dir", tmp_path / "state"]
    with Process(command, tmp_path / "monitor.log"):
        wait_for(lambda: requests.get(f"http://{address}/api/health", timeout=2).ok, "the monitor", 20)
        yield address


def run(block: str, monitor: str) -> dict[str, Any]:
    exec(block.replace("127.0.0.1:8000", monitor), {"requests": requests})  # noqa: S102 (that is the test)
    stats: dict[str, Any] = requests.get(f"http://{monitor}/api/status", timeout=5).json()["stats"]
    return stats


def test_five_lines_count_what_they_do(monitor: str) -> None:
    assert run(BLOCKS[0], monitor) == {"total_processed": 2, "low_confidence_count": 1, "sent_to_server": 1}


def test_plain_post_counts_one(monitor: str) -> None:
    assert run(BLOCKS[1], monitor) == {"total_processed": 1, "low_confidence_count": 0, "sent_to_server": 0}


def test_bridge_inside_another_process_starts_and_closes() -> None:
    names: dict[str, Any] = {}
    exec(BLOCKS[2].replace("8265", str(free_port())), names)  # noqa: S102 (that is the test)
    assert names["nodes"] == []
