"""One label, where it stands, and how a value that nobody understands is told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from argos_gitops.model.go_duration import seconds_of
from argos_gitops.model.problem import Location, Problem


class LabelCode(StrEnum):
    """What can be wrong with labels; each is explained in docs/reference/problems.md."""

    NOT_TRANSLATED = "LabelNotTranslated"
    """Traefik understands it, and it cannot be said to Caddy."""
    INVALID = "LabelInvalid"
    """Traefik would not understand it either."""
    UNREACHABLE = "PortNotReachable"
    """The Edge has no way to the container's port."""
    CONFLICT = "RouteConflict"
    """It contradicts another one."""
    TRAEFIK = "TraefikConfiguration"
    """A part of Traefik's own configuration cannot be read or said: a problem where routes depend on it."""
    OTHER_PROXY = "LabelOfAnotherProxy"
    """Another program than Traefik reads it, so that no route follows; a warning."""
    NO_ROUTE = "NoRoute"
    """Nothing follows from the labels of a Stack or service that should have routes; a warning."""


@dataclass(frozen=True, slots=True)
class Label:
    """A label of a service; `key` as it is written, `owner` is `service web of Stack/wiki`.

    `what` it is, as people are told: Traefik's own configuration has the same options in arguments,
    variables and fields of files.
    """

    key: str
    value: str
    owner: str
    place: Callable[[], Location] = field(compare=False)
    what: str = "label"

    def refusal(self, code: LabelCode, message: str) -> "RefusedError":
        return RefusedError(Problem(self.place(), code, f"{self.owner}, {self.what} {self.key}: {message}"))

    def invalid(self, message: str) -> "RefusedError":
        return self.refusal(LabelCode.INVALID, message)

    def untranslated(self, message: str) -> "RefusedError":
        return self.refusal(LabelCode.NOT_TRANSLATED, message)


class RefusedError(Exception):
    """What cannot be translated; caught where the next label is looked at."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


@dataclass(slots=True)
class Complaints:
    """All refusals of a revision. `warnings` refuse nothing."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    @contextmanager
    def heard(self) -> Iterator[None]:
        """What is refused inside is noted, and the work goes on behind it."""
        try:
            yield
        except RefusedError as refusal:
            self.problems.extend(refusal.problems)


_LARGEST = 2**63 - 1
_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")
_LONGEST = timedelta(seconds=10**9)


def truth(label: Label) -> bool:
    """A boolean as Go's strconv reads it."""
    value = label.value.strip().lower()
    if value not in (*_TRUE, *_FALSE):
        raise label.invalid("expected true or false")
    return value in _TRUE


def number(label: Label, least: int = 0) -> int:
    try:
        found = int(label.value.strip())
    except ValueError:
        raise label.invalid("expected a whole number") from None
    if abs(found) > _LARGEST:
        raise label.invalid("this number is too large")
    if found < least:
        raise label.invalid(f"expected {least} or more")
    return found


def port(label: Label) -> int:
    found = number(label, 1)
    if found > 65535:
        raise label.invalid("expected a port from 1 to 65535")
    return found


def words(label: Label) -> list[str]:
    """A list, whose items commas part."""
    found = [item.strip() for item in label.value.split(",")]
    if not all(found):
        raise label.invalid("expected a list with commas between its items, none of them empty")
    return found


def duration(label: Label) -> timedelta:
    """A duration as Go writes it (`1m30s`); a plain number means seconds."""
    value = label.value.strip()
    if value.isascii() and value.isdecimal():
        value += "s"
    try:
        found = timedelta(seconds=seconds_of(value))
    except ValueError:
        raise label.invalid("expected a duration such as 10s or 1m30s") from None
    if not timedelta() <= found <= _LONGEST or len(value) > 32:
        raise label.invalid("expected a duration such as 10s or 1m30s")
    return found


def literal(text: str) -> str:
    """Text in which Caddy's placeholders have no meaning."""
    return text.replace("{", "\\{")
