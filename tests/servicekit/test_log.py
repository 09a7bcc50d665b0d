"""Log records and their rate limit."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from servicekit.log import RateLimit, configure, event


class HandClock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def restored_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "state_changed"),
        ({"node": "M1", "n": 3}, "state_changed node=M1 n=3"),
        ({"task": "frame 17"}, 'state_changed task="frame 17"'),
        ({"task": 'a"b\\ c'}, 'state_changed task="a\\"b\\\\ c"'),
        ({"task": ""}, 'state_changed task=""'),
        ({"task": "a\nINFO forged"}, 'state_changed task="a\\\\u000aINFO forged"'),
        ({"task": "检测"}, "state_changed task=检测"),
    ],
)
def test_an_event_is_its_name_and_greppable_fields(fields: dict[str, object], message: str) -> None:
    assert event("state_changed", **fields) == message


@pytest.mark.usefixtures("restored_root")
def test_a_record_is_one_line_with_time_level_and_logger(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info")
    logging.getLogger("part").debug("not shown")
    logging.getLogger("part").warning("first\nsecond")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(" WARNING part first\\u000asecond")


@pytest.mark.usefixtures("restored_root")
def test_a_traceback_follows_its_record(capsys: pytest.CaptureFixture[str]) -> None:
    configure("error")
    logging.getLogger("part").error("failed", exc_info=ValueError("why"))
    assert capsys.readouterr().err.splitlines()[-1] == "ValueError: why"


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "utf-16"])
def test_log_is_utf_8_whatever_the_environment_says(encoding: str) -> None:
    script = "import logging; from servicekit.log import configure; configure('info'); logging.info('检测 \\udc80')"
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    assert done.stderr.decode("utf-8").endswith("检测 \\udc80\n")


LINES = "import logging; from servicekit.log import configure; configure('debug'); log = logging.getLogger('part');"
EACH = LINES + "[log.log(level, 'm') for level in (10, 20, 30, 40, 50)]; log.error('x', exc_info=ValueError('why'))"


def in_journal(script: str) -> list[str]:
    """Run `script` with stderr as systemd connects it, and return the lines."""
    ours, theirs = socket.socketpair()
    found = os.fstat(theirs.fileno())
    environment = os.environ | {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
    with ours, theirs:
        subprocess.run([sys.executable, "-c", script], env=environment, stderr=theirs, check=True)
        return ours.recv(1 << 20).decode("utf-8").splitlines()


def test_lines_for_the_journal_carry_their_priority_and_no_time() -> None:
    assert in_journal(EACH)[:6] == [
        "<7>DEBUG part m", "<6>INFO part m", "<4>WARNING part m", "<3>ERROR part m", "<2>CRITICAL part m",
        "<3>ERROR part x",
    ]  # fmt: skip


def test_every_line_of_a_traceback_carries_the_priority_of_its_record() -> None:
    assert in_journal(EACH)[6:] == ["<3>ValueError: why"]


def test_stderr_that_is_not_the_stream_of_the_variable_gets_ordinary_lines() -> None:
    """A program that a service starts inherits the variable, with stderr sent elsewhere."""
    environment = os.environ | {"JOURNAL_STREAM": "1:1"}
    done = subprocess.run([sys.executable, "-c", EACH], env=environment, capture_output=True, text=True, check=True)
    assert " INFO part m" in done.stderr
    assert "<" not in done.stderr


def test_the_rate_limit_lets_a_burst_through_and_then_tells_how_many_it_held_back() -> None:
    clock = HandClock()
    limit = RateLimit(burst=2, period=60.0, clock=clock)
    assert [limit.admit() for _ in range(5)] == [0, 0, None, None, None]
    clock.now += 60.0
    assert [limit.admit() for _ in range(3)] == [3, 0, None]
