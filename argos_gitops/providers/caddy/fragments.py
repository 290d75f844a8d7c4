"""Field types that the kinds of this provider share."""

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from argos_gitops.model.secret import SecretRef
from argos_gitops.providers.caddy.regexps import check_regexp

_PORT = re.compile(r":([0-9]+)$")
_RANGE = re.compile(r"[0-9A-Fa-f:.]+(/[0-9]{1,3})?")
"""Without netmasks and zones, which Caddy does not read."""

SEALED = re.compile("\0sops ([0-9a-f]*) ([^\0]+)\0")
"""What stands for a `{sops}` secret until it is inlined: its blob, path and key. NUL can stand in no value
that people write, as YAML and the fields' patterns refuse it."""


def _check_port(address: str) -> str:
    match = None if address.startswith("unix/") else _PORT.search(address)
    if match and not 1 <= int(match[1]) <= 65535:
        raise ValueError(f"port {match[1]} does not exist: expected 1 to 65535")
    return address


def _check_range(value: str) -> str:
    try:
        if not _RANGE.fullmatch(value):
            raise ValueError
        ip_network(value, strict=False)
    except ValueError:
        raise ValueError("expected an IP address or a range such as 192.0.2.0/24") from None
    return value


def _canonical_domain(domain: str) -> str:
    """Lower case and punycode: the form in which a browser asks for it."""
    wildcard, name = ("*.", domain[2:]) if domain.startswith("*.") else ("", domain)
    try:
        return wildcard + name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError("a label of a domain is empty or longer than 63 characters") from None


Address = Annotated[
    str,
    Field(
        pattern=r"^(unix//[^\s{}]+|(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):[0-9]{1,5})$",
        examples=["127.0.0.1:3000", "app:8080", "[::1]:3000", "unix//run/app.sock"],
    ),
    AfterValidator(_check_port),
]
"""Where an upstream listens: host and port, or a Unix socket."""

Listen = Annotated[
    str,
    Field(
        pattern=r"^(https?://)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):[0-9]{1,5}$",
        examples=[":443", "http://127.0.0.1:8080"],
    ),
    AfterValidator(_check_port),
]

Domain = Annotated[
    str,
    Field(
        pattern=r"^(\*\.)?[^\s*./:{}\[\]@?#]+(\.[^\s*./:{}\[\]@?#]+)*$",
        max_length=253,
        examples=["app.example.com", "*.example.com"],
    ),
    AfterValidator(_canonical_domain),
]

HeaderName = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$", max_length=256)]
HeaderValue = Annotated[str, Field(pattern=r"^[^\r\n\x00]*$")] | SecretRef
"""Text, in which Caddy expands placeholders such as {http.request.host}, or a secret's place."""

IpRange = Annotated[
    str,
    Field(examples=["192.0.2.7", "2001:db8::/32"]),
    AfterValidator(_check_range),
]
"""An address, or a range of them."""

Regexp = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(check_regexp)]
"""A regular expression of Go, as far as it can be told."""

PlainPath = Annotated[str, Field(pattern=r"^/[^\s*%{}?#]*$", max_length=2048, examples=["/login", "/api/"])]
"""A path as it is, decoded: nothing in it has a meaning of its own."""

Path = Annotated[str, Field(pattern=r"^/[^\s]*$")]
FilePath = Annotated[str, Field(pattern=r"^/[^\r\n\x00{}]+$")]
"""An absolute path on the machine where Caddy runs."""

Status = Annotated[int, Field(ge=200, le=599)]


def placeholder(secret: SecretRef) -> str:
    """How Caddy finds a secret by itself, so that no value passes through us or its admin API.

    What SOPS encrypted it cannot find: see inlining.
    """
    if secret.sops is not None:
        return f"\0sops {secret.blob} {secret.sops}\0"
    return f"{{env.{secret.env}}}" if secret.env else f"{{file.{secret.file}}}"


def header_text(value: str | SecretRef) -> str:
    return placeholder(value) if isinstance(value, SecretRef) else value
