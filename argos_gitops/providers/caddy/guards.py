"""Who gets in at all, and how often: what stands in front of a Host, or of one of its rules."""

from datetime import timedelta
from typing import Annotated, Literal, Protocol, Self

from pydantic import Field, model_validator

from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import Duration, SpecModel
from argos_gitops.providers.caddy.fragments import HeaderName, IpRange

UserName = Annotated[str, Field(pattern=r"^[^\s:{}\x00-\x1f\x7f]+$", max_length=128)]
PasswordHash = (
    Annotated[str, Field(pattern=r"^\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}$", examples=["$2a$14$…"])]
    | SecretRef
)
"""What bcrypt makes of a password (`caddy hash-password`), or the place of it."""


class BasicAuth(SpecModel):
    """Visitors are asked for a name and a password (HTTP Basic); without them they get 401."""

    users: dict[UserName, PasswordHash] = Field(
        min_length=1,
        description="Names, and what bcrypt makes of their passwords (`caddy hash-password`).",
    )
    realm: Annotated[str, Field(pattern=r'^[^"\\{}\x00-\x1f\x7f]+$', max_length=128)] = Field(
        "restricted", description="What browsers show when they ask."
    )


class RateLimit(SpecModel):
    """So many requests within a sliding window; whoever sends more gets 429 and `Retry-After`.

    Needs a Caddy with the module `http.handlers.rate_limit` (github.com/mholt/caddy-ratelimit); another
    one refuses the whole configuration, and goes on with what it had.
    """

    requests: int = Field(ge=1, description="How many requests.")
    window: Duration = Field(timedelta(seconds=1), description="In which time.")
    by: Literal["client", "header", "everybody"] = Field(
        "client", description="What is counted by: the visitor's address, a header's value, or all in one."
    )
    key: HeaderName | None = Field(None, description="The header by which `by: header` counts.")

    @model_validator(mode="after")
    def _key_where_needed(self) -> Self:
        if (self.key is not None) != (self.by == "header"):
            raise ValueError("key belongs to `by: header`, which needs it")
        if not self.window:
            raise ValueError("window must be longer than nothing")
        return self


class Guarded(Protocol):
    """What may be guarded: a Host as a whole, or one of its rules."""

    @property
    def allow(self) -> tuple[IpRange, ...]: ...

    @property
    def rate_limit(self) -> RateLimit | None: ...

    @property
    def basic_auth(self) -> BasicAuth | None: ...
