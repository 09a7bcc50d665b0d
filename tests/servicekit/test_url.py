"""URLs of the configured services."""

from __future__ import annotations

import pytest

from servicekit.url import check_service_url, without_credentials


@pytest.mark.parametrize(
    "url", ["http://head:8265", "https://user:pw@head/ray/", "http://[::1]:8265", "http://10.0.0.1"]
)
def test_http_url_with_a_host_is_accepted(url: str) -> None:
    assert check_service_url(url) == url


@pytest.mark.parametrize(
    "url", ["head:8265", "http://", "ftp://head", "http://head:99999", "http://head:x", "http://:8265", "//head", ""]
)
def test_other_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not an http or https URL"):
        check_service_url(url)


def test_error_has_no_password() -> None:
    with pytest.raises(ValueError, match="ftp://head") as caught:
        check_service_url("ftp://user:secret@head")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:p@ss@head:8265/a?b=c@d", "http://head:8265/a?b=c@d"),
        ("http://user@head", "http://head"),
        ("http://head:8265/@", "http://head:8265/@"),
        ("http://head", "http://head"),
    ],
)
def test_user_and_password_are_removed(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
