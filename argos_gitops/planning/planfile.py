"""A plan on disk: a commitment to what was shown, not a script.

The file holds the plan as `-o json` shows it: digests, fingerprints and masked fields, no contents and
no secret. `apply` plans again and compares, so whoever edits a file can at most make it useless.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from pydantic import BaseModel, ValidationError

from argos_gitops.model.errors import SettingsError, StalePlanError
from argos_gitops.model.objects import digest_of
from argos_gitops.model.plan import Plan
from argos_gitops.planning.render.json import document

FORMAT = "argos-gitops plan file"
FORMAT_VERSION = 2


class _KnownRevision(BaseModel):
    sha: str


class _KnownSystem(BaseModel):
    target: str
    provider: str
    live_fingerprint: str
    failure: dict[str, str] | None


class _Known(BaseModel):
    """What this program needs to find again in a plan that it wrote as JSON."""

    digest: str
    key_id: str
    revision: _KnownRevision
    systems: list[_KnownSystem]


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What a plan file commits to.

    `fingerprints` are those of the live state by system; None where it could not be observed.
    """

    revision: str
    digest: str
    key_id: str
    fingerprints: Mapping[str, str | None]


def dump(plan: Plan) -> bytes:
    content = document(plan)
    saved = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "checksum": digest_of(content),
        "plan": content,
    }
    return (json.dumps(saved, indent=2) + "\n").encode()


def load(data: bytes) -> SavedPlan:
    """The commitment in a plan file; SettingsError (reason PlanFileInvalid) when it is none, is
    damaged, or was written by a version that this one does not understand."""
    try:
        saved = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise _invalid(f"it is not JSON ({error})") from error
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise _invalid(f"expected an object whose format is {FORMAT!r}")
    if saved.get("format_version") != FORMAT_VERSION:
        raise _invalid(
            f"its format_version is {saved.get('format_version')!r:.20}, expected {FORMAT_VERSION}"
        )
    content = saved.get("plan")
    if saved.get("checksum") != digest_of(content):
        raise _invalid("its checksum does not match its content: it was cut off or edited")
    return _commitment(content)


def verify_fresh(saved: SavedPlan, replanned: Plan) -> None:
    """Returns when planning again gave the plan that was saved; StalePlanError names what moved."""
    if saved.key_id != replanned.key_id:
        raise StalePlanError(
            "the saved plan cannot be compared: it was made with another store, and digests are keyed by the "
            "store; run `plan --out` and `apply` with the same ARGOS_STORE, or plan again here"
        )
    moved = [*_moved(saved, _commitment(document(replanned)))]
    if moved:
        raise StalePlanError("the saved plan is stale: " + "; ".join(moved) + "; plan again and read it anew")


def _moved(saved: SavedPlan, now: SavedPlan) -> list[str]:
    moved = []
    if saved.revision != now.revision:
        moved.append(f"the revision moved from {saved.revision[:7]} to {now.revision[:7]}")
    for system in sorted({*saved.fingerprints, *now.fingerprints}):
        moved.extend(_system_moved(system, saved.fingerprints, now.fingerprints))
    if not moved and saved.digest != now.digest:
        moved.append(
            f"the same revision and live state now give plan {now.digest[:6]}, not {saved.digest[:6]}"
        )
    return moved


def _system_moved(system: str, saved: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[str]:
    if system not in now:
        return [f"{system} is no longer part of the plan"]
    if system not in saved:
        return [f"{system} was no part of it"]
    if saved[system] == now[system]:
        return []
    if now[system] is None:
        return [f"{system} cannot be observed now"]
    if saved[system] is None:
        return [f"{system} could not be observed then, and can be now"]
    return [f"the live state of {system} moved"]


def _commitment(content: object) -> SavedPlan:
    try:
        known = _Known.model_validate(content)
    except ValidationError as error:
        raise _invalid(f"{error.error_count()} of its fields are missing or of another type") from None
    fingerprints = {
        f"{system.target} {system.provider}": None if system.failure else system.live_fingerprint
        for system in known.systems
    }
    return SavedPlan(known.revision.sha, known.digest, known.key_id, fingerprints)


def _invalid(what: str) -> SettingsError:
    return SettingsError(
        f"this is no usable plan file: {what}; write one with `plan --out FILE`", reason="PlanFileInvalid"
    )
