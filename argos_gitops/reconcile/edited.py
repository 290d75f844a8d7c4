"""A revision as it would be with some files edited."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from argos_gitops.model.objects import digest_of
from argos_gitops.model.source import Revision, SourceFile
from argos_gitops.ports.source import Snapshot
from argos_gitops.vcs.objects import blob_id

_MODE = 0o100644


@dataclass(frozen=True)
class EditedSnapshot:
    """A Snapshot over another one; `files_by_path` are whole contents."""

    base: Snapshot
    files_by_path: Mapping[str, bytes]

    @property
    def revision(self) -> Revision:
        """The base's, but for the tree: equal trees mean equal files."""
        base = self.base.revision
        return replace(base, tree=digest_of([base.tree, sorted(self._own.items())]))

    @property
    def events(self) -> Sequence[str]:
        return ()

    def files(self) -> Sequence[SourceFile]:
        kept = [file for file in self.base.files() if file.path not in self.files_by_path]
        edited = [
            SourceFile(path, self._own[path], _MODE, len(data)) for path, data in self.files_by_path.items()
        ]
        return sorted([*kept, *edited], key=lambda file: file.path)

    def read(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        contents = {self._own[path]: data for path, data in self.files_by_path.items()}
        contents |= dict(self.base.read([blob for blob in blobs if blob not in contents]))
        return ((blob, contents[blob]) for blob in blobs)

    @property
    def _own(self) -> Mapping[str, str]:
        """Blob ids by path, as git would give them."""
        return {path: blob_id(data) for path, data in self.files_by_path.items()}
