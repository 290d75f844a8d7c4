"""The outbox on both databases: what waits survives, is claimed once, in order, and not without end."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from argos_gitops.model.event import Severity
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Alarm, Bundle, News, Notification
from argos_gitops.store.outbox import Limits, SqlOutbox
from argos_gitops.store.tables import notifications

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
CHANNELS = {"ops": 600}
SHORT = timedelta(minutes=5)


@pytest.fixture
def engine(store: Engine) -> Engine:
    return store


def event(name: str = "PassFailed", subject: str = "Edge/main", key: str = "") -> Event:
    return Event(name, Severity.ERROR, AT, f"{name} of {subject}", "why", subject, key, {"target": subject})


def news(told: Event, channel: str = "ops", mark: str = "", throttle: timedelta = SHORT) -> News:
    return News((Notification(channel, told, mark or told.name, throttle),))


def claimed(outbox: SqlOutbox) -> Bundle:
    bundle = outbox.claim(CHANNELS)
    assert bundle is not None
    return bundle


def pass_time(engine: Engine, span: timedelta) -> None:
    """Moves everything that is kept into the past, which is the same as waiting."""
    moments = ("created_at", "due_at", "first_attempt_at", "attempted_at", "claimed_until")
    with engine.begin() as connection:
        for row in connection.execute(select(notifications)).all():
            earlier = {name: getattr(row, name) - span for name in moments if getattr(row, name)}
            connection.execute(update(notifications).where(notifications.c.id == row.id).values(earlier))


def test_what_waits_survives_a_restart(engine: Engine) -> None:
    """Another process finds the event as it was, and takes everything due at once."""
    first = [event(), event("RevisionApplied")]
    SqlOutbox(engine, "one").tell([news(each) for each in first])
    again = SqlOutbox(engine, "one")
    bundle = claimed(again)
    assert (bundle.channel, list(bundle.events), bundle.attempts) == ("ops", first, 0)
    again.delivered(bundle)
    assert again.claim(CHANNELS) is None
    assert again.depth().waiting == 0


def test_instances_and_channels_are_apart(engine: Engine) -> None:
    """Nobody gets what is meant for others; what has no channel that is known waits."""
    SqlOutbox(engine, "one").tell([news(event(), "ops"), news(event(), "mail")])
    assert SqlOutbox(engine, "two").claim({"ops": 10, "mail": 10}) is None
    assert SqlOutbox(engine, "one").claim({"gone": 10}) is None
    bundle = SqlOutbox(engine, "one").claim({"mail": 10})
    assert bundle is not None
    assert bundle.channel == "mail"


def test_a_channel_is_emptied_by_one_at_a_time(engine: Engine) -> None:
    """While one is at it nobody else gets anything for it, new events neither."""
    one, two = SqlOutbox(engine, "one"), SqlOutbox(engine, "one")
    one.tell([news(event())])
    bundle = claimed(one)
    one.tell([news(event("RevisionApplied"))])
    assert two.claim(CHANNELS) is None
    one.delivered(bundle)
    assert [each.name for each in claimed(two).events] == ["RevisionApplied"]


def test_many_claim_and_each_event_goes_to_one(engine: Engine) -> None:
    """Twelve threads race for fifty channels: every one is claimed exactly once."""
    channels = {f"channel-{number}": 10 for number in range(50)}
    SqlOutbox(engine, "one").tell([news(event(), channel) for channel in channels])
    found: list[str] = []

    def work() -> None:
        outbox = SqlOutbox(engine, "one")
        while (bundle := outbox.claim(channels)) is not None:
            found.append(bundle.channel)
            outbox.delivered(bundle)

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(channels)


def test_a_claim_runs_out_with_its_process(engine: Engine) -> None:
    """Who died on it loses it, and what comes back under the same id is no second message; a late word of
    the dead changes nothing."""
    outbox = SqlOutbox(engine, "one")
    outbox.tell([news(event())])
    dead = claimed(outbox)
    assert outbox.claim(CHANNELS) is None
    pass_time(engine, timedelta(minutes=3))
    alive = claimed(outbox)
    assert (alive.id, alive.attempts) == (dead.id, 1)
    outbox.give_up(dead, "late")
    assert outbox.depth().waiting == 1
    outbox.delivered(alive)
    assert outbox.depth().waiting == 0


def test_a_retry_holds_up_what_comes_after_it(engine: Engine) -> None:
    """News arrive in their order: the same bundle first, whatever has been queued since."""
    outbox = SqlOutbox(engine, "one")
    outbox.tell([news(event())])
    first = claimed(outbox)
    outbox.retry(first, timedelta(seconds=30), "no answer")
    outbox.tell([news(event("PassRecovered"))])
    assert outbox.claim(CHANNELS) is None
    depth = outbox.depth()
    assert (depth.waiting, depth.failing, depth.error) == (2, ("ops",), "no answer")
    pass_time(engine, timedelta(minutes=1))
    again = claimed(outbox)
    assert (again.id, again.events, again.age >= timedelta(minutes=1)) == (first.id, first.events, True)
    outbox.give_up(again, "no answer for long")
    assert [each.name for each in claimed(outbox).events] == ["PassRecovered"]


def test_the_rate_limit_counts_messages_of_all_replicas(engine: Engine) -> None:
    """Two a minute: the third waits, and takes along whatever comes meanwhile."""
    outbox, other = SqlOutbox(engine, "one"), SqlOutbox(engine, "one")
    for number, replica in enumerate((outbox, other)):
        outbox.tell([news(event(subject=f"Host/{number}"))])
        bundle = replica.claim({"ops": 2})
        assert bundle is not None
        replica.delivered(bundle)
    outbox.tell([news(event(subject="Host/a")), news(event(subject="Host/b"))])
    assert outbox.claim({"ops": 2}) is None
    pass_time(engine, timedelta(seconds=61))
    bundle = outbox.claim({"ops": 2})
    assert bundle is not None
    assert [each.subject for each in bundle.events] == ["Host/a", "Host/b"]


def test_a_message_holds_only_so_many_events(engine: Engine) -> None:
    outbox = SqlOutbox(engine, "one", Limits(bundled=3))
    outbox.tell([news(event(subject=f"Host/{number}")) for number in range(5)])
    first = claimed(outbox)
    outbox.delivered(first)
    assert (len(first.events), len(claimed(outbox).events)) == (3, 2)


def test_the_same_news_is_told_once_within_the_throttle(engine: Engine) -> None:
    outbox = SqlOutbox(engine, "one")
    for _ in range(3):
        outbox.tell([news(event())])
    assert outbox.depth().waiting == 1
    outbox.tell([news(event(), mark="PassFailed for another reason")])
    assert outbox.depth().waiting == 2
    pass_time(engine, SHORT)
    outbox.tell([news(event())])
    assert outbox.depth().waiting == 3


def test_what_people_heard_last_is_how_it_is(engine: Engine) -> None:
    """A state that comes and goes is told as it came and went first; then only how it ends up."""
    outbox = SqlOutbox(engine, "one")
    failed, recovered = event("PassFailed", key="k"), event("PassRecovered", key="k")
    for told in (failed, recovered, failed, recovered, failed, recovered):
        outbox.tell([news(told)])
    bundle = claimed(outbox)
    assert [each.name for each in bundle.events] == ["PassFailed", "PassRecovered"]
    outbox.delivered(bundle)
    outbox.tell([news(failed)])
    assert (outbox.claim(CHANNELS), outbox.depth().waiting) == (None, 1)
    pass_time(engine, SHORT)
    assert [each.name for each in claimed(outbox).events] == ["PassFailed"]


def test_no_more_wait_than_may(engine: Engine) -> None:
    """The least severe go first, the oldest of them before the newer ones, and their number is told."""
    outbox = SqlOutbox(engine, "one", Limits(waiting=4))
    severities = [
        Severity.INFO,
        Severity.ERROR,
        Severity.INFO,
        Severity.WARNING,
        Severity.INFO,
        Severity.ERROR,
    ]
    told = [
        Event("Test", severity, AT, str(number), key=str(number))
        for number, severity in enumerate(severities)
    ]
    assert outbox.tell([news(each) for each in told]) == 2
    assert [each.title for each in claimed(outbox).events] == ["1", "3", "4", "5"]


def test_an_alarm_is_news_once(engine: Engine) -> None:
    """Whoever comes second with the same state tells nothing, nor who ends what is over already."""
    outbox, other = SqlOutbox(engine, "one"), SqlOutbox(engine, "one")
    alarm = Alarm("TargetUnreachable", "Edge/main", "a")
    for replica in (outbox, other):
        replica.tell([News(news(event()).notifications, opens=alarm)])
    assert (outbox.depth().waiting, other.alarms()) == (1, [alarm])
    worse = Alarm("TargetUnreachable", "Edge/main", "b")
    other.tell([News(news(event(), mark="b").notifications, opens=worse)])
    assert (outbox.depth().waiting, outbox.alarms()) == (2, [worse])
    for replica in (outbox, other):
        replica.tell([News(news(event("TargetRecovered")).notifications, closes=alarm)])
    assert (outbox.depth().waiting, outbox.alarms()) == (3, [])
    assert SqlOutbox(engine, "two").alarms() == []


def test_what_is_over_is_forgotten_after_its_time(engine: Engine) -> None:
    """What still waits is kept, however old."""
    outbox = SqlOutbox(engine, "one")
    outbox.tell([news(event())])
    outbox.delivered(claimed(outbox))
    outbox.tell([news(event(subject="Edge/other"))])
    pass_time(engine, timedelta(days=2))
    assert (outbox.forget(timedelta(days=3)), outbox.forget(timedelta(days=1))) == (0, 1)
    assert outbox.depth().waiting == 1


def test_a_channel_that_is_gone_keeps_nothing_waiting(engine: Engine) -> None:
    outbox = SqlOutbox(engine, "one")
    outbox.tell([news(event(), "ops"), news(event(), "mail")])
    assert (outbox.keep_channels(["ops"]), outbox.keep_channels(["ops"])) == (1, 0)
    assert outbox.depth().waiting == 1
