"""SOPS's own work for files that age protects: the data key unwrapped, values decrypted, the MAC checked.

Facts: SOPS 3.13, `sops.go` (which values are encrypted, what the MAC covers), `aes/cipher.go` (the form of
a value), `cmd/sops/common` (the MAC's own encryption). Each value is bound to its place by AES-GCM's
additional data, and the MAC covers all of them in their order, so nothing can be changed, moved, added or
taken away unnoticed.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from importlib import import_module
from typing import Annotated, Any, cast

from pydantic import StringConstraints, TypeAdapter, ValidationError

from argos_gitops.manifests.sealed import Sealed, SealedError

_VALUE = re.compile(r"^ENC\[AES256_GCM,data:([^,]+),iv:([^,]+),tag:([^,]+),type:(.+)\]$", re.DOTALL)
# What a pattern raises that the engine of pydantic cannot run; pydantic itself does not name it.
_PatternError: type[Exception] = import_module(ValidationError.__module__).SchemaError
_ONLY_ENCRYPTED = hashlib.sha256(b"sops").digest()
_KEY_BYTES = 32
_DROPPED: Any = object()
_MOST_BITS = 1023
_INT64 = range(-(2**63), 2**63)
_NOT_OURS = ("key_groups", "shamir_threshold", "unencrypted_comment_regex", "encrypted_comment_regex")

Path = tuple[str, ...]


class SopsError(SealedError):
    """It cannot be decrypted."""


def needs_program(sealed: Sealed) -> str:
    """Why only the sops program can decrypt a file; empty when we can, given the key."""
    for name in _NOT_OURS:
        if sealed.metadata.get(name):
            return f"it uses {name}"
    return "" if sealed.metadata.get("age") else "it is not encrypted for age"


def recipients(sealed: Sealed) -> list[str]:
    """The public age keys that a file is encrypted for."""
    return [str(entry.get("recipient", "?")) for entry in _age_entries(sealed)]


def data_key(sealed: Sealed, identities: Sequence[Any]) -> bytes | None:
    """The file's own key, unwrapped by whichever identity fits; None when none does."""
    import pyrage

    for entry in _age_entries(sealed):
        try:
            key = bytes(pyrage.decrypt(str(entry.get("enc", "")).encode(), identities))
        except pyrage.DecryptError:
            continue
        if len(key) == _KEY_BYTES:
            return key
    return None


def decrypted(sealed: Sealed, key: bytes) -> Any:
    """The tree with its values in plain text. Raises SopsError unless everything is as SOPS left it."""
    opening = _Opening(_Cipher(key), _rule(sealed.metadata), bool(sealed.metadata.get("mac_only_encrypted")))
    tree = opening.tree(sealed.tree, ())
    if not hmac.compare_digest(opening.mac().encode(), _expected_mac(sealed, key).encode()):
        raise SopsError(
            "its MAC does not fit: a value was changed, added, removed or moved without SOPS; "
            "edit it with `sops edit`"
        )
    return tree


def _age_entries(sealed: Sealed) -> list[Mapping[str, Any]]:
    entries = sealed.metadata.get("age")
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _expected_mac(sealed: Sealed, key: bytes) -> str:
    mac = str(sealed.metadata.get("mac", ""))
    if not mac:
        raise SopsError("it has no MAC")
    return str(_Cipher(key).plain(mac, str(sealed.metadata.get("lastmodified", "")), "its MAC"))


class _Cipher:
    def __init__(self, key: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(key)

    def plain(self, text: str, bound_to: str, what: str) -> Any:
        """A value in its type; `_DROPPED` for a comment among the items of a list."""
        from cryptography.exceptions import InvalidTag

        if text == "":
            return ""
        match = _VALUE.match(text)
        if match is None:
            raise SopsError(f"{what} is in plain text where SOPS would have encrypted it")
        try:
            data, nonce, tag = (base64.b64decode(part, validate=True) for part in match.groups()[:3])
            content = self._cipher.decrypt(nonce, data + tag, bound_to.encode())
            return _TYPES[match[4]](content.decode())
        except (InvalidTag, binascii.Error, ValueError, KeyError):
            raise SopsError(f"{what} was changed, or moved here from another place") from None


def _int64(text: str) -> int:
    """Raises ValueError for one that Go has no room for."""
    number = int(text)
    if number not in _INT64:
        raise ValueError
    return number


_TYPES: Mapping[str, Callable[[str], Any]] = {
    "str": str,
    "bytes": str,
    "time": str,
    "int": _int64,
    "float": float,
    "bool": lambda text: text in ("True", "true"),
    "comment": lambda _: _DROPPED,
}


@dataclass
class _Opening:
    """Walks a tree in SOPS's order: mappings and lists as they stand, items of a list under its own path."""

    cipher: _Cipher
    encrypts: Callable[[Path], bool]
    only_encrypted: bool

    def __post_init__(self) -> None:
        self._hash = hashlib.sha512(_ONLY_ENCRYPTED if self.only_encrypted else b"")

    def mac(self) -> str:
        return self._hash.hexdigest().upper()

    def tree(self, node: Any, path: Path) -> Any:
        if isinstance(node, dict):
            return {key: self.tree(value, (*path, key)) for key, value in node.items()}
        if isinstance(node, list):
            items = [self.tree(item, path) for item in node]
            return [item for item in items if item is not _DROPPED]
        return None if node is None else self._leaf(node, path)

    def _leaf(self, node: Any, path: Path) -> Any:
        encrypted = self.encrypts(path)
        value = node
        if encrypted:
            what = ".".join(path)
            if not isinstance(node, str):
                raise SopsError(f"{what} is in plain text where SOPS would have encrypted it")
            value = self.cipher.plain(node, ":".join(path) + ":", what)
        if value is not _DROPPED and (encrypted or not self.only_encrypted):
            self._hash.update(_as_bytes(value))
        return value


def _as_bytes(value: Any) -> bytes:
    """As Go prints it: `True`, and numbers without an exponent or zeros that say nothing."""
    if isinstance(value, bool):
        return b"True" if value else b"False"
    if isinstance(value, int) and value in _INT64:
        return str(value).encode()
    if isinstance(value, int | float):
        if isinstance(value, int) and value.bit_length() > _MOST_BITS:
            raise SopsError("it has a number in plain text that is too large for SOPS")
        text = format(Decimal(repr(float(value))), "f")
        return (text.rstrip("0").rstrip(".") if "." in text else text).encode()
    return cast("str", value).encode()


def _rule(metadata: Mapping[str, Any]) -> Callable[[Path], bool]:
    """Which paths hold encrypted values; a later kind of rule overrides an earlier one, as in SOPS."""
    rules: list[tuple[Any, Callable[[str, str], bool], bool]] = [
        (metadata.get("unencrypted_suffix"), str.endswith, False),
        (metadata.get("encrypted_suffix"), str.endswith, True),
        (metadata.get("unencrypted_regex"), _matches, False),
        (metadata.get("encrypted_regex"), _matches, True),
    ]
    given = [(str(text), test, outcome) for text, test, outcome in rules if text]

    def encrypts(path: Path) -> bool:
        encrypted = True
        for text, test, outcome in given:
            hit = any(test(step, text) for step in path)
            encrypted = hit if outcome else encrypted and not hit
        return encrypted

    return encrypts


def _matches(step: str, pattern: str) -> bool:
    """SOPS itself has Go's expressions, which like these never take long, whoever wrote them."""
    try:
        return _expression(pattern).validate_python(step) == step
    except ValidationError:
        return False
    except _PatternError as error:
        raise SopsError("its pattern of encrypted keys is not one that can be read") from error


@lru_cache(64)
def _expression(pattern: str) -> TypeAdapter[str]:
    """pydantic's own engine, the regex crate of Rust: linear in the length of what it looks at."""
    return TypeAdapter(Annotated[str, StringConstraints(pattern=pattern)])
