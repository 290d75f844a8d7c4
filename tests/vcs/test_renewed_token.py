"""A token that its owner replaced is taken without a restart."""

from pathlib import Path

import pytest

from argos_gitops.model.errors import SourceError
from argos_gitops.model.secret import SecretValue
from argos_gitops.vcs.environment import Credentials
from tests.components.git import GitHttp, Origin
from tests.vcs.mirrors import A, mirror_of


def test_the_next_fetch_uses_the_new_token(git_http: GitHttp, origin: Origin, tmp_path: Path) -> None:
    """Fetching with the old one fails once the server has changed; nobody sees either."""
    token = tmp_path / "token"
    token.write_text("canary-old")
    credentials = Credentials(SecretValue("canary-start"), renewed=lambda: SecretValue(token.read_text()))
    mirror = mirror_of(f"{git_http.url}/{origin.folder.name}", tmp_path, credentials)
    origin.commit(A)
    git_http.password = ("x-access-token", "canary-old")
    mirror.fetch()
    git_http.password = ("x-access-token", "canary-new")
    with pytest.raises(SourceError) as caught:
        mirror.fetch()
    assert "canary" not in str(caught.value)
    token.write_text("canary-new")
    sha = origin.commit({"b": b"b"})
    assert mirror.fetch().sha == sha
