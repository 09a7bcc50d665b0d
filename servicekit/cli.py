"""Command lines of the services: every option is a flag and an environment variable, every error one line."""

from __future__ import annotations

import copy
import difflib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import click

from servicekit.address import Address
from servicekit.errors import StartError
from servicekit.log import for_journal, is_journal
from servicekit.text import one_line
from servicekit.url import check_service_url

OTHER_PROGRAMS: Final = ("CMZSB_DASHBOARDS_", "CMZSB_DEPLOY_", "CMZSB_NOTIFY_", "CMZSB_GATEWAY_", "CMZSB_URL")
"""Variables that begin as those of the node monitor do and are not meant for it."""

_Function = TypeVar("_Function", bound=Callable[..., Any])


def listen_address(value: str) -> Address:
    """Option type for `HOST:PORT`; an IPv6 host stands in brackets. Raises `click.BadParameter`."""
    host, separator, port = str(value).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise click.BadParameter(f"{value!r} is not HOST:PORT")
    return Address(host, int(port))


def service_url(value: str) -> str:
    """Option type for the http or https URL of a service. Raises `click.BadParameter`."""
    try:
        return check_service_url(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


class Options:
    """Makes a command's options; the environment variable of `--state-dir` is `prefix` and `STATE_DIR`."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def __call__(
        self, flag: str, text: str, *, environment: bool = True, former: str | None = None, **more: Any
    ) -> Callable[[_Function], _Function]:
        """Return the decorator for option `flag` with the help `text`; `more` is as for `click.option`.

        Without `environment` there is no variable: for a verb, which a forgotten variable must not turn into a
        deletion. `former` is an earlier spelling of `flag`: it and its variable still work, and `--help` hides them.
        """
        flags = [flag, former] if former else [flag]
        variables = [self._variable(one) for one in flags] if environment else None
        return click.option(*flags, cls=_Option, envvar=variables, help=text, **{"show_default": True, **more})

    def _variable(self, flag: str) -> str:
        return self._prefix + flag.removeprefix("--").upper().replace("-", "_")


class _Option(click.Option):
    """An option that `--help` shows under its first flag only."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        current = copy.copy(self)
        current.opts = self.opts[:1]
        return super(_Option, current).get_help_record(ctx)


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
            variables = [envvar] if isinstance(envvar, str) else [*(envvar or ()), ""]
            # Not get_default(): since click 8.3 that gives a sentinel for "none".
            default = parameter.to_info_dict()["default"]
            shown = parameter.show_default if isinstance(parameter.show_default, str) else default
            yield OptionRow(
                flag=parameter.opts[0],
                environment=variables[0],
                default="" if shown is None else str(shown),
                help=parameter.help or "",
            )


def variables(command: click.Command) -> list[str]:
    """Return all environment variables that `command` reads, former names of options included."""
    found = (option.envvar for option in command.params if isinstance(option, click.Option))
    return [name for each in found for name in ([each] if isinstance(each, str) else each or ())]


def prefix_of(command: click.Command) -> str:
    """Return what all variables of `command` begin with, up to an underscore; empty when that is nothing."""
    begin = os.path.commonprefix(variables(command))  # noqa: RUF071 # by characters is how it is meant
    return begin[: begin.rfind("_") + 1]


def unknown_variables(command: click.Command, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence on each variable that looks like one of `command`'s options and is none."""
    known, prefix = variables(command), prefix_of(command)
    others = tuple(each for each in OTHER_PROGRAMS if each != prefix and each.startswith(prefix))
    for name in sorted(environment):
        if prefix and name.startswith(prefix) and name not in known and not name.startswith(others):
            similar = difflib.get_close_matches(name, known, n=1)
            yield f"{name} is no option" + (f"; {similar[0]} is meant?" if similar else "")


def run(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Run `command` and return its exit status; a foreseen error is one line on stderr, never a traceback.

    Exit status: 0 done, 1 the service could not do its work, 2 a bad option, 130 interrupted.
    """
    for finding in unknown_variables(command, os.environ):
        _tell(command, f"ignored: {finding}", logging.WARNING)
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
    _tell(command, message, logging.ERROR)
    return status


def _tell(command: click.Command, message: str, level: int) -> None:
    line = f"{command.name}: {one_line(message, 500)}"
    print(for_journal(level, line) if is_journal() else line, file=sys.stderr)
