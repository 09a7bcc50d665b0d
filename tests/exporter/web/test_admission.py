"""The limit of list requests."""

from __future__ import annotations

import threading

import pytest
from werkzeug.exceptions import ServiceUnavailable

from exporter.web.admission import AdmissionQueue
from testkit.net import wait_for


def test_lists_are_admitted_one_after_the_other_and_one_too_many_is_refused() -> None:
    queue, done = AdmissionQueue(2), threading.Event()

    def wait() -> None:
        with queue.admit():
            done.set()

    with queue.admit():
        waiter = threading.Thread(target=wait)
        waiter.start()
        wait_for(lambda: queue._places._value == 0, "the waiting request")
        with pytest.raises(ServiceUnavailable) as refusal, queue.admit():
            pass
        assert refusal.value.retry_after == 1
        assert not done.is_set()
    waiter.join(10)
    assert done.is_set()
    with queue.admit(), queue._places:
        pass
