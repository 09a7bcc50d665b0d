"""Errors of the connection to Ray, each as one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ray.exceptions import RaySystemError

from deploy import connection, port_check
from deploy.connection import connected, error_text
from deploy.port_check import PortKind, RayService
from servicekit.address import Address
from servicekit.errors import StartError

MISMATCH = "Version mismatch: The cluster was started with:\n    Ray: 2.9.3\n    Python: 3.9.18\nThis process: 2.60.0\n"
TRACEBACK = """Initialization failure from server:
Traceback (most recent call last):
  File "proxier.py", line 700, in Datapath
    raise RuntimeError("no")
RuntimeError: Starting Ray client server failed.
"""


def command(address: str, **environment: str) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "deploy", "--lang", "en", "--address", address, "--status"]
    return subprocess.run(
        arguments, capture_output=True, text=True, check=False, timeout=60, env=os.environ | environment
    )


class FakeRayModule:
    """The `ray` of a machine with `version`; `init` fails with `error` after writing `said` to stderr's descriptor.

    After so many `failures` it succeeds.
    """

    def __init__(self, error: Exception | None = None, said: str = "", version: str = "2.9.3") -> None:
        self.__version__ = version
        self.error = error
        self.said = said
        self.failures = 1_000
        self.attempts = 0
        self.down = False

    def init(self, address: str, **_: object) -> None:
        os.write(2, self.said.encode())
        self.attempts += 1
        if self.error and self.attempts <= self.failures:
            raise self.error

    def shutdown(self) -> None:
        self.down = True


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRayModule:
    """A fake Ray behind a port that speaks gRPC and refuses nothing."""
    fake = FakeRayModule()
    monkeypatch.setattr(connection, "ray", fake)
    monkeypatch.setattr(port_check, "kind_of", lambda address: PortKind.GRPC)
    monkeypatch.setattr(port_check, "service_of", lambda address, token=None: RayService.UNKNOWN)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    for name, value in connection._ENVIRONMENT.items():
        monkeypatch.setenv(name, value)  # so that what `connected` sets is undone
    return fake


def failure(address: str = "10.0.0.1:6379") -> str:
    with pytest.raises(StartError) as caught, connected(address, "en"):
        pass
    return str(caught.value)


def test_address_where_nothing_listens_is_one_line() -> None:
    done = command("127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr == "cmzsb-deploy: nothing answers at 127.0.0.1:1: Connection refused\n"


@pytest.mark.parametrize(
    ("address", "kind", "service", "error"),
    [
        (
            "A:1",
            PortKind.HTTP,
            RayService.UNKNOWN,
            "A:1 is a web server, such as Ray's dashboard: give Ray's own port, ",
        ),
        ("A:1", PortKind.OTHER, RayService.UNKNOWN, "another service answers at A:1: give HEAD:6379 inside"),
        ("A:1", PortKind.GRPC, RayService.CLIENT_SERVER, "A:1 is the port of Ray's client server: give ray://A:1, or"),
        (
            "ray://A:1",
            PortKind.GRPC,
            RayService.HEAD,
            "ray://A:1 is the port of Ray's head: inside the cluster give it ",
        ),
        (
            "ray://A:1",
            PortKind.GRPC,
            RayService.LOCKED,
            "Ray at ray://A:1 demands a token: set RAY_AUTH_MODE=token and",
        ),
    ],
)
def test_what_is_wrong_with_the_port_is_told_before_ray_tries(
    address: str,
    kind: PortKind,
    service: RayService,
    error: str,
    ray: FakeRayModule,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(port_check, "kind_of", lambda address: kind)
    monkeypatch.setattr(port_check, "service_of", lambda address, token=None: service)
    ray.error = AssertionError("Ray was asked")
    assert failure(address).startswith(error)


@pytest.mark.parametrize(
    ("address", "service"),
    [("A:1", RayService.HEAD), ("ray://A:1", RayService.CLIENT_SERVER), ("A:1", RayService.UNKNOWN)],
)
def test_ray_tries_every_port_that_may_be_right(
    address: str, service: RayService, ray: FakeRayModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_check, "service_of", lambda address, token=None: service)
    with connected(address, "en"):
        assert not ray.down
    assert ray.down


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (MISMATCH, "Version mismatch: The cluster was started with: Ray: 2.9.3 Python: 3.9.18 This process: 2.60.0"),
        (TRACEBACK, "Initialization failure from server: RuntimeError: Starting Ray client server failed."),
        ("", "RuntimeError"),
    ],
)
def test_error_of_several_lines_is_one_line_with_all_that_matters(text: str, line: str) -> None:
    assert error_text(RuntimeError(text)) == line


def test_version_mismatch_is_told_whole(ray: FakeRayModule) -> None:
    ray.error = RuntimeError(MISMATCH)
    assert failure().startswith("cannot connect to Ray at 10.0.0.1:6379: Version mismatch: ")
    assert failure().endswith("This process: 2.60.0")


ZOMBIE = "Initialization failure from server:\npsutil.ZombieProcess: PID still exists but it's a zombie (pid=11041)"


@pytest.mark.parametrize("text", [TRACEBACK, ZOMBIE], ids=["ended", "zombie"])
def test_client_server_whose_process_ends_at_once_is_tried_once_more(text: str, ray: FakeRayModule) -> None:
    ray.error, ray.failures = ConnectionAbortedError(text), 1
    with connected("ray://A:1", "en"):
        assert ray.attempts == 2
    ray.attempts, ray.failures = 0, 2
    assert failure("ray://A:1").startswith("cannot connect to Ray at ray://A:1: Initialization failure from server: ")
    assert ray.attempts == 2


def test_other_failures_are_not_tried_again(ray: FakeRayModule) -> None:
    ray.error = ConnectionError("Failed to connect to Ray cluster")
    assert failure().startswith("no Ray head accepts the connection")
    assert ray.attempts == 1


def test_what_the_libraries_of_ray_write_stays_away_from_the_operator(
    ray: FakeRayModule, capfd: pytest.CaptureFixture[str]
) -> None:
    ray.error = ConnectionError()
    ray.said = "[2026-11-25 W 1 1] rpc_client.h:153: Failed to connect to GCS within 5 seconds.\n"
    assert failure().startswith("no Ray head accepts the connection at 10.0.0.1:6379 (here: Ray 2.9.3, Python 3.")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


ENVIRONMENT = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "abc"}
NO_TOKEN = "Ray at 10.0.0.1:6379 demands a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH"
WRONG_TOKEN = "Ray at 10.0.0.1:6379 refuses the token in RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token"
UNREADABLE = "the token file /missing in RAY_AUTH_TOKEN_PATH cannot be read: No such file or directory"


@pytest.fixture
def right(ray: FakeRayModule, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The tokens that Ray's port takes, which demands one; no token is in the home directory."""
    tokens: list[str] = []

    def service_of(address: Address, token: str | None = None) -> RayService:
        return RayService.HEAD if token in tokens else RayService.LOCKED

    monkeypatch.setattr(port_check, "service_of", service_of)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tokens


@pytest.mark.parametrize(
    ("variables", "error"),
    [
        ({}, NO_TOKEN),
        ({"RAY_AUTH_MODE": "token"}, NO_TOKEN),
        ({"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": " "}, NO_TOKEN),
        (ENVIRONMENT | {"RAY_AUTH_MODE": "disabled"}, NO_TOKEN),
        ({"RAY_AUTH_TOKEN_PATH": "/missing"}, UNREADABLE),
    ],
)
def test_missing_and_unreadable_token_is_told_before_ray_tries(
    variables: dict[str, str], error: str, ray: FakeRayModule, right: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ray.error = AssertionError("Ray was asked")
    assert failure() == error


@pytest.mark.parametrize("place", ["RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "~/.ray/auth_token"])
def test_token_is_found_where_ray_looks_and_a_wrong_one_is_told_before_ray_tries(
    place: str, ray: FakeRayModule, right: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / (".ray/auth_token" if place.startswith("~") else "token")
    file.parent.mkdir(exist_ok=True)
    file.write_text("abc\n", "utf-8")
    monkeypatch.setenv(place.replace("~/.ray/auth_token", "UNUSED"), "abc" if place == "RAY_AUTH_TOKEN" else str(file))
    ray.error = AssertionError("Ray was asked")
    assert failure() == WRONG_TOKEN
    right.append("abc")
    ray.error = RuntimeError(TRACEBACK)
    assert failure().startswith("cannot connect to Ray at 10.0.0.1:6379: Initialization failure from server: ")


@pytest.mark.parametrize(
    ("variables", "error"),
    [(ENVIRONMENT, WRONG_TOKEN), ({"RAY_AUTH_MODE": "disabled"}, NO_TOKEN), ({"RAY_AUTH_TOKEN": "abc"}, NO_TOKEN)],
    ids=["token", "no-token", "token-that-an-older-ray-does-not-send"],
)
def test_refusal_that_only_the_libraries_of_ray_tell_is_known(
    variables: dict[str, str], error: str, ray: FakeRayModule, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    ray.error = ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")
    ray.said = "Failed to get cluster ID from GCS server: Unauthenticated: RPC error: InvalidAuthToken: missing\n"
    assert failure() == error


@pytest.mark.parametrize(
    ("version", "is_refused"), [("2.8.1", True), ("2.9.0", False), ("2.60.0", False), ("3.0.0", False)]
)
def test_version_of_ray_is_checked(version: str, is_refused: bool, ray: FakeRayModule) -> None:
    ray.__version__ = version
    ray.error = RuntimeError("reached")
    wanted = f"Ray {version} is too old: cmzsb-deploy works with Ray 2.9 and later" if is_refused else "reached"
    assert wanted in failure()


def test_error_of_ray_while_connected_is_one_line_and_the_connection_is_closed(ray: FakeRayModule) -> None:
    with pytest.raises(StartError, match="Ray: System error: lost"), connected("10.0.0.1:6379", "en"):
        raise RaySystemError("lost\nfar away")
    assert ray.down
