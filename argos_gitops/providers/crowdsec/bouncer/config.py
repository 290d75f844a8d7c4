"""What a bouncer is told of its edge: what the agent reads from the Edge, for another process to open."""

from datetime import timedelta

from argos_gitops.model.errors import SettingsError
from argos_gitops.ports.provider import Bouncing, Target
from argos_gitops.ports.secrets import Secrets
from argos_gitops.ports.verdict import Bouncer, BouncerConfig, Publisher, UsageSource
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings
from argos_gitops.providers.crowdsec.tls import tls_of

_SECOND = timedelta(seconds=1)


def bouncer_config(target: Target, secrets: Secrets) -> BouncerConfig | None:
    """None for an Edge whose Caddy asks nobody, or asks LAPI by itself."""
    settings = target.section("crowdsec", CrowdSecSettings)
    if settings is None or settings.bouncer.mode != "forward-auth" or settings.bouncer.key is None:
        return None
    bouncer = settings.bouncer
    options = {
        "lapi_url": settings.lapi_url,
        "fail_mode": bouncer.fail_mode,
        "poll_interval": str(bouncer.poll_interval / _SECOND),
        "away_after": str(bouncer.away_after / _SECOND),
    }
    try:
        key = secrets.resolve(settings.bouncer.key)
    except SettingsError as error:
        problem = f"crowdsec.bouncer.key: {error}; `cscli bouncers add NAME` prints one"
        return BouncerConfig("crowdsec", options, problem=problem)
    try:
        tls = tls_of(settings, secrets)
    except SettingsError as error:
        return BouncerConfig("crowdsec", options, problem=f"crowdsec.tls: {error}")
    shown = {name: text for name, text in (("ca", tls.ca), ("cert", tls.cert)) if text}
    return BouncerConfig(
        "crowdsec", options | shown, key, secrets={} if tls.key is None else {"tls_key": tls.key}
    )


def _open(config: BouncerConfig, publisher: Publisher, answered: UsageSource) -> Bouncer:
    """Imports the HTTP library only in a process that needs it."""
    from argos_gitops.providers.crowdsec.bouncer.bouncer import LapiBouncer

    return LapiBouncer(config, publisher, answered)


BOUNCING = Bouncing(bouncer_config, _open)
