"""References are read as Docker reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.providers.docker.images.references import (
    ImageReference,
    InvalidReference,
    parse_reference,
)

_SHA = "sha256:" + "a1" * 32
_STEP = st.from_regex(r"[a-z0-9]+(?:[._-][a-z0-9]+){0,2}", fullmatch=True).filter(lambda text: len(text) < 40)
_REGISTRY = st.sampled_from(
    ["docker.io", "ghcr.io", "localhost", "registry.example.com:5000", "[2001:db8::1]:5000", "LAN:80"]
)
_TAG = st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
_REFERENCES = st.builds(
    ImageReference,
    registry=_REGISTRY,
    repository=st.lists(_STEP, min_size=1, max_size=3).map("/".join),
    tag=_TAG,
    digest=st.sampled_from([None, _SHA]),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nginx", ImageReference("docker.io", "library/nginx")),
        ("nginx:1.27", ImageReference("docker.io", "library/nginx", "1.27")),
        (f"nginx:1.27@{_SHA}", ImageReference("docker.io", "library/nginx", "1.27", _SHA)),
        (f"nginx@{_SHA}", ImageReference("docker.io", "library/nginx", None, _SHA)),
        ("grafana/grafana", ImageReference("docker.io", "grafana/grafana")),
        ("docker.io/nginx", ImageReference("docker.io", "library/nginx")),
        ("index.docker.io/library/nginx", ImageReference("docker.io", "library/nginx")),
        ("ghcr.io/acme/app:v2", ImageReference("ghcr.io", "acme/app", "v2")),
        ("localhost/app", ImageReference("localhost", "app")),
        ("localhost:5000/app", ImageReference("localhost:5000", "app")),
        ("127.0.0.1:5000/a/b/c:1", ImageReference("127.0.0.1:5000", "a/b/c", "1")),
        ("[2001:db8::1]:5000/app:1", ImageReference("[2001:db8::1]:5000", "app", "1")),
        ("host:5000", ImageReference("docker.io", "library/host", "5000")),
    ],
)
def test_names_are_completed_as_docker_completes_them(text: str, expected: ImageReference) -> None:
    """What looks like a host is one; all else is on Docker Hub, and official without a user."""
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "Nginx", "nginx:", "nginx:.1", "nginx@sha256:12", "a//b", "-a", "nginx:1 2", "http://ghcr.io/a",
     "ghcr.io/", "a:b:c", "${IMAGE}", "ghcr.io/acme/app@", "x" * 256],
)  # fmt: skip
def test_what_names_no_image_is_refused(text: str) -> None:
    """Nothing is guessed from a broken name."""
    with pytest.raises(InvalidReference):
        parse_reference(text)


@given(_REFERENCES)
def test_what_is_written_reads_as_the_same(reference: ImageReference) -> None:
    """parse∘format is the identity, up to how Docker completes a name."""
    full = parse_reference(reference.name + reference.version)
    assert parse_reference(str(full)) == full
    assert (full.tag, full.digest, full.registry) == (reference.tag, reference.digest, reference.registry)


def test_short_names_are_those_that_people_write() -> None:
    """Docker Hub and its `library` go without saying, and nothing else does."""
    shorts = {parse_reference(text).short for text in ("docker.io/library/nginx:1", "nginx@" + _SHA)}
    assert shorts == {"nginx"}
    assert parse_reference("docker.io/library/a/b").short == "library/a/b"
    assert parse_reference("quay.io/library/a").short == "quay.io/library/a"
