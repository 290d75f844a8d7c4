"""What git, and whatever git starts, finds in its environment: nothing of ours that it does not need."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.model.secret import SecretValue
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.environment import Credentials
from argos_gitops.vcs.mirror import Mirror, Terms
from argos_gitops.vcs.signatures import Keys
from argos_gitops.vcs.trust import Trust
from tests.components.git import GitHttp, Origin
from tests.components.ports import free_port
from tests.components.recorder import Recorder, path_with
from tests.components.signing import OpenPgp, SigningWork, ssh_signer

CANARY, TOKEN = "canary-e7f2", "canary-token-11d0"
SECRETS = (
    "ARGOS_GIT_TOKEN",
    "ARGOS_WEBHOOK_SECRET",
    "AWS_SECRET_ACCESS_KEY",
    "VAULT_TOKEN",
    "LAPI_PASSWORD",
    "PGPASSWORD",
    "GIT_TRACE_CURL",
)


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Records git, and what it starts, in an environment full of secrets."""
    recorder = Recorder(tmp_path / "recorder")
    for name in SECRETS:
        monkeypatch.setenv(name, CANARY)
    return recorder


def held(environment: Mapping[str, str], text: str) -> list[str]:
    return sorted(name for name, value in environment.items() if text in value)


def test_git_over_http_has_its_token_and_no_other_secret(
    recorder: Recorder, git_http: GitHttp, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the processes that speak to the server have the token."""
    recorder.program("git")
    monkeypatch.setenv("GIT_EXEC_PATH", str(recorder.git_helpers("git-remote-http")))
    monkeypatch.setenv("PATH", path_with(recorder.path))
    monkeypatch.setenv("https_proxy", "http://proxy.example.com")
    origin.commit({"a": b"a"})
    git_http.password = ("x-access-token", TOKEN)
    mirror = Mirror(
        parse_address(f"{git_http.url}/config.git"),
        tmp_path / "mirrors",
        Credentials(token=SecretValue(TOKEN)),
    )
    fetched = mirror.fetch()
    mirror.repository.commit(fetched.sha)
    helpers = recorder.environments("git-remote-http")
    gits = [each for each in recorder.environments("git") if "GIT_ATTR_NOSYSTEM" in each]  # the server's not
    assert helpers
    assert any(not held(each, TOKEN) for each in gits)
    for environment in (*helpers, *gits):
        assert held(environment, CANARY) == []
        assert held(environment, TOKEN) in ([], ["ARGOS_GIT_AUTH_PASSWORD"])
    for environment in helpers:
        assert held(environment, TOKEN) == ["ARGOS_GIT_AUTH_PASSWORD"]
        assert environment["https_proxy"] == "http://proxy.example.com"


def test_git_over_ssh_has_the_agent_s_socket_and_no_secret(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ssh is started with; whether somebody answers does not matter."""
    recorder.program("ssh")
    monkeypatch.setenv("PATH", path_with(recorder.path))
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere/agent")
    address = parse_address(f"ssh://git@127.0.0.1:{free_port()}/config.git")
    with pytest.raises(SourceError):
        Mirror(address, tmp_path / "mirrors", Credentials(token=SecretValue(TOKEN))).fetch()
    environments = recorder.environments("ssh")
    assert environments
    for environment in environments:
        assert held(environment, "canary") == []
        assert environment["SSH_AUTH_SOCK"] == "/nowhere/agent"


def test_what_verifies_signatures_has_no_secret(
    recorder: Recorder, origin: Origin, git_http: GitHttp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gpg and ssh-keygen, which read what strangers signed, have not even git's token."""
    alice, pgp = ssh_signer(tmp_path, "alice"), OpenPgp()
    try:
        bob = pgp.signer("bob")
        work = SigningWork(origin, tmp_path / "work")
        signers = tmp_path / "signers"
        signers.write_text(f"alice {alice.public}\n")
        (tmp_path / "bob.asc").write_text(bob.public)
        for name in ("gpg", "ssh-keygen"):
            recorder.program(name)
        git_http.password = ("x-access-token", TOKEN)
        monkeypatch.setenv("PATH", path_with(recorder.path))
        trust = Trust(Keys(signers, tmp_path / "bob.asc"), strict=False, where="here")
        credentials = Credentials(token=SecretValue(TOKEN))
        mirror = Mirror(parse_address(f"{git_http.url}/config.git"), tmp_path / "mirrors", credentials)
        for signer in (alice, bob):
            before = os.environ["PATH"]
            monkeypatch.setenv("PATH", before.partition(os.pathsep)[2])
            work.commit(signer)
            monkeypatch.setenv("PATH", before)
            mirror.fetch("main", Terms(trust=trust))
    finally:
        pgp.close()
    seen = [*recorder.environments("gpg"), *recorder.environments("ssh-keygen")]
    assert len(recorder.environments("gpg")) > 1
    assert recorder.environments("ssh-keygen")
    assert [held(environment, "canary") for environment in seen] == [[]] * len(seen)


def test_a_variable_that_is_named_for_git_reaches_its_helpers(
    recorder: Recorder, git_http: GitHttp, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For credential helpers of clouds: `git_environment`."""
    monkeypatch.setenv("GIT_EXEC_PATH", str(recorder.git_helpers("git-remote-http")))
    monkeypatch.setenv("AWS_PROFILE", "config")
    origin.commit({"a": b"a"})
    credentials = Credentials(environment=("AWS_PROFILE",))
    Mirror(parse_address(f"{git_http.url}/config.git"), tmp_path / "mirrors", credentials).fetch()
    environments = recorder.environments("git-remote-http")
    assert {environment.get("AWS_PROFILE") for environment in environments} == {"config"}
