"""The health check of an image: exit status 0 when the service answers `/api/health` with 200.

`python healthcheck.py VARIABLE PORT`: the environment variable may name another `HOST:PORT` than the default. Python's
standard library only, and little of it: it runs twice a minute on a small board.
"""

import os
import socket
import sys

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, not bound)
_SECONDS = 4


def status_line(listen: str) -> str:
    """Return the first line of the reply of the service that listens on `listen`. Raises OSError."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    host = _EVERYWHERE.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    with socket.create_connection((host, int(port)), _SECONDS) as connection:
        request = f"GET /api/health HTTP/1.1\r\nHost: {shown}:{port}\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode("ascii"))
        with connection.makefile("r", encoding="latin-1") as reply:
            return reply.readline(200).strip()


def main(variable: str, port: str) -> int:
    """Print what the service answers and return the exit status."""
    try:
        line = status_line(os.environ.get(variable) or f"0.0.0.0:{port}")
    except OSError as error:
        line = str(error)
    print(line)
    return 0 if line.startswith("HTTP/1.1 200 ") else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
