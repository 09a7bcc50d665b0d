"""Work that goes on in another thread while a test looks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def doing(what: Callable[[], object]) -> Iterator[None]:
    """Call `what` again and again in another thread."""
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            what()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
