"""Which keys the sops program may use, and what it gets of our environment. With the real SOPS."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyrage
import pytest

from argos_gitops.manifests.sealed import read_sealed
from argos_gitops.model.errors import SettingsError
from argos_gitops.secrets.keys import allowed_keys
from argos_gitops.secrets.sops import data_key
from argos_gitops.secrets.vault import Vault
from tests.components.recorder import Recorder, path_with
from tests.components.sops import RealSops
from tests.secrets.vaults import Repository, identities, ref_to
from tests.status.forge.standin import Answer, Asked, StandIn

TOKEN, OTHER = "canary-vault-token", "canary-of-another-program"


@pytest.fixture
def stranger() -> Iterator[StandIn]:
    """A Vault of somebody who can write to the repository."""
    with StandIn() as server:
        yield server


@pytest.fixture
def recorder(sops: RealSops, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    recorder = Recorder(tmp_path / "recorder")
    recorder.program("sops", str(sops.program))
    monkeypatch.setenv("PATH", path_with(recorder.path))
    for name in ("VAULT_TOKEN", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, TOKEN)
    for name in ("ARGOS_GIT_TOKEN", "LAPI_PASSWORD", "VAULTED"):
        monkeypatch.setenv(name, OTHER)
    return recorder


def vault_entry(url: str, key: str = "vault:v1:x") -> dict[str, str]:
    return {
        "vault_address": url,
        "engine_path": "transit",
        "key_name": "argos",
        "created_at": "2026-01-01T00:00:00Z",
        "enc": key,
    }


def opened(path: str, data: bytes, way: str, *, keys: str, identity: str = "") -> str:
    repository = Repository()
    blob = repository.add(data)
    vault = Vault(identities(*([identity] if identity else [])), keys)
    vault.remember([blob], repository.read)
    return vault.value(ref_to(f"{path}#{way}", blob)).reveal()


def refusal(path: str, data: bytes, *, keys: str = "age pgp") -> str:
    with pytest.raises(SettingsError) as caught:
        opened(path, data, "a", keys=keys)
    assert "canary" not in str(caught.value)
    return str(caught.value)


def key_of(sops: RealSops, data: bytes) -> str:
    """The data key of a file that is encrypted for `sops.key`, as Vault gives it."""
    key = data_key(read_sealed("a.json", data), [pyrage.x25519.Identity.from_str(sops.key)])
    assert key is not None
    return base64.b64encode(key).decode()


def nested(document: dict[str, Any], entry: Mapping[str, str]) -> None:
    document["sops"] |= {"age": None, "key_groups": [{"hc_vault": [entry]}], "shamir_threshold": 1}


def spelled_otherwise(document: dict[str, Any], entry: Mapping[str, str]) -> None:
    """Go reads JSON's names whatever their case."""
    document["sops"] |= {"age": None, "pgp": [{"fp": "00", "enc": "x"}], "Hc_Vault": [entry]}


def plainly(document: dict[str, Any], entry: Mapping[str, str]) -> None:
    document["sops"] |= {"age": None, "hc_vault": [entry]}


@pytest.mark.parametrize("how", [plainly, nested, spelled_otherwise], ids=lambda how: how.__name__)
def test_a_vault_that_the_repository_names_is_not_asked(
    sops: RealSops,
    recorder: Recorder,
    stranger: StandIn,
    how: Callable[[dict[str, Any], Mapping[str, str]], None],
) -> None:
    document = json.loads(sops.encrypt("a.json", '{"a": "canary-value"}'))
    how(document, vault_entry(stranger.url))
    said = refusal("a.json", json.dumps(document).encode())
    assert stranger.asked == []
    if how is not spelled_otherwise:
        assert f"{stranger.url}/v1/transit/keys/argos" in said
        assert "ARGOS_SOPS_KEYS" in said
        assert recorder.environments("sops") == []


def test_a_vault_in_a_dotenv_file_is_not_asked_either(
    sops: RealSops, recorder: Recorder, stranger: StandIn
) -> None:
    text = sops.encrypt("a.env", "a=canary-value\n").decode()
    lines = [line for line in text.splitlines() if not line.startswith("sops_age")]
    entry = vault_entry(stranger.url)
    for prefix in ("sops_hc_vault__list_0__map", "sops_key_groups__list_0__map_hc_vault__list_0__map"):
        added = [f"{prefix}_{name}={value}" for name, value in entry.items()]
        said = refusal("a.env", "\n".join([*lines, *added, ""]).encode())
        assert "sops.key_groups[0].hc_vault[0]" in said or "sops.hc_vault[0]" in said
    assert stranger.asked == []
    assert recorder.environments("sops") == []


@pytest.mark.parametrize(
    ("kind", "entry", "key"),
    [
        ("kms", {"arn": "arn:aws:kms:eu-west-1:1:key/x", "aws_profile": ""}, "arn:aws:kms:eu-west-1:1:key/x"),
        ("kms", {"arn": "arn:aws:kms:eu-west-1:1:key/x", "role": "r"}, "arn:aws:kms:eu-west-1:1:key/x+r"),
        ("gcp_kms", {"resource_id": "projects/p/x"}, "projects/p/x"),
        ("azure_kv", {"vault_url": "https://v.x", "name": "n", "version": "1"}, "https://v.x/keys/n/1"),
        ("hckms", {"key_id": "region:uuid"}, "region:uuid"),
    ],
    ids=str,
)
def test_every_other_key_service_is_refused_by_its_key(
    sops: RealSops, recorder: Recorder, kind: str, entry: Mapping[str, str], key: str
) -> None:
    document = json.loads(sops.encrypt("a.json", '{"a": "canary-value"}'))
    times = {"created_at": "2026-01-01T00:00:00Z", "enc": "eA=="}
    document["sops"] |= {"age": None, kind: [{**entry, **times}]}
    assert f"`{kind}={key}`" in refusal("a.json", json.dumps(document).encode())
    assert recorder.environments("sops") == []


def test_a_profile_that_the_repository_names_is_not_used(sops: RealSops, recorder: Recorder) -> None:
    document = json.loads(sops.encrypt("a.json", '{"a": "canary-value"}'))
    entry = {"arn": "arn:aws:kms:eu-west-1:1:key/x", "aws_profile": "root", "enc": "eA=="}
    document["sops"] |= {"age": None, "kms": [entry]}
    said = refusal("a.json", json.dumps(document).encode(), keys="age kms=arn:aws:kms:eu-west-1:1:key/x")
    assert "aws_profile" in said
    assert recorder.environments("sops") == []


def test_an_allowed_vault_is_asked_with_what_it_needs_alone(
    sops: RealSops, recorder: Recorder, stranger: StandIn
) -> None:
    plain = sops.encrypt("a.json", '{"a": "canary-value"}')
    document = json.loads(plain)
    document["sops"] |= {"age": None, "hc_vault": [vault_entry(stranger.url)]}

    def decrypt(asked: Asked) -> Answer:
        return Answer({"data": {"plaintext": key_of(sops, plain)}})

    stranger.answers["PUT /v1/transit/decrypt/argos"] = decrypt
    keys = f"age, hc_vault={stranger.url}/v1/transit/keys/argos"
    assert opened("a.json", json.dumps(document).encode(), "a", keys=keys) == "canary-value"
    [asked] = stranger.asked
    assert asked.headers["X-Vault-Token"] == TOKEN
    [environment] = recorder.environments("sops")
    assert environment["VAULT_TOKEN"] == TOKEN
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert OTHER not in environment.values()
    document["sops"]["hc_vault"][0]["key_name"] = "../sys/seal"
    assert "may not use" in refusal("a.json", json.dumps(document).encode(), keys=keys)


def test_groups_of_local_keys_need_no_setting_and_no_credentials(sops: RealSops, recorder: Recorder) -> None:
    """Comments, numbers, lists and rules of a file survive being written anew for the program."""
    groups = [{"age": [each]} for each in (sops.recipient, sops.other_recipient)]
    text = "# said\na: canary-12\nb: [1, 2.50, true, x]\nc_unencrypted: [7, 1.5, yes, 'no']\nd: ''\ne: null\n"
    sealed = sops.encrypt("a.yaml", text, shamir_threshold=2, key_groups=groups)
    value = opened("a.yaml", sealed, "a", keys="age", identity=f"{sops.key}\n{sops.other_key}")
    assert value == "canary-12"
    [environment] = recorder.environments("sops")
    assert {TOKEN, OTHER}.isdisjoint(environment.values())
    dotenv = sops.encrypt("a.env", "TOKEN=canary-3\n# x\nN=2\n", shamir_threshold=2, key_groups=groups)
    assert (
        opened("a.env", dotenv, "TOKEN", keys="age", identity=f"{sops.key}\n{sops.other_key}") == "canary-3"
    )


def test_a_file_with_rules_by_comment_meets_no_credentials(
    sops: RealSops, recorder: Recorder, stranger: StandIn
) -> None:
    """It is handed on as it stands in git, so the program can be talked into nothing."""
    text = "# sealed\na: canary-value\nb: plain\n"
    sealed = sops.encrypt("a.yaml", text, encrypted_comment_regex="sealed")
    assert opened("a.yaml", sealed, "a", keys="age", identity=sops.key) == "canary-value"
    [environment] = recorder.environments("sops")
    assert {TOKEN, OTHER}.isdisjoint(environment.values())
    assert environment["HOME"] == "/nonexistent"
    lines = [f"{name}: {value}" for name, value in vault_entry(stranger.url).items()]
    entry = "\n          ".join(lines)
    added = f"{sealed.decode()}    hc_vault:\n        - {entry}\n"
    keys = f"age hc_vault={stranger.url}/v1/transit/keys/argos"
    assert "rules by comment" in refusal("a.yaml", added.encode(), keys=keys)
    assert stranger.asked == []


@pytest.mark.parametrize("text", ["kms", "hc_vault", "vault=https://x", "age,pgp,gcp_kms"])
def test_a_setting_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="ARGOS_SOPS_KEYS"):
        allowed_keys(text)
