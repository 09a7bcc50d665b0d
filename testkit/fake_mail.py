"""A mail server on loopback that keeps what it takes."""

from __future__ import annotations

import socketserver
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage


class FakeMail:
    """Speaks as much SMTP as a client without encryption and login needs; a context manager."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses = False
        server = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 fake\r\n")
                while line := self.rfile.readline().strip().upper():
                    self.wfile.write(self._reply(line))

            def _reply(self, line: bytes) -> bytes:
                if line.startswith(b"MAIL") and server.refuses:
                    return b"550 no\r\n"
                if line != b"DATA":
                    return b"250 ok\r\n"
                self.wfile.write(b"354 go on\r\n")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                mail = message_from_bytes(b"".join(lines), policy=policy.default)
                assert isinstance(mail, EmailMessage)
                server.mails.append(mail)
                return b"250 taken\r\n"

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = (
            f"mailto://127.0.0.1:{self._server.server_address[1]}/?mode=insecure&from=a@example.com&to=b@example.com"
        )

    def __enter__(self) -> FakeMail:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
