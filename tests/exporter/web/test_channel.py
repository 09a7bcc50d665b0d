"""The framing of requests, without a socket: one request at a time, no body of unclear length."""

from __future__ import annotations

import pytest
from waitress.adjustments import Adjustments

from exporter.web.channel import _Parser

HEAD = b"POST /api/update_status HTTP/1.1\r\nHost: localhost\r\n"


def parsed(raw: bytes) -> _Parser:
    parser = _Parser(Adjustments(max_request_header_size=16 * 1024, max_request_body_size=256 * 1024))
    parser.received(raw)
    return parser


def test_request_with_a_length_is_complete_with_its_last_byte() -> None:
    parser = parsed(HEAD + b"Content-Length: 2\r\n\r\n")
    assert parser.received(b"{") == 1
    assert (parser.completed, parser.error) == (False, None)
    assert parser.received(b"}GET / HTTP/1.1\r\n") == 1
    assert (parser.completed, parser.error) == (True, None)
    assert parser.get_body_stream().read() == b"{}"


@pytest.mark.parametrize(
    ("headers", "code", "reason"),
    [
        (b"Transfer-Encoding: chunked", 400, "announce the length"),
        (b"Content-Length: 2\r\nTransfer-Encoding: chunked", 400, "announce the length"),
        (b"Transfer-Encoding: gzip", 400, "Transfer-Encoding"),
        (b"Transfer-Encoding: gzip, chunked", 400, "Transfer-Encoding"),
        (b"Content-Length: -1", 400, "Content-Length"),
        (b"Content-Length: 1, 2", 400, "Content-Length"),
        (b"Content-Length: " + b"9" * 5000, 400, ""),
        (b"Content-Length: 300000", 413, ""),
        (b"X: " + b"a" * 20_000, 431, ""),
        (b"X : 1", 400, ""),
    ],
)
def test_request_of_unclear_or_too_great_length_is_an_error(headers: bytes, code: int, reason: str) -> None:
    parser = parsed(HEAD + headers + b"\r\n\r\n")
    assert parser.completed
    assert parser.error.code == code
    assert reason in parser.error.body
