"""install.sh on a machine: it starts what it installs, checks itself, says what to do, and leaves nothing behind."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from testkit.guide import as_root
from testkit.net import free_port
from tests.systemd.machine import PYTHON, Machine, machine

SCRIPT = Path(__file__).parents[2] / "systemd" / "install.sh"
OPTIONS = Path("/etc/default/cm-zsb-monitor")
TOKEN = "/etc/cmzsb/token"
JOURNAL = "/var/lib/cm-zsb-monitor/journal"
EVERYWHERE = ["127.0.0.1", "127.0.0.5"]


class Installation:
    """install.sh with the options of one test."""

    def __init__(self, on: Machine, wheels: Path) -> None:
        self._machine = on
        self._source = ("--wheels", wheels, "--python", PYTHON)

    def __call__(self, *options: str | Path) -> subprocess.CompletedProcess[str]:
        self._machine.calls()
        return self._machine.run("sh", SCRIPT, *options, *self._source)


def address_of(port: int, host: str = "0.0.0.0") -> str:
    return f"cm-zsb-monitor runs and answers at {host}:{port}.\n"


@pytest.mark.timeout(600)
def test_the_course_of_an_installation(wheels: Path, tmp_path: Path) -> None:
    """One course in one test, because installing takes long: each step begins where the one before ended."""
    port, bridge_port = free_port(EVERYWHERE), free_port()
    with machine(tmp_path) as here:
        type_in(here, as_root("install -d /etc/cmzsb", "openssl rand")[:2])
        token = here.run("cat", TOKEN).stdout.strip()
        before, install = here.tree(), Installation(here, wheels)
        both = ("--monitor", "--bridge")

        ports = ("--port", str(port), "--bridge-port", str(bridge_port))
        done = install(*both, "--node-name", "M5", *ports, "--bridge-token-file", TOKEN)
        assert done.returncode == 0, done.stdout + done.stderr
        assert address_of(port) in done.stdout
        assert requests.get(f"http://127.0.0.1:{port}/api/status", timeout=5).json()["node_id"] == "M5"
        for given, status in ((token, 200), ("another", 401)):
            reply = requests.get(
                f"http://127.0.0.1:{bridge_port}/metrics",
                headers={"Authorization": f"Bearer {given}"}, timeout=5,
            )  # fmt: skip
            assert reply.status_code == status
        advice = re.findall(r"open the port: (.+)$", done.stdout, re.MULTILINE)
        assert len(advice) == 4
        type_in(here, advice)
        backup_and_restore(here, f"http://127.0.0.1:{port}", tmp_path)

        here.calls()
        done = here.run("sh", SCRIPT, *both, "--wheels", wheels)  # the interpreter of the last time will do
        assert "Nothing to change." in done.stdout, done.stdout + done.stderr
        assert "open the port" not in done.stdout
        calls = here.calls()
        assert "systemctl start cm-zsb-monitor" in calls
        assert not [call for call in calls if "restart" in call]

        here.run("sed", "-i", f"s/^CMZSB_LISTEN=.*/CMZSB_LISTEN=127.0.0.5:{port}/", OPTIONS)
        here.run("systemctl", "restart", "cm-zsb-monitor")
        assert address_of(port, "127.0.0.5") in install(*both).stdout
        other_port = free_port(EVERYWHERE)
        done = install("--monitor", "--port", str(other_port))
        assert address_of(other_port, "127.0.0.5") in done.stdout, done.stdout + done.stderr
        calls = here.calls()
        assert [call for call in calls if "restart" in call] == ["systemctl restart cm-zsb-monitor"]
        assert "ufw app update cm-zsb-monitor" in calls
        assert "firewall-cmd --reload --quiet" in calls

        options_that_cannot_work(here, install, other_port)
        hand_written_options(here, install)

        assert here.rules()
        overrides = "/etc/systemd/system/castray-bridge.service.d"
        assert f"Tokens and overrides stay: {overrides}" in here.run("sh", SCRIPT, "--uninstall", "--bridge").stdout
        assert here.run("ls", overrides).stdout == "castray-bridge-token-file.conf\n"
        done = here.run("sh", SCRIPT, "--uninstall", "--purge")
        assert done.returncode == 0, done.stderr
        assert here.rules() == []
        assert here.tree() == before
        calls = here.calls()
        assert calls.index("systemctl reset-failed cm-zsb-monitor") > calls.index("systemctl daemon-reload")
        assert calls[-1] == "firewall-cmd --reload --quiet"

        here.without_firewalls()
        assert here.run("sh", SCRIPT, "--uninstall").returncode == 0
        assert sorted(set(before) - set(here.tree())) == [f"{folder} 755" for folder in EMPTY_FOLDERS]


EMPTY_FOLDERS = ["/etc/firewalld", "/etc/firewalld/services", "/etc/ufw", "/etc/ufw/applications.d"]
"""Of firewalls that are not installed."""


def options_that_cannot_work(here: Machine, install: Installation, port: int) -> None:
    """What is refused changes nothing, and the service goes on."""
    before, options = here.tree(), here.run("cat", OPTIONS).stdout
    for given, told in (
        (("--port", "99999"), "a port is a number from 1 to 65535"),
        (("--port", "0"), "a port is a number from 1 to 65535"),
        (("--node-name", "M" * 75), "75 letters, 63 at most"),
    ):
        done = install("--monitor", *given)
        assert done.returncode == 1
        assert told in done.stderr
    done = install("--bridge", "--ray-dashboard", "127.0.0.1:8265")
    assert done.returncode == 1
    assert "'127.0.0.1:8265' is not an http or https URL" in done.stderr
    here.run("sh", "-c", f"echo CMZSB_REPORT_TTL=soon >>{OPTIONS}")
    done = install("--monitor")
    assert done.returncode == 1
    assert "'soon' is not a valid float" in done.stderr
    here.run("sed", "-i", "/CMZSB_REPORT_TTL=soon/d", OPTIONS)
    assert (here.tree(), here.run("cat", OPTIONS).stdout) == (before, options)
    assert not [call for call in here.calls() if "restart" in call]
    assert requests.get(f"http://127.0.0.5:{port}/api/health", timeout=5).ok
    with busy_port("127.0.0.5") as taken:
        done = install("--monitor", "--port", str(taken))
        assert done.returncode == 1
        assert f"port {taken} is taken by another program" in done.stderr


@contextmanager
def busy_port(host: str) -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind((host, 0))
        sock.listen()
        yield sock.getsockname()[1]


def hand_written_options(here: Machine, install: Installation) -> None:
    here.run("sh", "-c", f"echo CMZSB_REPORT_TTL=31 >>{OPTIONS}; echo CMZSB_NODENAME=M6 >>{OPTIONS}")
    done = install("--monitor")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "CMZSB_NODENAME is no option; CMZSB_NODE_NAME is meant?" in done.stdout
    assert "cm-zsb-monitor: restart" in done.stdout
    assert "Nothing to change." in install("--monitor").stdout


def type_in(here: Machine, commands: list[str]) -> None:
    for command in commands:
        done = here.run("bash", "-c", command)
        assert done.returncode == 0, (command, done.stderr)


def backup_and_restore(here: Machine, monitor: str, directory: Path) -> None:
    """As the guide says: the journal that root put back is the monitor's own again, who is not root."""
    place = ("journal-backup.sqlite3", str(directory / "backup.sqlite3"))
    take, *put_back = (line.replace(*place) for line in as_root(JOURNAL, "systemctl stop", "systemctl start"))

    def report() -> None:
        assert requests.post(f"{monitor}/api/update_status", json={"status": "sending"}, timeout=5).ok

    def sent() -> int:
        return int(requests.get(f"{monitor}/api/status", timeout=5).json()["stats"]["sent_to_server"])

    report()
    type_in(here, [take])
    report()
    assert sent() == 2
    assert len(put_back) == 5
    type_in(here, put_back)
    assert sent() == 1
    report()
    type_in(here, ["systemctl restart cm-zsb-monitor"])
    assert sent() == 2
    assert requests.get(f"{monitor}/api/health", timeout=5).status_code == 200
