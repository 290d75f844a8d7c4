"""Folders of the repository that a resource names: whose files are somebody else's, such as Compose's."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import ConfigDict, PrivateAttr, RootModel, field_validator

FOLDER_PATTERN = r"^[^\s/][^\\]*$"


class FolderFile(NamedTuple):
    """One file: path below the folder, git blob id, git mode, bytes."""

    path: str
    blob: str
    mode: int
    size: int

    @property
    def executable(self) -> bool:
        return bool(self.mode & 0o111)


class Folder(RootModel[str]):
    """A folder by its path below the configuration folder.

    YAML in it that is no resource is not configuration of ours. `files` are those of the revision that
    the reference stands in, hidden ones too, in path order.
    """

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"pattern": FOLDER_PATTERN, "minLength": 1, "x-argos-folder": True}
    )

    _files: tuple[FolderFile, ...] = PrivateAttr(())

    @field_validator("root")
    @classmethod
    def _inside(cls, value: str) -> str:
        steps = [step for step in value.strip("/").split("/") if step not in ("", ".")]
        if not steps or ".." in steps or value.startswith("/"):
            raise ValueError("a folder is named by its path below the configuration folder, without '..'")
        return "/".join(steps)

    @property
    def path(self) -> str:
        return self.root

    @property
    def files(self) -> tuple[FolderFile, ...]:
        return self._files

    def bound(self, files: Iterable[FolderFile]) -> "Folder":
        """This folder with those files."""
        made = Folder(self.root)  # a copy by pydantic would share what is private with this one
        made._files = tuple(files)
        return made

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Folder) and (self.root, self._files) == (other.root, other._files)

    def __hash__(self) -> int:
        return hash((self.root, self._files))
