"""The broadcast that the bridge is held against does its work."""

from __future__ import annotations

from pathlib import Path

from bench.bridge import changing_world
from bench.fleet_watch import plain_viewers, watch
from testkit.net import free_port
from testkit.process import module
from testkit.running import RunningProgram


def test_every_change_reaches_its_viewers(tmp_path: Path) -> None:
    with changing_world(12, 6) as (fleet, (ray, _), directory):
        port = free_port()
        command = [*module("bench.baseline_broadcast"), str(port), ray, str(fleet.port)]
        with RunningProgram(command, port, "/ready", tmp_path / "log") as service:
            found = watch(service, fleet, plain_viewers(6), 3.0, directory)
    assert (found.sights.missed, found.wrong, found.lost) == (0, 0, 0)
    assert found.changes >= 5 * 6
