"""install.sh --gateway and --notify on a real systemd, with the distribution's own nginx."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from testkit.net import wait_for
from tests.systemd.lab.conftest import INSTALL, UNITS, Site

MONITOR, BRIDGE = UNITS
NOTIFY = "cmzsb-notify"
ADDRESSES = "/etc/cmzsb/notify.addresses"
GATEWAY = "http://127.0.0.1:28823"
FILE = "/etc/nginx/conf.d/castray-gateway.conf"
OPTIONS = f"/etc/default/{BRIDGE}"
NODE = {"id": "5", "name": "M5", "nodeIp": "127.0.0.1", "state": "ALIVE"}
CASTRAY = """
import http.server, json
NODE = {node}
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"castray": self.path}
        if self.path == "/api/ray-dashboard":
            body = {"result": True, "msg": "CastRay's own", "data": {"nodes": [NODE], "summary": {}}}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
print("ready", flush=True)
server.serve_forever()
"""


def castray(port: int) -> str:
    """Return a program that plays CastRay at `port`."""
    return CASTRAY.replace("{node}", json.dumps(NODE)).replace("PORT", str(port))


@pytest.fixture
def site_with_nginx(site: Site) -> Iterator[Site]:
    yield site
    site.run("sh", INSTALL, "--uninstall", "--gateway", check=False)
    site.run("systemctl", "stop", "nginx")


def install_gateway(site: Site) -> str:
    done = site.install("--gateway", "--castray-port", "28824")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def state_of_node(site: Site, url: str = GATEWAY) -> str:
    """Return the work status of the only node; empty where the reply has none, or the monitor did not reply."""
    status, text = site.ask(f"{url}/api/ray-dashboard")
    nodes = json.loads(text)["data"]["nodes"] if status == 200 else []
    return str(nodes[0]["workStatus"]) if nodes and nodes[0].get("workStatusReachable") else ""


def test_gateway_replies_with_the_bridge_and_with_castray(site_with_nginx: Site) -> None:
    site = site_with_nginx
    with site.background(castray(28824)):
        assert "The gateway listens on port 28823; CastRay is behind it on 28824" in install_gateway(site)
        assert site.ask("http://127.0.0.1:8000/api/update_status", json.dumps({"status": "sending"}))[0] == 200
        wait_for(lambda: state_of_node(site) == "sending", "the light at the gateway", 60)
        assert json.loads(site.ask(f"{GATEWAY}/api/files")[1]) == {"castray": "/api/files"}
        status, text = site.ask(f"{GATEWAY}/wall/api/health")
        assert (status, json.loads(text)["service"]) == (200, "CastRay bridge")
        site.run("systemctl", "stop", BRIDGE)
        assert json.loads(site.ask(f"{GATEWAY}/api/ray-dashboard")[1])["data"]["nodes"] == [NODE]
        site.run("systemctl", "start", BRIDGE)
        wait_for(lambda: state_of_node(site) == "sending", "the light again", 60)
    wait_for(lambda: site.ask(f"{GATEWAY}/api/files")[0] == 502, "CastRay's end", 10)
    assert json.loads(site.ask(f"{GATEWAY}/api/files")[1])["result"] is False
    assert state_of_node(site) == "sending"  # the list as CastRay gave it last


def test_gateway_waits_for_the_port_of_a_castray_that_has_not_moved(site_with_nginx: Site) -> None:
    site = site_with_nginx
    with site.background(castray(28823)):
        assert "--host 127.0.0.1 --port 28824 instead of port 28823" in install_gateway(site)
        assert json.loads(site.ask(f"{GATEWAY}/api/files")[1]) == {"castray": "/api/files"}  # CastRay itself
    with site.background(castray(28824)):
        site.shell("nginx -t && systemctl reload-or-restart nginx")
        wait_for(lambda: state_of_node(site) == "idle", "the light at the gateway", 60)


def test_gateway_is_taken_off_and_the_bridge_asks_castray_where_it_is_again(site_with_nginx: Site) -> None:
    site = site_with_nginx
    with site.background(castray(28824)):
        install_gateway(site)
        assert "Nothing to change." in site.install("--gateway").stdout
    done = site.run("sh", INSTALL, "--uninstall", "--gateway")
    assert "let CastRay listen on port 28823 again" in done.stdout
    site.shell(f"nginx -t && test ! -e {FILE}")
    wait_for(lambda: site.ask(f"{GATEWAY}/api/files")[0] == 0, "the end of nginx's listening", 10)
    assert "\nCASTRAY_BRIDGE_CASTRAY=http://127.0.0.1:28823\n" in "\n" + site.shell(f"cat {OPTIONS}")
    with site.background(castray(28823)):
        wait_for(lambda: state_of_node(site, "http://127.0.0.1:8001") == "idle", "the light of CastRay's node", 60)
    assert site.property(MONITOR, "ActiveState") == "active"


def test_refused_configuration_leaves_nginx_as_it_was(site_with_nginx: Site) -> None:
    site = site_with_nginx
    site.shell("echo broken >/etc/nginx/conf.d/broken.conf")
    try:
        done = site.install("--gateway", "--castray-port", "28824")
        assert done.returncode == 1
        assert "nginx refuses the gateway, which is as it was" in done.stderr
        site.shell(f"test ! -e {FILE}")
    finally:
        site.run("rm", "/etc/nginx/conf.d/broken.conf")
    site.run("nginx", "-t")


def test_notifications_are_installed_beside_the_others_and_taken_off_again(site: Site) -> None:
    try:
        done = site.install("--notify")
        assert done.returncode == 1
        assert f"A file that it is given is missing: {ADDRESSES}" in done.stdout
        site.shell(f"mkdir -p -m 700 /etc/cmzsb; echo 'all en json://127.0.0.1:9' >{ADDRESSES}; chmod 600 {ADDRESSES}")
        done = site.install("--notify")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{NOTIFY} runs and answers at 127.0.0.1:5001." in done.stdout
        assert site.property(NOTIFY, "ActiveState") == "active"
        assert site.ask("http://127.0.0.1:5001/metrics")[0] == 200
        assert "Nothing to change." in site.install("--notify").stdout
        done = site.run("sh", INSTALL, "--uninstall", "--notify")
        assert "Taken off: notify" in done.stdout
        assert site.ask("http://127.0.0.1:5001/metrics")[0] == 0
        assert {unit: site.property(unit, "ActiveState") for unit in UNITS} == dict.fromkeys(UNITS, "active")
    finally:
        site.run("sh", INSTALL, "--uninstall", "--notify", check=False)
        site.install("--monitor", "--bridge")  # the package without what only the notifications need
