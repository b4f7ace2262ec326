"""Messages on batches: payloads as the platforms document them, signatures, faults, secrets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.language import set_reader
from ecops_lib.reports.batch.notify import (
    batch_words,
    check_channels,
    is_worth_telling,
    notify,
    sign_feishu,
)
from ecops_lib.reports.batch.runs import Run

SECRET = "SEC-very-secret"


def run_of(*states: str, level: str = "bad") -> Run:
    finding = {"key": "k", "level": level, "text": "GMV <b>fell</b> by 20 %.", "money": 5.0}
    reports = {
        str(k): {"status": state, "notebook": "daily_review", "store": "s", "shop": f"Shop {k}",
                 "title": "Yesterday?", "findings": [finding] if state == "done" else []}
        for k, state in enumerate(states)
    }  # fmt: skip
    return Run(Path(), Path("a/b/c"), "morning", "2026-11-23T07:00:00", reports)


class Fake(BaseHTTPRequestHandler):
    """A robot that keeps what it is sent and answers as it is told to."""

    got: list[tuple[str, dict[str, Any]]]
    answers: list[tuple[int, str]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).got.append((self.path, json.loads(body)))
        code, text = type(self).answers.pop(0) if type(self).answers else (200, '{"errcode": 0}')
        self.send_response(code)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def robot() -> Iterator[tuple[str, type[Fake]]]:
    handler = type("Robot", (Fake,), {"got": [], "answers": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hook?token=t0k", handler
        server.shutdown()
        thread.join()


def test_words_say_how_many_what_failed_and_what_is_bad() -> None:
    text = batch_words(run_of("done", "timeout"))
    assert text.splitlines() == [
        "ecops morning: 1 of 2 reports made.", "not made: Shop 1, Yesterday?",
        "[act] Shop 0: GMV <b>fell</b> by 20 %.",
    ]  # fmt: skip
    set_reader("zh", "CNY")
    assert batch_words(run_of("done")).splitlines()[0] == "ecops morning：1 份报告做成 1 份。"


def test_a_message_is_short_in_bytes() -> None:
    run = run_of(*["done"] * 9)
    for number, report in enumerate(run.reports.values()):
        text = f"{number}" + "转化率下降" * 200
        report["findings"] = [{"key": "k", "level": "bad", "text": text, "money": 1.0}]
    assert 1_500 < len(batch_words(run).encode()) <= 1_800


def test_who_wants_to_hear_what() -> None:
    calm, bad, failed = run_of("done", level="info"), run_of("done"), run_of("crashed")
    told = {on: [is_worth_telling(run, on) for run in (calm, bad, failed)]
            for on in ("always", "findings", "failure")}  # fmt: skip
    assert told == {
        "always": [True, True, True], "findings": [False, True, True],
        "failure": [False, False, True],
    }  # fmt: skip


def test_dingtalk_is_signed(robot: tuple[str, type[Fake]]) -> None:
    url, fake = robot
    env = {"ECOPS_DINGTALK_URL": url, "ECOPS_DINGTALK_SECRET": SECRET}
    assert notify("hello", ["dingtalk"], env) == {}
    [(path, body)] = fake.got
    asked = parse_qs(urlsplit(path).query)
    stamp = asked["timestamp"][0]
    wanted = hmac.new(SECRET.encode(), f"{stamp}\n{SECRET}".encode(), hashlib.sha256).digest()
    assert base64.b64decode(asked["sign"][0]) == wanted
    assert len(stamp) == 13
    assert asked["token"] == ["t0k"]
    assert body == {"msgtype": "text", "text": {"content": "hello"}}


def test_feishu_is_signed(robot: tuple[str, type[Fake]]) -> None:
    url, fake = robot
    fake.answers = [(200, '{"code": 0, "msg": "success"}')]
    env = {"ECOPS_FEISHU_URL": url, "ECOPS_FEISHU_SECRET": SECRET}
    assert notify("你好", ["feishu"], env) == {}
    [(_, body)] = fake.got
    assert body["sign"] == sign_feishu(body["timestamp"], SECRET)
    assert (body["msg_type"], body["content"]) == ("text", {"text": "你好"})


def test_slack_and_wecom_get_their_own_form(robot: tuple[str, type[Fake]]) -> None:
    url, fake = robot
    fake.answers = [(200, "ok")]
    assert notify("x", ["slack", "wecom"], {"ECOPS_SLACK_URL": url, "ECOPS_WECOM_URL": url}) == {}
    assert [body for _, body in fake.got] == [
        {"text": "x"}, {"msgtype": "text", "text": {"content": "x"}}
    ]  # fmt: skip


def test_what_fails_is_tried_again_and_then_told_without_secrets(
    robot: tuple[str, type[Fake]],
) -> None:
    url, fake = robot
    fake.answers = [(500, "no"), (200, '{"errcode": 310000}'), (200, '{"errcode": 0}')]
    waits: list[float] = []
    assert notify("x", ["wecom"], {"ECOPS_WECOM_URL": url}, wait=waits.append) == {}
    assert waits == [0.5, 1.0]
    fake.answers = [(500, "no")] * 3
    failed = notify("x", ["wecom"], {"ECOPS_WECOM_URL": url}, wait=waits.append)
    assert failed == {"wecom": "OSError"}
    fake.answers = [(200, "[1]")] * 3
    assert notify("x", ["wecom"], {"ECOPS_WECOM_URL": url}, wait=waits.append) == {
        "wecom": "ValueError"
    }
    env = {"ECOPS_DINGTALK_URL": f"{url} x\n", "ECOPS_DINGTALK_SECRET": SECRET}
    assert notify("x", ["dingtalk"], env, wait=waits.append) == {"dingtalk": "InvalidURL"}
    gone = notify("x", ["slack"], {"ECOPS_SLACK_URL": "file:///etc/passwd"}, wait=waits.append)
    assert gone == {"slack": "ValueError"}


def test_a_mail_is_sent() -> None:
    got: list[bytes] = []

    class Post(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 fake\r\n")
            data = False
            for line in self.rfile:
                got.append(line)
                if data:
                    if line == b".\r\n":
                        data = False
                        self.wfile.write(b"250 ok\r\n")
                    continue
                word = line.upper()[:4]
                data = word == b"DATA"
                answers = {b"DATA": b"354 go\r\n", b"QUIT": b"221 bye\r\n"}
                self.wfile.write(answers.get(word, b"250 ok\r\n"))
                if word == b"QUIT":
                    return

    with socketserver.TCPServer(("127.0.0.1", 0), Post) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        env = {"ECOPS_SMTP_URL": f"smtp://127.0.0.1:{server.server_address[1]}",
               "ECOPS_MAIL_TO": "boss@example.com"}  # fmt: skip
        assert notify("first line\nsecond", ["mail"], env) == {}
        thread.join()
    text = b"".join(got)
    for words in (b"Subject: first line", b"To: boss@example.com", b"second"):
        assert words in text


def test_what_lacks_is_named_and_never_shown() -> None:
    with pytest.raises(ParameterError, match="needs the environment variable ECOPS_WECOM_URL"):
        check_channels(["wecom"], {"ECOPS_WECOM_SECRET": SECRET})
    with pytest.raises(ParameterError, match="must be one of wecom"):
        check_channels(["pigeon"], {})  # type: ignore[list-item]
    check_channels(["mail"], {"ECOPS_SMTP_URL": "smtp://x", "ECOPS_MAIL_TO": "a@b"})
