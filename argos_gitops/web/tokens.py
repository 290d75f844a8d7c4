"""The bearer token of the read API."""

from hashlib import sha256
from hmac import compare_digest

from starlette.requests import Request

from argos_gitops.model.secret import SecretValue
from argos_gitops.web.answers import RefusalError
from argos_gitops.web.clients import client_address
from argos_gitops.web.limits import RateLimit

REQUESTS = (60, 0.1)
"""At once, and seconds for one more: what a dashboard with many panels needs, and no scraper of pages."""
FAILURES = (10, 6.0)


class TokenGate:
    """Lets whoever has the token pass, and slows down whoever guesses."""

    def __init__(
        self,
        token: SecretValue | None,
        requests: RateLimit | None = None,
        failures: RateLimit | None = None,
    ) -> None:
        self._digest = sha256(token.reveal().encode()).digest() if token else None
        self._requests = requests or RateLimit(*REQUESTS)
        self._failures = failures or RateLimit(*FAILURES)

    def check(self, request: Request) -> None:
        """Refuses with 503 where no token is set, 401 without the token, 429 after too many failures.

        Whoever has the token is never turned away for the failures of others at the same address.
        """
        if self._digest is None:
            message = "this needs a token, and none is set; set ARGOS_API_TOKEN or ARGOS_API_TOKEN_FILE"
            raise RefusalError(503, "NoToken", message)
        address = client_address(request)
        if not compare_digest(sha256(bearer_of(request)).digest(), self._digest):
            self._failures.check(address)
            self._failures.count(address)
            message = "expected the header Authorization: Bearer with the token of this agent"
            raise RefusalError(401, "Unauthorized", message, {"WWW-Authenticate": "Bearer"})
        self._requests.check(address)
        self._requests.count(address)


def bearer_of(request: Request) -> bytes:
    """The token that came, empty without one; compare digests of it, so that its length tells nothing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip().encode("latin-1") if scheme.lower() == "bearer" else b""
