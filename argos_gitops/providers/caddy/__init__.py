"""Provider caddy: what one Caddy serves; see README.md in this folder.

Belongs here: the `caddy:` section of an Edge, the kinds Service and Host, and whatever speaks to
Caddy's admin API. Does not: CrowdSec's own API (its section is read by name only), planning, storing.
"""

from argos_gitops.ports.provider import Provider, ProviderContext, ProviderSpec, Target
from argos_gitops.providers.caddy.checks import CHECKS
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.services import ServiceSpec
from argos_gitops.providers.caddy.settings import CaddySettings


def _factory(target: Target, context: ProviderContext) -> Provider:
    """Imports the client only now, so that validating never loads an HTTP library."""
    from argos_gitops.providers.caddy.provider import CaddyProvider

    return CaddyProvider(target, context)


PROVIDER = ProviderSpec(
    name="caddy",
    target_kind="Edge",
    settings=CaddySettings,
    kinds=(ServiceSpec, HostSpec),
    factory=_factory,
    checks=CHECKS,
)
