"""The `caddy:` section of an Edge: how its Caddy is reached, what of it is ours, where it listens."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import Duration, Size, SpecModel
from argos_gitops.providers.caddy.fragments import FilePath, HeaderName, IpRange, Listen

_OF_A_WHOLE_CADDY = {"access_log": "accessLog", "logging": "logging", "storage": "storage"}
_OF_A_SERVER = {
    "listen": "listen",
    "http3": "http3",
    "redirect_http": "redirectHttp",
    "trusted_proxies": "trustedProxies",
    "client_ip_headers": "clientIpHeaders",
}


class DnsProvider(SpecModel):
    """A DNS provider module of Caddy, which proves ownership of domains through DNS records."""

    provider: str = Field(
        pattern=r"^[a-z0-9_]+$",
        description="Name of Caddy's module below `dns.providers`, such as cloudflare.",
    )
    options: dict[str, str | SecretRef] = Field(
        default_factory=dict, description="The module's own fields; credentials as {env}, {file} or {sops}."
    )


class Acme(SpecModel):
    """How Caddy gets public certificates. Nothing given means Caddy's own defaults."""

    email: str | None = Field(
        None, pattern=r"^[^\s@]+@[^\s@]+$", description="Contact address of the ACME account."
    )
    ca: str | None = Field(None, pattern=r"^https?://\S+$", description="Directory URL of the ACME CA.")
    challenge: Literal["http", "tls-alpn", "dns"] | None = Field(
        None, description="The only challenge to use. Default: http or tls-alpn, whatever works."
    )
    dns: DnsProvider | None = Field(None, description="Needed by, and only by, the dns challenge.")

    @model_validator(mode="after")
    def _dns_needs_a_provider(self) -> Self:
        if (self.challenge == "dns") != (self.dns is not None):
            raise ValueError("challenge dns and a dns provider belong together")
        return self

    def given(self) -> set[str]:
        """The ACME fields that say something."""
        return {name for name in Acme.model_fields if getattr(self, name) is not None}


class AccessLog(SpecModel):
    """One JSON line for each request, as CrowdSec reads it."""

    file: FilePath | None = Field(None, description="Where to, on the edge. Default: standard output.")
    roll_size: Size = Field(100 * 1024**2, description="A larger file is rolled.")
    keep: int = Field(5, ge=1, description="How many rolled files are kept.")


class Probe(SpecModel):
    """How each pass proves that Hosts answer: a request for each that changed, and for some of the others."""

    enabled: bool = Field(True, description="Whether Hosts are asked for at all.")
    host: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._:-]+$",
        description="Where we reach the edge's listeners. Default: the listen address, else adminUrl's host.",
    )
    timeout: Duration = Field(timedelta(seconds=5), description="How long a host has to answer.")


class CaddySettings(SpecModel):
    """The Caddy of an Edge: how it is reached, what of it is ours, and where it listens."""

    admin_url: Annotated[
        str,
        Field(
            pattern=r"^(https?://[^\s/?#@]+/?|unix:///[^\s?#]+)$",
            examples=["http://127.0.0.1:2019", "unix:///run/caddy/admin.sock"],
        ),
    ] = Field(description="Caddy's admin API: a URL, or the path of its socket.")
    ownership: Literal["whole", "routes"] = Field(
        "whole",
        description="`whole`: all of Caddy's configuration is ours but its admin block. "
        "`routes`: what others configured there stays as it is.",
    )
    server: str | None = Field(
        None,
        min_length=1,
        description="With ownership routes: the server of others that our routes go into. "
        "Default: servers of our own beside theirs.",
    )
    listen: tuple[Listen, ...] = Field(
        (":443", ":80"),
        min_length=1,
        description="Addresses to serve on. `http://` or `https://` before one says which; without it port "
        "80 is HTTP, 443 is HTTPS, and any other is HTTPS unless all Hosts of the edge have tls mode off.",
    )
    http3: bool = Field(True, description="Whether HTTPS listeners speak HTTP/3 too.")
    redirect_http: bool = Field(True, description="Whether plain HTTP is redirected to HTTPS, host by host.")
    trusted_proxies: tuple[IpRange, ...] = Field(
        (), description="Ranges of proxies in front of the edge whose client address header is believed."
    )
    client_ip_headers: tuple[HeaderName, ...] = Field(
        (), description="Headers that hold the client's address. Default: X-Forwarded-For."
    )
    certificates: Literal["public", "internal"] = Field(
        "public",
        description="Where Hosts with tls mode auto get theirs: from a public CA, or from Caddy's own, for "
        "an edge that nobody reaches from outside. A Host with ACME fields of its own asks a public CA "
        "always.",
    )
    acme: Acme = Field(
        default_factory=Acme, description="How public certificates are got, unless a Host says."
    )
    access_log: AccessLog | None = Field(None, description="Access log; none by default.")
    logging: dict[str, Any] | None = Field(None, description="Caddy's `logging` block as JSON, if any.")
    storage: dict[str, Any] | None = Field(None, description="Caddy's `storage` block as JSON, if any.")
    probe: Probe = Field(default_factory=Probe, description="How changes are proved.")

    @model_validator(mode="after")
    def _ours_to_say(self) -> Self:
        if self.ownership == "whole" and self.server is not None:
            raise ValueError("server belongs to ownership routes")
        if self.ownership == "routes":
            self._refuse(_OF_A_WHOLE_CADDY, "needs ownership whole: with routes it belongs to others")
        if self.server is not None:
            self._refuse(
                _OF_A_SERVER, f"belongs to whoever configures the server {self.server}; leave it out"
            )
        return self

    def _refuse(self, fields: dict[str, str], why: str) -> None:
        for name, shown in fields.items():
            if name in self.model_fields_set:
                raise ValueError(f"{shown} {why}")

    @property
    def whole(self) -> bool:
        return self.ownership == "whole"
