"""Our decisions as LAPI takes them and gives them back. Pure, and sparing: there may be 300,000 of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson

from argos_gitops.providers.crowdsec.marks import Stamp, reason_and_until, source, source_of


class Batch(NamedTuple):
    """Decisions of one origin that have all in common but their value.

    `replaces`: something will be removed because of them, so they must be seen to stand first.
    """

    origin: str
    stamp: Stamp
    values: Sequence[str]
    replaces: bool = False


def end_of(stamp: Stamp) -> datetime | None:
    """When bans of this stamp end for good; None for those that are renewed."""
    _, until = reason_and_until(stamp.scenario)
    return datetime.fromisoformat(until) if until is not None else None


def count_of(batches: Iterable[Batch]) -> int:
    return sum(len(batch.values) for batch in batches)


def chunks_of(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    """The same decisions in the same order, `size` of them in each chunk but the last."""
    chunk: list[Batch] = []
    room = size
    for batch in batches:
        at = 0
        while at < len(batch.values):
            part = batch.values[at : at + room]
            chunk.append(batch._replace(values=part))
            at, room = at + len(part), room - len(part)
            if not room:
                yield chunk
                chunk, room = [], size
    if chunk:
        yield chunk


def by_source(edge: str, batches: Iterable[Batch]) -> dict[str, list[Batch]]:
    """The same batches by the source scope that they are written under."""
    found: dict[str, list[Batch]] = {}
    for batch in batches:
        found.setdefault(source_of(edge, batch.origin), []).append(batch)
    return found


class Write(NamedTuple):
    """What alerts of one write have in common; `source` and `name` are found again as their source."""

    edge: str
    source: str
    name: str
    at: datetime
    duration: timedelta


def encoded_alert(batches: Sequence[Batch], write: Write) -> bytes:
    """A list, as LAPI wants it, of one alert with all of `batches`.

    Fields that LAPI's schema demands are there though they say nothing.
    A decision ends at `stop_at` plus its duration, so an end that is set is met to the second.
    """
    at = write.at.astimezone(UTC).replace(microsecond=0)
    alert = {
        "scenario": source(write.edge),
        "scenario_hash": "",
        "scenario_version": "",
        "message": _message(batches),
        "events_count": count_of(batches),
        "events": [],
        "start_at": at.isoformat(),
        "stop_at": at.isoformat(),
        "capacity": 0,
        "leakspeed": "0",
        "simulated": False,
        "source": {"scope": write.source, "value": write.name},
        "decisions": [
            each for batch in batches for each in _decisions(batch, _lasting(batch.stamp, at, write.duration))
        ],
    }
    return orjson.dumps([alert])


def _decisions(batch: Batch, duration: str) -> Iterator[Mapping[str, str]]:
    common = {"origin": batch.origin, **batch.stamp._asdict(), "duration": duration}
    return ({**common, "value": value} for value in batch.values)


def missing_from(alerts: Iterable[Mapping[str, Any]], batches: Sequence[Batch]) -> list[Batch]:
    """What of `batches` does not stand by these alerts."""
    standing: dict[tuple[str, str, str, str], set[str]] = {}
    for alert in alerts:
        for each in alert["decisions"] or ():
            if not each["duration"].startswith("-"):
                key = (each["origin"], each["type"], each["scope"], each["scenario"])
                standing.setdefault(key, set()).add(each["value"])
    left = []
    for batch in batches:
        found = standing.get((batch.origin, *batch.stamp), set())
        missing = [value for value in batch.values if value not in found]
        if missing:
            left.append(batch._replace(values=missing))
    return left


def _message(batches: Sequence[Batch]) -> str:
    """`5,000 decisions: argos-country-NG`, naming the first two origins."""
    origins = list(dict.fromkeys(batch.origin for batch in batches))
    more = f" and {len(origins) - 2} more origins" if len(origins) > 2 else ""
    return f"{count_of(batches):,} decisions: {', '.join(origins[:2])}{more}"


def _lasting(stamp: Stamp, at: datetime, duration: timedelta) -> str:
    """In hours, minutes and seconds: CrowdSec before 1.6.9 knows no days."""
    end = end_of(stamp)
    seconds = max(1, round((end - at if end is not None else duration).total_seconds()))
    return f"{seconds // 3600}h{seconds // 60 % 60}m{seconds % 60}s"
