"""The installer's part of the gateway with Debian's own nginx, in a mount namespace of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from testkit.binaries import require

SYSTEMD = Path(__file__).parents[2] / "systemd"
SCRIPT = """
set -eu
mount -t tmpfs none /etc/nginx/conf.d
HERE=$1 WORK=$2 PREFIX='' GATEWAY=yes
fail() { echo "refused: $1"; exit 1; }
given() { printf ''; }
put() { cat >"$1"; }
listen_of() { echo "$listen"; }
. "$HERE/install-gateway.sh"
for listen in "$3" "$4"; do (put_gateway) || true; done
cat "$(gateway_file)" 2>/dev/null || echo none
"""
BROKEN = "bad;host:1"


def put_twice(work: Path, first: str, second: str) -> str:
    """Put the gateway in for a bridge at `first`, then at `second`; return what was said, and the file."""
    require("nginx")
    command = [require("unshare"), "--mount", "sh", "-c", SCRIPT, "sh"]
    done = subprocess.run(
        [*command, str(SYSTEMD), str(work), first, second], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="`nginx -t` opens the system's own files, as root")


@pytest.mark.parametrize(
    ("listen", "upstream"),
    [("0.0.0.0:8009", "127.0.0.1:8009"), ("[::]:8009", "127.0.0.1:8009"), ("127.0.0.2:8001", "127.0.0.2:8001")],
)
def test_nginx_accepts_the_bridge_where_it_listens(tmp_path: Path, listen: str, upstream: str) -> None:
    said = put_twice(tmp_path, listen, listen)
    assert "refused" not in said
    assert said.count(f"proxy_pass http://{upstream}") == 3


def test_configuration_that_nginx_refuses_leaves_the_former_one(tmp_path: Path) -> None:
    said = put_twice(tmp_path, "0.0.0.0:8009", BROKEN)
    assert "refused: nginx refuses the gateway" in said
    assert said.count("proxy_pass http://127.0.0.1:8009") == 3


def test_first_configuration_that_nginx_refuses_is_removed(tmp_path: Path) -> None:
    assert put_twice(tmp_path, BROKEN, BROKEN).endswith("none\n")
