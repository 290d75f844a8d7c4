"""Where desired bytes come from."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from argos_gitops.model.source import Revision, SourceFile


class Snapshot(Protocol):
    """The files of one revision. Reading needs no network."""

    @property
    def revision(self) -> Revision: ...

    @property
    def events(self) -> Sequence[str]:
        """What was noticed on the way here, such as `history_rewritten`."""
        ...

    def files(self) -> Sequence[SourceFile]:
        """Every file below the configuration folder, whatever its kind, in path order."""
        ...

    def read(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The content of blobs by id, in the order asked for, as one batch."""
        ...


class Source(Protocol):
    def fetch(self, rev: str | None = None) -> Snapshot:
        """The newest revision, or the one that `rev` names.

        Raises SourceError when it cannot be had whole; then nothing may be written anywhere.
        """
        ...
