"""Grafana in the demo: which one is taken, what it is given, and that nothing of it is left."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from demo import grafana
from demo.grafana_launcher import Container, Installed, find, image
from servicekit.errors import StartError
from testkit import grafana_program
from testkit.net import is_free
from testkit.paths import ROOT

PROMETHEUS = "http://127.0.0.1:19090"


@pytest.fixture
def records(tmp_path: Path) -> Path:
    return tmp_path / "calls"


def run(choice: grafana.Choice, tmp_path: Path, prometheus_url: str = PROMETHEUS) -> tuple[list[str], list[str]]:
    """Run Grafana once; return the dashboards' addresses and what was told."""
    told: list[str] = []
    with grafana.running(choice, tmp_path / "grafana", prometheus_url, told.append) as dashboards:
        return [dashboard.url for dashboard in dashboards], told


def test_installed_grafana_gets_this_repositorys_provisioning_and_a_data_directory_of_its_own(
    tmp_path: Path, records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = grafana_program.install_home(tmp_path / "home", records)
    monkeypatch.setenv("GF_DATABASE_URL", "mysql://the-developers-own/grafana")
    urls, told = run(grafana.choose({"GRAFANA_HOME": str(tmp_path / "home")}), tmp_path)
    ((arguments, settings),) = grafana_program.calls(records)
    directory = tmp_path / "grafana"
    assert program == tmp_path / "home/bin/grafana"
    assert arguments == ["server", f"--homepath={tmp_path / 'home'}", f"--config={directory / 'empty.ini'}"]
    assert settings["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert settings["GF_PATHS_PROVISIONING"] == str(directory / "provisioning")
    paths = [Path(settings[f"GF_PATHS_{name}"]) for name in ("DATA", "LOGS", "PLUGINS")]
    assert all(path.is_relative_to(directory / "data") for path in paths)
    assert (settings["GF_AUTH_ANONYMOUS_ENABLED"], settings["GF_AUTH_ANONYMOUS_ORG_ROLE"]) == ("true", "Viewer")
    assert settings["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert Path(settings["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()
    assert "GF_DATABASE_URL" not in settings
    port = settings["GF_SERVER_HTTP_PORT"]
    assert f"http://127.0.0.1:{port}/d/cmzsb-fleet-en" in urls
    assert f"http://127.0.0.1:{port}/d/cmzsb-node-zh" in urls
    assert told == ["starting Grafana", f"Grafana: http://127.0.0.1:{port}"]
    assert is_free("127.0.0.1", int(port)), "it still runs"


def test_provisioning_leads_to_the_demos_prometheus_and_to_copies_of_the_dashboards(tmp_path: Path) -> None:
    directory = tmp_path / "grafana"
    grafana.write_files(directory, PROMETHEUS)
    shipped = ROOT / "grafana/provisioning"
    found = {path.relative_to(directory / "provisioning") for path in directory.rglob("*.yml")}
    assert found == {path.relative_to(shipped) for path in shipped.rglob("*.yml")}
    datasource = yaml.safe_load((shipped / "datasources/prometheus.yml").read_text("utf-8"))
    datasource["datasources"][0]["url"] = PROMETHEUS
    written = yaml.safe_load((directory / "provisioning/datasources/prometheus.yml").read_text("utf-8"))
    assert written == datasource
    (provider,) = yaml.safe_load((directory / "provisioning/dashboards/cmzsb.yml").read_text("utf-8"))["providers"]
    loaded = {path.name: path.read_text("utf-8") for path in Path(provider["options"]["path"]).glob("en/*.json")}
    assert loaded == {path.name: path.read_text("utf-8") for path in (ROOT / "grafana/dashboards/en").iterdir()}


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_container_reads_the_files_and_is_removed_at_the_end(tmp_path: Path, records: Path, engine: str) -> None:
    program = grafana_program.install(tmp_path / "bin" / engine, records)
    launcher = find({"PATH": str(tmp_path / "bin")})
    assert isinstance(launcher, Container)
    urls, _ = run(grafana.Choice(launcher), tmp_path)
    asked, started, removed = grafana_program.calls(records)
    directory = tmp_path / "grafana"
    assert asked.arguments == ["info"]
    assert started.arguments[:6] == ["run", "--rm", "--name", launcher.name, "--network", "host"]
    assert started.arguments[6:8] == ["--volume", f"{directory}:{directory}:ro,z"]
    assert started.arguments[-1] == launcher.image == image()
    assert started.settings["GF_PATHS_PROVISIONING"] == str(directory / "provisioning")
    assert "GF_PATHS_DATA" not in started.settings, "its data are in the container"
    assert removed.arguments == ["rm", "--force", launcher.name]
    assert launcher.engine == str(program)
    assert urls[0].startswith(f"http://127.0.0.1:{started.settings['GF_SERVER_HTTP_PORT']}/d/")


def test_container_of_another_user_can_read_the_files_whatever_the_umask(tmp_path: Path, records: Path) -> None:
    engine = grafana_program.install(tmp_path / "bin/docker", records)
    before = os.umask(0o077)
    try:
        run(grafana.Choice(Container(str(engine), "image:1", "name")), tmp_path)
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in [tmp_path / "grafana", *(tmp_path / "grafana").rglob("*")]}
    assert modes == {0o755, 0o644}


def test_image_has_a_version() -> None:
    name, _, version = image().partition(":")
    assert name.endswith("grafana/grafana")
    assert version[:1].isdigit()


def test_program_comes_before_an_engine_and_the_newer_name_before_the_older(tmp_path: Path, records: Path) -> None:
    path = tmp_path / "home/bin"
    grafana_program.install(path / "docker", records)
    older = grafana_program.install_home(tmp_path / "home", records, "grafana-server")
    assert find({"PATH": str(path)}) == Installed(older, tmp_path / "home")
    newer = grafana_program.install(path / "grafana", records)
    assert find({"PATH": str(path)}) == Installed(newer, tmp_path / "home")
    assert grafana_program.calls(records) == [], "no engine was asked"


def test_older_program_is_called_without_the_word_server(tmp_path: Path, records: Path) -> None:
    grafana_program.install_home(tmp_path / "home", records, "grafana-server")
    run(grafana.choose({"GRAFANA_HOME": str(tmp_path / "home")}), tmp_path)
    ((arguments, _),) = grafana_program.calls(records)
    assert arguments[0].startswith("--homepath=")


def test_package_has_its_program_apart_from_its_home(tmp_path: Path, records: Path) -> None:
    """As Homebrew does: the program in bin/, its home in share/grafana."""
    program = grafana_program.install(tmp_path / "bin/grafana", records)
    home = tmp_path / "share/grafana"
    (home / "conf").mkdir(parents=True)
    (home / "conf/defaults.ini").touch()
    assert find({"PATH": str(tmp_path / "bin")}) == Installed(program, home)


def test_engine_that_does_not_answer_is_passed_over(tmp_path: Path, records: Path) -> None:
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text("#!/bin/sh\nexit 1\n")
    docker.chmod(0o755)
    assert find({"PATH": str(tmp_path / "bin")}) is None
    podman = grafana_program.install(tmp_path / "bin/podman", records)
    launcher = find({"PATH": str(tmp_path / "bin")})
    assert isinstance(launcher, Container)
    assert launcher.engine == str(podman)


def test_where_there_is_none_one_line_says_how_to_get_one(tmp_path: Path) -> None:
    urls, told = run(grafana.choose({"PATH": str(tmp_path)}), tmp_path)
    assert urls == []
    assert told == [grafana.ADVICE]
    assert "https://grafana.com/grafana/download" in grafana.ADVICE
    assert not (tmp_path / "grafana").exists()


def test_grafana_off_starts_and_says_nothing(tmp_path: Path, records: Path) -> None:
    grafana_program.install_home(tmp_path / "home", records)
    urls, told = run(grafana.choose({"GRAFANA": "off", "GRAFANA_HOME": str(tmp_path / "home")}), tmp_path)
    assert (urls, told) == ([], [])
    assert grafana_program.calls(records) == []


def test_without_prometheus_there_is_nothing_to_show(tmp_path: Path, records: Path) -> None:
    grafana_program.install_home(tmp_path / "home", records)
    urls, told = run(grafana.choose({"GRAFANA_HOME": str(tmp_path / "home")}), tmp_path, prometheus_url="")
    assert urls == []
    assert told == ["going on without Grafana, because there is no Prometheus"]


def test_grafana_that_ends_is_told_with_its_last_line_and_the_demo_goes_on(tmp_path: Path, records: Path) -> None:
    program = grafana_program.install_home(tmp_path / "home", records)
    program.write_text("#!/bin/sh\necho starting\necho 'no space left on device'\nexit 1\n")
    urls, told = run(grafana.choose({"GRAFANA_HOME": str(tmp_path / "home")}), tmp_path)
    assert urls == []
    assert told[-1] == "going on without Grafana: it ended; its last line: no space left on device"


def test_grafana_that_does_not_answer_is_left_when_its_time_is_over(tmp_path: Path, records: Path) -> None:
    program = grafana_program.install_home(tmp_path / "home", records)
    program.write_text("#!/bin/sh\necho migrating\nexec sleep 60\n")
    launcher = Installed(program, tmp_path / "home", start_seconds=0.3)
    _, told = run(grafana.Choice(launcher), tmp_path)
    assert told[-1].startswith("going on without Grafana: no answer within 0 s")


@pytest.mark.parametrize("wrong", [{"GRAFANA": "on"}, {"GRAFANA_HOME": "/nowhere"}])
def test_wrong_wish_is_one_clear_error(wrong: dict[str, str]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(StartError, match=f"^{name}={value}: "):
        grafana.choose(wrong)
