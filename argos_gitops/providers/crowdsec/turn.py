"""One writer at a time to one LAPI for one Edge, and what a writer that was killed leaves behind.

Three small files in the cache folder; losing them costs nothing but these protections:

`<edge>.lock`   locked while somebody writes; holds a token that each write changes, so that a writer whose
                look is older than another's write finds out (StalePlanError).
`lapi.lock`     locked while an alert is under way: two Edges that share one LAPI take turns, alert by alert.
`<edge>.sent`   exists while an alert is under way; holds the time until which LAPI, which finishes requests
                whose sender is gone, may still be storing it. A look waits for that.
"""

import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from argos_gitops.model.errors import StalePlanError, TerminalError, TransientError

_LEAST_SECONDS = 2.0
_HEADROOM = 4.0


class Turn:
    """Whose turn it is to write to `lapi_url` for `edge`."""

    def __init__(
        self, folder: Path, edge: str, lapi_url: str, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._pause = pause
        self._edge = edge
        self._folder = folder
        lapi = blake2b(lapi_url.encode(), digest_size=6).hexdigest()
        self._lapi = folder / f"lapi-{lapi}.lock"
        self._lock = folder / f"{edge}-{lapi}.lock"
        self._sent = folder / f"{edge}-{lapi}.sent"
        self._slowest = 0.0

    def last(self) -> str:
        """The token of the last writer; empty when nobody has written yet."""
        try:
            return self._lock.read_text("ascii")
        except OSError:
            return ""

    def settle(self) -> None:
        """Waits while LAPI may still be storing what a killed writer sent: two seconds, seldom more."""
        try:
            left = float(self._sent.read_text("ascii")) - time.time()
        except (OSError, ValueError):
            return
        if left > 0 and not self._taken():
            self._pause(left)

    @contextmanager
    def hold(self, seen: str) -> Iterator[None]:
        """Holds the turn of a writer whose look saw the token `seen`.

        TransientError (reason Locked) when another process writes now; StalePlanError when one has
        written since that look. The lock dies with its process.
        """
        descriptor = self._open(self._lock)
        try:
            if not _locked(descriptor):
                raise TransientError(
                    f"another process writes bans for Edge/{self._edge} now; wait until it has finished",
                    reason="Locked",
                )
            if self.last() != seen:
                raise StalePlanError(
                    f"the bans of Edge/{self._edge} were written by another process meanwhile"
                )
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, secrets.token_hex(8).encode(), 0)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def sending(self) -> Iterator[None]:
        """Around each alert that is sent. After an error nobody knows, so the file then stays."""
        descriptor = self._open(self._lapi)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            begun = time.monotonic()
            room = max(_LEAST_SECONDS, _HEADROOM * self._slowest)
            with suppress(OSError):
                self._sent.write_text(str(time.time() + room), "ascii")
            yield
            with suppress(OSError):
                self._sent.unlink()
            self._slowest = max(self._slowest, time.monotonic() - begun)
        finally:
            os.close(descriptor)

    def _open(self, path: Path) -> int:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TerminalError(
                f"the lock file {path} cannot be opened: {error.strerror}; check ARGOS_CACHE_DIR",
                reason="CacheFolderUnusable",
            ) from error

    def _taken(self) -> bool:
        """Whether a writer is alive; then the file says nothing about a dead one."""
        try:
            descriptor = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            return not _locked(descriptor)
        finally:
            os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
