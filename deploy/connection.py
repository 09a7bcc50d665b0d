"""The connection of the command to Ray, and one line that says why there is none."""

from __future__ import annotations

import faulthandler
import logging
import os
import platform
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import ray
from ray.exceptions import RayError

from deploy import port_check
from deploy.actors import NAMESPACE
from deploy.port_check import PortKind, RayService
from deploy.text import message
from servicekit.address import Address
from servicekit.cli import listen_address
from servicekit.errors import StartError
from servicekit.text import one_line

CLIENT: Final = "ray://"
"""Start of an address that is reached through Ray's client server, from outside the cluster."""
OLDEST_RAY: Final = (2, 9)
_ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # With Ray's own values a port that is none of the known ones takes up to twelve minutes.
    "RAY_gcs_server_port_wait_time_s": "1",
    "RAY_py_gcs_connect_timeout_s": "3",
}
_DEFAULT_FILE: Final = "~/.ray/auth_token"
"""Where Ray looks for a token that the environment does not name."""
_UNAUTHENTICATED: Final = re.compile(r"unauthenticated|InvalidAuthToken|AuthenticationError", re.IGNORECASE)
_CLIENT_SERVER_DIED: Final = re.compile(r"Starting Ray client server failed|ZombieProcess")
"""Ray starts a process for each client, which ends at once now and then: gRPC, and Ray's own look at it, race there."""
_ATTEMPTS: Final = 2
_TEXT_LIMIT: Final = 400


@contextmanager
def connected(address: str, language: str, bundle: Path | None = None) -> Iterator[None]:
    """Stay connected to the cluster at `address`, with `bundle` for its nodes. Raises `StartError`."""
    _check_version(language)
    _check_port(address, language)
    for variable, value in _ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    with _captured_stderr() as captured:
        for _ in range(_ATTEMPTS):
            failure = _failure_of_init(address, bundle)
            if failure is None or not _CLIENT_SERVER_DIED.search(str(failure)):
                break
        said = _content(captured)
    if failure is not None:
        raise StartError(_reason(failure, said, address, language)) from None
    try:
        yield
    except RayError as error:
        raise StartError(f"Ray: {error_text(error)}") from None
    finally:
        ray.shutdown()


def error_text(error: BaseException) -> str:
    """Return an error of Ray as one line: all its lines, except the indented ones of a traceback."""
    text = str(error)
    if "Traceback (most recent call last)" in text:
        text = "\n".join(line for line in text.splitlines() if not line.startswith((" ", "Traceback ")))
    return one_line(" ".join(text.split()) or type(error).__name__, _TEXT_LIMIT)


def _failure_of_init(address: str, bundle: Path | None) -> Exception | None:
    """Connect; return the error, None without one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ray.init(
                address,
                namespace=NAMESPACE,
                runtime_env={"working_dir": str(bundle)} if bundle else None,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except Exception as error:  # noqa: BLE001 (Ray raises many kinds here; the operator gets its text)
            return error
    return None


def _check_version(language: str) -> None:
    found = re.match(r"(\d+)\.(\d+)", ray.__version__)
    if found and (int(found[1]), int(found[2])) < OLDEST_RAY:
        raise StartError(message(language, "old_ray", found=ray.__version__, oldest=".".join(map(str, OLDEST_RAY))))


def _check_port(address: str, language: str) -> None:
    """Raise `StartError` for an address at which Ray would try for long and in vain."""
    try:
        kind = port_check.kind_of(_without_scheme(address))
    except OSError as error:
        raise StartError(message(language, "no_listener", address=address, reason=error.strerror or error)) from None
    service = _unlocked(address, language) if kind is PortKind.GRPC else RayService.UNKNOWN
    problem = _port_problem(kind, service, is_client=address.startswith(CLIENT))
    if problem:
        raise StartError(message(language, problem, address=address))


def _unlocked(address: str, language: str) -> RayService:
    """Return the service at `address`, with the token if it demands one. Raises `StartError` where none opens it."""
    found = port_check.service_of(_without_scheme(address))
    if found is not RayService.LOCKED:
        return found
    token = _token(language)
    if token is None:
        raise StartError(message(language, "no_token", address=address))
    found = port_check.service_of(_without_scheme(address), token)
    if found is RayService.LOCKED:  # told here, because Ray's client would try for half a minute
        raise StartError(message(language, "wrong_token", address=address))
    return found


def _port_problem(kind: PortKind, service: RayService, is_client: bool) -> str | None:
    """Return the key of the message for what is wrong with a port, None when nothing is known to be."""
    if kind is not PortKind.GRPC:
        return "dashboard_port" if kind is PortKind.HTTP else "foreign_port"
    if service is RayService.HEAD and is_client:
        return "head_port"
    if service is RayService.CLIENT_SERVER and not is_client:
        return "client_port"
    return None


def _without_scheme(address: str) -> Address:
    return listen_address(address.removeprefix(CLIENT))


def _token(language: str) -> str | None:
    """Return the token that Ray would find, from where Ray looks for one; None without one or with tokens disabled.

    Raises `StartError` when the file that the environment names cannot be read.
    """
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        return None
    given, named = os.environ.get("RAY_AUTH_TOKEN", "").strip(), os.environ.get("RAY_AUTH_TOKEN_PATH")
    if given:
        return given
    try:
        return Path(named or _DEFAULT_FILE).expanduser().read_text("utf-8").strip() or None
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: no UTF-8; RuntimeError: no home
        if not named:
            return None
        reason = getattr(error, "strerror", None) or error
        raise StartError(message(language, "token_file", path=named, reason=reason)) from None


def _reason(error: Exception, said: str, address: str, language: str) -> str:
    """Return why Ray gave no connection, from its error and from what its libraries wrote to stderr (`said`)."""
    if _UNAUTHENTICATED.search(f"{type(error).__name__} {said}"):
        # A Ray before 2.60 sends a token only in this mode. A wrong one is known by now, except without a gRPC library.
        was_sent = os.environ.get("RAY_AUTH_MODE", "").lower() == "token" and _token(language)
        return message(language, "wrong_token" if was_sent else "no_token", address=address)
    if isinstance(error, ConnectionError) and not _CLIENT_SERVER_DIED.search(str(error)):
        versions = {"ray": ray.__version__, "python": platform.python_version()}
        return message(language, "no_head", address=address, reason=error_text(error), **versions)
    return message(language, "not_connected", address=address, reason=error_text(error))


@contextmanager
def _captured_stderr() -> Iterator[IO[bytes]]:
    """Send this process' stderr, that of C++ code included, to the file given; a crash still tells where it was."""
    sys.stderr.flush()
    original = os.dup(2)
    try:
        with tempfile.TemporaryFile() as file:
            os.dup2(file.fileno(), 2)
            watched = faulthandler.is_enabled()
            if not watched:
                faulthandler.enable(original)
            try:
                yield file
            finally:
                sys.stderr.flush()
                if not watched:
                    faulthandler.disable()
                os.dup2(original, 2)
    finally:
        os.close(original)


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")
