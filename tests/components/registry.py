"""A real image registry on loopback, which engines trust without TLS as it is on 127.0.0.0/8.

Facts: docker-registry 2.8 of Debian 12 (the registry's HTTP API v2).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.components.lookup import find_program
from tests.components.ports import free_port
from tests.components.process import RealProcess

HOW_TO_GET = "scripts/components registry"


class RealRegistry(RealProcess):
    """An empty registry, whose images are called `<address>/<name>:<tag>`; `more` is configuration."""

    def __init__(self, folder: Path, *, more: Mapping[str, Any] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        config = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(folder / "images")}, "delete": {"enabled": True}},
            "http": {"addr": self.address, "secret": "of-the-tests"},
            **(more or {}),
        }
        path = folder / "config.yml"
        path.write_text(json.dumps(config))  # which is YAML
        command = [str(find_program("docker-registry", HOW_TO_GET)), "serve", str(path)]
        super().__init__(command, folder / "registry.log", self._answers, {"OTEL_TRACES_EXPORTER": "none"})

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/v2/").status_code in {200, 401}
        except httpx.TransportError:
            return False
