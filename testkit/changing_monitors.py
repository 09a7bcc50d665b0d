"""One process of a fleet of small monitors that change their states by themselves.

`python -m testkit.changing_monitors PORT FIRST COUNT MEAN` serves the nodes M{FIRST + 1} and so on. Each changes every
MEAN seconds on average (0: never) and answers `/api/status` with a true long poll, over connections that stay open
(HTTP/1.1) or not (HTTP/1.0), `/api/history` with and without `step`, and `/metrics`. At SIGUSR1 the changes end; at
SIGTERM it prints what it did, and what that took, as JSON.

One loop over epoll with raw sockets: an asyncio stream for each connection takes four times as long.
"""

from __future__ import annotations

import gc
import heapq
import json
import re
import resource
import select
import signal
import socket
import sys
import time
from array import array
from typing import Final
from urllib.parse import parse_qs

from testkit.changing_node import ChangingNode
from testkit.fake_fleet import host

_REQUEST: Final = re.compile(rb"GET (/[^ ?]*)(?:\?([^ ]*))? HTTP/1\.([01])\r\n")
_POLL: Final = re.compile(rb"wait=([0-9.]+)&since=(\d+)")
_LONGEST_WAIT: Final = 25.0
_MAX_WAITING: Final = 8
_HEAD_LIMIT: Final = 16 * 1024
_EVENTS: Final = 512
_IDLE: Final = 60.0
_READ: Final = select.EPOLLIN | select.EPOLLRDHUP


class _Client:
    """A connection to a node, its incomplete request, unsent reply, and until when its long poll waits (0: none)."""

    __slots__ = ("deadline", "keeps_open", "node", "received", "socket", "unsent")

    def __init__(self, connection: socket.socket, node: int) -> None:
        self.socket = connection
        self.node = node
        self.received = b""
        self.unsent = b""
        self.keeps_open = False
        self.deadline = 0.0


class _Loop:
    """Serves nodes `first` to `first + count - 1`."""

    def __init__(self, port: int, first: int, count: int, mean: float) -> None:
        self._epoll = select.epoll()
        self._mean = mean
        self._listeners: dict[int, tuple[socket.socket, int]] = {}
        self._clients: dict[int, _Client] = {}
        self._nodes = [ChangingNode(first + number, time.time()) for number in range(count)]
        self._waiting: list[set[_Client]] = [set() for _ in self._nodes]
        self._deadlines: list[tuple[float, int]] = []
        self._changes: list[tuple[float, int]] = []
        self._requests = 0
        self._late = array("d")
        self._stopped = self._ended = False
        for number in range(count):
            listener = socket.create_server((host(first + number), port), backlog=64)
            listener.setblocking(False)
            self._listeners[listener.fileno()] = (listener, number)
            self._epoll.register(listener, select.EPOLLIN)

    def run(self) -> None:
        """Serve until SIGTERM."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_ended", True))
        signal.signal(signal.SIGUSR1, lambda *_: setattr(self, "_stopped", True))
        wakeup, waker = socket.socketpair()
        wakeup.setblocking(False)
        waker.setblocking(False)
        signal.set_wakeup_fd(waker.fileno())
        self._epoll.register(wakeup, select.EPOLLIN)
        began = time.monotonic()
        if self._mean:
            # Spread over a mean from the start on, so that the rate is even.
            self._changes = [(began + self._mean * n / len(self._nodes), n) for n in range(len(self._nodes))]
            heapq.heapify(self._changes)
        print("listening", flush=True)
        while not self._ended:
            for descriptor, event in self._epoll.poll(self._pause(), _EVENTS):
                if descriptor in self._listeners:
                    self._accept(descriptor)
                elif descriptor in self._clients:
                    self._advance(self._clients[descriptor], event)
                elif descriptor == wakeup.fileno():
                    wakeup.recv(64)
            self._change_due()
            self._expire()
        self._tell(time.monotonic() - began)

    def _tell(self, seconds: float) -> None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        late = sorted(self._late)
        told = {
            "seconds": round(seconds, 3),
            "changes": len(late),
            "requests": self._requests,
            "cpu_percent": round(100 * (used.ru_utime + used.ru_stime) / seconds, 2),
            "late_p99_ms": round(1000 * late[int(len(late) * 0.99)], 2) if late else 0.0,
            "nodes": {
                node.name: {"state": node.state, "changed_at": [round(at, 6) for at in node.changed_at]}
                for node in self._nodes
            },
        }
        print(json.dumps(told), flush=True)

    def _pause(self) -> float:
        due = [heap[0][0] for heap in (self._changes, self._deadlines) if heap]
        return min(max(0.0, min(due) - time.monotonic()), _IDLE) if due else _IDLE

    def _change_due(self) -> None:
        if self._stopped:
            self._changes.clear()
        now = time.monotonic()
        while self._changes and self._changes[0][0] <= now:
            due, number = self._changes[0]
            node = self._nodes[number]
            now = time.monotonic()
            node.change(time.time(), now)
            self._late.append(now - due)
            heapq.heapreplace(self._changes, (now + node.pause(self._mean), number))
            waiting, self._waiting[number] = self._waiting[number], set()
            for client in waiting:
                client.deadline = 0.0
                self._reply(client, node.status())

    def _expire(self) -> None:
        now = time.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            deadline, descriptor = heapq.heappop(self._deadlines)
            client = self._clients.get(descriptor)
            if client is not None and client.deadline == deadline:  # else it was answered since
                client.deadline = 0.0
                self._waiting[client.node].discard(client)
                self._reply(client, self._nodes[client.node].status())

    def _accept(self, descriptor: int) -> None:
        listener, number = self._listeners[descriptor]
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # it left meanwhile
        connection.setblocking(False)
        self._clients[connection.fileno()] = _Client(connection, number)
        self._epoll.register(connection, _READ)

    def _advance(self, client: _Client, event: int) -> None:
        try:
            if event & select.EPOLLOUT:
                self._send(client)
                if not client.unsent and client.keeps_open:
                    self._epoll.modify(client.socket, _READ)
                return
            data = client.socket.recv(_HEAD_LIMIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        client.received += data
        if not data or len(client.received) > _HEAD_LIMIT:
            self._drop(client)
        elif client.received.endswith(b"\r\n\r\n"):
            head, client.received = client.received, b""
            self._answer(client, head)

    def _answer(self, client: _Client, head: bytes) -> None:
        self._requests += 1
        found = _REQUEST.match(head)
        if found is None:
            self._reply(client, b'{"error":"not a GET request"}', "400 Bad Request")
            return
        path, query, version = found.groups()
        said = head.lower()
        client.keeps_open = b"connection: close" not in said if version == b"1" else b"keep-alive" in said
        if path != b"/api/status":
            self._answer_other(client, path.decode(), (query or b"").decode())
            return
        node = self._nodes[client.node]
        poll = _POLL.fullmatch(query) if query else None
        waiting = self._waiting[client.node]
        if poll is None or node.changes > int(poll[2]) or len(waiting) >= _MAX_WAITING:
            self._reply(client, node.status())
            return
        client.deadline = time.monotonic() + min(float(poll[1]), _LONGEST_WAIT)
        waiting.add(client)
        heapq.heappush(self._deadlines, (client.deadline, client.socket.fileno()))

    def _answer_other(self, client: _Client, path: str, query: str) -> None:
        node, now = self._nodes[client.node], time.time()
        try:
            asked = {name: float(values[0]) for name, values in parse_qs(query).items()}
        except ValueError:
            self._reply(client, b'{"error":"not a number"}', "400 Bad Request")
            return
        since = max(asked.get("since", 0.0), now - 86_400)
        if path == "/metrics":
            self._reply(client, node.metrics(now), content_type="text/plain; version=0.0.4")
        elif path == "/api/history" and "step" in asked:
            self._reply(client, node.shares(since, asked["step"], now))
        elif path == "/api/history":
            self._reply(client, node.history(since, now))
        elif path == "/api/health":
            self._reply(client, b'{"status":"healthy"}')
        else:
            self._reply(client, b'{"error":"not found"}', "404 Not Found")

    def _reply(
        self, client: _Client, body: bytes, status: str = "200 OK", content_type: str = "application/json"
    ) -> None:
        ending = "" if client.keeps_open else "Connection: close\r\n"
        head = (
            f"HTTP/1.{int(client.keeps_open)} {status}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\n{ending}\r\n"
        )
        client.unsent = head.encode() + body
        try:
            self._send(client)
        except BlockingIOError:
            self._epoll.modify(client.socket, select.EPOLLOUT)
        except OSError:
            self._drop(client)

    def _send(self, client: _Client) -> None:
        client.unsent = client.unsent[client.socket.send(client.unsent) :]
        if client.unsent:
            self._epoll.modify(client.socket, select.EPOLLOUT)
        elif not client.keeps_open:
            self._drop(client)

    def _drop(self, client: _Client) -> None:
        self._waiting[client.node].discard(client)
        del self._clients[client.socket.fileno()]
        client.socket.close()


def main(port: int, first: int, count: int, mean: float) -> None:
    """Serve `count` nodes from number `first` on, each changing every `mean` seconds on average."""
    loop = _Loop(port, first, count, mean)
    gc.freeze()  # a collection over thousands of nodes would make changes late
    loop.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
