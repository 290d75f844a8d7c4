"""Whole files that the real SOPS encrypted come out as what went in, in their own form."""

import orjson
import pytest

from argos_gitops.manifests.reading import read_documents
from argos_gitops.model.errors import SettingsError
from tests.components.sops import RealSops
from tests.secrets.vaults import vault_of

YAML = 'b: canary-1\na: {list: [1, "8081", true, null]}\nc: |\n  two\n  lines\n'
DOTENV = "# why\nB=canary 2\nA=x=y\nLINES=one\\ntwo\n"
JSON = '{"b": "canary-3", "a": {"n": 1.5}}'
BINARY = "canary-4\n\nwith\tspaces "


def _plain(sops: RealSops, name: str, text: str, *keys: str) -> bytes:
    sealed = sops.encrypt(name, text)
    vault, _, blob = vault_of(name, sealed, *(keys or (sops.key,)))
    return vault.file(name, blob, sealed).reveal()


def test_yaml_keeps_meaning_and_order(sops: RealSops) -> None:
    plain = _plain(sops, "app.yaml", YAML)
    assert read_documents(plain).documents[0].content == read_documents(YAML.encode()).documents[0].content
    assert plain.startswith(b"b:")


def test_dotenv_keeps_each_line(sops: RealSops) -> None:
    assert _plain(sops, "db.env", DOTENV).decode() == DOTENV.removeprefix("# why\n")


def test_json_and_binary(sops: RealSops) -> None:
    assert orjson.loads(_plain(sops, "app.json", JSON)) == orjson.loads(JSON)
    assert _plain(sops, "key.pem", BINARY).decode() == BINARY


def test_without_the_key_the_file_is_named_and_not_quoted(sops: RealSops) -> None:
    with pytest.raises(SettingsError, match=r"db\.env cannot be decrypted") as caught:
        _plain(sops, "db.env", DOTENV, sops.other_key)
    assert caught.value.reason == "SecretUnreadable"
    assert "canary" not in str(caught.value)
