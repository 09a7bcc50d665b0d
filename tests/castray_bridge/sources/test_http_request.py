"""One HTTP GET that another thread can abort."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from castray_bridge.sources.http_request import HTTPRequest
from testkit.hostile import DRIPS, GOOD, TlsServer, body, endless, says, serving, unanswering
from testkit.net import free_port, wait_for

LIMIT = 1024


def started(url: str, timeout: float = 5.0, verify: bool | str = True) -> HTTPRequest:
    return HTTPRequest(url, {}, timeout, LIMIT, verify)


def test_reply_is_kept_with_its_status() -> None:
    with serving(says(body({"a": 1}))) as server:
        request = started(f"http://{server.address}/")
        assert request.ended_by(time.monotonic() + 5)
    assert (request.status, request.body, request.failure) == (200, b'{"a": 1}', None)


def test_failure_is_kept_for_the_thread_that_waits() -> None:
    request = started(f"http://127.0.0.1:{free_port()}/")
    assert request.ended_by(time.monotonic() + 5)
    assert type(request.failure).__name__ == "ConnectionError"


def test_body_is_read_to_the_limit_and_one_chunk_at_most() -> None:
    with serving(endless(b"HTTP/1.0 200 OK\r\n\r\n", b"a" * 4096)) as server:
        request = started(f"http://{server.address}/")
        assert request.ended_by(time.monotonic() + 5)
    assert LIMIT < len(request.body) <= LIMIT + 64 * 1024


@pytest.mark.parametrize("drip", DRIPS)
def test_request_is_aborted_wherever_it_is(drip: str) -> None:
    with serving(DRIPS[drip]) as server:
        request = started(f"http://{server.address}/", timeout=30)
        wait_for(lambda: server.requests, "the request")
        assert not request.ended_by(time.monotonic() + 0.2)
        request.abort()
        assert request.ended_by(time.monotonic() + 2)


def test_request_within_tls_is_aborted(tmp_path: Path) -> None:
    with TlsServer(DRIPS["a body of known length"], tmp_path) as server:
        request = started(f"https://{server.address}/", timeout=30, verify=str(server.certificate))
        wait_for(lambda: server.requests, "the request")
        assert not request.ended_by(time.monotonic() + 0.2)
        request.abort()
        assert request.ended_by(time.monotonic() + 2)


def test_connection_that_is_established_after_the_abort_is_shut_down() -> None:
    with unanswering() as address:
        request = started(f"http://{address}/", timeout=0.5)
        request.abort()
        assert request.ended_by(time.monotonic() + 5)
    with serving(GOOD) as server:
        request = started(f"http://{server.address}/")
        request.abort()
        assert request.ended_by(time.monotonic() + 5)
