"""Names of nodes, health, options and what is shipped, without Ray."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deploy import bundle
from deploy.check import FAILING, HEALTHY, STARTING, UNREACHABLE, Check, HealthReply, judge, parse_health
from deploy.journals import remove_journal
from deploy.nodes import listed, living
from deploy.settings import Settings
from deploy.text import table
from exporter.storage.journal import Journal

SETTINGS = Settings(8000, "all", "/var/{node}", 60.0, "info", "1.0.0", "abc")
WELL = HealthReply("", "1.0.0", 10.0)


def entry(number: int, alive: bool = True, **more: Any) -> dict[str, Any]:
    address = f"10.0.0.{number}"
    return {"NodeID": f"id{number}", "Alive": alive, "NodeManagerAddress": address, "NodeManagerHostname": "h", **more}


def test_nodes_have_the_bridges_names_in_natural_order() -> None:
    nodes = living(
        [
            entry(1, Resources={"CPU": 1, "M10": 1, "camera": 1, "node:__internal_head__": 1}),
            entry(2, Resources={"CPU": 1, "M2": 1, "camera": 1}),
            entry(3, Labels={"cmzsb.node": "gate"}, Resources={"M3": 1}),
            entry(4, Resources={"camera": 1}),
            entry(5, alive=False, Resources={}),
            entry(6, Resources={"camera": 1}, NodeManagerHostname="board"),
        ]
    )
    assert sorted((node.name, node.is_head) for node in nodes) == [
        ("10.0.0.4", False), ("M10", True), ("M2", False), ("board", False), ("gate", False),
    ]  # fmt: skip
    names = [node.name for node in nodes]
    assert names.index("M2") < names.index("M10")


def test_dead_nodes_are_named_too_as_far_as_ray_knows() -> None:
    entries = [entry(1, Resources={"M1": 1}), entry(2, alive=False, Resources={}, Labels={"cmzsb.node": "M2"})]
    assert [node.name for node in listed(entries)] == ["M1", "M2"]
    assert [node.name for node in living(entries)] == ["M1"]


def host(seconds: float | None, error: str = "") -> dict[str, Any]:
    return {"pid": 1, "running_seconds": seconds, "error": error}


@pytest.mark.parametrize(
    ("answer", "actor", "health", "detail"),
    [
        (WELL, host(11.0), HEALTHY, ""),
        (WELL, host(11.0, "ended by signal 9"), HEALTHY, ""),
        (WELL, host(0.5), FAILING, "another monitor runs on this node"),
        (WELL, host(None, "cannot listen"), FAILING, "cannot listen"),
        (WELL, None, STARTING, ""),
        (HealthReply("refused"), None, STARTING, ""),
        (HealthReply("refused"), host(0.5), STARTING, ""),
        (HealthReply("refused"), host(None, "cannot listen"), FAILING, "cannot listen"),
        (HealthReply("http_503"), host(9.0), FAILING, "the journal cannot be written"),
        (HealthReply("timeout"), host(9.0), FAILING, "timeout"),
        (HealthReply("timeout"), None, UNREACHABLE, "timeout"),
        (HealthReply("unreachable"), None, UNREACHABLE, "unreachable"),
    ],
)
def test_health_is_the_monitors_answer_and_its_actors_together(
    answer: HealthReply, actor: dict[str, Any] | None, health: str, detail: str
) -> None:
    assert judge(answer, actor)[:2] == (health, detail)


def test_healthy_monitor_tells_its_version_and_age() -> None:
    answer = parse_health(b'{"status": "healthy", "version": "1.0.0", "uptime_seconds": 10}')
    assert judge(answer, host(11.0)) == Check(HEALTHY, "", "1.0.0", 10.0)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"status": "healthy"}', b'{"version": 1}'])
def test_reply_of_another_service_is_no_health(body: bytes) -> None:
    assert parse_health(body).reason == "another service answers on this port"


def test_release_differs_with_code_and_options_and_tells_no_token() -> None:
    others = [replace(SETTINGS, bundle="abd"), replace(SETTINGS, port=8001), replace(SETTINGS, token="t0psecret")]
    assert len({SETTINGS.release, *(other.release for other in others)}) == 4
    assert replace(SETTINGS).release == SETTINGS.release
    assert "t0psecret" not in repr(others[2])


def test_monitor_listens_where_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ray")
    assert SETTINGS.arguments("M1", "10.0.0.1", None)[:2] == ["--listen", "0.0.0.0:8000"]
    own = replace(SETTINGS, listen_on="node", state_dir="~/{node}")
    assert own.arguments("M1", "fd00::1", None)[:2] == ["--listen", "[fd00::1]:8000"]
    assert own.state_path("M1") == Path("/home/ray/M1")


def test_journal_is_removed_with_its_directory_but_not_what_others_put_there(tmp_path: Path) -> None:
    for name in ("journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3.damaged-1", "journal.lock"):
        for node in ("M1", "M2"):
            (tmp_path / node).mkdir(exist_ok=True)
            (tmp_path / node / name).touch()
    (tmp_path / "M2" / "notes").touch()
    template = f"{tmp_path}/{{node}}"
    assert all(remove_journal(template, node) for node in ("M1", "M2", "M3"))
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["M2", "M2/notes"]


def test_journal_that_a_monitor_uses_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    try:
        assert not remove_journal(str(tmp_path), "M1")
        assert (tmp_path / "journal.sqlite3").exists()
    finally:
        journal.close()
    assert remove_journal(str(tmp_path), "M1")
    assert not tmp_path.exists()


def test_bundle_runs_without_anything_installed_and_without_compiled_code(tmp_path: Path) -> None:
    digest = bundle.build(tmp_path / "one")
    assert bundle.build(tmp_path / "two") == digest
    assert not [path for path in (tmp_path / "one").rglob("*") if path.suffix in {".so", ".pyc"}]
    paths = [str(tmp_path / "one"), str(tmp_path / "one" / bundle.LIBRARIES)]
    # -I -S: neither site-packages nor the environment.
    code = f"import sys; sys.path += {paths}; import exporter.__main__ as m; m.main()"
    command = [sys.executable, "-I", "-S", "-c", code, "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_table_is_aligned_with_chinese_too() -> None:
    row = {"node": "M1", "ip": "10.0.0.1", "version": "", "health": HEALTHY, "detail": "", "since": 0.0}
    lines = table("zh", [row, {**row, "node": "东门", "health": "lost"}])
    assert [line.split()[:4] for line in lines[1:]] == [
        ["M1", "10.0.0.1", "-", "正常"],
        ["东门", "10.0.0.1", "-", "节点离线"],
    ]
    assert len({len(line.encode("gbk")) for line in lines[1:]}) == 1


def test_options_that_contradict_are_one_line() -> None:
    for options in (["--status", "--remove"], ["--json"], []):
        address = ["--address", "127.0.0.1:1"] if options else []
        command = [sys.executable, "-m", "deploy", *address, *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_address_where_nothing_listens_is_one_line() -> None:
    command = [sys.executable, "-m", "deploy", "--address", "127.0.0.1:1", "--status"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "cmzsb-deploy: nothing answers at 127.0.0.1:1: Connection refused\n"
