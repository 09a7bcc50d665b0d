"""The unit and the files beside it say what the service understands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from notify.__main__ import command
from notify.addresses import read
from servicekit.cli import options
from servicekit.errors import StartError
from testkit.paths import ROOT

FOLDER = ROOT / "systemd"


def test_unit_hands_the_addresses_over_as_a_credential() -> None:
    unit = (FOLDER / "cmzsb-notify.service").read_text("utf-8")
    found = re.search(r"^LoadCredential=(\w+):(\S+)$", unit, re.MULTILINE)
    assert found
    variable = next(row.environment for row in options(command) if row.flag == "--addresses")
    default = next(row.default for row in options(command) if row.flag == "--addresses")
    assert found[2] == default
    assert f"Environment={variable}=/run/credentials/cmzsb-notify.service/{found[1]}" in unit


def test_unit_is_as_hard_as_the_bridges() -> None:
    """Everything from the sandbox on is the same; only what a service needs itself stands above."""
    units = [(FOLDER / name).read_text("utf-8") for name in ("castray-bridge.service", "cmzsb-notify.service")]
    bridge, notify = (text.partition("# It needs sockets, nothing else.")[2] for text in units)
    assert "SystemCallFilter" in notify
    assert notify == bridge


def test_option_file_names_options_that_there_are() -> None:
    known = {row.environment for row in options(command)}
    named = set(re.findall(r"^#?(CMZSB_\w+)=", (FOLDER / "cmzsb-notify.env").read_text("utf-8"), re.MULTILINE))
    assert named
    assert named <= known


def test_every_example_in_the_address_file_is_understood_once_it_is_filled_in(tmp_path: Path) -> None:
    text = (FOLDER / "notify.addresses").read_text("utf-8")
    with pytest.raises(StartError, match="has no address"):
        read(FOLDER / "notify.addresses")
    filled = re.sub(r"^#(?=all|critical|watchdog)", "", text, flags=re.MULTILINE)
    (tmp_path / "addresses").write_text(filled, "utf-8")
    assert [one.transport.service for one in read(tmp_path / "addresses")] == [
        "wecombot", "dingtalk", "feishu", "mailtos", "watchdog"
    ]  # fmt: skip
