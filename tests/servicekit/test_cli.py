"""Command lines: exit status, one-line errors, the options table."""

from __future__ import annotations

import click
import pytest

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
