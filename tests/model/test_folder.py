"""Folders, bound to the files of one revision."""

from argos_gitops.model.folder import Folder, FolderFile


def test_binding_again_leaves_the_earlier_one_as_it_was() -> None:
    """A revision to go back to keeps its own files, whatever a newer one binds."""
    one = Folder("stacks/wiki").bound([FolderFile("compose.yaml", "1" * 40, 0o100644, 1)])
    other = one.bound([FolderFile("compose.yaml", "2" * 40, 0o100644, 1)])
    assert [file.blob for file in (*one.files, *other.files)] == ["1" * 40, "2" * 40]
