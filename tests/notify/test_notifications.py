"""From what is to be told to what a receiver gets, by way of a real outbox and real workers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from argos_gitops.model.resource import AnyResource
from argos_gitops.notify.delivery import Pace
from argos_gitops.notify.notifications import Notifications
from argos_gitops.notify.patience import Patience
from argos_gitops.store.database import open_database
from tests.components.receiver import Answer, Received, Receiver
from tests.notify.world import (
    QUICK,
    Environment,
    KeptLog,
    channel_resource,
    event,
    notifications,
    resources,
    rule,
)


def webhook(name: str, receiver: Receiver, **spec: object) -> AnyResource:
    return channel_resource(name, webhook={"url": f"{receiver.url}/{name}"}, rateLimitPerMinute=600, **spec)


@contextmanager
def running(
    engine: Engine, *found: AnyResource, pace: Pace = QUICK, log: KeptLog | None = None
) -> Iterator[Notifications]:
    people = notifications(engine, pace=pace, log=log)
    people.configure(resources(*found))
    people.start()
    try:
        yield people
    finally:
        assert people.stop(30)


def told(received: list[Received]) -> list[str]:
    return [each["subject"] for one in received for each in json.loads(one.body)["events"]]


def until(holds: Callable[[], bool]) -> None:
    """Waits for what other threads are about to do; never for a certain time."""
    for _ in range(3000):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError("it never came to that")


def test_an_event_reaches_every_channel_of_its_rules(engine: Engine, receiver: Receiver) -> None:
    with running(engine, webhook("ops", receiver), webhook("mail", receiver), rule("ops", "mail")) as people:
        people.notify(event())
        assert sorted(each.path for each in receiver.wait_for(2)) == ["/mail", "/ops"]
        until(lambda: people.depth() == 0)
        assert people.subsystem().state == "ok"
        assert people.subsystem().last_success is not None


def test_without_a_rule_nothing_is_kept(engine: Engine, receiver: Receiver) -> None:
    people = notifications(engine)
    people.notify(event())
    people.configure(resources(webhook("ops", receiver)))
    people.notify(event())
    assert people.depth() == 0


def test_what_fails_is_tried_again_under_the_same_id(engine: Engine, receiver: Receiver) -> None:
    """With a pause that the receiver may ask for; then it is delivered once."""
    log = KeptLog()
    receiver.script.extend([Answer(500), Answer(429, {"Retry-After": "1"})])
    with running(engine, webhook("ops", receiver), rule("ops"), log=log) as people:
        people.notify(event())
        received = receiver.wait_for(3)
        until(lambda: people.depth() == 0)
    assert len({each.headers["webhook-id"] for each in received}) == 1
    assert len(receiver.received) == 3
    assert [line.split()[0] for line in log.lines] == ["notification_delayed", "notification_delayed"]
    assert "in 1 s" in log.lines[1]


def test_what_is_refused_is_given_up_and_other_channels_hear_of_it(
    engine: Engine, receiver: Receiver
) -> None:
    """And that the channel delivers again, later on."""
    receiver.script.append(Answer(404))
    with Receiver() as other:
        found = (
            webhook("ops", receiver),
            webhook("mail", other),
            rule("ops"),
            rule("mail", events=["Channel*"]),
        )
        with running(engine, *found) as people:
            people.notify(event())
            (failed,) = other.wait_for(1)
            people.notify(event("RevisionApplied"))
            (_, recovered) = other.wait_for(2)
            until(lambda: people.depth() == 0)
    assert told([failed, recovered]) == ["NotificationChannel/ops"] * 2
    events = [json.loads(each.body)["events"][0] for each in (failed, recovered)]
    assert [each["name"] for each in events] == ["ChannelFailed", "ChannelRecovered"]
    assert events[0]["text"] == "ChannelRefused: the webhook refuses: HTTP 404"
    assert len(receiver.received) == 2


def test_a_channel_that_hangs_delays_no_other(engine: Engine, receiver: Receiver) -> None:
    """Its attempt is left behind after its time, and counts as failed."""
    receiver.always = Answer(hang=True)
    with Receiver() as other:
        found = (webhook("ops", receiver), webhook("mail", other), rule("ops", "mail"))
        pace = replace(QUICK, time_limit=timedelta(milliseconds=500))
        with running(engine, *found, pace=pace) as people:
            people.notify(event())
            other.wait_for(1)
            until(lambda: "takes longer than" in people.subsystem().error)
            people.notify(event(subject="Edge/second"))
            assert told(other.wait_for(2)) == ["Edge/main", "Edge/second"]
            assert people.subsystem().state == "failing"


def test_after_its_time_a_message_is_given_up(engine: Engine, receiver: Receiver) -> None:
    receiver.always = Answer(500)
    log = KeptLog()
    brief = replace(QUICK, patience=Patience(timedelta(0), timedelta(0), failing=timedelta(milliseconds=300)))
    with running(engine, webhook("ops", receiver), rule("ops"), pace=brief, log=log) as people:
        people.notify(event())
        until(lambda: people.depth() == 0)
    assert log.lines[-1].startswith("notification_given_up")
    assert "ChannelFailing" in log.lines[-1]


def test_two_replicas_send_everything_once(engine: Engine, receiver: Receiver) -> None:
    """Four workers of two processes' worth of Notifications, one database."""
    found = (webhook("ops", receiver), webhook("mail", receiver), rule("ops", "mail"))
    other = open_database(str(engine.url))
    with running(engine, *found) as one, running(other, *found) as two:
        for number in range(40):
            (one, two)[number % 2].notify(event(subject=f"Host/{number}"))
        until(lambda: one.depth() == 0)
    other.dispose()
    by_channel = [[each for each in receiver.received if each.path == path] for path in ("/ops", "/mail")]
    for received in by_channel:
        assert sorted(told(received)) == sorted(f"Host/{number}" for number in range(40))


KILLED = """
import sys, time
from argos_gitops.store.database import open_database
from tests.notify.world import channel_resource, event, notifications, resources, rule
people = notifications(open_database(sys.argv[1]))
people.configure(resources(channel_resource("ops", webhook={"url": sys.argv[2]}), rule("ops")))
for number in range(5):
    people.notify(event(subject=f"Host/{number}"))
print("queued", flush=True)
if sys.argv[3] == "sending":
    people.start()
time.sleep(60)
"""


def kill_9(engine: Engine, url: str, what: str, wait: Callable[[], object]) -> None:
    """A process that has queued five events, and is killed while it is at `what`."""
    command = [sys.executable, "-c", KILLED, str(engine.url), url, what]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "queued\n"
        wait()
        os.kill(process.pid, signal.SIGKILL)
        process.wait()


def test_fm15_what_was_queued_before_a_kill_is_delivered_after_it(engine: Engine, receiver: Receiver) -> None:
    kill_9(engine, receiver.url, "waiting", lambda: None)
    with running(engine, webhook("ops", receiver), rule("ops")) as people:
        assert told(receiver.wait_for(1)) == [f"Host/{number}" for number in range(5)]
        until(lambda: people.depth() == 0)
    assert len(receiver.received) == 1


def test_fm15_what_was_being_sent_when_killed_comes_again_under_the_same_id(engine: Engine) -> None:
    """The receiver may have got it, which only the id tells. The claim of the dead runs out."""
    with Receiver(Answer(hang=True)) as receiver:
        kill_9(engine, receiver.url, "sending", lambda: receiver.wait_for(1))
        with engine.begin() as connection:
            connection.execute(text("UPDATE notifications SET claimed_until = attempted_at"))
        with running(engine, webhook("ops", receiver), rule("ops")) as people:
            first, second = receiver.wait_for(2)
            until(lambda: people.depth() == 0)
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert told([first]) == told([second])


def test_a_channel_that_hangs_does_not_keep_the_agent_from_ending(engine: Engine) -> None:
    """What it did not take is put back, and is due again soon after a restart."""
    with Receiver(Answer(hang=True)) as receiver:
        found = (webhook("ops", receiver), rule("ops"))
        people = notifications(engine)
        people.configure(resources(*found))
        people.start()
        people.notify(event())
        receiver.wait_for(1)
        assert people.stop(1)
        with running(engine, *found) as again:
            receiver.wait_for(2)
            until(lambda: again.depth() == 0)


def test_whoever_ends_soon_tries_once(engine: Engine, receiver: Receiver) -> None:
    """A single apply: it sends what is due, and leaves what fails to the agent or to the next one."""
    found = resources(webhook("ops", receiver), rule("ops"))
    receiver.script.append(Answer(500))
    people = notifications(engine, pace=Pace())
    people.configure(found)
    people.notify(event())
    people.finish()
    assert (len(receiver.received), people.depth()) == (1, 1)
    people.finish()
    assert len(receiver.received) == 1, "not before its time"


def test_a_flood_is_bounded_and_told(engine: Engine, receiver: Receiver) -> None:
    """More than may wait while a channel is away: the newest and worst stay, and people hear of the rest."""
    log = KeptLog()
    people = notifications(engine, log=log)
    people.configure(resources(webhook("ops", receiver), rule("ops", throttle="0s")))
    for number in range(1005):
        people.notify(event("RevisionApplied", subject=f"Edge/{number}"))
    assert people.depth() == 1000
    assert log.lines[0] == "notifications_dropped {'count': 1}"
    people.start()
    until(lambda: people.depth() == 0)
    assert people.stop(30)
    names = [each["name"] for one in receiver.received for each in json.loads(one.body)["events"]]
    assert "NotificationsDropped" in names
    assert len(receiver.received) == 20, "fifty events in each message"


def test_a_channel_that_left_git_gives_up_what_waits_for_it(engine: Engine, receiver: Receiver) -> None:
    log = KeptLog()
    with running(
        engine, webhook("gone", receiver), webhook("ops", receiver), rule("gone"), log=log
    ) as people:
        receiver.always = Answer(500)
        people.notify(event())
        receiver.wait_for(1)
        until(lambda: bool(log.lines))
        people.configure(resources(webhook("ops", receiver), rule("ops")))
        until(lambda: people.depth() == 0)
    assert any(line.startswith("notifications_given_up") for line in log.lines)


CANARIES = {"URL": "canary-path-1", "TOKEN": "canary-token-2", "KEY": "canary-key-3", "BOT": "9:canary-bot-4"}


def test_fm13_no_secret_is_kept_or_logged(engine: Engine, receiver: Receiver, tmp_path: Path) -> None:
    """Neither what a channel needs, nor what its other side answers: not in a row, a log, nor its health."""
    receiver.script.extend([Answer(500, body=b"canary-body-5"), Answer(403, body=b"canary-body-5")])
    receiver.always = Answer(500, {"X-Echo": "canary-header-6"}, b"canary-body-5")
    secrets = Environment({**CANARIES, "URL": f"{receiver.url}/canary-path-1"})
    headers = {"Authorization": {"env": "TOKEN"}}
    hook = channel_resource(
        "ops", webhook={"url": {"env": "URL"}, "headers": headers, "signingSecret": {"env": "KEY"}}
    )
    bot = channel_resource(
        "bot", telegram={"botToken": {"env": "BOT"}, "chatId": "1", "apiUrl": receiver.url}
    )
    lost = channel_resource("lost", telegram={"botToken": {"env": "GONE"}, "chatId": "1"})
    log = KeptLog()
    people = notifications(engine, secrets, log=log)
    people.configure(resources(hook, bot, lost, rule("ops", "bot", "lost")))
    people.start()
    people.notify(event())
    until(lambda: len(log.lines) > 8)
    health = str(people.subsystem())
    assert people.stop(30)
    assert "ChannelFailing" in str(log.lines)
    assert "SecretMissing" in str(log.lines)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("state.db"))
    assert b"the text" in kept
    for seen in (str(log.lines), health, kept.decode("utf-8", "replace")):
        assert "canary" not in seen


def test_a_store_that_fails_ends_no_worker(engine: Engine, receiver: Receiver) -> None:
    """They go on when it is back."""
    log = KeptLog()
    with running(engine, webhook("ops", receiver), rule("ops"), log=log) as people:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE notifications RENAME TO elsewhere"))
        until(lambda: any(line.startswith("outbox_failed") for line in log.lines))
        assert people.subsystem().state == "failing"
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO notifications"))
        people.notify(event())
        receiver.wait_for(1)
        until(lambda: people.depth() == 0)
