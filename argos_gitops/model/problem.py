"""What is wrong with a configuration, and where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in the configuration: path from its root, line and column from 1 (0: whole file)."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One reason why a revision is rejected. `code` is stable: it is documented and never reused."""

    location: Location
    code: str
    message: str

    def __str__(self) -> str:
        place = f"{self.location}:{self.location.column}" if self.location.line else self.location.path
        return f"{place} {self.code} {self.message}"
