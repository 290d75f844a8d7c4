"""The networks and volumes of a Stack's own: compared with what is there, and what a change costs."""

import json
from typing import Any

import pytest

from argos_gitops.model.change import Action, Cause, Result
from tests.components.docker import RealDockerd
from tests.providers.docker.host import Host

_TWO = """
services:
  web: {image: stand-in/web:1}
  db: {image: stand-in/sleep:1, networks: [default, back]}
networks:
  back: {}
  default: {OPTIONS}
"""
_VOLUME = """
services:
  web: {image: stand-in/web:1, volumes: ["data:/data"]}
volumes: {data: {driver_opts: {type: tmpfs, device: tmpfs, o: "size=SIZE"}}}
"""


def _network(dockerd: RealDockerd, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(dockerd.run("network", "inspect", name))
    return found[0]


@pytest.mark.parametrize("what", ["internal", "subnet", "driver_opts", "labels"])
def test_a_network_of_a_stack_is_compared(host: Host, project: str, dockerd: RealDockerd, what: str) -> None:
    """The plan says what it takes, and what was in the network is in the new one."""
    subnet = dockerd.new_subnet()
    options, field, after = {
        "internal": ("internal: true", "internal", "yes"),
        "subnet": (f'ipam: {{config: [{{subnet: "{subnet}"}}]}}', "subnets", subnet),
        "driver_opts": (
            'driver_opts: {com.docker.network.bridge.enable_icc: "false"}',
            "option com.docker.network.bridge.enable_icc",
            "false",
        ),
        "labels": ("labels: {team: web}", "label team", "web"),
    }[what]
    host.want(host.stack(_TWO.replace("OPTIONS", ""), project=project)).apply()
    assert host.plan() == ()
    host.want(host.stack(_TWO.replace("OPTIONS", options), project=project))
    (change,) = host.plan()
    assert (change.action, change.object_id) == (Action.UPDATE, f"project-network/{project}_default")
    assert change.location is not None
    assert (change.location.path.rpartition("/")[2], change.location.line) == ("compose.yaml", 7)
    shown = {each.name: each.after for each in change.fields}
    assert shown[field] == after
    assert shown["made anew"] == f"the network, and the containers in it: {project}-db-1, {project}-web-1"
    assert [each.result for each in host.apply()] == [Result.DONE]
    assert host.plan() == ()
    assert len(_network(dockerd, f"{project}_default")["Containers"]) == 2


def test_a_network_that_somebody_changed_is_drift(host: Host, project: str, dockerd: RealDockerd) -> None:
    host.want(host.stack(_TWO.replace("OPTIONS", "internal: true"), project=project)).apply()
    assert host.plan() == ()
    for each in ("web", "db"):
        dockerd.run("network", "disconnect", f"{project}_default", f"{project}-{each}-1")
    dockerd.run("network", "rm", f"{project}_default")
    dockerd.run("network", "create", f"{project}_default")
    network = next(each for each in host.plan() if each.object_id.startswith("project-network/"))
    assert network.cause is Cause.DRIFT


def test_containers_of_others_keep_their_network(host: Host, project: str, dockerd: RealDockerd) -> None:
    host.want(host.stack(_TWO.replace("OPTIONS", ""), project=project)).apply()
    dockerd.run("run", "--detach", "--name", f"{project}-x", "--network", f"{project}_default", dockerd.sleep)
    host.want(host.stack(_TWO.replace("OPTIONS", "internal: true"), project=project))
    (outcome,) = host.apply()
    assert (outcome.result, outcome.reason) == (Result.FAILED, "NetworkInUse")
    assert f"containers of others are in it: {project}-x" in outcome.message
    assert len(_network(dockerd, f"{project}_default")["Containers"]) == 3
    dockerd.run("rm", "--force", f"{project}-x")


def test_a_volume_that_differs_is_told_and_stays(host: Host, project: str) -> None:
    """Its data would be lost: what to do about it is for people to decide."""
    host.want(host.stack(_VOLUME.replace("SIZE", "1m"), project=project)).apply()
    assert host.plan() == ()
    assert host.provider.notices(host.wanted) == ()
    host.want(host.stack(_VOLUME.replace("SIZE", "2m"), project=project))
    assert host.plan() == ()
    (notice,) = host.provider.notices(host.wanted)
    assert (notice.reason, str(notice.subject)) == ("VolumeDiffers", "Stack/wiki")
    assert f"volume {project}_data: driver_opts o size=1m → size=2m" in notice.message
    assert notice.location is not None
    assert notice.location.line == 4
