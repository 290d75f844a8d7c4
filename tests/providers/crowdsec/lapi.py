"""Alerts as LAPI tells them, for tests that need no LAPI."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from argos_gitops.providers.crowdsec.client import Alerts
from argos_gitops.providers.crowdsec.observe import CrowdSecLive, standing_of

NOW = datetime(2026, 6, 1, 15, 30, tzinfo=UTC)
WEEK = timedelta(days=7)


def told(
    origin: str, *values: str, left: str = "167h59m59.123456789s", **fields: str
) -> Sequence[Mapping[str, str]]:
    """Decisions of one origin that have `left` to stand."""
    row = {
        "origin": origin,
        "type": "ban",
        "scope": "Range",
        "scenario": "argos-gitops/main: policy",
        "duration": left,
        **fields,
    }
    return [{**row, "value": value} for value in values]


def alert(number: int, *decisions: Mapping[str, str], age: timedelta = timedelta()) -> Mapping[str, Any]:
    created = NOW - age
    return {"id": number, "created_at": f"{created:%Y-%m-%dT%H:%M:%SZ}", "decisions": list(decisions)}


def live_of(*alerts: Mapping[str, Any]) -> CrowdSecLive:
    return CrowdSecLive(standing_of([Alerts([dict(each) for each in alerts], NOW)], WEEK), NOW)
