"""Debian's nginx with one of this project's configurations, unprivileged of the system's own."""

from __future__ import annotations

from pathlib import Path

from testkit.binaries import require
from testkit.process import Process

_BODIES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def nginx_configuration(directory: Path, servers: str) -> Path:
    """Write a whole configuration around `servers`, with all of nginx's own files in `directory`; return its path."""
    folders = "".join(f"{kind}_temp_path {directory}/{kind};\n" for kind in _BODIES)
    whole = directory / "nginx.conf"
    whole.write_text(
        f"daemon off; pid {directory}/pid; error_log stderr warn; user root;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{servers}}}\n",
        "utf-8",
    )
    return whole


def adapted(configuration: Path, *changes: tuple[str, str]) -> str:
    """Return the text of `configuration` with other addresses; each must be there, so that none is forgotten."""
    text = configuration.read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def start_nginx(directory: Path, servers: str) -> Process:
    """Start nginx with `servers`; the process is to be ended by its context."""
    whole = nginx_configuration(directory, servers)
    return Process([require("nginx"), "-p", directory, "-c", whole, "-e", "stderr"], directory / "nginx.log")
