"""What the kinds accept, refuse and mean."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from argos_gitops.providers.caddy.hosts import HostSpec
from tests.providers.caddy.world import edge, host, service


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"service": "a", "redirect": {"to": "https://x.example.com"}}, "exactly one of service"),
        ({"domains": ["a.example.com", "A.example.com"]}, "stands twice"),
        ({"domains": ["*.*.example.com"]}, "pattern"),
        ({"domains": ["a.example.com:443"]}, "pattern"),
        ({"domains": ["x" * 64 + ".example.com"]}, "63 characters"),
        ({"tls": {"mode": "manual", "certificate": "/a.pem"}}, "needs certificate and key"),
        ({"tls": {"certificate": "/a.pem", "key": "/b.pem"}}, "belong to mode manual"),
        ({"tls": {"mode": "internal", "email": "a@example.com"}}, "belong to mode auto"),
        ({"tls": {"challenge": "dns"}}, "belong together"),
        ({"headers": {"response": {"set": {"X-A": "a\nb"}}}}, "pattern"),
        ({"redirect": {"to": "elsewhere"}}, "pattern"),
        ({"waf": "detect"}, "Extra inputs"),
    ],
    ids=str,
)
def test_a_host_that_makes_no_sense_is_refused(spec: dict[str, Any], said: str) -> None:
    """With a sentence that says what is expected."""
    with pytest.raises(ValidationError, match=said):
        host("x", **spec)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"targets": [{"address": "127.0.0.1"}]}, "pattern"),
        ({"targets": [{"address": "127.0.0.1:70000"}]}, "1 to 65535"),
        ({"targets": [{"address": "http://127.0.0.1:80"}]}, "pattern"),
        ({"targets": []}, "at least 1"),
        ({"targets": [{"address": "a:1"}, {"address": "a:1"}]}, "stands twice"),
        ({"targets": [{"address": "a:1"}], "loadBalancing": {"policy": "cookie"}}, "key belongs"),
        ({"targets": [{"address": "a:1"}], "loadBalancing": {"key": "X"}}, "key belongs"),
        ({"targets": [{"address": "a:1"}], "protocol": "h2c", "tls": {}}, "without TLS"),
    ],
    ids=str,
)
def test_a_service_that_makes_no_sense_is_refused(spec: dict[str, Any], said: str) -> None:
    """With a sentence that says what is expected."""
    with pytest.raises(ValidationError, match=said):
        service("x", **spec)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"server": "srv0"}, "server belongs to ownership routes"),
        ({"ownership": "routes", "storage": {"module": "x"}}, "storage needs ownership whole"),
        ({"ownership": "routes", "server": "srv0", "listen": [":443"]}, "leave it out"),
        ({"trustedProxies": ["everybody"]}, "expected an IP address"),
        ({"listen": ["example.com"]}, "pattern"),
        ({"listen": [":0"]}, "1 to 65535"),
        ({"admin_url": "http://user:secret@127.0.0.1:2019"}, "pattern"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(spec: dict[str, Any], said: str) -> None:
    """With a sentence that says what is expected."""
    with pytest.raises(ValidationError, match=said):
        edge(**spec)


def test_domains_are_compared_as_browsers_ask_for_them() -> None:
    """Lower case and punycode, whatever was written."""
    spec = host("x", domains=["WWW.Example.com", "*.bücher.example"]).spec
    assert isinstance(spec, HostSpec)
    assert spec.domains == ("www.example.com", "*.xn--bcher-kva.example")


def test_importing_the_kinds_imports_no_client() -> None:
    """Validating a repository must not pay for an HTTP library."""
    code = "import sys, argos_gitops.providers.caddy; print('httpx' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"
