"""The socket of one client: whole frames, and the time limit of a send."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from castray_bridge.web.client_socket import ClientSocket
from testkit.threads import doing


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The bridge's and the client's end of one connection with small buffers."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(10)
        peer.connect(listener.getsockname())
        ours, _ = listener.accept()
        with ours:
            yield ours, peer


def test_what_several_threads_send_is_not_mixed(connection: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = ClientSocket(connection[0]), connection[1]
    senders = [threading.Thread(target=ours.send, args=(bytes((letter,)) * 1_000_000,)) for letter in b"abc"]
    for sender in senders:
        sender.start()
    received = b""
    while len(received) < 3_000_000:
        received += peer.recv(65536)
    for sender in senders:
        sender.join()
    assert sorted(letter for letter, _ in itertools.groupby(received)) == sorted(b"abc")


def test_frame_that_is_not_taken_in_time_ends_the_connection(connection: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = ClientSocket(connection[0], send_seconds=0.2), connection[1]
    begun = time.monotonic()
    with pytest.raises(BlockingIOError):
        ours.send(b"a" * 1_000_000)
    assert 0.2 <= time.monotonic() - begun < 1
    assert ours.stalled
    while peer.recv(65536):
        pass
    with pytest.raises(BrokenPipeError):
        ours.send(b"b")  # it would be taken for the rest of the first


def test_client_that_takes_a_little_now_and_then_is_given_up_too(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    ours, peer = ClientSocket(connection[0], send_seconds=0.5), connection[1]
    begun = time.monotonic()
    with doing(lambda: ours.stalled or (peer.recv(1000), threading.Event().wait(0.05))), pytest.raises(OSError):  # noqa: PT011
        ours.send(b"a" * 10_000_000)
    assert ours.stalled
    assert time.monotonic() - begun < 2
