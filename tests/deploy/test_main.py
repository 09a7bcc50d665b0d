"""The command line of `cmzsb-deploy`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.__main__ import command
from servicekit import cli


def test_missing_address_is_one_line() -> None:
    done = subprocess.run([sys.executable, "-m", "deploy"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("options", [["--status", "--remove"], ["--json"]])
def test_options_that_contradict_are_one_line(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(command, ["--address", "127.0.0.1:1", *options]) == 2
    assert capsys.readouterr().err.count("\n") == 1


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
