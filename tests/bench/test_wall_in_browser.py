"""The wall's figures in Chromium."""

from __future__ import annotations

import pytest

from bench.wall_in_browser import measure
from testkit.binaries import require


def test_wall_is_measured_until_its_memory_was_watched() -> None:
    require("chromium")
    rows = {row.name.partition(": ")[2]: row for row in measure(0.1, nodes=5, changes=1)}
    assert rows["first nodes after navigation"].value > 0
    assert 0 < rows["main thread, on the processor"].value <= 100
    assert rows["DOM nodes"].value > 100
    assert rows["JavaScript memory"].value > 0.5
    assert rows["errors and warnings"].kept


def test_without_chromium_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.wall_in_browser.find", lambda _: None)
    with pytest.raises(RuntimeError, match="apt-get install chromium"):
        measure()
