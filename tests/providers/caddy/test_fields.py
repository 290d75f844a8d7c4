"""Contents for people: readable, complete, and without secrets."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.model.secret import MASK
from argos_gitops.planning.fields import field_changes
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.catalogue import Catalogue
from argos_gitops.providers.caddy.compile import Compiler
from argos_gitops.providers.caddy.fields import fields
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.masking import scrubbed, shown, shown_header
from argos_gitops.providers.caddy.own_probe import probe_handler, shown_probe
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.providers.caddy.strategies import estates
from tests.providers.caddy.world import edge, host, service

CANARY = "canary-0x77"


def compiled(*resources: AnyResource, **settings: Any) -> dict[str, Any]:
    """Contents by object id."""
    target = edge(**settings)
    section = getattr(target.spec, "caddy", None)
    assert isinstance(section, CaddySettings)
    objects = Compiler(target, section).compile(EagerResources([target, *resources], ""), Layout())
    return {object_id: each.content for object_id, each in objects.items()}


def test_a_host_reads_like_its_resource() -> None:
    """The words of the config language, in its order."""
    content = compiled(
        service(
            "app",
            targets=[{"address": "10.0.0.5:3000", "weight": 2}, {"address": "10.0.0.6:3000"}],
            healthCheck={"path": "/healthz"},
            timeouts={"connect": "2s"},
        ),
        host(
            "app",
            service="app",
            domains=["app.example.com", "*.app.example.com"],
            tls={"mode": "internal"},
            compression=True,
            headers={
                "request": {"set": {"Authorization": {"env": "TOKEN"}}},
                "response": {"set": {"X-Frame-Options": "DENY"}, "remove": ["Server"]},
            },
        ),
    )["host/app"]
    assert fields(content) == {
        "domains": "app.example.com, *.app.example.com",
        "X-Frame-Options (errors too)": "DENY",
        "Server (errors too)": "(removed)",
        "forwarded headers": "of trusted proxies alone",
        "request Authorization": "{env.TOKEN}",
        "X-Frame-Options": "DENY",
        "Server": "(removed)",
        "compression": "zstd, gzip",
        "upstream": "10.0.0.5:3000 ×2, 10.0.0.6:3000 ×1",
        "health check uri": "/healthz",
        "health check interval": "30s",
        "health check timeout": "5s",
        "upstream dial timeout": "2s",
        "tls": "internal",
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (
            {"redirect": {"to": "https://x.example"}},
            {"redirect": "308 to https://x.example{http.request.uri}"},
        ),
        ({"response": {"status": 404, "body": "gone"}}, {"response": "404", "body": "gone"}),
        (
            {"tls": {"mode": "manual", "certificate": "/a.pem", "key": "/b.pem"}},
            {"tls": "manual, /a.pem and /b.pem"},
        ),
        (
            {"tls": {"email": "a@example.com"}},
            {"tls": "auto (module acme, email a@example.com)"},
        ),
    ],
    ids=str,
)
def test_other_answers_and_modes(spec: dict[str, Any], expected: dict[str, str]) -> None:
    """Each in one line."""
    found = fields(compiled(host("x", **spec))["host/x"])
    assert expected.items() <= found.items(), found


HASH = "$2a$04$" + "a" * 53


def test_rules_read_like_rules() -> None:
    """Numbered, as their order counts; hashes are masked, and names are not."""
    content = compiled(
        service("app", "10.0.0.5:3000"),
        service("api", "10.0.0.6:3000"),
        host(
            "app",
            service="app",
            allow=["192.0.2.0/24"],
            rules=[
                {
                    "match": {"pathPrefix": "/api", "methods": ["GET"]},
                    "service": "api",
                    "rewrite": {"stripPrefix": "/api", "replace": {"pattern": "a", "replacement": "b"}},
                    "headers": {"request": {"set": {"X-Forwarded-Prefix": "/api"}}},
                },
                {
                    "match": {"path": "/admin"},
                    "basicAuth": {"users": {"ann": HASH, "bob": {"env": "BOB"}}},
                    "rateLimit": {"requests": 5, "window": "1m"},
                },
            ],
        ),
    )["host/app"]
    assert fields(content) == {
        "domains": "app.example.com",
        "ambiguous paths": "refused",
        "forwarded headers": "of trusted proxies alone",
        "allow": "192.0.2.0/24",
        "rule 1": "path /api* and method GET",
        "rule 1 request X-Forwarded-Prefix": "/api",
        "rule 1 rewrite strip path prefix": "/api",
        "rule 1 rewrite": "a → b",
        "rule 1 ambiguous paths": "refused",
        "rule 1 upstream": "10.0.0.6:3000",
        "rule 2": "path /admin",
        "rule 2 rate limit": "5 in 1m by client (argos-app.2)",
        "rule 2 basic auth ann": MASK,
        "rule 2 basic auth bob": "{env.BOB}",
        "rule 2 basic auth realm": "restricted",
        "rule 2 upstream": "10.0.0.5:3000",
        "otherwise upstream": "10.0.0.5:3000",
        "tls": "off",
    }


def test_a_changed_hash_shows_as_changed() -> None:
    """Of the one user alone whose hash it is."""
    users = [{"ann": HASH, "bob": HASH}, {"ann": HASH, "bob": HASH.replace("a", "b")}]
    old, new = (compiled(host("x", basicAuth={"users": each}))["host/x"] for each in users)
    changes = field_changes(fields(old), fields(new))
    assert changes
    assert HASH not in str(changes)


@given(estates(), estates())
def test_no_difference_goes_unseen(first: list[AnyResource], second: list[AnyResource]) -> None:
    """Contents that differ show a field that does, a masked one at least."""
    one, two = compiled(*first), compiled(*second)
    for object_id in one.keys() & two.keys():
        if one[object_id] != two[object_id]:
            assert field_changes(fields(one[object_id]), fields(two[object_id])), (
                one[object_id],
                two[object_id],
            )


def _with_password(password: str) -> tuple[set[str], str]:
    """The ids of others' routes, and how our probe's handler is shown, where a proxy logs in with it."""
    login = {"request": {"set": {"X-Upstream-Password": [password]}}}
    proxy = {"handler": "reverse_proxy", "upstreams": [{"dial": "10.0.0.1:80"}], "headers": login}
    server = marks.TLS_SERVER
    layout = Layout(servers={server: {}}, routes={server: [{"handle": [proxy]}, {"handle": [proxy, proxy]}]})
    items = Catalogue(whole=True, own_servers=True).items(layout)
    guarded = host("x", service="app", basicAuth={"users": {"ann": HASH}})
    assert isinstance(guarded.spec, HostSpec)
    return {each.id for each in items}, shown_probe(probe_handler("x", guarded.spec, {"app": [proxy]}, "key"))


def test_no_digest_that_people_read_covers_a_secret() -> None:
    """Or whoever reads it could try passwords until the digest is the same."""
    ids, probe = _with_password("hunter2")
    assert len([each for each in ids if each.startswith("route/")]) == 2
    assert (ids, probe) == _with_password("correct horse")


_KEYS = st.sampled_from(["password", "api_token", "custom", "X-Whatever", "hash", "account", "value"])
_TREES = st.recursive(
    st.just(CANARY) | st.just(f"Bearer {CANARY}") | st.integers(0, 3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=5,
)


@given(_TREES, st.sampled_from(["basic_auth", "reverse_proxy", "headers", "static_response", "custom"]))
def test_fm13_text_under_an_unknown_key_is_masked(tree: Any, handler: str) -> None:
    """Whatever somebody configured by hand, wherever: a live content shows no secret."""
    extra = {"custom": tree, "transport": {"custom": tree}, "request": {"set": {"X-Own": [CANARY]}}}
    route = {"@id": "argos-host-x", "handle": [{"handler": handler, **extra}], "custom": tree}
    for content in (
        {"server": "argos", "routes": [route], "tls": {"policy": {"issuers": [{"custom": tree}]}}},
        {"api_url": "http://127.0.0.1:8080", "api_key": CANARY},
        {"module": "redis", "custom": tree},
    ):
        assert CANARY not in str(fields(content))


def test_a_changed_secret_shows_as_changed() -> None:
    """Before and after are masked, and still it is told that they differ."""
    old, new = ({"api_url": "http://127.0.0.1:8080", "api_key": key} for key in ("one", "two"))
    (change,) = field_changes(fields(old), fields(new))
    assert (change.name, change.before, change.after) == ("api key", MASK, f"{MASK} (changed)")


def test_response_headers_are_public_unless_they_sound_secret() -> None:
    """Every visitor gets them; what goes to an upstream is another matter."""
    assert shown_header("X-Release", "42", public=True) == "42"
    assert shown_header("X-Api-Key", "42", public=True) == MASK
    assert shown_header("X-Release", "42", public=False) == MASK
    assert shown_header("Authorization", "Bearer {env.TOKEN}", public=False) == "Bearer {env.TOKEN}"


def test_user_info_of_a_url_is_masked() -> None:
    """Also under a key that is shown."""
    assert shown("api_url", f"http://user:{CANARY}@127.0.0.1:8080") == f"http://{MASK}@127.0.0.1:8080"


def test_fm13_words_of_caddy_are_scrubbed() -> None:
    """It quotes values of the configuration it refuses."""
    tree = {"provider": {"name": "cloudflare", "api_token": CANARY}}
    assert scrubbed(f"API token '{CANARY}' appears invalid", tree) == f"API token '{MASK}' appears invalid"


@given(estates())
def test_desired_contents_hold_no_secret_at_all(resources: list[AnyResource]) -> None:
    """They name environment variables and files, as placeholders."""
    assume(len(resources) > 3)
    for content in compiled(*resources).values():
        assert "{env.TOKEN}" in str(content) or "TOKEN" not in str(content)
