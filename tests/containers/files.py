"""The files of `containers/`, read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from containers.__main__ import ROOT

CONTAINERS = ROOT / "containers"
CONTAINERFILE = (CONTAINERS / "Containerfile").read_text("utf-8")
COMPOSE_TEXT = (CONTAINERS / "compose.yaml").read_text("utf-8")


def compose() -> dict[str, Any]:
    """Return the Compose file with its shared parts put in."""
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
    return loaded


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def stages() -> dict[str, str]:
    """Return the instructions of each stage of the Containerfile by its name."""
    parts = re.split(r"^FROM \S+ AS (\S+)\n", CONTAINERFILE, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def settings(path: Path) -> set[str]:
    """Return the variables that an env file sets or suggests."""
    return set(re.findall(r"^#?([A-Z_]+)=", path.read_text("utf-8"), re.MULTILINE))
