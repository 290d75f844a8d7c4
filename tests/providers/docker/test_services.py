"""The facts of a service, from Compose's model and from a container."""

from typing import Any

from argos_gitops.providers.docker.services import (
    facts_of_container,
    facts_of_service,
    limits_of_service,
    replicas_of_service,
    restart_of_service,
)

_MODEL: dict[str, Any] = {
    "services": {
        "web": {
            "image": "nginx:1.27",
            "command": ["serve", "--token", "hunter2"],
            "environment": {"B": "2", "A": "1"},
            "ports": [
                {"target": 80, "published": "8080", "protocol": "tcp", "host_ip": "127.0.0.1"},
                {"target": 53, "published": "53", "protocol": "udp"},
            ],
            "volumes": [
                {"type": "volume", "source": "data", "target": "/data"},
                {"type": "bind", "source": "/srv", "target": "/srv", "read_only": True},
            ],
            "tmpfs": ["/run:size=1m"],
            "networks": {"front": None, "default": None},
            "mem_limit": "67108864",
            "cpus": 0.5,
            "pids_limit": 50,
            "restart": "unless-stopped",
            "read_only": True,
            "cap_drop": ["ALL"],
            "cap_add": ["NET_BIND_SERVICE"],
            "healthcheck": {"test": ["CMD", "true"]},
            "logging": {"driver": "json-file", "options": {"max-size": "10m"}},
            "labels": {"traefik.enable": "true", "basic.auth.password": "hunter2"},
        }
    },
    "networks": {"front": {"name": "edge", "external": True}, "default": {"name": "wiki_default"}},
    "volumes": {"data": {"name": "wiki_data"}},
}

_CONTAINER: dict[str, Any] = {
    "Config": {
        "Image": "nginx:1.27",
        "Cmd": ["serve", "--token", "hunter2"],
        "Entrypoint": ["/entry"],
        "User": "",
        "Env": ["A=1", "B=2", "PATH=/bin"],
        "Healthcheck": {"Test": ["CMD", "true"]},
        "Labels": {
            "traefik.enable": "true",
            "basic.auth.password": "hunter2",
            "com.docker.compose.project": "wiki",
            "maintainer": "somebody",
        },
    },
    "HostConfig": {
        "PortBindings": {
            "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}],
            "53/udp": [{"HostIp": "", "HostPort": "53"}],
        },
        "Memory": 67108864,
        "NanoCpus": 500000000,
        "PidsLimit": 50,
        "RestartPolicy": {"Name": "unless-stopped", "MaximumRetryCount": 0},
        "ReadonlyRootfs": True,
        "Privileged": False,
        "CapDrop": ["ALL"],
        "CapAdd": ["NET_BIND_SERVICE"],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m"}},
        "Tmpfs": {"/run": "size=1m"},
    },
    "Mounts": [
        {"Type": "volume", "Name": "wiki_data", "Destination": "/data", "RW": True},
        {"Type": "bind", "Source": "/srv", "Destination": "/srv", "RW": False},
    ],
    "NetworkSettings": {"Networks": {"edge": {}, "wiki_default": {}}},
}
_IMAGE: dict[str, Any] = {
    "Config": {"Entrypoint": ["/entry"], "Env": ["PATH=/bin"], "Labels": {"maintainer": "somebody"}}
}


def test_a_model_and_its_container_tell_the_same() -> None:
    """What the container only has from its image is nobody's choice, and so no fact."""
    facts = facts_of_service(_MODEL, "web")
    assert facts == facts_of_container(_CONTAINER, _IMAGE)
    assert facts["ports"] == ["127.0.0.1:8080→80/tcp", "53→53/udp"]
    assert facts["mounts"] == ["/srv → /srv (ro)", "tmpfs → /run", "volume wiki_data → /data"]
    assert facts["networks"] == ["edge", "wiki_default"]
    assert facts["env"] == ["A", "B"]


def test_fm13_facts_hold_no_secret() -> None:
    """Neither the value of a variable, nor what looks like a secret in a command or label."""
    for facts in (facts_of_service(_MODEL, "web"), facts_of_container(_CONTAINER, _IMAGE)):
        assert "hunter2" not in str(facts)


def test_facts_hold_no_digest_that_covers_a_secret() -> None:
    """Compose hashes the values of variables without a key: who reads the hash can try values."""
    labels = dict.fromkeys(("argos.dev/content", "argos.dev/config-hash"), "digest51ab")
    container = {**_CONTAINER, "Config": {**_CONTAINER["Config"], "Labels": labels}}
    assert "digest51ab" not in str(facts_of_container(container))


def test_deploy_wins_over_the_older_words() -> None:
    """As in Compose: limits, replicas and the restart policy."""
    service = {
        "mem_limit": "1",
        "restart": "no",
        "deploy": {
            "replicas": 3,
            "resources": {"limits": {"memory": "1048576", "cpus": "0.25", "pids": 9}},
            "restart_policy": {"condition": "on-failure", "max_attempts": 4},
        },
    }
    assert limits_of_service(service) == {"memory": 1048576, "cpus": 0.25, "pids": 9}
    assert restart_of_service(service) == "on-failure:4"
    assert replicas_of_service(service) == 3


def test_a_service_that_says_nothing_has_no_limits() -> None:
    """Nor a health check of its own, or a policy."""
    assert limits_of_service({}) == {}
    assert restart_of_service({}) == "no"
    assert replicas_of_service({}) == 1
    model = {"services": {"a": {"image": "x", "network_mode": "service:b"}}}
    assert facts_of_service(model, "a") == {"image": "x", "restart": "no"}
