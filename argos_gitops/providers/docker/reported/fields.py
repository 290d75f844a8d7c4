"""A reported service as labelled fields for people. Pure; of the environment only names are ever told."""

from collections.abc import Mapping, Sequence

from argos_gitops.providers.docker.fields import limits_told
from argos_gitops.providers.docker.reported.expectation import Content

NOT_REPORTED = "not reported by this source"

LABELS = {
    "image": "image",
    "digest": "image digest",
    "state": "state",
    "health": "health",
    "replicas": "replicas",
    "restart": "restart policy",
    "limits": "limits",
    "ports": "ports",
    "mounts": "mounts",
    "networks": "networks",
    "env": "environment",
    "user": "user",
    "readOnly": "read-only root",
    "privileged": "privileged",
    "capabilities": "capabilities",
}
"""What people call the parts of a content, in reading order."""


def fields_of(content: Content) -> dict[str, str]:
    """Without what is neither set nor asked for."""
    unreported = content.get("unreported", ())
    told: dict[str, str] = {}
    for name, label in LABELS.items():
        value = content.get(name)
        if name in unreported:
            told[label] = NOT_REPORTED
        elif name == "limits":
            told |= limits_told(value or {})
        elif name == "mounts":
            told |= {f"mount {target}": source or "volume" for target, source in (value or {}).items()}
        elif name != "replicas" or value != 1:
            told[label] = _text(value)
    return {label: text for label, text in told.items() if text}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def unreported(content: Content, wanted: Mapping[str, object]) -> list[str]:
    """The labels of what should be somehow, and is not told by the source."""
    return [LABELS[name] for name in content.get("unreported", ()) if wanted.get(name)]
