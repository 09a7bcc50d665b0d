"""Requests that are framed as HTTP wants it and odd in everything else, and what every answer must be."""

from __future__ import annotations

import json
import subprocess
from typing import NamedTuple

from hypothesis import strategies as st

from testkit.binaries import require
from testkit.running import Service

_LINE = st.characters(min_codepoint=0x21, max_codepoint=0x7E)
METHODS = st.sampled_from(["GET", "GET", "GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "get", "BREW"])
_WORDS = st.sampled_from(
    ["api", "status", "nodes", "M5", "..", "..%2f..%2fetc%2fpasswd", "%00", "%ff", "%ud800", "history", "alerts", "",
     "metrics", "health", "static", "update_status", "sd", "prometheus", "ws", "ray-dashboard", "unified",
     "%e2%80%ae", "openapi.json", "a" * 3000]
)  # fmt: skip
_PARAMETERS = st.sampled_from(
    ["limit", "since", "before", "minutes", "node", "name[]", "wait", "dashboard_url", "token"]
)
_VALUES = st.sampled_from(
    ["0", "1", "-1", "1e999", "nan", "inf", "9" * 40, "2026-01-01T00:00:00Z", "0001-01-01T00:00:00%2b23:59", "%00",
     "http://169.254.169.254/", "", "%d9%a3", "1_000", "9999-12-31T23:59:59-23:59", "-1e308", "-62135596801"]
) | st.text(_LINE, max_size=12)  # fmt: skip
PATHS = st.builds(
    lambda words, query: "/" + "/".join(words) + ("?" + "&".join("=".join(pair) for pair in query) if query else ""),
    st.lists(_WORDS | st.text(_LINE, max_size=8), max_size=5),
    st.lists(st.tuples(_PARAMETERS, _VALUES), max_size=3),
)
HOSTS = st.one_of(
    st.sampled_from(["localhost", "localhost", "127.0.0.1", "[::1]:80", "evil.example", "", "M5", "[", "a@b", "1.2.3"]),
    st.text(_LINE, max_size=12),
)
HEADERS = st.lists(
    st.sampled_from(
        ["Origin: http://evil.example", "X-Forwarded-For: 127.0.0.1", "Accept: " + "a/b," * 900,
         "Authorization: Bearer x",
         "Accept: application/openmetrics-text; version=1.0.0", "Accept: ;;;q=,", "Accept-Encoding: gzip, br;q=nan",
         "Content-Type: application/json; charset=utf-7", "X-Forwarded-Host: evil", "Range: bytes=9-1",
         "Cookie: \xff=1",
         "If-Modified-Since: never", "If-None-Match: *", "Authorization: Bearer \xe9\xff", "Accept-Language: \xb2"]
    ),
    max_size=3,
)  # fmt: skip


class ProbeResult(NamedTuple):
    status: int
    head: bytes
    body: bytes


def ask(service: Service, method: str, path: str, host: str, headers: list[str], body: bytes = b"") -> ProbeResult:
    """Send one request and return the one answer; an answer that no client should get is a failure."""
    lines = [
        f"{method} {path} HTTP/1.1",
        f"Host: {host}",
        "Connection: close",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    try:
        raw = service.talk("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
    except ConnectionResetError:
        assert len(body) > 60_000  # refused by its first line, it may find the door shut while it still talks
        return ProbeResult(400, b"", b"")
    head, separator, reply = raw.partition(b"\r\n\r\n")
    assert separator, f"no answer to {lines}"
    status = int(head.split(b" ", 2)[1])
    assert 200 <= status < 500, (lines, raw[:500])
    assert b"\nlocation:" not in head.lower(), (lines, raw[:500])
    assert b"Traceback" not in reply
    if status >= 400 and method != "HEAD":
        assert list(json.loads(reply)) == ["error"], (lines, raw[:500])
    return ProbeResult(status, head, reply)


def series(service: Service) -> set[str]:
    """Return every series of `/metrics` without its value; the exposition must please promtool."""
    text = service.get("/metrics").text
    done = subprocess.run(
        [require("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}
