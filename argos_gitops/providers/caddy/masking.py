"""What of a Caddy configuration may be shown to people.

Whoever configures Caddy by hand may put a password anywhere, so only text under keys that are known to
hold none is shown; all other text is masked, unless it is nothing but placeholders.
"""

import re
from collections.abc import Iterator
from typing import Any

from argos_gitops.model.secret import MASK

_SHORTEST_SECRET = 4

_SHOWN_KEYS = """
    @id handler host path method protocol listen listen_protocols protocols uri module policy source
    dial email field name prefer output filename format include exclude level status_code expect_body
    interval timeout try_duration try_interval fail_duration unhealthy_latency dial_timeout
    response_header_timeout read_timeout write_timeout versions server_name pem_files provider
    body certificate subjects ranges client_ip_headers skip skip_certificates delete ca
    ticker_interval api_url strip_path_prefix root index_names file_server key_type group
    """.split()  # noqa: SIM905 # a list of words is read as words

_SHOWN_HEADERS = """
    accept accept-encoding accept-language allow cache-control connection content-disposition
    content-encoding content-language content-length content-security-policy
    content-security-policy-report-only content-type cross-origin-embedder-policy cross-origin-opener-policy
    cross-origin-resource-policy expires feature-policy forwarded host location origin permissions-policy
    pragma referrer-policy server strict-transport-security vary via x-content-type-options
    x-dns-prefetch-control x-download-options x-forwarded-for x-forwarded-host x-forwarded-port
    x-forwarded-prefix x-forwarded-proto x-frame-options x-permitted-cross-domain-policies x-powered-by
    x-real-ip x-robots-tag x-ua-compatible x-xss-protection
    """.split()  # noqa: SIM905 # a list of words is read as words

_SENSITIVE = re.compile(r"auth|cookie|credential|hash|key|pass|private|secret|signature|token", re.IGNORECASE)
_PLACEHOLDERS = re.compile(r"^((bearer|basic|token) )?(\{[a-z_]+\.[^{}]*\})+$", re.IGNORECASE)
_USER_INFO = re.compile(r"(?<=//)[^/@\s]+@")


def shown(key: str, value: Any) -> str:
    """A scalar as text, masked unless its key is known to hold no secret."""
    if isinstance(value, str):
        if _PLACEHOLDERS.match(value):
            return value
        return _USER_INFO.sub(f"{MASK}@", value) if key in _SHOWN_KEYS else MASK
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return MASK if _SENSITIVE.search(key) else str(value)


def shown_header(name: str, value: str, *, public: bool) -> str:
    """A header's value. `public`: it goes to every visitor, so only names that sound secret are masked."""
    if _PLACEHOLDERS.match(value) or name.lower() in _SHOWN_HEADERS:
        return value
    return value if public and not _SENSITIVE.search(name) else MASK


def masked(tree: Any, key: str = "") -> Any:
    """The same tree with each scalar as it may be shown: a digest of it tells nothing about a secret."""
    if isinstance(tree, dict):
        return {name: masked(each, name) for name, each in tree.items()}
    if isinstance(tree, list):
        return [masked(each, key) for each in tree]
    return shown(key, tree)


def scrubbed(text: str, tree: Any) -> str:
    """Text of Caddy's without any value of the configuration that would be masked."""
    secrets = {value for value in _masked_values("", tree) if len(value) >= _SHORTEST_SECRET}
    for secret in sorted(secrets, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def _masked_values(key: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner, each in value.items():
            yield from _masked_values(inner, each)
    elif isinstance(value, list):
        for each in value:
            yield from _masked_values(key, each)
    elif isinstance(value, str) and shown(key, value) != value:
        yield value
