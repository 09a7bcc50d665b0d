"""A monitor as the reporter sees it, able to misbehave in every way that a real one could."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable
from io import BufferedIOBase
from types import TracebackType
from typing import Any, Optional

TAKEN = b'{"success": true, "status": "idle", "version": 1}'


def http_reply(body: bytes, status: str = "200 OK") -> bytes:
    """Return a whole HTTP/1.1 reply that keeps the connection open."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


Answer = Callable[[dict[str, Any], socket.socket], Optional[bytes]]
"""Makes the reply to a report; None closes the connection. It may also write or wait by itself."""


def take(_report: dict[str, Any], _connection: socket.socket) -> bytes:
    """Answer as a healthy monitor does."""
    return http_reply(TAKEN)


def drip(_report: dict[str, Any], connection: socket.socket) -> bytes | None:
    """Answer right, but a byte at a time, for longer than a client waits."""
    for byte in http_reply(TAKEN):
        connection.sendall(bytes([byte]))
        time.sleep(0.1)  # as slow as it is, it never lets a timeout per byte run out
    return b""


class FakeMonitor:
    """Listens on a loopback port; keeps every report that came in, in order, with its headers and arrival.

    A context manager. `answer` may be changed; `released` is set at the end, for answers that wait. `arrivals` are
    in seconds of the monotonic clock.
    """

    def __init__(self, port: int = 0, answer: Answer = take) -> None:
        self.answer = answer
        self.reports: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.arrivals: list[float] = []
        self.connections = 0
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", port), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="fake-monitor")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def statuses(self) -> list[str]:
        """The status of every report, heartbeats and repeats included."""
        return [report["status"] for report in self.reports]

    @property
    def changes(self) -> list[tuple[str, str]]:
        """Status and task of every report that differs in them from the one before."""
        pairs = [(report["status"], report["current_task"]) for report in self.reports]
        return [pair for number, pair in enumerate(pairs) if number == 0 or pair != pairs[number - 1]]

    @property
    def entered(self) -> list[str]:
        """The status of every report that enters one: all but heartbeats and mere counts."""
        return [report["status"] for report in self.reports if "heartbeat" not in report]

    def hang(self, _report: dict[str, Any], _connection: socket.socket) -> None:
        """Answer nothing for as long as the monitor is there."""
        self.released.wait()

    def refuse(self) -> None:
        """Refuse new connections; open ones remain."""
        self._server.shutdown()
        self._server.server_close()

    def totals(self) -> dict[str, int]:
        """The sums over all sessions of the highest totals seen, as a monitor counts them."""
        highest: dict[str, dict[str, int]] = {}
        for report in self.reports:
            known = highest.setdefault(report["session"], {})
            for name, value in report["totals"].items():
                known[name] = max(value, known.get(name, 0))
        names = ("processed", "low_confidence", "sent_to_server")
        return {name: sum(known[name] for known in highest.values()) for name in names}

    def durations(self) -> list[float]:
        """All inference times, each report's once however often it was sent."""
        once = {(report["session"], report["sequence"]): report for report in self.reports}
        return [seconds for report in once.values() for seconds in report.get("inference_seconds", [])]

    def __enter__(self) -> FakeMonitor:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self.refuse()
        self._thread.join()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


def _handler_of(monitor: FakeMonitor) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        timeout = 10.0

        def handle(self) -> None:
            monitor.connections += 1
            try:
                while not monitor.released.is_set() and self._one_request(self.rfile):
                    pass
            except OSError:
                return

        def _one_request(self, incoming: BufferedIOBase) -> bool:
            if not incoming.readline():
                return False
            headers = {}
            while line := incoming.readline().strip():
                name, _, value = line.decode().partition(":")
                headers[name.lower()] = value.strip()
            report = json.loads(incoming.read(int(headers["content-length"])))
            if monitor.released.is_set():
                return False
            answer = monitor.answer  # a test that sees the report may choose another for the next one
            monitor.headers.append(headers)
            monitor.arrivals.append(time.monotonic())
            monitor.reports.append(report)
            reply = answer(report, self.connection)
            if reply is None:
                return False
            self.connection.sendall(reply)
            return True

    return Handler
