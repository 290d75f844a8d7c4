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
        ({"redirect": {}}, "exactly one of to and scheme"),
        ({"redirect": {"to": "//example.com"}}, "pattern"),
        ({"redirect": {"to": "https://a.example.com", "port": 1}}, "port belongs to scheme"),
        ({"allow": ["192.0.2.0/33"]}, "expected an IP address"),
        ({"allow": ["10.0.0.0/255.0.0.0"]}, "expected an IP address"),
        ({"allow": []}, "at least 1"),
        ({"rateLimit": {"requests": 0}}, "greater than or equal to 1"),
        ({"rateLimit": {"requests": 1, "window": "0s"}}, "longer than nothing"),
        ({"rateLimit": {"requests": 1, "by": "header"}}, "key belongs to"),
        ({"basicAuth": {"users": {"ann": "wonderland"}}}, "pattern"),
        ({"basicAuth": {"users": {"a:b": {"env": "HASH"}}}}, "pattern"),
        ({"basicAuth": {"users": {}}}, "at least 1"),
    ],
    ids=str,
)
def test_a_host_that_makes_no_sense_is_refused(spec: dict[str, Any], said: str) -> None:
    """With a sentence that says what is expected."""
    with pytest.raises(ValidationError, match=said):
        host("x", **spec)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"match": {}}, "names at least one field"),
        ({"match": {"any": []}}, "at least 1"),
        ({"match": {"any": [{"pth": "/"}]}}, "Extra inputs"),
        ({"match": {"path": "login"}}, "pattern"),
        ({"match": {"path": "/a*"}}, "pattern"),
        ({"match": {"pathRegexp": "(?=a)"}}, "Go's regular expressions"),
        ({"match": {"not": {"headerRegexps": {"X-A": "("}}}}, "no regular expression"),
        ({"match": {"methods": ["get"]}}, "pattern"),
        ({"match": {"clientIps": ["everybody"]}}, "expected an IP address"),
        ({"service": "a", "response": {}}, "at most one of service"),
        ({"rewrite": {}}, "a rewrite is a path"),
        ({"rewrite": {"path": "/a", "addPrefix": "/b"}}, "a rewrite is a path"),
        ({"rewrite": {"stripPrefix": "/"}}, "at least 2 characters"),
        ({"priority": 1}, "Extra inputs"),
    ],
    ids=str,
)
def test_a_rule_that_makes_no_sense_is_refused(rule: dict[str, Any], said: str) -> None:
    """Wherever in it."""
    with pytest.raises(ValidationError, match=said):
        host("x", rules=[rule])


def test_somebody_answers() -> None:
    """The Host, or each of its rules."""
    nobody: dict[str, Any] = {"service": None}
    with pytest.raises(ValidationError, match="exactly one of service"):
        host("x", **nobody)
    with pytest.raises(ValidationError, match=r"rules\[1\] has none of service"):
        host("x", **nobody, rules=[{"response": {}}, {"allow": ["192.0.2.1"]}])
    spec = host("x", service="a", rules=[{"service": "b"}, {"redirect": {"scheme": "https"}}]).spec
    assert isinstance(spec, HostSpec)
    assert spec.services == ("a", "b")


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
