"""Where people read about passes: the documents and commits of the status branch, and the forge.

Belongs here: what a person reads about a pass after it. Does not: planning.
`forge` is a room of its own. Of the branch, `overview`, `pages` and `resources` render (pure), `memory` is
what it remembers, `tree` compares, `writer` is the Reporter, `read` the other direction; `open` says where
branches are written to.
"""

from argos_gitops.status.open import open_branch
from argos_gitops.status.read import StatusPages, read_status
from argos_gitops.status.writer import StatusBranch

__all__ = ["StatusBranch", "StatusPages", "open_branch", "read_status"]
