"""What every document says about itself besides its kind."""

from typing import Annotated, Any

from pydantic import Field

from argos_gitops.model.resource import (
    DEPENDS_ANNOTATION,
    DRIFT_ANNOTATION,
    PRUNE_ANNOTATION,
    RESTARTED_ANNOTATION,
    SUSPEND_ANNOTATION,
    TAKE_OVER_ANNOTATION,
)
from argos_gitops.model.spec import NAME_PATTERN, SpecModel

_OURS: dict[str, Any] = {
    PRUNE_ANNOTATION: {
        "enum": ["disabled"],
        "description": "What this resource made stays when the resource goes.",
    },
    SUSPEND_ANNOTATION: {
        "enum": ["true", "false"],
        "description": 'With "true" nothing is changed for this resource.',
    },
    DEPENDS_ANNOTATION: {
        "type": "string",
        "pattern": r"^[A-Z][A-Za-z]*/[a-z0-9-]+([ ,]+[A-Z][A-Za-z]*/[a-z0-9-]+)*$",
        "description": "What must be ready at a revision before this follows: other targets for a target, "
        "other Stacks of its host for a Stack.",
    },
    TAKE_OVER_ANNOTATION: {
        "type": "string",
        "pattern": "^[0-9a-f]{12}$",
        "description": "Of an Edge: takes it over from the writer whose claim has this id, as the refusal "
        "(ClaimedByAnother) says it.",
    },
    RESTARTED_ANNOTATION: {
        "type": "string",
        "minLength": 1,
        "description": "Of a Stack: another value, such as a time, makes its containers anew.",
    },
    DRIFT_ANNOTATION: {
        "enum": ["repair", "report", "propose"],
        "description": "What happens when the world moved: repair it, report it, or propose it as a change.",
    },
}
_ANNOTATIONS_SCHEMA: dict[str, Any] = {
    "properties": _OURS,
    "patternProperties": {"^(?!argos\\.dev/)": {"type": "string"}},
    "additionalProperties": False,
}

Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=253)]


class Metadata(SpecModel):
    """Name, labels and annotations of a resource."""

    name: Name = Field(description="Name, unique within its kind.")
    labels: dict[str, str] = Field(default_factory=dict, description="Free labels, to select and group by.")
    annotations: dict[str, str] = Field(
        default_factory=dict,
        description="Notes for tools. Those under argos.dev/ steer this program; no others may stand there.",
        json_schema_extra=_ANNOTATIONS_SCHEMA,
    )
