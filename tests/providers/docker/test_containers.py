"""Containers as the engine lists them."""

from typing import Any

import pytest

from argos_gitops.providers.docker.containers import Container, containers_of


def _listed(state: str, status: str, **labels: str) -> dict[str, Any]:
    of_compose = {"project": "wiki", "service": "web", "config-hash": "abc", "oneoff": "False", **labels}
    return {
        "Id": "1" * 64,
        "Names": ["/wiki-web-1"],
        "State": state,
        "Status": status,
        "Labels": {f"com.docker.compose.{name}": value for name, value in of_compose.items()},
        "NetworkSettings": {"Networks": {"b": {}, "a": {}}},
    }


def _one(state: str, status: str) -> Container:
    return containers_of([_listed(state, status)])["wiki", "web"][0]


@pytest.mark.parametrize(
    ("state", "status", "restart", "failing"),
    [
        ("running", "Up 2 hours", "no", ""),
        ("restarting", "Restarting (1) 3 seconds ago", "always", ""),
        ("exited", "Exited (0) 2 hours ago", "no", ""),
        ("exited", "Exited (0) 2 hours ago", "on-failure:3", ""),
        ("exited", "Exited (0) 2 hours ago", "unless-stopped", "exited (0)"),
        ("exited", "Exited (137) 2 hours ago", "no", "exited (137)"),
        ("created", "Created", "no", "created"),
        ("paused", "Up 2 hours (Paused)", "no", "paused"),
        ("dead", "Dead", "always", "dead"),
    ],
)
def test_what_is_amiss_with_a_state(state: str, status: str, restart: str, failing: str) -> None:
    """Ended well is fine where nobody asked for another start."""
    assert _one(state, status).failing(restart) == failing


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("Up 2 hours", ""),
        ("Up 2 seconds (health: starting)", "starting"),
        ("Up 2 hours (healthy)", "healthy"),
        ("Up 2 hours (unhealthy)", "unhealthy"),
    ],
)
def test_health_stands_in_the_status(status: str, health: str) -> None:
    assert _one("running", status).health == health


def test_time_and_a_restart_loop_change_no_identity() -> None:
    """Or a plan would be stale at once."""
    assert (
        _one("running", "Up 2 seconds").identity == _one("restarting", "Restarting (1) 1 second ago").identity
    )
    assert _one("running", "Up 2 hours").identity == _one("running", "Up 3 hours (healthy)").identity
    assert _one("running", "Up 2 hours").identity != _one("running", "Up 2 hours (unhealthy)").identity


def test_what_compose_did_not_make_is_left_out() -> None:
    """And what somebody runs by hand with `docker compose run`."""
    by_hand = _listed("running", "Up 1 second", oneoff="True")
    foreign = {"Id": "2" * 64, "Names": ["/other"], "State": "running", "Status": "Up", "Labels": None}
    assert containers_of([by_hand, foreign]) == {}


def test_networks_and_dependencies_are_told_in_order() -> None:
    listed = _listed("running", "Up 1 hour", depends_on="db:service_healthy:false,cache:service_started:true")
    (found,) = containers_of([listed])["wiki", "web"]
    assert found.networks == ("a", "b")
    assert found.depends_on == ("db", "cache")
    assert not found.young
