"""One WebSocket client over a real connection: nothing waits for it, and frames stay whole."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator

import pytest
from wsproto.utilities import RemoteProtocolError

from castray_bridge.web.access import BEARER_PROTOCOL, DELTA_PROTOCOL
from castray_bridge.web.client import MAX_BYTES_PER_SECOND, Client, ClientGoneError, DropError

ENVIRON = {
    "PATH_INFO": "/ws",
    "HTTP_HOST": "localhost",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_UPGRADE": "websocket",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The bridge's and the client's end of one connection with small buffers."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(10)
        peer.connect(listener.getsockname())
        ours, _ = listener.accept()
        with ours:
            yield ours, peer


@pytest.fixture
def connected(sockets: tuple[socket.socket, socket.socket]) -> tuple[Client, socket.socket]:
    """A client after the handshake, whose reply has been read."""
    client = Client(sockets[0], ENVIRON)
    assert b"101 " in sockets[1].recv(4096)
    return client, sockets[1]


def receive(client: Client) -> list[str]:
    """Return what the client says next, within some seconds."""
    assert select.select([client], [], [], 5)[0], "nothing arrived"
    return client.receive()


def receive_all(client: Client) -> None:
    """Read what the client says until that raises an exception, or nothing more comes."""
    while select.select([client], [], [], 1)[0]:
        client.receive()


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame, masked with zeros."""
    return bytes((0x80 | opcode, 0x80 | len(payload))) + b"\0\0\0\0" + payload


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (None, None),
        ("chat", None),
        (BEARER_PROTOCOL + ", c2VjcmV0", BEARER_PROTOCOL),
        (f"{BEARER_PROTOCOL}, c2VjcmV0, {DELTA_PROTOCOL}", DELTA_PROTOCOL),
        (f"{DELTA_PROTOCOL},{BEARER_PROTOCOL},c2VjcmV0", DELTA_PROTOCOL),
    ],
)
def test_deltas_are_chosen_wherever_they_are_offered(
    sockets: tuple[socket.socket, socket.socket], offered: str | None, chosen: str | None
) -> None:
    environ = ENVIRON | ({"HTTP_SEC_WEBSOCKET_PROTOCOL": offered} if offered else {})
    assert Client(sockets[0], environ).subprotocol == chosen
    head = sockets[1].recv(4096).decode().lower()
    assert (f"sec-websocket-protocol: {chosen}\r\n" in head) == (chosen is not None)


@pytest.mark.parametrize(
    ("offered", "takes"),
    [
        (None, False),
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; server_max_window_bits=10", False),
    ],
)
def test_compression_is_for_clients_that_take_the_whole_window(
    sockets: tuple[socket.socket, socket.socket], offered: str | None, takes: bool
) -> None:
    environ = ENVIRON | ({"HTTP_SEC_WEBSOCKET_EXTENSIONS": offered} if offered else {})
    assert Client(sockets[0], environ).takes_deflate == takes


def test_request_that_is_no_handshake_is_refused(sockets: tuple[socket.socket, socket.socket]) -> None:
    with pytest.raises(RemoteProtocolError):
        Client(sockets[0], {**ENVIRON, "HTTP_SEC_WEBSOCKET_VERSION": "1"})


def test_what_the_client_does_not_take_waits_in_order(connected: tuple[Client, socket.socket]) -> None:
    client, peer = connected
    begun = time.monotonic()
    for letter in b"abc":
        client.send(bytes((letter,)) * 500_000, bytes((letter,)) * 500_000)
    assert time.monotonic() - begun < 1
    assert client.blocked_since is not None
    received = b""
    while len(received) < 3_000_000:
        received += peer.recv(65536)
        client.flush()
    assert received == b"a" * 1_000_000 + b"b" * 1_000_000 + b"c" * 1_000_000
    assert client.blocked_since is None


def test_client_stays_blocked_while_it_takes_a_little(connected: tuple[Client, socket.socket]) -> None:
    client, peer = connected
    client.send(b"a" * 10_000_000)
    since = client.blocked_since
    for _ in range(20):
        peer.recv(1000)
        client.flush()
    assert client.blocked_since == since is not None


def test_messages_and_pings_of_the_client_are_read(connected: tuple[Client, socket.socket]) -> None:
    client, peer = connected
    assert client.receive() == []
    peer.sendall(masked(0x1, b"ping") + masked(0x9, b"there?") + masked(0x1, b"resync"))
    assert receive(client) == ["ping", "resync"]
    assert peer.recv(100) == b"\x8a\x06there?"


def test_client_without_a_pong_is_dropped_at_the_next_ping(connected: tuple[Client, socket.socket]) -> None:
    client, peer = connected
    client.ping()
    assert peer.recv(100) == b"\x89\x00"
    peer.sendall(masked(0xA, b""))
    receive(client)
    client.ping()
    with pytest.raises(DropError, match="does not answer pings"):
        client.ping()


def test_client_that_leaves_gets_its_close_frame_back(connected: tuple[Client, socket.socket]) -> None:
    client, peer = connected
    peer.sendall(masked(0x8, b"\x03\xe8"))
    with pytest.raises(ClientGoneError):
        receive(client)
    assert peer.recv(100) == b"\x88\x02\x03\xe8"


@pytest.mark.parametrize("frame", [b"\xff" * 50, b"\x81\x04ping", masked(0x1, b"\xff\xff")])
def test_garbage_ends_the_connection(connected: tuple[Client, socket.socket], frame: bytes) -> None:
    """Bits that mean nothing, a frame without a mask, a text that is none."""
    client, peer = connected
    peer.sendall(frame)
    with pytest.raises(ClientGoneError):
        receive(client)
    assert peer.recv(100)[0] == 0x88


def test_message_that_is_too_big_ends_the_connection(connected: tuple[Client, socket.socket]) -> None:
    client, peer = connected
    peer.sendall(b"\x81\xfe\x20\x00\0\0\0\0" + b"a" * 0x2000)
    with pytest.raises(ClientGoneError):
        receive_all(client)
    assert peer.recv(100)[:4] == b"\x88\x14\x03\xf1"


def test_client_that_sends_too_much_is_dropped(connected: tuple[Client, socket.socket]) -> None:
    client, peer = connected
    peer.sendall(masked(0x1, b"ping") * (MAX_BYTES_PER_SECOND // 10 + 10))
    with pytest.raises(DropError, match="floods"):
        receive_all(client)


def test_client_that_vanished_is_gone(connected: tuple[Client, socket.socket]) -> None:
    client, peer = connected
    peer.close()
    with pytest.raises(ClientGoneError):
        receive(client)
