"""Real replies of Ray 2.60 and of the CastRay that the bridge replaces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("samples")


def sample(name: str) -> Any:
    """Return a fresh copy of the reply `name`."""
    return json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))
