"""prepare.sh makes what the stack wants, once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from testkit.binaries import require
from tests.containers.files import CONTAINERS, compose


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name in ("prepare.sh", "env.example"):
        shutil.copy(CONTAINERS / name, tmp_path)
    return tmp_path


def prepare(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([directory / "prepare.sh", *arguments], capture_output=True, text=True, check=False)


def content(directory: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in directory.rglob("*") if path.is_file()}


def test_it_makes_the_settings_and_every_secret(directory: Path) -> None:
    done = prepare(directory, "10.1.2.3", "head.example")
    assert done.returncode == 0, done.stderr
    lines = (directory / ".env").read_text("utf-8").splitlines()
    group = 10001 if os.getuid() == 0 else os.getgid()
    assert {"RAY_HEAD=10.1.2.3", "SERVER=head.example", f"SECRETS_GID={group}"} <= set(lines)
    made = {f"secrets/{path.name}" for path in (directory / "secrets").iterdir()}
    assert made == {secret["file"] for secret in compose()["secrets"].values()}
    assert "docker compose up" in done.stdout
    assert "下一步" in done.stdout


def test_secrets_are_for_their_owner_and_the_services_only(directory: Path) -> None:
    prepare(directory, "10.1.2.3")
    group = 10001 if os.getuid() == 0 else os.getgid()
    for path in (directory / "secrets").iterdir():
        assert (path.stat().st_mode & 0o777, path.stat().st_gid) == (0o640, group), path
    assert (directory / "secrets").stat().st_mode & 0o777 == 0o700
    assert (directory / ".env").stat().st_mode & 0o077 == 0
    assert len((directory / "secrets/grafana_admin_password").read_text("utf-8").strip()) == 24


def test_this_machine_is_the_head_where_nothing_else_is_said(directory: Path) -> None:
    prepare(directory, "10.1.2.3")
    assert "\nSERVER=10.1.2.3\n" in (directory / ".env").read_text("utf-8")


def test_second_run_changes_nothing(directory: Path) -> None:
    prepare(directory, "10.1.2.3")
    (directory / "secrets/notify_addresses").write_text("all zh json://example\n", "utf-8")
    before = content(directory)
    assert prepare(directory, "10.1.2.3").returncode == 0
    assert content(directory) == before


def test_another_head_than_before_is_refused(directory: Path) -> None:
    prepare(directory, "10.1.2.3")
    before = content(directory)
    done = prepare(directory, "10.1.2.4")
    assert done.returncode == 2
    assert "edit it" in done.stderr
    assert content(directory) == before


@pytest.mark.parametrize("arguments", [(), ("head",), ("10.1.2",), ("10.1.2.3.4",), ("10.1.2.3", "a/b"), ("1..2.3",)])
def test_wrong_arguments_make_nothing(directory: Path, arguments: tuple[str, ...]) -> None:
    before = content(directory)
    done = prepare(directory, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("prepare.sh: ")
    assert content(directory) == before


def test_script_is_clean() -> None:
    done = subprocess.run(
        [require("shellcheck"), CONTAINERS / "prepare.sh"], capture_output=True, text=True, check=False
    )
    assert done.stdout == ""
