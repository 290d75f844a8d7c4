"""`POST /webhooks/{provider}`: a forge tells that something was pushed, and the agent looks again.

A delivery is read, checked, and weighed in memory; whatever the agent is doing, it costs a millisecond.
Nothing of it is believed but that it is time to look: what is applied comes from git alone.
"""

from dataclasses import dataclass, field

import orjson
from starlette.requests import Request
from starlette.responses import Response

from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.trigger import Trigger
from argos_gitops.web.answers import JsonAnswer, RefusalError
from argos_gitops.web.body import BodyReader
from argos_gitops.web.clients import client_address
from argos_gitops.web.followed import Followed
from argos_gitops.web.forges import FORGES, Forge
from argos_gitops.web.limits import RateLimit
from argos_gitops.web.log import WebLog
from argos_gitops.web.metrics import WebMetrics
from argos_gitops.web.pushes import Payload
from argos_gitops.web.replays import Replays
from argos_gitops.web.signatures import Delivery

_FAILURES = (20, 3.0)
"""How many wrong deliveries of one address are looked at in detail: at once, and seconds for one more."""

_WHY_IGNORED = {
    "Ping": "we are here",
    "OtherEvent": "only pushes matter here",
    "OtherRepository": "this is not the repository that this agent follows",
    "OtherRef": "this is not the branch that this agent follows",
    "OwnBranch": "the agent wrote this itself",
    "Replayed": "this delivery came before",
}


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The one endpoint, with what it needs to judge a delivery."""

    secret: SecretValue | None
    followed: Followed
    trigger: Trigger
    clock: Clock
    metrics: WebMetrics
    log: WebLog
    replays: Replays = field(default_factory=Replays)
    bodies: BodyReader = field(default_factory=BodyReader)
    failures: RateLimit = field(default_factory=lambda: RateLimit(*_FAILURES))

    async def deliver(self, request: Request) -> Response:
        """202 with what became of the delivery, or 200 for a ping; a refusal says what is wrong."""
        provider = request.path_params["provider"]
        forge = FORGES.get(provider)
        if forge is None:
            known = ", ".join(FORGES)
            raise RefusalError(404, "UnknownProvider", f"expected /webhooks/ and one of {known}")
        try:
            reason = self._weigh(forge, provider, await self._genuine(forge, request))
        except RefusalError as refusal:
            self.metrics.webhook(provider, refusal.reason)
            raise self._slowed_down(request, refusal) from None
        self.metrics.webhook(provider, reason or "accepted")
        return _answer(reason)

    async def _genuine(self, forge: Forge, request: Request) -> "tuple[bytes, Delivery]":
        """The delivery and its identity, if it was made with our secret."""
        if self.secret is None:
            message = "webhooks need a secret; set ARGOS_WEBHOOK_SECRET or ARGOS_WEBHOOK_SECRET_FILE"
            raise RefusalError(503, "NoSecret", message)
        body = await self.bodies.read(request)
        delivery = Delivery(request.headers, body, self.clock.now())
        return forge.check(delivery, self.secret), delivery

    def _weigh(self, forge: Forge, provider: str, genuine: "tuple[bytes, Delivery]") -> str:
        """The reason to ignore a genuine delivery; empty, and the agent looks again, when there is none."""
        identity, delivery = genuine
        payload = _payload(delivery)
        event = forge.event(delivery.headers, payload)
        if event in forge.pings:
            return "Ping"
        if event not in forge.pushes:
            return "OtherEvent"
        push = forge.read(payload)
        reason = self.followed.why_not(push)
        if reason:
            return reason
        if self.replays.came_before(provider, identity):
            return "Replayed"
        self.log.info("webhook", provider=provider, refs=list(push.refs[:5]), sender=push.sender[:100])
        self.trigger.look(f"webhook {provider}")
        return ""

    def _slowed_down(self, request: Request, refusal: RefusalError) -> RefusalError:
        """A flood of forgeries is told to wait, and fills no log; it never keeps a genuine delivery out."""
        if refusal.status != 401:
            return refusal
        address = client_address(request)
        try:
            self.failures.check(address)
        except RefusalError as too_many:
            return too_many
        self.failures.count(address)
        self.log.warning("webhook_refused", reason=refusal.reason, client=address)
        return refusal


def _payload(delivery: Delivery) -> Payload:
    try:
        payload = orjson.loads(delivery.json)
    except ValueError:
        payload = None
    if not isinstance(payload, dict):
        raise RefusalError(400, "Malformed", "expected a JSON object as the body")
    return payload


def _answer(reason: str) -> Response:
    if not reason:
        return JsonAnswer({"result": "accepted", "reason": "Push", "message": "the agent looks again"}, 202)
    answer = {"result": "ignored", "reason": reason, "message": _WHY_IGNORED[reason]}
    return JsonAnswer(answer, 200 if reason == "Ping" else 202)
