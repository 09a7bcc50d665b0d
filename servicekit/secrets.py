"""Secrets come from files, never from the command line or an address, and are shown in a header."""

from __future__ import annotations

import hmac
from pathlib import Path

from servicekit.errors import StartError


def read_token(path: Path) -> str:
    """Return the token in `path` without surrounding white space. Raises `StartError`."""
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"the token file {path} cannot be read: {error}") from None
    if not token or not token.isascii() or not token.isprintable():
        raise StartError(f"the token file {path} must hold one line of printable ASCII")
    return token


def bearer(authorization: str) -> str | None:
    """Return the token in the value of an `Authorization` header; None when it shows none."""
    scheme, _, given = authorization.partition(" ")
    return given.strip() if scheme.lower() == "bearer" else None


def equal(given: str, secret: str) -> bool:
    """Compare in a time that tells nothing of `secret`."""
    return hmac.compare_digest(given.encode(), secret.encode())
