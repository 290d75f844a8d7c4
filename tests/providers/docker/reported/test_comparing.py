"""Properties of comparing: whatever is left out of a report is never a difference, and nothing breaks it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from argos_gitops.providers.docker.policy.facts import of_container
from argos_gitops.providers.docker.policy.judging import rules_of
from argos_gitops.providers.docker.policy.kinds import ContainerPolicySpec
from argos_gitops.providers.docker.policy.rules import RULES
from argos_gitops.providers.docker.reported.comparing import beside
from argos_gitops.providers.docker.reported.containers import content_of
from argos_gitops.providers.docker.reported.fields import NOT_REPORTED, fields_of
from tests.providers.docker.reported.reporting import ours

WANTED: dict[str, Any] = {
    "service": "wiki/web",
    "image": "nginx:1.27@sha256:" + "1" * 64,
    "digest": "sha256:" + "1" * 64,
    "state": "running",
    "replicas": 1,
    "restart": "unless-stopped",
    "ports": ["8080→80/tcp"],
    "mounts": {"/data": "volume wiki_data", "/etc/conf": "./conf (ro)", "/tmp": "tmpfs"},  # noqa: S108 # data
    "networks": ["wiki_default"],
    "env": ["MODE"],
    "limits": {"memory": 512 << 20},
    "readOnly": False,
    "privileged": False,
    "capabilities": [],
    "user": "",
    "put": [],
}
REQUIRED = {"id", "name", "image", "state", "labels"}
NONE: frozenset[str] = frozenset()

optional = st.sets(st.sampled_from(sorted(ours().keys() - REQUIRED)))
blocks = st.sets(st.sampled_from(sorted(ours()["security"])))


def without(container: dict[str, Any], names: set[str], inside: set[str]) -> dict[str, Any]:
    security = {name: value for name, value in container["security"].items() if name not in inside}
    return {name: value for name, value in {**container, "security": security}.items() if name not in names}


@given(optional, blocks)
def test_what_is_left_out_is_never_a_difference(names: set[str], inside: set[str]) -> None:
    container = without(ours(), names, inside)
    assert beside(WANTED, [container], NONE) == WANTED


@given(optional, blocks)
def test_what_is_left_out_is_said_to_be(names: set[str], inside: set[str]) -> None:
    """And nothing that is there."""
    container = without(ours(), names, inside)
    shown = fields_of(content_of("wiki", "web", [container], NONE))
    assert (shown.get("image digest") == NOT_REPORTED) is ("imageDigests" in names)
    assert (shown.get("limits") == NOT_REPORTED) is ("security" in names or "limits" in inside)
    assert (shown.get("ports") == NOT_REPORTED) is ("ports" in names)


texts = st.text(max_size=20) | st.sampled_from(
    ["exited", "running", "restarting", "unhealthy", "host", "a:b"]
)
ports = st.fixed_dictionaries(
    {"containerPort": st.integers(0, 65535)},
    optional={"hostIp": texts | st.none(), "hostPort": st.integers(0, 65535) | st.none(), "proto": texts},
)
mounts = st.fixed_dictionaries(
    {"destination": texts}, optional={"type": texts, "source": texts | st.none(), "rw": st.booleans()}
)
limits = st.dictionaries(st.sampled_from(["cpus", "memoryBytes", "pids"]), st.integers(-1, 9) | st.none())
hostile = st.fixed_dictionaries(
    {"id": texts, "name": texts, "image": texts, "state": texts},
    optional={
        "status": texts,
        "exitCode": st.integers(),
        "startedAt": texts,
        "restartPolicy": texts,
        "health": texts,
        "ports": st.lists(ports, max_size=3),
        "networks": st.lists(st.fixed_dictionaries({"name": texts}), max_size=2),
        "mounts": st.lists(mounts, max_size=3),
        "env": st.lists(st.fixed_dictionaries({"key": texts}), max_size=2),
        "imageDigests": st.lists(texts, max_size=2),
        "security": st.fixed_dictionaries(
            {},
            optional={
                "user": texts,
                "capAdd": st.lists(texts, max_size=2),
                "limits": limits,
                "logDriver": texts,
                "logOptions": st.dictionaries(st.sampled_from(["max-size", "max-file"]), texts),
                "networkMode": texts,
            },
        ),
    },
)


@settings(max_examples=200)
@given(hostile, hostile)
def test_nothing_that_is_reported_breaks_it(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Reports are checked for their shape when they come, not for making sense."""
    found = beside({**WANTED, "ports": ["(any)→80/tcp", "8000-8010→81/tcp"]}, [one, other], NONE)
    assert fields_of(found)
    assert fields_of(content_of("wiki", "web", [one, other], NONE))
    for name, rule in rules_of(ContainerPolicySpec()).items():
        assert all(violation.message for violation in RULES[name](rule, of_container(one)))
