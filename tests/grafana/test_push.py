"""Loading the dashboards into a running Grafana."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, redirect

from grafana.__main__ import command
from grafana.render import DASHBOARDS
from servicekit import cli
from testkit.fake_grafana import TOKEN, FakeGrafana
from testkit.net import free_port
from testkit.web import WebServer

SERVER = "http://prom:9090"


def push(url: str, tmp_path: Path, token: str = TOKEN, *more: str) -> int:
    (tmp_path / "token").write_text(token)
    return cli.run(command, ["--push", url, "--token-file", str(tmp_path / "token"), *more])


def test_pushing_twice_is_like_pushing_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    grafana = FakeGrafana()
    with WebServer(grafana.app) as server:
        for _ in range(2):
            assert push(server.url, tmp_path, TOKEN, "--prometheus-url", "http://prom:9090", "--folder", "校园") == 0
    assert set(grafana.dashboards) == {f"cmzsb-{name}-{lang}" for name in DASHBOARDS for lang in ("en", "zh")}
    assert all(saved["overwrite"] for saved in grafana.dashboards.values())
    assert [folder["title"] for folder in grafana.folders.values()] == ["校园"]
    (source,) = grafana.datasources.values()
    assert source["url"] == "http://prom:9090"
    assert source["jsonData"] == {"timeInterval": "5s"}
    assert f"{server.url}d/cmzsb-fleet-zh\n" in capsys.readouterr().out


def test_data_source_is_left_alone_unless_it_is_asked_for(tmp_path: Path) -> None:
    grafana = FakeGrafana()
    with WebServer(grafana.app) as server:
        assert push(server.url, tmp_path, TOKEN, "--lang", "en") == 0
    assert not grafana.datasources
    assert len(grafana.dashboards) == len(DASHBOARDS)


@pytest.mark.parametrize(
    ("version", "token", "said"), [("11.6.0", "wrong", "refuses the token"), ("8.5.1", TOKEN, "9.4 or later")]
)
def test_grafana_that_cannot_be_used_is_one_line_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], version: str, token: str, said: str
) -> None:
    grafana = FakeGrafana(version)
    with WebServer(grafana.app) as server:
        assert push(server.url, tmp_path, token) == 1
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert grafana.writes == []


def test_folder_is_renamed_when_another_title_is_given_and_only_then(tmp_path: Path) -> None:
    grafana = FakeGrafana()
    with WebServer(grafana.app) as server:
        for more, title in (((), "CM-ZSB"), (("--folder", "校园"), "校园"), ((), "校园")):
            assert push(server.url, tmp_path, TOKEN, *more) == 0
            assert [folder["title"] for folder in grafana.folders.values()] == [title]


def test_provisioned_data_source_with_another_address_is_told_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grafana = FakeGrafana()
    grafana.datasources["cmzsb-prometheus"] = {"uid": "cmzsb-prometheus", "readOnly": True, "url": "http://old"}
    with WebServer(grafana.app) as server:
        assert push(server.url, tmp_path, TOKEN, "--prometheus-url", "http://prom:9090") == 1
    error = capsys.readouterr().err
    assert "http://old" in error
    assert "leave --prometheus-url out" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("version", ["9.4.7", "11.6.0", "12.4.0", "13.0.0"])
def test_token_of_an_editor_is_enough_for_a_fresh_grafana_and_for_the_next_time(tmp_path: Path, version: str) -> None:
    grafana = FakeGrafana(version, role="Editor")
    with WebServer(grafana.app) as server:
        assert [push(server.url, tmp_path) for _ in range(2)] == [0, 0]
    assert list(grafana.folders) == ["cmzsb"]


def test_editor_who_wants_a_data_source_is_told_that_it_takes_an_admin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    grafana = FakeGrafana(role="Editor")
    with WebServer(grafana.app) as server:
        assert push(server.url, tmp_path, TOKEN, "--prometheus-url", SERVER) == 1
    error = capsys.readouterr().err
    assert "needs the role Admin" in error
    assert "leave --prometheus-url out" in error
    assert grafana.writes == []


def test_provisioned_data_source_that_has_the_address_already_is_no_error(tmp_path: Path) -> None:
    grafana = FakeGrafana()
    grafana.datasources["cmzsb-prometheus"] = {"uid": "cmzsb-prometheus", "readOnly": True, "url": SERVER}
    with WebServer(grafana.app) as server:
        assert push(server.url, tmp_path, TOKEN, "--prometheus-url", SERVER) == 0


def test_folder_that_an_editor_may_neither_read_nor_make_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    app = Flask("closed")
    app.get("/api/health")(lambda: {"version": "12.4.0"})
    for method in ("GET", "POST"):
        app.add_url_rule("/api/folders/<uid>", f"{method}1", lambda uid: ("not yours", 403), methods=[method])
        app.add_url_rule("/api/folders", f"{method}2", lambda: ("not yours", 403), methods=[method])
    with WebServer(app) as server:
        assert push(server.url, tmp_path) == 1
    error = capsys.readouterr().err
    assert "forbids POST /api/folders (403; the token needs the role Editor" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(("status", "said"), [(500, "answers 500 to GET /api/folders/cmzsb")])
def test_failed_request_is_not_taken_for_a_missing_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, said: str
) -> None:
    app = Flask("broken")
    app.get("/api/health")(lambda: {"version": "11.6.0"})
    app.get("/api/folders/<uid>", endpoint="folder")(lambda uid: ("database is locked", status))
    with WebServer(app) as server:
        assert push(server.url, tmp_path) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "database is locked" in error


def test_redirect_is_told_with_its_address(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = Flask("http only")
    app.get("/api/health")(lambda: redirect("https://grafana.example/api/health"))
    with WebServer(app) as server:
        assert push(server.url, tmp_path) == 1
    assert "redirects to https://grafana.example/api/health" in capsys.readouterr().err


def test_closed_port_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert push(f"http://127.0.0.1:{free_port()}", tmp_path) == 1
    assert "cannot be reached" in capsys.readouterr().err


def test_something_else_than_grafana_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    app = Flask("other")
    app.get("/api/health")(lambda: "<html>")
    with WebServer(app) as server:
        assert push(server.url, tmp_path) == 1
    assert "is no Grafana" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--push", "http://127.0.0.1:1"], ["--out", "x", "--lang", "fr"]])
def test_wrong_options_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(command, arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1
