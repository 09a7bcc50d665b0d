"""What both Flask services answer alike: JSON errors and the check of the `Host` header."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Final

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException, MisdirectedRequest

from servicekit.address import is_ip_literal
from servicekit.log import RateLimit, event

_HOST: Final = re.compile(r"(?:\[(?P<literal>[^\[\]]*)\]|(?P<name>[^\[\]:]*))(?::[0-9]*)?")
"""A `Host` header (RFC 9110): name or address, an IPv6 address in brackets, then perhaps a port and nothing else."""

_log = logging.getLogger(__name__)


def answer_errors_as_json(app: Flask, on_internal_error: Callable[[], None]) -> None:
    """Make every error of `app` a JSON object `{"error": …}`; an unforeseen one is a bare 500.

    `on_internal_error` is called once for each unforeseen exception, for counting; the log gets its
    traceback, at most five a minute.
    """
    limit = RateLimit(burst=5, period=60.0)
    app.url_map.merge_slashes = False  # else "//api/status" is a redirect, which no JSON client follows

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        response = jsonify(error=error.description)
        response.status_code = error.code or 500
        for name, value in error.get_headers():  # such as `Allow` of a 405
            response.headers.setdefault(name, value)
        return response

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        on_internal_error()
        held_back = limit.admit()
        if held_back is not None:
            _log.error(event("handler_failed", path=request.path, held_back=held_back), exc_info=error)
        return jsonify(error="internal error"), 500


def require_known_host(app: Flask, names: Collection[str]) -> Callable[[str], bool]:
    """Answer 421 unless the `Host` header is an IP literal, `localhost` or one of `names`; return that check.

    This is what stops DNS rebinding: a page under a foreign name that resolves to this machine.
    """
    known = {name.lower() for name in names} | {"localhost"}

    @lru_cache(maxsize=32)  # few, as a stranger may send long ones
    def is_known(header: str) -> bool:
        found = _HOST.fullmatch(header)
        host = (found["literal"] or found["name"]).lower() if found else ""
        return host in known or is_ip_literal(host)

    @app.before_request
    def check_host() -> None:
        if not is_known(request.headers.get("Host", "")):
            abort(MisdirectedRequest.code, "unknown Host; use an IP address, or configure the name with --host-names")

    return is_known
