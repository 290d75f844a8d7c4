"""A process that sees a folder of its own and nothing else of this machine.

Belongs here: the launcher, a program of its own that confines itself and then becomes the command, and how
it is called. Does not: what the command is, and what it makes of its files.

For others: `View`, `confined` (arguments of a confined command) and `refusal_of` (what the launcher said).
"""

from argos_gitops.providers.docker.compose.confined.commands import (
    UnconfinedError,
    View,
    confined,
    refusal_of,
)

__all__ = ["UnconfinedError", "View", "confined", "refusal_of"]
