"""An option file of a systemd unit, as `install.sh` asks about it before and after it is applied.

`python -m servicekit.option_file check PACKAGE FILE` tells whether PACKAGE's service would start with these options;
`… applied PACKAGE FILE PID NAME=VALUE…` whether the process has them, besides those of its unit that follow.
Exit status 0 yes, 1 no, 2 cannot be told.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from servicekit.cli import prefix_of, unknown_variables


def read(text: str) -> dict[str, str]:
    """Return the variables of an option file: lines `NAME=VALUE`, also in quotes; the last of a name counts."""
    values = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith(("#", ";")):
            value = value.strip()
            quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
            values[name.strip()] = value[1:-1] if quoted else value
    return values


def check(command: click.Command, values: Mapping[str, str]) -> None:
    """Raise `click.ClickException` when `command` would refuse the variables `values` as it starts."""
    before = dict(os.environ)
    try:
        os.environ.clear()
        os.environ.update(values)
        command.make_context(command.name, [], resilient_parsing=False)
    finally:
        os.environ.clear()
        os.environ.update(before)


def is_applied(command: click.Command, values: Mapping[str, str], environment: Mapping[str, str]) -> bool:
    """Return whether a process with `environment` has the options `values`, and none that were taken out since."""
    prefix = prefix_of(command)
    wanted, found = ({n: v for n, v in each.items() if n.startswith(prefix)} for each in (values, environment))
    return wanted == found


def main(arguments: list[str]) -> int:
    """Answer the question in `arguments` and return the exit status."""
    question, package, file, *more = arguments
    command: click.Command = importlib.import_module(f"{package}.__main__").command
    values = read(Path(file).read_text("utf-8", "replace"))
    if question == "applied":
        pid, *of_unit = more
        return 0 if is_applied(command, read("\n".join(of_unit)) | values, _environment(pid)) else 1
    for finding in unknown_variables(command, values):
        print(finding)
    try:
        check(command, values)
    except click.ClickException as error:
        print(error.format_message(), file=sys.stderr)
        return 1
    return 0


def _environment(pid: str) -> dict[str, str]:
    text = Path("/proc", pid, "environ").read_bytes().decode("utf-8", "surrogateescape")
    return dict(entry.split("=", 1) for entry in text.split("\0") if "=" in entry)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except OSError as problem:
        print(problem, file=sys.stderr)
        sys.exit(2)
