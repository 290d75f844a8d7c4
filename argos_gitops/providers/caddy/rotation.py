"""Files of secrets that Caddy reads when it loads its configuration, and not again until the next load.

DNS credentials and the bouncer's key are of this sort. Where we can read such a file ourselves, which is
where Caddy runs beside us, we notice that its content is another one than at the last load, and load the
same configuration again. Headers need none of this: Caddy reads their files with each request.

What was loaded is kept in the cache folder as keyed digests; if that is lost, what is there now counts.
"""

import hashlib
import os
import secrets
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import orjson

_Stamp = tuple[int, int, int]


class LoadedFiles:
    """The files that the Caddy of one Edge has read. Unreadable ones are none of our business."""

    def __init__(self, folder: Path, edge: str) -> None:
        self._file = folder / f"{edge}-loaded-files.json"
        self._salt, self._loaded = _kept(self._file)
        self._seen: dict[str, tuple[_Stamp, str]] = {}

    def rotated(self) -> list[str]:
        """Those among the known ones whose content is another one now; costs a stat each."""
        found = ((path, self._digest(path)) for path in self._loaded)
        return sorted(path for path, now in found if now is not None and now != self._loaded[path])

    def fingerprint(self) -> str:
        """Empty while Caddy has what is there."""
        return " ".join(f"{path} {self._digest(path)}" for path in self.rotated())

    def know(self, paths: Iterable[str]) -> None:
        """These are the files in use; new ones count as loaded with what they hold now."""
        now = {path: self._loaded.get(path) or self._digest(path) for path in paths}
        self._keep({path: digest for path, digest in now.items() if digest is not None})

    def loaded(self) -> None:
        """Caddy has just loaded."""
        self._keep({path: self._digest(path) or digest for path, digest in self._loaded.items()})

    def _digest(self, path: str) -> str | None:
        try:
            status = os.stat(path)  # noqa: PTH116 - asked in each pass
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._seen.get(path)
            if known is None or known[0] != stamp:
                content = Path(path).read_bytes()
                known = (stamp, hashlib.blake2b(content, key=self._salt, digest_size=16).hexdigest())
                self._seen[path] = known
        except OSError:
            return None
        return known[1]

    def _keep(self, files: dict[str, str]) -> None:
        if files == self._loaded:
            return
        self._loaded = files
        draft = self._file.with_suffix(f".{os.getpid()}.tmp")
        with suppress(OSError):  # a cache that cannot be written is no reason to fail
            self._file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(orjson.dumps([self._salt.hex(), files]))
            draft.replace(self._file)


class UnreadFiles(LoadedFiles):
    """For the plan of an unmerged revision: no file that it names is read, and nothing is kept of it."""

    def __init__(self) -> None:
        super().__init__(Path(os.devnull), "")

    def _digest(self, path: str) -> None:
        return None

    def _keep(self, files: dict[str, str]) -> None:
        """Nothing was loaded."""


def _kept(file: Path) -> tuple[bytes, dict[str, str]]:
    try:
        salt, files = orjson.loads(file.read_bytes())
        return bytes.fromhex(salt), dict(files)
    except (OSError, ValueError, TypeError):
        return secrets.token_bytes(32), {}
