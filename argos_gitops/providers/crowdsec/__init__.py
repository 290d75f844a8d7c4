"""Provider crowdsec: the bans that stand in one CrowdSec LAPI; see README.md in this folder.

Belongs here: the `crowdsec:` section of an Edge, the kinds Decision, Allowlist and CountryBan, the GeoIP
database, and whatever speaks to LAPI. Does not: Caddy's bouncer module, planning, storing.
"""

from argos_gitops.ports.provider import Provider, ProviderContext, ProviderSpec, Target
from argos_gitops.providers.crowdsec.bouncer.config import BOUNCING
from argos_gitops.providers.crowdsec.checks import CHECKS
from argos_gitops.providers.crowdsec.kinds import AllowlistSpec, CountryBanSpec, DecisionSpec
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings


def _factory(target: Target, context: ProviderContext) -> Provider:
    """Imports the client only now, so that validating never loads an HTTP library."""
    from argos_gitops.providers.crowdsec.provider import CrowdSecProvider

    return CrowdSecProvider(target, context)


PROVIDER = ProviderSpec(
    name="crowdsec",
    target_kind="Edge",
    settings=CrowdSecSettings,
    kinds=(DecisionSpec, AllowlistSpec, CountryBanSpec),
    factory=_factory,
    checks=CHECKS,
    bouncing=BOUNCING,
)
