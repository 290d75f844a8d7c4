"""Files of the repository that resources brought along, read when somebody needs them."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from argos_gitops.model.errors import SourceError

Read = Callable[[Sequence[str]], Iterable[tuple[str, bytes]]]
"""The content of blobs by id."""


class RepositoryFiles:
    """Files, read from the source that was last loaded. For several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read: Read | None = None

    def remember(self, read: Read) -> None:
        self._read = read

    def read(self, blobs: Sequence[str]) -> Mapping[str, bytes]:
        """Raises SourceError when one is not at hand any more."""
        if not blobs:
            return {}
        if self._read is None:
            raise SourceError("no revision was read yet, so that none of its files is at hand")
        with self._lock:
            return dict(self._read(list(dict.fromkeys(blobs))))
