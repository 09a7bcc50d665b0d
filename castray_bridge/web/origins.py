"""Origins of web pages (RFC 6454), in the form in which browsers send them."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def parse_origins(text: str) -> tuple[str, ...]:
    """Return the origins in the comma-separated `text`; empty for `*`, which stands for all.

    Raises `ValueError` for a word that is no origin, because a browser would never send it.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    if "*" in words:
        return ()
    return tuple(dict.fromkeys(map(normal_origin, words)))


def normal_origin(text: str) -> str:
    """Return `text` as a browser sends it: lower case, no default port, no slash. Raises `ValueError`."""
    error = ValueError(f"{text!r} is no origin, such as https://dashboard.example or http://10.0.0.1:8080, or *")
    try:
        parts = urlsplit(text.lower())
        port = parts.port
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host.encode("idna").decode()
    except (ValueError, UnicodeError):
        raise error from None
    is_bare = not (parts.query or parts.fragment or parts.username or parts.password) and parts.path in ("", "/")
    if parts.scheme not in _DEFAULT_PORTS or not host or "*" in host or " " in host or not is_bare or port == 0:
        raise error
    return f"{parts.scheme}://{host}" + ("" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}")
