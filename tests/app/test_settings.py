"""Bootstrap settings: file, environment, flags; the later wins."""

from pathlib import Path

import pytest

from argos_gitops.app.settings import load_settings
from argos_gitops.model.errors import SettingsError


def test_the_later_wins(tmp_path: Path) -> None:
    (tmp_path / "argos-gitops.toml").write_text('repo = "file"\nbranch = "file"\ninstance = "file"\n')
    environment = {"ARGOS_BRANCH": "environment", "ARGOS_INSTANCE": "environment"}
    settings = load_settings({"instance": "flag", "repo": None}, environment, tmp_path)
    assert (settings.repo, settings.branch, settings.instance) == ("file", "environment", "flag")


def test_a_secret_comes_from_a_file_and_never_shows(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary-77aa\n")
    settings = load_settings({}, {"ARGOS_GIT_TOKEN_FILE": str(tmp_path / "token")}, tmp_path)
    assert settings.git_token is not None
    assert settings.git_token.reveal() == "canary-77aa"
    assert "canary-77aa" not in repr(settings)


def test_a_secret_in_the_settings_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "argos-gitops.toml").write_text('git_token = "canary-77aa"\n')
    with pytest.raises(SettingsError) as error:
        load_settings({}, {}, tmp_path)
    assert "canary-77aa" not in str(error.value)
    assert "ARGOS_GIT_TOKEN_FILE" in str(error.value)


@pytest.mark.parametrize("name", ["ARGOS_GEOIP_COUNTRY_URL", "ARGOS_PUBLIC_IP_URL"])
def test_a_password_with_a_raw_slash_is_refused_with_the_cure(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="%2F") as error:
        load_settings({}, {name: "https://bot:12/canary-77aa@download.example.com/db"}, tmp_path)
    assert name in str(error.value)
    assert "canary-77aa" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("repo = 3\n", "repo"), ("rpeo = 'x'\n", "unknown setting 'rpeo'"), ("repo = \n", "TOML")],
)
def test_a_wrong_file_names_itself(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "argos-gitops.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"argos-gitops\.toml") as error:
        load_settings({}, {}, tmp_path)
    assert expected in str(error.value)


@pytest.mark.parametrize("name", ["../x", "a b", "a..b", "x.lock", "-x"])
def test_an_instance_is_part_of_a_branch_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="ARGOS_INSTANCE"):
        load_settings({"instance": name}, {}, tmp_path)


def test_two_repositories_never_share_their_state(tmp_path: Path) -> None:
    """Nor do two folders of one repository; `.git` or not is the same one."""
    environment = {"XDG_STATE_HOME": str(tmp_path)}

    def state(repo: str, path: str = ".") -> Path:
        return load_settings({"repo": repo, "path": path}, environment, tmp_path).state_dir

    one = state("https://git.example/one.git")
    assert one == state("https://git.example/one")
    assert len({one, state("https://git.example/two"), state("https://git.example/one", "edge")}) == 3


def test_asking_for_signatures_without_keys_is_refused(tmp_path: Path) -> None:
    """It must not come to mean that nobody's signature is looked at."""
    with pytest.raises(SettingsError, match="ARGOS_ALLOWED_SIGNERS"):
        load_settings({}, {"ARGOS_VERIFY_COMMITS": "strict"}, tmp_path)
    missing = {"ARGOS_VERIFY_COMMITS": "head", "ARGOS_ALLOWED_SIGNERS": str(tmp_path / "missing")}
    with pytest.raises(SettingsError, match="missing"):
        load_settings({}, missing, tmp_path)
    with pytest.raises(SettingsError, match="expected one of off, head, strict"):
        load_settings({}, {"ARGOS_VERIFY_COMMITS": "yes"}, tmp_path)


def test_the_token_of_an_archnest_agent_means_the_same(tmp_path: Path) -> None:
    """Also from a file; our own name wins."""
    (tmp_path / "token").write_text("from a file\n")
    theirs = {"ARCHNEST_AGENT_TOKEN_FILE": str(tmp_path / "token")}
    ours = theirs | {"ARGOS_AGENT_TOKEN": "ours"}
    for environment, expected in (
        (theirs, "from a file"),
        (ours, "ours"),
        ({"ARCHNEST_AGENT_TOKEN": "t"}, "t"),
    ):
        token = load_settings({}, environment, tmp_path).agent_token
        assert token is not None
        assert token.reveal() == expected
