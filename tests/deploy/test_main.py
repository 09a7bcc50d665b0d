"""The command line of `cmzsb-deploy`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.__main__ import command
from servicekit import cli


def test_options_that_contradict_are_one_line() -> None:
    for options in (["--status", "--remove"], ["--json"], []):
        address = ["--address", "127.0.0.1:1"] if options else []
        command = [sys.executable, "-m", "deploy", *address, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("verb", ["STATUS", "REMOVE", "PURGE"])
def test_forgotten_variable_is_no_order(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setenv(f"CMZSB_DEPLOY_{verb}", "1")
    monkeypatch.setattr(command, "callback", lambda **options: seen.append(options))
    assert cli.run(command, ["--address", "127.0.0.1:6379"]) == 0
    assert [seen[0][name] for name in ("status", "remove", "purge")] == [False] * 3


def test_patience_is_an_old_name_of_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(command, "callback", lambda **options: seen.append(options["timeout"]))
    assert cli.run(command, ["--address", "127.0.0.1:6379", "--patience", "7"]) == 0
    monkeypatch.setenv("CMZSB_DEPLOY_PATIENCE", "8")
    assert cli.run(command, ["--address", "127.0.0.1:6379"]) == 0
    assert seen == [7.0, 8.0]
