"""Git revisions and local directories as Sources.

Belongs here: turning a repository or a folder into a Snapshot. Does not: parsing, planning.
"""

from argos_gitops.sources.open import SourceRequest, open_source

__all__ = ["SourceRequest", "open_source"]
