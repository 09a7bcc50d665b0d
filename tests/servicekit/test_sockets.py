"""Sockets are bound to what was asked for, or refused in one line; descriptors are taken as far as they go."""

from __future__ import annotations

import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from servicekit import sockets
from servicekit.address import Address
from servicekit.errors import StartError

WITH_IPV6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
FOUND = [
    (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0)),
    (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
]


@pytest.mark.parametrize("found", [FOUND, FOUND[::-1]])
def test_name_with_several_addresses_is_one_socket(found: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with closing(sockets.bind(Address("localhost", 0))) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("host", "family"), [("127.0.0.1", socket.AF_INET), pytest.param("::1", socket.AF_INET6, marks=WITH_IPV6)]
)
def test_literal_is_taken_as_it_is(host: str, family: int) -> None:
    with closing(sockets.bind(Address(host, 0))) as sock:
        assert (sock.family, sock.getsockname()[0]) == (family, host)


@pytest.mark.parametrize("host", ["nosuchhost.invalid", "x" * 70 + ".example", "192.0.2.250", "a..b"])
def test_address_that_cannot_be_had_is_told_with_the_reason(host: str) -> None:
    with pytest.raises(StartError, match=rf"^cannot listen on {host}:80: \S.*$"):
        sockets.bind(Address(host, 80))


def test_busy_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sockets.bind(Address("127.0.0.1", 0))) as first:
        first.listen()
        with pytest.raises(StartError, match="Address already in use"):
            sockets.bind(Address(*first.getsockname()))


@pytest.fixture
def soft_limit() -> Iterator[int]:
    """The process' soft limit of descriptors, 300 during the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
    yield 300
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_limit_of_descriptors_is_raised_but_never_lowered(soft_limit: int) -> None:
    assert sockets.allow_descriptors(400) == 400
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 400
    assert sockets.allow_descriptors(200) == 200
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 400


def test_limit_of_descriptors_goes_as_far_as_is_allowed() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 350));"
        "from servicekit.sockets import allow_descriptors; print(allow_descriptors(400))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "350\n"


def test_forbidden_limit_is_lived_with(soft_limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(resource, "setrlimit", forbid)
    assert sockets.allow_descriptors(400) == soft_limit
    monkeypatch.undo()
