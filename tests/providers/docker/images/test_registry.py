"""A real registry is asked as it wants to be asked, and what it refuses is told without a secret."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.model.secret import SecretValue
from argos_gitops.providers.docker.images.registry import Login, Registry
from tests.components.registry import RealRegistry
from tests.components.upstream import Upstream
from tests.providers.docker.images.loopback import serving
from tests.providers.docker.images.pushing import Pusher
from tests.providers.docker.images.token_server import TokenServer

_CANARY = "canary-of-the-registry"
# The canary's hash as `htpasswd -B` writes it, of the least cost.
_HTPASSWD = "argos:$2y$04$CseKzoPEa8POw38HCmn3H.xedQKXKuIdGEyERK21c3uBHS.GdV0w2\n"
_OURS = Login("argos", SecretValue(_CANARY))


def test_tags_and_digests_of_a_registry_without_passwords(registry: RealRegistry) -> None:
    """The digest is the one that pushing gave, of an index too."""
    with Pusher(registry.address) as pusher, Registry(registry.address) as asked:
        one = pusher.image("acme/app", "1.0", "latest")
        arm = pusher.image("acme/app", "arm", what="arm", created="2024-06-01T00:00:00Z")
        both = pusher.index("acme/app", "2.0", of=[("arm64", arm), ("amd64", one)])
        assert sorted(asked.tags("acme/app")) == ["1.0", "2.0", "arm", "latest"]
        assert asked.digest("acme/app", "1.0") == asked.digest("acme/app", "latest") == one
        assert asked.digest("acme/app", "2.0") == both != one


def test_an_image_tells_when_it_was_built(registry: RealRegistry) -> None:
    """Of an index it is the image for linux/amd64 that counts; what says nothing is of no known age."""
    with Pusher(registry.address) as pusher, Registry(registry.address) as asked:
        one = pusher.image("app", "1", created="2024-05-01T10:00:00.123456789Z")
        arm = pusher.image("app", "arm", created="2020-01-01T00:00:00Z")
        pusher.index("app", "2", of=[("arm64", arm), ("amd64", one)])
        pusher.image("app", "3", created="")
        assert asked.created("app", "1") == asked.created("app", "2")
        assert asked.created("app", "2") == datetime(2024, 5, 1, 10, 0, 0, 123456, UTC)
        assert asked.created("app", "3") is None


def test_more_tags_than_fit_on_a_page(registry: RealRegistry) -> None:
    """All pages are read, as the Link header leads."""
    tags = [f"1.{number}" for number in range(1005)]
    with Pusher(registry.address) as pusher, Registry(registry.address) as asked:
        pusher.image("many", *tags)
        assert sorted(asked.tags("many")) == sorted(tags)


def test_a_password_is_given_to_a_registry_that_asks_for_one(
    make_registry: Callable[..., RealRegistry], tmp_path: Path
) -> None:
    """Basic authentication, with which nobody else gets in."""
    (tmp_path / "htpasswd").write_text(_HTPASSWD)
    realm = {"realm": "ours", "path": str(tmp_path / "htpasswd")}
    registry = make_registry(more={"auth": {"htpasswd": realm}})
    with Pusher(registry.address, {"Authorization": _OURS.basic}) as pusher:
        digest = pusher.image("app", "1.0")
    with Registry(registry.address, _OURS) as asked:
        assert asked.digest("app", "1.0") == digest
    with Registry(registry.address) as anonymous:
        assert _refused(lambda: anonymous.tags("app")).reason == "RegistryUnauthorized"


def test_tokens_are_had_for_each_repository(
    make_registry: Callable[..., RealRegistry], tmp_path: Path
) -> None:
    """The flow of Docker Hub and GHCR: the realm is asked once for a repository, with scope and service."""
    with TokenServer(tmp_path / "tokens", "argos", _CANARY) as tokens:
        registry = make_registry(more=tokens.registry_settings)
        bearer = {"Authorization": f"Bearer {tokens.token('acme/app', 'push', 'pull')}"}
        with Pusher(registry.address, bearer) as pusher:
            digest = pusher.image("acme/app", "1.0")
        with Registry(registry.address, _OURS) as asked:
            assert asked.tags("acme/app") == ["1.0"]
            assert asked.digest("acme/app", "1.0") == digest
            assert tokens.asked == [
                {"service": ["registry.example.com"], "scope": ["repository:acme/app:pull"]}
            ]


def test_fm13_a_password_that_is_refused_is_in_no_message(
    make_registry: Callable[..., RealRegistry], tmp_path: Path
) -> None:
    """Neither the token server's answer nor the registry's brings it back."""
    wrong = Login("argos", SecretValue("canary-that-is-wrong"))
    with TokenServer(tmp_path / "tokens", "argos", _CANARY) as tokens:
        registry = make_registry(more=tokens.registry_settings)
        with Registry(registry.address, wrong) as asked:
            error = _refused(lambda: asked.tags("acme/app"))
    assert error.reason == "RegistryUnauthorized"
    assert "canary" not in str(error) + repr(error) + repr(wrong)


@pytest.mark.parametrize(
    ("status", "headers", "reason", "after"),
    [
        (429, {"Retry-After": "90"}, "RateLimited", timedelta(seconds=90)),
        (429, {}, "RateLimited", timedelta(minutes=1)),
        (503, {}, "Unreachable", None),
        (404, {}, "ImageNotFound", None),
        (403, {}, "RegistryUnauthorized", None),
        (400, {}, "RegistryNotUnderstood", None),
        (307, {"Location": "http://192.0.2.1/"}, "RegistryNotUnderstood", None),
        (401, {"WWW-Authenticate": 'Bearer realm="http://192.0.2.1/token"'}, "RegistryNotUnderstood", None),
        (401, {"WWW-Authenticate": 'Bearer realm="", x'}, "RegistryNotUnderstood", None),
        (401, {}, "RegistryUnauthorized", None),
    ],
)
def test_what_a_refusal_means(
    status: int, headers: dict[str, str], reason: str, after: timedelta | None
) -> None:
    """Ask later, or change something; and no password goes where others could read it."""
    body = json.dumps({"errors": [{"code": "SOME_CODE", "message": f"you sent {_CANARY}"}]}).encode()
    with serving(lambda *_: (status, headers, body)) as address, Registry(address, _OURS) as asked:
        error = _refused(lambda: asked.tags("app"))
    assert error.reason == reason
    assert _CANARY not in str(error)
    assert (error.retry_after if isinstance(error, TransientError) else None) == after


def test_what_is_no_registry_is_told_apart(upstream: Upstream) -> None:
    """A web server that answers all the same, and nobody at all."""
    with Registry(upstream.address) as asked:
        assert _refused(lambda: asked.tags("app")).reason == "RegistryNotUnderstood"
    with Registry("127.0.0.1:1") as asked:
        assert isinstance(_refused(lambda: asked.tags("app")), TransientError)
    with pytest.raises(TerminalError, match="no certificate"):
        Registry("registry.example.com", ca="none")


def _refused(ask: Callable[[], Any]) -> ProviderError:
    with pytest.raises(ProviderError) as refusal:
        ask()
    return refusal.value
