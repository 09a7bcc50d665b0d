"""Requests that were seen before, byte for byte, answered from the server's loop, without parser and thread.

Clients that poll send the same head again and again. What gunicorn's parser made of a head is kept, so that no second
parser decides what a request says; who may read what is decided anew each time.
"""

from __future__ import annotations

import socket
from email.utils import formatdate
from functools import lru_cache
from time import time
from typing import Any, Final

from castray_bridge.web.access import Environ
from castray_bridge.web.fast_path import FastPath

MAX_HEAD: Final = 2048
"""Bytes of a head that is remembered."""
MAX_HEADS: Final = 1024
"""Heads that are remembered; beyond, all are forgotten: the frequent ones are back at once."""
_END: Final = b"\r\n\r\n"
_MORE_THAN_A_HEAD: Final = frozenset({"CONTENT-LENGTH", "TRANSFER-ENCODING", "EXPECT", "UPGRADE"})


class ReadyRequests:
    """The known heads, and their replies as of now. `peek` and `reply` never wait; `learn` may run in any thread."""

    def __init__(self, fast_path: FastPath) -> None:
        self._fast_path = fast_path
        self._known: dict[bytes, Environ] = {}

    def peek(self, sock: socket.socket) -> bytes:
        """Return what has arrived at `sock`, a non-blocking socket, and leave it there."""
        try:
            return sock.recv(MAX_HEAD, socket.MSG_PEEK)
        except OSError:
            return b""

    def reply(self, head: bytes) -> bytes | None:
        """Return the whole reply to a request that consists of `head`; None if that needs the parser."""
        environ = self._known.get(head)
        found = None if environ is None else self._fast_path.reply(environ)
        if found is None:
            return None
        lines = [f"HTTP/1.1 {found.status}", _common(int(time()))]
        lines += [f"{name}: {value}" for name, value in found.headers]
        return "\r\n".join((*lines, "", "")).encode("latin-1") + found.body

    def may_learn(self, head: bytes, request: Any) -> bool:
        """Return whether `head` is all of gunicorn's `request`, and one that may come again on a connection."""
        is_whole = head.endswith(_END) and head.count(_END) == 1
        has_more = any(name in _MORE_THAN_A_HEAD for name, _ in request.headers)
        keeps_open = request.version == (1, 1) and not request.should_close()
        return is_whole and keeps_open and not has_more and self._fast_path.may_take(request.method, request.path)

    def learn(self, head: bytes, environ: Environ) -> None:
        """Remember the WSGI environment that gunicorn made of `head`, if the request is one that is admitted now."""
        if self._fast_path.reply(environ) is not None:
            if len(self._known) >= MAX_HEADS:
                self._known = {}
            self._known[head] = {key: value for key, value in environ.items() if isinstance(value, str)}


@lru_cache(maxsize=1)
def _common(second: int) -> str:
    """Return the headers that gunicorn gives every reply."""
    return f"Server: gunicorn\r\nDate: {formatdate(second, usegmt=True)}\r\nConnection: keep-alive"
