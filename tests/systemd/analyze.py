"""What systemd itself says of a unit."""

from __future__ import annotations

import subprocess

from testkit.binaries import require


def analyze(*arguments: str) -> str:
    """Return what `systemd-analyze` with `arguments` prints."""
    command = [require("systemd-analyze"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr
