"""Containers as push agents report them."""

from typing import Any

PROJECT, SERVICE = "com.docker.compose.project", "com.docker.compose.service"


def archnest(service: str = "web", project: str = "wiki", **changed: Any) -> dict[str, Any]:
    """As the unmodified agent of ArchNest does: no digests, no security block."""
    return {
        "id": f"id-{project}-{service}-1",
        "name": f"{project}-{service}-1",
        "image": "nginx:1.27",
        "imageId": "sha256:" + "a" * 64,
        "state": "running",
        "status": "Up 3 hours",
        "createdAt": "2026-01-01T00:00:00Z",
        "startedAt": "2026-01-01T00:00:01Z",
        "restartCount": 0,
        "restartPolicy": "unless-stopped",
        "health": "none",
        "ports": [
            {"hostIp": "0.0.0.0", "hostPort": 8080, "containerPort": 80, "proto": "tcp"},  # noqa: S104 # data
            {"hostIp": "::", "hostPort": 8080, "containerPort": 80, "proto": "tcp"},
            {"hostIp": None, "hostPort": None, "containerPort": 443, "proto": "tcp"},
        ],
        "networks": [{"name": f"{project}_default", "ip": "172.17.0.2"}],
        "mounts": [
            {"type": "volume", "source": f"{project}_data", "destination": "/data", "rw": True},
            {"type": "bind", "source": "/opt/wiki/conf", "destination": "/etc/conf", "rw": False},
            {"type": "volume", "source": "f" * 64, "destination": "/var/cache", "rw": True},
        ],
        "env": [{"key": "MODE", "value": "live"}, {"key": "PATH", "value": "/bin"}],
        "command": "nginx",
        "labels": {PROJECT: project, SERVICE: service},
        "stats": {"memLimit": 8 << 30},
    } | changed


def ours(service: str = "web", security: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """As our own agent does."""
    block = {
        "user": "",
        "capAdd": [],
        "capDrop": [],
        "securityOpt": [],
        "readOnlyRootfs": False,
        "privileged": False,
        "limits": {"cpus": 0, "memoryBytes": 512 << 20, "pids": 0},
        "logDriver": "json-file",
        "logOptions": {},
        "networkMode": "wiki_default",
    } | (security or {})
    return archnest(service, **{"imageDigests": ["nginx@sha256:" + "1" * 64], "security": block} | changed)
