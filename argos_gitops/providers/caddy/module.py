"""CrowdSec's bouncer module inside of Caddy: does it refuse anybody, and when may Caddy load.

Facts (caddy-crowdsec-bouncer v0.12.1 with CrowdSec 1.7.8, as run):

- A module whose key LAPI does not know loads, and lets everybody in. `POST /crowdsec/ping` of Caddy's admin
  API asks LAPI with the module's own key; `/crowdsec/info` tells for how long it has been loaded (`Uptime`,
  nanoseconds); `/crowdsec/check` whether it blocks an address, or with `ForceLive` whether LAPI does.
- Each load of Caddy empties what the module knows; it asks LAPI for everything anew. While LAPI is away it
  knows nothing.
- Its end waits for a pull that is under way, without a limit: a load that meets one never ends, and Caddy's
  admin API hangs until Caddy is restarted. So it was where LAPI hung, and in the second of two loads within a
  second or three with 100,000 decisions.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from argos_gitops.model.errors import ProviderError, TransientError
from argos_gitops.model.plan import Failure
from argos_gitops.outbound import BoundedClient, Bounds
from argos_gitops.providers.caddy.client import USER_AGENT, AdminClient
from argos_gitops.providers.caddy.edge import BouncerModule

HANGING_HINT = (
    "is it busy with another load? With CrowdSec's bouncer module a load that met a pull from LAPI never "
    "ends: if this stays so, restart Caddy"
)
KEY_REFUSED, LAPI_AWAY = "BouncerKeyRefused", "LapiAway"

_SECONDS_BETWEEN_LOADS = 10.0
_MOST_CHECKED = 3
_PULLED_WITHIN_SECONDS = 30.0
_LAPI_SECONDS = 5.0
_BOUNDS = Bounds(64 * 1024)
_NANOSECONDS = 1e9


@dataclass(frozen=True, slots=True)
class ModuleBouncer:
    """The module of one Caddy. Raises ProviderError and nothing else."""

    client: AdminClient
    module: BouncerModule

    def await_quiet(self) -> None:
        """Returns when Caddy may load: LAPI answers, and the last load is some seconds ago.

        Raises TransientError (LapiAway) when LAPI does not answer: nothing may be written then.
        """
        self._expect_lapi()
        loaded_for = self._uptime()
        if loaded_for is not None and loaded_for < _SECONDS_BETWEEN_LOADS:
            time.sleep(_SECONDS_BETWEEN_LOADS - max(0.0, loaded_for))
            self._expect_lapi()

    def problem(self, banned: Sequence[str]) -> Failure | None:
        """Why visitors that are banned get in; None when they do not. `banned` are addresses to try."""
        if not self._lapi_answers():
            return Failure(LAPI_AWAY, f"{self._away()}; bans that it does not know yet are not in force")
        answer = self.client.crowdsec("ping")
        if answer is None:
            return Failure(
                "BouncerUnproven",
                "Caddy's CrowdSec module has no admin API, so nobody can tell whether it refuses anybody; "
                "use a newer one, or crowdsec.bouncer.mode: forward-auth",
            )
        if answer.get("Ok") is not True:
            return Failure(
                KEY_REFUSED,
                f"LAPI at {self.module.lapi_url} answers us, but not Caddy's CrowdSec module: it does not "
                "know the module's key (403 access forbidden), or Caddy cannot reach it; all are let in; "
                "make a key with `cscli bouncers add`, and put it where crowdsec.bouncer.key says, for Caddy",
            )
        return next((self._unknown(each) for each in banned[:_MOST_CHECKED] if self._passes(each)), None)

    def _passes(self, address: str) -> bool:
        """Whether the module lets in an address that LAPI bans; it is given the time of a pull."""
        while self._blocked(address, live=True) and not self._blocked(address, live=False):
            loaded_for = self._uptime()
            if loaded_for is None or loaded_for >= _PULLED_WITHIN_SECONDS:
                return True
            time.sleep(1.0)
        return False

    def _unknown(self, address: str) -> Failure:
        return Failure(
            "BouncerStale",
            f"LAPI bans {address}, and Caddy's CrowdSec module does not know it: what it knows is empty or "
            "old. Restart Caddy, and look at its log for errors of the module",
        )

    def _blocked(self, address: str, *, live: bool) -> bool:
        answer = self.client.crowdsec("check", {"IP": address, "ForceLive": live})
        return answer is not None and answer.get("Blocked") is True

    def _uptime(self) -> float | None:
        """Seconds since Caddy loaded the module, whoever made it load; None where it cannot be told."""
        answer = self.client.crowdsec("info") or {}
        uptime = answer.get("Uptime")
        return uptime / _NANOSECONDS if isinstance(uptime, int | float) else None

    def _expect_lapi(self) -> None:
        if not self._lapi_answers():
            raise TransientError(
                f"{self._away()}, so nothing is written to Caddy: with each load its CrowdSec module forgets "
                "all bans until LAPI is back, and while LAPI hangs a load never ends. Start CrowdSec, or use "
                "crowdsec.bouncer.mode: forward-auth, which keeps what it knows",
                reason=LAPI_AWAY,
            )

    def _away(self) -> str:
        return f"LAPI at {self.module.lapi_url} does not answer"

    def _lapi_answers(self) -> bool:
        """Any answer will do. Nothing secret is sent, so nobody's certificate is checked."""
        headers = {"User-Agent": USER_AGENT}
        try:
            with BoundedClient(
                _BOUNDS, timeout=_LAPI_SECONDS, trust_env=False, verify=False, headers=headers
            ) as lapi:
                lapi.get(f"{self.module.lapi_url.rstrip('/')}/health")
        except (httpx.HTTPError, httpx.InvalidURL):
            return False
        return True


def told(bouncer: ModuleBouncer, banned: Sequence[str]) -> Failure | None:
    """`problem`, where one that keeps it from being asked is a problem too."""
    try:
        return bouncer.problem(banned)
    except ProviderError as error:
        return Failure(error.reason, str(error))
