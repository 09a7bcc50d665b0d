"""Sources of nodes: Ray's dashboard, an existing CastRay, or CastRay with Ray as its substitute."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from castray_bridge.sources.castray_nodes import parse_castray_reply
from castray_bridge.sources.cluster import Cluster, SourceError
from castray_bridge.sources.json_client import Buffer, HTTPStatusError, JsonClient, decode_strictly
from castray_bridge.sources.ray_figures import decode_cluster_status, decode_usage
from castray_bridge.sources.ray_nodes import NodeFacts, node_facts, parse_ray_cluster
from servicekit.log import RateLimit, event
from servicekit.url import without_credentials

RAY_BUDGET: Final = 2.0
CASTRAY_BUDGET: Final = 15.0
"""Seconds. CastRay waits for Ray's dashboard up to 11 s."""
_ALL: Final = 10_000
"""Most entries that Ray's list has by default; without a limit in the request Ray cuts it at 100."""
_SUPPORTED_LIMIT: Final = re.compile(r"supported\s+limit\s+(\d{1,9})")
_FIGURES_SECONDS: Final = 5.0
"""Interval between requests for the figures of use: Ray renews them every 2.5 s at most, and they are 14 KB a node."""
_RETRY_SECONDS: Final = 15.0
"""Interval between attempts to reach a CastRay that fails while Ray is its substitute."""
_RAY_EXPLANATIONS: Final = {
    401: "demands a token (401): give its token with --ray-token-file",
    403: "rejects the token (403): check the content of --ray-token-file",
    404: 'has no state API (404): run pip install "ray[default]" on the head node and restart Ray there',
}
_CASTRAY_EXPLANATIONS: Final = {401: "demands a token (401): it must be readable without a token"}

_log = logging.getLogger(__name__)


class Source(Protocol):
    """Describes the cluster on request.

    It may have `budget`, the seconds that `fetch` takes at most (2 without it), and `abort()`, which another thread
    calls to end a `fetch` early.
    """

    def fetch(self) -> Cluster:
        """Return the cluster as of now. Raises `SourceError`."""
        ...


class RaySource:
    """Ray's own dashboard at `url`; `token` is what Ray's token mode demands, or a function that returns it.

    Each `fetch` requests the list of nodes; the figures of use are requested when the list has changed, and else every
    five seconds, whether they fail or not.
    """

    def __init__(
        self,
        url: str,
        token: str | Callable[[], str | None] | None = None,
        *,
        budget: float = RAY_BUDGET,
        ca_file: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = budget
        self._url = url.rstrip("/")
        read_token = token if callable(token) else lambda: token
        self._client = JsonClient(
            "Ray", budget=budget, token=read_token, explanations=_RAY_EXPLANATIONS, ca_file=ca_file
        )
        self._monotonic = monotonic
        self._limit = _ALL
        self._list = _RememberedList()
        self._cluster: tuple[Any, Cluster] | None = None
        """The last cluster, with the list that it was made of."""
        self._figures_due = 0.0
        self._figures_failure = ""
        """Why the figures were not delivered the last time; empty when they were."""
        self._figures_limit = RateLimit(burst=4, period=60.0)
        self._facts: dict[str, NodeFacts] = {}

    def fetch(self) -> Cluster:
        """Return the cluster as of now, the same object as before while nothing in it has changed.

        Figures that Ray does not deliver are left out. Raises `SourceError`.
        """
        deadline = self._client.deadline()
        # First and alone: on a large cluster the list takes Ray long, and without it the rest is of no use.
        nodes = self._node_list(deadline)
        if self._cluster is not None and self._cluster[0] is nodes and self._monotonic() < self._figures_due:
            return self._cluster[1]
        usage, status = self._request_figures(deadline)
        try:
            cluster = parse_ray_cluster(nodes, usage, status, without_credentials(self._url), self._facts)
        except SourceError as error:
            if self._limit == _ALL:
                raise
            limit, self._limit = self._limit, _ALL
            raise SourceError(f"{error}: Ray's limit is {limit}, set RAY_MAX_LIMIT_FROM_API_SERVER there") from None
        self._cluster = nodes, cluster
        return cluster

    def abort(self) -> None:
        """End a `fetch` in another thread."""
        self._client.abort()

    def _request_figures(self, deadline: float) -> tuple[Any, Any]:
        """Request usage and cluster status; None where Ray does not deliver it."""
        decoders = {
            f"{self._url}/nodes?view=summary": decode_usage,
            f"{self._url}/api/cluster_status": decode_cluster_status,
        }
        begun = self._monotonic()
        rest = self._client.get_all(decoders, deadline)
        self._note_failure("; ".join(dict.fromkeys(str(found) for found in rest if isinstance(found, SourceError))))
        usage, status = (None if isinstance(found, SourceError) else found for found in rest)
        if usage is not None:  # else nodes would change their names for as long as this request fails
            self._facts = node_facts(usage)
        # Until the first figures the host names are unknown, which may be the nodes' names.
        self._figures_due = begun + _FIGURES_SECONDS if self._facts else begun
        return usage, status

    def _note_failure(self, failure: str) -> None:
        """Log that figures begin to fail, or are delivered again: nobody asks why a number is missing."""
        if failure == self._figures_failure:
            return
        self._figures_failure = failure
        held_back = self._figures_limit.admit()
        if held_back is not None and failure:
            _log.warning(event("ray_figures_failed", reason=failure, held_back=held_back))
        elif held_back is not None:
            _log.info(event("ray_figures_answer", held_back=held_back))

    def _node_list(self, deadline: float) -> Any:
        """Request the whole list, with the limit that Ray supports if that is below the default."""
        try:
            return self._request_list(deadline)
        except HTTPStatusError as error:
            supported = _SUPPORTED_LIMIT.search(error.explanation) if error.status == 400 else None
            if supported is None:
                raise
            self._limit = int(supported[1])
            return self._request_list(deadline)

    def _request_list(self, deadline: float) -> Any:
        return self._client.get(f"{self._url}/api/v0/nodes?limit={self._limit}", deadline, self._list.decode)


class _RememberedList:
    """A list that is parsed only when its text has changed, because it seldom does."""

    def __init__(self) -> None:
        self._digest = b""
        self._parsed: Any = None

    def decode(self, body: Buffer) -> Any:
        """Return the JSON of `body`, the same object as before for the same text. Raises `ValueError`."""
        digest = hashlib.blake2b(body).digest()
        if digest != self._digest:
            self._parsed = decode_strictly(body)
            self._digest = digest
        return self._parsed


class CastRaySource:
    """An existing CastRay at `url`."""

    def __init__(self, url: str, *, budget: float = CASTRAY_BUDGET, ca_file: str | None = None) -> None:
        self.budget = budget
        self._url = url.rstrip("/")
        self._client = JsonClient("CastRay", budget=budget, explanations=_CASTRAY_EXPLANATIONS, ca_file=ca_file)

    def fetch(self) -> Cluster:
        """Return the cluster as of now. Raises `SourceError`."""
        return parse_castray_reply(self._client.get(f"{self._url}/api/ray-dashboard"))

    def abort(self) -> None:
        """End a `fetch` in another thread."""
        self._client.abort()


class FallbackSource:
    """CastRay as the source, and Ray's dashboard for as long as CastRay fails."""

    def __init__(self, castray: CastRaySource, ray: RaySource, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.budget = castray.budget + ray.budget
        self._castray = castray
        self._ray = ray
        self._monotonic = monotonic
        self._retry_at = 0.0
        self._failure: str | None = None

    def fetch(self) -> Cluster:
        """Return CastRay's cluster, else Ray's. Raises `SourceError` when both fail."""
        if self._failure is not None and self._monotonic() < self._retry_at:
            return self._from_ray(self._failure)
        try:
            cluster = self._castray.fetch()
        except SourceError as error:
            self._retry_at = self._monotonic() + _RETRY_SECONDS
            if str(error) != self._failure:
                _log.warning(event("castray_failed", reason=error, fallback="Ray"))
            self._failure = str(error)
            return self._from_ray(str(error))
        if self._failure is not None:
            _log.info(event("castray_answers"))
        self._failure = None
        return cluster

    def abort(self) -> None:
        """End a `fetch` in another thread."""
        self._castray.abort()
        self._ray.abort()

    def _from_ray(self, failure: str) -> Cluster:
        try:
            return self._ray.fetch()
        except SourceError as error:
            raise SourceError(f"{failure}; {error}") from None
