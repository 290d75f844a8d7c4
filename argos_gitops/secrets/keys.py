"""Which keys the sops program may use. A file in the repository names keys, and the program obeys it: it asks
the Vault, or the cloud's key service, that stands there, with the credentials in its environment.

So the program gets no file as it stands in git. It gets the encrypted values, and metadata that is written
here, of the fields that are known and the keys that `ARGOS_SOPS_KEYS` allows. Of a file whose comments say
what is encrypted it gets the text around the metadata too, for keys on this machine, without credentials.

Facts: SOPS 3.13, `stores/stores.go` (the fields), the flags of `sops encrypt` (how a key is written).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.manifests.sealed import Sealed
from argos_gitops.model.errors import SettingsError
from argos_gitops.model.inheritance import BASIC, HTTPS, Inheritance
from argos_gitops.secrets.rewriting import with_comments, with_values_alone
from argos_gitops.secrets.sops import SopsError

Entry = Mapping[str, str]

LOCAL = frozenset({"age", "pgp"})
"""Kinds whose keys lie on this machine; nobody is asked for them."""

DEFAULT = "age pgp"
_SETTING = "ARGOS_SOPS_KEYS"
_COMMENT_RULES = ("unencrypted_comment_regex", "encrypted_comment_regex")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
_MOST_PARTS = 255
"""Shares that a data key can be split into (SOPS, `shamir`)."""
_SCALARS = (
    "lastmodified",
    "mac",
    "version",
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    *_COMMENT_RULES,
)


@dataclass(frozen=True, slots=True)
class _Kind:
    """`fields` are those that an entry may have, `written` how SOPS writes its key on the command line,
    `inherits` what the program needs of our environment for it."""

    fields: frozenset[str]
    written: Callable[[Entry], str]
    inherits: Inheritance


def _inherits(names: str, *prefixes: str) -> Inheritance:
    return Inheritance(frozenset(names.split()), prefixes)


def _kind(fields: str, written: Callable[[Entry], str], inherits: Inheritance) -> _Kind:
    return _Kind(frozenset(fields.split()) | {"created_at", "enc"}, written, inherits)


def _kms(entry: Entry) -> str:
    return f"{entry['arn']}+{entry['role']}" if entry.get("role") else entry["arn"]


def _vault(entry: Entry) -> str:
    return f"{entry['vault_address'].rstrip('/')}/v1/{entry['engine_path']}/keys/{entry['key_name']}"


def _azure(entry: Entry) -> str:
    return f"{entry['vault_url'].rstrip('/')}/keys/{entry['name']}/{entry['version']}"


_KINDS: Mapping[str, _Kind] = {
    "age": _kind("recipient", lambda entry: entry["recipient"], _inherits("", "SOPS_AGE_")),
    "pgp": _kind("fp", lambda entry: entry["fp"], _inherits("GNUPGHOME SOPS_GPG_EXEC")),
    "kms": _kind("arn role context", _kms, HTTPS | _inherits("", "AWS_")),
    "gcp_kms": _kind(
        "resource_id", lambda entry: entry["resource_id"], HTTPS | _inherits("", "GOOGLE_", "CLOUDSDK_")
    ),
    "azure_kv": _kind("vault_url name version", _azure, HTTPS | _inherits("", "AZURE_")),
    "hc_vault": _kind("vault_address engine_path key_name", _vault, HTTPS | _inherits("", "VAULT_")),
    "hckms": _kind("key_id", lambda entry: entry["key_id"], HTTPS | _inherits("", "HUAWEICLOUD_")),
}


@dataclass(frozen=True, slots=True)
class AllowedKeys:
    """`kinds` may be used whatever key is named; of others, each of `named` (kind, key as SOPS writes it)."""

    kinds: frozenset[str]
    named: frozenset[tuple[str, str]]

    def usable(self, path: str, sealed: Sealed, data: bytes) -> "UsableFile":
        """What the program may have of a file, which is `data` in git.

        Raises SopsError for a key that is not allowed.
        """
        metadata: dict[str, Any] = {
            name: str(sealed.metadata[name]) for name in _SCALARS if sealed.metadata.get(name)
        }
        if sealed.metadata.get("mac_only_encrypted"):
            metadata["mac_only_encrypted"] = True
        if threshold := sealed.metadata.get("shamir_threshold"):
            metadata["shamir_threshold"] = _number(threshold)
        found = {*self._add(path, metadata, sealed.metadata, "sops")}
        groups = _list(sealed.metadata.get("key_groups"), "sops.key_groups")
        for number, group in enumerate(groups):
            kept: dict[str, Any] = {}
            found |= {*self._add(path, kept, group, f"sops.key_groups[{number}]")}
            metadata.setdefault("key_groups", []).append(kept)
        by_comment = any(sealed.metadata.get(name) for name in _COMMENT_RULES)
        if by_comment and (remote := sorted(found - LOCAL)):
            raise SopsError(
                f"it has rules by comment, and then only age and pgp are used, not {', '.join(remote)}"
            )
        written, form = (
            with_comments(sealed, data, metadata) if by_comment else with_values_alone(sealed, metadata)
        )
        return UsableFile(written, form, frozenset(found), by_comment)

    def _add(self, path: str, kept: dict[str, Any], given: Any, place: str) -> Iterator[str]:
        """Copies the key entries of one group; the kinds that it has."""
        if not isinstance(given, Mapping):
            raise SopsError(f"{place} is no mapping")
        for name, kind in _KINDS.items():
            entries = _list(given.get(name), f"{place}.{name}")
            for number, entry in enumerate(entries):
                self._check(path, name, entry, f"{place}.{name}[{number}]")
            if entries:
                kept[name] = [{f: v for f, v in entry.items() if f in kind.fields and v} for entry in entries]
                yield name

    def _check(self, path: str, name: str, entry: Any, place: str) -> None:
        kind = _KINDS[name]
        if not isinstance(entry, Mapping):
            raise SopsError(f"{place} is no mapping")
        if odd := sorted(key for key in entry.keys() & kind.fields if not _plain(key, entry[key])):
            raise SopsError(f"{place} has something else than text in {', '.join(odd)}")
        if unknown := sorted(key for key in entry.keys() - kind.fields if entry[key]):
            raise SopsError(
                f"{place} has {', '.join(unknown)}, which is not used for a file of the repository; "
                f"remove it from {path} (`sops edit`), and give the agent its profile in its own environment"
            )
        try:
            written = kind.written(entry)
        except KeyError as error:
            raise SopsError(f"{place} lacks {error.args[0]}") from None
        if name not in self.kinds and (name, written) not in self.named:
            raise SopsError(
                f"{place} is the key {written!r}, which the agent may not use. If it should, add "
                f"`{name}={written}` to {_SETTING}; else encrypt {path} without it (`sops rotate`)"
            )


@dataclass(frozen=True, slots=True)
class UsableFile:
    """The bytes for the program, their input type, and the kinds of keys in them."""

    data: bytes
    form: str
    kinds: frozenset[str]
    by_comment: bool = False
    """Whether text of the repository is in it, since its comments say what is encrypted: whatever the program
    may find in that, it gets no credentials and no way out."""

    @property
    def has_age(self) -> bool:
        return "age" in self.kinds

    def environment(self, ours: Mapping[str, str]) -> dict[str, str]:
        """What the program gets of our environment."""
        inherits = BASIC
        for name in sorted(self.kinds):
            inherits |= _KINDS[name].inherits
        found = inherits.of(ours)
        if self.by_comment:
            home = found.get("HOME", "/")
            found = {"GNUPGHOME": f"{home}/.gnupg", "XDG_CONFIG_HOME": f"{home}/.config", **found}
            found |= {"HOME": "/nonexistent", **dict.fromkeys(_PROXIES, "http://127.0.0.1:9")}
        return found


def allowed_keys(text: str) -> AllowedKeys:
    """The setting `sops_keys`: `age`, `pgp`, and `KIND=KEY` for others. Raises SettingsError."""
    kinds, named = set(), set()
    for word in text.replace(",", " ").split():
        kind, _, key = word.partition("=")
        if kind not in _KINDS or (not key and kind not in LOCAL):
            others = ", ".join(f"{name}=KEY" for name in _KINDS if name not in LOCAL)
            raise SettingsError(
                f"{_SETTING} has {word!r}; expected age, pgp, and {others}, with the key as SOPS writes it"
            )
        if key:
            named.add((kind, key.rstrip("/")))
        else:
            kinds.add(kind)
    return AllowedKeys(frozenset(kinds), frozenset(named))


def _list(value: Any, place: str) -> Sequence[Any]:
    if not value:
        return ()
    if not isinstance(value, list):
        raise SopsError(f"{place} is no list")
    return value


def _plain(field: str, value: Any) -> bool:
    """Text, or the encryption context of a `kms` entry, which is a mapping of texts."""
    if field == "context" and isinstance(value, Mapping):
        return all(isinstance(each, str) for each in value.values())
    return isinstance(value, str) or not value


def _number(value: Any) -> int:
    text = str(value)
    if not (text.isascii() and text.isdecimal() and len(text) <= 3 and 0 < int(text) <= _MOST_PARTS):
        raise SopsError(f"sops.shamir_threshold is no number from 1 to {_MOST_PARTS}")
    return int(text)
