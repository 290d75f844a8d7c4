"""Secrets: how a spec names one, and how a value travels without ever showing itself."""

import re
from hashlib import blake2b
from typing import Self

from pydantic import ConfigDict, Field, PrivateAttr, model_validator

from argos_gitops.model.spec import SpecModel

MASK = "********"

NOT_RESOLVED = "(secret, not resolved in previews)"
"""What people read where a value would stand, in the plan of a revision that nobody merged."""

PLACEHOLDER = re.compile(r"secret-not-resolved-in-previews-[0-9a-f]{12}")
"""What stands for a value in such a plan while it is compiled."""

SOPS_PATTERN = r"^[^#\s/][^#]*#[^#]+$"


class SecretRef(SpecModel):
    """Where a secret's value is found; the value itself never stands in git, unless SOPS encrypted it."""

    # Tells whoever reports a mistake here that what was found may be the secret itself.
    model_config = ConfigDict(json_schema_extra={"x-argos-secret": True})

    env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="An environment variable.")
    file: str | None = Field(None, min_length=1, description="A file that holds nothing else.")
    sops: str | None = Field(
        None,
        pattern=SOPS_PATTERN,
        description="A value in a file that SOPS encrypted: its path below the configuration folder, `#`, "
        "and the way to the value in it, such as `secrets/edge.yaml#lapi.password`.",
    )

    _blob: str = PrivateAttr("")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(each is not None for each in (self.env, self.file, self.sops)) != 1:
            raise ValueError("a secret names exactly one of env, file and sops")
        if self.sops is not None and ".." in self.path.split("/"):
            raise ValueError("the path of a sops file must lie inside the configuration folder")
        return self

    @property
    def path(self) -> str:
        """The path of the SOPS file."""
        return "/".join(part for part in (self.sops or "").partition("#")[0].split("/") if part != ".")

    @property
    def steps(self) -> tuple[str, ...]:
        """The way to the value in the SOPS file: `a.b.0`, or `a/b/0` where keys hold dots."""
        key = (self.sops or "").partition("#")[2]
        return tuple(re.split("/" if "/" in key else r"\.", key))

    @property
    def blob(self) -> str:
        """Which content of the SOPS file is meant: that of the revision which this reference stands in."""
        return self._blob

    def bound(self, blob: str) -> "SecretRef":
        """This reference into that very content, so that each revision finds its own value."""
        copy = self.model_copy()
        copy._blob = blob  # noqa: SLF001 # of this very class
        return copy

    def __str__(self) -> str:
        return f"env {self.env}" if self.env else f"file {self.file}" if self.file else f"sops {self.sops}"


def placeholder_of(identity: str) -> str:
    """The placeholder of a reference: the same for the same identity, another one for another."""
    return f"secret-not-resolved-in-previews-{blake2b(identity.encode(), digest_size=6).hexdigest()}"


class SecretValue:
    """A secret in memory. Printing, formatting or logging it shows a mask; `reveal()` is explicit."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, _: str) -> str:
        return MASK

    def __copy__(self) -> "SecretValue":
        return self

    def __deepcopy__(self, _: object) -> "SecretValue":
        return self

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere as it is; reveal() it where it must be")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretValue) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


class SecretBytes:
    """A whole file in plain text. Printing, formatting or logging it shows a mask; `reveal()` is explicit."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    def reveal(self) -> bytes:
        return self._data

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written anywhere as it is; reveal() it where it must be")
