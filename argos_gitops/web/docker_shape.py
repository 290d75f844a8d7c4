"""The report of a Docker host's push agent: its shape, checked field by field, and masked once more.

The shape is the contract of docs/docker-hosts.md: that of ArchNest's agent, and what ours adds. Where agents
may differ it is generous: null is the same as left out, which says "not reported", and fields that nobody
knows are dropped. What a report holds is shown to people, so secrets in it are masked, whoever forgot to.

How much of one report is looked at is bounded. What is cut off is named: each container has a list
`truncated` of the fields that hold less than was sent.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from argos_gitops.model.masking import TRUNCATED, TextLimit, is_secret_name, is_switch, masked_texts
from argos_gitops.model.secret import MASK
from argos_gitops.ports.reports import Heartbeat, IncomingReport
from argos_gitops.web.answers import RefusalError

MOST_CONTAINERS = 10_000
MOST_ENTRIES = 4_096
"""Of each list and mapping of a container."""
MOST_LABELS_TEXT = MOST_OTHER_TEXT = 1024 * 1024
"""Characters in one report that may hold secrets: labels, by which Stacks are known, have their own share."""
_MOST_DETAILS = 20
_LONGEST_STEP = 60
_LARGEST = 2**63 - 1
_YEARS = range(1970, 9999)


def _plausible(moment: datetime) -> datetime:
    """In UTC, which is meant where nothing is said."""
    if moment.year not in _YEARS:
        raise ValueError("expected a year from 1970 on")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


# What goes to columns and lists of its own is one line of text; the longest are those that Linux allows.
_Line = Annotated[str, StringConstraints(max_length=1024, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Text = Annotated[str, StringConstraints(max_length=128 * 1024, pattern=r"^[^\x00]*$")]
_Texts = list[_Text]
_Word = Annotated[str, StringConstraints(pattern=r"^[a-z]{1,32}$")]
_Identity = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$")]
_HostId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
_HostName = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Version = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Digest = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,200}$")]
_Moment = Annotated[datetime, AfterValidator(_plausible)]
_Port = Annotated[int, Field(ge=0, le=65535)]
_Count = Annotated[int, Field(ge=0, le=_LARGEST)]
_Signed = Annotated[int, Field(ge=-_LARGEST, le=_LARGEST)]
_Amount = Annotated[int | float, Field(ge=0, le=1e18)]


class _Reported(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True
    )


_ReportedT = TypeVar("_ReportedT", bound=_Reported)


class _PublishedPort(_Reported):
    host_ip: _Line | None = None
    host_port: _Port | None = None
    container_port: _Port
    proto: _Word | None = None


class _Attached(_Reported):
    name: _Line
    ip: _Line | None = None


class _Mount(_Reported):
    type: _Word | None = None
    source: _Text | None = None
    destination: _Text
    rw: bool | None = None


class _Variable(_Reported):
    key: _Text
    value: _Text | None = None


class _Stats(_Reported):
    cpu_percent: _Amount | None = None
    mem_usage: _Amount | None = None
    mem_limit: _Amount | None = None
    net_rx_bytes: _Amount | None = None
    net_tx_bytes: _Amount | None = None
    block_read_bytes: _Amount | None = None
    block_write_bytes: _Amount | None = None


class _Limits(_Reported):
    cpus: _Amount | None = None
    memory_bytes: _Count | None = None
    pids: _Signed | None = None


class _Security(_Reported):
    user: _Line | None = None
    cap_add: _Texts | None = None
    cap_drop: _Texts | None = None
    security_opt: _Texts | None = None
    read_only_rootfs: bool | None = None
    privileged: bool | None = None
    limits: _Limits | None = None
    log_driver: _Line | None = None
    log_options: dict[_Text, _Text] | None = None
    network_mode: _Line | None = None


class _Container(_Reported):
    id: _Identity
    name: _Line
    image: _Line
    image_id: _Line | None = None
    image_digests: _Texts | None = None
    state: _Word
    status: _Line | None = None
    created_at: _Line | None = None
    started_at: _Line | None = None
    exit_code: _Signed | None = None
    restart_count: _Count | None = None
    restart_policy: _Line | None = None
    health: _Word | None = None
    ports: list[_PublishedPort] | None = None
    networks: list[_Attached] | None = None
    mounts: list[_Mount] | None = None
    env: list[_Variable] | None = None
    command: _Text | None = None
    labels: dict[_Text, _Text] | None = None
    stats: _Stats | None = None
    security: _Security | None = None

    @classmethod
    def reported_names(cls) -> frozenset[str]:
        return frozenset(str(field.alias) for field in cls.model_fields.values())


class _Head(_Reported):
    host_id: _HostId
    hostname: _HostName = ""
    agent_version: _Version = ""
    reported_at: _Moment
    digest: _Digest | None = None
    unchanged_since: _Digest | None = None


def parse_json(body: bytes) -> Mapping[str, Any]:
    """The object that `body` holds; refuses with 400 when it holds none."""
    try:
        document = orjson.loads(body)
    except ValueError:
        raise _invalid(["the body is no JSON"]) from None
    if not isinstance(document, dict):
        raise _invalid(["the body is no JSON object"])
    return document


def parse_report(document: Mapping[str, Any]) -> IncomingReport | Heartbeat:
    """What was reported; refuses with 400 and the place of everything that is wrong, never with a value."""
    details: list[str] = []
    head = _checked(_Head, document, "", details)
    if document.get("containers") is None and document.get("unchangedSince") is not None:
        return _heartbeat(head, details)
    containers = list(_containers(document.get("containers"), details))
    if head is None or details:
        raise _invalid(details)
    return IncomingReport(
        head.host_id, head.hostname, head.agent_version, head.reported_at, containers, head.digest or ""
    )


def _heartbeat(head: _Head | None, details: Sequence[str]) -> Heartbeat:
    if head is None or head.unchanged_since is None:
        raise _invalid(details)
    return Heartbeat(head.host_id, head.hostname, head.agent_version, head.reported_at, head.unchanged_since)


@dataclass(frozen=True, slots=True)
class _Room:
    """How much text of one report is still looked through."""

    labels: TextLimit = field(default_factory=lambda: TextLimit(MOST_LABELS_TEXT))
    other: TextLimit = field(default_factory=lambda: TextLimit(MOST_OTHER_TEXT))


def _containers(given: Any, details: list[str]) -> Iterator[Mapping[str, Any]]:
    """One after the other, so that other threads get their turn; stops when enough is wrong."""
    if not isinstance(given, list):
        details.append("containers: expected a list")
        return
    if len(given) > MOST_CONTAINERS:
        details.append(f"containers: expected {MOST_CONTAINERS} at most")
        return
    known: set[str] = set()
    room = _Room()
    for number, each in enumerate(given):
        cut, truncated = _cut(each)
        container = _checked(_Container, cut, f"containers[{number}]", details)
        if container is not None:
            if container.id in known:
                details.append(f"containers[{number}].id: the same as of one before")
            known.add(container.id)
            yield _masked(container.model_dump(by_alias=True, exclude_none=True), truncated, room)
        if len(details) >= _MOST_DETAILS:
            return


def _cut(container: Any) -> tuple[Any, set[str]]:
    """The container with lists and mappings of bounded length, and the fields that were longer."""
    if not isinstance(container, dict):
        return container, set()
    truncated = {name for name, value in container.items() if _is_long(value)}
    cut = {name: _beginning(value) for name, value in islice(container.items(), MOST_ENTRIES)}
    security = cut.get("security")
    if isinstance(security, dict):
        truncated |= {"security" for value in security.values() if _is_long(value)}
        cut["security"] = {name: _beginning(value) for name, value in security.items()}
    return cut, truncated & _Container.reported_names()


def _is_long(value: Any) -> bool:
    return isinstance(value, list | dict) and len(value) > MOST_ENTRIES


def _beginning(value: Any) -> Any:
    if not _is_long(value):
        return value
    return value[:MOST_ENTRIES] if isinstance(value, list) else dict(islice(value.items(), MOST_ENTRIES))


def _checked(model: type[_ReportedT], value: Any, place: str, details: list[str]) -> _ReportedT | None:
    """`value` as `model` says; else None, with the reasons added to `details`."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        details += [f"{_place(place, each['loc'])}: {each['msg']}" for each in found[:_MOST_DETAILS]]
        return None


def _place(place: str, steps: Sequence[int | str]) -> str:
    """`containers[3].ports[0].hostPort`."""
    for step in steps:
        shown = f"[{step}]" if isinstance(step, int) else f".{step[:_LONGEST_STEP]}"
        place += shown
    return place.lstrip(".") or "the report"


def _masked(container: dict[str, Any], truncated: set[str], room: _Room) -> dict[str, Any]:
    """All text of a container is looked at together, as most of it holds no secret."""
    labels = container.get("labels", {})
    settings = container.get("security", {}).get("logOptions", {})
    truncated |= _masked_at("labels", list(_settings(labels)), room.labels)
    command = [(container, "command")] if "command" in container else []
    truncated |= _masked_at("command", command, room.other)
    truncated |= _masked_at("env", list(_variables(container.get("env", ()))), room.other)
    truncated |= _masked_at("security.logOptions", list(_settings(settings)), room.other)
    return container | ({"truncated": sorted(truncated)} if truncated else {})


_Places = list[tuple[dict[str, Any], str]]


def _variables(env: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    for variable in env:
        if "value" in variable and is_secret_name(variable["key"]):
            variable["value"] = MASK
        elif "value" in variable:
            yield variable, "value"


def _settings(settings: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    for name, value in settings.items():
        if is_secret_name(name) and not is_switch(value):
            settings[name] = MASK
        else:
            yield settings, name


def _masked_at(field_name: str, places: _Places, limit: TextLimit) -> set[str]:
    """Masks the texts at these places; the name of the field, if one was too much."""
    texts = masked_texts([holder[name] for holder, name in places], limit)
    for (holder, name), text in zip(places, texts, strict=True):
        holder[name] = text
    return {field_name} if TRUNCATED in texts else set()


def _invalid(details: Sequence[str]) -> RefusalError:
    message = "this is no report of a Docker host; details tells what is wrong where"
    return RefusalError(400, "InvalidReport", message, details=details[:_MOST_DETAILS])
