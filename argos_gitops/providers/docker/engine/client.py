"""The calls of the Engine API that we use; Docker 20.10 to today, and Podman, answer them alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from argos_gitops.model.errors import ProviderError, TerminalError
from argos_gitops.outbound import AnswerTooLargeError, BoundedClient, Bounds
from argos_gitops.providers.docker.engine.answers import (
    NOT_FOUND,
    error_of,
    not_docker,
    parsed_answer,
    unreachable,
)

_OLDEST, _NEWEST = (1, 41), (1, 47)
_SLOW_ANSWER = 120.0
_BOUNDS = Bounds(128 * 1024**2)

Document = Mapping[str, Any]
"""An object of the Engine API, its names as the engine writes them."""


@dataclass(frozen=True, slots=True)
class Channel:
    """How an engine is reached: a transport, the URL to ask for, and what to try when it does not answer.

    `engine` names it in messages: `the Docker engine of DockerHost/main (unix:///var/run/docker.sock)`.
    """

    engine: str
    url: str
    transport: httpx.BaseTransport
    hint: Callable[[], str]


class EngineClient:
    """One engine. Safe to use from several threads; every failure is a ProviderError without a secret."""

    def __init__(self, channel: Channel, timeout: timedelta) -> None:
        self._channel = channel
        self._http = BoundedClient(
            _BOUNDS,
            base_url=channel.url,
            transport=channel.transport,
            timeout=httpx.Timeout(_SLOW_ANSWER, connect=timeout.total_seconds()),
            trust_env=False,
        )

    @property
    def engine(self) -> str:
        return self._channel.engine

    def ping(self) -> None:
        """Raises ProviderError where the engine does not answer."""
        answer = self._call("GET", "/_ping")
        if not answer.is_success:
            raise error_of(answer, self.engine)

    def containers(self) -> list[Document]:
        """All containers, stopped ones too, as the list of the API shows them."""
        return self._list("/containers/json", {"all": "1"})

    def networks(self) -> list[Document]:
        return self._list("/networks")

    def volumes_listed(self) -> list[Document]:
        """All volumes without their sizes, which take long."""
        found = parsed_answer(self._send("GET", "/volumes"), self.engine)
        return (found.get("Volumes") if isinstance(found, dict) else None) or []

    def container(self, identity: str) -> Document | None:
        """One container with all its settings; None when it is gone."""
        return self._one(f"/containers/{quote(identity, safe='')}/json")

    def image(self, identity: str) -> Document | None:
        return self._one(f"/images/{quote(identity, safe='')}/json")

    def network(self, identity: str) -> Document | None:
        """One network with the containers in it, which the list does not tell."""
        return self._one(f"/networks/{quote(identity, safe='')}")

    def info(self) -> Document:
        """What the engine says of itself: what it can limit, how much of everything there is."""
        found = parsed_answer(self._send("GET", "/info"), self.engine)
        return found if isinstance(found, dict) else {}

    def stop(self, identity: str) -> None:
        """Stops a container within its own grace period; fine when it is stopped or gone."""
        self._unless_gone("POST", f"/containers/{quote(identity, safe='')}/stop")

    def start(self, identity: str) -> None:
        """Fine when it runs already."""
        self._send("POST", f"/containers/{quote(identity, safe='')}/start")

    def rename(self, identity: str, name: str) -> None:
        self._send("POST", f"/containers/{quote(identity, safe='')}/rename", params={"name": name})

    def unpause(self, identity: str) -> None:
        self._unless_gone("POST", f"/containers/{quote(identity, safe='')}/unpause")

    def remove(self, identity: str) -> None:
        """Removes a stopped container, and none of its volumes; fine when it is gone."""
        self._unless_gone("DELETE", f"/containers/{quote(identity, safe='')}", params={"v": "0"})

    def create_network(self, settings: Document) -> None:
        self._send("POST", "/networks/create", json=settings)

    def remove_network(self, identity: str) -> None:
        """Raises TerminalError (reason InUse) while containers are in it; fine when it is gone."""
        self._unless_gone("DELETE", f"/networks/{quote(identity, safe='')}")

    def images(self) -> list[Document]:
        """All images but the layers between them, as the list of the API shows them."""
        return self._list("/images/json")

    def sized_containers(self) -> list[Document]:
        """As `containers`, with what each has written of its own in `SizeRw`; slow."""
        return self._usage("container", "Containers")

    def volumes(self) -> list[Document]:
        """All volumes; with sizes in `UsageData`."""
        return self._usage("volume", "Volumes")

    def build_cache(self) -> list[Document]:
        """What builds left for later ones; empty where the engine has no BuildKit."""
        return self._usage("build-cache", "BuildCache")

    def restart(self, identity: str) -> None:
        """Stops a container within its own grace period, and starts it."""
        self._send("POST", f"/containers/{quote(identity, safe='')}/restart")

    def remove_image(self, name: str) -> None:
        """Takes one name, or the id of an image without any, away; the image goes with its last name.

        Raises TerminalError (reason Conflict) while a container uses it; fine when it is gone.
        """
        self._unless_gone("DELETE", f"/images/{quote(name, safe='')}", params={"noprune": "1"})

    def remove_volume(self, name: str) -> None:
        """Raises TerminalError (reason Conflict) while a container uses it; fine when it is gone."""
        self._unless_gone("DELETE", f"/volumes/{quote(name, safe='')}")

    def remove_build_cache(self, identity: str) -> None:
        """One record of it; fine when it is gone or in use."""
        filters = orjson.dumps({"id": [identity]}).decode()
        self._send("POST", "/build/prune", params={"all": "1", "filters": filters})

    def connect(self, network: str, container: str, endpoint: Document) -> None:
        body = {"Container": container, "EndpointConfig": endpoint}
        self._send("POST", f"/networks/{quote(network, safe='')}/connect", json=body)

    def disconnect(self, network: str, container: str) -> None:
        body = {"Container": container, "Force": True}
        self._unless_gone("POST", f"/networks/{quote(network, safe='')}/disconnect", json=body)

    def close(self) -> None:
        self._http.close()

    @cached_property
    def _version(self) -> str:
        """The newest API version that both sides know, from the header of `/_ping`."""
        answer = self._call("GET", "/_ping")
        told = answer.headers.get("API-Version", "")
        major, _, minor = told.partition(".")
        if not answer.is_success or not (major.isdigit() and minor.isdigit()):
            raise not_docker(self.engine, f"HTTP {answer.status_code} without an API version")
        known = (int(major), int(minor))
        if known < _OLDEST:
            raise TerminalError(
                f"{self.engine} speaks version {told} of the API; at least 1.41 is needed (Docker 20.10)",
                reason="EngineTooOld",
            )
        return "v{}.{}".format(*min(known, _NEWEST))

    def _list(self, path: str, params: Mapping[str, str] | None = None) -> list[Document]:
        found = parsed_answer(self._send("GET", path, params=params), self.engine)
        if not isinstance(found, list):
            raise not_docker(self.engine, "JSON of another kind")
        return found

    def _usage(self, kind: str, name: str) -> list[Document]:
        """Engines before API 1.42 tell all kinds at once."""
        found = parsed_answer(self._send("GET", "/system/df", params={"type": kind}), self.engine)
        return (found.get(name) if isinstance(found, dict) else None) or []

    def _one(self, path: str) -> Document | None:
        try:
            found = parsed_answer(self._send("GET", path), self.engine)
        except TerminalError as error:
            if error.reason == NOT_FOUND:
                return None
            raise
        return found if isinstance(found, dict) else None

    def _unless_gone(self, method: str, path: str, **request: Any) -> None:
        try:
            self._send(method, path, **request)
        except TerminalError as error:
            if error.reason != NOT_FOUND:
                raise

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        if "json" in request:
            request["content"] = orjson.dumps(request.pop("json"))
            request["headers"] = {"Content-Type": "application/json"}
        answer = self._call(method, f"/{self._version}{path}", **request)
        if not (answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED):
            raise error_of(answer, self.engine)
        return answer

    def _call(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._once(method, path, **request)
        except httpx.RemoteProtocolError:
            if method != "GET":
                raise self._lost() from None
        return self._again(method, path, **request)

    def _again(self, method: str, path: str, **request: Any) -> httpx.Response:
        """An old connection may have been closed by the engine since; a read is tried on a new one."""
        try:
            return self._once(method, path, **request)
        except httpx.RemoteProtocolError:
            raise self._lost() from None

    def _once(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except httpx.RemoteProtocolError:
            raise
        except httpx.TransportError as error:
            raise unreachable(self.engine, error, self._channel.hint()) from error
        except AnswerTooLargeError as error:
            raise not_docker(self.engine, f"{method} {path} with {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"{self.engine}: {type(error).__name__}; check docker.connection"
            raise TerminalError(message) from error

    def _lost(self) -> ProviderError:
        return unreachable(self.engine, httpx.ReadError("closed"), self._channel.hint())
