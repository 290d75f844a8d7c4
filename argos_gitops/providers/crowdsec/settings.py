"""The `crowdsec:` section of an Edge: where its LAPI is, who we are there, and how bans are written."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import Duration, SpecModel

_SHORTEST = timedelta(seconds=4)
_MOST_EARLY = timedelta(days=1)


class MachineSpec(SpecModel):
    """Our login at LAPI, as `cscli machines add` made it."""

    id: str = Field(min_length=1, description="The machine's id.")
    password: SecretRef = Field(description="The machine's password.")


class BouncerSpec(SpecModel):
    """How the edge refuses banned addresses, and the key it asks LAPI with."""

    mode: Literal["module", "forward-auth", "off"] = Field(
        "off",
        description="`module`: Caddy's CrowdSec bouncer module. `forward-auth`: Caddy asks this agent. "
        "`off`: the edge refuses nobody.",
    )
    key: SecretRef | None = Field(
        None, description="The bouncer's API key, as `cscli bouncers add` printed it. Needed unless `off`."
    )

    @model_validator(mode="after")
    def _key_where_needed(self) -> Self:
        if self.mode != "off" and self.key is None:
            raise ValueError(f"mode {self.mode} needs a key: the output of `cscli bouncers add`")
        return self


class CrowdSecSettings(SpecModel):
    """One CrowdSec LAPI, and how our bans stand in it."""

    lapi_url: str = Field(
        pattern=r"^https?://[^/?#@\s]+(/[^?#@\s]*)?$",
        description="LAPI's address, such as `http://127.0.0.1:8081`; no user name or password in it.",
    )
    machine: MachineSpec = Field(description="The machine that we log in as.")
    bouncer: BouncerSpec = Field(default_factory=BouncerSpec, description="How banned addresses are refused.")
    max_age: Duration = Field(
        "7d",
        validate_default=True,
        description="LAPI's own `db_config.flush.max_age`: older alerts lose their bans, so bans are "
        "renewed before.",
    )
    decision_duration: Duration = Field(
        "7d", validate_default=True, description="How long a written ban lasts unless it is renewed."
    )
    chunk_size: int = Field(
        5000, ge=1, le=20_000, description="Decisions in one alert; progress is told and resumed by it."
    )

    @field_validator("max_age", "decision_duration")
    @classmethod
    def _long_enough(cls, value: timedelta) -> timedelta:
        if value < _SHORTEST:
            raise ValueError("expected 4s at least, or bans would end before they can be renewed")
        return value

    @property
    def renewal_margin(self) -> timedelta:
        """How long before its end a ban is renewed: a quarter of its life, a day at most."""
        return min(min(self.max_age, self.decision_duration) / 4, _MOST_EARLY)
