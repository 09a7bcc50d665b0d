"""The command line, and the service as a process."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from testkit.alert_payloads import alert, payload
from testkit.fake_chats import SECRETS, FakeChats, internal_error, login_page
from testkit.net import free_port, wait_for
from testkit.paths import ROOT
from testkit.process import Process, module
from testkit.running import RunningNotify

OFTEN = "CmzsbSendingTooOften"


@pytest.fixture
def chats() -> Iterator[FakeChats]:
    with FakeChats() as running:
        yield running


def three(chats: FakeChats) -> str:
    return f"all zh {chats.wecom_url}\nall en {chats.dingtalk_url}\ncritical,warning zh {chats.feishu_url}\n"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = module("notify", *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "addresses"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("options", "status", "complaint"),
    [
        (["--addresses", "/nothing/here"], 1, "cannot be read: No such file"),
        (["--time-zone", "Middle/Earth"], 2, "Middle/Earth"),
        (["--listen", "5001"], 2, "HOST:PORT"),
        (["--timeout", "0"], 2, "timeout"),
    ],
)
def test_wrong_option_is_one_line(options: list[str], status: int, complaint: str) -> None:
    done = run(*options)
    assert done.returncode == status
    assert done.stderr.count("\n") == 1
    assert complaint in done.stderr


def test_port_in_use_is_one_line(tmp_path: Path) -> None:
    addresses = file(tmp_path, "all zh wecombot://abc\n")
    with RunningNotify(tmp_path, "all zh wecombot://abc\n") as running:
        done = run("--addresses", addresses, "--listen", running.address)
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (
        1,
        f"cmzsb-notify: cannot listen on {running.address}: Address already in use",
    )


@pytest.mark.parametrize(
    ("preparation", "complaint"),
    [
        ("sys.modules['apprise'] = None", "pip install '.[notify]'"),
        (
            "sys.version_info = (3, 9, 18)",
            "this is Python 3.9, and 3.10 or later is needed; the node monitor runs with 3.9",
        ),
    ],
)
def test_without_apprise_or_with_an_old_python_it_says_what_to_do(preparation: str, complaint: str) -> None:
    code = f"import sys; {preparation}; import notify.__main__"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("cmzsb-notify: ")
    assert done.stderr.strip().endswith(complaint)


def test_trial_sends_one_message_to_every_address_and_says_what_each_answered(tmp_path: Path, chats: FakeChats) -> None:
    good = file(tmp_path, three(chats))
    done = run("--test", "--addresses", good)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        f"line {line} ({service}): delivered / 已送达"
        for line, service in enumerate(("wecombot", "dingtalk", "feishu"), start=1)
    ]
    assert [chat.messages[0].splitlines()[0] for chat in (chats.wecom, chats.dingtalk, chats.feishu)] == [
        "cmzsb-notify 测试消息", "Test message of cmzsb-notify", "cmzsb-notify 测试消息"
    ]  # fmt: skip


def test_trial_explains_a_refusal_in_both_languages_and_keeps_the_address(tmp_path: Path, chats: FakeChats) -> None:
    bad = file(tmp_path, f"all zh {chats.wecom_url}x\nall en {chats.feishu_url}\nwatchdog http://127.0.0.1:1/key9\n")
    done = run("--test", "--addresses", bad)
    assert done.returncode == 1
    first, second, third = done.stdout.splitlines()
    assert first.startswith("line 1 (wecombot): the service refuses the message 93000: the key is wrong")
    assert "key 错误" in first
    assert second == "line 2 (feishu): delivered / 已送达"
    assert third == "line 3 (watchdog): the service cannot be reached / 无法连接服务"
    assert not [secret for secret in (*SECRETS, "key9") if secret in done.stdout + done.stderr]


def test_dry_run_prints_the_messages_and_sends_nothing(tmp_path: Path, chats: FakeChats) -> None:
    with RunningNotify(tmp_path, three(chats), "--dry-run", "--time-zone", "Asia/Shanghai") as running:
        assert running.post(payload(alert(OFTEN, "M5"))).status_code == 200
        shown = running.process.output()
    assert chats.wecom.attempts == chats.dingtalk.attempts == chats.feishu.attempts == 0
    assert "--- line 1 (wecombot): " in shown
    assert "【警告】发送过于频繁：M5\n开始时间：2026-11-24 16:02 (UTC+8)" in shown
    assert "[warning] Sends too often: M5\nSince 2026-11-24 16:02 (UTC+8)" in shown


def test_one_service_that_refuses_is_told_to_alertmanager_and_the_others_get_each_message_once(
    tmp_path: Path, chats: FakeChats
) -> None:
    chats.dingtalk.answer = login_page
    with RunningNotify(tmp_path, three(chats)) as running:
        for _ in range(3):
            reply = running.post(payload(alert(OFTEN, "M5")))
            assert reply.status_code == 502
            assert reply.json() == {"error": "not delivered: line 2 (dingtalk): bad_reply"}
        assert running.get("/api/health").status_code == 503
        chats.dingtalk.answer = None
        assert running.post(payload(alert(OFTEN, "M5"))).status_code == 200
        assert [len(chat.messages) for chat in (chats.wecom, chats.dingtalk, chats.feishu)] == [1, 1, 1]
        assert running.metric("cmzsb_notify_failed_total", service="dingtalk", reason="bad_reply") == 3
        assert running.metric("cmzsb_notify_sent_total", service="wecombot") == 1
        assert running.metric("cmzsb_notify_last_success_timestamp_seconds", service="dingtalk") > 1.7e9


def test_slow_service_delays_no_other_and_gets_its_message_once(tmp_path: Path, chats: FakeChats) -> None:
    chats.feishu.delay = 2.0
    with RunningNotify(tmp_path, three(chats), "--timeout", "0.5") as running:
        begun = time.monotonic()
        reply = running.post(payload(alert(OFTEN, "M5")))
        assert time.monotonic() - begun < 1.8
        assert reply.json() == {"error": "not delivered: line 3 (feishu): timeout"}
        assert [len(chat.messages) for chat in (chats.wecom, chats.dingtalk)] == [1, 1]
        wait_for(lambda: running.post(payload(alert(OFTEN, "M5"))).status_code == 200, "the late delivery")
    assert chats.feishu.messages == chats.wecom.messages


def test_crafted_alert_calls_nobody_and_stays_within_every_limit(tmp_path: Path, chats: FakeChats) -> None:
    crafted = '<at user_id="all">x</at><@all>@all"' * 40
    forged = [alert(OFTEN, f"{crafted[:100]}{number}") for number in range(300)]
    for each in forged:
        each["annotations"] |= {"description": crafted, "summary": crafted}
    with RunningNotify(tmp_path, three(chats)) as running:
        assert running.post(payload(*forged)).status_code == 200
    assert [len(chat.messages) for chat in (chats.wecom, chats.dingtalk, chats.feishu)] == [1, 1, 1]
    assert chats.mentions == []


def test_nothing_of_an_address_is_in_log_metrics_or_replies(tmp_path: Path, chats: FakeChats) -> None:
    addresses = (
        three(chats)
        + "all zh mailto://user:word77@127.0.0.1:1/?from=a@b.example&to=c@d.example\nall en json://127.0.0.1:1/path77\n"
    )
    addresses += "watchdog http://127.0.0.1:1/ping77\n"
    seen = ""
    with RunningNotify(tmp_path, addresses, "--log-level", "debug") as running:
        for chat in (chats.wecom, chats.dingtalk, chats.feishu):
            chat.answer = internal_error
        for alerts in ([alert(OFTEN, "M5")], [alert("Watchdog")], [alert(OFTEN, "M6")]):
            seen += running.post(payload(*alerts)).text
            chats.stop()
        seen += running.get("/metrics").text + running.get("/api/health").text + running.process.output()
    for line in range(1, 7):
        assert f"line {line} (" in seen
    assert not [secret for secret in (*SECRETS, "word77", "path77", "ping77", "user:") if secret in seen]


def test_stop_signal_lets_a_delivery_end(tmp_path: Path, chats: FakeChats) -> None:
    chats.wecom.delay = 1.0
    replies: list[int] = []
    with RunningNotify(tmp_path, f"all zh {chats.wecom_url}\n") as running:
        thread = threading.Thread(target=lambda: replies.append(running.post(payload(alert(OFTEN))).status_code))
        thread.start()
        wait_for(lambda: chats.wecom.attempts, "the delivery")
        running.process._child.send_signal(signal.SIGTERM)
        assert running.process.terminate(within=6) == 0
        thread.join()
    assert replies == [200]


def test_token_file_is_used(tmp_path: Path, chats: FakeChats) -> None:
    (tmp_path / "token").write_text("word\n")
    with RunningNotify(tmp_path, three(chats), "--token-file", str(tmp_path / "token")) as running:
        assert running.post(payload(alert(OFTEN, "M5"))).status_code == 401
        headers = {"Authorization": "Bearer word"}
        reply = requests.post(f"{running.url}/alerts", json=payload(alert(OFTEN)), headers=headers, timeout=20)
        assert reply.status_code == 200


def test_crowd_of_idle_clients_does_not_stop_alertmanager(tmp_path: Path, chats: FakeChats) -> None:
    with RunningNotify(tmp_path, three(chats)) as running:
        idle = [running.connect() for _ in range(150)]
        assert running.post(payload(alert(OFTEN, "M5"))).status_code == 200
        for peer in idle:
            peer.close()


def test_environment_gives_the_options(tmp_path: Path, chats: FakeChats) -> None:
    addresses = file(tmp_path, three(chats))
    environment = {"CMZSB_NOTIFY_ADDRESSES": str(addresses), "CMZSB_NOTIFY_LISTEN": f"127.0.0.1:{free_port()}"}
    with Process(module("notify"), tmp_path / "log", environment) as process:
        wait_for(lambda: "listening" in process.output(), "the service", 20)
        assert environment["CMZSB_NOTIFY_LISTEN"] in process.output()


def test_restart_in_the_middle_of_a_delivery_repeats_nothing(tmp_path: Path, chats: FakeChats) -> None:
    chats.dingtalk.answer = internal_error
    told = payload(alert(OFTEN, "M5"))
    with RunningNotify(tmp_path, three(chats), "--state-dir", str(tmp_path / "state")) as running:
        assert running.post(told).status_code == 502
        running.kill_9()
        # A line more above moves the others: what counts is the address.
        running.file.write_text("# changed\n" + three(chats), "utf-8")
        running.start()
        chats.dingtalk.answer = None
        assert running.post(told).status_code == 200
        assert running.post(payload(alert(OFTEN, "M5", firing=False))).status_code == 200
    assert [len(chat.messages) for chat in (chats.wecom, chats.dingtalk, chats.feishu)] == [2, 2, 2]
