"""The parser of one HTTP reply, fed piece by piece."""

from __future__ import annotations

import pytest

from servicekit.http_reply import BODY_LIMIT, HEAD_LIMIT, ProbeError, ReplyReader

HEAD = b"HTTP/1.1 200 OK\r\n"


def read(*pieces: bytes, limit: int = BODY_LIMIT) -> bytes:
    """Return the body of the reply that arrives in `pieces`, with the end of the connection after them."""
    reader = ReplyReader(limit)
    for piece in (*pieces, b""):
        body = reader.feed(piece)
        if body is not None:
            return body
    raise AssertionError("neither a body nor an error")


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("head", [HEAD + b"Content-Length: 5\r\n\r\n", HEAD + b"\r\n"])
def test_body_is_the_same_in_whatever_pieces_it_arrives(head: bytes, size: int) -> None:
    reply = head + b"hello"
    assert read(*[reply[start : start + size] for start in range(0, len(reply), size)]) == b"hello"


def test_body_of_known_length_is_complete_before_the_connection_ends() -> None:
    assert ReplyReader().feed(HEAD + b"content-length:5\r\n\r\nhello, and more") == b"hello"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (b"", "bad_reply"),
        (b"HTTP/1.1 200 OK\r\nContent", "bad_reply"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "bad_reply"),
        (b"HTTP/2 200\r\n\r\n", "bad_reply"),
        (b"HTTP/1.1 20\r\n\r\n", "bad_reply"),
        (b"HTTP/1.1 abc no\r\n\r\n", "bad_reply"),
        (HEAD + b"Content-Length: 9\r\n\r\nhello", "bad_reply"),
        (HEAD + b"Content-Length: -1\r\n\r\n", "bad_reply"),
        (HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", "bad_reply"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad_reply"),
        (b"HTTP/1.0 503 no\r\n\r\n", "http_503"),
        (b"HTTP/1.0 302 Found\r\nLocation: http://x/\r\n\r\n", "http_302"),
        (HEAD + b"Content-Length: 99999999999999999999\r\n\r\n", "too_large"),
        (HEAD + b"Content-Length: %d\r\n\r\n" % (BODY_LIMIT + 1), "too_large"),
        (HEAD + b"\r\n" + b"x" * (BODY_LIMIT + 1), "too_large"),
        (HEAD + b"X: " + b"a" * HEAD_LIMIT, "too_large"),
    ],
)
def test_other_reply_is_an_error_with_its_reason(reply: bytes, reason: str) -> None:
    with pytest.raises(ProbeError) as caught:
        read(reply)
    assert caught.value.reason == reason


def test_limit_is_the_callers() -> None:
    assert read(HEAD + b"\r\n12345", limit=5) == b"12345"
    with pytest.raises(ProbeError, match="too_large"):
        read(HEAD + b"\r\n123456", limit=5)


def test_equal_lengths_are_one() -> None:
    assert read(HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab") == b"ab"
