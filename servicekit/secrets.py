"""Secrets come from files, never from the command line or an address."""

from __future__ import annotations

from pathlib import Path

from servicekit.cli import StartError


def read_token(path: Path) -> str:
    """Return the token in `path` without surrounding white space. Raises `StartError`."""
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"the token file {path} cannot be read: {error}") from None
    if not token or not token.isascii() or not token.isprintable():
        raise StartError(f"the token file {path} must hold one line of printable ASCII")
    return token
