"""Raw requests, and the one JSON refusal that each of them must get."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from testkit.running import Service

_LEAKS = re.compile(rb"Traceback|/site-packages|/usr/lib|root:|werkzeug|\.py\b")


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def request(start: str, *headers: str, body: bytes = b"", host: str = "localhost") -> bytes:
    """Return a request with the right length of `body`."""
    length = [f"Content-Length: {len(body)}"] if body else []
    lines = [start, f"Host: {host}", "Connection: close", *length, *headers, "", ""]
    return "\r\n".join(lines).encode("utf-8", "surrogatepass") + body


def update(body: bytes, *headers: str, host: str = "localhost", path: str = "/api/update_status") -> bytes:
    """Return a report to the monitor."""
    if not any(header.lower().startswith("content-type") for header in headers):
        headers = ("Content-Type: application/json", *headers)
    return request(f"POST {path} HTTP/1.1", *headers, body=body, host=host)


def replies(service: Service, raw: bytes) -> list[Reply]:
    """Send `raw` and return every reply until the service hangs up."""
    rest = service.talk(raw)
    found = []
    while rest:
        head, _, rest = rest.partition(b"\r\n\r\n")
        start, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", len(rest)))
        found.append(Reply(int(start.split(" ")[1]), headers, rest[:length]))
        rest = rest[length:]
    return found


def reply(service: Service, raw: bytes) -> Reply:
    (only,) = replies(service, raw)
    return only


def refusal(service: Service, raw: bytes) -> tuple[int, Any]:
    """Return status and text of the one JSON error; it must tell nothing of the system."""
    answer = reply(service, raw)
    assert not _LEAKS.search(answer.body), answer
    assert answer.headers["content-type"].startswith("application/json"), answer
    content = json.loads(answer.body)
    assert list(content) == ["error"], answer
    return answer.status, content["error"]
