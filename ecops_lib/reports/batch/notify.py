"""Telling people that a batch has ended: 企业微信, 钉钉, 飞书, Slack, mail.

Addresses and secrets come from the environment and from nowhere else, and stand in no file:

    ECOPS_WECOM_URL                           企业微信 group robot
    ECOPS_DINGTALK_URL, ECOPS_DINGTALK_SECRET 钉钉 group robot, signed
    ECOPS_FEISHU_URL, ECOPS_FEISHU_SECRET     飞书 custom bot, signed
    ECOPS_SLACK_URL                           Slack incoming webhook
    ECOPS_SMTP_URL, ECOPS_MAIL_TO             smtp://user:password@host:port, addresses
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from http.client import HTTPException
from typing import Any, Literal
from urllib.error import URLError
from urllib.parse import quote_plus, unquote, urlsplit
from urllib.request import Request, urlopen

from ecops_lib.core.errors import ParameterError
from ecops_lib.core.findings import level_word
from ecops_lib.core.language import ntr, tr
from ecops_lib.core.names import short_name
from ecops_lib.reports.batch.runs import DONE, Run

Channel = Literal["wecom", "dingtalk", "feishu", "slack", "mail"]
On = Literal["always", "findings", "failure"]
NEEDED: Mapping[str, tuple[str, ...]] = {
    "wecom": ("ECOPS_WECOM_URL",),
    "dingtalk": ("ECOPS_DINGTALK_URL",),
    "feishu": ("ECOPS_FEISHU_URL",),
    "slack": ("ECOPS_SLACK_URL",),
    "mail": ("ECOPS_SMTP_URL", "ECOPS_MAIL_TO"),
}
TRIES, PAUSE, PATIENCE = 3, 0.5, 10.0
"""Tries, seconds before the second one (doubled for the third), and seconds that one may take."""
MOST_TOLD = 5
LONGEST = 1_800
"""Bytes of a message, below the least of the platforms' limits (企业微信: 2,048)."""


def check_channels(channels: Sequence[Channel], environment: Mapping[str, str]) -> None:
    """Check that the environment holds what each channel needs.

    Raises:
        ParameterError: A channel is unknown, or a variable is missing; it is named, never shown.
    """
    for channel in channels:
        if channel not in NEEDED:
            known = ", ".join(NEEDED)
            raise ParameterError(f"--notify is {channel!r}; it must be one of {known}.")
        for name in NEEDED[channel]:
            if not environment.get(name):
                raise ParameterError(
                    f"--notify {channel} needs the environment variable {name}; set it."
                )


def is_worth_telling(run: Run, on: On) -> bool:
    """Whether people want to hear of a run: always, of bad findings or failures, of failures."""
    failed = run.count(DONE) < len(run.reports)
    return failed or on == "always" or (on == "findings" and bool(_bad(run)))


def batch_words(run: Run) -> str:
    """A run in a few lines, in the reader's language: how many, what failed, what is bad."""
    count, made = len(run.reports), run.count(DONE)
    lines = [ntr(
        "ecops {plan}: {made} of {count} report made.",
        "ecops {plan}: {made} of {count} reports made.", count,
        plan=run.plan, made=made, count=count,
    )]  # fmt: skip
    missing = [r for r in run.reports.values() if r["status"] != DONE]
    lines += [
        tr("not made: {shop}, {title}", shop=short_name(report.get("shop"), report["store"]),
           title=report.get("title", report["notebook"])) for report in missing[:MOST_TOLD]
    ]  # fmt: skip
    lines += [
        f"[{level_word('bad')}] {short_name(shop)}: {finding['text']}"
        for shop, finding in _bad(run)[:MOST_TOLD]
    ]
    return "\n".join(lines).encode()[:LONGEST].decode("utf-8", "ignore")


def _bad(run: Run) -> list[tuple[str, Mapping[str, Any]]]:
    """Bad findings, the dearest first, each sentence once."""
    found = {
        finding["text"]: (report["shop"], finding)
        for report in run.reports.values() if report["status"] == DONE
        for finding in report["findings"] if finding["level"] == "bad"
    }  # fmt: skip
    return sorted(found.values(), key=lambda pair: -(pair[1]["money"] or 0.0))


def notify(
    text: str,
    channels: Sequence[Channel],
    environment: Mapping[str, str],
    *,
    wait: Callable[[float], None] = time.sleep,
) -> dict[str, str]:
    """Send a text; what could not be sent is returned by channel, and raises nothing.

    Args:
        text: What to tell.
        channels: Where to.
        environment: Addresses and secrets.
        wait: Sleeps so many seconds.
    """
    failed: dict[str, str] = {}
    for channel in channels:
        for number in range(TRIES):
            try:
                _send(channel, text, environment)
                failed.pop(channel, None)
                break
            except (OSError, ValueError, HTTPException) as error:
                failed[channel] = type(error).__name__  # its words may hold the address
                if number + 1 < TRIES:
                    wait(PAUSE * 2**number)
    return failed


def _send(channel: Channel, text: str, environment: Mapping[str, str]) -> None:
    if channel == "mail":
        _mail(text, *(environment[name].strip() for name in NEEDED["mail"]))
        return
    url = environment[NEEDED[channel][0]].strip()
    secret = environment.get(f"ECOPS_{channel.upper()}_SECRET", "").strip()
    now = time.time()
    body: dict[str, Any]
    match channel:
        case "wecom":
            body = {"msgtype": "text", "text": {"content": text}}
        case "dingtalk":
            body = {"msgtype": "text", "text": {"content": text}}
            if secret:
                stamp = str(int(now * 1_000))
                url += f"&timestamp={stamp}&sign={quote_plus(sign_dingtalk(stamp, secret))}"
        case "feishu":
            body = {"msg_type": "text", "content": {"text": text}}
            if secret:
                stamp = str(int(now))
                body |= {"timestamp": stamp, "sign": sign_feishu(stamp, secret)}
        case _:
            body = {"text": text}
    _post(url, body)


def sign_dingtalk(stamp: str, secret: str) -> str:
    """钉钉's signature: HMAC-SHA256 with the secret of the time [ms] and the secret."""
    told = hmac.new(secret.encode(), f"{stamp}\n{secret}".encode(), hashlib.sha256)
    return base64.b64encode(told.digest()).decode()


def sign_feishu(stamp: str, secret: str) -> str:
    """飞书's signature: HMAC-SHA256 of nothing, with the time [s] and the secret as its key."""
    told = hmac.new(f"{stamp}\n{secret}".encode(), b"", hashlib.sha256)
    return base64.b64encode(told.digest()).decode()


def _post(url: str, body: Mapping[str, Any]) -> None:
    """Post JSON; the platforms say in their answer whether they took it.

    Raises:
        ValueError: The platform refused it, or the address is no web address.
        OSError: It could not be reached.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("no web address")
    head = {"Content-Type": "application/json; charset=utf-8"}
    request = Request(url, json.dumps(body, ensure_ascii=False).encode(), head)  # noqa: S310
    try:
        with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310  checked above
            told = answer.read(10_000).decode("utf-8", "replace")
    except URLError as error:
        raise OSError("not reached") from error
    if told.strip() == "ok":
        return
    held = json.loads(told)
    if not isinstance(held, dict):
        raise ValueError("no answer")
    if any(held.get(name, 0) for name in ("errcode", "code", "StatusCode")):
        raise ValueError("refused")


def _mail(text: str, url: str, to: str) -> None:
    """Send a mail over ``smtp://`` (with STARTTLS where the server has it) or ``smtps://``."""
    import smtplib

    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ValueError("no mail server")
    made = smtplib.SMTP_SSL if parts.scheme == "smtps" else smtplib.SMTP
    message = EmailMessage()
    sender = unquote(parts.username or "ecops")
    message["Subject"] = text.splitlines()[0][:120]
    message["From"] = sender if "@" in sender else f"{sender}@{parts.hostname}"
    message["To"] = to
    message.set_content(text)
    with made(parts.hostname, parts.port or 0, timeout=PATIENCE) as server:
        if parts.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls()
        if parts.password:
            server.login(sender, unquote(parts.password))
        server.send_message(message)
