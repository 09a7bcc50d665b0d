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


def left_open(reply: bytes) -> bool:
    reader = ReplyReader()
    assert reader.feed(reply) == b"hello"
    return reader.leaves_open


def test_connection_stays_open_after_a_reply_of_announced_length() -> None:
    assert left_open(HEAD + b"Content-Length: 5\r\n\r\nhello")
    assert left_open(HEAD + b"Content-Length: 5\r\nConnection: keep-alive\r\n\r\nhello")


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
        HEAD + b"Content-Length: 5\r\nConnection: close\r\n\r\nhello",
        HEAD + b"content-length: 5\r\nCONNECTION: Upgrade, Close\r\n\r\nhello",
        HEAD + b"Content-Length: 5\r\n\r\nhello, and more",
        HEAD + b"Content-Length: 5\r\n\r\nhello" + HEAD + b"Content-Length: 5\r\n\r\nworld",
    ],
)
def test_connection_does_not_stay_open_after_another_reply(reply: bytes) -> None:
    assert not left_open(reply)


def test_incomplete_reply_leaves_nothing_open() -> None:
    reader = ReplyReader()
    assert reader.is_empty
    assert reader.feed(HEAD + b"Content-Length: 5\r\n\r\nhell") is None
    assert not reader.is_empty
    assert not reader.leaves_open


def test_reply_that_ends_with_the_connection_leaves_nothing_open() -> None:
    reader = ReplyReader()
    reader.feed(HEAD + b"\r\nhello")
    assert reader.feed(b"") == b"hello"
    assert not reader.leaves_open
