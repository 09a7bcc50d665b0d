"""Who gets what, what a failure means for the others, and that nothing is told twice."""

from __future__ import annotations

import threading

from notify.ledger import FINISHED_SECONDS, UNFINISHED_SECONDS
from testkit.alert_payloads import alert
from testkit.net import wait_for
from tests.notify.kit import Office, notification

OFTEN, STORM, VERSIONS = "CmzsbSendingTooOften", "CmzsbSendingStorm", "CmzsbVersionsDiffer"


def test_each_address_gets_the_severities_that_it_wants() -> None:
    office = Office("critical", "critical,warning", "info")
    assert office.dispatcher.dispatch(notification(alert(OFTEN, "M5"), alert(STORM))) == []
    titles = [[message.title for message in recorder.messages] for recorder in office.recorders]
    storm, often = "[critical] Much of the fleet sends at once", "[warning] Sends too often: M5"
    assert titles == [[storm], [often, storm], []]


def test_notification_for_nobody_is_no_failure() -> None:
    assert Office("info").dispatcher.dispatch(notification()) == []


def test_failure_names_the_line_and_the_code_and_is_counted() -> None:
    office = Office("warning", "warning")
    office.recorders[1].reject(93000)
    assert office.dispatcher.dispatch(notification()) == ["line 2 (fake): rejected (93000)"]
    assert office.sample("cmzsb_notify_failed_total", service="fake", reason="rejected") == 1
    assert office.sample("cmzsb_notify_sent_total", service="fake") == 1
    assert office.dispatcher.failure() == "line 2 (fake): rejected (93000)"


def test_repeated_notification_goes_only_to_those_that_did_not_take_it() -> None:
    office = Office("warning", "warning")
    office.recorders[1].reject()
    office.dispatcher.dispatch(notification())
    office.dispatcher.dispatch(notification())
    office.recorders[1].error = None
    assert office.dispatcher.dispatch(notification()) == []
    assert [len(recorder.messages) for recorder in office.recorders] == [1, 1]
    assert office.sample("cmzsb_notify_repeats_total", service="fake") == 2
    assert office.dispatcher.failure() == ""


def test_repetition_with_another_value_in_its_text_is_the_same_message() -> None:
    office = Office("warning")
    office.dispatcher.dispatch(notification(alert(OFTEN, "M5", values=("14.2", "10"))))
    office.dispatcher.dispatch(notification(alert(OFTEN, "M5", values=("15.9", "10"))))
    assert len(office.recorders[0].messages) == 1


def test_what_changes_is_told() -> None:
    office = Office("warning")
    for alerts in (
        [alert(OFTEN, "M5")],
        [alert(OFTEN, "M5"), alert(OFTEN, "M6")],
        [alert(OFTEN, "M5"), alert(OFTEN, "M6", firing=False)],
        [alert(OFTEN, "M5", firing=False)],
    ):
        office.dispatcher.dispatch(notification(*alerts))
    assert len(office.recorders[0].messages) == 4


def test_reminder_is_told_again() -> None:
    office = Office("warning")
    office.dispatcher.dispatch(notification())
    office.clock.pass_(FINISHED_SECONDS + 1)
    office.dispatcher.dispatch(notification())
    assert len(office.recorders[0].messages) == 2


def test_while_another_address_fails_a_reminder_comes_after_hours_not_minutes() -> None:
    office = Office("warning", "warning")
    office.recorders[1].reject()
    for _ in range(int(UNFINISHED_SECONDS / 120) - 1):
        office.dispatcher.dispatch(notification())
        office.clock.pass_(120)
    assert len(office.recorders[0].messages) == 1
    office.clock.pass_(300)
    office.dispatcher.dispatch(notification())
    assert len(office.recorders[0].messages) == 2


def test_slow_service_is_not_waited_for_and_what_it_takes_late_is_not_sent_again() -> None:
    office = Office("warning", "warning", timeout=0.2)
    go_on = threading.Event()
    office.recorders[0].before = lambda: (go_on.wait(10), None)[1]
    assert office.dispatcher.dispatch(notification()) == ["line 1 (fake): timeout"]
    assert len(office.recorders[1].messages) == 1
    go_on.set()
    wait_for(lambda: office.recorders[0].messages, "the late message")
    wait_for(lambda: office.dispatcher.failure() == "", "the good end")
    assert office.dispatcher.dispatch(notification()) == []
    assert [len(recorder.messages) for recorder in office.recorders] == [1, 1]


def test_address_that_hangs_for_ever_is_told_to_the_watchdog() -> None:
    office = Office("warning", timeout=0.1)
    go_on = threading.Event()
    office.recorders[0].before = lambda: (go_on.wait(10), None)[1]
    office.dispatcher.dispatch(notification())
    assert office.dispatcher.liveness_error() == ""
    office.clock.pass_(301)
    assert office.dispatcher.liveness_error() == "line 1 (fake) hangs"
    go_on.set()


def test_fault_of_a_plugin_is_a_failure_and_its_text_is_kept_to_itself() -> None:
    office = Office("warning")
    office.recorders[0].error = RuntimeError("https://h/?key=secret")
    assert office.dispatcher.dispatch(notification()) == ["line 1 (fake): failed"]


def test_watchdog_goes_only_to_the_dead_mans_switch_and_only_while_it_fires() -> None:
    office = Office("watchdog", "critical,warning,info")
    # A ping has no text.
    switch = office.channels[0]
    switch.address = switch.address._replace(transport=switch.address.transport._replace(limit=0))
    for _ in range(3):
        assert office.dispatcher.dispatch(notification(alert("Watchdog"))) == []
    office.dispatcher.dispatch(notification(alert("Watchdog", firing=False)))
    assert [len(recorder.messages) for recorder in office.recorders] == [3, 0]
