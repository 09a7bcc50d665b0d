"""Small Flask apps on loopback that a test can stop and start again on the same port."""

from __future__ import annotations

import threading

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from testkit.net import free_port


class SilentHandler(WSGIRequestHandler):
    """Logs nothing: the output of a test is the test's."""

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 (the name is werkzeug's)
        """Do nothing."""


class WebServer:
    """Serves `app` in a thread; a context manager that leaves nothing behind."""

    def __init__(self, app: Flask) -> None:
        self._served = app
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self._served, threaded=True, request_handler=SilentHandler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; requests that are being answered end by themselves."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = None

    def __enter__(self) -> WebServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class LiveServer(WebServer):
    """A `WebServer` whose handlers wait for changes; stopping it releases them. `version` counts the changes."""

    def __init__(self, app: Flask) -> None:
        super().__init__(app)
        self._changes = threading.Condition()
        self._running = True
        self.version = 1

    def start(self) -> None:
        self._running = True
        super().start()

    def stop(self) -> None:
        with self._changes:
            self._running = False
            self._changes.notify_all()
        super().stop()

    def tell(self) -> None:
        """Release every waiting handler."""
        with self._changes:
            self.version += 1
            self._changes.notify_all()

    def wait_past(self, version: int, seconds: float) -> bool:
        """Wait for a change after `version`, `seconds` at most; return whether the server still runs."""
        with self._changes:
            self._changes.wait_for(lambda: not self._running or self.version != version, seconds)
            return self._running
