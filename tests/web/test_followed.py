"""Which pushes concern us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.web.followed import Followed, repository_place
from argos_gitops.web.pushes import Push

SAME = [
    "https://git.example.com/team/config",
    "https://git.example.com/team/config.git",
    "https://git.example.com/team/config.git/",
    "https://bot:secret@git.example.com/team/config",
    "http://git.example.com:3000/team/config.git",
    "ssh://git@git.example.com/team/config.git",
    "ssh://git@git.example.com:2222/team/config",
    "git@git.example.com:team/config.git",
    "git.example.com:team/config",
    "git@git.example.com:/team/config",
    "HTTPS://Git.Example.com/Team/Config",
]
OTHERS = [
    "https://git.example.com/team/config2",
    "https://git.example.com/team",
    "https://git.example.com/other/config",
    "https://git.example.org/team/config",
    "git@git.example.com:team/config.wiki.git",
]


@pytest.mark.parametrize("ours", SAME)
@pytest.mark.parametrize("theirs", SAME)
def test_all_urls_of_a_repository_are_one(ours: str, theirs: str) -> None:
    """Also failure mode 10: with and without .git is the same repository."""
    assert Followed(ours, "main").why_not(Push(urls=[theirs], refs=["refs/heads/main"])) == ""


@pytest.mark.parametrize("ours", SAME)
@pytest.mark.parametrize("theirs", OTHERS)
def test_another_repository_is_another(ours: str, theirs: str) -> None:
    assert Followed(ours, "main").why_not(Push(urls=[theirs])) == "OtherRepository"


def test_a_name_is_enough_where_the_forge_has_another_name_inside() -> None:
    """`http://gitea:3000` within the compose network, `https://git.example.com` for everybody else."""
    push = Push(urls=["https://git.example.com/team/config"], names=["Team/Config"])
    assert Followed("http://gitea:3000/team/config.git", None).why_not(push) == ""
    assert Followed("http://gitea:3000/forge/team/config.git", None).why_not(push) == ""
    assert Followed("http://gitea:3000/steam/config.git", None).why_not(push) == "OtherRepository"


def test_a_name_without_an_owner_must_be_all_of_the_path() -> None:
    assert Followed("https://git.example.com/config.git", None).why_not(Push(names=["config"])) == ""
    assert Followed("https://git.example.com/team/config", None).why_not(Push(names=["config"])) != ""


@pytest.mark.parametrize("repo", [".", "/srv/git/config.git", "file:///srv/git/config.git"])
def test_a_folder_has_no_name_that_a_forge_could_tell(repo: str) -> None:
    """Whoever has the secret may wake the agent."""
    assert Followed(repo, None).why_not(Push(urls=["https://git.example.com/a/b"], names=["a/b"])) == ""


@pytest.mark.parametrize(
    ("branch", "default", "ref", "reason"),
    [
        ("main", "", "refs/heads/main", ""),
        ("main", "trunk", "refs/heads/trunk", "OtherRef"),
        ("main", "", "refs/heads/main2", "OtherRef"),
        ("main", "", "refs/heads/feature/main", "OtherRef"),
        ("v1", "main", "refs/tags/v1", ""),
        ("refs/heads/main", "", "refs/heads/main", ""),
        (None, "trunk", "refs/heads/trunk", ""),
        (None, "trunk", "refs/heads/main", "OtherRef"),
        (None, "", "refs/heads/anything", ""),
        (None, "", "refs/heads/argos/status/edge-1", "OwnBranch"),
        ("main", "main", "refs/heads/argos/status/edge-1", "OwnBranch"),
        ("main", "main", "refs/heads/argos/propose/abc", "OwnBranch"),
    ],
)
def test_the_followed_branch_and_no_other(branch: str | None, default: str, ref: str, reason: str) -> None:
    followed = Followed("https://git.example.com/team/config", branch)
    assert followed.why_not(Push(refs=[ref], default_branch=default)) == reason


def test_one_of_several_refs_is_enough() -> None:
    """Bitbucket tells of all branches of a push at once."""
    followed = Followed("https://git.example.com/team/config", "main")
    refs = ["refs/heads/argos/status/edge-1", "refs/heads/main"]
    assert followed.why_not(Push(refs=refs)) == ""


@given(st.text())
def test_whatever_a_payload_calls_its_repository(url: str) -> None:
    """It has a place, or none; it never breaks anything."""
    place = repository_place(url)
    assert place is None or "/" in place


@given(st.sampled_from(["https://", "ssh://", "git@", "http://["]), st.text())
def test_whatever_follows_a_scheme(scheme: str, rest: str) -> None:
    place = repository_place(scheme + rest)
    assert place is None or "/" in place
