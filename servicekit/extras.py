"""What a command needs beyond the base install: an extra of the package, and perhaps a newer Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needed(command: str, extra: str, python: tuple[int, int] = (3, 9)) -> Iterator[None]:
    """Import the modules of `command` in this context: what is missing ends the process with one line on stderr.

    Exit status 1, as for every other reason for which a command cannot start. A module of this project that is missing
    is a fault of the package, and its traceback stays.
    """
    if sys.version_info < python:
        found, wanted = ".".join(map(str, sys.version_info[:2])), ".".join(map(str, python))
        sys.exit(f"{command}: this is Python {found}, and {wanted} or later is needed; the node monitor runs with 3.9")
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name in ("castray_bridge", "deploy", "exporter", "grafana", "notify", "servicekit"):
            raise
        sys.exit(f"{command}: {name} is missing: in the checkout, pip install '.[{extra}]'")
