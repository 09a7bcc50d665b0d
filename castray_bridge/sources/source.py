"""Where the nodes come from: Ray's dashboard, or an existing CastRay."""

from __future__ import annotations

import time
from typing import Final, Protocol

from castray_bridge.sources import castray_nodes, ray_nodes
from castray_bridge.sources.cluster import Cluster, SourceError
from castray_bridge.sources.json_client import BUDGET, JsonClient

_ALL: Final = 10_000
"""Ray cuts the list at 100 unless told otherwise; this is the most that it gives."""


class Source(Protocol):
    """Describes the cluster when asked."""

    def fetch(self) -> Cluster:
        """Return the cluster as of now; takes `BUDGET` seconds and what reading takes. Raises `SourceError`."""
        ...


class RaySource:
    """Ray's own dashboard at `url`; `token` is what Ray's token mode demands."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = JsonClient("Ray", token, "give its token with --ray-token-file")
        self._host_names: dict[str, str] = {}

    def fetch(self) -> Cluster:
        """Return the cluster as of now; without the figures that Ray keeps to itself. Raises `SourceError`."""
        deadline = time.monotonic() + BUDGET
        # Alone: on a large cluster the list takes Ray long enough, and without it the rest is of no use.
        nodes = self._client.get(f"{self._url}/api/v0/nodes?limit={_ALL}", deadline)
        rest = self._client.get_all([f"{self._url}/nodes?view=summary", f"{self._url}/api/cluster_status"], deadline)
        usage, status = (None if isinstance(found, SourceError) else found for found in rest)
        if usage is not None:  # else nodes would be called otherwise for as long as this one question fails
            self._host_names = ray_nodes.host_names(usage)
        return ray_nodes.parse(nodes, usage, status, self._url, self._host_names)


class CastRaySource:
    """An existing CastRay at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = JsonClient("CastRay", None, "it must be readable without a token")

    def fetch(self) -> Cluster:
        """Return the cluster as of now. Raises `SourceError`."""
        return castray_nodes.parse(self._client.get(f"{self._url}/api/ray-dashboard"))
