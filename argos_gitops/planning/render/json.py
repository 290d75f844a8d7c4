"""A plan as JSON for programs; docs/reference/plan-json.md describes every field.

The text is pure ASCII: what could move a terminal's cursor is escaped, and parses back unchanged.
"""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from argos_gitops.model.change import Change
from argos_gitops.model.plan import Failure, Held, Plan, SystemPlan
from argos_gitops.model.problem import Location
from argos_gitops.model.source import Revision
from argos_gitops.planning.render.summary import summarize

FORMAT_VERSION = "1.1"
"""Fields are added in minor versions; a major version may take some away."""


def render(plan: Plan) -> str:
    return json.dumps(document(plan), ensure_ascii=True, indent=2) + "\n"


def document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON-able values. Contents stay out; fields are masked already."""
    return {
        "format_version": FORMAT_VERSION,
        "digest": plan.digest,
        "key_id": plan.key_id,
        "revision": _revision(plan.revision),
        "applied": {"sha": plan.applied_revision, "at": _time(plan.applied_at)},
        "summary": asdict(summarize(plan)),
        "blocked": bool(plan.blocked),
        "systems": [_system(system) for system in plan.systems],
    }


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "sha": revision.sha,
        "tree": revision.tree,
        "ref": revision.ref,
        "subject": revision.subject,
        "committed_at": _time(revision.committed_at),
        "is_commit": revision.is_commit,
    }


def _system(system: SystemPlan) -> dict[str, Any]:
    return {
        "target": str(system.system.target),
        "provider": system.system.provider,
        "live_fingerprint": system.live_fingerprint,
        "existing": dict(system.existing),
        "changes": [_change(change) for change in system.changes],
        "blocked": list(system.blocked),
        "held": [_held(held) for held in system.held],
        "notices": [_notice(notice) for notice in system.notices],
        "failure": None if system.failure is None else _failure(system.failure),
        "observed_only": system.observed_only,
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "action": change.action.value,
        "cause": change.cause.value,
        "object": change.object_id,
        "owner": str(change.owner),
        "location": _location(change.location),
        "fields": [
            {"name": field.name, "before": field.before, "after": field.after} for field in change.fields
        ],
        "note": change.note,
        "since": _time(change.since),
    }


def _held(held: Held) -> dict[str, Any]:
    return {
        "change": _change(held.change),
        "reason": held.reason,
        "message": held.message,
        "until": _time(held.until),
        "intended": held.intended,
    }


def _location(location: Location | None) -> dict[str, Any] | None:
    if location is None:
        return None
    return {"path": location.path, "line": location.line, "column": location.column}


def _failure(failure: Failure) -> dict[str, str]:
    return {"reason": failure.reason, "message": failure.message}


def _notice(notice: Failure) -> dict[str, Any]:
    return {
        **_failure(notice),
        "subject": None if notice.subject is None else str(notice.subject),
        "condition": notice.condition,
        "location": _location(notice.location),
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
