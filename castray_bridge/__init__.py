"""CastRay bridge: one view of every node's work status, for dashboards, browsers and Prometheus.

The library's public names, loaded at first use, so that a light module such as `castray_bridge.probes.failures` can be
imported without the bridge's dependencies. docs/integrate.md shows their use.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if sys.version_info < (3, 10):
    raise SystemExit(f"castray-bridge needs Python 3.10 or later; this is {sys.version.split()[0]} ({sys.executable})")

if TYPE_CHECKING:
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

_MODULES: Final = {
    "castray_bridge.bridge": ("Bridge",),
    "castray_bridge.probes.schedule": ("ProbeSettings",),
    "castray_bridge.sources.cluster": ("Cluster", "Node", "SourceError"),
    "castray_bridge.sources.inventory": ("Expected",),
    "castray_bridge.sources.source": ("CastRaySource", "RaySource", "Source"),
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is first used (PEP 562)."""
    for module, names in _MODULES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(module), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
