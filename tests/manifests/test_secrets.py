"""References to secrets in files that SOPS encrypted, as far as they are judged without any key."""

import json
from pathlib import Path

import pytest

from argos_gitops.manifests.formatting import format_text
from argos_gitops.manifests.loader import Loaded, Loader
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.secret import SecretRef
from argos_gitops.store.parse_cache import SqliteParseCache
from tests.manifests.revisions import REGISTRY, RackSpec, Revision, document, lines, load, load_with

VALUE = "ENC[AES256_GCM,data:Zm9v,iv:aXY=,tag:dGFn,type:str]"
METADATA = "sops:\n  mac: ENC[AES256_GCM,data:Zm9v,iv:aXY=,tag:dGFn,type:str]\n  version: 3.13.3\n"
SEALED = f"lock:\n  code: {VALUE}\n  list:\n    - {VALUE}\n  clear_unencrypted: x\nempty: ''\n{METADATA}"
RACK = document("Rack", "r", "  lock: {sops: 'keys/rack.yaml#lock.code'}\n")


def rack_of(loaded: Loaded) -> RackSpec:
    assert lines(loaded) == []
    spec = loaded.resources.of_kind("Rack")["r"].spec
    assert isinstance(spec, RackSpec)
    return spec


def lock_of(loaded: Loaded) -> SecretRef:
    lock = rack_of(loaded).lock
    assert lock is not None
    return lock


def test_a_reference_is_bound_to_the_content_of_its_revision() -> None:
    """Equal documents at different revisions name different contents; the old revision keeps its own."""
    loader = Loader(REGISTRY)
    one, two = (
        Revision({"rack.yaml": RACK, "keys/rack.yaml": text}) for text in (SEALED, SEALED + "# rotated\n")
    )
    first, second = load_with(loader, one), load_with(loader, two)
    blobs = [{file.path: file.blob for file in each.files}["keys/rack.yaml"] for each in (one, two)]
    assert [lock_of(first).blob, lock_of(second).blob] == blobs
    assert [first.attached.sealed, second.attached.sealed] == [{"keys/rack.yaml": blob} for blob in blobs]
    racks = [each.resources.get(ResourceKey("Rack", "r")) for each in (first, second)]
    assert racks[0] is not None
    assert racks[1] is not None
    assert racks[0].digest != racks[1].digest
    assert first.resources.fingerprint != second.resources.fingerprint


def test_a_tree_that_another_process_kept_is_bound_too(tmp_path: Path) -> None:
    cache = SqliteParseCache(tmp_path / "cache")
    revision = Revision({"rack.yaml": RACK, "keys/rack.yaml": SEALED})
    loader = Loader(REGISTRY, cache, build="b")
    fresh = load_with(loader, revision)
    loader.keep()
    kept = load_with(Loader(REGISTRY, cache, build="b"), revision)
    assert lock_of(kept) == lock_of(fresh)
    assert kept.resources.of_kind("Rack")["r"].digest == fresh.resources.of_kind("Rack")["r"].digest
    assert kept.attached == fresh.attached


def test_references_in_unions_and_mappings_are_bound() -> None:
    spec = "  codes:\n    a: {sops: 'keys/rack.yaml#lock/list/0'}\n    b: plain\n"
    loaded = load({"rack.yaml": document("Rack", "r", spec), "keys/rack.yaml": SEALED})
    code = rack_of(loaded).codes["a"]
    assert isinstance(code, SecretRef)
    assert code.blob
    assert code.steps == ("lock", "list", "0")


@pytest.mark.parametrize(
    ("key", "files", "expected"),
    [
        ("lock.code", {}, "MissingSecret spec.lock: there is no file 'keys/rack.yaml'"),
        ("lock.code", {"keys/racks.yaml": SEALED}, "(did you mean 'keys/racks.yaml'?)"),
        (
            "lock.cod",
            {"keys/rack.yaml": SEALED},
            "MissingSecret spec.lock: 'keys/rack.yaml': it has no lock.cod",
        ),
        ("lock.list.1", {"keys/rack.yaml": SEALED}, "there are items 0 to 0"),
        (
            "lock",
            {"keys/rack.yaml": SEALED},
            "lock is no single value; there are clear_unencrypted, code, list",
        ),
        ("sops.mac", {"keys/rack.yaml": SEALED}, "it has no sops"),
        ("lock.clear_unencrypted", {"keys/rack.yaml": SEALED}, "SecretNotEncrypted"),
        ("empty", {"keys/rack.yaml": SEALED}, "SecretNotEncrypted"),
        ("a", {"keys/rack.yaml": f"a: {VALUE}\n{METADATA}---\nb: {VALUE}\n{METADATA}"}, "it has 2 documents"),
    ],
)
def test_what_cannot_be_found_is_told_at_its_place(key: str, files: dict[str, str], expected: str) -> None:
    rack = document("Rack", "r", f"  lock: {{sops: 'keys/rack.yaml#{key}'}}\n")
    told = lines(load({"rack.yaml": rack, **files}))
    assert len(told) == 1
    assert told[0].startswith("rack.yaml:6:9 ")
    assert expected in told[0]


def test_a_plain_text_file_is_refused_and_its_content_not_repeated() -> None:
    told = lines(load({"rack.yaml": RACK, "keys/rack.yaml": "lock:\n  code: canary-5e\n"}))
    assert any(
        "SecretNotEncrypted spec.lock: 'keys/rack.yaml': it is not encrypted with SOPS" in each
        for each in told
    )
    assert "canary-5e" not in " ".join(told)


@pytest.mark.parametrize("path", ["../keys.yaml", "/etc/keys.yaml", "a/../../keys.yaml"])
def test_a_path_outside_of_the_configuration_is_refused(path: str) -> None:
    assert (
        "InvalidValue"
        in lines(load({"rack.yaml": document("Rack", "r", f"  lock: {{sops: '{path}#a'}}\n")}))[0]
    )


def test_a_link_is_no_file_of_secrets() -> None:
    """Wherever it leads; that it is there at all is told as ever."""
    files = {"rack.yaml": RACK, "keys/rack.yaml": "elsewhere"}
    told = lines(load(files, {"keys/rack.yaml": 0o120000}))
    assert [line.split()[1] for line in told] == ["Symlink", "MissingSecret"]


def test_json_dotenv_and_binary_forms_are_read(tmp_path: Path) -> None:
    """By the name's ending; a sealed YAML file that nobody names is no configuration either."""
    tree = json.dumps({"a": {"b": VALUE}, "data": VALUE, "sops": {"mac": VALUE, "version": "3.13.3"}})
    dotenv = f"#ENC[x]\nTOKEN={VALUE}\nsops_mac={VALUE}\nsops_age__list_0__map_recipient=age1x\n"
    files = {"a.json": tree, "b.bin": tree, "c.env": dotenv, "unused.yaml": SEALED}
    for ref in ("a.json#a.b", "b.bin#data", "c.env#TOKEN"):
        rack = document("Rack", "r", f"  lock: {{sops: '{ref}'}}\n")
        assert lock_of(load({"rack.yaml": rack, **files})).blob


def test_a_resource_with_a_sops_block_is_still_a_resource() -> None:
    """Whole resources are not encrypted; that is told, rather than the resource left out."""
    told = lines(load({"rack.yaml": document("Rack", "r") + METADATA}))[0]
    assert "SOPS encrypted the resource itself; decrypt it" in told


def test_formatting_leaves_sealed_files_alone() -> None:
    """SOPS's signature covers the order of values."""
    text = f"b:   {VALUE}\na: {VALUE}\n{METADATA}"
    assert format_text(text) == text
