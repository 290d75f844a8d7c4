"""Web Push as a browser and its push service see it."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.errors import TerminalError, TransientError
from argos_gitops.notify.attempt import attempt
from argos_gitops.notify.channels.encryption import (
    MAX_PAYLOAD,
    Subscription,
    encrypt_with,
    private_key,
    public_bytes,
    to_base64url,
)
from argos_gitops.notify.channels.webpush import payload
from tests.components.receiver import Answer, Receiver
from tests.notify.world import Environment, channel, event, message

CURVE = ec.SECP256R1()


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """Subscribes to a push service at `url`, and reads what was pushed to it."""

    def __init__(self, url: str) -> None:
        self._key = ec.generate_private_key(CURVE)
        self._auth = b"sixteen bytes ok"
        self._public = public_bytes(self._key)
        keys = {"p256dh": to_base64url(self._public), "auth": to_base64url(self._auth)}
        self.subscription = {"endpoint": url, "expirationTime": None, "keys": keys}

    def read(self, body: bytes) -> dict[str, Any]:
        """Undoes RFC 8291, from its words alone."""
        salt, size, length = body[:16], body[16:20], body[20]
        theirs = body[21 : 21 + length]
        assert (int.from_bytes(size, "big"), length) == (4096, 65)
        shared = self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs))
        keying = _hkdf(self._auth, b"WebPush: info\0" + self._public + theirs, 32, shared)
        key = _hkdf(salt, b"Content-Encoding: aes128gcm\0", 16, keying)
        nonce = _hkdf(salt, b"Content-Encoding: nonce\0", 12, keying)
        plain = AESGCM(key).decrypt(nonce, body[21 + length :], None)
        assert plain[-1:] == b"\x02"
        found: dict[str, Any] = json.loads(plain[:-1])
        return found


def _hkdf(salt: bytes, info: bytes, length: int, secret: bytes) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def spec(**changes: Any) -> Any:
    given = {"privateKey": {"env": "VAPID"}, "contact": "mailto:ops@example.com"}
    return channel(webPush={**given, "subscriptions": [{"env": "BROWSER"}], **changes})


def secrets(*browsers: Browser) -> tuple[Environment, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(CURVE)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    subscriptions = json.dumps([browser.subscription for browser in browsers])
    return Environment({"VAPID": pem, "BROWSER": subscriptions}), key


def test_only_the_browser_can_read_it_and_the_service_knows_who_sends(receiver: Receiver) -> None:
    browser = Browser(f"{receiver.url}/push/canary-path")
    found, key = secrets(browser)
    told = message(event(title="the edge is away"))
    assert attempt(spec(), told, found) == ""
    (received,) = receiver.received
    assert (received.path, received.headers["Content-Encoding"]) == ("/push/canary-path", "aes128gcm")
    assert [received.headers[name] for name in ("TTL", "Urgency", "Topic")] == ["86400", "high", told.id]
    read = browser.read(received.body)
    assert (read["title"], read["id"]) == ("[home] the edge is away", told.id)
    _verify_sender(received.headers["Authorization"], key, receiver.url)


def _verify_sender(header: str, key: ec.EllipticCurvePrivateKey, origin: str) -> None:
    """RFC 8292: a JWT for this very push service, signed by the key that stands beside it."""
    token, public = (part.split("=", 1)[1] for part in header.removeprefix("vapid ").split(", "))
    assert unpadded(public) == public_bytes(key)
    head, claims, signature = token.split(".")
    raw = unpadded(signature)
    encoded = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.public_key().verify(encoded, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
    assert json.loads(unpadded(head)) == {"typ": "JWT", "alg": "ES256"}
    found = json.loads(unpadded(claims))
    assert (found["aud"], found["sub"]) == (origin, "mailto:ops@example.com")


def test_the_example_of_the_standard() -> None:
    """RFC 8291, section 5: the same keys, salt and text give the same bytes."""
    subscription = Subscription(
        "https://push.example.net/",
        unpadded("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        unpadded("BTBZMqHH6r4Tts7J_aSIgg"),
    )
    ours = private_key("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")
    body = encrypt_with(
        b"When I grow up, I want to be a watermelon", subscription, ours, unpadded("DGv6ra1nlYgDCS1FRnbzlw")
    )
    assert to_base64url(body) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


def test_one_browser_that_is_gone_keeps_it_from_no_other(receiver: Receiver) -> None:
    """It is told, and not tried again: that would tell the others twice."""
    found, _ = secrets(Browser(f"{receiver.url}/a"), Browser(f"{receiver.url}/b"))
    receiver.script.append(Answer(410))
    assert attempt(spec(), message(), found) == "the push service of browser 1 refuses: HTTP 410"
    assert len(receiver.received) == 2


def test_only_when_all_fail_it_has_failed(receiver: Receiver) -> None:
    """And it is tried again as long as one of them may come back."""
    found, _ = secrets(Browser(f"{receiver.url}/a"), Browser(f"{receiver.url}/b"))
    receiver.script.extend([Answer(410), Answer(503)])
    with pytest.raises(TransientError, match="browser 2 fails: HTTP 503"):
        attempt(spec(), message(), found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VAPID", "canary"),
        ("VAPID", "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----"),
        ("BROWSER", "canary"),
        ("BROWSER", '{"endpoint": "https://canary.example.com"}'),
        (
            "BROWSER",
            '{"endpoint": "https://x.example.com", "keys": {"p256dh": "Y2FuYXJ5", "auth": "Y2FuYXJ5"}}',
        ),
    ],
)
def test_secrets_that_are_none_are_told_and_not_shown(name: str, value: str) -> None:
    found, _ = secrets(Browser("http://127.0.0.1:9/"))
    found.values[name] = value
    with pytest.raises(TerminalError) as error:
        attempt(spec(), message(), found)
    assert "canary" not in str(error.value)


@given(st.text(max_size=6000))
def test_the_payload_fits_whatever_the_text_is(text: str) -> None:
    """And stays JSON."""
    encoded = payload(message(event(title=text[:200]), *[event(title=text)] * 3))
    assert len(encoded) <= MAX_PAYLOAD
    assert json.loads(encoded)["severity"] == "error"
