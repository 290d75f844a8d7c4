"""One life of a process that the agent started, as the agent sees it: begun, talked to, heard, ended."""

import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from argos_gitops.app.channel import LONGEST_LINE, SILENCE_SECONDS, decode, encode

_SEND_SECONDS = 5.0
_LAST_SECONDS = 10.0


class Child:
    """A running process: `python -m MODULE CHANNEL DESCRIPTOR…`. Raises OSError when it cannot be started.

    Once it has said something it hangs when it says nothing for `silence` seconds; while it starts it has
    SILENCE_SECONDS, as a busy machine takes its time to load a program.
    """

    def __init__(
        self,
        module: str,
        further: Sequence[int],
        environment: Mapping[str, str],
        first: Mapping[str, Any],
        silence: float,
    ) -> None:
        self._silence = silence
        self._channel, theirs = socket.socketpair()
        _limit(self._channel, socket.SO_SNDTIMEO, _SEND_SECONDS)
        descriptors = (theirs.fileno(), *further)
        # -P: the folder that the agent runs in is full of other people's files, and none is a module.
        command = [sys.executable, "-P", "-m", module, *map(str, descriptors)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, env=dict(environment), pass_fds=descriptors
            )
        except OSError:
            self._channel.close()
            raise
        finally:
            theirs.close()
        self.tell(first)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def tell(self, message: Mapping[str, Any]) -> None:
        """Says something. One that does not listen is ended, as it will have to be told again."""
        try:
            self._channel.sendall(encode(message))
        except OSError:
            self.kill()

    def messages(self) -> Iterator[Mapping[str, Any]]:
        """What it says, until it ends, falls silent, or talks nonsense: then it is ended."""
        try:
            for line in self._lines():
                yield decode(line)
        except (OSError, ValueError):
            self.kill()

    def _lines(self) -> Iterator[bytes]:
        """Whole lines as they come; ValueError for one that is too long, OSError for silence."""
        pending = b""
        data = self._heard(SILENCE_SECONDS)
        while data:
            *lines, pending = (pending + data).split(b"\n")
            yield from lines
            if len(pending) > LONGEST_LINE:
                raise ValueError("a line without an end")
            data = self._heard(self._silence)

    def _heard(self, seconds: float) -> bytes:
        """What comes next; nothing when it has ended. OSError after so many seconds of silence."""
        _limit(self._channel, socket.SO_RCVTIMEO, seconds)
        return self._channel.recv(LONGEST_LINE)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def bury(self) -> int:
        """Its exit code, negative for a signal; with nothing left to say, it gets a moment to end."""
        self._channel.close()
        try:
            return self._process.wait(_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()


def _limit(channel: socket.socket, option: int, seconds: float) -> None:
    whole, part = divmod(round(seconds * 1_000_000), 1_000_000)
    channel.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", whole, part))
