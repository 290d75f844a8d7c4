"""What passes between processes: lines of JSON over a socket that two were born with. Imports little."""

import json
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

BEAT_SECONDS = 10.0
SILENCE_SECONDS = 60.0
"""After so long without a word a process hangs, and is replaced. One that starts has so long in any case."""
VERDICT_BEAT_SECONDS = 1.0
VERDICT_SILENCE_SECONDS = 3.0
"""Of a process that answers verdicts: less than an Edge's usual `timeout` (5 s), so that what waits for a
hung one is asked again of another before it counts as unanswered; and three beats, which a process that only
has to wait for a busy processor does not miss."""
LONGEST_LINE = 64 * 1024
"""Of what a process says, bytes: strangers talk to it, so it is not trusted with the agent's memory."""
CONNECTION = b"C"
"""Begins a packet from a verdict process to the front. The bytes that came on a connection follow, and its
descriptor goes along."""
NUMBERS = b"N"
"""Begins another one, and one from the front to the process of the bouncers. What `web.counts.encode_counts`
writes follows: how many answers there were since the last."""
_CHUNK = 64 * 1024


def encode(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def decode(line: bytes) -> Mapping[str, Any]:
    """The message of one line; ValueError when it is none."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message


class Channel:
    """The end of a process that the agent started. For one thread."""

    def __init__(self, channel: socket.socket) -> None:
        self._socket = channel
        self._pending = b""
        self._messages: deque[Mapping[str, Any]] = deque()
        self.gone = False
        """The agent is, or has closed the channel: there is nobody left to work for."""

    def first(self) -> Mapping[str, Any] | None:
        """Waits for the first message; None when the agent is gone before it."""
        while not self._messages and not self.gone:
            self.receive()
        return self._messages.popleft() if self._messages else None

    def receive(self) -> None:
        """Takes in what has come; waits for something where the socket does."""
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.gone = not data
        *lines, self._pending = (self._pending + data).split(b"\n")
        self._messages += map(decode, lines)

    def messages(self) -> Iterator[Mapping[str, Any]]:
        """What was taken in and not asked for yet."""
        while self._messages:
            yield self._messages.popleft()

    def beat(self, **told: Any) -> None:
        """Says that this process lives. Does not wait: an agent that is busy hears the next one."""
        try:
            self._socket.send(encode({"beat": 1, **told}), socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            self.gone = True
