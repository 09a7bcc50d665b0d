"""The board's own figures: read from trees of sysfs, in a thread of its own, shown by API and metrics."""

from __future__ import annotations

import threading
from contextlib import closing
from pathlib import Path

import pytest

from exporter import board as module
from exporter.board import EXPIRES_SECONDS, NOTHING, BoardReader, Reading, read_board
from testkit import sysfs
from testkit.clocks import ManualClock
from testkit.monitors import running_monitor
from testkit.net import wait_for


@pytest.mark.parametrize(
    ("tree", "gpu", "hottest", "zones"),
    [
        (sysfs.ORIN_JETPACK_5, 0.437, 49.875, 5),
        (sysfs.ORIN_JETPACK_6, 1.0, 51.812, 4),
        (sysfs.XAVIER, 0.0, 38.5, 6),
        (sysfs.NANO, 0.256, 41.5, 3),
        (sysfs.PC_WITH_NVIDIA, None, 52.0, 2),
        (sysfs.PC, None, None, 0),
    ],
    ids=["Orin, JetPack 5", "Orin, JetPack 6", "Xavier", "Nano", "PC with NVIDIA", "PC"],
)
def test_board_tells_its_gpu_and_the_zones_that_can_be_read(
    tmp_path: Path, tree: sysfs.Tree, gpu: float | None, hottest: float | None, zones: int
) -> None:
    reading = read_board(sysfs.write(tree, tmp_path))
    assert reading.gpu_ratio == gpu
    assert reading.hottest == hottest
    assert len(reading.celsius) == zones


def test_zones_of_one_name_are_one_series_with_the_hottest(tmp_path: Path) -> None:
    reading = read_board(sysfs.write(sysfs.PC_WITH_NVIDIA, tmp_path))
    assert reading.celsius == (("acpitz", 29.8), ("x86_pkg_temp", 52.0))


@pytest.mark.parametrize("load", ["", "busy", "-1", "1001", "0x1ff", "\x00\xff"])
def test_load_that_is_none_is_left_out(tmp_path: Path, load: str) -> None:
    tree = sysfs.Tree(devfreq={"17000000.gpu": load}, zones=())
    assert read_board(sysfs.write(tree, tmp_path)) == NOTHING


def test_name_of_a_zone_is_made_safe_for_a_label(tmp_path: Path) -> None:
    tree = sysfs.Tree(devfreq={}, zones=(('a"b\\{c}' + "d" * 100, "20000"), ("", "20000"), ("warm", "300000")))
    assert [name for name, _ in read_board(sysfs.write(tree, tmp_path)).celsius] == ["abc" + "d" * 60]


def test_busy_driver_blocks_no_reader_and_its_old_figures_expire() -> None:
    clock, go_on, entered = ManualClock(), threading.Event(), threading.Event()
    readings = iter([Reading(0.5)])

    def read() -> Reading:
        for reading in readings:
            return reading
        entered.set()
        go_on.wait(20)
        return NOTHING

    with closing(BoardReader(read, clock)) as board:
        assert board.latest() == NOTHING
        board.refresh()
        thread = threading.Thread(target=board.refresh)
        thread.start()
        assert entered.wait(5)
        assert board.latest() == Reading(0.5)
        clock.pass_(EXPIRES_SECONDS)
        assert board.latest() == NOTHING
        go_on.set()
        thread.join(5)


def test_thread_reads_again_and_again_until_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "INTERVAL_SECONDS", 0.01)
    count = 0

    def read() -> Reading:
        nonlocal count
        count += 1
        return Reading(count / 1000)

    with closing(BoardReader(read)) as board:
        board.start()
        wait_for(lambda: (board.latest().gpu_ratio or 0) > 0.003, "some readings")
    wait_for(lambda: not board._thread.is_alive(), "the end of the thread")


def test_status_and_metrics_show_the_board_and_its_changes_raise_no_version(tmp_path: Path) -> None:
    with running_monitor(tmp_path, board=Reading(0.437, (("cpu", 49.9), ("gpu", 61.2)))) as monitor:
        client = monitor.app.test_client()
        before = client.get("/api/status").get_json()
        assert before["board"] == {"gpu": 43.7, "temperature_celsius": 61.2}
        assert client.get("/api/nodes/M5/status").get_json()["details"]["board"] == before["board"]
        metrics = client.get("/metrics").get_data(as_text=True)
        assert 'cmzsb_gpu_utilization_ratio{node="M5"} 0.437' in metrics
        assert 'cmzsb_temperature_celsius{node="M5",zone="gpu"} 61.2' in metrics
        monitor.board = Reading(0.0)
        after = client.get("/api/status").get_json()
        assert after == before | {"board": {"gpu": 0.0}}
        monitor.board = NOTHING
        assert "board" not in client.get("/api/status").get_json()
        metrics = client.get("/metrics").get_data(as_text=True)
        assert "cmzsb_gpu_utilization_ratio{" not in metrics
        assert "cmzsb_temperature_celsius{" not in metrics
