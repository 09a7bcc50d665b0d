"""The thread that lets time pass for the status."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from exporter.status import ticker as module
from exporter.status.ticker import Ticker
from testkit.net import wait_for
from testkit.status_kit import Bench


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TICK_SECONDS", 0.01)


def test_ttl_expires_without_a_request(bench: Bench) -> None:
    bench.report("sending")
    bench.clock.pass_(61.0)
    with closing(Ticker(bench.status)):
        wait_for(lambda: len(bench.recorder.kept.transitions) == 2, "the fallback")
    assert [row.state for row in bench.recorder.kept.transitions] == ["idle", "sending"]


def test_closed_ticker_has_no_thread_and_is_not_alive(bench: Bench) -> None:
    ticker = Ticker(bench.status)
    assert ticker.is_alive()
    ticker.close()
    assert not ticker.is_alive()
    assert "ticker" not in [thread.name for thread in threading.enumerate()]


def test_status_that_hangs_is_noticed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, hangs = threading.Event(), threading.Event()

    def hang() -> None:
        hangs.set()
        go_on.wait(20)

    monkeypatch.setattr(bench.status, "tick", hang)
    with closing(Ticker(bench.status)) as ticker:
        assert hangs.wait(5)
        monkeypatch.setattr(ticker._heartbeat, "_limit", 0.0)
        assert not ticker.is_alive()
        go_on.set()
