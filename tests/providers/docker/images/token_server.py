"""A token server for a real registry, as its docs/spec/auth describe: who says the password gets a token."""

import json
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.providers.docker.images.loopback import Given, serving

_SERVICE, _ISSUER = "registry.example.com", "the-issuer"


class TokenServer:
    """Keeps the queries that it was asked; `registry_settings` make a registry believe its tokens."""

    def __init__(self, folder: Path, username: str, password: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._certificate = _self_signed(self._key)
        (folder / "root.pem").write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        self._folder = folder
        self._expected = "Basic " + b64encode(f"{username}:{password}".encode()).decode()
        self._serving = ExitStack()
        self.asked: list[Mapping[str, list[str]]] = []
        self.address = ""

    @property
    def registry_settings(self) -> dict[str, Any]:
        realm = f"http://{self.address}/token"
        bundle = str(self._folder / "root.pem")
        token = {"realm": realm, "service": _SERVICE, "issuer": _ISSUER, "rootcertbundle": bundle}
        return {"auth": {"token": token}}

    def answer(self, path: str, authorization: str | None) -> Given:
        query = parse_qs(urlsplit(path).query)
        self.asked.append(query)
        if authorization != self._expected:
            return 401, {}, b'{"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]}'
        name, _, actions = query["scope"][0].removeprefix("repository:").rpartition(":")
        return 200, {}, json.dumps({"token": self.token(name, *actions.split(","))}).encode()

    def token(self, name: str, *actions: str) -> str:
        """A JSON web token that lets its bearer do this to a repository."""
        now = int(time.time())
        der = b64encode(self._certificate.public_bytes(serialization.Encoding.DER)).decode()
        access = [{"type": "repository", "name": name, "actions": actions}]
        claims = {"iss": _ISSUER, "aud": _SERVICE, "exp": now + 300, "nbf": now - 60, "access": access}
        signed = f"{_encoded({'typ': 'JWT', 'alg': 'RS256', 'x5c': [der]})}.{_encoded(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"

    def __enter__(self) -> Self:
        self.address = self._serving.enter_context(serving(self.answer))
        return self

    def __exit__(self, *error: object) -> None:
        self._serving.close()


def _encoded(content: Mapping[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def _self_signed(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens of the tests")])
    begin = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begin).not_valid_after(begin + timedelta(days=9))
    return builder.sign(key, hashes.SHA256())
