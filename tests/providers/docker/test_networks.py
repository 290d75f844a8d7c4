"""Networks of a host: made, compared, made anew, removed, and never taken from under somebody else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from argos_gitops.model.change import Action, Cause, Result
from tests.components.docker import RealDockerd
from tests.providers.docker.host import Host, network

_ON_IT = """
services:
  web:
    image: stand-in/web:1
    networks: {shared: {aliases: [wiki]}}
networks: {shared: {external: true, name: NAME}}
"""


@pytest.fixture
def name(dockerd: RealDockerd) -> Iterator[str]:
    """The name of a network that is gone after the test."""
    name = dockerd.new_name("network")
    yield name
    if dockerd.run("network", "ls", "--quiet", "--filter", f"name=^{name}$"):
        dockerd.run("network", "rm", name)


def _network(dockerd: RealDockerd, name: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(dockerd.run("network", "inspect", name))
    return found[0]


def test_a_network_is_made_as_it_is_wanted(host: Host, dockerd: RealDockerd, name: str) -> None:
    """With our mark on it, and nothing left to do."""
    subnet = dockerd.new_subnet()
    host.want(
        network(
            "edge",
            name,
            subnets=[{"subnet": subnet}],
            internal=True,
            labels={"team": "web"},
            options={"com.docker.network.bridge.enable_icc": "false"},
        )
    )
    (change,) = host.plan()
    assert (change.action, change.object_id) == (Action.CREATE, f"network/{name}")
    assert {each.name: each.after for each in change.fields} == {
        "driver": "bridge",
        "subnets": subnet,
        "internal": "yes",
        "option com.docker.network.bridge.enable_icc": "false",
        "label team": "web",
    }
    assert [each.result for each in host.apply()] == [Result.DONE]
    assert host.plan() == ()
    found = _network(dockerd, name)
    assert found["Internal"] is True
    assert found["Labels"] == {"team": "web", "dev.argos.network": "nas/edge"}
    assert host.conditions()["edge"].reason == "Stands"


def test_what_docker_chooses_is_no_difference(host: Host, dockerd: RealDockerd, name: str) -> None:
    """A subnet, a gateway, or labels of others, where the resource says nothing of them."""
    dockerd.run("network", "create", "--label", "other=yes", name)
    host.want(network("edge", name))
    assert host.plan() == ()
    assert list(host.inventory) == [f"network/{name}"]


def test_another_subnet_moves_our_own_containers_along(
    host: Host, project: str, dockerd: RealDockerd, name: str
) -> None:
    """They run on, under the names that they had in it."""
    stack = host.stack(_ON_IT.replace("NAME", name), project=project)
    host.want(network("edge", name), stack).apply()
    before = json.loads(dockerd.run("inspect", f"{project}-web-1"))[0]["Id"]
    subnet = dockerd.new_subnet()
    host.want(network("edge", name, subnets=[{"subnet": subnet}]), stack)
    (change,) = host.plan()
    assert (change.action, change.cause) == (Action.UPDATE, Cause.REVISION)
    assert [each.result for each in host.apply()] == [Result.DONE]
    found = json.loads(dockerd.run("inspect", f"{project}-web-1"))[0]
    assert found["Id"] == before
    assert {"web", "wiki"} <= set(found["NetworkSettings"]["Networks"][name]["Aliases"])
    assert _network(dockerd, name)["IPAM"]["Config"][0]["Subnet"] == subnet
    assert host.plan() == ()
    host.want().apply()


def test_a_network_with_others_in_it_is_left_alone(
    host: Host, dockerd: RealDockerd, project: str, name: str
) -> None:
    """Neither made anew nor removed; the outcome names who is in it."""
    host.want(network("edge", name)).apply()
    other = f"{project}-other"
    dockerd.run("run", "--detach", "--network", name, "--name", other, dockerd.sleep)
    try:
        host.want(network("edge", name, internal=True))
        (outcome,) = host.apply()
        assert (outcome.result, outcome.reason) == (Result.FAILED, "NetworkInUse")
        assert other in outcome.message
        host.want()
        (outcome,) = host.apply()
        assert (outcome.result, outcome.reason) == (Result.FAILED, "NetworkInUse")
        assert other in outcome.message
    finally:
        dockerd.run("rm", "--force", other)
    assert [each.result for each in host.apply()] == [Result.DONE]
    assert host.plan() == ()


def test_a_network_of_ours_is_known_without_an_inventory(host: Host, dockerd: RealDockerd, name: str) -> None:
    """By its mark; networks of others, and of another host's name, are not touched."""
    host.want(network("edge", name)).apply()
    host.inventory.clear()
    host.want()
    mine = [change for change in host.plan() if change.object_id == f"network/{name}"]
    assert [(change.action, str(change.owner)) for change in mine] == [(Action.DELETE, "Network/edge")]
    assert {each.object_id for each in host.plan()} == {f"network/{name}"}


def test_a_host_makes_networks_before_the_stacks_on_them(host: Host, project: str, name: str) -> None:
    """And removes them after."""
    host.want(network("edge", name), host.stack(_ON_IT.replace("NAME", name), project=project))
    outcomes = host.apply()
    assert [each.change.object_id for each in outcomes] == [f"network/{name}", f"stack/{project}/web"]
    assert {each.result for each in outcomes} == {Result.DONE}
    assert host.plan() == ()
    host.want()
    outcomes = host.apply()
    assert [each.change.object_id for each in outcomes] == [f"stack/{project}/web", f"network/{name}"]
    assert {each.result for each in outcomes} == {Result.DONE}
    assert host.plan() == ()
