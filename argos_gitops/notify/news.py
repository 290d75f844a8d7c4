"""What a pass has to tell: what happened, what began, and what is over. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from argos_gitops.model.event import ENDS, EVENTS
from argos_gitops.notify.fates import Fate, fate_of
from argos_gitops.notify.moments import moments_of
from argos_gitops.notify.seen import Seen
from argos_gitops.notify.states import states_of
from argos_gitops.ports.notify import Event
from argos_gitops.ports.outbox import Alarm
from argos_gitops.ports.report import PassResult


@dataclass(frozen=True, slots=True)
class Telling:
    """An event, and the alarm that it opens or closes. Without an event an alarm is closed in silence."""

    event: Event | None
    opens: Alarm | None = None
    closes: Alarm | None = None


def tellings(result: PassResult, open_alarms: Sequence[Alarm]) -> Iterator[Telling]:
    """In the order in which people want to read it. A pass without news gives nothing."""
    seen = Seen(result)
    if seen.nothing:
        return
    for event in moments_of(seen):
        yield Telling(event)
    known = {alarm.key: alarm for alarm in open_alarms}
    standing = {state.alarm.key: state for state in states_of(seen)}
    for key, state in standing.items():
        if known.get(key) != state.alarm:
            yield Telling(state.event, opens=state.alarm)
    for key, alarm in known.items():
        if key not in standing:
            yield from _end(alarm, fate_of(alarm, seen), result.at)


def end_of(alarm: Alarm, at: datetime) -> Telling:
    """That a state is over."""
    name = ENDS[alarm.name]
    about = f"{alarm.subject}: " if alarm.subject else ""
    title = f"{about}{EVENTS[name].meaning}"
    event = Event(name, EVENTS[name].severity, at, title, "", alarm.subject, alarm.key)
    return Telling(event, closes=alarm)


def _end(alarm: Alarm, fate: Fate, at: datetime) -> Iterator[Telling]:
    if fate is Fate.OVER:
        yield end_of(alarm, at)
    elif fate is Fate.GONE:
        yield Telling(None, closes=alarm)
