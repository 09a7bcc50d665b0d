"""10,000 random or hostile requests to a monitor: what they change and what they cost."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bench.row import Benches, Row
from testkit.running import RunningMonitor

_REQUESTS: Final = 10_000
_WARM_UP: Final = 3_000
_HOST: Final = b"Host: localhost\r\nConnection: close\r\n"
_JSON: Final = b"Content-Type: application/json\r\n"
_PATHS: Final = (
    "/", "/api/status", "/api/status?wait=nan&since=1e999", "/api/history?since=9999-99-99", "/api/alerts?limit=-1",
    "/metrics?name[]=../..", "/api/nodes/..%2f..%2fetc%2fpasswd/status", "//api//status", "/api/nodes/%00/status",
    "/" + "a" * 3000, "/static/../../journal.sqlite3", "/api/openapi.json", "/api/update_status",
)  # fmt: skip
_REFUSED_BODIES: Final = (
    b"", b"{", b"[]", b"null", b'{"status": "boom"}', b'{"status": "unknown"}', b'{"status": ["sending"]}',
    b'{"status": "idle", "status": "sending"}', b'{"status": "sending", "processed": -1}',
    b'{"status": "sending", "ttl": NaN}', b'{"status": "sending", "ttl": 1e999}',
    b'{"status": "sending", "message": 7}',
    b'{"status": "sending", "message": "\\ud800"}', b'{"status": "sending", "message": "\xff"}',
    b'{"status": "sending", "task_info": ' + b'{"a":' * 2000 + b"1" + b"}" * 2001,
    b'{"status": "' + b"x" * 65_536 + b'"}',
)  # fmt: skip
_REFUSED_HEADERS: Final = (
    b"Host: evil.example\r\nConnection: close\r\n", _HOST + b"Origin: http://evil.example\r\n",
    _HOST + b"Transfer-Encoding: chunked\r\n",
    _HOST + b"X-Large: " + b"x" * 20_000 + b"\r\n",
)  # fmt: skip


def _read(choice: random.Random) -> bytes:
    method = choice.choice(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "BREW"))
    return f"{method} {choice.choice(_PATHS)} HTTP/1.1\r\n".encode() + _HOST + b"\r\n"


def _post(headers: bytes, body: bytes) -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /api/update_status HTTP/1.1\r\n" + headers + _JSON + length + b"\r\n" + body


def _bad_body(choice: random.Random) -> bytes:
    return _post(_HOST, choice.choice(_REFUSED_BODIES))


def _bad_head(choice: random.Random) -> bytes:
    return _post(choice.choice(_REFUSED_HEADERS), b'{"status": "sending"}')


def _noise(choice: random.Random) -> bytes:
    return choice.randbytes(choice.randrange(1, 200)) + b"\r\n\r\n"


def _random_bytes_in_a_body(choice: random.Random) -> bytes:
    return _post(_HOST, choice.randbytes(choice.randrange(1, 400)))


_KINDS: Final[tuple[Callable[[random.Random], bytes], ...]] = (
    _read,
    _bad_body,
    _bad_head,
    _noise,
    _random_bytes_in_a_body,
)


def _measure() -> list[Row]:
    choice = random.Random(1)
    errors, changed = 0, 0
    with tempfile.TemporaryDirectory() as name, RunningMonitor(Path(name), "--log-level", "error") as monitor:
        monitor.report(status="detecting", ttl=86_400)
        for _ in range(_WARM_UP):  # until its allocator has what such requests take
            _talk(monitor, choice.choice(_KINDS)(choice))
        before, status = monitor.resources()["megabytes"], monitor.status()
        for number in range(_REQUESTS):
            errors += _talk(monitor, choice.choice(_KINDS)(choice)).startswith(b"HTTP/1.1 5")
            if number % 100 == 0:
                changed += monitor.status() != status
        changed += monitor.status() != status
        grown = monitor.resources()["megabytes"] - before
    what = f"{_REQUESTS:,} random or hostile requests"
    return [
        Row(f"{what}: answers 5xx", errors, "", "== 0"),
        Row(f"{what}: changes of the state", changed, "", "== 0"),
        Row(f"{what}: memory grown", grown, "MB", "<= 1"),
    ]


def _talk(monitor: RunningMonitor, raw: bytes) -> bytes:
    try:
        return monitor.talk(raw)
    except (ConnectionResetError, BrokenPipeError):
        return b""  # refused by its first line while it still talked


BENCHES: Benches = {"monitor-hostile-requests": _measure}
