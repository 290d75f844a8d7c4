"""Where a repository's forge is."""

import pytest

from argos_gitops.model.errors import ReportError
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.model.secret import SecretRef
from argos_gitops.status.forge.place import Place, place_of
from tests.status.forge.passes import Kind

G = "https://git.example.com"


@pytest.mark.parametrize(
    ("kind", "repo", "api", "web"),
    [
        ("github", "https://github.com/a/b.git", "https://api.github.com", "https://github.com/a/b"),
        ("github", "git@github.com:a/b.git", "https://api.github.com", "https://github.com/a/b"),
        ("github", "ssh://git@ssh.github.com:443/a/b", "https://api.github.com", "https://github.com/a/b"),
        ("github", "https://team.ghe.com/a/b", "https://api.team.ghe.com", "https://team.ghe.com/a/b"),
        ("github", f"{G}/a/b/", f"{G}/api/v3", f"{G}/a/b"),
        ("gitlab", f"{G}/g/s/t/b.git", f"{G}/api/v4", f"{G}/g/s/t/b"),
        ("gitlab", "git@altssh.gitlab.com:g/b", "https://gitlab.com/api/v4", "https://gitlab.com/g/b"),
        ("gitea", f"{G}:3000/a/b.git", f"{G}:3000/api/v1", f"{G}:3000/a/b"),
        ("gitea", f"{G}/below/it/a/b.git", f"{G}/below/it/api/v1", f"{G}/below/it/a/b"),
        ("forgejo", "ssh://git@git.example.com:2222/a/b.git", f"{G}/api/v1", f"{G}/a/b"),
        ("forgejo", "HTTP://user:pw@[2001:db8::1]:8080/a/b", *2 * ("http://[2001:db8::1]:8080/",)),
    ],
)
def test_it_is_told_from_the_repository(kind: Kind, repo: str, api: str, web: str) -> None:
    """Whatever way git goes there."""
    place = place_of(ForgeSpec(type=kind, token=SecretRef(env="T")), repo)
    if web.endswith("/"):
        api, web = f"{api}api/v1", f"{web}a/b"
    assert (place.api_url, place.web_url) == (api, web)
    assert web.endswith(place.project)


@pytest.mark.parametrize(
    ("kind", "api", "repo", "project", "web"),
    [
        ("gitlab", f"{G}/below/api/v4/", f"{G}/below/g/s/b", "g/s/b", f"{G}/below/g/s/b"),
        ("gitea", f"{G}/api/v1", "git@internal:a/b.git", "a/b", f"{G}/a/b"),
        ("github", "https://api.github.com", "git@alias:a/b", "a/b", "https://github.com/a/b"),
        ("github", "https://api.team.ghe.com", "git@alias:a/b", "a/b", "https://team.ghe.com/a/b"),
        ("github", f"{G}/api/v3", "git@alias:a/b", "a/b", f"{G}/a/b"),
    ],
)
def test_api_url_wins(kind: Kind, api: str, repo: str, project: str, web: str) -> None:
    """What lies above the API is where the forge is served; the project lies below that."""
    spec = ForgeSpec(type=kind, api_url=api, token=SecretRef(env="T"))
    assert place_of(spec, repo) == Place(api.rstrip("/"), web, project)


def test_a_folder_needs_to_be_told(tmp_path: object) -> None:
    """A checkout does not say where people review it, unless the Agent does."""
    spec = ForgeSpec(type="gitea", token=SecretRef(env="T"))
    for repo in (str(tmp_path), ".", "file:///srv/config.git", f"{G}/lonely"):
        with pytest.raises(ReportError, match=r"forge\.apiUrl and forge\.project") as caught:
            place_of(spec, repo)
        assert caught.value.reason == "ForgeUnknown"
    told = ForgeSpec(type="gitea", api_url=f"{G}/api/v1", project="a/b", token=SecretRef(env="T"))
    assert place_of(told, ".") == Place(f"{G}/api/v1", f"{G}/a/b", "a/b")
