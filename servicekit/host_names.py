"""Names under which a service is addressed: its own, and those of the option `--host-names`."""

from __future__ import annotations

import re
import socket
import threading
from typing import Final

_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*\.?")
_RESOLVER_SECONDS: Final = 1.0


def parse_host_names(text: str) -> frozenset[str]:
    """Return the comma-separated names in lower case. Raises `ValueError` for a URL, a port or `*`."""
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    for word in words:
        if not _NAME.fullmatch(word):
            raise ValueError(f"{word!r} is not a host name; give it without scheme, port and wildcard")
    return frozenset(word.rstrip(".") for word in words)


def own_host_names() -> frozenset[str]:
    """Return this machine's host name and fully qualified name, in lower case.

    The qualified name needs a resolver, which may hang: it is left out after a second.
    """
    name = socket.gethostname()
    found = [name]
    thread = threading.Thread(target=lambda: found.append(socket.getfqdn(name)), name="own-host-name", daemon=True)
    thread.start()
    thread.join(_RESOLVER_SECONDS)
    return frozenset(each.lower() for each in found if each)
