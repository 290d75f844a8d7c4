"""Reports of Docker hosts, as agents send them."""

from typing import Any

# Every field of the seed contract, with its own example.
SEED_CONTAINER: dict[str, Any] = {
    "id": "4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339c4c01db0b339caaaa",
    "name": "myapp",
    "image": "nginx:1.27",
    "imageId": "sha256:1111111111111111111111111111111111111111111111111111111111111111",
    "state": "running",
    "status": "Up 3 hours",
    "createdAt": "2026-06-20T16:00:00Z",
    "startedAt": "2026-06-20T16:00:01Z",
    "restartCount": 0,
    "restartPolicy": "unless-stopped",
    "health": "healthy",
    "ports": [{"hostIp": "0.0.0.0", "hostPort": 8080, "containerPort": 80, "proto": "tcp"}],  # noqa: S104
    "networks": [{"name": "bridge", "ip": "172.17.0.2"}],
    "mounts": [{"type": "volume", "source": "myapp_data", "destination": "/data", "rw": True}],
    "env": [{"key": "NODE_ENV", "value": "production"}, {"key": "DB_PASSWORD", "value": "********"}],
    "command": "nginx -g 'daemon off;'",
    "labels": {"com.docker.compose.project": "myapp"},
    "stats": {
        "cpuPercent": 1.4,
        "memUsage": 20971520,
        "memLimit": 536870912,
        "netRxBytes": 12345,
        "netTxBytes": 67890,
        "blockReadBytes": 0,
        "blockWriteBytes": 0,
    },
}
# What our own agent tells besides.
FURTHER: dict[str, Any] = {
    "imageDigests": ["nginx@sha256:2222222222222222222222222222222222222222222222222222222222222222"],
    "exitCode": 0,
    "security": {
        "user": "101:101",
        "capAdd": ["NET_BIND_SERVICE"],
        "capDrop": ["ALL"],
        "securityOpt": ["no-new-privileges:true"],
        "readOnlyRootfs": True,
        "privileged": False,
        "limits": {"cpus": 0.5, "memoryBytes": 536870912, "pids": 100},
        "logDriver": "json-file",
        "logOptions": {"max-size": "10m", "max-file": "3"},
        "networkMode": "myapp_default",
    },
}


def container(name: str = "myapp", **changed: Any) -> dict[str, Any]:
    """A container of its own id, that differs from the seed's example in the given fields."""
    identity = name.encode().hex().ljust(64, "0")[:64]
    return SEED_CONTAINER | {"id": identity, "name": name} | changed


def report(*containers: dict[str, Any], host: str = "vm-1", **changed: Any) -> dict[str, Any]:
    return {
        "hostId": host,
        "hostname": "docker01",
        "agentVersion": "1",
        "reportedAt": "2026-06-20T19:30:00Z",
        "containers": list(containers) or [SEED_CONTAINER],
    } | changed


def heartbeat(digest: str, host: str = "vm-1") -> dict[str, Any]:
    whole = report(host=host, unchangedSince=digest)
    del whole["containers"]
    return whole
