"""Who is told of what: rules, and the words of a message."""

from datetime import timedelta
from typing import Any

import pytest

from argos_gitops.model.event import ENDS, EVENTS, Severity
from argos_gitops.model.notification import NotificationChannelSpec
from argos_gitops.model.resource import SUSPEND_ANNOTATION, AnyResource
from argos_gitops.notify.message import message_of
from argos_gitops.notify.news import Telling, end_of
from argos_gitops.notify.rules import Rules
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Alarm, Bundle, Notification
from tests.fakes import resource
from tests.notify.world import AT, channel, channel_resource, event, resources, rule

OPS, MAIL = (
    channel_resource("ops", webhook={"url": "http://127.0.0.1"}),
    channel_resource("mail", telegram={"botToken": {"env": "BOT"}, "chatId": "1"}),
)


def sent(telling: Event | Telling, *rules: AnyResource, besides: str = "") -> dict[str, Notification]:
    chosen = Rules.of(resources(OPS, MAIL, *rules))
    told = telling if isinstance(telling, Telling) else Telling(telling)
    return {each.channel: each for each in chosen.address(told, besides).notifications}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({}, True),
        ({"events": ["Target*"]}, True),
        ({"events": ["Pass*", "TargetUnreachable"]}, True),
        ({"events": ["Pass*"]}, False),
        ({"minSeverity": "error"}, True),
        ({"objects": ["Edge/main"]}, True),
        ({"objects": ["Edge/m*", "Host/*"]}, True),
        ({"objects": ["Host/*"]}, False),
    ],
    ids=str,
)
def test_a_rule_chooses_by_name_severity_and_object(spec: dict[str, Any], told: bool) -> None:
    assert bool(sent(event("TargetUnreachable", "Edge/main"), rule("ops", **spec))) is told


def test_what_is_not_severe_enough_is_not_told() -> None:
    assert not sent(event("RevisionApplied"), rule("ops", minSeverity="warning"))


def test_objects_are_also_those_on_a_target() -> None:
    """And what is about no resource goes to those who want everything."""
    on_main = event("DriftRepaired", "Host/wiki", target="Edge/main")
    assert sent(on_main, rule("ops", objects=["Edge/main"]))
    about_nothing = event("SourceUnavailable", "")
    assert not sent(about_nothing, rule("ops", objects=["Edge/*"]))
    assert sent(about_nothing, rule("ops"))


@pytest.mark.parametrize("state", sorted(ENDS))
def test_the_end_of_a_state_is_told_to_who_is_told_of_the_state(state: str) -> None:
    """Although it is not severe in itself; unless they do not want to know."""
    over = end_of(Alarm(state, "Edge/main"), AT)
    spec = {"events": [state], "minSeverity": EVENTS[state].severity.value}
    assert over.event is not None
    assert EVENTS[over.event.name].severity is Severity.INFO
    (notification,) = sent(over, rule("ops", **spec)).values()
    assert notification.ends
    assert not sent(over, rule("ops", **spec, recoveries=False))


def test_a_channel_gets_an_event_once_and_by_the_quickest_rule() -> None:
    slow, quick = rule("ops", "mail", throttle="1h"), rule("ops", throttle="1m", after="0s")
    found = sent(event(), slow, quick)
    assert {name: each.throttle for name, each in found.items()} == {
        "ops": timedelta(minutes=1),
        "mail": timedelta(hours=1),
    }


def test_only_states_wait_to_see_whether_they_last() -> None:
    """What happened has happened."""
    patient = rule("ops", after="10m")
    assert sent(event("TargetUnreachable"), patient)["ops"].after == timedelta(minutes=10)
    assert sent(event("RevisionApplied"), patient)["ops"].after == timedelta(0)


def test_a_channel_that_fails_is_told_of_by_the_others() -> None:
    assert set(sent(event("ChannelFailed"), rule("ops", "mail"), besides="ops")) == {"mail"}


def test_what_is_suspended_tells_nothing() -> None:
    """A rule as well as a channel."""
    quiet = resource("NotificationRule", "quiet", rule("ops").spec, annotations={SUSPEND_ANNOTATION: "true"})
    assert not sent(event(), quiet)
    spec: Any = OPS.spec
    silent = resource("NotificationChannel", "silent", spec, annotations={SUSPEND_ANNOTATION: "true"})
    assert not sent(event(), silent, rule("silent"))


def test_other_news_of_a_state_are_other_news() -> None:
    """The mark tells them apart, for the throttle."""
    told = event("PassFailed")
    marks = [
        sent(Telling(told, opens=Alarm("PassFailed", "Edge/main", why)), rule("ops"))["ops"].mark
        for why in ("a", "b")
    ]
    assert len({*marks, sent(told, rule("ops"))["ops"].mark}) == 3


def read(spec: NotificationChannelSpec, *events: Event) -> tuple[str, str]:
    message = message_of(Bundle("id", "ops", events, 0, timedelta(0), ""), "home", spec.template)
    return message.title, message.text


def test_one_event_reads_as_itself() -> None:
    assert read(channel(webhook={"url": "http://127.0.0.1"}), event(title="The edge is away")) == (
        "[home] The edge is away",
        "the text\nPassFailed at 2026-01-01 12:00:00 UTC",
    )


def test_several_events_read_as_a_list() -> None:
    """The worst of them first in the title, all of them in their order in the text."""
    events = (event("DriftRepaired", "Host/a"), event("PassFailed"), event("DriftRepaired", "Host/b"))
    title, text = read(channel(webhook={"url": "http://127.0.0.1"}), *events)
    assert title == "[home] 3 events: PassFailed, DriftRepaired ×2"
    assert [line for line in text.splitlines() if line.startswith(("•", "✖"))] == [
        "• DriftRepaired: Host/a",
        "✖ PassFailed: Edge/main",
        "• DriftRepaired: Host/b",
    ]


def test_a_template_has_the_last_word() -> None:
    words = {"title": "$severity: $events", "text": "$count of $subjects at $at\n$text"}
    spec = channel(webhook={"url": "http://127.0.0.1"}, template=words)
    title, text = read(spec, event(), event("DriftRepaired", "Host/a"))
    assert title == "error: PassFailed, DriftRepaired"
    assert text.startswith("2 of Edge/main, Host/a at 2026-01-01 12:00:00 UTC\n✖ ")


def test_what_comes_from_outside_moves_no_cursor_and_starts_no_line() -> None:
    """A commit's subject may hold anything."""
    title, text = read(
        channel(webhook={"url": "http://127.0.0.1"}), event(title="a\r\nBcc: x\x1b[2J\u202e" + "y" * 500)
    )
    assert title.startswith("[home] a\\r\\nBcc: x\\x1b[2J\\u202e")
    assert (len(title), title.isprintable(), "\r" in text) == (150, True, False)
