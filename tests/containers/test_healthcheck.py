"""The images' health check."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Mapping

import pytest
from flask import Flask

from testkit.net import free_port
from testkit.web import WebServer
from tests.containers.files import CONTAINERFILE, CONTAINERS

PORT = "9"
"""Discard: nothing listens there."""


def check(environment: Mapping[str, str], port: str = PORT) -> subprocess.CompletedProcess[str]:
    """Run it with the interpreter's switches of the Containerfile."""
    command = [sys.executable, "-I", "-S", str(CONTAINERS / "healthcheck.py"), "CMZSB_LISTEN", port]
    return subprocess.run(command, env=dict(environment), capture_output=True, text=True, check=False, timeout=20)


def service(status: int) -> WebServer:
    app = Flask("service")
    app.get("/api/health")(lambda: ("", status))
    return WebServer(app)


def test_it_is_called_with_these_switches() -> None:
    assert CONTAINERFILE.count('"-I", "-S", "/opt/cmzsb/healthcheck.py"') == CONTAINERFILE.count("HEALTHCHECK")


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (503, 1), (404, 1)])
def test_only_200_is_healthy(status: int, expected: int) -> None:
    with service(status) as server:
        assert check({}, str(server.port)).returncode == expected


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "localhost"])
def test_service_is_asked_where_its_variable_says(host: str) -> None:
    with service(200) as server:
        done = check({"CMZSB_LISTEN": f"{host}:{server.port}"})
    assert (done.returncode, done.stdout) == (0, "HTTP/1.1 200 OK\n")


def test_empty_variable_is_the_default() -> None:
    with service(200) as server:
        assert check({"CMZSB_LISTEN": ""}, str(server.port)).returncode == 0


def test_ipv6_address_stands_in_brackets() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listening:
        done = subprocess.Popen(
            [sys.executable, "-I", "-S", CONTAINERS / "healthcheck.py", "CMZSB_LISTEN", PORT],
            env={"CMZSB_LISTEN": f"[::]:{listening.getsockname()[1]}"},
        )
        connection, _ = listening.accept()
        with connection:
            request = connection.recv(1000).decode()
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        assert done.wait(10) == 0
    assert "\r\nHost: [::1]:" in request


def test_nothing_there_is_not_healthy_and_says_so() -> None:
    done = check({}, str(free_port()))
    assert done.returncode == 1
    assert "refused" in done.stdout
    assert done.stderr == ""


def test_service_that_hangs_is_not_healthy_within_the_limit_of_the_image() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        done = check({"CMZSB_LISTEN": f"127.0.0.1:{listening.getsockname()[1]}"})
    assert done.returncode == 1
    assert "timed out" in done.stdout
