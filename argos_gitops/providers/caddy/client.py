"""Caddy's admin API, as far as we use it: read the configuration, replace it if it is still the same.

Facts (Caddy's admin.go, tried on 2.6.2 and 2.11): the tag of a configuration is the header Etag from 2.8
on; before that it is an HTTP trailer that holds fnv32a of the response's bytes. `POST /config/` with
If-Match answers 412 when the tag is another, 400 or 500 with {"error": …} when the configuration is
refused, and then goes on with the old one.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import orjson
from cryptography import x509

from argos_gitops import __version__
from argos_gitops.model.errors import ProviderError, StalePlanError, TerminalError, TransientError
from argos_gitops.outbound import AnswerTooLargeError, BoundedClient, Bounds

FALLBACK_URL = "http://localhost:2019"
"""Where Caddy puts its admin API when a configuration does not say."""

USER_AGENT = f"argos-gitops/{__version__}"

_CONFIG = "/config/"
_CONNECT_SECONDS = 5.0
_BYTES_PER_SECOND = 50_000
# Caddy takes no configuration of more than 100 MB.
_BOUNDS = Bounds(128 * 1024**2)
_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193


@dataclass(frozen=True)
class RawConfig:
    """A configuration as Caddy gave it. `etag` is None from a Caddy that sends none that we can see."""

    body: bytes
    etag: str | None

    @cached_property
    def tag(self) -> str:
        """What If-Match must say for this configuration."""
        return self.etag or f'"{_CONFIG} {_fnv32a(self.body):08x}"'

    @cached_property
    def mark(self) -> str:
        """Equal marks mean an equal configuration, as far as one Caddy goes."""
        return self.etag or hashlib.blake2b(self.body, digest_size=16).hexdigest()


class AdminClient:
    """One Caddy's admin API. Raises ProviderError and nothing else."""

    def __init__(self, admin_url: str, timeout: timedelta, fallback_url: str = FALLBACK_URL) -> None:
        self.admin_url = admin_url.rstrip("/")
        self._timeout = timeout.total_seconds()
        self.hanging_hint = "is it busy with another load?"
        self._fallback_url = fallback_url
        self._http = _connection(self.admin_url, self._timeout)

    @property
    def moved(self) -> bool:
        """Whether Caddy was last found at the address that a failed load had moved its API to."""
        return self._http.base_url.copy_with(path="/") != _connection_url(self.admin_url)

    def read(self) -> RawConfig:
        """The whole configuration.

        Where nothing listens at the admin URL, but the Caddy at the fallback address says that its
        API belongs there, that Caddy is ours: a load that failed left its API behind (see README).
        """
        self._use(self.admin_url)
        try:
            return self._read()
        except TransientError as error:
            if error.reason != TransientError.reason or not _is_loopback(self.admin_url):
                raise
            found = self._read_moved()
            if found is None:
                raise
            return found

    def _read(self) -> RawConfig:
        response = self._expect_success(self._send_again_if_lost("GET", _CONFIG))
        return RawConfig(response.content, response.headers.get("Etag"))

    def _read_moved(self) -> RawConfig | None:
        self._use(self._fallback_url)
        try:
            found = self._read()
        except ProviderError:
            found = None
        if found is not None and _belongs_to(found, self.admin_url):
            return found
        self._use(self.admin_url)
        return None

    def _use(self, url: str) -> None:
        if self._http.base_url.copy_with(path="/") != _connection_url(url):
            self._http.close()
            self._http = _connection(url, self._timeout)

    def replace(self, config: bytes, tag: str, *, again: bool = False) -> str:
        """Makes `config` the whole configuration if the present one still has `tag`.

        `again`: Caddy loads it even if it has it already, and so reads anew the files that it names.
        Returns what Caddy has against it, empty when it was taken over. Raises StalePlanError when the
        configuration is another one by now.
        """
        force = {"Cache-Control": "must-revalidate"} if again else {}
        return self._write("POST", _CONFIG, config, {"If-Match": tag, **force}, len(config))

    def replace_route(self, route_id: str, route: bytes, known: RawConfig) -> str:
        """The same for one route of it, if the whole still is `known`: a tag may name another path."""
        path, condition = f"/id/{quote(route_id, safe='')}", {"If-Match": known.tag}
        return self._write("PATCH", path, route, condition, len(known.body))

    def _write(self, method: str, path: str, content: bytes, headers: Mapping[str, str], loaded: int) -> str:
        """`loaded`: bytes of the configuration that Caddy has to load, which is what takes its time."""
        response = self._send_again_if_lost(
            method,
            path,
            content=content,
            headers={"Content-Type": "application/json", **headers},
            timeout=httpx.Timeout(self._timeout + loaded / _BYTES_PER_SECOND, connect=_CONNECT_SECONDS),
        )
        if response.status_code == httpx.codes.PRECONDITION_FAILED:
            raise StalePlanError(
                f"the configuration of Caddy at {self.admin_url} was changed by somebody else since it was "
                "read; nothing was written, plan again"
            )
        if response.is_success:
            return ""
        complaint = _complaint(response)
        if complaint is None:
            self._expect_success(response)
        return complaint or f"HTTP status {response.status_code}"

    def version(self) -> str | None:
        """Caddy's version as its metrics tell it; None for builds without one, or if it cannot be had."""
        version = self._metric("go_build_info{").partition('version="')[2].partition('"')[0]
        return version if version.startswith("v") else None

    def started_at(self) -> datetime | None:
        """Since when this Caddy runs, as its metrics tell it; None if it cannot be had."""
        with suppress(ValueError, OverflowError, OSError):
            seconds = self._metric("process_start_time_seconds ").partition(" ")[2]
            return datetime.fromtimestamp(float(seconds), UTC)
        return None

    def failing(self, dial: str) -> bool:
        """Whether requests to an upstream have failed lately; False also if that cannot be had."""
        try:
            upstreams = orjson.loads(self._send_again_if_lost("GET", "/reverse_proxy/upstreams").content)
            return any(each["address"] == dial and each["fails"] > 0 for each in upstreams or ())
        except (ProviderError, ValueError, TypeError, LookupError):
            return False

    def local_ca(self) -> x509.Name | None:
        """The name under which Caddy's own CA issues (Caddy 2.5); None if it cannot be had."""
        try:
            found = orjson.loads(self._send_again_if_lost("GET", "/pki/ca/local").content)
            return x509.load_pem_x509_certificate(found["intermediate_certificate"].encode()).subject
        except (ProviderError, ValueError, TypeError, LookupError, AttributeError):
            return None

    def crowdsec(self, what: str, asked: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
        """What CrowdSec's bouncer module answers below `/crowdsec/`; None where there is no such module."""
        path = f"/crowdsec/{what}"
        response = self._send_again_if_lost("POST", path, content=orjson.dumps(asked or {}))
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        answer = _object(self._expect_success(response))
        if answer is None:
            raise TerminalError(
                f"{self.admin_url}{path} answered what the module does not say; is it Caddy's admin API?",
                reason="NotCaddy",
            )
        return answer

    def _metric(self, begins: str) -> str:
        """The line of Caddy's metrics that begins so; empty if there is none, or no metrics."""
        try:
            text = self._send_again_if_lost("GET", "/metrics").text
        except ProviderError:
            return ""
        return next((line for line in text.splitlines() if line.startswith(begins)), "")

    def close(self) -> None:
        self._http.close()

    def _send_again_if_lost(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Caddy closes the connections to its admin API whenever it has loaded a configuration.

        What is written is bound to a tag: if the first one did arrive, the second finds another tag.
        """
        try:
            return self._send(method, path, **options)
        except TransientError as error:
            if error.reason != "ConnectionLost":
                raise
            return self._send(method, path, **options)

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **options)
        except httpx.TimeoutException as error:
            raise TransientError(
                f"Caddy at {self.admin_url} did not answer {method} {path} in time; {self.hanging_hint}",
                reason="TimedOut",
            ) from error
        except httpx.ConnectError as error:
            raise TransientError(
                f"no connection to Caddy's admin API at {self.admin_url}: {_words(error)}; "
                "is Caddy running, and is this caddy.adminUrl? A configuration "
                "that failed to load may have moved it to localhost:2019"
            ) from error
        except httpx.TransportError as error:
            raise TransientError(
                f"the connection to Caddy at {self.admin_url} broke during {method} {path}: {_words(error)}",
                reason="ConnectionLost",
            ) from error
        except AnswerTooLargeError as error:
            raise TerminalError(
                f"{self.admin_url} answered {method} {path} with {error}; is it Caddy's admin API?",
                reason="NotCaddy",
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TerminalError(
                f"no understanding with {self.admin_url}: {type(error).__name__}; is it Caddy's admin API?",
                reason="NotCaddy",
            ) from error

    def _expect_success(self, response: httpx.Response) -> httpx.Response:
        status = response.status_code
        if status == httpx.codes.FORBIDDEN:
            raise TerminalError(
                f"Caddy at {self.admin_url} refuses us (HTTP 403): the host of caddy.adminUrl must be "
                "its admin listen address, or stand in admin.origins",
                reason="AdminRefused",
            )
        is_json = "json" in response.headers.get("Content-Type", "")
        if response.is_success and is_json:
            return response
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise TransientError(f"Caddy at {self.admin_url} answered HTTP {status}", reason="AdminFailed")
        raise TerminalError(
            f"{self.admin_url}{_CONFIG} answered HTTP {status}, not a JSON configuration; "
            "is it Caddy's admin API?",
            reason="NotCaddy",
        )


def _connection_url(url: str) -> httpx.URL:
    return httpx.URL("http://127.0.0.1/" if url.startswith("unix:") else f"{url}/")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _belongs_to(config: RawConfig, admin_url: str) -> bool:
    """Whether a configuration says that its API listens where the admin URL points to."""
    try:
        tree = orjson.loads(config.body)
        return bool(tree["admin"]["listen"] == urlsplit(admin_url).netloc)
    except (ValueError, TypeError, LookupError):
        return False


def _connection(admin_url: str, timeout: float) -> BoundedClient:
    parts = urlsplit(admin_url)
    return BoundedClient(
        _BOUNDS,
        transport=httpx.HTTPTransport(uds=parts.path) if parts.scheme == "unix" else None,
        base_url=_connection_url(admin_url),
        timeout=httpx.Timeout(timeout, connect=_CONNECT_SECONDS),
        headers={"User-Agent": USER_AGENT},
        trust_env=False,
        verify=parts.scheme == "https",  # reading all certificate authorities takes its time
    )


def _object(response: httpx.Response) -> Mapping[str, Any] | None:
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return answer if isinstance(answer, dict) else None


def _complaint(response: httpx.Response) -> str | None:
    """What Caddy says against a configuration; None when this is no such answer."""
    complaint = (_object(response) or {}).get("error")
    return complaint if isinstance(complaint, str) else None


def _words(error: Exception) -> str:
    """httpx's own words hold no more than an address and a reason of the operating system."""
    return str(error) or type(error).__name__


def _fnv32a(data: bytes) -> int:
    digest = _FNV_OFFSET
    for byte in data:
        digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return digest
