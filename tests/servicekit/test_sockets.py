"""Sockets are bound to what was asked for, or refused in one line; descriptors are taken as far as they go."""

from __future__ import annotations

import contextlib
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from servicekit import sockets
from servicekit.address import Address
from servicekit.errors import StartError

SO_MEMINFO, RCVBUF, WMEM_QUEUED = 55, 1, 5
"""The kernel's own count of a socket's memory, and its places in it: `linux/sock_diag.h`."""
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


@pytest.mark.parametrize("host", ["nosuchhost.invalid", "x" * 70 + ".example", "a..b"])
def test_address_that_cannot_be_had_is_told_with_the_reason(host: str) -> None:
    with pytest.raises(StartError, match=rf"^cannot listen on {host}:80: \S.*$"):
        sockets.bind(Address(host, 80))


def test_busy_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sockets.bind(Address("127.0.0.1", 0))) as first:
        first.listen()
        with pytest.raises(StartError, match="Address already in use"):
            sockets.bind(Address(*first.getsockname()))


def test_address_that_the_machine_gets_later_is_waited_for_with_one_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sockets, "_RETRY_SECONDS", 0.0)
    addresses = iter(["192.0.2.250", "192.0.2.250", "192.0.2.250", "127.0.0.1"])
    found = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *more, **options: found(next(addresses), *more, **options))
    waits: list[None] = []
    with closing(sockets.bind(Address("192.0.2.250", 0), lambda: waits.append(None))) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"
    assert len(waits) == 3
    assert caplog.messages == ["waiting_for_address address=192.0.2.250:0"]


def connected() -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection to a socket that `bind` made."""
    with closing(sockets.bind(Address("127.0.0.1", 0))) as listener:
        listener.listen()
        client = socket.create_connection(listener.getsockname())
        return listener.accept()[0], client


def send_until_full(sock: socket.socket) -> None:
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(b"x" * 65536)


def test_client_that_reads_nothing_holds_little_of_the_kernels_memory() -> None:
    ours, client = connected()
    with ours, client:
        send_until_full(ours)
        held = struct.unpack("9I", ours.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))
    # What is sent and not taken yet is held for one side or the other; this is the service's.
    assert held[WMEM_QUEUED] < 100 * 1024, held
    assert held[RCVBUF] <= 2 * 32 * 1024


def test_dropped_client_leaves_nothing_behind_in_the_kernel() -> None:
    ours, client = connected()
    with client:
        send_until_full(ours)
        ends = tuple(f":{sock.getsockname()[1]:04X}" for sock in (ours, client))
        sockets.discard_unsent(ours)
        ours.close()
        lines = Path("/proc/net/tcp").read_text("ascii").splitlines()
        # Both ports: another test's connection may have one of them.
        assert not [line for line in lines if all(map(str.endswith, line.split()[1:3], ends))]


def test_socket_that_is_closed_already_has_nothing_to_drop() -> None:
    ours, client = connected()
    client.close()
    ours.close()
    sockets.discard_unsent(ours)


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
