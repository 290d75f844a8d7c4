"""Bouncers between two processes: the agent reads from its targets what the front is to open."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from argos_gitops.app.discovery import provider_spec
from argos_gitops.app.verdict_feed import Feed
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.provider import ProviderSpec, Target
from argos_gitops.ports.secrets import Secrets
from argos_gitops.ports.verdict import Bouncer, BouncerConfig


def bouncers_of(
    targets: Iterable[Target], specs: Sequence[ProviderSpec], secrets: Secrets
) -> dict[str, BouncerConfig]:
    """The configuration of each target that asks us, by the target's name; raises nothing."""
    found: dict[str, BouncerConfig] = {}
    for target in targets:
        for spec in specs:
            if spec.bouncing is None or spec.target_kind != target.key.kind:
                continue
            config = spec.bouncing.config(target, secrets)
            if config is not None:
                found[target.key.name] = config
    return found


def message_of(configs: Mapping[str, BouncerConfig]) -> dict[str, Any]:
    """The configurations as JSON-able values with revealed keys: for the pipe to our own front alone."""
    return {
        name: {
            "provider": config.provider,
            "options": dict(config.options),
            "key": None if config.key is None else config.key.reveal(),
            "problem": config.problem,
            "secrets": {name: each.reveal() for name, each in config.secrets.items()},
        }
        for name, config in configs.items()
    }


def configs_of(message: Mapping[str, Any]) -> dict[str, BouncerConfig]:
    """The other way round."""
    return {
        name: BouncerConfig(
            provider=each["provider"],
            options=each["options"],
            key=None if each["key"] is None else SecretValue(each["key"]),
            problem=each["problem"],
            secrets={name: SecretValue(secret) for name, secret in each["secrets"].items()},
        )
        for name, each in message.items()
    }


class OpenBouncers:
    """The bouncers of this process, by the name of their edge. One thread configures, any may ask.

    What they decide is made known by `feed`.
    """

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._open: Mapping[str, Bouncer] = {}

    def configure(self, configs: Mapping[str, BouncerConfig]) -> None:
        """Opens what is new, tells what is there, and closes what nobody asks for any more."""
        known = self._open
        self._feed.edges(configs)
        self._open = {
            name: self._configured(name, known.get(name), config) for name, config in configs.items()
        }
        for name, bouncer in known.items():
            if name not in configs:
                bouncer.close()

    def all(self) -> Mapping[str, Bouncer]:
        return self._open

    def _configured(self, name: str, known: Bouncer | None, config: BouncerConfig) -> Bouncer:
        if known is not None:
            known.configure(config)
            return known
        bouncing = provider_spec(config.provider).bouncing
        if bouncing is None:
            raise LookupError(f"provider {config.provider} has no bouncer")
        return bouncing.open(config, self._feed.publisher(name), self._feed.usage.of_edge(name))
