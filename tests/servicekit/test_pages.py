"""The pages' files and headers as Flask serves them, and what holds for every script and text."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from exporter.states import STATES
from servicekit.pages import blueprint
from testkit.paths import ROOT

# The bridge needs Python 3.10.
PAGES = ("castray_bridge", "exporter") if sys.version_info >= (3, 10) else ("exporter",)
SCRIPTS = sorted(ROOT.glob("*/static/*.js"))


def client_of(package: str) -> FlaskClient:
    app = Flask(package, static_folder=None)
    app.register_blueprint(blueprint(package, STATES))
    return app.test_client()


@pytest.fixture(params=PAGES)
def client(request: pytest.FixtureRequest) -> FlaskClient:
    return client_of(request.param)


def directives(policy: str) -> dict[str, str]:
    return {name: value for name, _, value in (part.partition(" ") for part in policy.split("; "))}


def test_the_page_is_html(client: FlaskClient) -> None:
    reply = client.get("/")
    assert reply.status_code == 200
    assert reply.mimetype == "text/html"


def test_the_package_and_the_shared_folder_are_served_as_one(client: FlaskClient) -> None:
    own, shared = client.get("/static/text.js"), client.get("/static/strip.js")
    assert (own.status_code, shared.status_code) == (200, 200)
    assert own.mimetype.endswith("javascript")


def test_no_file_of_a_package_hides_a_shared_one() -> None:
    shared = {path.name for path in (ROOT / "servicekit/static").iterdir()}
    for package in PAGES:
        assert not shared & {path.name for path in (ROOT / package / "static").iterdir()}


def test_the_states_are_those_of_the_table(client: FlaskClient) -> None:
    keys = ("name", "code", "en", "zh", "colour", "shade")
    expected = [{key: getattr(state, key) for key in keys} for state in STATES]
    assert client.get("/static/states.json").json == expected


@pytest.mark.parametrize(
    "path",
    [
        "/static/nothing.js",
        "/static/../pages.py",
        "/static/..%2fpages.py",
        "/static/%2e%2e%2fpages.py",
        "/static/..%5cpages.py",
        "/static/%00",
        "/static/..",
        "/static/.",
        "/static//etc/passwd",
        "/static/",
    ],
)
def test_nothing_but_the_files_of_the_folders_is_served(client: FlaskClient, path: str) -> None:
    assert client.get(path).status_code in (308, 404)


@pytest.mark.parametrize("path", ["/", "/static/base.css", "/static/states.json"])
def test_every_reply_is_protected(client: FlaskClient, path: str) -> None:
    reply = client.get(path)
    policy = directives(reply.headers["Content-Security-Policy"])
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in reply.headers["Content-Security-Policy"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Cache-Control"] == "no-cache"


def test_a_file_that_the_browser_has_is_not_sent_again(client: FlaskClient) -> None:
    etag = client.get("/static/base.css").headers["ETag"]
    again = client.get("/static/base.css", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")


def test_the_rest_of_the_app_keeps_its_own_headers() -> None:
    app = Flask("other", static_folder=None)
    app.register_blueprint(blueprint("exporter", STATES))
    app.add_url_rule("/api", view_func=lambda: "data")
    assert "Content-Security-Policy" not in app.test_client().get("/api").headers


@pytest.mark.parametrize("package", PAGES)
def test_what_the_page_refers_to_is_there_and_relative(package: str) -> None:
    """Relative, so that the page works behind a proxy that adds a prefix."""
    page = (ROOT / package / "static/index.html").read_text("utf-8")
    client = client_of(package)
    references = re.findall(r'(?:href|src)="([^"]+)"', page)
    assert references
    for reference in references:
        assert not re.match(r"/|\w+:", reference), reference
        if reference.startswith("static/"):
            assert client.get(f"/{reference}").status_code == 200


@pytest.mark.parametrize("package", PAGES)
def test_the_page_has_no_inline_script_or_style(package: str) -> None:
    page = (ROOT / package / "static/index.html").read_text("utf-8")
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)|\bstyle=|\bon\w+=", page)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_are_small_and_never_make_html_of_text(script: Path) -> None:
    source = script.read_text("utf-8")
    assert source.count("\n") < 250
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", source)


@pytest.mark.parametrize("package", PAGES)
def test_the_two_languages_have_the_same_texts_with_the_same_gaps(package: str) -> None:
    source = (ROOT / package / "static/text.js").read_text("utf-8")
    english, chinese = (
        {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in re.findall(r'^    (\w+): "(.*)",$', half, re.M)}
        for half in source.split("  zh: {")
    )
    assert english == chinese
    assert len(english) > 10
