"""URLs whose password ends their authority: told from those that only have an `@` further on."""

import pytest

from argos_gitops.model.urls import is_cut, may_be_cut


@pytest.mark.parametrize(
    "url",
    [
        "https://bot:12/ss@host/x",
        "https://bot:pa/ss@host/x",
        "https://bot:12?ss@host/x",
        "https://bot:12#ss@host/x",
        "HTTP://bot:/ss@host",
        "matrix://bot:12/ss@host/#room",
    ],
)
def test_a_password_with_a_raw_slash_is_found(url: str) -> None:
    assert is_cut(url)
    assert may_be_cut(url)


@pytest.mark.parametrize("url", ["https://to/ken@host/x", "https://bot:p@ss/w@host/x"])
def test_a_raw_slash_behind_a_user_or_an_at_may_be_one(url: str) -> None:
    """Where no `@` is meant to stand further on."""
    assert may_be_cut(url)
    assert not is_cut(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://bot:12%2Fss@host/x",
        "https://host:8443/x",
        "https://host/x",
        "http://[::1]:8443/x",
        "https://bot@host:8443",
        "bot:12/ss",
    ],
)
def test_other_urls_pass(url: str) -> None:
    assert not is_cut(url)
    assert not may_be_cut(url)


@pytest.mark.parametrize(
    "url", ["https://host/hook?to=@channel", "http://[fe80::1]/@me", "https://a:b@host/hook?to=c@d"]
)
def test_an_at_in_path_or_query_is_no_password(url: str) -> None:
    assert not is_cut(url)
