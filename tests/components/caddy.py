"""A real Caddy with folders and ports of its own."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.components.lookup import find_program
from tests.components.ports import free_port
from tests.components.process import RealProcess

HOW_TO_GET = "scripts/components caddy"
_HANDSHAKES = 100


class RealCaddy(RealProcess):
    """Caddy that knows its admin address only, unless `config` says more.

    `http_port` and `https_port` are free ports for what a test makes it listen on. `config` is the
    configuration it boots with; its `admin` part is always our own. With `resume` it boots with what
    was last loaded (`caddy run --resume`), and with `config` only the first time. `env` is what it
    resolves `{env.*}` placeholders from.
    """

    def __init__(
        self,
        folder: Path,
        *,
        config: Mapping[str, Any] | None = None,
        resume: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        program = find_program("caddy", HOW_TO_GET)
        self.folder = folder
        self.admin_port, self.http_port, self.https_port = free_port(), free_port(), free_port()
        self.admin_address = f"127.0.0.1:{self.admin_port}"
        self.admin_url = f"http://{self.admin_address}"
        self.autosave = folder / "config" / "caddy" / "autosave.json"
        self._boot_config = folder / "boot.json"
        self._write_boot_config(config or {})
        command = [str(program), "run", "--config", str(self._boot_config), *(["--resume"] if resume else [])]
        super().__init__(command, folder / "caddy.log", self._answers, {**self._homes(), **(env or {})})

    def config(self, path: str = "") -> Any:
        """What `GET /config/<path>` tells: the configuration that Caddy last accepted."""
        return httpx.get(f"{self.admin_url}/config/{path}").raise_for_status().json()

    def places_of(self, mark: str, handler: str) -> list[str]:
        """The paths below `/id/` of all handlers of a kind in a route, however deep they stand there."""
        route = httpx.get(f"{self.admin_url}/id/{mark}").raise_for_status().json()
        return [f"{mark}/{place}" for place in _places(route, handler)]

    def place_of(self, mark: str, handler: str) -> str:
        """The last of them."""
        return self.places_of(mark, handler)[-1]

    def load(self, config: Mapping[str, Any]) -> None:
        """Loads a whole configuration, as somebody else would do; its `admin` part is kept our own."""
        whole = {**config, "admin": {"listen": self.admin_address}}
        httpx.post(f"{self.admin_url}/load", json=whole, timeout=60).raise_for_status()

    def get(self, domain: str, path: str = "/", *, tls: bool = False) -> httpx.Response:
        """Asks this Caddy for `domain` as a visitor would; redirects are not followed.

        With `tls` it asks again for a while where the handshake fails: Caddy answers a load before its
        own CA has made the certificates.
        """
        port = self.https_port if tls else self.http_port
        request = httpx.Request(
            "GET",
            f"{'https' if tls else 'http'}://127.0.0.1:{port}{path}",
            headers={"Host": domain},
            extensions={"sni_hostname": domain} if tls else {},
        )
        with httpx.Client(verify=False) as visitor:  # noqa: S501 # its certificates are its own CA's
            for _ in range(_HANDSHAKES if tls else 0):
                try:
                    return visitor.send(request)
                except httpx.ConnectError:
                    time.sleep(0.05)
            return visitor.send(request)

    def _write_boot_config(self, config: Mapping[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._boot_config.write_text(json.dumps({**config, "admin": {"listen": self.admin_address}}))

    def _homes(self) -> dict[str, str]:
        """Its own folders. There is no PATH in it: Caddy's internal CA would otherwise find the programs
        that make the whole system trust it."""
        return {
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_DATA_HOME": str(self.folder / "data"),
        }

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.admin_url}/config/").is_success
        except httpx.TransportError:
            return False


def _places(value: Any, handler: str) -> Iterator[str]:
    """Paths of the handlers of a kind, from first to last."""
    if isinstance(value, dict) and value.get("handler") == handler:
        yield ""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in parts:
        yield from (f"{name}/{rest}".rstrip("/") for rest in _places(each, handler))
