"""LAPI refuses: its own words and the cure, and certificates on both sides, over real TLS."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.app.bouncers import configs_of, message_of
from argos_gitops.model.errors import ProviderError, TerminalError
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.provider import Target
from argos_gitops.ports.verdict import BouncerConfig
from argos_gitops.providers.crowdsec.bouncer.config import BOUNCING
from argos_gitops.secrets.local import LocalSecrets
from tests.components.certificates import Authority, Pair, server_context
from tests.components.crowdsec import RealCrowdSec
from tests.providers.crowdsec.answering import Answering
from tests.providers.crowdsec.edge import BannedEdge, decision, edge
from tests.providers.crowdsec.stand_in import Machine, StandInLapi
from tests.secrets.vaults import empty_vault

_CANARY = "canary-password"
_TLS = {"ca": {"env": "CA"}, "cert": {"env": "CERT"}, "key": {"env": "KEY"}}


@pytest.mark.parametrize(
    ("machine", "reason", "words", "cure"),
    [
        (
            Machine(_CANARY, validated=False),
            "MachineNotValidated",
            "not validated",
            "cscli machines validate argos",
        ),
        (None, "MachineUnknown", "ent: machine not found", "cscli machines add argos"),
        (Machine("other"), "LoginRefused", "incorrect Username or Password", "crowdsec.machine.password"),
    ],
)
def test_a_login_that_is_refused_says_why_and_how_to_cure_it(
    tmp_path: Path, machine: Machine | None, reason: str, words: str, cure: str
) -> None:
    with StandInLapi() as lapi, BannedEdge(edge("main", lapi.url), tmp_path, _CANARY) as banned:
        lapi.machines = {} if machine is None else {"argos": machine}
        with pytest.raises(TerminalError) as refused:
            banned.plan()
    assert refused.value.reason == reason
    assert words in str(refused.value)
    assert cure in str(refused.value)
    assert _CANARY not in str(refused.value)


def test_crowdsec_1_4_6_refuses_in_the_same_words(crowdsec: RealCrowdSec, tmp_path: Path) -> None:
    with BannedEdge.of(crowdsec, tmp_path, password="wrong") as banned, pytest.raises(TerminalError) as wrong:
        banned.plan()
    assert wrong.value.reason == "LoginRefused"
    unknown = BannedEdge(edge("main", crowdsec.lapi_url, "stranger"), tmp_path, "secret")
    with unknown, pytest.raises(TerminalError) as refused:
        unknown.plan()
    assert refused.value.reason == "MachineUnknown"
    assert "cscli machines add stranger" in str(refused.value)


def _health(bouncer: Answering, holds: Callable[[str], object]) -> str:
    deadline = time.monotonic() + 30
    while not holds(bouncer.bouncer.health().error):
        assert time.monotonic() < deadline, bouncer.bouncer.health()
        time.sleep(0.02)
    return bouncer.bouncer.health().error


def _bouncer(url: str, key: str, **more: Any) -> Answering:
    options = {"lapi_url": url, "fail_mode": "open", "poll_interval": "0.05", "away_after": "60"}
    return Answering(BouncerConfig("crowdsec", options | more.pop("options", {}), SecretValue(key), **more))


@pytest.mark.parametrize("key", ["wrong", "k\u00e4se\u2603"])
def test_a_bouncers_key_that_lapi_does_not_know_is_told_with_the_cure(key: str) -> None:
    with StandInLapi() as lapi:
        bouncer = _bouncer(lapi.url, key)
        error = _health(bouncer, lambda error: error)
        bouncer.close()
    assert "cscli bouncers" in error
    assert key not in error


def test_a_bouncers_key_that_is_empty_is_told_with_the_cure() -> None:
    spec = {"mode": "forward-auth", "key": {"env": "KEY"}}
    target = Target(edge("main", "http://127.0.0.1:1", bouncer=spec))
    config = BOUNCING.config(target, LocalSecrets({"KEY": ""}, empty_vault()))
    assert config is not None
    assert config.key is None
    assert "is empty" in config.problem
    assert "cscli bouncers add" in config.problem


@pytest.fixture
def authority() -> Authority:
    return Authority()


def _secured(url: str, folder: Path, authority: Authority, pair: Pair | None) -> BannedEdge:
    names = ("ca",) if pair is None else ("ca", "cert", "key")
    secrets = {"CA": authority.pem} | ({} if pair is None else {"CERT": pair.cert, "KEY": pair.key})
    tls = {name: _TLS[name] for name in names}
    return BannedEdge(edge("main", url, tls=tls), folder, "secret", secrets=secrets)


def test_a_certificate_of_nobody_we_know_is_refused_with_the_cure(
    tmp_path: Path, authority: Authority
) -> None:
    tls = server_context(tmp_path, authority.issue("lapi"))
    with StandInLapi(tls=tls) as lapi, BannedEdge(edge("main", lapi.url), tmp_path, "secret") as banned:
        with pytest.raises(TerminalError) as refused:
            banned.plan()
        assert lapi.asked == []
        bouncer = _bouncer(lapi.url, "bouncer-key")
        _health(bouncer, lambda error: "crowdsec.tls.ca" in error)
        bouncer.close()
    assert refused.value.reason == "CertificateUntrusted"
    assert "crowdsec.tls.ca" in str(refused.value)


def test_with_its_authority_named_lapi_is_trusted(tmp_path: Path, authority: Authority) -> None:
    tls = server_context(tmp_path, authority.issue("lapi"))
    with StandInLapi(tls=tls) as lapi, _secured(lapi.url, tmp_path, authority, None) as banned:
        banned.want(decision("x", "203.0.113.7")).apply()
        assert lapi.values() == ["203.0.113.7"]
        banned.provider.keep_alive()
        assert lapi.heartbeats == ["argos"]


def test_a_lapi_that_demands_client_certificates_gets_ours(tmp_path: Path, authority: Authority) -> None:
    """From the writer, the heartbeat and the bouncer; the key travels to the front as a secret."""
    tls = server_context(tmp_path, authority.issue("lapi"), authority)
    pair = authority.issue("argos")
    with StandInLapi(tls=tls) as lapi:
        with _secured(lapi.url, tmp_path, authority, pair) as banned:
            banned.want(decision("x", "203.0.113.7")).apply()
            banned.provider.keep_alive()
        assert lapi.heartbeats == ["argos"]
        spec = {"mode": "forward-auth", "key": {"env": "BOUNCER"}, "pollInterval": "50ms"}
        secrets = {"CA": authority.pem, "CERT": pair.cert, "KEY": pair.key, "BOUNCER": "bouncer-key"}
        config = BOUNCING.config(
            Target(edge("main", lapi.url, bouncer=spec, tls=_TLS)), LocalSecrets(secrets, empty_vault())
        )
        assert config is not None
        assert pair.key not in repr(config)
        bouncer = Answering(configs_of(message_of({"main": config}))["main"])
        deadline = time.monotonic() + 30
        while bouncer.bouncer.decisions != 1:
            assert time.monotonic() < deadline, bouncer.bouncer.health()
            time.sleep(0.02)
        bouncer.close()


def test_without_a_client_certificate_the_cure_is_told(tmp_path: Path, authority: Authority) -> None:
    tls = server_context(tmp_path, authority.issue("lapi"), authority)
    with (
        StandInLapi(tls=tls) as lapi,
        _secured(lapi.url, tmp_path, authority, None) as banned,
        pytest.raises(ProviderError) as refused,
    ):
        banned.plan()
    assert "crowdsec.tls.cert" in str(refused.value)


@pytest.mark.parametrize("broken", ["CA", "CERT", "KEY"])
def test_certificates_that_are_none_are_told(tmp_path: Path, authority: Authority, broken: str) -> None:
    pair = authority.issue("argos")
    secrets = {"CA": authority.pem, "CERT": pair.cert, "KEY": pair.key, broken: _CANARY}
    target = edge("main", "https://127.0.0.1:1", tls=_TLS)
    with (
        BannedEdge(target, tmp_path, "secret", secrets=secrets) as banned,
        pytest.raises(TerminalError) as refused,
    ):
        banned.plan()
    assert refused.value.reason == "CertificateUnusable"
    assert f"crowdsec.tls.{'ca' if broken == 'CA' else 'cert'}" in str(refused.value)
    assert _CANARY not in str(refused.value)


def test_tls_where_lapi_has_none_is_told(tmp_path: Path) -> None:
    with StandInLapi() as lapi:
        url = lapi.url.replace("http:", "https:")
        with (
            BannedEdge(edge("main", url), tmp_path, "secret") as banned,
            pytest.raises(ProviderError, match="begin lapiUrl with http://"),
        ):
            banned.plan()


@pytest.mark.parametrize(
    ("url", "tls", "why"),
    [
        ("http://127.0.0.1:1", {"ca": {"env": "CA"}}, "begins with https"),
        ("https://127.0.0.1:1", {"cert": {"env": "CERT"}}, "belong together"),
    ],
)
def test_settings_that_say_nothing_useful_are_refused(url: str, tls: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        edge("main", url, tls=tls)
