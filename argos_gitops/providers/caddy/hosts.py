"""The Host kind: what the edge serves under which domains."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from argos_gitops.model.spec import SpecModel, reference
from argos_gitops.providers.caddy.fragments import Domain, FilePath, HeaderName, HeaderValue, Status
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


class HeaderChanges(SpecModel):
    """What happens to headers: first `add`, then `set`, then `remove`."""

    add: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Added beside what is there."
    )
    set: dict[HeaderName, HeaderValue] = Field(default_factory=dict, description="Put in place of it.")
    remove: tuple[HeaderName, ...] = Field(
        (), description="Taken out; `X-*` takes out all that begin with X-."
    )


class HostHeaders(SpecModel):
    """Changes to the headers of requests before they go on, and of responses before they go out."""

    request: HeaderChanges = Field(default_factory=HeaderChanges, description="Of requests.")
    response: HeaderChanges = Field(default_factory=HeaderChanges, description="Of responses.")


class Redirect(SpecModel):
    """Sends visitors elsewhere."""

    to: Annotated[str, Field(pattern=r"^https?://[^\s]+$")] = Field(
        description="Where to: `https://www.example.com`; Caddy's placeholders may stand in it."
    )
    status: Literal[301, 302, 303, 307, 308] = Field(308, description="HTTP status.")
    preserve_path: bool = Field(True, description="Whether path and query of the request are appended.")


class FixedResponse(SpecModel):
    """The same answer to everybody."""

    status: Status = Field(200, description="HTTP status.")
    body: str = Field("", max_length=65536, description="Body; Caddy's placeholders may stand in it.")
    content_type: Annotated[str, Field(pattern=r"^[^\r\n]+$")] = Field(
        "text/plain; charset=utf-8", description="Content-Type of the body."
    )


class HostSpec(SpecModel):
    """What the edge serves under some domains: a Service, a redirect, or a fixed response."""

    kind: ClassVar[str] = "Host"

    edge: Annotated[str, reference("Edge")] = Field(description="The Edge that serves it.")
    domains: tuple[Domain, ...] = Field(
        min_length=1, description="Names it answers to; `*.example.com` is one label of any name."
    )
    service: Annotated[str, reference("Service")] | None = Field(
        None, description="The Service that answers. Exactly one of service, redirect and response is given."
    )
    redirect: Redirect | None = Field(None, description="Sends visitors elsewhere instead.")
    response: FixedResponse | None = Field(None, description="Answers with a fixed response instead.")
    tls: HostTls = Field(default_factory=HostTls, description="Certificate, or plain HTTP.")
    headers: HostHeaders = Field(default_factory=HostHeaders, description="Changes to headers.")
    compression: bool = Field(False, description="Whether responses are compressed (zstd, gzip).")
    bouncer: bool = Field(
        False,
        description="Whether banned addresses are refused, as the edge's `crowdsec.bouncer.mode` says how.",
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
        answers = (self.service, self.redirect, self.response)
        if sum(answer is not None for answer in answers) != 1:
            raise ValueError("a host has exactly one of service, redirect and response")
        return self

    @property
    def plain(self) -> bool:
        """Whether it is served without TLS."""
        return self.tls.mode == "off"
