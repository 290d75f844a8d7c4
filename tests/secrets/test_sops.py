"""Files that the real SOPS wrote are decrypted to what went in, and nothing that was tampered with is."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from argos_gitops.manifests.sealed import read_sealed
from argos_gitops.model.errors import SettingsError
from argos_gitops.secrets.sops import decrypted
from tests.components.sops import RealSops
from tests.secrets.vaults import ref_to, vault_of

TEXT = """\
# a comment of its own
lapi:
    password: canary-71 # behind a value
    list:
        # in a list
        - canary-72
        - deep: canary-73
port: 8081
ratio: 2.50
tiny: 0.0000001
huge: 1e21
negative: -7
enabled: true
disabled: false
nothing: null
empty: ""
unicode: "grüße 🔑"
multi: |
    line one
    line two
quoted: "8081"
when: 2026-01-02
name_unencrypted: shown
flag_unencrypted: true
count_unencrypted: 12
share_unencrypted: 1.50
a.dotted:
    key: canary-74
"""
EXPECTED = {
    "lapi.password": "canary-71",
    "lapi.list.0": "canary-72",
    "lapi/list/1/deep": "canary-73",
    "port": "8081",
    "ratio": "2.5",
    "negative": "-7",
    "enabled": "true",
    "disabled": "false",
    "unicode": "grüße 🔑",
    "multi": "line one\nline two\n",
    "quoted": "8081",
    "a.dotted/key": "canary-74",
}


def values(path: str, data: bytes, key: str, *ways: str) -> dict[str, str]:
    vault, _, blob = vault_of(path, data, key)
    return {way: vault.value(ref_to(f"{path}#{way}", blob)).reveal() for way in ways}


def refusal(path: str, data: bytes, way: str, *keys: str) -> str:
    vault, _, blob = vault_of(path, data, *keys)
    with pytest.raises(SettingsError) as caught:
        vault.value(ref_to(f"{path}#{way}", blob))
    assert caught.value.reason == "SecretUnreadable"
    assert "canary" not in str(caught.value)
    return str(caught.value)


def test_yaml_of_every_type_is_decrypted(sops: RealSops) -> None:
    sealed = sops.encrypt("a.yaml", TEXT)
    assert b"canary" not in sealed
    assert values("a.yaml", sealed, sops.key, *EXPECTED) == EXPECTED


def test_json_and_binary_are_decrypted(sops: RealSops) -> None:
    tree = {"a": {"b": ["canary-1", 2, 0.5, True, None]}, "big_unencrypted": 2**60, "e_unencrypted": 1e-9}
    sealed = sops.encrypt("a.json", json.dumps(tree))
    assert values("a.json", sealed, sops.key, "a.b.0", "a.b.2") == {"a.b.0": "canary-1", "a.b.2": "0.5"}
    binary = sops.encrypt("key.pem", "canary-2\nmore\n")
    assert values("key.pem", binary, sops.key, "data") == {"data": "canary-2\nmore\n"}


def test_dotenv_is_decrypted(sops: RealSops) -> None:
    sealed = sops.encrypt("a.env", "TOKEN=canary-3\n# a comment\nOTHER=x y\n")
    assert values("a.env", sealed, sops.key, "TOKEN", "OTHER") == {"TOKEN": "canary-3", "OTHER": "x y"}


@pytest.mark.parametrize(
    "rule",
    [
        {"unencrypted_suffix": "_clear"},
        {"encrypted_suffix": "word"},
        {"encrypted_regex": "^(password|secret)$"},
        {"unencrypted_regex": "^(name|port)$"},
        {"mac_only_encrypted": True, "encrypted_regex": "^password$"},
        {"mac_only_encrypted": True},
    ],
    ids=str,
)
def test_every_rule_of_what_is_encrypted_is_kept(sops: RealSops, rule: dict[str, object]) -> None:
    text = "db:\n    password: canary-4\n    port: 5432\nname: x\nmore_clear: [1, two, 3.0, true]\n"
    sealed = sops.encrypt("a.yaml", text, **rule)
    assert values("a.yaml", sealed, sops.key, "db.password", "db.port", "name", "more_clear.1") == {
        "db.password": "canary-4",
        "db.port": "5432",
        "name": "x",
        "more_clear.1": "two",
    }


def test_mac_only_encrypted_lets_the_rest_be_edited(sops: RealSops) -> None:
    """That is what it is for; without it the same edit is refused."""
    text, rule = "password: canary-5\nname: before\n", {"encrypted_regex": "^password$"}
    loose = sops.encrypt("a.yaml", text, mac_only_encrypted=True, **rule).replace(b"before", b"after")
    assert values("a.yaml", loose, sops.key, "name") == {"name": "after"}
    tight = sops.encrypt("a.yaml", text, **rule).replace(b"before", b"after")
    assert "MAC" in refusal("a.yaml", tight, "password", sops.key)


def test_an_identity_file_may_hold_comments_and_several_keys(sops: RealSops) -> None:
    sealed = sops.encrypt("a.yaml", "a: canary-6\n")
    keys = f"# created: today\n# public key: {sops.other_recipient}\n{sops.other_key}\n\n{sops.key}\n"
    assert values("a.yaml", sealed, keys, "a") == {"a": "canary-6"}


def test_any_of_several_recipients_decrypts(sops: RealSops) -> None:
    sealed = sops.encrypt("a.yaml", "a: canary-7\n", age=f"{sops.recipient},{sops.other_recipient}")
    for key in (sops.key, sops.other_key):
        assert values("a.yaml", sealed, key, "a") == {"a": "canary-7"}


def test_a_foreign_key_and_no_key_are_told_with_the_recipients(sops: RealSops) -> None:
    sealed = sops.encrypt("a.yaml", "a: canary-8\n")
    foreign = refusal("a.yaml", sealed, "a", sops.other_key)
    assert sops.recipient in foreign
    assert "ARGOS_AGE_KEY" in foreign
    assert "there is no age key" in refusal("a.yaml", sealed, "a")
    assert sops.key[:40] not in refusal("a.yaml", sealed, "a", sops.key[:40])


def _flip(text: str) -> str:
    """One character of the data of the first value becomes another."""
    return re.sub(r"(data:)(.)", lambda match: match[1] + ("A" if match[2] != "A" else "B"), text, count=1)


def _swap(text: str) -> str:
    one, two = re.findall(r"^[ab]: (.*)$", text, re.MULTILINE)
    return text.replace(one, "@").replace(two, one).replace("@", two)


TAMPERING: dict[str, Callable[[str], str]] = {
    "a value changed": _flip,
    "values moved": _swap,
    "a key renamed": lambda text: text.replace("\na:", "\nc:").replace("a:", "c:", 1),
    "a value removed": lambda text: re.sub(r"^b: .*\n", "", text, flags=re.MULTILINE),
    "a value in plain text": lambda text: re.sub(r"^a: .*$", "a: plain", text, flags=re.MULTILINE),
    "a number in plain text": lambda text: re.sub(r"^a: .*$", "a: 7", text, flags=re.MULTILINE),
    "a value emptied": lambda text: re.sub(r"^b: .*$", "b: ''", text, flags=re.MULTILINE),
    "a value became a comment": lambda text: re.sub(
        r"^(b: .*)type:str", r"\1type:comment", text, flags=re.MULTILINE
    ),
    "the order changed": lambda text: re.sub(r"(a: .*\n)(b: .*\n)", r"\2\1", text),
    "the MAC changed": lambda text: re.sub(
        r"(mac: .*data:)(.)", lambda m: m[1] + ("A" if m[2] != "A" else "B"), text
    ),
    "the MAC emptied": lambda text: re.sub(r"mac: .*", "mac: ''", text),
    "the time changed": lambda text: re.sub(r'lastmodified: "\d{4}', 'lastmodified: "1999', text),
    "another rule": lambda text: text.replace("unencrypted_suffix: _unencrypted", "unencrypted_suffix: b"),
    "the rule of the MAC": lambda text: text + "    mac_only_encrypted: true\n",
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_refused(sops: RealSops, how: str) -> None:
    sealed = sops.encrypt("a.yaml", "a: canary-9\nb: canary-10\n").decode()
    tampered = TAMPERING[how](sealed)
    assert tampered != sealed
    refusal("a.yaml", tampered.encode(), "a", sops.key)


def test_a_data_key_of_another_file_does_not_fit(sops: RealSops) -> None:
    one, two = (read_sealed("a.yaml", sops.encrypt("a.yaml", "a: canary-11\n")) for _ in range(2))
    assert one.tree["a"] != two.tree["a"]
    mixed = type(one)(one.tree, two.metadata, "yaml")
    with pytest.raises(Exception, match="was changed") as caught:
        decrypted(mixed, b"\0" * 32)
    assert "canary" not in str(caught.value)


def test_what_only_the_program_can_is_left_to_it(
    sops: RealSops, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Shamir's key groups; without the program that is told."""
    groups = [{"age": [each]} for each in (sops.recipient, sops.other_recipient)]
    sealed = sops.encrypt("a.yaml", "a: canary-12\nb: [canary-13]\n", shamir_threshold=2, key_groups=groups)
    keys = f"# two\n{sops.key}\n{sops.other_key}"
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "needs the sops program" in refusal("a.yaml", sealed, "a", keys)
    monkeypatch.setenv("PATH", str(sops.program.parent))
    assert values("a.yaml", sealed, keys, "a", "b.0") == {"a": "canary-12", "b.0": "canary-13"}
    assert "exit code" in refusal("a.yaml", sealed, "a", sops.key)


def test_comment_rules_are_left_to_the_program(sops: RealSops, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = sops.encrypt("a.yaml", "# secret\na: canary-14\nb: shown\n", encrypted_comment_regex="secret")
    monkeypatch.setenv("PATH", str(sops.program.parent))
    assert values("a.yaml", sealed, sops.key, "a") == {"a": "canary-14"}


def test_a_value_that_sops_changed_is_the_new_one_and_the_old_content_keeps_the_old(sops: RealSops) -> None:
    """Both revisions are in force somewhere: each reference finds its own."""
    old = sops.encrypt("a.yaml", "a: canary-15\n")
    new = sops.change("a.yaml", old, '["a"]', '"canary-16"')
    vault, repository, first = vault_of("a.yaml", old, sops.key)
    second = repository.add(new)
    vault.remember([second], repository.read)
    found = [vault.value(ref_to("a.yaml#a", blob)).reveal() for blob in (first, second)]
    assert found == ["canary-15", "canary-16"]


def test_what_is_not_at_hand_any_more_is_told(sops: RealSops) -> None:
    vault, _, _ = vault_of("a.yaml", sops.encrypt("a.yaml", "a: canary-17\n"), sops.key)
    with pytest.raises(SettingsError, match="not at hand") as caught:
        vault.value(ref_to("a.yaml#a", ""))
    assert caught.value.reason == "SecretMissing"
    assert "canary" not in repr(vars(vault))
