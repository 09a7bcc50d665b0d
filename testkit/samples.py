"""Real replies of Ray 2.8 to 2.60 and of the CastRay that the bridge replaces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("samples")


def sample(name: str) -> Any:
    """Return a fresh copy of the reply `name`, e.g. `ray_api_v0_nodes` or `ray/2.9.3/ray_api_v0_nodes`."""
    return json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))


def ray_samples() -> list[str]:
    """Return the folders of `ray/`, each with the three replies of one cluster."""
    return sorted(path.name for path in (_FOLDER / "ray").iterdir())


def ray_replies(folder: str) -> tuple[Any, Any, Any]:
    """Return node list, summary of usage and cluster status of one cluster."""
    names = ("ray_api_v0_nodes", "ray_nodes_summary", "ray_cluster_status")
    nodes, usage, status = (sample(f"ray/{folder}/{name}") for name in names)
    return nodes, usage, status
