"""What services were like by their config hash: so that people read old → new in the same words.

Compose's model of a service that we rendered once is told better than what its containers look like. Values
are kept as keyed digests alone: enough to tell that one changed.
"""

import hashlib
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from argos_gitops.providers.docker.keeping import keep_json, kept_json
from argos_gitops.providers.docker.services import Facts

_MOST = 4000
"""So many services are remembered; the newest stay."""

_KEY_BYTES = 32
_SECRET = "(secret "  # noqa: S105 # how a rendered model shows that a secret stands there


@dataclass(frozen=True, slots=True)
class Page:
    """One service as it was rendered.

    `env` has a keyed digest for each variable's value, empty where a secret stands in it; `rest` one of
    everything but the environment, and `options` one for each option of the service.
    """

    facts: Facts
    env: Mapping[str, str]
    rest: str
    options: Mapping[str, str] = field(default_factory=dict)


def name_of(project: str, service: str, config_hash: str) -> str:
    """Of a page: services of one hash may still be in networks of other names."""
    return f"{project}/{service} {config_hash}"


class Book:
    """Of one host. `kept_in` may be lost; without its key in `state_dir`, nothing in it can be compared.

    With None it is kept in memory alone: a preview neither finds there what runs by its hash, which would
    tell that a guess of a secret is right, nor leaves anything behind.
    """

    def __init__(self, kept_in: Path | None, state_dir: Path) -> None:
        self._path = kept_in
        self._key_path = state_dir / "environment.key"
        self._key = b""
        self._pages: dict[str, Any] | None = None

    def page(self, facts: Facts, service: Mapping[str, Any]) -> Page:
        """Of a service in a rendered model."""
        environment = service.get("environment") or {}
        rest = {name: value for name, value in service.items() if name != "environment"}
        return Page(
            facts,
            {name: self._mark(str(value)) for name, value in environment.items()},
            self._digest(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS)),
            {
                name: self._digest(orjson.dumps(value, option=orjson.OPT_SORT_KEYS))
                for name, value in rest.items()
                if value not in (None, {}, [], "", False)
            },
        )

    def write(self, pages: Mapping[str, Page]) -> None:
        """By name."""
        known = self._known()
        new = {name: asdict(page) for name, page in pages.items() if name not in known}
        if new:
            self._pages = dict([*known.items(), *new.items()][-_MOST:])
            if self._path is not None:
                keep_json(self._path, self._pages)

    def read(self, name: str) -> Page | None:
        written = self._known().get(name)
        return None if written is None else Page(**written)

    def _known(self) -> dict[str, Any]:
        if self._pages is None:
            kept = kept_json(self._path) if self._path is not None else None
            self._pages = kept if isinstance(kept, dict) else {}
        return self._pages

    def _mark(self, value: str) -> str:
        return "" if _SECRET in value else self._digest(value.encode())

    def _digest(self, value: bytes) -> str:
        self._key = self._key or _key_in(self._key_path)
        return hashlib.blake2b(value, key=self._key, digest_size=8).hexdigest()


def _key_in(path: Path) -> bytes:
    """Made once, readable by nobody else; where it cannot be kept it lasts as long as the process."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(opened, "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
        found = path.read_bytes()
        if len(found) == _KEY_BYTES:
            return found
    return secrets.token_bytes(_KEY_BYTES)
