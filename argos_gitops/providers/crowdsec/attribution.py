"""What is known of how drift came into LAPI. Pure: who reads the alerts is provider.py.

LAPI keeps what was ended until its flush takes the alert: a row whose end lies in the past tells when it was
ended, and a row of which no alert is left went with its alert. What was added tells its alert's machine.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from argos_gitops.model.change import Change
from argos_gitops.model.go_duration import seconds_of
from argos_gitops.model.objects import Content
from argos_gitops.providers.crowdsec.answers import moment
from argos_gitops.providers.crowdsec.client import Alerts
from argos_gitops.providers.crowdsec.marks import Stamp, origin_of
from argos_gitops.providers.crowdsec.observe import stamp_of
from argos_gitops.providers.crowdsec.rows import end_of

_TOLERANCE = timedelta(minutes=1)
"""How long LAPI may have taken to store an alert; its rows are counted from when we wrote it."""

_Key = tuple[str, str, str, str, str]


class _Row(NamedTuple):
    """One decision, ended ones too. `until` is its end, `meant` the end that it was written with."""

    alert: int
    until: datetime
    meant: datetime
    machine: str
    created: datetime


@dataclass(frozen=True, slots=True)
class History:
    """The newest row of each value under each origin and stamp, as far as alerts are left."""

    rows: Mapping[_Key, _Row]

    @classmethod
    def of(cls, changes: Iterable[Change], answers: Iterable[Alerts], duration: timedelta) -> "History":
        """What alerts tell of the objects of `changes`; `duration` is how long rows are written to last."""
        origins = {origin_of(change.object_id) for change in changes}
        rows: dict[_Key, _Row] = {}
        for alerts in answers:
            for alert in alerts.items:
                for key, row in _rows(alert, alerts.told_at, duration):
                    if key[0] in origins and (key not in rows or rows[key].alert < row.alert):
                        rows[key] = row
        return cls(rows)

    def note(self, change: Change) -> str:
        """One sentence for what is missing, and one for what is too much; empty where nothing is known."""
        wanted, standing = _keys(change, change.after), _keys(change, change.before)
        gone, came = self._gone(sorted(wanted - standing)), self._came(sorted(standing - wanted))
        return "; ".join([*_counted(change), *gone, *came])

    def _gone(self, values: Sequence[_Key]) -> Iterator[str]:
        found = [self.rows[key] for key in values if key in self.rows]
        flushed = len(values) - len(found)
        if flushed:
            yield f"{_bans(flushed)} gone with their alert (LAPI's flush, or `cscli alerts delete`)"
        early = [row.until for row in found if row.until < row.meant - _TOLERANCE]
        if early:
            yield f"{_bans(len(early))} ended early, deleted in LAPI {_span(early)}"
        late = len(found) - len(early)
        if late:
            yield f"{_bans(late)} ended without having been renewed in time"

    def _came(self, values: Sequence[_Key]) -> Iterator[str]:
        found = [self.rows[key] for key in values if key in self.rows]
        if found:
            machines = ", ".join(sorted({row.machine or "unknown" for row in found}))
            newest = _time(max(row.created for row in found))
            yield f"{_bans(len(found))} added under our mark by machine {machines}, last at {newest} UTC"


def _rows(alert: Mapping[str, Any], told_at: datetime, duration: timedelta) -> Iterator[tuple[_Key, _Row]]:
    created = moment(alert["created_at"])
    for each in alert["decisions"] or ():
        stamp = Stamp(each["type"], each["scope"], each["scenario"])
        until = told_at + timedelta(seconds=seconds_of(each["duration"]))
        meant = end_of(stamp) or created + duration
        yield (
            (each["origin"], *stamp, each["value"]),
            _Row(alert["id"], until, meant, alert.get("machine_id") or "", created),
        )


def _keys(change: Change, content: Content | None) -> frozenset[_Key]:
    """All rows of a content, those under replaced stamps too."""
    if content is None:
        return frozenset()
    origin, parts = origin_of(change.object_id), (content, *content.get("also", ()))
    return frozenset((origin, *stamp_of(part), value) for part in parts for value in part["values"])


def _counted(change: Change) -> Iterator[str]:
    """A country by the rule of the Argos panel, which counts: more than one percent, and more than one."""
    if change.object_id.startswith("country/"):
        wanted, standing = len(_keys(change, change.after)), len(_keys(change, change.before))
        if not wanted:
            yield f"{standing:,} ranges stand, and none is to"
            return
        diverged = abs(wanted - standing) > max(1, wanted / 100)
        rule = "more than 1 % off" if diverged else "within 1 %"
        yield f"{standing:,} of {wanted:,} ranges stand, {rule}"


def _bans(count: int) -> str:
    return "1 ban" if count == 1 else f"{count:,} bans"


def _span(times: Sequence[datetime]) -> str:
    first, last = _time(min(times)), _time(max(times))
    return f"at {first} UTC" if first == last else f"between {first} and {last} UTC"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"
