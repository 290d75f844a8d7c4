"""Docker hosts of an Estate: documents, Compose files, and what can be seen of the engine from outside."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.components.docker import RealDockerd
from tests.real.estate import Estate, document


def docker_host(engine: RealDockerd, name: str = "box", **docker: Any) -> dict[str, Any]:
    """A DockerHost that is reached by the engine's socket."""
    return document("DockerHost", name, {"docker": {"connection": {"unix": str(engine.socket)}, **docker}})


def stack(project: str, **spec: Any) -> dict[str, Any]:
    """A Stack called `site` whose files are in stacks/site; quick to give up on what is not healthy."""
    wanted = {"host": "box", "path": "stacks/site", "project": project, "health": {"timeout": "40s"}}
    return document("Stack", "site", {**wanted, **spec})


def service(image: str, port: int | None = None, **further: Any) -> dict[str, Any]:
    """A Compose service of a stand-in, published on a port of loopback."""
    ports = {} if port is None else {"ports": [f"127.0.0.1:{port}:80"]}
    return {"image": image, **ports, **further}


def write_compose(estate: Estate, folder: str = "stacks/site", **services: Mapping[str, Any]) -> None:
    path = estate.work / folder / "compose.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"services": services}, indent=1))


def running(engine: RealDockerd, project: str) -> dict[str, str]:
    """The images of the running containers of a project, by service."""
    label = "com.docker.compose.service"
    listing = engine.run(
        *("ps", "--filter", f"label=com.docker.compose.project={project}"),
        *("--format", f'{{{{.Label "{label}"}}}} {{{{.Image}}}}'),
    )
    return dict(line.split(" ", 1) for line in listing.splitlines())


def container_ids(engine: RealDockerd, project: str) -> set[str]:
    return set(
        engine.run(
            "ps", "-aq", "--no-trunc", "--filter", f"label=com.docker.compose.project={project}"
        ).split()
    )


def with_compose(estate: Estate, compose: Path) -> Estate:
    """Lets the product find the component instead of whatever the machine has."""
    estate.environment["ARGOS_DOCKER_COMPOSE"] = str(compose)
    return estate
