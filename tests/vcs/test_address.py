"""Where a repository is, however it is spelled."""

from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.vcs.address import parse_address, redact_urls
from argos_gitops.vcs.mirror import mirror_name

CANARY = "canary-7f3a"


@pytest.mark.parametrize(
    "spelling",
    [
        "https://git.example.com/team/config",
        "https://git.example.com/team/config.git",
        "https://git.example.com/team/config.git/",
        "https://git.example.com:443/team/config/",
        "HTTPS://Git.Example.com/team/config",
        f"https://bob:{CANARY}@git.example.com/team/config.git",
    ],
)
def test_fm10_every_spelling_of_a_url_has_one_mirror_and_one_lock(spelling: str) -> None:
    plain = parse_address("https://git.example.com/team/config")
    assert mirror_name(parse_address(spelling)) == mirror_name(plain)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://git.example.com/a", "https://git.example.com/b"),
        ("https://git.example.com/a", "http://git.example.com/a"),
        ("ssh://alice@git.example.com/a", "ssh://bob@git.example.com/a"),
        ("https://git.example.com/a", "https://git.example.com:8443/a"),
    ],
)
def test_different_repositories_have_different_mirrors(one: str, other: str) -> None:
    assert mirror_name(parse_address(one)) != mirror_name(parse_address(other))


def test_a_path_finds_the_bare_repository_beside_it(tmp_path: Path) -> None:
    (tmp_path / "config.git").mkdir()
    assert parse_address(f"{tmp_path}/config").local == tmp_path / "config.git"
    assert parse_address(f"{tmp_path}/config.git/") == parse_address(f"file://{tmp_path}/config")


def test_a_folder_and_a_bare_repository_of_the_same_name_are_two(tmp_path: Path) -> None:
    (tmp_path / "config.git").mkdir()
    (tmp_path / "config").mkdir()
    assert parse_address(f"{tmp_path}/config").identity != parse_address(f"{tmp_path}/config.git").identity


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ext::sh -c 'touch /tmp/pwned'",
        "fd::17",
        "ftp://git.example.com/a",
        "javascript://x/a",
        "--upload-pack=touch",
        "https://",
        "https://git.example.com:port/a",
        "https://git.example.com/a\nHost: evil",
    ],
)
def test_only_known_transports_are_taken(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_address(url)
    assert caught.value.reason == "UnsupportedUrl"


@pytest.mark.parametrize("character", ["/", "?", "#"])
def test_a_password_that_is_not_encoded_is_told_with_the_cure(character: str) -> None:
    """Without a part of it."""
    with pytest.raises(SourceError, match="%2F") as caught:
        parse_address(f"https://bob:{CANARY}{character}x{CANARY}@git.example.com/team/config.git")
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("secret", ["12/{}", "12?{}", "1#{}", "p@ss/{}", "{}/12"])
def test_a_password_is_never_taken_for_a_port_and_a_path(secret: str) -> None:
    """Or it would be asked for at the host `bob`, and stand in each message as a path."""
    with pytest.raises(SourceError, match="%2F") as caught:
        parse_address(f"https://bob:{secret.format(CANARY)}@git.example.com/team/config.git")
    assert CANARY not in str(caught.value)


def test_fm13_credentials_are_taken_out_of_the_url() -> None:
    address = parse_address(f"https://bob:{CANARY}@git.example.com/team/config.git")
    assert address.url == "https://git.example.com/team/config.git"
    assert address.username == "bob"
    assert CANARY not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        f"ftp://bob:{CANARY}@x/",
        f"https://bob:{CANARY}@git.example.com:port/a",
        f"https://bob:a/{CANARY}@git.example.com/a",
        f"https://git.example.com:port/a?token={CANARY}",
    ],
)
def test_fm13_a_refused_url_is_not_repeated_with_its_credentials(url: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_address(url)
    assert CANARY not in str(caught.value)


def test_fm13_texts_lose_user_information_and_queries_of_urls() -> None:
    text = f"fatal: unable to access 'https://a:{CANARY}@x.example/y?token={CANARY}': no"
    assert CANARY not in redact_urls(text)
    assert "x.example/y" in redact_urls(text)


def test_ssh_keeps_its_user_which_is_part_of_the_address() -> None:
    assert parse_address("ssh://git@git.example.com/team/config.git").url.startswith("ssh://git@")
    assert parse_address("git@git.example.com:team/config.git").url == "git@git.example.com:team/config.git"
