"""The table of options says what the commands take."""

from __future__ import annotations

import re

import click
import pytest

from castray_bridge.__main__ import command as bridge
from deploy.__main__ import command as deploy
from exporter import reporter
from exporter.__main__ import command as monitor
from grafana.__main__ import command as dashboards
from notify.__main__ import command as notify
from servicekit.cli import options
from testkit.paths import ROOT

VERBS = {"cmzsb-deploy": {"--status", "--remove", "--purge"}, "cmzsb-notify": {"--test"}}
"""Options that say what to do, so that no environment variable may give them."""
TEXT = (ROOT / "docs" / "options.md").read_text("utf-8")


def documented(name: str) -> list[str]:
    section = re.search(rf"## {name}\n(.*?)(?=\n## |\Z)", TEXT, re.DOTALL)
    assert section, f"no section {name}"
    return [line for line in section[1].splitlines() if line.startswith("| `--")]


@pytest.mark.parametrize("command", [monitor, bridge, dashboards, deploy, notify], ids=lambda command: command.name)
def test_every_option_stands_in_the_table_as_it_is(command: click.Command) -> None:
    rows = [row for row in options(command) if row.flag != "--version"]
    assert documented(str(command.name)) == [
        f"| `{row.flag}` | {f'`{row.environment}`' if row.environment else ''} | {row.default} | {row.help} |"
        for row in rows
    ]
    assert {row.flag for row in rows if not row.environment} == VERBS.get(str(command.name), set())


def test_every_option_of_the_reporter_stands_in_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"--url": "CMZSB_URL", "--token-file": "CMZSB_TOKEN_FILE"}
    for name in environment.values():
        monkeypatch.delenv(name, raising=False)
    wanted = []
    for option in reporter.parser()._actions:
        flag = option.option_strings[-1] if option.option_strings else ""
        if flag and flag != "--help":
            variable = f"`{environment[flag]}`" if flag in environment else ""
            wanted.append(f"| `{flag}` | {variable} | {option.default or ''} | {option.help} |")
    assert documented("python -m exporter.reporter") == wanted
