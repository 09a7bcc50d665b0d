"""URLs of the configured services: validation, and removal of user names and passwords."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def check_service_url(value: str) -> str:
    """Return the URL of a service. Raises `ValueError` for anything but http or https with a host."""
    try:
        parts = urlsplit(value)
        has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        has_host = False
    if not has_host or parts.scheme not in ("http", "https"):
        raise ValueError(f"{without_credentials(value)!r} is not an http or https URL")
    return value


def without_credentials(url: str) -> str:
    """Return `url` without user name and password, for replies, logs and errors."""
    parts = urlsplit(url) if "@" in url else None
    if parts is None or "@" not in parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
