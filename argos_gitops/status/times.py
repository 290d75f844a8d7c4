"""Times on the status branch: written so that a comparison can leave them out."""

import re
from datetime import UTC, datetime

_IN_TEXT = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
_IN_YAML = re.compile(rb"^( *(?:- )?(?:since|at|appliedAt|repairedAt): ).*$", re.MULTILINE)


def for_people(when: datetime) -> str:
    """`2026-11-21 14:02:05 UTC`, the only form that pages of the branch use."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def for_programs(when: datetime) -> str:
    """`2026-11-21T14:02:05Z`; stands under `since`, `at`, `appliedAt` and `repairedAt` alone."""
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def for_names(when: datetime) -> str:
    """`20261121T140205Z`: sorts by time, and is a file name everywhere."""
    return f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def parse(text: str) -> datetime:
    """What `for_programs` wrote; ValueError for anything else."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def without_times(content: bytes) -> bytes:
    """A document of ours as it would be at any other time."""
    return _IN_YAML.sub(rb"\1", _IN_TEXT.sub(b"", content))
