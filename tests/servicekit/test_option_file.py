"""Option files are read as systemd reads them, and told from what a process runs with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from exporter.__main__ import command
from servicekit import option_file

TEXT = """# CMZSB_LISTEN=0.0.0.0:1
;CMZSB_REPORT_TTL=1
CMZSB_NODE_NAME = "M5"
CMZSB_LISTEN=0.0.0.0:8000

CMZSB_LISTEN='0.0.0.0:8100'
"""
VALUES = {"CMZSB_NODE_NAME": "M5", "CMZSB_LISTEN": "0.0.0.0:8100"}


def test_last_value_of_a_name_counts_and_comments_do_not() -> None:
    assert option_file.read(TEXT) == VALUES


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"CMZSB_LISTEN": "0.0.0.0:99999"}, "99999"),
        ({"CMZSB_NODE_NAME": "M" * 75}, "at most 63"),
        ({"CMZSB_REPORT_TTL": "soon"}, "soon"),
    ],
)
def test_value_that_cannot_work_is_told(values: dict[str, str], complaint: str) -> None:
    before = dict(os.environ)
    with pytest.raises(click.ClickException, match=complaint):
        option_file.check(command, values)
    assert dict(os.environ) == before


def test_good_values_are_taken() -> None:
    option_file.check(command, VALUES)


@pytest.mark.parametrize(
    ("environment", "applied"),
    [
        (VALUES | {"HOME": "/"}, True),
        (VALUES | {"CMZSB_NODE_NAME": "M6"}, False),
        ({"CMZSB_NODE_NAME": "M5"}, False),
        (VALUES | {"CMZSB_REPORT_TTL": "30"}, False),
    ],
)
def test_process_has_the_options_of_the_file_or_not(environment: dict[str, str], applied: bool) -> None:
    assert option_file.is_applied(command, VALUES, environment) is applied


def ask(question: str, file: Path, *more: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "servicekit.option_file", question, "exporter", str(file), *more]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_command_tells_of_a_running_process_besides_what_its_unit_gives(tmp_path: Path) -> None:
    file = tmp_path / "options"
    file.write_text("CMZSB_NODE_NAME=M5\n")
    with subprocess.Popen(["sleep", "60"], env={"CMZSB_NODE_NAME": "M5", "CMZSB_TOKEN_FILE": "/run/t"}) as process:
        try:
            assert ask("applied", file, str(process.pid), "CMZSB_TOKEN_FILE=/run/t").returncode == 0
            assert ask("applied", file, str(process.pid)).returncode == 1
        finally:
            process.kill()
    assert ask("applied", file, str(process.pid)).returncode == 2


def test_command_tells_misspelt_names_and_values_that_cannot_work(tmp_path: Path) -> None:
    file = tmp_path / "options"
    file.write_text("CMZSB_NODENAME=M5\n")
    done = ask("check", file)
    assert (done.returncode, done.stdout) == (0, "CMZSB_NODENAME is no option; CMZSB_NODE_NAME is meant?\n")
    file.write_text("CMZSB_LISTEN=0.0.0.0:99999\n")
    done = ask("check", file)
    assert done.returncode == 1
    assert "'0.0.0.0:99999' is not HOST:PORT" in done.stderr
