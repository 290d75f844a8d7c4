"""Usage metrics of a bouncer, for `cscli metrics show bouncers`.

Facts: CrowdSec 1.7.8, run: `POST /v1/usage-metrics` with the bouncer's key, answered with 201; older ones
know no such call.
"""

import platform
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from argos_gitops import __version__
from argos_gitops.model.errors import ProviderError
from argos_gitops.ports.verdict import Labels, Usage, UsageSource

REPORT_SECONDS = 900.0
"""How often LAPI is told."""

_TYPE = "argos-gitops"

Send = Callable[[Mapping[str, Any]], bool]
"""Sends a report; False when LAPI knows no such call. Raises ProviderError."""


class UsageReporter:
    """Tells LAPI every quarter of an hour what has come since it was last told.

    What could not be told is told with the next report. A LAPI without the call is not asked again.
    """

    def __init__(
        self,
        source: UsageSource,
        send: Send,
        monotonic: Callable[[], float] = time.monotonic,
        seconds: float | None = None,
    ) -> None:
        self._source = source
        self._send = send
        self._monotonic = monotonic
        self._seconds = REPORT_SECONDS if seconds is None else seconds
        self._began = datetime.now(UTC)
        self._told = Usage()
        self._told_at = self._tried_at = monotonic()
        self._supported = True
        self.error = ""

    def report_if_due(self) -> None:
        """Raises nothing; `error` says why the last report was not taken."""
        now = self._monotonic()
        if not self._supported or now - self._tried_at < self._seconds:
            return
        self._tried_at = now
        usage = self._source.usage()
        try:
            self._supported = self._send(self._report(usage, now - self._told_at))
        except ProviderError as error:
            self.error = str(error)
            return
        self._told, self._told_at, self.error = usage, now, ""

    def _report(self, usage: Usage, window: float) -> Mapping[str, Any]:
        metrics = {
            "meta": {
                "window_size_seconds": round(window),
                "utc_now_timestamp": int(datetime.now(UTC).timestamp()),
            },
            "items": [*_items(usage, self._told)],
        }
        component = {
            "type": _TYPE,
            "version": __version__,
            "name": _TYPE,
            "feature_flags": [],
            "os": _system(),
            "utc_startup_timestamp": int(self._began.timestamp()),
            "metrics": [metrics],
        }
        return {"log_processors": [], "remediation_components": [component]}


def _items(usage: Usage, told: Usage) -> Iterator[Mapping[str, Any]]:
    for family, count in sorted(usage.processed.items()):
        if more := count - told.processed.get(family, 0):
            yield _item("processed", more, "request", {"ip_type": family})
    for labels, count in sorted(usage.dropped.items()):
        if more := count - told.dropped.get(labels, 0):
            yield _item("dropped", more, "request", _labels(labels))
    for labels, count in sorted(usage.active.items()):
        yield _item("active_decisions", count, "ip", _labels(labels))


def _item(name: str, value: int, unit: str, labels: Mapping[str, str]) -> Mapping[str, Any]:
    return {"name": name, "value": value, "unit": unit, "labels": dict(labels)}


def _labels(labels: Labels) -> Mapping[str, str]:
    return dict(zip(("origin", "remediation", "ip_type"), labels, strict=True))


def _system() -> Mapping[str, str]:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return {"name": platform.system(), "version": platform.release()}
    return {"name": release.get("ID", ""), "version": release.get("VERSION_ID", "")}
