"""Loopback servers with every behaviour that a client of a node's port can meet."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

from servicekit.address import Address

STATUS: Final = {
    "status": "detecting",
    "timestamp": "2026-01-01T00:00:00.000+00:00",
    "latest_state": {"current_task": "frame 7"},
    "stats": {"total_processed": 3, "low_confidence_count": 2, "sent_to_server": 1},
    "stale": False,
}
Behaviour = Callable[[socket.socket, threading.Event], None]


def reply(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    """Return a whole HTTP reply."""
    return f"HTTP/1.0 {status}\r\n{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body


def says(data: bytes) -> Behaviour:
    """Send `data` and close."""

    def behave(peer: socket.socket, ended: threading.Event) -> None:
        peer.sendall(data)

    return behave


def endless(start: bytes, piece: bytes, pause: float = 0.0) -> Behaviour:
    """Send `start`, then `piece` again and again."""

    def behave(peer: socket.socket, ended: threading.Event) -> None:
        peer.sendall(start)
        while not ended.wait(pause):
            peer.sendall(piece)

    return behave


def silent(peer: socket.socket, ended: threading.Event) -> None:
    """Take the request and never reply."""
    ended.wait()


def body(value: Any) -> bytes:
    return reply(json.dumps(value).encode())


def kept(value: Any) -> bytes:
    """Return a whole HTTP/1.1 reply with the JSON of `value`, after which the connection stays open."""
    content = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content


def conversation(*replies: bytes | Behaviour) -> Behaviour:
    """Send, or do, one thing after each request on the connection, and close after the last one."""

    def behave(peer: socket.socket, ended: threading.Event) -> None:
        for number, answer in enumerate(replies):
            if number and not peer.recv(4096):
                return
            if isinstance(answer, bytes):
                peer.sendall(answer)
            else:
                answer(peer, ended)

    return behave


GOOD: Final = says(body(STATUS))
_BOMB: Final = gzip.compress(b" " * 10_000_000)
"""Ten megabytes in ten kilobytes; repeated, it is one long gzip file."""
BEHAVIOURS: Final[dict[str, tuple[Behaviour, str]]] = {
    "never answers": (silent, "timeout"),
    "drips a head": (endless(b"HTTP/1.0 200 OK\r\n", b"X", 0.2), "timeout"),
    "drips a body": (endless(b"HTTP/1.0 200 OK\r\n\r\n{", b" ", 0.2), "timeout"),
    "endless head": (endless(b"HTTP/1.0 200 OK\r\n", b"X-A: " + b"a" * 4000 + b"\r\n"), "too_large"),
    "endless body": (endless(b"HTTP/1.0 200 OK\r\n\r\n", b"a" * 4096), "too_large"),
    "announces a gigabyte": (says(b"HTTP/1.0 200 OK\r\nContent-Length: 1000000000\r\n\r\n{"), "too_large"),
    # Nothing is decompressed: a bomb counts with its size on the wire.
    "gzip bomb": (endless(b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n", _BOMB), "too_large"),
    "small gzip bomb": (says(reply(_BOMB, extra="Content-Encoding: gzip\r\n")), "not_json"),
    "HTML": (says(reply(b"<html>hello</html>")), "not_json"),
    "binary": (says(reply(bytes(range(256)))), "not_json"),
    "nothing": (says(reply(b"")), "not_json"),
    "half JSON": (says(reply(b'{"status": "idle"')), "not_json"),
    "NaN": (says(reply(b'{"status": "idle", "version": NaN}')), "not_json"),
    "list": (says(body([])), "bad_status"),
    "null": (says(body(None)), "bad_status"),
    "status 7": (says(body({"status": 7})), "bad_status"),
    "status boom": (says(body({"status": "boom"})), "bad_status"),
    "status unknown": (says(body({"status": "unknown"})), "bad_status"),
    "no status": (says(body({})), "bad_status"),
    "503": (says(reply(b"{}", "503 Unavailable")), "http_503"),
    "404": (says(reply(b"{}", "404 Not Found")), "http_404"),
    "204": (says(b"HTTP/1.0 204 No Content\r\n\r\n"), "http_204"),
    "redirect": (says(reply(b"", "302 Found", "Location: http://169.254.169.254/\r\n")), "http_302"),
    "body cut short": (says(b"HTTP/1.0 200 OK\r\nContent-Length: 50\r\n\r\n{}"), "bad_reply"),
    "two lengths": (says(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), "bad_reply"),
    "length and chunked": (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "bad_reply"),
    "negative length": (says(b"HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n{}"), "bad_reply"),
    "not HTTP": (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "bad_reply"),
    "hangs up": (says(b""), "bad_reply"),
}
"""What the server does, and the reason of failure that the bridge must report."""
KEPT: Final[dict[str, tuple[Behaviour, str]]] = {
    "never answers again": (conversation(kept(STATUS), silent), "timeout"),
    "drips its second reply": (conversation(kept(STATUS), endless(b"HTTP/1.1 200 OK\r\n", b"X", 0.2)), "timeout"),
    "half a second reply": (conversation(kept(STATUS), kept(STATUS)[:-5]), "bad_reply"),
    "second reply is not HTTP": (conversation(kept(STATUS), b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "bad_reply"),
    "second reply is an error": (conversation(kept(STATUS), reply(b"{}", "503 Unavailable")), "http_503"),
}
"""What a server does whose first reply on a connection is good, and the reason of failure of the second request."""
_HEAD: Final = b"HTTP/1.1 200 OK\r\n"
DRIPS: Final[dict[str, Behaviour]] = {
    "header lines": endless(_HEAD, b"X-A: b\r\n", 0.05),
    "bytes of one header": endless(_HEAD + b"X-A: ", b"a", 0.05),
    "a body of known length": endless(_HEAD + b"Content-Length: 100000\r\n\r\n[", b" ", 0.05),
    "a body until the connection ends": endless(_HEAD + b"\r\n[", b" ", 0.05),
    "chunks": endless(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.05),
    "nothing": silent,
}
"""Replies that never end although no single read takes long."""


class HostileServer:
    """Applies a behaviour to every connection to `address`; `requests` are the bytes received."""

    def __init__(self, behaviour: Behaviour, host: str = "127.0.0.1", port: int = 0) -> None:
        self.behaviour = behaviour
        self.requests: list[bytes] = []
        self._ended = threading.Event()
        self._listener = socket.create_server((host, port), backlog=1024)
        self.address = Address(*self._listener.getsockname()[:2])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            try:
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()
            except RuntimeError:  # no further thread beside a crowd of another test: the client asks again
                peer.close()

    def _serve(self, peer: socket.socket) -> None:
        with peer:
            try:
                self.requests.append(peer.recv(4096))
                self.behaviour(peer, self._ended)
            except OSError:
                pass  # the bridge has closed the connection


class TlsServer(HostileServer):
    """The same within TLS, under a `certificate` of its own; a context manager."""

    def __init__(self, behaviour: Behaviour, directory: Path) -> None:
        self.certificate = directory / "certificate.pem"
        key = directory / "key.pem"
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=127.0.0.1"
        )
        options = ("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", self.certificate)
        subprocess.run([*command.split(), *options], check=True, capture_output=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, key)
        super().__init__(behaviour)

    def __enter__(self) -> TlsServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _serve(self, peer: socket.socket) -> None:
        with contextlib.suppress(OSError):  # the client has hung up, or does not speak TLS
            super()._serve(self._context.wrap_socket(peer, server_side=True))


@contextmanager
def unanswering() -> Iterator[Address]:
    """Yield an address that answers no attempt to connect, like that of a host which is off."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        # No thread accepts, and the queue holds one: a later connection is not even refused.
        for _ in range(4):
            peer = stack.enter_context(socket.socket())
            peer.setblocking(False)
            peer.connect_ex(listener.getsockname())
        yield Address(*listener.getsockname()[:2])


@contextmanager
def serving(behaviour: Behaviour, host: str = "127.0.0.1", port: int = 0) -> Iterator[HostileServer]:
    server = HostileServer(behaviour, host, port)
    try:
        yield server
    finally:
        server.close()
