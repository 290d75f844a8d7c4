"""NotificationChannel and NotificationRule, as people write them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from argos_gitops.cli import cli
from argos_gitops.model.event import EVENTS

URL = "https://hooks.example.com/x"
WEBHOOK = {"webhook": {"url": URL}}
MAIL = {"host": "mail.example.com", "from": "a@example.com", "to": ["b@example.com"]}
SECRET = {"env": "SECRET"}


def document(kind: str, spec: Any) -> str:
    return json.dumps(
        {"apiVersion": "argos.dev/v1", "kind": kind, "metadata": {"name": "ops"}, "spec": spec}, indent=1
    )


def validate(folder: Path, channel: Any, rule: Any = None) -> str:
    documents = [document("NotificationChannel", channel)]
    if rule is not None:
        documents.append(document("NotificationRule", rule))
    (folder / "notify.yaml").write_text("\n---\n".join(documents))
    done = CliRunner().invoke(cli, ["validate", "--repo", str(folder)], standalone_mode=False)
    return done.output


@pytest.mark.parametrize(
    "spec",
    [
        WEBHOOK,
        {"webhook": {"url": SECRET, "headers": {"Authorization": {"file": "/run/secret"}, "X-A": "b"}}},
        {"webhook": {"url": URL, "signingSecret": SECRET, "body": {"text": "$title", "list": [1, "$id"]}}},
        {"smtp": MAIL},
        {"telegram": {"botToken": SECRET, "chatId": "-100123"}},
        {"webPush": {"privateKey": SECRET, "contact": "mailto:a@example.com", "subscriptions": [SECRET]}},
        {"apprise": {"url": SECRET}},
        {**WEBHOOK, "rateLimitPerMinute": 1, "template": {"title": "$title", "text": "cost $$5 ${text}"}},
    ],
    ids=str,
)
def test_what_is_valid(tmp_path: Path, spec: Any) -> None:
    assert validate(tmp_path, spec).startswith("Valid: 1 NotificationChannel")


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({}, "exactly one of webhook, smtp, telegram, webPush and apprise"),
        ({**WEBHOOK, "apprise": {"url": SECRET}}, "exactly one of webhook"),
        ({"webhook": {"url": "ftp://a.example.com"}}, "spec.webhook.url"),
        ({"webhook": {"url": "https://user:canary-3c1@a.example.com"}}, "spec.webhook.url"),
        ({"webhook": {"url": URL, "body": {"a": ["$titel"]}}}, "knows no $titel"),
        ({**WEBHOOK, "template": {"text": "cost $5"}}, "write $$ for a dollar sign"),
        ({"telegram": {"botToken": "canary-4f2", "chatId": "1"}}, "expected a secret's place"),
        ({"smtp": {**MAIL, "username": "u"}}, "username and password belong together"),
        ({"smtp": {**MAIL, "from": "a"}}, "spec.smtp.from"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_channel_is_told_with_its_place(tmp_path: Path, spec: Any, problem: str) -> None:
    told = validate(tmp_path, spec)
    assert problem in told
    assert told.startswith("notify.yaml:")
    assert "canary" not in told


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"channels": ["opps"]}, "there is no NotificationChannel 'opps' (did you mean 'ops'?)"),
        ({"channels": ["ops"], "events": ["Pas"]}, "no event is called 'Pas'"),
        ({"channels": []}, "spec.channels"),
        ({"channels": ["ops"], "objects": ["wiki"]}, "spec.objects[0]"),
        ({"channels": ["ops"], "minSeverity": "bad"}, "spec.minSeverity"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_rule_is_told_with_its_place(tmp_path: Path, spec: Any, problem: str) -> None:
    told = validate(tmp_path, WEBHOOK, spec)
    assert problem in told
    assert told.startswith("notify.yaml:")


def test_each_event_is_documented() -> None:
    """With how bad it is, and what it means."""
    page = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
    rows = [f"| `{name}` | {kind.severity} | {kind.meaning}" for name, kind in EVENTS.items()]
    assert [row for row in rows if row not in page] == []
