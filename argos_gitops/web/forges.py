"""The forges whose webhooks are understood: how each signs, names its events, and tells of a push."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from argos_gitops.model.secret import SecretValue
from argos_gitops.web import signatures
from argos_gitops.web.pushes import (
    Payload,
    Push,
    read_bitbucket,
    read_generic,
    read_github,
    read_gitlab,
    text_at,
)
from argos_gitops.web.signatures import Delivery


@dataclass(frozen=True, slots=True)
class Forge:
    """`check` tells whether a delivery is genuine, `event` names what it is about.

    `pushes` and `pings` are the events that are pushes, and that only ask whether somebody is there.
    """

    check: Callable[[Delivery, SecretValue], bytes]
    event: Callable[[Mapping[str, str], Payload], str]
    read: Callable[[Payload], Push]
    pushes: frozenset[str] = frozenset({"push"})
    pings: frozenset[str] = frozenset({"ping"})


def _header(*names: str) -> Callable[[Mapping[str, str], Payload], str]:
    def event(headers: Mapping[str, str], payload: Payload) -> str:
        return next((headers[name] for name in names if name in headers), "")

    return event


def _gitlab_event(headers: Mapping[str, str], payload: Payload) -> str:
    """System hooks say `event_name` where project hooks say `object_kind`."""
    return text_at(payload, "object_kind") or text_at(payload, "event_name")


def _generic_event(headers: Mapping[str, str], payload: Payload) -> str:
    return text_at(payload, "event") if "event" in payload else "push"


FORGES: Mapping[str, Forge] = {
    "github": Forge(signatures.check_github, _header("x-github-event"), read_github),
    "gitlab": Forge(
        signatures.check_gitlab, _gitlab_event, read_gitlab, pushes=frozenset({"push", "tag_push"})
    ),
    "gitea": Forge(signatures.check_gitea, _header("x-gitea-event"), read_github),
    "forgejo": Forge(signatures.check_forgejo, _header("x-forgejo-event", "x-gitea-event"), read_github),
    "bitbucket": Forge(
        signatures.check_bitbucket,
        _header("x-event-key"),
        read_bitbucket,
        pushes=frozenset({"repo:push", "repo:refs_changed"}),
        pings=frozenset({"diagnostics:ping"}),
    ),
    "generic": Forge(signatures.check_generic, _generic_event, read_generic),
}
"""By the last part of the path `/webhooks/{provider}`."""
