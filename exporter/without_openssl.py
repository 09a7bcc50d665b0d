"""The command `cmzsb-exporter`: the monitor without OpenSSL, which takes 4 MB of memory and serves no request.

`python -m exporter` is the same monitor in a Python that is left as it is.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any, Final

_LOOKED_UP_ON_IMPORT: Final = frozenset(
    {"PROTOCOL_TLS_CLIENT", "PROTOCOL_TLS_SERVER", "SSLContext", "SSLEOFError", "TLSVersion"}
)
"""What prometheus_client and Werkzeug look up in `ssl` for annotations, defaults and `except` of HTTPS servers."""


class _Ssl(ModuleType):
    """Stands for `ssl` in this process until another name of it is used, which loads the real one."""

    def __getattr__(self, name: str) -> Any:
        if name in _LOOKED_UP_ON_IMPORT:
            return OSError  # right in an annotation, as a default and in an `except`
        if name.startswith("__"):  # the import system and `inspect` look at every module
            raise AttributeError(name)
        del sys.modules["ssl"]
        return getattr(importlib.import_module("ssl"), name)


def keep_openssl_out() -> None:
    """Let libraries that are imported from now on do without OpenSSL; for a process that is the monitor alone."""
    sys.modules["_hashlib"] = None  # type: ignore[assignment] # `hashlib` then has Python's own algorithms
    sys.modules["ssl"] = _Ssl("ssl")


def main() -> None:
    """Run `cmzsb-exporter`."""
    keep_openssl_out()
    from exporter import __main__ as monitor  # its imports load OpenSSL otherwise

    monitor.main()


if __name__ == "__main__":
    main()
