"""Images for a real registry, pushed over its own API: a config, no layers, and a manifest or an index."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


class Pusher:
    """Pushes to `address/name`; `headers` are for a registry that wants to know who asks."""

    def __init__(self, address: str, headers: Mapping[str, str] | None = None) -> None:
        self._url = f"http://{address}/v2"
        self._http = httpx.Client(headers=dict(headers or {}), trust_env=False)

    def __enter__(self) -> "Pusher":
        return self

    def __exit__(self, *error: object) -> None:
        self._http.close()

    def image(self, name: str, *tags: str, created: str = "2024-05-01T00:00:00Z", what: str = "") -> str:
        """An image with this content under each tag; its digest."""
        config = {"created": created, "architecture": "amd64", "os": "linux", "what": what or tags[0]}
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(name, CONFIG, json.dumps(config).encode()),
            "layers": [],
        }
        return self._manifests(name, tags, MANIFEST, manifest)

    def index(self, name: str, *tags: str, of: Sequence[tuple[str, str]]) -> str:
        """An index of images by architecture and digest under each tag; its digest."""
        manifests = [self._entry(name, architecture, digest) for architecture, digest in of]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        return self._manifests(name, tags, INDEX, index)

    def _entry(self, name: str, architecture: str, digest: str) -> dict[str, Any]:
        url, platform = (
            f"{self._url}/{name}/manifests/{digest}",
            {"os": "linux", "architecture": architecture},
        )
        size = len(self._http.get(url, headers={"Accept": MANIFEST}).content)
        return {"mediaType": MANIFEST, "digest": digest, "size": size, "platform": platform}

    def _manifests(self, name: str, tags: Sequence[str], kind: str, content: Mapping[str, Any]) -> str:
        data = json.dumps(content).encode()
        for tag in tags:
            url = f"{self._url}/{name}/manifests/{tag}"
            answer = self._http.put(url, content=data, headers={"Content-Type": kind})
            answer.raise_for_status()
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def _blob(self, name: str, kind: str, content: bytes) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = self._http.post(f"{self._url}/{name}/blobs/uploads/")
        begun.raise_for_status()
        place = httpx.URL(begun.headers["Location"]).copy_merge_params({"digest": digest})
        headers = {"Content-Type": "application/octet-stream"}
        self._http.put(place, content=content, headers=headers).raise_for_status()
        return {"mediaType": kind, "digest": digest, "size": len(content)}
