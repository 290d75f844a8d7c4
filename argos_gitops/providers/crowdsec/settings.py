"""The `crowdsec:` section of an Edge: where its LAPI is, who we are there, and how bans are written."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import Duration, SpecModel

_SHORTEST = timedelta(seconds=4)
_MOST_EARLY = timedelta(days=1)
_SHORTEST_WAIT = timedelta(milliseconds=50)


class MachineSpec(SpecModel):
    """Our login at LAPI, as `cscli machines add` made it."""

    id: str = Field(min_length=1, description="The machine's id.")
    password: SecretRef = Field(description="The machine's password.")


_OF_FORWARD_AUTH = {
    "agent_url": "agentUrl",
    "fail_mode": "failMode",
    "timeout": "timeout",
    "poll_interval": "pollInterval",
    "away_after": "awayAfter",
}


class BouncerSpec(SpecModel):
    """How the edge refuses banned addresses, and the key it asks LAPI with."""

    mode: Literal["module", "forward-auth", "off"] = Field(
        "off",
        description="`module`: Caddy's CrowdSec bouncer module. `forward-auth`: Caddy asks this agent. "
        "`off`: the edge refuses nobody.",
    )
    key: SecretRef | None = Field(
        None,
        description="The bouncer's API key, as `cscli bouncers add` printed it; no other bouncer may use "
        "it. Needed unless `off`.",
    )
    agent_url: str = Field(
        "http://127.0.0.1:8780",
        pattern=r"^(https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5}|unix:///[^\s{}]+)$",
        description="With forward-auth: the agent's address as Caddy reaches it, where `ARGOS_LISTEN` says; "
        "`unix:///run/argos.sock` for a socket.",
    )
    fail_mode: Literal["open", "closed"] = Field(
        "open",
        description="With forward-auth, while nobody can say whether an address is banned (the agent is "
        "away, or LAPI for longer than `awayAfter`): `open` lets it in, `closed` refuses it with 503. Bans "
        "that the agent knows stay in force either way.",
    )
    timeout: Duration = Field(
        "5s",
        validate_default=True,
        description="With forward-auth: how long Caddy waits for an answer of an agent that is there before "
        "`failMode` decides. Nobody but a hung agent takes so long: a busy one answers in milliseconds, and "
        "one that is away is noticed at once.",
    )
    poll_interval: Duration = Field(
        "3s",
        validate_default=True,
        description="With forward-auth: how often the agent asks LAPI what has changed.",
    )
    away_after: Duration = Field(
        "5m",
        validate_default=True,
        description="With forward-auth: how long LAPI may go without answering before `failMode` decides.",
    )

    @model_validator(mode="after")
    def _key_where_needed(self) -> Self:
        if self.mode != "off" and self.key is None:
            raise ValueError(f"mode {self.mode} needs a key: the output of `cscli bouncers add`")
        return self

    @model_validator(mode="after")
    def _fields_of_the_mode(self) -> Self:
        given = [shown for name, shown in _OF_FORWARD_AUTH.items() if name in self.model_fields_set]
        if given and self.mode != "forward-auth":
            raise ValueError(f"{', '.join(given)} belong to mode forward-auth, not {self.mode}")
        return self

    @field_validator("timeout", "poll_interval", "away_after")
    @classmethod
    def _some_time(cls, value: timedelta) -> timedelta:
        if value < _SHORTEST_WAIT:
            raise ValueError("expected 50ms at least")
        return value


class TlsSpec(SpecModel):
    """Certificates for a LAPI behind `https://`."""

    ca: SecretRef | None = Field(
        None,
        description="The authority that LAPI's certificate was issued by, as PEM; without it those of the "
        "system count.",
    )
    cert: SecretRef | None = Field(
        None,
        description="The certificate that we show, as PEM, for a LAPI that asks for one "
        "(`client_verification`). LAPI then knows us by it: its OU must be among "
        "`agents_allowed_ou` and, for the bouncer, `bouncers_allowed_ou`.",
    )
    key: SecretRef | None = Field(None, description="The key of `cert`, as PEM without a password.")

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together; name both of them or none")
        return self


class CrowdSecSettings(SpecModel):
    """One CrowdSec LAPI, and how our bans stand in it."""

    lapi_url: str = Field(
        pattern=r"^https?://[^/?#@\s]+(/[^?#@\s]*)?$",
        description="LAPI's address, such as `http://127.0.0.1:8081`; no user name or password in it.",
    )
    machine: MachineSpec = Field(description="The machine that we log in as.")
    tls: TlsSpec | None = Field(None, description="Certificates for a LAPI behind `https://`.")
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

    @model_validator(mode="after")
    def _tls_needs_https(self) -> Self:
        if self.tls is not None and not self.lapi_url.startswith("https:"):
            raise ValueError("tls needs a lapiUrl that begins with https://")
        return self

    @property
    def renewal_margin(self) -> timedelta:
        """How long before its end a ban is renewed: a quarter of its life, a day at most."""
        return min(min(self.max_age, self.decision_duration) / 4, _MOST_EARLY)
