"""The commands of the operations guide, for tests that type them."""

from __future__ import annotations

from testkit.paths import DOCS


def typed(text: str) -> list[str]:
    """Return the commands that stand by themselves."""
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def as_root(*words: str) -> list[str]:
    """Return the guide's commands that contain one of `words`, in its order, for a shell that is root's already."""
    commands = typed((DOCS / "operations.md").read_text("utf-8"))
    return [line.replace("sudo ", "") for line in commands if any(word in line for word in words)]
