"""The kinds of this provider: Decision, Allowlist and CountryBan."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, field_validator, model_validator

from argos_gitops.model.spec import SpecModel, reference
from argos_gitops.providers.crowdsec.countries import COUNTRY_CODES, closest_code
from argos_gitops.providers.crowdsec.marks import reason_and_until
from argos_gitops.providers.crowdsec.networks import canonical_address, canonical_network


def _no_ending(reason: str) -> str:
    """Rows carry the reason and the end in one text, which must be read back unambiguously."""
    _, until = reason_and_until(f"argos-gitops/edge: {reason}")
    if until is not None:
        raise ValueError("a reason does not end in `(until …)`: set the field `until`")
    return reason


Reason = Annotated[
    str,
    AfterValidator(_no_ending),
    Field(
        min_length=1,
        max_length=150,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="Why, in one line; LAPI and `cscli decisions list` show it.",
    ),
]
EdgeName = Annotated[str, reference("Edge")]


class DecisionSpec(SpecModel):
    """A ban, captcha or throttle of one address or range. Without `until` it stands until it leaves git."""

    kind: ClassVar[str] = "Decision"

    edge: EdgeName = Field(description="The Edge whose CrowdSec holds it.")
    type: Literal["ban", "captcha", "throttle"] = Field(
        "ban",
        description="What bouncers do. Caddy's module answers 403 to ban and captcha, and 429 to throttle; "
        "forward-auth answers 403 to all three.",
    )
    scope: Literal["Ip", "Range"] = Field(description="Whether `value` is an address or a range.")
    value: str = Field(
        min_length=2,
        max_length=49,
        description="An address such as `203.0.113.7`, or a range such as `2001:db8::/32`.",
    )
    reason: Reason
    until: AwareDatetime | None = Field(
        None, description="When it ends, with a time zone: `2027-01-01T00:00:00Z`. Default: never."
    )

    @field_validator("until")
    @classmethod
    def _in_whole_seconds(cls, until: datetime | None) -> datetime | None:
        return until and until.astimezone(UTC).replace(microsecond=0)

    @model_validator(mode="after")
    def _value_fits_scope(self) -> Self:
        _ = self.canonical_value
        return self

    @property
    def canonical_value(self) -> str:
        """The one spelling under which it is written to LAPI and compared."""
        return canonical_address(self.value) if self.scope == "Ip" else canonical_network(self.value)


class AllowlistEntry(SpecModel):
    """An address or range that must stay reachable."""

    value: str = Field(
        min_length=2, max_length=49, description="An address or a range, such as `192.0.2.0/24`."
    )
    reason: Reason

    @field_validator("value")
    @classmethod
    def _is_network(cls, value: str) -> str:
        return canonical_network(value)


class AllowlistSpec(SpecModel):
    """Addresses that no ban of ours covers: they are taken out of countries and of ranges.

    It does not keep CrowdSec itself from banning them.
    """

    kind: ClassVar[str] = "Allowlist"

    edges: tuple[EdgeName, ...] = Field((), description="The Edges it holds for; empty means all of them.")
    entries: tuple[AllowlistEntry, ...] = Field(min_length=1, description="What is taken out.")

    def holds_for(self, edge: str) -> bool:
        return not self.edges or edge in self.edges


class CountryBanSpec(SpecModel):
    """A ban of all ranges of one country, minus every Allowlist. It follows the GeoIP database."""

    kind: ClassVar[str] = "CountryBan"

    edge: EdgeName = Field(description="The Edge whose CrowdSec holds it.")
    country: str = Field(
        pattern=r"^[A-Z]{2}$", description="The country's ISO 3166-1 code of two capital letters."
    )
    reason: Reason

    @field_validator("country")
    @classmethod
    def _is_known(cls, country: str) -> str:
        if country not in COUNTRY_CODES:
            raise ValueError(f"{country!r} is no ISO 3166-1 country code{closest_code(country)}")
        return country
