"""Somebody who asks a real Caddy for a Host of a test."""

import base64

import httpx

from tests.components.caddy import RealCaddy


class Ask:
    """Asks a real Caddy for app.example.com."""

    def __init__(self, caddy: RealCaddy) -> None:
        self._base = f"http://127.0.0.1:{caddy.http_port}"

    def __call__(self, path: str = "/", method: str = "GET", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with httpx.Client(trust_env=False) as visitor:
            return visitor.request(
                method, f"{self._base}{path}", headers={"Host": "app.example.com", **named}
            )


def basic(name: str, password: str) -> str:
    """What `Authorization` holds for a name and a password."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
