"""The conversation with the service manager, over its real kind of socket."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from servicekit.notify import Notifier, Watchdog, status_text
from testkit.notify_socket import notification_socket


def environment(name: str, seconds: float = 0.3, pid: int | None = None) -> dict[str, str]:
    return {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": f"{seconds * 1e6:.0f}", "WATCHDOG_PID": str(pid or os.getpid())}


@pytest.mark.parametrize("abstract", [False, True])
def test_manager_hears_what_it_is_told(tmp_path: Path, abstract: bool) -> None:
    with notification_socket(tmp_path, abstract=abstract) as (name, said):
        notifier = Notifier.from_environment(environment(name))
        notifier.ready("serving")
        notifier.ping()
        notifier.stopping()
        said.listen(0.1)
        assert said.heard == ["READY=1", "STATUS=serving", "WATCHDOG=1", "STOPPING=1"]


def test_its_variables_are_not_handed_on(tmp_path: Path) -> None:
    given = environment("/run/x") | {"HOME": "/"}
    Notifier.from_environment(given)
    assert given == {"HOME": "/"}


@pytest.mark.parametrize("name", ["", "/nowhere/at/all", "@cmzsb-nobody-listens"])
def test_without_a_listener_nothing_happens(name: str) -> None:
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": name} if name else {})
    notifier.ready("serving")
    notifier.ping()


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        ("30000000", "own", 30.0),
        ("30000000", "", 30.0),
        ("30000000", "1", None),
        ("", "", None),
        ("x", "", None),
        ("0", "", None),
    ],
)
def test_watchdog_is_that_of_this_process(usec: str, pid: str, seconds: float | None) -> None:
    pid = str(os.getpid()) if pid == "own" else pid
    given = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": usec} | ({"WATCHDOG_PID": pid} if pid else {})
    assert Notifier.from_environment(given).watchdog_seconds == seconds


def test_signs_of_life_end_when_the_service_is_not_alive_and_come_again(tmp_path: Path) -> None:
    liveness_error = ""
    with notification_socket(tmp_path) as (name, said):
        watchdog = Watchdog(Notifier.from_environment(environment(name)), lambda: liveness_error)
        watchdog.start()
        said.wait_for("WATCHDOG=1", 2)
        liveness_error = "stuck"
        said.wait_for("STATUS=stuck", 2)
        said.heard.clear()
        said.listen(0.5)
        assert said.heard == []
        liveness_error = ""
        said.wait_for("WATCHDOG=1", 2)
        watchdog.close()


def test_status_tells_what_health_says(tmp_path: Path) -> None:
    failure = ""
    with notification_socket(tmp_path) as (name, said):
        notifier = Notifier.from_environment(environment(name))
        watchdog = Watchdog(notifier, lambda: "", lambda: status_text("serving", failure))
        watchdog.start()
        said.wait_for("STATUS=serving", 2)
        failure = "the disk is full"
        said.wait_for("STATUS=unhealthy: the disk is full; serving", 2)
        said.heard.clear()
        said.wait_for("WATCHDOG=1", 2)
        watchdog.close()


def test_service_that_waits_for_something_has_started_and_lives(tmp_path: Path) -> None:
    with notification_socket(tmp_path) as (name, said):
        Notifier.from_environment(environment(name)).waiting("waiting for 192.0.2.1:8000")
        said.listen(0.1)
        assert said.heard == ["READY=1", "WATCHDOG=1", "STATUS=waiting for 192.0.2.1:8000"]


def test_check_that_hangs_is_no_sign_of_life(tmp_path: Path) -> None:
    stuck = threading.Event()

    def hang() -> str:
        stuck.wait(30)
        return ""

    with notification_socket(tmp_path) as (name, said):
        watchdog = Watchdog(Notifier.from_environment(environment(name)), hang)
        watchdog.start()
        said.listen(0.6)
        assert said.heard == []
        watchdog.close()
        stuck.set()
