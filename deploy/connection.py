"""The connection of the command to Ray."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import ray
from ray.exceptions import RayError

from deploy.actors import NAMESPACE
from servicekit.cli import listen_address
from servicekit.errors import StartError
from servicekit.text import one_line

CLIENT: Final = "ray://"
"""Start of an address that is reached through Ray's client server, from outside the cluster."""
_ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_gcs_server_port_wait_time_s": "1",  # a number of attempts; Ray's own default takes ten minutes
}
_CONNECT_SECONDS: Final = 3.0


@contextmanager
def connected(address: str, bundle: Path | None = None) -> Iterator[None]:
    """Stay connected to the cluster at `address`, with `bundle` for its nodes. Raises `StartError`."""
    _check_that_something_listens(address)
    for variable, value in _ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    runtime_env = {"working_dir": str(bundle)} if bundle else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(
                address,
                namespace=NAMESPACE,
                runtime_env=runtime_env,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # noqa: BLE001 (Ray raises many kinds here; the operator gets its text)
        raise StartError(f"cannot connect to Ray at {address}: {error_text(error)}") from None
    try:
        yield
    except RayError as error:
        raise StartError(f"Ray: {error_text(error)}") from None
    finally:
        ray.shutdown()


def error_text(error: BaseException) -> str:
    """Return the first line of an error of Ray."""
    return one_line(next(iter(str(error).strip().splitlines()), type(error).__name__), 300)


def _check_that_something_listens(address: str) -> None:
    try:
        socket.create_connection(listen_address(address.removeprefix(CLIENT)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise StartError(f"nothing answers at {address}: {error.strerror or error}") from None
