"""Write access: which requests may report."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Union

from flask import Request
from werkzeug.exceptions import Forbidden, RequestEntityTooLarge, Unauthorized, UnsupportedMediaType

from servicekit.secrets import bearer, equal

BODY_LIMIT: Final = 64 * 1024
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
LOOPBACK: Final[tuple[Network, ...]] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1"))


def networks(text: str) -> tuple[Network, ...]:
    """Parse comma-separated IP addresses and networks. Raises ValueError naming the wrong one."""
    parts = (part.strip() for part in text.split(","))
    return tuple(ipaddress.ip_network(part) for part in parts if part)


@dataclass(frozen=True)
class WritePolicy:
    """Who may write: loopback, the `trusted` networks, and any peer that shows the `token` (None: no other peer)."""

    trusted: Sequence[Network] = ()
    token: str | None = None

    def check(self, request: Request) -> None:
        """Raise the HTTP exception for a `request` that may not write or that is not small JSON."""
        if "Origin" in request.headers:
            raise Forbidden("writes from web pages are not accepted (Origin header)")
        if request.mimetype != "application/json":
            raise UnsupportedMediaType("the body must be sent as application/json")
        self._check_writer(request)
        if request.content_length is None or request.content_length > BODY_LIMIT:
            raise RequestEntityTooLarge(f"the body must announce its length, at most {BODY_LIMIT} bytes")

    def _check_writer(self, request: Request) -> None:
        given = bearer(request.headers.get("Authorization", ""))
        if given is not None and self.token is not None:
            if not equal(given, self.token):
                raise Unauthorized("wrong token")
            return
        if not self._is_trusted(request.remote_addr or ""):
            raise Forbidden(f"{request.remote_addr} may not write here; see --trusted-writers and --token-file")

    def _is_trusted(self, address: str) -> bool:
        try:
            writer = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if isinstance(writer, ipaddress.IPv6Address) and writer.ipv4_mapped:
            writer = writer.ipv4_mapped
        return any(writer in network for network in (*LOOPBACK, *self.trusted))
