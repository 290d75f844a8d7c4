"""What may go, and above all what may not."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.providers.docker.schedules import CleanUp
from argos_gitops.providers.docker.upkeep.sizes import told_size
from argos_gitops.providers.docker.upkeep.surplus import Holdings, Named, canonical, surplus_of

NOW = datetime(2026, 1, 10, tzinfo=UTC)
_OLD = (NOW - timedelta(days=30)).isoformat()
_EVERYTHING = CleanUp(
    images="unused",
    stopped_containers=timedelta(days=1),
    networks=True,
    build_cache=timedelta(days=1),
    volumes=("scratch",),
)
_KEEP = {"argos.dev/keep": "true"}
_OURS = {"com.docker.compose.project": "wiki"}
_NAMED = Named({"wiki"}, {"shared"}, {"data"}, {"docker.io/library/nginx:1.27"})


def _container(state: str = "exited", **more: Any) -> dict[str, Any]:
    return {"Id": "c" * 64, "Names": ["/old"], "State": state, "SizeRw": 7, "Labels": {}, **more}


def _image(*tags: str, **more: Any) -> dict[str, Any]:
    made = int((NOW - timedelta(days=30)).timestamp())
    return {"Id": "sha256:" + "d" * 64, "RepoTags": list(tags), "Created": made, "Size": 5, **more}


def _network(name: str = "old", **more: Any) -> dict[str, Any]:
    return {"Id": f"n-{name}", "Name": name, "Scope": "local", "Created": _OLD, **more}


def _names(wanted: CleanUp = _EVERYTHING, **holdings: Any) -> list[str]:
    held = Holdings(**{"ended": {"c" * 64: NOW - timedelta(days=2)}, **holdings})
    return [f"{each.kind} {each.name}" for each in surplus_of(wanted, held, _NAMED, NOW)]


def test_what_nothing_needs_may_go() -> None:
    """With what the engine has to be told, and how big it is."""
    held = Holdings(
        containers=[_container()],
        images=[_image("app:1", "app:2")],
        networks=[_network()],
        volumes=[{"Name": "scratch", "UsageData": {"Size": 9}}],
        build_cache=[{"ID": "b" * 25, "InUse": False, "Size": 3, "LastUsedAt": _OLD}],
        ended={"c" * 64: NOW - timedelta(days=2)},
    )
    found = surplus_of(_EVERYTHING, held, _NAMED, NOW)
    assert [(each.kind, each.name, each.handles, each.size) for each in found] == [
        ("container", "old", ("c" * 64,), 7),
        ("network", "old", ("n-old",), 0),
        ("image", "app:1, app:2", ("app:1", "app:2"), 5),
        ("volume", "scratch", ("scratch",), 9),
        ("build cache", "b" * 12, ("b" * 25,), 3),
    ]


@pytest.mark.parametrize("state", ["running", "paused", "restarting", "removing", "anything"])
def test_a_container_that_runs_stays(state: str) -> None:
    assert _names(containers=[_container(state)]) == []


@pytest.mark.parametrize("labels", [_KEEP, _OURS])
def test_what_is_kept_or_ours_stays(labels: Mapping[str, str]) -> None:
    """A stopped container of a Stack is a matter of that Stack."""
    held: dict[str, Any] = {
        "containers": [_container(Labels=labels)],
        "images": [_image("app:1", Labels=labels)],
        "networks": [_network(Labels=labels)],
        "volumes": [{"Name": "scratch", "Labels": labels}],
    }
    assert _names(**held) == []


@pytest.mark.parametrize(
    "network",
    [_network("bridge"), _network("host"), _network("none"), _network("shared"), _network("x", Scope="swarm"),
     _network("x", Ingress=True), _network(Created=NOW.isoformat()), _network(Created="")],
)  # fmt: skip
def test_networks_of_others_stay(network: dict[str, Any]) -> None:
    """Those of the engine, of a swarm, named by a Stack or a Network, and new ones."""
    assert _names(networks=[network]) == []


def test_what_a_stopped_container_stands_on_stays() -> None:
    """It may be started again."""
    mounts = [{"Type": "volume", "Name": "scratch"}]
    networks: dict[str, Any] = {"NetworkSettings": {"Networks": {"old": {"NetworkID": "n-old"}}}}
    container = _container(ImageID="sha256:" + "d" * 64, Mounts=mounts, **networks)
    held: dict[str, Any] = {
        "containers": [container],
        "images": [_image("app:1")],
        "networks": [_network()],
        "volumes": [{"Name": "scratch"}],
        "ended": {},
    }
    assert _names(**held) == []


def test_images_that_a_stack_names_stay() -> None:
    """By tag or by digest, however it is spelled; new images as well."""
    digest = "nginx@sha256:" + "e" * 64
    named = Named(images=frozenset(filter(None, [canonical(digest), canonical("docker.io/nginx:1.27")])))
    images = [
        _image("nginx:1.27"),
        _image(RepoDigests=[digest]),
        _image("new:1", Created=int(NOW.timestamp())),
    ]
    assert surplus_of(_EVERYTHING, Holdings(images=images), named, NOW) == []


def test_dangling_images_have_no_name() -> None:
    """Neither a tag nor what older engines write instead of one."""
    wanted = CleanUp(images="dangling")
    images = [_image("app:1"), _image("<none>:<none>", RepoDigests=["app@sha256:" + "e" * 64]), _image()]
    assert _names(wanted, images=images) == [f"image app sha256:{'d' * 12}", f"image sha256:{'d' * 12}"]


@pytest.mark.parametrize("name", ["data", "other"])
def test_volumes_go_only_if_they_are_named_one_by_one(name: str) -> None:
    """And even then not those of a Stack."""
    wanted = CleanUp(volumes=("data", "scratch"))
    assert _names(wanted, volumes=[{"Name": name}]) == []


def test_what_was_not_asked_for_stays() -> None:
    """The smallest clean-up takes images without a name alone."""
    held: dict[str, Any] = {
        "containers": [_container()],
        "images": [_image("app:1")],
        "networks": [_network()],
        "volumes": [{"Name": "scratch"}],
        "build_cache": [{"ID": "b" * 25, "Size": 3, "LastUsedAt": _OLD}],
    }
    assert _names(CleanUp(), **held) == []


_DOCUMENTS = st.fixed_dictionaries(
    {"Id": st.just("c" * 64), "Names": st.just(["/x"])},
    optional={
        "State": st.sampled_from(["running", "exited", "created", "paused", "dead"]),
        "Labels": st.sampled_from([None, {}, _KEEP, _OURS]),
    },
)


@given(st.lists(_DOCUMENTS, max_size=5), st.sampled_from([None, timedelta(), timedelta(days=1)]))
def test_whatever_stands_there_nothing_that_runs_or_is_kept_goes(
    containers: list[dict[str, Any]], age: timedelta | None
) -> None:
    wanted = CleanUp(stopped_containers=age)
    held = Holdings(containers=containers, ended={"c" * 64: NOW - timedelta(days=2)})
    stopped = [
        each for each in containers
        if each.get("State") in ("exited", "created", "dead") and not each.get("Labels")
    ]  # fmt: skip
    found = surplus_of(wanted, held, _NAMED, NOW)
    assert len(found) == (0 if age is None else len(stopped))


@pytest.mark.parametrize(
    ("size", "told"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1395864371, "1.3 GiB")]
)
def test_sizes_are_told_in_units(size: int, told: str) -> None:
    assert told_size(size) == told
