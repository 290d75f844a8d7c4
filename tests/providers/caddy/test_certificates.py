"""A Host is served a certificate of the CA that it asks for, whatever other certificate would fit it too."""

from collections.abc import Callable
from pathlib import Path

import pytest

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.providers.caddy.checks import wildcards_that_can_be_had
from tests.components.caddy import RealCaddy
from tests.components.certificates import Authority
from tests.providers.caddy.world import World, edge, edge_of, host

Make = Callable[[AnyResource], World]
QUICK = {"probe": {"timeout": "1500ms"}}
NO_CA = {"ca": "https://127.0.0.1:1/directory", "challenge": "tls-alpn"}
INTERNAL = {"mode": "internal"}
WILD = host("wild", domains=["*.example.com"], tls=INTERNAL)
INT = host("int", tls=INTERNAL)
PUB = host("pub", tls={"mode": "auto"})


def _verified(there: World, *resources: AnyResource) -> dict[str, Condition]:
    live, changes = there.plan(*resources)
    there.record(there.provider.apply(live, changes))
    assert there.changes(*resources) == []
    return there.verify(changes, *resources)


def _automate(caddy: RealCaddy) -> object:
    return caddy.config("apps/tls").get("certificates", {}).get("automate")


def _manual(folder: Path, *domains: str) -> dict[str, str]:
    cert, key = Authority("tests").issue("manual", *domains).written(folder, "manual")
    return {"mode": "manual", "certificate": str(cert), "key": str(key)}


def test_a_public_ca_is_asked_beside_an_internal_wildcard(caddy: RealCaddy, world: Make) -> None:
    """It cannot be reached here, so the Host is not ready, although the wildcard's certificate fits."""
    there = world(edge_of(caddy, acme=NO_CA, **QUICK))
    found = _verified(there, WILD, PUB)
    assert _automate(caddy) == ["pub.example.com"]
    assert found["wild"].status is Truth.TRUE
    assert found["pub"].reason == "WrongCertificate"
    assert "is served the certificate for *.example.com from CN=Caddy Local Authority" in found["pub"].message
    there.apply(WILD)
    assert _automate(caddy) is None


def test_an_internal_host_beside_a_manual_wildcard(caddy: RealCaddy, world: Make, tmp_path: Path) -> None:
    """What the file is for nobody here can know; Caddy's own CA issues all the same."""
    files = host("files", domains=["other.example.com"], tls=_manual(tmp_path, "*.example.com"))
    found = _verified(world(edge_of(caddy, **QUICK)), files, INT)
    assert _automate(caddy) == ["int.example.com"]
    assert {name: each.reason for name, each in found.items()} == {"files": "Answering", "int": "Answering"}


def test_a_wildcard_of_the_same_kind_serves_its_domains(caddy: RealCaddy, world: Make) -> None:
    """One certificate is enough, and no CA is asked for more."""
    found = _verified(world(edge_of(caddy, **QUICK)), WILD, INT)
    assert _automate(caddy) is None
    assert {each.status for each in found.values()} == {Truth.TRUE}


def test_certificates_of_others_do_not_take_the_place(caddy: RealCaddy, world: Make, tmp_path: Path) -> None:
    """Their list of names stays as it is; what is ours in it goes with the Host."""
    files = _manual(tmp_path, "*.example.com")
    entry = {"certificate": files["certificate"], "key": files["key"]}
    policy = {"subjects": ["x.localhost"], "issuers": [{"module": "internal"}]}
    certificates = {"load_files": [entry], "automate": ["x.localhost"]}
    caddy.load({"apps": {"tls": {"certificates": certificates, "automation": {"policies": [policy]}}}})
    there = world(edge_of(caddy, ownership="routes", **QUICK))
    assert _verified(there, INT)["int"].reason == "Answering"
    assert _automate(caddy) == ["x.localhost", "int.example.com"]
    there.depart()
    assert _automate(caddy) == ["x.localhost"]


def test_a_certificate_that_is_served_in_its_place_is_named(
    caddy: RealCaddy, world: Make, tmp_path: Path
) -> None:
    """Somebody took the name off the list: visitors get the other certificate, which nobody asked for."""
    files = host("files", domains=["other.example.com"], tls=_manual(tmp_path, "*.example.com"))
    there = world(edge_of(caddy, **QUICK))
    live, changes = there.plan(files, INT)
    there.record(there.provider.apply(live, changes))
    config = caddy.config()
    del config["apps"]["tls"]["certificates"]["automate"]
    caddy.load({})
    caddy.load(config)
    found = there.verify(changes, files, INT)["int"]
    assert found.reason == "WrongCertificate"
    assert "the certificate for *.example.com from CN=tests" in found.message
    assert there.changes(files, INT) == ["create edge/tls"]


def test_a_manual_certificate_for_another_name(caddy: RealCaddy, world: Make, tmp_path: Path) -> None:
    """Caddy has none for this one, and says so in a TLS alert."""
    found = _verified(world(edge_of(caddy, **QUICK)), host("app", tls=_manual(tmp_path, "other.example.com")))
    assert found["app"].reason == "CertificateMissing"
    assert f"its TLS alert: TLSV1_ALERT_INTERNAL_ERROR); is {tmp_path}/manual.pem" in found["app"].message


def test_each_host_has_a_handshake_of_its_own(caddy: RealCaddy, world: Make, tmp_path: Path) -> None:
    """A connection that stays open has the certificate of the first name, and would hide what others lack."""
    hosts = [host(f"h{number}", tls=INTERNAL) for number in range(3)]
    lacking = host("zz", tls=_manual(tmp_path, "other.example.com"))
    found = _verified(world(edge_of(caddy, **QUICK)), *hosts, lacking)
    assert [found[f"h{number}"].status for number in range(3)] == [Truth.TRUE] * 3
    assert found["zz"].reason == "CertificateMissing"


_DNS = {"challenge": "dns", "dns": {"provider": "cloudflare"}}


@pytest.mark.parametrize(
    ("caddy_section", "tls", "codes"),
    [
        ({}, {"mode": "auto"}, ["WildcardNeedsDns"]),
        ({}, {"mode": "auto", "challenge": "http"}, ["WildcardNeedsDns"]),
        ({"acme": _DNS}, {"mode": "auto", "challenge": "http"}, ["WildcardNeedsDns"]),
        ({"certificates": "internal"}, {"mode": "auto", "email": "a@example.com"}, ["WildcardNeedsDns"]),
        ({"acme": _DNS}, {"mode": "auto"}, []),
        ({}, {"mode": "auto", **_DNS}, []),
        ({"certificates": "internal"}, {"mode": "auto"}, []),
        ({}, {"mode": "internal"}, []),
        ({}, {"mode": "off"}, []),
        ({"ownership": "routes"}, {"mode": "auto"}, []),
    ],
    ids=str,
)
def test_a_public_wildcard_needs_the_dns_challenge(
    caddy_section: dict[str, object], tls: dict[str, object], codes: list[str]
) -> None:
    """Without it no CA gives a certificate, and the domains below the wildcard would have none either."""
    resources = [edge(**caddy_section), host("wild", domains=["*.example.com"], tls=tls)]  # type: ignore[arg-type]
    problems = [*wildcards_that_can_be_had(EagerResources(resources, ""))]
    assert [each.code for each in problems] == codes
    assert all("*.example.com" in each.message for each in problems)
