"""The options with which every monitor of a deployment is started."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

LISTEN_ON: Final = ("all", "node")
"""Every address of the node, or only the one under which Ray knows it."""
LIBRARIES: Final = "libraries"
"""Directory of the third-party libraries inside the bundle."""


@dataclass(frozen=True)
class Settings:
    """One deployment: options of the monitors, version and digest of the bundle.

    `state_dir` is a path on the nodes; `~` and `{node}` in it are filled in there.
    """

    port: int
    listen_on: str
    state_dir: str
    report_ttl: float
    log_level: str
    version: str
    bundle: str
    token: str | None = field(default=None, repr=False)

    @property
    def release(self) -> str:
        """Twelve hex digits that differ whenever the code or an option differs."""
        return hashlib.sha256(repr(sorted(asdict(self).items())).encode()).hexdigest()[:12]

    def arguments(self, node: str, ip: str, token_file: str | None) -> list[str]:
        """Return the arguments of `cmzsb-exporter` on one node."""
        host = ip if self.listen_on == "node" else "0.0.0.0"  # noqa: S104 (the monitor's own default)
        if ":" in host:
            host = f"[{host}]"
        arguments = ["--listen", f"{host}:{self.port}", "--node-name", node, "--log-level", self.log_level]
        arguments += ["--state-dir", str(self.state_path(node)), "--report-ttl", str(self.report_ttl)]
        return [*arguments, "--token-file", token_file] if token_file else arguments

    def state_path(self, node: str) -> Path:
        """Return the directory of the journal on this machine, which is the node `node`."""
        return state_path(self.state_dir, node)


def state_path(template: str, node: str) -> Path:
    """Return the directory of the journal of `node` on this machine; `~` and `{node}` are filled in."""
    return Path(template.replace("{node}", node)).expanduser()
