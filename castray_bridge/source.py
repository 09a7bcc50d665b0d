"""Where the nodes come from: Ray's dashboard, or an existing CastRay."""

from __future__ import annotations

from typing import Any, Final, Protocol

from castray_bridge import castray_nodes, ray_nodes
from castray_bridge.cluster import Cluster, SourceError
from castray_bridge.json_client import JsonClient

_ALL: Final = 10_000
"""Ray cuts the list at 100 unless told otherwise; this is the most that it gives."""


class Source(Protocol):
    """Describes the cluster when asked."""

    def fetch(self) -> Cluster:
        """Return the cluster as of now; takes a few seconds at most. Raises `SourceError`."""
        ...


class RaySource:
    """Ray's own dashboard at `url`; `token` is what Ray's token mode demands."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = JsonClient("Ray", token, "give its token with --ray-token-file")

    def fetch(self) -> Cluster:
        nodes = self._client.get(f"{self._url}/api/v0/nodes?limit={_ALL}")
        usage = self._optional("/nodes?view=summary")
        status = self._optional("/api/cluster_status")
        return ray_nodes.parse(nodes, usage, status, self._url)

    def _optional(self, path: str) -> Any:
        try:
            return self._client.get(self._url + path)
        except SourceError:
            return None


class CastRaySource:
    """An existing CastRay at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = JsonClient("CastRay", None, "it must be readable without a token")

    def fetch(self) -> Cluster:
        return castray_nodes.parse(self._client.get(f"{self._url}/api/ray-dashboard"))
