"""How the outside asks the agent to look again."""

from typing import Protocol


class Trigger(Protocol):
    def look(self, why: str) -> None:
        """Sets the flag "look again" and returns at once. Carries no meaning beyond that."""
        ...
