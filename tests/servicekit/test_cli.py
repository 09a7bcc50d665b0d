"""Command lines: exit status, one-line errors, the options table."""

from __future__ import annotations

import click
import pytest

from exporter.__main__ import command as monitor
from servicekit import cli
from servicekit.address import Address
from servicekit.errors import StartError


@click.command("service")
@click.option(
    "--listen",
    type=cli.listen_address,
    envvar="SERVICE_LISTEN",
    default="127.0.0.1:8000",
    help="Where to listen.",
)
@click.option("--name", envvar="SERVICE_NAME", show_default="host name", help="Own name.")
@click.option("--fail", type=click.Choice(["start", "abort", "status"]), help="What goes wrong.")
def service(listen: Address, name: str | None, fail: str | None) -> int | None:
    if fail == "start":
        raise StartError("port in use\nby another")
    if fail == "abort":
        raise click.Abort
    print(listen, name)
    return 3 if fail == "status" else None


def test_misspelt_variable_is_told_and_ignored(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_NAEM", "M5")
    assert cli.run(service, []) == 0
    assert capsys.readouterr().err == "service: ignored: SERVICE_NAEM is no option; SERVICE_NAME is meant?\n"


def test_variables_of_the_other_programs_are_no_mistake() -> None:
    found = dict.fromkeys(("CMZSB_LISTEN", "CMZSB_DEPLOY_PORT", "CMZSB_DASHBOARDS_OUT", "CMZSB_URL"), "1")
    assert list(cli.unknown_variables(monitor, found | {"CMZSB_XYZ": "1", "HOME": "/"})) == ["CMZSB_XYZ is no option"]


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        ("[::1]:0", ("::1", 0)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_an_address_is_host_and_port_and_is_written_as_it_was_read(value: str, address: tuple[str, int]) -> None:
    assert cli.listen_address(value) == address
    assert str(cli.listen_address(value)) == value


@pytest.mark.parametrize("value", ["", "8000", ":8000", "host:", "host:65536", "host:-1", "host:８000", "[]:1"])
def test_what_is_no_address_is_refused(value: str) -> None:
    with pytest.raises(click.BadParameter, match="is not HOST:PORT"):
        cli.listen_address(value)


@pytest.mark.parametrize(
    ("arguments", "status", "complaint"),
    [
        ([], 0, ""),
        (["--help"], 0, ""),
        (["--fail", "status"], 3, ""),
        (["--fail", "abort"], 130, ""),
        (["--fail", "start"], 1, "service: port in use\\u000aby another\n"),
        (["--listen", "nowhere"], 2, "is not HOST:PORT"),
        (["--no-such-option"], 2, "--no-such-option"),
    ],
)
def test_every_error_is_one_line_and_an_exit_status(
    arguments: list[str], status: int, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(service, arguments) == status
    err = capsys.readouterr().err
    assert complaint in err
    assert err.count("\n") == (1 if complaint else 0)


def test_an_option_can_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SERVICE_LISTEN", "127.0.0.9:1")
    monkeypatch.setenv("SERVICE_NAME", "M9")
    cli.run(service, [])
    assert capsys.readouterr().out == "127.0.0.9:1 M9\n"


def test_the_options_table_has_flag_environment_default_and_help() -> None:
    rows = [tuple(row) for row in cli.options(service)]
    assert rows[0][0::3] == ("--listen", "Where to listen.")
    assert rows[0][1:3] == ("SERVICE_LISTEN", "127.0.0.1:8000")
    assert rows[1] == ("--name", "SERVICE_NAME", "host name", "Own name.")
    assert rows[2] == ("--fail", "", "", "What goes wrong.")


option = cli.Options("TOOL_")


@click.command("tool")
@option("--timeout", "Seconds.", type=float, default=1.0, former="--patience")
@option("--remove", "Delete everything.", is_flag=True, environment=False)
def tool(timeout: float, remove: bool) -> None:
    print(timeout, remove)


@pytest.mark.parametrize(
    ("arguments", "environment", "timeout"),
    [
        ([], {}, "1.0"),
        (["--timeout", "2"], {"TOOL_TIMEOUT": "3", "TOOL_PATIENCE": "4"}, "2.0"),
        (["--patience", "2"], {"TOOL_TIMEOUT": "3"}, "2.0"),
        ([], {"TOOL_TIMEOUT": "3", "TOOL_PATIENCE": "4"}, "3.0"),
        ([], {"TOOL_PATIENCE": "4"}, "4.0"),
    ],
)
def test_a_former_spelling_and_its_variable_work_like_the_new_ones(
    arguments: list[str],
    environment: dict[str, str],
    timeout: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cli.run(tool, arguments) == 0
    assert capsys.readouterr().out == f"{timeout} False\n"


def test_help_and_table_show_only_the_new_spelling(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(tool, ["--help"])
    shown = capsys.readouterr().out
    assert "--timeout FLOAT" in shown
    assert "patience" not in shown
    assert tuple(next(cli.options(tool))) == ("--timeout", "TOOL_TIMEOUT", "1.0", "Seconds.")


def test_a_verb_cannot_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOOL_REMOVE", "1")
    assert cli.run(tool, []) == 0
    assert capsys.readouterr().out == "1.0 False\n"
    assert [row.environment for row in cli.options(tool)] == ["TOOL_TIMEOUT", ""]
