"""The surroundings that git runs in."""

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.model.secret import SecretValue
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.environment import Credentials, git_environment, redactor
from argos_gitops.vcs.mirror import Limits, Mirror
from tests.components.git import GitHttp, Origin

CANARY = "canary-9d1e"
SPECIAL = "canary/ü 9d1e"


def test_fm13_a_wrong_secret_is_in_no_error(git_http: GitHttp, origin: Origin, tmp_path: Path) -> None:
    """Given as a token, in the URL, or as the user name that some forges take a token for."""
    origin.commit({"a": b"a"})
    git_http.password = ("somebody", "else")
    plain = f"{git_http.url}/config.git"
    for url, credentials in (
        (plain, Credentials(token=SecretValue(CANARY))),
        (plain.replace("//", f"//bob:{CANARY}@"), Credentials()),
        (plain.replace("//", f"//{CANARY}@"), Credentials()),
    ):
        mirror = Mirror(parse_address(url), tmp_path / "mirrors", credentials)
        with pytest.raises(SourceError) as caught:
            mirror.fetch()
        error: BaseException | None = caught.value
        while error is not None:
            assert CANARY not in repr(error)
            error = error.__cause__ or error.__context__
        assert "Authentication failed" in str(caught.value) or "403" in str(caught.value)


def test_fm13_a_secret_is_in_no_argument_list_and_in_no_file(
    git_http: GitHttp, origin: Origin, tmp_path: Path
) -> None:
    origin.commit({"a": b"a"})
    git_http.password = ("bob", CANARY)
    git_http.stall = threading.Event()
    url = git_http.url.replace("//", f"//bob:{CANARY}@")
    mirror = Mirror(parse_address(f"{url}/config.git"), tmp_path / "mirrors")
    fetching = threading.Thread(target=mirror.fetch)
    fetching.start()
    seen = _command_lines_until(git_http)
    git_http.stall.set()
    fetching.join()
    assert any("remote-http" in line for line in seen)
    assert not [line for line in seen if CANARY in line]
    files = [file for file in mirror.folder.rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if CANARY.encode() in file.read_bytes()]


def _command_lines_until(server: GitHttp) -> set[str]:
    """The argument lists of our descendants while the server makes git wait."""
    seen: set[str] = set()
    deadline = time.monotonic() + 20
    while not server.traffic.requests and time.monotonic() < deadline:
        time.sleep(0.01)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if server.url.removeprefix("http://") in command:
            seen.add(command)
    return seen


def test_fm13_every_spelling_of_a_secret_is_masked() -> None:
    address = parse_address("https://git.example.com/x")
    redact = redactor(address, Credentials(token=SecretValue(SPECIAL)))
    for text in (f"a {SPECIAL} b", "a canary%2F%C3%BC%209d1e b", "https://bob:whatever@x/"):
        assert "canary" not in redact(text)
        assert "whatever" not in redact(text)


def test_credentials_are_offered_to_their_own_server_alone(
    git_http: GitHttp, origin: Origin, tmp_path: Path
) -> None:
    """A token set for one address is not sent to another, also when a repository is asked for there."""
    environment = git_environment(
        parse_address("https://git.example.com/x"), Credentials(token=SecretValue(CANARY))
    )
    helpers = [value for key, value in environment.items() if key.startswith("GIT_CONFIG_KEY")]
    assert "credential.https://git.example.com.helper" in helpers
    assert "credential.helper" not in helpers


def test_hooks_and_templates_of_the_user_are_not_run(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook from the user's configuration would run with our credentials around it."""
    origin.commit({"a": b"a"})
    sign = tmp_path / "hook-ran"
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for name in ("reference-transaction", "pre-push", "post-checkout"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {sign}\n")
        (hooks / name).chmod(0o755)
    config = tmp_path / "gitconfig"
    config.write_text(
        f"[init]\n\ttemplateDir = {tmp_path / 'template'}\n"
        f"[core]\n\thooksPath = {hooks}\n\tfsmonitor = true\n"
        "[protocol]\n\tallow = always\n[fetch]\n\trecurseSubmodules = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    Mirror(parse_address(origin.url), tmp_path / "mirrors").fetch()
    assert not sign.exists()


def test_proxies_and_other_settings_of_the_user_keep_working(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`insteadOf` in the user's own configuration leads to where the repository really is."""
    config = tmp_path / "gitconfig"
    config.write_text(f'[url "{origin.folder}"]\n\tinsteadOf = https://git.example.com/config\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    sha = origin.commit({"a": b"a"})
    address = parse_address("https://git.example.com/config")
    assert Mirror(address, tmp_path / "mirrors").fetch().sha == sha


def test_settings_given_through_the_environment_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "http.sslCAInfo")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "/etc/ca.pem")
    environment = git_environment(None)
    assert environment["GIT_CONFIG_KEY_0"] == "http.sslCAInfo"
    assert environment["GIT_CONFIG_VALUE_0"] == "/etc/ca.pem"
    assert int(environment["GIT_CONFIG_COUNT"]) == sum("CONFIG_KEY" in name for name in environment)


def test_a_process_started_by_a_git_hook_does_not_touch_the_hooks_repository(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Origin(tmp_path / "other.git")
    hook = {
        "GIT_DIR": str(other.folder),
        "GIT_OBJECT_DIRECTORY": str(other.folder / "objects"),
        "GIT_QUARANTINE_PATH": str(other.folder / "objects"),
        "GIT_INDEX_FILE": "index",
    }
    for name, value in hook.items():
        monkeypatch.setenv(name, value)
    before = sorted((other.folder / "objects").rglob("*"))
    mirror = Mirror(parse_address(origin.url), tmp_path / "mirrors")
    monkeypatch.setenv("PATH", os.environ["PATH"])
    with pytest.raises(SourceError, match="no commit yet"):
        mirror.fetch()
    for name in hook:
        monkeypatch.delenv(name)
    sha = origin.commit({"a": b"a"})
    for name, value in hook.items():
        monkeypatch.setenv(name, value)
    assert mirror.fetch().sha == sha
    assert sorted((other.folder / "objects").rglob("*")) == before


def test_a_helper_that_asks_a_person_is_not_waited_for_forever(
    git_http: GitHttp, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    askpass = tmp_path / "askpass"
    askpass.write_text("#!/bin/sh\nsleep 30\n")
    askpass.chmod(0o755)
    monkeypatch.setenv("GIT_ASKPASS", str(askpass))
    git_http.password = ("a", "b")
    limits = Limits(git=timedelta(seconds=0.5))
    mirror = Mirror(parse_address(f"{git_http.url}/config.git"), tmp_path / "mirrors", limits=limits)
    with pytest.raises(SourceError, match="did not end within"):
        mirror.fetch()
