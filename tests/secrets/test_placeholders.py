"""Placeholders stand for secrets in plans of unmerged revisions."""

import json

import pytest

from argos_gitops.model.errors import SettingsError
from argos_gitops.model.secret import PLACEHOLDER, SecretRef
from argos_gitops.secrets.placeholders import OnlyNamed, Placeholders
from tests.secrets.vaults import Repository, empty_vault, ref_to

_METADATA = {"mac": "ENC[AES256_GCM,data:m,iv:i,tag:t,type:str]", "lastmodified": "2026-01-01T00:00:00Z"}


def encrypted(data: str, kind: str = "str") -> str:
    return f"ENC[AES256_GCM,data:{data},iv:i,tag:t,type:{kind}]"


def sealed(**tree: object) -> bytes:
    return json.dumps({**tree, "sops": _METADATA}).encode()


def placeholders_of(data: bytes) -> tuple[Placeholders, str]:
    repository, vault = Repository(), empty_vault()
    blob = repository.add(data)
    vault.remember([blob], repository.read)
    return Placeholders(vault.content), blob


def test_a_reference_has_the_same_placeholder_each_time_and_another_one_each() -> None:
    placeholders, _ = placeholders_of(b"")
    found = [
        placeholders.resolve(ref).reveal()
        for ref in (SecretRef(env="A"), SecretRef(env="A"), SecretRef(env="B"), SecretRef(file="/A"))
    ]
    assert all(PLACEHOLDER.fullmatch(each) for each in found)
    assert found[0] == found[1]
    assert len({*found}) == 3


def test_a_sealed_value_has_another_placeholder_once_it_changed() -> None:
    old, blob = placeholders_of(sealed(a=encrypted("x"), b=encrypted("y")))
    new, newer = placeholders_of(sealed(a=encrypted("x"), b=encrypted("z")))
    kept = [p.resolve(ref_to("s.json#a", b)).reveal() for p, b in ((old, blob), (new, newer))]
    changed = [p.resolve(ref_to("s.json#b", b)).reveal() for p, b in ((old, blob), (new, newer))]
    assert kept[0] == kept[1]
    assert changed[0] != changed[1]


def test_a_sealed_file_keeps_its_form_and_its_plain_values() -> None:
    data = sealed(
        name="plain",
        port=encrypted("p", "int"),
        on=encrypted("o", "bool"),
        list=[encrypted("c", "comment"), encrypted("l")],
    )
    placeholders, blob = placeholders_of(data)
    tree = json.loads(placeholders.decrypted("s.json", blob, data).reveal())
    assert tree["name"] == "plain"
    assert 1 <= tree["port"] <= 60_000
    assert tree["on"] is False
    assert [bool(PLACEHOLDER.fullmatch(each)) for each in tree["list"]] == [True]


def test_only_named_secrets_are_resolved_for_targets() -> None:
    named = ref_to("s.json#a", "1")
    placeholders, _ = placeholders_of(b"")
    only = OnlyNamed(placeholders, {SecretRef(env="A"), named})
    assert only.resolve(SecretRef(env="A")) == placeholders.resolve(SecretRef(env="A"))
    for other in (SecretRef(env="B"), ref_to("s.json#a", "2"), ref_to("s.json#b", "1")):
        with pytest.raises(SettingsError, match="no target of the revision in force"):
            only.resolve(other)
    with pytest.raises(SettingsError):
        only.decrypted("s.json", "1", b"")
