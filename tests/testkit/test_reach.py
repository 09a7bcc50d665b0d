"""What counts as a test that starts something, and that the others are held to it."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
from collections.abc import Callable

import pytest

from testkit.fake_ray import FakeRay
from testkit.reach import Reach, no_processes
from testkit.running import RunningMonitor


def _runs() -> None:
    subprocess.run(["true"], check=True)


def _imports_late() -> object:
    import multiprocessing

    return multiprocessing


def _forks() -> int:
    return os.fork()


def _serves() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def _indirectly() -> None:
    _TABLE["run"]()


def _decorated(function: Callable[[], None]) -> Callable[[], None]:
    @functools.wraps(function)
    def wrapper() -> None:
        function()

    return wrapper


class _Object:
    @property
    def started(self) -> None:
        _runs()


class _Derived(_Object):
    pass


def _harmless() -> list[int]:
    return sorted(len(name) for name in sys.modules)


_TABLE = {"run": _runs}


@pytest.mark.parametrize(
    "root",
    [_runs, _imports_late, _forks, _serves, _indirectly, _decorated(_runs), _Derived, RunningMonitor, FakeRay],
)
def test_code_that_starts_something_is_found_by_any_way(root: object) -> None:
    reach = Reach()
    assert reach.starts_something([root])
    assert reach.starts_something([_harmless, root])


def test_code_that_starts_nothing_is_harmless_also_after_code_that_does() -> None:
    reach = Reach()
    assert reach.starts_something([_runs])
    assert not reach.starts_something([_harmless])
    assert not reach.starts_something([_decorated(_harmless)])  # type: ignore[arg-type] # only looked at


def test_process_that_is_started_all_the_same_is_an_error(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("servers") is not None
    with no_processes(), pytest.raises(RuntimeError, match=r"subprocess\.Popen"):
        _runs()
    _runs()


def test_test_that_starts_nothing_has_no_mark_and_may_start_nothing(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("servers") is None
    hidden = getattr(sys.modules["sub" + "process"], "Po" + "pen")
    with pytest.raises(RuntimeError, match=r"subprocess\.Popen"):
        hidden(["true"])
