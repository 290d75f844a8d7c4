"""Each rule: what breaks it, what does not, and that it says nothing where nothing is told."""

from typing import Any, get_args

import pytest

from argos_gitops.providers.docker.policy import rules
from argos_gitops.providers.docker.policy.facts import Facts, of_container, of_service
from argos_gitops.providers.docker.policy.judging import rules_of
from argos_gitops.providers.docker.policy.kinds import ContainerPolicySpec, RuleName
from tests.providers.docker.reported.reporting import archnest, ours

SOCKET = "/var/run/docker.sock"
GOOD: dict[str, Any] = {
    "image": "ghcr.io/acme/app:1.2",
    "restart": "unless-stopped",
    "user": "1000:1000",
    "read_only": True,
    "healthcheck": {"test": ["CMD", "true"]},
    "deploy": {"resources": {"limits": {"cpus": 1.5, "memory": "536870912"}}},
    "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}},
    "environment": {"DB_PASSWORD_FILE": "/run/secrets/db", "MODE": "live", "TOKEN": "(secret TOKEN)"},
}


def broken(service: dict[str, Any], **asked: Any) -> dict[str, tuple[str | int, ...]]:
    """The rules that a service breaks, with what is to be changed."""
    return of(of_service(service), **asked)


def of(facts: Facts, **asked: Any) -> dict[str, tuple[str | int, ...]]:
    spec = ContainerPolicySpec.model_validate({"rules": asked})
    return {
        name: violation.path
        for name, rule in rules_of(spec).items()
        if rule.enforce != "off"
        for violation in rules.RULES[name](rule, facts)
    }


def bind(source: str, *, read_only: bool = False) -> dict[str, Any]:
    return {"volumes": [{"type": "bind", "source": source, "target": "/x", "read_only": read_only}]}


def port(published: str, host_ip: str | None = None) -> dict[str, Any]:
    given = {} if host_ip is None else {"host_ip": host_ip}
    return {"ports": [{"target": 80, "published": published, "protocol": "tcp", **given}]}


def logs(driver: str | None = None, **options: str) -> dict[str, Any]:
    given = {name.replace("_", "-"): value for name, value in options.items()}
    return {"logging": {"driver": driver, "options": given}}


def test_a_careful_service_breaks_none() -> None:
    assert broken(GOOD) == {}


def test_names_are_the_same_everywhere() -> None:
    """In the kind, in exceptions, and where the rules are."""
    assert [*rules_of(ContainerPolicySpec())] == [*rules.RULES] == [*get_args(RuleName)]


def test_one_that_says_nothing_breaks_what_it_should() -> None:
    assert broken({"image": "nginx"}) == {
        "healthCheck": ("healthcheck",),
        "restartPolicy": ("restart",),
        "cpuLimit": ("deploy", "resources", "limits", "cpus"),
        "memoryLimit": ("deploy", "resources", "limits", "memory"),
        "logRotation": ("logging",),
        "nonRoot": ("user",),
        "readOnlyRoot": ("read_only",),
        "imageTag": ("image",),
    }


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"healthcheck": {"disable": True}}, "healthCheck"),
        ({"healthcheck": {"test": ["NONE"]}}, "healthCheck"),
        (logs("json-file"), "logRotation"),
        (logs("json-file", max_size="100m"), "logRotation"),
        (logs("json-file", max_size="10m", max_file="30"), "logRotation"),
        (logs("local"), "logRotation"),
        (logs("journald"), "logRotation"),
        (logs("syslog", max_size="1k"), "logRotation"),
        (bind(SOCKET), "dockerSocket"),
        (bind("/run/docker.sock"), "dockerSocket"),
        (bind("/var/run/"), "dockerSocket"),
        (bind("/"), "dockerSocket"),
        (bind("/run/podman/podman.sock"), "dockerSocket"),
        ({"privileged": True}, "privileged"),
        ({"user": "root"}, "nonRoot"),
        ({"user": "0:1000"}, "nonRoot"),
        ({"image": "ghcr.io/acme/app:latest"}, "imageTag"),
        ({"image": "lfnovo/open_notebook:v1-latest-single"}, "imageTag"),
        ({"image": "localhost:5000/app"}, "imageTag"),
        ({"environment": {"API_KEY": "abc"}}, "plainSecrets"),
        ({"environment": {"URL": "postgres://u:pw@db/x"}}, "plainSecrets"),
        ({"environment": {"A": "ghp_" + "a" * 30}}, "plainSecrets"),
        ({"network_mode": "host"}, "hostNetwork"),
        ({"cap_add": ["CAP_NET_ADMIN"]}, "capabilities"),
    ],
)
def test_what_breaks_a_rule(change: dict[str, Any], rule: str) -> None:
    assert [*broken({**GOOD, **change})] == [rule]


@pytest.mark.parametrize(
    "change",
    [
        bind(SOCKET, read_only=True),
        bind("/var/run/dbus"),
        bind("/variable"),
        logs(None, max_size="10m"),
        logs("json-file", max_size="9.5MB", max_file="1"),
        logs("local", max_size="10m", max_file="2"),
        {"user": "nobody"},
        {"image": "nginx@sha256:" + "a" * 64},
        {"image": "ghcr.io/acme/app:latestversion"},
        {"image": "app", "build": {"context": "."}},
        {"environment": {"PASSWORD": None, "USE_TOKEN": "true", "SSH_KEY": "/keys/id", "X_KEY_FILE": "k"}},
        {"environment": {"URL": "postgres://u:(secret DB)@db/x", "PASSWORD": "a(secret B)c"}},
        {"cap_drop": ["ALL"]},
        {"network_mode": "none"},
    ],
)
def test_what_breaks_none(change: dict[str, Any]) -> None:
    assert broken({**GOOD, **change}) == {}


@pytest.mark.parametrize(
    ("change", "asked", "rule"),
    [
        ({"restart": "always"}, {"restartPolicy": {"allow": ["on-failure"]}}, "restartPolicy"),
        ({}, {"cpuLimit": {"max": 1}}, "cpuLimit"),
        ({}, {"memoryLimit": {"max": "256MiB"}}, "memoryLimit"),
        (bind(SOCKET, read_only=True), {"dockerSocket": {"allow": "never"}}, "dockerSocket"),
        ({}, {"imageTag": {"moving": ["1.2"]}}, "imageTag"),
        ({}, {"imageDigest": {"enforce": "warn"}}, "imageDigest"),
        ({}, {"registries": {"allow": ["docker.io", "ghcr.io/acm"]}}, "registries"),
        (port("5432"), {"privatePorts": {"ports": [5432]}}, "privatePorts"),
        (port("5000-6000", "192.0.2.1"), {"privatePorts": {"ports": [5432]}}, "privatePorts"),
    ],
)
def test_what_people_choose(change: dict[str, Any], asked: dict[str, Any], rule: str) -> None:
    assert [*broken({**GOOD, **change}, **asked)] == [rule]


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        ({"restart": "no"}, {"restartPolicy": {"allow": ["no"]}}),
        ({"restart": "on-failure:3"}, {}),
        ({"user": None}, {"nonRoot": {"imageDecides": True}}),
        (logs("journald"), {"logRotation": {"drivers": ["journald"]}}),
        (logs("json-file", max_size="10m"), {"logRotation": {"maxSize": "10MB"}}),
        ({"environment": {"TOKEN_TTL": "60"}}, {"plainSecrets": {"ignore": ["TOKEN_TTL"]}}),
        ({"cap_add": ["NET_BIND_SERVICE"]}, {"capabilities": {"allow": ["cap_net_bind_service"]}}),
        ({}, {"registries": {"allow": ["ghcr.io/acme"]}}),
        (port("5432", "127.0.0.1"), {"privatePorts": {"ports": [5432]}}),
        (port("5432", "::1"), {"privatePorts": {"ports": [5432]}}),
        (port("8080"), {"privatePorts": {"ports": [5432]}}),
    ],
)
def test_what_people_allow(change: dict[str, Any], asked: dict[str, Any]) -> None:
    assert broken({**GOOD, **change}, **asked) == {}


def test_of_an_unmodified_agent_only_what_it_tells_is_judged() -> None:
    """No security block: no limits, logs, users, roots, capabilities."""
    assert [*of(of_container(archnest(restartPolicy="no")))] == ["healthCheck", "restartPolicy"]


def test_of_our_agent_all_is_judged() -> None:
    """A container that runs as root is told, whoever decided so; of variables only names would be known."""
    limits = {"memoryBytes": 0}
    security = {"privileged": True, "capAdd": ["SYS_ADMIN"], "networkMode": "host", "limits": limits}
    container = ours(
        security=security,
        image="nginx",
        health="healthy",
        mounts=[{"type": "bind", "source": SOCKET, "destination": SOCKET, "rw": True}],
    )
    assert {*of(of_container(container))} == {
        "memoryLimit",
        "logRotation",
        "dockerSocket",
        "privileged",
        "nonRoot",
        "readOnlyRoot",
        "imageTag",
        "hostNetwork",
        "capabilities",
    }


def test_an_image_that_lost_its_name_is_not_judged_by_it() -> None:
    found = of(of_container(archnest(image="sha256:" + "a" * 64)), registries={"allow": ["ghcr.io"]})
    assert "registries" not in found
    assert "imageTag" not in found


@pytest.mark.parametrize("value", ["hunter2", "ghp_" + "a" * 30, "postgres://u:hunter2@db"])
def test_no_message_tells_a_value(value: str) -> None:
    facts = of_service({**GOOD, "environment": {"API_KEY": value}})
    (violation,) = rules.plain_secrets(ContainerPolicySpec().rules.plain_secrets, facts)
    assert value not in violation.message
    assert "API_KEY" in violation.message
