"""The Host kind: what the edge serves under which domains."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from argos_gitops.model.spec import SpecModel, reference
from argos_gitops.providers.caddy.answers import FixedResponse, HostHeaders, Redirect, Rewrite
from argos_gitops.providers.caddy.fragments import Domain, FilePath, IpRange
from argos_gitops.providers.caddy.guards import BasicAuth, RateLimit
from argos_gitops.providers.caddy.matches import Match
from argos_gitops.providers.caddy.settings import Acme


class HostTls(Acme):
    """How visitors reach the host: with which certificate, or without TLS.

    `auto` lets Caddy get public certificates, `internal` takes them from Caddy's own CA, `manual` from
    files on the edge, `off` serves plain HTTP. The ACME fields override the edge's for this host.
    """

    mode: Literal["auto", "internal", "manual", "off"] = Field(
        "auto", description="Where the certificate comes from."
    )
    certificate: FilePath | None = Field(None, description="Certificate chain (PEM), a path on the edge.")
    key: FilePath | None = Field(None, description="Private key (PEM), a path on the edge.")

    @model_validator(mode="after")
    def _fields_of_the_mode(self) -> Self:
        files = (self.certificate is not None, self.key is not None)
        if self.mode == "manual" and not all(files):
            raise ValueError("mode manual needs certificate and key, paths of files on the edge")
        if self.mode != "manual" and any(files):
            raise ValueError(f"certificate and key belong to mode manual, not {self.mode}")
        if self.mode != "auto" and self.given():
            raise ValueError(f"{', '.join(sorted(self.given()))} belong to mode auto, not {self.mode}")
        return self


class Rule(SpecModel):
    """What becomes of the requests that it is for. What it does not answer itself, the Host answers.

    In this order: `allow`, `rateLimit`, `basicAuth`, `headers`, `rewrite`, and the answer. Changes of
    response headers hold for refusals and errors too.
    """

    match: Match | None = Field(None, description="Which requests it is for. Default: all.")
    allow: tuple[IpRange, ...] = Field(
        (), min_length=1, description="Visitors from these addresses alone get in; others get 403."
    )
    rate_limit: RateLimit | None = Field(None, description="How many requests are let in.")
    basic_auth: BasicAuth | None = Field(None, description="Asks for a name and a password.")
    headers: HostHeaders = Field(
        default_factory=HostHeaders, description="Changes to headers, after those of the Host."
    )
    rewrite: Rewrite | None = Field(None, description="Another path for whoever answers.")
    service: Annotated[str, reference("Service")] | None = Field(
        None,
        description="The Service that answers. At most one of service, redirect and response is given; "
        "without one the Host answers as it says itself.",
    )
    redirect: Redirect | None = Field(None, description="Sends visitors elsewhere instead.")
    response: FixedResponse | None = Field(None, description="Answers with a fixed response instead.")

    @model_validator(mode="after")
    def _one_answer_at_most(self) -> Self:
        if len(answers_of(self)) > 1:
            raise ValueError("a rule has at most one of service, redirect and response")
        return self


class HostSpec(SpecModel):
    """What the edge serves under some domains: a Service, a redirect, or a fixed response.

    `rules` make exceptions: the first rule that fits a request decides about it, and no other. Where
    none fits, the Host answers as it says itself; with 404 where it has rules, and no answer of its own.
    The bouncer and whatever else the Host has stand in front of every rule.
    """

    kind: ClassVar[str] = "Host"

    edge: Annotated[str, reference("Edge")] = Field(description="The Edge that serves it.")
    domains: tuple[Domain, ...] = Field(
        min_length=1, description="Names it answers to; `*.example.com` is one label of any name."
    )
    service: Annotated[str, reference("Service")] | None = Field(
        None,
        description="The Service that answers. Exactly one of service, redirect and response is given; "
        "with rules it may be none.",
    )
    redirect: Redirect | None = Field(None, description="Sends visitors elsewhere instead.")
    response: FixedResponse | None = Field(None, description="Answers with a fixed response instead.")
    rules: tuple[Rule, ...] = Field(
        (), description="What is done with some requests, in this order: the first rule that fits decides."
    )
    tls: HostTls = Field(default_factory=HostTls, description="Certificate, or plain HTTP.")
    headers: HostHeaders = Field(default_factory=HostHeaders, description="Changes to headers.")
    compression: bool = Field(False, description="Whether responses are compressed (zstd, gzip).")
    bouncer: bool = Field(
        False,
        description="Whether banned addresses are refused, as the edge's `crowdsec.bouncer.mode` says how.",
    )
    allow: tuple[IpRange, ...] = Field(
        (), min_length=1, description="Visitors from these addresses alone get in; others get 403."
    )
    rate_limit: RateLimit | None = Field(None, description="How many requests are let in.")
    basic_auth: BasicAuth | None = Field(None, description="Asks for a name and a password.")
    ambiguous_paths: Literal["refuse", "clean", "forward"] = Field(
        "refuse",
        description="What becomes of paths that a Service may read otherwise than Caddy, where rules of the "
        "Host decide by path: dot segments, `//`, `;`, encoded `/ \\ ; ? #` and control characters, "
        "percent signs encoded twice, and text that is no UTF-8. `refuse` answers them with 400 (and "
        "forwards `//` as `/`), and so does `clean`, which takes dot segments and double slashes out where "
        "nothing is decided by path; with `forward` whoever may write such a path may pass by a rule.",
    )
    enabled: bool = Field(True, description="Whether it is served at all.")

    @field_validator("domains")
    @classmethod
    def _distinct(cls, domains: Sequence[str]) -> Sequence[str]:
        doubled = sorted({domain for domain in domains if domains.count(domain) > 1})
        if doubled:
            raise ValueError(f"{doubled[0]} stands twice (case does not matter)")
        return domains

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        answers = len(answers_of(self))
        if answers > 1 or not (answers or self.rules):
            raise ValueError("a host has exactly one of service, redirect and response, or rules")
        for number, rule in enumerate(self.rules):
            if not (answers or answers_of(rule)):
                raise ValueError(
                    f"rules[{number}] has none of service, redirect and response, and neither has the host"
                )
        return self

    @property
    def plain(self) -> bool:
        """Whether it is served without TLS."""
        return self.tls.mode == "off"

    @property
    def refuses_paths(self) -> bool:
        """Whether ambiguous paths are refused: where nothing is decided by path there is no reason to."""
        return self._by_path and self.ambiguous_paths != "forward"

    @property
    def cleans_paths(self) -> bool:
        """Whether dot segments are taken out of paths by which nothing is decided."""
        return self.ambiguous_paths == "clean" and not self._by_path

    @property
    def _by_path(self) -> bool:
        return any(rule.match is not None and rule.match.by_path for rule in self.rules)

    @property
    def guarded(self) -> bool:
        """Whether some visitors do not get in, whatever they ask for."""
        return bool(self.allow or self.rate_limit or self.basic_auth)

    @property
    def services(self) -> tuple[str, ...]:
        """The Services that it and its rules send requests to; one may stand there more than once."""
        if not self.rules:
            return () if self.service is None else (self.service,)
        return tuple(part.service for part in self.parts if part.service is not None)

    @property
    def parts(self) -> "tuple[HostSpec | Rule, ...]":
        """What may answer: the Host itself, and its rules."""
        return (self, *self.rules)


def answers_of(part: "HostSpec | Rule") -> tuple[SpecModel | str, ...]:
    """Those of service, redirect and response that a Host or a rule has."""
    return tuple(each for each in (part.service, part.redirect, part.response) if each is not None)
