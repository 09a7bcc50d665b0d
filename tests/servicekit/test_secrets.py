"""Tokens: what a file may hold, what a header shows, and how the two are compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from servicekit.errors import StartError
from servicekit.secrets import bearer, equal, read_token


def written(directory: Path, content: bytes) -> Path:
    path = directory / "token"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"  s3cret \r\n\n"])
def test_token_is_read_without_the_space_around_it(tmp_path: Path, content: bytes) -> None:
    assert read_token(written(tmp_path, content)) == "s3cret"


@pytest.mark.parametrize("content", [b"", b" \n", b"one\ntwo", "密码".encode(), b"nul\0", b"\xff\xfe", b"\x1b[31m"])
def test_file_without_one_line_of_printable_ascii_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = written(tmp_path, content)
    with pytest.raises(StartError) as refusal:
        read_token(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_error_shows_nothing_of_a_bad_token(tmp_path: Path) -> None:
    with pytest.raises(StartError) as refusal:
        read_token(written(tmp_path, b"hunter2\nrest"))
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("name", ["missing", "."])
def test_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StartError, match="cannot be read"):
        read_token(tmp_path / name)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("BEARER abc", "abc"),
        ("Bearer", ""),
        ("Basic abc", None),
        ("abc", None),
        ("", None),
    ],
)
def test_header_shows_a_token_only_under_the_scheme_bearer(header: str, token: str | None) -> None:
    assert bearer(header) == token


@pytest.mark.parametrize(
    ("given", "same"), [("s3cret", True), ("s3cre", False), ("S3cret", False), ("", False), ("密", False)]
)
def test_only_the_same_token_is_equal(given: str, same: bool) -> None:
    assert equal(given, "s3cret") is same
