"""The monitor as `cmzsb-exporter` starts it: it serves all it has, and OpenSSL is not in its memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from testkit.running import RunningMonitor

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
PAGES = ("/", "/api/status", "/api/health", "/api/history", "/api/alerts", "/api/openapi.json", "/metrics")


class AsCommand(RunningMonitor):
    module = "exporter.without_openssl"


def libraries(monitor: RunningMonitor) -> str:
    return Path(f"/proc/{monitor.process.pid}/maps").read_text("utf-8")


def test_every_page_is_served_without_openssl(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret", "utf-8")
    with AsCommand(tmp_path, "--token-file", str(tmp_path / "token")) as monitor:
        assert monitor.report(status="sending").ok
        reply = requests.post(
            f"{monitor.url}/api/update_status", json={}, headers={"Authorization": "Bearer wrong"}, timeout=10
        )
        assert reply.status_code in (400, 401)
        assert {path: monitor.get(path).status_code for path in PAGES} == dict.fromkeys(PAGES, 200)
        assert "libcrypto" not in libraries(monitor)
        assert "libssl" not in libraries(monitor)


def test_command_is_the_one_without_openssl() -> None:
    assert '\ncmzsb-exporter = "exporter.without_openssl:main"' in PYPROJECT.read_text("utf-8")


@pytest.mark.parametrize(
    "program",
    [
        "import ssl; assert ssl.create_default_context().check_hostname",
        "import urllib.request as r; r.build_opener(r.HTTPSHandler(check_hostname=True))",
        "import hashlib; assert hashlib.new('sha256', b'').hexdigest() == hashlib.sha256().hexdigest()",
        "import inspect, sys; [inspect.getmodule(len)]; assert '_ssl' not in sys.modules",
    ],
)
def test_what_does_need_openssl_loads_it(program: str) -> None:
    before = "from exporter.without_openssl import keep_openssl_out as keep; keep(); "
    done = subprocess.run([sys.executable, "-c", before + program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
