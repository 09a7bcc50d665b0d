"""The committed nginx configuration, in a real nginx before a real bridge."""

from __future__ import annotations

import base64
import json
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import websocket

from testkit.binaries import require
from testkit.net import free_port, wait_for
from testkit.nginx import adapted, start_nginx
from testkit.running import RunningBridge

CONFIGURATION = Path(__file__).parents[2] / "systemd" / "nginx" / "castray-bridge.conf"
USER = ("operator", "a good password")


class Front:
    """Where nginx answers, and the certificate that it shows."""

    def __init__(self, port: int, certificate: Path) -> None:
        self.port = port
        self.certificate = certificate

    def get(self, path: str, user: tuple[str, str] | None = USER) -> requests.Response:
        url = f"https://localhost:{self.port}{path}"
        return requests.get(url, auth=user, verify=str(self.certificate), timeout=5)


def make_secrets(directory: Path) -> None:
    """Make what the operations guide makes: a certificate and a file of passwords."""
    subprocess.run(
        [require("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(directory / "castray-bridge.key"),
         "-out", str(directory / "castray-bridge.crt")],
        check=True, capture_output=True,
    )  # fmt: skip
    command = [require("openssl"), "passwd", "-apr1", "-stdin"]
    done = subprocess.run(command, input=USER[1], check=True, capture_output=True, text=True)
    (directory / "castray-bridge.users").write_text(f"{USER[0]}:{done.stdout.strip()}\n", "utf-8")


@pytest.fixture(scope="module")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    directory = tmp_path_factory.mktemp("nginx")
    make_secrets(directory)
    directory.chmod(0o755)  # workers that gave up root read the passwords
    port = free_port()
    options = ("--ray-dashboard", "http://127.0.0.1:1", "--cors-origin", f"https://localhost:{port}")
    with RunningBridge(directory, *options) as bridge:
        text = adapted(
            CONFIGURATION,
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("/etc/nginx/", f"{directory}/"),
            ("127.0.0.1:8001;", f"{bridge.address};"),
        )
        with start_nginx(directory, text):
            found = Front(port, directory / "castray-bridge.crt")
            wait_for(lambda: found.get("/api/health").json(), "nginx", 10)
            yield found


def test_data_come_through_for_who_knows_the_password(front: Front) -> None:
    assert "nodes" in front.get("/api/ray-dashboard").json()["data"]
    assert front.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/api/ray-dashboard", "/ws", "/sd/prometheus", "/metrics", "/api/health"])
def test_nobody_else_sees_anything(front: Front, path: str) -> None:
    assert front.get(path, None).status_code == 401
    assert front.get(path, ("operator", "wrong")).status_code == 401


def connect(front: Front, origin: str) -> websocket.WebSocket:
    return websocket.create_connection(
        f"wss://localhost:{front.port}/ws",
        timeout=10,
        origin=origin,
        sslopt={"ca_certs": str(front.certificate), "cert_reqs": ssl.CERT_REQUIRED},
        header=["Authorization: Basic " + base64.b64encode(":".join(USER).encode()).decode()],
    )


def test_websocket_of_the_page_comes_through_encrypted(front: Front) -> None:
    client = connect(front, f"https://localhost:{front.port}")
    assert json.loads(client.recv())["type"] == "cluster_status"
    client.send("ping")
    while (said := client.recv()) != "pong":
        assert json.loads(said)["type"] == "cluster_status"
    client.close()


def test_websocket_of_another_page_does_not(front: Front) -> None:
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        connect(front, "https://evil.example")
