"""One process of Compose: with an environment of its own, ended in time with all that it started."""

import os
import resource
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from argos_gitops.model.errors import TransientError

_MOST_MEMORY = 1024**3
"""Bytes of data. Compose takes some 60 MiB."""
_LONGEST_OUTPUT = 64 * 1024**2

Heard = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended."""

    code: int
    output: bytes
    errors: str


@dataclass(frozen=True, slots=True)
class Invocation:
    """A command: `given` is what it reads, `environment` all that it sees, `timeout` in seconds."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: str
    timeout: float
    given: bytes = b""


def run(invocation: Invocation, heard: Heard | None = None) -> Finished:
    """Runs it to its end; `heard` gets each line that it says on stderr, as it comes.

    Raises TransientError (reason ComposeTimeout) when it takes too long. However this ends, the process and
    all that it started have ended too.
    """
    process = subprocess.Popen(
        invocation.arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(invocation.environment),
        cwd=invocation.folder,
        start_new_session=True,
    )
    _limit(process.pid)
    conversation = _Conversation(process, invocation.given, heard)
    try:
        if not conversation.ended_within(invocation.timeout):
            raise TransientError(
                f"docker compose did not end within {invocation.timeout:g} s", reason="ComposeTimeout"
            )
        return Finished(process.returncode, conversation.output, conversation.errors)
    finally:
        _kill(process)
        conversation.close()


class _Conversation:
    """Writes and reads side by side, so that neither side can wait for the other."""

    def __init__(self, process: "subprocess.Popen[bytes]", given: bytes, heard: Heard | None) -> None:
        self.output = b""
        self._process = process
        self._given = given
        self._heard = heard
        self._lines: list[str] = []
        self._threads = [
            threading.Thread(target=self._write, args=(process.stdin,), daemon=True),
            threading.Thread(target=self._read, args=(process.stdout,), daemon=True),
            threading.Thread(target=self._listen, args=(process.stderr,), daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def errors(self) -> str:
        return "\n".join(self._lines)

    def ended_within(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        for thread in self._threads:
            thread.join(seconds)
        return True

    def close(self) -> None:
        for thread in self._threads:
            thread.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _write(self, stream: IO[bytes]) -> None:
        try:
            with stream:
                stream.write(self._given)
        except BrokenPipeError:
            return

    def _read(self, stream: IO[bytes]) -> None:
        self.output = stream.read(_LONGEST_OUTPUT)

    def _listen(self, stream: IO[bytes]) -> None:
        for line in stream:
            text = line.decode("utf-8", "replace").rstrip()
            self._lines.append(text)
            if self._heard is not None:
                self._heard(text)


def _limit(pid: int) -> None:
    """A file that means gigabytes must not take the machine's memory, and no core dump may hold a secret."""
    try:
        resource.prlimit(pid, resource.RLIMIT_CORE, (0, 0))
        resource.prlimit(pid, resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    except (ProcessLookupError, AttributeError, PermissionError):
        return


def _kill(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
