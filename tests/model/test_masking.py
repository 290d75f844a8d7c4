"""What may be shown of a container's settings."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.masking import (
    LONGEST_TEXT,
    TRUNCATED,
    TextLimit,
    is_secret_name,
    masked_setting,
    masked_text,
    masked_texts,
    masked_variable,
)
from argos_gitops.model.secret import MASK

CANARY = "canary51ab77cd"


@pytest.mark.parametrize(
    "name",
    ["DB_PASSWORD", "db_pass", "ApiToken", "SSH_KEY", "PRIVATE", "aws_credentials", "x" * 200 + "SECRET"],
)
def test_names_that_sound_secret(name: str) -> None:
    """The pattern of the seed contract."""
    assert is_secret_name(name)
    assert is_secret_name(name.lower())
    assert masked_variable(name, CANARY) == masked_setting(name, CANARY) == MASK
    assert masked_variable(name, "") == MASK


@pytest.mark.parametrize("name", ["NODE_ENV", "PATH", "com.docker.compose.project", ""])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret_name(name)


def test_a_label_that_only_says_yes_is_shown() -> None:
    """`passthrough` holds "pass", and its value is no secret."""
    assert masked_setting("traefik.tcp.routers.a.tls.passthrough", "true") == "true"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis-server --requirepass CANARY --port 1", f"redis-server --requirepass {MASK} --port 1"),
        ("redis-cli -h db -a CANARY ping", f"redis-cli -h db -a {MASK} ping"),
        ("serve --api-key=CANARY -v", f"serve --api-key={MASK} -v"),
        ("PGPASSWORD='CANARY x' psql", f"PGPASSWORD={MASK} psql"),
        ('{"password": "CANARY x", "a": 1}', f'{{"password": {MASK}, "a": 1}}'),
        ("postgres://app:CANARY@db.example/x", f"postgres://{MASK}@db.example/x"),
        ("postgres://app:CA@NARY@db.example/x", f"postgres://{MASK}@db.example/x"),
        ("https://hooks.example/x?token=CANARY&y=1", f"https://hooks.example/x?token={MASK}&y=1"),
        ("curl -H 'Authorization: Bearer CANARY' x", f"curl -H 'Authorization: Bearer {MASK}' x"),
        ("curl -u ann:CANARY https://x.example", f"curl -u ann:{MASK} https://x.example"),
        ("mysqladmin ping -h db -pCANARY", f"mysqladmin ping -h db -p{MASK}"),
        ("ann:$2y$05$CANARY,bob:$apr1$CANARY", f"ann:{MASK},bob:{MASK}"),
        ("ann:$$2y$$05$$CANARY", f"ann:{MASK}"),
        ("bob:{SHA}CANARY=", f"bob:{MASK}"),
        ("run ghp_CANARYCANARYCANARY", f"run {MASK}"),
        ("x -----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY----- y", f"x {MASK} y"),
        ("-----BEGIN PRIVATE KEY-----\nCANARY", MASK),
    ],
)
def test_secrets_in_text_are_masked(text: str, shown: str) -> None:
    masked = masked_text(text.replace("CANARY", CANARY))
    assert masked == shown
    assert masked_text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "nginx -g 'daemon off;'",
        "Basic authentication proxy",
        "/usr/local/sbin:/usr/local/bin",
        "https://docs.example.com/a?b=c",
        "Host(`app.example.com`) && PathPrefix(`/api`)",
    ],
)
def test_text_without_secrets_stays(text: str) -> None:
    assert masked_text(text) == text


@given(st.text(string.ascii_letters + string.digits, min_size=8, max_size=40))
def test_no_password_survives_its_option(secret: str) -> None:
    """Whatever it is made of."""
    for text in (f"--password {secret}x9Q", f"DB_PASSWORD={secret}x9Q", f"redis://:{secret}x9Q@cache:6379/0"):
        assert f"{secret}x9Q" not in masked_text(text)


@given(
    st.lists(
        st.sampled_from(["nginx", "--password a", "x://a:b@c", "plain", "$2y$05$abc", "ghp_"]), min_size=1
    )
)
def test_many_texts_are_masked_as_each_alone(texts: list[str]) -> None:
    assert list(masked_texts(texts)) == [masked_text(text) for text in texts]


@given(st.text())
def test_masking_is_done_once(text: str) -> None:
    """What was masked on the host comes through the second time as it is."""
    assert masked_text(masked_text(text)) == masked_text(text)


def test_what_was_masked_within_json_stays_as_it_is() -> None:
    """The second time, what follows the mask is not taken for a part of the secret."""
    once = masked_text('{"auth": {"password": "hunter2"}}')
    assert once == '{"auth": {"password": ********}}'
    assert masked_text(once) == once


@pytest.mark.parametrize("token", ["eyJhbGciOiJI.eyJzdWIi", "eyJhbGciOiJI.eyJzdWIi.c2lnbmF0dXJl"])
@pytest.mark.parametrize("before", ["", "x ", "jwt:", "x-", "-eyJ-"])
def test_a_web_token_is_found_wherever_it_begins(before: str, token: str) -> None:
    masked = masked_text(f"{before}{token} after")
    assert "eyJhbGci" not in masked
    assert masked.endswith(f"{MASK} after")


def test_of_a_text_that_is_not_looked_through_nothing_is_shown() -> None:
    """A half of it could be half of a secret; text that cannot hold one needs no looking through."""
    texts = ["plain", "--password a", "--password " + "b" * LONGEST_TEXT, "--password c", "--password d"]
    limit = TextLimit(2 * len("--password a"))
    assert masked_texts(texts, limit) == [
        "plain",
        f"--password {MASK}",
        TRUNCATED,
        f"--password {MASK}",
        TRUNCATED,
    ]
