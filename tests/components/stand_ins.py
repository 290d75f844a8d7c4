"""Images for tests, made of nothing but BusyBox, as none can be pulled.

| stand-in | what its containers do |
|---|---|
| `web` | serve `/www` on port `$PORT` (80); healthy until `/tmp/sick` exists in it, never with `$SICK` set |
| `crash` | log two lines, the second on stderr, and exit with code 1 |
| `sleep` | sleep for a day |

All have a shell and BusyBox's programs, so that a `command` of the test's own can be given. All end at
once when they are stopped: a shell that is a container's first process ignores SIGTERM, and Docker
would wait for 10 s.

They are written as `docker save` would (one layer for all of them), since to build them takes an
engine seconds. Facts: the image specification v1.2 in moby/moby.
"""

import hashlib
import io
import json
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SECOND = 1_000_000_000
_HEALTHY = 'test ! -e /tmp/sick && test -z "$SICK" && wget -q -O /dev/null "http://127.0.0.1:${PORT:-80}/"'
_CRASH = 'echo starting; echo "fatal: no database at ${DATABASE:-db:5432}" >&2; exit 1'
_FILES = {
    "www/index.html": "stand-in\n",
    "etc/passwd": "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n",
    "etc/group": "root:x:0:\nnobody:x:65534:\n",
}
_EVERYWHERE: Mapping[str, Any] = {"Env": ["PATH=/bin"], "StopSignal": "SIGKILL"}
_STAND_INS: Mapping[str, Mapping[str, Any]] = {
    "web": {
        "Cmd": ["sh", "-c", 'exec httpd -f -p "${PORT:-80}" -h /www'],
        "ExposedPorts": {"80/tcp": {}},
        "Healthcheck": {
            "Test": ["CMD-SHELL", _HEALTHY],
            "Interval": _SECOND,
            "Timeout": 30 * _SECOND,
            "Retries": 2,
        },
    },
    "crash": {"Cmd": ["sh", "-c", _CRASH]},
    "sleep": {"Cmd": ["sh", "-c", "exec sleep 86400"]},
}


def write_stand_ins(
    archive: Path, busybox: Path, images: Mapping[str, tuple[str, Mapping[str, Any]]]
) -> None:
    """Writes what `docker load` reads: images by name, each with its stand-in and what its
    configuration has besides (`{"Labels": {…}, "User": "nobody"}`)."""
    layer = _layer(busybox)
    manifest = []
    with tarfile.open(archive, "w") as tar:
        _add(tar, "layer.tar", layer)
        for name, (stand_in, more) in images.items():
            config = json.dumps(_image({**_EVERYWHERE, **_STAND_INS[stand_in], **more}, layer)).encode()
            digest = hashlib.sha256(config).hexdigest()
            _add(tar, f"{digest}.json", config)
            manifest.append({"Config": f"{digest}.json", "RepoTags": [name], "Layers": ["layer.tar"]})
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _image(config: Mapping[str, Any], layer: bytes) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created_by": "a stand-in of the tests"}],
    }


def _layer(busybox: Path) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for folder, mode in (("bin", 0o755), ("etc", 0o755), ("www", 0o755), ("tmp", 0o1777)):
            tar.addfile(_entry(folder, tarfile.DIRTYPE, mode))
        _add(tar, "bin/busybox", busybox.read_bytes(), 0o755)
        for path, text in _FILES.items():
            _add(tar, path, text.encode())
        programs = subprocess.run([str(busybox), "--list"], check=True, capture_output=True, text=True).stdout
        for program in sorted({*programs.split()} - {"busybox"}):
            link = _entry(f"bin/{program}", tarfile.SYMTYPE, 0o777)
            link.linkname = "busybox"
            tar.addfile(link)
    return content.getvalue()


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int = 0o644) -> None:
    entry = _entry(path, tarfile.REGTYPE, mode)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _entry(path: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type, entry.mode = kind, mode
    return entry
