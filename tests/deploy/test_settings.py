"""Options of a deployment's monitors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.settings import Settings

SETTINGS = Settings(8000, "all", "/var/{node}", 60.0, "info", "1.0.0", "abc")


def test_release_differs_with_code_and_options_and_tells_no_token() -> None:
    others = [replace(SETTINGS, bundle="abd"), replace(SETTINGS, port=8001), replace(SETTINGS, token="t0psecret")]
    assert len({SETTINGS.release, *(other.release for other in others)}) == 4
    assert replace(SETTINGS).release == SETTINGS.release
    assert "t0psecret" not in repr(others[2])


def test_monitor_listens_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ray")
    assert SETTINGS.arguments("M1", "10.0.0.1", None)[:2] == ["--listen", "0.0.0.0:8000"]
    own = replace(SETTINGS, listen_on="node", state_dir="~/{node}")
    assert own.arguments("M1", "fd00::1", None)[:2] == ["--listen", "[fd00::1]:8000"]
    assert own.state_path("M1") == Path("/home/ray/M1")
