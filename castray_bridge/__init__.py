"""CastRay bridge: one view of every node's work status, for dashboards, browsers and Prometheus.

What an application of its own needs stands here; docs/integrate.md shows it in use.
"""

from castray_bridge.bridge import Bridge
from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.sources.cluster import Cluster, Node, SourceError
from castray_bridge.sources.inventory import Expected
from castray_bridge.sources.source import CastRaySource, RaySource, Source

__all__ = [
    "Bridge",
    "CastRaySource",
    "Cluster",
    "Expected",
    "Node",
    "ProbeSettings",
    "RaySource",
    "Source",
    "SourceError",
]
