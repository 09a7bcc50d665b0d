"""CastRay bridge: one view of every node's work status, for dashboards, browsers and Prometheus."""

from castray_bridge.bridge import Bridge
from castray_bridge.source import CastRaySource, RaySource

__all__ = ["Bridge", "CastRaySource", "RaySource"]
