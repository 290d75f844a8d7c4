"""LAPI's alerts become live objects. Pure: who reads them is provider.py.

Two requests read all that is ours on one Edge: alerts are filtered by their source (marks.py), which needs
no join over decisions. `GET /v1/decisions` is not used: it wants the Edge's bouncer key, which LAPI binds to
an address, and it lacks the age of the alert, by which LAPI's flush removes decisions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from argos_gitops.model.go_duration import nanoseconds_of
from argos_gitops.model.objects import Content, LiveObject, digest_of
from argos_gitops.model.plan import Failure
from argos_gitops.providers.crowdsec.allowed import AllowedByLapi
from argos_gitops.providers.crowdsec.answers import moment, text
from argos_gitops.providers.crowdsec.client import Alerts
from argos_gitops.providers.crowdsec.marks import Stamp, likely_owner, object_id_of
from argos_gitops.providers.crowdsec.rows import Write

ENDS_WITHIN_SECONDS = 5.0
"""How exactly an end is known: LAPI tells the time left in whole seconds, and an answer takes its time."""

_DIGITS = "0123456789"
_SECOND = 1_000_000_000


@dataclass
class Standing:
    """The rows of one origin: by stamp, the values that stand and when each ends (Unix time), whatever
    ends it first. `newest` is the stamp written last."""

    stamps: dict[Stamp, dict[str, float]] = field(default_factory=dict)
    newest: Stamp | None = None
    newest_alert: int = -1

    def settle(self, stamp: Stamp, alert: int) -> None:
        """Keeps the stamp written last; of two in one alert always the same one."""
        if self.newest is None or (alert, stamp) > (self.newest_alert, self.newest):
            self.newest, self.newest_alert = stamp, alert

    def ends(self, stamp: Stamp) -> Mapping[str, float]:
        return self.stamps.get(stamp, {})


@dataclass(frozen=True)
class CrowdSecLive:
    """What stood in one LAPI for one Edge. `turn` is the last write of ours before it was read.

    All times are by our clock, which showed `observed_at`; LAPI's was `ahead` of it by so much.
    """

    standing: Mapping[str, Standing]
    observed_at: datetime
    turn: str = ""
    notices: Sequence[Failure] = ()
    ahead: timedelta = timedelta()
    allowed: Sequence[AllowedByLapi] = ()
    """What LAPI's own allowlists take out of bans."""
    observed_monotonic: float | None = None
    """The same moment by the clock that only runs forward; tells whether ours was set since."""

    def ahead_at(self, now: datetime, monotonic: float) -> timedelta:
        """By how much LAPI's clock is ahead of ours now, even if ours was set since this look."""
        if self.observed_monotonic is None:
            return self.ahead
        passed = timedelta(seconds=monotonic - self.observed_monotonic)
        return self.ahead + (self.observed_at + passed - now)

    @cached_property
    def objects(self) -> Mapping[str, LiveObject]:
        return {
            object_id: LiveObject(object_id, content_of(found), True, likely_owner(object_id))
            for object_id, found in sorted(self.standing.items())
        }

    @cached_property
    def fingerprint(self) -> str:
        allowed = [[each.name, *map(str, each.networks)] for each in self.allowed]
        return digest_of([allowed, [[each.id, each.content] for each in self.objects.values()]])

    def of(self, object_id: str) -> Standing:
        return self.standing.get(object_id, Standing())


def active_under(source: str) -> dict[str, str]:
    """Which alerts to ask for: those under a source scope of ours that may still ban somebody."""
    return {"scope": source, "has_active_decision": "true"}


def ever_under(source: str) -> dict[str, str]:
    """The same with what has ended, as far as LAPI's flush has left it."""
    return {"scope": source}


def written_by(write: Write) -> dict[str, str]:
    """The alerts of one write alone."""
    return {"scope": write.source, "value": write.name}


def content_of(standing: Standing) -> Content:
    """The normal form; `also` holds what stands under stamps that newer rows have replaced."""
    newest = standing.newest
    assert newest is not None  # noqa: S101 # an object without rows is never made
    content = ban_content(newest, sorted(standing.stamps[newest]))
    others = sorted(stamp for stamp in standing.stamps if stamp != newest)
    if others:
        content["also"] = [ban_content(stamp, sorted(standing.stamps[stamp])) for stamp in others]
    return content


def ban_content(stamp: Stamp, values: Sequence[str]) -> dict[str, Any]:
    return {**stamp._asdict(), "values": tuple(values)}


def stamp_of(content: Content) -> Stamp:
    return Stamp(content["type"], content["scope"], content["scenario"])


def standing_of(answers: Iterable[Alerts], max_age: timedelta) -> dict[str, Standing]:
    """What stands, by object id. Doubled values (a renewal and what it replaces) count once.

    Ends are by our clock: LAPI tells the time that is left. Raises what `as_lapi_tells` knows when an alert
    is not as LAPI tells them.
    """
    rows = _Rows()
    for alerts in answers:
        our_time = alerts.told_at.timestamp() - alerts.ahead.total_seconds()
        for alert in alerts.items:
            age = (alerts.told_at - moment(alert["created_at"])).total_seconds()
            rows.read(alert, our_time, our_time + max_age.total_seconds() - age)
    return rows.by_object()


def same_bans(one: Mapping[str, Standing], other: Mapping[str, Standing], room: str) -> bool:
    """Whether the objects of a room (`decision/`, `country/`) are the same, whenever their rows end."""
    return _bans(one, room) == _bans(other, room)


def _bans(standing: Mapping[str, Standing], room: str) -> Mapping[str, object]:
    """Views instead of copies: 100,000 values are compared in some 5 ms."""
    return {
        object_id: (found.newest, {stamp: ends.keys() for stamp, ends in found.stamps.items()})
        for object_id, found in standing.items()
        if object_id.startswith(room)
    }


_Key = tuple[str, str, str, str]


class _Rows:
    """Gathers the active decisions of many alerts: 100,000 of them in some 0.1 s."""

    def __init__(self) -> None:
        self._ends: dict[_Key, dict[str, float]] = {}
        self._newest: dict[_Key, int] = {}
        self._seconds: dict[str, float] = {}

    def read(self, alert: Mapping[str, Any], told_at: float, flushed_at: float) -> None:
        last: _Key | None = None
        values: dict[str, float] = {}
        for decision in alert["decisions"] or ():
            duration = decision["duration"]
            if has_ended(duration):
                continue
            key = (decision["origin"], decision["type"], decision["scope"], decision["scenario"])
            if key != last:
                for part in key:
                    text(part)
                values, last = self._ends.setdefault(key, {}), key
                self._newest[key] = max(self._newest.get(key, -1), alert["id"])
            end = min(told_at + self._left(duration), flushed_at)
            value = decision["value"]
            if value.__class__ is not str:
                text(value)
            if values.get(value, 0.0) < end:
                values[value] = end

    def by_object(self) -> dict[str, Standing]:
        found: dict[str, Standing] = {}
        for key, ends in self._ends.items():
            origin, stamp = key[0], Stamp(*key[1:])
            object_id = object_id_of(origin)
            if object_id is not None:
                standing = found.setdefault(object_id, Standing())
                standing.stamps[stamp] = ends
                standing.settle(stamp, self._newest[key])
        return found

    def _left(self, duration: str) -> float:
        """Whole seconds of a Go duration: `167h59m56.9s` from 1.4.6, `167h59m57s` from 1.7.

        Rows of one alert differ in their fractions at most, so whole seconds are looked up.
        """
        whole, dot, fraction = duration.partition(".")
        if dot and fraction.lstrip(_DIGITS) != "s":  # less than a second, such as 713.297727ms
            return float(max(0, nanoseconds_of(duration)) // _SECOND)
        if dot:
            whole += "s"
        known = self._seconds.get(whole)
        if known is None:
            known = self._seconds[whole] = float(max(0, nanoseconds_of(whole)) // _SECOND)
        return known


def has_ended(duration: str) -> bool:
    """LAPI tells what is left of an ended decision as less than nothing."""
    return duration.startswith("-")
