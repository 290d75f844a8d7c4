"""Files that no SOPS wrote, by somebody who knows the public key and what parsers make of odd text."""

import base64
import json
import secrets
from collections.abc import Mapping
from typing import Any

import pyrage
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from argos_gitops.manifests.sealed import NotSealedError, NoValueError, read_sealed, value_at
from argos_gitops.model.errors import SettingsError
from argos_gitops.secrets.vault import Vault
from tests.components.sops import RealSops
from tests.secrets.vaults import Repository, identities, ref_to
from tests.status.forge.standin import StandIn

NAMES = ("a.yaml", "a.json", "a.bin")


class Forger:
    """Writes files for a public key; all that it needs is in the repository."""

    def __init__(self, recipient: str) -> None:
        self._key = secrets.token_bytes(32)
        public = pyrage.x25519.Recipient.from_str(recipient)
        enc = pyrage.encrypt(self._key, [public], armored=True).decode()
        self.metadata: Mapping[str, Any] = {
            "age": [{"recipient": recipient, "enc": enc}],
            "lastmodified": "2026-01-01T00:00:00Z",
            "mac": self.value("x", "2026-01-01T00:00:00Z"),
            "version": "3.13.0",
            "unencrypted_suffix": "_u",
        }

    def value(self, text: str, bound_to: str, kind: str = "str") -> str:
        nonce = secrets.token_bytes(32)
        sealed = AESGCM(self._key).encrypt(nonce, text.encode(), bound_to.encode())
        data, iv, tag = (base64.b64encode(each).decode() for each in (sealed[:-16], nonce, sealed[-16:]))
        return f"ENC[AES256_GCM,data:{data},iv:{iv},tag:{tag},type:{kind}]"

    def file(self, fields: str, **metadata: Any) -> bytes:
        """`fields` is JSON without its braces."""
        return f'{{{fields},"sops":{json.dumps({**self.metadata, **metadata})}}}'.encode()


def refusal(path: str, data: bytes, key: str, keys: str = "age pgp") -> str:
    """Nothing else is ever raised, for a value and for the whole file."""
    repository = Repository()
    blob = repository.add(data)
    vault = Vault(identities(key), keys)
    vault.remember([blob], repository.read)
    with pytest.raises(SettingsError) as caught:
        vault.value(ref_to(f"{path}#x", blob))
    with pytest.raises(SettingsError):
        vault.file(path, blob, data)
    return str(caught.value)


@pytest.mark.parametrize("path", NAMES)
def test_a_number_that_go_has_no_room_for_is_refused(sops: RealSops, path: str) -> None:
    forger = Forger(sops.recipient)
    for digits in (20, 400, 5000):
        sealed = json.dumps(forger.value("9" * digits, "x:", "int"))
        assert "x was changed" in refusal(path, forger.file(f'"x":{sealed}'), sops.key)
        assert "cannot" in refusal(path, forger.file(f'"x_u":{"9" * digits}'), sops.key)


@pytest.mark.parametrize("path", NAMES)
@pytest.mark.parametrize("bracket", ["[]", "{}"])
def test_what_is_nested_deeply_is_refused(sops: RealSops, path: str, bracket: str) -> None:
    forger = Forger(sops.recipient)
    begin, end = ("[", "]") if bracket == "[]" else ('{"a":', "}")
    for depth in (100, 300, 500, 900, 5000):
        deep = f'"x_u":{begin * depth}1{end * depth}'
        for metadata in ({}, {"shamir_threshold": 1}):
            assert "cannot be decrypted" in refusal(path, forger.file(deep, **metadata), sops.key)


def test_what_is_nested_deeply_in_an_env_file_is_refused() -> None:
    for step in ("__map_a", "__list_0"):
        with pytest.raises(NotSealedError, match="deeper"):
            read_sealed("a.env", f"x=1\nsops_mac=a\nsops_age{step * 3000}=b\n".encode())


@pytest.mark.parametrize("path", NAMES)
@pytest.mark.parametrize("threshold", ["9" * 30, "9" * 5000, 10**30, 256, -1, "²", [1], True])
def test_a_threshold_that_is_none_is_refused(sops: RealSops, path: str, threshold: object) -> None:
    data = Forger(sops.recipient).file('"x_u":"a"', shamir_threshold=threshold)
    assert "cannot be decrypted" in refusal(path, data, sops.key)


@pytest.mark.parametrize("path", NAMES)
def test_a_mac_of_any_text_is_refused(sops: RealSops, path: str) -> None:
    forger = Forger(sops.recipient)
    mac = forger.value("grüße 🔑", "2026-01-01T00:00:00Z")
    assert "MAC does not fit" in refusal(path, forger.file('"x_u":"a"', mac=mac), sops.key)


def test_an_item_with_an_endless_number_is_not_there() -> None:
    with pytest.raises(NoValueError):
        value_at({"a": ["b"]}, ("a", "9" * 5000))


_VAULT = {"engine_path": "x", "key_name": "../../../config/apps/evil", "enc": "vault:v1:x"}
_DATED = {"created_at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("name", ["HC_VAULT", "Hc_vault", "hc_vaul\u0074"])
@pytest.mark.parametrize("rule", ["encrypted_comment_regex", "unencrypted_comment_regex"])
@pytest.mark.parametrize("path", ["a.json", "a.bin"])
def test_no_spelling_of_a_key_service_makes_the_program_ask_it(
    sops: RealSops, monkeypatch: pytest.MonkeyPatch, path: str, rule: str, name: str
) -> None:
    """Not on this machine either, where Caddy's admin API may listen: `key_name` makes any path of it."""
    monkeypatch.setenv("PATH", str(sops.program.parent))
    forger = Forger(sops.other_recipient)
    with StandIn() as stranger:
        service = {name: [{"vault_address": stranger.url, **_VAULT, **_DATED}]}
        # SOPS takes one rule alone.
        data = forger.file(
            f'"x":"{forger.value("v", "x:")}"', unencrypted_suffix="", **{rule: "z"}, **service
        )
        refusal(path, data, sops.key)
        assert stranger.asked == []


@pytest.mark.parametrize(
    "text",
    [
        'a: &a {"hc_vault": []}\nsops: {<<: *a, MORE}\n',
        'a: &a {"sops": {}}\nsops: {MORE}\n<<: *a\n',
        'a: {"<<": {"sops": {}}}\nsops: {MORE}\n',
    ],
)
def test_what_yaml_merges_is_not_handed_on_with_comments(sops: RealSops, text: str) -> None:
    """YAML 1.1, which Go reads, has merges; YAML 1.2, which we read, has none."""
    forger = Forger(sops.other_recipient)
    more = json.dumps({**forger.metadata, "encrypted_comment_regex": "z"})[1:-1]
    assert "alias or a merge key" in refusal("a.yaml", text.replace("MORE", more).encode(), sops.key)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", "# grüße\n# sealed\na: canary-31\nb: plain # 🔑\nc:\n  # sealed\n  - canary-32\n"),
        ("a.json", '{"a": "canary-31", "c": ["canary-32"]}'),
        ("a.env", "# sealed\na=canary-31\nb=plain\n"),
    ],
)
def test_rules_by_comment_still_say_what_is_encrypted(
    sops: RealSops, monkeypatch: pytest.MonkeyPatch, path: str, text: str
) -> None:
    """In every form, with a line of its own and beside a value, whatever stands around the metadata."""
    monkeypatch.setenv("PATH", str(sops.program.parent))
    rule = "unencrypted_comment_regex" if path == "a.json" else "encrypted_comment_regex"
    sealed = sops.encrypt(path, text, **{rule: "sealed"})
    assert b"canary" not in sealed
    repository = Repository()
    blob = repository.add(sealed)
    vault = Vault(identities(sops.key))
    vault.remember([blob], repository.read)
    assert vault.value(ref_to(f"{path}#a", blob)).reveal() == "canary-31"
