"""A stand-in for the program `grafana`, `docker` and `podman`: writes down how it was called, then serves as Grafana.

It is called `RECORDS NAME [ARGUMENT…]` and is healthy until it is killed. Of an engine it answers `info`, and its
`run` takes the settings from the arguments, as the container would get them.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple


class Call(NamedTuple):
    """One call of a stand-in: its arguments, and the settings of Grafana that it got."""

    arguments: list[str]
    settings: dict[str, str]


def install(path: Path, records: Path) -> Path:
    """Make `path` a program that behaves as its name says, and writes its calls to the file `records`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {__name__} "{records}" "{path.name}" "$@"\n')
    path.chmod(0o755)
    return path


def install_home(home: Path, records: Path, name: str = "grafana") -> Path:
    """Make `home` what an unpacked Grafana looks like, with the stand-in as its program."""
    (home / "conf").mkdir(parents=True)
    (home / "conf" / "defaults.ini").touch()
    return install(home / "bin" / name, records)


def calls(records: Path) -> list[Call]:
    """Return the calls so far, in order."""
    lines = records.read_text("utf-8").splitlines() if records.exists() else []
    return [Call(*json.loads(line)) for line in lines]


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/health" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Write nothing."""


def _settings(name: str, arguments: list[str]) -> dict[str, str]:
    if name.startswith("grafana"):
        return {key: value for key, value in os.environ.items() if key.startswith("GF_")}
    return dict(value.split("=", 1) for flag, value in pairwise(arguments) if flag == "--env")


def main(records: str, name: str, *arguments: str) -> None:
    """Write the call down; serve where Grafana would."""
    settings = _settings(name, list(arguments))
    with Path(records).open("a", encoding="utf-8") as file:
        file.write(json.dumps(Call(list(arguments), settings)) + "\n")
    if name.startswith("grafana") or arguments[0] == "run":
        address = settings["GF_SERVER_HTTP_ADDR"], int(settings["GF_SERVER_HTTP_PORT"])
        ThreadingHTTPServer(address, _Health).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
