"""The services under a real systemd: what it does when they cannot start, are ended, or fall ill."""

from __future__ import annotations

import json
import time

import pytest

from testkit.net import wait_for
from tests.systemd.lab.conftest import UNITS, Site

MONITOR, BRIDGE = UNITS
URL = "http://127.0.0.1:8000"
OPTIONS = f"/etc/default/{MONITOR}"
STATE = f"/var/lib/private/{MONITOR}"
HOLD_PORT = """
import socket, time
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(("0.0.0.0", {port}))
sock.listen()
print("ready", flush=True)
time.sleep(600)
"""


def is_active(site: Site, unit: str = MONITOR) -> bool:
    return site.run("systemctl", "is-active", unit, check=False).stdout == "active\n"


def is_healthy(site: Site) -> bool:
    return site.ask(f"{URL}/api/health")[0] == 200


def report(site: Site) -> None:
    status, text = site.ask(f"{URL}/api/update_status", json.dumps({"status": "sending"}))
    assert status == 200, text


@pytest.mark.parametrize(("unit", "port"), [(MONITOR, 8000), (BRIDGE, 8001)])
def test_port_that_is_held_longer_than_a_start_limit_would_last_is_taken_in_the_end(
    site: Site, unit: str, port: int
) -> None:
    site.run("systemctl", "stop", unit)
    with site.background(HOLD_PORT.format(port=port)):
        assert site.run("systemctl", "start", unit, check=False).returncode != 0
        for _ in range(7):  # what the installer advises, and an impatient operator does
            done = site.run("systemctl", "restart", unit, check=False)
            assert "too quickly" not in done.stderr
        time.sleep(20)
        assert not is_active(site, unit)
    wait_for(lambda: is_active(site, unit), "the start", 10)


def test_address_that_comes_later_is_waited_for_by_the_process_itself(site: Site) -> None:
    site.shell(f"echo CMZSB_LISTEN=10.9.8.7:8000 >>{OPTIONS}")
    try:
        site.run("systemctl", "restart", MONITOR, seconds=10)  # which does not wait with it
        pid = site.property(MONITOR, "MainPID")
        assert "waiting for 10.9.8.7:8000" in site.property(MONITOR, "StatusText")
        done = site.install("--monitor")
        assert done.returncode == 1
        assert "does not answer at 10.9.8.7:8000 yet: waiting for 10.9.8.7:8000" in done.stdout
        time.sleep(35)  # past the watchdog's time
        site.run("ip", "address", "add", "10.9.8.7/32", "dev", "lo")
        wait_for(lambda: site.ask("http://10.9.8.7:8000/api/health")[0] == 200, "the service", 10)
        assert site.property(MONITOR, "MainPID") == pid
        assert site.property(MONITOR, "StatusText") == "serving M5 on 10.9.8.7:8000"
        lines = [entry["MESSAGE"] for entry in site.journal(MONITOR) if "waiting_for_address" in entry["MESSAGE"]]
        assert len(lines) == 1
    finally:
        site.run("ip", "address", "del", "10.9.8.7/32", "dev", "lo", check=False)


@pytest.mark.parametrize("unit", UNITS)
def test_service_that_another_program_ends_comes_back(site: Site, unit: str) -> None:
    pid = site.property(unit, "MainPID")
    site.run("kill", "-TERM", pid)
    wait_for(lambda: is_active(site, unit) and site.property(unit, "MainPID") not in (pid, "0"), "its return", 15)


def test_service_stays_down_when_it_is_told_to(site: Site) -> None:
    site.run("systemctl", "stop", MONITOR)
    time.sleep(7)
    assert site.property(MONITOR, "ActiveState") == "inactive"


def test_card_that_is_read_only_for_a_while_does_not_end_the_service_for_good(site: Site) -> None:
    site.run("systemctl", "stop", MONITOR)
    site.shell(f"mount --bind {STATE} {STATE} && mount -o remount,bind,ro {STATE}")
    try:
        site.run("systemctl", "start", MONITOR, check=False)
        time.sleep(20)
    finally:
        site.run("umount", STATE)
    wait_for(lambda: is_healthy(site), "the start", 12)


def test_options_that_cannot_work_are_not_tried_again(site: Site) -> None:
    site.shell(f"echo CMZSB_REPORT_TTL=soon >>{OPTIONS}")
    site.run("systemctl", "restart", MONITOR, check=False)
    time.sleep(7)
    assert site.property(MONITOR, "ActiveState") == "failed"
    assert site.property(MONITOR, "NRestarts") == "0"
    assert "soon" in site.shell(f"journalctl --unit {MONITOR} --priority err --output cat")


def test_warnings_are_found_by_their_priority_and_lines_have_no_time_of_their_own(site: Site) -> None:
    site.shell(f"echo CMZSB_NODENAME=M5 >>{OPTIONS}")
    site.run("systemctl", "restart", MONITOR)
    found = {entry["MESSAGE"].split()[0]: entry["PRIORITY"] for entry in site.journal(MONITOR)}
    assert found == {"cmzsb-exporter:": "4", "INFO": "6"}
    warnings = site.shell(f"journalctl --unit {MONITOR} --priority warning --output cat")
    assert "CMZSB_NODENAME is no option; CMZSB_NODE_NAME is meant?" in warnings
    assert {entry["PRIORITY"] for entry in site.journal(BRIDGE)} <= {"4", "6"}


def test_status_says_what_is_wrong_while_the_service_runs(site: Site) -> None:
    site.run("systemctl", "stop", MONITOR)
    site.shell(f"mount -t tmpfs -o size=1m tmpfs {STATE}")
    try:
        site.run("systemctl", "start", MONITOR)
        site.shell(f"mountpoint -q {STATE} && dd if=/dev/zero of={STATE}/ballast bs=4096 2>&1 || true")
        for _ in range(30):
            report(site)
        wait_for(lambda: not is_healthy(site), "the failure", 10)
        wait_for(lambda: "unhealthy: the journal" in site.property(MONITOR, "StatusText"), "the status", 15)
        done = site.install("--monitor")
        assert "runs and answers at 0.0.0.0:8000, but it is unhealthy: the journal cannot be written" in done.stdout
        site.shell(f"rm {STATE}/ballast")
        wait_for(lambda: "unhealthy" not in site.property(MONITOR, "StatusText"), "recovery", 15)
    finally:
        site.run("systemctl", "stop", MONITOR)
        site.run("umount", STATE)


def test_disk_of_small_blocks_with_hardly_any_room_is_no_crash(site: Site) -> None:
    site.run("systemctl", "stop", MONITOR)
    site.shell(f"rm -rf /small/*; mount --bind /small {STATE}")
    try:
        site.small_disk.fill()
        site.small_disk.leave(60 * 1024)
        site.run("systemctl", "start", MONITOR)
        assert site.ask(f"{URL}/api/health")[0] == 503
        report(site)
        assert site.property(MONITOR, "NRestarts") == "0"
        site.small_disk.free()
        wait_for(lambda: is_healthy(site), "recovery", 10)
    finally:
        site.run("systemctl", "stop", MONITOR)
        site.run("umount", STATE)
        site.shell("rm -rf /small/*")


def test_restored_journal_of_root_is_written_once_its_owner_is_corrected(site: Site) -> None:
    report(site)
    site.run("systemctl", "stop", MONITOR)
    journal = f"{STATE}/journal.sqlite3"
    site.shell(f"chown root:root {journal} && chmod 644 {journal}")
    site.run("systemctl", "start", MONITOR, check=False)
    wait_for(lambda: not is_healthy(site), "the failure", 10)
    site.shell(f"chown --reference={STATE}/. {journal}*")
    wait_for(lambda: is_healthy(site), "recovery", 15)
    report(site)
    assert json.loads(site.ask(f"{URL}/api/status")[1])["stats"]["sent_to_server"] == 2


CROWD = """
import resource, socket, time
resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000))
peers = []
for _ in range(400):
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.connect(("127.0.0.1", {port}))
    peer.sendall(b"GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n" * 60)
    peers.append(peer)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(("unit", "port"), [(MONITOR, 8000), (BRIDGE, 8001)])
def test_400_clients_that_do_not_read_hold_little_of_the_kernels_memory(site: Site, unit: str, port: int) -> None:
    pid = site.property(unit, "MainPID")
    with site.background(CROWD.format(port=port)):
        time.sleep(3)
        held = socket_memory(site, port)
        assert held < 16e6, f"{held / 1e6:.1f} MB"
        if unit == MONITOR:  # which drops them after ten seconds; the bridge has a thread for each
            wait_for(lambda: socket_memory(site, port) < 1e5, "the end of those that read nothing", 30)
    assert site.property(unit, "MainPID") == pid
    assert site.ask(f"http://127.0.0.1:{port}/api/health")[0] in (200, 503)


def socket_memory(site: Site, port: int) -> int:
    """Return the bytes that the kernel counts for the connections of `port`: received, queued to send, reserved."""
    found = site.shell(f"ss --tcp --memory --numeric --no-header --all sport = :{port}")
    values = [dict(field_and_number(word) for word in line.split("(")[1].split(")")[0].split(","))
              for line in found.splitlines() if "skmem:(" in line]  # fmt: skip
    return sum(each["r"] + each["w"] + each["f"] for each in values)


def field_and_number(word: str) -> tuple[str, int]:
    name = word.rstrip("0123456789")
    return name, int(word[len(name) :])


def test_memory_of_the_monitor_with_the_base_install(site: Site) -> None:
    """PSS, as the kernel counts it, with nothing that shares its pages."""
    site.run("systemctl", "stop", BRIDGE)
    for _ in range(20):
        site.ask(f"{URL}/metrics")
    text = site.shell(f"cat /proc/{site.property(MONITOR, 'MainPID')}/smaps_rollup")
    (kilobytes,) = (int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    print(f"PSS {kilobytes * 1024 / 1e6:.1f} MB")
    assert kilobytes * 1024 <= 32e6
    assert "libcrypto" not in site.shell(f"cat /proc/{site.property(MONITOR, 'MainPID')}/maps")
