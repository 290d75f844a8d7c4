"""Documents and commits of the status branch.

Belongs here: what a person reads about a pass after it. Does not: planning.
`overview`, `pages` and `resources` render (pure), `memory` is what the branch remembers, `tree` compares,
`writer` is the Reporter, `read` the other direction.
"""

from argos_gitops.status.open import open_branch
from argos_gitops.status.read import StatusPages, read_status
from argos_gitops.status.writer import StatusBranch

__all__ = ["StatusBranch", "StatusPages", "open_branch", "read_status"]
