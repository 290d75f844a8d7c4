"""What the agent and its processes say to each other.

Agent to front: first `{"settings": …, "configuration": …}`, then `{"configuration": …}` whenever there is
news, and `{"measured": TEXT}` when it was asked for its metrics. Front to agent: `{"look": WHY}` and
`{"measure": 1}`. All processes say `{"beat": 1}` every few seconds, so that one that hangs is noticed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from argos_gitops.app.channel import BEAT_SECONDS
from argos_gitops.app.settings import Settings
from argos_gitops.model.secret import SecretValue

_SECRETS = ("webhook_secret", "api_token", "agent_token")


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """What the front needs of the settings. Secrets travel over the socket: never argv, never a file."""

    instance: str
    repo: str
    branch: str | None
    store: str
    state_dir: str
    log_format: str
    webhook_secret: SecretValue | None
    api_token: SecretValue | None
    agent_token: SecretValue | None
    trusted_proxies: tuple[str, ...]
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
            state_dir=str(settings.state_dir),
            log_format=settings.log_format,
            webhook_secret=settings.webhook_secret,
            api_token=settings.api_token,
            agent_token=settings.agent_token,
            trusted_proxies=settings.trusted_proxies,
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
