"""The replies that are made of a snapshot once and sent to any number of clients: body, gzip and entity tag."""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from typing import Final, NamedTuple

from werkzeug.http import parse_accept_header

from castray_bridge.refresher import SourcePoller
from castray_bridge.snapshot import render
from castray_bridge.snapshot.store import Snapshot, SnapshotStore
from castray_bridge.web.access import Environ

STAMP_SECONDS: Final = 5.0
"""While nothing else changes, the `timestamp` in a reply follows the data in steps of this, so that its tag lasts."""
_WORTH_GZIP: Final = 1024


class Reply(NamedTuple):
    """A whole HTTP reply."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True)
class Document:
    """A body, and the entity tag that names it."""

    body: bytes
    tag: str

    @cached_property
    def gzipped(self) -> bytes | None:
        """The body compressed; None where that is not worth it."""
        return gzip.compress(self.body, 1, mtime=0) if len(self.body) >= _WORTH_GZIP else None

    def reply(self, environ: Environ) -> Reply:
        """Return the body, compressed if the client takes that, or 304 if the client has it already."""
        headers = [("ETag", self.tag), ("Cache-Control", "no-cache"), ("Vary", "Accept-Encoding")]
        if _names(environ.get("HTTP_IF_NONE_MATCH", ""), self.tag):
            return Reply("304 NOT MODIFIED", headers, b"")
        body = self.body
        if _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")) and self.gzipped is not None:
            headers.append(("Content-Encoding", "gzip"))
            body = self.gzipped
        headers += [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        return Reply("200 OK", headers, body)


class Documents:
    """The documents by path, as of now. Thread-safe."""

    def __init__(self, store: SnapshotStore, poller: SourcePoller) -> None:
        self._store = store
        self._poller = poller
        # Tags of another process, or of the one before, must not look like this one's.
        self._prefix, self._numbers = secrets.token_hex(4), count()
        self._dashboard: tuple[Snapshot, str | None, float, Document] | None = None
        self._unified: tuple[Snapshot, Document] | None = None
        self._by_path: dict[str, Callable[[], Document]] = {
            "/api/ray-dashboard": self.dashboard,
            "/api/nodes/unified": self.unified,
        }

    @property
    def paths(self) -> Collection[str]:
        """Where there are documents."""
        return self._by_path.keys()

    def at(self, path: str) -> Document | None:
        """Return the document at `path`; None for another path, or while the list of nodes is not usable."""
        make = self._by_path.get(path)
        return make() if make is not None and self._poller.is_usable() else None

    def dashboard(self) -> Document:
        """Return CastRay's reply."""
        snapshot, failure, updated_at = self._store.snapshot(), self._poller.failure, self._store.updated_at
        made = self._dashboard
        if made is not None and made[:2] == (snapshot, failure) and 0 <= updated_at - made[2] < STAMP_SECONDS:
            return made[3]
        document = self._document(render.dashboard(snapshot, failure, updated_at))
        self._dashboard = (snapshot, failure, updated_at, document)
        return document

    def unified(self) -> Document:
        """Return the nodes alone."""
        snapshot, made = self._store.snapshot(), self._unified
        if made is None or made[0] is not snapshot:
            made = self._unified = (snapshot, self._document(render.unified(snapshot)))
        return made[1]

    def _document(self, body: bytes) -> Document:
        # Weak, because the compressed body has the same tag.
        return Document(body, f'W/"{self._prefix}-{next(self._numbers)}"')


def _names(if_none_match: str, tag: str) -> bool:
    """Return whether the header names `tag`, strong or weak (RFC 9110, section 13.1.2)."""
    if tag == if_none_match:
        return True
    given = [each.strip().removeprefix("W/") for each in if_none_match.split(",")]
    return tag.removeprefix("W/") in given or given == ["*"]


@lru_cache(maxsize=64)
def _takes_gzip(accept_encoding: str) -> bool:
    return parse_accept_header(accept_encoding).quality("gzip") > 0
