"""Containers of a real engine under policies: what only inspecting them tells."""

import json
from typing import Any, get_args

from argos_gitops.providers.docker.policy.facts import of_container
from argos_gitops.providers.docker.policy.inspected import as_reported
from argos_gitops.providers.docker.policy.kinds import RuleName
from tests.components.docker import RealDockerd
from tests.providers.docker.host import Host
from tests.providers.docker.policy.conftest import policy

_WEB = """
services:
  web: {image: "stand-in/web:1"}
"""


def only(**rules: Any) -> dict[str, Any]:
    """These rules and no other."""
    return {"rules": {name: {"enforce": "off"} for name in get_args(RuleName)} | rules}


def test_a_root_that_the_image_chose_is_found_on_the_host(host: Host, project: str) -> None:
    """The file leaves it to the image, which is fine; that it runs as root is not."""
    host.want(host.stack(_WEB, project=project), policy(**only(nonRoot={"imageDecides": True})))
    host.apply()
    host.provider.observe()
    notices = [each for each in host.provider.notices(host.wanted) if project in each.message]
    assert [(str(each.subject), each.condition, each.message) for each in notices] == [
        (
            "Stack/wiki",
            "PolicyCompliant",
            f"container {project}-web-1 on DockerHost/nas runs as root (nonRoot of ContainerPolicy/standard)",
        )
    ]


def test_a_container_says_the_same_as_its_file(dockerd: RealDockerd, host: Host, project: str) -> None:
    """Each fact of a real container, inspected."""
    stack = host.stack(
        """
services:
  web:
    image: stand-in/web:1
    user: "1000"
    read_only: true
    restart: on-failure:3
    healthcheck: {test: [CMD, "true"]}
    logging: {driver: json-file, options: {max-size: 1m, max-file: "2"}}
    ports: ["127.0.0.1::80"]
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
""",
        project=project,
    )
    host.want(stack)
    host.apply()
    (document,) = json.loads(dockerd.run("inspect", f"{project}-web-1"))
    facts = of_container(as_reported(document))
    assert (facts.user, facts.read_only, facts.restart, facts.has_check) == ("1000", True, "on-failure", True)
    assert (facts.log_driver, facts.log_options) == ("json-file", {"max-size": "1m", "max-file": "2"})
    assert [(each.source, each.read_only) for each in facts.mounts or ()] == [("/var/run/docker.sock", True)]
    assert (facts.privileged, facts.host_network, facts.added) == (False, False, [])
