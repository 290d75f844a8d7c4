"""Each forge's scheme, against what its documentation gives as an example, and against tampering."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.datastructures import Headers

from argos_gitops.model.secret import SecretValue
from argos_gitops.web import signatures
from argos_gitops.web.answers import RefusalError
from argos_gitops.web.forges import FORGES
from argos_gitops.web.signatures import Delivery
from tests.web.deliveries import EVERY_FORGE, SIGNATURE_HEADERS, Delivered, generic
from tests.web.running import SECRET

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def _delivery(delivered: Delivered, at: datetime = NOW) -> Delivery:
    return Delivery(Headers(dict(delivered.headers)), delivered.body, at)


def test_github_signs_as_its_documentation_says() -> None:
    """The example of "Validating webhook deliveries"."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    delivery = Delivery(Headers({"X-Hub-Signature-256": signature}), b"Hello, World!", NOW)
    signatures.check_github(delivery, SecretValue("It's a Secret to Everybody"))


def test_gitlab_signing_tokens_follow_standard_webhooks() -> None:
    """The example of the Standard Webhooks libraries; other signatures may stand beside the right one."""
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = Headers(
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= "
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        }
    )
    token = SecretValue("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signatures.check_gitlab(Delivery(headers, b'{"test": 2432232314}', at), token)
    with pytest.raises(RefusalError, match="within 5 minutes"):
        signatures.check_gitlab(Delivery(headers, b'{"test": 2432232314}', at + timedelta(minutes=6)), token)


def test_gitlab_with_a_signing_token_takes_no_plain_one() -> None:
    """Otherwise whoever can read the header could leave the signature away."""
    token = "whsec_" + "A" * 32
    delivery = Delivery(Headers({"X-Gitlab-Token": token}), b"{}", NOW)
    with pytest.raises(RefusalError):
        signatures.check_gitlab(delivery, SecretValue(token))


def test_a_signing_token_that_is_cut_short_is_our_mistake() -> None:
    delivery = Delivery(Headers({"webhook-timestamp": str(int(NOW.timestamp()))}), b"{}", NOW)
    with pytest.raises(RefusalError) as refused:
        signatures.check_gitlab(delivery, SecretValue("whsec_AAA"))
    assert (refused.value.status, refused.value.reason) == (503, "BadSecret")


@pytest.mark.parametrize("provider", EVERY_FORGE)
@pytest.mark.parametrize(
    "wrong",
    ["", "sha256=", "0" * 64, "sha256=" + "0" * 64, "ünïcödé".encode().decode("latin-1"), SECRET[:-1]],
)
def test_a_wrong_signature_is_refused(provider: str, wrong: str) -> None:
    """Whatever it looks like, and with the status that a forge shows as such."""
    delivered = EVERY_FORGE[provider]().with_headers(**{SIGNATURE_HEADERS[provider]: wrong})
    with pytest.raises(RefusalError) as refused:
        FORGES[provider].check(_delivery(delivered), SecretValue(SECRET))
    assert (refused.value.status, refused.value.reason) == (401, "BadSignature")
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("provider", sorted(set(EVERY_FORGE) - {"gitlab"}))
def test_a_body_that_was_changed_on_the_way_is_refused(provider: str) -> None:
    delivered = EVERY_FORGE[provider]()
    changed = Delivered(provider, delivered.headers, delivered.body.replace(b"main", b"mine"))
    with pytest.raises(RefusalError):
        FORGES[provider].check(_delivery(changed), SecretValue(SECRET))


@pytest.mark.parametrize("provider", EVERY_FORGE)
def test_a_genuine_delivery_has_the_same_identity_each_time(provider: str) -> None:
    """And another one another, as replays are told by it."""
    check = FORGES[provider].check
    first = check(_delivery(EVERY_FORGE[provider]()), SecretValue(SECRET))
    assert first == check(_delivery(EVERY_FORGE[provider]()), SecretValue(SECRET))
    assert first != check(_delivery(EVERY_FORGE[provider]({"other": 1})), SecretValue(SECRET))


def test_forgejo_before_it_had_a_name_of_its_own() -> None:
    """Only the old header: fine. A wrong new one beside a right old one: not."""
    delivered = EVERY_FORGE["forgejo"]()
    check = FORGES["forgejo"].check
    check(_delivery(delivered.without("X-Forgejo-Signature")), SecretValue(SECRET))
    with pytest.raises(RefusalError):
        check(_delivery(delivered.with_headers(**{"X-Forgejo-Signature": "0" * 64})), SecretValue(SECRET))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_generic_delivery_of_another_time_is_refused(minutes: int) -> None:
    delivered = generic(timestamp=int(NOW.timestamp()))
    at = NOW + timedelta(minutes=minutes)
    with pytest.raises(RefusalError, match="compare the clocks"):
        signatures.check_generic(_delivery(delivered, at), SecretValue(SECRET))


@pytest.mark.parametrize("timestamp", ["", "now", "-1", "1e9", "9" * 40, "１２"])
def test_a_timestamp_is_a_number(timestamp: str) -> None:
    headers = {"X-Timestamp": timestamp.encode().decode("latin-1"), "X-Signature": "sha256="}
    with pytest.raises(RefusalError):
        signatures.check_generic(Delivery(Headers(headers), b"{}", NOW), SecretValue(SECRET))


def test_a_timestamp_that_was_signed_cannot_be_left_away() -> None:
    """The signature is over both, so it does not fit the body alone."""
    delivered = generic(timestamp=int(NOW.timestamp())).without("X-Timestamp")
    with pytest.raises(RefusalError):
        signatures.check_generic(_delivery(delivered), SecretValue(SECRET))
