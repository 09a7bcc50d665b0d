"""install.sh on a real systemd, with real firewalls: upgrades, ports, options, and what it leaves behind."""

from __future__ import annotations

import json
import re

import pytest

from testkit.net import wait_for
from tests.systemd.lab.conftest import INSTALL, NEWER, UNITS, Site

MONITOR, BRIDGE = UNITS
PORTS = {MONITOR: 8000, BRIDGE: 8001}
OPTIONS = f"/etc/default/{MONITOR}"
BRIDGE_OPTIONS = f"/etc/default/{BRIDGE}"


def pids(site: Site) -> dict[str, str]:
    return {unit: site.property(unit, "MainPID") for unit in UNITS}


def versions(site: Site) -> dict[str, str]:
    """Return what each service says of itself, as it runs."""
    return {
        unit: json.loads(site.ask(f"http://127.0.0.1:{port}/api/health")[1])["version"] for unit, port in PORTS.items()
    }


def test_every_installed_service_runs_the_new_version_after_the_upgrade_of_one(site: Site) -> None:
    before = versions(site)
    try:
        done = site.install("--monitor", newer=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert versions(site) == {MONITOR: NEWER, BRIDGE: NEWER}
        assert "Nothing to change." in site.install("--bridge", newer=True).stdout
    finally:
        done = site.install("--bridge")
        assert done.returncode == 0, done.stdout + done.stderr
    assert versions(site) == before


def test_second_run_restarts_nothing(site: Site) -> None:
    before = pids(site)
    done = site.install("--monitor", "--bridge")
    assert "Nothing to change." in done.stdout, done.stdout + done.stderr
    assert pids(site) == before


@pytest.mark.parametrize(
    "options",
    [
        ("--monitor", "--port", "99999"),
        ("--monitor", "--port", "0"),
        ("--monitor", "--node-name", "M" * 75),
        ("--monitor", "--port", "8001"),
        ("--bridge", "--ray-dashboard", "127.0.0.1:8265"),
    ],
)
def test_value_that_cannot_work_changes_nothing(site: Site, options: tuple[str, ...]) -> None:
    files = f"cat {OPTIONS} {BRIDGE_OPTIONS} /etc/systemd/system/*.service"
    before = pids(site), site.shell(files)
    done = site.install(*options)
    assert done.returncode == 1
    assert options[-1] in done.stderr
    assert (pids(site), site.shell(files)) == before


def test_options_with_which_the_service_does_not_start_are_taken_back(site: Site) -> None:
    """The value is right by itself: that the service may not have this port is found out at the start."""
    before = site.shell(f"cat {OPTIONS}")
    done = site.install("--monitor", "--port", "80")
    assert done.returncode == 1
    assert "cannot listen on 0.0.0.0:80: Permission denied" in done.stdout
    assert f"{OPTIONS} is as before again" in done.stdout
    assert site.shell(f"cat {OPTIONS}") == before
    assert site.property(MONITOR, "ActiveState") == "active"
    assert site.ask("http://127.0.0.1:8000/api/health")[0] == 200


def test_option_file_edited_by_hand_is_applied_and_its_misspelt_names_are_told(site: Site) -> None:
    site.shell(f"echo CMZSB_NODE_NAME=M6 >>{OPTIONS}; echo CMZSB_REPORT_TLT=30 >>{OPTIONS}")
    done = site.install("--monitor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CMZSB_REPORT_TLT is no option; CMZSB_REPORT_TTL is meant?" in done.stdout
    assert json.loads(site.ask("http://127.0.0.1:8000/api/status")[1])["node_id"] == "M6"


def test_rule_of_ufw_follows_the_port(site: Site) -> None:
    site.shell("ufw --force enable")
    try:
        done = site.install("--monitor")
        assert f"ufw is up; open the port: ufw allow {MONITOR}" in done.stdout
        site.run("ufw", "allow", MONITOR)
        assert opened(site) == {"8000"}
        done = site.install("--monitor", "--port", "8100")
        assert "runs and answers at 0.0.0.0:8100" in done.stdout
        assert f"ufw allow {MONITOR}" not in done.stdout
        assert opened(site) == {"8100"}
    finally:
        site.shell(f"ufw delete allow {MONITOR}; ufw --force disable")


def opened(site: Site) -> set[str]:
    """Return the ports that the kernel lets in by ufw's rules."""
    return set(re.findall(r"ufw-user-input .*--dport (\d+) .*ACCEPT", site.shell("iptables -S")))


def test_rule_of_firewalld_follows_the_port(site: Site) -> None:
    site.run("systemctl", "start", "firewalld")
    try:
        advice = re.search(r"open the port: (firewall-cmd .*)", site.install("--monitor").stdout)
        assert advice is not None
        site.shell(advice[1])
        assert "dport 8000" in site.shell("nft list ruleset")
        done = site.install("--monitor", "--port", "8100")
        assert f"--add-service={MONITOR}" not in done.stdout
        rules = site.shell("nft list ruleset")
        assert "dport 8100" in rules
        assert "dport 8000" not in rules
    finally:
        site.shell(f"firewall-cmd --permanent --remove-service={MONITOR}; systemctl stop firewalld")


def test_removed_token_file_is_named(site: Site) -> None:
    site.shell("mkdir -p /etc/cmzsb; echo secret >/etc/cmzsb/token; chmod 600 /etc/cmzsb/token")
    assert site.install("--bridge", "--bridge-token-file", "/etc/cmzsb/token").returncode == 0
    site.run("rm", "/etc/cmzsb/token")
    site.run("systemctl", "restart", BRIDGE, check=False)
    done = site.install("--bridge")
    assert done.returncode == 1
    assert "A file that it is given is missing: /etc/cmzsb/token (named in" in done.stdout
    assert f"Correct {BRIDGE_OPTIONS}" not in done.stdout
    site.shell("echo secret >/etc/cmzsb/token")
    wait_for(lambda: site.ask("http://127.0.0.1:8001/metrics", token="secret")[0] == 200, "the bridge", 15)


def test_bridge_with_a_token_still_wants_it_when_it_is_taken_off_and_installed_again(site: Site) -> None:
    site.shell("mkdir -p /etc/cmzsb; echo secret >/etc/cmzsb/token; chmod 600 /etc/cmzsb/token")
    assert site.install("--bridge", "--bridge-token-file", "/etc/cmzsb/token").returncode == 0
    override = f"/etc/systemd/system/{BRIDGE}.service.d/override.conf"
    site.shell(f"printf '[Service]\\nNice=5\\n' >{override}")
    done = site.run("sh", INSTALL, "--uninstall", "--bridge")
    assert f"Tokens and overrides stay: /etc/systemd/system/{BRIDGE}.service.d" in done.stdout
    done = site.install("--bridge", "--ray-dashboard", "http://127.0.0.1:8265")
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.ask("http://127.0.0.1:8001/metrics")[0] == 401
    assert site.ask("http://127.0.0.1:8001/metrics", token="secret")[0] == 200
    assert site.property(BRIDGE, "Nice") == "5"


def test_name_that_all_boards_of_an_image_have_is_told(site: Site) -> None:
    site.shell(f"sed -i /CMZSB_NODE_NAME/d {OPTIONS}; hostname tegra-ubuntu")
    try:
        done = site.install("--monitor")
        assert "This node is called 'tegra-ubuntu', as every board of its image" in done.stdout
        assert "as every board" not in site.install("--monitor", "--node-name", "M7").stdout
    finally:
        site.run("hostname", "lab")
