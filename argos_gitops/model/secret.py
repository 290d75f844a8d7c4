"""Secrets: how a spec names one, and how a value travels without ever showing itself."""

from typing import Self

from pydantic import ConfigDict, Field, model_validator

from argos_gitops.model.spec import SpecModel

MASK = "********"


class SecretRef(SpecModel):
    """Where a secret's value is found; the value itself never stands in git."""

    # Tells whoever reports a mistake here that what was found may be the secret itself.
    model_config = ConfigDict(json_schema_extra={"x-argos-secret": True})

    env: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="An environment variable.")
    file: str | None = Field(None, min_length=1, description="A file that holds nothing else.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("a secret names exactly one of env and file")
        return self

    def __str__(self) -> str:
        return f"env {self.env}" if self.env else f"file {self.file}"


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

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretValue) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)
