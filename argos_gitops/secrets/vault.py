"""Values out of SOPS files, each for the very content that its reference is bound to."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from argos_gitops.manifests.sealed import NoValueError, SealedError, form_of, read_sealed, value_at
from argos_gitops.model.errors import SettingsError, SourceError
from argos_gitops.model.secret import SecretBytes, SecretRef, SecretValue
from argos_gitops.secrets.identities import OURS, Identities

Read = Callable[[Sequence[str]], Iterable[tuple[str, bytes]]]
"""The content of blobs by id."""

_MOST_FILES = 256
"""Encrypted files kept, and as many decrypted ones: of every revision that a target may be at."""

KeptT = TypeVar("KeptT")


class Vault:
    """Reads files out of the repository's objects and decrypts them in memory. For several threads.

    `keys` is the setting `sops_keys`: which keys the sops program may use.
    """

    def __init__(self, identities: Identities, keys: str = "age pgp") -> None:
        self._identities = identities
        self._keys = keys
        self._contents: _Recent[bytes] = _Recent()
        self._opened: _Recent[_Opened] = _Recent()
        self._read: Read | None = None

    def remember(self, blobs: Iterable[str], read: Read) -> None:
        """Reads the still encrypted files of a revision, as long as it is at hand."""
        self._read = read
        unknown = [blob for blob in dict.fromkeys(blobs) if self._contents.get(blob) is None]
        for blob, data in read(unknown) if unknown else ():
            self._contents.put(blob, data)

    def value(self, ref: SecretRef) -> SecretValue:
        """Raises SettingsError (reasons SecretMissing, SecretUnreadable) that names the place, no value."""
        try:
            found = value_at(self._tree(ref), ref.steps)
        except NoValueError as error:
            raise SettingsError(f"the secret {ref}: {error}", reason="SecretMissing") from error
        except SealedError as error:
            raise SettingsError(
                f"the secret {ref}: {ref.path} cannot be decrypted: {error}", reason="SecretUnreadable"
            ) from None
        return SecretValue(_text(found))

    def file(self, path: str, blob: str, data: bytes) -> SecretBytes:
        """The whole file in plain text. Raises SettingsError (SecretUnreadable)."""
        from argos_gitops.secrets.plaintext import plaintext

        try:
            tree = self._opened_tree(path, blob, lambda: data)
            return SecretBytes(plaintext(tree, form_of(path)))
        except SealedError as error:
            raise SettingsError(f"{path} cannot be decrypted: {error}", reason="SecretUnreadable") from None

    def _tree(self, ref: SecretRef) -> Any:
        return self._opened_tree(ref.path, ref.blob, lambda: self.content(ref))

    def _opened_tree(self, path: str, blob: str, content: Callable[[], bytes]) -> Any:
        identity = f"{blob} {path}"
        opened = self._opened.get(identity)
        if opened is None:
            opened = _Opened(self._decrypt(path, content()))
            self._opened.put(identity, opened)
        return opened.tree

    def content(self, ref: SecretRef) -> bytes:
        """A file as it stands in git, at the revision of the reference. Raises SettingsError."""
        known = self._contents.get(ref.blob)
        if known is None and ref.blob and self._read is not None:
            try:
                known = dict(self._read([ref.blob])).get(ref.blob)
            except SourceError:
                known = None
        if known is None:
            raise SettingsError(
                f"the secret {ref}: what {ref.path} held at that revision is not at hand any more; "
                "apply a revision that has it",
                reason="SecretMissing",
            )
        self._contents.put(ref.blob, known)
        return known

    def _decrypt(self, path: str, data: bytes) -> Any:
        """Imports what decrypts only now: most processes never do."""
        from argos_gitops.secrets import sops
        from argos_gitops.secrets.keys import allowed_keys
        from argos_gitops.secrets.program import decrypted_by_program

        sealed = read_sealed(path, data)
        why = sops.needs_program(sealed)
        if not why:
            keys = self._identities.keys()
            key = sops.data_key(sealed, keys)
            if key is not None:
                return sops.decrypted(sealed, key)
            why = _no_key(sops.recipients(sealed), len(keys))
            if not _has_other_keys(sealed.metadata):
                raise sops.SopsError(why)
        try:
            usable = allowed_keys(self._keys).usable(path, sealed, data)
        except sops.SopsError as error:
            raise sops.SopsError(f"{why}, and {error}") from None
        return decrypted_by_program(usable, self._identities, why)


class _Opened:
    """A decrypted tree that shows itself to nobody by accident."""

    __slots__ = ("tree",)

    def __init__(self, tree: Any) -> None:
        self.tree = tree

    def __repr__(self) -> str:
        return "a decrypted file"


class _Recent(Generic[KeptT]):
    """What was used last, so many at most."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, KeptT] = OrderedDict()

    def get(self, key: str) -> KeptT | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, value: KeptT) -> None:
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            if len(self._kept) > _MOST_FILES:
                self._kept.popitem(last=False)


def _no_key(wanted: Sequence[str], count: int) -> str:
    named = ", ".join(wanted) or "nobody"
    if not count:
        return f"it is encrypted for {named}, and there is no age key; set {OURS}"
    places = f"{OURS} (or SOPS_AGE_KEY, SOPS_AGE_KEY_FILE)"
    return f"none of the {count} age keys in {places} fits; it is encrypted for {named}"


def _has_other_keys(metadata: Mapping[str, Any]) -> bool:
    return any(metadata.get(name) for name in ("pgp", "kms", "gcp_kms", "azure_kv", "hc_vault", "hckms"))


def _text(value: Any) -> str:
    """Numbers and booleans as YAML spells them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
