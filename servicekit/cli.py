"""Command lines of the services: every option is a flag and an environment variable, every error one line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from servicekit.address import Address
from servicekit.errors import StartError
from servicekit.text import one_line

_Function = TypeVar("_Function", bound=Callable[..., Any])


def listen_address(value: str) -> Address:
    """Option type for `HOST:PORT`; an IPv6 host stands in brackets. Raises `click.BadParameter`."""
    host, separator, port = str(value).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise click.BadParameter(f"{value!r} is not HOST:PORT")
    return Address(host, int(port))


class Options:
    """Makes a command's options; the environment variable of `--state-dir` is `prefix` and `STATE_DIR`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __call__(self, flag: str, text: str, **more: Any) -> Callable[[_Function], _Function]:
        """Return the decorator for option `flag` with the help `text`; `more` is as for `click.option`."""
        envvar = self._prefix + flag.removeprefix("--").upper().replace("-", "_")
        return click.option(flag, envvar=envvar, help=text, **{"show_default": True, **more})


class OptionRow(NamedTuple):
    """One line of the options table in the documentation."""

    flag: str
    environment: str
    default: str
    help: str


def options(command: click.Command) -> Iterator[OptionRow]:
    """Yield the documented facts of each option of `command`, in order of definition."""
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            envvar = parameter.envvar
            environment = envvar if isinstance(envvar, str) else ""
            # Not get_default(): since click 8.3 that gives a sentinel for "none".
            default = parameter.to_info_dict()["default"]
            shown = parameter.show_default if isinstance(parameter.show_default, str) else default
            yield OptionRow(
                flag=max(parameter.opts, key=len),
                environment=environment,
                default="" if shown is None else str(shown),
                help=parameter.help or "",
            )


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run `command` and return its exit status; a foreseen error is one line on stderr, never a traceback.

    Exit status: 0 done, 1 the service could not do its work, 2 a bad option, 130 interrupted.
    """
    try:
        status = command.main(args=arguments, standalone_mode=False)
    except click.Abort:
        return 130
    except click.ClickException as error:
        return _complain(command, error.format_message(), error.exit_code)
    except StartError as error:
        return _complain(command, str(error), 1)
    return status if isinstance(status, int) else 0


def _complain(command: click.Command, message: str, status: int) -> int:
    print(f"{command.name}: {one_line(message, 500)}", file=sys.stderr)
    return status
