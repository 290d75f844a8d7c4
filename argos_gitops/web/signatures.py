"""Whether a delivery comes from the forge that it says: each forge's own scheme.

Each function gives back what identifies a genuine delivery, so that a second one can be told, and refuses
with 401 what is not genuine. Secrets and digests are compared in constant time.

| forge | header | what it holds |
|---|---|---|
| GitHub | `X-Hub-Signature-256` | `sha256=` and the hex HMAC of the body |
| GitLab | `X-Gitlab-Token` | the secret itself |
| GitLab, signing token | `webhook-signature` | `v1,` and the base64 HMAC of `id.timestamp.body` |
| Gitea | `X-Gitea-Signature` | the hex HMAC of the JSON, also where that is a field of a form |
| Forgejo | `X-Forgejo-Signature`, before 1.19 `X-Gitea-Signature` | the same |
| Bitbucket, Cloud and Data Center | `X-Hub-Signature` | `sha256=` and the hex HMAC of the body |
| others | `X-Signature`, `X-Timestamp` | `sha256=` and the hex HMAC of the body, or of `timestamp.body` |

All HMACs are HMAC-SHA256 with the secret as key.
"""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qs

from argos_gitops.model.secret import SecretValue
from argos_gitops.web.answers import RefusalError

OLDEST = timedelta(minutes=5)
"""How far the clock of a sender that signs the time may be from ours."""

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 20
_SIGNING_TOKEN = "whsec_"  # noqa: S105 # how GitLab's signing tokens begin, not one of them


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request as its signature sees it. `headers` are found whatever their case."""

    headers: Mapping[str, str]
    body: bytes
    at: datetime

    @property
    def json(self) -> bytes:
        """The body, or what the field `payload` of a form holds; empty where there is none."""
        if not self.headers.get("content-type", "").startswith(_FORM):
            return self.body
        try:
            return parse_qs(self.body.decode(), max_num_fields=_MOST_FIELDS)["payload"][0].encode()
        except (ValueError, KeyError):
            return b""


def check_github(delivery: Delivery, secret: SecretValue) -> bytes:
    return _check_body(delivery, secret, "x-hub-signature-256")


def check_gitlab(delivery: Delivery, secret: SecretValue) -> bytes:
    """The form of the secret decides: with a signing token, a plain token is not enough."""
    if secret.reveal().startswith(_SIGNING_TOKEN):
        return _check_standard_webhook(delivery, secret)
    _compare(delivery, "x-gitlab-token", secret.reveal().encode())
    return delivery.headers.get("idempotency-key", "").encode("latin-1") + sha256(delivery.body).digest()


def check_gitea(delivery: Delivery, secret: SecretValue) -> bytes:
    return _check_json(delivery, secret, "x-gitea-signature")


def check_forgejo(delivery: Delivery, secret: SecretValue) -> bytes:
    """A wrong signature of its own is not made good by one under the old name."""
    own = "x-forgejo-signature"
    return _check_json(delivery, secret, own if own in delivery.headers else "x-gitea-signature")


def check_bitbucket(delivery: Delivery, secret: SecretValue) -> bytes:
    return _check_body(delivery, secret, "x-hub-signature")


def check_generic(delivery: Delivery, secret: SecretValue) -> bytes:
    """With `X-Timestamp` (seconds since 1970) the time is signed too, and must be ours."""
    timestamp = delivery.headers.get("x-timestamp")
    if timestamp is None:
        return _check_body(delivery, secret, "x-signature")
    _check_time(timestamp, delivery.at)
    digest = _mac(secret.reveal().encode(), timestamp.encode("latin-1") + b"." + delivery.body)
    _compare(delivery, "x-signature", b"sha256=" + digest.hex().encode())
    return digest


def _check_body(delivery: Delivery, secret: SecretValue, header: str) -> bytes:
    digest = _mac(secret.reveal().encode(), delivery.body)
    _compare(delivery, header, b"sha256=" + digest.hex().encode())
    return digest


def _check_json(delivery: Delivery, secret: SecretValue, header: str) -> bytes:
    """Gitea 1.26 and Forgejo sign what they put into a form, not the form."""
    digest = _mac(secret.reveal().encode(), delivery.json)
    _compare(delivery, header, digest.hex().encode())
    return digest


def _check_standard_webhook(delivery: Delivery, secret: SecretValue) -> bytes:
    """The scheme that GitLab's signing tokens follow; several signatures may stand side by side."""
    timestamp = delivery.headers.get("webhook-timestamp", "")
    _check_time(timestamp, delivery.at)
    identity = delivery.headers.get("webhook-id", "").encode("latin-1")
    signed = b".".join((identity, timestamp.encode("latin-1"), delivery.body))
    expected = b"v1," + b64encode(_mac(_signing_key(secret), signed))
    given = delivery.headers.get("webhook-signature", "").encode("latin-1").split()
    if not any([hmac.compare_digest(each, expected) for each in given]):  # noqa: C419 # all, in equal time
        raise _not_genuine("webhook-signature")
    return identity


def _signing_key(secret: SecretValue) -> bytes:
    encoded = secret.reveal().removeprefix(_SIGNING_TOKEN)
    try:
        return b64decode(encoded, validate=True)
    except ValueError:
        message = "ARGOS_WEBHOOK_SECRET begins like a signing token of GitLab, but is none; copy it again"
        raise RefusalError(503, "BadSecret", message) from None


def _check_time(timestamp: str, now: datetime) -> None:
    """Before the signature: it tells nothing that the sender does not know."""
    seconds = int(timestamp) if timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 16 else 0
    if abs(now.timestamp() - seconds) > OLDEST.total_seconds():
        message = (
            f"the timestamp is not within {OLDEST.seconds // 60} minutes of our time; compare the clocks"
        )
        raise RefusalError(401, "BadTimestamp", message)


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")


def _compare(delivery: Delivery, header: str, expected: bytes) -> None:
    if not hmac.compare_digest(delivery.headers.get(header, "").encode("latin-1"), expected):
        raise _not_genuine(header)


def _not_genuine(header: str) -> RefusalError:
    return RefusalError(
        401,
        "BadSignature",
        f"{header} is missing, or was not made with our secret; "
        "set the same secret at the sender and in ARGOS_WEBHOOK_SECRET",
    )
