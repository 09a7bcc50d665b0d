"""Sources of nodes: Ray's dashboard, or an existing CastRay."""

from __future__ import annotations

from typing import Final, Protocol

from castray_bridge.sources.castray_nodes import parse_castray_reply
from castray_bridge.sources.cluster import Cluster, SourceError
from castray_bridge.sources.json_client import JsonClient
from castray_bridge.sources.ray_nodes import host_names, parse_ray_cluster

_ALL: Final = 10_000
"""Most entries that Ray's list has; without a limit in the request Ray cuts it at 100."""
_RAY_EXPLANATIONS: Final = {401: "demands a token (401): give its token with --ray-token-file"}
_CASTRAY_EXPLANATIONS: Final = {401: "demands a token (401): it must be readable without a token"}


class Source(Protocol):
    """Describes the cluster on request."""

    def fetch(self) -> Cluster:
        """Return the cluster as of now, within the source's own budget of seconds. Raises `SourceError`."""
        ...


class RaySource:
    """Ray's own dashboard at `url`; `token` is what Ray's token mode demands."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._client = JsonClient("Ray", token=token, explanations=_RAY_EXPLANATIONS)
        self._host_names: dict[str, str] = {}

    def fetch(self) -> Cluster:
        """Return the cluster as of now; figures that Ray does not deliver are left out. Raises `SourceError`."""
        deadline = self._client.deadline()
        # First and alone: on a large cluster the list takes Ray long, and without it the rest is of no use.
        nodes = self._client.get(f"{self._url}/api/v0/nodes?limit={_ALL}", deadline)
        rest = self._client.get_all([f"{self._url}/nodes?view=summary", f"{self._url}/api/cluster_status"], deadline)
        usage, status = (None if isinstance(found, SourceError) else found for found in rest)
        if usage is not None:  # else nodes would change their names for as long as this request fails
            self._host_names = host_names(usage)
        return parse_ray_cluster(nodes, usage, status, self._url, self._host_names)


class CastRaySource:
    """An existing CastRay at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._client = JsonClient("CastRay", explanations=_CASTRAY_EXPLANATIONS)

    def fetch(self) -> Cluster:
        """Return the cluster as of now. Raises `SourceError`."""
        return parse_castray_reply(self._client.get(f"{self._url}/api/ray-dashboard"))
