"""What the agent and its front say to each other: lines of JSON over a socket that both were born with.

Agent to front: first `{"settings": …}`, then `{"configuration": …}` whenever there is news.
Front to agent: `{"look": WHY}`, and `{"beat": 1}` every few seconds, so that a front that hangs is noticed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from argos_gitops.app.settings import Settings
from argos_gitops.model.secret import SecretValue

BEAT_SECONDS = 10.0
SILENCE_SECONDS = 60
LONGEST_LINE = 64 * 1024
"""Of what the front says, bytes: strangers talk to it, so it is not trusted with our memory."""

_SECRETS = ("webhook_secret", "api_token", "agent_token")


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """What the front needs of the settings. Secrets travel over the socket: never argv, never a file."""

    instance: str
    repo: str
    branch: str | None
    store: str
    log_format: str
    webhook_secret: SecretValue | None
    api_token: SecretValue | None
    agent_token: SecretValue | None
    agent: int
    """The process id of the agent."""
    beat_seconds: float
    """How often the agent wants to hear something."""

    @classmethod
    def of(cls, settings: Settings, agent: int) -> "FrontSettings":
        return cls(
            instance=settings.instance,
            repo=settings.repo,
            branch=settings.branch,
            store=settings.store,
            log_format=settings.log_format,
            webhook_secret=settings.webhook_secret,
            api_token=settings.api_token,
            agent_token=settings.agent_token,
            agent=agent,
            beat_seconds=BEAT_SECONDS,
        )

    @classmethod
    def parse(cls, message: Mapping[str, Any]) -> "FrontSettings":
        secrets = {name: SecretValue(message[name]) if message[name] else None for name in _SECRETS}
        return cls(**{**message, **secrets})

    def message(self) -> dict[str, Any]:
        """With the secrets in clear: for the socket, and nothing else."""
        secrets = {name: getattr(self, name) for name in _SECRETS}
        return asdict(self) | {name: each.reveal() if each else None for name, each in secrets.items()}


def encode(message: Mapping[str, Any]) -> bytes:
    return orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE)


def decode(line: bytes) -> Mapping[str, Any]:
    """The message of one line; ValueError when it is none."""
    message = orjson.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message
