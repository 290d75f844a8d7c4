"""What the agent tells its front of the edges that ask it."""

from typing import Any

import pytest

from argos_gitops.app.bouncers import OpenBouncers, bouncers_of, configs_of, message_of
from argos_gitops.app.discovery import kind_registry, provider_specs
from argos_gitops.app.verdict_feed import Feed
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.provider import Target
from argos_gitops.ports.verdict import BouncerConfig
from argos_gitops.secrets.local import LocalSecrets
from tests.fakes import resource
from tests.secrets.vaults import empty_vault


def edge(name: str, **bouncer: Any) -> Target:
    machine = {"id": "argos", "password": {"env": "PASSWORD"}}
    crowdsec = {"lapiUrl": "http://127.0.0.1:8081", "machine": machine, "bouncer": bouncer}
    return Target(
        resource("Edge", name, kind_registry().kinds["Edge"].model_validate({"crowdsec": crowdsec}))
    )


def test_only_edges_that_ask_us_are_told() -> None:
    """With the key, over the wire and back."""
    key = {"env": "KEY"}
    targets = [
        edge("asks", mode="forward-auth", key=key, failMode="closed", pollInterval="500ms"),
        edge("module", mode="module", key=key),
        edge("off", mode="off"),
    ]
    found = bouncers_of(targets, provider_specs(), LocalSecrets({"KEY": "canary"}, empty_vault()))
    assert list(found) == ["asks"]
    assert found["asks"].key == SecretValue("canary")
    assert found["asks"].options == {
        "lapi_url": "http://127.0.0.1:8081",
        "fail_mode": "closed",
        "poll_interval": "0.5",
        "away_after": "300.0",
    }
    assert "canary" not in repr(found)
    assert configs_of(message_of(found)) == found


def test_a_key_that_is_missing_is_told_and_stops_nobody() -> None:
    targets = [
        edge("without", mode="forward-auth", key={"env": "MISSING"}),
        edge("with", mode="forward-auth", key={"env": "KEY"}),
    ]
    found = bouncers_of(targets, provider_specs(), LocalSecrets({"KEY": "canary"}, empty_vault()))
    assert (found["without"].key, found["with"].key) == (None, SecretValue("canary"))
    assert "MISSING" in found["without"].problem
    assert configs_of(message_of(found)) == found


@pytest.mark.parametrize(
    "field", [{"failMode": "open"}, {"timeout": "1s"}, {"agentUrl": "http://127.0.0.1:1"}]
)
def test_fields_of_forward_auth_are_refused_elsewhere(field: dict[str, str]) -> None:
    """They would say something that nobody does."""
    with pytest.raises(ValueError, match="belong to mode forward-auth"):
        edge("main", mode="module", key={"env": "KEY"}, **field)


def test_open_bouncers_follow_their_configuration() -> None:
    """One that is not asked for any more is closed; one that stays keeps what it knows."""
    options = {
        "lapi_url": "http://127.0.0.1:9",
        "fail_mode": "closed",
        "poll_interval": "60",
        "away_after": "60",
    }
    config = BouncerConfig("crowdsec", options, SecretValue("key"))
    bouncers = OpenBouncers(Feed(()))
    bouncers.configure({"main": config, "other": config})
    first = bouncers.all()["main"]
    bouncers.configure({"main": config})
    assert bouncers.all() == {"main": first}
    bouncers.configure({})
    assert bouncers.all() == {}
