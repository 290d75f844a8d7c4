"""A GeoIP database by URL: fetched whole or not at all, kept in the cache folder, renewed each week."""

import gzip
import os
import threading
import time
import zlib
from collections.abc import Iterator
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path

import httpx

from argos_gitops import __version__
from argos_gitops.outbound import AnswerTooLargeError, BoundedClient, Bounds

MOST_BYTES = 256 * 1024 * 1024
_RENEWED_AFTER = timedelta(days=7)
_ASKED_AGAIN_AFTER = timedelta(hours=1)
_BOUNDS = Bounds(MOST_BYTES)
_TIMEOUT = httpx.Timeout(30, connect=10)
_GZIP = b"\x1f\x8b"
_MARKER = b"\xab\xcd\xefMaxMind.com"


class Download:
    """One URL and the file that it becomes. `problem` says why the last attempt failed; empty if it did not.

    Plain and gzipped databases are told apart by their content.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._folder = folder
        self.path = folder / f"country-{blake2b(url.encode(), digest_size=8).hexdigest()}.mmdb"
        self.problem = ""
        self._failed: float | None = None

    def refresh(self) -> None:
        """Downloads when there is no file, or an old one; a failed attempt is not repeated for an hour."""
        now = time.time()
        if self._age(now) < _RENEWED_AFTER.total_seconds():
            self.problem = ""
        elif self._failed is None or now - self._failed >= _ASKED_AGAIN_AFTER.total_seconds():
            self.problem = self._attempt()
            self._failed = now if self.problem else None

    def _age(self, now: float) -> float:
        try:
            return now - self.path.stat().st_mtime
        except OSError:
            return float("inf")

    def _attempt(self) -> str:
        staged = self.path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._fetch(staged)
            staged.replace(self.path)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, zlib.error, EOFError, ValueError) as error:
            return f"the GeoIP database could not be had from {_shown(self._url)}: {_told(error)}"
        finally:
            staged.unlink(missing_ok=True)
        return ""

    def _fetch(self, staged: Path) -> None:
        packed = staged.with_suffix(".packed")
        try:
            with packed.open("wb") as file:
                file.writelines(self._body())
            _unpack(packed, staged)
        finally:
            packed.unlink(missing_ok=True)

    def _body(self) -> Iterator[bytes]:
        agent = {"User-Agent": f"argos-gitops/{__version__}"}
        with (
            BoundedClient(_BOUNDS, headers=agent, follow_redirects=True, timeout=_TIMEOUT) as client,
            client.stream("GET", self._url) as answer,
        ):
            answer.raise_for_status()
            yield from answer.iter_bytes()


def _limited(parts: Iterator[bytes]) -> Iterator[bytes]:
    total = 0
    for part in parts:
        total += len(part)
        if total > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 1024**2} MiB")
        yield part


def _unpack(packed: Path, staged: Path) -> None:
    with packed.open("rb") as file:
        zipped = file.read(2) == _GZIP
    with gzip.open(packed) if zipped else packed.open("rb") as source, staged.open("wb") as target:
        target.writelines(_limited(iter(lambda: source.read(1 << 20), b"")))
    with staged.open("rb") as file:
        file.seek(max(0, staged.stat().st_size - 128 * 1024))
        if _MARKER not in file.read():
            raise ValueError("what came is no database in MaxMind's format")


def _shown(url: str) -> str:
    """Without query and password: licence keys stand there."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return "the configured URL"
    return str(parsed.copy_with(query=None, fragment=None, username=None, password=None))


def _told(error: Exception) -> str:
    """httpx quotes the whole URL in some messages, so those are told in our own words."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"HTTP {error.response.status_code}"
    if isinstance(error, AnswerTooLargeError):
        return f"it has {error}"
    if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
        return type(error).__name__
    return str(error)
